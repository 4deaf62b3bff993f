//! Cases and notices that were written by a clock that was ahead: awareness in the future, and an opening that nobody hears of.
//!
//! Nobody can have become aware later than now. So a case that says so is set to now, which is earlier than it says and so always
//! allowed (facts of the law, "Awareness" 3), by a line of its own (invariant 9), and is told of at once. The time of the detection
//! stays as it was written. Which of two clocks is right a machine cannot know: one that is wrongly behind makes a deadline too early,
//! never too late, and a person may set awareness later with a reason. On a server [`Store::compare_clocks`] knows better.
//! Start reading at [`Store::set_right`].

use super::record::{Entering, Recording};
use super::{Reader, Store, StoreError, read, time};
use crate::case::CaseId;
use crate::case::act::Alerts;
use crate::case::local::{shown, written};
use crate::case::regime::Regime;
use crate::store::base::params;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::atomic::Ordering::Relaxed;

/// Two machines need not agree to the second: less than this is no clock that was ahead.
const AGREED: TimeDelta = TimeDelta::seconds(10);

/// From here on, in seconds, this machine's clock and the server's are apart: a person must look at it.
const APART: i64 = 5;

/// 01-01-2026. A machine that says less has not been told the time yet.
const MADE: i64 = 1_767_225_600;

impl Store {
    /// Sets right what a clock that was ahead has written: the cases whose awareness is in the future, the opening and the telling
    /// of a later hit that wait for it. Does nothing while this machine's clock is known to be behind the server's. The cases.
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub fn set_right(&self, now: DateTime<Utc>) -> Result<Vec<CaseId>, StoreError> {
        let latest = (now + AGREED).timestamp();
        if now.timestamp() < MADE || self.clock_off.load(Relaxed) < -APART {
            return Ok(Vec::new());
        }
        let any = "SELECT 1 FROM breach_case WHERE aware_at > ?1 AND state NOT IN ('no_breach', 'closed')
                   UNION ALL SELECT 1 FROM notice WHERE state = 'due' AND milestone IN ('opened', 'hit-after') AND due_at > ?1
                   LIMIT 1";
        if self.db()?.first(any, params![latest], |_| Ok(()))?.is_none() {
            return Ok(Vec::new());
        }
        self.record(|recording| {
            let cases = recording.db.all(
                "SELECT id FROM breach_case WHERE aware_at > ?1 AND state NOT IN ('no_breach', 'closed') ORDER BY id",
                params![latest],
                |row| read::case_id(&row.get::<String>(0)?),
            )?;
            for case in &cases {
                recording.set_right(case, now)?;
            }
            // What is told when it happens, happened before now: also of cases that have no clock.
            recording.db.execute(
                "UPDATE notice SET due_at = ?2, next_try_at = ?2
                 WHERE state = 'due' AND milestone IN ('opened', 'hit-after') AND due_at > ?1",
                params![latest, now.timestamp()],
            )?;
            Ok(cases)
        })
    }

    /// Compares this machine's clock with the server's, which all nodes share; by how many seconds this one is ahead, when they are
    /// apart. A file has no clock.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn compare_clocks(&self, now: impl Fn() -> DateTime<Utc>) -> Result<Option<i64>, StoreError> {
        if matches!(self.reader, Reader::File(_)) {
            return Ok(None);
        }
        let db = self.db()?;
        let before = now();
        let there: i64 = db.one(
            "SELECT CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)",
            params![],
            |row| row.get(0),
        )?;
        // It was asked somewhere between: an answer that took its time accuses nobody.
        let (least, most) = (before.timestamp() - there, now().timestamp() - there);
        let off = if least > 0 { least } else { most.min(0) };
        self.clock_off.store(off, Relaxed);
        Ok(self.clock_off())
    }

    /// By how many seconds this machine's clock was ahead of the server's when they were last compared, when they were apart.
    pub fn clock_off(&self) -> Option<i64> {
        Some(self.clock_off.load(Relaxed)).filter(|off| off.abs() > APART)
    }
}

impl Recording<'_> {
    /// The case was aware now, by a line that says why; its alerts are planned anew, and who was told of the wrong deadline is
    /// told of this one.
    fn set_right(&self, case: &CaseId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (state, aware, deadline, regime) = self.db.one(
            "SELECT state, aware_at, deadline, regime FROM breach_case WHERE id = ?1",
            params![case.as_str()],
            |row| {
                let times = (row.get::<i64>(1)?, row.get::<i64>(2)?);
                Ok((
                    read::state(&row.get::<String>(0)?)?,
                    time(times.0),
                    time(times.1),
                    row.get::<String>(3)?,
                ))
            },
        )?;
        let regime = Regime::named(&regime).map_or_else(|| super::record::regime(now), Ok)?;
        let right = regime.deadline(now);
        self.db.execute(
            "UPDATE breach_case SET aware_at = ?2, deadline = ?3 WHERE id = ?1",
            params![case.as_str(), now.timestamp(), right.timestamp()],
        )?;
        let detail = serde_json::json!({
            "aware_at": { "before": written(aware), "now": written(now) },
            "deadline": { "before": written(deadline), "now": written(right) },
        });
        let reason = format!(
            "uret var foran: sagen var kendt fra {}, som ikke er kommet endnu; fristen regnes fra nu (artikel 33, stk. 1)",
            shown(aware)
        );
        self.enter_whole(&Entering {
            case,
            at: now,
            who: "brevdue",
            event: "clock_ahead",
            from: None,
            to: None,
            reason: &reason,
            detail: &detail.to_string(),
        })?;
        if state.clock_runs() {
            // What counts from the opening counted from a time to come, and says a wrong deadline.
            self.db.execute(
                "UPDATE notice SET state = 'stopped', claimed_by = NULL, claimed_until = NULL
                 WHERE case_id = ?1 AND state = 'due' AND milestone IN ('opened', 'triage', 'unacknowledged')",
                params![case.as_str()],
            )?;
        }
        self.replan(case, Alerts::Anew, now)?;
        if state.clock_runs() {
            self.plan_opening(case, now)?;
        }
        Ok(())
    }
}
