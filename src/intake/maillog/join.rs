//! Which delivery went over which TLS session.
//!
//! Postfix logs a session once, by the process that has it, and a delivery by its queue id: they are joined by process and
//! peer. A session may be handed from one process to another (`scache`), or be used again after many lines; what is not
//! surely the same is [`Proof::Unproven`], never anything better. Start reading at [`Joiner::delivery`].

use super::line::{Delivery, Line, Says, Secured, Trust, Writer};
use crate::envelope::QueueId;
use std::collections::HashMap;

/// What is known of how a mail travelled to its next hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By TLS, as the log says of exactly this session.
    Tls {
        /// How surely the peer is who it should be.
        trust: Trust,
        /// `TLSv1.3`.
        protocol: String,
        /// `TLS_AES_256_GCM_SHA384`.
        cipher: String,
    },
    /// By a session of its own for which no TLS was logged, where TLS is logged.
    Plaintext,
    /// By which session, or how, cannot be told.
    Unproven,
}

impl Proof {
    /// The word in rows and lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Tls { trust, .. } => trust.word(),
            Self::Plaintext => "plaintext",
            Self::Unproven => "unproven",
        }
    }

    /// Whether it is TLS of at least 1.2 (facts: law, "Adequately protected mail").
    pub fn is_modern_tls(&self) -> bool {
        match self {
            Self::Tls { protocol, .. } => protocol == "TLSv1.2" || protocol == "TLSv1.3",
            Self::Plaintext | Self::Unproven => false,
        }
    }
}

/// What a process is doing, as far as its lines say.
#[derive(Debug, Default)]
struct Process {
    /// A session that no delivery has used yet.
    fresh: Option<Secured>,
    /// The session of the last delivery.
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    peer: String,
    uses: u32,
    queue_id: QueueId,
    proof: Proof,
}

/// Joins lines as they come, in their order.
#[derive(Debug, Default)]
pub struct Joiner {
    processes: HashMap<Writer, Process>,
    /// A session was logged since the start: without one, that none was logged says nothing.
    has_sessions: bool,
    /// Sessions may be open that began before the first line that was read.
    is_late: bool,
}

impl Joiner {
    /// Processes remembered; Postfix runs a hundred of a kind by default. Above it all are forgotten, and what follows
    /// is unproven until it begins anew.
    const MOST: usize = 20_000;

    /// Begins in the middle of a log.
    pub fn late() -> Self {
        Self { is_late: true, ..Self::default() }
    }

    /// From now on every open session is one whose beginning has been read: to be said when no session of Postfix lasts
    /// as long as the lines go back.
    pub fn caught_up(&mut self) {
        self.is_late = false;
    }

    /// Takes the next line; of a delivery it says how it travelled.
    pub fn feed(&mut self, line: &Line) -> Option<Proof> {
        if self.processes.len() > Self::MOST {
            self.processes.clear();
        }
        match &line.says {
            Says::Secured(secured) => {
                self.has_sessions = true;
                let process = self.processes.entry(line.writer.clone()).or_default();
                process.fresh = Some(secured.clone());
                process.current = None;
                None
            }
            Says::Delivery(delivery) => Some(self.delivery(&line.writer, delivery)),
            Says::Removed(_) | Says::Released(_) | Says::Requeued(_) | Says::Renamed { .. } => None,
        }
    }

    fn delivery(&mut self, writer: &Writer, delivery: &Delivery) -> Proof {
        let Some(peer) = &delivery.relay else { return Proof::Unproven };
        let tells_plaintext = self.has_sessions && !self.is_late;
        let process = self.processes.entry(writer.clone()).or_default();
        let proof = match (process.fresh.take(), &process.current) {
            // The first mail of a session that was just begun.
            (Some(fresh), _) if fresh.peer == *peer && delivery.conn_use == 1 => {
                Proof::Tls { trust: fresh.trust, protocol: fresh.protocol, cipher: fresh.cipher }
            }
            // The same mail's next recipient, or the next mail of the same session.
            (None, Some(current))
                if current.peer == *peer
                    && (current.uses == delivery.conn_use && current.queue_id == delivery.queue_id
                        || current.uses.checked_add(1) == Some(delivery.conn_use)) =>
            {
                current.proof.clone()
            }
            // A session of its own for which nothing was logged.
            (None, _) if delivery.conn_use == 1 && tells_plaintext => Proof::Plaintext,
            // Or a session was begun with somebody else: the mail went another way, or lines are missing.
            (Some(_) | None, _) => Proof::Unproven,
        };
        process.current = Some(Current {
            peer: peer.clone(),
            uses: delivery.conn_use,
            queue_id: delivery.queue_id.clone(),
            proof: proof.clone(),
        });
        proof
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            proofs(&[session(1, A), sent(1, "a", A, 1), sent(2, "b", A, 1)]),
            ["trusted", "plaintext"]
        );
        // The next mail to the same peer in a session of its own, without TLS.
        assert_eq!(
            proofs(&[session(1, A), sent(1, "a", A, 1), sent(1, "b", A, 1)]),
            ["trusted", "plaintext"]
        );
    }

    #[test]
    fn what_is_not_unique_is_unproven() {
        // A session that came from another process, or whose uses in between were not seen.
        assert_eq!(proofs(&[session(1, A), sent(2, "a", A, 2)]), ["unproven"]);
        assert_eq!(proofs(&[session(1, A), sent(1, "a", A, 1), sent(1, "b", A, 3)]), ["trusted", "unproven"]);
        // And what follows on it.
        assert_eq!(
            proofs(&[session(1, A), sent(1, "a", A, 3), sent(1, "b", A, 4)]),
            ["unproven", "unproven"]
        );
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
        let tls = |protocol: &str| Proof::Tls {
            trust: Trust::Verified,
            protocol: protocol.into(),
            cipher: "X".into(),
        };
        assert!(tls("TLSv1.2").is_modern_tls() && tls("TLSv1.3").is_modern_tls());
        assert!(!tls("TLSv1.1").is_modern_tls() && !tls("SSLv3").is_modern_tls());
        assert!(!Proof::Plaintext.is_modern_tls() && !Proof::Unproven.is_modern_tls());
    }
}
