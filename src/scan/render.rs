//! The text beside a number as a reader sees it: UTF-8, without tags, references or what is not seen.
//!
//! Done for the few bytes round a candidate only, so that labels and look-alikes are written once, in plain words, and
//! hold in HTML, in JSON, in a link and in any charset. Start reading at [`render`]. Tests: below.

use crate::cpr::glyph::{self, Tag};

/// Adds to `out` what a reader sees of `raw`. Blanks become one `' '`, the edge of a cell a tab, of a line or a
/// paragraph a line feed, a dash `-`; the name of an XML element becomes `"name":`, as JSON would write it.
///
/// `raw` may begin and end anywhere: what is cut off reads as text.
pub(super) fn render(raw: &[u8], out: &mut String) {
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let run = plain_run(rest);
        if let Some(text) =
            rest.get(..run).filter(|run| !run.is_empty()).and_then(|run| str::from_utf8(run).ok())
        {
            out.push_str(text);
            at += run;
            continue;
        }
        at += match rest {
            [b'\r', ..] => 1,
            [blank @ (b' ' | b'\t' | b'\n'), ..] => {
                push_blank(char::from(*blank), out);
                1
            }
            [b'<', ..] if let Some((tag, length)) = glyph::tag(rest) => {
                see_tag(tag, rest.get(1) == Some(&b'/'), out);
                length
            }
            _ => see(rest, out),
        };
    }
}

/// How long the text is from here that looks as it is written: words with one blank between them.
fn plain_run(text: &[u8]) -> usize {
    let mut end = 0;
    for (at, byte) in text.iter().enumerate() {
        let looks = LOOKS_AS_WRITTEN.get(usize::from(*byte)).is_some_and(|looks| *looks);
        if looks {
            end = at + 1;
        } else if *byte != b' ' || at == 0 || at > end {
            break;
        }
    }
    end
}

/// [`looks_as_written`] of every byte.
static LOOKS_AS_WRITTEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "evaluated by the compiler"
        )]
        {
            table[byte] = looks_as_written(byte as u8);
        }
        byte += 1;
    }
    table
};

/// Whether a byte looks as it is written: ASCII without what begins a tag or an escape, and the letters of UTF-8 that
/// Danish has. Blanks are looked at one by one.
const fn looks_as_written(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!'..=b'$' | b'\''..=b';' | b'>'..=b'[' | b']'..=b'~' | 0xC3 | 0x80..=0xBF)
}

fn see_tag(tag: Tag<'_>, closes: bool, out: &mut String) {
    match tag {
        Tag::Inline => {}
        Tag::Cell | Tag::Field => push_blank('\t', out),
        Tag::Row => end_row(out),
        Tag::Break | Tag::Block => push_blank('\n', out),
        Tag::Named(_) if closes => push_blank(' ', out),
        Tag::Named(name) => {
            out.push_str(" \"");
            out.extend(name.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }));
            out.push_str("\":");
        }
    }
}

fn see(rest: &[u8], out: &mut String) -> usize {
    let Some((character, length)) = glyph::character(rest) else { return 1 };
    // `a=12` is far more often a value than quoted-printable.
    if length == 3 && character.is_ascii() && rest.first() == Some(&b'=') {
        out.push('=');
        return 1;
    }
    match character {
        '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => push_blank('\n', out),
        '\t' => push_blank('\t', out),
        '\r'
        | '\u{AD}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}' => {}
        _ if character.is_whitespace() || character.is_control() => push_blank(' ', out),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
        '\u{201C}'..='\u{201F}' => out.push('"'),
        _ => out.push(character),
    }
    length
}

/// A row's edge is one line feed, whatever edges of cells it follows.
fn end_row(out: &mut String) {
    out.truncate(out.trim_end_matches([' ', '\t']).len());
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

/// Blanks are one, and the strongest of them stays; line feeds are all kept, since they count as distance.
fn push_blank(blank: char, out: &mut String) {
    match (out.chars().next_back(), blank) {
        (Some(' '), _) => {
            out.pop();
            push_blank(blank, out);
        }
        // In HTML, lines break between cells as they like.
        (Some('\n' | '\t'), ' ') | (Some('\t'), '\t' | '\n') => {}
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
