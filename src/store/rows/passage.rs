//! What passed although a number stood in it: exemptions used, and many persons on a protected road.

use super::{Recording, Store, StoreError, count, narrow, time};
use crate::case::passage::{Passage, Reason};
use crate::store::PassageRow;
use crate::store::base::params;

impl Recording<'_> {
    /// Adds a line to the audit trail. The same message for the same reason is one line, however often it comes.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn passed(&self, passage: &Passage) -> Result<(), StoreError> {
        let [name, by, reason, until] = match &passage.reason {
            Reason::Exempt { name, by, reason, until } => [name, by, reason, until].map(String::as_str),
            Reason::ManyPersons { road } => [road.as_str(), "", "", ""],
        };
        self.db.execute(
            "INSERT INTO passage (message, at, why, name, by_whom, reason, until, queue_id, sender_domain,
                 recipient_domains, recipients, findings, persons)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (message, why, name) DO NOTHING",
            params![
                passage.message,
                passage.at.timestamp(),
                passage.reason.word(),
                name,
                by,
                reason,
                until,
                passage.queue_id.as_ref().map(crate::envelope::QueueId::as_str),
                passage.sender_domain,
                passage.recipient_domains.join(" "),
                narrow(passage.recipients),
                narrow(passage.findings),
                narrow(passage.persons),
            ],
        )?;
        Ok(())
    }
}

impl Store {
    /// The audit trail of what passed, the newest first, at most so many lines.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn passages(&self, most: u32) -> Result<Vec<PassageRow>, StoreError> {
        let connection = self.db()?;
        connection.all("SELECT at, why, name, by_whom, reason, until, queue_id, sender_domain, recipient_domains, recipients,
                 persons FROM passage ORDER BY id DESC LIMIT ?1", params![most], |row| {
            Ok(PassageRow {
                at: time(row.get(0)?),
                why: row.get(1)?,
                name: row.get(2)?,
                by: row.get(3)?,
                reason: row.get(4)?,
                until: row.get(5)?,
                queue_id: row.get(6)?,
                sender_domain: row.get(7)?,
                recipient_domains: row.get(8)?,
                recipients: count(row.get(9)?),
                persons: count(row.get(10)?),
            })
        })
    }
}
