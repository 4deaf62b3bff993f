//! An mbox as many programs have written it, put right on its way to the splitter.
//!
//! [`MboxSplitter`](crate::mime::MboxSplitter) goes by the rule: a message begins at a `From ` behind a blank line, and programs
//! put a `>` before any other. Old archives break it on both sides: one leaves a line of prose (`From now on ...`) as it is, which
//! would cut a mail in two, and another leaves out the blank line, which would make one mail of two. So a separator is known here by
//! what it is: behind a blank line by a date, or by the header field on the next line, and elsewhere by both. Where the
//! rule errs a `>` is put before the line, which the splitter takes away again, or a line end, which no mail misses.
//!
//! A reader around a reader: memory is two buffers, however long the mbox is. Start reading at [`PutRight`]; `is_separator`
//! decides. Tests: below.

use super::form::is_known_field;
use std::io::{self, Read};

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// A separator and the name of the field behind it are shorter.
const LOOK: usize = 1024;

/// See the module's head.
pub(super) struct PutRight<R> {
    from: R,
    /// Read and not yet looked at; begins where `at` says.
    raw: Vec<u8>,
    /// To be given out, from `given` on.
    out: Vec<u8>,
    given: usize,
    ended: bool,
    at: At,
}

/// Where what is next to be looked at stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing was before it.
    First,
    /// A line begins, and the one before it is blank or not.
    Line { after_blank: bool },
    /// Within a line.
    Within,
}

impl<R: Read> PutRight<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, raw: Vec::new(), out: Vec::new(), given: 0, ended: false, at: At::First }
    }

    /// Reads a piece and puts it right, up to where what follows must be seen first.
    fn turn(&mut self) -> io::Result<()> {
        let before = self.raw.len();
        self.raw.resize(before + PIECE, 0);
        let read = super::read(&mut self.from, self.raw.get_mut(before..).unwrap_or_default());
        self.raw.truncate(before + read.as_ref().copied().unwrap_or(0));
        self.ended = read? == 0;
        self.out.clear();
        self.given = 0;
        let until = if self.ended { self.raw.len() } else { self.raw.len().saturating_sub(LOOK) };
        let mut at = 0;
        while at < until {
            let rest = self.raw.get(at..).unwrap_or_default();
            if let At::Line { after_blank } = self.at
                && rest.starts_with(b"From ")
            {
                match (is_separator(rest, after_blank), after_blank) {
                    (true, false) => self.out.push(b'\n'),
                    (false, true) => self.out.push(b'>'),
                    (true, true) | (false, false) => {}
                }
            }
            let end = memchr::memchr(b'\n', rest).map(|end| end + 1);
            // Of a line whose end is not there yet only so much as leaves enough to look ahead.
            let length = end.unwrap_or(until - at);
            let piece = rest.get(..length).unwrap_or_default();
            self.out.extend_from_slice(piece);
            let after_blank = self.at != At::Within && matches!(piece, b"\n" | b"\r\n");
            self.at = if end.is_some() { At::Line { after_blank } } else { At::Within };
            at += length;
        }
        self.raw.drain(..at.min(self.raw.len()));
        Ok(())
    }
}

impl<R: Read> Read for PutRight<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() && !(self.ended && self.raw.is_empty()) {
            self.turn()?;
        }
        let rest = self.out.get(self.given..).unwrap_or_default();
        let most = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..most), rest.get(..most)) {
            to.copy_from_slice(from);
        }
        self.given += most;
        Ok(most)
    }
}

/// Whether a line that begins with `From ` parts two mails; `rest` begins with it and shows what follows.
fn is_separator(rest: &[u8], after_blank: bool) -> bool {
    let mut lines = rest.get(..LOOK.min(rest.len())).unwrap_or_default().split(|byte| *byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.get(b"From ".len()..).unwrap_or_default());
    // Behind somebody's address any header may begin: each program has fields of its own.
    let is_addressed =
        line.split_ascii_whitespace().next().is_some_and(|who| who == "-" || who.contains('@'));
    let is_field = lines.next().is_some_and(|next| {
        let name = memchr::memchr(b':', next).and_then(|colon| next.get(..colon));
        let name = name.and_then(|name| std::str::from_utf8(name).ok());
        name.is_some_and(|name| {
            is_known_field(&name.trim_end().to_ascii_lowercase())
                // Some mail servers quote the line of the mbox that was there before.
                || name.starts_with(">From ")
                || is_addressed && is_field_name(name)
        })
    });
    if after_blank { is_dated(&line) || is_field } else { is_dated(&line) && is_field }
}

/// Whether a header field may have this name (RFC 5322 §3.6.8).
fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether behind somebody's name stands a date as C's `asctime` writes it, with or without a zone: `a@b Mon Jan  1 00:00:00 2018`;
/// or as mail has it (RFC 5322 §3.3): `a@b Mon, 1 Jan 2018 00:00:00 +0100`.
fn is_dated(text: &str) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let is_number = |word: &str, most: usize| {
        (1..=most).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_time = |word: &str| {
        let parts: Vec<&str> = word.split(':').collect();
        (2..=3).contains(&parts.len()) && parts.iter().all(|part| is_number(part, 2))
    };
    (1..words.len()).any(|at| match words.get(at..).unwrap_or_default() {
        [day, month, number, time, ..]
            if DAYS.contains(day) && MONTHS.contains(month) && is_number(number, 2) =>
        {
            is_time(time)
        }
        [day, number, month, year, time, ..] if is_number(number, 2) && MONTHS.contains(month) => {
            DAYS.contains(&day.trim_end_matches(',')) && is_number(year, 4) && is_time(time)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mime::{MailSink, MboxSplitter};

    #[derive(Default)]
    struct Shelf(Vec<Vec<u8>>);

    impl MailSink for Shelf {
        fn begin(&mut self, _: u64) {
            self.0.push(Vec::new());
        }
        fn data(&mut self, bytes: &[u8]) {
            self.0.last_mut().unwrap().extend_from_slice(bytes);
        }
        fn end(&mut self) {}
    }

    /// Gives at most so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(self.0.len()).min(buffer.len());
            let (some, rest) = self.0.split_at(most);
            buffer[..most].copy_from_slice(some);
            self.0 = rest;
            Ok(most)
        }
    }

    fn split(text: &str, step: usize) -> Vec<String> {
        let mut right = PutRight::new(Slow(text.as_bytes(), step));
        let (mut shelf, mut splitter) = (Shelf::default(), MboxSplitter::after(0));
        let mut buffer = vec![0; step + 3];
        loop {
            let read = right.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            splitter.feed(&buffer[..read], &mut shelf);
        }
        splitter.finish(&mut shelf);
        shelf.0.into_iter().map(|mail| String::from_utf8(mail).unwrap()).collect()
    }

    const DATE: &str = "Mon Jan  1 00:00:00 2018";

    #[test]
    fn a_separator_is_known_by_what_it_is() {
        let long = "x".repeat(LOOK + 77);
        for end in ["\n", "\r\n"] {
            let one = format!(
                "From a@b {DATE}\nSubject: 1\n\nhej\n\nFrom now on it is prose\nog mere\n\n>From b {long}\n"
            );
            let two = format!("From c@d {DATE} +0100\nSubject: 2\n\n{long}\nFrom here it is too\n");
            let three = format!("From - {DATE}\nReceived: x\n\nslut\n\n");
            let four = "From MAILER-DAEMON\nX-Mailer: y\n\nblot\n".to_owned();
            let text = format!("{one}{two}{three}{four}").replace('\n', end);
            // The line end that parts two mails is no mail's loss.
            let mut want: Vec<String> =
                [&one, &two, &three, &four].iter().map(|mail| mail.replace('\n', end)).collect();
            for at in [0, 1] {
                want[at].push('\n');
            }
            want[0] = want[0].replace(">From b", "From b");
            for step in [1, 7, 1000, 1 << 20] {
                assert_eq!(split(&text, step), want, "{step}");
            }
        }
    }

    #[test]
    fn each_program_has_dates_and_fields_of_its_own() {
        let mails = [
            "From x@a.example Mon, 1 Jan 2018 00:00:00 +0100\nThread-Topic: x\n\nhej\n\n",
            "From y@a.example 2018-01-01\nThread-Topic: x\n\nhej\n\n",
            "From - \nThread-Topic: x\n\nhej\n\nFrom now on it is prose\nNavn: Bo\n\nFrom x@a.example og mig\nEn hilsen\n",
        ];
        let found = split(&mails.concat(), 1 << 20);
        assert_eq!(found.len(), 3, "{found:?}");
        let unparted =
            "From - \nA: x\n\nhej\nFrom x@a.example Mon, 1 Jan 2018 00:00:00\nThread-Topic: x\n\nhej\n";
        assert_eq!(split(unparted, 1 << 20).len(), 2);
    }

    #[test]
    fn what_is_no_date_parts_nothing() {
        for (line, is_it) in [
            ("a@b Mon Jan  1 00:00:00 2018", true),
            ("\"a b\"@c Tue Mar 03 09:00:00 +0000 2015", true),
            ("a Mon Jan 1 10:00 CET 2018", true),
            ("a@b Mon, 3 Mar 2015 10:00:00 +0100", true),
            ("a@b Mon, 3 March 2015 kl. 10:00", false),
            ("now on, we meet Mon at 10:00", false),
            ("Mon Jan  1 00:00:00 2018", false),
            ("", false),
        ] {
            assert_eq!(is_dated(line), is_it, "{line}");
        }
    }
}
