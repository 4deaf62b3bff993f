//! What the DPO reads: Danish first, English below, the time left in hours, the case number, and never a CPR
//! number, a subject or a citizen's name.

use super::matter::matter;
use super::stage::Told;
use crate::case::Kind;
use crate::case::deadline::left_in_words;
use crate::case::local::counted;
pub use crate::case::local::shown as local;
use crate::case::milestone::Milestone;
use crate::store::{BypassNotice, CaseRow};
use chrono::{DateTime, Utc};

/// A letter ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// The letter about these cases: one by itself, several as a digest.
pub fn write(cases: &[Told], now: DateTime<Utc>) -> Letter {
    match cases {
        [told] => one(told, now),
        _ => digest(cases, now),
    }
}

/// Goes in place of a letter that our own scanner stopped.
pub fn fixed() -> Letter {
    Letter {
        subject: "Brevdue: se fortegnelsen / see the register".to_owned(),
        body: "En sag i fortegnelsen kræver din opmærksomhed nu. Kør: brevdue case list\r\n\r\n\
               A case in the register needs your attention now. Run: brevdue case list\r\n"
            .to_owned(),
    }
}

/// Mail that left without passing us: nobody knows what is in it, so it is no case, and somebody must look at once.
pub fn bypass(notice: &BypassNotice) -> Letter {
    let BypassNotice { mails, queue_id, transport, relay, .. } = notice;
    let (first, last) = (local(notice.first_at), local(notice.last_at));
    let mails = counted(*mails, "mail", "mails");
    let mut body = String::new();
    for text in [
        &format!("{mails} har forladt mailserveren uden at passere Brevdue, {first} til {last}."),
        "Ingen har kontrolleret for CPR-numre.",
        &format!("Senest: kø-id {queue_id}, transport {transport}, til {relay}."),
        "Bed driften se efter en port eller tjeneste uden milter i master.cf, og find mailen i loggen.",
        "Skal den ikke passere Brevdue, så nævn transporten eller modtageren i need_not_pass under [maillog].",
        "",
        "---",
        "",
        &format!("{mails} left the mail server without passing Brevdue, {first} to {last}."),
        "Nobody has checked for CPR numbers.",
        &format!("The latest: queue id {queue_id}, transport {transport}, to {relay}."),
        "Ask operations to look for a port or service without the milter in master.cf, and to find the mail in the log.",
        "If it need not pass Brevdue, name the transport or the next hop in need_not_pass of [maillog].",
    ] {
        line(&mut body, text);
    }
    Letter { subject: format!("Brevdue: {mails} uden kontrol / unchecked"), body }
}

/// What `brevdue alarm test` sends.
pub fn test(now: DateTime<Utc>) -> Letter {
    Letter {
        subject: "Brevdue: prøve af alarm / alarm test".to_owned(),
        body: format!(
            "Dette er en prøve, sendt {at}. Alarmer fra Brevdue når frem til dig.\r\n\r\n\
             This is a test, sent {at}. Alarms from Brevdue reach you.\r\n",
            at = local(now)
        ),
    }
}

fn one(told: &Told, now: DateTime<Utc>) -> Letter {
    let case = &told.case;
    let (danish, english) = case.state.names();
    let left = time_left(case, now);
    let mut body = String::new();
    line(&mut body, &format!("Sag {} ({danish})", case.id));
    line(&mut body, &format!("Dataansvarlig: {}, CVR {}", case.controller, case.cvr));
    line(&mut body, &format!("Kildesystem: {}", case.source.as_deref().unwrap_or("ikke angivet")));
    line(
        &mut body,
        &format!("Mails: {}. Forskellige personer: {}{}.", case.mails, least(case, "mindst "), case.persons),
    );
    let texts = matter(told, &left, now);
    for (danish, _) in &texts {
        line(&mut body, danish);
    }
    line(&mut body, &format!("Se sagen: brevdue case show {}", case.id));
    line(&mut body, "");
    line(&mut body, "---");
    line(&mut body, "");
    line(&mut body, &format!("Case {} ({english})", case.id));
    line(&mut body, &format!("Controller: {}, CVR {}", case.controller, case.cvr));
    line(&mut body, &format!("Source system: {}", case.source.as_deref().unwrap_or("not named")));
    line(
        &mut body,
        &format!("Mails: {}. Different persons: {}{}.", case.mails, least(case, "at least "), case.persons),
    );
    for (_, english) in &texts {
        line(&mut body, english);
    }
    line(&mut body, &format!("See the case: brevdue case show {}", case.id));
    Letter { subject: subject(told, &left, now), body }
}

fn subject(told: &Told, left: &(String, String), now: DateTime<Utc>) -> String {
    let ((danish, english), id) = (left, &told.case.id);
    let breach = told.case.kind == Kind::Breach;
    match told.milestone {
        Milestone::HitAfter => {
            format!("Nyt fund i en afgjort sag: genåbn? / New finding in a settled case [{id}]")
        }
        Milestone::Supplement => {
            format!(
                "Foreløbig anmeldelse uden supplement / No supplement to a preliminary notification [{id}]"
            )
        }
        Milestone::Nis2(step, 0) => {
            let (da, en) = step.names();
            format!("NIS2: FRISTEN FOR {} ER OVERSKREDET / {en} overdue [{id}]", da.to_uppercase())
        }
        Milestone::Nis2(step, _) => {
            let (da, en) = step.names();
            let (left_da, left_en) = told.nis2_deadline.map(|at| left_in_words(at - now)).unwrap_or_default();
            format!("NIS2, {da}: {left_da} / {en}: {left_en} [{id}]")
        }
        _ if !breach => format!("Afværget: CPR-nummer stoppet / Near miss [{id}]"),
        Milestone::Opened => format!("Brud på persondatasikkerheden: {danish} / Breach: {english} [{id}]"),
        Milestone::Triage => {
            format!("Mistanke venter på svar: {danish} / A suspicion waits: {english} [{id}]")
        }
        Milestone::Unacknowledged => {
            format!("Ingen har kvitteret: {danish} / Nobody has acknowledged: {english} [{id}]")
        }
        Milestone::LastStaffed => {
            format!("Sidste bemandede time før fristen: {danish} / Last staffed hour: {english} [{id}]")
        }
        Milestone::Left(_) => format!("Frist for anmeldelse: {danish} / Deadline: {english} [{id}]"),
        Milestone::Overdue => format!("FRISTEN ER OVERSKREDET / OVERDUE [{id}]"),
        Milestone::OverdueAgain => format!("FRISTEN ER STADIG OVERSKREDET / STILL OVERDUE [{id}]"),
    }
}

/// The letter with when somebody is last at work before the deadline.
pub fn with_staffed(letter: Letter, last: DateTime<Utc>, now: DateTime<Utc>) -> Letter {
    let Letter { subject, mut body } = letter;
    line(&mut body, "");
    if last > now {
        line(&mut body, &format!("Sidste bemandede time før fristen / last staffed hour: {}", local(last)));
    } else {
        line(
            &mut body,
            "Der er ingen bemandet time før fristen. / There is no staffed hour before the deadline.",
        );
    }
    Letter { subject, body }
}

/// The letter with a link that says that it was read.
pub fn with_link(letter: Letter, url: &str) -> Letter {
    let Letter { subject, mut body } = letter;
    line(&mut body, "");
    line(
        &mut body,
        "Kvittér for alarmen (den gentages så ikke; fristen løber videre, og næste varsel kommer):",
    );
    line(&mut body, "Acknowledge (it is not repeated then; the clock runs on, and the next step comes):");
    line(&mut body, &format!("<{url}>"));
    Letter { subject, body }
}

fn digest(cases: &[Told], now: DateTime<Utc>) -> Letter {
    let count = cases.len();
    let mut sorted: Vec<&Told> = cases.iter().collect();
    sorted.sort_by_key(|told| (told.case.deadline.is_none(), told.case.deadline, told.case.id.clone()));
    let mut body = String::new();
    line(&mut body, &format!("{count} sager kræver din opmærksomhed, den med mindst tid først."));
    line(&mut body, &format!("{count} cases need your attention, the one with least time left first."));
    line(&mut body, "");
    for Told { case, milestone, .. } in &sorted {
        let (danish_left, english_left) = time_left(case, now);
        let (danish_state, english_state) = case.state.names();
        line(&mut body, &format!("{}  {danish_left} / {english_left}", case.id));
        line(
            &mut body,
            &format!("    {danish_state} / {english_state}; {}, CVR {}", case.controller, case.cvr),
        );
        if *milestone != Milestone::Opened {
            line(&mut body, &format!("    {}", milestone.name()));
        }
        line(
            &mut body,
            &format!("    mails {}, personer / persons {}{}", case.mails, least(case, ">= "), case.persons),
        );
    }
    line(&mut body, "");
    line(&mut body, "Se dem / see them: brevdue case list");
    let first = sorted.first().map(|told| time_left(&told.case, now)).unwrap_or_default();
    Letter { subject: format!("Brevdue: {count} sager, {} / {count} cases, {}", first.0, first.1), body }
}

/// The word before a count that is a lower bound.
fn least<'a>(case: &CaseRow, word: &'a str) -> &'a str {
    if case.persons_exact { "" } else { word }
}

fn time_left(case: &CaseRow, now: DateTime<Utc>) -> (String, String) {
    match case.deadline {
        Some(deadline) if case.state.clock_runs() => left_in_words(deadline - now),
        Some(_) => ("uret er standset".to_owned(), "the clock has stopped".to_owned()),
        None => ("ingen frist".to_owned(), "no deadline".to_owned()),
    }
}

/// Lines of mail end in CRLF (RFC 5322 §2.1).
fn line(body: &mut String, text: &str) {
    body.push_str(text);
    body.push_str("\r\n");
}
