//! `brevdue archive`: a retro scan of old mail. What left with a number in it becomes one incident, with a case for each
//! controller that it concerns.
//!
//! Reads as `brevdue scan` does ([`super::read`]): inputs and the mails of an mbox on all cores, a zip or what gzip made smaller on
//! one each. Finds are recorded in batches, and the register is what knows which mails are done: who is killed runs the same
//! command again, and no mail counts twice. Start reading at [`run`]; `tally` counts, `tell` says. Tests: `tests/archive.rs`, `tests/archived.rs`, `tests/archive_inputs.rs`.

mod tally;
mod tell;

use super::read::{self, Done, How, Item, inputs, mail_form};
use crate::case::incident::Source;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use crate::envelope::Controller;
use crate::inspect::archived::{Assume, Book, Find, Finder, Found, Terms};
use crate::inspect::record::Register;
use crate::inspect::{self, Setup};
use crate::intake::archive::Form;
use crate::scan::ruleset::day_of;
use crate::seal::NodeKey;
use crate::store::StoreError;
use anyhow::Context;
use chrono::{DateTime, Utc};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tally::{Read, Sight, Tally};

/// Shown by `brevdue archive --help` below the options.
const AFTER_HELP: &str = "\
Reads .eml and .emlx files, mbox, Maildir, folders and zips of them, and each of them with gzip, on
standard input too (but no zip). A journal report (Exchange) is opened and gives the envelope;
elsewhere From, To, Cc and Bcc say who sent it to whom: the last lines count both. What is no
mail is left aside and counted. Mail from outside was received and is nobody's breach here: it is
counted, unless --controller or --source says that all of it was sent.

When it was found is now, and the clock of a case starts now. When it was sent is what the mail says
itself. Killed or interrupted: run it again. What is recorded is known, and no mail counts twice, in
whatever archive it comes.

Exit codes:
  0  read whole
  2  could not run, or an input could not be read (the others are recorded and shown)
  3  some was not read: a mail that is not read whole, or a file in which mail may lie and that is
     not opened (.msg, .pst, .olm, a zip in a zip, tar, what nobody knows, a link in a folder); such
     files are named on standard error, and so are the first 20 such mails, with what was not read.
     What was found in the rest is recorded

Examples:
  brevdue archive --config brevdue.toml --dry-run /backup/mail      counts, and writes nothing
  brevdue archive --config brevdue.toml a.mbox b.zip Maildir/
  brevdue archive --config brevdue.toml --source 'eAnsøgning' --assume delivered journal/";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// How to print: for reading, or one JSON object
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Count only: no register, no case, no evidence is written
    #[arg(long)]
    dry_run: bool,
    /// Who answers for all of it, by name or CVR number, instead of whom the addresses say
    #[arg(long, value_name = "NAME|CVR")]
    controller: Option<String>,
    /// The system that sent all of it: its templates are told apart, each an incident of its own
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// No [[source]] of the configuration has this name, and that is right: only this archive knows the system
    #[arg(long, requires = "source")]
    new_source: bool,
    /// How it travelled. Without it: as the configuration's roads say today, and unknown where they are protected today
    #[arg(long, value_enum)]
    assume: Option<Travelled>,
    /// Read every input, and every file in a zip, as this media type: message/rfc822 or application/mbox
    #[arg(long = "as", value_name = "MEDIA/TYPE", value_parser = mail_form)]
    form: Option<Form>,
    /// Messages (.eml), mbox files, Maildirs, folders, zips; `-` is standard input
    #[arg(required = true, value_name = "PATH|-")]
    paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Format {
    /// For reading
    Human,
    /// One object, times as RFC 3339 in UTC
    Json,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Travelled {
    /// Readable by anybody: a certain find is a breach that is being assessed
    Delivered,
    /// Nobody knows: every case is suspected
    Unknown,
}

pub(super) fn run(config: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        config.is_some() || args.dry_run,
        "give the configuration with --config: its controllers are whose cases are opened, and its DPOs are told. Without one only --dry-run counts"
    );
    let config = super::load(config)?;
    let job = Job::new(&config, args)?;
    let began = Instant::now();
    let mut done = read::all(&job, &args.paths)?;
    name_unfollowed(&job.how, &done);
    // Mail may lie behind them as in a file that is not opened.
    done.tally.closed += done.unfollowed;
    let (tally, register) = job.end()?;
    let cases = match &register {
        Some(register) => tell::cases(&register.store, tally.cases())?,
        None => Vec::new(),
    };
    let told = tell::Told {
        tally: &tally,
        read: &done.tally,
        cases,
        dry_run: args.dry_run,
        troubles: done.troubles,
        skipped: done.skipped,
        took: began.elapsed(),
    };
    for line in told.unread() {
        super::say_error(&line);
    }
    super::say(
        match args.format {
            Format::Human => told.human(),
            Format::Json => told.json()?,
        }
        .trim_end(),
    )?;
    if done.troubles > 0 {
        super::say_error(&format!("brevdue: {} could not be read", inputs(done.troubles)));
        return Ok(ExitCode::from(super::COULD_NOT_RUN));
    }
    let is_whole = done.tally.closed == 0 && done.tally.partial == 0;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(NOT_WHOLE) })
}

/// Says which links and special files were left aside.
fn name_unfollowed(how: &How, done: &Done<Read>) {
    for one in &done.first_unfollowed {
        let why = if one.is_link {
            "a link, not followed: mail may lie behind it"
        } else {
            "a special file, not read: mail may lie in it"
        };
        super::say_error(&format!("brevdue: {}: {why}", how.name(&one.path.to_string_lossy())));
    }
    let more = done.unfollowed - done.first_unfollowed.len() as u64;
    if more > 0 {
        super::say_error(&format!("brevdue: and {more} more links and special files"));
    }
}

/// Something was not read, as `brevdue scan` has it.
const NOT_WHOLE: u8 = 3;

/// What is asked of every mail.
struct Job {
    how: How,
    setup: Setup,
    terms: Terms,
    now: DateTime<Utc>,
    /// `None` when nothing is to be written.
    register: Option<Register>,
    /// Of this run alone, so that a dry run needs no key.
    key: NodeKey,
    book: Book,
    work: Mutex<Work>,
    /// The register cannot be written: nothing more needs reading.
    failed: AtomicBool,
}

/// What the workers have found together.
#[derive(Default)]
struct Work {
    tally: Tally,
    /// Not yet recorded.
    pending: Vec<Find>,
    numbers: usize,
    error: Option<StoreError>,
}

impl Work {
    /// So many finds are recorded at once: few enough that the daemon beside, whose mails wait meanwhile, is kept waiting for
    /// a moment only.
    const FINDS: usize = 500;
    /// Or so many numbers.
    const NUMBERS: usize = 20_000;

    /// Takes the parts of a mail.
    fn add_all(&mut self, finds: Vec<Find>, key: &NodeKey) {
        self.tally.with_number += 1;
        for find in finds {
            self.add(find, key);
        }
    }

    fn add(&mut self, find: Find, key: &NodeKey) {
        let sight = self.tally.add(&find, key);
        if sight == Sight::Copy {
            return;
        }
        self.numbers += find.numbers().len();
        let same = |one: &&mut Find| sight == Sight::More && one.is_copy_of(&find);
        match self.pending.iter_mut().find(same) {
            Some(one) => one.merge(find),
            None => self.pending.push(find),
        }
    }

    /// What is to be recorded, when that is enough or `all` is wanted.
    fn take(&mut self, all: bool) -> Vec<Find> {
        if !all && self.pending.len() < Self::FINDS && self.numbers < Self::NUMBERS {
            return Vec::new();
        }
        self.numbers = 0;
        std::mem::take(&mut self.pending)
    }
}

impl Job {
    fn new(config: &Config, args: &Args) -> anyhow::Result<Self> {
        let setup = daemon::setup(config)?;
        let controller =
            args.controller.as_deref().map(|name| controller(name, &setup.controllers)).transpose()?;
        let source =
            args.source.as_deref().map(|name| source(name, args.new_source, &setup.sources)).transpose()?;
        let register = if args.dry_run { None } else { Some(daemon::open_register(config)?) };
        let now = Clock::System.now();
        Ok(Self {
            how: How {
                rules: Arc::clone(&setup.rules),
                workers: setup.workers.clone(),
                today: day_of(inspect::local_day(&Clock::System)),
                form: args.form.clone(),
                reveal: false,
                explain: false,
                archived: Some(now),
            },
            terms: Terms {
                assume: match args.assume {
                    Some(Travelled::Delivered) => Assume::Delivered,
                    Some(Travelled::Unknown) => Assume::Unknown,
                    None => Assume::AsToday,
                },
                controller,
                source,
            },
            setup,
            now,
            key: match &register {
                Some(register) => register.node_key.clone(),
                None => NodeKey::generate()?,
            },
            book: match &register {
                Some(register) => Book::Store(Arc::clone(&register.store)),
                None => Book::Dry(Arc::default()),
            },
            register,
            work: Mutex::default(),
            failed: AtomicBool::new(false),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        // A panic in one mail has left whole counts: nothing is done between two of them that can panic.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records these, beside the other workers, who read on.
    fn record(&self, finds: &[Find]) {
        if finds.is_empty() {
            return;
        }
        let Some(register) = &self.register else { return };
        // The run may take hours: each batch is found when it is recorded, and the clock of its cases starts then.
        match register.record_finds(finds, Clock::System.now()) {
            Ok(recorded) => self.lock().tally.recorded(finds, &recorded),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&self, error: StoreError) {
        self.failed.store(true, Ordering::Relaxed);
        self.lock().error.get_or_insert(error);
    }

    /// Records the rest.
    fn end(self) -> anyhow::Result<(Tally, Option<Register>)> {
        let rest = self.lock().take(true);
        self.record(&rest);
        let work = self.work.into_inner().unwrap_or_else(PoisonError::into_inner);
        match work.error {
            Some(error) => Err(error).context(
                "not all finds could be recorded; those that are stay, and the same command goes on with the rest",
            ),
            None => Ok((work.tally, self.register)),
        }
    }
}

impl read::Job for Job {
    type Tally = Read;

    fn how(&self) -> &How {
        &self.how
    }

    fn settle(&self, item: &Item<'_>, _: &mut Vec<u8>, read: &mut Read) {
        let Some(mail) = item.mail else { return };
        read.count(mail, item.report, || self.how.name(item.file));
        if !item.report.leaks() {
            return;
        }
        let Self { setup, terms, key, now, book, .. } = self;
        let finds = match (Finder { setup, terms, key, now: *now, book }).find(mail, item.report) {
            Ok(Found::Finds(finds)) => finds,
            Ok(Found::Inside) => {
                read.inside += 1;
                return;
            }
            Ok(Found::Received) => {
                read.received += 1;
                return;
            }
            Ok(Found::Nobodys) => return read.count_nobodys(self.how.name(item.file)),
            Err(error) => return self.fail(error),
        };
        let enough = {
            let mut work = self.lock();
            work.add_all(finds, &self.key);
            work.take(false)
        };
        self.record(&enough);
    }

    fn aside(&self, closed: bool, read: &mut Read) {
        *(if closed { &mut read.closed } else { &mut read.aside }) += 1;
    }

    fn is_over(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn join(read: &mut Read, other: Read) {
        read.add(other);
    }
}

/// The controller of the configuration with this name or CVR number.
fn controller(name: &str, controllers: &[Controller]) -> anyhow::Result<Controller> {
    let found =
        controllers.iter().find(|one| one.cvr == name || one.name.to_lowercase() == name.to_lowercase());
    let names =
        || controllers.iter().map(|one| format!("{} ({})", one.name, one.cvr)).collect::<Vec<_>>().join(", ");
    found.cloned().with_context(|| {
        format!("no controller of the configuration is called {name:?}; there are: {}", names())
    })
}

/// The source of the configuration with this name, however it is written; or one that only this archive knows, where a person
/// says so: a slip of the pen would open a second case of the same leak.
fn source(name: &str, is_new: bool, sources: &[Source]) -> anyhow::Result<Source> {
    let found = sources.iter().find(|one| one.name.to_lowercase() == name.trim().to_lowercase());
    if let Some(found) = found {
        return Ok(found.clone());
    }
    anyhow::ensure!(
        crate::config::is_plain_words(name) && !name.trim().is_empty(),
        "the name of a source stands in the register: write words, with too few digits for anybody's number"
    );
    let names = || sources.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    anyhow::ensure!(
        is_new,
        "no [[source]] of the configuration is called {name:?}; there are: {}. If only this archive knows it, say --new-source too",
        names()
    );
    Ok(Source { name: name.trim().to_owned(), pattern: String::new(), vendor: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_however_it_is_written_and_a_new_one_is_said_to_be_new() {
        let known =
            [Source { name: "eAnsøgning".to_owned(), pattern: "@x.example".to_owned(), vendor: None }];
        assert_eq!(source("EANSØGNING ", false, &known).unwrap(), known[0]);
        let error = source("eAnsogning", false, &known).unwrap_err().to_string();
        assert!(error.contains("there are: eAnsøgning") && error.contains("--new-source"), "{error}");
        assert_eq!(source("Gammelt", true, &known).unwrap().name, "Gammelt");
        let error = source("sag 150379-1028", true, &known).unwrap_err().to_string();
        assert!(!error.contains("1028"), "{error}");
    }
}
