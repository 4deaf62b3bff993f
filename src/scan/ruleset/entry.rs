//! The entries of the files, each with the places where it is written.
//!
//! Typed as written (`written`) comes in, gathered comes out: texts that know their file and line, so that any
//! later fault can say where. Knows nothing of precedence and compiles nothing. Start reading at [`label`].
//! Tests: `tests.rs`.

use super::RuleFault;
use super::list::Sort;
use super::read::{File, Place, Placed, name_in};
use super::written::{AdditionAsWritten, LabelAsWritten, LookAlikeAsWritten, SourceAsWritten};

/// A label, gathered.
#[derive(Clone)]
pub(super) struct LabelEntry {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) weight: f32,
    pub(super) words: Vec<Placed>,
    pub(super) examples: Proof,
}

/// A look-alike, or what speaks for a number beside it; gathered.
#[derive(Clone)]
pub(super) struct LookAlikeEntry {
    pub(super) sort: Sort,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) weight: f32,
    pub(super) before: Option<Placed>,
    pub(super) after: Option<Placed>,
    pub(super) form: Vec<Placed>,
    pub(super) only_unlabelled: bool,
    pub(super) examples: Proof,
}

/// What an entry must and must not match.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    pub(super) must: Vec<Placed>,
    pub(super) must_not: Vec<Placed>,
}

/// A system that sends mail, as a pack names it.
#[derive(Clone, Debug)]
pub struct PackSource {
    /// As it is to stand in the register.
    pub name: String,
    /// Which senders are this system.
    pub pattern: String,
    /// Who made it.
    pub vendor: Option<String>,
    pub(super) place: Place,
}

impl PackSource {
    /// A fault of it: what a pattern means is judged by those who know addresses.
    pub fn fault(&self, fault: impl Into<String>) -> RuleFault {
        self.place.fault(&format!("source:{}", self.name), fault)
    }

    /// The pack.
    pub fn file(&self) -> &str {
        &self.place.file
    }
}

impl Proof {
    /// Every rule carries what it must and what it must not match.
    pub(super) fn demand(&self, place: &Place, entry: &str, faults: &mut Vec<RuleFault>) {
        if self.must.is_empty() || self.must_not.is_empty() {
            faults.push(place.fault(entry, "must bring examples in both `must` and `must_not`"));
        }
    }
}

type Value<'i> = toml::Spanned<toml::de::DeValue<'i>>;

/// What a fault calls an entry that is being read.
fn titled(prefix: &str, value: &Value<'_>, key: &str) -> String {
    name_in(value.get_ref(), key).map_or_else(|| prefix.to_owned(), |name| format!("{prefix}:{name}"))
}

pub(super) fn label<'i>(
    file: &File<'i>,
    value: Value<'i>,
    faults: &mut Vec<RuleFault>,
) -> Option<LabelEntry> {
    let title = titled("label", &value, "name");
    let one: LabelAsWritten = file.read(&title, value, faults)?;
    let Placed { text: name, place } = file.placed(one.name);
    let examples = Proof { must: file.all_placed(one.must), must_not: file.all_placed(one.must_not) };
    Some(LabelEntry { name, place, weight: one.weight, words: file.all_placed(one.words), examples })
}

pub(super) enum Labelled {
    Whole(LabelEntry),
    More((Placed, Vec<Placed>, Proof)),
}

pub(super) fn label_or_addition<'i>(
    file: &File<'i>,
    value: Value<'i>,
    faults: &mut Vec<RuleFault>,
) -> Option<Labelled> {
    if value.get_ref().get("add_to").is_none() {
        return label(file, value, faults).map(Labelled::Whole);
    }
    let title = titled("label", &value, "add_to");
    let one: AdditionAsWritten = file.read(&title, value, faults)?;
    let proof = Proof { must: file.all_placed(one.must), must_not: file.all_placed(one.must_not) };
    Some(Labelled::More((file.placed(one.add_to), file.all_placed(one.words), proof)))
}

impl LookAlikeEntry {
    /// What reasons and `remove` call it.
    pub(super) fn title(&self) -> String {
        format!("{}:{}", self.sort.word(), self.name)
    }
}

pub(super) fn lookalike<'i>(
    sort: Sort,
    file: &File<'i>,
    value: Value<'i>,
    faults: &mut Vec<RuleFault>,
) -> Option<LookAlikeEntry> {
    let title = titled(sort.word(), &value, "name");
    let one: LookAlikeAsWritten = file.read(&title, value, faults)?;
    let Placed { text: name, place } = file.placed(one.name);
    Some(LookAlikeEntry {
        sort,
        name,
        place,
        weight: one.weight,
        before: one.before.map(|text| file.placed(text)),
        after: one.after.map(|text| file.placed(text)),
        form: file.all_placed(one.form),
        only_unlabelled: one.only_unlabelled,
        examples: Proof { must: file.all_placed(one.must), must_not: file.all_placed(one.must_not) },
    })
}

pub(super) fn source<'i>(
    file: &File<'i>,
    value: Value<'i>,
    faults: &mut Vec<RuleFault>,
) -> Option<PackSource> {
    let title = titled("source", &value, "name");
    let one: SourceAsWritten = file.read(&title, value, faults)?;
    let Placed { text: name, place } = file.placed(one.name);
    let pattern = one.pattern.into_inner();
    if name.trim().is_empty() || pattern.trim().is_empty() {
        faults.push(place.fault(&title, "`name` and `match` must not be empty"));
    }
    Some(PackSource { name, pattern, vendor: one.vendor, place })
}
