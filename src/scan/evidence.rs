//! A sum of log-odds with its reasons.

use super::finding::{Confidence, Place};
use crate::cpr::{Kind, NotCpr};
use std::borrow::Borrow;
use std::ops::Deref;
use std::sync::Arc;

/// A reason that counted, as a word: `mod11`, `label:cpr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One that the code knows.
    Word(&'static str),
    /// An entry of the rules.
    Rule(Arc<str>),
}

impl Deref for Reason {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Rule(rule) => rule,
        }
    }
}

impl Borrow<str> for Reason {
    fn borrow(&self) -> &str {
        self
    }
}

/// What became of one candidate, and why: for a person who tunes rules. Holds no digit of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The part's path, as IMAP numbers sections.
    pub part: String,
    /// Where in the part.
    pub place: Place,
    /// Line of the part's decoded text, or of the header block, from 1.
    pub line: u64,
    /// Offset of the first digit in the part's decoded text, in bytes from 0.
    pub offset: u64,
    /// What its digits are, or why they are no number.
    pub kind: Result<Kind, NotCpr>,
    /// Every entry that counted, in the order it was found, with its natural log-odds.
    pub evidence: Vec<(Reason, f32)>,
    /// Their sum.
    pub sum: f32,
    /// What the sum makes of it; `None` is not reported.
    pub confidence: Option<Confidence>,
}

/// What speaks for and against one candidate. The sum is always kept; the reasons when somebody will read them.
#[derive(Debug)]
pub(super) struct Evidence {
    sum: f32,
    reasons: Option<Vec<(Reason, f32)>>,
}

impl Evidence {
    /// None yet; `keep` its reasons.
    pub(super) fn new(keep: bool) -> Self {
        Self { sum: 0.0, reasons: keep.then(Vec::new) }
    }

    /// Adds what the code calls `reason`.
    pub(super) fn add(&mut self, reason: &'static str, weight: f32) {
        self.sum += weight;
        if let Some(reasons) = &mut self.reasons {
            reasons.push((Reason::Word(reason), weight));
        }
    }

    /// Adds an entry of the rules.
    pub(super) fn add_rule(&mut self, reason: &Arc<str>, weight: f32) {
        self.sum += weight;
        if let Some(reasons) = &mut self.reasons {
            reasons.push((Reason::Rule(Arc::clone(reason)), weight));
        }
    }

    /// Natural log-odds.
    pub(super) fn sum(&self) -> f32 {
        self.sum
    }

    /// The reasons in the order they were found; none when they were not kept.
    pub(super) fn reasons(&self) -> &[(Reason, f32)] {
        self.reasons.as_deref().unwrap_or_default()
    }
}
