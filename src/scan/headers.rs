//! Which header fields are read: all but those that machines write for machines, as `rules/headers.toml` names them.
//!
//! The walker is given what comes out of here; it knows no rules. Reads no file. Start reading at
//! [`HeaderRules::parse`]; [`HeaderRules::check`] proves each entry by its own examples.

use crate::mime::HeaderFilter;
use serde::Deserialize;
use std::sync::{Arc, LazyLock};

/// The rules as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    family: Vec<Family>,
    /// Fields that no family may take.
    #[serde(default)]
    must_read: Vec<String>,
}

/// Fields of one maker or purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    name: String,
    /// Field names; `*` at the end stands for anything.
    fields: Vec<String>,
    must_skip: Vec<String>,
    #[serde(default)]
    must_read: Vec<String>,
}

/// The header fields that are not read, and the examples that prove it.
#[derive(Debug)]
pub struct HeaderRules {
    filter: Arc<HeaderFilter>,
    written: Written,
}

/// `headers.toml` as this program was built with.
pub const BUILT_IN: &str = include_str!("../../rules/headers.toml");

impl HeaderRules {
    /// Reads the rules.
    ///
    /// # Errors
    /// Every fault, not only the first: an entry without a name, without fields or examples, or a field that is no
    /// field's name.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let written: Written = toml::from_str(text).map_err(|error| vec![error.message().to_owned()])?;
        let mut faults = Vec::new();
        for family in &written.family {
            let mut fault = |text: &str| faults.push(format!("{}: {text}", family.name));
            if family.name.is_empty() {
                fault("has no name");
            }
            if family.fields.is_empty() {
                fault("names no field");
            }
            if family.must_skip.is_empty() {
                fault("has no example under must_skip");
            }
            for field in &family.fields {
                let name = field.strip_suffix('*').unwrap_or(field);
                if name.is_empty()
                    || !name.bytes().all(|byte| byte.is_ascii_graphic() && !b":*".contains(&byte))
                {
                    fault(&format!(
                        "`{field}` is no field's name; write it without colon, `*` only at its end"
                    ));
                }
            }
        }
        if faults.is_empty() {
            let fields = written.family.iter().flat_map(|family| &family.fields).map(String::as_str);
            let filter = Arc::new(HeaderFilter::new(fields));
            Ok(Self { filter, written })
        } else {
            Err(faults)
        }
    }

    /// Holds every entry against its examples; gives every one that fails.
    pub fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for family in &self.written.family {
            let own = HeaderFilter::new(family.fields.iter().map(String::as_str));
            let skipped = |name: &&String| own.skips(name.as_bytes());
            for name in family.must_skip.iter().filter(|name| !skipped(name)) {
                faults.push(format!("{}: {name} is read, and must not be", family.name));
            }
            for name in family.must_read.iter().filter(skipped) {
                faults.push(format!("{}: {name} is not read, and must be", family.name));
            }
        }
        for name in self.written.must_read.iter().filter(|name| self.filter.skips(name.as_bytes())) {
            faults.push(format!("must_read: {name} is not read, and must be"));
        }
        faults
    }

    /// For the walker.
    pub fn filter(&self) -> Arc<HeaderFilter> {
        Arc::clone(&self.filter)
    }
}

/// The filter that this program was built with. Were its text broken, every header would be read: too much and
/// never too little.
pub(super) fn built_in() -> Arc<HeaderFilter> {
    static FILTER: LazyLock<Arc<HeaderFilter>> =
        LazyLock::new(|| HeaderRules::parse(BUILT_IN).map(|rules| rules.filter()).unwrap_or_default());
    Arc::clone(&FILTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_hold() {
        let rules = HeaderRules::parse(BUILT_IN).unwrap();
        assert_eq!(rules.check(), [""; 0]);
    }

    #[test]
    fn every_fault_is_told() {
        let faults = HeaderRules::parse(
            "[[family]]\nname = \"a\"\nfields = [\"X:\", \"*\"]\nmust_skip = []\n[[family]]\nname = \"b\"\nfields = []\nmust_skip = [\"x\"]",
        )
        .unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:?}");
        let rules = HeaderRules::parse(
            "must_read = [\"X-CPR\"]\n[[family]]\nname = \"a\"\nfields = [\"X-*\"]\nmust_skip = [\"Y\"]\nmust_read = [\"X-A\"]",
        )
        .unwrap();
        assert_eq!(rules.check().len(), 3);
        assert!(HeaderRules::parse("famly = 1").is_err());
    }
}
