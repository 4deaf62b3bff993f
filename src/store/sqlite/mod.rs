//! The register in one SQLite file: WAL, synchronous=FULL, so that what was committed survives the power.
//!
//! Start reading at [`Store::record`]: everything that a message changes is one transaction.

mod breach;
mod delivery;
mod held;
mod held_rows;
mod notices;
mod passage;
mod promise;
mod read;
mod record;

pub use held_rows::HeldTally;
pub use record::{Joined, Opening, Recording};

use super::{StoreError, migrate};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The register. Shared by all rooms of a process; other processes may open the same file beside it.
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// How long a writer waits for another process before the mail is told to come again.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Opens the register, makes it where there is none, and brings it up to date.
    ///
    /// # Errors
    /// When the file cannot be made, opened or brought up to date, or is of a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        create_private(path).map_err(|source| StoreError::File { path: path.to_owned(), source })?;
        let mut connection = Connection::open(path).map_err(open)?;
        connection.busy_timeout(Self::PATIENCE).map_err(open)?;
        write_ahead(&connection).map_err(open)?;
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(open)?;
        migrate::run(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Does everything that a message changes in one transaction: all of it is on disk when this returns, or
    /// none of it happened.
    ///
    /// # Errors
    /// When the work fails, or the register cannot be written; nothing has changed then.
    pub fn record<T>(
        &self,
        work: impl FnOnce(&Recording<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&Recording::new(&transaction))?;
        transaction.commit()?;
        Ok(done)
    }

    /// How many messages passed unread, by kind and verdict.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn unread_tally(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare("SELECT kind, verdict, sum(messages) FROM unread_tally GROUP BY kind, verdict ORDER BY kind, verdict")?;
        let rows = statement
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The check value of the node key whose digests stand in the register.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn node_key_check(&self) -> Result<Option<[u8; 16]>, StoreError> {
        Ok(self.lock().query_row("SELECT node_key_check FROM binding", (), |row| row.get(0)).optional()?)
    }

    /// Binds the register to a node key, once; returns the check value of the key that it is bound to now, which
    /// is another's when another process came first.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn bind_node_key(&self, check: [u8; 16]) -> Result<[u8; 16], StoreError> {
        let connection = self.lock();
        connection.execute("INSERT OR IGNORE INTO binding (one, node_key_check) VALUES (1, ?1)", [check])?;
        Ok(connection.query_row("SELECT node_key_check FROM binding", (), |row| row.get(0))?)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held rolled its transaction back; the connection is sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Turns on the write-ahead log. SQLite does not wait here for another process that does the same to a new file
/// (it would wait for ever), so we do.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL;") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < Store::PATIENCE =>
            {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            done => return done,
        }
    }
}

/// The register is its owner's alone; SQLite would make the file readable to all.
fn create_private(path: &Path) -> io::Result<()> {
    if path == Path::new(":memory:") {
        return Ok(());
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
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
