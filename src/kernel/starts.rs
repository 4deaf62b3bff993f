//! Where a run of digits begins that is worth a look: the first pass over every byte.
//!
//! Mail is full of digits, and nearly none of them begin a number. What can is told by lengths: of the run, of the runs
//! behind it, and by a few bytes in and beside it (`cpr::candidate::at` has the rules). So 64 bytes become five words of 64
//! bits ([`Classes`]), and shifts and ands over the words leave a one where a run begins that may be the start of one
//! ([`worth`]). A one too many costs a look; a one too few would lose a number. Only the way from bytes to words depends
//! on the machine.
//!
//! A block judges [`STEP`] places: it sees [`BEFORE`] bytes before them and [`AHEAD`] behind, so it needs nothing from
//! its neighbours. Beyond the text there are blanks.
//!
//! Tests: each form against the scalar one, and in `scan::window` against a look at every run.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(super) mod sse2;

/// How many bytes are looked at together.
const BLOCK: usize = 64;
/// How many bytes before the first place of a block it sees: the longest escape that can end in a digit's first.
const BEFORE: usize = 5;
/// How many behind the last: day, month, year and serial with a byte between them, and the byte after them.
const AHEAD: usize = 15;
/// How many places a block judges.
const STEP: usize = BLOCK - BEFORE - AHEAD;
/// How many blocks one call judges.
const BLOCKS: usize = 16;

/// What one call tells of [`Starts::REACH`] places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    /// A one for each place that is worth a look; a block's lowest bit is its first place.
    blocks: [u64; BLOCKS],
    /// A one for each block that has such a place.
    filled: u16,
    /// Whether a byte was seen that begins a digit of more than one byte: the lead bytes of fullwidth and mathematical
    /// digits in UTF-8.
    pub wide: bool,
}

impl Starts {
    /// How many places are judged at once, in bytes.
    pub const REACH: usize = STEP * BLOCKS;

    /// The places, counted from the first that was judged, in order.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        ones(self.filled.into()).flat_map(|nr| {
            let block = self.blocks.get(nr).copied().unwrap_or(0);
            ones(block).map(move |place| nr * STEP + place)
        })
    }
}

fn ones(bits: u64) -> impl Iterator<Item = usize> {
    let mut left = bits;
    std::iter::from_fn(move || {
        let one = (left != 0).then_some(left.trailing_zeros() as usize);
        left &= left.wrapping_sub(1);
        one
    })
}

/// What the bytes of a block are, a one for each, the first byte's lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Classes {
    /// `0` to `9`.
    digits: u64,
    /// `0` and `1`: with what the number of a month begins.
    small: u64,
    /// `A` to `Z` and `a` to `z`.
    letters: u64,
    /// `% & \ =`: an escape may begin.
    marks: u64,
    /// A mark, `<` or a byte beyond ASCII: what follows may be unseen, and digits on both sides one run.
    unseen: u64,
    /// `EF` or `F0`, in any place.
    wide: bool,
}

/// Judges up to [`Starts::REACH`] places from `from` on, and says nothing of any further ones.
pub(super) fn scalar(text: &[u8], from: usize) -> Starts {
    judge::<4>(text, from, scalar_classes)
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "each form is one loop, with its own classes in it")]
fn judge<const LANES: usize>(text: &[u8], from: usize, classes: impl Fn(&[u8; BLOCK]) -> Classes) -> Starts {
    let mut starts = Starts::default();
    // First the classes of all blocks, each in a row of its own, then their judgement: as many blocks at once as fill a
    // word of the machine.
    let mut all = [[0; BLOCKS]; 5];
    let [digits, small, letters, marks, unseen] = &mut all;
    let rows = digits.iter_mut().zip(small).zip(letters).zip(marks).zip(unseen);
    let mut place = from;
    let mut at_edge;
    for ((((digits, small), letters), marks), unseen) in rows {
        let block = match place.checked_sub(BEFORE).and_then(|begin| text.get(begin..)?.first_chunk()) {
            Some(block) => block,
            None if place < text.len() => {
                at_edge = edge(text, place);
                &at_edge
            }
            None => break,
        };
        let found = classes(block);
        (*digits, *small, *letters) = (found.digits, found.small, found.letters);
        (*marks, *unseen) = (found.marks, found.unseen);
        starts.wide |= found.wide;
        place += STEP;
    }
    let [digits, small, letters, marks, unseen] = &all;
    let steps = (place - from).div_ceil(LANES * STEP);
    let rows = [digits, small, letters, marks, unseen].map(|row| row.as_chunks::<LANES>().0);
    for (nr, step) in starts.blocks.as_chunks_mut::<LANES>().0.iter_mut().enumerate().take(steps) {
        #[allow(clippy::indexing_slicing, reason = "as long as the loop, which is made into vectors")]
        {
            let [digits, small, letters, marks, unseen] = rows.map(|row| row[nr]);
            for at in 0..LANES {
                step[at] = worth(digits[at], small[at], letters[at], marks[at], unseen[at]);
            }
        }
    }
    let blocks = starts.blocks.iter().enumerate();
    starts.filled = blocks.fold(0, |filled, (nr, block)| filled | u16::from(*block != 0) << nr);
    starts
}

/// The block of a place at the text's beginning or end.
#[cold]
fn edge(text: &[u8], place: usize) -> [u8; BLOCK] {
    let mut block = [b' '; BLOCK];
    let begin = place.saturating_sub(BEFORE);
    let rest = text.get(begin..).unwrap_or_default();
    let into = block.iter_mut().skip(BEFORE - (place - begin));
    into.zip(rest).for_each(|(slot, byte)| *slot = *byte);
    block
}

/// One byte after the other.
fn scalar_classes(block: &[u8; BLOCK]) -> Classes {
    let mut all = Classes::default();
    for (place, byte) in block.iter().enumerate() {
        let bit = |is: bool| u64::from(is) << place;
        let is_mark = matches!(byte, b'%' | b'&' | b'\\' | b'=');
        all.digits |= bit(byte.is_ascii_digit());
        all.small |= bit(matches!(byte, b'0' | b'1'));
        all.letters |= bit(byte.is_ascii_alphabetic());
        all.marks |= bit(is_mark);
        all.unseen |= bit(is_mark || *byte == b'<' || *byte >= 0x80);
        all.wide |= matches!(byte, 0xEF | 0xF0);
    }
    all
}

/// A one where a run of digits begins that `cpr::candidate::at` would look at. In every word bit `i >> k` is what stands
/// `k` bytes behind place `i`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a part of each form's loop")]
fn worth(digits: u64, small: u64, letters: u64, marks: u64, unseen: u64) -> u64 {
    let starts = digits & !(digits << 1);
    // Two, four and eight digits in a row from here on.
    let two = digits & (digits >> 1);
    let four = two & (two >> 2);
    let six = four & (two >> 4);
    let open = digits & (unseen >> 1);
    let escaped = {
        let two = marks | (marks << 1);
        (two << 1) | (two << 3) | (marks << 5)
    };
    // A pair, one byte, and a pair or what may be one; a digit, one byte, a digit, one byte, a digit.
    let is_pair = two & !(digits >> 2);
    let is_one = digits & !(digits >> 1);
    let pair_or_cut = is_pair | unseen | open | (two & (unseen >> 2));
    let one_or_cut = is_one | unseen;
    // The second pair is a month, or hides it.
    let pairs = is_pair & (((is_pair & small) | (pair_or_cut & !is_pair)) >> 3);
    let ones = is_one & (one_or_cut >> 2) & ((one_or_cut >> 4) | (unseen >> 3));
    let eight = four & (four >> 4);
    // A run of up to ten with something unseen behind it: a mark at its last digit, carried back to its first.
    let mut before_unseen = open | (digits & (open >> 1));
    before_unseen |= two & (before_unseen >> 2);
    before_unseen |= four & (before_unseen >> 4);
    before_unseen |= eight & (before_unseen >> 8);
    // Four digits, or up to four with something unseen behind them.
    let near = unseen | (unseen >> 1);
    let cut_at_four = unseen | (digits & ((near >> 1) | (near >> 3)));
    let is_four = four & !(digits >> 4);
    let four_or_cut = is_four | cut_at_four;
    // Behind a gap of one byte stands a serial, or more of the gap; a letter of a longer one belongs to an escape or tag.
    let letter_behind_two = (letters >> 1) & !unseen;
    let no_gap = digits | letters | letter_behind_two;
    let goes_on = |gap: u32| !(no_gap >> (gap + 1)) | (four_or_cut >> (gap + 1));
    let is_six = six & !(digits >> 6);
    let is_eight = eight & !(digits >> 8);
    let month = small >> 2;
    let halves = ((is_six & goes_on(6)) | (is_eight & goes_on(8))) & month;
    // Seven digits before letters, and ten; nine have lost their first.
    let is_longer = eight & (two >> 8) & (digits >> 10);
    let is_nine = eight & (digits >> 8) & !(digits >> 9);
    let whole = (six & (digits >> 6) & !is_eight & !is_longer & !is_nine & month) | (is_nine & (small >> 1));
    // Behind two pairs: a pair and a serial, pairs to the end; a year and a serial; what is cut.
    let five_pairs = (pair_or_cut >> 9) & (pair_or_cut >> 12);
    let dates = pairs
        & ((unseen >> 5)
            | ((is_pair >> 6) & (goes_on(8) | five_pairs))
            | ((is_four >> 6) & goes_on(10))
            | (cut_at_four >> 6));
    let all = starts & (halves | whole | dates | ones | before_unseen | escaped);
    (all >> BEFORE) & (u64::MAX >> (BLOCK - STEP))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernels;
    use proptest::prelude::*;

    #[test]
    fn every_byte_at_every_place() {
        for kernels in Kernels::all() {
            for (byte, place) in (0..=u8::MAX).flat_map(|byte| (0..BLOCK).map(move |place| (byte, place))) {
                for around in [b' ', b'1', b'='] {
                    let mut text = [around; 3 * BLOCK];
                    text[BLOCK + place] = byte;
                    let expect = scalar(&text, 17);
                    assert_eq!((kernels.starts)(&text, 17), expect, "{}: {byte} at {place}", kernels.name);
                }
            }
        }
    }

    #[test]
    fn the_classes_of_every_byte() {
        for byte in 0..=u8::MAX {
            let classes = scalar_classes(&[byte; BLOCK]);
            let all = |is: bool| if is { u64::MAX } else { 0 };
            assert_eq!(classes.digits, all(byte.is_ascii_digit()));
            assert_eq!(classes.small, all(b"01".contains(&byte)));
            assert_eq!(classes.letters, all(byte.is_ascii_alphabetic()));
            assert_eq!(classes.marks, all(b"%&\\=".contains(&byte)));
            assert_eq!(classes.unseen, all(b"<%&\\=".contains(&byte) || byte >= 0x80));
            assert_eq!(classes.wide, byte == 0xEF || byte == 0xF0);
        }
    }

    #[test]
    fn places_are_told_in_order_and_none_twice() {
        let text = b"1503791028 ".repeat(200);
        for from in 0..70 {
            let expect: Vec<usize> = (0..200).map(|nr| nr * 11).filter(|at| *at >= from).collect();
            let mut found = Vec::new();
            let mut at = from;
            while at < text.len() {
                found.extend(scalar(&text, at).places().map(|place| at + place));
                at += Starts::REACH;
            }
            assert_eq!(found, expect);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn every_form_agrees_with_the_scalar_one(
            text in proptest::collection::vec(
                prop_oneof![4 => b'0'..=b'9', 2 => prop::sample::select(b" -./;<&%=\\\r\n".to_vec()), 1 => any::<u8>()],
                0..1200,
            ),
            cuts in proptest::collection::vec(0usize..1200, 50),
        ) {
            for kernels in Kernels::all() {
                for from in &cuts {
                    prop_assert_eq!((kernels.starts)(&text, *from), scalar(&text, *from));
                }
            }
        }
    }
}
