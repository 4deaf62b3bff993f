//! How the house is, for a person who is woken and for a program that wakes people.
//!
//! The first line is one word. `ok`: nothing to do. `degraded`: mail is checked and answered, and a person must mend
//! something; still HTTP 200, so that no load balancer takes a working scanner away. `failing`: mail is answered 451;
//! HTTP 503. Below it stands a line for each thing looked at, and under that its reasons. With
//! `Accept: application/json` the same is an object: `{"status", "checks": [{"name", "status", "since", "text",
//! "reasons"}], "failures": [{"failure", "mail", "then"}]}`, with what each failure would do. Never reads anything itself. Tests: below.

use std::fmt;

use super::failures::FAILURES;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

/// How a thing is; later is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// As it should be.
    Ok,
    /// Mail flows and is checked; somebody must mend something.
    Degraded,
    /// Mail waits with whoever sent it.
    Failing,
}

impl Condition {
    /// As the pages write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was looked at, in one word.
    pub name: &'static str,
    /// How it is.
    pub condition: Condition,
    /// Since when it is so, where that is known.
    pub since: Option<DateTime<Utc>>,
    /// What a person should know, in one line.
    pub text: String,
    /// Why, one line each.
    pub reasons: Vec<String>,
}

/// All that was looked at. `Display` is the page.
#[derive(Clone, Debug)]
pub struct Health(pub Vec<Check>);

impl Health {
    /// The worst of all.
    pub fn condition(&self) -> Condition {
        self.0.iter().map(|check| check.condition).max().unwrap_or(Condition::Ok)
    }

    /// Whether mail waits.
    pub fn is_failing(&self) -> bool {
        self.condition() == Condition::Failing
    }

    /// The page for programs.
    pub fn json(&self) -> String {
        let checks: Vec<_> = self
            .0
            .iter()
            .map(|check| {
                json!({
                    "name": check.name,
                    "status": check.condition.word(),
                    "since": check.since.map(written),
                    "text": check.text,
                    "reasons": check.reasons,
                })
            })
            .collect();
        let failures: Vec<_> = FAILURES
            .iter()
            .map(|one| json!({ "failure": one.word, "mail": one.mail.word(), "then": one.then[1] }))
            .collect();
        format!("{}\n", json!({ "status": self.condition().word(), "checks": checks, "failures": failures }))
    }
}

impl fmt::Display for Health {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.condition().word())?;
        for check in &self.0 {
            write!(out, "{}: {}", check.name, check.condition.word())?;
            if let Some(since) = check.since {
                write!(out, " since {}", written(since))?;
            }
            writeln!(out, ": {}", check.text)?;
            for reason in &check.reasons {
                writeln!(out, "  {reason}")?;
            }
        }
        Ok(())
    }
}

/// A time as every page and log of ours writes it.
pub fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &'static str, condition: Condition, reasons: &[&str]) -> Check {
        let since = (condition != Condition::Ok).then(|| DateTime::from_timestamp(1_794_907_200, 0).unwrap());
        let reasons = reasons.iter().map(|one| (*one).to_owned()).collect();
        Check { name, condition, since, text: "said".to_owned(), reasons }
    }

    #[test]
    fn the_worst_stands_first_and_the_reasons_below() {
        let health = Health(vec![
            check("register", Condition::Ok, &[]),
            check("rules", Condition::Degraded, &["a: b", "c: d"]),
        ]);
        assert_eq!(
            health.to_string(),
            "degraded\nregister: ok: said\nrules: degraded since 2026-11-17T09:20:00Z: said\n  a: b\n  c: d\n"
        );
        let read: serde_json::Value = serde_json::from_str(&health.json()).unwrap();
        assert_eq!(read["status"], "degraded");
        assert_eq!(read["checks"][0]["since"], serde_json::Value::Null);
        assert_eq!(read["checks"][1]["reasons"][1], "c: d");
        assert!(!health.is_failing());
    }

    #[test]
    fn what_fails_is_worse_than_what_is_degraded() {
        for (all, worst) in [
            (vec![], Condition::Ok),
            (vec![Condition::Ok, Condition::Failing, Condition::Degraded], Condition::Failing),
        ] {
            let checks = all.into_iter().map(|one| check("x", one, &[])).collect();
            assert_eq!(Health(checks).condition(), worst);
        }
    }
}
