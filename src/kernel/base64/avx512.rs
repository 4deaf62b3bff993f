//! Base64 by 64 letters at a time.
//!
//! A block of 64 letters becomes 48 bytes. The six bits of a letter are looked up in a table of all bytes below 128
//! ([`SIXES`]); a byte is no letter when it has a top bit, or what it finds there has. Two multiplications with sums join
//! four sixes to 24 bits, one shuffle puts the three bytes of each in order.
//!
//! Bounds: loads and stores go by way of references to arrays of 64 bytes, cut from the slices with a check.

#![expect(unsafe_code, reason = "wide loads and stores, and the call of what needs AVX-512")]

use std::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_madd_epi16, _mm512_maddubs_epi16, _mm512_movepi8_mask,
    _mm512_permutex2var_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_storeu_si512, _mm512_ternarylogic_epi32,
};

use super::lines::Form;
use super::six;

/// The letters of a block.
const BLOCK: usize = 64;

/// The six bits of each byte below 128; what is no letter has the top bit.
static SIXES: [[u8; BLOCK]; 2] = [sixes(0), sixes(BLOCK)];
/// Takes the three bytes of 16 times 24 bits, the highest first.
static ORDER: [u8; BLOCK] = order();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler; bytes stay below 128 and indexes below 64"
)]
const fn sixes(from: usize) -> [u8; BLOCK] {
    let mut table = [0x80; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        if let Some(six) = six((from + at) as u8) {
            table[at] = six;
        }
        at += 1;
    }
    table
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler; the index stays below 48"
)]
const fn order() -> [u8; BLOCK] {
    let mut table = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK / 4 * 3 {
        table[at] = (at / 3 * 4 + 2 - at % 3) as u8;
        at += 1;
    }
    table
}

/// As [`super::decode`].
pub(in crate::kernel) fn decode(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    // SAFETY: this function is reached only by way of the table `AVX512`, which is given out only where the processor
    // has said that it has all of these.
    unsafe { wide(bytes, room) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn wide(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    let form = Form {
        fine: _mm512_setzero_si512(),
        block: |letters: &[u8; BLOCK], slot: &mut [u8; BLOCK], fine| block(letters, slot, fine),
        others: |fine| _mm512_movepi8_mask(fine),
    };
    form.decode(bytes, room)
}

/// Decodes a block. Adds the top bit for each byte that is no letter.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn block(letters: &[u8; BLOCK], slot: &mut [u8; BLOCK], fine: __m512i) -> __m512i {
    let letters = load(letters);
    let [low, high] = &SIXES;
    let sixes = _mm512_permutex2var_epi8(load(low), letters, load(high));
    let twelves = _mm512_maddubs_epi16(sixes, _mm512_set1_epi16(0x0140));
    let threes = _mm512_madd_epi16(twelves, _mm512_set1_epi32(0x0001_1000));
    store(slot, _mm512_permutexvar_epi8(load(&ORDER), threes));
    // Where any of the three has a bit.
    _mm512_ternarylogic_epi32::<0b1111_1110>(letters, sixes, fine)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(bytes: &[u8; BLOCK]) -> __m512i {
    // SAFETY: the reference is to 64 bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(slot: &mut [u8; BLOCK], bytes: __m512i) {
    // SAFETY: the reference is to 64 bytes, and the store asks for no alignment.
    unsafe { _mm512_storeu_si512(slot.as_mut_ptr().cast(), bytes) }
}
