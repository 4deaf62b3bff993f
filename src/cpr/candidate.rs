//! Ten digits that stand together as a CPR number is written, with what joins and touches them.
//!
//! Says where and how they are written, never whether they are a number: that is [`super::Cpr::parse`] for
//! the digits and `scan::context` for the neighbourhood. Start reading at [`at`]; the joints are read by
//! `joint`. Text is bytes in UTF-8 or an 8-bit charset, or HTML as it is written: a blank or dash of each is known,
//! and so are a tag or comment that shows nothing.

use std::ops::Range;

/// The longest text one candidate can span: a date in groups, a joint and a serial. A window that holds this much
/// after a first digit holds the whole candidate.
pub const LONGEST: usize = 256;

/// The longest joint between date and serial, in bytes: room for the tags of a word processor.
const LONGEST_JOINT: usize = 192;

/// The longest joint of plain characters; more blanks than this are a table.
const LONGEST_PLAIN_JOINT: usize = 24;

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
    /// `DDMMYY/SSSS` or `DDMMYY.SSSS`.
    Marked,
    /// The date written in groups, `DD.MM.YY-SSSS`, or with its full year, `DDMMYYYY-SSSS`.
    Spelled,
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
    /// The digit values, `DDMMYYSSSS`.
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

/// The candidate that begins with the digit run `first`, if the digits from there are written as a number is.
pub fn at(text: &[u8], first: &Range<usize>) -> Option<Candidate> {
    let mut digits = Digits::default();
    let (end, form) = match first.len() {
        10 => {
            digits.push(text, first)?;
            (first.end, Form::Plain)
        }
        6 => {
            digits.push(text, first)?;
            serial_after(text, first.end, &mut digits)?
        }
        8 => {
            // DDMMYYYY: the century is said again by the seventh digit, so it is dropped here.
            let year = first.start + 4..first.start + 6;
            century(text.get(year)?)?;
            digits.push(text, &(first.start..first.start + 4))?;
            digits.push(text, &(first.start + 6..first.end))?;
            let (end, _) = serial_after(text, first.end, &mut digits)?;
            (end, Form::Spelled)
        }
        2 => {
            digits.push(text, first)?;
            let (month, mark) = group_after(text, first.end, 2, None)?;
            digits.push(text, &month)?;
            let (year, _) = group_after(text, month.end, 2, Some(mark))
                .or_else(|| group_after(text, month.end, 4, Some(mark)))?;
            if year.len() == 4 {
                century(text.get(year.start..year.start + 2)?)?;
            }
            digits.push(text, &(year.end - 2..year.end))?;
            let (end, _) = serial_after(text, year.end, &mut digits)?;
            (end, Form::Spelled)
        }
        _ => return None,
    };
    Some(Candidate {
        digits: digits.whole()?,
        span: first.start..end,
        form,
        before: touch_before(text, first.start),
        after: touch_after(text, end),
    })
}

fn century(two: &[u8]) -> Option<()> {
    matches!(two, b"18" | b"19" | b"20").then_some(())
}

/// Up to ten digit values, filled from runs.
#[derive(Default)]
struct Digits {
    values: [u8; 10],
    len: usize,
}

impl Digits {
    fn push(&mut self, text: &[u8], run: &Range<usize>) -> Option<()> {
        for byte in text.get(run.clone())? {
            *self.values.get_mut(self.len)? = byte - b'0';
            self.len += 1;
        }
        Some(())
    }

    fn whole(self) -> Option<[u8; 10]> {
        (self.len == self.values.len()).then_some(self.values)
    }
}

/// The four digits of the serial after a joint, and the form the joint makes.
fn serial_after(text: &[u8], from: usize, digits: &mut Digits) -> Option<(usize, Form)> {
    let (joint, length) = joint(text.get(from..)?)?;
    let run = group(text, from + length, 4)?;
    digits.push(text, &run)?;
    let form = match joint {
        Joint { line: true, .. } => Form::Broken,
        Joint { dash: true, .. } => Form::Dashed,
        Joint { mark: Some(_), .. } => Form::Marked,
        Joint { .. } => Form::Blank,
    };
    Some((run.end, form))
}

/// The next group of `length` digits of a date after `.`, `-`, `/` or one blank, the same mark throughout.
fn group_after(text: &[u8], from: usize, length: usize, same: Option<u8>) -> Option<(Range<usize>, u8)> {
    let mark = *text.get(from)?;
    if !matches!(mark, b'.' | b'-' | b'/' | b' ') || same.is_some_and(|same| same != mark) {
        return None;
    }
    Some((group(text, from + 1, length)?, mark))
}

/// The run of exactly `length` digits at `from`.
fn group(text: &[u8], from: usize, length: usize) -> Option<Range<usize>> {
    let is_whole = text.get(from..from + length)?.iter().all(u8::is_ascii_digit);
    let goes_on = text.get(from + length).is_some_and(u8::is_ascii_digit);
    (is_whole && !goes_on).then_some(from..from + length)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Joint {
    dash: bool,
    line: bool,
    mark: Option<u8>,
}

/// What joins date and serial at the start of `text`, and its length in bytes: blanks, at most one dash, at
/// most one `/` or `.`, at most one line break with the quotes that a reply puts after it, and invisible
/// characters anywhere. `None` when it is nothing, too long, or anything else.
fn joint(text: &[u8]) -> Option<(Joint, usize)> {
    let mut joint = Joint::default();
    let (mut at, mut plain) = (0, 0);
    while at < LONGEST_JOINT && plain < LONGEST_PLAIN_JOINT {
        let rest = text.get(at..)?;
        let (piece, length) = match rest.first()? {
            b'<' => (Piece::Invisible, tag(rest)?),
            b'&' => entity(rest)?,
            b'%' => percent(rest)?,
            _ => {
                let (piece, length) = piece(rest)?;
                plain += length;
                (piece, length)
            }
        };
        match piece {
            Piece::Digit => return (at > 0).then_some((joint, at)),
            Piece::Blank | Piece::Invisible => {}
            Piece::Dash if !joint.dash => joint.dash = true,
            Piece::Line if !joint.line => joint.line = true,
            Piece::Quote if joint.line => {}
            Piece::Mark(mark) if joint.mark.is_none() && !joint.dash => joint.mark = Some(mark),
            Piece::Dash | Piece::Line | Piece::Quote | Piece::Mark(_) => return None,
        }
        at += length;
    }
    None
}

#[derive(Clone, Copy)]
enum Piece {
    Digit,
    Blank,
    Dash,
    Line,
    Quote,
    Invisible,
    Mark(u8),
}

/// The first character of `text` as a piece of a joint, with its length in bytes. The single bytes 0x96,
/// 0x97, 0xA0 and 0xAD (Windows-1252 dashes, no-break space, soft hyphen) cannot follow a digit in UTF-8, so
/// reading them as those never misreads UTF-8.
fn piece(text: &[u8]) -> Option<(Piece, usize)> {
    Some(match text {
        [b'0'..=b'9', ..] => (Piece::Digit, 1),
        [b' ' | b'\t' | 0xA0, ..] => (Piece::Blank, 1),
        [b'-' | 0x96 | 0x97, ..] => (Piece::Dash, 1),
        [b'\r', b'\n', ..] => (Piece::Line, 2),
        [b'\n' | b'\r', ..] => (Piece::Line, 1),
        [b'>', ..] => (Piece::Quote, 1),
        [mark @ (b'/' | b'.'), ..] => (Piece::Mark(*mark), 1),
        [0xC2, 0xA0, ..] => (Piece::Blank, 2),
        [0xC2, 0xAD, ..] => (Piece::Invisible, 2),
        // U+2000-200A blanks, 200B-200F zero width and direction marks, 2010-2015 dashes.
        [0xE2, 0x80, third, ..] => match third {
            0x80..=0x8A | 0xAF => (Piece::Blank, 3),
            0x8B..=0x8F | 0xAA..=0xAE => (Piece::Invisible, 3),
            0x90..=0x95 => (Piece::Dash, 3),
            0xA8 | 0xA9 => (Piece::Line, 3),
            _ => return None,
        },
        // U+205F and U+3000 blanks, U+2060 word joiner, U+2066-2069 isolates.
        [0xE2, 0x81, 0x9F, ..] | [0xE3, 0x80, 0x80, ..] => (Piece::Blank, 3),
        [0xE2, 0x81, 0xA0 | 0xA6..=0xA9, ..] | [0xEF, 0xBB, 0xBF, ..] => (Piece::Invisible, 3),
        // U+2212 minus, U+FE58 and U+FE63 small dashes, U+FF0D fullwidth hyphen.
        [0xE2, 0x88, 0x92, ..] | [0xEF, 0xB9, 0x98 | 0xA3, ..] | [0xEF, 0xBC, 0x8D, ..] => (Piece::Dash, 3),
        [0xAD, ..] => (Piece::Invisible, 1),
        _ => return None,
    })
}

/// The length of a tag or comment of HTML that a reader does not see: one that only sets letters in another way.
/// Tags that end a paragraph or a cell are no joint.
fn tag(text: &[u8]) -> Option<usize> {
    const INLINE: [&[u8]; 17] = [
        b"a", b"abbr", b"b", b"big", b"em", b"font", b"i", b"mark", b"nobr", b"s", b"small", b"span",
        b"strong", b"sub", b"sup", b"u", b"wbr",
    ];
    let text = text.get(..LONGEST_JOINT.min(text.len()))?;
    if text.starts_with(b"<!--") {
        return memchr::memmem::find(text, b"-->").map(|end| end + 3);
    }
    let end = memchr::memchr(b'>', text)?;
    let inside = text.get(1..end)?;
    let inside = inside.strip_prefix(b"/").unwrap_or(inside);
    let name = inside.split(|b| !b.is_ascii_alphanumeric()).next()?;
    INLINE.iter().any(|inline| inline.eq_ignore_ascii_case(name)).then_some(end + 1)
}

/// A character reference of HTML that is a blank, a dash or nothing to see, with its length.
fn entity(text: &[u8]) -> Option<(Piece, usize)> {
    const NAMED: [(&[u8], Piece); 16] = [
        (b"&nbsp;", Piece::Blank),
        (b"&ensp;", Piece::Blank),
        (b"&emsp;", Piece::Blank),
        (b"&thinsp;", Piece::Blank),
        (b"&Tab;", Piece::Blank),
        (b"&NewLine;", Piece::Line),
        (b"&shy;", Piece::Invisible),
        (b"&zwnj;", Piece::Invisible),
        (b"&zwj;", Piece::Invisible),
        (b"&NoBreak;", Piece::Invisible),
        (b"&hyphen;", Piece::Dash),
        (b"&dash;", Piece::Dash),
        (b"&ndash;", Piece::Dash),
        (b"&mdash;", Piece::Dash),
        (b"&horbar;", Piece::Dash),
        (b"&minus;", Piece::Dash),
    ];
    if let Some((name, piece)) = NAMED.iter().find(|(name, _)| text.starts_with(name)) {
        return Some((*piece, name.len()));
    }
    let end = memchr::memchr(b';', text.get(..12.min(text.len()))?)?;
    let number = std::str::from_utf8(text.get(1..end)?.strip_prefix(b"#")?).ok()?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    let mut utf8 = [0; 4];
    let (piece, _) = piece(char::from_u32(code)?.encode_utf8(&mut utf8).as_bytes())?;
    // A digit written as a reference is no joint; it would have to be read with the run beside it.
    (!matches!(piece, Piece::Digit)).then_some((piece, end + 1))
}

/// A dash or blank of a link, percent-encoded (RFC 3986 §2.1).
fn percent(text: &[u8]) -> Option<(Piece, usize)> {
    match text.get(..3)? {
        b"%2D" | b"%2d" => Some((Piece::Dash, 3)),
        b"%20" | b"%09" => Some((Piece::Blank, 3)),
        _ => None,
    }
}

fn touch_before(text: &[u8], start: usize) -> Touch {
    let Some(at) = start.checked_sub(1) else { return Touch::Free };
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
            at_byte = run.end;
            if let Some(candidate) = at(text, &run) {
                at_byte = candidate.span.end;
                let digits = candidate.digits.iter().map(|d| char::from(d + b'0')).collect();
                found.push((digits, candidate.form));
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
            "150379</td><td>1234",
            "150379</p><p>-1234",
            "150379&amp;1234",
            "150379&#48;1234",
            "150379<b-1234",
            "150379-12345",
            "1150379-1234",
            "150379--1234",
            "150379+1234",
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
    fn what_touches_is_told() {
        let touches = |text: &str| {
            let run = runs::next(text.as_bytes(), 2).unwrap();
            let candidate = at(text.as_bytes(), &run).unwrap();
            (candidate.before, candidate.after)
        };
        assert_eq!(touches("x 1503791234."), (Touch::Free, Touch::Free));
        assert_eq!(touches("xa1503791234b"), (Touch::Letter, Touch::Letter));
        assert_eq!(touches("x_1503791234_"), (Touch::Free, Touch::Free));
        assert_eq!(touches("1.1503791234,5"), (Touch::MoreDigits, Touch::MoreDigits));
        assert_eq!(touches("x+1503791234<"), (Touch::Mark(b'+'), Touch::Mark(b'<')));
    }

    #[test]
    fn the_longest_candidate_fits() {
        let joint = format!("{}<b {}>", "\u{2003}".repeat(7), "x".repeat(164));
        let text = format!("15.03.1979{joint}-1234");
        assert_eq!(found(text.as_bytes()).len(), 1);
        assert!(text.len() <= LONGEST && joint.len() + 6 > LONGEST_JOINT);
    }
}
