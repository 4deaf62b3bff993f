//! The same behind a real Postfix, which owns the sending again: what it logged and what is left in its queue.

use super::Door;
use crate::support::daemon::Daemon;
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::wait_until;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

/// What Postfix says of each recipient.
#[derive(Default)]
pub(super) struct Behind {
    /// Tries that ended with nobody knowing, or with "come again".
    pub(super) deferred: HashMap<String, u64>,
    pub(super) bounced: HashSet<String>,
    /// Copies in its HOLD queue.
    pub(super) quarantined: HashMap<String, u64>,
    /// Left in the other queues, which should be none.
    pub(super) waiting: usize,
}

/// A Postfix that hands its mail to this door (never the pipe: `tests/pipe.rs`).
pub(super) fn start(door: Door, daemon: &Daemon, smtp: SocketAddr, sink: SocketAddr) -> Postfix {
    let filter = match door {
        Door::Milter => String::new(),
        Door::Lmtp => format!("content_filter = lmtp:[127.0.0.1]:{}\n", smtp.port()),
        Door::Smtp | Door::Pipe => format!("content_filter = smtp:[127.0.0.1]:{}\n", smtp.port()),
    };
    Postfix::start(&PostfixOptions {
        milter: (door == Door::Milter).then(|| daemon.milter()),
        relay_to: Some(sink),
        // Quickly, so that a deferred mail comes again within a test; and no destination is given up.
        extra_main_cf: format!(
            "{filter}minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\n\
             default_destination_concurrency_failed_cohort_limit = 0\nsmtpd_error_sleep_time = 0\n\
             smtpd_hard_error_limit = 10000\nsmtpd_soft_error_limit = 10000\n"
        ),
        extra_master_cf: "lmtp unix - - n - - lmtp\n".to_owned(),
        ..PostfixOptions::default()
    })
    .unwrap()
}

/// Waits until its queue is empty but for what is on hold, and reads what it has to say.
pub(super) fn settle(postfix: &Postfix) -> Behind {
    let is_held = |entry: &serde_json::Value| entry["queue_name"] == "hold";
    wait_until(Duration::from_mins(1), || {
        postfix.flush().ok()?;
        std::thread::sleep(Duration::from_millis(400));
        postfix.queue_json().ok()?.iter().all(is_held).then_some(())
    });
    let mut behind = Behind::default();
    for entry in postfix.queue_json().unwrap() {
        if !is_held(&entry) {
            behind.waiting += 1;
            continue;
        }
        for recipient in entry["recipients"].as_array().unwrap() {
            let address = recipient["address"].as_str().unwrap().to_owned();
            *behind.quarantined.entry(address).or_default() += 1;
        }
    }
    for line in postfix.log().lines() {
        let Some((to, rest)) = line.split_once(" to=<").and_then(|(_, rest)| rest.split_once('>')) else {
            continue;
        };
        if rest.contains("status=deferred") {
            *behind.deferred.entry(to.to_owned()).or_default() += 1;
        } else if rest.contains("status=bounced") {
            behind.bounced.insert(to.to_owned());
        }
    }
    behind
}
