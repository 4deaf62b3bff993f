//! A held mail into the register: one that the mail server keeps in its hold queue, or one in our spool.
//!
//! The mail server's gets its row in the transaction that records the finding, before it hears our verdict. Ours has its
//! file first; its row follows, and can be made again from the file at any time. Start reading at [`Gate::held`].

use super::Gate;
use super::record::{Found, Register};
use crate::case::CaseId;
use crate::envelope::{Address, Controller, UNQUALIFIED, Verdict, controller_of, domain_in_ascii};
use crate::seal::{Digest, NodeKey, unhex};
use crate::spool::held::{Cover, HeldId, Receipt};
use crate::store::held::{HeldIn, HeldState, NewHeld, Place};
use crate::store::{Recording, StoreError};
use chrono::{DateTime, Utc};

/// What tells the sender of a held mail from another, for whoever acts on it: an address as it stands on an envelope, or
/// nothing for the null sender.
pub fn sender_digest(key: &NodeKey, sender: &str) -> Digest {
    key.digest("held sender", &[as_meant(sender).as_bytes()])
}

/// The same of a sender whose domain the mail server has added, `root@mail.example` for `root`: see [`UNQUALIFIED`].
pub fn unqualified_digest(key: &NodeKey, sender: &str) -> Digest {
    let local = sender.rsplit_once('@').map_or(sender, |(local, _)| local);
    sender_digest(key, &format!("{local}@{UNQUALIFIED}"))
}

/// One address, however it is written: a mail server drops a route before it (RFC 5321 §C) and quotes that it does not need
/// (§4.1.2).
fn as_meant(sender: &str) -> String {
    let sender = sender.trim();
    let route = sender.strip_prefix('@').and_then(|route| route.split_once(':'));
    let sender = route.map_or(sender, |(_, sender)| sender);
    let Some((local, domain)) = sender.rsplit_once('@') else { return sender.to_lowercase() };
    let domain = domain_in_ascii(domain.trim_end_matches('.'));
    let Some(quoted) = local.strip_prefix('"').and_then(|local| local.strip_suffix('"')) else {
        return format!("{local}@{domain}").to_lowercase();
    };
    let mut plain = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { letters.next().unwrap_or(letter) } else { letter });
    }
    format!("{plain}@{domain}").to_lowercase()
}

/// A mail of our spool that is to have a row.
#[derive(Clone, Copy)]
pub struct Spooled<'a> {
    /// Its name.
    pub id: &'a HeldId,
    /// The machine whose spool it is.
    pub node: &'a str,
    /// When it was held.
    pub at: DateTime<Utc>,
    /// Bytes, as they came.
    pub size: u64,
    /// What stands on its envelope; `None` when it could not be opened.
    pub cover: Option<&'a Cover>,
}

impl Register {
    /// Gives a mail of our spool its row, unless it has one. Returns whether it was new.
    ///
    /// # Errors
    /// When the register cannot be written. The mail is held all the same: its row is made later.
    pub fn spooled(&self, mail: Spooled<'_>, controllers: &[Controller]) -> Result<bool, StoreError> {
        let nothing = Cover::default();
        let cover = mail.cover.unwrap_or(&nothing);
        let sender = Address::parse(cover.sender.as_bytes());
        let recipients = cover.recipients.iter().filter_map(|(to, _)| Address::parse(to.as_bytes()));
        let first = recipients.clone().next();
        let held = |(at, case): (usize, &String)| {
            let message = cover.messages.get(at).and_then(|message| unhex(message));
            Some(HeldIn { case: CaseId::parse(case)?, message })
        };
        let cases: Vec<HeldIn> = cover.cases.iter().enumerate().filter_map(held).collect();
        let new = NewHeld {
            name: mail.id.as_str(),
            place: Place::Spool,
            node: mail.node,
            at: mail.at,
            size: mail.size,
            sender: sender_digest(&self.node_key, &cover.sender),
            sender_domain: &sender.as_ref().map(Address::shown_domain).unwrap_or_default(),
            recipient_domains: &domains(recipients),
            recipients: cover.recipients.len() as u64,
            dpo: dpo(sender.as_ref(), first.as_ref(), controllers),
            cases: &cases,
            tell: mail.cover.is_some(),
        };
        self.store.record(|recording| recording.hold(&new))
    }
}

/// A mail that the mail server is to keep.
pub(super) struct Upstream<'a> {
    pub(super) node: &'a str,
    pub(super) found: &'a Found<'a>,
}

impl Upstream<'_> {
    /// Notes the mail, if it is to be held, in the transaction of its finding.
    pub(super) fn note(
        &self,
        key: &NodeKey,
        recording: &Recording<'_>,
        cases: &[HeldIn],
    ) -> Result<(), StoreError> {
        let Found { setup, envelope, report, decision, now, .. } = *self.found;
        if decision.strictest() != Verdict::Hold {
            return Ok(());
        }
        let Some(name) = &envelope.queue_id else {
            // The door defers it.
            return Ok(());
        };
        let sender = envelope.sender.as_ref();
        recording.hold(&NewHeld {
            name: name.as_str(),
            place: Place::Postfix,
            node: self.node,
            at: now,
            size: report.sketch.bytes(),
            sender: sender_digest(key, &sender.map(Address::reveal).unwrap_or_default()),
            sender_domain: &sender.map(Address::shown_domain).unwrap_or_default(),
            recipient_domains: &domains(envelope.recipients.iter()),
            recipients: envelope.recipients.len() as u64,
            dpo: dpo(sender, envelope.recipients.first(), &setup.controllers),
            cases,
            tell: true,
        })?;
        Ok(())
    }
}

/// Whom the alarm over a held mail is for: who answers for its first recipient.
fn dpo<'a>(sender: Option<&Address>, recipient: Option<&Address>, controllers: &'a [Controller]) -> &'a str {
    controller_of(sender, recipient, controllers).map_or("", |one| one.dpo.as_str())
}

impl Gate {
    /// The machine whose mail this gate judges: a held mail is addressed to it.
    #[must_use]
    pub fn on_node(self, node: &str) -> Self {
        Self { node: node.to_owned(), ..self }
    }

    /// Gives a mail of our spool its row: to be called after [`crate::spool::held::Holding::keep`], with the cover that
    /// was kept, and before the answer. It waits for a disk. That it fails loses nothing and is no reason to refuse the
    /// mail, which is on disk: the daemon makes the row from the file within a minute.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn held(&self, receipt: &Receipt, cover: &Cover) -> Result<(), StoreError> {
        let (at, node) = (self.clock.now(), self.node.as_str());
        let mail = Spooled { id: receipt.id(), node, at, size: receipt.size(), cover: Some(cover) };
        self.register.spooled(mail, &self.setup().controllers).map(drop)
    }

    /// A held mail was taken back before it was answered for: its file is gone, and its client has the mail. A row that was
    /// made for it meanwhile is settled, so that nobody looks for it. To be called after the file is removed.
    ///
    /// # Errors
    /// When the register cannot be written; the mail is then said to be gone, and is not.
    pub fn taken_back(&self, id: &HeldId) -> Result<(), StoreError> {
        let store = &self.register.store;
        let Some(row) = store.held_of_file(&self.node, id.as_str())? else { return Ok(()) };
        let now = self.clock.now();
        let reason = "taget tilbage, før den blev kvitteret for: afsenderen har mailen";
        let settle =
            |recording: &Recording<'_>| recording.settle(row.row, HeldState::Gone, "brevdue", reason, now);
        store.record(settle).map(drop)
    }
}

fn domains<A: std::borrow::Borrow<Address>>(addresses: impl Iterator<Item = A>) -> Vec<String> {
    let mut domains: Vec<String> = addresses.map(|address| address.borrow().shown_domain()).collect();
    domains.sort_unstable();
    domains.dedup();
    domains
}
