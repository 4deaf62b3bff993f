//! Ten digits that stand together as a CPR number is written, with what joins and touches them.
//!
//! Says where and how they are written, never whether they are a number: that is [`super::Cpr::parse`] for the digits
//! and `scan::context` for the neighbourhood. Text is bytes in UTF-8 or an 8-bit charset, or HTML, JSON or a link as it
//! is written: what a reader sees there is told by [`super::glyph`]. Start reading at [`at`]; `Row` collects digits in
//! groups, `shape` knows the groups of a number. Tests: here, every notation of facts/cpr.md.

use super::glyph::{self, Glyph};
use std::ops::Range;

/// The longest text one candidate can span, in bytes: digits set in tags of a word processor. A window that holds this
/// much after a first digit holds the whole candidate.
pub const LONGEST: usize = 2048;

/// The longest gap between two digits, in bytes.
const LONGEST_GAP: usize = 600;

/// The longest gap of plain characters; more blanks than this are a table.
const LONGEST_PLAIN_GAP: usize = 24;

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

/// The candidate that begins with the digit run `first`, if the digits from there are written as a number is; else
/// where to look for the next one.
///
/// # Errors
/// The offset, past the start of `first`, from which runs are worth a look: digits that a reader sees as one run are
/// passed together.
#[inline]
pub fn at(text: &[u8], first: &Range<usize>) -> Result<Candidate, usize> {
    let byte = |at: usize| text.get(at).copied().unwrap_or(b' ');
    let next = byte(first.end);
    let is_escaped = first.start.checked_sub(1).is_some_and(|before| may_end_escape(byte(before)));
    if is_escaped {
        return escaped(text, first);
    }
    if glyph::may_be_unseen(next) && first.len() <= 10 {
        return row(text, first.start, first.end);
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

/// Whether a byte before digits can be a part of an escape that the first of them belong to.
fn may_end_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'#' | b'=' | b'u' | b'U' | b'x' | b'X' | b'a'..=b'f' | b'A'..=b'F')
}

/// The candidate that begins at `start` with a digit that is no ASCII byte.
///
/// # Errors
/// Where to look for the next one, as [`at`].
pub fn wide_at(text: &[u8], start: usize) -> Result<Candidate, usize> {
    row(text, start, start + 1)
}

/// Where the next digit that is no ASCII byte may begin, at or after `from`: the lead bytes of fullwidth and
/// mathematical digits in UTF-8.
pub fn next_wide(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(0xEF, 0xF0, text.get(at..)?)?;
        if matches!(glyph::glyph(text.get(at..)?), Some((Glyph::Digit(_), _))) {
            return Some(at);
        }
        at += 1;
    }
}

/// A run whose first digits may belong to an escape: `%20150379...`, `\u00e5150379...`, `&#48;&#49;...`.
fn escaped(text: &[u8], first: &Range<usize>) -> Result<Candidate, usize> {
    let around = first.start.saturating_sub(5)..first.start;
    for start in around.rev() {
        let mark = text.get(start).copied().unwrap_or(0);
        let Some((character, length)) = matches!(mark, b'%' | b'&' | b'\\' | b'=')
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
    let mut digits = [0; 10];
    digits.get_mut(1..)?.copy_from_slice(text.get(run.clone())?);
    for digit in digits.iter_mut().skip(1) {
        *digit -= b'0';
    }
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

fn candidate(text: &[u8], span: Range<usize>, digits: [u8; 10], form: Form) -> Candidate {
    let (before, after) = (touch_before(text, span.start), touch_after(text, span.end));
    Candidate { digits, span, form, before, after }
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

/// Digits that a reader sees as one run.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    digits: usize,
    /// The offset past its last digit.
    end: usize,
    /// What stands between this group and the next.
    gap: Gap,
}

/// The groups in which the digits of a number are written, and what that makes of them.
const SHAPES: [(&[usize], Shape); 8] = [
    (&[10], Shape::Whole),
    (&[9], Shape::Nine),
    (&[6, 4], Shape::Halves),
    (&[8, 4], Shape::FullYear),
    (&[2, 2, 2, 4], Shape::Date),
    (&[2, 2, 4, 4], Shape::FullYear),
    (&[2, 2, 2, 2, 2], Shape::Spread),
    (&[1; Row::GROUPS], Shape::Spread),
];

#[derive(Clone, Copy, Debug)]
enum Shape {
    Whole,
    Nine,
    Halves,
    Date,
    FullYear,
    Spread,
}

/// Digits and what stands between them, as far as they may still become a number.
struct Row {
    digits: [u8; Self::DIGITS],
    groups: [Group; Self::GROUPS],
    count: usize,
    shape: Option<Shape>,
}

impl Row {
    /// `DDMMYYYYSSSS`, and one more that shows that it goes on.
    const DIGITS: usize = 13;
    const GROUPS: usize = 10;

    /// Reads groups from `start` until a shape is complete or none can be.
    fn read(text: &[u8], start: usize) -> Self {
        let mut row = Self {
            digits: [0; Self::DIGITS],
            groups: [Group::default(); Self::GROUPS],
            count: 0,
            shape: None,
        };
        let mut digits = 0;
        let mut at = start;
        while let Some(group) = row.groups.get_mut(row.count) {
            let first = digits;
            let mut gap = None;
            // A group: digits with nothing to see between them.
            while let Some((Glyph::Digit(digit), length)) = text.get(at..).and_then(glyph::glyph) {
                at += length;
                if let Some(slot) = row.digits.get_mut(digits) {
                    *slot = digit;
                }
                digits += 1;
                group.end = at;
                if digits > Self::DIGITS {
                    break;
                }
                match text.get(at) {
                    Some(next) if next.is_ascii_digit() => {}
                    _ if at - start >= LONGEST - LONGEST_GAP => break,
                    _ => match Gap::at(text, at) {
                        Some((Gap::NONE, length)) => at += length,
                        other => {
                            gap = other;
                            break;
                        }
                    },
                }
            }
            group.digits = digits - first;
            row.count += 1;
            let lengths = row.groups.get(..row.count).unwrap_or_default();
            let begins =
                |shape: &[usize]| lengths.iter().zip(shape).all(|(group, length)| group.digits == *length);
            let fitting = SHAPES.iter().filter(|(shape, _)| shape.len() >= row.count && begins(shape));
            match fitting.clone().find(|(shape, _)| shape.len() == row.count) {
                Some((_, shape)) => row.shape = Some(*shape),
                None if fitting.count() == 0 => {}
                None => {
                    if let Some((gap, length)) = gap {
                        if let Some(group) = row.groups.get_mut(row.count - 1) {
                            group.gap = gap;
                        }
                        at += length;
                        continue;
                    }
                }
            }
            break;
        }
        row
    }

    /// The form, the ten digits and the offset past the last, when the groups and gaps are a number's.
    fn number(&self) -> Option<(Form, [u8; 10], usize)> {
        let groups = self.groups.get(..self.count)?;
        let gaps = || groups.iter().take(self.count - 1).map(|group| group.gap.joint());
        let before_serial = groups.iter().rev().nth(1).map(|group| group.gap.joint());
        let same = |mut gaps: std::iter::Take<_>| -> Option<Joint> {
            let first: Joint = Iterator::next(&mut gaps)??;
            gaps.all(|gap: Option<Joint>| gap == Some(first)).then_some(first)
        };
        let form = match self.shape? {
            Shape::Whole => Form::Plain,
            Shape::Nine => Form::Nine,
            Shape::Halves => match before_serial?? {
                Joint::Dash => Form::Dashed,
                Joint::Blank => Form::Blank,
                Joint::Line => Form::Broken,
                Joint::Mark(_) => Form::Marked,
                Joint::Cell => Form::Cells,
            },
            Shape::Spread => {
                let serial_from = if self.count == Self::GROUPS { 5 } else { 2 };
                let joint = same(gaps().take(serial_from))?;
                gaps().skip(serial_from + 1).all(|gap| gap == Some(joint)).then_some(())?;
                Form::Spread
            }
            Shape::Date | Shape::FullYear if self.count == 4 => match same(gaps().take(2))? {
                Joint::Line => return None,
                Joint::Cell => Form::Cells,
                Joint::Dash | Joint::Blank | Joint::Mark(_) => before_serial?.map(|_| Form::Spelled)?,
            },
            Shape::Date | Shape::FullYear => before_serial?.map(|_| Form::Spelled)?,
        };
        let end = groups.last()?.end;
        let mut digits = [0; 10];
        if let Shape::FullYear = self.shape? {
            // The century is said again by the seventh digit, so it is dropped here.
            matches!(self.digits.get(4..6)?, [1, 8 | 9] | [2, 0]).then_some(())?;
            digits.get_mut(..4)?.copy_from_slice(self.digits.get(..4)?);
            digits.get_mut(4..)?.copy_from_slice(self.digits.get(6..12)?);
        } else if let Shape::Nine = self.shape? {
            digits.get_mut(1..)?.copy_from_slice(self.digits.get(..9)?);
        } else {
            digits.copy_from_slice(self.digits.get(..10)?);
        }
        Some((form, digits, end))
    }

    /// How far a reader sees one run of digits, or digits one by one: no number begins in the middle of those.
    fn passed(&self) -> usize {
        let mut groups = self.groups.iter().take(self.count);
        let Some(first) = groups.next() else { return 0 };
        groups.take_while(|group| first.digits == 1 && group.digits == 1).last().unwrap_or(first).end
    }
}

/// What joins two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    Dash,
    Blank,
    Line,
    Mark(u8),
    Cell,
}

/// All that stands between two groups of digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gap {
    blank: bool,
    dash: bool,
    line: bool,
    mark: Option<u8>,
    /// Edges of cells that are tags, and that are marks of text.
    cells: u8,
    commas: u8,
}

impl Gap {
    const NONE: Self = Self { blank: false, dash: false, line: false, mark: None, cells: 0, commas: 0 };

    /// Empty cells between date and serial are as many as this: two edges each.
    const MOST_CELLS: u8 = 6;

    /// What stands at `from` until the next digit, with its length: blanks, at most one dash, at most one mark, at most
    /// one line break with the quotes that a reply puts after it, edges of cells, and what is not seen. `None` when it
    /// is too long, or anything else.
    fn at(text: &[u8], from: usize) -> Option<(Self, usize)> {
        let mut gap = Self::default();
        let (mut at, mut plain, mut quoted) = (from, 0, false);
        while at - from < LONGEST_GAP && plain < LONGEST_PLAIN_GAP {
            let rest = text.get(at..)?;
            let (glyph, length) = glyph::glyph(rest)?;
            let is_plain = length < 5 && rest.first() != Some(&b'<');
            match glyph {
                Glyph::Digit(_) => {
                    return (!quoted || gap.commas > 0).then_some((gap, at - from));
                }
                Glyph::Blank => gap.blank = true,
                Glyph::Invisible => {}
                Glyph::Dash if !gap.dash && gap.mark.is_none() => gap.dash = true,
                // In a table of HTML a line break is a blank.
                Glyph::Line if gap.cells > 0 => gap.blank = true,
                Glyph::Line if !gap.line => gap.line = true,
                Glyph::Quote if gap.line => {}
                Glyph::Mark(mark) if gap.mark.is_none() && !gap.dash => gap.mark = Some(mark),
                Glyph::Cell if is_plain && gap.commas == 0 => gap.commas = 1,
                Glyph::Cell if !is_plain && gap.cells < Self::MOST_CELLS => gap.cells += 1,
                Glyph::CellQuote => quoted = true,
                Glyph::Dash | Glyph::Line | Glyph::Quote | Glyph::Mark(_) | Glyph::Cell => return None,
            }
            if is_plain {
                plain += length;
            }
            at += length;
        }
        None
    }

    /// What it is as a joint; `None` for a row's end in a table of text and the like.
    fn joint(self) -> Option<Joint> {
        Some(match self {
            Self { commas: 1.., line: true, .. } | Self { commas: 1.., cells: 1.., .. } => return None,
            Self { cells: 1.., dash: true, .. } => Joint::Dash,
            Self { cells: 1.., .. } | Self { commas: 1.., .. } => Joint::Cell,
            Self { line: true, .. } => Joint::Line,
            Self { dash: true, .. } => Joint::Dash,
            Self { mark: Some(mark), .. } => Joint::Mark(mark),
            Self { blank: true, .. } => Joint::Blank,
            // Nothing is seen, and the groups are one.
            Self { .. } => return None,
        })
    }
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
mod tests {
    use super::*;
    use crate::cpr::runs;

    fn found(text: &[u8]) -> Vec<(String, Form)> {
        let mut at_byte = 0;
        let mut found = Vec::new();
        while let Some(run) = runs::next(text, at_byte) {
            match at(text, &run) {
                Ok(candidate) => {
                    at_byte = candidate.span.end;
                    let digits =
                        candidate.digits.iter().map(|d| char::from(if *d < 10 { d + b'0' } else { *d }));
                    found.push((digits.collect(), candidate.form));
                }
                Err(next) => at_byte = next,
            }
        }
        found
    }

    #[test]
    fn every_joint_of_the_facts() {
        for (text, form) in [
            ("150379-1234", Form::Dashed),
            ("1503791234", Form::Plain),
            ("150379 1234", Form::Blank),
            ("150379 - 1234", Form::Dashed),
            ("150379/1234", Form::Marked),
            ("150379.1234", Form::Marked),
            ("150379\t1234", Form::Blank),
            ("150379\u{2013}1234", Form::Dashed),
            ("150379\u{2014}1234", Form::Dashed),
            ("150379\u{2212}1234", Form::Dashed),
            ("150379\u{2010}1234", Form::Dashed),
            ("150379\u{2011}1234", Form::Dashed),
            ("150379\u{a0}1234", Form::Blank),
            ("150379\u{202f}1234", Form::Blank),
            ("150379\u{2009}1234", Form::Blank),
            ("150379-\u{200b}1234", Form::Dashed),
            ("150379\u{feff}-1234", Form::Dashed),
            ("150379-\r\n1234", Form::Broken),
            ("150379\n1234", Form::Broken),
            ("150379-\r\n> > 1234", Form::Broken),
            ("150379&#45;1234", Form::Dashed),
            ("150379&#x2011;1234", Form::Dashed),
            ("150379&nbsp;&ndash;&nbsp;1234", Form::Dashed),
            ("150379&nbsp;1234", Form::Blank),
            ("150379%2D1234", Form::Dashed),
            ("150379%201234", Form::Blank),
            ("150379-<wbr>1234", Form::Dashed),
            ("150379</b>-<I class=\"x\">1234", Form::Dashed),
            ("150379<!-- - -->-1234", Form::Dashed),
            ("15.03.79-1234", Form::Spelled),
            ("15 03 79 1234", Form::Spelled),
            ("15-03-1979-1234", Form::Spelled),
            ("15031979-1234", Form::Spelled),
            ("150379_1234", Form::Marked),
            ("150379+1234", Form::Marked),
            ("15<span>03</span>79<b>-12</b>34", Form::Dashed),
            ("1<b>50379</b>1234", Form::Plain),
            ("&#49;5&#48;3&#55;9-&#x31;&#x32;34", Form::Dashed),
            ("%31%35%30379%2D1234", Form::Dashed),
            ("\\u0031\\u0035\\u0030379\\u20111234", Form::Dashed),
            ("150379=2D1234", Form::Dashed),
            ("1503=\r\n79-1234", Form::Dashed),
            ("=31=35=30=33=37=39-1234", Form::Dashed),
            ("%20150379%2D1234", Form::Dashed),
            ("%C3%B8150379-1234", Form::Dashed),
            ("\\u00e51503791234", Form::Plain),
            ("\\u00e5150379-1234", Form::Dashed),
            ("id=201503791234", Form::Plain),
            ("cpr=1503791234", Form::Plain),
            ("1\u{200b}5\u{200b}0379-1234", Form::Dashed),
            ("1\u{FF15}0379-1234", Form::Dashed),
            ("150379</td><td>1234", Form::Cells),
            ("150379-</td>\r\n  <td align=\"right\">1234", Form::Dashed),
            ("150379</td><td>-</td><td>1234", Form::Dashed),
            ("150379\"> <input name=\"b\" value=\"1234\">", Form::Cells),
            ("150379;1234", Form::Cells),
            ("\"150379\";\"1234\"", Form::Cells),
            ("1 5 0 3 7 9 - 1 2 3 4", Form::Spread),
            ("15 03 79 12 34", Form::Spread),
            (
                "<td>1</td><td>5</td><td>0</td><td>3</td><td>7</td><td>9</td><td>1</td><td>2</td><td>3</td><td>4</td>",
                Form::Spread,
            ),
        ] {
            assert_eq!(found(text.as_bytes()), [("1503791234".to_owned(), form)], "{text:?}");
        }
        assert_eq!(found(b"150379\x961234"), [("1503791234".to_owned(), Form::Dashed)]);
        assert_eq!(found(b"150379\xa01234"), [("1503791234".to_owned(), Form::Blank)]);
    }

    #[test]
    fn what_is_written_otherwise_is_no_candidate() {
        for text in [
            "15037912345",
            "150379</td></tr><tr><td>1234",
            "150379</p><p>-1234",
            "150379&amp;1234",
            "150379&#48;1234",
            "1<b>1503791234</b>",
            "12</b>1503791234",
            "150379;;1234",
            "150379;\n1234",
            "150379\" 1234",
            "1 2 3 4 5 6 7 8 9 10 11",
            "150379<b-1234",
            "150379-12345",
            "1150379-1234",
            "150379--1234",
            "150379-\n\n1234",
            "150379 x 1234",
            "15.03-79-1234",
            "15032179-1234",
            "150379-                         1234",
            "",
            "150379-",
        ] {
            assert_eq!(found(text.as_bytes()), [], "{text:?}");
        }
    }

    #[test]
    fn a_number_after_another_is_seen_alone() {
        assert_eq!(found(b"010620 150379-1234").len(), 1);
        assert_eq!(found(b"12 150379-1234, 1503791234;").len(), 2);
    }

    #[test]
    fn nine_digits_and_letters() {
        assert_eq!(found(b";203791234;"), [("0203791234".to_owned(), Form::Nine)]);
        for text in ["<td>203791234</td>", "cpr=203791234&x=1", "20379<b>1</b>234 "] {
            assert_eq!(found(text.as_bytes()), [("0203791234".to_owned(), Form::Nine)], "{text}");
        }
        assert_eq!(found(b" 0203291WQ3 "), [("0203291WQ3".to_owned(), Form::Lettered)]);
        assert_eq!(found(b"0203291wq3."), [("0203291WQ3".to_owned(), Form::Lettered)]);
        assert_eq!(found(b"0203291WQ34 x0203291WQ3 0203291WQQ"), []);
    }

    #[test]
    fn a_value_goes_before_an_escape() {
        // `=30` would be a zero in quoted-printable.
        assert_eq!(found(b"cpr=3003791234 x"), [("3003791234".to_owned(), Form::Plain)]);
        assert_eq!(found(b"cpr=300379-1234"), [("3003791234".to_owned(), Form::Dashed)]);
    }

    #[test]
    fn digits_that_are_no_ascii_begin_too() {
        let text = "nr. \u{FF11}5\u{FF10}379-\u{1D7CF}234".as_bytes();
        let start = next_wide(text, 0).unwrap();
        let found = wide_at(text, start).unwrap();
        assert_eq!((found.digits, found.form), ([1, 5, 0, 3, 7, 9, 1, 2, 3, 4], Form::Dashed));
        assert_eq!(next_wide("\u{FEFF} \u{1F600}".as_bytes(), 0), None);
    }

    #[test]
    fn what_touches_is_told() {
        let touches = |text: &str| {
            let candidate =
                runs::runs(text.as_bytes()).find_map(|run| at(text.as_bytes(), &run).ok()).unwrap();
            (candidate.before, candidate.after)
        };
        assert_eq!(touches("x:\\n1503791234"), (Touch::Free, Touch::Free));
        assert_eq!(touches("x%3D1503791234%26"), (Touch::Free, Touch::Mark(b'%')));
        assert_eq!(touches("x 1503791234."), (Touch::Free, Touch::Free));
        assert_eq!(touches("xa1503791234b"), (Touch::Letter, Touch::Letter));
        assert_eq!(touches("x_1503791234_"), (Touch::Free, Touch::Free));
        assert_eq!(touches("1.1503791234,5"), (Touch::MoreDigits, Touch::MoreDigits));
        assert_eq!(touches("x+1503791234<"), (Touch::Mark(b'+'), Touch::Mark(b'<')));
    }

    #[test]
    fn the_longest_candidate_fits() {
        let tag = format!("<b {}>", "x".repeat(400));
        let text = format!("1{tag}503{tag}79-1234");
        assert_eq!(found(text.as_bytes()).len(), 1);
        let joint = format!("<b {}>", "x".repeat(506));
        let text = format!("15.03.1979{joint}-1234");
        assert_eq!(found(text.as_bytes()).len(), 1);
        let text = format!("15.03.1979{joint}{joint}-1234");
        assert_eq!(found(text.as_bytes()).len(), 0, "too far away");
    }
}
