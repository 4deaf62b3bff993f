//! What became of one candidate, and why: for a person who tunes rules.
//!
//! Made only when somebody asked ([`super::Scan::explaining`]). Never prints the number or the text round it by itself:
//! both stand in [`Bare`], whose `Debug` prints stars and which cannot be serialized. Start reading at [`Explained`].
//! Tests: `tests/explain.rs`.

use super::evidence::Reason;
use super::finding::{Confidence, Place};
use super::render::render;
use crate::cpr::candidate::Candidate;
use crate::cpr::{Kind, NotCpr};
use std::collections::HashMap;
use std::fmt;

/// One candidate: ten digits that are written as a CPR number is, found or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The number and the text round it.
    pub bare: Bare,
    /// The part's path, as IMAP numbers sections.
    pub part: String,
    /// Where in the part.
    pub place: Place,
    /// Line of the part's decoded text, or of the header block, from 1.
    pub line: u64,
    /// Offset of the first digit in the part's decoded text, in bytes from 0.
    pub offset: u64,
    /// What its digits are, or why they are no number. A number that the site has allowed is a test number.
    pub kind: Result<Kind, NotCpr>,
    /// Every entry that counted, in the order it was found, with its natural log-odds. None for what is no number, or of
    /// a kind that the rules ignore.
    pub evidence: Vec<(Reason, f32)>,
    /// Their sum.
    pub sum: f32,
    /// What the sum makes of it; `None` is not reported.
    pub confidence: Option<Confidence>,
}

impl Explained {
    /// More candidates of one message than these are not explained.
    pub const MOST: usize = 100_000;

    /// Adds what another reading of the same bytes made of its candidates. What both saw stands once, as the one that is
    /// surer of it says.
    pub(super) fn absorb(all: &mut Vec<Self>, others: Vec<Self>) {
        let mut known: HashMap<([u8; 10], String), Option<Confidence>> = HashMap::new();
        for one in &*all {
            let best = known.entry((one.bare.digits, one.part.clone())).or_default();
            *best = one.confidence.max(*best);
        }
        for one in others {
            let before = known.get(&(one.bare.digits, one.part.clone()));
            if before.is_none_or(|before| one.confidence > *before) && all.len() < Self::MOST {
                all.push(one);
            }
        }
    }
}

/// What must not be shown unless a person asked for it: the number, and the text round it. `Debug` prints stars.
#[derive(Clone, PartialEq)]
pub struct Bare {
    digits: [u8; 10],
    before: String,
    after: String,
}

impl Bare {
    /// How many characters before a number are kept,
    pub const BEFORE: usize = 60;
    /// and how many behind it.
    pub const AFTER: usize = 30;

    pub(super) fn new(candidate: &Candidate, raw_before: &[u8], raw_after: &[u8]) -> Self {
        let (mut before, mut after) = (String::new(), String::new());
        render(raw_before, &mut before);
        render(raw_after, &mut after);
        let cut = before.chars().count().saturating_sub(Self::BEFORE);
        Self {
            digits: candidate.digits,
            before: before.chars().skip(cut).collect(),
            after: after.chars().take(Self::AFTER).collect(),
        }
    }

    /// The ten digits, or digits and letters of an eCPR, in ASCII. For `--reveal` and for comparing; never for a log, row
    /// or notice.
    pub fn reveal(&self) -> [u8; 10] {
        self.digits.map(|digit| if digit < 10 { digit + b'0' } else { digit })
    }

    /// The text before and behind, as a reader sees it; may hold other numbers. For `--reveal` alone.
    pub fn reveal_text(&self) -> (&str, &str) {
        (&self.before, &self.after)
    }
}

impl fmt::Debug for Bare {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Bare(******-****)")
    }
}

#[cfg(test)]
mod tests {
    use crate::scan::{Scan, ruleset::Ruleset};
    use std::sync::Arc;

    #[test]
    fn a_candidate_prints_stars_and_knows_what_stands_round_it() {
        let rules = Arc::new(Ruleset::built_in().unwrap());
        let today = crate::scan::Day::literal(2026, 11, 2);
        let mut scan = Scan::new(rules, today).explaining();
        scan.feed(b"Subject: 150379-1028\n\n<p>F&oslash;dt <b>150379-1028</b> i Vejle\n");
        let (report, explained) = scan.finish_explained();
        assert_eq!((report.findings.len(), explained.len()), (2, 2));
        let [header, body] = explained.as_slice() else { panic!("{explained:?}") };
        assert_eq!((header.line, report.findings[0].line), (1, 1));
        assert_eq!(body.bare.reveal_text(), ("\nFødt ", " i Vejle\n"));
        assert_eq!(&body.bare.reveal(), b"1503791028");
        let printed = format!("{explained:?}");
        assert!(!printed.contains("1028") && !printed.contains("Vejle"), "{printed}");
    }

    #[test]
    fn another_reading_adds_what_the_first_did_not_see() {
        let rules = Arc::new(Ruleset::built_in().unwrap());
        let mut scan = Scan::new(rules, crate::scan::Day::literal(2026, 11, 2)).explaining();
        scan.feed(b"Subject: x\n\nbegin 644 x.txt\n40U!2+6YR+B Q-3 S-SDM,3 R. H \n`\nend\n");
        let (report, explained) = scan.finish_explained();
        let found = explained.iter().filter(|one| one.confidence.is_some()).count();
        assert_eq!((found, report.findings.len()), (1, 1), "{explained:?}");
    }
}
