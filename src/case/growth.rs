//! A case that grows after it was settled: when a person is told of it again.
//!
//! No clock starts in silence, and no case grows in silence either (facts of the law, "Awareness" 5): the first message is told of,
//! then at most one a day, and at once when mails or persons are twice what was told. So a case that grows from one person to
//! ten thousand in an hour is told of some fourteen times. Start reading at [`Extent::is_news_after`].

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Copenhagen;
use serde::{Deserialize, Serialize};

/// How large a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Messages.
    pub mails: u64,
    /// Persons, at most: those of the newest message are counted as if all were new.
    pub persons: u64,
}

impl Extent {
    /// Whether it is to be told at `now`, after `told` was told at `at`.
    pub fn is_news_after(self, now: DateTime<Utc>, told: Self, at: DateTime<Utc>) -> bool {
        let day = |at: DateTime<Utc>| at.with_timezone(&Copenhagen).date_naive();
        let is_double = |now: u64, told: u64| now >= told.saturating_mul(2).max(1);
        day(now) > day(at) || is_double(self.mails, told.mails) || is_double(self.persons, told.persons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_again_on_another_day_and_when_it_has_doubled() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let told = Extent { mails: 3, persons: 10 };
        // 23:30 in Denmark.
        let evening = at("2026-11-17T22:30:00Z");
        let is_news =
            |mails, persons, now: &str| Extent { mails, persons }.is_news_after(at(now), told, evening);
        assert!(!is_news(5, 19, "2026-11-17T22:59:59Z"));
        assert!(is_news(4, 10, "2026-11-17T23:00:00Z"), "the next day");
        assert!(is_news(6, 10, "2026-11-17T22:31:00Z"));
        assert!(is_news(4, 20, "2026-11-17T22:31:00Z"));
        assert!(!is_news(4, 11, "2026-11-16T12:00:00Z"), "a clock that was put back");
        // One person to ten thousand, a mail each.
        let mut told = Extent { mails: 1, persons: 2 };
        let mut times = 0;
        for mails in 2..=10_000 {
            let now = Extent { mails, persons: mails };
            if now.is_news_after(evening, told, evening) {
                (told, times) = (now, times + 1);
            }
        }
        assert_eq!(times, 13);
    }
}
