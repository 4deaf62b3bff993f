//! Ten digits that stand together as a CPR number is written, with what joins and touches them.
//!
//! Says where and how they are written, never whether they are a number: that is [`super::Cpr::parse`] for the digits
//! and `scan::context` for the neighbourhood. Text is bytes in UTF-8 or an 8-bit charset, or HTML, JSON or a link as it
//! is written: what a reader sees there is told by [`super::glyph`]. Start reading at [`at`]; `row` collects digits in
//! groups where they are not written in the usual way. Tests: `tests.rs`, every notation that was seen.

mod row;

use super::glyph::{self, Glyph};
use row::Row;
use std::ops::Range;

/// The longest text one candidate can span, in bytes: digits set in tags of a word processor. A window that holds this
/// much after a first digit holds the whole candidate.
pub const LONGEST: usize = 2048;

/// How the ten digits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `DDMMYY-SSSS`, with any dash and blanks round it.
    Dashed,
    /// `DDMMYYSSSS`.
    Plain,
    /// `DDMMYY SSSS`, with any blanks.
    Blank,
    /// A line break between date and serial, with or without a dash.
    Broken,
    /// `DDMMYY/SSSS`, `DDMMYY.SSSS`, `DDMMYY_SSSS` or `DDMMYY+SSSS`.
    Marked,
    /// The date written in groups, `DD.MM.YY-SSSS`, or with its full year, `DDMMYYYY-SSSS`.
    Spelled,
    /// Date and serial in two cells of a table or two fields of a form.
    Cells,
    /// Digits one by one or in pairs, `1 5 0 3 7 9 - 1 2 3 4`.
    Spread,
    /// Nine digits: a number column that lost its leading zero.
    Nine,
    /// `DDMMYY9AA9`: an *eCPR* with letters, of the health services.
    Lettered,
}

/// What stands beside the digits, as far as it speaks against a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Touch {
    /// A blank, a mark or the edge of the text.
    Free,
    /// An ASCII letter, or a letter beyond ASCII: a word or a hex string runs into the digits.
    Letter,
    /// `.`, `,`, `-`, `/` or `:` with a digit behind it: a part of something longer.
    MoreDigits,
    /// A mark that ids and addresses use: `@ = + # & % < $ ~ \ |`.
    Mark(u8),
}

/// Ten digits as they stand in a text.
#[derive(Clone)]
pub struct Candidate {
    /// The digit values, `DDMMYYSSSS`; of a lettered number, letters as ASCII capitals.
    pub digits: [u8; 10],
    /// Where in the text, first digit to last.
    pub span: Range<usize>,
    /// How written.
    pub form: Form,
    /// What the first digit follows.
    pub before: Touch,
    /// What follows the last digit.
    pub after: Touch,
}

impl std::fmt::Debug for Candidate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Candidate({:?} {:?})", self.span, self.form)
    }
}

/// The candidate that begins with the digit run `first`, if the digits from there are written as a number is and begin
/// with a day and a month; else where to look for the next one.
///
/// # Errors
/// The offset, past the start of `first`, from which runs are worth a look: digits that a reader sees as one run are
/// passed together.
#[inline]
pub fn at(text: &[u8], first: &Range<usize>) -> Result<Candidate, usize> {
    if matches!(first.len(), 6..=10) && !may_be_day(text.get(first.clone()).unwrap_or_default()) {
        // Nearly all of those are ids and amounts. What is cut by something unseen is longer.
        let is_cut = text.get(first.end).is_some_and(|byte| glyph::may_be_unseen(*byte));
        if !is_cut && !may_be_escaped(text, first.start) {
            return Err(first.end);
        }
    }
    // Changed where it stands, since to move it costs as much as to read it.
    let mut found = shaped_at(text, first);
    if let Ok(dayless) = &found
        && !is_day(&dayless.digits)
    {
        // Of digits one by one none begins in the middle of them.
        found = Err(if first.len() == 1 { dayless.span.end } else { first.end });
    }
    found
}

/// Whether so many digits begin with the day of a month, where the first of nine was a zero.
fn may_be_day(digits: &[u8]) -> bool {
    match *digits {
        [d2, m1, m2, _, _, _, _, _, _] => is_day(&[b'0', d2, m1, m2].map(|digit| digit & 15)),
        [d1, d2, m1, m2, ..] => is_day(&[d1, d2, m1, m2].map(|digit| digit & 15)),
        _ => true,
    }
}

/// Whether four digits and more begin with the day of a month; a replacement number has 60 added to its day.
fn is_day(digits: &[u8]) -> bool {
    let [d1, d2, m1, m2, ..] = *digits else { return false };
    matches!(d1 * 10 + d2, 1..=31 | 61..=91) && matches!(m1 * 10 + m2, 1..=12)
}

/// As [`at`], whatever the day: of those that are so written, most begin with none.
///
/// # Errors
/// As [`at`].
#[inline]
pub fn shaped_at(text: &[u8], first: &Range<usize>) -> Result<Candidate, usize> {
    let byte = |at: usize| text.get(at).copied().unwrap_or(b' ');
    let next = byte(first.end);
    if may_be_escaped(text, first.start) {
        return escaped(text, first);
    }
    if glyph::may_be_unseen(next) && first.len() <= 10 {
        // Where something is seen behind it after all, the run is a group, and few lengths begin a number.
        let goes_on = || {
            let behind = text.get(first.end..).and_then(glyph::glyph);
            matches!(behind, Some((Glyph::Invisible | Glyph::Digit(_), _)))
        };
        return match first.len() {
            10 if !goes_on() => plain(text, first).ok_or(first.end),
            9 if !goes_on() => nine(text, first).ok_or(first.end),
            length if !row::may_begin(length) && !goes_on() => Err(first.end),
            _ => row(text, first.start, first.end),
        };
    }
    // Nearly all runs of digits end here, and a few bytes ahead tell.
    match first.len() {
        10 => plain(text, first).ok_or(first.end),
        6 if let Some(found) = halves(text, first) => Ok(found),
        1 | 2 | 6 | 8 if may_go_on(text, first) => row(text, first.start, first.end),
        7 if next.is_ascii_alphabetic() => lettered(text, first).ok_or(first.end),
        9 => nine(text, first).ok_or(first.end),
        _ => Err(first.end),
    }
}

/// Whether what follows a first group can be the rest of a number: `false` is sure, `true` a guess.
fn may_go_on(text: &[u8], first: &Range<usize>) -> bool {
    let byte = |ahead: usize| text.get(first.end + ahead).copied().unwrap_or(b' ');
    let digits_from = |ahead: usize| {
        let rest = text.get(first.end + ahead..).unwrap_or_default();
        let count = rest.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
        // A group may be cut by what is not seen.
        (count, rest.get(count).is_some_and(|byte| glyph::may_be_unseen(*byte)))
    };
    let is_group = |ahead: usize, length: usize| {
        let (count, is_cut) = digits_from(ahead);
        count == length || (is_cut && count <= length)
    };
    // After a group comes one byte and another group of one of these lengths, or a longer gap without letters.
    let goes_on = |ahead: usize, lengths: &[usize]| {
        let is_open = !byte(ahead).is_ascii_alphanumeric() && !byte(ahead + 1).is_ascii_alphabetic();
        is_open
            && (!byte(ahead + 1).is_ascii_digit()
                || lengths.iter().any(|length| is_group(ahead + 1, *length)))
    };
    match first.len() {
        // Digits one by one, with one byte between them.
        1 => is_group(1, 1) && (is_group(3, 1) || glyph::may_be_unseen(byte(2))),
        2 if byte(0).is_ascii_alphanumeric() || !is_group(1, 2) => false,
        2 if glyph::may_be_unseen(byte(3)) => true,
        2 => match digits_from(4) {
            // Four pairs are a telephone number, five may be a number.
            (2, false) => goes_on(6, &[4]) || (goes_on(6, &[2]) && is_group(10, 2)),
            (4, false) => goes_on(8, &[4]),
            (_, is_cut) => is_cut,
        },
        _ => goes_on(0, &[4]),
    }
}

/// How far before its digits an escape may begin: `\u00e` and then a digit.
const LONGEST_ESCAPE: usize = 5;

/// Whether what stands before digits can be a part of an escape that the first of them belong to.
fn may_be_escaped(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(LONGEST_ESCAPE)..start).unwrap_or_default();
    let may_end = |byte: &u8| matches!(byte, b'%' | b'#' | b'=' | b'u' | b'U' | b'x' | b'X' | b'a'..=b'f' | b'A'..=b'F');
    before.last().is_some_and(may_end) && before.iter().any(|byte| may_begin_escape(*byte))
}

fn may_begin_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'&' | b'\\' | b'=')
}

/// The candidate that begins at `start` with a digit that is no ASCII byte.
///
/// # Errors
/// Where to look for the next one, as [`at`]; never amid digits, for a reader sees one run with the first.
pub fn wide_at(text: &[u8], start: usize) -> Result<Candidate, usize> {
    row(text, start, start + 1).map_err(|next| {
        let is_amid = next.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
        let rest = text.get(next..).filter(|_| is_amid).unwrap_or_default();
        next + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    })
}

/// Where the next digit that is no ASCII byte may begin, at or after `from`: the lead bytes of fullwidth and
/// mathematical digits in UTF-8.
pub fn next_wide(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(0xEF, 0xF0, text.get(at..)?)?;
        let rest = text.get(at..)?;
        // Emoji and marks begin with these bytes too.
        let may_be_digit = matches!(rest, [0xEF, 0xBC, 0x90..=0x99, ..] | [0xF0, 0x9D, 0x9F, ..]);
        if may_be_digit && matches!(glyph::glyph(rest), Some((Glyph::Digit(_), _))) {
            return Some(at);
        }
        at += 1;
    }
}

/// A run whose first digits may belong to an escape: `%20150379...`, `\u00e5150379...`, `&#48;&#49;...`.
fn escaped(text: &[u8], first: &Range<usize>) -> Result<Candidate, usize> {
    let around = first.start.saturating_sub(LONGEST_ESCAPE)..first.start;
    for start in around.rev() {
        let mark = text.get(start).copied().unwrap_or(0);
        let Some((character, length)) = may_begin_escape(mark)
            .then(|| text.get(start..).and_then(glyph::character))
            .flatten()
            .filter(|(_, length)| start + length > first.start)
        else {
            continue;
        };
        // `=` more often stands before a value than before the digits of an escape, so the value goes first.
        if mark == b'='
            && let whole @ Ok(_) = unescaped(text, first)
        {
            return whole;
        }
        if character.is_ascii_digit() {
            return row(text, start, (start + length).max(first.end));
        }
        let rest = start + length..first.end;
        return if rest.is_empty() { Err(first.end.max(rest.start)) } else { unescaped(text, &rest) };
    }
    unescaped(text, first)
}

fn unescaped(text: &[u8], first: &Range<usize>) -> Result<Candidate, usize> {
    let next = text.get(first.end).copied().unwrap_or(b' ');
    match first.len() {
        10 if !glyph::may_be_unseen(next) => plain(text, first).ok_or(first.end),
        7 if next.is_ascii_alphabetic() => lettered(text, first).ok_or(first.end),
        9 if !glyph::may_be_unseen(next) => nine(text, first).ok_or(first.end),
        _ => row(text, first.start, first.end),
    }
}

fn plain(text: &[u8], run: &Range<usize>) -> Option<Candidate> {
    let digits: &[u8; 10] = text.get(run.clone())?.try_into().ok()?;
    Some(candidate(text, run.clone(), digits.map(|byte| byte - b'0'), Form::Plain))
}

/// `DDMMYY-SSSS` as it is nearly always written: one byte between the halves.
fn halves(text: &[u8], first: &Range<usize>) -> Option<Candidate> {
    let form = match text.get(first.end)? {
        b'-' => Form::Dashed,
        b' ' | b'\t' => Form::Blank,
        b'/' | b'.' | b'_' | b'+' => Form::Marked,
        _ => return None,
    };
    let written: &[u8; 11] = text.get(first.start..first.end + 5)?.try_into().ok()?;
    let [date @ .., _, _, _, _, _] = written;
    let [.., s1, s2, s3, s4] = written;
    let next = text.get(first.end + 5).copied().unwrap_or(b' ');
    let serial = [*s1, *s2, *s3, *s4];
    if !serial.iter().all(u8::is_ascii_digit) || next.is_ascii_digit() || glyph::may_be_unseen(next) {
        return None;
    }
    let [d1, d2, m1, m2, y1, y2] = *date;
    let digits = [d1, d2, m1, m2, y1, y2, *s1, *s2, *s3, *s4].map(|byte| byte - b'0');
    Some(candidate(text, first.start..first.end + 5, digits, form))
}

fn nine(text: &[u8], run: &Range<usize>) -> Option<Candidate> {
    let written: &[u8; 9] = text.get(run.clone())?.try_into().ok()?;
    let [d2, m1, m2, y1, y2, s1, s2, s3, s4] = *written;
    let digits = [b'0', d2, m1, m2, y1, y2, s1, s2, s3, s4].map(|byte| byte - b'0');
    Some(candidate(text, run.clone(), digits, Form::Nine))
}

/// Seven digits, two letters and a digit, with no letter or digit on either side.
fn lettered(text: &[u8], run: &Range<usize>) -> Option<Candidate> {
    let span = run.start..run.end + 3;
    let written: &[u8; 10] = text.get(span.clone())?.try_into().ok()?;
    let [.., a, b, last] = written;
    let is_shaped = a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && last.is_ascii_digit();
    let free = |byte: Option<&u8>| byte.is_none_or(|b| !b.is_ascii_alphanumeric());
    let stands_alone =
        free(text.get(span.end)) && span.start.checked_sub(1).is_none_or(|at| free(text.get(at)));
    let digits = written.map(|b| if b.is_ascii_digit() { b - b'0' } else { b.to_ascii_uppercase() });
    (is_shaped && stands_alone).then(|| candidate(text, span, digits, Form::Lettered))
}

#[inline]
fn candidate(text: &[u8], span: Range<usize>, digits: [u8; 10], form: Form) -> Candidate {
    let (before, after) = touches(text, &span);
    Candidate { digits, span, form, before, after }
}

fn touches(text: &[u8], span: &Range<usize>) -> (Touch, Touch) {
    (touch_before(text, span.start), touch_after(text, span.end))
}

/// The groups of digits from `start`, read as a number if they are written as one. `seen` is the end of what the caller
/// has looked at already.
fn row(text: &[u8], start: usize, seen: usize) -> Result<Candidate, usize> {
    let row = Row::read(text, start);
    let Some((form, digits, end)) = row.number() else {
        // What a reader sees as one run of digits is no number, and neither is its end.
        return Err(row.passed().max(seen));
    };
    Ok(candidate(text, start..end, digits, form))
}

fn touch_before(text: &[u8], start: usize) -> Touch {
    let Some(at) = start.checked_sub(1) else { return Touch::Free };
    // An escape is no letter that touches: `\n` of JSON, `%3D` of a link, `\u00a0`.
    let ends_here = |length: usize| {
        start.checked_sub(length).and_then(|from| text.get(from..start)).is_some_and(|escape| {
            escape.first().is_some_and(|mark| matches!(mark, b'%' | b'=' | b'\\'))
                && glyph::character(escape).is_some_and(|(c, used)| used == length && !c.is_alphanumeric())
        })
    };
    if text.get(at).is_some_and(u8::is_ascii_alphanumeric) && [2, 3, 6].into_iter().any(ends_here) {
        return Touch::Free;
    }
    let further = at.checked_sub(1).and_then(|further| text.get(further)).copied();
    touch(text.get(at).copied(), further)
}

fn touch_after(text: &[u8], end: usize) -> Touch {
    touch(text.get(end).copied(), text.get(end + 1).copied())
}

fn touch(nearest: Option<u8>, further: Option<u8>) -> Touch {
    match nearest {
        Some(byte) if byte.is_ascii_alphabetic() => Touch::Letter,
        Some(b'.' | b',' | b'-' | b'/' | b':') if further.is_some_and(|b| b.is_ascii_digit()) => {
            Touch::MoreDigits
        }
        Some(byte @ (b'@' | b'=' | b'+' | b'#' | b'&' | b'%' | b'<' | b'$' | b'~' | b'\\' | b'|')) => {
            Touch::Mark(byte)
        }
        None | Some(_) => Touch::Free,
    }
}

#[cfg(test)]
mod tests;
