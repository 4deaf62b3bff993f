//! The register's contract, one story a question, on a real file and through a second connection where it matters.

use brevdue::case::detection::{Detection, Outcome};
use brevdue::case::{CaseId, State};
use brevdue::envelope::{Controller, Pass, QueueId, Verdict};
use brevdue::store::{Joined, Opening, Store, StoreError};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use rusqlite::Connection;
use std::path::PathBuf;
use tempfile::TempDir;

struct Register {
    _folder: TempDir,
    path: PathBuf,
    store: Store,
}

impl Register {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("register.db");
        let store = Store::open(&path).unwrap();
        Self { _folder: folder, path, store }
    }

    /// As another program opens the file.
    fn beside(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    fn join(&self, detection: &Detection, grouping: u8) -> Joined {
        let controller = controller();
        let opening = Opening {
            controller: &controller,
            source: None,
            root: [grouping; 16],
            grouping: [grouping; 16],
            salt: [grouping; 16],
        };
        self.store.record(|recording| recording.join(detection, &opening)).unwrap()
    }

    fn persons(&self, case: &CaseId, digests: &[u8]) -> Vec<usize> {
        let digests: Vec<[u8; 16]> = digests.iter().map(|digest| [*digest; 16]).collect();
        self.store.record(|recording| recording.add_persons(case, &digests)).unwrap()
    }

    fn number(&self, sql: &str) -> i64 {
        self.beside().query_row(sql, (), |row| row.get(0)).unwrap()
    }
}

fn controller() -> Controller {
    Controller {
        name: "Nørreby Kommune".to_owned(),
        cvr: "12345678".to_owned(),
        domains: Vec::new(),
        dpo: "dpo@noerreby.example".to_owned(),
        dpo_key: None,
        default: true,
        ..Controller::default()
    }
}

fn at(hour: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap() + TimeDelta::hours(hour)
}

fn found(message: u8, at: DateTime<Utc>, outcome: Outcome) -> Detection {
    Detection {
        at,
        queue_id: QueueId::new("4bXq1z3kTnz9"),
        message: [message; 16],
        verdict: match outcome {
            Outcome::Stopped => Verdict::Block,
            Outcome::Delivered { .. } => Verdict::Deliver(Pass::Observed),
        },
        outcome,
        sender_domain: "noerreby.example".to_owned(),
        recipient_domains: vec!["a.example".to_owned(), "b.example".to_owned()],
        recipients: 2,
        findings: 3,
        persons: 2,
        persons_exact: true,
    }
}

const CERTAIN: Outcome = Outcome::Delivered { certain: true };
const DOUBTFUL: Outcome = Outcome::Delivered { certain: false };

#[test]
fn an_empty_file_becomes_a_register_and_stays_one() {
    let register = Register::new();
    assert!(register.number("PRAGMA user_version") >= 2);
    // What was committed survives the power: not the defaults of SQLite, nor of this connection.
    let journal: String = register.beside().query_row("PRAGMA journal_mode", (), |row| row.get(0)).unwrap();
    assert_eq!(journal, "wal");
    let case = register.join(&found(1, at(0), CERTAIN), 1).case;
    let before = register.store.case(&case).unwrap();
    drop(register.store);
    let again = Store::open(&register.path).unwrap();
    assert_eq!(again.case(&case).unwrap(), before);
    // Two at once, as the daemon and `brevdue case list` are.
    assert_eq!(Store::open(&register.path).unwrap().cases().unwrap().len(), 1);
}

#[test]
fn two_programs_that_start_at_once_make_one_register() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("register.db");
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || Store::open(&path).map(|store| store.cases().unwrap().len()))
        })
        .collect();
    for start in starts {
        assert_eq!(start.join().unwrap().unwrap(), 0);
    }
}

#[test]
fn a_register_of_a_newer_program_is_refused_and_left_as_it_is() {
    let register = Register::new();
    register.join(&found(1, at(0), CERTAIN), 1);
    register.beside().pragma_update(None, "user_version", 99).unwrap();
    drop(register.store);
    let Err(error) = Store::open(&register.path) else { panic!("it was opened") };
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(!error.is_temporary() && error.to_string().contains("install the newer program"), "{error}");
    let beside = Connection::open(&register.path).unwrap();
    assert_eq!(beside.query_row("PRAGMA user_version", (), |row| row.get::<_, i64>(0)).unwrap(), 99);
}

/// As version 1 left it: a case, whose incident nobody can know again.
#[test]
fn a_register_of_version_1_is_brought_up_to_date_and_keeps_its_cases() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("register.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../src/store/schema/sqlite/1.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO incident VALUES (1, NULL, NULL, 0), (2, NULL, NULL, 0);
         INSERT INTO breach_case VALUES ('BRV-2026-0001', 1, x'01010101010101010101010101010101', '12345678', 'A', 'd',
             'near_miss', 0, NULL, NULL, 1, x'02020202020202020202020202020202', 0);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let register = Register { store: Store::open(&path).unwrap(), path, _folder: folder };
    assert_eq!(register.store.cases().unwrap().len(), 1);
    // What belongs to the old case joins it, and what does not is of an incident of its own.
    assert!(!register.join(&found(1, at(0), Outcome::Stopped), 1).opened);
    let new = register.join(&found(2, at(0), Outcome::Stopped), 2);
    let incidents: Vec<i64> = register.store.cases().unwrap().iter().map(|case| case.incident).collect();
    assert!(new.opened && incidents.len() == 2 && incidents[0] != incidents[1], "{incidents:?}");
}

/// A register of the first version, with a case in it, becomes one of today, and its mail is followed.
#[test]
fn the_mails_of_an_old_register_are_followed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("register.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../src/store/schema/sqlite/1.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO incident VALUES (1, NULL, NULL, 1);
         INSERT INTO breach_case VALUES ('BRV-2026-0001', 1, zeroblob(16), '12345678', 'A', 'd@a.example', 'near_miss', 1,
             NULL, NULL, 1, zeroblob(16), 0);
         INSERT INTO detection (case_id, message, at, queue_id, verdict, outcome, sender_domain, recipient_domains,
             recipients, findings, persons, persons_exact)
         VALUES ('BRV-2026-0001', zeroblob(16), 1, '4bX1', 'block', 'stopped', 'a.example', 'b.example', 1, 1, 1, 1),
             ('BRV-2026-0001', x'01010101010101010101010101010101', 1, NULL, 'block', 'stopped', 'a', 'b', 1, 1, 1, 1);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.mail_of(&QueueId::new("4bX1").unwrap()).unwrap().as_deref(), Some("4bX1"));
    assert_eq!(store.mail_of(&QueueId::new("4bX2").unwrap()).unwrap(), None);
    let case = CaseId::new(2026, 1);
    assert_eq!(store.case(&case).unwrap().unwrap().messages[1].disposition, "answered");
    assert_eq!(store.journeys(&case, 10).unwrap().len(), 2);
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("register.db");
    crate::support::put(&path, &b"no database at all\n".repeat(100)).unwrap();
    assert!(Store::open(&path).is_err());
    assert!(Store::open(&folder.path().join("nowhere/register.db")).is_err());
}

#[test]
fn what_stands_in_the_register_is_never_changed_nor_deleted() {
    let register = Register::new();
    register.join(&found(1, at(0), CERTAIN), 1);
    let beside = register.beside();
    for sql in [
        "UPDATE register_entry SET reason = 'x'",
        "DELETE FROM register_entry",
        "DELETE FROM register_entry WHERE ordinal = 1",
    ] {
        let error = beside.execute(sql, ()).unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    // REPLACE deletes without asking a DELETE trigger, unless recursive triggers are on; it must not get through either.
    let replaced = beside.execute(
        "REPLACE INTO register_entry (case_id, ordinal, at, who, event, reason)
         SELECT case_id, ordinal, at, who, event, 'x' FROM register_entry",
        (),
    );
    assert!(replaced.is_err(), "REPLACE went through");
    assert_eq!(register.number("SELECT count(*) FROM register_entry WHERE reason <> 'x'"), 1);
}

#[test]
fn a_notice_is_one_row_however_often_it_is_planned() {
    let register = Register::new();
    register.join(&found(1, at(0), CERTAIN), 1);
    assert_eq!(register.number("SELECT count(*) FROM notice"), 8);
    let again = register.beside().execute(
        "INSERT INTO notice (case_id, milestone, clock_version, recipient, channel, due_at, next_try_at)
         SELECT case_id, milestone, clock_version, recipient, channel, due_at + 1, next_try_at FROM notice LIMIT 1",
        (),
    );
    assert!(again.unwrap_err().to_string().contains("UNIQUE"));
    // Further mails of the case plan nothing.
    register.join(&found(2, at(1), CERTAIN), 1);
    assert_eq!(register.number("SELECT count(*) FROM notice"), 8);
}

#[test]
fn the_same_message_twice_is_one_mail_with_two_attempts() {
    let register = Register::new();
    let first = register.join(&found(1, at(0), CERTAIN), 1);
    let second = register.join(&found(1, at(1), CERTAIN), 1);
    assert_eq!((first.opened, first.attempts), (true, 1));
    assert_eq!((second.opened, second.attempts, &second.case), (false, 2, &first.case));
    // Also when the day has changed, and with it the group: it was counted where it came first.
    assert_eq!(register.join(&found(1, at(24), CERTAIN), 2).attempts, 3);
    let file = register.store.case(&first.case).unwrap().unwrap();
    assert_eq!((file.row.mails, file.messages.len(), file.messages[0].attempts), (1, 1, 3));
    assert_eq!(register.store.cases().unwrap().len(), 1);
    // It does not move the clock.
    assert_eq!((file.row.aware_at, file.row.deadline), (Some(at(0)), Some(at(72))));
}

#[test]
fn a_person_counts_once_in_a_case_over_all_its_mails() {
    let register = Register::new();
    let one = register.join(&found(1, at(0), CERTAIN), 1).case;
    let other = register.join(&found(2, at(0), CERTAIN), 2).case;
    assert_eq!(register.persons(&one, &[1, 2, 1]), [0, 1]);
    assert_eq!(register.persons(&one, &[2, 3]), [1]);
    assert_eq!(register.persons(&one, &[1, 2, 3]), [0_usize; 0]);
    assert_eq!(register.persons(&other, &[1]), [0]);
    let persons = |case| register.store.case(case).unwrap().unwrap().row.persons;
    assert_eq!((persons(&one), persons(&other)), (3, 1));
}

#[test]
fn case_numbers_count_up_within_the_danish_year() {
    let register = Register::new();
    let time = |y, m, d, h, min| Utc.with_ymd_and_hms(y, m, d, h, min, 0).unwrap();
    let mut message = 0;
    let mut open = |at| {
        message += 1;
        register.join(&found(message, at, CERTAIN), message).case.to_string()
    };
    assert_eq!(open(time(2026, 11, 17, 9, 20)), "BRV-2026-0001");
    assert_eq!(open(time(2026, 12, 31, 22, 59)), "BRV-2026-0002");
    // 23:30 in UTC is half past midnight in Denmark.
    assert_eq!(open(time(2026, 12, 31, 23, 30)), "BRV-2027-0001");
    // A clock that was wrong for a while.
    assert_eq!(open(time(2026, 6, 1, 0, 0)), "BRV-2026-0003");
}

#[test]
fn numbers_go_on_above_nine_thousand_nine_hundred_and_ninety_nine() {
    let register = Register::new();
    let beside = register.beside();
    beside.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    register.join(&found(1, at(0), Outcome::Stopped), 1);
    for sql in [
        "UPDATE breach_case SET id = 'BRV-2026-9999'",
        "UPDATE detection SET case_id = 'BRV-2026-9999'",
        "UPDATE notice SET case_id = 'BRV-2026-9999'",
    ] {
        beside.execute(sql, ()).unwrap();
    }
    assert_eq!(register.join(&found(2, at(1), Outcome::Stopped), 2).case.as_str(), "BRV-2026-10000");
    assert_eq!(register.join(&found(3, at(2), Outcome::Stopped), 3).case.as_str(), "BRV-2026-10001");
}

#[test]
fn doubt_ends_by_an_entry_in_the_register_and_the_clock_stays() {
    let register = Register::new();
    let case = register.join(&found(1, at(0), DOUBTFUL), 1).case;
    let row = |case| register.store.case(case).unwrap().unwrap();
    assert_eq!(row(&case).row.state, State::Suspected);
    let joined = register.join(&found(2, at(5), CERTAIN), 1);
    assert_eq!((joined.opened, joined.state), (false, State::Assessing));
    register.join(&found(3, at(6), DOUBTFUL), 1);
    let file = row(&case);
    assert_eq!((file.row.state, file.row.mails), (State::Assessing, 3));
    assert_eq!((file.row.aware_at, file.row.deadline), (Some(at(0)), Some(at(72))), "invariant 9");
    let events: Vec<&str> = file.entries.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["opened", "confirmed"]);
}

#[test]
fn the_case_with_the_least_time_left_stands_first_and_near_misses_last() {
    let register = Register::new();
    let ids = [
        register.join(&found(1, at(0), Outcome::Stopped), 1).case,
        register.join(&found(2, at(9), CERTAIN), 2).case,
        register.join(&found(3, at(1), DOUBTFUL), 3).case,
    ];
    let listed: Vec<CaseId> = register.store.cases().unwrap().into_iter().map(|case| case.id).collect();
    assert_eq!(listed, [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    let near_miss = register.store.case(&ids[0]).unwrap().unwrap();
    assert_eq!((near_miss.row.aware_at, near_miss.row.deadline, near_miss.notices.len()), (None, None, 1));
    assert!(register.store.case(&CaseId::new(2026, 99)).unwrap().is_none());
}

#[test]
fn work_that_fails_leaves_nothing_behind() {
    let register = Register::new();
    let controller = controller();
    let opening =
        Opening { controller: &controller, source: None, root: [1; 16], grouping: [1; 16], salt: [1; 16] };
    let failed = register.store.record(|recording| {
        let joined = recording.join(&found(1, at(0), CERTAIN), &opening)?;
        recording.add_persons(&joined.case, &[[1; 16]])?;
        Err::<(), _>(StoreError::Beside("the disk is full".to_owned()))
    });
    assert!(failed.is_err_and(|error| error.is_temporary()));
    for table in ["incident", "breach_case", "detection", "person", "register_entry", "notice"] {
        assert_eq!(register.number(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    // And a panic in the middle: the register is of use afterwards.
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        register.store.record(|recording| {
            recording.join(&found(1, at(0), CERTAIN), &opening)?;
            panic!("as told by the test");
            #[allow(unreachable_code, reason = "the closure's type")]
            Ok::<(), StoreError>(())
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(register.store.cases().unwrap().len(), 0);
    assert_eq!(register.join(&found(1, at(0), CERTAIN), 1).case.as_str(), "BRV-2026-0001");
}

#[test]
fn the_tally_counts_by_day_kind_and_verdict_and_opens_no_case() {
    let register = Register::new();
    for (hour, kinds, verdict) in [
        (0, ["document", "encrypted"].as_slice(), "deliver"),
        (1, &["document"], "deliver"),
        (48, &["document"], "deliver"),
        (2, &["damaged"], "hold"),
    ] {
        register.store.record(|recording| recording.tally_unread(at(hour), kinds, verdict)).unwrap();
    }
    let tally = register.store.unread_tally().unwrap();
    let tally: Vec<(&str, &str, u64)> =
        tally.iter().map(|(kind, verdict, messages)| (kind.as_str(), verdict.as_str(), *messages)).collect();
    assert_eq!(tally, [("damaged", "hold", 1), ("document", "deliver", 3), ("encrypted", "deliver", 1)]);
    assert_eq!(register.number("SELECT count(DISTINCT day) FROM unread_tally"), 2);
    assert!(register.store.cases().unwrap().is_empty());
}

#[test]
fn a_register_is_bound_to_one_key() {
    let register = Register::new();
    assert_eq!(register.store.node_key_check().unwrap(), None);
    assert_eq!(register.store.bind_node_key([1; 16]).unwrap(), [1; 16]);
    assert_eq!(register.store.bind_node_key([2; 16]).unwrap(), [1; 16], "who comes first has bound it");
    assert_eq!(register.store.node_key_check().unwrap(), Some([1; 16]));
}

/// A mail that the gate has recorded is known in an archive, and one of an archive in another.
#[test]
fn a_copy_of_a_mail_is_known_and_the_days_it_was_sent_stand_apart() {
    let register = Register::new();
    let case = register.join(&found(1, at(0), CERTAIN), 1).case;
    assert_eq!(register.join(&found(2, at(1), CERTAIN), 1).case, case);
    let (live, old) = ([11; 16], [12; 16]);
    let sent = Utc.with_ymd_and_hms(2015, 3, 3, 9, 0, 0).unwrap();
    let store = &register.store;
    store
        .record(|recording| {
            recording.note_content(&[1; 16], &live)?;
            recording.note_archived(&[2; 16], &old, Some(sent))
        })
        .unwrap();
    let known = store.record(|recording| recording.known_contents(&[live, old, [13; 16]])).unwrap();
    let cases: Vec<_> = known.iter().map(|(content, mails)| (*content, mails[0].case.clone())).collect();
    assert_eq!(cases, [(live, case.clone()), (old, case.clone())]);
    assert!(known.values().flatten().all(|mail| mail.left && !mail.rerouted));
    let (live, old) = (&known[&live][0], &known[&old][0]);
    for (mail, said, is_it) in [
        (old, Some(sent), true),
        (old, Some(sent + TimeDelta::days(700)), false),
        (old, None, true),
        (live, Some(at(0)), true),
        (live, Some(sent), false),
    ] {
        assert_eq!(mail.is_of(said), is_it, "{mail:?} {said:?}");
    }
    let told = store.sent(&case).unwrap();
    assert_eq!((told.archived, told.undated), (1, 0), "of archives alone");
    assert_eq!((told.first, told.last), (Some(sent), Some(sent)));
    assert_eq!(
        store.case(&case).unwrap().unwrap().row.detected_at,
        at(0),
        "when it was found is another thing"
    );
}

/// Two nodes, and one that comes later, agree on what a template is and on what it has learned.
#[test]
fn a_template_has_one_name_for_everybody() {
    use brevdue::case::template::{Letter, Mark, Templates};
    let register = Register::new();
    let beside = Store::open(&register.path).unwrap();
    let of = |source: u8, name: u8, pairs: &[u32]| Letter {
        source: [source; 16],
        mark: Mark::new(vec![1, 2, 3], pairs),
        name: [name; 16],
        persons: [name; 16],
        others: [255; 16],
    };
    let letter = |name: u8, own: u32| of(1, name, &(0..60).chain([own]).collect::<Vec<_>>());
    let (here, there) = (&register.store, &beside);
    assert_eq!(here.template(&letter(7, 1000), at(0)).unwrap(), [7; 16]);
    assert_eq!(there.template(&letter(8, 2000), at(1)).unwrap(), [7; 16], "another's, by the register");
    assert_eq!(there.template(&letter(9, 3000), at(1)).unwrap(), [7; 16], "and by heart");
    assert_eq!(
        there.template(&of(2, 8, &(0..60).collect::<Vec<_>>()), at(1)).unwrap(),
        [8; 16],
        "of another source"
    );
    let other: Vec<u32> = (100..160).collect();
    assert_eq!(here.template(&of(1, 9, &other), at(2)).unwrap(), [9; 16]);
    assert_eq!(register.number("SELECT count(*) FROM template"), 3);
    assert_eq!(register.number("SELECT max(members) FROM template"), 3, "it learned twice from there");
    assert_eq!(
        register.number("SELECT length(words) / 4 FROM template WHERE members = 3"),
        60,
        "what all have"
    );

    // What is like nothing else: so many are letters, the rest is one template, for both.
    for own in 0..50_u32 {
        let free: Vec<u32> = (0..60).map(|at| 10_000 + own * 100 + at).collect();
        let store = if own % 2 == 0 { here } else { there };
        let name = u8::try_from(100 + own).unwrap();
        let is_letter = store.template(&of(1, name, &free), at(3)).unwrap() == [name; 16];
        // One of the source waits already for its second mail.
        assert_eq!(is_letter, (own as usize) < Templates::ONCE - 1, "{own}");
    }
    let once = "SELECT count(*) FROM template WHERE members = 1 AND ordinal > 1";
    assert_eq!(register.number(once), i64::try_from(Templates::ONCE).unwrap());
}
