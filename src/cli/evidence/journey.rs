//! `brevdue evidence show CASE`: how each mail of a case travelled, as the mail server's log has it.

use crate::case::CaseId;
use crate::case::local::shown as local;
use crate::cli::case::{Format, disposition_name, verdict_name};
use crate::console::health::written;
use crate::daemon;
use crate::store::{DeliveryRow, Journey};
use anyhow::Context;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

/// The newest messages of a case that are shown; a list of more is for a program, and for it there is no limit.
const SHOWN: usize = 200;

pub(super) fn run(config: Option<&Path>, case: &str, format: Format) -> anyhow::Result<ExitCode> {
    let config = crate::cli::load(config)?;
    crate::cli::need_store(&config)?;
    let id =
        CaseId::parse(case).with_context(|| format!("{case:?} is no case number; one is BRV-2026-0001"))?;
    let store = daemon::open_store(&config)?;
    let file = store.case(&id)?.with_context(|| format!("there is no case {id}; see `brevdue case list`"))?;
    let text = match format {
        Format::Human => {
            let journeys = store.journeys(&id, SHOWN)?;
            let mut text = human(&id, &journeys, config.maillog.is_some());
            if file.row.mails > journeys.len() as u64 {
                let all = file.row.mails;
                text = format!(
                    "{text}\n\nDe nyeste {SHOWN} af {all} mails; alle med --format json. / The newest {SHOWN} of {all}; all with --format json."
                );
            }
            text
        }
        Format::Json => {
            let journeys = store.journeys(&id, usize::MAX)?;
            let mails: Vec<Mail<'_>> = journeys.iter().map(Mail::from).collect();
            serde_json::to_string_pretty(&Listed { case: id.as_str(), mails })?
        }
    };
    crate::cli::say(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The contract of `evidence show --format json`.
#[derive(Serialize)]
struct Listed<'a> {
    case: &'a str,
    mails: Vec<Mail<'a>>,
}

#[derive(Serialize)]
struct Mail<'a> {
    queue_id: Option<&'a str>,
    found_at: String,
    verdict: &'a str,
    disposition: &'static str,
    deliveries: Vec<Delivery<'a>>,
}

#[derive(Serialize)]
struct Delivery<'a> {
    first_at: String,
    last_at: String,
    times: u64,
    queue_id: &'a str,
    recipient_domain: &'a str,
    transport: &'a str,
    next_hop: Option<&'a str>,
    status: &'a str,
    proof: &'a str,
    protocol: Option<&'a str>,
    cipher: Option<&'a str>,
}

impl<'a> From<&'a Journey> for Mail<'a> {
    fn from(journey: &'a Journey) -> Self {
        Self {
            queue_id: journey.queue_id.as_deref(),
            found_at: written(journey.at),
            verdict: &journey.verdict,
            disposition: journey.disposition(),
            deliveries: journey.deliveries.iter().map(Delivery::from).collect(),
        }
    }
}

impl<'a> From<&'a DeliveryRow> for Delivery<'a> {
    fn from(row: &'a DeliveryRow) -> Self {
        let known = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        Self {
            first_at: written(row.first_at),
            last_at: written(row.last_at),
            times: row.times,
            queue_id: &row.queue_id,
            recipient_domain: &row.domain,
            transport: &row.transport,
            next_hop: known(&row.relay),
            status: &row.status,
            proof: &row.proof,
            protocol: known(&row.protocol),
            cipher: known(&row.cipher),
        }
    }
}

fn human(case: &CaseId, journeys: &[Journey], is_followed: bool) -> String {
    let mut lines =
        vec![format!("Sag {case}: mailenes vej efter mailserverens log / how its mails travelled")];
    if !is_followed {
        lines.push("Loggen følges ikke: der er ingen [maillog]. / The log is not followed.".to_owned());
    }
    for journey in journeys {
        lines.push(format!(
            "\n{}  {}  kø-id {}  {} / {}",
            local(journey.at),
            verdict_name(&journey.verdict),
            journey.queue_id.as_deref().unwrap_or("-"),
            disposition_name(journey.disposition()),
            journey.disposition()
        ));
        if journey.deliveries.is_empty() {
            lines.push("  loggen har intet om den endnu / the log has nothing of it yet".to_owned());
        }
        lines.extend(journey.deliveries.iter().map(|row| delivery(journey, row)));
    }
    lines.join("\n")
}

fn delivery(journey: &Journey, row: &DeliveryRow) -> String {
    let (danish, english) = proof_names(&row.proof);
    let session = match row.protocol.as_str() {
        "" => String::new(),
        protocol => format!(": {protocol}, {}", row.cipher),
    };
    let times = match row.times {
        1 => String::new(),
        times => format!("; {times} gange siden {} / {times} times", local(row.first_at)),
    };
    let name = match journey.queue_id.as_deref() {
        Some(first) if first == row.queue_id => String::new(),
        Some(_) | None => format!("; som kø-id / as queue id {}", row.queue_id),
    };
    format!(
        "  {}  {} / {}  til {}  via {}  ({})\n      {danish} / {english}{session}{times}{name}",
        local(row.last_at),
        disposition_name(&row.status),
        row.status,
        unless_empty(&row.domain),
        unless_empty(&row.relay),
        row.transport,
    )
}

fn unless_empty(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn proof_names(word: &str) -> (&str, &str) {
    match word {
        "verified" => ("TLS, modpartens navn bekræftet", "TLS, the peer's name verified"),
        "trusted" => ("TLS, certifikat fra kendt udsteder", "TLS, certificate of a known authority"),
        "untrusted" => ("TLS, ukendt certifikat", "TLS, unknown certificate"),
        "anonymous" => ("TLS uden certifikat", "TLS without certificate"),
        "plaintext" => ("UKRYPTERET", "PLAINTEXT"),
        "local" => ("forlod ikke maskinen", "did not leave the machine"),
        "nothing" => ("intet indhold blev overgivet", "no content was handed over"),
        "unproven" => ("ikke bevist", "not proved"),
        other => (other, other),
    }
}
