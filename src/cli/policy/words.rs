//! Why a verdict is what it is, in Danish and in English.

use crate::envelope::{Pass, Verdict};
use crate::policy::road::{Passage, Protection, Source, Way};
use crate::policy::why::Rule;
use crate::policy::{LeakAction, RecipientDecision};
use crate::scan::Report;
use crate::scan::coverage::UnreadKind;

/// Danish and English.
type Words = (String, String);

/// The word for why it may pass.
pub(super) fn pass(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Deliver(pass) => Some(match pass {
            Pass::Clean => "clean",
            Pass::Encrypted => "encrypted",
            Pass::ProtectedRoad => "protected-road",
            Pass::UnreadAllowed => "unread-allowed",
            Pass::Exempt => "exempt",
            Pass::Observed => "observed",
        }),
        Verdict::Reroute | Verdict::Hold | Verdict::Block | Verdict::Defer => None,
    }
}

/// The reason for one recipient.
pub(super) fn why(decided: &RecipientDecision, way: &Way<'_>, report: &Report) -> Words {
    let (da_persons, en_persons) = persons(report.persons());
    match &decided.why.rule {
        Rule::Clean if report.may_leak() => both(
            "Læst helt; der er kun fundet noget, der måske er et nummer, og ikke nok til at gøre noget ved.",
            "Read whole; what was found is only possibly a number, and not enough to act on.",
        ),
        Rule::Clean if report.count() > 0 => both(
            "Læst helt; kun fundet numre af en slags, der ikke tæller.",
            "Read whole; what was found is of a kind that does not count.",
        ),
        Rule::Clean => both("Læst helt, og intet fundet.", "Read whole, and nothing found."),
        Rule::Encrypted => both(
            "Indholdet er krypteret til modtageren, og der er intet nummer uden om det.",
            "The content is encrypted to its reader, and no number stands outside of it.",
        ),
        Rule::Unread(kind) => {
            let (da, en) = unread(*kind);
            (format!("Ikke alt er læst: {da}."), format!("Not all was read: {en}."))
        }
        Rule::Leak(action) => {
            let (da, en) = passage(decided.why.passage, way, report);
            let (da_act, en_act) = act(*action);
            (format!("{da_persons}; {da}. {da_act}"), format!("{en_persons}; {en}. {en_act}"))
        }
        Rule::OffTag(_) => both(
            "Mærket i emnet slår kryptering fra, og mailen har et nummer: den holdes, uanset vejen.",
            "The tag in the subject switches encryption off, and the mail has a number: it is held, whatever the road.",
        ),
        Rule::Exemption(one) => {
            let day = format!("{:02}-{:02}-{}", one.until.day(), one.until.month(), one.until.year());
            (
                format!("{da_persons}; undtaget af {} til og med {day}: {}.", one.by, one.reason),
                format!("{en_persons}; exempted by {} until {day}: {}.", one.by, one.reason),
            )
        }
        Rule::Road { .. } | Rule::SmsGateway(_) | Rule::DefaultRoad | Rule::Channel(_) => {
            let (da, en) = road(decided, way, report);
            (format!("{da_persons}; {da}."), format!("{en_persons}; {en}."))
        }
        Rule::Failed => both("Kunne ikke afgøres nu.", "Could not be decided now."),
    }
}

fn both(danish: &str, english: &str) -> Words {
    (danish.to_owned(), english.to_owned())
}

fn persons(count: u64) -> Words {
    match count {
        0 => both("Måske et nummer", "Perhaps a number"),
        1 => both("Numre på 1 person", "Numbers of 1 person"),
        count => (format!("Numre på {count} personer"), format!("Numbers of {count} persons")),
    }
}

fn road(decided: &RecipientDecision, way: &Way<'_>, report: &Report) -> Words {
    if way.protection == Protection::Sms {
        return both(
            "en SMS er altid ukrypteret og må intet CPR-nummer indeholde; det kan ingen anden regel ændre",
            "an SMS is always plaintext and may hold no CPR number; no other rule can change that",
        );
    }
    if let Some(found) = decided.why.passage {
        return passage(Some(found), way, report);
    }
    if decided.why.many_persons.is_some() {
        return both(
            "vejen er beskyttet, men det er mange i én mail: det skrives i fortegnelsen",
            "the road is protected, but that is many in one mail: the register is told",
        );
    }
    both("vejen er beskyttet", "the road is protected")
}

fn passage(passage: Option<Passage>, way: &Way<'_>, report: &Report) -> Words {
    match passage {
        Some(Passage::TooMany) => {
            let most = match way.source {
                Source::Road(road) => road.max_persons.unwrap_or_default(),
                Source::SmsGateway(_) | Source::Default | Source::Channel => 0,
            };
            (
                format!("vejen er beskyttet, men må højst bære {most}"),
                format!("the road is protected, but may carry at most {most}"),
            )
        }
        Some(Passage::InHeader) if way.protection == Protection::DigitalPost => both(
            "et nummer står i titlen, som vises i beskeden om post",
            "a number stands in the label, which the notification shows",
        ),
        Some(Passage::InHeader) => both(
            "et nummer står i emnet eller et andet felt, som kryptering af indholdet ikke skjuler",
            "a number stands in the subject or another field, which encryption of the content does not hide",
        ),
        Some(Passage::Safe { .. } | Passage::Open) | None => {
            let is_unknown = way.protection == Protection::Unknown;
            let (mut da, mut en) = if is_unknown {
                both("ingen har sagt, om vejen er beskyttet", "nobody has said whether the road is protected")
            } else {
                both("vejen er ikke beskyttet", "the road is not protected")
            };
            if report.leaks_in_header() {
                da.push_str(", og et nummer står i mailens eget hoved");
                en.push_str(", and a number stands in the mail's own header");
            }
            (da, en)
        }
    }
}

fn act(action: LeakAction) -> Words {
    match action {
        LeakAction::Block => both("Mailen afvises.", "The mail is refused."),
        LeakAction::Hold => both("Mailen holdes til en afgørelse.", "The mail is held for a decision."),
        LeakAction::Reroute => {
            both("Mailen sendes ad en beskyttet vej.", "The mail is sent by a protected road.")
        }
        LeakAction::Deliver => {
            both("Mailen leveres, og en sag åbnes.", "The mail is delivered, and a case is opened.")
        }
    }
}

fn unread(kind: UnreadKind) -> (&'static str, &'static str) {
    match kind {
        UnreadKind::Image => ("billede, lyd eller film", "a picture, a sound or a film"),
        UnreadKind::Document => ("et dokument, der ikke åbnes", "a document that is not opened"),
        UnreadKind::Encrypted => ("en del er krypteret", "a part is encrypted"),
        UnreadKind::Password => ("et dokument med adgangskode", "a document with a password"),
        UnreadKind::Damaged => ("en del er beskadiget", "a part is damaged"),
        UnreadKind::Limit => ("en grænse er nået", "a limit is reached"),
        UnreadKind::Ambiguous => ("en del kan læses på to måder", "a part can be read in two ways"),
    }
}
