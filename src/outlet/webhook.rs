//! A post of JSON to a receiver of alerts, signed, for when mail does not work.
//!
//! *What it is*: one HTTP request, over TLS with a verified certificate, with an HMAC over its time and body; taken when the
//! receiver answers 2xx. *What it never does*: follow a redirection, read what the receiver says, or put a secret into an error.
//! *Start reading at* [`Webhook::post`]. *Tests*: `tests/alarm.rs`, with a receiver that checks the signature.

use super::secure::{SecureError, Security};
use super::wire::Wire;
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpStream;

/// When the body was signed: seconds since 1970 in UTC. A receiver refuses what is older than a few minutes.
pub const TIMESTAMP: &str = "Brevdue-Timestamp";
/// `sha256=` and the HMAC-SHA256, in hex, of the timestamp, a dot and the body.
pub const SIGNATURE: &str = "Brevdue-Signature";

/// `[alarm] webhook`. `Debug` hides the URL, whose path may be a secret, and the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// `https://host/path`; `http://` to this machine alone.
    pub url: String,
    /// The file with the key, whose bytes count but for white space at the end.
    pub key_file: PathBuf,
    /// The CAs whose certificate the receiver must have; `None` is the public ones.
    pub ca: Option<PathBuf>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Settings({})", host_of(&self.url).unwrap_or_default())
    }
}

/// Why a post was not taken. Says nothing of the path or of the body.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// No connection, or it broke.
    #[error("the webhook cannot be reached: {0}")]
    Reach(String),
    /// No TLS.
    #[error("the webhook has no TLS that can be trusted: {0}")]
    Secure(#[from] SecureError),
    /// It said no.
    #[error("the webhook answered {0}")]
    Answer(StatusCode),
    /// It is silent.
    #[error("the webhook has not answered in {} s", Webhook::TIMEOUT.as_secs())]
    Silent,
}

/// The receiver.
pub struct Webhook {
    uri: Uri,
    host: String,
    port: u16,
    security: Option<Security>,
    key: zeroize::Zeroizing<Vec<u8>>,
}

impl Webhook {
    const TIMEOUT: Duration = Duration::from_secs(20);
    /// A shorter key is none.
    const SHORTEST_KEY: usize = 16;

    /// The receiver that the settings name.
    ///
    /// # Errors
    /// When the URL is none, or the key cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, WebhookError> {
        let uri = checked(&settings.url).map_err(|why| WebhookError::Settings(why.to_owned()))?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_secure = uri.scheme_str() == Some("https");
        let security = is_secure.then(|| Security::forced(settings.ca.as_deref())).transpose()?;
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let read = std::fs::read(&settings.key_file).map_err(|error| {
            WebhookError::Settings(format!("key file {}: {error}", settings.key_file.display()))
        })?;
        let key = zeroize::Zeroizing::new(read.trim_ascii_end().to_vec());
        if key.len() < Self::SHORTEST_KEY {
            return Err(WebhookError::Settings(format!(
                "key file {} holds fewer than {} bytes: make one with `openssl rand -hex 32`",
                settings.key_file.display(),
                Self::SHORTEST_KEY
            )));
        }
        Ok(Self { uri, host, port, security, key })
    }

    /// Posts this JSON, signed as of `at` (seconds since 1970); the receiver has it when this returns.
    ///
    /// # Errors
    /// When it did not answer 2xx.
    pub async fn post(&self, json: String, at: i64) -> Result<(), WebhookError> {
        let posted = tokio::time::timeout(Self::TIMEOUT, self.exchange(json, at));
        posted.await.unwrap_or(Err(WebhookError::Silent))
    }

    async fn exchange(&self, json: String, at: i64) -> Result<(), WebhookError> {
        let reach = |error: &dyn fmt::Display| WebhookError::Reach(error.to_string());
        let stream =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| reach(&error))?;
        let mut wire: Wire = Box::new(stream);
        if let Some(security) = &self.security {
            (wire, _) = security.shake(wire, &self.host).await?;
        }
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(wire));
        let (mut sender, connection) = handshake.await.map_err(|error| reach(&error))?;
        let path = self.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
        let request = Request::post(path)
            .header(HOST, self.uri.authority().map_or("", hyper::http::uri::Authority::as_str))
            .header(USER_AGENT, concat!("brevdue/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .header(TIMESTAMP, at)
            .header(SIGNATURE, signature(&self.key, at, &json))
            .body(json)
            .map_err(|error| reach(&error))?;
        let driving = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        driving.abort();
        match answer.map_err(|error| reach(&error))?.status() {
            status if status.is_success() => Ok(()),
            status => Err(WebhookError::Answer(status)),
        }
    }
}

/// What stands in [`SIGNATURE`].
pub fn signature(key: &[u8], at: i64, body: &str) -> String {
    // A key of any length is taken (RFC 2104 §2).
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(at.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect();
    format!("sha256={hex}")
}

/// A URL that may be posted to: by TLS, or to this machine.
///
/// # Errors
/// What is wrong with it.
pub fn checked(url: &str) -> Result<Uri, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "this is no URL")?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or("the host is missing")?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("a login does not belong in it: what is posted is signed");
    }
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_here => Ok(uri),
        Some("http") => Err("http:// goes to this machine alone: write https://"),
        Some(_) | None => Err("write https:// before it"),
    }
}

fn host_of(url: &str) -> Option<String> {
    url.parse::<Uri>().ok()?.host().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_https_or_of_this_machine() {
        for (url, is_good) in [
            ("https://vagt.example/krog?t=1", true),
            ("http://127.0.0.1:9000/", true),
            ("http://[::1]:9000/", true),
            ("http://vagt.example/", false),
            ("https://bruger:kode@vagt.example/", false),
            ("vagt.example", false),
            ("ftp://vagt.example/", false),
            ("", false),
        ] {
            assert_eq!(checked(url).is_ok(), is_good, "{url}");
        }
    }

    /// RFC 4231 has no case with our dot in it; this one was made with `openssl dgst -sha256 -hmac`.
    #[test]
    fn the_signature_is_what_another_program_makes_of_it() {
        let signed = signature(b"0123456789abcdef", 1_795_000_000, "{\"a\":1}");
        assert_eq!(signed, "sha256=cc265a2e718683fd617b6fdc65ca0fc0337f32c303412aae789c1fa3d7509f37");
        assert_ne!(signed, signature(b"0123456789abcdeF", 1_795_000_000, "{\"a\":1}"));
        assert_ne!(signed, signature(b"0123456789abcdef", 1_795_000_001, "{\"a\":1}"));
    }
}
