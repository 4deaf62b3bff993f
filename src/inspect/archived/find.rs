//! A mail of an archive with a number in it, and what a copy of it says more.
//!
//! Pure but for the salt of a case that is to be opened. Start reading at [`Find::merge`].

use crate::case::detection::{Detection, Outcome};
use crate::case::incident::Source;
use crate::envelope::{Address, Controller};
use crate::seal::{Digest, NodeKey, random};
use crate::store::{KnownMail, Opening, StoreError};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashSet};

/// A mail with a number in it: one controller's part. No `Debug`: it holds the numbers until they are sealed.
pub struct Find {
    /// Who answers for it.
    pub controller: Controller,
    /// Which system sent it, if one is named.
    pub source: Option<Source>,
    /// When it was sent, as it says itself.
    pub sent_at: Option<DateTime<Utc>>,
    /// Copies of a mail have this in common, whomever its parts concern.
    pub letter: Digest,
    /// Copies of a mail's part have this in common, and two letters with one Message-ID too: those differ by [`Find::sent_at`].
    pub content: Digest,
    /// Mails of one cause and controller have this in common.
    pub grouping: Digest,
    pub(super) root: Digest,
    pub(super) detection: Detection,
    pub(super) numbers: BTreeSet<[u8; 10]>,
    pub(super) recipients: HashSet<Address>,
    pub(super) beside: BTreeSet<&'static str>,
    /// Whether it says more than that it lies in an archive: it left, though the gate may have stopped another like it.
    pub(super) left: Left,
}

/// What says that a mail left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Left {
    /// That it lies there.
    Archived,
    /// A journal has its envelope: the mail server took it to pass it on.
    Journaled,
    /// A person.
    Said,
}

impl Find {
    /// The numbers of its persons, ten digits in ASCII each; to be digested at once, and never shown.
    pub fn numbers(&self) -> &BTreeSet<[u8; 10]> {
        &self.numbers
    }

    /// Whether that is all of them.
    pub fn is_exact(&self) -> bool {
        self.detection.persons_exact
    }

    /// All that [`Self::merge`] may take from it, as one keyed tag: of copies with the same, one says it all. A tag for each
    /// thing would show a copy that says less, too; but there are few of those, and this is kept for every mail.
    pub fn telling(&self, key: &NodeKey) -> u64 {
        let mut recipients: Vec<String> = self.recipients.iter().map(Address::reveal).collect();
        recipients.sort_unstable();
        let recipients = recipients.join("\n");
        let beside = self.beside.iter().copied().collect::<Vec<_>>().join("\n");
        let numbers: Vec<u8> = self.numbers.iter().flatten().copied().collect();
        let is = [
            self.is_certain(),
            self.is_exact(),
            self.sent_at.is_some(),
            self.source.is_some(),
            self.left == Left::Journaled,
            self.left == Left::Said,
        ];
        let parts: [&[u8]; 7] = [
            &is.map(u8::from),
            &self.detection.findings.to_be_bytes(),
            &self.detection.persons.to_be_bytes(),
            &self.root,
            recipients.as_bytes(),
            beside.as_bytes(),
            &numbers,
        ];
        let digest = key.digest("copy tells", &parts);
        u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
    }

    /// What says where a mail belongs; of copies the least counts. One of which no header tells the system is not the one that
    /// says it.
    pub fn cause(&self) -> (bool, Digest) {
        (self.source.is_none(), self.root)
    }

    /// Whether these are copies of one mail, by what is known before the register is asked.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        self.content == other.content && may_be_one(self.sent_at, other.sent_at)
    }

    /// Takes from a copy what it has more: see the module's head. The same in whatever order copies come.
    pub fn merge(&mut self, copy: Self) {
        if copy.cause() < self.cause() {
            (self.source, self.root, self.grouping) = (copy.source, copy.root, copy.grouping);
        }
        self.sent_at = self.sent_at.or(copy.sent_at);
        self.left = self.left.max(copy.left);
        self.numbers.extend(copy.numbers);
        self.recipients.extend(copy.recipients);
        self.beside.extend(copy.beside);
        let certain = self.detection.is_certain() || copy.detection.is_certain();
        let detection = &mut self.detection;
        detection.outcome = Outcome::Delivered { certain };
        detection.findings = detection.findings.max(copy.detection.findings);
        detection.persons = detection.persons.max(copy.detection.persons).max(self.numbers.len() as u64);
        detection.persons_exact &= copy.detection.persons_exact;
        (detection.recipient_domains, detection.recipients) = domains(&self.recipients);
    }

    pub(super) fn is_certain(&self) -> bool {
        self.detection.is_certain()
    }

    /// Whether a mail that was stopped left all the same, as far as this copy tells.
    pub(super) fn left_though(&self, stopped: &KnownMail) -> bool {
        match self.left {
            Left::Archived => false,
            // It went by another way than it came, and of that there is a copy.
            Left::Journaled => !stopped.rerouted,
            Left::Said => true,
        }
    }

    /// What is recorded of it, found at this time; `sure`: how it left is as sure as it says.
    pub(super) fn row(&self, key: &NodeKey, at: DateTime<Utc>, sure: bool) -> Detection {
        let sent_at = self.sent_at.map(|at| at.timestamp().to_be_bytes()).unwrap_or_default();
        let message = key.digest("archived", &[&self.content, &sent_at]);
        let outcome = Outcome::Delivered { certain: sure && self.is_certain() };
        Detection { at, message, outcome, ..self.detection.clone() }
    }

    /// How many of its recipients are in domains that are not these.
    pub(super) fn reached_beyond(&self, domains: &[String]) -> u64 {
        self.recipients.iter().filter(|one| !domains.contains(&one.shown_domain())).count() as u64
    }

    pub(super) fn opening(&self) -> Result<Opening<'_>, StoreError> {
        Ok(Opening {
            controller: &self.controller,
            source: self.source.as_ref(),
            root: self.root,
            grouping: self.grouping,
            salt: random().map_err(|error| StoreError::Beside(error.to_string()))?,
        })
    }
}

/// Whether two mails that are known by the same can be one: where one says no day, nothing speaks against it.
pub fn may_be_one(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

/// The recipients' domains, and how many they are.
pub(super) fn domains(recipients: &HashSet<Address>) -> (Vec<String>, u64) {
    let mut domains: Vec<String> = recipients.iter().map(Address::shown_domain).collect();
    domains.sort_unstable();
    domains.dedup();
    (domains, recipients.len() as u64)
}
