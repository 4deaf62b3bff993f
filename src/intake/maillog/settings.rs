//! `[maillog]`: which log is read, and what is to be made of it.

use std::path::PathBuf;

/// Where the mail server's log is, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it is.
    pub source: Source,
    /// What becomes of mail that left without passing us.
    pub bypass: Bypass,
    /// Transports and next hops whose mail need not pass us: `relay`, `mx.kommune.example`, `*.kommune.example`, `10.0.0.8`.
    pub need_not_pass: Vec<String>,
    /// Every transport logs its TLS sessions, so that a delivery without one was plaintext.
    pub tls_logged: bool,
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file that grows and is rotated.
    File(PathBuf),
    /// The journal, by `journalctl`.
    Journal,
}

/// What becomes of mail that left without passing us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bypass {
    /// The DPO is told, once an hour at most.
    #[default]
    Alarm,
    /// Nothing: not all of this mail server's mail is ours to see.
    Ignore,
}
