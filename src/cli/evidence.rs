//! `brevdue evidence`: who must be written to, for the DPO alone.

use crate::case::CaseId;
use crate::spool::evidence::Evidence;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the numbers of a case, one a line
    Open {
        /// The case, e.g. BRV-2026-0001
        case: String,
        /// The DPO's private key file, from `brevdue key new`
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
    },
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Open { case, identity } => {
            let case = CaseId::parse(case)
                .with_context(|| format!("{case:?} is no case number; one is BRV-2026-0001"))?;
            let secret = std::fs::read_to_string(identity)
                .with_context(|| format!("cannot read the private key {}", identity.display()))?;
            let config = super::load(config)?;
            let opened = Evidence::below(&config.spool).open(&case, &secret)?;
            for number in &opened.numbers {
                super::say(number)?;
            }
            if opened.still_sealed > 0 {
                // More persons than those printed must be written to.
                super::say_error(&format!(
                    "brevdue: the numbers of {} message(s) are sealed to another key, or damaged",
                    opened.still_sealed
                ));
                return Ok(ExitCode::from(super::COULD_NOT_RUN));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
