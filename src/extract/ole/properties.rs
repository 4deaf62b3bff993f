//! Property sets (MS-OLEPS): title, author, keywords and what the user added, in streams whose names begin with \x05.

use crate::extract::bytes::{f64_at, in_line, part, size_at, u16_at, u32_at, wide};
use crate::extract::codepage;
use crate::extract::content::{Page, Spot};
use encoding_rs::{Encoding, WINDOWS_1252};
use std::collections::HashMap;

/// Tells the texts and numbers of a property set, one a line, those that have names of their own with them.
pub(super) fn read(stream: &[u8], page: &mut Page<'_>) {
    page.spot(Spot::Named("properties"));
    let sets = u32_at(stream, 24).unwrap_or_default().min(8);
    let mut at = 28;
    for _ in 0..sets {
        let Some(offset) = size_at(stream, at + 16) else { return };
        at += 20;
        if let Some(set) = stream.get(offset..) {
            tell(set, page);
        }
    }
}

fn tell(set: &[u8], page: &mut Page<'_>) {
    let count = size_at(set, 4).unwrap_or_default().min(set.len() / 8);
    let entries: Vec<(u32, usize)> =
        (0..count).filter_map(|nr| Some((u32_at(set, 8 + nr * 8)?, size_at(set, 12 + nr * 8)?))).collect();
    let at = |wanted| entries.iter().find(|(id, _)| *id == wanted).map(|(_, at)| *at);
    let charset = at(1).and_then(|at| u16_at(set, at + 4));
    let charset = charset.map_or(WINDOWS_1252, |number| codepage::of_number(number.into()));
    let names = at(0).map(|at| dictionary(set, at, charset)).unwrap_or_default();
    for (id, at) in entries.into_iter().filter(|(id, _)| *id > 1) {
        if page.is_full() {
            return;
        }
        let mut texts = Vec::new();
        value(set, at, charset, &mut texts);
        for text in texts.iter().map(|text| in_line(text)).filter(|text| !text.is_empty()) {
            if let Some(name) = names.get(&id) {
                page.text(&format!("{}: ", in_line(name)));
            }
            page.text(&text);
            page.text("\n");
        }
    }
}

/// The names of what the user added (§2.17).
fn dictionary(set: &[u8], at: usize, charset: &'static Encoding) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    let count = size_at(set, at).unwrap_or_default().min(set.len() / 8);
    let mut at = at.saturating_add(4);
    for _ in 0..count {
        let (Some(id), Some(length)) = (u32_at(set, at), size_at(set, at + 4)) else { break };
        let is_wide = charset == encoding_rs::UTF_16LE;
        let length = if is_wide { length.saturating_mul(2).next_multiple_of(4) } else { length };
        let Some(name) = set.get(at + 8..(at + 8).saturating_add(length)) else { break };
        names.insert(id, if is_wide { wide(name) } else { codepage::decode(charset, name) });
        at = at + 8 + length;
    }
    names
}

/// A value with its type before it; where it ends, when that is known (§2.15).
fn value(set: &[u8], at: usize, charset: &'static Encoding, texts: &mut Vec<String>) -> Option<usize> {
    const VECTOR: u16 = 0x1000;
    let kind = u16_at(set, at)?;
    let at = at.checked_add(4)?;
    if kind & VECTOR == 0 {
        return plain(kind, set, at, charset, texts);
    }
    let count = size_at(set, at)?;
    let mut at = at.checked_add(4)?;
    for _ in 0..count.min(set.len()) {
        at = match kind & !VECTOR {
            12 => {
                let kind = u16_at(set, at)?;
                plain(kind, set, at.checked_add(4)?, charset, texts)?
            }
            kind => plain(kind, set, at, charset, texts)?,
        };
    }
    Some(at)
}

fn plain(
    kind: u16,
    set: &[u8],
    at: usize,
    charset: &'static Encoding,
    texts: &mut Vec<String>,
) -> Option<usize> {
    match kind {
        2 | 11 | 18 => Some(at.checked_add(4)?).filter(|end| *end <= set.len()),
        3 | 19 | 22 | 23 => {
            texts.push(u32_at(set, at)?.to_string());
            at.checked_add(4)
        }
        5 => {
            texts.push(f64_at(set, at)?.to_string());
            at.checked_add(8)
        }
        20 | 21 => {
            texts.push(crate::extract::bytes::u64_at(set, at)?.to_string());
            at.checked_add(8)
        }
        // Texts with their length in bytes, and in letters of two.
        8 | 30 => {
            let length = size_at(set, at)?;
            let bytes = part(set, at.checked_add(4)?, length);
            let is_wide = charset == encoding_rs::UTF_16LE;
            texts.push(if is_wide { wide(bytes) } else { codepage::decode(charset, bytes) });
            Some(at.checked_add(4)?.checked_add(length)?.next_multiple_of(4)).filter(|end| *end <= set.len())
        }
        31 => {
            let length = size_at(set, at)?.checked_mul(2)?;
            texts.push(wide(part(set, at.checked_add(4)?, length)));
            Some(at.checked_add(4)?.checked_add(length)?.next_multiple_of(4)).filter(|end| *end <= set.len())
        }
        _ => None,
    }
}
