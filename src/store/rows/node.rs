//! Which spool a machine's name stands for.
//!
//! Held mail is addressed to a machine by its name, and what does not lie in that machine's spool is said to be gone. So a name
//! is one spool's: a random word in the spool is bound to it at the first start.
//!
//! | the name | the spool | at the start |
//! |---|---|---|
//! | nobody's | new | bound |
//! | nobody's | bound to another name | the machine was renamed: its open rows go with it |
//! | this spool's | | goes on |
//! | another spool's, that was seen lately | | refused |
//! | another spool's, that was not seen for long ([`Store::claim_node`]) | | taken over: that spool is lost |
//!
//! Start reading at [`Store::claim_node`]. Tests: `tests/register/node.rs`.

use super::record::Recording;
use super::{Store, StoreError};
use crate::store::base::params;
use chrono::{DateTime, TimeDelta, Utc};

/// Of a machine that has held mail, for so long nobody else takes its name: it may be down.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// And of one that has none.
const KEPT_EMPTY: TimeDelta = TimeDelta::minutes(10);

/// What came of asking for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is this spool's.
    Own,
    /// It is, and this spool had another name before.
    Renamed(String),
    /// It is, and was another spool's that is lost.
    TakenOver,
    /// It is another spool's, which was seen then.
    Refused(DateTime<Utc>),
}

impl Store {
    /// Binds a machine's name to its spool. A name whose spool was not seen for ten minutes and has no held mail, or for 24
    /// hours, is given to whoever asks.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn claim_node(&self, name: &str, id: [u8; 16], now: DateTime<Utc>) -> Result<Claimed, StoreError> {
        self.record(|recording| recording.claim_node(name, id, now))
    }

    /// The machine has looked into its spool. Whether its name is still its own: another may have taken it while it was silent.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn node_seen(&self, name: &str, id: [u8; 16], now: DateTime<Utc>) -> Result<bool, StoreError> {
        self.record(|recording| {
            let sql = "UPDATE node SET seen_at = ?3 WHERE name = ?1 AND id = ?2";
            Ok(recording.db.execute(sql, params![name, id, now.timestamp()])? > 0)
        })
    }
}

impl Recording<'_> {
    fn claim_node(&self, name: &str, id: [u8; 16], now: DateTime<Utc>) -> Result<Claimed, StoreError> {
        let owner = "SELECT id, seen_at FROM node WHERE name = ?1";
        let owner = self.db.first(owner, params![name], |row| Ok((row.get::<[u8; 16]>(0)?, row.get(1)?)))?;
        let mut claimed = Claimed::Own;
        if let Some((of, seen)) = owner.filter(|(of, _)| *of != id) {
            let seen = super::time(seen);
            let sql = "SELECT 1 FROM held WHERE node = ?1 AND state IN ('waiting', 'approved') LIMIT 1";
            let has_mail = self.db.first(sql, params![name], |row| row.get::<i64>(0))?.is_some();
            if now - seen < if has_mail { KEPT } else { KEPT_EMPTY } {
                return Ok(Claimed::Refused(seen));
            }
            self.db.execute("DELETE FROM node WHERE id = ?1", params![of])?;
            claimed = Claimed::TakenOver;
        }
        let before = "SELECT name FROM node WHERE id = ?1";
        let before = self.db.first(before, params![id], |row| row.get::<String>(0))?;
        if let Some(before) = before.filter(|before| before != name) {
            self.db.execute(
                "UPDATE held SET node = ?2 WHERE node = ?1 AND state IN ('waiting', 'approved')
                     AND NOT EXISTS (SELECT 1 FROM held o WHERE o.node = ?2 AND o.place = held.place
                                     AND o.name = held.name AND o.state IN ('waiting', 'approved'))",
                params![before, name],
            )?;
            self.db.execute(
                "INSERT INTO evidence_begun (case_id, node) SELECT case_id, ?2 FROM evidence_begun WHERE node = ?1
                 ON CONFLICT DO NOTHING",
                params![before, name],
            )?;
            self.db.execute("DELETE FROM node WHERE id = ?1", params![id])?;
            claimed = Claimed::Renamed(before);
        }
        self.db.execute(
            "INSERT INTO node (name, id, seen_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET seen_at = ?3",
            params![name, id, now.timestamp()],
        )?;
        Ok(claimed)
    }
}
