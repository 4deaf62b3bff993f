//! A text that somebody asks about before it is sent: a portal, an SMS sender, a system for Digital Post.
//!
//! *What it is*: the text is put into a message as mail has it, and goes the way of all mail: the same rules, the same
//! policy, the same register. *What it never does*: keep the text, or show a number of it. *Start reading at*
//! [`Gate::ask`]. *Tests*: below, and `tests/check.rs`.
//!
//! A text has not been sent when it is asked about. One that is let pass to be observed is therefore a near miss: when it is
//! sent it passes a door, and is found there as the breach that it is then. Whoever sends it past every door of ours is told by
//! the near miss alone, so what does not come back through a door is to be asked with `leak` at anything but `deliver`.
//!
//! An SMS that is cut in several is read part by part and joined, since a number cut in two is a number to whoever reads
//! both.

use super::Gate;
use super::told::FindingRow;
use crate::envelope::{Address, Channel, Envelope, Verdict};
use crate::policy::RecipientDecision;
use crate::scan::Report;
use crate::scan::finding::Finding;
use crate::seal::{Tagger, hex, random};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is asked.
#[derive(Debug)]
pub struct Enquiry {
    /// How it is to be sent.
    pub channel: Channel,
    /// The text, or the parts of one that is cut; at least one.
    pub parts: Vec<String>,
    /// The subject of a mail, the label of Digital Post; empty when there is none.
    pub subject: String,
    /// Who sends it.
    pub from: Option<Address>,
    /// To whom.
    pub to: Vec<Address>,
}

/// What is answered: the words of the `jsonl` contract, and what the policy makes of it.
#[derive(Debug, Serialize)]
pub struct Asked {
    /// Of the content: clean, leak, partial or protected.
    verdict: &'static str,
    /// The strictest of the decisions.
    action: &'static str,
    /// Whether it may be sent as it is, to all of them.
    allowed: bool,
    decision: Vec<Decided>,
    findings: Vec<FindingRow>,
    coverage: &'static str,
    /// The cases of the register that it was put into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cases: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Decided {
    /// Its place in `to`, from 0; `null` when nobody was named.
    recipient: Option<usize>,
    verdict: &'static str,
    protection: &'static str,
    /// The rule that decided, as the configuration calls it.
    rule: String,
}

impl Asked {
    /// The strictest decision, in a word.
    pub fn action(&self) -> &'static str {
        self.action
    }
}

impl Gate {
    /// Judges a text and records what must be recorded. `None` when our own work failed: ask again.
    pub async fn ask(self: &Arc<Self>, enquiry: Enquiry) -> Option<Asked> {
        let tagger = Tagger::new().ok()?;
        let boundary = hex(&random::<16>().ok()?);
        let Enquiry { channel, parts, subject, from, to } = enquiry;
        let mut inspection = self.begin();
        inspection.envelope = Envelope { sender: from, recipients: to, channel, ..Envelope::default() };
        // Each recipient is asked about, and whoever sends can treat them apart.
        (inspection.hands.splits, inspection.hands.answers_each) = (true, true);
        inspection.is_asked = true;
        inspection.feed(message(&parts, &subject, &boundary).as_bytes());
        let (judged, report) = inspection.conclude(false).await;
        let report = report.filter(|_| judged.verdict() != Verdict::Defer)?;
        let one = |(at, one): (usize, &RecipientDecision)| Decided {
            recipient: one.recipient.as_ref().map(|_| at),
            verdict: one.verdict.word(),
            protection: one.protection.word(),
            rule: one.why.rule.key(),
        };
        // What is only possible is as good as a number where the text becomes an SMS.
        let is_leak = judged.leaks();
        Some(Asked {
            verdict: if is_leak { "leak" } else { report.verdict().word() },
            action: judged.verdict().word(),
            allowed: matches!(judged.verdict(), Verdict::Deliver(_)),
            decision: judged.decision().recipients.iter().enumerate().map(one).collect(),
            findings: findings(&report, parts.len(), &tagger),
            coverage: if report.coverage.unread().is_empty() { "complete" } else { "partial" },
            cases: judged.cases().iter().map(ToString::to_string).collect(),
        })
    }
}

/// What a finding's part is called when only the parts together have it.
const JOINED: &str = "joined";

/// The findings, masked. What the parts have by themselves is not told again of them joined.
fn findings(report: &Report, parts: usize, tagger: &Tagger) -> Vec<FindingRow> {
    let is_joined =
        |finding: &Finding| parts > 1 && finding.part.parse::<usize>().is_ok_and(|part| part > parts);
    let (joined, own): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| is_joined(finding));
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut rows = Vec::new();
    for finding in own {
        let row = FindingRow::new(finding, Finding::MASKED.to_owned(), tagger.tag(&finding.cpr));
        seen.insert(row.tag.clone());
        rows.push(row);
    }
    for finding in joined {
        let tag = tagger.tag(&finding.cpr);
        if seen.insert(tag.clone()) {
            let mut row = FindingRow::new(finding, Finding::MASKED.to_owned(), tag);
            JOINED.clone_into(&mut row.part);
            rows.push(row);
        }
    }
    rows
}

/// The text as a mail has it (RFC 2046 §5.1): the boundary is random, so that no text can hold it.
fn message(parts: &[String], subject: &str, boundary: &str) -> String {
    const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    // A line break would begin a field of its own.
    let subject: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let head = format!("MIME-Version: 1.0\r\nSubject: {subject}\r\n");
    if let [only] = parts {
        return format!("{head}{TEXT}{}\r\n", lines(only));
    }
    let whole = parts.concat();
    let uncounted: String = parts.iter().map(|part| without_counter(part)).collect();
    let uncounted = (uncounted != whole).then_some(&uncounted);
    let texts = parts.iter().chain([&whole]).chain(uncounted);
    let texts: Vec<String> = texts.map(|text| format!("--{boundary}\r\n{TEXT}{}\r\n", lines(text))).collect();
    format!(
        "{head}Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n{}--{boundary}--\r\n",
        texts.concat()
    )
}

/// Every line ended as in a mail.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace(['\r', '\n'], "\r\n")
}

/// A part without the `1/2` or `(1/2)` that senders put before or behind it.
fn without_counter(part: &str) -> &str {
    let is_counter = |word: &str| {
        let word = word.trim_start_matches(['(', '[']).trim_end_matches([')', ']', ':']);
        let is_number =
            |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        word.split_once('/').is_some_and(|(one, of)| is_number(one) && is_number(of))
    };
    let part = match part.trim_start().split_once(char::is_whitespace) {
        Some((first, rest)) if is_counter(first) => rest.trim_start(),
        _ => part,
    };
    match part.trim_end().rsplit_once(char::is_whitespace) {
        Some((rest, last)) if is_counter(last) => rest.trim_end(),
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_write_no_header_and_end_no_part() {
        let text = "hej\r\n--x--\r\nSubject: y\r\n".to_owned();
        let message = message(&[text.clone(), text], "a\r\nTo: b\r\n\r\nc", "random");
        let header = message.split("\r\n\r\n").next().unwrap();
        assert_eq!(header.lines().count(), 3, "{header}");
        assert_eq!(message.matches("--random\r\n").count(), 3);
    }

    #[test]
    fn counters_are_no_text() {
        for (part, text) in [
            ("1/2 CPR 150379", "CPR 150379"),
            ("(2/2): 1028 er dit", "1028 er dit"),
            ("CPR 150379 (1/2)", "CPR 150379"),
            ("1028", "1028"),
            ("1/2", "1/2"),
            ("12/2026 er slut", "12/2026 er slut"),
        ] {
            assert_eq!(without_counter(part), text);
        }
    }
}
