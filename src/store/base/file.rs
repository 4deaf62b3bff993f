//! A register in one SQLite file: WAL, synchronous=FULL, so that what was committed survives the power.
//!
//! One connection writes ([`super::group`]) and another reads, so that no question waits for a disk.

use super::{Param, Row, Run, Value};
use crate::store::StoreError;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, params_from_iter};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// How long a writer waits for another process before the mail is told to come again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Statements kept ready on a connection: more than the room has.
const STATEMENTS: usize = 200;

/// Begins a transaction that writes.
pub(in crate::store) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Opens the file, makes it where there is none.
///
/// # Errors
/// When it cannot be made or opened.
pub(in crate::store) fn open(path: &Path) -> Result<Connection, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    create_private(path).map_err(|source| StoreError::File { path: path.to_owned(), source })?;
    let connection = Connection::open(path).map_err(open)?;
    connection.busy_timeout(PATIENCE).map_err(open)?;
    write_ahead(&connection).map_err(open)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(open)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Turns on the write-ahead log. SQLite does not wait here for another process that does the same to a new file
/// (it would wait for ever), so we do.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL;") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < PATIENCE => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            done => return done,
        }
    }
}

/// The register is its owner's alone; SQLite would make the file readable to all.
fn create_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

impl Run for Connection {
    fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        Ok(self.prepare_cached(sql)?.execute(params_from_iter(params))?)
    }

    fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(params))?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|at| {
                Ok(match row.get_ref(at)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Int(number),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                    ValueRef::Real(_) => {
                        return Err(StoreError::Unreadable {
                            what: "column",
                            value: "a fraction".to_owned(),
                        });
                    }
                })
            });
            read.push(Row(values.collect::<Result<_, StoreError>>()?));
        }
        Ok(read)
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.execute_batch(sql)?)
    }

    fn is_within(&self) -> bool {
        !self.is_autocommit()
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Param::Int(Some(number)) => ValueRef::Integer(number),
            Param::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Param::Blob(Some(bytes)) => ValueRef::Blob(bytes),
            Param::Int(None) | Param::Text(None) | Param::Blob(None) => ValueRef::Null,
        }))
    }
}
