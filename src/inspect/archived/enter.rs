//! Finds into the register, in batches: what is new, and what copies of known mails say more.
//!
//! Start reading at [`Register::record_finds`].

use super::find::{Find, Left};
use crate::case::CaseId;
use crate::case::detection::Detection;
use crate::inspect::record::Register;
use crate::seal::Digest;
use crate::store::{Brought, KnownMail, Recording, StoreError};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

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
    /// `now` is when they were found. A line of a case is never older than the one before, whoever wrote that: a case whose
    /// newest line is later is joined at that line's time.
    ///
    /// # Errors
    /// When the register or the evidence cannot be written; the same finds may come again.
    pub fn record_finds(&self, finds: &[Find], now: DateTime<Utc>) -> Result<Vec<Recorded>, StoreError> {
        let mut opened = self.open_cases(finds, now)?;
        let contents: Vec<Digest> = finds.iter().map(|find| find.content).collect();
        self.store.record(|recording| {
            let mut known = recording.known_contents(&contents)?;
            for (message, sent_at) in date(&mut known, finds) {
                recording.date_archived(&message, sent_at)?;
            }
            let mut unsealed = Unsealed::default();
            let mut times = Times { now, known: BTreeMap::new() };
            let mut recorded = Vec::with_capacity(finds.len());
            for find in finds {
                recorded.push(match standing(&known, find) {
                    Standing::Left(known, sure) => {
                        let at = times.of(recording, find.grouping, Some(&known.case))?;
                        let row = find.row(&self.node_key, at, sure);
                        self.add_copy(recording, &row, find, known, &mut unsealed)?
                    }
                    Standing::Averted(known) => Recorded {
                        case: known.case.clone(),
                        was: Was::Averted,
                        opened: false,
                        confirmed: false,
                        after: false,
                    },
                    Standing::New(sure) => {
                        let at = times.of(recording, find.grouping, None)?;
                        let row = find.row(&self.node_key, at, sure);
                        let one = self.add_find(recording, &row, find, &mut unsealed)?;
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
        row: &Detection,
        find: &'f Find,
        unsealed: &mut Unsealed<'f>,
    ) -> Result<Recorded, StoreError> {
        let joined = recording.join(row, &find.opening()?)?;
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
        row: &Detection,
        find: &'f Find,
        known: &KnownMail,
        unsealed: &mut Unsealed<'f>,
    ) -> Result<Recorded, StoreError> {
        let new = self.add_numbers(recording, find, (&known.case, &known.salt), unsealed)?;
        let reached = find.reached_beyond(&known.domains);
        let Brought { confirmed, after } = recording.add_copy(known, row, reached, new)?;
        recording.note_beside(&known.case, &find.beside.iter().copied().collect::<Vec<_>>())?;
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
    fn open_cases(&self, finds: &[Find], now: DateTime<Utc>) -> Result<BTreeSet<Digest>, StoreError> {
        let contents: Vec<Digest> = finds.iter().map(|find| find.content).collect();
        self.store.record(|recording| {
            let mut known = recording.known_contents(&contents)?;
            date(&mut known, finds);
            // Of the finds of a case the strictest opens it, and not the one that was read first.
            let mut strictest: BTreeMap<Digest, (&Find, Detection)> = BTreeMap::new();
            for find in finds {
                let Standing::New(sure) = standing(&known, find) else { continue };
                let row = find.row(&self.node_key, now, sure);
                if strictest
                    .get(&find.grouping)
                    .is_none_or(|(_, known)| row.is_certain() && !known.is_certain())
                {
                    strictest.insert(find.grouping, (find, row));
                }
            }
            let mut opened = BTreeSet::new();
            for (grouping, (find, row)) in strictest {
                if let Some(case) = recording.open_for(&row, &find.opening()?)? {
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

/// When the finds of a batch were found, by the case that they join.
struct Times {
    now: DateTime<Utc>,
    known: BTreeMap<(Digest, Option<CaseId>), DateTime<Utc>>,
}

impl Times {
    fn of(
        &mut self,
        recording: &Recording<'_>,
        grouping: Digest,
        case: Option<&CaseId>,
    ) -> Result<DateTime<Utc>, StoreError> {
        let key = (grouping, case.cloned());
        if let Some(at) = self.known.get(&key) {
            return Ok(*at);
        }
        let newest = recording.newest_line(grouping, case)?;
        let at = newest.map_or(self.now, |newest| newest.max(self.now));
        self.known.insert(key, at);
        Ok(at)
    }
}

/// What a find is to the register. `bool`: whether how it left is as sure as the find says. Where the gate has stopped such a
/// mail, a journal has it as well when it never came further.
enum Standing<'a> {
    /// Nothing is known of it, or only of a mail that was stopped while this one left.
    New(bool),
    /// It is known as one that left.
    Left(&'a KnownMail, bool),
    /// It is known as one that was stopped.
    Averted(&'a KnownMail),
}

/// Gives a day to known mails that say none and that a find says the day of; their rows and days. Before it is asked what the
/// finds are: of two letters with one Message-ID the first is such a mail, and the second is then another.
fn date(known: &mut BTreeMap<Digest, Vec<KnownMail>>, finds: &[Find]) -> Vec<(Digest, DateTime<Utc>)> {
    let mut dated = Vec::new();
    for find in finds {
        let (Some(sent_at), Some(copies)) = (find.sent_at, known.get_mut(&find.content)) else { continue };
        if copies.iter().any(|one| one.sent_at == Some(sent_at)) {
            continue;
        }
        if let Some(one) = copies.iter_mut().find(|one| one.archived && one.sent_at.is_none()) {
            one.sent_at = Some(sent_at);
            dated.push((one.message, sent_at));
        }
    }
    dated
}

fn standing<'a>(known: &'a BTreeMap<Digest, Vec<KnownMail>>, find: &Find) -> Standing<'a> {
    let copies = || known.get(&find.content).into_iter().flatten().filter(|one| one.is_of(find.sent_at));
    let stopped = copies().find(|one| !one.left);
    let sure = stopped.is_none() || find.left == Left::Said;
    match (copies().find(|one| one.left), stopped) {
        (Some(left), _) => Standing::Left(left, sure),
        (None, Some(stopped)) if !find.left_though(stopped) => Standing::Averted(stopped),
        (None, _) => Standing::New(sure),
    }
}
