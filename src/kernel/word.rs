//! Where a word of five letters stands.
//!
//! *What it is*: one loop over three of its letters, written so that the compiler makes vectors of it, once for each width
//! of them. A search made for any word looks for two letters, which stand together in every other line of a text. *What
//! it never does*: know why it is asked. Tests: `kernel::tests`, against a look at every place.

#![allow(unsafe_code, reason = "the way into code for AVX2")]

/// How many places are looked at together; and how many where fewer are left.
const PIECE: usize = 128;
const LITTLE: usize = 16;

/// Where the word first stands.
pub(super) fn scalar(text: &[u8], word: [u8; 5]) -> Option<usize> {
    find(text, word)
}

/// See [`scalar`]. Must not be called where there is no AVX2; [`super::Kernels::all`] asks.
#[cfg(target_arch = "x86_64")]
pub(super) fn avx2(text: &[u8], word: [u8; 5]) -> Option<usize> {
    // SAFETY: this function stands only in the table that is offered where the processor has said that it has AVX2.
    unsafe { with_avx2(text, word) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(text: &[u8], word: [u8; 5]) -> Option<usize> {
    find(text, word)
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "each form is this loop, made of its own vectors")]
fn find(text: &[u8], word: [u8; 5]) -> Option<usize> {
    let mut from = 0;
    loop {
        from = skip::<PIECE, 32>(text, from, word);
        from = skip::<LITTLE, LITTLE>(text, from, word);
        let near = text.get(from..(from + LITTLE + 4).min(text.len()))?;
        if let Some(at) = near.windows(5).position(|place| *place == word) {
            return Some(from + at);
        }
        if near.len() < LITTLE + 4 {
            return None;
        }
        from += LITTLE;
    }
}

/// Passes by pieces in which the word does not begin.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a part of each form's loop")]
fn skip<const N: usize, const WIDTH: usize>(text: &[u8], mut from: usize, word: [u8; 5]) -> usize {
    let [first, _, third, _, fifth] = word;
    let is = |byte: u8, letter: u8| byte == letter;
    while let Some(piece) = text.get(from..from + N + 4) {
        let rows = |shift: usize| piece.get(shift..).unwrap_or_default().as_chunks::<WIDTH>().0;
        // Marks beside each other, so that the compiler makes one vector of them.
        let mut marks = [0_u8; WIDTH];
        for ((one, two), three) in rows(0).iter().zip(rows(2)).zip(rows(4)).take(N / WIDTH) {
            for (((mark, one), two), three) in marks.iter_mut().zip(one).zip(two).zip(three) {
                *mark |= if is(*one, first) & is(*two, third) & is(*three, fifth) { u8::MAX } else { 0 };
            }
        }
        if marks != [0; WIDTH] {
            break;
        }
        from += N;
    }
    from
}
