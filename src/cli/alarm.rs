//! `brevdue alarm`: does a notice reach everybody who must be told, and who has read one.

use crate::alarm::{Alarm, is_clean_text};
use crate::case::CaseId;
use crate::case::field::Words;
use crate::case::milestone::Milestone;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use anyhow::Context;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Send a test letter to the DPO of every controller, and try `second` and `webhook` where they are set
    Test,
    /// Say that an alert was read: what repeats its step is stopped, and never the next step or the deadline
    Ack {
        /// The case, e.g. BRV-2026-0001
        case: String,
        /// Who has read it; stands in the register
        #[arg(long, value_name = "NAME")]
        by: String,
        /// The step, e.g. left-24h; without it the most pressing that was told of
        #[arg(long)]
        step: Option<String>,
    },
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let config = super::load(config)?;
    if let Command::Ack { case, by, step } = command {
        return acknowledge(&config, case, by, step.as_deref());
    }
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
    let others = tokio::runtime::Runtime::new()?.block_on(alarm.test(&recipients))?;
    super::say(&format!("the mail server took a test letter to: {}", recipients.join(", ")))?;
    if !others.is_empty() {
        super::say(&format!("and so did: {}", others.join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn acknowledge(config: &Config, case: &str, by: &str, step: Option<&str>) -> anyhow::Result<ExitCode> {
    super::need_store(config)?;
    let id =
        CaseId::parse(case).with_context(|| format!("{case:?} is no case number; one is BRV-2026-0001"))?;
    let rules = Arc::new(daemon::load_rules(config.rules.as_deref())?);
    let now = Clock::System.now();
    let by = Words::checked(by, |text| is_clean_text(text, &rules, now)).context("--by")?;
    let store = daemon::open_store(config)?;
    let step = match step {
        None => None,
        Some(word) => {
            let milestone = Milestone::from_word(word).with_context(|| {
                let words: Vec<String> = Milestone::ALL.into_iter().map(Milestone::word).collect();
                format!("{word:?} is no step; one is: {}", words.join(", "))
            })?;
            let file = store
                .case(&id)?
                .with_context(|| format!("there is no case {id}; see `brevdue case list`"))?;
            Some((milestone, file.notices.iter().map(|one| one.clock_version).max().unwrap_or(1)))
        }
    };
    let done = store
        .acknowledge(&id, step, by.as_str(), now)?
        .with_context(|| format!("there is no case {id}; see `brevdue case list`"))?;
    let step = done.milestone.name();
    super::say(&if done.again {
        format!("{id}: {by} har kvitteret før / had acknowledged before ({step})")
    } else {
        format!(
            "{id}: kvitteret / acknowledged ({step}); bortfaldne gentagelser / repetitions stopped: {}",
            done.stopped
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
