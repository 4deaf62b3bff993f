//! Mail that we keep for a person's decision: a sealed file each.
//!
//! A held mail is ours alone: whoever gave it to us has our 250 and forgets it. So the file is on disk, under its name,
//! before a [`Receipt`] is made, and only a receipt makes such an answer (invariant 5). It is sealed to the DPO's key and
//! to this node's release key, envelope and all, so that a stolen disk without that key holds nothing to read.
//!
//! | crash | in the folder | what the next start finds |
//! |---|---|---|
//! | while it is written or synced | `.ID.draft` | nothing was answered: the client has the mail, the draft goes |
//! | after the rename | `ID.age` | held, whether or not the answer or the row came to be: the mail may be held twice |
//! | it was released: the next hop took it, before the row says so | `ID.age` | it is sent again: twice rather than never |
//! | it lies in the outbox of Digital Post, before the row says so | `ID.age` | the letter is there, or is made again under the same `messageUUID` |
//! | the row says released or discarded | `ID.age` | the file goes |
//! | somebody removed the file | nothing, and a row that waits | the row says `gone`, and people are told |
//!
//! Start reading at [`Holding::keep`]; [`super::recover`] is the next start. Tests: below and `tests/held/`.

use super::durable;
use crate::seal::{self, Opener, SealError, Sealer};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The name of a held mail: letters only, so that it can stand in a log, a mail and a command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeldId(String);

impl HeldId {
    const LETTERS: &[u8; 16] = b"bcdfghjkmnpqrstv";
    const LENGTH: usize = 16;

    /// A new one.
    ///
    /// # Errors
    /// When the system has no random source.
    pub fn generate() -> Result<Self, SealError> {
        let random: [u8; Self::LENGTH] = seal::random()?;
        let letter = |byte: &u8| Self::LETTERS.get(usize::from(byte % 16)).copied().map_or('b', char::from);
        Ok(Self(random.iter().map(letter).collect()))
    }

    /// `None` unless it is a name that [`HeldId::generate`] can make.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == Self::LENGTH && text.bytes().all(|byte| Self::LETTERS.contains(&byte));
        is_one.then(|| Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HeldId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What stands on the envelope of a held mail. Sealed with it, and never shown whole: it has local parts.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// As MAIL had it, without brackets; empty is the null sender.
    pub sender: String,
    /// Parameters of MAIL that the next hop is to get, as `BODY=8BITMIME` (RFC 6152), `SMTPUTF8` (RFC 6531).
    pub parameters: Vec<String>,
    /// Each with its parameters of RCPT, as `NOTIFY=NEVER` (RFC 3461).
    pub recipients: Vec<(String, Vec<String>)>,
    /// Attributes of XFORWARD, as the mail server gave them.
    pub forwarded: Vec<(String, String)>,
    /// The cases that the mail's finding was put into, so that its row can be made again from the file alone.
    #[serde(default)]
    pub cases: Vec<String>,
    /// Which message of each of these cases it is, in their order: the keyed digest, in hexadecimal. None in files of before.
    #[serde(default)]
    pub messages: Vec<String>,
}

impl Cover {
    /// A cover is one line of JSON; a longer one is damage. A mail has at most some thousand recipients.
    const LONGEST: u64 = 16 << 20;
}

/// A held mail, opened: its envelope, and its bytes to be read.
pub struct OpenedMail {
    /// What stands on its envelope.
    pub cover: Cover,
    /// Its bytes, as they came. An error of reading is damage or a torn file: what was read until then is not the mail.
    pub mail: Box<dyn Read + Send>,
}

/// Whom held mail is sealed to: the DPO of the controller whose mail it is, and this node, which must be able to send it
/// on when it is released. Empty when there is neither, and then nothing can be held ([`HeldError::NoKey`]).
pub fn hold_keys<'a>(dpo_key: Option<&'a str>, release_key: Option<&'a str>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = dpo_key.into_iter().chain(release_key).collect();
    keys.dedup();
    keys
}

/// A held mail that is being acted on; nobody else acts on it while this lives.
pub struct Claim(#[expect(dead_code, reason = "it holds the lock")] File);

/// A held mail is on disk, under its name. Made only by [`Holding::keep`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    id: HeldId,
    size: u64,
}

impl Receipt {
    /// The name of the mail.
    pub fn id(&self) -> &HeldId {
        &self.id
    }

    /// Bytes of the mail, as they came.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// What can go wrong with held mail.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    /// There is nobody who could ever read it.
    #[error(
        "there is no key to seal held mail to: give the controller a `dpo_key`, or make the node's release key"
    )]
    NoKey,
    /// The key or the seal.
    #[error("held mail: {0}")]
    Seal(#[from] SealError),
    /// It opens, and does not hold an envelope.
    #[error("held mail {id}: the seal opens, but no envelope stands in it")]
    NoCover {
        /// Which.
        id: HeldId,
    },
    /// The file.
    #[error("held mail {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Where held mail lies: `held/` below the spool.
#[derive(Clone, Debug)]
pub struct Holding {
    folder: PathBuf,
}

impl Holding {
    /// Below this spool.
    pub fn below(spool: &Path) -> Self {
        Self { folder: spool.join("held") }
    }

    /// The file of a held mail.
    pub fn path(&self, id: &HeldId) -> PathBuf {
        self.folder.join(format!("{id}.age"))
    }

    /// Seals a mail to these keys (`age1...`) and returns when it is on disk under its name.
    ///
    /// # Errors
    /// When it cannot be read, sealed or written; nothing is held then.
    pub fn keep(&self, cover: &Cover, mail: &mut dyn Read, keys: &[&str]) -> Result<Receipt, HeldError> {
        if keys.is_empty() {
            return Err(HeldError::NoKey);
        }
        let id = HeldId::generate()?;
        let draft = self.folder.join(format!(".{id}.draft"));
        let kept = self.write(&id, &draft, cover, mail, keys);
        if kept.is_err() {
            // Of no use to anybody; when even this fails, the next start clears it. It may have its name already, when the
            // folder could not be synced: its client is not told yes, so it is not held.
            drop(std::fs::remove_file(&draft));
            drop(std::fs::remove_file(self.path(&id)));
        }
        kept.map(|size| Receipt { id, size })
    }

    /// Takes back a hold that nobody was told of, because the mail stays with whoever gave it to us after all.
    ///
    /// # Errors
    /// When the file cannot be removed, or somebody acts on it already: the mail is held or sent then, and may be so twice.
    pub fn take_back(&self, receipt: Receipt) -> Result<(), HeldError> {
        let Receipt { id, .. } = receipt;
        let path = self.path(&id);
        let Some(_claim) = self.claim(&id)? else {
            let source = io::Error::new(io::ErrorKind::ResourceBusy, "it is being released");
            return Err(HeldError::Io { path, source });
        };
        std::fs::remove_file(&path)
            .and_then(|()| self.sync_folder())
            .map_err(|source| HeldError::Io { path, source })
    }

    /// Opens a held mail with a private key that it was sealed to, the node's or the DPO's.
    ///
    /// # Errors
    /// When it is not there, the key is another, or it is damaged.
    pub fn open(&self, id: &HeldId, secret: &str) -> Result<OpenedMail, HeldError> {
        let path = self.path(id);
        let file = File::open(&path).map_err(|source| HeldError::Io { path: path.clone(), source })?;
        let mut opened = BufReader::new(Opener::new(BufReader::new(file), secret)?);
        let mut line = Vec::new();
        let read = opened.by_ref().take(Cover::LONGEST).read_until(b'\n', &mut line);
        read.map_err(|source| HeldError::Io { path, source })?;
        let cover = line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok());
        let cover = cover.ok_or_else(|| HeldError::NoCover { id: id.clone() })?;
        Ok(OpenedMail { cover, mail: Box::new(opened) })
    }

    /// Takes a held mail to act on it; `None` when somebody else has it, or it is gone.
    ///
    /// # Errors
    /// When it cannot be opened or locked.
    pub fn claim(&self, id: &HeldId) -> Result<Option<Claim>, HeldError> {
        let path = self.path(id);
        let io = |source| HeldError::Io { path: path.clone(), source };
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(io)?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Claim(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    /// Removes a held mail of which the register says that it is settled: sent on and taken, or discarded.
    ///
    /// # Errors
    /// When it cannot be removed; that it is gone already is none.
    pub fn remove(&self, id: &HeldId) -> Result<(), HeldError> {
        let path = self.path(id);
        let removed = match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => self.sync_folder(),
        };
        removed.map_err(|source| HeldError::Io { path, source })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new name is durable only when its folder is.
    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder).and_then(|folder| folder.sync_all())
    }

    fn write(
        &self,
        id: &HeldId,
        draft: &Path,
        cover: &Cover,
        mail: &mut dyn Read,
        keys: &[&str],
    ) -> Result<u64, HeldError> {
        let io = |source| HeldError::Io { path: draft.to_owned(), source };
        durable::make_folder(&self.folder).map_err(io)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft).map_err(io)?;
        // Whoever clears drafts sees that this one is being written.
        file.lock().map_err(io)?;
        let mut sealer = Sealer::new(BufWriter::new(file), keys)?;
        let cover = serde_json::to_vec(cover).map_err(|error| io(error.into()))?;
        sealer.write_all(&cover).and_then(|()| sealer.write_all(b"\n")).map_err(io)?;
        let size = io::copy(mail, &mut sealer).map_err(io)?;
        let file =
            sealer.finish().and_then(|buffer| buffer.into_inner().map_err(io::Error::from)).map_err(io)?;
        file.sync_all().map_err(io)?;
        #[allow(
            clippy::disallowed_methods,
            reason = "between two syncs: the durable way that the lint asks for"
        )]
        std::fs::rename(draft, self.path(id)).map_err(io)?;
        self.sync_folder().map_err(io)?;
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::keyfile::DpoPair;

    #[test]
    fn a_mail_is_kept_whole_for_each_key_and_for_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let holding = Holding::below(folder.path());
        let (dpo, node) = (DpoPair::generate(), DpoPair::generate());
        let cover = Cover {
            sender: "sagsbehandler@kommune.example".into(),
            recipients: vec![("borger@privat.example".into(), vec!["NOTIFY=NEVER".into()])],
            ..Cover::default()
        };
        let mail = b"Subject: x\r\n\r\nCPR-nr. 150379-1028\r\n\0\xFF".repeat(5_000);
        let receipt = holding.keep(&cover, &mut mail.as_slice(), &[&dpo.public, &node.public]).unwrap();
        assert_eq!(receipt.size(), mail.len() as u64);
        let sealed = std::fs::read(holding.path(receipt.id())).unwrap();
        for text in [b"150379".as_slice(), b"borger", b"kommune"] {
            assert!(memchr::memmem::find(&sealed, text).is_none());
        }
        for pair in [&dpo, &node] {
            let plain = seal::open(&sealed, pair.secret()).unwrap();
            let (head, body) = plain.split_at(plain.iter().position(|byte| *byte == b'\n').unwrap());
            assert!(serde_json::from_slice::<Cover>(head).unwrap() == cover && body[1..] == mail);
        }
        assert!(seal::open(&sealed, DpoPair::generate().secret()).is_err());
        assert_eq!(std::fs::read_dir(folder.path().join("held")).unwrap().count(), 1);
    }

    #[test]
    fn what_was_kept_is_opened_and_what_is_torn_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let holding = Holding::below(folder.path());
        let node = DpoPair::generate();
        let keys = hold_keys(None, Some(&node.public));
        let mail = b"Subject: x\r\n\r\nCPR-nr. 150379-1028\r\n".repeat(9_000);
        let cover =
            Cover { sender: "a@b.example".into(), cases: vec!["BRV-2026-0001".into()], ..Cover::default() };
        let id = holding.keep(&cover, &mut mail.as_slice(), &keys).unwrap().id().clone();
        let mut opened = holding.open(&id, node.secret()).ok().unwrap();
        let mut read = Vec::new();
        opened.mail.read_to_end(&mut read).unwrap();
        assert!(opened.cover == cover && read == mail);
        assert!(holding.open(&id, DpoPair::generate().secret()).is_err());

        // One at a time acts on it.
        let claim = holding.claim(&id).unwrap().unwrap();
        assert!(holding.claim(&id).unwrap().is_none());
        drop(claim);
        assert!(holding.claim(&id).unwrap().is_some());

        let whole = std::fs::read(holding.path(&id)).unwrap();
        for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
            File::create(holding.path(&id)).unwrap().write_all(&whole[..cut]).unwrap();
            let whole = holding.open(&id, node.secret()).ok().and_then(|mut opened| {
                let mut read = Vec::new();
                opened.mail.read_to_end(&mut read).ok()
            });
            assert!(whole.is_none(), "cut at {cut}");
        }
        holding.remove(&id).unwrap();
        holding.remove(&id).unwrap();
        assert!(holding.claim(&id).unwrap().is_none() && holding.open(&id, node.secret()).is_err());
    }

    #[test]
    fn what_fails_leaves_nothing() {
        struct Torn;
        impl Read for Torn {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("torn"))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let holding = Holding::below(folder.path());
        let dpo = DpoPair::generate();
        assert!(matches!(holding.keep(&Cover::default(), &mut Torn, &[]), Err(HeldError::NoKey)));
        assert!(matches!(holding.keep(&Cover::default(), &mut Torn, &["age1x"]), Err(HeldError::Seal(_))));
        assert!(matches!(
            holding.keep(&Cover::default(), &mut Torn, &[&dpo.public]),
            Err(HeldError::Io { .. })
        ));
        assert_eq!(std::fs::read_dir(folder.path().join("held")).unwrap().count(), 0);
    }

    #[test]
    fn a_name_has_no_digit_and_is_read_back() {
        let id = HeldId::generate().unwrap();
        assert!(id.as_str().bytes().all(|byte| byte.is_ascii_lowercase()));
        assert_eq!(HeldId::parse(id.as_str()), Some(id));
        for text in ["", "../../etc/passwd", "bcdfghjkmnpqrst", "bcdfghjkmnpqrstx", "bcdfghjkmnpqrst1"] {
            assert_eq!(HeldId::parse(text), None);
        }
    }
}
