//! Mail in our own spool: the table of crashes in `spool/held.rs` and `daemon/held/act.rs`, one row after the other.

use super::*;
use crate::support::sink::{Sink, SinkOptions};
use brevdue::alarm::Alarm;
use brevdue::case::Kind;
use brevdue::daemon::held::{Acted, Swept};
use brevdue::spool::evidence::Evidence;
use brevdue::spool::held::{Cover, HeldId, Receipt, hold_keys};
use brevdue::store::held::{Act, HeldRow, HeldState, Place};
use chrono::TimeDelta;
use std::fs::File;
use std::time::Duration;

impl House {
    fn cover(case: Option<&CaseId>) -> Cover {
        Cover {
            sender: SENDER.to_owned(),
            recipients: vec![(CITIZEN.to_owned(), vec!["NOTIFY=NEVER".to_owned()])],
            cases: case.iter().map(ToString::to_string).collect(),
            ..Cover::default()
        }
    }

    /// As a door keeps a mail: the file alone.
    fn keep(&self, cover: &Cover) -> Receipt {
        let keys = hold_keys(Some(&self.dpo.public), Some(self.keeper.public_key()));
        self.keeper.holding().keep(cover, &mut leak().as_slice(), &keys).unwrap()
    }

    /// File and row.
    fn hold(&self, case: &CaseId) -> HeldId {
        let cover = Self::cover(Some(case));
        let receipt = self.keep(&cover);
        self.gate.held(&receipt, &cover).unwrap();
        receipt.id().clone()
    }

    fn row(&self, id: &HeldId) -> HeldRow {
        self.store.held_named(id.as_str()).unwrap().unwrap()
    }

    fn decide(&self, id: &HeldId, act: Act) -> Option<Vec<CaseId>> {
        let row = self.row(id).row;
        let now = start() + TimeDelta::hours(5);
        self.hands.set(now);
        self.store.record(|recording| recording.decide(row, act, "Dorte DPO", "aftalt", now)).unwrap()
    }

    fn act(&self, id: &HeldId) -> Result<Acted, brevdue::daemon::held::NotActed> {
        self.runtime.block_on(self.keeper.act(&self.row(id)))
    }

    fn lies(&self, id: &HeldId) -> bool {
        self.keeper.holding().path(id).exists()
    }
}

#[test]
fn a_file_without_a_row_gets_one_with_its_case() {
    let mut house = House::new(None, None, start());
    let case = house.near_miss(1);
    let receipt = house.keep(&House::cover(Some(&case)));
    File::create(house.folder.path().join("spool/held/.bcdfghjkmnpqrstv.draft")).unwrap();
    assert!(house.store.held(true).unwrap().is_empty());
    // Killed before the row came to be.
    house.restart();
    let row = house.row(receipt.id());
    assert_eq!((row.state, row.place, row.node.as_str()), (HeldState::Waiting, Place::Spool, "relay"));
    assert_eq!((row.size, row.recipients, row.cases), (leak().len() as u64, 1, vec![case]));
    assert_eq!(
        (row.sender_domain.as_str(), row.recipient_domains.as_str()),
        ("noerreby.example", "post.example")
    );
    assert_eq!(row.dpo, "dpo@noerreby.example");
    // And the draft went; the next start finds nothing to do, and the door's own row comes too late to be a second one.
    assert_eq!(house.keeper.sweep().unwrap(), Swept::default());
    house.gate.held(&receipt, &House::cover(None)).unwrap();
    assert_eq!(house.store.held(true).unwrap().len(), 1);
    assert_eq!(std::fs::read_dir(house.folder.path().join("spool/held")).unwrap().count(), 1);
}

#[test]
fn a_release_in_the_clear_is_a_breach_from_that_moment() {
    let house = House::new(None, None, start());
    let case = house.near_miss(1);
    let (id, other) = (house.hold(&case), house.hold(&case));
    assert!(matches!(house.act(&id), Err(brevdue::daemon::held::NotActed::Undecided)));
    assert_eq!(house.decide(&id, Act::Clear).unwrap(), std::slice::from_ref(&case));
    let now = start() + TimeDelta::hours(5);
    let file = house.store.case(&case).unwrap().unwrap();
    assert_eq!((file.row.state, file.row.aware_at), (State::Assessing, Some(now)));
    assert_eq!(file.row.deadline, Some(now + TimeDelta::hours(72)));
    let last = file.entries.last().unwrap();
    assert_eq!((last.who.as_str(), last.reason.as_str()), ("Dorte DPO", "aftalt"));
    assert_eq!((last.from.as_deref(), last.to.as_deref()), (Some("near_miss"), Some("assessing")));
    // The near miss was told of once; the breach has its seven.
    assert_eq!(file.notices.iter().filter(|one| one.kind == Kind::Breach && one.due_at >= now).count(), 8);
    assert!(house.decide(&id, Act::Discard).is_none(), "it was decided");

    assert_eq!(house.act(&id).unwrap(), Acted::Done(HeldState::Released));
    assert!(!house.lies(&id) && house.row(&id).state == HeldState::Released);
    let sent = house.way.sent.lock().unwrap();
    assert!(
        sent.len() == 1 && sent[0].data == leak() && sent[0].to == [CITIZEN] && sent[0].road == Road::Clear
    );
    assert!(sent[0].ends_a_line && sent[0].size == leak().len() as u64);
    drop(sent);
    // Before it left its number was sealed to the DPO.
    let evidence = Evidence::below(&house.config.spool);
    assert_eq!(evidence.open(&case, house.dpo.secret()).ok().unwrap().numbers, [DIGITS]);
    // Once more is nothing.
    assert_eq!(house.act(&id).unwrap(), Acted::Busy);

    // A second mail of the same case moves no deadline (invariant 9); a mail stopped from now on is no part of the breach.
    house.hands.set(now + TimeDelta::hours(9));
    assert!(house.decide(&other, Act::Clear).unwrap().is_empty());
    assert_eq!(house.store.case(&case).unwrap().unwrap().row.deadline, Some(now + TimeDelta::hours(72)));
    let next = house.stopped(2, 1);
    assert_ne!(next, case);
    assert_eq!(house.stopped(3, 1), next);
}

#[test]
fn a_hold_that_was_taken_back_is_nobodys_loss() {
    let house = House::new(None, None, start());
    let id = house.hold(&house.near_miss(1));
    std::fs::remove_file(house.keeper.holding().path(&id)).unwrap();
    house.gate.taken_back(&id).unwrap();
    assert_eq!(house.keeper.sweep().unwrap(), Swept::default());
    assert!(house.store.held(false).unwrap().is_empty());
}

#[test]
fn a_hold_that_is_being_released_is_not_taken_back() {
    let house = House::new(None, None, start());
    let receipt = house.keep(&House::cover(Some(&house.near_miss(1))));
    let id = receipt.id().clone();
    let claim = house.keeper.holding().claim(&id).unwrap().unwrap();
    assert!(house.keeper.holding().take_back(receipt).is_err());
    assert!(house.lies(&id));
    drop(claim);
}

#[test]
fn by_a_protected_road_it_stays_a_near_miss() {
    let house = House::new(None, None, start());
    let case = house.near_miss(1);
    let id = house.hold(&case);
    assert!(house.decide(&id, Act::Protected).unwrap().is_empty());
    assert_eq!(house.act(&id).unwrap(), Acted::Done(HeldState::Released));
    assert_eq!(house.way.sent.lock().unwrap()[0].road, Road::Protected);
    let file = house.store.case(&case).unwrap().unwrap();
    assert_eq!((file.row.state, file.row.deadline, file.notices.len()), (State::NearMiss, None, 1));
    assert!(!Evidence::below(&house.config.spool).path(&case).exists(), "nobody has to be written to");
}

/// There may be no such road, or the key to the mail may be lost for good: nobody waits for that for ever.
#[test]
fn what_cannot_be_done_may_be_decided_anew() {
    let house = House::new(None, None, start());
    let case = house.near_miss(1);
    let id = house.hold(&case);
    house.decide(&id, Act::Protected).unwrap();
    let stale = house.row(&id);
    assert!(house.decide(&id, Act::Clear).is_none(), "it is about to be done");
    house.way.answers(NotSent::Temporary("no such road".to_owned()));
    assert!(house.act(&id).is_err());
    assert_eq!(house.decide(&id, Act::Clear).unwrap(), [case]);
    // Who read the row before does not do what was decided before.
    assert_eq!(house.runtime.block_on(house.keeper.act(&stale)).unwrap(), Acted::Busy);
    assert_eq!(house.act(&id).unwrap(), Acted::Done(HeldState::Released));
    assert_eq!(house.way.sent.lock().unwrap()[0].road, Road::Clear);
    assert!(house.decide(&id, Act::Discard).is_none());
}

#[test]
fn no_release_makes_an_sms_of_a_number() {
    let house = House::new(None, None, start());
    let case = house.near_miss(1);
    let cover = Cover {
        recipients: vec![("4512345678@smtp.gatewayapi.com".to_owned(), Vec::new())],
        ..House::cover(Some(&case))
    };
    let receipt = house.keep(&cover);
    house.gate.held(&receipt, &cover).unwrap();
    for act in [Act::Protected, Act::Clear] {
        house.decide(receipt.id(), act).unwrap();
        let refused = house.act(receipt.id()).unwrap_err().to_string();
        assert_eq!(
            refused, "refused: smtp.gatewayapi.com makes an SMS of it, and there is a number in it",
            "{act:?}"
        );
        assert!(house.way.sent.lock().unwrap().is_empty() && house.lies(receipt.id()));
        assert_eq!(house.row(receipt.id()).state, HeldState::Waiting, "to be decided anew");
    }
    house.decide(receipt.id(), Act::Discard).unwrap();
    assert_eq!(house.act(receipt.id()).unwrap(), Acted::Done(HeldState::Discarded));
}

/// It was held for a part that nobody could read, so in no case; by its release it can be read.
#[test]
fn a_number_that_is_found_at_the_release_is_decided_about_first() {
    let house = House::new(None, None, start());
    let cover = House::cover(None);
    let receipt = house.keep(&cover);
    house.gate.held(&receipt, &cover).unwrap();
    let id = receipt.id();
    assert!(house.decide(id, Act::Clear).unwrap().is_empty(), "nobody knows of a number");
    assert!(house.act(id).unwrap_err().to_string().contains("CPR-numre"));
    let row = house.row(id);
    assert_eq!((house.way.count(), house.lies(id)), (0, true), "nothing has left");
    assert_eq!((row.state, row.decision.is_none(), row.cases.len()), (HeldState::Waiting, true, 1));
    let case = house.store.case(&row.cases[0]).unwrap().unwrap();
    assert_eq!((case.row.state, case.row.mails, case.row.persons), (State::NearMiss, 1, 1));
    assert!(case.entries.iter().any(|entry| entry.event == "found_at_release"));
    let entries = house.store.held_entries(row.row).unwrap();
    let events: Vec<&str> = entries.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["held", "release_in_clear", "found_at_release"]);

    // Decided again, knowing it: a breach, and its number is sealed.
    assert_eq!(house.decide(id, Act::Clear).unwrap(), row.cases);
    assert_eq!(house.act(id).unwrap(), Acted::Done(HeldState::Released));
    let case = house.store.case(&row.cases[0]).unwrap().unwrap();
    assert_eq!((case.row.state, case.row.aware_at), (State::RELEASED, Some(start() + TimeDelta::hours(5))));
    assert!(Evidence::below(&house.config.spool).path(&row.cases[0]).exists());
    assert_eq!(house.way.count(), 1);
}

#[test]
fn no_number_that_is_found_at_the_release_becomes_an_sms() {
    let house = House::new(None, None, start());
    let cover = Cover {
        recipients: vec![("4512345678@smtp.gatewayapi.com".to_owned(), Vec::new())],
        ..House::cover(None)
    };
    let receipt = house.keep(&cover);
    house.gate.held(&receipt, &cover).unwrap();
    for act in [Act::Protected, Act::Clear] {
        house.decide(receipt.id(), act).unwrap();
        assert!(house.act(receipt.id()).is_err(), "{act:?}");
        let row = house.row(receipt.id());
        assert_eq!((house.way.count(), row.state, row.cases.len()), (0, HeldState::Waiting, 1));
    }
    house.decide(receipt.id(), Act::Discard).unwrap();
    assert_eq!(house.act(receipt.id()).unwrap(), Acted::Done(HeldState::Discarded));
}

#[test]
fn a_next_hop_that_says_no_costs_no_mail() {
    let house = House::new(None, None, start());
    let id = house.hold(&house.near_miss(1));
    house.decide(&id, Act::Protected).unwrap();
    house.way.answers(NotSent::Temporary("451".to_owned()));
    assert!(house.act(&id).is_err());
    let row = house.row(&id);
    assert_eq!((row.state, row.attempts, house.lies(&id)), (HeldState::Approved, 1, true));
    assert!(row.next_try_at > start() + TimeDelta::hours(5) && row.last_error.unwrap().contains("451"));
    // A round before its time does nothing.
    house.runtime.block_on(house.keeper.round());
    assert_eq!(house.way.count(), 0);
    // It was put off by a clock that has been set back by an hour and more since: it is not put off for so long.
    house.hands.set(start() + TimeDelta::hours(3));
    house.way.answers(NotSent::Temporary("451".to_owned()));
    house.runtime.block_on(house.keeper.round());
    assert_eq!((house.row(&id).attempts, house.way.count()), (2, 0));
    assert!(house.row(&id).next_try_at < start() + TimeDelta::hours(4));

    house.way.answers(NotSent::Permanent("550".to_owned()));
    assert!(house.act(&id).is_err());
    let row = house.row(&id);
    assert_eq!((row.state, row.decision, house.lies(&id)), (HeldState::Waiting, None, true));
    let entries = house.store.held_entries(row.row).unwrap();
    let events = entries.iter().map(|entry| entry.event.as_str());
    let events: Vec<&str> = events.filter(|event| *event != "sender_not_told").collect();
    assert_eq!(events, ["held", "release_protected", "release_failed"]);

    // Decided anew; the daemon's own round does it.
    house.decide(&id, Act::Protected).unwrap();
    house.runtime.block_on(house.keeper.round());
    assert_eq!((house.way.count(), house.row(&id).state, house.lies(&id)), (1, HeldState::Released, false));
}

#[test]
fn a_crash_after_each_step_of_a_release_is_in_the_table() {
    let mut house = House::new(None, None, start());
    let id = house.hold(&house.near_miss(1));
    house.decide(&id, Act::Protected).unwrap();
    let sealed = std::fs::read(house.keeper.holding().path(&id)).unwrap();
    let put = |bytes: &[u8]| crate::support::put(&house.keeper.holding().path(&id), bytes).unwrap();
    // The next hop took it and the row does not say so: the state before, one mail further. It goes twice.
    house.runtime.block_on(house.keeper.act(&house.row(&id))).unwrap();
    let beside = rusqlite::Connection::open(house.folder.path().join("brevdue.sqlite")).unwrap();
    beside.execute("UPDATE held SET state = 'approved', settled_at = NULL", ()).unwrap();
    put(&sealed);
    assert_eq!(house.act(&id).unwrap(), Acted::Done(HeldState::Released));
    assert_eq!((house.way.count(), house.lies(&id)), (2, false));
    // The row is settled and the file is there still: it goes, and is not sent.
    put(&sealed);
    house.restart();
    assert_eq!((house.way.count(), house.lies(&id)), (2, false));
    assert_eq!(house.store.held(true).unwrap().len(), 1);
}

#[test]
fn a_file_that_is_taken_away_is_said_and_one_that_is_torn_is_never_sent() {
    let house = House::new(None, None, start());
    let case = house.near_miss(1);
    let (gone, torn) = (house.hold(&case), house.hold(&case));
    std::fs::remove_file(house.keeper.holding().path(&gone)).unwrap();
    let swept = house.keeper.sweep().unwrap();
    assert_eq!((swept.gone, house.row(&gone).state), (1, HeldState::Gone));
    let entries = house.store.case(&case).unwrap().unwrap().entries;
    assert!(entries.iter().any(|entry| entry.event == "held_gone"), "{entries:?}");

    let path = house.keeper.holding().path(&torn);
    let whole = std::fs::read(&path).unwrap();
    crate::support::put(&path, &whole[..whole.len() - 3]).unwrap();
    house.decide(&torn, Act::Protected).unwrap();
    assert!(house.act(&torn).is_err());
    assert_eq!(
        (house.way.count(), house.lies(&torn), house.row(&torn).state),
        (0, true, HeldState::Approved)
    );
}

#[test]
fn a_sender_is_told_once_and_the_null_sender_never() {
    let post = Sink::start(SinkOptions::default()).unwrap();
    let house = House::new(Some(post.addr()), None, start());
    let id = house.hold(&house.near_miss(1));
    house.runtime.block_on(house.keeper.round());
    house.runtime.block_on(house.keeper.round());
    let told = post.wait_for(1, Duration::from_secs(10)).unwrap();
    assert_eq!((told[0].from.as_str(), told[0].rcpts.as_slice()), ("", [SENDER.to_owned()].as_slice()));
    let text = String::from_utf8_lossy(&told[0].data).into_owned();
    assert!(text.contains("Auto-Submitted: auto-replied"), "{text}");
    let body = mailparse::parse_mail(&told[0].data).unwrap().get_body().unwrap();
    for words in ["holdt tilbage", "Digital Post", "is held", "secure mail", id.as_str()] {
        assert!(body.contains(words), "{words}: {body}");
    }
    for secret in ["150379", "1028", "Din sag", "borger"] {
        assert!(!text.contains(secret) && !body.contains(secret), "{secret}: {body}");
    }

    house.decide(&id, Act::Discard).unwrap();
    assert_eq!(house.act(&id).unwrap(), Acted::Done(HeldState::Discarded));
    assert!(!house.lies(&id) && house.way.count() == 0);
    let told = post.wait_for(2, Duration::from_secs(10)).unwrap();
    let body = mailparse::parse_mail(&told[1].data).unwrap().get_body().unwrap();
    assert!(body.contains("bliver ikke sendt") || body.contains("ikke bliver sendt"), "{body}");

    let null = Cover { sender: String::new(), ..House::cover(None) };
    let receipt = house.keep(&null);
    house.gate.held(&receipt, &null).unwrap();
    house.decide(receipt.id(), Act::Discard).unwrap();
    house.runtime.block_on(house.keeper.round());
    assert_eq!(house.row(receipt.id()).state, HeldState::Discarded);
    assert_eq!(post.received().len(), 2);
}

#[test]
fn a_mail_server_that_is_down_delays_a_telling_and_a_discard() {
    let mut post = Sink::start(SinkOptions::default()).unwrap();
    let house = House::new(Some(post.addr()), None, start());
    let id = house.hold(&house.near_miss(1));
    post.stop();
    house.decide(&id, Act::Discard).unwrap();
    let acted = house.act(&id);
    assert!(acted.is_err(), "{acted:?}: {:?}", house.store.held_entries(house.row(&id).row));
    assert!(house.lies(&id));
    post.restart().unwrap();
    assert_eq!(house.act(&id).unwrap(), Acted::Done(HeldState::Discarded));
    assert_eq!(post.wait_for(1, Duration::from_secs(10)).unwrap().len(), 1);
}

#[test]
fn mail_that_nobody_decides_about_alarms_and_stays() {
    let post = Sink::start(SinkOptions::default()).unwrap();
    let house = House::new(Some(post.addr()), None, start());
    let settings = house.config.alarm.clone().unwrap();
    let clock = Clock::Virtual(house.hands.clone());
    let alarm = Alarm::new(Arc::clone(&house.store), &settings, Arc::clone(&house.gate.setup().rules), clock);
    let alarm = alarm.unwrap().holding(&house.config.hold.alarm_hours);
    let cover = House::cover(None);
    let receipt = house.keep(&cover);
    house.gate.held(&receipt, &cover).unwrap();
    let mut letters = Vec::new();
    for hour in 0..80 {
        house.hands.set(start() + TimeDelta::hours(hour));
        letters.push(house.runtime.block_on(alarm.round()).unwrap());
    }
    let told: Vec<usize> =
        letters.iter().enumerate().filter(|(_, sent)| **sent > 0).map(|(at, _)| at).collect();
    assert_eq!(told, [4, 24, 48, 72]);
    assert_eq!((house.row(receipt.id()).state, house.lies(receipt.id())), (HeldState::Waiting, true));
    let letter = post.received().pop().unwrap();
    assert_eq!(letter.rcpts, ["dpo@noerreby.example"]);
    let body = mailparse::parse_mail(&letter.data).unwrap().get_body().unwrap();
    assert!(body.contains(receipt.id().as_str()) && body.contains("3 døgn"), "{body}");
    assert!(!body.contains("150379") && !body.contains("borger@") && !body.contains("Din sag"), "{body}");
}
