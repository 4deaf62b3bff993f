//! All inputs of a command read: messages, mbox, Maildir, folders, documents, standard input.
//!
//! Knows how bytes become reports, and never what is said of them: that is the command's [`Job`]. `crew` spreads the
//! inputs over all cores, `board` an mbox, `shelf` keeps their answers in order, `desk` reads one input, `progress` draws the bar. Start
//! reading at [`all`]. Tests: beside the code, and `tests/scan.rs`.

mod board;
mod crew;
mod desk;
mod post;
mod progress;
mod shelf;

use super::output;
use crate::inspect::archived::Mail;
use crate::intake::archive::{Form, Unfollowed};
use crate::scan::ruleset::Ruleset;
use crate::scan::{Day, DocumentScan, Explained, Report, Scan};
use crate::worker::Workers;
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use std::sync::Arc;

/// How every input is read.
pub(super) struct How {
    pub(super) rules: Arc<Ruleset>,
    /// Who opens documents; `None` leaves them unread.
    pub(super) workers: Option<Arc<Workers>>,
    pub(super) today: Day,
    /// Read every input as this, whatever it looks like.
    pub(super) form: Option<Form>,
    /// Whether numbers in names are shown.
    pub(super) reveal: bool,
    /// Whether candidates are explained.
    pub(super) explain: bool,
    /// In an archive of mail, when it is read: the headers of mails are read too, zips are opened, and what is no mail is left
    /// aside.
    pub(super) archived: Option<DateTime<Utc>>,
}

impl How {
    /// Begins a message.
    fn message(&self) -> Scan {
        let scan = Scan::new(Arc::clone(&self.rules), self.today);
        let scan = if self.explain { scan.explaining() } else { scan };
        match &self.workers {
            Some(workers) => scan.opening(workers.message()),
            None => scan,
        }
    }

    /// Begins a document of this media type.
    fn document(&self, media: &str) -> DocumentScan {
        let scan = Scan::document(Arc::clone(&self.rules), self.today, media);
        let scan = if self.explain { scan.explaining() } else { scan };
        match &self.workers {
            Some(workers) => scan.opening(workers.message()),
            None => scan,
        }
    }

    /// A file's name as people are shown it, whatever the format: errors are read by people.
    pub(super) fn name(&self, file: &str) -> String {
        output::shown(file, self.reveal)
    }
}

/// A message or document that was read.
pub(super) struct Item<'a> {
    /// Its path; messages of an mbox with `#N`.
    pub(super) file: &'a str,
    pub(super) report: &'a Report,
    /// Every candidate, when [`How::explain`] asks for them.
    pub(super) explained: &'a [Explained],
    /// What a mail says of itself, in an archive.
    pub(super) mail: Option<&'a Mail>,
}

/// What a command makes of what is read. Shared by all threads.
pub(super) trait Job: Sync {
    /// What it counts.
    type Tally: Default + Send;

    /// How to read.
    fn how(&self) -> &How;

    /// Writes what there is to say of an item, and counts it.
    fn settle(&self, item: &Item<'_>, out: &mut Vec<u8>, tally: &mut Self::Tally);

    /// Counts what is no mail, in an archive; `closed` when mail may lie in it all the same.
    fn aside(&self, closed: bool, tally: &mut Self::Tally) {
        let _ = (closed, tally);
    }

    /// Whether nothing more needs reading.
    fn is_over(&self) -> bool {
        false
    }

    /// Adds the count of other items, which come in the order of the inputs.
    fn join(tally: &mut Self::Tally, other: Self::Tally);
}

/// What there is to say when all is read.
#[derive(Default)]
pub(super) struct Done<T> {
    pub(super) tally: T,
    /// Inputs and messages that could not be read.
    pub(super) troubles: u64,
    /// What was left out: hidden, or a mail server's own.
    pub(super) skipped: u64,
    /// Links and special files in folders, which are left out too.
    pub(super) unfollowed: u64,
    /// The first of them.
    pub(super) first_unfollowed: Vec<Unfollowed>,
}

/// Reads everything and prints what the job says of it.
///
/// # Errors
/// When standard input is asked for twice, or the output cannot be written.
pub(super) fn all<J: Job>(job: &J, roots: &[PathBuf]) -> anyhow::Result<Done<J::Tally>> {
    anyhow::ensure!(
        roots.iter().filter(|path| path.as_os_str() == "-").count() <= 1,
        "standard input can be read once: give `-` once"
    );
    crate::daemon::telemetry::quiet_panics();
    Ok(crew::work(job, roots)?)
}

/// The media type of `--as`.
pub(super) fn form(text: &str) -> Result<Form, String> {
    Form::named(text).ok_or_else(|| "a media type is written as text/plain or application/json".to_owned())
}

/// The media type of `--as` for a command that reads mail only.
pub(super) fn mail_form(text: &str) -> Result<Form, String> {
    match Form::named(text) {
        Some(form @ (Form::Message | Form::Mbox)) => Ok(form),
        Some(Form::Document(_)) | None => {
            Err("only mail is read here: message/rfc822 or application/mbox; `brevdue scan` reads documents"
                .to_owned())
        }
    }
}

/// "one input", "3 inputs".
pub(super) fn inputs(count: u64) -> String {
    if count == 1 { "one input".to_owned() } else { format!("{count} inputs") }
}

/// A part of the answer, ready to print: what is found in some items of one input.
#[derive(Default)]
struct Batch<T> {
    /// For standard output.
    text: Vec<u8>,
    /// For standard error, a line each.
    troubles: Vec<String>,
    /// The same, of what was not tried.
    closed: Vec<String>,
    /// Hidden files in a zip.
    skipped: u64,
    tally: T,
}

impl<T: Default> Batch<T> {
    /// The answer when our own work failed outside of an item.
    fn lost() -> Self {
        let troubles = vec!["brevdue: an input could not be read: internal error".to_owned()];
        Self { troubles, ..Self::default() }
    }
}
