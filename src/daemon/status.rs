//! What the daemon knows of itself, for the console's two pages.
//!
//! The doors count, the reload says how its files are, and the register is asked. It decides nothing. Start reading
//! at [`Status::health`](Watched::health). Tests: `tests/reload/`.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use super::ack::Desk;
use super::log_status::Log;
use crate::console::Watched;
use crate::console::ack::Acknowledging;
use crate::console::failures::{FAILURES, Failure};
use crate::console::health::{Check, Condition, Health, written};
use crate::console::metrics::{Family, Sample};
use crate::inspect::Gate;
use crate::intake::counters::Counters;
use crate::intake::{check, maillog};
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
    check: OnceLock<Arc<check::Counters>>,
    smtp: OnceLock<Arc<Counters>>,
    log: OnceLock<Log>,
    acknowledging: OnceLock<Desk>,
    store: Arc<Store>,
}

impl Status {
    pub(super) fn new(files: Files, store: Arc<Store>) -> Self {
        Self {
            files: RwLock::new(files),
            milter: OnceLock::new(),
            smtp: OnceLock::new(),
            check: OnceLock::new(),
            log: OnceLock::new(),
            acknowledging: OnceLock::new(),
            store,
        }
    }

    /// Takes the links of alerts from now on.
    pub(super) fn acknowledge_by(&self, desk: Desk) {
        self.acknowledging.get_or_init(|| desk);
    }

    /// The register.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Shows a milter door's counters from now on.
    pub(super) fn show(&self, counters: Arc<Counters>) {
        self.milter.get_or_init(|| counters);
    }

    /// Shows the check service's counters from now on.
    pub(super) fn show_check(&self, counters: Arc<check::Counters>) {
        self.check.get_or_init(|| counters);
    }

    /// Shows an SMTP door's counters from now on.
    pub(super) fn show_smtp(&self, counters: Arc<Counters>) {
        self.smtp.get_or_init(|| counters);
    }

    /// Shows how the mail server's log is from now on.
    pub(super) fn show_log(&self, counters: Arc<maillog::Counters>, gate: Arc<Gate>) {
        self.log.get_or_init(|| Log { counters, gate });
    }

    pub(super) fn files(&self) -> Files {
        self.files.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Files)) {
        change(&mut self.files.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Watched for Status {
    fn acknowledge(&self, query: &str, really: bool) -> Acknowledging {
        let desk = self.acknowledging.get();
        desk.map_or(Acknowledging::Unknown, |desk| desk.take(&self.store, query, really))
    }

    fn health(&self) -> Health {
        let mut checks = vec![files(self.files()), register(&self.store)];
        checks.extend(clocks(&self.store));
        checks.extend(alarm(&self.store));
        checks.extend(self.log.get().map(|log| log.check(&self.store)));
        Health(checks)
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
        all.push(effects());
        all.extend(held(&self.store));
        all.extend(self.log.get().into_iter().flat_map(Log::metrics));
        all.extend(self.milter.get().into_iter().flat_map(|counters| door(counters, &MILTER)));
        all.extend(self.milter.get().map(|counters| {
            Family::counter(
                "brevdue_milter_nameless_total",
                "Messages that were to be held, and came without a queue id; deferred.",
                counters.snapshot().nameless,
            )
        }));
        all.extend(self.smtp.get().into_iter().flat_map(|counters| door(counters, &SMTP)));
        all.extend(self.check.get().map(|counters| {
            Family::counter("brevdue_check_total", "Texts asked about by POST /v1/check.", 0)
                .by("answer", counters.by_answer())
        }));
        all
    }
}

/// What each failure does to mail: said where people look when something is broken.
fn effects() -> Family {
    let help = "Always 1; what becomes of mail while this is broken is the label, as failure:mail.";
    let sample = |one: &Failure| Sample {
        label: Some(("effect", format!("{}:{}", one.word, one.mail.word()))),
        value: 1,
    };
    Family {
        samples: FAILURES.iter().map(sample).collect(),
        ..Family::gauge("brevdue_failure_effect", help, 1)
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

/// An alert that was tried so often and not taken is one that somebody should look at: a minute and a half.
const TRIES: u32 = 3;

/// A register that cannot be read cannot be written either, and then every mail with a finding waits.
fn register(store: &Store) -> Check {
    let read = store
        .next_notice_at()
        .map_err(|error| ("cannot be read: mail with a finding is answered 451", error));
    let written = read.and_then(|_| {
        store.probe().map_err(|error| ("cannot be written: mail with a finding is answered 451", error))
    });
    let (condition, text, reasons) = match written {
        Ok(()) => (Condition::Ok, "can be read and written", Vec::new()),
        Err((text, error)) => {
            (Condition::Failing, text, vec![crate::config::starred::starred(&error.to_string())])
        }
    };
    Check { name: "register", condition, since: None, text: text.to_owned(), reasons }
}

/// A clock that is not the server's; nothing where they agree, or where the register is a file.
fn clocks(store: &Store) -> Option<Check> {
    let off = store.clock_off()?;
    let (seconds, where_to) = (off.abs(), if off > 0 { "ahead of" } else { "behind" });
    Some(Check {
        name: "clock",
        condition: Condition::Degraded,
        since: None,
        text: format!(
            "this machine's clock is {seconds} s {where_to} the register's server: deadlines may be wrong"
        ),
        reasons: vec![
            "mend the time of the one that is wrong (NTP); the other nodes go by the same server".to_owned(),
        ],
    })
}

/// Alerts that no road has taken for a while; nothing where the register cannot be read, which another check says.
fn alarm(store: &Store) -> Option<Check> {
    let (alerts, oldest) = store.alerts_not_taken(TRIES).ok()?;
    let (condition, text) = match alerts {
        0 => (Condition::Ok, "every alert that is due is taken".to_owned()),
        1 => (Condition::Degraded, "1 alert reaches nobody: see `brevdue alarm test`".to_owned()),
        many => (Condition::Degraded, format!("{many} alerts reach nobody: see `brevdue alarm test`")),
    };
    Some(Check { name: "alarm", condition, since: oldest, text, reasons: Vec::new() })
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

/// The names of a door's metrics, in the order of [`door`], each with its help.
type Names = [(&'static str, &'static str); 7];

const MILTER: Names = [
    ("brevdue_milter_connections_open", "Milter connections open now."),
    ("brevdue_milter_connections_total", "Milter connections taken."),
    ("brevdue_milter_broken_total", "Milter connections that broke the protocol."),
    ("brevdue_milter_bytes_total", "Bytes of messages read."),
    ("brevdue_milter_panics_total", "Messages whose inspection panicked; deferred."),
    ("brevdue_milter_expired_total", "Messages not decided in time; deferred."),
    ("brevdue_milter_messages_total", "Messages answered."),
];

const SMTP: Names = [
    ("brevdue_smtp_connections_open", "SMTP connections open now."),
    ("brevdue_smtp_connections_total", "SMTP connections taken."),
    ("brevdue_smtp_broken_total", "SMTP connections that broke the protocol."),
    ("brevdue_smtp_bytes_total", "Bytes of messages read."),
    ("brevdue_smtp_panics_total", "Messages whose inspection panicked; deferred."),
    ("brevdue_smtp_expired_total", "Messages not decided in time; deferred."),
    ("brevdue_smtp_messages_total", "Messages answered; block is also the next hop's refusal."),
];

fn door(counters: &Counters, names: &Names) -> [Family; 7] {
    let now = counters.snapshot();
    let served = now.connections.saturating_sub(now.crowded);
    let [open, taken, broken, bytes, panics, expired, messages] = names;
    let total = |(name, help): &(&'static str, &'static str), value| Family::counter(name, help, value);
    [
        Family::gauge(open.0, open.1, now.open),
        total(taken, 0).by("as", [("served", served), ("crowded", now.crowded)]),
        total(broken, now.broken),
        total(bytes, now.bytes),
        total(panics, now.panics),
        total(expired, now.expired),
        total(messages, 0).by(
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
