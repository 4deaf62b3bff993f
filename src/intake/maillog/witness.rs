//! What a line of the log means for the register: deliveries of mail that stands there, promises kept or broken, mail that
//! went past us.
//!
//! Knows no file and no journal: whoever reads one hands in its lines in their order ([`Witness::hear`]), and tells the
//! time now and then ([`Witness::tick`]). Of a line that concerns no mail of the register nothing is kept; it costs one
//! indexed look-up at most. *Start reading at* [`Witness::hear`]. *Tests*: `tests/maillog/`, with lines and with a
//! real Postfix.
//!
//! A line may come before the one that says whose mail it is: a filter on this machine hands a mail back, and only when
//! that is done does Postfix log under which name (`queued as`). So what is said of a mail that nobody has seen waits for
//! `PATIENCE` before it is believed to have gone past us.

use super::counters::Counters;
use super::join::{Joiner, Proof};
use super::line::{Delivery, Line, Says, Status, Writer, address_of};
use super::settings::{Bypass, Settings};
use crate::envelope::{Address, Envelope, QueueId, domain_is_named_by};
use crate::inspect::{Gate, promise};
use crate::policy::road::Protection;
use crate::store::{Bypassed, Logged, Promise, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// How long what is said of an unknown mail waits for its name.
const PATIENCE: TimeDelta = TimeDelta::seconds(15);
/// So many lines wait at most; above it the oldest is judged at once.
const WAITING: usize = 10_000;
/// No session of a client is open longer than this: a mail's content may take half an hour, and a reply ten minutes
/// (postconf(5), `smtp_data_xfer_timeout`, `smtp_data_done_timeout`).
const SESSION: TimeDelta = TimeDelta::minutes(45);
/// In the place of a proof's word, where no content was handed over.
const NOTHING: &str = "nothing";
/// How often old promises are looked for.
const TIDY: TimeDelta = TimeDelta::hours(1);

/// Hears the log.
pub struct Witness {
    gate: Arc<Gate>,
    settings: Settings,
    counters: Arc<Counters>,
    joiner: Joiner,
    began: DateTime<Utc>,
    tidied: Option<DateTime<Utc>>,
    waiting: VecDeque<Waiting>,
}

/// What was said of a mail that nobody has seen.
struct Waiting {
    since: DateTime<Utc>,
    at: DateTime<Utc>,
    said: Said,
}

enum Said {
    Delivery { writer: Writer, delivery: Box<Delivery>, proof: Proof },
    Removed(QueueId),
}

impl Said {
    fn queue_id(&self) -> &QueueId {
        match self {
            Self::Delivery { delivery, .. } => &delivery.queue_id,
            Self::Removed(queue_id) => queue_id,
        }
    }
}

impl Witness {
    /// Begins to hear. `is_late` when the log was there before, so that sessions may be open whose beginning is not heard.
    pub fn new(gate: Arc<Gate>, settings: Settings, counters: Arc<Counters>, is_late: bool) -> Self {
        let joiner = if is_late { Joiner::late() } else { Joiner::default() };
        let began = gate.clock().now();
        let joiner = joiner.of_all_that_log(settings.tls_logged);
        Self { gate, settings, counters, joiner, began, tidied: None, waiting: VecDeque::new() }
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// When the register cannot be read or written; the same line is to be handed in again, later.
    pub fn hear(&mut self, line: &str) -> Result<(), StoreError> {
        let now = self.gate.clock().now();
        let Some(line) = Line::read(line) else { return Ok(()) };
        let proof = self.joiner.feed(&line);
        let at = line.at.unwrap_or(now);
        match line.says {
            Says::Secured(_) | Says::Lost | Says::Released(_) | Says::Requeued(_) => Ok(()),
            Says::Delivery(delivery) => {
                let proof = proof.unwrap_or(Proof::Unproven);
                if delivery.is_told {
                    self.counters.delivery(proof.word());
                }
                let went_on = delivery.went_on_as.clone();
                let old = delivery.queue_id.clone();
                self.said(
                    at,
                    now,
                    Said::Delivery { writer: line.writer, delivery: Box::new(delivery), proof },
                )?;
                went_on.map_or(Ok(()), |new| self.renamed(&new, &old, at, now))
            }
            Says::Renamed { new, old } => {
                self.renamed(&new, &old, at, now)?;
                // The old file is gone, and no line says so.
                self.removed(&old)
            }
            Says::Wrote(new) => {
                self.gate.seen().note(&new, now);
                Ok(())
            }
            Says::Removed(queue_id) => self.said(at, now, Said::Removed(queue_id)),
            Says::Refused(queue_id) => self.refused(&queue_id),
            Says::Expired(queue_id) => self.expired(&queue_id, at),
        }
    }

    /// Time has passed: what waited long enough is judged, and what is too old is erased.
    ///
    /// # Errors
    /// When the register cannot be read or written; to be tried again.
    pub fn tick(&mut self) -> Result<(), StoreError> {
        let now = self.gate.clock().now();
        if now - self.began > SESSION {
            self.joiner.caught_up();
        }
        while let Some(waiting) = self.waiting.pop_front() {
            // A clock that jumped back lets nothing wait for ever.
            let waited = now - waiting.since;
            if waited >= TimeDelta::zero() && waited < PATIENCE && self.waiting.len() < WAITING {
                self.waiting.push_front(waiting);
                break;
            }
            if let Err(error) = self.past_us(&waiting, now) {
                self.waiting.push_front(waiting);
                return Err(error);
            }
        }
        if self.tidied.is_none_or(|last| now - last >= TIDY || now < last) {
            let expired = self.gate.register().tidy(now)?;
            self.counters.expired.fetch_add(expired as u64, Relaxed);
            self.tidied = Some(now);
        }
        self.counters.open.store(self.gate.register().store.promises_open()?, Relaxed);
        Ok(())
    }

    fn said(&mut self, at: DateTime<Utc>, now: DateTime<Utc>, said: Said) -> Result<(), StoreError> {
        let store = &self.gate.register().store;
        if let Some(mail) = store.mail_of(said.queue_id())? {
            return self.concerns(&mail, at, now, &said);
        }
        if self.gate.seen().has_missed(said.queue_id()) {
            self.waiting.push_back(Waiting { since: now, at, said });
        } else if said.queue_id().time().is_none() && !self.gate.seen().knows(said.queue_id()) {
            self.counters.undated.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// A mail has got another name. What was said of it by that name before is heard now.
    fn renamed(
        &mut self,
        new: &QueueId,
        old: &QueueId,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // A mail that passed us has passed under any name.
        if !self.gate.seen().has_missed(old) {
            self.gate.seen().note(new, now);
        }
        let store = &self.gate.register().store;
        let mail = store.mail_of(old)?;
        if let Some(mail) = &mail {
            store.record(|recording| recording.name_mail(new, mail, at))?;
        }
        let (named, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|one| one.said.queue_id() == new);
        self.waiting = waiting;
        let named: VecDeque<Waiting> = named;
        for one in named {
            if let Some(mail) = &mail {
                self.concerns(mail, one.at, now, &one.said)?;
            } else if self.gate.seen().has_missed(new) {
                self.waiting.push_front(one);
            }
        }
        Ok(())
    }

    /// Something is said of a mail that stands in the register.
    fn concerns(
        &self,
        mail: &str,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
        said: &Said,
    ) -> Result<(), StoreError> {
        match said {
            Said::Delivery { writer, delivery, proof } => {
                self.delivery(mail, at, now, (writer, delivery, proof))
            }
            Said::Removed(queue_id) => self.removed(queue_id),
        }
    }

    fn delivery(
        &self,
        mail: &str,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
        (writer, delivery, proof): (&Writer, &Delivery, &Proof),
    ) -> Result<(), StoreError> {
        let register = self.gate.register();
        let domain = delivery.written_domain.as_deref().unwrap_or(&delivery.domain);
        // Where nothing was handed over there is nothing to prove.
        let (word, (protocol, cipher)) =
            if delivery.is_told { (proof.word(), proof.session()) } else { (NOTHING, ("", "")) };
        let logged = Logged {
            at,
            mail,
            queue_id: &delivery.queue_id,
            domain,
            transport: writer.transport(),
            relay: &delivery.relay.as_deref().map(shown).unwrap_or_default(),
            status: delivery.status.word(),
            proof: word,
            protocol,
            cipher,
        };
        if delivery.is_told && proof.is_less_than_modern() {
            for promise in register.store.promises_of(mail)? {
                if self.is_due(&promise, domain) {
                    self.broken(&promise, delivery, proof, now)?;
                }
            }
        }
        // After the promise: a line that is handed in again is counted twice, and a promise is broken once.
        register.store.record(|recording| recording.log_delivery(&logged))
    }

    /// Whether this promise was made for the road to this domain. Where an alias led, the roads of today say what is a
    /// tunnel.
    fn is_due(&self, promise: &Promise, domain: &str) -> bool {
        let to = Address::parse(format!("x@{domain}").as_bytes());
        let is_named = promise.domains.iter().any(|one| one == domain);
        let is_tunnel = || {
            let setup = self.gate.setup();
            let way = setup.policy.roads.way(&Envelope::default(), to.as_ref());
            matches!(way.protection, Protection::Tunnel | Protection::Internal)
        };
        promise::concerns(promise, domain) && (is_named || !is_tunnel())
    }

    fn broken(
        &self,
        promise: &Promise,
        delivery: &Delivery,
        proof: &Proof,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let how = match proof.session() {
            ("", _) => "ukrypteret".to_owned(),
            (protocol, _) => format!("med {protocol}"),
        };
        let road = match promise.detection.verdict.word() {
            "reroute" => "den beskyttede vej",
            _ => "tvungen TLS",
        };
        let why = format!(
            "lovet var {road}; mailserverens log viser, at mailen (kø-id {}) gik {how} til {}",
            delivery.queue_id,
            delivery.relay.as_deref().map_or_else(|| "-".to_owned(), shown)
        );
        let broken = self.gate.register().break_promise(promise, now, &why)?;
        self.counters.broken.fetch_add(1, Relaxed);
        tracing::error!(
            case = %broken.case,
            queue_id = %delivery.queue_id,
            proof = proof.word(),
            "a mail that a protected road allowed went with less; it stands as a breach"
        );
        Ok(())
    }

    /// The mail is in the queue no more under this name. When that was its last, and nothing is in doubt, the promise was
    /// kept.
    fn removed(&self, queue_id: &QueueId) -> Result<(), StoreError> {
        let register = self.gate.register();
        let Some(mail) = register.store.mail_of(queue_id)? else { return Ok(()) };
        register.store.record(|recording| recording.name_gone(queue_id))?;
        let (rows, is_gone) = register.store.deliveries(&mail)?;
        if !is_gone || rows.is_empty() {
            return Ok(());
        }
        for promise in register.store.promises_of(&mail)? {
            if promise::is_kept(&promise, &rows) {
                register.drop_promise(&promise)?;
                self.counters.kept.fetch_add(1, Relaxed);
            } else {
                tracing::warn!(%queue_id, "it is not proved how a mail travelled that a protected road allowed");
            }
        }
        Ok(())
    }

    /// Nobody got it: not from us, for the sender still has it.
    fn refused(&self, queue_id: &QueueId) -> Result<(), StoreError> {
        let register = self.gate.register();
        let Some(mail) = register.store.mail_of(queue_id)? else { return Ok(()) };
        register.store.record(|recording| recording.name_gone(queue_id))?;
        let (rows, is_gone) = register.store.deliveries(&mail)?;
        if is_gone && rows.is_empty() {
            for promise in register.store.promises_of(&mail)? {
                register.drop_promise(&promise)?;
            }
        }
        Ok(())
    }

    /// The mail waited too long. Of its recipients that line names none.
    fn expired(&self, queue_id: &QueueId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let store = &self.gate.register().store;
        let Some(mail) = store.mail_of(queue_id)? else { return Ok(()) };
        let logged = Logged {
            at,
            mail: &mail,
            queue_id,
            domain: "",
            transport: "qmgr",
            relay: "",
            status: Status::Failed.word(),
            proof: NOTHING,
            protocol: "",
            cipher: "",
        };
        store.record(|recording| recording.log_delivery(&logged))
    }

    /// What was said of a mail has waited long enough for its name: it left without passing us.
    fn past_us(&self, waiting: &Waiting, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Said::Delivery { writer, delivery, .. } = &waiting.said else { return Ok(()) };
        let Some(relay) = &delivery.relay else { return Ok(()) };
        let left = delivery.status == Status::Sent
            && writer.is_client()
            && delivery.went_on_as.is_none()
            && address_of(relay).is_some();
        if !left
            || self.settings.bypass == Bypass::Ignore
            || !self.gate.seen().has_missed(&delivery.queue_id)
            || self.need_not_pass(writer, relay)
        {
            return Ok(());
        }
        let setup = self.gate.setup();
        let recipient = setup.controllers.iter().find(|one| one.default).map(|one| one.dpo.as_str());
        let bypassed = Bypassed {
            at: waiting.at,
            queue_id: &delivery.queue_id,
            transport: writer.transport(),
            relay: &shown(relay),
            recipient: recipient.unwrap_or_default(),
        };
        self.gate.register().store.record(|recording| recording.count_bypass(&bypassed, now))?;
        // Of a mail to many its other lines are no other mail.
        self.gate.seen().note(&delivery.queue_id, now);
        self.counters.bypassed.fetch_add(1, Relaxed);
        tracing::error!(
            queue_id = %delivery.queue_id,
            transport = writer.transport(),
            relay = shown(relay),
            "a mail left without passing Brevdue"
        );
        Ok(())
    }

    fn need_not_pass(&self, writer: &Writer, relay: &str) -> bool {
        let host = relay.split('[').next().unwrap_or_default();
        let address = address_of(relay).map(|address| address.to_string());
        self.settings.need_not_pass.iter().any(|one| {
            one == writer.transport() || address.as_ref() == Some(one) || domain_is_named_by(host, one)
        })
    }
}

/// A peer as it may be shown and stored: its host may be the recipient's domain, whose letters its owner has chosen.
fn shown(relay: &str) -> String {
    let (host, rest) = relay.split_at(relay.find('[').unwrap_or(relay.len()));
    let host = Address::parse(format!("x@{host}").as_bytes()).map(|address| address.shown_domain());
    host.unwrap_or_default() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_whose_name_holds_a_number_is_starred() {
        for (relay, wanted) in [
            ("150379-1028.example[192.0.2.1]:25", "******-****.example[192.0.2.1]:25"),
            ("mx12.post.example[192.0.2.1]:25", "mx12.post.example[192.0.2.1]:25"),
            ("[192.0.2.1]:25", "[192.0.2.1]:25"),
            ("local", "local"),
        ] {
            assert_eq!(shown(relay), wanted);
        }
    }
}
