//! One rule file as text: taken apart into tables, each with its place, and every fault noted.
//!
//! serde stops at the first fault, so entries are read one by one: a slip in one of them hides no other. Knows
//! nothing of what entries mean, and reads nothing from the disk. Start reading at [`File::open`]. Tests: those
//! of `compile`, and `tests.rs`.

use super::RuleFault;
use serde::Deserialize;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, ValueDeserializer};

/// TOML gives a key to the header above it, so this is an easy slip.
pub(super) const REMOVE_ABOVE: &str = "`remove` must stand above the first [section] of the file";

/// Where something is written: which file, the how manyth of those that were read, and on what line.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    /// 0 is one of ours, or the file that replaces it; packs count from 1 in their order.
    pub(super) rank: usize,
    pub(super) line: usize,
}

impl Place {
    /// A fault of the entry that stands here.
    pub(super) fn fault(&self, entry: &str, fault: impl Into<String>) -> RuleFault {
        RuleFault {
            file: self.file.to_string(),
            line: Some(self.line),
            entry: entry.to_owned(),
            fault: fault.into(),
        }
    }
}

/// A text, and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) place: Place,
}

/// A file of rules being read.
pub(super) struct File<'i> {
    name: Arc<str>,
    rank: usize,
    text: &'i str,
    table: DeTable<'i>,
}

impl<'i> File<'i> {
    /// Takes a text apart; `None` when it is no TOML, with every fault of syntax noted.
    pub(super) fn open(name: &str, rank: usize, text: &'i str, faults: &mut Vec<RuleFault>) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut file = Self { name: name.into(), rank, text, table: DeTable::default() };
        for error in &errors {
            let place = file.place(error.span().unwrap_or_default());
            faults.push(place.fault("file", format!("not valid TOML: {}", error.message())));
        }
        file.table = table.into_inner();
        for (at, value) in &file.table {
            file.refuse_endless(at.get_ref(), value, faults);
        }
        errors.is_empty().then_some(file)
    }

    /// The place of these bytes of the text.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Place { file: Arc::clone(&self.name), rank: self.rank, line }
    }

    /// A spanned text with its place.
    pub(super) fn placed(&self, text: Spanned<String>) -> Placed {
        let place = self.place(text.span());
        Placed { text: text.into_inner(), place }
    }

    /// The same for many.
    pub(super) fn all_placed(&self, texts: Vec<Spanned<String>>) -> Vec<Placed> {
        texts.into_iter().map(|text| self.placed(text)).collect()
    }

    /// Takes a key of the file's top level out.
    pub(super) fn take(&mut self, key: &str) -> Option<Spanned<DeValue<'i>>> {
        self.table.remove(key)
    }

    /// The entries of a list of tables, each as `read` makes of it; faulty ones are noted and left out.
    pub(super) fn entries<T>(
        &mut self,
        key: &str,
        faults: &mut Vec<RuleFault>,
        mut read: impl FnMut(&Self, Spanned<DeValue<'i>>, &mut Vec<RuleFault>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let place = self.place(value.span());
        let Some(array) = into_array(value.into_inner()) else {
            faults.push(place.fault(key, format!("must be a list: write `[[{key}]]` above each entry")));
            return Vec::new();
        };
        array.into_iter().filter_map(|value| read(self, value, faults)).collect()
    }

    /// One value as its type.
    pub(super) fn read<T: for<'de> Deserialize<'de>>(
        &self,
        entry: &str,
        value: Spanned<DeValue<'i>>,
        faults: &mut Vec<RuleFault>,
    ) -> Option<T> {
        let span = value.span();
        T::deserialize(ValueDeserializer::from(value))
            .map_err(|error| {
                let place = self.place(error.span().unwrap_or(span));
                let slipped = error.message().starts_with("unknown field `remove`");
                faults.push(place.fault(entry, if slipped { REMOVE_ABOVE } else { error.message() }));
            })
            .ok()
    }

    /// What is left of the file, as its type.
    pub(super) fn read_rest<T: for<'de> Deserialize<'de>>(
        mut self,
        faults: &mut Vec<RuleFault>,
    ) -> Option<T> {
        let rest = std::mem::take(&mut self.table);
        self.read("file", Spanned::new(0..0, DeValue::Table(rest)), faults)
    }

    /// Ends the reading: what nobody took is unknown. `help` says where a known word of another file belongs.
    pub(super) fn finish(
        self,
        known: &[&str],
        help: impl Fn(&str) -> Option<String>,
        faults: &mut Vec<RuleFault>,
    ) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            let meant = crate::nearest::nearest(name, known.iter().copied());
            let help = match (help(name), meant) {
                (Some(help), _) => help,
                (None, Some(meant)) => format!("did you mean `{meant}`?"),
                (None, None) => format!("known here: {}", known.join(", ")),
            };
            faults.push(self.place(key.span()).fault(name, format!("is not known here; {help}")));
        }
    }

    /// `nan` and `inf` are TOML, and one of them in a sum would make every number pass unseen.
    fn refuse_endless(&self, key: &str, value: &Spanned<DeValue<'i>>, faults: &mut Vec<RuleFault>) {
        match value.get_ref() {
            DeValue::Float(float) if float.as_str().contains(['n', 'N']) => {
                faults.push(self.place(value.span()).fault(key, "must be a number that can be added up"));
            }
            DeValue::Array(array) => {
                array.iter().for_each(|value| self.refuse_endless(key, value, faults));
            }
            DeValue::Table(table) => {
                table.iter().for_each(|(key, value)| self.refuse_endless(key.get_ref(), value, faults));
            }
            DeValue::Float(_)
            | DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }
}

fn into_array(value: DeValue<'_>) -> Option<DeArray<'_>> {
    if let DeValue::Array(array) = value { Some(array) } else { None }
}

/// The text of an entry's key, for naming it in a fault before it is read.
pub(super) fn name_in<'v>(value: &'v DeValue<'_>, key: &str) -> Option<&'v str> {
    value.get(key)?.get_ref().as_str()
}
