//! `brevdue worker`: what opens one document; started by Brevdue itself, and of no use to a person.

use crate::worker::{self, Budget};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The numbers of a budget, as `worker` writes them
    #[arg(required = true, num_args = 5)]
    budget: Vec<u64>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let budget = args.budget.first_chunk().map(Budget::of_arguments).unwrap_or_default();
    worker::run(&budget)?;
    Ok(ExitCode::SUCCESS)
}
