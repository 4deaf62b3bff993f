//! `brevdue rules explain`: which evidence counted, with its weight, on every candidate, found or not.
//!
//! *What it is*: the way from a mail that was stopped or passed to the entry that did it. *What it never does*: show a
//! number or a text of the message without `--reveal`, or change anything. *Start reading at* [`run`]; `words` says in
//! plain words what the code's own reasons mean, `human` and `jsonl` print, `tally` counts. *Tests*: `tests/explain.rs`.

mod human;
mod jsonl;
mod tally;
pub(super) mod words;

use crate::cli::read::{self, How, Item, form, inputs};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use crate::inspect;
use crate::intake::archive::Form;
use crate::scan::Explained;
use crate::scan::finding::Confidence;
use crate::scan::ruleset::{Entry, Ruleset, Treatment, day_of};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use tally::Tally;

/// Shown by `brevdue rules explain --help` below the options.
const AFTER_HELP: &str = "\
A candidate is whatever is written as a CPR number is. For each: what its digits are, every entry that counted with its \
weight (natural log-odds: 2.3 makes it ten times likelier, -2.3 ten times less), their sum, and what the sum makes of it \
by the thresholds. A label far away has less than its whole weight: the share is said. Below stands which entries counted \
most often.

Exit codes: 0 when all could be read, 2 when not.

Examples:
  brevdue rules explain mail.eml                          why was it stopped, or not
  brevdue rules explain --config brevdue.toml outbox/     with the site's own rules
  brevdue rules explain --reveal mail.eml                 the numbers too, and the text round them
  brevdue rules explain --as text/plain - <<<'P-nr. ...'  a line, to try a rule";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Args {
    /// How to print
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Print the numbers themselves, with 60 characters before and 30 behind
    #[arg(long)]
    reveal: bool,
    /// Show those too that begin with no day that has been
    #[arg(long)]
    all: bool,
    /// Read every input as this media type: message/rfc822, application/mbox, or a document's
    #[arg(long = "as", value_name = "MEDIA/TYPE", value_parser = form)]
    form: Option<Form>,
    /// Messages (.eml), mbox files, Maildirs, folders, documents; `-` is standard input
    #[arg(required = true, value_name = "PATH|-")]
    paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For reading, at 100 columns, in Danish and English
    Human,
    /// One JSON object a message; the last one is the summary
    #[value(alias = "json")]
    Jsonl,
}

pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let inspect::Setup { rules, workers, .. } = daemon::setup(config)?;
    let job = Job {
        entries: entries_of(&rules),
        all: args.all,
        format: args.format,
        how: How {
            rules,
            workers,
            today: day_of(inspect::local_day(&Clock::System)),
            form: args.form.clone(),
            reveal: args.reveal,
            explain: true,
            archived: None,
        },
    };
    let done = read::all(&job, &args.paths)?;
    let end = match job.format {
        Format::Human => human::end(&job, &done.tally),
        Format::Jsonl => jsonl::end(&done.tally)?,
    };
    crate::cli::say(end.trim_end())?;
    if done.troubles > 0 {
        crate::cli::say_error(&format!("brevdue: {} could not be read", inputs(done.troubles)));
        return Ok(ExitCode::from(crate::cli::COULD_NOT_RUN));
    }
    Ok(ExitCode::SUCCESS)
}

/// What the work knows.
struct Job {
    how: How,
    entries: HashMap<String, Entry>,
    all: bool,
    format: Format,
}

/// The entries of the rules by what reasons call them.
fn entries_of(rules: &Ruleset) -> HashMap<String, Entry> {
    let titled = |entry: &Entry| (format!("{}:{}", entry.sort.word(), entry.name), entry.clone());
    rules.entries().iter().map(titled).collect()
}

impl read::Job for Job {
    type Tally = Tally;

    fn how(&self) -> &How {
        &self.how
    }

    fn settle(&self, item: &Item<'_>, out: &mut Vec<u8>, tally: &mut Tally) {
        tally.count(&self.how.rules, item.explained);
        match self.format {
            Format::Human => human::write(self, out, item),
            Format::Jsonl => jsonl::write(self, out, item),
        }
    }

    fn join(tally: &mut Tally, other: Tally) {
        tally.add(other);
    }
}

impl Job {
    /// The candidates of an item that are shown.
    fn shown<'a>(&'a self, item: &'a Item<'_>) -> impl Iterator<Item = &'a Explained> {
        item.explained.iter().filter(|one| self.all || one.kind.is_ok())
    }

    /// The number as `DDMMYY-SSSS`, or stars.
    fn number(&self, one: &Explained) -> String {
        if !self.how.reveal {
            return crate::scan::finding::Finding::MASKED.to_owned();
        }
        let digits: String = one.bare.reveal().into_iter().map(char::from).collect();
        let (date, serial) = digits.split_at_checked(6).unwrap_or((&digits, ""));
        format!("{date}-{serial}")
    }
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Outcome {
    Found(Confidence),
    /// Its sum is too low.
    NotReported,
    /// Written as it is, it counts beside a strong label only, and none is there.
    NoLabel,
    /// The rules do not want to know of its kind.
    Ignored,
    /// Its digits are no number.
    NoNumber,
}

impl Outcome {
    const ALL: [Self; 7] = [
        Self::Found(Confidence::Certain),
        Self::Found(Confidence::Likely),
        Self::Found(Confidence::Possible),
        Self::NotReported,
        Self::NoLabel,
        Self::Ignored,
        Self::NoNumber,
    ];

    fn of(rules: &Ruleset, one: &Explained) -> Self {
        let Ok(kind) = one.kind else { return Self::NoNumber };
        if rules.kinds().of(kind) == Treatment::Ignore {
            return Self::Ignored;
        }
        match one.confidence {
            Some(confidence) => Self::Found(confidence),
            None if one.sum >= threshold(rules, Confidence::Possible) => Self::NoLabel,
            None => Self::NotReported,
        }
    }

    /// For programs.
    fn word(self) -> &'static str {
        match self {
            Self::Found(confidence) => confidence.word(),
            Self::NotReported => "not-reported",
            Self::NoLabel => "no-label",
            Self::Ignored => "ignored",
            Self::NoNumber => "no-number",
        }
    }
}

/// The sum from which a number is so sure.
fn threshold(rules: &Ruleset, wanted: Confidence) -> f32 {
    let found = rules.thresholds().into_iter().find(|(confidence, _)| *confidence == wanted);
    found.map_or(0.0, |(_, sum)| sum)
}
