//! The way by which released mail is sent: what the keeper asks of it. The SMTP client itself stands in `outlet`.

use crate::config::Config;
use crate::spool::held::Cover;
use std::future::Future;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;

/// By which road a mail is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// To the next hop, as it is.
    Clear,
    /// By forced TLS to a verified peer, or not at all.
    Protected,
}

/// A mail to be sent on.
pub struct Outbound {
    /// Its envelope.
    pub cover: Cover,
    /// Its bytes; an error of reading means that nothing may be sent.
    pub mail: Box<dyn Read + Send>,
    /// How many bytes.
    pub size: u64,
    /// Whether its last line has its CRLF.
    pub ends_a_line: bool,
    /// By which road.
    pub road: Road,
}

/// Why a mail was not sent. Says what the server said by its code, and nothing of the mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Trying again can help.
    #[error("not sent: {0}")]
    Temporary(String),
    /// It was refused for good.
    #[error("refused: {0}")]
    Permanent(String),
}

/// What sending gives in the end.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), NotSent>> + Send + 'a>>;

/// A way out for released mail.
pub trait Sender: Send + Sync {
    /// Sends a mail to all its recipients. It is `Ok` only after the next hop's own 2yz to the end of the data: what is ours is
    /// removed then. A mail of which some recipients were refused was not sent, and is told of as such.
    fn send(&self, mail: Outbound) -> Sending<'_>;
}

/// The way that a configuration names, for the daemon and for whoever acts as root. There is none yet: until the SMTP client is
/// joined here, mail that is released from our spool, or by the protected road, waits and says so.
pub(super) fn of(_: &Config) -> Option<Arc<dyn Sender>> {
    None
}
