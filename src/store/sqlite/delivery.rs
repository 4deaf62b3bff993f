//! What the mail server's log says of a mail that stands in the register.

use super::{Recording, Store, StoreError, count, time};
use crate::case::CaseId;
use crate::envelope::QueueId;
use crate::store::{BypassNotice, Bypassed, DeliveryRow, Journey, LONGEST_WAIT, Logged};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row};

impl Store {
    /// The first name of a mail that the register follows; `None` for all other mail, and for a name under which it is gone:
    /// a short one may be another mail's by now. One indexed look-up.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn mail_of(&self, queue_id: &QueueId) -> Result<Option<String>, StoreError> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT mail FROM mail_name WHERE queue_id = ?1 AND gone = 0")?;
        Ok(statement.query_row([queue_id.as_str()], |row| row.get(0)).optional()?)
    }

    /// What became of each message of a case, in the order in which they were found; at most `limit` of them, the newest.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn journeys(&self, case: &CaseId, limit: usize) -> Result<Vec<Journey>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare(
            "SELECT at, queue_id, verdict FROM detection WHERE case_id = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = statement.query_map((case.as_str(), limit), |row| {
            Ok(Journey {
                at: time(row.get(0)?),
                queue_id: row.get(1)?,
                verdict: row.get(2)?,
                deliveries: Vec::new(),
            })
        })?;
        let mut journeys: Vec<Journey> = found.collect::<Result<_, _>>()?;
        journeys.reverse();
        for journey in &mut journeys {
            if let Some(mail) = &journey.queue_id {
                journey.deliveries = deliveries(&connection, mail)?;
            }
        }
        Ok(journeys)
    }

    /// What the log has said of a mail, oldest first, and whether it is in no queue any more.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn deliveries(&self, mail: &str) -> Result<(Vec<DeliveryRow>, bool), StoreError> {
        let connection = self.lock();
        let waiting: i64 = connection.query_row(
            "SELECT count(*) FROM mail_name WHERE mail = ?1 AND gone = 0",
            [mail],
            |row| row.get(0),
        )?;
        Ok((deliveries(&connection, mail)?, waiting == 0))
    }

    /// Mail that left without passing us, of which nobody has been told, if it is time to tell: an hour after the last
    /// telling, and when the next try has come.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn bypass_to_tell(&self, now: DateTime<Utc>) -> Result<Option<BypassNotice>, StoreError> {
        let connection = self.lock();
        let since = (now - TimeDelta::hours(1)).timestamp();
        let told: Option<i64> = connection.query_row(
            "SELECT max(told_at) FROM bypass WHERE told_at <= ?1",
            [now.timestamp()],
            |row| row.get(0),
        )?;
        if told.is_some_and(|told| told > since) {
            return Ok(None);
        }
        let mut statement = connection.prepare(
            "SELECT hour, mails, mails - told, first_at, last_at, queue_id, transport, relay, recipient, attempts
             FROM bypass WHERE told < mails AND (next_try_at <= ?1 OR next_try_at > ?2) ORDER BY hour",
        )?;
        let span = (now.timestamp(), (now + LONGEST_WAIT).timestamp());
        let rows = statement.query_map(span, |row| {
            Ok(BypassNotice {
                hours: vec![(row.get(0)?, row.get(1)?)],
                mails: count(row.get(2)?),
                first_at: time(row.get(3)?),
                last_at: time(row.get(4)?),
                queue_id: row.get(5)?,
                transport: row.get(6)?,
                relay: row.get(7)?,
                recipient: row.get(8)?,
                attempts: row.get(9)?,
            })
        })?;
        let rows: Vec<BypassNotice> = rows.collect::<Result<_, _>>()?;
        // What waited longer is told with the newest.
        Ok(rows.into_iter().reduce(|before, last| BypassNotice {
            hours: [before.hours, last.hours].concat(),
            mails: before.mails + last.mails,
            first_at: before.first_at,
            attempts: before.attempts.max(last.attempts),
            ..last
        }))
    }

    /// The mail server has taken the letter about it.
    ///
    /// # Errors
    /// When the register cannot be written; the letter will go once more.
    pub fn bypass_told(&self, notice: &BypassNotice, at: DateTime<Utc>) -> Result<(), StoreError> {
        let connection = self.lock();
        for (hour, mails) in &notice.hours {
            // What came while the letter was on its way is told with the next.
            connection.execute(
                "UPDATE bypass SET told = ?2, told_at = ?3 WHERE hour = ?1",
                (hour, mails, at.timestamp()),
            )?;
        }
        Ok(())
    }

    /// The letter could not be sent: not before `again_at`.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn bypass_delayed(
        &self,
        notice: &BypassNotice,
        again_at: DateTime<Utc>,
        error: &str,
    ) -> Result<(), StoreError> {
        let connection = self.lock();
        for (hour, _) in &notice.hours {
            connection.execute(
                "UPDATE bypass SET next_try_at = ?2, attempts = attempts + 1, last_error = ?3 WHERE hour = ?1",
                (hour, again_at.timestamp(), error),
            )?;
        }
        Ok(())
    }

    /// How many mails were found to have left without passing us since then, to the hour.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn bypassed_since(&self, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let mails: i64 = self.lock().query_row(
            "SELECT ifnull(sum(mails), 0) FROM bypass WHERE (hour + 1) * 3600 > ?1",
            [since.timestamp()],
            |row| row.get(0),
        )?;
        Ok(count(mails))
    }
}

impl Recording<'_> {
    /// From now on this is a name of that mail, which is followed.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn name_mail(&self, queue_id: &QueueId, mail: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT OR REPLACE INTO mail_name (queue_id, mail, at) VALUES (?1, ?2, ?3)",
            (queue_id.as_str(), mail, at.timestamp()),
        )?;
        Ok(())
    }

    /// The mail is in the queue no more under this name.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn name_gone(&self, queue_id: &QueueId) -> Result<(), StoreError> {
        let sql = "UPDATE mail_name SET gone = 1 WHERE queue_id = ?1";
        self.transaction.execute(sql, [queue_id.as_str()])?;
        Ok(())
    }

    /// Adds a line of the log.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn log_delivery(&self, logged: &Logged<'_>) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO delivery (mail, queue_id, domain, transport, relay, status, proof, protocol, cipher,
                 first_at, last_at, times)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 1)
             ON CONFLICT DO UPDATE SET last_at = max(last_at, excluded.last_at), times = times + 1",
            (
                logged.mail,
                logged.queue_id.as_str(),
                logged.domain,
                logged.transport,
                logged.relay,
                logged.status,
                logged.proof,
                logged.protocol,
                logged.cipher,
                logged.at.timestamp(),
            ),
        )?;
        Ok(())
    }

    /// Counts a mail that left without passing us.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn count_bypass(&self, bypassed: &Bypassed<'_>, noticed: DateTime<Utc>) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT INTO bypass (hour, mails, first_at, last_at, queue_id, transport, relay, recipient, next_try_at)
             VALUES (?1, 1, ?2, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET mails = mails + 1, last_at = excluded.last_at, queue_id = excluded.queue_id,
                 transport = excluded.transport, relay = excluded.relay, recipient = excluded.recipient",
            (
                noticed.timestamp().div_euclid(3600),
                bypassed.at.timestamp(),
                bypassed.queue_id.as_str(),
                bypassed.transport,
                bypassed.relay,
                bypassed.recipient,
                noticed.timestamp(),
            ),
        )?;
        Ok(())
    }
}

fn deliveries(connection: &Connection, mail: &str) -> rusqlite::Result<Vec<DeliveryRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT first_at, last_at, times, queue_id, domain, transport, relay, status, proof, protocol, cipher
         FROM delivery WHERE mail = ?1 ORDER BY first_at, id",
    )?;
    statement.query_map([mail], delivery_row)?.collect()
}

fn delivery_row(row: &Row<'_>) -> rusqlite::Result<DeliveryRow> {
    Ok(DeliveryRow {
        first_at: time(row.get(0)?),
        last_at: time(row.get(1)?),
        times: count(row.get(2)?),
        queue_id: row.get(3)?,
        domain: row.get(4)?,
        transport: row.get(5)?,
        relay: row.get(6)?,
        status: row.get(7)?,
        proof: row.get(8)?,
        protocol: row.get(9)?,
        cipher: row.get(10)?,
    })
}
