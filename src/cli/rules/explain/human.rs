//! For reading, at 100 columns: a paragraph for each candidate, and what counted most often below.
//!
//! Danish first, English beside it. Shows stars for every number and no text of the message, unless `--reveal` asks.
//! Start reading at [`write`]. Tests: `tests/explain.rs`.

use super::tally::Tally;
use super::{Item, Job, Outcome, threshold, words};
use crate::cpr::Kind;
use crate::scan::finding::{Confidence, Place};
use crate::scan::ruleset::{Entry, Sort, Treatment};
use crate::scan::{Explained, Reason};
use std::io::Write;

/// How many entries the summary names.
const MOST: usize = 12;

/// Writes into memory, which cannot fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => { drop(writeln!($out, $($text)*)) };
}

pub(super) fn write(job: &Job, out: &mut Vec<u8>, item: &Item<'_>) {
    let unread = item.report.coverage.unread();
    if job.shown(item).next().is_none() && unread.is_empty() {
        return;
    }
    line!(out, "{}", job.how.name(item.file));
    for (at, one) in job.shown(item).enumerate() {
        if at > 0 {
            line!(out, "");
        }
        candidate(job, out, one);
    }
    if item.explained.len() >= Explained::MOST {
        line!(out, "  kun de første {0} · only the first {0} are explained", Explained::MOST);
    }
    for unread in unread {
        line!(out, "  ikke læst · not read: del {} ({})", unread.part, unread.reason);
    }
    line!(out, "");
}

fn candidate(job: &Job, out: &mut Vec<u8>, one: &Explained) {
    let at = match one.place {
        Place::FileName => String::new(),
        Place::Header(_) | Place::OtherHeader(_) | Place::Body | Place::Attachment(_) => {
            format!(", linje {}", one.line)
        }
    };
    line!(out, "  {}  {}", job.number(one), words::kind(one.kind));
    line!(out, "    del {}, {}{at}", one.part, one.place);
    if job.how.reveal {
        let (before, after) = one.bare.reveal_text();
        line!(out, "    før · before   {}", on_a_line(before));
        line!(out, "    efter · after  {}", on_a_line(after));
    }
    for (reason, weight) in &one.evidence {
        line!(out, "   {weight:>+6.1}  {:<20}  {}", &**reason, gloss(job, reason, *weight));
    }
    let outcome = Outcome::of(&job.how.rules, one);
    if one.kind.is_ok() && outcome != Outcome::Ignored {
        line!(out, "  ={:>+6.1}  {}{}", one.sum, words::outcome(outcome), distance(job, one, outcome));
    }
    if let Some(note) = note(job, one, outcome) {
        line!(out, "           {note}");
    }
}

/// What an entry is, in words, or where it stands.
fn gloss(job: &Job, reason: &Reason, weight: f32) -> String {
    if let Some(words) = words::reason(reason) {
        return words.to_owned();
    }
    job.entries.get(&**reason).map(|entry| entry_words(entry, weight)).unwrap_or_default()
}

fn entry_words(entry: &Entry, weight: f32) -> String {
    let sort = match entry.sort {
        Sort::Label => "etiket · label",
        Sort::LookAlike => "ligner andet · look-alike",
        Sort::Beside => "taler for · speaks for it",
    };
    let share = weight / entry.weight;
    // A part of it is left by the distance.
    let of = if share < 0.995 {
        format!(", {:.0} % af · of {:+.1}", share * 100.0, entry.weight)
    } else {
        String::new()
    };
    format!("{sort} ({}:{}){of}", entry.file, entry.line)
}

/// How far the sum lies from the next threshold above it.
fn distance(job: &Job, one: &Explained, outcome: Outcome) -> String {
    let next = match outcome {
        Outcome::Found(Confidence::Certain) | Outcome::NoLabel | Outcome::Ignored | Outcome::NoNumber => {
            return String::new();
        }
        Outcome::Found(Confidence::Likely) => Confidence::Certain,
        Outcome::Found(Confidence::Possible) => Confidence::Likely,
        Outcome::NotReported => Confidence::Possible,
    };
    let missing = threshold(&job.how.rules, next) - one.sum;
    if missing <= 0.0 {
        return String::new();
    }
    format!("  ({missing:.1} fra · from: {})", words::outcome(Outcome::Found(next)))
}

/// What the sum alone does not say.
fn note(job: &Job, one: &Explained, outcome: Outcome) -> Option<&'static str> {
    let kind = one.kind.ok()?;
    let rules = &job.how.rules;
    match outcome {
        Outcome::NoLabel => {
            Some("skrevet sådan tæller den kun ved en etiket · written so, it counts beside a label only")
        }
        Outcome::Ignored => Some("[kind] siger ignore · [kind] of the rules says ignore"),
        Outcome::Found(confidence)
            if confidence > Confidence::Possible && rules.kinds().of(kind) == Treatment::Report =>
        {
            Some("[kind] siger report: aldrig en læk · never a leak, by [kind] of the rules")
        }
        Outcome::Found(_) if kind == Kind::Suspect && one.sum >= threshold(rules, Confidence::Certain) => {
            Some("et nummer med tastefejl er aldrig sikkert · a mistyped number is never certain")
        }
        Outcome::Found(_) | Outcome::NotReported | Outcome::NoNumber => None,
    }
}

/// Text of the message on one line, without what a terminal would obey.
fn on_a_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => '⏎',
            '\t' => '⇥',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}

pub(super) fn end(job: &Job, tally: &Tally) -> String {
    let mut out =
        vec![format!("Læst · read: {}    kandidater · candidates: {}", tally.items, tally.candidates())];
    for outcome in Outcome::ALL {
        let count = tally.outcome(outcome);
        let hidden = outcome == Outcome::NoNumber && !job.all;
        let hint = if hidden { "  (--all viser dem · shows them)" } else { "" };
        if count > 0 {
            out.push(format!("{count:>8}  {}{hint}", words::outcome(outcome)));
        }
    }
    let often = tally.entries();
    if !often.is_empty() {
        out.push("\nHyppigste regler · entries that counted most often, with their mean weight".to_owned());
    }
    for (name, counted) in often.iter().take(MOST) {
        let place = job.entries.get(*name).map(|entry| format!("{}:{}", entry.file, entry.line));
        let place = place.unwrap_or_default();
        out.push(format!("{:>8}  {:<24}  {:>+6.1}  {place}", counted.times, name, counted.mean()));
    }
    if often.len() > MOST {
        out.push(format!("          og {0} mere · and {0} more", often.len() - MOST));
    }
    out.join("\n")
}
