//! Base64 (RFC 2045 §6.8) as encoders write it: whole groups of four letters, with line ends between them.
//!
//! *What it is*: [`decode`], the scalar form, which is the meaning. A table for each place in a group has a letter's six
//! bits where they belong in the three bytes; what is no letter has a bit of its own there, so that one test asks for
//! all four. *What it never does*: padding, blanks, junk, a group that a line end cuts in two. It stops before them, and
//! the careful reader in `mime::transfer` goes on. Wide forms: [`avx512`] and
//! [`avx2`], by one loop ([`lines`]). SSE2 has none of its own: without a shuffle 16
//! letters took only a seventh less time than by the tables. Tests: `kernel::tests`.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
#[cfg(target_arch = "x86_64")]
mod lines;

/// The six bits of a letter; nothing for any other byte.
const fn six(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// For each place in a group and each byte its six bits, shifted to where they stand in the three bytes read as a
/// little-endian number; what is no letter has [`ODD`] set.
static PLACES: [[u32; 256]; 4] = [places(0), places(1), places(2), places(3)];
const ODD: u32 = 1 << 31;

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler; the index stays below 256"
)]
const fn places(place: u32) -> [u32; 256] {
    let mut table = [ODD; 256];
    let mut byte = 0;
    while byte < 256 {
        if let Some(six) = six(byte as u8) {
            table[byte] = ((six as u32) << (26 - 6 * place)).swap_bytes();
        }
        byte += 1;
    }
    table
}

/// Decodes groups and skips returns and line feeds between them, while there is room. Gives the bytes used and the
/// bytes made. Beyond those made the room may have been written to.
pub(super) fn decode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    let (mut at, mut made) = (0, 0);
    loop {
        at += line_ends(bytes.get(at..).unwrap_or_default());
        let done = groups(bytes.get(at..).unwrap_or_default(), room.get_mut(made..).unwrap_or_default());
        if done == 0 {
            return (at, made);
        }
        at += done * 4;
        made += done * 3;
    }
}

/// Decodes groups of four letters while all are in the alphabet and there is room; tells how many.
fn groups(bytes: &[u8], room: &mut [u8]) -> usize {
    let [first, second, third, fourth] = &PLACES;
    let at = |place: &[u32; 256], letter: u8| place.get(usize::from(letter)).copied().unwrap_or(ODD);
    let mut done = 0;
    for ([a, b, c, d], slot) in bytes.as_chunks::<4>().0.iter().zip(room.as_chunks_mut::<3>().0) {
        let bits = at(first, *a) | at(second, *b) | at(third, *c) | at(fourth, *d);
        if bits & ODD != 0 {
            break;
        }
        let [made @ .., _] = bits.to_le_bytes();
        *slot = made;
        done += 1;
    }
    done
}

/// How many returns and line feeds stand at the start.
#[inline]
fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len())
}
