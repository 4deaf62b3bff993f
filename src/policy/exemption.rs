//! Exceptions that a person has made: named, reasoned, dated, and at an end some day.
//!
//! One lets a number pass that the policy would stop, for some senders and recipients. It never lets one into an SMS, nor
//! past a subject tag that switches encryption off, and what it lets pass stands in the register.

use crate::envelope::{Address, Envelope};
use crate::scan::Day;

/// One `[[exemption]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// As the audit trail calls it.
    pub name: String,
    /// Why it was made.
    pub reason: String,
    /// Who made it. Staff, so it may be stored.
    pub by: String,
    /// Senders, as [`Address::is_named_by`] reads them; empty is everybody, the null sender too.
    pub from: Vec<String>,
    /// Recipients, likewise.
    pub to: Vec<String>,
    /// Its first day, in Denmark.
    pub since: Day,
    /// Its last.
    pub until: Day,
    /// Its line in the configuration, from 1.
    pub line: u32,
}

impl Exemption {
    /// Whether it holds on this day.
    pub fn is_live(&self, today: Day) -> bool {
        (self.since..=self.until).contains(&today)
    }

    /// Whether it is for mail from this sender to this recipient, whatever the day.
    pub fn names(&self, envelope: &Envelope, recipient: Option<&Address>) -> bool {
        let is = |patterns: &[String], address: Option<&Address>| {
            patterns.is_empty()
                || address.is_some_and(|address| patterns.iter().any(|one| address.is_named_by(one)))
        };
        is(&self.from, envelope.sender.as_ref()) && is(&self.to, recipient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_for_its_senders_its_recipients_and_its_days() {
        let exemption = Exemption {
            name: "x".into(),
            reason: "x".into(),
            by: "x".into(),
            from: vec!["@test.example".into()],
            to: vec!["*.vendor.example".into(), "a@b.example".into()],
            since: Day::literal(2026, 11, 1),
            until: Day::literal(2026, 11, 30),
            line: 1,
        };
        let names = |sender: &[u8], to: &[u8]| {
            let envelope = Envelope { sender: Address::parse(sender), ..Envelope::default() };
            exemption.names(&envelope, Address::parse(to).as_ref())
        };
        assert!(names(b"x@test.example", b"y@m.vendor.example") && names(b"x@test.example", b"A@b.example"));
        assert!(!names(b"x@test.example", b"c@b.example") && !names(b"<>", b"a@b.example"));
        for (day, live) in [
            (Day::literal(2026, 10, 31), false),
            (Day::literal(2026, 11, 1), true),
            (Day::literal(2026, 11, 30), true),
            (Day::literal(2026, 12, 1), false),
        ] {
            assert_eq!(exemption.is_live(day), live, "{day:?}");
        }
    }
}
