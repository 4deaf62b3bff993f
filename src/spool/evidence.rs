//! The numbers of a breach, sealed to the DPO's key, so that the persons can be written to (GDPR art. 34).
//!
//! One segment a case, one frame a message, each person once. This machine writes and cannot read: opening
//! takes the DPO's private key, on the DPO's own machine.

use super::durable;
use crate::case::CaseId;
use crate::seal::{self, SealError};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What can go wrong with evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The key or the seal.
    #[error("evidence of {case}: {source}")]
    Seal {
        /// Whose.
        case: CaseId,
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
}

impl Evidence {
    /// Below this spool.
    pub fn below(spool: &Path) -> Self {
        Self { folder: spool.join("evidence") }
    }

    /// The case's segment.
    pub fn path(&self, case: &CaseId) -> PathBuf {
        self.folder.join(format!("{case}.seg"))
    }

    /// Seals these numbers (ten digits in ASCII each) and returns when they are on disk.
    ///
    /// # Errors
    /// When they could not be sealed or written.
    pub fn append(&self, case: &CaseId, dpo_key: &str, numbers: &[[u8; 10]]) -> Result<(), EvidenceError> {
        let plain = Zeroizing::new(
            numbers.iter().flat_map(|number| [number, b"\n".as_slice()].concat()).collect::<Vec<u8>>(),
        );
        let sealed = seal::seal(&plain, dpo_key)
            .map_err(|source| EvidenceError::Seal { case: case.clone(), source })?;
        let path = self.path(case);
        durable::append(&path, &sealed).map_err(|source| EvidenceError::Io { path, source })
    }

    /// Opens a case's evidence with the DPO's private key. A DPO who took a new key during the case opens it in
    /// turn with each.
    ///
    /// # Errors
    /// When the file cannot be read, or nothing in it is sealed to this key.
    pub fn open(&self, case: &CaseId, dpo_secret: &str) -> Result<Opened, EvidenceError> {
        let path = self.path(case);
        let frames = durable::frames(&path).map_err(|source| EvidenceError::Io { path, source })?;
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
                Err(EvidenceError::Seal { case: case.clone(), source })
            }
            Some(_) | None => {
                opened.numbers.sort_unstable();
                opened.numbers.dedup();
                Ok(opened)
            }
        }
    }
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
