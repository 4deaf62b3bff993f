//! Mail through our own hands, with a real Postfix on both sides of us: what the client hears, where the mail is, what came out.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::sink::{Received, Sink, SinkOptions};
use crate::support::{Port, put, smtp, wait_until};
use std::net::SocketAddr;
use std::time::Duration;

/// A made-up number: 15 March 1979, passes modulus 11.
const NUMBER: &str = "150379-1028";
pub(crate) const SENDER: &str = "sagsbehandler@noerreby.example";
pub(crate) const CITIZEN: &str = "borger@post.example";
pub(crate) const SAFE: &str = "sag@sikker.example";
/// Postfix would add these two where they are missing, and then no mail comes out as it went in.
const HEAD: &str = "Date: Mon, 2 Nov 2026 08:00:00 +0100\r\nMessage-ID: <1@noerreby.example>\r\n";
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const ROAD: &str = "[[road]]\ndomain = \"sikker.example\"\nprotection = \"forced-tls\"\n";

fn mail(text: &str) -> Vec<u8> {
    format!("From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\n{HEAD}Subject: Din sag\r\n\r\n{text}").into_bytes()
}

pub(crate) fn leak() -> Vec<u8> {
    mail(&format!("CPR-nr.: {NUMBER}\r\n"))
}

/// All that a careless relay changes: dots, long lines, blanks at the end, empty lines last, bytes above 127.
pub(crate) fn clean() -> Vec<u8> {
    let mut mail = mail(".punktum\r\n.\r\n..\r\n...\r\n \r\nblanke til sidst   \r\n");
    mail.extend_from_slice(b"\xe6\xf8\xe5 \xf0\x9f\x95\x8a\r\n");
    mail.extend_from_slice("en lang linje ".repeat(60).as_bytes());
    mail.extend_from_slice(b"\r\n\r\n\r\n");
    mail
}

/// The message without the Received headers that the relays on the way have put before it.
pub(crate) fn without_received(data: &[u8]) -> &[u8] {
    let mut rest = data;
    while rest.starts_with(b"Received:") {
        // To the next line that does not begin with a blank (RFC 5322 §2.2.3).
        let end = rest.windows(3).position(|w| w.starts_with(b"\r\n") && !matches!(w[2], b' ' | b'\t'));
        rest = &rest[end.unwrap() + 2..];
    }
    rest
}

/// How Postfix hands mail to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// `smtpd_proxy_filter`.
    Before,
    /// `content_filter = smtp:`.
    After,
    /// `content_filter = lmtp:`.
    AfterByLmtp,
}

/// A daemon with an SMTP door, Postfix on both sides of it, and a sink where all mail ends.
struct House {
    daemon: Daemon,
    postfix: Postfix,
    sink: Sink,
    ports: [Port; 2],
}

impl House {
    fn new(way: Way, toml: &str) -> Self {
        Self::new_with(way, toml, "")
    }

    fn new_with(way: Way, toml: &str, main_cf: &str) -> Self {
        let (door, back) = (Port::claim().unwrap(), Port::claim().unwrap());
        let sink = Sink::start(SinkOptions::default()).unwrap();
        let daemon = daemon(door.addr(), back.addr(), toml);
        let filter = match way {
            Way::Before => format!("smtpd_proxy_filter = {}", door.addr()),
            Way::After => format!("content_filter = smtp:[127.0.0.1]:{}", door.addr().port()),
            Way::AfterByLmtp => format!("content_filter = lmtp:[127.0.0.1]:{}", door.addr().port()),
        };
        let back_door = format!(
            "{} inet n - n - - smtpd\n    -o content_filter=\n    -o smtpd_proxy_filter=\n    -o smtpd_milters=\n    \
             -o smtpd_authorized_xforward_hosts=127.0.0.0/8\n    -o smtpd_authorized_xclient_hosts=127.0.0.0/8\n    -o syslog_name=postfix/back\n\
             lmtp unix - - n - - lmtp\n",
            back.addr()
        );
        let postfix = Postfix::start(&PostfixOptions {
            relay_to: Some(sink.addr()),
            // Quickly, so that a deferred mail comes again within a test.
            extra_main_cf: format!(
                "{filter}\nsmtp_send_xforward_command = yes\nlmtp_send_xforward_command = yes\n\
                 minimal_backoff_time = 1s\nqueue_run_delay = 1s\n{}",
                main_cf.replace("@SINK@", &sink.addr().port().to_string())
            ),
            extra_master_cf: back_door,
            ..PostfixOptions::default()
        })
        .unwrap();
        Self { daemon, postfix, sink, ports: [door, back] }
    }

    fn send(&self, to: &[&str], message: &[u8]) -> smtp::Reply {
        smtp::send(self.postfix.smtp_addr(), SENDER, to, message).unwrap()
    }

    fn held(&self) -> usize {
        held(&self.daemon)
    }
}

pub(crate) fn daemon(door: SocketAddr, next_hop: SocketAddr, toml: &str) -> Daemon {
    let smtp = format!("[smtp]\nlisten = \"{door}\"\nnext_hop = \"{next_hop}\"\n");
    let toml = match toml.strip_prefix("[smtp]\n") {
        Some(more) => format!("{smtp}{more}"),
        None => format!("{smtp}{toml}"),
    };
    Daemon::start(&DaemonOptions::with(&toml)).unwrap()
}

/// Sealed files in the spool.
pub(crate) fn held(daemon: &Daemon) -> usize {
    let Ok(folder) = std::fs::read_dir(daemon.data().join("spool/held")) else { return 0 };
    folder
        .filter(|one| one.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "age"))
        .count()
}

pub(crate) fn assert_no_number(text: &str, what: &str) {
    let digits = NUMBER.replace('-', "");
    assert!(!text.contains(NUMBER) && !text.contains(&digits), "the number stands in {what}:\n{text}");
}

#[test]
fn clean_mail_goes_through_byte_for_byte_and_a_leak_is_refused_whatever_the_way() {
    for way in [Way::Before, Way::After, Way::AfterByLmtp] {
        let house = House::new(way, "[policy]\nleak = \"block\"");
        let reply = house.send(&[CITIZEN, "anden@post.example"], &clean());
        assert_eq!(reply.code, 250, "{way:?} {}", reply.text());
        let got = house.sink.wait_for(1, PATIENCE).unwrap();
        assert!(
            without_received(&got[0].data) == clean(),
            "{way:?}:\n{}",
            String::from_utf8_lossy(&got[0].data)
        );
        if way != Way::Before {
            // XFORWARD was passed on: the mail is known by its first queue id on the other side of us.
            house.postfix.wait_for_log("postfix/back.*orig_queue_id=", PATIENCE).unwrap();
        }
        let mut rcpts = got[0].rcpts.clone();
        rcpts.sort_unstable();
        assert_eq!(rcpts, ["anden@post.example", CITIZEN], "{way:?}");

        let reply = house.send(&[CITIZEN], &leak());
        if way == Way::Before {
            assert_eq!(reply.code, 550, "{}", reply.text());
            assert!(reply.text().contains("CPR-nummer") && reply.text().contains("Digital Post"));
        } else {
            assert_eq!(reply.code, 250, "Postfix has it already");
            let line = house.postfix.wait_for_log("status=bounced", PATIENCE).unwrap();
            assert!(line.contains("550") && line.contains("Digital Post"), "{line}");
            let bounce = house.sink.wait_for(2, PATIENCE).unwrap().pop().unwrap();
            assert_eq!((bounce.from.as_str(), bounce.rcpts.as_slice()), ("", &[SENDER.to_owned()][..]));
        }
        assert_no_number(&(house.postfix.log() + &house.daemon.log()), "a log");
        for mail in house.sink.received() {
            assert_no_number(&String::from_utf8_lossy(&mail.data), "what went out");
        }
        let cases = house.daemon.cases().unwrap();
        assert_eq!((cases.len(), &cases[0]["kind"]), (1, &"near_miss".into()), "{way:?}");
        assert_eq!(house.held(), 0);
    }
}

#[test]
fn mail_by_the_door_has_passed_whatever_the_log_calls_it() {
    let toml = "[policy]\nleak = \"block\"\n[maillog]\npath = \"log/mail.log\"\n";
    let house = House::new(Way::Before, toml);
    house.daemon.follow(&house.postfix.log_path()).unwrap();
    // Names tell whole seconds.
    std::thread::sleep(Duration::from_secs(2));
    // Before the queue there is no name to pass on by XFORWARD: the next hop's answer tells it.
    assert_eq!(house.send(&[CITIZEN], &clean()).code, 250);
    // And one by a way that nobody thought of, so that it is known when the log was read.
    house.postfix.sendmail(&[CITIZEN], SENDER, b"Subject: y\n\nz\n").unwrap();
    house.sink.wait_for(2, PATIENCE).unwrap();
    let line = house.postfix.wait_for_log("uid=0 from=", PATIENCE).unwrap();
    let id = format!("queue_id={}", line.split(": ").nth(1).unwrap());
    let told = || house.daemon.log().lines().filter(|line| line.contains("left without passing")).count();
    let log = wait_until(PATIENCE, || Some(house.daemon.log()).filter(|log| log.contains(&id)));
    // The log told of the other one first, so it would have been counted first.
    assert_eq!(told(), 1, "{}", log.unwrap());
}

fn to<'a>(received: &'a [Received], recipient: &str) -> Vec<&'a Received> {
    received.iter().filter(|mail| mail.rcpts.iter().any(|to| to == recipient)).collect()
}

#[test]
fn the_protected_recipient_gets_it_and_the_other_part_is_held() {
    for (way, leak_is) in
        [(Way::Before, "block"), (Way::After, "block"), (Way::After, "hold"), (Way::AfterByLmtp, "hold")]
    {
        let house = House::new(way, &format!("[policy]\nleak = \"{leak_is}\"\n{ROAD}"));
        let reply = house.send(&[SAFE, CITIZEN], &leak());
        assert_eq!(reply.code, 250, "{way:?} {}", reply.text());
        let got = house.sink.wait_for(1, PATIENCE).unwrap();
        assert_eq!((got.len(), got[0].rcpts.as_slice()), (1, &[SAFE.to_owned()][..]), "{way:?}");
        assert!(without_received(&got[0].data) == leak());
        assert_eq!(house.held(), 1, "{way:?}\n{}", house.daemon.log());
        if way != Way::Before {
            // Where each part is, in the mail server's own log.
            let line = house
                .postfix
                .wait_for_log("to=<borger@.*status=sent .*Held for approval as", PATIENCE)
                .unwrap();
            assert_eq!(line.contains("queued as"), way == Way::After, "{line}");
            println!("{way:?}: {line}");
        }
        house.postfix.wait_for_log("removed", PATIENCE).unwrap();
        // Nobody gets it twice.
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!((house.sink.received().len(), house.held()), (1, 1), "{way:?}\n{}", house.daemon.log());
        assert_eq!(house.daemon.cases().unwrap()[0]["kind"], "near_miss");
    }
}

#[test]
fn over_lmtp_each_recipient_has_an_answer() {
    let house = House::new(Way::AfterByLmtp, &format!("[policy]\nleak = \"block\"\n{ROAD}"));
    assert_eq!(house.send(&[SAFE, CITIZEN], &leak()).code, 250);
    let sent = house
        .postfix
        .wait_for_log(&format!("/lmtp.*to=<{SAFE}>.*relay=127.0.0.1.*status="), PATIENCE)
        .unwrap();
    assert!(sent.contains("status=sent") && sent.contains("queued as"), "{sent}");
    let bounced = house.postfix.wait_for_log(&format!("to=<{CITIZEN}>.*status="), PATIENCE).unwrap();
    assert!(bounced.contains("status=bounced") && bounced.contains("550"), "{bounced}");
    println!("{sent}\n{bounced}");
    let got = house.sink.wait_for(2, PATIENCE).unwrap();
    assert_eq!((to(&got, SAFE).len(), to(&got, CITIZEN).len(), to(&got, SENDER).len()), (1, 0, 1));
    assert_eq!(house.held(), 0);
}

#[test]
fn a_next_hop_that_is_down_leaves_the_mail_in_the_queue_and_a_killed_daemon_loses_none() {
    let mut house = House::new(Way::After, &format!("[policy]\nleak = \"hold\"\n{ROAD}"));
    // The daemon is gone: the mail waits.
    house.daemon.kill();
    assert_eq!(house.send(&[CITIZEN], &clean()).code, 250);
    house.postfix.wait_for_log("status=deferred", PATIENCE).unwrap();
    house.daemon.spawn().unwrap();
    house.postfix.flush().unwrap();
    assert!(without_received(&house.sink.wait_for(1, PATIENCE).unwrap()[0].data) == clean());
    house.postfix.wait_for_log("removed", PATIENCE).unwrap();

    // Killed again and again while mails come: each is delivered, or held, once at least, and the queue is empty in the end.
    let mails: Vec<String> = (0..30).map(|n| format!("nr{n}@sikker.example")).collect();
    for (n, to) in mails.iter().enumerate() {
        let message = String::from_utf8(leak()).unwrap().replace("<1@", &format!("<k{n}@"));
        assert_eq!(house.send(&[to, CITIZEN], message.as_bytes()).code, 250);
        if n % 3 == 0 {
            // Somewhere in its way.
            std::thread::sleep(Duration::from_millis(n as u64));
            house.daemon.kill();
            house.daemon.spawn().unwrap();
        }
    }
    let done = wait_until(Duration::from_mins(1), || {
        house.postfix.flush().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        house.postfix.queue_json().unwrap().is_empty().then_some(())
    });
    assert!(done.is_some(), "{}", house.postfix.log());
    let got = house.sink.received();
    let twice = mails.iter().filter(|one| to(&got, one).len() > 1).count();
    assert!(mails.iter().all(|one| !to(&got, one).is_empty()), "lost: {}", house.daemon.log());
    assert_eq!(to(&got, CITIZEN).len(), 1, "only the clean one went to the citizen");
    let whole = house.held();
    println!("30 mails over 10 kills: {twice} delivered twice, {whole} held");
    assert!(whole >= 30);
    assert_no_number(&(house.postfix.log() + &house.daemon.log()), "a log");
}

#[test]
fn postfix_speaks_tls_to_us_when_we_have_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (cert, secret) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    put(&cert, certificate.pem().as_bytes()).unwrap();
    put(&secret, key.serialize_pem().as_bytes()).unwrap();
    let door = format!("[smtp]\ncert = \"{}\"\nkey = \"{}\"\n", cert.display(), secret.display());
    let house = House::new_with(
        Way::After,
        &door,
        "smtp_tls_security_level = encrypt\nsmtp_tls_loglevel = 1\nsmtp_tls_policy_maps = inline:{{[127.0.0.1]:@SINK@=none}}\n",
    );
    assert_eq!(house.send(&[CITIZEN], &clean()).code, 250);
    let got = house.sink.wait_for(1, PATIENCE).unwrap();
    assert!(without_received(&got[0].data) == clean());
    let line = house.postfix.wait_for_log("TLS connection established", PATIENCE).unwrap();
    println!("{line}");
    assert!(line.contains("TLSv1.3"), "{line}");
}

/// A stall of 40 ms a mail (Nagle against a delayed ACK) would be fewer than 25 a second.
#[test]
fn no_mail_waits_for_a_delayed_ack() {
    let house = House::new(Way::Before, "[policy]\nleak = \"block\"");
    let mut session = smtp::Session::open(house.postfix.smtp_addr()).unwrap();
    let mut best = 0.0_f64;
    for _ in 0..4 {
        let began = std::time::Instant::now();
        for _ in 0..50 {
            assert_eq!(session.send(SENDER, &[CITIZEN], &clean()).unwrap().code, 250);
        }
        best = best.max(50.0 / began.elapsed().as_secs_f64());
    }
    println!("mails/s over one SMTP session by smtpd_proxy_filter, debug build: {best:.0}");
    assert!(best > 40.0, "{best:.0}");
}

/// Both are Postfix's own words: who the client is reaches it, and its refusal of a recipient reaches the client.
#[test]
fn xclient_goes_on_and_a_refused_recipient_is_refused_in_the_next_hops_words() {
    let house = House::new(Way::After, "[policy]\nleak = \"block\"");
    let mut session = smtp::Session::open(house.ports[0].addr()).unwrap();
    assert!(session.command(&format!("MAIL FROM:<{SENDER}>")).unwrap().is_positive());
    assert!(session.command(&format!("RCPT TO:<{CITIZEN}>")).unwrap().is_positive());
    assert_eq!(session.command("XCLIENT ADDR=192.0.2.7").unwrap().code, 503, "not within a mail");
    assert_eq!(session.command("RSET").unwrap().code, 250);
    let reply = session.command("XCLIENT ADDR=192.0.2.7 NAME=fremmed.example").unwrap();
    assert_eq!(reply.code, 220);
    assert!(session.command("EHLO x").unwrap().is_positive());
    assert!(session.command(&format!("MAIL FROM:<{SENDER}>")).unwrap().is_positive());
    let reply = session.command(&format!("RCPT TO:<{CITIZEN}>")).unwrap();
    assert_eq!(reply.code, 554);
    assert!(reply.text().contains("Access denied"), "{}", reply.text());
    assert_eq!(session.command("DATA").unwrap().code, 554);
    let line = house.postfix.wait_for_log("postfix/back.*Access denied", PATIENCE).unwrap();
    assert!(line.contains("fremmed.example[192.0.2.7]"), "{line}");
}
