//! What a mail of an archive is known by, and when it said that it was sent.

use super::{Opening, Recording, Store, StoreError, count, read, time};
use crate::case::CaseId;
use crate::case::detection::Detection;
use crate::store::base::{AsParam, Param, params};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What the mails of a case that were found in archives say of their own days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many were found in archives.
    pub archived: u64,
    /// The earliest day that one says.
    pub first: Option<DateTime<Utc>>,
    /// The latest.
    pub last: Option<DateTime<Utc>>,
    /// How many say none that can be.
    pub undated: u64,
}

impl Recording<'_> {
    /// The cases that have these mails already, wherever those were found, by what a mail is known by. No attempt is
    /// counted: nobody sent it again. One question for all, since a server is far away.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn known_contents(&self, contents: &[[u8; 16]]) -> Result<BTreeMap<[u8; 16], CaseId>, StoreError> {
        let mut known = BTreeMap::new();
        for some in contents.chunks(Self::ASKED_AT_ONCE) {
            let places: Vec<String> = (1..=some.len()).map(|place| format!("?{place}")).collect();
            let sql = format!(
                "SELECT mail_content.content, detection.case_id
                 FROM mail_content JOIN detection ON detection.message = mail_content.message
                 WHERE mail_content.content IN ({})",
                places.join(", ")
            );
            let asked: Vec<Param<'_>> = some.iter().map(AsParam::param).collect();
            let rows = self.db.all(&sql, &asked, |row| Ok((row.get(0)?, row.get::<String>(1)?)))?;
            for (content, case) in rows {
                known.insert(content, read::case_id(&case)?);
            }
        }
        Ok(known)
    }

    const ASKED_AT_ONCE: usize = 500;

    /// Opens the case that this detection belongs to, when there is none, and adds nothing to it; its number then. So that
    /// its number is this case's for good before numbers are sealed under it.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn open_for(
        &self,
        detection: &Detection,
        opening: &Opening<'_>,
    ) -> Result<Option<CaseId>, StoreError> {
        let sql = "SELECT 1 FROM breach_case WHERE grouping = ?1";
        let is_there = self.db.first(sql, params![opening.grouping], |_| Ok(()))?.is_some();
        if is_there {
            return Ok(None);
        }
        let (case, ..) = self.case_for(detection, opening)?;
        let reason = "fundet i et arkiv med gammel post; hvornår mailene blev sendt, siger de selv";
        self.enter(&case, detection.at, "archived", None, None, reason)?;
        Ok(Some(case))
    }

    /// Notes by what copies of a recorded mail are known.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn note_content(&self, message: &[u8; 16], content: &[u8; 16]) -> Result<(), StoreError> {
        self.add_content(message, content, false, None)
    }

    /// The same for a mail that was found in an archive, and when it says that it was sent.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn note_archived(
        &self,
        message: &[u8; 16],
        content: &[u8; 16],
        sent_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        self.add_content(message, content, true, sent_at)
    }

    fn add_content(
        &self,
        message: &[u8; 16],
        content: &[u8; 16],
        archived: bool,
        sent_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO mail_content (message, content, archived, sent_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (message) DO NOTHING";
        let sent_at = sent_at.map(|at| at.timestamp());
        self.db.execute(sql, params![message, content, archived, sent_at]).map(drop)
    }
}

impl Store {
    /// What the mails of a case that were found in archives say of when they were sent.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn sent(&self, case: &CaseId) -> Result<Sent, StoreError> {
        let sql = "SELECT count(*), min(mail_content.sent_at), max(mail_content.sent_at), count(mail_content.sent_at)
                   FROM mail_content JOIN detection ON detection.message = mail_content.message
                   WHERE detection.case_id = ?1 AND mail_content.archived = 1";
        self.db()?.one(sql, params![case.as_str()], |row| {
            let archived = count(row.get(0)?);
            let at = |at: Option<i64>| at.map(time);
            let dated = count(row.get(3)?);
            Ok(Sent {
                archived,
                first: at(row.get(1)?),
                last: at(row.get(2)?),
                undated: archived.saturating_sub(dated),
            })
        })
    }
}
