//! The SMTP and LMTP door: mail passes through our hands, before Postfix's queue (`smtpd_proxy_filter`) or behind it
//! (`content_filter`).
//!
//! *What it is*: a codec (`command.rs`, `data.rs`) and a state machine (`session.rs`), sans-I/O, and around them tokio: one
//! connection (`connection.rs`, with its `message.rs`) and the listeners (`door.rs`). What becomes of a mail when it is whole
//! is `../handover.rs`, with the table of what a crash leaves. *What it never does*: add, take or change a byte of a mail;
//! own one that it can leave with somebody else; or say yes before the next hop, or the disk, has. *Start reading at*
//! [`Door`], then `session.rs`. *Tests*: `tests/` here; `tests/relay.rs` behind a real Postfix.
//!
//! The next hop is asked at MAIL and at each RCPT, so that a client hears its own words. Extensions are offered as if the hop
//! had them; a parameter that it does not know is left out, but SMTPUTF8, without which the mail would be another.

mod command;
mod connection;
mod data;
mod door;
pub(super) mod message;
mod session;
#[cfg(test)]
mod tests;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use door::Door;

use super::handover::Ways;
use super::listen::ListenAddr;
use crate::inspect::Gate;
use crate::outlet::secure::{SecureError, Security};
use crate::outlet::smtp::{Hop, Limits, Place};
use crate::spool::held::Holding;

/// What the operator may set about the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen.
    pub listen: Vec<ListenAddr>,
    /// Where mail goes on.
    pub next_hop: Place,
    /// It speaks LMTP.
    pub lmtp: bool,
    /// The protected road; without it what should be rerouted is held.
    pub secure: Option<Place>,
    /// The CAs that the protected road trusts, PEM, and no others; `None`: the public ones.
    pub secure_ca: Option<PathBuf>,
    /// Connections served at once; those above hear 421.
    pub max_connections: usize,
    /// Chain and key for STARTTLS, both PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The spool, for drafts and held mail.
    pub spool: PathBuf,
    /// The node's release key (`age1...`), to which held mail is sealed beside the DPO's.
    pub release_key: Option<String>,
    /// How long a connection may be silent. RFC 5321 §4.5.3.2.7 asks for 5 minutes at least.
    pub idle: Duration,
    /// How long the gate may take to decide before the mail is deferred. The gate keeps its own budget of 60 s and then
    /// decides on what it has; this is for a gate that hangs.
    pub patience: Duration,
    /// How long a hop may take.
    pub limits: Limits,
}

impl Settings {
    /// Connections above `max_connections` that are taken in order to be told so; more wait in the backlog.
    pub const OVERFLOW: usize = 100;

    /// Of a door that leads here, with everything else as it is by default.
    pub fn to(next_hop: Place) -> Self {
        Self {
            listen: Vec::new(),
            next_hop,
            lmtp: false,
            secure: None,
            secure_ca: None,
            max_connections: 1_000,
            tls: None,
            spool: PathBuf::new(),
            release_key: None,
            idle: Duration::from_mins(5),
            patience: Duration::from_secs(75),
            limits: Limits::default(),
        }
    }

    /// The protected road, where there is one: also for what is released to it later.
    ///
    /// # Errors
    /// When the CAs cannot be used.
    pub fn secure_hop(&self) -> Result<Option<Hop>, SecureError> {
        let Some(place) = &self.secure else { return Ok(None) };
        let security = Security::forced(self.secure_ca.as_deref())?;
        Ok(Some(Hop { place: place.clone(), lmtp: false, security, limits: self.limits }))
    }

    /// The next hop.
    pub fn next_hop(&self) -> Hop {
        // On this machine TLS would guard nothing, and cost a handshake a mail.
        let security = if self.next_hop.is_local() { Security::never() } else { Security::if_offered() };
        Hop { place: self.next_hop.clone(), lmtp: self.lmtp, security, limits: self.limits }
    }

    /// The ways out that these settings name.
    ///
    /// # Errors
    /// When the CAs cannot be used.
    pub(super) fn ways(&self, gate: &Arc<Gate>) -> Result<Ways, SecureError> {
        Ok(Ways {
            gate: Arc::clone(gate),
            next: self.next_hop(),
            secure: self.secure_hop()?,
            holding: Holding::below(&self.spool),
            release_key: self.release_key.clone(),
        })
    }
}

/// Whether a text can stand between the brackets of RCPT, as it is.
pub(super) fn is_path(text: &str) -> bool {
    let line = command::parse(format!("RCPT TO:<{text}>").as_bytes());
    matches!(line, Ok(command::Command::Rcpt { path, parameters }) if path == text && parameters.is_empty())
}

/// Runs any bytes through codec and session, as a connection with a next hop that takes everything would, and tells how many
/// replies were owed: the target of the fuzzer. It ends, it does not panic, and it opens no socket.
#[doc(hidden)]
pub fn swallow(mut bytes: &[u8]) -> usize {
    use session::{Act, Premises, Session};
    let mut session = Session::new(Premises { has_tls: true, is_local: true }, None);
    let mut owed = 0;
    while let Some(end) = memchr::memchr(b'\n', bytes) {
        let (line, rest) = bytes.split_at(end + 1);
        bytes = rest;
        owed += 1;
        match session.on(connection::read_line(line)) {
            Act::Sender { path, parameters } => session.sender_taken(path, parameters),
            Act::Recipient { path, parameters, address } => {
                session.recipient_taken(path, parameters, address);
            }
            Act::Data => {
                let (used, _) = data::Dots::new().push(bytes, |_| {});
                bytes = bytes.get(used..).unwrap_or_default();
                session.mail_over();
            }
            Act::Chunk { size, last, unwanted } => {
                let size = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(size..).unwrap_or_default();
                if last || unwanted.is_some() {
                    session.mail_over();
                }
            }
            Act::StartTls => session.secured("TLSv1.3"),
            Act::Void(_) => session.mail_over(),
            Act::Leave(_) => break,
            Act::Say(_) | Act::Client => {}
        }
        if session.is_hopeless() {
            break;
        }
    }
    owed
}

/// Reads the content behind DATA from these pieces: what it is, how many bytes it took with its end, if that came, and
/// whether a CR or LF stood alone. For the fuzzer.
#[doc(hidden)]
pub fn undotted<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Option<usize>, bool) {
    let (mut dots, mut content, mut before) = (data::Dots::new(), Vec::new(), 0);
    for piece in pieces {
        let (used, ended) = dots.push(piece, |run| content.extend_from_slice(run));
        before += used;
        if ended {
            return (content, Some(before), dots.has_stray());
        }
    }
    (content, None, dots.has_stray())
}

/// Whether a CR or LF stands alone in the content behind BDAT. For the fuzzer.
#[doc(hidden)]
pub fn has_stray<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let mut lines = data::Lines::default();
    pieces.into_iter().for_each(|piece| lines.push(piece));
    lines.ends_with_stray()
}
