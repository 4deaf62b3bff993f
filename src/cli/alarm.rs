//! `brevdue alarm test`: does a notice reach everybody who must be told?

use crate::alarm::Alarm;
use crate::clock::Clock;
use crate::daemon;
use anyhow::Context;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Send a test letter to the DPO of every controller
    Test,
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Test => {}
    }
    let config = super::load(config)?;
    let settings = config
        .alarm
        .as_ref()
        .context("there is no [alarm] in the configuration; see `brevdue config template`")?;
    let rules = Arc::new(daemon::load_rules(config.rules.as_deref())?);
    let store = Arc::new(daemon::open_store(&config)?);
    let alarm = Alarm::new(store, settings, rules, Clock::System)?;
    let mut recipients: Vec<String> =
        config.controllers.iter().map(|controller| controller.dpo.clone()).collect();
    recipients.sort_unstable();
    recipients.dedup();
    tokio::runtime::Runtime::new()?.block_on(alarm.test(&recipients))?;
    super::say(&format!("the mail server took a test letter to: {}", recipients.join(", ")))?;
    Ok(ExitCode::SUCCESS)
}
