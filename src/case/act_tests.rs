//! Every state against every act, the guards one by one, and the table of the clock moved by acts.

use super::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const AWARE: &str = "2026-11-17T09:20:00Z";

fn words(text: &str) -> Words {
    Words::checked(text, |_| true).unwrap()
}

fn standing(state: State) -> Standing {
    let aware = (state != State::NearMiss).then(|| utc(AWARE));
    let regime = Regime::named("gdpr-2018").unwrap();
    Standing {
        state,
        detected_at: utc(AWARE),
        aware_at: aware,
        deadline: aware.map(|at| regime.deadline(at)),
        regime,
        facts: BTreeMap::new(),
        receipts: 0,
        was_final: false,
        held: 0,
    }
}

fn by(at: &str) -> By {
    By { who: words("Dorte DPO"), at: utc(at), reason: Some(words("aftalt")) }
}

const NOW: &str = "2026-11-18T12:00:00Z";

fn notified(phase: Phase, at: &str) -> Act {
    Act::Notified { at: utc(at), phase, reference: Some(words("2026-442-1234")), late: None }
}

/// Where each act leads from each state; empty is refused.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_state_and_every_act() {
    use State::*;
    let acts: [(&str, Act); 11] = [
        ("confirm", Act::Confirm),
        ("refute", Act::Refute),
        ("aware", Act::Aware(utc("2026-11-17T08:00:00Z"))),
        ("record", Act::Record(Field::Description, "En mail".to_owned())),
        ("document", Act::Document { approver: words("Chefen") }),
        ("preliminary", notified(Phase::Preliminary, NOW)),
        ("whole", notified(Phase::Whole, NOW)),
        ("final", Act::Supplemented { at: utc(NOW), is_final: true }),
        ("inform", Act::Inform(Communication::Planned(3))),
        ("close", Act::Close),
        ("reopen", Act::Reopen),
    ];
    let table: [(State, [Option<State>; 11]); 8] = [
        (NearMiss, [None, None, None, Some(NearMiss), None, None, None, None, None, Some(Closed), None]),
        (
            Suspected,
            [
                Some(Assessing),
                Some(NoBreach),
                Some(Suspected),
                Some(Suspected),
                None,
                None,
                None,
                None,
                Some(Suspected),
                None,
                None,
            ],
        ),
        (
            Assessing,
            [
                None,
                None,
                Some(Assessing),
                Some(Assessing),
                Some(DocumentedOnly),
                Some(NotifiedPreliminary),
                Some(NotifiedFinal),
                None,
                Some(Assessing),
                None,
                None,
            ],
        ),
        (
            NotifiedPreliminary,
            [
                None,
                None,
                Some(NotifiedPreliminary),
                Some(NotifiedPreliminary),
                None,
                None,
                None,
                Some(NotifiedFinal),
                Some(NotifiedPreliminary),
                None,
                None,
            ],
        ),
        (
            NotifiedFinal,
            [
                None,
                None,
                Some(NotifiedFinal),
                Some(NotifiedFinal),
                None,
                None,
                None,
                None,
                Some(NotifiedFinal),
                Some(Closed),
                Some(NotifiedPreliminary),
            ],
        ),
        (
            DocumentedOnly,
            [
                None,
                None,
                Some(DocumentedOnly),
                Some(DocumentedOnly),
                None,
                None,
                None,
                None,
                Some(DocumentedOnly),
                Some(Closed),
                Some(Assessing),
            ],
        ),
        (
            NoBreach,
            [None, None, None, Some(NoBreach), None, None, None, None, None, Some(Closed), Some(Assessing)],
        ),
        (Closed, [None, None, None, None, None, None, None, None, None, None, Some(Assessing)]),
    ];
    for (state, wanted) in table {
        let mut case = standing(state);
        // All that any guard asks for is there, so that the states alone speak.
        case.facts.extend([
            (Field::Risk, "unlikely".to_owned()),
            (Field::Cause, "opsætning".to_owned()),
            (Field::Measures, "Rettet".to_owned()),
            (Field::Communication, "not_required".to_owned()),
        ]);
        case.receipts = 1;
        for ((name, act), wanted) in acts.iter().zip(wanted) {
            let found = decide(&case, act, &by(NOW)).map(|moved| moved.state).ok();
            assert_eq!(found, wanted, "{state:?} {name}");
        }
    }
}

#[test]
fn awareness_is_earlier_always_later_with_a_reason_and_never_to_come() {
    let case = standing(State::Assessing);
    let silent = By { reason: None, ..by(NOW) };
    let earlier = decide(&case, &Act::Aware(utc("2026-11-16T07:00:00Z")), &silent).unwrap();
    assert_eq!(earlier.clock, Some((utc("2026-11-16T07:00:00Z"), utc("2026-11-19T07:00:00Z"))));
    assert_eq!(earlier.alerts, Alerts::Anew);
    let later = Act::Aware(utc("2026-11-18T08:00:00Z"));
    assert_eq!(decide(&case, &later, &silent), Err(Refused::Reason));
    assert!(decide(&case, &later, &by(NOW)).is_ok());
    assert!(matches!(
        decide(&case, &Act::Aware(utc("2026-11-18T12:00:01Z")), &by(NOW)),
        Err(Refused::Time(_))
    ));
    // Where the clock has stopped the times are corrected, and nobody is woken.
    let done = decide(&standing(State::NotifiedFinal), &later, &by(NOW)).unwrap();
    assert_eq!((done.alerts, done.state), (Alerts::Stay, State::NotifiedFinal));
}

#[test]
fn a_late_notification_gives_its_reasons() {
    let case = standing(State::Assessing);
    let late = "2026-11-20T09:20:01Z";
    let act = notified(Phase::Whole, late);
    assert!(matches!(decide(&case, &act, &by(late)), Err(Refused::Missing(_))));
    let Act::Notified { at, phase, reference, .. } = act else { unreachable!() };
    let act = Act::Notified { at, phase, reference, late: Some(words("weekend")) };
    let moved = decide(&case, &act, &by(late)).unwrap();
    assert!(moved.facts.contains(&(Field::DelayReason, "weekend".to_owned())));
    assert!(moved.facts.contains(&(Field::NotifiedAt, late.to_owned())));
    // In the last second it is in time.
    assert!(decide(&case, &notified(Phase::Whole, "2026-11-20T09:20:00Z"), &by(late)).is_ok());
    for wrong in ["2026-11-17T09:19:59Z", "2026-11-21T00:00:00Z"] {
        assert!(matches!(decide(&case, &notified(Phase::Whole, wrong), &by(late)), Err(Refused::Time(_))));
    }
}

#[test]
fn it_is_documented_only_when_a_risk_is_unlikely() {
    let mut case = standing(State::Assessing);
    let act = Act::Document { approver: words("Chefen") };
    for risk in [None, Some("risk"), Some("high")] {
        case.facts = risk.map(|risk| (Field::Risk, risk.to_owned())).into_iter().collect();
        assert!(matches!(decide(&case, &act, &by(NOW)), Err(Refused::Missing(_))), "{risk:?}");
    }
    case.facts.insert(Field::Risk, "unlikely".to_owned());
    let moved = decide(&case, &act, &by(NOW)).unwrap();
    assert_eq!((moved.state, moved.alerts), (State::DocumentedOnly, Alerts::Stop));
    assert_eq!(decide(&case, &act, &By { reason: None, ..by(NOW) }), Err(Refused::Reason));
}

#[test]
fn closing_names_all_that_is_missing() {
    let mut case = standing(State::NotifiedFinal);
    let missing = |case: &Standing| match decide(case, &Act::Close, &by(NOW)) {
        Err(Refused::Missing(missing)) => missing.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&case), 4);
    case.facts.insert(Field::Cause, "opsætning".to_owned());
    case.facts.insert(Field::Measures, "Rettet".to_owned());
    case.facts.insert(Field::Communication, "sending".to_owned());
    assert_eq!(missing(&case), 2);
    case.facts.insert(Field::Communication, "done".to_owned());
    case.receipts = 1;
    let moved = decide(&case, &Act::Close, &by("2024-02-29T12:00:00Z")).unwrap();
    assert_eq!(moved.state, State::Closed);
    assert_eq!(
        moved.facts,
        [(Field::KeepUntil, "2029-02-28T12:00:00Z".to_owned())],
        "five years, a leap day"
    );
    // What was never notified has no receipt.
    case.state = State::DocumentedOnly;
    case.receipts = 0;
    case.facts.insert(Field::Risk, "unlikely".to_owned());
    assert!(decide(&case, &Act::Close, &by(NOW)).is_ok());
    // What is held is somebody's letter still, be the case a breach or averted.
    for state in [State::DocumentedOnly, State::NearMiss, State::NoBreach] {
        let case = Standing { state, held: 2, ..case.clone() };
        assert_eq!(missing(&case), 1, "{state:?}");
    }
}

fn notified_at(state: State, at: &str) -> Standing {
    let mut case = standing(state);
    case.receipts = 1;
    case.facts.extend([
        (Field::NotifiedAt, at.to_owned()),
        (Field::Risk, "risk".to_owned()),
        (Field::Cause, "opsætning".to_owned()),
        (Field::Measures, "Rettet".to_owned()),
        (Field::Communication, "not_required".to_owned()),
    ]);
    case
}

#[test]
fn what_was_notified_is_supplemented_after_it_was_reopened_and_never_late_by_that() {
    let closed = notified_at(State::Closed, "2026-11-18T12:00:00Z");
    let late = by("2026-11-30T12:00:00Z");
    let moved = decide(&closed, &Act::Reopen, &late).unwrap();
    assert_eq!((moved.state, moved.alerts), (State::NotifiedPreliminary, Alerts::Anew));
    let open = Standing { state: moved.state, was_final: true, ..closed };
    assert!(!open.clock_runs());
    let document = Act::Document { approver: words("Chefen") };
    assert!(decide(&open, &document, &late).is_err(), "it was notified");
    let supplement = Act::Supplemented { at: late.at, is_final: true };
    assert_eq!(decide(&open, &supplement, &late).unwrap().state, State::NotifiedFinal);
    // Nothing to add: with a reason, and only where it was notified to its end before.
    assert_eq!(decide(&open, &Act::Close, &late).unwrap().state, State::Closed);
    assert_eq!(decide(&open, &Act::Close, &By { reason: None, ..late.clone() }), Err(Refused::Reason));
    let first = Standing { was_final: false, ..open };
    assert!(matches!(decide(&first, &Act::Close, &late), Err(Refused::State { .. })));
}

#[test]
fn a_risk_that_rises_after_the_decision_changes_the_decision() {
    let mut case = notified_at(State::DocumentedOnly, NOW);
    case.facts.remove(&Field::NotifiedAt);
    case.facts.insert(Field::Risk, "unlikely".to_owned());
    let risk =
        |case: &Standing, word: &str| decide(case, &Act::Record(Field::Risk, word.to_owned()), &by(NOW));
    assert!(risk(&case, "unlikely").is_ok());
    for word in ["risk", "high"] {
        let Err(Refused::Missing(missing)) = risk(&case, word) else { panic!("{word}") };
        assert!(missing[0].contains("reopen"), "{missing:?}");
    }
    // Reopened it is assessed, under its clock, and may be notified.
    let moved = decide(&case, &Act::Reopen, &by(NOW)).unwrap();
    assert_eq!((moved.state, moved.alerts), (State::Assessing, Alerts::Anew));
    assert!(risk(&Standing { state: moved.state, ..case.clone() }, "high").is_ok());
    // By whichever road the risk came there.
    case.facts.insert(Field::Risk, "high".to_owned());
    assert!(
        matches!(decide(&case, &Act::Close, &by(NOW)), Err(Refused::Missing(missing)) if missing.len() == 2)
    );
    // What was notified is still to be told of to the persons.
    let mut case = notified_at(State::NotifiedFinal, NOW);
    assert!(decide(&case, &Act::Close, &by(NOW)).is_ok());
    case.facts.extend(risk(&case, "high").unwrap().facts);
    assert_eq!(decide(&case, &Act::Close, &by(NOW)), Err(Refused::Missing(vec![inform::HIGH.to_owned()])));
    case.facts.insert(Field::Communication, "done".to_owned());
    assert!(decide(&case, &Act::Close, &by(NOW)).is_ok());
}

#[test]
fn awareness_that_makes_a_notification_late_asks_for_the_reasons() {
    let case = notified_at(State::NotifiedFinal, "2026-11-18T10:00:00Z");
    let silent = By { reason: None, ..by(NOW) };
    let long_ago = Act::Aware(utc("2026-10-18T10:00:00Z"));
    assert!(matches!(decide(&case, &long_ago, &silent), Err(Refused::Missing(_))));
    let moved = decide(&case, &long_ago, &by(NOW)).unwrap();
    assert_eq!(moved.facts, [(Field::DelayReason, "aftalt".to_owned())]);
    // What is written already stays.
    let mut with = case.clone();
    with.facts.insert(Field::DelayReason, "ferie".to_owned());
    assert_eq!(decide(&with, &long_ago, &silent).unwrap().facts, []);
    // In time all the same: nothing is asked.
    assert!(decide(&case, &Act::Aware(utc("2026-11-15T10:00:00Z")), &silent).is_ok());
    // Nobody becomes aware after the notification.
    let after = Act::Aware(utc("2026-11-18T10:00:01Z"));
    assert!(matches!(decide(&case, &after, &by(NOW)), Err(Refused::Time(_))));
    // However it came about: it is not closed without the reasons.
    let (aware_at, deadline) = (Some(utc("2026-10-18T10:00:00Z")), Some(utc("2026-10-21T10:00:00Z")));
    let late = Standing { aware_at, deadline, ..case };
    assert!(
        matches!(decide(&late, &Act::Close, &by(NOW)), Err(Refused::Missing(missing)) if missing.len() == 1)
    );
}

#[test]
fn a_slip_in_the_time_of_the_notification_is_corrected_with_a_reason() {
    let case = notified_at(State::NotifiedPreliminary, "2026-11-18T10:00:00Z");
    let correct = |at: &str, late: Option<&str>, by: &By| {
        decide(&case, &Act::NotifiedCorrected { at: utc(at), late: late.map(words) }, by)
    };
    let moved = correct("2026-11-18T11:00:00Z", None, &by(NOW)).unwrap();
    assert_eq!(
        (moved.state, moved.alerts, moved.facts),
        (case.state, Alerts::Stay, vec![(Field::NotifiedAt, "2026-11-18T11:00:00Z".to_owned())])
    );
    assert_eq!(correct("2026-11-18T11:00:00Z", None, &By { reason: None, ..by(NOW) }), Err(Refused::Reason));
    for wrong in ["2026-11-17T09:19:59Z", "2026-11-18T12:00:01Z"] {
        assert!(matches!(correct(wrong, None, &by(NOW)), Err(Refused::Time(_))), "{wrong}");
    }
    let later = by("2026-11-25T12:00:00Z");
    assert!(matches!(correct("2026-11-21T10:00:00Z", None, &later), Err(Refused::Missing(_))));
    let moved = correct("2026-11-21T10:00:00Z", Some("weekend"), &later).unwrap();
    assert!(moved.facts.contains(&(Field::DelayReason, "weekend".to_owned())));
    let act = Act::NotifiedCorrected { at: utc(NOW), late: None };
    assert!(decide(&standing(State::Assessing), &act, &by(NOW)).is_err(), "it was not notified");
}

#[test]
fn telling_the_persons_is_counted_to_its_end() {
    let mut case = standing(State::NotifiedFinal);
    let inform = |case: &Standing, what| decide(case, &Act::Inform(what), &by(NOW));
    assert!(inform(&case, Communication::Sent(1)).is_err(), "of how many?");
    let moved = inform(&case, Communication::Planned(823)).unwrap();
    case.facts.extend(moved.facts);
    let moved = inform(&case, Communication::Sent(800)).unwrap();
    assert!(moved.facts.contains(&(Field::Communication, "sending".to_owned())));
    assert!(inform(&case, Communication::Sent(824)).is_err());
    let moved = inform(&case, Communication::Sent(823)).unwrap();
    assert!(moved.facts.contains(&(Field::Communication, "done".to_owned())));
    // A high risk is not answered with "not required".
    case.facts.insert(Field::Risk, "high".to_owned());
    assert!(inform(&case, Communication::NotRequired).is_err());
    assert!(inform(&case, Communication::ExemptC).is_ok());
    let silent = By { reason: None, ..by(NOW) };
    assert_eq!(decide(&case, &Act::Inform(Communication::ExemptC), &silent), Err(Refused::Reason));
}

#[test]
fn the_second_clock_is_a_day_three_days_and_a_month() {
    let mut case = standing(State::Assessing);
    assert!(decide(&case, &Act::Nis2(Nis2::Early, utc(NOW)), &by(NOW)).is_err(), "not marked");
    case.facts.extend(decide(&case, &Act::Nis2(Nis2::Mark, utc(NOW)), &by(NOW)).unwrap().facts);
    assert!(decide(&case, &Act::Nis2(Nis2::Mark, utc(NOW)), &by(NOW)).is_err(), "twice");
    let day = Some(utc("2026-11-19T12:00:00Z"));
    assert_eq!(nis2_deadlines(&case.facts), [day, Some(utc("2026-11-21T12:00:00Z")), None]);
    // 31-01 kl. 00:30 in Denmark is the 30th in UTC.
    for (notified, report) in [
        ("2027-01-30T23:30:00Z", "2027-02-27T23:30:00Z"), // 28-02 kl. 00:30
        ("2027-02-28T01:30:00Z", "2027-03-28T01:00:00Z"), // 28-03 kl. 02:30 is not there
        ("2026-09-25T00:30:00Z", "2026-10-25T00:30:00Z"), // 25-10 kl. 02:30 is there twice
    ] {
        case.facts.insert(Field::Nis2Notified, notified.to_owned());
        assert_eq!(nis2_deadlines(&case.facts)[2], Some(utc(report)), "{notified}");
    }
}

#[test]
fn the_second_clock_outlives_the_first_and_ends_by_its_steps_or_a_withdrawal() {
    let mut case = notified_at(State::NotifiedFinal, NOW);
    case.facts.insert(Field::Nis2Marked, AWARE.to_owned());
    let missing = |case: &Standing| match decide(case, &Act::Close, &by(NOW)) {
        Err(Refused::Missing(missing)) => missing.len(),
        Ok(_) => 0,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&case), 3);
    let step = |case: &Standing, step| decide(case, &Act::Nis2(step, utc(NOW)), &by(NOW));
    // In whatever state: its clock is another law's.
    for state in [State::NoBreach, State::Closed, State::DocumentedOnly] {
        let mut case = Standing { state, ..case.clone() };
        for one in [Nis2::Early, Nis2::Notified, Nis2::Final] {
            let moved = step(&case, one).unwrap();
            assert_eq!((moved.state, moved.alerts), (state, Alerts::Second));
            case.facts.extend(moved.facts);
        }
        assert!(step(&case, Nis2::Mark).is_err());
    }
    assert_eq!(missing(&Standing { state: State::NoBreach, ..case.clone() }), 3);
    // Not significant after all, with a reason; and marked again later.
    let withdraw = Act::Nis2(Nis2::Withdraw, utc(NOW));
    assert_eq!(decide(&case, &withdraw, &By { reason: None, ..by(NOW) }), Err(Refused::Reason));
    case.facts.extend(step(&case, Nis2::Withdraw).unwrap().facts);
    assert_eq!((missing(&case), nis2_deadlines(&case.facts)), (0, [None; 3]));
    assert!(step(&case, Nis2::Early).is_err() && step(&case, Nis2::Withdraw).is_err());
    assert!(matches!(step(&case, Nis2::Mark), Err(Refused::Time(_))), "not before it was withdrawn");
    let later = "2026-11-18T12:00:01Z";
    case.facts.extend(decide(&case, &Act::Nis2(Nis2::Mark, utc(later)), &by(later)).unwrap().facts);
    assert_eq!(nis2_deadlines(&case.facts)[0], Some(utc("2026-11-19T12:00:01Z")));
}

#[test]
fn what_was_closed_is_reopened_with_its_awareness() {
    let closed = standing(State::Closed);
    let moved = decide(&closed, &Act::Reopen, &by(NOW)).unwrap();
    assert_eq!((moved.state, moved.clock), (State::Assessing, closed.aware_at.zip(closed.deadline)));
    let near = Standing { state: State::Closed, ..standing(State::NearMiss) };
    assert_eq!(decide(&near, &Act::Reopen, &by(NOW)).unwrap().state, State::NearMiss);
}
