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

    /// Opens a case's evidence with the DPO's private key: the different numbers, sorted.
    ///
    /// # Errors
    /// When the file cannot be read, or the key is not the DPO's.
    pub fn open(&self, case: &CaseId, dpo_secret: &str) -> Result<Vec<String>, EvidenceError> {
        let path = self.path(case);
        let frames = durable::frames(&path).map_err(|source| EvidenceError::Io { path, source })?;
        let mut numbers = Vec::new();
        for frame in frames {
            let plain = seal::open(&frame, dpo_secret)
                .map_err(|source| EvidenceError::Seal { case: case.clone(), source })?;
            numbers.extend(String::from_utf8_lossy(&plain).lines().map(str::to_owned));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
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
        assert_eq!(evidence.open(&case, pair.secret()).unwrap(), ["1111111118", "1111111126"]);
        assert!(evidence.open(&case, DpoPair::generate().secret()).is_err());
        let bytes = std::fs::read(evidence.path(&case)).unwrap();
        assert!(!bytes.windows(10).any(|w| w == b"1111111118"));
    }
}
