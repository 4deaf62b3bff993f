//! Mail made to hurt, held to 10 ns a byte and to growth of 2.2 when its size doubles.
//!
//! Both are held by instructions under callgrind, at two sizes, of which the dearer counts. What a limit bounds (10,000
//! parts: about a millisecond) is dearer by the byte in a small mail, so the sizes are some hundred KiB. Nanoseconds are no fact of the code; a processor gives them to
//! instructions. `--hostile` measures how many (natively, beside nanoseconds a byte at full size), and [`pace`] is that
//! of the slowest: so 10 ns are 125 instructions, and more for shapes of plain arithmetic.
//!
//! `benches/hostile.txt` names those that are over for now, each with what it takes: it may not get worse, and must leave
//! the list when it is mended. Nothing writes that file but people. Start reading at [`check`].

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brevdue::scan::ruleset::Ruleset;
use rustix::time::{ClockId, clock_gettime};

use crate::callgrind::{self, Counted, Input};
use crate::made::hostile::{SHAPES, Shape};

/// The sizes that are counted: one and its double.
fn sizes(shape: &str) -> [usize; 2] {
    match shape {
        // Beyond `Limits::header_bytes` it is cut, and no encoded word any more.
        "one encoded word" => [64 * 1024, 128 * 1024],
        _ => [200 * 1024, 400 * 1024],
    }
}

/// Twice the bytes may take this many times the instructions.
const GROWTH: f64 = 2.2;

/// What a byte may cost, in nanoseconds.
const NANOSECONDS: f64 = 10.0;

/// How far one that is over may lie above what the list says, in percent.
const DRIFT: f64 = 3.0;

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/hostile.txt");

/// Nanoseconds that an instruction takes, measured natively: at most 0.08 over all shapes. For those that take less of
/// them and stand near the bound, what they take, rounded up.
fn pace(name: &str) -> f64 {
    match name {
        "depth" | "named headers" | "folds" | "only digits" | "UTF-7" => 0.045,
        "one encoded word" | "pieces of a parameter" | "dashes in the deep" | "equals signs" => 0.037,
        _ => 0.08,
    }
}

/// Each shape at its sizes, one after the other.
pub(crate) fn inputs() -> Vec<Input> {
    let input = |shape: &'static Shape, bytes: usize| Input {
        name: shape.name.to_owned(),
        make: Box::new(move || vec![(shape.make)(bytes)]),
    };
    SHAPES.iter().flat_map(|shape| sizes(shape.name).map(|bytes| input(shape, bytes))).collect()
}

/// Those that are over for now, with their instructions a byte.
fn list() -> Vec<(String, f64)> {
    let text = fs::read_to_string(LIST).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, most) = line.rsplit_once(' ').unwrap();
            assert!(SHAPES.iter().any(|shape| shape.name == name.trim()), "no such shape: {line}");
            (name.trim().to_owned(), most.parse().unwrap())
        })
        .collect()
}

/// Counts every shape and holds the bounds; with `native` it is timed at full size too.
pub(crate) fn check(native: bool) -> ExitCode {
    let counted = match callgrind::count(&["--counted", "hostile"], &inputs()) {
        Ok(counted) => counted,
        Err(error) => {
            eprintln!("hostile mail: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (list, rules) = (list(), Arc::new(Ruleset::built_in().unwrap()));
    let mut wrong = Vec::new();
    print!("{:<40} {:>11} {:>6} {:>6}", "mail", "instr/byte", "most", "growth");
    println!("{}", if native { "  ns/instr     bytes ns/byte" } else { "" });
    let (pairs, _) = counted.as_chunks::<2>();
    for (shape, [once, twice]) in SHAPES.iter().zip(pairs) {
        let most = NANOSECONDS / pace(shape.name);
        let dearest = once.per_byte().max(twice.per_byte());
        let growth = growth(once, twice);
        let listed = list.iter().find(|(name, _)| name == shape.name).map(|(_, taken)| *taken);
        let within = dearest <= most && growth <= GROWTH;
        let mut verdict = match listed {
            None if growth > GROWTH => "GROWS",
            None if dearest > most => "OVER",
            None => "",
            Some(_) if within => "MENDED: take it off benches/hostile.txt",
            Some(taken) if dearest > taken * (1.0 + DRIFT / 100.0) => "WORSE than benches/hostile.txt says",
            Some(_) => "over, and known",
        };
        print!("{:<40} {dearest:>11.2} {most:>6.0} {growth:>6.2}", shape.name);
        if native {
            let small = nanoseconds(&rules, &(shape.make)(sizes(shape.name)[1]));
            let mail = (shape.make)(shape.full);
            let full = nanoseconds(&rules, &mail);
            print!(" {:>9.3} {:>9} {full:>7.2}", small / twice.per_byte(), mail.len());
            if full > NANOSECONDS && verdict.is_empty() {
                verdict = "SLOW";
            }
        }
        println!("  {verdict}");
        if !matches!(verdict, "" | "over, and known") {
            wrong.push((shape.name, &twice.top));
        }
    }
    if wrong.is_empty() {
        println!("all as they should be, {} over and known", list.len());
        return ExitCode::SUCCESS;
    }
    for (name, top) in &wrong {
        eprintln!("{name}: where the instructions go\n  {}", top.join("\n  "));
    }
    eprintln!("{} of {} shapes are not as they should be", wrong.len(), SHAPES.len());
    ExitCode::FAILURE
}

#[expect(clippy::cast_precision_loss, reason = "a figure of three digits")]
fn growth(once: &Counted, twice: &Counted) -> f64 {
    twice.instructions as f64 / once.instructions as f64
}

/// A byte's share of the best of some scans, in the processor's time: beside others on the machine it is not the clock's.
#[expect(clippy::cast_precision_loss, reason = "a figure of three digits")]
fn nanoseconds(rules: &Arc<Ruleset>, mail: &[u8]) -> f64 {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let end = Instant::now() + Duration::from_millis(300);
    let mut best = Duration::MAX;
    for turn in 0.. {
        let start = now();
        std::hint::black_box(super::scan(rules, std::hint::black_box(mail)));
        best = best.min(now().saturating_sub(start));
        if turn > 0 && Instant::now() > end {
            break;
        }
    }
    best.as_nanos() as f64 / mail.len() as f64
}
