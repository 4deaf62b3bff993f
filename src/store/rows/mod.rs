//! What is asked of the register and changed in it, in the SQL that every database here understands.
//!
//! Start reading at [`Store::record`]: everything that a message changes is one transaction.

mod act;
mod ahead;
mod alarm;
mod archived;
mod breach;
mod chain;
mod delivery;
mod growth;
mod held;
mod held_rows;
mod node;
mod notices;
mod passage;
mod plan;
mod promise;
mod proof;
mod read;
mod record;
mod released;
mod returned;
mod survey;
mod template;

pub use act::NewReceipt;
pub use alarm::{Acknowledged, Settled, Untaken};
pub use archived::{Brought, KnownMail, Sent};
pub use chain::Anchor;
pub(in crate::store) use chain::chain_all;
pub use held_rows::HeldTally;
pub use node::Claimed;
pub use proof::{Anchors, Verified};
pub use record::{Joined, Opening, Recording};

use super::base::group::Group;
use super::base::server::Server;
use super::base::{Db, Param, Run, file, params, server};
use super::outage::Outage;
use super::{ServerUrl, StoreError, StoreUrl, migrate};
use crate::case::milestone::Planning;
use crate::case::template::Templates;
use chrono::{DateTime, Utc};
use rusqlite::Connection;
use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// The register. Shared by all rooms of a process; other processes may open the same file or server beside it.
pub struct Store {
    group: Group,
    reader: Reader,
    /// The templates of [`template`], as far as they were asked for.
    templates: Mutex<Templates>,
    /// What alerts are planned by.
    planning: RwLock<Arc<Planning>>,
    outage: Outage,
    /// By how many seconds this machine's clock is ahead of the server's ([`ahead`]).
    clock_off: AtomicI64,
}

/// Where questions are put.
enum Reader {
    File(Mutex<Connection>),
    Server(Arc<Server>),
}

impl Store {
    /// Opens the register that the configuration names, makes it where there is none, and brings it up to date.
    ///
    /// # Errors
    /// When it cannot be made, opened, reached or brought up to date, or is of a newer program.
    pub fn at(url: &StoreUrl) -> Result<Self, StoreError> {
        match url {
            StoreUrl::Sqlite(path) => Self::open(path),
            StoreUrl::Postgres(url) => Self::connect(url),
        }
    }

    /// Opens a register in a file.
    ///
    /// # Errors
    /// When the file cannot be made, opened or brought up to date, or is of a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = file::open(path)?;
        migrate::file(&writer)?;
        let reader = Reader::File(Mutex::new(file::open(path)?));
        let path = path.to_owned();
        let connect = move || Ok(Box::new(file::open(&path)?) as Box<dyn Run + Send>);
        Ok(Self {
            group: Group::new(Some(Box::new(writer)), Box::new(connect), file::BEGIN),
            reader,
            templates: Mutex::default(),
            planning: RwLock::default(),
            outage: Outage::default(),
            clock_off: AtomicI64::new(0),
        })
    }

    /// Connects to a register on a server.
    ///
    /// # Errors
    /// When it cannot be reached or brought up to date, or is of a newer program.
    pub fn connect(url: &ServerUrl) -> Result<Self, StoreError> {
        let server = Arc::new(Server::new(url.clone())?);
        let writer = server.connect()?;
        if !migrate::is_newest(&writer)? {
            migrate::server(&server.connect_unhurried()?)?;
        }
        let of = Arc::clone(&server);
        let connect = move || Ok(Box::new(of.connect()?) as Box<dyn Run + Send>);
        let group = Group::new(Some(Box::new(writer)), Box::new(connect), server::BEGIN);
        Ok(Self {
            group,
            reader: Reader::Server(server),
            templates: Mutex::default(),
            planning: RwLock::default(),
            outage: Outage::default(),
            clock_off: AtomicI64::new(0),
        })
    }

    /// Plans alerts by these hours and people from now on. Without it: the usual hours, and the DPO alone.
    pub fn plan_by(&self, planning: Planning) {
        *self.planning.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(planning);
    }

    /// What alerts are planned by.
    pub fn planning(&self) -> Arc<Planning> {
        Arc::clone(&self.planning.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does everything that a message changes in one transaction: all of it is on disk when this returns, or
    /// none of it happened. Those who come together share its fsync.
    ///
    /// # Errors
    /// When the work fails, or the register cannot be written; nothing has changed then.
    pub fn record<T>(
        &self,
        work: impl FnOnce(&Recording<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let planning = self.planning();
        let done = self.group.record(|run| work(&Recording::new(run, &planning)));
        match &done {
            Ok(_) => self.outage.wrote(),
            Err(error) => self.outage.failed(error),
        }
        done
    }

    /// Whether the register is known to be away, which the log says by itself: once, then once a minute, and when it is back.
    /// Whoever meets it meanwhile need not.
    pub fn is_away(&self) -> bool {
        self.outage.is_open()
    }

    /// Whether it can be written now: a transaction with nothing in it. One that is known to be away is asked by a row that is
    /// really written, for a full disk takes an empty transaction, and not more than once in ten seconds.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn probe(&self) -> Result<(), StoreError> {
        const AGAIN: Duration = Duration::from_secs(10);
        match self.outage.last_met() {
            Some(ago) if ago < AGAIN => {
                Err(StoreError::Commit("it could not be written some seconds ago".to_owned()))
            }
            Some(_) => self.change(
                "INSERT INTO alarm_task (name) VALUES ('probe') ON CONFLICT (name) DO UPDATE SET done_at = NULL",
                params![],
            ),
            None => self.record(|_| Ok(())),
        }
    }

    /// A change that is one statement.
    fn change(&self, sql: &str, params: &[Param<'_>]) -> Result<(), StoreError> {
        self.record(|recording| recording.db.execute(sql, params)).map(drop)
    }

    /// How many messages passed unread, by kind and verdict.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn unread_tally(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        let sql = "SELECT kind, verdict, CAST(sum(messages) AS BIGINT) FROM unread_tally
                   GROUP BY kind, verdict ORDER BY kind, verdict";
        self.db()?.all(sql, params![], |row| Ok((row.get(0)?, row.get(1)?, count(row.get(2)?))))
    }

    /// The check value of the node key whose digests stand in the register.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn node_key_check(&self) -> Result<Option<[u8; 16]>, StoreError> {
        self.db()?.first("SELECT node_key_check FROM binding", params![], |row| row.get(0))
    }

    /// Binds the register to a node key, once; returns the check value of the key that it is bound to now, which
    /// is another's when another process came first.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn bind_node_key(&self, check: [u8; 16]) -> Result<[u8; 16], StoreError> {
        self.record(|recording| {
            let sql = "INSERT INTO binding (one, node_key_check) VALUES (1, ?1) ON CONFLICT DO NOTHING";
            recording.db.execute(sql, params![check])?;
            recording.db.one("SELECT node_key_check FROM binding", params![], |row| row.get(0))
        })
    }

    fn db(&self) -> Result<Db<'_>, StoreError> {
        match &self.reader {
            // A panic while it was held left nothing open on it.
            Reader::File(file) => Ok(Db::File(file.lock().unwrap_or_else(PoisonError::into_inner))),
            Reader::Server(server) => {
                server.lend().map(Db::Server).inspect_err(|error| self.outage.failed(error))
            }
        }
    }
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

fn count(value: i64) -> u64 {
    value.unsigned_abs()
}

fn narrow(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
