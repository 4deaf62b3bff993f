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
//! is no breach by itself: the sender's own copy lies in an archive too. Where a person says that all of it left, or a
//! journal has its envelope, it is a mail of its own in the case of what left. Start reading at [`Finder::find`], then
//! [`Register::record_finds`].

use super::Setup;
use super::record::{self, Register};
use crate::case::CaseId;
use crate::case::detection::{Detection, Outcome};
use crate::case::incident::{self, Source};
use crate::case::template::{Letter, Templates};
use crate::envelope::{Address, Controller, Envelope, Pass, Verdict, controller_of, domain_is_named_by};
use crate::policy::road::Protection;
use crate::scan::Report;
use crate::scan::beside::{self, Beside};
use crate::scan::ruleset::day_of;
use crate::seal::{Digest, NodeKey, random};
use crate::store::{Brought, KnownMail, Opening, Recording, Store, StoreError};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashSet};
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
    /// Copies of a mail have this in common, and two letters with one Message-ID too: those differ by [`Find::sent_at`].
    pub content: Digest,
    /// Mails of one cause and controller have this in common.
    pub grouping: Digest,
    root: Digest,
    detection: Detection,
    numbers: BTreeSet<[u8; 10]>,
    recipients: HashSet<Address>,
    beside: BTreeSet<&'static str>,
    /// Whether it says more than that it lies in an archive: it left, though the gate may have stopped another like it.
    left: Left,
}

/// What says that a mail left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
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

    /// What else a copy may have more of than another: keyed tags of recipients and numbers, and how it left.
    pub fn telling(&self, key: &NodeKey) -> impl Iterator<Item = u64> {
        let tag = |purpose: &str, text: &[u8]| {
            let [a, b, c, d, e, f, g, h, ..] = key.digest(purpose, &[text]);
            u64::from_be_bytes([a, b, c, d, e, f, g, h])
        };
        let how = match (self.is_certain(), self.left) {
            (true, left) => [0, left as u64 + 2],
            (false, left) => [1, left as u64 + 2],
        };
        let mut tags: Vec<u64> = how.to_vec();
        tags.extend(self.recipients.iter().map(|one| tag("copy recipient", one.reveal().as_bytes())));
        tags.extend(self.numbers.iter().map(|one| tag("copy number", one)));
        tags.into_iter()
    }

    /// Whether these are copies of one mail, by what is known before the register is asked.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        self.content == other.content && may_be_one(self.sent_at, other.sent_at)
    }

    /// Takes from a copy what it has more: see the module's head. The same in whatever order copies come.
    pub fn merge(&mut self, copy: Self) {
        // A copy of which no header tells the system is not the one that says where it belongs.
        let rank = |find: &Self| (find.source.is_none(), find.root);
        if rank(&copy) < rank(self) {
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

    fn is_certain(&self) -> bool {
        self.detection.is_certain()
    }

    /// Whether a mail that was stopped left all the same, as far as this copy tells.
    fn left_though(&self, stopped: &KnownMail) -> bool {
        match self.left {
            Left::Archived => false,
            // It went by another way than it came, and of that there is a copy.
            Left::Journaled => !stopped.rerouted,
            Left::Said => true,
        }
    }

    /// What is recorded of it.
    fn row(&self, key: &NodeKey) -> Detection {
        let sent_at = self.sent_at.map(|at| at.timestamp().to_be_bytes()).unwrap_or_default();
        Detection { message: key.digest("archived", &[&self.content, &sent_at]), ..self.detection.clone() }
    }

    /// How many of its recipients are in domains that are not these.
    fn reached_beyond(&self, domains: &[String]) -> u64 {
        self.recipients.iter().filter(|one| !domains.contains(&one.shown_domain())).count() as u64
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
}

/// Whether two mails that are known by the same can be one: where one says no day, nothing speaks against it.
pub fn may_be_one(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

/// The recipients' domains, and how many they are.
fn domains(recipients: &HashSet<Address>) -> (Vec<String>, u64) {
    let mut domains: Vec<String> = recipients.iter().map(Address::shown_domain).collect();
    domains.sort_unstable();
    domains.dedup();
    (domains, recipients.len() as u64)
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

/// What became of a find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The case that it is in.
    pub case: CaseId,
    /// What it was to the register.
    pub was: Was,
    /// Whether it opened the case.
    pub opened: bool,
    /// Whether it ended a suspicion.
    pub confirmed: bool,
    /// Whether the case was settled: a person is asked whether to reopen it.
    pub after: bool,
}

/// What a find was to the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Was {
    /// Not known.
    New,
    /// There before.
    Known,
    /// There before as one that was stopped; nothing was changed.
    Averted,
}

/// A mail's content for a keyed digest: copies of a mail have it in common however they were stored, so nothing of
/// envelope, size, line ends or what a mail server wrote on top counts. Nor do its numbers where it has a Message-ID: of a
/// copy that is cut short not all are found, and rules change. Without one they are what tells most.
pub(super) fn content(key: &NodeKey, stamp: &Stamp, report: &Report, controller: &Controller) -> Digest {
    let numbers = || {
        let mut numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
        numbers.sort_unstable();
        numbers
    };
    // As much as surely stands in the sketch whichever line ends the copy has.
    let text = || {
        let black = report.sketch.text().iter().filter(|byte| !byte.is_ascii_whitespace());
        black.take(1024).copied().collect::<Vec<u8>>()
    };
    let (kind, stamp, text, numbers) = match stamp {
        Stamp::Id(id) => (b"id".as_slice(), id.as_slice(), Vec::new(), Vec::new()),
        Stamp::Fields(fields) => (b"fields".as_slice(), fields.as_slice(), text(), numbers().concat()),
        Stamp::Nothing => (b"text".as_slice(), b"".as_slice(), text(), numbers().concat()),
    };
    key.digest("content", &[kind, stamp, &text, &numbers, controller.cvr.as_bytes()])
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

    /// Whether the configuration says which senders are of the house at all.
    fn knows_its_own(&self) -> bool {
        let named = |one: &Controller| !one.domains.is_empty() || !one.senders.is_empty();
        !self.setup.sources.is_empty() || self.setup.controllers.iter().any(named)
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
                persons_exact: report.person_numbers().is_exact(),
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

impl Register {
    /// Records finds: their cases, rows and persons in one transaction, and the numbers of those not yet known sealed to the
    /// DPO's key, on disk before the rows count. What is known is brought up to what the find says more. An answer for each,
    /// in order; no two of them are copies of one mail.
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
            let mut unsealed = Unsealed::default();
            let mut recorded = Vec::with_capacity(finds.len());
            for find in finds {
                recorded.push(match standing(&known, find) {
                    Standing::Left(known) => self.add_copy(recording, find, known, &mut unsealed)?,
                    Standing::Averted(known) => Recorded {
                        case: known.case.clone(),
                        was: Was::Averted,
                        opened: false,
                        confirmed: false,
                        after: false,
                    },
                    Standing::New => {
                        let one = self.add_find(recording, find, &mut unsealed)?;
                        Recorded { opened: opened.remove(&find.grouping) || one.opened, ..one }
                    }
                });
            }
            for (case, (dpo, numbers)) in unsealed.iter().filter(|(_, (_, numbers))| !numbers.is_empty()) {
                let sealed = self.evidence.append(case, dpo, numbers);
                sealed.map_err(|error| StoreError::Beside(error.to_string()))?;
            }
            Ok(recorded)
        })
    }

    fn add_find<'f>(
        &self,
        recording: &Recording<'_>,
        find: &'f Find,
        unsealed: &mut Unsealed<'f>,
    ) -> Result<Recorded, StoreError> {
        let row = find.row(&self.node_key);
        let joined = recording.join(&row, &find.opening()?)?;
        let is_new = joined.attempts == 1;
        if is_new {
            recording.note_archived(&row.message, &find.content, find.sent_at)?;
            recording.add_beside(&joined.case, &find.beside.iter().copied().collect::<Vec<_>>())?;
            self.add_numbers(recording, find, (&joined.case, &joined.salt), unsealed)?;
        }
        Ok(Recorded {
            after: is_new && joined.state.is_settled(),
            case: joined.case,
            was: if is_new { Was::New } else { Was::Known },
            opened: joined.opened,
            confirmed: false,
        })
    }

    fn add_copy<'f>(
        &self,
        recording: &Recording<'_>,
        find: &'f Find,
        known: &KnownMail,
        unsealed: &mut Unsealed<'f>,
    ) -> Result<Recorded, StoreError> {
        let new = self.add_numbers(recording, find, (&known.case, &known.salt), unsealed)?;
        let reached = find.reached_beyond(&known.domains);
        let Brought { confirmed, after } = recording.add_copy(known, &find.detection, reached, new)?;
        Ok(Recorded { case: known.case.clone(), was: Was::Known, opened: false, confirmed, after })
    }

    /// Counts the persons of a find in its case; how many the case did not have. Those are to be sealed.
    fn add_numbers<'f>(
        &self,
        recording: &Recording<'_>,
        find: &'f Find,
        (case, salt): (&CaseId, &[u8; 16]),
        unsealed: &mut Unsealed<'f>,
    ) -> Result<usize, StoreError> {
        let key = self.node_key.case_key(salt);
        let numbers: Vec<[u8; 10]> = find.numbers.iter().copied().collect();
        let digests: Vec<Digest> = numbers.iter().map(|number| key.person(number)).collect();
        let new = recording.add_persons(case, &digests)?;
        if let Some(dpo) = &find.controller.dpo_key {
            let (_, waiting) = unsealed.entry(case.clone()).or_insert((dpo, Vec::new()));
            waiting.extend(new.iter().filter_map(|at| numbers.get(*at)));
        }
        Ok(new.len())
    }

    /// Opens the cases that these finds need and that are not there; their groupings.
    fn open_cases(&self, finds: &[Find]) -> Result<BTreeSet<Digest>, StoreError> {
        let contents: Vec<Digest> = finds.iter().map(|find| find.content).collect();
        self.store.record(|recording| {
            let known = recording.known_contents(&contents)?;
            // Of the finds of a case the strictest opens it, and not the one that was read first.
            let mut strictest: BTreeMap<Digest, &Find> = BTreeMap::new();
            for find in finds.iter().filter(|find| matches!(standing(&known, find), Standing::New)) {
                let slot = strictest.entry(find.grouping).or_insert(find);
                if find.is_certain() && !slot.is_certain() {
                    *slot = find;
                }
            }
            let mut opened = BTreeSet::new();
            for (grouping, find) in strictest {
                if let Some(case) = recording.open_for(&find.detection, &find.opening()?)? {
                    // What an undone opening of the same number may have left is none of this case's.
                    self.evidence.begin(&case).map_err(|error| StoreError::Beside(error.to_string()))?;
                    opened.insert(grouping);
                }
            }
            Ok(opened)
        })
    }
}

/// Numbers to be sealed, by case, with the DPO's key: a frame and an fsync for a case, not for a mail.
type Unsealed<'f> = BTreeMap<CaseId, (&'f str, Vec<[u8; 10]>)>;

/// What a find is to the register.
enum Standing<'a> {
    /// Nothing is known of it, or only of a mail that was stopped while this one surely left.
    New,
    /// It is known as one that left.
    Left(&'a KnownMail),
    /// It is known as one that was stopped.
    Averted(&'a KnownMail),
}

fn standing<'a>(known: &'a BTreeMap<Digest, Vec<KnownMail>>, find: &Find) -> Standing<'a> {
    let copies = || known.get(&find.content).into_iter().flatten().filter(|one| one.is_of(find.sent_at));
    match (copies().find(|one| one.left), copies().find(|one| !one.left)) {
        (Some(left), _) => Standing::Left(left),
        (None, Some(stopped)) if !find.left_though(stopped) => Standing::Averted(stopped),
        (None, _) => Standing::New,
    }
}
