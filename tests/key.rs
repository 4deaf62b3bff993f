//! The node's key: made once, guarded, and never replaced in silence, for its digests are what counts persons.

use crate::support::Trouble;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::{put, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

fn started() -> (Daemon, PathBuf) {
    let daemon = Daemon::start(&DaemonOptions::with("")).unwrap();
    let key = daemon.data().join("node.key");
    (daemon, key)
}

/// `brevdue serve` where it must not start: it ends by itself, with what it said.
fn refused(daemon: &Daemon, credentials: Option<&Path>) -> Result<String, Trouble> {
    // timeout: a daemon that starts after all would run for ever.
    let mut limited = Command::new("timeout");
    limited.args(["20", env!("CARGO_BIN_EXE_brevdue"), "serve", "--config"]).arg(daemon.config());
    if let Some(folder) = credentials {
        limited.env("CREDENTIALS_DIRECTORY", folder);
    }
    let Output { status, stderr, .. } = limited.output().map_err(Trouble::while_doing("brevdue serve"))?;
    let said = String::from_utf8_lossy(&stderr).into_owned();
    match status.code() {
        Some(2) => Ok(said),
        _ => Err(Trouble::new(format!("it was not refused ({status}): {said}"))),
    }
}

#[test]
fn the_first_start_makes_a_key_that_only_its_owner_reads_and_the_next_ones_keep_it() {
    let (mut daemon, key) = started();
    assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    let made = fs::read(&key).unwrap();
    assert_eq!(made.len(), 32);
    daemon.kill();
    daemon.spawn().unwrap();
    assert_eq!(fs::read(&key).unwrap(), made);
}

#[test]
fn it_does_not_start_without_its_key_and_says_what_to_do() {
    let (mut daemon, key) = started();
    daemon.kill();
    let made = fs::read(&key).unwrap();

    fs::remove_file(&key).unwrap();
    let said = refused(&daemon, None).unwrap();
    for word in [&key.display().to_string(), "Restore the key from the backup", "start a new one"] {
        assert!(said.contains(word), "{word} is missing: {said}");
    }
    assert!(!key.exists(), "a key was made where one was lost");
    // The register stays readable without the key.
    assert!(daemon.cases().unwrap().is_empty());

    // Another key.
    put(&key, &[7; 32]).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let said = refused(&daemon, None).unwrap();
    assert!(said.contains("is not the one") && said.contains("restore the right key"), "{said}");
    assert_eq!(fs::read(&key).unwrap(), [7; 32]);

    // The right key, but half of it; and readable by others.
    put(&key, made.get(..16).unwrap()).unwrap();
    assert!(refused(&daemon, None).unwrap().contains("holds no node key"));
    put(&key, &made).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let said = refused(&daemon, None).unwrap();
    assert!(said.contains("mode 644") && said.contains("chmod 600"), "{said}");
    assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o644, "it is not mended in silence");

    // And after all that it starts with the right one.
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    daemon.spawn().unwrap();
}

#[test]
fn systemd_hands_the_key_over() {
    let (mut daemon, key) = started();
    daemon.kill();
    let credentials = daemon.data().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let handed = credentials.join("brevdue-node-key");

    // The credential goes first: another key there is refused, though the file's would be right.
    put(&handed, &[9; 32]).unwrap();
    fs::set_permissions(&handed, Permissions::from_mode(0o400)).unwrap();
    let said = refused(&daemon, Some(&credentials)).unwrap();
    assert!(said.contains(&handed.display().to_string()), "{said}");

    // The right key by the credential alone.
    fs::remove_file(&handed).unwrap();
    fs::copy(&key, &handed).unwrap();
    fs::remove_file(&key).unwrap();
    fs::set_permissions(&handed, Permissions::from_mode(0o400)).unwrap();
    daemon.spawn_with(&[("CREDENTIALS_DIRECTORY", &credentials)]).unwrap();
    assert!(!key.exists(), "a second key was made");
    daemon.terminate().unwrap();
    assert!(daemon.wait(PATIENCE).unwrap().success());
    assert!(wait_until(PATIENCE, || daemon.log().contains("stopping").then_some(())).is_some());
}
