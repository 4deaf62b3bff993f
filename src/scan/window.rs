//! A text of any length through a window of fixed size, so that candidates are found however it was cut.
//!
//! Bytes are gathered until the window is full; then every candidate is visited that begins early enough to be whole
//! with its neighbourhood, and the window moves on. It stands over the buffer, or over the caller's bytes where they
//! hold all of it; as it is always full before it is searched, and its places depend on the text alone, the searches do
//! not depend on the chunks (invariant 3). Tests: beside `scan`'s chunking test.

use super::context::{AFTER, BEFORE, Scratch};
use super::neighbours::{self, Neighbours, Tally};
use super::ruleset::Ruleset;
use super::table::{Cell, Tables};
use crate::cpr::candidate::{self, Candidate};
use crate::cpr::date::Day;
use crate::cpr::runs::Runs;
use crate::kernel::{Kernels, Starts};

/// The window's size; large enough that reading the overlap again costs nothing, small enough for the first cache.
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
    search: Search,
}

/// How far a text has been searched. All places are counted from the window's first byte.
struct Search {
    /// Everything before here has been searched.
    searched: usize,
    /// A run of digits that begins before `searched` is to be looked at from there on.
    inside: bool,
    /// Visits what is written as a number and has no day, too: somebody asked why it is none.
    shows_all: bool,
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

/// The place of the window's first byte in the part, and of the byte to which lines have been counted.
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
            self.line += line_feeds(between);
            self.at = to;
        }
    }
}

/// How many line feeds there are. Every place of a block has a sum of its own, in a byte, so that the compiler makes
/// vectors of them; before one can overflow all are added up.
fn line_feeds(text: &[u8]) -> u64 {
    let is = |byte: &u8| u8::from(*byte == b'\n');
    let (blocks, rest) = text.as_chunks::<64>();
    let mut all = rest.iter().map(|byte| u64::from(is(byte))).sum();
    for some in blocks.chunks(u8::MAX.into()) {
        let mut sums = [0; 64];
        for block in some {
            sums.iter_mut().zip(block).for_each(|(sum, byte)| *sum += is(byte));
        }
        all += sums.iter().map(|sum| u64::from(*sum)).sum::<u64>();
    }
    all
}

impl Window {
    pub(super) fn new() -> Self {
        Self { buffer: Vec::with_capacity(SIZE), search: Search::new(false) }
    }

    /// The offset in the text of the first byte that may still be asked about,
    pub(super) fn begins(&self) -> u64 {
        self.search.place.base
    }

    /// and of the next that comes.
    pub(super) fn ends(&self) -> u64 {
        self.search.place.base + self.buffer.len() as u64
    }

    /// Begins another text.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.search.clear();
    }

    /// Whether to visit what is written as a number and has no day, too: somebody asked why it is none.
    pub(super) fn show_all(&mut self, all: bool) {
        self.search.shows_all = all;
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
    pub(super) fn push(&mut self, bytes: &[u8], visit: &mut impl FnMut(Hit<'_>)) {
        let Self { buffer, search } = self;
        let mut rest = bytes;
        loop {
            let (now, later) = rest.split_at_checked(SIZE - buffer.len()).unwrap_or((rest, &[]));
            buffer.extend_from_slice(now);
            if later.is_empty() {
                return;
            }
            search.run(buffer, SIZE - AHEAD, visit);
            let passed = search.pass(buffer);
            buffer.drain(..passed);
            rest = later;
            // All that the buffer still holds may stand in these bytes, with what follows it.
            let Some(begin) = (bytes.len() - rest.len()).checked_sub(buffer.len()) else { continue };
            buffer.clear();
            rest = bytes.get(begin..).unwrap_or_default();
            while let Some(window) = rest.get(..SIZE).filter(|_| rest.len() > SIZE) {
                search.run(window, SIZE - AHEAD, visit);
                rest = rest.get(search.pass(window)..).unwrap_or_default();
            }
        }
    }

    /// Visits what is left at the end of the text, and begins another.
    pub(super) fn finish(&mut self, visit: &mut impl FnMut(Hit<'_>)) {
        self.search.run(&self.buffer, self.buffer.len(), visit);
        self.clear();
    }
}

impl Search {
    fn new(shows_all: bool) -> Self {
        Self {
            searched: 0,
            inside: false,
            shows_all,
            place: Counted { base: 0, at: 0, line: 1 },
            lore: Lore::default(),
        }
    }

    /// Begins another text.
    fn clear(&mut self) {
        self.searched = 0;
        self.inside = false;
        self.place = Counted { base: 0, at: 0, line: 1 };
        self.lore.tables.clear();
        self.lore.tally.clear();
        if let Some(scratch) = &mut self.lore.scratch {
            scratch.clear();
        }
    }

    /// Visits the candidates of the window that begin before `limit` and have not been searched.
    fn run(&mut self, text: &[u8], limit: usize, visit: &mut impl FnMut(Hit<'_>)) {
        let mut visit = |candidate: &Candidate| {
            visit(Hit { candidate, text, place: &mut self.place, lore: &mut self.lore });
        };
        let from = Next { at: self.searched, inside: self.inside };
        let next = if self.shows_all {
            sweep_each(text, from, limit, true, &mut visit)
        } else {
            sweep(text, from, limit, &mut visit)
        };
        (self.searched, self.inside) = (next.at.max(limit), next.inside);
    }

    /// Moves on, and gives how far: what the next search needs are the unsearched text, and the neighbourhood before it.
    fn pass(&mut self, text: &[u8]) -> usize {
        if self.place.base == 0 {
            self.lore.tables.keep_first_line(text);
        }
        let passed = self.searched.saturating_sub(BACK).min(text.len());
        self.place.count_to(text, passed.max(self.place.at));
        self.searched -= passed;
        self.place.at -= passed;
        self.place.base += passed as u64;
        passed
    }
}

/// Visits the candidates of a text that is whole in memory; `shows_all` as in [`Window::show_all`].
pub(super) fn whole(text: &[u8], shows_all: bool, visit: &mut impl FnMut(Hit<'_>)) {
    Search::new(shows_all).run(text, text.len(), visit);
}

/// Where to look next.
#[derive(Clone, Copy, Debug, Default)]
struct Next {
    at: usize,
    /// The digits before `at` were taken by something else, an escape for one: those from `at` on are a run of their
    /// own. Otherwise the run that `at` stands inside of has been seen.
    inside: bool,
}

impl Next {
    /// What follows a look at the run that ends at `end`, after which `at` is to be looked at.
    fn after(text: &[u8], end: usize, at: usize) -> Self {
        let at = at.max(end);
        let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
        Self { at, inside: at > end && is_digit(at) && is_digit(at - 1) }
    }
}

/// Visits the candidates that begin at or after `from` and before `limit`.
fn sweep(text: &[u8], from: Next, limit: usize, visit: &mut impl FnMut(&Candidate)) -> Next {
    let kernels = Kernels::best();
    let mut next = look_on(text, from, limit, visit);
    let mut base = next.at;
    while base < limit {
        let starts = (kernels.starts)(text, base);
        if starts.wide {
            // To the end, since each look ahead for the next wide digit is one over all that is left.
            let from = if next.at < base { Next { at: base, inside: false } } else { next };
            return sweep_each(text, from, limit, false, visit);
        }
        let end = limit.min(base + Starts::REACH);
        for start in starts.places().map(|place| base + place).take_while(|start| *start < end) {
            if start >= next.at {
                next = look_on(text, look(text, start, visit), limit, visit);
            }
        }
        base = end;
    }
    next
}

/// Looks at the run that begins at `start`.
fn look(text: &[u8], start: usize, visit: &mut impl FnMut(&Candidate)) -> Next {
    let run = start..run_end(text, start);
    Next::after(text, run.end, tell(&candidate::at(text, &run), visit))
}

/// Looks at what is left of a run, and of that again, up to `limit`.
fn look_on(text: &[u8], from: Next, limit: usize, visit: &mut impl FnMut(&Candidate)) -> Next {
    let mut next = from;
    while next.inside && next.at < limit {
        next = look(text, next.at, visit);
    }
    next
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
    from: Next,
    limit: usize,
    shows_all: bool,
    visit: &mut impl FnMut(&Candidate),
) -> Next {
    let mut next = from;
    let mut runs = Runs::starting(text, from.at);
    let mut wide = candidate::next_wide(text, from.at);
    loop {
        let run = runs.next().filter(|run| run.start < limit);
        while let Some(start) = wide.filter(|wide| *wide < run.as_ref().map_or(limit, |run| run.start)) {
            next = Next::after(text, start + 1, tell(&candidate::wide_at(text, start), visit));
            wide = candidate::next_wide(text, next.at);
        }
        let Some(run) = run else { break };
        if run.start < next.at {
            // A wide digit before it took it along.
            runs.skip_to(next.at);
            continue;
        }
        // A run that goes on from before `from` was seen there.
        let goes_on = run.start == from.at
            && !from.inside
            && run.start.checked_sub(1).and_then(|b| text.get(b)).is_some_and(u8::is_ascii_digit);
        if goes_on {
            next = Next { at: run.end, inside: false };
            continue;
        }
        let found = candidate::at(text, &run);
        if shows_all
            && found.is_err()
            && let Ok(dayless) = candidate::shaped_at(text, &run)
        {
            visit(&dayless);
        }
        next = Next::after(text, run.end, tell(&found, visit));
        runs.skip_to(next.at);
        if wide.is_some_and(|wide| wide < next.at) {
            wide = candidate::next_wide(text, next.at);
        }
    }
    next
}

/// Visits what was found, and says where to go on.
fn tell(found: &Result<Candidate, usize>, visit: &mut impl FnMut(&Candidate)) -> usize {
    match found {
        Ok(found) => {
            visit(found);
            found.span.end
        }
        Err(next) => *next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpr::candidate::Form;
    use proptest::prelude::*;

    /// From where, up to where, to whom; and where to go on.
    type Sweep = fn(&[u8], Next, usize, &mut dyn FnMut(&Candidate)) -> Next;

    const USUAL: Sweep = |text, from, limit, mut visit| sweep(text, from, limit, &mut visit);
    const EACH: Sweep = |text, from, limit, mut visit| sweep_each(text, from, limit, false, &mut visit);

    /// What a sweep over text in pieces of `step` visits.
    fn visited(text: &[u8], step: usize, sweep: Sweep) -> Vec<(std::ops::Range<usize>, Form)> {
        let (mut all, mut next) = (Vec::new(), Next::default());
        for limit in (1..=text.len().div_ceil(step)).map(|nr| (nr * step).min(text.len())) {
            if next.at < limit {
                next = sweep(text, next, limit, &mut |found| all.push((found.span.clone(), found.form)));
            }
            next.at = next.at.max(limit);
        }
        all
    }

    /// The runs that are passed by unseen are those that a look at each would pass by.
    /// However it is cut.
    fn passes_by_nothing(text: &[u8]) {
        let each = visited(text, text.len().max(1), EACH);
        for step in [text.len().max(1), 100, 7] {
            for sweep in [USUAL, EACH] {
                assert_eq!(visited(text, step, sweep), each, "{:?} by {step}", String::from_utf8_lossy(text));
            }
        }
    }

    /// Digits behind an escape, and a seam at every place of them, with and without a letter of four bytes before.
    #[test]
    fn a_run_that_an_escape_begins_is_looked_at_behind_every_seam() {
        for before in ["", "\u{1F600}"] {
            for number in ["%C3%A6150379-1028", "\\u00e5150379-1028", "\\u00a01503791028", "&#49;50379-1028"]
            {
                for padding in 0..60 {
                    let text = format!("{before}{} {number} y", "x".repeat(Starts::REACH - 30 + padding));
                    passes_by_nothing(text.as_bytes());
                    assert_eq!(
                        visited(text.as_bytes(), 1 << 20, USUAL).len(),
                        1,
                        "{number} behind {padding}"
                    );
                }
            }
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

    /// What a wide digit begins is one run with the digits behind it, however many and wherever a buffer ends.
    #[test]
    fn a_long_run_behind_a_wide_digit_is_no_number() {
        for text in ["00000000000１00000000000007001000000 ", "x １60899802228956402724873"] {
            passes_by_nothing(text.as_bytes());
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
                    "\u{ad}", "\u{a0}", "\u{2011}", "å", "\u{1F600}", "\u{FF11}", "\"", "a", "u", "#", "=", "&", "%", "<", "\\",
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

    #[test]
    fn line_feeds_are_counted() {
        for length in (0..300).chain([255 * 64, 256 * 64 + 1, 1 << 16]) {
            let text = |byte: u8| vec![byte; length];
            assert_eq!(line_feeds(&text(b'\n')), length as u64);
            assert_eq!(line_feeds(&text(b'\r')), 0);
            let lines = b"ab\n".repeat(length);
            assert_eq!(line_feeds(&lines), length as u64);
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

    /// Whether it stands over the buffer or over the caller's bytes.
    #[test]
    fn the_window_has_the_same_places_however_the_text_is_cut() {
        let rows: Vec<String> =
            (0..6000).map(|nr| format!("{nr} {:1$}\n150379-1028;", "", nr % 31)).collect();
        let text = rows.concat();
        let visited = |chunk| {
            let (mut window, mut all) = (Window::new(), Vec::new());
            let mut visit = |mut hit: Hit<'_>| {
                let line = hit.line();
                all.push((hit.place.base, hit.text.len(), hit.candidate.span.clone(), line));
                let base = usize::try_from(hit.place.base).unwrap();
                assert!(text.as_bytes()[base..].starts_with(hit.text));
            };
            text.as_bytes().chunks(chunk).for_each(|bytes| window.push(bytes, &mut visit));
            window.finish(&mut visit);
            all
        };
        let expect = visited(1000);
        assert_eq!(expect.len(), 6000);
        for chunk in [7, 6 * 1024, SIZE - 1, SIZE, SIZE + 1, 3 * SIZE, 4 * SIZE, 4 * SIZE + 5000, text.len()]
        {
            assert_eq!(visited(chunk), expect, "by {chunk}");
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
