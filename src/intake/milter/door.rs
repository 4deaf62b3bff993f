//! The listeners: who may come in, how many, and how the house is closed.
//!
//! *What it never does*: refuse a connection (Postfix would take the filter for dead and answer 451 to a whole SMTP
//! session, or worse, let the mail pass if so configured).
//! *Start reading at* [`Door::bind`], then [`Door::run`]. *Tests*: `tests/door.rs`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::Settings;
use super::connection::{Connection, Desk, Peer};
use crate::inspect::Gate;
use crate::intake::bind::{Listener, Stream};
use crate::intake::counters::Counters;
use crate::intake::listen::ListenAddr;
use crate::intake::reception::{Seat, receive};

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
            let (desk, stop) = (Arc::clone(&self.desk), shutdown.clone());
            let serve = move |stream, place| {
                let (desk, stop) = (Arc::clone(&desk), stop.clone());
                async move {
                    match stream {
                        Stream::Tcp(stream) => serve(stream, desk, place, stop).await,
                        Stream::Unix(stream) => serve(stream, desk, place, stop).await,
                    }
                }
            };
            doors.spawn(receive("milter", listener, Arc::clone(&places), shutdown.clone(), serve));
        }
        while doors.join_next().await.is_some() {}
    }
}

async fn serve<S: Peer>(
    stream: S,
    desk: Arc<Desk>,
    place: OwnedSemaphorePermit,
    shutdown: watch::Receiver<bool>,
) {
    let counters = Arc::clone(&desk.counters);
    let (seat, before) = Seat::take(&counters, place);
    let crowded = usize::try_from(before).is_ok_and(|before| before >= desk.settings.max_connections);
    if crowded {
        counters.crowded.fetch_add(1, Relaxed);
        tracing::warn!(open = before, "too many milter connections: this one will be deferred");
    }
    Connection::new(stream, desk, crowded).run(shutdown).await;
    drop(seat);
}
