//! Quoted-printable by 62 bytes at a time, without a branch for an escape.
//!
//! Marks of each kind come from compares, hex digits from two tables by the halves of a byte, as in
//! [`crate::kernel::base64::avx2`]. The value of an escape is made in the place of its second digit, for all bytes as if
//! each were one, and taken where the second byte before is `=`. What [`Marks::judge`] drops is squeezed out eight bytes
//! at a time: a shuffle by a table of all 256 patterns, a store of eight bytes, and a step by as many as stayed. So a
//! text with an escape in every word costs the same as one with few, and no branch is there to be mispredicted.
//! `pext` would do the squeezing too, but takes hundreds of cycles on some processors that have it.
//!
//! Bounds: loads and stores go by way of references to arrays, cut from the slices with a check.

#![expect(unsafe_code, reason = "wide loads and stores, and the call of what needs AVX2")]

use std::arch::x86_64::{
    __m256i, _mm_add_epi8, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8, _mm_shuffle_epi8,
    _mm256_add_epi8, _mm256_and_si256, _mm256_andnot_si256, _mm256_blendv_epi8, _mm256_castsi256_si128,
    _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16,
    _mm256_srli_epi16, _mm256_storeu_si256,
};

use super::block::{BEFORE, BLOCK, Marks, WINDOW, blocks};
use super::hex;

/// The bytes of a register.
const WIDE: usize = 32;

/// As [`super::decode`].
pub(in crate::kernel) fn decode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    // SAFETY: this function is reached only by way of the table `AVX2`, which is given out only where the processor
    // has said that it has AVX2 and what counts and finds bits.
    unsafe { wide(bytes, room) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn wide(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    blocks(bytes, room, |window, slot: &mut [u8; BLOCK]| {
        let judged = marks(window).judge();
        let made = if judged.text {
            copy(window, slot);
            BLOCK - BEFORE
        } else {
            squeeze(resolve(window), judged.keep, slot)
        };
        (made, judged.stop)
    })
}

/// Finds the marks of each kind in the window's block.
#[target_feature(enable = "avx2")]
#[inline]
fn marks(window: &[u8; WINDOW]) -> Marks {
    let low = load(window, 2);
    let high = load(window, 2 + WIDE);
    let bits = |low: __m256i, high: __m256i| {
        let [low, high] = [low, high].map(|marks| u64::from(_mm256_movemask_epi8(marks).cast_unsigned()));
        low | high << WIDE
    };
    let is = |byte: u8| {
        let byte = _mm256_set1_epi8(byte.cast_signed());
        bits(_mm256_cmpeq_epi8(low, byte), _mm256_cmpeq_epi8(high, byte))
    };
    Marks {
        equals: is(b'='),
        hex: !bits(no_hex(low), no_hex(high)),
        blank: bits(blank(low), blank(high)),
        cr: is(b'\r'),
        lf: is(b'\n'),
    }
}

/// All ones for each blank.
#[target_feature(enable = "avx2")]
#[inline]
fn blank(bytes: __m256i) -> __m256i {
    let is = |byte: u8| _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte.cast_signed()));
    _mm256_or_si256(is(b' '), is(b'\t'))
}

/// For each upper half of a byte the kind of hex digits it goes with, and for each lower half the kinds.
static UPPER: [u8; WIDE] = halves(4);
static LOWER: [u8; WIDE] = halves(0);

/// A shuffle looks up in each half of a register by itself, so each table stands there twice.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler; the index stays below 32")]
const fn halves(shift: u32) -> [u8; WIDE] {
    let mut table = [0; WIDE];
    let mut byte = 0_u8;
    while byte < 0x80 {
        if hex(byte).is_some() {
            let half = (byte >> shift & 15) as usize;
            let kind = if byte.is_ascii_digit() { 1 } else { 2 };
            table[half] |= kind;
            table[half + 16] |= kind;
        }
        byte += 1;
    }
    table
}

/// All ones for each byte that is no hex digit.
#[target_feature(enable = "avx2")]
#[inline]
fn no_hex(bytes: __m256i) -> __m256i {
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(15));
    // A byte beyond 127 finds nothing by its lower half: that is how a shuffle takes it.
    let common = _mm256_and_si256(
        _mm256_shuffle_epi8(load(&UPPER, 0), upper),
        _mm256_shuffle_epi8(load(&LOWER, 0), bytes),
    );
    _mm256_cmpeq_epi8(common, _mm256_setzero_si256())
}

/// Copies what is new in the window, and what stands after it.
#[target_feature(enable = "avx2")]
#[inline]
fn copy(window: &[u8; WINDOW], slot: &mut [u8; BLOCK]) {
    store(slot, 0, load(window, 2 * BEFORE));
    store(slot, WIDE, load(window, 2 * BEFORE + WIDE));
}

/// The window's block, with the value of an escape in the place of its second digit.
#[target_feature(enable = "avx2")]
#[inline]
fn resolve(window: &[u8; WINDOW]) -> [__m256i; 2] {
    [0, WIDE].map(|at| {
        let (two_before, before, here) = (load(window, at), load(window, at + 1), load(window, at + 2));
        let high = _mm256_and_si256(_mm256_slli_epi16::<4>(digit(before)), _mm256_set1_epi8(-16));
        let low = _mm256_and_si256(digit(here), _mm256_set1_epi8(15));
        // After `=` and a line feed text begins; all other seconds are a digit or dropped.
        let second = _mm256_andnot_si256(
            _mm256_cmpeq_epi8(before, _mm256_set1_epi8(b'\n'.cast_signed())),
            _mm256_cmpeq_epi8(two_before, _mm256_set1_epi8(b'='.cast_signed())),
        );
        _mm256_blendv_epi8(here, _mm256_or_si256(high, low), second)
    })
}

/// The value of each hex digit in its lower four bits.
#[target_feature(enable = "avx2")]
#[inline]
fn digit(bytes: __m256i) -> __m256i {
    let letter = _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(b'9'.cast_signed()));
    _mm256_add_epi8(bytes, _mm256_and_si256(letter, _mm256_set1_epi8(9)))
}

/// For each pattern of eight bits the places of those set, one a byte, the lowest first.
static PLACES: [u64; 256] = places();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler; the index stays below 256")]
const fn places() -> [u64; 256] {
    let mut table = [0; 256];
    let mut pattern = 0;
    while pattern < 256 {
        let (mut bit, mut count) = (0, 0);
        while bit < 8 {
            if pattern >> bit & 1 == 1 {
                table[pattern] |= bit << (8 * count);
                count += 1;
            }
            bit += 1;
        }
        pattern += 1;
    }
    table
}

/// Puts the bytes to keep next to each other; tells how many.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[inline]
fn squeeze(values: [__m256i; 2], keep: u64, slot: &mut [u8; BLOCK]) -> usize {
    let [first, second] = values;
    let quarters = [
        _mm256_castsi256_si128(first),
        _mm256_extracti128_si256::<1>(first),
        _mm256_castsi256_si128(second),
        _mm256_extracti128_si256::<1>(second),
    ];
    let mut made = 0;
    for (sixteen, patterns) in quarters.into_iter().zip(keep.to_le_bytes().as_chunks::<2>().0) {
        // The second eight of a register lie eight places on.
        for (pattern, on) in patterns.iter().zip([0, 8]) {
            let places = PLACES.get(usize::from(*pattern)).copied().unwrap_or_default();
            let places = _mm_add_epi8(_mm_cvtsi64_si128(places.cast_signed()), _mm_set1_epi8(on));
            if let Some(to) = slot.get_mut(made..).and_then(|to| to.first_chunk_mut()) {
                *to = _mm_cvtsi128_si64(_mm_shuffle_epi8(sixteen, places)).to_le_bytes();
            }
            made += pattern.count_ones() as usize;
        }
    }
    made
}

/// Loads the bytes from `at` on.
#[target_feature(enable = "avx2")]
#[inline]
fn load<const LENGTH: usize>(bytes: &[u8; LENGTH], at: usize) -> __m256i {
    let bytes: &[u8; WIDE] = bytes.get(at..).and_then(|from| from.first_chunk()).unwrap_or(&[0; WIDE]);
    // SAFETY: the reference is to 32 bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Stores to the place at `at`; nothing where 32 bytes would go beyond the end.
#[target_feature(enable = "avx2")]
#[inline]
fn store(slot: &mut [u8; BLOCK], at: usize, bytes: __m256i) {
    let Some(slot) = slot.get_mut(at..).and_then(|to| to.first_chunk_mut::<WIDE>()) else { return };
    // SAFETY: the reference is to 32 bytes, and the store asks for no alignment.
    unsafe { _mm256_storeu_si256(slot.as_mut_ptr().cast(), bytes) }
}
