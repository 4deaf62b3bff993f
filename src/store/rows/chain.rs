//! The chain in the register: a link for each line, an anchor over all heads every hour, and the proof.
//!
//! Start reading at [`Store::verify`].

use super::{Recording, Store, StoreError, count, time};
use crate::case::CaseId;
use crate::case::chain::{Broken, Content, Hash, Link, anchor, link, verify};
use crate::store::base::{Db, Row, params};
use chrono::{DateTime, Utc};

/// What the proof of one case's chain says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The case.
    pub case: String,
    /// How many lines its chain has.
    pub lines: u64,
    /// Who erased its contents, and when, if the rule of retention has.
    pub erased: Option<(String, DateTime<Utc>)>,
    /// The head, or where it breaks.
    pub head: Result<Hash, Broken>,
}

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

const LINE: &str =
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
    salt: Option<[u8; 16]>,
}

impl Line {
    fn read(row: &Row) -> Result<Self, StoreError> {
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

fn heads(db: &Db<'_>) -> Result<Vec<(String, i64, Hash)>, StoreError> {
    db.all(
        "SELECT l.case_id, l.ordinal, l.chain FROM register_link l
         JOIN (SELECT case_id, max(ordinal) AS ordinal FROM register_link GROUP BY case_id) h
             ON h.case_id = l.case_id AND h.ordinal = l.ordinal
         ORDER BY l.case_id",
        params![],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
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
        if last.is_some_and(|(at, _)| hour(at) >= hour(now.timestamp())) {
            return Ok(false);
        }
        let heads = heads(&self.db)?;
        let before = last.map(|(_, hash)| hash).unwrap_or_default();
        let of = heads.iter().map(|(case, length, head)| (case.as_str(), *length, head));
        let hash = anchor(&before, now, of);
        let cases = i64::try_from(heads.len()).unwrap_or(i64::MAX);
        self.db.execute(
            "INSERT INTO register_anchor (at, cases, hash) VALUES (?1, ?2, ?3)",
            params![now.timestamp(), cases, hash],
        )?;
        Ok(true)
    }
}

impl Store {
    /// Proves the chain of one case, or of all, by the lines that stand there now. A case that a line speaks of and that has no
    /// link is in it too.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn verify(&self, case: Option<&CaseId>) -> Result<Vec<Verified>, StoreError> {
        let db = self.db()?;
        let cases: Vec<String> = match case {
            Some(case) => vec![case.as_str().to_owned()],
            None => db.all(
                "SELECT case_id FROM register_link UNION SELECT case_id FROM register_entry ORDER BY case_id",
                params![],
                |row| row.get(0),
            )?,
        };
        cases.into_iter().map(|case| verify_one(&db, case)).collect()
    }

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

fn verify_one(db: &Db<'_>, case: String) -> Result<Verified, StoreError> {
    let erased = db.first("SELECT who, at FROM tombstone WHERE case_id = ?1", params![case], |row| {
        Ok((row.get::<String>(0)?, time(row.get(1)?)))
    })?;
    let lines = db.all(
        &format!(
            "{LINE} FROM register_entry e LEFT JOIN register_salt s ON s.case_id = e.case_id AND s.ordinal = e.ordinal
             WHERE e.case_id = ?1 ORDER BY e.ordinal"
        ),
        params![case],
        |row| Ok(Line::read(row)),
    )?;
    let lines: Vec<Line> = lines.into_iter().collect::<Result<_, _>>()?;
    let mut links = db.all(
        "SELECT ordinal, digest, chain FROM register_link WHERE case_id = ?1 ORDER BY ordinal",
        params![case],
        |row| Ok(Link { ordinal: row.get(0)?, digest: row.get(1)?, chain: row.get(2)?, found: None }),
    )?;
    for link in &mut links {
        let line = lines.iter().find(|line| line.ordinal == link.ordinal);
        link.found = match line {
            // A salt that is gone while its line stands there proves nothing: it counts as changed.
            Some(line) => Some(line.salt.map_or([0; 32], |salt| line.content().digest(&salt))),
            // Only the rule of retention takes a line away.
            None if erased.is_some() => None,
            None => Some([0; 32]),
        };
    }
    let beyond = lines.iter().find(|line| links.iter().all(|link| link.ordinal != line.ordinal));
    let head = match (verify(&links), beyond) {
        (Ok(_), Some(line)) => Err(Broken::Unlinked(line.ordinal)),
        (head, _) => head,
    };
    Ok(Verified { case, lines: links.len() as u64, erased, head })
}
