//! The rules as a person who tunes them reads them. `brevdue rules list` prints these; nothing computes with them.
//!
//! Start reading at [`Entry`]. Tests: `tests/rules.rs`.

use super::entry::Proof;
use super::pack::Assembly;
use super::read::{Place, Placed};
use std::sync::Arc;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Words before a number.
    Label,
    /// What is written beside a number that is something else.
    LookAlike,
    /// What is written beside a number that is one.
    Beside,
}

impl Sort {
    /// The word of reasons and of `remove`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::LookAlike => "lookalike",
            Self::Beside => "beside",
        }
    }
}

/// A label or a look-alike.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is.
    pub sort: Sort,
    /// Its name, unique among its sort.
    pub name: String,
    /// What it adds to a number's sum.
    pub weight: f32,
    /// A label's words, or what a look-alike asks for: forms, `only_unlabelled`, expressions with their key.
    pub says: Vec<String>,
    /// How many examples prove it.
    pub examples: usize,
    /// The file it stands in,
    pub file: Arc<str>,
    /// and the line, from 1.
    pub line: usize,
}

pub(super) fn entries(all: &Assembly) -> Vec<Entry> {
    let entry = |sort, name: &str, weight, says, proof: &Proof, place: &Place| Entry {
        sort,
        name: name.to_owned(),
        weight,
        says,
        examples: proof.must.len() + proof.must_not.len(),
        file: Arc::clone(&place.file),
        line: place.line,
    };
    let labels = all.labels.iter().map(|one| {
        let words = one.words.iter().map(|word| word.text.clone()).collect();
        entry(Sort::Label, &one.name, one.weight, words, &one.examples, &one.place)
    });
    let lookalikes = all.lookalikes.iter().map(|one| {
        let says = [("before", &one.before), ("after", &one.after)];
        let says = says.into_iter().filter_map(|(key, expression)| {
            expression.as_ref().map(|Placed { text, .. }| format!("{key} {text}"))
        });
        let form: Vec<&str> = one.form.iter().map(|form| form.text.as_str()).collect();
        let form = (!form.is_empty()).then(|| format!("form {}", form.join(" or ")));
        let only = one.only_unlabelled.then(|| "only_unlabelled".to_owned());
        let says = form.into_iter().chain(only).chain(says).collect();
        entry(one.sort, &one.name, one.weight, says, &one.examples, &one.place)
    });
    labels.chain(lookalikes).collect()
}
