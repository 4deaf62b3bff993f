//! `brevdue evidence`: how the mails of a case travelled, and who must be written to (that for the DPO alone).

mod journey;

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
    /// Show how each mail of a case travelled: next hop, TLS, time, as the mail server's log has it
    Show {
        /// The case, e.g. BRV-2026-0001
        case: String,
        /// How to print
        #[arg(long, value_enum, default_value = "human")]
        format: super::case::Format,
    },
}

/// `brevdue evidence`: `evidence CASE` says `evidence show CASE`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The case whose mails' way is shown, e.g. BRV-2026-0001
    #[arg(required = true)]
    case: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "human")]
    format: super::case::Format,
}

/// Which command was meant.
pub(super) fn run(config: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    match (&args.command, &args.case) {
        (Some(command), _) => run_command(config, command),
        (None, case) => journey::run(config, case.as_deref().unwrap_or_default(), args.format),
    }
}

fn run_command(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Show { case, format } => journey::run(config, case, *format),
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
