//! What an operator sees while the register's server is away: a log that says it and does not drown in it, a status that says what
//! is wrong and all the rest, and that it is over.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postgres::Server;
use crate::support::sink::{Sink, SinkOptions};
use crate::support::{Port, smtp, wait_until};
use std::time::{Duration, Instant};

const SENDER: &str = "sagsbehandler@noerreby.example";

fn leak(number: u32) -> Vec<u8> {
    format!(
        "From: <{SENDER}>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\nMessage-ID: <{number}@noerreby.example>\r\n\
         Subject: Din sag\r\n\r\nCPR-nr.: 150379-1028\r\n"
    )
    .into_bytes()
}

#[test]
fn an_operator_is_told_once_that_the_register_is_away_and_once_that_it_is_back() {
    let mut server = Server::start().unwrap();
    let url = server.database("away");
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let (door, console) = (Port::claim().unwrap(), Port::claim().unwrap());
    let toml = format!(
        "[console]\nlisten = \"{}\"\n[smtp]\nlisten = \"{}\"\nnext_hop = \"{}\"\n[policy]\nleak = \"block\"\n",
        console.addr(),
        door.addr(),
        sink.addr()
    );
    let daemon = Daemon::start(&DaemonOptions {
        log: "info",
        alarm: Some(sink.addr()),
        store: Some(url),
        ..DaemonOptions::with(&toml)
    })
    .unwrap();
    let send =
        |number| smtp::send(door.addr(), SENDER, &["borger@post.example"], &leak(number)).unwrap().code;
    assert_eq!(send(0), 550);
    let said = |what: &str| daemon.log().matches(what).count();
    let errors = said(" ERROR ");
    server.kill();
    // Long enough that whoever looks into the register by the clock meets it too.
    let began = Instant::now();
    let mut number = 0;
    while began.elapsed() < Duration::from_secs(6) {
        number += 1;
        assert_eq!(send(number), 451);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(number > 20, "{number}");
    assert_eq!(said("the register cannot be written"), 1, "{}", daemon.log());
    assert_eq!(said(" ERROR ") - errors, 1, "{}", daemon.log());

    let status = daemon.run(&["status"]).unwrap();
    let words = String::from_utf8(status.stdout).unwrap();
    assert_eq!(status.status.code(), Some(1), "{words}");
    for part in
        ["SMTP", "svarer · answers", "register: SVARER IKKE", "451", "failing", "Registret kan ikke skrives"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
    let json = daemon.run(&["status", "--format", "json"]).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["well"], &json["register"]["answers"]), (&false.into(), &false.into()), "{json}");
    assert_eq!(json["health"]["status"], "failing");
    assert!(json["doors"].as_array().unwrap().iter().all(|door| door["answers"] == true), "{json}");

    server.up();
    assert!(wait_until(Duration::from_secs(20), || (send(number) == 550).then_some(())).is_some());
    assert_eq!(
        (said("the register cannot be written"), said("can be written again")),
        (1, 1),
        "{}",
        daemon.log()
    );
    assert!(daemon.run(&["status"]).unwrap().status.success());
}

#[test]
fn a_register_that_can_be_read_and_not_written_is_no_healthy_one() {
    let server = Server::start().unwrap();
    let url = server.database("locked");
    let console = Port::claim().unwrap();
    let toml = format!("[console]\nlisten = \"{}\"\n", console.addr());
    let options = DaemonOptions { log: "info", store: Some(url), ..DaemonOptions::with(&toml) };
    let daemon = Daemon::start(&options).unwrap();
    let status = || daemon.run(&["status"]).unwrap();
    assert!(status().status.success());
    std::thread::scope(|scope| {
        let lock = "BEGIN; SELECT pg_advisory_xact_lock(4858413); SELECT pg_sleep(8); ROLLBACK";
        scope.spawn(|| server.sql("locked", lock));
        std::thread::sleep(Duration::from_millis(500));
        let met = status();
        assert_eq!(met.status.code(), Some(1), "{}", String::from_utf8_lossy(&met.stdout));
    });
    assert!(wait_until(Duration::from_secs(20), || status().status.success().then_some(())).is_some());
}
