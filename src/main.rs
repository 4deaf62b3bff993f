//! `brevdue`: parse, run, exit code.

use brevdue::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A worker is started for each document, and its command line is read in less time alone than among all others.
    cli::run_worker().unwrap_or_else(|| match cli::parse() {
        Ok(command) => cli::run(command),
        Err(code) => code,
    })
}
