//! The message's own subject, kept for one question: does a tag stand in it that switches encryption off?
//!
//! `Debug` prints none of it (invariant 7), and nobody can take out more than [the words that every mail of a template has](Subject::words).

use std::fmt;

/// The decoded subject, of the message itself and not of one within it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Subject(Vec<u8>);

impl Subject {
    /// What is kept, in bytes; a gateway looks at no more.
    const MOST: usize = 4096;

    /// A subject by itself, in UTF-8.
    pub fn of(text: &[u8]) -> Self {
        let mut subject = Self::default();
        subject.add(text);
        subject
    }

    /// A field of that name; a second one is another line of it, since readers differ in which they show.
    pub(super) fn add(&mut self, text: &[u8]) {
        if !self.0.is_empty() {
            self.0.push(b'\n');
        }
        let room = Self::MOST.saturating_sub(self.0.len());
        self.0.extend_from_slice(text.get(..room).unwrap_or(text));
    }

    /// Takes it out, for its memory.
    pub(super) fn take_memory(&mut self) -> Vec<u8> {
        let mut memory = std::mem::take(&mut self.0);
        memory.clear();
        memory
    }

    /// Gathers in this memory.
    pub(super) fn gather_in(&mut self, memory: Vec<u8>) {
        self.0 = memory;
    }

    /// Whether this tag stands in it, without regard to case and to how many blanks part its words.
    pub fn has(&self, tag: &str) -> bool {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let tag = plain(tag);
        !tag.is_empty() && plain(&String::from_utf8_lossy(&self.0)).contains(&tag)
    }
}

impl Subject {
    /// Its words, as far as they tell a template and not a person.
    pub fn words(&self) -> Vec<&[u8]> {
        super::sketch::words(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Subject(*)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_however_it_is_written() {
        let subject = Subject::of("SV: [Ikke  SIKKER] Ærlig talt".as_bytes());
        assert!(subject.has("[ikke sikker]") && subject.has("ÆRLIG") && !subject.has("[usikker]"));
        assert!(!subject.has("  ") && !Subject::default().has("[usikker]"));
        assert_eq!(format!("{subject:?}"), "Subject(*)");
    }
}
