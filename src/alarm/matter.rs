//! What a letter says about its case: lines in Danish, each with its English.
//!
//! Start reading at [`matter`].

use super::stage::Told;
use crate::case::State;
use crate::case::deadline::left_in_words;
use crate::case::local::shown as local;
use crate::case::milestone::Milestone;
use chrono::{DateTime, Utc};

/// What the letter says about the case: lines in Danish, each with its English.
pub(super) fn matter(told: &Told, left: &(String, String), now: DateTime<Utc>) -> Vec<(String, String)> {
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
    if beside_the_clock(told, now, &mut say) {
        return lines;
    }
    the_clock(told, deadline, left, &mut say);
    lines
}

/// Steps that are not about the 72 hours. Whether it is one of them.
fn beside_the_clock(told: &Told, now: DateTime<Utc>, say: &mut impl FnMut(&str, &str)) -> bool {
    match told.milestone {
        Milestone::HitAfter => {
            say("", "");
            let hits = told.case.hits_after;
            say(
                &format!(
                    "{hits} mail(s) er kommet til, efter at sagen blev afgjort. Der løber ingen ny frist af sig selv."
                ),
                &format!(
                    "{hits} mail(s) joined the case after it was settled. No new clock starts by itself."
                ),
            );
            say(
                "Vurdér, om sagen skal genåbnes, eller om det nye er et brud for sig.",
                "Decide whether the case is to be reopened, or whether this is a breach of its own.",
            );
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
        }
        Milestone::Opened
        | Milestone::Triage
        | Milestone::Unacknowledged
        | Milestone::Left(_)
        | Milestone::LastStaffed
        | Milestone::Overdue
        | Milestone::OverdueAgain => return false,
    }
    true
}

fn the_clock(
    told: &Told,
    deadline: DateTime<Utc>,
    left: &(String, String),
    say: &mut impl FnMut(&str, &str),
) {
    let case = &told.case;
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
        if case.aware_at == Some(case.detected_at) {
            say("regnes fra fundet.", "from the finding.");
        } else {
            say("regnes fra kendskab.", "from awareness.");
        }
    }
    if !case.sealed {
        say(
            "Der manglede en DPO-nøgle: ikke alle berørte personer kan findes igen i Brevdue.",
            "A DPO key was missing: not all persons concerned can be found again in Brevdue.",
        );
    }
}
