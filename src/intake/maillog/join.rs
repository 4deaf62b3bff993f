//! Which delivery went over which TLS session.
//!
//! Postfix logs a session when it is begun, and again each time that another mail takes it up (`reused`), by the process
//! that has it; and a delivery by its queue id. They are joined by process and peer, in the order of the lines: a process
//! has one mail at a time. What is not surely the same is [`Proof::Unproven`], never anything better. That no session was
//! logged is plaintext only where sessions are logged: of a program that has logged one, or where the configuration says
//! so, for `smtp_tls_loglevel` may differ from transport to transport. Start reading at [`Joiner::feed`].

use super::line::{Delivery, Level, Line, Says, Secured, Trust, Writer, address_of};
use crate::envelope::QueueId;
use std::collections::{HashMap, HashSet};

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
    /// Not by a network: to a mailbox, or to a filter on this machine that hands it back.
    Local,
    /// By which session, or how, cannot be told.
    Unproven,
}

impl Proof {
    /// The word in rows and lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Tls { trust, .. } => trust.word(),
            Self::Plaintext => "plaintext",
            Self::Local => "local",
            Self::Unproven => "unproven",
        }
    }

    /// Whether it is TLS of at least 1.2 (facts: law, "Adequately protected mail").
    pub fn is_modern_tls(&self) -> bool {
        match self {
            Self::Tls { protocol, .. } => protocol == "TLSv1.2" || protocol == "TLSv1.3",
            Self::Plaintext | Self::Local | Self::Unproven => false,
        }
    }

    /// Whether it is known to be less than a protected road gives: no TLS, or one before 1.2.
    pub fn is_less_than_modern(&self) -> bool {
        match self {
            Self::Tls { .. } => !self.is_modern_tls(),
            Self::Plaintext => true,
            Self::Local | Self::Unproven => false,
        }
    }

    /// Protocol and cipher of a session; empty where there was none.
    pub fn session(&self) -> (&str, &str) {
        match self {
            Self::Tls { protocol, cipher, .. } => (protocol, cipher),
            Self::Plaintext | Self::Local | Self::Unproven => ("", ""),
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
    /// Which try it was: see [`Delivery::before`].
    before: String,
    /// `None` once the session was lost.
    proof: Option<Proof>,
}

/// Joins lines as they come, in their order.
#[derive(Debug, Default)]
pub struct Joiner {
    processes: HashMap<Writer, Process>,
    /// Programs that have logged the beginning of a session: of another, that none was logged says nothing.
    logs_sessions: HashSet<String>,
    /// Every program does, says the configuration.
    all_log: bool,
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

    /// Every program of the mail server logs its sessions, so that a delivery without one was plaintext from the first.
    #[must_use]
    pub fn of_all_that_log(self, all_log: bool) -> Self {
        Self { all_log, ..self }
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
            self.is_late = true;
        }
        match &line.says {
            Says::Secured(secured) => {
                // Of a session that is used again Postfix tells whether or not it told of its beginning.
                if !secured.is_reused && !self.logs_sessions.contains(&line.writer.program) {
                    self.logs_sessions.insert(line.writer.program.clone());
                }
                let process = self.processes.entry(line.writer.clone()).or_default();
                process.fresh = Some(secured.clone());
                None
            }
            Says::Lost => {
                let process = self.processes.entry(line.writer.clone()).or_default();
                process.fresh = None;
                if let Some(current) = &mut process.current {
                    current.proof = None;
                }
                None
            }
            Says::Delivery(delivery) => Some(self.delivery(&line.writer, delivery)),
            Says::Removed(_)
            | Says::Released(_)
            | Says::Requeued(_)
            | Says::Renamed { .. }
            | Says::Refused(_)
            | Says::Expired(_)
            | Says::Wrote(_) => None,
        }
    }

    fn delivery(&mut self, writer: &Writer, delivery: &Delivery) -> Proof {
        // No peer of a network: it went nowhere, or no further than this machine.
        let Some(peer) = &delivery.relay else {
            // Whom it spoke to before is not said, and was not this mail's last.
            self.processes.remove(writer);
            return Proof::Unproven;
        };
        if address_of(peer).is_none() || delivery.went_on_as.is_some() {
            return if writer.program.ends_with("/pipe") { Proof::Unproven } else { Proof::Local };
        }
        let tells_plaintext = self.all_log || self.logs_sessions.contains(&writer.program);
        let is_late = self.is_late;
        let process = self.processes.entry(writer.clone()).or_default();
        // A process has one mail at a time: before another one, every session of its was begun under our eyes.
        let is_watched =
            !is_late || process.current.as_ref().is_some_and(|current| current.queue_id != delivery.queue_id);
        let proof = match (process.fresh.take(), &process.current) {
            // The first mail of a session that was just begun, or taken up again, of which Postfix tells each time.
            (Some(fresh), _) if fresh.peer == *peer && fresh.is_reused == (delivery.conn_use > 1) => {
                Proof::Tls { trust: fresh.trust, protocol: fresh.protocol, cipher: fresh.cipher }
            }
            // The same mail's next recipient, of the same try: the next try of a deferred one has another session, and Postfix
            // may then do without TLS.
            (None, Some(Current { proof: Some(proof), peer: told, uses, queue_id, before }))
                if told == peer
                    && *uses == delivery.conn_use
                    && *queue_id == delivery.queue_id
                    && *before == delivery.before =>
            {
                proof.clone()
            }
            // A session for which nothing was logged, where all that are encrypted are.
            (None, _) if tells_plaintext && is_watched => Proof::Plaintext,
            // Or a session was begun with somebody else: the mail went another way, or lines are missing.
            (Some(_) | None, _) => Proof::Unproven,
        };
        let proof = match (delivery.level, proof) {
            (Some(Level::None), _) => Proof::Plaintext,
            // There was TLS, and the line that tells which was not seen.
            (Some(Level::Some), Proof::Plaintext) => Proof::Unproven,
            (_, proof) => proof,
        };
        process.current = Some(Current {
            peer: peer.clone(),
            uses: delivery.conn_use,
            queue_id: delivery.queue_id.clone(),
            before: delivery.before.clone(),
            proof: Some(proof.clone()),
        });
        proof
    }
}

#[cfg(test)]
mod tests;
