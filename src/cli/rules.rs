//! `brevdue rules check`: every entry of the rules proved by its own examples.

use crate::daemon::{self, StartError};
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prove every entry by its examples; all faults at once
    Check,
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check => {}
    }
    let rules = match config {
        Some(_) => super::load(config)?.rules,
        None => None,
    };
    match daemon::load_rules(rules.as_deref()) {
        Ok(ruleset) => {
            let (entries, examples) = ruleset.size();
            super::say(&format!("{entries} entries proved by {examples} examples"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(StartError::Rules(faults)) => {
            for fault in &faults {
                super::say_error(&fault.to_string());
            }
            super::say_error(&format!("{} fault(s)", faults.len()));
            Ok(ExitCode::from(1))
        }
        Err(error) => Err(error.into()),
    }
}
