//! Word 97 to 2003 (MS-DOC): the text of all pieces, in the order of the piece table.
//!
//! The stream `WordDocument` begins with a directory, the FIB; the table stream has the piece table, which says where
//! each run of letters lies and whether a letter is one byte or two. Behind the main text stand footnotes, headers,
//! comments, endnotes and text boxes in the same count of letters, so all of them are read by reading on. What a field does (`HYPERLINK "…"`) is told behind the paragraph that it stands in, for
//! between its result and the text round it there may be half a number. Which marks end a row of a table is known to the
//! paragraphs' properties only (§2.8.25), and what does not show to the letters', so these are read as well
//! (`word/looks.rs`). Start reading at [`read`].

mod looks;

use super::compound::Compound;
use super::{embedded, scraps};
use crate::extract::bytes::{part, size_at, u16_at, u32_at};
use crate::extract::codepage;
use crate::extract::content::{Page, Spot, Unread};
use crate::extract::raw;
use crate::extract::shown::Shown;
use encoding_rs::WINDOWS_1252;
use looks::{Letters, Paragraphs, Place, Sight};

/// Tells a text document.
pub(super) fn read(compound: &Compound<'_>, storage: usize, stream: &[u8], page: &mut Page<'_>) {
    let flags = u16_at(stream, 0x0A).unwrap_or_default();
    if u16_at(stream, 0) == Some(0xA5DC) || u16_at(stream, 2).is_none_or(|version| version < 0xC1) {
        // Word 6 and 95 have another FIB; their text lies in one piece as a rule, letters of one byte.
        page.unread(Unread::UnknownForm);
        return raw::sweep(stream, page);
    }
    let name = if flags & 0x0200 == 0 { "0Table" } else { "1Table" };
    let table = compound.stream_in(storage, name).unwrap_or_default();
    if flags & 0x0100 != 0 {
        return page.unread(Unread::Password);
    }
    tell(stream, &table, page);
}

/// Tells the text that is in the two streams.
fn tell(stream: &[u8], table: &[u8], page: &mut Page<'_>) {
    let Some(pieces) = pieces(stream, table) else {
        page.unread(Unread::Damaged);
        raw::sweep(stream, page);
        return raw::sweep(table, page);
    };
    let (paragraphs, letters) = (Paragraphs::read(stream, table), Letters::read(stream, table));
    let mut text = Text { paragraphs, letters, ..Text::default() };
    let mut counted = 0_u64;
    let parts = parts(stream);
    let mut next = parts.iter().peekable();
    for piece in pieces {
        let bytes = part(stream, piece.at, if piece.is_wide { piece.letters * 2 } else { piece.letters });
        // Decoded at once: a letter beyond the first plane is two of these. Which unit stands where is what paragraphs
        // and parts go by, so units are taken one by one.
        let width = if piece.is_wide { 2 } else { 1 };
        let mut high = None;
        for (nr, unit) in bytes.chunks(width).enumerate() {
            while let Some((_, name)) = next.next_if(|(from, _)| *from <= counted) {
                text.finish(page);
                page.spot(Spot::Named(name));
                text.is_beside = true;
            }
            counted += 1;
            let at = piece.at + nr * width;
            match *unit {
                [byte] if piece.is_wide => text.letter(char::from(byte), at, page),
                [byte @ 0x80..=0x9F] => {
                    codepage::decode(WINDOWS_1252, &[byte])
                        .chars()
                        .for_each(|one| text.letter(one, at, page));
                }
                [byte] => text.letter(char::from(byte), at, page),
                [low, top] => {
                    let unit = u16::from_le_bytes([low, top]);
                    let before = high.take();
                    if (0xD800..0xDC00).contains(&unit) {
                        high = Some(unit);
                        continue;
                    }
                    for letter in char::decode_utf16(before.into_iter().chain([unit])) {
                        text.letter(letter.unwrap_or(char::REPLACEMENT_CHARACTER), at, page);
                    }
                }
                _ => {}
            }
        }
        if page.is_full() {
            return;
        }
    }
    text.fields.clear();
    text.finish(page);
    // The names of authors, bookmarks, variables and what drawings say.
    page.spot(Spot::Named("properties"));
    scraps(table, page);
    embedded::pictures(table, page);
}

/// Where in the count of letters a part begins that is not the main text, and its name.
fn parts(stream: &[u8]) -> Vec<(u64, &'static str)> {
    let mut from = u64::from(u32_at(stream, 0x4C).unwrap_or_default());
    let names =
        ["footnotes", "headers and footers", "macro", "comments", "endnotes", "text boxes", "text boxes"];
    let mut parts = Vec::new();
    for (nr, name) in names.into_iter().enumerate() {
        let length = u64::from(u32_at(stream, 0x50 + nr * 4).unwrap_or_default());
        if length > 0 {
            parts.push((from, name));
        }
        from += length;
    }
    parts
}

/// A run of letters.
struct Piece {
    /// Where it begins in the stream.
    at: usize,
    letters: usize,
    /// Letters of two bytes.
    is_wide: bool,
}

/// The piece table (§2.8.35), in a structure with others before it (§2.9.38).
fn pieces(stream: &[u8], table: &[u8]) -> Option<Vec<Piece>> {
    let mut clx = table.get(size_at(stream, 0x1A2)?..)?;
    while clx.first() == Some(&1) {
        clx = clx.get(3 + usize::from(u16_at(clx, 1)?)..)?;
    }
    let size = size_at(clx, 1).filter(|_| clx.first() == Some(&2))?;
    let plc = part(clx, 5, size);
    let count = plc.len().checked_sub(4)? / 12;
    let mut left = stream.len();
    let mut pieces = Vec::new();
    for nr in 0..count {
        let (from, to) = (size_at(plc, nr * 4)?, size_at(plc, nr * 4 + 4)?);
        let place = u32_at(plc, (count + 1) * 4 + nr * 8 + 2)?;
        let is_wide = place & 0x4000_0000 == 0;
        let at = usize::try_from(place & 0x3FFF_FFFF).ok()?;
        let at = if is_wide { at } else { at / 2 };
        // Pieces that lie on one another would be a bomb: all together are as long as the stream. A text that is saved
        // again and again has many pieces, and none twice.
        let letters = to.checked_sub(from)?.min(left);
        left -= letters;
        pieces.push(Piece { at, letters, is_wide });
    }
    Some(pieces).filter(|pieces| !pieces.is_empty())
}

/// The text as it is told.
#[derive(Default)]
struct Text {
    paragraphs: Paragraphs,
    letters: Letters,
    /// Whether the letter shows.
    sight: Sight,
    line: Shown,
    /// What fields do, told behind the line.
    aside: String,
    /// Open fields: whether the result is being read.
    fields: Vec<bool>,
    /// Fields that are open beyond those.
    beyond: usize,
    paragraph: u32,
    /// Behind the main text, where paragraphs are counted by nobody.
    is_beside: bool,
}

impl Text {
    /// A letter of the text, and where in the stream it lies (§2.4.1: what the low ones mean).
    fn letter(&mut self, letter: char, at: usize, page: &mut Page<'_>) {
        const DEEPEST: usize = 64;
        self.sight = self.letters.at(at);
        match letter {
            '\u{13}' => {
                if self.fields.len() < DEEPEST {
                    self.fields.push(false);
                } else {
                    self.beyond += 1;
                }
            }
            '\u{14}' => {
                if let Some(result) = self.fields.last_mut() {
                    *result = true;
                }
            }
            '\u{15}' => {
                if self.beyond > 0 {
                    self.beyond -= 1;
                } else if self.fields.pop() == Some(false) || !self.aside.is_empty() {
                    self.aside.push('\n');
                }
            }
            '\r' | '\u{7}' | '\u{B}' | '\u{C}' | '\u{E}' => self.end(letter, at, page),
            '\u{1E}' => self.push('-'),
            // A hyphen that is seen at a line's end only; the places of notes, comments and numbers of pages.
            '\u{1F}' | '\u{2}' | '\u{5}' | '\0' => {}
            '\t' => self.push('\t'),
            letter if letter.is_control() => self.push(' '),
            letter => self.push(letter),
        }
    }

    fn push(&mut self, letter: char) {
        if self.fields.last() == Some(&false) {
            self.aside.push(letter);
        } else {
            let Sight { shows, was } = self.sight;
            self.line.push(letter.encode_utf8(&mut [0; 4]), shows, was);
        }
    }

    /// A paragraph, a line, a cell or a row ends.
    fn end(&mut self, letter: char, at: usize, page: &mut Page<'_>) {
        match (letter, self.paragraphs.at(at)) {
            ('\u{7}' | '\r' | '\u{C}', Some(Place::RowEnd)) => self.end_paragraph(page),
            ('\u{7}', _) => self.push('\t'),
            // A paragraph in a cell ends no row.
            ('\r' | '\u{B}', Some(Place::Cell)) => self.push(' '),
            // An end that does not show joins what stands round it.
            ('\r' | '\u{B}', None) if !self.sight.shows && self.fields.last() != Some(&false) => {
                self.push('\n');
            }
            _ => self.end_paragraph(page),
        }
    }

    /// A part ends, most likely with a paragraph.
    fn finish(&mut self, page: &mut Page<'_>) {
        if !self.line.is_empty() || !self.aside.is_empty() {
            self.end_paragraph(page);
        }
    }

    fn end_paragraph(&mut self, page: &mut Page<'_>) {
        self.paragraph += 1;
        if !self.is_beside {
            page.spot(Spot::Paragraph(self.paragraph));
        }
        let (line, others) = self.line.take();
        page.text(&line);
        page.text("\n");
        for other in others {
            page.text(&other);
            page.text("\n");
        }
        // A field that goes on over the paragraph's end is told when it ends.
        if self.fields.is_empty() && !self.aside.is_empty() {
            self.aside.push('\n');
            page.text(&self.aside);
            self.aside.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::made::word::{document, with_looks};
    use crate::extract::ole::tests::{compound, told, torment};

    #[test]
    fn all_pieces_and_parts_are_told_with_rows_of_tables_and_fields_behind() {
        let file = document(0);
        let (text, unread) = told(&file, crate::extract::ole::read);
        assert_eq!(
            text,
            "Navn\tCPR-nr.\t\n\tAnna Berg\t\nløn 150379-1028.\n150379-1029\n HYPERLINK \"x?010190-1234\" \n\nskjult\n\
             note 150379-1030\n"
        );
        assert_eq!(unread, []);
        torment(&file, crate::extract::ole::read);
    }

    #[test]
    fn what_does_not_show_is_told_besides_what_does() {
        const HIDDEN: &[u8] = b"\x35\x08\x01\x3C\x08\x01";
        const DELETED: &[u8] = b"\x00\x08\x01";
        const INSERTED: &[u8] = b"\x01\x08\x01";
        for (text, looks, expected) in [
            ("15039979-1028\r", &[(4, 6, HIDDEN)][..], "150379-1028\n15039979-1028\n"),
            ("150379-99991028\r", &[(7, 11, DELETED), (11, 15, INSERTED)], "150379-1028\n150379-9999\n"),
            (
                "1503010190-123479-1028\r",
                &[(4, 15, HIDDEN)],
                "150379-1028\n1503010190-123479-1028\n010190-1234\n",
            ),
            ("150379\r-1028\r", &[(6, 7, DELETED)], "150379-1028\n150379\n-1028\n"),
            ("150379-1028\r", &[(0, 12, b"\x3C\x08\0")], "150379-1028\n"),
        ] {
            let file = with_looks(text.as_bytes(), looks);
            let (told, unread) = told(&file, crate::extract::ole::read);
            assert_eq!((told.as_str(), unread.as_slice()), (expected, &[][..]), "{text}");
            torment(&file, crate::extract::ole::read);
        }
    }

    #[test]
    fn a_document_with_a_password_is_said_to_have_one() {
        let (text, unread) = told(&document(0x0100), crate::extract::ole::read);
        assert!(!text.contains("CPR"));
        assert_eq!(unread, [Unread::Password]);
    }

    #[test]
    fn word_6_is_swept_and_said() {
        let stream = [&0xA5DC_u16.to_le_bytes()[..], &[0x65, 0, 0, 0], b"CPR-nr. 150379-1028"].concat();
        let (text, unread) = told(&compound(&[("WordDocument", &stream)]), crate::extract::ole::read);
        assert_eq!((text.as_str(), unread), ("CPR-nr. 150379-1028\n", vec![Unread::UnknownForm]));
    }
}
