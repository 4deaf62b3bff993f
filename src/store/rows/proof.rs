//! The proof of the register: each case's chain, the anchors over all, and the tables against the lines.
//!
//! What it proves and what not stands in [`crate::case::chain`]. Start reading at [`Store::verify`] and
//! [`Store::verify_anchors`].

use super::chain::{LINE, Line};
use super::{Anchor, Recording, Store, StoreError, count, time};
use crate::case::CaseId;
use crate::case::act::KEPT_MONTHS;
use crate::case::chain::{Broken, Content, Hash, Link, anchor, hex, verify};
use crate::case::field::Field;
use crate::case::local::written;
use crate::case::replay::{Difference, Standing};
use crate::store::base::{Db, params};
use chrono::{DateTime, Months, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// What the proof of one case says.
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
    /// What the tables say other than the lines.
    pub differs: Vec<Difference>,
}

impl Verified {
    /// Whether nothing was found.
    pub fn is_whole(&self) -> bool {
        self.head.is_ok() && self.differs.is_empty()
    }
}

/// What the proof of the anchors says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchors {
    /// How many there are.
    pub count: u64,
    /// The newest.
    pub last: Option<Anchor>,
    /// The first that does not follow from the one before it and from the heads it keeps.
    pub broken: Option<DateTime<Utc>>,
    /// The one that was asked for, if it is in the register and not behind a broken one, and of how many anchors it is.
    pub asked: Option<(Anchor, u64)>,
    /// Numbers that were given to cases of which nothing is known: numbers follow one another.
    pub lost: Vec<String>,
}

/// A case, as far as it is proved.
pub(super) struct Proof {
    pub(super) verified: Verified,
    /// What its lines say; of an erased one nothing.
    pub(super) lines: Standing,
    /// When it was closed last, by its lines.
    pub(super) closed_at: Option<i64>,
}

struct Tombstone {
    at: i64,
    who: String,
    reason: String,
    detail: String,
    salt: Option<[u8; 16]>,
}

impl Tombstone {
    /// Whether this is the last line of the chain, and says that the time of keeping was over.
    fn is_line(&self, case: &str, last: &Link) -> bool {
        let content = Content {
            case,
            ordinal: last.ordinal,
            at: self.at,
            who: &self.who,
            event: "purged",
            from: "",
            to: "",
            reason: &self.reason,
            detail: &self.detail,
        };
        let said: serde_json::Value = serde_json::from_str(&self.detail).unwrap_or_default();
        let until = said.get("keep_until").and_then(|until| until.as_str()?.parse::<DateTime<Utc>>().ok());
        self.salt.is_some_and(|salt| content.digest(&salt) == last.digest)
            && until.is_some_and(|until| until <= time(self.at))
    }
}

/// The detail of the line that says that a case is erased.
pub(super) fn purged_detail(closed_at: Option<i64>, until: DateTime<Utc>) -> String {
    let closed = closed_at.map(|at| written(time(at)));
    serde_json::json!({ "closed_at": closed, "keep_until": written(until) }).to_string()
}

impl Store {
    /// Proves one case, or all, by what stands there now. A case that an anchor, a link or a line speaks of, and whose row is gone,
    /// is in it too.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn verify(&self, case: Option<&CaseId>) -> Result<Vec<Verified>, StoreError> {
        let db = self.db()?;
        let cases: Vec<String> = match case {
            Some(case) => vec![case.as_str().to_owned()],
            None => known(&db)?.into_iter().collect(),
        };
        let found = cases.into_iter().map(|case| prove(&db, case).map(|proof| proof.verified));
        let found: Vec<Verified> = found.collect::<Result<_, _>>()?;
        drop(db);
        let again = |one: Verified| {
            if one.is_whole() {
                return one;
            }
            // Somebody may have written between two questions: looked at once more while nobody writes. Where that is not
            // possible what was found stands.
            let case = one.case.clone();
            self.record(|recording| Ok(prove(&recording.db, case)?.verified)).unwrap_or(one)
        };
        Ok(found.into_iter().map(again).collect())
    }

    /// Proves the anchors, each from the one before it and the heads it keeps, and says where the one that was `asked` for stands.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn verify_anchors(&self, asked: Option<&Hash>) -> Result<Anchors, StoreError> {
        let db = self.db()?;
        let all =
            db.all("SELECT id, at, cases, hash FROM register_anchor ORDER BY id", params![], |row| {
                Ok((
                    row.get::<i64>(0)?,
                    Anchor { at: time(row.get(1)?), cases: count(row.get(2)?), hash: row.get(3)? },
                ))
            })?;
        let mut heads: BTreeMap<i64, Vec<(String, i64, Hash)>> = BTreeMap::new();
        let kept = "SELECT anchor, case_id, ordinal, chain FROM anchor_head";
        for (id, head) in
            db.all(kept, params![], |row| Ok((row.get::<i64>(0)?, (row.get(1)?, row.get(2)?, row.get(3)?))))?
        {
            heads.entry(id).or_default().push(head);
        }
        let lost = lost(&known(&db)?);
        drop(db);
        let mut anchors = Anchors {
            count: all.len() as u64,
            last: all.last().map(|(_, one)| *one),
            lost,
            ..Anchors::default()
        };
        let (mut before, mut cases) = (Hash::default(), BTreeSet::new());
        for (place, (id, one)) in (1..).zip(&all) {
            let mut of = heads.remove(id).unwrap_or_default();
            of.sort_unstable();
            cases.extend(of.iter().map(|(case, _, _)| case.clone()));
            let of = of.iter().map(|(case, length, head)| (case.as_str(), *length, head));
            let hash = anchor(&before, one.at, i64::try_from(cases.len()).unwrap_or(i64::MAX), of);
            if hash != one.hash || one.cases != cases.len() as u64 {
                anchors.broken = Some(one.at);
                break;
            }
            if asked == Some(&hash) {
                anchors.asked = Some((*one, place));
            }
            before = hash;
        }
        Ok(anchors)
    }

    /// Those of these cases that were erased by the rule of retention, proved by their chains: a tombstone that somebody put in
    /// by hand throws nothing away.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn erased(&self, among: &[CaseId]) -> Result<Vec<CaseId>, StoreError> {
        let db = self.db()?;
        let mut erased = Vec::new();
        for case in among {
            let proof = prove(&db, case.as_str().to_owned())?.verified;
            if proof.erased.is_some() && proof.is_whole() {
                erased.push(case.clone());
            }
        }
        Ok(erased)
    }
}

impl Recording<'_> {
    pub(super) fn prove(&self, case: &CaseId) -> Result<Proof, StoreError> {
        prove(&self.db, case.as_str().to_owned())
    }
}

/// Every case that anything speaks of.
fn known(db: &Db<'_>) -> Result<BTreeSet<String>, StoreError> {
    let sql = "SELECT case_id FROM register_link UNION SELECT case_id FROM register_entry UNION SELECT id FROM breach_case
               UNION SELECT case_id FROM tombstone UNION SELECT case_id FROM anchor_head";
    Ok(db.all(sql, params![], |row| row.get(0))?.into_iter().collect())
}

/// The numbers between these that none of them has.
fn lost(known: &BTreeSet<String>) -> Vec<String> {
    let mut highest: BTreeMap<&str, u32> = BTreeMap::new();
    for (year, number) in known.iter().filter_map(|case| case.rsplit_once('-')) {
        let number: u32 = number.parse().unwrap_or_default();
        let most = highest.entry(year).or_default();
        *most = number.max(*most);
    }
    let all = highest
        .into_iter()
        .flat_map(|(year, most)| (1..most).map(move |number| format!("{year}-{number:04}")));
    all.filter(|case| !known.contains(case)).take(1000).collect()
}

fn prove(db: &Db<'_>, case: String) -> Result<Proof, StoreError> {
    let tombstone = db.first(
        "SELECT at, who, reason, detail, salt FROM tombstone WHERE case_id = ?1",
        params![case],
        |row| {
            Ok(Tombstone {
                at: row.get(0)?,
                who: row.get(1)?,
                reason: row.get(2)?,
                detail: row.get(3)?,
                salt: row.get(4)?,
            })
        },
    )?;
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
    let anchored = db.all(
        "SELECT ordinal, chain FROM anchor_head WHERE case_id = ?1 ORDER BY ordinal",
        params![case],
        |row| Ok((row.get::<i64>(0)?, row.get::<Hash>(1)?)),
    )?;
    let tables = tables(db, &case)?;
    let is_too_early = match &tombstone {
        Some(stone) => kept_by_anchors(db, &case)?.is_some_and(|until| time(stone.at) < until),
        None => false,
    };
    let stone = tombstone.as_ref().map(|stone| (stone, is_too_early));
    let chain = chain(&case, stone, &lines, &mut links, &anchored, tables.is_some());
    let mut standing = Standing::default();
    let mut closed_at = None;
    for line in &lines {
        standing.follow(&line.content());
        if line.event == "closed" {
            closed_at = Some(line.at);
        }
    }
    let differs = tables.map(|tables| standing.differs(&tables)).unwrap_or_default();
    let erased = tombstone.map(|one| (one.who, time(one.at)));
    let verified = Verified { case, lines: links.len() as u64, erased, head: chain, differs };
    Ok(Proof { verified, lines: standing, closed_at })
}

fn chain(
    case: &str,
    tombstone: Option<(&Tombstone, bool)>,
    lines: &[Line],
    links: &mut [Link],
    anchored: &[(i64, Hash)],
    has_row: bool,
) -> Result<Hash, Broken> {
    let is_erased = match (tombstone, links.last()) {
        (None, _) => false,
        // Only what went by the rule may be gone: all of it, with a last line that says so.
        (Some((stone, is_too_early)), Some(last))
            if !is_too_early && !has_row && lines.is_empty() && stone.is_line(case, last) =>
        {
            true
        }
        (Some(_), _) => return Err(Broken::NotErased),
    };
    let by_ordinal: BTreeMap<i64, &Line> = lines.iter().map(|line| (line.ordinal, line)).collect();
    for link in &mut *links {
        link.found = match by_ordinal.get(&link.ordinal) {
            // A salt that is gone while its line stands there proves nothing: it counts as changed.
            Some(line) => Some(line.salt.map_or([0; 32], |salt| line.content().digest(&salt))),
            None if is_erased => None,
            None if has_row => return Err(Broken::Gap(link.ordinal)),
            None => return Err(Broken::Gone),
        };
    }
    let head = verify(links)?;
    let linked: BTreeMap<i64, Hash> = links.iter().map(|link| (link.ordinal, link.chain)).collect();
    if let Some(line) = lines.iter().find(|line| !linked.contains_key(&line.ordinal)) {
        return Err(Broken::Unlinked(line.ordinal));
    }
    for (ordinal, chain) in anchored {
        match linked.get(ordinal) {
            Some(linked) if linked == chain => {}
            Some(_) => return Err(Broken::Rewritten(*ordinal)),
            None => return Err(Broken::Cut(*ordinal)),
        }
    }
    if links.is_empty() || has_row == is_erased { Err(Broken::Gone) } else { Ok(head) }
}

/// Until when the case is to be kept at least, by the anchors, whatever its lines say: it was opened after the last anchor that does
/// not have it. An anchor that a clock ahead has made says too late; one that followed says so.
pub(super) fn kept_by_anchors(db: &Db<'_>, case: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let opened_after: Option<i64> = db.one(
        "SELECT min(at) FROM register_anchor WHERE id >= (SELECT max(id) FROM register_anchor
             WHERE id < (SELECT min(anchor) FROM anchor_head WHERE case_id = ?1))",
        params![case],
        |row| row.get(0),
    )?;
    Ok(opened_after.and_then(|at| time(at).checked_add_months(Months::new(KEPT_MONTHS))))
}

/// What the tables say of a case; `None` when it has no row.
fn tables(db: &Db<'_>, case: &str) -> Result<Option<Standing>, StoreError> {
    let found = db.first(
        "SELECT state, aware_at, deadline, regime FROM breach_case WHERE id = ?1",
        params![case],
        |row| {
            Ok(Standing {
                state: row.get(0)?,
                aware_at: row.get::<Option<i64>>(1)?.map(time),
                deadline: row.get::<Option<i64>>(2)?.map(time),
                regime: row.get(3)?,
                ..Standing::default()
            })
        },
    )?;
    let Some(standing) = found else { return Ok(None) };
    let facts = "SELECT field, value FROM case_fact WHERE case_id = ?1";
    let receipts = "SELECT sha256, kind, file, size FROM receipt WHERE case_id = ?1";
    let tasks = "SELECT id, what, who, done_at FROM task WHERE case_id = ?1";
    Ok(Some(Standing {
        facts: db.all(facts, params![case], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect(),
        receipts: db
            .all(receipts, params![case], |row| {
                let size = Some(count(row.get(3)?));
                Ok((hex(&row.get::<Hash>(0)?), (row.get(1)?, row.get(2)?, size)))
            })?
            .into_iter()
            .collect(),
        tasks: db
            .all(tasks, params![case], |row| {
                let is_done = row.get::<Option<i64>>(3)?.is_some();
                Ok((row.get(0)?, (row.get(1)?, row.get(2)?, is_done)))
            })?
            .into_iter()
            .collect(),
        ..standing
    }))
}

impl Proof {
    /// Until when the case is to be kept, by its lines alone.
    pub(super) fn keep_until(&self) -> Option<DateTime<Utc>> {
        self.lines.facts.get(Field::KeepUntil.word())?.parse().ok()
    }
}
