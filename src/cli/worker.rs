//! `brevdue worker` and `brevdue recogniser`: what reads one document or picture within walls; started by Brevdue
//! itself, and of no use to a person.

use crate::worker::{self, Budget, Recogniser};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The command alone, its name first.
#[derive(Debug, clap::Parser)]
pub(super) struct Alone {
    #[command(flatten)]
    pub(super) args: Args,
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The process that it ends with
    #[arg(long)]
    parent: Option<u32>,
    /// The numbers of a budget, as `worker` writes them
    #[arg(required = true, num_args = 6)]
    budget: Vec<u64>,
}

#[derive(Debug, clap::Args)]
pub(super) struct RecogniserArgs {
    /// The process that it ends with
    #[arg(long)]
    parent: Option<u32>,
    /// The numbers of a budget, and the seconds for a picture
    #[arg(required = true, num_args = 7)]
    numbers: Vec<u64>,
    /// The languages of its letters, `dan+eng`
    #[arg(last = true, required = true, num_args = 2, value_names = ["LANGUAGES", "PROGRAM"])]
    program: Vec<PathBuf>,
}

fn budget(numbers: &[u64]) -> Budget {
    numbers.first_chunk().map(Budget::of_arguments).unwrap_or_default()
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    worker::run(&budget(&args.budget), args.parent)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn recognise(args: &RecogniserArgs) -> anyhow::Result<ExitCode> {
    let [languages, program] = args.program.as_slice() else { anyhow::bail!("a language and a program") };
    let recogniser = Recogniser {
        program: program.clone(),
        languages: languages.to_string_lossy().into_owned(),
        time: Duration::from_secs(args.numbers.last().copied().unwrap_or(1)),
        workers: 1,
    };
    Err(worker::recognise(&budget(&args.numbers), &recogniser, args.parent).into())
}
