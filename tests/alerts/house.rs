//! What Brevdue says of itself: a register that cannot be written, and once a week that all is well.

use super::receiver::Receiver;
use super::roads::{hook, with};
use crate::alarm::{House, alarm};
use crate::support::daemon::DPO;
use crate::support::sink::{Fault, Mode, Step};
use brevdue::alarm::{Keeping, Settings};
use chrono::TimeDelta;
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;

fn kept(house: &mut House) {
    let keeping = Keeping { default_dpo: DPO.to_owned(), weekly: vec![DPO.to_owned()] };
    house.alarm = alarm(&house.store, &house.hands, &house.dpo).on_node("relay").keeping(keeping);
}

fn tick(house: &House) {
    house.runtime.block_on(house.alarm.tick());
}

#[test]
fn a_register_that_cannot_be_written_is_told_of_past_it_and_hourly() {
    let mut house = House::new();
    kept(&mut house);
    tick(&house);
    assert!(house.dpo.received().is_empty());
    let other = Connection::open(house.folder.path().join("register.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut told = Vec::new();
    for minute in [1, 2, 3, 62, 63, 64] {
        house.go(TimeDelta::minutes(minute) - (house.now - house_start()));
        tick(&house);
        told.push(house.dpo.received().len());
    }
    assert_eq!(told, [0, 1, 1, 2, 2, 2], "not for a moment's trouble, then once an hour");
    let (subject, body) = house.letters().remove(0);
    assert!(subject.contains("registret kan ikke skrives"), "{subject}");
    assert!(
        body.contains("17-11-2026 kl. 10:20") && body.contains("451") && body.contains("relay"),
        "{body}"
    );
    other.execute_batch("ROLLBACK").unwrap();
    house.go(TimeDelta::minutes(70));
    tick(&house);
    assert_eq!(house.dpo.received().len(), 2);
}

/// When the house begins.
fn house_start() -> chrono::DateTime<chrono::Utc> {
    "2026-11-17T09:20:00Z".parse().unwrap()
}

#[test]
fn a_register_that_is_down_is_posted_hourly_where_no_mail_server_takes_a_letter() {
    let mut house = House::new();
    let receiver = Receiver::start(None);
    let hook = hook(&house, format!("http://localhost:{}/", receiver.addr.port()), None);
    with(&mut house, |all| Settings { webhook: Some(hook), ..all });
    let keeping = Keeping { default_dpo: DPO.to_owned(), weekly: Vec::new() };
    house.alarm = house.alarm.keeping(keeping);
    tick(&house);
    house.dpo.set_mode(Mode::Down);
    let other = Connection::open(house.folder.path().join("register.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for (minute, posts) in [(1, 0), (2, 1), (3, 1), (62, 2), (63, 2)] {
        house.go(TimeDelta::minutes(minute) - (house.now - house_start()));
        tick(&house);
        // The receiver answers before it has noted the post.
        for _ in 0..100 {
            if receiver.posts().len() >= posts {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(receiver.posts().len(), posts, "somebody has heard of it: once an hour; minute {minute}");
    }
    other.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn an_address_that_is_refused_gets_no_weekly_letter_each_minute() {
    let mut house = House::new();
    kept(&mut house);
    tick(&house);
    house.go(TimeDelta::days(7));
    house.dpo.set_mode(Mode::Fail(Step::Rcpt, Fault::Reply(550)));
    let asked = |house: &House| house.dpo.commands().iter().filter(|one| one.starts_with("MAIL")).count();
    let before = asked(&house);
    for _ in 0..50 {
        tick(&house);
        house.go(TimeDelta::minutes(1));
    }
    assert_eq!(asked(&house) - before, 1, "asked again within the hour");
    house.dpo.set_mode(Mode::Up);
    house.go(TimeDelta::minutes(11));
    tick(&house);
    assert!(house.letters().last().unwrap().0.contains("lever"));
}

#[test]
fn once_a_week_all_is_well_with_the_newest_anchor() {
    let mut house = House::new();
    kept(&mut house);
    let case = house.breach();
    tick(&house);
    assert_eq!(house.dpo.received().len(), 1, "the opening; the first week begins without a letter");
    let anchor = house.store.last_anchor().unwrap().unwrap();
    assert_eq!((anchor.at, anchor.cases), (house.now, 1));
    // To the Monday after: with nobody to take it, it waits.
    house.go(TimeDelta::hours(6 * 24 - 3));
    let weekly = |house: &House| -> Vec<String> {
        let letters = house.letters().into_iter();
        letters.filter(|(subject, _)| subject.contains("lever")).map(|(_, body)| body).collect()
    };
    tick(&house);
    assert_eq!(weekly(&house).len(), 0, "07:20 on Monday");
    house.go(TimeDelta::hours(1));
    house.dpo.set_mode(Mode::Down);
    tick(&house);
    house.dpo.set_mode(Mode::Up);
    house.go(TimeDelta::minutes(2));
    for _ in 0..3 {
        tick(&house);
        house.go(TimeDelta::minutes(2));
    }
    let letters = weekly(&house);
    let [letter] = letters.as_slice() else { panic!("{} letters", letters.len()) };
    let hash = house.store.last_anchor().unwrap().unwrap().hash;
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    for part in ["1 sag i fortegnelsen, heraf 1", case.as_str(), "overskredet", &hash] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    // Another node of the same register has nothing to add, and the week after it is one letter again.
    let keeping = Keeping { default_dpo: DPO.to_owned(), weekly: vec![DPO.to_owned()] };
    let other = alarm(&Arc::clone(&house.store), &house.hands, &house.dpo).on_node("anden").keeping(keeping);
    house.runtime.block_on(other.tick());
    assert_eq!(weekly(&house).len(), 1);
    house.go(TimeDelta::days(7));
    tick(&house);
    house.runtime.block_on(other.tick());
    assert_eq!(weekly(&house).len(), 2);
}
