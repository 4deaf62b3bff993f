//! What is posted to `[alarm] webhook` when mail does not work: what the letter says, as JSON, without the name of a person.
//!
//! Start reading at [`alert`].

use super::stage::Told;
use crate::case::local::written;
use chrono::{DateTime, Utc};
use serde_json::json;

/// An alert about these cases.
pub(super) fn alert(cases: &[Told], now: DateTime<Utc>) -> String {
    let rows = cases.iter().map(|told| {
        let case = &told.case;
        json!({
            "id": case.id.as_str(),
            "milestone": told.milestone.word(),
            "kind": case.kind.word(),
            "state": case.state.word(),
            "controller": case.controller,
            "cvr": case.cvr,
            "mails": case.mails,
            "persons": case.persons,
            "deadline": case.deadline.map(written),
            "minutes_left": case.deadline.map(|deadline| (deadline - now).num_minutes()),
        })
    });
    let rows: Vec<_> = rows.collect();
    json!({ "type": "alert", "at": written(now), "why": "the mail server for notices did not take the letter", "cases": rows })
        .to_string()
}

/// The register cannot be written.
pub(super) fn down(node: &str, since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    json!({ "type": "register-down", "at": written(now), "since": written(since), "node": node }).to_string()
}

/// Goes in place of a post that our own scanner stopped.
pub(super) fn fixed(now: DateTime<Utc>) -> String {
    json!({ "type": "alert", "at": written(now), "why": "a case in the register needs attention: brevdue case list" }).to_string()
}

/// What `brevdue alarm test` posts.
pub(super) fn test(now: DateTime<Utc>) -> String {
    json!({ "type": "test", "at": written(now) }).to_string()
}
