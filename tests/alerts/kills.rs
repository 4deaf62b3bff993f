//! A daemon that is killed (-9) again and again while it sends: every alert arrives, and some twice.
//!
//! `tests/register-long` is the long form.

use super::open_case;
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::sink::{Sink, SinkOptions};
use brevdue::clock::Clock;
use brevdue::store::Store;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Kills this many times, at moments that a small generator of this seed chooses.
fn kill(times: u16) {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    // No document is opened, and there is no maillog: it starts as fast as it can.
    let options = DaemonOptions {
        alarm: Some(sink.addr()),
        ..DaemonOptions::with("[documents]\nopen = false\n[hold]\nnode = \"relay\"")
    };
    let mut daemon = Daemon::start(&options).unwrap();
    daemon.kill();
    let store = Store::open(&daemon.database()).unwrap();
    let dpo = |number: u16| format!("dpo{number:04}@kommune.example");
    // Enough that there is always something to send: a few letters go between two kills.
    let cases = times.saturating_mul(4).max(60);
    for number in 0..cases {
        open_case(&store, Clock::System.now(), number, &dpo(number));
    }
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut killed_in_the_middle = 0;
    for _ in 0..times {
        let before = sink.count();
        daemon.spawn().unwrap();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // After the first to third letter of this life, and up to 12 ms: between the answer and the row too.
        let letters = usize::try_from(random % 3).unwrap() + 1;
        let end = Instant::now() + Duration::from_secs(20);
        while sink.count() < before + letters && Instant::now() < end {
            std::thread::sleep(Duration::from_micros(300));
        }
        std::thread::sleep(Duration::from_micros(random / 7 % 12_000));
        daemon.kill();
        killed_in_the_middle += u32::from(sink.count() > before);
    }
    // The last one lives until all is told.
    daemon.spawn().unwrap();
    let told = || {
        let mut told: BTreeMap<String, u32> = BTreeMap::new();
        for mail in sink.received() {
            for to in mail.rcpts {
                *told.entry(to).or_default() += 1;
            }
        }
        told
    };
    let end = Instant::now() + Duration::from_secs(120 + u64::from(cases) / 5);
    while told().len() < usize::from(cases) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    let told = told();
    let lost: Vec<String> = (0..cases).map(dpo).filter(|to| !told.contains_key(to)).collect();
    assert!(lost.is_empty(), "{} of {cases} were never told: {lost:?}", lost.len());
    let twice = told.values().filter(|count| **count > 1).count();
    let most = told.values().max().unwrap();
    println!(
        "{times} kills, {killed_in_the_middle} of them while it sent: {cases} alerts, 0 lost, {twice} more than once, at most {most}"
    );
    assert!(killed_in_the_middle * 2 > u32::from(times), "{killed_in_the_middle} of {times}");
    // Every letter that went has its row in the end.
    let rows =
        store.cases().unwrap().into_iter().flat_map(|case| store.case(&case.id).unwrap().unwrap().notices);
    let waiting = rows.filter(|row| row.milestone.word() == "opened" && row.state == "due");
    assert!(waiting.count() <= 1, "the last may be on its way");
}

#[test]
fn no_alert_is_lost_when_the_daemon_is_killed() {
    kill(20);
}

#[test]
#[ignore = "takes minutes; tests/register-long runs it"]
fn no_alert_is_lost_in_a_thousand_kills() {
    let times = std::env::var("BREVDUE_KILLS").ok().and_then(|times| times.parse().ok()).unwrap_or(1_000);
    kill(times);
}
