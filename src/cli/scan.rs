//! `brevdue scan`: reads mail and documents that already lie somewhere, and says what is in them.
//!
//! Looks, and changes nothing: no register, no case, no row. `crew` spreads the inputs over all cores, `shelf`
//! keeps their answers in order, `desk` reads one input, `tally` counts, [`super::output`] prints. Start reading at
//! [`run`]. Tests: `tests/scan.rs`.

mod crew;
mod desk;
mod progress;
mod shelf;
mod tally;

use super::output::{Format, Pen};
use crate::clock::Clock;
use crate::daemon::{self, telemetry};
use crate::envelope::{Address, Envelope};
use crate::inspect::{self, Setup};
use crate::intake::archive::Form;
use crate::policy::{self, RecipientDecision};
use crate::scan::ruleset::day_of;
use crate::scan::{Day, Report};
use crate::seal::Tagger;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tally::Tally;

/// Shown by `brevdue scan --help` below the options.
const AFTER_HELP: &str = "\
Exit codes:
  0  read whole, and no number found (encrypted content counts as such)
  1  a leak: a number of a person, certain or likely
  2  could not run: wrong usage, or an input could not be read (the others are scanned and shown)
  3  nothing found, but not everything could be read, e.g. a PDF or a picture

Examples:
  brevdue scan mail.eml                          one message
  brevdue scan outbox/ archive.mbox Maildir/     folders, mbox and Maildir, read by all cores
  brevdue scan --as text/csv - <udtraek          standard input, as a document of that type
  brevdue scan --format jsonl --reveal x.eml     the numbers themselves, for a program
  brevdue scan --config brevdue.toml --from a@kommune.example --to b@borger.example x.eml
                                                 what the mail server would be told
  brevdue scan outbox/ || echo \"stop: $?\"        in a script: only 0 is clean

Without --reveal no number is printed: the tag after the stars (new keys in every run) tells numbers apart.
In a folder, links are not followed and hidden files are left out; the last line counts them.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// How to print: for reading, or one JSON object a message
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Print the numbers themselves
    #[arg(long)]
    reveal: bool,
    /// Read every input as this media type: message/rfc822, application/mbox, or a document's
    #[arg(long = "as", value_name = "MEDIA/TYPE", value_parser = form)]
    form: Option<Form>,
    /// The sender, for the policy's decision; `<>` is the empty one
    #[arg(long, value_name = "ADDR", requires = "to", value_parser = sender)]
    from: Option<Sender>,
    /// A recipient, for the policy's decision; may be given again
    #[arg(long, value_name = "ADDR", value_parser = recipient)]
    to: Vec<Recipient>,
    /// Messages (.eml), mbox files, Maildirs, folders, documents; `-` is standard input
    #[arg(required = true, value_name = "PATH|-")]
    paths: Vec<PathBuf>,
}

/// `None` within is the null sender.
#[derive(Clone, Debug)]
struct Sender(Option<Address>);

/// An address, and as the user wrote it.
#[derive(Clone, Debug)]
struct Recipient {
    written: String,
    address: Address,
}

fn form(text: &str) -> Result<Form, String> {
    Form::named(text).ok_or_else(|| "a media type is written as text/plain or application/json".to_owned())
}

fn sender(text: &str) -> Result<Sender, String> {
    match text.trim() {
        "" | "<>" => Ok(Sender(None)),
        _ => recipient(text).map(|one| Sender(Some(one.address))),
    }
}

fn recipient(text: &str) -> Result<Recipient, String> {
    Address::parse(text.as_bytes())
        .map(|address| Recipient { written: text.to_owned(), address })
        .ok_or_else(|| "an address is written as name@domain".to_owned())
}

pub(super) fn run(config: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        args.paths.iter().filter(|path| path.as_os_str() == "-").count() <= 1,
        "standard input can be read once: give `-` once"
    );
    let job = Job::new(config, args)?;
    telemetry::quiet_panics();
    let began = Instant::now();
    let (tally, skipped) = match crew::work(&job, &args.paths) {
        Ok(done) => done,
        // Whoever read our output has gone. Nobody may take that for "clean", so it is not success.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            return Ok(ExitCode::from(super::COULD_NOT_RUN));
        }
        Err(error) => return Err(error.into()),
    };
    let mut end = Vec::new();
    job.pen.end(&mut end, &tally.summary(skipped, began.elapsed()));
    std::io::stdout().write_all(&end)?;
    if tally.troubles > 0 {
        super::say_error(&format!("brevdue: {} could not be read", inputs(tally.troubles)));
    } else if tally.items == 0 {
        super::say_error("brevdue: nothing was there to read");
    }
    Ok(ExitCode::from(tally.exit_code()))
}

fn inputs(count: u64) -> String {
    if count == 1 { "one input".to_owned() } else { format!("{count} inputs") }
}

/// What is asked of every input.
struct Job {
    setup: Setup,
    today: Day,
    form: Option<Form>,
    pen: Pen,
    envelope: Envelope,
    /// As the user wrote them, in the envelope's order.
    recipients: Vec<String>,
}

impl Job {
    fn new(config: Option<&Path>, args: &Args) -> anyhow::Result<Self> {
        let config = super::load(config)?;
        Ok(Self {
            setup: daemon::setup(&config)?,
            today: day_of(inspect::local_day(&Clock::System)),
            form: args.form.clone(),
            pen: Pen::new(args.format, args.reveal, Tagger::new()?),
            envelope: Envelope {
                sender: args.from.as_ref().and_then(|sender| sender.0.clone()),
                recipients: args.to.iter().map(|one| one.address.clone()).collect(),
                ..Envelope::default()
            },
            recipients: args.to.iter().map(|one| one.written.clone()).collect(),
        })
    }

    /// What the policy would decide for each recipient as the user wrote it; empty when none was given.
    fn decide(&self, report: &Report) -> Vec<(&str, RecipientDecision)> {
        if self.recipients.is_empty() {
            return Vec::new();
        }
        let decision = policy::decide(&self.envelope, report, &self.setup.policy);
        self.recipients.iter().map(String::as_str).zip(decision.recipients).collect()
    }
}

/// A part of the answer, ready to print: what is found in some items of one input.
#[derive(Default)]
struct Batch {
    /// For standard output.
    text: Vec<u8>,
    /// For standard error, a line each.
    troubles: Vec<String>,
    tally: Tally,
}

impl Batch {
    /// The answer when our own work failed outside of an item.
    fn lost() -> Self {
        let troubles = vec!["brevdue: an input could not be read: internal error".to_owned()];
        let mut lost = Self { troubles, ..Self::default() };
        lost.tally.troubles = 1;
        lost
    }
}
