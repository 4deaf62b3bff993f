//! `brevdue case`: the register, as a list and one case at a time.

use crate::alarm::letter::local;
use crate::case::deadline::left_in_words;
use crate::case::{CaseId, State};
use crate::clock::Clock;
use crate::daemon;
use crate::store::{CaseFile, CaseRow, Entry, MessageRow, NoticeRow};
use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Every case, the one with least time left first, near misses last
    List {
        /// How to print
        #[arg(long, value_enum, default_value = "human")]
        format: Format,
    },
    /// One case with its register, its notices and its newest messages
    Show {
        /// The case, e.g. BRV-2026-0001
        case: String,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Format {
    /// For reading
    Human,
    /// An array of objects, times as RFC 3339 in UTC
    Json,
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let config = super::load(config)?;
    super::need_store(&config)?;
    let store = daemon::open_store(&config)?;
    let now = Clock::System.now();
    match command {
        Command::List { format } => {
            let cases = store.cases()?;
            match format {
                Format::Human => super::say(list(&cases, now).trim_end())?,
                Format::Json => {
                    let cases: Vec<Listed<'_>> = cases.iter().map(Listed::from).collect();
                    super::say(&serde_json::to_string_pretty(&cases)?)?;
                }
            }
        }
        Command::Show { case } => {
            let id = CaseId::parse(case)
                .with_context(|| format!("{case:?} is no case number; one is BRV-2026-0001"))?;
            let file = store
                .case(&id)?
                .with_context(|| format!("there is no case {id}; see `brevdue case list`"))?;
            let together = store.cases_of(file.row.incident)?;
            super::say(show(&file, &together, now).trim_end())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The contract of `case list --format json`.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    /// The same number is the same root incident.
    incident: i64,
    state: &'static str,
    kind: &'static str,
    controller: &'a str,
    source: Option<&'a str>,
    mails: u64,
    persons: u64,
    detected_at: String,
    aware_at: Option<String>,
    deadline: Option<String>,
}

impl<'a> From<&'a CaseRow> for Listed<'a> {
    fn from(case: &'a CaseRow) -> Self {
        let rfc3339 = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self {
            id: case.id.as_str(),
            incident: case.incident,
            state: case.state.word(),
            kind: case.kind.word(),
            controller: &case.controller,
            source: case.source.as_deref(),
            mails: case.mails,
            persons: case.persons,
            detected_at: rfc3339(case.detected_at),
            aware_at: case.aware_at.map(rfc3339),
            deadline: case.deadline.map(rfc3339),
        }
    }
}

fn time_left(case: &CaseRow, now: DateTime<Utc>) -> String {
    case.deadline.map_or_else(|| "ingen frist".to_owned(), |deadline| left_in_words(deadline - now).0)
}

pub(super) fn list(cases: &[CaseRow], now: DateTime<Utc>) -> String {
    if cases.is_empty() {
        return "Fortegnelsen er tom: intet brud, intet afværget. (The register is empty.)".to_owned();
    }
    let rows: Vec<[String; 7]> = cases
        .iter()
        .map(|case| {
            [
                case.id.to_string(),
                time_left(case, now),
                case.state.names().0.to_owned(),
                case.mails.to_string(),
                persons(case),
                case.controller.clone(),
                case.source.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(&["Sag", "Frist", "Tilstand", "Mails", "Personer", "Dataansvarlig", "Kildesystem"], &rows)
}

/// `together` are the cases of the incident that it is a part of.
fn show(file: &CaseFile, together: &[CaseRow], now: DateTime<Utc>) -> String {
    let case = &file.row;
    let (danish, english) = case.state.names();
    let mut lines = vec![
        field("Sag", case.id.as_str()),
        field("Tilstand", &format!("{danish} ({english})")),
        field("Dataansvarlig", &format!("{}, CVR {}", case.controller, case.cvr)),
        field("Kildesystem", case.source.as_deref().unwrap_or("-")),
        field("Mails", &case.mails.to_string()),
        field("Forskellige personer", &persons(case)),
        field("Opdaget", &local(case.detected_at)),
    ];
    if let (Some(aware), Some(deadline)) = (case.aware_at, case.deadline) {
        let sealed = if case.sealed {
            "numrene er forseglet til DPO'en"
        } else {
            "ikke alle numre er forseglet: der manglede en DPO-nøgle"
        };
        lines.push(field("Bekendt med bruddet", &local(aware)));
        lines.push(field("Frist (art. 33)", &format!("{}  ({})", local(deadline), time_left(case, now))));
        lines.push(field("Personer", sealed));
    } else {
        lines.push(field("Frist", "ingen: nummeret har ikke forladt huset ubeskyttet"));
    }
    if together.len() > 1 {
        let others = together.iter().filter(|one| one.id != case.id);
        let others: Vec<String> = others.map(|one| format!("{} ({})", one.id, one.controller)).collect();
        lines.push(field("Samme rodhændelse", &others.join(", ")));
    }
    lines.push("\nFortegnelse".to_owned());
    lines.extend(file.entries.iter().map(entry));
    lines.push("\nVarsler".to_owned());
    lines.extend(file.notices.iter().map(notice));
    lines.push("\nMails (nyeste først)".to_owned());
    lines.extend(file.messages.iter().map(message));
    lines.join("\n")
}

/// "mindst" when a mail held more than are counted.
fn persons(case: &CaseRow) -> String {
    let least = if case.persons_exact { "" } else { "mindst " };
    format!("{least}{}", case.persons)
}

pub(super) fn field(label: &str, value: &str) -> String {
    format!("{label:<24}{value}")
}

fn entry(entry: &Entry) -> String {
    let change = match (&entry.from, &entry.to) {
        (Some(from), Some(to)) => format!(" ({} -> {})", state_name(from), state_name(to)),
        (None, Some(to)) => format!(" ({})", state_name(to)),
        (_, None) => String::new(),
    };
    let event = match entry.event.as_str() {
        "opened" => "sag åbnet",
        "confirmed" => "mistanke bekræftet",
        "promise_broken" => "ubeskyttet trods løfte",
        other => super::held::event_name(other),
    };
    let change = if change.is_empty() { change } else { format!(" ({change})") };
    format!("  {}  {}  {event}{change}: {}", local(entry.at), entry.who, entry.reason)
}

/// A state's Danish name; a word that no version of this program writes stands as it is.
fn state_name(word: &str) -> &str {
    State::from_word(word).map_or(word, |state| state.names().0)
}

pub(super) fn verdict_name(word: &str) -> &str {
    match word {
        "deliver" => "sendt",
        "block" => "afvist",
        "hold" => "tilbageholdt",
        "reroute" => "omdirigeret",
        other => other,
    }
}

/// What the mail server's log says; a word that a later version writes stands as it is.
pub(super) fn disposition_name(word: &str) -> &str {
    match word {
        "answered" => "besvaret",
        "sent" => "afleveret",
        "deferred" => "venter i køen",
        "returned" => "returneret",
        other => other,
    }
}

fn notice(notice: &NoticeRow) -> String {
    let fate = match (notice.state.as_str(), notice.sent_at, &notice.last_error) {
        (_, Some(at), _) => {
            let begun = notice.begun_at.filter(|begun| *begun != at).unwrap_or(at);
            format!("sendt {}, modtaget {}", local(begun), local(at))
        }
        ("merged", _, _) => "samlet i et andet varsel".to_owned(),
        ("stopped", _, _) => "bortfaldet".to_owned(),
        (_, None, Some(error)) => format!("forsøgt {} gange: {error}", notice.attempts),
        (_, None, None) => "venter".to_owned(),
    };
    format!("  {}  {:<15} {}  {fate}", local(notice.due_at), notice.milestone.name(), notice.recipient)
}

fn message(message: &MessageRow) -> String {
    let fate = match disposition_name(&message.disposition) {
        name if message.proofs.is_empty() => name.to_owned(),
        name => format!("{name} ({})", message.proofs.join(", ")),
    };
    format!(
        "  {}  {:<12} kø-id {}  {} -> {}  personer {}  forsøg {}  {fate}",
        local(message.at),
        verdict_name(&message.verdict),
        message.queue_id.as_deref().unwrap_or("-"),
        if message.sender_domain.is_empty() { "<>" } else { &message.sender_domain },
        message.recipient_domains,
        message.persons,
        message.attempts
    )
}

pub(super) fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N]| {
        let cells: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let head = head.map(str::to_owned);
    std::iter::once(&head).chain(rows).map(|row| line(row) + "\n").collect()
}
