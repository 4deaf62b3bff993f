//! PowerPoint 97 to 2003 (MS-PPT): a tree of records, in which three kinds of atoms hold text.
//!
//! All of the stream is read, not only what its last edit shows: slides that were taken out are still in the file. Notes,
//! masters, headers, comments and addresses of links are texts of the same kinds. Start reading at [`read`].

use super::compound::{Compound, ROOT};
use super::embedded;
use crate::extract::bytes::{part, size_at, u16_at, u32_at, wide};
use crate::extract::content::{Page, Spot, Unread};
use crate::extract::raw;
use flate2::read::ZlibDecoder;
use std::collections::HashMap;
use std::io::Read;

/// What a document that asks for a password says of its user (§2.3.2).
const LOCKED: u32 = 0xF3D1_C4DF;
const DOCUMENT: u16 = 0x03E8;
const SLIDE: u16 = 0x03EE;
const TEXTS: u16 = 0x0FF0;

/// Tells a presentation.
pub(super) fn read(compound: &Compound<'_>, storage: usize, stream: &[u8], page: &mut Page<'_>) {
    let user =
        compound.stream_in(storage, "Current User").or_else(|| compound.stream_in(ROOT, "Current User"));
    let has_key = Records::new(stream).any(|record| record.kind == 0x2F14);
    if has_key || user.and_then(|user| u32_at(&user, 12)) == Some(LOCKED) {
        return page.unread(Unread::Password);
    }
    let numbers = numbers(stream);
    let mut slide = 0;
    let mut is_any = false;
    let mut end_of_slides = 0;
    for record in Records::new(stream) {
        if page.is_full() {
            return;
        }
        match record.kind {
            DOCUMENT | SLIDE | 0x03F0 | 0x03F8 => {
                is_any = true;
                match numbers.get(&record.at) {
                    Some(nr) => page.spot(Spot::Slide(*nr)),
                    None if record.kind == 0x03F0 => page.spot(Spot::Named("notes")),
                    None => page.spot(Spot::Named("slides")),
                }
            }
            // The outline of the slides; those of masters and notes are of the same kind.
            TEXTS => end_of_slides = if record.instance == 0 { record.end } else { 0 },
            // A slide's texts begin.
            0x03F3 if record.at < end_of_slides => {
                slide += 1;
                page.spot(Spot::Slide(slide));
            }
            0x0FA0 | 0x0FBA => tell(&wide(record.data), page),
            0x0FA8 => tell(&record.data.iter().map(|byte| char::from(*byte)).collect::<String>(), page),
            0x1011 => object(&record, page),
            _ => {}
        }
    }
    if !is_any {
        page.unread(Unread::Damaged);
        raw::sweep(stream, page);
    }
}

fn tell(text: &str, page: &mut Page<'_>) {
    let lines = text.chars().map(|letter| match letter {
        '\r' | '\u{B}' | '\n' => '\n',
        '\t' => '\t',
        letter if letter.is_control() => ' ',
        letter => letter,
    });
    let mut lines: String = lines.collect();
    lines.push('\n');
    page.text(&lines);
}

/// An embedded object: a compound file, packed as a rule.
fn object(record: &Record<'_>, page: &mut Page<'_>) {
    if record.instance == 0 {
        return embedded::tell("object", record.data, page);
    }
    let mut file = Vec::new();
    let packed = ZlibDecoder::new(record.data.get(4..).unwrap_or_default());
    // What is cut off is told as far as it goes; whoever reads it says that it is damaged.
    if packed.take(page.left()).read_to_end(&mut file).is_err() {
        page.unread(Unread::Damaged);
    }
    embedded::tell("object", &file, page);
}

/// Of slides, by where they lie in the stream, the numbers that people give them: the list of slides names them by marks,
/// and a directory says where each lies (§2.3.4).
fn numbers(stream: &[u8]) -> HashMap<usize, u32> {
    let mut places = HashMap::new();
    let (mut marks, mut end) = (Vec::new(), 0);
    for record in Records::new(stream) {
        match record.kind {
            TEXTS => end = if record.instance == 0 { record.end } else { 0 },
            0x03F3 if record.at < end => marks.extend(u32_at(record.data, 0)),
            0x1772 => {
                let mut at = 0;
                while let Some(head) = u32_at(record.data, at) {
                    at += 4;
                    for mark in (head & 0xF_FFFF..).take((head >> 20) as usize) {
                        let Some(place) = size_at(record.data, at) else { break };
                        places.insert(mark, place);
                        at += 4;
                    }
                }
            }
            _ => {}
        }
    }
    marks.iter().zip(1..).filter_map(|(mark, nr)| Some((*places.get(mark)?, nr))).collect()
}

struct Record<'a> {
    at: usize,
    end: usize,
    kind: u16,
    instance: u16,
    data: &'a [u8],
}

/// The records of a stream, each before those in it.
struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    fn new(stream: &'a [u8]) -> Self {
        Self { stream, at: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let at = self.at;
        let head = u16_at(self.stream, at)?;
        let kind = u16_at(self.stream, at + 2)?;
        let size = size_at(self.stream, at + 4)?;
        let is_container = head & 0xF == 0xF;
        let end = (at + 8).saturating_add(size);
        self.at = if is_container { at + 8 } else { end };
        let data = if is_container { &[] } else { part(self.stream, at + 8, size) };
        Some(Record { at, end, kind, instance: head >> 4, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::made::slides::presentation;
    use crate::extract::ole::tests::{compound, told, torment};

    #[test]
    fn texts_of_slides_notes_and_objects_are_told() {
        let file = compound(&[("PowerPoint Document", &presentation())]);
        let (text, unread) = told(&file, crate::extract::ole::read);
        assert_eq!(text, "CPR-nr.\n150379-1028\n<object>an objectløn\n010190-1234\nnoter\n");
        assert_eq!(unread, []);
        torment(&file, crate::extract::ole::read);
    }

    #[test]
    fn a_presentation_with_a_password_is_said_to_have_one() {
        let user = [&[0; 12][..], &LOCKED.to_le_bytes()].concat();
        let file = compound(&[("PowerPoint Document", &presentation()), ("Current User", &user)]);
        assert_eq!(told(&file, crate::extract::ole::read).1, [Unread::Password]);
    }
}
