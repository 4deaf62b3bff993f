//! What stands before a mail in a file, and is none of it: a byte order mark, blank lines, the length that Apple Mail writes
//! (.emlx: a line of digits, so many bytes of mail, a property list).
//!
//! A header that begins one line late is no header, and a mail without one keeps its base64 closed. Start reading at
//! [`Lead::feed`].

/// Takes the lead off.
#[derive(Default)]
pub struct Lead {
    /// The first bytes, while it is not known where the mail begins.
    early: Vec<u8>,
    begun: bool,
    /// So many bytes are still mail's; `None` for all.
    left: Option<u64>,
}

impl Lead {
    /// A lead is shorter.
    const MOST: usize = 64;

    /// Hands on what is mail of the next bytes, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8], mut hand_on: impl FnMut(&[u8])) {
        if self.begun {
            return hand_on(self.cut(bytes));
        }
        self.early.extend_from_slice(bytes);
        if self.early.len() < Self::MOST && !self.is_told() {
            return;
        }
        self.end(hand_on);
    }

    /// There is no more; what waited is handed on.
    pub fn end(&mut self, mut hand_on: impl FnMut(&[u8])) {
        let early = std::mem::take(&mut self.early);
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let mut start = super::form::unled(&early);
        if let Some((length, rest)) = length_line(start) {
            (self.left, start) = (Some(length), rest);
        }
        hand_on(self.cut(start));
    }

    /// Whether a byte has come by which the lead has ended for sure.
    fn is_told(&self) -> bool {
        let start = super::form::unled(&self.early);
        start
            .iter()
            .any(|byte| !byte.is_ascii_digit() && !matches!(byte, b' ' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF))
    }

    fn cut<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(left) = &mut self.left else { return bytes };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
        *left -= most as u64;
        bytes.get(..most).unwrap_or_default()
    }
}

/// The number in a first line that holds nothing else, and what follows on the line.
fn length_line(start: &[u8]) -> Option<(u64, &[u8])> {
    let end = memchr::memchr(b'\n', start)?;
    let (line, rest) = start.split_at_checked(end + 1)?;
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let is_number = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
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
            ("14        \nSubject: x\n\nhej\n<?xml version=\"1.0\"?>", "Subject: x\n\nhe"),
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
