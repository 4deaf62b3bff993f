//! What stands before a mail in a file, and is none of it: a byte order mark, blank lines, the length that Apple Mail writes
//! (.emlx: a line of digits, so many bytes of mail, a property list).
//!
//! A header that begins one line late is no header, and a mail without one keeps its base64 closed. Behind the length the mail
//! ends only where the property list begins: a copy with other line ends has another length, and a line of digits may be
//! anything. Start reading at [`Lead::feed`].

/// Takes the lead off.
#[derive(Default)]
pub struct Lead {
    /// Bytes while it is not known what they are: the first, and those where the mail may end.
    early: Vec<u8>,
    state: State,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Default)]
enum State {
    /// Before the mail.
    #[default]
    Before,
    /// So many bytes before what may be the property list.
    Within(u64),
    /// Where the property list begins, if it is one.
    Behind,
    /// In the mail, which has no end before the file's.
    Mail,
    /// In the property list.
    List,
}

impl Lead {
    /// A lead is shorter.
    const MOST: usize = 64;

    /// A number of nine digits is nobody's, and no mail is longer.
    const DIGITS: usize = 9;

    /// How a property list begins.
    const LIST: &[u8] = b"<?xml";

    /// Hands on what is mail of the next bytes, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8], mut hand_on: impl FnMut(&[u8])) {
        match self.state {
            State::Before => {
                self.early.extend_from_slice(bytes);
                if self.early.len() >= Self::MOST || self.is_told() {
                    self.begin(&mut hand_on);
                }
            }
            State::Within(_) | State::Behind | State::Mail | State::List => self.go_on(bytes, &mut hand_on),
        }
    }

    /// There is no more; what waited is handed on.
    pub fn end(&mut self, mut hand_on: impl FnMut(&[u8])) {
        if matches!(self.state, State::Before) {
            self.begin(&mut hand_on);
        }
        hand_on(&std::mem::take(&mut self.early));
    }

    fn begin(&mut self, hand_on: &mut impl FnMut(&[u8])) {
        let early = std::mem::take(&mut self.early);
        let start = super::form::unled(&early);
        let (state, start) = match length_line(start) {
            Some((length, rest)) => (State::Within(length), rest),
            None => (State::Mail, start),
        };
        self.state = state;
        self.go_on(start, hand_on);
    }

    /// Whether a byte has come by which the lead has ended for sure.
    fn is_told(&self) -> bool {
        let start = super::form::unled(&self.early);
        start
            .iter()
            .any(|byte| !byte.is_ascii_digit() && !matches!(byte, b' ' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF))
    }

    fn go_on(&mut self, mut bytes: &[u8], hand_on: &mut impl FnMut(&[u8])) {
        if let State::Within(left) = self.state {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let (mail, rest) = bytes.split_at_checked(most).unwrap_or((bytes, &[]));
            hand_on(mail);
            let left = left - mail.len() as u64;
            self.state = if left == 0 { State::Behind } else { State::Within(left) };
            bytes = rest;
        }
        if let State::Behind = self.state {
            self.early.extend_from_slice(bytes);
            let most = self.early.len().min(Self::LIST.len());
            let is_list = self.early.get(..most) == Self::LIST.get(..most);
            if is_list && most < Self::LIST.len() {
                return;
            }
            let early = std::mem::take(&mut self.early);
            self.state = if is_list { State::List } else { State::Mail };
            if !is_list {
                hand_on(&early);
            }
        } else if let State::Mail = self.state {
            hand_on(bytes);
        }
    }
}

/// The number in a first line that holds nothing else, and what follows on the line.
fn length_line(start: &[u8]) -> Option<(u64, &[u8])> {
    let end = memchr::memchr(b'\n', start)?;
    let (line, rest) = start.split_at_checked(end + 1)?;
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let is_number =
        (1..=Lead::DIGITS).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_digit());
    Some((is_number.then(|| line.parse().ok()).flatten()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mail_begins_where_its_header_does_however_it_is_cut() {
        for (file, mail) in [
            ("Subject: x\n\nhej", "Subject: x\n\nhej"),
            ("\u{feff}\r\n\nSubject: x\n\nhej", "Subject: x\n\nhej"),
            ("16        \nSubject: x\n\nhej\n<?xml version=\"1.0\"?>", "Subject: x\n\nhej\n"),
            // Counted with other line ends.
            ("14\nSubject: x\n\nhej\n<?xml", "Subject: x\n\nhej\n<?xml"),
            ("16\nSubject: x\n\nhej\n<?xm", "Subject: x\n\nhej\n<?xm"),
            ("3\nSubject: x\n\nhej", "Subject: x\n\nhej"),
            ("1503791028\nhej", "1503791028\nhej"),
            ("15\nSubject: x\n\nhej", "Subject: x\n\nhej"),
            ("1503", "1503"),
            ("", ""),
            ("\n\n", ""),
            (&"9".repeat(100), &"9".repeat(100)),
        ] {
            for cut in 0..=file.len() {
                let (mut lead, mut out) = (Lead::default(), Vec::new());
                let (one, two) = file.as_bytes().split_at(cut);
                lead.feed(one, |bytes| out.extend_from_slice(bytes));
                lead.feed(two, |bytes| out.extend_from_slice(bytes));
                lead.end(|bytes| out.extend_from_slice(bytes));
                assert_eq!(String::from_utf8(out).unwrap(), mail, "{file:?} cut at {cut}");
            }
        }
    }
}
