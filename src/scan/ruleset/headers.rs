//! Which header fields are read: all but those that machines write for machines, as `headers.toml` names them.
//!
//! The walker is given what comes out of here; it knows no rules. Reads no file, and never decides what a number in a
//! field is worth. Start reading at [`read`]; [`HeaderRules::check`] proves each family by its own examples. Tests:
//! below.

use super::read::{File, Place, Placed, name_in};
use super::{HEADERS, RuleFault};
use crate::mime::HeaderFilter;
use serde::Deserialize;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeValue;

/// A `[[family]]` as written: fields of one maker or purpose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FamilyAsWritten {
    name: Spanned<String>,
    /// Field names; `*` at the end stands for anything.
    fields: Vec<Spanned<String>>,
    must_skip: Vec<Spanned<String>>,
    #[serde(default)]
    must_read: Vec<Spanned<String>>,
}

/// A family, gathered.
#[derive(Clone, Debug)]
struct FamilyEntry {
    title: String,
    place: Place,
    fields: Vec<Placed>,
    must_skip: Vec<Placed>,
    must_read: Vec<Placed>,
}

/// The header fields that are not read, and the examples that prove it.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderRules {
    families: Vec<FamilyEntry>,
    /// Fields that no family may take.
    must_read: Vec<Placed>,
}

/// A family of header fields that are not read, for a person to read.
#[derive(Clone, Debug)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// Field names; `*` at the end stands for anything.
    pub fields: Vec<String>,
    /// How many examples prove it.
    pub examples: usize,
    /// The line of `headers.toml`, from 1.
    pub line: usize,
}

/// Reads the file, and notes every fault: an entry without a name, without fields or examples, or a field that is no
/// field's name.
pub(super) fn read(text: &str, faults: &mut Vec<RuleFault>) -> HeaderRules {
    let Some(mut file) = File::open(HEADERS, 0, text, faults) else { return HeaderRules::default() };
    let must_read = file.take("must_read").map(|value| {
        let texts: Option<Vec<Spanned<String>>> = file.read("must_read", value, faults);
        file.all_placed(texts.unwrap_or_default())
    });
    let families = file.entries("family", faults, family);
    file.finish(&["must_read", "family"], |_| None, faults);
    for (at, family) in families.iter().enumerate() {
        let first = families.iter().take(at).find(|one| one.title == family.title);
        if let Some(first) = first {
            let fault = format!("stands in line {} of this file too: give it another name", first.place.line);
            faults.push(family.place.fault(&family.title, fault));
        }
    }
    HeaderRules { families, must_read: must_read.unwrap_or_default() }
}

fn family<'i>(
    file: &File<'i>,
    value: Spanned<DeValue<'i>>,
    faults: &mut Vec<RuleFault>,
) -> Option<FamilyEntry> {
    let title = name_in(value.get_ref(), "name").map_or("family".to_owned(), |name| format!("family:{name}"));
    let one: FamilyAsWritten = file.read(&title, value, faults)?;
    let Placed { text: name, place } = file.placed(one.name);
    let mut fault = |place: &Place, text: String| faults.push(place.fault(&title, text));
    if name.trim().is_empty() {
        fault(&place, "`name` must not be empty".to_owned());
    }
    if one.fields.is_empty() {
        fault(&place, "names no field".to_owned());
    }
    if one.must_skip.is_empty() {
        fault(&place, "must bring an example in `must_skip`".to_owned());
    }
    let fields = file.all_placed(one.fields);
    for field in &fields {
        let start = field.text.strip_suffix('*').unwrap_or(&field.text);
        if start.is_empty() || !start.bytes().all(|byte| byte.is_ascii_graphic() && !b":*".contains(&byte)) {
            let help = "is no field's name; write it without colon, `*` only at its end";
            fault(&field.place, format!("`{}` {help}", field.text));
        }
    }
    let (must_skip, must_read) = (file.all_placed(one.must_skip), file.all_placed(one.must_read));
    Some(FamilyEntry { title, place, fields, must_skip, must_read })
}

impl HeaderRules {
    /// Holds every family against its examples, and all of them against the fields that none may take.
    pub(super) fn check(&self, faults: &mut Vec<RuleFault>) {
        const READ: &str = "is not read, and must be";
        for family in &self.families {
            let own = HeaderFilter::new(family.fields.iter().map(|field| field.text.as_str()));
            for Placed { text, place } in &family.must_skip {
                if !own.skips(text.as_bytes()) {
                    faults.push(place.fault(&family.title, format!("{text} is read, and must not be")));
                }
            }
            for Placed { text, place } in &family.must_read {
                if own.skips(text.as_bytes()) {
                    faults.push(place.fault(&family.title, format!("{text} {READ}")));
                }
            }
        }
        let all = self.filter();
        for Placed { text, place } in &self.must_read {
            if all.skips(text.as_bytes()) {
                faults.push(place.fault("must_read", format!("{text} {READ}")));
            }
        }
    }

    /// For the walker.
    pub(super) fn filter(&self) -> HeaderFilter {
        let fields = self.families.iter().flat_map(|family| &family.fields);
        HeaderFilter::new(fields.map(|field| field.text.as_str()))
    }

    /// How many families there are, and how many examples prove them.
    pub(super) fn size(&self) -> (usize, usize) {
        let own = self.families.iter().map(FamilyEntry::examples).sum::<usize>();
        (self.families.len(), own + self.must_read.len())
    }

    /// For a person to read.
    pub(super) fn families(&self) -> Vec<Family> {
        let family = |one: &FamilyEntry| Family {
            name: one.title.trim_start_matches("family:").to_owned(),
            fields: one.fields.iter().map(|field| field.text.clone()).collect(),
            examples: one.examples(),
            line: one.place.line,
        };
        self.families.iter().map(family).collect()
    }
}

impl FamilyEntry {
    fn examples(&self) -> usize {
        self.must_skip.len() + self.must_read.len()
    }
}

/// What the rules make of header fields, ready to use.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) rules: HeaderRules,
    pub(super) filter: Arc<HeaderFilter>,
    pub(super) families: Vec<Family>,
}

impl Headers {
    pub(super) fn of(rules: HeaderRules) -> Self {
        Self { filter: Arc::new(rules.filter()), families: rules.families(), rules }
    }
}

#[cfg(test)]
mod tests {
    use crate::scan::ruleset::{RuleTexts, Ruleset};

    fn said(headers: &str) -> Vec<String> {
        let texts = RuleTexts { headers, ..RuleTexts::BUILT_IN };
        let faults = match Ruleset::parse(texts) {
            Ok(rules) => rules.check(),
            Err(faults) => faults,
        };
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_of_the_file_has_its_line() {
        let faults = said(
            "[[family]]\nname = 'a'\nfields = ['X:', '*']\nmust_skip = []\n\
             [[family]]\nname = 'a'\nfields = []\nmust_skip = ['x']\n[[famly]]\nname = 'c'\n",
        );
        assert_eq!(faults.len(), 6, "{faults:#?}");
        for word in [
            "headers.toml:3: family:a: `X:` is no field's name",
            "headers.toml:6: family:a: stands in line 2 of this file too",
            "headers.toml:6: family:a: names no field",
            "did you mean `family`?",
        ] {
            assert!(faults.iter().any(|fault| fault.contains(word)), "{word}: {faults:#?}");
        }
    }

    #[test]
    fn every_example_is_held_against_its_family_and_the_head_against_all() {
        let faults = said(
            "must_read = ['X-CPR']\n[[family]]\nname = 'a'\nfields = ['X-*']\nmust_skip = ['Y']\nmust_read = ['X-A']\n",
        );
        let wanted = [
            "headers.toml:5: family:a: Y is read, and must not be",
            "headers.toml:6: family:a: X-A is not read, and must be",
            "headers.toml:1: must_read: X-CPR is not read, and must be",
        ];
        assert_eq!(faults, wanted);
    }
}
