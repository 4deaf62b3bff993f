//! The whole way behind a real Postfix: what the client hears, where the mail is, what the register holds.

use crate::support::daemon::{DPO, Daemon, DaemonOptions};
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::sink::{Sink, SinkOptions};
use crate::support::smtp;
use std::time::Duration;

/// A made-up number: 15 March 1979, passes modulus 11.
const NUMBER: &str = "150379-1028";
const SENDER: &str = "sagsbehandler@noerreby.example";
const CITIZEN: &str = "borger@post.example";
const PATIENCE: Duration = Duration::from_secs(30);

fn leak() -> Vec<u8> {
    format!("From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\nSubject: Din sag\r\nMessage-ID: <1@noerreby.example>\r\n\r\nCPR-nr.: {NUMBER}\r\n")
        .into_bytes()
}

fn clean() -> Vec<u8> {
    format!("From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\nSubject: Din sag\r\n\r\nVi har modtaget din mail.\r\n")
        .into_bytes()
}

fn behind(daemon: &Daemon, sink: &Sink) -> Postfix {
    Postfix::start(&PostfixOptions {
        milter: Some(daemon.milter()),
        relay_to: Some(sink.addr()),
        ..PostfixOptions::default()
    })
    .unwrap()
}

/// No part of the number stands in what people or programs read: not whole, not its serial beside its date.
fn assert_no_number(text: &str, what: &str) {
    let digits = NUMBER.replace('-', "");
    assert!(!text.contains(NUMBER) && !text.contains(&digits), "the number stands in {what}:\n{text}");
}

#[test]
fn a_leak_is_refused_and_a_near_miss_is_in_the_register() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"block\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);

    let reply = smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &clean()).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text());
    let reply = smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &leak()).unwrap();
    assert_eq!(reply.code, 550, "{}", reply.text());
    assert!(reply.text().contains("CPR-nummer") && reply.text().contains("Digital Post"), "{}", reply.text());
    let told = reply.text().replace("550", "").replace("5.7.1", "");
    assert!(!told.bytes().any(|b| b.is_ascii_digit()), "{told}");

    let received = sink.wait_for(1, PATIENCE).unwrap();
    assert!(String::from_utf8_lossy(&received[0].data).contains("Vi har modtaget din mail."));
    let cases = daemon.cases().unwrap();
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0]["kind"], "near_miss");
    assert!(cases[0]["deadline"].is_null());
    assert_eq!((&cases[0]["mails"], &cases[0]["persons"]), (&1.into(), &1.into()));

    // The client tries again: the same message, counted as an attempt and not as another mail.
    smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &leak()).unwrap();
    assert_eq!(daemon.cases().unwrap()[0]["mails"], 1);
    let shown = daemon.show("BRV-2026-0001").unwrap();
    assert!(shown.contains("forsøg 2"), "{shown}");
    assert_eq!(sink.received().len(), 1);
    for (text, what) in [(postfix.log(), "Postfix's log"), (daemon.log(), "our log"), (shown, "case show")] {
        assert_no_number(&text, what);
    }
}

#[test]
fn in_observe_mode_it_passes_and_a_breach_stands_with_its_deadline_and_the_dpo_is_told() {
    let dpo = Sink::start(SinkOptions::default()).unwrap();
    let daemon = Daemon::start(&DaemonOptions {
        alarm: Some(dpo.addr()),
        ..DaemonOptions::with("[policy]\nleak = \"deliver\"")
    })
    .unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let reply = smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &leak()).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text());
    sink.wait_for(1, PATIENCE).unwrap();

    let cases = daemon.cases().unwrap();
    assert_eq!((&cases[0]["kind"], &cases[0]["state"]), (&"breach".into(), &"assessing".into()));
    let time = |key: &str| chrono::DateTime::parse_from_rfc3339(cases[0][key].as_str().unwrap()).unwrap();
    assert_eq!((time("deadline") - time("aware_at")).num_hours(), 72);
    assert_eq!(time("aware_at"), time("detected_at"));

    let letters = dpo.wait_for(1, PATIENCE).unwrap();
    assert_eq!(letters[0].rcpts, [DPO]);
    let mail = mailparse::parse_mail(&letters[0].data).unwrap();
    let body = mail.get_body().unwrap();
    for word in ["Sag BRV-", "71 timer tilbage", "71 hours left", "Nørreby Kommune", "artikel 33"] {
        assert!(body.contains(word), "{word} is missing:\n{body}");
    }
    assert_no_number(&body, "the notice");

    // The persons can be written to: by the DPO's key, and by nobody else's.
    let id = cases[0]["id"].as_str().unwrap();
    let key = daemon.key_file();
    let opened = daemon.run(&["evidence", "open", id, "--identity", key.to_str().unwrap()]).unwrap();
    assert_eq!(String::from_utf8_lossy(&opened.stdout), NUMBER.replace('-', "") + "\n");
}
