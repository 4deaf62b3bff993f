//! A machine's name is one spool's: a story of the contract, told to both databases.

use super::at;
use super::contract::Two;
use super::released::hold;
use brevdue::store::Claimed;
use chrono::TimeDelta;

/// Two machines that think they have one name.
pub(super) fn nodes(two: &Two) {
    let (one, other) = ([1; 16], [2; 16]);
    let claim = |name: &str, id, now| two.there.claim_node(name, id, now).unwrap();
    assert_eq!(claim("relay", one, at(0)), Claimed::Own);
    assert_eq!(claim("relay", one, at(1)), Claimed::Own, "a restart");
    assert!(two.here.node_seen("relay", one, at(2)).unwrap());
    assert_eq!(claim("relay", other, at(2)), Claimed::Refused(at(2)));
    assert!(!two.here.node_seen("relay", other, at(2)).unwrap());
    // With held mail it keeps the name for a day.
    hold(&two.here, "mail1", &[]);
    assert_eq!(claim("relay", other, at(25)), Claimed::Refused(at(2)));

    // Renamed, it takes its open mail along; its old name is free.
    assert_eq!(claim("post", one, at(26)), Claimed::Renamed("relay".to_owned()));
    assert_eq!(two.here.held_named("mail1").unwrap().unwrap().node, "post");
    assert_eq!(claim("relay", other, at(26)), Claimed::Own);

    // Without held mail a spool that is lost keeps the name for ten minutes, with it for a day; it is told when it comes back.
    assert_eq!(claim("relay", [3; 16], at(26) + TimeDelta::minutes(9)), Claimed::Refused(at(26)));
    assert_eq!(claim("relay", [3; 16], at(26) + TimeDelta::minutes(10)), Claimed::TakenOver);
    assert_eq!(claim("post", [4; 16], at(49)), Claimed::Refused(at(26)));
    assert_eq!(claim("post", [4; 16], at(50)), Claimed::TakenOver);
    assert!(!two.here.node_seen("post", one, at(51)).unwrap());
    assert!(matches!(claim("post", one, at(51)), Claimed::Refused(_)));
}
