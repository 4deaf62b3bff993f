//! Many machines over one register: nobody is told twice while all are healthy, and what a dead one had is told.
//!
//! On SQLite with two connections, and on a real PostgreSQL of Debian, by the same story.

use super::open_case;
use crate::alarm::alarm;
use crate::support::postgres::Server;
use crate::support::sink::{Sink, SinkOptions};
use brevdue::clock::VirtualClock;
use brevdue::store::{ServerUrl, Store};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const CASES: usize = 40;
/// So many people's rows are claimed at once.
const PORTION: usize = 25;

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap()
}

/// Everybody who was told, sorted.
fn told(sink: &Sink) -> Vec<String> {
    let mut told: Vec<String> = sink.received().into_iter().flat_map(|mail| mail.rcpts).collect();
    told.sort();
    told
}

fn story(open: impl Fn() -> Store) {
    let hands = VirtualClock::at(start());
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let stores: Vec<Arc<Store>> = (0..3).map(|_| Arc::new(open())).collect();
    let everybody: Vec<String> = (0..CASES).map(|number| format!("dpo{number:02}@kommune.example")).collect();
    for (number, dpo) in (0..).zip(&everybody) {
        open_case(&stores[0], start(), number, dpo);
    }
    let runtime = Runtime::new().unwrap();
    let alarms: Vec<_> = stores
        .iter()
        .zip(["a", "b", "c"])
        .map(|(store, node)| Arc::new(alarm(store, &hands, &sink).on_node(node)))
        .collect();
    // All at once, again and again.
    let rounds = || {
        runtime.block_on(async {
            let tasks: Vec<_> = alarms
                .iter()
                .map(Arc::clone)
                .map(|alarm| {
                    tokio::spawn(async move {
                        for _ in 0..4 {
                            alarm.round().await.unwrap();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    };
    rounds();
    assert_eq!(told(&sink), everybody, "each once");

    // A node claims the next step and dies.
    let later = start() + TimeDelta::hours(24);
    hands.set(later);
    let claimed = stores[0].claim_notices("dead", later).unwrap();
    assert_eq!(claimed.len(), PORTION);
    rounds();
    assert_eq!(told(&sink).len(), 2 * CASES - PORTION, "the others leave it alone, and take the rest");
    let ids: Vec<i64> = claimed.iter().map(|row| row.id).collect();
    assert!(stores[1].keep_claim(&ids, "dead", later).unwrap());
    assert!(!stores[1].keep_claim(&ids[..1], "a", later).unwrap());
    hands.set(later + Store::CLAIM);
    rounds();
    let mut twice: Vec<String> = everybody.iter().chain(&everybody).cloned().collect();
    twice.sort();
    assert_eq!(told(&sink), twice, "until its claim is over, and then once");
    assert!(!stores[0].keep_claim(&ids, "dead", later + Store::CLAIM).unwrap(), "it may not send any more");

    // A clock that was put back holds nobody up.
    hands.set(start() + TimeDelta::hours(48));
    let ahead = start() + TimeDelta::hours(50);
    assert_eq!(stores[0].claim_notices("ahead", ahead).unwrap().len(), PORTION);
    rounds();
    assert_eq!(told(&sink).len(), 3 * CASES);
}

#[test]
fn nodes_that_share_a_file() {
    let folder = TempDir::new().unwrap();
    story(|| Store::open(&folder.path().join("register.db")).unwrap());
}

#[test]
fn nodes_that_share_a_server() {
    let server = Server::start().unwrap();
    let url = ServerUrl::parse(&server.database("nodes")).unwrap();
    story(|| Store::connect(&url).unwrap());
}
