//! Counted things as Prometheus reads them (text format 0.0.4).
//!
//! Numbers and fixed words only: a label is never taken from a message. Tests: below.

use std::fmt::Write as _;

/// What the page says it is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a number only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only rises, from 0 at the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A metric with all its samples.
#[derive(Clone, Debug)]
pub struct Family {
    /// `brevdue_...`
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Whether it only rises.
    pub kind: Kind,
    /// Labels and value.
    pub samples: Vec<Sample>,
}

/// One number, with a label where the family has many.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The label's name and value.
    pub label: Option<(&'static str, String)>,
    /// The number.
    pub value: u64,
}

impl Family {
    /// A number that only rises.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Counter, samples: vec![Sample { label: None, value }] }
    }

    /// A number that goes up and down.
    pub fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { kind: Kind::Gauge, ..Self::counter(name, help, value) }
    }

    /// The same with a sample for each value of a label.
    #[must_use]
    pub fn by<const N: usize>(self, label: &'static str, values: [(&str, u64); N]) -> Self {
        let sample = |(word, value): (&str, u64)| Sample { label: Some((label, word.to_owned())), value };
        Self { samples: values.into_iter().map(sample).collect(), ..self }
    }
}

/// The whole page.
pub fn written(families: &[Family]) -> String {
    let mut page = String::new();
    for family in families {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let name = family.name;
        // Writing to a String cannot fail.
        write!(page, "# HELP {name} {}\n# TYPE {name} {kind}\n", family.help).unwrap_or_default();
        for Sample { label, value } in &family.samples {
            let label = label.as_ref().map(|(label, word)| format!("{{{label}=\"{}\"}}", escaped(word)));
            writeln!(page, "{name}{} {value}", label.unwrap_or_default()).unwrap_or_default();
        }
    }
    page
}

fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_prometheus_reads() {
        let families = [
            Family::gauge("brevdue_up", "Whether it is.", 1),
            Family::counter("brevdue_mail_total", "Mail.", 0).by("verdict", [("block", 2), ("a\"\\\n", 3)]),
        ];
        assert_eq!(
            written(&families),
            "# HELP brevdue_up Whether it is.\n# TYPE brevdue_up gauge\nbrevdue_up 1\n\
             # HELP brevdue_mail_total Mail.\n# TYPE brevdue_mail_total counter\n\
             brevdue_mail_total{verdict=\"block\"} 2\nbrevdue_mail_total{verdict=\"a\\\"\\\\\\n\"} 3\n"
        );
    }
}
