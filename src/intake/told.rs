//! What a client is told of a mail: the words of an answer, or of the hop that refused it.
//!
//! *What it never does*: say yes where nobody keeps the mail. *Start reading at* [`Told::reply`]. *Tests*: the doors'.

use crate::envelope::Verdict;
use crate::inspect::{Answerable, Custody};
use crate::outlet::reply::Reply;
use crate::outlet::smtp::Failure;
use crate::spool::held::Receipt;

/// An answer, and in the place of its words those of a hop that refused.
pub(super) struct Told {
    pub(super) answer: Answerable,
    pub(super) refusal: Option<Reply>,
}

impl Told {
    pub(super) fn failed() -> Self {
        Self { answer: Answerable::failed(), refusal: None }
    }

    /// What became of it in the end: a verdict that could not be done is a deferral, or the hop's refusal.
    pub(super) fn outcome(&self) -> Verdict {
        match (self.answer.custody(), self.answer.verdict()) {
            (Custody::Upstream, Verdict::Block) => Verdict::Block,
            (Custody::Upstream, Verdict::Deliver(_) | Verdict::Reroute | Verdict::Hold)
                if self.refusal.as_ref().is_some_and(|reply| !reply.is_temporary()) =>
            {
                Verdict::Block
            }
            (Custody::Upstream, _) => Verdict::Defer,
            (Custody::Relayed(_) | Custody::Spooled(_) | Custody::Split(_), verdict) => verdict,
        }
    }

    /// The reply to the client. A yes comes from a custody and from nothing else.
    pub(super) fn reply(&self) -> Reply {
        match self.answer.custody() {
            Custody::Relayed(accepted) => accepted.reply().clone(),
            Custody::Spooled(receipt) => held(receipt),
            Custody::Split(parts) => of_parts(parts),
            Custody::Upstream => match self.answer.verdict() {
                Verdict::Block => lines(550, "5.7.1", self.answer.reply(), "The message was refused"),
                Verdict::Defer => lines(
                    451,
                    "4.7.1",
                    self.answer.reply(),
                    "The message cannot be taken now; try again later",
                ),
                Verdict::Deliver(_) | Verdict::Reroute | Verdict::Hold => {
                    self.refusal.clone().filter(|reply| reply.code() >= 400).unwrap_or_else(later)
                }
            },
        }
    }
}

/// The words of each keeper, so that the mail server's log tells where every part is.
fn of_parts(parts: &[Custody]) -> Reply {
    let mut code = None;
    let mut words = Vec::new();
    for part in parts {
        let reply = match part {
            Custody::Relayed(accepted) => accepted.reply().clone(),
            Custody::Spooled(receipt) => held(receipt),
            Custody::Split(parts) => of_parts(parts),
            Custody::Upstream => return later(),
        };
        code.get_or_insert(reply.code());
        words.extend_from_slice(reply.lines());
    }
    code.map_or_else(later, |code| Reply::of_lines(code, words))
}

fn held(receipt: &Receipt) -> Reply {
    Reply::new(250, &format!("2.0.0 Held for approval as {}", receipt.id()))
}

/// When our own work, or a hop, has failed.
pub(super) fn later() -> Reply {
    Reply::new(451, "4.3.0 The message cannot be taken now; try again later")
}

fn lines(code: u16, enhanced: &str, lines: &[String], fallback: &str) -> Reply {
    if lines.is_empty() {
        return Reply::new(code, &format!("{enhanced} {fallback}"));
    }
    Reply::of_lines(code, lines.iter().map(|line| format!("{enhanced} {line}")))
}

/// What a failure of a hop means to the client. What the hop says to us and not of the mail is no refusal of the mail, and
/// its 421 would end the wrong connection.
pub(super) fn told_of(failure: &Failure) -> Reply {
    match failure {
        Failure::Refused { step: "MAIL" | "RCPT" | "DATA", reply } => passed_on(reply.clone()),
        Failure::Refused { .. }
        | Failure::Io { .. }
        | Failure::Silent { .. }
        | Failure::Garbled { .. }
        | Failure::NoTls
        | Failure::Tls(_) => Reply::new(451, "4.4.1 The next hop cannot take it now; try again later"),
        Failure::Draft(_) => later(),
    }
}

/// A hop's words as the client may hear them.
pub(super) fn passed_on(reply: Reply) -> Reply {
    if reply.code() == 421 { reply.under(451) } else { reply }
}
