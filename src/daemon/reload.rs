//! Rules and config that change under a running daemon.
//!
//! *What it is*: a changed file is read whole, with all the others, and proved by its own examples; then the gate's
//! setup is swapped whole for the next message. A file with a fault changes nothing: what counted before counts, and
//! the log, the metrics and the health page say since when and why. SIGHUP looks at once. *What it never does*: touch
//! a message under way, take one file of two that were changed together, or end the daemon. *Start reading at*
//! [`Reload::run`]; `attempt.rs` reads. *Tests*: `tests/reload/`, under load.
//!
//! A file that is being written is seen too, so a change is looked at when nothing has moved for [`QUIET`].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::attempt::{Attempt, Good, Why, attempt, needs_restart};
use super::lookout::{Lookout, Seen, Watched};
use super::rules_from;
use super::status::{Fault, Status};
use crate::clock::Clock;
use crate::config::Config;
use crate::console::health::written;
use crate::inspect::Gate;

/// How long nothing moves before a change is looked at: an editor writes, renames and sets rights one after another.
const QUIET: Duration = Duration::from_millis(300);
/// The longest wait for quiet, so that a file that always moves does not keep the others out.
const RESTLESS: Duration = Duration::from_secs(3);
/// How often the files are looked at unasked, for what no event tells of.
const ROUND: Duration = Duration::from_secs(10);

/// The configuration file as it was before it was read, so that no change in between goes unseen.
#[derive(Clone, Debug)]
pub struct Noted {
    files: Watched,
    seen: Seen,
}

impl Noted {
    /// Notes the file. To be called before [`crate::config::load`].
    pub fn before_loading(config: Option<&Path>) -> Self {
        // A working directory that is gone leaves the path as it is.
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let files = Watched { config: config.map(whole), rules: None };
        Self { seen: Seen::now(&files), files }
    }

    pub(super) fn with_rules_of(self, folder: Option<&Path>) -> Self {
        let files = Watched { rules: folder.map(Path::to_owned), ..self.files };
        Self { files, seen: self.seen.with_rules_of(folder) }
    }
}

/// The task that reloads.
pub(super) struct Reload {
    gate: Arc<Gate>,
    status: Arc<Status>,
    clock: Clock,
    /// What the daemon was started with: what cannot change while it runs is compared with this.
    started: Config,
    files: Watched,
    seen: Seen,
    /// Of the config, as they were last told: they need not be told again for a change of rules.
    warnings: Vec<String>,
    lookout: Lookout,
    hangup: Option<Signal>,
}

impl Reload {
    /// Watches from now on; the changes are taken by [`Self::run`]. Within a tokio runtime.
    pub(super) fn new(
        gate: Arc<Gate>,
        status: Arc<Status>,
        clock: Clock,
        started: Config,
        noted: Noted,
    ) -> Self {
        let mut lookout = Lookout::new();
        lookout.arm(&noted.files);
        // Without a handler of ours SIGHUP would end the process.
        let hangup =
            signal(SignalKind::hangup()).map_err(|error| tracing::warn!(%error, "SIGHUP is not heard")).ok();
        let Noted { files, seen } = noted;
        tracing::info!(
            config = files.config.as_ref().map(|path| tracing::field::display(path.display())),
            rules = files.rules.as_ref().map(|path| tracing::field::display(path.display())),
            "watching for changes; SIGHUP reloads at once"
        );
        Self { gate, status, clock, started, files, seen, warnings: Vec::new(), lookout, hangup }
    }

    /// Reloads what changes, until `stop` turns true.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let why = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = told(self.hangup.as_mut()) => Why::Told,
                () = self.lookout.changed() => Why::Change,
                () = sleep(ROUND) => Why::Round,
            };
            if why == Why::Change {
                tracing::debug!("the system tells of a change");
            }
            if why != Why::Told {
                self.await_quiet().await;
            }
            self.look(why).await;
            self.lookout.arm(&self.files);
        }
    }

    async fn await_quiet(&self) {
        let end = Instant::now() + RESTLESS;
        while Instant::now() < end
            && timeout_at(end.min(Instant::now() + QUIET), self.lookout.changed()).await.is_ok()
        {}
    }

    async fn look(&mut self, why: Why) {
        let (files, seen, started) = (self.files.clone(), self.seen.clone(), self.started.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let now = Seen::now(&files);
            let attempt = (why == Why::Told || now != seen).then(|| attempt(files, now, &started, why))?;
            // Files that changed while they were read may be half of one thing and half of another: their own
            // event, or the next round, has them read again.
            (Seen::now(&attempt.files) == attempt.seen).then_some(attempt)
        });
        match looked.await {
            Ok(None) => {}
            Ok(Some(Attempt { files, seen, result })) => {
                (self.files, self.seen) = (files, seen);
                match result {
                    Ok(good) => self.take(*good),
                    Err(reasons) => self.keep(reasons),
                }
            }
            // Seen stays as it was, so the next round tries again.
            Err(_) => self.keep(vec!["reading the files panicked; please report this".to_owned()]),
        }
    }

    fn take(&mut self, Good { config, setup, warnings }: Good) {
        if warnings != self.warnings {
            for warning in &warnings {
                tracing::warn!("{warning}");
            }
            self.warnings = warnings;
        }
        let size = setup.rules.size();
        let before = self.status.files();
        let restart = needs_restart(&self.started, &config);
        let from = rules_from(config.rules.as_deref());
        let loaded = self.clock.now();
        self.gate.swap(setup);
        let store = self.status.store();
        if *store.planning() != config.planning {
            store.plan_by(config.planning.clone());
            if let Err(error) = store.plan_open_cases(loaded) {
                tracing::error!(%error, "alerts of open cases were not planned by the new hours and people");
            }
        }
        tracing::info!(
            entries = size.0,
            entries_before = before.size.0,
            from,
            "reloaded; rules and policy count from the next message on"
        );
        if let Some(fault) = before.fault {
            tracing::info!(since = written(fault.since), "the faults are mended");
        }
        if size.0 < before.size.0 {
            tracing::warn!(
                entries = size.0,
                entries_before = before.size.0,
                "the rules have fewer entries now"
            );
        }
        for what in &restart {
            tracing::warn!("needs a restart: {what}");
        }
        self.status.change(|files| {
            files.loaded = loaded;
            files.size = size;
            files.from = from;
            files.restart = restart;
            files.fault = None;
            files.reloads += 1;
        });
    }

    fn keep(&self, reasons: Vec<String>) {
        let now = self.clock.now();
        tracing::error!(
            faults = reasons.len(),
            "a changed file has faults; what was loaded before still counts, and no mail is lost"
        );
        for reason in &reasons {
            tracing::error!("fault: {reason}");
        }
        self.status.change(|files| {
            let since = files.fault.as_ref().map_or(now, |fault| fault.since);
            files.fault = Some(Fault { since, reasons });
            files.failed_reloads += 1;
        });
    }
}

async fn told(hangup: Option<&mut Signal>) {
    let heard = match hangup {
        Some(hangup) => hangup.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}
