//! Which session proves which delivery, and which does not.

use super::*;

const A: &str = "mx.a.example[192.0.2.1]:25";
const B: &str = "mx.b.example[192.0.2.2]:25";

fn session(pid: u32, peer: &str) -> String {
    format!(
        "Nov  2 08:00:00 h postfix/smtp[{pid}]: Trusted TLS connection established to {peer}: TLSv1.3 with cipher X (256/256 bits)"
    )
}

fn reused(pid: u32, peer: &str) -> String {
    session(pid, peer).replace("established", "reused")
}

fn sent(pid: u32, id: &str, peer: &str, uses: u32) -> String {
    let uses = if uses > 1 { format!("conn_use={uses}, ") } else { String::new() };
    format!(
        "Nov  2 08:00:00 h postfix/smtp[{pid}]: {id}: to=<x@a.example>, relay={peer}, {uses}delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)"
    )
}

fn proofs(lines: &[String]) -> Vec<&'static str> {
    let mut joiner = Joiner::default();
    lines
        .iter()
        .filter_map(|line| joiner.feed(&Line::read(line).unwrap()))
        .map(|proof| proof.word())
        .collect()
}

#[test]
fn a_delivery_is_proved_by_its_own_session_alone() {
    // Two processes at once.
    let lines = [session(1, A), session(2, B), sent(2, "b", B, 1), sent(1, "a", A, 1)];
    assert_eq!(proofs(&lines), ["trusted", "trusted"]);
    // All recipients of a mail, and the mails that take the session up again, each with its line.
    let lines = [
        session(1, A),
        sent(1, "a", A, 1),
        sent(1, "a", A, 1),
        reused(1, A),
        sent(1, "b", A, 2),
        reused(2, A),
        sent(2, "c", A, 3),
    ];
    assert_eq!(proofs(&lines), ["trusted"; 4]);
    // A session with one peer proves nothing of another.
    assert_eq!(proofs(&[session(1, A), sent(1, "a", B, 1)]), ["unproven"]);
    assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 1), sent(2, "b", A, 1)]), ["trusted", "plaintext"]);
    // The next mail to the same peer in a session of its own, without TLS.
    assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 1), sent(1, "b", A, 1)]), ["trusted", "plaintext"]);
}

/// Greylisted in a session with TLS, and taken at the next try in one without: the same process, mail and peer.
#[test]
fn the_next_try_of_a_mail_is_not_proved_by_the_session_of_the_last() {
    let deferred =
        sent(1, "a", A, 1).replace("status=sent (250 ok)", "status=deferred (host said: 450 later)");
    let again = sent(1, "a", A, 1).replace("delays=1/0/0/0", "delays=301/0.02/0/0");
    assert_eq!(proofs(&[session(1, A), deferred, again]), ["trusted", "plaintext"]);
}

/// A session that carried no mail: of a probe of an address, of a peer that refused to talk, of a try that ended elsewhere.
#[test]
fn a_session_that_carried_nothing_proves_nothing_of_the_next() {
    let probe = sent(1, "p", A, 1).replace("status=sent", "status=deliverable");
    assert_eq!(proofs(&[session(1, A), probe, sent(1, "a", A, 1)]), ["plaintext"]);
    let refused = format!("Nov  2 08:00:00 h postfix/smtp[1]: a: host {A} refused to talk to me: 421 no");
    assert_eq!(proofs(&[session(1, A), refused, sent(1, "a", A, 1)]), ["plaintext"]);
    let nowhere =
        sent(1, "a", "none", 1).replace("status=sent (250 ok)", "status=deferred (connect to x: refused)");
    assert_eq!(proofs(&[session(1, A), nowhere, sent(1, "b", A, 1)]), ["unproven", "plaintext"]);
}

fn lost(pid: u32, peer: &str) -> String {
    format!("Nov  2 08:00:00 h postfix/smtp[{pid}]: a: lost connection with {peer} while sending RCPT TO")
}

#[test]
fn the_word_of_3_11_counts_for_more_than_silence() {
    let with = |word: &str| sent(1, "a", A, 1).replace("dsn=", &format!("tls={word}, dsn="));
    assert_eq!(proofs(&[with("may:none")]), ["plaintext"]);
    assert_eq!(proofs(&[session(2, A), with("may")]), ["unproven"], "which TLS is not known");
    assert_eq!(proofs(&[session(1, A), with("may")]), ["trusted"]);
}

#[test]
fn what_does_not_leave_the_machine_needs_no_session() {
    let local = sent(1, "a", "local", 1).replace("postfix/smtp", "postfix/local");
    let back = sent(1, "b", "127.0.0.1[127.0.0.1]:10024", 1).replace("250 ok", "250 Ok: queued as c");
    let socket = sent(1, "c", "h[private/lmtp]", 1);
    assert_eq!(proofs(&[local, back, socket]), ["local"; 3]);
    // Where a pipe leads nobody knows.
    assert_eq!(proofs(&[sent(1, "a", "fax", 1).replace("postfix/smtp", "postfix/pipe")]), ["unproven"]);
    // A tunnel's end may be on this machine.
    assert_eq!(proofs(&[session(1, A), sent(1, "a", "127.0.0.1[127.0.0.1]:24", 1)]), ["unproven"]);
}

#[test]
fn what_is_not_unique_is_unproven() {
    // A session that was logged as new is none that was used before, nor the other way round.
    assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 2)]), ["unproven"]);
    assert_eq!(proofs(&[reused(1, A), sent(1, "a", A, 1)]), ["unproven"]);
    // One that was taken up without a word has no TLS: Postfix would have told of it.
    assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 1), sent(1, "b", A, 2)]), ["trusted", "plaintext"]);
    // A session that was lost proves nothing of what follows, and Postfix may go on without TLS.
    assert_eq!(proofs(&[session(1, A), lost(1, A), sent(1, "a", A, 1)]), ["plaintext"]);
    assert_eq!(
        proofs(&[session(1, A), sent(1, "a", A, 1), lost(1, A), sent(1, "a", A, 1)]),
        ["trusted", "plaintext"]
    );
    // Of another transport, which may log nothing, nothing is known by this.
    let other = sent(3, "a", A, 1).replace("postfix/smtp", "postfix/relay/smtp");
    assert_eq!(proofs(&[session(1, A), other.clone()]), ["unproven"]);
    assert_eq!(proofs(&[reused(1, A), sent(2, "b", A, 1)]), ["unproven"], "that is told in any case");
    let mut told = Joiner::default().of_all_that_log(true);
    assert_eq!(told.feed(&Line::read(&other).unwrap()), Some(Proof::Plaintext));
    // Where no session was ever logged, TLS may not be logged at all.
    assert_eq!(proofs(&[sent(1, "a", A, 1)]), ["unproven"]);
    // Begun in the middle, the session's own line may stand before.
    let mut late = Joiner::late();
    late.feed(&Line::read(&session(2, B)).unwrap());
    assert_eq!(late.feed(&Line::read(&sent(1, "a", A, 1)).unwrap()), Some(Proof::Unproven));
    // That process' next mail is one whose session we would have seen.
    assert_eq!(late.feed(&Line::read(&sent(1, "a", A, 1)).unwrap()), Some(Proof::Unproven), "the same mail");
    assert_eq!(late.feed(&Line::read(&sent(1, "b", A, 1)).unwrap()), Some(Proof::Plaintext));
    late.caught_up();
    assert_eq!(late.feed(&Line::read(&sent(3, "a", A, 1)).unwrap()), Some(Proof::Plaintext));
    let unreached = sent(1, "a", "none", 1);
    assert_eq!(proofs(&[session(1, A), unreached]), ["unproven"]);
}

#[test]
fn only_modern_tls_counts_as_protection() {
    let tls =
        |protocol: &str| Proof::Tls { trust: Trust::Verified, protocol: protocol.into(), cipher: "X".into() };
    assert!(tls("TLSv1.2").is_modern_tls() && tls("TLSv1.3").is_modern_tls());
    assert!(!tls("TLSv1.1").is_modern_tls() && !tls("SSLv3").is_modern_tls());
    assert!(!Proof::Plaintext.is_modern_tls() && !Proof::Unproven.is_modern_tls());
}
