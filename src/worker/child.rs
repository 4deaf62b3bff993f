//! The worker's own side: walls first, then the document from standard input, and what is in it to standard output.
//!
//! It is handed the length of its document and then the document, for it may wait a while before there is one.

use super::budget::{Budget, Recogniser};
use super::sandbox;
use super::wire::Writer;
use crate::extract::open;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Reads the document on standard input and tells what is in it on standard output. For a process of its own: the walls
/// that it puts up stay. `parent` is the process that it was started by and ends with.
///
/// # Errors
/// When the pipes break; nobody reads the answer then.
pub fn run(budget: &Budget, parent: Option<u32>) -> io::Result<()> {
    end_with(parent)?;
    // What a document makes a reader say is nobody's business, and a panic ends this process as well as an abort does.
    std::panic::set_hook(Box::new(|_| ()));
    let walls = sandbox::enter(budget.memory, budget.time);
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    // Told before anything is read, so that it is known even of a worker that dies.
    out.write_all(&[walls.bits()])?;
    out.flush()?;
    let Some(document) = handed(&mut io::stdin().lock(), budget.limits.bytes)? else { return Ok(()) };
    let mut writer = Writer::new(out);
    open(&document, budget.limits, &mut writer);
    writer.end()
}

/// The document: its length in eight bytes (little endian), and its bytes. `None` when there is none: it was started
/// ahead and is not needed.
fn handed(pipe: &mut impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match pipe.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    // One byte over the limit says that it was reached.
    let length = u64::from_le_bytes(length).min(most.saturating_add(1));
    let mut document = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    pipe.take(length).read_to_end(&mut document)?;
    // Half a document is not what was sent; whoever sent it is gone.
    if document.len() as u64 == length {
        Ok(Some(document))
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Ends this process when that one does: it may be killed, and then closes nothing down.
fn end_with(parent: Option<u32>) -> io::Result<()> {
    // Where this is refused, the pipes still end with it.
    set_parent_process_death_signal(Some(Signal::KILL)).ok();
    // It may have ended before that was said: somebody else is the parent then.
    let is_orphan = parent
        .is_some_and(|parent| getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()) != Some(parent));
    if is_orphan { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
}

/// Becomes the program that recognises letters in the picture on standard input and writes them to standard output,
/// within walls. Returns only when that fails.
pub fn recognise(budget: &Budget, recogniser: &Recogniser, parent: Option<u32>) -> io::Error {
    // Holds for the program too.
    if let Err(error) = end_with(parent) {
        return error;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_document_is_none() {
        let whole = [8_u64.to_le_bytes().as_slice(), b"document"].concat();
        for end in 0..whole.len() {
            let handed = handed(&mut &whole[..end], 100);
            assert!(if end < 8 { matches!(handed, Ok(None)) } else { handed.is_err() }, "{end}");
        }
        assert_eq!(handed(&mut whole.as_slice(), 100).unwrap().as_deref(), Some(b"document".as_slice()));
        assert_eq!(handed(&mut whole.as_slice(), 3).unwrap().as_deref(), Some(b"docu".as_slice()));
        assert!(handed(&mut [0xFF; 8].as_slice(), 100).is_err());
    }
}
