//! How a sheet shows a number: of a format's code as much as decides which digits are seen (ECMA-376 part 1 §18.8.31).
//!
//! A CPR number that is entered as a number lost its leading zero and has no dash; a format such as `000000-0000` shows
//! both. Dates are days since 1900. Start reading at [`Format::of`].

use std::borrow::Cow;

/// What a format makes of a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// The number as it is.
    #[default]
    Plain,
    /// Digits in places with signs between.
    Places(Vec<Piece>),
    /// A date or a time.
    Date(Vec<Piece>),
}

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A digit; shown as zero where there is none, if so.
    Digit(bool),
    /// A part of a date, so many letters wide.
    Date(char, usize),
    /// A sign as it is.
    Sign(char),
}

/// A CPR number has so many digits.
const CPR: usize = 10;

impl Format {
    /// Of a format's code.
    pub(super) fn of(code: &str) -> Self {
        let mut sections = vec![(Vec::new(), false)];
        let mut letters = code.chars().peekable();
        // A section for 9 digits or more is meant for a CPR number; else the first is for what is above zero.
        while let Some(letter) = letters.next() {
            if sections.len() > 4 {
                break;
            }
            let Some((pieces, is_decimal)) = sections.last_mut() else { break };
            match letter {
                ';' => sections.push((Vec::new(), false)),
                '"' => pieces.extend(letters.by_ref().take_while(|letter| *letter != '"').map(Piece::Sign)),
                '\\' => pieces.extend(letters.next().map(Piece::Sign)),
                // A blank as wide as the next sign, and a sign repeated to fill the cell.
                '_' | '*' => {
                    letters.next();
                    pieces.push(Piece::Sign(' '));
                }
                // Colours, conditions, languages.
                '[' => {
                    let inner: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                    if let Some(first @ ('h' | 'm' | 's')) = inner.chars().next()
                        && inner.chars().all(|letter| letter == first)
                    {
                        pieces.push(Piece::Date(first, inner.len()));
                    }
                }
                '0' => pieces.push(Piece::Digit(true)),
                '#' | '?' => pieces.push(Piece::Digit(false)),
                '.' | ',' | '%' | 'E' | '@' => {
                    *is_decimal = true;
                    pieces.push(Piece::Sign(letter));
                }
                'y' | 'm' | 'd' | 'h' | 's' | 'Y' | 'M' | 'D' | 'H' | 'S' => {
                    let mut width = 1;
                    while letters.next_if(|next| next.eq_ignore_ascii_case(&letter)).is_some() {
                        width += 1;
                    }
                    pieces.push(Piece::Date(letter.to_ascii_lowercase(), width));
                }
                'G' if code.contains("General") => {
                    *is_decimal = true;
                    letters.by_ref().take("eneral".len()).for_each(drop);
                }
                other => pieces.push(Piece::Sign(other)),
            }
        }
        let is_date = |pieces: &[Piece]| {
            pieces.iter().any(|piece| matches!(piece, Piece::Date(..)))
                && !pieces.iter().any(|piece| matches!(piece, Piece::Digit(_)))
        };
        let fits = |(pieces, is_decimal): &&(Vec<Piece>, bool)| {
            !is_decimal && pieces.iter().filter(|piece| matches!(piece, Piece::Digit(_))).count() >= CPR - 1
        };
        if let Some((pieces, _)) = sections.iter().find(fits) {
            return Self::Places(pieces.clone());
        }
        let Some((pieces, is_decimal)) = sections.first() else { return Self::Plain };
        if is_date(pieces) {
            return Self::Date(pieces.clone());
        }
        // A part of a number: `000000` in one cell and `0000` in the next, or `"150379-"0000`. A slash makes a fraction.
        let has_digit = pieces.iter().any(|piece| matches!(piece, Piece::Digit(_)));
        if !is_decimal && has_digit && !pieces.contains(&Piece::Sign('/')) {
            return Self::Places(pieces.clone());
        }
        Self::Plain
    }

    /// Of the number of a format that every program knows (§18.8.30).
    pub(super) fn builtin(nr: u32) -> Self {
        Self::of(match nr {
            14 | 27..=31 | 36 | 50..=58 => "dd-mm-yyyy",
            15 => "d-mmm-yy",
            16 => "d-mmm",
            17 => "mmm-yy",
            18..=21 | 32..=35 | 45..=47 => "hh:mm:ss",
            22 => "dd-mm-yyyy hh:mm",
            _ => "General",
        })
    }

    /// A cell's number as it shows. `since_1904` says which year the days are counted from.
    pub(super) fn show<'a>(&self, value: &'a str, since_1904: bool) -> Cow<'a, str> {
        let value = plain(value);
        match self {
            Self::Plain => value,
            Self::Places(pieces) => places(pieces, &value).map_or(value, Cow::Owned),
            Self::Date(pieces) => date(pieces, &value, since_1904).map_or(value, Cow::Owned),
        }
    }
}

/// A number without exponent and decimals, where it has none.
pub(super) fn plain(value: &str) -> Cow<'_, str> {
    let value = value.trim();
    let is_integer = value.bytes().all(|byte| byte.is_ascii_digit());
    let may_be_float = value.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if is_integer || !may_be_float {
        return Cow::Borrowed(value);
    }
    match value.parse::<f64>() {
        // Floats hold no more digits than that. A number that was computed may miss an integer by its last ones.
        Ok(float) if (1e5..1e15).contains(&float) && (float - float.round()).abs() < 1e-5 => {
            Cow::Owned(format!("{float:.0}"))
        }
        _ => Cow::Borrowed(value),
    }
}

/// Digits in their places, from the last on.
fn places(pieces: &[Piece], value: &str) -> Option<String> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count = pieces.iter().filter(|piece| matches!(piece, Piece::Digit(_))).count();
    // Ten places are meant for ten digits, whether a zero shows or not.
    let fills = count == CPR && value.len() == CPR - 1;
    if count < CPR - 1 && value.len() > count {
        // Signs among the last places only would part a longer number.
        let is_digit = |piece: &Piece| matches!(piece, Piece::Digit(_));
        let (first, last) = pieces.iter().position(is_digit).zip(pieces.iter().rposition(is_digit))?;
        if last - first + 1 > count {
            return None;
        }
    }
    let (mut digits, mut left, mut shown) = (value.chars().rev().peekable(), count, Vec::new());
    for piece in pieces.iter().rev() {
        match piece {
            Piece::Digit(zero) => {
                left -= 1;
                match digits.next() {
                    Some(digit) => shown.push(digit),
                    None if *zero || fills => shown.push('0'),
                    None => {}
                }
                if left == 0 {
                    // What has no place stands in the first.
                    shown.extend(digits.by_ref());
                }
            }
            Piece::Sign(sign) => shown.push(*sign),
            Piece::Date(..) => {}
        }
    }
    Some(shown.into_iter().rev().collect())
}

/// A date, as far as days matter; `None` for what is none.
fn date(pieces: &[Piece], value: &str, since_1904: bool) -> Option<String> {
    let (days, fraction) = value.split_once('.').unwrap_or((value, "0"));
    // A number of more digits is no date of any life, and shows as `####`.
    let days: u32 = days.parse().ok().filter(|days| *days < 100_000)?;
    // The time of day, by the first six decimals of it.
    let decimals: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let seconds = u32::try_from(decimals.parse::<u64>().ok()? * 86_400 / 1_000_000).ok()?;
    // The first day is 1 January 1900, and a 29 February 1900 that never was is counted.
    let days = if since_1904 { days + 1462 } else { days };
    let days = if days < 60 { days + 1 } else { days };
    let epoch = chrono::NaiveDate::from_ymd_opt(1899, 12, 30)?;
    let date = epoch.checked_add_days(chrono::Days::new(u64::from(days)))?;
    let mut shown = String::new();
    let mut last = ' ';
    for piece in pieces {
        use chrono::Datelike;
        match piece {
            Piece::Date(letter, width) => {
                let (year, hours, minutes) = (date.year(), seconds / 3600, seconds / 60 % 60);
                let part = match (*letter, *width) {
                    ('y', 1 | 2) => format!("{:02}", year % 100),
                    ('y', _) => format!("{year:04}"),
                    ('m', 1 | 2) if last == 'h' => format!("{minutes:02}"),
                    ('m', 1) => date.month().to_string(),
                    ('m', 2) => format!("{:02}", date.month()),
                    ('m', _) => month(date.month()).to_owned(),
                    ('d', 1) => date.day().to_string(),
                    ('d', 2) => format!("{:02}", date.day()),
                    ('h', _) => format!("{hours:02}"),
                    ('s', _) => format!("{:02}", seconds % 60),
                    _ => String::new(),
                };
                shown.push_str(&part);
                last = *letter;
            }
            Piece::Sign(sign) => shown.push(*sign),
            Piece::Digit(_) => {}
        }
    }
    Some(shown)
}

fn month(nr: u32) -> &'static str {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec"];
    nr.checked_sub(1).and_then(|nr| NAMES.get(nr as usize)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_show_zeros_and_dashes() {
        for (code, value, shown) in [
            ("000000-0000", "1503791028", "150379-1028"),
            ("000000\\-0000", "103791028", "010379-1028"),
            ("######-####", "103791028", "010379-1028"),
            ("######\"-\"####", "1503791028", "150379-1028"),
            ("\"CPR \"000000\\ 0000;@", "1503791028", "CPR 150379 1028"),
            ("0000000000", "103791028", "0103791028"),
            ("[<=99]00;000000\\-0000", "1503791028.0", "150379-1028"),
            ("000000-0000", "1.503791028E9", "150379-1028"),
            ("000000-0000", "91503791028", "9150379-1028"),
            ("#,##0.00", "1503791028", "1503791028"),
            ("000000", "10190", "010190"),
            ("0000", "28", "0028"),
            ("\"150379-\"0000", "1028", "150379-1028"),
            ("\"CPR \"0", "1503791028", "CPR 1503791028"),
            ("# ##0", "1503791028", "1503791028"),
            ("# ?/?", "5", "5"),
            ("0\" kr.\"", "5.5", "5.5"),
            ("0;\"150379-1028\"", "5", "5"),
            ("General", "103791028", "103791028"),
            ("000000-0000;General", "103791028", "010379-1028"),
            ("@", "1.5", "1.5"),
            ("000000-0000", "", ""),
        ] {
            assert_eq!(Format::of(code).show(value, false), shown, "{code}");
        }
    }

    #[test]
    fn days_are_dates_and_longer_numbers_are_none() {
        for (code, value, since_1904, shown) in [
            ("dd-mm-yyyy", "28929", false, "15-03-1979"),
            ("ddmmyy", "27467", true, "150379"),
            ("[$-406]d. mmmm yyyy;@", "28929.5", false, "15. mar 1979"),
            ("dd-mm-yy hh:mm", "28929.5", false, "15-03-79 12:00"),
            ("d-m-yyyy", "1", false, "1-1-1900"),
            ("dd-mm-yyyy", "1503791028", false, "1503791028"),
            ("dd-mm-yyyy", "-1", false, "-1"),
            ("dd-mm-yyyy", "150379", false, "150379"),
        ] {
            assert_eq!(Format::of(code).show(value, since_1904), shown, "{code} {value}");
        }
        assert_eq!(Format::builtin(14).show("28929", false), "15-03-1979");
    }

    #[test]
    fn floats_are_integers_where_they_are_meant_so() {
        for (value, shown) in [
            ("1.503791028E9", "1503791028"),
            ("1503791028.0", "1503791028"),
            ("1503791027.9999998", "1503791028"),
            ("0.25", "0.25"),
            ("-5", "-5"),
            ("inf", "inf"),
            ("1e400", "1e400"),
        ] {
            assert_eq!(plain(value), shown);
        }
    }
}
