//! The contract, what acts and time make of a case: alerts that are planned anew, what joins it when it is settled, and its end.

use super::alerts::sent;
use super::contract::{Two, act, by, words};
use super::{CERTAIN, at, found, join};
use brevdue::case::State;
use brevdue::case::act::{Act, Nis2};
use brevdue::case::detection::{Detection, Outcome};
use brevdue::case::escalation::{Role, Staff};
use brevdue::case::field::Field;
use brevdue::case::milestone::{Milestone, Planning};
use brevdue::store::Recording;
use brevdue::store::held::{HeldIn, HeldState, NewHeld, Place};

pub(super) fn planned(two: &Two) {
    let case = join(&two.here, &found(1, at(0), CERTAIN), 1).case;
    let rows = || two.there.case(&case).unwrap().unwrap().notices;
    let second = || {
        let due = rows().into_iter().filter(|row| row.state == "due" && row.milestone.is_nis2());
        due.map(|row| (row.milestone.word(), row.ordinal, row.clock_version)).collect::<Vec<_>>()
    };
    let nis2 = |step, hour| act(&two.here, &case, &Act::Nis2(step, at(hour)), at(hour)).unwrap();
    nis2(Nis2::Mark, 1);
    assert_eq!(second().len(), 6);
    nis2(Nis2::Early, 2);
    let notification = |ordinal| {
        ["24h", "4h", "overdue"].map(|left| (format!("nis2-notification-{left}"), ordinal, 1)).to_vec()
    };
    assert_eq!(second(), notification(1), "the clock of the 72 hours is the same");
    two.there.plan_open_cases(at(2)).unwrap();
    assert_eq!(second().len(), 3);
    nis2(Nis2::Withdraw, 3);
    assert_eq!(second(), []);
    nis2(Nis2::Mark, 4);
    assert_eq!(second(), notification(2), "anew");
    // Told of once, and repeated under whichever clock.
    let overdue = rows().into_iter().find(|row| row.milestone == Milestone::Overdue).unwrap();
    two.there.notices_settled(&sent(&overdue.recipient, overdue.id), at(72), at(72)).unwrap();
    act(&two.here, &case, &Act::Record(Field::Risk, "unlikely".to_owned()), at(73)).unwrap();
    act(&two.here, &case, &Act::Document { approver: words("Chefen") }, at(73)).unwrap();
    assert_eq!(second().len(), 3, "another law's clock");
    assert_eq!(act(&two.there, &case, &Act::Reopen, at(74)), Ok(State::Assessing));
    two.there.plan_open_cases(at(74)).unwrap();
    let again =
        rows().into_iter().filter(|row| row.state == "due" && row.milestone == Milestone::OverdueAgain);
    assert_eq!(again.map(|row| (row.clock_version, row.ordinal)).collect::<Vec<_>>(), [(2, 1)]);
    assert!(
        rows().iter().filter(|row| row.milestone == Milestone::Overdue).all(|row| row.clock_version == 1)
    );
}

pub(super) fn settled(two: &Two) {
    let case = join(&two.here, &found(1, at(0), Outcome::Delivered { certain: false }), 1).case;
    assert_eq!(two.here.standing(&case).unwrap().unwrap().regime.id, "gdpr-2018");
    assert_eq!(act(&two.here, &case, &Act::Refute, at(1)), Ok(State::NoBreach));
    assert_eq!(act(&two.here, &case, &Act::Close, at(2)), Ok(State::Closed));
    for message in [2, 3] {
        let joined = join(&two.there, &found(message, at(3), CERTAIN), 1);
        assert_eq!(
            (&joined.case, joined.state, joined.opened),
            (&case, State::Closed, false),
            "no silent new clock"
        );
    }
    let file = two.here.case(&case).unwrap().unwrap();
    assert_eq!((file.row.hits_after, file.row.mails), (2, 3));
    assert_eq!(file.entries.iter().filter(|one| one.event == "hit_after").count(), 1);
    let due = two.there.due_notices(at(3)).unwrap();
    assert!(due.iter().any(|one| one.milestone.word() == "hit-after"), "{due:?}");
    assert_eq!(act(&two.there, &case, &Act::Reopen, at(4)), Ok(State::Assessing));
    let row = two.here.case(&case).unwrap().unwrap().row;
    assert_eq!(
        (row.hits_after, row.aware_at, row.deadline),
        (0, Some(at(0)), Some(at(72))),
        "the same awareness"
    );
    // It grows after it was documented only: told of at first, on another day, and when it has doubled, then to the deputy too.
    let deputy = Staff { role: Role::Deputy, cvr: None, source: None, address: "vagt@a.example".to_owned() };
    for store in [&two.here, &two.there] {
        store.plan_by(Planning { staff: vec![deputy.clone()], ..Planning::default() });
    }
    act(&two.here, &case, &Act::Record(Field::Risk, "unlikely".to_owned()), at(5)).unwrap();
    act(&two.here, &case, &Act::Document { approver: words("Chefen") }, at(5)).unwrap();
    let told = || {
        let rows = two.there.case(&case).unwrap().unwrap().notices.into_iter();
        let rows = rows.filter(|row| row.milestone == Milestone::HitAfter && row.state == "due");
        rows.map(|row| (row.ordinal, row.recipient.starts_with("vagt"), row.due_at)).collect::<Vec<_>>()
    };
    join(&two.here, &found(4, at(6), CERTAIN), 1);
    assert_eq!(told(), [(2, false, at(6))], "the first since then");
    act(&two.here, &case, &Act::Record(Field::Esdh, "2026-1".to_owned()), at(6)).unwrap();
    join(&two.there, &found(5, at(6), CERTAIN), 1);
    assert_eq!(told().len(), 1);
    join(&two.there, &found(6, at(30), CERTAIN), 1);
    assert_eq!(told()[1..], [(3, false, at(30)), (3, true, at(30))]);
    join(&two.here, &Detection { persons: 10_000, ..found(7, at(31), CERTAIN) }, 1);
    assert_eq!(told()[3..], [(4, false, at(31)), (4, true, at(31))]);
    let row = two.here.case(&case).unwrap().unwrap().row;
    assert_eq!((row.hits_after, row.state), (4, State::DocumentedOnly));
    assert!(two.there.verify(Some(&case)).unwrap()[0].head.is_ok());
    assert_eq!(act(&two.there, &case, &Act::Reopen, at(32)), Ok(State::Assessing));
    assert_eq!(told(), [], "it is open: nothing is to be reopened");
    // A near miss that is closed takes no more mail.
    let near = join(&two.here, &found(10, at(0), Outcome::Stopped), 9).case;
    assert_eq!(act(&two.here, &near, &Act::Close, at(1)), Ok(State::Closed));
    assert_ne!(join(&two.there, &found(11, at(2), Outcome::Stopped), 9).case, near);
}

pub(super) fn erasing(two: &Two) {
    let case = join(&two.here, &found(1, at(0), Outcome::Stopped), 1).case;
    assert_eq!(act(&two.here, &case, &Act::Close, at(1)), Ok(State::Closed));
    let purge = |now| two.there.record(|recording| recording.purge(&case, &by(now))).unwrap();
    assert!(two.here.to_purge(at(2)).unwrap().is_empty() && !purge(at(2)), "five years are kept");
    let later = at(24 * 366 * 5);
    assert_eq!(two.here.to_purge(later).unwrap(), std::slice::from_ref(&case));
    // A mail that is held under it is somebody's letter still, whatever the case says.
    let domains = ["a.example".to_owned()];
    let mail = NewHeld {
        name: "abc",
        place: Place::Spool,
        node: "relay",
        at: at(1),
        size: 100,
        sender: [5; 16],
        sender_domain: "noerreby.example",
        recipient_domains: &domains,
        recipients: 1,
        dpo: "dpo@noerreby.example",
        cases: &[HeldIn { case: case.clone(), message: None }],
        tell: false,
    };
    assert!(two.here.record(|recording| recording.hold(&mail)).unwrap());
    assert!(two.there.to_purge(later).unwrap().is_empty() && !purge(later));
    let held = two.there.held_named("abc").unwrap().unwrap().row;
    let gone = |r: &Recording<'_>| r.settle(held, HeldState::Gone, "brevdue", "væk", later);
    assert!(two.here.record(gone).unwrap());
    assert!(purge(later) && !purge(later));
    assert!(two.here.case(&case).unwrap().is_none() && two.here.cases().unwrap().is_empty());
    let verified = two.here.verify(None).unwrap().remove(0);
    assert!(verified.head.is_ok() && verified.lines == 4, "{verified:?}");
    assert_eq!(verified.erased, Some(("Dorte DPO".to_owned(), later)));
    // A number is never given twice.
    assert_ne!(join(&two.there, &found(2, at(1), Outcome::Stopped), 1).case, case);
}
