//! What a scan ends in.

use super::coverage::{Clean, Coverage};
use super::finding::{self, Confidence, Finding};
use super::persons::Persons;
use super::sketch::Sketch;
use super::subject::Subject;
use crate::cpr::Cpr;

/// How the content as a whole is protected. Headers never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Anybody on the way can read it. S/MIME *signed* is this too.
    #[default]
    None,
    /// S/MIME enveloped (RFC 8551 §3.3).
    Smime,
    /// PGP/MIME encrypted (RFC 3156 §4).
    Pgp,
}

impl Protection {
    /// The word of the jsonl contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Smime => "smime",
            Self::Pgp => "pgp",
        }
    }
}

/// What the content is, in one word. Speaks of the content alone; where it goes is the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Read whole, nothing found.
    Clean,
    /// Encrypted, and nothing found outside the encryption.
    Protected,
    /// Nothing found, and not all of it was read.
    Partial,
    /// A person's number, readable.
    Leak,
}

impl Verdict {
    /// The word of the jsonl contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Protected => "protected",
            Self::Partial => "partial",
            Self::Leak => "leak",
        }
    }
}

/// What was found, what was not read, what is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The first [`Self::KEPT`] findings, in the order of the message.
    pub findings: Vec<Finding>,
    /// How much was read.
    pub coverage: Coverage,
    /// How the content is protected.
    pub protection: Protection,
    /// What tells this message and its template from others, without its text.
    pub sketch: Sketch,
    /// Its subject, to be asked for tags.
    pub subject: Subject,
    pub(super) all_findings: u64,
    pub(super) leaks: u64,
    pub(super) leaks_in_header: bool,
    pub(super) may_leak: bool,
    pub(super) persons: Persons,
    pub(super) certain: bool,
}

impl Report {
    /// How many findings are kept whole; the rest is counted.
    pub const KEPT: usize = 200;

    /// Counts a finding, of a kind that `counts` or not, `in_header` when it stands in the message's own; whether it is also to be kept is [`Self::has_room`].
    pub(super) fn count_in(&mut self, cpr: &Cpr, counts: bool, confidence: Confidence, in_header: bool) {
        self.all_findings += 1;
        self.may_leak |= counts;
        if counts && confidence >= finding::LEAST {
            self.leaks += 1;
            self.leaks_in_header |= in_header;
            self.certain |= confidence == Confidence::Certain;
            self.persons.add(cpr);
        }
    }

    /// Joins what another reading of the same bytes saw. What both saw counts once, as far as findings were kept; beyond,
    /// the larger count stands.
    pub(super) fn absorb(&mut self, other: Self) {
        for finding in other.findings {
            let is_known = self.findings.iter().any(|known| {
                let beside = finding.part.strip_prefix(&*known.part);
                known.cpr == finding.cpr
                    // The same part, or one that the other reading found within it.
                    && beside.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                    && known.confidence >= finding.confidence
            });
            if is_known {
                continue;
            }
            self.all_findings += 1;
            self.leaks += u64::from(finding.is_leak());
            if self.has_room() {
                self.findings.push(finding);
            }
        }
        self.all_findings = self.all_findings.max(other.all_findings);
        self.leaks = self.leaks.max(other.leaks);
        self.leaks_in_header |= other.leaks_in_header;
        self.may_leak |= other.may_leak;
        self.certain |= other.certain;
        self.persons.absorb(&other.persons);
        other.coverage.unread().iter().for_each(|unread| self.coverage.add(unread.clone()));
    }

    /// Whether findings are still kept whole; beyond, nothing has to be said about them.
    pub(super) fn has_room(&self) -> bool {
        self.findings.len() < Self::KEPT
    }

    /// Proof that the message was read whole and holds nobody's number; `None` otherwise. The only maker of
    /// [`Clean`]. What is only possible, or of a kind that does not count, is reported and not acted on.
    pub fn clean(&self) -> Option<Clean> {
        (!self.leaks() && self.coverage == Coverage::Complete && self.protection == Protection::None)
            .then_some(Clean(()))
    }

    /// Whether a person's number can be read in it.
    pub fn leaks(&self) -> bool {
        self.leaks > 0
    }

    /// Whether it leaks, or may: a number stands in it of a kind that counts, however unsure. What is only possible is acted on
    /// where a wrong guess costs a text its way and a right one nobody takes back: see [`crate::policy::decide`].
    pub fn may_leak(&self) -> bool {
        self.may_leak
    }

    /// Whether one stands in the message's own header, which no encryption of its content hides.
    pub fn leaks_in_header(&self) -> bool {
        self.leaks_in_header
    }

    /// Whether one of the leaks is certain.
    pub fn is_certain(&self) -> bool {
        self.certain
    }

    /// How many findings there were, kept or not.
    pub fn count(&self) -> u64 {
        self.all_findings
    }

    /// How many different persons' numbers leak.
    pub fn persons(&self) -> u64 {
        self.persons.count()
    }

    /// Those persons' numbers.
    pub fn person_numbers(&self) -> &Persons {
        &self.persons
    }

    /// The content in one word.
    pub fn verdict(&self) -> Verdict {
        if self.leaks() {
            Verdict::Leak
        } else if self.coverage != Coverage::Complete {
            Verdict::Partial
        } else if self.protection != Protection::None {
            Verdict::Protected
        } else {
            Verdict::Clean
        }
    }
}
