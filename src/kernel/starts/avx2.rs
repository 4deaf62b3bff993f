//! Two halves of 32 bytes.
//!
//! A byte's two halves of four bits are looked up in a table each; the bits that both tables have are its classes
//! (each class is a set of low halves under a set of high ones). What is beyond ASCII is looked up as nothing, and told
//! by its own top bit.

#![allow(unsafe_code, reason = "one load, and the way into code for AVX2")]

use std::arch::x86_64::{
    __m256i, _mm_setr_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
};

use super::{BLOCK, Classes, Starts, judge};

/// A digit: its sign, so that it is told without a comparison.
const D: i8 = i8::MIN;
/// `%` and `&`, `=`, `\`; each has a row of its own.
const MARKS: i8 = 1 | 2 | 4;
/// `<`.
const TAG: i8 = 8;
/// `A` to `O` and `P` to `Z`, large and small.
const A: i8 = 16;
const P: i8 = 32;
const AP: i8 = A | P;
/// What has the lower half of `1` to `9`.
const B: i8 = D | AP;

/// See [`super::scalar`]. Must not be called where there is no AVX2; [`crate::kernel::Kernels::all`] asks.
pub(in crate::kernel) fn starts(text: &[u8], from: usize) -> Starts {
    // SAFETY: this function stands only in the table that is offered where the processor has said that it has AVX2.
    unsafe { with_avx2(text, from) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn with_avx2(text: &[u8], from: usize) -> Starts {
    judge::<4>(text, from, |block| classes(block))
}

#[inline]
#[target_feature(enable = "avx2")]
fn classes(block: &[u8; BLOCK]) -> Classes {
    let (halves, _) = block.as_chunks::<32>();
    let mut all = Classes::default();
    let mut wide = _mm256_setzero_si256();
    for (half, shift) in halves.iter().zip([0, 32]) {
        let bytes = load(half);
        let class = class(bytes);
        let any =
            |of: i8| _mm256_cmpgt_epi8(_mm256_and_si256(class, _mm256_set1_epi8(of)), _mm256_setzero_si256());
        all.digits |= bits(class) << shift;
        let even = _mm256_and_si256(bytes, _mm256_set1_epi8(!1));
        all.small |= bits(_mm256_cmpeq_epi8(even, _mm256_set1_epi8(b'0'.cast_signed()))) << shift;
        all.letters |= bits(any(AP)) << shift;
        all.marks |= bits(any(MARKS)) << shift;
        all.unseen |= bits(_mm256_or_si256(any(MARKS | TAG), bytes)) << shift;
        let is = |byte: u8| _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte.cast_signed()));
        wide = _mm256_or_si256(wide, _mm256_or_si256(is(0xEF), is(0xF0)));
    }
    all.wide = bits(wide) != 0;
    all
}

#[inline]
#[target_feature(enable = "avx2")]
fn class(bytes: __m256i) -> __m256i {
    let low = _mm_setr_epi8(D | P, B, B, B, B, B | 1, B | 1, B, B, B, AP, A, A | 4 | TAG, A | 2, A, A);
    let high = _mm_setr_epi8(0, 0, 1, D | 2 | TAG, A, P | 4, A, P, 0, 0, 0, 0, 0, 0, 0, 0);
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0F));
    _mm256_and_si256(
        _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(low), bytes),
        _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(high), upper),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(half: &[u8; 32]) -> __m256i {
    // SAFETY: the array is 32 bytes, which is what is read; the load asks for no alignment.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

/// The top bit of each byte.
#[inline]
#[target_feature(enable = "avx2")]
fn bits(bytes: __m256i) -> u64 {
    u64::from(_mm256_movemask_epi8(bytes).cast_unsigned())
}
