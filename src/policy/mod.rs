//! What to do with a message, given what was found in it and where it is going.
//!
//! Pure: no I/O, no clock (the day is an argument), no failure. One verdict a recipient, with the rule that made it; a
//! door with a single answer takes the strictest. Start reading at [`decide`]. Tests: `tests.rs`, and the properties of
//! `tests/`.

mod built_in;
pub mod exemption;
pub mod road;
#[cfg(test)]
mod tests;
pub mod unread;
pub mod why;

use crate::envelope::{Address, Channel, Envelope, Pass, Verdict};
use crate::scan::{Day, Report, Subject};
use exemption::Exemption;
use road::{Passage, Protection, Roads, Way};
use unread::UnreadPolicy;
use why::{Rule, Why};

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

impl LeakAction {
    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Hold => "hold",
            Self::Reroute => "reroute",
            Self::Deliver => "deliver",
        }
    }
}

/// The `[policy]`, `[[road]]` and `[[exemption]]` of the configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What becomes of a leak.
    pub leak: LeakAction,
    /// What becomes of a message that was not read whole.
    pub unread: UnreadPolicy,
    /// How protected the way to each recipient is.
    pub roads: Roads,
    /// Words in a subject that switch encryption off at a gateway behind us.
    pub off_tags: Vec<String>,
    /// What a person lets pass.
    pub exemptions: Vec<Exemption>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            leak: LeakAction::default(),
            unread: UnreadPolicy::default(),
            roads: Roads::default(),
            off_tags: built_in::off_tags().to_vec(),
            exemptions: Vec::new(),
        }
    }
}

impl Policy {
    /// The tag in this subject that switches encryption off, if there is one.
    fn off_tag(&self, subject: &Subject) -> Option<&str> {
        self.off_tags.iter().map(String::as_str).find(|tag| subject.has(tag))
    }

    /// Whether a message with a leak in its content is surely blocked, whatever else is in it: its envelope is whole, and
    /// `subject` is the message's own. More persons only ever make a road less sufficient.
    pub fn surely_blocks(&self, envelope: &Envelope, subject: &Subject, today: Day) -> bool {
        envelope.recipients.iter().any(|to| {
            let way = self.roads.way(envelope, Some(to));
            way.protection == Protection::Sms
                || (self.leak == LeakAction::Block
                    && way.passage(1, false) == Passage::Open
                    && self.exemption(envelope, Some(to), today).is_none()
                    && self.off_tag(subject).is_none())
        })
    }

    fn exemption(&self, envelope: &Envelope, to: Option<&Address>, today: Day) -> Option<&Exemption> {
        self.exemptions.iter().find(|one| one.is_live(today) && one.names(envelope, to))
    }
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
    /// The rule that made it so.
    pub why: Why,
}

/// What a door can do with the parts of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hands {
    /// It hands on for some what it keeps or refuses for others.
    pub splits: bool,
    /// It has an answer for each recipient (LMTP), and not one for all.
    pub answers_each: bool,
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
            why: Why::from(Rule::Failed),
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
        let splits = hands.splits && !hands.answers_each && self.recipients.iter().any(goes_on);
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

/// Decides for every recipient of the envelope; `today` is the day in Denmark.
///
/// What is only possible leaks to nobody but an SMS: there nothing protects it, and nobody takes it back.
///
/// A leak is judged by the road first: what travels protected within the limit of persons is no leak. What
/// was not read is then judged by its kind, and the stricter of the two stands, so that a finding never
/// makes a verdict milder.
pub fn decide(envelope: &Envelope, report: &Report, policy: &Policy, today: Day) -> Decision {
    let unread = policy.unread.strictest(&report.coverage);
    // What is only possible is acted on where a wrong guess costs little and a right one can never be taken back.
    let leak = report.may_leak().then(|| Leak {
        report,
        policy,
        today,
        tag: policy.off_tag(&report.subject).filter(|_| envelope.channel == Channel::Mail),
    });
    let one = |recipient: Option<&Address>| {
        let way = policy.roads.way(envelope, recipient);
        let counts = report.leaks() || way.protection == Protection::Sms;
        let judged = leak.as_ref().filter(|_| counts).map(|leak| leak.judge(envelope, recipient, &way));
        let (verdict, why) = match (judged, unread) {
            (Some((leak, why)), Some((unread, _))) if leak.strictness() >= unread.strictness() => (leak, why),
            (judged, Some((unread, kind))) => {
                let many_persons = judged.and_then(|(_, why)| why.many_persons);
                (unread, Why { many_persons, ..Why::from(Rule::Unread(kind)) })
            }
            (Some(judged), None) => judged,
            (None, None) => match report.clean() {
                Some(_) => (Verdict::Deliver(Pass::Clean), Why::default()),
                None => (Verdict::Deliver(Pass::Encrypted), Why::from(Rule::Encrypted)),
            },
        };
        RecipientDecision { recipient: recipient.cloned(), protection: way.protection, verdict, why }
    };
    Decision::of_each(envelope, one)
}

/// A message with a number in it.
struct Leak<'a> {
    report: &'a Report,
    policy: &'a Policy,
    today: Day,
    /// The tag in its subject.
    tag: Option<&'a str>,
}

impl Leak<'_> {
    fn judge(&self, envelope: &Envelope, recipient: Option<&Address>, way: &Way<'_>) -> (Verdict, Why) {
        // Blocks without appeal: nothing below is asked.
        if way.protection == Protection::Sms {
            return (Verdict::Block, Why::from(Rule::of_way(way)));
        }
        if let Some(tag) = self.tag {
            return (Verdict::Hold, Why::from(Rule::OffTag(tag.to_owned())));
        }
        let passage = way.passage(self.report.persons(), self.report.leaks_in_header());
        if let Passage::Safe { many } = passage {
            let rule = Rule::of_way(way);
            let domain = if let (Rule::Road { domain, .. }, true) = (&rule, many) {
                Some(domain.clone())
            } else {
                None
            };
            let why = Why { many_persons: domain, ..Why::from(rule) };
            return (Verdict::Deliver(Pass::ProtectedRoad), why);
        }
        if envelope.channel == Channel::DigitalPost {
            return (Verdict::Block, Why { passage: Some(passage), ..Why::from(Rule::of_way(way)) });
        }
        if let Some(exemption) = self.policy.exemption(envelope, recipient, self.today) {
            return (Verdict::Deliver(Pass::Exempt), Why::from(Rule::Exemption(exemption.clone())));
        }
        let verdict = match self.policy.leak {
            LeakAction::Deliver => Verdict::Deliver(Pass::Observed),
            // A protected road that carries too much is for a person to judge, not for the sender to be refused.
            _ if passage == Passage::TooMany => Verdict::Hold,
            LeakAction::Block => Verdict::Block,
            LeakAction::Hold => Verdict::Hold,
            LeakAction::Reroute => Verdict::Reroute,
        };
        let rule = if passage == Passage::TooMany && self.policy.leak != LeakAction::Deliver {
            Rule::of_way(way)
        } else {
            Rule::Leak(self.policy.leak)
        };
        (verdict, Why { passage: Some(passage), ..Why::from(rule) })
    }
}
