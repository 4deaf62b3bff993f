//! What the mail server's log says of a mail that stands in the register.

use super::{Recording, Store, StoreError, count, time};
use crate::case::CaseId;
use crate::envelope::QueueId;
use crate::store::base::{Db, Row, params};
use crate::store::{BypassNotice, Bypassed, DeliveryRow, Journey, LONGEST_WAIT, Logged};
use chrono::{DateTime, TimeDelta, Utc};

/// Of the lines `v` about a mail those of detection `d`: what is said of the recipients of another controller alone is that
/// controller's. Of a recipient whom nobody named, to whom an alias led, both are told.
pub(super) const OWN: &str =
    "(instr(' ' || d.recipient_domains || ' ', ' ' || v.domain || ' ') > 0 OR NOT EXISTS (
    SELECT 1 FROM detection o JOIN breach_case c ON c.id = o.case_id
    WHERE o.queue_id = v.mail
      AND c.controller_cvr <> (SELECT controller_cvr FROM breach_case WHERE id = d.case_id)
      AND instr(' ' || o.recipient_domains || ' ', ' ' || v.domain || ' ') > 0))";

impl Store {
    /// The first name of a mail that the register follows; `None` for all other mail, and for a name under which it is gone:
    /// a short one may be another mail's by now. One indexed look-up.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn mail_of(&self, queue_id: &QueueId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT mail FROM mail_name WHERE queue_id = ?1 AND gone = 0";
        self.db()?.first(sql, params![queue_id.as_str()], |row| row.get(0))
    }

    /// What became of each message of a case, in the order in which they were found; at most `limit` of them, the newest.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn journeys(&self, case: &CaseId, limit: usize) -> Result<Vec<Journey>, StoreError> {
        let connection = self.db()?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql =
            "SELECT at, queue_id, verdict, id FROM detection WHERE case_id = ?1 ORDER BY id DESC LIMIT ?2";
        let mut journeys = connection.all(sql, params![case.as_str(), limit], |row| {
            let journey = Journey {
                at: time(row.get(0)?),
                queue_id: row.get(1)?,
                verdict: row.get(2)?,
                deliveries: Vec::new(),
            };
            Ok((row.get::<i64>(3)?, journey))
        })?;
        journeys.reverse();
        let own = format!(
            "SELECT {DELIVERY} FROM detection d JOIN delivery v ON v.mail = d.queue_id
             WHERE d.id = ?1 AND {OWN} ORDER BY v.first_at, v.id"
        );
        for (detection, journey) in &mut journeys {
            journey.deliveries = connection.all(&own, params![*detection], delivery_row)?;
        }
        Ok(journeys.into_iter().map(|(_, journey)| journey).collect())
    }

    /// What the log has said of a mail, oldest first, and whether it is in no queue any more.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn deliveries(&self, mail: &str) -> Result<(Vec<DeliveryRow>, bool), StoreError> {
        let connection = self.db()?;
        let waiting: i64 = connection.one(
            "SELECT count(*) FROM mail_name WHERE mail = ?1 AND gone = 0",
            params![mail],
            |row| row.get(0),
        )?;
        Ok((deliveries(&connection, mail)?, waiting == 0))
    }

    /// Whether the log says that the mail of this name left this machine since then, by this name or another that it got.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn has_left(&self, queue_id: &str, since: DateTime<Utc>) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM delivery WHERE mail IN (SELECT mail FROM mail_name WHERE queue_id = ?1)
                       AND status = 'sent' AND proof <> 'local' AND last_at >= ?2 LIMIT 1";
        let left = self.db()?.first(sql, params![queue_id, since.timestamp()], |row| row.get::<i64>(0))?;
        Ok(left.is_some())
    }

    /// Mail that left without passing us, of which nobody has been told, if it is time to tell: an hour after the last
    /// telling, and when the next try has come.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn bypass_to_tell(&self, now: DateTime<Utc>) -> Result<Option<BypassNotice>, StoreError> {
        let connection = self.db()?;
        let since = (now - TimeDelta::hours(1)).timestamp();
        let told: Option<i64> = connection.one(
            "SELECT max(told_at) FROM bypass WHERE told_at <= ?1",
            params![now.timestamp()],
            |row| row.get(0),
        )?;
        if told.is_some_and(|told| told > since) {
            return Ok(None);
        }
        let sql = "SELECT hour, mails, mails - told, first_at, last_at, queue_id, transport, relay, recipient, attempts
             FROM bypass WHERE told < mails AND (next_try_at <= ?1 OR next_try_at > ?2) ORDER BY hour";
        let rows =
            connection.all(sql, params![now.timestamp(), (now + LONGEST_WAIT).timestamp()], |row| {
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
        self.record(|recording| {
            for (hour, mails) in &notice.hours {
                // What came while the letter was on its way is told with the next.
                recording.db.execute(
                    "UPDATE bypass SET told = ?2, told_at = ?3 WHERE hour = ?1",
                    params![hour, mails, at.timestamp()],
                )?;
            }
            Ok(())
        })
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
        self.record(|recording| {
        for (hour, _) in &notice.hours {
            recording.db.execute(
                "UPDATE bypass SET next_try_at = ?2, attempts = attempts + 1, last_error = ?3 WHERE hour = ?1", params![hour, again_at.timestamp(), error])?;
        }
        Ok(())
        })
    }

    /// How many mails were found to have left without passing us since then, to the hour.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn bypassed_since(&self, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let mails: i64 = self.db()?.one(
            "SELECT CAST(coalesce(sum(mails), 0) AS BIGINT) FROM bypass WHERE (hour + 1) * 3600 > ?1",
            params![since.timestamp()],
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
        self.db.later(
            "INSERT INTO mail_name (queue_id, mail, at, gone) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT (queue_id) DO UPDATE SET mail = excluded.mail, at = excluded.at, gone = 0",
            params![queue_id.as_str(), mail, at.timestamp()],
        )
    }

    /// The mail is in the queue no more under this name.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn name_gone(&self, queue_id: &QueueId) -> Result<(), StoreError> {
        let sql = "UPDATE mail_name SET gone = 1 WHERE queue_id = ?1";
        self.db.execute(sql, params![queue_id.as_str()])?;
        Ok(())
    }

    /// Adds a line of the log.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn log_delivery(&self, logged: &Logged<'_>) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT INTO delivery (mail, queue_id, domain, transport, relay, status, proof, protocol, cipher,
                 first_at, last_at, times)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 1)
             ON CONFLICT (mail, queue_id, domain, transport, relay, status, proof, protocol, cipher)
             DO UPDATE SET times = delivery.times + 1,
                 last_at = CASE WHEN excluded.last_at > delivery.last_at THEN excluded.last_at ELSE delivery.last_at END", params![logged.mail,
                logged.queue_id.as_str(),
                logged.domain,
                logged.transport,
                logged.relay,
                logged.status,
                logged.proof,
                logged.protocol,
                logged.cipher,
                logged.at.timestamp()])?;
        Ok(())
    }

    /// Counts a mail that left without passing us.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn count_bypass(&self, bypassed: &Bypassed<'_>, noticed: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT INTO bypass (hour, mails, first_at, last_at, queue_id, transport, relay, recipient, next_try_at)
             VALUES (?1, 1, ?2, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (hour) DO UPDATE SET mails = bypass.mails + 1, last_at = excluded.last_at, queue_id = excluded.queue_id,
                 transport = excluded.transport, relay = excluded.relay, recipient = excluded.recipient", params![noticed.timestamp().div_euclid(3600),
                bypassed.at.timestamp(),
                bypassed.queue_id.as_str(),
                bypassed.transport,
                bypassed.relay,
                bypassed.recipient,
                noticed.timestamp()])?;
        Ok(())
    }
}

/// As [`delivery_row`] reads it.
const DELIVERY: &str =
    "v.first_at, v.last_at, v.times, v.queue_id, v.domain, v.transport, v.relay, v.status, v.proof,
    v.protocol, v.cipher";

fn deliveries(db: &Db<'_>, mail: &str) -> Result<Vec<DeliveryRow>, StoreError> {
    let sql = format!("SELECT {DELIVERY} FROM delivery v WHERE v.mail = ?1 ORDER BY v.first_at, v.id");
    db.all(&sql, params![mail], delivery_row)
}

fn delivery_row(row: &Row) -> Result<DeliveryRow, StoreError> {
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
