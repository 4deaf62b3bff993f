//! Quoted-printable, 62 bytes at once by bits: which bytes stay, and where the first oddity stands.
//!
//! What a byte is depends on the two before it alone. So a wide form finds the marks of each kind in a block of 64 bytes
//! whose first two have been read already, and all is told by shifts and ands; nothing goes from block to block. Of an
//! escape the `=` and the first digit are dropped, and its value stands where its second digit stood; of a soft break
//! all is dropped. A byte that breaks a rule stops the reading: at the `=` that made the rule, or where the byte itself
//! is a line feed after blanks.

use super::{Place, before_blanks, decode_from, hex, step};

/// The bytes that a form judges at once, with the two that it knows already.
pub(super) const BLOCK: usize = 64;
/// Those of them that come before.
pub(super) const BEFORE: usize = 2;
/// A block, and before it two more that say what its first two were; after it what a copy of a whole block takes.
pub(super) const WINDOW: usize = 2 * BEFORE + BLOCK;

/// A bit for each byte of a kind, the lowest for the first byte.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    pub(super) equals: u64,
    pub(super) hex: u64,
    pub(super) blank: u64,
    pub(super) cr: u64,
    pub(super) lf: u64,
}

/// What becomes of a block.
pub(super) struct Judged {
    /// A bit for each byte that stays; none for the two that come before.
    pub(super) keep: u64,
    /// Whether all of it is text, to be copied as it is.
    pub(super) text: bool,
    /// Where in the block the reading stops, if it does.
    pub(super) stop: Option<usize>,
}

impl Marks {
    #[inline]
    pub(super) fn judge(&self) -> Judged {
        // Each by its name: a bit is set where the byte before, or the two before, are so.
        let equals = self.equals << 1;
        let after_half = (equals & self.hex) << 1;
        let after_soft = (equals & self.cr) << 1;
        let blank = self.blank << 1;
        let after_line = (self.cr & blank) << 1;

        let new = u64::MAX << BEFORE;
        let first = equals & !(self.hex | self.cr | self.lf) & new;
        let second = (after_half & !self.hex | after_soft & !self.lf) & new;
        let padding = self.lf & (blank | after_line) & new;
        let keep = !(self.equals | equals | after_soft) & new;
        if first | second | padding == 0 {
            return Judged { keep, text: self.equals == 0, stop: None };
        }
        let odd = (first | second | padding).trailing_zeros();
        let back = if first >> odd & 1 == 1 { 1 } else { u32::from(second >> odd & 1 == 1) * 2 };
        let stop = odd.saturating_sub(back);
        Judged { keep: keep & ((1 << stop) - 1), text: false, stop: Some(stop as usize) }
    }
}

/// The loop of each wide form. `decode` reads the block of a window, puts what it gives to the slot, and says how much
/// that is and where the reading stops; `ROOM` is what it may write to.
#[inline(always)]
#[allow(clippy::inline_always, reason = "each form is one loop, with its own block in it")]
pub(super) fn blocks<const ROOM: usize>(
    bytes: &[u8],
    room: &mut [u8],
    mut decode: impl FnMut(&[u8; WINDOW], &mut [u8; ROOM]) -> (usize, Option<usize>),
) -> (usize, usize) {
    let mut place = Place::default();
    // What the first bytes of a block are is said by those before.
    while place.at < 2 * BEFORE {
        if !step(bytes, room, &mut place) {
            return before_blanks(bytes, place);
        }
    }
    loop {
        let window = bytes.get(place.at - 2 * BEFORE..).and_then(|from| from.first_chunk());
        let slot = room.get_mut(place.made..).and_then(|to| to.first_chunk_mut());
        let (Some(window), Some(slot)) = (window, slot) else { return rest(bytes, room, place) };
        let (made, stop) = decode(window, slot);
        place.made += made;
        if let Some(stop) = stop {
            place.at = place.at - BEFORE + stop;
            return before_blanks(bytes, place);
        }
        place.at += BLOCK - BEFORE;
    }
}

/// Goes on by smaller steps where there are too few bytes or too little room left for a block. What it has read
/// may end within an escape or a soft break.
fn rest(bytes: &[u8], room: &mut [u8], mut place: Place) -> (usize, usize) {
    place.at -= match bytes.get(..place.at).unwrap_or_default() {
        [.., b'='] => 1,
        [.., b'=', second] if *second == b'\r' || hex(*second).is_some() => 2,
        _ => 0,
    };
    decode_from(bytes, room, place)
}
