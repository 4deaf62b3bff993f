//! Key files: made once, readable by their owner alone.
//!
//! The node's key is found as a systemd credential first (`LoadCredential=brevdue-node-key:...`), then as the
//! file that the configuration names. Nothing here ever overwrites a key.

use super::{NodeKey, SealError};
use age::secrecy::ExposeSecret;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The name under which systemd hands the node's key over.
pub const CREDENTIAL: &str = "brevdue-node-key";

/// The name under which systemd hands the node's release key over.
pub const RELEASE_CREDENTIAL: &str = "brevdue-release-key";

/// The DPO's pair of keys: the public one goes into the configuration, the secret one stays with the DPO.
pub struct DpoPair {
    /// `age1...`
    pub public: String,
    secret: age::secrecy::SecretString,
}

impl DpoPair {
    /// A new pair.
    pub fn generate() -> Self {
        let identity = age::x25519::Identity::generate();
        Self { public: identity.to_public().to_string(), secret: identity.to_string() }
    }

    /// The pair of a private key.
    ///
    /// # Errors
    /// When the text is no private key.
    pub fn from_secret(secret: &str) -> Result<Self, SealError> {
        let identity: age::x25519::Identity = secret.trim().parse().map_err(|_| SealError::NotAKey)?;
        Ok(Self { public: identity.to_public().to_string(), secret: identity.to_string() })
    }

    /// `AGE-SECRET-KEY-1...`, for the DPO's file only.
    pub fn secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

/// What can go wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or made.
    #[error("key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it.
    #[error(
        "key file {path} may be read by others (mode {mode:o}): make it 0600 with `chmod 600 {path}`, and think of the key as known"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// It does not hold a private key.
    #[error("key file {path} holds no release key (`AGE-SECRET-KEY-1...`): restore it from the backup")]
    NotAReleaseKey {
        /// The file.
        path: PathBuf,
    },
    /// It does not hold 32 bytes.
    #[error("key file {path} holds no node key (32 bytes): restore it from the backup")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// It is there already.
    #[error(
        "{path} is there already, and a key is never overwritten: choose another name, or move the old one to a safe place"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// No random bytes.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Where the node's key is looked for: the credential when systemd gives one, else the file.
pub fn node_key_path(configured: &Path, credentials_directory: Option<&Path>) -> PathBuf {
    credential_or(CREDENTIAL, configured, credentials_directory)
}

/// Where the node's release key is looked for, likewise.
pub fn release_key_path(configured: &Path, credentials_directory: Option<&Path>) -> PathBuf {
    credential_or(RELEASE_CREDENTIAL, configured, credentials_directory)
}

fn credential_or(name: &str, configured: &Path, credentials_directory: Option<&Path>) -> PathBuf {
    credentials_directory
        .map(|folder| folder.join(name))
        .filter(|path| path.exists())
        .unwrap_or_else(|| configured.to_owned())
}

/// Reads the node's key; `None` when there is no file yet.
///
/// # Errors
/// When the file cannot be read, may be read by others, or holds something else.
pub fn read_node_key(path: &Path) -> Result<Option<NodeKey>, KeyFileError> {
    let Some(bytes) = read_private(path, 64)? else { return Ok(None) };
    let key = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| KeyFileError::NotAKey { path: path.to_owned() })?;
    Ok(Some(NodeKey::from_bytes(key)))
}

/// Reads the node's release key, the pair that opens the mail which this node holds; `None` when there is no file yet.
///
/// # Errors
/// When the file cannot be read, may be read by others, or holds something else.
pub fn read_release_key(path: &Path) -> Result<Option<DpoPair>, KeyFileError> {
    let Some(bytes) = read_private(path, 512)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).ok();
    let pair = text.and_then(|text| DpoPair::from_secret(text).ok());
    pair.map(Some).ok_or_else(|| KeyFileError::NotAReleaseKey { path: path.to_owned() })
}

/// The node's release key, made where there is none. Two processes that come at once have the same one.
///
/// # Errors
/// When it cannot be read or made.
pub fn ensure_release_key(path: &Path) -> Result<DpoPair, KeyFileError> {
    clear_drafts(path);
    if let Some(pair) = read_release_key(path)? {
        return Ok(pair);
    }
    let pair = DpoPair::generate();
    match create_private(path, format!("{}\n", pair.secret()).as_bytes()) {
        Ok(()) => Ok(pair),
        // Another process came first, and what it made is the key.
        Err(exists @ KeyFileError::Exists { .. }) => read_release_key(path)?.ok_or(exists),
        Err(error) => Err(error),
    }
}

/// The content of a file that nobody but its owner may read; `None` when it is not there.
fn read_private(path: &Path, most: u64) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mode = file.metadata().map_err(io)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Open { path: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    Read::take(file, most).read_to_end(&mut bytes).map_err(io)?;
    Ok(Some(bytes))
}

/// Makes the node's key where there is none.
///
/// # Errors
/// When a file is there already, or cannot be made.
pub fn create_node_key(path: &Path) -> Result<NodeKey, KeyFileError> {
    let key = NodeKey::generate()?;
    create_private(path, &key.0)?;
    Ok(key)
}

/// Makes a file that only its owner can read, durably: it is on disk, name and all, when this returns, and it is
/// there whole or not at all, whatever crashes. Written under another name and linked, because a link, unlike a
/// rename, never takes the place of what is there.
///
/// # Errors
/// When a file is there already, or cannot be made.
pub fn create_private(path: &Path, content: &[u8]) -> Result<(), KeyFileError> {
    let io = |source: io::Error| {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            KeyFileError::Exists { path }
        } else {
            KeyFileError::Io { path, source }
        }
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io)?;
    clear_drafts(path);
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".draft-{}", std::process::id()));
    let draft = Path::new(&draft);
    let mut made = link_draft(draft, path, content);
    if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        // Somebody cleared it before it was locked.
        made = link_draft(draft, path, content);
    }
    made.map_err(io)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// Its draft is locked until it is gone.
fn link_draft(draft: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.lock()?;
    let linked =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| std::fs::hard_link(draft, path));
    let removed = match std::fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    };
    linked.and(removed)
}

/// Removes what was left of this key by a process that died while it made it: a copy of a key that nobody keeps an eye on. Whoever
/// is at it holds its lock.
pub fn clear_drafts(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stem = format!("{}.draft-", name.to_string_lossy());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_draft = entry.file_name().to_string_lossy().starts_with(&stem);
        if is_draft && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // One that cannot be removed is tried at the next start.
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_node_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/node.key");
        assert!(read_node_key(&path).unwrap().is_none());
        let made = create_node_key(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(read_node_key(&path).unwrap().unwrap().check_value(), made.check_value());
        assert!(matches!(create_node_key(&path), Err(KeyFileError::Exists { .. })));
    }

    #[test]
    fn what_a_process_left_that_died_while_it_made_a_key_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("release.key");
        let [dead, writing] =
            ["release.key.draft-1", "release.key.draft-2"].map(|name| folder.path().join(name));
        // One died after its draft was linked: that is the key itself, under another name.
        let made = ensure_release_key(&path).unwrap();
        std::fs::hard_link(&path, &dead).unwrap();
        let file = File::create(&writing).unwrap();
        file.lock().unwrap();
        assert_eq!(ensure_release_key(&path).unwrap().public, made.public);
        assert!(!dead.exists() && writing.exists() && path.exists());
        drop(file);
        clear_drafts(&path);
        assert!(!writing.exists());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        create_node_key(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_node_key(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_torn_key_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        create_private(&path, &[1; 31]).unwrap();
        assert!(matches!(read_node_key(&path), Err(KeyFileError::NotAKey { .. })));
    }

    #[test]
    fn a_release_key_is_made_once_and_opens_what_is_sealed_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("release.key");
        assert!(read_release_key(&path).unwrap().is_none());
        let made = ensure_release_key(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        let again = ensure_release_key(&path).unwrap();
        assert_eq!(made.public, again.public);
        let sealed = crate::seal::seal(b"x", &made.public).unwrap();
        assert_eq!(crate::seal::open(&sealed, again.secret()).unwrap(), b"x");
        let torn = folder.path().join("torn.key");
        create_private(&torn, b"AGE-SECRET-KEY-1QQ").unwrap();
        assert!(matches!(ensure_release_key(&torn), Err(KeyFileError::NotAReleaseKey { .. })));
    }

    #[test]
    fn systemd_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.key");
        assert_eq!(node_key_path(&file, Some(folder.path())), file);
        create_private(&folder.path().join(CREDENTIAL), &[1; 32]).unwrap();
        assert_eq!(node_key_path(&file, Some(folder.path())), folder.path().join(CREDENTIAL));
        assert_eq!(node_key_path(&file, None), file);
    }
}
