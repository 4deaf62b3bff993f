//! How a scan is shown: [`human`] for reading, [`jsonl`] for programs.
//!
//! Here are what the two share and the one place where a number becomes text. Without `--reveal` that is stars.
//! Start reading at [`Pen`].

mod human;
mod jsonl;
mod name;

use crate::policy::RecipientDecision;
use crate::scan::Report;
use crate::scan::finding::Finding;
use crate::seal::Tagger;
use std::time::Duration;

pub(super) use human::Summary;
pub(super) use name::shown;

/// The ways to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For reading, in Danish and English
    Human,
    /// One JSON object a message
    Jsonl,
}

/// A message or document that was scanned.
pub(super) struct Row<'a> {
    /// Its path; messages of an mbox with `#N`.
    pub(super) file: &'a str,
    /// What was found.
    pub(super) report: &'a Report,
    /// What the policy would decide, with the recipient as the user wrote it; empty without one.
    pub(super) decision: &'a [(&'a str, RecipientDecision)],
}

/// Writes rows. Shared by all threads.
pub(super) struct Pen {
    format: Format,
    reveal: bool,
    tagger: Tagger,
}

impl Pen {
    pub(super) fn new(format: Format, reveal: bool, tagger: Tagger) -> Self {
        Self { format, reveal, tagger }
    }

    /// Writes what there is to say of a row.
    pub(super) fn write(&self, out: &mut Vec<u8>, row: &Row<'_>) {
        match self.format {
            Format::Human => human::write(self, out, row),
            Format::Jsonl => jsonl::write(self, out, row),
        }
    }

    /// Writes what stands below all rows.
    pub(super) fn end(&self, out: &mut Vec<u8>, summary: &Summary) {
        match self.format {
            Format::Human => human::end(out, summary),
            Format::Jsonl => {}
        }
    }

    /// A file's name as people are shown it, whatever the format: errors are read by people.
    pub(super) fn name(&self, file: &str) -> String {
        shown(file, self.reveal)
    }

    /// The number, or stars.
    fn number(&self, finding: &Finding) -> String {
        if self.reveal {
            finding.cpr.reveal().into_iter().map(char::from).collect()
        } else {
            Finding::MASKED.to_owned()
        }
    }

    fn tag(&self, finding: &Finding) -> String {
        self.tagger.tag(&finding.cpr)
    }
}

/// What [`human::end`] prints.
impl Summary {
    /// Items that were read whole and held nothing.
    fn clean(&self) -> u64 {
        self.items - self.leaks - self.partial - self.protected
    }

    fn seconds(&self) -> f64 {
        self.took.max(Duration::from_millis(1)).as_secs_f64()
    }

    /// Megabytes and messages a second, the first with a decimal.
    #[expect(clippy::cast_precision_loss, reason = "a rate of a few digits")]
    fn rates(&self) -> (String, String) {
        let rate = |count: u64| count as f64 / self.seconds();
        (format!("{:.1}", rate(self.bytes) / 1e6), format!("{:.0}", rate(self.items)))
    }
}
