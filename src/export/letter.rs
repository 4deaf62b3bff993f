//! The letter to the persons (GDPR art. 34): plain words, every point that the facts of the law ask for, and no CPR number.
//!
//! The texts are files in `texts/`; `{{name}}` is filled from the case and `«NAVN»` is a merge field, filled by the program that
//! sends the letters. What nobody has written stands in the letter as `[MANGLER: field]`, so that it cannot be overlooked.
//! Start reading at [`write()`].

use super::words::{self, happened, said};
use super::{ExportError, Whole};
use crate::case::Kind;
use crate::case::field::Field;
use crate::case::local::shown;
use std::collections::BTreeMap;

/// In which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Danish.
    Danish,
    /// English.
    English,
}

/// The hotline for identity theft (facts of the law, "Art. 34 letter").
pub const HOTLINE: &str = "33 98 00 98";

/// A text that was filled, and the fields that were missing in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text; lines end in LF.
    pub text: String,
    /// By their words, each once.
    pub missing: Vec<&'static str>,
}

/// The letter.
///
/// # Errors
/// [`ExportError::NearMiss`]: nobody is written to about what never left.
pub fn write(whole: &Whole<'_>, language: Language) -> Result<Written, ExportError> {
    let template = match language {
        Language::Danish => include_str!("texts/letter.da.txt"),
        Language::English => include_str!("texts/letter.en.txt"),
    };
    let row = &whole.file.row;
    if row.kind == Kind::NearMiss {
        return Err(ExportError::NearMiss(row.id.to_string()));
    }
    let mut filling = Filling::new(whole, language);
    filling.put("hotline", HOTLINE.to_owned());
    filling.fact("description", Field::Description, None);
    let source = row.source.clone();
    let system = match language {
        Language::Danish => "vores mailsystem",
        Language::English => "our mail system",
    };
    filling.put("source", source.unwrap_or_else(|| system.to_owned()));
    filling.fact("started", Field::Started, Some(shown(whole.around.first_at)));
    filling.fact("ended", Field::Ended, Some(shown(whole.around.last_at)));
    filling.fact("data_types", Field::DataTypes, None);
    filling.fact("data_not", Field::DataNot, None);
    filling.fact("contained", Field::Contained, None);
    filling.fact("seen", Field::Seen, None);
    filling.fact("consequences", Field::Consequences, None);
    filling.fact("measures", Field::Measures, None);
    filling.fact("dpo_contact", Field::DpoContact, Some(row.dpo.clone()).filter(|dpo| !dpo.is_empty()));
    Ok(filling.fill(template))
}

/// What is put in the place of `{{name}}`.
pub(super) struct Filling<'a> {
    whole: &'a Whole<'a>,
    values: BTreeMap<&'static str, String>,
    missing: Vec<&'static str>,
    mark: &'static str,
}

impl<'a> Filling<'a> {
    /// With what every text names.
    pub(super) fn new(whole: &'a Whole<'a>, language: Language) -> Self {
        let row = &whole.file.row;
        let (happened, mark) = match language {
            Language::Danish => (happened(whole).da, "MANGLER"),
            Language::English => (happened(whole).en, "MISSING"),
        };
        let never = || "-".to_owned();
        let values = BTreeMap::from([
            ("controller", row.controller.clone()),
            ("cvr", row.cvr.clone()),
            ("case", row.id.to_string()),
            ("today", words::day(whole.now)),
            ("detected", shown(row.detected_at)),
            ("aware", row.aware_at.map_or_else(never, shown)),
            ("deadline", row.deadline.map_or_else(never, shown)),
            ("happened", happened),
        ]);
        Self { whole, values, missing: Vec::new(), mark }
    }

    pub(super) fn put(&mut self, name: &'static str, value: String) {
        self.values.insert(name, value);
    }

    /// What a person wrote, or `otherwise`, or a mark that cannot be overlooked.
    pub(super) fn fact(&mut self, name: &'static str, field: Field, otherwise: Option<String>) {
        let value = said(self.whole.file, field).or(otherwise);
        let value = value.unwrap_or_else(|| {
            self.missing.push(field.word());
            format!("[{}: {}]", self.mark, field.word())
        });
        self.put(name, value);
    }

    /// The template, filled in one pass: what stands in a value is never taken for a name.
    pub(super) fn fill(self, template: &str) -> Written {
        let mut pieces = template.split("{{");
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            match piece.split_once("}}") {
                Some((name, rest)) => {
                    text.push_str(self.values.get(name).map_or("", String::as_str));
                    text.push_str(rest);
                }
                None => text.push_str(piece),
            }
        }
        Written { text, missing: self.missing }
    }
}
