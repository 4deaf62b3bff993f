//! The worker's own side: walls first, then the document from standard input, and what is in it to standard output.

use super::budget::Budget;
use super::sandbox;
use super::wire::Writer;
use crate::extract::open;
use std::io::{self, Read, Write};

/// Reads the document on standard input and tells what is in it on standard output. For a process of its own: the walls
/// that it puts up stay.
///
/// # Errors
/// When the pipes break; nobody reads the answer then.
pub fn run(budget: &Budget) -> io::Result<()> {
    // What a document makes a reader say is nobody's business, and a panic ends this process as well as an abort does.
    std::panic::set_hook(Box::new(|_| ()));
    let walls = sandbox::enter(budget.memory, budget.time);
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    // Told before anything is read, so that it is known even of a worker that dies.
    out.write_all(&[walls.bits()])?;
    out.flush()?;
    let mut document = Vec::new();
    io::stdin().lock().take(budget.limits.bytes.saturating_add(1)).read_to_end(&mut document)?;
    let mut writer = Writer::new(out);
    open(&document, budget.limits, &mut writer);
    writer.end()
}
