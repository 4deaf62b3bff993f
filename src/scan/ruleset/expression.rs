//! A regular expression of a look-alike, with the bytes that can stand at the edge it is tied to.
//!
//! Dozens of them are asked of every number, and the byte beside the number answers for nearly all: an expression that
//! ends in `$` can only match a text whose last byte can be its last. Start reading at [`Expression::new`].

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// On which side of a number the text stands: the edge is the one beside the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Expression {
    regex: Regex,
    side: Side,
    /// A one for each byte that can stand at the edge of a text that matches.
    edge: Bytes,
    /// Whether the text that it matches always lies at the edge.
    is_tied: bool,
}

impl Expression {
    /// Compiles `written`, without regard to case.
    ///
    /// # Errors
    /// What the crate says of an expression that is none.
    pub(super) fn new(written: &str, side: Side) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(written).unicode(false).case_insensitive(true).build()?;
        let mut parser = ParserBuilder::new().unicode(false).utf8(false).case_insensitive(true).build();
        let (edge, is_tied) = parser
            .parse(written)
            .map_or((Bytes::ALL, false), |parsed| (edge(&parsed, side), is_tied(&parsed, side)));
        Ok(Self { regex, side, edge, is_tied })
    }

    /// As written, if all that it matches lies at the edge.
    pub(super) fn tied(&self) -> Option<&str> {
        self.is_tied.then(|| self.regex.as_str())
    }

    /// The bytes that can stand at the edge.
    pub(super) fn edge(&self) -> Bytes {
        self.edge
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.may_match(text) && self.regex.is_match(text)
    }

    /// Where the match begins.
    pub(super) fn start(&self, text: &[u8]) -> Option<usize> {
        if !self.may_match(text) {
            return None;
        }
        self.regex.find(text).map(|found| found.start())
    }

    fn may_match(&self, text: &[u8]) -> bool {
        let byte = match self.side {
            Side::Before => text.last(),
            Side::After => text.first(),
        };
        byte.is_none_or(|byte| self.edge.holds(*byte))
    }
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scan) struct Bytes([u64; 4]);

impl Bytes {
    pub(super) const NONE: Self = Self([0; 4]);
    const ALL: Self = Self([u64::MAX; 4]);

    pub(in crate::scan) fn holds(self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    pub(super) fn with(mut self, byte: u8) -> Self {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
        self
    }

    pub(super) fn or(self, other: Self) -> Self {
        let mut all = self;
        all.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
        all
    }
}

/// The bytes at the edge of what matches: all of them, unless the expression is tied to the edge and takes a byte there.
fn edge(parsed: &Hir, side: Side) -> Bytes {
    match outermost(parsed, side) {
        (bytes, false) if is_tied(parsed, side) => bytes,
        _ => Bytes::ALL,
    }
}

fn is_tied(parsed: &Hir, side: Side) -> bool {
    match side {
        Side::Before => parsed.properties().look_set_suffix().contains(Look::End),
        Side::After => parsed.properties().look_set_prefix().contains(Look::Start),
    }
}

/// The bytes that can stand outermost in what this matches, and whether it can match nothing.
fn outermost(part: &Hir, side: Side) -> (Bytes, bool) {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => (Bytes::NONE, true),
        HirKind::Literal(literal) => {
            let byte = match side {
                Side::Before => literal.0.last(),
                Side::After => literal.0.first(),
            };
            byte.map_or((Bytes::NONE, true), |byte| (Bytes::NONE.with(*byte), false))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            (bytes.fold(Bytes::NONE, Bytes::with), false)
        }
        HirKind::Class(Class::Unicode(_)) => (Bytes::ALL, false),
        HirKind::Repetition(repetition) => {
            let (bytes, may_be_empty) = outermost(&repetition.sub, side);
            (bytes, may_be_empty || repetition.min == 0)
        }
        HirKind::Capture(capture) => outermost(&capture.sub, side),
        HirKind::Concat(parts) => {
            let mut bytes = Bytes::NONE;
            let mut from_edge: Vec<&Hir> = parts.iter().collect();
            if side == Side::Before {
                from_edge.reverse();
            }
            for part in from_edge {
                let (more, may_be_empty) = outermost(part, side);
                bytes = bytes.or(more);
                if !may_be_empty {
                    return (bytes, false);
                }
            }
            (bytes, true)
        }
        HirKind::Alternation(parts) => {
            parts.iter().fold((Bytes::NONE, false), |(bytes, may_be_empty), part| {
                let (more, also) = outermost(part, side);
                (bytes.or(more), may_be_empty || also)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_byte_at_the_edge_answers_where_it_can() {
        for (written, side, edge) in [
            ("[0-9]-$", Side::Before, Some("-")),
            (r"(?:^|[^a-z])\+$", Side::Before, Some("+")),
            ("nr\\.?(?: er|:){0,4}$", Side::Before, Some("rR.:")),
            ("^-[0-9a-z]{2}", Side::After, Some("-")),
            ("^ ?<", Side::After, Some(" <")),
            ("^(?:a|bc)", Side::After, Some("aAbB")),
            // Tied to no edge, or to nothing at it.
            ("nr", Side::Before, None),
            ("a$|b", Side::Before, None),
            ("^ ?", Side::After, None),
            (r"^(?:\s|$)", Side::After, None),
        ] {
            let expect = edge.map_or(Bytes::ALL, |edge| edge.bytes().fold(Bytes::NONE, Bytes::with));
            assert_eq!(Expression::new(written, side).unwrap().edge, expect, "{written}");
        }
    }

    proptest! {
        #[test]
        fn no_match_is_missed(
            parts in prop::collection::vec(prop::sample::select(vec![
                "a", "[0-9]", "(?:b|c-)", " ?", "x*", "(?:nr|no)\\.?", "[^a-c]", "\\b", "(?:ab|)", "-{1,2}",
            ]), 1..5),
            texts in prop::collection::vec("[abcnrox0 .-]{0,6}", 30),
        ) {
            for side in [Side::Before, Side::After] {
                let written = match side {
                    Side::Before => format!("{}$", parts.concat()),
                    Side::After => format!("^{}", parts.concat()),
                };
                let expression = Expression::new(&written, side).unwrap();
                for text in &texts {
                    prop_assert_eq!(expression.is_match(text.as_bytes()), expression.regex.is_match(text.as_bytes()), "{} {}", &written, text);
                }
            }
        }
    }
}
