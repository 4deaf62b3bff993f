//! A person's acts in the register: the case is read, the act decided ([`crate::case::act::decide`]), and all that it changes
//! written in one transaction with its line.
//!
//! Start reading at [`Recording::act`].

use super::record::{Entering, Recording};
use super::{Store, StoreError, count, narrow, time};
use crate::case::act::{Act, By, Moved, Refused, Standing, decide};
use crate::case::field::{Field, Words};
use crate::case::regime::Regime;
use crate::case::{CaseId, Kind, State};
use crate::store::base::{Db, params};
use crate::store::{ReceiptRow, TaskRow};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// A paper that is to be kept: its file is on disk already.
#[derive(Clone, Copy, Debug)]
pub struct NewReceipt<'a> {
    /// Whether it is the authority's, of a notification.
    pub is_notification: bool,
    /// Of the file.
    pub sha256: [u8; 32],
    /// Its name in the spool.
    pub file: &'a str,
    /// Bytes.
    pub size: u64,
}

impl Recording<'_> {
    /// Does an act, or says why it is refused; nothing has changed then. `None` when there is no such case.
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub fn act(
        &self,
        case: &CaseId,
        act: &Act,
        by: &By,
    ) -> Result<Option<Result<Moved, Refused>>, StoreError> {
        let Some(before) = self.standing(case)? else { return Ok(None) };
        let mut judged = before.clone();
        if *act == Act::Refute && before.state == State::Assessing && self.nothing_left(case)? {
            // The register knows that nothing has left: that there is a breach is no more than a suspicion.
            judged.state = State::Suspected;
        }
        let moved = match decide(&judged, act, by) {
            Ok(moved) => moved,
            Err(refused) => return Ok(Some(Err(refused))),
        };
        for (field, value) in &moved.facts {
            self.write_fact(case, *field, value)?;
        }
        let (aware, deadline) = moved.clock.unzip();
        self.db.execute(
            "UPDATE breach_case SET state = ?2, aware_at = ?3, deadline = ?4 WHERE id = ?1",
            params![
                case.as_str(),
                moved.state.word(),
                aware.map(|at| at.timestamp()),
                deadline.map(|at| at.timestamp())
            ],
        )?;
        if moved.state == State::Closed && before.kind() == Kind::NearMiss {
            // What is stopped from now on is a near miss of its own.
            self.ungroup(case)?;
        }
        if *act == Act::Reopen {
            self.db.execute("UPDATE breach_case SET hits_after = 0 WHERE id = ?1", params![case.as_str()])?;
        }
        let detail = detail_of(act, &before, &moved);
        self.enter_whole(&Entering {
            case,
            at: by.at,
            who: by.who.as_str(),
            event: moved.event,
            from: (moved.state != before.state).then_some(before.state),
            to: (moved.state != before.state).then_some(moved.state),
            reason: by.reason.as_ref().map(Words::as_str).unwrap_or_default(),
            detail: &detail,
        })?;
        self.replan(case, moved.alerts, by.at)?;
        Ok(Some(Ok(moved)))
    }

    /// The case as it stands.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn standing(&self, case: &CaseId) -> Result<Option<Standing>, StoreError> {
        standing(&self.db, case)
    }

    /// Keeps a paper; the same paper twice is one. Whether it is new.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn add_receipt(&self, case: &CaseId, receipt: &NewReceipt<'_>, by: &By) -> Result<bool, StoreError> {
        let kind = if receipt.is_notification { "notification" } else { "other" };
        let added = self.db.execute(
            "INSERT INTO receipt (case_id, at, who, kind, sha256, file, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO NOTHING",
            params![
                case.as_str(),
                by.at.timestamp(),
                by.who.as_str(),
                kind,
                receipt.sha256,
                receipt.file,
                narrow(receipt.size)
            ],
        )?;
        if added == 0 {
            return Ok(false);
        }
        let hash = crate::case::chain::hex(&receipt.sha256);
        let detail =
            serde_json::json!({ "kind": kind, "sha256": hash, "file": receipt.file, "size": receipt.size })
                .to_string();
        self.enter_act(case, "receipt", by, &detail)?;
        Ok(true)
    }

    /// Notes what is to be done; its number.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn add_task(&self, case: &CaseId, what: &Words, whose: &Words, by: &By) -> Result<i64, StoreError> {
        let id: i64 = self.db.one(
            "INSERT INTO task (case_id, what, who, added_at) VALUES (?1, ?2, ?3, ?4) RETURNING id",
            params![case.as_str(), what.as_str(), whose.as_str(), by.at.timestamp()],
            |row| row.get(0),
        )?;
        let detail =
            serde_json::json!({ "task": id, "what": what.as_str(), "who": whose.as_str() }).to_string();
        self.enter_act(case, "task_added", by, &detail)?;
        Ok(id)
    }

    /// A task is done. Whether it was open.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn task_done(&self, case: &CaseId, task: i64, by: &By) -> Result<bool, StoreError> {
        let done = self.db.execute(
            "UPDATE task SET done_at = ?3 WHERE id = ?2 AND case_id = ?1 AND done_at IS NULL",
            params![case.as_str(), task, by.at.timestamp()],
        )?;
        if done > 0 {
            self.enter_act(case, "task_done", by, &serde_json::json!({ "task": task }).to_string())?;
        }
        Ok(done > 0)
    }

    /// Erases a closed case whose time of keeping is over: every content of it, its persons and its key's salt. Its links stay, and
    /// a tombstone keeps its last line, which says who did it, when and why. Whether it was erased: not before the time that its
    /// lines say, and not without a reason. The tables have no say in it.
    ///
    /// # Errors
    /// When the register cannot be written, or the case is not what its lines say: what was forged is not erased.
    pub fn purge(&self, case: &CaseId, by: &By) -> Result<bool, StoreError> {
        // What is held under it is somebody's letter still.
        if self.standing(case)?.is_none_or(|standing| standing.held > 0) {
            return Ok(false);
        }
        let proof = self.prove(case)?;
        if !proof.verified.is_whole() {
            return Err(StoreError::Beside(format!(
                "{case} is not what its lines say, and is not erased; see `brevdue case verify {case}`"
            )));
        }
        let is_closed = proof.lines.state == State::Closed.word();
        let at_least = super::proof::kept_by_anchors(&self.db, case.as_str())?;
        let is_over = is_closed && at_least.is_none_or(|until| until <= by.at);
        let until = proof.keep_until().filter(|until| is_over && *until <= by.at);
        let (Some(until), Some(reason)) = (until, by.reason.as_ref().map(Words::as_str)) else {
            return Ok(false);
        };
        let detail = super::proof::purged_detail(proof.closed_at, until);
        self.enter_act(case, "purged", by, &detail)?;
        let salt: [u8; 16] = self.db.one(
            "SELECT salt FROM register_salt WHERE case_id = ?1 ORDER BY ordinal DESC LIMIT 1",
            params![case.as_str()],
            |row| row.get(0),
        )?;
        self.db.execute(
            "INSERT INTO tombstone (case_id, at, who, reason, detail, salt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![case.as_str(), by.at.timestamp(), by.who.as_str(), reason, detail, salt],
        )?;
        for table in [
            "register_entry",
            "register_salt",
            "case_beside",
            "acknowledgement",
            "notice",
            "acknowledgement",
            "case_fact",
            "receipt",
            "task",
            "person",
            "held_case",
            "detection",
            "released_case",
        ] {
            self.db.execute(&format!("DELETE FROM {table} WHERE case_id = ?1"), params![case.as_str()])?;
        }
        self.db.execute("DELETE FROM released_case WHERE near_miss = ?1", params![case.as_str()])?;
        self.db.execute("DELETE FROM breach_case WHERE id = ?1", params![case.as_str()])?;
        Ok(true)
    }

    fn write_fact(&self, case: &CaseId, field: Field, value: &str) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT INTO case_fact (case_id, field, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (case_id, field) DO UPDATE SET value = excluded.value",
            params![case.as_str(), field.word(), value],
        )?;
        Ok(())
    }

    pub(super) fn facts_of(&self, case: &CaseId) -> Result<BTreeMap<Field, String>, StoreError> {
        facts(&self.db, case)
    }

    fn enter_act(&self, case: &CaseId, event: &str, by: &By, detail: &str) -> Result<(), StoreError> {
        self.enter_whole(&Entering {
            case,
            at: by.at,
            who: by.who.as_str(),
            event,
            from: None,
            to: None,
            reason: by.reason.as_ref().map(Words::as_str).unwrap_or_default(),
            detail,
        })
    }
}

/// What was said, with the value before where one was changed: nothing that was written is lost.
fn detail_of(act: &Act, before: &Standing, moved: &Moved) -> String {
    let mut said = serde_json::Map::new();
    for (field, value) in &moved.facts {
        let was = before.facts.get(field);
        let value = match was {
            Some(was) if was != value => serde_json::json!({ "before": was, "now": value }),
            Some(_) | None => serde_json::json!({ "now": value }),
        };
        said.insert(field.word().to_owned(), value);
    }
    let is_clock = matches!(act, Act::Aware(_)) || moved.clock != before.aware_at.zip(before.deadline);
    if let Some((aware, deadline)) = moved.clock.filter(|_| is_clock) {
        let shown = |at: DateTime<Utc>| crate::case::local::written(at);
        said.insert(
            "aware_at".to_owned(),
            serde_json::json!({ "before": before.aware_at.map(shown), "now": shown(aware) }),
        );
        said.insert(
            "deadline".to_owned(),
            serde_json::json!({ "before": before.deadline.map(shown), "now": shown(deadline) }),
        );
    }
    match act {
        Act::Document { approver } => {
            said.insert("approver".to_owned(), approver.as_str().into());
        }
        Act::Notified { at, .. }
        | Act::NotifiedCorrected { at, .. }
        | Act::Supplemented { at, .. }
        | Act::Nis2(_, at) => {
            said.insert("at".to_owned(), crate::case::local::written(*at).into());
        }
        Act::Confirm
        | Act::Refute
        | Act::Aware(_)
        | Act::Record(..)
        | Act::Inform(_)
        | Act::Close
        | Act::Reopen => {}
    }
    if said.is_empty() { String::new() } else { serde_json::Value::Object(said).to_string() }
}

fn standing(db: &Db<'_>, case: &CaseId) -> Result<Option<Standing>, StoreError> {
    let found = db.first(
        "SELECT state, detected_at, aware_at, deadline, regime,
             (SELECT count(*) FROM receipt r WHERE r.case_id = c.id AND r.kind = 'notification'),
             (SELECT count(*) FROM register_entry e
              WHERE e.case_id = c.id AND e.event IN ('notified', 'supplemented_finally')),
             (SELECT count(*) FROM held_case hc JOIN held h ON h.id = hc.held
              WHERE hc.case_id = c.id AND h.state IN ('waiting', 'approved'))
         FROM breach_case c WHERE id = ?1",
        params![case.as_str()],
        |row| {
            let regime: String = row.get(4)?;
            Ok(Standing {
                state: super::read::state(&row.get::<String>(0)?)?,
                detected_at: time(row.get(1)?),
                aware_at: row.get::<Option<i64>>(2)?.map(time),
                deadline: row.get::<Option<i64>>(3)?.map(time),
                regime: Regime::named(&regime)
                    .ok_or(StoreError::Unreadable { what: "regime", value: regime })?,
                facts: BTreeMap::new(),
                receipts: count(row.get(5)?),
                was_final: row.get::<i64>(6)? > 0,
                held: count(row.get(7)?),
            })
        },
    )?;
    let Some(standing) = found else { return Ok(None) };
    Ok(Some(Standing { facts: facts(db, case)?, ..standing }))
}

fn facts(db: &Db<'_>, case: &CaseId) -> Result<BTreeMap<Field, String>, StoreError> {
    let sql = "SELECT field, value FROM case_fact WHERE case_id = ?1";
    let rows =
        db.all(sql, params![case.as_str()], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?;
    rows.into_iter()
        .map(|(word, value)| {
            let field = Field::from_word(&word);
            Ok((field.ok_or(StoreError::Unreadable { what: "field", value: word })?, value))
        })
        .collect()
}

pub(super) fn beside(db: &Db<'_>, case: &CaseId) -> Result<Vec<(String, u64)>, StoreError> {
    let sql = "SELECT word, mails FROM case_beside WHERE case_id = ?1 ORDER BY mails DESC, word";
    db.all(sql, params![case.as_str()], |row| Ok((row.get(0)?, count(row.get(1)?))))
}

impl Store {
    /// The case as it stands.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn standing(&self, case: &CaseId) -> Result<Option<Standing>, StoreError> {
        standing(&self.db()?, case)
    }

    pub(super) fn facts(&self, case: &CaseId) -> Result<BTreeMap<Field, String>, StoreError> {
        facts(&self.db()?, case)
    }

    pub(super) fn receipts(&self, case: &CaseId) -> Result<Vec<ReceiptRow>, StoreError> {
        let sql = "SELECT at, who, kind, sha256, file, size FROM receipt WHERE case_id = ?1 ORDER BY id";
        self.db()?.all(sql, params![case.as_str()], |row| {
            Ok(ReceiptRow {
                at: time(row.get(0)?),
                who: row.get(1)?,
                is_notification: row.get::<String>(2)? == "notification",
                sha256: row.get(3)?,
                file: row.get(4)?,
                size: count(row.get(5)?),
            })
        })
    }

    pub(super) fn tasks(&self, case: &CaseId) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "SELECT id, what, who, added_at, done_at FROM task WHERE case_id = ?1 ORDER BY id";
        self.db()?.all(sql, params![case.as_str()], |row| {
            Ok(TaskRow {
                id: row.get(0)?,
                what: row.get(1)?,
                who: row.get(2)?,
                added_at: time(row.get(3)?),
                done_at: row.get::<Option<i64>>(4)?.map(time),
            })
        })
    }

    /// What else stood in the mails of this case, and in how many of them; a lower bound, from the start of each text.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn beside(&self, case: &CaseId) -> Result<Vec<(String, u64)>, StoreError> {
        beside(&self.db()?, case)
    }

    /// How many mails of this case, and persons in each added up, went to each recipient domain; of a mail to several domains
    /// each counts it.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn reached_domains(&self, case: &CaseId) -> Result<Vec<(String, u64, u64)>, StoreError> {
        let sql = "SELECT recipient_domains, count(*), CAST(sum(persons) AS BIGINT) FROM detection WHERE case_id = ?1
                   GROUP BY recipient_domains";
        let rows = self.db()?.all(sql, params![case.as_str()], |row| {
            Ok((row.get::<String>(0)?, count(row.get(1)?), count(row.get(2)?)))
        })?;
        let mut domains: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (together, mails, persons) in rows {
            for domain in together.split_ascii_whitespace() {
                let of = domains.entry(domain.to_owned()).or_default();
                *of = (of.0 + mails, of.1 + persons);
            }
        }
        let mut domains: Vec<_> =
            domains.into_iter().map(|(domain, (mails, persons))| (domain, mails, persons)).collect();
        domains.sort_by_key(|(_, mails, _)| std::cmp::Reverse(*mails));
        Ok(domains)
    }

    /// The closed cases whose time of keeping is over.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn to_purge(&self, now: DateTime<Utc>) -> Result<Vec<CaseId>, StoreError> {
        let sql = "SELECT c.id, f.value FROM breach_case c JOIN case_fact f ON f.case_id = c.id AND f.field = 'keep_until'
                   WHERE c.state = 'closed' AND NOT EXISTS (SELECT 1 FROM held_case hc JOIN held h ON h.id = hc.held
                       WHERE hc.case_id = c.id AND h.state IN ('waiting', 'approved')) ORDER BY c.id";
        let closed = self.db()?.all(sql, params![], |row| {
            Ok((super::read::case_id(&row.get::<String>(0)?)?, row.get::<String>(1)?))
        })?;
        let is_over = |until: &str| until.parse::<DateTime<Utc>>().is_ok_and(|until| until <= now);
        Ok(closed.into_iter().filter(|(_, until)| is_over(until)).map(|(case, _)| case).collect())
    }
}
