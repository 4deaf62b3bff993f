//! All 64 bytes at once: a comparison gives the word of bits itself.
//!
//! Marks are looked up as in `avx2`, by a byte's two halves; the other classes are ranges of bytes, and a range is one
//! subtraction and one comparison.

#![allow(unsafe_code, reason = "one load, and the way into code for AVX-512")]

use std::arch::x86_64::{
    __m512i, _mm_setr_epi8, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_cmplt_epu8_mask,
    _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8, _mm512_shuffle_epi8,
    _mm512_srli_epi16, _mm512_sub_epi8, _mm512_test_epi8_mask,
};

use super::{BLOCK, Classes, Starts, judge};

/// `%` and `&`, `=`, `\`; each has a row of its own.
const MARKS: i8 = 1 | 2 | 4;
/// `<`.
const TAG: i8 = 8;

/// See [`super::scalar`]. Must not be called where there is no AVX-512; [`crate::kernel::Kernels::all`] asks.
pub(in crate::kernel) fn starts(text: &[u8], from: usize) -> Starts {
    // SAFETY: this function stands only in the table that is offered where the processor has said that it has all of
    // these.
    unsafe { with_avx512(text, from) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,popcnt")]
fn with_avx512(text: &[u8], from: usize) -> Starts {
    judge::<8>(text, from, |block| classes(block))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn classes(block: &[u8; BLOCK]) -> Classes {
    let bytes = load(block);
    let all = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
    let within = |bytes: __m512i, first: u8, count: u8| {
        _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, all(first)), all(count))
    };
    let low = _mm_setr_epi8(0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 4 | TAG, 2, 0, 0);
    let high = _mm_setr_epi8(0, 0, 1, 2 | TAG, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    let upper = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), all(0x0F));
    // Beyond ASCII the first of these looks up nothing.
    let class = _mm512_and_si512(
        _mm512_shuffle_epi8(_mm512_broadcast_i32x4(low), bytes),
        _mm512_shuffle_epi8(_mm512_broadcast_i32x4(high), upper),
    );
    let any = |of: i8| _mm512_test_epi8_mask(class, _mm512_set1_epi8(of));
    Classes {
        digits: within(bytes, b'0', 10),
        small: within(bytes, b'0', 2),
        letters: within(_mm512_or_si512(bytes, all(0x20)), b'a', 26),
        marks: any(MARKS),
        unseen: any(MARKS | TAG) | _mm512_movepi8_mask(bytes),
        wide: within(bytes, 0xEF, 2) != 0,
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &[u8; BLOCK]) -> __m512i {
    // SAFETY: the array is 64 bytes, which is what is read; the load asks for no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}
