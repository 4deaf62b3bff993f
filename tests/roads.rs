//! Roads, exemptions and controllers as they are met: `policy explain`, the audit trail, a case for each controller.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::program::{brevdue, code, said};
use crate::support::put;
use brevdue::intake::milter::{Client, Mail, Outcome};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const NUMBER: &str = "150379-1028";
const OTHER: &str = "010180-1012";

const ROADS: &str = "[policy]\nleak = \"block\"\ndefault_road = \"unknown\"\n\
    [[source]]\nname = \"Byggesag\"\nmatch = \"byg@noerreby.example\"\n\
    [[road]]\ndomain = \"*\"\nsource = \"Byggesag\"\nprotection = \"tunnel\"\n\
    [[road]]\ndomain = \"sikker.example\"\nprotection = \"forced-tls\"\nwarn_persons = 1\nmax_persons = 2\n\
    [[road]]\ndomain = \"sms.example\"\nprotection = \"sms\"\n\
    [[exemption]]\nname = \"Testdata\"\nreason = \"opdigtede numre\"\nfrom = \"test@noerreby.example\"\n\
    by = \"dpo@noerreby.example\"\nsince = 2020-01-01\nuntil = 2099-12-31\n\
    [[exemption]]\nname = \"Endt\"\nreason = \"opdigtede numre\"\nfrom = \"gammel@noerreby.example\"\n\
    by = \"dpo@noerreby.example\"\nsince = 2020-01-01\nuntil = 2020-12-31\n";

fn leak(subject: &str, numbers: &[&str]) -> String {
    let lines: String = numbers.iter().map(|number| format!("CPR-nr.: {number}\r\n")).collect();
    format!("From: <a@noerreby.example>\r\nSubject: {subject}\r\n\r\nHej\r\n{lines}")
}

/// A folder with a configuration and a mail.
fn folder(mail: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let toml = format!(
        "[milter]\nlisten = \"127.0.0.1:8891\"\n[store]\nurl = \"sqlite:b.sqlite\"\n[spool]\npath = \"spool\"\n\
         [[controller]]\nname = \"A\"\ncvr = 12345678\ndpo = \"dpo@a.example\"\n{ROADS}"
    );
    put(&folder.path().join("brevdue.toml"), toml.as_bytes()).unwrap();
    put(&folder.path().join("mail.eml"), mail.as_bytes()).unwrap();
    folder
}

fn explain(at: &Path, more: &[&str]) -> std::process::Output {
    brevdue(at, &[&["--config", "brevdue.toml", "policy", "explain", "mail.eml"], more].concat(), "")
}

fn as_json(at: &Path, from: &str, to: &[&str]) -> Value {
    let mut args = vec!["--format", "json", "--from", from];
    args.extend(to.iter().flat_map(|to| ["--to", to]));
    let output = explain(at, &args);
    assert_eq!(code(&output), 0, "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn policy_explain_names_the_road_the_rule_and_the_reason() {
    let at = folder(&leak("Din sag", &[NUMBER, OTHER]));
    let told =
        as_json(at.path(), "a@noerreby.example", &["b@sikker.example", "c@sms.example", "d@post.example"]);
    assert_eq!(
        (&told["content"], &told["persons"], &told["verdict"]),
        (&"leak".into(), &2.into(), &"block".into())
    );
    let lines: Vec<_> = told["recipients"].as_array().unwrap().iter().collect();
    let toml = std::fs::read_to_string(at.path().join("brevdue.toml")).unwrap();
    let line = |text: &str| toml.lines().position(|line| line.contains(text)).unwrap();
    let expected = [
        ("forced-tls", "deliver", "[[road]] domain = \"sikker.example\"", Some(line("sikker.example"))),
        ("sms", "block", "[[road]] domain = \"sms.example\"", Some(line("sms.example"))),
        ("unknown", "block", "[policy] leak = \"block\"", None),
    ];
    for (one, (road, verdict, rule, line)) in lines.iter().zip(expected) {
        assert_eq!(one["road"], road, "{one}");
        assert_eq!(one["verdict"], verdict, "{one}");
        assert_eq!(one["rule"], rule, "{one}");
        assert_eq!(one["line"], serde_json::json!(line), "{one}");
    }
    assert_eq!(lines[0]["many_persons"], true);
    assert_eq!(lines[2]["road_rule"], "[policy] default_road");

    let output = explain(at.path(), &["--from", "a@noerreby.example", "--to", "b@sikker.example"]);
    let text = said(&output);
    for part in
        ["MODTAGER · RECIPIENT", "deliver (protected-road)", "skrives i fortegnelsen", "the register is told"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("150379") && !text.contains("Din sag"), "{text}");
}

#[test]
fn sources_tags_and_exemptions_decide_in_explain_as_at_the_doors() {
    let at = folder(&leak("Din sag", &[NUMBER]));
    let one = |from: &str, to: &str| as_json(at.path(), from, &[to])["recipients"][0].clone();
    for (from, to, verdict, pass, rule) in [
        ("byg@noerreby.example", "b@post.example", "deliver", "protected-road", "[[road]] domain = \"*\""),
        ("byg@noerreby.example", "b@sms.example", "block", "", "[[road]] domain = \"sms.example\""),
        ("test@noerreby.example", "b@post.example", "deliver", "exempt", "[[exemption]] name = \"Testdata\""),
        ("gammel@noerreby.example", "b@post.example", "block", "", "[policy] leak = \"block\""),
        ("<>", "b@post.example", "block", "", "[policy] leak = \"block\""),
    ] {
        let told = one(from, to);
        let found = (&told["verdict"], told["pass"].as_str().unwrap_or(""), &told["rule"]);
        assert_eq!(found, (&verdict.into(), pass, &rule.into()), "{from} {to}");
    }
    let tagged = folder(&leak("[usikker] Din sag", &[NUMBER]));
    let told = as_json(tagged.path(), "byg@noerreby.example", &["b@sikker.example"]);
    assert_eq!(told["verdict"], "hold");
    assert_eq!(told["recipients"][0]["rule"], "[policy] off_tags: \"[usikker]\"");
    let wrong = explain(at.path(), &["--to", "b@post.example"]);
    assert_eq!(code(&wrong), 2, "without a sender: {}", said(&wrong));
}

/// The milter's answer.
fn send(daemon: &Daemon, from: &str, to: &[&str], message: &str) -> Outcome {
    let runtime = Runtime::new().unwrap();
    let mut client = runtime.block_on(Client::connect(&daemon.address())).unwrap();
    let mail = Mail { sender: from, recipients: to, queue_id: "4XyzAB12", tls: None };
    runtime.block_on(client.send(&mail, message.as_bytes())).unwrap()
}

#[test]
fn what_an_exemption_lets_pass_is_in_the_audit_trail() {
    let daemon = Daemon::start(&DaemonOptions::with(ROADS)).unwrap();
    let passed = || -> Value {
        let output = daemon.run(&["policy", "passed", "--format", "json"]).unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    };
    let is_delivered = |outcome: Outcome| matches!(outcome, Outcome::Accepted { quarantined: None, .. });
    // No number, no line.
    assert!(is_delivered(send(&daemon, "test@noerreby.example", &["b@post.example"], &leak("x", &[]))));
    assert_eq!(passed(), serde_json::json!([]));
    let one = leak("Din sag", &[NUMBER]);
    for _ in 0..2 {
        assert!(is_delivered(send(
            &daemon,
            "test@noerreby.example",
            &["b@post.example", "c@post.example"],
            &one
        )));
    }
    assert!(is_delivered(send(
        &daemon,
        "a@noerreby.example",
        &["b@sikker.example"],
        &leak("x", &[NUMBER, OTHER])
    )));
    assert!(daemon.cases().unwrap().is_empty());
    let lines = passed();
    let [many, exempt] = lines.as_array().unwrap().as_slice() else { panic!("{lines}") };
    assert_eq!((&many["why"], &many["name"]), (&"many_persons".into(), &"sikker.example".into()));
    assert_eq!(many["persons"], 2);
    assert_eq!((&exempt["why"], &exempt["name"]), (&"exempt".into(), &"Testdata".into()));
    assert_eq!((&exempt["by"], &exempt["until"]), (&"dpo@noerreby.example".into(), &"2099-12-31".into()));
    assert_eq!((&exempt["recipients"], &exempt["recipient_domains"]), (&2.into(), &"post.example".into()));
    // Where another recipient stops the mail nothing has passed.
    let stopped = send(&daemon, "test@noerreby.example", &["b@post.example", "c@sms.example"], &one);
    assert!(matches!(stopped, Outcome::Rejected { .. }), "{stopped:?}");
    assert_eq!(passed().as_array().unwrap().len(), 2);
    assert_eq!(daemon.cases().unwrap().len(), 1);
    let text = String::from_utf8(daemon.run(&["policy", "passed"]).unwrap().stdout).unwrap();
    assert!(text.contains("Testdata") && !text.contains("150379"), "{text}");
    let trail = rusqlite::Connection::open(daemon.database()).unwrap();
    assert!(trail.execute("DELETE FROM passage", ()).is_err());
    assert!(trail.execute("UPDATE passage SET name = 'x'", ()).is_err());
}

const PROCESSOR: &str = "[policy]\nleak = \"LEAK\"\n\
    [[source]]\nname = \"eAnsøgning\"\nmatch = \"noreply@kommune.example\"\n\
    [[road]]\ndomain = \"sikker.example\"\nprotection = \"tunnel\"\n\
    [[controller]]\nname = \"Sønderby\"\ncvr = \"11111111\"\ndpo = \"dpo@soenderby.example\"\n\
    recipients = [\"soenderby.example\"]\n\
    [[controller]]\nname = \"Østerby\"\ncvr = \"22222222\"\ndpo = \"dpo@oesterby.example\"\n\
    recipients = [\"oesterby.example\", \"sikker.example\"]\n";

#[test]
fn a_mail_to_two_controllers_is_a_case_of_each_in_one_incident() {
    for (leak_action, kind) in [("block", "near_miss"), ("deliver", "breach")] {
        let daemon = Daemon::start(&DaemonOptions::with(&PROCESSOR.replace("LEAK", leak_action))).unwrap();
        let from = "noreply@kommune.example";
        let first = leak("Ansøgning", &[NUMBER]);
        send(&daemon, from, &["byg@soenderby.example", "byg@oesterby.example"], &first);
        let cases = daemon.cases().unwrap();
        assert_eq!(cases.len(), 2, "{cases:?}");
        let of = |cases: &[Value], name: &str| {
            cases
                .iter()
                .find(|case| case["controller"] == name)
                .cloned()
                .unwrap_or_else(|| panic!("{cases:?}"))
        };
        let (south, east) = (of(&cases, "Sønderby"), of(&cases, "Østerby"));
        assert_eq!((&south["kind"], &east["kind"]), (&kind.into(), &kind.into()));
        assert_eq!(south["incident"], east["incident"]);
        assert_eq!((&south["mails"], &south["persons"]), (&1.into(), &1.into()));
        // The same mail again counts for neither.
        send(&daemon, from, &["byg@soenderby.example", "byg@oesterby.example"], &first);
        // One more of the same template to one of them counts for that one, and to a third for the processor itself.
        let second = leak("Ansøgning", &[OTHER]);
        send(&daemon, from, &["byg@oesterby.example"], &second);
        send(&daemon, from, &["byg@vesterby.example"], &second);
        // By a protected road it is nobody's incident.
        send(&daemon, from, &["byg@sikker.example"], &leak("Ansøgning", &["150379-1028"]));
        let cases = daemon.cases().unwrap();
        assert_eq!(cases.len(), 3, "{cases:?}");
        let counts = |name| (of(&cases, name)["mails"].clone(), of(&cases, name)["persons"].clone());
        assert_eq!(counts("Sønderby"), (1.into(), 1.into()));
        assert_eq!(counts("Østerby"), (2.into(), 2.into()));
        assert_eq!(counts("Nørreby Kommune"), (1.into(), 1.into()));
        assert!(cases.iter().all(|case| case["incident"] == south["incident"]), "{cases:?}");
        let show = daemon.show(south["id"].as_str().unwrap()).unwrap();
        assert!(show.contains(east["id"].as_str().unwrap()), "{show}");
    }
}

#[test]
fn a_part_that_goes_protected_is_no_case_of_its_controller() {
    let daemon = Daemon::start(&DaemonOptions::with(&PROCESSOR.replace("LEAK", "deliver"))).unwrap();
    let message = leak("Ansøgning", &[NUMBER]);
    send(&daemon, "noreply@kommune.example", &["byg@soenderby.example", "byg@sikker.example"], &message);
    let cases = daemon.cases().unwrap();
    assert_eq!(cases.len(), 1, "{cases:?}");
    assert_eq!(cases[0]["controller"], "Sønderby");
}
