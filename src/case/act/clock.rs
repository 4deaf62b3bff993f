//! The acts that touch the 72 hours: when anybody was aware, when it was notified, and the reasons where that was late
//! (GDPR art. 33(1)). The first notification is what counts, however often a case is opened again.

use super::{Alerts, By, Moved, Phase, Refused, Standing, not_in_the_future, reason};
use crate::case::State;
use crate::case::field::{Field, Words};
use crate::case::local::{shown, written};
use chrono::{DateTime, Utc};

/// What is missing where it was late.
pub(super) const DELAY: &str =
    "begrundelsen for forsinkelsen, artikel 33, stk. 1 / the reasons for the delay";

/// Awareness may be set earlier always, later only with a reason; never into the future, and never after the notification. A
/// notification that is late by it needs its reasons: they are the act's own where none are written.
pub(super) fn aware(case: &Standing, at: DateTime<Utc>, by: &By, stay: &Moved) -> Result<Moved, Refused> {
    not_in_the_future(at, by)?;
    let notified = case.time(Field::NotifiedAt);
    if let Some(notified) = notified.filter(|notified| at > *notified) {
        let notified = shown(notified);
        return Err(Refused::Time(format!(
            "it was notified {notified}, and nobody becomes aware after that; where that time is wrong, correct it first \
             (correct-notified) / den blev anmeldt {notified}; er det forkert, så ret det først"
        )));
    }
    if case.aware_at.is_some_and(|before| at > before) {
        reason(by)?;
    }
    let deadline = case.regime.deadline(at);
    let mut facts = Vec::new();
    if notified.is_some_and(|notified| notified > deadline) && case.fact(Field::DelayReason).is_none() {
        let Some(why) = &by.reason else {
            return Err(Refused::Missing(vec![format!("{DELAY} (--why)")]));
        };
        facts.push((Field::DelayReason, why.to_string()));
    }
    let moves = case.clock_runs() && case.deadline != Some(deadline);
    let alerts = if moves { Alerts::Anew } else { Alerts::Stay };
    Ok(Moved { clock: Some((at, deadline)), facts, alerts, ..*stay })
}

pub(super) fn notified(
    case: &Standing,
    at: DateTime<Utc>,
    phase: Phase,
    reference: Option<&Words>,
    late: Option<&Words>,
    by: &By,
    stay: &Moved,
) -> Result<Moved, Refused> {
    let first = case.time(Field::NotifiedAt).unwrap_or(at);
    let mut facts = sent(case, at, by).and_then(|()| reasons(case, first, late))?;
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

/// The first notification was at another time than was entered: a slip. The line of the register has both.
pub(super) fn corrected(
    case: &Standing,
    at: DateTime<Utc>,
    late: Option<&Words>,
    by: &By,
    stay: &Moved,
) -> Result<Moved, Refused> {
    reason(by)?;
    let mut facts = sent(case, at, by).and_then(|()| reasons(case, at, late))?;
    facts.push((Field::NotifiedAt, written(at)));
    Ok(Moved { facts, ..*stay })
}

/// Whether the reasons are missing for a notification that was late.
pub(super) fn lacks_reasons(case: &Standing) -> bool {
    let notified = case.time(Field::NotifiedAt);
    let is_late = notified.zip(case.deadline).is_some_and(|(notified, deadline)| notified > deadline);
    is_late && case.fact(Field::DelayReason).is_none()
}

/// Whether it can have been sent then.
fn sent(case: &Standing, at: DateTime<Utc>, by: &By) -> Result<(), Refused> {
    not_in_the_future(at, by)?;
    if case.aware_at.is_some_and(|aware| at < aware) {
        return Err(Refused::Time(
            "it cannot be notified before anybody was aware: set that earlier first (aware)".to_owned(),
        ));
    }
    Ok(())
}

/// GDPR art. 33(1): a notification that is late "shall be accompanied by reasons for the delay".
fn reasons(
    case: &Standing,
    notified: DateTime<Utc>,
    late: Option<&Words>,
) -> Result<Vec<(Field, String)>, Refused> {
    if case.deadline.is_none_or(|deadline| notified <= deadline) {
        return Ok(Vec::new());
    }
    let late = late.map(Words::as_str).or(case.fact(Field::DelayReason));
    let late = late.ok_or_else(|| Refused::Missing(vec![format!("{DELAY} (--late)")]))?;
    Ok(vec![(Field::DelayReason, late.to_owned())])
}
