//! A plan: which number, written how, where, and wrapped in what. It is data, says itself in one line, and makes its mail.

use super::container::Container;
use super::entity::Entity;
use super::layer::{self, Layer};
use super::notation::Notation;
use super::notations;
use super::number::Number;
use super::place::{self, LABELS, Place};
use super::random::Random;
use std::fmt;

/// What is deeper may be said to be too deep.
const DEEPEST: usize = 60;
/// Signatures within signatures are opened this deep, and said to be unread below.
const MOST_SIGNATURES: usize = 3;

/// How to hide a number.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Decides the small things: where a tag stands, how parts beside are.
    pub(crate) seed: u64,
    pub(crate) number: Number,
    pub(crate) notation: Notation,
    /// What stands before the number where the place says nothing.
    pub(crate) label: &'static str,
    pub(crate) place: Place,
    pub(crate) layers: Vec<Layer>,
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, notation, label, place, layers, .. } = self;
        write!(out, "seed {seed}: {notation:?}")?;
        if !place.has_own_label() {
            write!(out, " after {label:?}")?;
        }
        write!(out, " > {place:?}")?;
        layers.iter().try_for_each(|layer| write!(out, " > {layer:?}"))
    }
}

impl Plan {
    /// The one of this seed; one that cannot be made is thrown away by [`Self::mail`].
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (notation, place) = loop {
            let notation = random.pick(&notations::all());
            let place = random.pick(&place::all());
            if place.takes(notation) {
                break (notation, place);
            }
        };
        let label = label_for(notation, &mut random);
        Self {
            seed,
            number: notation.number(&mut random),
            notation,
            label,
            place,
            layers: layer::some(&mut random),
        }
    }

    /// This notation at this place, in nothing special.
    pub(crate) fn plain(seed: u64, notation: Notation, place: Place) -> Self {
        let mut random = Random::new(seed);
        let label = label_for(notation, &mut random);
        Self { seed, number: notation.number(&mut random), notation, label, place, layers: Vec::new() }
    }

    /// Whether the number must be found: no layer damages anything.
    pub(crate) fn is_sound(&self) -> bool {
        let levels = self.layers.iter().map(|layer| match layer {
            Layer::Container(Container::Deep(levels)) => *levels + 1,
            _ => 1,
        });
        let is_signature = |layer: &&Layer| matches!(layer, Layer::Container(Container::Opaque));
        self.layers.iter().all(|layer| layer.is_sound())
            && levels.sum::<usize>() < DEEPEST
            && self.layers.iter().filter(is_signature).count() <= MOST_SIGNATURES
    }

    /// The mail; `None` when its layers do not go together.
    pub(crate) fn mail(&self) -> Option<Vec<u8>> {
        let mut random = Random::new(self.seed ^ 0x5EED);
        let written = self.notation.write(&self.number, &mut random);
        let mut entity = self.place.write(self.label, &written, &mut random);
        for (depth, layer) in self.layers.iter().enumerate() {
            // Each has chance of its own, so that dropping one changes no other.
            entity = layer.take(entity, depth, &mut Random::new(self.seed ^ (depth as u64) << 32))?;
        }
        let mail = self.put_head(&mut entity);
        let ends = self.layers.iter().find_map(|layer| match layer {
            Layer::Ends(ends) => Some(*ends),
            _ => None,
        });
        Some(match ends {
            Some(ends) => ends.end(&mail, &mut random),
            None => mail,
        })
    }

    /// The entity as a mail with all its fields.
    fn put_head(&self, entity: &mut Entity) -> Vec<u8> {
        entity.settle();
        let mut fields = entity.take_message_fields();
        for (name, value) in [
            ("From", "Anna <anna@kommune.example>"),
            ("To", "Bo <bo@borger.example>"),
            ("Subject", "Din sag"),
            ("Message-ID", "<hide.1@kommune.example>"),
            ("MIME-Version", "1.0"),
        ] {
            if !fields.iter().any(|(known, _)| known == name) {
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
        fields.append(&mut entity.fields);
        let mut around = [String::new(), "\n".to_owned()];
        for layer in &self.layers {
            if let Layer::Header(header) = layer {
                header.change(&mut fields, &mut around);
            }
        }
        let head: String = fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        [around[0].as_bytes(), head.as_bytes(), around[1].as_bytes(), entity.content.bytes()].concat()
    }

    /// The same with fewer layers, for as long as `fails` of it.
    pub(crate) fn minimised(&self, fails: impl Fn(&Self) -> bool) -> Self {
        let mut least = self.clone();
        let mut at = 0;
        while at < least.layers.len() {
            let mut fewer = least.clone();
            fewer.layers.remove(at);
            if fails(&fewer) {
                least = fewer;
            } else {
                at += 1;
            }
        }
        least
    }
}

/// A word to stand before a number that is so written. None only where the number stands by itself.
fn label_for(notation: Notation, random: &mut Random) -> &'static str {
    loop {
        let label = random.pick(&LABELS);
        let is_glued = label.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let fits = match notation {
            // A label of which nothing is known but that it is one of birth dates is little to go by.
            Notation::Nine | Notation::Lettered | Notation::Spread(..) | Notation::Cells(_) => {
                !is_glued && !label.contains('f') && !label.contains('F')
            }
            _ => true,
        };
        if fits && (!label.is_empty() || notation.is_strong()) {
            return label;
        }
    }
}
