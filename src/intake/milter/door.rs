//! The listeners: who may come in, how many, and how the house is closed.
//!
//! *What it never does*: refuse a connection (Postfix would take the filter for dead and answer 451 to a whole SMTP
//! session, or worse, let the mail pass if so configured).
//! *Start reading at* [`Door::bind`], then [`Door::run`]. *Tests*: `tests/door.rs`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Settings;
use super::connection::{Connection, Desk, Peer, stopped};
use super::counters::Counters;
use crate::inspect::Gate;
use crate::intake::bind::{Listener, Stream};
use crate::intake::listen::ListenAddr;

/// A pause after a failed accept, mostly for want of file descriptors; without it the loop would spin.
const BREATH: Duration = Duration::from_millis(100);

/// The milter door, bound and not yet open.
pub struct Door {
    listeners: Vec<Listener>,
    desk: Arc<Desk>,
}

impl Door {
    /// Binds every address of the settings. Connections wait in the backlog until [`Door::run`].
    ///
    /// To be called within a tokio runtime.
    ///
    /// # Errors
    /// An address that is taken or not ours, a path that is no socket; the text names the address.
    pub fn bind(settings: &Settings, gate: Arc<Gate>) -> io::Result<Self> {
        let listeners = settings.listen.iter().map(Listener::bind).collect::<io::Result<Vec<_>>>()?;
        let desk = Desk { gate, settings: settings.clone(), counters: Arc::default() };
        Ok(Self { listeners, desk: Arc::new(desk) })
    }

    /// Where the door listens, with the ports that the system has chosen.
    pub fn local_addrs(&self) -> Vec<ListenAddr> {
        self.listeners.iter().map(|listener| listener.address().clone()).collect()
    }

    /// The counters of this door, to be shown elsewhere.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.desk.counters)
    }

    /// Serves until `shutdown` turns true (or its sender is dropped). Then nobody new is taken, connections between
    /// messages end, and it returns when the messages under way have had their answer. Dropped earlier, it cuts them off.
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        let cap = self.desk.settings.max_connections;
        let places =
            Arc::new(Semaphore::new((cap + self.desk.settings.overflow).min(Semaphore::MAX_PERMITS)));
        let mut doors = JoinSet::new();
        for listener in self.listeners {
            doors.spawn(receive(listener, Arc::clone(&self.desk), Arc::clone(&places), shutdown.clone()));
        }
        while doors.join_next().await.is_some() {}
    }
}

/// Takes the connections of one listener until the shutdown, then waits for the last of them.
async fn receive(
    listener: Listener,
    desk: Arc<Desk>,
    places: Arc<Semaphore>,
    mut shutdown: watch::Receiver<bool>,
) {
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
                    let (desk, shutdown) = (Arc::clone(&desk), shutdown.clone());
                    match stream {
                        Stream::Tcp(stream) => connections.spawn(serve(stream, desk, place, shutdown)),
                        Stream::Unix(stream) => connections.spawn(serve(stream, desk, place, shutdown)),
                    };
                }
                Err(error) => {
                    tracing::warn!(%error, address = %listener.address(), "a milter connection could not be taken");
                    sleep(BREATH).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve<S: Peer>(
    stream: S,
    desk: Arc<Desk>,
    place: OwnedSemaphorePermit,
    shutdown: watch::Receiver<bool>,
) {
    let counters = Arc::clone(&desk.counters);
    let before = counters.open.fetch_add(1, Relaxed);
    let seat = Seat { counters: Arc::clone(&counters), _place: place };
    counters.connections.fetch_add(1, Relaxed);
    let crowded = usize::try_from(before).is_ok_and(|before| before >= desk.settings.max_connections);
    if crowded {
        counters.crowded.fetch_add(1, Relaxed);
        tracing::warn!(open = before, "too many milter connections: this one will be deferred");
    }
    Connection::new(stream, desk, crowded).run(shutdown).await;
    drop(seat);
}

/// The place of one connection; given back however the connection ends.
struct Seat {
    counters: Arc<Counters>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, Relaxed);
    }
}
