//! The commands that people run before the daemon does: the configuration, and a start without one.

use crate::support::{Trouble, put, wait_until};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

fn brevdue(folder: &Path, args: &[&str]) -> Result<Output, Trouble> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brevdue"));
    command.args(args).current_dir(folder).stdin(Stdio::null()).env_remove("CREDENTIALS_DIRECTORY");
    command.output().map_err(Trouble::while_doing("brevdue"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn check_config_shows_five_faults_at_once() {
    let folder = TempDir::new().unwrap();
    let toml = "[milter]\nlisten = \"localhost\"\n[store]\nurl = \"mysql:x\"\n[spool]\npath = \"spool\"\n\
                [policy]\nleak = \"blok\"\n[[controller]]\nname = \"A\"\ncvr = \"123\"\ndpo = \"dpo@a.example\"\n\
                [alarm]\nsmtp = \"127.0.0.1:25\"\nform = \"b@a.example\"\nfrom = \"b@a.example\"\n";
    put(&folder.path().join("brevdue.toml"), toml.as_bytes()).unwrap();
    let output = brevdue(folder.path(), &["check-config"]).unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    // Each is drawn with its line, and nothing else is.
    for (line, word) in [(2, "localhost"), (4, "mysql"), (8, "blok"), (11, "123"), (15, "form")] {
        assert!(
            said.contains(&format!("brevdue.toml:{line}:")) && said.contains(word),
            "{line} {word}:\n{said}"
        );
    }
    assert_eq!(said.matches("error:").count(), 5, "{said}");
    assert!(said.matches("help:").count() >= 5, "{said}");
    // The daemon does not start on any part of it.
    let output = brevdue(folder.path(), &["serve", "--config", "brevdue.toml"]).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("spool").exists());
}

#[test]
fn the_template_is_a_configuration() {
    let folder = TempDir::new().unwrap();
    let template = brevdue(folder.path(), &["config", "template"]).unwrap();
    assert!(template.status.success());
    put(&folder.path().join("brevdue.toml"), &template.stdout).unwrap();
    let output = brevdue(folder.path(), &["check-config"]).unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("can be run"));
    // It warns of what only its owner can fill in, and of nothing else.
    let said = said(&output);
    assert!(said.contains("no `dpo_key`") && said.contains("belongs to nobody"), "{said}");
    assert_eq!(said.matches("warning:").count(), 2, "{said}");
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    for (args, code, word) in [
        (["check-config"].as_slice(), 2, "brevdue config template"),
        (&["case", "list"], 2, "run `brevdue serve` first"),
        (&["case", "show", "42"], 2, "brevdue serve"),
        (&["alarm", "test"], 2, "[alarm]"),
        (&["serve", "--config", "nowhere.toml"], 2, "no such configuration file"),
        (&["rules", "check"], 0, ""),
    ] {
        let output = brevdue(folder.path(), args).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(word), "{args:?}: {}", said(&output));
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a command that only looks makes nothing"
    );
}

/// The TCP ports on which this process listens, as the kernel tells them: local address in hex, port.
fn listening(pid: u32) -> Vec<(String, u16)> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let sockets: Vec<String> = links
        .filter_map(|link| std::fs::read_link(link.unwrap().path()).ok())
        .map(|target| target.display().to_string())
        .collect();
    let tables = ["tcp", "tcp6"]
        .map(|table| std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default());
    let mut all = Vec::new();
    for line in tables.iter().flat_map(|table| table.lines().skip(1)) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, ..] = fields.as_slice() else { continue };
        let inode = fields.get(9).copied().unwrap_or_default();
        if *state == "0A" && sockets.contains(&format!("socket:[{inode}]")) {
            let (address, port) = local.split_once(':').unwrap();
            all.push((address.to_owned(), u16::from_str_radix(port, 16).unwrap()));
        }
    }
    all
}

#[test]
fn without_a_configuration_it_listens_on_loopback_only_and_keeps_its_data_here() {
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_brevdue"))
        .arg("serve")
        .current_dir(folder.path())
        .env_remove("CREDENTIALS_DIRECTORY")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let found = wait_until(Duration::from_secs(20), || {
        let found = listening(child.id());
        (!found.is_empty() && TcpStream::connect("127.0.0.1:8891").is_ok()).then_some(found)
    });
    drop(child.kill());
    child.wait().unwrap();
    // 127.0.0.1, as the kernel writes it on this machine's byte order.
    let loopback = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
    assert_eq!(found, Some(vec![(loopback, 8891)]));
    let mut names: Vec<String> = walkdir::WalkDir::new(folder.path())
        .min_depth(1)
        .into_iter()
        .map(|entry| entry.unwrap().path().strip_prefix(folder.path()).unwrap().display().to_string())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "brevdue-data",
            "brevdue-data/brevdue.sqlite",
            "brevdue-data/node.key",
            "brevdue-data/release.key",
            "brevdue-data/spool",
            "brevdue-data/spool/approved",
            "brevdue-data/spool/node.id"
        ]
    );
}
