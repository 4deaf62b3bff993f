//! The rules as runnable: words in one automaton, look-alikes as compiled expressions, weights as numbers.
//!
//! Reads no file: the texts are arguments, so that the daemon may swap rules and a test may bring its own.
//! Every fault is reported, not only the first. Start reading at [`Ruleset::parse`]; [`Ruleset::check`]
//! proves each entry by its own examples. The files are described in `rules/README.md`.

use super::context::{self, Label};
use crate::cpr::candidate::Form;
use crate::cpr::date::Day;
use crate::cpr::{Exceptions, Kind};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

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
        cpr: include_str!("../../rules/cpr.toml"),
        context: include_str!("../../rules/context.da.toml"),
        lookalikes: include_str!("../../rules/lookalikes.toml"),
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

/// `cpr.toml`, but for the exceptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weights {
    pub(super) form: FormWeights,
    pub(super) check: CheckWeights,
    pub(super) age: AgeWeights,
    pub(super) distance: Distance,
    pub(super) threshold: Threshold,
    exceptions: ExceptionsAsWritten,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormWeights {
    dashed: f32,
    plain: f32,
    blank: f32,
    broken: f32,
    marked: f32,
    spelled: f32,
}

impl FormWeights {
    pub(super) fn of(&self, form: Form) -> (f32, &'static str) {
        match form {
            Form::Dashed => (self.dashed, "form:dashed"),
            Form::Plain => (self.plain, "form:plain"),
            Form::Blank => (self.blank, "form:blank"),
            Form::Broken => (self.broken, "form:broken"),
            Form::Marked => (self.marked, "form:marked"),
            Form::Spelled => (self.spelled, "form:spelled"),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckWeights {
    pub(super) passes: f32,
    pub(super) excepted: f32,
    replacement: f32,
    test: f32,
    suspect: f32,
}

impl CheckWeights {
    pub(super) fn of_kind(&self, kind: Kind) -> f32 {
        match kind {
            Kind::Cpr => 0.0,
            Kind::Replacement => self.replacement,
            Kind::Test => self.test,
            Kind::Suspect => self.suspect,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgeWeights {
    pub(super) old_from: u16,
    pub(super) old: f32,
    pub(super) stamp_from: u16,
    pub(super) stamp: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Distance {
    pub(super) near: u16,
    pub(super) far: u16,
    pub(super) line: u16,
    pub(super) line_against: u16,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Threshold {
    pub(super) certain: f32,
    pub(super) likely: f32,
    pub(super) possible: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionsAsWritten {
    #[allow(dead_code, reason = "the file must name its source; nothing computes with it")]
    source: String,
    as_of: chrono::NaiveDate,
    first_of_january: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextAsWritten {
    label: Vec<LabelAsWritten>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelAsWritten {
    name: String,
    weight: f32,
    words: Vec<String>,
    must: Vec<String>,
    must_not: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookAlikesAsWritten {
    lookalike: Vec<LookAlikeAsWritten>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookAlikeAsWritten {
    name: String,
    weight: f32,
    before: Option<String>,
    after: Option<String>,
    #[serde(default)]
    form: Vec<String>,
    #[serde(default)]
    only_unlabelled: bool,
    must: Vec<String>,
    must_not: Vec<String>,
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

    pub(super) fn matches(&self, form: Form, before: &[u8], after: &[u8]) -> bool {
        (self.forms.is_empty() || self.forms.contains(&form))
            && self.before.as_ref().is_none_or(|expression| expression.is_match(before))
            && self.after.as_ref().is_none_or(|expression| expression.is_match(after))
    }
}

#[derive(Debug)]
struct Examples {
    file: &'static str,
    reason: Arc<str>,
    must: Vec<String>,
    must_not: Vec<String>,
}

const CPR: &str = "cpr.toml";
const CONTEXT: &str = "context.da.toml";
const LOOKALIKES: &str = "lookalikes.toml";

impl Ruleset {
    /// The rules this program was built with.
    ///
    /// # Errors
    /// The faults of the built-in files; a test keeps them without.
    pub fn built_in() -> Result<Self, Vec<RuleFault>> {
        Self::parse(RuleTexts::BUILT_IN)
    }

    /// Reads the three files.
    ///
    /// # Errors
    /// Every fault of every file; examples are proved by [`Self::check`].
    pub fn parse(texts: RuleTexts<'_>) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let weights: Option<Weights> = read(CPR, texts.cpr, &mut faults);
        let context: Option<ContextAsWritten> = read(CONTEXT, texts.context, &mut faults);
        let written: Option<LookAlikesAsWritten> = read(LOOKALIKES, texts.lookalikes, &mut faults);

        let mut examples = Vec::new();
        let mut labels = Vec::new();
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut label_of_word = Vec::new();
        for label in context.map(|c| c.label).unwrap_or_default() {
            let reason: Arc<str> = format!("label:{}", label.name).into();
            for word in &label.words {
                if word.trim() != word || word.is_empty() {
                    faults.push(fault(
                        CONTEXT,
                        &label.name,
                        &format!("word {word:?} has blanks at its ends"),
                    ));
                }
                for spelling in context::spellings(word) {
                    patterns.push(spelling);
                    label_of_word.push(labels.len());
                }
            }
            labels.push(Label { reason: Arc::clone(&reason), weight: label.weight });
            examples.push(Examples { file: CONTEXT, reason, must: label.must, must_not: label.must_not });
        }
        let mut lookalikes = Vec::new();
        for entry in written.map(|w| w.lookalike).unwrap_or_default() {
            let reason: Arc<str> = format!("lookalike:{}", entry.name).into();
            if entry.weight > 0.0 {
                faults.push(fault(
                    LOOKALIKES,
                    &entry.name,
                    "a look-alike speaks against a number: `weight` below 0",
                ));
            }
            if entry.before.is_none() && entry.after.is_none() {
                faults.push(fault(LOOKALIKES, &entry.name, "neither `before` nor `after`"));
            }
            let mut compile = |expression: Option<&String>| {
                expression.and_then(|text| {
                    RegexBuilder::new(text)
                        .unicode(false)
                        .case_insensitive(true)
                        .build()
                        .map_err(|error| faults.push(fault(LOOKALIKES, &entry.name, &error.to_string())))
                        .ok()
                })
            };
            let (before, after) = (compile(entry.before.as_ref()), compile(entry.after.as_ref()));
            let forms = entry
                .form
                .iter()
                .filter_map(|word| {
                    let form = form_of(word);
                    if form.is_none() {
                        faults.push(fault(LOOKALIKES, &entry.name, &format!("no form is called {word:?}")));
                    }
                    form
                })
                .collect();
            lookalikes.push(LookAlike {
                reason: Arc::clone(&reason),
                weight: entry.weight,
                only_unlabelled: entry.only_unlabelled,
                before,
                after,
                forms,
            });
            examples.push(Examples { file: LOOKALIKES, reason, must: entry.must, must_not: entry.must_not });
        }
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            // Larger, and built once: where every line holds a number, looking for its label is most of the work.
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns)
            .map_err(|error| faults.push(fault(CONTEXT, "words", &error.to_string())))
            .ok();
        let (Some(weights), Some(words), true) = (weights, words, faults.is_empty()) else {
            return Err(faults);
        };
        let mut exceptions: Vec<Day> =
            weights.exceptions.first_of_january.iter().filter_map(|year| Day::new(*year, 1, 1)).collect();
        exceptions.sort_unstable();
        let exceptions_as_of = day_of(weights.exceptions.as_of);
        Ok(Self { exceptions, exceptions_as_of, weights, labels, label_of_word, words, lookalikes, examples })
    }

    /// The birth dates with numbers that fail modulus 11.
    pub fn exceptions(&self) -> Exceptions<'_> {
        Exceptions { as_of: self.exceptions_as_of, dates: &self.exceptions }
    }

    /// How many entries there are, and how many examples prove them.
    pub fn size(&self) -> (usize, usize) {
        (self.examples.len(), self.examples.iter().map(|e| e.must.len() + e.must_not.len()).sum())
    }

    /// Proves every entry by its own examples, and returns every one that fails.
    pub fn check(&self) -> Vec<RuleFault> {
        let mut faults = Vec::new();
        for entry in &self.examples {
            if entry.must.is_empty() || entry.must_not.is_empty() {
                faults.push(fault(
                    entry.file,
                    &entry.reason,
                    "must bring examples in both `must` and `must_not`",
                ));
            }
            for (texts, wanted) in [(&entry.must, true), (&entry.must_not, false)] {
                for text in texts {
                    let Some((before, after)) = text.split_once("{n}") else {
                        faults.push(fault(entry.file, &entry.reason, &format!("{text:?} has no {{n}}")));
                        continue;
                    };
                    if context::counts(self, &entry.reason, before.as_bytes(), after.as_bytes()) != wanted {
                        let verb = if wanted { "must" } else { "must not" };
                        faults.push(fault(entry.file, &entry.reason, &format!("{verb} match {text:?}")));
                    }
                }
            }
        }
        faults
    }
}

/// A calendar day as the `cpr` room's.
pub fn day_of(date: chrono::NaiveDate) -> Day {
    use chrono::Datelike;
    let narrow = |value: u32| u8::try_from(value).unwrap_or(1);
    Day::literal(u16::try_from(date.year()).unwrap_or(0), narrow(date.month()), narrow(date.day()))
}

fn read<T: for<'de> Deserialize<'de>>(
    file: &'static str,
    text: &str,
    faults: &mut Vec<RuleFault>,
) -> Option<T> {
    toml::from_str(text).map_err(|error| faults.push(fault(file, "file", &error.to_string()))).ok()
}

fn fault(file: &'static str, entry: &str, fault: &str) -> RuleFault {
    RuleFault { file, entry: entry.to_owned(), fault: fault.to_owned() }
}

fn form_of(word: &str) -> Option<Form> {
    Some(match word {
        "dashed" => Form::Dashed,
        "plain" => Form::Plain,
        "blank" => Form::Blank,
        "broken" => Form::Broken,
        "marked" => Form::Marked,
        "spelled" => Form::Spelled,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_prove_themselves() {
        let rules = Ruleset::built_in().unwrap();
        assert_eq!(rules.check(), []);
        assert!(rules.size().0 > 10);
    }

    #[test]
    fn every_fault_is_reported() {
        let context = r#"
            [[label]]
            name = "a"
            weight = 1.0
            words = ["ordre"]
            must = ["faktura {n}", "no place"]
            must_not = ["ordre {n}"]
            [[label]]
            name = "b"
            weight = 1.0
            words = ["sag"]
            must = []
            must_not = ["x {n}"]
        "#;
        let rules = Ruleset::parse(RuleTexts { context, ..RuleTexts::BUILT_IN }).unwrap();
        let faults: Vec<String> = rules.check().iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 4, "{faults:#?}");
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where() {
        let broken = RuleTexts {
            cpr: "[form]\ndashed = \"x\"",
            lookalikes: "[[lookalike]]\nname = 3",
            ..RuleTexts::BUILT_IN
        };
        let faults = Ruleset::parse(broken).unwrap_err();
        assert_eq!(faults.iter().map(|f| f.file).collect::<Vec<_>>(), ["cpr.toml", "lookalikes.toml"]);
    }

    #[test]
    fn an_expression_that_does_not_compile_is_a_fault() {
        let lookalikes = "[[lookalike]]\nname='x'\nweight=-1.0\nbefore='('\nmust=['{n}']\nmust_not=['{n}']";
        let faults = Ruleset::parse(RuleTexts { lookalikes, ..RuleTexts::BUILT_IN }).unwrap_err();
        assert_eq!(faults.len(), 1);
    }
}
