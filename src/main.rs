//! `brevdue`: parse, run, exit code.

use brevdue::cli::{self, Cli};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
