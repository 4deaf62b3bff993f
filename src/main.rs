//! `brevdue`: parse, run, exit code.

use brevdue::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse() {
        Ok(command) => cli::run(command),
        Err(code) => code,
    }
}
