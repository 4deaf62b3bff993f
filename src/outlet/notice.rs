//! A notice by mail, through lettre: handed over when the server has said 250, and not before.

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::{AsyncSmtpTransport, Error as SmtpError};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use std::fmt;
use std::time::Duration;

/// `[alarm]`: how notices leave. `Debug` hides the URL, which may carry a password.
#[derive(Clone)]
pub struct Settings {
    /// `smtp://host:port` or `smtps://host:port`, with `user:password@` where the server asks.
    pub smtp: String,
    /// The sender of notices.
    pub from: String,
    /// Of a processor that sends for many controllers: its name. Its notices say so and carry their facts as JSON.
    pub processor: Option<String>,
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
    /// A file beside it: its name, and JSON.
    pub attached: Option<(&'a str, &'a str)>,
}

/// The way out for notices.
pub struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
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
    /// The server said no, or nothing.
    #[error("the mail server did not take the notice: {0}")]
    Server(#[from] SmtpError),
}

impl PostError {
    /// Whether trying again can help: not when the server refused for good or an address is none.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Settings { .. } | Self::Recipient | Self::Attachment | Self::Message(_) => false,
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
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp)
            .map_err(|error| PostError::Settings { what: "smtp", why: error.to_string() })?
            .timeout(Some(Self::TIMEOUT))
            .build();
        let from = settings.from.parse().map_err(|error: lettre::address::AddressError| {
            PostError::Settings { what: "from", why: error.to_string() }
        })?;
        Ok(Self { transport, from })
    }

    /// Hands a notice over; it is the server's when this returns.
    ///
    /// # Errors
    /// When the server did not say 250.
    pub async fn send(&self, notice: Outgoing<'_>) -> Result<(), PostError> {
        let message = self.message(notice, AutoSubmitted("auto-generated"))?;
        self.transport.send(message).await?;
        Ok(())
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
        self.transport.send_raw(&envelope, &message.formatted()).await?;
        Ok(())
    }

    fn message(&self, notice: Outgoing<'_>, submitted: AutoSubmitted) -> Result<Message, PostError> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(notice.to.parse().map_err(|_| PostError::Recipient)?)
            .subject(notice.subject)
            .message_id(None)
            .header(submitted);
        let text = notice.body.to_owned();
        Ok(match notice.attached {
            None => message.header(ContentType::TEXT_PLAIN).body(text)?,
            Some((name, json)) => {
                let kind = ContentType::parse("application/json").map_err(|_| PostError::Attachment)?;
                let attached = Attachment::new(name.to_owned()).body(json.to_owned(), kind);
                let parts = MultiPart::mixed().singlepart(SinglePart::plain(text)).singlepart(attached);
                message.multipart(parts)?
            }
        })
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
