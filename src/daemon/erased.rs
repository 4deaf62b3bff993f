//! Throws away the files of cases that were erased from the register, at the start and every day.
//!
//! Start reading at [`keep`]; what goes is [`crate::spool::erased`].

use crate::spool::erased::{cases, sweep};
use crate::store::Store;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// From one sweep to the next.
const DAILY: Duration = Duration::from_hours(24);
/// After one that failed.
const AGAIN: Duration = Duration::from_mins(10);

/// Sweeps for as long as the daemon runs.
pub(super) async fn keep(store: Arc<Store>, spool: PathBuf, mut stopped: watch::Receiver<bool>) {
    loop {
        let (store, spool) = (Arc::clone(&store), spool.clone());
        let swept = tokio::task::spawn_blocking(move || once(&store, &spool)).await;
        let wait = match swept {
            Ok(Ok(0)) => DAILY,
            Ok(Ok(files)) => {
                tracing::info!(files, "files of cases that were erased are gone from this machine");
                DAILY
            }
            Ok(Err(error)) => {
                tracing::error!(
                    error,
                    "files of cases that were erased are still on this machine; tried again"
                );
                AGAIN
            }
            Err(_) => AGAIN,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

fn once(store: &Store, spool: &Path) -> Result<usize, String> {
    let kept = cases(spool).map_err(|error| error.to_string())?;
    let erased = store.erased(&kept).map_err(|error| error.to_string())?;
    sweep(spool, &erased).map_err(|error| error.to_string())
}
