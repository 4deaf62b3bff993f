//! Documents: gathered while their bytes stream, opened when the message has ended.
//!
//! Opening takes longer than reading a text and is done by others ([`Opener`]), so the walk does not wait for it. What
//! is told of a document is read by a reader of its own, like the mail in a signature: a text is swept, a file is told by
//! its first bytes, and when it is a document itself it is gathered and opened in its turn. So documents in documents
//! are a queue and no recursion. Start reading at [`Reader::open_documents`].

use super::behind::Behind;
use super::{Leaf, Mode, Reader};
use crate::extract::content::{Content, Event, Member, Spot, Trouble, Unread};
use crate::extract::{Document, Kind, Opener};
use crate::mime::{PartSink, Walker};
use crate::scan::coverage::UnreadKind;
use crate::scan::finding::{MaskedText, Place, Position};
use std::collections::VecDeque;
use std::sync::Arc;

/// A document that waits to be opened.
pub(super) struct Pending {
    document: Box<dyn Document>,
    /// The leaf that it is.
    leaf: Leaf,
    /// What paths begin with there.
    prefix: String,
    /// How many documents it lies within.
    depth: usize,
    /// Where a picture stands in the one that it lies in.
    position: Option<Position>,
}

/// The documents of a message.
#[derive(Default)]
pub(super) struct Documents {
    /// Who opens them; nobody does without.
    opener: Option<Arc<dyn Opener>>,
    pending: VecDeque<Pending>,
}

impl Documents {
    pub(super) fn clear(&mut self) {
        self.opener = None;
        self.pending.clear();
    }

    /// For another reading of the same message.
    pub(super) fn beside(&self) -> Self {
        Self { opener: self.opener.clone(), pending: VecDeque::new() }
    }

    /// Takes over what another reading gathered.
    pub(super) fn absorb(&mut self, mut other: Self) {
        self.pending.append(&mut other.pending);
    }

    pub(super) fn has_opener(&self) -> bool {
        self.opener.is_some()
    }

    pub(super) fn set_opener(&mut self, opener: Arc<dyn Opener>) {
        self.opener = Some(opener);
    }
}

impl Reader {
    /// The open leaf is a document or a picture: gathers it, or notes that nobody will open it.
    pub(super) fn gather(&mut self, kind: Kind, form: &'static str) {
        let unread = match kind {
            Kind::Document => UnreadKind::Document,
            Kind::Picture => UnreadKind::Image,
        };
        // Sound and film have no letters, and what shows the rest of the forms is not at hand.
        let is_readable = kind == Kind::Document || matches!(form, "png" | "jpeg" | "tiff" | "bmp");
        let opener = self.judge.documents.opener.clone().filter(|_| is_readable);
        let deepest = opener.as_ref().map_or(0, |opener| opener.deepest());
        self.look_behind(kind);
        let Some(mut document) = opener.and_then(|opener| opener.begin(kind)) else {
            self.judge.unread(&self.leaf.path, unread, form);
            return self.pass();
        };
        if self.inside > deepest {
            self.judge.unread(&self.leaf.path, UnreadKind::Limit, Unread::TooDeep.word());
            return self.pass();
        }
        document.data(self.window.text());
        self.window.clear();
        self.gathered = Some(document);
        self.mode = Mode::Gathering;
    }

    /// Behind a picture, of whatever form, a document may stand.
    fn look_behind(&mut self, kind: Kind) {
        if kind == Kind::Picture {
            self.begin_behind();
        }
    }

    /// Behind a text as well, when whoever gets it may open it as something else: by its label, or by its name.
    pub(super) fn look_behind_text(&mut self) {
        // The shortest archive with a file in it (APPNOTE 6.3 §4.3).
        if self.window.text().len() < 30 + 46 + 22 {
            return;
        }
        let Leaf { main, place, is_told, .. } = &self.leaf;
        let is_opened_as_text = || {
            matches!(main.as_str(), "text" | "message" | "multipart")
                && !matches!(place, Place::Attachment(name) if has_document_name(&name.to_string()))
        };
        if !is_told && !self.seconds.is_guess && !is_opened_as_text() {
            self.begin_behind();
        }
    }

    fn begin_behind(&mut self) {
        let opener = self.judge.documents.opener.clone();
        let opener = opener.filter(|opener| self.inside <= opener.deepest());
        self.behind = opener.map(|opener| {
            let mut behind = Behind::new(opener);
            behind.feed(self.window.text());
            Box::new(behind)
        });
    }

    /// The document is whole, or the picture with what stands behind it.
    pub(super) fn keep_document(&mut self) {
        let behind = self.behind.take();
        // Only a picture has no better place of its own.
        let position = behind.as_ref().and_then(|_| self.judge.positions.last().cloned());
        let behind =
            behind.into_iter().flat_map(|behind| behind.documents()).map(|document| (document, None));
        for (document, position) in self.gathered.take().map(|one| (one, position)).into_iter().chain(behind)
        {
            let (leaf, prefix, depth) = (self.leaf.clone(), self.judge.prefix.clone(), self.inside);
            let pending = Pending { document, leaf, prefix, depth, position };
            self.judge.documents.pending.push_back(pending);
        }
    }

    /// Whether a document waits to be opened: ending the message takes a while then.
    pub(in crate::scan) fn has_documents(&self) -> bool {
        !self.judge.documents.pending.is_empty()
            || self.mode == Mode::Gathering
            || self.behind.as_ref().is_some_and(|behind| behind.has_documents())
            || self.seconds.has_documents()
            || self.opened.as_ref().is_some_and(|opened| opened.has_documents())
    }

    /// Opens all documents, and those in them, when all else has been read.
    pub(in crate::scan) fn open_documents(&mut self) {
        while let Some(Pending { document, leaf, mut prefix, depth, position }) =
            self.judge.documents.pending.pop_front()
        {
            let mut reader = Self::new(Arc::clone(&self.judge.rules), self.judge.today);
            reader.inside = depth + 1;
            reader.window.show_all(self.judge.explained.is_some());
            std::mem::swap(&mut self.judge.prefix, &mut prefix);
            std::mem::swap(&mut self.judge, &mut reader.judge);
            let mut inside = Inside { reader, host: leaf, mail: None, position };
            document.open(&mut inside);
            let Inside { mut reader, .. } = inside;
            reader.settle();
            reader.judge.member = None;
            std::mem::swap(&mut self.judge, &mut reader.judge);
            self.judge.prefix = prefix;
        }
    }
}

/// Whether a file of this name (masked: `7z` shows no digit) is opened by a program that finds documents within files.
fn has_document_name(name: &str) -> bool {
    const ENDINGS: [&str; 11] =
        ["zip", "*z", "pdf", "docx", "xlsx", "pptx", "docm", "xlsm", "odt", "ods", "odp"];
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.iter().any(|one| ending.eq_ignore_ascii_case(one))
}

/// What is told of a document, read.
struct Inside {
    /// It has the message's judge.
    reader: Reader,
    /// The leaf that the document is.
    host: Leaf,
    /// The mail that is being told.
    mail: Option<Box<(Walker, Reader)>>,
    /// Where a picture stands in the document that it lies in.
    position: Option<Position>,
}

impl Inside {
    fn enter(&mut self, Member { name, media }: Member<'_>) {
        let Self { reader, host, mail, position } = self;
        let place = match &host.place {
            place if name.is_empty() => place.clone(),
            Place::Attachment(outer) => Place::Attachment(outer.within(name)),
            Place::Header(_) | Place::OtherHeader(_) | Place::Body | Place::FileName => {
                Place::Attachment(MaskedText::new("").within(name))
            }
        };
        reader.judge.member = match &place {
            Place::Attachment(name) => Some(name.clone()),
            Place::Header(_) | Place::OtherHeader(_) | Place::Body | Place::FileName => None,
        };
        if !name.is_empty() {
            reader.short_text(&host.path, &Place::FileName, None, name.as_bytes());
        }
        let (main, sub) = media.split_once('/').unwrap_or_default();
        if (main, sub) == ("message", "rfc822") {
            let judge = &reader.judge;
            let mut inner = Reader::new(Arc::clone(&judge.rules), judge.today);
            inner.inside = reader.inside;
            inner.window.show_all(judge.explained.is_some());
            // What is encrypted in it is not the whole message.
            inner.outside = 1;
            let walker = Walker::new().with_headers(judge.rules.header_filter());
            reader.leaf.path.copy_from(&host.path);
            *mail = Some(Box::new((walker, inner)));
            return;
        }
        let leaf = &mut reader.leaf;
        leaf.path.copy_from(&host.path);
        leaf.place = place;
        main.clone_into(&mut leaf.main);
        sub.clone_into(&mut leaf.sub);
        leaf.is_root = false;
        // What a reader of a form has read is text; the form's own mark may stand in it, and is not opened once more.
        leaf.is_told = name.is_empty();
        reader.seconds.start_leaf(false);
        reader.mode = Mode::Sniffing;
        if let Some(position) = position.clone() {
            reader.judge.positions.begin(reader.window.ends(), position);
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        let Self { reader, mail, .. } = self;
        match mail.as_deref_mut() {
            Some((walker, inner)) => reader.lend_judge(inner, |inner| walker.feed(bytes, inner)),
            None => reader.data(bytes),
        }
    }

    fn leave(&mut self) {
        let Self { reader, mail, .. } = self;
        if let Some((walker, mut inner)) = mail.take().map(|mail| *mail) {
            reader.lend_judge(&mut inner, |inner| {
                walker.finish(inner);
                inner.settle();
            });
        } else {
            reader.leave();
            reader.judge.positions.clear();
        }
        reader.judge.member = None;
    }

    fn spot(&mut self, spot: Spot<'_>) {
        if self.position.is_some() {
            return;
        }
        let Reader { judge, window, .. } = &mut self.reader;
        judge.positions.add(window.begins(), window.ends(), spot);
    }

    fn unread(&mut self, why: Unread) {
        let kind = match why.trouble() {
            Trouble::Encrypted => UnreadKind::Encrypted,
            Trouble::Password => UnreadKind::Password,
            Trouble::Image => UnreadKind::Image,
            Trouble::Document => UnreadKind::Document,
            Trouble::Damaged => UnreadKind::Damaged,
            Trouble::Limit => UnreadKind::Limit,
        };
        self.reader.judge.unread(&self.host.path, kind, why.word());
    }
}

impl Content for Inside {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Enter(member) => self.enter(member),
            Event::Data(bytes) => self.data(bytes),
            Event::Leave => self.leave(),
            Event::Spot(spot) => self.spot(spot),
            Event::Unread(why) => self.unread(why),
        }
    }
}

/// Whether a document can have such a place: a larger number is made to be shown, and may be anything (invariant 7).
fn may_be(position: &Position) -> bool {
    match position {
        Position::Page(nr) | Position::Slide(nr) | Position::Paragraph(nr) => *nr < 1_000_000,
        // What Excel has (ECMA-376).
        Position::Cell { row, column, .. } => *row <= 1_048_576 && *column <= 16_384,
        Position::Sheet(_) | Position::Named(_) => true,
    }
}

/// Where in the document what the window holds stands.
#[derive(Default)]
pub(super) struct Positions {
    /// From this offset in the text on.
    all: VecDeque<(u64, Position)>,
    sheet: Option<Arc<MaskedText>>,
}

impl Positions {
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.sheet = None;
    }

    /// What follows the offset `ends` stands there, until another place is told.
    fn begin(&mut self, ends: u64, position: Position) {
        self.all.push_back((ends, position));
    }

    /// Where what came last stands.
    fn last(&self) -> Option<&Position> {
        self.all.back().map(|(_, position)| position)
    }

    /// What follows the offset `ends` stands at `spot`; before `begins`, nothing is asked any more.
    fn add(&mut self, begins: u64, ends: u64, spot: Spot<'_>) {
        let position = match spot {
            Spot::Page(nr) => Position::Page(nr),
            Spot::Slide(nr) => Position::Slide(nr),
            Spot::Paragraph(nr) => Position::Paragraph(nr),
            Spot::Named(name) => Position::Named(MaskedText::of_short(name)),
            Spot::Cell { row, column } => Position::Cell { sheet: self.sheet.clone(), row, column },
            Spot::Sheet(name) => {
                let name = Arc::new(MaskedText::of_short(name));
                self.sheet = Some(Arc::clone(&name));
                Position::Sheet(name)
            }
        };
        if !may_be(&position) {
            return;
        }
        while self.all.get(1).is_some_and(|(at, _)| *at <= begins) {
            self.all.pop_front();
        }
        if self.all.back().is_some_and(|(at, _)| *at == ends) {
            self.all.pop_back();
        }
        self.all.push_back((ends, position));
    }

    /// What stands at this offset.
    pub(super) fn at(&self, offset: u64) -> Option<&Position> {
        let next = self.all.partition_point(|(at, _)| *at <= offset);
        self.all.get(next.checked_sub(1)?).map(|(_, position)| position)
    }
}
