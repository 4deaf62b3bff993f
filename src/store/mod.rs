//! Cases and notices in SQL: the register. No message bytes, ever.
//!
//! SQL stands only in this room. What is recorded here is recorded before a mail is handed on (invariant 6),
//! so every write ends on disk or is an error. Start reading at [`Store`]; the schema in
//! `schema/` is written to be read. Two databases can be behind it: a file of SQLite, or a server of PostgreSQL that many nodes
//! share (`base/`). Tests: `tests/store.rs`, one story a question.

mod base;
mod delivery;
pub mod held;
mod migrate;
mod outage;
mod rows;
mod survey;
mod url;

pub(crate) use outage::error_unless_away;

pub use delivery::{Broken, BypassNotice, Bypassed, DeliveryRow, Journey, Logged, Promise};
pub use rows::{
    Acknowledged, Anchor, Anchors, Brought, Claimed, HeldTally, Joined, KnownMail, NewReceipt, Opening,
    Recording, Sent, Settled, Store, Untaken, Verified,
};
pub use survey::{DomainCount, Proof, Surroundings, Travelled};
pub use url::{BadUrl, ServerUrl};

use crate::case::field::Field;
use crate::case::milestone::Milestone;
use crate::case::{CaseId, Kind, State};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Nothing is put off for longer. What stands further ahead was written by a clock that has been set back since, and is due: or
/// a mail that somebody released, or a letter that is tried again, would wait for as long as the clock was ahead. What such a clock
/// has set itself, awareness and what is told at once, [`Store::set_right`] sets right.
pub const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

/// Where the register is: `[store] url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A server that many machines share.
    Postgres(Box<ServerUrl>),
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "{}", path.display()),
            Self::Postgres(url) => write!(out, "{url}"),
        }
    }
}

/// A case as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRow {
    /// Its number.
    pub id: CaseId,
    /// The incident that it is a controller's part of.
    pub incident: i64,
    /// Where it stands.
    pub state: State,
    /// Whether it is a breach or one averted, whatever its state.
    pub kind: Kind,
    /// The controller's name.
    pub controller: String,
    /// The controller's CVR number.
    pub cvr: String,
    /// Who is told.
    pub dpo: String,
    /// The source system, if the configuration names one.
    pub source: Option<String>,
    /// Different messages.
    pub mails: u64,
    /// Different persons.
    pub persons: u64,
    /// Whether that is all of them: a mail with more than [`crate::scan::Persons::LIMIT`] is counted to there.
    pub persons_exact: bool,
    /// Persons in each message, added up.
    pub records: u64,
    /// When the first message was found.
    pub detected_at: DateTime<Utc>,
    /// When the last one was.
    pub last_at: DateTime<Utc>,
    /// Messages that came after it was settled: a person is asked to reopen it.
    pub hits_after: u64,
    /// When the controller became aware; `None` for a near miss.
    pub aware_at: Option<DateTime<Utc>>,
    /// When the authority must have been notified; `None` for a near miss.
    pub deadline: Option<DateTime<Utc>>,
    /// Whether all persons' numbers are sealed to the DPO's key.
    pub sealed: bool,
}

/// What people wrote in the fields of a case.
pub type Facts = BTreeMap<Field, String>;

/// A case with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFile {
    /// The case.
    pub row: CaseRow,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Who is to be told, or was.
    pub notices: Vec<NoticeRow>,
    /// What was written about it.
    pub facts: Facts,
    /// Papers that prove something.
    pub receipts: Vec<ReceiptRow>,
    /// What is still to be done, and what was.
    pub tasks: Vec<TaskRow>,
    /// The newest messages, at most [`CaseFile::MESSAGES`].
    pub messages: Vec<MessageRow>,
}

impl CaseFile {
    /// How many messages are shown.
    pub const MESSAGES: usize = 20;
}

/// A paper of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// When it was kept.
    pub at: DateTime<Utc>,
    /// By whom.
    pub who: String,
    /// Whether it is the authority's, of a notification.
    pub is_notification: bool,
    /// Of the file.
    pub sha256: [u8; 32],
    /// Its name in the spool.
    pub file: String,
    /// Bytes.
    pub size: u64,
}

/// A task of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Its number.
    pub id: i64,
    /// What.
    pub what: String,
    /// Whose.
    pub who: String,
    /// Since when.
    pub added_at: DateTime<Utc>,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
}

/// A line of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub who: String,
    /// What.
    pub event: String,
    /// The state before, if it changed.
    pub from: Option<String>,
    /// The state after, if it changed.
    pub to: Option<String>,
    /// Why.
    pub reason: String,
    /// What was said with it, as JSON; empty when nothing was.
    pub detail: String,
}

/// A message of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// When it was found.
    pub at: DateTime<Utc>,
    /// The mail server's name for it.
    pub queue_id: Option<String>,
    /// What was decided.
    pub verdict: String,
    /// What did become of it, as far as is known: `answered`, or what the mail server's log says.
    pub disposition: String,
    /// How that is proved, each way once: `verified TLSv1.3`, `plaintext`.
    pub proofs: Vec<String>,
    /// How often it came.
    pub attempts: u64,
    /// From which domain.
    pub sender_domain: String,
    /// To which domains.
    pub recipient_domains: String,
    /// Different persons in it.
    pub persons: u64,
}

/// A line of the audit trail: a message that passed although a number stood in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassageRow {
    /// When.
    pub at: DateTime<Utc>,
    /// `exempt` or `many_persons`.
    pub why: String,
    /// The exemption's name, or the road's domain.
    pub name: String,
    /// Who made the exemption; empty for a road, as the next two are.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Its last day, `2026-11-30`.
    pub until: String,
    /// The mail server's name for the message.
    pub queue_id: Option<String>,
    /// From which domain.
    pub sender_domain: String,
    /// To which domains.
    pub recipient_domains: String,
    /// How many recipients.
    pub recipients: u64,
    /// Different persons in it.
    pub persons: u64,
}

/// A telling that is due or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// Its row.
    pub id: i64,
    /// The case.
    pub case: CaseId,
    /// Which step.
    pub milestone: Milestone,
    /// Of a step that repeats, from 1.
    pub ordinal: i64,
    /// Of which clock.
    pub clock_version: i64,
    /// To whom.
    pub recipient: String,
    /// By which road.
    pub channel: Channel,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// due, sent, merged or stopped.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last failure was.
    pub last_error: Option<String>,
    /// When handing it over began; `None` until it was taken, and in rows of version 1.
    pub begun_at: Option<DateTime<Utc>>,
    /// When the mail server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// Whether its case is a breach or a near miss.
    pub kind: Kind,
    /// Where its case stands.
    pub case_state: State,
}

/// By which road somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// `[alarm] smtp`.
    Mail,
    /// `[alarm] second`.
    Second,
    /// `[alarm] webhook`.
    Webhook,
}

impl Channel {
    /// The word in rows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Second => "second",
            Self::Webhook => "webhook",
        }
    }

    /// Reads [`Self::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Mail, Self::Second, Self::Webhook].into_iter().find(|channel| channel.word() == word)
    }
}

/// What can go wrong with the register.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no.
    #[error("register: {0}")]
    Sql(#[from] rusqlite::Error),
    /// The server said no, or cannot be reached.
    #[error("register: {0}")]
    Server(String),
    /// What was done is not on disk, and is undone.
    #[error("register: {0}")]
    Commit(String),
    /// The file cannot be made or opened.
    #[error("register {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// The file cannot be made.
    #[error("register {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Made by a newer Brevdue.
    #[error(
        "the register has schema version {found}, and this program knows versions up to {known}: install the newer program again"
    )]
    Newer {
        /// In the file.
        found: i64,
        /// Known here.
        known: usize,
    },
    /// A row holds what no version of this program writes.
    #[error("the register holds a {what} that cannot be read: {value:?}")]
    Unreadable {
        /// Which column.
        what: &'static str,
        /// What stands there.
        value: String,
    },
    /// What must be done beside the rows, before they count, failed.
    #[error("{0}")]
    Beside(String),
}

impl StoreError {
    /// Whether the database said no, or nothing: what was asked may be right.
    fn is_outage(&self) -> bool {
        match self {
            Self::Sql(_) | Self::Server(_) | Self::Commit(_) | Self::Open { .. } | Self::File { .. } => true,
            Self::Beside(_) | Self::Newer { .. } | Self::Unreadable { .. } => false,
        }
    }

    /// Whether trying again later can help.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Sql(_)
            | Self::Server(_)
            | Self::Commit(_)
            | Self::Open { .. }
            | Self::File { .. }
            | Self::Beside(_) => true,
            Self::Newer { .. } | Self::Unreadable { .. } => false,
        }
    }
}
