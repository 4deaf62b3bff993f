//! `brevdue rules calibrate`: whether the promises of `certain` and `likely` hold on a site's own labelled mail.
//!
//! *What it is*: the check before blocking is turned on, and after every change of rules. *What it never does*: print a
//! number, or a text of a message. *Start reading at* [`run`]; `truth` reads what is right, `tally` compares, `human` and
//! `json` print. *Tests*: `tests/explain.rs`.

mod human;
mod json;
mod tally;
mod truth;

use crate::cli::read::{self, How, Item, inputs};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use crate::inspect;
use crate::scan::finding::Confidence;
use crate::scan::ruleset::day_of;
use std::path::PathBuf;
use std::process::ExitCode;
use tally::Tally;
use truth::Truth;

/// What share of the findings of a confidence must be right.
const PROMISES: [(Confidence, f64); 2] = [(Confidence::Certain, 0.99), (Confidence::Likely, 0.90)];

/// Shown by `brevdue rules calibrate --help` below the options.
const AFTER_HELP: &str = "\
TRUTH.jsonl has one JSON object a message: {\"file\": \"mail-1.eml\", \"cprs\": [\"ddmmyyssss\", ...]}. `file` is the name \
without its folder (of a message in an mbox: box.mbox#3), `cprs` every CPR number in it, an empty list for none. With \
\"test_cprs\" or \"ambiguous\": [{\"cpr\": \"...\"}] numbers that are neither right nor wrong. The file holds numbers in \
clear: keep it where the mail lies, and delete it with it.

A number counts once a message, as its surest finding. Mail that the truth does not know is left out and counted.

Exit codes:
  0  the promises hold: of the certain findings 99 % are right, of the likely ones 90 %
  1  one does not
  2  could not run: an input could not be read, or the truth is no truth of this mail

Examples:
  brevdue rules calibrate --config brevdue.toml --truth truth.jsonl mail/
  brevdue rules explain --config brevdue.toml mail/mail-17.eml    then: why was this one wrong";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Args {
    /// What is right: one JSON object a message
    #[arg(long, value_name = "TRUTH.jsonl")]
    truth: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// The mail: folders, Maildirs, mbox files, messages
    #[arg(required = true, value_name = "MAIL_DIR")]
    paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For reading, at 100 columns, in Danish and English
    Human,
    /// One object
    Json,
}

pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let truth = Truth::read(&args.truth)?;
    let inspect::Setup { rules, workers, .. } = daemon::setup(config)?;
    let how = How {
        rules,
        workers,
        today: day_of(inspect::local_day(&Clock::System)),
        form: None,
        reveal: false,
        explain: true,
        archived: None,
    };
    let job = Job { how, truth };
    let done = read::all(&job, &args.paths)?;
    let tally = done.tally;
    if let Some(twice) = tally.twice() {
        let name = job.how.name(twice);
        anyhow::bail!(
            "two inputs are called {name}: the truth cannot tell them apart; read one folder at a time"
        );
    }
    anyhow::ensure!(
        tally.files() > 0,
        "none of these messages is named in {}: its `file` is a message's name without its folder",
        args.truth.display()
    );
    let missing = job.truth.len() - tally.files();
    let text = match args.format {
        Format::Human => human::table(&tally, missing),
        Format::Json => serde_json::to_string_pretty(&json::Whole::of(&tally, missing))?,
    };
    crate::cli::say(text.trim_end())?;
    if done.troubles > 0 {
        crate::cli::say_error(&format!("brevdue: {} could not be read", inputs(done.troubles)));
        return Ok(ExitCode::from(crate::cli::COULD_NOT_RUN));
    }
    Ok(ExitCode::from(u8::from(PROMISES.iter().any(|(confidence, share)| !tally.keeps(*confidence, *share)))))
}

/// What the work knows.
struct Job {
    how: How,
    truth: Truth,
}

impl read::Job for Job {
    type Tally = Tally;

    fn how(&self) -> &How {
        &self.how
    }

    fn settle(&self, item: &Item<'_>, _: &mut Vec<u8>, tally: &mut Tally) {
        let name = item.file.rsplit('/').next().unwrap_or(item.file);
        match self.truth.of(name) {
            Some(right) => tally.compare(name, &self.how.name(item.file), right, item),
            None => tally.unknown += 1,
        }
    }

    fn join(tally: &mut Tally, other: Tally) {
        tally.add(other);
    }
}
