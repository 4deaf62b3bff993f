//! What each kind of number counts for: a leak, a line in the report, or nothing.
//!
//! Data of `[kind]` in `cpr.toml`, which a pack may set again. Decides nothing about confidence: only a number
//! that is sure enough is ever a leak. Start reading at [`Kinds`]. Tests: below, and `tests/rules.rs`.

use super::RuleFault;
use super::read::{File, REMOVE_ABOVE};
use crate::cpr::Kind;
use crate::nearest::nearest;
use std::ops::Range;
use toml::de::DeValue;

/// What becomes of the numbers of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// A leak, when it is likely or certain.
    Count,
    /// Shown in the report, and never a leak.
    Report,
    /// Not shown at all.
    Ignore,
}

impl Treatment {
    const ALL: [Self; 3] = [Self::Count, Self::Report, Self::Ignore];

    /// The word of the rule files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Report => "report",
            Self::Ignore => "ignore",
        }
    }
}

/// The treatment of every kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds {
    cpr: Treatment,
    replacement: Treatment,
    nine_digit: Treatment,
    ecpr: Treatment,
    test: Treatment,
    suspect: Treatment,
}

impl Default for Kinds {
    /// Whatever may name a person counts; what is a test or a slip is shown.
    fn default() -> Self {
        Self {
            cpr: Treatment::Count,
            replacement: Treatment::Count,
            nine_digit: Treatment::Count,
            ecpr: Treatment::Count,
            test: Treatment::Report,
            suspect: Treatment::Report,
        }
    }
}

impl Kinds {
    /// Every kind, in the order of the rule files.
    pub const ALL: [Kind; 6] =
        [Kind::Cpr, Kind::Replacement, Kind::NineDigit, Kind::Ecpr, Kind::Test, Kind::Suspect];

    /// What becomes of a number of this kind.
    pub fn of(&self, kind: Kind) -> Treatment {
        match kind {
            Kind::Cpr => self.cpr,
            Kind::Replacement => self.replacement,
            Kind::NineDigit => self.nine_digit,
            Kind::Ecpr => self.ecpr,
            Kind::Test => self.test,
            Kind::Suspect => self.suspect,
        }
    }

    pub(super) fn set(&mut self, kind: Kind, treatment: Treatment) {
        *match kind {
            Kind::Cpr => &mut self.cpr,
            Kind::Replacement => &mut self.replacement,
            Kind::NineDigit => &mut self.nine_digit,
            Kind::Ecpr => &mut self.ecpr,
            Kind::Test => &mut self.test,
            Kind::Suspect => &mut self.suspect,
        } = treatment;
    }
}

/// The `[kind]` of a file: which kinds it sets, and to what.
pub(super) fn read(file: &mut File<'_>, faults: &mut Vec<RuleFault>) -> Vec<(Kind, Treatment)> {
    let Some(value) = file.take("kind") else { return Vec::new() };
    let place = file.place(value.span());
    let DeValue::Table(table) = value.into_inner() else {
        faults.push(
            place.fault("kind", "must be one table: write `[kind]`, and `suspect = \"count\"` below it"),
        );
        return Vec::new();
    };
    let mut set = Vec::new();
    for (key, value) in table {
        if key.get_ref() == "remove" {
            faults.push(file.place(key.span()).fault("remove", REMOVE_ABOVE));
            continue;
        }
        let kind =
            one_of(file, "kind", key.get_ref(), key.span(), Kinds::ALL.map(|one| (one.word(), one)), faults);
        let word = value.get_ref().as_str().unwrap_or_default();
        let treatments = Treatment::ALL.map(|one| (one.word(), one));
        let treatment = one_of(file, "kind", word, value.span(), treatments, faults);
        set.extend(kind.zip(treatment));
    }
    set
}

fn one_of<T: Copy, const N: usize>(
    file: &File<'_>,
    entry: &str,
    word: &str,
    span: Range<usize>,
    known: [(&'static str, T); N],
    faults: &mut Vec<RuleFault>,
) -> Option<T> {
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == word) {
        return Some(*found);
    }
    let words = known.map(|(name, _)| name);
    let meant = nearest(word, words).map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
    let fault = format!("`{word}` is not known; {meant}one of: {}", words.join(", "));
    faults.push(file.place(span).fault(entry, fault));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_set_by_itself() {
        for kind in Kinds::ALL {
            let mut kinds = Kinds::default();
            kinds.set(kind, Treatment::Ignore);
            let changed = Kinds::ALL.into_iter().filter(|one| kinds.of(*one) == Treatment::Ignore);
            assert_eq!(changed.collect::<Vec<_>>(), [kind]);
        }
    }

    #[test]
    fn the_file_says_what_holds_without_it() {
        let mut faults = Vec::new();
        let text = crate::scan::ruleset::RuleTexts::BUILT_IN.cpr;
        let set = read(&mut File::open("cpr.toml", 0, text, &mut faults).unwrap(), &mut faults);
        assert_eq!(set.len(), Kinds::ALL.len());
        let kinds = Kinds::default();
        assert!(set.iter().all(|(kind, treatment)| kinds.of(*kind) == *treatment), "{set:?}");
        assert_eq!(faults, []);
    }

    #[test]
    fn a_slip_is_met_with_the_word_that_was_meant() {
        let mut faults = Vec::new();
        let text = "[kind]\nsuspekt = \"report\"\ntest = \"cuont\"\ncpr = 3\n";
        let mut file = File::open("x.toml", 1, text, &mut faults).unwrap();
        assert_eq!(read(&mut file, &mut faults), []);
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 3, "{said:#?}");
        for (at, word) in
            [("x.toml:2", "`suspect`?"), ("x.toml:3", "`count`?"), ("x.toml:4", "one of: count")]
        {
            assert!(
                said.iter().any(|fault| fault.starts_with(at) && fault.contains(word)),
                "{word}: {said:#?}"
            );
        }
    }
}
