//! What the tests stand on: a real Postfix, a stand-in for the next hop, and a small SMTP client.
//!
//! Nothing here but `program` panics: every step returns [`Trouble`], which says what failed, so that a test unwraps and its message tells
//! the story. Several tests run at once, in one process or in many, so each server takes a [`Port`] of its own.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) mod boliglaan;
pub(crate) mod daemon;
pub(crate) mod documents;
pub(crate) mod http;
pub(crate) mod identity;
pub(crate) mod picture;
pub(crate) mod postfix;
// Said to be tests, so that clippy lets helpers unwrap too.
#[cfg(test)]
pub(crate) mod postgres;
#[cfg(test)]
pub(crate) mod program;
#[cfg(test)]
pub(crate) mod register;
pub(crate) mod sink;
pub(crate) mod smtp;

/// What failed in the test support itself, in words.
pub(crate) struct Trouble(String);

impl Trouble {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// For `map_err`: puts what was being done before the error.
    pub(crate) fn while_doing<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self(format!("{what}: {error}"))
    }
}

/// As `Display`, because `unwrap` prints this one and a log's tail is read by people.
impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// A loopback port that no other test takes while this value lives.
///
/// Asking the kernel for a free port is not enough: a sink that is stopped must find its port free when it is restarted, and
/// Postfix binds a while after the port was chosen. So ports lie below the kernel's ephemeral range, and each is claimed by a
/// lock on a file, which the kernel drops when the process ends, however it ends.
pub(crate) struct Port {
    number: u16,
    _claim: File,
}

impl Port {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;

    /// Claims a port nobody listens on.
    pub(crate) fn claim() -> Result<Self, Trouble> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join("brevdue-test-ports");
        fs::create_dir_all(&folder).map_err(Trouble::while_doing(folder.display()))?;
        // Processes start at different places, so that they seldom meet.
        let start = process::id().wrapping_mul(97);
        for _ in 0..Self::COUNT {
            let step = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
            let Ok(number) = u16::try_from(Self::FIRST + step % Self::COUNT) else { continue };
            let Ok(claim) = File::create(folder.join(number.to_string())) else { continue };
            if claim.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _claim: claim });
            }
        }
        Err(Trouble::new("no free loopback port"))
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

/// Asks every 10 ms until `probe` has an answer; `None` when the time is up.
pub(crate) fn wait_until<T>(timeout: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + timeout;
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Makes a file of test set-up. It need not outlive a crash, so it goes no durable way.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(Trouble::while_doing(format_args!("writing {}", path.display())))
}

/// Base64 as RFC 4648 §4 has it, in one line.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |group: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        let digit = |at: usize| DIGITS.chars().nth((bits >> (18 - 6 * at)) as usize & 63).unwrap_or('=');
        (0..4).map(|at| if at > group.len() { '=' } else { digit(at) }).collect::<String>()
    };
    bytes.chunks(3).map(encode).collect()
}
