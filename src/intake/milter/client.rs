//! The MTA's side of the protocol, spoken as Postfix speaks it: for `brevdue serve --demo` and the load bench.
//!
//! *What it never does*: hold back a verdict. Anything that Postfix would not take for an acceptance is not one here.
//! *Start reading at* [`Client::send`]. *Tests*: `tests/door.rs`, which also has an independent client.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::negotiate::{Offer, protocol};
use super::packet::{Arguments, Command, Macros, PacketError, split, tag};
use super::reply::Reply;
use crate::intake::listen::ListenAddr;

/// The most that Postfix puts into one body chunk.
const CHUNK: usize = 65_535;

/// A message's envelope, as the client tells it.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// The sender, without brackets; empty for a bounce.
    pub sender: &'a str,
    /// The recipients, without brackets.
    pub recipients: &'a [&'a str],
    /// The queue id that the macro `i` will carry.
    pub queue_id: &'a str,
    /// The TLS version of the SMTP session, such as `TLSv1.3`; `None` for a session in the clear.
    pub tls: Option<&'a str>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken.
    Accepted {
        /// The reason, if it went to the hold queue.
        quarantined: Option<String>,
        /// Headers that the filter added.
        added_headers: Vec<(String, String)>,
    },
    /// Refused for good.
    Rejected {
        /// The SMTP code, 550 mostly.
        code: u16,
        /// The reply as the SMTP client hears it, code and all, CRLF between lines.
        text: String,
    },
    /// Not taken now.
    Tempfail {
        /// The SMTP code, 451 mostly.
        code: u16,
        /// The reply as the SMTP client hears it.
        text: String,
    },
    /// Taken and thrown away.
    Discard,
}

/// Why a message got no answer. For Postfix each of these is a temporary failure.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket failed.
    #[error("the connection to the filter failed: {0}")]
    Io(#[from] io::Error),
    /// The filter closed the connection.
    #[error("the filter closed the connection")]
    Closed,
    /// The filter's bytes do not hold the protocol.
    #[error("the filter does not speak the milter protocol: {0}")]
    Packet(#[from] PacketError),
    /// The filter answered what does not fit the question.
    #[error("the filter gave an answer that does not fit: {0}")]
    Unexpected(String),
}

impl ClientError {
    /// Whether trying again may help: after a lost connection, not after a broken protocol.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Closed)
    }
}

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// A connection to a filter; it carries any number of messages.
pub struct Client {
    stream: Box<dyn Socket>,
    inbox: Vec<u8>,
    out: Vec<u8>,
    terms: Offer,
    /// The filter has refused the connection: every message on it has this answer.
    refused: Option<Outcome>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects and agrees on the terms.
    ///
    /// # Errors
    /// Nobody listens, or it is no milter.
    pub async fn connect(address: &ListenAddr) -> Result<Self, ClientError> {
        let stream: Box<dyn Socket> = match address {
            ListenAddr::Tcp(at) => {
                let stream = TcpStream::connect(at).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            ListenAddr::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        Self::over(stream, Offer::POSTFIX).await
    }

    async fn over(stream: Box<dyn Socket>, offer: Offer) -> Result<Self, ClientError> {
        let mut client = Self { stream, inbox: Vec::new(), out: Vec::new(), terms: offer, refused: None };
        Command::Negotiate(offer).encode(&mut client.out);
        let reply = client.reply().await?;
        let Reply::Negotiate(payload) = &reply else { return Err(unexpected(&reply)) };
        client.terms = Offer::decode(payload).ok_or(ClientError::Unexpected("short terms".to_owned()))?;
        // The simulated connect of mail that a program on the same machine hands in.
        let client_address = IpAddr::from([127, 0, 0, 1]);
        client.macros(tag::CONNECT, &[]);
        let connect = Command::Connect { host: b"localhost", client: Some(client_address), port: 0 };
        client.refused = client.ask(&connect).await?;
        Ok(client)
    }

    /// Sends one message, its header and body as RFC 5322 writes them (lines may end in LF), and hears what became of it.
    ///
    /// # Errors
    /// The filter has gone or broken the protocol. The connection is of no use afterwards.
    pub async fn send(&mut self, mail: &Mail<'_>, message: &[u8]) -> Result<Outcome, ClientError> {
        if let Some(outcome) = &self.refused {
            return Ok(outcome.clone());
        }
        let outcome = self.transact(mail, message).await?;
        // Postfix ends every message so, an accepted one too.
        Command::Abort.encode(&mut self.out);
        self.flush().await?;
        Ok(outcome)
    }

    /// Takes leave.
    ///
    /// # Errors
    /// The connection is gone already.
    pub async fn quit(mut self) -> Result<(), ClientError> {
        Command::Quit.encode(&mut self.out);
        self.flush().await
    }

    async fn transact(&mut self, mail: &Mail<'_>, message: &[u8]) -> Result<Outcome, ClientError> {
        let id = [("i", mail.queue_id)];
        let tls = mail.tls.map(|version| ("{tls_version}", version));
        self.macros(tag::HELO, tls.as_slice());
        if let Some(outcome) = self.tell(&Command::Helo(b"localhost"), protocol::NO_REPLY_HELO).await? {
            return Ok(outcome);
        }
        self.macros(tag::MAIL, tls.as_slice());
        let sender = bracketed(mail.sender);
        let begin = Command::Mail(Arguments(&sender));
        if let Some(outcome) = self.tell(&begin, protocol::NO_REPLY_MAIL).await? {
            return Ok(outcome);
        }
        for recipient in mail.recipients {
            self.macros(tag::RCPT, &[]);
            let recipient = bracketed(recipient);
            let add = Command::Rcpt(Arguments(&recipient));
            if let Some(outcome) = self.tell(&add, protocol::NO_REPLY_RCPT).await? {
                return Ok(outcome);
            }
        }
        self.macros(tag::DATA, &id);
        if let Some(outcome) = self.ask(&Command::Data).await? {
            return Ok(outcome);
        }
        self.content(message, &id).await
    }

    async fn content(&mut self, message: &[u8], id: &[(&str, &str)]) -> Result<Outcome, ClientError> {
        let (headers, body) = parse(message);
        let keeps_space = self.terms.protocol & protocol::LEADING_SPACE != 0;
        for (name, value) in headers {
            self.macros(tag::END_OF_HEADERS, &[]);
            let value = if keeps_space { &value } else { value.strip_prefix(b" ").unwrap_or(&value) };
            let header = Command::Header { name, value };
            if let Some(outcome) = self.tell(&header, protocol::NO_REPLY_HEADER).await? {
                return Ok(outcome);
            }
        }
        self.macros(tag::END_OF_HEADERS, &[]);
        if let Some(outcome) = self.tell(&Command::EndOfHeaders, protocol::NO_REPLY_END_OF_HEADERS).await? {
            return Ok(outcome);
        }
        for chunk in crlf(body).chunks(CHUNK) {
            self.macros(tag::END_OF_BODY, id);
            Command::Body(chunk).encode(&mut self.out);
            if self.terms.protocol & protocol::NO_REPLY_BODY != 0 {
                self.flush().await?;
                continue;
            }
            let reply = self.reply().await?;
            if reply == Reply::Skip {
                break;
            }
            if reply != Reply::Continue {
                return verdict(&reply);
            }
        }
        self.macros(tag::END_OF_BODY, id);
        Command::EndOfBody(b"").encode(&mut self.out);
        self.hear_verdict().await
    }

    async fn hear_verdict(&mut self) -> Result<Outcome, ClientError> {
        let (mut quarantined, mut added_headers) = (None, Vec::new());
        loop {
            let reply = self.reply().await?;
            if let Reply::Quarantine(reason) = reply {
                quarantined = Some(reason);
            } else if let Reply::AddHeader { name, value } = reply {
                added_headers.push((name, value));
            } else if matches!(reply, Reply::Accept | Reply::Continue) {
                return Ok(Outcome::Accepted { quarantined, added_headers });
            } else {
                return verdict(&reply);
            }
        }
    }

    fn macros(&mut self, stage: u8, pairs: &[(&str, &str)]) {
        let mut bytes = Vec::new();
        for string in pairs.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(string.as_bytes());
            bytes.push(0);
        }
        Command::Macro(Macros { stage, pairs: &bytes }).encode(&mut self.out);
    }

    /// Sends a command whose answer the filter may have waived.
    async fn tell(&mut self, command: &Command<'_>, waiver: u32) -> Result<Option<Outcome>, ClientError> {
        if self.terms.protocol & waiver == 0 {
            return self.ask(command).await;
        }
        command.encode(&mut self.out);
        Ok(None)
    }

    /// Sends a command and hears the answer; `None` for a continue.
    async fn ask(&mut self, command: &Command<'_>) -> Result<Option<Outcome>, ClientError> {
        command.encode(&mut self.out);
        let reply = self.reply().await?;
        if reply == Reply::Continue { Ok(None) } else { verdict(&reply).map(Some) }
    }

    /// The next reply that is not a progress.
    async fn reply(&mut self) -> Result<Reply, ClientError> {
        self.flush().await?;
        loop {
            while let Some((frame, size)) = split(&self.inbox)? {
                let reply = Reply::decode(frame)?;
                self.inbox.drain(..size);
                if reply != Reply::Progress {
                    return Ok(reply);
                }
            }
            self.inbox.reserve(1024);
            if self.stream.read_buf(&mut self.inbox).await? == 0 {
                return Err(ClientError::Closed);
            }
        }
    }

    async fn flush(&mut self) -> Result<(), ClientError> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        Ok(())
    }
}

fn unexpected(reply: &Reply) -> ClientError {
    ClientError::Unexpected(format!("{reply:?}"))
}

/// What a final reply means; modifications, skips and continues are not final.
fn verdict(reply: &Reply) -> Result<Outcome, ClientError> {
    // Postfix's own words for a reply without a text.
    const REFUSED: &str = "550 5.7.1 Command rejected";
    const DEFERRED: &str = "451 4.7.1 Service unavailable - try again later";
    match reply {
        Reply::Reject => Ok(Outcome::Rejected { code: 550, text: REFUSED.to_owned() }),
        Reply::Tempfail => Ok(Outcome::Tempfail { code: 451, text: DEFERRED.to_owned() }),
        Reply::Discard => Ok(Outcome::Discard),
        Reply::Accept => Ok(Outcome::Accepted { quarantined: None, added_headers: Vec::new() }),
        Reply::Code(text) => {
            let text = text.spoken();
            match text.get(..3).and_then(|code| code.parse::<u16>().ok()) {
                Some(code @ 400..=499) => Ok(Outcome::Tempfail { code, text }),
                Some(code @ 500..=599) => Ok(Outcome::Rejected { code, text }),
                _ => Err(ClientError::Unexpected("a reply text without a code".to_owned())),
            }
        }
        Reply::Negotiate(_)
        | Reply::Continue
        | Reply::Skip
        | Reply::Progress
        | Reply::Quarantine(_)
        | Reply::AddHeader { .. } => Err(unexpected(reply)),
    }
}

fn bracketed(address: &str) -> Vec<u8> {
    [b"<", address.as_bytes(), b">\0"].concat()
}

type Header<'m> = (&'m [u8], Vec<u8>);

/// Headers, as Postfix hands them on (folds as LF, no line end), and the body. What is no header begins the body.
fn parse(message: &[u8]) -> (Vec<Header<'_>>, &[u8]) {
    let mut headers: Vec<Header<'_>> = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (whole, after) = rest.split_at_checked(end).unwrap_or((rest, b""));
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = line.iter().position(|&byte| byte == b':').filter(|&at| at > 0);
        match (line.first(), headers.last_mut(), colon) {
            (None, _, _) => return (headers, after),
            (Some(b' ' | b'\t'), Some((_, value)), _) => {
                value.push(b'\n');
                value.extend_from_slice(line);
            }
            (Some(_), _, Some(at)) if is_name(line.get(..at).unwrap_or_default()) => {
                let value = line.get(at + 1..).unwrap_or_default().to_vec();
                headers.push((line.get(..at).unwrap_or_default(), value));
            }
            _ => return (headers, rest),
        }
        rest = after;
    }
    (headers, rest)
}

fn is_name(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_graphic)
}

/// The body with CRLF at each line's end, as Postfix sends it; borrowed if it has them already.
fn crlf(body: &[u8]) -> Cow<'_, [u8]> {
    let mut previous = 0;
    let bare = body.iter().any(|&byte| {
        let is_bare = byte == b'\n' && previous != b'\r';
        previous = byte;
        is_bare
    });
    if !bare {
        return Cow::Borrowed(body);
    }
    let mut out = Vec::with_capacity(body.len() + body.len() / 32);
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                out.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    Cow::Owned(out)
}
