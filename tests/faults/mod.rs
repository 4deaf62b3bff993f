//! Faults survived: mails through a door of the real program while an adversary breaks what it stands on.
//!
//! The clients send again what was not answered, as mail servers do. Afterwards the books are made: what was answered with yes
//! is at the hop or held, once; twice only where the table of states in `intake/handover.rs` says so; nothing that was refused
//! was delivered, no leak passed, and each has its detection. The hop is a stand-in, because no real server fails when told to.
//! Start reading at [`run`]; what is broken is [`adversary`], what is asked afterwards [`books`]. `tests/faults-long` is the
//! long run. A DPO releases held mail meanwhile ([`dpo`]), and the mail server's log is followed. Not broken here: the machine's
//! memory of what was synced, for a kill is no power cut.
//!
//! The register is a file of SQLite, or a database of a real `PostgreSQL` that two nodes share: then the mail goes to either,
//! both tell the DPO, and what is broken is also the server, which dies, stalls, and ends sessions.

mod adversary;
mod behind;
mod books;
mod clients;
mod dpo;
mod each_step;
mod files;
mod hands;
mod letters;
mod mails;
mod stage;
pub(crate) mod steps;

use crate::support::sink::Sink;
use adversary::{Adversary, Kind, more};
use books::{Evidence, Table};
use clients::{Sender, Story, Wiring};
use dpo::Dpo;
use letters::Opener;
use mails::{Dice, Mail};
use stage::{DATABASE, Stage};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::Duration;
use steps::Blow;

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
    gap: u32,
    /// `[policy] leak`.
    leak: &'static str,
    /// The next hop speaks LMTP, and answers each recipient.
    lmtp_hop: bool,
    /// A few seconds: nothing is broken for long, and mail waits for the next fault.
    is_short: bool,
    /// A real Postfix stands between the clients and the door.
    by_postfix: bool,
    base: Base,
}

/// Where the register is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    /// In a file.
    Sqlite,
    /// On a server, which two nodes share where each can have a door.
    Postgres,
}

impl Plan {
    fn on_server(self) -> bool {
        self.base == Base::Postgres
    }

    fn has_two_nodes(self) -> bool {
        self.on_server() && !self.by_postfix && self.door != Door::Pipe
    }
}

const CLIENTS: u64 = 4;

/// Makes the books of a run.
fn run(plan: Plan) -> Table {
    let Plan { door, seed, count, leak, lmtp_hop, by_postfix, .. } = plan;
    let mut stage = Stage::set(plan);
    let wiring = stage.wiring(plan);
    let secret = secret_of(&stage.daemon.key_file());
    let data = stage.data();
    let mut dpo = Dpo {
        config: wiring.config.clone(),
        register: stage.register.clone(),
        data: data.clone(),
        secret: secret.clone(),
        environment: wiring.environment.clone(),
        dice: Dice::new(seed ^ 0x0D90),
        seed,
        acts: by_postfix && door == Door::Milter,
        notes: wiring.steps.is_some().then(|| wiring.notes.clone()),
        steps: Vec::new(),
        releases: Vec::new(),
    };
    let mut adversary = Adversary::new(
        (door != Door::Pipe).then_some(&mut stage.daemon),
        data[0].clone(),
        if by_postfix || door != Door::Milter {
            vec![&mut stage.sink, &mut stage.secure]
        } else {
            Vec::new()
        },
        stage.disk.as_ref(),
        seed,
    );
    adversary.other = stage.second.as_mut().zip(data.get(1).cloned());
    adversary.server = stage.server.as_mut().map(|server| (server, DATABASE));
    adversary.is_short = plan.is_short;
    adversary.hands.clone_from(&stage.hands);
    adversary.notes = wiring.steps.is_some().then(|| wiring.notes.clone());
    // Both nodes tell what happens past their doors too, to many people.
    let opener = stage.letters.is_some().then(|| Opener::of(&stage.register)).flatten();
    let stories = play(plan, &wiring, &mut adversary, &mut dpo, opener.as_ref());
    let Adversary { mut injected, doubts, troubles, steps: struck, mut dead, .. } = adversary;
    let settled = stage.come_to_rest(&mut dpo, &mut dead);
    let letters = stage.letters.as_ref().map(Sink::received);
    let mut table = Table::make(&Evidence {
        door,
        seed,
        stories: &stories,
        received: &stage.sink.received(),
        secured: &stage.secure.received(),
        releases: &dpo.releases,
        is_open: leak == "deliver",
        has_parts: door != Door::Milter && (lmtp_hop || leak == "reroute"),
        register: &stage.register,
        data: &data,
        secret: &secret,
        doubts: &doubts,
        troubles: &troubles,
        letters: letters.as_deref(),
        behind: settled.as_ref(),
    });
    match stage.verify() {
        Ok(chains) => table.chains = chains,
        Err(said) => table.unexplained.push(format!("a chain is broken: {said}")),
    }
    for (kind, count) in [
        (Kind::Torn, &wiring.torn),
        (Kind::Kill, &wiring.killed),
        (Kind::KillAtWrite, &wiring.killed_at_write),
    ] {
        if count.load(Relaxed) > 0 {
            *injected.entry(kind).or_default() += count.load(Relaxed);
        }
    }
    let by_pipes = wiring.steps.as_ref().map(|steps| std::mem::take(&mut *steps.lock().unwrap()));
    for (blow, step) in by_pipes.into_iter().flatten() {
        let kind = if blow == Blow::Kill { Kind::KillAtStep } else { Kind::StepFails };
        *injected.entry(kind).or_default() += 1;
        *table.steps.entry((blow, step)).or_default() += 1;
    }
    for struck in struck.into_iter().chain(std::mem::take(&mut dpo.steps)) {
        *table.steps.entry(struck).or_default() += 1;
    }
    table.injected = injected;
    if dpo.open() > 0 {
        table.unexplained.push(format!("{} released mails are not sent", dpo.open()));
    }
    table.unexplained.extend(dead.into_iter().map(|why| format!("it did not start: {why}")));
    let way = if by_postfix { " behind Postfix" } else { "" };
    let hop = if lmtp_hop { ", LMTP behind it" } else { "" };
    let on = match (plan.on_server(), stage.second.is_some()) {
        (false, _) => "",
        (true, false) => ", on PostgreSQL",
        (true, true) => ", two nodes on PostgreSQL",
    };
    println!("== {door:?}{way}{hop}{on}, leak = {leak}, seed {seed}, {count} mails\n{table}");
    table
}

/// Sends all the mail, breaks what is there to break, and lets held mail go; what was said to the clients.
fn play(
    plan: Plan,
    wiring: &Wiring,
    adversary: &mut Adversary<'_>,
    dpo: &mut Dpo,
    opener: Option<&Opener>,
) -> Vec<Story> {
    let Plan { seed, count, gap, is_short, by_postfix, .. } = plan;
    // Mails between two faults: they go faster than anybody breaks things.
    let pace = if is_short || by_postfix { 5 } else { gap };
    let (next, done, strikes) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let calm = AtomicBool::new(false);
    std::thread::scope(|scope| {
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
                        while strikes.load(Relaxed) * pace + 10 < number && !calm.load(Relaxed) {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        sender.tears = !calm.load(Relaxed);
                        stories.push(sender.send(&Mail::make(seed, number)));
                        done.fetch_add(1, Relaxed);
                    }
                })
            })
            .collect();
        let deciding = scope.spawn(|| {
            let pause = Duration::from_millis(if is_short { 150 } else { 400 });
            while !calm.load(Relaxed) {
                dpo.decide();
                std::thread::sleep(pause);
            }
        });
        let opening = opener.map(|opener| scope.spawn(|| opener.open_until(&calm)));
        let mut dice = Dice::new(!seed);
        // The last mails go in peace, or the last of all might never be answered.
        while done.load(Relaxed) + 10 < count
            && !clients.iter().all(std::thread::ScopedJoinHandle::is_finished)
        {
            let pause = u32::try_from(dice.within(1, u64::from(gap) + 1)).unwrap();
            more(|| done.load(Relaxed), pause);
            adversary.strike();
            strikes.fetch_add(1, Relaxed);
        }
        calm.store(true, Relaxed);
        let stories = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        deciding.join().unwrap();
        if let Some(opening) = opening {
            opening.join().unwrap();
        }
        stories
    })
}

/// The line of the key file that is the key.
fn secret_of(file: &PathBuf) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().find(|line| line.starts_with("AGE-SECRET-KEY")).unwrap().to_owned()
}

/// A few seconds of it.
fn holds(door: Door, leak: &'static str, lmtp_hop: bool, count: u32) {
    is_good(Plan { lmtp_hop, ..short(door, leak, count) });
}

fn short(door: Door, leak: &'static str, count: u32) -> Plan {
    let (lmtp_hop, by_postfix, base) = (false, false, Base::Sqlite);
    Plan { door, seed: 6, count, gap: 5, leak, lmtp_hop, is_short: true, by_postfix, base }
}

fn is_good(plan: Plan) {
    let table = run(plan);
    assert!(table.is_good(), "{table}");
}

#[test]
fn two_nodes_on_a_server_lose_nothing() {
    is_good(Plan { base: Base::Postgres, ..short(Door::Smtp, "hold", 40) });
}

#[test]
fn the_milter_loses_nothing() {
    holds(Door::Milter, "hold", false, 40);
}

#[test]
fn the_smtp_door_loses_nothing() {
    holds(Door::Smtp, "reroute", false, 60);
}

#[test]
fn the_lmtp_door_loses_nothing() {
    holds(Door::Lmtp, "hold", true, 60);
}

#[test]
fn the_pipe_loses_nothing() {
    holds(Door::Pipe, "hold", false, 30);
}

/// `tests/faults-long`: a quarter of the mails each where a leak is held, refused (with LMTP behind the door), re-routed
/// and delivered.
#[test]
#[ignore = "takes minutes; tests/faults-long runs it"]
fn on_and_on() {
    let asked = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let count: u32 = asked("BREVDUE_FAULTS_COUNT", "10000").parse().unwrap();
    let seed: u64 = asked("BREVDUE_FAULTS_SEED", "1").parse().unwrap();
    let twentieth = (count / 20).to_string();
    let behind: u32 = asked("BREVDUE_FAULTS_BEHIND", &twentieth).parse().unwrap();
    let gap: u32 = asked("BREVDUE_FAULTS_GAP", "8").parse().unwrap();
    let wanted = asked("BREVDUE_FAULTS_DOOR", "all");
    let base = match asked("BREVDUE_FAULTS_REGISTER", "sqlite").as_str() {
        "sqlite" => Base::Sqlite,
        "postgres" => Base::Postgres,
        other => panic!("no such register: {other}"),
    };
    let doors = [("milter", Door::Milter), ("smtp", Door::Smtp), ("lmtp", Door::Lmtp), ("pipe", Door::Pipe)];
    let chosen: Vec<Door> =
        doors.iter().filter(|(name, _)| wanted == "all" || wanted == *name).map(|(_, door)| *door).collect();
    assert!(!chosen.is_empty(), "no such door: {wanted}");
    let mut good = true;
    for door in chosen {
        let base = Plan {
            door,
            seed,
            count: behind,
            gap,
            leak: "hold",
            lmtp_hop: false,
            is_short: false,
            by_postfix: true,
            base,
        };
        for leak in ["hold", "block", "reroute", "deliver"].into_iter().filter(|_| count > 0) {
            let count = count / 4;
            let lmtp_hop = leak == "block";
            good &= run(Plan { count, leak, lmtp_hop, by_postfix: false, ..base }).is_good();
        }
        // A bounce for each refused leak would say nothing new here, so they are held.
        if door != Door::Pipe && behind > 0 {
            good &= run(base).is_good();
        }
    }
    assert!(good, "see the tables above");
}
