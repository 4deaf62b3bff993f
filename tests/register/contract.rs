//! The contract: stories, each on a register of its own, told to both databases.

use super::{CERTAIN, alerts, at, controller, digest, found, join, life, node, released, returned};
use crate::support::postgres::Server;
use brevdue::case::act::{Act, By, Communication, Phase, Refused};
use brevdue::case::detection::Outcome;
use brevdue::case::field::{Field, Words};
use brevdue::case::passage::{Passage, Reason};
use brevdue::case::{CaseId, Kind, State};
use brevdue::envelope::QueueId;
use brevdue::store::held::{Act as HeldAct, HeldIn, HeldState, NewHeld, Place, Telling};
use brevdue::store::{Bypassed, Logged, NewReceipt, Promise, ServerUrl, Store};
use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

/// Two who have the same register open, as two nodes, or the daemon and a person at the command line.
pub(super) struct Two {
    pub(super) here: Store,
    pub(super) there: Store,
}

type Story = (&'static str, fn(&Two));

const STORIES: &[Story] = &[
    ("cases", cases),
    ("notices", alerts::notices),
    ("claims", alerts::claims),
    ("untaken", alerts::untaken),
    ("named", alerts::named),
    ("acts", acts),
    ("planned", life::planned),
    ("chains", chains),
    ("erasing", life::erasing),
    ("settled", life::settled),
    ("held", held),
    ("released", released::released),
    ("released_whole", released::released_whole),
    ("released_twice", released::released_twice),
    ("released_of_two", released::released_of_two),
    ("released_late", released::released_late),
    ("returned", returned::returned_by_the_next_hop),
    ("never_left", returned::a_release_that_never_left),
    ("nodes", node::nodes),
    ("deliveries", deliveries),
    ("promises", promises),
    ("passages", passages),
    ("together", together),
    ("alone", alone),
    ("copies", copies),
    ("templates", templates),
    ("ahead", super::ahead::ahead),
];

#[test]
fn a_file_keeps_the_contract() {
    for (name, story) in STORIES {
        println!("{name}");
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("register.db");
        story(&Two { here: Store::open(&path).unwrap(), there: Store::open(&path).unwrap() });
    }
}

#[test]
fn postgresql_keeps_the_contract() {
    let server = Server::start().unwrap();
    for (name, story) in STORIES {
        println!("{name}");
        let url = ServerUrl::parse(&server.database(name)).unwrap();
        story(&Two { here: Store::connect(&url).unwrap(), there: Store::connect(&url).unwrap() });
    }
}

pub(super) fn words(text: &str) -> Words {
    Words::checked(text, |_| true).unwrap()
}

pub(super) fn by(at: DateTime<Utc>) -> By {
    By { who: words("Dorte DPO"), at, reason: Some(words("aftalt på møde")) }
}

pub(super) fn act(store: &Store, case: &CaseId, act: &Act, now: DateTime<Utc>) -> Result<State, Refused> {
    store.record(|recording| recording.act(case, act, &by(now))).unwrap().unwrap().map(|moved| moved.state)
}

fn cases(two: &Two) {
    let first = join(&two.here, &found(1, at(0), Outcome::Delivered { certain: false }), 1);
    assert!(first.opened && first.state == State::Suspected);
    let again = join(&two.there, &found(1, at(1), Outcome::Delivered { certain: false }), 1);
    assert_eq!((again.attempts, &again.case, again.salt), (2, &first.case, first.salt), "it came again");
    let other = join(&two.there, &found(2, at(2), CERTAIN), 1);
    assert_eq!((&other.case, other.state, other.opened), (&first.case, State::Assessing, false));
    let near = join(&two.here, &found(3, at(3), Outcome::Stopped), 2);
    assert_ne!(near.case, first.case);
    let rows = two.there.cases().unwrap();
    assert_eq!(rows.iter().map(|row| &row.id).collect::<Vec<_>>(), [&first.case, &near.case]);
    let row = &rows[0];
    assert_eq!((row.mails, row.persons, row.records, row.kind), (2, 3, 4, Kind::Breach));
    assert_eq!((row.detected_at, row.last_at, row.aware_at), (at(0), at(2), Some(at(0))));
    assert_eq!(row.deadline, Some(at(72)));
    assert!(row.sealed && row.persons_exact);
    assert_eq!((rows[1].kind, rows[1].deadline, rows[1].aware_at), (Kind::NearMiss, None, None));
    let file = two.there.case(&first.case).unwrap().unwrap();
    assert_eq!(
        file.entries.iter().map(|one| one.event.as_str()).collect::<Vec<_>>(),
        ["opened", "confirmed"]
    );
    assert_eq!(file.messages.len(), 2);
    assert_eq!(
        (file.messages[1].attempts, file.messages[1].recipient_domains.as_str()),
        (2, "a.example b.example")
    );
    assert_eq!(two.here.cases_of(row.incident).unwrap().len(), 1);
    assert!(two.here.case(&CaseId::new(1999, 1)).unwrap().is_none());
    for words in [&["name", "account"][..], &["name"]] {
        two.here.record(|recording| recording.add_beside(&first.case, words)).unwrap();
    }
    let beside = two.there.beside(&first.case).unwrap();
    assert_eq!(beside, [("name".to_owned(), 2), ("account".to_owned(), 1)]);
    let domains = two.there.reached_domains(&first.case).unwrap();
    assert_eq!(domains, [("a.example".to_owned(), 2, 4), ("b.example".to_owned(), 2, 4)]);
    two.here.record(|recording| recording.tally_unread(at(0), &["image", "damaged"], "deliver")).unwrap();
    two.there.record(|recording| recording.tally_unread(at(30), &["image"], "deliver")).unwrap();
    let tally = two.there.unread_tally().unwrap();
    assert_eq!(
        tally,
        [("damaged".to_owned(), "deliver".to_owned(), 1), ("image".to_owned(), "deliver".to_owned(), 2)]
    );
    assert_eq!(two.here.node_key_check().unwrap(), None);
    assert_eq!(two.here.bind_node_key([7; 16]).unwrap(), [7; 16]);
    assert_eq!(two.there.bind_node_key([8; 16]).unwrap(), [7; 16], "the first one counts");
}

fn acts(two: &Two) {
    let case = join(&two.here, &found(1, at(0), Outcome::Delivered { certain: false }), 1).case;
    assert!(matches!(act(&two.there, &case, &Act::Close, at(1)), Err(Refused::State { .. })));
    assert_eq!(two.here.case(&case).unwrap().unwrap().entries.len(), 1, "what is refused leaves nothing");
    assert_eq!(act(&two.there, &case, &Act::Confirm, at(1)), Ok(State::Assessing));
    let preliminary = Act::Notified {
        at: at(70),
        phase: Phase::Preliminary,
        reference: Some(words("2026-442-1")),
        late: None,
    };
    assert_eq!(act(&two.here, &case, &preliminary, at(71)), Ok(State::NotifiedPreliminary));
    for (field, value) in
        [(Field::Cause, "opsætning"), (Field::Measures, "Rettet"), (Field::Measures, "Rettet, og testet")]
    {
        act(&two.there, &case, &Act::Record(field, value.to_owned()), at(72)).unwrap();
    }
    assert_eq!(
        act(&two.there, &case, &Act::Supplemented { at: at(90), is_final: true }, at(91)),
        Ok(State::NotifiedFinal)
    );
    act(&two.here, &case, &Act::Inform(Communication::NotRequired), at(92)).unwrap();
    assert!(
        matches!(act(&two.here, &case, &Act::Close, at(93)), Err(Refused::Missing(missing)) if missing.len() == 1)
    );
    let receipt = NewReceipt { is_notification: true, sha256: [3; 32], file: "aa.pdf", size: 12 };
    let keep = |store: &Store| {
        store.record(|recording| recording.add_receipt(&case, &receipt, &by(at(94)))).unwrap()
    };
    assert!(keep(&two.here) && !keep(&two.there), "one paper is kept once");
    let task =
        two.here.record(|r| r.add_task(&case, &words("Ret opsætningen"), &words("IT"), &by(at(94)))).unwrap();
    assert!(two.there.record(|r| r.task_done(&case, task, &by(at(95)))).unwrap());
    assert!(!two.there.record(|r| r.task_done(&case, task, &by(at(95)))).unwrap());
    assert_eq!(act(&two.there, &case, &Act::Close, at(96)), Ok(State::Closed));
    let file = two.here.case(&case).unwrap().unwrap();
    assert_eq!(file.facts[&Field::Measures], "Rettet, og testet");
    assert_eq!((file.receipts.len(), file.tasks[0].done_at), (1, Some(at(95))));
    let changed =
        file.entries.iter().find(|one| one.detail.contains("før") || one.detail.contains("before")).unwrap();
    assert!(changed.detail.contains("\"before\":\"Rettet\""), "{}", changed.detail);
    let last = file.entries.last().unwrap();
    assert_eq!(
        (last.from.as_deref(), last.to.as_deref(), last.who.as_str()),
        (Some("notified_final"), Some("closed"), "Dorte DPO")
    );
    assert_eq!(file.row.kind, Kind::Breach, "closed, and a breach all the same");
    assert!(two.here.record(|r| r.act(&CaseId::new(1999, 1), &Act::Close, &by(at(0)))).unwrap().is_none());
}

fn chains(two: &Two) {
    let case = join(&two.here, &found(1, at(0), CERTAIN), 1).case;
    join(&two.there, &found(2, at(0), CERTAIN), 2);
    act(&two.there, &case, &Act::Record(Field::Description, "En mail".to_owned()), at(1)).unwrap();
    let verified = two.here.verify(None).unwrap();
    assert_eq!(
        verified.iter().map(|one| (one.lines, one.head.is_ok())).collect::<Vec<_>>(),
        [(2, true), (1, true)]
    );
    assert_eq!(two.there.verify(Some(&case)).unwrap(), verified[..1]);
    assert!(two.here.last_anchor().unwrap().is_none());
    assert!(two.here.record(|recording| recording.anchor(at(1))).unwrap());
    assert!(
        !two.there.record(|recording| recording.anchor(at(1))).unwrap(),
        "once an hour, by whichever node"
    );
    let first = two.there.last_anchor().unwrap().unwrap();
    assert_eq!((first.cases, first.at), (2, at(1)));
    assert!(two.there.record(|recording| recording.anchor(at(2))).unwrap());
    assert_ne!(two.here.last_anchor().unwrap().unwrap().hash, first.hash);
}

fn held(two: &Two) {
    let case = join(&two.here, &found(1, at(0), Outcome::Stopped), 1).case;
    let domains = ["a.example".to_owned()];
    let cases = [HeldIn { case: case.clone(), message: Some(digest(1)) }];
    let mail = |name: &'static str, place| NewHeld {
        name,
        place,
        node: "relay",
        at: at(0),
        size: 100,
        sender: [5; 16],
        sender_domain: "noerreby.example",
        recipient_domains: &domains,
        recipients: 1,
        dpo: "dpo@noerreby.example",
        cases: &cases,
        tell: true,
    };
    let hold =
        |store: &Store, name, place| store.record(|recording| recording.hold(&mail(name, place))).unwrap();
    assert!(hold(&two.here, "abc", Place::Spool) && !hold(&two.there, "abc", Place::Spool));
    assert!(hold(&two.here, "4bXq", Place::Postfix) && hold(&two.here, "def", Place::Spool));
    let row = two.there.held_named("abc").unwrap().unwrap();
    assert_eq!((row.cases.as_slice(), row.state, row.size), (&[case.clone()][..], HeldState::Waiting, 100));
    assert_eq!(two.there.held_of_file("relay", "abc").unwrap(), Some(row.clone()));
    assert_eq!(two.there.held(false).unwrap().len(), 3);
    let close = act(&two.there, &case, &Act::Close, at(1));
    assert!(
        matches!(close, Err(Refused::Missing(missing)) if missing[0].contains("3 of its mails are held"))
    );
    let due = two.there.due_tellings("relay", at(1)).unwrap();
    assert_eq!(due.len(), 3);
    two.there.told(row.row, Telling::Held, at(1), None).unwrap();
    two.there.telling_delayed(due[1].held.row, Telling::Held, at(1) + TimeDelta::minutes(30), "451").unwrap();
    assert_eq!(two.here.told_of_holds([5; 16], at(0)).unwrap(), 1);
    assert_eq!(two.here.due_tellings("relay", at(1)).unwrap().len(), 1);
    two.here.held_alarmed(&[row.row], at(2)).unwrap();
    two.here.held_arrived(row.row, at(0)).unwrap();
    let decide = |store: &Store, row: i64, act| {
        store.record(|recording| recording.decide(row, act, "Dorte DPO", "aftalt", at(3))).unwrap()
    };
    assert_eq!(decide(&two.there, row.row, HeldAct::Clear), Some(vec![case.clone()]), "a breach from now on");
    assert_eq!(decide(&two.here, row.row, HeldAct::Discard), None, "decided already");
    let now = two.here.case(&case).unwrap().unwrap().row;
    assert_eq!((now.state, now.aware_at), (State::Assessing, Some(at(3))));
    two.here.held_began(row.row, at(4)).unwrap();
    two.here.held_accepted(row.row, at(4)).unwrap();
    two.here.held_delayed(row.row, at(5), "451").unwrap();
    two.here.record(|r| r.refused(row.row, "550", at(5))).unwrap();
    assert_eq!(two.there.held_named("abc").unwrap().unwrap().state, HeldState::Waiting);
    decide(&two.here, row.row, HeldAct::Discard).unwrap();
    assert!(
        two.there.record(|r| r.settle(row.row, HeldState::Discarded, "brevdue", "slettet", at(6))).unwrap()
    );
    assert!(!two.here.record(|r| r.settle(row.row, HeldState::Gone, "brevdue", "væk", at(7))).unwrap());
    let entries = two.here.held_entries(row.row).unwrap();
    assert!(entries.iter().any(|one| one.event == "discard") && entries.len() >= 6, "{entries:?}");
    let other = two.here.held_named("def").unwrap().unwrap();
    let sent = two
        .there
        .record(|r| r.decide_digital_post(other.row, "order", "Dorte DPO", "aftalt", at(3)))
        .unwrap();
    assert_eq!(sent, Some(vec![]), "Digital Post is no breach");
    two.there.record(|r| r.undone(other.row, "too large", at(4))).unwrap();
    two.there.record(|r| r.note(&other, "Dorte DPO", "exported", "set", at(5))).unwrap();
    let tally = two.here.held_tally().unwrap();
    assert!(tally.of.contains(&(HeldState::Waiting, 2)) && tally.oldest == Some(at(0)), "{tally:?}");
}

fn deliveries(two: &Two) {
    let detection = found(1, at(0), CERTAIN);
    let id = detection.queue_id.clone().unwrap();
    let case = join(&two.here, &detection, 1).case;
    assert_eq!(two.there.mail_of(&id).unwrap().as_deref(), Some(id.as_str()));
    let logged = |status, at| Logged {
        mail: id.as_str(),
        queue_id: &id,
        at,
        domain: "a.example",
        transport: "smtp",
        relay: "mx.a.example[192.0.2.1]:25",
        status,
        proof: if status == "sent" { "plaintext" } else { "nothing" },
        protocol: "",
        cipher: "",
    };
    for (status, hour) in [("deferred", 1), ("deferred", 3), ("deferred", 2), ("sent", 4)] {
        two.there.record(|recording| recording.log_delivery(&logged(status, at(hour)))).unwrap();
    }
    let (rows, gone) = two.here.deliveries(id.as_str()).unwrap();
    assert_eq!(rows.iter().map(|row| (row.times, row.last_at)).collect::<Vec<_>>(), [(3, at(3)), (1, at(4))]);
    assert!(!gone);
    let journeys = two.here.journeys(&case, 10).unwrap();
    assert_eq!((journeys.len(), journeys[0].disposition()), (1, "sent"));
    let message = two.here.case(&case).unwrap().unwrap().messages.remove(0);
    assert_eq!(
        (message.disposition.as_str(), message.proofs.as_slice()),
        ("sent", &["plaintext".to_owned()][..])
    );
    let new = QueueId::new("NEWNAME1").unwrap();
    two.here.record(|recording| recording.name_mail(&new, id.as_str(), at(5))).unwrap();
    two.here.record(|recording| recording.name_gone(&id)).unwrap();
    assert_eq!(
        (two.there.mail_of(&id).unwrap(), two.there.mail_of(&new).unwrap().as_deref()),
        (None, Some(id.as_str()))
    );
    two.here.record(|recording| recording.name_mail(&id, id.as_str(), at(6))).unwrap();
    assert!(two.there.mail_of(&id).unwrap().is_some(), "a name that is used again is there again");
    let bypassed = |at| Bypassed {
        at,
        queue_id: &id,
        transport: "smtp",
        relay: "mx",
        recipient: "dpo@noerreby.example",
    };
    for hour in [0, 0, 1] {
        two.here.record(|recording| recording.count_bypass(&bypassed(at(hour)), at(hour))).unwrap();
    }
    let notice = two.there.bypass_to_tell(at(2)).unwrap().unwrap();
    assert_eq!((notice.mails, notice.hours.len(), notice.first_at), (3, 2, at(0)));
    two.there.bypass_delayed(&notice, at(3), "451").unwrap();
    assert!(two.here.bypass_to_tell(at(2)).unwrap().is_none());
    two.there.bypass_told(&notice, at(3)).unwrap();
    assert!(two.here.bypass_to_tell(at(9)).unwrap().is_none());
    assert_eq!(two.here.bypassed_since(at(-1)).unwrap(), 3);
    assert_eq!(two.here.bypassed_since(at(100)).unwrap(), 0);
}

fn promises(two: &Two) {
    let promise = |message: u32, grouping: u32| Promise {
        detection: found(message, at(0), CERTAIN),
        domains: vec!["a.example".to_owned()],
        grouping: digest(grouping),
        root: digest(grouping),
        controller: controller(),
        source: Some(("Boliglån".to_owned(), Some("Leverandør".to_owned()))),
    };
    let (kept, broken) = (promise(1, 1), promise(2, 1));
    for one in [&kept, &broken] {
        let salt = two.here.record(|recording| {
            let salt = recording.promise_salt(one.grouping, [9; 16])?;
            assert!(recording.promise(one)?);
            recording.promise_persons(&one.detection.message, &[digest(50), digest(51)])?;
            recording.promise_persons(&one.detection.message, &[digest(51)])?;
            Ok(salt)
        });
        assert_eq!(salt.unwrap(), [9; 16]);
    }
    assert!(!two.there.record(|recording| recording.promise(&kept)).unwrap(), "made once");
    assert_eq!(two.there.promises_open().unwrap(), 2);
    assert!(two.there.has_promise(&kept.detection.message).unwrap());
    assert_eq!(two.there.promises_before(at(1)).unwrap().len(), 2);
    let id = kept.detection.queue_id.clone().unwrap();
    let found = two.there.promises_of(id.as_str()).unwrap().remove(0);
    assert_eq!((found.source, found.domains), (kept.source.clone(), kept.domains.clone()));
    two.there.record(|recording| recording.drop_promise(&kept)).unwrap();
    assert_eq!(two.here.mail_of(&id).unwrap(), None, "nothing of it stays");
    let joined =
        two.here.record(|r| r.break_promise(&broken, at(5), [1; 16], "logget som klartekst")).unwrap();
    assert_eq!((joined.opened, joined.salt), (true, [9; 16]));
    let row = two.there.case(&joined.case).unwrap().unwrap().row;
    assert_eq!((row.mails, row.persons, row.source.as_deref()), (1, 2, Some("Boliglån")));
    assert_eq!(two.there.promises_open().unwrap(), 0);
}

fn passages(two: &Two) {
    let passage = |reason: Reason| Passage {
        at: at(0),
        message: digest(1),
        reason,
        queue_id: None,
        sender_domain: String::new(),
        recipient_domains: vec!["a.example".to_owned()],
        recipients: 1,
        findings: 1,
        persons: 1,
    };
    let exempt = passage(Reason::Exempt {
        name: "prøve".to_owned(),
        by: "Dorte DPO".to_owned(),
        reason: "test".to_owned(),
        until: "2026-12-31".to_owned(),
    });
    let many = passage(Reason::ManyPersons { road: "sikker.example".to_owned() });
    for one in [&exempt, &exempt, &many] {
        two.here.record(|recording| recording.passed(one)).unwrap();
    }
    let rows = two.there.passages(10).unwrap();
    assert_eq!(rows.iter().map(|row| row.why.as_str()).collect::<Vec<_>>(), ["many_persons", "exempt"]);
    assert_eq!(rows[1].until, "2026-12-31");
}

/// Many at once, from both sides: each message is counted once, and all are in one case.
fn together(two: &Two) {
    std::thread::scope(|scope| {
        for lane in 0..8_u32 {
            let store = if lane % 2 == 0 { &two.here } else { &two.there };
            scope.spawn(move || {
                for number in 0..25 {
                    let joined = join(store, &found(lane * 100 + number, at(0), CERTAIN), 1);
                    assert_eq!(joined.attempts, 1);
                    // What was answered for is there for everybody.
                    assert!(store.case(&joined.case).unwrap().unwrap().row.mails > 0);
                }
            });
        }
    });
    let rows = two.here.cases().unwrap();
    assert_eq!((rows.len(), rows[0].mails, rows[0].persons, rows[0].records), (1, 200, 201, 400));
    assert!(two.there.verify(None).unwrap().iter().all(|one| one.head.is_ok()));
}

/// One that fails takes nothing of the others with it, and leaves nothing of its own.
fn alone(two: &Two) {
    std::thread::scope(|scope| {
        for lane in 0..6_u32 {
            scope.spawn(move || {
                for number in 0..10 {
                    let detection = found(lane * 100 + number, at(0), CERTAIN);
                    if lane % 3 == 0 {
                        let controller = controller();
                        let opening = brevdue::store::Opening {
                            controller: &controller,
                            source: None,
                            root: digest(1),
                            grouping: digest(1),
                            salt: digest(1),
                        };
                        // One is given up by its doer, and of the next the database refuses the last statement.
                        let is_refused = number % 2 == 0;
                        let failed = two.here.record(|recording| {
                            let joined = recording.join(&detection, &opening)?;
                            if is_refused {
                                return recording.add_beside(&joined.case, &["no such word"]);
                            }
                            Err(brevdue::store::StoreError::Beside("as told by the test".to_owned()))
                        });
                        let why = failed.unwrap_err().to_string();
                        assert_eq!(why.contains("as told"), !is_refused, "{why}");
                    } else {
                        join(&two.here, &detection, 1);
                    }
                }
            });
        }
    });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        two.here.record(|recording| -> Result<(), brevdue::store::StoreError> {
            recording.tally_unread(at(0), &["image"], "deliver")?;
            panic!("as told by the test")
        })
    }));
    assert!(panicked.is_err() && two.there.unread_tally().unwrap().is_empty());
    let row = two.there.cases().unwrap().remove(0);
    assert_eq!(row.mails, 40, "four lanes of ten");
}

/// A mail of an archive is known, by whom it was found in whatever way, and a copy of it adds what it says more.
fn copies(two: &Two) {
    let doubt = Outcome::Delivered { certain: false };
    let case = join(&two.here, &found(1, at(0), doubt), 1).case;
    let stopped = join(&two.here, &found(2, at(0), Outcome::Stopped), 2).case;
    let sent = at(-24 * 365 * 5);
    two.here
        .record(|recording| {
            recording.note_archived(&digest(1), &digest(11), Some(sent))?;
            recording.note_content(&digest(2), &digest(12))
        })
        .unwrap();
    let known = |content: u32| {
        let known =
            two.there.record(|recording| recording.known_contents(&[digest(11), digest(12), digest(13)]));
        known.unwrap().remove(&digest(content)).unwrap_or_default()
    };
    let mail = known(11).remove(0);
    assert!(mail.left && mail.archived && mail.case == case && mail.salt == digest(1), "{mail:?}");
    assert_eq!((mail.sent_at, mail.at, mail.domains.len()), (Some(sent), at(0), 2));
    let averted = known(12).remove(0);
    assert!(!averted.left && !averted.archived && !averted.rerouted && averted.case == stopped);
    assert!(known(13).is_empty());

    // A copy that went by an open way to somebody else, with a number more.
    let mut copy = found(3, at(5), CERTAIN);
    copy.recipient_domains = vec!["c.example".to_owned()];
    let add = |new| two.there.record(|recording| recording.add_copy(&mail, &copy, 1, new)).unwrap();
    let brought = add(1);
    assert!(brought.confirmed && !brought.after);
    let file = two.here.case(&case).unwrap().unwrap();
    assert_eq!((file.row.state, file.row.mails, file.row.records), (State::Assessing, 1, 3));
    assert_eq!(file.messages[0].recipient_domains, "a.example b.example c.example");
    assert_eq!(file.row.aware_at, Some(at(0)), "aware when it was found first");
    let brought = add(0);
    assert!(!brought.confirmed && !brought.after, "nothing is new");
    assert_eq!(
        two.here.record(|recording| recording.newest_line([0; 16], Some(&case))).unwrap(),
        Some(at(5))
    );
    assert_eq!(two.here.record(|recording| recording.newest_line(digest(1), None)).unwrap(), Some(at(5)));

    // A suspicion that was refuted, and a copy that surely left.
    let refuted = join(&two.here, &found(4, at(0), doubt), 4).case;
    two.here.record(|recording| recording.note_content(&digest(4), &digest(14))).unwrap();
    assert_eq!(act(&two.here, &refuted, &Act::Refute, at(1)), Ok(State::NoBreach));
    let known = two.here.record(|recording| recording.known_contents(&[digest(14)])).unwrap();
    let mail = &known[&digest(14)][0];
    let brought = two.here.record(|recording| recording.add_copy(mail, &copy, 0, 0)).unwrap();
    assert!(brought.after && !brought.confirmed);
    assert!(two.there.record(|recording| recording.add_copy(mail, &copy, 0, 0)).unwrap().after);
    assert_eq!(two.here.case(&refuted).unwrap().unwrap().row.hits_after, 1, "read once more it is no other");
}

/// Both learn what a letter is, and what is like no letter is one template for both.
fn templates(two: &Two) {
    use brevdue::case::template::{Letter, Mark, Templates};
    let letter = |number: u8, pairs: &[u32]| Letter {
        source: [1; 16],
        mark: Mark::new(vec![1, 2, 3], pairs),
        name: [number; 16],
        persons: [number; 16],
        others: [255; 16],
    };
    let with_free_text = |number: u8| -> Vec<u32> {
        (0..30).chain((0..90).map(|at| 1_000 * u32::from(number) + 1_000 + at)).collect()
    };
    for (number, store) in [(1, &two.here), (2, &two.there), (3, &two.here), (4, &two.there)] {
        assert_eq!(
            store.template(&letter(number, &with_free_text(number)), at(0)).unwrap(),
            [1; 16],
            "{number}"
        );
    }
    let mut others = 0;
    for number in 10..100_u8 {
        let free: Vec<u32> = (0..60).map(|at| 1_000_000 + 100 * u32::from(number) + at).collect();
        let store = if number % 2 == 0 { &two.here } else { &two.there };
        others += usize::from(store.template(&letter(number, &free), at(1)).unwrap() == [255; 16]);
    }
    assert_eq!(others, 90 - Templates::ONCE);
    // A letter comes again, there, and makes room here.
    let again = (0..60).map(|at| 1_001_000 + at).collect::<Vec<_>>();
    assert_eq!(two.there.template(&letter(200, &again), at(2)).unwrap(), [10; 16]);
    let new: Vec<u32> = (2_000_000..2_000_060).collect();
    assert_eq!(two.here.template(&letter(201, &new), at(3)).unwrap(), [201; 16]);
}
