//! The test support tried on itself: no Brevdue in it, so what fails here is the harness, Postfix or the example.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::support::identity::Identity;
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::sink::{Fault, Mode, Sink, SinkOptions, Step};
use crate::support::{Port, smtp, wait_until};

const FROM: &str = "anna@kommune.example";
const TO: &str = "bo@borger.example";
const MESSAGE: &[u8] = b"From: anna@kommune.example\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\n\
Message-ID: <1@kommune.example>\r\nSubject: hej\r\n\r\n.en linje med punktum\r\n.\r\nslut\r\n";
const LONG: Duration = Duration::from_secs(20);

/// Asks for the protected road without a milter.
fn road_by_header(sink: &Sink) -> String {
    let port = sink.addr().port();
    format!("header_checks = regexp:{{ {{ /^X-Test-Road:/ FILTER brevdue-secure:[localhost]:{port} }} }}")
}

fn protected() -> Vec<u8> {
    [b"X-Test-Road: protected\r\n", MESSAGE].concat()
}

#[test]
fn a_mail_goes_through_byte_for_byte_and_nothing_is_warned_of() {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let options = PostfixOptions { relay_to: Some(sink.addr()), ..Default::default() };
    let postfix = Postfix::start(&options).unwrap();
    let reply = smtp::send(postfix.smtp_addr(), FROM, &[TO, "carl@borger.example"], MESSAGE).unwrap();
    assert_eq!(reply.code, 250);
    let got = sink.wait_for(1, LONG).unwrap();
    assert_eq!((got[0].from.as_str(), got[0].rcpts.len(), got[0].tls), (FROM, 2, false));
    assert!(got[0].data.ends_with(MESSAGE), "{}", String::from_utf8_lossy(&got[0].data));
    postfix.wait_for_log("qmgr.*removed", LONG).unwrap();
    assert_eq!(postfix.queue_json().unwrap().len(), 0);
    let settings = postfix.run("postconf", &["-n"]).unwrap() + &postfix.run("postconf", &["-M"]).unwrap();
    let checked = postfix.run("postfix", &["check"]).unwrap();
    for text in [settings, checked, postfix.log()] {
        assert!(!text.contains("warning:") && !text.contains("unused"), "{text}");
    }
    // A long id: no hex number, 12 characters at least.
    assert!(reply.text().split_whitespace().next_back().is_some_and(|id| id.len() >= 12), "{reply:?}");
}

#[test]
fn many_messages_over_one_session() {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let options = PostfixOptions { relay_to: Some(sink.addr()), ..Default::default() };
    let postfix = Postfix::start(&options).unwrap();
    let mut session = smtp::Session::open(postfix.smtp_addr()).unwrap();
    for _ in 0..50 {
        assert!(session.send(FROM, &[TO], MESSAGE).unwrap().is_positive());
    }
    session.quit().unwrap();
    assert_eq!(sink.wait_for(50, LONG).unwrap().len(), 50);
    assert!(!postfix.log().contains("warning:"), "{}", postfix.log());
}

#[test]
fn the_protected_road_is_verified_tls_and_the_log_says_so() {
    let identity = Identity::for_name("localhost").unwrap();
    let sink = Sink::start(SinkOptions { starttls: Some(identity.clone()), mode: Mode::Up }).unwrap();
    let postfix = Postfix::start(&PostfixOptions {
        secure_next_hop: Some(sink.addr()),
        ca_pem: Some(identity.ca_pem().to_owned()),
        extra_main_cf: road_by_header(&sink),
        ..Default::default()
    })
    .unwrap();
    for _ in 0..2 {
        assert_eq!(smtp::send(postfix.smtp_addr(), FROM, &[TO], &protected()).unwrap().code, 250);
    }
    let got = sink.wait_for(2, LONG).unwrap();
    assert!(got.iter().all(|mail| mail.tls));
    let sent = "postfix/brevdue-secure/smtp.*status=sent";
    println!("{}", postfix.wait_for_log(sent, LONG).unwrap());
    println!("{}", postfix.wait_for_log("Verified TLS connection established", LONG).unwrap());
    // One line of evidence a delivery.
    let lines = || postfix.log().matches("Verified TLS connection established").count();
    assert!(wait_until(LONG, || (lines() == 2).then_some(())).is_some(), "{}", postfix.log());
    assert!(!postfix.log().contains("warning:"), "{}", postfix.log());
}

#[test]
fn a_peer_without_tls_or_with_the_wrong_certificate_gets_nothing() {
    let right = Identity::for_name("localhost").unwrap();
    let wrong_name = Identity::for_name("andet.example").unwrap();
    let stranger = Identity::for_name("localhost").unwrap();
    let cases = [
        (None, right.ca_pem(), "TLS is required, but was not offered"),
        (Some(wrong_name.clone()), wrong_name.ca_pem(), "Server certificate not verified"),
        (Some(stranger), right.ca_pem(), "Server certificate not verified"),
    ];
    for (starttls, ca_pem, reason) in cases {
        let sink = Sink::start(SinkOptions { starttls, mode: Mode::Up }).unwrap();
        let postfix = Postfix::start(&PostfixOptions {
            secure_next_hop: Some(sink.addr()),
            ca_pem: Some(ca_pem.to_owned()),
            extra_main_cf: road_by_header(&sink),
            ..Default::default()
        })
        .unwrap();
        assert_eq!(smtp::send(postfix.smtp_addr(), FROM, &[TO], &protected()).unwrap().code, 250);
        let line = postfix.wait_for_log("status=deferred", LONG).unwrap();
        println!("{line}");
        assert!(line.contains(reason), "{}", postfix.log());
        assert!(sink.received().is_empty());
        assert!(!sink.commands().iter().any(|line| line.starts_with("MAIL")), "{:?}", sink.commands());
        assert_eq!(postfix.queue_json().unwrap()[0]["queue_name"], "deferred");
    }
}

#[test]
fn a_dead_milter_means_that_the_client_keeps_the_mail() {
    let nobody = Port::claim().unwrap();
    let options = PostfixOptions { milter: Some(format!("inet:{}", nobody.addr())), ..Default::default() };
    let postfix = Postfix::start(&options).unwrap();
    let reply = smtp::send(postfix.smtp_addr(), FROM, &[TO], MESSAGE).unwrap();
    assert_eq!(reply.code, 451, "{reply:?}");
    // The sendmail command is not refused: the mail waits until somebody looks at it.
    postfix.sendmail(&[TO], FROM, MESSAGE).unwrap();
    postfix.wait_for_log("cleanup.*milter-reject", LONG).unwrap();
    assert_eq!(postfix.queue_json().unwrap()[0]["queue_name"], "maildrop");
    assert!(!postfix.log().contains("status=sent"));
}

#[test]
fn sendmail_goes_out_and_a_refused_one_bounces_without_its_body() {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let refuse = "body_checks = regexp:{ { /010107/ REJECT nej } }";
    let options = PostfixOptions {
        relay_to: Some(sink.addr()),
        extra_main_cf: refuse.to_owned(),
        ..Default::default()
    };
    let postfix = Postfix::start(&options).unwrap();
    postfix.sendmail(&[TO], FROM, b"Subject: hej\n\n.a\n.\nb\n").unwrap();
    let got = sink.wait_for(1, LONG).unwrap();
    assert!(got[0].data.ends_with(b"\r\n\r\n.a\r\n.\r\nb\r\n"));

    postfix.sendmail(&[TO], FROM, b"Subject: hej\n\nabc\n010107-1234\n").unwrap();
    let bounce = sink.wait_for(2, LONG).unwrap().pop().unwrap();
    let text = String::from_utf8_lossy(&bounce.data);
    println!("{text}");
    assert_eq!((bounce.from.as_str(), bounce.rcpts.as_slice()), ("", [FROM.to_owned()].as_slice()));
    assert!(!text.contains("010107") && !text.contains("abc"), "{text}");
}

#[test]
fn the_queue_is_told_and_flushed() {
    let mut sink = Sink::start(SinkOptions { starttls: None, mode: Mode::Down }).unwrap();
    let options = PostfixOptions { relay_to: Some(sink.addr()), ..Default::default() };
    let postfix = Postfix::start(&options).unwrap();
    let send = || smtp::send(postfix.smtp_addr(), FROM, &[TO], MESSAGE).unwrap().code;
    assert_eq!(send(), 250);
    postfix.wait_for_log("status=deferred.*421", LONG).unwrap();
    let queue = postfix.queue_json().unwrap();
    assert_eq!((queue.len(), &queue[0]["sender"]), (1, &FROM.into()), "{queue:?}");

    sink.stop();
    postfix.flush().unwrap();
    postfix.wait_for_log("status=deferred.*Connection refused", LONG).unwrap();
    sink.set_mode(Mode::Up);
    sink.restart().unwrap();
    postfix.flush().unwrap();
    assert_eq!(sink.wait_for(1, LONG).unwrap().len(), 1);
    postfix.wait_for_log("qmgr.*removed", LONG).unwrap();

    for (step, fault, pattern) in [
        (Step::Rcpt, Fault::Reply(550), "status=bounced.*550 5.3.2"),
        (Step::Data, Fault::Cut, "status=deferred.*lost connection.*DATA command"),
        (Step::End, Fault::KeepAndCut, "status=deferred.*lost connection.*end of data"),
    ] {
        sink.set_mode(Mode::Fail(step, fault));
        assert_eq!(send(), 250);
        postfix.wait_for_log(pattern, LONG).unwrap();
    }
    // The mail that was kept and not acknowledged, but not the bounce's own.
    assert!(sink.received().iter().any(|mail| mail.from == FROM && mail.data.ends_with(MESSAGE)));
}

#[test]
fn the_sink_fails_where_it_is_told_to() {
    let mut sink = Sink::start(SinkOptions::default()).unwrap();
    let send = |addr| smtp::send(addr, FROM, &[TO], MESSAGE);
    for (step, fault, code) in [
        (Step::Mail, Fault::Reply(451), Some(451)),
        (Step::Rcpt, Fault::Reply(550), Some(550)),
        (Step::Data, Fault::Reply(452), Some(452)),
        (Step::End, Fault::Reply(554), Some(554)),
        (Step::Connect, Fault::Reply(421), None),
        (Step::Ehlo, Fault::Cut, None),
        (Step::End, Fault::Cut, None),
    ] {
        sink.set_mode(Mode::Fail(step, fault));
        assert_eq!(send(sink.addr()).ok().map(|reply| reply.code), code, "{step:?} {fault:?}");
    }
    assert!(sink.received().is_empty());
    sink.set_mode(Mode::Fail(Step::End, Fault::Hang));
    let addr = sink.addr();
    let hanging = std::thread::spawn(move || smtp::send(addr, FROM, &[TO], MESSAGE).is_err());
    assert!(wait_until(LONG, || sink.commands().last().filter(|line| *line == "DATA").map(drop)).is_some());
    std::thread::sleep(Duration::from_millis(100));
    assert!(!hanging.is_finished());
    sink.stop();
    assert!(hanging.join().unwrap() && send(addr).is_err());
    sink.set_mode(Mode::Up);
    sink.restart().unwrap();
    assert_eq!(send(sink.addr()).unwrap().code, 250);
    assert_eq!(sink.wait_for(1, LONG).unwrap()[0].data, MESSAGE);
}

#[test]
fn two_at_once_are_two() {
    let open_pair = || {
        let sink = Sink::start(SinkOptions::default()).unwrap();
        let options = PostfixOptions { relay_to: Some(sink.addr()), ..Default::default() };
        let postfix = Postfix::start(&options).unwrap();
        (sink, postfix)
    };
    let (one, two) = (open_pair(), open_pair());
    for (n, (sink, postfix)) in [&one, &two].into_iter().enumerate() {
        let from = format!("nr{n}@kommune.example");
        assert_eq!(smtp::send(postfix.smtp_addr(), &from, &[TO], MESSAGE).unwrap().code, 250);
        assert_eq!(sink.wait_for(1, LONG).unwrap()[0].from, from);
    }
    let (folder, addr) = (one.1.config_dir(), one.1.smtp_addr());
    drop(one);
    assert!(!folder.exists() && std::net::TcpStream::connect(addr).is_err());
    assert!(smtp::send(two.1.smtp_addr(), FROM, &[TO], MESSAGE).unwrap().is_positive());
}

/// A filter just big enough to see the example work: it answers yes to everything, and `end` at the end of a message.
fn toy_milter(end: &'static [u8], stream: &mut (impl Read + Write)) -> std::io::Result<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut packet)?;
        match packet.first() {
            Some(b'O') => stream.write_all(b"\0\0\0\x0dO\0\0\0\x06\0\0\0\x21\0\0\0\0")?,
            Some(b'D' | b'A' | b'K') => {}
            Some(b'Q') => return Ok(()),
            Some(b'E') => stream.write_all(&[end, b"\0\0\0\x01c"].concat())?,
            _ => stream.write_all(b"\0\0\0\x01c")?,
        }
    }
}

#[test]
fn a_header_of_the_milter_leads_to_the_protected_road_and_a_header_of_the_sender_does_not() {
    let identity = Identity::for_name("localhost").unwrap();
    let secure = Sink::start(SinkOptions { starttls: Some(identity.clone()), mode: Mode::Up }).unwrap();
    let plain = Sink::start(SinkOptions::default()).unwrap();
    for (end, to_secure) in [(b"\0\0\0\x1ahX-Brevdue-Road\0protected\0".as_slice(), true), (b"", false)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let milter = format!("inet:{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || toy_milter(end, &mut stream.unwrap()).ok());
            }
        });
        let postfix = Postfix::start(&PostfixOptions {
            milter: Some(milter),
            relay_to: Some(plain.addr()),
            secure_next_hop: Some(secure.addr()),
            ca_pem: Some(identity.ca_pem().to_owned()),
            ..Default::default()
        })
        .unwrap();
        let message = [b"X-Brevdue-Road: protected\r\n", MESSAGE].concat();
        let message = if to_secure { MESSAGE } else { &message };
        assert_eq!(smtp::send(postfix.smtp_addr(), FROM, &[TO], message).unwrap().code, 250);
        let sink = if to_secure { &secure } else { &plain };
        assert_eq!(sink.wait_for(1, LONG).unwrap()[0].tls, to_secure, "{}", postfix.log());
        println!("{}", postfix.log());
    }
    assert_eq!((secure.received().len(), plain.received().len()), (1, 1));
}

#[test]
fn a_quarantined_mail_lies_in_hold_until_it_is_released() {
    // The example's own address, below the queue directory, as it must be where Postfix is chrooted.
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let postfix = Postfix::start(&PostfixOptions {
        milter: Some("unix:brevdue/milter.sock".to_owned()),
        relay_to: Some(sink.addr()),
        ..Default::default()
    })
    .unwrap();
    let path = postfix.queue_dir().join("brevdue/milter.sock");
    std::fs::create_dir(postfix.queue_dir().join("brevdue")).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || toy_milter(b"\0\0\0\x06qhold\0", &mut stream.unwrap()).ok());
        }
    });
    smtp::send(postfix.smtp_addr(), FROM, &[TO], MESSAGE).unwrap();
    let queue = postfix.queue_json().unwrap();
    assert_eq!(queue[0]["queue_name"], "hold", "{queue:?}");
    assert!(sink.received().is_empty());
    postfix.run("postsuper", &["-H", queue[0]["queue_id"].as_str().unwrap()]).unwrap();
    postfix.flush().unwrap();
    assert_eq!(sink.wait_for(1, LONG).unwrap().len(), 1);
    println!("{}", postfix.log());
}

#[test]
fn an_error_tells_what_postfix_said() {
    let options =
        PostfixOptions { extra_main_cf: "data_directory = /proc/nowhere\n".to_owned(), ..Default::default() };
    let error = Postfix::start(&options).err().unwrap().to_string();
    println!("{error}");
    assert!(error.contains("/proc/nowhere"), "{error}");
}
