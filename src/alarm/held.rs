//! Mail that nobody decides about: who is told, when, and in which words.
//!
//! It never vanishes for its age: after the hours of `[hold] alarm_hours` the DPO is told, and from then on daily, until it is
//! released or discarded. One letter a person and round, whatever the number of mails. Start reading at [`is_due`].

use super::letter::Letter;
use crate::case::local::shown as local;
use crate::store::held::{HeldRow, HeldState};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// A letter shows so many mails; of the rest it gives the number.
const SHOWN: usize = 50;

/// Whether somebody is to be told now of a mail held at `at` of which was last told at `told`.
pub fn is_due(at: DateTime<Utc>, told: Option<DateTime<Utc>>, hours: &[u32], now: DateTime<Utc>) -> bool {
    let steps = hours.iter().map(|hour| TimeDelta::hours(i64::from(*hour)));
    // The last step that has passed; behind the last of all, one a day.
    let Some(mut step) = steps.clone().filter(|step| at + *step <= now).max() else { return false };
    if steps.max() == Some(step) {
        step += TimeDelta::days((now - at - step).num_days());
    }
    told.is_none_or(|told| told < at + step)
}

/// The mail that each person is to be told of now, the oldest first.
pub fn due(rows: Vec<HeldRow>, hours: &[u32], now: DateTime<Utc>) -> BTreeMap<String, Vec<HeldRow>> {
    let mut people: BTreeMap<String, Vec<HeldRow>> = BTreeMap::new();
    for row in rows {
        if !row.dpo.is_empty() && row.state.is_open() && is_due(row.at, row.alarmed_at, hours, now) {
            people.entry(row.dpo.clone()).or_default().push(row);
        }
    }
    people
}

/// How long a mail has been held, in whole hours, then days: Danish and English.
pub fn age_in_words(age: TimeDelta) -> (String, String) {
    let (days, hours, minutes) = (age.num_days(), age.num_hours(), age.num_minutes().max(0));
    match (days, hours) {
        (0, 0) => (format!("{minutes} min."), format!("{minutes} min")),
        (0, 1) => ("1 time".to_owned(), "1 hour".to_owned()),
        (0 | 1, _) if hours < 48 => (format!("{hours} timer"), format!("{hours} hours")),
        _ => (format!("{days} døgn"), format!("{days} days")),
    }
}

/// The letter about these mails, the oldest first; `rows` is not empty.
pub fn letter(rows: &[HeldRow], now: DateTime<Utc>) -> Letter {
    let oldest = rows.iter().map(|row| row.at).min().unwrap_or(now);
    let (danish, english) = age_in_words(now - oldest);
    let count = rows.len();
    let subject = format!(
        "Tilbageholdt mail venter: {count}, den ældste i {danish} / Held mail waits: {count}, the oldest for {english}"
    );
    let mut lines = vec![
        "Disse mails er holdt tilbage, og ingen har taget stilling til dem. De bliver liggende, til nogen gør det.".to_owned(),
        "These mails are held, and nobody has decided about them. They stay until somebody does.".to_owned(),
        String::new(),
    ];
    for row in rows.iter().take(SHOWN) {
        let (danish, english) = age_in_words(now - row.at);
        let cases: Vec<&str> = row.cases.iter().map(crate::case::CaseId::as_str).collect();
        let cases = if cases.is_empty() { "uden sag / no case".to_owned() } else { cases.join(" ") };
        lines.push(format!("{}  {danish} / {english}  {cases}", row.name));
        lines.push(format!(
            "    {} -> {}, {}",
            domain(&row.sender_domain),
            row.recipient_domains,
            local(row.at)
        ));
        if row.state == HeldState::Approved {
            lines.push("    besluttet, men endnu ikke udført / decided, and not yet done".to_owned());
        }
    }
    if count > SHOWN {
        lines.push(format!("... og {} til / and {} more", count - SHOWN, count - SHOWN));
    }
    lines.push(String::new());
    lines.push(
        "Tag stilling / decide: brevdue held list, brevdue held release, brevdue held discard".to_owned(),
    );
    Letter { subject, body: lines.join("\r\n") + "\r\n" }
}

/// Goes in place of a letter that our own scanner stopped.
pub fn fixed() -> Letter {
    Letter {
        subject: "Brevdue: tilbageholdt mail venter / held mail waits".to_owned(),
        body: "Mails venter på, at nogen tager stilling. Kør: brevdue held list\r\n\r\n\
               Mails wait for a decision. Run: brevdue held list\r\n"
            .to_owned(),
    }
}

/// A domain, or what the null sender is shown as.
pub fn domain(text: &str) -> &str {
    if text.is_empty() { "<>" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn somebody_is_told_after_four_hours_after_a_day_and_daily() {
        let at = Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap();
        let hours = |hours| at + TimeDelta::hours(hours);
        // Asked each half hour, as the daemon does more often; told when it is due.
        let mut told = None;
        let mut when = Vec::new();
        for half in 0..200 {
            let now = at + TimeDelta::minutes(30 * half);
            if is_due(at, told, &[4, 24], now) {
                told = Some(now);
                when.push((now - at).num_hours());
            }
        }
        assert_eq!(when, [4, 24, 48, 72, 96]);
        // Down for days: one alarm, at once.
        assert!(is_due(at, Some(hours(4)), &[4, 24], hours(100)));
        assert!(!is_due(at, Some(hours(100)), &[4, 24], hours(101)));
        // A clock that was put back tells nobody twice.
        assert!(!is_due(at, Some(hours(24)), &[4, 24], hours(5)));
        assert!(!is_due(at, None, &[4], at - TimeDelta::days(1)));
    }

    #[test]
    fn ages() {
        let words = |minutes| age_in_words(TimeDelta::minutes(minutes)).0;
        assert_eq!(words(59), "59 min.");
        assert_eq!(words(61), "1 time");
        assert_eq!(words(47 * 60), "47 timer");
        assert_eq!(words(49 * 60), "2 døgn");
        assert_eq!(words(-5), "0 min.");
    }
}
