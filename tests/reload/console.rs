//! The console's two pages, asked as a monitoring system asks.

use super::{PATIENCE, Site, plain};
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::http;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn health_is_for_people_and_for_programs() {
    let site = Site::open(&plain()).unwrap();
    let (head, page) = site.ask("/healthz", "*/*");
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert!(page.starts_with("ok\nrules: ok: "), "{page}");
    assert!(page.contains("/rules) count since 20") && page.contains("register: ok"), "{page}");
    let (head, page) = site.ask("/healthz", "application/json");
    let read: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!((&read["status"], &read["checks"][0]["name"]), (&"ok".into(), &"rules".into()));
    let (head, page) = site.ask("/metrics", "*/*");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(page.contains("brevdue_build_info{version=\"") && site.metric("brevdue_rules_entries") > 20);
    assert!(site.metric("brevdue_rules_loaded_timestamp_seconds") > 1_700_000_000);
    assert!(site.ask("/", "*/*").0.starts_with("HTTP/1.1 404 "));
    let log = site.daemon.log();
    assert!(log.contains("rules loaded") && log.contains("watching for changes"), "{log}");

    // A register that cannot be read stops mail, and that is an error to a load balancer too.
    let register = rusqlite::Connection::open(site.daemon.database()).unwrap();
    register.execute_batch("DROP TABLE notice").unwrap();
    let (head, page) = site.ask("/healthz", "*/*");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(page.starts_with("failing\n") && page.contains("register: failing"), "{page}");
}

#[test]
fn who_knocks_at_the_console_does_not_keep_mail_out() {
    const PLACES: usize = 64;
    let site = Site::open(&plain()).unwrap();
    let crowd: Vec<TcpStream> =
        (0..PLACES).map(|_| TcpStream::connect(site.console.addr()).unwrap()).collect();
    let mut waiting = TcpStream::connect(site.console.addr()).unwrap();
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let error = waiting.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    assert_eq!(site.verdict(), "deliver");
    drop(crowd);
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn the_console_answers_on_a_unix_socket_and_leaves_none_behind() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("console.sock");
    let toml = format!("[console]\nlisten = \"unix:{}\"", socket.display());
    let mut daemon = Daemon::start(&DaemonOptions::with(&toml)).unwrap();
    let (head, page) = http::get(UnixStream::connect(&socket).unwrap(), "/healthz", "*/*").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && page.contains("entries (built in)"), "{head}\n{page}");
    // A monitoring system that keeps its connection open does not hold up the end.
    let kept = UnixStream::connect(&socket).unwrap();
    daemon.terminate().unwrap();
    assert!(daemon.wait(Duration::from_secs(10)).unwrap().success());
    assert!(!socket.exists());
    drop(kept);
}
