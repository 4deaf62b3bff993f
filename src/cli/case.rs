//! `brevdue case`: the register, as a list, one case at a time, and what a DPO does with it (`case/act.rs`).

mod act;
mod export;
mod persons;

use crate::case::deadline::left_in_words;
use crate::case::field::{Field, Form};
use crate::case::local::shown as local;
use crate::case::{CaseId, State, event};
use crate::clock::Clock;
use crate::daemon;
use crate::scan::beside::Beside;
use crate::store::{CaseFile, CaseRow, Entry, MessageRow, NoticeRow, Sent, Store};
use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Every case, the one with least time left first, near misses last
    List {
        /// In which order
        #[arg(long, value_enum, default_value = "deadline")]
        by: By,
        /// Only open ones
        #[arg(long)]
        open: bool,
        /// Only those with this in their number, reference, journal or ESDH number
        #[arg(long, value_name = "TEXT")]
        find: Option<String>,
        /// How to print
        #[arg(long, value_enum, default_value = "human")]
        format: Format,
    },
    /// One case with its register, its notices and its newest messages
    Show {
        /// The case, e.g. BRV-2026-0001
        case: String,
        /// How to print
        #[arg(long, value_enum, default_value = "human")]
        format: Format,
    },
    /// A document about a case: the copy sheet for Virk, the letter to the persons, a processor's notice, the case as PDF
    Export(export::Args),
    /// Who must be written to: opens the sealed numbers of a case with the DPO's private key, on the DPO's machine
    Persons(persons::Args),
    #[command(flatten)]
    Act(act::Command),
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum By {
    /// Running clocks first, the least time left first
    Deadline,
    /// The newest first
    Found,
    /// By state
    State,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Format {
    /// For reading
    Human,
    /// An array of objects, times as RFC 3339 in UTC
    Json,
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Export(args) => return export::run(config, args),
        Command::Persons(args) => return persons::run(config, args),
        Command::List { .. } | Command::Show { .. } | Command::Act(_) => {}
    }
    let config = super::load(config)?;
    super::need_store(&config)?;
    if let Command::Act(command) = command {
        return act::run(config, command);
    }
    let store = daemon::open_store(&config)?;
    let now = Clock::System.now();
    match command {
        Command::List { by, open, find, format } => {
            let mut cases = store.cases()?;
            if let Some(text) = find {
                cases = found_by(&store, cases, text)?;
            }
            if *open {
                cases.retain(|case| case.state != State::Closed);
            }
            match by {
                By::Deadline => {}
                By::Found => cases.sort_by_key(|case| std::cmp::Reverse(case.detected_at)),
                By::State => cases.sort_by_key(|case| case.state as u8),
            }
            match format {
                Format::Human => super::say(list(&cases, now).trim_end())?,
                Format::Json => {
                    let cases: Vec<Listed<'_>> = cases.iter().map(Listed::from).collect();
                    super::say(&serde_json::to_string_pretty(&cases)?)?;
                }
            }
        }
        Command::Show { case, format } => {
            let id = CaseId::parse(case)
                .with_context(|| format!("{case:?} is no case number; one is BRV-2026-0001"))?;
            let file = store
                .case(&id)?
                .with_context(|| format!("there is no case {id}; see `brevdue case list`"))?;
            let together = store.cases_of(file.row.incident)?;
            let around = Around {
                beside: store.beside(&id)?,
                domains: store.reached_domains(&id)?,
                sent: store.sent(&id)?,
            };
            match format {
                Format::Human => super::say(show(&file, &together, &around, now).trim_end())?,
                Format::Json => super::say(&serde_json::to_string_pretty(&json(&file, &together, &around))?)?,
            }
        }
        Command::Export(_) | Command::Persons(_) | Command::Act(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The cases whose number, or the authority's reference, journal or ESDH number, has this text, whatever its case.
fn found_by(store: &Store, cases: Vec<CaseRow>, text: &str) -> anyhow::Result<Vec<CaseRow>> {
    const NUMBERS: [Field; 3] = [Field::Reference, Field::Journal, Field::Esdh];
    let text = text.trim().to_lowercase();
    let mut found = Vec::new();
    for case in cases {
        let facts = store.standing(&case.id)?.map(|standing| standing.facts).unwrap_or_default();
        let mut numbers = NUMBERS.iter().filter_map(|field| facts.get(field).map(String::as_str));
        let is_it = |number: &str| number.to_lowercase().contains(&text);
        if is_it(case.id.as_str()) || numbers.any(is_it) {
            found.push(case);
        }
    }
    Ok(found)
}

/// What is asked of a case's messages together.
struct Around {
    beside: Vec<(String, u64)>,
    domains: Vec<(String, u64, u64)>,
    sent: Sent,
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

/// The time left where the clock runs; else what became of it.
fn time_left(case: &CaseRow, now: DateTime<Utc>) -> String {
    match case.deadline {
        Some(deadline) if case.state.clock_runs() => left_in_words(deadline - now).0,
        Some(_) => "uret er standset".to_owned(),
        None => "ingen frist".to_owned(),
    }
}

/// One case for a program.
fn json(file: &CaseFile, together: &[CaseRow], around: &Around) -> serde_json::Value {
    let rfc3339 = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let detail = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let entries = file.entries.iter().map(|one| {
        serde_json::json!({
            "at": rfc3339(one.at), "who": one.who, "event": one.event, "from": one.from, "to": one.to,
            "reason": one.reason, "detail": detail(&one.detail),
        })
    });
    let facts: serde_json::Map<String, serde_json::Value> =
        file.facts.iter().map(|(field, value)| (field.word().to_owned(), value.clone().into())).collect();
    let receipts = file.receipts.iter().map(|one| {
        let sha256 = crate::case::chain::hex(&one.sha256);
        serde_json::json!({
            "at": rfc3339(one.at), "who": one.who, "notification": one.is_notification, "sha256": sha256,
            "file": one.file, "size": one.size,
        })
    });
    let tasks = file.tasks.iter().map(|one| {
        serde_json::json!({
            "id": one.id, "what": one.what, "who": one.who, "added_at": rfc3339(one.added_at),
            "done_at": one.done_at.map(rfc3339),
        })
    });
    let notices = file.notices.iter().map(|one| {
        serde_json::json!({
            "milestone": one.milestone.word(), "recipient": one.recipient, "due_at": rfc3339(one.due_at),
            "state": one.state, "attempts": one.attempts, "sent_at": one.sent_at.map(rfc3339),
        })
    });
    let mut said = serde_json::to_value(Listed::from(&file.row)).unwrap_or_default();
    if let Some(said) = said.as_object_mut() {
        let together: Vec<&str> =
            together.iter().map(|one| one.id.as_str()).filter(|id| *id != file.row.id.as_str()).collect();
        let beside: serde_json::Map<_, _> =
            around.beside.iter().map(|(word, mails)| (word.clone(), (*mails).into())).collect();
        said.insert("beside".to_owned(), beside.into());
        let domains = around.domains.iter().map(|(domain, mails, persons)| {
            serde_json::json!({ "domain": domain, "mails": mails, "records": persons })
        });
        said.insert("recipient_domains".to_owned(), domains.collect());
        said.insert("records".to_owned(), file.row.records.into());
        said.insert("last_at".to_owned(), rfc3339(file.row.last_at).into());
        said.insert("hits_after".to_owned(), file.row.hits_after.into());
        said.insert("same_incident".to_owned(), together.into());
        said.insert("fields".to_owned(), facts.into());
        said.insert("receipts".to_owned(), receipts.collect());
        said.insert("tasks".to_owned(), tasks.collect());
        said.insert("register".to_owned(), entries.collect());
        said.insert("notices".to_owned(), notices.collect());
    }
    said
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
fn show(file: &CaseFile, together: &[CaseRow], around: &Around, now: DateTime<Utc>) -> String {
    let case = &file.row;
    let (danish, english) = case.state.names();
    let mut lines = vec![
        field("Sag", case.id.as_str()),
        field("Tilstand", &format!("{danish} ({english})")),
        field("Dataansvarlig", &format!("{}, CVR {}", case.controller, case.cvr)),
        field("Kildesystem", case.source.as_deref().unwrap_or("-")),
        field("Mails", &case.mails.to_string()),
        field("Forskellige personer", &format!("{} ({} registreringer)", persons(case), case.records)),
        field("Opdaget", &local(case.detected_at)),
    ];
    if let (Some(first), Some(last)) = (around.sent.first, around.sent.last) {
        let days = format!("{} til {}", local(first), local(last));
        let told = match around.sent.archived {
            1 => "1 mail fra et arkiv".to_owned(),
            more => format!("{more} mails fra arkiver"),
        };
        lines.push(field("Sendt", &format!("{days}, som {told} selv siger")));
    }
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
    if !around.beside.is_empty() {
        let beside = around.beside.iter().map(|(word, mails)| {
            let name = Beside::from_word(word).map_or(word.as_str(), |one| one.names().0);
            let word = if *mails == 1 { "mail" } else { "mails" };
            format!("{name} (mindst {mails} {word})")
        });
        lines.push(field("Stod også i dem", &beside.collect::<Vec<_>>().join(", ")));
    }
    if !around.domains.is_empty() {
        let shown = around.domains.iter().take(5);
        let shown = shown.map(|(domain, mails, _)| format!("{domain} ({mails})")).collect::<Vec<_>>();
        let more = around.domains.len().saturating_sub(5);
        let more = if more == 0 { String::new() } else { format!(" og {more} til") };
        lines.push(field("Modtagerdomæner", &format!("{}{more}", shown.join(", "))));
    }
    if case.hits_after > 0 {
        lines.push(field("Nye fund siden", &format!("{}: overvej at genåbne sagen", case.hits_after)));
    }
    if !file.facts.is_empty() {
        lines.push("\nOplysninger".to_owned());
        lines.extend(
            file.facts.iter().map(|(field, value)| format!("  {}: {}", field.names().0, told(*field, value))),
        );
    }
    for receipt in &file.receipts {
        let kind = if receipt.is_notification { "Kvittering" } else { "Bilag" };
        lines.push(format!("  {kind}: {} ({} bytes), {}", receipt.file, receipt.size, local(receipt.at)));
    }
    for task in &file.tasks {
        let done = task.done_at.map_or_else(|| "åben".to_owned(), |at| format!("udført {}", local(at)));
        lines.push(format!("  Opgave {}: {} ({}), {done}", task.id, task.what, task.who));
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

/// A field's value for a person: times as they are read here.
fn told(field: Field, value: &str) -> String {
    match field.form() {
        Form::Time => value.parse::<DateTime<Utc>>().map_or_else(|_| value.to_owned(), local),
        Form::Choice(_) => choice(value).to_owned(),
        Form::Text | Form::Number => value.to_owned(),
    }
}

fn entry(entry: &Entry) -> String {
    let change = match (&entry.from, &entry.to) {
        (Some(from), Some(to)) => format!("{} -> {}", state_name(from), state_name(to)),
        (None, Some(to)) => state_name(to).to_owned(),
        (_, None) => String::new(),
    };
    let event = event::name(&entry.event).unwrap_or(&entry.event);
    let change = if change.is_empty() { change } else { format!(" ({change})") };
    let said = [entry.reason.as_str(), &details(&entry.detail)].map(str::to_owned);
    let said = said.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" · ");
    let said = if said.is_empty() { said } else { format!(": {said}") };
    format!("  {}  {}  {event}{change}{said}", local(entry.at), entry.who)
}

/// The other words of a line's detail.
fn plain_word(word: &str) -> &str {
    match word {
        "at" => "tidspunkt",
        "aware_at" => "bekendt med bruddet",
        "deadline" => "frist",
        "regime" => "regler",
        "approver" => "godkendt af",
        "moved_to" => "mailen står nu i",
        "moved_from" => "mailen stod i",
        "persons" => "personer",
        "file" => "fil",
        "kind" => "slags",
        "task" => "opgave",
        "what" => "hvad",
        "who" => "hvem",
        other => other,
    }
}

/// A word of a field's choice, for a person.
fn choice(word: &str) -> &str {
    match word {
        "unlikely" => "usandsynlig",
        "risk" => "risiko",
        "high" => "høj",
        "low" => "lav",
        "medium" => "middel",
        "very_high" => "meget høj",
        "not_assessed" => "ikke vurderet",
        "not_required" => "ikke påkrævet",
        "exempt_34_3_a" => "undtaget, artikel 34, stk. 3, litra a",
        "exempt_34_3_b" => "undtaget, artikel 34, stk. 3, litra b",
        "exempt_34_3_c" => "undtaget, artikel 34, stk. 3, litra c",
        "exempt_22" => "undtaget, databeskyttelseslovens § 22",
        "planned" => "planlagt",
        "sending" => "i gang",
        "done" => "afsluttet",
        "notification" => "anmeldelse",
        other => other,
    }
}

/// What was said with a line: each field with its name, and what stood there before.
fn details(detail: &str) -> String {
    let Ok(serde_json::Value::Object(said)) = serde_json::from_str(detail) else { return String::new() };
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parts = said.iter().map(|(word, value)| {
        let field = Field::from_word(word);
        let name = field.map_or(plain_word(word), |field| field.names().0);
        let shown = |value: &serde_json::Value| {
            let text = plain(value);
            let is_choice = field.is_none_or(|field| matches!(field.form(), Form::Choice(_)));
            text.parse::<DateTime<Utc>>()
                .map_or_else(|_| if is_choice { choice(&text).to_owned() } else { text.clone() }, local)
        };
        match (value.get("before").filter(|before| !before.is_null()), value.get("now")) {
            (Some(before), Some(now)) => format!("{name}: {} (før: {})", shown(now), shown(before)),
            (None, Some(now)) => format!("{name}: {}", shown(now)),
            (_, None) => format!("{name}: {}", shown(value)),
        }
    });
    parts.collect::<Vec<_>>().join("; ")
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
            format!("afleveret til server {}", local(at))
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
