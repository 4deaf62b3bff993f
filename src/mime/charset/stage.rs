//! What a text leaf does with its decoded bytes: passes them, or makes UTF-8 of them.
//!
//! The first bytes and the label decide. Where they contradict, both readings are made, one to each [`Stream`], and the
//! contradiction is told at the end. Start at [`TextStage::feed`] and `decide`.

use super::Label;
use super::ebcdic::{self, Page};
use super::utf7::Utf7;
use super::wide::{Order, Wide, Width, look};

/// How many first bytes decide; fewer when the text is shorter.
const HEAD: usize = 64;

/// How many first bytes decide about what no header calls text.
const LONG_HEAD: usize = 512;

/// Which reading text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The one that is most likely meant.
    Main,
    /// The one that somebody may see instead.
    Other,
}

#[derive(Clone, Copy, Debug, Default)]
enum Converter {
    /// Bytes go through untouched.
    #[default]
    Pass,
    Wide(Wide),
    Utf7(Utf7),
    Ebcdic(Page),
}

impl Converter {
    fn wide((width, order): (Width, Order)) -> Self {
        Self::Wide(Wide::new(width, order))
    }

    fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Pass => out(bytes),
            Self::Wide(wide) => wide.feed(bytes, out),
            Self::Utf7(utf7) => utf7.feed(bytes, out),
            Self::Ebcdic(page) => page.feed(bytes, out),
        }
    }

    fn finish(&mut self, out: &mut impl FnMut(&[u8])) {
        if let Self::Wide(wide) = self {
            wide.finish(out);
        }
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct TextStage {
    label: Label,
    /// The first bytes, while they are awaited.
    head: [u8; HEAD],
    filled: usize,
    sniffing: bool,
    main: Converter,
    other: Option<Converter>,
    mismatch: bool,
}

impl Default for TextStage {
    fn default() -> Self {
        Self {
            label: Label::None,
            head: [0; HEAD],
            filled: 0,
            sniffing: false,
            main: Converter::Pass,
            other: None,
            mismatch: false,
        }
    }
}

impl TextStage {
    /// For bytes that no header calls text, or that are no mail at all: a stage when their beginning (512 bytes, or all)
    /// is wide text and nothing else can be meant; or when it may be EBCDIC, and then the bytes as they stand are the
    /// main reading and that the other one.
    pub fn of_unlabelled(head: &[u8]) -> Option<Self> {
        let head = head.get(..LONG_HEAD).unwrap_or(head);
        let Some(found) = look(head) else {
            let other = Some(Converter::Ebcdic(Page::Danish));
            return ebcdic::look(head).then(|| Self { other, ..Self::default() });
        };
        let mut text = Vec::new();
        let mut wide = Converter::wide(found);
        wide.feed(head, &mut |made| text.extend_from_slice(made));
        let odd = |letter: &char| {
            letter.is_control() && !letter.is_whitespace() || *letter == char::REPLACEMENT_CHARACTER
        };
        let text = String::from_utf8_lossy(&text);
        let odd = text.chars().filter(odd).count();
        (odd * 20 <= text.chars().count()).then(|| Self { main: Converter::wide(found), ..Self::default() })
    }

    /// For content that is no text.
    pub(in crate::mime) fn pass(&mut self) {
        self.sniffing = false;
        self.filled = 0;
        self.main = Converter::Pass;
        self.other = None;
        self.mismatch = false;
    }

    /// For a text leaf with this charset label, in lower case.
    pub(in crate::mime) fn start(&mut self, label: Option<&str>) {
        self.pass();
        self.label = label.map_or(Label::None, Label::read);
        self.sniffing = true;
    }

    /// Takes the next bytes, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(Stream, &[u8])) {
        let mut rest = bytes;
        if self.sniffing {
            if let (0, Some(head)) = (self.filled, bytes.first_chunk::<HEAD>()) {
                self.decide(head);
            } else {
                let room = HEAD - self.filled;
                let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
                if let Some(slot) = self.head.get_mut(self.filled..self.filled + now.len()) {
                    slot.copy_from_slice(now);
                }
                self.filled += now.len();
                if self.filled < HEAD {
                    return;
                }
                rest = later;
                self.decide_held(out);
            }
        }
        self.convert(rest, out);
    }

    /// The text ended. True when its label and its bytes contradict each other.
    pub fn finish(&mut self, out: &mut impl FnMut(Stream, &[u8])) -> bool {
        if self.sniffing && self.filled > 0 {
            self.decide_held(out);
        }
        self.main.finish(&mut |text| out(Stream::Main, text));
        if let Some(other) = &mut self.other {
            other.finish(&mut |text| out(Stream::Other, text));
        }
        let mismatch = self.mismatch;
        self.pass();
        mismatch
    }

    fn convert(&mut self, bytes: &[u8], out: &mut impl FnMut(Stream, &[u8])) {
        self.main.feed(bytes, &mut |text| out(Stream::Main, text));
        if let Some(other) = &mut self.other {
            other.feed(bytes, &mut |text| out(Stream::Other, text));
        }
    }

    fn decide_held(&mut self, out: &mut impl FnMut(Stream, &[u8])) {
        let head = self.head;
        let head = head.get(..self.filled).unwrap_or_default();
        self.decide(head);
        self.convert(head, out);
    }

    /// Chooses. What the bytes show goes before what the label says: a byte order mark, and the noughts of wide text. A
    /// label of wide text or EBCDIC over plain ASCII is not believed, since read by it the digits of such a text would
    /// be gone; the reading by the label is the other one. UTF-7 is read both ways and that is no contradiction: it is
    /// what it looks like, and most programs today show it as it stands.
    fn decide(&mut self, head: &[u8]) {
        self.sniffing = false;
        let found = look(head);
        let labelled = match self.label {
            Label::None | Label::Ascii => None,
            Label::Wide(width, order) => {
                // No order and no mark: little-endian, as browsers have it, against RFC 2781 §4.3.
                Some(Converter::wide((width, order.unwrap_or(Order::Little))))
            }
            Label::Utf7 => Some(Converter::Utf7(Utf7::default())),
            Label::Ebcdic(page) => Some(Converter::Ebcdic(page)),
        };
        let agrees = match (self.label, found) {
            (Label::Wide(width, order), Some((seen, seen_order))) => {
                width == seen && order.is_none_or(|order| order == seen_order)
            }
            (Label::None, Some(_)) | (_, None) => true,
            (_, Some(_)) => false,
        };
        (self.main, self.other) = match (found, labelled) {
            (Some(found), _) if agrees => (Converter::wide(found), None),
            (Some(found), labelled) => (Converter::wide(found), Some(labelled.unwrap_or_default())),
            (None, None) => (Converter::Pass, None),
            (None, Some(Converter::Utf7(utf7))) => (Converter::Utf7(utf7), Some(Converter::Pass)),
            (None, Some(labelled))
                if is_plain(head) || matches!(labelled, Converter::Ebcdic(_)) && is_utf8(head) =>
            {
                self.mismatch = true;
                (Converter::Pass, Some(labelled))
            }
            (None, Some(labelled @ Converter::Ebcdic(_))) => (labelled, None),
            (None, Some(labelled)) => (labelled, Some(Converter::Pass)),
        };
        self.mismatch |= !agrees;
    }
}

/// Whether nearly all of it is printable ASCII, which wide text and EBCDIC never are.
fn is_plain(head: &[u8]) -> bool {
    let printable = head.iter().filter(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()).count();
    printable * 4 >= head.len() * 3
}

/// Whether it is UTF-8, as far as it goes, which text in EBCDIC never is: its letters are bytes that begin nothing.
fn is_utf8(head: &[u8]) -> bool {
    std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Both readings and whether they contradict.
    fn staged(label: Option<&str>, bytes: &[u8], cut: usize) -> (Vec<u8>, Vec<u8>, bool) {
        let (mut main, mut other) = (Vec::new(), Vec::new());
        let mut stage = TextStage::default();
        stage.start(label);
        let mut take = |stream: Stream, text: &[u8]| match stream {
            Stream::Main => main.extend_from_slice(text),
            Stream::Other => other.extend_from_slice(text),
        };
        for piece in bytes.chunks(cut) {
            stage.feed(piece, &mut take);
        }
        let mismatch = stage.finish(&mut take);
        (main, other, mismatch)
    }

    fn bytes_of(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn finds_utf16_by_label_mark_and_nul() {
        for big in [true, false] {
            let text = "010190-1234 \u{e6}\u{1f426}".repeat(9);
            let bare = bytes_of(&text, big);
            let marked = bytes_of(&format!("\u{feff}{text}"), big);
            for label in [None, Some("utf-16"), Some(if big { "utf-16be" } else { "utf-16le" })] {
                for bytes in [&bare, &marked] {
                    let (main, other, mismatch) = staged(label, bytes, 3);
                    assert_eq!((String::from_utf8(main).unwrap(), mismatch), (text.clone(), false));
                    assert_eq!(other, b"");
                }
            }
            for label in ["utf-8", if big { "utf-16le" } else { "utf-16be" }, "utf-32", "utf-7", "ibm037"] {
                let (main, other, mismatch) = staged(Some(label), &bare, 3);
                assert_eq!((String::from_utf8(main).unwrap(), mismatch), (text.clone(), true));
                assert_ne!(other, b"", "{label}");
            }
        }
    }

    #[test]
    fn a_wrong_label_is_not_believed() {
        let plain = b"CPR-nr. 010190-1234";
        for label in ["utf-16", "utf-16le", "ucs-4", "ibm277"] {
            let (main, other, mismatch) = staged(Some(label), plain, 4);
            assert_eq!((main.as_slice(), mismatch), (plain.as_slice(), true), "{label}");
            assert_ne!(other, b"");
        }
        assert_eq!(staged(None, b"0", 4), (b"0".to_vec(), vec![], false));
        let halves = staged(Some("utf-16le"), b"b\x00\x00\xd8a\x00\x00\xdc", 1).0;
        assert_eq!(halves, "b\u{fffd}a\u{fffd}".as_bytes());
    }

    #[test]
    fn reads_what_hides_digits() {
        let utf7 = staged(Some("utf-7"), b"+ADA-1", 2);
        assert_eq!(utf7, (b"01".to_vec(), b"+ADA-1".to_vec(), false));
        let ebcdic = staged(Some("ibm277"), b"\xc3\xd7\xd9\x40\xf0\xf1", 2);
        assert_eq!(ebcdic, (b"CPR 01".to_vec(), vec![], false));
        let wide_digits = "cpr \u{1D7CE}\u{1D7CF}".as_bytes();
        let (main, _, mismatch) = staged(Some("ibm277"), wide_digits, 3);
        assert_eq!((main.as_slice(), mismatch), (wide_digits, true));
        let wide: Vec<u8> = "CPR 01".chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect();
        for label in [None, Some("utf-32"), Some("utf-32be")] {
            assert_eq!(staged(label, &wide, 3), (b"CPR 01".to_vec(), vec![], false));
        }
    }

    #[test]
    fn what_no_header_calls_text() {
        let text = bytes_of("navn;cpr\r\nBo;010190-1234\r\n", false);
        assert!(TextStage::of_unlabelled(&text).is_some());
        assert!(TextStage::of_unlabelled(b"\0\x01\0\x02\0\x03\0\x04").is_none());
        assert!(TextStage::of_unlabelled(b"navn;cpr").is_none());
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(units: Vec<u16>, big: bool, cut in 1usize..9) {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            let mut marked = bytes_of("\u{feff}x", big);
            marked.extend_from_slice(&bytes);
            let expect = format!("x{}", String::from_utf16_lossy(&units));
            prop_assert_eq!(staged(None, &marked, cut).0, expect.into_bytes());
        }

        #[test]
        fn any_cut_same_text(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), b'0'..=b'9'], 0..200),
            label in prop::sample::select(vec!["", "utf-8", "utf-16", "utf-16be", "utf-32", "utf-7", "ibm277"]),
            cut in 1usize..90,
        ) {
            let label = Some(label).filter(|label| !label.is_empty());
            prop_assert_eq!(staged(label, &bytes, cut), staged(label, &bytes, 1000));
        }
    }
}
