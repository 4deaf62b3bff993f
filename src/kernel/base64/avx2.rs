//! Base64 by 32 letters at a time.
//!
//! A block of 32 letters becomes 24 bytes ([`block`]). A byte is a letter when a table by its upper four bits and one
//! by its lower four have a bit in common ([`UPPER`], [`LOWER`]: a bit for each set of lower halves that an upper half
//! goes with). The six bits are the byte plus a number that depends on its upper half, `/` apart ([`SHIFT`]). Two
//! multiplications with sums join four sixes to 24 bits, one shuffle puts the three bytes of each in order.
//!
//! Bounds: loads and stores go by way of references to arrays of 32 bytes, cut from the slices with a check.

#![expect(unsafe_code, reason = "wide loads and stores, and the call of what needs AVX2")]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_permutevar8x32_epi32,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_si256,
};

use super::lines::Form;
use super::six;

/// The letters of a block.
const BLOCK: usize = 32;

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
    let form = Form {
        fine: _mm256_set1_epi8(-1),
        block: |letters: &[u8; BLOCK], slot: &mut [u8; BLOCK], fine| {
            _mm256_min_epu8(fine, block(letters, slot))
        },
        others: |fine| others(fine),
    };
    form.decode(bytes, room)
}

/// Decodes a block. Gives a byte for each letter, which is nothing where it is none.
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
fn others(fine: __m256i) -> u64 {
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(fine, _mm256_setzero_si256())).cast_unsigned().into()
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
