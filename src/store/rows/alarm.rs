//! Alerts as rows that are sent: claimed by one node, settled when a server has taken the letter, acknowledged.
//!
//! Every change is a transaction of the register, so that two nodes never hold the same row: who claims it has it for
//! [`Store::CLAIM`], and a node that died gives it back by doing nothing. Start reading at [`Store::claim_notices`];
//! what is planned is `plan.rs`.

use super::record::Recording;
use super::{Store, StoreError, time};
use crate::case::CaseId;
use crate::case::escalation::{next, people};
use crate::case::milestone::Milestone;
use crate::store::base::params;
use crate::store::{Channel, LONGEST_WAIT, NoticeRow};
use chrono::{DateTime, TimeDelta, Utc};

/// A letter, or a post to the webhook, that was taken.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// Whom it told. A row that is another's by now stays due: that one has heard nothing.
    pub recipient: String,
    /// Rows that it told of.
    pub sent: Vec<i64>,
    /// Rows that it made needless.
    pub merged: Vec<i64>,
    /// Whether the second mail server took it, after the first had failed.
    pub by_second: bool,
}

/// A letter, or a post to the webhook, that was not taken, or that waits.
#[derive(Clone, Copy, Debug)]
pub struct Untaken<'a> {
    /// Its rows.
    pub ids: &'a [i64],
    /// Who tried. Rows that another node has by now are left to that.
    pub node: &'a str,
    /// Not before this.
    pub again_at: DateTime<Utc>,
    /// Why; `None` where nothing failed.
    pub error: Option<&'a str>,
}

/// What an acknowledgement did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Which step.
    pub milestone: Milestone,
    /// Rows that are needless now.
    pub stopped: usize,
    /// Whether this person had acknowledged it before; nothing was entered then.
    pub again: bool,
}

impl Store {
    /// How long a node has what it claimed. Longer than a letter takes by all its roads.
    pub const CLAIM: TimeDelta = TimeDelta::minutes(5);

    /// A claim that ends later than this from now was made by a clock that has been put back since. Healthy nodes differ by less.
    const STRANGE: TimeDelta = TimeDelta::minutes(10);

    /// So many people's rows are claimed at once: what a node has time for, and what it has to do again when it dies.
    const PEOPLE: i64 = 25;

    /// Claims what is due for some people, those who have waited longest, and returns it, the oldest first: no other node has it
    /// until [`Self::CLAIM`] is over or it is settled. All that is due for a person comes together, so that it can be merged. What
    /// this node had before is its own again. A row that says what is no longer so is stopped.
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub fn claim_notices(&self, node: &str, now: DateTime<Utc>) -> Result<Vec<NoticeRow>, StoreError> {
        let until = now + Self::CLAIM;
        let latest = now + LONGEST_WAIT;
        let any = "SELECT 1 FROM notice
                   WHERE state = 'due' AND due_at <= ?1 AND (next_try_at <= ?1 OR next_try_at > ?2) LIMIT 1";
        if self.db()?.first(any, params![now.timestamp(), latest.timestamp()], |_| Ok(()))?.is_none() {
            return Ok(Vec::new());
        }
        self.record(|recording| {
            let ids = recording.db.all(
                "UPDATE notice SET claimed_by = ?1, claimed_until = ?3
                 WHERE state = 'due' AND (next_try_at <= ?2 OR next_try_at > ?5) AND due_at <= ?2
                     AND (claimed_by IS NULL OR claimed_by = ?1 OR claimed_until <= ?2 OR claimed_until > ?6)
                     AND recipient IN (SELECT recipient FROM notice
                         WHERE state = 'due' AND (next_try_at <= ?2 OR next_try_at > ?5) AND due_at <= ?2
                             AND (claimed_by IS NULL OR claimed_by = ?1 OR claimed_until <= ?2 OR claimed_until > ?6)
                         GROUP BY recipient ORDER BY min(due_at), recipient LIMIT ?4)
                 RETURNING id",
                params![
                    node,
                    now.timestamp(),
                    until.timestamp(),
                    Self::PEOPLE,
                    latest.timestamp(),
                    (now + Self::STRANGE).timestamp()
                ],
                |row| row.get::<i64>(0),
            )?;
            let mut rows = Vec::new();
            for id in ids {
                let Some(row) = recording.row(id)? else { continue };
                if row.milestone.fits(row.case_state) {
                    rows.push(row);
                } else {
                    recording.db.execute(
                        "UPDATE notice SET state = 'stopped', claimed_by = NULL, claimed_until = NULL WHERE id = ?1",
                        params![id],
                    )?;
                }
            }
            rows.sort_by_key(|row| (row.due_at, row.id));
            Ok(rows)
        })
    }

    /// Renews the claim on these rows. `false` when one of them is no longer this node's or no longer due: the letter is not to be
    /// sent as it was planned.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn keep_claim(&self, ids: &[i64], node: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let until = now + Self::CLAIM;
        self.record(|recording| {
            let mut kept = 0;
            for id in ids {
                kept += recording.db.execute(
                    "UPDATE notice SET claimed_until = ?3 WHERE id = ?1 AND claimed_by = ?2 AND state = 'due'",
                    params![id, node, until.timestamp()],
                )?;
            }
            Ok(kept == ids.len())
        })
    }

    /// A server has taken what these rows tell: handing it over began at `begun`, and it was taken at `at`. What repeats is
    /// planned one ahead.
    ///
    /// # Errors
    /// When the register cannot be written; it will go once more.
    pub fn notices_settled(
        &self,
        settled: &Settled,
        begun: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.record(|recording| {
            for id in &settled.sent {
                let Some(row) = told(recording, *id, settled)? else { continue };
                if settled.by_second && row.channel == Channel::Mail {
                    // The road that took it is a row of its own, and the first one's failure stays to be read.
                    recording.db.execute(
                        "INSERT INTO notice (case_id, milestone, ordinal, clock_version, recipient, channel, due_at, state,
                             next_try_at, sent_at, begun_at)
                         SELECT case_id, milestone, ordinal, clock_version, recipient, 'second', due_at, 'sent', ?2, ?2, ?3
                         FROM notice WHERE id = ?1 ON CONFLICT DO NOTHING",
                        params![id, at.timestamp(), begun.timestamp()],
                    )?;
                    settle(recording, *id, "merged")?;
                } else {
                    recording.db.execute(
                        "UPDATE notice SET state = 'sent', sent_at = ?2, begun_at = ?3, claimed_by = NULL,
                             claimed_until = NULL WHERE id = ?1",
                        params![id, at.timestamp(), begun.timestamp()],
                    )?;
                }
                if row.channel != Channel::Webhook {
                    // A person has it: the webhook need not be tried any more.
                    recording.db.execute(
                        "UPDATE notice SET state = 'merged', claimed_by = NULL, claimed_until = NULL
                         WHERE case_id = ?1 AND milestone = ?2 AND ordinal = ?3 AND clock_version = ?4
                             AND channel = 'webhook' AND state = 'due'",
                        params![row.case.as_str(), row.milestone.word(), row.ordinal, row.clock_version],
                    )?;
                    recording.plan_next(&row, at)?;
                }
            }
            for id in &settled.merged {
                let Some(row) = told(recording, *id, settled)? else { continue };
                settle(recording, *id, "merged")?;
                if row.channel != Channel::Webhook {
                    recording.plan_next(&row, at)?;
                }
            }
            Ok(())
        })
    }

    /// The letter could not be sent, or waits for a digest.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn notices_delayed(&self, untaken: &Untaken<'_>) -> Result<(), StoreError> {
        self.record(|recording| delay(recording, untaken))
    }

    /// The letter failed. It is tried again; `webhook` is told now, and when the server refused for good, so is the next person in
    /// the chain.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn notices_failed(
        &self,
        untaken: &Untaken<'_>,
        now: DateTime<Utc>,
        webhook: bool,
        is_permanent: bool,
    ) -> Result<(), StoreError> {
        self.record(|recording| {
            delay(recording, untaken)?;
            for id in untaken.ids {
                let Some(row) = recording.row(*id)? else { continue };
                if webhook {
                    recording.db.execute(
                        "INSERT INTO notice (case_id, milestone, ordinal, clock_version, recipient, channel, due_at, next_try_at)
                         VALUES (?1, ?2, ?3, ?4, 'webhook', 'webhook', ?5, ?5) ON CONFLICT DO NOTHING",
                        params![
                            row.case.as_str(),
                            row.milestone.word(),
                            row.ordinal,
                            row.clock_version,
                            now.timestamp()
                        ],
                    )?;
                }
                if is_permanent {
                    let known = recording.known(&row.case)?;
                    let staff = &recording.planning.staff;
                    let people = people(staff, &known.cvr, known.source.as_deref(), &known.dpo);
                    if let Some(next) = next(&people, &row.recipient) {
                        recording.notice(&row.case, row.milestone, row.ordinal, row.clock_version, next, now)?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Somebody has read the alert of a step, or, without one, of the most pressing step that was told of. What repeats that step
    /// is stopped, and the register has a line. `None` when there is no such case.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn acknowledge(
        &self,
        case: &CaseId,
        step: Option<(Milestone, i64)>,
        who: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<Acknowledged>, StoreError> {
        self.record(|recording| {
            let found = recording.db.first(
                "SELECT clock_version FROM breach_case WHERE id = ?1",
                params![case.as_str()],
                |row| row.get::<i64>(0),
            )?;
            let Some(current) = found else { return Ok(None) };
            let (milestone, clock) = match step {
                Some(step) => step,
                None => (recording.last_told(case, current)?, current),
            };
            let entered = recording.db.execute(
                "INSERT INTO acknowledgement (case_id, milestone, clock_version, at, who) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
                params![case.as_str(), milestone.word(), clock, at.timestamp(), who],
            )?;
            if entered == 0 {
                return Ok(Some(Acknowledged { milestone, stopped: 0, again: true }));
            }
            let reason = format!("har kvitteret for alarmen: {}", milestone.name());
            recording.enter_by(case, at, who, "acknowledged", &reason)?;
            let due = recording.db.all(
                "SELECT id, milestone, ordinal, clock_version FROM notice WHERE case_id = ?1 AND state = 'due'",
                params![case.as_str()],
                |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?, row.get::<i64>(3)?)),
            )?;
            let mut stopped = 0;
            for (id, word, ordinal, of_clock) in due {
                let Some(row) = Milestone::from_word(&word) else { continue };
                // That somebody reads the alerts is so under whichever clock.
                let is_its = of_clock == clock || row == Milestone::Unacknowledged;
                if is_its && row.is_stopped_by(ordinal, milestone) {
                    settle(recording, id, "stopped")?;
                    stopped += 1;
                }
            }
            Ok(Some(Acknowledged { milestone, stopped, again: false }))
        })
    }

    /// Claims something that the alarm does by name, for this node; `None` when another node is at it, else when it was last
    /// done, which may be never.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn claim_task(
        &self,
        name: &str,
        node: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Option<DateTime<Utc>>>, StoreError> {
        let until = now + Self::CLAIM;
        self.record(|recording| {
            let sql = "INSERT INTO alarm_task (name) VALUES (?1) ON CONFLICT DO NOTHING";
            recording.db.execute(sql, params![name])?;
            let claimed = recording.db.first(
                "UPDATE alarm_task SET claimed_by = ?2, claimed_until = ?4 WHERE name = ?1
                     AND (claimed_by IS NULL OR claimed_by = ?2 OR claimed_until <= ?3 OR claimed_until > ?5)
                 RETURNING done_at",
                params![name, node, now.timestamp(), until.timestamp(), (now + Self::STRANGE).timestamp()],
                |row| row.get::<Option<i64>>(0),
            )?;
            Ok(claimed.map(|done| done.map(time)))
        })
    }

    /// Gives it back, done at this time or, with `None`, not done. A claim that is another node's by now is left to that.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn end_task(&self, name: &str, node: &str, done: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        self.change(
            "UPDATE alarm_task SET done_at = coalesce(?3, done_at),
                 claimed_until = CASE WHEN claimed_by = ?2 THEN NULL ELSE claimed_until END,
                 claimed_by = CASE WHEN claimed_by = ?2 THEN NULL ELSE claimed_by END
             WHERE name = ?1",
            params![name, node, done.map(|at| at.timestamp())],
        )
    }

    /// When it was last done.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn task_done_at(&self, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT done_at FROM alarm_task WHERE name = ?1";
        let done = self.db()?.first(sql, params![name], |row| row.get::<Option<i64>>(0))?;
        Ok(done.flatten().map(time))
    }
}

pub(super) fn settle(recording: &Recording<'_>, id: i64, state: &str) -> Result<(), StoreError> {
    recording.db.execute(
        "UPDATE notice SET state = ?2, claimed_by = NULL, claimed_until = NULL WHERE id = ?1 AND state = 'due'",
        params![id, state],
    )?;
    Ok(())
}

/// The row, if it is still for whom the letter told.
fn told(recording: &Recording<'_>, id: i64, settled: &Settled) -> Result<Option<NoticeRow>, StoreError> {
    Ok(recording.row(id)?.filter(|row| row.recipient == settled.recipient))
}

fn delay(recording: &Recording<'_>, untaken: &Untaken<'_>) -> Result<(), StoreError> {
    let Untaken { ids, node, again_at, error } = *untaken;
    for id in ids {
        recording.db.execute(
            "UPDATE notice SET next_try_at = ?2, last_error = coalesce(?3, last_error),
                 attempts = attempts + CASE WHEN ?3 IS NULL THEN 0 ELSE 1 END, claimed_by = NULL, claimed_until = NULL
             WHERE id = ?1 AND state = 'due' AND (claimed_by IS NULL OR claimed_by = ?4)",
            params![id, again_at.timestamp(), error, node],
        )?;
    }
    Ok(())
}
