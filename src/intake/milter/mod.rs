//! The milter door: how Postfix (or sendmail) shows every message to the gate and hears the verdict.
//!
//! *What it is*: a codec (`packet.rs`, `reply.rs`), the opening talk (`negotiate.rs`), a state machine (`session.rs`), all
//! sans-I/O, and around them tokio: one connection (`connection.rs`, with its `message.rs`) and the listeners (`door.rs`). [`Client`] is the
//! other side, for the demo and the load bench. *What it never does*: have an opinion on a message, keep its bytes, or
//! end a connection in the middle of one. *Start reading at* [`Door`], then `session.rs`. *Tests*: `tests/`.
//!
//! What Postfix does is in the manual's chapter on Postfix; here it is written at the line that obeys it.

mod client;
mod connection;
mod door;
mod message;
mod negotiate;
mod packet;
mod reply;
mod session;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use client::{Client, ClientError, Mail, Outcome};
pub use door::Door;
pub use packet::PacketError;
pub(in crate::intake) use session::address;

use super::listen::ListenAddr;

/// What the operator may set about the door.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: Vec<ListenAddr>,
    /// Connections served at once. Those above are taken too, and every message on them is deferred: a refused
    /// connection would look to Postfix like a dead filter. Postfix's default is 100 smtpd and 100 cleanup.
    pub max_connections: usize,
    /// Connections above `max_connections` that are taken in order to be deferred; more wait in the backlog.
    pub overflow: usize,
    /// How long a connection may be silent between messages. Postfix's own clients time out after 300 s.
    pub idle: Duration,
    /// How long it may be silent within a message before the MTA is taken for dead.
    pub stalled: Duration,
    /// How long the gate may take to decide before the door gives the fail verdict. The gate keeps its own budget of
    /// 60 s and then decides on what it has; this is for a gate that hangs.
    pub patience: Duration,
    /// How often a waiting MTA is told that work goes on.
    pub progress: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            max_connections: 2_000,
            overflow: 500,
            idle: Duration::from_mins(10),
            stalled: Duration::from_hours(1),
            patience: Duration::from_secs(75),
            progress: Duration::from_secs(10),
        }
    }
}

/// Runs any bytes through codec and session, as a connection would, and tells how many replies were owed: the target
/// of the fuzzer. It ends, it does not panic, and it opens no socket.
#[doc(hidden)]
pub fn swallow(mut bytes: &[u8]) -> Result<usize, PacketError> {
    let mut session = session::Session::new(false);
    let mut owed = 0;
    while let Some((frame, used)) = packet::split(bytes)? {
        let step = session.on(&packet::Command::decode(frame)?);
        owed += usize::from(step.owed != session::Owed::Silence);
        if session.has_ended() {
            break;
        }
        bytes = bytes.get(used..).unwrap_or_default();
    }
    Ok(owed)
}
