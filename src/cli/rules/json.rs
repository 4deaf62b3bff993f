//! The contract of `brevdue rules list --format json`: one object, for programs.
//!
//! Start reading at [`Whole`]. Tests: `tests/rules.rs`.

use super::list::files;
use crate::daemon::rules::Loaded;
use crate::scan::ruleset::{Act, Change, Entry, Family, HEADERS, Kinds};
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything that `list` shows, with nothing shortened.
#[derive(Serialize)]
pub(super) struct Whole<'a> {
    files: Vec<FileRow<'a>>,
    kinds: BTreeMap<&'static str, &'static str>,
    thresholds: BTreeMap<&'static str, f32>,
    /// `null` when the list cannot be read.
    allowed: Option<usize>,
    entries: Vec<EntryRow<'a>>,
    /// Header fields that are not read.
    families: Vec<FamilyRow<'a>>,
    sources: Vec<SourceRow<'a>>,
    changes: Vec<ChangeRow<'a>>,
    changed_examples: Vec<String>,
}

#[derive(Serialize)]
struct FileRow<'a> {
    name: &'a str,
    role: &'static str,
}

#[derive(Serialize)]
struct EntryRow<'a> {
    sort: &'static str,
    name: &'a str,
    weight: f32,
    says: &'a [String],
    examples: usize,
    file: &'a str,
    line: usize,
}

#[derive(Serialize)]
struct FamilyRow<'a> {
    name: &'a str,
    fields: &'a [String],
    examples: usize,
    file: &'static str,
    line: usize,
}

#[derive(Serialize)]
struct SourceRow<'a> {
    name: &'a str,
    r#match: &'a str,
    vendor: Option<&'a str>,
    file: &'a str,
}

#[derive(Serialize)]
struct ChangeRow<'a> {
    file: &'a str,
    entry: &'a str,
    act: &'static str,
    /// The file that the entry was in.
    #[serde(skip_serializing_if = "Option::is_none")]
    was_in: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'static str>,
}

impl<'a> Whole<'a> {
    pub(super) fn of(loaded: &'a Loaded, allowed: &Result<usize, String>) -> Self {
        let rules = &loaded.rules;
        let entry = |one: &'a Entry| EntryRow {
            sort: one.sort.word(),
            name: &one.name,
            weight: one.weight,
            says: &one.says,
            examples: one.examples,
            file: &one.file,
            line: one.line,
        };
        Self {
            files: files(loaded).into_iter().map(|(name, role)| FileRow { name, role }).collect(),
            kinds: Kinds::ALL.iter().map(|kind| (kind.word(), rules.kinds().of(*kind).word())).collect(),
            thresholds: rules.thresholds().map(|(confidence, sum)| (confidence.word(), sum)).into(),
            allowed: allowed.as_ref().ok().copied(),
            entries: rules.entries().iter().map(entry).collect(),
            families: rules.header_families().iter().map(FamilyRow::of).collect(),
            sources: rules
                .sources()
                .iter()
                .map(|one| SourceRow {
                    name: &one.name,
                    r#match: &one.pattern,
                    vendor: one.vendor.as_deref(),
                    file: one.file(),
                })
                .collect(),
            changes: rules.changes().iter().map(ChangeRow::of).collect(),
            changed_examples: loaded.changed.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'a> FamilyRow<'a> {
    fn of(family: &'a Family) -> Self {
        let Family { name, fields, examples, line } = family;
        Self { name, fields, examples: *examples, file: HEADERS, line: *line }
    }
}

impl<'a> ChangeRow<'a> {
    fn of(change: &'a Change) -> Self {
        let (act, was_in, words, to) = match &change.act {
            Act::Replaced(file) => ("replaced", Some(&**file), None, None),
            Act::Removed(file) => ("removed", Some(&**file), None, None),
            Act::Added(words) => ("added", None, Some(*words), None),
            Act::Set(word) => ("set", None, None, Some(*word)),
        };
        Self { file: &change.file, entry: &change.entry, act, was_in, words, to }
    }
}
