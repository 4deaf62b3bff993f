//! The 72 hours of GDPR art. 33(1).
//!
//! Elapsed time, in UTC: the strictest reading. Weekends and holidays never move it (Reg. 1182/71 art. 3(4)
//! leaves out periods in hours), and neither does a change to or from summer time.

use chrono::{DateTime, TimeDelta, Utc};

/// When the notification must be with Datatilsynet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(DateTime<Utc>);

impl Deadline {
    /// GDPR art. 33(1): "not later than 72 hours after having become aware of it".
    pub const HOURS: i64 = 72;

    /// The deadline of a controller who became aware at `aware`.
    pub fn from_awareness(aware: DateTime<Utc>) -> Self {
        Self(aware + TimeDelta::hours(Self::HOURS))
    }

    /// A deadline that was worked out already.
    pub fn at_instant(at: DateTime<Utc>) -> Self {
        Self(at)
    }

    /// The instant.
    pub fn at(self) -> DateTime<Utc> {
        self.0
    }
}

/// Hours left in words, Danish and English: whole hours rounded down, because promising time that is not
/// there would be the worse error.
pub fn left_in_words(left: TimeDelta) -> (String, String) {
    let minutes = left.num_minutes();
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    let (danish, english) = match hours {
        0 => (format!("{rest} min."), format!("{rest} min")),
        1 => ("1 time".to_owned(), "1 hour".to_owned()),
        _ => (format!("{hours} timer"), format!("{hours} hours")),
    };
    if left < TimeDelta::zero() {
        (format!("fristen er overskredet med {danish}"), format!("the deadline passed {english} ago"))
    } else {
        (format!("{danish} tilbage"), format!("{english} left"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use chrono_tz::Europe::Copenhagen;

    /// The table of the facts: local awareness and local deadline.
    #[test]
    fn the_clock_table() {
        let local = |y, m, d, h, min| Copenhagen.with_ymd_and_hms(y, m, d, h, min, 0);
        for (aware, deadline) in [
            (local(2026, 11, 17, 10, 20).unwrap(), local(2026, 11, 20, 10, 20).unwrap()),
            (local(2026, 3, 27, 14, 30).unwrap(), local(2026, 3, 30, 15, 30).unwrap()),
            (local(2026, 10, 23, 14, 30).unwrap(), local(2026, 10, 26, 13, 30).unwrap()),
            (local(2026, 10, 25, 2, 30).earliest().unwrap(), local(2026, 10, 28, 1, 30).unwrap()),
            (local(2027, 3, 25, 9, 0).unwrap(), local(2027, 3, 28, 10, 0).unwrap()),
            (local(2026, 12, 30, 15, 30).unwrap(), local(2027, 1, 2, 15, 30).unwrap()),
        ] {
            assert_eq!(Deadline::from_awareness(aware.to_utc()).at(), deadline.to_utc(), "{aware}");
        }
    }

    #[test]
    fn time_left_is_rounded_down() {
        let words = |minutes| left_in_words(TimeDelta::minutes(minutes)).0;
        assert_eq!(words(72 * 60), "72 timer tilbage");
        assert_eq!(words(72 * 60 - 1), "71 timer tilbage");
        assert_eq!(words(61), "1 time tilbage");
        assert_eq!(words(59), "59 min. tilbage");
        assert_eq!(words(-125), "fristen er overskredet med 2 timer");
        assert_eq!(left_in_words(TimeDelta::seconds(-1)).0, "fristen er overskredet med 0 min.");
    }
}
