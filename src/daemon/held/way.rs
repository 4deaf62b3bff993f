//! The way by which released mail is sent: what the keeper asks of it. The SMTP client itself stands in `outlet`.

use crate::config::Config;
use crate::outlet::postfix::Queued;
use crate::outlet::secure::SecureError;
use crate::outlet::smtp::{Content, Failure, Hop, Session};
use crate::spool::held::Cover;
use std::future::Future;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;

/// By which road a mail is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// To the next hop, as it is.
    Clear,
    /// By forced TLS to a verified peer, or not at all.
    Protected,
}

/// A mail to be sent on.
pub struct Outbound {
    /// Its envelope.
    pub cover: Cover,
    /// Its bytes; an error of reading means that nothing may be sent.
    pub mail: Box<dyn Read + Send>,
    /// How many bytes.
    pub size: u64,
    /// Whether its last line has its CRLF.
    pub ends_a_line: bool,
    /// By which road.
    pub road: Road,
}

/// Why a mail was not sent. Says what the server said by its code, and nothing of the mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Trying again can help.
    #[error("not sent: {0}")]
    Temporary(String),
    /// The hop was lost behind the last byte, or has taken it for some: they may have it. Trying again can help.
    #[error("perhaps sent: {0}")]
    Unsure(String),
    /// It was refused for good, for all.
    #[error("refused: {0}")]
    Permanent(String),
    /// It was refused for some for good, and others have it.
    #[error("refused for some: {0}")]
    Partly(String),
}

/// What sending gives in the end.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), NotSent>> + Send + 'a>>;

/// A way out for released mail.
pub trait Sender: Send + Sync {
    /// Sends a mail to all its recipients. It is `Ok` only after the next hop's own 2yz to the end of the data: what is ours is
    /// removed then. A mail of which some recipients were refused was not sent, and is told of as such.
    fn send(&self, mail: Outbound) -> Sending<'_>;
}

/// The way that a configuration names, for the daemon and for whoever acts as root; `None` where `[smtp]` names no hop.
///
/// # Errors
/// When the CAs of the protected road cannot be used.
pub(super) fn of(config: &Config) -> Result<Option<Arc<dyn Sender>>, SecureError> {
    let Some(smtp) = &config.smtp else { return Ok(None) };
    Ok(Some(Arc::new(Hops { next: smtp.next_hop(), secure: smtp.secure_hop()? })))
}

/// The hops of `[smtp]`.
struct Hops {
    next: Hop,
    secure: Option<Hop>,
}

impl Sender for Hops {
    fn send(&self, mail: Outbound) -> Sending<'_> {
        Box::pin(async move {
            let hop = match mail.road {
                Road::Clear => &self.next,
                Road::Protected => self.secure.as_ref().ok_or_else(|| {
                    NotSent::Temporary("`[smtp]` names no protected road (`secure`)".to_owned())
                })?,
            };
            let Cover { sender, parameters, recipients, forwarded, .. } = &mail.cover;
            let recipients: Vec<&(String, Vec<String>)> = recipients.iter().collect();
            let mut session = Session::open(hop).await.map_err(|failure| not_sent(&failure))?;
            let begun = session.begin(sender, parameters, forwarded, &recipients).await;
            begun.map_err(|failure| not_sent(&failure))?;
            let Outbound { mail, size, ends_a_line, .. } = mail;
            let answers = session.send(Content { reader: mail, size, ends_a_line }).await;
            let answers = answers.map_err(|failure| not_sent(&failure))?;
            session.quit().await;
            // Over LMTP some may have it: the mail is sent again to all, twice rather than never.
            let has_left = answers.iter().any(Result::is_ok);
            match answers.iter().find_map(|answer| answer.as_ref().err()) {
                None if has_left => Ok(()),
                None => Err(NotSent::Temporary(String::new())),
                Some(reply) => {
                    let code = reply.code().to_string();
                    Err(match (reply.is_temporary(), has_left) {
                        (true, false) => NotSent::Temporary(code),
                        (true, true) => NotSent::Unsure(code),
                        (false, false) => NotSent::Permanent(code),
                        (false, true) => NotSent::Partly(code),
                    })
                }
            }
        })
    }
}

/// A failure names the step and the code, and no word of the mail.
fn not_sent(failure: &Failure) -> NotSent {
    if !failure.is_before_data() {
        NotSent::Unsure(failure.to_string())
    } else if failure.is_temporary() {
        NotSent::Temporary(failure.to_string())
    } else {
        NotSent::Permanent(failure.to_string())
    }
}

/// The envelope of a mail that Postfix has.
pub(super) fn cover_of(mail: &Queued) -> Cover {
    Cover {
        sender: mail.sender.clone(),
        recipients: mail.recipients.iter().map(|to| (to.clone(), Vec::new())).collect(),
        ..Cover::default()
    }
}

/// What MAIL is to say of it.
pub(super) fn parameters_of(mail: &Queued, is_eight_bit: bool) -> Vec<String> {
    let mut parameters = Vec::new();
    if is_eight_bit {
        parameters.push("BODY=8BITMIME".to_owned());
    }
    if std::iter::once(&mail.sender).chain(&mail.recipients).any(|address| !address.is_ascii()) {
        parameters.push("SMTPUTF8".to_owned());
    }
    parameters
}
