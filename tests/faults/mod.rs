//! Faults survived: mails through a door of the real program while an adversary breaks what it stands on.
//!
//! The clients send again what was not answered, as mail servers do. Afterwards the books are made: what was answered with yes
//! is at the hop or held, once; twice only where the table of states in `intake/handover.rs` says so; nothing that was refused
//! was delivered, no leak passed, and each has its detection. The hop is a stand-in, because no real server fails when told to.
//! Start reading at [`run`]; what is broken is [`adversary`], what is asked afterwards [`books`]. `tests/faults-long` is the
//! long run. Not broken here: the clock (virtual, in the tests of its own rooms) and the machine's memory of what was synced:
//! a kill is no power cut.

mod adversary;
mod behind;
mod books;
mod clients;
mod mails;

use crate::support::Port;
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postfix::Postfix;
use crate::support::sink::{Mode, Sink, SinkOptions};
use adversary::{Adversary, Disk, Kind, more};
use books::{Evidence, Table};
use clients::{Sender, Wiring};
use mails::{Dice, Mail};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::time::Duration;

/// Where the mail comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Door {
    Milter,
    Smtp,
    Lmtp,
    Pipe,
}

/// A run.
#[derive(Clone, Copy)]
struct Plan {
    door: Door,
    seed: u64,
    count: u32,
    /// At most so many mails between two faults.
    gap: u64,
    /// `[policy] leak`.
    leak: &'static str,
    /// A few seconds: nothing is broken for long, and mail waits for the next fault.
    is_short: bool,
    /// A real Postfix stands between the clients and the door.
    by_postfix: bool,
}

const CLIENTS: u64 = 4;
const ROAD: &str = "[[road]]\ndomain = \"sikker.example\"\nprotection = \"forced-tls\"\n";

/// Makes the books of a run.
fn run(plan: Plan) -> Table {
    let Plan { door, seed, count, gap, leak, is_short, by_postfix } = plan;
    let mut sink = Sink::start(SinkOptions::default()).unwrap();
    let port = Port::claim().unwrap();
    let toml = format!(
        "[smtp]\nlisten = \"{}\"\nnext_hop = \"{}\"\n[policy]\nleak = \"{leak}\"\n{ROAD}",
        port.addr(),
        sink.addr()
    );
    // No log: a limit on files would meet its line first.
    let mut daemon = Daemon::start(&DaemonOptions { log: "off", ..DaemonOptions::with(&toml) }).unwrap();
    daemon.kill();
    let disk = Disk::below(&daemon.data());
    if door != Door::Pipe {
        daemon.spawn().unwrap();
    }
    let postfix = by_postfix.then(|| behind::start(door, &daemon, port.addr(), sink.addr()));
    let wiring = Wiring {
        door: if by_postfix { Door::Smtp } else { door },
        smtp: postfix.as_ref().map_or(port.addr(), Postfix::smtp_addr),
        milter: daemon.address(),
        config: daemon.config(),
        torn: Arc::new(AtomicU64::new(0)),
        killed: Arc::new(AtomicU64::new(0)),
        killed_at_write: Arc::new(AtomicU64::new(0)),
    };
    let secret = secret_of(&daemon.key_file());
    let data = daemon.data();
    let (next, done, strikes) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let calm = AtomicBool::new(false);
    let mut adversary = Adversary::new(
        (door != Door::Pipe).then_some(&mut daemon),
        data.clone(),
        (by_postfix || door != Door::Milter).then_some(&mut sink),
        disk.as_ref(),
        seed,
    );
    adversary.is_short = is_short;
    let is_paced = is_short || by_postfix;
    let stories = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let mut sender = Sender::new(wiring.clone(), seed ^ (client << 50));
                let (next, done, strikes, calm) = (&next, &done, &strikes, &calm);
                scope.spawn(move || {
                    let mut stories = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Relaxed);
                        if number >= count {
                            return stories;
                        }
                        // Postfix takes mail faster than anybody breaks things behind it.
                        while is_paced && strikes.load(Relaxed) * 5 + 10 < number && !calm.load(Relaxed) {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        sender.tears = !calm.load(Relaxed);
                        stories.push(sender.send(&Mail::make(seed, number)));
                        done.fetch_add(1, Relaxed);
                    }
                })
            })
            .collect();
        let mut dice = Dice::new(!seed);
        // The last mails go in peace, or the last of all might never be answered.
        while done.load(Relaxed) + 10 < count
            && !clients.iter().all(std::thread::ScopedJoinHandle::is_finished)
        {
            let pause = u32::try_from(dice.within(1, gap + 1)).unwrap();
            more(|| done.load(Relaxed), pause);
            adversary.strike();
            strikes.fetch_add(1, Relaxed);
        }
        calm.store(true, Relaxed);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    // The next start needs nobody.
    adversary.again(true);
    let Adversary { mut injected, doubts, dead, .. } = adversary;
    sink.set_mode(Mode::Up);
    let settled = postfix.as_ref().map(behind::settle);
    let received = sink.received();
    let mut table = Table::make(&Evidence {
        door,
        seed,
        stories: &stories,
        received: &received,
        data: &data,
        secret: &secret,
        doubts: &doubts,
        behind: settled.as_ref(),
    });
    for (kind, count) in [
        (Kind::Torn, &wiring.torn),
        (Kind::Kill, &wiring.killed),
        (Kind::KillAtWrite, &wiring.killed_at_write),
    ] {
        if count.load(Relaxed) > 0 {
            *injected.entry(kind).or_default() += count.load(Relaxed);
        }
    }
    table.injected = injected;
    table.unexplained.extend(dead.into_iter().map(|why| format!("it did not start: {why}")));
    let way = if by_postfix { " behind Postfix" } else { "" };
    println!("== {door:?}{way}, leak = {leak}, seed {seed}, {count} mails\n{table}");
    table
}

/// The line of the key file that is the key.
fn secret_of(file: &PathBuf) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().find(|line| line.starts_with("AGE-SECRET-KEY")).unwrap().to_owned()
}

/// A few seconds of it.
fn holds(door: Door, leak: &'static str, count: u32) {
    let table = run(Plan { door, seed: 6, count, gap: 5, leak, is_short: true, by_postfix: false });
    assert!(table.is_good(), "{table}");
}

#[test]
fn the_milter_loses_nothing() {
    holds(Door::Milter, "hold", 60);
}

#[test]
fn the_smtp_door_loses_nothing() {
    holds(Door::Smtp, "hold", 60);
}

#[test]
fn the_lmtp_door_loses_nothing() {
    holds(Door::Lmtp, "block", 60);
}

#[test]
fn the_pipe_loses_nothing() {
    holds(Door::Pipe, "hold", 30);
}

/// `tests/faults-long`: half of the mails where a leak is held, half where it is refused.
#[test]
#[ignore = "takes minutes; tests/faults-long runs it"]
fn on_and_on() {
    let asked = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let count: u32 = asked("BREVDUE_FAULTS_COUNT", "10000").parse().unwrap();
    let seed: u64 = asked("BREVDUE_FAULTS_SEED", "1").parse().unwrap();
    let twentieth = (count / 20).to_string();
    let behind: u32 = asked("BREVDUE_FAULTS_BEHIND", &twentieth).parse().unwrap();
    let wanted = asked("BREVDUE_FAULTS_DOOR", "all");
    let doors = [("milter", Door::Milter), ("smtp", Door::Smtp), ("lmtp", Door::Lmtp), ("pipe", Door::Pipe)];
    let chosen: Vec<Door> =
        doors.iter().filter(|(name, _)| wanted == "all" || wanted == *name).map(|(_, door)| *door).collect();
    assert!(!chosen.is_empty(), "no such door: {wanted}");
    let mut good = true;
    for door in chosen {
        for leak in ["hold", "block"].into_iter().filter(|_| count > 0) {
            good &=
                run(Plan { door, seed, count: count / 2, gap: 8, leak, is_short: false, by_postfix: false })
                    .is_good();
        }
        // A bounce for each refused leak would say nothing new here, so they are held.
        if door != Door::Pipe && behind > 0 {
            good &= run(Plan {
                door,
                seed,
                count: behind,
                gap: 8,
                leak: "hold",
                is_short: false,
                by_postfix: true,
            })
            .is_good();
        }
    }
    assert!(good, "see the tables above");
}
