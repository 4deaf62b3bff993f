//! `brevdue serve`: the daemon, until SIGTERM or SIGINT; SIGHUP reloads rules and config.

use crate::clock::Clock;
use crate::daemon::{Daemon, Noted, telemetry};
use anyhow::Context;
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Play the housing-loan story through the real milter socket and leave its cases to look at
    #[arg(long)]
    demo: bool,
}

pub(super) fn run(config: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    if args.demo {
        return runtime.block_on(super::demo::run());
    }
    telemetry::start();
    let noted = Noted::before_loading(config);
    let config = super::load(config)?;
    runtime.block_on(async {
        // Before the door opens: whoever is told to end while it serves its first message must finish that too.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let daemon = Daemon::start_watching(&config, noted, Clock::System)?;
        for address in &daemon.milter {
            tracing::info!(%address, "milter door open");
        }
        for address in &daemon.smtp {
            tracing::info!(%address, "SMTP door open");
        }
        if let Some(address) = &daemon.console {
            tracing::info!(%address, "console open: /healthz and /metrics");
        }
        if let Some(address) = &daemon.check {
            tracing::info!(%address, "check service open: POST /v1/check");
        }
        if config.alarm.is_none() {
            tracing::warn!("no [alarm]: nobody is told of a case; see `brevdue config template`");
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping; messages in flight are finished");
        daemon.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
