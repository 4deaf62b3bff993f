//! The console's ear: a [`Listener`] of ours as axum takes them.
//!
//! It takes no more than [`PLACES`] connections at once, so that nobody who knocks at the console can use up the file
//! descriptors that the milter door needs. Never reads a byte. Tests: `tests/reload/`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::intake::ListenAddr;
use crate::intake::bind::{Listener, Stream};

/// A monitoring system keeps one or two open.
const PLACES: usize = 64;
/// A pause after a failed accept, without which the loop would spin.
const BREATH: Duration = Duration::from_millis(100);

/// A bound socket with a number of places.
pub(super) struct Ear {
    listener: Listener,
    places: Arc<Semaphore>,
}

impl Ear {
    /// Binds an address, within a tokio runtime.
    pub(super) fn bind(address: &ListenAddr) -> io::Result<Self> {
        Ok(Self { listener: Listener::bind(address)?, places: Arc::new(Semaphore::new(PLACES)) })
    }

    /// Where it listens, with the port that the system has chosen.
    pub(super) fn address(&self) -> ListenAddr {
        self.listener.address().clone()
    }
}

impl axum::serve::Listener for Ear {
    type Io = Visitor;
    type Addr = ListenAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // The semaphore is never closed; were it, the visitor would come in without a place.
            let place = Arc::clone(&self.places).acquire_owned().await.ok();
            match self.listener.accept().await {
                Ok(stream) => return (Visitor { stream, _place: place }, self.address()),
                Err(error) => {
                    tracing::warn!(%error, "a connection to the console could not be taken");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address())
    }
}

/// A connection and its place.
pub(super) struct Visitor {
    stream: Stream,
    _place: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, into),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
