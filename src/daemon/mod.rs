//! The process that stays: doors open, alarm awake, until it is told to stop.
//!
//! [`open_register`] is what every command shares; [`Daemon`] is `brevdue serve`. It refuses to start rather
//! than run without its key or its register. Start reading at [`Daemon::start`]; `reload.rs` is what changes while
//! it runs.

mod ack;
mod attempt;
mod erased;
pub mod held;
mod listen;
mod log_status;
mod lookout;
mod reload;
pub mod rules;
mod status;
pub mod telemetry;
mod wake;

pub use reload::Noted;

use crate::clock::Clock;
use crate::config::Config;
use crate::console;
use crate::inspect::record::Register;
use crate::inspect::{Gate, Setup};
use crate::intake::ListenAddr;
use crate::intake::check;
use crate::intake::counters::Counters;
use crate::intake::maillog;
use crate::intake::milter::Door;
use crate::intake::smtp::Door as SmtpDoor;
use crate::outlet::notice::PostError;
use crate::scan::ruleset::{RuleFault, Ruleset};
use crate::seal::NodeKey;
use crate::seal::allow::AllowError;
use crate::seal::keyfile::{self, KeyFileError};
use crate::spool::durable;
use crate::spool::evidence::Evidence;
use crate::store::{Store, StoreError, StoreUrl};
use crate::worker::Workers;
use listen::Ear;
use reload::Reload;
use status::{Files, Status};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Why Brevdue does not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder cannot be made.
    #[error("cannot make {path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The register cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node's key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The register has digests of a key that is gone.
    #[error(
        "the register {store} counts persons under a node key, and {key} is not there. Without it nobody can be told from \
         those already counted. Restore the key from the backup; only if it is lost for good, move the register aside \
         (its cases stay readable with `brevdue case list`) and start a new one"
    )]
    KeyGone {
        /// The register.
        store: String,
        /// Where the key should be.
        key: PathBuf,
    },
    /// The key is another than the register's.
    #[error(
        "the node key {key} is not the one that the register {store} was made with: restore the right key from the backup"
    )]
    KeyOther {
        /// The register.
        store: String,
        /// The key's file.
        key: PathBuf,
    },
    /// The rules have faults.
    #[error("the rules have {} fault(s); see `brevdue rules check`:\n{}", .0.len(), faults(.0))]
    Rules(Vec<RuleFault>),
    /// A rule file cannot be read.
    #[error("cannot read {path}: {why}")]
    RuleFile {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The folder of rules is not there.
    #[error(
        "the folder of rules {path} is not there: make it, or mend `path` of `[rules]` in the configuration"
    )]
    NoRuleFolder {
        /// Where it should be.
        path: PathBuf,
    },
    /// The folder of rules has nothing to read.
    #[error(
        "the folder {path} holds no rules: put a pack (`NAME.toml`, see rules/example-pack.toml) there, or remove \
         `[rules]` from the configuration to run those built in"
    )]
    EmptyRuleFolder {
        /// Which.
        path: PathBuf,
    },
    /// There is no place for the list of allowed numbers.
    #[error(
        "the list of allowed numbers lies in the folder of rules, and the configuration names none: add `[rules]` with \
         `path = \"rules\"`, and make the folder"
    )]
    NoRulePath,
    /// A file cannot be written.
    #[error("cannot write {path}: {why}")]
    NotWritten {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The list of allowed numbers cannot be used.
    #[error("{path}: {why}")]
    AllowList {
        /// Which.
        path: PathBuf,
        /// Why.
        why: AllowError,
    },
    /// There is no key for the list of allowed numbers.
    #[error(
        "the list of allowed numbers needs the node key {path}, which is not there: the first `brevdue serve` makes \
         it; if it was lost, restore it from the backup"
    )]
    NoAllowKey {
        /// Where the key should be.
        path: PathBuf,
    },
    /// A door cannot be opened.
    #[error("the {door} cannot be opened: {source}")]
    Listen {
        /// Which.
        door: &'static str,
        /// Where it should listen, and what the system said.
        source: io::Error,
    },
    /// Held mail cannot be compared with its rows.
    #[error("held mail: {0}")]
    Held(String),
    /// Another spool has the machine's name.
    #[error(
        "another machine of this register is called {name:?}, and was seen {seen}: held mail is addressed by that name, so two \
         must not have it; give this one a name of its own (`[hold] node`), or, where it is this machine and its spool is \
         lost, wait until the other was not seen for ten minutes, or 24 hours while it has held mail"
    )]
    NodeTaken {
        /// The name.
        name: String,
        /// When the other looked into its spool.
        seen: String,
    },
    /// The way out for alarms cannot be used.
    #[error(transparent)]
    Alarm(#[from] PostError),
}

fn faults(all: &[RuleFault]) -> String {
    all.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}

/// Whether there is a register already; one on a server is taken to be there.
pub fn has_store(config: &Config) -> bool {
    match &config.store {
        StoreUrl::Sqlite(path) => path.exists(),
        StoreUrl::Postgres(_) => true,
    }
}

/// Opens the register alone: what a command that only reads needs.
///
/// # Errors
/// When it cannot be made or opened.
pub fn open_store(config: &Config) -> Result<Store, StartError> {
    if let StoreUrl::Sqlite(path) = &config.store
        && let Some(folder) = path.parent()
    {
        make_folder(folder)?;
    }
    let store = Store::at(&config.store)?;
    store.plan_by(config.planning.clone());
    Ok(store)
}

/// Opens the register with its key and its evidence. The key is made the first time, and never again.
///
/// # Errors
/// See [`StartError`].
pub fn open_register(config: &Config) -> Result<Register, StartError> {
    let store = open_store(config)?;
    make_folder(&config.spool)?;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let path = keyfile::node_key_path(&config.node_key, credentials.as_deref());
    let node_key = node_key(&store, &config.store.to_string(), &path)?;
    Ok(Register { store: Arc::new(store), node_key, evidence: Evidence::below(&config.spool) })
}

fn node_key(store: &Store, name: &str, path: &Path) -> Result<NodeKey, StartError> {
    // The register first: the other way round, a key that another process makes in between would look lost.
    let bound = store.node_key_check()?;
    keyfile::clear_drafts(path);
    match (keyfile::read_node_key(path)?, bound) {
        (Some(key), Some(bound)) if key.check_value() == bound => Ok(key),
        (Some(_), Some(_)) => Err(StartError::KeyOther { store: name.to_owned(), key: path.to_owned() }),
        (None, Some(_)) => Err(StartError::KeyGone { store: name.to_owned(), key: path.to_owned() }),
        (found, None) => {
            let key = match found {
                Some(key) => key,
                None => keyfile::create_node_key(path)?,
            };
            // Another process may have come first, with its key or with this one.
            if store.bind_node_key(key.check_value())? == key.check_value() {
                Ok(key)
            } else {
                Err(StartError::KeyOther { store: name.to_owned(), key: path.to_owned() })
            }
        }
    }
}

/// The rules of a folder, or those built in. They must prove themselves. Without the list of allowed numbers, which
/// needs the node's key: [`setup`] has it.
///
/// # Errors
/// Every fault, or the file that cannot be read.
pub fn load_rules(folder: Option<&Path>) -> Result<Ruleset, StartError> {
    rules::load(folder).map(|loaded| loaded.rules)
}

/// What a gate decides by, from a configuration.
///
/// # Errors
/// When the rules or the list of allowed numbers cannot be used.
pub fn setup(config: &Config) -> Result<Setup, StartError> {
    let loaded = rules::load_for(config)?;
    // The first that names a sender counts, so the configuration's own go before a pack's.
    let sources = [config.sources.clone(), loaded.sources].concat();
    Ok(Setup {
        rules: Arc::new(loaded.rules),
        policy: config.policy.clone(),
        controllers: config.controllers.clone(),
        sources,
        workers: config.documents.clone().map(Workers::new),
    })
}

fn make_folder(path: &Path) -> Result<(), StartError> {
    durable::make_folder(path).map_err(|source| StartError::Folder { path: path.to_owned(), source })
}

/// Raises the soft limit of open files to the hard one: the usual soft limit of 1,024 is below the connections
/// that a mail server may open.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// Where rules come from, in words.
fn rules_from(folder: Option<&Path>) -> String {
    folder.map_or("built in".to_owned(), |folder| folder.display().to_string())
}

/// A running Brevdue.
pub struct Daemon {
    /// Where the milter door listens; ports that were 0 are filled in.
    pub milter: Vec<ListenAddr>,
    /// Where the SMTP door listens.
    pub smtp: Vec<ListenAddr>,
    /// Where the console listens.
    pub console: Option<ListenAddr>,
    /// Where the check service listens.
    pub check: Option<ListenAddr>,
    /// The register.
    pub store: Arc<Store>,
    /// What the milter door has counted.
    pub counters: Option<Arc<Counters>>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Daemon {
    /// Opens the register and the doors, and wakes the alarm. The rules and the config stay as they are.
    ///
    /// # Errors
    /// See [`StartError`]; nothing runs then.
    pub fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        Self::open(config, None, clock)
    }

    /// The same, and whatever changes in the rules or in the config file that was noted is taken while it runs.
    ///
    /// # Errors
    /// See [`StartError`]; nothing runs then.
    pub fn start_watching(config: &Config, noted: Noted, clock: Clock) -> Result<Self, StartError> {
        Self::open(config, Some(noted), clock)
    }

    fn open(config: &Config, noted: Option<Noted>, clock: Clock) -> Result<Self, StartError> {
        raise_open_files();
        // Noted before they are read.
        let noted = noted.map(|noted| noted.with_rules_of(config.rules.as_deref()));
        let setup = setup(config)?;
        let (size, from) = (setup.rules.size(), rules_from(config.rules.as_deref()));
        tracing::info!(entries = size.0, examples = size.1, from, "rules loaded");
        let register = open_register(config)?;
        let store = Arc::clone(&register.store);
        let files = Files {
            loaded: clock.now(),
            size,
            from,
            restart: Vec::new(),
            fault: None,
            reloads: 0,
            failed_reloads: 0,
        };
        let status = Arc::new(Status::new(files, Arc::clone(&store)));
        let beside = Register {
            store: Arc::clone(&store),
            node_key: register.node_key.clone(),
            evidence: register.evidence.clone(),
        };
        let links = wake::links(config, &register.node_key, &status, &clock);
        let gate = Gate::new(setup, register, clock.clone()).on_node(&held::node_name(config));
        let gate = Arc::new(if config.maillog.is_some() { gate.with_log() } else { gate });
        let of = Arc::clone(&gate);
        let keeper = held::Keeper::new(config, beside, move || of.setup(), clock.clone())?.claiming()?;
        let keeper = Arc::new(keeper);
        // Before a door opens: nobody writes there but who is killed and gone, or a pipe, which holds its lock.
        keeper.sweep().map_err(|error| StartError::Held(error.to_string()))?;
        let (stop, stopped) = watch::channel(false);
        let mut daemon = Self {
            milter: Vec::new(),
            smtp: Vec::new(),
            console: None,
            check: None,
            store,
            counters: None,
            stop,
            tasks: Vec::new(),
        };
        // Before a door opens: from then on SIGHUP must not end the process.
        let reload = noted.map(|noted| {
            Reload::new(Arc::clone(&gate), Arc::clone(&status), clock.clone(), config.clone(), noted)
        });
        // Everything that can fail comes before the first task.
        // The milter door last: who can reach it can rely on all the rest.
        let ear = config.console.as_ref().map(|settings| Ear::bind(&settings.listen));
        let ear = ear.transpose().map_err(|source| StartError::Listen { door: "console", source })?;
        let asked = config.check.as_ref().map(|settings| Ear::bind(&settings.listen));
        let asked =
            asked.transpose().map_err(|source| StartError::Listen { door: "check service", source })?;
        let smtp = config.smtp.as_ref().filter(|settings| !settings.listen.is_empty());
        let smtp = smtp.map(|settings| {
            let release_key = Some(keeper.public_key().to_owned());
            let settings = crate::intake::smtp::Settings { release_key, ..settings.clone() };
            SmtpDoor::bind(&settings, Arc::clone(&gate))
        });
        let smtp = smtp.transpose().map_err(|source| StartError::Listen { door: "SMTP door", source })?;
        let door = config.milter.as_ref().map(|settings| Door::bind(settings, Arc::clone(&gate)));
        let door = door.transpose().map_err(|source| StartError::Listen { door: "milter door", source })?;
        let (of, at) = (Arc::clone(&daemon.store), clock.clone());
        daemon.tasks.push(wake::task(config, &daemon.store, &gate, links, clock, stopped.clone())?);
        daemon.tasks.push(tokio::spawn(wake::compare(of, at, stopped.clone())));
        if let Some(settings) = &config.maillog {
            let counters = Arc::new(maillog::Counters::default());
            status.show_log(Arc::clone(&counters), Arc::clone(&gate));
            let (gate, settings, spool) = (Arc::clone(&gate), settings.clone(), config.spool.clone());
            let stopped = stopped.clone();
            daemon.tasks.push(tokio::task::spawn_blocking(move || {
                maillog::task::follow(gate, &settings, &spool, counters, stopped);
            }));
        }
        if let Some(door) = smtp {
            daemon.smtp = door.local_addrs();
            status.show_smtp(door.counters());
            daemon.tasks.push(tokio::spawn(door.run(stopped.clone())));
        }
        if let Some(door) = door {
            daemon.milter = door.local_addrs();
            status.show(door.counters());
            daemon.counters = Some(door.counters());
            daemon.tasks.push(tokio::spawn(door.run(stopped.clone())));
        }
        if let Some(ear) = ear {
            daemon.console = Some(ear.address());
            daemon.tasks.push(tokio::spawn(answer(ear, Arc::clone(&status), stopped.clone())));
        }
        if let Some(ear) = asked {
            daemon.check = Some(ear.address());
            let counters = Arc::new(check::Counters::default());
            status.show_check(Arc::clone(&counters));
            let ear = ear.cutting_after(SILENCE);
            daemon.tasks.push(tokio::spawn(check(ear, Arc::clone(&gate), counters, stopped.clone())));
        }
        daemon.tasks.push(tokio::spawn(Arc::clone(&keeper).run(stopped.clone())));
        let (of, spool) = (Arc::clone(&daemon.store), config.spool.clone());
        daemon.tasks.push(tokio::spawn(erased::keep(of, spool, stopped.clone())));
        if let Some(reload) = reload {
            daemon.tasks.push(tokio::spawn(reload.run(stopped)));
        }
        Ok(daemon)
    }

    /// Stops: takes nothing new, finishes the messages in flight, and returns when all is done. A mail server that
    /// hangs is not waited for longer than a message may take; it keeps its mail.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for mut task in self.tasks {
            match tokio::time::timeout(Self::GRACE, &mut task).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => tracing::error!("a task of the daemon panicked"),
                Err(_) => {
                    tracing::warn!("a mail server has not finished its message; its connection is cut");
                    task.abort();
                }
            }
        }
    }

    /// The budget of a message, and within what systemd waits by default (90 s).
    const GRACE: Duration = Duration::from_mins(1);
}

/// Longer than an enquiry may take, since whoever waits for its answer says nothing.
const SILENCE: Duration = Duration::from_secs(90);

async fn check(ear: Ear, gate: Arc<Gate>, counters: Arc<check::Counters>, stopped: watch::Receiver<bool>) {
    if let Err(error) = check::serve(ear, gate, counters, stopped).await {
        tracing::error!(%error, "the check service has ended; mail is checked all the same");
    }
}

async fn answer(ear: Ear, status: Arc<Status>, stopped: watch::Receiver<bool>) {
    if let Err(error) = console::serve(ear, status, stopped).await {
        tracing::error!(%error, "the console has ended; mail is checked all the same");
    }
}
