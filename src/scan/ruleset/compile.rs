//! From written to runnable: words into one automaton, look-alikes into compiled expressions.
//!
//! Notes every fault and goes on, so that one reading shows them all. Whether an entry does what it is for is
//! asked by `check`. Start reading at [`Ruleset::parse`] and [`Ruleset::proved`]. Tests: below.

use super::check::Examples;
use super::edges::Edges;
use super::entry::{LabelEntry, LookAlikeEntry};
use super::expression::{Bytes, Expression, Side};
use super::headers::Headers;
use super::list::{self, Sort};
use super::pack::Assembly;
use super::read::Placed;
use super::written::{Threshold, Weights};
use super::{CONTEXT, CPR, LookAlike, Pack, Proved, RuleFault, RuleTexts, Ruleset, day_of};
use crate::cpr::candidate::Form;
use crate::cpr::date::Day;
use crate::scan::labels::{self, Label};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::collections::HashMap;
use std::sync::Arc;

impl Ruleset {
    /// Reads the files.
    ///
    /// # Errors
    /// Every fault of every file; examples are proved by [`Self::check`].
    pub fn parse(texts: RuleTexts<'_>) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let assembly = Assembly::of(texts, &mut faults);
        compile(assembly, faults)
    }

    /// Reads the files with packs over them, in this order, and proves every entry by its examples: each
    /// in the rules as they stood when its own file had been read, so that a pack may take away what an example
    /// of ours leans on. What no longer holds for that reason is told, and is no fault.
    ///
    /// # Errors
    /// Every fault of every file and every example.
    pub fn proved(texts: RuleTexts<'_>, packs: &[Pack<'_>]) -> Result<Proved, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let mut assembly = Assembly::of(texts, &mut faults);
        let mut stages = Vec::new();
        for (at, pack) in packs.iter().enumerate() {
            stages.push(assembly.clone());
            assembly.lay(pack.name, at + 1, pack.text, &mut faults);
        }
        let rules = compile(assembly, faults)?;
        let mut faults = Vec::new();
        for (rank, stage) in stages.into_iter().enumerate() {
            match compile(stage, Vec::new()) {
                Ok(stage) => faults.extend(stage.check_file(rank)),
                // Of an entry that a later pack replaced or removed.
                Err(found) => faults.extend(found),
            }
        }
        faults.extend(rules.check_file(packs.len()));
        if !faults.is_empty() {
            return Err(faults);
        }
        let changed = (0..packs.len()).flat_map(|rank| rules.check_file(rank)).collect();
        Ok(Proved { rules, changed })
    }
}

/// Makes the runnable rules; `faults` are those found so far.
fn compile(all: Assembly, mut faults: Vec<RuleFault>) -> Result<Ruleset, Vec<RuleFault>> {
    let entries = list::entries(&all);
    let mut words = Words::default();
    let mut examples = Vec::new();
    let mut labels = Vec::new();
    for label in all.labels {
        let reason: Arc<str> = format!("label:{}", label.name).into();
        words.add(&label, labels.len(), &mut faults);
        labels.push(Label { reason: Arc::clone(&reason), weight: label.weight });
        examples.push(Examples { reason, place: label.place, proof: label.examples });
    }
    let mut lookalikes = Vec::new();
    for entry in all.lookalikes {
        let (lookalike, proof) = lookalike(entry, &mut faults);
        lookalikes.push(lookalike);
        examples.push(proof);
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        // Larger, and built once: where every line holds a number, looking for its label is most of the work.
        .kind(Some(AhoCorasickKind::DFA))
        .build(&words.patterns)
        .map_err(|error| faults.push(RuleFault::of_file(CONTEXT, "words", error.to_string())))
        .ok();
    if let Some(Weights { threshold: Threshold { certain, likely, possible }, .. }) = &all.weights
        && !(certain >= likely && likely >= possible)
    {
        let fault = "must go down: `certain`, then `likely`, then `possible`";
        faults.push(RuleFault::of_file(CPR, "threshold", fault));
    }
    let (Some(weights), Some(automaton), true) = (all.weights, automaton, faults.is_empty()) else {
        return Err(faults);
    };
    let mut exceptions: Vec<Day> =
        weights.exceptions.first_of_january.iter().filter_map(|year| Day::new(*year, 1, 1)).collect();
    exceptions.sort_unstable();
    Ok(Ruleset {
        exceptions,
        exceptions_as_of: day_of(weights.exceptions.as_of),
        weights,
        labels,
        word_marks: words.marks(),
        label_of_word: words.label_of_word,
        words: automaton,
        edges: Edges::new(&lookalikes),
        lookalike_gain: lookalikes.iter().map(|one: &LookAlike| one.weight.max(0.0)).sum(),
        lookalikes,
        examples,
        kinds: all.kinds,
        sources: all.sources,
        entries,
        changes: all.changes,
        headers: Headers::of(all.headers),
        allowed: None,
    })
}

/// The words of all labels.
#[derive(Default)]
struct Words {
    patterns: Vec<Vec<u8>>,
    label_of_word: Vec<usize>,
    /// A spelling in lower case to its pattern, and the rank of the file that it is from.
    known: HashMap<Vec<u8>, (usize, usize)>,
}

impl Words {
    /// Bytes of which each word holds one: of nearly all the first letter, since digits stand between numbers too.
    fn marks(&self) -> Bytes {
        let mark = |word: &Vec<u8>| {
            let letter = word.iter().find(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
            let other = || word.iter().find(|byte| !byte.is_ascii_digit());
            letter.or_else(other).or(word.first()).copied()
        };
        self.patterns.iter().filter_map(mark).fold(Bytes::NONE, |marks, mark| {
            marks.with(mark.to_ascii_lowercase()).with(mark.to_ascii_uppercase())
        })
    }

    /// A word that stands in two labels is the later file's; within a file it is the first label's.
    fn add(&mut self, label: &LabelEntry, number: usize, faults: &mut Vec<RuleFault>) {
        for Placed { text: word, place } in &label.words {
            if word.trim() != word || word.is_empty() {
                let entry = format!("label:{}", label.name);
                faults.push(place.fault(&entry, format!("word {word:?} is empty or has blanks at its ends")));
                continue;
            }
            for spelling in labels::spellings(word) {
                let key = spelling.to_ascii_lowercase();
                match self.known.get(&key) {
                    Some((pattern, rank)) if place.rank > *rank => {
                        if let Some(owner) = self.label_of_word.get_mut(*pattern) {
                            *owner = number;
                        }
                        self.known.insert(key, (*pattern, place.rank));
                    }
                    Some(_) => {}
                    None => {
                        self.known.insert(key, (self.patterns.len(), place.rank));
                        self.patterns.push(spelling);
                        self.label_of_word.push(number);
                    }
                }
            }
        }
    }
}

fn lookalike(entry: LookAlikeEntry, faults: &mut Vec<RuleFault>) -> (LookAlike, Examples) {
    let reason: Arc<str> = entry.title().into();
    if entry.sort == Sort::LookAlike && entry.weight > 0.0 {
        let fault =
            "a look-alike speaks against a number: `weight` below 0; what speaks for one is a [[beside]]";
        faults.push(entry.place.fault(&reason, fault));
    }
    if entry.before.is_none() && entry.after.is_none() {
        faults.push(entry.place.fault(&reason, "has neither `before` nor `after`"));
    }
    let mut forms = Vec::new();
    for word in &entry.form {
        match form_of(&word.text) {
            Some(form) => forms.push(form),
            None => faults.push(word.place.fault(&reason, format!("no form is called {:?}", word.text))),
        }
    }
    let lookalike = LookAlike {
        weight: entry.weight,
        only_unlabelled: entry.only_unlabelled,
        before: expression(&reason, entry.before.as_ref(), Side::Before, faults),
        after: expression(&reason, entry.after.as_ref(), Side::After, faults),
        forms,
        reason: Arc::clone(&reason),
    };
    (lookalike, Examples { reason, place: entry.place, proof: entry.examples })
}

fn expression(
    entry: &str,
    written: Option<&Placed>,
    side: Side,
    faults: &mut Vec<RuleFault>,
) -> Option<Expression> {
    let written = written?;
    Expression::new(&written.text, side)
        .map_err(|error| {
            // The crate draws a picture; its last line says what is wrong.
            let drawn = error.to_string();
            let what = drawn.lines().last().unwrap_or_default().trim_start_matches("error: ");
            faults.push(written.place.fault(entry, format!("not a regular expression: {what}")));
        })
        .ok()
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
        let places: Vec<_> = faults.iter().map(|fault| (fault.file.as_str(), fault.line)).collect();
        assert_eq!(places, [("cpr.toml", Some(2)), ("lookalikes.toml", Some(2))], "{faults:#?}");
    }

    #[test]
    fn an_expression_that_does_not_compile_is_a_fault() {
        let lookalikes = "[[lookalike]]\nname='x'\nweight=-1.0\nbefore='('\nmust=['{n}']\nmust_not=['{n}']";
        let faults = Ruleset::parse(RuleTexts { lookalikes, ..RuleTexts::BUILT_IN }).unwrap_err();
        assert_eq!(faults.len(), 1);
    }

    #[test]
    fn thresholds_go_down() {
        let cpr = RuleTexts::BUILT_IN.cpr.replace("certain = ", "certain = -");
        let faults = Ruleset::parse(RuleTexts { cpr: &cpr, ..RuleTexts::BUILT_IN }).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.entry.as_str()).collect::<Vec<_>>(), ["threshold"]);
    }
}
