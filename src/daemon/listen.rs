//! The ear of the console and of the check service: a [`Listener`] of ours as axum takes them.
//!
//! It takes no more than [`PLACES`] connections at once, so that nobody who knocks there can use up the file
//! descriptors that the milter door needs. Never reads a byte. Tests: `tests/reload/`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

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
    /// How long a connection may be silent.
    patience: Option<Duration>,
}

impl Ear {
    /// Binds an address, within a tokio runtime.
    pub(super) fn bind(address: &ListenAddr) -> io::Result<Self> {
        Ok(Self {
            listener: Listener::bind(address)?,
            places: Arc::new(Semaphore::new(PLACES)),
            patience: None,
        })
    }

    /// Cuts connections that say nothing for this long: a place is for somebody who asks.
    pub(super) fn cutting_after(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
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
                Ok(stream) => {
                    let idle = self.patience.map(|patience| (patience, Box::pin(sleep(patience))));
                    return (Visitor { stream, idle, _place: place }, self.address());
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    sleep(BREATH).await;
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
    /// Ends when it has been silent for too long.
    idle: Option<(Duration, Pin<Box<Sleep>>)>,
    _place: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, idle, .. } = &mut *self;
        let read = match stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, into),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, into),
        };
        if let Some((patience, sleep)) = idle {
            if read.is_ready() {
                sleep.as_mut().reset(Instant::now() + *patience);
            } else if sleep.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
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
