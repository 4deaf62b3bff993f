//! UTF-16 and UTF-32 to UTF-8, streaming, in either order of bytes; and how their look tells them from other text.
//!
//! Lone halves of pairs and numbers that are no characters become U+FFFD. Start at [`Wide::feed`] and [`look`].

use super::super::transfer::Sheet;

/// Which end of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

/// How many bytes a unit has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Two,
    Four,
}

/// A stream of units between two slices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide {
    width: Width,
    order: Order,
    /// The bytes of an unfinished unit.
    part: [u8; 4],
    filled: usize,
    /// The first half of a pair.
    high: Option<u16>,
    /// Whether a byte order mark may still come.
    first: bool,
}

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

impl Wide {
    pub(super) fn new(width: Width, order: Order) -> Self {
        Self { width, order, part: [0; 4], filled: 0, high: None, first: true }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        let mut buffer = [0; 2048];
        let mut sheet = Sheet::new(&mut buffer, out);
        let mut rest = bytes;
        // Units that lie whole in the slice, in UTF-16 by far the most; a first one may be a mark.
        while self.filled > 0 || self.first {
            let Some((byte, after)) = rest.split_first() else { break };
            rest = after;
            self.byte(*byte, &mut sheet);
        }
        if self.width == Width::Two {
            let (pairs, odd) = rest.as_chunks::<2>();
            for pair in pairs {
                let unit = match self.order {
                    Order::Big => u16::from_be_bytes(*pair),
                    Order::Little => u16::from_le_bytes(*pair),
                };
                // Nearly all of Danish text.
                if let (None, Ok(letter @ 0..=0x7f)) = (self.high, u8::try_from(unit)) {
                    sheet.push(letter);
                    continue;
                }
                unit_of_two(unit, &mut self.high, &mut sheet);
            }
            rest = odd;
        }
        for byte in rest {
            self.byte(*byte, &mut sheet);
        }
        sheet.flush();
    }

    fn byte(&mut self, byte: u8, sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
        if let Some(slot) = self.part.get_mut(self.filled) {
            *slot = byte;
            self.filled += 1;
        }
        let [a, b, ..] = self.part;
        let code = match (self.width, self.order) {
            (Width::Two, _) if self.filled < 2 => return,
            (Width::Four, _) if self.filled < 4 => return,
            (Width::Two, Order::Big) => u32::from(u16::from_be_bytes([a, b])),
            (Width::Two, Order::Little) => u32::from(u16::from_le_bytes([a, b])),
            (Width::Four, Order::Big) => u32::from_be_bytes(self.part),
            (Width::Four, Order::Little) => u32::from_le_bytes(self.part),
        };
        self.filled = 0;
        if std::mem::take(&mut self.first) && code == 0xfeff {
            return;
        }
        match self.width {
            Width::Two => unit_of_two(u16::try_from(code).unwrap_or_default(), &mut self.high, sheet),
            Width::Four => put(code, sheet),
        }
    }

    pub(super) fn finish(&mut self, out: &mut impl FnMut(&[u8])) {
        if self.filled > 0 || self.high.is_some() {
            out(REPLACEMENT);
        }
    }
}

fn put(code: u32, sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
    let mut four = [0; 4];
    let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    sheet.write(letter.encode_utf8(&mut four).as_bytes());
}

/// One unit of UTF-16; `high` is the half of a pair before it.
pub(super) fn unit_of_two(unit: u16, high: &mut Option<u16>, sheet: &mut Sheet<'_, impl FnMut(&[u8])>) {
    match (high.take(), unit) {
        (Some(first), 0xdc00..=0xdfff) => {
            put(0x1_0000 + ((u32::from(first) & 0x3ff) << 10) + (u32::from(unit) & 0x3ff), sheet);
            return;
        }
        // A high half alone is no character; `put` shows it as U+FFFD.
        (Some(first), _) => put(u32::from(first), sheet),
        (None, _) => {}
    }
    if (0xd800..0xdc00).contains(&unit) {
        *high = Some(unit);
    } else {
        put(u32::from(unit), sheet);
    }
}

/// Tells wide text by its first bytes: a byte order mark, or the noughts that Latin letters and digits have in one half
/// of their units and not in the other.
pub(super) fn look(head: &[u8]) -> Option<(Width, Order)> {
    let fours = |order: Order| {
        let (groups, _) = head.as_chunks::<4>();
        let code = |group: &[u8; 4]| match order {
            Order::Big => u32::from_be_bytes(*group),
            Order::Little => u32::from_le_bytes(*group),
        };
        // Numbers of four bytes may be characters too, but hardly those of alphabets.
        let letters = groups.iter().filter(|group| code(group) < 0x3000).count();
        letters > 0
            && letters * 2 >= groups.len()
            && groups.iter().all(|group| (1..=0x10_ffff).contains(&code(group)))
    };
    for (mark, order) in [(&[0xff, 0xfe, 0, 0], Order::Little), (&[0, 0, 0xfe, 0xff], Order::Big)] {
        if head.starts_with(mark) && fours(order) {
            return Some((Width::Four, order));
        }
    }
    match head {
        [0xff, 0xfe, ..] => return Some((Width::Two, Order::Little)),
        [0xfe, 0xff, ..] => return Some((Width::Two, Order::Big)),
        _ => {}
    }
    memchr::memchr(0, head)?;
    let (pairs, _) = head.as_chunks::<2>();
    let (mut first, mut second) = (0, 0);
    for [one, other] in pairs {
        first += usize::from(*one == 0);
        second += usize::from(*other == 0);
    }
    for order in [Order::Little, Order::Big] {
        // Two noughts in a row would be a character that no text has.
        if fours(order) && head.len() >= 4 {
            return Some((Width::Four, order));
        }
    }
    let enough = |here: usize, there: usize| here * 4 >= pairs.len() && there * 8 <= here;
    if enough(second, first) {
        Some((Width::Two, Order::Little))
    } else if enough(first, second) {
        Some((Width::Two, Order::Big))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        let two = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect()
        };
        let four = |text: &str, big: bool| -> Vec<u8> {
            let bytes = |code: u32| if big { code.to_be_bytes() } else { code.to_le_bytes() };
            text.chars().flat_map(|letter| bytes(u32::from(letter))).collect()
        };
        for text in ["1", "CPR-nr.", "\u{201c}K\u{e6}re Bo", "\u{feff}hej", "\u{1f426} ja tak"] {
            for (big, order) in [(true, Order::Big), (false, Order::Little)] {
                assert_eq!(look(&two(text, big)), Some((Width::Two, order)), "{text}");
                assert_eq!(look(&four(text, big)), Some((Width::Four, order)), "{text}");
            }
        }
        for bytes in [b"hej".as_slice(), b"", b"1", b"Hej\0 CPR-nr. 150379", b"\0\0\0\0\0\0", b"\xe6\xf8"] {
            assert_eq!(look(bytes), None, "{bytes:?}");
        }
    }
}
