//! From any older register to the newest, one step at a time, each in its own transaction.
//!
//! The schemas of the two databases say the same in their own words; step `n` makes version `n + 1` in both. PostgreSQL began
//! with the fourth. Nodes that start at once wait for one another: one does the work, the others find it done.

use super::StoreError;
use super::base::{Db, Run, params};

/// Step `n` makes version `n + 1`. A step that has shipped is never changed.
const FILE: [&[&str]; 5] = [
    &[include_str!("schema/sqlite/1.sql")],
    &[include_str!("schema/sqlite/2.sql")],
    &[include_str!("schema/sqlite/3.sql")],
    &[include_str!("schema/sqlite/4.sql")],
    &[
        include_str!("schema/sqlite/5-case.sql"),
        include_str!("schema/sqlite/5-digital-post.sql"),
        include_str!("schema/sqlite/5-archive.sql"),
        include_str!("schema/sqlite/5-alarm.sql"),
        include_str!("schema/sqlite/5-released.sql"),
        include_str!("schema/sqlite/5-node.sql"),
        include_str!("schema/sqlite/5-proof.sql"),
    ],
];

/// The same for a server; the first of them makes all that [`FILE`] has made until then.
const SERVER: [&[&str]; 2] = [
    &[include_str!("schema/postgres/4.sql")],
    &[
        include_str!("schema/postgres/5-case.sql"),
        include_str!("schema/postgres/5-digital-post.sql"),
        include_str!("schema/postgres/5-archive.sql"),
        include_str!("schema/postgres/5-alarm.sql"),
        include_str!("schema/postgres/5-released.sql"),
        include_str!("schema/postgres/5-node.sql"),
        include_str!("schema/postgres/5-proof.sql"),
    ],
];
/// The version that the first of them makes.
const SERVER_BEGINS: usize = 4;

/// From this version on every line of the register has its link; those of before get theirs with it.
const CHAINED: usize = 5;

/// The newest version.
const NEWEST: usize = FILE.len();
const _: () = assert!(SERVER_BEGINS + SERVER.len() - 1 == NEWEST, "both databases have the same versions");

/// Brings a register in a file up to date.
pub(super) fn file(run: &dyn Run) -> Result<(), StoreError> {
    // A table that is made anew leaves those that speak of it without it for a moment (SQLite, "Making other kinds of table
    // schema changes"); what is wrong at the end is found by the check.
    run.batch("PRAGMA foreign_keys = OFF")?;
    let done = file_steps(run);
    run.batch("PRAGMA foreign_keys = ON")?;
    done
}

fn file_steps(run: &dyn Run) -> Result<(), StoreError> {
    loop {
        let step = Step::begin(run, super::base::file::BEGIN)?;
        let version: i64 = step.db().one("PRAGMA user_version", params![], |row| row.get(0))?;
        let done = known(version)?;
        let Some(parts) = FILE.get(done) else { return Ok(()) };
        for sql in *parts {
            run.batch(sql)?;
        }
        if done + 1 >= CHAINED {
            super::rows::chain_all(&step.db())?;
        }
        let lost = step.db().first("PRAGMA foreign_key_check", params![], |row| row.get::<String>(0))?;
        if let Some(table) = lost {
            return Err(StoreError::Unreadable { what: "reference", value: table });
        }
        run.batch(&format!("PRAGMA user_version = {}", done + 1))?;
        step.end()?;
    }
}

/// Whether a register on a server is up to date; nothing is changed or locked.
pub(super) fn is_newest(run: &dyn Run) -> Result<bool, StoreError> {
    let db = Db::Within(run);
    if !db.one("SELECT to_regclass('schema_version') IS NOT NULL", params![], |row| row.get(0))? {
        return Ok(false);
    }
    let version = db.first("SELECT version FROM schema_version", params![], |row| row.get(0))?;
    Ok(known(version.unwrap_or(0))? == NEWEST)
}

/// Brings a register on a server up to date. A step may touch every row, so the connection is to be one on which a statement may
/// take its time ([`super::base::server::Server::connect_unhurried`]); nodes that come meanwhile wait for it.
pub(super) fn server(run: &dyn Run) -> Result<(), StoreError> {
    loop {
        let step = Step::begin(run, super::base::server::BEGIN_MOVE)?;
        run.batch("CREATE TABLE IF NOT EXISTS schema_version (one BIGINT PRIMARY KEY CHECK (one = 1), version BIGINT NOT NULL)")?;
        let version = step.db().first("SELECT version FROM schema_version", params![], |row| row.get(0))?;
        let done = known(version.unwrap_or(0))?;
        let next = (done + 1).max(SERVER_BEGINS);
        let Some(parts) = SERVER.get(next - SERVER_BEGINS) else { return step.end() };
        if done > 0 {
            tracing::info!(
                from = done,
                to = next,
                "the register is brought up to date; a large one takes minutes"
            );
        }
        for sql in *parts {
            run.batch(sql)?;
        }
        if next >= CHAINED {
            super::rows::chain_all(&step.db())?;
        }
        let sql = "INSERT INTO schema_version (one, version) VALUES (1, ?1)
                   ON CONFLICT (one) DO UPDATE SET version = excluded.version";
        step.db().execute(sql, params![i64::try_from(next).unwrap_or(i64::MAX)])?;
        step.end()?;
    }
}

fn known(version: i64) -> Result<usize, StoreError> {
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    if done > NEWEST { Err(StoreError::Newer { found: version, known: NEWEST }) } else { Ok(done) }
}

/// A transaction, undone when it is dropped before its end.
struct Step<'a> {
    run: &'a dyn Run,
    is_open: bool,
}

impl<'a> Step<'a> {
    fn begin(run: &'a dyn Run, begin: &str) -> Result<Self, StoreError> {
        let step = Self { run, is_open: true };
        run.batch(begin)?;
        Ok(step)
    }

    fn db(&self) -> Db<'a> {
        Db::Within(self.run)
    }

    fn end(mut self) -> Result<(), StoreError> {
        self.run.commit()?;
        self.is_open = false;
        Ok(())
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if self.is_open {
            drop(self.run.batch("ROLLBACK"));
        }
    }
}
