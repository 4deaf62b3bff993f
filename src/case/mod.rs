//! The breach case: what it is, when it began, when its time is up.
//!
//! Pure: no I/O, and the time is an argument. A *detection* is one message; an *incident* is one cause; a
//! *case* is one controller's part of an incident, with one clock (GDPR art. 33). What a person may do with it is one table, [`act::decide`]. Start reading at [`State`].
//! Source: facts of the law, "Awareness", "The clock" and "States". Tests: tables beside the code.

pub mod act;
pub mod calendar;
pub mod chain;
pub mod deadline;
pub mod detection;
pub mod escalation;
pub mod event;
pub mod field;
pub mod growth;
pub mod incident;
pub mod local;
pub mod milestone;
pub mod passage;
pub mod regime;
pub mod replay;
pub mod severity;
pub mod template;

use detection::Outcome;
use std::fmt;

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// *Afværget*: stopped or sent protected before it left. No clock.
    NearMiss,
    /// *Mistanke*: it left, and whether it was a number, or whether it left readable, is not certain. The clock
    /// runs from the detection, as the worst case.
    Suspected,
    /// It left, and is being assessed. The clock runs.
    Assessing,
    /// A preliminary notification was sent (GDPR art. 33(4)), or what was notified was opened again: more is to come.
    NotifiedPreliminary,
    /// All was notified.
    NotifiedFinal,
    /// A risk is unlikely: documented, and not notified (GDPR art. 33(1), (5)).
    DocumentedOnly,
    /// The suspicion was refuted.
    NoBreach,
    /// Done with.
    Closed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::NearMiss,
        Self::Suspected,
        Self::Assessing,
        Self::NotifiedPreliminary,
        Self::NotifiedFinal,
        Self::DocumentedOnly,
        Self::NoBreach,
        Self::Closed,
    ];

    /// What is let out in the clear: it left, and that is certain.
    pub const RELEASED: Self = Self::Assessing;

    /// The state in which a detection opens a case.
    pub fn opened_by(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Stopped => Self::NearMiss,
            Outcome::Delivered { certain: false } => Self::Suspected,
            Outcome::Delivered { certain: true } => Self::Assessing,
        }
    }

    /// The state after another detection joins; a certain delivery ends the doubt, nothing brings it back, and nothing but a
    /// person reopens what was settled. What left never joins a near miss: whether it left is part of what groups
    /// ([`incident::grouping`]).
    #[must_use]
    pub fn joined_by(self, outcome: Outcome) -> Self {
        match (self, outcome) {
            (Self::Suspected, Outcome::Delivered { certain: true }) => Self::Assessing,
            (state, _) => state,
        }
    }

    /// Whether a further message that left is new to what was decided: a person is asked whether to reopen or to add.
    pub fn is_settled(self) -> bool {
        match self {
            Self::NearMiss | Self::Suspected | Self::Assessing | Self::NotifiedPreliminary => false,
            Self::NotifiedFinal | Self::DocumentedOnly | Self::NoBreach | Self::Closed => true,
        }
    }

    /// Whether the 72 hours run in it.
    pub fn clock_runs(self) -> bool {
        matches!(self, Self::Suspected | Self::Assessing)
    }

    /// Whether the case counts as a breach or as one averted. A closed one is what its clock says
    /// ([`act::Standing::kind`]).
    pub fn kind(self) -> Kind {
        match self {
            Self::NearMiss => Kind::NearMiss,
            Self::Suspected
            | Self::Assessing
            | Self::NotifiedPreliminary
            | Self::NotifiedFinal
            | Self::DocumentedOnly
            | Self::NoBreach
            | Self::Closed => Kind::Breach,
        }
    }

    /// The word in rows and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::NearMiss => "near_miss",
            Self::Suspected => "suspected",
            Self::Assessing => "assessing",
            Self::NotifiedPreliminary => "notified_preliminary",
            Self::NotifiedFinal => "notified_final",
            Self::DocumentedOnly => "documented_only",
            Self::NoBreach => "no_breach",
            Self::Closed => "closed",
        }
    }

    /// Reads [`Self::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// For people: Danish and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::NearMiss => ("afværget", "near miss"),
            Self::Suspected => ("mistanke", "suspected"),
            Self::Assessing => ("under vurdering", "being assessed"),
            Self::NotifiedPreliminary => ("foreløbigt anmeldt", "notified, preliminary"),
            Self::NotifiedFinal => ("endeligt anmeldt", "notified, final"),
            Self::DocumentedOnly => ("kun dokumenteret", "documented only"),
            Self::NoBreach => ("intet brud", "no breach"),
            Self::Closed => ("afsluttet", "closed"),
        }
    }
}

/// Whether personal data got out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It did not: no clock, and a line in the register.
    NearMiss,
    /// It did, or may have.
    Breach,
}

impl Kind {
    /// The word in rows and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::NearMiss => "near_miss",
            Self::Breach => "breach",
        }
    }
}

/// A case's number in the register: `BRV-2026-0042`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseId(String);

impl CaseId {
    /// The `ordinal`th case of a year.
    pub fn new(year: i32, ordinal: u32) -> Self {
        Self(format!("BRV-{year:04}-{ordinal:04}"))
    }

    /// Reads a number as a person may write it; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let (year, ordinal) = text.strip_prefix("BRV-")?.split_once('-')?;
        Some(Self::new(year.parse().ok()?, ordinal.parse().ok()?))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_mail_is_a_near_miss_and_a_delivered_one_a_breach() {
        assert_eq!(State::opened_by(Outcome::Stopped).kind(), Kind::NearMiss);
        assert_eq!(State::opened_by(Outcome::Delivered { certain: false }), State::Suspected);
        assert_eq!(State::opened_by(Outcome::Delivered { certain: true }), State::Assessing);
    }

    #[test]
    fn doubt_ends_and_never_comes_back() {
        let certain = Outcome::Delivered { certain: true };
        let doubtful = Outcome::Delivered { certain: false };
        assert_eq!(State::Suspected.joined_by(certain), State::Assessing);
        assert_eq!(State::Suspected.joined_by(doubtful), State::Suspected);
        assert_eq!(State::Assessing.joined_by(doubtful), State::Assessing);
        assert_eq!(State::Assessing.joined_by(Outcome::Stopped), State::Assessing);
    }

    #[test]
    fn case_numbers() {
        assert_eq!(CaseId::new(2026, 42).to_string(), "BRV-2026-0042");
        assert_eq!(CaseId::parse(" brv-2026-42 "), Some(CaseId::new(2026, 42)));
        assert_eq!(CaseId::parse("2026-42"), None);
        for state in State::ALL {
            assert_eq!(State::from_word(state.word()), Some(state));
        }
    }
}
