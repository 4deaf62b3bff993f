//! Who sent an archived mail to whom and when, as far as its file tells.
//!
//! The envelope is in the file only where the mail server put it there: in a journal report (Exchange: the envelope as
//! `Sender:` and `Recipient:` lines in the first part, the mail itself attached), in `Return-Path`, and in the line of an
//! mbox. For the rest the header stands in, and [`Mail::journaled`] says which it was. Pure, and never fails: what cannot be
//! read is missing. Start reading at [`Letter`].

use crate::envelope::Address;
use crate::inspect::archived::{Mail, Stamp};
use chrono::{DateTime, Utc};
use std::borrow::Cow;

/// How much of a mail's beginning is looked at: a header is shorter, and the rest of a longer one says nothing of these.
pub const MOST: usize = 128 * 1024;

/// A header block being gathered.
#[derive(Default)]
pub struct Letter {
    head: Vec<u8>,
    ended: bool,
}

impl Letter {
    /// Takes the next bytes of the mail, cut anywhere; true once the header has ended.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        if self.ended {
            return true;
        }
        // The end may lie across the cut.
        let from = self.head.len().saturating_sub(3);
        let room = MOST.saturating_sub(self.head.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        let end = self.head.get(from..).and_then(end_of_header).map(|end| from + end);
        if let Some(end) = end {
            self.head.truncate(end);
        }
        self.ended = end.is_some() || self.head.len() >= MOST;
        self.ended
    }

    /// Whether the mail is a journal report (Exchange writes `X-MS-Journal-Report`, with or without a value).
    pub fn is_journal(&self) -> bool {
        let agent = |value: &str| value.trim().eq_ignore_ascii_case("journal agent");
        fields(&self.head).any(|(name, value)| match name.as_str() {
            "x-ms-journal-report" => true,
            "x-ms-exchange-generated-message-source" | "x-ms-exchange-organization-journal-report" => {
                name.ends_with("report") || agent(&value)
            }
            _ => false,
        })
    }

    /// What it says; `now` tells a date that cannot be.
    pub fn mail(&self, now: DateTime<Utc>) -> Mail {
        let mut said = Said { separator: self.separator(), ..Said::default() };
        for (name, value) in fields(&self.head) {
            said.note(&name, value);
        }
        said.mail(now)
    }

    /// The sender in the line of an mbox.
    fn separator(&self) -> Option<Address> {
        let line = self.head.strip_prefix(b"From ")?.split(|byte| *byte == b'\n').next()?;
        address(&String::from_utf8_lossy(line.split(|byte| *byte == b' ').next()?))
    }
}

/// A journal report that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Who sent the mail to whom, as the envelope in the report has it.
    pub mail: Mail,
    /// What is to be read: the mail itself; where anything else can hold a number, the whole report, so that nothing goes
    /// unread.
    pub bytes: Vec<u8>,
    /// Lines of recipients that hold no address.
    pub lost: usize,
}

/// Opens a journal report. `None` when it is none after all, and is to be read as it stands.
pub fn opened(report: &[u8], now: DateTime<Utc>) -> Option<Opened> {
    let parsed = mailparse::parse_mail(report).ok()?;
    let [cover_part, part, more @ ..] = parsed.subparts.as_slice() else { return None };
    if !part.ctype.mimetype.eq_ignore_ascii_case("message/rfc822") {
        return None;
    }
    let (cover, original) = (cover_part.get_body().ok()?, part.get_body_raw().ok()?);
    let mut letter = Letter::default();
    letter.feed(&original);
    let mut mail = letter.mail(now);
    let (mut sender, mut recipients, mut lost) = (None, Vec::new(), 0);
    for (name, value) in cover.lines().filter_map(|line| line.split_once(':')) {
        match name.trim().to_ascii_lowercase().as_str() {
            "sender" => sender = sender.or_else(|| journaled(value)),
            "recipient" | "to" | "cc" | "bcc" if !value.trim().is_empty() => match journaled(value) {
                Some(recipient) => recipients.push(recipient),
                None => lost += 1,
            },
            _ => {}
        }
    }
    if recipients.is_empty() {
        return None;
    }
    each_once(&mut recipients);
    mail.sender = sender.or(mail.sender);
    mail.recipients = recipients;
    mail.journaled = true;
    let is_all = more.is_empty()
        && holds_no_more(&cover, &original)
        && [&parsed, cover_part, part].iter().all(|part| is_headed_plainly(part, &original))
        && parsed
            .get_body_raw()
            .is_ok_and(|preamble| !can_hold_a_number(&String::from_utf8_lossy(&preamble)))
        && ends_with(report, part.raw_bytes, parsed.ctype.params.get("boundary"));
    Some(Opened { mail, bytes: if is_all { original } else { report.to_vec() }, lost })
}

/// The address of a line in a journal report: `a@b`, `"Madsen, Inger" <a@b>`, or `a@b, Expanded: list@b`, of which the first is
/// who got it.
fn journaled(value: &str) -> Option<Address> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let pieces = value.split(|c| {
        if !std::mem::take(&mut is_escaped) {
            is_quoted ^= c == '"';
            is_escaped = is_quoted && c == '\\';
        }
        !is_quoted && matches!(c, ',' | ';')
    });
    let is_who = |piece: &&str| {
        !["expanded:", "forwarded:"].iter().any(|word| {
            piece.trim_start().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        })
    };
    // A name whose comma nobody quoted comes in pieces, and the last has the address.
    pieces.take_while(is_who).find_map(address)
}

/// Whether there are digits enough.
fn can_hold_a_number(text: &str) -> bool {
    text.chars().filter(|c| c.is_numeric()).nth(9).is_some()
}

/// Whether no number can stand in the envelope of a journal report that does not stand in the mail too.
fn holds_no_more(cover: &str, original: &[u8]) -> bool {
    const KNOWN: [&str; 8] =
        ["sender", "on-behalf-of", "subject", "message-id", "to", "cc", "bcc", "recipient"];
    let mut others = String::new();
    for line in cover.lines() {
        match line.split_once(':') {
            Some((name, value)) if KNOWN.contains(&name.trim().to_ascii_lowercase().as_str()) => {
                if !is_told_by(value, original) {
                    return false;
                }
            }
            Some(_) | None => others.push_str(line),
        }
    }
    !can_hold_a_number(&others)
}

/// The same of the header fields that a person's words stand in.
fn is_headed_plainly(part: &mailparse::ParsedMail<'_>, original: &[u8]) -> bool {
    const WORDS: [&str; 3] = ["subject", "content-disposition", "content-description"];
    let of_words = |name: &str| WORDS.contains(&name.to_ascii_lowercase().as_str());
    part.headers
        .iter()
        .filter(|field| of_words(&field.get_key_ref()))
        .all(|field| is_told_by(&field.get_value(), original))
}

fn is_told_by(value: &str, original: &[u8]) -> bool {
    let value = value.trim();
    !can_hold_a_number(value) || memchr::memmem::find(original, value.as_bytes()).is_some()
}

/// Whether behind its last part the report holds nothing but the boundary.
fn ends_with(report: &[u8], last: &[u8], boundary: Option<&String>) -> bool {
    let rest = memchr::memmem::rfind(report, last).and_then(|at| report.get(at + last.len()..));
    let end = boundary.map(|boundary| format!("--{boundary}--")).unwrap_or_default();
    rest.is_some_and(|rest| {
        let rest = String::from_utf8_lossy(rest);
        rest.lines().map(str::trim_end).all(|line| line.is_empty() || line == end)
    })
}

/// What the fields of one mail say.
#[derive(Default)]
struct Said {
    separator: Option<Address>,
    return_path: Option<String>,
    from: String,
    recipients: String,
    delivered_to: String,
    date: String,
    /// The date of the first hop, which is the last of these fields.
    received: Option<String>,
    id: String,
    subject: String,
}

impl Said {
    fn note(&mut self, name: &str, value: String) {
        let first = |slot: &mut String, value: String| {
            if slot.is_empty() {
                *slot = value;
            }
        };
        match name {
            "return-path" if self.return_path.is_none() => self.return_path = Some(value),
            "from" => first(&mut self.from, value),
            "to" | "cc" | "bcc" => {
                self.recipients.push_str(&value);
                self.recipients.push(',');
            }
            "delivered-to" | "x-original-to" | "envelope-to" => first(&mut self.delivered_to, value),
            "date" => first(&mut self.date, value),
            "received" => {
                let date = value.rsplit_once(';').map(|(_, date)| date.to_owned());
                self.received = date.or(self.received.take());
            }
            "message-id" => first(&mut self.id, value),
            "subject" => first(&mut self.subject, value),
            _ => {}
        }
    }

    fn mail(self, now: DateTime<Utc>) -> Mail {
        let author = addresses(&self.from).into_iter().next();
        let returns = self.return_path.as_deref().map(|path| path.trim().trim_matches(['<', '>']));
        let sender = match returns {
            // The null sender of a bounce.
            Some("") => None,
            Some(path) => address(path).or_else(|| author.clone()),
            None => self.separator.or_else(|| author.clone()),
        };
        let mut recipients = addresses(&self.recipients);
        if recipients.is_empty() {
            recipients = addresses(&self.delivered_to);
        }
        each_once(&mut recipients);
        let stamp = match self.id.trim() {
            "" => {
                let fields = [&self.from, &self.recipients, &self.date, &self.subject];
                let fields = fields.map(|field| field.split_whitespace().collect::<Vec<_>>().join(" "));
                if fields.iter().all(|field| field.trim_matches(',').is_empty()) {
                    Stamp::Nothing
                } else {
                    Stamp::Fields(fields.join("\n").into_bytes())
                }
            }
            id => Stamp::of_id(id.as_bytes()),
        };
        let sent_at = date(&self.date, now).or_else(|| self.received.and_then(|text| date(&text, now)));
        Mail { sender, author, recipients, journaled: false, sent_at, stamp }
    }
}

/// Where the blank line ends that ends a header.
fn end_of_header(head: &[u8]) -> Option<usize> {
    let ends = memchr::memchr_iter(b'\n', head).filter_map(|at| match head.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        Some(_) | None => None,
    });
    ends.min()
}

/// The fields of a header block, unfolded, names in lower case.
fn fields(head: &[u8]) -> impl Iterator<Item = (String, String)> {
    let text = String::from_utf8_lossy(head).replace("\r\n", "\n");
    let mut unfolded: Vec<String> = Vec::new();
    for line in text.lines() {
        match unfolded.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => field.push_str(line),
            Some(_) | None => unfolded.push(line.to_owned()),
        }
    }
    unfolded.into_iter().filter_map(|field| {
        let (name, value) = field.split_once(':')?;
        let name = name.trim_end().to_ascii_lowercase();
        (!name.contains(' ')).then(|| (name, value.trim().to_owned()))
    })
}

/// An address as people and programs write it; the null sender is none.
fn address(text: &str) -> Option<Address> {
    let text = text.trim().trim_matches(['"', '\'']);
    // A name may stand before it: `Inger Madsen <a@b>`.
    let text = text.find('<').and_then(|at| text.get(at..)).map_or(Cow::Borrowed(text), Cow::Borrowed);
    let found = Address::parse(text.as_bytes())?;
    (!found.domain().contains(char::is_whitespace)).then_some(found)
}

/// The addresses of a field, groups opened. What does not parse as RFC 5322 §3.4 has it is cut at its commas.
fn addresses(field: &str) -> Vec<Address> {
    use mailparse::MailAddr;
    let field = field.trim().trim_end_matches(',');
    match mailparse::addrparse(field) {
        Ok(list) => list
            .iter()
            .flat_map(|one| match one {
                MailAddr::Single(one) => vec![one.addr.as_str()],
                MailAddr::Group(group) => group.addrs.iter().map(|one| one.addr.as_str()).collect(),
            })
            .filter_map(address)
            .collect(),
        Err(_) => field.split([',', ';']).filter_map(address).collect(),
    }
}

fn each_once(addresses: &mut Vec<Address>) {
    let mut seen = std::collections::HashSet::new();
    addresses.retain(|address| seen.insert(address.clone()));
}

/// A date as mail writes it (RFC 5322 §3.3), between the first mail and tomorrow: a clock that was never set says 1970, and one
/// that was set wrong says next year.
fn date(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    const FIRST: i64 = 315_532_800; // 1980
    let seconds = mailparse::dateparse(&written_out(text)).ok()?;
    (FIRST..=now.timestamp() + 86_400)
        .contains(&seconds)
        .then(|| DateTime::from_timestamp(seconds, 0))
        .flatten()
}

/// A date with its seconds, which may be left out (RFC 5322 §3.3), and with a zone in digits where it has a name that only
/// its writer knows. Without seconds the zone would be read as some.
fn written_out(date: &str) -> String {
    /// What RFC 5322 §4.3 names; single letters are left to the parser as well.
    const NAMED: [&str; 11] = ["UT", "UTC", "GMT", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT"];
    let mut words: Vec<Cow<'_, str>> = date.split_whitespace().map(Cow::Borrowed).collect();
    let Some(at) = words.iter().position(|word| word.contains(':')) else { return words.join(" ") };
    if let Some(time) = words.get_mut(at).filter(|time| time.matches(':').count() == 1) {
        time.to_mut().push_str(":00");
    }
    if let Some(zone) = words.get_mut(at + 1) {
        let name = zone.trim_matches(['(', ')']).to_ascii_uppercase();
        let is_name = name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        match name.as_str() {
            "CET" | "MET" => *zone = "+0100".into(),
            "CEST" | "MEST" => *zone = "+0200".into(),
            known if NAMED.contains(&known) => {}
            // RFC 5322 §4.3: nobody knows what it means.
            _ if is_name => *zone = "-0000".into(),
            _ => {}
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap()
    }

    fn mail(text: &str) -> Mail {
        let mut letter = Letter::default();
        letter.feed(text.as_bytes());
        letter.mail(now())
    }

    fn shown(addresses: &[Address]) -> Vec<String> {
        addresses.iter().map(Address::reveal).collect()
    }

    #[test]
    fn a_header_tells_who_and_when_however_it_is_cut_and_ended() {
        let text = "Return-Path: <bounce@it.example>\nReceived: by b; Tue, 3 Mar 2015 10:00:09 +0100\nReceived: by a;\n Tue, 3 Mar 2015 10:00:00 +0100\n\
            From: \"Ansøgning, auto\" <auto@it.example>\nTo: A <a@x.example>,\n b@y.example\nCc: a@x.example\nMessage-ID:\n <1@it.example>\n\nFrom: x@y.example\n";
        let expected = mail(text);
        assert_eq!(expected.sender.as_ref().map(Address::reveal).as_deref(), Some("bounce@it.example"));
        assert_eq!(expected.author.as_ref().map(Address::reveal).as_deref(), Some("auto@it.example"));
        assert_eq!(shown(&expected.recipients), ["a@x.example", "b@y.example"]);
        // There is no Date: the first hop's clock stands in.
        assert_eq!(expected.sent_at, Some(Utc.with_ymd_and_hms(2015, 3, 3, 9, 0, 0).unwrap()));
        assert!(expected.stamp == Stamp::Id(b"<1@it.example>".to_vec()));
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            for cut in 0..text.len() {
                let mut letter = Letter::default();
                let (one, two) = text.as_bytes().split_at(cut);
                letter.feed(one);
                letter.feed(two);
                assert_eq!(letter.mail(now()), expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_date_that_cannot_be_is_none() {
        for (date, year) in [
            ("Thu, 1 Jan 1970 00:00:00 +0000", None),
            ("Sat, 1 Jan 2039 00:00:00 +0000", None),
            ("i går", None),
            ("Fri, 31 May 2019 23:59:59 +0200 (CEST)", Some(1_559_339_999)),
            // Seconds may be left out, and zones have names.
            ("Tue, 3 Mar 2015 00:30 +0200", Some(1_425_335_400)),
            ("Tue, 3 Mar 2015 00:30 -0500", Some(1_425_360_600)),
            ("3 Mar 2015 10:00", Some(1_425_376_800)),
            ("Tue, 3 Mar 2015 10:00:00 CET", Some(1_425_373_200)),
            ("Tue, 3 Mar 2015 10:00:00 (cest)", Some(1_425_369_600)),
            ("Tue, 3 Mar 2015 10:00 EST", Some(1_425_394_800)),
            ("Tue, 3 Mar 2015 10:00:00 XYZT", Some(1_425_376_800)),
        ] {
            let said = mail(&format!("Date: {date}\n\n")).sent_at;
            assert_eq!(said.map(|at| at.timestamp()), year, "{date}");
        }
    }

    #[test]
    fn the_line_of_an_mbox_and_a_bounce_tell_their_senders() {
        let sender = |text: &str| mail(text).sender.map(|sender| sender.reveal());
        assert_eq!(
            sender("From a@b.example Mon Jan  1 2018\nFrom: c@d.example\n\n"),
            Some("a@b.example".into())
        );
        assert_eq!(sender("From - Mon Jan  1 2018\nFrom: c@d.example\n\n"), Some("c@d.example".into()));
        assert_eq!(sender("Return-Path: <>\nFrom: c@d.example\n\n"), None);
    }

    #[test]
    fn a_journal_report_has_the_envelope_and_the_mail() {
        let original = "From: auto@it.example\r\nTo: undisclosed-recipients:;\r\nDate: Tue, 3 Mar 2015 10:00:00 +0100\r\n\r\nHej\r\n";
        let report = format!(
            "X-MS-Journal-Report:\r\nFrom: journal@x.example\r\nDate: Wed, 4 Mar 2015 10:00:00 +0100\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSender: auto@it.example\r\n\
             Subject: x\r\nTo: a@x.example, Expanded: all@x.example\r\nRecipient: b@y.example\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{original}\r\n--b--\r\n"
        );
        let mut letter = Letter::default();
        letter.feed(report.as_bytes());
        assert!(letter.is_journal());
        let Opened { mail, bytes: inner, lost } = opened(report.as_bytes(), now()).unwrap();
        assert_eq!(lost, 0);
        assert_eq!(shown(&mail.recipients), ["a@x.example", "b@y.example"]);
        assert_eq!((mail.journaled, mail.sent_at.map(|at| at.timestamp())), (true, Some(1_425_373_200)));
        assert!(inner.starts_with(b"From: auto"));
        let more = report.replace("\r\n--b--", "\r\n--b\r\nContent-Type: text/plain\r\n\r\nog mere\r\n--b--");
        let Opened { mail, bytes, .. } = opened(more.as_bytes(), now()).unwrap();
        assert!(mail.journaled && bytes == more.as_bytes(), "all of it is read");
        for (from, to) in [
            (
                "\r\n--b\r\nContent-Type: text/plain",
                "\r\nNote: 150379-1028\r\n--b\r\nContent-Type: text/plain",
            ),
            ("Recipient: b", "Note: 150379\r\nMere: 1028\r\nRecipient: b"),
            ("Subject: x", "Subject: 150379-1028"),
            ("boundary=b\r\n", "boundary=b\r\nSubject: 150379-1028\r\n"),
            ("message/rfc822\r\n", "message/rfc822\r\nContent-Disposition: x; filename=\"150379-1028\"\r\n"),
            ("--b--", "--b--\r\n150379-1028"),
        ] {
            let more = report.replace(from, to);
            assert!(
                more != report && opened(more.as_bytes(), now()).unwrap().bytes == more.as_bytes(),
                "{to}"
            );
        }
        // Many digits that stand in the mail too: its own number.
        let numbered = report
            .replace("Hej", "Message-ID 1234567890@x")
            .replace("Subject: x", "Message-Id: 1234567890@x");
        assert!(opened(numbered.as_bytes(), now()).unwrap().bytes.starts_with(b"From: auto"));
        assert!(opened(original.as_bytes(), now()).is_none());

        let named = report.replace(
            "Recipient: b@y.example",
            "To: \"Madsen, Inger\" <i@b.example>\r\nCc: Madsen, Bo <k@c.example>, Expanded: all@x.example\r\nBcc: \r\nRecipient: Inger, Expanded: all@x.example",
        );
        let Opened { mail, lost, .. } = opened(named.as_bytes(), now()).unwrap();
        assert_eq!(shown(&mail.recipients), ["a@x.example", "i@b.example", "k@c.example"]);
        assert_eq!(lost, 1);
    }
}
