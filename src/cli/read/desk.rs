//! One input being read: its items to `scan`, their reports to the pen, the text to the printer.
//!
//! A panic in `scan` costs the one item in which it happened: it is told as an input that could not be read, and
//! never as a clean one.

use super::post::Post;
use super::progress::Progress;
use super::shelf::Slot;
use super::{Batch, Item, Job};
use crate::inspect::archived::Mail;
use crate::intake::archive::{self, Form, Input, Item as Begun, ItemSink, Lost, Mbox, Place, Rule, Source};
use crate::scan::{DocumentScan, Explained, Report, Scan};
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A batch goes to the printer when it holds this much text,
const FULL: usize = 16 * 1024;

/// or when it holds any and this much more has been scanned.
const LONG_AGO: u64 = 4 * 1024 * 1024;

/// What is open.
enum Open {
    Nothing,
    Message(Box<Scan>),
    Document(Box<DocumentScan>),
    /// A mail of an archive.
    Post(Box<Post>),
    /// What is no mail, in an archive.
    Aside {
        /// Mail may lie in it all the same.
        closed: bool,
    },
    /// `scan` panicked in this item.
    Broken,
}

/// Where an item stands in its input.
enum Number {
    One(u64),
    /// A message of an mbox that is a member of a zip.
    Two(u64, u64),
}

/// See the module's head.
pub(super) struct Desk<'a, J: Job> {
    job: &'a J,
    progress: &'a Progress,
    slot: &'a Slot<'a, J::Tally>,
    batch: Batch<J::Tally>,
    input: String,
    number: Option<Number>,
    open: Open,
    /// Bytes read since the last batch went.
    since: u64,
    /// The printer has gone: nothing more needs reading.
    in_vain: bool,
}

/// Runs a piece of `scan`; `None` when it panicked. What it worked on is thrown away then.
pub(super) fn guard<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

impl<'a, J: Job> Desk<'a, J> {
    pub(super) fn new(job: &'a J, progress: &'a Progress, slot: &'a Slot<'a, J::Tally>) -> Self {
        Self {
            job,
            progress,
            slot,
            batch: Batch::default(),
            input: String::new(),
            number: None,
            open: Open::Nothing,
            since: 0,
            in_vain: false,
        }
    }

    /// Scans an input and sends what there is to say of it; an mbox is handed back, to be read by several.
    pub(super) fn handle(mut self, input: Result<Source, Lost>, buffer: &mut [u8]) -> Option<(String, Mbox)> {
        let read = match input {
            Ok(source) => {
                self.input = source.path.to_string_lossy().into_owned();
                self.read(&source, buffer)
            }
            Err(lost) => {
                self.input = lost.path.to_string_lossy().into_owned();
                Err(lost.source)
            }
        };
        self.progress.input_done();
        let mbox = read.unwrap_or_else(|error| {
            self.failed(&error);
            None
        });
        self.send();
        mbox.map(|mbox| (self.input, mbox))
    }

    /// Scans a portion of an mbox of this name; `pour` is how. Whether anybody wants more.
    pub(super) fn portion(mut self, input: &str, pour: impl FnOnce(&mut Self) -> io::Result<()>) -> bool {
        input.clone_into(&mut self.input);
        if let Err(error) = pour(&mut self) {
            self.failed(&error);
        }
        self.send();
        !self.in_vain
    }

    fn failed(&mut self, error: &io::Error) {
        self.salvage();
        self.trouble(&error.to_string());
    }

    fn read(&mut self, source: &Source, buffer: &mut [u8]) -> io::Result<Option<Mbox>> {
        let input = match source.place {
            Place::StandardInput => Input::Stream(Box::new(io::stdin())),
            Place::File | Place::Maildir => Input::file(File::open(&source.path)?)?,
        };
        let how = self.job.how();
        let (first, input) = match how.archived {
            Some(_) => archive::first(input)?,
            None => ([0; 4], input),
        };
        if archive::zipped::is_zip(&first) || archive::is_gzip(&first) {
            self.progress.unpack();
        }
        if let Input::File { file, .. } = &input
            && archive::zipped::is_zip(&first)
            && matches!(Form::of(Some(&source.path), &first), Form::Document(media) if media == "application/zip")
        {
            archive::zipped::pour_zip(file, how.form.as_ref(), buffer, self, |desk, number, error| {
                desk.number = number.map(Number::One);
                desk.failed(error);
            })?;
            return Ok(None);
        }
        let is_gzip = archive::is_gzip(&first);
        let input = if is_gzip { archive::unzipped(input) } else { input };
        let form = |head: &[u8]| match (&how.form, source.place) {
            (Some(form), _) => form.clone(),
            (None, Place::Maildir) => Form::Message,
            // By the name that it had before: `a.mbox.gz`.
            (None, Place::File)
                if is_gzip
                    && source.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz")) =>
            {
                Form::of(Some(&source.path.with_extension("")), head)
            }
            (None, Place::File) => Form::of(Some(&source.path), head),
            (None, Place::StandardInput) => Form::of(None, head),
        };
        let rule = if how.archived.is_some() { Rule::Old } else { Rule::Strict };
        archive::pour(input, form, rule, buffer, self)
    }

    /// The file of the contract: an mbox's messages are numbered, a zip's members too.
    fn name(&self) -> String {
        match self.number {
            Some(Number::One(number)) => format!("{}#{number}", self.input),
            Some(Number::Two(member, number)) => format!("{}#{member}#{number}", self.input),
            None => self.input.clone(),
        }
    }

    fn trouble(&mut self, why: &str) {
        let name = self.job.how().name(&self.name());
        self.batch.troubles.push(format!("brevdue: {name}: could not be read: {why}"));
    }

    /// Reading failed within an item: what was found in it so far is said all the same; that it is not whole
    /// says the trouble.
    fn salvage(&mut self) {
        if let Some((report, explained, mail)) = self.finish()
            && report.leaks()
        {
            self.settle(&report, &explained, mail.as_ref());
        }
    }

    fn finish(&mut self) -> Option<(Report, Vec<Explained>, Option<Mail>)> {
        let without = |(report, explained)| (report, explained, None);
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Message(scan) => guard(|| scan.finish_explained()).map(without),
            Open::Document(scan) => guard(|| scan.finish_explained()).map(without),
            Open::Post(post) => {
                let done = guard(|| post.finish())?;
                match done.lost {
                    0 => {}
                    1 => self.trouble("one recipient of the journal report is no address"),
                    lost => {
                        self.trouble(&format!("{lost} recipients of the journal report are no addresses"));
                    }
                }
                Some((done.report, done.explained, Some(done.mail)))
            }
            Open::Nothing | Open::Broken | Open::Aside { .. } => None,
        }
    }

    fn settle(&mut self, report: &Report, explained: &[Explained], mail: Option<&Mail>) {
        self.progress.item_done();
        let file = self.name();
        let item = Item { file: &file, report, explained, mail };
        self.job.settle(&item, &mut self.batch.text, &mut self.batch.tally);
        let waiting = !self.batch.text.is_empty() && self.since >= LONG_AGO;
        if waiting || self.batch.text.len() >= FULL {
            self.send();
        }
    }

    fn send(&mut self) {
        self.since = 0;
        self.in_vain |= !self.slot.put(std::mem::take(&mut self.batch));
    }
}

impl<J: Job> ItemSink for Desk<'_, J> {
    fn begin(&mut self, item: Begun<'_>) {
        let how = self.job.how();
        self.number = match item {
            Begun::Numbered(number) | Begun::Member(number, _) => Some(Number::One(number)),
            Begun::Within { member, number } => Some(Number::Two(member, number)),
            Begun::Message | Begun::Document(_) => None,
        };
        self.open = match (item, how.archived) {
            (Begun::Message | Begun::Numbered(_) | Begun::Within { .. }, Some(now)) => {
                Open::Post(Box::new(Post::new(how, now)))
            }
            (Begun::Message | Begun::Numbered(_) | Begun::Within { .. }, None) => {
                Open::Message(Box::new(how.message()))
            }
            (Begun::Document(media) | Begun::Member(_, media), Some(_)) => {
                Open::Aside { closed: Form::may_hold_mail(media) }
            }
            (Begun::Document(media) | Begun::Member(_, media), None) => {
                Open::Document(Box::new(how.document(media)))
            }
        };
    }

    fn data(&mut self, bytes: &[u8]) {
        self.progress.read(bytes.len());
        self.in_vain |= self.job.is_over();
        if self.in_vain {
            return;
        }
        self.since += bytes.len() as u64;
        let done = match &mut self.open {
            Open::Nothing | Open::Broken | Open::Aside { .. } => Some(()),
            Open::Post(post) => guard(|| post.feed(bytes)),
            Open::Message(scan) => guard(|| scan.feed(bytes)),
            Open::Document(scan) => guard(|| scan.feed(bytes)),
        };
        if done.is_none() {
            self.open = Open::Broken;
        }
    }

    fn end(&mut self) {
        if let Open::Aside { closed } = self.open {
            self.open = Open::Nothing;
            self.job.aside(closed, &mut self.batch.tally);
            if closed {
                let name = self.job.how().name(&self.name());
                self.batch.closed.push(format!("brevdue: {name}: not opened, and mail may lie in it"));
            }
            return;
        }
        match self.finish() {
            Some((report, explained, mail)) => self.settle(&report, &explained, mail.as_ref()),
            None => self.trouble("internal error"),
        }
    }

    fn is_curious(&self) -> bool {
        !matches!(self.open, Open::Aside { .. })
    }

    fn skip(&mut self) {
        self.batch.skipped += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer() {
        assert_eq!(guard(|| 1), Some(1));
        assert_eq!(guard(|| panic!("quoting a message")), None::<()>);
    }
}
