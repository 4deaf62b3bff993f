//! The next hop: a small SMTP and LMTP client (RFC 5321, RFC 2033) that hands mail on and brings its words back.
//!
//! *What it is*: [`Hop`] says where and how, [`Session`] is one connection. What a hop said yes to becomes an
//! [`Accepted`], made only here, from its own 2yz to the end of the data: the one proof that the hop has the mail. *What it never
//! does*: try another hop, keep a mail, or say MAIL on a forced road before TLS stands ([`super::secure`]). *Start
//! reading at* [`Session::open`], then [`Session::send`]. *Tests*: `tests/outlet.rs`.
//!
//! Own and not lettre, which waits 40 ms on each small mail (no `TCP_NODELAY`), joins a reply's lines and tells nothing of
//! the TLS it got.

pub use super::hop::{Failure, Hop, Limits, Place};
use super::reply::{self, Reply};
use super::secure::TlsFacts;
use super::wire::{Offers, Stuffing, Wire};
use std::io::{self, Read};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// A hop has taken the mail: its own words, and how the mail went there. Made only by [`Session::send`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    reply: Reply,
    tls: Option<TlsFacts>,
}

impl Accepted {
    /// What it said.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The TLS that the mail went under; `None` is plain text.
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.tls.as_ref()
    }
}

/// A mail's bytes, read from the start.
pub struct Content {
    /// The mail, as it stands: dots not doubled, lines ended by CRLF.
    pub reader: Box<dyn Read + Send>,
    /// Bytes of it.
    pub size: u64,
    /// Whether its last line has an end. DATA would give it one, so such a mail goes by BDAT where that is offered.
    pub ends_a_line: bool,
}

/// Bytes of a mail that are read, and written, at a time.
const BLOCK: usize = 128 * 1024;

/// A command that is one word.
const NOTHING: &[&str] = &[];

/// One connection to a hop.
pub struct Session {
    wire: Wire,
    heard: Vec<u8>,
    offers: Offers,
    tls: Option<TlsFacts>,
    hop: Hop,
    /// Recipients that it said yes to since MAIL.
    taken: usize,
}

impl Session {
    /// Connects, greets and, where the hop's road asks for it, begins TLS.
    ///
    /// # Errors
    /// When it is not there, refuses us, or has no TLS where TLS must be; it has heard no address then.
    pub async fn open(hop: &Hop) -> Result<Self, Failure> {
        let connect = async {
            Ok::<Wire, io::Error>(match &hop.place {
                Place::Tcp { host, port } => {
                    let stream = TcpStream::connect((host.as_str(), *port)).await?;
                    stream.set_nodelay(true)?;
                    Box::new(stream)
                }
                Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
            })
        };
        let wire = within("connect", hop.limits.connect, connect).await?;
        let (offers, hop) = (Offers::default(), hop.clone());
        let mut session = Self { wire, heard: Vec::new(), offers, tls: None, hop, taken: 0 };
        let greeting = session.reply("greeting", session.hop.limits.command).await?;
        expect("greeting", greeting, 220)?;
        session.greet().await?;
        if session.hop.security.wants_tls() && session.offers.has("STARTTLS") {
            session = session.start_tls().await?;
        }
        if session.tls.is_none() && session.hop.security.is_forced() {
            session.quit().await;
            return Err(Failure::NoTls);
        }
        Ok(session)
    }

    /// The TLS that stands.
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.tls.as_ref()
    }

    async fn greet(&mut self) -> Result<(), Failure> {
        let (verb, name) = (if self.hop.lmtp { "LHLO" } else { "EHLO" }, own_name());
        let mut reply = self.command(verb, &[name]).await?;
        // RFC 5321 §3.2: an old server knows only HELO. TLS is not to be had from it.
        if reply.code() / 100 == 5 && !self.hop.lmtp {
            reply = self.command("HELO", &[name]).await?;
            self.offers = Offers::default();
            return expect("HELO", reply, 250).map(drop);
        }
        let reply = expect(verb, reply, 250)?;
        self.offers = Offers::of(reply.lines());
        Ok(())
    }

    async fn start_tls(mut self) -> Result<Self, Failure> {
        let reply = self.command("STARTTLS", NOTHING).await?;
        expect("STARTTLS", reply, 220)?;
        if !self.heard.is_empty() {
            // Said in the clear behind the yes: somebody wants it taken for what comes under TLS (CVE-2011-0411).
            return Err(Failure::Garbled { step: "STARTTLS", source: reply::Garbled });
        }
        let host = match &self.hop.place {
            Place::Tcp { host, .. } => host.clone(),
            Place::Unix(_) => "localhost".to_owned(),
        };
        let Ok(shaken) = timeout(self.hop.limits.command, self.hop.security.shake(self.wire, &host)).await
        else {
            return Err(Failure::Silent { step: "STARTTLS" });
        };
        let (wire, facts) = shaken?;
        // RFC 3207 §4.2: what was offered in the clear counts for nothing.
        let mut session = Self { wire, tls: Some(facts), ..self };
        session.greet().await?;
        Ok(session)
    }

    /// Tells whom the mail came from, as the mail server before us told it (XCLIENT). It begins the session anew.
    ///
    /// # Errors
    /// When the connection fails. A hop that does not want to know is no error.
    pub async fn tell_client(&mut self, attributes: &[(String, String)]) -> Result<(), Failure> {
        let told = known(attributes, &self.offers.parameters("XCLIENT"));
        if told.is_empty() {
            return Ok(());
        }
        let reply = self.command("XCLIENT", &told).await?;
        if reply.code() == 220 {
            self.greet().await?;
        }
        Ok(())
    }

    /// Tells whom the mail came from, for the hop's log (XFORWARD), and begins a mail. Gives the reply to MAIL.
    ///
    /// Parameters that the hop does not offer are left out, where the mail is the same without them.
    ///
    /// # Errors
    /// When the connection fails, or the mail needs what the hop does not offer.
    pub async fn mail(
        &mut self,
        sender: &str,
        parameters: &[String],
        forwarded: &[(String, String)],
    ) -> Result<Reply, Failure> {
        let forwarded = known(forwarded, &self.offers.parameters("XFORWARD"));
        // A line of XFORWARD has 512 bytes, so they go in groups.
        for group in forwarded.chunks(4) {
            self.command("XFORWARD", group).await?;
        }
        self.taken = 0;
        let line = self.mail_line(sender, parameters)?;
        self.command("MAIL", &line).await
    }

    fn mail_line(&self, sender: &str, parameters: &[String]) -> Result<Vec<String>, Failure> {
        // RFC 6531 §3.1: nobody may send such an address to a server that does not offer it.
        let is_utf8 = parameters.iter().any(|one| one.eq_ignore_ascii_case("SMTPUTF8")) || !sender.is_ascii();
        if is_utf8 && !self.offers.has("SMTPUTF8") {
            let reply = Reply::new(550, "5.6.7 The next hop does not offer SMTPUTF8");
            return Err(Failure::Refused { step: "MAIL", reply });
        }
        let mut line = vec![format!("FROM:<{sender}>")];
        line.extend(parameters.iter().filter(|one| self.offers.take(one)).cloned());
        Ok(line)
    }

    /// Names a recipient, and gives the reply.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn recipient(&mut self, path: &str, parameters: &[String]) -> Result<Reply, Failure> {
        let line = self.recipient_line(path, parameters);
        let reply = self.command("RCPT", &line).await?;
        self.taken += usize::from(reply.is_positive());
        Ok(reply)
    }

    fn recipient_line(&self, path: &str, parameters: &[String]) -> Vec<String> {
        let mut line = vec![format!("TO:<{path}>")];
        line.extend(parameters.iter().filter(|one| self.offers.take(one)).cloned());
        line
    }

    /// Begins a mail to all these recipients, in one go where the hop takes that (RFC 2920); each must be taken.
    ///
    /// # Errors
    /// When the connection fails, or the hop refuses the sender or any recipient; nothing is under way then.
    pub async fn begin(
        &mut self,
        sender: &str,
        parameters: &[String],
        forwarded: &[(String, String)],
        recipients: &[&(String, Vec<String>)],
    ) -> Result<(), Failure> {
        let reply = self.mail(sender, parameters, forwarded).await?;
        let mut begun = expect("MAIL", reply, 250).map(drop);
        let group = if self.offers.has("PIPELINING") { 50 } else { 1 };
        for group in recipients.chunks(group) {
            if begun.is_err() {
                break;
            }
            let mut lines = Vec::new();
            for (path, parameters) in group {
                encode("RCPT", &self.recipient_line(path, parameters), &mut lines)?;
            }
            self.heard_all("RCPT")?;
            self.write("RCPT", &lines, self.hop.limits.command).await?;
            for _ in group {
                let reply = self.reply("RCPT", self.hop.limits.command).await?;
                self.taken += usize::from(reply.is_positive());
                if begun.is_ok() && !reply.is_positive() {
                    begun = Err(Failure::Refused { step: "RCPT", reply });
                }
            }
        }
        if begun.is_err() {
            self.reset().await?;
        }
        begun
    }

    /// Gives up the mail that was begun.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn reset(&mut self) -> Result<(), Failure> {
        self.taken = 0;
        let reply = self.command("RSET", NOTHING).await?;
        expect("RSET", reply, 250).map(drop)
    }

    /// Sends the mail, and gives the hop's answer: one, or over LMTP one for each recipient that it took, in order.
    ///
    /// # Errors
    /// When the connection fails. Whether the hop has the mail is not known then, if the whole of it was sent: it is sent
    /// again, twice rather than never.
    pub async fn send(&mut self, content: Content) -> Result<Vec<Result<Accepted, Reply>>, Failure> {
        let answers = if self.hop.lmtp { self.taken } else { 1 };
        self.taken = 0;
        let by_chunk = !content.ends_a_line && self.offers.has("CHUNKING");
        if by_chunk {
            self.heard_all("BDAT")?;
            // RFC 3030 §2: as it stands, with neither dots nor a last line's end added.
            let line = format!("BDAT {} LAST\r\n", content.size);
            self.write("BDAT", line.as_bytes(), self.hop.limits.command).await?;
        } else {
            let reply = self.command("DATA", NOTHING).await?;
            if reply.code() != 354 {
                if reply.code() < 400 {
                    // Neither go on nor no: what it takes the next line for cannot be known.
                    return Err(Failure::Garbled { step: "DATA", source: reply::Garbled });
                }
                // RFC 2033 §4.2: DATA itself has one answer.
                return Ok(vec![Err(reply); answers]);
            }
            self.heard_all("DATA")?;
        }
        if let Err(error) = self.pour(content, by_chunk).await {
            // A hop that closes in the middle may have said why.
            let limit = Duration::from_secs(1);
            return match (error, self.reply("data", limit).await) {
                (Failure::Io { .. }, Ok(reply)) if !reply.is_positive() => Ok(vec![Err(reply); answers]),
                (error, _) => Err(error),
            };
        }
        let mut all = Vec::with_capacity(answers);
        for _ in 0..answers {
            let reply = self.reply("end of data", self.hop.limits.end).await?;
            all.push(match reply.code() {
                200..=299 => Ok(Accepted { reply, tls: self.tls.clone() }),
                400..=599 => Err(reply),
                _ => Err(reply.under(451)),
            });
        }
        Ok(all)
    }

    async fn pour(&mut self, content: Content, by_chunk: bool) -> Result<(), Failure> {
        let (mut stuffing, mut reader, mut left) = (Stuffing::new(), content.reader, content.size);
        let mut out = Vec::new();
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let mut block = Vec::new();
                let read = reader.by_ref().take(BLOCK as u64).read_to_end(&mut block);
                read.map(|_| (reader, block))
            });
            let lost = |_| Failure::Draft(io::Error::other("the reader panicked"));
            let (again, block) = read.await.map_err(lost)?.map_err(Failure::Draft)?;
            reader = again;
            left = left.saturating_sub(block.len() as u64);
            if by_chunk {
                out.extend_from_slice(&block);
            } else {
                stuffing.push(&block, &mut out);
            }
            // A draft shorter than it says must not look like a whole mail.
            if block.is_empty() && left > 0 {
                return Err(Failure::Draft(io::ErrorKind::UnexpectedEof.into()));
            }
            if left == 0 {
                break;
            }
            self.write("data", &out, self.hop.limits.block).await?;
            out.clear();
        }
        if !by_chunk {
            stuffing.finish(&mut out);
        }
        self.write("data", &out, self.hop.limits.block).await
    }

    /// Takes leave. A hop that does not answer is not waited for.
    pub async fn quit(mut self) {
        let leave = timeout(Duration::from_secs(2), self.command("QUIT", NOTHING)).await;
        if !matches!(leave, Ok(Ok(_))) {
            tracing::debug!("the next hop did not say goodbye");
        }
    }

    /// Whether the hop has said nothing more than it was asked: what it said too much would be taken for the answer to what is
    /// said next, and a yes for the mail's before the mail was sent.
    fn heard_all(&self, step: &'static str) -> Result<(), Failure> {
        if self.heard.is_empty() { Ok(()) } else { Err(Failure::Garbled { step, source: reply::Garbled }) }
    }

    async fn command<W: AsRef<str>>(&mut self, verb: &'static str, words: &[W]) -> Result<Reply, Failure> {
        self.heard_all(verb)?;
        let mut line = Vec::new();
        encode(verb, words, &mut line)?;
        self.write(verb, &line, self.hop.limits.command).await?;
        self.reply(verb, self.hop.limits.command).await
    }

    async fn write(&mut self, step: &'static str, bytes: &[u8], limit: Duration) -> Result<(), Failure> {
        within(step, limit, async {
            self.wire.write_all(bytes).await?;
            self.wire.flush().await
        })
        .await
    }

    async fn reply(&mut self, step: &'static str, limit: Duration) -> Result<Reply, Failure> {
        loop {
            let taken = reply::take(&self.heard).map_err(|source| Failure::Garbled { step, source })?;
            if let Some((reply, used)) = taken {
                self.heard.drain(..used);
                return Ok(reply);
            }
            let read = within(step, limit, self.wire.read_buf(&mut self.heard)).await?;
            if read == 0 {
                return Err(Failure::Io { step, source: io::ErrorKind::UnexpectedEof.into() });
            }
        }
    }
}

/// A command line. Nothing in it can begin another.
fn encode<W: AsRef<str>>(verb: &'static str, words: &[W], out: &mut Vec<u8>) -> Result<(), Failure> {
    out.extend_from_slice(verb.as_bytes());
    for word in words.iter().map(AsRef::as_ref) {
        if word.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0')) {
            let reply = Reply::new(553, "5.1.7 An address or parameter holds a line end");
            return Err(Failure::Refused { step: verb, reply });
        }
        out.push(b' ');
        out.extend_from_slice(word.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

fn expect(step: &'static str, reply: Reply, code: u16) -> Result<Reply, Failure> {
    if reply.code() == code { Ok(reply) } else { Err(Failure::Refused { step, reply }) }
}

async fn within<T>(
    step: &'static str,
    limit: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, Failure> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|source| Failure::Io { step, source }),
        Err(_) => Err(Failure::Silent { step }),
    }
}

/// The attributes that a hop wants to know, as `NAME=value`.
fn known(attributes: &[(String, String)], wanted: &[&str]) -> Vec<String> {
    let wants = |name: &str| wanted.iter().any(|one| one.eq_ignore_ascii_case(name));
    let known = attributes.iter().filter(|(name, _)| wants(name));
    known.map(|(name, value)| format!("{name}={value}")).collect()
}

/// This machine's name, for EHLO (RFC 5321 §4.1.4).
fn own_name() -> &'static str {
    static NAME: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    NAME.get_or_init(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = name.trim();
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        if is_name { name.to_owned() } else { "localhost".to_owned() }
    })
}
