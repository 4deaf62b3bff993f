//! A sum of log-odds with its reasons.

use std::sync::Arc;

/// What speaks for and against one candidate. The sum is always kept; the reasons when somebody will read them.
#[derive(Debug)]
pub(super) struct Evidence {
    sum: f32,
    reasons: Option<Vec<(Arc<str>, f32)>>,
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
            reasons.push((reason.into(), weight));
        }
    }

    /// Adds an entry of the rules.
    pub(super) fn add_rule(&mut self, reason: &Arc<str>, weight: f32) {
        self.sum += weight;
        if let Some(reasons) = &mut self.reasons {
            reasons.push((Arc::clone(reason), weight));
        }
    }

    /// Natural log-odds.
    pub(super) fn sum(&self) -> f32 {
        self.sum
    }

    /// The reasons in the order they were found; none when they were not kept.
    pub(super) fn into_reasons(self) -> Vec<(Arc<str>, f32)> {
        self.reasons.unwrap_or_default()
    }
}
