//! Counts that documents show, as rows.
//!
//! Words and counts only. Start reading at [`Surroundings`].

use chrono::{DateTime, Utc};

/// What a document about a case asks besides the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Who made the source system.
    pub vendor: Option<String>,
    /// When the first message was sent: old mail says so itself, and what was found on its way was sent then.
    pub first_at: DateTime<Utc>,
    /// When the last one was, likewise.
    pub last_at: DateTime<Utc>,
    /// What else stood in the messages, and in how many of them at least ([`crate::scan::beside`]).
    pub beside: Vec<(String, u64)>,
    /// Messages by the domain of their sender, the most first; an empty domain is the empty sender.
    pub senders: Vec<DomainCount>,
    /// Messages by the domain of a recipient, the most first.
    pub recipients: Vec<DomainCount>,
    /// What the mail server's log says of their way.
    pub proofs: Vec<Proof>,
}

/// Messages of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCount {
    /// The domain.
    pub domain: String,
    /// Messages.
    pub mails: u64,
}

/// Deliveries that fared alike, by the words of [`crate::store::DeliveryRow`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proof {
    /// `sent`, `deferred` or `returned`.
    pub status: String,
    /// `verified` ... `plaintext`, `nothing`.
    pub proof: String,
    /// `TLSv1.3`, or empty.
    pub protocol: String,
    /// Its cipher, or empty.
    pub cipher: String,
    /// How many.
    pub times: u64,
}

/// Deliveries to a domain in an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Travelled {
    /// Hours since 1970 in UTC.
    pub hour: i64,
    /// The recipient's domain.
    pub domain: String,
    /// How they fared.
    pub proof: Proof,
}
