//! Quoted-printable (RFC 2045 §6.7) as encoders write it: text, escapes, soft breaks, lines without blanks at their end.
//!
//! *What it is*: [`decode`], the scalar form, which is the meaning: eight bytes at a time while none of them is special,
//! then one thing at a time. *What it never does*: decide about what is not written as it should be, or may go on beyond
//! the bytes given. It stops before that, and the careful reader in `mime::transfer` goes on. The wide forms
//! ([`avx512`], [`avx2`], [`sse2`]) judge a block at once by bits, the same for all ([`block`]). Tests: `kernel::tests`.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
#[cfg(target_arch = "x86_64")]
mod block;
#[cfg(target_arch = "x86_64")]
pub(super) mod sse2;

/// The value of a hex digit of either case.
pub const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Decodes text, whole escapes and soft breaks while there is room. Stops before an `=` that is neither, and before
/// blanks that end a line, or may: those at the end, with a return after them or not. Gives the bytes used and the bytes
/// made. Beyond those made the room may have been written to.
pub(super) fn decode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    decode_from(bytes, room, Place::default())
}

/// How far a form has come.
#[derive(Clone, Copy, Default)]
struct Place {
    at: usize,
    made: usize,
}

/// Goes on to the end where a wide form has too few bytes or too little room left.
fn decode_from(bytes: &[u8], room: &mut [u8], mut place: Place) -> (usize, usize) {
    loop {
        let from = bytes.get(place.at..).unwrap_or_default();
        let to = room.get_mut(place.made..).unwrap_or_default();
        if let (Some(eight), Some(slot)) = (from.first_chunk::<8>(), to.first_chunk_mut::<8>()) {
            *slot = *eight;
            let text = before_special(*eight);
            place.at += text;
            place.made += text;
            if text == eight.len() {
                continue;
            }
        }
        if !step(bytes, room, &mut place) {
            return before_blanks(bytes, place);
        }
    }
}

/// Reads one byte of text, one escape or one soft break; false where none of them stands.
#[inline]
fn step(bytes: &[u8], room: &mut [u8], place: &mut Place) -> bool {
    let (byte, used) = match bytes.get(place.at..).unwrap_or_default() {
        [b'=', b'\r', b'\n', ..] => {
            place.at += 3;
            return true;
        }
        [b'=', b'\n', ..] => {
            place.at += 2;
            return true;
        }
        [b'=', high, low, ..] => match (hex(*high), hex(*low)) {
            (Some(high), Some(low)) => (high << 4 | low, 3),
            _ => return false,
        },
        [b'=', ..] | [] => return false,
        [b'\n', ..] if after_blank(bytes.get(..place.at).unwrap_or_default()) => return false,
        [text, ..] => (*text, 1),
    };
    let Some(slot) = room.get_mut(place.made) else { return false };
    *slot = byte;
    place.at += used;
    place.made += 1;
    true
}

/// Whether a line feed here would end a line with blanks.
fn after_blank(line: &[u8]) -> bool {
    matches!(line, [.., b' ' | b'\t'] | [.., b' ' | b'\t', b'\r'])
}

/// Back to where blanks begin that stand before this place: they were copied as they are.
fn before_blanks(bytes: &[u8], place: Place) -> (usize, usize) {
    let before = bytes.get(..place.at).unwrap_or_default();
    let line = before.strip_suffix(b"\r").unwrap_or(before);
    let blanks = line.iter().rev().take_while(|byte| is_blank(**byte)).count();
    let back = if blanks == 0 { 0 } else { before.len() - line.len() + blanks };
    (place.at - back, place.made - back)
}

/// How many bytes stand before the first `=` or line feed. A byte minus one borrows from its top bit only when it is
/// nothing, or when one below it did: so the lowest mark is right, and it is the one asked for.
fn before_special(eight: [u8; 8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(eight);
    let nothing = |word: u64| word.wrapping_sub(EACH) & !word & (EACH << 7);
    let marks = nothing(word ^ (EACH * 0x3d)) | nothing(word ^ (EACH * 0x0a));
    (marks.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::before_special;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_special_byte_is_found(eight in prop::collection::vec(
            prop::sample::select(b"=\n<>\x0b\x09\x8a\xbd\x00\x01x".to_vec()), 8..9)) {
            let expect = eight.iter().position(|byte| b"=\n".contains(byte)).unwrap_or(8);
            prop_assert_eq!(before_special(eight.try_into().unwrap()), expect);
        }
    }
}
