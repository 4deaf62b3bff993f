//! What a person may do with a case, and what that makes of it: one match on state and act, with its guards.
//!
//! Pure: the case as it stands comes in, what changes goes out, and the register keeps both as one entry. Nothing else moves a
//! state or a deadline (invariant 9). Source: facts of the law, "States", "Awareness". Start reading at [`decide`].

use super::field::{Field, Words};
use super::local::{shown, written};
use super::regime::Regime;
use super::{Kind, State};
use chrono::{DateTime, Months, TimeDelta, Utc};
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

/// What is decided about telling the persons (GDPR art. 34).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Communication {
    /// No high risk.
    NotRequired,
    /// The data cannot be read by who got it (34(3)(a)).
    ExemptA,
    /// The high risk is no longer likely (34(3)(b)).
    ExemptB,
    /// It would take disproportionate effort; a public communication instead (34(3)(c)).
    ExemptC,
    /// Databeskyttelsesloven § 22.
    Exempt22,
    /// So many persons are to be written to.
    Planned(u32),
    /// So many have been written to by now; all of them ends it.
    Sent(u32),
}

/// A step of the second clock (NIS2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nis2 {
    /// A person finds the incident significant (*væsentlig*): its clock begins.
    Mark,
    /// The early warning was sent.
    Early,
    /// The notification was sent.
    Notified,
    /// The final report was sent.
    Final,
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
            Self::Supplemented { .. } => "noting a supplement",
            Self::Inform(_) => "deciding about telling the persons",
            Self::Nis2(..) => "the clock of NIS2",
            Self::Close => "closing it",
            Self::Reopen => "reopening it",
        }
    }
}

impl Communication {
    /// The word in [`Field::Communication`].
    pub fn word(self) -> &'static str {
        match self {
            Self::NotRequired => "not_required",
            Self::ExemptA => "exempt_34_3_a",
            Self::ExemptB => "exempt_34_3_b",
            Self::ExemptC => "exempt_34_3_c",
            Self::Exempt22 => "exempt_22",
            Self::Planned(_) => "planned",
            Self::Sent(_) => "sending",
        }
    }

    /// Whether it needs a reason: all but the writing itself.
    fn needs_reason(self) -> bool {
        !matches!(self, Self::Planned(_) | Self::Sent(_))
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

    fn number(&self, field: Field) -> u32 {
        self.fact(field).and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// Whether it is decided and done how the persons are told (GDPR art. 34).
    fn communication_is_settled(&self) -> bool {
        !matches!(self.fact(Field::Communication), None | Some("not_assessed" | "planned" | "sending"))
    }

    /// What closing still needs.
    pub fn missing_to_close(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut need = |is_there: bool, what: &str| {
            if !is_there {
                missing.push(what.to_owned());
            }
        };
        need(self.fact(Field::Cause).is_some(), "årsagen / the cause (cause)");
        need(self.fact(Field::Measures).is_some(), "foranstaltninger / the measures (measures)");
        let settled = self.communication_is_settled();
        need(
            settled,
            "afgørelsen om underretning, artikel 34 / the decision on telling the persons (inform)",
        );
        if self.state == State::NotifiedFinal {
            need(self.receipts > 0, "kvitteringen fra Datatilsynet / the authority's receipt (receipt)");
        }
        missing
    }
}

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
        ) => aware(case, *at, by, stay),
        (State::NearMiss | State::NoBreach, Act::Aware(_)) => no("there is no clock"),
        (State::Closed, Act::Aware(_)) => no("reopen it first"),

        (State::Closed, Act::Record(..)) => no("reopen it first"),
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
            notified(case, *at, *phase, reference.as_ref(), late.as_ref(), by, &stay)
        }
        (State::Suspected, Act::Notified { .. }) => no("confirm the suspicion first"),
        (State::NotifiedPreliminary, Act::Notified { .. }) => {
            no("what is sent after a preliminary one is a supplement")
        }
        (_, Act::Notified { .. }) => no("only a breach that is being assessed is notified"),

        (State::NotifiedPreliminary, Act::Supplemented { at, is_final }) => {
            not_in_the_future(*at, by)?;
            let first = case.fact(Field::NotifiedAt).and_then(|at| at.parse::<DateTime<Utc>>().ok());
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
        (_, Act::Inform(what)) => inform(case, *what, by, &stay),

        (State::Closed | State::NearMiss | State::NoBreach, Act::Nis2(..)) => no("it is no open breach"),
        (_, Act::Nis2(step, at)) => nis2(case, *step, *at, by, &stay),

        (State::NearMiss | State::NoBreach, Act::Close) => {
            reason(by)?;
            Ok(closed(by, &stay))
        }
        (State::DocumentedOnly | State::NotifiedFinal, Act::Close) => {
            let missing = case.missing_to_close();
            if missing.is_empty() { Ok(closed(by, &stay)) } else { Err(Refused::Missing(missing)) }
        }
        (State::Suspected, Act::Close) => no("confirm or refute the suspicion first"),
        (State::Assessing, Act::Close) => no("notify it, or document why not"),
        (State::NotifiedPreliminary, Act::Close) => no("send the last supplement first"),
        (State::Closed, Act::Close) => no("it is closed"),

        (State::Closed, Act::Reopen) => {
            reason(by)?;
            // The same awareness: it is no new breach. What was notified stays so, and more is a supplement.
            let state = match case.kind() {
                Kind::NearMiss => State::NearMiss,
                Kind::Breach => State::Assessing,
            };
            let alerts = if state == State::Assessing { Alerts::Anew } else { Alerts::Stay };
            Ok(Moved { state, alerts, ..stay })
        }
        (State::NoBreach, Act::Reopen) => {
            reason(by)?;
            Ok(Moved { state: State::Assessing, alerts: Alerts::Anew, ..stay })
        }
        (_, Act::Reopen) => no("it is open"),
    }
}

/// After so long a closed case may be erased: five years, our own proposal (facts of the law, "Fields").
pub const KEPT_MONTHS: u32 = 60;

fn closed(by: &By, stay: &Moved) -> Moved {
    let until = by.at.checked_add_months(Months::new(KEPT_MONTHS)).unwrap_or(by.at);
    let facts = vec![(Field::KeepUntil, written(until))];
    Moved { state: State::Closed, alerts: Alerts::Stop, facts, ..*stay }
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

/// Awareness may be set earlier always, later only with a reason; never into the future. The reason is asked for in both.
fn aware(case: &Standing, at: DateTime<Utc>, by: &By, stay: Moved) -> Result<Moved, Refused> {
    not_in_the_future(at, by)?;
    if case.aware_at.is_some_and(|before| at > before) {
        reason(by)?;
    }
    let alerts = if case.clock_runs() { Alerts::Anew } else { Alerts::Stay };
    Ok(Moved { clock: Some((at, case.regime.deadline(at))), alerts, ..stay })
}

fn notified(
    case: &Standing,
    at: DateTime<Utc>,
    phase: Phase,
    reference: Option<&Words>,
    late: Option<&Words>,
    by: &By,
    stay: &Moved,
) -> Result<Moved, Refused> {
    not_in_the_future(at, by)?;
    if case.aware_at.is_some_and(|aware| at < aware) {
        return Err(Refused::Time(
            "it cannot be notified before anybody was aware: set that earlier first (aware)".to_owned(),
        ));
    }
    let mut facts = Vec::new();
    if case.deadline.is_some_and(|deadline| at > deadline) {
        let Some(late) = late.map(Words::as_str).or(case.fact(Field::DelayReason)) else {
            return Err(Refused::Missing(vec![
                "begrundelsen for forsinkelsen, artikel 33, stk. 1 / the reasons for the delay (--late)"
                    .to_owned(),
            ]));
        };
        facts.push((Field::DelayReason, late.to_owned()));
    }
    // A case that was reopened keeps its first notification.
    if case.fact(Field::NotifiedAt).is_none() {
        facts.push((Field::NotifiedAt, written(at)));
    }
    facts.extend(reference.map(|reference| (Field::Reference, reference.to_string())));
    let (state, alerts) = match phase {
        // What is to follow is reminded of.
        Phase::Preliminary => (State::NotifiedPreliminary, Alerts::Anew),
        Phase::Whole => (State::NotifiedFinal, Alerts::Stop),
    };
    Ok(Moved { state, facts, alerts, ..*stay })
}

fn inform(case: &Standing, what: Communication, by: &By, stay: &Moved) -> Result<Moved, Refused> {
    if what.needs_reason() {
        reason(by)?;
    }
    let all = case.number(Field::LettersAll);
    let facts = match what {
        Communication::NotRequired if case.fact(Field::Risk) == Some("high") => {
            return Err(Refused::Missing(vec![
                "risikoen er høj: de registrerede skal underrettes, eller en undtagelse begrundes / \
                 the risk is high: tell the persons, or give an exemption"
                    .to_owned(),
            ]));
        }
        Communication::Planned(all) => {
            vec![(Field::Communication, what.word().to_owned()), (Field::LettersAll, all.to_string())]
        }
        Communication::Sent(_) if all == 0 => {
            return Err(Refused::Missing(vec![
                "hvor mange der skal underrettes / how many are to be told (inform --planned N)".to_owned(),
            ]));
        }
        Communication::Sent(sent) if sent > all => {
            return Err(Refused::Missing(vec![format!(
                "{sent} er flere end de {all} / are more than the {all}"
            )]));
        }
        Communication::Sent(sent) => {
            let word = if sent == all { "done" } else { what.word() };
            vec![(Field::Communication, word.to_owned()), (Field::LettersSent, sent.to_string())]
        }
        Communication::NotRequired
        | Communication::ExemptA
        | Communication::ExemptB
        | Communication::ExemptC
        | Communication::Exempt22 => vec![(Field::Communication, what.word().to_owned())],
    };
    Ok(Moved { facts, ..*stay })
}

fn nis2(case: &Standing, step: Nis2, at: DateTime<Utc>, by: &By, stay: &Moved) -> Result<Moved, Refused> {
    not_in_the_future(at, by)?;
    let (field, before) = match step {
        Nis2::Mark => (Field::Nis2Marked, None),
        Nis2::Early => (Field::Nis2Early, Some(Field::Nis2Marked)),
        Nis2::Notified => (Field::Nis2Notified, Some(Field::Nis2Marked)),
        Nis2::Final => (Field::Nis2Final, Some(Field::Nis2Notified)),
    };
    if step == Nis2::Mark {
        reason(by)?;
    }
    if let Some(before) = before.filter(|before| case.fact(*before).is_none()) {
        return Err(Refused::Missing(vec![format!("{} / {}", before.names().0, before.names().1)]));
    }
    if case.fact(field).is_some() {
        return Err(Refused::Missing(vec![format!(
            "{} står der allerede / is there already",
            field.names().0
        )]));
    }
    Ok(Moved { facts: vec![(field, written(at))], alerts: Alerts::Second, ..*stay })
}

/// The deadlines of the second clock (LOV 434/2025; NIS2 art. 23): the early warning, the notification, and the final report
/// one calendar month after the notification, the last day of a shorter month (31-01 -> 28-02). Each is `None` when its
/// clock has not begun.
pub fn nis2_deadlines(facts: &BTreeMap<Field, String>) -> [Option<DateTime<Utc>>; 3] {
    let at = |field| facts.get(&field).and_then(|at| at.parse::<DateTime<Utc>>().ok());
    let marked = at(Field::Nis2Marked);
    let hours = |hours| marked.map(|marked| marked + TimeDelta::hours(hours));
    let month = at(Field::Nis2Notified).and_then(|at| {
        // A month is one of the calendar here, not of UTC.
        let local = at.with_timezone(&chrono_tz::Europe::Copenhagen);
        local.checked_add_months(Months::new(1)).map(|at| at.to_utc())
    });
    [hours(24), hours(72), month]
}

#[cfg(test)]
#[path = "act_tests.rs"]
mod tests;
