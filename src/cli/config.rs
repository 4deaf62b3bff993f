//! `brevdue check-config` and `brevdue config template`.

use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Every key with its meaning, its default and the reason
    Template,
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Template => super::say(crate::config::TEMPLATE.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn check(config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let path = config.unwrap_or(Path::new("brevdue.toml"));
    match crate::config::load(path) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                super::say_problems(&loaded.warnings);
            }
            // Rules and the list of allowed numbers are a part of what must be right before a start.
            crate::daemon::setup(&loaded.config)?;
            super::say(&format!("{}: can be run", path.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            super::say_problems(&problems);
            Ok(ExitCode::from(super::COULD_NOT_RUN))
        }
    }
}
