//! Lines as Postfix writes them; those of 3.7 were taken from a real one (`tests/maillog/` has it write them again).

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
        is_reused: false,
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
            written_domain: None,
            level: None,
            is_told: status == Status::Sent,
            went_on_as: None,
            relay: Some("mx.post.example[192.0.2.1]:25".into()),
            conn_use,
            before: "0.1/0/0.1".into(),
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

fn delivered(text: &str) -> Delivery {
    match says(text) {
        Says::Delivery(delivery) => delivery,
        other @ (Says::Secured(_)
        | Says::Lost
        | Says::Removed(_)
        | Says::Released(_)
        | Says::Requeued(_)
        | Says::Renamed { .. }
        | Says::Refused(_)
        | Says::Expired(_)
        | Says::Wrote(_)) => panic!("{other:?}"),
    }
}

fn line(relay: &str, more: &str, rest: &str) -> Delivery {
    delivered(&format!(
        "4bX: to=<a@b.example>, relay={relay}, delay=1, delays=1/0/0/0, {more}dsn=2.0.0, {rest}"
    ))
}

/// postconf(5), `smtp_log_tls_feature_status` of 3.11; the words were read in its author's letters, not logged here.
#[test]
fn a_line_of_3_11_says_whether_there_was_tls() {
    let level = |word: &str| line("mx[192.0.2.1]:25", &format!("tls={word}, "), "status=sent (250 ok)").level;
    for (word, told) in [
        ("none", Level::None),
        ("may:none", Level::None),
        ("may", Level::Some),
        ("dane", Level::Some),
        ("dane:may", Level::Some),
        ("secure", Level::Some),
        ("may?", Level::Undecided),
        ("!encrypt", Level::Undecided),
    ] {
        assert_eq!(level(word), Some(told), "{word}");
    }
    assert_eq!(line("mx[192.0.2.1]:25", "", "status=sent (250 ok)").level, None);
}

#[test]
fn a_peers_words_are_no_words_of_postfix() {
    let told = line(
        "mx[192.0.2.1]:25",
        "",
        "status=deferred (host mx[192.0.2.1] said: 450 x, status=sent (250 ok))",
    );
    assert_eq!((told.status, told.is_told), (Status::Deferred, false));
    // Nor are a recipient's.
    let told = delivered(
        "4bX: to=<\"x>, relay=evil[192.0.2.9]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (\"@b.example>, relay=mx[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred (no)",
    );
    assert_eq!((told.relay.as_deref(), told.status), (Some("mx[192.0.2.1]:25"), Status::Deferred));
    assert_eq!(told.domain, "b.example");
}

#[test]
fn content_that_was_handed_over_is_told_even_where_it_was_refused() {
    let is_told = |text: &str| line("mx[192.0.2.1]:25", "", text).is_told;
    assert!(is_told("status=sent (250 ok)"));
    assert!(is_told(
        "status=deferred (host mx[192.0.2.1] said: 451 4.3.0 try later (in reply to end of DATA command))"
    ));
    assert!(is_told("status=deferred (lost connection with mx[192.0.2.1] while sending message body)"));
    assert!(!is_told("status=deferred (host mx[192.0.2.1] said: 450 no (in reply to RCPT TO command))"));
    assert!(!is_told("status=deferred (connect to mx[192.0.2.1]:25: Connection refused)"));
}

#[test]
fn a_filter_on_this_machine_hands_a_mail_back_under_another_name() {
    let on = |relay: &str, words: &str| line(relay, "", &format!("status=sent ({words})")).went_on_as;
    let back = "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4dhRlh0000z1";
    assert_eq!(on("127.0.0.1[127.0.0.1]:10024", back), QueueId::new("4dhRlh0000z1"));
    assert_eq!(on("127.0.0.1[127.0.0.1]:10024", "250 2.0.0 Ok: queued as 4bY"), QueueId::new("4bY"));
    assert_eq!(on("local", "forwarded as 4bY"), QueueId::new("4bY"));
    // Elsewhere it is that machine's name for it.
    assert_eq!(on("mx[192.0.2.1]:25", "250 2.0.0 Ok: queued as 4bY"), None);
    assert_eq!(on("local", "delivered to mailbox"), None);
}

#[test]
fn an_alias_is_read_beside_where_it_leads() {
    let told = delivered(
        "4bX: to=<a@elsewhere.example>, orig_to=<b@sikker.example>, relay=mx[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)",
    );
    assert_eq!(
        (told.domain.as_str(), told.written_domain.as_deref()),
        ("elsewhere.example", Some("sikker.example"))
    );
}

#[test]
fn a_program_is_told_from_its_transport() {
    let writer = |program: &str| Writer { program: program.into(), pid: 1 };
    for (program, transport, is_client) in [
        ("postfix/smtp", "smtp", true),
        ("postfix/relay/smtp", "relay", true),
        ("postfix/brevdue-secure/smtp", "brevdue-secure", true),
        ("postfix-out/lmtp", "lmtp", true),
        ("postfix/local", "local", false),
    ] {
        assert_eq!((writer(program).transport(), writer(program).is_client()), (transport, is_client));
    }
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
    assert_eq!(
        of(
            "postfix/cleanup",
            "4bX: milter-reject: END-OF-MESSAGE from h[192.0.2.1]: 5.7.1 no; from=<a@b.example>"
        ),
        Some(Says::Refused(id("4bX")))
    );
    // One recipient is not the mail.
    assert_eq!(of("postfix/cleanup", "4bX: milter-reject: RCPT from h[192.0.2.1]: 5.7.1 no"), None);
    assert_eq!(
        of("postfix/qmgr", "4bX: from=<a@b.example>, status=expired, returned to sender"),
        Some(Says::Expired(id("4bX")))
    );
    assert_eq!(
        of("postfix/bounce", "4bX: sender non-delivery notification: 4bY"),
        Some(Says::Wrote(id("4bY")))
    );
    assert_eq!(
        of("postfix/smtp", "4bX: lost connection with mx[192.0.2.1] while sending RCPT TO"),
        Some(Says::Lost)
    );
    assert_eq!(of("postfix/smtp", "4bX: host mx[192.0.2.1] said: lost connection with"), None);
    let probe = "4bX: to=<a@b.example>, relay=mx[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.1.5, status=deliverable (250 ok)";
    assert_eq!(of("postfix/smtp", probe), Some(Says::Lost));
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
