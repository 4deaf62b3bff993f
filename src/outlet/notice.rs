//! A notice by mail, through lettre: handed over when the server has said 250, and not before.

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::{AsyncSmtpTransport, Error as SmtpError};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// `[alarm]`: how notices leave. `Debug` hides the URLs, which may carry a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `smtp://host:port` or `smtps://host:port`, with `user:password@` where the server asks.
    pub smtp: String,
    /// The sender of notices.
    pub from: String,
    /// Of a processor that sends for many controllers: its name. Its notices say so and carry their facts as JSON.
    pub processor: Option<String>,
    /// Another mail server, in the same form, for when the first fails: best one that shares nothing with it.
    pub second: Option<String>,
    /// Where alerts are posted when the first mail server fails.
    pub webhook: Option<super::webhook::Settings>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Settings({})", self.from)
    }
}

/// Whether a notice can be sent to, or from, this bare address.
pub fn is_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

/// A notice to one person.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// To whom.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// Plain text, lines ended by CRLF.
    pub body: &'a str,
    /// Files beside it.
    pub attached: &'a [Attached],
    /// What letters of one matter have in common; `None` belongs to no other letter.
    pub thread: Option<&'a Thread>,
}

impl<'a> Outgoing<'a> {
    /// A letter by itself.
    pub fn plain(to: &'a str, subject: &'a str, body: &'a str) -> Self {
        Self { to, subject, body, attached: &[], thread: None }
    }
}

/// A file beside a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub kind: &'static str,
    /// Text.
    pub text: String,
}

/// By what mail programs put letters of one matter together (RFC 5322 §3.6.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The left side of the `Message-ID`: the same for the same notice, however often it is sent.
    pub id: String,
    /// Of the letter that began the matter; `None` for that one itself.
    pub first: Option<String>,
}

/// By which road a notice went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// `[alarm] smtp`.
    First,
    /// `[alarm] second`, after the first had failed.
    Second,
}

/// The way out for notices.
pub struct Post {
    first: Server,
    second: Option<Server>,
    from: Mailbox,
}

/// A mail server, and whether it was silent a moment ago.
struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    silent_until: Mutex<Option<Instant>>,
}

impl Server {
    /// So long it is not asked again when it was silent: one that hangs would hold up each letter of a round in turn, and what is
    /// to go by another road with them. Shorter than a letter waits for its next try.
    const PAUSE: Duration = Duration::from_secs(20);

    async fn send(&self, message: &Message) -> Result<(), PostError> {
        let until = *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        if until.is_some_and(|until| began < until) {
            return Err(PostError::Silent);
        }
        let sent = self.transport.send_raw(message.envelope(), &message.formatted()).await;
        let is_silent = sent.is_err() && began.elapsed() >= Post::TIMEOUT;
        *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner) =
            is_silent.then(|| Instant::now() + Self::PAUSE);
        Ok(sent.map(drop)?)
    }
}

/// Why a notice was not handed over. Says what the server said, and nothing of the notice.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The settings cannot be used.
    #[error("[alarm] {what}: {why}")]
    Settings {
        /// Which key.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// An address is none.
    #[error("the notice's recipient is no mail address")]
    Recipient,
    /// The attached file could not be made.
    #[error("the notice's attached file could not be made")]
    Attachment,
    /// The message could not be made.
    #[error("the notice could not be made: {0}")]
    Message(#[from] lettre::error::Error),
    /// The server was silent a moment ago, and is not asked again so soon.
    #[error("the mail server was silent a moment ago and is asked again soon")]
    Silent,
    /// The server said no, or nothing.
    #[error("the mail server did not take the notice: {0}")]
    Server(#[from] SmtpError),
}

impl PostError {
    /// Whether trying again can help: not when the server refused for good or an address is none.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Settings { .. } | Self::Recipient | Self::Attachment | Self::Message(_) => false,
            Self::Silent => true,
            Self::Server(error) => !error.is_permanent(),
        }
    }
}

impl Post {
    /// A server that is silent this long is down.
    const TIMEOUT: Duration = Duration::from_secs(30);

    /// The way that the settings name.
    ///
    /// # Errors
    /// When they name no server or no sender that can be used.
    pub fn new(settings: &Settings) -> Result<Self, PostError> {
        let transport = |what, url: &str| {
            let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                .map_err(|error| PostError::Settings { what, why: error.to_string() })?;
            let transport = builder.timeout(Some(Self::TIMEOUT)).build();
            Ok::<_, PostError>(Server { transport, silent_until: Mutex::default() })
        };
        let first = transport("smtp", &settings.smtp)?;
        let second = settings.second.as_deref().map(|url| transport("second", url)).transpose()?;
        let from = settings.from.parse().map_err(|error: lettre::address::AddressError| {
            PostError::Settings { what: "from", why: error.to_string() }
        })?;
        Ok(Self { first, second, from })
    }

    /// Hands a notice over, to the second server when the first does not take it; it is that server's when this returns.
    ///
    /// # Errors
    /// When no server said 250: what the first one said.
    pub async fn send(&self, notice: Outgoing<'_>) -> Result<Road, PostError> {
        let message = self.message(notice, AutoSubmitted("auto-generated"))?;
        let Err(error) = self.first.send(&message).await else { return Ok(Road::First) };
        let Some(second) = &self.second else { return Err(error) };
        tracing::warn!(%error, "the mail server for notices did not take one; the second is asked");
        match second.send(&message).await {
            Ok(()) => Ok(Road::Second),
            Err(other) => {
                tracing::warn!(error = %other, "nor did the second");
                Err(error)
            }
        }
    }

    /// Hands a notice over by this road alone, to see whether it takes one; `false` when there is no such road.
    ///
    /// # Errors
    /// When it did not say 250.
    pub async fn send_by(&self, road: Road, notice: Outgoing<'_>) -> Result<bool, PostError> {
        let server = if road == Road::First { Some(&self.first) } else { self.second.as_ref() };
        let Some(server) = server else { return Ok(false) };
        server.send(&self.message(notice, AutoSubmitted("auto-generated"))?).await?;
        Ok(true)
    }

    /// The domain of our own address, for names that must be ours alone.
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// Hands over what tells a sender of their own mail: an answer made by a program, from the null sender, so that nothing
    /// ever answers it (RFC 3834 §3.3, RFC 5321 §4.5.5).
    ///
    /// # Errors
    /// When the server did not say 250.
    pub async fn answer(&self, notice: Outgoing<'_>) -> Result<(), PostError> {
        let message = self.message(notice, AutoSubmitted("auto-replied"))?;
        let to = notice.to.parse().map_err(|_| PostError::Recipient)?;
        let envelope = lettre::address::Envelope::new(None, vec![to])?;
        self.first.transport.send_raw(&envelope, &message.formatted()).await?;
        Ok(())
    }

    fn message(&self, notice: Outgoing<'_>, submitted: AutoSubmitted) -> Result<Message, PostError> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(notice.to.parse().map_err(|_| PostError::Recipient)?)
            .subject(notice.subject)
            .header(submitted);
        let domain = self.domain();
        let message = match notice.thread {
            None => message.message_id(None),
            Some(thread) => {
                let message = message
                    .message_id(Some(format!("<{}@{domain}>", thread.id)))
                    .header(ListId(format!("Brevdue <brevdue.{domain}>")));
                match &thread.first {
                    Some(first) => {
                        let first = format!("<{first}@{domain}>");
                        message.in_reply_to(first.clone()).references(first)
                    }
                    None => message,
                }
            }
        };
        let text = notice.body.to_owned();
        if notice.attached.is_empty() {
            return Ok(message.header(ContentType::TEXT_PLAIN).body(text)?);
        }
        let mut parts = MultiPart::mixed().singlepart(SinglePart::plain(text));
        for file in notice.attached {
            let kind = ContentType::parse(file.kind).map_err(|_| PostError::Attachment)?;
            parts = parts.singlepart(Attachment::new(file.name.clone()).body(file.text.clone(), kind));
        }
        Ok(message.multipart(parts)?)
    }
}

/// RFC 3834 §5: no vacation reply to an alarm, nor to an answer.
#[derive(Clone, Copy)]
struct AutoSubmitted(&'static str);

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self("auto-generated"))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.to_owned())
    }
}

/// RFC 2919: by which a mail program sorts our letters.
#[derive(Clone)]
struct ListId(String);

impl Header for ListId {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Id")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}
