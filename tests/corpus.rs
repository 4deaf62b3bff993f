//! Every mail of `tests/data/mail`, with its lines ended by LF and by CRLF, against the report written beside it.
//!
//! `BLESS=1 tests/run corpus` writes the reports anew; read the difference before you keep it. What no blessing can
//! change is said in [`a_hidden_number_is_found_or_said_to_be_unread`]. The numbers in the mails are made up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use brevdue::scan::ruleset::Ruleset;
use brevdue::scan::{Day, Report, Scan, Verdict};
use serde_json::{Value, json};

use crate::support::put;

static RULES: LazyLock<Arc<Ruleset>> = LazyLock::new(|| Arc::new(Ruleset::built_in().unwrap()));

/// The day on which these mails are read: it decides who is born.
const TODAY: Day = Day::literal(2026, 11, 2);

/// Hidden in ways that are known and not read yet, or blamed without reason. Whoever mends one takes it off the list.
const KNOWN_GAPS: [&str; 0] = [];

/// A scan of a message that comes in these pieces.
pub(crate) fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Report {
    begun(pieces).finish()
}

/// A scan of a message of which these pieces have come.
pub(crate) fn begun<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Scan {
    let mut scan = Scan::new(Arc::clone(&RULES), TODAY);
    for piece in pieces {
        scan.feed(piece);
    }
    scan
}

/// A mail of the corpus.
pub(crate) struct Sample {
    /// Such as `rfc/3`.
    pub(crate) name: String,
    /// As the file has it: lines end in LF.
    pub(crate) lf: Vec<u8>,
    /// The same with CRLF.
    pub(crate) crlf: Vec<u8>,
    expected: PathBuf,
}

/// All of them.
pub(crate) fn samples() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail");
    let list = |folder: &Path| -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    };
    let mails = list(&root).into_iter().filter(|path| path.is_dir()).flat_map(|folder| list(&folder));
    let samples: Vec<Sample> = mails
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| {
            let lf = fs::read(&path).unwrap();
            let name = path.strip_prefix(&root).unwrap().with_extension("").display().to_string();
            Sample { name, crlf: with_crlf(&lf), lf, expected: path.with_extension("json") }
        })
        .collect();
    assert!(samples.len() > 50, "the corpus has gone");
    samples
}

fn with_crlf(lf: &[u8]) -> Vec<u8> {
    lf.iter()
        .flat_map(|byte| if *byte == b'\n' { b"\r\n".as_slice() } else { std::slice::from_ref(byte) })
        .copied()
        .collect()
}

/// What is held to be the same for both line ends; offsets cannot be.
fn as_json(report: &Report) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "number": String::from_utf8_lossy(&finding.cpr.reveal()),
                "confidence": finding.confidence.word(),
                "part": finding.part,
                "place": finding.place.to_string(),
                "line": finding.line,
                "why": finding.why.join(" "),
            })
        })
        .collect();
    let unread: Vec<String> = report
        .coverage
        .unread()
        .iter()
        .map(|unread| format!("{} {} {}", unread.part, unread.kind.word(), unread.reason))
        .collect();
    json!({
        "verdict": report.verdict().word(),
        "protection": report.protection.word(),
        "persons": report.persons(),
        "findings": findings,
        "unread": unread,
    })
}

#[test]
fn every_mail_has_its_report() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for sample in samples() {
        let got = as_json(&scan([sample.lf.as_slice()]));
        if bless {
            put(&sample.expected, format!("{got:#}\n").as_bytes()).unwrap();
        }
        let expected = fs::read_to_string(&sample.expected).unwrap_or_default();
        let expected: Value = serde_json::from_str(&expected).unwrap_or_default();
        for (ends, got) in [("LF", &got), ("CRLF", &as_json(&scan([sample.crlf.as_slice()])))] {
            if *got != expected {
                wrong.push(format!("{} with {ends}:\n{got:#}\ninstead of\n{expected:#}", sample.name));
            }
        }
    }
    assert!(wrong.is_empty(), "BLESS=1 if this is meant\n{}", wrong.join("\n"));
}

#[test]
fn a_hidden_number_is_found_or_said_to_be_unread() {
    let mut wrong = Vec::new();
    for sample in samples() {
        let verdict = scan([sample.lf.as_slice()]).verdict();
        let is_gap = KNOWN_GAPS.contains(&sample.name.as_str());
        let is_right = match sample.name.split('/').next() {
            Some("malformed" | "evasion") => (verdict != Verdict::Clean) != is_gap,
            Some("lookalike") => (verdict != Verdict::Leak) != is_gap,
            _ => true,
        };
        if !is_right {
            wrong.push(format!("{}: {}", sample.name, verdict.word()));
        }
    }
    assert!(
        wrong.is_empty(),
        "a number hides, a look-alike is blamed, or a known gap is mended:\n{}",
        wrong.join("\n")
    );
}
