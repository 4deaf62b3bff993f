//! Mail that left long ago, found in an archive: into the register as the gate does it, but in batches and with what the
//! mail says of its own day.
//!
//! *When it was found* is now, and that is when the clock starts (facts of the law, "Awareness" 1); *when it was sent* is
//! what its header says, and stands in a column of its own. A mail is known by a keyed digest of its Message-ID and its
//! controller and by the day that it says, so that copies in several archives, a scan after a crash, and what the gate has
//! recorded count once. Of copies the strictest counts, in whatever order they are read: one that left by an open way makes
//! it certain, and recipients and persons of all of them are the mail's.
//!
//! What the gate stopped and an archive has all the same is a near miss that may have left by another way. It is told, and
//! is no breach by itself: the sender's own copy lies in an archive too. Where a person says that all of it left, it is a mail
//! of its own in the case of what left; where a journal has its envelope, in a suspected one. Start reading at [`Finder::find`], then
//! [`record_finds`](record::Register::record_finds).

mod enter;
mod find;

pub use enter::{Recorded, Was};
pub use find::{Find, may_be_one};

use super::Setup;
use super::record;
use crate::case::detection::{Detection, Outcome};
use crate::case::incident::{self, Source};
use crate::case::template::{Letter, Templates};
use crate::envelope::{Address, Controller, Envelope, Pass, Verdict, controller_of, domain_is_named_by};
use crate::policy::road::Protection;
use crate::scan::Report;
use crate::scan::beside::{self, Beside};
use crate::scan::ruleset::day_of;
use crate::seal::{Digest, NodeKey};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Utc};
use find::{Left, domains};
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// What a mail in an archive says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Who handed it to the mail server, as far as the file tells.
    pub sender: Option<Address>,
    /// Who wrote it (`From`).
    pub author: Option<Address>,
    /// Whom it went to.
    pub recipients: Vec<Address>,
    /// Whether sender and recipients are the envelope's, from a journal report; else they are the header's.
    pub journaled: bool,
    /// When it was sent, as it says itself.
    pub sent_at: Option<DateTime<Utc>>,
    /// Its Message-ID, or what else tells it from others; never shown.
    pub stamp: Stamp,
}

/// What tells a mail from others. `Debug` prints nothing of it: a Message-ID or a subject can hold anything.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Stamp {
    /// The Message-ID.
    Id(Vec<u8>),
    /// Of a mail without one: its telling fields, and the start of its text counts too.
    Fields(Vec<u8>),
    /// There is nothing but its text.
    #[default]
    Nothing,
}

impl Stamp {
    /// Of this Message-ID, however it is folded.
    pub fn of_id(id: &[u8]) -> Self {
        Self::Id(id.iter().filter(|byte| !byte.is_ascii_whitespace()).copied().collect())
    }
}

impl std::fmt::Debug for Stamp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Id(_) => "Id(*)",
            Self::Fields(_) => "Fields(*)",
            Self::Nothing => "Nothing",
        })
    }
}

/// How old mail is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assume {
    /// It left readable: the person who scans says so.
    Delivered,
    /// Nobody knows how it travelled: every case is `suspected`.
    Unknown,
    /// By the configuration: certain where its roads say that the way is open today, unknown where it is protected today,
    /// because that proves nothing of then.
    AsToday,
}

/// What a person said of all mail of an archive.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How it travelled.
    pub assume: Assume,
    /// Who answers for it, in the place of whom its addresses say.
    pub controller: Option<Controller>,
    /// Which system sent it, likewise.
    pub source: Option<Source>,
}

/// What a mail with a number in it is.
pub enum Found {
    /// One part for each controller.
    Finds(Vec<Find>),
    /// It never left the house.
    Inside,
    /// Neither its sender nor its author is of the house: it was received. Whoever sent it answers for that.
    Received,
    /// No header tells who sent it.
    Nobodys,
}

/// A mail's content for a keyed digest: copies of a mail have it in common however they were stored, so nothing of
/// envelope, size, line ends or what a mail server wrote on top counts. Nor do its numbers where it has a Message-ID: of a
/// copy that is cut short not all are found, and rules change. Without one they are what tells most.
pub(super) fn content(key: &NodeKey, stamp: &Stamp, report: &Report, controller: &Controller) -> Digest {
    let [kind, stamp, text, numbers] = known_by(stamp, report);
    key.digest("content", &[&kind, &stamp, &text, &numbers, controller.cvr.as_bytes()])
}

/// The same of the whole mail, whomever its parts concern.
fn letter(key: &NodeKey, stamp: &Stamp, report: &Report) -> Digest {
    let parts = known_by(stamp, report);
    key.digest("letter", &parts.each_ref().map(Vec::as_slice))
}

fn known_by(stamp: &Stamp, report: &Report) -> [Vec<u8>; 4] {
    let numbers = || {
        let mut numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
        numbers.sort_unstable();
        numbers.concat()
    };
    // As much as surely stands in the sketch whichever line ends the copy has.
    let text = || {
        let black = report.sketch.text().iter().filter(|byte| !byte.is_ascii_whitespace());
        black.take(1024).copied().collect::<Vec<u8>>()
    };
    match stamp {
        Stamp::Id(id) => [b"id".to_vec(), id.clone(), Vec::new(), Vec::new()],
        Stamp::Fields(fields) => [b"fields".to_vec(), fields.clone(), text(), numbers()],
        Stamp::Nothing => [b"text".to_vec(), Vec::new(), text(), numbers()],
    }
}

/// Finds the parts of an archived mail with a number in it, one for each controller that it concerns.
pub struct Finder<'a> {
    /// Rules, roads, controllers and sources of today.
    pub setup: &'a Setup,
    /// What a person said.
    pub terms: &'a Terms,
    /// For digests.
    pub key: &'a NodeKey,
    /// A date after this cannot be. When a find is recorded is for [`record_finds`](record::Register::record_finds).
    pub now: DateTime<Utc>,
    /// Where templates are known.
    pub book: &'a Book,
}

/// Where templates are known: in the register, or for as long as a dry run takes.
#[derive(Clone)]
pub enum Book {
    /// The register.
    Store(Arc<Store>),
    /// Nothing is written.
    Dry(Arc<Mutex<Templates>>),
}

impl Book {
    fn template(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Digest, StoreError> {
        match self {
            Self::Store(store) => store.template(letter, now),
            Self::Dry(templates) => Ok(templates.lock().unwrap_or_else(PoisonError::into_inner).meet(letter)),
        }
    }
}

impl Finder<'_> {
    /// What a mail with a number in it is: see [`Found`].
    ///
    /// # Errors
    /// When the register cannot be asked for the mail's template.
    pub fn find(&self, mail: &Mail, report: &Report) -> Result<Found, StoreError> {
        let ours = self.ours(mail);
        let is_said = self.terms.controller.is_some() || self.terms.source.is_some();
        if ours.is_none() && !is_said {
            match (&mail.sender, &mail.author) {
                (None, None) => return Ok(Found::Nobodys),
                _ if self.knows_its_own() => return Ok(Found::Received),
                _ => {}
            }
        }
        let mut parts: Vec<(&Controller, HashSet<Address>)> = Vec::new();
        let everybody = mail.recipients.iter().map(Some);
        let nobody = mail.recipients.is_empty().then_some(None);
        for recipient in everybody.chain(nobody) {
            let Some(controller) = self.controller(mail, ours, recipient) else { continue };
            if self.stayed(mail, recipient) {
                continue;
            }
            match parts.iter_mut().find(|(known, _)| std::ptr::eq(*known, controller)) {
                Some((_, recipients)) => recipients.extend(recipient.cloned()),
                None => parts.push((controller, recipient.into_iter().cloned().collect())),
            }
        }
        if parts.is_empty() {
            return Ok(Found::Inside);
        }
        let source = self.source(mail);
        let of = |source| self.book.template(&record::letter(self.key, source, report), self.now);
        let cause = (source, source.map(of).transpose()?.unwrap_or_default());
        let part = |(controller, recipients)| self.part(mail, report, controller, recipients, cause);
        Ok(Found::Finds(parts.into_iter().map(part).collect()))
    }

    /// The sender or the author, whichever a source or a controller of the configuration names. The sender first, since the
    /// mail server knew him; but what an mbox or a bounce service wrote there is often nobody's.
    fn ours<'m>(&self, mail: &'m Mail) -> Option<&'m Address> {
        let is_named = |address: &&Address| {
            let has_domain = |domain: &String| domain_is_named_by(address.domain(), domain);
            let of = |one: &Controller| {
                one.senders.iter().any(|pattern| address.is_named_by(pattern))
                    || one.domains.iter().any(has_domain)
            };
            incident::source_of(Some(address), &self.setup.sources).is_some()
                || self.setup.controllers.iter().any(of)
        };
        mail.sender.iter().chain(&mail.author).find(is_named)
    }

    /// Whether the configuration says which senders are of the house: the default controller, whose mail is everybody's whom
    /// no other names, has to name its own.
    fn knows_its_own(&self) -> bool {
        let named = |one: &Controller| !one.domains.is_empty() || !one.senders.is_empty();
        self.setup.controllers.iter().filter(|one| one.default).any(named)
    }

    fn source(&self, mail: &Mail) -> Option<&Source> {
        let by = |address: Option<&Address>| incident::source_of(address, &self.setup.sources);
        let named = || by(mail.sender.as_ref()).or_else(|| by(mail.author.as_ref()));
        self.terms.source.as_ref().or_else(named)
    }

    fn controller(
        &self,
        mail: &Mail,
        ours: Option<&Address>,
        recipient: Option<&Address>,
    ) -> Option<&Controller> {
        let sender = ours.or(mail.sender.as_ref()).or(mail.author.as_ref());
        let of = || controller_of(sender, recipient, &self.setup.controllers);
        self.terms.controller.as_ref().or_else(of)
    }

    fn part(
        &self,
        mail: &Mail,
        report: &Report,
        controller: &Controller,
        recipients: HashSet<Address>,
        (source, template): (Option<&Source>, Digest),
    ) -> Find {
        // Bounce addresses differ from mail to mail; who wrote it does not.
        let writer = mail.author.as_ref().or(mail.sender.as_ref());
        let digest = |purpose: &str, parts: Vec<Vec<u8>>| {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            self.key.digest(purpose, &parts)
        };
        let content = content(self.key, &mail.stamp, report, controller);
        let numbers: BTreeSet<[u8; 10]> = report.person_numbers().reveal().collect();
        // A child was one when the mail was sent.
        let day = mail.sent_at.unwrap_or(self.now).date_naive();
        let beside = beside::beside(&report.sketch, numbers.iter().copied(), day_of(day));
        let outcome =
            Outcome::Delivered { certain: report.is_certain() && self.left_plainly(mail, &recipients) };
        let (recipient_domains, count) = domains(&recipients);
        Find {
            controller: controller.clone(),
            source: source.cloned(),
            sent_at: mail.sent_at,
            letter: letter(self.key, &mail.stamp, report),
            content,
            grouping: digest("grouping", incident::archived_grouping(controller, source, &template, writer)),
            root: digest("incident", incident::archived_root(source, &template, writer)),
            detection: Detection {
                at: self.now,
                queue_id: None,
                message: Digest::default(),
                verdict: Verdict::Deliver(Pass::Observed),
                outcome,
                sender_domain: writer.map(Address::shown_domain).unwrap_or_default(),
                recipient_domains,
                recipients: count,
                findings: report.count(),
                persons: report.persons(),
                persons_exact: record::counts_all(self.setup, report),
            },
            numbers,
            recipients,
            beside: beside.into_iter().map(Beside::word).collect(),
            left: match (self.terms.assume, mail.journaled) {
                (Assume::Delivered, _) => Left::Said,
                (Assume::AsToday | Assume::Unknown, true) => Left::Journaled,
                (Assume::AsToday | Assume::Unknown, false) => Left::Archived,
            },
        }
    }

    /// How mail travels to this recipient today.
    fn road(&self, mail: &Mail, recipient: Option<&Address>) -> Protection {
        let envelope = Envelope { sender: mail.sender.clone(), ..Envelope::default() };
        self.setup.policy.roads.way(&envelope, recipient).protection
    }

    /// Whether the mail never left the house on its way to this recipient.
    fn stayed(&self, mail: &Mail, recipient: Option<&Address>) -> bool {
        self.terms.assume != Assume::Delivered && self.road(mail, recipient) == Protection::Internal
    }

    /// Whether the way to one of them is known to have been open.
    fn left_plainly(&self, mail: &Mail, recipients: &HashSet<Address>) -> bool {
        let is_open = |recipient: Option<&Address>| {
            matches!(self.road(mail, recipient), Protection::Plaintext | Protection::Sms)
        };
        match self.terms.assume {
            Assume::Delivered => true,
            Assume::Unknown => false,
            Assume::AsToday if recipients.is_empty() => is_open(None),
            Assume::AsToday => recipients.iter().any(|recipient| is_open(Some(recipient))),
        }
    }
}
