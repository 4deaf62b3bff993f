//! What the DPO reads: Danish first, English below, the time left in hours, the case number, and never a CPR
//! number, a subject or a citizen's name.

use super::stage::Told;
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
    texts.iter().for_each(|(danish, _)| line(&mut body, danish));
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
    texts.iter().for_each(|(_, english)| line(&mut body, english));
    line(&mut body, &format!("See the case: brevdue case show {}", case.id));
    Letter { subject: subject(told, &left, now), body }
}

fn subject(told: &Told, left: &(String, String), now: DateTime<Utc>) -> String {
    let ((danish, english), id) = (left, &told.case.id);
    let breach = told.case.kind == Kind::Breach;
    match told.milestone {
        Milestone::HitAfter => format!("Nyt fund i en afgjort sag: genåbn? / New finding in a settled case [{id}]"),
        Milestone::Supplement => {
            format!("Foreløbig anmeldelse uden supplement / No supplement to a preliminary notification [{id}]")
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
        Milestone::Triage => format!("Mistanke venter på svar: {danish} / A suspicion waits: {english} [{id}]"),
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

/// What the letter says about the case: lines in Danish, each with its English.
fn matter(told: &Told, left: &(String, String), now: DateTime<Utc>) -> Vec<(String, String)> {
    let case = &told.case;
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut say = |danish: &str, english: &str| lines.push((danish.to_owned(), english.to_owned()));
    let (Some(aware), Some(deadline)) = (case.aware_at, case.deadline) else {
        say("", "");
        say(
            "En mail med et ukrypteret CPR-nummer blev afvist, holdt tilbage eller sendt ad en beskyttet vej.",
            "A mail with an unencrypted CPR number was refused, held, or sent by a protected road instead.",
        );
        say(
            "Nummeret har ikke forladt huset ubeskyttet. Der løber ingen frist.",
            "The number has not left unprotected. No clock is running.",
        );
        return lines;
    };
    say(&format!("Bekendt med bruddet: {}", local(aware)), &format!("Aware: {}", local(aware)));
    match told.milestone {
        Milestone::HitAfter => {
            say("", "");
            say(
                "En ny mail hører til sagen, efter at den blev afgjort. Der løber ingen ny frist af sig selv.",
                "A new mail belongs to the case, after it was settled. No new clock starts by itself.",
            );
            say(
                "Vurdér, om sagen skal genåbnes, eller om det nye er et brud for sig.",
                "Decide whether the case is to be reopened, or whether this is a breach of its own.",
            );
            return lines;
        }
        Milestone::Supplement => {
            say("", "");
            say(
                "Bruddet er foreløbigt anmeldt, og der er ikke anmeldt mere i mindst 14 dage.",
                "The breach was notified preliminarily, and nothing more was sent for at least 14 days.",
            );
            say(
                "Send de supplerende oplysninger til Datatilsynet uden unødig forsinkelse (artikel 33, stk. 4).",
                "Send the further information to Datatilsynet without undue further delay (GDPR article 33(4)).",
            );
            return lines;
        }
        Milestone::Nis2(step, _) => {
            let (da, en) = step.names();
            let at = told.nis2_deadline.map(local).unwrap_or_default();
            let (left_da, left_en) = told.nis2_deadline.map(|at| left_in_words(at - now)).unwrap_or_default();
            say("", "");
            say(
                &format!("Hændelsen er vurderet væsentlig (NIS2). Frist for {da}: {at} ({left_da})"),
                &format!("The incident was found significant (NIS2). Deadline of the {en}: {at} ({left_en})"),
            );
            say(
                "Det er en anden frist end den for anmeldelse til Datatilsynet.",
                "It is another deadline than that of the notification to Datatilsynet.",
            );
            return lines;
        }
        Milestone::Opened
        | Milestone::Triage
        | Milestone::Unacknowledged
        | Milestone::Left(_)
        | Milestone::LastStaffed
        | Milestone::Overdue
        | Milestone::OverdueAgain => {}
    }
    say(
        &format!("Frist for anmeldelse til Datatilsynet: {} ({})", local(deadline), left.0),
        &format!("Deadline for notifying Datatilsynet: {} ({})", local(deadline), left.1),
    );
    say("", "");
    let suspected = case.state == State::Suspected;
    if suspected {
        say(
            "En mail, der måske indeholder et ukrypteret CPR-nummer, har forladt huset.",
            "A mail that may hold an unencrypted CPR number has left.",
        );
    } else {
        say(
            "En mail med et ukrypteret CPR-nummer har forladt huset.",
            "A mail with an unencrypted CPR number has left.",
        );
    }
    match told.milestone {
        Milestone::Triage => say(
            "Ingen har endnu bekræftet eller afkræftet mistanken. Tag stilling nu.",
            "Nobody has confirmed or refuted the suspicion yet. Decide now.",
        ),
        Milestone::Unacknowledged => say(
            "Ingen har kvitteret for alarmen i 4 timer. Du får den som den næste i rækken.",
            "Nobody has acknowledged the alert for 4 hours. You get it as the next in the chain.",
        ),
        Milestone::LastStaffed => say(
            "Herfra er der kun én bemandet time til fristen: anmeld nu, eventuelt foreløbigt.",
            "From now on one staffed hour is left before the deadline: notify now, preliminarily if need be.",
        ),
        Milestone::Overdue | Milestone::OverdueAgain => say(
            "Anmeld straks, og begrund forsinkelsen (artikel 33, stk. 1).",
            "Notify at once, and give the reasons for the delay (GDPR article 33(1)).",
        ),
        Milestone::Opened
        | Milestone::Left(_)
        | Milestone::HitAfter
        | Milestone::Supplement
        | Milestone::Nis2(..) => {}
    }
    say(
        "Vurdér bruddet, og anmeld det til Datatilsynet på virk.dk,",
        "Assess the breach and notify it to Datatilsynet on virk.dk, unless",
    );
    say(
        "medmindre det er usandsynligt, at det indebærer en risiko (databeskyttelsesforordningen, artikel 33).",
        "it is unlikely to result in a risk (GDPR article 33).",
    );
    if suspected {
        say(
            "Det er en mistanke: det er uvist, om det er et CPR-nummer, eller om vejen var ubeskyttet. Fristen",
            "It is a suspicion: the finding, or that the road was unprotected, is not certain. The clock runs",
        );
        say("regnes fra fundet.", "from the finding.");
    }
    if !case.sealed {
        say(
            "Der manglede en DPO-nøgle: ikke alle berørte personer kan findes igen i Brevdue.",
            "A DPO key was missing: not all persons concerned can be found again in Brevdue.",
        );
    }
    lines
}

/// The letter with when somebody is last at work before the deadline.
pub fn with_staffed(letter: Letter, last: DateTime<Utc>, now: DateTime<Utc>) -> Letter {
    let Letter { subject, mut body } = letter;
    line(&mut body, "");
    if last > now {
        line(&mut body, &format!("Sidste bemandede time før fristen / last staffed hour: {}", local(last)));
    } else {
        line(&mut body, "Der er ingen bemandet time før fristen. / There is no staffed hour before the deadline.");
    }
    Letter { subject, body }
}

/// The letter with a link that says that it was read.
pub fn with_link(letter: Letter, url: &str) -> Letter {
    let Letter { subject, mut body } = letter;
    line(&mut body, "");
    line(&mut body, "Kvittér for alarmen (den gentages så ikke; fristen løber videre, og næste varsel kommer):");
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
        Some(deadline) => left_in_words(deadline - now),
        None => ("ingen frist".to_owned(), "no deadline".to_owned()),
    }
}

/// Lines of mail end in CRLF (RFC 5322 §2.1).
fn line(body: &mut String, text: &str) {
    body.push_str(text);
    body.push_str("\r\n");
}
