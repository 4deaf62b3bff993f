//! The second clock (NIS2; LOV 434/2025): begun by a person, with steps and deadlines of its own. The case of personal data may
//! end before it, but is not closed while a step is to come.

use super::{Alerts, By, Moved, Refused, Standing, not_in_the_future, reason};
use crate::case::field::Field;
use crate::case::local::{shown, written};
use chrono::{DateTime, Months, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Copenhagen;
use std::collections::BTreeMap;

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
    /// It is not significant after all: its clock ends. What was sent stays written.
    Withdraw,
}

pub(super) fn nis2(
    case: &Standing,
    step: Nis2,
    at: DateTime<Utc>,
    by: &By,
    stay: &Moved,
) -> Result<Moved, Refused> {
    not_in_the_future(at, by)?;
    let (field, before) = match step {
        Nis2::Mark => (Field::Nis2Marked, None),
        Nis2::Early => (Field::Nis2Early, Some(Field::Nis2Marked)),
        Nis2::Notified => (Field::Nis2Notified, Some(Field::Nis2Marked)),
        Nis2::Final => (Field::Nis2Final, Some(Field::Nis2Notified)),
        Nis2::Withdraw => (Field::Nis2Withdrawn, Some(Field::Nis2Marked)),
    };
    let begun = begun(&case.facts);
    let withdrawn = case.time(Field::Nis2Withdrawn);
    let is_there = match step {
        Nis2::Mark => begun.is_some(),
        Nis2::Withdraw => case.fact(Field::Nis2Marked).is_some() && begun.is_none(),
        Nis2::Early | Nis2::Notified | Nis2::Final => case.fact(field).is_some(),
    };
    if is_there {
        return Err(Refused::Missing(vec![format!(
            "{} står der allerede / is there already",
            field.names().0
        )]));
    }
    if let Some(before) = before.filter(|before| begun.is_none() || case.fact(*before).is_none()) {
        return Err(Refused::Missing(vec![format!("{} / {}", before.names().0, before.names().1)]));
    }
    match step {
        Nis2::Mark | Nis2::Withdraw => reason(by)?,
        Nis2::Early | Nis2::Notified | Nis2::Final => {}
    }
    let at = match (step, begun) {
        (Nis2::Mark, _) => {
            if let Some(withdrawn) = withdrawn.filter(|withdrawn| at <= *withdrawn) {
                let withdrawn = shown(withdrawn);
                return Err(Refused::Time(format!(
                    "det blev trukket tilbage {withdrawn}: herefter / it was withdrawn {withdrawn}: later than that"
                )));
            }
            at
        }
        // What has begun ends no earlier than it began.
        (Nis2::Withdraw, Some(begun)) => at.max(begun),
        (Nis2::Withdraw | Nis2::Early | Nis2::Notified | Nis2::Final, _) => at,
    };
    Ok(Moved { facts: vec![(field, written(at))], alerts: Alerts::Second, ..*stay })
}

/// When the second clock began; `None` where it has not, or was withdrawn.
fn begun(facts: &BTreeMap<Field, String>) -> Option<DateTime<Utc>> {
    let withdrawn = time(facts, Field::Nis2Withdrawn);
    time(facts, Field::Nis2Marked).filter(|marked| withdrawn.is_none_or(|at| *marked > at))
}

/// What is still to be sent.
pub(super) fn undone(case: &Standing) -> impl Iterator<Item = Field> {
    let has_begun = begun(&case.facts).is_some();
    let steps = [Field::Nis2Early, Field::Nis2Notified, Field::Nis2Final];
    steps.into_iter().filter(move |step| has_begun && case.fact(*step).is_none())
}

/// The deadlines of the second clock (LOV 434/2025; NIS2 art. 23): the early warning, the notification, and the final report
/// one calendar month after the notification, the last day of a shorter month (31-01 -> 28-02). Each is `None` when its
/// clock has not begun, or was withdrawn.
pub fn nis2_deadlines(facts: &BTreeMap<Field, String>) -> [Option<DateTime<Utc>>; 3] {
    let begun = begun(facts);
    let hours = |hours| begun.map(|begun| begun + TimeDelta::hours(hours));
    let notified = begun.and_then(|_| time(facts, Field::Nis2Notified));
    [hours(24), hours(72), notified.and_then(month_after)]
}

/// A month of the calendar here, not of UTC. In the hour that is there twice it is the earlier, which is the stricter; in the
/// hour that is left out it is the end of it, 03:00, which is the same instant as its beginning.
fn month_after(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = at.with_timezone(&Copenhagen).naive_local().checked_add_months(Months::new(1))?;
    let resolved = Copenhagen.from_local_datetime(&local).earliest().or_else(|| {
        let end = local.date().and_hms_opt(3, 0, 0)?;
        Copenhagen.from_local_datetime(&end).earliest()
    });
    resolved.map(|at| at.to_utc())
}

fn time(facts: &BTreeMap<Field, String>, field: Field) -> Option<DateTime<Utc>> {
    facts.get(&field).and_then(|at| at.parse().ok())
}
