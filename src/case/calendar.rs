//! When somebody is at work: Danish public holidays, closing days and staffed hours.
//!
//! It steers alerts and never a deadline: the 72 hours run on through every holiday (Reg. 1182/71 art. 3(4) leaves out periods
//! in hours). Days and hours are those of Denmark, instants are UTC. Source: facts of the law, "The clock". Start reading at
//! [`Calendar`]; tests: below, with the rows of the facts that have Easter and summer time in them.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Europe::Copenhagen;

/// A day on which nobody is at work although it is no public holiday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// This day of this month, every year.
    Every {
        /// 1 to 31.
        day: u32,
        /// 1 to 12.
        month: u32,
    },
    /// The Friday after Ascension Day (*Kristi himmelfartsdag*).
    AfterAscension,
}

impl Closing {
    /// Those of most Danish authorities: 1 May, Constitution Day, Christmas Eve, New Year's Eve, the Friday after Ascension.
    pub const USUAL: [Self; 5] = [
        Self::Every { day: 1, month: 5 },
        Self::Every { day: 5, month: 6 },
        Self::Every { day: 24, month: 12 },
        Self::Every { day: 31, month: 12 },
        Self::AfterAscension,
    ];

    /// Reads `24/12`, or `ascension+1`; `None` when it is no day.
    pub fn read(text: &str) -> Option<Self> {
        if text.trim().eq_ignore_ascii_case("ascension+1") {
            return Some(Self::AfterAscension);
        }
        let (day, month) = text.split_once('/')?;
        let (day, month) = (day.trim().parse().ok()?, month.trim().parse().ok()?);
        // A leap year has every day that there is.
        NaiveDate::from_ymd_opt(2024, month, day)?;
        Some(Self::Every { day, month })
    }
}

/// Hours of a day, in minutes from midnight.
type Hours = (u32, u32);

/// When somebody is at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// From Monday on.
    staffed: [Vec<Hours>; 7],
    closed: Vec<Closing>,
}

impl Default for Calendar {
    /// Monday to Thursday 8 to 16 and Friday 8 to 15, and the usual closing days.
    fn default() -> Self {
        let mut staffed: [Vec<Hours>; 7] = Default::default();
        for (day, hours) in staffed.iter_mut().take(5).enumerate() {
            hours.push((8 * 60, if day == 4 { 15 * 60 } else { 16 * 60 }));
        }
        Self { staffed, closed: Closing::USUAL.to_vec() }
    }
}

/// Further back or ahead nobody looks for a staffed hour.
const HORIZON_DAYS: u64 = 40;
/// What is repeated comes again after so long while somebody is at work,
const REPEATED_HOURS: i64 = 4;
/// and after so long in any case.
const REPEATED_AT_LEAST_HOURS: i64 = 24;

impl Calendar {
    /// Reads staffed hours as the configuration writes them, `mon-thu 08:00-16:00, fri 08:00-15:00`, in Danish too (`man-tor`);
    /// `None` when they cannot be read, or nobody is ever at work.
    pub fn read(staffed: &str, closed: Vec<Closing>) -> Option<Self> {
        let mut week: [Vec<Hours>; 7] = Default::default();
        for part in staffed.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (days, hours) = part.split_once(' ')?;
            let (first, last) = days.split_once('-').unwrap_or((days, days));
            let (first, last) = (weekday(first)?, weekday(last)?);
            let (from, to) = hours.trim().split_once('-')?;
            let (from, to) = (minutes(from)?, minutes(to)?);
            if from >= to || first > last {
                return None;
            }
            for hours in week.iter_mut().take(last + 1).skip(first) {
                hours.push((from, to));
            }
        }
        for hours in &mut week {
            hours.sort_unstable();
            let overlaps = hours.iter().zip(hours.iter().skip(1)).any(|(one, next)| one.1 > next.0);
            if overlaps {
                return None;
            }
        }
        week.iter().any(|hours| !hours.is_empty()).then_some(Self { staffed: week, closed })
    }

    /// Whether nobody is at work on this day, whatever the weekday.
    pub fn is_closed(&self, day: NaiveDate) -> bool {
        let is = |closing: &Closing| match *closing {
            Closing::Every { day: of, month } => day.day() == of && day.month() == month,
            Closing::AfterAscension => day.signed_duration_since(easter(day.year())).num_days() == 40,
        };
        holiday(day).is_some() || self.closed.iter().any(is)
    }

    /// Whether somebody is at work at this instant.
    pub fn is_staffed(&self, at: DateTime<Utc>) -> bool {
        self.spans(local_day(at)).any(|(from, to)| from <= at && at < to)
    }

    /// The first instant from `at` on at which somebody is at work; `None` when there is none for weeks.
    pub fn staffed_from(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        local_day(at)
            .iter_days()
            .take(usize::try_from(HORIZON_DAYS).unwrap_or(0))
            .flat_map(|day| self.spans(day))
            .find(|(_, to)| at < *to)
            .map(|(from, _)| from.max(at))
    }

    /// The instant from which one hour of staffed time is left before `deadline` (*sidste bemandede time*); the hour may lie on
    /// two days. `None` when there is none for weeks before it.
    pub fn last_staffed_hour(&self, deadline: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut needed = TimeDelta::hours(1);
        let last = local_day(deadline);
        for back in 0..HORIZON_DAYS {
            let day = last.checked_sub_days(Days::new(back))?;
            let mut spans: Vec<_> = self.spans(day).collect();
            spans.reverse();
            for (from, to) in spans {
                let to = to.min(deadline);
                if from >= to {
                    continue;
                }
                if to - from >= needed {
                    return Some(to - needed);
                }
                needed -= to - from;
            }
        }
        None
    }

    /// When something that was told at `at` is told again: every four hours while somebody is at work, else when work begins,
    /// and once a day in any case.
    pub fn repeated_after(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let latest = at + TimeDelta::hours(REPEATED_AT_LEAST_HOURS);
        self.staffed_from(at + TimeDelta::hours(REPEATED_HOURS)).map_or(latest, |next| next.min(latest))
    }

    /// The staffed hours of a day of Denmark.
    fn spans(&self, day: NaiveDate) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let at = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
        let hours =
            if self.is_closed(day) { &[][..] } else { self.staffed.get(at).map_or(&[][..], Vec::as_slice) };
        hours.iter().map(move |(from, to)| (instant(day, *from), instant(day, *to)))
    }
}

/// Easter Sunday of a year of the Gregorian calendar, by the algorithm that Nature printed without a name in 1876
/// (Meeus, *Astronomical Algorithms*, chapter 8).
pub fn easter(year: i32) -> NaiveDate {
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let lunar = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - lunar + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let sum = epact + weekday - 7 * late + 114;
    let (month, day) = (u32::try_from(sum / 31).unwrap_or(3), u32::try_from(sum % 31 + 1).unwrap_or(22));
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// The Danish public holiday that a day is, if it is one.
pub fn holiday(day: NaiveDate) -> Option<&'static str> {
    match (day.day(), day.month()) {
        (1, 1) => return Some("nytårsdag"),
        (25, 12) => return Some("juledag"),
        (26, 12) => return Some("2. juledag"),
        _ => {}
    }
    match day.signed_duration_since(easter(day.year())).num_days() {
        -3 => Some("skærtorsdag"),
        -2 => Some("langfredag"),
        0 => Some("påskedag"),
        1 => Some("2. påskedag"),
        // Abolished from 2024 on (LOV 214/2023).
        26 if day.year() <= 2023 => Some("store bededag"),
        39 => Some("Kristi himmelfartsdag"),
        49 => Some("pinsedag"),
        50 => Some("2. pinsedag"),
        _ => None,
    }
}

fn local_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Copenhagen).date_naive()
}

/// The instant of a local time; one in the hour that is left out in spring is when that hour is over.
fn instant(day: NaiveDate, minutes: u32) -> DateTime<Utc> {
    let (day, minutes) = if minutes >= 24 * 60 { (day.succ_opt().unwrap_or(day), 0) } else { (day, minutes) };
    let naive = day.and_time(NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).unwrap_or_default());
    match Copenhagen.from_local_datetime(&naive) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => {
            let later = Copenhagen.from_local_datetime(&(naive + TimeDelta::hours(1)));
            later.earliest().map_or_else(|| naive.and_utc(), |at| at.to_utc())
        }
    }
}

fn weekday(word: &str) -> Option<usize> {
    const DANISH: [&str; 7] = ["man", "tir", "ons", "tor", "fre", "lør", "søn"];
    let word = word.trim().to_lowercase();
    let danish = DANISH.iter().position(|day| *day == word);
    let english = || word.parse::<Weekday>().ok().map(|day| day.num_days_from_monday());
    danish.or_else(|| english().and_then(|day| usize::try_from(day).ok()))
}

fn minutes(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once([':', '.'])?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::local::{read, shown};
    use crate::case::regime::Regime;

    fn at(local: &str) -> DateTime<Utc> {
        read(local).unwrap().earlier()
    }

    #[test]
    fn easter_is_where_the_church_has_it() {
        for (year, month, day) in [
            (1961, 4, 2),
            (2000, 4, 23),
            (2008, 3, 23),
            (2011, 4, 24),
            (2023, 4, 9),
            (2024, 3, 31),
            (2026, 4, 5),
            (2027, 3, 28),
            (2038, 4, 25),
            (2285, 3, 22),
        ] {
            assert_eq!(easter(year), NaiveDate::from_ymd_opt(year, month, day).unwrap());
        }
    }

    #[test]
    fn the_holidays_of_three_years() {
        let of = |year: i32| -> Vec<String> {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
            let days = first.iter_days().take_while(|day| day.year() == year);
            days.filter(|day| holiday(*day).is_some()).map(|day| day.format("%d-%m").to_string()).collect()
        };
        let days = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of(2023), days("01-01 06-04 07-04 09-04 10-04 05-05 18-05 28-05 29-05 25-12 26-12"));
        // Store bededag would be 26-04.
        assert_eq!(of(2024), days("01-01 28-03 29-03 31-03 01-04 09-05 19-05 20-05 25-12 26-12"));
        assert_eq!(of(2027), days("01-01 25-03 26-03 28-03 29-03 06-05 16-05 17-05 25-12 26-12"));
    }

    #[test]
    fn closing_days_are_settable() {
        let usual = Calendar::default();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for closed in ["2026-05-01", "2026-06-05", "2026-12-24", "2026-12-31", "2026-05-15", "2026-12-25"] {
            assert!(usual.is_closed(day(closed)), "{closed}");
        }
        assert!(!usual.is_closed(day("2026-05-22")) && !usual.is_closed(day("2026-12-30")));
        let own = Calendar::read("mon-fri 08:00-16:00", vec![Closing::read("27/12").unwrap()]).unwrap();
        assert!(own.is_closed(day("2027-12-27")) && !own.is_closed(day("2026-12-24")));
        assert_eq!(Closing::read("29/2"), Some(Closing::Every { day: 29, month: 2 }));
        assert_eq!(Closing::read(" ascension+1 "), Some(Closing::AfterAscension));
        assert!(Closing::read("31/4").is_none() && Closing::read("24-12").is_none());
    }

    #[test]
    fn staffed_hours_are_read_in_two_languages() {
        let read = |text: &str| Calendar::read(text, Closing::USUAL.to_vec());
        let default = Calendar::default();
        assert_eq!(read("mon-thu 08:00-16:00, fri 08:00-15:00").unwrap(), default);
        assert_eq!(read("man-tor 8.00-16.00, fre 8.00-15.00").unwrap(), default);
        let round = read("mon-sun 00:00-24:00").unwrap();
        assert!(round.is_staffed(at("14-11-2026 23:59")) && !round.is_staffed(at("25-12-2026 12:00")));
        let lunch = read("mon 08:00-12:00, mon 13:00-16:00").unwrap();
        assert!(lunch.is_staffed(at("16-11-2026 11:59")) && !lunch.is_staffed(at("16-11-2026 12:00")));
        for bad in ["", "mon", "mon 16:00-08:00", "xyz 08:00-16:00", "thu-mon 08:00-16:00", "mon 08:00-25:00"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read("mon 08:00-12:00, mon 11:00-16:00"), None, "the same hour twice");
    }

    /// The clock table of the facts: its deadlines, and the last staffed hour before each.
    #[test]
    fn the_last_staffed_hour_before_each_deadline_of_the_clock_table() {
        let calendar = Calendar::default();
        for (aware, deadline, last) in [
            ("17-11-2026 10:20", "20-11-2026 kl. 10:20", "20-11-2026 kl. 09:20"),
            // Over the night that loses an hour: Monday in summer time.
            ("27-03-2026 14:30", "30-03-2026 kl. 15:30", "30-03-2026 kl. 14:30"),
            ("23-10-2026 14:30", "26-10-2026 kl. 13:30", "26-10-2026 kl. 12:30"),
            // Due at night: the last hour of Tuesday.
            ("25-10-2026 02:30", "28-10-2026 kl. 01:30", "27-10-2026 kl. 15:00"),
            // Easter Sunday in the DST night: nobody is at work from Maundy Thursday on.
            ("25-03-2027 09:00", "28-03-2027 kl. 10:00", "24-03-2027 kl. 15:00"),
            // New Year: the 31st is a closing day, the 1st a holiday, the 2nd a Saturday.
            ("30-12-2026 15:30", "02-01-2027 kl. 15:30", "30-12-2026 kl. 15:00"),
        ] {
            let due = Regime::for_awareness(at(aware)).unwrap().deadline(at(aware));
            assert_eq!(shown(due), deadline, "{aware}");
            assert_eq!(shown(calendar.last_staffed_hour(due).unwrap()), last, "{aware}");
        }
        // Ten minutes of the morning, and fifty of the afternoon before.
        assert_eq!(
            shown(calendar.last_staffed_hour(at("19-11-2026 08:10")).unwrap()),
            "18-11-2026 kl. 15:10"
        );
        // Good Friday's deadline was told of on Wednesday; the Monday after Easter is a holiday too.
        assert_eq!(shown(calendar.staffed_from(at("25-03-2027 09:00")).unwrap()), "30-03-2027 kl. 08:00");
    }

    #[test]
    fn what_is_repeated_comes_every_four_hours_at_work_and_daily_otherwise() {
        let calendar = Calendar::default();
        let mut told = at("20-11-2026 10:20");
        let mut times = Vec::new();
        for _ in 0..6 {
            told = calendar.repeated_after(told);
            times.push(shown(told));
        }
        assert_eq!(
            times,
            [
                "20-11-2026 kl. 14:20",
                "21-11-2026 kl. 14:20",
                "22-11-2026 kl. 14:20",
                "23-11-2026 kl. 08:00",
                "23-11-2026 kl. 12:00",
                "24-11-2026 kl. 08:00"
            ]
        );
    }
}
