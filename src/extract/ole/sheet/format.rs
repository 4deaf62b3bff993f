//! Numbers as their formats show them, as far as it matters to a search for digits.
//!
//! A format such as `000000-0000` makes 1503791028 look like 150379-1028, and 101901234, whose first digit no number
//! keeps, like 010190-1234. Dates are shown as dates. All else is told plainly: without separators of thousands and with
//! all its digits, whatever is shown.

use chrono::{Days, NaiveDate};

/// What a format does to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Plain,
    /// Digits at the places of NULs, from the right, with letters between them.
    Digits(String),
    Date,
}

impl Shape {
    /// A built-in format by its number (§2.4.126).
    pub(super) fn built_in(number: u16) -> Self {
        if matches!(number, 14..=17 | 22 | 27..=36 | 50..=58) { Self::Date } else { Self::Plain }
    }

    /// A format as it is written.
    pub(super) fn of(format: &str) -> Self {
        let mut mask = String::new();
        let mut is_date = false;
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            match letter {
                // Positive numbers come first.
                ';' => break,
                '[' => letters.by_ref().take_while(|one| *one != ']').for_each(drop),
                '"' => mask.extend(letters.by_ref().take_while(|one| *one != '"')),
                '\\' => mask.extend(letters.next()),
                '_' | '*' => {
                    letters.next();
                }
                '0' | '#' | '?' => mask.push('\0'),
                'd' | 'D' | 'm' | 'M' | 'y' | 'Y' => is_date = true,
                ' ' | '-' | '/' | ':' | '(' | ')' | '+' => mask.push(letter),
                _ => return Self::Plain,
            }
        }
        let places = mask.chars().filter(|one| *one == '\0').count();
        if is_date {
            Self::Date
        } else if places > 1 && !mask.contains(['/', ':']) {
            Self::Digits(mask)
        } else {
            Self::Plain
        }
    }

    /// A number as it is told. `is_1904` when days are counted from that year.
    pub(super) fn show(&self, number: f64, is_1904: bool) -> String {
        match self {
            Self::Date => date(number, is_1904).unwrap_or_else(|| plain(number)),
            Self::Digits(mask) if number.fract() == 0.0 && !parts(mask, number) => digits(mask, number),
            Self::Digits(_) | Self::Plain => plain(number),
        }
    }
}

fn plain(number: f64) -> String {
    // As people write it: never with an exponent.
    format!("{number}")
}

fn date(number: f64, is_1904: bool) -> Option<String> {
    let days = if (1.0..3_000_000.0).contains(&number) { number.trunc() } else { return None };
    // Excel's first two months have a day too many, which nobody born then will mind.
    let from =
        if is_1904 { NaiveDate::from_ymd_opt(1904, 1, 1) } else { NaiveDate::from_ymd_opt(1899, 12, 30) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked above")]
    let day = from?.checked_add_days(Days::new(days as u64))?;
    Some(day.format("%d-%m-%Y").to_string())
}

/// Whether a number as long as a CPR number would be parted by signs that are meant for thousands.
fn parts(mask: &str, number: f64) -> bool {
    let places = mask.chars().filter(|one| *one == '\0').count();
    places < 9 && number >= 1e8 && mask.trim_matches(|one| one != '\0').contains(|one| one != '\0')
}

fn digits(mask: &str, number: f64) -> String {
    let shown = format!("{:.0}", number.abs());
    let places = mask.chars().filter(|one| *one == '\0').count();
    let mut left = shown.chars().rev();
    let mut out: Vec<char> = Vec::new();
    let mut filled = 0;
    for one in mask.chars().rev() {
        if one == '\0' {
            filled += 1;
            // A place for a digit that is not shown when it is none (`#`) is filled as well: what is a number of ten
            // places is meant to have ten.
            out.push(left.next().unwrap_or('0'));
            if filled == places {
                out.extend(left.by_ref());
            }
        } else {
            out.push(one);
        }
    }
    if number < 0.0 {
        out.push('-');
    }
    out.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_their_formats_say() {
        for (format, number, shown) in [
            ("000000-0000", 1_503_791_028.0, "150379-1028"),
            ("000000\\-0000", 101_901_234.0, "010190-1234"),
            ("[$-406]000000\" \"0000;@", 1_503_791_028.0, "150379 1028"),
            ("######-####", 101_901_234.0, "010190-1234"),
            ("0000000000", 101_901_234.0, "0101901234"),
            ("00-00", 12345.0, "123-45"),
            ("\"CPR \"000000-0000", 1_503_791_028.0, "CPR 150379-1028"),
            ("0", 1_503_791_028.0, "1503791028"),
            ("# ##0", 1_503_791_028.0, "1503791028"),
            ("\"150379-\"0000", 28.0, "150379-0028"),
            ("General", 1_503_791_028.0, "1503791028"),
            ("#,##0.00", 1_503_791_028.0, "1503791028"),
            ("#,##0.00", 0.5, "0.5"),
            ("dd-mm-yyyy", 28_929.0, "15-03-1979"),
            ("dd-mm-yyyy", -1.0, "-1"),
            ("", 1e300, &plain(1e300)),
        ] {
            assert_eq!(Shape::of(format).show(number, false), shown, "{format}");
        }
        assert_eq!(Shape::built_in(14).show(27_467.0, true), "15-03-1979");
    }
}
