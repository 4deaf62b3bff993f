//! Which session proves which delivery, and which does not.

use super::*;

const A: &str = "mx.a.example[192.0.2.1]:25";
const B: &str = "mx.b.example[192.0.2.2]:25";

fn session(pid: u32, peer: &str) -> String {
    format!(
        "Nov  2 08:00:00 h postfix/smtp[{pid}]: Trusted TLS connection established to {peer}: TLSv1.3 with cipher X (256/256 bits)"
    )
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
    // All recipients of a mail, and the mails that follow in the session.
    let lines =
        [session(1, A), sent(1, "a", A, 1), sent(1, "a", A, 1), sent(1, "b", A, 2), sent(1, "c", A, 3)];
    assert_eq!(proofs(&lines), ["trusted"; 4]);
    // A session with one peer proves nothing of another.
    assert_eq!(proofs(&[session(1, A), sent(1, "a", B, 1)]), ["unproven"]);
    assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 1), sent(2, "b", A, 1)]), ["trusted", "plaintext"]);
    // The next mail to the same peer in a session of its own, without TLS.
    assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 1), sent(1, "b", A, 1)]), ["trusted", "plaintext"]);
}

#[test]
fn what_is_not_unique_is_unproven() {
    // A session that came from another process, or whose uses in between were not seen.
    assert_eq!(proofs(&[session(1, A), sent(2, "a", A, 2)]), ["unproven"]);
    assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 1), sent(1, "b", A, 3)]), ["trusted", "unproven"]);
    // And what follows on it.
    assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 3), sent(1, "b", A, 4)]), ["unproven", "unproven"]);
    // Where no session was ever logged, TLS may not be logged at all.
    assert_eq!(proofs(&[sent(1, "a", A, 1)]), ["unproven"]);
    // Begun in the middle, the session's own line may stand before.
    let mut late = Joiner::late();
    late.feed(&Line::read(&session(2, B)).unwrap());
    assert_eq!(late.feed(&Line::read(&sent(1, "a", A, 1)).unwrap()), Some(Proof::Unproven));
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
