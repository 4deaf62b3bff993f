//! The rules as runnable: words in one automaton, look-alikes as compiled expressions, weights as numbers.
//!
//! Reads no file: the texts are arguments, so that the daemon may swap rules and a test may bring its own.
//! Every fault is reported, not only the first. The way of a rule: `read` takes a file apart, `written` is what
//! an entry may hold, `entry` keeps it with its place, `pack` lays the files over one another, `compile` makes
//! all of it runnable, `check` proves each entry by its own examples; `kinds` and `allow` say what a found number
//! counts for, `list` shows the rules to people. Start reading at [`Ruleset`]; the files are described in
//! `rules/README.md`.

mod allow;
mod check;
mod compile;
mod edges;
mod entry;
mod expression;
mod headers;
mod kinds;
mod list;
mod pack;
mod read;
#[cfg(test)]
mod tests;
mod written;

pub use allow::AllowList;
pub use entry::PackSource;
pub use headers::Family;
pub use kinds::{Kinds, Treatment};
pub use list::{Entry, Sort};
pub use pack::{Act, Change};

use super::finding::Confidence;
use super::labels::Label;
use crate::cpr::candidate::Form;
use crate::cpr::date::Day;
use crate::cpr::{Cpr, Exceptions};
use crate::mime::HeaderFilter;
use aho_corasick::AhoCorasick;
use check::Examples;
use edges::Edges;
pub(super) use edges::Matches;
pub(super) use expression::Bytes;
use expression::Expression;
use headers::Headers;
use std::fmt;
use std::sync::Arc;
pub(super) use written::{Distance, NeighbourWeights};
use written::{Threshold, Weights};

/// The file of weights and kinds.
pub const CPR: &str = "cpr.toml";
/// The file of labels.
pub const CONTEXT: &str = "context.da.toml";
/// The file of look-alikes.
pub const LOOKALIKES: &str = "lookalikes.toml";

/// The file of header fields that are not read.
pub const HEADERS: &str = "headers.toml";

/// The texts of the rule files.
#[derive(Clone, Copy, Debug)]
pub struct RuleTexts<'a> {
    /// `cpr.toml`: weights and kinds.
    pub cpr: &'a str,
    /// `context.da.toml`: labels.
    pub context: &'a str,
    /// `lookalikes.toml`: look-alikes.
    pub lookalikes: &'a str,
    /// `headers.toml`: header fields that are not read.
    pub headers: &'a str,
}

impl RuleTexts<'static> {
    /// The rules this program was built with.
    pub const BUILT_IN: Self = Self {
        cpr: include_str!("../../../rules/cpr.toml"),
        context: include_str!("../../../rules/context.da.toml"),
        lookalikes: include_str!("../../../rules/lookalikes.toml"),
        headers: include_str!("../../../rules/headers.toml"),
    };
}

/// The text of a site's own file of rules.
#[derive(Clone, Copy, Debug)]
pub struct Pack<'a> {
    /// Its file's name.
    pub name: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// Rules that have proved themselves.
#[derive(Debug)]
pub struct Proved {
    /// The rules.
    pub rules: Ruleset,
    /// Examples that hold in their own file, and no longer with the packs over it: what a pack changed, for a
    /// person to judge.
    pub changed: Vec<RuleFault>,
}

/// A fault of the rules: which entry, what is wrong, what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// The file's name.
    pub file: String,
    /// The line, where one can be named; from 1.
    pub line: Option<usize>,
    /// The entry's name, or the place in the file.
    pub entry: String,
    /// What is wrong.
    pub fault: String,
}

impl RuleFault {
    /// A fault of a file as a whole.
    pub fn of_file(file: &str, entry: &str, fault: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, entry: entry.to_owned(), fault: fault.into() }
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        write!(out, ": {}: {}", self.entry, self.fault)
    }
}

/// Rules ready to weigh candidates with. Shared by all connections; a message ends under the rules it began
/// with.
#[derive(Debug)]
pub struct Ruleset {
    exceptions: Vec<Day>,
    exceptions_as_of: Day,
    pub(super) weights: Weights,
    pub(super) labels: Vec<Label>,
    /// Pattern number in `words` to index in `labels`.
    pub(super) label_of_word: Vec<usize>,
    pub(super) words: AhoCorasick,
    /// A text without any of these bytes holds none of them.
    pub(super) word_marks: Bytes,
    pub(super) lookalikes: Vec<LookAlike>,
    /// Those of them that are tied to a number.
    edges: Edges,
    /// What all look-alikes that speak for a number are worth together: no number gains more by them.
    pub(super) lookalike_gain: f32,
    examples: Vec<Examples>,
    kinds: Kinds,
    sources: Vec<PackSource>,
    entries: Vec<Entry>,
    changes: Vec<Change>,
    headers: Headers,
    allowed: Option<AllowList>,
}

impl Ruleset {
    /// The rules this program was built with.
    ///
    /// # Errors
    /// The faults of the built-in files; a test keeps them without.
    pub fn built_in() -> Result<Self, Vec<RuleFault>> {
        Self::parse(RuleTexts::BUILT_IN)
    }

    /// The birth dates with numbers that fail modulus 11.
    pub fn exceptions(&self) -> Exceptions<'_> {
        Exceptions { as_of: self.exceptions_as_of, dates: &self.exceptions }
    }

    /// What each kind of number counts for.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The source systems that packs name, in their order.
    pub fn sources(&self) -> &[PackSource] {
        &self.sources
    }

    /// Every label and look-alike, for a person to read.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The header fields that are not read, by family.
    pub fn header_families(&self) -> &[Family] {
        &self.headers.families
    }

    /// For the walker: the header fields that are not read.
    pub(super) fn header_filter(&self) -> Arc<HeaderFilter> {
        Arc::clone(&self.headers.filter)
    }

    /// What packs did to what was there before them, in their order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The sums from which a number is certain, likely and possible.
    pub fn thresholds(&self) -> [(Confidence, f32); 3] {
        let Threshold { certain, likely, possible } = self.weights.threshold;
        [(Confidence::Certain, certain), (Confidence::Likely, likely), (Confidence::Possible, possible)]
    }

    /// The same rules with a list of numbers that are nobody's.
    #[must_use]
    pub fn allowing(self, allowed: AllowList) -> Self {
        Self { allowed: Some(allowed).filter(|list| !list.is_empty()), ..self }
    }

    /// Whether the site has said that this number is nobody's. Costs a digest, so it is asked last.
    pub(super) fn allows(&self, cpr: &Cpr) -> bool {
        self.allowed.as_ref().is_some_and(|list| list.holds(cpr))
    }

    /// How many numbers are allowed.
    pub fn allowed(&self) -> usize {
        self.allowed.as_ref().map_or(0, AllowList::len)
    }

    /// How many entries there are, and how many examples prove them.
    pub fn size(&self) -> (usize, usize) {
        let (families, proofs) = self.headers.rules.size();
        let examples =
            self.examples.iter().map(|e| e.proof.must.len() + e.proof.must_not.len()).sum::<usize>();
        (self.examples.len() + families, examples + proofs)
    }
}

/// A calendar day as the `cpr` room's.
pub fn day_of(date: chrono::NaiveDate) -> Day {
    use chrono::Datelike;
    let narrow = |value: u32| u8::try_from(value).unwrap_or(1);
    Day::literal(u16::try_from(date.year()).unwrap_or(0), narrow(date.month()), narrow(date.day()))
}

/// A look-alike as runnable.
#[derive(Debug)]
pub(super) struct LookAlike {
    pub(super) reason: Arc<str>,
    pub(super) weight: f32,
    /// Counts only where no strong label does: it is a guess at one.
    pub(super) only_unlabelled: bool,
    before: Option<Expression>,
    after: Option<Expression>,
    forms: Vec<Form>,
}

impl LookAlike {
    /// The form in which its examples are written.
    pub(super) fn example_form(&self) -> Form {
        self.forms.first().copied().unwrap_or(Form::Plain)
    }

    pub(super) fn matches(&self, form: Form, before: &[u8], after: &[u8]) -> bool {
        self.may_be(form)
            && self.before.as_ref().is_none_or(|expression| expression.is_match(before))
            && self.after.as_ref().is_none_or(|expression| expression.is_match(after))
    }

    /// Whether it speaks of the text before a number.
    pub(super) fn is_before(&self) -> bool {
        self.before.is_some()
    }

    /// Where in the text before a number it begins, if it matches.
    pub(super) fn starts(&self, form: Form, before: &[u8], after: &[u8]) -> Option<usize> {
        let is_followed = self.after.as_ref().is_none_or(|expression| expression.is_match(after));
        if !self.may_be(form) || !is_followed {
            return None;
        }
        match &self.before {
            Some(expression) => expression.start(before),
            None => Some(before.len()),
        }
    }

    fn may_be(&self, form: Form) -> bool {
        self.forms.is_empty() || self.forms.contains(&form)
    }
}
