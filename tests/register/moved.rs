//! A register of version 4 with rows in every table, on a file and on a server: brought up to date it has everything that it had,
//! its chains can be followed, and the two say the same of it, then and after it was worked with.
//!
//! Start reading at [`STORY`], which both databases are told in the words of that version.

use super::{CERTAIN, at, controller, digest, found};
use crate::support::postgres::Server;
use crate::support::register::Register;
use brevdue::case::act::{Act, By, Phase};
use brevdue::case::field::{Field, Words};
use brevdue::case::{CaseId, Kind, State};
use brevdue::envelope::QueueId;
use brevdue::store::held::Act as HeldAct;
use brevdue::store::{Opening, ServerUrl, Store};
use std::collections::BTreeMap;
use std::fmt::Write;
use tempfile::TempDir;

/// `at(H)` is an hour of the story, `blob(N)` sixteen bytes of N: the one thing that the two databases write differently.
const STORY: &str = "
INSERT INTO binding (one, node_key_check) VALUES (1, blob(77));
INSERT INTO incident (source, vendor, opened_at, root) VALUES ('bolig', 'Leverandør A/S', at(0), blob(101)), (NULL, NULL, at(1), NULL);
INSERT INTO breach_case (id, incident, grouping, controller_cvr, controller_name, dpo, state, detected_at, aware_at, deadline,
        clock_version, salt, sealed) VALUES
    ('BRV-2026-0001', 1, blob(1), '12345678', 'Nørreby Kommune', 'dpo@noerreby.example', 'near_miss', at(0), NULL, NULL, 1, blob(11), 1),
    ('BRV-2026-0002', 1, blob(2), '12345678', 'Nørreby Kommune', 'dpo@noerreby.example', 'assessing', at(1), at(-9), at(63), 2, blob(12), 1),
    ('BRV-2026-0003', 2, blob(3), '87654321', 'Sønderby Kommune', 'dpo@soenderby.example', 'suspected', at(2), at(2), at(74), 1, blob(13), 0);
INSERT INTO detection (case_id, message, attempts, at, queue_id, verdict, outcome, sender_domain, recipient_domains, recipients,
        findings, persons, persons_exact) VALUES
    ('BRV-2026-0001', blob(21), 1, at(0), '4bX1', 'hold', 'stopped', 'noerreby.example', 'a.example', 1, 1, 1, 1),
    ('BRV-2026-0001', blob(22), 7, at(5), NULL, 'block', 'stopped', 'noerreby.example', 'b.example', 2, 3, 2, 1),
    ('BRV-2026-0002', blob(23), 1, at(1), '4bX3', 'deliver', 'delivered', 'noerreby.example', 'a.example b.example', 2, 3, 2, 1),
    ('BRV-2026-0002', blob(24), 2, at(4), '4bX4', 'deliver', 'delivered', 'noerreby.example', 'c.example', 1, 9, 1000, 0),
    ('BRV-2026-0003', blob(25), 1, at(2), '4bX5', 'deliver', 'delivered', 'soenderby.example', 'a.example', 1, 1, 1, 1);
INSERT INTO person (case_id, digest) VALUES ('BRV-2026-0001', blob(31)), ('BRV-2026-0001', blob(32)), ('BRV-2026-0002', blob(31)),
    ('BRV-2026-0002', blob(33)), ('BRV-2026-0002', blob(34)), ('BRV-2026-0003', blob(31));
INSERT INTO register_entry (case_id, ordinal, at, who, event, from_state, to_state, reason) VALUES
    ('BRV-2026-0001', 1, at(0), 'brevdue', 'opened', NULL, 'near_miss', 'afværget: tilbageholdt'),
    ('BRV-2026-0002', 1, at(1), 'brevdue', 'opened', NULL, 'suspected', 'afsendt uden kryptering'),
    ('BRV-2026-0002', 2, at(3), 'Dorte DPO', 'aware', 'suspected', 'assessing', 'opdaget æøå ''i går'''),
    ('BRV-2026-0003', 1, at(2), 'brevdue', 'opened', NULL, 'suspected', 'måske');
INSERT INTO notice (case_id, milestone, ordinal, clock_version, recipient, channel, due_at, state, next_try_at, attempts, last_error,
        sent_at, begun_at) VALUES
    ('BRV-2026-0001', 'opened', 1, 1, 'dpo@noerreby.example', 'mail', at(0), 'sent', at(0), 0, NULL, at(1), at(1)),
    ('BRV-2026-0002', 'opened', 1, 1, 'dpo@noerreby.example', 'mail', at(1), 'sent', at(1), 2, '451 senere', at(2), NULL),
    ('BRV-2026-0002', 'left-48h', 1, 2, 'dpo@noerreby.example', 'mail', at(15), 'merged', at(15), 0, NULL, NULL, NULL),
    ('BRV-2026-0002', 'left-24h', 1, 2, 'dpo@noerreby.example', 'mail', at(39), 'due', at(39), 0, NULL, NULL, NULL),
    ('BRV-2026-0003', 'opened', 1, 1, 'dpo@soenderby.example', 'mail', at(2), 'due', at(3), 4, 'tid udløbet', NULL, NULL);
INSERT INTO unread_tally (day, kind, verdict, messages) VALUES (20700, 'image', 'deliver', 12), (20701, 'damaged', 'hold', 1);
INSERT INTO passage (message, at, why, name, by_whom, reason, until, queue_id, sender_domain, recipient_domains, recipients, findings,
        persons) VALUES
    (blob(41), at(1), 'exempt', 'region', 'Dorte DPO', 'aftale', '2026-11-30', '4bXa', 'noerreby.example', 'a.example', 1, 2, 2),
    (blob(42), at(2), 'many_persons', 'sikker.example', '', '', '', NULL, 'noerreby.example', 'sikker.example', 1, 40, 40);
INSERT INTO mail_name (queue_id, mail, at, gone) VALUES ('4bX3', '4bX3', at(1), 1), ('4bX9', '4bX3', at(2), 0);
INSERT INTO delivery (mail, queue_id, domain, transport, relay, status, proof, protocol, cipher, first_at, last_at, times) VALUES
    ('4bX3', '4bX9', 'a.example', 'smtp', 'mx.a.example[192.0.2.1]:25', 'sent', 'plaintext', '', '', at(2), at(2), 1),
    ('4bX3', '4bX3', 'b.example', 'smtp', '', 'deferred', 'nothing', '', '', at(1), at(2), 17),
    ('4bX4', '4bX4', 'c.example', 'smtp', 'mx.c.example[192.0.2.2]:25', 'sent', 'verified', 'TLSv1.3', 'TLS_AES_256_GCM_SHA384', at(4), at(4), 1);
INSERT INTO promise (message, queue_id, at, verdict, domains, grouping, root, controller_cvr, controller_name, dpo, source, vendor,
        sealed, sender_domain, recipient_domains, recipients, findings, certain, persons, persons_exact) VALUES
    (blob(51), '4bXp', at(3), 'reroute', 'sikker.example', blob(4), blob(104), '12345678', 'Nørreby Kommune', 'dpo@noerreby.example',
        NULL, NULL, 1, 'noerreby.example', 'sikker.example', 1, 1, 1, 1, 1);
INSERT INTO promise_person (message, digest) VALUES (blob(51), blob(35));
INSERT INTO promise_salt (grouping, salt) VALUES (blob(4), blob(14));
INSERT INTO bypass (hour, mails, first_at, last_at, queue_id, transport, relay, recipient, told, told_at, next_try_at, attempts) VALUES
    (496910, 3, at(1), at(1), '4bXb', 'smtp', 'mx.b.example[192.0.2.3]:25', 'dpo@noerreby.example', 2, at(1), at(2), 1);
INSERT INTO held (name, place, node, at, arrived_at, size, sender, sender_domain, recipient_domains, recipients, dpo, state, act,
        decided_by, why, decided_at, began_at, accepted_at, settled_at, attempts, next_try_at, last_error, alarmed_at) VALUES
    ('4bX1', 'postfix', 'relay', at(0), at(0), 900, blob(61), 'noerreby.example', 'a.example', 1, 'dpo@noerreby.example', 'waiting',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, at(4)),
    ('abc', 'spool', 'relay', at(5), NULL, 90, blob(61), 'noerreby.example', 'b.example', 2, 'dpo@noerreby.example', 'approved',
        'protected', 'Dorte DPO', 'aftalt', at(6), at(6), NULL, NULL, 3, at(8), '450', NULL),
    ('def', 'spool', 'relay', at(5), NULL, 91, blob(62), '', 'b.example', 1, 'dpo@noerreby.example', 'discarded',
        'discard', 'Dorte DPO', 'forkert', at(6), NULL, NULL, at(7), 0, 0, NULL, NULL);
INSERT INTO held_case (held, case_id) VALUES (1, 'BRV-2026-0001'), (2, 'BRV-2026-0001');
INSERT INTO held_entry (held, ordinal, at, who, event, reason) VALUES (1, 1, at(0), 'brevdue', 'held', 'cpr'),
    (2, 1, at(5), 'brevdue', 'held', 'cpr'), (2, 2, at(6), 'Dorte DPO', 'approved', 'aftalt');
INSERT INTO held_telling (held, what, next_try_at, attempts, last_error, state, settled_at) VALUES
    (1, 'held', at(0), 0, NULL, 'told', at(0)), (2, 'held', at(5), 2, '451', 'due', NULL), (3, 'discarded', at(7), 0, NULL, 'left', at(8));
";

/// The story in the words of a database.
fn told(blob: fn(&str) -> String) -> String {
    let replaced = |text: &str, name: &str, say: &dyn Fn(&str) -> String| {
        let mut parts = text.split(name);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (number, rest) = part.split_once(')').unwrap();
            out.push_str(&say(number));
            out.push_str(rest);
        }
        out
    };
    let hour = |number: &str| at(number.parse().unwrap()).timestamp().to_string();
    let bytes = |number: &str| blob(&format!("{:02x}", number.parse::<u8>().unwrap()).repeat(16));
    replaced(&replaced(STORY, "blob(", &bytes), " at(", &|number| format!(" {}", hour(number)))
}

/// Every row of every table as it was made: by table, in words that the database chooses.
type Rows = BTreeMap<String, (Vec<String>, Vec<Vec<String>>)>;

/// What stands in these columns, or in all.
fn dump(register: &Register, columns: Option<&Rows>) -> Rows {
    let all = match register {
        Register::File(_) => {
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'"
        }
        Register::Server(_) => {
            "SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> 'schema_version'"
        }
    };
    let mut rows = Rows::new();
    if let Some(columns) = columns {
        rows.extend(
            columns.iter().map(|(table, (columns, _))| (table.clone(), (columns.clone(), Vec::new()))),
        );
    } else {
        for pair in register.rows(all) {
            let [table, column] = <[String; 2]>::try_from(pair).unwrap();
            rows.entry(table).or_default().0.push(column);
        }
    }
    for (table, (columns, found)) in &mut rows {
        let quoted = |column: &String| match register {
            Register::File(_) => format!("quote({column})"),
            Register::Server(_) => format!("quote_nullable(CAST({column} AS text))"),
        };
        let asked: Vec<String> = columns.iter().map(quoted).collect();
        *found = register.rows(&format!("SELECT {} FROM {table}", asked.join(", ")));
        found.sort();
    }
    rows
}

/// All that the register says when it is asked: the same words for the same answers.
fn picture(store: &Store) -> String {
    let mut out = String::new();
    let mut add = |name: &str, what: &dyn std::fmt::Debug| writeln!(out, "{name}: {what:#?}").unwrap();
    let cases = store.cases().unwrap();
    add("cases", &cases);
    for row in &cases {
        add("case", &store.case(&row.id).unwrap());
        add("journeys", &store.journeys(&row.id, 10).unwrap());
        add("domains", &store.reached_domains(&row.id).unwrap());
        add("standing", &store.standing(&row.id).unwrap());
        add("sent", &store.sent(&row.id).unwrap().undated);
    }
    for hour in [0, 3, 40, 100] {
        add("due", &store.due_notices(at(hour)).unwrap());
        add("bypass", &store.bypass_to_tell(at(hour)).unwrap());
        add("tellings", &store.due_tellings("relay", at(hour)).unwrap());
    }
    add("next", &store.next_notice_at().unwrap());
    add("key", &store.node_key_check().unwrap());
    add("unread", &store.unread_tally().unwrap());
    add("passages", &store.passages(10).unwrap());
    add("mail", &store.mail_of(&QueueId::new("4bX9").unwrap()).unwrap());
    add("deliveries", &store.deliveries("4bX3").unwrap());
    add("travelled", &store.travelled().unwrap());
    add("promises", &store.promises_of("4bXp").unwrap());
    let held = store.held(true).unwrap();
    add("held", &held);
    for one in &held {
        add("entries", &store.held_entries(one.row).unwrap());
    }
    let chains = store.verify(None).unwrap();
    assert!(chains.iter().all(|one| one.head.is_ok()), "{chains:?}");
    add("chains", &chains.iter().map(|one| (&one.case, one.lines)).collect::<Vec<_>>());
    out
}

/// What people and mails do to it afterwards.
fn live_on(store: &Store) {
    let case = CaseId::new(2026, 2);
    let by = |hour| By { who: Words::checked("Dorte DPO", |_| true).unwrap(), at: at(hour), reason: None };
    // A mail of the same cause finds its case, and one of the same cause and another controller its incident.
    let join = |message, grouping: u8| {
        let controller = controller();
        let (grouping, root) = ([grouping; 16], [101; 16]);
        let opening =
            Opening { controller: &controller, source: None, root, grouping, salt: digest(message) };
        store.record(|recording| recording.join(&found(message, at(10), CERTAIN), &opening)).unwrap()
    };
    let joined = join(900, 2);
    assert_eq!((&joined.case, joined.opened, joined.salt), (&case, false, [12; 16]));
    let other = join(901, 90);
    assert_eq!((other.case.as_str(), other.opened), ("BRV-2026-0004", true), "numbers go on");
    assert_eq!(store.cases_of(1).unwrap().len(), 3, "of the same incident");
    // What the mail server tells of a mail of before.
    let broken = store.promises_of("4bXp").unwrap().remove(0);
    store.record(|recording| recording.drop_promise(&broken)).unwrap();
    store.plan_open_cases(at(10)).unwrap();
    let acts = [
        (11, Act::Record(Field::Measures, "Rettet".to_owned())),
        (12, Act::Notified { at: at(12), phase: Phase::Preliminary, reference: None, late: None }),
        (13, Act::Supplemented { at: at(13), is_final: true }),
    ];
    for (hour, act) in acts {
        store.record(|recording| recording.act(&case, &act, &by(hour))).unwrap().unwrap().unwrap();
    }
    let waiting = store.held_named("4bX1").unwrap().unwrap();
    let decided = store
        .record(|recording| recording.decide(waiting.row, HeldAct::Protected, "Dorte DPO", "aftalt", at(14)));
    assert_eq!(decided.unwrap(), Some(Vec::new()));
    assert!(store.record(|recording| recording.anchor(at(14))).unwrap());
    let row = store.case(&case).unwrap().unwrap().row;
    assert_eq!((row.state, row.kind, row.mails), (State::NotifiedFinal, Kind::Breach, 3));
}

fn moved(register: &Register, open: impl Fn() -> Store) -> [String; 2] {
    let before = dump(register, None);
    assert!(before.len() > 15 && before.values().all(|(_, rows)| !rows.is_empty()), "{before:?}");
    let store = open();
    assert_eq!(dump(register, Some(&before)), before, "everything is kept");
    let at_first = picture(&store);
    // Once more changes nothing, not the salts of the chain either.
    let whole = dump(register, None);
    assert_eq!(picture(&open()), at_first);
    assert_eq!(dump(register, None), whole);
    live_on(&store);
    [at_first, picture(&store)]
}

#[test]
fn a_register_of_version_4_keeps_everything_on_both_databases() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("register.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    for step in [
        include_str!("../../src/store/schema/sqlite/1.sql"),
        include_str!("../../src/store/schema/sqlite/2.sql"),
        include_str!("../../src/store/schema/sqlite/3.sql"),
        include_str!("../../src/store/schema/sqlite/4.sql"),
        "PRAGMA user_version = 4",
        &told(|bytes| format!("x'{bytes}'")),
    ] {
        old.execute_batch(step).unwrap();
    }
    drop(old);
    let file = moved(&Register::File(path.clone()), || Store::open(&path).unwrap());

    let server = Server::start().unwrap();
    let url = of_version_4(&server, "moved");
    assert!(server.sql("moved", &told(|bytes| format!(r"'\x{bytes}'"))));
    let parsed = ServerUrl::parse(&url).unwrap();
    let shared = moved(&Register::Server(url), || Store::connect(&parsed).unwrap());
    for (file, shared) in file.iter().zip(&shared) {
        // By which number a database knows an alert is its own matter.
        let words = |text: &str| -> Vec<String> {
            let lines =
                text.lines().filter(|line| !line.trim_start().starts_with("id: ") || line.contains("BRV"));
            lines.map(str::to_owned).collect()
        };
        let (file, shared) = (words(file), words(shared));
        let differs = file.iter().zip(&shared).find(|(file, shared)| file != shared);
        assert!(file == shared, "{differs:?}");
    }
}

/// A database as version 4 left an empty one.
fn of_version_4(server: &Server, name: &str) -> String {
    let url = server.database(name);
    for step in [
        include_str!("../../src/store/schema/postgres/4.sql"),
        "CREATE TABLE schema_version (one BIGINT PRIMARY KEY CHECK (one = 1), version BIGINT NOT NULL);
         INSERT INTO schema_version VALUES (1, 4)",
    ] {
        assert!(server.sql(name, step));
    }
    url
}

/// It takes longer than any question may, and nodes that start meanwhile wait for it.
#[test]
#[ignore = "makes a million rows; tests/register-long runs it"]
fn a_large_register_is_moved_on_a_server_while_other_nodes_wait() {
    let server = Server::start().unwrap();
    let url = of_version_4(&server, "large");
    for step in [
        "INSERT INTO incident (opened_at) VALUES (1)",
        "INSERT INTO breach_case (id, incident, grouping, controller_cvr, controller_name, dpo, state, detected_at, aware_at,
                deadline, salt, sealed)
            SELECT 'BRV-2026-' || lpad(n::text, 4, '0'), 1, decode(md5(n::text), 'hex'), '12345678', 'A', 'd@a.example', 'assessing',
                n, n, n + 259200, decode(md5(n::text), 'hex'), 1 FROM generate_series(1, 5000) n",
        "INSERT INTO detection (case_id, message, at, verdict, outcome, sender_domain, recipient_domains, recipients, findings,
                persons, persons_exact)
            SELECT 'BRV-2026-' || lpad((1 + n % 5000)::text, 4, '0'), decode(md5(n::text), 'hex'), n, 'deliver', 'delivered',
                'a.example', 'b.example', 1, 1, 1, 1 FROM generate_series(1, 1000000) n",
        "INSERT INTO person (case_id, digest)
            SELECT 'BRV-2026-' || lpad((1 + n % 5000)::text, 4, '0'), decode(md5(n::text), 'hex') FROM generate_series(1, 1000000) n",
        "INSERT INTO register_entry (case_id, ordinal, at, who, event, reason)
            SELECT id, n, 1, 'brevdue', 'opened', 'x' FROM breach_case, generate_series(1, 10) n",
    ] {
        assert!(server.sql("large", step), "{step}");
    }
    let url = ServerUrl::parse(&url).unwrap();
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| Store::connect(&url).map(|_| ()))).collect();
        for start in starts {
            start.join().unwrap().unwrap();
        }
    });
    println!("5,000 cases with 1,000,000 messages and 50,000 lines moved in {:?}", began.elapsed());
    let store = Store::connect(&url).unwrap();
    let cases = store.cases().unwrap();
    assert_eq!(cases.len(), 5_000);
    assert!(cases.iter().all(|case| (case.mails, case.persons, case.records) == (200, 200, 200)));
    let proved = store.verify(Some(&CaseId::new(2026, 77))).unwrap();
    assert!(proved[0].head.is_ok() && proved[0].lines == 10);
}
