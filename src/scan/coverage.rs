//! What was read, and what was not: the difference between "nothing there" and "nothing seen".
//!
//! [`Clean`] is the proof that a message was read whole and held nothing. Only [`super::Report::clean`] makes
//! one, so no door can call a message clean by its own opinion (invariant 5).

use super::finding::MaskedText;

/// Proof that a report is complete and empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clean(pub(super) ());

/// The kind of an unread part, as `[policy.unread]` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnreadKind {
    /// A picture, a sound or a film: no text to read without recognition.
    Image,
    /// A document or archive of a form that is not opened.
    Document,
    /// Encrypted to somebody else.
    Encrypted,
    /// Locked with a password: weaker than what is encrypted to a key, since it is often short and sent beside.
    Password,
    /// Broken so that parts of it may be lost to us and not to its reader.
    Damaged,
    /// Larger, deeper or more than a limit allows.
    Limit,
    /// Two readers can read it in two ways, and one of them was not scanned.
    Ambiguous,
}

impl UnreadKind {
    /// All kinds, in the order of the configuration.
    pub const ALL: [Self; 7] = [
        Self::Image,
        Self::Document,
        Self::Encrypted,
        Self::Password,
        Self::Damaged,
        Self::Limit,
        Self::Ambiguous,
    ];

    /// The key under `[policy.unread]`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Document => "document",
            Self::Encrypted => "encrypted",
            Self::Password => "password",
            Self::Damaged => "damaged",
            Self::Limit => "limit",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// A part, or some of it, that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The part's path, as IMAP numbers sections.
    pub part: String,
    /// The file in a document that it is about, e.g. `a.zip!b/c.png`.
    pub member: Option<MaskedText>,
    /// What the policy asks.
    pub kind: UnreadKind,
    /// What a person is told, e.g. `pdf` or `base64-junk`.
    pub reason: &'static str,
}

/// How much of a message was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// Every byte that a reader can see.
    #[default]
    Complete,
    /// Not these.
    Partial(Vec<Unread>),
}

impl Coverage {
    /// How many unread parts are kept one by one; each kind is kept at least once, whatever the number.
    pub const KEPT: usize = 50;

    /// Notes an unread part.
    pub(super) fn add(&mut self, unread: Unread) {
        if let Self::Complete = self {
            *self = Self::Partial(Vec::new());
        }
        if let Self::Partial(all) = self
            && !all.contains(&unread)
            && (all.len() < Self::KEPT || all.iter().all(|one| one.kind != unread.kind))
        {
            all.push(unread);
        }
    }

    /// What was not read; empty when all was.
    pub fn unread(&self) -> &[Unread] {
        match self {
            Self::Complete => &[],
            Self::Partial(all) => all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_unread_parts_are_kept_few_but_every_kind_once() {
        let mut coverage = Coverage::Complete;
        for part in 0..10_000 {
            coverage.add(Unread {
                part: part.to_string(),
                member: None,
                kind: UnreadKind::Image,
                reason: "png",
            });
        }
        coverage.add(Unread {
            part: "x".into(),
            member: None,
            kind: UnreadKind::Damaged,
            reason: "base64-junk",
        });
        assert_eq!(coverage.unread().len(), Coverage::KEPT + 1);
        assert!(coverage.unread().iter().any(|one| one.kind == UnreadKind::Damaged));
    }
}
