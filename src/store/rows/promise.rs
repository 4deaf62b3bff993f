//! Promises of a protected road: kept until they are proved, broken into a case, or forgotten.

use super::{Recording, Store, StoreError, count, narrow, time};
use crate::case::detection::{Detection, Outcome};
use crate::case::incident::Source;
use crate::envelope::{Controller, Pass, QueueId, Verdict};
use crate::store::base::{Param, Row, params};
use crate::store::{Joined, Opening, Promise};
use chrono::{DateTime, Utc};

const PROMISE: &str = "
    SELECT message, queue_id, at, verdict, domains, grouping, controller_cvr, controller_name, dpo, source, vendor, sealed,
           sender_domain, recipient_domains, recipients, findings, certain, persons, persons_exact,
           root
    FROM promise";

impl Store {
    /// The promises made of this mail, by its first name.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn promises_of(&self, mail: &str) -> Result<Vec<Promise>, StoreError> {
        self.promises(&format!("{PROMISE} WHERE queue_id = ?1"), params![mail])
    }

    /// The promises made before this.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn promises_before(&self, before: DateTime<Utc>) -> Result<Vec<Promise>, StoreError> {
        self.promises(&format!("{PROMISE} WHERE at < ?1"), params![before.timestamp()])
    }

    /// Whether this promise stands.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn has_promise(&self, message: &[u8; 16]) -> Result<bool, StoreError> {
        let connection = self.db()?;
        let found =
            connection.first("SELECT 1 FROM promise WHERE message = ?1", params![message], |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// How many promises stand that the log has not proved.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn promises_open(&self) -> Result<u64, StoreError> {
        let open: i64 = self.db()?.one("SELECT count(*) FROM promise", params![], |row| row.get(0))?;
        Ok(count(open))
    }

    fn promises(&self, sql: &str, by: &[Param<'_>]) -> Result<Vec<Promise>, StoreError> {
        let connection = self.db()?;
        connection.all(sql, by, promise_row)
    }
}

impl Recording<'_> {
    /// Keeps a promise, unless this message has one already or stands in a case; the mail is followed in any case.
    /// Whether it is new.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn promise(&self, promise: &Promise) -> Result<bool, StoreError> {
        let detection = &promise.detection;
        let known = self.db.first(
            "SELECT queue_id FROM promise WHERE message = ?1
                 UNION ALL SELECT queue_id FROM detection WHERE message = ?1",
            params![detection.message],
            |row| row.get::<Option<String>>(0),
        )?;
        if let Some(first) = &known {
            if let (Some(first), Some(queue_id)) = (first, &detection.queue_id) {
                self.name_mail(queue_id, first, detection.at)?;
            }
            return Ok(false);
        }
        let (source, vendor) = promise.source.clone().unzip();
        self.db.execute(
            "INSERT INTO promise (message, queue_id, at, verdict, domains, grouping, root, controller_cvr, controller_name,
                 dpo, source, vendor, sealed, sender_domain, recipient_domains, recipients, findings, certain, persons,
                 persons_exact)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)", params![
                detection.message,
                detection.queue_id.as_ref().map(QueueId::as_str),
                detection.at.timestamp(),
                detection.verdict.word(),
                promise.domains.join(" "),
                promise.grouping,
                promise.root,
                promise.controller.cvr,
                promise.controller.name,
                promise.controller.dpo,
                source,
                vendor.flatten(),
                promise.controller.dpo_key.is_some(),
                detection.sender_domain,
                detection.recipient_domains.join(" "),
                narrow(detection.recipients),
                narrow(detection.findings),
                detection.outcome == Outcome::Delivered { certain: true },
                narrow(detection.persons),
                detection.persons_exact,
            ])?;
        self.follow(detection, None)?;
        Ok(true)
    }

    /// The salt by which the persons of a promise are counted: that of the open case of its grouping, or of the promises
    /// before it, or this new one.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn promise_salt(&self, grouping: [u8; 16], new: [u8; 16]) -> Result<[u8; 16], StoreError> {
        let open =
            self.db.first("SELECT salt FROM breach_case WHERE grouping = ?1", params![grouping], |row| {
                row.get(0)
            })?;
        if let Some(salt) = open {
            return Ok(salt);
        }
        self.db.execute(
            "INSERT INTO promise_salt (grouping, salt) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![grouping, new],
        )?;
        let sql = "SELECT salt FROM promise_salt WHERE grouping = ?1";
        self.db.one(sql, params![grouping], |row| row.get(0))
    }

    /// The persons of a promise, who are counted when it is broken.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn promise_persons(&self, message: &[u8; 16], digests: &[[u8; 16]]) -> Result<(), StoreError> {
        let sql = "INSERT INTO promise_person (message, digest) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        for digest in digests {
            self.db.execute(sql, params![message, digest])?;
        }
        Ok(())
    }

    /// The mail left with less than was promised, found out now: it joins or opens its case, with all its persons. `why`
    /// stands in the register. A near miss of the same mail gets a line that says where it went.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn break_promise(
        &self,
        promise: &Promise,
        now: DateTime<Utc>,
        salt: [u8; 16],
        why: &str,
    ) -> Result<Joined, StoreError> {
        let detection = Detection { at: now, ..promise.detection.clone() };
        let source = promise.source.as_ref().map(|(name, vendor)| Source {
            name: name.clone(),
            pattern: String::new(),
            vendor: vendor.clone(),
        });
        let opening = Opening {
            controller: &promise.controller,
            source: source.as_ref(),
            root: promise.root,
            grouping: promise.grouping,
            salt,
        };
        let joined = self.join(&detection, &opening)?;
        self.enter(&joined.case, now, "promise_broken", None, None, why)?;
        let message = detection.message;
        let new = self.db.execute(
            "INSERT INTO person (case_id, digest) SELECT ?1, digest FROM promise_person WHERE message = ?2
             ON CONFLICT DO NOTHING",
            params![joined.case.as_str(), message],
        )?;
        self.count_persons(&joined.case, new)?;
        let near = "SELECT DISTINCT c.id FROM detection d JOIN breach_case c ON c.id = d.case_id
             WHERE d.queue_id = ?1 AND c.state = 'near_miss' AND c.id <> ?2";
        let queue_id = detection.queue_id.as_ref().map(QueueId::as_str);
        let near: Vec<String> =
            self.db.all(near, params![queue_id, joined.case.as_str()], |row| row.get(0))?;
        for id in near {
            let near = super::read::case_id(&id)?;
            let why = format!("en mail af denne sag er gået ubeskyttet og står nu i {}", joined.case);
            self.enter(&near, now, "promise_broken", None, None, &why)?;
        }
        self.forget_promise(&message, promise.grouping)?;
        Ok(joined)
    }

    /// The promise is kept, or too old to be asked for: nothing of it stays, unless the mail stands in a case for another
    /// reason.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn drop_promise(&self, promise: &Promise) -> Result<(), StoreError> {
        self.forget_promise(&promise.detection.message, promise.grouping)?;
        let Some(mail) = &promise.detection.queue_id else { return Ok(()) };
        for table in ["delivery", "mail_name"] {
            self.db.execute(
                &format!(
                    "DELETE FROM {table} WHERE mail = ?1
                     AND NOT EXISTS (SELECT 1 FROM detection WHERE queue_id = ?1)
                     AND NOT EXISTS (SELECT 1 FROM promise WHERE queue_id = ?1)"
                ),
                params![mail.as_str()],
            )?;
        }
        Ok(())
    }

    fn forget_promise(&self, message: &[u8; 16], grouping: [u8; 16]) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM promise_person WHERE message = ?1", params![message])?;
        self.db.execute("DELETE FROM promise WHERE message = ?1", params![message])?;
        self.db.execute(
            "DELETE FROM promise_salt WHERE grouping = ?1
             AND NOT EXISTS (SELECT 1 FROM promise WHERE grouping = ?1)",
            params![grouping],
        )?;
        Ok(())
    }

    /// The salt of this grouping's promises, which a case takes over.
    pub(super) fn take_promise_salt(&self, grouping: [u8; 16]) -> Result<Option<[u8; 16]>, StoreError> {
        let sql = "DELETE FROM promise_salt WHERE grouping = ?1 RETURNING salt";
        self.db.first(sql, params![grouping], |row| row.get(0))
    }

    /// Follows the mail of a detection, by the name it was found with first.
    pub(super) fn follow(&self, detection: &Detection, first: Option<&str>) -> Result<(), StoreError> {
        let Some(queue_id) = &detection.queue_id else { return Ok(()) };
        self.name_mail(queue_id, first.unwrap_or(queue_id.as_str()), detection.at)
    }
}

fn promise_row(row: &Row) -> Result<Promise, StoreError> {
    let words = |text: String| -> Vec<String> { text.split_ascii_whitespace().map(str::to_owned).collect() };
    let sealed: bool = row.get(11)?;
    let certain: bool = row.get(16)?;
    let verdict: String = row.get(3)?;
    Ok(Promise {
        detection: Detection {
            message: row.get(0)?,
            queue_id: row.get::<Option<String>>(1)?.as_deref().and_then(QueueId::new),
            at: time(row.get(2)?),
            verdict: if verdict == "reroute" {
                Verdict::Reroute
            } else {
                Verdict::Deliver(Pass::ProtectedRoad)
            },
            outcome: Outcome::Delivered { certain },
            sender_domain: row.get(12)?,
            recipient_domains: words(row.get(13)?),
            recipients: count(row.get(14)?),
            findings: count(row.get(15)?),
            persons: count(row.get(17)?),
            persons_exact: row.get(18)?,
        },
        domains: words(row.get(4)?),
        root: row.get(19)?,
        grouping: row.get(5)?,
        controller: Controller {
            cvr: row.get(6)?,
            name: row.get(7)?,
            dpo: row.get(8)?,
            // Whether there is one is all that a case keeps of it.
            dpo_key: sealed.then(String::new),
            ..Controller::default()
        },
        source: row
            .get::<Option<String>>(9)?
            .map(|name| Ok::<_, StoreError>((name, row.get(10)?)))
            .transpose()?,
    })
}
