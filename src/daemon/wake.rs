//! The alarm of a running daemon: its roads, its people, its links, and the anchors of a register that tells nobody.
//!
//! Start reading at [`task`].

use super::ack::{self, Desk};
use super::held;
use super::status::Status;
use crate::alarm::ack::Links;
use crate::alarm::{Alarm, Keeping, Settings};
use crate::clock::Clock;
use crate::config::Config;
use crate::inspect::Gate;
use crate::outlet::notice::PostError;
use crate::seal::NodeKey;
use crate::store::{Store, error_unless_away};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Wakes the alarm; without `[alarm]` the register is anchored all the same.
pub(super) fn task(
    config: &Config,
    store: &Arc<Store>,
    gate: &Arc<Gate>,
    links: Option<Links>,
    clock: Clock,
    stopped: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, PostError> {
    if let Err(error) = store.plan_open_cases(clock.now()) {
        tracing::error!(%error, "alerts of open cases were not planned by the hours and people of now");
    }
    let Some(settings) = &config.alarm else {
        return Ok(tokio::spawn(anchor(Arc::clone(store), clock, stopped)));
    };
    let alarm = alarm(config, settings, Arc::clone(store), gate, links, clock)?;
    Ok(tokio::spawn(async move { alarm.run(stopped).await }))
}

/// How letters are acknowledged by a link, where people can reach the console, which takes them from now on.
pub(super) fn links(config: &Config, key: &NodeKey, status: &Status, clock: &Clock) -> Option<Links> {
    let url = config.console.as_ref().and_then(|console| console.url.as_deref());
    let links = ack::links(url, key)?;
    status.acknowledge_by(Desk { sign: Arc::clone(&links.sign), clock: clock.clone() });
    Some(links)
}

/// Anchors the register's chains every hour.
async fn anchor(store: Arc<Store>, clock: Clock, mut stopped: watch::Receiver<bool>) {
    loop {
        let (store, now) = (Arc::clone(&store), clock.now());
        let of = Arc::clone(&store);
        let anchored = tokio::task::spawn_blocking(move || of.record(|recording| recording.anchor(now)));
        if let Ok(Err(error)) = anchored.await {
            error_unless_away!(store, %error, "the register was not anchored; tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_mins(5)) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// Compares this machine's clock with the register's server, now and every minute: two nodes that do not agree on the time do not
/// agree on a deadline.
pub(super) async fn compare(store: Arc<Store>, clock: Clock, mut stopped: watch::Receiver<bool>) {
    let mut were_apart = false;
    loop {
        let (store, clock) = (Arc::clone(&store), clock.clone());
        let compared = tokio::task::spawn_blocking(move || store.compare_clocks(|| clock.now())).await;
        // A register that is away says so by itself.
        if let Ok(Ok(off)) = compared {
            match off {
                Some(seconds) if !were_apart => tracing::warn!(
                    seconds_ahead = seconds,
                    "this machine's clock and the register's server are apart: deadlines may be wrong; mend the time (NTP)"
                ),
                None if were_apart => {
                    tracing::info!("this machine's clock and the register's server agree again");
                }
                Some(_) | None => {}
            }
            were_apart = off.is_some();
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_mins(1)) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// The clock that wakes people, by this configuration.
fn alarm(
    config: &Config,
    settings: &Settings,
    store: Arc<Store>,
    gate: &Arc<Gate>,
    links: Option<Links>,
    clock: Clock,
) -> Result<Alarm, PostError> {
    let (rules, of) = (Arc::clone(&gate.setup().rules), Arc::clone(gate));
    let alarm = Alarm::new(store, settings, rules, clock)?
        .following(move || Arc::clone(&of.setup().rules))
        .holding(&config.hold.alarm_hours)
        .on_node(&held::node_name(config))
        .keeping(keeping(config));
    Ok(match links {
        Some(links) => alarm.linking(links),
        None => alarm,
    })
}

/// Who hears of Brevdue itself.
fn keeping(config: &Config) -> Keeping {
    let mut weekly: Vec<String> = config.controllers.iter().map(|one| one.dpo.clone()).collect();
    weekly.sort_unstable();
    weekly.dedup();
    let default = config.controllers.iter().find(|one| one.default);
    Keeping { default_dpo: default.map(|one| one.dpo.clone()).unwrap_or_default(), weekly }
}
