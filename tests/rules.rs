//! `brevdue rules` as a site uses it: packs over our rules, kinds, and the list of numbers that are nobody's.

use crate::support::program::{self, code, said};
use crate::support::put;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// Made up, with modulus 11.
const NUMBER: &str = "150379-1028";
const OTHER: &str = "030685-1004";
/// Made up, fails modulus 11.
const SUSPECT: &str = "150379-1029";

const CONFIG: &str = "[milter]\nlisten = \"127.0.0.1:8891\"\n[store]\nurl = \"sqlite:register.sqlite\"\n\
    [spool]\npath = \"spool\"\n[policy]\nleak = \"deliver\"\n[rules]\npath = \"rules\"\n\
    [[controller]]\nname = \"A\"\ncvr = \"12345678\"\ndpo = \"dpo@a.example\"\n";

/// A site with a configuration, a node key and these files in its folder of rules.
fn site(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("rules")).unwrap();
    put(&at.join("brevdue.toml"), CONFIG.as_bytes()).unwrap();
    for (name, text) in files {
        put(&at.join("rules").join(name), text.as_bytes()).unwrap();
    }
    set_key(at, 7);
    folder
}

fn set_key(at: &Path, byte: u8) {
    put(&at.join("node.key"), &[byte; 32]).unwrap();
    fs::set_permissions(at.join("node.key"), Permissions::from_mode(0o600)).unwrap();
}

fn brevdue(at: &Path, args: &[&str], input: &str) -> Output {
    program::brevdue(at, &[args, &["--config", "brevdue.toml"]].concat(), input)
}

/// Scans a text as a message; its exit code and its findings.
fn scan(at: &Path, text: &str) -> (i32, Vec<Value>) {
    let mail = format!("From: a@kommune.example\nSubject: x\n\n{text}\n");
    let output = brevdue(at, &["scan", "--format", "jsonl", "--as", "message/rfc822", "-"], &mail);
    let row: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    (code(&output), row["findings"].as_array().unwrap().clone())
}

fn allow(at: &Path, args: &[&str], input: &str) -> Output {
    brevdue(at, &[["rules", "allow"].as_slice(), args].concat(), input)
}

#[test]
fn an_allowed_number_is_a_test_number_and_no_leak() {
    let site = site(&[]);
    let at = site.path();
    put(&at.join("rules/site.toml"), b"").unwrap();
    let text = format!("CPR-nr. {NUMBER}");
    assert_eq!(scan(at, &text).0, 1);
    let output = allow(at, &[], &format!("# test data\n{NUMBER}\n\n1503791028\n030685 1004 # too\n"));
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).contains("2 numbers taken in (1 there before"), "{}", said(&output));

    let (code_now, findings) = scan(at, &text);
    assert_eq!((code_now, findings.len()), (0, 1));
    assert_eq!((&findings[0]["kind"], &findings[0]["confidence"]), (&"test".into(), &"certain".into()));
    assert!(findings[0]["why"].as_array().unwrap().contains(&"allowed".into()), "{findings:?}");
    // Only these two: another number beside them is a leak as before.
    assert_eq!(scan(at, &format!("CPR-nr. {OTHER}")).0, 0);
    assert_eq!(scan(at, &format!("{text} og cpr 241292-1006")).0, 1);

    // What test numbers count for is what allowed numbers count for.
    put(&at.join("rules/site.toml"), b"[kind]\ntest = 'ignore'\n").unwrap();
    assert_eq!(scan(at, &text), (0, Vec::new()));
    put(&at.join("rules/site.toml"), b"").unwrap();

    let output = allow(at, &["--remove"], &format!("{NUMBER}\n241292-1006\n"));
    assert!(
        said(&output).contains("1 number taken off (1 not on the list); 1 number on"),
        "{}",
        said(&output)
    );
    assert_eq!(scan(at, &text).0, 1);
    assert!(said(&allow(at, &["--count"], "")).contains("1 number on the list"));
}

#[test]
fn the_list_holds_no_number_and_only_its_owner_reads_it() {
    let site = site(&[]);
    let at = site.path();
    put(&at.join("numbers.txt"), format!("{NUMBER}\n{OTHER}\n").as_bytes()).unwrap();
    let output = allow(at, &["--file", "numbers.txt"], "");
    assert_eq!(code(&output), 0, "{}", said(&output));
    let list = at.join("rules/allow.list");
    assert_eq!(fs::metadata(&list).unwrap().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&list).unwrap();
    assert!(!text.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_digit)), "{text}");
    assert_eq!(fs::read_dir(at.join("rules")).unwrap().count(), 1, "no draft is left");
    // A list alone is enough of a folder.
    assert_eq!(scan(at, &format!("CPR {NUMBER}")).0, 0);
    // No command repeats a number.
    for output in [output, allow(at, &[], &format!("{NUMBER}\n")), brevdue(at, &["rules", "list"], "")] {
        assert!(!said(&output).contains("1028"), "{}", said(&output));
    }
}

#[test]
fn a_bad_line_is_named_not_shown_and_nothing_is_kept() {
    let site = site(&[("site.toml", "")]);
    let at = site.path();
    let output = allow(at, &[], &format!("{NUMBER}\n320179-1028\n15037-1028\n"));
    assert_eq!(code(&output), 2);
    let said = said(&output);
    assert!(said.contains("line 2: begins with no date") && said.contains("line 3: not a number"), "{said}");
    assert!(!said.contains("1028") && !said.contains("3201"), "{said}");
    assert!(!at.join("rules/allow.list").exists());
    assert_eq!(code(&allow(at, &[], "# nothing\n")), 2);
}

#[test]
fn a_list_of_another_node_and_a_missing_key_are_said() {
    let site = site(&[("site.toml", "")]);
    let at = site.path();
    assert_eq!(code(&allow(at, &[], NUMBER)), 0);
    set_key(at, 8);
    for args in [["scan", "brevdue.toml"].as_slice(), &["check-config"], &["rules", "allow", "--count"]] {
        let output = brevdue(at, args, "");
        assert_eq!(code(&output), 2, "{args:?}: {}", said(&output));
        assert_eq!(said(&output).matches("under the key of another node").count(), 1, "{}", said(&output));
    }
    // Who only tunes can still see the rules, and is told.
    let output = brevdue(at, &["rules", "list"], "");
    assert!(code(&output) == 0 && said(&output).contains("cannot be said"), "{}", said(&output));
    fs::remove_file(at.join("node.key")).unwrap();
    let output = brevdue(at, &["scan", "brevdue.toml"], "");
    assert!(code(&output) == 2 && said(&output).contains("needs the node key"), "{}", said(&output));
    let output = allow(at, &[], NUMBER);
    assert!(code(&output) == 2 && said(&output).contains("brevdue serve"), "{}", said(&output));
}

#[test]
fn kinds_count_as_the_site_says() {
    let text = format!("CPR-nr. {SUSPECT}");
    for (pack, code, findings) in
        [("", 0, 1), ("[kind]\nsuspect = 'count'", 1, 1), ("[kind]\nsuspect = 'ignore'", 0, 0)]
    {
        let site = site(&[("site.toml", pack)]);
        let (found_code, found) = scan(site.path(), &text);
        assert_eq!((found_code, found.len()), (code, findings), "{pack}");
    }
    let site = site(&[("site.toml", "[kind]\ncpr = 'report'")]);
    assert_eq!(scan(site.path(), &format!("CPR-nr. {NUMBER}")).0, 0);
}

#[test]
fn a_pack_of_the_site_is_listed_with_what_it_changed() {
    let pack = "remove = ['lookalike:link']\n[kind]\nsuspect = 'count'\n\
        [[label]]\nname = 'handel'\nweight = -1.9\nwords = ['ordre']\nmust = ['ordre {n}']\nmust_not = ['x {n}']\n\
        [[source]]\nname = 'Byggesag'\nmatch = '@byggesag.example'\n";
    let site = site(&[("20-site.toml", pack)]);
    let output = brevdue(site.path(), &["rules", "list"], "");
    let said = said(&output);
    for line in [
        "20-site.toml (pack)",
        "suspect count",
        "20-site.toml removes lookalike:link of lookalikes.toml",
        "20-site.toml replaces label:handel of context.da.toml",
        "20-site.toml sets kind:suspect to count",
        "Byggesag <- @byggesag.example  (20-site.toml)",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
    let wide = String::from_utf8(output.stdout).unwrap();
    assert!(wide.lines().all(|line| line.chars().count() <= 100), "{wide}");

    let output = brevdue(site.path(), &["rules", "list", "--format", "json"], "");
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(whole["kinds"]["suspect"], "count");
    assert_eq!(whole["allowed"], 0);
    let handel = whole["entries"].as_array().unwrap().iter().find(|one| one["name"] == "handel").unwrap();
    assert_eq!((&handel["file"], &handel["line"]), (&"20-site.toml".into(), &5.into()));
    assert_eq!(whole["changes"][2]["was_in"], "context.da.toml");
}

#[test]
fn the_sites_own_list_of_header_fields_stands_in_the_place_of_ours() {
    let site = site(&[]);
    let at = site.path();
    put(
        &at.join("mail.eml"),
        format!("X-Kladde: cpr {NUMBER}\nX-Spam-Status: cpr {OTHER}\n\nhej\n").as_bytes(),
    )
    .unwrap();
    let found = |file: &str| {
        put(&at.join("rules/headers.toml"), file.as_bytes()).unwrap();
        let output = brevdue(at, &["scan", "--format", "jsonl", "mail.eml"], "");
        let row: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        let all = row["findings"].as_array().unwrap().clone();
        all.iter().map(|one| one["where"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ours = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/headers.toml")).unwrap();
    assert_eq!(found(&ours), ["header:X-Kladde"]);
    let family = "[[family]]\nname = 'kladde'\nfields = ['X-Klad*']\nmust_skip = ['X-Kladde']\n";
    assert_eq!(found(family), ["header:X-Spam-Status"]);
    let listed = said(&brevdue(at, &["rules", "list"], ""));
    assert!(listed.contains("headers.toml (replaced)") && listed.contains("X-Klad*"), "{listed}");
    assert!(!listed.contains("X-Spam"), "{listed}");
    put(&at.join("rules/headers.toml"), family.replace("'X-Kladde'", "'X-Spam'").as_bytes()).unwrap();
    let output = brevdue(at, &["rules", "check"], "");
    let said = said(&output);
    assert!(code(&output) == 1 && said.contains("headers.toml:4: family:kladde: X-Spam is read"), "{said}");
}

#[test]
fn check_shows_every_fault_of_every_pack() {
    let site = site(&[
        (
            "1.toml",
            "remove = ['label:handle']\n[[label]]\nname='a'\nweight=1.0\nwords=['b']\nmust=['c {n}']\nmust_not=[]",
        ),
        (
            "2.toml",
            "[[lookalike]]\nname='x'\nweight=1.0\nbefore='('\nmust=['{n}']\nmust_not=['{n}']\n[[source]]\nname='s'\n",
        ),
    ]);
    let output = brevdue(site.path(), &["rules", "check"], "");
    let said = said(&output);
    assert_eq!(code(&output), 1, "{said}");
    for word in [
        "1.toml:1: remove: `label:handle` is not there; did you mean `label:handel`?",
        "2.toml:2: lookalike:x: a look-alike speaks against a number",
        "2.toml:4: lookalike:x: not a regular expression: unclosed group",
        "2.toml:7: source:s: missing field `match`",
    ] {
        assert!(said.contains(word), "{word}:\n{said}");
    }
    // The daemon starts on no part of it, and says where to look.
    let output = brevdue(site.path(), &["check-config"], "");
    assert!(code(&output) == 2 && self::said(&output).contains("brevdue rules check"));
}

#[test]
fn a_source_of_a_pack_names_the_case_and_the_configurations_own_goes_first() {
    use brevdue::config::{self, Config};
    let pack = "[[source]]\nname = 'Of the pack'\nmatch = '@x.example'\n\
                [[source]]\nname = 'Hidden'\nmatch = '@y.example'\n";
    let site = site(&[("site.toml", pack)]);
    let path = site.path().join("brevdue.toml");
    put(&path, format!("{CONFIG}[[source]]\nname = \"Ours\"\nmatch = \"@y.example\"\n").as_bytes()).unwrap();
    let config: Config = config::load(&path).unwrap().config;
    let setup = brevdue::daemon::setup(&config).unwrap();
    let name = |sender: &str| {
        let sender = brevdue::envelope::Address::parse(sender.as_bytes());
        brevdue::case::incident::source_of(sender.as_ref(), &setup.sources).map(|one| one.name.clone())
    };
    assert_eq!(name("a@x.example").as_deref(), Some("Of the pack"));
    assert_eq!(name("a@y.example").as_deref(), Some("Ours"));
}
