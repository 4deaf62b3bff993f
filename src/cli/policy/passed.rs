//! `brevdue policy passed`: the audit trail of what passed although a number stood in it.

use crate::case::local::shown as local;
use crate::config::Config;
use crate::daemon;
use crate::store::PassageRow;
use chrono::SecondsFormat;
use serde::Serialize;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// How to print
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// How many lines, the newest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For reading
    Human,
    /// An array of objects, times as RFC 3339 in UTC
    Json,
}

/// The contract of `--format json`.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    why: &'a str,
    name: &'a str,
    by: &'a str,
    reason: &'a str,
    until: &'a str,
    queue_id: Option<&'a str>,
    sender_domain: &'a str,
    recipient_domains: &'a str,
    recipients: u64,
    persons: u64,
}

pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    crate::cli::need_store(config)?;
    let rows = daemon::open_store(config)?.passages(args.limit)?;
    match args.format {
        Format::Json => {
            let lines: Vec<Line<'_>> = rows.iter().map(line).collect();
            crate::cli::say(&serde_json::to_string_pretty(&lines)?)?;
        }
        Format::Human if rows.is_empty() => {
            crate::cli::say(
                "Intet er sluppet igennem med et nummer i. (Nothing has passed with a number in it.)",
            )?;
        }
        Format::Human => {
            let lines: Vec<String> = rows.iter().map(human).collect();
            crate::cli::say(&lines.join("\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(row: &PassageRow) -> Line<'_> {
    Line {
        at: row.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        why: &row.why,
        name: &row.name,
        by: &row.by,
        reason: &row.reason,
        until: &row.until,
        queue_id: row.queue_id.as_deref(),
        sender_domain: &row.sender_domain,
        recipient_domains: &row.recipient_domains,
        recipients: row.recipients,
        persons: row.persons,
    }
}

fn human(row: &PassageRow) -> String {
    let why = if row.why == "exempt" {
        format!(
            "undtagelse · exemption \"{}\" ({}, til og med · until {}): {}",
            row.name, row.by, row.until, row.reason
        )
    } else {
        format!("mange personer · many persons, [[road]] {}", row.name)
    };
    format!(
        "{}  {why}\n    kø-id {}  {} -> {}  modtagere · recipients {}  personer · persons {}",
        local(row.at),
        row.queue_id.as_deref().unwrap_or("-"),
        if row.sender_domain.is_empty() { "<>" } else { &row.sender_domain },
        row.recipient_domains,
        row.recipients,
        row.persons
    )
}
