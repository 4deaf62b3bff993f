//! A finding as programs are told it: the row of the `jsonl` contract (DESIGN.md §5), with the number as it was masked.

use crate::scan::finding::Finding;
use serde::Serialize;

/// One finding; its words stand in the contract's order.
#[derive(Debug, Serialize)]
pub struct FindingRow {
    /// Stars, or the number where somebody asked for it.
    pub cpr: String,
    /// Tells numbers apart without naming them.
    pub tag: String,
    kind: &'static str,
    confidence: &'static str,
    /// The part's path, as IMAP numbers sections.
    pub part: String,
    r#where: String,
    /// Page, sheet and cell, paragraph, where the document has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    line: u64,
    why: Vec<String>,
}

impl FindingRow {
    /// A finding with its number written so.
    pub fn new(finding: &Finding, cpr: String, tag: String) -> Self {
        Self {
            cpr,
            tag,
            kind: finding.kind.word(),
            confidence: finding.confidence.word(),
            part: finding.part.clone(),
            r#where: finding.place.to_string(),
            position: finding.position.as_ref().map(ToString::to_string),
            line: finding.line,
            why: finding.why.iter().map(|why| (**why).to_owned()).collect(),
        }
    }
}
