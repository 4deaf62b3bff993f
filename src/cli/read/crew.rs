//! All cores at work: each worker helps with an mbox that is open on the [`Board`], or takes the next input with its
//! place on the [`Shelf`]; the printer empties the shelf in order.

use super::board::Board;
use super::desk::{Desk, guard};
use super::progress::Progress;
use super::shelf::{Found, Shelf, Slot};
use super::{Batch, Done, Job};
use crate::intake::archive::{Lost, Source, Walk};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Inputs that may be begun before the one whose turn it is has been printed.
const AHEAD: usize = 1024;

/// Bytes of answers that may wait for their turn.
const WAITING: usize = 32 * 1024 * 1024;

/// How much of an input is read at once: large enough that system calls cost nothing, and it fits the cache.
const BUFFER: usize = 128 * 1024;

/// Reads everything and prints what is said of it.
pub(super) fn work<J: Job>(job: &J, roots: &[PathBuf]) -> io::Result<Done<J::Tally>> {
    let walk = Mutex::new(Walk::new(roots.to_vec()));
    let (shelf, board) = (Shelf::new(AHEAD, WAITING), Board::new());
    let progress = Progress::new();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let printed = thread::scope(|scope| {
        progress.start(scope, roots);
        for _ in 0..workers {
            scope.spawn(|| {
                let (mut buffer, mut block) = (vec![0; BUFFER], Vec::new());
                loop {
                    if let Some(open) = board.pick() {
                        board.turn(&open, job, &progress, &mut block);
                        continue;
                    }
                    board.begin();
                    let input = take(&walk, &shelf);
                    let is_last = input.is_none();
                    if let Some((input, slot)) = input {
                        match guard(|| Desk::new(job, &progress, &slot).handle(input, &mut buffer)) {
                            Some(Some((name, mbox))) => {
                                let open = board.share(name, mbox, slot);
                                while board.turn(&open, job, &progress, &mut block) {}
                            }
                            Some(None) => {}
                            None => drop(slot.put(Batch::lost())),
                        }
                    }
                    board.done();
                    if is_last {
                        let Some(open) = board.wait() else { break };
                        board.turn(&open, job, &progress, &mut block);
                    }
                }
            });
        }
        let printed = print::<J>(&shelf, &progress);
        shelf.close();
        progress.stop();
        printed
    });
    let walk = walk.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut done = printed?;
    done.skipped += walk.skipped();
    (done.unfollowed, done.first_unfollowed) = walk.unfollowed();
    Ok(done)
}

/// The next input and its place. The walk stays locked until the place is taken, so that both have one order.
fn take<'a, T: Default>(
    walk: &Mutex<Walk>,
    shelf: &'a Shelf<T>,
) -> Option<(Result<Source, Lost>, Slot<'a, T>)> {
    let mut walk = walk.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(input) = walk.next() else {
        shelf.complete();
        return None;
    };
    Some((input, shelf.place()?))
}

fn print<J: Job>(shelf: &Shelf<J::Tally>, progress: &Progress) -> io::Result<Done<J::Tally>> {
    let mut out = io::BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let mut done = Done::default();
    loop {
        let found = match shelf.take(false) {
            Found::Nothing => {
                progress.aside(|| out.flush())?;
                shelf.take(true)
            }
            found @ (Found::Batch(_) | Found::End) => found,
        };
        let Found::Batch(batch) = found else { break };
        progress.aside(|| show(&mut out, &batch))?;
        done.troubles += batch.troubles.len() as u64;
        done.skipped += batch.skipped;
        J::join(&mut done.tally, batch.tally);
    }
    out.flush()?;
    Ok(done)
}

fn show<T>(out: &mut impl Write, batch: &Batch<T>) -> io::Result<()> {
    out.write_all(&batch.text)?;
    if !batch.troubles.is_empty() || !batch.closed.is_empty() {
        // On a terminal both streams are one: each line stands where it belongs.
        out.flush()?;
    }
    for line in batch.troubles.iter().chain(&batch.closed) {
        crate::cli::say_error(line);
    }
    Ok(())
}
