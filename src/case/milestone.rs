//! When somebody must be told about a case: planned as rows when its clock starts, so that no restart forgets.
//!
//! The steps are our own proposal (facts of the law, "Alerts"); the deadlines they lead up to are the law's. A step that repeats
//! is planned one ahead: its next row is made when one was sent. Start reading at [`plan`]; who is told of a step is
//! [`super::escalation`], when somebody is at work [`super::calendar`].

use super::State;
use super::act::nis2_deadlines;
use super::calendar::Calendar;
use super::escalation::{Staff, people};
use super::field::Field;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// A step of the second clock that has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nis2Step {
    /// The early warning, 24 hours after it was found significant.
    Early,
    /// The notification, 72 hours after.
    Notification,
    /// The final report, a month after the notification.
    Final,
}

impl Nis2Step {
    /// Every step, in the order of [`nis2_deadlines`].
    pub const ALL: [Self; 3] = [Self::Early, Self::Notification, Self::Final];

    fn word(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Notification => "notification",
            Self::Final => "final",
        }
    }

    /// In Danish and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Early => ("tidlig varsling", "early warning"),
            Self::Notification => ("underretning", "notification"),
            Self::Final => ("endelig rapport", "final report"),
        }
    }

    /// The field that says that it was sent.
    pub fn done(self) -> Field {
        match self {
            Self::Early => Field::Nis2Early,
            Self::Notification => Field::Nis2Notified,
            Self::Final => Field::Nis2Final,
        }
    }
}

/// A moment at which somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Milestone {
    /// A preliminary notification has no supplement after 14 days; repeated.
    Supplement,
    /// A message came that belongs to a case which was settled.
    HitAfter,
    /// The case was opened.
    Opened,
    /// A suspicion waits for an answer: 4 hours after it was opened.
    Triage,
    /// Nobody has acknowledged the opening for 4 hours: goes to the next in the chain.
    Unacknowledged,
    /// A deadline of the second clock comes nearer: so many hours are left, 0 when it has passed.
    Nis2(Nis2Step, u16),
    /// So many hours are left.
    Left(u8),
    /// From now on one hour of staffed time is left before the deadline.
    LastStaffed,
    /// The deadline has passed.
    Overdue,
    /// It passed, and nothing was done; repeated.
    OverdueAgain,
}

/// What becomes of a row that is due when its case gets another clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnderAnother {
    /// It has nothing to do with that clock.
    Stays,
    /// It counts from the opening, which is what it was: it is a row of the new clock now.
    GoesOn,
    /// The new clock has its own, or needs none.
    Needless,
}

/// How long a suspicion waits, and an opening that nobody acknowledges.
pub const TRIAGE_HOURS: i64 = 4;
/// How long a preliminary notification may stand without a supplement, in days,
pub const SUPPLEMENT_DAYS: i64 = 14;
/// and after how many days it is reminded of again.
pub const SUPPLEMENT_AGAIN_DAYS: i64 = 7;

impl Milestone {
    /// Every milestone, the least pressing first.
    pub const ALL: [Self; 22] = [
        Self::Supplement,
        Self::HitAfter,
        Self::Opened,
        Self::Triage,
        Self::Unacknowledged,
        Self::Nis2(Nis2Step::Final, 168),
        Self::Nis2(Nis2Step::Final, 24),
        Self::Nis2(Nis2Step::Final, 0),
        Self::Nis2(Nis2Step::Notification, 24),
        Self::Nis2(Nis2Step::Notification, 4),
        Self::Nis2(Nis2Step::Early, 12),
        Self::Nis2(Nis2Step::Early, 4),
        Self::Nis2(Nis2Step::Notification, 0),
        Self::Nis2(Nis2Step::Early, 0),
        Self::Left(48),
        Self::Left(24),
        Self::Left(12),
        Self::Left(4),
        Self::Left(1),
        Self::LastStaffed,
        Self::Overdue,
        Self::OverdueAgain,
    ];

    /// The word in rows.
    pub fn word(self) -> String {
        match self {
            Self::Opened => "opened".to_owned(),
            Self::Triage => "triage".to_owned(),
            Self::Unacknowledged => "unacknowledged".to_owned(),
            Self::Left(hours) => format!("left-{hours}h"),
            Self::LastStaffed => "last-staffed".to_owned(),
            Self::Overdue => "overdue".to_owned(),
            Self::OverdueAgain => "overdue-again".to_owned(),
            Self::HitAfter => "hit-after".to_owned(),
            Self::Supplement => "supplement".to_owned(),
            Self::Nis2(step, 0) => format!("nis2-{}-overdue", step.word()),
            Self::Nis2(step, hours) => format!("nis2-{}-{hours}h", step.word()),
        }
    }

    /// Reads [`Self::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|milestone| milestone.word() == word)
    }

    /// For people, in Danish.
    pub fn name(self) -> String {
        match self {
            Self::Opened => "åbning".to_owned(),
            Self::Triage => "mistanke ubesvaret".to_owned(),
            Self::Unacknowledged => "ingen har kvitteret".to_owned(),
            Self::Left(hours) => format!("{hours} t. før frist"),
            Self::LastStaffed => "sidste bemandede time".to_owned(),
            Self::Overdue => "overskredet".to_owned(),
            Self::OverdueAgain => "fortsat overskredet".to_owned(),
            Self::HitAfter => "nyt fund efter afgørelse".to_owned(),
            Self::Supplement => "supplerende anmeldelse mangler".to_owned(),
            Self::Nis2(step, 0) => format!("NIS2 {}: overskredet", step.names().0),
            Self::Nis2(step, hours) => format!("NIS2 {}: {hours} t. før frist", step.names().0),
        }
    }

    /// How pressing: of several due at once for one case, the most pressing is sent and the others with it.
    pub fn urgency(self) -> u8 {
        let place = Self::ALL.iter().position(|one| *one == self);
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
    }

    /// Whether it belongs to the second clock: such a step is told of in a letter of its own.
    pub fn is_nis2(self) -> bool {
        matches!(self, Self::Nis2(..))
    }

    /// Whether it says something that is still so while the case is in this state.
    pub fn fits(self, state: State) -> bool {
        match self {
            Self::Opened => true,
            Self::HitAfter => state.is_settled(),
            Self::Triage => state == State::Suspected,
            Self::Supplement => state == State::NotifiedPreliminary,
            Self::Unacknowledged | Self::Left(_) | Self::LastStaffed | Self::Overdue | Self::OverdueAgain => {
                state.clock_runs()
            }
            // That clock is another law's, and does not end with the breach of personal data.
            Self::Nis2(..) => state != State::NearMiss,
        }
    }

    /// What becomes of a row of this step that is due when its case gets another clock.
    pub fn under_another_clock(self) -> UnderAnother {
        match self {
            Self::Opened | Self::HitAfter | Self::Nis2(..) => UnderAnother::Stays,
            Self::Triage | Self::Unacknowledged => UnderAnother::GoesOn,
            Self::Supplement | Self::Left(_) | Self::LastStaffed | Self::Overdue | Self::OverdueAgain => {
                UnderAnother::Needless
            }
        }
    }

    /// Whether an acknowledgement of `step` makes a row of this step and ordinal needless: what repeats `step`, and never what
    /// comes after it.
    pub fn is_stopped_by(self, ordinal: i64, step: Self) -> bool {
        match self {
            Self::Unacknowledged => step.urgency() >= Self::Opened.urgency() && !step.is_nis2(),
            Self::OverdueAgain => matches!(step, Self::Overdue | Self::OverdueAgain),
            Self::Supplement => ordinal > 1 && step == Self::Supplement,
            Self::HitAfter
            | Self::Opened
            | Self::Triage
            | Self::Nis2(..)
            | Self::Left(_)
            | Self::LastStaffed
            | Self::Overdue => false,
        }
    }

    /// What comes after a row of this step that was sent at `at`: the step, its ordinal and when it is due.
    pub fn next(
        self,
        ordinal: i64,
        at: DateTime<Utc>,
        calendar: &Calendar,
    ) -> Option<(Self, i64, DateTime<Utc>)> {
        match self {
            Self::Overdue => Some((Self::OverdueAgain, 1, calendar.repeated_after(at))),
            Self::OverdueAgain => Some((Self::OverdueAgain, ordinal + 1, calendar.repeated_after(at))),
            Self::Supplement => {
                let due = at + TimeDelta::days(SUPPLEMENT_AGAIN_DAYS);
                Some((Self::Supplement, ordinal + 1, calendar.staffed_from(due).unwrap_or(due)))
            }
            Self::HitAfter
            | Self::Opened
            | Self::Triage
            | Self::Unacknowledged
            | Self::Nis2(..)
            | Self::Left(_)
            | Self::LastStaffed => None,
        }
    }
}

/// What alerts are planned by besides the case: the organisation's hours and people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planning {
    /// When somebody is at work.
    pub calendar: Calendar,
    /// Who is told after the DPO.
    pub staff: Vec<Staff>,
    /// The DPO of each controller, by its CVR number. A case keeps the one it was opened with until this names another.
    pub dpos: BTreeMap<String, String>,
}

/// A case as far as its alerts go.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Where it stands.
    pub state: State,
    /// When the authority must have been notified.
    pub deadline: Option<DateTime<Utc>>,
    /// Whether it is opened now: that is told, and what waits for an answer is reminded of.
    pub opens: bool,
    /// When the last preliminary or supplementary notification was entered.
    pub reported_at: Option<DateTime<Utc>>,
    /// What was written about it.
    pub facts: &'a BTreeMap<Field, String>,
    /// The controller's CVR number.
    pub cvr: &'a str,
    /// The source system.
    pub source: Option<&'a str>,
    /// The DPO.
    pub dpo: &'a str,
}

/// Somebody is to be told of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Of which.
    pub milestone: Milestone,
    /// Whom.
    pub recipient: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What is due when, and to whom, for a case as it stands at `now`. A near miss has no clock and is told of once.
pub fn plan(case: &Subject<'_>, now: DateTime<Utc>, planning: &Planning) -> Vec<Due> {
    let people = people(&planning.staff, case.cvr, case.source, case.dpo);
    let mut due = Vec::new();
    for (milestone, at) in steps(case, now, &planning.calendar) {
        // What nobody acknowledges goes to the first after the DPO.
        let next = people.get(1).filter(|_| milestone == Milestone::Unacknowledged);
        let told = people.iter().filter(|(role, _)| role.hears(milestone)).chain(next);
        due.extend(told.map(|(_, address)| Due { milestone, recipient: (*address).to_owned(), at }));
    }
    due
}

fn steps(case: &Subject<'_>, now: DateTime<Utc>, calendar: &Calendar) -> Vec<(Milestone, DateTime<Utc>)> {
    let mut steps = Vec::new();
    if case.opens {
        steps.push((Milestone::Opened, now));
    }
    let later = now + TimeDelta::hours(TRIAGE_HOURS);
    if case.opens && case.state == State::Suspected {
        steps.push((Milestone::Triage, later));
    }
    if let Some(deadline) = case.deadline.filter(|_| case.state.clock_runs()) {
        if case.opens {
            steps.push((Milestone::Unacknowledged, later));
        }
        for milestone in Milestone::ALL {
            if let Milestone::Left(hours) = milestone {
                steps.push((milestone, deadline - TimeDelta::hours(hours.into())));
            }
        }
        // One that has gone by is no help: the letter of opening says so.
        let last = calendar.last_staffed_hour(deadline).filter(|last| *last > now);
        steps.extend(last.map(|last| (Milestone::LastStaffed, last)));
        steps.push((Milestone::Overdue, deadline));
    }
    if let (State::NotifiedPreliminary, Some(reported)) = (case.state, case.reported_at) {
        steps.push((Milestone::Supplement, reported + TimeDelta::days(SUPPLEMENT_DAYS)));
    }
    for (step, deadline) in Nis2Step::ALL.into_iter().zip(nis2_deadlines(case.facts)) {
        let Some(deadline) = deadline.filter(|_| !case.facts.contains_key(&step.done())) else { continue };
        for milestone in Milestone::ALL {
            if let Milestone::Nis2(of, hours) = milestone
                && of == step
                && milestone.fits(case.state)
            {
                steps.push((milestone, deadline - TimeDelta::hours(hours.into())));
            }
        }
    }
    steps
}

#[cfg(test)]
#[path = "milestone_tests.rs"]
mod tests;
