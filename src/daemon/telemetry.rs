//! Logs to standard error, one line an event, for journald. `BREVDUE_LOG` sets how much (`info` by default).

use std::io::{IsTerminal, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

/// A panic's text may quote what was being read, so only its place in our code is told (invariant 7).
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
        // When even standard error is closed there is nobody to tell.
        drop(writeln!(std::io::stderr(), "brevdue: internal error{place}; please report this"));
    }));
}

/// Starts logging; a second call does nothing.
pub fn start() {
    quiet_panics();
    let filter = EnvFilter::try_from_env("BREVDUE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // The watch over files tells of every write in a folder at TRACE: a log in that folder would feed itself.
    let filter = match "notify=info".parse::<Directive>() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours for people only: journald shows a line with escapes in it as `[blob data]`.
    let started = log.with_ansi(std::io::stderr().is_terminal()).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
