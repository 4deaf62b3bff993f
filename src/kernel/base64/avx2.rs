//! Base64 by 32 letters at a time, lines by a guess of their length.
//!
//! *A block* of 32 letters becomes 24 bytes ([`block`]). A byte is a letter when a table by its upper four bits and one
//! by its lower four have a bit in common ([`UPPER`], [`LOWER`]: a bit for each set of lower halves that an upper half
//! goes with). The six bits are the byte plus a number that depends on its upper half, `/` apart ([`SHIFT`]). Two
//! multiplications with sums join four sixes to 24 bits, one shuffle puts the three bytes of each in order.
//!
//! *A line* is guessed to be as long as the one before, at first 76 letters and CRLF, as nearly all are. It is decoded
//! by blocks from its start and one that ends where it ends ([`lines`]); the two overlap, which costs less than a
//! narrower block. Only then one test tells whether all were letters. A guess that fails costs one line; block after
//! block finds where it ends ([`decode`]), and that is the next guess.
//!
//! Bounds: loads and stores go by way of references to arrays of 32 bytes, cut from the slices with a check.

#![expect(unsafe_code, reason = "wide loads and stores, and the call of what needs AVX2")]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_permutevar8x32_epi32,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_si256,
};

use super::{groups, line_ends, six};

/// The letters of a block.
const BLOCK: usize = 32;
/// The bytes that a block makes; its store writes [`BLOCK`].
const MADE: usize = BLOCK / 4 * 3;

/// For each lower half of a byte the upper halves it goes with, a bit for each kind in [`UPPER`].
static LOWER: [u8; BLOCK] = twice(lower());
/// For each upper half its kind: halves that go with the same lower ones are of one kind.
static UPPER: [u8; BLOCK] = twice([0, 0, 1, 2, 4, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
/// For each upper half what is added to a letter to get its six bits; the place of 1, which no letter has, is for `/`.
static SHIFT: [u8; BLOCK] = twice([
    0,
    63_u8.wrapping_sub(b'/'),
    62_u8.wrapping_sub(b'+'),
    52_u8.wrapping_sub(b'0'),
    0_u8.wrapping_sub(b'A'),
    0_u8.wrapping_sub(b'A'),
    26_u8.wrapping_sub(b'a'),
    26_u8.wrapping_sub(b'a'),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
]);
/// Takes the three bytes of four times 24 bits, the highest first.
static ORDER: [u8; BLOCK] = twice([2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 0x80, 0x80, 0x80, 0x80]);

/// A shuffle looks up in each half of a register by itself.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler; both indexes stay below their lengths"
)]
const fn twice(table: [u8; 16]) -> [u8; BLOCK] {
    let mut both = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        both[at] = table[at % 16];
        at += 1;
    }
    both
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler; the index stays below 16")]
const fn lower() -> [u8; 16] {
    let mut table = [0; 16];
    let mut byte = 0_u8;
    while byte < 0x80 {
        if six(byte).is_some() {
            table[(byte & 15) as usize] |= match byte >> 4 {
                2 => 1,
                3 => 2,
                4 | 6 => 4,
                _ => 8,
            };
        }
        byte += 1;
    }
    table
}

/// As [`super::decode`].
pub(in crate::kernel) fn decode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    // SAFETY: this function is reached only by way of the table `AVX2`, which is given out only where the processor
    // has said that it has AVX2.
    unsafe { wide(bytes, room) }
}

#[target_feature(enable = "avx2")]
fn wide(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    let (mut at, mut made) = (0, 0);
    let mut guess = Guess { letters: 76, feed_alone: false };
    // The bytes may begin within a line, which says nothing about the length of one.
    let mut whole = false;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let to = room.get_mut(made..).unwrap_or_default();
        let done = if guess.feed_alone {
            lines(rest, to, guess.letters, *b"\n")
        } else {
            lines(rest, to, guess.letters, *b"\r\n")
        };
        at += done * guess.length();
        made += done * guess.letters / 4 * 3;
        let start = at;
        at += blocks(bytes, at, room, made);
        made += (at - start) / 4 * 3;
        let ends = bytes.get(at..).unwrap_or_default();
        match line_ends(ends) {
            0 => return (at, made),
            skip => {
                if whole {
                    guess = Guess { letters: at - start, feed_alone: !ends.starts_with(b"\r") };
                }
                whole = true;
                at += skip;
            }
        }
    }
}

/// What a line is thought to be like.
struct Guess {
    letters: usize,
    /// Whether it ends with a line feed and no return before it.
    feed_alone: bool,
}

impl Guess {
    fn length(&self) -> usize {
        self.letters + if self.feed_alone { 1 } else { 2 }
    }
}

/// Decodes lines of so many letters, a multiple of four, and `end`; tells how many.
#[target_feature(enable = "avx2")]
#[inline]
fn lines<const END: usize>(bytes: &[u8], room: &mut [u8], letters: usize, end: [u8; END]) -> usize {
    if letters < BLOCK {
        return 0;
    }
    let (length, makes) = (letters + END, letters / 4 * 3);
    let (mut at, mut made, mut done) = (0, 0, 0);
    loop {
        let Some(line) = bytes.get(at..at + length) else { return done };
        let Some(slot) = room.get_mut(made..made + makes + BLOCK - MADE) else { return done };
        if line.last_chunk() != Some(&end) {
            return done;
        }
        let mut fine = _mm256_set1_epi8(-1);
        let mut from = 0;
        while from + BLOCK < letters {
            fine = _mm256_min_epu8(fine, block_at(line, from, slot, from / 4 * 3));
            from += BLOCK;
        }
        let last = letters - BLOCK;
        fine = _mm256_min_epu8(fine, block_at(line, last, slot, last / 4 * 3));
        if others(fine) != 0 {
            return done;
        }
        at += length;
        made += makes;
        done += 1;
    }
}

/// Decodes the groups from `start` on, up to what is none or the end of the room; tells how many letters.
#[target_feature(enable = "avx2")]
fn blocks(bytes: &[u8], start: usize, room: &mut [u8], made: usize) -> usize {
    let bytes = bytes.get(start..).unwrap_or_default();
    let room = room.get_mut(made..).unwrap_or_default();
    let (mut at, mut made) = (0, 0);
    while at + BLOCK <= bytes.len() && made + BLOCK <= room.len() {
        let others = others(block_at(bytes, at, room, made));
        if others != 0 {
            // The groups before the first byte that is no letter.
            return at + others.trailing_zeros() as usize / 4 * 4;
        }
        at += BLOCK;
        made += MADE;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + 4 * groups(rest, room.get_mut(made..).unwrap_or_default())
}

/// Decodes the block at `at` to `to`, where there is room for 32 bytes; nothing happens where either is too short.
/// Gives a byte for each letter, which is nothing where it is none.
#[target_feature(enable = "avx2")]
#[inline]
fn block_at(bytes: &[u8], at: usize, room: &mut [u8], to: usize) -> __m256i {
    let letters = bytes.get(at..).and_then(|from| from.first_chunk());
    let slot = room.get_mut(to..).and_then(|to| to.first_chunk_mut());
    match (letters, slot) {
        (Some(letters), Some(slot)) => block(letters, slot),
        _ => _mm256_setzero_si256(),
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn block(letters: &[u8; BLOCK], slot: &mut [u8; BLOCK]) -> __m256i {
    let letters = load(letters);
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(letters), _mm256_set1_epi8(15));
    // A byte beyond 127 finds nothing by its lower half: that is how a shuffle takes it.
    let fine = _mm256_and_si256(
        _mm256_shuffle_epi8(load(&LOWER), letters),
        _mm256_shuffle_epi8(load(&UPPER), upper),
    );
    // Minus one where it is a slash.
    let slash = _mm256_cmpeq_epi8(letters, _mm256_set1_epi8(b'/'.cast_signed()));
    let shift = _mm256_shuffle_epi8(load(&SHIFT), _mm256_add_epi8(upper, slash));
    let sixes = _mm256_add_epi8(letters, shift);
    let twelves = _mm256_maddubs_epi16(sixes, _mm256_set1_epi16(0x0140));
    let threes = _mm256_madd_epi16(twelves, _mm256_set1_epi32(0x0001_1000));
    let ordered = _mm256_shuffle_epi8(threes, load(&ORDER));
    store(slot, _mm256_permutevar8x32_epi32(ordered, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7)));
    fine
}

/// A bit for each byte that is nothing; the lowest for the first.
#[target_feature(enable = "avx2")]
#[inline]
fn others(fine: __m256i) -> u32 {
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(fine, _mm256_setzero_si256())).cast_unsigned()
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(bytes: &[u8; BLOCK]) -> __m256i {
    // SAFETY: the reference is to 32 bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(slot: &mut [u8; BLOCK], bytes: __m256i) {
    // SAFETY: the reference is to 32 bytes, and the store asks for no alignment.
    unsafe { _mm256_storeu_si256(slot.as_mut_ptr().cast(), bytes) }
}
