//! What the lines of a case say that it is: each is gone through from the first, and what comes out is held against the tables.
//!
//! The chain proves the lines ([`super::chain`]); a deadline, a fact or a receipt stands in a table beside them, and is proved by
//! this alone. Every line that sets one of them says so: its state in its own column, all else as JSON in its detail. Lines of
//! before version 5 say less, and what they set follows from them: a case was aware when its breach was entered. Pure. Start
//! reading at [`Standing::follow`].

use super::chain::Content;
use super::field::Field;
use super::local::written;
use super::regime::Regime;
use super::{Kind, State};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::collections::BTreeMap;

/// The regime of a case that names none.
pub const FIRST_REGIME: &str = "gdpr-2018";

/// A case, as its lines or as the tables say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its state's word.
    pub state: String,
    /// When the controller became aware; `None` for a near miss.
    pub aware_at: Option<DateTime<Utc>>,
    /// When the authority must have been notified.
    pub deadline: Option<DateTime<Utc>>,
    /// The law under which it was opened.
    pub regime: String,
    /// What was written about it, by the field's word.
    pub facts: BTreeMap<String, String>,
    /// Its papers: of each the SHA-256 in hexadecimal digits, and kind, name in the spool and, where it was said, bytes.
    pub receipts: BTreeMap<String, (String, String, Option<u64>)>,
    /// Its tasks by number: what, whose, and whether it is done.
    pub tasks: BTreeMap<i64, (String, String, bool)>,
}

/// What the tables say other than the lines: in Danish and English. No value of a field, which only a forger may have read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In Danish.
    pub danish: String,
    /// In English.
    pub english: String,
}

/// The detail of a line that starts a clock.
pub fn clock_detail(aware: DateTime<Utc>, regime: &Regime) -> String {
    serde_json::json!({
        "aware_at": { "now": written(aware) },
        "deadline": { "now": written(regime.deadline(aware)) },
        "regime": { "now": regime.id },
    })
    .to_string()
}

impl Standing {
    /// The same after this line.
    pub fn follow(&mut self, line: &Content<'_>) {
        let said: Value = serde_json::from_str(line.detail).unwrap_or_default();
        let now = |key: &str| said.get(key)?.get("now")?.as_str();
        if self.regime.is_empty() {
            FIRST_REGIME.clone_into(&mut self.regime);
        }
        if let Some(regime) = now("regime") {
            regime.clone_into(&mut self.regime);
        }
        if !line.to.is_empty() {
            line.to.clone_into(&mut self.state);
            let begins = State::from_word(line.to).is_some_and(|state| state.kind() == Kind::Breach);
            if line.to == State::NearMiss.word() {
                // Nothing has left after all, or nothing ever had.
                (self.aware_at, self.deadline) = (None, None);
            }
            let anew = self.aware_at.is_none() || line.event == "left_after_all";
            if begins && line.to != State::Closed.word() && anew {
                self.aware_at = DateTime::from_timestamp(line.at, 0);
                self.deadline = self.aware_at.map(|at| at + TimeDelta::hours(self.hours()));
            }
        }
        let time = |key: &str| now(key)?.parse::<DateTime<Utc>>().ok();
        if let Some(aware) = time("aware_at") {
            self.aware_at = Some(aware);
            self.deadline = Some(aware + TimeDelta::hours(self.hours()));
        }
        if let Some(deadline) = time("deadline") {
            self.deadline = Some(deadline);
        }
        for (key, value) in said.as_object().into_iter().flatten() {
            if let (Some(_), Some(value)) = (Field::from_word(key), value.get("now").and_then(Value::as_str))
            {
                self.facts.insert(key.clone(), value.to_owned());
            }
        }
        let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let task = said.get("task").and_then(Value::as_i64).unwrap_or_default();
        match line.event {
            "receipt" => {
                let size = said.get("size").and_then(Value::as_u64);
                self.receipts.insert(text("sha256"), (text("kind"), text("file"), size));
            }
            "task_added" => {
                self.tasks.insert(task, (text("what"), text("who"), false));
            }
            "task_done" => {
                if let Some((_, _, is_done)) = self.tasks.get_mut(&task) {
                    *is_done = true;
                }
            }
            _ => {}
        }
    }

    fn hours(&self) -> i64 {
        Regime::named(&self.regime).map_or(72, |regime| regime.hours.into())
    }

    /// What the tables say other than these lines.
    pub fn differs(&self, tables: &Self) -> Vec<Difference> {
        let mut all = Vec::new();
        let mut values = |danish: &str, english: &str, line: &str, table: &str| {
            if line != table {
                all.push(Difference {
                    danish: format!("{danish} er {table} i tabellen og {line} efter linjerne"),
                    english: format!("the {english} is {table} in the table and {line} by the lines"),
                });
            }
        };
        let time = |at: Option<DateTime<Utc>>| at.map_or("-".to_owned(), written);
        values("tilstanden", "state", &self.state, &tables.state);
        values("bekendt med bruddet", "awareness", &time(self.aware_at), &time(tables.aware_at));
        values("fristen", "deadline", &time(self.deadline), &time(tables.deadline));
        values("reglerne", "regime", &self.regime, &tables.regime);
        for word in different(&self.facts, &tables.facts) {
            let name = Field::from_word(word).map_or("?", |field| field.names().0);
            all.push(Difference {
                danish: format!("oplysningen {name:?} er en anden end den, linjerne siger"),
                english: format!("the field {word} is another than the lines say"),
            });
        }
        let same_paper = |line: &(String, String, Option<u64>), table: &(String, String, Option<u64>)| {
            line.0 == table.0 && line.1 == table.1 && (line.2.is_none() || line.2 == table.2)
        };
        let papers = self.receipts.keys().chain(tables.receipts.keys());
        let mut papers: Vec<&String> = papers
            .filter(|one| {
                let both = self.receipts.get(*one).zip(tables.receipts.get(*one));
                !both.is_some_and(|(line, table)| same_paper(line, table))
            })
            .collect();
        papers.sort_unstable();
        papers.dedup();
        for paper in papers {
            let (danish, english) =
                match (self.receipts.contains_key(paper), tables.receipts.contains_key(paper)) {
                    (true, false) => ("mangler, og linjerne har det", "is missing, and the lines have it"),
                    (false, _) => ("står ikke i linjerne", "does not stand in the lines"),
                    (true, true) => ("er et andet end det, linjerne siger", "is another than the lines say"),
                };
            let short = paper.get(..16).unwrap_or(paper);
            all.push(Difference {
                danish: format!("bilaget {short}… {danish}"),
                english: format!("the receipt {short}… {english}"),
            });
        }
        for task in different(&self.tasks, &tables.tasks) {
            all.push(Difference {
                danish: format!("opgave {task} er en anden end den, linjerne siger"),
                english: format!("task {task} is another than the lines say"),
            });
        }
        all
    }
}

fn different<'a, K: Ord, V: PartialEq>(
    lines: &'a BTreeMap<K, V>,
    tables: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = &'a K> {
    let here = lines.iter().filter(|(key, value)| tables.get(*key) != Some(*value)).map(|(key, _)| key);
    here.chain(tables.keys().filter(|key| !lines.contains_key(*key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(at: i64, event: &'a str, to: &'a str, detail: &'a str) -> Content<'a> {
        Content {
            case: "BRV-2026-0001",
            ordinal: 1,
            at,
            who: "Dorte DPO",
            event,
            from: "",
            to,
            reason: "",
            detail,
        }
    }

    /// A line from before version 5 says less, and means the same.
    #[test]
    fn a_breach_is_known_of_from_its_line() {
        let at = DateTime::from_timestamp(1_794_907_200, 0).unwrap();
        let detail = clock_detail(at, Regime::named("gdpr-2018").unwrap());
        for detail in ["", &detail] {
            let mut case = Standing::default();
            case.follow(&line(at.timestamp(), "opened", "assessing", detail));
            assert_eq!(
                (case.aware_at, case.deadline, case.regime.as_str()),
                (Some(at), Some(at + TimeDelta::hours(72)), "gdpr-2018")
            );
        }
        let mut near = Standing::default();
        near.follow(&line(0, "opened", "near_miss", ""));
        near.follow(&line(1, "closed", "closed", r#"{"keep_until":{"now":"2031-11-17T09:20:00Z"}}"#));
        assert_eq!((near.aware_at, near.facts.len()), (None, 1), "closed as the near miss that it was");
        near.follow(&line(at.timestamp(), "release_in_clear", "assessing", ""));
        assert_eq!(near.aware_at, Some(at));
        near.follow(&line(at.timestamp() + 9, "returned", "near_miss", ""));
        assert_eq!((near.aware_at, near.deadline), (None, None), "it has not left");
        near.follow(&line(at.timestamp() + 10, "left_after_all", "suspected", ""));
        near.follow(&line(at.timestamp() + 11, "refuted", "no_breach", ""));
        near.follow(&line(at.timestamp() + 12, "left_after_all", "assessing", ""));
        assert_eq!(
            near.deadline,
            Some(at + TimeDelta::seconds(12) + TimeDelta::hours(72)),
            "a clock of its own"
        );
    }

    #[test]
    fn each_thing_that_differs_is_named_and_no_field_is_quoted() {
        let mut lines = Standing::default();
        lines.follow(&line(0, "opened", "assessing", ""));
        lines.follow(&line(0, "recorded", "", r#"{"cause":{"now":"a"}}"#));
        lines.follow(&line(0, "recorded", "", r#"{"cause":{"before":"a","now":"b"}}"#));
        lines.follow(&line(0, "receipt", "", r#"{"kind":"other","sha256":"ab","file":"ab.pdf","size":7}"#));
        lines.follow(&line(0, "task_added", "", r#"{"task":1,"what":"x","who":"y"}"#));
        assert_eq!(lines.differs(&lines.clone()), []);
        let said = |change: fn(&mut Standing)| {
            let mut tables = lines.clone();
            change(&mut tables);
            let all = lines.differs(&tables);
            assert_eq!(all.len(), 1, "{all:?}");
            all[0].english.clone()
        };
        assert!(said(|one| one.deadline = one.aware_at).contains("deadline"));
        assert!(said(|one| one.state = "closed".to_owned()).contains("state is closed"));
        let secret = said(|one| drop(one.facts.insert("cause".to_owned(), "150379-1028".to_owned())));
        assert_eq!(secret, "the field cause is another than the lines say");
        assert!(said(|one| one.facts.clear()).contains("cause"));
        assert!(said(|one| one.receipts.clear()).contains("is missing"));
        assert!(said(|one| one.tasks.clear()).contains("task 1"));
    }
}
