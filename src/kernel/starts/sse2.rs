//! Four quarters of 16 bytes, compared with each byte that matters: SSE2 has no table to look up in.

#![allow(unsafe_code, reason = "one load, and the way into code for SSE2")]

use std::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm_setzero_si128, _mm_sub_epi8,
};

use super::{BLOCK, Classes, Starts, judge};

/// See [`super::scalar`]. Must not be called where there is no SSE2; [`crate::kernel::Kernels::all`] asks.
pub(in crate::kernel) fn starts(text: &[u8], from: usize) -> Starts {
    // SAFETY: this function stands only in the table that is offered where the processor has said that it has SSE2.
    unsafe { with_sse2(text, from) }
}

#[target_feature(enable = "sse2")]
fn with_sse2(text: &[u8], from: usize) -> Starts {
    judge::<4>(text, from, |block| classes(block))
}

#[inline]
#[target_feature(enable = "sse2")]
fn classes(block: &[u8; BLOCK]) -> Classes {
    let (quarters, _) = block.as_chunks::<16>();
    let mut all = Classes::default();
    let mut wide = _mm_setzero_si128();
    for (quarter, shift) in quarters.iter().zip([0, 16, 32, 48]) {
        let bytes = load(quarter);
        let is = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed()));
        let or = |a: __m128i, b: __m128i| _mm_or_si128(a, b);
        let from = |bytes: __m128i, first: u8, more: i8| {
            let above = _mm_sub_epi8(bytes, _mm_set1_epi8(first.cast_signed()));
            _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(more)), above)
        };
        let small_letters = or(bytes, _mm_set1_epi8(0x20));
        let marks = or(or(is(b'%'), is(b'&')), or(is(b'\\'), is(b'=')));
        all.digits |= bits(from(bytes, b'0', 9)) << shift;
        all.letters |= bits(from(small_letters, b'a', 25)) << shift;
        all.small |= bits(or(is(b'0'), is(b'1'))) << shift;
        all.marks |= bits(marks) << shift;
        all.unseen |= bits(or(or(marks, is(b'<')), bytes)) << shift;
        wide = or(wide, or(is(0xEF), is(0xF0)));
    }
    all.wide = bits(wide) != 0;
    all
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(quarter: &[u8; 16]) -> __m128i {
    // SAFETY: the array is 16 bytes, which is what is read; the load asks for no alignment.
    unsafe { _mm_loadu_si128(quarter.as_ptr().cast()) }
}

/// The top bit of each byte.
#[inline]
#[target_feature(enable = "sse2")]
fn bits(bytes: __m128i) -> u64 {
    u64::from(_mm_movemask_epi8(bytes).cast_unsigned())
}
