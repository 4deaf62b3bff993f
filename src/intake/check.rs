//! `POST /v1/check`: a portal or an SMS sender asks before it sends.
//!
//! *What it is*: JSON in, JSON out, by the gate that all doors have ([`crate::inspect::enquiry`]). *What it never does*:
//! decide, log or keep a byte of what it was sent; an answer that refuses says where the JSON was wrong and never what stood
//! there. *Start reading at* [`serve`]. *Tests*: `tests/check.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::Listener;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::envelope::{Address, Channel};
use crate::inspect::Gate;
use crate::inspect::enquiry::Enquiry;
use crate::intake::smtp::is_path;

/// The longest body, in bytes: a text and no attachment.
const BODY: usize = 1024 * 1024;
/// Parts of an SMS, recipients, and letters of a subject.
const PARTS: usize = 100;
const RECIPIENTS: usize = 1000;
const SUBJECT: usize = 998;
/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long judging may take: the budget of a message.
const BUDGET: Duration = Duration::from_mins(1);

/// What the service counts, for the metrics page. Numbers only.
#[derive(Debug, Default)]
pub struct Counters {
    deliver: AtomicU64,
    reroute: AtomicU64,
    hold: AtomicU64,
    block: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl Counters {
    /// Texts asked about, by what was answered: the action, `refused` for what is no enquiry, `failed` when it must be asked
    /// again.
    pub fn by_answer(&self) -> [(&'static str, u64); 6] {
        [
            ("deliver", self.deliver.load(Relaxed)),
            ("reroute", self.reroute.load(Relaxed)),
            ("hold", self.hold.load(Relaxed)),
            ("block", self.block.load(Relaxed)),
            ("refused", self.refused.load(Relaxed)),
            ("failed", self.failed.load(Relaxed)),
        ]
    }

    fn count(&self, answer: &str) {
        let counter = match answer {
            "deliver" => &self.deliver,
            "reroute" => &self.reroute,
            "hold" => &self.hold,
            "block" => &self.block,
            "refused" => &self.refused,
            _ => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }
}

#[derive(Clone)]
struct Desk {
    gate: Arc<Gate>,
    counters: Arc<Counters>,
}

/// Answers until `stopped` turns true; enquiries under way then are answered.
///
/// # Errors
/// None that is known today: a connection that cannot be taken is the listener's to mend.
pub async fn serve<L>(
    listener: L,
    gate: Arc<Gate>,
    counters: Arc<Counters>,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let pages = Router::new()
        .route("/v1/check", post(check).fallback(wrong_method))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "here is POST /v1/check").into_response())
        .with_state(Desk { gate, counters });
    axum::serve(listener, pages)
        .with_graceful_shutdown(async move {
            // A sender that is gone ends it too.
            drop(stopped.wait_for(|stopped| *stopped).await);
        })
        .await
}

async fn wrong_method() -> Response {
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "ask by POST").into_response();
    ([(ALLOW, "POST")], refusal).into_response()
}

async fn check(State(desk): State<Desk>, request: Request) -> Response {
    let counters = Arc::clone(&desk.counters);
    match answer(desk.gate, request).await {
        Ok((action, body)) => {
            counters.count(action);
            page(StatusCode::OK, body)
        }
        Err(refusal) => {
            counters.count(if refusal.status.is_server_error() { "failed" } else { "refused" });
            refusal.into_response()
        }
    }
}

async fn answer(gate: Arc<Gate>, request: Request) -> Result<(&'static str, String), Refusal> {
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json"));
    }
    let enquiry = enquiry(&read(&head.headers, body).await?)?;
    // In a task of its own: one that panics costs its enquiry and nothing else.
    let asked = tokio::spawn(async move { timeout(BUDGET, gate.ask(enquiry)).await });
    let asked = match asked.await {
        Ok(Ok(Some(asked))) => asked,
        Ok(Ok(None) | Err(_)) => return Err(Refusal::later()),
        Err(_) => {
            tracing::error!("an enquiry panicked");
            return Err(Refusal::later());
        }
    };
    let body = serde_json::to_string(&asked).map_err(|_| Refusal::later())?;
    Ok((asked.action(), body))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

async fn read(headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, Refusal> {
    const LARGE: &str = "the body is larger than 1 MiB";
    let told = headers.get("content-length").and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|length| length > BODY) {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, LARGE));
    }
    match timeout(PATIENCE, to_bytes(body, BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, LARGE)),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

/// As it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    channel: String,
    text: Option<String>,
    parts: Option<Vec<String>>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Vec<String>,
}

fn enquiry(bytes: &[u8]) -> Result<Enquiry, Refusal> {
    const SHAPE: &str = "send an object with `channel` and `text` (or `parts`), and `subject`, `from` and `to` if you have them";
    let written: Written = serde_json::from_slice(bytes).map_err(|error| {
        // The parser's own words may repeat what stood there.
        Refusal::bad(format!(
            "line {}, column {}: not what is asked for: {SHAPE}",
            error.line(),
            error.column()
        ))
    })?;
    let channel = Channel::ALL.into_iter().find(|one| one.word() == written.channel);
    let channel = channel.ok_or_else(|| Refusal::bad("`channel` is one of: mail, sms, digital-post"))?;
    let parts = match (written.text, written.parts) {
        (Some(text), None) => vec![text],
        (None, Some(parts)) if (1..=PARTS).contains(&parts.len()) => parts,
        (None, Some(_)) => return Err(Refusal::bad("`parts` has 1 to 100 texts")),
        (Some(_), Some(_)) | (None, None) => return Err(Refusal::bad("send either `text` or `parts`")),
    };
    let subject = written.subject.unwrap_or_default();
    if subject.chars().count() > SUBJECT {
        return Err(Refusal::bad("`subject` has at most 998 letters"));
    }
    if written.to.len() > RECIPIENTS {
        return Err(Refusal::bad("`to` has at most 1000 recipients"));
    }
    let from = match written.from.as_deref().map(str::trim) {
        None | Some("" | "<>") => None,
        Some(from) => Some(address(from, channel).ok_or_else(|| Refusal::bad("`from` is no address"))?),
    };
    let to = written.to.iter().enumerate().map(|(at, to)| {
        address(to, channel).ok_or_else(|| Refusal::bad(format!("number {at} of `to` is no address")))
    });
    let to = to.collect::<Result<Vec<Address>, Refusal>>()?;
    Ok(Enquiry { channel, parts, subject, from, to })
}

/// A mail address; of another channel whatever names somebody there, which is shown nowhere.
fn address(text: &str, channel: Channel) -> Option<Address> {
    let text = text.trim();
    match channel {
        Channel::Sms | Channel::DigitalPost if !text.contains('@') && !text.is_empty() => {
            Address::parse(format!("<{text}@{}>", channel.word()).as_bytes())
        }
        // One address and nothing beside it: what stood behind the first would be judged by the first one's road.
        Channel::Mail | Channel::Sms | Channel::DigitalPost => {
            let bare = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
            is_path(bare).then(|| Address::parse(format!("<{bare}>").as_bytes())).flatten()
        }
    }
}

/// An answer that is no verdict.
struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    fn bad(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }

    /// Our own work failed: nobody may take that for "send it".
    fn later() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "could not be judged now: do not send it, and ask again")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let answer = page(self.status, serde_json::json!({ "error": self.why }).to_string());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            return ([(RETRY_AFTER, "30")], answer).into_response();
        }
        answer
    }
}

fn page(status: StatusCode, body: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body).into_response()
}
