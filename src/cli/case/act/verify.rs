//! `brevdue case verify`: what the proof of the register says, for people and for programs.
//!
//! What it proves and what not: [`crate::case::chain`]. Start reading at [`run`].

use super::Format;
use super::case_id;
use crate::case::chain::{Hash, hex};
use crate::case::local::{self, counted, shown};
use crate::store::{Anchors, Store, Verified};
use std::process::ExitCode;

pub(super) fn run(
    store: &Store,
    case: Option<&str>,
    anchor: Option<&str>,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let id = case.map(case_id).transpose()?;
    let asked = anchor.map(hash).transpose()?;
    let verified = store.verify(id.as_ref())?;
    let anchors = store.verify_anchors(asked.as_ref())?;
    let is_whole = verified.iter().all(Verified::is_whole)
        && anchors.broken.is_none()
        && anchors.lost.is_empty()
        && (asked.is_none() || anchors.asked.is_some());
    match format {
        Format::Json => {
            let said = as_json(&verified, &anchors, asked.as_ref(), is_whole);
            super::super::super::say(&serde_json::to_string_pretty(&said)?)?;
        }
        Format::Human => {
            for line in as_lines(&verified, &anchors, asked.as_ref()) {
                super::super::super::say(&line)?;
            }
        }
    }
    Ok(ExitCode::from(u8::from(!is_whole)))
}

/// As a letter has it; spaces and the case of letters are the reader's.
fn hash(text: &str) -> anyhow::Result<Hash> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let (pairs, _) = digits.as_deref().unwrap_or_default().as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    let is_whole = digits.as_ref().is_some_and(|digits| digits.len() == 64);
    Hash::try_from(bytes.as_slice()).ok().filter(|_| is_whole).ok_or_else(|| {
        anyhow::anyhow!("--anchor: an anchor has 64 hexadecimal digits; copy it from the letter")
    })
}

fn as_json(
    verified: &[Verified],
    anchors: &Anchors,
    asked: Option<&Hash>,
    is_whole: bool,
) -> serde_json::Value {
    let cases: Vec<_> = verified
        .iter()
        .map(|one| {
            serde_json::json!({
                "id": one.case,
                "lines": one.lines,
                "erased_at": one.erased.as_ref().map(|(_, at)| local::written(*at)),
                "head": one.head.as_ref().ok().map(hex),
                "broken": one.head.as_ref().err().map(|broken| broken.words().1),
                "differs": one.differs.iter().map(|one| one.english.as_str()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let anchor = anchors.last.map(
        |one| serde_json::json!({ "at": local::written(one.at), "cases": one.cases, "hash": hex(&one.hash) }),
    );
    let asked = asked.map(|hash| {
        let of = anchors.asked.as_ref();
        serde_json::json!({
            "hash": hex(hash),
            "found": of.is_some(),
            "at": of.map(|(one, _)| local::written(one.at)),
            "cases": of.map(|(one, _)| one.cases),
        })
    });
    serde_json::json!({
        "whole": is_whole,
        "cases": cases,
        "anchor": anchor,
        "anchors": anchors.count,
        "broken_anchor": anchors.broken.map(local::written),
        "lost_numbers": anchors.lost,
        "asked": asked,
    })
}

fn as_lines(verified: &[Verified], anchors: &Anchors, asked: Option<&Hash>) -> Vec<String> {
    let mut lines = Vec::new();
    for one in verified {
        let erased = match &one.erased {
            Some((who, at)) => format!(", indhold slettet {} af {who} / contents erased", shown(*at)),
            None => String::new(),
        };
        match &one.head {
            Ok(head) if one.differs.is_empty() => {
                lines.push(format!(
                    "{}: hel / whole · {}{erased} · {}",
                    one.case,
                    counted(one.lines, "linje", "linjer"),
                    hex(head)
                ));
            }
            Ok(_) => {}
            Err(broken) => {
                let (danish, english) = broken.words();
                lines.push(format!("{}: BRUDT / BROKEN: {danish} / {english}{erased}", one.case));
            }
        }
        for other in &one.differs {
            lines.push(format!("{}: ÆNDRET / CHANGED: {} / {}", one.case, other.danish, other.english));
        }
    }
    for number in &anchors.lost {
        lines.push(format!(
            "{number}: VÆK / GONE: nummeret er givet til en sag, som registret ikke kender / \
             the number was given to a case that the register does not know"
        ));
    }
    if let Some(at) = anchors.broken {
        let at = shown(at);
        lines.push(format!(
            "Anker / anchor {at}: BRUDT / BROKEN: følger ikke af det før og af sagernes linjer / \
             does not follow from the one before and the cases' lines"
        ));
    }
    match (asked, &anchors.asked) {
        (Some(_), Some((one, place))) => lines.push(format!(
            "Brevets anker / the letter's anchor: i registret, {} · {} sager · nr. {place} af {} / in the register: \
             every line that it covers stands as it was, where no case above is broken",
            shown(one.at),
            one.cases,
            anchors.count
        )),
        (Some(hash), None) => lines.push(format!(
            "Brevets anker / the letter's anchor {}: FINDES IKKE i registret: det er skrevet om, eller det er et andet / \
             NOT in the register: it was written anew, or is another one",
            hex(hash)
        )),
        (None, _) => {}
    }
    if let Some(anchor) = anchors.last {
        lines.push(format!(
            "Anker / anchor {} · {} sager · {}",
            shown(anchor.at),
            anchor.cases,
            hex(&anchor.hash)
        ));
    }
    lines
}
