//! `brevdue scan` as people and scripts call it: exit codes, the jsonl contract, what stays off the screen.

use crate::support::program::{brevdue, code};
use crate::support::put;
use serde_json::Value;
use std::fs::create_dir_all;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Made-up numbers that pass modulus 11.
const NUMBERS: [&str; 3] = ["150379-1028", "030685-1004", "241292-1006"];
const LEAK: &str =
    "From: a@kommune.example\nTo: b@borger.example\nSubject: Din sag\n\nCPR-nr.: 150379-1028\n";
const CLEAN: &str = "From: a@kommune.example\nSubject: Din sag\n\nVi har modtaget din mail.\n";
const PICTURE: &str = "From: a@kommune.example\nMIME-Version: 1.0\nContent-Type: image/png\n\
                       Content-Transfer-Encoding: base64\n\niVBORw0KGgoAAAANSUhEUgAAAAEAAAAB\n";
const ENCRYPTED: &str = "From: a@kommune.example\nMIME-Version: 1.0\n\
    Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\
    Content-Transfer-Encoding: base64\n\nMIICCgYJKoZIhvcNAQcDoA==\n";

fn message(number: &str) -> String {
    LEAK.replace(NUMBERS[0], number)
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        create_dir_all(path.parent().unwrap()).unwrap();
        put(&path, text.as_bytes()).unwrap();
    }
    folder
}

fn scan(at: &Path, args: &[&str]) -> Output {
    scan_input(at, args, "")
}

fn scan_input(at: &Path, args: &[&str], input: &str) -> Output {
    brevdue(at, &[&["scan"], args].concat(), input)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn files(output: &Output) -> Vec<String> {
    rows(output).iter().map(|row| row["file"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_exit_code_says_what_was_found() {
    let at = folder(&[
        ("clean.eml", CLEAN),
        ("leak.eml", LEAK),
        ("picture.eml", PICTURE),
        ("encrypted.eml", ENCRYPTED),
        ("replacement.eml", &message("750379-1028")),
        ("possible.eml", "Subject: x\n\nordre 1503791028\n"),
        ("test.eml", &message("251248-9996")),
    ]);
    for (args, expected) in [
        (&["clean.eml"][..], 0),
        (&["encrypted.eml"], 0),
        (&["test.eml"], 0),
        (&["leak.eml"], 1),
        (&["replacement.eml"], 1),
        (&["picture.eml"], 3),
        (&["clean.eml", "picture.eml"], 3),
        (&["picture.eml", "leak.eml", "clean.eml"], 1),
        (&["leak.eml", "nowhere.eml"], 2),
        (&["picture.eml", "nowhere.eml"], 2),
        (&["."], 1),
        (&[], 2),
        (&["--nonsense", "clean.eml"], 2),
        (&["--format", "xlsx", "clean.eml"], 2),
        (&["--as", "text", "clean.eml"], 2),
        (&["--to", "nobody", "clean.eml"], 2),
        (&["--from", "a@b.example", "clean.eml"], 2),
        (&["-", "-"], 2),
        (&["--config", "nowhere.toml", "clean.eml"], 2),
    ] {
        let output = scan(at.path(), args);
        assert_eq!(code(&output), expected, "{args:?}: {output:?}");
        let jsonl = scan(at.path(), &[args, &["--format", "jsonl"]].concat());
        assert_eq!(code(&jsonl), expected, "{args:?} as jsonl");
    }
}

#[test]
fn a_row_has_the_fields_of_the_contract_in_their_order() {
    let at = folder(&[("sag.eml", LEAK), ("encrypted.eml", ENCRYPTED), ("picture.eml", PICTURE)]);
    let output = scan(at.path(), &["--format", "jsonl", "sag.eml", "encrypted.eml", "picture.eml"]);
    let [leak, encrypted, picture] = &rows(&output)[..] else { panic!("{output:?}") };
    let line = text(&output.stdout);
    let mut rest = line.as_str();
    for field in [
        "{\"file\":\"sag.eml\"",
        ",\"verdict\":\"leak\"",
        ",\"findings\":[{\"cpr\":\"******-****\"",
        ",\"tag\":\"",
        ",\"kind\":\"cpr\"",
        ",\"confidence\":\"certain\"",
        ",\"part\":\"1\"",
        ",\"where\":\"body\"",
        ",\"line\":1",
        ",\"why\":[\"",
        "]}],\"coverage\":\"complete\"",
        ",\"unread\":[]",
        ",\"protection\":\"none\"}\n",
    ] {
        let (_, after) = rest.split_once(field).unwrap_or_else(|| panic!("{field} in {line}"));
        rest = after;
    }
    let finding = &leak["findings"][0];
    let tag = finding["tag"].as_str().unwrap();
    assert!(tag.len() == 12 && tag.bytes().all(|b| b.is_ascii_hexdigit()), "{tag}");
    assert!(finding["why"].as_array().unwrap().contains(&"mod11".into()), "{finding}");
    assert_eq!((&encrypted["verdict"], &encrypted["protection"]), (&"protected".into(), &"smime".into()));
    assert_eq!((&picture["verdict"], &picture["coverage"]), (&"partial".into(), &"partial".into()));
    assert_eq!(picture["unread"], serde_json::json!([{"part": "1", "reason": "png"}]));
    assert!(leak.get("decision").is_none() && leak.get("findings_total").is_none());
}

#[test]
fn a_tag_tells_numbers_apart_in_a_run_and_is_another_in_the_next() {
    let [a, b, _] = NUMBERS;
    let at = folder(&[("1.eml", &message(a)), ("2.eml", &message(b)), ("3.eml", &message(a))]);
    let tags = || {
        let output = scan(at.path(), &["--format", "jsonl", "."]);
        rows(&output).iter().map(|row| row["findings"][0]["tag"].to_string()).collect::<Vec<_>>()
    };
    let (first, second) = (tags(), tags());
    assert_eq!(first[0], first[2]);
    assert_ne!(first[0], first[1]);
    assert_ne!(first[0], second[0]);
}

#[test]
fn no_number_is_on_the_screen_unless_it_is_asked_for() {
    let number = NUMBERS[0];
    let digits = number.replace('-', "");
    let attached = format!(
        "Subject: om {number}\nMIME-Version: 1.0\nContent-Type: text/csv; name=\"{digits}.csv\"\n\n\
         navn;cpr\nBo;{digits}\n"
    );
    let at = folder(&[(&format!("sag {number}.eml"), &attached), ("b.eml", LEAK)]);
    let missing = format!("mangler {digits}.eml");
    let output = scan(at.path(), &[".", &missing]);
    assert_eq!(code(&output), 2);
    for shown in [text(&output.stdout), text(&output.stderr)] {
        assert!(!shown.is_empty());
        for secret in [number, &digits, "150379", "1028"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
    let shown = text(&output.stdout);
    for word in ["LÆK", "LEAK", "sag ******-****.eml", "header:Subject", "attachment:**********.csv", "mod11"]
    {
        assert!(shown.contains(word), "{word} in {shown}");
    }
    let revealed = text(&scan(at.path(), &["--reveal", "."]).stdout);
    assert!(revealed.contains(&digits) && !revealed.contains("******-****"), "{revealed}");

    let output = scan(at.path(), &["--format", "jsonl", "b.eml"]);
    assert!(!text(&output.stdout).contains("1028"), "{output:?}");
    let output = scan(at.path(), &["--format", "jsonl", "--reveal", "b.eml"]);
    assert_eq!(rows(&output)[0]["findings"][0]["cpr"], digits);
}

#[test]
fn documents_are_known_by_name_or_bytes_and_can_be_named() {
    let table = "navn;cpr\nBo Ek;150379-1028\n";
    // As a mail this would be a header field that nobody reads.
    let fields = "Navn: Bo Ek\nCPR-nr.: 150379-1028\n";
    let at = folder(&[
        ("a.csv", table),
        ("b.txt", fields),
        ("c", fields),
        ("d.pdf", "%PDF-1.7\n%\u{1}\n"),
        (
            "e.eml",
            "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nQ1BSOiAxNTAzNzktMTAyOA==\n",
        ),
    ]);
    let output = scan(at.path(), &["--format", "jsonl", "."]);
    let verdicts: Vec<_> = rows(&output).iter().map(|row| row["verdict"].to_string()).collect();
    assert_eq!(verdicts, ["\"leak\"", "\"leak\"", "\"leak\"", "\"partial\"", "\"leak\""], "{output:?}");
    assert_eq!(rows(&output)[0]["findings"][0]["line"], 2);

    assert_eq!(code(&scan(at.path(), &["--as", "text/plain", "e.eml"])), 0, "as text it is base64");
    assert_eq!(code(&scan_input(at.path(), &["-"], fields)), 1);
    assert_eq!(code(&scan_input(at.path(), &["--as", "text/csv", "-"], table)), 1);
    assert_eq!(code(&scan_input(at.path(), &["--as", "message/rfc822", "-"], LEAK)), 1);
}

#[test]
fn standard_input_is_a_message_or_an_mbox() {
    let at = folder(&[]);
    let output = scan_input(at.path(), &["--format", "jsonl", "-"], LEAK);
    assert_eq!((code(&output), files(&output)), (1, vec!["-".to_owned()]));
    let mbox = format!("From a@b Thu Jan  1 00:00:00 2026\n{CLEAN}\nFrom c@d\n{LEAK}");
    let output = scan_input(at.path(), &["--format", "jsonl", "-"], &mbox);
    assert_eq!((code(&output), files(&output)), (1, vec!["-#1".to_owned(), "-#2".to_owned()]));
}

#[test]
fn an_mbox_is_its_messages() {
    for end in ["\n", "\r\n"] {
        let [a, b, c] = NUMBERS.map(message);
        let mbox = format!(
            "From a@b Thu Jan  1 00:00:00 2026\n{a}\nFrom c@d Fri Jan  2 00:00:00 2026\n{b}\n>From her er det tekst\n\
             \nFrom e@f Sat Jan  3 00:00:00 2026\n{c}"
        )
        .replace('\n', end);
        let at = folder(&[("post.mbox", &mbox), ("post", &mbox)]);
        let output = scan(at.path(), &["--format", "jsonl", "--reveal", "post", "post.mbox"]);
        assert_eq!(code(&output), 1);
        let numbers = NUMBERS.map(|number| number.replace('-', ""));
        let found: Vec<_> = rows(&output)
            .iter()
            .map(|row| {
                assert_eq!(row["findings"].as_array().unwrap().len(), 1, "{row}");
                (
                    row["file"].as_str().unwrap().to_owned(),
                    row["findings"][0]["cpr"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let expected: Vec<_> = ["post", "post.mbox"]
            .iter()
            .flat_map(|file| {
                (1..).zip(&numbers).map(move |(n, number)| (format!("{file}#{n}"), number.clone()))
            })
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn an_mbox_of_many_messages_comes_in_order() {
    let mbox: Vec<_> = (0..5000)
        .map(|n| {
            format!("From a@b\n{}\n", if n % 7 == 0 { message(NUMBERS[n % 3]) } else { CLEAN.to_owned() })
        })
        .collect();
    let at = folder(&[("post.mbox", &mbox.concat()), ("senere.eml", LEAK)]);
    let output = scan(at.path(), &["--format", "jsonl", "post.mbox", "senere.eml"]);
    let mut expected: Vec<_> = (1..=5000).map(|n| format!("post.mbox#{n}")).collect();
    expected.push("senere.eml".to_owned());
    assert_eq!(files(&output), expected);
    let leaks = rows(&output).iter().filter(|row| row["verdict"] == "leak").count();
    assert_eq!(leaks, 5000_usize.div_ceil(7) + 1);
}

#[test]
fn folders_and_maildirs_are_walked_in_order() {
    let at = folder(&[
        ("b/2.eml", LEAK),
        ("b/10.eml", LEAK),
        ("a.eml", LEAK),
        (".skjult/x.eml", LEAK),
        ("Maildir/cur/1700.M1.vaert:2,S", LEAK),
        ("Maildir/new/1701.M2.txt", LEAK),
        ("Maildir/tmp/1702.M3.vaert", LEAK),
        ("Maildir/.Sent/cur/1699.M0.vaert:2,S", LEAK),
        ("Maildir/.Sent/new/.keep", ""),
    ]);
    let output = scan(at.path(), &["--format", "jsonl", "b", "Maildir", "a.eml"]);
    let expected = [
        "b/10.eml",
        "b/2.eml",
        "Maildir/.Sent/cur/1699.M0.vaert:2,S",
        "Maildir/cur/1700.M1.vaert:2,S",
        "Maildir/new/1701.M2.txt",
        "a.eml",
    ];
    assert_eq!(files(&output), expected);
    assert!(rows(&output).iter().all(|row| row["findings"][0]["part"] == "1"), "all are messages");
    assert_eq!(files(&scan(at.path(), &["--format", "jsonl", "."])).len(), 6);
}

#[test]
fn many_files_come_in_order_and_the_same_each_time() {
    let names: Vec<_> = (0..3000).map(|n| format!("{n:05}.eml")).collect();
    let large = format!("{CLEAN}{}", "Intet at se her.\n".repeat(20_000));
    let list: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), if n % 500 == 0 { large.as_str() } else { [CLEAN, LEAK][n % 2] }))
        .collect();
    let at = folder(&list);
    let output = scan(at.path(), &["--format", "jsonl", "."]);
    assert_eq!(files(&output), names.iter().map(|name| format!("./{name}")).collect::<Vec<_>>());
    let human = text(&scan(at.path(), &["."]).stdout);
    let shown: Vec<_> = human.lines().filter_map(|line| line.strip_prefix("LÆK · LEAK  ./")).collect();
    assert!(shown.is_sorted() && shown.len() == 1500, "{}", shown.len());
    assert!(human.contains("3000 beskeder") && human.contains("1500 findings, 1 person"), "{human}");
}

#[test]
fn with_recipients_a_row_says_what_would_be_done() {
    let at = folder(&[
        ("leak.eml", LEAK),
        ("clean.eml", CLEAN),
        (
            "brevdue.toml",
            "[store]\nurl = \"sqlite:data/brevdue.db\"\n[spool]\npath = \"data/spool\"\n\
             [policy]\nleak = \"hold\"\ndefault_road = \"unknown\"\n\
             [[road]]\ndomain = \"*.kommune.example\"\nprotection = \"tunnel\"\n\
             [[controller]]\nname = \"K\"\ncvr = \"12345678\"\ndpo = \"dpo@kommune.example\"\ndefault = true\n\
             domains = [\"kommune.example\"]\n",
        ),
    ]);
    let to = ["--from", "a@kommune.example", "--to", "B@Mail.Kommune.Example", "--to", "<c@borger.example>"];
    let common = ["--format", "jsonl", "leak.eml", "clean.eml"];
    let output = scan(at.path(), &[&["--config", "brevdue.toml"], &to[..], &common].concat());
    assert_eq!(code(&output), 1, "speaks of the content");
    let decision = |leak: [&str; 2], roads: [&str; 2]| {
        serde_json::json!([
            {"recipient": "B@Mail.Kommune.Example", "verdict": leak[0], "protection": roads[0]},
            {"recipient": "<c@borger.example>", "verdict": leak[1], "protection": roads[1]},
        ])
    };
    assert_eq!(rows(&output)[0]["decision"], decision(["deliver", "hold"], ["tunnel", "unknown"]));
    assert_eq!(rows(&output)[1]["decision"], decision(["deliver", "deliver"], ["tunnel", "unknown"]));

    let output = scan(at.path(), &[&to[..], &common].concat());
    assert_eq!(rows(&output)[0]["decision"], decision(["block", "block"], ["plaintext", "plaintext"]));
    let output = scan(at.path(), &["--from", "<>", "--to", "c@borger.example", "leak.eml"]);
    assert!(text(&output.stdout).contains("block -> c@borger.example (plaintext)"), "{output:?}");
    assert!(!at.path().join("data").exists() && !at.path().join("brevdue-data").exists(), "scan only looks");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_scanned() {
    let at = folder(&[("a.eml", LEAK), ("c.eml", CLEAN)]);
    for (from, to) in [("nowhere", "broken"), ("round", "round")] {
        std::os::unix::fs::symlink(from, at.path().join(to)).unwrap();
    }
    let output = scan(at.path(), &["--format", "jsonl", "a.eml", "missing.eml", "broken", "round", "c.eml"]);
    assert_eq!(code(&output), 2);
    assert_eq!(files(&output), ["a.eml", "c.eml"]);
    let errors = text(&output.stderr);
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines.len(), 4, "{errors}");
    for (line, name) in lines.iter().zip(["missing.eml", "broken", "round", "3 inputs could not be read"]) {
        assert!(line.starts_with(&format!("brevdue: {name}")), "{line}");
    }
    // Found in a folder, a link is not followed, and said to be left out.
    let output = scan(at.path(), &["."]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stdout).contains("2 skipped"), "{output:?}");
}

#[test]
fn nothing_there_is_said() {
    let at = folder(&[]);
    let output = scan(at.path(), &["."]);
    assert_eq!(code(&output), 0);
    assert!(text(&output.stdout).contains("0 messages"), "{output:?}");
    assert!(text(&output.stderr).contains("nothing was there to read"), "{output:?}");
}

#[test]
fn many_findings_are_counted() {
    let table: Vec<_> = (0..250).map(|n| format!("{};{}\n", n, NUMBERS[n % 3])).collect();
    let at = folder(&[("liste.csv", &format!("nr;cpr\n{}", table.concat()))]);
    let output = scan(at.path(), &["--format", "jsonl", "liste.csv"]);
    let row = &rows(&output)[0];
    assert_eq!((row["findings"].as_array().unwrap().len(), &row["findings_total"]), (200, &250.into()));
    let human = text(&scan(at.path(), &["liste.csv"]).stdout);
    assert!(human.contains("50 more findings") && human.contains("250 findings, 3 persons"), "{human}");
}

#[test]
fn who_stops_listening_is_not_told_that_all_is_clean() {
    let files: Vec<_> = (0..2000).map(|n| (format!("{n}.eml"), CLEAN)).collect();
    let at = folder(&files.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>());
    let mut child = Command::new(env!("CARGO_BIN_EXE_brevdue"))
        .args(["scan", "--format", "jsonl", "."])
        .current_dir(at.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), String::new()));
}

#[test]
fn the_help_says_what_the_exit_codes_mean() {
    let output = scan(Path::new("."), &["--help"]);
    let help = text(&output.stdout);
    assert_eq!(code(&output), 0);
    for word in ["Exit codes:", "Examples:", "--reveal", "--as <MEDIA/TYPE>", "<PATH|->..."] {
        assert!(help.contains(word), "{word} in {help}");
    }
}
