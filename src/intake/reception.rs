//! How the connections of a door come in: a place each, and an end that cuts nobody off.
//!
//! What doors of every protocol share. *What it never does*: read a byte. *Start reading at* [`receive`]. *Tests*: the
//! doors'.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::bind::{Listener, Stream};
use super::counters::Counters;

/// A pause after a failed accept, mostly for want of file descriptors; without it the loop would spin.
const BREATH: Duration = Duration::from_millis(100);

/// Takes the connections of one listener until the shutdown, then waits for the last of them.
pub(super) async fn receive<F, S>(
    door: &'static str,
    listener: Listener,
    places: Arc<Semaphore>,
    mut shutdown: watch::Receiver<bool>,
    serve: F,
) where
    F: Fn(Stream, OwnedSemaphorePermit) -> S,
    S: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            // The place first: above the hard cap connections stay in the backlog.
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((place, listener.accept().await?))
        };
        tokio::select! {
            biased;
            () = stopped(&mut shutdown) => break,
            Some(_) = connections.join_next() => {}
            next = next => match next {
                Ok((place, stream)) => {
                    connections.spawn(serve(stream, place));
                }
                Err(error) => {
                    tracing::warn!(%error, door, address = %listener.address(), "a connection could not be taken");
                    sleep(BREATH).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns once `stop` is true or its sender is gone, which only a daemon that ends lets happen.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("the shutdown signal has lost its sender");
    }
}

/// The place of one connection; given back however the connection ends.
pub(super) struct Seat {
    counters: Arc<Counters>,
    _place: OwnedSemaphorePermit,
}

impl Seat {
    /// Counts a connection in, and tells how many were open before it.
    pub(super) fn take(counters: &Arc<Counters>, place: OwnedSemaphorePermit) -> (Self, u64) {
        let before = counters.open.fetch_add(1, Relaxed);
        counters.connections.fetch_add(1, Relaxed);
        (Self { counters: Arc::clone(counters), _place: place }, before)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, Relaxed);
    }
}
