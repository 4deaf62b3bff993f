//! Mail that left long ago, found in an archive: into the register as the gate does it, but in batches and with what the
//! mail says of its own day.
//!
//! *When it was found* is now, and that is when the clock starts (facts of the law, "Awareness" 1); *when it was sent* is
//! what its header says, and stands in a column of its own. A mail is known by a keyed digest of its Message-ID, its
//! numbers and its controller, so that copies in several archives, a scan after a crash, and what the gate has recorded
//! count once. Start reading at [`Finder::find`], then [`Register::record_finds`].

use super::Setup;
use super::record::{self, Marked, Register};
use crate::case::CaseId;
use crate::case::detection::{Detection, Outcome};
use crate::case::incident::{self, Source};
use crate::case::template::Templates;
use crate::envelope::{Address, Controller, Envelope, Pass, Verdict, controller_of};
use crate::policy::road::Protection;
use crate::scan::Report;
use crate::scan::beside::{self, Beside};
use crate::scan::ruleset::day_of;
use crate::seal::{Digest, NodeKey, random};
use crate::store::{Opening, Store, StoreError};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
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

/// A mail with a number in it: one controller's part. No `Debug`: it holds the numbers until they are sealed.
pub struct Find {
    /// Who answers for it.
    pub controller: Controller,
    /// Which system sent it, if one is named.
    pub source: Option<Source>,
    /// When it was sent, as it says itself.
    pub sent_at: Option<DateTime<Utc>>,
    /// Copies of a mail have this in common.
    pub content: Digest,
    /// Mails of one cause and controller have this in common.
    pub grouping: Digest,
    root: Digest,
    detection: Detection,
    numbers: Vec<[u8; 10]>,
    beside: Vec<&'static str>,
}

impl Find {
    /// The numbers of its persons, ten digits in ASCII each; to be digested at once, and never shown.
    pub fn numbers(&self) -> &[[u8; 10]] {
        &self.numbers
    }

    fn opening(&self) -> Result<Opening<'_>, StoreError> {
        Ok(Opening {
            controller: &self.controller,
            source: self.source.as_ref(),
            root: self.root,
            grouping: self.grouping,
            salt: random().map_err(|error| StoreError::Beside(error.to_string()))?,
        })
    }

    /// Whether that is all of them.
    pub fn is_exact(&self) -> bool {
        self.detection.persons_exact
    }
}

/// What became of a find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The case that it is in.
    pub case: CaseId,
    /// Whether it was there before.
    pub known: bool,
    /// Whether it opened the case.
    pub opened: bool,
}

/// A mail's content for a keyed digest: copies of a mail have it in common however they were stored, so nothing of
/// envelope, size, line ends or what a mail server wrote on top counts.
pub(super) fn content(key: &NodeKey, stamp: &Stamp, report: &Report, controller: &Controller) -> Digest {
    let mut numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
    numbers.sort_unstable();
    // As much as surely stands in the sketch whichever line ends the copy has.
    let text = || {
        let black = report.sketch.text().iter().filter(|byte| !byte.is_ascii_whitespace());
        black.take(1024).copied().collect::<Vec<u8>>()
    };
    let (kind, stamp, text) = match stamp {
        Stamp::Id(id) => (b"id".as_slice(), id.as_slice(), Vec::new()),
        Stamp::Fields(fields) => (b"fields".as_slice(), fields.as_slice(), text()),
        Stamp::Nothing => (b"text".as_slice(), b"".as_slice(), text()),
    };
    key.digest("content", &[kind, stamp, &text, &numbers.concat(), controller.cvr.as_bytes()])
}

/// Finds the parts of an archived mail with a number in it, one for each controller that it concerns.
pub struct Finder<'a> {
    /// Rules, roads, controllers and sources of today.
    pub setup: &'a Setup,
    /// What a person said.
    pub terms: &'a Terms,
    /// For digests.
    pub key: &'a NodeKey,
    /// When all of it was found.
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
    fn template(&self, marked: Marked, now: DateTime<Utc>) -> Result<Digest, StoreError> {
        let Marked { source, mark, name } = marked;
        match self {
            Self::Store(store) => store.template(source, &mark, name, now),
            Self::Dry(templates) => {
                let mut templates = templates.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(templates.find(&source, &mark).unwrap_or_else(|| {
                    templates.add(source, name, mark);
                    name
                }))
            }
        }
    }
}

impl Finder<'_> {
    /// One part for each controller; empty when nobody answers for the mail, or it never left the house.
    ///
    /// # Errors
    /// When the register cannot be asked for the mail's template.
    pub fn find(&self, mail: &Mail, report: &Report) -> Result<Vec<Find>, StoreError> {
        let mut parts: Vec<(&Controller, Vec<&Address>)> = Vec::new();
        let everybody = mail.recipients.iter().map(Some);
        let nobody = mail.recipients.is_empty().then_some(None);
        for recipient in everybody.chain(nobody) {
            let Some(controller) = self.controller(mail, recipient) else { continue };
            if self.stayed(mail, recipient) {
                continue;
            }
            match parts.iter_mut().find(|(known, _)| std::ptr::eq(*known, controller)) {
                Some((_, recipients)) => recipients.extend(recipient),
                None => parts.push((controller, recipient.into_iter().collect())),
            }
        }
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let source = self.source(mail);
        let of = |source| self.book.template(record::marked(self.key, source, report), self.now);
        let cause = (source, source.map(of).transpose()?.unwrap_or_default());
        let part = |(controller, recipients): (_, Vec<&Address>)| {
            self.part(mail, report, controller, &recipients, cause)
        };
        Ok(parts.into_iter().map(part).collect())
    }

    fn source(&self, mail: &Mail) -> Option<&Source> {
        let by = |address: Option<&Address>| incident::source_of(address, &self.setup.sources);
        let named = || by(mail.sender.as_ref()).or_else(|| by(mail.author.as_ref()));
        self.terms.source.as_ref().or_else(named)
    }

    fn controller(&self, mail: &Mail, recipient: Option<&Address>) -> Option<&Controller> {
        let sender = mail.sender.as_ref().or(mail.author.as_ref());
        let of = || controller_of(sender, recipient, &self.setup.controllers);
        self.terms.controller.as_ref().or_else(of)
    }

    fn part(
        &self,
        mail: &Mail,
        report: &Report,
        controller: &Controller,
        recipients: &[&Address],
        (source, template): (Option<&Source>, Digest),
    ) -> Find {
        // Bounce addresses differ from mail to mail; who wrote it does not.
        let writer = mail.author.as_ref().or(mail.sender.as_ref());
        let digest = |purpose: &str, parts: Vec<Vec<u8>>| {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            self.key.digest(purpose, &parts)
        };
        let content = content(self.key, &mail.stamp, report, controller);
        let numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
        let beside = beside::beside(&report.sketch, numbers.iter().copied(), day_of(self.now.date_naive()));
        let mut domains: Vec<String> = recipients.iter().map(|one| one.shown_domain()).collect();
        domains.sort_unstable();
        domains.dedup();
        let outcome =
            Outcome::Delivered { certain: report.is_certain() && self.left_plainly(mail, recipients) };
        Find {
            controller: controller.clone(),
            source: source.cloned(),
            sent_at: mail.sent_at,
            content,
            grouping: digest("grouping", incident::archived_grouping(controller, source, &template, writer)),
            root: digest("incident", incident::archived_root(source, &template, writer)),
            detection: Detection {
                at: self.now,
                queue_id: None,
                message: self.key.digest("archived", &[&content]),
                verdict: Verdict::Deliver(Pass::Observed),
                outcome,
                sender_domain: writer.map(Address::shown_domain).unwrap_or_default(),
                recipient_domains: domains,
                recipients: recipients.len() as u64,
                findings: report.count(),
                persons: report.persons(),
                persons_exact: report.person_numbers().is_exact(),
            },
            numbers,
            beside: beside.into_iter().map(Beside::word).collect(),
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
    fn left_plainly(&self, mail: &Mail, recipients: &[&Address]) -> bool {
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

impl Register {
    /// Records finds: their cases, rows and persons in one transaction, and the numbers of those not yet known sealed to the
    /// DPO's key, on disk before the rows count. What is known is left as it stands. An answer for each, in order.
    ///
    /// | crash | on disk | what becomes of it |
    /// |---|---|---|
    /// | after new cases were opened | cases without mails | the next scan, of whatever archive, joins them |
    /// | after numbers were sealed, before the rows | numbers of that case without rows | they are sealed again, and a reader sees each once |
    ///
    /// New cases get a transaction of their own: numbers sealed under a case whose opening was then undone would lie in the
    /// evidence of whichever case gets its number.
    ///
    /// # Errors
    /// When the register or the evidence cannot be written; the same finds may come again.
    pub fn record_finds(&self, finds: &[Find]) -> Result<Vec<Recorded>, StoreError> {
        let mut opened = self.open_cases(finds)?;
        let contents: Vec<Digest> = finds.iter().map(|find| find.content).collect();
        self.store.record(|recording| {
            let known = recording.known_contents(&contents)?;
            let mut recorded = Vec::with_capacity(finds.len());
            // A frame and an fsync for a case, not for a mail.
            let mut unsealed: BTreeMap<CaseId, (&str, Vec<[u8; 10]>)> = BTreeMap::new();
            for find in finds {
                if let Some(case) = known.get(&find.content).cloned() {
                    recorded.push(Recorded { case, known: true, opened: false });
                    continue;
                }
                let joined = recording.join(&find.detection, &find.opening()?)?;
                if joined.attempts > 1 {
                    recorded.push(Recorded { case: joined.case, known: true, opened: false });
                    continue;
                }
                recording.note_archived(&find.detection.message, &find.content, find.sent_at)?;
                recording.add_beside(&joined.case, &find.beside)?;
                let key = self.node_key.case_key(&joined.salt);
                let digests: Vec<Digest> = find.numbers.iter().map(|number| key.person(number)).collect();
                let new = recording.add_persons(&joined.case, &digests)?;
                if let Some(dpo) = &find.controller.dpo_key {
                    let (_, numbers) = unsealed.entry(joined.case.clone()).or_insert((dpo, Vec::new()));
                    numbers.extend(new.iter().filter_map(|at| find.numbers.get(*at)));
                }
                let opened = opened.remove(&find.grouping) || joined.opened;
                recorded.push(Recorded { case: joined.case, known: false, opened });
            }
            for (case, (dpo, numbers)) in unsealed.iter().filter(|(_, (_, numbers))| !numbers.is_empty()) {
                let sealed = self.evidence.append(case, dpo, numbers);
                sealed.map_err(|error| StoreError::Beside(error.to_string()))?;
            }
            Ok(recorded)
        })
    }

    /// Opens the cases that these finds need and that are not there; their groupings.
    fn open_cases(&self, finds: &[Find]) -> Result<BTreeSet<Digest>, StoreError> {
        let contents: Vec<Digest> = finds.iter().map(|find| find.content).collect();
        self.store.record(|recording| {
            let known = recording.known_contents(&contents)?;
            let (mut there, mut opened) = (BTreeSet::new(), BTreeSet::new());
            for find in finds {
                // What is known by another case, as a mail that the gate has recorded, needs none.
                if there.contains(&find.grouping) || known.contains_key(&find.content) {
                    continue;
                }
                there.insert(find.grouping);
                if let Some(case) = recording.open_for(&find.detection, &find.opening()?)? {
                    // What an undone opening of the same number may have left is none of this case's.
                    self.evidence.begin(&case).map_err(|error| StoreError::Beside(error.to_string()))?;
                    opened.insert(find.grouping);
                }
            }
            Ok(opened)
        })
    }
}
