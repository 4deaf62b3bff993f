//! What a clock that was ahead has written is set right, on both databases; and two clocks are compared.

use super::contract::{Two, act};
use super::{CERTAIN, at, found, join};
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postgres::Server;
use brevdue::case::State;
use brevdue::case::act::Act;
use brevdue::case::detection::Outcome;
use brevdue::clock::Clock;
use brevdue::store::{ServerUrl, Store, Verified};
use chrono::TimeDelta;

/// The clock was three days ahead, and is right again.
pub(super) fn ahead(two: &Two) {
    let before = join(&two.here, &found(1, at(0), CERTAIN), 1).case;
    let case = join(&two.here, &found(2, at(72), Outcome::Delivered { certain: false }), 2).case;
    let near = join(&two.here, &found(3, at(72), Outcome::Stopped), 3).case;
    let due = |hour| {
        let rows = two.there.due_notices(at(hour)).unwrap().into_iter();
        rows.map(|row| (row.case, row.milestone.word())).collect::<Vec<_>>()
    };
    assert_eq!(
        due(1).iter().filter(|(of, _)| of != &before).count(),
        0,
        "nobody would hear of them for days"
    );
    // Some seconds are nothing, and a machine that was not told the time yet sets nothing right.
    let clock = at(72) - TimeDelta::seconds(9);
    assert!(two.there.set_right(clock).unwrap().is_empty());
    assert!(two.there.set_right(at(-24 * 365)).unwrap().is_empty());
    assert_eq!(two.there.set_right(at(1)).unwrap(), std::slice::from_ref(&case));
    assert!(two.here.set_right(at(1)).unwrap().is_empty(), "once");
    let file = two.here.case(&case).unwrap().unwrap();
    assert_eq!(
        (file.row.detected_at, file.row.aware_at, file.row.deadline),
        (at(72), Some(at(1)), Some(at(73))),
        "the detection stays visible"
    );
    let line = file.entries.last().unwrap();
    assert_eq!((line.event.as_str(), line.at, line.who.as_str()), ("clock_ahead", at(1), "brevdue"));
    assert!(line.reason.starts_with("uret var foran") && line.detail.contains("before"), "{line:?}");
    let told = due(1);
    assert!(
        told.contains(&(case.clone(), "opened".to_owned())) && told.contains(&(near, "opened".to_owned()))
    );
    let triage = file.notices.iter().find(|row| row.state == "due" && row.milestone.word() == "triage");
    assert_eq!(triage.unwrap().due_at, at(5));
    assert_eq!(two.here.case(&before).unwrap().unwrap().row.aware_at, Some(at(0)), "what was right stays");
    assert!(two.there.verify(None).unwrap().iter().all(Verified::is_whole));
    // A hit after the settling, by a clock ahead.
    act(&two.here, &case, &Act::Refute, at(2)).unwrap();
    assert_eq!(join(&two.here, &found(4, at(72), CERTAIN), 2).state, State::NoBreach);
    assert!(two.there.set_right(at(3)).unwrap().is_empty());
    assert!(due(3).contains(&(case, "hit-after".to_owned())));
}

#[test]
fn a_clock_that_is_not_the_servers_is_said_and_sets_nothing_right() {
    let server = Server::start().unwrap();
    let url = server.database("clocks");
    let store = Store::connect(&ServerUrl::parse(&url).unwrap()).unwrap();
    let now = || Clock::System.now();
    assert_eq!(store.compare_clocks(now).unwrap(), None);
    assert_eq!(store.compare_clocks(|| now() + TimeDelta::seconds(3)).unwrap(), None, "a little");
    let off =
        |seconds| store.compare_clocks(|| now() + TimeDelta::seconds(seconds)).unwrap().unwrap_or_default();
    assert!((19..=21).contains(&off(20)) && (-21..=-19).contains(&off(-20)));
    // Twenty seconds behind the server: what looks as if it were ahead is not.
    let soon = Clock::System.now();
    let case = join(&store, &found(1, soon, CERTAIN), 1).case;
    assert!(store.set_right(soon - TimeDelta::seconds(20)).unwrap().is_empty());
    assert_eq!(store.compare_clocks(now).unwrap(), None);
    assert_eq!(store.set_right(soon - TimeDelta::seconds(20)).unwrap(), [case]);
    // The page of a node that agrees has nothing of it.
    let options = DaemonOptions { store: Some(url), ..DaemonOptions::with("") };
    let node = Daemon::start(&options).unwrap();
    assert!(!node.log().contains("are apart"), "{}", node.log());
}
