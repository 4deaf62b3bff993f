//! From any older register to the newest, one step at a time, each in its own transaction.

use super::StoreError;
use rusqlite::{Connection, TransactionBehavior};

/// Step `n` makes version `n + 1`. A step that has shipped is never changed.
const STEPS: [&str; 5] = [
    include_str!("sqlite/schema.sql"),
    include_str!("sqlite/step2.sql"),
    include_str!("sqlite/delivery.sql"),
    include_str!("sqlite/held.sql"),
    include_str!("sqlite/digital_post.sql"),
];

/// The newest version.
const NEWEST: usize = STEPS.len();

/// Brings the register up to date. Two programs that start at once wait for one another.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    loop {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = step.query_row("PRAGMA user_version", (), |row| row.get(0))?;
        let done = usize::try_from(version).unwrap_or(usize::MAX);
        if done > NEWEST {
            return Err(StoreError::Newer { found: version, known: NEWEST });
        }
        let Some(sql) = STEPS.get(done) else { return Ok(()) };
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", version + 1)?;
        step.commit()?;
    }
}
