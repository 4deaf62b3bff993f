//! A real Postfix, real TLS, and the daemon that follows its log.

use crate::support::daemon::{DPO, Daemon, DaemonOptions};
use crate::support::identity::Identity;
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::sink::{Fault, Mode, Sink, SinkOptions, Step};
use crate::support::{http, put, smtp, wait_until};
use brevdue::intake::maillog::join::Joiner;
use brevdue::intake::maillog::line::Line;
use brevdue::intake::milter::{Client, Mail};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

const NUMBER: &str = "150379-1028";
const SENDER: &str = "sagsbehandler@noerreby.example";
const PATIENCE: Duration = Duration::from_secs(40);
/// TLS where the peer offers it, as a relay of our days is set up, and logged.
const MAY: &str =
    "smtp_tls_security_level = may\nsmtp_tls_loglevel = 1\nsmtp_tls_CAfile = $config_directory/ca.pem\n";
const SIKKER: &str = "[[road]]\ndomain = \"sikker.example\"\nprotection = \"forced-tls\"\n";

fn toml(leak: &str, more: &str) -> String {
    format!("[policy]\nleak = \"{leak}\"\n[maillog]\npath = \"log/mail.log\"\n{more}")
}

fn leak(id: u32) -> Vec<u8> {
    format!(
        "From: <{SENDER}>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\nSubject: Din sag\r\nMessage-ID: <{id}@noerreby.example>\r\n\r\nCPR-nr.: {NUMBER}\r\n"
    )
    .into_bytes()
}

fn send(postfix: &Postfix, to: &[&str], id: u32) {
    let reply = smtp::send(postfix.smtp_addr(), SENDER, to, &leak(id)).unwrap();
    assert_eq!(reply.code, 250, "{}\n{}", reply.text(), postfix.log());
}

fn said(daemon: &Daemon, args: &[&str]) -> String {
    String::from_utf8_lossy(&daemon.run(args).unwrap().stdout).into_owned()
}

/// The only deliveries of a case's first mail.
fn deliveries(daemon: &Daemon, case: &str) -> Vec<Value> {
    let told = said(daemon, &["evidence", "show", case, "--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap_or_default();
    told["mails"][0]["deliveries"].as_array().cloned().unwrap_or_default()
}

fn eventually<T>(daemon: &Daemon, postfix: &Postfix, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    // A probe starts a program: not a hundred a second.
    let probed = wait_until(PATIENCE, || {
        std::thread::sleep(Duration::from_millis(150));
        probe()
    });
    probed.unwrap_or_else(|| panic!("{what}:\n{}\n{}", daemon.log(), postfix.log()))
}

fn promises(daemon: &Daemon) -> usize {
    let entries = std::fs::read_dir(daemon.data().join("spool/evidence"));
    let is_promise = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("promise-");
    entries.into_iter().flatten().filter(|entry| is_promise(&entry.as_ref().unwrap().file_name())).count()
}

#[test]
fn tls_where_it_was_promised_is_proved_and_plaintext_is_a_breach_by_itself() {
    let dpo = Sink::start(SinkOptions::default()).unwrap();
    let daemon = Daemon::start(&DaemonOptions {
        alarm: Some(dpo.addr()),
        ..DaemonOptions::with(&toml("block", SIKKER))
    })
    .unwrap();
    let identity = Identity::for_name("localhost").unwrap();
    let sink = Sink::start(SinkOptions { starttls: Some(identity.clone()), mode: Mode::Up }).unwrap();
    let postfix = Postfix::start(&PostfixOptions {
        milter: Some(daemon.milter()),
        relay_to: Some(sink.addr()),
        ca_pem: Some(identity.ca_pem().to_owned()),
        extra_main_cf: MAY.to_owned(),
        ..PostfixOptions::default()
    })
    .unwrap();
    daemon.follow(&postfix.log_path()).unwrap();

    send(&postfix, &["a@sikker.example", "b@sikker.example"], 1);
    assert!(sink.wait_for(1, PATIENCE).unwrap()[0].tls);
    eventually(&daemon, &postfix, "the promise is kept", || (promises(&daemon) == 0).then_some(()));
    assert!(daemon.cases().unwrap().is_empty());

    // The peer has lost its TLS, and nothing forces Postfix, whatever the road says of it.
    sink.set_mode(Mode::Fail(Step::StartTls, Fault::Reply(454)));
    send(&postfix, &["a@sikker.example"], 2);
    assert!(!sink.wait_for(2, PATIENCE).unwrap()[1].tls);
    let cases = eventually(&daemon, &postfix, "a breach", || {
        Some(daemon.cases().unwrap()).filter(|cases| !cases.is_empty())
    });
    assert_eq!((&cases[0]["kind"], &cases[0]["state"]), (&"breach".into(), &"assessing".into()));
    assert_eq!((&cases[0]["mails"], &cases[0]["persons"]), (&1.into(), &1.into()));
    let id = cases[0]["id"].as_str().unwrap();
    let told = deliveries(&daemon, id);
    assert_eq!((&told[0]["proof"], &told[0]["status"]), (&"plaintext".into(), &"sent".into()), "{told:?}");
    assert_eq!(told[0]["recipient_domain"], "sikker.example");
    let text = said(&daemon, &["evidence", id]);
    assert!(text.contains("UKRYPTERET / PLAINTEXT") && text.contains("afleveret / sent"), "{text}");
    assert_eq!(text, said(&daemon, &["evidence", "show", id]));
    let shown = daemon.show(id).unwrap();
    assert!(shown.contains("afleveret (plaintext)") && shown.contains("lovet var tvungen TLS"), "{shown}");
    // Its person can be written to, and its DPO is told.
    let key = daemon.key_file();
    let numbers = said(&daemon, &["evidence", "open", id, "--identity", key.to_str().unwrap()]);
    assert_eq!(numbers, NUMBER.replace('-', "") + "\n");
    let letter = dpo.wait_for(1, PATIENCE).unwrap().remove(0);
    assert_eq!(letter.rcpts, [DPO]);
    for text in [text, shown, daemon.log()] {
        assert!(!text.contains(NUMBER) && !text.contains("a@sikker"), "{text}");
    }
}

#[test]
fn a_rerouted_mail_is_verified_and_one_that_somebody_requeued_is_noticed() {
    // The ordinary transport logs TLS, and never has any.
    let daemon = Daemon::start(&DaemonOptions::with(&toml("reroute", "tls_logged = true\n"))).unwrap();
    let identity = Identity::for_name("localhost").unwrap();
    let secure = Sink::start(SinkOptions { starttls: Some(identity.clone()), mode: Mode::Up }).unwrap();
    let plain = Sink::start(SinkOptions::default()).unwrap();
    let postfix = Postfix::start(&PostfixOptions {
        milter: Some(daemon.milter()),
        relay_to: Some(plain.addr()),
        secure_next_hop: Some(secure.addr()),
        ca_pem: Some(identity.ca_pem().to_owned()),
        extra_main_cf: MAY.to_owned(),
        ..PostfixOptions::default()
    })
    .unwrap();
    daemon.follow(&postfix.log_path()).unwrap();

    send(&postfix, &["a@post.example", "b@borger.example"], 1);
    let near = "BRV-2026-0001";
    let told = eventually(&daemon, &postfix, "both deliveries", || {
        Some(deliveries(&daemon, near)).filter(|told| told.len() == 2)
    });
    for one in &told {
        assert_eq!((&one["proof"], &one["transport"]), (&"verified".into(), &"brevdue-secure".into()));
        assert_eq!((&one["protocol"], &one["times"]), (&"TLSv1.3".into(), &1.into()));
        let hop = format!("localhost[127.0.0.1]:{}", secure.addr().port());
        assert_eq!(one["next_hop"], hop);
    }
    assert!(daemon.show(near).unwrap().contains("afleveret (verified TLSv1.3)"));
    eventually(&daemon, &postfix, "the promise is kept", || (promises(&daemon) == 0).then_some(()));

    secure.set_mode(Mode::Down);
    send(&postfix, &["a@post.example"], 2);
    postfix.wait_for_log("status=deferred", PATIENCE).unwrap();
    let queue = postfix.queue_json().unwrap();
    let id = queue[0]["queue_id"].as_str().unwrap();
    postfix.run("postsuper", &["-r", id]).unwrap();
    // Pickup looks once a minute, or when it is told of a new mail.
    postfix.sendmail(&["a@post.example"], SENDER, b"Subject: y\n\nz\n").unwrap();
    plain.wait_for(2, PATIENCE).unwrap();
    let cases = eventually(&daemon, &postfix, "a breach", || {
        Some(daemon.cases().unwrap()).filter(|cases| cases.len() == 2)
    });
    assert_eq!((&cases[0]["kind"], &cases[1]["kind"]), (&"breach".into(), &"near_miss".into()));
    let breach = cases[0]["id"].as_str().unwrap();
    let told = deliveries(&daemon, breach);
    let last = told.last().unwrap();
    assert_eq!((&last["proof"], &last["transport"]), (&"plaintext".into(), &"smtp".into()), "{told:?}");
    assert_ne!(last["queue_id"], id);
    assert_eq!((&told[0]["status"], &told[0]["proof"]), (&"deferred".into(), &"nothing".into()), "{told:?}");
    assert!(daemon.show(near).unwrap().contains(breach));
}

#[test]
fn mail_that_no_milter_saw_is_told_of() {
    let dpo = Sink::start(SinkOptions::default()).unwrap();
    let console = "[console]\nlisten = \"unix:console.sock\"\n";
    let options = DaemonOptions { alarm: Some(dpo.addr()), ..DaemonOptions::with(&toml("block", console)) };
    let daemon = Daemon::start(&options).unwrap();
    let page = |path: &str| {
        let socket = daemon.config().with_file_name("console.sock");
        http::get(UnixStream::connect(socket).unwrap(), path, "*/*").unwrap().1
    };
    let health = wait_until(PATIENCE, || Some(page("/healthz")).filter(|page| page.contains("no such file")));
    assert!(health.unwrap().starts_with("degraded\n"), "the log is not there yet");
    let sink = Sink::start(SinkOptions::default()).unwrap();
    // An application that hands mail to the sendmail command, and nobody thought of that.
    let postfix = Postfix::start(&PostfixOptions {
        milter: Some(daemon.milter()),
        relay_to: Some(sink.addr()),
        extra_main_cf: "non_smtpd_milters =\n".to_owned(),
        ..PostfixOptions::default()
    })
    .unwrap();
    daemon.follow(&postfix.log_path()).unwrap();
    // Names tell whole seconds.
    std::thread::sleep(Duration::from_secs(2));
    let clean = b"Subject: x\r\n\r\nVi har modtaget din mail.\r\n";
    assert_eq!(smtp::send(postfix.smtp_addr(), SENDER, &["a@post.example"], clean).unwrap().code, 250);
    postfix.sendmail(&["a@post.example", "b@post.example"], SENDER, b"Subject: y\n\nz\n").unwrap();
    sink.wait_for(2, PATIENCE).unwrap();
    let letter = dpo.wait_for(1, PATIENCE).unwrap().remove(0);
    let body = mailparse::parse_mail(&letter.data).unwrap().get_body().unwrap();
    assert!(letter.rcpts == [DPO] && body.contains("1 mail left the mail server without passing"), "{body}");
    assert!(!body.contains("a@post.example"), "{body}");
    let line = postfix.wait_for_log("uid=0 from=", PATIENCE).unwrap();
    let id = line.split(": ").nth(1).unwrap();
    assert!(body.contains(id), "{line}\n{body}");
    let health = page("/healthz");
    assert!(
        health.contains("maillog: degraded: last line read ") && health.contains("1 mail(s) left"),
        "{health}"
    );
    let metrics = page("/metrics");
    for sample in
        ["brevdue_bypass_total 1\n", "brevdue_promises_open 0\n", "deliveries_total{proof=\"plaintext\"} 0\n"]
    {
        assert!(metrics.contains(sample), "{metrics}");
    }
    assert!(daemon.cases().unwrap().is_empty());
}

#[test]
fn what_was_logged_while_the_daemon_was_away_is_read() {
    let mut daemon = Daemon::start(&DaemonOptions::with(&toml("deliver", "tls_logged = true\n"))).unwrap();
    let sink = Sink::start(SinkOptions { mode: Mode::Down, ..SinkOptions::default() }).unwrap();
    let postfix = Postfix::start(&PostfixOptions {
        milter: Some(daemon.milter()),
        relay_to: Some(sink.addr()),
        ..PostfixOptions::default()
    })
    .unwrap();
    daemon.follow(&postfix.log_path()).unwrap();
    send(&postfix, &["a@post.example"], 1);
    let case = "BRV-2026-0001";
    let told = eventually(&daemon, &postfix, "it is deferred", || {
        Some(deliveries(&daemon, case)).filter(|told| !told.is_empty())
    });
    assert_eq!((told.len(), &told[0]["status"]), (1, &"deferred".into()));
    // So that it has written where it stands.
    std::thread::sleep(Duration::from_millis(1500));
    daemon.kill();
    sink.set_mode(Mode::Up);
    postfix.flush().unwrap();
    sink.wait_for(1, PATIENCE).unwrap();
    postfix.wait_for_log("removed", PATIENCE).unwrap();
    daemon.spawn().unwrap();
    let told = eventually(&daemon, &postfix, "it is sent", || {
        Some(deliveries(&daemon, case)).filter(|told| told.len() == 2)
    });
    assert_eq!((&told[0]["times"], &told[1]["status"]), (&1.into(), &"sent".into()), "{told:?}");
    assert!(daemon.show(case).unwrap().contains("afleveret ("));
}

/// The lines of a real Postfix whose sessions go from process to process, by scache and tlsproxy.
#[test]
fn a_session_that_is_used_again_is_told_of_each_time() {
    let identity = Identity::for_name("localhost").unwrap();
    let sink = Sink::start(SinkOptions { starttls: Some(identity.clone()), mode: Mode::Up }).unwrap();
    let cache = "smtp_tls_connection_reuse = yes\nsmtp_connection_cache_destinations = [127.0.0.1]\n\
                 smtp_destination_concurrency_limit = 2\nsmtp_destination_recipient_limit = 2\n";
    let postfix = Postfix::start(&PostfixOptions {
        relay_to: Some(sink.addr()),
        ca_pem: Some(identity.ca_pem().to_owned()),
        extra_main_cf: format!(
            "{MAY}{cache}smtp_connection_cache_destinations = 127.0.0.1, [127.0.0.1]:{}\n",
            sink.addr().port()
        ),
        ..PostfixOptions::default()
    })
    .unwrap();
    let to = ["a@x.example", "b@x.example", "c@y.example"];
    for id in 0..6 {
        send(&postfix, &to, id);
        std::thread::sleep(Duration::from_millis(100));
    }
    let log =
        wait_until(PATIENCE, || Some(postfix.log()).filter(|log| log.matches("status=sent").count() == 18));
    let log = log.unwrap_or_else(|| panic!("{}", postfix.log()));
    let mut joiner = Joiner::default();
    let lines = log.lines().filter_map(Line::read);
    let proofs: Vec<_> = lines.filter_map(|line| joiner.feed(&line)).collect();
    assert!(log.contains("TLS connection reused to") && log.contains("conn_use="), "{log}");
    assert_eq!(proofs.len(), 18);
    assert!(
        proofs.iter().all(|proof| proof.word() == "trusted" && proof.is_modern_tls()),
        "{proofs:?}\n{log}"
    );
}

/// There is no journald here: a stand-in writes the lines, and what it was asked for.
#[test]
fn the_journal_is_read_by_a_child_that_is_asked_to_go_on_where_it_stood() {
    let mut daemon =
        Daemon::start(&DaemonOptions::with("[policy]\nleak = \"deliver\"\n[maillog]\njournal = true\n"))
            .unwrap();
    daemon.kill();
    let folder = daemon.data().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let (program, asked, lines) = (folder.join("journalctl"), folder.join("asked"), folder.join("lines"));
    put(&lines, b"").unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$@\" >>{}\nexec /usr/bin/tail -n +1 -f {}\n",
        asked.display(),
        lines.display()
    );
    put(&program, script.as_bytes()).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    daemon.spawn_with(&[("PATH", folder.as_path())]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut client = Client::connect(&daemon.address()).await.unwrap();
        let mail = Mail { sender: SENDER, recipients: &["a@post.example"], queue_id: "4bX1", tls: None };
        client.send(&mail, &leak(1)).await.unwrap();
    });
    let line = |status: &str| {
        format!(
            "2026-11-17T10:20:00.123456+0100 mx postfix/smtp[7]: 4bX1: to=<a@post.example>, relay=mx[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status={status} (ok)\n"
        )
    };
    put(&lines, line("deferred").as_bytes()).unwrap();
    let statuses = |daemon: &Daemon, n: usize| {
        wait_until(PATIENCE, || {
            std::thread::sleep(Duration::from_millis(150));
            Some(deliveries(daemon, "BRV-2026-0001")).filter(|told| told.len() == n)
        })
        .unwrap_or_else(|| panic!("{}", daemon.log()))
    };
    assert_eq!(statuses(&daemon, 1)[0]["status"], "deferred");
    daemon.terminate().unwrap();
    assert!(daemon.wait(PATIENCE).unwrap().success());
    assert!(!is_running(&program), "its child has gone with it");
    put(&lines, line("sent").as_bytes()).unwrap();
    daemon.spawn_with(&[("PATH", folder.as_path())]).unwrap();
    assert_eq!(statuses(&daemon, 2)[1]["status"], "sent");
    let asked = std::fs::read_to_string(&asked).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    assert!(asked[0].contains("--lines=0") && asked[0].contains("SYSLOG_FACILITY=2"), "{asked:?}");
    assert!(asked[1].contains("--since=@1794907200"), "{asked:?}");
}

/// Whether a process reads the stand-in's lines.
fn is_running(program: &Path) -> bool {
    let lines = program.with_file_name("lines");
    std::fs::read_dir("/proc").unwrap().flatten().any(|process| {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&lines.display().to_string())
    })
}
