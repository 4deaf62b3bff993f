//! Questions to the register.

use super::delivery::OWN;
use super::{Store, StoreError, count, time};
use crate::case::{CaseId, Kind, State};
use crate::store::base::{Row, params};
use crate::store::delivery::disposition;
use crate::store::{CaseFile, CaseRow, Entry, Facts, MessageRow};

const CASE: &str = "
    SELECT c.id, c.state, c.controller_name, c.controller_cvr, c.dpo, i.source, c.mails, c.persons,
           c.detected_at, c.aware_at, c.deadline, c.sealed, c.persons_exact, c.incident, c.records, c.last_at, c.hits_after
    FROM breach_case c JOIN incident i ON i.id = c.incident";

impl Store {
    /// Every case, the one with the least time left first, near misses last.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn cases(&self) -> Result<Vec<CaseRow>, StoreError> {
        let connection = self.db()?;
        connection.all(&format!("{CASE} ORDER BY
                 CASE WHEN c.state IN ('suspected', 'assessing') THEN 0 WHEN c.deadline IS NOT NULL THEN 1 ELSE 2 END,
                 c.deadline, c.id"), params![], case_row)
    }

    /// The cases of an incident, in the order in which they were opened: one for each controller that it concerns, and
    /// what was stopped apart from what left.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn cases_of(&self, incident: i64) -> Result<Vec<CaseRow>, StoreError> {
        let connection = self.db()?;
        connection.all(&format!("{CASE} WHERE c.incident = ?1 ORDER BY c.id"), params![incident], case_row)
    }

    /// One case with all that belongs to it.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn case(&self, id: &CaseId) -> Result<Option<CaseFile>, StoreError> {
        let found = self.db()?.first(&format!("{CASE} WHERE c.id = ?1"), params![id.as_str()], case_row)?;
        let Some(row) = found else { return Ok(None) };
        Ok(Some(CaseFile {
            row,
            entries: self.entries(id)?,
            notices: self.notices(id)?,
            facts: self.facts(id)?,
            receipts: self.receipts(id)?,
            tasks: self.tasks(id)?,
            messages: self.messages(id)?,
        }))
    }

    /// One case without its messages and lines, and what people wrote in its fields.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn case_in_short(&self, id: &CaseId) -> Result<Option<(CaseRow, Facts)>, StoreError> {
        let found = self.db()?.first(&format!("{CASE} WHERE c.id = ?1"), params![id.as_str()], case_row)?;
        found.map(|row| Ok((row, self.facts(id)?))).transpose()
    }

    /// The case that a message of this grouping would join, and the salt of the key that counts its persons.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn case_of_grouping(&self, grouping: [u8; 16]) -> Result<Option<(CaseId, [u8; 16])>, StoreError> {
        let sql = "SELECT id, salt FROM breach_case WHERE grouping = ?1";
        self.db()?.first(sql, params![grouping], |row| Ok((case_id(&row.get::<String>(0)?)?, row.get(1)?)))
    }

    /// The positions of those persons whom a case does not have.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn unknown_persons(&self, case: &CaseId, digests: &[[u8; 16]]) -> Result<Vec<usize>, StoreError> {
        let sql = "SELECT 1 FROM person WHERE case_id = ?1 AND digest = ?2";
        let db = self.db()?;
        let mut unknown = Vec::new();
        for (position, digest) in digests.iter().enumerate() {
            if db.first(sql, params![case.as_str(), digest], |_| Ok(()))?.is_none() {
                unknown.push(position);
            }
        }
        Ok(unknown)
    }

    fn entries(&self, id: &CaseId) -> Result<Vec<Entry>, StoreError> {
        let connection = self.db()?;
        connection.all("SELECT at, who, event, from_state, to_state, reason, detail FROM register_entry WHERE case_id = ?1 ORDER BY ordinal", params![id.as_str()], |row| {
            Ok(Entry {
                at: time(row.get(0)?),
                who: row.get(1)?,
                event: row.get(2)?,
                from: row.get(3)?,
                to: row.get(4)?,
                reason: row.get(5)?,
                detail: row.get(6)?,
            })
        })
    }

    fn messages(&self, id: &CaseId) -> Result<Vec<MessageRow>, StoreError> {
        let connection = self.db()?;
        let limit = i64::try_from(CaseFile::MESSAGES).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT at, queue_id, verdict,
                 CASE WHEN verdict = 'deliver' AND outcome = 'stopped' THEN 'returned' ELSE disposition END, attempts, sender_domain, recipient_domains, persons,
                 (SELECT string_agg(s.word, ',') FROM (SELECT DISTINCT v.status AS word FROM delivery v
                  WHERE v.mail = d.queue_id AND {OWN}) s),
                 (SELECT string_agg(p.word, ',') FROM (SELECT DISTINCT trim(v.proof || ' ' || v.protocol) AS word
                  FROM delivery v WHERE v.mail = d.queue_id AND v.proof <> 'nothing' AND {OWN}) p)
             FROM detection d WHERE case_id = ?1 ORDER BY id DESC LIMIT ?2"
        );
        connection.all(&sql, params![id.as_str(), limit], |row| {
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
        })
    }
}

fn case_row(row: &Row) -> Result<CaseRow, StoreError> {
    let id: String = row.get(0)?;
    let state_word: String = row.get(1)?;
    let detected_at = time(row.get(8)?);
    let aware_at = row.get::<Option<i64>>(9)?.map(time);
    Ok(CaseRow {
        id: case_id(&id)?,
        state: state(&state_word)?,
        kind: if aware_at.is_some() { Kind::Breach } else { Kind::NearMiss },
        controller: row.get(2)?,
        cvr: row.get(3)?,
        dpo: row.get(4)?,
        source: row.get(5)?,
        mails: count(row.get(6)?),
        persons: count(row.get(7)?),
        detected_at,
        aware_at,
        records: count(row.get(14)?),
        last_at: row.get::<Option<i64>>(15)?.map_or(detected_at, time),
        hits_after: count(row.get(16)?),
        deadline: row.get::<Option<i64>>(10)?.map(time),
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
