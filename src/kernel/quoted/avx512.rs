//! Quoted-printable by 62 bytes at a time, all of them in one register.
//!
//! Marks, judgement and values as in [`super::avx2`]; a comparison gives the word of bits itself, and what stays is
//! squeezed together by one instruction, so that text without escapes needs no way of its own.
//!
//! Bounds: loads and stores go by way of references to arrays, cut from the slices with a check.

#![expect(unsafe_code, reason = "wide loads and stores, and the call of what needs AVX-512")]

use std::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi8_mask, _mm512_cmpgt_epi8_mask, _mm512_cmplt_epu8_mask, _mm512_loadu_si512,
    _mm512_mask_add_epi8, _mm512_mask_blend_epi8, _mm512_maskz_compress_epi8, _mm512_or_si512,
    _mm512_set1_epi8, _mm512_slli_epi16, _mm512_storeu_si512, _mm512_sub_epi8, _mm512_ternarylogic_epi32,
};

use super::block::{BLOCK, Marks, WINDOW, blocks};

/// As [`super::decode`].
pub(in crate::kernel) fn decode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    // SAFETY: this function is reached only by way of the table `AVX512`, which is given out only where the processor
    // has said that it has all of these.
    unsafe { wide(bytes, room) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,bmi2,popcnt")]
fn wide(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    blocks(bytes, room, |window, slot: &mut [u8; BLOCK]| {
        let here = load(window, 2);
        let marks = marks(here);
        let judged = marks.judge();
        // After `=` and a line feed text begins; all other seconds are a digit or dropped.
        let second = (marks.equals << 2) & !(marks.lf << 1);
        let values = _mm512_mask_blend_epi8(second, here, value(load(window, 1), here));
        store(slot, _mm512_maskz_compress_epi8(judged.keep, values));
        (judged.keep.count_ones() as usize, judged.stop)
    })
}

/// Finds the marks of each kind in a block.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn marks(block: __m512i) -> Marks {
    let is = |byte: u8| _mm512_cmpeq_epi8_mask(block, all(byte));
    let within = |bytes: __m512i, first: u8, count: u8| {
        _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, all(first)), all(count))
    };
    Marks {
        equals: is(b'='),
        hex: within(block, b'0', 10) | within(_mm512_or_si512(block, all(0x20)), b'a', 6),
        blank: is(b' ') | is(b'\t'),
        cr: is(b'\r'),
        lf: is(b'\n'),
    }
}

/// The value of an escape in the place of its second digit, for each byte as if it were one.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn value(first: __m512i, second: __m512i) -> __m512i {
    let high = _mm512_slli_epi16::<4>(digit(first));
    // Of each bit: where the first is set, of the second, else of the third.
    _mm512_ternarylogic_epi32::<0b1100_1010>(all(15), digit(second), high)
}

/// The value of each hex digit in its lower four bits.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn digit(bytes: __m512i) -> __m512i {
    _mm512_mask_add_epi8(bytes, _mm512_cmpgt_epi8_mask(bytes, all(b'9')), bytes, all(9))
}

#[target_feature(enable = "avx512f")]
#[inline]
fn all(byte: u8) -> __m512i {
    _mm512_set1_epi8(byte.cast_signed())
}

/// Loads the block at `at`.
#[target_feature(enable = "avx512f")]
#[inline]
fn load(window: &[u8; WINDOW], at: usize) -> __m512i {
    let block: &[u8; BLOCK] = window.get(at..).and_then(|from| from.first_chunk()).unwrap_or(&[0; BLOCK]);
    // SAFETY: the reference is to 64 bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(slot: &mut [u8; BLOCK], bytes: __m512i) {
    // SAFETY: the reference is to 64 bytes, and the store asks for no alignment.
    unsafe { _mm512_storeu_si512(slot.as_mut_ptr().cast(), bytes) }
}
