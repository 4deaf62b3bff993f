//! `brevdue key`: the DPO's pair of keys.

use crate::seal::keyfile::{self, DpoPair};
use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a pair: the private key into FILE (0600), the public key on the screen for `dpo_key`
    ///
    /// Run it on the DPO's own machine and keep FILE there: whoever has it can read the numbers of a breach, and
    /// without it nobody can.
    New {
        /// Where the private key goes; never overwritten
        #[arg(long, value_name = "FILE", default_value = "brevdue-dpo.key")]
        out: PathBuf,
    },
    /// Show the public key of a private key file
    Public {
        /// The private key file
        file: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New { out } => {
            let pair = DpoPair::generate();
            keyfile::create_private(out, format!("{}\n", pair.secret()).as_bytes())?;
            super::say(&format!(
                "private key: {} (keep it with the DPO, and a copy in a safe)\n\n[[controller]]\ndpo_key = \"{}\"",
                out.display(),
                pair.public
            ))?;
        }
        Command::Public { file } => {
            let secret =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            super::say(&DpoPair::from_secret(&secret)?.public)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
