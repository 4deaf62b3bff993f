//! A hop: where it is, how it is spoken to, and why it did not get a mail.
//!
//! Start reading at [`Hop`]; [`super::smtp`] speaks to it. Tests: `tests/outlet.rs`.

use super::reply::{self, Reply};
use super::secure::{SecureError, Security};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Where a hop is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A name or an address, and a port. The name is what a certificate must carry.
    Tcp {
        /// Without brackets.
        host: String,
        /// 1 to 65535.
        port: u16,
    },
    /// The path of a unix socket.
    Unix(PathBuf),
}

impl Place {
    /// Whether it is on this machine, by its address.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } => {
                let is_loopback = |ip: std::net::IpAddr| ip.to_canonical().is_loopback();
                host.parse().map_or(host == "localhost", is_loopback)
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(out, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(out, "{host}:{port}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

/// How long a hop may take. RFC 5321 §4.5.3.2 gives 5 minutes for a command and 10 for the end of the data; the mail server
/// before us waits no longer for us, so we end a little sooner and can say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the connection to stand.
    pub connect: Duration,
    /// For the greeting, and for the reply to each command.
    pub command: Duration,
    /// For a block of the data to be taken.
    pub block: Duration,
    /// For the reply to the end of the data. Giving up here may deliver a mail twice, so it is long.
    pub end: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            command: Duration::from_mins(2),
            block: Duration::from_mins(2),
            end: Duration::from_mins(9),
        }
    }
}

/// A hop, and how to speak to it.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Where it is.
    pub place: Place,
    /// It speaks LMTP: a reply for each recipient.
    pub lmtp: bool,
    /// How the way is protected.
    pub security: Security,
    /// How long it may take.
    pub limits: Limits,
}

/// Why a hop did not get the mail. Names the step and the code, never a word of the mail or of the hop.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It cannot be reached, or went away.
    #[error("{step}: {source}")]
    Io {
        /// What was being done.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It said nothing for too long.
    #[error("{step}: no answer in time")]
    Silent {
        /// What was being done.
        step: &'static str,
    },
    /// It does not speak SMTP.
    #[error("{step}: {source}")]
    Garbled {
        /// What was being done.
        step: &'static str,
        /// Why.
        source: reply::Garbled,
    },
    /// It said no.
    #[error("{step}: answered {}", .reply.code())]
    Refused {
        /// To what.
        step: &'static str,
        /// In these words.
        reply: Reply,
    },
    /// It offers no TLS, and the road is forced.
    #[error("STARTTLS is not offered, and the road is forced")]
    NoTls,
    /// TLS did not come to stand.
    #[error("STARTTLS: {0}")]
    Tls(#[from] SecureError),
    /// The mail itself could not be read.
    #[error("the draft cannot be read: {0}")]
    Draft(io::Error),
}

impl Failure {
    /// Whether it may go well another time.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Refused { reply, .. } => reply.is_temporary(),
            Self::Io { .. }
            | Self::Silent { .. }
            | Self::Garbled { .. }
            | Self::NoTls
            | Self::Tls(_)
            | Self::Draft(_) => true,
        }
    }

    /// Whether it came before a byte of the mail was sent.
    pub fn is_before_data(&self) -> bool {
        match self {
            Self::Io { step, .. } | Self::Silent { step } | Self::Garbled { step, .. } => {
                !matches!(*step, "BDAT" | "data" | "end of data")
            }
            Self::Refused { .. } | Self::NoTls | Self::Tls(_) => true,
            Self::Draft(_) => false,
        }
    }

    /// Whether the connection is of no more use, so that another may do.
    pub fn lost_the_hop(&self) -> bool {
        match self {
            Self::Refused { reply, .. } => reply.code() == 421,
            Self::Io { .. } | Self::Silent { .. } | Self::Garbled { .. } => true,
            Self::NoTls | Self::Tls(_) | Self::Draft(_) => false,
        }
    }
}
