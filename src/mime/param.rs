//! Parameters of `Content-Type` and `Content-Disposition` (RFC 2045 §5.1, RFC 2231), kept as slices of one reused
//! buffer. Reads what is written in the wild: missing quotes, comments, stray semicolons, encoded words in file names.
//!
//! Start at [`Params::read`], then [`Params::find`]. Work is linear in the field's length for each of the few names
//! that are asked for.

use std::ops::Range;

use super::transfer::hex;
use super::{charset, word};

/// A field value taken apart: its first word and its parameters.
#[derive(Debug, Default)]
pub(super) struct Params {
    text: Vec<u8>,
    word: Range<usize>,
    items: Vec<Item>,
    order: Vec<(u32, usize)>,
}

#[derive(Debug)]
struct Item {
    name: Range<usize>,
    value: Range<usize>,
    /// RFC 2231 §3: which piece of a value that was cut into pieces.
    section: Option<u32>,
    /// RFC 2231 §4: whether the value has a charset and percent signs.
    extended: bool,
}

/// How a parameter was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Extended,
    Sections,
}

impl Params {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.items.clear();
        self.word = 0..0;
    }

    /// How many bytes its buffers have.
    pub(super) fn held(&self) -> usize {
        let Self { text, word: _, items, order } = self;
        text.capacity() + items.capacity() * size_of::<Item>() + order.capacity() * size_of::<(u32, usize)>()
    }

    /// Takes `value`, an unfolded field value, apart.
    pub(super) fn read(&mut self, value: &[u8]) {
        self.clear();
        let mut rest = self.read_word(value);
        while !rest.is_empty() {
            rest = self.read_item(rest);
        }
    }

    /// The word before the first semicolon.
    pub(super) fn word(&self) -> &[u8] {
        self.slice(&self.word)
    }

    /// Reads up to the first `;`, dropping quotes and comments (`"base64"`, `base64 (x)`).
    fn read_word<'a>(&mut self, value: &'a [u8]) -> &'a [u8] {
        // Nearly always there is nothing to drop.
        let is_mark = |byte: &u8| matches!(byte, b'(' | b')' | b';' | b'"');
        let plain = value.iter().position(is_mark).unwrap_or(value.len());
        self.text.extend_from_slice(value.get(..plain).unwrap_or_default());
        let mut depth = 0_usize;
        for (at, byte) in value.iter().enumerate().skip(plain) {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                b';' => {
                    self.word = 0..self.text.len();
                    return value.get(at + 1..).unwrap_or_default();
                }
                b'"' => {}
                _ => self.text.push(*byte),
            }
        }
        self.word = 0..self.text.len();
        &[]
    }

    /// Reads one `name=value` up to its `;` and gives the rest.
    fn read_item<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr2(b'=', b';', rest).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default().trim_ascii();
        let after = rest.get(end + 1..).unwrap_or_default();
        if rest.get(end) != Some(&b'=') {
            return after;
        }
        let (name, section, extended) = split_name(name);
        let from = self.text.len();
        self.text.extend_from_slice(name);
        if let Some(name) = self.text.get_mut(from..) {
            name.make_ascii_lowercase();
        }
        let name = from..self.text.len();
        let after = self.read_value(&name, after.trim_ascii_start());
        let value = name.end..self.text.len();
        self.items.push(Item { name, value, section, extended });
        after
    }

    fn read_value<'a>(&mut self, name: &Range<usize>, rest: &'a [u8]) -> &'a [u8] {
        if let [b'"', quoted @ ..] = rest {
            let mut escaped = false;
            let plain = quoted.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(quoted.len());
            self.text.extend_from_slice(quoted.get(..plain).unwrap_or_default());
            for (at, byte) in quoted.iter().enumerate().skip(plain) {
                match byte {
                    _ if escaped => {
                        self.text.push(*byte);
                        escaped = false;
                    }
                    b'\\' => escaped = true,
                    b'"' => {
                        let after = quoted.get(at + 1..).unwrap_or_default();
                        let end = memchr::memchr(b';', after).map_or(after.len(), |end| end + 1);
                        return after.get(end..).unwrap_or_default();
                    }
                    _ => self.text.push(*byte),
                }
            }
            return &[];
        }
        let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let mut value = rest.get(..end).unwrap_or_default().trim_ascii();
        // A comment after a token goes, but `filename=brev (2).pdf` is a name that someone forgot to quote.
        if !matches!(self.slice(name), b"filename" | b"name") {
            let comment = value.windows(2).position(|two| matches!(two, [b' ' | b'\t', b'(']));
            value = value.get(..comment.unwrap_or(value.len())).unwrap_or_default().trim_ascii();
        }
        self.text.extend_from_slice(value);
        rest.get(end + 1..).unwrap_or_default()
    }

    /// Appends the value of parameter `name` (lower case), RFC 2231 undone. False when there is none. The extended
    /// form goes before the plain one: a program that writes both means the plain one for old readers.
    pub(super) fn find(&mut self, name: &str, out: &mut Vec<u8>) -> bool {
        match self.stands_once(name) {
            Some(false) => return false,
            // Nearly always as it is.
            Some(true) if self.find_as(name, Form::Plain, &mut Vec::new(), out) => return true,
            _ => {}
        }
        let mut order = std::mem::take(&mut self.order);
        let found = [Form::Extended, Form::Sections, Form::Plain]
            .iter()
            .any(|form| self.find_as(name, *form, &mut order, out));
        self.order = order;
        found
    }

    /// As [`find`](Self::find), for those who only borrow.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let mut out = Vec::new();
        [Form::Extended, Form::Sections, Form::Plain]
            .iter()
            .any(|form| self.find_as(name, *form, &mut Vec::new(), &mut out))
            .then(|| guess(&out))
    }

    /// The value of parameter `name` by the last of the forms and places in which it stands.
    pub(super) fn last_reading(&self, name: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        if let Some(last) = self.named(name).filter(|item| item.section.is_none() && !item.extended).last() {
            out.extend_from_slice(self.slice(&last.value));
            return Some(out);
        }
        let forms = [Form::Sections, Form::Extended];
        forms.iter().any(|form| self.find_as(name, *form, &mut Vec::new(), &mut out)).then_some(out)
    }

    /// Whether parameter `name` stands here; `None` when it does more than once.
    pub(super) fn stands_once(&self, name: &str) -> Option<bool> {
        match self.named(name).take(2).count() {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// Adds every distinct reading of parameter `name` as a file name.
    pub(super) fn readings(&self, name: &str, into: &mut Vec<String>) {
        if self.named(name).next().is_none() {
            return;
        }
        let mut add = |bytes: &[u8]| {
            let mut plain = Vec::new();
            word::decode(bytes, &mut plain);
            let text = guess(&plain);
            if !into.contains(&text) {
                into.push(text);
            }
        };
        for form in [Form::Extended, Form::Sections] {
            let mut out = Vec::new();
            if self.find_as(name, form, &mut Vec::new(), &mut out) {
                add(&out);
            }
        }
        for item in self.named(name).filter(|item| item.section.is_none() && !item.extended).take(8) {
            add(self.slice(&item.value));
        }
    }

    /// Whether `name` stands here more than once with different values, each of which some program believes.
    pub(super) fn contradicts(&self, name: &str) -> bool {
        if self.named(name).count() < 2 {
            return false;
        }
        let mut first: Option<Vec<u8>> = None;
        let mut differs = |bytes: &[u8]| {
            let known = first.get_or_insert_with(|| bytes.to_vec());
            known != bytes
        };
        let mut order = Vec::new();
        for form in [Form::Extended, Form::Sections] {
            let mut out = Vec::new();
            if self.find_as(name, form, &mut order, &mut out) && differs(&out) {
                return true;
            }
        }
        self.named(name)
            .filter(|item| item.section.is_none() && !item.extended)
            .any(|item| differs(self.slice(&item.value)))
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Item> {
        self.items.iter().filter(move |item| self.slice(&item.name) == name.as_bytes())
    }

    fn find_as(&self, name: &str, form: Form, order: &mut Vec<(u32, usize)>, out: &mut Vec<u8>) -> bool {
        match form {
            Form::Plain => {
                let item = self.named(name).find(|item| item.section.is_none() && !item.extended);
                item.inspect(|item| out.extend_from_slice(self.slice(&item.value))).is_some()
            }
            Form::Extended => {
                let item = self.named(name).find(|item| item.section.is_none() && item.extended);
                item.inspect(|item| extended(&[(self.slice(&item.value), true)], out)).is_some()
            }
            Form::Sections => {
                order.clear();
                order.extend(self.items.iter().enumerate().filter_map(|(at, item)| {
                    (self.slice(&item.name) == name.as_bytes())
                        .then_some(item.section?)
                        .map(|section| (section, at))
                }));
                if order.is_empty() {
                    return false;
                }
                // Pieces may come in any order (RFC 2231 §3); a missing one hides none of the others.
                order.sort_unstable();
                let pieces: Vec<(&[u8], bool)> = order
                    .iter()
                    .filter_map(|(_, at)| self.items.get(*at))
                    .map(|item| (self.slice(&item.value), item.extended))
                    .collect();
                extended(&pieces, out);
                true
            }
        }
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

fn guess(bytes: &[u8]) -> String {
    let mut text = String::new();
    charset::guess_utf8(bytes, &mut text);
    text
}

/// `filename*1*` is the name, the piece, and that it is extended.
fn split_name(name: &[u8]) -> (&[u8], Option<u32>, bool) {
    let (name, extended) = name.strip_suffix(b"*").map_or((name, false), |name| (name, true));
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u32>().ok();
    let star = name.iter().rposition(|byte| *byte == b'*');
    match star.and_then(|star| Some((name.get(..star)?, number(name.get(star + 1..)?)?))) {
        Some((base, section)) => (base, Some(section), extended),
        None => (name, None, extended),
    }
}

/// Joins pieces, undoing `charset'language'` before the first and percent signs in those that are marked for it.
fn extended(pieces: &[(&[u8], bool)], out: &mut Vec<u8>) {
    let mut label = "";
    let mut bytes = Vec::new();
    for (at, (piece, marked)) in pieces.iter().enumerate() {
        if !marked {
            bytes.extend_from_slice(piece);
            continue;
        }
        let mut rest = *piece;
        if at == 0 {
            let mut parts = piece.splitn(3, |byte| *byte == b'\'');
            if let (Some(charset), Some(_), Some(text)) = (parts.next(), parts.next(), parts.next()) {
                label = std::str::from_utf8(charset).unwrap_or_default();
                rest = text;
            }
        }
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match (first, after) {
                (b'%', [high, low, later @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                    bytes.push(hex(*high).unwrap_or(0) << 4 | hex(*low).unwrap_or(0));
                    rest = later;
                }
                _ => bytes.push(*first),
            }
        }
    }
    charset::to_utf8(label, &bytes, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(field: &str, name: &str) -> Option<String> {
        let mut params = Params::default();
        params.read(field.as_bytes());
        params.value(name)
    }

    #[test]
    fn reads_the_first_word() {
        for (field, expect) in [
            ("base64;", "base64"),
            ("\"base64\"", "base64"),
            ("base64 (x (y)) ; a=b", "base64"),
            ("", ""),
            (";x=y", ""),
        ] {
            let mut params = Params::default();
            params.read(field.as_bytes());
            assert_eq!(params.word().trim_ascii(), expect.as_bytes(), "{field}");
        }
    }

    #[test]
    fn reads_parameters() {
        for (field, name, expect) in [
            ("a; Boundary=\"x y\"; c=d", "boundary", "x y"),
            ("a; boundary=x", "boundary", "x"),
            ("a;; ; boundary = x (comment); c", "boundary", "x"),
            ("a; boundary=\"x;\\\"y\" junk; charset=utf-8", "charset", "utf-8"),
            ("a; boundary=\"x;\\\"y\"", "boundary", "x;\"y"),
            ("a; boundary=\"x", "boundary", "x"),
            ("a; filename=brev (2).pdf", "filename", "brev (2).pdf"),
            ("a; filename*=utf-8'da'K%c3%A6re%zz", "filename", "K\u{e6}re%zz"),
            ("a; filename*1=b; filename*0*=iso-8859-1''%E6; filename*2*=%E6", "filename", "\u{e6}b\u{e6}"),
            ("a; name*0=\"010190\"; name*1=\"-1234\"", "name", "010190-1234"),
            ("a; filename=x; filename*=utf-8''y", "filename", "y"),
            ("a; filename*=plain", "filename", "plain"),
        ] {
            assert_eq!(value(field, name).as_deref(), Some(expect), "{field}");
        }
        assert_eq!(value("a; b=c", "boundary"), None);
        assert_eq!(value("a", "boundary"), None);
    }

    #[test]
    fn sees_contradictions() {
        for (field, expect) in [
            ("a; boundary=x; boundary=y", true),
            ("a; boundary=x; boundary=x", false),
            ("a; boundary=x; boundary*=utf-8''y", true),
            ("a; boundary=x; boundary*0=x", false),
            ("a; boundary=x", false),
        ] {
            let mut params = Params::default();
            params.read(field.as_bytes());
            assert_eq!(params.contradicts("boundary"), expect, "{field}");
        }
    }

    #[test]
    fn keeps_every_reading_of_a_file_name() {
        let mut params = Params::default();
        params.read(b"a; filename=\"=?utf-8?Q?010190-1234?=\"; filename*=utf-8''clean");
        let mut names = Vec::new();
        params.readings("filename", &mut names);
        assert_eq!(names, ["clean", "010190-1234"]);
    }
}
