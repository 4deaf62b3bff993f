//! A register, read past the program: a file of SQLite, or a database of a real PostgreSQL.

use super::wait_until;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Where it is.
#[derive(Clone)]
pub(crate) enum Register {
    /// Its path.
    File(PathBuf),
    /// Its URL.
    Server(String),
}

/// Between two columns of psql's answer; in no value that is asked for here.
const BETWEEN: &str = "\x1f";

impl Register {
    /// Asks, until there is an answer: a server may be away for a while.
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let answer = wait_until(Duration::from_secs(40), || self.ask(sql));
        answer.unwrap_or_else(|| panic!("the register does not answer: {sql}"))
    }

    fn ask(&self, sql: &str) -> Option<Vec<Vec<String>>> {
        match self {
            Self::File(path) => of_file(path, sql).ok(),
            Self::Server(url) => {
                let mut psql = Command::new("psql");
                psql.args([
                    "-X",
                    "-q",
                    "-A",
                    "-t",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-F",
                    BETWEEN,
                    "-d",
                    url,
                    "-c",
                    sql,
                ]);
                let answer = psql.output().ok().filter(|answer| answer.status.success())?;
                let lines = String::from_utf8(answer.stdout).ok()?;
                Some(lines.lines().map(|line| line.split(BETWEEN).map(str::to_owned).collect()).collect())
            }
        }
    }

    /// Whether the database itself finds fault with what it has. A server has no such question.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::File(_) => self.rows("PRAGMA integrity_check") == [["ok"]],
            Self::Server(_) => true,
        }
    }
}

fn of_file(path: &PathBuf, sql: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let register = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    register.busy_timeout(Duration::from_secs(2))?;
    let mut statement = register.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|at| {
                Ok(match row.get_ref(at)? {
                    ValueRef::Integer(number) => number.to_string(),
                    ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => String::new(),
                })
            })
            .collect()
    })?;
    rows.collect()
}
