//! File names as people are shown them.
//!
//! A name that the user gave must stay findable, so `msg-00012.eml` and `2024-11-03` keep their digits. What
//! could be a CPR number is starred, and read generously: a date that can be one with four digits behind it, in
//! any writing that the scanner knows, and with `_`, which files are named with.

use crate::cpr::{candidate, runs};

/// The name on one line, without what a terminal would obey, and with numbers starred unless they are revealed.
pub(in crate::cli) fn shown(name: &str, reveal: bool) -> String {
    let mut bytes = name.as_bytes().to_vec();
    if !reveal {
        let read: Vec<u8> = bytes.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }).collect();
        for run in runs::runs(&read) {
            let Some(found) = candidate::at(&read, &run).ok().filter(|found| is_date(&found.digits)) else {
                continue;
            };
            for byte in bytes.get_mut(found.span).into_iter().flatten().filter(|byte| byte.is_ascii_digit()) {
                *byte = b'*';
            }
        }
    }
    String::from_utf8_lossy(&bytes).chars().map(|c| if is_unruly(c) { ' ' } else { c }).collect()
}

/// Whether the first four digits can be a day and a month; with 60 added, of a replacement number.
fn is_date([d1, d2, m1, m2, ..]: &[u8; 10]) -> bool {
    let (day, month) = (d1 * 10 + d2, m1 * 10 + m2);
    matches!(day, 1..=31 | 61..=91) && (1..=12).contains(&month)
}

/// Breaks the line, moves the cursor, or turns the direction of writing.
fn is_unruly(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_starred_and_names_stay_findable() {
        for (name, expected) in [
            ("sager/150379-1028.eml", "sager/******-****.eml"),
            ("sager/150379_1028 brev.pdf", "sager/******_**** brev.pdf"),
            ("1503791028", "**********"),
            ("15-03-1979-1028.txt", "**-**-****-****.txt"),
            ("750379 1028", "****** ****"),
            ("msg-00012.eml#7", "msg-00012.eml#7"),
            ("2024-11-03/1700000000.M1P2.host:2,S", "2024-11-03/1700000000.M1P2.host:2,S"),
            ("blå\u{1b}[2J\n\u{202e}x", "blå [2J  x"),
        ] {
            assert_eq!(shown(name, false), expected);
        }
        assert_eq!(shown("150379-1028.eml", true), "150379-1028.eml");
    }
}
