//! Where in a message something stands, numbered as IMAP numbers sections (RFC 9051 §6.4.5).

use std::fmt;

/// The place of an entity: `1`, `1.2`; `0` is the message itself. A sink borrows it and clones it only for a finding.
///
/// A message that is not multipart has its content at `1` below it, so a plain mail's text is `1` and the text of a
/// message attached at `2` is `2.1`. A multipart that is the content of a message shares the message's path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartPath {
    numbers: Vec<u32>,
    margin: Option<Margin>,
}

/// The bytes of a multipart outside its parts, which have no number in IMAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Margin {
    /// Before the first delimiter.
    Preamble,
    /// After the closing delimiter.
    Epilogue,
}

impl PartPath {
    /// The numbers from the outside in; empty for the message itself.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Whether this is a multipart's preamble or epilogue and not a part.
    pub fn margin(&self) -> Option<Margin> {
        self.margin
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn push(&mut self, number: u32) {
        self.numbers.push(number);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.numbers.truncate(len);
        self.margin = None;
    }

    pub(super) fn mark(&mut self, margin: Option<Margin>) {
        self.margin = margin;
    }

    /// Whether it is that of the message as a whole.
    pub fn is_whole(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Takes over `other`'s place in this one's memory.
    pub fn copy_from(&mut self, other: &Self) {
        self.numbers.clear();
        self.numbers.extend_from_slice(&other.numbers);
        self.margin = other.margin;
    }
}

impl fmt::Display for PartPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.numbers.split_first() {
            None => f.write_str("0")?,
            Some((first, rest)) => {
                write!(f, "{first}")?;
                for number in rest {
                    write!(f, ".{number}")?;
                }
            }
        }
        match self.margin {
            None => Ok(()),
            Some(Margin::Preamble) => f.write_str(".preamble"),
            Some(Margin::Epilogue) => f.write_str(".epilogue"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_imap_sections() {
        let mut path = PartPath::default();
        assert_eq!(path.to_string(), "0");
        path.push(2);
        path.push(1);
        assert_eq!(path.to_string(), "2.1");
        path.mark(Some(Margin::Preamble));
        assert_eq!(path.to_string(), "2.1.preamble");
        path.truncate(1);
        assert_eq!(path.to_string(), "2");
    }
}
