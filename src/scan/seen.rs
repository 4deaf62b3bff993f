//! The text before a number as a reader sees it, carried on from one number to the next.
//!
//! Where numbers stand closely, the text before each is nearly the text before the last one: only what is new is written
//! and searched for labels, so that a number costs what stands between it and the last one, however far a label reaches.
//! What is told is what would be told if all were written anew; but a tag is known as one where it begins before the
//! text that is looked at. Start reading at [`Seen::before`]. Tests: below, against a `Seen` that knows nothing yet.

use super::labels::{Near, Nearest};
use super::render;
use super::ruleset::Ruleset;
use memchr::{memchr, memmem, memrchr, memrchr2};

/// How many bytes before a number are looked at where no tag or reference makes text longer than it looks.
const BEFORE_PLAIN: usize = 176;

/// Longer than this, what is seen loses its beginning; so long that moving the rest costs nothing.
const LONGEST: usize = 1536;

/// See the module's head.
#[derive(Default)]
pub(super) struct Seen {
    text: Vec<u8>,
    /// Where in the whole text that begins and ends which is seen in `text`. Empty at first.
    from: u64,
    to: u64,
    /// Where text and what is seen of it are not of one length: how far the one and the other.
    steps: Vec<(u64, usize)>,
    /// Another number each time that what was in `text` is no longer there.
    edition: u64,
    /// The last `<` or `&`.
    mark: Option<u64>,
    labels: Nearest,
    /// A tag that may end behind the last number.
    open: Option<Open>,
}

/// What was known where a tag begins.
#[derive(Clone, Copy)]
struct Open {
    at: u64,
    /// It is a comment, which may hold a `>`.
    is_comment: bool,
    length: usize,
    steps: usize,
    labels: Nearest,
}

/// The text before a number.
pub(super) struct Before<'a> {
    /// As a reader sees it, and more before it.
    pub(super) seen: &'a [u8],
    /// Where in that it begins.
    pub(super) start: usize,
    /// While this is the same, `seen` only grows.
    pub(super) edition: u64,
    /// The strong label that ends last in it, and the hint after that.
    pub(super) labels: [Option<Near<'a>>; 2],
}

impl Before<'_> {
    /// The text by itself.
    pub(super) fn text(&self) -> &[u8] {
        self.seen.get(self.start..).unwrap_or_default()
    }
}

impl Seen {
    /// Begins another text.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.edition += 1;
        (self.from, self.to) = (0, 0);
        self.steps.clear();
        self.mark = None;
        self.open = None;
    }

    /// What stands before the number at offset `at`: `raw` ends there. Nothing is looked at before `edge`, which counts
    /// from the start of `raw`.
    pub(super) fn before<'a>(
        &'a mut self,
        rules: &'a Ruleset,
        raw: &[u8],
        at: u64,
        edge: usize,
    ) -> Before<'a> {
        let first = at - raw.len() as u64;
        let rest = |from: u64| {
            raw.get(usize::try_from(from.saturating_sub(first)).unwrap_or(0)..).unwrap_or_default()
        };
        let near = at.saturating_sub(BEFORE_PLAIN as u64).max(first);
        let unmarked = self.to.clamp(near, at);
        if let Some(mark) = last_mark(rest(unmarked)) {
            self.mark = Some(unmarked + mark as u64);
        }
        let is_plain = self.mark.is_none_or(|mark| mark < near);
        let limit = (first + edge as u64).max(if is_plain { near } else { first }).min(at);
        self.close_tag(first, at, rest(self.to));
        if self.from > limit || self.to <= limit || self.to > at {
            self.begin(limit);
        }
        self.shorten(first);
        let may_hold_tag = self.to < unmarked || self.mark.is_some_and(|mark| mark >= self.to);
        self.read_on(rules, rest(self.to), may_hold_tag);
        let start = self.place_of(limit);
        Before { seen: &self.text, start, edition: self.edition, labels: self.labels.since(rules, start) }
    }

    fn begin(&mut self, from: u64) {
        self.text.clear();
        self.edition += 1;
        (self.from, self.to) = (from, from);
        self.steps.clear();
        self.steps.push((from, 0));
        self.labels = Nearest::default();
        self.open = None;
    }

    /// Goes back to where a tag begins, if it ends in what follows: what was taken for text is none.
    fn close_tag(&mut self, first: u64, at: u64, new: &[u8]) {
        let Some(open) = self.open else { return };
        let end = if open.is_comment { memmem::find(new, b"-->") } else { memchr(b'>', new) };
        let other = memchr(b'<', new.get(..end.unwrap_or(new.len())).unwrap_or_default());
        if other.is_some() || end.is_some() || self.to > at {
            self.open = None;
        }
        if other.is_some() || end.is_none() || self.to > at {
            return;
        }
        if open.at < first {
            // Its beginning is no longer at hand.
            self.to = 0;
            return;
        }
        self.text.truncate(open.length);
        self.edition += 1;
        self.steps.truncate(open.steps);
        self.labels = open.labels;
        self.to = open.at;
    }

    /// Writes what is new, and looks for labels in it. `may_hold_tag`: a tag may begin in it.
    fn read_on(&mut self, rules: &Ruleset, new: &[u8], may_hold_tag: bool) {
        if !may_hold_tag {
            self.write(new);
            self.labels.read_on(rules, &self.text);
            return;
        }
        let (new, tag) = memrchr(b'<', new).and_then(|tag| new.split_at_checked(tag)).unwrap_or((new, b""));
        // As they are before the word that the tag may turn out to stand in.
        let labels = self.labels;
        self.write(new);
        let is_comment = tag.starts_with(b"<!--");
        let is_ended = if is_comment {
            memmem::find(tag.get(4..).unwrap_or_default(), b"-->").is_some()
        } else {
            memchr(b'>', tag).is_some()
        };
        if !tag.is_empty() && !is_ended {
            let (length, steps) = (self.text.len(), self.steps.len());
            self.open = Some(Open { at: self.to, is_comment, length, steps, labels });
        }
        self.write(tag);
        self.labels.read_on(rules, &self.text);
    }

    fn write(&mut self, new: &[u8]) {
        let Self { text, to, steps, .. } = self;
        render::write(new, text, |read, seen| steps.push((*to + read as u64, seen)));
        *to += new.len() as u64;
    }

    /// Drops what lies before `first`, when there is much of it.
    fn shorten(&mut self, first: u64) {
        if self.text.len() < LONGEST || self.from >= first {
            return;
        }
        let drop = self.place_of(first);
        self.text.drain(..drop);
        self.edition += 1;
        let kept = self.steps.partition_point(|(at, _)| *at <= first);
        self.steps.drain(..kept);
        for (_, seen) in &mut self.steps {
            *seen -= drop.min(*seen);
        }
        self.steps.insert(0, (first, 0));
        self.from = first;
        self.labels.shorten(drop);
        self.open = self.open.take().filter(|open| open.at >= first && open.length >= drop).map(|open| {
            let mut labels = open.labels;
            labels.shorten(drop);
            Open { length: open.length - drop, steps: (open.steps + 1).saturating_sub(kept), labels, ..open }
        });
    }

    /// Where in what is seen that begins which is written from `at` on.
    fn place_of(&self, at: u64) -> usize {
        let next = self.steps.partition_point(|(read, _)| *read <= at);
        let (read, seen) =
            next.checked_sub(1).and_then(|last| self.steps.get(last)).copied().unwrap_or((at, 0));
        let most = self.steps.get(next).map_or(self.text.len(), |(_, seen)| *seen).min(self.text.len());
        let place = (seen + usize::try_from(at.saturating_sub(read)).unwrap_or(0)).min(most);
        let inside = self.text.get(place..).unwrap_or_default();
        place + inside.iter().take_while(|byte| matches!(byte, 0x80..=0xBF)).count()
    }
}

/// Where the last tag or reference may begin.
fn last_mark(text: &[u8]) -> Option<usize> {
    // Between numbers that stand closely, a search by vectors does not pay.
    if text.len() < 32 {
        return text.iter().rposition(|byte| matches!(byte, b'<' | b'&'));
    }
    memrchr2(b'<', b'&', text)
}

#[cfg(test)]
mod tests {
    use super::super::context::BEFORE;
    use super::*;
    use proptest::prelude::*;

    /// The text, and of each label its reason, share and distance from the end.
    type Told = (Vec<u8>, [Option<(String, u32, usize)>; 2]);

    /// What is told of the text before `at` by one that has read on, or that begins there.
    fn told(seen: &mut Seen, rules: &Ruleset, text: &[u8], at: usize) -> Told {
        let raw = text.get(at.saturating_sub(BEFORE)..at).unwrap();
        let before = seen.before(rules, raw, at as u64, 0);
        let length = before.text().len();
        let label = |near: Near<'_>| (near.label.reason.to_string(), near.share.to_bits(), length - near.end);
        // Where the text is cut, blanks may be another one's.
        (before.text().trim_ascii_start().to_vec(), before.labels.map(|near| near.map(label)))
    }

    fn goes_on_as_if_new(pieces: &[String], is_long: bool) {
        static RULES: std::sync::OnceLock<Ruleset> = std::sync::OnceLock::new();
        let rules = RULES.get_or_init(|| Ruleset::built_in().unwrap());
        let mut going_on = Seen::default();
        let mut text = Vec::new();
        for piece in pieces {
            text.extend_from_slice(piece.as_bytes());
            // Of a longer text, the new one sees a tag or an escape cut.
            if !is_long && text.len() > BEFORE_PLAIN {
                return;
            }
            let found = told(&mut going_on, rules, &text, text.len());
            let new = told(&mut Seen::default(), rules, &text, text.len());
            assert_eq!(found, new, "{:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(b"150379-1028");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn what_is_told_does_not_depend_on_the_numbers_before(
            pieces in proptest::collection::vec(proptest::collection::vec(prop::sample::select(vec![
                "CPR", " ", "Ordre nr. ", "borger", "<b>", "</td><td>", "<input value=\"", "\">", "<", ">", "\n", "\r\n",
                "<tr>", "&nbsp;", "\t", "  ", ". ", "Hans", "\u{c5}se", "150379 ", "<!--", "-->", "=", "\"id\":", "x < y",
            ]), 0..6), 1..8),
        ) {
            goes_on_as_if_new(&pieces.iter().map(|piece| piece.concat()).collect::<Vec<_>>(), false);
        }

        #[test]
        fn nor_in_a_text_of_any_length(
            pieces in proptest::collection::vec(proptest::collection::vec(prop::sample::select(vec![
                "CPR", " ", "Ordre nr. ", "borger ", "\n", "\r\n", "\t", "  ", ". ", "Hans", "og saa videre, ", ";",
            ]), 0..40), 1..60),
        ) {
            goes_on_as_if_new(&pieces.iter().map(|piece| piece.concat()).collect::<Vec<_>>(), true);
        }
    }
}
