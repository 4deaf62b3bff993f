//! Letters about Brevdue itself: the register that cannot be written, and once a week that all is well.
//!
//! A person who hears nothing must be able to tell peace from a dead program: the weekly letter is that proof, and carries the
//! newest anchor of the register out of the house ([`crate::case::chain`]). Start reading at [`Keeping`].

use super::letter::Letter;
use crate::case::calendar::Calendar;
use crate::case::deadline::left_in_words;
use crate::case::local::{counted, shown as local};
use crate::store::{Anchor, CaseRow};
use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Copenhagen;

/// Who hears of Brevdue itself.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// Who is told that the register cannot be written: the default controller's DPO.
    pub default_dpo: String,
    /// Who gets the weekly letter, each once.
    pub weekly: Vec<String>,
}

/// What is known of the register's health.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    /// When it was last written.
    pub(super) well_at: Option<DateTime<Utc>>,
    /// Since when it fails.
    pub(super) failing_since: Option<DateTime<Utc>>,
    /// When that was last told.
    pub(super) told_at: Option<DateTime<Utc>>,
}

impl Health {
    /// A register that is busy for a moment is not down.
    const PATIENCE: TimeDelta = TimeDelta::seconds(30);
    /// It is told of so often at most.
    const AGAIN: TimeDelta = TimeDelta::hours(1);

    pub(super) fn well(&mut self, now: DateTime<Utc>) {
        *self = Self { well_at: Some(now), failing_since: None, told_at: self.told_at };
    }

    /// It failed now; since when it is down, when that is to be told now.
    pub(super) fn failed(&mut self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let failing = *self.failing_since.get_or_insert(now);
        let is_told = self.told_at.is_some_and(|told| now - told < Self::AGAIN && now >= told);
        if now - failing < Self::PATIENCE || is_told {
            return None;
        }
        self.told_at = Some(now);
        Some(self.well_at.unwrap_or(failing))
    }
}

/// When this week's letter is due: the first staffed hour of the week.
pub(super) fn week_begins(now: DateTime<Utc>, calendar: &Calendar) -> Option<DateTime<Utc>> {
    let today = now.with_timezone(&Copenhagen).date_naive();
    let monday = today.checked_sub_days(Days::new(today.weekday().num_days_from_monday().into()))?;
    let midnight = Copenhagen.from_local_datetime(&monday.and_time(NaiveTime::MIN)).earliest()?;
    calendar.staffed_from(midnight.to_utc())
}

/// That the register cannot be written.
pub(super) fn down(node: &str, since: DateTime<Utc>, now: DateTime<Utc>) -> Letter {
    let minutes = (now - since).num_minutes();
    let body = [
        format!("Registret kan ikke skrives fra {node}, siden {} ({minutes} min.).", local(since)),
        "Mail med et fund bliver besvaret 451, så den venter hos afsenderens mailserver; intet går tabt.".to_owned(),
        "Frister, der allerede løber, løber videre, men varsler om dem kan være forsinkede: se selv efter.".to_owned(),
        "Få driften til at se på [store]: fuld disk, låst fil, eller en databaseserver, der ikke svarer.".to_owned(),
        "Se: brevdue status".to_owned(),
        String::new(),
        "---".to_owned(),
        String::new(),
        format!("The register cannot be written from {node}, since {} ({minutes} min).", local(since)),
        "Mail with a finding is answered 451 and waits at its sender's mail server; nothing is lost.".to_owned(),
        "Deadlines that run go on running, and alerts about them may be late: look for yourself.".to_owned(),
        "Ask operations to look at [store]: a full disk, a locked file, a database server that does not answer.".to_owned(),
        "See: brevdue status".to_owned(),
    ];
    Letter {
        subject: "Brevdue: registret kan ikke skrives / the register cannot be written".to_owned(),
        body: body.join("\r\n") + "\r\n",
    }
}

/// So many cases are named; of the rest there is the number.
const NAMED: usize = 20;

/// That all is well: the cases of this person, and the newest anchor.
pub(super) fn weekly(node: &str, cases: &[&CaseRow], anchor: Option<&Anchor>, now: DateTime<Utc>) -> Letter {
    let mut running: Vec<&&CaseRow> = cases.iter().filter(|case| case.state.clock_runs()).collect();
    running.sort_by_key(|case| (case.deadline, case.id.clone()));
    let (all, open) = (cases.len(), running.len());
    let (danish, english) = (counted(all as u64, "sag", "sager"), counted(all as u64, "case", "cases"));
    let mut body = vec![
        format!("Brevdue lever ({node}, {}).", local(now)),
        format!("{danish} i fortegnelsen, heraf {open} med en frist, der løber."),
        format!("Brevdue is alive. {english} in the register, {open} of them with a running deadline."),
    ];
    for case in running.iter().take(NAMED) {
        let (danish, english) = case.deadline.map(|at| left_in_words(at - now)).unwrap_or_default();
        body.push(format!("  {}  {danish} / {english}", case.id));
    }
    if open > NAMED {
        body.push(format!("  ... og {} til / and {} more", open - NAMED, open - NAMED));
    }
    body.push(String::new());
    match anchor {
        Some(anchor) => {
            let nibbles = anchor.hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let hash: String = nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect();
            body.push(format!(
                "Registrets anker fra {}, over {}:",
                local(anchor.at),
                counted(anchor.cases, "sag", "sager")
            ));
            body.push(format!("  {hash}"));
            body.push(
                "Gem brevet: er en linje fra før dette anker ændret siden, findes tallet ikke mere i registret, eller linjen passer ikke med det."
                    .to_owned(),
            );
            body.push("Efterprøv det / check it: brevdue case verify --anchor TALLET".to_owned());
            body.push(
                "The register's anchor. Keep this letter: a line from before it that was changed since no longer fits it."
                    .to_owned(),
            );
        }
        None => body.push("Registret har endnu intet anker / the register has no anchor yet.".to_owned()),
    }
    body.push(String::new());
    body.push(
        "Kommer dette brev ikke hver uge, så spørg driften. / If it does not come weekly, ask operations."
            .to_owned(),
    );
    Letter {
        subject: format!("Brevdue lever: {danish}, {open} med frist / alive: {english}, {open} running"),
        body: body.join("\r\n") + "\r\n",
    }
}

/// Goes in place of a weekly letter that our own scanner stopped.
pub(super) fn fixed() -> Letter {
    Letter {
        subject: "Brevdue lever / is alive".to_owned(),
        body: "Brevdue lever. Se sagerne: brevdue case list\r\n\r\nBrevdue is alive. See the cases: brevdue case list\r\n"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::local::{read, shown};
    use sha2::{Digest, Sha256};

    fn at(local: &str) -> DateTime<Utc> {
        read(local).unwrap().earlier()
    }

    #[test]
    fn a_register_that_is_down_is_told_of_hourly() {
        let start = at("17-11-2026 10:20");
        let mut health = Health::default();
        health.well(start);
        let mut told = Vec::new();
        // Down from the first minute to the 150th, a moment of trouble at the 200th.
        for second in (60..150 * 60).step_by(10) {
            let now = start + TimeDelta::seconds(second);
            if let Some(since) = health.failed(now) {
                assert_eq!(since, start, "since it was last well");
                told.push((now - start).num_minutes());
            }
        }
        assert_eq!(told, [1, 61, 121]);
        health.well(start + TimeDelta::minutes(150));
        assert_eq!(health.failed(start + TimeDelta::minutes(200)), None);
        health.well(start + TimeDelta::minutes(200) + TimeDelta::seconds(10));
        assert_eq!(health.failed(start + TimeDelta::minutes(300)), None);
    }

    #[test]
    fn the_week_begins_when_somebody_is_at_work() {
        let begins = |now: &str| shown(week_begins(at(now), &Calendar::default()).unwrap());
        assert_eq!(begins("22-11-2026 13:00"), "16-11-2026 kl. 08:00");
        assert_eq!(begins("23-11-2026 00:01"), "23-11-2026 kl. 08:00");
        // Easter Monday, and the Monday of Whitsun.
        assert_eq!(begins("31-03-2027 12:00"), "30-03-2027 kl. 08:00");
        assert_eq!(begins("26-05-2026 12:00"), "26-05-2026 kl. 08:00");
    }

    /// A hash and a link are random, and must not look like a number to our own scanner: the letter would be lost for a fixed text.
    #[test]
    fn hashes_and_links_are_no_numbers_to_our_scanner() {
        use crate::alarm::ack::{Link, Sign};
        use crate::scan::ruleset::Ruleset;
        let rules = std::sync::Arc::new(Ruleset::built_in().unwrap());
        let now = at("23-11-2026 08:00");
        let sign: Sign = std::sync::Arc::new(|parts| {
            let mut digest = [0; 16];
            digest.copy_from_slice(&Sha256::digest(parts.concat())[..16]);
            digest
        });
        for number in 0..2_000_u32 {
            let hash = Sha256::digest(number.to_be_bytes()).into();
            let letter = weekly("relay", &[], Some(&Anchor { at: now, cases: 74, hash }), now);
            let link = Link {
                case: crate::case::CaseId::new(2026, number),
                step: crate::case::milestone::Milestone::Left(24),
                clock: 1,
                recipient: "dpo@kommune.example".to_owned(),
                until: now + TimeDelta::minutes(number.into()),
            };
            let letter = super::super::letter::with_link(
                letter,
                &format!("https://b.example/ack?{}", link.query(&sign)),
            );
            let mail = format!("Subject: {}\r\n\r\n{}", letter.subject, letter.body);
            assert!(crate::alarm::is_clean(&mail, &rules, now), "{mail}");
        }
    }
}
