//! How the mail server's log is, for the console's two pages.

use crate::console::health::{Check, Condition, written};
use crate::console::metrics::Family;
use crate::inspect::Gate;
use crate::intake::maillog::Counters;
use crate::store::Store;
use chrono::TimeDelta;
use std::sync::Arc;

/// A mail that passes us is in the log within seconds, so a log that is older than this behind it stands still.
const STANDS_STILL: TimeDelta = TimeDelta::minutes(10);
/// A bypass is a fault of the mail server's configuration, which somebody has a day to mend before it shows no more.
const BYPASS: TimeDelta = TimeDelta::hours(24);

/// The log that is followed.
pub(super) struct Log {
    pub(super) counters: Arc<Counters>,
    pub(super) gate: Arc<Gate>,
}

impl Log {
    /// Never `failing`: mail flows whatever the log does.
    pub(super) fn check(&self, store: &Store) -> Check {
        let now = self.gate.clock().now();
        let counted = self.counters.snapshot();
        let mut text = match counted.last_line {
            Some(last) => format!("last line read {} s ago", (now - last).num_seconds().max(0)),
            None => "no line read since the start".to_owned(),
        };
        if counted.open > 0 {
            text = format!("{text}; {} mail(s) on protected roads wait for their proof", counted.open);
        }
        let mut check =
            Check { name: "maillog", condition: Condition::Ok, since: None, text, reasons: Vec::new() };
        if let Some(trouble) = counted.trouble {
            check.condition = Condition::Degraded;
            check.since = Some(trouble.since);
            check.reasons.push(crate::config::starred::starred(&trouble.why));
        }
        let stands_still = self
            .gate
            .seen()
            .last()
            .filter(|mail| counted.last_line.is_none_or(|line| *mail - line > STANDS_STILL));
        if let Some(mail) = stands_still.filter(|mail| now - *mail > STANDS_STILL) {
            check.condition = Condition::Degraded;
            check
                .reasons
                .push(format!("the log stands still: a mail passed at {}, and no line came", written(mail)));
        }
        if counted.undated > 0 {
            check.reasons.push(
                "Postfix makes short queue ids, which tell no time: mail that does not pass Brevdue is not noticed; \
                 set enable_long_queue_ids = yes"
                    .to_owned(),
            );
        }
        let bypassed = store.bypassed_since(now - BYPASS).unwrap_or_default();
        if bypassed > 0 {
            check.condition = Condition::Degraded;
            check
                .reasons
                .push(format!("{bypassed} mail(s) left without passing Brevdue in the last 24 hours"));
        }
        check
    }

    pub(super) fn metrics(&self) -> [Family; 6] {
        let counted = self.counters.snapshot();
        let last = counted.last_line.map_or(0, |last| last.timestamp());
        [
            Family::counter(
                "brevdue_maillog_lines_total",
                "Lines of the mail server's log read.",
                counted.lines,
            ),
            Family::gauge(
                "brevdue_maillog_last_line_timestamp_seconds",
                "When a line was last read; 0 before the first.",
                u64::try_from(last).unwrap_or(0),
            ),
            Family::counter(
                "brevdue_maillog_deliveries_total",
                "Deliveries joined, by how they are proved.",
                0,
            )
            .by("proof", counted.deliveries),
            Family::counter(
                "brevdue_promises_total",
                "Mails that a protected road allowed, by what came of it.",
                0,
            )
            .by("result", counted.promises),
            Family::gauge(
                "brevdue_promises_open",
                "Mails that a protected road allowed and the log has not proved.",
                counted.open,
            ),
            Family::counter(
                "brevdue_bypass_total",
                "Mails that left without passing Brevdue.",
                counted.bypassed,
            ),
        ]
    }
}
