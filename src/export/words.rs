//! How values of a case are said in documents: times, counts, domains, proofs, decisions.
//!
//! Start reading at [`said`].

use super::Whole;
use super::paper::Both;
use crate::case::field::{Field, Form, band};
use crate::case::local::shown;
use crate::scan::beside::Beside;
use crate::store::{CaseFile, CaseRow, DomainCount, Entry, Proof, Surroundings};
use chrono::{DateTime, Utc};

/// So many domains are named; the others are counted.
const NAMED: usize = 20;

/// What was written in a field, as people read it: times in Danish time, choices in Danish.
pub fn said(file: &CaseFile, field: Field) -> Option<String> {
    let value = file.facts.get(&field)?;
    Some(in_words(field, value))
}

/// A field's value, as people read it.
pub fn in_words(field: Field, value: &str) -> String {
    match field.form() {
        Form::Text if field == Field::SeverityInputs => super::severity::in_words(value),
        Form::Text | Form::Number => value.to_owned(),
        Form::Time => value.parse().map_or_else(|_| value.to_owned(), shown),
        Form::Choice(_) => choice(field, value),
    }
}

/// The time in a field.
pub fn time(file: &CaseFile, field: Field) -> Option<DateTime<Utc>> {
    file.facts.get(&field)?.parse().ok()
}

/// A word of a row in Danish, with what English says where it differs much.
fn choice(field: Field, word: &str) -> String {
    let danish = match (field, word) {
        (Field::Severity, _) => band(word).map_or(word, |band| band.names().0),
        (Field::Risk, "unlikely") => "usandsynlig",
        (Field::Risk, "risk") => "risiko",
        (Field::Risk, "high") => "høj risiko",
        (Field::Communication, _) => communication(word),
        _ => word,
    };
    danish.to_owned()
}

/// Where telling the persons stands.
pub fn communication(word: &str) -> &str {
    match word {
        "not_assessed" => "ikke vurderet",
        "not_required" => "ikke påkrævet: ingen høj risiko (artikel 34, stk. 1)",
        "exempt_34_3_a" => "undtaget: oplysningerne er uforståelige for andre (artikel 34, stk. 3, litra a)",
        "exempt_34_3_b" => "undtaget: den høje risiko er ikke længere reel (artikel 34, stk. 3, litra b)",
        "exempt_34_3_c" => {
            "undtaget: uforholdsmæssig indsats, offentlig meddelelse i stedet (artikel 34, stk. 3, litra c)"
        }
        "exempt_22" => "undtaget: databeskyttelsesloven § 22",
        "planned" => "planlagt",
        "sending" => "i gang",
        "done" => "alle er underrettet",
        other => other,
    }
}

/// Different persons, with "mindst" where a mail held more than are counted.
pub fn persons(row: &CaseRow) -> String {
    if row.persons_exact { row.persons.to_string() } else { format!("mindst {}", row.persons) }
}

/// `kommune.example (12), borger.example (3)`.
pub fn domains(all: &[DomainCount]) -> String {
    let mut named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|one| {
            let domain = if one.domain.is_empty() { "(tom afsender)" } else { &one.domain };
            format!("{domain} ({})", one.mails)
        })
        .collect();
    if let Some(more) = all.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push(format!("og {more} andre"));
    }
    named.join(", ")
}

/// How the mails travelled, as far as the log proves it.
pub fn proofs(all: &[Proof]) -> String {
    if all.is_empty() {
        return "mailserverens log har ikke sagt noget om mailenes vej".to_owned();
    }
    all.iter().map(|one| format!("{} ({})", proof(one), one.times)).collect::<Vec<_>>().join("; ")
}

/// One way in words: `afleveret ukrypteret`.
pub fn proof(proof: &Proof) -> String {
    let status = match proof.status.as_str() {
        "sent" => "afleveret",
        "deferred" => "ikke afleveret endnu",
        "returned" => "returneret",
        other => other,
    };
    let way = match proof.proof.as_str() {
        "verified" => "med TLS, certifikat kontrolleret",
        "trusted" => "med TLS, certifikat fra kendt udsteder",
        "untrusted" => "med TLS, certifikat ikke kontrolleret",
        "anonymous" => "med TLS uden certifikat",
        "plaintext" => "ukrypteret",
        "local" => "på egen maskine",
        "unproven" => "uden bevis for vejen",
        "nothing" => "uden indhold overdraget",
        other => other,
    };
    let session = [proof.protocol.as_str(), proof.cipher.as_str()].join(" ");
    let session = session.trim();
    if session.is_empty() { format!("{status} {way}") } else { format!("{status} {way}, {session}") }
}

/// The types of data that were seen, a lower bound; `None` when nothing but the numbers was.
pub fn data_types(around: &Surroundings) -> Option<String> {
    let seen: Vec<String> = around
        .beside
        .iter()
        .filter_map(|(word, mails)| {
            let (danish, _) = Beside::from_word(word)?.names();
            Some(format!("{danish} (set i mindst {mails} mails)"))
        })
        .collect();
    if seen.is_empty() { None } else { Some(format!("CPR-nummer, {}", seen.join(", "))) }
}

/// What happened, in a sentence that the register can answer for.
pub fn happened(whole: &Whole<'_>) -> Both {
    let (row, around) = (&whole.file.row, whole.around);
    let (from, to) = (domains(&around.senders), domains(&around.recipients));
    let (first, last) = (shown(around.first_at), shown(around.last_at));
    let persons = persons(row);
    let mails = row.mails;
    let source = row.source.as_deref();
    let (source_da, source_en) = match (source, around.vendor.as_deref()) {
        (Some(source), Some(vendor)) => (
            format!(" Kildesystem: {source} (leverandør: {vendor})."),
            format!(" Source system: {source} (vendor: {vendor})."),
        ),
        (Some(source), None) => (format!(" Kildesystem: {source}."), format!(" Source system: {source}.")),
        (None, _) => (String::new(), String::new()),
    };
    Both::new(
        format!(
            "{mails} mail(s) med CPR-numre om {persons} forskellige personer er fundet, sendt fra {first} til {last}. \
             Fra: {from}. Til: {to}.{source_da}"
        ),
        format!(
            "{mails} mail(s) with CPR numbers of {persons} different persons were found, sent from {first} to {last}. \
             From: {from}. To: {to}.{source_en}"
        ),
    )
}

/// What was decided about notifying, who did it, and why: the newest line that decides.
pub fn decision(file: &CaseFile) -> Option<(&Entry, &'static str)> {
    file.entries.iter().rev().find_map(|entry| {
        let word = match entry.event.as_str() {
            "notified_preliminary" => "anmeldt foreløbigt",
            "notified" => "anmeldt",
            "supplemented" => "suppleret",
            "supplemented_finally" => "suppleret endeligt",
            "documented" => "kun dokumenteret",
            "refuted" => "intet brud",
            _ => return None,
        };
        Some((entry, word))
    })
}

/// What a line of the register is called in Danish.
pub fn event(word: &str) -> &str {
    match word {
        "opened" => "sag åbnet",
        "confirmed" => "mistanke bekræftet",
        "refuted" => "mistanke afkræftet",
        "aware_changed" => "tidspunkt for kendskab ændret",
        "recorded" => "oplysning skrevet",
        "documented" => "kun dokumenteret",
        "notified_preliminary" => "foreløbig anmeldelse sendt",
        "notified" => "anmeldelse sendt",
        "supplemented" => "supplerende anmeldelse sendt",
        "supplemented_finally" => "endelig anmeldelse sendt",
        "communication" => "underretning af de registrerede",
        "nis2" => "NIS2",
        "closed" => "sag afsluttet",
        "reopened" => "sag genåbnet",
        "receipt" => "bilag gemt",
        "task_added" => "opgave tilføjet",
        "task_done" => "opgave udført",
        "promise_broken" => "ubeskyttet trods løfte",
        "breach_whole" => "hele sagen er et brud",
        "persons_unknown" => "personer ikke skilt ud",
        "purged" => "slettet",
        "release_in_clear" => "frigivet ukrypteret",
        "released_past_us" => "sendt ukrypteret uden om Brevdue",
        "released" => "frigivet",
        "held" => "tilbageholdt",
        other => other,
    }
}

/// The day in Denmark: `17-11-2026`.
pub fn day(at: DateTime<Utc>) -> String {
    at.with_timezone(&chrono_tz::Europe::Copenhagen).format("%d-%m-%Y").to_string()
}
