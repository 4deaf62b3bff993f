//! The text beside a number as a reader sees it: UTF-8, without tags, references or what is not seen.
//!
//! Done for the few bytes round a candidate only, so that labels and look-alikes are written once, in plain words, and
//! hold in HTML, in JSON, in a link and in any charset. Start reading at [`write`]. Tests: below.

use crate::cpr::glyph::{self, Tag};

/// Adds to `out` what a reader sees of `raw`, as [`write`] does.
pub(super) fn render(raw: &[u8], out: &mut String) {
    let mut seen = std::mem::take(out).into_bytes();
    write(raw, &mut seen, |_, _| ());
    // All that is written is UTF-8.
    *out = String::from_utf8(seen).unwrap_or_default();
}

/// Adds to `out` what a reader sees of `raw`, in UTF-8. Blanks become one `' '`, the edge of a cell a tab, of a line or
/// a paragraph a line feed, a dash `-`; the name of an XML element becomes `"name":`, as JSON would write it.
///
/// `raw` may begin and end anywhere: what is cut off reads as text. `step` is told, wherever what is seen is not as long
/// as what is written, how far `raw` has been read and how long `out` is then.
pub(super) fn write(raw: &[u8], out: &mut Vec<u8>, mut step: impl FnMut(usize, usize)) {
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let run = plain_run(rest);
        if run > 0 {
            out.extend_from_slice(rest.get(..run).unwrap_or_default());
            at += run;
            continue;
        }
        let written = out.len();
        let length = write_one(rest, out);
        at += length;
        if out.len() != written + length {
            step(at, out.len());
        }
    }
}

/// Adds what a reader sees first of `raw`, at least `most` bytes of it where there are so many, and says how far `raw` has
/// been read. But for blanks at its end, nothing that follows changes what is seen so far.
pub(super) fn write_first(raw: &[u8], out: &mut Vec<u8>, most: usize) -> usize {
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty() && out.len() < most) {
        let near = rest.get(..most.min(rest.len())).unwrap_or_default();
        let run = plain_run(near);
        out.extend_from_slice(near.get(..run).unwrap_or_default());
        at += if run > 0 { run } else { write_one(rest, out) };
    }
    at
}

/// Adds what begins `rest` and may look otherwise than it is written, and says how long it is.
fn write_one(rest: &[u8], out: &mut Vec<u8>) -> usize {
    match rest {
        [b'\r', ..] => 1,
        [blank @ (b' ' | b'\t' | b'\n'), ..] => {
            push_blank(*blank, out);
            1
        }
        [b'<', ..] if let Some((tag, length)) = glyph::tag(rest) => {
            see_tag(tag, rest.get(1) == Some(&b'/'), out);
            length
        }
        _ => see(rest, out),
    }
}

/// Whether `raw`, but perhaps for a blank that it begins with, is text of one word that looks as it is written.
pub(super) fn looks_as_written(raw: &[u8]) -> bool {
    let ([b' ' | b'\t' | b'\n', word @ ..] | word) = raw;
    word.iter().all(|byte| LOOKS.get(usize::from(*byte)) == Some(&Looks::AsWritten))
}

/// Whether a reader sees nothing of `raw` but blanks. Reads no farther than to what is seen.
pub(super) fn is_blank(raw: &[u8]) -> bool {
    let (mut at, mut out) = (0, Vec::new());
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        if plain_run(rest) > 0 {
            return false;
        }
        out.clear();
        at += write_one(rest, &mut out);
        if !out.trim_ascii().is_empty() {
            return false;
        }
    }
    true
}

/// Whether `raw` begins with the end of a line, as a reader sees it. Reads no farther than to the first line.
pub(super) fn ends_line(raw: &[u8]) -> bool {
    let (mut at, mut out) = (0, Vec::new());
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty() && plain_run(rest) == 0) {
        at += write_one(rest, &mut out);
        // The edge of a row takes away the blanks before it.
        match out.iter().find(|byte| !matches!(byte, b' ' | b'\t')) {
            Some(b'\n') if out.first() == Some(&b'\n') => return true,
            Some(b'\n') | None => {}
            Some(_) => return false,
        }
    }
    false
}

/// How long the text is from here that looks as it is written: words with one blank behind each. It is UTF-8.
fn plain_run(text: &[u8]) -> usize {
    // Where the last word ends.
    let (mut at, mut end) = (0, 0);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let looks = |byte: &u8| LOOKS.get(usize::from(*byte)).copied().unwrap_or(Looks::Otherwise);
        let run = rest.iter().position(|byte| looks(byte) != Looks::AsWritten).unwrap_or(rest.len());
        if run > 0 {
            at += run;
            end = at;
        }
        match rest.get(run..) {
            Some([b' ' | b'\t' | b'\n', ..]) if at > 0 && at == end => at += 1,
            Some([0xC3, 0x80..=0xBF, ..]) => {
                at += 2;
                end = at;
            }
            _ => return at,
        }
    }
}

/// What a byte says of how the text looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// ASCII that begins no tag and no escape, and is no blank.
    AsWritten,
    Otherwise,
}

/// [`looks`] of every byte.
static LOOKS: [Looks; 256] = {
    let mut table = [Looks::Otherwise; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "evaluated by the compiler"
        )]
        {
            table[byte] = looks(byte as u8);
        }
        byte += 1;
    }
    table
};

const fn looks(byte: u8) -> Looks {
    match byte {
        b'!'..=b'$' | b'\''..=b';' | b'>'..=b'[' | b']'..=b'~' => Looks::AsWritten,
        _ => Looks::Otherwise,
    }
}

fn see_tag(tag: Tag<'_>, closes: bool, out: &mut Vec<u8>) {
    match tag {
        Tag::Inline => {}
        Tag::Cell | Tag::Field => push_blank(b'\t', out),
        Tag::Row => end_row(out),
        Tag::Break | Tag::Block => push_blank(b'\n', out),
        Tag::Named(_) if closes => push_blank(b' ', out),
        Tag::Named(name) => {
            out.extend_from_slice(b" \"");
            out.extend(name.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }));
            out.extend_from_slice(b"\":");
        }
    }
}

fn see(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let Some((character, length)) = glyph::character(rest) else { return 1 };
    // `a=12` is far more often a value than quoted-printable.
    if length == 3 && character.is_ascii() && rest.first() == Some(&b'=') {
        out.push(b'=');
        return 1;
    }
    match character {
        '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => push_blank(b'\n', out),
        '\t' => push_blank(b'\t', out),
        '\r'
        | '\u{AD}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}' => {}
        _ if character.is_whitespace() || character.is_control() => push_blank(b' ', out),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push(b'-'),
        '\u{201C}'..='\u{201F}' => out.push(b'"'),
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    length
}

/// A row's edge is one line feed, whatever edges of cells it follows.
fn end_row(out: &mut Vec<u8>) {
    while let Some(b' ' | b'\t') = out.last() {
        out.pop();
    }
    if out.last() != Some(&b'\n') {
        out.push(b'\n');
    }
}

/// Blanks are one, and the strongest of them stays; line feeds are all kept, since they count as distance.
fn push_blank(blank: u8, out: &mut Vec<u8>) {
    match (out.last(), blank) {
        (Some(b' '), _) => {
            out.pop();
            push_blank(blank, out);
        }
        // In HTML, lines break between cells as they like.
        (Some(b'\n' | b'\t'), b' ') | (Some(b'\t'), b'\t' | b'\n') => {}
        _ => out.push(blank),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_reader_sees_it() {
        for (raw, seen) in [
            ("CPR-nr.:  1", "CPR-nr.: 1"),
            ("<td class=\"x\">F&oslash;dt</td>\r\n<td>", "\tFødt\t"),
            ("<p>a<b>b</b> c</p><p>", "\nab c\n\n"),
            ("<td>a</td> </tr><tr><td>b", "\ta\n\tb"),
            ("<ns:cprNummer>", " \"cprNummer\":"),
            ("?navn=J%C3%B8rgen%20&nr=12", "?navn=Jørgen &nr=12"),
            ("\\\"f\\u00f8dt\\\":", "\"født\":"),
            ("f=C3=B8dt", "født"),
            ("a\u{a0}\u{200b}b \u{2013} c", "a b - c"),
            ("x\n> y", "x\n> y"),
            ("<b", "<b"),
        ] {
            let mut out = String::new();
            render(raw.as_bytes(), &mut out);
            assert_eq!(out, seen, "{raw:?}");
        }
        let mut out = String::new();
        render(b"F\xF8dt", &mut out);
        assert_eq!(out, "Født");
    }
}
