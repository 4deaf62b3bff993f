//! Held mail as people and programs read it: no address, no subject, no number.

use crate::alarm::held::{age_in_words, domain};
use crate::alarm::letter::local;
use crate::case::CaseId;
use crate::cli::case::{Format, field, table};
use crate::store::held::{Act, HeldEntry, HeldRow};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// The contract of `held list --format json`: an array of these. Times are RFC 3339 in UTC.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    state: &'static str,
    place: &'static str,
    node: &'a str,
    cases: Vec<&'a str>,
    held_at: String,
    age_seconds: i64,
    size: u64,
    sender_domain: &'a str,
    recipient_domains: Vec<&'a str>,
    recipients: u64,
    act: Option<&'static str>,
    by: Option<&'a str>,
    why: Option<&'a str>,
    decided_at: Option<String>,
    settled_at: Option<String>,
    last_error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<Line<'a>>>,
}

/// A line of what was done.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    who: &'a str,
    event: &'a str,
    reason: &'a str,
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn listed(row: &HeldRow, now: DateTime<Utc>) -> Listed<'_> {
    let decision = row.decision.as_ref();
    Listed {
        id: &row.name,
        state: row.state.word(),
        place: row.place.word(),
        node: &row.node,
        cases: row.cases.iter().map(CaseId::as_str).collect(),
        held_at: rfc3339(row.at),
        age_seconds: (now - row.at).num_seconds().max(0),
        size: row.size,
        sender_domain: &row.sender_domain,
        recipient_domains: row.recipient_domains.split_ascii_whitespace().collect(),
        recipients: row.recipients,
        act: decision.map(|one| one.act.word()),
        by: decision.map(|one| one.by.as_str()),
        why: decision.map(|one| one.why.as_str()),
        decided_at: decision.map(|one| rfc3339(one.at)),
        settled_at: row.settled_at.map(rfc3339),
        last_error: row.last_error.as_deref(),
        entries: None,
    }
}

pub(super) fn list(rows: &[HeldRow], format: Format, now: DateTime<Utc>) -> anyhow::Result<String> {
    if let Format::Json = format {
        let rows: Vec<_> = rows.iter().map(|row| listed(row, now)).collect();
        return Ok(serde_json::to_string_pretty(&rows)?);
    }
    if rows.is_empty() {
        return Ok("Ingen mail er holdt tilbage. (No mail is held.)".to_owned());
    }
    let cells: Vec<[String; 8]> = rows
        .iter()
        .map(|row| {
            [
                row.name.clone(),
                age_in_words(now - row.at).0,
                row.state.names().0.to_owned(),
                cases(row),
                size(row.size),
                domain(&row.sender_domain).to_owned(),
                row.recipient_domains.clone(),
                format!("{} ({})", row.node, row.place.word()),
            ]
        })
        .collect();
    Ok(table(&["Mail", "Alder", "Tilstand", "Sag", "Størrelse", "Fra", "Til", "Hvor"], &cells))
}

pub(super) fn show(
    row: &HeldRow,
    entries: &[HeldEntry],
    format: Format,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    if let Format::Json = format {
        let line = |entry: &HeldEntry| rfc3339(entry.at);
        let lines = entries.iter().map(|entry| Line {
            at: line(entry),
            who: &entry.who,
            event: &entry.event,
            reason: &entry.reason,
        });
        let shown = Listed { entries: Some(lines.collect()), ..listed(row, now) };
        return Ok(serde_json::to_string_pretty(&shown)?);
    }
    let (danish, english) = row.state.names();
    let mut lines = vec![
        field("Mail", &row.name),
        field("Tilstand", &format!("{danish} ({english})")),
        field("Hvor", &format!("{} ({})", row.node, row.place.word())),
        field("Sag", &cases(row)),
        field("Holdt tilbage", &format!("{}  ({})", local(row.at), age_in_words(now - row.at).0)),
        field("Størrelse", &size(row.size)),
        field("Fra", domain(&row.sender_domain)),
        field("Til", &format!("{}  (modtagere: {})", row.recipient_domains, row.recipients)),
    ];
    if let Some(decision) = &row.decision {
        let act = match decision.act {
            Act::Clear => "send ukrypteret (in the clear)",
            Act::Protected => "send ad beskyttet vej (protected)",
            Act::DigitalPost => "send med Digital Post (digital_post)",
            Act::Discard => "slet (discard)",
        };
        lines.push(field("Besluttet", &format!("{act}, {}, {}", decision.by, local(decision.at))));
        lines.push(field("Hvorfor", &decision.why));
    }
    if let Some(error) = &row.last_error {
        lines.push(field("Sidste fejl", &format!("{error}  ({} forsøg)", row.attempts)));
    }
    lines.push("\nHvad der er gjort".to_owned());
    lines.extend(entries.iter().map(|entry| {
        format!("  {}  {}  {}: {}", local(entry.at), entry.who, event_name(&entry.event), entry.reason)
    }));
    Ok(lines.join("\n"))
}

/// What an event is called; a word that is not known here stands as it is.
pub(in crate::cli) fn event_name(event: &str) -> &str {
    match event {
        "held" => "holdt tilbage",
        "release_in_clear" => "frigivet ukrypteret",
        "released_past_us" => "sendt ukrypteret uden om Brevdue",
        "release_protected" => "frigivet ad beskyttet vej",
        "release_digital_post" => "frigivet til Digital Post",
        "discard" => "besluttet slettet",
        "released" | "held_released" => "sendt videre",
        "discarded" | "held_discarded" => "slettet",
        "gone" | "held_gone" => "forsvundet",
        "release_failed" => "kunne ikke sendes",
        "exported" => "udleveret til læsning",
        "sender_told" => "afsender underrettet",
        "sender_not_told" => "afsender ikke underrettet",
        "alarm" => "alarm",
        other => other,
    }
}

fn cases(row: &HeldRow) -> String {
    if row.cases.is_empty() {
        return "-".to_owned();
    }
    row.cases.iter().map(CaseId::as_str).collect::<Vec<_>>().join(" ")
}

/// In kilobytes of a thousand bytes, rounded up, so that nothing is 0 kB.
fn size(bytes: u64) -> String {
    format!("{} kB", bytes.div_ceil(1000))
}
