//! What becomes of a message that was not read whole, by the kind of what was not read.
//!
//! The defaults let a logo pass and stop a damaged part: a relay that holds every picture is switched off,
//! and a scanner that passes what it could not read is none.

use crate::envelope::{Pass, Verdict};
use crate::scan::coverage::{Coverage, UnreadKind};

/// What to do about one kind of unread part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadAction {
    /// Let it pass; it is counted in the metrics only.
    Deliver,
    /// Let it pass and count it in the register's tally: a named pass, never a case or a clock.
    Record,
    /// Keep it for a person's decision.
    Hold,
    /// Refuse it.
    Block,
}

impl UnreadAction {
    /// Every value, for the configuration's errors.
    pub const ALL: [Self; 4] = [Self::Deliver, Self::Record, Self::Hold, Self::Block];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Record => "record",
            Self::Hold => "hold",
            Self::Block => "block",
        }
    }
}

/// `[policy.unread]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadPolicy {
    actions: [UnreadAction; UnreadKind::ALL.len()],
}

impl Default for UnreadPolicy {
    fn default() -> Self {
        let mut policy = Self { actions: [UnreadAction::Hold; UnreadKind::ALL.len()] };
        policy.set(UnreadKind::Image, UnreadAction::Deliver);
        policy.set(UnreadKind::Document, UnreadAction::Record);
        policy.set(UnreadKind::Encrypted, UnreadAction::Record);
        policy.set(UnreadKind::Password, UnreadAction::Record);
        policy
    }
}

impl UnreadPolicy {
    /// Sets what to do about one kind.
    pub fn set(&mut self, kind: UnreadKind, action: UnreadAction) {
        if let Some(slot) = self.actions.get_mut(kind as usize) {
            *slot = action;
        }
    }

    /// What to do about one kind.
    pub fn action(&self, kind: UnreadKind) -> UnreadAction {
        // The array has a slot for every kind; holding is the safe answer to the impossible.
        self.actions.get(kind as usize).copied().unwrap_or(UnreadAction::Hold)
    }

    /// The verdict on what was not read: the strictest of all kinds, `None` when all was read.
    pub fn judge(&self, coverage: &Coverage) -> Option<Verdict> {
        self.strictest(coverage).map(|(verdict, _)| verdict)
    }

    /// The same, with the kind that made it so: of equally strict ones the first of the message.
    pub fn strictest(&self, coverage: &Coverage) -> Option<(Verdict, UnreadKind)> {
        let judged = coverage.unread().iter().map(|unread| {
            let verdict = match self.action(unread.kind) {
                UnreadAction::Deliver | UnreadAction::Record => Verdict::Deliver(Pass::UnreadAllowed),
                UnreadAction::Hold => Verdict::Hold,
                UnreadAction::Block => Verdict::Block,
            };
            (verdict, unread.kind)
        });
        judged.reduce(|one, other| if other.0.strictness() > one.0.strictness() { other } else { one })
    }

    /// The kinds in this coverage that the register's tally counts.
    pub fn recorded<'a>(&'a self, coverage: &'a Coverage) -> impl Iterator<Item = UnreadKind> + 'a {
        UnreadKind::ALL.into_iter().filter(|kind| {
            self.action(*kind) != UnreadAction::Deliver
                && coverage.unread().iter().any(|one| one.kind == *kind)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::coverage::Unread;

    fn coverage(kinds: &[UnreadKind]) -> Coverage {
        let unread =
            |kind: &UnreadKind| Unread { part: "1".into(), member: None, kind: *kind, reason: "test" };
        Coverage::Partial(kinds.iter().map(unread).collect())
    }

    #[test]
    fn a_logo_passes_and_a_damaged_part_does_not() {
        let policy = UnreadPolicy::default();
        let allowed = Some(Verdict::Deliver(Pass::UnreadAllowed));
        assert_eq!(policy.judge(&Coverage::Complete), None);
        assert_eq!(policy.judge(&coverage(&[UnreadKind::Image])), allowed);
        assert_eq!(policy.judge(&coverage(&[UnreadKind::Document])), allowed);
        assert_eq!(policy.judge(&coverage(&[UnreadKind::Encrypted])), allowed);
        for kind in [UnreadKind::Damaged, UnreadKind::Limit, UnreadKind::Ambiguous] {
            assert_eq!(policy.judge(&coverage(&[UnreadKind::Image, kind])), Some(Verdict::Hold), "{kind:?}");
        }
    }

    #[test]
    fn pictures_are_not_in_the_tally() {
        let policy = UnreadPolicy::default();
        let both = coverage(&[UnreadKind::Image, UnreadKind::Document]);
        assert_eq!(policy.recorded(&both).collect::<Vec<_>>(), [UnreadKind::Document]);
    }
}
