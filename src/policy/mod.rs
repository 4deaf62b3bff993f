//! What to do with a message, given what was found in it and where it is going.
//!
//! Pure: no I/O, no clock, no failure. One verdict a recipient; a door with a single answer takes the
//! strictest. Start reading at [`decide`]. Tests: a table below, and the properties of `tests/`.

pub mod road;
pub mod unread;

use crate::envelope::{Address, Envelope, Pass, Verdict};
use crate::scan::Report;
use road::{Protection, Roads};
use unread::UnreadPolicy;

/// What becomes of a message that leaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeakAction {
    /// Refuse it, with a text for the sender.
    #[default]
    Block,
    /// Keep it for a person's decision.
    Hold,
    /// Send it by a protected road instead.
    Reroute,
    /// Let it pass and open a case: observe mode.
    Deliver,
}

/// The `[policy]` and `[[road]]` of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What becomes of a leak.
    pub leak: LeakAction,
    /// What becomes of a message that was not read whole.
    pub unread: UnreadPolicy,
    /// How protected the way to each recipient is.
    pub roads: Roads,
}

/// What was decided for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientDecision {
    /// `None` when a scan was given no recipient.
    pub recipient: Option<Address>,
    /// The protection of the way there, as configured.
    pub protection: Protection,
    /// What is to happen.
    pub verdict: Verdict,
}

/// What a door can do with the parts of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hands {
    /// It has one answer for all, and keeps for some what it hands on for others.
    pub splits: bool,
    /// It has a protected road to send by.
    pub reroutes: bool,
}

/// The decision for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// One for each recipient, in the order of the envelope; never empty.
    pub recipients: Vec<RecipientDecision>,
}

impl Decision {
    /// Nobody's mail can be judged now: it must come again.
    pub fn defer(envelope: &Envelope) -> Self {
        let one = |recipient: Option<&Address>| RecipientDecision {
            recipient: recipient.cloned(),
            protection: Protection::default(),
            verdict: Verdict::Defer,
        };
        Self::of_each(envelope, one)
    }

    /// One for each recipient; one for nobody when there are none.
    fn of_each(envelope: &Envelope, one: impl Fn(Option<&Address>) -> RecipientDecision) -> Self {
        let mut recipients: Vec<_> = envelope.recipients.iter().map(|address| one(Some(address))).collect();
        if recipients.is_empty() {
            recipients.push(one(None));
        }
        Self { recipients }
    }

    /// The same as far as a door can do it. Without a protected road, what was to go by it is held. Where some get the
    /// mail and there is one answer for all, that answer is a yes, so what was to be refused for the others is held too:
    /// a no would have the sender send again to those who have it.
    #[must_use]
    pub fn within(mut self, hands: Hands) -> Self {
        let goes_on = |one: &RecipientDecision| match one.verdict {
            Verdict::Deliver(_) => true,
            Verdict::Reroute => hands.reroutes,
            Verdict::Hold | Verdict::Block | Verdict::Defer => false,
        };
        let splits = hands.splits && self.recipients.iter().any(goes_on);
        for one in &mut self.recipients {
            let no_road = one.verdict == Verdict::Reroute && !hands.reroutes;
            if no_road || (one.verdict == Verdict::Block && splits) {
                one.verdict = Verdict::Hold;
            }
        }
        self
    }

    /// The strictest verdict of all recipients: the answer of a door that has only one.
    pub fn strictest(&self) -> Verdict {
        self.recipients
            .iter()
            .map(|one| one.verdict)
            .max_by_key(Verdict::strictness)
            .unwrap_or(Verdict::Defer)
    }
}

/// Decides for every recipient of the envelope.
///
/// A leak is judged by the road first: what travels protected within the limit of persons is no leak. What
/// was not read is then judged by its kind, and the stricter of the two stands, so that a finding never
/// makes a verdict milder.
pub fn decide(envelope: &Envelope, report: &Report, policy: &Policy) -> Decision {
    let unread = policy.unread.judge(&report.coverage);
    let one = |recipient: Option<&Address>| {
        let road = policy.roads.to(recipient);
        let leak = judge_leak(report, road.protects(report.persons()), policy.leak);
        let verdict = match (leak, unread) {
            (Some(leak), Some(unread)) => stricter(leak, unread),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => Verdict::Deliver(match report.clean() {
                Some(_) => Pass::Clean,
                None => Pass::Encrypted,
            }),
        };
        RecipientDecision { recipient: recipient.cloned(), protection: road.protection, verdict }
    };
    Decision::of_each(envelope, one)
}

fn judge_leak(report: &Report, protected: bool, action: LeakAction) -> Option<Verdict> {
    if !report.leaks() {
        return None;
    }
    Some(match action {
        _ if protected => Verdict::Deliver(Pass::ProtectedRoad),
        LeakAction::Block => Verdict::Block,
        LeakAction::Hold => Verdict::Hold,
        LeakAction::Reroute => Verdict::Reroute,
        LeakAction::Deliver => Verdict::Deliver(Pass::Observed),
    })
}

fn stricter(one: Verdict, other: Verdict) -> Verdict {
    if one.strictness() >= other.strictness() { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_does_what_it_can() {
        use Verdict::{Block, Defer, Deliver, Hold, Reroute};
        let clean = Deliver(Pass::Clean);
        let within = |verdicts: &[Verdict], splits, reroutes| -> Vec<Verdict> {
            let one = |verdict: &Verdict| RecipientDecision {
                recipient: None,
                protection: Protection::default(),
                verdict: *verdict,
            };
            let decision = Decision { recipients: verdicts.iter().map(one).collect() };
            decision.within(Hands { splits, reroutes }).recipients.iter().map(|one| one.verdict).collect()
        };
        // Nobody has it yet: refused for all.
        assert_eq!(within(&[Block, Block], true, false), [Block, Block]);
        assert_eq!(within(&[Block, Hold], true, false), [Block, Hold]);
        assert_eq!(within(&[clean, Block, Hold], true, false), [clean, Hold, Hold]);
        assert_eq!(within(&[Reroute, Block], true, true), [Reroute, Hold]);
        // Without a road nothing goes on, so the refusal stands.
        assert_eq!(within(&[Reroute, Block], true, false), [Hold, Block]);
        assert_eq!(within(&[clean, Block], false, true), [clean, Block]);
        assert_eq!(within(&[Defer, Defer], true, false), [Defer, Defer]);
    }
}
