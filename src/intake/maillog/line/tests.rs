//! Lines as Postfix writes them; those of 3.7 were taken from a real one (`tests/maillog.rs` has it write them again).

use super::*;

fn says(text: &str) -> Says {
    Line::read(&format!("2026-11-02T08:00:00.25+01:00 mx1 postfix/smtp[4711]: {text}")).unwrap().says
}

#[test]
fn every_form_of_stamp_and_name_is_read() {
    for (head, at, program) in [
        ("Nov  2 08:00:00 mx1 postfix/qmgr[7]", None, "postfix/qmgr"),
        ("2026-11-02T08:00:00.25+01:00 mx1 postfix-out/qmgr[7]", Some(1_793_602_800), "postfix-out/qmgr"),
        ("2026-11-02T08:00:00+0100 mx1 postfix/relay/qmgr[7]", Some(1_793_602_800), "postfix/relay/qmgr"),
    ] {
        let line = Line::read(&format!("{head}: 4bXq1z3kTnz9: removed")).unwrap();
        assert_eq!(line.at.map(|at| at.timestamp()), at, "{head}");
        assert_eq!(line.writer, Writer { program: program.into(), pid: 7 });
        assert_eq!(line.says, Says::Removed(QueueId::new("4bXq1z3kTnz9").unwrap()));
    }
}

#[test]
fn a_session_is_read_with_what_was_agreed() {
    let line = "Verified TLS connection established to mx.x.example[192.0.2.1]:25: TLSv1.3 with cipher \
                TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits)";
    let told = Secured {
        peer: "mx.x.example[192.0.2.1]:25".into(),
        trust: Trust::Verified,
        protocol: "TLSv1.3".into(),
        cipher: "TLS_AES_256_GCM_SHA384".into(),
    };
    assert_eq!(says(line), Says::Secured(told.clone()));
    // With smtp_tls_loglevel above 1, or from 3.11 on, the mail's name stands before it.
    assert_eq!(says(&format!("4bXq1z3kTnz9: {line}")), Says::Secured(told));
    assert!(Trust::Verified > Trust::Trusted && Trust::Trusted > Trust::Untrusted);
}

#[test]
fn a_delivery_is_read_without_the_person() {
    let told = |conn_use, status| {
        Says::Delivery(Delivery {
            queue_id: QueueId::new("4bXq1z3kTnz9").unwrap(),
            domain: "post.example".into(),
            relay: Some("mx.post.example[192.0.2.1]:25".into()),
            conn_use,
            status,
        })
    };
    let line = |more: &str, status: &str| {
        says(&format!(
            "4bXq1z3kTnz9: to=<inger.madsen@post.example>, relay=mx.post.example[192.0.2.1]:25, {more}delay=0.4, \
             delays=0.1/0/0.1/0.2, dsn=2.0.0, status={status} (250 2.0.0 Ok: queued as ABC)"
        ))
    };
    assert_eq!(line("", "sent"), told(1, Status::Sent));
    assert_eq!(line("conn_use=3, ", "deferred"), told(3, Status::Deferred));
    assert_eq!(line("", "bounced"), told(1, Status::Failed));
    let none = says(
        "4bXq1z3kTnz9: to=<a@b.example>, orig_to=<c@d.example>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (connect to b.example[192.0.2.9]:25: Connection refused)",
    );
    assert!(matches!(none, Says::Delivery(Delivery { relay: None, status: Status::Deferred, .. })));
}

#[test]
fn what_was_done_to_a_held_mail_is_read() {
    let id = |text| QueueId::new(text).unwrap();
    let of = |program: &str, text: &str| {
        Line::read(&format!("Nov  2 08:00:00 h {program}[7]: {text}")).map(|line| line.says)
    };
    assert_eq!(of("postfix/postsuper", "4bX: released from hold"), Some(Says::Released(id("4bX"))));
    assert_eq!(of("postfix/postsuper", "4bX: requeued"), Some(Says::Requeued(id("4bX"))));
    assert_eq!(
        of("postfix/pickup", "4bY: uid=102 from=<a@b.example> orig_id=4bX"),
        Some(Says::Renamed { new: id("4bY"), old: id("4bX") })
    );
}

#[test]
fn other_lines_and_odd_ones_say_nothing() {
    for line in [
        "",
        "hello",
        "Nov  2 08:00:00 mx1 sshd[7]: Accepted",
        "Nov  2 08:00:00 mx1 postfix/smtp[7]: connect to x[192.0.2.1]:25: Connection refused",
        "Nov  2 08:00:00 mx1 postfix/smtpd[7]: Anonymous TLS connection established from x[192.0.2.1]: TLSv1.3 with cipher X",
        "Nov  2 08:00:00 mx1 postfix/smtp[99999999999]: 4bX: removed",
        "Nov  2 08:00:00 mx1 postfix/qmgr[7]: 4bX: removed by somebody",
    ] {
        assert_eq!(Line::read(line), None, "{line}");
    }
}
