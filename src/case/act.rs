//! What a person may do with a case, and what that makes of it: one match on state and act, with its guards.
//!
//! Pure: the case as it stands comes in, what changes goes out, and the register keeps both as one entry. Nothing else moves a
//! state or a deadline (invariant 9). Source: facts of the law, "States", "Awareness". Start reading at [`decide`]; awareness and
//! notification are `act/clock.rs`, telling the persons `act/inform.rs`, NIS2 `act/second.rs`.

mod clock;
mod inform;
mod second;

pub use inform::Communication;
pub use second::{Nis2, nis2_deadlines};

use super::field::{Field, Words};
use super::local::counted;
use super::local::{shown, written};
use super::regime::Regime;
use super::{Kind, State};
use chrono::{DateTime, Months, Utc};
use std::collections::BTreeMap;

/// A case as it stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// When the first message was found.
    pub detected_at: DateTime<Utc>,
    /// When the controller became aware; `None` for a near miss.
    pub aware_at: Option<DateTime<Utc>>,
    /// When the authority must have been notified.
    pub deadline: Option<DateTime<Utc>>,
    /// The law under which it was opened.
    pub regime: &'static Regime,
    /// What was written about it.
    pub facts: BTreeMap<Field, String>,
    /// How many receipts of the authority are kept.
    pub receipts: u64,
    /// Whether it was ever notified to the end: whole, or by a last supplement.
    pub was_final: bool,
    /// How many of its mails are held, and not decided about or not gone yet.
    pub held: u64,
}

/// Who does it, when and why.
#[derive(Clone, Debug)]
pub struct By {
    /// A name, as it is to stand in the register.
    pub who: Words,
    /// Now.
    pub at: DateTime<Utc>,
    /// Why; not every act asks for one.
    pub reason: Option<Words>,
}

/// How a notification is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// More is to come (GDPR art. 33(4)).
    Preliminary,
    /// All there is.
    Whole,
}

/// What a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The suspicion is right.
    Confirm,
    /// It is not: no breach.
    Refute,
    /// The organisation became aware at another time.
    Aware(DateTime<Utc>),
    /// Writes a field.
    Record(Field, String),
    /// The risk is unlikely: documented, and not notified (GDPR art. 33(1), (5)).
    Document {
        /// Who approved it.
        approver: Words,
    },
    /// It was notified on Virk by a person.
    Notified {
        /// When.
        at: DateTime<Utc>,
        /// Whole or preliminary.
        phase: Phase,
        /// The authority's reference.
        reference: Option<Words>,
        /// Why it was late; asked for when it was.
        late: Option<Words>,
    },
    /// The first notification was sent at another time than was entered.
    NotifiedCorrected {
        /// When it was.
        at: DateTime<Utc>,
        /// Why it was late; asked for when it was.
        late: Option<Words>,
    },
    /// A supplement was sent.
    Supplemented {
        /// When.
        at: DateTime<Utc>,
        /// It was the last.
        is_final: bool,
    },
    /// About telling the persons.
    Inform(Communication),
    /// A step of the second clock.
    Nis2(Nis2, DateTime<Utc>),
    /// Done with.
    Close,
    /// There are new facts.
    Reopen,
}

/// What becomes of planned alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alerts {
    /// They stay.
    Stay,
    /// The clock has stopped: those that lead up to the deadline are needless.
    Stop,
    /// The deadline is another one, or it runs again: planned anew.
    Anew,
    /// The second clock alone has moved.
    Second,
}

/// What an act makes of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The state after.
    pub state: State,
    /// Awareness and deadline after.
    pub clock: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Fields that are written with it.
    pub facts: Vec<(Field, String)>,
    /// What becomes of alerts.
    pub alerts: Alerts,
    /// The entry's word.
    pub event: &'static str,
}

/// Why an act is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not from this state.
    #[error("{act} is not possible, it is {state}: {help} / det kan ikke lade sig gøre, sagen er {tilstand}")]
    State {
        /// What was to be done, in English.
        act: &'static str,
        /// The state's name in English.
        state: &'static str,
        /// The state's name in Danish.
        tilstand: &'static str,
        /// What is.
        help: &'static str,
    },
    /// Something must be there first.
    #[error("before that: {}", .0.join("; "))]
    Missing(Vec<String>),
    /// The time is not possible.
    #[error("{0}")]
    Time(String),
    /// A reason is asked for.
    #[error("a reason is asked for: it stands in the register / angiv en begrundelse; den står i registret")]
    Reason,
}

impl Act {
    /// The word in the register and in refusals.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Confirm => "confirmed",
            Self::Refute => "refuted",
            Self::Aware(_) => "aware_changed",
            Self::Record(..) => "recorded",
            Self::Document { .. } => "documented",
            Self::Notified { phase: Phase::Preliminary, .. } => "notified_preliminary",
            Self::Notified { phase: Phase::Whole, .. } => "notified",
            Self::NotifiedCorrected { .. } => "notified_corrected",
            Self::Supplemented { is_final: false, .. } => "supplemented",
            Self::Supplemented { is_final: true, .. } => "supplemented_finally",
            Self::Inform(_) => "communication",
            Self::Nis2(..) => "nis2",
            Self::Close => "closed",
            Self::Reopen => "reopened",
        }
    }
}

impl Act {
    /// What is done, in English, for a sentence.
    fn deed(&self) -> &'static str {
        match self {
            Self::Confirm => "confirming it",
            Self::Refute => "refuting it",
            Self::Aware(_) => "setting when anybody was aware",
            Self::Record(..) => "writing about it",
            Self::Document { .. } => "documenting it without a notification",
            Self::Notified { .. } => "noting a notification",
            Self::NotifiedCorrected { .. } => "correcting when it was notified",
            Self::Supplemented { .. } => "noting a supplement",
            Self::Inform(_) => "deciding about telling the persons",
            Self::Nis2(..) => "the clock of NIS2",
            Self::Close => "closing it",
            Self::Reopen => "reopening it",
        }
    }
}

impl Standing {
    /// Whether the 72 hours run: until the first notification, or until it is documented that none is needed.
    pub fn clock_runs(&self) -> bool {
        self.state.clock_runs()
    }

    /// Whether it is a breach or one averted, whatever its state.
    pub fn kind(&self) -> Kind {
        if self.aware_at.is_some() { Kind::Breach } else { Kind::NearMiss }
    }

    fn fact(&self, field: Field) -> Option<&str> {
        self.facts.get(&field).map(String::as_str)
    }

    fn time(&self, field: Field) -> Option<DateTime<Utc>> {
        self.fact(field).and_then(|at| at.parse().ok())
    }

    fn number(&self, field: Field) -> u32 {
        self.fact(field).and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// What closing a breach still needs.
    pub fn missing_to_close(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut need = |is_there: bool, what: &str| {
            if !is_there {
                missing.push(what.to_owned());
            }
        };
        need(self.fact(Field::Cause).is_some(), "årsagen / the cause (cause)");
        need(self.fact(Field::Measures).is_some(), "foranstaltninger / the measures (measures)");
        need(
            inform::is_settled(self),
            "afgørelsen om underretning, artikel 34 / the decision on telling the persons (inform)",
        );
        need(!inform::is_outgrown(self), inform::HIGH);
        if self.state == State::DocumentedOnly {
            need(self.fact(Field::Risk) == Some("unlikely"), RISK_AFTER_ALL);
        } else {
            need(self.receipts > 0, "kvitteringen fra Datatilsynet / the authority's receipt (receipt)");
        }
        need(!clock::lacks_reasons(self), &format!("{} (record delay_reason)", clock::DELAY));
        missing.extend(self.unfinished());
        missing
    }

    /// What outlives the case, and must end before it, be it a breach or not.
    fn unfinished(&self) -> Vec<String> {
        let steps = second::undone(self).map(|step| {
            let (danish, english) = step.names();
            format!("{danish} / {english} (nis2)")
        });
        let held = (self.held > 0).then(|| {
            format!(
                "{} skal først frigives eller slettes / {} of its mails are held: release or discard them first \
                 (brevdue held list)",
                counted(self.held, "tilbageholdt mail", "tilbageholdte mails"),
                self.held
            )
        });
        steps.chain(held).collect()
    }
}

/// Of a case that was documented for an unlikely risk.
const RISK_AFTER_ALL: &str = "sagen er kun dokumenteret, fordi en risiko var usandsynlig; er den ikke det, så genåbn sagen / it is \
    documented only because a risk was unlikely; if it is not, reopen the case (reopen)";

/// What an act makes of a case, or why it is refused.
///
/// # Errors
/// [`Refused`].
#[expect(clippy::match_same_arms, reason = "the table is read act by act")]
pub fn decide(case: &Standing, act: &Act, by: &By) -> Result<Moved, Refused> {
    let stay = Moved {
        state: case.state,
        clock: case.aware_at.zip(case.deadline),
        facts: Vec::new(),
        alerts: Alerts::Stay,
        event: act.word(),
    };
    let no = |help| {
        let (tilstand, state) = case.state.names();
        Err(Refused::State { act: act.deed(), state, tilstand, help })
    };
    match (case.state, act) {
        (State::Suspected, Act::Confirm) => Ok(Moved { state: State::Assessing, ..stay }),
        (State::Suspected, Act::Refute) => {
            reason(by)?;
            Ok(Moved { state: State::NoBreach, alerts: Alerts::Stop, ..stay })
        }
        (_, Act::Confirm | Act::Refute) => no("only a suspicion is confirmed or refuted"),

        (
            State::Suspected
            | State::Assessing
            | State::NotifiedPreliminary
            | State::NotifiedFinal
            | State::DocumentedOnly,
            Act::Aware(at),
        ) => clock::aware(case, *at, by, &stay),
        (State::NearMiss | State::NoBreach, Act::Aware(_)) => no("there is no clock"),
        (State::Closed, Act::Aware(_)) => no("reopen it first"),

        (State::Closed, Act::Record(..)) => no("reopen it first"),
        (State::DocumentedOnly, Act::Record(Field::Risk, risk)) if risk != "unlikely" => {
            Err(Refused::Missing(vec![RISK_AFTER_ALL.to_owned()]))
        }
        (_, Act::Record(field, value)) => Ok(Moved { facts: vec![(*field, value.clone())], ..stay }),

        (State::Assessing, Act::Document { .. }) => {
            reason(by)?;
            if case.fact(Field::Risk) != Some("unlikely") {
                return Err(Refused::Missing(vec![
                    "vurderingen, at risikoen er usandsynlig / the assessment that a risk is unlikely (assess --risk unlikely)"
                        .to_owned(),
                ]));
            }
            Ok(Moved { state: State::DocumentedOnly, alerts: Alerts::Stop, ..stay })
        }
        (State::Suspected, Act::Document { .. }) => no("confirm or refute the suspicion first"),
        (_, Act::Document { .. }) => {
            no("only a breach that is being assessed is documented without a notification")
        }

        (State::Assessing, Act::Notified { at, phase, reference, late }) => {
            clock::notified(case, *at, *phase, reference.as_ref(), late.as_ref(), by, &stay)
        }
        (State::Suspected, Act::Notified { .. }) => no("confirm the suspicion first"),
        (State::NotifiedPreliminary, Act::Notified { .. }) => {
            no("what is sent after a preliminary one is a supplement")
        }
        (_, Act::Notified { .. }) => no("only a breach that is being assessed is notified"),

        (State::NotifiedPreliminary | State::NotifiedFinal, Act::NotifiedCorrected { at, late }) => {
            clock::corrected(case, *at, late.as_ref(), by, &stay)
        }
        (State::Closed, Act::NotifiedCorrected { .. }) => no("reopen it first"),
        (_, Act::NotifiedCorrected { .. }) => no("it was not notified"),

        (State::NotifiedPreliminary, Act::Supplemented { at, is_final }) => {
            not_in_the_future(*at, by)?;
            let first = case.time(Field::NotifiedAt);
            if first.is_some_and(|first| *at < first) {
                return Err(Refused::Time("the supplement is before the first notification".to_owned()));
            }
            let state = if *is_final { State::NotifiedFinal } else { State::NotifiedPreliminary };
            // A supplement begins the days after which the next is asked for anew.
            Ok(Moved { state, alerts: if *is_final { Alerts::Stop } else { Alerts::Anew }, ..stay })
        }
        (_, Act::Supplemented { .. }) => no("a supplement follows a preliminary notification"),

        (State::Closed, Act::Inform(_)) => no("reopen it first"),
        (State::NearMiss | State::NoBreach, Act::Inform(_)) => no("nobody's data got out"),
        (_, Act::Inform(what)) => inform::inform(case, *what, by, &stay),

        (State::Closed | State::NearMiss | State::NoBreach, Act::Nis2(Nis2::Mark, _)) => {
            no("it is no open breach")
        }
        // That clock has begun: it goes on whatever becomes of the case.
        (_, Act::Nis2(step, at)) => second::nis2(case, *step, *at, by, &stay),

        (State::NearMiss | State::NoBreach, Act::Close) => {
            reason(by)?;
            closed(case.unfinished(), by, &stay)
        }
        (State::DocumentedOnly | State::NotifiedFinal, Act::Close) => {
            closed(case.missing_to_close(), by, &stay)
        }
        // It was notified to its end before it was reopened, and there was nothing to add.
        (State::NotifiedPreliminary, Act::Close) if case.was_final => {
            reason(by)?;
            closed(case.missing_to_close(), by, &stay)
        }
        (State::Suspected, Act::Close) => no("confirm or refute the suspicion first"),
        (State::Assessing, Act::Close) => no("notify it, or document why not"),
        (State::NotifiedPreliminary, Act::Close) => no("send the last supplement first"),
        (State::Closed, Act::Close) => no("it is closed"),

        (State::Closed | State::NoBreach | State::DocumentedOnly | State::NotifiedFinal, Act::Reopen) => {
            reopened(case, by, stay)
        }
        (_, Act::Reopen) => no("it is open"),
    }
}

/// After so long a closed case may be erased: five years, our own proposal (facts of the law, "Fields").
pub const KEPT_MONTHS: u32 = 60;

fn closed(missing: Vec<String>, by: &By, stay: &Moved) -> Result<Moved, Refused> {
    if !missing.is_empty() {
        return Err(Refused::Missing(missing));
    }
    let until = by.at.checked_add_months(Months::new(KEPT_MONTHS)).unwrap_or(by.at);
    let facts = vec![(Field::KeepUntil, written(until))];
    Ok(Moved { state: State::Closed, alerts: Alerts::Stop, facts, ..*stay })
}

/// The same awareness: it is no new breach. The clock ran until the first notification, so what was notified stays so, and what
/// is new is a supplement (GDPR art. 33(4)); what never was is assessed again, under the clock that it had.
fn reopened(case: &Standing, by: &By, stay: Moved) -> Result<Moved, Refused> {
    reason(by)?;
    let was_notified = case.state == State::NotifiedFinal || case.fact(Field::NotifiedAt).is_some();
    let (state, alerts) = match case.kind() {
        Kind::NearMiss => (State::NearMiss, Alerts::Stay),
        Kind::Breach if was_notified => (State::NotifiedPreliminary, Alerts::Anew),
        Kind::Breach => (State::Assessing, Alerts::Anew),
    };
    Ok(Moved { state, alerts, ..stay })
}

fn reason(by: &By) -> Result<(), Refused> {
    if by.reason.is_some() { Ok(()) } else { Err(Refused::Reason) }
}

fn not_in_the_future(at: DateTime<Utc>, by: &By) -> Result<(), Refused> {
    if at <= by.at {
        return Ok(());
    }
    Err(Refused::Time(format!("{} is in the future / ligger i fremtiden", shown(at))))
}

#[cfg(test)]
#[path = "act_tests.rs"]
mod tests;
