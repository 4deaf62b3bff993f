//! What the daemon knows of itself, for the console's two pages.
//!
//! The doors count, the reload says how its files are, and the register is asked. It decides nothing. Start reading
//! at [`Status::health`](Watched::health). Tests: `tests/reload/`.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::console::Watched;
use crate::console::health::{Check, Condition, Health, written};
use crate::console::metrics::Family;
use crate::intake::milter::Counters;
use crate::store::Store;
use crate::store::held::HeldState;

/// The rules that count now, and how the files are that they come from.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// Since when what counts now counts.
    pub(super) loaded: DateTime<Utc>,
    /// Entries of the rules, and the examples that prove them.
    pub(super) size: (usize, usize),
    /// Where the rules come from, in words.
    pub(super) from: String,
    /// What the files say and only a restart can do.
    pub(super) restart: Vec<&'static str>,
    /// Why the files as they are now do not count; `None` while they do.
    pub(super) fault: Option<Fault>,
    /// Changes taken, and changes refused, since the start: with the rest under one lock, so that who sees the count
    /// move sees what it was for.
    pub(super) reloads: u64,
    pub(super) failed_reloads: u64,
}

/// Files that cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// Since when there are faults, however they changed since.
    pub(super) since: DateTime<Utc>,
    /// Every fault, digits starred.
    pub(super) reasons: Vec<String>,
}

/// What the daemon knows of itself.
pub(super) struct Status {
    files: RwLock<Files>,
    milter: OnceLock<Arc<Counters>>,
    store: Arc<Store>,
}

impl Status {
    pub(super) fn new(files: Files, store: Arc<Store>) -> Self {
        Self { files: RwLock::new(files), milter: OnceLock::new(), store }
    }

    /// Shows a milter door's counters from now on.
    pub(super) fn show(&self, counters: Arc<Counters>) {
        self.milter.get_or_init(|| counters);
    }

    pub(super) fn files(&self) -> Files {
        self.files.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Files)) {
        change(&mut self.files.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Watched for Status {
    fn health(&self) -> Health {
        Health(vec![files(self.files()), register(&self.store)])
    }

    fn metrics(&self) -> Vec<Family> {
        let files = self.files();
        let (entries, examples) = files.size;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let mut all = vec![
            Family::gauge("brevdue_build_info", "Always 1; the label tells the version.", 1)
                .by("version", [(env!("CARGO_PKG_VERSION"), 1)]),
            Family::gauge("brevdue_rules_entries", "Entries of the rules that count now.", count(entries)),
            Family::gauge("brevdue_rules_examples", "Examples that prove these entries.", count(examples)),
            Family::gauge(
                "brevdue_rules_loaded_timestamp_seconds",
                "Since when these rules and this policy count.",
                u64::try_from(files.loaded.timestamp()).unwrap_or(0),
            ),
            Family::counter("brevdue_reload_total", "Changes of rules or config, by what became of them.", 0)
                .by("result", [("ok", files.reloads), ("failed", files.failed_reloads)]),
            Family::gauge(
                "brevdue_reload_last_successful",
                "0 while the files have faults and what was loaded before counts.",
                u64::from(files.fault.is_none()),
            ),
            Family::gauge(
                "brevdue_restart_needed",
                "1 while the config says what only a restart can do.",
                u64::from(!files.restart.is_empty()),
            ),
        ];
        all.extend(held(&self.store));
        all.extend(self.milter.get().into_iter().flat_map(|counters| milter(counters)));
        all
    }
}

fn files(files: Files) -> Check {
    let (entries, _) = files.size;
    let loaded = format!("{entries} entries ({}) count since {}", files.from, written(files.loaded));
    // A restart that is due is no alarm: whoever wrote it knows, and mail is checked meanwhile.
    let due = files.restart.iter().map(|what| format!("needs a restart: {what}"));
    let (condition, since, text, reasons) = match files.fault {
        None => (Condition::Ok, None, loaded, due.collect()),
        Some(Fault { since, reasons }) => (
            Condition::Degraded,
            Some(since),
            format!("the files have faults; what was loaded before counts: {loaded}"),
            reasons.into_iter().chain(due).collect(),
        ),
    };
    Check { name: "rules", condition, since, text, reasons }
}

/// A register that cannot be read cannot be written either, and then every mail with a finding waits.
fn register(store: &Store) -> Check {
    let (condition, text, reasons) = match store.next_notice_at() {
        Ok(_) => (Condition::Ok, "can be read", Vec::new()),
        Err(error) => (
            Condition::Failing,
            "cannot be read: mail with a finding is answered 451",
            vec![super::starred::starred(&error.to_string())],
        ),
    };
    Check { name: "register", condition, since: None, text: text.to_owned(), reasons }
}

/// Mail that waits, and mail that is gone: nothing where the register cannot be read, which the health page says.
fn held(store: &Store) -> Vec<Family> {
    let Ok(tally) = store.held_tally() else { return Vec::new() };
    let states = HeldState::ALL.map(|state| {
        let count = tally.of.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
        (state.word(), count)
    });
    let oldest = tally.oldest.map_or(0, |oldest| u64::try_from(oldest.timestamp()).unwrap_or(0));
    vec![
        Family::gauge("brevdue_held_mails", "Held mail in the register, by how far it has come.", 0)
            .by("state", states),
        Family::gauge(
            "brevdue_held_oldest_timestamp_seconds",
            "When the oldest held mail that nobody is done with was held; 0 while there is none.",
            oldest,
        ),
    ]
}

fn milter(counters: &Counters) -> [Family; 7] {
    let now = counters.snapshot();
    let total = Family::counter;
    [
        Family::gauge("brevdue_milter_connections_open", "Milter connections open now.", now.open),
        total("brevdue_milter_connections_total", "Milter connections taken.", 0)
            .by("as", [("served", now.connections.saturating_sub(now.crowded)), ("crowded", now.crowded)]),
        total("brevdue_milter_broken_total", "Milter connections that broke the protocol.", now.broken),
        total("brevdue_milter_bytes_total", "Bytes of messages read.", now.bytes),
        total("brevdue_milter_panics_total", "Messages whose inspection panicked; deferred.", now.panics),
        total("brevdue_milter_expired_total", "Messages not decided in time; deferred.", now.expired),
        total("brevdue_milter_messages_total", "Messages answered.", 0).by(
            "verdict",
            [
                ("deliver", now.delivered),
                ("block", now.blocked),
                ("hold", now.held),
                ("reroute", now.rerouted),
                ("defer", now.deferred),
            ],
        ),
    ]
}
