//! The law of a case as data: how many hours, from which risk on, since when. `rules/regimes.toml`.
//!
//! A case keeps the regime under which it was opened. A regime that is not in force yet is written down and disabled, so that a
//! change of the law is a line in a file. Source: facts of the law, "The clock". Start reading at
//! [`Regime::for_awareness`].

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Europe::Copenhagen;
use serde::Deserialize;
use std::sync::LazyLock;

/// From which risk on the authority is notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Threshold {
    /// Unless the breach is unlikely to result in a risk (GDPR art. 33(1)).
    Risk,
    /// When it is likely to result in a high risk.
    HighRisk,
}

/// A law of notification.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regime {
    /// Its name in rows: `gdpr-2018`.
    pub id: String,
    /// Its first day in Denmark.
    pub valid_from: NaiveDate,
    /// Hours from awareness to the deadline.
    pub hours: u16,
    /// From which risk on.
    pub threshold: Threshold,
    /// Which form the authority has for it.
    pub form_version: String,
    /// Whether it counts; a proposal does not.
    pub enabled: bool,
    /// Where it stands.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    regime: Vec<Regime>,
}

static BUILT_IN: LazyLock<Vec<Regime>> = LazyLock::new(|| {
    let written: Option<Written> = toml::from_str(include_str!("../../rules/regimes.toml")).ok();
    // The test below reads the file; a list that is empty all the same leaves the law as it is.
    written.map(|written| written.regime).unwrap_or_default()
});

impl Regime {
    /// All that are written down, in force or not.
    pub fn all() -> &'static [Self] {
        &BUILT_IN
    }

    /// The one in force on this day in Denmark: of those that are enabled and have begun, the newest.
    pub fn in_force(day: NaiveDate) -> Option<&'static Self> {
        Self::newest(Self::all(), day)
    }

    /// The one under which a case is opened whose controller became aware at this instant: that of the day in Denmark. Of a clock
    /// that is put back to before there was any, the first: a case is opened all the same. `None` when none is written down.
    pub fn for_awareness(aware: DateTime<Utc>) -> Option<&'static Self> {
        let enabled = Self::all().iter().filter(|one| one.enabled);
        Self::in_force(aware.with_timezone(&Copenhagen).date_naive())
            .or_else(|| enabled.min_by_key(|one| one.valid_from))
    }

    /// The one of this name.
    pub fn named(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|one| one.id == id)
    }

    fn newest(all: &[Self], day: NaiveDate) -> Option<&Self> {
        all.iter().filter(|one| one.enabled && one.valid_from <= day).max_by_key(|one| one.valid_from)
    }

    /// The deadline of a controller who became aware at `aware`: elapsed hours, in UTC, which is the strictest reading. Weekends and
    /// holidays never move it (Reg. 1182/71 art. 3(4) leaves out periods in hours), and neither does a change to or from summer time.
    pub fn deadline(&self, aware: DateTime<Utc>) -> DateTime<Utc> {
        aware + TimeDelta::hours(self.hours.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn the_law_of_2018_is_in_force_and_the_proposal_is_not() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(Regime::in_force(day("2018-05-24")), None);
        for text in ["2018-05-25", "2026-11-22", "2031-01-01"] {
            let regime = Regime::in_force(day(text)).unwrap();
            assert_eq!(
                (regime.id.as_str(), regime.hours, regime.threshold),
                ("gdpr-2018", 72, Threshold::Risk)
            );
        }
        let omnibus = Regime::named("gdpr-omnibus").unwrap();
        assert_eq!((omnibus.hours, omnibus.threshold, omnibus.enabled), (96, Threshold::HighRisk, false));
        // The day that somebody enables it, it counts from its own first day on.
        let mut all = Regime::all().to_vec();
        for one in &mut all {
            one.enabled = true;
        }
        assert_eq!(Regime::newest(&all, omnibus.valid_from).unwrap().id, "gdpr-omnibus");
        assert_eq!(Regime::newest(&all, omnibus.valid_from.pred_opt().unwrap()).unwrap().id, "gdpr-2018");
    }

    #[test]
    fn the_day_is_that_of_denmark_and_a_clock_before_all_of_them_opens_a_case() {
        let id = |text: &str| Regime::for_awareness(text.parse().unwrap()).unwrap().id.as_str();
        assert_eq!(Regime::in_force("2018-05-25".parse().unwrap()).unwrap().id, id("2018-05-24T22:00:00Z"));
        assert_eq!(id("1970-01-01T00:00:00Z"), "gdpr-2018");
    }

    /// The table of the facts: local awareness and local deadline.
    #[test]
    fn the_clock_table() {
        let local = |y, m, d, h, min| Copenhagen.with_ymd_and_hms(y, m, d, h, min, 0);
        let regime = Regime::named("gdpr-2018").unwrap();
        for (aware, deadline) in [
            (local(2026, 11, 17, 10, 20).unwrap(), local(2026, 11, 20, 10, 20).unwrap()),
            (local(2026, 3, 27, 14, 30).unwrap(), local(2026, 3, 30, 15, 30).unwrap()),
            (local(2026, 10, 23, 14, 30).unwrap(), local(2026, 10, 26, 13, 30).unwrap()),
            (local(2026, 10, 25, 2, 30).earliest().unwrap(), local(2026, 10, 28, 1, 30).unwrap()),
            (local(2027, 3, 25, 9, 0).unwrap(), local(2027, 3, 28, 10, 0).unwrap()),
            (local(2026, 12, 30, 15, 30).unwrap(), local(2027, 1, 2, 15, 30).unwrap()),
        ] {
            assert_eq!(regime.deadline(aware.to_utc()), deadline.to_utc(), "{aware}");
        }
    }
}
