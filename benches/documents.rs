//! Documents in workers: how long they take, and what becomes of those that were made wrong.
//!
//!     cargo bench --bench documents                        the table of times, a minute
//!     cargo bench --bench documents -- --mutate 10000      mutants, some five minutes
//!     cargo bench --bench documents -- --help              the rest
//!
//! Everything is made here, small documents by what the tests write them with. Workers are real processes of the real
//! binary, which cargo builds beside the bench.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::format_push_string,
    reason = "a bench prints, stops when it cannot go on, and rounds"
)]

#[path = "documents/figures.rs"]
mod figures;
mod made;
#[path = "documents/mutants.rs"]
mod mutants;
#[path = "documents/mutate.rs"]
mod mutate;
#[path = "documents/opened.rs"]
mod opened;
#[allow(dead_code, reason = "not all of it is needed here")]
#[path = "../tests/hide/random.rs"]
mod random;
#[path = "../tests/support/documents/mod.rs"]
mod support;

use brevdue::worker::{Settings, Workers};
use random::Random;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const HELP: &str = "\
cargo bench --bench documents -- [OPTIONS]

  --mutate N     open N documents made wrong, all forms in turn, and print what became of them; exits with 1 when
                 anything panicked in the process that asked, hung, or made a worker call what it may not
  --only NAME    one form (or, of the figures, those whose name begins so)
  --seed N       the first seed (otherwise 0). `--mutate 1 --only FORM --seed N` has one again and says where it panics
  --keep FILE    write the first mutant there
  --times N      how often each document of the figures is opened (otherwise 100)";

/// What was asked for.
struct Options {
    mutate: Option<u64>,
    only: Option<String>,
    seed: u64,
    keep: Option<PathBuf>,
    times: usize,
}

impl Options {
    fn parse() -> Result<Option<Self>, String> {
        let mut options = Self { mutate: None, only: None, seed: 0, keep: None, times: 100 };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            let number =
                |text: String| text.parse::<u64>().map_err(|_| format!("{arg} {text}: not a number"));
            match arg.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--mutate" => options.mutate = Some(number(value()?)?),
                "--only" => options.only = Some(value()?),
                "--seed" => options.seed = number(value()?)?,
                "--keep" => options.keep = Some(value()?.into()),
                "--times" => options.times = usize::try_from(number(value()?)?.max(1)).unwrap_or(1),
                // Everything once, to see that it works: `cargo test --benches` asks so.
                "--test" => options.times = 1,
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("unknown option {arg}")),
            }
        }
        Ok(Some(options))
    }
}

fn workers(program: &Path) -> Arc<Workers> {
    Workers::of(program.to_owned(), Settings::default())
}

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let program = Path::new(env!("CARGO_BIN_EXE_brevdue"));
    match workers(program).try_out() {
        Some(walls) if walls.all() => {}
        Some(walls) => println!("NOT ALL WALLS STAND HERE: {walls:?}"),
        None => {
            eprintln!("{} does not start: cargo build --release", program.display());
            return ExitCode::FAILURE;
        }
    }
    match options.mutate {
        Some(count) => mutants::run(program, &options, count),
        None => figures::run(program, options.only.as_deref(), options.times),
    }
}
