//! The numbers of a breach, sealed to the DPO's key, so that the persons can be written to (GDPR art. 34).
//!
//! One segment a case, one frame a message, each person once. A mail with numbers that a protected road allowed has a
//! segment of its own until the mail server's log has proved how it travelled. This machine writes and cannot read: opening
//! takes the DPO's private key, on the DPO's own machine.

use super::segment::{self, Segments};
use crate::case::CaseId;
use crate::seal::{self, Digest, SealError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// What can go wrong with evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The key or the seal.
    #[error("evidence of {case}: {source}")]
    Seal {
        /// Whose.
        case: String,
        /// What.
        source: SealError,
    },
    /// The file.
    #[error("evidence file {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What a private key opened of a case. No `Debug`: it holds the numbers.
#[derive(Default)]
pub struct Opened {
    /// The different numbers, sorted.
    pub numbers: Vec<String>,
    /// How many messages' seals are for another key, or damaged.
    pub still_sealed: usize,
}

/// Where sealed evidence lies: `evidence/` below the spool.
#[derive(Clone, Debug)]
pub struct Evidence {
    folder: PathBuf,
    segments: Arc<Segments>,
}

impl Evidence {
    /// Below this spool.
    pub fn below(spool: &Path) -> Self {
        Self { folder: spool.join("evidence"), segments: Arc::default() }
    }

    /// The case's segment.
    pub fn path(&self, case: &CaseId) -> PathBuf {
        self.folder.join(format!("{case}.seg"))
    }

    /// The case is opened now, in a transaction that is not yet on disk. A segment with its name belongs to an earlier
    /// transaction that never was: its mail came again, perhaps to another case and another controller, so it is moved aside.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn begin(&self, case: &CaseId) -> Result<(), EvidenceError> {
        let path = self.path(case);
        segment::begin(&path).map_err(|source| EvidenceError::Io { path, source })
    }

    /// Seals these numbers (ten digits in ASCII each) and returns when they are on disk.
    ///
    /// # Errors
    /// When they could not be sealed or written.
    pub fn append(&self, case: &CaseId, dpo_key: &str, numbers: &[[u8; 10]]) -> Result<(), EvidenceError> {
        let sealed = sealed(numbers, dpo_key)
            .map_err(|source| EvidenceError::Seal { case: case.to_string(), source })?;
        let path = self.path(case);
        self.segments.append(&path, &sealed).map_err(|source| EvidenceError::Io { path, source })
    }

    /// Seals the numbers of a mail that a protected road allowed into a segment of its own, named by the mail's keyed
    /// digest, and returns when they are on disk. They become evidence when the promise is broken
    /// ([`Self::break_promise`]), or go ([`Self::drop_promise`]).
    ///
    /// # Errors
    /// When they could not be sealed or written.
    pub fn append_promise(
        &self,
        mail: &Digest,
        dpo_key: &str,
        numbers: &[[u8; 10]],
    ) -> Result<(), EvidenceError> {
        let sealed = sealed(numbers, dpo_key)
            .map_err(|source| EvidenceError::Seal { case: "a promise".to_owned(), source })?;
        let path = self.promise_path(mail);
        segment::append(&path, &sealed).map_err(|source| EvidenceError::Io { path, source })
    }

    /// Puts the numbers of a promise into a case's segment, sealed as they are, and returns when they are on disk there.
    /// The promise's own segment stays until [`Self::drop_promise`]: who crashes in between does it again, and a reader
    /// sees each number once.
    ///
    /// # Errors
    /// When they could not be read or written.
    pub fn break_promise(&self, mail: &Digest, case: &CaseId) -> Result<(), EvidenceError> {
        let promise = self.promise_path(mail);
        let frames = match segment::frames(&promise) {
            Ok(frames) => frames,
            // Without a DPO's key nothing was sealed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(EvidenceError::Io { path: promise, source }),
        };
        let path = self.path(case);
        for frame in frames {
            self.segments
                .append(&path, &frame)
                .map_err(|source| EvidenceError::Io { path: path.clone(), source })?;
        }
        Ok(())
    }

    /// Removes the segment of a promise, if there is one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn drop_promise(&self, mail: &Digest) -> Result<(), EvidenceError> {
        let path = self.promise_path(mail);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(EvidenceError::Io { path, source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The mails of which a promise's segment lies here and was not written to for so long.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn promises(&self, idle: Duration) -> Result<Vec<Digest>, EvidenceError> {
        let io = |source| EvidenceError::Io { path: self.folder.clone(), source };
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(io)?;
            let is_idle = |time: std::time::SystemTime| time.elapsed().is_ok_and(|age| age >= idle);
            let Some(mail) = entry.file_name().to_str().and_then(promised_mail) else { continue };
            if entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(is_idle) {
                found.push(mail);
            }
        }
        Ok(found)
    }

    fn promise_path(&self, mail: &Digest) -> PathBuf {
        self.folder.join(format!("promise-{}.seg", seal::hex(mail)))
    }

    /// Opens a case's evidence with the DPO's private key. A DPO who took a new key during the case opens it in
    /// turn with each.
    ///
    /// # Errors
    /// When the file cannot be read, or nothing in it is sealed to this key.
    pub fn open(&self, case: &CaseId, dpo_secret: &str) -> Result<Opened, EvidenceError> {
        let path = self.path(case);
        let frames = segment::frames(&path).map_err(|source| EvidenceError::Io { path, source })?;
        let (mut opened, mut refused) = (Opened::default(), None);
        for frame in frames {
            match seal::open(&frame, dpo_secret) {
                Ok(plain) => {
                    opened.numbers.extend(String::from_utf8_lossy(&plain).lines().map(str::to_owned));
                }
                Err(source) => {
                    opened.still_sealed += 1;
                    refused = Some(source);
                }
            }
        }
        match refused {
            Some(source) if opened.numbers.is_empty() => {
                Err(EvidenceError::Seal { case: case.to_string(), source })
            }
            Some(_) | None => {
                opened.numbers.sort_unstable();
                opened.numbers.dedup();
                Ok(opened)
            }
        }
    }
}

fn sealed(numbers: &[[u8; 10]], dpo_key: &str) -> Result<Vec<u8>, SealError> {
    let plain = Zeroizing::new(
        numbers.iter().flat_map(|number| [number, b"\n".as_slice()].concat()).collect::<Vec<u8>>(),
    );
    seal::seal(&plain, dpo_key)
}

/// Reads the name of a promise's segment.
fn promised_mail(name: &str) -> Option<Digest> {
    seal::unhex(name.strip_prefix("promise-")?.strip_suffix(".seg")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::keyfile::DpoPair;

    #[test]
    fn the_dpo_reads_each_person_once() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = Evidence::below(folder.path());
        let (pair, case) = (DpoPair::generate(), CaseId::new(2026, 1));
        evidence.append(&case, &pair.public, &[*b"1111111118", *b"1111111126"]).unwrap();
        evidence.append(&case, &pair.public, &[*b"1111111118"]).unwrap();
        let opened = evidence.open(&case, pair.secret()).ok().unwrap();
        assert_eq!(
            (opened.still_sealed, opened.numbers),
            (0, vec!["1111111118".into(), "1111111126".into()])
        );
        assert!(evidence.open(&case, DpoPair::generate().secret()).is_err());
        let bytes = std::fs::read(evidence.path(&case)).unwrap();
        assert!(!bytes.windows(10).any(|w| w == b"1111111118"));
    }

    #[test]
    fn a_broken_promise_is_evidence_and_a_kept_one_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = Evidence::below(folder.path());
        let (pair, case) = (DpoPair::generate(), CaseId::new(2026, 1));
        let (kept, broken) = ([7; 16], [0xAB; 16]);
        assert!(evidence.promises(Duration::ZERO).unwrap().is_empty());
        evidence.append_promise(&kept, &pair.public, &[*b"1111111118"]).unwrap();
        evidence.append_promise(&broken, &pair.public, &[*b"1111111126"]).unwrap();
        assert_eq!(evidence.promises(Duration::ZERO).unwrap().len(), 2);
        assert!(evidence.promises(Duration::from_hours(1)).unwrap().is_empty(), "somebody may be at it");
        evidence.drop_promise(&kept).unwrap();
        // Twice, as after a crash in between.
        for _ in 0..2 {
            evidence.break_promise(&broken, &case).unwrap();
        }
        evidence.drop_promise(&broken).unwrap();
        evidence.break_promise(&broken, &case).unwrap();
        assert_eq!(evidence.open(&case, pair.secret()).ok().unwrap().numbers, ["1111111126"]);
        assert!(evidence.promises(Duration::ZERO).unwrap().is_empty());
    }

    #[test]
    fn a_new_key_does_not_lock_what_the_old_one_opens() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = Evidence::below(folder.path());
        let (old, new, case) = (DpoPair::generate(), DpoPair::generate(), CaseId::new(2026, 1));
        evidence.append(&case, &old.public, &[*b"1111111118"]).unwrap();
        evidence.append(&case, &new.public, &[*b"1111111126"]).unwrap();
        for (pair, number) in [(old, "1111111118"), (new, "1111111126")] {
            let opened = evidence.open(&case, pair.secret()).ok().unwrap();
            assert_eq!((opened.still_sealed, opened.numbers), (1, vec![number.to_owned()]));
        }
    }
}
