//! Days, and the century that a CPR number's seventh digit gives.
//!
//! A type of our own rather than a calendar library's: three bytes that compare in order, on the hot path.

/// A day of the Gregorian calendar, 1858 to 2057 as far as CPR numbers reach; compares in time order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::struct_field_names, reason = "a day is a year, a month and a day")]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// `None` when the calendar has no such day.
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if month < 1 || month > 12 || day < 1 || day > length_of(year, month) {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// A day that is written in code; what is no day becomes the first of January of its year.
    pub const fn literal(year: u16, month: u8, day: u8) -> Self {
        match Self::new(year, month, day) {
            Some(day) => day,
            None => Self { year, month: 1, day: 1 },
        }
    }

    /// Four digits.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Whole years from this day to `later`; 0 when `later` is earlier.
    pub fn years_until(self, later: Self) -> u16 {
        let birthday_to_come = (later.month, later.day) < (self.month, self.day);
        later.year.saturating_sub(self.year).saturating_sub(u16::from(birthday_to_come))
    }
}

const fn length_of(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The year of birth from the two written digits and the seventh digit.
///
/// | 7th digit | written | born |
/// |---|---|---|
/// | 0-3 | 00-99 | 1900-1999 |
/// | 4, 9 | 00-36 | 2000-2036 |
/// | 4, 9 | 37-99 | 1937-1999 |
/// | 5-8 | 00-57 | 2000-2057 |
/// | 5-8 | 58-99 | 1858-1899 |
pub const fn birth_year(written: u8, seventh: u8) -> u16 {
    let written = written as u16;
    match seventh {
        4 | 9 if written <= 36 => 2000 + written,
        5..=8 if written <= 57 => 2000 + written,
        5..=8 => 1800 + written,
        _ => 1900 + written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_the_century_table() {
        for (written, seventh, year) in [
            (0, 0, 1900),
            (99, 3, 1999),
            (36, 4, 2036),
            (37, 4, 1937),
            (36, 9, 2036),
            (37, 9, 1937),
            (57, 5, 2057),
            (58, 5, 1858),
            (57, 8, 2057),
            (58, 8, 1858),
            (99, 8, 1899),
            (0, 5, 2000),
        ] {
            assert_eq!(birth_year(written, seventh), year, "{written} {seventh}");
        }
    }

    #[test]
    fn every_day_of_two_centuries_is_the_calendars() {
        for year in 1850..=2060_u16 {
            for month in 0..=13_u8 {
                for day in 0..=32_u8 {
                    let calendar = chrono::NaiveDate::from_ymd_opt(year.into(), month.into(), day.into());
                    assert_eq!(
                        Day::new(year, month, day).is_some(),
                        calendar.is_some(),
                        "{year}-{month}-{day}"
                    );
                }
            }
        }
    }

    #[test]
    fn ages() {
        let born = Day::literal(2000, 2, 29);
        assert_eq!(born.years_until(Day::literal(2026, 2, 28)), 25);
        assert_eq!(born.years_until(Day::literal(2026, 3, 1)), 26);
        assert_eq!(born.years_until(Day::literal(1999, 1, 1)), 0);
    }
}
