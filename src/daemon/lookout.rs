//! Sees that a file of rules or config has changed.
//!
//! *What it is*: [`Lookout`], which says "look now" when the system tells of a change, and [`Seen`], what the files
//! held at the last look, so that a change that changes nothing is none. Folders are watched, not files: an editor
//! puts a new file in the old one's place. What the system does not tell (a network disk, the target of a link, a
//! watch that could not be had) is found by whoever asks [`Seen`] from time to time. *What it never does*: judge what a
//! file says. *Start reading at* [`Lookout::arm`]. *Tests*: `tests/reload/`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

/// The files that are watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Watched {
    /// The configuration; absolute.
    pub(super) config: Option<PathBuf>,
    /// The folder of rules.
    pub(super) rules: Option<PathBuf>,
}

impl Watched {
    /// Whether a change of this path may be a change of what is watched.
    fn concerns(&self, path: &Path) -> bool {
        let config = self.config.as_deref();
        let rules = self.rules.as_deref();
        config == Some(path)
            || rules == Some(path)
            || config.and_then(Path::parent) == Some(path)
            || (rules.is_some() && path.parent() == rules && path.file_name().is_some_and(is_rule_file))
    }

    /// The folders in which a change shows. The folder above the rules', too: they may be replaced as a whole.
    fn folders(&self) -> impl Iterator<Item = &Path> {
        let config = self.config.as_deref().and_then(Path::parent);
        let rules = self.rules.as_deref();
        config.into_iter().chain(rules).chain(rules.and_then(Path::parent))
    }
}

/// Not what editors leave beside a file.
fn is_rule_file(name: &OsStr) -> bool {
    let name = name.as_bytes();
    !name.starts_with(b".") && !name.ends_with(b"~") && !name.starts_with(b"#")
}

/// The files of a folder of rules, by name; none where it cannot be read.
pub(super) fn rule_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(is_rule_file) && path.is_file())
        .collect();
    files.sort();
    files
}

/// What files held at a look; equal when nothing has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    config: [u8; 32],
    rules: [u8; 32],
}

impl Seen {
    pub(super) fn now(files: &Watched) -> Self {
        let rules = files.rules.as_deref().map(rule_files).unwrap_or_default();
        Self { config: digest(files.config.as_slice()), rules: digest(&rules) }
    }

    /// The same configuration with the rules of a folder as they are now.
    pub(super) fn with_rules_of(self, folder: Option<&Path>) -> Self {
        let rules = folder.map(rule_files).unwrap_or_default();
        Self { rules: digest(&rules), ..self }
    }
}

fn digest(files: &[PathBuf]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for path in files {
        let content = fs::read(path);
        // Lengths before contents, so that no two sets of files read alike; one that cannot be read is no empty one.
        let length = content.as_ref().map_or(u64::MAX, |content| content.len() as u64);
        digest.update(path.as_os_str().as_bytes());
        digest.update([0]);
        digest.update(length.to_be_bytes());
        digest.update(content.unwrap_or_default());
    }
    digest.finalize().into()
}

/// Which folder stands at a path: another one in its place has to be watched anew.
type Identity = (u64, u64);

/// The watch over folders.
pub(super) struct Lookout {
    /// `None` where the system gives no watch.
    watcher: Option<RecommendedWatcher>,
    armed: BTreeMap<PathBuf, Identity>,
    files: Arc<Mutex<Watched>>,
    changed: Arc<Notify>,
}

impl Lookout {
    pub(super) fn new() -> Self {
        let (files, changed) = (Arc::new(Mutex::new(Watched::default())), Arc::new(Notify::new()));
        let (of, to) = (Arc::clone(&files), Arc::clone(&changed));
        let watcher = notify::recommended_watcher(move |told: notify::Result<Event>| {
            let files = of.lock().unwrap_or_else(PoisonError::into_inner);
            if told.is_ok_and(|event| !is_news(&event, &files)) {
                return;
            }
            to.notify_one();
        });
        let watcher = watcher
            .map_err(|error| tracing::warn!(%error, "no watch over files: changes are found by looking"))
            .ok();
        Self { watcher, armed: BTreeMap::new(), files, changed }
    }

    /// Watches these files from now on. To be called again after each look: a folder that was away or replaced is
    /// found again.
    pub(super) fn arm(&mut self, files: &Watched) {
        files.clone_into(&mut self.files.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: BTreeMap<PathBuf, Identity> = files
            .folders()
            .filter_map(|folder| {
                let metadata = fs::metadata(folder).ok()?;
                Some((folder.to_owned(), (metadata.dev(), metadata.ino())))
            })
            .collect();
        self.armed.retain(|folder, identity| {
            let stays = wanted.get(folder) == Some(identity);
            // A folder that is gone has taken its watch along.
            if !stays && let Err(error) = watcher.unwatch(folder) {
                tracing::debug!(%error, "the watch was gone before");
            }
            stays
        });
        for (folder, identity) in wanted {
            if self.armed.contains_key(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.armed.insert(folder, identity)),
                Err(error) => {
                    let folder = folder.display();
                    tracing::warn!(%error, %folder, "not watched: changes are found by looking");
                }
            }
        }
    }

    /// Returns when something may have changed; at once if it did since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Whether an event may tell of a change. Our own reading does not.
fn is_news(event: &Event, files: &Watched) -> bool {
    use notify::event::{AccessKind, AccessMode};
    let writes = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    };
    // Events were lost when it asks for a rescan, whatever it names.
    event.need_rescan() || (writes && event.paths.iter().any(|path| files.concerns(path)))
}
