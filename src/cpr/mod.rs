//! The CPR number: what ten digits must be to be one, and where in a text ten digits stand.
//!
//! No I/O, no allocation, no clock and no mail: what day it is and which birth dates have numbers without
//! modulus 11 are arguments. A number never prints itself: `Debug` shows stars, there is no `Display` and
//! no `Serialize`. Start reading at [`Cpr::parse`]; [`runs`] finds digits, [`candidate`] joins them.
//! Tests: beside the code, with a slow oracle for the number and a naive twin for the finder.
//!
//! Source of the rules: facts of the CPR office, *Personnummeret i CPR* (structure, century table,
//! numbers without modulus 11).

pub mod candidate;
pub mod date;
pub mod glyph;
pub mod modulus;
pub mod runs;

use candidate::{Candidate, Form};
use date::Day;
use modulus::Check;
use std::fmt;

/// Birth dates on which numbers without modulus 11 have been issued, with the day the list was true.
///
/// Data, not code: the CPR office has added dates since 2007 and will add more. Dates are sorted.
#[derive(Clone, Copy, Debug)]
pub struct Exceptions<'a> {
    /// When the CPR office published the list.
    pub as_of: Day,
    /// Sorted.
    pub dates: &'a [Day],
}

/// What a number says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An ordinary personnummer.
    Cpr,
    /// *Erstatningspersonnummer*: 60 added to the day, given by an authority to a person without a number.
    Replacement,
    /// Nine digits in a column or at a label of CPR numbers that a spreadsheet took the leading zero from.
    NineDigit,
    /// *eCPR* of the health sector: a birth date, then letters among the digits.
    Ecpr,
    /// Of the series that MedCom set aside for testing: fails modulus 11, serial `x99[56]`.
    Test,
    /// A real date that fails modulus 11 on a day without exceptions: mistyped, or something else.
    Suspect,
}

impl Kind {
    /// The word of the jsonl contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cpr => "cpr",
            Self::Replacement => "replacement",
            Self::NineDigit => "nine-digit",
            Self::Ecpr => "ecpr",
            Self::Test => "test",
            Self::Suspect => "suspect",
        }
    }
}

/// Why ten digits are no CPR number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCpr {
    /// No such day in the century that the seventh digit gives.
    NoSuchDay,
    /// Born after today.
    Unborn,
    /// Nine digits that with a zero before them fail modulus 11: nothing says that one was lost.
    NoZeroLost,
}

/// A number that can be somebody's. `Debug` prints stars.
#[derive(Clone, Copy)]
pub struct Cpr {
    /// Values 0 to 9; of an eCPR, letters as ASCII capitals.
    digits: [u8; 10],
    kind: Kind,
    birth: Day,
    check: Check,
}

impl Cpr {
    /// Reads ten digits (values 0 to 9, `DDMMYYSSSS`).
    ///
    /// # Errors
    /// [`NotCpr`] when they are no real past date; a number that only fails modulus 11 is told by its kind.
    pub fn parse(digits: [u8; 10], today: Day, exceptions: Exceptions<'_>) -> Result<Self, NotCpr> {
        let [d1, d2, m1, m2, y1, y2, s1, s2, s3, s4] = digits;
        let written_day = d1 * 10 + d2;
        let (day, replacement) =
            if written_day > 60 { (written_day - 60, true) } else { (written_day, false) };
        let year = date::birth_year(y1 * 10 + y2, s1);
        let birth = Day::new(year, m1 * 10 + m2, day).ok_or(NotCpr::NoSuchDay)?;
        if birth > today {
            return Err(NotCpr::Unborn);
        }
        let check = if modulus::passes(digits) {
            Check::Passes
        } else if exceptions.dates.binary_search(&birth).is_ok() {
            Check::Excepted
        } else {
            Check::Fails
        };
        let kind = match (replacement, check) {
            (true, _) => Kind::Replacement,
            (false, Check::Passes | Check::Excepted) => Kind::Cpr,
            (false, Check::Fails) if s2 == 9 && s3 == 9 && (s4 == 5 || s4 == 6) => Kind::Test,
            (false, Check::Fails) => Kind::Suspect,
        };
        Ok(Self { digits, kind, birth, check })
    }

    /// Reads a candidate, as it is written.
    ///
    /// # Errors
    /// As [`Self::parse`], and [`NotCpr::NoZeroLost`].
    pub fn read(candidate: &Candidate, today: Day, exceptions: Exceptions<'_>) -> Result<Self, NotCpr> {
        match candidate.form {
            Form::Lettered => Self::lettered(candidate.digits, today),
            Form::Nine => {
                // Most fail here, and cheaply; only numbers of a first of January may be exempt.
                if !modulus::passes(candidate.digits) && !candidate.digits.starts_with(&[0, 1, 0, 1]) {
                    return Err(NotCpr::NoZeroLost);
                }
                let whole = Self::parse(candidate.digits, today, exceptions)?;
                match whole.kind {
                    Kind::Cpr => Ok(Self { kind: Kind::NineDigit, ..whole }),
                    Kind::Replacement | Kind::NineDigit | Kind::Ecpr | Kind::Test | Kind::Suspect => {
                        Err(NotCpr::NoZeroLost)
                    }
                }
            }
            Form::Dashed
            | Form::Plain
            | Form::Blank
            | Form::Broken
            | Form::Marked
            | Form::Spelled
            | Form::Cells
            | Form::Spread => Self::parse(candidate.digits, today, exceptions),
        }
    }

    /// An eCPR: a birth date, the digit of the century, two letters and a digit. It has no check digit.
    fn lettered(digits: [u8; 10], today: Day) -> Result<Self, NotCpr> {
        let [d1, d2, m1, m2, y1, y2, century, ..] = digits;
        let birth = Day::new(date::birth_year(y1 * 10 + y2, century), m1 * 10 + m2, d1 * 10 + d2)
            .ok_or(NotCpr::NoSuchDay)?;
        if birth > today {
            return Err(NotCpr::Unborn);
        }
        Ok(Self { digits, kind: Kind::Ecpr, birth, check: Check::Excepted })
    }

    /// What it says it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The decoded birth date.
    pub fn birth(&self) -> Day {
        self.birth
    }

    /// How it stands to modulus 11.
    pub fn check(&self) -> Check {
        self.check
    }

    /// The ten digits, or digits and letters of an eCPR, in ASCII. For sealing, keyed digests and `--reveal`; never for a log, row or notice.
    pub fn reveal(&self) -> [u8; 10] {
        self.digits.map(|digit| if digit < 10 { digit + b'0' } else { digit })
    }
}

impl PartialEq for Cpr {
    fn eq(&self, other: &Self) -> bool {
        self.digits == other.digits
    }
}

impl Eq for Cpr {}

impl fmt::Debug for Cpr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Cpr(******-****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn today() -> Day {
        Day::new(2026, 11, 21).unwrap()
    }

    fn exceptions() -> Exceptions<'static> {
        const DATES: &[Day] = &[Day::literal(1965, 1, 1), Day::literal(1991, 1, 1)];
        Exceptions { as_of: Day::literal(2023, 5, 10), dates: DATES }
    }

    fn digits(text: &str) -> [u8; 10] {
        let mut digits = [0; 10];
        for (slot, byte) in digits.iter_mut().zip(text.bytes().filter(u8::is_ascii_digit)) {
            *slot = byte - b'0';
        }
        digits
    }

    fn kind(text: &str) -> Result<Kind, NotCpr> {
        Cpr::parse(digits(text), today(), exceptions()).map(|cpr| cpr.kind())
    }

    #[test]
    fn kinds() {
        assert_eq!(kind("111111-1118"), Ok(Kind::Cpr));
        assert_eq!(kind("010165-0001"), Ok(Kind::Cpr), "1 January 1965 is on the list");
        assert_eq!(kind("020165-0001"), Ok(Kind::Suspect));
        assert_eq!(kind("251248-9996"), Ok(Kind::Test));
        assert_eq!(kind("231114-3995"), Ok(Kind::Test));
        assert_eq!(kind("710101-1234"), Ok(Kind::Replacement));
        assert_eq!(kind("310299-1234"), Err(NotCpr::NoSuchDay));
        assert_eq!(kind("610001-1234"), Err(NotCpr::NoSuchDay));
        assert_eq!(kind("321299-1234"), Err(NotCpr::NoSuchDay));
    }

    #[test]
    fn leap_days_follow_the_decoded_century() {
        assert_eq!(kind("290200-1000"), Err(NotCpr::NoSuchDay), "1900 had none");
        assert!(kind("290200-5000").is_ok(), "2000 had one");
    }

    #[test]
    fn nobody_is_born_tomorrow() {
        assert!(kind("211126-4000").is_ok());
        assert_eq!(kind("221126-4000"), Err(NotCpr::Unborn));
        assert_eq!(kind("010157-5000"), Err(NotCpr::Unborn));
    }

    #[test]
    fn a_number_prints_stars() {
        let cpr = Cpr::parse(digits("111111-1118"), today(), exceptions()).unwrap();
        assert_eq!(format!("{cpr:?}"), "Cpr(******-****)");
        assert_eq!(&cpr.reveal(), b"1111111118");
    }

    /// Reads the century table as a list of rows, months as a list of lengths, and modulus 11 by
    /// repeated subtraction: slow, and plainly the rule.
    fn oracle(d: [u8; 10]) -> Option<(i32, u8, u8, bool)> {
        let rows: [(std::ops::RangeInclusive<u8>, std::ops::RangeInclusive<i32>, i32); 8] = [
            (0..=3, 0..=99, 1900),
            (4..=4, 0..=36, 2000),
            (4..=4, 37..=99, 1900),
            (9..=9, 0..=36, 2000),
            (9..=9, 37..=99, 1900),
            (5..=8, 0..=57, 2000),
            (5..=8, 58..=99, 1800),
            (0..=0, 100..=100, 0),
        ];
        let two = |i: usize| i32::from(d[i]) * 10 + i32::from(d[i + 1]);
        let (_, _, century) = rows.iter().find(|(s, y, _)| s.contains(&d[6]) && y.contains(&two(4)))?;
        let year = century + two(4);
        let leap = chrono::NaiveDate::from_ymd_opt(year, 2, 29).is_some();
        let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let day = if two(0) > 60 { two(0) - 60 } else { two(0) };
        let month = two(2);
        let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
        if day < 1 || day > length || (year, month, day) > (2026, 11, 21) {
            return None;
        }
        let mut sum: i32 = d.iter().zip([4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).map(|(a, w)| i32::from(*a) * w).sum();
        while sum >= 11 {
            sum -= 11;
        }
        Some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?, sum == 0))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn agrees_with_the_oracle(
            day in 0..100_u8, month in 0..20_u8, year in 0..100_u8, serial in proptest::array::uniform4(0..10_u8)
        ) {
            let d = [day / 10, day % 10, month / 10 % 10, month % 10, year / 10, year % 10,
                serial[0], serial[1], serial[2], serial[3]];
            let ours = Cpr::parse(d, today(), Exceptions { as_of: today(), dates: &[] }).ok();
            let ours = ours.map(|c| {
                (i32::from(c.birth().year()), c.birth().month(), c.birth().day(), c.check() == Check::Passes)
            });
            prop_assert_eq!(ours, oracle(d));
        }
    }
}
