//! A sum of log-odds with its reasons.

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
