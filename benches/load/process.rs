//! What the kernel knows of a process that is not ours: its CPU time and its memory (proc(5)).

use std::io;
use std::time::Duration;

/// A filter's process.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// The time that its threads have run, to the nanosecond: `stat` counts in hundredths of a second. A thread that has ended
    /// is not in it; the threads of both filters stay.
    pub(crate) fn cpu(self) -> io::Result<Duration> {
        let mut nanos = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.0))? {
            let line = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += line.split_whitespace().next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// `VmRSS` (now) or `VmHWM` (the most there was), in KiB.
    pub(crate) fn memory(self, key: &str) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let kib = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next()?.parse().ok());
        kib.ok_or_else(|| io::Error::other(format!("no {key} in /proc/{}/status", self.0)))
    }
}
