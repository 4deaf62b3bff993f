//! One connection: reads, lets the session say what is due, feeds the gate, answers.
//!
//! *What it never does*: gather a message (a buffer of one frame is all there is), end in the middle of one, or let a
//! panic of the inspection out: the message gets the fail verdict and the next one on the connection is as good as any.
//! *Start reading at* [`Connection::run`]. *Tests*: `tests/door.rs`, over real sockets.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::Settings;
use super::counters::{Counters, add, name};
use super::negotiate::Terms;
use super::packet::{Command, LENGTH, PacketError, announced, split};
use super::reply::Reply;
use super::session::{Content, Owed, Session};
use crate::envelope::{Custody, Verdict};
use crate::inspect::{Answerable, Gate, Inspection};

/// How long an MTA may leave our answer unread; Postfix reads at once or is gone.
const WRITE_LIMIT: Duration = Duration::from_mins(1);
/// How long the last answer may take to be read before the socket closes.
const LINGER: Duration = Duration::from_secs(2);
/// The least room for a read: the envelope of a message fits, and a small message with it.
const GULP: usize = 16 * 1024;

/// What all connections of a door share.
pub(super) struct Desk {
    pub(super) gate: Arc<Gate>,
    pub(super) settings: Settings,
    pub(super) counters: Arc<Counters>,
}

/// A socket that an MTA is at the other end of.
pub(super) trait Peer: AsyncRead + AsyncWrite + Unpin + Send {
    /// Called after each read.
    fn rearm(&self) {}
}

impl Peer for UnixStream {}

impl Peer for TcpStream {
    /// Acknowledges at once. Events that go unanswered leave Postfix's Nagle waiting for an ACK that Linux delays by
    /// 40 ms: 20 messages a second. Linux leaves the mode by itself, so it is asked for after each read.
    #[cfg(target_os = "linux")]
    fn rearm(&self) {
        if let Err(error) = socket2::SockRef::from(self).set_tcp_quickack(true) {
            tracing::debug!(%error, "TCP_QUICKACK");
        }
    }
}

/// Why a connection ended otherwise than by QUIT.
#[derive(Debug, thiserror::Error)]
enum Ending {
    #[error("the MTA does not speak the milter protocol: {0}")]
    Broken(#[from] PacketError),
    #[error("the connection to the MTA failed: {0}")]
    Io(#[from] io::Error),
    #[error("the MTA has left in the middle of a message")]
    Left,
    #[error("the MTA has said nothing for too long")]
    Silent,
}

/// The bytes received and not yet used: at most one torn frame and what came with it.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    used: usize,
}

impl Inbox {
    fn unread(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    /// Makes room for the rest of the frame that has begun.
    fn make_room(&mut self) -> Result<(), PacketError> {
        self.bytes.drain(..self.used.min(self.bytes.len()));
        self.used = 0;
        let whole = announced(&self.bytes)?.unwrap_or(LENGTH);
        self.bytes.reserve((whole.saturating_sub(self.bytes.len())).max(GULP));
        Ok(())
    }

    /// Gives back what a large message took; thousands of connections are idle at a time.
    fn rest(&mut self) {
        if self.used >= self.bytes.len() && self.bytes.capacity() > 2 * GULP {
            *self = Self::default();
        }
    }
}

/// A message under way.
struct Message {
    /// `None` once it has panicked.
    inspection: Option<Inspection>,
    began: Instant,
    size: usize,
    /// One header as it stood in the message.
    line: Vec<u8>,
}

impl Message {
    fn begin(desk: &Desk, session: &Session) -> Self {
        let mut message = Self { inspection: None, began: Instant::now(), size: 0, line: Vec::new() };
        message.inspection = guard(desk, || {
            let mut inspection = desk.gate.begin();
            inspection.envelope = session.envelope().clone();
            inspection
        });
        message
    }

    fn header(&mut self, desk: &Desk, name: &[u8], value: &[u8], space: bool) {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        for piece in [name, if space { b": " } else { b":" }, value, b"\r\n"] {
            line.extend_from_slice(piece);
        }
        self.feed(desk, &line);
        self.line = line;
    }

    /// Shows the inspection some bytes, unless its verdict is sure. A panic loses the inspection, not the connection.
    fn feed(&mut self, desk: &Desk, bytes: &[u8]) {
        self.size += bytes.len();
        let Some(mut inspection) = self.inspection.take() else { return };
        if bytes.is_empty() {
            self.inspection = Some(inspection);
            return;
        }
        // Moved in and out: after a panic it is dropped while unwinding, and a half-fed inspection is never asked again.
        self.inspection = guard(desk, move || {
            if !inspection.settled() {
                inspection.feed(bytes);
            }
            inspection
        });
    }

    fn is_settled(&self) -> bool {
        self.inspection.as_ref().is_some_and(Inspection::settled)
    }
}

/// Runs a piece of the inspection; `None` if it panicked.
fn guard<T>(desk: &Desk, work: impl FnOnce() -> T) -> Option<T> {
    // AssertUnwindSafe: what the closure owns dies with it, and the gate is shared by design.
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    if done.is_none() {
        desk.counters.panics.fetch_add(1, Relaxed);
    }
    done
}

/// One connection and all that belongs to it.
pub(super) struct Connection<S> {
    stream: S,
    inbox: Inbox,
    out: Vec<u8>,
    session: Session,
    message: Option<Message>,
    desk: Arc<Desk>,
}

impl<S: Peer> Connection<S> {
    pub(super) fn new(stream: S, desk: Arc<Desk>, crowded: bool) -> Self {
        let session = Session::new(crowded);
        Self { stream, inbox: Inbox::default(), out: Vec::new(), session, message: None, desk }
    }

    /// Serves the connection to its end. When `stop` turns true, it ends as soon as no message is under way.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let ending = self.talk(&mut stop).await;
        let was_talking = self.session.has_ended() || matches!(ending, Err(Ending::Broken(_)));
        match ending {
            Ok(()) => {}
            Err(Ending::Broken(error)) => {
                // The stream has lost its frames: nothing more can be read from it. A tempfail is what every MTA
                // understands, whatever it was waiting for.
                self.desk.counters.broken.fetch_add(1, Relaxed);
                tracing::warn!(%error, "the milter connection is broken off");
                Reply::Tempfail.encode(&mut self.out);
                if let Err(error) = write_out(&mut self.stream, &mut self.out).await {
                    tracing::debug!(%error, "the last answer was not read");
                }
            }
            Err(ending) => tracing::info!(reason = %ending, "the milter connection has ended"),
        }
        // Closing with bytes unread sends a reset, which can destroy an answer still on its way. An MTA that is left
        // between messages has read its answer: until then it says nothing.
        if was_talking && self.stream.shutdown().await.is_ok() {
            let drained = timeout(LINGER, async {
                let mut rest = [0; 4096];
                while self.stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            });
            if drained.await.is_err() {
                tracing::debug!("the MTA keeps its end open");
            }
        }
    }

    async fn talk(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Ending> {
        loop {
            let worked = self.work().await;
            // What is owed for the whole frames is said before a broken one is spoken of.
            write_out(&mut self.stream, &mut self.out).await?;
            worked?;
            if self.session.has_ended() {
                return Ok(());
            }
            let idle = self.session.is_idle();
            if idle {
                if *stop.borrow() {
                    return Ok(());
                }
                self.inbox.rest();
            }
            self.inbox.make_room()?;
            let limit = if idle { self.desk.settings.idle } else { self.desk.settings.stalled };
            let read = timeout(limit, self.stream.read_buf(&mut self.inbox.bytes));
            let count = if idle {
                tokio::select! {
                    biased;
                    read = read => read,
                    () = stopped(stop) => return Ok(()),
                }
            } else {
                read.await
            };
            match count {
                Err(_) | Ok(Ok(0)) if idle => return Ok(()),
                Err(_) => return Err(Ending::Silent),
                Ok(Ok(0)) => return Err(Ending::Left),
                Ok(Ok(_)) => self.stream.rearm(),
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Does what the whole frames in the inbox ask for.
    async fn work(&mut self) -> Result<(), Ending> {
        let Self { stream, inbox, out, session, message, desk } = self;
        while let Some((frame, size)) = split(inbox.unread())? {
            let step = session.on(&Command::decode(frame)?);
            match step.content {
                Content::Nothing => {}
                Content::Void => *message = None,
                content @ (Content::Begin
                | Content::Header { .. }
                | Content::EndOfHeaders
                | Content::Body(_)
                | Content::End(_)) => {
                    let message = message.get_or_insert_with(|| Message::begin(desk, session));
                    take(message, desk, content);
                }
            }
            let reply = match step.owed {
                Owed::Silence => None,
                Owed::ContinueOrSkip if message.as_ref().is_some_and(Message::is_settled) => {
                    Some(Reply::Skip)
                }
                Owed::Continue | Owed::ContinueOrSkip => Some(Reply::Continue),
                Owed::Tempfail => Some(Reply::Tempfail),
                Owed::Terms(terms) => Some(Reply::Negotiate(terms.encode())),
                Owed::Refusal => Some(Reply::Negotiate(Terms::refusal())),
                Owed::Verdict | Owed::FailVerdict => {
                    write_out(stream, out).await?;
                    conclude(stream, out, session, message.take(), desk).await?;
                    None
                }
            };
            if let Some(reply) = reply {
                reply.encode(out);
            }
            inbox.used += size;
            if session.has_ended() {
                break;
            }
        }
        Ok(())
    }
}

fn take(message: &mut Message, desk: &Desk, content: Content<'_>) {
    match content {
        Content::Nothing | Content::Void | Content::Begin => {}
        Content::Header { name, value, space } => message.header(desk, name, value, space),
        Content::EndOfHeaders => message.feed(desk, b"\r\n"),
        Content::Body(bytes) | Content::End(bytes) => message.feed(desk, bytes),
    }
}

/// Asks the gate for its verdict and puts all replies for it into `out`, to be written at once.
async fn conclude<S: Peer>(
    stream: &mut S,
    out: &mut Vec<u8>,
    session: &Session,
    message: Option<Message>,
    desk: &Desk,
) -> Result<(), Ending> {
    let (inspection, began, size) = match message {
        Some(Message { inspection, began, size, .. }) => (inspection, began, size),
        None => (None, Instant::now(), 0),
    };
    let answer = match inspection {
        Some(mut inspection) => {
            inspection.envelope = session.envelope().clone();
            decide(stream, inspection, desk).await?
        }
        None => Answerable::failed(),
    };
    let replies = session.conclude(&answer);
    for reply in &replies {
        reply.encode(out);
    }
    let verdict = if session.grants(answer.verdict()) {
        answer.verdict()
    } else {
        tracing::error!(
            verdict = name(answer.verdict()),
            "the MTA has not granted the right to it: deferred"
        );
        Verdict::Defer
    };
    desk.counters.count(verdict);
    add(&desk.counters.bytes, size);
    tracing::info!(
        queue_id = session.envelope().queue_id.as_ref().map(tracing::field::display),
        verdict = name(verdict),
        bytes = size,
        micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        "message answered"
    );
    Ok(())
}

/// Lets the gate decide, and keeps the MTA waiting meanwhile.
///
/// The decision runs as a task of its own: if the MTA leaves, what was found is still recorded.
async fn decide<S: Peer>(stream: &mut S, inspection: Inspection, desk: &Desk) -> Result<Answerable, Ending> {
    let Settings { patience, progress, .. } = desk.settings;
    let mut work = tokio::spawn(inspection.decide(Custody::Upstream));
    let mut tick = interval_at(Instant::now() + progress, progress);
    let deadline = sleep(patience);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done.unwrap_or_else(|error| {
                desk.counters.panics.fetch_add(1, Relaxed);
                tracing::error!(panicked = error.is_panic(), "the decision was lost; the message is deferred");
                Answerable::failed()
            })),
            () = &mut deadline => {
                work.abort();
                desk.counters.expired.fetch_add(1, Relaxed);
                tracing::error!(seconds = patience.as_secs(), "the gate has not decided in time; the message is deferred");
                return Ok(Answerable::failed());
            }
            _ = tick.tick() => {
                let mut out = Vec::new();
                Reply::Progress.encode(&mut out);
                write_out(stream, &mut out).await?;
            }
        }
    }
}

/// Writes all of `out` in one write, and empties it.
async fn write_out<S: Peer>(stream: &mut S, out: &mut Vec<u8>) -> Result<(), io::Error> {
    if out.is_empty() {
        return Ok(());
    }
    let written = timeout(WRITE_LIMIT, stream.write_all(out)).await;
    out.clear();
    written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Returns once `stop` is true or its sender is gone, which only a daemon that ends lets happen.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("the shutdown signal has lost its sender");
    }
}
