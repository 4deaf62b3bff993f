//! What tells a message and its template from others, without keeping its text.
//!
//! Two questions are asked of it later: *is this the same message come again?* and *is this the same
//! template?* Both are answered by keyed digests that `inspect` makes; here only bounded raw matter for them
//! is gathered. `Debug` prints none of it.

use super::unseen::drop_unseen;
use std::fmt;

/// Bounded matter for digests; see the module's head.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    message_id: Option<Vec<u8>>,
    text: Vec<u8>,
    /// Up to here nothing stands in the text that no reader sees.
    seen: usize,
    html: bool,
    closed: bool,
    searched: bool,
    bytes: u64,
}

impl Sketch {
    /// How much of the first text is gathered, in bytes.
    const TEXT: usize = 4096;
    /// With less room than this left, a text is as good as full.
    const ROOM: usize = 64;
    const MESSAGE_ID: usize = 512;
    /// A first piece of this length promises more.
    const LONG: usize = crate::extract::HEAD;

    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(super) fn set_message_id(&mut self, id: &[u8]) {
        if self.message_id.is_none() {
            self.message_id = Some(id.get(..Self::MESSAGE_ID).unwrap_or(id).trim_ascii().to_vec());
        }
    }

    /// A text begins, in HTML or not: in any other, what looks like a comment is seen.
    pub(super) fn begin(&mut self, html: bool) {
        if !self.closed {
            self.html = html;
        }
    }

    /// Takes more of the first text; [`Self::close`] says that it ended. What no reader of HTML sees is left out: an office
    /// program writes a longer style sheet than all that is kept here, the same in all its letters.
    pub(super) fn add_text(&mut self, mut text: &[u8]) {
        // Most first texts are as long as all that is kept; a reader brings their beginning by itself.
        if !self.closed && self.text.is_empty() && text.len() >= Self::LONG {
            self.text.reserve_exact(Self::TEXT);
        }
        while !self.closed && !text.is_empty() {
            let room = Self::TEXT - self.text.len();
            let (taken, rest) = text.split_at_checked(room).unwrap_or((text, b""));
            self.text.extend_from_slice(taken);
            text = rest;
            // Whenever it is full, and not before: so it is the same however the text was cut.
            if self.text.len() == Self::TEXT {
                self.leave_unseen(false);
            }
        }
    }

    pub(super) fn close(&mut self) {
        if !self.closed && !self.text.is_empty() {
            self.leave_unseen(true);
        }
    }

    fn leave_unseen(&mut self, is_end: bool) {
        if !self.html {
            self.closed = true;
            return;
        }
        let (seen, is_within) = drop_unseen(&mut self.text, self.seen);
        self.seen = seen;
        if is_end || Self::TEXT - self.text.len() < Self::ROOM {
            if is_within {
                self.text.truncate(seen);
            }
            // A text of which nothing is seen is not the first.
            self.closed = !self.text.is_empty();
        }
    }

    /// The text, the first time that there is one.
    pub(super) fn take_unsearched(&mut self) -> Option<&[u8]> {
        let is_new = !self.searched && !self.text.is_empty();
        self.searched |= is_new;
        is_new.then_some(self.text.as_slice())
    }

    /// Takes the text out, for its memory.
    pub(super) fn take_text(&mut self) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text
    }

    /// Gathers in this memory.
    pub(super) fn gather_in(&mut self, memory: Vec<u8>) {
        self.text = memory;
    }

    /// The message's size as it came, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The Message-ID, bounded.
    pub fn message_id(&self) -> Option<&[u8]> {
        self.message_id.as_deref()
    }

    /// The first text's start, raw but for what no reader of HTML sees; nothing of a message in which nothing was
    /// found and nothing left unread.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The template's words, in order and bounded: what remains when what differs from mail to mail is left out.
    pub fn words(&self) -> Vec<&[u8]> {
        words(&self.text)
    }
}

/// What remains of a text when what differs from mail to mail is left out, as far as a word tells by itself. In Danish only
/// names begin with a capital inside a sentence, so words with a capital go, and with them most names and streets; so do
/// words with digits, `@` or a point within, tags, months and weekdays. Words with other letters than a to z go too, because
/// the bytes of æ, ø and å depend on the charset, and a system changes that more easily than its letters.
///
/// What a word does not tell, as a name in lower case, is for who compares: `case::template`.
pub(super) fn words(text: &[u8]) -> Vec<&[u8]> {
    /// A text is cut where its bytes end, not its words: behind this many a longer one differs by where names shifted it.
    const MOST: usize = 160;
    const DATED: [&[u8]; 17] = [
        b"januar",
        b"februar",
        b"marts",
        b"april",
        b"maj",
        b"juni",
        b"juli",
        b"august",
        b"september",
        b"oktober",
        b"november",
        b"december",
        b"mandag",
        b"tirsdag",
        b"onsdag",
        b"torsdag",
        b"fredag",
    ];
    let is_word = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || *byte >= 0x80
            || matches!(byte, b'@' | b'-' | b'.' | b'&' | b'#' | b';')
    };
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.iter().position(|byte| is_word(byte) || *byte == b'<') {
        rest = rest.get(begin..).unwrap_or_default();
        if rest.first() == Some(&b'<') {
            let end = rest.iter().position(|byte| *byte == b'>').map_or(rest.len(), |end| end + 1);
            rest = rest.get(end..).unwrap_or_default();
            continue;
        }
        let end = rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, b""));
        rest = behind;
        let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b";")).unwrap_or(word);
        let is_plain = word.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-');
        if is_plain && word.first().is_some_and(u8::is_ascii_lowercase) && !DATED.contains(&word) {
            words.push(word);
            if words.len() == MOST {
                break;
            }
        }
    }
    words
}

impl fmt::Debug for Sketch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sketch({} bytes)", self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> String {
        let mut sketch = Sketch::default();
        sketch.begin(text.contains("<html>"));
        sketch.add_text(text.as_bytes());
        sketch.close();
        String::from_utf8(sketch.words().join(b" ".as_slice())).unwrap()
    }

    #[test]
    fn one_template_has_one_sketch() {
        let first =
            "Kære Inger Madsen\nDin ansøgning 123456 af 3. maj 2019 er modtaget.\nE-mail: inger@x.example";
        let second =
            "Kære Ørsted Åkjær\nDin ansøgning 99 af 13. juni 2017 er modtaget.\nE-mail: bo@y.example";
        assert_eq!(template(first), template(second));
        assert_eq!(template("Kære Inger\ndin ansøgning er modtaget."), "din er modtaget");
    }

    #[test]
    fn another_template_has_another() {
        assert_ne!(template("din ansøgning er modtaget"), template("din ansøgning er afvist"));
    }

    #[test]
    fn markup_days_and_charsets_make_no_difference() {
        assert_eq!(
            template("<p class=\"x\">Hr. S&oslash;ren, mandag den 3. er modtaget p&aring; a.example</p>;"),
            "den er modtaget"
        );
        let mut latin = Sketch::default();
        latin.add_text(b"din ans\xf8gning er modtaget l\xf8rdag");
        assert_eq!(latin.words().join(b" ".as_slice()), b"din er modtaget");
        assert_eq!(template("din ansøgning er modtaget lørdag"), "din er modtaget");
    }

    #[test]
    fn where_a_long_text_is_cut_makes_no_difference() {
        let long = |name: &str| template(&format!("Kære {name}\n{}", "din er modtaget og ".repeat(400)));
        assert_eq!(long("Bo"), long("Anne-Marie Nørregaard Thygesen-Møller"));
    }

    /// Word's style sheet alone is longer than what is kept.
    #[test]
    fn a_letter_is_known_by_what_is_seen_of_it_however_it_is_cut() {
        let html = |text: &str| {
            let css = "p.MsoNormal {margin:0cm; font-family:sans-serif}\n".repeat(300);
            format!(
                "<html><head><style>\n<!--{css}--></style><SCRIPT>var din = 1 < 2;</SCRIPT></head>\n\
                 <!-- skabelon for alle breve --><body><p>{text}</p>{}<style>til sidst",
                "<p>og mere</p>".repeat(400)
            )
        };
        let whole = template(&html("din er modtaget"));
        assert!(whole.starts_with("din er modtaget og mere og mere"), "{whole}");
        assert_ne!(whole, template(&html("din er afvist")));
        for step in [1, 7, 64, 4095, 4096, 5000] {
            let mut sketch = Sketch::default();
            sketch.begin(true);
            html("din er modtaget").as_bytes().chunks(step).for_each(|chunk| sketch.add_text(chunk));
            sketch.close();
            assert_eq!(sketch.words().join(b" ".as_slice()), whole.as_bytes(), "{step}");
        }
        assert_eq!(template("<html>din<!-- slutter ikke"), "din");
        assert_eq!(template("din <!-- er <style> modtaget"), "din modtaget", "in plain text that is seen");
    }

    #[test]
    fn it_is_bounded() {
        let mut sketch = Sketch::default();
        for _ in 0..100 {
            sketch.add_text(&[b'a'; 1000]);
        }
        assert_eq!(sketch.text().len(), Sketch::TEXT);
        sketch.add_text(b"<!--");
        assert_eq!(sketch.text().len(), Sketch::TEXT);
    }
}
