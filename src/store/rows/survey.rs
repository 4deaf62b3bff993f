//! What a document about a case or about the road asks besides the case itself: counts by domain, and how mail travelled.
//!
//! Start reading at [`Store::surroundings`].

use super::{Store, StoreError, count, time};
use crate::case::CaseId;
use crate::store::base::{Db, params};
use crate::store::{CaseRow, DomainCount, Proof, Surroundings, Travelled};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

impl Store {
    /// What surrounds a case: who made the source system, from where to where its mails went, when the first and the last was
    /// sent, and what the mail server's log proves of their way.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn surroundings(&self, case: &CaseRow) -> Result<Surroundings, StoreError> {
        let db = self.db()?;
        let vendor = db
            .first("SELECT vendor FROM incident WHERE id = ?1", params![case.incident], |row| {
                row.get::<Option<String>>(0)
            })?
            .flatten();
        let span = "SELECT min(coalesce(m.sent_at, d.at)), max(coalesce(m.sent_at, d.at))
                    FROM detection d LEFT JOIN mail_content m ON m.message = d.message WHERE d.case_id = ?1";
        let (first_at, last_at): (Option<i64>, Option<i64>) =
            db.one(span, params![case.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (senders, recipients) = domains(&db, &case.id)?;
        let beside = super::act::beside(&db, &case.id)?;
        let proofs = db.all(
            "SELECT v.status, v.proof, v.protocol, v.cipher, CAST(coalesce(sum(v.times), 0) AS BIGINT)
             FROM delivery v WHERE v.mail IN (SELECT d.queue_id FROM detection d WHERE d.case_id = ?1)
             GROUP BY v.status, v.proof, v.protocol, v.cipher ORDER BY v.status, v.proof, v.protocol, v.cipher",
            params![case.id.as_str()],
            |row| {
                Ok(Proof {
                    status: row.get(0)?,
                    proof: row.get(1)?,
                    protocol: row.get(2)?,
                    cipher: row.get(3)?,
                    times: count(row.get(4)?),
                })
            },
        )?;
        Ok(Surroundings {
            vendor,
            first_at: first_at.map_or(case.detected_at, time),
            last_at: last_at.map_or(case.last_at, time),
            beside,
            senders,
            recipients,
            proofs,
        })
    }

    /// How many messages of a case were found after this.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn found_since(&self, case: &CaseId, since: DateTime<Utc>) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM detection WHERE case_id = ?1 AND at > ?2";
        self.db()?.one(sql, params![case.as_str(), since.timestamp()], |row| Ok(count(row.get(0)?)))
    }

    /// How mail that stands in the register travelled, in hours since 1970 in UTC, by domain and proof.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn travelled(&self) -> Result<Vec<Travelled>, StoreError> {
        self.db()?.all(
            "SELECT first_at / 3600, domain, status, proof, protocol, cipher, CAST(coalesce(sum(times), 0) AS BIGINT)
             FROM delivery GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6",
            params![],
            |row| {
                Ok(Travelled {
                    hour: row.get(0)?,
                    domain: row.get(1)?,
                    proof: Proof {
                        status: row.get(2)?,
                        proof: row.get(3)?,
                        protocol: row.get(4)?,
                        cipher: row.get(5)?,
                        times: count(row.get(6)?),
                    },
                })
            },
        )
    }

    /// How many mails left without passing us, by the hour since 1970 in UTC in which that was noticed.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn bypasses(&self) -> Result<Vec<(i64, u64)>, StoreError> {
        let sql = "SELECT hour, mails FROM bypass ORDER BY hour";
        self.db()?.all(sql, params![], |row| Ok((row.get(0)?, count(row.get(1)?))))
    }
}

/// Messages by the sender's domain, and by each domain of their recipients; the most first.
fn domains(db: &Db<'_>, case: &CaseId) -> Result<(Vec<DomainCount>, Vec<DomainCount>), StoreError> {
    let rows = db.all(
        "SELECT sender_domain, recipient_domains, count(*) FROM detection WHERE case_id = ?1
         GROUP BY sender_domain, recipient_domains",
        params![case.as_str()],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?, count(row.get(2)?))),
    )?;
    let (mut from, mut to) = (BTreeMap::new(), BTreeMap::new());
    for (sender, recipients, mails) in rows {
        for recipient in recipients.split_ascii_whitespace() {
            *to.entry(recipient.to_owned()).or_insert(0) += mails;
        }
        *from.entry(sender).or_insert(0) += mails;
    }
    Ok((most_first(from), most_first(to)))
}

fn most_first(counted: BTreeMap<String, u64>) -> Vec<DomainCount> {
    let mut all: Vec<DomainCount> =
        counted.into_iter().map(|(domain, mails)| DomainCount { domain, mails }).collect();
    all.sort_by(|one, other| other.mails.cmp(&one.mails).then_with(|| one.domain.cmp(&other.domain)));
    all
}
