//! Who is to be told, and was.

use super::{Store, StoreError, time};
use crate::case::milestone::Milestone;
use crate::case::{CaseId, Kind};
use crate::store::base::{Row, params};
use crate::store::{Channel, LONGEST_WAIT, NoticeRow};
use chrono::{DateTime, Utc};

pub(super) const NOTICE: &str = "
    SELECT n.id, n.case_id, n.milestone, n.clock_version, n.recipient, n.due_at, n.state, n.attempts, n.last_error,
           n.sent_at, c.state, n.begun_at, n.ordinal, n.channel, c.aware_at
    FROM notice n JOIN breach_case c ON c.id = n.case_id";

impl Store {
    /// How many alerts are due that were tried so often and not taken, and since when the oldest of them waits.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn alerts_not_taken(&self, tries: u32) -> Result<(u64, Option<DateTime<Utc>>), StoreError> {
        let sql = "SELECT count(*), min(due_at) FROM notice WHERE state = 'due' AND attempts >= ?1";
        self.db()?.one(sql, params![tries], |row| {
            Ok((super::count(row.get(0)?), row.get::<Option<i64>>(1)?.map(time)))
        })
    }

    /// The notices that are due and whose next try has come, the oldest first.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn due_notices(&self, now: DateTime<Utc>) -> Result<Vec<NoticeRow>, StoreError> {
        let sql = format!(
            "{NOTICE} WHERE n.state = 'due' AND (n.next_try_at <= ?1 OR n.next_try_at > ?2) AND n.due_at <= ?1
             ORDER BY n.due_at, n.id"
        );
        self.db()?.all(&sql, params![now.timestamp(), (now + LONGEST_WAIT).timestamp()], notice_row)
    }

    /// When the next notice is to be tried.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn next_notice_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let next: Option<i64> =
            self.db()?.one("SELECT min(next_try_at) FROM notice WHERE state = 'due'", params![], |row| {
                row.get(0)
            })?;
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
        let connection = self.db()?;
        connection.all(
            "SELECT n.sent_at, count(*) FROM notice n JOIN breach_case c ON c.id = n.case_id
             WHERE n.recipient = ?1 AND n.milestone = 'opened' AND n.sent_at > ?2
                 AND (CASE WHEN c.aware_at IS NULL THEN 1 ELSE 0 END) = ?3
             GROUP BY n.sent_at ORDER BY n.sent_at",
            params![recipient, since.timestamp(), kind == Kind::NearMiss],
            |row| Ok((time(row.get(0)?), super::count(row.get(1)?))),
        )
    }

    pub(super) fn notices(&self, case: &CaseId) -> Result<Vec<NoticeRow>, StoreError> {
        let connection = self.db()?;
        connection.all(
            &format!("{NOTICE} WHERE n.case_id = ?1 ORDER BY n.due_at, n.id"),
            params![case.as_str()],
            notice_row,
        )
    }
}

pub(super) fn notice_row(row: &Row) -> Result<NoticeRow, StoreError> {
    let case: String = row.get(1)?;
    let word: String = row.get(2)?;
    let channel: String = row.get(13)?;
    let case_state = super::read::state(&row.get::<String>(10)?)?;
    Ok(NoticeRow {
        id: row.get(0)?,
        case: super::read::case_id(&case)?,
        milestone: Milestone::from_word(&word)
            .ok_or_else(|| StoreError::Unreadable { what: "milestone", value: word.clone() })?,
        ordinal: row.get(12)?,
        clock_version: row.get(3)?,
        recipient: row.get(4)?,
        channel: Channel::from_word(&channel)
            .ok_or(StoreError::Unreadable { what: "channel", value: channel })?,
        due_at: time(row.get(5)?),
        state: row.get(6)?,
        attempts: row.get(7)?,
        last_error: row.get(8)?,
        sent_at: row.get::<Option<i64>>(9)?.map(time),
        kind: if row.get::<Option<i64>>(14)?.is_some() { Kind::Breach } else { Kind::NearMiss },
        case_state,
        begun_at: row.get::<Option<i64>>(11)?.map(time),
    })
}
