//! Alerts beyond the first letter: the chain of people, what stops and what repeats, and what acts make of planned alerts.
//!
//! Over a real register and a real SMTP session, with a virtual clock ([`House`] of `alarm.rs`). `roads.rs` is the second road and
//! the webhook, `nodes.rs` many machines, `kills.rs` a daemon that is killed while it sends, `house.rs` what Brevdue says of itself.

mod acts;
mod ahead;
mod house;
mod kills;
mod links;
mod nodes;
mod receiver;
mod roads;

use crate::alarm::House;
use crate::support::daemon::DPO;
use crate::support::sink::{Fault, Mode, Step};
use brevdue::case::act::{Act, By, Nis2, Phase};
use brevdue::case::detection::{Detection, Outcome};
use brevdue::case::escalation::{Role, Staff};
use brevdue::case::field::Words;
use brevdue::case::milestone::{Milestone, Planning};
use brevdue::case::{CaseId, State};
use brevdue::envelope::{Controller, Pass, Verdict};
use brevdue::store::{Opening, Store};
use chrono::{DateTime, TimeDelta, Utc};

const DEPUTY: &str = "stedfortraeder@noerreby.example";
const CHIEF: &str = "direktion@noerreby.example";

/// With a deputy and a chief behind the DPO.
fn with_chain() -> House {
    let house = House::new();
    let staff = |role, address: &str| Staff {
        role,
        cvr: Some("12345678".to_owned()),
        source: None,
        address: address.to_owned(),
    };
    let staff = vec![staff(Role::Deputy, DEPUTY), staff(Role::Chief, CHIEF)];
    house.store.plan_by(Planning { staff, ..Planning::default() });
    house
}

fn by(at: DateTime<Utc>) -> By {
    By { who: Words::ours("Dorthe Dahl"), at, reason: Some(Words::ours("prøve")) }
}

fn act(house: &House, case: &CaseId, act: &Act) {
    let by = by(house.now);
    house.store.record(|recording| recording.act(case, act, &by)).unwrap().unwrap().unwrap();
}

/// Lives for so long; which step went to whom, and after how many hours from the start of it.
fn told(house: &mut House, hours: i64) -> Vec<(i64, String, String)> {
    let start = house.now;
    let before = rows(house).len();
    let mut all = Vec::new();
    for _ in 0..hours {
        house.round();
        house.go(TimeDelta::hours(1));
    }
    house.round();
    all.extend(
        rows(house)
            .into_iter()
            .skip(before)
            .filter(|row| row.0 >= start)
            .map(|(at, step, to)| ((at - start).num_hours(), step, to)),
    );
    all
}

/// Every row that was sent, in order.
fn rows(house: &House) -> Vec<(DateTime<Utc>, String, String)> {
    let mut rows = Vec::new();
    for case in house.store.cases().unwrap() {
        for row in house.notices(&case.id) {
            if let Some(at) = row.sent_at {
                rows.push((at, row.milestone.word(), row.recipient));
            }
        }
    }
    rows.sort();
    rows
}

fn of<'a>(told: &'a [(i64, String, String)], to: &str) -> Vec<(i64, &'a str)> {
    told.iter().filter(|(_, _, who)| who == to).map(|(hour, step, _)| (*hour, step.as_str())).collect()
}

#[test]
fn the_chain_is_told_step_by_step() {
    let mut house = with_chain();
    house.breach();
    let told = told(&mut house, 100);
    assert_eq!(of(&told, DPO)[..3], [(0, "opened"), (24, "left-48h"), (48, "left-24h")]);
    // 4 hours without an acknowledgement, then from 24 hours on; on Friday 14:20, then daily over the weekend.
    assert_eq!(
        of(&told, DEPUTY),
        [
            (4, "unacknowledged"),
            (48, "left-24h"),
            (60, "left-12h"),
            (68, "left-4h"),
            (71, "last-staffed"),
            (72, "overdue"),
            (76, "overdue-again"),
            (100, "overdue-again"),
        ]
    );
    assert_eq!(of(&told, CHIEF)[..3], [(68, "left-4h"), (71, "left-1h"), (72, "overdue")]);
}

#[test]
fn who_is_named_today_hears_of_a_clock_that_began_before() {
    let mut house = House::new();
    house.breach();
    assert_eq!(told(&mut house, 50).len(), 3);
    let planning = with_chain().store.planning();
    house.store.plan_by((*planning).clone());
    for _ in 0..2 {
        house.store.plan_open_cases(house.now).unwrap();
    }
    let told = told(&mut house, 22);
    // That 24 hours were left two hours ago is told at once, and the DPO hears nothing twice.
    assert_eq!(of(&told, DEPUTY)[..2], [(0, "left-24h"), (10, "left-12h")]);
    assert_eq!(of(&told, DPO)[0], (10, "left-12h"));
}

#[test]
fn a_dpo_who_is_new_gets_what_is_due_and_who_left_gets_nothing() {
    let mut house = with_chain();
    let case = house.breach();
    assert_eq!(told(&mut house, 45).iter().filter(|(_, _, to)| to == DPO).count(), 2);
    let new = "ny-dpo@noerreby.example";
    let dpos = [("12345678".to_owned(), new.to_owned())].into_iter().collect();
    house.store.plan_by(Planning { dpos, ..Planning::default() });
    for _ in 0..2 {
        house.store.plan_open_cases(house.now).unwrap();
    }
    let told = told(&mut house, 25);
    assert!(told.iter().all(|(_, _, to)| to == new), "{told:?}");
    // Where it stands is told at once.
    assert_eq!(of(&told, new)[..3], [(0, "left-48h"), (3, "left-24h"), (15, "left-12h")]);
    let file = house.store.case(&case).unwrap().unwrap();
    assert_eq!(file.row.dpo, new);
    assert_eq!(file.entries.iter().filter(|entry| entry.event == "dpo_changed").count(), 1);
    assert!(house.store.verify(Some(&case)).unwrap()[0].head.is_ok());
}

/// As version 4 left it: a telling that was sent and one that is due.
#[test]
fn the_notices_of_an_old_register_are_told() {
    let house = House::new();
    let path = house.folder.path().join("old.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    for step in [
        include_str!("../../src/store/schema/sqlite/1.sql"),
        include_str!("../../src/store/schema/sqlite/2.sql"),
        include_str!("../../src/store/schema/sqlite/3.sql"),
        include_str!("../../src/store/schema/sqlite/4.sql"),
    ] {
        old.execute_batch(step).unwrap();
    }
    let at = house.now.timestamp();
    old.execute_batch(&format!(
        "INSERT INTO incident (id, opened_at) VALUES (1, {at});
         INSERT INTO breach_case (id, incident, grouping, controller_cvr, controller_name, dpo, state, detected_at, aware_at,
             deadline, salt, sealed)
         VALUES ('BRV-2026-0001', 1, zeroblob(16), '12345678', 'A', '{DPO}', 'assessing', {at}, {at}, {at} + 259200,
             zeroblob(16), 0);
         INSERT INTO notice (case_id, milestone, clock_version, recipient, channel, due_at, next_try_at, state, sent_at)
         VALUES ('BRV-2026-0001', 'opened', 1, '{DPO}', 'mail', {at}, {at}, 'sent', {at}),
             ('BRV-2026-0001', 'left-48h', 1, '{DPO}', 'mail', {at}, {at}, 'due', NULL);
         PRAGMA user_version = 4;"
    ))
    .unwrap();
    drop(old);
    let store = std::sync::Arc::new(Store::open(&path).unwrap());
    let alarm = crate::alarm::alarm(&store, &house.hands, &house.dpo);
    assert_eq!(house.runtime.block_on(alarm.round()).unwrap(), 1);
    let rows = store.case(&CaseId::new(2026, 1)).unwrap().unwrap().notices;
    assert!(rows.iter().all(|row| row.state == "sent"), "{rows:?}");
    // What that version did not plan is added.
    store.plan_open_cases(house.now).unwrap();
    let rows = store.case(&CaseId::new(2026, 1)).unwrap().unwrap().notices;
    assert_eq!(rows.iter().filter(|row| row.milestone == Milestone::LastStaffed).count(), 1);
}

#[test]
fn an_acknowledgement_stops_what_repeats_its_step_and_not_the_next_step() {
    let mut house = with_chain();
    let case = house.breach();
    house.round();
    house.go(TimeDelta::hours(3));
    let done = house.store.acknowledge(&case, None, DPO, house.now).unwrap().unwrap();
    assert_eq!((done.milestone, done.stopped, done.again), (Milestone::Opened, 1, false));
    assert!(house.store.acknowledge(&case, None, DPO, house.now).unwrap().unwrap().again);
    let told_of = told(&mut house, 70);
    assert_eq!(of(&told_of, DEPUTY)[0], (45, "left-24h"), "the next step comes all the same");
    assert_eq!(of(&told_of, DPO).last().unwrap(), &(69, "overdue"));
    house.store.acknowledge(&case, None, "Dorthe Dahl", house.now).unwrap().unwrap();
    assert_eq!(told(&mut house, 60), [], "nothing repeats");
    let file = house.store.case(&case).unwrap().unwrap();
    let entered: Vec<(&str, &str)> = file
        .entries
        .iter()
        .filter(|entry| entry.event == "acknowledged")
        .map(|entry| (entry.who.as_str(), entry.reason.as_str()))
        .collect();
    assert_eq!(
        entered,
        [
            (DPO, "har kvitteret for alarmen: åbning"),
            ("Dorthe Dahl", "har kvitteret for alarmen: overskredet")
        ]
    );
    assert!(house.store.verify(Some(&case)).unwrap()[0].head.is_ok());
    assert!(file.notices.iter().any(|row| row.state == "stopped"), "needless rows are kept");
}

#[test]
fn a_letter_refused_for_good_goes_to_the_next_in_the_chain_at_once() {
    let mut house = with_chain();
    let case = house.breach();
    house.dpo.set_mode(Mode::Fail(Step::Rcpt, Fault::Reply(550)));
    assert_eq!(house.round(), 0);
    let opened = || {
        let rows = house.notices(&case).into_iter().filter(|row| row.milestone == Milestone::Opened);
        rows.map(|row| (row.recipient, row.attempts)).collect::<Vec<_>>()
    };
    // All in one round, since each of them was refused: down to the last.
    let own = |to: &str| (to.to_owned(), 1);
    assert_eq!(opened(), [own(DPO), own(DEPUTY), own(CHIEF)]);
    // And each is tried on.
    house.dpo.set_mode(Mode::Up);
    house.go(TimeDelta::minutes(2));
    assert_eq!((house.round(), house.round()), (3, 0));
}

#[test]
fn a_suspicion_is_reminded_of_unless_it_was_answered() {
    let mut house = House::new();
    let case = house.case(Outcome::Delivered { certain: false }, "Nørreby Kommune");
    let other = house.case(Outcome::Delivered { certain: false }, "Nørreby Kommune");
    house.round();
    act(&house, &other, &Act::Confirm);
    let told = told(&mut house, 6);
    assert_eq!(told, [(4, "triage".to_owned(), DPO.to_owned())]);
    assert!(house.states(&other).contains(&("triage".to_owned(), "stopped".to_owned())));
    let (subject, body) = house.letters().pop().unwrap();
    assert!(subject.contains("Mistanke venter på svar") && subject.contains(case.as_str()), "{subject}");
    assert!(body.contains("bekræftet eller afkræftet"), "{body}");
}

#[test]
fn another_awareness_is_another_clock_and_a_notification_stops_it() {
    let mut house = House::new();
    let case = house.breach();
    house.round();
    house.go(TimeDelta::hours(1));
    // Known 30 hours before it was found: 41 are left, and 48 have gone by.
    act(&house, &case, &Act::Aware(house.now - TimeDelta::hours(31)));
    assert_eq!((house.round(), house.round()), (1, 0));
    let (subject, _) = house.letters().pop().unwrap();
    assert!(subject.contains("41 timer tilbage"), "{subject}");
    let versions: Vec<i64> = house.notices(&case).iter().map(|row| row.clock_version).collect();
    assert!(versions.contains(&1) && versions.contains(&2));
    let reference = None;
    let phase = Phase::Whole;
    act(&house, &case, &Act::Notified { at: house.now, phase, reference, late: None });
    assert_eq!(told(&mut house, 100), []);
    assert!(house.states(&case).iter().all(|(_, state)| state != "due"));
}

#[test]
fn a_preliminary_notification_is_followed_until_its_supplement() {
    let mut house = House::new();
    let case = house.breach();
    house.round();
    let phase = Phase::Preliminary;
    act(&house, &case, &Act::Notified { at: house.now, phase, reference: None, late: None });
    let told_of = told(&mut house, 24 * 22);
    // 14 days after, and a week later.
    assert_eq!(of(&told_of, DPO), [(336, "supplement"), (504, "supplement")]);
    let (subject, body) = house.letters().pop().unwrap();
    assert!(subject.contains("Foreløbig anmeldelse uden supplement"), "{subject}");
    assert!(body.contains("artikel 33, stk. 4") && !body.contains("Vurdér bruddet, og anmeld"), "{body}");
    act(&house, &case, &Act::Supplemented { at: house.now, is_final: false });
    let told_of = told(&mut house, 24 * 15);
    assert_eq!(of(&told_of, DPO), [(336, "supplement")], "anew from the supplement on");
    act(&house, &case, &Act::Supplemented { at: house.now, is_final: true });
    assert_eq!(house.store.standing(&case).unwrap().unwrap().state, State::NotifiedFinal);
    assert_eq!(told(&mut house, 24 * 30), []);
}

#[test]
fn the_second_clock_is_told_of_by_itself_and_tells_nothing_of_the_first_twice() {
    let mut house = House::new();
    let case = house.breach();
    house.round();
    house.go(TimeDelta::hours(25));
    assert_eq!(house.round(), 1);
    act(&house, &case, &Act::Nis2(Nis2::Mark, house.now));
    assert_eq!(house.round(), 0, "48 hours left was told of");
    let told_of = told(&mut house, 24);
    let second: Vec<(i64, &str)> =
        of(&told_of, DPO).into_iter().filter(|(_, step)| step.starts_with("nis2")).collect();
    assert_eq!(second, [(12, "nis2-early-12h"), (20, "nis2-early-4h"), (24, "nis2-early-overdue")]);
    let (subject, body) = house.letters().pop().unwrap();
    assert!(subject.contains("NIS2: FRISTEN FOR TIDLIG VARSLING ER OVERSKREDET"), "{subject}");
    assert!(body.contains("væsentlig") && body.contains("19-11-2026 kl. 11:20"), "{body}");
    act(&house, &case, &Act::Nis2(Nis2::Early, house.now));
    assert!(
        house
            .notices(&case)
            .iter()
            .filter(|row| row.state == "due")
            .all(|row| { !row.milestone.word().starts_with("nis2-early") })
    );
}

/// A breach in this register, with a DPO of its own.
fn open_case(store: &Store, at: DateTime<Utc>, number: u16, dpo: &str) -> CaseId {
    let mut digest = [9; 16];
    digest[..2].copy_from_slice(&number.to_be_bytes());
    let controller = Controller {
        name: format!("Kommune {number}"),
        // Of nobody whom a daemon's configuration names, or its DPO would be told.
        cvr: format!("2{number:07}"),
        dpo: dpo.to_owned(),
        ..Controller::default()
    };
    let detection = Detection {
        at,
        queue_id: None,
        message: digest,
        verdict: Verdict::Deliver(Pass::Observed),
        outcome: Outcome::Delivered { certain: true },
        sender_domain: "noerreby.example".to_owned(),
        recipient_domains: vec!["post.example".to_owned()],
        recipients: 1,
        findings: 1,
        persons: 1,
        persons_exact: true,
    };
    let opening =
        Opening { controller: &controller, source: None, root: digest, grouping: digest, salt: [1; 16] };
    store.record(|recording| recording.join(&detection, &opening)).unwrap().case
}
