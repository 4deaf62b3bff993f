//! The deadline as an entry of a calendar (RFC 5545), with alarms of its own: a copy of the clock that needs no server of ours.
//!
//! One event a case: its UID stays, and SEQUENCE rises when the deadline moves, so that a calendar moves the entry. It holds what
//! the letter holds and no more. Start reading at [`event`].

use crate::case::local::shown as local;
use crate::store::CaseRow;
use chrono::{DateTime, Utc};

/// The file's name.
pub(super) const FILE: &str = "frist.ics";
/// Its media type.
pub(super) const KIND: &str = "text/calendar; method=PUBLISH; charset=utf-8";

/// Hours before the deadline at which the calendar itself wakes its owner.
const WAKES: [u8; 4] = [24, 12, 4, 1];

/// The event of a case; `None` when it has no deadline. `domain` is that of our own address.
pub(super) fn event(case: &CaseRow, clock_version: i64, domain: &str, now: DateTime<Utc>) -> Option<String> {
    let deadline = case.deadline?;
    let utc = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
    let title = format!("Frist: anmeldelse til Datatilsynet ({})", case.id);
    let text = format!(
        "Bruddet skal være anmeldt på virk.dk senest {}, medmindre det er usandsynligt, at det indebærer en risiko \
         (artikel 33).\nThe breach must be notified by then, unless it is unlikely to result in a risk (GDPR article 33).\n\
         brevdue case show {}",
        local(deadline),
        case.id
    );
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Brevdue//Brevdue//DA".to_owned(),
        "METHOD:PUBLISH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}@{domain}", case.id),
        format!("SEQUENCE:{clock_version}"),
        format!("DTSTAMP:{}", utc(now)),
        format!("DTSTART:{}", utc(deadline)),
        format!("SUMMARY:{}", escaped(&title)),
        format!("DESCRIPTION:{}", escaped(&text)),
        "TRANSP:TRANSPARENT".to_owned(),
    ];
    for hours in WAKES {
        lines.extend([
            "BEGIN:VALARM".to_owned(),
            "ACTION:DISPLAY".to_owned(),
            format!("TRIGGER:-PT{hours}H"),
            format!("DESCRIPTION:{}", escaped(&title)),
            "END:VALARM".to_owned(),
        ]);
    }
    lines.extend(["END:VEVENT".to_owned(), "END:VCALENDAR".to_owned()]);
    Some(lines.iter().map(|line| folded(line)).collect())
}

/// RFC 5545 §3.3.11.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// RFC 5545 §3.1: at most 75 octets a line, cut between characters.
fn folded(line: &str) -> String {
    let mut folded = String::new();
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > 75 {
            folded.push_str("\r\n ");
            length = 1;
        }
        folded.push(c);
        length += c.len_utf8();
    }
    folded + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_and_texts_escaped() {
        assert_eq!(escaped("a, b; c\\d\ne"), "a\\, b\\; c\\\\d\\ne");
        let long = folded(&"æ".repeat(100));
        assert!(long.split("\r\n").all(|line| line.len() <= 75) && long.ends_with("\r\n"));
        assert_eq!(long.replace("\r\n ", "").trim_end(), "æ".repeat(100));
    }
}
