//! What the proof finds: each forgery is done past the program, with the triggers taken away, on a register of its own.

use super::contract::{act, by, words};
use super::{CERTAIN, at, found, join};
use crate::support::postgres::Server;
use brevdue::case::act::{Act, Communication, Phase};
use brevdue::case::chain::Broken;
use brevdue::case::detection::Outcome;
use brevdue::case::field::Field;
use brevdue::case::{CaseId, State};
use brevdue::store::{NewReceipt, ServerUrl, Store, Verified};
use tempfile::TempDir;

/// A register and a person with full access to it.
struct Open<'a> {
    store: &'a Store,
    forge: &'a dyn Fn(&str),
}

const TRIGGERS: [(&str, &str); 10] = [
    ("register_is_not_changed", "register_entry"),
    ("register_is_not_deleted", "register_entry"),
    ("link_is_not_changed", "register_link"),
    ("link_is_not_deleted", "register_link"),
    ("anchor_is_not_changed", "register_anchor"),
    ("anchor_is_not_deleted", "register_anchor"),
    ("head_is_not_changed", "anchor_head"),
    ("head_is_not_deleted", "anchor_head"),
    ("tombstone_is_not_changed", "tombstone"),
    ("tombstone_is_of_a_closed_case", "tombstone"),
];

/// Every table that a whole case goes from.
const ALL: &str = "DELETE FROM notice WHERE case_id = 'ID'; DELETE FROM case_fact WHERE case_id = 'ID';
    DELETE FROM receipt WHERE case_id = 'ID'; DELETE FROM task WHERE case_id = 'ID'; DELETE FROM person WHERE case_id = 'ID';
    DELETE FROM detection WHERE case_id = 'ID'; DELETE FROM register_salt WHERE case_id = 'ID';
    DELETE FROM register_entry WHERE case_id = 'ID'; DELETE FROM register_link WHERE case_id = 'ID';
    DELETE FROM breach_case WHERE id = 'ID'";

/// The register of each story: a case that is notified and closed, one that runs, and one more that no anchor has.
fn tell(open: &Open<'_>) -> [CaseId; 3] {
    let case = join(open.store, &found(1, at(0), CERTAIN), 1).case;
    let does = |one: Act, hour| act(open.store, &case, &one, at(hour)).unwrap();
    does(Act::Record(Field::Cause, "opsætning".to_owned()), 1);
    does(Act::Record(Field::Measures, "rettet".to_owned()), 1);
    does(Act::Inform(Communication::NotRequired), 1);
    does(Act::Notified { at: at(2), phase: Phase::Whole, reference: None, late: None }, 3);
    let receipt = NewReceipt { is_notification: true, sha256: [7; 32], file: "07.pdf", size: 9 };
    assert!(open.store.record(|r| r.add_receipt(&case, &receipt, &by(at(3)))).unwrap());
    let task = open.store.record(|r| r.add_task(&case, &words("ret"), &words("drift"), &by(at(3)))).unwrap();
    assert!(open.store.record(|r| r.task_done(&case, task, &by(at(3)))).unwrap());
    does(Act::Close, 4);
    let runs = join(open.store, &found(2, at(5), Outcome::Delivered { certain: false }), 2).case;
    act(open.store, &runs, &Act::Confirm, at(5)).unwrap();
    act(open.store, &runs, &Act::Aware(at(4)), at(5)).unwrap();
    assert!(open.store.record(|recording| recording.anchor(at(6))).unwrap());
    let last = join(open.store, &found(3, at(7), Outcome::Stopped), 3).case;
    [case, runs, last]
}

fn verified(open: &Open<'_>, case: &CaseId) -> Verified {
    open.store.verify(Some(case)).unwrap().remove(0)
}

fn is_whole(open: &Open<'_>) -> bool {
    let anchors = open.store.verify_anchors(None).unwrap();
    open.store.verify(None).unwrap().iter().all(Verified::is_whole)
        && anchors.broken.is_none()
        && anchors.lost.is_empty()
}

/// Each statement, and what the proof says of it, in English.
const TABLES: [(&str, &str); 10] = [
    ("UPDATE breach_case SET deadline = deadline + 864000 WHERE id = 'ID'", "the deadline is 2026-11-30"),
    ("UPDATE breach_case SET aware_at = aware_at + 60 WHERE id = 'ID'", "the awareness is"),
    ("UPDATE breach_case SET state = 'documented_only' WHERE id = 'ID'", "the state is documented_only"),
    ("UPDATE breach_case SET regime = 'gdpr-omnibus' WHERE id = 'ID'", "the regime is gdpr-omnibus"),
    ("UPDATE case_fact SET value = '2026-11-17T09:20:01Z' WHERE field = 'notified_at'", "field notified_at"),
    ("UPDATE case_fact SET value = '2020-01-01T00:00:00Z' WHERE field = 'keep_until'", "field keep_until"),
    ("DELETE FROM case_fact WHERE field = 'cause'", "field cause"),
    ("DELETE FROM receipt", "is missing, and the lines have it"),
    ("UPDATE receipt SET size = 10", "is another than the lines say"),
    ("UPDATE task SET done_at = NULL", "task 1"),
];

fn tables(open: &Open<'_>) {
    let [case, ..] = tell(open);
    assert!(is_whole(open));
    // One after the other: what is found once stays found.
    for (place, (statement, said)) in (1..).zip(TABLES) {
        (open.forge)(&statement.replace("ID", case.as_str()));
        let found = verified(open, &case);
        let said = found.differs.iter().any(|one| one.english.contains(said));
        assert!(found.head.is_ok() && said && found.differs.len() >= place.min(4), "{statement}: {found:?}");
    }
    // Nothing is erased by what a table says.
    let purge = open.store.record(|recording| recording.purge(&case, &by(at(8))));
    assert!(purge.unwrap_err().to_string().contains("is not what its lines say"));
}

fn tombstones(open: &Open<'_>) {
    let [_, runs, last] = tell(open);
    (open.forge)(&format!("INSERT INTO tombstone (case_id, at, who, reason) VALUES ('{runs}', 0, 'x', 'x')"));
    (open.forge)(&format!("DELETE FROM register_entry WHERE case_id = '{runs}' AND ordinal = 3"));
    assert_eq!(verified(open, &runs).head, Err(Broken::NotErased), "an open case with a line less");
    // With the row gone too: the last link is of another line than the tombstone's.
    let gone =
        ALL.replace("DELETE FROM register_link WHERE case_id = 'ID';", "").replace("ID", last.as_str());
    (open.forge)(&format!("INSERT INTO tombstone (case_id, at, who, reason) VALUES ('{last}', 0, 'x', 'x')"));
    (open.forge)(&gone);
    assert_eq!(verified(open, &last).head, Err(Broken::NotErased));
    assert!(open.store.erased(&[runs, last]).unwrap().is_empty(), "and no file is thrown away");
}

fn lines(open: &Open<'_>) {
    let [case, runs, last] = tell(open);
    (open.forge)(&format!("DELETE FROM register_entry WHERE case_id = '{case}' AND ordinal = 2"));
    assert_eq!(verified(open, &case).head, Err(Broken::Gap(2)));
    for table in ["register_salt", "register_entry", "register_link"] {
        (open.forge)(&format!("DELETE FROM {table} WHERE case_id = '{runs}' AND ordinal > 1"));
    }
    // The tables are made to agree.
    (open.forge)(&format!(
        "UPDATE breach_case SET state = 'suspected', aware_at = aware_at + 3600, deadline = deadline + 3600 WHERE id = '{runs}'"
    ));
    let found = verified(open, &runs);
    assert_eq!(
        (found.head, found.differs.len()),
        (Err(Broken::Cut(3)), 0),
        "the last two lines with their links"
    );
    (open.forge)(&format!("DELETE FROM register_entry WHERE case_id = '{last}'"));
    assert_eq!(verified(open, &last).head, Err(Broken::Gap(1)));
}

fn whole_cases(open: &Open<'_>) {
    let [case, runs, last] = tell(open);
    (open.forge)(&ALL.replace("ID", runs.as_str()));
    assert_eq!(verified(open, &runs).head, Err(Broken::Cut(3)), "an anchor knows it");
    // One that no anchor has is known by the next number alone, and is not given out again when it was the highest.
    (open.forge)(
        &ALL.replace("DELETE FROM register_link WHERE case_id = 'ID';", "").replace("ID", last.as_str()),
    );
    let next = join(open.store, &found(9, at(8), Outcome::Stopped), 9).case;
    assert_ne!(next, last);
    assert_eq!(verified(open, &last).head, Err(Broken::Gone));
    (open.forge)(&format!("DELETE FROM register_link WHERE case_id = '{last}'"));
    assert_eq!(open.store.verify_anchors(None).unwrap().lost, [last.to_string()]);
    // The highest of all, that an anchor has.
    assert!(open.store.record(|recording| recording.anchor(at(8))).unwrap());
    (open.forge)(&ALL.replace("ID", next.as_str()));
    assert!(!is_whole(open));
    assert_ne!(join(open.store, &found(10, at(9), Outcome::Stopped), 10).case, next);
    assert!(verified(open, &case).is_whole());
}

fn anchors(open: &Open<'_>) {
    let [case, ..] = tell(open);
    let letter = open.store.last_anchor().unwrap().unwrap();
    act(open.store, &case, &Act::Reopen, at(8)).unwrap();
    for hour in [9, 10] {
        assert!(open.store.record(|recording| recording.anchor(at(hour))).unwrap());
    }
    let of = |hash| open.store.verify_anchors(Some(&hash)).unwrap();
    assert!(is_whole(open));
    assert_eq!(of(letter.hash).asked, Some((letter, 1)));
    assert_eq!((of([1; 32]).asked, of(letter.hash).count, letter.cases), (None, 3, 2));
    // A head taken away: the anchor no longer follows.
    (open.forge)(&format!("DELETE FROM anchor_head WHERE case_id = '{case}' AND anchor = 2"));
    assert_eq!(of(letter.hash).broken, Some(at(9)));
    // A link and all behind it, and the head: the anchors have another.
    (open.forge)("DELETE FROM anchor_head WHERE anchor >= 2");
    (open.forge)("DELETE FROM register_anchor WHERE id >= 2");
    let found = of(letter.hash);
    assert!(found.broken.is_none() && found.asked.is_some(), "the letter's is the newest that is left");
    (open.forge)("DELETE FROM anchor_head");
    (open.forge)("DELETE FROM register_anchor");
    // Made anew over what stands there now, as a person with all access can: found by the letter alone.
    assert!(open.store.record(|recording| recording.anchor(at(11))).unwrap());
    assert!(is_whole(open) && of(letter.hash).asked.is_none());
}

/// A clock that was ahead does not keep the next anchors away.
fn ahead(open: &Open<'_>) {
    tell(open);
    assert!(open.store.record(|recording| recording.anchor(at(72))).unwrap());
    assert!(open.store.record(|recording| recording.anchor(at(8))).unwrap(), "72 hours ahead");
    assert!(!open.store.record(|recording| recording.anchor(at(8))).unwrap());
    assert!(is_whole(open));
}

fn erased(open: &Open<'_>) {
    let [case, ..] = tell(open);
    let later = at(24 * 366 * 6);
    let silent = brevdue::case::act::By { reason: None, ..by(later) };
    assert!(!open.store.record(|recording| recording.purge(&case, &silent)).unwrap(), "without a reason");
    assert!(open.store.record(|recording| recording.purge(&case, &by(later))).unwrap());
    assert!(is_whole(open));
    assert_eq!(open.store.erased(std::slice::from_ref(&case)).unwrap(), std::slice::from_ref(&case));
    // Closed by a line that lies about its time: the anchors know that there was no such case then.
    let young = join(open.store, &found(7, at(8), Outcome::Stopped), 7).case;
    act(open.store, &young, &Act::Close, at(-24 * 366 * 6)).unwrap();
    assert!(open.store.record(|recording| recording.anchor(at(9))).unwrap());
    assert_eq!(open.store.to_purge(at(10)).unwrap(), std::slice::from_ref(&young));
    assert!(!open.store.record(|recording| recording.purge(&young, &by(at(10)))).unwrap());
    assert!(is_whole(open) && open.store.case(&young).unwrap().is_some());
    // Nobody changes who did it, or when.
    (open.forge)("UPDATE tombstone SET who = 'Else'");
    assert_eq!(verified(open, &case).head, Err(Broken::NotErased));
    assert_eq!(join(open.store, &found(8, at(9), CERTAIN), 8).state, State::Assessing);
}

type Story = (&'static str, fn(&Open<'_>));
const STORIES: [Story; 7] = [
    ("tables", tables),
    ("tombstones", tombstones),
    ("lines", lines),
    ("whole_cases", whole_cases),
    ("anchors", anchors),
    ("ahead", ahead),
    ("erased", erased),
];

#[test]
fn a_forger_of_a_file_is_found() {
    for (name, story) in STORIES {
        println!("{name}");
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("register.db");
        let store = Store::open(&path).unwrap();
        let beside = rusqlite::Connection::open(&path).unwrap();
        for (trigger, _) in TRIGGERS {
            beside.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        story(&Open { store: &store, forge: &|sql| beside.execute_batch(sql).unwrap() });
    }
}

#[test]
fn a_forger_of_a_server_is_found() {
    let server = Server::start().unwrap();
    for (name, story) in STORIES {
        println!("{name}");
        let name = format!("forged_{name}");
        let store = Store::connect(&ServerUrl::parse(&server.database(&name)).unwrap()).unwrap();
        for (trigger, table) in TRIGGERS {
            assert!(server.sql(&name, &format!("DROP TRIGGER {trigger} ON {table}")));
        }
        story(&Open { store: &store, forge: &|sql| assert!(server.sql(&name, sql), "{sql}") });
    }
}

/// With the triggers in their places nothing that is kept is changed.
#[test]
fn what_is_kept_is_not_changed_past_the_program() {
    let server = Server::start().unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("register.db");
    let stores = [
        Store::open(&path).unwrap(),
        Store::connect(&ServerUrl::parse(&server.database("kept")).unwrap()).unwrap(),
    ];
    let beside = rusqlite::Connection::open(&path).unwrap();
    for store in &stores {
        tell(&Open { store, forge: &|_| {} });
    }
    for statement in [
        "UPDATE anchor_head SET ordinal = 9",
        "DELETE FROM anchor_head",
        "UPDATE register_anchor SET cases = 9",
        "INSERT INTO tombstone (case_id, at, who, reason) VALUES ('BRV-2026-0002', 0, 'x', 'x')",
    ] {
        assert!(beside.execute_batch(statement).is_err(), "{statement}");
        assert!(!server.sql("kept", statement), "{statement}");
    }
}
