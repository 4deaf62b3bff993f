//! `brevdue alarm`: does a notice reach everybody who must be told, and who has read one.

use crate::alarm::{Alarm, Tried, is_clean_text};
use crate::case::CaseId;
use crate::case::field::Words;
use crate::case::milestone::Milestone;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use anyhow::{Context, bail};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Send a test letter to every DPO and everybody behind them by each mail server, and post to the webhook
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
    let people = config.planning.staff.iter().map(|one| &one.address);
    let mut recipients: Vec<String> =
        config.controllers.iter().map(|one| &one.dpo).chain(people).cloned().collect();
    recipients.sort_unstable();
    recipients.dedup();
    let tried = tokio::runtime::Runtime::new()?.block_on(alarm.test(&recipients));
    let mut failed = 0;
    for Tried { road, to, result } in &tried {
        match result {
            Ok(()) => super::say(&format!("{road:<8} took it   {to}"))?,
            Err(error) => {
                failed += 1;
                super::say(&format!("{road:<8} FAILED    {to}  {error}"))?;
            }
        }
    }
    let behind = |cvr: &str| config.planning.staff.iter().any(|one| one.cvr.as_deref() == Some(cvr));
    let alone: Vec<&str> =
        config.controllers.iter().filter(|one| !behind(&one.cvr)).map(|one| one.name.as_str()).collect();
    if !alone.is_empty() {
        super::say(&format!(
            "nobody stands behind the DPO of: {} (add `deputy` or `chief`, who hear when nobody acknowledges)",
            alone.join(", ")
        ))?;
    }
    if failed > 0 {
        bail!("{failed} of {} tries failed: until they do not, some alarms reach nobody", tried.len());
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
