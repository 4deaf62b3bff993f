//! The listeners: who may come in, how many, and how the house is closed.
//!
//! *What it never does*: refuse a connection (Postfix would take the filter for dead and answer 451 to a whole SMTP
//! session, or worse, let the mail pass if so configured), or take away a socket that somebody answers on.
//! *Start reading at* [`Door::bind`], then [`Door::run`]. *Tests*: `tests/door.rs`.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Settings;
use super::connection::{Connection, Desk, Peer, stopped};
use super::counters::Counters;
use crate::inspect::Gate;
use crate::intake::listen::ListenAddr;

/// Connections that may wait to be taken; Postfix opens one for each SMTP client at once.
const BACKLOG: i32 = 1024;
/// The socket is for Postfix's group and nobody else.
const SOCKET_MODE: u32 = 0o660;
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
    /// A unix socket gets mode 0660; its group is that of the process or, in a set-group-id folder, the folder's. A
    /// socket file that nobody answers on, left by a crash, is removed first. To be called within a tokio runtime.
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
        self.listeners.iter().map(|listener| listener.address.clone()).collect()
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
                    tracing::warn!(%error, address = %listener.address, "a milter connection could not be taken");
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

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

enum Ear {
    Tcp(TcpListener),
    /// With its file, which goes when the ear does.
    Unix {
        ear: UnixListener,
        _file: SocketFile,
    },
}

struct Listener {
    address: ListenAddr,
    ear: Ear,
}

impl Listener {
    fn bind(address: &ListenAddr) -> io::Result<Self> {
        let bound = match address {
            ListenAddr::Tcp(at) => {
                let socket = Socket::new(Domain::for_address(*at), Type::STREAM, None)?;
                // Without it a restart would wait for the old connections' TIME_WAIT.
                socket.set_reuse_address(true).and_then(|()| socket.bind(&SockAddr::from(*at))).and_then(
                    |()| {
                        let ear = TcpListener::from_std(ready(socket)?.into())?;
                        Ok((ListenAddr::Tcp(ear.local_addr()?), Ear::Tcp(ear)))
                    },
                )
            }
            ListenAddr::Unix(path) => {
                bind_unix(path).map(|(ear, file)| (address.clone(), Ear::Unix { ear, _file: file }))
            }
        };
        let (address, ear) = bound.map_err(|error| {
            io::Error::new(error.kind(), format!("the milter door cannot listen at {address}: {error}"))
        })?;
        Ok(Self { address, ear })
    }

    async fn accept(&self) -> io::Result<Stream> {
        match &self.ear {
            Ear::Tcp(ear) => {
                let (stream, _) = ear.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Ear::Unix { ear, .. } => Ok(Stream::Unix(ear.accept().await?.0)),
        }
    }
}

fn ready(socket: Socket) -> io::Result<Socket> {
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Before listen: until then nobody can connect, so the mode is right from the first connection on.
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    let metadata = fs::symlink_metadata(path)?;
    let file = SocketFile { path: path.to_owned(), identity: (metadata.dev(), metadata.ino()) };
    Ok((UnixListener::from_std(ready(socket)?.into())?, file))
}

/// Removes a socket file that a dead process has left. One that somebody answers on stays, and so does any other file.
fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process answers on it")),
        // No right to connect, or a full backlog: somebody may well be there.
        Err(error) => Err(error),
    }
}

/// A socket file of ours, removed with its listener, unless another process has put its own in the place.
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket file stays");
        }
    }
}
