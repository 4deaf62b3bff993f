//! What the DPO reads: Danish first, English below, the time left in hours, the case number, and never a CPR
//! number, a subject or a citizen's name.

use crate::case::deadline::left_in_words;
use crate::case::milestone::Milestone;
use crate::case::{Kind, State};
use crate::store::{BypassNotice, CaseRow};
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Copenhagen;

/// A letter ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Danish practice: `17-11-2026 kl. 10:20`.
pub fn local(time: DateTime<Utc>) -> String {
    time.with_timezone(&Copenhagen).format("%d-%m-%Y kl. %H:%M").to_string()
}

/// The letter about these cases: one by itself, several as a digest.
pub fn write(cases: &[(CaseRow, Milestone)], now: DateTime<Utc>) -> Letter {
    match cases {
        [(case, milestone)] => one(case, *milestone, now),
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
    let mut body = String::new();
    for text in [
        &format!("{mails} mail(s) har forladt mailserveren uden at passere Brevdue, {first} til {last}."),
        "Ingen har kontrolleret dem for CPR-numre.",
        &format!("Senest: kø-id {queue_id}, transport {transport}, til {relay}."),
        "Bed driften se efter en port eller tjeneste uden milter i master.cf, og find mailene i loggen.",
        "Skal de ikke passere Brevdue, så nævn transporten eller modtageren i need_not_pass under [maillog].",
        "",
        "---",
        "",
        &format!("{mails} mail(s) left the mail server without passing Brevdue, {first} to {last}."),
        "Nobody has checked them for CPR numbers.",
        &format!("The latest: queue id {queue_id}, transport {transport}, to {relay}."),
        "Ask operations to look for a port or service without the milter in master.cf, and to find the mails in the log.",
        "If they need not pass Brevdue, name the transport or the next hop in need_not_pass of [maillog].",
    ] {
        line(&mut body, text);
    }
    Letter { subject: format!("Brevdue: {mails} mail(s) uden kontrol / unchecked"), body }
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

fn one(case: &CaseRow, milestone: Milestone, now: DateTime<Utc>) -> Letter {
    let (danish_left, english_left) = time_left(case, now);
    let (danish_state, english_state) = case.state.names();
    let subject = match (case.kind, milestone) {
        (Kind::NearMiss, _) => format!("Afværget: CPR-nummer stoppet / Near miss [{}]", case.id),
        (Kind::Breach, Milestone::Opened) => {
            format!("Brud på persondatasikkerheden: {danish_left} / Breach: {english_left} [{}]", case.id)
        }
        (Kind::Breach, Milestone::Left(_)) => {
            format!("Frist for anmeldelse: {danish_left} / Deadline: {english_left} [{}]", case.id)
        }
        (Kind::Breach, Milestone::HitAfter) => {
            format!("Nyt fund i en afgjort sag: genåbn? / New finding in a settled case [{}]", case.id)
        }
        (Kind::Breach, Milestone::Overdue) => format!("FRISTEN ER OVERSKREDET / OVERDUE [{}]", case.id),
    };
    let mut body = String::new();
    danish(&mut body, case, danish_state, &danish_left);
    line(&mut body, "");
    line(&mut body, "---");
    line(&mut body, "");
    english(&mut body, case, english_state, &english_left);
    Letter { subject, body }
}

fn danish(body: &mut String, case: &CaseRow, state: &str, left: &str) {
    line(body, &format!("Sag {} ({state})", case.id));
    line(body, &format!("Dataansvarlig: {}, CVR {}", case.controller, case.cvr));
    line(body, &format!("Kildesystem: {}", case.source.as_deref().unwrap_or("ikke angivet")));
    line(
        body,
        &format!("Mails: {}. Forskellige personer: {}{}.", case.mails, least(case, "mindst "), case.persons),
    );
    match (case.state, case.aware_at, case.deadline) {
        (State::NearMiss, _, _) => {
            line(body, "");
            line(
                body,
                "En mail med et ukrypteret CPR-nummer blev afvist, holdt tilbage eller sendt ad en beskyttet vej.",
            );
            line(body, "Nummeret har ikke forladt huset ubeskyttet. Der løber ingen frist.");
        }
        (_, Some(aware), Some(deadline)) => {
            line(body, &format!("Bekendt med bruddet: {}", local(aware)));
            line(body, &format!("Frist for anmeldelse til Datatilsynet: {} ({left})", local(deadline)));
            line(body, "");
            line(
                body,
                if case.state == State::Suspected {
                    "En mail, der måske indeholder et ukrypteret CPR-nummer, har forladt huset."
                } else {
                    "En mail med et ukrypteret CPR-nummer har forladt huset."
                },
            );
            line(body, "Vurdér bruddet, og anmeld det til Datatilsynet på virk.dk,");
            line(
                body,
                "medmindre det er usandsynligt, at det indebærer en risiko (databeskyttelsesforordningen, artikel 33).",
            );
            if case.state == State::Suspected {
                line(
                    body,
                    "Det er en mistanke: det er uvist, om det er et CPR-nummer, eller om vejen var ubeskyttet. Fristen",
                );
                line(body, "regnes fra fundet.");
            }
            if !case.sealed {
                line(
                    body,
                    "Der manglede en DPO-nøgle: ikke alle berørte personer kan findes igen i Brevdue.",
                );
            }
        }
        (_, _, _) => {}
    }
    line(body, &format!("Se sagen: brevdue case show {}", case.id));
}

fn english(body: &mut String, case: &CaseRow, state: &str, left: &str) {
    line(body, &format!("Case {} ({state})", case.id));
    line(body, &format!("Controller: {}, CVR {}", case.controller, case.cvr));
    line(body, &format!("Source system: {}", case.source.as_deref().unwrap_or("not named")));
    line(
        body,
        &format!("Mails: {}. Different persons: {}{}.", case.mails, least(case, "at least "), case.persons),
    );
    match (case.state, case.aware_at, case.deadline) {
        (State::NearMiss, _, _) => {
            line(body, "");
            line(
                body,
                "A mail with an unencrypted CPR number was refused, held, or sent by a protected road instead.",
            );
            line(body, "The number has not left unprotected. No clock is running.");
        }
        (_, Some(aware), Some(deadline)) => {
            line(body, &format!("Aware: {}", local(aware)));
            line(body, &format!("Deadline for notifying Datatilsynet: {} ({left})", local(deadline)));
            line(body, "");
            line(
                body,
                if case.state == State::Suspected {
                    "A mail that may hold an unencrypted CPR number has left."
                } else {
                    "A mail with an unencrypted CPR number has left."
                },
            );
            line(body, "Assess the breach and notify it to Datatilsynet on virk.dk, unless");
            line(body, "it is unlikely to result in a risk (GDPR article 33).");
            if case.state == State::Suspected {
                line(
                    body,
                    "It is a suspicion: the finding, or that the road was unprotected, is not certain. The clock runs",
                );
                line(body, "from the finding.");
            }
            if !case.sealed {
                line(body, "A DPO key was missing: not all persons concerned can be found again in Brevdue.");
            }
        }
        (_, _, _) => {}
    }
    line(body, &format!("See the case: brevdue case show {}", case.id));
}

fn digest(cases: &[(CaseRow, Milestone)], now: DateTime<Utc>) -> Letter {
    let count = cases.len();
    let mut sorted: Vec<&CaseRow> = cases.iter().map(|(case, _)| case).collect();
    sorted.sort_by_key(|case| (case.deadline.is_none(), case.deadline, case.id.clone()));
    let mut body = String::new();
    line(&mut body, &format!("{count} sager kræver din opmærksomhed, den med mindst tid først."));
    line(&mut body, &format!("{count} cases need your attention, the one with least time left first."));
    line(&mut body, "");
    for case in &sorted {
        let (danish_left, english_left) = time_left(case, now);
        let (danish_state, english_state) = case.state.names();
        line(&mut body, &format!("{}  {danish_left} / {english_left}", case.id));
        line(
            &mut body,
            &format!("    {danish_state} / {english_state}; {}, CVR {}", case.controller, case.cvr),
        );
        line(
            &mut body,
            &format!("    mails {}, personer / persons {}{}", case.mails, least(case, ">= "), case.persons),
        );
    }
    line(&mut body, "");
    line(&mut body, "Se dem / see them: brevdue case list");
    let first = sorted.first().map(|case| time_left(case, now)).unwrap_or_default();
    Letter { subject: format!("Brevdue: {count} sager, {} / {count} cases, {}", first.0, first.1), body }
}

/// The word before a count that is a lower bound.
fn least<'a>(case: &CaseRow, word: &'a str) -> &'a str {
    if case.persons_exact { "" } else { word }
}

fn time_left(case: &CaseRow, now: DateTime<Utc>) -> (String, String) {
    match case.deadline {
        Some(deadline) => left_in_words(deadline - now),
        None => ("ingen frist".to_owned(), "no deadline".to_owned()),
    }
}

/// Lines of mail end in CRLF (RFC 5322 §2.1).
fn line(body: &mut String, text: &str) {
    body.push_str(text);
    body.push_str("\r\n");
}
