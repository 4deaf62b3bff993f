//! The whole way behind a real Postfix: what the client hears, where the mail is, what the register holds.

use crate::support::daemon::{DPO, Daemon, DaemonOptions};
use crate::support::identity::Identity;
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::sink::{Mode, Sink, SinkOptions};
use crate::support::{base64, smtp, wait_until};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// A made-up number: 15 March 1979, passes modulus 11.
const NUMBER: &str = "150379-1028";
const SENDER: &str = "sagsbehandler@noerreby.example";
const CITIZEN: &str = "borger@post.example";
/// Postfix would add these two where they are missing, and then no mail comes out as it went in.
const DATE: &str = "Date: Mon, 2 Nov 2026 08:00:00 +0100\r\n";
const PATIENCE: Duration = Duration::from_secs(30);

fn leak() -> Vec<u8> {
    format!("From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\n{DATE}Subject: Din sag\r\nMessage-ID: <1@noerreby.example>\r\n\r\nCPR-nr.: {NUMBER}\r\n")
        .into_bytes()
}

fn clean() -> Vec<u8> {
    format!("From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\n{DATE}Subject: Din sag\r\nMessage-ID: <0@noerreby.example>\r\n\r\nVi har modtaget din mail.\r\n")
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
    let body = mail.subparts.first().unwrap_or(&mail).get_body().unwrap();
    for word in ["Sag BRV-", "Nørreby Kommune", "artikel 33"] {
        assert!(body.contains(word), "{word} is missing:\n{body}");
    }
    // Rounded down: all 72 only within the second of the detection.
    let left = |hours: u8| {
        body.contains(&format!("{hours} timer tilbage")) && body.contains(&format!("{hours} hours left"))
    };
    assert!(left(71) || left(72), "{body}");
    assert_no_number(&body, "the notice");

    // The persons can be written to: by the DPO's key, and by nobody else's.
    let id = cases[0]["id"].as_str().unwrap();
    let key = daemon.key_file();
    let opened = daemon.run(&["evidence", "open", id, "--identity", key.to_str().unwrap()]).unwrap();
    assert_eq!(String::from_utf8_lossy(&opened.stdout), NUMBER.replace('-', "") + "\n");
}

/// The message as the sink has it, without the Received headers that the relays on the way have put before it.
fn without_received(data: &[u8]) -> &[u8] {
    let mut rest = data;
    while rest.starts_with(b"Received:") {
        // To the next line that does not begin with a blank (RFC 5322 §2.2.3).
        let end = rest.windows(3).position(|w| w.starts_with(b"\r\n") && !matches!(w[2], b' ' | b'\t'));
        rest = &rest[end.unwrap() + 2..];
    }
    rest
}

#[test]
fn a_held_leak_lies_in_hold_and_comes_out_byte_for_byte_when_it_is_released() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"hold\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let reply = smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &leak()).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text());

    let queue = postfix.queue_json().unwrap();
    assert_eq!((queue.len(), &queue[0]["queue_name"]), (1, &"hold".into()), "{queue:?}");
    let id = queue[0]["queue_id"].as_str().unwrap();
    // A clean mail behind it passes, so the held one is not just late.
    assert_eq!(smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &clean()).unwrap().code, 250);
    let passed = sink.wait_for(1, PATIENCE).unwrap();
    assert!(passed.len() == 1 && without_received(&passed[0].data) == clean());

    let cases = daemon.cases().unwrap();
    assert_eq!((cases.len(), &cases[0]["kind"], &cases[0]["deadline"]), (1, &"near_miss".into(), &().into()));
    let shown = daemon.show(cases[0]["id"].as_str().unwrap()).unwrap();
    assert!(shown.contains(&format!("tilbageholdt kø-id {id}")), "{shown}");
    assert_no_number(&(shown + &postfix.log() + &daemon.log()), "the register or a log");

    postfix.run("postsuper", &["-H", id]).unwrap();
    postfix.flush().unwrap();
    let released = sink.wait_for(2, PATIENCE).unwrap().pop().unwrap();
    assert_eq!(String::from_utf8_lossy(without_received(&released.data)), String::from_utf8_lossy(&leak()));
    assert_eq!(
        (released.from.as_str(), released.rcpts.as_slice()),
        (SENDER, [CITIZEN.to_owned()].as_slice())
    );
    postfix.wait_for_log(&format!("{id}: removed"), PATIENCE).unwrap();
}

#[test]
fn a_rerouted_leak_goes_by_the_protected_road_or_not_at_all() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"reroute\"")).unwrap();
    let identity = Identity::for_name("localhost").unwrap();
    let plain = Sink::start(SinkOptions::default()).unwrap();
    let road = |starttls: Option<Identity>| {
        let secure = Sink::start(SinkOptions { starttls, mode: Mode::Up }).unwrap();
        let postfix = Postfix::start(&PostfixOptions {
            milter: Some(daemon.milter()),
            relay_to: Some(plain.addr()),
            secure_next_hop: Some(secure.addr()),
            ca_pem: Some(identity.ca_pem().to_owned()),
            ..PostfixOptions::default()
        })
        .unwrap();
        (secure, postfix)
    };

    let (secure, postfix) = road(Some(identity.clone()));
    assert_eq!(smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &leak()).unwrap().code, 250);
    assert_eq!(smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &clean()).unwrap().code, 250);
    let protected = secure.wait_for(1, PATIENCE).unwrap().pop().unwrap();
    assert!(protected.tls);
    let text = String::from_utf8_lossy(&protected.data).into_owned();
    assert!(text.ends_with(&format!("CPR-nr.: {NUMBER}\r\n")), "{text}");
    postfix.wait_for_log("brevdue-secure/smtp.*Verified TLS connection established", PATIENCE).unwrap();
    // The clean one goes the ordinary way, and only that one.
    let ordinary = plain.wait_for(1, PATIENCE).unwrap();
    assert_no_number(&String::from_utf8_lossy(&ordinary[0].data), "the ordinary road");
    drop(postfix);

    // A peer without STARTTLS gets nothing, and the ordinary road is no way round.
    let (bare, postfix) = road(None);
    let again = String::from_utf8(leak()).unwrap().replace("<1@", "<2@");
    assert_eq!(smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], again.as_bytes()).unwrap().code, 250);
    let line = postfix.wait_for_log("status=deferred", PATIENCE).unwrap();
    assert!(line.contains("TLS is required, but was not offered"), "{line}");
    assert_eq!(postfix.queue_json().unwrap()[0]["queue_name"], "deferred");
    assert_eq!((bare.received().len(), secure.received().len(), plain.received().len()), (0, 1, 1));

    let cases = daemon.cases().unwrap();
    assert_eq!((cases.len(), &cases[0]["kind"], &cases[0]["mails"]), (1, &"near_miss".into(), &2.into()));
}

#[test]
fn a_dead_daemon_costs_no_mail_and_a_live_one_takes_up_again() {
    let mut daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"block\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let send = |message: &[u8]| smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], message).unwrap().code;
    assert_eq!(send(&clean()), 250);

    daemon.kill();
    assert_eq!((send(&clean()), send(&leak())), (451, 451));
    daemon.spawn().unwrap();
    assert_eq!((send(&clean()), send(&leak())), (250, 550));
    assert_eq!(sink.wait_for(2, PATIENCE).unwrap().len(), 2);

    // Killed in the middle of a message: the client keeps that one too.
    let mut session = smtp::Session::open(postfix.smtp_addr()).unwrap();
    session.begin(SENDER, &[CITIZEN]).unwrap();
    session.write(b"Subject: x\r\n\r\nhalv").unwrap();
    daemon.kill();
    session.write(b" mail\r\n.\r\n").unwrap();
    assert_eq!(session.reply().unwrap().code, 451);
    daemon.spawn().unwrap();
    assert_eq!(send(&clean()), 250);

    // Told to end in the middle of a message (systemctl restart): what was begun is finished, and nothing is lost.
    for (message, code) in [(clean(), 250), (leak(), 550)] {
        let mut session = smtp::Session::open(postfix.smtp_addr()).unwrap();
        session.begin(SENDER, &[CITIZEN]).unwrap();
        let (first, rest) = message.split_at(message.len() / 2);
        session.write(first).unwrap();
        daemon.terminate().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        session.write(rest).unwrap();
        session.write(b".\r\n").unwrap();
        assert_eq!(session.reply().unwrap().code, code, "{}\n{}", daemon.log(), postfix.log());
        // The session is not over, but the message is: it ends now, and does not wait for the client to go.
        assert!(daemon.wait(PATIENCE).unwrap().success());
        daemon.spawn().unwrap();
        drop(session);
    }
    assert_eq!(send(&clean()), 250);
    let received = sink.wait_for(5, PATIENCE).unwrap();
    assert_eq!(received.len(), 5, "clean mails that were answered 250");
    for mail in received {
        assert_no_number(&String::from_utf8_lossy(&mail.data), "what went out");
    }
    // The same leak three times: once before, once in flight.
    let cases = daemon.cases().unwrap();
    assert_eq!((cases.len(), &cases[0]["mails"]), (1, &1.into()));
    assert!(daemon.show(cases[0]["id"].as_str().unwrap()).unwrap().contains("forsøg 2"));
}

#[test]
fn the_bounce_of_a_refused_sendmail_mail_holds_no_digit_of_the_number() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"block\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let attached = format!(
        "Subject: Din sag\nMIME-Version: 1.0\nContent-Type: text/csv; name=\"liste.csv\"\n\
         Content-Transfer-Encoding: base64\n\n{}\n",
        base64(format!("navn;cpr\nA;{NUMBER}\n").as_bytes())
    );
    for message in [String::from_utf8(leak()).unwrap().replace("\r\n", "\n"), attached] {
        let before = sink.received().len();
        postfix.sendmail(&[CITIZEN], SENDER, message.as_bytes()).unwrap();
        let bounce = sink.wait_for(before + 1, PATIENCE).unwrap().pop().unwrap();
        assert_eq!((bounce.from.as_str(), bounce.rcpts.as_slice()), ("", [SENDER.to_owned()].as_slice()));
        let text = String::from_utf8_lossy(&bounce.data).into_owned();
        assert!(text.contains("Digital Post") && text.contains("Subject: Din sag"), "{text}");
        assert_no_number(&text, "the bounce");
        assert!(!text.contains("1503") && !text.contains(&base64(NUMBER.as_bytes())[..10]), "{text}");
    }
    assert_eq!(daemon.cases().unwrap()[0]["mails"], 2);
    assert_no_number(&postfix.log(), "Postfix's log");
}

#[test]
fn many_recipients_have_one_answer_and_the_road_counts_persons() {
    let daemon = Daemon::start(&DaemonOptions::with(
        "[policy]\nleak = \"block\"\n[[road]]\ndomain = \"sikker.example\"\nprotection = \"forced-tls\"\nmax_persons = 2",
    ))
    .unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    // Made-up numbers that pass modulus 11.
    let persons = ["150379-1028", "010180-1012", "020290-1018"];
    let message = |count: usize, id: &str| {
        let lines: String = persons[..count].iter().map(|one| format!("CPR-nr.: {one}\r\n")).collect();
        format!("From: <{SENDER}>\r\nSubject: Din sag\r\nMessage-ID: <{id}@noerreby.example>\r\n\r\n{lines}")
            .into_bytes()
    };
    let send = |to: &[&str], message: &[u8]| {
        let reply = smtp::send(postfix.smtp_addr(), SENDER, to, message).unwrap();
        (reply.code, daemon.cases().unwrap().first().map_or(0.into(), |case| case["mails"].clone()))
    };
    // By the protected road alone: passes, and is no case.
    assert_eq!(send(&["a@sikker.example", "b@sikker.example"], &message(2, "a")), (250, 0.into()));
    // One recipient by an open road: refused for all, because a milter has one answer.
    assert_eq!(send(&["a@sikker.example", CITIZEN], &message(2, "b")), (550, 1.into()));
    // More persons than the road may carry: held for a person to judge.
    assert_eq!(send(&["a@sikker.example"], &message(3, "c")), (250, 2.into()));
    // A hundred recipients.
    let many: Vec<String> = (0..100).map(|n| format!("b{n}@sikker.example")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(send(&many, &message(2, "d")), (250, 2.into()));
    many.push(CITIZEN);
    assert_eq!(send(&many, &message(2, "e")), (550, 3.into()));
    let received = wait_until(PATIENCE, || {
        let all: usize = sink.received().iter().map(|mail| mail.rcpts.len()).sum();
        (all == 102).then_some(all)
    });
    assert_eq!(received, Some(102));
    assert!(sink.received().iter().all(|mail| mail.rcpts.iter().all(|to| to.ends_with("@sikker.example"))));
    assert_eq!(daemon.cases().unwrap()[0]["persons"], 3);
}

/// A socket as the example has it: below Postfix's queue directory, in a folder whose group Postfix has.
fn socket_for(postfix: &Postfix) -> PathBuf {
    let folder = postfix.queue_dir().join("brevdue");
    std::fs::create_dir(&folder).unwrap();
    assert!(Command::new("chgrp").arg("postfix").arg(&folder).status().unwrap().success());
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o2755)).unwrap();
    folder.join("milter.sock")
}

/// Clean small mails over one SMTP session, a second; the best of a few rounds, because the machine is not ours alone.
fn messages_a_second(postfix: &Postfix) -> f64 {
    const MAILS: u32 = 200;
    let round = || {
        let mut session = smtp::Session::open(postfix.smtp_addr()).unwrap();
        let start = Instant::now();
        for _ in 0..MAILS {
            assert_eq!(session.send(SENDER, &[CITIZEN], &clean()).unwrap().code, 250);
        }
        let rate = f64::from(MAILS) / start.elapsed().as_secs_f64();
        session.quit().unwrap();
        rate
    };
    let mut best = 0.0_f64;
    for _ in 0..4 {
        best = best.max(round());
        if best > 150.0 {
            break;
        }
    }
    best
}

#[test]
fn no_message_waits_for_a_delayed_ack_by_tcp_or_by_unix_socket() {
    // A stall of 40 ms a message would be 25 a second (facts of mail).
    let daemon = Daemon::start(&DaemonOptions::with("")).unwrap();
    let postfix =
        Postfix::start(&PostfixOptions { milter: Some(daemon.milter()), ..Default::default() }).unwrap();
    let tcp = messages_a_second(&postfix);
    drop(postfix);

    let options =
        PostfixOptions { milter: Some("unix:brevdue/milter.sock".to_owned()), ..Default::default() };
    let postfix = Postfix::start(&options).unwrap();
    let options = DaemonOptions { unix: Some(socket_for(&postfix)), ..DaemonOptions::with("") };
    let daemon = Daemon::start(&options).unwrap();
    let socket = std::fs::metadata(options.unix.as_ref().unwrap()).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o660);
    let unix = messages_a_second(&postfix);
    // The doors are the same: a leak is refused here too.
    assert_eq!(smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &leak()).unwrap().code, 550);
    assert_eq!(daemon.cases().unwrap().len(), 1);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("messages/s over one SMTP session, {build} build: TCP {tcp:.0}, unix socket {unix:.0}");
    assert!(tcp > 100.0 && unix > 100.0, "TCP {tcp:.0}, unix {unix:.0}");
}

#[test]
fn a_mail_of_twenty_megabytes_is_read_to_its_end() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"block\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let line = b"Vi har modtaget din henvendelse, og du vil faa svar inden for fjorten dage.\r\n";
    let mut message = format!(
        "From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\n{DATE}Message-ID: <3@noerreby.example>\r\nSubject: Stor\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\n"
    )
    .into_bytes();
    message.extend(line.repeat(10 << 20 >> 6));
    let encoded = base64(&line.repeat(10 << 20 >> 7));
    message.extend_from_slice(
        b"\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    );
    for line in encoded.as_bytes().chunks(76) {
        message.extend_from_slice(line);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"--b\r\nContent-Type: text/plain\r\n\r\n");
    assert!(message.len() > 20 << 20, "{}", message.len());
    let end = |text: &str| [&message, text.as_bytes(), b"\r\n--b--\r\n"].concat();

    let clean = end("slut");
    let reply = smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &clean).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text());
    let received = sink.wait_for(1, PATIENCE).unwrap();
    assert!(without_received(&received[0].data) == clean, "{} bytes came", received[0].data.len());
    // The last line of it counts as the first.
    let reply =
        smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], &end(&format!("CPR-nr.: {NUMBER}"))).unwrap();
    assert_eq!(reply.code, 550, "{}", reply.text());
    assert_eq!(daemon.cases().unwrap().len(), 1);
}

/// Behind Postfix a mail without Message-ID or Date gets them from Postfix, anew each time it comes.
#[test]
fn a_mail_without_a_message_id_is_known_when_it_comes_again() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"block\"")).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = behind(&daemon, &sink);
    let message = format!("From: <{SENDER}>\r\nSubject: Din sag\r\n\r\nCPR-nr.: {NUMBER}\r\n");
    let send = |message: &str| {
        assert_eq!(
            smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], message.as_bytes()).unwrap().code,
            550
        );
        daemon.cases().unwrap()[0]["mails"].clone()
    };
    assert_eq!((send(&message), send(&message)), (1.into(), 1.into()));
    // With ids of their own they are two, whatever else they share.
    let with_id = |id: u8| format!("Message-ID: <{id}@noerreby.example>\r\n{message}");
    assert_eq!((send(&with_id(1)), send(&with_id(2)), send(&with_id(2))), (2.into(), 3.into(), 3.into()));
}
