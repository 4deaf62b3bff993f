//! What goes over the wire of the SMTP client, without the socket: what a server offers, and dots.
//!
//! Tests: below.

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection, in the clear or under TLS.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection of any kind.
pub(super) type Wire = Box<dyn Duplex>;

/// What a server offers in its answer to EHLO (RFC 5321 §4.1.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// Each line in upper case: a keyword and its parameters.
    lines: Vec<String>,
}

impl Offers {
    /// Reads the lines of a reply to EHLO; the first is the server's name.
    pub(super) fn of(lines: &[String]) -> Self {
        Self { lines: lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect() }
    }

    /// Whether it offers an extension, by its keyword.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.lines.iter().any(|line| line.split_ascii_whitespace().next() == Some(keyword))
    }

    /// The parameters of an extension: the attributes of XFORWARD and XCLIENT.
    pub(super) fn parameters(&self, keyword: &str) -> Vec<&str> {
        let words = |line: &'_ String| line.split_ascii_whitespace().next() == Some(keyword);
        let lines = self.lines.iter().filter(|line| words(line));
        lines.flat_map(|line| line.split_ascii_whitespace().skip(1)).collect()
    }

    /// Whether a parameter of MAIL or RCPT means something to this server.
    pub(super) fn take(&self, parameter: &str) -> bool {
        let keyword = match parameter.split('=').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "SIZE" => "SIZE",
            "BODY" => "8BITMIME",
            "SMTPUTF8" => "SMTPUTF8",
            "RET" | "ENVID" | "NOTIFY" | "ORCPT" => "DSN",
            "AUTH" => "AUTH",
            _ => return false,
        };
        self.has(keyword)
    }
}

/// Doubles the dot that begins a line (RFC 5321 §4.5.2), over pieces cut anywhere. A line ends with CRLF and with nothing
/// else: what a lone LF would begin is no line.
#[derive(Debug)]
pub(super) struct Stuffing {
    /// How much of CRLF has just been seen; 2 is the start of a line.
    seen: u8,
}

impl Stuffing {
    pub(super) fn new() -> Self {
        Self { seen: 2 }
    }

    /// Writes a piece.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        out.reserve(piece.len());
        let mut rest = piece;
        while let Some((first, _)) = rest.split_first() {
            if self.seen == 2 && *first == b'.' {
                out.push(b'.');
            }
            // To the end of the line at once.
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, behind) = rest.split_at(end);
            out.extend_from_slice(line);
            self.seen = match line {
                [.., b'\r', b'\n'] => 2,
                [b'\n'] if self.seen == 1 => 2,
                [.., b'\r'] => 1,
                _ => 0,
            };
            rest = behind;
        }
    }

    /// Ends the message: the last line, if it has no end, gets one.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.seen {
            2 => b".\r\n".as_slice(),
            1 => b"\n.\r\n",
            _ => b"\r\n.\r\n",
        });
    }
}

/// The content of a mail in these pieces, as it goes over the wire: for the fuzzer.
#[doc(hidden)]
pub fn dotted<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut stuffing, mut out) = (Stuffing::new(), Vec::new());
    for piece in pieces {
        stuffing.push(piece, &mut out);
    }
    stuffing.finish(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_wherever_the_piece_was_cut() {
        for (text, wire) in [
            (b"a\r\n.\r\n..b\r\nc.\r\n".as_slice(), b"a\r\n..\r\n...b\r\nc.\r\n.\r\n".as_slice()),
            (b".a", b"..a\r\n.\r\n"),
            (b"", b".\r\n"),
            (b"\r\n.\r\n", b"\r\n..\r\n.\r\n"),
            (b"a\n.\nb\r", b"a\n.\nb\r\n.\r\n"),
            (b"a\r.\r\n", b"a\r.\r\n.\r\n"),
        ] {
            for cut in 0..=text.len() {
                let (one, other) = text.split_at(cut);
                assert_eq!(dotted([one, other]), wire, "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_a_server_offers_is_read_without_regard_to_case() {
        let lines = ["mx.example", "pipelining", "Size 1000", "XFORWARD name ADDR", "8BITMIME", "X-Else y"];
        let offers = Offers::of(&lines.map(str::to_owned));
        assert!(["PIPELINING", "SIZE", "8BITMIME"].iter().all(|one| offers.has(one)));
        assert!(!offers.has("DSN") && !offers.has("STARTTLS") && !offers.has("MX.EXAMPLE"));
        assert_eq!(offers.parameters("XFORWARD"), ["NAME", "ADDR"]);
        assert!(offers.take("size=3") && offers.take("BODY=8BITMIME"));
        assert!(!offers.take("SMTPUTF8") && !offers.take("NOTIFY=NEVER") && !offers.take("X=1"));
    }
}
