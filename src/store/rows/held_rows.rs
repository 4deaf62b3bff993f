//! Held mail: what is asked of its rows, how far its node has come, and which senders are to be told.

use super::{Store, StoreError, count, time};
use crate::store::base::{Db, Param, Row, params};
use crate::store::held::{Act, DueTelling, HeldDecision, HeldEntry, HeldRow, HeldState, Place, Telling};
use chrono::{DateTime, Utc};

const HELD: &str = "
    SELECT h.id, h.name, h.place, h.node, h.at, h.arrived_at, h.size, h.sender, h.sender_domain, h.recipient_domains,
           h.recipients, h.dpo, h.state, h.act, h.decided_by, h.why, h.decided_at, h.began_at, h.accepted_at,
           h.settled_at, h.attempts, h.next_try_at, h.last_error, h.alarmed_at,
           (SELECT string_agg(case_id, ' ') FROM held_case WHERE held = h.id)
    FROM held h";

impl Store {
    /// Every held mail, the oldest first: those that are open, or all.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn held(&self, all: bool) -> Result<Vec<HeldRow>, StoreError> {
        let which = if all { "" } else { "WHERE h.state IN ('waiting', 'approved')" };
        rows(&self.db()?, &format!("{HELD} {which} ORDER BY h.at, h.id"), params![])
    }

    /// The held mail of this name: the one that is open, else the newest.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn held_named(&self, name: &str) -> Result<Option<HeldRow>, StoreError> {
        let sql = format!(
            "{HELD} WHERE h.name = ?1 ORDER BY h.state IN ('waiting', 'approved') DESC, h.id DESC LIMIT 1"
        );
        Ok(rows(&self.db()?, &sql, params![name])?.pop())
    }

    /// Whether this file of this node has ever had a row.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn held_of_file(&self, node: &str, name: &str) -> Result<Option<HeldRow>, StoreError> {
        let sql = format!(
            "{HELD} WHERE h.place = 'spool' AND h.node = ?1 AND h.name = ?2 ORDER BY h.id DESC LIMIT 1"
        );
        Ok(rows(&self.db()?, &sql, params![node, name])?.pop())
    }

    /// What was done about a held mail, in order.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn held_entries(&self, held: i64) -> Result<Vec<HeldEntry>, StoreError> {
        let connection = self.db()?;
        connection.all(
            "SELECT at, who, event, reason FROM held_entry WHERE held = ?1 ORDER BY ordinal",
            params![held],
            |row| {
                Ok(HeldEntry {
                    at: time(row.get(0)?),
                    who: row.get(1)?,
                    event: row.get(2)?,
                    reason: row.get(3)?,
                })
            },
        )
    }

    /// The step that cannot be taken back begins now.
    ///
    /// # Errors
    /// When the register cannot be written; the step must not be taken.
    pub fn held_began(&self, held: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.change(
            "UPDATE held SET began_at = coalesce(began_at, ?2) WHERE id = ?1",
            params![held, now.timestamp()],
        )
    }

    /// The next hop has said yes.
    ///
    /// # Errors
    /// When the register cannot be written; the mail may go twice.
    pub fn held_accepted(&self, held: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.change("UPDATE held SET accepted_at = ?2 WHERE id = ?1", params![held, now.timestamp()])
    }

    /// When it arrived, by the mail server's queue.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn held_arrived(&self, held: i64, arrived: DateTime<Utc>) -> Result<(), StoreError> {
        self.change(
            "UPDATE held SET arrived_at = ?2 WHERE id = ?1 AND arrived_at IS NULL",
            params![held, arrived.timestamp()],
        )
    }

    /// Its node could not act: not before `again_at`.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn held_delayed(&self, held: i64, again_at: DateTime<Utc>, error: &str) -> Result<(), StoreError> {
        self.change(
            "UPDATE held SET next_try_at = ?2, last_error = ?3, attempts = attempts + 1 WHERE id = ?1",
            params![held, again_at.timestamp(), error],
        )
    }

    /// An alarm that nobody has decided has left.
    ///
    /// # Errors
    /// When the register cannot be written; it goes once more.
    pub fn held_alarmed(&self, held: &[i64], at: DateTime<Utc>) -> Result<(), StoreError> {
        self.record(|recording| {
            for held in held {
                recording.db.execute(
                    "UPDATE held SET alarmed_at = ?2 WHERE id = ?1",
                    params![held, at.timestamp()],
                )?;
                recording.enter_held(*held, at, "brevdue", "alarm", "ingen har taget stilling")?;
            }
            Ok(())
        })
    }

    /// The senders that this node is to tell now.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn due_tellings(&self, node: &str, now: DateTime<Utc>) -> Result<Vec<DueTelling>, StoreError> {
        let connection = self.db()?;
        let due = connection.all("SELECT t.held, t.what, t.attempts FROM held_telling t JOIN held h ON h.id = t.held
             WHERE t.state = 'due' AND t.next_try_at <= ?2 AND h.node = ?1 ORDER BY t.next_try_at, t.held LIMIT 100", params![node, now.timestamp()], |row| {
            Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<u32>(2)?))
        })?;
        let mut tellings = Vec::new();
        for (held, word, attempts) in due {
            let what = Telling::ALL.into_iter().find(|one| one.word() == word);
            let what = what.ok_or(StoreError::Unreadable { what: "telling", value: word })?;
            if let Some(held) = rows(&connection, &format!("{HELD} WHERE h.id = ?1"), params![held])?.pop() {
                tellings.push(DueTelling { held, what, attempts });
            }
        }
        Ok(tellings)
    }

    /// How often the sender of this digest was told since then that a mail is held.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn told_of_holds(&self, sender: [u8; 16], since: DateTime<Utc>) -> Result<u64, StoreError> {
        let told: i64 = self.db()?.one(
            "SELECT count(*) FROM held_telling t JOIN held h ON h.id = t.held
             WHERE h.sender = ?1 AND t.what = 'held' AND t.state = 'told' AND t.settled_at > ?2",
            params![sender, since.timestamp()],
            |row| row.get(0),
        )?;
        Ok(count(told))
    }

    /// The sender was told (`left` is `None`), or cannot be told for this reason.
    ///
    /// # Errors
    /// When the register cannot be written; it goes once more.
    pub fn told(
        &self,
        held: i64,
        what: Telling,
        at: DateTime<Utc>,
        left: Option<&str>,
    ) -> Result<(), StoreError> {
        let state = if left.is_none() { "told" } else { "left" };
        self.record(|recording| {
            recording.db.execute(
                "INSERT INTO held_telling (held, what, next_try_at, state, settled_at, last_error)
                 VALUES (?1, ?2, ?3, ?4, ?3, ?5)
                 ON CONFLICT (held, what) DO UPDATE SET state = ?4, settled_at = ?3, last_error = ?5",
                params![held, what.word(), at.timestamp(), state, left],
            )?;
            let event = if left.is_none() { "sender_told" } else { "sender_not_told" };
            recording.enter_held(held, at, "brevdue", event, left.unwrap_or(what.word()))
        })
    }

    /// The sender could not be told now: not before `again_at`.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn telling_delayed(
        &self,
        held: i64,
        what: Telling,
        again_at: DateTime<Utc>,
        error: &str,
    ) -> Result<(), StoreError> {
        self.change(
            "UPDATE held_telling SET next_try_at = ?3, attempts = attempts + 1, last_error = ?4
             WHERE held = ?1 AND what = ?2",
            params![held, what.word(), again_at.timestamp(), error],
        )
    }

    /// How much mail there is in each state, and when the oldest that is open was held.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn held_tally(&self) -> Result<HeldTally, StoreError> {
        let connection = self.db()?;
        let mut tally = HeldTally::default();
        let counts = connection.all("SELECT state, count(*) FROM held GROUP BY state", params![], |row| {
            Ok((row.get::<String>(0)?, row.get::<i64>(1)?))
        })?;
        for counted in counts {
            let (word, number) = counted;
            if let Some(state) = HeldState::ALL.into_iter().find(|state| state.word() == word) {
                tally.of.push((state, count(number)));
            }
        }
        let oldest: Option<i64> = connection.one(
            "SELECT min(at) FROM held WHERE state IN ('waiting', 'approved')",
            params![],
            |row| row.get(0),
        )?;
        tally.oldest = oldest.map(time);
        Ok(tally)
    }
}

/// How much mail is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldTally {
    /// Mails by state; states that no mail is in are left out.
    pub of: Vec<(HeldState, u64)>,
    /// When the oldest that is open was held.
    pub oldest: Option<DateTime<Utc>>,
}

fn rows(connection: &Db<'_>, sql: &str, parameters: &[Param<'_>]) -> Result<Vec<HeldRow>, StoreError> {
    connection.all(sql, parameters, held_row)
}

fn held_row(row: &Row) -> Result<HeldRow, StoreError> {
    fn word<T: Copy>(
        all: &[T],
        word: impl Fn(T) -> &'static str,
        text: String,
        what: &'static str,
    ) -> Result<T, StoreError> {
        let found = all.iter().copied().find(|one| word(*one) == text);
        found.ok_or(StoreError::Unreadable { what, value: text })
    }
    let cases: Option<String> = row.get(24)?;
    let cases = cases.unwrap_or_default();
    let cases = cases.split_ascii_whitespace().map(super::read::case_id).collect::<Result<_, _>>()?;
    let when = |at: usize| -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(row.get::<Option<i64>>(at)?.map(time))
    };
    let act: Option<String> = row.get(13)?;
    let decision = match act {
        Some(act) => Some(HeldDecision {
            act: word(&Act::ALL, Act::word, act, "act")?,
            by: row.get(14)?,
            why: row.get(15)?,
            at: time(row.get(16)?),
        }),
        None => None,
    };
    Ok(HeldRow {
        row: row.get(0)?,
        name: row.get(1)?,
        place: word(&Place::ALL, Place::word, row.get(2)?, "place")?,
        node: row.get(3)?,
        cases,
        at: time(row.get(4)?),
        arrived_at: when(5)?,
        size: count(row.get(6)?),
        sender: row.get(7)?,
        sender_domain: row.get(8)?,
        recipient_domains: row.get(9)?,
        recipients: count(row.get(10)?),
        dpo: row.get(11)?,
        state: word(&HeldState::ALL, HeldState::word, row.get(12)?, "state")?,
        decision,
        began_at: when(17)?,
        accepted_at: when(18)?,
        settled_at: when(19)?,
        attempts: row.get(20)?,
        next_try_at: time(row.get(21)?),
        last_error: row.get(22)?,
        alarmed_at: when(23)?,
    })
}
