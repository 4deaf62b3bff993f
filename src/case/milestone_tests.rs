//! What is planned for which case, as tables.

use super::*;
use crate::case::Kind;
use crate::case::escalation::Role;
use crate::case::local::{read, written};
use crate::case::regime::Regime;

fn at(local: &str) -> DateTime<Utc> {
    read(local).unwrap().earlier()
}

fn subject(state: State, aware: DateTime<Utc>, facts: &BTreeMap<Field, String>) -> Subject<'_> {
    Subject {
        state,
        deadline: (state.kind() == Kind::Breach)
            .then(|| Regime::for_awareness(aware).unwrap().deadline(aware)),
        opens: true,
        reported_at: None,
        facts,
        cvr: "12345678",
        source: None,
        dpo: "dpo@a.example",
    }
}

fn hours(due: &[Due], from: DateTime<Utc>) -> Vec<(String, i64)> {
    due.iter().map(|due| (due.milestone.word(), (due.at - from).num_hours())).collect()
}

fn words(table: &[(&str, i64)]) -> Vec<(String, i64)> {
    table.iter().map(|(word, hour)| ((*word).to_owned(), *hour)).collect()
}

#[test]
fn a_breach_is_told_of_at_every_step() {
    let aware = at("17-11-2026 10:20");
    let facts = BTreeMap::new();
    let planned = plan(&subject(State::Assessing, aware, &facts), aware, &Planning::default());
    let table = [
        ("opened", 0),
        ("left-48h", 24),
        ("left-24h", 48),
        ("left-12h", 60),
        ("left-4h", 68),
        ("left-1h", 71),
        ("last-staffed", 71),
        ("overdue", 72),
    ];
    assert_eq!(hours(&planned, aware), words(&table));
    // A suspicion is reminded of.
    let planned = plan(&subject(State::Suspected, aware, &facts), aware, &Planning::default());
    assert!(hours(&planned, aware).contains(&("triage".to_owned(), 4)));
    // Its Easter: nobody is at work between, so there is no last staffed hour to tell of.
    let aware = at("25-03-2027 09:00");
    let planned = plan(&subject(State::Assessing, aware, &facts), aware, &Planning::default());
    assert!(planned.iter().all(|due| due.milestone != Milestone::LastStaffed));
}

#[test]
fn a_near_miss_is_told_of_once() {
    let now = at("17-11-2026 10:20");
    let facts = BTreeMap::new();
    let planned = plan(&subject(State::NearMiss, now, &facts), now, &Planning::default());
    let opened = Due { milestone: Milestone::Opened, recipient: "dpo@a.example".to_owned(), at: now };
    assert_eq!(planned, [opened]);
}

#[test]
fn the_chain_grows_toward_the_deadline() {
    let staff = |role, address: &str| Staff {
        role,
        cvr: Some("12345678".to_owned()),
        source: None,
        address: address.to_owned(),
    };
    let planning = Planning {
        staff: vec![staff(Role::Deputy, "deputy@a.example"), staff(Role::Chief, "chief@a.example")],
        ..Planning::default()
    };
    let aware = at("17-11-2026 10:20");
    let facts = BTreeMap::new();
    let planned = plan(&subject(State::Assessing, aware, &facts), aware, &planning);
    let of = |address: &str| -> Vec<String> {
        planned.iter().filter(|due| due.recipient == address).map(|due| due.milestone.word()).collect()
    };
    assert_eq!(of("deputy@a.example")[..3], ["unacknowledged", "left-24h", "left-12h"]);
    assert_eq!(of("chief@a.example"), ["left-4h", "left-1h", "overdue"]);
    assert_eq!(of("dpo@a.example").len(), 8);
}

#[test]
fn a_preliminary_notification_is_reminded_of_after_14_days_and_weekly() {
    let facts = BTreeMap::new();
    let reported = at("20-11-2026 09:00");
    let case = Subject {
        opens: false,
        reported_at: Some(reported),
        ..subject(State::NotifiedPreliminary, at("17-11-2026 10:20"), &facts)
    };
    let planned = plan(&case, reported, &Planning::default());
    assert_eq!(hours(&planned, reported), words(&[("supplement", 14 * 24)]));
    let next = Milestone::Supplement.next(1, at("04-12-2026 09:00"), &Calendar::default());
    assert_eq!(next, Some((Milestone::Supplement, 2, at("11-12-2026 09:00"))));
    // Christmas Day: on the Monday after.
    let next = Milestone::Supplement.next(2, at("18-12-2026 09:00"), &Calendar::default());
    assert_eq!(next, Some((Milestone::Supplement, 3, at("28-12-2026 08:00"))));
}

#[test]
fn the_second_clock_has_steps_of_its_own_until_each_is_done() {
    let marked = at("18-11-2026 10:00");
    let mut facts = BTreeMap::from([(Field::Nis2Marked, written(marked))]);
    let of = |facts: &BTreeMap<Field, String>, state| {
        let case = Subject { opens: false, ..subject(state, at("17-11-2026 10:20"), facts) };
        let planned = plan(&case, marked, &Planning::default());
        let second = planned.into_iter().filter(|due| due.milestone.is_nis2()).collect::<Vec<_>>();
        hours(&second, marked)
    };
    let notification =
        [("nis2-notification-24h", 48), ("nis2-notification-4h", 68), ("nis2-notification-overdue", 72)];
    let mut first = vec![("nis2-early-12h", 12), ("nis2-early-4h", 20), ("nis2-early-overdue", 24)];
    let sorted = |mut rows: Vec<(String, i64)>| {
        rows.sort_by_key(|row| row.1);
        rows
    };
    first.extend(notification);
    // It runs on when the authority of the first clock was notified.
    for state in [State::Assessing, State::NotifiedFinal] {
        assert_eq!(sorted(of(&facts, state)), words(&first));
    }
    facts.insert(Field::Nis2Early, written(marked));
    assert_eq!(sorted(of(&facts, State::Assessing)), words(&notification));
    facts.insert(Field::Nis2Notified, written(at("31-01-2027 10:00")));
    let case = Subject { opens: false, ..subject(State::NotifiedFinal, at("17-11-2026 10:20"), &facts) };
    let planned = plan(&case, marked, &Planning::default());
    assert_eq!(planned.iter().map(|due| due.at).max(), Some(at("28-02-2027 10:00")));
    // It is another law's clock: it does not end with the case.
    assert_eq!(of(&facts, State::NoBreach), of(&facts, State::NotifiedFinal));
    assert!(of(&facts, State::NearMiss).is_empty());
}

#[test]
fn the_nearest_end_is_the_most_pressing() {
    assert!(Milestone::ALL.is_sorted_by_key(|milestone| milestone.urgency()));
    for milestone in Milestone::ALL {
        assert_eq!(Milestone::from_word(&milestone.word()), Some(milestone));
    }
}

#[test]
fn an_acknowledgement_stops_what_repeats_its_step_and_nothing_after_it() {
    let stopped = |step: Milestone| -> Vec<String> {
        let all = Milestone::ALL.into_iter();
        all.filter(|one| one.is_stopped_by(2, step)).map(Milestone::word).collect()
    };
    assert_eq!(stopped(Milestone::Opened), ["unacknowledged"]);
    assert_eq!(stopped(Milestone::Left(24)), ["unacknowledged"]);
    assert_eq!(stopped(Milestone::Overdue), ["unacknowledged", "overdue-again"]);
    assert_eq!(stopped(Milestone::Supplement), ["supplement"]);
    assert!(stopped(Milestone::Nis2(Nis2Step::Early, 4)).is_empty());
}
