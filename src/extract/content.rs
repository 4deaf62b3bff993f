//! What is told of a document while it is read: texts, where in it they stand, and what could not be read.
//!
//! A [`Content`] is told [`Event`]s in order, like a sink of the walker. A document that holds files tells their bytes as
//! they are, with their names: whoever listens finds out what they are, and may have them opened in turn. So no reader
//! of a form knows another, and nothing here is recursive. Start reading at [`Event`].

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A text or a file begins; the bytes until [`Event::Leave`] are its own.
    Enter(Member<'a>),
    /// What follows stands here. Holds until the next one.
    Spot(Spot<'a>),
    /// Bytes of what was entered, cut anywhere.
    Data(&'a [u8]),
    /// It ended.
    Leave,
    /// Something was not read: of what was entered, else of the document.
    Unread(Unread),
}

/// A text or a file in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name in the archive; empty when it is the document's own text.
    pub name: &'a str,
    /// Its media type as far as it is known, such as `text/plain` or `message/rfc822`; a claim as any label is, and
    /// empty when there is none.
    pub media: &'a str,
}

impl<'a> Member<'a> {
    /// The document's own text.
    pub const TEXT: Member<'static> = Member { name: "", media: "text/plain" };

    /// A file within it; its ending says what it may be, where its bytes do not.
    pub fn file(name: &'a str) -> Self {
        const ENDINGS: [(&str, &str); 9] = [
            (".eml", "message/rfc822"),
            (".mht", "message/rfc822"),
            (".mhtml", "message/rfc822"),
            (".csv", "text/csv"),
            (".tsv", "text/tab-separated-values"),
            (".htm", "text/html"),
            (".html", "text/html"),
            (".json", "application/json"),
            (".xml", "application/xml"),
        ];
        let ends = |ending: &str| {
            let at = name.len().checked_sub(ending.len());
            at.and_then(|at| name.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
        };
        let media = ENDINGS.iter().find(|(ending, _)| ends(ending)).map_or("", |(_, media)| media);
        Self { name, media }
    }
}

/// Where in a document something stands, as its reader would say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot<'a> {
    /// Page, from 1.
    Page(u32),
    /// Slide, from 1.
    Slide(u32),
    /// Paragraph, from 1.
    Paragraph(u32),
    /// Sheet, by its name; cells follow.
    Sheet(&'a str),
    /// Cell of the sheet, both from 1.
    Cell {
        /// The row's number, from 1.
        row: u32,
        /// The column's, from 1: 1 is A.
        column: u32,
    },
    /// A place with a name: a form field, a comment, the properties.
    Named(&'a str),
}

/// Why something in a document was not read. Its [`Unread::word`] is what people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Unread {
    /// It asks for a password.
    Password,
    /// It is encrypted to a certificate or by a scheme of its own.
    Encrypted,
    /// It is broken, or not what it seems to be.
    Damaged,
    /// It has letters of which nobody says which they are.
    UnmappedGlyphs,
    /// It shows pictures, in which a text may stand.
    Picture,
    /// It is of a form that is not opened.
    UnknownForm,
    /// It is larger than the limit, or what it unfolds to is.
    TooLarge,
    /// It unfolds to too much for its size.
    TooCompressed,
    /// It holds too many files.
    TooMany,
    /// It lies in too many others.
    TooDeep,
    /// It took too long.
    Time,
    /// It took too much memory.
    Memory,
    /// What reads it broke down.
    Crashed,
    /// The machine had no process, no descriptor or no memory left to read it with.
    Shortage,
    /// It is packed by a method that is not unpacked.
    UnknownMethod,
}

/// What kind of trouble it is; the policy asks for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Encrypted to somebody else.
    Encrypted,
    /// Locked with a password.
    Password,
    /// A text that was not recognised, in a picture.
    Image,
    /// A form that is not opened.
    Document,
    /// Broken so that some of it may be lost to us and not to its reader.
    Damaged,
    /// Over a limit.
    Limit,
}

impl Unread {
    /// All of them; their place here is their number on the wire.
    pub const ALL: [Self; 15] = [
        Self::Password,
        Self::Encrypted,
        Self::Damaged,
        Self::UnmappedGlyphs,
        Self::Picture,
        Self::UnknownForm,
        Self::TooLarge,
        Self::TooCompressed,
        Self::TooMany,
        Self::TooDeep,
        Self::Time,
        Self::Memory,
        Self::Crashed,
        Self::Shortage,
        Self::UnknownMethod,
    ];

    /// What people are told.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Encrypted => "encrypted-document",
            Self::Damaged => "damaged-document",
            Self::UnmappedGlyphs => "unmapped-glyphs",
            Self::Picture => "picture",
            Self::UnknownForm => "unknown-form",
            Self::TooLarge => "too-large",
            Self::TooCompressed => "too-compressed",
            Self::TooMany => "too-many-members",
            Self::TooDeep => "too-deep",
            Self::Time => "too-slow",
            Self::Memory => "too-much-memory",
            Self::Crashed => "reader-broke-down",
            Self::Shortage => "machine-is-full",
            Self::UnknownMethod => "unknown-compression",
        }
    }

    /// What kind of trouble it is.
    pub const fn trouble(self) -> Trouble {
        match self {
            Self::Password => Trouble::Password,
            Self::Encrypted => Trouble::Encrypted,
            Self::Picture => Trouble::Image,
            Self::UnknownForm | Self::UnknownMethod => Trouble::Document,
            // A page whose letters say nothing is as good as a broken one: its reader sees what we do not.
            Self::Damaged | Self::UnmappedGlyphs | Self::Crashed => Trouble::Damaged,
            Self::TooLarge
            | Self::TooCompressed
            | Self::TooMany
            | Self::TooDeep
            | Self::Time
            | Self::Memory
            | Self::Shortage => Trouble::Limit,
        }
    }
}

/// Who is told.
pub trait Content {
    /// The next event.
    fn event(&mut self, event: Event<'_>);
}

impl<F: FnMut(Event<'_>)> Content for F {
    fn event(&mut self, event: Event<'_>) {
        self(event);
    }
}

/// What may be unfolded of one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a document, and bytes that may be told of it.
    pub bytes: u64,
    /// Bytes told for each byte of the document, once more than [`Limits::RATIO_FROM`] were told.
    pub ratio: u64,
    /// Files in it.
    pub members: u32,
    /// Whether letters in pictures will be recognised. Otherwise they are told by what they are, and not drawn.
    pub pictures: bool,
}

impl Limits {
    /// What is less than this is no bomb, however small the document.
    pub const RATIO_FROM: u64 = 10 * 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 * 1024 * 1024, ratio: 200, members: 2000, pictures: true }
    }
}

/// What the reader of a form writes to: passes on what is told, within the limits. What lies beyond is dropped and told
/// as unread, once; [`Page::is_full`] says when there is no point in going on.
pub struct Page<'a> {
    content: &'a mut dyn Content,
    limits: Limits,
    /// Bytes of the document that is read.
    size: u64,
    told: u64,
    members: u32,
    /// An entered text is open.
    open: bool,
    full: Option<Unread>,
}

impl<'a> Page<'a> {
    /// For a document of so many bytes.
    pub fn new(content: &'a mut dyn Content, limits: Limits, size: u64) -> Self {
        Self { content, limits, size, told: 0, members: 0, open: false, full: None }
    }

    /// Whether a limit has been reached: nothing more is passed on.
    pub fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// How many bytes may still be told: a reader that unfolds asks for no more at a time.
    pub fn left(&self) -> u64 {
        let most = self.limits.bytes.min(Limits::RATIO_FROM.max(self.size.saturating_mul(self.limits.ratio)));
        if self.is_full() { 0 } else { most.saturating_sub(self.told) }
    }

    /// How many files may still be told.
    pub fn members_left(&self) -> u32 {
        self.limits.members.saturating_sub(self.members)
    }

    /// Whether pictures are worth drawing.
    pub fn wants_pictures(&self) -> bool {
        self.limits.pictures
    }

    /// A text or a file begins; one that is open ends.
    pub fn enter(&mut self, member: Member<'_>) {
        self.leave();
        if !member.name.is_empty() {
            self.members = self.members.saturating_add(1);
            if self.members > self.limits.members {
                self.stop(Unread::TooMany);
            }
        }
        if !self.is_full() {
            self.content.event(Event::Enter(member));
            self.open = true;
        }
    }

    /// What follows stands here.
    pub fn spot(&mut self, spot: Spot<'_>) {
        // A spot is told in memory too: a sheet of empty cells is not free.
        self.told = self.told.saturating_add(1);
        if self.open && !self.is_full() {
            self.content.event(Event::Spot(spot));
        }
    }

    /// Bytes of what was entered; the document's own text is entered by itself.
    pub fn data(&mut self, bytes: &[u8]) {
        if !self.open && !self.is_full() {
            self.enter(Member::TEXT);
        }
        let left = self.left();
        let fits = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (now, beyond) = bytes.split_at(fits);
        self.told = self.told.saturating_add(now.len() as u64);
        if !now.is_empty() && !self.is_full() {
            self.content.event(Event::Data(now));
        }
        if !beyond.is_empty() {
            let is_size = self.told >= self.limits.bytes;
            self.stop(if is_size { Unread::TooLarge } else { Unread::TooCompressed });
        }
    }

    /// Text, likewise.
    pub fn text(&mut self, text: &str) {
        self.data(text.as_bytes());
    }

    /// What was entered ended.
    pub fn leave(&mut self) {
        if std::mem::take(&mut self.open) {
            self.content.event(Event::Leave);
        }
    }

    /// Something was not read.
    pub fn unread(&mut self, unread: Unread) {
        if !self.is_full() {
            self.content.event(Event::Unread(unread));
        }
    }

    /// A limit is reached: told, and nothing after it.
    pub fn stop(&mut self, why: Unread) {
        if self.full.is_none() {
            self.content.event(Event::Unread(why));
            self.leave();
            self.full = Some(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(limits: Limits, size: u64, work: impl FnOnce(&mut Page<'_>)) -> (Vec<u8>, Vec<Unread>, i32) {
        let (mut bytes, mut unread, mut open) = (Vec::new(), Vec::new(), 0);
        let mut content = |event: Event<'_>| match event {
            Event::Enter(_) => open += 1,
            Event::Leave => open -= 1,
            Event::Data(data) => bytes.extend_from_slice(data),
            Event::Unread(why) => unread.push(why),
            Event::Spot(_) => {}
        };
        let mut page = Page::new(&mut content, limits, size);
        work(&mut page);
        page.leave();
        (bytes, unread, open)
    }

    #[test]
    fn what_lies_beyond_a_limit_is_dropped_and_told_once() {
        let limits = Limits { bytes: 10, ratio: 200, members: 2, ..Limits::default() };
        let (bytes, unread, open) = told(limits, 1, |page| {
            page.text("123456");
            page.text("789012");
            page.text("345");
            page.unread(Unread::Damaged);
        });
        assert_eq!(
            (bytes.as_slice(), unread.as_slice(), open),
            (b"1234567890".as_slice(), [Unread::TooLarge].as_slice(), 0)
        );
        let (_, unread, open) = told(limits, 1, |page| {
            for name in ["a", "b", "c", "d"] {
                page.enter(Member::file(name));
            }
        });
        assert_eq!((unread.as_slice(), open), ([Unread::TooMany].as_slice(), 0));
    }

    #[test]
    fn a_small_document_may_unfold_to_some_and_not_to_any_size() {
        let limits = Limits { bytes: 1 << 30, ratio: 200, members: 2, ..Limits::default() };
        let piece = vec![b'x'; 1024 * 1024];
        let (bytes, unread, _) = told(limits, 1000, |page| (0..11).for_each(|_| page.data(&piece)));
        assert_eq!(
            (bytes.len() as u64, unread.as_slice()),
            (Limits::RATIO_FROM, [Unread::TooCompressed].as_slice())
        );
        let (bytes, unread, _) = told(limits, 100_000, |page| (0..11).for_each(|_| page.data(&piece)));
        assert_eq!((bytes.len(), unread.len()), (11 * 1024 * 1024, 0));
    }

    #[test]
    fn every_reason_has_its_own_word_and_number() {
        let words: std::collections::BTreeSet<_> = Unread::ALL.iter().map(|one| one.word()).collect();
        assert_eq!(words.len(), Unread::ALL.len());
        assert!(Unread::ALL.iter().enumerate().all(|(nr, one)| *one as usize == nr));
    }
}
