//! Alerts as rows that are planned: with the case, anew when its clock is another, and one ahead for what repeats.
//!
//! What is planned for which case is decided in [`crate::case::milestone`]; here it becomes rows, each once. Start reading at
//! [`Recording::replan`].

use super::alarm::settle;
use super::notices::{NOTICE, notice_row};
use super::record::{Entering, Recording};
use super::{Store, StoreError, time};
use crate::case::CaseId;
use crate::case::act::Alerts;
use crate::case::escalation::people;
use crate::case::milestone::{Due, Milestone, Subject, UnderAnother, plan};
use crate::store::NoticeRow;
use crate::store::base::params;
use chrono::{DateTime, Utc};

/// Why a row is stopped that was for somebody whom the configuration does not name: it goes on when it names them again.
const STRANGER: &str = "no longer named / ikke længere nævnt";

/// A case's own words, as far as alerts go.
pub(super) struct Known {
    state: crate::case::State,
    deadline: Option<DateTime<Utc>>,
    pub(super) clock: i64,
    pub(super) cvr: String,
    pub(super) dpo: String,
    pub(super) source: Option<String>,
}

/// A row that is still due.
struct DueRow {
    id: i64,
    milestone: Milestone,
    at: DateTime<Utc>,
    /// Not what took its place when mail could not tell it: that is due when it was made.
    is_mail: bool,
}

impl DueRow {
    /// Whether it belongs to the second clock, and that has no such step any more, or at another time.
    fn is_unplanned(&self, planned: &[Due]) -> bool {
        let is_it = |due: &Due| due.milestone == self.milestone && (due.at == self.at || !self.is_mail);
        self.milestone.is_nis2() && !planned.iter().any(is_it)
    }
}

impl Recording<'_> {
    /// Plans the alerts of a case that is opened, or has become a breach, now.
    pub(super) fn plan_opening(&self, case: &CaseId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let known = self.known(case)?;
        let planned = self.planned(case, &known, true, now)?;
        self.enter_planned(case, &known, planned, now)
    }

    /// What an act makes of the alerts of its case, which is as it stands after it. Rows that become needless stay to be read.
    pub(super) fn replan(&self, case: &CaseId, alerts: Alerts, now: DateTime<Utc>) -> Result<(), StoreError> {
        if alerts == Alerts::Stay {
            return Ok(());
        }
        if alerts == Alerts::Anew {
            self.db.execute(
                "UPDATE breach_case SET clock_version = clock_version + 1 WHERE id = ?1",
                params![case.as_str()],
            )?;
        }
        let known = self.known(case)?;
        let planned = match alerts {
            Alerts::Anew | Alerts::Second => self.planned(case, &known, false, now)?,
            Alerts::Stay | Alerts::Stop => Vec::new(),
        };
        for row in self.due(case)? {
            let fate = match alerts {
                _ if !row.milestone.fits(known.state) => UnderAnother::Needless,
                Alerts::Anew => row.milestone.under_another_clock(),
                Alerts::Second if row.is_unplanned(&planned) => UnderAnother::Needless,
                Alerts::Second | Alerts::Stop | Alerts::Stay => UnderAnother::Stays,
            };
            match fate {
                UnderAnother::Stays => {}
                UnderAnother::GoesOn => {
                    let sql = "UPDATE notice SET clock_version = ?2 WHERE id = ?1";
                    self.db.execute(sql, params![row.id, known.clock])?;
                }
                UnderAnother::Needless => settle(self, row.id, "stopped")?,
            }
        }
        let of_act = |due: &Due| alerts == Alerts::Anew || due.milestone.is_nis2();
        self.enter_planned(case, &known, planned.into_iter().filter(of_act), now)
    }

    fn due(&self, case: &CaseId) -> Result<Vec<DueRow>, StoreError> {
        let sql = "SELECT id, milestone, due_at, channel FROM notice WHERE case_id = ?1 AND state = 'due' ORDER BY id";
        self.db.all(sql, params![case.as_str()], |row| {
            let word: String = row.get(1)?;
            Ok(DueRow {
                id: row.get(0)?,
                milestone: Milestone::from_word(&word)
                    .ok_or(StoreError::Unreadable { what: "milestone", value: word })?,
                at: time(row.get(2)?),
                is_mail: row.get::<String>(3)? == "mail",
            })
        })
    }

    fn planned(
        &self,
        case: &CaseId,
        known: &Known,
        opens: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<Due>, StoreError> {
        // A case that was reopened has its days anew.
        let reported: Option<i64> = self.db.one(
            "SELECT max(at) FROM register_entry
             WHERE case_id = ?1 AND event IN ('notified_preliminary', 'supplemented', 'reopened')",
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
        Ok(plan(&subject, now, self.planning))
    }

    /// Makes rows of what is planned, each once.
    fn enter_planned(
        &self,
        case: &CaseId,
        known: &Known,
        planned: impl IntoIterator<Item = Due>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for due in planned {
            if due.milestone.is_nis2() {
                self.enter_nis2(case, known.clock, &due)?;
            } else if due.at <= now && self.is_told(case, known.clock, &due)? {
                // What has gone by and was told of under another clock is not told of again, but what repeats goes on.
                let next = due.milestone.next(1, now, &self.planning.calendar);
                if let Some((next, ordinal, at)) = next.filter(|(next, ..)| next.fits(known.state)) {
                    self.notice(case, next, ordinal, known.clock, &due.recipient, at)?;
                }
            } else {
                self.notice(case, due.milestone, 1, known.clock, &due.recipient, due.at)?;
            }
        }
        Ok(())
    }

    /// Whether this person was told of it under an earlier clock.
    fn is_told(&self, case: &CaseId, clock: i64, due: &Due) -> Result<bool, StoreError> {
        let told = self.db.first(
            "SELECT 1 FROM notice WHERE case_id = ?1 AND milestone = ?2 AND recipient = ?3 AND due_at = ?4
                 AND clock_version <> ?5 AND state IN ('sent', 'merged') LIMIT 1",
            params![case.as_str(), due.milestone.word(), due.recipient, due.at.timestamp(), clock],
            |row| row.get::<i64>(0),
        )?;
        Ok(told.is_some())
    }

    /// The second clock knows nothing of the versions of the first: its step is the same when its time is, and another one when
    /// it was begun anew.
    fn enter_nis2(&self, case: &CaseId, clock: i64, due: &Due) -> Result<(), StoreError> {
        let word = due.milestone.word();
        let is_there = self.db.first(
            "SELECT 1 FROM notice WHERE case_id = ?1 AND milestone = ?2 AND recipient = ?3 AND due_at = ?4
                 AND state <> 'stopped' LIMIT 1",
            params![case.as_str(), word, due.recipient, due.at.timestamp()],
            |row| row.get::<i64>(0),
        )?;
        if is_there.is_some() {
            return Ok(());
        }
        let last: Option<i64> = self.db.one(
            "SELECT max(ordinal) FROM notice
             WHERE case_id = ?1 AND milestone = ?2 AND recipient = ?3 AND clock_version = ?4",
            params![case.as_str(), word, due.recipient, clock],
            |row| row.get(0),
        )?;
        self.notice(case, due.milestone, last.unwrap_or(0) + 1, clock, &due.recipient, due.at)
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

impl Recording<'_> {
    /// Some of the cases of this controller get the DPO who is named now, with a line that says so; what is still due goes to the new
    /// one. Whether there were any.
    fn readdress(&self, cvr: &str, dpo: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let cases = self.db.all(
            "SELECT id, dpo FROM breach_case WHERE controller_cvr = ?1 AND dpo <> ?2 ORDER BY id LIMIT 16",
            params![cvr, dpo],
            |row| Ok((super::read::case_id(&row.get::<String>(0)?)?, row.get::<String>(1)?)),
        )?;
        for (case, before) in &cases {
            self.db.execute("UPDATE breach_case SET dpo = ?2 WHERE id = ?1", params![case.as_str(), dpo])?;
            // Where the new one was told of it already, as a deputy, the old one's row is needless.
            self.db.execute(
                "UPDATE notice SET recipient = ?3, claimed_by = NULL, claimed_until = NULL
                 WHERE case_id = ?1 AND state = 'due' AND recipient = ?2
                     AND NOT EXISTS (SELECT 1 FROM notice other WHERE other.case_id = notice.case_id
                         AND other.milestone = notice.milestone AND other.ordinal = notice.ordinal
                         AND other.clock_version = notice.clock_version AND other.channel = notice.channel
                         AND other.recipient = ?3)",
                params![case.as_str(), before, dpo],
            )?;
            self.enter_whole(&Entering {
                case,
                at: now,
                who: "brevdue",
                event: "dpo_changed",
                from: None,
                to: None,
                reason: "konfigurationen nævner en anden databeskyttelsesrådgiver, som får varslerne fra nu af",
                detail: &serde_json::json!({ "dpo": { "before": before, "now": dpo } }).to_string(),
            })?;
        }
        Ok(!cases.is_empty())
    }

    /// What is due to people whom the configuration no longer names is needless, as long as it does not.
    fn tell_the_named_only(&self, case: &CaseId, known: &Known) -> Result<(), StoreError> {
        let named = people(&self.planning.staff, &known.cvr, known.source.as_deref(), &known.dpo);
        let due = self.db.all(
            "SELECT DISTINCT recipient FROM notice WHERE case_id = ?1 AND state = 'due' AND channel = 'mail'",
            params![case.as_str()],
            |row| row.get::<String>(0),
        )?;
        for stranger in due.iter().filter(|one| !named.iter().any(|(_, address)| address == one)) {
            self.db.execute(
                "UPDATE notice SET state = 'stopped', claimed_by = NULL, claimed_until = NULL, last_error = ?3
                 WHERE case_id = ?1 AND state = 'due' AND channel = 'mail' AND recipient = ?2",
                params![case.as_str(), stranger, STRANGER],
            )?;
        }
        self.tell_friends(case, known, named.iter().map(|(_, address)| *address))
    }

    /// What was stopped because its recipient was not named goes on where they are now: somebody has mended a name, or another
    /// machine has not had the new configuration yet. What has gone by meanwhile is told of at once.
    fn tell_friends<'a>(
        &self,
        case: &CaseId,
        known: &Known,
        named: impl Iterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        for address in named {
            let stopped = self.db.all(
                "SELECT id FROM notice WHERE case_id = ?1 AND recipient = ?2 AND state = 'stopped' AND last_error = ?3",
                params![case.as_str(), address, STRANGER],
                |row| row.get::<i64>(0),
            )?;
            for id in stopped {
                let Some(row) = self.row(id)? else { continue };
                let is_its = row.clock_version == known.clock || row.milestone.is_nis2();
                if is_its
                    && row.milestone.fits(known.state)
                    && !self.is_acknowledged(&row, row.milestone, row.ordinal)?
                {
                    let sql = "UPDATE notice SET state = 'due', next_try_at = due_at, last_error = NULL WHERE id = ?1";
                    self.db.execute(sql, params![id])?;
                }
            }
        }
        Ok(())
    }
}

impl Store {
    /// Plans for every open case what the hours and the people of now add to what was planned: a deputy who was named today hears
    /// of a clock that began yesterday, and one who is no longer named of nothing more. What was planned before stays as it is. The
    /// second clock runs on in a case that is no breach. Some at a time, so that mail and other nodes come between.
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub fn plan_open_cases(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let dpos = self.planning().dpos.clone();
        for (cvr, dpo) in &dpos {
            while self.record(|recording| recording.readdress(cvr, dpo, now))? {}
        }
        let mut after = String::new();
        loop {
            let last = self.record(|recording| {
                let some = recording.db.all(
                    "SELECT id FROM breach_case WHERE state NOT IN ('near_miss', 'closed') AND id > ?1
                     ORDER BY id LIMIT 16",
                    params![after],
                    |row| super::read::case_id(&row.get::<String>(0)?),
                )?;
                for case in &some {
                    let known = recording.known(case)?;
                    recording.tell_the_named_only(case, &known)?;
                    let planned = recording.planned(case, &known, false, now)?;
                    recording.enter_planned(case, &known, planned, now)?;
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
