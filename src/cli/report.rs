//! `brevdue report`: the whole register, and how mail is sent, as files.
//!
//! [`Desk`] is what every document is made at, here and in `case export`: the register, the time, and our own scanner, which reads
//! each document as text before it is made and as a file after. Start reading at [`run`].

use crate::case::CaseId;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use crate::export::encryption::{self, RoadLine, Sending};
use crate::export::file::{self, Table};
use crate::export::{Reader, Whole, paper::Both, pdf, register, text};
use crate::inspect;
use crate::scan::Scan;
use crate::scan::ruleset::day_of;
use crate::spool::durable;
use crate::store::{CaseFile, Store, Surroundings};
use anyhow::Context;
use chrono::{DateTime, Utc};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The register: one row a case, as a table or as a document
    Register {
        /// As what
        #[arg(long = "as", value_enum, value_name = "WHAT")]
        what: RegisterAs,
        /// Where it goes (0600, what is there is replaced)
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// How mail with numbers is sent: roads, deliveries by month, domain and proof, promises open, bypasses
    Encryption {
        /// As what
        #[arg(long = "as", value_enum, value_name = "WHAT", default_value = "text")]
        what: EncryptionAs,
        /// Where it goes; without it to the screen
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum RegisterAs {
    /// UTF-8 with a byte order mark and `;`, for Danish Excel
    Csv,
    /// A workbook
    Xlsx,
    /// A document, PDF/A
    Pdf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum EncryptionAs {
    /// For reading
    Text,
    /// For a spreadsheet
    Csv,
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(config)?;
    match command {
        Command::Register { what, out } => desk.register(*what, out)?,
        Command::Encryption { what, out } => desk.encryption(*what, out.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where documents are made.
pub(super) struct Desk {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) reader: Reader,
    pub(super) now: DateTime<Utc>,
}

impl Desk {
    /// Opens the register and the rules.
    pub(super) fn open(config: Option<&Path>) -> anyhow::Result<Self> {
        let config = super::load(config)?;
        super::need_store(&config)?;
        let store = daemon::open_store(&config)?;
        // Not `setup`: a number that may pass in mail may not stand in a document all the same.
        let rules = Arc::new(daemon::load_rules(config.rules.as_deref())?);
        let workers = config.documents.clone().map(crate::worker::Workers::new);
        let today = day_of(inspect::local_day(&Clock::System));
        let reader = Reader::new(move |media| {
            let scan = Scan::document(Arc::clone(&rules), today, media);
            match &workers {
                Some(workers) => scan.opening(workers.message()),
                None => scan,
            }
        });
        Ok(Self { config, store, reader, now: Clock::System.now() })
    }

    /// A case with what surrounds it.
    pub(super) fn case(&self, id: &CaseId) -> anyhow::Result<(CaseFile, Surroundings)> {
        let file = self
            .store
            .case(id)?
            .with_context(|| format!("there is no case {id}; see `brevdue case list`"))?;
        let around = self.store.surroundings(&file.row)?;
        Ok((file, around))
    }

    /// Reads a made file back and writes it.
    pub(super) fn made(&self, what: &str, media: &str, bytes: &[u8], out: &Path) -> anyhow::Result<()> {
        if !self.reader.file(what, media, bytes)? {
            super::say_error(&format!(
                "brevdue: {what}: its text was read and is clean; the made file could not be read back whole"
            ));
        }
        put(Some(out), bytes)
    }

    fn register(&self, what: RegisterAs, out: &Path) -> anyhow::Result<()> {
        let files =
            self.store.cases()?.iter().map(|row| self.case(&row.id)).collect::<Result<Vec<_>, _>>()?;
        let mut cases: Vec<Whole<'_>> =
            files.iter().map(|(file, around)| Whole { file, around, now: self.now }).collect();
        // A register is read by number; the list of what is urgent is another.
        cases.sort_by(|one, other| one.file.row.id.cmp(&other.file.row.id));
        let name = "the register";
        match what {
            RegisterAs::Csv | RegisterAs::Xlsx => {
                let head = register::COLUMNS.iter().map(|column| Both::new(column.da, column.en)).collect();
                let table =
                    Table { name: "Fortegnelse", head, rows: cases.iter().map(register::row).collect() };
                self.reader.text(name, &table.text())?;
                if matches!(what, RegisterAs::Csv) {
                    let csv = file::csv(&table);
                    self.reader.file(name, "text/csv", csv.as_bytes())?;
                    put(Some(out), csv.as_bytes())
                } else {
                    let title = "Fortegnelse over brud på persondatasikkerheden";
                    self.made(name, XLSX, &file::xlsx(&table, title, self.now)?, out)
                }
            }
            RegisterAs::Pdf => {
                let paper = register::paper(&cases, self.now);
                self.reader.text(name, &text::render(&paper))?;
                self.made(name, "application/pdf", &pdf::render(&paper)?, out)
            }
        }
    }

    fn encryption(&self, what: EncryptionAs, out: Option<&Path>) -> anyhow::Result<()> {
        let roads = &self.config.policy.roads;
        let line = |road: &crate::policy::road::Road| RoadLine {
            domain: road.domain.clone(),
            protection: road.protection.word(),
            max_persons: road.max_persons,
        };
        let sending = Sending {
            roads: roads.known.iter().map(line).collect(),
            default_road: roads.default.word(),
            has_log: self.config.maillog.is_some(),
            travelled: self.store.travelled()?,
            promises_open: self.store.promises_open()?,
            bypasses: self.store.bypasses()?,
            now: self.now,
        };
        let text = match what {
            EncryptionAs::Text => text::render(&encryption::paper(&sending)),
            EncryptionAs::Csv => file::csv(&encryption::table(&sending)),
        };
        self.reader.text("the report on encryption", &text)?;
        put(out, text.as_bytes())
    }
}

/// Writes a document to its file, whole or not at all, or to the screen. A pipe or a device is written to, and never replaced.
pub(super) fn put(out: Option<&Path>, bytes: &[u8]) -> anyhow::Result<()> {
    let Some(out) = out else { return Ok(std::io::stdout().write_all(bytes)?) };
    let cannot = || format!("cannot write {}", out.display());
    let is_special = std::fs::metadata(out).is_ok_and(|there| !there.is_file() && !there.is_dir());
    if is_special {
        let mut there = std::fs::OpenOptions::new().write(true).open(out).with_context(cannot)?;
        return there.write_all(bytes).with_context(cannot);
    }
    let owner = rustix::process::getuid().as_raw();
    durable::replace(out, bytes, owner).with_context(cannot)?;
    super::say(&format!("{} ({} bytes)", out.display(), bytes.len()))
}
