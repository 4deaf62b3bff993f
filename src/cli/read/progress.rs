//! The bar on standard error: only on a terminal, and only when it takes longer than a second.
//!
//! How much there is in all is counted by a walk of its own beside the work, so that nothing waits for it.

use crate::intake::archive::Walk;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

/// What takes no longer needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is drawn.
const TICK: Duration = Duration::from_millis(100);

/// See the module's head. Counts are relaxed: a bar may lag.
pub(super) struct Progress {
    bar: ProgressBar,
    files: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
    over: AtomicBool,
    /// Something is unpacked while it is read.
    unpacks: AtomicBool,
    /// Dropped at the end, which wakes the drawing thread at once.
    alive: Mutex<Option<SyncSender<()>>>,
    woken: Mutex<Option<Receiver<()>>>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let (alive, woken) = sync_channel(0);
        Self {
            bar: ProgressBar::hidden(),
            files: AtomicU64::new(0),
            items: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            over: AtomicBool::new(false),
            unpacks: AtomicBool::new(false),
            alive: Mutex::new(Some(alive)),
            woken: Mutex::new(Some(woken)),
        }
    }

    /// Begins to watch, if somebody can see it.
    pub(super) fn start<'scope, 'env>(
        &'scope self,
        scope: &'scope Scope<'scope, 'env>,
        roots: &'env [PathBuf],
    ) {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(woken) = woken.filter(|_| stderr().is_terminal()) {
            scope.spawn(|| self.count(roots));
            scope.spawn(move || self.draw(&woken));
        }
    }

    /// So many bytes were read.
    pub(super) fn read(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A zip or what gzip made smaller is read: more bytes come out of it than its file has, and how many, nobody knows
    /// before. So the bar has no end from here on.
    pub(super) fn unpack(&self) {
        self.unpacks.store(true, Ordering::Relaxed);
    }

    /// Whether what is read can be held against what there is.
    fn is_bounded(&self) -> bool {
        self.bar.length().is_some() && !self.unpacks.load(Ordering::Relaxed)
    }

    /// An input is done.
    pub(super) fn input_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// A message or a document is done.
    pub(super) fn item_done(&self) {
        self.items.fetch_add(1, Ordering::Relaxed);
    }

    /// Prints something with the bar out of the way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// The work is done, or given up.
    pub(super) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
        drop(self.alive.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Counts what there is; the length of the bar is known when it is through.
    fn count(&self, roots: &[PathBuf]) {
        let mut bytes = 0;
        for source in Walk::new(roots.to_vec()).flatten() {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            match std::fs::metadata(&source.path) {
                Ok(meta) if meta.is_file() => bytes += meta.len(),
                // A pipe has no length: then there is none, and the bar shows what was done only.
                Ok(_) | Err(_) => return,
            }
        }
        self.bar.set_length(bytes);
    }

    fn draw(&self, woken: &Receiver<()>) {
        if woken.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let mut bounded = false;
        self.style(bounded);
        self.bar.set_position(self.bytes.load(Ordering::Relaxed));
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        while woken.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if bounded != self.is_bounded() {
                bounded = !bounded;
                self.style(bounded);
            }
            let items = self.items.load(Ordering::Relaxed);
            let seconds = self.bar.elapsed().as_secs().max(1);
            self.bar.set_message(format!(
                "{} inputs  {items} read  {}/s",
                self.files.load(Ordering::Relaxed),
                items / seconds
            ));
            self.bar.set_position(self.bytes.load(Ordering::Relaxed));
        }
        self.bar.finish_and_clear();
    }

    fn style(&self, bounded: bool) {
        let template = if bounded {
            "{bar:30} {bytes}/{total_bytes}  {msg}  {bytes_per_sec}  ETA {eta}"
        } else {
            "{spinner} {bytes}  {msg}  {bytes_per_sec}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_has_no_end_to_count_towards() {
        let progress = Progress::new();
        assert!(!progress.is_bounded());
        progress.bar.set_length(10);
        assert!(progress.is_bounded());
        progress.unpack();
        assert!(!progress.is_bounded());
    }
}
