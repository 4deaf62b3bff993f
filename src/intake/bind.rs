//! A socket that listens where the config says, bound by the rules that every door of the house keeps.
//!
//! *What it is*: [`Listener`], over TCP or a unix socket. *What it never does*: read a byte of what comes in, or take
//! away a socket that somebody answers on. *Start reading at* [`Listener::bind`]. *Tests*: the milter door's,
//! `milter/tests/door.rs`.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::listen::ListenAddr;

/// Connections that may wait to be taken; Postfix opens one for each SMTP client at once.
const BACKLOG: i32 = 1024;
/// The socket is for Postfix's group and nobody else.
const SOCKET_MODE: u32 = 0o660;

/// A connection that was taken.
pub enum Stream {
    /// Over TCP, without Nagle's delay.
    Tcp(TcpStream),
    /// Over a unix socket.
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

/// A bound socket; a unix socket's file goes with it.
pub struct Listener {
    address: ListenAddr,
    ear: Ear,
}

impl Listener {
    /// Binds an address; connections wait in the backlog until they are taken. To be called within a tokio runtime.
    ///
    /// A unix socket gets mode 0660; its group is that of the process or, in a set-group-id folder, the folder's. A
    /// socket file that nobody answers on, left by a crash, is removed first.
    ///
    /// # Errors
    /// An address that is taken or not ours, a path that is no socket; the text names the address.
    pub fn bind(address: &ListenAddr) -> io::Result<Self> {
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
        let (address, ear) = bound
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen at {address}: {error}")))?;
        Ok(Self { address, ear })
    }

    /// Where it listens, with the port that the system has chosen.
    pub fn address(&self) -> &ListenAddr {
        &self.address
    }

    /// Takes the next connection.
    ///
    /// # Errors
    /// Mostly for want of file descriptors; to be tried again after a pause.
    pub async fn accept(&self) -> io::Result<Stream> {
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
