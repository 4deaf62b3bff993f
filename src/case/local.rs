//! Danish time as people write it: `17-11-2026 10:20`, read to an instant or refused with the reason.
//!
//! In spring an hour is not there, and in autumn one is there twice: the first is refused, the second is asked about, and who
//! does not answer means the earlier (summer time), which is the stricter. Source: facts of the law, "The clock".

use chrono::{DateTime, Datelike, LocalResult, NaiveDateTime, SecondsFormat, SubsecRound, TimeZone, Utc};
use chrono_tz::Europe::Copenhagen;

/// What a written time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One instant.
    One(DateTime<Utc>),
    /// The hour that is there twice: in summer time, and in winter time.
    Two(DateTime<Utc>, DateTime<Utc>),
}

impl Reading {
    /// The instant, the earlier of two: the stricter.
    pub fn earlier(self) -> DateTime<Utc> {
        match self {
            Self::One(at) | Self::Two(at, _) => at,
        }
    }
}

/// Why a time cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// It is no time.
    #[error(
        "this is no time: write 17-11-2026 10:20 (Danish time), or 2026-11-17T09:20:00Z / \
         skriv 17-11-2026 10:20 (dansk tid) eller 2026-11-17T09:20:00Z"
    )]
    NotOne,
    /// The hour is left out when summer time begins.
    #[error(
        "{0} does not exist in Denmark: summer time begins, and the clocks go from 02:00 to 03:00 / \
         {0} findes ikke: sommertiden begynder, og uret stilles fra 02:00 til 03:00"
    )]
    Skipped(String),
}

/// Reads `17-11-2026 10:20`, `17-11-2026 kl. 10:20`, `2026-11-17 10:20`, or RFC 3339 with its offset.
///
/// # Errors
/// [`BadTime`].
pub fn read(text: &str) -> Result<Reading, BadTime> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        // Whole seconds, as the register keeps them.
        return Ok(Reading::One(at.to_utc().trunc_subsecs(0)));
    }
    let plain = text.replace("kl.", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let forms = ["%d-%m-%Y %H:%M", "%d-%m-%Y %H.%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%d-%m-%Y %H:%M:%S"];
    let naive = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&plain, form).ok());
    // Two digits of a year are a year of long ago to a program, and a slip of the pen to a person.
    let naive = naive.filter(|naive| naive.year() >= 2000).ok_or(BadTime::NotOne)?;
    match Copenhagen.from_local_datetime(&naive) {
        LocalResult::Single(at) => Ok(Reading::One(at.to_utc())),
        LocalResult::Ambiguous(earlier, later) => Ok(Reading::Two(earlier.to_utc(), later.to_utc())),
        LocalResult::None => Err(BadTime::Skipped(naive.format("%d-%m-%Y %H:%M").to_string())),
    }
}

/// As people here read it: `17-11-2026 kl. 10:20`. In the hour that is there twice it says which: `25-10-2026 kl. 02:30
/// (sommertid)`.
pub fn shown(at: DateTime<Utc>) -> String {
    format!("{}{}", at.with_timezone(&Copenhagen).format("%d-%m-%Y kl. %H:%M"), which(at))
}

/// Which of two equal times it is; nothing where there is one.
pub fn which(at: DateTime<Utc>) -> &'static str {
    let local = at.with_timezone(&Copenhagen).naive_local();
    match Copenhagen.from_local_datetime(&local) {
        LocalResult::Ambiguous(earlier, _) if earlier.to_utc() == at => " (sommertid)",
        LocalResult::Ambiguous(..) => " (vintertid)",
        LocalResult::Single(_) | LocalResult::None => "",
    }
}

/// `1 mail`, `2 mails`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// As programs read it: RFC 3339 in UTC.
pub fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_hour_that_is_not_there_is_refused_and_the_one_that_is_twice_is_asked_about() {
        let tuesday = Reading::One(utc("2026-11-17T09:20:00Z"));
        for text in
            ["17-11-2026 10:20", "17-11-2026 kl. 10:20", "2026-11-17 10:20", "2026-11-17T10:20:00+01:00"]
        {
            assert_eq!(read(text), Ok(tuesday), "{text}");
        }
        assert_eq!(read("29-03-2026 02:30"), Err(BadTime::Skipped("29-03-2026 02:30".to_owned())));
        let twice = read("25-10-2026 02:30").unwrap();
        assert_eq!(twice, Reading::Two(utc("2026-10-25T00:30:00Z"), utc("2026-10-25T01:30:00Z")));
        assert_eq!(twice.earlier(), utc("2026-10-25T00:30:00Z"), "the stricter");
        for text in ["", "i går", "31-02-2026 10:00", "17-11-2026", "17-11-26 10:20", "150379-1028"] {
            assert_eq!(read(text), Err(BadTime::NotOne), "{text}");
        }
        assert_eq!(shown(utc("2026-11-17T09:20:00Z")), "17-11-2026 kl. 10:20");
        assert_eq!(shown(utc("2026-10-25T00:30:00Z")), "25-10-2026 kl. 02:30 (sommertid)");
        assert_eq!(shown(utc("2026-10-25T01:30:00Z")), "25-10-2026 kl. 02:30 (vintertid)");
        assert_eq!(shown(utc("2026-10-25T02:00:00Z")), "25-10-2026 kl. 03:00");
    }
}
