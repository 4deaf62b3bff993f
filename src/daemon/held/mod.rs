//! Held mail on the machine that has it: kept true to its rows, told of, and acted on when somebody has decided.
//!
//! *What it is*: [`Keeper`], for the daemon (mail in our spool) and for `brevdue held act` as root (mail in Postfix's hold
//! queue). *What it never does*: decide, delete a mail that nobody decided about, or send one twice where it can know
//! better. *Start reading at* [`Keeper::round`]; `sweep.rs` compares folder, queue and rows, `act.rs` does what was decided,
//! `once.rs` reads a mail before it leaves, `post.rs` is Digital Post, `tell.rs` tells senders. *Tests*: `tests/held/`, with a real Postfix and a crash after each step.

mod act;
mod once;
mod post;
mod read;
mod sweep;
mod tell;
mod way;

pub use act::{Acted, NotActed, sms_of};
pub use post::Addressed;
pub use read::{NotRead, wake_of};
pub use sweep::Swept;
pub use way::{NotSent, Outbound, Road, Sender, Sending};

use super::{StartError, make_folder};
use crate::case::local::shown;
use crate::clock::Clock;
use crate::config::Config;
use crate::inspect::Setup;
use crate::inspect::record::Register;
use crate::outlet::memo;
use crate::outlet::notice::Post;
use crate::outlet::postfix::Postfix;
use crate::seal::keyfile::{self, DpoPair};
use crate::seal::{hex, random, unhex};
use crate::spool::durable;
use crate::spool::held::Holding;
use crate::store::held::{HeldRow, HeldState, Place};
use crate::store::{Claimed, error_unless_away};
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// Looks after the held mail of one machine.
pub struct Keeper {
    register: Register,
    holding: Holding,
    /// The folder whose files wake the privileged part: `approved/` below the spool.
    approved: PathBuf,
    /// The sealed orders of Digital Post: `orders/` below the spool.
    orders: PathBuf,
    digital_post: Option<memo::Settings>,
    /// Rows that no automatic mapping names, as far as this process has asked.
    asked: Mutex<HashSet<i64>>,
    /// Held by the one process that acts on Postfix's queue.
    lock: PathBuf,
    release: DpoPair,
    node: String,
    /// The word in our spool that the name is bound to; `None` where nobody has asked.
    id: Option<[u8; 16]>,
    spool: PathBuf,
    postfix: Postfix,
    setup: Box<dyn Fn() -> Arc<Setup> + Send + Sync>,
    way: Option<Arc<dyn Sender>>,
    post: Option<Post>,
    tells: bool,
    ways_out: Option<String>,
    clock: Clock,
}

/// The node's release key: the pair that opens what this machine holds. Made at the first start.
///
/// # Errors
/// When it cannot be read or made.
pub fn release_key(config: &Config) -> Result<DpoPair, StartError> {
    Ok(keyfile::ensure_release_key(&release_key_path(config))?)
}

/// Whether the release key was made.
pub fn release_key_is_there(config: &Config) -> bool {
    release_key_path(config).exists()
}

fn release_key_path(config: &Config) -> PathBuf {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    keyfile::release_key_path(&config.release_key, credentials.as_deref())
}

/// How this machine is called in the register: `[hold] node`, or its host name.
pub fn node_name(config: &Config) -> String {
    let named = config.hold.node.clone();
    named.unwrap_or_else(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = name.trim();
        if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
    })
}

impl Keeper {
    /// How often rows are looked at: a decision is acted on this late at most.
    const ROUND: Duration = Duration::from_secs(5);
    /// How many rounds pass between two comparisons with the folder and the queue.
    const ROUNDS_A_SWEEP: u32 = 12;

    /// The keeper of this machine's held mail.
    ///
    /// # Errors
    /// When the release key or the folders cannot be had, or `[alarm]` names no mail server.
    pub fn new(
        config: &Config,
        register: Register,
        setup: impl Fn() -> Arc<Setup> + Send + Sync + 'static,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let approved = config.spool.join("approved");
        make_folder(&approved)?;
        Ok(Self {
            register,
            holding: Holding::below(&config.spool),
            approved,
            orders: config.spool.join("orders"),
            digital_post: config.digital_post.clone(),
            asked: Mutex::default(),
            lock: config.spool.join("acting.lock"),
            release: release_key(config)?,
            node: node_name(config),
            id: None,
            spool: config.spool.clone(),
            postfix: Postfix { config: config.hold.postfix.clone() },
            setup: Box::new(setup),
            way: way::of(config).map_err(|error| StartError::Held(error.to_string()))?,
            post: config.alarm.as_ref().map(Post::new).transpose()?,
            tells: config.hold.tell_senders,
            ways_out: config.hold.ways_out.clone(),
            clock,
        })
    }

    /// Binds this machine's name to its spool, so that no other machine takes its held mail off the list. For whoever compares
    /// the spool with the register: the daemon. Mail of a machine that had another name before goes with it.
    ///
    /// # Errors
    /// When another spool has the name, or the register or the spool cannot be written.
    pub fn claiming(self) -> Result<Self, StartError> {
        let path = self.spool.join("node.id");
        let id =
            node_id(&path).map_err(|source| StartError::Held(format!("{}: {source}", path.display())))?;
        match self.register.store.claim_node(&self.node, id, self.clock.now())? {
            Claimed::Own => {}
            Claimed::Renamed(before) => {
                tracing::warn!(
                    before,
                    now = self.node,
                    "this machine has another name: its held mail goes with it"
                );
            }
            Claimed::TakenOver => {
                tracing::warn!(node = self.node, "the name was another spool's, which was not seen for long");
            }
            Claimed::Refused(seen) => {
                return Err(StartError::NodeTaken { name: self.node, seen: shown(seen) });
            }
        }
        Ok(Self { id: Some(id), ..self })
    }

    /// Sends released mail by this way; without one it waits.
    #[must_use]
    pub fn sending_by(self, way: Arc<dyn Sender>) -> Self {
        Self { way: Some(way), ..self }
    }

    /// The public key of this machine, to which its held mail is sealed beside the DPO's.
    pub fn public_key(&self) -> &str {
        &self.release.public
    }

    /// Where held mail lies.
    pub fn holding(&self) -> &Holding {
        &self.holding
    }

    /// Looks after the mail for as long as the process lives.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut rounds = 0_u32;
        loop {
            if rounds.is_multiple_of(Self::ROUNDS_A_SWEEP) {
                self.sweep_aside().await;
            }
            rounds = rounds.wrapping_add(1);
            self.round().await;
            tokio::select! {
                () = tokio::time::sleep(Self::ROUND) => {}
                _ = shutdown.changed() => return,
            }
        }
    }

    /// One round: acts on what was decided about mail in our spool, and tells senders.
    pub async fn round(self: &Arc<Self>) {
        self.post_aside().await;
        match self.decided(Place::Spool).await {
            Ok(rows) => {
                for row in rows {
                    if let Err(error) = self.act(&row).await {
                        tracing::warn!(id = row.name, %error, "held mail: not done yet");
                    }
                }
            }
            Err(error) => {
                error_unless_away!(self.register.store, error, "held mail: the register cannot be read");
            }
        }
        self.tell_senders().await;
    }

    /// What was decided and is to be done now, by this machine.
    async fn decided(self: &Arc<Self>, place: Place) -> Result<Vec<HeldRow>, String> {
        self.aside(move |keeper| {
            let now = keeper.clock.now();
            let rows = keeper.register.store.held(false).map_err(|error| error.to_string())?;
            let due = |row: &HeldRow| {
                row.state == HeldState::Approved
                    && row.place == place
                    && row.node == keeper.node
                    && row.is_due(now)
            };
            Ok(rows.into_iter().filter(due).collect())
        })
        .await
    }

    async fn sweep_aside(self: &Arc<Self>) {
        let swept = self.aside(|keeper| keeper.sweep().map_err(|error| error.to_string())).await;
        if let Err(error) = swept {
            error_unless_away!(self.register.store, error, "held mail could not be compared with its rows");
        }
        let cleared = self.aside(|keeper| keeper.clear_orders().map_err(|error| error.to_string()));
        if let Err(error) = cleared.await {
            tracing::error!(error, "orders of Digital Post that nobody waits for could not be cleared");
        }
    }

    /// Decides about held mail that a mapping of the configuration names.
    async fn post_aside(self: &Arc<Self>) {
        match self.aside(|keeper| keeper.post_by_mapping().map_err(|error| error.to_string())).await {
            Ok(0) => {}
            Ok(mails) => {
                tracing::info!(
                    mails,
                    "held mail goes by Digital Post, as a mapping of the configuration says"
                );
            }
            Err(error) => {
                tracing::error!(error, "held mail: the mappings of Digital Post could not be asked");
            }
        }
    }

    /// Runs what waits for a disk or another program on a thread of its own.
    async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let keeper = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&keeper)).await;
        done.unwrap_or_else(|_| Err("the work panicked; please report this".to_owned()))
    }
}

/// The random word of a spool; made the first time.
fn node_id(path: &Path) -> std::io::Result<[u8; 16]> {
    match std::fs::read_to_string(path) {
        Ok(word) => unhex(word.trim())
            .ok_or_else(|| std::io::Error::other("this is no name of a spool: 32 hexadecimal digits")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = random::<16>().map_err(std::io::Error::other)?;
            let folder = path.parent().unwrap_or(path);
            durable::make_folder(folder)?;
            durable::replace(path, format!("{}\n", hex(&id)).as_bytes(), std::fs::metadata(folder)?.uid())?;
            Ok(id)
        }
        Err(error) => Err(error),
    }
}

/// Makes the file that wakes the privileged part of a machine with this spool. It says nothing but a name: what is done is what
/// the row says.
fn wake(approved: &Path, name: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(approved)?;
    std::fs::File::options().write(true).create(true).truncate(false).open(approved.join(name)).map(drop)
}
