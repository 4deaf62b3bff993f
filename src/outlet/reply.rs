//! What an SMTP server says: a code and its lines (RFC 5321 §4.2), read from bytes and written to them.
//!
//! *What it never does*: read a socket, or let a line of a peer make two of ours: what is not printable becomes `?`.
//! *Start reading at* [`take`]. *Tests*: below.

use std::fmt;

/// The most lines of one reply that are kept, and the most bytes of one line; a peer that says more is broken.
const LINES: usize = 100;
const LINE: usize = 2048;

/// A reply: one code, and the text of each line without it. `Debug` prints the code alone, since a text may repeat an
/// address.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// A reply of one line.
    pub fn new(code: u16, text: &str) -> Self {
        Self::of_lines(code, [text])
    }

    /// A reply of many lines; of an empty one where there are none.
    pub fn of_lines<T: AsRef<str>>(code: u16, lines: impl IntoIterator<Item = T>) -> Self {
        let mut lines: Vec<String> = lines.into_iter().map(|line| printable(line.as_ref())).collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        Self { code: code.clamp(200, 599), lines }
    }

    /// The code, 200 to 599.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The text of each line; never empty.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether it says yes for good (2yz).
    pub fn is_positive(&self) -> bool {
        self.code < 300
    }

    /// Whether it says no for now (4yz).
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// The same words under another code: a 421 of the next hop, passed on, would end the wrong connection.
    #[must_use]
    pub fn under(self, code: u16) -> Self {
        Self { code, ..self }
    }

    /// As it goes over the wire: the code on each line, `-` after it on all but the last (RFC 5321 §4.2.1).
    pub fn encode(&self, out: &mut Vec<u8>) {
        let last = self.lines.len().saturating_sub(1);
        for (at, line) in self.lines.iter().enumerate() {
            out.extend_from_slice(self.code.to_string().as_bytes());
            out.push(if at == last { b' ' } else { b'-' });
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Reply({})", self.code)
    }
}

/// Bytes that are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the server says is no SMTP reply")]
pub struct Garbled;

/// Takes a whole reply from the start of `bytes`, and tells how many bytes it took; `None` while it is not whole.
///
/// # Errors
/// A line that does not begin with a code, codes that differ, or more than any server says.
pub fn take(bytes: &[u8]) -> Result<Option<(Reply, usize)>, Garbled> {
    let mut lines = Vec::new();
    let mut code = None;
    let mut used = 0;
    loop {
        let rest = bytes.get(used..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', rest) else {
            // The return of its end is none of the line, whether or not the feed has come.
            let line = rest.strip_suffix(b"\r").unwrap_or(rest);
            return if line.len() > LINE { Err(Garbled) } else { Ok(None) };
        };
        let (line, _) = rest.split_at(end);
        used += end + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (digits, text) = line.split_at_checked(3).ok_or(Garbled)?;
        let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let number =
            digits.and_then(|text| text.parse::<u16>().ok()).filter(|code| (200..600).contains(code));
        let number = number.ok_or(Garbled)?;
        if code.is_some_and(|code| code != number) || lines.len() >= LINES || line.len() > LINE {
            return Err(Garbled);
        }
        code = Some(number);
        let (goes_on, text) = match text.split_first() {
            None => (false, text),
            Some((b'-', text)) => (true, text),
            Some((b' ', text)) => (false, text),
            Some(_) => return Err(Garbled),
        };
        lines.push(printable(&String::from_utf8_lossy(text)));
        if !goes_on {
            return Ok(Some((Reply { code: number, lines }, used)));
        }
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_said_is_said_again_in_the_same_words() {
        for text in [
            "250 2.0.0 Ok: queued as 4bXq1z3kTnz9\r\n",
            "550-5.7.1 first\r\n550-\r\n550 5.7.1 last\r\n",
            "354 \r\n",
        ] {
            let (reply, used) = take(text.as_bytes()).unwrap().unwrap();
            assert_eq!((written(&reply).as_str(), used), (text, text.len()));
            for cut in 0..text.len() {
                assert_eq!(take(&text.as_bytes()[..cut]), Ok(None), "{text:?} cut at {cut}");
            }
        }
        assert_eq!(take(b"250\r\n354 x\r\n").unwrap().unwrap().1, 5, "one reply at a time");
    }

    #[test]
    fn what_is_no_reply_is_refused_and_nothing_of_it_makes_a_line() {
        for text in
            ["HTTP/1.1 400 Bad\r\n", "25\r\n", "250-a\r\n251 b\r\n", "650 x\r\n", "250:x\r\n", "1x0 a\r\n"]
        {
            assert_eq!(take(text.as_bytes()), Err(Garbled), "{text:?}");
        }
        let longest = format!("250 {}\r\n", "x".repeat(LINE - 4));
        let (_, used) = take(longest.as_bytes()).unwrap().unwrap();
        assert_eq!(used, LINE + 2);
        for cut in LINE - 1..used {
            assert_eq!(take(&longest.as_bytes()[..cut]), Ok(None), "the longest line, cut at {cut}");
        }
        assert_eq!(take("2".repeat(3_000).as_bytes()), Err(Garbled));
        let endless = "250-x\r\n".repeat(200);
        assert_eq!(take(endless.as_bytes()), Err(Garbled));
        assert_eq!(written(&take(b"250 a\rb\0c\n").unwrap().unwrap().0), "250 a?b?c\r\n");
        assert_eq!(written(&Reply::new(451, "a\r\n250 b")), "451 a??250 b\r\n");
        assert_eq!(format!("{:?}", Reply::new(550, "a@b.example")), "Reply(550)");
    }
}
