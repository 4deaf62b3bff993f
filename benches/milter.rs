//! The milter door under load: mails a second, how long a mail server waits for a verdict, what a mail costs in CPU.
//!
//!     cargo bench --bench milter                the table, some two minutes
//!     cargo bench --bench milter -- --quick     a short one; BREVDUE_BENCH_QUICK=1 is the same
//!     cargo bench --bench milter -- --postfix   behind a real Postfix: TCP, unix socket, no filter
//!     cargo bench --bench milter -- --help      the rest
//!
//! The filter is `brevdue serve`, in a process of its own, with its log on a file: CPU and memory are the daemon's alone.
//! N connections send to it as Postfix does (`load/mod.rs`). Beside it, in turns and by the same load, stands a filter
//! that receives everything and looks at nothing (`load/blind.rs`): the ratio is what holds on another machine too. The
//! mail is clean: nothing waits for the disk.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, stops when it cannot go on, and rounds"
)]

mod load;
mod made;
#[allow(dead_code, unused_imports, reason = "what the tests start is started here too, and not all of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use load::blind::{self, Blind};
use load::process::Process;
use load::{Plan, Seen};
use made::{HTML, PLAIN, Wrap, html, mail, prose};
use support::daemon::{Daemon, DaemonOptions};

/// A mail of the table.
struct Row {
    name: &'static str,
    /// Also sent behind Postfix.
    behind: bool,
    make: fn() -> Vec<u8>,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

const ROWS: [Row; 7] = [
    Row { name: "4k-text", behind: true, make: || text(4 * KIB, Wrap::Eight) },
    Row { name: "75k-text", behind: true, make: || text(75 * KIB, Wrap::Eight) },
    Row { name: "75k-html-qp", behind: false, make: || mail(HTML, Wrap::Quoted, html(75_000, 2).as_bytes()) },
    Row { name: "75k-base64", behind: false, make: || text(75 * KIB, Wrap::Base64) },
    Row { name: "2M-text", behind: true, make: || text(2 * MIB, Wrap::Eight) },
    Row { name: "2M-base64", behind: false, make: || text(2 * MIB, Wrap::Base64) },
    Row { name: "2M-qp", behind: false, make: || text(2 * MIB, Wrap::Quoted) },
];

/// About this many bytes before they are wrapped.
fn text(bytes: usize, wrap: Wrap) -> Vec<u8> {
    mail(PLAIN, wrap, prose(bytes, 6).as_bytes())
}

const HELP: &str = "\
cargo bench --bench milter -- [OPTIONS]

  --quick            shorter rounds (also: BREVDUE_BENCH_QUICK=1)
  --only NAME        one mail of the table
  --socket KIND      only `tcp` or only `unix`
  --connections N    only so many connections (otherwise 1, 8 and 32)
  --rounds N         rounds of each cell, in turns with the floor (otherwise 3)
  --seconds S        the length of a round (otherwise 0.5)
  --write BYTES      bytes a write of the mail server, instead of as many as Postfix has
  --floor-terms N    what the floor negotiates (SMFIP bits), instead of answering each event before the headers
  --no-floor         without the filter that looks at nothing
  --postfix          behind a real Postfix instead; needs root and the Debian package `postfix`
  --test             everything once, to see that it works

CPU a mail is the least of the rounds, mails a second the most, waits are of all of them. Peak is the most memory that
the daemon has had so far in the rows with as many connections.";

/// What was asked for.
struct Options {
    test: bool,
    postfix: bool,
    only: Option<String>,
    socket: Option<String>,
    at_once: Option<usize>,
    rounds: usize,
    time: Duration,
    write: Option<usize>,
    floor: Option<u32>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let quick = std::env::var_os("BREVDUE_BENCH_QUICK").is_some();
        let mut options = Self {
            test: false,
            postfix: false,
            only: None,
            socket: None,
            at_once: None,
            rounds: 3,
            time: Duration::from_millis(if quick { 100 } else { 500 }),
            write: None,
            floor: Some(blind::USUAL),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            let number =
                |text: &String| text.parse::<usize>().map_err(|_| format!("{arg} {text}: not a number"));
            match arg.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--quick" => options.time = Duration::from_millis(100),
                "--only" => options.only = Some(value()?.clone()),
                "--socket" => options.socket = Some(value()?.clone()),
                "--connections" => options.at_once = Some(number(value()?)?),
                "--rounds" => options.rounds = number(value()?)?.max(1),
                "--seconds" => {
                    let text = value()?;
                    let seconds = text.parse().map_err(|_| format!("--seconds {text}: not a number"))?;
                    options.time = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
                }
                "--write" => options.write = Some(number(value()?)?.max(1)),
                "--floor-terms" => {
                    let text = value()?;
                    options.floor = Some(text.parse().map_err(|_| format!("{arg} {text}: not a number"))?);
                }
                "--no-floor" => options.floor = None,
                "--postfix" => options.postfix = true,
                "--test" => (options.test, options.rounds, options.time) = (true, 1, Duration::ZERO),
                other => return Err(format!("what is {other}?")),
            }
        }
        if !ROWS.iter().any(|row| options.wants(row)) {
            return Err(format!("no such mail; there are: {}", ROWS.map(|row| row.name).join(" ")));
        }
        Ok(options)
    }

    fn wants(&self, row: &Row) -> bool {
        self.only.as_ref().is_none_or(|name| name == row.name)
    }

    fn connections(&self) -> Vec<usize> {
        self.at_once.map_or(vec![1, 8, 32], |one| vec![one])
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let ended = if let [first, place, protocol] = args.as_slice()
        && first == blind::ARGUMENT
    {
        blind::serve(place, protocol)
    } else if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{HELP}");
        Ok(())
    } else {
        match Options::parse(&args) {
            Ok(options) => bench(&options),
            Err(fault) => Err(io::Error::other(format!("{fault}\n\n{HELP}"))),
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> io::Result<()> {
    if options.postfix {
        return match load::behind::missing() {
            None => load::behind::run(options),
            Some(program) => {
                println!("skipped: `{program}` is not installed (Debian package postfix)");
                Ok(())
            }
        };
    }
    table(options)
}

fn table(options: &Options) -> io::Result<()> {
    let mails: Vec<(&Row, Vec<u8>)> =
        ROWS.iter().filter(|row| options.wants(row)).map(|row| (row, (row.make)())).collect();
    for (at, kind) in ["unix", "tcp"].into_iter().enumerate() {
        if options.socket.as_ref().is_some_and(|only| only != kind) {
            continue;
        }
        for connections in options.connections() {
            let folder = tempfile::TempDir::new()?;
            let filters = Filters::start(kind, folder.path(), options)?;
            let idle = filters.daemon().memory("VmRSS")?;
            println!(
                "{}{kind}, {connections} connection(s); the daemon idle: {:.1} MB\n{:<12} {:>8} {:>8} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>8}",
                if at == 0 { "" } else { "\n" },
                megabytes(idle),
                "mail",
                "bytes",
                "mails/s",
                "MB/s",
                "p50 us",
                "p99 us",
                "p999 us",
                "cpu us",
                "floor us",
                "ratio",
                "peak MB"
            );
            for (row, mail) in &mails {
                filters.row(row, mail, connections, options)?;
            }
        }
    }
    Ok(())
}

fn megabytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// The filters of a part of the table; they end with it.
struct Filters {
    brevdue: Daemon,
    floor: Option<Blind>,
}

impl Filters {
    fn start(kind: &str, folder: &std::path::Path, options: &Options) -> io::Result<Self> {
        let unix = (kind == "unix").then(|| folder.join("milter.sock"));
        let daemon = DaemonOptions { log: "info", unix, ..DaemonOptions::with("") };
        let brevdue = Daemon::start(&daemon).map_err(|trouble| io::Error::other(trouble.to_string()))?;
        let floor = options.floor.map(|terms| Blind::start(&brevdue.address(), folder, terms)).transpose()?;
        Ok(Self { brevdue, floor })
    }

    fn daemon(&self) -> Process {
        Process(self.brevdue.pid().unwrap_or_default())
    }

    fn row(&self, row: &Row, mail: &[u8], connections: usize, options: &Options) -> io::Result<()> {
        let address = self.brevdue.address();
        let plan = Plan { address: &address, mail, connections, time: options.time, write: options.write };
        let (mut cpu, mut floor, mut rate) = (f64::MAX, f64::MAX, 0.0_f64);
        let mut waits = Vec::new();
        for _ in 0..options.rounds {
            let (seen, used) = measured(&plan, self.daemon())?;
            cpu = cpu.min(used);
            rate = rate.max(seen.waits.len() as f64 / seen.took.as_secs_f64());
            waits.extend(seen.waits);
            if let Some(blind) = &self.floor {
                let plan = Plan { address: &blind.address, ..plan };
                floor = floor.min(measured(&plan, Process(blind.pid()))?.1);
            }
        }
        waits.sort_unstable();
        let part = |thousandths: usize| waits[(waits.len() * thousandths / 1000).min(waits.len() - 1)];
        let us = |wait: Duration| wait.as_secs_f64() * 1e6;
        println!(
            "{:<12} {:>8} {rate:>8.0} {:>7.1} {:>8.0} {:>8.0} {:>8.0} {cpu:>8.1} {:>8} {:>6} {:>8.1}",
            row.name,
            mail.len(),
            rate * mail.len() as f64 / 1e6,
            us(part(500)),
            us(part(990)),
            us(part(999)),
            if floor < f64::MAX { format!("{floor:.1}") } else { "-".to_owned() },
            if floor < f64::MAX { format!("{:.2}", cpu / floor) } else { "-".to_owned() },
            megabytes(self.daemon().memory("VmHWM")?),
        );
        Ok(())
    }
}

/// What a round shows, and the CPU time of the filter for each mail of it, in microseconds.
fn measured(plan: &Plan<'_>, filter: Process) -> io::Result<(Seen, f64)> {
    let before = filter.cpu()?;
    let seen = plan.run()?;
    let used = filter.cpu()?.saturating_sub(before);
    let mails = seen.waits.len() as f64;
    Ok((seen, used.as_secs_f64() * 1e6 / mails))
}
