//! What the log says became of a mail, as rows: deliveries, promises of a protected road, and mail that went past us.
//!
//! Words and counts only. Start reading at [`DeliveryRow`].

use crate::case::CaseId;
use crate::case::detection::Detection;
use crate::envelope::{Controller, QueueId};
use chrono::{DateTime, Utc};

/// What became of a mail for some of its recipients: lines of the log that say the same, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// When it was first logged so.
    pub first_at: DateTime<Utc>,
    /// And last.
    pub last_at: DateTime<Utc>,
    /// How many lines: one a recipient and attempt.
    pub times: u64,
    /// The mail's name then.
    pub queue_id: String,
    /// The recipient's domain.
    pub domain: String,
    /// The mail server's transport.
    pub transport: String,
    /// The next hop as the mail server names it; empty where none was reached.
    pub relay: String,
    /// `sent`, `deferred` or `returned`.
    pub status: String,
    /// `verified`, `trusted`, `untrusted`, `anonymous`, `plaintext`, `local`, `unproven`, or `nothing` where no content was handed
    /// over.
    pub proof: String,
    /// `TLSv1.3`; empty without TLS.
    pub protocol: String,
    /// Its cipher; empty without TLS.
    pub cipher: String,
}

/// A line of the log about a mail that stands in the register.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// The mail's first name.
    pub mail: &'a str,
    /// Its name now.
    pub queue_id: &'a QueueId,
    /// The recipient's domain.
    pub domain: &'a str,
    /// The transport.
    pub transport: &'a str,
    /// The next hop, or empty.
    pub relay: &'a str,
    /// The word of the status.
    pub status: &'a str,
    /// The word of the proof.
    pub proof: &'a str,
    /// Of the session, or empty.
    pub protocol: &'a str,
    /// Of the session, or empty.
    pub cipher: &'a str,
}

/// A mail with numbers that a protected road allowed, and what a case of it would need. The detection's `at` is when it
/// was promised.
#[derive(Clone, Debug)]
pub struct Promise {
    /// As it would stand in the register if it had left plainly.
    pub detection: Detection,
    /// The recipients' domains for which the road was promised.
    pub domains: Vec<String>,
    /// Which case it would join: [`crate::case::incident::grouping`].
    pub grouping: [u8; 16],
    /// Which incident that would be of: [`crate::case::incident::root`].
    pub root: [u8; 16],
    /// Who answers for it. Of the DPO's key only whether there is one is kept.
    pub controller: Controller,
    /// The source system and its vendor.
    pub source: Option<(String, Option<String>)>,
}

/// A message of a case with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// The mail server's name for it, if it had one.
    pub queue_id: Option<String>,
    /// When it was found.
    pub at: DateTime<Utc>,
    /// What was decided.
    pub verdict: String,
    /// The log's rows, oldest first.
    pub deliveries: Vec<DeliveryRow>,
}

impl Journey {
    /// What became of it in one word: the worst, if its recipients fared differently. `answered` until the log says more.
    pub fn disposition(&self) -> &'static str {
        disposition(self.deliveries.iter().map(|row| row.status.as_str()))
    }
}

/// The worst of these, from the point of view of who must know whether a number has left.
pub(super) fn disposition<'a>(statuses: impl Iterator<Item = &'a str>) -> &'static str {
    let worst = statuses.map(|status| match status {
        "sent" => 3,
        "returned" => 2,
        "deferred" => 1,
        _ => 0,
    });
    match worst.max() {
        Some(3) => "sent",
        Some(2) => "returned",
        Some(1) => "deferred",
        _ => "answered",
    }
}

/// Mail that left without passing us and of which nobody has been told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BypassNotice {
    /// The rows: each hour with its mails so far.
    pub hours: Vec<(i64, i64)>,
    /// How many mails.
    pub mails: u64,
    /// The first of them.
    pub first_at: DateTime<Utc>,
    /// The last.
    pub last_at: DateTime<Utc>,
    /// The last one's name.
    pub queue_id: String,
    /// And its transport.
    pub transport: String,
    /// And its next hop.
    pub relay: String,
    /// Who is told.
    pub recipient: String,
    /// How often that was tried.
    pub attempts: u32,
}

/// A mail that left without passing us.
#[derive(Clone, Copy, Debug)]
pub struct Bypassed<'a> {
    /// When it left.
    pub at: DateTime<Utc>,
    /// Its name.
    pub queue_id: &'a QueueId,
    /// Its transport.
    pub transport: &'a str,
    /// Its next hop.
    pub relay: &'a str,
    /// Who is told.
    pub recipient: &'a str,
}

/// A promise that was broken, and the case it went into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The case.
    pub case: CaseId,
    /// Whether it was opened by this.
    pub opened: bool,
}
