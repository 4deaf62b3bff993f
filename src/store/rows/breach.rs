//! A near miss that became a breach: what was kept back has left after all.

use super::StoreError;
use super::record::{Entering, Recording};
use crate::case::deadline::Deadline;
use crate::case::replay::{FIRST_REGIME, clock_detail};
use crate::case::{CaseId, State};
use crate::store::base::params;
use chrono::{DateTime, Utc};

impl Recording<'_> {
    /// A mail of this near miss was let out in the clear by a person, and the case with it: it is a breach from this moment:
    /// aware now, the deadline and its notices planned, all by one entry with who and why (invariant 9; facts of the law,
    /// "Awareness" 4). One that was closed as a near miss is open again: it is a new breach.
    pub(super) fn breach(
        &self,
        case: &CaseId,
        now: DateTime<Utc>,
        by: &str,
        event: &str,
        why: &str,
    ) -> Result<(), StoreError> {
        let (word, clock): (String, i64) = self.db.one(
            "SELECT state, clock_version FROM breach_case WHERE id = ?1",
            params![case.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let (state, next) = (super::read::state(&word)?, State::RELEASED);
        let deadline = Deadline::from_awareness(now);
        // Its grouping is given up: what is stopped from now on is a near miss of its own, and never hides in a breach.
        self.db.execute(
            "UPDATE breach_case SET state = ?2, aware_at = ?3, deadline = ?4, clock_version = ?5,
                 grouping = ?6 WHERE id = ?1",
            params![
                case.as_str(),
                next.word(),
                now.timestamp(),
                deadline.at().timestamp(),
                clock + 1,
                ungrouped()?
            ],
        )?;
        self.enter_whole(&Entering {
            case,
            at: now,
            who: by,
            event,
            from: Some(state),
            to: Some(next),
            reason: why,
            detail: &clock_detail(now, deadline.at(), FIRST_REGIME),
        })?;
        self.plan_opening(case, now)
    }
}

impl Recording<'_> {
    /// From now on no message joins this case.
    pub(super) fn ungroup(&self, case: &CaseId) -> Result<(), StoreError> {
        let sql = "UPDATE breach_case SET grouping = ?2 WHERE id = ?1";
        self.db.execute(sql, params![case.as_str(), ungrouped()?])?;
        Ok(())
    }
}

/// A grouping that no message has.
pub(super) fn ungrouped() -> Result<[u8; 16], StoreError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| StoreError::Beside(error.to_string()))?;
    Ok(random)
}
