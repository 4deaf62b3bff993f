//! Held mail as the register knows it: where it lies, who decided what, and how far that has come.
//!
//! No address and no byte of the mail. A row is addressed to the node that has the mail, and only that node acts on it.
//! Start reading at [`HeldRow`]; the writes stand in `rows/held.rs`.

use super::LONGEST_WAIT;
use crate::case::CaseId;
use chrono::{DateTime, Utc};

/// Where a held mail lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Sealed, in our spool.
    Spool,
    /// In the mail server's hold queue.
    Postfix,
}

impl Place {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Spool, Self::Postfix];

    /// The word in rows and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spool => "spool",
            Self::Postfix => "postfix",
        }
    }
}

/// How far a held mail has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeldState {
    /// Nobody has decided.
    Waiting,
    /// Decided; its node is to act.
    Approved,
    /// It was sent on, and taken.
    Released,
    /// It was removed, by a person's decision.
    Discarded,
    /// It is not where it lay, and nobody of ours took it.
    Gone,
}

impl HeldState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Approved, Self::Released, Self::Discarded, Self::Gone];

    /// The word in rows and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Released => "released",
            Self::Discarded => "discarded",
            Self::Gone => "gone",
        }
    }

    /// For people: Danish and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Waiting => ("venter", "waiting"),
            Self::Approved => ("besluttet", "decided"),
            Self::Released => ("frigivet", "released"),
            Self::Discarded => ("slettet", "discarded"),
            Self::Gone => ("forsvundet", "gone"),
        }
    }

    /// Whether the mail is still ours to look after.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Approved)
    }
}

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Send it on as it is: a breach from that moment.
    Clear,
    /// Send it on by a protected road.
    Protected,
    /// Lay it into the outbox of Digital Post, for the recipient whom the decision names.
    DigitalPost,
    /// Remove it; the sender is told.
    Discard,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 4] = [Self::Clear, Self::Protected, Self::DigitalPost, Self::Discard];

    /// The word in JSON. In a row Digital Post is a protected road with an order.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Protected => "protected",
            Self::DigitalPost => "digital_post",
            Self::Discard => "discard",
        }
    }

    /// The state in which it ends.
    pub fn ends_as(self) -> HeldState {
        match self {
            Self::Clear | Self::Protected | Self::DigitalPost => HeldState::Released,
            Self::Discard => HeldState::Discarded,
        }
    }
}

/// What a sender is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Telling {
    /// The mail waits for a decision.
    Held,
    /// It was discarded.
    Discarded,
    /// It was released, and could not be sent on.
    Failed,
}

impl Telling {
    /// Every telling.
    pub const ALL: [Self; 3] = [Self::Held, Self::Discarded, Self::Failed];

    /// The word in rows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Discarded => "discarded",
            Self::Failed => "failed",
        }
    }
}

/// A case that a held mail's finding was put into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldIn {
    /// Which.
    pub case: CaseId,
    /// Which message of that case it is, by its keyed digest; `None` where that is not known.
    pub message: Option<[u8; 16]>,
}

/// A mail that was just held.
#[derive(Clone, Copy, Debug)]
pub struct NewHeld<'a> {
    /// Of the file, or the queue id.
    pub name: &'a str,
    /// Where it lies.
    pub place: Place,
    /// The machine that has it.
    pub node: &'a str,
    /// When it was held.
    pub at: DateTime<Utc>,
    /// Bytes.
    pub size: u64,
    /// Keyed digest of the sender's address.
    pub sender: [u8; 16],
    /// As it may be shown; empty for the null sender.
    pub sender_domain: &'a str,
    /// As they may be shown, sorted.
    pub recipient_domains: &'a [String],
    /// How many.
    pub recipients: u64,
    /// Who is told when nobody decides.
    pub dpo: &'a str,
    /// The cases of its finding.
    pub cases: &'a [HeldIn],
    /// Whether the sender is to be told.
    pub tell: bool,
}

/// A held mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// Its row.
    pub row: i64,
    /// Of the file, or the queue id.
    pub name: String,
    /// Where it lies.
    pub place: Place,
    /// The machine that has it.
    pub node: String,
    /// The cases of its finding.
    pub cases: Vec<CaseId>,
    /// When it was held.
    pub at: DateTime<Utc>,
    /// When it arrived, by the mail server's queue.
    pub arrived_at: Option<DateTime<Utc>>,
    /// Bytes.
    pub size: u64,
    /// Keyed digest of the sender's address.
    pub sender: [u8; 16],
    /// Empty for the null sender.
    pub sender_domain: String,
    /// Sorted, separated by blanks.
    pub recipient_domains: String,
    /// How many.
    pub recipients: u64,
    /// Who is told when nobody decides.
    pub dpo: String,
    /// How far it has come.
    pub state: HeldState,
    /// What was decided.
    pub decision: Option<HeldDecision>,
    /// The step that cannot be taken back was begun.
    pub began_at: Option<DateTime<Utc>>,
    /// The next hop said yes.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it was settled.
    pub settled_at: Option<DateTime<Utc>>,
    /// How often its node has tried.
    pub attempts: u32,
    /// When it is tried again.
    pub next_try_at: DateTime<Utc>,
    /// What the last failure was.
    pub last_error: Option<String>,
    /// The last alarm that nobody has decided.
    pub alarmed_at: Option<DateTime<Utc>>,
}

impl HeldRow {
    /// Whether a person may decide about it: it waits, or what was decided could not be done and nothing of it has happened,
    /// so that a release by a road that is not there is not the last word.
    pub fn may_be_decided(&self) -> bool {
        let is_stuck = self.last_error.is_some() && self.began_at.is_none() && self.accepted_at.is_none();
        self.state == HeldState::Waiting || self.state == HeldState::Approved && is_stuck
    }

    /// Whether it may be tried now.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.next_try_at <= now || self.next_try_at - now > LONGEST_WAIT
    }
}

/// What was decided about a held mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldDecision {
    /// What.
    pub act: Act,
    /// By whom.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: DateTime<Utc>,
    /// By Digital Post: the name of the sealed file that names the recipient.
    pub order: Option<String>,
}

/// A line of what was done about a held mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// What.
    pub event: String,
    /// Why.
    pub reason: String,
}

/// A sender who is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTelling {
    /// Of which mail.
    pub held: HeldRow,
    /// Of what.
    pub what: Telling,
    /// How often it was tried.
    pub attempts: u32,
}
