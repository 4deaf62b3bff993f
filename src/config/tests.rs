//! Good and bad configurations, with the expected picture.

mod alarm;
mod digital_post;
mod doors;
mod policy;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::diagnose::{Problems, Severity};
use super::*;
use crate::intake::maillog as maillog_of;
use crate::policy::LeakAction;
use crate::policy::road::{Protection, Road};
use crate::policy::unread::UnreadAction;
use crate::scan::coverage::UnreadKind;

/// What every configuration needs; each test adds to it.
const BASE: &str =
    "[milter]\nlisten = \"127.0.0.1:8891\"\n[store]\nurl = \"sqlite:b.sqlite\"\n[spool]\npath = \"spool\"\n";
const CONTROLLER: &str = "[[controller]]\nname = \"A\"\ncvr = 12345678\ndpo = \"dpo@a.example\"\n";
const ALARM: &str = "[alarm]\nsmtp = \"127.0.0.1:25\"\nfrom = \"b@a.example\"\n";

fn read(source: &str) -> Result<Loaded, Problems> {
    parse(source.as_bytes(), Path::new("brevdue.toml"), Path::new("/etc/brevdue"))
}

/// `BASE` with one controller, an alarm and `more`.
fn with(more: &str) -> Result<Loaded, Problems> {
    read(&format!("{BASE}{CONTROLLER}{ALARM}{more}"))
}

/// The lines of the errors, without path and place.
fn errors(result: Result<Loaded, Problems>) -> Vec<String> {
    messages(&result.unwrap_err(), Severity::Error)
}

fn messages(problems: &Problems, severity: Severity) -> Vec<String> {
    problems.iter().filter(|one| one.severity == severity).map(|one| one.message.clone()).collect()
}

fn warnings(result: Result<Loaded, Problems>) -> Vec<String> {
    messages(&result.unwrap().warnings, Severity::Warning)
}

#[test]
fn a_whole_configuration_is_read() {
    let key = age::x25519::Identity::generate().to_public().to_string();
    let source = format!(
        r#"
[milter]
listen = ["127.0.0.1:8891", "unix:run/milter.sock"]
max_connections = 50
[console]
listen = "unix:run/console.sock"
[store]
url = "sqlite:/var/lib/brevdue/b.sqlite"
[spool]
path = "/var/spool/brevdue"
[policy]
leak = "hold"
default_road = "unknown"
[policy.unread]
image = "record"
[[road]]
domain = "Sikker.example"
protection = "forced-tls"
max_persons = 5
[[road]]
domain = "*.sikker.example"
protection = "tunnel"
[[controller]]
name = "A"
cvr = "12345678"
domains = ["a.example"]
dpo = "dpo@a.example"
dpo_key = "{key}"
[[controller]]
name = "B"
cvr = 87654321
dpo = "dpo@b.example"
dpo_key = "{key}"
default = true
[[source]]
name = "Byggesag"
match = "noreply@byg.example"
vendor = "V"
[alarm]
smtp = "127.0.0.1:25"
from = "brevdue@a.example"
[rules]
path = "rules"
[maillog]
path = "log/mail.log"
need_not_pass = ["relay", "mx.a.example"]
"#
    );
    let Loaded { config, warnings } = read(&source).unwrap();
    assert!(warnings.is_empty(), "{warnings}");
    let milter = config.milter.unwrap();
    assert_eq!(milter.max_connections, 50);
    assert_eq!(
        milter.listen,
        [
            ListenAddr::Tcp("127.0.0.1:8891".parse().unwrap()),
            ListenAddr::Unix("/etc/brevdue/run/milter.sock".into())
        ]
    );
    assert_eq!(config.console.unwrap().listen, ListenAddr::Unix("/etc/brevdue/run/console.sock".into()));
    assert_eq!(config.store, StoreUrl::Sqlite("/var/lib/brevdue/b.sqlite".into()));
    assert_eq!(config.spool, Path::new("/var/spool/brevdue"));
    assert_eq!(config.node_key, Path::new("/var/spool/node.key"));
    assert_eq!(config.policy.leak, LeakAction::Hold);
    assert_eq!(config.policy.unread.action(UnreadKind::Image), UnreadAction::Record);
    assert_eq!(config.policy.unread.action(UnreadKind::Limit), UnreadAction::Hold);
    assert_eq!(config.policy.roads.default, Protection::Unknown);
    assert_eq!(config.policy.roads.known[0].domain, "sikker.example");
    assert_eq!(config.policy.roads.known[0].max_persons, Some(5));
    assert_eq!(config.policy.roads.known[1].protection, Protection::Tunnel);
    assert_eq!(config.controllers[1].cvr, "87654321");
    assert_eq!(config.controllers[0].dpo_key, Some(key));
    assert_eq!((config.controllers[0].default, config.controllers[1].default), (false, true));
    assert_eq!(config.sources[0].pattern, "noreply@byg.example");
    assert_eq!(config.alarm.unwrap().smtp, "smtp://127.0.0.1:25");
    assert_eq!(config.rules.as_deref(), Some(Path::new("/etc/brevdue/rules")));
    let log = config.maillog.unwrap();
    assert_eq!(log.source, maillog_of::Source::File("/etc/brevdue/log/mail.log".into()));
    assert_eq!((log.bypass, log.tls_logged), (maillog_of::Bypass::Alarm, false));
    assert_eq!(log.need_not_pass, ["relay", "mx.a.example"]);
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = with("").unwrap().config;
    assert_eq!(config.milter.unwrap().max_connections, 2000);
    assert_eq!(config.policy.leak, LeakAction::Block);
    assert_eq!(config.policy.roads.default, Protection::Plaintext);
    assert!(config.controllers[0].default, "a lone controller owns every sender");
    assert_eq!(config.node_key, Path::new("/etc/brevdue/node.key"));
    assert!(config.console.is_none());
}

/// The five faults: a slip in a key, a wrong type, a slip in a word, a short CVR number, a missing section.
const FIVE: &str = r#"[milter]
lisen = "127.0.0.1:8891"
listen = "127.0.0.1:8890"
max_connections = "many"

[store]
url = "sqlite:brevdue.sqlite"

[policy]
leak = "blokc"

[[controller]]
name = "Eksempel Kommune"
cvr = 1234567
dpo = "dpo@kommune.example"
dpo_key = "KEY"

[alarm]
smtp = "smtps://brevdue:hunter2@mail.example"
from = "brevdue@kommune.example"
"#;

const FIVE_DRAWN: &str = r#"error: unknown key `lisen`
 --> brevdue.toml:2:1
  |
2 | lisen = "127.0.0.1:8891"
  | ^^^^^ not known in `[milter]`
  |
  = help: did you mean `listen`?

error: `max_connections` must be a whole number
 --> brevdue.toml:4:19
  |
4 | max_connections = "many"
  |                   ^^^^^^ this is of the type string
  |
  = help: write `max_connections = 2000`, for example

error: `leak` cannot be `blokc`
  --> brevdue.toml:10:8
   |
10 | leak = "blokc"
   |        ^^^^^^^ not known
   |
   = help: did you mean `block`? one of: block, hold, reroute, deliver

error: a CVR number has eight digits
  --> brevdue.toml:14:7
   |
14 | cvr = 1234567
   |       ^^^^^^^ has 7 digits
   |
   = help: look the authority up at datacvr.virk.dk

error: the section `[spool]` is missing
--> brevdue.toml
 = help: add:
         [spool]
         path = "brevdue-data/spool"

brevdue.toml: 5 errors"#;

fn five() -> Problems {
    let key = age::x25519::Identity::generate().to_public().to_string();
    read(&FIVE.replace("KEY", &key)).unwrap_err()
}

#[test]
fn five_faults_are_five_pictures() {
    assert_eq!(five().to_string(), FIVE_DRAWN);
    assert!(!five().draw(false).contains('\x1b'), "colours only when asked");
    assert!(five().draw(true).contains('\x1b'));
}

#[test]
fn a_log_gets_one_line_a_problem() {
    assert_eq!(
        five().summaries(),
        [
            "brevdue.toml:2:1: error: unknown key `lisen` (help: did you mean `listen`?)",
            "brevdue.toml:4:19: error: `max_connections` must be a whole number (help: write `max_connections = 2000`, for example)",
            "brevdue.toml:10:8: error: `leak` cannot be `blokc` (help: did you mean `block`? one of: block, hold, reroute, deliver)",
            "brevdue.toml:14:7: error: a CVR number has eight digits (help: look the authority up at datacvr.virk.dk)",
            "brevdue.toml: error: the section `[spool]` is missing (help: add: [spool] path = \"brevdue-data/spool\")",
        ]
    );
}

#[test]
fn the_template_loads_in_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("brevdue.toml");
    std::fs::File::create(&path).unwrap().write_all(TEMPLATE.as_bytes()).unwrap();
    let Loaded { config, warnings } = load(&path).unwrap();
    assert_eq!(config.policy.roads.default, Protection::Unknown);
    assert_eq!(config.spool, folder.path().join("brevdue-data/spool"));
    assert_eq!(config.node_key, folder.path().join("brevdue-data/node.key"));
    assert_eq!(
        messages(&warnings, Severity::Warning),
        [
            "no `dpo_key`: the persons of a breach cannot be recovered",
            "this CVR number is an example and belongs to nobody",
        ]
    );
}

#[test]
fn every_key_of_the_template_is_known_and_its_defaults_are_true() {
    let key = age::x25519::Identity::generate().to_public().to_string();
    let opened: Vec<String> = TEMPLATE
        .replace("age1...", &key)
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(bare) if bare.starts_with('[') => bare.to_owned(),
            Some(bare) if bare.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => {
                bare.to_owned()
            }
            _ => line.to_owned(),
        })
        .collect();
    let opened = read(&opened.join("\n")).unwrap().config;
    let closed = read(TEMPLATE).unwrap().config;
    assert_eq!(opened.milter.unwrap().max_connections, closed.milter.unwrap().max_connections);
    assert_eq!(opened.policy.unread, closed.policy.unread);
    assert_eq!(opened.node_key, closed.node_key);
    assert_eq!(opened.release_key, closed.release_key);
    assert_eq!(opened.hold.alarm_hours, closed.hold.alarm_hours);
    assert_eq!(opened.hold.tell_senders, closed.hold.tell_senders);
    assert!(opened.hold.ways_out.is_some() && closed.hold.ways_out.is_none());
    assert_eq!((opened.policy.roads.known.len(), opened.sources.len()), (1, 1));
    assert!(opened.console.is_some() && closed.console.is_none());
    assert!(opened.check.is_some() && closed.check.is_none());
    assert_eq!(opened.policy.off_tags, closed.policy.off_tags);
    let road = &opened.policy.roads.known[0];
    let (warn, max) = (Road::WARN_PERSONS, Road::MAX_PERSONS);
    assert_eq!((road.warn_persons, road.max_persons), (Some(warn), Some(max)));
    assert_eq!((opened.policy.exemptions.len(), closed.policy.exemptions.len()), (1, 0));
    assert_eq!(closed.policy.leak, LeakAction::default());
    // What the template writes out of the documents' defaults is what they are, but for what depends on the machine.
    let (opened, closed) = (opened.documents.unwrap(), closed.documents.unwrap());
    let budget = crate::worker::Budget { workers: closed.budget.workers, ..opened.budget };
    assert_eq!((budget, opened.recogniser), (closed.budget, None));
    assert!(documents::LIMITS.iter().all(|limit| TEMPLATE.contains(&format!("# {} = ", limit.key.0))));
}

#[test]
fn what_is_written_of_documents_is_what_runs() {
    let more = "[documents]\nmessage_seconds = 7\nocr = true\nocr_seconds = 9\ntesseract = 'bin/t'\nocr_languages = 'dan'\n";
    let config = read(&format!("{TEMPLATE}{more}")).unwrap().config;
    let documents = config.documents.unwrap();
    assert_eq!(documents.budget.patience, std::time::Duration::from_secs(7));
    let recogniser = documents.recogniser.unwrap();
    assert_eq!((recogniser.time.as_secs(), recogniser.languages.as_str()), (9, "dan"));
    assert!(recogniser.program.ends_with("bin/t") && recogniser.program.is_absolute());
    assert!(read(&format!("{TEMPLATE}[documents]\nopen = false\n")).unwrap().config.documents.is_none());
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest_or_with_all() {
    for (more, help) in [
        ("[rule]\n", "did you mean `rules`?"),
        ("[seal]\nnode-key = 'x'\nnode_key = 'x'\n", "did you mean `node_key`?"),
        ("[policy.unread]\ndefault_road = 'unknown'\n", "`default_road` belongs under `[policy]`"),
        ("[policy]\nverbose = true\n", "known in `[policy]`: leak, default_road, off_tags, unread"),
        (
            "[surprise]\n",
            "known in this file: milter, smtp, console, check, store, spool, seal, hold, digital_post, policy, documents, road, exemption, controller, source, alarm, rules, maillog",
        ),
    ] {
        let problems = with(more).unwrap_err();
        assert_eq!(problems.iter().filter(|one| one.severity == Severity::Error).count(), 1, "{problems}");
        assert!(problems.iter().any(|one| one.help.as_deref() == Some(help)), "{problems}");
    }
}

#[test]
fn faults_of_one_section() {
    for (more, expected) in [
        ("[smtp]\nlisten = '127.0.0.1:10025'\n", "`next_hop` is missing in `[smtp]`"),
        ("[smtp]\nnext_hop = 'mail.example'\n", "`mail.example` names no mail server"),
        (
            "[smtp]\nlisten = '127.0.0.1:25'\nnext_hop = '127.0.0.1:25'\n",
            "the next hop is this door itself: mail would go round for ever",
        ),
        ("[smtp]\nnext_hop = 'a:25'\nkey = 'k'\n", "`cert` and `key` belong together"),
        (
            "[smtp]\nnext_hop = 'a:25'\nsecure = 'unix:x'\n",
            "a certificate carries a name, and a unix socket has none",
        ),
        ("[console]\n", "`listen` is missing in `[console]`"),
        ("[console]\nlisten = 'x'\n", "`x` is not an address to listen at"),
        ("[console]\nlisten = '127.0.0.1:8891'\n", "the address `127.0.0.1:8891` stands twice"),
        ("[console]\nlisten = ['127.0.0.1:1', '127.0.0.1:2']\n", "`listen` must be text in quotes"),
        ("[check]\n", "`listen` is missing in `[check]`"),
        ("[documents]\nratio = 1\n", "`ratio` is out of range"),
        ("[documents]\nopen = 'yes'\n", "`open` must be true or false"),
        ("[documents]\nocr_languages = '--help'\n", "this names no languages of Tesseract"),
        ("[policy]\nleak = ''\n", "`leak` is empty"),
        ("[policy]\nleak = 3\n", "`leak` must be text in quotes"),
        ("[policy]\ndefault_road = 'tunnel'\n", "`default_road` cannot be `tunnel`"),
        ("[policy.unread]\nimage = 'drop'\n", "`image` cannot be `drop`"),
        ("[[policy]]\nleak = 'hold'\n", "`policy` must be one section"),
        ("[road]\ndomain = 'a.example'\n", "`road` must be a list of sections"),
        ("[[road]]\ndomain = 'a.example'\n", "`protection` is missing in `[[road]]`"),
        ("[[road]]\ndomain = 'a@b.example'\nprotection = 'tunnel'\n", "`a@b.example` is not a domain"),
        ("[[road]]\ndomain = 'a.example'\nprotection = 'tls'\n", "`protection` cannot be `tls`"),
        (
            "[[road]]\ndomain = 'a.example'\nprotection = 'tunnel'\nmax_persons = 0\n",
            "`max_persons` is out of range",
        ),
        (
            "[[road]]\ndomain = 'a.example'\nprotection = 'tunnel'\nmax_persons = -1\n",
            "`max_persons` is out of range",
        ),
        ("[[source]]\nmatch = 'a@b.example'\n", "`name` is missing in `[[source]]`"),
        ("[[source]]\nname = 'x'\nmatch = 'a b'\n", "`a b` names no sender"),
        ("[rules]\n", "`path` is missing in `[rules]`"),
        ("[seal]\nnode_key = false\n", "`node_key` must be text in quotes"),
        ("[hold]\nalarm_hours = [24, 4]\n", "`alarm_hours` must be whole numbers that rise"),
        ("[hold]\nalarm_hours = []\n", "`alarm_hours` must be whole numbers that rise"),
        ("[hold]\nalarm_hours = 4\n", "`alarm_hours` must be whole numbers that rise"),
        ("[hold]\nnode = 'a b'\n", "this is no name of a machine"),
        ("[hold]\ntell_senders = 1\n", "`tell_senders` must be true or false"),
    ] {
        assert_eq!(errors(with(more)), [expected], "{more}");
    }
}

fn warnings_of_keyless() -> Vec<String> {
    warnings(with("[smtp]\nnext_hop = '127.0.0.1:25'\n"))
}

#[test]
fn faults_of_the_base() {
    for (from, to, expected) in [
        ("listen = \"127.0.0.1:8891\"\n", "", "`listen` is missing in `[milter]`"),
        ("\"127.0.0.1:8891\"", "\"localhost:8891\"", "`localhost:8891` is not an address to listen at"),
        ("\"127.0.0.1:8891\"", "[]", "`listen` is empty"),
        ("\"127.0.0.1:8891\"", "[1]", "`listen` must be text in quotes"),
        ("\"127.0.0.1:8891\"", "['unix:a', 'unix:a']", "the address `unix:a` stands twice"),
        ("[store]", "max_connections = 0\n[store]", "`max_connections` is out of range"),
        ("[store]", "max_connections = 100001\n[store]", "`max_connections` is out of range"),
        ("sqlite:b.sqlite", "postgres://db", "`url` names no PostgreSQL register"),
        ("sqlite:b.sqlite", "b.sqlite", "`url` names no store that is known"),
        ("12345678", "\"12-45678\"", "a CVR number has eight digits"),
        ("12345678", "1.5", "`cvr` must be text in quotes"),
        ("dpo@a.example", "dpo", "this is not a mail address"),
        ("cvr", "default = false\ncvr", "the only controller must be the default one"),
        ("cvr", "dpo_key = 'age1abc'\ncvr", "this is not a whole age public key"),
        ("127.0.0.1:25", "mail.example", "`smtp` names no mail server"),
        ("b@a.example", "B <b@a.example>", "this is not a mail address"),
        (CONTROLLER, "", "no `[[controller]]`: nobody would answer for a breach"),
        ("[[controller]]", "[controller]", "`controller` must be a list of sections"),
    ] {
        let source = format!("{BASE}{CONTROLLER}{ALARM}").replacen(from, to, 1);
        assert_eq!(errors(read(&source)), [expected], "{source}");
    }
}

#[test]
fn two_of_a_kind() {
    let second = "[[controller]]\nname = \"B\"\ncvr = \"87654321\"\ndpo = \"dpo@b.example\"\n";
    assert_eq!(errors(with(second)), ["no controller is the default one"]);
    let same = second.replace("87654321", "12345678") + "default = true\n";
    assert_eq!(errors(with(&same)), ["the CVR number `12345678` stands twice"]);
    let chosen = CONTROLLER.to_owned() + "default = true\ndomains = 'a.example'\n";
    let second = second.to_owned() + "default = true\ndomains = ['b.example', 'A.example']\n";
    let drawn = read(&format!("{BASE}{ALARM}{chosen}{second}")).unwrap_err();
    assert_eq!(
        messages(&drawn, Severity::Error),
        ["only one controller can be the default one", "the domain `a.example` stands twice"]
    );
    let expected = "\
error: only one controller can be the default one
  --> brevdue.toml:20:11
   |
14 | default = true
   |           ---- first here
...
20 | default = true
   |           ^^^^ here again
   |
   = help: keep one: it owns mail from a sender that no controller's domains name
";
    assert!(drawn.to_string().contains(expected), "{drawn}");
    let road = "[[road]]\ndomain = 'x.example'\nprotection = 'tunnel'\n";
    assert_eq!(errors(with(&format!("{road}{road}"))), ["the road to `x.example` stands twice"]);
    let source = "[[source]]\nname = 'x'\nmatch = 'a@b.example'\n";
    assert_eq!(errors(with(&format!("{source}{source}"))), ["the sender `a@b.example` stands twice"]);
}

#[test]
fn what_is_doubtful_is_said_and_runs() {
    const KEYLESS: &str = "no `dpo_key`: the persons of a breach cannot be recovered";
    let base = format!("{BASE}{CONTROLLER}{ALARM}");
    for (from, to, expected) in [
        ("127.0.0.1:8891", "0.0.0.0:8891", "the milter protocol has no authentication and no encryption"),
        ("127.0.0.1:8891", "[::1]:0", "port 0 is a new port at every start"),
    ] {
        assert_eq!(warnings(read(&base.replace(from, to))), [expected, KEYLESS]);
    }
    for (listen, expected) in [
        ("0.0.0.0:8892", "the console has no authentication and no encryption"),
        ("127.0.0.1:0", "port 0 is a new port at every start"),
    ] {
        let warned = warnings(with(&format!("[console]\nlisten = '{listen}'\n")));
        assert_eq!(warned, [KEYLESS, expected]);
    }
    let quiet = format!("{BASE}{CONTROLLER}");
    assert_eq!(warnings(read(&quiet)), [KEYLESS, "no `[alarm]`: nobody will be told of a breach"]);
    let closed = base.replace("[milter]\nlisten = \"127.0.0.1:8891\"\n", "");
    assert_eq!(
        warnings(read(&closed)),
        [KEYLESS, "no `[milter]` and no `[smtp]`: no mail comes in by `brevdue serve`"]
    );
    let hidden = "[[road]]\ndomain = '*.x.example'\nprotection = 'tunnel'\n\
                  [[road]]\ndomain = 'm.x.example'\nprotection = 'plaintext'\nmax_persons = 3\n";
    assert_eq!(
        warnings(with(hidden)),
        [
            KEYLESS,
            "the road to `m.x.example` is never taken",
            "`max_persons` says nothing on a road without protection"
        ]
    );
}

#[test]
fn broken_syntax_is_shown_with_what_else_is_wrong_and_no_more() {
    let source = format!("{BASE}[policy]\nleak = block\n[[controller\nname = 'A'\n{ALARM}[surprise]\n");
    let drawn = read(&source).unwrap_err().to_string();
    let expected = "\
error: not valid TOML: string values must be quoted, expected literal string
 --> brevdue.toml:8:8
  |
8 | leak = block
  |        ^^^^^
  |
  = help: write the value in quotes: `key = \"value\"`

error: not valid TOML: unclosed array table, expected `]]`
 --> brevdue.toml:9:13
  |
9 | [[controller
  |             ^
  |
  = help: close the header: `[section]`, or `[[section]]` for one of a list

error: unknown section or key `surprise`
  --> brevdue.toml:14:2
   |
14 | [surprise]
   |  ^^^^^^^^ not known in this file
   |
";
    assert!(drawn.starts_with(expected), "{drawn}");
    assert!(drawn.ends_with("brevdue.toml: 3 errors"), "{drawn}");
}

#[test]
fn bytes_that_are_not_utf8_are_placed() {
    let mut source = format!("{BASE}{CONTROLLER}{ALARM}").into_bytes();
    let at = source.windows(3).position(|three| three == b"\"A\"").unwrap();
    source[at + 1] = 0xC6;
    let drawn = parse(&source, Path::new("brevdue.toml"), Path::new("/")).unwrap_err();
    assert_eq!(
        drawn.summaries()[1],
        "brevdue.toml:8:9: error: this is not UTF-8 text (help: save the file as UTF-8; æ, ø and å of Latin-1 look like this)"
    );
    assert_eq!(drawn.count(Severity::Error), 1, "{drawn}");
    let wide: Vec<u8> = TEMPLATE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let drawn = parse(&wide, Path::new("brevdue.toml"), Path::new("/")).unwrap_err();
    assert_eq!(drawn.summaries().len(), 1);
    let marked = [b"\xEF\xBB\xBF".as_slice(), TEMPLATE.as_bytes()].concat();
    assert!(
        parse(&marked, Path::new("brevdue.toml"), Path::new("/")).is_ok(),
        "a byte order mark is no fault"
    );
}

#[test]
fn a_missing_file_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("brevdue.toml");
    let expected = format!(
        "\
error: there is no such configuration file
--> {0}
 = help: write one: `brevdue config template > brevdue.toml`

{0}: 1 error",
        path.display()
    );
    assert_eq!(load(&path).unwrap_err().to_string(), expected);
    let drawn = load(folder.path()).unwrap_err().to_string();
    assert!(drawn.contains("the configuration file cannot be read"), "{drawn}");
}

#[test]
fn secrets_are_starred_wherever_they_stand() {
    let secret = "AGE-SECRET-KEY-1QQPZRY9X8";
    let source = format!(
        "{BASE}{CONTROLLER}dpo_key = \"{secret}\"\n[alarm]\nsmtp = \"smtps://u:hunter2@h:0\"\nfrom = 1\n"
    );
    for source in [source.clone(), source.replace("smtps://", ""), source.replace("[alarm]", "[alarms]")] {
        let problems = read(&source).unwrap_err();
        let said = format!("{problems}{problems:?}{}", problems.summaries().join("\n"));
        assert!(said.contains("*******"), "{said}");
        assert!(!said.contains("hunter2") && !said.contains("1QQPZRY9X8"), "{said}");
    }
}

#[test]
fn no_input_is_a_panic() {
    // Every prefix of a file, and every line of it dropped or doubled: faults, never a fall.
    let lines: Vec<&str> = TEMPLATE.lines().filter(|line| !line.starts_with('#')).collect();
    let body = lines.join("\n") + "\n# brud på persondatasikkerheden: æøå";
    for end in 0..body.len() {
        let cut = body.as_bytes().get(..end).unwrap_or_default();
        drop(parse(cut, Path::new("b.toml"), Path::new("/")).map_err(|all| all.draw(true)));
    }
    for odd in 0..lines.len() {
        for times in [0, 2] {
            let each = lines.iter().enumerate();
            let changed: Vec<String> = each
                .map(
                    |(at, line)| {
                        if at == odd { format!("{line}\n").repeat(times) } else { format!("{line}\n") }
                    },
                )
                .collect();
            drop(read(&changed.concat()).map_err(|all| all.draw(false)));
        }
    }
}

#[test]
fn without_a_file_everything_stays_on_loopback_and_in_one_folder() {
    let config = Config::loopback_default(Path::new("brevdue-data"));
    assert!(
        matches!(&config.milter.unwrap().listen[..], [ListenAddr::Tcp(socket)] if socket.ip().is_loopback())
    );
    assert_eq!(config.store, StoreUrl::Sqlite(PathBuf::from("brevdue-data/brevdue.sqlite")));
    assert!(config.controllers[0].default && config.alarm.is_none() && config.console.is_none());
}

const SOURCE: &str = "[[source]]\nname = 'Byg'\nmatch = 'noreply@byg.example'\n";
