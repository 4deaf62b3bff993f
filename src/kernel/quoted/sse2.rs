//! Quoted-printable by 62 bytes at a time with what every x86-64 has, which shuffles no bytes.
//!
//! Marks and values as in [`super::avx2`], but hex digits by compares, and what stays is copied run by run, 16 bytes at
//! a time: each run's end is a branch that may be mispredicted, so a text full of escapes goes at a quarter of the
//! speed.
//!
//! Bounds: loads and stores go by way of references to arrays, cut from the slices with a check.

#![expect(unsafe_code, reason = "wide loads and stores")]

use std::arch::x86_64::{
    __m128i, _mm_add_epi8, _mm_and_si128, _mm_andnot_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_loadu_si128,
    _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8, _mm_slli_epi16, _mm_storeu_si128,
};

use super::block::{BEFORE, BLOCK, Marks, WINDOW, blocks};

/// The bytes of a register.
const WIDE: usize = 16;
/// A run's last copy reads and writes up to so many bytes too many.
const PADDED: usize = BLOCK + WIDE;

/// As [`super::decode`].
pub(in crate::kernel) fn decode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    // SAFETY: this function is reached only by way of the table `SSE2`, which is given out only where the processor
    // has said that it has SSE2; every x86-64 has.
    unsafe { wide(bytes, room) }
}

#[target_feature(enable = "sse2")]
fn wide(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    let mut values = [0; PADDED];
    blocks(bytes, room, |window, slot: &mut [u8; PADDED]| {
        let judged = marks(window).judge();
        let made = if judged.text {
            for at in (0..BLOCK).step_by(WIDE) {
                store(slot, at, load(window, at + 2 * BEFORE));
            }
            BLOCK - BEFORE
        } else {
            resolve(window, &mut values);
            join(&values, judged.keep, slot)
        };
        (made, judged.stop)
    })
}

/// Finds the marks of each kind in the window's block.
#[target_feature(enable = "sse2")]
#[inline]
fn marks(window: &[u8; WINDOW]) -> Marks {
    let mut marks = Marks { equals: 0, hex: 0, blank: 0, cr: 0, lf: 0 };
    for at in (0..BLOCK).step_by(WIDE) {
        let bytes = load(window, at + 2);
        let bits = |marks: __m128i| u64::from(_mm_movemask_epi8(marks).cast_unsigned()) << at;
        marks.equals |= bits(is(bytes, b'='));
        marks.hex |= bits(hex(bytes));
        marks.blank |= bits(_mm_or_si128(is(bytes, b' '), is(bytes, b'\t')));
        marks.cr |= bits(is(bytes, b'\r'));
        marks.lf |= bits(is(bytes, b'\n'));
    }
    marks
}

#[target_feature(enable = "sse2")]
#[inline]
fn is(bytes: __m128i, byte: u8) -> __m128i {
    _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed()))
}

/// All ones for each byte above `low` and below `high`, as signed numbers: one beyond 127 is below all.
#[target_feature(enable = "sse2")]
#[inline]
fn between(bytes: __m128i, low: u8, high: u8) -> __m128i {
    let above = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(low.cast_signed()));
    _mm_and_si128(above, _mm_cmpgt_epi8(_mm_set1_epi8(high.cast_signed()), bytes))
}

/// All ones for each byte that is a hex digit.
#[target_feature(enable = "sse2")]
#[inline]
fn hex(bytes: __m128i) -> __m128i {
    let lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    _mm_or_si128(between(bytes, b'0' - 1, b'9' + 1), between(lower, b'a' - 1, b'f' + 1))
}

/// Copies the window's block, with the value of an escape in the place of its second digit.
#[target_feature(enable = "sse2")]
#[inline]
fn resolve(window: &[u8; WINDOW], values: &mut [u8; PADDED]) {
    for at in (0..BLOCK).step_by(WIDE) {
        let (two_before, before, here) = (load(window, at), load(window, at + 1), load(window, at + 2));
        let high = _mm_and_si128(_mm_slli_epi16::<4>(digit(before)), _mm_set1_epi8(-16));
        let value = _mm_or_si128(high, _mm_and_si128(digit(here), _mm_set1_epi8(15)));
        // After `=` and a line feed text begins; all other seconds are a digit or dropped.
        let second = _mm_andnot_si128(is(before, b'\n'), is(two_before, b'='));
        let made = _mm_or_si128(_mm_and_si128(second, value), _mm_andnot_si128(second, here));
        store(values, at, made);
    }
}

/// The value of each hex digit in its lower four bits.
#[target_feature(enable = "sse2")]
#[inline]
fn digit(bytes: __m128i) -> __m128i {
    let letter = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(b'9'.cast_signed()));
    _mm_add_epi8(bytes, _mm_and_si128(letter, _mm_set1_epi8(9)))
}

/// Puts the runs of bytes to keep next to each other; tells how many bytes.
#[target_feature(enable = "sse2")]
#[inline]
fn join(values: &[u8; PADDED], mut keep: u64, slot: &mut [u8; PADDED]) -> usize {
    let mut made = 0;
    while keep != 0 {
        let from = keep.trailing_zeros() as usize;
        let length = (!(keep >> from)).trailing_zeros() as usize;
        for at in (0..length).step_by(WIDE) {
            store(slot, made + at, load(values, from + at));
        }
        made += length;
        // The lowest run: the carry of an addition at its start goes through it.
        keep &= keep.wrapping_add(1 << from);
    }
    made
}

/// Loads the bytes from `at` on.
#[target_feature(enable = "sse2")]
#[inline]
fn load<const LENGTH: usize>(bytes: &[u8; LENGTH], at: usize) -> __m128i {
    let bytes: &[u8; WIDE] = bytes.get(at..).and_then(|from| from.first_chunk()).unwrap_or(&[0; WIDE]);
    // SAFETY: the reference is to 16 bytes, and the load asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Stores to the place at `at`; nothing where 16 bytes would go beyond the end.
#[target_feature(enable = "sse2")]
#[inline]
fn store<const LENGTH: usize>(slot: &mut [u8; LENGTH], at: usize, bytes: __m128i) {
    let Some(slot) = slot.get_mut(at..).and_then(|to| to.first_chunk_mut::<WIDE>()) else { return };
    // SAFETY: the reference is to 16 bytes, and the store asks for no alignment.
    unsafe { _mm_storeu_si128(slot.as_mut_ptr().cast(), bytes) }
}
