//! The rules as runnable: words in one automaton, look-alikes as compiled expressions, weights as numbers.
//!
//! Reads no file: the texts are arguments, so that the daemon may swap rules and a test may bring its own.
//! Every fault is reported, not only the first. `written` is what the files may hold, `compile` makes it
//! runnable ([`Ruleset::parse`]), `check` proves each entry by its own examples ([`Ruleset::check`]). Start
//! reading at [`Ruleset`]. The files are described in `rules/README.md`.

mod check;
mod compile;
mod written;

use super::context::Label;
use crate::cpr::Exceptions;
use crate::cpr::candidate::Form;
use crate::cpr::date::Day;
use aho_corasick::AhoCorasick;
use check::Examples;
use regex::bytes::Regex;
use std::fmt;
use std::sync::Arc;
pub(super) use written::NeighbourWeights;
use written::Weights;

const CPR: &str = "cpr.toml";
const CONTEXT: &str = "context.da.toml";
const LOOKALIKES: &str = "lookalikes.toml";

/// The texts of the rule files.
#[derive(Clone, Copy, Debug)]
pub struct RuleTexts<'a> {
    /// `cpr.toml`.
    pub cpr: &'a str,
    /// `context.da.toml`.
    pub context: &'a str,
    /// `lookalikes.toml`.
    pub lookalikes: &'a str,
}

impl RuleTexts<'static> {
    /// The rules this program was built with.
    pub const BUILT_IN: Self = Self {
        cpr: include_str!("../../../rules/cpr.toml"),
        context: include_str!("../../../rules/context.da.toml"),
        lookalikes: include_str!("../../../rules/lookalikes.toml"),
    };
}

/// A fault of the rules: which entry, what is wrong, what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// The file's name.
    pub file: &'static str,
    /// The entry's name, or the place in the file.
    pub entry: String,
    /// What is wrong.
    pub fault: String,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", self.file, self.entry, self.fault)
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
    pub(super) lookalikes: Vec<LookAlike>,
    examples: Vec<Examples>,
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

    /// How many entries there are, and how many examples prove them.
    pub fn size(&self) -> (usize, usize) {
        (self.examples.len(), self.examples.iter().map(|e| e.must.len() + e.must_not.len()).sum())
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
    before: Option<Regex>,
    after: Option<Regex>,
    forms: Vec<Form>,
}

impl LookAlike {
    /// The form in which its examples are written.
    pub(super) fn example_form(&self) -> Form {
        self.forms.first().copied().unwrap_or(Form::Plain)
    }

    pub(super) fn matches(&self, form: Form, before: &str, after: &str) -> bool {
        (self.forms.is_empty() || self.forms.contains(&form))
            && self.before.as_ref().is_none_or(|expression| expression.is_match(before.as_bytes()))
            && self.after.as_ref().is_none_or(|expression| expression.is_match(after.as_bytes()))
    }
}

fn fault(file: &'static str, entry: &str, fault: &str) -> RuleFault {
    RuleFault { file, entry: entry.to_owned(), fault: fault.to_owned() }
}
