//! A number that is found in a held mail only when it is to be released: it was held for a part that could not be read then.
//!
//! The mail has not left, so it is a near miss of each controller it concerns, recorded as if it had been held for the number;
//! and what was decided about it is taken back, because whoever decided knew of no number. Start reading at
//! [`Register::found_late`]. Tests: `tests/held/spool.rs`.

use super::record::{Found, Register, beside_of};
use super::{Setup, fate};
use crate::case::CaseId;
use crate::case::detection::Outcome;
use crate::envelope::{Address, Envelope, Verdict};
use crate::policy::why::{Rule, Why};
use crate::policy::{Decision, LeakAction, RecipientDecision};
use crate::scan::Report;
use crate::store::StoreError;
use crate::store::held::HeldIn;
use chrono::{DateTime, NaiveDate, Utc};

/// A held mail as it was read at its release.
#[derive(Clone, Copy)]
pub struct FoundLate<'a> {
    /// Whose rules, controllers and sources.
    pub setup: &'a Setup,
    /// Who sends it to whom.
    pub envelope: &'a Envelope,
    /// What was found.
    pub report: &'a Report,
    /// Now.
    pub now: DateTime<Utc>,
    /// The day in Denmark.
    pub local_day: NaiveDate,
}

impl Register {
    /// Puts a held mail into a near miss and takes back what was decided about it, in one transaction. Returns its cases.
    ///
    /// # Errors
    /// When nobody answers for its sender, or the register cannot be written: nothing has changed, and nothing may be sent.
    pub fn found_late(
        &self,
        held: i64,
        late: &FoundLate<'_>,
        reason: &str,
    ) -> Result<Vec<CaseId>, StoreError> {
        let FoundLate { setup, envelope, report, now, local_day } = *late;
        let decision = held_for_all(setup, envelope);
        let found = Found {
            setup,
            envelope,
            report,
            decision: &decision,
            splits: true,
            has_log: false,
            is_asked: false,
            keeper: None,
            now,
            local_day,
        };
        let parts = fate::parts(&found);
        if parts.is_empty() {
            return Err(StoreError::Beside("no controller answers for this sender".to_owned()));
        }
        let (template, beside) = (self.template(&found)?, beside_of(&found));
        self.store.record(|recording| {
            let mut cases = Vec::new();
            for part in &parts {
                let joined =
                    self.join(&found, part, Outcome::Stopped, (template, &beside, &[]), recording)?;
                cases.push(HeldIn { case: joined.case, message: Some(joined.message) });
            }
            recording.found_late(held, &cases, reason, now)?;
            Ok(cases.into_iter().map(|one| one.case).collect())
        })
    }
}

/// What a person is to decide, for each recipient.
fn held_for_all(setup: &Setup, envelope: &Envelope) -> Decision {
    let one = |recipient: Option<&Address>| RecipientDecision {
        recipient: recipient.cloned(),
        protection: setup.policy.roads.way(envelope, recipient).protection,
        verdict: Verdict::Hold,
        why: Why::from(Rule::Leak(LeakAction::Hold)),
    };
    let mut recipients: Vec<_> = envelope.recipients.iter().map(|address| one(Some(address))).collect();
    if recipients.is_empty() {
        recipients.push(one(None));
    }
    Decision { recipients }
}
