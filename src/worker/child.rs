//! The worker's own side: walls first, then the document from standard input, and what is in it to standard output.

use super::budget::{Budget, Recogniser};
use super::sandbox;
use super::wire::Writer;
use crate::extract::open;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

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

/// Becomes the program that recognises letters in the picture on standard input and writes them to standard output,
/// within walls. Returns only when that fails.
pub fn recognise(budget: &Budget, recogniser: &Recogniser) -> io::Error {
    let walls = sandbox::enter_for_program(budget.memory, recogniser.time);
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(&[walls.bits()]).and_then(|()| out.flush()) {
        return error;
    }
    Command::new(&recogniser.program)
        .args(["stdin", "stdout", "-l", &recogniser.languages])
        .env_clear()
        // Two threads cost twice the time of one for next to nothing.
        .env("OMP_THREAD_LIMIT", "1")
        .exec()
}
