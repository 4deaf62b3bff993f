//! What there is to say of an archive, for reading and for a program.

use super::tally::{Read, Share, Tally};
use crate::case::CaseId;
use crate::case::local::shown as local;
use crate::store::{CaseRow, Sent, Store, StoreError};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// See the module's head.
pub(super) struct Told<'a> {
    pub(super) tally: &'a Tally,
    pub(super) read: &'a Read,
    pub(super) cases: Vec<(CaseRow, Sent)>,
    pub(super) dry_run: bool,
    pub(super) troubles: u64,
    pub(super) skipped: u64,
    pub(super) took: Duration,
}

/// The cases with these numbers, as the register has them now.
pub(super) fn cases(store: &Store, wanted: &BTreeSet<CaseId>) -> Result<Vec<(CaseRow, Sent)>, StoreError> {
    let mut rows = store.cases()?;
    rows.retain(|row| wanted.contains(&row.id));
    rows.sort_by(|one, other| one.id.cmp(&other.id));
    rows.into_iter().map(|row| store.sent(&row.id).map(|sent| (row, sent))).collect()
}

/// The contract of `archive --format json`.
#[derive(Serialize)]
struct Whole<'a> {
    dry_run: bool,
    /// Mails read, copies included.
    read: u64,
    bytes: u64,
    seconds: f64,
    /// Different mails with a number, for each controller that one concerns.
    finds: u64,
    /// Seen more than once in this run.
    copies: u64,
    /// Different mails with a number, each once.
    mails: u64,
    /// With a number: `mails`, `copies`, `inside`, `received` and `nobodys` together.
    with_number: u64,
    /// In the register before.
    known: u64,
    new: u64,
    opened: u64,
    /// In the register as stopped, and left so: see `averted_in`.
    averted: u64,
    averted_in: Vec<&'a str>,
    /// Cases that were suspected and are not any more.
    confirmed: Vec<&'a str>,
    /// Settled cases that something new belongs to.
    after: Vec<&'a str>,
    /// With a number, by an internal road: never left.
    inside: u64,
    /// With a number, from outside: whoever sent it answers for it.
    received: u64,
    /// With a number, and no header tells who sent it; the first of them by name.
    nobodys: u64,
    nameless: &'a [String],
    /// Not all of it could be read, whatever was found in the rest; the first of them are named on standard error.
    partial: u64,
    envelope_from_journal: u64,
    envelope_from_header: u64,
    undated: u64,
    not_mail: u64,
    /// Not opened, and mail may lie in them: named on standard error.
    unopened: u64,
    skipped: u64,
    unreadable: u64,
    controllers: Vec<OfController<'a>>,
    cases: Vec<OfCase<'a>>,
}

/// What stands in the archive.
#[derive(Serialize)]
struct OfController<'a> {
    controller: &'a str,
    cvr: &'a str,
    mails: u64,
    persons: u64,
    /// Whether that is all of them.
    persons_exact: bool,
    /// What the mails say of when they were sent.
    first_sent: Option<String>,
    last_sent: Option<String>,
    /// Templates of named sources, or senders.
    groups: u64,
}

/// What stands in the register.
#[derive(Serialize)]
struct OfCase<'a> {
    id: &'a str,
    incident: i64,
    state: &'static str,
    controller: &'a str,
    cvr: &'a str,
    source: Option<&'a str>,
    mails: u64,
    persons: u64,
    detected_at: String,
    aware_at: Option<String>,
    deadline: Option<String>,
    first_sent: Option<String>,
    last_sent: Option<String>,
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Told<'_> {
    pub(super) fn json(&self) -> anyhow::Result<String> {
        let Self { tally, read, .. } = self;
        let controllers = tally.shares.iter().map(|(cvr, share)| OfController {
            controller: &share.name,
            cvr,
            mails: share.mails,
            persons: share.persons(),
            persons_exact: !share.more_persons,
            first_sent: share.first.map(rfc3339),
            last_sent: share.last.map(rfc3339),
            groups: share.groups(),
        });
        let cases = self.cases.iter().map(|(row, sent)| OfCase {
            id: row.id.as_str(),
            incident: row.incident,
            state: row.state.word(),
            controller: &row.controller,
            cvr: &row.cvr,
            source: row.source.as_deref(),
            mails: row.mails,
            persons: row.persons,
            detected_at: rfc3339(row.detected_at),
            aware_at: row.aware_at.map(rfc3339),
            deadline: row.deadline.map(rfc3339),
            first_sent: sent.first.map(rfc3339),
            last_sent: sent.last.map(rfc3339),
        });
        Ok(serde_json::to_string_pretty(&Whole {
            dry_run: self.dry_run,
            read: read.mails,
            bytes: read.bytes,
            seconds: self.took.as_secs_f64(),
            finds: self.finds(),
            copies: tally.copies(),
            mails: tally.different,
            with_number: read.leaks,
            known: tally.known,
            new: tally.new,
            opened: tally.opened,
            averted: tally.averted,
            averted_in: tally.averted_in.iter().map(CaseId::as_str).collect(),
            confirmed: tally.confirmed.iter().map(CaseId::as_str).collect(),
            after: tally.after.iter().map(CaseId::as_str).collect(),
            inside: read.inside,
            received: read.received,
            nobodys: read.nobodys,
            nameless: &read.nameless,
            partial: read.partial,
            envelope_from_journal: read.journaled,
            envelope_from_header: read.mails - read.journaled,
            undated: read.undated,
            not_mail: read.aside,
            unopened: read.closed,
            skipped: self.skipped,
            unreadable: self.troubles,
            controllers: controllers.collect(),
            cases: cases.collect(),
        })?)
    }

    fn finds(&self) -> u64 {
        self.tally.shares.values().map(|share| share.mails).sum()
    }

    pub(super) fn human(&self) -> String {
        let Self { tally, read, .. } = self;
        let mut lines = Vec::new();
        if !tally.shares.is_empty() {
            let rows: Vec<[String; 6]> =
                tally.shares.iter().map(|(cvr, share)| self.row(cvr, share)).collect();
            let heads = ["Dataansvarlig", "Mails", "Personer", "Først sendt", "Sidst sendt", "Sager"];
            lines.push(crate::cli::case::table(&heads, &rows));
        }
        let incidents: BTreeSet<i64> = self.cases.iter().map(|(row, _)| row.incident).collect();
        let seconds = self.took.as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = read.mails as f64 / seconds;
        lines.push(format!(
            "{} læst ({} MB, {rate:.0}/s); {} med CPR-nummer. (Mails read, with a number.)",
            counted(read.mails, ["mail", "mails"]),
            read.bytes / 1_000_000,
            counted(read.leaks, ["mail", "mails"])
        ));
        let copies = match tally.copies() {
            0 => String::new(),
            copies => format!("; {}, ikke talt med igen", counted(copies, ["kopi", "kopier"])),
        };
        lines.push(format!(
            "{} med CPR-nummer er sendt herfra{copies}. (Sent from here; copies.)",
            counted(tally.different, ["mail", "mails"]),
        ));
        if self.dry_run {
            lines.push("Prøvekørsel: intet er skrevet. (Dry run: nothing was written.)".to_owned());
        } else {
            lines.push(format!(
                "{} i fortegnelsen, {} der i forvejen; {} åbnet, {} og {} i alt. (New, known, opened, cases, incidents.)",
                counted(tally.new, ["ny", "nye"]),
                counted(tally.known, ["stod", "stod"]),
                counted(tally.opened, ["sag", "sager"]),
                counted(self.cases.len() as u64, ["sag", "sager"]),
                counted(incidents.len() as u64, ["rodhændelse", "rodhændelser"])
            ));
        }
        lines.extend(self.of_cases());
        lines.push(format!(
            "Afsender og modtagere: {} efter journalens konvolut, {} efter mailens egne felter. (Envelope: journal, header.)",
            read.journaled,
            read.mails - read.journaled
        ));
        for (count, texts) in [
            (
                read.inside,
                [
                    "mail med CPR-nummer har ikke forladt huset (intern vej). (Never left.)",
                    "mails med CPR-nummer har ikke forladt huset (intern vej). (Never left.)",
                ],
            ),
            (
                read.received,
                [
                    "mail med CPR-nummer er modtaget udefra: afsenderen svarer for den (--controller tager alt med). (Received.)",
                    "mails med CPR-nummer er modtaget udefra: afsenderen svarer for dem (--controller tager alt med). (Received.)",
                ],
            ),
            (
                read.nobodys,
                [
                    "mail med CPR-nummer siger ikke, hvem der sendte den: sig det med --controller. (No sender; not recorded.)",
                    "mails med CPR-nummer siger ikke, hvem der sendte dem: sig det med --controller. (No sender; not recorded.)",
                ],
            ),
        ] {
            lines.extend((count > 0).then(|| counted(count, texts)));
        }
        lines.extend(read.nameless.iter().map(|name| format!("  {name}")));
        let more = read.nobodys.saturating_sub(read.nameless.len() as u64);
        lines.extend((more > 0).then(|| format!("  og {more} til (and more)")));
        for (count, of, text) in [
            (
                read.partial,
                ["mail", "mails"],
                "kunne ikke læses helt: der kan stå flere numre. (Not read whole; named on standard error.)",
            ),
            (
                read.closed,
                ["fil", "filer"],
                "blev ikke åbnet, og der kan ligge mail i. (Not opened; named on standard error.)",
            ),
            (
                self.troubles,
                ["fil eller mail", "filer eller mails"],
                "kunne ikke læses. (Unreadable; named on standard error.)",
            ),
            (read.undated, ["mail", "mails"], "siger ingen dato, der kan passe. (No date that can be.)"),
            (read.aside, ["fil er ikke en mail", "filer er ikke mails"], "og blev ikke læst. (Not mail.)"),
            (
                self.skipped,
                ["skjult fil eller hjælpefil", "skjulte filer og hjælpefiler"],
                "blev sprunget over. (Hidden files, and a mail store's own.)",
            ),
        ] {
            lines.extend((count > 0).then(|| format!("{} {text}", counted(count, of))));
        }
        lines.join("\n")
    }

    /// The first mails that were not read whole, for standard error.
    pub(super) fn unread(&self) -> Vec<String> {
        let named = self.read.unread.iter().map(|one| format!("brevdue: not read whole: {one}"));
        let more = self.read.partial.saturating_sub(self.read.unread.len() as u64);
        named.chain((more > 0).then(|| format!("brevdue: not read whole: {more} more"))).collect()
    }

    /// What there is to do about cases that were there before.
    fn of_cases(&self) -> Vec<String> {
        let Self { tally, .. } = self;
        let mut lines = Vec::new();
        if tally.averted > 0 {
            lines.push(format!(
                "{} står som afværget: {}. Forlod {} huset ad en anden vej, så kør igen med --assume delivered. (Near misses; left as they are.)",
                counted(tally.averted, ["mail", "mails"]),
                names(&tally.averted_in),
                if tally.averted == 1 { "den" } else { "de" }
            ));
        }
        if !tally.confirmed.is_empty() {
            lines.push(format!(
                "{} bekræftet: {}. (Confirmed: suspected until now.)",
                counted(tally.confirmed.len() as u64, ["sag", "sager"]),
                names(&tally.confirmed)
            ));
        }
        let after = self.cases.iter().filter(|(row, _)| tally.after.contains(&row.id));
        lines.extend(after.map(|(row, _)| {
            let (danish, english) = row.state.names();
            format!("{} er {danish}, og her er noget nyt om den: overvej at genåbne den. (It is {english}: consider reopening it.)", row.id)
        }));
        lines
    }

    fn row(&self, cvr: &str, share: &Share) -> [String; 6] {
        let day = |at: Option<DateTime<Utc>>| {
            let text = at.map(local).unwrap_or_default();
            text.split(' ').next().unwrap_or_default().to_owned()
        };
        let mut cases: Vec<&str> =
            self.cases.iter().filter(|(row, _)| row.cvr == cvr).map(|(row, _)| row.id.as_str()).collect();
        let more = cases.len().saturating_sub(2);
        cases.truncate(2);
        let more = if more > 0 { format!(" +{more}") } else { String::new() };
        [
            share.name.clone(),
            share.mails.to_string(),
            format!("{}{}", if share.more_persons { "mindst " } else { "" }, share.persons()),
            day(share.first),
            day(share.last),
            if self.dry_run { format!("({})", share.groups()) } else { format!("{}{more}", cases.join(" ")) },
        ]
    }
}

/// A number and its word, in the singular or the plural.
fn counted(count: u64, [one, more]: [&str; 2]) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// The first of some cases.
fn names(cases: &BTreeSet<CaseId>) -> String {
    const MOST: usize = 5;
    let first: Vec<&str> = cases.iter().take(MOST).map(CaseId::as_str).collect();
    let more = cases.len().saturating_sub(MOST);
    if more > 0 { format!("{} +{more}", first.join(", ")) } else { first.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_as_one() {
        assert_eq!(counted(1, ["mail", "mails"]), "1 mail");
        assert_eq!(counted(0, ["mail", "mails"]), "0 mails");
        let cases = (1..=7).map(|number| CaseId::new(2026, number)).collect();
        assert!(names(&cases).ends_with("BRV-2026-0005 +2"), "{}", names(&cases));
    }
}
