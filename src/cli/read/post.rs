//! A mail of an archive: scanned, and its header read for who sent it to whom and when.
//!
//! A journal report is kept whole, because the mail in it is what is scanned: as it was sent, without what the report says
//! around it. Every other mail streams through.

use super::How;
use crate::inspect::archived::Mail;
use crate::intake::archive::lead::Lead;
use crate::intake::archive::letter::{self, Letter};
use crate::scan::{Explained, Report, Scan};
use chrono::{DateTime, Utc};

/// A longer journal report is read as it stands, and who got the mail is then what its header says.
const LONGEST_JOURNAL: usize = 64 * 1024 * 1024;

/// See the module's head.
pub(super) struct Post {
    lead: Lead,
    letter: Letter,
    scan: Scan,
    /// What came before the header had ended.
    early: Vec<u8>,
    is_headed: bool,
    journal: Option<Vec<u8>>,
    now: DateTime<Utc>,
}

impl Post {
    pub(super) fn new(how: &How, now: DateTime<Utc>) -> Self {
        let (letter, scan) = (Letter::default(), how.message());
        Self { lead: Lead::default(), letter, scan, early: Vec::new(), is_headed: false, journal: None, now }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let mut lead = std::mem::take(&mut self.lead);
        lead.feed(bytes, |bytes| self.feed_mail(bytes));
        self.lead = lead;
    }

    fn feed_mail(&mut self, bytes: &[u8]) {
        if self.is_headed {
            return self.add(bytes);
        }
        self.is_headed = self.letter.feed(bytes);
        if !self.is_headed {
            self.early.extend_from_slice(bytes);
            return;
        }
        let early = std::mem::take(&mut self.early);
        if self.letter.is_journal() {
            self.journal = Some(Vec::new());
        }
        self.add(&early);
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        let Some(journal) = &mut self.journal else { return self.scan.feed(bytes) };
        journal.extend_from_slice(bytes);
        if journal.len() > LONGEST_JOURNAL {
            let journal = self.journal.take().unwrap_or_default();
            self.scan.feed(&journal);
        }
    }

    pub(super) fn finish(mut self) -> Done {
        let mut lead = std::mem::take(&mut self.lead);
        lead.end(|bytes| self.feed_mail(bytes));
        // All of it was header.
        self.scan.feed(&self.early);
        let (mut mail, mut lost) = (None, 0);
        if let Some(journal) = self.journal.take() {
            match letter::opened(&journal, self.now) {
                Some(opened) => {
                    self.scan.feed(&opened.bytes);
                    (mail, lost) = (Some(opened.mail), opened.lost);
                }
                None => self.scan.feed(&journal),
            }
        }
        let mail = mail.unwrap_or_else(|| self.letter.mail(self.now));
        let (report, explained) = self.scan.finish_explained();
        Done { report, explained, mail, lost }
    }
}

/// A mail that was read.
pub(super) struct Done {
    pub(super) report: Report,
    pub(super) explained: Vec<Explained>,
    pub(super) mail: Mail,
    /// Recipients of a journal report that are no addresses.
    pub(super) lost: usize,
}
