//! A line of which some does not show: hidden, deleted, or put in since.
//!
//! A number that shows may have hidden text within it, and hidden text may complete a number that does not show. So the
//! line is told as it shows and as it was, and a hidden text that lies within a word by itself besides. Start reading at
//! [`Shown::push`].

use std::ops::Range;

/// A hidden text of fewer digits is told with its line only.
const DIGITS_APART: usize = 6;

/// A line of fewer digits is told as it shows only.
const DIGITS: usize = 4;

/// Gathers a line.
#[derive(Default)]
pub(in crate::extract) struct Shown {
    /// As it shows.
    line: String,
    /// As it was before its changes, with what is hidden; when it differs.
    before: Option<String>,
    /// What in that does not show.
    hidden: Vec<Range<usize>>,
}

impl Shown {
    /// Text of the line: whether it shows, and whether it stood there before the changes.
    pub(in crate::extract) fn push(&mut self, text: &str, shows: bool, was: bool) {
        let Self { line, before, hidden } = self;
        if !(shows && was) && before.is_none() {
            *before = Some(line.clone());
        }
        if shows {
            line.push_str(text);
        }
        let Some(before) = before.as_mut().filter(|_| was) else { return };
        let begins = before.len();
        before.push_str(text);
        if !shows {
            match hidden.last_mut() {
                Some(last) if last.end == begins => last.end = before.len(),
                Some(_) | None => hidden.push(begins..before.len()),
            }
        }
    }

    /// The line as it shows so far.
    pub(in crate::extract) fn shows(&self) -> &str {
        &self.line
    }

    /// Whether nothing stands there, seen or not.
    pub(in crate::extract) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.before.is_none()
    }

    /// The line ends: as it shows, and what else is to be told of it, a text each.
    pub(in crate::extract) fn take(&mut self) -> (String, Vec<String>) {
        let Self { line, before, hidden } = std::mem::take(self);
        let mut others = Vec::new();
        let Some(before) = before else { return (line, others) };
        let joins = |letter: Option<char>| letter.is_some_and(|one| one.is_alphanumeric() || one == '-');
        for range in hidden {
            let text = before.get(range.clone()).unwrap_or_default();
            let left = before.get(..range.start).and_then(|text| text.chars().next_back());
            let right = before.get(range.end..).and_then(|text| text.chars().next());
            if (joins(left) || joins(right)) && has_digits(text, DIGITS_APART) {
                others.push(text.to_owned());
            }
        }
        if before != line && has_digits(&before, DIGITS) {
            others.insert(0, before);
        }
        (line, others)
    }
}

/// Whether a text has so many digits or more.
pub(in crate::extract) fn has_digits(text: &str, least: usize) -> bool {
    text.bytes().filter(u8::is_ascii_digit).take(least).count() == least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_as_it_shows_as_it_was_and_what_is_hidden_in_a_word_apart() {
        for (pieces, shows, others) in [
            (
                &[("1503", true, true), ("99", false, true), ("79-1028", true, true)][..],
                "150379-1028",
                &["15039979-1028"][..],
            ),
            (
                &[("150379-", true, true), ("9999", false, true), ("1028", true, false)],
                "150379-1028",
                &["150379-9999"],
            ),
            (
                &[
                    ("1503", true, true),
                    ("010190", false, true),
                    ("-1234", false, true),
                    ("79-1028", true, true),
                ],
                "150379-1028",
                &["1503010190-123479-1028", "010190-1234"],
            ),
            (&[("se ", true, true), ("150379-1028", false, true)], "se ", &["se 150379-1028"]),
            (&[("a", true, true), ("b", false, true)], "a", &[]),
            (&[("150379-1028", true, true)], "150379-1028", &[]),
        ] {
            let mut line = Shown::default();
            for (text, shows, was) in pieces {
                line.push(text, *shows, *was);
            }
            let (told, rest) = line.take();
            assert_eq!((told.as_str(), rest), (shows, others.iter().map(|one| (*one).to_owned()).collect()));
            assert!(line.is_empty());
        }
    }
}
