//! For reading: a paragraph for each message with something to say, and what was looked at in the last lines.
//!
//! Danish word first, English beside it. Messages that are clean are counted only.

use super::{Pen, Row};
use crate::cpr::Kind;
use crate::scan::Verdict;
use crate::scan::finding::{Confidence, Finding, Place, Position};
use std::io::Write;
use std::time::Duration;

/// What was looked at and what came of it, so that "0 findings" proves something.
pub(crate) struct Summary {
    /// Messages and documents that were read.
    pub(crate) items: u64,
    /// Their size.
    pub(crate) bytes: u64,
    /// How many of them leak,
    pub(crate) leaks: u64,
    /// were not read whole,
    pub(crate) partial: u64,
    /// or are encrypted.
    pub(crate) protected: u64,
    /// Numbers found, of all kinds and confidences.
    pub(crate) findings: u64,
    /// Different persons whose numbers leak.
    pub(crate) persons: u64,
    /// Whether there are more of them than were counted.
    pub(crate) more_persons: bool,
    /// Parts that were not read.
    pub(crate) unread: u64,
    /// What could not be read at all.
    pub(crate) troubles: u64,
    /// What the walk left out.
    pub(crate) skipped: u64,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Writes into memory, which cannot fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => { drop(writeln!($out, $($text)*)) };
}

pub(super) fn write(pen: &Pen, out: &mut Vec<u8>, row: &Row<'_>) {
    let report = row.report;
    let verdict = report.verdict();
    if verdict == Verdict::Clean && report.findings.is_empty() && row.decision.is_empty() {
        return;
    }
    line!(out, "{}  {}", verdict_words(verdict), pen.name(row.file));
    for finding in &report.findings {
        write_finding(pen, out, finding);
    }
    let more = report.count() - report.findings.len() as u64;
    if more > 0 {
        line!(out, "  og {more} fund mere · and {more} more findings");
    }
    for unread in report.coverage.unread() {
        let member = unread.member.as_ref().map(|member| format!(", {member}")).unwrap_or_default();
        line!(out, "  ikke læst · not read: del {}{member} ({})", unread.part, unread.reason);
    }
    for (recipient, decided) in row.decision {
        let (verdict, road) = (decided.verdict.word(), decided.protection.word());
        line!(out, "  afgørelse · decision: {verdict} -> {} ({road})", pen.name(recipient));
    }
}

fn write_finding(pen: &Pen, out: &mut Vec<u8>, finding: &Finding) {
    let line = match (&finding.position, &finding.place) {
        (Some(position), _) => format!(", {}", position_words(position)),
        (None, Place::FileName) => String::new(),
        (None, Place::Header(_) | Place::OtherHeader(_) | Place::Body | Place::Attachment(_)) => {
            format!(", linje {}", finding.line)
        }
    };
    line!(
        out,
        "  {}  {}  {}{}",
        pen.number(finding),
        pen.tag(finding),
        confidence_words(finding.confidence),
        kind_words(finding.kind)
    );
    let why: Vec<&str> = finding.why.iter().map(|why| &**why).collect();
    line!(out, "    del {}, {}{line}: {}", finding.part, finding.place, why.join(", "));
}

fn position_words(position: &Position) -> String {
    match position {
        Position::Page(nr) => format!("side {nr}"),
        Position::Slide(nr) => format!("dias {nr}"),
        Position::Paragraph(nr) => format!("afsnit {nr}"),
        Position::Sheet(name) => format!("ark {name}"),
        Position::Cell { .. } => format!("celle {position}"),
        Position::Named(name) => name.to_string(),
    }
}

fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak => "LÆK · LEAK",
        Verdict::Partial => "IKKE ALT LÆST · PARTIAL",
        Verdict::Protected => "KRYPTERET · PROTECTED",
        Verdict::Clean => "REN · CLEAN",
    }
}

fn confidence_words(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "sikker · certain",
        Confidence::Likely => "sandsynlig · likely",
        Confidence::Possible => "mulig · possible",
    }
}

/// Nothing for an ordinary number.
fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Cpr => "",
        Kind::Replacement => ", erstatningsnummer · replacement",
        Kind::NineDigit => ", ni cifre, nul foran mangler · nine-digit",
        Kind::Ecpr => ", eCPR · ecpr",
        Kind::Test => ", testnummer · test",
        Kind::Suspect => ", fejler modulus 11 · suspect",
    }
}

pub(super) fn end(out: &mut Vec<u8>, all: &Summary) {
    if all.leaks + all.partial + all.protected > 0 {
        line!(out, "");
    }
    let plus = if all.more_persons { "+" } else { "" };
    let size = format!("{} MB", megabytes(all.bytes));
    let seconds = format!("{:.2} s", all.seconds());
    let (megabytes, messages) = all.rates();
    line!(
        out,
        "Læst: {}, {} på {} ({} MB/s, {messages} beskeder/s): {} med læk, {} ikke helt læst, {} krypteret, {} rene. {} fund, {}{plus} {}. \
         {} ikke læst, {} fejl, {} sprunget over.",
        count(all.items, "besked", "beskeder"),
        size.replace('.', ","),
        seconds.replace('.', ","),
        megabytes.replace('.', ","),
        all.leaks,
        all.partial,
        all.protected,
        all.clean(),
        all.findings,
        all.persons,
        if all.persons == 1 { "person" } else { "personer" },
        count(all.unread, "del", "dele"),
        all.troubles,
        all.skipped
    );
    line!(
        out,
        "Read: {}, {size} in {seconds} ({megabytes} MB/s, {messages} messages/s): {} leaking, {} partly read, {} protected, {} clean. {}, {}{plus} {}. \
         {} unread, {}, {} skipped.",
        count(all.items, "message", "messages"),
        all.leaks,
        all.partial,
        all.protected,
        all.clean(),
        count(all.findings, "finding", "findings"),
        all.persons,
        if all.persons == 1 { "person" } else { "persons" },
        count(all.unread, "part", "parts"),
        count(all.troubles, "error", "errors"),
        all.skipped
    );
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Millions of bytes with a decimal, exact to a tenth.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}
