//! One mail on standard input, as Postfix's pipe(8) gives it: judged, and handed on to the next hop.
//!
//! *What it is*: the gate and the hand-over of the SMTP door, without SMTP before them. *What it never does*: end well
//! before somebody keeps the mail. *Start reading at* [`run`]. *Tests*: `tests/relay.rs`, from a real Postfix.
//!
//! Lines come with LF, as files have them, and are read and sent on with CRLF. A lone CR is refused, as at the SMTP door.

use std::io::{self, Read};
use std::sync::Arc;

use super::counters::Counters;
use super::handover::{Line, Parcel, hand_over, judge, may_hold};
use super::smtp::message::Message;
use super::smtp::{Settings, is_path};
use super::told::Told;
use crate::envelope::{Address, Envelope};
use crate::inspect::Gate;
use crate::intake::milter::address;
use crate::outlet::reply::Reply;
use crate::outlet::secure::SecureError;
use crate::policy::Hands;
use crate::spool::draft::Drafts;
use crate::spool::held::Cover;

/// What became of the mail, as sysexits.h has it, which pipe(8) reads.
#[derive(Debug)]
pub struct Ended {
    /// 0: somebody keeps it. 75: it must come again. 69: refused for good.
    pub code: u8,
    /// What the sender is told.
    pub text: String,
}

const OK: u8 = 0;
const UNAVAILABLE: u8 = 69;
const TEMPFAIL: u8 = 75;

/// Why the mail was not even read.
#[derive(Debug, thiserror::Error)]
pub enum PipeError {
    /// An address that is none.
    #[error("an address of the {0} cannot be read")]
    Address(&'static str),
    /// The way out.
    #[error(transparent)]
    Secure(#[from] SecureError),
}

/// Reads a mail, and returns when somebody keeps it, or nobody does.
///
/// # Errors
/// When an address cannot be read, or the protected road cannot be used; the mail is with whoever gave it.
pub async fn run(
    settings: &Settings,
    gate: Arc<Gate>,
    sender: &str,
    recipients: &[String],
    input: &mut (dyn Read + Send),
) -> Result<Ended, PipeError> {
    let ways = settings.ways(&gate)?;
    let from = match sender {
        "" | "<>" => None,
        text => Some(parsed(text).ok_or(PipeError::Address("sender"))?),
    };
    let to = recipients.iter().map(|one| parsed(one).ok_or(PipeError::Address("recipients")));
    let to: Vec<Address> = to.collect::<Result<_, _>>()?;
    let mut inspection = gate.begin();
    inspection.envelope = Envelope { sender: from, recipients: to, ..Envelope::default() };
    let mut message = Message::begin(inspection, Drafts::below(&settings.spool).begin());
    let is_ascii = match pour(&mut message, input).await {
        Ok(is_ascii) => is_ascii,
        Err(error) => return Ok(Ended { code: TEMPFAIL, text: format!("4.3.0 the input: {error}") }),
    };
    let (mut inspection, mail) = match message.finish() {
        Ok(whole) => whole,
        Err(reply) => return Ok(ended(&reply)),
    };
    let holders = inspection.holders();
    inspection.hands =
        Hands { splits: may_hold(&holders), answers_each: false, reroutes: ways.secure.is_some() };
    let mut parameters = Vec::new();
    if !is_ascii {
        parameters.push("BODY=8BITMIME".to_owned());
    }
    if !sender.is_ascii() || recipients.iter().any(|one| !one.is_ascii()) {
        parameters.push("SMTPUTF8".to_owned());
    }
    let cover = Cover {
        sender: sender.trim_matches(['<', '>']).to_owned(),
        parameters,
        recipients: recipients.iter().map(|one| (one.clone(), Vec::new())).collect(),
        ..Cover::default()
    };
    let Some(judged) = judge(inspection, settings.patience, &Counters::default()).await else {
        return Ok(ended(&Told::failed().reply()));
    };
    let parcel = Parcel { cover, mail, holders, each: false };
    let mut line = Line::default();
    let told = hand_over(judged, &parcel, &ways, &mut line).await;
    if let Some(session) = line.session.take() {
        session.quit().await;
    }
    Ok(told.first().map_or_else(|| ended(&Told::failed().reply()), |told| ended(&told.reply())))
}

/// Reads all of the input into the message, with CRLF. Tells whether it was ASCII.
async fn pour(message: &mut Message, input: &mut (dyn Read + Send)) -> io::Result<bool> {
    let mut block = vec![0; 64 * 1024];
    // A CR at the end of a block waits for what comes behind it.
    let (mut text, mut out) = (Vec::new(), Vec::new());
    let (mut is_ascii, mut at_line_start) = (true, true);
    loop {
        let count = match input.read(&mut block) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = block.get(..count).unwrap_or_default();
        is_ascii &= piece.is_ascii();
        text.extend_from_slice(piece);
        let waits = count > 0 && text.pop_if(|last| *last == b'\r').is_some();
        out.clear();
        for run in text.split_inclusive(|byte| *byte == b'\n') {
            let (line, ends) = run.strip_suffix(b"\n").map_or((run, false), |line| (line, true));
            let body = if ends { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
            if memchr::memchr(b'\r', body).is_some() {
                message.refuse(Reply::new(550, "5.6.11 A lone CR stands in the message, and is not taken"));
            }
            out.extend_from_slice(body);
            if ends {
                out.extend_from_slice(b"\r\n");
            }
            at_line_start = ends;
        }
        text.clear();
        if waits {
            text.push(b'\r');
        }
        if count == 0 && !at_line_start {
            out.extend_from_slice(b"\r\n");
        }
        message.take(&out);
        if count == 0 {
            return Ok(is_ascii);
        }
        message.settle().await;
    }
}

/// An address without its brackets, if it could stand in RCPT as it is.
fn parsed(text: &str) -> Option<Address> {
    is_path(text).then(|| address(format!("<{text}>").as_bytes())).flatten()
}

fn ended(reply: &Reply) -> Ended {
    let code = match reply.code() {
        200..=299 => OK,
        500..=599 => UNAVAILABLE,
        _ => TEMPFAIL,
    };
    // pipe(8) reads the enhanced code at the start, and shows the rest as one line.
    let enhanced = reply.lines().first().and_then(|line| line.split(' ').next()).unwrap_or_default();
    let bare = |(at, line): (usize, &String)| match line.strip_prefix(enhanced) {
        Some(rest) if at > 0 => rest.trim_start().to_owned(),
        Some(_) | None => line.clone(),
    };
    Ended { code, text: reply.lines().iter().enumerate().map(bare).collect::<Vec<_>>().join("\n") }
}
