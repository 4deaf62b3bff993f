//! `brevdue pipe -f SENDER -- RECIPIENT...`: one mail on standard input, for Postfix's pipe(8).
//!
//! Exit codes of sysexits.h: 0 somebody keeps the mail; 75 it must come again; 69 it is refused, and the text is on standard
//! output, where pipe(8) takes it from; 64 usage. Whatever goes wrong on our side is 75: the mail stays where it is.

use crate::clock::Clock;
use crate::daemon::{self, telemetry};
use crate::inspect::Gate;
use crate::intake::pipe::{self, PipeError};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

const USAGE: u8 = 64;
const TEMPFAIL: u8 = 75;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The sender of the envelope; empty or `<>` for a bounce
    #[arg(short = 'f', value_name = "SENDER", allow_hyphen_values = true)]
    from: String,
    /// The recipients of the envelope
    #[arg(required = true, value_name = "RECIPIENT")]
    recipients: Vec<String>,
}

pub(super) fn run(config: Option<&Path>, args: &Args) -> ExitCode {
    // pipe(8) puts what is on standard error into the bounce, so nothing is logged unless it is asked for.
    if std::env::var_os("BREVDUE_LOG").is_some() {
        telemetry::start();
    } else {
        telemetry::quiet_panics();
    }
    // A panic's own exit code would be a bounce.
    let Ok(result) = std::panic::catch_unwind(|| hand_on(config, args)) else {
        return ExitCode::from(TEMPFAIL);
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let is_usage = matches!(error.downcast_ref(), Some(PipeError::Address(_)));
            super::say_error(&format!("brevdue: {error:#}"));
            ExitCode::from(if is_usage { USAGE } else { TEMPFAIL })
        }
    }
}

/// What the command line itself is worth: usage is 64 here, and a help that was asked for is no fault.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

fn hand_on(path: Option<&Path>, args: &Args) -> anyhow::Result<u8> {
    let Some(path) = path else {
        anyhow::bail!("name the configuration with --config: it says where the mail goes on");
    };
    // Its warnings are for `check-config`, and not for the sender.
    let config = crate::config::load(path).map_err(anyhow::Error::new)?.config;
    let Some(settings) = &config.smtp else {
        anyhow::bail!("the configuration has no `[smtp]` with `next_hop`: there is no way on for the mail");
    };
    let setup = daemon::setup(&config)?;
    let gate = Gate::new(setup, daemon::open_register(&config)?, Clock::System);
    let gate = Arc::new(gate.on_node(&daemon::held::node_name(&config)));
    let release_key = Some(daemon::held::release_key(&config)?.public);
    let settings = &crate::config::SmtpSettings { release_key, ..settings.clone() };
    let runtime = tokio::runtime::Runtime::new()?;
    let mut input = std::io::stdin();
    let ended = runtime.block_on(pipe::run(settings, gate, &args.from, &args.recipients, &mut input))?;
    if ended.code != 0 {
        super::say(&ended.text)?;
    }
    Ok(ended.code)
}
