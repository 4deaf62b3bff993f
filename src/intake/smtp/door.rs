//! The listeners: who may come in, how many, and how the house is closed.
//!
//! *Start reading at* [`Door::bind`], then [`Door::run`]. *Tests*: `tests/door.rs`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::connection::{Connection, Desk};
use super::{Settings, tls};
use crate::inspect::Gate;
use crate::intake::bind::{Listener, Stream};
use crate::intake::counters::Counters;
use crate::intake::listen::ListenAddr;
use crate::intake::reception::{Seat, receive};
use crate::spool::draft::Drafts;

/// The SMTP door, bound and not yet open.
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
    /// An address that is taken or not ours, a path that is no socket, a certificate that cannot be used; the text names it.
    pub fn bind(settings: &Settings, gate: Arc<Gate>) -> io::Result<Self> {
        let listeners = settings.listen.iter().map(Listener::bind).collect::<io::Result<Vec<_>>>()?;
        let tls = settings.tls.as_ref().map(|(chain, key)| tls::acceptor(chain, key)).transpose()?;
        let ways = settings.ways(&gate).map_err(io::Error::other)?;
        let desk = Desk {
            gate,
            ways: Arc::new(ways),
            drafts: Drafts::below(&settings.spool),
            tls,
            counters: Arc::default(),
            settings: settings.clone(),
        };
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

    /// Serves until `shutdown` turns true (or its sender is dropped). Then nobody new is taken, connections between mails
    /// end, and it returns when the mails under way have had their answer. Dropped earlier, it cuts them off.
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        let cap = self.desk.settings.max_connections;
        let places = Arc::new(Semaphore::new((cap + Settings::OVERFLOW).min(Semaphore::MAX_PERMITS)));
        let mut doors = JoinSet::new();
        for listener in self.listeners {
            let (desk, stop) = (Arc::clone(&self.desk), shutdown.clone());
            let serve = move |stream, place| serve(stream, Arc::clone(&desk), place, stop.clone());
            doors.spawn(receive("smtp", listener, Arc::clone(&places), shutdown.clone(), serve));
        }
        while doors.join_next().await.is_some() {}
    }
}

async fn serve(stream: Stream, desk: Arc<Desk>, place: OwnedSemaphorePermit, stop: watch::Receiver<bool>) {
    let counters = Arc::clone(&desk.counters);
    let (seat, before) = Seat::take(&counters, place);
    let is_crowded = usize::try_from(before).is_ok_and(|before| before >= desk.settings.max_connections);
    let client = match &stream {
        Stream::Tcp(stream) => stream.peer_addr().ok().map(|peer| peer.ip()),
        Stream::Unix(_) => None,
    };
    // Who reaches a unix socket is on this machine.
    let is_local = client.is_none_or(|client| client.to_canonical().is_loopback());
    let wire: super::connection::Wire = match stream {
        Stream::Tcp(stream) => Box::new(stream),
        Stream::Unix(stream) => Box::new(stream),
    };
    let connection = Connection::new(wire, desk, client, is_local);
    if is_crowded {
        counters.crowded.fetch_add(1, Relaxed);
        tracing::warn!(open = before, "too many SMTP connections: this one hears 421");
        connection.turn_away().await;
    } else {
        connection.run(stop).await;
    }
    drop(seat);
}
