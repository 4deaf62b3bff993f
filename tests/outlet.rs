//! The client to the next hop, against a stand-in that hangs, and one that does not speak SMTP.

use crate::support::identity::Identity;
use crate::support::put;
use crate::support::sink::{Fault, Mode, Sink, SinkOptions, Step};
use brevdue::outlet::secure::Security;
use brevdue::outlet::smtp::{Content, Failure, Hop, Limits, Place, Session};
use std::io::{Cursor, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const SHORT: Duration = Duration::from_millis(300);

fn hop(at: SocketAddr, security: Security) -> Hop {
    let limits = Limits { connect: SHORT, command: SHORT, block: SHORT, end: SHORT };
    Hop { place: Place::Tcp { host: "localhost".to_owned(), port: at.port() }, lmtp: false, security, limits }
}

fn content(mail: &[u8]) -> Content {
    Content {
        reader: Box::new(Cursor::new(mail.to_vec())),
        size: mail.len() as u64,
        ends_a_line: mail.ends_with(b"\r\n"),
    }
}

fn to(path: &str) -> (String, Vec<String>) {
    (path.to_owned(), Vec::new())
}

async fn send(hop: &Hop, mail: &[u8]) -> Result<bool, Failure> {
    let mut session = Session::open(hop).await?;
    session.begin("a@b.example", &[], &[], &[&to("c@d.example"), &to("e@f.example")]).await?;
    let answers = session.send(content(mail)).await?;
    session.quit().await;
    Ok(answers.len() == 1 && answers[0].is_ok())
}

#[test]
fn a_hop_that_hangs_is_given_up_in_time_at_every_step() {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let runtime = Runtime::new().unwrap();
    let hop = hop(sink.addr(), Security::never());
    assert!(runtime.block_on(send(&hop, b"Subject: x\r\n\r\n.\r\n")).unwrap());
    assert_eq!(sink.received()[0].data, b"Subject: x\r\n\r\n.\r\n");
    assert_eq!(sink.received()[0].rcpts.len(), 2);
    for step in [Step::Connect, Step::Ehlo, Step::Mail, Step::Rcpt, Step::Data, Step::End] {
        sink.set_mode(Mode::Fail(step, Fault::Hang));
        let began = Instant::now();
        let failure = runtime.block_on(send(&hop, b"x\r\n")).unwrap_err();
        assert!(matches!(failure, Failure::Silent { .. }) && failure.is_temporary(), "{step:?} {failure}");
        assert_eq!(failure.is_before_data(), step != Step::End, "{step:?}");
        assert!(began.elapsed() < SHORT * 8, "{step:?}");
        sink.set_mode(Mode::Up);
    }
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn a_refused_recipient_or_a_torn_draft_leaves_nothing_under_way() {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let runtime = Runtime::new().unwrap();
    let hop = hop(sink.addr(), Security::never());
    sink.set_mode(Mode::Fail(Step::Rcpt, Fault::Reply(550)));
    let failure = runtime.block_on(send(&hop, b"x\r\n")).unwrap_err();
    assert!(matches!(&failure, Failure::Refused { step: "RCPT", reply } if reply.code() == 550), "{failure}");
    assert!(sink.commands().contains(&"RSET".to_owned()));
    sink.set_mode(Mode::Up);
    // A draft shorter than it says must not look like a whole mail.
    let torn = async {
        let mut session = Session::open(&hop).await?;
        session.begin("", &[], &[], &[&to("c@d.example")]).await?;
        session.send(Content { size: 1_000, ..content(b"halv\r\n") }).await
    };
    assert!(matches!(runtime.block_on(torn), Err(Failure::Draft(_))));
    // Nothing in an address can begin a command.
    let injected = async {
        let mut session = Session::open(&hop).await?;
        session.begin("a@b>\r\nRCPT TO:<x@y", &[], &[], &[&to("c@d.example")]).await
    };
    assert!(runtime.block_on(injected).is_err());
    assert!(sink.received().is_empty() && !sink.commands().iter().any(|line| line.contains("x@y")));
}

#[test]
fn tls_is_taken_where_it_is_offered_and_its_facts_are_told() {
    let identity = Identity::for_name("localhost").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    put(&ca, identity.ca_pem().as_bytes()).unwrap();
    let sink = Sink::start(SinkOptions { starttls: Some(identity), mode: Mode::Up }).unwrap();
    let runtime = Runtime::new().unwrap();
    for (security, verified) in [
        (Security::never(), None),
        (Security::if_offered(), Some(false)),
        (Security::forced(Some(&ca)).unwrap(), Some(true)),
    ] {
        let session = runtime.block_on(Session::open(&hop(sink.addr(), security))).unwrap();
        let facts = session.tls().cloned();
        assert_eq!(facts.as_ref().map(|facts| facts.verified), verified);
        assert!(facts.is_none_or(|facts| facts.protocol == "TLSv1.3" && facts.peer == "localhost"));
    }
    assert!(Security::forced(Some(&folder.path().join("none.pem"))).is_err());
    put(&ca, b"no certificate").unwrap();
    assert!(Security::forced(Some(&ca)).is_err());
}

#[test]
fn who_does_not_speak_smtp_is_not_believed() {
    let runtime = Runtime::new().unwrap();
    // The last says yes to STARTTLS and something behind it, which is not to count under TLS.
    for script in [
        "HTTP/1.1 400 Bad Request\r\n",
        "220 a\r\n250-x\r\n251 y\r\n",
        "220 a\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(script.as_bytes()).ok();
            let mut said = Vec::new();
            stream.read_to_end(&mut said).ok();
            said
        });
        let failure = runtime.block_on(Session::open(&hop(at, Security::if_offered()))).err().unwrap();
        assert!(matches!(failure, Failure::Garbled { .. }), "{script:?} {failure}");
        drop(server.join().unwrap());
    }
}

/// A hop that answers twice: its second answer would be taken for the answer to what is said next, and the commands of the
/// next mail for the content of this.
#[test]
fn a_hop_that_says_more_than_it_was_asked_gets_no_mail() {
    let runtime = Runtime::new().unwrap();
    for (to_mail, to_rcpt, to_data) in [
        ("250 ok\r\n250 more\r\n", "250 ok\r\n", "354 go\r\n"),
        ("250 ok\r\n", "250 ok\r\n250 more\r\n", "354 go\r\n"),
        ("250 ok\r\n", "250 ok\r\n354 go\r\n250 early\r\n", "354 go\r\n"),
        ("250 ok\r\n", "250 ok\r\n", "354 go\r\n250 early\r\n"),
        ("250 ok\r\n", "250 ok\r\n", "250 taken\r\n"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let strange = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = std::io::BufReader::new(stream.try_clone().unwrap());
            let say = |text: &str| (&stream).write_all(text.as_bytes()).unwrap();
            say("220 x\r\n");
            let mut all = String::new();
            loop {
                let mut line = String::new();
                if std::io::BufRead::read_line(&mut lines, &mut line).unwrap_or(0) == 0 {
                    return all;
                }
                all.push_str(&line);
                match line.get(..4) {
                    Some("MAIL") => say(to_mail),
                    Some("RCPT") => say(to_rcpt),
                    Some("DATA") => say(to_data),
                    _ => say("250 ok\r\n"),
                }
            }
        });
        let sent = async {
            let mut session = Session::open(&hop(at, Security::never())).await?;
            session.begin("a@b.example", &[], &[], &[&to("c@d.example")]).await?;
            session.send(content(b"Subject: hemmelig\r\n")).await
        };
        let failure = runtime.block_on(sent).unwrap_err();
        assert!(failure.lost_the_hop() && failure.is_before_data(), "{to_mail:?} {to_rcpt:?} {failure}");
        assert!(!strange.join().unwrap().contains("hemmelig"));
    }
}
