//! `brevdue rules`: the rules proved, shown and tuned, and the site's list of numbers that are nobody's.
//!
//! `list` shows, to people and as `json`; `explain` says what counted on each candidate, `calibrate` whether the promises
//! hold; `allow` keeps the list, `prompt` reads numbers unseen. No number is printed here but by `explain --reveal`. Start
//! reading at [`run`]. Tests: `tests/rules.rs`, `tests/explain.rs`.

pub(super) mod allow;
mod calibrate;
mod explain;
mod json;
mod list;
pub(super) mod prompt;

use crate::config::Config;
use crate::daemon::{StartError, rules};
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Prove every entry by its examples; all faults at once, with file and line
    ///
    /// Without --config the rules built in; with it the folder of `[rules] path`: files named as ours in their
    /// place, every other *.toml a pack over them, in order of name. Exit code 1 when there is a fault.
    Check,
    /// Show every entry with its weight, its words and its file, and what packs changed
    List(list::Args),
    /// Say which evidence counted, with its weight, on each candidate, found or not
    Explain(explain::Args),
    /// Check on labelled mail that the promises hold: certain 99 % right, likely 90 %
    Calibrate(calibrate::Args),
    /// Keep the list of numbers that are nobody's, such as the test data of a vendor
    Allow(allow::Args),
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let named = config.is_some();
    let config = super::load(config)?;
    match command {
        Command::Check => check(&config),
        Command::List(args) => list::run(&config, args),
        Command::Explain(args) => explain::run(&config, args),
        Command::Calibrate(args) => calibrate::run(&config, args),
        Command::Allow(args) => {
            anyhow::ensure!(
                named,
                "the list is kept under the node key of a configuration: give it with --config FILE"
            );
            allow::run(&config, args)
        }
    }
}

fn check(config: &Config) -> anyhow::Result<ExitCode> {
    match rules::load(config.rules.as_deref()) {
        Ok(loaded) => {
            let (entries, examples) = loaded.rules.size();
            super::say(&format!("{entries} entries proved by {examples} examples"))?;
            if !loaded.changed.is_empty() {
                super::say("\nExamples that a pack over them changes; no fault if it is what you want:")?;
            }
            for changed in &loaded.changed {
                super::say(&format!("  {changed}"))?;
            }
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
