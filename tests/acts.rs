//! A case taken through its whole life from the command line, as a DPO does: what is refused with which words, and what stands
//! in the register afterwards.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::program::{code, said};
use crate::support::sink::{Sink, SinkOptions};
use crate::support::{put, smtp};
use brevdue::clock::Clock;
use chrono::TimeDelta;
use std::process::Output;
use std::time::Duration;

const SENDER: &str = "sagsbehandler@noerreby.example";
const NUMBER: &str = "150379-1028";

struct House {
    daemon: Daemon,
    case: String,
}

impl House {
    /// A breach, from a real Postfix.
    fn new() -> Self {
        let sink = Sink::start(SinkOptions::default()).unwrap();
        let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"deliver\"")).unwrap();
        let options = PostfixOptions {
            milter: Some(daemon.milter()),
            relay_to: Some(sink.addr()),
            ..Default::default()
        };
        let postfix = Postfix::start(&options).unwrap();
        let mail = format!(
            "From: <{SENDER}>\r\nSubject: Din sag\r\n\r\nAnsøger: Anne Marie Hansen\r\nCPR-nr.: {NUMBER}\r\n\
             Konto: 9999 0001234567\r\n"
        );
        let reply = smtp::send(postfix.smtp_addr(), SENDER, &["borger@post.example"], mail.as_bytes());
        assert_eq!(reply.unwrap().code, 250);
        sink.wait_for(1, Duration::from_secs(30)).unwrap();
        let case = daemon.cases().unwrap()[0]["id"].as_str().unwrap().to_owned();
        Self { daemon, case }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut whole = vec!["case"];
        whole.extend(args);
        self.daemon.run(&whole).unwrap()
    }

    fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn refused(&self, args: &[&str], words: &str) {
        let output = self.run(args);
        assert_ne!(code(&output), 0, "{args:?}");
        assert!(said(&output).contains(words), "{args:?}: {}", said(&output));
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.done(&["show", &self.case, "--format", "json"])).unwrap()
    }
}

/// As the daemon's clock has it, so many hours from now, in RFC 3339.
fn hours(from_now: i64) -> String {
    (Clock::System.now() + TimeDelta::hours(from_now)).to_rfc3339()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one life")]
fn a_case_is_taken_through_preliminary_supplement_and_final_to_its_end() {
    let house = House::new();
    let case = house.case.as_str();
    let who = ["--by", "Dorte DPO"];
    let with = |args: &[&str]| [args, &who[..]].concat().iter().map(ToString::to_string).collect::<Vec<_>>();
    let done = |args: &[&str]| {
        let args = with(args);
        house.done(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let refused = |args: &[&str], words: &str| {
        let args = with(args);
        house.refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), words);
    };
    refused(&["close", case], "notify it, or document why not");
    refused(&["refute", case, "--why", "test"], "only a suspicion is confirmed or refuted");
    refused(&["aware", case, "--at", &hours(1)], "in the future");
    refused(&["aware", case, "--at", "29-03-2026 02:30"], "findes ikke");
    refused(&["aware", "BRV-1999-0001", "--at", &hours(-1)], "no case BRV-1999-0001");
    let earlier = done(&["aware", case, "--at", &hours(-5), "--why", "en kollega så det først"]);
    assert!(earlier.contains("timer tilbage"), "{earlier}");
    refused(&["record", case, "description", &format!("Nummeret {NUMBER} stod i mailen")], "CPR-nummer");
    refused(&["record", case, "beskrivelse", "x"], "case fields");
    done(&["record", case, "description", "En mail med et CPR-nummer blev sendt ukrypteret."]);
    done(&["record", case, "cause", "opsætning"]);
    let score = done(&["assess", case, "--risk", "risk", "--data", "2", "--ease", "significant"]);
    assert!(score.contains("1,75 · lav (low)"), "{score}");
    refused(&["document", case, "--approver", "Chefen", "--why", "x"], "assess --risk unlikely");
    done(&["notified", case, "--at", &hours(-1), "--preliminary", "--reference", "2026-442-0001"]);
    refused(&["close", case], "send the last supplement first");
    done(&["record", case, "measures", "Opsætningen er rettet."]);
    done(&["supplemented", case, "--at", &hours(-1)]);
    done(&["supplemented", case, "--at", &hours(0), "--final"]);
    refused(&["close", case], "artikel 34");
    refused(&["inform", case, "--sent", "1"], "--planned N");
    done(&["inform", case, "--planned", "1"]);
    done(&["inform", case, "--sent", "1"]);
    refused(&["close", case], "receipt");
    let paper = house.daemon.config().with_file_name("kvittering.pdf");
    put(&paper, b"no PDF").unwrap();
    let paper = paper.to_str().unwrap();
    refused(&["receipt", case, paper], "is a PDF");
    put(paper.as_ref(), b"%PDF-1.7 kvittering").unwrap();
    done(&["receipt", case, paper]);
    done(&["task", case, "--add", "Gennemgå de andre systemer", "--whose", "IT"]);
    done(&["task", case, "--done", "1"]);
    assert!(done(&["close", case]).contains("afsluttet (closed)"));
    refused(&["record", case, "description", "x"], "reopen it first");

    let shown = house.done(&["show", case]);
    for part in [
        "afsluttet (closed)",
        "kontonummer (mindst 1 mail)",
        "navn (mindst 1 mail)",
        "post.example (1)",
        "foreløbigt anmeldt af en medarbejder",
        "2026-442-0001",
        "Kvittering: ",
        "udført",
        "en kollega så det først",
    ] {
        assert!(
            shown.contains(part),
            "{part}:
{shown}"
        );
    }
    assert!(!shown.contains(NUMBER));
    let said = house.json();
    assert_eq!(
        (&said["state"], &said["kind"], &said["fields"]["letters_sent"]),
        (&"closed".into(), &"breach".into(), &"1".into())
    );
    assert_eq!(said["receipts"].as_array().unwrap().len(), 1);
    let list = house.done(&["list", "--by", "deadline"]);
    assert!(list.contains("uret er standset"), "{list}");
    assert!(house.done(&["list", "--find", "442-0001"]).contains(case));
    assert!(house.done(&["list", "--find", "442-0002"]).contains("Fortegnelsen er tom"));
    assert!(house.done(&["list", "--open"]).contains("Fortegnelsen er tom"));
    refused(&["reopen", case], "a reason is asked for");
    // What was notified stays so: the clock stands, and what is new is a supplement.
    let reopened = done(&["reopen", case, "--why", "flere mails fundet"]);
    assert!(reopened.contains("foreløbigt anmeldt") && !reopened.contains("frist"), "{reopened}");
    assert_eq!(house.json()["aware_at"], said["aware_at"]);
    done(&["record", case, "person_count", "3"]);
    let sheet = house.done(&["export", case, "--as", "copy-sheet"]);
    assert!(
        sheet.contains("supplementary notification") && sheet.contains("Ændret siden anmeldelsen"),
        "{sheet}"
    );
    assert!(!sheet.contains("Opbevares til"), "no field of the form: {sheet}");
    refused(&["document", case, "--approver", "Chefen", "--why", "x"], "documented without a notification");
    refused(&["notified", case, "--at", &hours(0)], "is a supplement");
    refused(&["close", case], "a reason is asked for");
    refused(
        &["correct-notified", case, "--at", &hours(-9), "--why", "tastefejl"],
        "before anybody was aware",
    );
    done(&["correct-notified", case, "--at", &hours(-2), "--why", "tastefejl"]);
    refused(&["aware", case, "--at", &hours(-1), "--why", "x"], "correct-notified");
    refused(&["aware", case, "--at", &hours(-100)], "begrundelsen for forsinkelsen");
    done(&["aware", case, "--at", &hours(-100), "--why", "leverandøren sagde det først nu"]);
    assert_eq!(house.json()["fields"]["delay_reason"], "leverandøren sagde det først nu");
    done(&["record", case, "delay_reason", "Leverandøren oplyste først bruddet efter fristen."]);
    done(&["nis2", case, "mark", "--why", "mange borgere"]);
    refused(&["close", case, "--why", "intet nyt"], "NIS2: endelig rapport sendt");
    done(&["nis2", case, "withdraw", "--why", "ikke omfattet"]);
    done(&["supplemented", case, "--at", &hours(0)]);
    assert!(done(&["close", case, "--why", "intet nyt at anmelde"]).contains("afsluttet (closed)"));
    // The chain holds; who changes a line past the program is found.
    assert!(house.done(&["verify"]).contains("hel / whole"));
    let beside = rusqlite::Connection::open(house.daemon.database()).unwrap();
    beside
        .execute_batch(
            "DROP TRIGGER register_is_not_changed; UPDATE register_entry SET reason = 'intet' WHERE ordinal = 2",
        )
        .unwrap();
    house.refused(&["verify"], "linje 2 er ændret");
    beside
        .execute_batch("UPDATE case_fact SET value = '2026-11-17T09:20:00Z' WHERE field = 'keep_until'; DELETE FROM receipt")
        .unwrap();
    house.refused(&["verify"], "is missing, and the lines have it");
    house.refused(&["verify"], "the field keep_until is another than the lines say");
    // A letter's anchor that the register does not have, and what is no anchor.
    house.refused(&["verify", "--anchor", &"AB ".repeat(32)], "FINDES IKKE i registret");
    house.refused(&["verify", "--anchor", "abc"], "64 hexadecimal digits");
    house.refused(&["purge", "--by", "Dorte DPO"], "--why");
    // The table says that its time is over, and its lines do not.
    assert!(house.done(&["purge", "--by", "Dorte DPO", "--dry-run"]).contains("is not erased"));
    house.refused(&["purge", "--by", "Dorte DPO", "--why", "fristen er gået"], "is not what its lines say");
}
