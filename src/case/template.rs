//! Are two mails of one template? Known by the words that they share, so that a name in lower case, an amount in words, a
//! paragraph that some mails have or a field for free text makes no second template.
//!
//! A [`Mark`] is sets of keyed tags: of the subject's words, and of the pairs of neighbouring words of the text, of its first
//! and of its last [`Mark::END`] pairs. No word can be read from it without the key. Sets are compared whole and not by samples
//! of them, because of 25,000 mails not one may fall outside by chance. Two marks are of one template ([`Mark::is_as`]) when
//! the subjects agree by more than half (two letters that share a long closing differ there), and
//!
//! - most of the *smaller* text stands in the larger: a paragraph more takes nothing away; or
//! - they begin alike: what people write themselves comes after what the system says first, however long it is. Two letters
//!   seldom begin with fifteen words in common; or
//! - they end alike, and their subjects say something and are the same: a system may end all its letters alike.
//!
//! Where that errs it puts two letters into one case rather than a letter into a thousand: every mail is still counted, the
//! earlier clock runs, and a person can read a case, but not a thousand of them.
//!
//! # What a template learns
//! The first mail of a template has a name, an amount or a whole text of its own in its mark. From the first
//! [`Template::LEARNS`] mails about different persons the [`Template`] keeps what they have in common, so that a mail that holds two
//! letters does not make one of them: `M` (with the texts of `A` and `B`), `A`, `B` are two templates in every order, because
//! after `A` only `A`'s words are left of `M`. Then it stays as it is, and is only read.
//!
//! # What is promised about order
//! An archive is read by many at once, so its mails come in any order. Letters none of which is as another are as many
//! templates in every order, each mail under its own. A mail that is as two of them joins the one that it is most alike, by
//! its beginning before all; which one that is may depend on what the two have learned. Each mail is in one template.
//!
//! # When nothing helps
//! A letter that is free text all through is like no other. Letters of a system come again, and such mails do not: at most
//! [`Templates::ONCE`] templates of a source may wait for a second mail (about somebody else: a copy is no second mail). While
//! so many wait, what is like none shares one template, [`Letter::others`]. So a source makes no more cases than it has letters, and
//! that many; and what a new mail costs does not grow with the mails before it. Which mails are the others depends on the order.
//!
//! Pure. Start reading at [`Mark::is_as`], then [`Templates::meet`].

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What tells a template; see the module's head. Each list is sorted, each tag once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    subject: Vec<u32>,
    text: Vec<u32>,
    /// Of the first pairs; empty when there are not so many.
    head: Vec<u32>,
    /// Of the last pairs, likewise.
    tail: Vec<u32>,
}

/// The bytes of a [`Mark`] as rows keep them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkBytes {
    /// Of the subject's words.
    pub subject: Vec<u8>,
    /// Of the text's pairs.
    pub text: Vec<u8>,
    /// Of the first ones.
    pub head: Vec<u8>,
    /// Of the last ones.
    pub tail: Vec<u8>,
}

impl Mark {
    /// So many pairs are a beginning or an end.
    pub const END: usize = 24;

    /// From this many pairs on a template is known by most of them; a shorter text must agree more.
    const ENOUGH: usize = 16;

    /// A beginning that has learned says nothing with fewer pairs than this, and no text learns to have fewer.
    const LEAST: usize = 10;

    /// Of the tags of a subject's words, and of a text's pairs of words in their order.
    pub fn new(subject: Vec<u32>, pairs: &[u32]) -> Self {
        let is_long = pairs.len() >= Self::END;
        let end = |end: Option<&[u32]>| sorted(end.filter(|_| is_long).unwrap_or_default().to_vec());
        Self {
            subject: sorted(subject),
            text: sorted(pairs.to_vec()),
            head: end(pairs.get(..Self::END)),
            tail: end(pairs.get(pairs.len().saturating_sub(Self::END)..)),
        }
    }

    /// As rows keep it, big endian.
    pub fn to_bytes(&self) -> MarkBytes {
        let bytes = |tags: &[u32]| tags.iter().flat_map(|tag| tag.to_be_bytes()).collect();
        MarkBytes {
            subject: bytes(&self.subject),
            text: bytes(&self.text),
            head: bytes(&self.head),
            tail: bytes(&self.tail),
        }
    }

    /// Reads [`Self::to_bytes`].
    pub fn from_bytes(bytes: &MarkBytes) -> Self {
        let tags =
            |bytes: &[u8]| sorted(bytes.as_chunks().0.iter().map(|tag| u32::from_be_bytes(*tag)).collect());
        Self {
            subject: tags(&bytes.subject),
            text: tags(&bytes.text),
            head: tags(&bytes.head),
            tail: tags(&bytes.tail),
        }
    }

    /// How much alike the two are when they are of one template, up to 3000: the shares of the smaller and of the larger text,
    /// and of the beginning, in per mille; `None` when they are not.
    pub fn is_as(&self, other: &Self) -> Option<usize> {
        let subjects = self.subject.len().min(other.subject.len());
        let alike = shared(&self.subject, &other.subject);
        if subjects > 0 && 2 * alike <= subjects {
            return None;
        }
        let says_the_same = alike >= 2 && self.subject == other.subject;
        let text = self.text_as(other);
        let head = end_as(&self.head, &other.head);
        let tail = end_as(&self.tail, &other.tail).filter(|_| says_the_same);
        (text.is_some() || head.is_some() || tail.is_some())
            .then(|| text.unwrap_or_default() + head.unwrap_or_default())
    }

    fn text_as(&self, other: &Self) -> Option<usize> {
        let (smaller, larger) =
            (self.text.len().min(other.text.len()), self.text.len().max(other.text.len()));
        if smaller == 0 {
            return (larger == 0).then_some(2000);
        }
        let shared = 1000 * shared(&self.text, &other.text);
        let alike = shared / smaller;
        let least = if smaller < Self::ENOUGH { 800 } else { 600 };
        // A short letter that a long one quotes is not that letter.
        (alike >= least && larger <= 3 * smaller).then_some(alike + shared / larger)
    }

    /// What two mails of one template have in common.
    fn common(&self, other: &Self) -> Self {
        let unless_empty = |one: &[u32], other: &[u32]| {
            if other.is_empty() { one.to_vec() } else { both(one, other) }
        };
        let text = both(&self.text, &other.text);
        // Two letters without a word of their own in common are one template by their ends alone.
        let is_little = text.len() < Self::LEAST.min(self.text.len());
        Self {
            subject: unless_empty(&self.subject, &other.subject),
            text: if is_little { self.text.clone() } else { text },
            // A mail that is too short to have a beginning says nothing of it.
            head: unless_empty(&self.head, &other.head),
            tail: unless_empty(&self.tail, &other.tail),
        }
    }
}

/// How much alike two beginnings are, or two ends, up to 1000, when they are.
fn end_as(one: &[u32], other: &[u32]) -> Option<usize> {
    let smaller = one.len().min(other.len());
    let alike = (1000 * shared(one, other)).checked_div(smaller)?;
    (smaller >= Mark::LEAST && alike >= 600).then_some(alike)
}

fn sorted(mut tags: Vec<u32>) -> Vec<u32> {
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// The tags that stand in both of two sorted lists.
fn common<'a>(one: &'a [u32], other: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    let (mut one, mut other) = (one.iter().copied().peekable(), other.iter().copied().peekable());
    std::iter::from_fn(move || {
        loop {
            match one.peek()?.cmp(other.peek()?) {
                std::cmp::Ordering::Less => drop(one.next()),
                std::cmp::Ordering::Greater => drop(other.next()),
                std::cmp::Ordering::Equal => {
                    other.next();
                    return one.next();
                }
            }
        }
    })
}

fn shared(one: &[u32], other: &[u32]) -> usize {
    common(one, other).count()
}

fn both(one: &[u32], other: &[u32]) -> Vec<u32> {
    common(one, other).collect()
}

/// A mail of a source, as templates are asked for it. All digests are keyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Of the source.
    pub source: [u8; 16],
    /// What tells its template.
    pub mark: Mark,
    /// Of the mark: the template's name, should it be the first.
    pub name: [u8; 16],
    /// Of its persons' numbers: a copy has the same.
    pub persons: [u8; 16],
    /// The template of what is like no other; one for each source.
    pub others: [u8; 16],
}

/// A letter that a source writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub id: [u8; 16],
    /// What its mails have in common, as far as it has learned.
    pub mark: Mark,
    /// Whom the first mail was about.
    pub persons: [u8; 16],
    /// How many mails it has learned from, the first included: 1 to [`Self::LEARNS`].
    pub members: u32,
    /// Among those of its source, from 1, in the order in which they were met.
    pub ordinal: i64,
}

impl Template {
    /// It learns from so many mails.
    pub const LEARNS: u32 = 8;

    /// Of its first mail.
    pub fn of(letter: &Letter, ordinal: i64) -> Self {
        Self { id: letter.name, mark: letter.mark.clone(), persons: letter.persons, members: 1, ordinal }
    }

    /// What it is after this mail of it; `None` when that teaches it nothing.
    pub fn taught(&self, letter: &Letter) -> Option<Self> {
        let is_new = self.members < Self::LEARNS && self.persons != letter.persons;
        is_new.then(|| Self {
            mark: self.mark.common(&letter.mark),
            members: self.members + 1,
            ..self.clone()
        })
    }
}

/// The templates of some sources, by the sources' keyed digests.
#[derive(Debug, Default)]
pub struct Templates(BTreeMap<[u8; 16], Vec<Template>>);

impl Templates {
    /// So many templates of a source may have one mail only before another is the others'.
    pub const ONCE: usize = 32;

    /// The template of this mail: the one that it is most alike.
    pub fn find(&self, letter: &Letter) -> Option<&Template> {
        let known = self.of(&letter.source).iter();
        let alike = known.filter_map(|known| known.mark.is_as(&letter.mark).map(|alike| (alike, known)));
        alike.max_by_key(|(alike, known)| (*alike, Reverse(known.id))).map(|(_, known)| known)
    }

    /// Whether another letter that is like none is one of the others.
    pub fn is_full(&self, source: &[u8; 16]) -> bool {
        self.of(source).iter().filter(|known| known.members == 1).count() >= Self::ONCE
    }

    /// The last that was met of a source; 0 for none.
    pub fn last(&self, source: &[u8; 16]) -> i64 {
        self.of(source).iter().map(|known| known.ordinal).max().unwrap_or(0)
    }

    /// Takes these in, each in the place of what was known of it.
    pub fn put(&mut self, source: [u8; 16], templates: impl IntoIterator<Item = Template>) {
        let known = self.0.entry(source).or_default();
        for one in templates {
            match known.iter_mut().find(|known| known.id == one.id) {
                Some(known) => *known = one,
                None => known.push(one),
            }
        }
    }

    /// Which template a mail is of, and what is learned from it, where nobody else has to know.
    pub fn meet(&mut self, letter: &Letter) -> [u8; 16] {
        let met = match self.find(letter) {
            Some(known) => known.taught(letter).ok_or(known.id),
            None if self.is_full(&letter.source) => Err(letter.others),
            None => Ok(Template::of(letter, self.last(&letter.source) + 1)),
        };
        match met {
            Ok(template) => {
                let id = template.id;
                self.put(letter.source, [template]);
                id
            }
            Err(id) => id,
        }
    }

    fn of(&self, source: &[u8; 16]) -> &[Template] {
        self.0.get(source).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
