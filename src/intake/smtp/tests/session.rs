//! What may follow what.

use crate::intake::smtp::command::parse;
use crate::intake::smtp::session::{Act, Premises, Session};

fn session(is_local: bool) -> Session {
    Session::new(Premises { has_tls: true, is_local }, "192.0.2.9".parse().ok())
}

/// Says a line to a session whose next hop takes everything, and gives the code that is answered at once; 0 for what is
/// answered otherwise.
fn say(session: &mut Session, line: &str) -> u16 {
    match session.on(parse(line.as_bytes())) {
        Act::Say(reply) | Act::Void(reply) | Act::Leave(reply) | Act::Chunk { unwanted: Some(reply), .. } => {
            reply.code()
        }
        Act::Sender { path, parameters } => {
            session.sender_taken(path, parameters);
            250
        }
        Act::Recipient { path, parameters, address } => {
            session.recipient_taken(path, parameters, address);
            250
        }
        Act::Data => 354,
        Act::Chunk { .. } | Act::StartTls | Act::Client => 0,
    }
}

fn talk(session: &mut Session, lines: &[(&str, u16)]) {
    for (line, code) in lines {
        assert_eq!(say(session, line), *code, "{line}");
    }
}

#[test]
fn the_order_of_commands() {
    let mut one = session(false);
    talk(
        &mut one,
        &[
            ("MAIL FROM:<a@b.example>", 503),
            ("XFORWARD ADDR=1.2.3.4", 503),
            ("NOOP", 250),
            ("EHLO x", 250),
            ("RCPT TO:<c@d.example>", 503),
            ("DATA", 503),
            ("BDAT 3 LAST", 503),
            ("MAIL FROM:<a@b.example>", 250),
            ("MAIL FROM:<a@b.example>", 503),
            ("DATA", 554),
            ("BDAT 3 LAST", 503),
            ("RCPT TO:<c@d.example>", 250),
            ("RCPT TO:<root>", 250),
            ("STARTTLS", 503),
            ("XFORWARD ADDR=1.2.3.4", 503),
            ("BDAT 3", 0),
            ("RCPT TO:<c@d.example>", 503),
            ("DATA", 503),
            ("NOOP", 250),
            ("BDAT 3 LAST", 0),
        ],
    );
    assert_eq!(one.cover().recipients.len(), 2);
    one.mail_over();
    talk(&mut one, &[("MAIL FROM:<>", 250), ("RCPT TO:<c@d.example>", 250), ("DATA", 354)]);
    assert_eq!(one.envelope().sender, None);
    assert!(!one.is_hopeless() && !one.answers_each());
    talk(&mut one, &[("LHLO x", 250)]);
    assert!(one.is_idle() && one.answers_each());
    for _ in 0..20 {
        say(&mut one, "GET / HTTP/1.1");
    }
    assert!(one.is_hopeless());
}

#[test]
fn who_the_client_is_comes_with_xforward_for_one_mail() {
    let mut one = session(false);
    talk(
        &mut one,
        &[
            ("EHLO x", 250),
            ("XFORWARD NAME=host.example ADDR=IPV6:2001:db8::1 IDENT=4bXq1z3kTnz9", 250),
            ("XFORWARD SOURCE=REMOTE", 250),
            ("MAIL FROM:<a@b.example>", 250),
            ("RCPT TO:<c@d.example>", 250),
        ],
    );
    assert_eq!(one.envelope().queue_id.as_ref().unwrap().as_str(), "4bXq1z3kTnz9");
    assert_eq!(one.envelope().client.unwrap().to_string(), "2001:db8::1");
    assert_eq!(one.cover().forwarded.len(), 4);
    one.mail_over();
    talk(&mut one, &[("MAIL FROM:<a@b.example>", 250)]);
    assert_eq!((one.envelope().queue_id.clone(), one.cover().forwarded.len()), (None, 0));
    assert_eq!(one.envelope().client.unwrap().to_string(), "192.0.2.9");
}

#[test]
fn xclient_is_believed_from_this_machine_alone_and_begins_anew() {
    let mut far = session(false);
    talk(&mut far, &[("EHLO x", 250), ("XCLIENT ADDR=1.2.3.4", 503)]);
    let mut near = session(true);
    talk(&mut near, &[("EHLO x", 250), ("XCLIENT ADDR=1.2.3.4", 0), ("MAIL FROM:<a@b.example>", 503)]);
    talk(&mut near, &[("EHLO x", 250), ("MAIL FROM:<a@b.example>", 250)]);
    assert_eq!(near.envelope().client.unwrap().to_string(), "1.2.3.4");
}

#[test]
fn nothing_said_before_tls_counts_after_it() {
    let mut one = session(false);
    talk(&mut one, &[("EHLO x", 250), ("XFORWARD ADDR=1.2.3.4", 250), ("STARTTLS", 0)]);
    one.secured("TLSv1.3");
    talk(&mut one, &[("MAIL FROM:<a@b.example>", 503), ("EHLO x", 250), ("STARTTLS", 503)]);
    talk(&mut one, &[("MAIL FROM:<a@b.example>", 250)]);
    assert_eq!((one.envelope().tls.as_deref(), one.cover().forwarded.len()), (Some("TLSv1.3"), 0));
}
