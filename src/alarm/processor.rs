//! The notice of a processor to a controller (GDPR art. 33(2)): the letter with who sends it and when, and the same facts as
//! JSON for the controller's own system.
//!
//! Holds what the letter holds and no more: no number, no subject, no name of a citizen, and nothing of another
//! controller's case.

use super::letter::Letter;
use crate::case::local::shown as local;
use crate::store::CaseRow;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// The attached file's name.
pub const FILE: &str = "brevdue-notice.json";

#[derive(Serialize)]
struct Notice<'a> {
    kind: &'static str,
    article: &'static str,
    processor: &'a str,
    /// When we handed it over; our own server's acceptance stands in the processor's register.
    sent_at: String,
    cases: Vec<Case<'a>>,
}

#[derive(Serialize)]
struct Case<'a> {
    id: &'a str,
    incident: i64,
    kind: &'static str,
    state: &'static str,
    controller: &'a str,
    cvr: &'a str,
    source: Option<&'a str>,
    mails: u64,
    persons: u64,
    persons_exact: bool,
    detected_at: String,
    aware_at: Option<String>,
    deadline: Option<String>,
}

/// The letter as a processor of this name sends it when it is no notice: a reminder, a near miss, a letter to somebody behind
/// the DPO. No clock of anybody's begins with it.
pub fn reminder(letter: Letter, name: &str) -> Letter {
    let Letter { subject, body } = letter;
    let body = format!(
        "{name} sender mail for den dataansvarlige. Dette er ingen ny underretning efter artikel 33, stk. 2: der begynder\r\n\
         ingen frist ved at modtage det.\r\n\
         {name} sends mail for the controller. This is no new notice under article 33(2): no clock begins with its receipt.\r\n\
         \r\n\
         ---\r\n\
         \r\n\
         {body}"
    );
    Letter { subject, body }
}

/// The notice as a processor of this name sends it, when the case of a breach opens.
pub fn letter(letter: Letter, name: &str, now: DateTime<Utc>) -> Letter {
    let Letter { subject, body } = letter;
    let at = local(now);
    let body = format!(
        "Underretning fra databehandler (databeskyttelsesforordningen, artikel 33, stk. 2)\r\n\
         {name} sender mail for jer og underretter jer om det, der står nedenfor. Sendt {at}.\r\n\
         Jeres egen frist løber, fra I modtager dette. Den frist, der er vist, er regnet fra vores kendskab: det er den strengeste.\r\n\
         Oplysningerne er vedhæftet som {FILE}.\r\n\
         \r\n\
         Notice from a processor (GDPR article 33(2)): {name} sends mail for you. Sent {at}. Your own clock runs from\r\n\
         receipt; the deadline shown runs from when we became aware, which is stricter. The same facts are attached as {FILE}.\r\n\
         \r\n\
         ---\r\n\
         \r\n\
         {body}"
    );
    Letter { subject, body }
}

/// The facts of these cases, for a program; `None` when they cannot be written.
pub fn json(cases: &[&CaseRow], name: &str, now: DateTime<Utc>) -> Option<String> {
    let rfc3339 = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let rows = cases.iter().copied().map(|case| Case {
        id: case.id.as_str(),
        incident: case.incident,
        kind: case.kind.word(),
        state: case.state.word(),
        controller: &case.controller,
        cvr: &case.cvr,
        source: case.source.as_deref(),
        mails: case.mails,
        persons: case.persons,
        persons_exact: case.persons_exact,
        detected_at: rfc3339(case.detected_at),
        aware_at: case.aware_at.map(rfc3339),
        deadline: case.deadline.map(rfc3339),
    });
    let notice = Notice {
        kind: "processor-to-controller",
        article: "GDPR 33(2)",
        processor: name,
        sent_at: rfc3339(now),
        cases: rows.collect(),
    };
    serde_json::to_string_pretty(&notice).ok()
}
