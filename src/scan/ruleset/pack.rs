//! Files laid over one another: ours first, then each pack in its order; the later one wins.
//!
//! A pack removes first and adds then, so that it may put an entry of its own in the place of one that it took
//! away. An entry with the name of an earlier one replaces it where it stands. What was replaced, added to or
//! removed is remembered, because a person who tunes must see it. Nothing is compiled here. Start reading at
//! [`Assembly::lay`]. Tests: `tests.rs`. The precedence for people is in `rules/README.md`.

use super::entry::{self, LabelEntry, Labelled, LookAlikeEntry, PackSource, Proof};
use super::headers::{self, HeaderRules};
use super::kinds::{self, Kinds};
use super::list::Sort;
use super::read::{File, Place, Placed};
use super::written::Weights;
use super::{CONTEXT, CPR, HEADERS, LOOKALIKES, RuleFault, RuleTexts};
use crate::nearest::nearest;
use std::sync::Arc;

/// What a pack did to an entry that was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The pack.
    pub file: Arc<str>,
    /// `label:cpr`, `kind:suspect`.
    pub entry: String,
    /// What it did.
    pub act: Act,
}

/// See [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Put its own in the place of the one of this file.
    Replaced(Arc<str>),
    /// Took away the one of this file.
    Removed(Arc<str>),
    /// Added so many words.
    Added(usize),
    /// Set a kind to this word.
    Set(&'static str),
}

/// All entries of the files so far.
#[derive(Clone, Default)]
pub(super) struct Assembly {
    pub(super) weights: Option<Weights>,
    pub(super) kinds: Kinds,
    pub(super) labels: Vec<LabelEntry>,
    pub(super) lookalikes: Vec<LookAlikeEntry>,
    pub(super) sources: Vec<PackSource>,
    pub(super) changes: Vec<Change>,
    pub(super) headers: HeaderRules,
}

/// The keys of a pack.
const KEYS: [&str; 6] = ["remove", "kind", "label", "lookalike", "beside", "source"];

impl Assembly {
    /// The four files that are ours, or stand in our files' place.
    pub(super) fn of(texts: RuleTexts<'_>, faults: &mut Vec<RuleFault>) -> Self {
        let mut all = Self::default();
        if let Some(mut file) = File::open(CPR, 0, texts.cpr, faults) {
            for (kind, treatment) in kinds::read(&mut file, faults) {
                all.kinds.set(kind, treatment);
            }
            all.weights = file.read_rest(faults);
        }
        if let Some(mut file) = File::open(CONTEXT, 0, texts.context, faults) {
            let labels = file.entries("label", faults, entry::label);
            all.lay_labels(labels, faults);
            file.finish(&["label"], |_| None, faults);
        }
        if let Some(mut file) = File::open(LOOKALIKES, 0, texts.lookalikes, faults) {
            all.read_lookalikes(&mut file, faults);
            file.finish(&["lookalike", "beside"], |_| None, faults);
        }
        all.headers = headers::read(texts.headers, faults);
        all
    }

    /// Lays a pack over what is there.
    pub(super) fn lay(&mut self, name: &str, rank: usize, text: &str, faults: &mut Vec<RuleFault>) {
        let Some(mut file) = File::open(name, rank, text, faults) else { return };
        let remove = file.take("remove").map(|value| {
            let texts: Option<Vec<toml::Spanned<String>>> = file.read("remove", value, faults);
            file.all_placed(texts.unwrap_or_default())
        });
        let place = file.place(0..0);
        for name in remove.unwrap_or_default() {
            self.remove(&name, faults);
        }
        for (kind, treatment) in kinds::read(&mut file, faults) {
            self.kinds.set(kind, treatment);
            self.note(&place, format!("kind:{}", kind.word()), Act::Set(treatment.word()));
        }
        let labels = file.entries("label", faults, entry::label_or_addition);
        let (mut whole, mut additions) = (Vec::new(), Vec::new());
        for one in labels {
            match one {
                Labelled::Whole(label) => whole.push(label),
                Labelled::More(addition) => additions.push(addition),
            }
        }
        self.lay_labels(whole, faults);
        for (add_to, words, proof) in additions {
            self.add(&add_to, words, proof, faults);
        }
        self.read_lookalikes(&mut file, faults);
        let sources = file.entries("source", faults, entry::source);
        self.lay_sources(sources, faults);
        file.finish(&KEYS, elsewhere, faults);
    }

    fn lay_labels(&mut self, labels: Vec<LabelEntry>, faults: &mut Vec<RuleFault>) {
        for label in labels {
            let name = format!("label:{}", label.name);
            let place = label.place.clone();
            let at = self.labels.iter().position(|one| one.name == label.name);
            let before = put(&mut self.labels, at, label);
            self.replaced(name, &place, before.map(|before| before.place), faults);
        }
    }

    fn read_lookalikes(&mut self, file: &mut File<'_>, faults: &mut Vec<RuleFault>) {
        for sort in [Sort::LookAlike, Sort::Beside] {
            let read = |file: &File<'_>, value, faults: &mut _| entry::lookalike(sort, file, value, faults);
            let entries = file.entries(sort.word(), faults, read);
            self.lay_lookalikes(entries, faults);
        }
    }

    fn lay_lookalikes(&mut self, lookalikes: Vec<LookAlikeEntry>, faults: &mut Vec<RuleFault>) {
        for lookalike in lookalikes {
            let name = lookalike.title();
            let place = lookalike.place.clone();
            let at = self.lookalikes.iter().position(|one| one.title() == name);
            let before = put(&mut self.lookalikes, at, lookalike);
            self.replaced(name, &place, before.map(|before| before.place), faults);
        }
    }

    /// A system may have two senders, so within a pack a name may stand twice; a sender may not stand twice at
    /// all, because the first would count.
    fn lay_sources(&mut self, sources: Vec<PackSource>, faults: &mut Vec<RuleFault>) {
        for source in &sources {
            let earlier = |one: &PackSource| one.name == source.name && one.place.rank != source.place.rank;
            if let Some(before) = self.sources.iter().find(|one| earlier(one)).map(|one| one.place.clone()) {
                let act = Act::Replaced(before.file);
                self.note(&source.place, format!("source:{}", source.name), act);
            }
            self.sources.retain(|one| !earlier(one));
        }
        for source in sources {
            let same = |one: &&PackSource| one.pattern.eq_ignore_ascii_case(&source.pattern);
            if let Some(first) = self.sources.iter().find(same) {
                let fault = format!(
                    "its sender stands in {}, line {} too; the first would count: remove one",
                    first.place.file, first.place.line
                );
                faults.push(source.fault(fault));
            }
            self.sources.push(source);
        }
    }

    /// A name twice in one file is a slip; in a later file it is a replacement.
    fn replaced(&mut self, name: String, place: &Place, before: Option<Place>, faults: &mut Vec<RuleFault>) {
        match before {
            Some(before) if before.rank == place.rank => {
                let fault = format!(
                    "stands in line {} of this file too: remove one, or give it another name",
                    before.line
                );
                faults.push(place.fault(&name, fault));
            }
            Some(before) => self.note(place, name, Act::Replaced(before.file)),
            None => {}
        }
    }

    fn add(&mut self, add_to: &Placed, words: Vec<Placed>, proof: Proof, faults: &mut Vec<RuleFault>) {
        let name = add_to.text.strip_prefix("label:").unwrap_or(&add_to.text);
        let Some(label) = self.labels.iter_mut().find(|label| label.name == name) else {
            let names = self.labels.iter().map(|label| label.name.as_str());
            let help = did_you_mean(name, names);
            let fault = format!("`add_to` names a label that is not there; {help}");
            faults.push(add_to.place.fault(&format!("label:{name}"), fault));
            return;
        };
        proof.demand(&add_to.place, &format!("label:{name}"), faults);
        let count = words.len();
        label.words.extend(words);
        label.examples.must.extend(proof.must);
        label.examples.must_not.extend(proof.must_not);
        let entry = format!("label:{name}");
        self.note(&add_to.place, entry, Act::Added(count));
    }

    fn remove(&mut self, wanted: &Placed, faults: &mut Vec<RuleFault>) {
        let name = wanted.text.as_str();
        let taken = match name.split_once(':') {
            Some(("label", label)) => take(&mut self.labels, |one| one.name == label).map(|one| one.place),
            Some(("lookalike" | "beside", _)) => {
                take(&mut self.lookalikes, |one| one.title() == name).map(|one| one.place)
            }
            Some(("source", source)) => {
                let mut last = None;
                while let Some(one) = take(&mut self.sources, |one| one.name == source) {
                    last = Some(one.place);
                }
                last
            }
            Some(_) | None => None,
        };
        if let Some(before) = taken {
            self.note(&wanted.place, name.to_owned(), Act::Removed(before.file));
            return;
        }
        let known = self.names();
        // `handel` alone is the commonest slip, and its nearest name lies too far off.
        let whole = known.iter().find(|one| one.split_once(':').is_some_and(|(_, bare)| bare == name));
        let help = match whole {
            Some(whole) => format!("did you mean `{whole}`?"),
            None => did_you_mean(name, known.iter().map(String::as_str)),
        };
        faults.push(wanted.place.fault("remove", format!("`{name}` is not there; {help}")));
    }

    fn names(&self) -> Vec<String> {
        let labels = self.labels.iter().map(|one| format!("label:{}", one.name));
        let lookalikes = self.lookalikes.iter().map(LookAlikeEntry::title);
        let sources = self.sources.iter().map(|one| format!("source:{}", one.name));
        labels.chain(lookalikes).chain(sources).collect()
    }

    fn note(&mut self, place: &Place, entry: String, act: Act) {
        self.changes.push(Change { file: Arc::clone(&place.file), entry, act });
    }
}

/// A word of ours that is no word of a pack, with the file that it belongs to.
fn elsewhere(key: &str) -> Option<String> {
    let weights =
        ["exceptions", "form", "check", "age", "distance", "column", "place", "neighbours", "threshold"];
    let (written, file) = match key {
        "family" => ("[[family]]", HEADERS),
        "must_read" => ("must_read", HEADERS),
        _ if weights.contains(&key) => return Some(belongs(&format!("[{key}]"), CPR)),
        _ => return None,
    };
    Some(belongs(written, file))
}

fn belongs(written: &str, file: &str) -> String {
    format!("`{written}` belongs in {file}: a file of that name in the folder replaces ours whole")
}

fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`brevdue rules list` shows what is".to_owned(),
    }
}

fn put<T>(all: &mut Vec<T>, at: Option<usize>, one: T) -> Option<T> {
    if let Some(slot) = at.and_then(|at| all.get_mut(at)) {
        return Some(std::mem::replace(slot, one));
    }
    all.push(one);
    None
}

fn take<T>(all: &mut Vec<T>, wanted: impl Fn(&T) -> bool) -> Option<T> {
    let at = all.iter().position(wanted)?;
    Some(all.remove(at))
}
