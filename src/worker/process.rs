//! One child process: handed its document, and ended with whatever it started. Start reading at [`Process::start`].

use crate::extract::content::Unread;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl, sendfile};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a worker is handed.
pub(super) enum Bytes {
    /// A small document.
    Few(Vec<u8>),
    /// A large one, from where the file stands, and how many.
    Many(File, u64),
}

/// A worker; it ends when this is dropped, whatever happens here.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    /// Starts it, in a group of its own: what it may have started ends with it.
    ///
    /// # Errors
    /// When the machine has no process, no memory or no descriptor for it, or there is no such program.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        command.env_clear().process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map(Self)
    }

    /// Whether it has not ended.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Hands it a document: how many bytes, and the bytes. That it does not take them is told by how it ends.
    ///
    /// # Errors
    /// When it has not taken them in time, or we cannot give them.
    pub(super) fn hand(&mut self, document: Bytes, until: Instant) -> Result<(), Unread> {
        let Some(mut pipe) = self.0.stdin.take() else { return Err(Unread::Crashed) };
        // It may never read, and is not waited for beyond its time.
        fcntl_setfl(&pipe, OFlags::NONBLOCK).map_err(|error| shortage(&error.into()))?;
        match document {
            Bytes::Few(bytes) => {
                let all = [&(bytes.len() as u64).to_le_bytes(), bytes.as_slice()].concat();
                let mut rest = all.as_slice();
                give(&mut pipe, until, |pipe| {
                    let given = pipe.write(rest)?;
                    rest = rest.get(given..).unwrap_or_default();
                    Ok(rest.is_empty())
                })
            }
            Bytes::Many(file, count) => {
                let length = count.to_le_bytes();
                give(&mut pipe, until, |pipe| Ok(pipe.write(&length)? == length.len()))?;
                let mut left = count;
                give(&mut pipe, until, |pipe| {
                    let most = usize::try_from(left).unwrap_or(usize::MAX);
                    let given = sendfile(pipe, &file, None, most)? as u64;
                    left = left.saturating_sub(given);
                    Ok(left == 0 || given == 0)
                })
            }
        }
    }

    /// What it says.
    pub(super) fn voice(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    /// How it ended by itself; by our hand when it does not in time.
    pub(super) fn ended(&mut self, until: Instant) -> Option<ExitStatus> {
        const SOON: Duration = Duration::from_millis(2);
        while Instant::now() < until {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(SOON),
                Ok(status) => return status,
                Err(_) => break,
            }
        }
        self.end()
    }

    /// Has it end, and whatever it started, and does not wait for that.
    pub(super) fn kill(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).ok();
        }
        self.0.kill().ok();
    }

    /// Ends it, and whatever it started. It may be dead already.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        let ended = self.0.try_wait().ok().flatten();
        if ended.is_none() {
            self.kill();
        }
        ended.or_else(|| self.0.wait().ok())
    }

    /// Why it died before it had told all.
    pub(super) fn cause(&mut self, status: Option<ExitStatus>) -> Unread {
        let Some(status) = status else { return Unread::Crashed };
        match (status.signal(), status.code()) {
            (Some(libc::SIGXCPU), _) => Unread::Time,
            // Where memory ends, the allocator aborts, and so does the runtime where the stack ends, which it says; the
            // kernel kills where there is none for anybody.
            (Some(libc::SIGABRT), _) if self.last_words().contains(OVERFLOWED) => Unread::Crashed,
            (Some(libc::SIGABRT), _) => Unread::Memory,
            // It said itself that it could not.
            (None, Some(1)) => Unread::Damaged,
            _ => Unread::Crashed,
        }
    }

    /// What the runtime said of its death.
    fn last_words(&mut self) -> String {
        let mut words = Vec::new();
        if let Some(pipe) = self.0.stderr.take()
            && fcntl_setfl(&pipe, OFlags::NONBLOCK).is_ok()
        {
            // Whatever fails, less was said.
            pipe.take(4096).read_to_end(&mut words).ok();
        }
        String::from_utf8_lossy(&words).into_owned()
    }
}

/// What the standard library says where the stack ends, before it aborts.
const OVERFLOWED: &str = "overflowed its stack";

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Writes until all is written, or the other end is gone, or time is up.
fn give(
    pipe: &mut ChildStdin,
    until: Instant,
    mut write: impl FnMut(&mut ChildStdin) -> io::Result<bool>,
) -> Result<(), Unread> {
    loop {
        match write(pipe).map_err(|error| (error.kind(), error)) {
            Ok(true) | Err((io::ErrorKind::BrokenPipe, _)) => return Ok(()),
            Ok(false) | Err((io::ErrorKind::Interrupted, _)) => {}
            Err((io::ErrorKind::WouldBlock, _)) => wait(&*pipe, PollFlags::OUT, until)?,
            Err((_, error)) => return Err(shortage(&error)),
        }
    }
}

/// Waits until there is something to do at a pipe.
pub(super) fn wait(pipe: impl AsFd, what: PollFlags, until: Instant) -> Result<(), Unread> {
    loop {
        let time = until.checked_duration_since(Instant::now()).ok_or(Unread::Time)?;
        let time = Timespec::try_from(time).map_err(|_| Unread::Time)?;
        match poll(&mut [PollFd::new(&pipe, what)], Some(&time)) {
            Ok(0) => return Err(Unread::Time),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(shortage(&error.into())),
        }
    }
}

/// Why a document is not read of which this failed on our side.
pub(super) fn shortage(error: &io::Error) -> Unread {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EAGAIN | libc::ENOSPC) => Unread::Shortage,
        _ => Unread::Crashed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::start(Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::piped())).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn a_stack_that_ends_is_told_from_memory_that_does() {
        for (script, why) in [
            ("echo \"thread 'main' has overflowed its stack\" >&2; kill -ABRT $$", Unread::Crashed),
            ("echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$", Unread::Memory),
            ("kill -ABRT $$", Unread::Memory),
            ("kill -SEGV $$", Unread::Crashed),
            ("kill -XCPU $$", Unread::Time),
            ("exit 1", Unread::Damaged),
        ] {
            let mut process = shell(script);
            let status = process.ended(soon());
            assert_eq!(process.cause(status), why, "{script}");
        }
    }

    /// More than a pipe holds, to one that reads slowly, not at all, or is gone.
    #[test]
    fn a_document_is_handed_over_or_given_up() {
        let bytes = vec![7; 300_000];
        let many = || {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            io::Seek::rewind(&mut file).unwrap();
            Bytes::Many(file, bytes.len() as u64)
        };
        for document in [Bytes::Few(bytes.clone()), many()] {
            let mut process = shell("sleep 0.05; wc -c");
            assert_eq!(process.hand(document, soon()), Ok(()));
            let mut said = String::new();
            process.voice().unwrap().read_to_string(&mut said).unwrap();
            assert_eq!(said.trim(), (8 + bytes.len()).to_string());
        }
        for document in [Bytes::Few(bytes.clone()), many()] {
            let mut process = shell("exec sleep 1000");
            let until = Instant::now() + Duration::from_millis(50);
            assert_eq!(process.hand(document, until), Err(Unread::Time));
        }
        for document in [Bytes::Few(bytes.clone()), many()] {
            let mut process = shell("exit 0");
            process.0.wait().unwrap();
            // Waiting closes the pipe.
            assert_eq!(process.hand(document, soon()), Err(Unread::Crashed));
        }
    }

    #[test]
    fn what_the_machine_has_no_room_for_is_a_limit() {
        for (error, why) in [
            (libc::EMFILE, Unread::Shortage),
            (libc::EAGAIN, Unread::Shortage),
            (libc::ENOMEM, Unread::Shortage),
            (libc::ENOENT, Unread::Crashed),
        ] {
            assert_eq!(shortage(&io::Error::from_raw_os_error(error)), why);
        }
    }
}
