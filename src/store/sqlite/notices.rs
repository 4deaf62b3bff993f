//! Who is to be told, and was.

use super::{Store, StoreError, time};
use crate::case::milestone::Milestone;
use crate::case::{CaseId, Kind};
use crate::store::{LONGEST_WAIT, NoticeRow};
use chrono::{DateTime, Utc};
use rusqlite::{Row, TransactionBehavior};

const NOTICE: &str = "
    SELECT n.id, n.case_id, n.milestone, n.clock_version, n.recipient, n.due_at, n.state, n.attempts, n.last_error,
           n.sent_at, c.state, n.begun_at
    FROM notice n JOIN breach_case c ON c.id = n.case_id";

impl Store {
    /// The notices that are due and whose next try has come, the oldest first.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn due_notices(&self, now: DateTime<Utc>) -> Result<Vec<NoticeRow>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare(&format!(
            "{NOTICE} WHERE n.state = 'due' AND (n.next_try_at <= ?1 OR n.next_try_at > ?2) AND n.due_at <= ?1
             ORDER BY n.due_at, n.id"
        ))?;
        let span = (now.timestamp(), (now + LONGEST_WAIT).timestamp());
        let rows = statement.query_map(span, |row| Ok(notice_row(row)))?;
        rows.map(|row| row?).collect()
    }

    /// When the next notice is to be tried.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn next_notice_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let next: Option<i64> =
            self.lock()
                .query_row("SELECT min(next_try_at) FROM notice WHERE state = 'due'", (), |row| row.get(0))?;
        Ok(next.map(time))
    }

    /// When this recipient was told of openings of this kind since then, the oldest first, and of how many cases
    /// each time.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn openings_told(
        &self,
        recipient: &str,
        kind: Kind,
        since: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, u64)>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare(
            "SELECT n.sent_at, count(*) FROM notice n JOIN breach_case c ON c.id = n.case_id
             WHERE n.recipient = ?1 AND n.milestone = 'opened' AND n.sent_at > ?2
                 AND (c.state = 'near_miss') = ?3
             GROUP BY n.sent_at ORDER BY n.sent_at",
        )?;
        let rows = statement.query_map((recipient, since.timestamp(), kind == Kind::NearMiss), |row| {
            Ok((time(row.get(0)?), super::count(row.get(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The mail server has taken the letter in which these notices stood: handing it over began at `begun`, and it was
    /// taken at `at`.
    ///
    /// # Errors
    /// When the register cannot be written; the letter will go once more.
    pub fn notices_sent(
        &self,
        sent: &[i64],
        merged: &[i64],
        begun: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for id in sent {
            transaction.execute(
                "UPDATE notice SET state = 'sent', sent_at = ?2, begun_at = ?3 WHERE id = ?1",
                (id, at.timestamp(), begun.timestamp()),
            )?;
        }
        for id in merged {
            transaction.execute("UPDATE notice SET state = 'merged' WHERE id = ?1", [id])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The letter could not be sent, or waits for a digest: not before `again_at`.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn notices_delayed(
        &self,
        ids: &[i64],
        again_at: DateTime<Utc>,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for id in ids {
            transaction.execute(
                "UPDATE notice SET next_try_at = ?2, last_error = coalesce(?3, last_error),
                     attempts = attempts + (?3 IS NOT NULL)
                 WHERE id = ?1",
                (id, again_at.timestamp(), error),
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    pub(super) fn notices(&self, case: &CaseId) -> Result<Vec<NoticeRow>, StoreError> {
        let connection = self.lock();
        let mut statement =
            connection.prepare(&format!("{NOTICE} WHERE n.case_id = ?1 ORDER BY n.due_at, n.id"))?;
        let rows = statement.query_map([case.as_str()], |row| Ok(notice_row(row)))?;
        rows.map(|row| row?).collect()
    }
}

fn notice_row(row: &Row<'_>) -> Result<NoticeRow, StoreError> {
    let case: String = row.get(1)?;
    let word: String = row.get(2)?;
    Ok(NoticeRow {
        id: row.get(0)?,
        case: super::read::case_id(&case)?,
        milestone: Milestone::from_word(&word)
            .ok_or_else(|| StoreError::Unreadable { what: "milestone", value: word.clone() })?,
        clock_version: row.get(3)?,
        recipient: row.get(4)?,
        due_at: time(row.get(5)?),
        state: row.get(6)?,
        attempts: row.get(7)?,
        last_error: row.get(8)?,
        sent_at: row.get::<_, Option<i64>>(9)?.map(time),
        kind: super::read::state(&row.get::<_, String>(10)?)?.kind(),
        begun_at: row.get::<_, Option<i64>>(11)?.map(time),
    })
}
