//! A message that passed although a number stood in it, and that is no breach: what the audit trail keeps of it.

use crate::envelope::QueueId;
use chrono::{DateTime, Utc};

/// Why it passed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A person exempted it; these are the exemption's own words, as they stood then.
    Exempt {
        /// Its name.
        name: String,
        /// Who made it.
        by: String,
        /// Why, digits starred.
        reason: String,
        /// Its last day, `2026-11-30`.
        until: String,
    },
    /// A protected road, and more persons' numbers in one mail than the road warns at.
    ManyPersons {
        /// The domain that the road is for, as configured.
        road: String,
    },
}

impl Reason {
    /// The word in rows.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Exempt { .. } => "exempt",
            Self::ManyPersons { .. } => "many_persons",
        }
    }
}

/// A line of the audit trail: no number, no subject, no local part.
#[derive(Clone, Debug)]
pub struct Passage {
    /// When.
    pub at: DateTime<Utc>,
    /// Keyed digest, as of a detection.
    pub message: [u8; 16],
    /// Why it passed.
    pub reason: Reason,
    /// The mail server's name for it.
    pub queue_id: Option<QueueId>,
    /// The sender's domain; empty for the null sender.
    pub sender_domain: String,
    /// The domains of those who got it by this reason, sorted, each once.
    pub recipient_domains: Vec<String>,
    /// How many they are.
    pub recipients: u64,
    /// How many findings that leak.
    pub findings: u64,
    /// How many different persons' numbers.
    pub persons: u64,
}
