//! One JSON object a message: the contract of DESIGN.md §5, its words in its order.

use super::{Pen, Row};
use crate::inspect::told::FindingRow;
use crate::scan::Report;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    /// As it is: a program must find the file again.
    file: &'a str,
    verdict: &'static str,
    findings: Vec<FindingRow>,
    /// Only when there were more than are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings_total: Option<u64>,
    coverage: &'static str,
    unread: Vec<Unread<'a>>,
    protection: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decision: Vec<Decided<'a>>,
}

#[derive(Serialize)]
struct Unread<'a> {
    part: &'a str,
    /// The file in a document that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    reason: &'static str,
}

#[derive(Serialize)]
struct Decided<'a> {
    recipient: &'a str,
    verdict: &'static str,
    protection: &'static str,
}

pub(super) fn write(pen: &Pen, out: &mut Vec<u8>, row: &Row<'_>) {
    let report = row.report;
    let unread = report.coverage.unread();
    let line = Line {
        file: row.file,
        verdict: report.verdict().word(),
        findings: findings(pen, report),
        findings_total: (report.count() > report.findings.len() as u64).then(|| report.count()),
        coverage: if unread.is_empty() { "complete" } else { "partial" },
        unread: unread
            .iter()
            .map(|one| Unread {
                part: &one.part,
                member: one.member.as_ref().map(ToString::to_string),
                reason: one.reason,
            })
            .collect(),
        protection: report.protection.word(),
        decision: row
            .decision
            .iter()
            .map(|(recipient, one)| Decided {
                recipient,
                verdict: one.verdict.word(),
                protection: one.protection.word(),
            })
            .collect(),
    };
    let start = out.len();
    // Strings and numbers into memory cannot fail; half a line would be worse than none.
    if serde_json::to_writer(&mut *out, &line).is_err() {
        out.truncate(start);
        return;
    }
    out.push(b'\n');
}

fn findings(pen: &Pen, report: &Report) -> Vec<FindingRow> {
    report.findings.iter().map(|one| FindingRow::new(one, pen.number(one), pen.tag(one))).collect()
}
