//! How fast messages join their case, and how fast the list is. The bounds are the issue's; `tests/register-long` runs them,
//! because they are of an optimised build on a machine that does nothing else.

use super::{CERTAIN, at, digest, found, join};
use crate::support::postgres::Server;
use brevdue::case::incident::Source;
use brevdue::clock::Clock;
use brevdue::envelope::{Address, Controller, Envelope, Pass, Verdict};
use brevdue::inspect::record::Register;
use brevdue::inspect::{Custody, Gate, Setup};
use brevdue::policy::{LeakAction, Policy};
use brevdue::scan::ruleset::Ruleset;
use brevdue::seal::NodeKey;
use brevdue::seal::keyfile::DpoPair;
use brevdue::spool::evidence::Evidence;
use brevdue::store::{ServerUrl, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Messages a second, when so many doors write at once.
fn rate(store: &Store, count: u32, doors: usize) -> f64 {
    let next = AtomicU32::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..doors {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= count {
                        return;
                    }
                    join(store, &found(number, at(0), CERTAIN), 1);
                }
            });
        }
    });
    assert_eq!(store.cases().unwrap()[0].mails, u64::from(count));
    f64::from(count) / began.elapsed().as_secs_f64()
}

#[test]
#[ignore = "of an optimised build on a quiet machine; tests/register-long runs it"]
fn messages_join_their_case_at_two_thousand_a_second() {
    let folder = TempDir::new().unwrap();
    let file = Store::open(&folder.path().join("register.db")).unwrap();
    let alone = rate(&file, 2_000, 1);
    let folder = TempDir::new().unwrap();
    let file = Store::open(&folder.path().join("register.db")).unwrap();
    let together = rate(&file, 100_000, 32);
    let server = Server::start().unwrap();
    let url = ServerUrl::parse(&server.database("speed")).unwrap();
    let shared = rate(&Store::connect(&url).unwrap(), 100_000, 32);
    println!(
        "one door {alone:.0}/s, SQLite by 32 doors {together:.0}/s, PostgreSQL by 32 doors {shared:.0}/s"
    );
    assert!(together >= 2_000.0 && shared >= 2_000.0);
}

/// A mail of one template to one person of a hundred thousand.
fn letter(number: u32) -> String {
    const WEIGHTS: [u32; 10] = [4, 3, 2, 7, 6, 5, 4, 3, 2, 1];
    let (day, month, year) = (1 + number % 28, 1 + number / 28 % 12, 50 + number / 336 % 40);
    let is_valid = |serial: &u32| {
        let digits = format!("{day:02}{month:02}{year}{serial}");
        let weighed = digits.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight);
        weighed.sum::<u32>() % 11 == 0
    };
    let serial = (1_000..).filter(is_valid).nth((number / 13_440) as usize).unwrap();
    format!(
        "Message-ID: <{number}@fagsystem.noerreby.example>\r\nSubject: Kvittering for din ansoegning\r\n\r\n\
         Kaere borger. Vi har modtaget din ansoegning om boligstoette.\r\n\
         CPR-nr.: {day:02}{month:02}{year}-{serial}\r\nDu hoerer fra os, naar den er behandlet.\r\n"
    )
}

/// Mails a second through the gate, when so many doors have one each: read, decided about, their person sealed, and recorded.
fn rate_of_gate(store: Store, count: u32, doors: u32) -> f64 {
    let (folder, pair) = (TempDir::new().unwrap(), DpoPair::generate());
    let controller = Controller {
        domains: vec!["noerreby.example".to_owned()],
        dpo_key: Some(pair.public.clone()),
        ..super::controller()
    };
    let source =
        Source { name: "Fagsystem".to_owned(), pattern: "@noerreby.example".to_owned(), vendor: None };
    let setup = Setup {
        rules: Arc::new(Ruleset::built_in().unwrap()),
        policy: Policy { leak: LeakAction::Deliver, ..Policy::default() },
        controllers: vec![controller],
        sources: vec![source],
        workers: None,
    };
    let (store, evidence) = (Arc::new(store), Evidence::below(folder.path()));
    let node_key = NodeKey::from_bytes([7; 32]);
    let register = Register { store: Arc::clone(&store), node_key, evidence: evidence.clone() };
    let gate = Arc::new(Gate::new(setup, register, Clock::System));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let next = Arc::new(AtomicU32::new(0));
    let began = Instant::now();
    let doors: Vec<_> = (0..doors)
        .map(|_| {
            let (gate, next) = (Arc::clone(&gate), Arc::clone(&next));
            runtime.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= count {
                        return;
                    }
                    let mut inspection = gate.begin();
                    inspection.envelope = Envelope {
                        sender: Address::parse(b"fagsystem@noerreby.example"),
                        recipients: Address::parse(b"borger@post.example").into_iter().collect(),
                        ..Envelope::default()
                    };
                    inspection.feed(letter(number).as_bytes());
                    let answer = inspection.decide(Custody::Upstream).await;
                    assert_eq!(answer.verdict(), Verdict::Deliver(Pass::Observed));
                }
            })
        })
        .collect();
    for door in doors {
        runtime.block_on(door).unwrap();
    }
    let took = began.elapsed().as_secs_f64();
    let cases = store.cases().unwrap();
    assert_eq!((cases.len(), cases[0].mails, cases[0].persons), (1, u64::from(count), u64::from(count)));
    let opened = evidence.open(&cases[0].id, pair.secret()).ok().unwrap();
    assert_eq!((opened.numbers.len(), opened.still_sealed), (count as usize, 0));
    f64::from(count) / took
}

#[test]
#[ignore = "of an optimised build on a quiet machine; tests/register-long runs it"]
fn leaks_go_through_the_gate_at_two_thousand_a_second() {
    let folder = TempDir::new().unwrap();
    let file = rate_of_gate(Store::open(&folder.path().join("register.db")).unwrap(), 100_000, 32);
    let server = Server::start().unwrap();
    let url = ServerUrl::parse(&server.database("gate")).unwrap();
    let shared = rate_of_gate(Store::connect(&url).unwrap(), 100_000, 32);
    println!(
        "through the gate by 32 doors, each mail with a person of its own: SQLite {file:.0}/s, PostgreSQL {shared:.0}/s"
    );
    assert!(file >= 2_000.0 && shared >= 2_000.0);
}

#[test]
#[ignore = "makes a million rows; tests/register-long runs it"]
fn a_register_of_a_million_messages_is_listed_in_fifty_milliseconds() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("register.db")).unwrap();
    let controller = super::controller();
    for case in 0..5_000_u32 {
        store
            .record(|recording| {
                for number in 0..200 {
                    let opening = brevdue::store::Opening {
                        controller: &controller,
                        source: None,
                        root: digest(case),
                        grouping: digest(case),
                        salt: digest(case),
                    };
                    recording
                        .join(&found(case * 200 + number, at(i64::from(case % 60)), CERTAIN), &opening)?;
                }
                Ok(())
            })
            .unwrap();
    }
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let began = Instant::now();
            assert_eq!(store.cases().unwrap().len(), 5_000);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("list of 5,000 cases with 1,000,000 messages: {:?} (middle of 9)", times[4]);
    assert!(times[4] < Duration::from_millis(50));
}
