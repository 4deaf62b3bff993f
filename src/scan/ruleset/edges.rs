//! All look-alikes that are tied to a number, in one automaton for each side of it.
//!
//! Dozens of expressions speak of the few bytes beside a number. Each end of the text beside it is read once, away from
//! the number, until no expression can match any more: nearly always that is after a few bytes. The automata are built
//! while they are used, in bounded memory that scans lend one another. An expression that is tied to no edge is asked by
//! itself. Start reading at [`Ruleset::find_lookalikes`]. Tests: below, against the expressions one by one.

use super::expression::{Bytes, Expression, Side};
use super::{LookAlike, Ruleset};
use crate::cpr::candidate::Form;
use crate::scan::render;
use crate::scan::seen::Before;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};

/// How much of the text behind a number nearly always tells that nothing there matches, in bytes.
const FIRST: usize = 8;

/// Look-alikes that match at a number, in the order of the rules, each with where it begins in the text before it.
/// Holds text of a mail, so it has no `Debug`.
#[derive(Default)]
pub(in crate::scan) struct Matches {
    all: Vec<Match>,
    /// The text behind the number as a reader sees it.
    behind: Vec<u8>,
    trace: Trace,
}

/// How the text before the last number was read.
#[derive(Debug, Default)]
struct Trace {
    /// By which cache, how often that had been cleared, and in which edition of the text: what is noted here holds for
    /// those alone.
    key: Option<(u64, usize, u64)>,
    /// For each byte from `low` to `high`, the state behind it.
    states: Vec<LazyStateID>,
    low: usize,
    high: usize,
    /// The state at the end of a text.
    start: Option<LazyStateID>,
    /// Nothing could match any more at `low`.
    is_dead: bool,
    /// What was found, with its start, from the end of the text on.
    found: Vec<(usize, usize)>,
    new: Vec<(usize, usize)>,
}

impl Trace {
    fn begin(&mut self, key: (u64, usize, u64)) {
        if self.key != Some(key) {
            self.start = None;
        }
        self.key = Some(key);
        (self.low, self.high, self.is_dead) = (0, 0, false);
        self.found.clear();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Match {
    lookalike: usize,
    start: Option<usize>,
    is_behind: bool,
}

impl Matches {
    /// Each as its place in the rules, with its start.
    pub(in crate::scan) fn iter(&self) -> impl Iterator<Item = (usize, usize)> {
        self.all.iter().map(|one| (one.lookalike, one.start.unwrap_or(0)))
    }
}

/// What is known of a look-alike among all.
fn of(all: &mut Vec<Match>, lookalike: usize) -> Option<&mut Match> {
    let known = all.iter().position(|one| one.lookalike == lookalike);
    let place = known.unwrap_or(all.len());
    if known.is_none() {
        all.push(Match { lookalike, start: None, is_behind: false });
    }
    all.get_mut(place)
}

/// The memory of both automata. Each has a number of its own, since states of one mean nothing to another.
#[derive(Debug)]
struct Caches {
    nr: u64,
    before: Cache,
    after: Cache,
}

type Lender = Pool<Caches, Box<dyn Fn() -> Caches + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Edges {
    tied: Option<(Edge, Edge, Lender)>,
    /// The look-alikes that are asked one by one.
    loose: Vec<usize>,
}

/// The expressions of one side.
#[derive(Debug)]
struct Edge {
    automaton: DFA,
    /// For each of them its look-alike.
    lookalikes: Vec<usize>,
    /// The bytes that can stand beside the number where one of them matches.
    bytes: Bytes,
}

impl Edge {
    fn new(side: Side, all: &[(usize, &Expression)]) -> Option<Self> {
        let written: Vec<&str> = all.iter().filter_map(|(_, one)| one.tied()).collect();
        let automaton = DFA::builder()
            .configure(DFA::config().match_kind(MatchKind::All).skip_cache_capacity_check(true))
            .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(true))
            .thompson(thompson::Config::new().utf8(false).reverse(side == Side::Before))
            .build_many(&written)
            .ok()?;
        let bytes = all.iter().fold(Bytes::NONE, |bytes, (_, one)| bytes.or(one.edge()));
        Some(Self { automaton, lookalikes: all.iter().map(|(nr, _)| *nr).collect(), bytes })
    }

    /// Reads the text before a number from its end, and tells each look-alike that matches, with its start: of one that
    /// can begin at several places, the first is told last. `None` when the automaton gave up.
    ///
    /// An expression may reach far back. Where the automaton comes to a byte in the state in which it was at that byte
    /// for the last number, all that comes before is known already.
    fn read_back(
        &self,
        (cache, nr): (&mut Cache, u64),
        before: &Before<'_>,
        trace: &mut Trace,
        mut tell: impl FnMut(usize, usize),
    ) -> Option<()> {
        let (seen, start) = (before.seen, before.start);
        let clears = cache.clear_count();
        let key = (nr, clears, before.edition);
        if trace.key != Some(key) || (!trace.is_dead && trace.low > start) {
            trace.begin(key);
        }
        if trace.states.len() < seen.len() {
            trace.states.resize(seen.len(), LazyStateID::default());
        }
        trace.new.clear();
        let mut state = if let Some(state) = trace.start {
            state
        } else {
            let input = Input::new(before.text()).anchored(Anchored::Yes);
            *trace.start.insert(self.automaton.start_state_reverse(cache, &input).ok()?)
        };
        let Trace { states, new, low: known, high, .. } = &mut *trace;
        let known = *known..*high;
        let (mut low, mut is_dead, mut joined) = (seen.len(), false, None);
        while low > start {
            let at = low - 1;
            let slot = states.get_mut(at)?;
            state = self.automaton.next_state(cache, state, *seen.get(at)?).ok()?;
            low = at;
            if *slot == state && known.contains(&at) {
                joined = Some(at);
                break;
            }
            *slot = state;
            if state.is_tagged() {
                // A match is told one byte late.
                self.tell(cache, state, |lookalike| new.push((lookalike, at + 1)));
                if !state.is_match() {
                    is_dead = state.is_dead();
                    is_dead.then_some(())?;
                    break;
                }
            }
        }
        if cache.clear_count() != clears {
            // What was noted before is worth nothing; so rare that the text may as well be read once more.
            trace.key = None;
            if joined.is_some() {
                return self.read_back((cache, nr), before, trace, tell);
            }
        }
        if let Some(joined) = joined {
            trace.found.retain(|(_, start)| *start <= joined + 1);
            (low, is_dead) = (trace.low, trace.is_dead);
        } else {
            trace.found.clear();
        }
        (trace.low, trace.high, trace.is_dead) = (low, seen.len(), is_dead);
        if !trace.new.is_empty() {
            trace.new.append(&mut trace.found);
            std::mem::swap(&mut trace.new, &mut trace.found);
        }
        for (lookalike, from) in trace.found.iter().filter(|(_, from)| *from > start) {
            tell(*lookalike, from - start);
        }
        if start > low || (start == low && !is_dead) {
            if start < seen.len() {
                state = *trace.states.get(start)?;
            }
            state = self.automaton.next_eoi_state(cache, state).ok()?;
            self.tell(cache, state, |lookalike| tell(lookalike, 0));
        }
        Some(())
    }

    /// Reads `text` from its start, and tells each look-alike that matches. Whether more text can change that: `is_all`
    /// says that there is none.
    fn read(
        &self,
        cache: &mut Cache,
        text: &[u8],
        is_all: bool,
        mut tell: impl FnMut(usize),
    ) -> Option<bool> {
        let input = Input::new(text).anchored(Anchored::Yes);
        let mut state = self.automaton.start_state_forward(cache, &input).ok()?;
        for byte in text {
            state = self.automaton.next_state(cache, state, *byte).ok()?;
            if state.is_tagged() {
                self.tell(cache, state, &mut tell);
                if !state.is_match() {
                    return state.is_dead().then_some(false);
                }
            }
        }
        if is_all {
            state = self.automaton.next_eoi_state(cache, state).ok()?;
            self.tell(cache, state, &mut tell);
        }
        Some(!is_all)
    }

    fn tell(&self, cache: &Cache, state: LazyStateID, mut tell: impl FnMut(usize)) {
        if !state.is_match() {
            return;
        }
        for nr in 0..self.automaton.match_len(cache, state) {
            let expression = self.automaton.match_pattern(cache, state, nr).as_usize();
            if let Some(lookalike) = self.lookalikes.get(expression) {
                tell(*lookalike);
            }
        }
    }
}

impl Edges {
    pub(super) fn new(lookalikes: &[LookAlike]) -> Self {
        let is_tied =
            |one: &LookAlike| [&one.before, &one.after].into_iter().flatten().all(|one| one.tied().is_some());
        let tied = || lookalikes.iter().enumerate().filter(|(_, one)| is_tied(one));
        let before: Vec<_> = tied().filter_map(|(nr, one)| Some((nr, one.before.as_ref()?))).collect();
        let after: Vec<_> = tied().filter_map(|(nr, one)| Some((nr, one.after.as_ref()?))).collect();
        let edges = Edge::new(Side::Before, &before).zip(Edge::new(Side::After, &after));
        let loose = |nr: &usize| edges.is_none() || lookalikes.get(*nr).is_some_and(|one| !is_tied(one));
        let loose = (0..lookalikes.len()).filter(loose).collect();
        let tied = edges.map(|(before, after)| {
            let automata = (before.automaton.clone(), after.automaton.clone());
            let lend: Box<dyn Fn() -> Caches + Send + Sync + UnwindSafe + RefUnwindSafe> =
                Box::new(move || {
                    static MADE: AtomicU64 = AtomicU64::new(0);
                    let nr = MADE.fetch_add(1, Ordering::Relaxed);
                    Caches { nr, before: automata.0.create_cache(), after: automata.1.create_cache() }
                });
            (before, after, Pool::new(lend))
        });
        Self { tied, loose }
    }

    /// What matches of those that are tied, whatever the form; `false` when the automata gave up.
    fn find(&self, before: &Before<'_>, raw_behind: &[u8], matches: &mut Matches) -> bool {
        let Some((back, on, lender)) = &self.tied else { return true };
        let Matches { all, behind, trace } = matches;
        let mut lent = None;
        if before.text().last().is_none_or(|last| back.bytes.holds(*last)) {
            let caches = &mut **lent.get_or_insert_with(|| lender.get());
            let tell = |lookalike, start| {
                if let Some(one) = of(all, lookalike) {
                    one.start = Some(start);
                }
            };
            if back.read_back((&mut caches.before, caches.nr), before, trace, tell).is_none() {
                trace.key = None;
                return false;
            }
        }
        behind.clear();
        let first = raw_behind.get(..FIRST).filter(|first| render::looks_as_written(first));
        let read = match first {
            Some(first) => {
                behind.extend_from_slice(first);
                FIRST
            }
            None => render::write_first(raw_behind, behind, FIRST),
        };
        let blanks = behind.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let head = behind.get(..behind.len() - blanks).unwrap_or_default();
        let mut is_open = Some(head.first().is_none_or(|first| on.bytes.holds(*first)));
        let mut tell = |lookalike| {
            if let Some(one) = of(all, lookalike) {
                one.is_behind = true;
            }
        };
        if is_open == Some(true) {
            let cache = &mut lent.get_or_insert_with(|| lender.get()).after;
            is_open = on.read(cache, head, false, &mut tell);
            if is_open == Some(true) {
                render::write(raw_behind.get(read..).unwrap_or_default(), behind, |_, _| ());
                is_open = on.read(cache, behind, true, &mut tell);
            }
        }
        is_open.is_some()
    }
}

impl Ruleset {
    /// The look-alikes that match a number of this form between `before`, as a reader sees it, and `raw_behind`, as it is
    /// written.
    pub(in crate::scan) fn find_lookalikes(
        &self,
        form: Form,
        before: &Before<'_>,
        raw_behind: &[u8],
        matches: &mut Matches,
    ) {
        matches.all.clear();
        let edges = &self.edges;
        let is_done = edges.find(before, raw_behind, matches);
        if is_done && matches.all.is_empty() && edges.loose.is_empty() {
            return;
        }
        matches.all.retain(|found| {
            self.lookalikes.get(found.lookalike).is_some_and(|one| {
                one.may_be(form)
                    && (one.before.is_none() || found.start.is_some())
                    && (one.after.is_none() || found.is_behind)
            })
        });
        for found in &mut matches.all {
            found.start.get_or_insert(before.text().len());
        }
        if is_done && edges.loose.is_empty() {
            matches.all.sort_unstable_by_key(|one| one.lookalike);
            return;
        }
        see(raw_behind, &mut matches.behind);
        if !is_done {
            matches.all.clear();
        }
        let mut ask = |lookalike: usize| {
            let one = self.lookalikes.get(lookalike);
            let start = one.and_then(|one| one.starts(form, before.text(), &matches.behind));
            matches.all.extend(start.map(|start| Match { lookalike, start: Some(start), is_behind: true }));
        };
        if is_done {
            edges.loose.iter().copied().for_each(&mut ask);
        } else {
            (0..self.lookalikes.len()).for_each(&mut ask);
        }
        matches.all.sort_unstable_by_key(|one| one.lookalike);
    }
}

fn see(raw: &[u8], seen: &mut Vec<u8>) {
    seen.clear();
    render::write(raw, seen, |_, _| ());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same_as_one_by_one(rules: &Ruleset, before: &Before<'_>, raw: &str, matches: &mut Matches) {
        let mut behind = Vec::new();
        see(raw.as_bytes(), &mut behind);
        for form in [Form::Plain, Form::Blank, Form::Dashed] {
            rules.find_lookalikes(form, before, raw.as_bytes(), matches);
            let found: Vec<_> = matches.iter().collect();
            let asked = rules.lookalikes.iter().enumerate();
            let one_by_one: Vec<_> =
                asked.filter_map(|(nr, one)| Some((nr, one.starts(form, before.text(), &behind)?))).collect();
            assert_eq!(found, one_by_one, "{:?} {raw:?} {form:?}", String::from_utf8_lossy(before.text()));
        }
    }

    fn alone(before: &str, edition: u64) -> Before<'_> {
        Before { seen: before.as_bytes(), start: 0, edition, labels: [None; 2] }
    }

    fn built_in() -> &'static Ruleset {
        static RULES: std::sync::OnceLock<Ruleset> = std::sync::OnceLock::new();
        RULES.get_or_init(|| Ruleset::built_in().unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn all_at_once_find_what_one_by_one_do(
            before in proptest::collection::vec(prop::sample::select(vec![
                "9570", " ", "-", "+71<", "+", "A12", "nr", ".", ":", "#", "https://", "x", "\n", "\t", "id", "Aarhus ",
                "Kommune", "Lone ", "Hussein", ",", "\"", "cvr 29189846 ", "pnr", "PID|", "1", "|", "CPR", "type", "=",
            ]), 0..8),
            behind in proptest::collection::vec(prop::sample::select(vec![
                "<", "-", "01", " ", ",", ".", "50", "liter", "kr.", "Ringsted", "Sandholm", "\r\n", "\n", "@", "^^^CPR",
                "Flemming ", "Thygesen", "</b>", "&lt;", "%", "\"", "type", ":", "CPR", "ms", "\u{d8}jvind", "x",
            ]), 0..8),
        ) {
            same_as_one_by_one(built_in(), &alone(&before.concat(), 1), &behind.concat(), &mut Matches::default());
        }

        /// A text that grows, read from any start, by one that remembers.
        #[test]
        fn what_is_remembered_changes_nothing(
            pieces in proptest::collection::vec((proptest::collection::vec(prop::sample::select(vec![
                "9570", " ", "-", "+71<", "+45 ", "A12", "nr", ".", ":", "https://", "x", "\n", "Aarhus ", "Kommune", "Lone ",
                "Hussein", ",", "\"", "cvr 29189846 ", "pnr", "PID|", "1", "|", "1503791028", "1503791028 ", "id=", "71 ",
            ]), 0..4), 0..30_usize, 0..20_u64), 1..20),
        ) {
            let mut matches = Matches::default();
            let mut text = String::new();
            let mut edition = 0;
            for (piece, start, is_new) in pieces {
                text += &piece.concat();
                if is_new == 0 {
                    edition += 1;
                    text.clear();
                }
                let start = text.len().saturating_sub(start * 3);
                let before = Before { seen: text.as_bytes(), start, edition, labels: [None; 2] };
                same_as_one_by_one(built_in(), &before, " x", &mut matches);
            }
        }
    }

    /// One that is tied to no edge is asked by itself, and all are when the automata give up.
    #[test]
    fn a_loose_one_is_found_too() {
        let lookalikes = "[[lookalike]]\nname='loose'\nweight=-1.0\nbefore='x'\nmust=['x {n}']\nmust_not=['{n}']\n\
            [[lookalike]]\nname='tied'\nweight=-1.0\nbefore=' $'\nafter='^ 1'\nmust=['x {n} 1']\nmust_not=['{n}']";
        let texts = super::super::RuleTexts { lookalikes, ..super::super::RuleTexts::BUILT_IN };
        let mut rules = Ruleset::parse(texts).unwrap();
        assert_eq!(rules.edges.loose, [0]);
        let mut matches = Matches::default();
        for is_given_up in [false, true] {
            if is_given_up {
                rules.edges = Edges { tied: None, loose: vec![0, 1] };
            }
            same_as_one_by_one(&rules, &alone("x ", 1), " 1", &mut matches);
            assert_eq!(matches.all.len(), 2);
            for (nr, (before, behind)) in [("y ", " 1"), ("x ", " 2"), ("", "")].into_iter().enumerate() {
                same_as_one_by_one(&rules, &alone(before, nr as u64 + 2), behind, &mut matches);
            }
        }
    }
}
