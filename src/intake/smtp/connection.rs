//! One connection: reads, lets the session say what is due, asks the next hop, feeds the gate, answers.
//!
//! *What it never does*: gather a message, or end in the middle of one that it has to answer. *Start reading at*
//! [`Connection::run`], then [`Connection::talk`]. *Tests*: `tests/door.rs`, over real sockets.
//!
//! Replies are gathered and written when there is nothing more to do without reading (RFC 2920 §3.2), so a client that
//! pipelines hears them in one packet.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustls::ProtocolVersion;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::Settings;
use super::command::{Command, parse};
use super::data::{Dots, Lines};
use super::message::Message;
use super::session::{Act, Premises, Session};
use crate::envelope::{Address, Verdict};
use crate::inspect::Gate;
use crate::intake::counters::{Counters, add, name};
use crate::intake::handover::{Line, Parcel, Ways, hand_over, judge, may_hold};
use crate::intake::reception::stopped;
use crate::intake::told::{Told, passed_on, told_of};
use crate::outlet::reply::Reply;
use crate::outlet::smtp::Failure;
use crate::policy::Hands;
use crate::spool::draft::Drafts;

/// How long a client may leave our answer unread.
const WRITE_LIMIT: Duration = Duration::from_mins(1);
/// How long the last answer may take to be read before the socket closes.
const LINGER: Duration = Duration::from_secs(2);
/// The longest command line. RFC 5321 §4.5.3.1.4 has 512 bytes, and extensions add to it; Postfix takes 2,048.
const LONGEST: usize = 4 * 1024;
/// The most taken in one read.
const GULP: usize = 64 * 1024;

/// A socket that a client is at the other end of, in the clear or under TLS.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(super) type Wire = Box<dyn Duplex>;

/// What all connections of a door share.
pub(super) struct Desk {
    pub(super) gate: Arc<Gate>,
    pub(super) ways: Arc<Ways>,
    pub(super) drafts: Drafts,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) counters: Arc<Counters>,
    pub(super) settings: Settings,
}

/// Why a connection ended otherwise than by QUIT.
#[derive(Debug, thiserror::Error)]
enum Ending {
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the client has left")]
    Left,
    #[error("the client has said nothing for too long")]
    Silent,
    #[error("the client does not speak SMTP")]
    Hopeless,
    #[error("the door closes")]
    Stopped,
}

/// One connection and all that belongs to it.
pub(super) struct Connection {
    wire: Wire,
    inbox: Vec<u8>,
    /// How much of the inbox has been used.
    at: usize,
    out: Vec<u8>,
    session: Session,
    /// A mail that comes by BDAT, between two chunks.
    chunks: Option<(Message, Lines)>,
    line: Line,
    desk: Arc<Desk>,
}

impl Connection {
    pub(super) fn new(wire: Wire, desk: Arc<Desk>, client: Option<IpAddr>, is_local: bool) -> Self {
        let premises = Premises { has_tls: desk.tls.is_some(), is_local };
        Self {
            wire,
            inbox: Vec::new(),
            at: 0,
            out: Vec::new(),
            session: Session::new(premises, client),
            chunks: None,
            line: Line::default(),
            desk,
        }
    }

    /// Says that there are too many, and ends.
    pub(super) async fn turn_away(mut self) {
        self.say(&Reply::new(421, "4.7.0 Too many connections; try again later"));
        self.close().await;
    }

    /// Serves the connection to its end. When `stop` turns true, it ends as soon as no mail is under way.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        self.say(&greeting());
        let last = match self.talk(&mut stop).await {
            Ok(()) => None,
            Err(ending) => {
                let words = match &ending {
                    Ending::Io(_) | Ending::Left => None,
                    Ending::Silent => Some("4.4.2 Nothing was said for too long"),
                    Ending::Hopeless => Some("4.7.0 Too many errors"),
                    Ending::Stopped => Some("4.3.2 The service is stopping; try again later"),
                };
                if matches!(ending, Ending::Hopeless) {
                    self.desk.counters.broken.fetch_add(1, Relaxed);
                }
                if !(matches!(ending, Ending::Left | Ending::Stopped) && self.session.is_idle()) {
                    tracing::info!(reason = %ending, "the SMTP connection has ended");
                }
                words
            }
        };
        if let Some(words) = last {
            self.say(&Reply::new(421, words));
        }
        if let Some(session) = self.line.session.take() {
            session.quit().await;
        }
        self.close().await;
    }

    async fn close(mut self) {
        if self.flush().await.is_err() || self.wire.shutdown().await.is_err() {
            return;
        }
        // Closing with bytes unread sends a reset, which can destroy an answer still on its way.
        let drained = timeout(LINGER, async {
            let mut rest = [0; 512];
            while self.wire.read(&mut rest).await.is_ok_and(|count| count > 0) {}
        });
        if drained.await.is_err() {
            tracing::debug!("the client keeps its end open");
        }
    }

    async fn talk(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Ending> {
        loop {
            let line = self.next_line(stop).await?;
            let command = match line {
                Some(line) => read_line(&line),
                None => Err(Reply::new(500, "5.5.2 The line is too long")),
            };
            match self.session.on(command) {
                Act::Say(reply) => self.say(&reply),
                Act::Void(reply) => {
                    self.void().await;
                    self.say(&reply);
                }
                Act::Sender { path, parameters } => self.sender(path, parameters).await,
                Act::Recipient { path, parameters, address } => {
                    self.recipient(path, parameters, address).await;
                }
                Act::Data => self.data().await?,
                Act::Chunk { size, last, unwanted } => self.chunk(size, last, unwanted).await?,
                Act::StartTls => self.start_tls().await?,
                Act::Client => {
                    self.void().await;
                    if let Some(session) = self.line.session.take() {
                        session.quit().await;
                    }
                    self.line.client = self.session.client_attributes().to_vec();
                    self.say(&greeting());
                }
                Act::Leave(reply) => {
                    self.say(&reply);
                    return Ok(());
                }
            }
            if self.session.is_hopeless() {
                return Err(Ending::Hopeless);
            }
        }
    }

    fn say(&mut self, reply: &Reply) {
        reply.encode(&mut self.out);
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let written = timeout(WRITE_LIMIT, async {
            self.wire.write_all(&self.out).await?;
            self.wire.flush().await
        });
        let written = written.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        self.out.clear();
        written
    }

    fn unread(&self) -> &[u8] {
        self.inbox.get(self.at..).unwrap_or_default()
    }

    /// Says what is owed and reads more. With `stop`, a door that closes ends the wait.
    async fn fill(&mut self, stop: Option<&mut watch::Receiver<bool>>) -> Result<(), Ending> {
        self.flush().await?;
        self.inbox.drain(..self.at.min(self.inbox.len()));
        self.at = 0;
        if self.inbox.is_empty() && self.session.is_idle() && self.inbox.capacity() > LONGEST {
            // What a mail took is given back: thousands of connections are idle at a time.
            self.inbox = Vec::new();
        }
        self.inbox.reserve(if self.session.is_idle() { LONGEST } else { GULP });
        let read = timeout(self.desk.settings.idle, self.wire.read_buf(&mut self.inbox));
        let read = match stop {
            Some(stop) => tokio::select! {
                biased;
                read = read => read,
                () = stopped(stop) => return Err(Ending::Stopped),
            },
            None => read.await,
        };
        match read {
            Ok(Ok(0)) => Err(Ending::Left),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Ending::Silent),
        }
    }

    /// The next command line with its end; `None` for one that is too long, which is skipped.
    async fn next_line(&mut self, stop: &mut watch::Receiver<bool>) -> Result<Option<Vec<u8>>, Ending> {
        let mut is_too_long = false;
        loop {
            let unread = self.unread();
            if let Some(end) = memchr::memchr(b'\n', unread) {
                let (line, _) = unread.split_at(end + 1);
                let line = (!is_too_long && line.len() <= LONGEST).then(|| line.to_vec());
                self.at += end + 1;
                return Ok(line);
            }
            if unread.len() > LONGEST {
                is_too_long = true;
                self.at = self.inbox.len();
            }
            let may_stop = self.session.is_idle() && self.unread().is_empty() && !is_too_long;
            self.fill(may_stop.then_some(&mut *stop)).await?;
        }
    }

    /// The mail under way is given up.
    async fn void(&mut self) {
        self.chunks = None;
        self.session.mail_over();
        self.line.clear().await;
    }

    async fn sender(&mut self, path: String, parameters: Vec<String>) {
        self.line.clear().await;
        let is_new = self.line.session.is_none();
        let forwarded = self.session.forwarded_attributes();
        let mut asked = ask_sender(&mut self.line, &self.desk.ways, &path, &parameters, forwarded).await;
        if !is_new && asked.as_ref().is_err_and(Failure::lost_the_hop) {
            // The one of the mail before has been closed meanwhile.
            self.line.session = None;
            asked = ask_sender(&mut self.line, &self.desk.ways, &path, &parameters, forwarded).await;
        }
        let reply = match asked {
            Ok(reply) if reply.is_positive() => {
                self.line.is_begun = true;
                self.session.sender_taken(path, parameters);
                reply
            }
            Ok(reply) => {
                if reply.code() == 421 {
                    self.line.session = None;
                }
                self.session.mail_over();
                refusal(reply)
            }
            Err(failure) => {
                tracing::warn!(%failure, "the next hop does not take mail");
                self.line.session = None;
                self.session.mail_over();
                told_of(&failure)
            }
        };
        self.say(&reply);
    }

    async fn recipient(&mut self, path: String, parameters: Vec<String>, address: Address) {
        let reply = match &mut self.line.session {
            Some(session) if self.line.is_begun => session.recipient(&path, &parameters).await,
            Some(_) | None => Err(Failure::Silent { step: "RCPT" }),
        };
        let reply = match reply {
            Ok(reply) if reply.is_positive() => {
                self.session.recipient_taken(path, parameters, address);
                reply
            }
            Ok(reply) => refusal(reply),
            Err(failure) => {
                // Those it has taken are sent over another connection.
                tracing::warn!(%failure, "the next hop was lost");
                (self.line.session, self.line.is_begun) = (None, false);
                told_of(&failure)
            }
        };
        self.say(&reply);
    }

    fn begin_message(&self) -> Message {
        let mut inspection = self.desk.gate.begin();
        inspection.envelope = self.session.envelope().clone();
        Message::begin(inspection, self.desk.drafts.begin())
    }

    async fn data(&mut self) -> Result<(), Ending> {
        self.say(&Reply::new(354, "End with a dot on a line of its own"));
        let (mut message, mut dots) = (self.begin_message(), Dots::new());
        loop {
            let (used, has_ended) = dots.push(self.unread(), |piece| message.take(piece));
            self.at += used;
            if dots.has_stray() {
                message.refuse(stray());
            }
            message.settle().await;
            if has_ended {
                return self.conclude(message).await;
            }
            self.fill(None).await?;
        }
    }

    async fn chunk(&mut self, size: u64, last: bool, unwanted: Option<Reply>) -> Result<(), Ending> {
        let mut under_way = match &unwanted {
            Some(_) => None,
            None => self.chunks.take().or_else(|| Some((self.begin_message(), Lines::default()))),
        };
        let mut left = size;
        while left > 0 {
            if self.unread().is_empty() {
                self.fill(None).await?;
            }
            let unread = self.unread();
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(unread.len());
            let (piece, _) = unread.split_at(count);
            if let Some((message, lines)) = &mut under_way {
                lines.push(piece);
                if lines.has_stray() {
                    message.refuse(stray());
                }
                message.take(piece);
                message.settle().await;
            }
            self.at += count;
            left -= count as u64;
        }
        match (unwanted, under_way) {
            (None, Some((mut message, lines))) if last => {
                if lines.ends_with_stray() {
                    message.refuse(stray());
                }
                self.conclude(message).await?;
            }
            (None, under_way) => {
                self.chunks = under_way;
                self.say(&Reply::new(250, "2.0.0 Ok, go on"));
            }
            (Some(reply), _) => self.say(&reply),
        }
        Ok(())
    }

    /// The mail is whole: judged, handed over, answered.
    async fn conclude(&mut self, message: Message) -> Result<(), Ending> {
        let (began, size) = (message.began, message.size);
        let cover = self.session.cover().clone();
        let each = self.session.answers_each();
        let answers = if each { cover.recipients.len() } else { 1 };
        let desk = Arc::clone(&self.desk);
        let queue_id = self.session.envelope().queue_id.clone();
        let mut verdict = Verdict::Defer;
        desk.counters.panics.fetch_add(message.has_panicked.into(), Relaxed);
        let replies: Vec<Reply> = match message.finish() {
            Err(reply) => {
                if !reply.is_temporary() {
                    verdict = Verdict::Block;
                }
                self.line.clear().await;
                vec![reply; answers]
            }
            Ok((mut inspection, mail)) => {
                let holders = inspection.holders();
                inspection.hands = Hands {
                    splits: each || may_hold(&holders),
                    answers_each: each,
                    reroutes: desk.ways.secure.is_some(),
                };
                let judged = judge(inspection, desk.settings.patience, &desk.counters).await;
                let told = if let Some(judged) = judged {
                    let parcel = Parcel { cover, mail, holders, each };
                    hand_over(judged, &parcel, &desk.ways, &mut self.line).await
                } else {
                    self.line.clear().await;
                    (0..answers).map(|_| Told::failed()).collect()
                };
                let strictest = told.iter().map(Told::outcome).max_by_key(Verdict::strictness);
                verdict = strictest.unwrap_or(Verdict::Defer);
                told.iter().map(Told::reply).collect()
            }
        };
        desk.counters.count(verdict);
        add(&desk.counters.bytes, usize::try_from(size).unwrap_or(usize::MAX));
        tracing::info!(
            queue_id = queue_id.as_ref().map(tracing::field::display),
            verdict = name(verdict),
            code = replies.first().map(Reply::code),
            bytes = size,
            micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            "message answered"
        );
        for reply in &replies {
            self.say(reply);
        }
        self.session.mail_over();
        Ok(())
    }

    async fn start_tls(&mut self) -> Result<(), Ending> {
        let Some(acceptor) = self.desk.tls.clone() else { return Ok(()) };
        self.void().await;
        self.say(&Reply::new(220, "2.0.0 Go on"));
        self.flush().await?;
        // What was sent in the clear behind STARTTLS must not be taken for what comes under TLS (CVE-2011-0411).
        self.inbox.clear();
        self.at = 0;
        let wire = std::mem::replace(&mut self.wire, Box::new(tokio::io::empty()));
        let shaken = timeout(self.desk.settings.idle, acceptor.accept(wire)).await;
        let stream = shaken.map_err(|_| Ending::Silent)??;
        let version = match stream.get_ref().1.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            Some(_) | None => "TLSv1.3",
        };
        self.wire = Box::new(stream);
        self.session.secured(version);
        Ok(())
    }
}

/// Asks the next hop to begin a mail.
async fn ask_sender(
    line: &mut Line,
    ways: &Ways,
    path: &str,
    parameters: &[String],
    forwarded: &[(String, String)],
) -> Result<Reply, Failure> {
    line.open(&ways.next).await?.mail(path, parameters, forwarded).await
}

/// A line as it came, with its end.
pub(super) fn read_line(line: &[u8]) -> Result<Command, Reply> {
    let line = line.strip_suffix(b"\r\n").ok_or_else(|| Reply::new(500, "5.5.2 A line ends with CRLF"))?;
    parse(line)
}

/// A hop's no, and what it may not say here.
fn refusal(reply: Reply) -> Reply {
    if reply.code() < 400 { reply.under(451) } else { passed_on(reply) }
}

fn greeting() -> Reply {
    Reply::new(220, "brevdue ESMTP")
}

/// 5.6.11 is what other servers say of a lone LF; no registered code speaks of line ends.
fn stray() -> Reply {
    Reply::new(550, "5.6.11 A line of the message does not end with CR LF: a lone CR or LF is not taken")
}
