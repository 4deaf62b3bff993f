//! Readings beside the first: a leaf decoded otherwise, an entity by its other header, a file that stands uuencoded in
//! a text.
//!
//! Each has a reader of its own with a report of its own, since the order in which bytes come to two readers depends on
//! how they were cut, and a report must not. The reports are joined when the first reading has ended
//! ([`Reader::settle`]): first what the first reading saw, then what only another one did. Made at the first need, so a
//! mail that is read in one way pays nothing; within a second reading there is no second one of the same kind, so they
//! are few. Tests: `tests/malformed.rs`, `tests/chunking.rs`.

use super::{Mode, Reader};
use crate::extract;
use crate::mime::{
    Enclosed, MailSink, MboxSplitter, PartSink, Reading, Stream, TextStage, Uuencoded, Walker,
};
use crate::scan::coverage::UnreadKind;
use crate::scan::explained::Explained;
use crate::scan::finding::{MaskedText, Place};
use std::sync::Arc;

/// Why a reader is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Walked(Reading),
    Enclosed,
    /// A charset that no label names.
    Unlabelled,
    /// An attached mail that no label calls one.
    Mail,
}

impl Kind {
    const fn bit(self) -> u8 {
        match self {
            Self::Walked(Reading::Entity) => 1,
            Self::Walked(Reading::Encoding) => 2,
            Self::Walked(Reading::Charset) => 4,
            Self::Walked(Reading::Lines) => 8,
            Self::Enclosed => 16,
            Self::Unlabelled => 32,
            Self::Mail => 64,
        }
    }
}

/// The other readers of a reader.
#[derive(Default)]
pub(super) struct Seconds {
    all: Vec<(Kind, Box<Reader>)>,
    /// What kinds of other readings this reader itself lies within.
    within: u8,
    /// It reads what may be nothing: bytes that are no text are no document then.
    pub(super) is_guess: bool,
    uuencoded: Uuencoded,
    /// Wide text that no header told of.
    wide: Option<Box<TextStage>>,
    /// The attached mail that is open, or the mbox.
    mail: Option<Box<Mail>>,
}

/// An attached mail that no label calls one.
struct Mail {
    /// When it begins as an mbox does.
    mbox: Option<MboxSplitter>,
    walker: Walker,
}

/// The mails of an attached mbox, walked one after the other; each has its number in its path.
struct Mails<'a> {
    walker: &'a mut Walker,
    reader: &'a mut Reader,
}

impl MailSink for Mails<'_> {
    fn begin(&mut self, number: u64) {
        let prefix = &mut self.reader.judge.prefix;
        if number > 1 {
            // That of the mail before: its number and a dot.
            let end = prefix.trim_end_matches('.').rfind('.').map_or(0, |at| at + 1);
            prefix.truncate(end);
        }
        prefix.push_str(&number.to_string());
        prefix.push('.');
    }

    fn data(&mut self, bytes: &[u8]) {
        self.walker.feed(bytes, self.reader);
    }

    fn end(&mut self) {
        let next = Walker::new().with_headers(self.reader.judge.rules.header_filter());
        std::mem::replace(self.walker, next).finish(self.reader);
    }
}

impl Seconds {
    fn find(&mut self, kind: Kind) -> Option<&mut Reader> {
        self.all.iter_mut().find(|(one, _)| *one == kind).map(|(_, reader)| &mut **reader)
    }

    /// Whether one of them has found a leak.
    pub(super) fn leak(&self) -> bool {
        self.all.iter().any(|(_, reader)| reader.leaks())
    }

    /// Whether one of them has a document that waits to be opened.
    pub(super) fn has_documents(&self) -> bool {
        self.all.iter().any(|(_, reader)| reader.has_documents())
    }

    /// Gets ready for another message.
    pub(super) fn clear(&mut self) {
        self.all = Vec::new();
        self.within = 0;
        self.is_guess = false;
        self.start_leaf(false);
    }

    /// Gets ready for a leaf; `begun`: a header says uuencode.
    pub(super) fn start_leaf(&mut self, begun: bool) {
        self.uuencoded.start(begun);
        self.wide = None;
        self.mail = None;
    }
}

impl Reader {
    /// The reader of this kind, made when it is the first; `None` within another of its kind.
    fn beside(&mut self, kind: Kind) -> Option<&mut Self> {
        if self.seconds.within & kind.bit() != 0 {
            return None;
        }
        if !self.seconds.all.iter().any(|(one, _)| *one == kind) {
            let mut reader = Self::new(Arc::clone(&self.judge.rules), self.judge.today);
            reader.depth = self.depth;
            reader.inside = self.inside;
            reader.judge.documents = self.judge.documents.beside();
            reader.judge.member.clone_from(&self.judge.member);
            reader.seconds.within = self.seconds.within | kind.bit();
            reader.judge.prefix.clone_from(&self.judge.prefix);
            if self.judge.explained.is_some() {
                reader.explain();
            }
            self.seconds.all.push((kind, Box::new(reader)));
        }
        self.seconds.find(kind)
    }

    /// The reader of another reading of what is being walked.
    pub(super) fn reading(&mut self, reading: Reading) -> Option<&mut Self> {
        let kind = Kind::Walked(reading);
        if reading == Reading::Entity {
            let is_root = self.containers == 0;
            let second = self.beside(kind)?;
            if second.mode == Mode::Closed && second.containers == 0 {
                // What is encrypted in it is the whole message only when the entity is.
                second.outside = usize::from(!is_root);
            }
            return Some(second);
        }
        if self.mode == Mode::Closed {
            return None;
        }
        self.content(kind)
    }

    /// The reader of another reading of the leaf that is open.
    fn content(&mut self, kind: Kind) -> Option<&mut Self> {
        self.beside(kind)?;
        let Self { leaf, seconds, .. } = self;
        let second = seconds.find(kind)?;
        if second.mode == Mode::Closed {
            second.leaf.follow(leaf);
            second.seconds.is_guess = true;
            second.seconds.start_leaf(false);
            second.mode = Mode::Sniffing;
        }
        Some(second)
    }

    /// Whether this reads an entity by its other header.
    pub(super) fn is_second_entity(&self) -> bool {
        self.seconds.within & Kind::Walked(Reading::Entity).bit() != 0
    }

    /// The leaf ended, and with it all other readings of its content.
    pub(super) fn close_readings(&mut self) {
        if self.seconds.all.is_empty() {
            return;
        }
        let walked = [Reading::Encoding, Reading::Lines, Reading::Charset].map(Kind::Walked);
        for kind in walked.into_iter().chain([Kind::Unlabelled]) {
            if let Some(second) = self.seconds.find(kind)
                && second.mode != Mode::Closed
            {
                PartSink::leave(second);
            }
        }
    }

    /// What is neither known nor text, or has no blank: read otherwise when it is wide text or may be EBCDIC.
    pub(super) fn try_wide(&mut self) -> bool {
        let head = self.window.text();
        self.seconds.wide = TextStage::of_unlabelled(head.get(..extract::HEAD).unwrap_or(head)).map(Box::new);
        self.seconds.wide.is_some()
    }

    /// Whether the leaf is wide text that no header told of.
    pub(super) fn is_wide(&self) -> bool {
        self.seconds.wide.is_some()
    }

    /// An attached text that begins as a mail does is walked as one, too: whoever opens it sees its parts decoded,
    /// whatever its label says. `head` is how it begins.
    pub(super) fn begin_mail(&mut self, head: &[u8]) {
        // Two fields are longer.
        if head.len() < 32
            || !matches!(self.leaf.place, Place::Attachment(_))
            || !extract::begins_as_mail(head)
        {
            return;
        }
        let prefix = format!("{}{}.", self.judge.prefix, self.leaf.path);
        let (member, filter) = (self.judge.member.clone(), self.judge.rules.header_filter());
        let Some(second) = self.beside(Kind::Mail) else {
            // One within one: its text is read, and what is encoded in it is not.
            return self.judge.unread(&self.leaf.path, UnreadKind::Limit, "unlabelled-mail-too-deep");
        };
        second.judge.prefix = prefix;
        second.judge.member = member;
        // What is encrypted in it is not the whole message.
        second.outside = 1;
        let mbox = head.starts_with(b"From ").then(|| MboxSplitter::after(0));
        self.seconds.mail = Some(Box::new(Mail { mbox, walker: Walker::new().with_headers(filter) }));
        self.feed_mail(head);
    }

    fn feed_mail(&mut self, bytes: &[u8]) {
        if let Some(mut mail) = self.seconds.mail.take() {
            if let Some(reader) = self.seconds.find(Kind::Mail) {
                match &mut *mail {
                    Mail { mbox: Some(mbox), walker } => mbox.feed(bytes, &mut Mails { walker, reader }),
                    Mail { mbox: None, walker } => walker.feed(bytes, reader),
                }
            }
            self.seconds.mail = Some(mail);
        }
    }

    fn finish_mail(&mut self) {
        let Some(mail) = self.seconds.mail.take() else { return };
        let Some(reader) = self.seconds.find(Kind::Mail) else { return };
        match *mail {
            Mail { mbox: Some(mbox), mut walker } => mbox.finish(&mut Mails { walker: &mut walker, reader }),
            Mail { mbox: None, walker } => walker.finish(reader),
        }
    }

    /// Sweeps text that may have to become UTF-8 first.
    pub(super) fn read_text(&mut self, bytes: &[u8]) {
        self.feed_mail(bytes);
        let Some(mut wide) = self.seconds.wide.take() else {
            self.look_within(bytes);
            return self.sweep(bytes);
        };
        wide.feed(bytes, &mut |stream, text| match stream {
            Stream::Main => {
                self.look_within(text);
                self.sweep(text);
            }
            Stream::Other => {
                if let Some(second) = self.content(Kind::Unlabelled) {
                    PartSink::data(second, text);
                }
            }
        });
        self.seconds.wide = Some(wide);
    }

    /// Looks for files in the text.
    pub(super) fn look_within(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || self.seconds.within & Kind::Enclosed.bit() != 0 {
            return;
        }
        let mut uuencoded = std::mem::take(&mut self.seconds.uuencoded);
        uuencoded.feed(bytes, &mut |piece| self.enclosed(piece));
        self.seconds.uuencoded = uuencoded;
    }

    /// The text ended, and with it the file in it and the half a letter of wide text.
    pub(super) fn finish_within(&mut self) {
        self.finish_mail();
        if let Some(mut wide) = self.seconds.wide.take() {
            wide.finish(&mut |stream, text| {
                if stream == Stream::Main {
                    self.sweep(text);
                }
            });
        }
        let mut uuencoded = std::mem::take(&mut self.seconds.uuencoded);
        uuencoded.finish(&mut |piece| self.enclosed(piece));
        self.seconds.uuencoded = uuencoded;
    }

    /// A file in the text is read as an attachment is.
    fn enclosed(&mut self, piece: Enclosed<'_>) {
        if self.beside(Kind::Enclosed).is_none() {
            return;
        }
        let Self { leaf, seconds, .. } = self;
        let Some(file) = seconds.find(Kind::Enclosed) else { return };
        match piece {
            Enclosed::Begin(name) => {
                let name = String::from_utf8_lossy(name);
                file.leaf.follow(leaf);
                "application".clone_into(&mut file.leaf.main);
                "octet-stream".clone_into(&mut file.leaf.sub);
                file.leaf.place = Place::Attachment(MaskedText::new(&name));
                file.seconds.start_leaf(false);
                file.mode = Mode::Sniffing;
                file.short_text(&leaf.path, &Place::FileName, None, name.as_bytes());
            }
            Enclosed::Data(data) => PartSink::data(file, data),
            Enclosed::End => PartSink::leave(file),
        }
    }

    /// Joins what the other readings saw to the report of the first.
    pub(super) fn settle(&mut self) {
        let mut all = std::mem::take(&mut self.seconds.all);
        // Which was made first depends on how the bytes were cut.
        all.sort_by_key(|(kind, _)| kind.bit());
        for (_, mut second) in all {
            second.settle();
            self.judge.documents.absorb(std::mem::take(&mut second.judge.documents));
            let report = std::mem::take(&mut second.judge.report);
            self.judge.report.absorb(report);
            if let (Some(all), Some(others)) = (&mut self.judge.explained, second.judge.explained.take()) {
                Explained::absorb(all, others);
            }
        }
    }

    /// Whether a leak has been found in any reading so far.
    pub(in crate::scan) fn leaks(&self) -> bool {
        self.judge.report.leaks() || self.seconds.leak()
    }
}
