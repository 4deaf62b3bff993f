//! What the walker finds, turned into findings and coverage.
//!
//! A part's first bytes tell what it is ([`extract::sniff`]); text goes through the window to the evidence
//! (`reader/judge.rs`), a document is gathered and opened when the mail has ended (`reader/document.rs`), anything else
//! is noted as unread. Headers and file names are short texts of their own. What can be read in more than one way is
//! read in each (`reader/second.rs`); a signed mail is opened (`reader/signature.rs`). Of bodies, only documents are kept,
//! and until they have been opened.

mod behind;
mod document;
mod judge;
mod second;
mod signature;
mod words;

use super::coverage::UnreadKind;
use super::explained::Explained;
use super::finding::{MaskedText, Place};
use super::report::{Protection, Report};
use super::ruleset::Ruleset;
use super::subject::Subject;
use super::window::{self, Hit, Window};
use crate::cpr::date::Day;
use crate::extract::fold::{Unfold, is_folded};
use crate::extract::pgp;
use crate::extract::{self, Claim, Document, Nature, Opener};
use crate::mime::{
    Class, Disposition, HeaderName, Part, PartKind, PartPath, PartSink, Problem, Reading, TransferEncoding,
};
use judge::Judge;
use second::Seconds;
use signature::{DEEPEST_SIGNATURE, Opened};
use std::sync::Arc;
use words::{header_word, is_pgp_mime, reason};

/// What is being done with the bytes of the open leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// No leaf is open.
    Closed,
    /// Its first bytes are gathered in the window.
    Sniffing,
    /// It is read.
    Reading,
    /// It was told what it is, and is not read.
    Passing,
    /// It is an opaque signature; the mail in it is read.
    Opening,
    /// It is a document, gathered to be opened when the message has ended.
    Gathering,
}

/// The open leaf.
#[derive(Clone)]
struct Leaf {
    path: PartPath,
    place: Place,
    main: String,
    sub: String,
    /// Whether it is the content of the message as a whole.
    is_root: bool,
    /// Whether it is a text that was read out of a document: it is text whatever it begins with.
    is_told: bool,
}

impl Leaf {
    /// Takes over what another one is, in this one's memory: it is no longer the message as a whole.
    fn follow(&mut self, other: &Self) {
        let Self { path, place, main, sub, is_root, is_told } = self;
        *is_told = other.is_told;
        path.copy_from(&other.path);
        place.clone_from(&other.place);
        main.clone_from(&other.main);
        sub.clone_from(&other.sub);
        *is_root = false;
    }

    fn clear(&mut self) {
        let Self { path, place, main, sub, is_root, is_told } = self;
        path.copy_from(&PartPath::default());
        *place = Place::Body;
        main.clear();
        sub.clear();
        (*is_root, *is_told) = (false, false);
    }
}

/// The sink of a scan.
pub(super) struct Reader {
    judge: Judge,
    window: Window,
    mode: Mode,
    leaf: Leaf,
    /// Takes the folds out of the open leaf, when it is a calendar or a card.
    unfold: Option<Unfold>,
    /// Multiparts and messages that are open.
    containers: usize,
    /// The opaque signature that is open, while `mode` is `Opening`.
    opened: Option<Box<Opened>>,
    /// How many opaque signatures this reader lies within.
    depth: usize,
    /// The document that is open, while `mode` is `Gathering`.
    gathered: Option<Box<dyn Document>>,
    /// What may stand behind the picture or the text that is open.
    behind: Option<Box<behind::Behind>>,
    /// How many documents this reader lies within.
    inside: usize,
    /// How many containers this reader lies within that it was not told of.
    outside: usize,
    /// The other readings.
    seconds: Seconds,
    /// Set while the children of a `multipart/encrypted` are read; whether that is the message as a whole.
    pgp: Option<PgpContainer>,
    /// What the last message's sketch was gathered in.
    sketch_memory: Vec<u8>,
    /// And its subject.
    subject_memory: Vec<u8>,
}

#[derive(Clone, Copy)]
struct PgpContainer {
    depth: usize,
    is_root: bool,
}

impl Reader {
    pub(super) fn new(rules: Arc<Ruleset>, today: Day) -> Self {
        Self {
            judge: Judge::new(rules, today),
            window: Window::new(),
            mode: Mode::Closed,
            unfold: None,
            leaf: Leaf {
                path: PartPath::default(),
                place: Place::Body,
                main: String::new(),
                sub: String::new(),
                is_root: false,
                is_told: false,
            },
            opened: None,
            depth: 0,
            gathered: None,
            behind: None,
            inside: 0,
            containers: 0,
            outside: 0,
            seconds: Seconds::default(),
            pgp: None,
            sketch_memory: Vec::new(),
            subject_memory: Vec::new(),
        }
    }

    /// A reader whose one leaf is open: a document by itself, of this media type.
    pub(super) fn document(rules: Arc<Ruleset>, today: Day, media: &str) -> Self {
        let mut reader = Self::new(rules, today);
        let (main, sub) = media.split_once('/').unwrap_or((media, ""));
        reader.leaf.main = main.to_ascii_lowercase();
        reader.leaf.sub = sub.to_ascii_lowercase();
        reader.mode = Mode::Sniffing;
        reader
    }

    pub(super) fn count(&mut self, bytes: usize) {
        self.judge.report.sketch.count(bytes);
    }

    pub(super) fn report(&self) -> &Report {
        &self.judge.report
    }

    /// The subject, once the message's header has ended.
    pub(super) fn subject(&self) -> Option<&Subject> {
        (self.containers > 0 || self.mode != Mode::Closed).then_some(&self.judge.report.subject)
    }

    /// Has documents opened by `opener`.
    pub(super) fn open_by(&mut self, opener: Arc<dyn Opener>) {
        self.judge.documents.set_opener(opener);
    }

    /// From now on, keeps the evidence of every candidate.
    pub(super) fn explain(&mut self) {
        self.judge.explained = Some(Vec::new());
        self.window.show_all(true);
    }

    /// The report, and what became of every candidate since [`Self::explain`].
    pub(super) fn take_explained(&mut self) -> (Report, Vec<Explained>) {
        self.settle();
        self.open_documents();
        // A spare reader must not keep the workers of a configuration that is gone.
        self.judge.documents.clear();
        let mut report = std::mem::take(&mut self.judge.report);
        if report.findings.is_empty() && report.clean().is_some() {
            // Nobody will ask what a clean mail looked like.
            self.sketch_memory = report.sketch.take_text();
            self.subject_memory = report.subject.take_memory();
        }
        (report, self.judge.explained.take().unwrap_or_default())
    }

    /// Gets ready for another message, in the memory that the last one took: of that, nothing but buffers may stay.
    pub(super) fn renew(&mut self, rules: Arc<Ruleset>, today: Day) {
        let Self {
            judge,
            window,
            mode,
            unfold,
            leaf,
            containers,
            opened,
            depth,
            gathered,
            behind,
            inside,
            outside,
            seconds,
            pgp,
            sketch_memory,
            subject_memory,
        } = self;
        judge.renew(rules, today, std::mem::take(sketch_memory));
        judge.report.subject.gather_in(std::mem::take(subject_memory));
        window.clear();
        window.show_all(false);
        *mode = Mode::Closed;
        *unfold = None;
        leaf.clear();
        *opened = None;
        *gathered = None;
        *behind = None;
        (*containers, *depth, *inside, *outside) = (0, 0, 0, 0);
        seconds.clear();
        *pgp = None;
    }

    /// The first bytes are there: decides what to do with the leaf.
    fn decide(&mut self) {
        let head = self.window.text();
        let head = head.get(..extract::HEAD).unwrap_or(head);
        let claim = Claim { main: &self.leaf.main, sub: &self.leaf.sub };
        let is_told = self.leaf.is_told;
        let mut nature = if is_told { Nature::Text } else { extract::sniff(head, claim) };
        let claims_encryption = matches!(self.leaf.sub.as_str(), "pkcs7-mime" | "x-pkcs7-mime")
            || (self.pgp.is_some() && self.leaf.sub == "octet-stream");
        let may_be_other = matches!(nature, Nature::DoubtfulText | Nature::Document("binary"))
            || nature == Nature::Text && memchr::memchr(b' ', head).is_none() && !head.is_ascii();
        if may_be_other && !is_told && self.try_wide() {
            nature = Nature::Text;
        }
        let head = self.window.text();
        let path = &self.leaf.path;
        let judge = &mut self.judge;
        if self.leaf.main == "message" && self.leaf.sub == "partial" {
            // RFC 2046 §5.2.2: its reader joins it with other mails, and a number may lie across them.
            judge.unread(path, UnreadKind::Ambiguous, "partial-message");
        }
        let read = match nature {
            // Text where an encrypted part was promised: read, and the promise is noted as broken.
            Nature::Text | Nature::DoubtfulText if claims_encryption && !head.is_empty() => {
                judge.unread(path, UnreadKind::Ambiguous, "not-encrypted-as-claimed");
                true
            }
            Nature::Text => true,
            // Decoded at a venture: only what is surely a document says something.
            Nature::Document("binary") if self.seconds.is_guess => false,
            Nature::DoubtfulText
            | Nature::CmsEnveloped
            | Nature::CmsSigned
            | Nature::PgpMessage
            | Nature::PgpReadable
                if self.seconds.is_guess =>
            {
                true
            }
            Nature::DoubtfulText => {
                judge.unread(path, UnreadKind::Ambiguous, "nul-in-text");
                true
            }
            // What can be read of it as the text that it is, when nobody opens it.
            Nature::Document(form @ "flat-xml") if !judge.documents.has_opener() => {
                judge.unread(path, UnreadKind::Document, form);
                true
            }
            Nature::Image(form) => return self.gather(extract::Kind::Picture, form),
            Nature::Document(form) => return self.gather(extract::Kind::Document, form),
            // A few first bytes make no promise for the rest: what claims to be encrypted is swept as it stands,
            // and ciphertext has no run of ten digits.
            Nature::CmsEnveloped if self.leaf.is_root => {
                judge.report.protection = Protection::Smime;
                true
            }
            Nature::CmsEnveloped => {
                judge.unread(path, UnreadKind::Encrypted, "smime-enveloped");
                true
            }
            Nature::CmsSigned if self.depth < DEEPEST_SIGNATURE => return self.open_signature(),
            Nature::CmsSigned => {
                judge.unread(path, UnreadKind::Limit, "smime-signed-too-deep");
                true
            }
            Nature::PgpMessage if self.pgp.is_some_and(|pgp| pgp.is_root) => {
                judge.report.protection = Protection::Pgp;
                // Armour has an end, and text may follow it.
                true
            }
            Nature::PgpMessage => {
                judge.unread(path, UnreadKind::Encrypted, "pgp-message");
                true
            }
            // Its reader sees what we do not, and so does everybody else.
            Nature::PgpReadable => {
                judge.unread(path, UnreadKind::Ambiguous, "pgp-not-encrypted");
                true
            }
        };
        if !read {
            return self.pass();
        }
        self.mode = Mode::Reading;
        if self.judge.sketching {
            self.judge.report.sketch.add_text(self.window.text());
        }
        // Most parts made to hurt are short, and room for a whole head is not cleared for them.
        let (mut short, mut long) = ([0; 64], None);
        let text = self.window.text();
        let filled = text.len().min(extract::HEAD);
        let room = if filled <= short.len() {
            short.as_mut_slice()
        } else {
            long.insert([0; extract::HEAD]).as_mut_slice()
        };
        if let (Some(head), Some(text)) = (room.get_mut(..filled), text.get(..filled)) {
            head.copy_from_slice(text);
        }
        let head = room.get(..filled).unwrap_or_default();
        self.unfold = is_folded(head).then(Unfold::default);
        if !self.is_wide() {
            self.begin_mail(head);
            self.look_behind_text();
        }
        if self.is_wide() || self.unfold.is_some() {
            self.window.clear();
            self.read_text(head);
        } else {
            self.look_within(head);
        }
    }

    /// The leaf was told what it is, and is not read.
    fn pass(&mut self) {
        self.window.clear();
        self.mode = Mode::Passing;
    }

    fn sweep(&mut self, bytes: &[u8]) {
        let Self { judge, window, leaf, unfold, .. } = self;
        let mut visit = |hit: Hit<'_>| judge.judge(hit, &leaf.path, &leaf.place);
        match unfold {
            Some(unfold) => unfold.feed(bytes, &mut |text| window.push(text, &mut visit)),
            None => window.push(bytes, &mut visit),
        }
    }

    fn finish_sweep(&mut self) {
        // The first bytes are all, as in most parts of a mail of many.
        let text = self.window.text();
        if text.len() < extract::HEAD && self.unfold.is_none() && most_digits(text) < FEWEST_DIGITS {
            return self.window.clear();
        }
        let Self { judge, window, leaf, unfold, .. } = self;
        let mut visit = |hit: Hit<'_>| judge.judge(hit, &leaf.path, &leaf.place);
        if let Some(mut unfold) = unfold.take() {
            unfold.finish(&mut |text| window.push(text, &mut visit));
        }
        window.finish(&mut visit);
    }

    /// Notes a PGP message that stands within the message's first text; one that begins a part was told by that. Looks
    /// where the sketch does, once a message, so that no other text pays for it.
    fn note_armour(&mut self) {
        let judge = &mut self.judge;
        let Some(text) = judge.report.sketch.take_unsearched().filter(|_| judge.sketching) else { return };
        let Some(at) = pgp::find(text).filter(|at| *at > 0) else { return };
        match pgp::armoured(text.get(at..).unwrap_or_default()) {
            Some(pgp::Message::Encrypted) => {
                judge.unread(&self.leaf.path, UnreadKind::Encrypted, "pgp-message");
            }
            Some(pgp::Message::Readable) => {
                judge.unread(&self.leaf.path, UnreadKind::Ambiguous, "pgp-not-encrypted");
            }
            // A text that speaks of armour.
            None => {}
        }
    }

    fn short_text(&mut self, path: &PartPath, place: &Place, line: Option<u64>, text: &[u8]) {
        if most_digits(text) < FEWEST_DIGITS {
            return;
        }
        let judge = &mut self.judge;
        let before = judge.report.findings.len();
        let explained = judge.explained.as_ref().map_or(0, Vec::len);
        window::whole(text, judge.explained.is_some(), &mut |hit| judge.judge(hit, path, place));
        if let Some(line) = line {
            for finding in judge.report.findings.iter_mut().skip(before) {
                finding.line = line;
            }
            for one in judge.explained.iter_mut().flatten().skip(explained) {
                one.line = line;
            }
        }
    }
}

/// The digits of the shortest number: `DDMMYY9AA9`, of the health services.
const FEWEST_DIGITS: usize = 8;

/// How many digits may stand in it at most, of any script, written as themselves or as an entity: there is no way to
/// write one without a digit or a byte that is not ASCII. Beyond 255 it is at least that many.
fn most_digits(text: &[u8]) -> usize {
    let is = |byte: u8| u8::from(byte.is_ascii_digit() | !byte.is_ascii());
    let (pieces, rest) = text.as_chunks::<16>();
    // A count for each place, so that the compiler makes vectors of them.
    let mut counts = [0_u8; 16];
    for piece in pieces {
        counts.iter_mut().zip(piece).for_each(|(count, byte)| *count = count.saturating_add(is(*byte)));
    }
    counts.into_iter().chain(rest.iter().map(|byte| is(*byte))).map(usize::from).sum()
}

impl PartSink for Reader {
    fn header(&mut self, path: &PartPath, name: HeaderName, line: u64, text: &[u8]) {
        match header_word(name) {
            Some(word) => {
                if name == HeaderName::Subject && path.is_whole() && self.judge.prefix.is_empty() {
                    self.judge.report.subject.add(text);
                }
                self.short_text(path, &Place::Header(word), Some(line), text);
            }
            None => self.judge.report.sketch.set_message_id(text),
        }
    }

    fn other_header(&mut self, path: &PartPath, name: &[u8], line: u64, text: &[u8]) {
        // A number may begin in the name.
        let digits = most_digits(text);
        if digits == 0 || digits + most_digits(name) < FEWEST_DIGITS {
            return;
        }
        let name = String::from_utf8_lossy(name);
        // The name is the label of its value, and `_` and `-` part its words.
        let mut named: Vec<u8> =
            name.bytes().map(|byte| if matches!(byte, b'_' | b'-') { b' ' } else { byte }).collect();
        named.extend_from_slice(b": ");
        named.extend_from_slice(text);
        self.short_text(path, &Place::OtherHeader(MaskedText::new(&name)), Some(line), &named);
    }

    fn second(&mut self, reading: Reading) -> Option<&mut Self> {
        self.reading(reading)
    }

    fn enter(&mut self, part: &Part<'_>) {
        part.each_filename(&mut |name| self.short_text(part.path, &Place::FileName, None, name.as_bytes()));
        match part.kind {
            PartKind::Multipart | PartKind::Message => {
                let is_root = self.containers + self.outside == 0;
                if self.pgp.is_none() && is_pgp_mime(part) {
                    self.pgp = Some(PgpContainer { depth: self.containers, is_root });
                }
                self.containers += 1;
            }
            PartKind::Leaf | PartKind::Preamble | PartKind::Epilogue => {
                self.leaf.is_root = self.containers + self.outside == 0;
                self.leaf.path.copy_from(part.path);
                let is_margin = part.kind != PartKind::Leaf;
                self.leaf.main.clear();
                self.leaf.main.push_str(if is_margin { "text" } else { part.media.top() });
                self.leaf.sub.clear();
                self.leaf.sub.push_str(if is_margin { "plain" } else { part.media.subtype() });
                self.leaf.place = match part.filename {
                    Some(name) => Place::Attachment(MaskedText::new(name)),
                    None if part.disposition == Disposition::Attachment => {
                        Place::Attachment(MaskedText::new(""))
                    }
                    None => Place::Body,
                };
                self.judge.sketching =
                    !is_margin && self.leaf.main == "text" && self.leaf.place == Place::Body;
                if self.judge.sketching {
                    self.judge.report.sketch.begin(self.leaf.sub == "html");
                }
                self.seconds.start_leaf(part.encoding == TransferEncoding::Uuencode);
                self.mode = Mode::Sniffing;
            }
        }
    }

    fn data(&mut self, mut bytes: &[u8]) {
        if self.mode == Mode::Sniffing {
            // Exactly this many bytes decide, however they were cut.
            let taken = self.window.gather(bytes, extract::HEAD);
            bytes = bytes.get(taken..).unwrap_or_default();
            if self.window.text().len() == extract::HEAD {
                self.decide();
            }
        }
        if self.mode == Mode::Opening && !bytes.is_empty() {
            self.feed_signature(bytes);
        }
        if let Some(document) = &mut self.gathered
            && !bytes.is_empty()
        {
            document.data(bytes);
        }
        if let Some(behind) = &mut self.behind {
            behind.feed(bytes);
        }
        if self.mode == Mode::Reading && !bytes.is_empty() {
            if self.judge.sketching {
                self.judge.report.sketch.add_text(bytes);
            }
            self.read_text(bytes);
        }
    }

    fn leave(&mut self) {
        if self.mode == Mode::Sniffing {
            self.decide();
        }
        self.close_readings();
        match self.mode {
            Mode::Closed => {
                self.containers = self.containers.saturating_sub(1);
                if self.pgp.is_some_and(|pgp| pgp.depth == self.containers) {
                    self.pgp = None;
                }
            }
            Mode::Sniffing | Mode::Reading => {
                self.finish_within();
                self.finish_sweep();
                self.note_armour();
                self.judge.report.sketch.close();
                self.judge.sketching = false;
                if self.behind.is_some() {
                    self.keep_document();
                }
            }
            Mode::Passing => {
                self.window.clear();
                self.keep_document();
            }
            Mode::Opening => self.close_signature(),
            Mode::Gathering => self.keep_document(),
        }
        self.mode = Mode::Closed;
    }

    fn problem(&mut self, path: &PartPath, problem: Problem) {
        // That another reading is odd in itself says nothing: that there are two was told with the first.
        let is_told = self.is_second_entity() && problem.class() == Class::Ambiguous;
        if let Some(reason) = reason(problem).filter(|_| !is_told) {
            let kind = match problem.class() {
                Class::Damaged => UnreadKind::Damaged,
                Class::Ambiguous => UnreadKind::Ambiguous,
                Class::Limit => UnreadKind::Limit,
            };
            self.judge.unread(path, kind, reason);
        }
    }
}
