//! Where a door listens: a TCP address or the path of a unix socket, as the config writes it.
//!
//! It only names the place; it never opens it. Names of hosts are not taken: an address that a resolver can move is
//! no address to trust a mail relay to. Tests: at the end of this file.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A place to listen at or to connect to: `127.0.0.1:8890`, `[::1]:8890` or `unix:/run/brevdue/milter`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddr {
    /// An IP address and a port; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// The path of a unix stream socket.
    Unix(PathBuf),
}

/// A text that is neither `IP:PORT` nor `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a listen address: write `127.0.0.1:PORT`, `[::1]:PORT` or `unix:/PATH`")]
pub struct ListenAddrError {
    text: String,
}

impl FromStr for ListenAddr {
    type Err = ListenAddrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ListenAddrError { text: text.to_owned() };
        match text.strip_prefix("unix:") {
            // A NUL would cut the path short in the kernel's eyes.
            Some(path) if path.is_empty() || path.contains('\0') => Err(refused()),
            Some(path) => Ok(Self::Unix(PathBuf::from(path))),
            None => text.parse().map(Self::Tcp).map_err(|_| refused()),
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["127.0.0.1:8890", "[::1]:0", "unix:/run/brevdue/milter", "unix:milter"] {
            assert_eq!(text.parse::<ListenAddr>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_text_in_the_message() {
        for text in ["", "unix:", "localhost:25", "127.0.0.1", "inet:8890@localhost", "unix:a\0b", ":8890"] {
            let error = text.parse::<ListenAddr>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
