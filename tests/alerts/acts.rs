//! What a person's acts make of alerts that were planned, and of those that were told: nothing that is still so falls silent.

use super::{DEPUTY, act, by, of, told, with_chain};
use crate::alarm::House;
use crate::support::daemon::DPO;
use brevdue::case::State;
use brevdue::case::act::{Act, Communication, Nis2, Phase};
use brevdue::case::detection::Outcome;
use brevdue::case::field::Field;
use brevdue::case::milestone::Milestone;
use brevdue::store::NewReceipt;
use chrono::TimeDelta;

const SUSPECTED: Outcome = Outcome::Delivered { certain: false };

#[test]
fn a_case_that_is_overdue_is_told_of_again_also_after_a_step_of_the_second_clock() {
    let mut house = House::new();
    let case = house.breach();
    // Overdue on Friday 10:20, and again at 14:20.
    assert_eq!(told(&mut house, 76).last().unwrap(), &(76, "overdue-again".to_owned(), DPO.to_owned()));
    act(&house, &case, &Act::Nis2(Nis2::Mark, house.now));
    let told = told(&mut house, 24);
    let again: Vec<_> = of(&told, DPO).into_iter().filter(|(_, step)| *step == "overdue-again").collect();
    assert_eq!(again, [(24, "overdue-again")], "{told:?}");
    // A restart adds nothing.
    let before = house.notices(&case).len();
    house.store.plan_open_cases(house.now).unwrap();
    assert_eq!(house.notices(&case).len(), before);
}

#[test]
fn another_awareness_leaves_what_waits_for_an_answer() {
    let mut house = with_chain();
    let case = house.case(SUSPECTED, "Nørreby Kommune");
    let read = house.case(SUSPECTED, "Sønderby Kommune");
    house.round();
    for case in [&case, &read] {
        act(&house, case, &Act::Aware(house.now - TimeDelta::minutes(10)));
    }
    // By a letter of the clock that was: whoever has read that has read it.
    let done = house.store.acknowledge(&read, Some((Milestone::Opened, 1)), DPO, house.now).unwrap().unwrap();
    assert_eq!(done.stopped, 1);
    let told = told(&mut house, 5);
    assert_eq!(of(&told, DPO), [(4, "triage"), (4, "triage")]);
    assert_eq!(of(&told, DEPUTY), [(4, "unacknowledged")]);
    let (_, body) = house.letters().pop().unwrap();
    assert!(body.contains(case.as_str()), "{body}");
}

#[test]
fn what_is_reopened_after_its_deadline_is_overdue_and_told_of() {
    let mut house = House::new();
    let case = house.case(SUSPECTED, "Nørreby Kommune");
    assert_eq!(of(&told(&mut house, 73), DPO).last().unwrap(), &(72, "overdue"));
    act(&house, &case, &Act::Refute);
    assert_eq!(told(&mut house, 30), []);
    act(&house, &case, &Act::Reopen);
    // Saturday 17:20: on Sunday.
    assert_eq!(told(&mut house, 25), [(24, "overdue-again".to_owned(), DPO.to_owned())]);
}

#[test]
fn the_weekly_reminder_of_a_supplement_outlives_a_step_of_the_second_clock() {
    let mut house = House::new();
    let case = house.breach();
    house.round();
    let notified = Act::Notified { at: house.now, phase: Phase::Preliminary, reference: None, late: None };
    act(&house, &case, &notified);
    assert_eq!(of(&told(&mut house, 24 * 15), DPO), [(336, "supplement")]);
    act(&house, &case, &Act::Nis2(Nis2::Mark, house.now));
    let told = told(&mut house, 24 * 7);
    let weekly: Vec<_> = of(&told, DPO).into_iter().filter(|(_, step)| *step == "supplement").collect();
    assert_eq!(weekly, [(144, "supplement")], "{told:?}");
}

#[test]
fn what_was_notified_in_time_and_is_reopened_later_is_not_overdue() {
    let mut house = with_chain();
    let case = house.breach();
    house.round();
    house.go(TimeDelta::hours(10));
    let now = house.now;
    act(&house, &case, &Act::Notified { at: now, phase: Phase::Whole, reference: None, late: None });
    for (field, value) in [(Field::Cause, "opsætning"), (Field::Measures, "Rettet")] {
        act(&house, &case, &Act::Record(field, value.to_owned()));
    }
    act(&house, &case, &Act::Inform(Communication::NotRequired));
    let receipt = NewReceipt { is_notification: true, sha256: [3; 32], file: "aa.pdf", size: 12 };
    house.store.record(|recording| recording.add_receipt(&case, &receipt, &by(now))).unwrap();
    act(&house, &case, &Act::Close);
    assert_eq!(told(&mut house, 100), []);
    act(&house, &case, &Act::Reopen);
    assert_eq!(house.store.standing(&case).unwrap().unwrap().state, State::NotifiedPreliminary);
    // Nobody but the DPO, and of nothing but the supplement.
    let told = told(&mut house, 24 * 15);
    assert_eq!(told, [(336, "supplement".to_owned(), DPO.to_owned())]);
}

#[test]
fn the_second_clock_goes_on_after_the_suspicion_was_refuted() {
    let mut house = House::new();
    let case = house.case(SUSPECTED, "Nørreby Kommune");
    house.round();
    act(&house, &case, &Act::Nis2(Nis2::Mark, house.now));
    act(&house, &case, &Act::Refute);
    let told_of = told(&mut house, 13);
    assert_eq!(told_of, [(12, "nis2-early-12h".to_owned(), DPO.to_owned())]);
    act(&house, &case, &Act::Nis2(Nis2::Withdraw, house.now));
    assert_eq!(told(&mut house, 80), []);
    // Begun anew it is told of anew.
    act(&house, &case, &Act::Reopen);
    act(&house, &case, &Act::Nis2(Nis2::Mark, house.now));
    let told_of = told(&mut house, 13);
    assert!(of(&told_of, DPO).contains(&(12, "nis2-early-12h")), "{told_of:?}");
}
