//! What was on its way and did not leave after all: the next hop refused it. Its breach is a near miss, until it is taken.
//!
//! A finding is in the register before its mail is handed on (invariant 6), so a mail that is let pass stands in a breach case
//! while the next hop has it in hand. What the hop said settles it:
//!
//! | the hop | the message | its case |
//! |---|---|---|
//! | takes it for one of those who were to get it readable | delivered | stays as it is |
//! | is lost behind the last byte: nobody knows | delivered | stays as it is |
//! | refuses it for all, for now or for good | stopped | a near miss without a clock, when no message of it has left and no person has done anything in it; else a line |
//! | takes it when it comes again | delivered | the clock begins then |
//! | (a crash before this is noted) | delivered | stays as it is: the clock runs too early, never too late |
//!
//! The case still counts a returned message and its persons: what is notified may be too much, and never too little. What a
//! person has begun to work on is taken back by a person, with a reason ([`Recording::nothing_left`]): so is a mail that a
//! person has released in the clear, and the next hop refused. Start reading at
//! [`Recording::returned`]. Tests: `tests/register/returned.rs`, `tests/relay.rs`.

use super::StoreError;
use super::record::{Entering, Recording, regime};
use crate::case::act::Alerts;
use crate::case::detection::Outcome;
use crate::case::milestone::Milestone;
use crate::case::replay::clock_detail;
use crate::case::{CaseId, State};
use crate::store::base::params;
use chrono::{DateTime, Utc};

impl Recording<'_> {
    /// A message that was to leave readable was refused for all who were to get it so. Returns the case whose clock stopped by it.
    ///
    /// # Errors
    /// When the register cannot be written; the breach stands then.
    pub fn returned(&self, message: &[u8; 16], now: DateTime<Utc>) -> Result<Option<CaseId>, StoreError> {
        let case = self.db.first(
            "UPDATE detection SET outcome = 'stopped' WHERE message = ?1 AND outcome = 'delivered' RETURNING case_id",
            params![message],
            |row| row.get::<String>(0),
        )?;
        let Some(case) = case else { return Ok(None) };
        let case = super::read::case_id(&case)?;
        let word: String =
            self.db.one("SELECT state FROM breach_case WHERE id = ?1", params![case.as_str()], |row| {
                row.get(0)
            })?;
        let state = super::read::state(&word)?;
        if !state.clock_runs() || !self.nothing_left(&case)? || self.has_been_worked_on(&case)? {
            let reason = "en mail blev afvist af næste led og har ikke forladt huset; sagen tæller den og dens personer stadig";
            self.enter(&case, now, "returned", None, None, reason)?;
            return Ok(None);
        }
        self.db.execute(
            "UPDATE breach_case SET state = ?2, aware_at = NULL, deadline = NULL WHERE id = ?1",
            params![case.as_str(), State::NearMiss.word()],
        )?;
        let reason = "næste led afviste mailen, og ingen mail i sagen har forladt huset: fristen bortfalder, indtil en bliver modtaget";
        self.enter(&case, now, "returned", Some(state), Some(State::NearMiss), reason)?;
        self.told_once(&case)?;
        self.replan(&case, Alerts::Stop, now)?;
        Ok(Some(case))
    }

    /// A mail server tries a refused mail for days, and each try opens the case anew. Who was told of it, or is about to be, is not
    /// told again of what did not happen, and what was planned for a clock that has not run is forgotten, unless somebody is at it.
    fn told_once(&self, case: &CaseId) -> Result<(), StoreError> {
        let is_told = "EXISTS (SELECT 1 FROM notice first WHERE first.case_id = notice.case_id
                 AND first.milestone = notice.milestone AND first.recipient = notice.recipient
                 AND first.clock_version < notice.clock_version AND first.state IN ('due', 'sent', 'merged'))";
        let forget = format!(
            "DELETE FROM notice WHERE case_id = ?1 AND state = 'due' AND attempts = 0 AND claimed_by IS NULL
                 AND clock_version = (SELECT clock_version FROM breach_case WHERE id = ?1)
                 AND (milestone <> ?2 OR {is_told})"
        );
        let stop = format!(
            "UPDATE notice SET state = 'stopped', claimed_by = NULL, claimed_until = NULL
             WHERE case_id = ?1 AND milestone = ?2 AND state = 'due' AND {is_told}"
        );
        let opened = Milestone::Opened.word();
        self.db.later(&forget, params![case.as_str(), opened])?;
        self.db.later(&stop, params![case.as_str(), opened])
    }

    /// A message of this case leaves, or has left: where its clock does not run because none had, it begins now. Returns where
    /// the case stands.
    pub(super) fn leaves(
        &self,
        case: &CaseId,
        state: State,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> Result<State, StoreError> {
        let never_left = match state {
            State::NearMiss => true,
            State::NoBreach | State::Closed => {
                let sql = "SELECT aware_at FROM breach_case WHERE id = ?1";
                let aware: Option<i64> = self.db.one(sql, params![case.as_str()], |row| row.get(0))?;
                aware.is_none() || state == State::NoBreach && self.nothing_left(case)?
            }
            State::Suspected
            | State::Assessing
            | State::NotifiedPreliminary
            | State::NotifiedFinal
            | State::DocumentedOnly => false,
        };
        if outcome == Outcome::Stopped || !never_left {
            return Ok(state);
        }
        let (next, regime) = (State::opened_by(outcome), regime(now)?);
        self.db.execute(
            "UPDATE breach_case SET state = ?2, aware_at = ?3, deadline = ?4, clock_version = clock_version + 1, regime = ?5
             WHERE id = ?1",
            params![
                case.as_str(),
                next.word(),
                now.timestamp(),
                regime.deadline(now).timestamp(),
                regime.id
            ],
        )?;
        let reason = "en mail i sagen bliver nu sendt videre ukrypteret; bekendt med bruddet fra nu (artikel 33, stk. 1)";
        self.enter_whole(&Entering {
            case,
            at: now,
            who: "brevdue",
            event: "left_after_all",
            from: Some(state),
            to: Some(next),
            reason,
            detail: &clock_detail(now, regime),
        })?;
        self.plan_opening(case, now)?;
        Ok(next)
    }

    /// Whether the register knows of every message of this case that it has not left. What it does not know is no proof: a mail
    /// that is counted and has no row, or a held one of which nobody knows which message it is.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn nothing_left(&self, case: &CaseId) -> Result<bool, StoreError> {
        let (known, left, counted, unknown): (i64, i64, i64, i64) = self.db.one(
            "SELECT (SELECT count(*) FROM detection d WHERE d.case_id = c.id),
                 (SELECT count(*) FROM detection d WHERE d.case_id = c.id AND d.outcome = 'delivered'), c.mails,
                 (SELECT count(*) FROM held_case h WHERE h.case_id = c.id AND h.message IS NULL)
             FROM breach_case c WHERE c.id = ?1",
            params![case.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        Ok(known > 0 && left == 0 && counted == known && unknown == 0)
    }

    /// A held mail that was to leave in the clear was refused by the next hop's own words: its messages have not left, unless a try
    /// before this one ended in silence, or another held mail of the same message was let out. The breach stands until a person
    /// takes it back ([`Self::nothing_left`]).
    pub(super) fn not_released(&self, held: i64) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE detection SET outcome = 'stopped'
             WHERE message IN (SELECT c.message FROM held_case c JOIN held h ON h.id = c.held
                               WHERE h.id = ?1 AND h.act = 'clear' AND h.state = 'approved')
                 AND NOT EXISTS (SELECT 1 FROM held_entry e WHERE e.held = ?1 AND e.event = 'perhaps_sent')
                 AND NOT EXISTS (SELECT 1 FROM held_case o JOIN held h ON h.id = o.held
                                 WHERE o.message = detection.message AND h.id <> ?1
                                     AND (h.state NOT IN ('waiting', 'discarded') OR h.act = 'clear'))",
            params![held],
        )?;
        Ok(())
    }

    /// A try to send this held mail ended in silence, or some of its recipients have it: nobody can say any more that it has not
    /// left. Said twice it is said once.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn perhaps_sent(&self, held: i64, error: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM held_entry WHERE held = ?1 AND event = 'perhaps_sent' LIMIT 1";
        if self.db.first(sql, params![held], |row| row.get::<i64>(0))?.is_some() {
            return Ok(());
        }
        self.enter_held(held, now, "brevdue", "perhaps_sent", error)
    }

    fn has_been_worked_on(&self, case: &CaseId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM register_entry WHERE case_id = ?1 AND who <> 'brevdue' LIMIT 1";
        Ok(self.db.first(sql, params![case.as_str()], |row| row.get::<i64>(0))?.is_some())
    }
}
