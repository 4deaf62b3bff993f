//! Digits of a file's text, starred before they reach a log or a page (invariant 7).
//!
//! A fault of a file quotes the file, and somebody may have pasted a number into it. Places (`rules.toml:3:10`),
//! weights, ports and IPv4 addresses stay readable; on a terminal, where the file is drawn, a CVR number and a day too. Pure.
//! Tests: below.

use std::net::Ipv4Addr;

/// The text on one line, with what could be a CPR number starred: a run of six digits or more with what hangs on it,
/// and ten digits or more in shorter runs, at most [`GAP`] signs apart.
pub(crate) fn starred(text: &str) -> String {
    star(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(), could_be_a_number)
}

/// The text with what could be a whole CPR number starred, byte for byte, so that every place stays where it is.
pub(super) fn starred_in_place(text: &str) -> String {
    star(text.chars().collect(), |span| {
        let digits = span.iter().filter(|c| c.is_ascii_digit()).count();
        digits >= 10 && span.iter().collect::<String>().parse::<Ipv4Addr>().is_err()
    })
}

fn star(mut all: Vec<char>, is_one: impl Fn(&[char]) -> bool) -> String {
    let mut at = 0;
    while let Some(start) = all.iter().skip(at).position(char::is_ascii_digit).map(|found| at + found) {
        let end = cluster(&all, start);
        let span = all.get_mut(start..end).unwrap_or_default();
        if is_one(span) {
            span.iter_mut().filter(|c| c.is_ascii_digit()).for_each(|c| *c = '*');
        }
        at = end;
    }
    all.into_iter().collect()
}

/// The signs that people write between the groups of a number, and how many of them.
const BETWEEN: [char; 8] = [' ', '-', '.', '/', '_', '\u{a0}', '\u{2010}', '\u{2013}'];
const GAP: usize = 3;

/// Where the digits that begin at `start` end, groups that hang on them with signs between included.
fn cluster(all: &[char], start: usize) -> usize {
    let mut end = start;
    loop {
        let rest = all.get(end..).unwrap_or_default();
        let gap = rest.iter().take_while(|c| BETWEEN.contains(c)).count();
        match rest.get(gap) {
            Some(c) if c.is_ascii_digit() && gap <= GAP => end += gap + 1,
            Some(_) | None => return end,
        }
    }
}

fn could_be_a_number(span: &[char]) -> bool {
    let text: String = span.iter().collect();
    let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    let digits = span.iter().filter(|c| c.is_ascii_digit()).count();
    longest >= 6 || (digits >= 10 && text.parse::<Ipv4Addr>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_file_keeps_its_lines_its_days_and_its_cvr_numbers() {
        let file =
            "cvr = \"12345678\"\nmatch = \"150379 1028\"\nå = \"150379-1028.example\"\nuntil = 2026-11-30\n";
        let drawn = starred_in_place(file);
        assert_eq!(drawn, file.replace("150379 1028", "****** ****").replace("150379-1028", "******-****"));
    }

    #[test]
    fn numbers_are_starred_and_places_are_not() {
        for (text, expected) in [
            ("`0101801012` is not", "`**********` is not"),
            ("cpr 010180-1012, and", "cpr ******-****, and"),
            ("010180 - 1012", "****** - ****"),
            ("01 01 80-1012", "** ** **-****"),
            ("1980-01-01-1012", "****-**-**-****"),
            ("123456", "******"),
            ("ends in 010180", "ends in ******"),
            ("brevdue.toml:14:7: 12345", "brevdue.toml:14:7: 12345"),
            ("192.168.100.250:8891", "192.168.100.250:8891"),
            ("must be 1 to 10000, -7.5", "must be 1 to 10000, -7.5"),
            ("as of 2026-11-17", "as of 2026-11-17"),
            ("blå\nlinje\u{1b}[2J", "blå linje [2J"),
            ("", ""),
        ] {
            assert_eq!(starred(text), expected);
        }
    }
}
