//! A filter that receives everything and looks at nothing: the floor, below which no filter that receives can be.
//!
//! This bench runs itself once more with [`ARGUMENT`]. One thread a connection, blocking reads into one buffer, one write an
//! answer: no runtime, no timers, no log, no check of what comes. The threads stay, since the time of one that has
//! ended can no longer be read.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{bit, frame};
use brevdue::intake::ListenAddr;

/// The argument that makes this program the filter, before the place to listen at and the terms.
pub(crate) const ARGUMENT: &str = "--blind";

/// Headers, their end and the body go unanswered; what comes before is answered each.
pub(crate) const USUAL: u32 = bit::LEADING_SPACE
    | bit::NO_UNKNOWN
    | bit::NO_REPLY_HEADER
    | bit::NO_REPLY_END_OF_HEADERS
    | bit::NO_REPLY_BODY;

/// Most connections of a row of the table, and one.
const THREADS: usize = 40;

/// The filter's process; ended when dropped.
pub(crate) struct Blind {
    child: Child,
    pub(crate) address: ListenAddr,
}

impl Blind {
    /// Starts it, beside `like` (in its folder, or at a port that the kernel chooses), and waits until it listens.
    pub(crate) fn start(like: &ListenAddr, folder: &Path, protocol: u32) -> io::Result<Self> {
        let place = match like {
            ListenAddr::Tcp(_) => "127.0.0.1:0".to_owned(),
            ListenAddr::Unix(_) => format!("unix:{}", folder.join("blind").display()),
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args([ARGUMENT, &place, &protocol.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // It says where it listens.
        let mut said = String::new();
        let start = Instant::now();
        while !said.ends_with('\n') && start.elapsed() < Duration::from_secs(10) {
            let mut byte = [0];
            child.stdout.as_mut().map_or(Ok(0), |stdout| stdout.read(&mut byte))?;
            said.push(char::from(byte[0]));
        }
        let address = said.trim().parse().map_err(io::Error::other)?;
        Ok(Self { child, address })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Blind {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The filter itself; it ends when its standard input does, as it does when the bench is killed.
pub(crate) fn serve(place: &str, protocol: &str) -> io::Result<()> {
    let protocol = protocol.parse().map_err(io::Error::other)?;
    match place.parse().map_err(io::Error::other)? {
        ListenAddr::Tcp(at) => {
            let ear = Arc::new(TcpListener::bind(at)?);
            announce(&ListenAddr::Tcp(ear.local_addr()?))?;
            workers(protocol, move || {
                let (stream, _) = ear.accept()?;
                stream.set_nodelay(true)?;
                let rearm = stream.try_clone()?;
                // Without it the load would wait 40 ms where an answer is waived; see the door's `rearm`.
                Ok((stream, move || drop(socket2::SockRef::from(&rearm).set_tcp_quickack(true))))
            });
        }
        ListenAddr::Unix(path) => {
            let ear = Arc::new(UnixListener::bind(&path)?);
            announce(&ListenAddr::Unix(path))?;
            workers(protocol, move || Ok((ear.accept()?.0, || ())));
        }
    }
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}

fn announce(address: &ListenAddr) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{address}")?;
    out.flush()
}

fn workers<S, R, A>(protocol: u32, accept: A)
where
    S: Read + Write,
    R: Fn(),
    A: Fn() -> io::Result<(S, R)> + Clone + Send + 'static,
{
    for _ in 0..THREADS {
        let accept = accept.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 128 * 1024];
            while let Ok((stream, rearm)) = accept() {
                // A peer that leaves is how a connection ends here.
                drop(talk(stream, rearm, protocol, &mut buffer));
            }
        });
    }
}

fn talk(mut stream: impl Read + Write, rearm: impl Fn(), protocol: u32, buffer: &mut [u8]) -> io::Result<()> {
    let (mut held, mut skip) = (0, 0_usize);
    let mut out = Vec::new();
    loop {
        let read = stream.read(&mut buffer[held..])?;
        if read == 0 {
            return Ok(());
        }
        rearm();
        held += read;
        let mut used = skip.min(held);
        skip -= used;
        // The tag is enough; what follows it is skipped, here or in what comes next.
        while let Some([a, b, c, d, tag]) = buffer[used..held].first_chunk::<5>() {
            let waiver = match tag {
                b'O' => {
                    let terms = [6, bit::SET_MACROS | 0x21, protocol].map(u32::to_be_bytes).concat();
                    let macros = b"\0\0\0\x04i\0\0\0\0\x05i\0\0\0\0\x06\0";
                    frame(&mut out, b'O', &[&terms, macros]);
                    u32::MAX
                }
                b'D' | b'A' => u32::MAX,
                b'Q' => return Ok(()),
                b'C' => bit::NO_REPLY_CONNECT,
                b'H' => bit::NO_REPLY_HELO,
                b'M' => bit::NO_REPLY_MAIL,
                b'R' => bit::NO_REPLY_RCPT,
                b'T' => bit::NO_REPLY_DATA,
                b'L' => bit::NO_REPLY_HEADER,
                b'N' => bit::NO_REPLY_END_OF_HEADERS,
                b'B' => bit::NO_REPLY_BODY,
                _ => 0,
            };
            if protocol & waiver == 0 {
                frame(&mut out, b'c', &[]);
            }
            let size = 4 + usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(0);
            skip = (used + size).saturating_sub(held);
            used = (used + size).min(held);
        }
        buffer.copy_within(used..held, 0);
        held -= used;
        if !out.is_empty() {
            stream.write_all(&out)?;
            out.clear();
        }
    }
}
