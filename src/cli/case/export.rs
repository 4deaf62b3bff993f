//! `brevdue case export`: a document about one case, read by our own scanner before anybody gets it.

use crate::case::{CaseId, State};
use crate::cli::report::{Desk, put};
use crate::export::copy_sheet::{self, Kind};
use crate::export::letter::{self, Language, Written};
use crate::export::paper::Block;
use crate::export::{Whole, html, notice, pdf, register, text};
use crate::store::CaseFile;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The case, e.g. BRV-2026-0001
    case: String,
    /// Which document
    #[arg(long = "as", value_enum, value_name = "WHAT")]
    what: What,
    /// Which notification the copy sheet is for; without it the one that comes next
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// In which language letter and notice are
    #[arg(long, value_enum, default_value = "both")]
    language: Tongue,
    /// The copy sheet as text or as a page for the browser
    #[arg(long, value_enum, default_value = "text")]
    form: Form,
    /// Where it goes (0600, what is there is replaced); without it to the screen, which a PDF does not do
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Datatilsynet's twelve points, field by field
    CopySheet,
    /// To the persons (art. 34)
    Letter,
    /// From a processor to the controller (art. 33(2))
    Notice,
    /// The whole case, PDF/A
    Pdf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum KindArg {
    /// Foreløbig
    Preliminary,
    /// Supplerende: begins with what has changed
    Supplement,
    /// Endelig
    Final,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Tongue {
    /// Danish
    Da,
    /// English
    En,
    /// Danish, and English below
    Both,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    /// Plain text
    Text,
    /// One HTML page; a click selects a field
    Html,
}

pub(super) fn run(config: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(config)?;
    let id = CaseId::parse(&args.case)
        .ok_or_else(|| anyhow::anyhow!("{:?} is no case number; one is BRV-2026-0001", args.case))?;
    let (file, around) = desk.case(&id)?;
    let whole = Whole { file: &file, around: &around, now: desk.now };
    if let What::CopySheet | What::Letter = args.what {
        anyhow::ensure!(
            !is_refuted(&file),
            "{id}: the suspicion was refuted, so there is nothing to notify and nobody to tell / mistanken er afkræftet: der er \
             intet at anmelde og ingen at underrette; er det forkert, så genåbn sagen (reopen)"
        );
    }
    let is_suspected = file.row.state == State::Suspected;
    match args.what {
        What::CopySheet => {
            let kind = args.kind.map_or(Kind::next(file.row.state), Kind::from);
            let since = copy_sheet::last_notification(&file.entries);
            let later = since.map_or(Ok(0), |since| desk.store.found_since(&id, since))?;
            let mut paper = copy_sheet::write(&whole, kind, later)?;
            if is_suspected {
                paper.blocks.insert(0, Block::Note(SUSPECTED.into()));
            }
            let plain = text::render(&paper);
            desk.reader.text("the copy sheet", &plain)?;
            let missing: Vec<String> = paper.missing().iter().map(|label| label.da.clone()).collect();
            missing_said(&missing);
            match args.form {
                Form::Text => put(args.out.as_deref(), plain.as_bytes())?,
                Form::Html => {
                    let page = html::render(&paper);
                    desk.reader.file("the copy sheet", "text/html", page.as_bytes())?;
                    put(args.out.as_deref(), page.as_bytes())?;
                }
            }
        }
        What::Letter => {
            let texts = tongues(args.language).iter().map(|one| letter::write(&whole, *one));
            let mut texts = texts.collect::<Result<Vec<_>, _>>()?;
            if let Some(first) = texts.first_mut().filter(|_| is_suspected) {
                first.text = format!("[{} / {}]\n\n{}", SUSPECTED.0, SUSPECTED.1, first.text);
            }
            desk.written("the letter", &texts, args.out.as_deref())?;
        }
        What::Notice => {
            let processor = desk.config.alarm.as_ref().and_then(|alarm| alarm.processor.as_deref());
            let texts = tongues(args.language).iter().map(|one| notice::write(&whole, processor, *one));
            desk.written("the notice", &texts.collect::<Result<Vec<_>, _>>()?, args.out.as_deref())?;
        }
        What::Pdf => {
            let out = args.out.as_deref().ok_or_else(|| anyhow::anyhow!("a PDF needs --out FILE"))?;
            let paper = register::case(&whole);
            desk.reader.text("the case", &text::render(&paper))?;
            let pdf = pdf::render(&paper)?;
            desk.made("the case", "application/pdf", &pdf, out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Stands above what is written while nobody has confirmed it.
const SUSPECTED: (&str, &str) = (
    "MISTANKE: ingen har endnu bekræftet, at det er et brud. Bekræft eller afkræft, før dette bruges.",
    "SUSPECTED: nobody has confirmed yet that it is a breach. Confirm or refute before this is used.",
);

/// Whether a person found that it is no breach, and nobody has opened it again.
fn is_refuted(file: &CaseFile) -> bool {
    match file.row.state {
        State::NoBreach => true,
        State::Closed => {
            let last =
                file.entries.iter().rev().find(|entry| entry.to.as_deref() == Some(State::Closed.word()));
            last.is_some_and(|entry| entry.from.as_deref() == Some(State::NoBreach.word()))
        }
        State::NearMiss
        | State::Suspected
        | State::Assessing
        | State::NotifiedPreliminary
        | State::NotifiedFinal
        | State::DocumentedOnly => false,
    }
}

impl Desk {
    fn written(&self, what: &str, texts: &[Written], out: Option<&Path>) -> anyhow::Result<()> {
        let whole =
            texts.iter().map(|one| one.text.trim_end()).collect::<Vec<_>>().join("\n\n---\n\n") + "\n";
        self.reader.text(what, &whole)?;
        let missing = texts.iter().take(1).flat_map(|one| &one.missing);
        missing_said(&missing.map(|&word| word.to_owned()).collect::<Vec<_>>());
        put(out, whole.as_bytes())
    }
}

/// What nobody has written, on standard error: the document itself may be piped on.
fn missing_said(missing: &[String]) {
    if !missing.is_empty() {
        crate::cli::say_error(&format!("brevdue: mangler / missing: {}", missing.join("; ")));
    }
}

fn tongues(language: Tongue) -> &'static [Language] {
    match language {
        Tongue::Da => &[Language::Danish],
        Tongue::En => &[Language::English],
        Tongue::Both => &[Language::Danish, Language::English],
    }
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Preliminary => Self::Preliminary,
            KindArg::Supplement => Self::Supplement,
            KindArg::Final => Self::Final,
        }
    }
}
