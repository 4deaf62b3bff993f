//! uuencode (POSIX, `uuencode(1)`): files written into a text between a line `begin 644 name` and a line `end`; also its
//! base64 form, `begin-base64 644 name` to `====`.
//!
//! It has no place in MIME, and so it is looked for in every text, as the clients of its time do. A `begin` counts only
//! when a line that can be uuencoded follows it: prose may begin a line so. Forgiving as decoders are: blanks that
//! transport cut off a line's end are supplied, what stands behind a line's letters is dropped, other lines in between
//! are skipped, and without an `end` the file goes on to the end of the text. It never takes a byte away from the text.
//!
//! Start at [`Uuencoded::feed`]. On a text without `begin` all that is done is one search for that word; what is kept
//! between two slices is at most one line's start. Tests: at the end, and `scan`'s chunking test.

use super::Base64;
use crate::kernel::Kernels;

/// How much of a line is kept: a whole line of either form, or a `begin` with the longest name a file system takes.
const LINE_CAP: usize = 320;

/// How a file begins.
const BEGIN: &[u8; 5] = b"begin";

/// What a text holds besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enclosed<'a> {
    /// A file of this name begins.
    Begin(&'a [u8]),
    /// The next bytes of the file.
    Data(&'a [u8]),
    /// The file ends.
    End,
}

/// Finds and decodes the uuencoded files of one text.
#[derive(Debug)]
pub struct Uuencoded {
    state: State,
    /// The start of the line being read, unless it has been seen to be of no interest.
    line: Vec<u8>,
    name: Vec<u8>,
    /// Whether the next byte begins a line. Between `begin` and `end` every line is gathered in `line`.
    line_start: bool,
    base64: Base64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No file is open.
    Text,
    /// A `begin` was read, in the base64 form or not.
    Begun { base64: bool },
    /// Lines of a file are read.
    Inside { base64: bool },
}

impl Default for Uuencoded {
    fn default() -> Self {
        Self {
            state: State::Text,
            line: Vec::new(),
            name: Vec::new(),
            line_start: true,
            base64: Base64::default(),
        }
    }
}

impl Uuencoded {
    /// Forgets what came before. `begun`: a header said uuencode, so that lines count without a `begin`.
    pub fn start(&mut self, begun: bool) {
        self.state = if begun { State::Begun { base64: false } } else { State::Text };
        self.line.clear();
        self.name.clear();
        self.line_start = true;
    }

    /// Reads the next bytes of the text, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(Enclosed<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = if self.state == State::Text && self.line.is_empty() {
                self.search(rest)
            } else {
                self.gather(rest, out)
            };
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// The text ended.
    pub fn finish(&mut self, out: &mut impl FnMut(Enclosed<'_>)) {
        if !self.line.is_empty() {
            self.end_line(out);
        }
        if let State::Inside { base64 } = self.state {
            self.close(base64, out);
        }
        self.start(false);
    }

    /// Looks for a line that begins as a file does, and gives how many bytes stand before it or are of no interest.
    fn search(&mut self, bytes: &[u8]) -> usize {
        let is_start = |at: usize| match at.checked_sub(1) {
            None => self.line_start,
            Some(before) => matches!(bytes.get(before), Some(b'\n' | b'\r')),
        };
        let word = Kernels::best().word;
        let next = |from: usize| Some(from + word(bytes.get(from..)?, *BEGIN)?);
        let found = std::iter::successors(next(0), |at| next(at + 1)).find(|at| is_start(*at));
        // The word may be cut in two by the end of the slice.
        let cut = (1..BEGIN.len())
            .rev()
            .filter_map(|length| bytes.len().checked_sub(length))
            .find(|at| bytes.get(*at..).is_some_and(|tail| BEGIN.starts_with(tail)) && is_start(*at));
        let Some(at) = found.or(cut) else {
            self.line_start = matches!(bytes.last(), Some(b'\n' | b'\r'));
            return bytes.len();
        };
        // One byte at least is used: the line's first, which no longer needs to be looked for.
        self.line.extend_from_slice(BEGIN.get(..1).unwrap_or_default());
        self.line_start = false;
        at + 1
    }

    /// Gathers the line that is open, and reads it when it ends.
    fn gather(&mut self, bytes: &[u8], out: &mut impl FnMut(Enclosed<'_>)) -> usize {
        let end = memchr::memchr2(b'\n', b'\r', bytes);
        let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let room = LINE_CAP.saturating_sub(self.line.len());
        self.line.extend_from_slice(text.get(..room).unwrap_or(text));
        let Some(end) = end else {
            self.line_start = false;
            return bytes.len();
        };
        self.end_line(out);
        self.line_start = true;
        end + 1
    }

    fn end_line(&mut self, out: &mut impl FnMut(Enclosed<'_>)) {
        let line = std::mem::take(&mut self.line);
        self.read_line(&line, out);
        self.line = line;
        self.line.clear();
    }

    fn read_line(&mut self, line: &[u8], out: &mut impl FnMut(Enclosed<'_>)) {
        if let Some((base64, name)) = begins(line) {
            if let State::Inside { base64 } = self.state {
                self.close(base64, out);
            }
            self.state = State::Begun { base64 };
            self.name.clear();
            self.name.extend_from_slice(name);
            return;
        }
        match self.state {
            State::Text => {}
            State::Begun { .. } if line.is_empty() => {}
            State::Begun { base64 } => {
                let fits = if base64 { is_base64(line) } else { decode(line, true).is_some() };
                if fits {
                    out(Enclosed::Begin(&self.name));
                    self.base64 = Base64::default();
                    self.state = State::Inside { base64 };
                    self.read_data(base64, line, out);
                } else {
                    self.state = State::Text;
                }
            }
            State::Inside { base64 } => {
                let last: &[u8] = if base64 { b"====" } else { b"end" };
                if line.trim_ascii_end() == last {
                    self.close(base64, out);
                } else {
                    self.read_data(base64, line, out);
                }
            }
        }
    }

    fn read_data(&mut self, base64: bool, line: &[u8], out: &mut impl FnMut(Enclosed<'_>)) {
        if base64 {
            let mut buffer = [0; 96];
            self.base64.feed(line, &mut buffer, &mut |data| out(Enclosed::Data(data)));
        } else if let Some((data, length)) = decode(line, false)
            && length > 0
        {
            out(Enclosed::Data(data.get(..length).unwrap_or_default()));
        }
    }

    fn close(&mut self, base64: bool, out: &mut impl FnMut(Enclosed<'_>)) {
        if base64 {
            self.base64.finish(&mut |data| out(Enclosed::Data(data)));
        }
        self.state = State::Text;
        out(Enclosed::End);
    }
}

/// Reads `begin 644 name`: whether in the base64 form, and the name.
fn begins(line: &[u8]) -> Option<(bool, &[u8])> {
    let rest = line.strip_prefix(BEGIN)?;
    let (base64, rest) = match rest.strip_prefix(b"-base64") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let name = rest.get(digits..)?.strip_prefix(b" ")?.trim_ascii();
    ((3..=5).contains(&digits) && !name.is_empty()).then_some((base64, name))
}

/// Decodes a line; `None` when it cannot be one. `first`: it must also be as long as it says, but for a few blanks.
fn decode(line: &[u8], first: bool) -> Option<([u8; 63], usize)> {
    let six = |letter: u8| (0x20..=0x60).contains(&letter).then(|| u32::from(letter - 0x20) & 0x3f);
    let (length, letters) = line.split_first()?;
    let length = usize::try_from(six(*length)?).ok()?;
    let wanted = length.div_ceil(3) * 4;
    let letters = letters.get(..wanted).unwrap_or(letters);
    if first && (length == 0 || letters.len() * 2 < wanted) {
        return None;
    }
    let mut data = [0; 63];
    for (place, group) in data.as_chunks_mut::<3>().0.iter_mut().zip(letters.chunks(4)) {
        let mut bits = 0;
        for at in 0..4 {
            bits = bits << 6 | six(group.get(at).copied().unwrap_or(b' '))?;
        }
        let [_, made @ ..] = bits.to_be_bytes();
        *place = made;
    }
    letters.iter().all(|letter| six(*letter).is_some()).then_some((data, length))
}

/// Whether the line has nothing but letters of base64, and any.
fn is_base64(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    !line.is_empty()
        && line.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each file with its name, as `name: data`, in pieces of this size.
    fn files(text: &str, cut: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut open = false;
        let mut reader = Uuencoded::default();
        let mut take = |piece: Enclosed<'_>| match piece {
            Enclosed::Begin(name) => {
                assert!(!std::mem::replace(&mut open, true));
                found.push(format!("{}: ", String::from_utf8_lossy(name)));
            }
            Enclosed::Data(data) => found.last_mut().unwrap().push_str(&String::from_utf8_lossy(data)),
            Enclosed::End => assert!(std::mem::replace(&mut open, false)),
        };
        for piece in text.as_bytes().chunks(cut) {
            reader.feed(piece, &mut take);
        }
        reader.finish(&mut take);
        assert!(!open);
        found
    }

    /// `CPR-nr. 150379-1028` with a line break.
    const LINE: &str = "40U!2+6YR+B Q-3 S-SDM,3 R. H";

    #[test]
    fn reads_what_decoders_read() {
        let one = ["x.txt: CPR-nr. 150379-1028\n".to_owned()];
        for text in [
            format!("begin 644 x.txt\n{LINE} \n`\nend\n"),
            format!("Hej\n\nbegin 644 x.txt\n{LINE} \n \nend\nHilsen"),
            format!("begin 0644  x.txt \n{LINE}\n`\nend"),
            format!("begin 644 x.txt\n{} \n`\n", LINE.replace(' ', "`")),
            format!("begin 644 x.txt\n{LINE} #junk\nend\n"),
            format!("begin 644 x.txt\n{LINE}"),
            format!("begin 644 x.txt\n\n{LINE}\n-- en fod\nend"),
            "begin-base64 644 x.txt\nQ1BSLW5yLiAxNTAzNzkt\nMTAyOAo=\n====\n".to_owned(),
        ] {
            for text in [text.replace('\n', "\r\n"), text.replace('\n', "\r"), text] {
                for cut in [1, 2, 3, 7, 1000] {
                    assert_eq!(files(&text, cut), one, "{text:?} by {cut}");
                }
            }
        }
    }

    #[test]
    fn several_in_one_text() {
        let text = format!("begin 644 a\n{LINE} \nbegin 644 b\n{LINE} \n`\nend\n\nbegin 600 c d\n{LINE} \n");
        let names: Vec<String> = files(&text, 5).iter().map(|file| file.chars().take(4).collect()).collect();
        assert_eq!(names, ["a: C", "b: C", "c d:"]);
    }

    #[test]
    fn prose_is_no_file() {
        for text in [
            "begin 644 ting\nHvad skal det blive til?\n",
            "begin with it\n40U!\n",
            "> begin 644 x\n40U!2+6YR+B Q-3 S-SDM,3 R. H\n",
            "begin 644 x\n\n`\nend\n",
            "begin 644 x\nHEJ\n",
            "begin 99 x\n40U!2\n",
        ] {
            assert_eq!(files(text, 4), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_header_may_have_said_so() {
        let mut reader = Uuencoded::default();
        reader.start(true);
        let mut data = Vec::new();
        reader.feed(format!("{LINE}\n").as_bytes(), &mut |piece| {
            if let Enclosed::Data(bytes) = piece {
                data.extend_from_slice(bytes);
            }
        });
        assert_eq!(data, b"CPR-nr. 150379-1028\n");
    }

    proptest! {
        #[test]
        fn any_cut_same_files(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "begin", " 644 x", "\n", "\r\n", "b", "be", "beg", "begin 644 y\n", LINE, "end\n", "`\n", "-base64 644 z\n", "QUJD\n", "====\n", "x",
            ]), 0..24),
            cut in 1usize..20,
        ) {
            let text = pieces.concat();
            prop_assert_eq!(files(&text, cut), files(&text, 10_000));
        }
    }
}
