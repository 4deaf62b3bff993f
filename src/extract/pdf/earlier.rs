//! What a document said before it was changed.
//!
//! A PDF is mostly changed by writing behind its end (ISO 32000-2 §7.5.6): what it said before still stands in the file,
//! goes out with it, and is one cut away from anybody who looks. So each earlier version is read as the document that it
//! was, pages that hang in no tree likewise, and of them is told what the later ones do not say. Start reading at
//! [`tell`].

use super::{EARLIER, Pdf, SERIAL, load, salvage, tell as tell_pages};
use crate::extract::content::{Member, Page, Unread};
use memchr::memmem;
use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// Bytes of all earlier versions together.
const MOST: usize = 400 << 20;

/// Glyphs of all their pages; they take half a second.
const GLYPHS: u64 = 2_000_000;

/// Bytes of what is left over of pages, unfolded.
const LEFT_OVER: usize = 16 << 20;

/// The table of objects is not there: whoever looks for it makes one of what there is.
const NO_TABLE: &[u8] = b"startxref\n0\n%%EOF\n";

/// The mark at the end of each version.
const END: &[u8] = b"%%EOF";

/// What was told already.
#[derive(Default)]
pub(super) struct Known {
    /// There are other versions, which will be compared with this one.
    pub(super) is_kept: bool,
    /// This is not the version that people see.
    pub(super) is_earlier: bool,
    /// Pages hang in no tree.
    has_loose_pages: bool,
    glyphs: u64,
    seen: HashSet<u64, BuildHasherDefault<DefaultHasher>>,
    now: Vec<u64>,
    /// Streams that a page is drawn by, in any version.
    drawings: HashSet<u64, BuildHasherDefault<DefaultHasher>>,
    /// Streams that may have been.
    left: Vec<(u64, Vec<u8>)>,
}

impl Known {
    /// At first, for a document with earlier versions, and with pages that hang in no tree.
    pub(super) fn of(has_earlier: bool, has_loose_pages: bool) -> Self {
        Self { is_kept: has_earlier || has_loose_pages, has_loose_pages, ..Self::default() }
    }

    /// Whether a later version did not say this.
    pub(super) fn is_new(&mut self, what: impl Hash) -> bool {
        if !self.is_kept {
            return true;
        }
        let what = self.seen.hasher().hash_one(what);
        self.now.push(what);
        !self.seen.contains(&what)
    }

    /// Counts what was drawn; whether there may be more.
    pub(super) fn drawn(&mut self, glyphs: u32) -> bool {
        self.glyphs += if self.is_earlier { u64::from(glyphs) } else { 0 };
        self.glyphs < GLYPHS
    }

    /// Some page is drawn by this stream.
    pub(super) fn is_drawing(&mut self, folded: &[u8]) {
        let what = self.drawings.hasher().hash_one(folded);
        self.drawings.insert(what);
    }

    /// No page of this version is drawn by this stream.
    pub(super) fn is_left(&mut self, folded: &[u8], unfold: impl FnOnce() -> Vec<u8>) {
        let what = self.drawings.hasher().hash_one(folded);
        let all: usize = self.left.iter().map(|(_, content)| content.len()).sum();
        if folded.len() + all > LEFT_OVER || self.left.iter().any(|(left, _)| *left == what) {
            return;
        }
        let content = unfold();
        if salvage::is_drawing(&content) {
            self.left.push((what, content));
        }
    }

    /// Tells what is left over of pages that were changed, with no page to say how it is to be drawn: its strings. Where
    /// those are no letters but numbers of glyphs, in a font that nobody knows, that is said.
    pub(super) fn tell_left(&self, page: &mut Page<'_>) {
        for (_, content) in self.left.iter().filter(|(what, _)| !self.drawings.contains(what)) {
            page.enter(Member::TEXT);
            page.spot(EARLIER);
            let mut is_text = true;
            salvage::strings(content, |text| {
                let glyphs =
                    text.iter().filter(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
                is_text &= glyphs.count() < SERIAL as usize;
                page.data(text);
            });
            page.leave();
            if !is_text {
                page.unread(Unread::UnmappedGlyphs);
            }
        }
    }

    fn turn_back(&mut self) {
        self.seen.extend(self.now.drain(..));
        self.is_earlier = true;
    }
}

/// The ends of earlier versions, the latest first.
pub(super) fn ends(document: &[u8]) -> Vec<usize> {
    let is_end = |at: &usize| {
        let before = document.get(at.saturating_sub(40)..*at).unwrap_or_default();
        memmem::find(before, b"startxref").is_some()
    };
    let mut ends: Vec<usize> =
        memmem::find_iter(document, END).filter(is_end).map(|at| at + END.len()).collect();
    ends.pop();
    // One that is made to be shown while it still comes has its first page, and an end, before all others (annex F).
    let head = document.get(..document.len().min(1024)).unwrap_or_default();
    if memmem::find(head, b"/Linearized").is_some() && !ends.is_empty() {
        ends.remove(0);
    }
    ends.reverse();
    ends
}

/// Tells what earlier versions say and later ones do not.
pub(super) fn tell(document: &[u8], ends: &[usize], page: &mut Page<'_>, known: &mut Known) {
    known.turn_back();
    // Without its tree, a document has all pages that there are; the key to an encrypted one would be lost too.
    if known.has_loose_pages && memmem::find(document, b"/Encrypt").is_none() {
        if let Ok(pdf) = Pdf::new([document, salvage::ROOT, NO_TABLE].concat()) {
            tell_pages(&pdf, page, known);
        }
        known.turn_back();
    }
    let mut read = 0;
    for end in ends {
        let Some(version) = document.get(..*end) else { continue };
        read += version.len();
        if page.is_full() {
            return;
        }
        if read > MOST || !known.drawn(0) {
            return page.unread(Unread::Time);
        }
        match load(version) {
            Ok(pdf) => {
                tell_pages(&pdf, page, known);
            }
            Err(_) => salvage::streams(version, page),
        }
        known.turn_back();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::format_push_string, reason = "a few allocations in a test")]

    use crate::extract::content::Unread;
    use crate::extract::made::pdf::{FIRST, Writer, page, show};
    use crate::extract::pdf::tests::told;

    /// A document with these objects written behind it.
    fn changed(mut document: Vec<u8>, objects: &[(usize, String)]) -> Vec<u8> {
        let before = String::from_utf8_lossy(&document).into_owned();
        let start: usize =
            before.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
        let mut table = String::new();
        for (nr, body) in objects {
            table.push_str(&format!("{nr} 1\n{:010} 00000 n \n", document.len()));
            document.extend_from_slice(format!("{nr} 0 obj\n{body}\nendobj\n").as_bytes());
        }
        let at = document.len();
        let tail =
            format!("xref\n{table}trailer\n<</Size 99/Root 1 0 R/Prev {start}>>\nstartxref\n{at}\n%%EOF\n");
        document.extend_from_slice(tail.as_bytes());
        document
    }

    fn stream(content: &str) -> String {
        format!("<</Length {}>>\nstream\n{content}\nendstream", content.len())
    }

    #[test]
    fn what_an_earlier_version_says_is_told() {
        let secret = || page(&show(50, 700, "CPR-nr. 150379-1028"));
        let harmless = stream(&show(50, 700, "Intet at se"));
        let page_of = |content: usize| {
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {content} 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            )
        };
        // The content anew; a page with another content; a tree with another page.
        let content_anew = changed(secret(), &[(FIRST, harmless.clone())]);
        let page_anew = changed(secret(), &[(9, harmless.clone()), (FIRST + 1, page_of(9))]);
        let tree_anew = changed(
            secret(),
            &[
                (9, harmless.clone()),
                (10, page_of(9)),
                (2, "<</Type/Pages/Count 1/Kids[10 0 R]>>".to_owned()),
            ],
        );
        for document in [&content_anew, &page_anew, &tree_anew] {
            let twice = changed(document.clone(), &[(20, "<</Title(Nyt)>>".to_owned())]);
            for document in [document, &twice] {
                let told = told(document);
                assert_eq!(told.text.matches("CPR-nr. 150379-1028").count(), 1, "{told:?}");
                assert_eq!(told.text.matches("Intet at se").count(), 1, "{told:?}");
                assert!(
                    told.spots.contains(&"earlier version".to_owned()) && told.unread.is_empty(),
                    "{told:?}"
                );
            }
        }
    }

    #[test]
    fn what_stood_beside_the_pages_is_told_too_and_the_rest_once() {
        let mut writer = Writer::new();
        let title = writer.add("<</Title(CPR-nr. 150379-1028)>>");
        let file = writer.stream("/Type/EmbeddedFile", b"en fil");
        let document = writer.finish(&[&show(50, 700, "Hej")]);
        assert_eq!(file, FIRST + 1);
        let told = told(&changed(document, &[(title, "<</Title(Intet)>>".to_owned())]));
        assert!(told.text.contains("Title: CPR-nr. 150379-1028\n") && told.text.contains("Title: Intet\n"));
        assert_eq!((told.text.matches("Hej").count(), told.names.len()), (1, 1), "{told:?}");
    }

    #[test]
    fn what_hangs_in_no_tree_is_told() {
        let mut writer = Writer::new();
        let lost = writer.stream("", show(50, 700, "CPR-nr. 150379-1028").as_bytes());
        let loose = writer.finish(&[&show(50, 700, "Hej")]);
        let text = told(&loose).text;
        assert!(text.contains("CPR-nr. 150379-1028"), "{text}");
        let mut writer = Writer::new();
        writer.stream("", b"BT /F2 10 Tf 50 700 Td [<0102030405>5<06>] TJ ET");
        assert_eq!(told(&writer.finish(&[&show(50, 700, "Hej")])).unread, [Unread::UnmappedGlyphs]);
        let mut writer = Writer::new();
        let content = writer.stream("", show(50, 700, "CPR-nr. 150379-1028").as_bytes());
        assert_eq!(content, lost);
        writer.add(format!(
            "<</Type/Page/MediaBox[0 0 595 842]/Contents {content} 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
        ));
        let told = told(&writer.finish(&[&show(50, 700, "Hej")]));
        assert!(told.text.contains("CPR-nr. 150379-1028") && told.unread.is_empty(), "{told:?}");
        assert_eq!(told.text.matches("Hej").count(), 1, "{told:?}");
    }
}
