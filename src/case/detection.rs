//! One message in which a number was found: what the register keeps of it.

use crate::envelope::{Pass, QueueId, Verdict};
use crate::scan::Report;
use chrono::{DateTime, Utc};

/// What became of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did not leave: refused, held, or sent by a protected road instead.
    Stopped,
    /// It left readable.
    Delivered {
        /// Whether both the finding and the unprotected road are certain. If not, the case is suspected.
        certain: bool,
    },
}

impl Outcome {
    /// What a verdict makes of a leak; `None` when it is no incident (a protected road) or not settled yet.
    /// `road_known` is false when nobody has said how mail travels there.
    pub fn of(verdict: Verdict, report: &Report, road_known: bool) -> Option<Self> {
        match verdict {
            Verdict::Block | Verdict::Hold | Verdict::Reroute => Some(Self::Stopped),
            Verdict::Deliver(Pass::Observed) => {
                Some(Self::Delivered { certain: report.is_certain() && road_known })
            }
            Verdict::Deliver(
                Pass::Clean | Pass::Encrypted | Pass::ProtectedRoad | Pass::UnreadAllowed | Pass::Exempt,
            )
            | Verdict::Defer => None,
        }
    }

    /// The word in rows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Delivered { .. } => "delivered",
        }
    }
}

/// A message with a number in it, as the register keeps it: no number, no subject, no local part.
#[derive(Clone, Debug)]
pub struct Detection {
    /// When it was found; this is when the organisation became aware, if it left.
    pub at: DateTime<Utc>,
    /// The mail server's name for it.
    pub queue_id: Option<QueueId>,
    /// Keyed digest of envelope, Message-ID and content: a message that comes again has the same.
    pub message: [u8; 16],
    /// What was decided.
    pub verdict: Verdict,
    /// What became of the number.
    pub outcome: Outcome,
    /// The sender's domain; empty for the null sender.
    pub sender_domain: String,
    /// The recipients' domains, sorted, each once.
    pub recipient_domains: Vec<String>,
    /// How many recipients.
    pub recipients: u64,
    /// How many findings that leak.
    pub findings: u64,
    /// How many different persons' numbers; a lower bound beyond [`crate::scan::Persons::LIMIT`].
    pub persons: u64,
    /// Whether that is all of them.
    pub persons_exact: bool,
}

impl Detection {
    /// Whether it surely left, and it is surely a person's number.
    pub fn is_certain(&self) -> bool {
        self.outcome == Outcome::Delivered { certain: true }
    }
}
