//! Numbers read without being seen: at a terminal nothing is echoed, from a pipe or a file everything is taken.
//!
//! What was read is wiped from memory when it is dropped. Start reading at [`read`].

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// More than this is no list of numbers.
const MOST: u64 = 64 * 1024 * 1024;

/// What Ctrl-C sends, while it sends no signal.
const INTERRUPT: u8 = 3;

/// Reads all lines of the file, or of standard input.
pub(in crate::cli) fn read(file: Option<&Path>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
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
    lines(&mut input.lock())
}

/// Reads lines to an empty one, or to the end.
fn lines(input: &mut impl BufRead) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut typed = Zeroizing::new(Vec::new());
    loop {
        let before = typed.len();
        while typed.get(before..).is_some_and(|line| !line.ends_with(b"\n")) {
            let read = input.fill_buf().context("cannot read the terminal")?;
            let length = read.iter().position(|byte| *byte == b'\n').map_or(read.len(), |end| end + 1);
            typed.extend(read.iter().take(length));
            input.consume(length);
            anyhow::ensure!(!typed.contains(&INTERRUPT), "interrupted; nothing was changed");
            if length == 0 {
                return Ok(typed);
            }
        }
        if typed.get(before..) == Some(b"\n") {
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
        // No signal either: it would end the process and leave the terminal dumb. Ctrl-C ends the line instead.
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_or_the_end_ends_and_an_interrupt_gives_up() {
        for (typed, taken) in [("a\nb\n\nc\n", "a\nb\n\n"), ("a\nb", "a\nb"), ("", ""), ("\nx", "\n")] {
            assert_eq!(lines(&mut typed.as_bytes()).unwrap().as_slice(), taken.as_bytes(), "{typed:?}");
        }
        assert!(lines(&mut b"a\n\x03".as_slice()).is_err());
    }
}
