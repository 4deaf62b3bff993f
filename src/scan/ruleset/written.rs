//! The rules as written: what each entry of a file may hold, and nothing of what it means.
//!
//! Unknown keys are faults. The weights of `cpr.toml` are numbers already and are used as they stand; labels
//! and look-alikes are gathered by `pack` and made runnable by `compile`. Start reading at [`Weights`]. Tests:
//! those of `compile`, and `tests.rs`.

use crate::cpr::Kind;
use crate::cpr::candidate::Form;
use serde::Deserialize;
use toml::Spanned;

/// `cpr.toml`, but for the exceptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct Weights {
    pub(in crate::scan) form: FormWeights,
    pub(in crate::scan) check: CheckWeights,
    pub(in crate::scan) age: AgeWeights,
    pub(in crate::scan) distance: Distance,
    pub(in crate::scan) column: ColumnWeights,
    pub(in crate::scan) place: PlaceWeights,
    pub(in crate::scan) neighbours: NeighbourWeights,
    pub(in crate::scan) threshold: Threshold,
    pub(super) exceptions: ExceptionsAsWritten,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct FormWeights {
    dashed: f32,
    plain: f32,
    blank: f32,
    broken: f32,
    marked: f32,
    spelled: f32,
    cells: f32,
    spread: f32,
    nine: f32,
    lettered: f32,
}

impl FormWeights {
    pub(in crate::scan) fn of(&self, form: Form) -> (f32, &'static str) {
        match form {
            Form::Dashed => (self.dashed, "form:dashed"),
            Form::Plain => (self.plain, "form:plain"),
            Form::Blank => (self.blank, "form:blank"),
            Form::Broken => (self.broken, "form:broken"),
            Form::Marked => (self.marked, "form:marked"),
            Form::Spelled => (self.spelled, "form:spelled"),
            Form::Cells => (self.cells, "form:cells"),
            Form::Spread => (self.spread, "form:spread"),
            Form::Nine => (self.nine, "form:nine"),
            Form::Lettered => (self.lettered, "form:lettered"),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct CheckWeights {
    pub(in crate::scan) passes: f32,
    pub(in crate::scan) excepted: f32,
    replacement: f32,
    test: f32,
    suspect: f32,
}

impl CheckWeights {
    pub(in crate::scan) fn of_kind(&self, kind: Kind) -> f32 {
        match kind {
            // What nine digits and letters are worth is said by their form.
            Kind::Cpr | Kind::NineDigit | Kind::Ecpr => 0.0,
            Kind::Replacement => self.replacement,
            Kind::Test => self.test,
            Kind::Suspect => self.suspect,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct AgeWeights {
    pub(in crate::scan) old_from: u16,
    pub(in crate::scan) old: f32,
    pub(in crate::scan) stamp_from: u16,
    pub(in crate::scan) stamp: f32,
    pub(in crate::scan) high: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct Distance {
    pub(in crate::scan) near: u16,
    pub(in crate::scan) far: u16,
    pub(in crate::scan) line: u16,
    pub(in crate::scan) line_against: u16,
    pub(in crate::scan) sentence: u16,
    pub(in crate::scan) taken: u16,
    pub(in crate::scan) other_key: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct ColumnWeights {
    pub(in crate::scan) other: f32,
    pub(in crate::scan) beside_cpr: f32,
    pub(in crate::scan) other_key: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct PlaceWeights {
    pub(in crate::scan) other_header: f32,
    pub(in crate::scan) touching: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct NeighbourWeights {
    pub(in crate::scan) valid: f32,
    pub(in crate::scan) other: f32,
    pub(in crate::scan) most: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scan) struct Threshold {
    pub(in crate::scan) certain: f32,
    pub(in crate::scan) likely: f32,
    pub(in crate::scan) possible: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptionsAsWritten {
    #[allow(dead_code, reason = "the file must name its source; nothing computes with it")]
    pub(super) source: String,
    pub(super) as_of: chrono::NaiveDate,
    pub(super) first_of_january: Vec<u16>,
}

/// A `[[label]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelAsWritten {
    pub(super) name: Spanned<String>,
    pub(super) weight: f32,
    pub(super) words: Vec<Spanned<String>>,
    pub(super) must: Vec<Spanned<String>>,
    pub(super) must_not: Vec<Spanned<String>>,
}

/// A `[[label]]` of a pack that adds words to a label that is there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdditionAsWritten {
    pub(super) add_to: Spanned<String>,
    pub(super) words: Vec<Spanned<String>>,
    pub(super) must: Vec<Spanned<String>>,
    pub(super) must_not: Vec<Spanned<String>>,
}

/// A `[[lookalike]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookAlikeAsWritten {
    pub(super) name: Spanned<String>,
    pub(super) weight: f32,
    pub(super) before: Option<Spanned<String>>,
    pub(super) after: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) form: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) only_unlabelled: bool,
    pub(super) must: Vec<Spanned<String>>,
    pub(super) must_not: Vec<Spanned<String>>,
}

/// A `[[source]]` of a pack: the keys of `brevdue.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceAsWritten {
    pub(super) name: Spanned<String>,
    #[serde(rename = "match")]
    pub(super) pattern: Spanned<String>,
    pub(super) vendor: Option<String>,
}
