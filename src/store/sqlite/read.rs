//! Questions to the register.

use super::delivery::OWN;
use super::{Store, StoreError, count, time};
use crate::case::{CaseId, State};
use crate::store::delivery::disposition;
use crate::store::{CaseFile, CaseRow, Entry, MessageRow};
use rusqlite::{OptionalExtension, Row};

const CASE: &str = "
    SELECT c.id, c.state, c.controller_name, c.controller_cvr, c.dpo, i.source,
           (SELECT count(*) FROM detection d WHERE d.case_id = c.id),
           (SELECT count(*) FROM person p WHERE p.case_id = c.id),
           c.detected_at, c.aware_at, c.deadline, c.sealed,
           (SELECT ifnull(min(d.persons_exact), 1) FROM detection d WHERE d.case_id = c.id), c.incident
    FROM breach_case c JOIN incident i ON i.id = c.incident";

impl Store {
    /// Every case, the one with the least time left first, near misses last.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn cases(&self) -> Result<Vec<CaseRow>, StoreError> {
        let connection = self.lock();
        let mut statement =
            connection.prepare(&format!("{CASE} ORDER BY c.deadline IS NULL, c.deadline, c.id"))?;
        let rows = statement.query_map((), |row| Ok(case_row(row)))?;
        rows.map(|row| row?).collect()
    }

    /// The cases of an incident, in the order in which they were opened: one for each controller that it concerns, and
    /// what was stopped apart from what left.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn cases_of(&self, incident: i64) -> Result<Vec<CaseRow>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare(&format!("{CASE} WHERE c.incident = ?1 ORDER BY c.id"))?;
        let rows = statement.query_map([incident], |row| Ok(case_row(row)))?;
        rows.map(|row| row?).collect()
    }

    /// One case with all that belongs to it.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn case(&self, id: &CaseId) -> Result<Option<CaseFile>, StoreError> {
        let found = self
            .lock()
            .query_row(&format!("{CASE} WHERE c.id = ?1"), [id.as_str()], |row| Ok(case_row(row)))
            .optional()?;
        let Some(row) = found.transpose()? else { return Ok(None) };
        Ok(Some(CaseFile {
            row,
            entries: self.entries(id)?,
            notices: self.notices(id)?,
            messages: self.messages(id)?,
        }))
    }

    fn entries(&self, id: &CaseId) -> Result<Vec<Entry>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare(
            "SELECT at, who, event, from_state, to_state, reason FROM register_entry WHERE case_id = ?1 ORDER BY ordinal",
        )?;
        let rows = statement.query_map([id.as_str()], |row| {
            Ok(Entry {
                at: time(row.get(0)?),
                who: row.get(1)?,
                event: row.get(2)?,
                from: row.get(3)?,
                to: row.get(4)?,
                reason: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn messages(&self, id: &CaseId) -> Result<Vec<MessageRow>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare(&format!(
            "SELECT at, queue_id, verdict, disposition, attempts, sender_domain, recipient_domains, persons,
                 (SELECT group_concat(DISTINCT v.status) FROM delivery v WHERE v.mail = d.queue_id AND {OWN}),
                 (SELECT group_concat(DISTINCT trim(v.proof || ' ' || v.protocol)) FROM delivery v
                  WHERE v.mail = d.queue_id AND v.proof <> 'nothing' AND {OWN})
             FROM detection d WHERE case_id = ?1 ORDER BY id DESC LIMIT ?2"
        ))?;
        let limit = i64::try_from(CaseFile::MESSAGES).unwrap_or(i64::MAX);
        let rows = statement.query_map((id.as_str(), limit), |row| {
            let parts = |text: Option<String>| -> Vec<String> {
                text.unwrap_or_default().split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect()
            };
            let logged = parts(row.get(8)?);
            Ok(MessageRow {
                at: time(row.get(0)?),
                queue_id: row.get(1)?,
                verdict: row.get(2)?,
                // The log is a witness; without a word of it stands what we know ourselves.
                disposition: match disposition(logged.iter().map(String::as_str)) {
                    "answered" => row.get(3)?,
                    logged => logged.to_owned(),
                },
                proofs: parts(row.get(9)?),
                attempts: count(row.get(4)?),
                sender_domain: row.get(5)?,
                recipient_domains: row.get(6)?,
                persons: count(row.get(7)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn case_row(row: &Row<'_>) -> Result<CaseRow, StoreError> {
    let id: String = row.get(0)?;
    let state_word: String = row.get(1)?;
    Ok(CaseRow {
        id: case_id(&id)?,
        state: state(&state_word)?,
        controller: row.get(2)?,
        cvr: row.get(3)?,
        dpo: row.get(4)?,
        source: row.get(5)?,
        mails: count(row.get(6)?),
        persons: count(row.get(7)?),
        detected_at: time(row.get(8)?),
        aware_at: row.get::<_, Option<i64>>(9)?.map(time),
        deadline: row.get::<_, Option<i64>>(10)?.map(time),
        sealed: row.get(11)?,
        persons_exact: row.get(12)?,
        incident: row.get(13)?,
    })
}

pub(super) fn case_id(text: &str) -> Result<CaseId, StoreError> {
    CaseId::parse(text).ok_or_else(|| StoreError::Unreadable { what: "case number", value: text.to_owned() })
}

pub(super) fn state(word: &str) -> Result<State, StoreError> {
    State::from_word(word).ok_or_else(|| StoreError::Unreadable { what: "state", value: word.to_owned() })
}
