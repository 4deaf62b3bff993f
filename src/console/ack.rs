//! `/ack`: a person says that an alert was read, by the signed link in its letter.
//!
//! No login, and nothing of a case is shown: GET is a page with a button, because programs that look at links in mail must not
//! acknowledge; POST does it. Whether the link counts is the daemon's to say. Start reading at [`Watched::acknowledge`].

use super::Watched;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledging {
    /// It counts; nothing was done yet.
    Ask,
    /// It was acknowledged, now or before.
    Done,
    /// Its time is over.
    Expired,
    /// It is none of ours.
    Unknown,
    /// The register cannot be written now.
    Unwell,
}

pub(super) async fn ask(state: State<Arc<dyn Watched>>, uri: Uri) -> Response {
    answer(state, &uri, false).await
}

pub(super) async fn done(state: State<Arc<dyn Watched>>, uri: Uri) -> Response {
    answer(state, &uri, true).await
}

async fn answer(State(watched): State<Arc<dyn Watched>>, uri: &Uri, really: bool) -> Response {
    let query = uri.query().unwrap_or_default().to_owned();
    let asked = tokio::task::spawn_blocking(move || watched.acknowledge(&query, really)).await;
    let (status, text) = match asked.unwrap_or(Acknowledging::Unwell) {
        Acknowledging::Ask => (
            StatusCode::OK,
            "<p>Har du læst alarmen? Så bliver den ikke gentaget. Fristen løber videre, og næste varsel kommer.</p>\
             <p lang=en>Have you read the alert? It is not repeated then. The clock runs on, and the next step comes.</p>\
             <form method=post><button>Kvittér / Acknowledge</button></form>",
        ),
        Acknowledging::Done => {
            (StatusCode::OK, "<p>Der er kvitteret. Tak.</p><p lang=en>Acknowledged. Thank you.</p>")
        }
        Acknowledging::Expired => (
            StatusCode::GONE,
            "<p>Linket er udløbet. Brug linket i en nyere alarm.</p>\
             <p lang=en>The link has expired. Use that of a newer alert.</p>",
        ),
        Acknowledging::Unknown => (
            StatusCode::FORBIDDEN,
            "<p>Linket er ikke gyldigt. Kopiér hele linket fra mailen.</p>\
             <p lang=en>The link is not valid. Copy all of it from the mail.</p>",
        ),
        Acknowledging::Unwell => (
            StatusCode::SERVICE_UNAVAILABLE,
            "<p>Der kan ikke kvitteres lige nu. Prøv igen om lidt.</p>\
             <p lang=en>This cannot be acknowledged now. Try again soon.</p>",
        ),
    };
    let page = format!(
        "<!doctype html><html lang=da><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Brevdue</title><h1>Brevdue</h1>{text}"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // The link is a secret: it goes to no other page.
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ];
    (status, headers, page).into_response()
}
