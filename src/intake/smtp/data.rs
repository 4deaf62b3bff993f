//! The content of a mail as it comes over the wire: where it ends, and its dots (RFC 5321 §4.5.2).
//!
//! *What it never does*: take anything but CRLF `.` CRLF for the end, or anything but CRLF for a line's end. A lone CR or LF
//! is noted ([`Dots::has_stray`]) and the mail refused, for three reasons: servers differ on whether such a line ends, so
//! what we scan as one mail the next may read as two (SMTP smuggling); mended, it would no longer be the bytes that were
//! signed; and RFC 5321 §2.3.8 forbids them. The mail is read to its end all the same, so that what hides behind a false end
//! is never taken for commands. *Start reading at* [`Dots::push`]. *Tests*: `tests/codec.rs`.

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    /// Behind a dot that begins a line, and is not content.
    Dot,
    /// Behind that and a CR, which may be content.
    DotCr,
    Middle,
    Cr,
}

/// Reads the content behind DATA, over pieces cut anywhere.
#[derive(Debug)]
pub(crate) struct Dots {
    at: At,
    stray: bool,
}

impl Dots {
    pub(crate) fn new() -> Self {
        Self { at: At::LineStart, stray: false }
    }

    /// Whether a CR or LF has stood alone.
    pub(crate) fn has_stray(&self) -> bool {
        self.stray
    }

    /// Reads a piece, hands the content on without its doubled dots, and tells how many bytes it took and whether the mail has
    /// ended with them.
    pub(crate) fn push(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) -> (usize, bool) {
        let mut emit = |from: usize, to: usize| match bytes.get(from..to) {
            Some(run) if !run.is_empty() => take(run),
            Some(_) | None => {}
        };
        let (mut from, mut here) = (0, 0);
        while let Some(byte) = bytes.get(here) {
            match (self.at, byte) {
                (At::LineStart, b'.') => {
                    emit(from, here);
                    from = here + 1;
                    self.at = At::Dot;
                }
                (At::Dot, b'\r') => {
                    from = here + 1;
                    self.at = At::DotCr;
                }
                (At::DotCr, b'\n') => return (here + 1, true),
                (At::DotCr, _) => {
                    // The mail is refused, so its CR is not missed; the byte behind it is read again.
                    self.stray = true;
                    self.at = At::Middle;
                    continue;
                }
                (At::Cr, b'\n') => self.at = At::LineStart,
                (At::Cr, b'\r') => self.stray = true,
                (At::Cr, _) => {
                    self.stray = true;
                    self.at = At::Middle;
                    continue;
                }
                (At::LineStart | At::Middle, b'\r') => self.at = At::Cr,
                (At::LineStart | At::Dot | At::Middle, b'\n') => {
                    self.stray = true;
                    self.at = At::Middle;
                }
                (At::LineStart | At::Dot | At::Middle, _) => {
                    self.at = At::Middle;
                    let rest = bytes.get(here..).unwrap_or_default();
                    here += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    continue;
                }
            }
            here += 1;
        }
        emit(from, bytes.len());
        (bytes.len(), false)
    }
}

/// Looks for a lone CR or LF in content that has no dots: that of BDAT (RFC 3030).
#[derive(Debug, Default)]
pub(crate) struct Lines {
    after_cr: bool,
    stray: bool,
}

impl Lines {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        loop {
            if self.after_cr {
                let Some((first, behind)) = rest.split_first() else { return };
                self.after_cr = false;
                if *first == b'\n' {
                    rest = behind;
                } else {
                    self.stray = true;
                }
            }
            let Some(at) = memchr::memchr2(b'\r', b'\n', rest) else { return };
            match rest.get(at) {
                Some(b'\r') => self.after_cr = true,
                _ => self.stray = true,
            }
            rest = rest.get(at + 1..).unwrap_or_default();
        }
    }

    /// Whether a CR or LF has been seen to stand alone; a CR that came last may yet get its LF.
    pub(crate) fn has_stray(&self) -> bool {
        self.stray
    }

    /// Whether one has, now that the mail has ended.
    pub(crate) fn ends_with_stray(&self) -> bool {
        self.stray || self.after_cr
    }
}
