//! Alerts as rows that are planned: with the case, anew when its clock is another, and one ahead for what repeats.
//!
//! What is planned for which case is decided in [`crate::case::milestone`]; here it becomes rows, each once. Start reading at
//! [`Recording::plan_anew`].

use super::notices::{NOTICE, notice_row};
use super::record::Recording;
use super::{Store, StoreError, time};
use crate::case::CaseId;
use crate::case::milestone::{Milestone, Subject, plan};
use crate::store::NoticeRow;
use crate::store::base::params;
use chrono::{DateTime, Utc};

/// A case's own words, as far as alerts go.
pub(super) struct Known {
    state: crate::case::State,
    deadline: Option<DateTime<Utc>>,
    clock: i64,
    pub(super) cvr: String,
    pub(super) dpo: String,
    pub(super) source: Option<String>,
}

impl Recording<'_> {
    /// Plans the alerts of a case that is opened, or has become a breach, now.
    pub(super) fn plan_opening(&self, case: &CaseId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let known = self.known(case)?;
        self.plan_as(case, &known, true, now)
    }

    /// The alerts of the case as it stands now, under a clock of their own; those of before that are still due are needless.
    pub(super) fn plan_anew(&self, case: &CaseId, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.stop_alerts(case)?;
        self.db.execute(
            "UPDATE breach_case SET clock_version = clock_version + 1 WHERE id = ?1",
            params![case.as_str()],
        )?;
        let known = self.known(case)?;
        self.plan_as(case, &known, false, now)
    }

    /// What is still due is needless, and stays to be read; that a case was opened is told all the same.
    fn stop_alerts(&self, case: &CaseId) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE notice SET state = 'stopped', claimed_by = NULL, claimed_until = NULL
             WHERE case_id = ?1 AND state = 'due' AND milestone <> 'opened'",
            params![case.as_str()],
        )?;
        Ok(())
    }

    fn plan_as(
        &self,
        case: &CaseId,
        known: &Known,
        opens: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let reported: Option<i64> = self.db.one(
            "SELECT max(at) FROM register_entry
             WHERE case_id = ?1 AND event IN ('notified_preliminary', 'supplemented')",
            params![case.as_str()],
            |row| row.get(0),
        )?;
        let facts = self.facts_of(case)?;
        let subject = Subject {
            state: known.state,
            deadline: known.deadline,
            opens,
            reported_at: reported.map(time),
            facts: &facts,
            cvr: &known.cvr,
            source: known.source.as_deref(),
            dpo: &known.dpo,
        };
        for due in plan(&subject, now, self.planning) {
            // What has gone by and was told of under another clock is not told of again.
            let told = due.at <= now
                && self
                    .db
                    .first(
                        "SELECT 1 FROM notice WHERE case_id = ?1 AND milestone = ?2 AND recipient = ?3 AND due_at = ?4
                             AND state IN ('sent', 'merged') LIMIT 1",
                        params![case.as_str(), due.milestone.word(), due.recipient, due.at.timestamp()],
                        |row| row.get::<i64>(0),
                    )?
                    .is_some();
            if !told {
                self.notice(case, due.milestone, 1, known.clock, &due.recipient, due.at)?;
            }
        }
        Ok(())
    }

    pub(super) fn known(&self, case: &CaseId) -> Result<Known, StoreError> {
        self.db.one(
            "SELECT c.state, c.deadline, c.clock_version, c.controller_cvr, c.dpo, i.source
             FROM breach_case c JOIN incident i ON i.id = c.incident WHERE c.id = ?1",
            params![case.as_str()],
            |row| {
                Ok(Known {
                    state: super::read::state(&row.get::<String>(0)?)?,
                    deadline: row.get::<Option<i64>>(1)?.map(time),
                    clock: row.get(2)?,
                    cvr: row.get(3)?,
                    dpo: row.get(4)?,
                    source: row.get(5)?,
                })
            },
        )
    }

    pub(super) fn row(&self, id: i64) -> Result<Option<NoticeRow>, StoreError> {
        self.db.first(&format!("{NOTICE} WHERE n.id = ?1"), params![id], notice_row)
    }

    fn is_acknowledged(&self, row: &NoticeRow, next: Milestone, ordinal: i64) -> Result<bool, StoreError> {
        let steps = self.db.all(
            "SELECT milestone FROM acknowledgement WHERE case_id = ?1 AND clock_version = ?2",
            params![row.case.as_str(), row.clock_version],
            |row| row.get::<String>(0),
        )?;
        Ok(steps
            .iter()
            .filter_map(|word| Milestone::from_word(word))
            .any(|step| next.is_stopped_by(ordinal, step)))
    }

    /// What repeats is planned one ahead: the row after this one, unless somebody has acknowledged it or the clock has stopped.
    pub(super) fn plan_next(&self, row: &NoticeRow, at: DateTime<Utc>) -> Result<(), StoreError> {
        let Some((next, ordinal, due)) = row.milestone.next(row.ordinal, at, &self.planning.calendar) else {
            return Ok(());
        };
        let clock: i64 = self.db.one(
            "SELECT clock_version FROM breach_case WHERE id = ?1",
            params![row.case.as_str()],
            |row| row.get(0),
        )?;
        let runs = clock == row.clock_version && next.fits(row.case_state);
        if runs && !self.is_acknowledged(row, next, ordinal)? {
            self.notice(&row.case, next, ordinal, row.clock_version, &row.recipient, due)?;
        }
        Ok(())
    }

    /// The most pressing step of this clock that was told of.
    pub(super) fn last_told(&self, case: &CaseId, clock: i64) -> Result<Milestone, StoreError> {
        let told = self.db.all(
            "SELECT milestone FROM notice WHERE case_id = ?1 AND clock_version = ?2 AND state IN ('sent', 'merged')",
            params![case.as_str(), clock],
            |row| row.get::<String>(0),
        )?;
        let told = told.iter().filter_map(|word| Milestone::from_word(word));
        Ok(told.filter(|one| !one.is_nis2()).max_by_key(|one| one.urgency()).unwrap_or(Milestone::Opened))
    }
}

impl Store {
    /// Plans for every open case what the hours and the people of now add to what was planned: a deputy who was named today hears
    /// of a clock that began yesterday. What was planned before stays as it is. Some at a time, so that mail and other nodes come
    /// between.
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub fn plan_open_cases(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let last = self.record(|recording| {
                let some = recording.db.all(
                    "SELECT id FROM breach_case WHERE state NOT IN ('near_miss', 'no_breach', 'closed') AND id > ?1
                     ORDER BY id LIMIT 16",
                    params![after],
                    |row| super::read::case_id(&row.get::<String>(0)?),
                )?;
                for case in &some {
                    let known = recording.known(case)?;
                    recording.plan_as(case, &known, false, now)?;
                }
                Ok(some.into_iter().last())
            })?;
            match last {
                Some(last) => last.as_str().clone_into(&mut after),
                None => return Ok(()),
            }
        }
    }
}
