//! A case that was opened while the clock was three days ahead is told of as soon as the clock is right.

use crate::alarm::House;
use brevdue::case::local::shown;
use chrono::TimeDelta;

#[test]
fn a_case_of_a_clock_that_was_ahead_is_told_of_at_once_with_72_hours() {
    let mut house = House::new();
    house.go(TimeDelta::hours(72));
    // Its alarm had not come round when the time was mended.
    let case = house.breach();
    house.go(TimeDelta::hours(-72));
    assert_eq!((house.round(), house.round()), (1, 0));
    let row = house.store.case(&case).unwrap().unwrap().row;
    assert_eq!((row.aware_at, row.deadline), (Some(house.now), Some(house.now + TimeDelta::hours(72))));
    let letters = house.letters();
    let [(subject, body)] = letters.as_slice() else { panic!("{} letters", letters.len()) };
    let deadline = shown(house.now + TimeDelta::hours(72));
    assert!(body.contains(&deadline) && !body.contains("143 timer"), "{subject}\n{body}");
    // The next steps are those of the clock that is right.
    house.go(TimeDelta::hours(24));
    assert!(house.round() > 0, "48 hours before");
    assert!(house.store.verify(None).unwrap()[0].is_whole());
}

#[test]
fn who_was_told_of_the_wrong_deadline_is_told_of_the_right_one() {
    let mut house = House::new();
    house.go(TimeDelta::hours(72));
    let case = house.breach();
    assert_eq!(house.round(), 1);
    house.go(TimeDelta::hours(-72));
    assert_eq!((house.round(), house.round()), (1, 0));
    let letters = house.letters();
    assert!(letters[1].1.contains(&shown(house.now + TimeDelta::hours(72))), "{}", letters[1].1);
    assert_eq!(house.store.case(&case).unwrap().unwrap().entries.last().unwrap().event, "clock_ahead");
}
