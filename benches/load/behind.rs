//! Behind a real Postfix: the same mails by TCP, by a unix socket and without a filter, in turns.
//!
//! Each way has a Postfix and a daemon of its own, as the tests start them (loopback only); Postfix's `smtp-source` sends,
//! and what is taken is thrown away. Postfix itself costs milliseconds a message, most of them the queue's: with
//! `TMPDIR` on a memory file system the disk does not speak with. Best and middle of several rounds, since whatever else
//! runs here can only slow one down.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::process::Process;
use crate::Options;
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postfix::{Postfix, PostfixOptions};

/// One way behind Postfix.
struct Way {
    name: &'static str,
    postfix: Postfix,
    daemon: Option<Daemon>,
}

/// Whether what this needs is installed, and if not, what is missing.
pub(crate) fn missing() -> Option<&'static str> {
    let has = |program: &str| {
        ["/usr/sbin", "/usr/local/sbin", "/sbin"]
            .iter()
            .any(|folder| Path::new(folder).join(program).exists())
    };
    ["postfix", "smtp-source"].into_iter().find(|program| !has(program))
}

/// Prints the table.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let trouble = |trouble: crate::support::Trouble| io::Error::other(trouble.to_string());
    let ways = [without().map_err(trouble)?, by_tcp().map_err(trouble)?, by_unix().map_err(trouble)?];
    println!("mails a second through Postfix, best (middle) of {} rounds in turns\n", options.rounds);
    println!(
        "{:<12} {:>8} {:>5} {:>15} {:>15} {:>15} {:>9} {:>11} {:>11}",
        "mail", "sessions", "mails", "no filter", "tcp", "unix", "tcp/unix", "tcp us/mail", "unix us/mail"
    );
    for row in crate::ROWS.iter().filter(|row| row.behind && options.wants(row)) {
        let file = tempfile::NamedTempFile::new()?;
        // smtp-source ends the lines itself.
        let mail = (row.make)();
        let lines: Vec<u8> = mail.into_iter().filter(|byte| *byte != b'\r').collect();
        io::Write::write_all(&mut file.as_file(), &lines)?;
        std::fs::set_permissions(file.path(), Permissions::from_mode(0o644))?;
        for sessions in options.connections() {
            let count = match lines.len() {
                0..10_000 => 500,
                10_000..200_000 => 250,
                _ => 32,
            };
            let count = if options.test { sessions } else { count.max(sessions) };
            let mut rates = [const { Vec::new() }; 3];
            let mut cpus = [f64::MAX; 3];
            // The first round starts Postfix's processes.
            for round in 0..=options.rounds {
                for (at, way) in ways.iter().enumerate() {
                    let process = way.daemon.as_ref().and_then(Daemon::pid).map(Process);
                    let cpu = || process.map_or(Ok(Duration::ZERO), Process::cpu);
                    let (before, start) = (cpu()?, Instant::now());
                    source(way, file.path(), sessions, count)?;
                    let took = start.elapsed();
                    // Postfix takes leave of the filter a little after smtp-source has gone.
                    let used = cpu()?.saturating_sub(before);
                    if round > 0 || options.test {
                        rates[at].push(count as f64 / took.as_secs_f64());
                        cpus[at] = cpus[at].min(used.as_secs_f64() * 1e6 / count as f64);
                    }
                }
                if options.test {
                    break;
                }
            }
            let [no, tcp, unix] = rates.map(|mut rates| {
                rates.sort_by(f64::total_cmp);
                (rates[rates.len() - 1], rates[rates.len() / 2])
            });
            let shown = |(best, middle): (f64, f64)| format!("{best:.0} ({middle:.0})");
            println!(
                "{:<12} {sessions:>8} {count:>5} {:>15} {:>15} {:>15} {:>9.2} {:>11.0} {:>11.0}",
                row.name,
                shown(no),
                shown(tcp),
                shown(unix),
                tcp.0 / unix.0,
                cpus[1],
                cpus[2],
            );
        }
    }
    for way in &ways {
        if let Some(process) = way.daemon.as_ref().and_then(Daemon::pid).map(Process) {
            println!(
                "{}: the daemon's peak was {:.1} MB",
                way.name,
                process.memory("VmHWM")? as f64 / 1024.0
            );
        }
    }
    Ok(())
}

fn source(way: &Way, file: &Path, sessions: usize, count: usize) -> io::Result<()> {
    let output = Command::new("smtp-source")
        // -d: a session carries many mails.
        .args(["-d", "-s", &sessions.to_string(), "-m", &count.to_string()])
        .args(["-f", "anna@noerreby.example", "-t", "bo@borger.example", "-F"])
        .arg(file)
        .arg(format!("inet:{}", way.postfix.smtp_addr()))
        .env("PATH", path())
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() && output.stderr.is_empty() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!(
        "smtp-source {}: {}: {said}\n{}",
        way.name,
        output.status,
        way.postfix.log()
    )))
}

fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn without() -> Result<Way, crate::support::Trouble> {
    Ok(Way { name: "no filter", postfix: Postfix::start(&PostfixOptions::default())?, daemon: None })
}

fn by_tcp() -> Result<Way, crate::support::Trouble> {
    let daemon = Daemon::start(&DaemonOptions { log: "info", ..DaemonOptions::with("") })?;
    let postfix =
        Postfix::start(&PostfixOptions { milter: Some(daemon.milter()), ..PostfixOptions::default() })?;
    Ok(Way { name: "tcp", postfix, daemon: Some(daemon) })
}

/// The socket lies as in the example: below Postfix's queue directory, in a folder whose group Postfix has.
fn by_unix() -> Result<Way, crate::support::Trouble> {
    use crate::support::Trouble;
    let milter = Some("unix:brevdue/milter.sock".to_owned());
    let postfix = Postfix::start(&PostfixOptions { milter, ..PostfixOptions::default() })?;
    let folder = postfix.queue_dir().join("brevdue");
    std::fs::create_dir(&folder).map_err(Trouble::while_doing("the socket's folder"))?;
    let chgrp = Command::new("chgrp").arg("postfix").arg(&folder).status();
    chgrp.map_err(Trouble::while_doing("chgrp"))?;
    std::fs::set_permissions(&folder, Permissions::from_mode(0o2755))
        .map_err(Trouble::while_doing("chmod"))?;
    let unix = Some(folder.join("milter.sock"));
    let daemon = Daemon::start(&DaemonOptions { log: "info", unix, ..DaemonOptions::with("") })?;
    Ok(Way { name: "unix", postfix, daemon: Some(daemon) })
}
