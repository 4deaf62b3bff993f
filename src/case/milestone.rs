//! When somebody must be told about a case: planned as rows when its clock starts, so that no restart forgets.
//!
//! The steps are our own proposal (facts of the law, "Alerts"); the deadline they lead up to is the law's.

use super::Kind;
use super::deadline::Deadline;
use chrono::{DateTime, TimeDelta, Utc};

/// A moment at which the DPO is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Milestone {
    /// The case was opened.
    Opened,
    /// So many hours are left.
    Left(u8),
    /// The deadline has passed.
    Overdue,
    /// A message came that belongs to a case which was settled.
    HitAfter,
}

impl Milestone {
    /// Every milestone, earliest first.
    pub const ALL: [Self; 8] = [
        Self::HitAfter,
        Self::Opened,
        Self::Left(48),
        Self::Left(24),
        Self::Left(12),
        Self::Left(4),
        Self::Left(1),
        Self::Overdue,
    ];

    /// The word in rows.
    pub fn word(self) -> String {
        match self {
            Self::Opened => "opened".to_owned(),
            Self::Left(hours) => format!("left-{hours}h"),
            Self::Overdue => "overdue".to_owned(),
            Self::HitAfter => "hit-after".to_owned(),
        }
    }

    /// Reads [`Self::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|milestone| milestone.word() == word)
    }

    /// How pressing: of several due at once for one case, the most pressing is sent and the others with it.
    pub fn urgency(self) -> u8 {
        match self {
            Self::HitAfter => 0,
            Self::Opened => 1,
            Self::Left(hours) => 100 - hours.min(99),
            Self::Overdue => 101,
        }
    }
}

/// What is due when, for a case opened at `opened`. A near miss has no clock and is told of once.
pub fn plan(
    kind: Kind,
    opened: DateTime<Utc>,
    deadline: Option<Deadline>,
) -> Vec<(Milestone, DateTime<Utc>)> {
    let clock = match (kind, deadline) {
        (Kind::Breach, Some(deadline)) => Some(deadline),
        (Kind::Breach, None) | (Kind::NearMiss, _) => None,
    };
    Milestone::ALL
        .into_iter()
        .filter_map(|milestone| {
            let due = match milestone {
                Milestone::Opened => opened,
                Milestone::Left(hours) => clock?.at() - TimeDelta::hours(hours.into()),
                Milestone::Overdue => clock?.at(),
                // Never planned ahead.
                Milestone::HitAfter => return None,
            };
            Some((milestone, due))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_breach_is_told_of_seven_times() {
        let aware = Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap();
        let planned = plan(Kind::Breach, aware, Some(Deadline::from_awareness(aware)));
        let hours: Vec<(String, i64)> =
            planned.iter().map(|(milestone, due)| (milestone.word(), (*due - aware).num_hours())).collect();
        let wanted = [
            ("opened", 0),
            ("left-48h", 24),
            ("left-24h", 48),
            ("left-12h", 60),
            ("left-4h", 68),
            ("left-1h", 71),
            ("overdue", 72),
        ];
        assert_eq!(hours, wanted.map(|(word, hour)| (word.to_owned(), hour)));
    }

    #[test]
    fn a_near_miss_is_told_of_once() {
        let now = Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap();
        assert_eq!(plan(Kind::NearMiss, now, None), [(Milestone::Opened, now)]);
    }

    #[test]
    fn the_nearest_end_is_the_most_pressing() {
        assert!(Milestone::ALL.is_sorted_by_key(|milestone| milestone.urgency()));
        for milestone in Milestone::ALL {
            assert_eq!(Milestone::from_word(&milestone.word()), Some(milestone));
        }
    }
}
