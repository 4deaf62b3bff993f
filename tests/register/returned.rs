//! What the next hop refused has not left: stories of the contract, told to both databases.

use super::contract::{Two, act};
use super::released::{clear, file, hold, one, stopped};
use super::{CERTAIN, at, digest, found, join};
use brevdue::case::act::{Act, Refused};
use brevdue::case::{CaseId, Kind, State};
use brevdue::store::Store;
use brevdue::store::held::{Act as HeldAct, HeldState};

fn returned(store: &Store, message: u32, hour: i64) -> Option<CaseId> {
    store.record(|recording| recording.returned(&digest(message), at(hour))).unwrap()
}

/// How many letters are due that tell of the case.
fn openings_due(store: &Store, case: &CaseId) -> usize {
    let notices = file(store, case).notices;
    notices.iter().filter(|notice| notice.state == "due" && notice.milestone.word() == "opened").count()
}

/// Let pass to be observed, refused by the next hop, and taken in the end.
pub(super) fn returned_by_the_next_hop(two: &Two) {
    let case = join(&two.here, &found(1, at(0), CERTAIN), 1).case;
    assert_eq!(returned(&two.there, 1, 0), Some(case.clone()));
    let near = file(&two.here, &case);
    assert_eq!((near.row.state, near.row.kind, near.row.deadline), (State::NearMiss, Kind::NearMiss, None));
    assert!(near.row.aware_at.is_none() && near.messages[0].disposition == "returned");
    assert!(near.notices.iter().all(|notice| notice.state != "due" || notice.milestone.word() == "opened"));
    assert_eq!(returned(&two.here, 1, 1), None, "said twice it is said once");

    // It comes again and may be taken: the clock begins then, before it is handed on. It is refused, and comes once more.
    for hour in [2, 4] {
        let again = join(&two.there, &found(1, at(hour), CERTAIN), 1);
        assert_eq!((&again.case, again.state), (&case, State::Assessing));
        let row = file(&two.here, &case).row;
        assert_eq!((row.aware_at, row.deadline), (Some(at(hour)), Some(at(hour + 72))));
        if hour == 2 {
            assert_eq!(returned(&two.here, 1, 3), Some(case.clone()));
            assert_eq!(openings_due(&two.there, &case), 1, "a mail that is tried for days is told of once");
        }
    }
    assert_eq!(openings_due(&two.there, &case), 2, "now it has left");
    let whole = file(&two.here, &case);
    assert_eq!((whole.row.mails, whole.messages[0].attempts), (1, 3));
    let events: Vec<&str> = whole.entries.iter().map(|line| line.event.as_str()).collect();
    assert_eq!(events, ["opened", "returned", "left_after_all", "returned", "left_after_all"]);
    assert!(two.here.verify(None).unwrap().iter().all(|one| one.head.is_ok()));

    // Another one of this case is refused: one has left, and the clock runs on.
    assert_eq!(join(&two.here, &found(2, at(5), CERTAIN), 1).case, case);
    assert_eq!(returned(&two.there, 2, 5), None);
    let row = file(&two.here, &case).row;
    assert_eq!((row.state, row.deadline), (State::Assessing, Some(at(76))));
    assert!(matches!(act(&two.here, &case, &Act::Refute, at(6)), Err(Refused::State { .. })));

    // All of a case were refused, and the next one is taken: a breach from then.
    let other = join(&two.here, &found(3, at(7), CERTAIN), 2).case;
    assert_eq!(returned(&two.here, 3, 7), Some(other.clone()));
    let next = join(&two.there, &found(4, at(9), CERTAIN), 2);
    assert_eq!((&next.case, next.state, next.opened), (&other, State::Assessing, false));
    assert_eq!(file(&two.here, &other).row.deadline, Some(at(81)));

    // A person is at work on it: a person takes it back.
    let worked = join(&two.here, &found(5, at(10), CERTAIN), 3).case;
    assert_eq!(act(&two.here, &worked, &Act::Aware(at(9)), at(11)), Ok(State::Assessing));
    assert_eq!(returned(&two.there, 5, 12), None);
    assert_eq!(file(&two.here, &worked).row.state, State::Assessing);
    assert_eq!(act(&two.here, &worked, &Act::Refute, at(13)), Ok(State::NoBreach));
    // And it is taken after all.
    assert_eq!(join(&two.here, &found(5, at(14), CERTAIN), 3).state, State::Assessing);
    assert_eq!(file(&two.here, &worked).row.deadline, Some(at(86)));

    // Tried for days.
    let tried = join(&two.here, &found(6, at(0), CERTAIN), 4).case;
    let planned = file(&two.here, &tried).notices.len();
    for hour in 0..50 {
        assert_eq!(returned(&two.there, 6, hour), Some(tried.clone()));
        join(&two.here, &found(6, at(hour), CERTAIN), 4);
    }
    let rows = file(&two.here, &tried).notices.len();
    assert!(rows <= planned + 1, "{rows} rows of {planned}: tries fill no register");
}

/// Released in the clear, and refused.
pub(super) fn a_release_that_never_left(two: &Two) {
    let case = stopped(&two.here, 1, 0);
    let row = hold(&two.here, "mail1", &one(&case, 1));
    assert_eq!(clear(&two.here, row, 1), std::slice::from_ref(&case));
    assert!(matches!(act(&two.here, &case, &Act::Refute, at(1)), Err(Refused::State { .. })), "it may leave");
    two.there.record(|recording| recording.refused(row, "550", at(2))).unwrap();
    let failed = file(&two.here, &case);
    assert_eq!(failed.row.state, State::Assessing, "the clock runs until a person says otherwise");
    assert!(failed.entries.iter().any(|line| line.event == "release_failed"));
    assert_eq!(act(&two.here, &case, &Act::Refute, at(3)), Ok(State::NoBreach));

    // Decided in the clear once more: the clock begins anew, and ends as before when a person takes it back.
    assert_eq!(clear(&two.here, row, 5), std::slice::from_ref(&case));
    let again = file(&two.here, &case).row;
    assert_eq!((again.state, again.aware_at, again.deadline), (State::Assessing, Some(at(5)), Some(at(77))));

    // A try that ended in silence, and a refusal after it: nobody knows.
    two.here.record(|recording| recording.perhaps_sent(row, "lost", at(6))).unwrap();
    two.here.record(|recording| recording.refused(row, "550", at(7))).unwrap();
    assert!(matches!(act(&two.here, &case, &Act::Refute, at(8)), Err(Refused::State { .. })));

    // Not sent for now, and decided otherwise: nothing has left.
    let case = {
        let joined = join(&two.here, &found(2, at(9), brevdue::case::detection::Outcome::Stopped), 2);
        joined.case
    };
    let row = hold(&two.here, "mail2", &one(&case, 2));
    assert_eq!(clear(&two.here, row, 10), std::slice::from_ref(&case));
    two.here.held_delayed(row, at(11), "451").unwrap();
    let decided =
        two.here.record(|recording| recording.decide(row, HeldAct::Discard, "Dorte DPO", "aftalt", at(12)));
    assert!(decided.unwrap().unwrap().is_empty());
    let settled = two.here.record(|recording| {
        recording.settle(row, HeldState::Discarded, "brevdue", "slettet efter beslutning", at(12))
    });
    assert!(settled.unwrap());
    assert_eq!(act(&two.there, &case, &Act::Refute, at(13)), Ok(State::NoBreach));
    let refuted = file(&two.here, &case).entries.into_iter().rfind(|line| line.event == "refuted").unwrap();
    assert_eq!(refuted.reason, "aftalt på møde");
}
