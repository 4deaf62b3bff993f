//! The register of breaches as a table: one row a case, every column that the register adds (facts of the law, "Fields").
//!
//! The columns are a list, and CSV, XLSX and PDF are made of the same rows. Start reading at [`COLUMNS`].

use super::paper::{Block, Both, Paper};
use super::words::{self, said, time};
use super::{Whole, severity};
use crate::case::field::Field;
use crate::case::local::shown;
use crate::case::{Kind, State, event};
use crate::store::{CaseFile, Channel, Entry};
use chrono::{DateTime, Utc};

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nobody has said, or it does not apply.
    Empty,
    /// Text.
    Text(String),
    /// A count.
    Number(u64),
    /// An instant, shown in Danish time.
    Time(DateTime<Utc>),
}

impl Cell {
    fn text(text: Option<impl Into<String>>) -> Self {
        text.map(Into::into).filter(|text| !text.is_empty()).map_or(Self::Empty, Self::Text)
    }

    fn time(at: Option<DateTime<Utc>>) -> Self {
        at.map_or(Self::Empty, Self::Time)
    }

    fn number(file: &CaseFile, field: Field) -> Self {
        file.facts.get(&field).and_then(|text| text.parse().ok()).map_or(Self::Empty, Self::Number)
    }

    /// As people read it.
    pub fn words(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Time(at) => shown(*at),
        }
    }
}

/// A column: its name, and what of a case stands in it.
pub struct Column {
    /// In Danish.
    pub da: &'static str,
    /// In English.
    pub en: &'static str,
    /// A cell of it.
    pub cell: fn(&Whole<'_>) -> Cell,
}

const fn column(da: &'static str, en: &'static str, cell: fn(&Whole<'_>) -> Cell) -> Column {
    Column { da, en, cell }
}

macro_rules! facts {
    ($($name:ident => $field:ident),* $(,)?) => {
        $(fn $name(whole: &Whole<'_>) -> Cell { Cell::text(said(whole.file, Field::$field)) })*
    };
}
facts! {
    kind_of_breach => Type, cause => Cause, cause_text => CauseText, description => Description, recipient_kind => RecipientKind,
    person_categories => PersonCategories, record_categories => RecordCategories, data_types => DataTypes,
    special_groups => SpecialGroups, consequences => Consequences, likely => LikelyConsequences, measures => Measures,
    before => MeasuresBefore, limit => MeasuresLimit, risk => Risk, delay => DelayReason, reference => Reference,
    journal => Journal, esdh => Esdh, communication => Communication, informed => Informed, not_informed => NotInformed,
}

/// Every column, in order.
pub const COLUMNS: &[Column] = &[
    column("Sag", "Case", |whole| Cell::Text(whole.file.row.id.to_string())),
    column("Rodhændelse", "Root incident", |whole| {
        u64::try_from(whole.file.row.incident).map_or(Cell::Empty, Cell::Number)
    }),
    column("Brud eller afværget", "Breach or near miss", |whole| Cell::Text(kind(whole.file.row.kind).da)),
    column("Tilstand", "State", |whole| Cell::Text(whole.file.row.state.names().0.to_owned())),
    column("Dataansvarlig", "Controller", |whole| Cell::Text(whole.file.row.controller.clone())),
    column("CVR", "CVR", |whole| Cell::Text(whole.file.row.cvr.clone())),
    column("Kildesystem", "Source system", |whole| Cell::text(whole.file.row.source.clone())),
    column("Leverandør", "Vendor", |whole| Cell::text(whole.around.vendor.clone())),
    column("Begyndt", "Started", |whole| {
        Cell::Time(time(whole.file, Field::Started).unwrap_or(whole.around.first_at))
    }),
    column("Sluttet", "Ended", |whole| {
        Cell::Time(time(whole.file, Field::Ended).unwrap_or(whole.around.last_at))
    }),
    column("Opdaget", "Detected", |whole| Cell::Time(whole.file.row.detected_at)),
    column("Bekendt", "Aware", |whole| Cell::time(whole.file.row.aware_at)),
    column("Frist", "Deadline", |whole| Cell::time(whole.file.row.deadline)),
    column("Standset", "Contained", |whole| Cell::time(time(whole.file, Field::Contained))),
    column("Anmeldt", "Notified", |whole| Cell::time(time(whole.file, Field::NotifiedAt))),
    column("Senest suppleret", "Last supplement", |whole| Cell::time(supplemented(&whole.file.entries))),
    column("Begrundelse for forsinkelse", "Reasons for the delay", delay),
    column("Type", "Type", kind_of_breach),
    column("Årsag", "Cause", cause),
    column("Årsagen i ord", "Cause in words", cause_text),
    column("Beskrivelse", "Description", description),
    column("Modtagere", "Recipients", recipient_kind),
    column("Afsenderdomæner", "Sender domains", |whole| {
        Cell::text(Some(words::domains(&whole.around.senders)))
    }),
    column("Modtagerdomæner", "Recipient domains", |whole| {
        Cell::text(Some(words::domains(&whole.around.recipients)))
    }),
    column("Beskyttelse og bevis", "Protection and proof", |whole| {
        Cell::Text(words::proofs(&whole.around.proofs))
    }),
    column("Mails", "Messages", |whole| Cell::Number(whole.file.row.mails)),
    column("Personer", "Persons", |whole| match written_count(whole.file, Field::PersonCount) {
        Some(count) => Cell::Number(count),
        None if whole.file.row.persons_exact => Cell::Number(whole.file.row.persons),
        None => Cell::Text(words::persons(&whole.file.row)),
    }),
    column("Registreringer", "Records", |whole| {
        Cell::Number(written_count(whole.file, Field::RecordCount).unwrap_or(whole.file.row.records))
    }),
    column("Kategorier af registrerede", "Categories of data subjects", person_categories),
    column("Kategorier af registreringer", "Categories of records", record_categories),
    column("Typer af oplysninger", "Data types", data_types),
    column("Særlige grupper", "Special groups", special_groups),
    column("Konsekvenser", "Consequences", consequences),
    column("Sandsynlige konsekvenser", "Likely consequences", likely),
    column("Foranstaltninger", "Measures", measures),
    column("Foranstaltninger før", "Measures before", before),
    column("Begrænsning af følger", "Measures that limit", limit),
    column("Risiko", "Risk", risk),
    column("Alvorlighed (vejledende)", "Severity (advice)", |whole| {
        Cell::text(severity::short(whole).or_else(|| said(whole.file, Field::Severity)))
    }),
    column("Afgørelse", "Decision", |whole| Cell::text(words::decision(whole.file).map(|(_, word)| word))),
    column("Afgjort af", "Decided by", |whole| {
        Cell::text(words::decision(whole.file).map(|(entry, _)| entry.who.clone()))
    }),
    column("Begrundelse for afgørelse", "Reason for the decision", |whole| {
        Cell::text(words::decision(whole.file).map(|(entry, _)| entry.reason.clone()))
    }),
    column("Datatilsynets reference", "Authority's reference", reference),
    column("Journalnummer", "Journal number", journal),
    column("ESDH-nummer", "Records system", esdh),
    column("Kvitteringer", "Receipts", |whole| Cell::Number(whole.file.receipts.len() as u64)),
    column("Underretning", "Communication", communication),
    column("Underrettet", "Told", informed),
    column("Hvorfor ikke underrettet", "Why not told", not_informed),
    column("Breve sendt", "Letters sent", |whole| Cell::number(whole.file, Field::LettersSent)),
    column("Breve i alt", "Letters in all", |whole| Cell::number(whole.file, Field::LettersAll)),
    column("Henvendelser: spærring", "Enquiries: blocking", |whole| {
        Cell::number(whole.file, Field::HotlineNumber)
    }),
    column("Henvendelser: misbrug", "Enquiries: misuse", |whole| {
        Cell::number(whole.file, Field::HotlineMisuse)
    }),
    column("Henvendelser: vejledning", "Enquiries: advice", |whole| {
        Cell::number(whole.file, Field::HotlineAdvice)
    }),
    column("Henvendelser: klager", "Enquiries: complaints", |whole| {
        Cell::number(whole.file, Field::HotlineComplaint)
    }),
    column("Henvendelser: andet", "Enquiries: other", |whole| Cell::number(whole.file, Field::HotlineOther)),
    column("Åbne opgaver", "Open tasks", |whole| {
        Cell::Number(whole.file.tasks.iter().filter(|task| task.done_at.is_none()).count() as u64)
    }),
    column("Opbevares til", "Kept until", |whole| Cell::time(time(whole.file, Field::KeepUntil))),
];

/// A case's row.
pub fn row(whole: &Whole<'_>) -> Vec<Cell> {
    COLUMNS.iter().map(|column| (column.cell)(whole)).collect()
}

fn kind(kind: Kind) -> Both {
    match kind {
        Kind::NearMiss => Both::new("afværget", "near miss"),
        Kind::Breach => Both::new("brud", "breach"),
    }
}

fn written_count(file: &CaseFile, field: Field) -> Option<u64> {
    file.facts.get(&field)?.parse().ok()
}

fn supplemented(entries: &[Entry]) -> Option<DateTime<Utc>> {
    let entry = entries.iter().rev().find(|entry| entry.event.starts_with("supplemented"))?;
    let detail: Option<serde_json::Value> = serde_json::from_str(&entry.detail).ok();
    detail.as_ref().and_then(|detail| detail.get("at")?.as_str()?.parse().ok()).or(Some(entry.at))
}

/// The whole register: a table to find a case by, and each case after it.
pub fn paper(cases: &[Whole<'_>], now: DateTime<Utc>) -> Paper {
    let title = Both::new(
        "Fortegnelse over brud på persondatasikkerheden",
        "Register of personal data breaches (GDPR art. 33(5))",
    );
    let mut paper = Paper { is_broad: true, ..Paper::new(title, "Fortegnelse", now) };
    let breaches = cases.iter().filter(|whole| whole.file.row.kind == Kind::Breach).count();
    paper.blocks.push(Block::Pairs(vec![
        (Both::new("Brud", "Breaches"), breaches.to_string()),
        (Both::new("Afværgede", "Near misses"), (cases.len() - breaches).to_string()),
    ]));
    let head = [
        "Sag",
        "Tilstand",
        "Dataansvarlig",
        "Kildesystem",
        "Bekendt med bruddet",
        "Frist",
        "Anmeldt",
        "Mails",
        "Personer",
        "Underretning",
    ];
    let rows = cases.iter().map(|whole| {
        let row = &whole.file.row;
        let at = |at: Option<DateTime<Utc>>| at.map(shown).unwrap_or_default();
        vec![
            row.id.to_string(),
            row.state.names().0.to_owned(),
            row.controller.clone(),
            row.source.clone().unwrap_or_default(),
            at(row.aware_at),
            at(row.deadline),
            at(time(whole.file, Field::NotifiedAt)),
            row.mails.to_string(),
            words::persons(row),
            communication(whole).words(),
        ]
    });
    paper.blocks.push(Block::Table {
        head: head.map(str::to_owned).to_vec(),
        widths: vec![12, 12, 15, 14, 15, 15, 15, 6, 8, 12],
        rows: rows.collect(),
    });
    for whole in cases {
        let row = &whole.file.row;
        paper.heading(1, Both::new(format!("{} · {}", row.id, row.controller), ""));
        paper.blocks.push(Block::Pairs(filled(whole)));
    }
    paper
}

/// The columns of a case in which something stands.
fn filled(whole: &Whole<'_>) -> Vec<(Both, String)> {
    let cells = COLUMNS.iter().zip(row(whole)).filter(|(_, cell)| *cell != Cell::Empty);
    cells.map(|(column, cell)| (Both::new(column.da, column.en), cell.words())).collect()
}

/// One case: its columns, its lines, its tellings, papers and tasks.
pub fn case(whole: &Whole<'_>) -> Paper {
    let file = whole.file;
    let title = Both::new(format!("Sag {}", file.row.id), format!("Case {}", file.row.id));
    let mut paper = Paper::new(title, file.row.id.to_string(), whole.now);
    paper.heading(1, ("Oplysninger", "Facts"));
    paper.blocks.push(Block::Pairs(filled(whole)));
    if file.row.state != State::NearMiss {
        paper.heading(1, ("Alvorlighed", "Severity"));
        paper.blocks.push(Block::Pairs(severity::pairs(whole)));
    }
    paper.heading(1, ("Fortegnelsens linjer", "Lines of the register"));
    let lines = file.entries.iter().map(|entry| {
        let change = match (&entry.from, &entry.to) {
            (Some(from), Some(to)) => format!("\n{} → {}", state(from), state(to)),
            (None, Some(to)) => format!("\n{}", state(to)),
            (_, None) => String::new(),
        };
        let said = detail(&entry.detail);
        let why = [entry.reason.as_str(), said.as_str()];
        let why = why.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
        vec![
            shown(entry.at),
            entry.who.clone(),
            format!("{}{change}", event::name(&entry.event).unwrap_or(&entry.event)),
            why,
        ]
    });
    table(&mut paper, &["Tidspunkt", "Hvem", "Hvad", "Hvorfor"], &[4, 3, 5, 10], lines.collect());
    let told = file.notices.iter().filter_map(|notice| {
        let sent = notice.sent_at?;
        let by = if notice.channel == Channel::Webhook { "webhook" } else { "mail" };
        Some((sent, vec![notice.recipient.clone(), notice.milestone.name(), by.to_owned(), shown(sent)]))
    });
    let mut told: Vec<(DateTime<Utc>, Vec<String>)> = told.collect();
    told.sort();
    let told: Vec<Vec<String>> = told.into_iter().map(|(_, row)| row).collect();
    if !told.is_empty() {
        paper.heading(1, ("Varsler", "Notices"));
        table(&mut paper, &["Til", "Varsel", "Ad", "Afleveret til server"], &[6, 5, 3, 5], told);
    }
    if !file.receipts.is_empty() {
        paper.heading(1, ("Bilag", "Papers"));
        let rows = file.receipts.iter().map(|receipt| {
            let what = if receipt.is_notification { "kvittering fra Datatilsynet" } else { "andet" };
            vec![shown(receipt.at), receipt.who.clone(), what.to_owned(), fingerprint(&receipt.sha256)]
        });
        table(&mut paper, &["Gemt", "Af", "Hvad", "SHA-256"], &[4, 3, 4, 9], rows.collect());
    }
    if !file.tasks.is_empty() {
        paper.heading(1, ("Opgaver", "Tasks"));
        let rows = file.tasks.iter().map(|task| {
            let done = task.done_at.map_or_else(|| "åben".to_owned(), shown);
            vec![task.what.clone(), task.who.clone(), shown(task.added_at), done]
        });
        table(&mut paper, &["Opgave", "Hvem", "Siden", "Udført"], &[8, 4, 4, 4], rows.collect());
    }
    paper
}

fn table(paper: &mut Paper, head: &[&str], widths: &[u16], rows: Vec<Vec<String>>) {
    let head = head.iter().map(|&cell| cell.to_owned()).collect();
    paper.blocks.push(Block::Table { head, widths: widths.to_vec(), rows });
}

fn state(word: &str) -> &str {
    State::from_word(word).map_or(word, |state| state.names().0)
}

/// What was said with a line, in words: `Beskrivelse: ... (før: ...)`.
fn detail(json: &str) -> String {
    let Ok(serde_json::Value::Object(detail)) = serde_json::from_str(json) else { return String::new() };
    let lines = detail.iter().filter_map(|(name, value)| {
        let field = Field::from_word(name);
        let said = |text: &str| match field {
            Some(field) => words::in_words(field, text),
            None => text.parse().map_or_else(|_| text.to_owned(), shown),
        };
        let label = match name.as_str() {
            // The name of a file in the spool; its hash stands beside it.
            "file" => return None,
            "aware_at" => "Bekendt med bruddet",
            "deadline" => "Frist",
            "regime" => "Regler",
            "at" => "Sendt",
            "approver" => "Godkendt af",
            "kind" => "Slags",
            "task" => "Opgave",
            "what" => "Hvad",
            "who" => "Hvem",
            "moved_to" => "Mailen står nu i",
            "moved_from" => "Mailen stod i",
            other => field.map_or(other, |field| field.names().0),
        };
        let text = |key: &str| value.get(key).and_then(|text| text.as_str());
        match (value.as_str(), text("now"), text("before")) {
            (Some(text), _, _) if name == "sha256" => Some(format!("{label}: {}", groups(text))),
            (Some(text), _, _) => Some(format!("{label}: {}", said(text))),
            (None, Some(now), Some(before)) => {
                Some(format!("{label}: {} (før: {})", said(now), said(before)))
            }
            (None, Some(now), None) => Some(format!("{label}: {}", said(now))),
            (None, None, _) => value.as_u64().map(|number| format!("{label}: {number}")),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn fingerprint(hash: &[u8; 32]) -> String {
    groups(&hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}

/// In groups of four: easier to compare, and ten digits in a row are no number of anybody.
fn groups(hex: &str) -> String {
    let mut out = String::new();
    for (at, c) in hex.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            out.push(' ');
        }
        out.push(c);
    }
    out
}
