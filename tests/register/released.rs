//! What a release in the clear makes of a near miss of many mails: stories of the contract, told to both databases.

use super::contract::{Two, act, by, words};
use super::{at, controller, digest, found, join};
use brevdue::case::act::{Act, Phase};
use brevdue::case::detection::Outcome;
use brevdue::case::{CaseId, Kind, State};
use brevdue::envelope::Controller;
use brevdue::store::held::{Act as HeldAct, HeldIn, HeldState, NewHeld, Place};
use brevdue::store::{CaseFile, CaseRow, Logged, Opening, Store};
use chrono::{DateTime, Utc};

/// A person who stands in all mails of a grouping, and the one who stands in this alone: as [`join`] counts them.
fn persons(grouping: u32, message: u32) -> [[u8; 16]; 2] {
    [digest(1_000_000 + grouping), digest(message)]
}

/// A mail of the near miss 1, found at that hour, with all that the gate keeps of one that is held. Its case.
pub(super) fn stopped(store: &Store, message: u32, hour: i64) -> CaseId {
    let joined = join(store, &found(message, at(hour), Outcome::Stopped), 1);
    let (digests, beside) = (persons(1, message), ["name", "health"]);
    let beside = if message == 1 { &beside[..] } else { &beside[..1] };
    let noted = store.record(|recording| {
        if joined.attempts == 1 {
            recording.add_beside(&joined.case, beside)?;
        }
        recording.note_content(&digest(message), &digest(70 + message))?;
        recording.note_held(&digest(message), &digests, beside)
    });
    noted.unwrap();
    joined.case
}

/// The row of a mail that is held, as it says of these cases; its number.
pub(super) fn hold(store: &Store, name: &str, cases: &[HeldIn]) -> i64 {
    let mail = NewHeld {
        name,
        place: Place::Spool,
        node: "relay",
        at: at(0),
        size: 100,
        sender: [5; 16],
        sender_domain: "noerreby.example",
        recipient_domains: &["a.example".to_owned()],
        recipients: 1,
        dpo: "dpo@noerreby.example",
        cases,
        tell: false,
    };
    assert!(store.record(|recording| recording.hold(&mail)).unwrap());
    store.held_named(name).unwrap().unwrap().row
}

pub(super) fn one(case: &CaseId, message: u32) -> [HeldIn; 1] {
    [HeldIn { case: case.clone(), message: Some(digest(message)) }]
}

fn decide(store: &Store, row: i64, act: HeldAct, now: DateTime<Utc>) -> Vec<CaseId> {
    store.record(|recording| recording.decide(row, act, "Dorte DPO", "aftalt", now)).unwrap().unwrap()
}

pub(super) fn clear(store: &Store, row: i64, hour: i64) -> Vec<CaseId> {
    decide(store, row, HeldAct::Clear, at(hour))
}

pub(super) fn file(store: &Store, case: &CaseId) -> CaseFile {
    store.case(case).unwrap().unwrap()
}

fn counts(row: &CaseRow) -> (u64, u64, u64) {
    (row.mails, row.persons, row.records)
}

fn cases_of(store: &Store, name: &str) -> Vec<CaseId> {
    store.held_named(name).unwrap().unwrap().cases
}

fn events<'a>(file: &'a CaseFile, event: &str) -> Vec<&'a str> {
    let lines = file.entries.iter().filter(|line| line.event == event);
    lines
        .map(|line| if line.detail.is_empty() { line.reason.as_str() } else { line.detail.as_str() })
        .collect()
}

/// Five mails are held in one near miss, and leave it one by one.
pub(super) fn released(two: &Two) {
    let near = stopped(&two.here, 1, 0);
    for message in 2..=5 {
        assert_eq!(stopped(&two.here, message, i64::from(message)), near);
    }
    let rows: Vec<i64> =
        (1..=5).map(|message| hold(&two.there, &format!("mail{message}"), &one(&near, message))).collect();
    let before = file(&two.here, &near);
    assert_eq!(counts(&before.row), (5, 6, 10));

    let opened = clear(&two.there, rows[1], 20);
    let case = opened[0].clone();
    assert!(opened.len() == 1 && case != near);
    let (new, left) = (file(&two.here, &case), file(&two.here, &near));
    assert_eq!((counts(&new.row), counts(&left.row)), ((1, 2, 2), (4, 5, 8)));
    assert_eq!(
        (new.row.state, new.row.kind, left.row.state),
        (State::Assessing, Kind::Breach, State::NearMiss)
    );
    assert_eq!(
        (new.row.detected_at, new.row.last_at, new.row.aware_at, new.row.deadline),
        (at(2), at(2), Some(at(20)), Some(at(92)))
    );
    assert!(left.row.aware_at.is_none() && left.row.deadline.is_none() && new.row.sealed);
    assert_eq!(
        (new.row.incident, &new.row.cvr, &new.row.dpo),
        (left.row.incident, &left.row.cvr, &left.row.dpo)
    );
    assert_eq!((new.messages.len(), left.messages.len()), (1, 4));
    let planned = new.notices.len();
    assert!(
        planned >= 7 && new.notices.iter().all(|notice| notice.kind == Kind::Breach),
        "{:?}",
        new.notices
    );
    assert_eq!(left.notices, before.notices);
    // Each names the other, and who decided stands in both.
    assert_eq!(events(&new, "release_in_clear"), [format!("{{\"moved_from\":\"{near}\"}}")]);
    assert_eq!(events(&left, "release_in_clear"), [format!("{{\"moved_to\":\"{case}\"}}")]);
    assert!(new.entries[0].event == "opened" && new.entries[0].reason.contains(near.as_str()));
    let said = left.entries.last().unwrap();
    assert_eq!((said.who.as_str(), said.reason.as_str(), said.to.as_deref()), ("Dorte DPO", "aftalt", None));
    assert!(two.there.verify(None).unwrap().iter().all(|one| one.head.is_ok()));
    assert_eq!(
        (cases_of(&two.here, "mail2"), cases_of(&two.here, "mail3")),
        (vec![case.clone()], vec![near.clone()])
    );
    let names = |count| ("name".to_owned(), count);
    assert_eq!(two.here.beside(&case).unwrap(), [names(1)]);
    assert_eq!(two.here.beside(&near).unwrap(), [names(4), ("health".to_owned(), 1)]);

    // What the log and copies in archives say of it is the new case's.
    let id = found(2, at(0), Outcome::Stopped).queue_id.unwrap();
    let logged = Logged {
        mail: id.as_str(),
        queue_id: &id,
        at: at(21),
        domain: "a.example",
        transport: "smtp",
        relay: "mx",
        status: "sent",
        proof: "plaintext",
        protocol: "",
        cipher: "",
    };
    two.there.record(|recording| recording.log_delivery(&logged)).unwrap();
    let sent =
        |case| two.here.journeys(case, 9).unwrap().iter().filter(|one| one.disposition() == "sent").count();
    assert_eq!((sent(&case), sent(&near)), (1, 0));
    let known = two.here.record(|recording| recording.known_contents(&[digest(72), digest(73)])).unwrap();
    assert_eq!((&known[&digest(72)][0].case, &known[&digest(73)][0].case), (&case, &near));

    // The next hop refuses it: decided anew it opens nothing and moves nothing. So does the same mail, sent again and held again.
    two.here.record(|recording| recording.refused(rows[1], "550", at(21))).unwrap();
    assert!(clear(&two.here, rows[1], 22).is_empty());
    assert_eq!(stopped(&two.here, 2, 23), case);
    let again = hold(&two.here, "again2", &one(&case, 2));
    assert!(clear(&two.there, again, 24).is_empty());
    let now = file(&two.there, &case);
    assert_eq!((counts(&now.row), now.row.deadline, now.notices.len()), ((1, 2, 2), Some(at(92)), planned));
    assert_eq!(counts(&file(&two.there, &near).row), (4, 5, 8));

    // The next joins it, found before it; the person of both is one. No further clock.
    assert!(clear(&two.here, rows[0], 30).is_empty());
    let (new, left) = (file(&two.there, &case), file(&two.there, &near));
    assert_eq!((counts(&new.row), counts(&left.row)), ((2, 3, 4), (3, 4, 6)));
    assert_eq!(
        (new.row.detected_at, new.row.aware_at, new.row.deadline),
        (at(0), Some(at(20)), Some(at(92)))
    );
    assert_eq!(new.notices.len(), planned);
    assert_eq!(two.here.beside(&near).unwrap(), [names(3)]);
    assert_eq!(two.here.beside(&case).unwrap(), [names(2), ("health".to_owned(), 1)]);

    // It is notified whole: the next opens another.
    let whole = Act::Notified { at: at(31), phase: Phase::Whole, reference: Some(words("1")), late: None };
    assert_eq!(act(&two.here, &case, &whole, at(31)), Ok(State::NotifiedFinal));
    let third = clear(&two.there, rows[2], 40);
    assert!(third.len() == 1 && third[0] != case && third[0] != near);
    assert_eq!(counts(&file(&two.here, &third[0]).row), (1, 2, 2));
    assert_eq!(file(&two.here, &case).row.mails, 2);

    // What is discarded stays where it was stopped, and the last that is left makes the near miss itself the breach.
    decide(&two.here, rows[3], HeldAct::Discard, at(41));
    two.here.record(|r| r.settle(rows[3], HeldState::Discarded, "brevdue", "slettet", at(41))).unwrap();
    assert_eq!(counts(&file(&two.there, &near).row), (2, 3, 4));
    assert!(clear(&two.here, rows[4], 42).is_empty());
    assert_eq!(counts(&file(&two.there, &third[0]).row), (2, 3, 4));
    let left = file(&two.there, &near);
    assert_eq!((counts(&left.row), left.row.kind), ((1, 2, 2), Kind::NearMiss));
    assert_eq!(stopped(&two.here, 9, 43), near, "it goes on gathering what is stopped");
    assert!(two.there.verify(None).unwrap().iter().all(|one| one.head.is_ok()));
}

/// What is not known is said: which mail it was, or who stood in it.
pub(super) fn released_whole(two: &Two) {
    let near = stopped(&two.here, 1, 0);
    stopped(&two.here, 2, 0);
    // A row of before.
    let row = hold(&two.here, "old", &[HeldIn { case: near.clone(), message: None }]);
    assert_eq!(clear(&two.there, row, 1), std::slice::from_ref(&near));
    let whole = file(&two.here, &near);
    assert_eq!((counts(&whole.row), whole.row.deadline), ((2, 3, 4), Some(at(73))));
    assert!(events(&whole, "breach_whole")[0].contains("2 mails"), "{:?}", whole.entries);
    // A mail of it that is known adds a line alone.
    let row = hold(&two.here, "new", &one(&near, 2));
    assert!(clear(&two.there, row, 2).is_empty());
    assert_eq!(counts(&file(&two.here, &near).row), (2, 3, 4));
    assert_ne!(stopped(&two.here, 3, 3), near, "what is stopped now never hides in a breach");

    // Which mail is known, and not who: by its number of persons.
    let near = join(&two.here, &found(11, at(0), Outcome::Stopped), 5).case;
    join(&two.here, &found(12, at(0), Outcome::Stopped), 5);
    let row = hold(&two.here, "unnoted", &one(&near, 11));
    let case = clear(&two.here, row, 1).remove(0);
    let (new, left) = (file(&two.there, &case), file(&two.there, &near));
    assert_eq!((counts(&new.row), counts(&left.row)), ((1, 2, 2), (1, 3, 2)));
    assert_eq!((events(&new, "persons_unknown").len(), events(&left, "persons_unknown").len()), (1, 1));
    // Of a message that the register has lost the case is taken that the file names.
    let row = hold(&two.here, "lost", &one(&near, 99));
    assert_eq!(clear(&two.here, row, 2), std::slice::from_ref(&near));
}

/// One mail that is held twice, because it came again: it is one message, and leaves once.
pub(super) fn released_twice(two: &Two) {
    let near = stopped(&two.here, 1, 0);
    stopped(&two.here, 2, 0);
    let rows = ["one", "two", "three"].map(|name| {
        assert_eq!(stopped(&two.there, 1, 1), near);
        hold(&two.here, name, &one(&near, 1))
    });
    assert_eq!(counts(&file(&two.here, &near).row), (2, 3, 4));
    // One of the three is discarded; who stands in the others is known all the same.
    decide(&two.here, rows[0], HeldAct::Discard, at(2));
    two.here.record(|r| r.settle(rows[0], HeldState::Discarded, "brevdue", "slettet", at(2))).unwrap();
    let case = clear(&two.there, rows[1], 3).remove(0);
    assert_eq!(cases_of(&two.here, "three"), std::slice::from_ref(&case));
    assert!(clear(&two.there, rows[2], 4).is_empty());
    let (new, left) = (file(&two.here, &case), file(&two.here, &near));
    assert_eq!((counts(&new.row), counts(&left.row)), ((1, 2, 2), (1, 2, 2)));
    assert!(events(&new, "persons_unknown").is_empty());
    // A row that is made from its file when all is over stands where the message stands.
    hold(&two.here, "late", &one(&near, 1));
    assert_eq!(cases_of(&two.here, "late"), std::slice::from_ref(&case));

    // A mail that comes again after it was discarded is noted again.
    stopped(&two.here, 3, 5);
    let row = hold(&two.here, "four", &one(&near, 2));
    decide(&two.here, row, HeldAct::Discard, at(6));
    two.here.record(|r| r.settle(row, HeldState::Discarded, "brevdue", "slettet", at(6))).unwrap();
    stopped(&two.here, 2, 7);
    let row = hold(&two.here, "five", &one(&near, 2));
    assert!(clear(&two.here, row, 8).is_empty());
    assert!(events(&file(&two.here, &case), "persons_unknown").is_empty());
    assert_eq!(counts(&file(&two.there, &case).row), (2, 3, 4));
}

/// A mail to the citizens of two controllers is a message of each: each has its own case for it.
pub(super) fn released_of_two(two: &Two) {
    let other = Controller { name: "Vester".to_owned(), cvr: "87654321".to_owned(), ..controller() };
    let theirs = |message: u32| {
        let opening = Opening {
            controller: &other,
            source: None,
            root: digest(1),
            grouping: digest(2),
            salt: digest(2),
        };
        let detection = found(message, at(0), Outcome::Stopped);
        let joined = two.here.record(|recording| {
            let joined = recording.join(&detection, &opening)?;
            recording.add_persons(&joined.case, &persons(2, message))?;
            recording.note_held(&digest(message), &persons(2, message), &[])?;
            Ok(joined)
        });
        joined.unwrap().case
    };
    let (ours, of_others) = (stopped(&two.here, 1, 0), theirs(21));
    stopped(&two.here, 2, 0);
    theirs(22);
    let both = [one(&ours, 1), one(&of_others, 21)].concat();
    let row = hold(&two.here, "both", &both);
    let opened = clear(&two.there, row, 1);
    assert_eq!(opened.len(), 2);
    for case in [&ours, &of_others].into_iter().chain(&opened) {
        assert_eq!(counts(&file(&two.here, case).row), (1, 2, 2), "{case}");
    }
    let cvr = |case: &CaseId| file(&two.here, case).row.cvr;
    assert_eq!((cvr(&opened[0]), cvr(&opened[1])), (cvr(&ours), cvr(&of_others)));
    let incidents = two.here.cases().unwrap().iter().map(|row| row.incident).collect::<Vec<_>>();
    assert!(incidents.windows(2).all(|pair| pair[0] == pair[1]), "{incidents:?}");
    // The other's near miss had a mail more; with one alone it is the breach itself.
    let alone = hold(&two.here, "alone", &[one(&ours, 2), one(&of_others, 22)].concat());
    assert_eq!(clear(&two.there, alone, 2), [ours, of_others]);
}

/// Near misses that were closed meanwhile, and cases that are erased.
pub(super) fn released_late(two: &Two) {
    let near = stopped(&two.here, 1, 0);
    stopped(&two.here, 2, 0);
    // A row that was made from its file once the case was closed: one that is there keeps it open.
    assert_eq!(act(&two.here, &near, &Act::Close, at(1)), Ok(State::Closed));
    let rows = [1, 2].map(|message| hold(&two.here, &format!("mail{message}"), &one(&near, message)));
    let case = clear(&two.there, rows[0], 2).remove(0);
    let (new, left) = (file(&two.here, &case), file(&two.here, &near));
    assert_eq!((new.row.deadline, left.row.state, left.row.deadline), (Some(at(74)), State::Closed, None));
    // On each machine the evidence of a case that a release has opened is begun once.
    let begins = |case: &CaseId, node| two.there.record(|r| r.evidence_begins(case, node)).unwrap();
    assert_eq!((begins(&case, "relay"), begins(&case, "relay"), begins(&case, "other")), (true, false, true));
    assert!(!begins(&near, "relay"));
    two.here.record(|recording| recording.unsealed(&case)).unwrap();
    assert!(!file(&two.there, &case).row.sealed);

    // One that left past us is a breach too, and nobody has its numbers.
    let slipped = hold(&two.here, "slipped", &one(&stopped(&two.here, 41, 2), 41));
    assert!(two.there.record(|r| r.slipped(slipped, "sendt", at(3))).unwrap());
    assert!(!two.here.record(|r| r.slipped(slipped, "sendt", at(3))).unwrap(), "once");
    let row = file(&two.here, &cases_of(&two.here, "slipped")[0]).row;
    assert_eq!((row.deadline, row.sealed), (Some(at(75)), false));
    assert!(!two.here.has_left("4bXq1z3kTn41", at(0)).unwrap());

    // Five years after: the near miss goes, and its case stays as it is, until it goes too.
    let later = at(24 * 366 * 6);
    let purge = |case: &CaseId| two.there.record(|r| r.purge(case, &by(later))).unwrap();
    assert!(!purge(&near), "a mail is held under it");
    assert!(two.here.record(|r| r.settle(rows[1], HeldState::Gone, "brevdue", "væk", at(3))).unwrap());
    assert!(purge(&near) && !purge(&case));
    assert_eq!(counts(&file(&two.here, &case).row), (1, 2, 2));
    assert_eq!(cases_of(&two.here, "mail1"), std::slice::from_ref(&case));

    // The last mail of a closed near miss makes it a breach: it is open again, by a clock of its own.
    let near = join(&two.here, &found(31, at(0), Outcome::Stopped), 7).case;
    assert_eq!(act(&two.here, &near, &Act::Close, at(1)), Ok(State::Closed));
    let row = hold(&two.here, "last", &one(&near, 31));
    assert_eq!(clear(&two.there, row, 2), std::slice::from_ref(&near));
    let row = file(&two.here, &near).row;
    assert_eq!((row.state, row.aware_at, row.deadline), (State::Assessing, Some(at(2)), Some(at(74))));
}
