//! A list of MAPI properties within TNEF (MS-OXTNEF §2.1.3.4): count, and for each its type, number, name and values.

use crate::extract::bytes::{part, size_at, u16_at, u32_at, wide};

/// A property.
pub(super) struct Property<'a> {
    pub(super) number: u16,
    pub(super) kind: u16,
    /// What it is called, when it has no fixed number.
    pub(super) name: String,
    /// Its value, or one of them.
    pub(super) value: &'a [u8],
}

/// The properties of a list, as far as they can be followed; how many bytes they take.
pub(super) fn read<'a>(list: &'a [u8], tell: &mut impl FnMut(&Property<'a>)) -> usize {
    let mut at = 4;
    for _ in 0..u32_at(list, 0).unwrap_or_default() {
        match one(list, at, tell) {
            Some(end) => at = end,
            None => break,
        }
    }
    at
}

fn one<'a>(list: &'a [u8], at: usize, tell: &mut impl FnMut(&Property<'a>)) -> Option<usize> {
    const MANY: u16 = 0x1000;
    let (kind, number) = (u16_at(list, at)?, u16_at(list, at + 2)?);
    let mut at = at + 4;
    let mut name = String::new();
    if number >= 0x8000 {
        at += 20;
        if u32_at(list, at - 4)? == 0 {
            at += 4;
        } else {
            let size = size_at(list, at)?;
            name = wide(part(list, at + 4, size));
            at = at.checked_add(4)?.checked_add(padded(size)?)?;
        }
    }
    let plain = kind & !MANY;
    let fixed = match plain {
        2 | 3 | 4 | 0xA | 0xB => Some(4),
        5 | 6 | 7 | 0x14 | 0x40 => Some(8),
        0x48 => Some(16),
        0xD | 0x1E | 0x1F | 0x102 => None,
        _ => return None,
    };
    let mut count = 1;
    if kind & MANY != 0 || fixed.is_none() {
        count = u32_at(list, at)?;
        at += 4;
    }
    for _ in 0..count {
        let size = if let Some(size) = fixed {
            size
        } else {
            at += 4;
            size_at(list, at - 4)?
        };
        let value = list.get(at..).filter(|rest| !rest.is_empty())?;
        // What is cut off is told as far as it goes.
        tell(&Property {
            number,
            kind: plain,
            name: name.trim_end_matches('\0').to_owned(),
            value: part(value, 0, size),
        });
        at = at.checked_add(padded(size)?)?;
    }
    Some(at)
}

/// Values begin at multiples of four bytes.
fn padded(size: usize) -> Option<usize> {
    size.checked_next_multiple_of(4)
}
