//! `brevdue scan`: reads mail and documents that already lie somewhere, and says what is in them.
//!
//! Looks, and changes nothing: no register, no case, no row. [`super::read`] reads, `tally` counts, [`super::output`]
//! prints. Start reading at [`run`]. Tests: `tests/scan.rs`.

mod tally;

use super::output::{Format, Pen, Row};
use super::read::{self, How, Item, form, inputs};
use crate::clock::Clock;
use crate::daemon;
use crate::envelope::{Address, Envelope};
use crate::inspect;
use crate::intake::archive::Form;
use crate::policy::{self, Policy, RecipientDecision};
use crate::scan::Report;
use crate::scan::ruleset::day_of;
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
  3  nothing found, but not everything could be read, e.g. a picture

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
pub(super) struct Sender(pub(super) Option<Address>);

/// An address, and as the user wrote it.
#[derive(Clone, Debug)]
pub(super) struct Recipient {
    pub(super) written: String,
    pub(super) address: Address,
}

pub(super) fn sender(text: &str) -> Result<Sender, String> {
    match text.trim() {
        "" | "<>" => Ok(Sender(None)),
        _ => recipient(text).map(|one| Sender(Some(one.address))),
    }
}

pub(super) fn recipient(text: &str) -> Result<Recipient, String> {
    Address::parse(text.as_bytes())
        .map(|address| Recipient { written: text.to_owned(), address })
        .ok_or_else(|| "an address is written as name@domain".to_owned())
}

pub(super) fn run(config: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    let job = Job::new(config, args)?;
    let began = Instant::now();
    let done = match read::all(&job, &args.paths) {
        Ok(done) => done,
        // Whoever read our output has gone. Nobody may take that for "clean", so it is not success.
        Err(error) if super::is_broken_pipe(&error) => return Ok(ExitCode::from(super::COULD_NOT_RUN)),
        Err(error) => return Err(error),
    };
    let mut end = Vec::new();
    job.pen
        .end(&mut end, &done.tally.summary(done.troubles, done.skipped + done.unfollowed, began.elapsed()));
    std::io::stdout().write_all(&end)?;
    if done.troubles > 0 {
        super::say_error(&format!("brevdue: {} could not be read", inputs(done.troubles)));
    } else if done.tally.items == 0 {
        super::say_error("brevdue: nothing was there to read");
    }
    Ok(ExitCode::from(done.tally.exit_code(done.troubles)))
}

/// What is asked of every input.
struct Job {
    how: How,
    policy: Policy,
    pen: Pen,
    envelope: Envelope,
    /// As the user wrote them, in the envelope's order.
    recipients: Vec<String>,
}

impl Job {
    fn new(config: Option<&Path>, args: &Args) -> anyhow::Result<Self> {
        let config = super::load(config)?;
        let setup = daemon::setup(&config)?;
        Ok(Self {
            how: How {
                rules: setup.rules,
                workers: setup.workers,
                today: day_of(inspect::local_day(&Clock::System)),
                form: args.form.clone(),
                reveal: args.reveal,
                explain: false,
                archived: None,
            },
            policy: setup.policy,
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
        let decision = policy::decide(&self.envelope, report, &self.policy, self.how.today);
        self.recipients.iter().map(String::as_str).zip(decision.recipients).collect()
    }
}

impl read::Job for Job {
    type Tally = Tally;

    fn how(&self) -> &How {
        &self.how
    }

    fn settle(&self, item: &Item<'_>, out: &mut Vec<u8>, tally: &mut Tally) {
        let Item { file, report, .. } = *item;
        self.pen.write(out, &Row { file, report, decision: &self.decide(report) });
        tally.count(report);
    }

    fn join(tally: &mut Tally, other: Tally) {
        tally.add(other);
    }
}
