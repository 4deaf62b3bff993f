//! A text of any length through a buffer of fixed size, so that candidates are found however it was cut.
//!
//! Bytes are gathered until the buffer is full; then every candidate is visited that begins early enough to
//! be whole with its neighbourhood, and the rest moves to the front. As the buffer is always filled before it
//! is searched, the searches do not depend on the chunks (invariant 3). Tests: beside `scan`'s chunking test.

use super::context::{AFTER, BEFORE, Scratch};
use super::neighbours::{self, Neighbours, Tally};
use super::ruleset::Ruleset;
use super::table::{Cell, Tables};
use crate::cpr::candidate::{self, Candidate};
use crate::cpr::date::Day;
use crate::cpr::runs::Runs;
use crate::kernel::{Kernels, Starts};

/// The buffer's size; large enough that moving the overlap costs nothing, small enough for the first cache.
const SIZE: usize = 16 * 1024;

/// What must follow a first digit before its candidate is judged.
const AHEAD: usize = candidate::LONGEST + neighbours::REACH;

/// What is kept before the next candidate: the rows of a table above it, and its neighbours.
const BACK: usize = 2048;
const _: () = assert!(BACK >= BEFORE && BACK >= neighbours::REACH && neighbours::REACH >= AFTER);

/// See the module's head.
pub(super) struct Window {
    /// Never longer than [`SIZE`], and never cleared with zeros: a small mail must not pay for the whole of it.
    buffer: Vec<u8>,
    /// Everything before here has been searched.
    searched: usize,
    /// Visits what is written as a number and has no day, too: somebody asked why it is none.
    pub(super) shows_all: bool,
    place: Counted,
    lore: Lore,
}

/// What has been learnt of the text so far.
#[derive(Default)]
struct Lore {
    tables: Tables,
    tally: Tally,
    /// Made at the first number, since most texts hold none.
    scratch: Option<Box<Scratch>>,
}

/// The place of the buffer's first byte in the part, and of the byte to which lines have been counted.
#[derive(Clone, Copy)]
struct Counted {
    base: u64,
    at: usize,
    line: u64,
}

/// A candidate with the text it stands in.
pub(super) struct Hit<'a> {
    pub(super) candidate: &'a Candidate,
    text: &'a [u8],
    place: &'a mut Counted,
    lore: &'a mut Lore,
}

impl<'a> Hit<'a> {
    /// The bytes before it.
    pub(super) fn before(&self) -> &'a [u8] {
        let start = self.candidate.span.start;
        self.text.get(start.saturating_sub(BEFORE)..start).unwrap_or_default()
    }

    /// The bytes behind it.
    pub(super) fn after(&self) -> &'a [u8] {
        let end = self.candidate.span.end;
        self.text.get(end..(end + AFTER).min(self.text.len())).unwrap_or_default()
    }

    /// The cell it stands in, its start counted from the start of [`Self::before`].
    pub(super) fn cell(&mut self, rules: &Ruleset) -> Option<Cell> {
        let span = &self.candidate.span;
        let cell = self.lore.tables.cell_of(self.text, self.place.base, span, rules)?;
        Some(Cell { start: cell.start.saturating_sub(span.start.saturating_sub(BEFORE)), ..cell })
    }

    /// What has been read round the numbers before it, and how to learn of the bare numbers round it.
    pub(super) fn surroundings(
        &mut self,
        rules: &Ruleset,
        today: Day,
    ) -> (&mut Scratch, impl FnOnce() -> Neighbours) {
        let (span, text, base) = (&self.candidate.span, self.text, self.place.base);
        let Lore { tally, scratch, .. } = &mut *self.lore;
        let neighbours = move || tally.round(text, base, span, today, rules.exceptions());
        (scratch.get_or_insert_default(), neighbours)
    }

    /// Offset of the first digit in the part's text.
    pub(super) fn offset(&self) -> u64 {
        self.place.base + self.candidate.span.start as u64
    }

    /// The line it begins on, from 1. Counts on from the last hit, so that many hits cost one pass.
    pub(super) fn line(&mut self) -> u64 {
        self.place.count_to(self.text, self.candidate.span.start);
        self.place.line
    }
}

impl Counted {
    fn count_to(&mut self, text: &[u8], to: usize) {
        if let Some(between) = text.get(self.at..to) {
            self.line += memchr::memchr_iter(b'\n', between).count() as u64;
            self.at = to;
        }
    }
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            buffer: Vec::with_capacity(SIZE),
            searched: 0,
            shows_all: false,
            place: Counted { base: 0, at: 0, line: 1 },
            lore: Lore::default(),
        }
    }

    /// Begins another text.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.searched = 0;
        self.place = Counted { base: 0, at: 0, line: 1 };
        self.lore.tables.clear();
        self.lore.tally.clear();
        if let Some(scratch) = &mut self.lore.scratch {
            scratch.clear();
        }
    }

    /// What is in the buffer.
    pub(super) fn text(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes as much as fits without searching, and says how much it took.
    pub(super) fn gather(&mut self, bytes: &[u8], limit: usize) -> usize {
        let room = limit.min(SIZE).saturating_sub(self.buffer.len()).min(bytes.len());
        self.buffer.extend_from_slice(bytes.get(..room).unwrap_or_default());
        room
    }

    /// Takes more text and visits every candidate that is whole.
    pub(super) fn push(&mut self, mut bytes: &[u8], visit: &mut impl FnMut(Hit<'_>)) {
        loop {
            let taken = self.gather(bytes, SIZE);
            bytes = bytes.get(taken..).unwrap_or_default();
            if bytes.is_empty() {
                return;
            }
            self.search(SIZE - AHEAD, visit);
            self.slide();
        }
    }

    /// Visits what is left at the end of the text, and begins another.
    pub(super) fn finish(&mut self, visit: &mut impl FnMut(Hit<'_>)) {
        self.search(self.buffer.len(), visit);
        self.clear();
    }

    fn search(&mut self, limit: usize, visit: &mut impl FnMut(Hit<'_>)) {
        let text = self.buffer.as_slice();
        let from = self.searched;
        let mut visit = |candidate: &Candidate| {
            visit(Hit { candidate, text, place: &mut self.place, lore: &mut self.lore });
        };
        self.searched = if self.shows_all {
            sweep_each(text, from, limit, true, &mut visit).max(limit)
        } else {
            sweep(text, from, limit, visit)
        };
    }

    /// Moves what the next search needs to the front: the unsearched text, and the neighbourhood before it.
    fn slide(&mut self) {
        if self.place.base == 0 {
            self.lore.tables.keep_first_line(&self.buffer);
        }
        let keep_from = self.searched.saturating_sub(BACK).min(self.buffer.len());
        self.place.count_to(&self.buffer, keep_from.max(self.place.at));
        self.buffer.copy_within(keep_from.., 0);
        self.buffer.truncate(self.buffer.len() - keep_from);
        self.searched -= keep_from;
        self.place.at -= keep_from;
        self.place.base += keep_from as u64;
    }
}

/// Visits the candidates of a text that is whole in memory; `shows_all` as in [`Window`].
pub(super) fn whole(text: &[u8], shows_all: bool, visit: &mut impl FnMut(Hit<'_>)) {
    let (mut place, mut lore) = (Counted { base: 0, at: 0, line: 1 }, Lore::default());
    let mut visit = |candidate: &Candidate| {
        visit(Hit { candidate, text, place: &mut place, lore: &mut lore });
    };
    if shows_all {
        sweep_each(text, 0, text.len(), true, &mut visit);
    } else {
        sweep(text, 0, text.len(), visit);
    }
}

/// Visits the candidates that begin at or after `from` and before `limit`; returns where to go on.
fn sweep(text: &[u8], from: usize, limit: usize, mut visit: impl FnMut(&Candidate)) -> usize {
    let kernels = Kernels::best();
    let mut at = from;
    let mut base = from;
    while base < limit {
        let starts = (kernels.starts)(text, base);
        let end = limit.min(base + Starts::REACH);
        if starts.wide {
            at = sweep_each(text, at.max(base), end, false, &mut visit);
        } else {
            for start in starts.places().map(|place| base + place).take_while(|start| *start < end) {
                if start >= at {
                    at = look(text, start, limit, &mut visit);
                }
            }
        }
        base = end;
    }
    at.max(limit)
}

/// Looks at the run that begins at `start`, and says where to go on.
fn look(text: &[u8], start: usize, limit: usize, visit: &mut impl FnMut(&Candidate)) -> usize {
    let mut start = start;
    loop {
        let run = start..run_end(text, start);
        let next = tell(candidate::at(text, &run), visit).max(run.end);
        // The first digits of a run may belong to an escape: the rest is a run of its own.
        let is_inside = next < limit
            && text.get(next).is_some_and(u8::is_ascii_digit)
            && text.get(next - 1).is_some_and(u8::is_ascii_digit);
        if !is_inside {
            return next;
        }
        start = next;
    }
}

/// Where the digits end that begin at `start`. Eight bytes at a time: without its upper half a digit is 9 at most, and
/// with 0x76 added to it sets no top bit; any other byte does.
fn run_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let values = u64::from_le_bytes(*eight) ^ 0x3030_3030_3030_3030;
        let others = ((values & 0x7F7F_7F7F_7F7F_7F7F) + 0x7676_7676_7676_7676) | values;
        let others = others & 0x8080_8080_8080_8080;
        if others != 0 {
            return at + (others.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
}

/// As [`sweep`], looking at every run: where a digit of more than one byte may stand, and where what has no day is to be
/// shown too.
#[cold]
fn sweep_each(
    text: &[u8],
    from: usize,
    limit: usize,
    shows_all: bool,
    visit: &mut impl FnMut(&Candidate),
) -> usize {
    let mut at = from;
    let mut runs = Runs::starting(text, from);
    let mut wide = candidate::next_wide(text, from);
    loop {
        let run = runs.next().filter(|run| run.start < limit);
        while let Some(start) = wide.filter(|wide| *wide < run.as_ref().map_or(limit, |run| run.start)) {
            at = tell(candidate::wide_at(text, start), visit).max(start + 1);
            wide = candidate::next_wide(text, at);
        }
        let Some(run) = run else { break };
        if run.start < at {
            // A wide digit before it took it along.
            runs.skip_to(at);
            continue;
        }
        at = run.end;
        // A run that goes on from before `from` was seen there.
        let goes_on = run.start == from
            && from.checked_sub(1).and_then(|b| text.get(b)).is_some_and(u8::is_ascii_digit);
        if !goes_on {
            let found = candidate::at(text, &run);
            if shows_all
                && found.is_err()
                && let Ok(dayless) = candidate::shaped_at(text, &run)
            {
                visit(&dayless);
            }
            at = tell(found, visit).max(at);
            runs.skip_to(at);
            if wide.is_some_and(|wide| wide < at) {
                wide = candidate::next_wide(text, at);
            }
        }
    }
    at
}

/// Visits what was found, and says where to go on.
fn tell(found: Result<Candidate, usize>, visit: &mut impl FnMut(&Candidate)) -> usize {
    match found {
        Ok(found) => {
            visit(&found);
            found.span.end
        }
        Err(next) => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpr::candidate::Form;
    use proptest::prelude::*;

    /// From where, up to where, to whom; and where to go on.
    type Sweep = fn(&[u8], usize, usize, &mut dyn FnMut(&Candidate)) -> usize;

    const USUAL: Sweep = |text, from, limit, visit| sweep(text, from, limit, visit);
    const EACH: Sweep =
        |text, from, limit, mut visit| sweep_each(text, from, limit, false, &mut visit).max(limit);

    /// What a sweep over text in pieces of `step` visits.
    fn visited(text: &[u8], step: usize, sweep: Sweep) -> Vec<(std::ops::Range<usize>, Form)> {
        let (mut all, mut at) = (Vec::new(), 0);
        for limit in (1..=text.len().div_ceil(step)).map(|nr| (nr * step).min(text.len())) {
            if at < limit {
                at = sweep(text, at, limit, &mut |found| all.push((found.span.clone(), found.form)));
            }
        }
        all
    }

    /// The runs that are passed by unseen are those that a look at each would pass by.
    fn passes_by_nothing(text: &[u8]) {
        for step in [usize::MAX / 2, 100, 7] {
            let (fast, slow) = (visited(text, step, USUAL), visited(text, step, EACH));
            assert_eq!(fast, slow, "{:?} by {step}", String::from_utf8_lossy(text));
        }
    }

    /// At each place of a block, since a block sees only so far.
    #[test]
    fn every_length_of_groups_and_gap_is_looked_at() {
        let gaps = ["-", " ", " - ", "\r\n", ";", "<b>", "&nbsp;", "æ", ". ", "", "x", "%20", "=\r\n"];
        let digits = "150379102850379102";
        let mut text = String::new();
        for (first, gap) in (1..12).flat_map(|first| gaps.map(|gap| (first, gap))) {
            for (second, third) in (1..7).flat_map(|second| (0..7).map(move |third| (second, third))) {
                for last in [0, 2, 4, 5] {
                    for group in [first, second, third, last].into_iter().filter(|group| *group > 0) {
                        text += digits.get(..group).unwrap();
                        text += gap;
                    }
                    text += "yx  ";
                }
            }
        }
        // Where the gaps are not alike.
        text += "15 03 79 10 28 x 15.03.1<b>9</b>79-1028 x 15.03.197<b></b>9-1028 x 15.03.7<b>9</b>-1028 x 15-0&#51;-1979 1028";
        text +=
            " x 15-<i>0</i>3-79 1028 x 1 5<b>0</b> 3 7 9 1 0 2 8 x 150379<b>-</b>1028 x 150379-10<b>28</b> x";
        let expect = visited(text.as_bytes(), text.len(), EACH);
        assert!(expect.len() > 1000, "{}", expect.len());
        for shift in 0..Starts::REACH / 16 {
            let shifted = " ".repeat(shift) + &text;
            let found = visited(shifted.as_bytes(), shifted.len(), USUAL);
            let back = found.into_iter().map(|(span, form)| (span.start - shift..span.end - shift, form));
            assert!(back.eq(expect.iter().cloned()), "shifted by {shift}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]
        #[test]
        fn what_is_not_worth_a_look_is_no_candidate(
            pieces in proptest::collection::vec(prop_oneof![
                6 => "[0-9]{1,4}",
                3 => "[0-9]{6}|[0-9]{8}|[0-9]{9}|[0-9]{10}|[0-9]{2}[-. ][0-9]{2}[-. ]",
                4 => prop::sample::select(vec![" ", "-", ".", "/", ";", "\r\n", "\n", "\t", "  ", " - ", "x", "CPR"]).prop_map(str::to_owned),
                2 => prop::sample::select(vec![
                    "<b>", "</td><td>", "&nbsp;", "&#45;", "&#49;", "%20", "%2D", "=\r\n", "=31", "\\u00e5", "\\n", "\\u0031",
                    "\u{ad}", "\u{a0}", "\u{2011}", "å", "\"", "a", "u", "#", "=", "&", "%", "<", "\\",
                ]).prop_map(str::to_owned),
            ], 0..60),
        ) {
            passes_by_nothing(pieces.concat().as_bytes());
        }
    }

    #[test]
    fn a_run_ends_where_its_digits_do() {
        for (byte, place) in (0..=u8::MAX).flat_map(|byte| (0..20).map(move |place| (byte, place))) {
            let mut text = *b"01234567899876543210";
            text[place] = byte;
            let expect = if byte.is_ascii_digit() { 20 } else { place };
            assert_eq!(run_end(&text, 0), expect, "{byte} at {place}");
        }
    }

    /// Numbers at every distance from the buffer's edge, each found once, with its line and offset.
    #[test]
    fn numbers_on_the_edge_are_found_once() {
        for shift in 0..300 {
            let before = SIZE - 250 + shift;
            let mut text: Vec<u8> = (0..before).map(|i| if i % 60 == 59 { b'\n' } else { b'x' }).collect();
            text.push(b' ');
            let offset = text.len() as u64;
            let line = memchr::memchr_iter(b'\n', &text).count() as u64 + 1;
            text.extend_from_slice(b"150379-1234 ");
            text.extend(std::iter::repeat_n(b'y', SIZE));
            for chunk in [1, 7, 1000, text.len()] {
                let mut window = Window::new();
                let mut found = Vec::new();
                let mut visit = |mut hit: Hit<'_>| {
                    found.push((hit.offset(), hit.line(), hit.before().len(), hit.after().len()));
                };
                if chunk == 1 && shift % 50 != 0 {
                    continue;
                }
                for bytes in text.chunks(chunk) {
                    window.push(bytes, &mut visit);
                }
                window.finish(&mut visit);
                assert_eq!(found, [(offset, line, BEFORE, AFTER)], "shift {shift} chunk {chunk}");
            }
        }
    }

    #[test]
    fn a_run_longer_than_the_buffer_holds_no_number() {
        let text = vec![b'1'; 3 * SIZE + 10];
        let mut window = Window::new();
        let mut count = 0;
        window.push(&text, &mut |_| count += 1);
        window.finish(&mut |_| count += 1);
        assert_eq!(count, 0);
    }
}
