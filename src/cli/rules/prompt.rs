//! Numbers read without being seen: at a terminal nothing is echoed, from a pipe or a file everything is taken.
//!
//! What was read is wiped from memory when it is dropped. Start reading at [`read`].

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// More than this is no list of numbers.
const MOST: u64 = 64 * 1024 * 1024;

/// Reads all lines of the file, or of standard input.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    if let Some(path) = file {
        let opened = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        return all_of(opened).with_context(|| format!("cannot read {}", path.display()));
    }
    let input = io::stdin();
    if !input.is_terminal() {
        return all_of(input.lock()).context("cannot read standard input");
    }
    crate::cli::say_error("One number a line; nothing is shown. An empty line ends.");
    let _silence = Silence::begin().context("cannot turn the terminal's echo off, so nothing is asked")?;
    let mut typed = Zeroizing::new(Vec::new());
    let mut input = input.lock();
    loop {
        let before = typed.len();
        input.read_until(b'\n', &mut typed).context("cannot read the terminal")?;
        if typed.get(before..).is_none_or(<[u8]>::is_empty) || typed.get(before..) == Some(b"\n") {
            return Ok(typed);
        }
    }
}

fn all_of(input: impl Read) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    input.take(MOST + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(bytes.len() as u64 <= MOST, "more than {} MB is no list of numbers", MOST / 1024 / 1024);
    Ok(bytes)
}

/// While this lives, the terminal does not show what is typed.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // The ends of lines stay visible, so that a person sees that something was taken.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.0).ok();
    }
}
