//! From written to runnable: words into one automaton, look-alikes into compiled expressions.
//!
//! Notes every fault and goes on, so that one reading shows them all. Whether an entry does what it is for is
//! asked by `check`. Start reading at [`Ruleset::parse`]. Tests: below.

use super::check::Examples;
use super::written::{ContextAsWritten, LookAlikesAsWritten, Weights};
use super::{CONTEXT, CPR, LOOKALIKES, LookAlike, RuleFault, RuleTexts, Ruleset, day_of, fault};
use crate::cpr::candidate::Form;
use crate::cpr::date::Day;
use crate::scan::context::{self, Label};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::RegexBuilder;
use serde::Deserialize;
use std::sync::Arc;

impl Ruleset {
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
        let (written, beside) = written.map(|w| (w.lookalike, w.beside)).unwrap_or_default();
        let named = written.into_iter().map(|entry| ("lookalike", entry));
        for (list, entry) in named.chain(beside.into_iter().map(|entry| ("beside", entry))) {
            let reason: Arc<str> = format!("{list}:{}", entry.name).into();
            if list == "lookalike" && entry.weight > 0.0 {
                faults.push(fault(
                    LOOKALIKES,
                    &entry.name,
                    "a look-alike speaks against a number: `weight` below 0; what speaks for one is a [[beside]]",
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
}

fn read<T: for<'de> Deserialize<'de>>(
    file: &'static str,
    text: &str,
    faults: &mut Vec<RuleFault>,
) -> Option<T> {
    toml::from_str(text).map_err(|error| faults.push(fault(file, "file", &error.to_string()))).ok()
}

fn form_of(word: &str) -> Option<Form> {
    Some(match word {
        "dashed" => Form::Dashed,
        "plain" => Form::Plain,
        "blank" => Form::Blank,
        "broken" => Form::Broken,
        "marked" => Form::Marked,
        "spelled" => Form::Spelled,
        "cells" => Form::Cells,
        "spread" => Form::Spread,
        "nine" => Form::Nine,
        "lettered" => Form::Lettered,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
