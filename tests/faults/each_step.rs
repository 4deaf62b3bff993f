//! One mail by the pipe, killed at its first durable step, the next one at its second, and so on until one comes through: no step
//! is left to chance. Each is sent again, as a mail server does, and must be where the table of states has it.

use super::files;
use super::mails::{SENDER, cpr, domain};
use super::steps::{self, met};
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::register::Register;
use crate::support::sink::{Sink, SinkOptions};
use crate::support::wait_until;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

fn pipe(daemon: &Daemon, mut command: Command, nth: u32) -> Option<i32> {
    command.arg(env!("CARGO_BIN_EXE_brevdue")).args(["pipe", "--config"]).arg(daemon.config());
    command.args(["-f", SENDER, "--", &format!("borger@{}", domain(nth))]).env("BREVDUE_LOG", "off");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mail = format!(
        "From: <{SENDER}>\nMessage-ID: <m{nth}@noerreby.example>\nX-Nr: {nth}\n\nCPR-nr.: {}\n",
        cpr(nth)
    );
    drop(child.stdin.take().unwrap().write_all(mail.as_bytes()));
    child.wait().unwrap().code()
}

/// Kills at each step; the steps that were met.
fn each(leak: &str) -> BTreeSet<String> {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let toml = format!("[smtp]\nnext_hop = \"{}\"\n[policy]\nleak = \"{leak}\"\n", sink.addr());
    let mut daemon = Daemon::start(&DaemonOptions { log: "off", ..DaemonOptions::with(&toml) }).unwrap();
    daemon.kill();
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("note");
    let data = daemon.data();
    let mut stands: Vec<(&str, Option<PathBuf>)> = if leak == "hold" {
        vec![("fsync", None), ("rename,renameat,renameat2", None)]
    } else {
        vec![("fsync", Some(data.join("brevdue.db-wal"))), ("fsync", Some(data.join("spool/evidence")))]
    };
    let (mut steps, mut last) = (BTreeSet::new(), 0);
    while let Some((calls, path)) = stands.pop() {
        for nth in 1.. {
            last += 1;
            std::fs::remove_file(&note).ok();
            let code = pipe(&daemon, steps::killed_at(calls, nth, path.as_deref(), &note), last);
            if code == Some(0) {
                break;
            }
            assert_eq!(code, None, "at {calls} {nth}");
            steps.extend(met(&note));
            assert_eq!(pipe(&daemon, Command::new("env"), last), Some(0), "after a kill at {calls} {nth}");
        }
        // The first mail that was delivered has begun it.
        let is_segment = |file: &walkdir::DirEntry| file.path().extension().is_some_and(|it| it == "seg");
        if last < 4
            && let Some(segment) = walkdir::WalkDir::new(&data).into_iter().flatten().find(is_segment)
        {
            stands.push(("fsync", Some(segment.into_path())));
        }
    }
    daemon.spawn().unwrap();
    let (rows, folders) = (Register::File(daemon.database()), [daemon.data()]);
    let quiet = || (files::drafts(&folders) == 0 && files::strange(&rows, &folders).is_empty()).then_some(());
    assert!(wait_until(Duration::from_secs(20), quiet).is_some(), "{:?}", files::strange(&rows, &folders));
    daemon.kill();
    let register = Connection::open(daemon.database()).unwrap();
    let delivered = sink.received();
    for nth in 1..=last {
        let attempts: u32 = register
            .query_row("SELECT attempts FROM detection WHERE recipient_domains = ?1", [domain(nth)], |row| {
                row.get(0)
            })
            .unwrap();
        let held: u32 = register
            .query_row(
                "SELECT count(*) FROM held WHERE recipient_domains = ?1 AND state = 'waiting'",
                [domain(nth)],
                |row| row.get(0),
            )
            .unwrap();
        let to = format!("borger@{}", domain(nth));
        let out = delivered.iter().filter(|mail| mail.rcpts.contains(&to)).count();
        let [here, there] = if leak == "hold" { [held as usize, out] } else { [out, held as usize] };
        assert!(
            (1..=2).contains(&attempts) && (1..=2).contains(&here) && there == 0,
            "{nth}: {attempts} {here} {there}"
        );
    }
    if leak == "deliver" {
        let key = std::fs::read_to_string(daemon.key_file()).unwrap();
        let secret = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY")).unwrap();
        let sealed = files::sealed(&rows, &folders, secret);
        assert!(
            (1..=last).all(|nth| sealed.contains(&cpr(nth).replace('-', ""))),
            "{} of {last}",
            sealed.len()
        );
    }
    steps
}

#[test]
fn a_mail_survives_a_kill_at_each_durable_step() {
    if !steps::can() {
        return;
    }
    let (held, delivered) = (each("hold"), each("deliver"));
    println!("held: {held:#?}\ndelivered: {delivered:#?}");
    for step in [
        "fsync a held mail's draft",
        "rename a held mail",
        "fsync the folder of held mail",
        "fsync the register's log",
    ] {
        assert!(held.contains(step), "{step} was not met: {held:#?}");
    }
    for step in ["fsync the folder of evidence", "fsync a case's numbers", "fsync the register's log"] {
        assert!(delivered.contains(step), "{step} was not met: {delivered:#?}");
    }
}
