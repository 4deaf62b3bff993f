//! What is in the register when the machine, the disk or another process fails in the middle (invariant 6).
//!
//! Behind a real Postfix: what the client heard is compared with what the register holds after the restart.

use crate::support::daemon::{DPO, Daemon, DaemonOptions};
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::sink::{Mode, Sink, SinkOptions};
use crate::support::{put, smtp};
use rusqlite::Connection;
use std::time::{Duration, Instant};

const NUMBER: &str = "150379-1028";
const SENDER: &str = "sagsbehandler@noerreby.example";
const CITIZEN: &str = "borger@post.example";
const PATIENCE: Duration = Duration::from_secs(30);

fn leak(id: u32) -> Vec<u8> {
    format!(
        "From: <{SENDER}>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\nMessage-ID: <{id}@noerreby.example>\r\n\
         Subject: Din sag\r\n\r\nCPR-nr.: {NUMBER}\r\n"
    )
    .into_bytes()
}

fn behind(daemon: &Daemon, sink: &Sink) -> Postfix {
    let options =
        PostfixOptions { milter: Some(daemon.milter()), relay_to: Some(sink.addr()), ..Default::default() };
    Postfix::start(&options).unwrap()
}

/// The case and the attempts of its newest message.
fn attempts(daemon: &Daemon) -> (serde_json::Value, String) {
    let cases = daemon.cases().unwrap();
    assert_eq!(cases.len(), 1, "{cases:?}");
    let shown = daemon.show(cases[0]["id"].as_str().unwrap()).unwrap();
    (cases[0].clone(), shown)
}

#[test]
fn a_daemon_killed_after_its_answer_has_the_case_and_tells_of_it_when_it_is_back() {
    for (leak_action, code, kind, milestones) in
        // A breach has one more when a staffed hour is left before its deadline.
        [("block", 550, "near_miss", 1..=1), ("deliver", 250, "breach", 7..=8)]
    {
        // The DPO's mail server is down, so the notice cannot have left before the crash.
        let dpo = Sink::start(SinkOptions { starttls: None, mode: Mode::Down }).unwrap();
        let sink = Sink::start(SinkOptions::default()).unwrap();
        let options = DaemonOptions {
            alarm: Some(dpo.addr()),
            ..DaemonOptions::with(&format!("[policy]\nleak = \"{leak_action}\""))
        };
        let mut daemon = Daemon::start(&options).unwrap();
        let postfix = behind(&daemon, &sink);
        let send = || smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &leak(1)).unwrap().code;
        assert_eq!(send(), code);
        daemon.kill();

        let (case, shown) = attempts(&daemon);
        assert_eq!((&case["kind"], &case["mails"], &case["persons"]), (&kind.into(), &1.into(), &1.into()));
        assert!(milestones.contains(&shown.matches(DPO).count()), "{shown}");
        assert!(dpo.received().is_empty());

        dpo.set_mode(Mode::Up);
        daemon.spawn().unwrap();
        // The notice may have been tried before the crash, and waits 30 s then.
        let letters = dpo.wait_for(1, Duration::from_mins(1)).unwrap();
        let id = case["id"].as_str().unwrap();
        assert!(String::from_utf8_lossy(&letters[0].data).contains(id));
        assert_eq!(send(), code);
        let (case, shown) = attempts(&daemon);
        assert_eq!(case["mails"], 1);
        assert!(shown.contains("forsøg 2"), "{shown}");
        assert_eq!(dpo.received().len(), 1, "the resent message opened nothing");
        if code == 250 {
            let key = daemon.key_file();
            let opened = daemon.run(&["evidence", "open", id, "--identity", key.to_str().unwrap()]).unwrap();
            assert_eq!(String::from_utf8_lossy(&opened.stdout), NUMBER.replace('-', "") + "\n");
        }
    }
}

#[test]
fn a_register_that_another_process_holds_means_451_and_nothing_half_written() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"deliver\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let send = |message: &[u8]| smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], message).unwrap();

    let other = Connection::open(daemon.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let reply = send(&leak(1));
    assert_eq!(reply.code, 451, "{}", reply.text());
    let waited = start.elapsed();
    assert!(waited > Duration::from_secs(4) && waited < Duration::from_secs(20), "{waited:?}");
    assert!(reply.text().contains("kunne ikke kontrolleres"), "{}", reply.text());
    // A clean mail needs no register and does not wait for one.
    let start = Instant::now();
    assert_eq!(send(b"Subject: hej\r\n\r\nhej\r\n").code, 250);
    assert!(start.elapsed() < Duration::from_secs(4));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(daemon.cases().unwrap().is_empty());

    assert_eq!(send(&leak(1)).code, 250);
    assert_eq!(attempts(&daemon).0["mails"], 1);
    let sent = sink.wait_for(2, PATIENCE).unwrap();
    assert_eq!(sent.iter().filter(|mail| String::from_utf8_lossy(&mail.data).contains(NUMBER)).count(), 1);

    // Held for a moment only: the writer waits, and the mail passes at the first try.
    let other = Connection::open(daemon.database()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let holding = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        other.execute_batch("COMMIT").unwrap();
    });
    assert_eq!(send(&leak(2)).code, 250);
    holding.join().unwrap();
    assert_eq!(attempts(&daemon).0["mails"], 2);
}

#[test]
fn evidence_that_cannot_be_written_means_451_and_no_case() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"deliver\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let send = || smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &leak(1)).unwrap().code;
    // A file where the folder should be: what a full or a read-only disk does, and root cannot pass it.
    let folder = daemon.data().join("spool/evidence");
    put(&folder, b"").unwrap();
    assert_eq!(send(), 451);
    assert!(daemon.cases().unwrap().is_empty());
    assert!(daemon.log().contains("not recorded"), "{}", daemon.log());
    assert!(sink.received().is_empty());

    std::fs::remove_file(&folder).unwrap();
    assert_eq!(send(), 250);
    let (case, shown) = attempts(&daemon);
    assert_eq!((&case["mails"], &case["persons"]), (&1.into(), &1.into()));
    assert!(shown.contains("forsøg 1"), "the failed try left a trace: {shown}");
    assert_eq!(sink.wait_for(1, PATIENCE).unwrap().len(), 1);
}

#[test]
fn what_a_crash_left_in_the_evidence_is_no_part_of_the_case_that_gets_its_number() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"deliver\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let send = |from: &str, id| smtp::send(postfix.smtp_addr(), from, &[CITIZEN], &leak(id)).unwrap().code;
    assert_eq!(send(SENDER, 1), 250);
    let first = attempts(&daemon).0["id"].as_str().unwrap().to_owned();
    // Sealed for the next case, whose row then was not written.
    let next = first.strip_suffix("0001").unwrap().to_owned() + "0002";
    let evidence = daemon.data().join("spool/evidence");
    let [one, two] = [&first, &next].map(|case| evidence.join(format!("{case}.seg")));
    put(&two, &std::fs::read(&one).unwrap()).unwrap();
    // Another sender's mail is another case.
    assert_eq!(send("anden@noerreby.example", 2), 250);
    assert!(daemon.cases().unwrap().iter().any(|case| case["id"] == next.as_str()));
    let frames = |path: &std::path::Path| brevdue::spool::segment::frames(path).unwrap().len();
    assert_eq!((frames(&one), frames(&two), frames(&evidence.join(format!("{next}.seg.torn")))), (1, 1, 1));
}
