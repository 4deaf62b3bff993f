//! The record of what a scan costs, and the comparison with it: nothing gets slower unseen, and nothing faster either.
//!
//! `benches/instructions.txt` holds the instructions of a dozen mails; a count must lie within 3 % of it. One below is
//! a fault too: a record that is too high would let that much be lost again. `BLESS=1` writes it anew.
//!
//! Counts belong to a ground: the compiler, and the table of loops that the (emulated) processor gets. Another compiler
//! moves every figure by some percent, so they are held to 15 % then, which is said: the guard goes on guarding, and
//! nobody is stopped for the compiler's sake. With another table of loops nothing is comparable: then nothing is held,
//! and the exit code says so.
//! Start reading at [`check`].

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Command, ExitCode};

use brevdue::kernel::Kernels;

use crate::callgrind::{self, Counted, Input};
use crate::made::{
    CSV, HTML, Lines, PDF, PLAIN, Wrap, csv, headers, html, list, mail, mixed, parts, pdf, prose,
};

/// How far a count may lie from its record, in percent,
const TIGHT: f64 = 3.0;
/// and when another compiler was at work.
const LOOSE: f64 = 15.0;

/// As `automake` has it: neither passed nor failed.
const SKIPPED: u8 = 77;

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

const HEAD: &str = "\
# Instructions of one scan of each mail, counted by callgrind; a call of the C library counts 50.
# `cargo bench --bench scan -- --guard` compares (tests/run does it), and with BLESS=1 writes this file anew: after a
# change that was meant to change them. Say why in the commit.
";

/// What is counted. Small enough for an emulated processor; each is about one thing.
pub(crate) fn inputs() -> Vec<Input> {
    const MIB: usize = 1 << 20;
    let input =
        |name: &str, make: fn() -> Vec<Vec<u8>>| Input { name: name.to_owned(), make: Box::new(make) };
    vec![
        input("empty", || vec![b"Subject: x\r\n\r\n".to_vec()]),
        input("headers", || vec![headers()]),
        input("4k-8bit", || vec![mail(PLAIN, Wrap::Eight, prose(4096, 1).as_bytes())]),
        input("4k-qp", || vec![mail(PLAIN, Wrap::Quoted, prose(4096, 1).as_bytes())]),
        input("75k-html-qp", || vec![mail(HTML, Wrap::Quoted, html(75_000, 2).as_bytes())]),
        input("75k-html-base64", || vec![mail(HTML, Wrap::Base64, html(75_000, 2).as_bytes())]),
        input("2M-pdf-base64", || vec![mail(PDF, Wrap::Base64, &pdf(2 * MIB, 3))]),
        input("2M-text-8bit", || vec![mail(PLAIN, Wrap::Eight, prose(2 * MIB, 6).as_bytes())]),
        input("1M-csv-8bit", || vec![mail(CSV, Wrap::Eight, csv(MIB, false, 4).as_bytes())]),
        input("1M-csv-base64", || vec![mail(CSV, Wrap::Base64, csv(MIB, false, 4).as_bytes())]),
        input("1k-list-column", || vec![mail(CSV, Wrap::Eight, list(1000, Lines::Column, 7).as_bytes())]),
        input("1k-list-named", || vec![mail(PLAIN, Wrap::Eight, list(1000, Lines::Named, 7).as_bytes())]),
        input("mixed", || mixed(64)),
        input("parts", || vec![parts(50)]),
    ]
}

/// Counts and compares, or records when `BLESS` is set.
pub(crate) fn check() -> ExitCode {
    let counted = match callgrind::count(&["--counted", "guard"], &inputs()) {
        Ok(counted) => counted,
        Err(error) => {
            eprintln!("instruction counts: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ground = Ground::here();
    if std::env::var_os("BLESS").is_some() {
        return bless(&ground, &counted);
    }
    let Some(record) = fs::read_to_string(RECORD).ok().as_deref().and_then(Record::parse) else {
        eprintln!("{RECORD} is not there or broken; BLESS=1 writes it");
        return ExitCode::FAILURE;
    };
    compare(&record, &ground, &counted)
}

/// What counts depend on besides our code.
#[derive(PartialEq, Eq)]
struct Ground {
    rustc: String,
    kernels: String,
}

impl Ground {
    fn here() -> Self {
        let rustc = Command::new("rustc").arg("--version").output();
        let rustc = rustc.map_or_else(
            |_| "an unknown compiler".to_owned(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        );
        // Callgrind's processor has all that this one has but AVX-512.
        let kernels = Kernels::all().map(|kernels| kernels.name).find(|name| *name != "avx512");
        Self { rustc, kernels: kernels.unwrap_or("scalar").to_owned() }
    }
}

impl std::fmt::Display for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, kernels {}", self.rustc, self.kernels)
    }
}

struct Record {
    ground: Ground,
    counts: Vec<(String, u64)>,
}

impl Record {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let (rustc, kernels) = lines.next()?.strip_prefix("recorded with ")?.rsplit_once(", kernels ")?;
        let ground = Ground { rustc: rustc.to_owned(), kernels: kernels.to_owned() };
        let count = |line: &str| {
            let (name, count) = line.split_once(' ')?;
            Some((name.to_owned(), count.trim().parse().ok()?))
        };
        Some(Self { ground, counts: lines.map(count).collect::<Option<_>>()? })
    }
}

fn bless(ground: &Ground, counted: &[Counted]) -> ExitCode {
    let mut text = format!("{HEAD}recorded with {ground}\n");
    for one in counted {
        writeln!(text, "{:<16} {:>10}", one.name, one.steady).unwrap();
    }
    File::create(RECORD).and_then(|mut file| file.write_all(text.as_bytes())).unwrap();
    print!("{text}");
    ExitCode::SUCCESS
}

#[expect(clippy::cast_precision_loss, reason = "a percentage with two digits")]
fn compare(record: &Record, ground: &Ground, counted: &[Counted]) -> ExitCode {
    let comparable = record.ground.kernels == ground.kernels;
    let bound = if record.ground == *ground { TIGHT } else { LOOSE };
    let mut wrong = 0;
    println!("{:<16} {:>12} {:>12} {:>8} {:>11}", "mail", "recorded", "now", "%", "per byte");
    for one in counted {
        let before = record.counts.iter().find(|(name, _)| *name == one.name).map(|(_, count)| *count);
        let change = before.map(|before| (one.steady as f64 / before as f64 - 1.0) * 100.0);
        let verdict = match change {
            None => "NOT RECORDED",
            Some(change) if change > bound => "MORE",
            Some(change) if change < -bound => "LESS: better, so record it",
            Some(_) => "",
        };
        wrong += usize::from(!verdict.is_empty());
        println!(
            "{:<16} {:>12} {:>12} {:>+8.2} {:>11.2}  {verdict}",
            one.name,
            before.unwrap_or(0),
            one.steady,
            change.unwrap_or(0.0),
            one.per_byte()
        );
    }
    for (name, _) in &record.counts {
        if counted.iter().all(|one| one.name != *name) {
            println!("{name:<16} is recorded and no longer counted");
            wrong += 1;
        }
    }
    if record.ground != *ground {
        eprintln!("WARNING: recorded with {}\n         and here is {ground}", record.ground);
    }
    if !comparable {
        eprintln!("NOT CHECKED: other loops run here, whose counts are others by nature; nothing was held");
        return ExitCode::from(SKIPPED);
    }
    if record.ground != *ground {
        eprintln!("WARNING: so counts are held to {LOOSE} % and not to {TIGHT} %");
    }
    if wrong > 0 {
        eprintln!(
            "{wrong} not within {bound} % of {RECORD}; when it was meant: BLESS=1 cargo bench --bench scan -- --guard"
        );
        return ExitCode::FAILURE;
    }
    println!("all within {bound} %");
    ExitCode::SUCCESS
}
