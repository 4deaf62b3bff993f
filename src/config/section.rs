//! Reads one table of the file: takes known keys with their type; what is left over is unknown.
//!
//! serde stops at the first fault, so the spanned table is walked by hand. Each `take_*` notes what is wrong
//! and returns `None`, and the walk goes on. Knows nothing of what the values mean. Start reading at
//! [`Section`]. Tests: `tests.rs` of this room.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnose::{Problem, Severity};
use crate::nearest::nearest;

/// A value and where it stands.
pub(super) type At<T> = Spanned<T>;

/// A key that may stand in a section: its name, and an example as TOML writes it.
pub(super) type Key = (&'static str, &'static str);

/// One `[table]`, whose keys are taken out one by one.
pub(super) struct Section<'i> {
    table: DeTable<'i>,
    /// Where its header stands.
    at: Range<usize>,
    /// As a person calls it: `[milter]`; empty for the file itself.
    title: &'static str,
    known: Vec<&'static str>,
}

impl<'i> Section<'i> {
    /// A section over a table.
    pub(super) fn new(title: &'static str, table: At<DeTable<'i>>) -> Self {
        Self { at: table.span(), table: table.into_inner(), title, known: Vec::new() }
    }

    /// Where its header stands.
    pub(super) fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// Whether a key that is not yet taken stands here, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    fn take(&mut self, name: &'static str) -> Option<At<DeValue<'i>>> {
        self.known.push(name);
        self.table.remove(name)
    }

    /// Text that may be absent; empty text is a fault.
    pub(super) fn take_text(&mut self, key: Key, faults: &mut Vec<Problem>) -> Option<At<String>> {
        let value = self.take(key.0)?;
        text(key, &value, faults)
    }

    /// Text that must be there.
    pub(super) fn need_text(&mut self, key: Key, faults: &mut Vec<Problem>) -> Option<At<String>> {
        self.need(key, faults).and_then(|value| text(key, &value, faults))
    }

    /// Text, or a whole number as it was written: for numbers that name, such as a CVR number.
    pub(super) fn need_digits(&mut self, key: Key, faults: &mut Vec<Problem>) -> Option<At<String>> {
        let value = self.need(key, faults)?;
        match value.get_ref().as_integer() {
            Some(number) => Some(Spanned::new(value.span(), number.to_string())),
            None => text(key, &value, faults),
        }
    }

    /// A day that must be there, as TOML writes one or as text.
    pub(super) fn need_date(&mut self, key: Key, faults: &mut Vec<Problem>) -> Option<At<String>> {
        let value = self.need(key, faults)?;
        match value.get_ref() {
            DeValue::Datetime(day) if day.date.is_some() && day.time.is_none() => {
                Some(Spanned::new(value.span(), day.to_string()))
            }
            DeValue::String(_) => text(key, &value, faults),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                faults.push(wrong_type(key, "a day", &value));
                None
            }
        }
    }

    /// One text, or an array of them; absent is empty, an empty array is a fault.
    pub(super) fn take_texts(&mut self, key: Key, faults: &mut Vec<Problem>) -> Vec<At<String>> {
        self.take(key.0).map(|value| texts(key, value, faults)).unwrap_or_default()
    }

    /// One text, or an array of them, that must be there.
    pub(super) fn need_texts(&mut self, key: Key, faults: &mut Vec<Problem>) -> Vec<At<String>> {
        self.need(key, faults).map(|value| texts(key, value, faults)).unwrap_or_default()
    }

    /// A whole number within a range.
    pub(super) fn take_number(
        &mut self,
        key: Key,
        range: std::ops::RangeInclusive<u64>,
        faults: &mut Vec<Problem>,
    ) -> Option<At<u64>> {
        let value = self.take(key.0)?;
        let Some(written) = value.get_ref().as_integer() else {
            faults.push(wrong_type(key, "a whole number", &value));
            return None;
        };
        let number = u64::from_str_radix(written.as_str(), written.radix()).ok();
        let Some(number) = number.filter(|number| range.contains(number)) else {
            let (least, most) = (range.start(), range.end());
            let bounds =
                if *most == u64::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
            faults.push(
                Problem::error(value.span(), format!("`{}` is out of range", key.0))
                    .label(format!("must be {bounds}"))
                    .help(format!("write `{} = {}`, for example", key.0, key.1)),
            );
            return None;
        };
        Some(Spanned::new(value.span(), number))
    }

    /// An array of whole numbers within a range, which rise; an empty one is a fault.
    pub(super) fn take_rising(
        &mut self,
        key: Key,
        range: &std::ops::RangeInclusive<u64>,
        faults: &mut Vec<Problem>,
    ) -> Option<Vec<u64>> {
        let value = self.take(key.0)?;
        let array = value.get_ref().as_array();
        let number = |one: &At<DeValue<'i>>| {
            let written = one.get_ref().as_integer()?;
            u64::from_str_radix(written.as_str(), written.radix())
                .ok()
                .filter(|number| range.contains(number))
        };
        let numbers: Option<Vec<u64>> = array.and_then(|array| array.iter().map(number).collect());
        let rising = |numbers: &Vec<u64>| {
            !numbers.is_empty() && numbers.iter().zip(numbers.iter().skip(1)).all(|(one, next)| one < next)
        };
        let numbers = numbers.filter(rising);
        if numbers.is_none() {
            faults.push(
                Problem::error(value.span(), format!("`{}` must be whole numbers that rise", key.0))
                    .label(format!("each {} to {}", range.start(), range.end()))
                    .help(format!("write `{} = {}`, for example", key.0, key.1)),
            );
        }
        numbers
    }

    /// `true` or `false`.
    pub(super) fn take_bool(&mut self, key: Key, faults: &mut Vec<Problem>) -> Option<At<bool>> {
        let value = self.take(key.0)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            faults.push(wrong_type(key, "true or false", &value));
        }
        found.map(|found| Spanned::new(value.span(), found))
    }

    /// A table below this one.
    pub(super) fn take_section(
        &mut self,
        name: &'static str,
        title: &'static str,
        faults: &mut Vec<Problem>,
    ) -> Option<Section<'i>> {
        let value = self.take(name)?;
        let span = value.span();
        if let DeValue::Table(table) = value.into_inner() {
            return Some(Self::new(title, Spanned::new(span, table)));
        }
        faults.push(
            Problem::error(span, format!("`{name}` must be one section"))
                .help(format!("write `{title}` with one pair of brackets, and its keys below it")),
        );
        None
    }

    /// A table that must be there, with an example of its content.
    pub(super) fn need_section(
        &mut self,
        name: &'static str,
        title: &'static str,
        example: &str,
        faults: &mut Vec<Problem>,
    ) -> Option<Section<'i>> {
        if !self.has(name) {
            let missing =
                Problem::missing(Severity::Error, None, format!("the section `{title}` is missing"));
            faults.push(missing.help(format!("add:\n{title}\n{example}")));
        }
        self.take_section(name, title, faults)
    }

    /// Tables that may stand many times; `None` where they were written in another way.
    pub(super) fn take_sections(
        &mut self,
        name: &'static str,
        title: &'static str,
        faults: &mut Vec<Problem>,
    ) -> Option<Vec<Section<'i>>> {
        let Some(value) = self.take(name) else { return Some(Vec::new()) };
        let span = value.span();
        let mut sections = Vec::new();
        let mut odd = !value.get_ref().is_array();
        if let DeValue::Array(array) = value.into_inner() {
            for one in array {
                let at = one.span();
                match one.into_inner() {
                    DeValue::Table(table) => sections.push(Self::new(title, Spanned::new(at, table))),
                    DeValue::String(_)
                    | DeValue::Integer(_)
                    | DeValue::Float(_)
                    | DeValue::Boolean(_)
                    | DeValue::Datetime(_)
                    | DeValue::Array(_) => odd = true,
                }
            }
        }
        if odd {
            faults.push(
                Problem::error(span, format!("`{name}` must be a list of sections"))
                    .help(format!("write `{title}` with two pairs of brackets, once for each")),
            );
            return None;
        }
        Some(sections)
    }

    /// Ends the reading: every key that nobody took is unknown.
    pub(super) fn finish(self, faults: &mut Vec<Problem>) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            let (what, place) = match self.title {
                "" => ("unknown section or key", "in this file".to_owned()),
                title => ("unknown key", format!("in `{title}`")),
            };
            let home = HOMES.iter().find(|(_, keys)| keys.contains(&name)).map(|(home, _)| *home);
            let help = match (nearest(name, self.known.iter().copied()), home) {
                (Some(meant), _) => format!("did you mean `{meant}`?"),
                (None, Some(home)) => format!("`{name}` belongs under `{home}`"),
                (None, None) => format!("known {place}: {}", self.known.join(", ")),
            };
            faults.push(
                Problem::error(key.span(), format!("{what} `{name}`"))
                    .label(format!("not known {place}"))
                    .help(help),
            );
        }
    }

    fn need(&mut self, key: Key, faults: &mut Vec<Problem>) -> Option<At<DeValue<'i>>> {
        let value = self.take(key.0);
        if value.is_none() {
            let message = format!("`{}` is missing in `{}`", key.0, self.title);
            let missing = Problem::missing(Severity::Error, Some(self.at()), message);
            faults.push(missing.help(format!("add `{} = {}`", key.0, key.1)));
        }
        value
    }
}

/// Where keys live, for one that was written in another section: TOML gives a key to the header above it,
/// so `default_road` below `[policy.unread]` is an easy slip.
const HOMES: [(&str, &[&str]); 15] = [
    ("[milter]", &["listen", "max_connections"]),
    ("[smtp]", &["next_hop", "lmtp", "cert", "secure", "secure_ca"]),
    ("[store]", &["url"]),
    ("[seal]", &["node_key", "release_key"]),
    ("[hold]", &["node", "postfix", "alarm_hours", "tell_senders", "ways_out"]),
    (
        "[digital_post]",
        &["outbox", "sender_cvr", "sender_label", "system", "notification", "file_types", "max_mb"],
    ),
    ("[[digital_post.mapping]]", &["recipient_cvr", "automatic"]),
    ("[policy]", &["leak", "default_road", "off_tags"]),
    ("[policy.unread]", &["image", "document", "encrypted", "password", "damaged", "limit", "ambiguous"]),
    ("[[road]]", &["protection", "warn_persons", "max_persons"]),
    ("[[exemption]]", &["reason", "since", "until", "by"]),
    ("[[controller]]", &["cvr", "domains", "recipients", "sources", "dpo", "deputy", "chief", "dpo_key"]),
    ("[[source]]", &["match", "vendor", "owner"]),
    (
        "[alarm]",
        &["from", "processor", "second", "webhook", "webhook_key_file", "webhook_ca", "staffed", "closed"],
    ),
    ("[maillog]", &["journal", "tls_logged", "bypass", "need_not_pass"]),
];

fn text(key: Key, value: &At<DeValue<'_>>, faults: &mut Vec<Problem>) -> Option<At<String>> {
    let span = value.span();
    let Some(text) = value.get_ref().as_str() else {
        faults.push(wrong_type(key, "text in quotes", value));
        return None;
    };
    if text.trim().is_empty() {
        faults.push(
            Problem::error(span, format!("`{}` is empty", key.0))
                .help(format!("write `{} = {}`, for example", key.0, key.1)),
        );
        return None;
    }
    Some(Spanned::new(span, text.to_owned()))
}

fn texts(key: Key, value: At<DeValue<'_>>, faults: &mut Vec<Problem>) -> Vec<At<String>> {
    let span = value.span();
    if !value.get_ref().is_array() {
        return text(key, &value, faults).into_iter().collect();
    }
    let mut all = Vec::new();
    if let DeValue::Array(array) = value.into_inner() {
        if array.is_empty() {
            faults.push(
                Problem::error(span, format!("`{}` is empty", key.0))
                    .help(format!("write `{} = {}`, for example", key.0, key.1)),
            );
        }
        for one in array {
            all.extend(text(key, &one, faults));
        }
    }
    all
}

fn wrong_type(key: Key, wanted: &str, value: &At<DeValue<'_>>) -> Problem {
    Problem::error(value.span(), format!("`{}` must be {wanted}", key.0))
        .label(format!("this is of the type {}", value.get_ref().type_str()))
        .help(format!("write `{} = {}`, for example", key.0, key.1))
}
