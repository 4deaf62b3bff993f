//! One connection: reads, lets the session say what is due, feeds the gate, answers.
//!
//! *What it never does*: gather a message, end in the middle of one, or let a panic of the inspection out: the message
//! gets the fail verdict and the next one on the connection is as good as any. *Start reading at* [`Connection::run`],
//! then [`Connection::frames`]. *Tests*: `tests/door.rs`, over real sockets.
//!
//! What a small message costs is mostly the kernel's: so there is one read for all that has come, into a buffer that the
//! connections of a thread share, one write for all that is owed, and one timer a connection. A clean message is decided
//! where it was read, without a task of its own.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, interval_at, sleep, timeout};

use super::Settings;
use super::message::{Message, guard};
use super::negotiate::Terms;
use super::packet::{Command, LENGTH, PacketError, body_begins, lacking, split};
use super::reply::Reply;
use super::session::{Content, Owed, Session};
use crate::envelope::Verdict;
use crate::inspect::{Answerable, Custody, Gate, Inspection};
use crate::intake::counters::{Counters, add, name};
use crate::intake::reception::stopped;

/// How long an MTA may leave our answer unread; Postfix reads at once or is gone.
const WRITE_LIMIT: Duration = Duration::from_mins(1);
/// How long the last answer may take to be read before the socket closes.
const LINGER: Duration = Duration::from_secs(2);
/// The most taken in one read: what Postfix puts into a body chunk, and what still lies in a core's own cache when it is
/// scanned.
const GULP: usize = 64 * 1024;
/// What a connection may keep for torn frames to come. Most are a header, cut where a read ended.
const TORN: usize = 4 * 1024;

/// What all connections of a door share.
pub(super) struct Desk {
    pub(super) gate: Arc<Gate>,
    pub(super) settings: Settings,
    pub(super) counters: Arc<Counters>,
}

/// A socket that an MTA is at the other end of.
pub(super) trait Peer: AsyncRead + AsyncWrite + Unpin + Send {
    /// Called after a read that is not answered.
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

/// A body chunk of which a part has come: it is shown as it comes, and answered when it is whole.
struct Chunk {
    left: usize,
    is_content: bool,
    owed: Owed,
}

/// What is to be done before more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Read,
    Conclude,
}

/// What a connection was waiting for.
enum Heard {
    /// Something, and this became of it.
    Bytes(Result<Next, PacketError>),
    /// The MTA has closed its end.
    End,
    /// Nothing for as long as may be.
    Silence,
    /// That the door closes, and no message is under way.
    Stop,
}

/// One connection and all that belongs to it.
pub(super) struct Connection<S> {
    stream: S,
    /// The beginning of a frame that is torn, or what came behind an end of body.
    rest: Vec<u8>,
    chunk: Option<Chunk>,
    out: Vec<u8>,
    session: Session,
    message: Option<Message>,
    desk: Arc<Desk>,
}

impl<S: Peer> Connection<S> {
    pub(super) fn new(stream: S, desk: Arc<Desk>, crowded: bool) -> Self {
        let session = Session::new(crowded);
        Self { stream, rest: Vec::new(), chunk: None, out: Vec::new(), session, message: None, desk }
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
                let mut rest = [0; 512];
                while self.stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            });
            if drained.await.is_err() {
                tracing::debug!("the MTA keeps its end open");
            }
        }
    }

    async fn talk(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Ending> {
        let mut stopping = pin!(stopped(stop));
        let mut alarm = pin!(sleep(self.desk.settings.idle));
        loop {
            let idle = self.session.is_idle();
            let limit = if idle { self.desk.settings.idle } else { self.desk.settings.stalled };
            let deadline = Instant::now() + limit;
            let heard = poll_fn(|cx| {
                if idle && stopping.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Ok(Heard::Stop));
                }
                match self.poll_read(cx) {
                    Poll::Pending => poll_alarm(alarm.as_mut(), deadline, cx).map(|()| Ok(Heard::Silence)),
                    heard @ Poll::Ready(_) => heard,
                }
            });
            let mut worked = match heard.await? {
                Heard::Bytes(worked) => worked,
                Heard::Stop => return Ok(()),
                Heard::End | Heard::Silence if idle => return Ok(()),
                Heard::End => return Err(Ending::Left),
                Heard::Silence => return Err(Ending::Silent),
            };
            loop {
                // What is owed for the whole frames is said before a broken one is spoken of.
                write_out(&mut self.stream, &mut self.out).await?;
                if worked? == Next::Read {
                    break;
                }
                let Self { stream, out, session, message, desk, .. } = self;
                conclude(stream, out, session, message.take(), desk).await?;
                worked = self.take_in(b"");
            }
            if self.session.has_ended() {
                return Ok(());
            }
        }
    }

    /// Reads what has come, and does what it asks for.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, Ending>> {
        thread_local! {
            /// Room for one read. Of a thread and not of a connection: thousands of connections are idle at a time.
            static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        }
        let mut room = ROOM.take();
        room.resize(GULP, 0);
        let mut buffer = ReadBuf::new(&mut room);
        let heard = match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(Ok(Heard::End)),
            Poll::Ready(Ok(())) => {
                let worked = self.take_in(buffer.filled());
                // An answer carries the acknowledgement with it.
                if self.out.is_empty() && worked == Ok(Next::Read) {
                    self.stream.rearm();
                }
                Poll::Ready(Ok(Heard::Bytes(worked)))
            }
        };
        ROOM.set(room);
        heard
    }

    /// Does what the frames ask for, in those that wait and in those that come now, up to an end of body.
    fn take_in(&mut self, mut fresh: &[u8]) -> Result<Next, PacketError> {
        while !self.rest.is_empty() {
            let mut rest = std::mem::take(&mut self.rest);
            let (used, next) = self.frames(&rest)?;
            rest.drain(..used);
            if next == Next::Conclude || fresh.is_empty() || self.session.has_ended() {
                rest.extend_from_slice(fresh);
                self.rest = rest;
                return Ok(next);
            }
            if rest.is_empty() {
                // What a large header took is given back with it.
                self.rest = if rest.capacity() > TORN { Vec::new() } else { rest };
                break;
            }
            // The torn frame alone is put together; what comes behind it is used where it lies.
            let (missing, behind) = fresh.split_at(lacking(&rest)?.min(fresh.len()));
            rest.extend_from_slice(missing);
            self.rest = rest;
            fresh = behind;
        }
        let (used, next) = self.frames(fresh)?;
        self.rest.extend_from_slice(fresh.get(used..).unwrap_or_default());
        Ok(next)
    }

    /// Does what the frames at the start of `bytes` ask for, and tells how many bytes they took: up to a torn one, to the
    /// leave of the MTA, or to an end of body.
    fn frames(&mut self, bytes: &[u8]) -> Result<(usize, Next), PacketError> {
        let mut used = 0;
        while !self.session.has_ended() {
            let unread = bytes.get(used..).unwrap_or_default();
            if let Some(Chunk { left, is_content, owed }) = self.chunk.take() {
                let (piece, _) = unread.split_at(left.min(unread.len()));
                if is_content {
                    self.content(Content::Body(piece));
                }
                used += piece.len();
                if piece.len() < left {
                    self.chunk = Some(Chunk { left: left - piece.len(), is_content, owed });
                    break;
                }
                self.answer(owed);
            } else if let Some(left) = body_begins(unread)? {
                let step = self.session.on(&Command::Body(b""));
                let is_content = matches!(step.content, Content::Body(_));
                self.content(step.content);
                used += LENGTH + 1;
                if self.session.has_ended() {
                    // Of a chunk where none may be nothing is waited for.
                    self.answer(step.owed);
                } else {
                    self.chunk = Some(Chunk { left, is_content, owed: step.owed });
                }
            } else if let Some((frame, size)) = split(unread)? {
                let step = self.session.on(&Command::decode(frame)?);
                self.content(step.content);
                used += size;
                if matches!(step.owed, Owed::Verdict | Owed::FailVerdict) {
                    return Ok((used, Next::Conclude));
                }
                self.answer(step.owed);
            } else {
                break;
            }
        }
        Ok((used, Next::Read))
    }

    fn content(&mut self, content: Content<'_>) {
        match content {
            Content::Nothing => {}
            Content::Void => self.message = None,
            content @ (Content::Begin
            | Content::Header { .. }
            | Content::EndOfHeaders
            | Content::Body(_)
            | Content::End(_)) => {
                let Self { message, session, desk, .. } = self;
                message.get_or_insert_with(|| Message::begin(desk, session)).take(desk, content);
            }
        }
    }

    fn answer(&mut self, owed: Owed) {
        let reply = match owed {
            // A verdict is not given here: it may have to be waited for.
            Owed::Silence | Owed::Verdict | Owed::FailVerdict => return,
            Owed::ContinueOrSkip if self.message.as_ref().is_some_and(Message::is_settled) => Reply::Skip,
            Owed::Continue | Owed::ContinueOrSkip => Reply::Continue,
            Owed::Tempfail => Reply::Tempfail,
            Owed::Terms(terms) => Reply::Negotiate(terms.encode()),
            Owed::Refusal => Reply::Negotiate(Terms::refusal()),
        };
        reply.encode(&mut self.out);
    }
}

/// Ready once `deadline` has passed. An alarm that is set already is let ring and then set anew, since most of them are
/// never heard: setting one for each read costs more than the read's own bookkeeping.
fn poll_alarm(mut alarm: Pin<&mut Sleep>, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
    if deadline < alarm.deadline() {
        alarm.as_mut().reset(deadline);
    }
    loop {
        ready!(alarm.as_mut().poll(cx));
        if alarm.deadline() >= deadline {
            return Poll::Ready(());
        }
        alarm.as_mut().reset(deadline);
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
            // The queue id may have come after the content had begun.
            if inspection.envelope != *session.envelope() {
                inspection.envelope = session.envelope().clone();
            }
            decide(stream, *inspection, desk).await?
        }
        None => Answerable::failed(),
    };
    let answer = if answer.verdict() == Verdict::Hold && session.envelope().queue_id.is_none() {
        // It would lie in the mail server's hold queue and in no list of ours: nobody would ever decide about it.
        desk.counters.nameless.fetch_add(1, Relaxed);
        tracing::error!(
            missing = "i",
            "a mail to be held has no queue id, since the MTA does not send the macro `i`: deferred; \
             `milter_data_macros` and `milter_end_of_data_macros` must have it (Postfix)"
        );
        Answerable::failed()
    } else {
        answer
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

/// Lets the gate decide. What has nothing to be recorded is decided at once, here; the rest is waited for.
async fn decide<S: Peer>(stream: &mut S, inspection: Inspection, desk: &Desk) -> Result<Answerable, Ending> {
    let mut work = Box::pin(inspection.decide(Custody::Upstream));
    match poll_fn(|cx| Poll::Ready(guard(desk, || work.as_mut().poll(cx)))).await {
        Some(Poll::Ready(answer)) => Ok(answer),
        Some(Poll::Pending) => wait_for(stream, work, desk).await,
        None => {
            tracing::error!("the decision was lost in a panic; the message is deferred");
            Ok(Answerable::failed())
        }
    }
}

/// Keeps the MTA waiting while the gate decides.
///
/// The decision runs as a task of its own: if the MTA leaves, what was found is still recorded.
async fn wait_for<S, D>(stream: &mut S, decision: Pin<Box<D>>, desk: &Desk) -> Result<Answerable, Ending>
where
    S: Peer,
    D: Future<Output = Answerable> + Send + 'static,
{
    let Settings { patience, progress, .. } = desk.settings;
    let mut work = tokio::spawn(decision);
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
    let written = {
        let mut write = pin!(stream.write_all(out));
        // There is nearly always room for an answer, and then no need of a timer.
        match poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx))).await {
            Poll::Ready(written) => Ok(written),
            Poll::Pending => timeout(WRITE_LIMIT, write).await,
        }
    };
    out.clear();
    written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
