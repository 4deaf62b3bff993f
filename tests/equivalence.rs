//! No door decides (invariant 4): the same bytes and envelope get the same verdict by the milter, by LMTP and by `brevdue scan`.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::sink::{Sink, SinkOptions};
use crate::support::{Port, put, smtp};
use brevdue::intake::milter::{Client, Mail, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

const SENDER: &str = "anna@noerreby.example";
/// Plaintext, protected for one person, nobody has said, an SMS, and exempted.
const RECIPIENTS: [&str; 5] =
    ["bo@borger.example", "eva@sikker.example", "ib@ukendt.example", "00@sms.example", "ida@test.example"];

const ROADS: &str = "default_road = \"unknown\"\n\
    [policy.unread]\nambiguous = \"block\"\n\
    [[road]]\ndomain = \"borger.example\"\nprotection = \"plaintext\"\n\
    [[road]]\ndomain = \"sikker.example\"\nprotection = \"forced-tls\"\nmax_persons = 1\n\
    [[road]]\ndomain = \"sms.example\"\nprotection = \"sms\"\n\
    [[exemption]]\nname = \"Testdata\"\nreason = \"opdigtede numre\"\nby = \"dpo@noerreby.example\"\n\
    to = \"test.example\"\nsince = 2020-01-01\nuntil = 2099-12-31\n";

/// What a door with one answer makes of the decisions for all recipients: the strictest.
const STRICTNESS: [&str; 4] = ["deliver", "reroute", "hold", "block"];

/// The corpus but for what is malformed: an MTA rewrites a broken header before a milter sees it.
fn mails() -> Vec<PathBuf> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail");
    let mut mails: Vec<PathBuf> = ["rfc", "danish", "evasion", "lookalike"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(corpus.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    mails.sort();
    mails
}

fn in_a_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { quarantined: Some(_), .. } => "hold",
        Outcome::Accepted { added_headers, .. } if !added_headers.is_empty() => "reroute",
        Outcome::Accepted { .. } => "deliver",
        Outcome::Rejected { .. } => "block",
        Outcome::Tempfail { .. } | Outcome::Discard => panic!("{outcome:?}"),
    }
}

/// The verdict for each recipient, by LMTP. What is to be rerouted is held, since there is no road.
fn by_lmtp(session: &mut smtp::Session, recipients: &[&str], message: &[u8]) -> Vec<&'static str> {
    session.begin(SENDER, recipients).unwrap();
    let mut wire = Vec::new();
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(if message.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" });
    session.write(&wire).unwrap();
    let verdict = |reply: smtp::Reply| match (reply.code, reply.text().contains("Held")) {
        (250, false) => "deliver",
        (250, true) => "hold",
        (550, _) if reply.text().contains("5.7.1") => "block",
        other => panic!("{other:?} {}", reply.text()),
    };
    recipients.iter().map(|_| verdict(session.reply().unwrap())).collect()
}

/// The verdict for each recipient of each mail of a folder, by its file.
fn by_scan(daemon: &Daemon, recipients: &[&str], folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut args = vec!["scan", "--format", "jsonl", "--from", SENDER];
    args.extend(recipients.iter().flat_map(|to| ["--to", to]));
    args.push(folder.to_str().unwrap());
    let output = daemon.run(&args).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    rows.map(|row| {
        let decisions = row["decision"].as_array().unwrap();
        let words = decisions.iter().map(|one| one["verdict"].as_str().unwrap().to_owned());
        // One that begins as an mbox does is the first of its file.
        (row["file"].as_str().unwrap().trim_end_matches("#1").to_owned(), words.collect())
    })
    .collect()
}

#[test]
fn the_milter_lmtp_and_the_scan_give_the_same_verdict() {
    let runtime = Runtime::new().unwrap();
    let mut seen = BTreeSet::new();
    let (sink, door) = (Sink::start(SinkOptions::default()).unwrap(), Port::claim().unwrap());
    let smtp = format!("[smtp]\nlisten = \"{}\"\nnext_hop = \"{}\"\n", door.addr(), sink.addr());
    for leak in ["block", "hold", "reroute", "deliver"] {
        let daemon =
            Daemon::start(&DaemonOptions::with(&format!("{smtp}[policy]\nleak = \"{leak}\"\n{ROADS}")))
                .unwrap();
        let mut session = smtp::Session::open(door.addr()).unwrap();
        assert!(session.command("LHLO client.example").unwrap().is_positive());
        let mut client = runtime.block_on(Client::connect(&daemon.address())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut messages = Vec::new();
        for path in mails() {
            // As it comes over SMTP: every line ends in CRLF.
            let text = std::fs::read(&path).unwrap();
            let lines: Vec<&[u8]> = text
                .split(|byte| *byte == b'\n')
                .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
                .collect();
            let message = lines.join(b"\r\n".as_slice());
            let file = folder.path().join(format!("{}.eml", messages.len()));
            put(&file, &message).unwrap();
            messages.push((path, file, message));
        }
        for recipients in [
            &RECIPIENTS[..1],
            &RECIPIENTS[1..2],
            &RECIPIENTS[2..3],
            &RECIPIENTS[3..4],
            &RECIPIENTS[4..],
            &RECIPIENTS[..3],
        ] {
            let decided = by_scan(&daemon, recipients, folder.path());
            for (path, file, message) in &messages {
                let mail = Mail { sender: SENDER, recipients, queue_id: "4XyzAB12", tls: None };
                let by_milter = in_a_word(&runtime.block_on(client.send(&mail, message)).unwrap());
                let words = decided.get(file.to_str().unwrap());
                let words = words.unwrap_or_else(|| panic!("{} in {:?}", path.display(), decided.keys()));
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                assert_eq!(words.len(), recipients.len());
                let has_lone_cr = String::from_utf8_lossy(message).replace("\r\n", "").contains('\r');
                if recipients.len() > 1 && !has_lone_cr {
                    let without_road =
                        words.iter().map(|word| if *word == "reroute" { "hold" } else { word });
                    let by_lmtp = by_lmtp(&mut session, recipients, message);
                    assert_eq!(by_lmtp, without_road.collect::<Vec<_>>(), "{leak}, {}", path.display());
                }
                let by_scan = words
                    .into_iter()
                    .max_by_key(|word| STRICTNESS.iter().position(|one| one == word).unwrap());
                assert_eq!(Some(by_milter), by_scan, "{leak}, {recipients:?}, {}", path.display());
                seen.insert(by_milter);
            }
        }
    }
    assert_eq!(seen.len(), STRICTNESS.len(), "every verdict occurs: {seen:?}");
}
