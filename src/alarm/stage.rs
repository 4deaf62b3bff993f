//! Which rows go in which letter: grouped by person, merged by case, and a storm made into one digest.
//!
//! Reads the register and decides; sends nothing.

use crate::case::Kind;
use crate::case::act::nis2_deadlines;
use crate::case::field::Field;
use crate::case::milestone::{Milestone, Nis2Step};
use crate::store::{CaseRow, Channel, NoticeRow, Store, StoreError, Untaken};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// So many letters of opening an hour to one person; what comes after is gathered into a digest.
pub const OPENINGS_AN_HOUR: usize = 5;
/// More cases than this due at once are told in one letter.
pub const CASES_A_LETTER: usize = 3;

/// The letters of a round.
#[derive(Debug, Default)]
pub struct Plan {
    /// To be sent now.
    pub letters: Vec<Planned>,
    /// To be posted to the webhook now.
    pub posts: Vec<Planned>,
    /// Whether nothing was due, or it was another node's.
    pub is_empty: bool,
}

/// What a letter tells of.
#[derive(Clone, Debug)]
pub struct Told {
    /// The case.
    pub case: CaseRow,
    /// The step.
    pub milestone: Milestone,
    /// Of which clock.
    pub clock_version: i64,
    /// Of a step that repeats.
    pub ordinal: i64,
    /// When that step's own deadline is, if it belongs to the second clock.
    pub nis2_deadline: Option<DateTime<Utc>>,
}

/// A letter and the rows it settles.
#[derive(Debug)]
pub struct Planned {
    /// To whom.
    pub recipient: String,
    /// What it tells of: one case, or a digest of several.
    pub cases: Vec<Told>,
    /// The most pressing step in it.
    pub urgent: Milestone,
    /// Rows that this letter sends.
    pub sent: Vec<i64>,
    /// Rows of a less pressing step that it makes needless.
    pub merged: Vec<i64>,
    /// How often the row tried most has been tried.
    pub attempts: u32,
}

/// How long to wait after so many failures: 30 s, doubling to 15 minutes. Short against every milestone.
pub fn backoff(attempts: u32) -> TimeDelta {
    TimeDelta::seconds((30_i64 << attempts.min(5)).min(900))
}

/// Claims what is due for this node and plans its letters; openings over the hour's limit are put off until the hour is over.
///
/// # Errors
/// When the register cannot be read or written.
pub fn plan(store: &Store, node: &str, now: DateTime<Utc>) -> Result<Plan, StoreError> {
    // Breaches apart from near misses, so that no breach waits because much was stopped.
    let mut people: BTreeMap<(String, bool), Vec<NoticeRow>> = BTreeMap::new();
    let mut posts = Vec::new();
    let claimed = store.claim_notices(node, now)?;
    let is_empty = claimed.is_empty();
    for row in claimed {
        if row.channel == Channel::Webhook {
            posts.push(row);
            continue;
        }
        people.entry((row.recipient.clone(), row.kind == Kind::NearMiss)).or_default().push(row);
    }
    let posts = letters_for(store, Channel::Webhook.word(), posts, CASES_A_LETTER)?;
    let mut plan = Plan { letters: Vec::new(), posts, is_empty };
    for ((recipient, is_near_miss), rows) in people {
        let kind = if is_near_miss { Kind::NearMiss } else { Kind::Breach };
        let mut separate = CASES_A_LETTER;
        if rows.iter().all(|row| row.milestone == Milestone::Opened) {
            let mut letters = opening_letters(store, &recipient, kind, now - TimeDelta::hours(1))?;
            // What a clock that was ahead has sent fills no hour of now.
            letters.retain(|at| *at <= now);
            separate = separate.min(OPENINGS_AN_HOUR.saturating_sub(letters.len()));
            let fifth_last = letters.len().checked_sub(OPENINGS_AN_HOUR).and_then(|at| letters.get(at));
            if let Some(fifth_last) = fifth_last {
                // All wait for the same moment, so that they are gathered and none waits for more than an hour.
                let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
                let again_at = *fifth_last + TimeDelta::hours(1);
                store.notices_delayed(&Untaken { ids: &ids, node, again_at, error: None })?;
                continue;
            }
        }
        plan.letters.extend(letters_for(store, &recipient, rows, separate)?);
    }
    Ok(plan)
}

/// When each letter of opening went to this recipient, the oldest first. Cases told of in one second stood in
/// letters of their own when they were few.
fn opening_letters(
    store: &Store,
    recipient: &str,
    kind: Kind,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    let told = store.openings_told(recipient, kind, since)?;
    let letters = told.into_iter().flat_map(|(at, cases)| {
        let cases = usize::try_from(cases).unwrap_or(usize::MAX);
        std::iter::repeat_n(at, if cases <= CASES_A_LETTER { cases } else { 1 })
    });
    Ok(letters.collect())
}

/// At most `separate` letters; what is more becomes one digest.
fn letters_for(
    store: &Store,
    recipient: &str,
    rows: Vec<NoticeRow>,
    separate: usize,
) -> Result<Vec<Planned>, StoreError> {
    // The second clock has letters of its own: none of its steps is told by one of the first.
    let mut cases: BTreeMap<(String, bool), Vec<NoticeRow>> = BTreeMap::new();
    for row in rows {
        cases.entry((row.case.to_string(), row.milestone.is_nis2())).or_default().push(row);
    }
    let mut letters = Vec::new();
    for mut rows in cases.into_values() {
        rows.sort_by_key(|row| (row.milestone.urgency(), row.ordinal));
        let Some(urgent) = rows.pop() else { continue };
        let Some((case, facts)) = store.case_in_short(&urgent.case)? else { continue };
        letters.push(Planned {
            recipient: recipient.to_owned(),
            attempts: rows.iter().map(|row| row.attempts).max().unwrap_or(0).max(urgent.attempts),
            cases: vec![Told {
                nis2_deadline: nis2_deadline(urgent.milestone, &facts),
                case,
                milestone: urgent.milestone,
                clock_version: urgent.clock_version,
                ordinal: urgent.ordinal,
            }],
            urgent: urgent.milestone,
            sent: vec![urgent.id],
            merged: rows.iter().map(|row| row.id).collect(),
        });
    }
    if letters.len() <= separate {
        return Ok(letters);
    }
    let digest = letters.into_iter().reduce(|mut digest, letter| {
        if letter.urgent.urgency() > digest.urgent.urgency() {
            digest.urgent = letter.urgent;
        }
        digest.attempts = digest.attempts.max(letter.attempts);
        digest.cases.extend(letter.cases);
        digest.sent.extend(letter.sent);
        digest.merged.extend(letter.merged);
        digest
    });
    Ok(digest.into_iter().collect())
}

fn nis2_deadline(milestone: Milestone, facts: &BTreeMap<Field, String>) -> Option<DateTime<Utc>> {
    let Milestone::Nis2(step, _) = milestone else { return None };
    let place = Nis2Step::ALL.iter().position(|one| *one == step)?;
    nis2_deadlines(facts).get(place).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_and_stays_short() {
        assert_eq!(backoff(0), TimeDelta::seconds(30));
        assert_eq!(backoff(3), TimeDelta::seconds(240));
        assert_eq!(backoff(60), TimeDelta::seconds(900));
    }
}
