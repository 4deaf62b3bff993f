//! Postfix's queue, by its own programs: what lies on hold, and what a person decided about it.
//!
//! *What it is*: `postqueue -j` (anybody may ask), `postcat` and `postsuper` (root alone). *What it never does*: act on a
//! mail by its id alone; whoever calls has compared it with [`Queued`]. *Start reading at* [`Postfix::find`]. *Tests*: below,
//! and `tests/held/` with a real Postfix. Source: postsuper(1), postqueue(1), postcat(1), postconf(5).

use crate::envelope::QueueId;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::ffi::OsStr;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The queue that mail waits in until somebody releases it.
const HOLD: &str = "hold";

/// What can go wrong with Postfix's programs.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// It cannot be run.
    #[error("{program} cannot be run: {source}")]
    Run {
        /// Which.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It failed. Its words are not repeated: they may name an address.
    #[error("{program} failed ({status}): is this the machine whose queue it is, and are you root?")]
    Failed {
        /// Which.
        program: &'static str,
        /// How it ended.
        status: String,
    },
    /// It ended well, and has not done it.
    #[error("{program} has not done it: the mail is no longer in its queue")]
    NotDone {
        /// Which.
        program: &'static str,
    },
    /// It said what no version of Postfix says.
    #[error("{program} said something that is not understood")]
    Garbled {
        /// Which.
        program: &'static str,
    },
}

/// A mail in the queue. No `Debug`: it has addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its name.
    pub id: String,
    /// Whether it lies on hold.
    pub on_hold: bool,
    /// When it came, by the queue file.
    pub arrived: DateTime<Utc>,
    /// Without brackets; empty is the null sender.
    pub sender: String,
    /// Those that have not got it yet.
    pub recipients: Vec<String>,
    /// Bytes.
    pub size: u64,
}

/// A line of `postqueue -j`.
#[derive(Deserialize)]
struct Line {
    queue_name: String,
    queue_id: String,
    arrival_time: i64,
    message_size: u64,
    sender: String,
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Recipient {
    address: String,
}

/// The Postfix of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Postfix {
    /// The folder of main.cf; `None` is the one that the programs know.
    pub config: Option<PathBuf>,
}

impl Postfix {
    /// All mail in the queue.
    ///
    /// # Errors
    /// When `postqueue` cannot be run or understood.
    pub fn queue(&self) -> Result<Vec<Queued>, QueueError> {
        let output = self.run("postqueue", ["-j"])?;
        listed(&output.stdout)
    }

    /// The mail of this name, wherever in the queue it is.
    ///
    /// # Errors
    /// When `postqueue` cannot be run or understood.
    pub fn find(&self, id: &QueueId) -> Result<Option<Queued>, QueueError> {
        Ok(self.queue()?.into_iter().find(|mail| mail.id == id.as_str()))
    }

    /// Lets a mail go from hold: it is delivered as it lies, by the way that was decided when it came.
    ///
    /// # Errors
    /// When it is no longer on hold, or `postsuper` cannot be run.
    pub fn release(&self, id: &QueueId) -> Result<(), QueueError> {
        self.act(["-H", id.as_str(), HOLD], "Released from hold: 1 message")?;
        // It lies among the deferred now, and would wait there for the next run of the queue.
        self.nudge("postqueue", ["-i", id.as_str()]);
        Ok(())
    }

    /// Lets a mail go from hold as if it had come now: it gets a new id, a Received header, and all its time in the queue. No
    /// milter sees it, and a FILTER it had is dropped.
    ///
    /// # Errors
    /// When it is no longer on hold, or `postsuper` cannot be run.
    pub fn requeue(&self, id: &QueueId) -> Result<(), QueueError> {
        self.act(["-r", id.as_str(), HOLD], "Requeued: 1 message")?;
        // Else it waits up to a minute for pickup to look.
        self.nudge("postkick", ["public", "pickup", "W"]);
        Ok(())
    }

    /// Deletes a mail that lies on hold.
    ///
    /// # Errors
    /// When it is no longer on hold, or `postsuper` cannot be run.
    pub fn delete(&self, id: &QueueId) -> Result<(), QueueError> {
        self.act(["-d", id.as_str(), HOLD], "Deleted: 1 message")
    }

    /// The mail as it lies in the queue, header and body, its lines ended by CRLF.
    ///
    /// # Errors
    /// When `postcat` cannot be run. That it fails is an error of the last read.
    pub fn content(&self, id: &QueueId) -> Result<Content, QueueError> {
        const PROGRAM: &str = "postcat";
        let mut child = self
            .command(PROGRAM)
            .args(["-bhq", id.as_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| QueueError::Run { program: PROGRAM, source })?;
        let stdout = child.stdout.take().ok_or(QueueError::Garbled { program: PROGRAM })?;
        Ok(Content { lines: CrLf::over(BufReader::new(stdout)), child })
    }

    /// After how long in the queue a mail is given up: the shorter of the two times that apply.
    ///
    /// # Errors
    /// When `postconf` cannot be run or understood.
    pub fn lifetime(&self) -> Result<TimeDelta, QueueError> {
        const PROGRAM: &str = "postconf";
        let output = self.run(PROGRAM, ["-xh", "maximal_queue_lifetime", "bounce_queue_lifetime"])?;
        let text = String::from_utf8_lossy(&output.stdout);
        let times: Option<Vec<TimeDelta>> = text.lines().map(|line| time(line.trim())).collect();
        times.and_then(|times| times.into_iter().min()).ok_or(QueueError::Garbled { program: PROGRAM })
    }

    /// Asks for speed. What fails here only takes its time.
    fn nudge<const N: usize>(&self, program: &'static str, arguments: [&str; N]) {
        if let Err(error) = self.run(program, arguments) {
            tracing::debug!(%error, "released mail waits for its turn");
        }
    }

    fn act<const N: usize>(&self, arguments: [&str; N], done: &str) -> Result<(), QueueError> {
        const PROGRAM: &str = "postsuper";
        let output = self.run(PROGRAM, arguments)?;
        // It ends well when there is no such mail, too.
        let said = [output.stdout, output.stderr].concat();
        let is_done = memchr::memmem::find(&said, done.as_bytes()).is_some();
        is_done.then_some(()).ok_or(QueueError::NotDone { program: PROGRAM })
    }

    fn command(&self, program: &'static str) -> Command {
        let mut command = Command::new(program);
        if let Some(config) = &self.config {
            command.args([OsStr::new("-c"), config.as_os_str()]);
        }
        command
    }

    fn run<const N: usize>(&self, program: &'static str, arguments: [&str; N]) -> Result<Output, QueueError> {
        let output = self.command(program).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|source| QueueError::Run { program, source })?;
        if output.status.success() {
            Ok(output)
        } else {
            Err(QueueError::Failed { program, status: output.status.to_string() })
        }
    }
}

/// The bytes of a mail in the queue.
pub struct Content {
    lines: CrLf<BufReader<ChildStdout>>,
    child: Child,
}

impl Read for Content {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.lines.read(bytes)?;
        // At its end, so that a mail which postcat could not read to its end is never taken for whole.
        if read == 0 && !bytes.is_empty() && !self.child.wait()?.success() {
            return Err(io::Error::other("postcat failed"));
        }
        Ok(read)
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        // Of one that was read to its end there is nothing left to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Ends lines by CRLF (RFC 5321 §2.3.8) that a queue file ends by LF.
struct CrLf<R> {
    inner: R,
    pending: Vec<u8>,
    at: usize,
}

impl<R: Read> CrLf<R> {
    fn over(inner: R) -> Self {
        Self { inner, pending: Vec::new(), at: 0 }
    }
}

impl<R: Read> Read for CrLf<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.at == self.pending.len() {
            let mut piece = [0; 8192];
            let read = self.inner.read(&mut piece)?;
            self.at = 0;
            self.pending.clear();
            for byte in piece.iter().take(read) {
                if *byte == b'\n' {
                    self.pending.push(b'\r');
                }
                self.pending.push(*byte);
            }
        }
        let ready = self.pending.get(self.at..).unwrap_or_default();
        let count = ready.len().min(bytes.len());
        for (to, from) in bytes.iter_mut().zip(ready) {
            *to = *from;
        }
        self.at += count;
        Ok(count)
    }
}

fn listed(output: &[u8]) -> Result<Vec<Queued>, QueueError> {
    let line = |line: &[u8]| -> Result<Queued, QueueError> {
        let garbled = QueueError::Garbled { program: "postqueue" };
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return Err(garbled) };
        let sender = if line.sender == "MAILER-DAEMON" { String::new() } else { line.sender };
        Ok(Queued {
            id: line.queue_id,
            on_hold: line.queue_name == HOLD,
            arrived: DateTime::from_timestamp(line.arrival_time, 0).ok_or(garbled)?,
            sender,
            recipients: line.recipients.into_iter().map(|one| one.address).collect(),
            size: line.message_size,
        })
    };
    output.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()).map(line).collect()
}

/// A time as main.cf writes it; without a unit it is days, for these two.
fn time(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let (number, seconds) = match unit {
        's' => (text.strip_suffix('s')?, 1),
        'm' => (text.strip_suffix('m')?, 60),
        'h' => (text.strip_suffix('h')?, 3600),
        'd' => (text.strip_suffix('d')?, 86_400),
        'w' => (text.strip_suffix('w')?, 604_800),
        _ => (text, 86_400),
    };
    TimeDelta::try_seconds(number.parse::<i64>().ok()?.checked_mul(seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read_as_postqueue_tells_it() {
        let told = br#"{"queue_name": "hold", "queue_id": "4bXq1z3kTnz9", "arrival_time": 1795000000, "message_size": 412, "forced_expire": false, "sender": "a@b.example", "recipients": [{"address": "c@d.example"}]}
{"queue_name": "deferred", "queue_id": "3F", "arrival_time": 1, "message_size": 1, "sender": "MAILER-DAEMON", "recipients": [{"address": "x@y", "delay_reason": "z"}]}
"#;
        let queue = listed(told).unwrap();
        assert_eq!((queue.len(), queue[0].on_hold, queue[1].on_hold), (2, true, false));
        assert_eq!((queue[0].sender.as_str(), queue[1].sender.as_str()), ("a@b.example", ""));
        assert_eq!(queue[0].recipients, ["c@d.example"]);
        assert!(listed(b"").unwrap().is_empty());
        assert!(listed(b"Mail queue is empty\n").is_err());
    }

    #[test]
    fn times_of_main_cf() {
        for (text, seconds) in [("5d", 432_000), ("2s", 2), ("1w", 604_800), ("90m", 5400), ("1", 86_400)] {
            assert_eq!(time(text), TimeDelta::try_seconds(seconds), "{text}");
        }
        assert!(time("").is_none() && time("x").is_none() && time("$y").is_none());
    }

    #[test]
    fn lines_end_in_crlf_however_they_are_read() {
        let text = b"a\n\n.\nlast";
        for size in 1..10 {
            let mut out = Vec::new();
            let mut lines = CrLf::over(text.as_slice());
            let mut piece = vec![0; size];
            loop {
                let read = lines.read(&mut piece).unwrap();
                if read == 0 {
                    break;
                }
                out.extend_from_slice(&piece[..read]);
            }
            assert_eq!(out, b"a\r\n\r\n.\r\nlast");
        }
    }
}
