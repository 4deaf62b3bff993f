//! Base64 by blocks, lines by a guess of their length: the loop of each wide form.
//!
//! A line is guessed to be as long as the one before, at first 76 letters and CRLF, as nearly all are. It is decoded by
//! blocks from its start and one that ends where it ends ([`Form::lines`]); the two overlap, which costs less than a
//! narrower block. Only then one test tells whether all were letters. A guess that fails costs one line; block after
//! block finds where it ends ([`Form::blocks`]), and that is the next guess.

use super::{groups, line_ends};

/// How a machine decodes a block of `BLOCK` letters. `Fine` is what it knows of some blocks: whether each byte of them
/// was a letter.
#[derive(Clone, Copy)]
pub(super) struct Form<const BLOCK: usize, Fine, Block, Others> {
    /// What is known of no block.
    pub(super) fine: Fine,
    /// Decodes to where there is room for as many bytes as there are letters, though it makes fewer; adds what it learns.
    pub(super) block: Block,
    /// A bit for each byte that was no letter, the lowest for the first.
    pub(super) others: Others,
}

/// What a line is thought to be like.
struct Guess {
    letters: usize,
    /// Whether it ends with a line feed and no return before it.
    feed_alone: bool,
}

impl Guess {
    fn length(&self) -> usize {
        self.letters + if self.feed_alone { 1 } else { 2 }
    }
}

#[allow(clippy::inline_always, reason = "each form is one loop, with its own block in it")]
impl<const BLOCK: usize, Fine, Block, Others> Form<BLOCK, Fine, Block, Others>
where
    Fine: Copy,
    Block: Fn(&[u8; BLOCK], &mut [u8; BLOCK], Fine) -> Fine,
    Others: Fn(Fine) -> u64,
{
    /// The bytes that a block makes.
    const MADE: usize = BLOCK / 4 * 3;

    /// As [`super::decode`].
    #[inline(always)]
    pub(super) fn decode(&self, bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
        let (mut at, mut made) = (0, 0);
        let mut guess = Guess { letters: 76, feed_alone: false };
        // The bytes may begin within a line, which says nothing about the length of one.
        let mut whole = false;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let to = room.get_mut(made..).unwrap_or_default();
            let done = if guess.feed_alone {
                self.lines(rest, to, guess.letters, *b"\n")
            } else {
                self.lines(rest, to, guess.letters, *b"\r\n")
            };
            at += done * guess.length();
            made += done * guess.letters / 4 * 3;
            let start = at;
            at += self.blocks(bytes, at, room, made);
            made += (at - start) / 4 * 3;
            let ends = bytes.get(at..).unwrap_or_default();
            match line_ends(ends) {
                0 => return (at, made),
                skip => {
                    if whole {
                        guess = Guess { letters: at - start, feed_alone: !ends.starts_with(b"\r") };
                    }
                    whole = true;
                    at += skip;
                }
            }
        }
    }

    /// Decodes lines of so many letters, a multiple of four, and `end`; tells how many.
    #[inline(always)]
    fn lines<const END: usize>(
        &self,
        bytes: &[u8],
        room: &mut [u8],
        letters: usize,
        end: [u8; END],
    ) -> usize {
        if letters < BLOCK {
            return 0;
        }
        let (length, makes) = (letters + END, letters / 4 * 3);
        let (mut at, mut made, mut done) = (0, 0, 0);
        loop {
            let Some(line) = bytes.get(at..at + length) else { return done };
            let Some(slot) = room.get_mut(made..made + makes + BLOCK - Self::MADE) else { return done };
            if line.last_chunk() != Some(&end) {
                return done;
            }
            let mut fine = self.fine;
            let mut from = 0;
            while from + BLOCK < letters {
                fine = self.block_at(line, from, slot, from / 4 * 3, fine);
                from += BLOCK;
            }
            let last = letters - BLOCK;
            fine = self.block_at(line, last, slot, last / 4 * 3, fine);
            if (self.others)(fine) != 0 {
                return done;
            }
            at += length;
            made += makes;
            done += 1;
        }
    }

    /// Decodes the groups from `start` on, up to what is none or the end of the room; tells how many letters.
    #[inline(always)]
    fn blocks(&self, bytes: &[u8], start: usize, room: &mut [u8], made: usize) -> usize {
        let bytes = bytes.get(start..).unwrap_or_default();
        let room = room.get_mut(made..).unwrap_or_default();
        let (mut at, mut made) = (0, 0);
        while at + BLOCK <= bytes.len() && made + BLOCK <= room.len() {
            let others = (self.others)(self.block_at(bytes, at, room, made, self.fine));
            if others != 0 {
                // The groups before the first byte that is no letter.
                return at + others.trailing_zeros() as usize / 4 * 4;
            }
            at += BLOCK;
            made += Self::MADE;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        at + 4 * groups(rest, room.get_mut(made..).unwrap_or_default())
    }

    /// Decodes the block at `at` to `to`; nothing happens where either is too short.
    #[inline(always)]
    fn block_at(&self, bytes: &[u8], at: usize, room: &mut [u8], to: usize, fine: Fine) -> Fine {
        let letters = bytes.get(at..).and_then(|from| from.first_chunk());
        let slot = room.get_mut(to..).and_then(|to| to.first_chunk_mut());
        match (letters, slot) {
            (Some(letters), Some(slot)) => (self.block)(letters, slot, fine),
            _ => fine,
        }
    }
}
