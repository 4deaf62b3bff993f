//! How fast messages join their case, and how fast the list is. The bounds are the issue's; `tests/register-long` runs them,
//! because they are of an optimised build on a machine that does nothing else.

use super::{CERTAIN, at, digest, found, join};
use crate::support::postgres::Server;
use brevdue::store::{ServerUrl, Store};
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
