//! What is asked of a running Brevdue over HTTP: is it well (`/healthz`), what has it counted (`/metrics`), and the links of
//! alerts (`/ack`).
//!
//! *What it is*: two plain pages for the monitoring, over a listener that it is handed. *What it never does*: know
//! where the facts come from (they are a [`Watched`]), change anything, or show what belongs to a message. There is
//! no authentication, so nothing stands here that a person on the same machine may not see. *Start reading at*
//! [`serve`]; [`health`] and [`metrics`] are the pages. *Tests*: beside those; `tests/reload/console.rs` asks a real daemon.

pub mod ack;
pub mod failures;
pub mod health;
pub mod metrics;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use tokio::sync::watch;

use health::Health;
use metrics::Family;

/// What the console shows; whoever runs the house hands it in.
pub trait Watched: Send + Sync + 'static {
    /// How it is now. May ask a disk, so it is called where that may take time.
    fn health(&self) -> Health;

    /// What it has counted until now.
    fn metrics(&self) -> Vec<Family>;

    /// What the link of an alert does, by its query; only with `really` it is done. May write a disk.
    fn acknowledge(&self, _query: &str, _really: bool) -> ack::Acknowledging {
        ack::Acknowledging::Unknown
    }
}

/// Answers until `stopped` turns true. Connections that are open then are cut: nobody's mail hangs on them.
///
/// # Errors
/// None that is known today: a connection that cannot be taken is the listener's to mend.
pub async fn serve<L>(
    listener: L,
    watched: Arc<dyn Watched>,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let pages = Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(all_metrics))
        .route("/ack", get(ack::ask).post(ack::done))
        .fallback(async || page(StatusCode::NOT_FOUND, TEXT, "here are /healthz and /metrics\n".to_owned()))
        .with_state(watched);
    tokio::select! {
        ended = axum::serve(listener, pages) => ended,
        // A sender that is gone ends it too.
        _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

async fn healthz(State(watched): State<Arc<dyn Watched>>, asked: HeaderMap) -> Response {
    let Ok(health) = tokio::task::spawn_blocking(move || watched.health()).await else {
        return page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "failing\nhealth: internal error\n".to_owned());
    };
    // Only what stops mail is an error to a load balancer; the rest is for people to mend.
    let status = if health.is_failing() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let wants_json = asked
        .get_all(ACCEPT)
        .iter()
        .any(|kinds| kinds.to_str().is_ok_and(|kinds| kinds.contains("application/json")));
    if wants_json {
        page(status, "application/json", health.json())
    } else {
        page(status, TEXT, health.to_string())
    }
}

async fn all_metrics(State(watched): State<Arc<dyn Watched>>) -> Response {
    page(StatusCode::OK, metrics::CONTENT_TYPE, metrics::written(&watched.metrics()))
}

fn page(status: StatusCode, kind: &'static str, body: String) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, headers, body).into_response()
}
