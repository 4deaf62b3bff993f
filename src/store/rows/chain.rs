//! The chain in the register: a link for each line, and an anchor over all heads every hour. The proof is `proof.rs`.
//!
//! Start reading at [`chain_on`].

use super::{Recording, Store, StoreError, count, time};
use crate::case::chain::{Content, Hash, anchor, link};
use crate::store::base::{Db, Row, params};
use chrono::{DateTime, Utc};

/// An anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// When.
    pub at: DateTime<Utc>,
    /// Of how many cases.
    pub cases: u64,
    /// The hash.
    pub hash: Hash,
}

pub(super) const LINE: &str =
    "SELECT e.case_id, e.ordinal, e.at, e.who, e.event, coalesce(e.from_state, ''), coalesce(e.to_state, ''),
        e.reason, e.detail, s.salt";

/// Gives every line that has none its link: those of registers from before there were chains.
pub(in crate::store) fn chain_all(db: &Db<'_>) -> Result<(), StoreError> {
    let lines = db.all(
        &format!(
            "{LINE} FROM register_entry e LEFT JOIN register_salt s ON s.case_id = e.case_id AND s.ordinal = e.ordinal
             WHERE NOT EXISTS (SELECT 1 FROM register_link l WHERE l.case_id = e.case_id AND l.ordinal = e.ordinal)
             ORDER BY e.case_id, e.ordinal"
        ),
        params![],
        |row| Ok(Line::read(row)),
    )?;
    let mut head: Option<(String, Hash)> = None;
    for line in lines {
        let line = line?;
        let before = match head {
            Some((case, hash)) if case == line.case => hash,
            Some(_) | None => head_of(db, &line.case)?,
        };
        let chain = chain_on(db, &line.content(), &before)?;
        head = Some((line.case, chain));
    }
    Ok(())
}

/// A line of the register.
pub(super) struct Line {
    pub(super) case: String,
    pub(super) ordinal: i64,
    pub(super) at: i64,
    pub(super) who: String,
    pub(super) event: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) reason: String,
    pub(super) detail: String,
    pub(super) salt: Option<[u8; 16]>,
}

impl Line {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            case: row.get(0)?,
            ordinal: row.get(1)?,
            at: row.get(2)?,
            who: row.get(3)?,
            event: row.get(4)?,
            from: row.get(5)?,
            to: row.get(6)?,
            reason: row.get(7)?,
            detail: row.get(8)?,
            salt: row.get(9)?,
        })
    }

    pub(super) fn content(&self) -> Content<'_> {
        Content {
            case: &self.case,
            ordinal: self.ordinal,
            at: self.at,
            who: &self.who,
            event: &self.event,
            from: &self.from,
            to: &self.to,
            reason: &self.reason,
            detail: &self.detail,
        }
    }
}

fn head_of(db: &Db<'_>, case: &str) -> Result<Hash, StoreError> {
    let head = db.first(
        "SELECT chain FROM register_link WHERE case_id = ?1 ORDER BY ordinal DESC LIMIT 1",
        params![case],
        |row| row.get::<Hash>(0),
    )?;
    Ok(head.unwrap_or_default())
}

/// Writes the salt and the link of a line that was just entered; the new head.
pub(super) fn chain_on(db: &Db<'_>, content: &Content<'_>, before: &Hash) -> Result<Hash, StoreError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| StoreError::Beside(error.to_string()))?;
    let digest = content.digest(&salt);
    let chain = link(before, content.ordinal, &digest);
    db.execute(
        "INSERT INTO register_salt (case_id, ordinal, salt) VALUES (?1, ?2, ?3)",
        params![content.case, content.ordinal, salt],
    )?;
    db.execute(
        "INSERT INTO register_link (case_id, ordinal, digest, chain) VALUES (?1, ?2, ?3, ?4)",
        params![content.case, content.ordinal, digest, chain],
    )?;
    Ok(chain)
}

/// The heads that no anchor has yet.
fn new_heads(db: &Db<'_>) -> Result<Vec<(String, i64, Hash)>, StoreError> {
    let mut heads = db.all(
        "SELECT l.case_id, l.ordinal, l.chain FROM register_link l
         JOIN (SELECT case_id, max(ordinal) AS ordinal FROM register_link GROUP BY case_id) h
             ON h.case_id = l.case_id AND h.ordinal = l.ordinal
         WHERE NOT EXISTS (SELECT 1 FROM anchor_head a WHERE a.case_id = l.case_id AND a.ordinal = l.ordinal)",
        params![],
        |row| Ok((row.get::<String>(0)?, row.get(1)?, row.get(2)?)),
    )?;
    // Two databases need not agree on the order of texts.
    heads.sort_unstable();
    Ok(heads)
}

impl Recording<'_> {
    /// Anchors all heads, unless that was done within this hour by any node. Whether it was done now.
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub fn anchor(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let last = self.db.first(
            "SELECT at, hash FROM register_anchor ORDER BY id DESC LIMIT 1",
            params![],
            |row| Ok((row.get::<i64>(0)?, row.get::<Hash>(1)?)),
        )?;
        let hour = |seconds: i64| seconds.div_euclid(3600);
        // One that stands far ahead was made by a clock that has been put back since.
        let is_this_hour = |at: i64| {
            hour(at) >= hour(now.timestamp()) && at <= (now + crate::store::LONGEST_WAIT).timestamp()
        };
        if last.is_some_and(|(at, _)| is_this_hour(at)) {
            return Ok(false);
        }
        let heads = new_heads(&self.db)?;
        let mut cases: i64 =
            self.db.one("SELECT count(DISTINCT case_id) FROM anchor_head", params![], |row| row.get(0))?;
        for (case, _, _) in &heads {
            let known = "SELECT 1 FROM anchor_head WHERE case_id = ?1 LIMIT 1";
            cases += i64::from(self.db.first(known, params![case], |_| Ok(()))?.is_none());
        }
        let before = last.map(|(_, hash)| hash).unwrap_or_default();
        let of = heads.iter().map(|(case, length, head)| (case.as_str(), *length, head));
        let hash = anchor(&before, now, cases, of);
        let id: i64 = self.db.one(
            "INSERT INTO register_anchor (at, cases, hash) VALUES (?1, ?2, ?3) RETURNING id",
            params![now.timestamp(), cases, hash],
            |row| row.get(0),
        )?;
        for (case, ordinal, chain) in &heads {
            self.db.execute(
                "INSERT INTO anchor_head (anchor, case_id, ordinal, chain) VALUES (?1, ?2, ?3, ?4)",
                params![id, case, *ordinal, *chain],
            )?;
        }
        Ok(true)
    }
}

impl Store {
    /// The newest anchor.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn last_anchor(&self) -> Result<Option<Anchor>, StoreError> {
        self.db()?.first(
            "SELECT at, cases, hash FROM register_anchor ORDER BY id DESC LIMIT 1",
            params![],
            |row| Ok(Anchor { at: time(row.get(0)?), cases: count(row.get(1)?), hash: row.get(2)? }),
        )
    }
}
