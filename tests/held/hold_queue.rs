//! Mail in Postfix's hold queue, with a real Postfix: released, asked to go by another road, discarded, and left alone.

use super::*;
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::program::said;
use crate::support::sink::{Sink, SinkOptions};
use crate::support::{smtp, wait_until};
use brevdue::daemon::held::{Acted, NotActed};
use brevdue::store::held::{Act, HeldState};
use chrono::TimeDelta;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Brevdue that holds, behind a Postfix of its own.
pub(super) struct Relay {
    pub(super) daemon: Daemon,
    postfix: Postfix,
    /// Where mail goes.
    pub(super) hop: Sink,
    /// Where notices go.
    post: Sink,
}

impl Relay {
    pub(super) fn start(extra_main_cf: &str) -> Self {
        Self::start_with(extra_main_cf, "")
    }

    /// With these sections too.
    fn start_with(extra_main_cf: &str, more: &str) -> Self {
        let (hop, post) =
            (Sink::start(SinkOptions::default()).unwrap(), Sink::start(SinkOptions::default()).unwrap());
        let postfix = Postfix::start(&PostfixOptions {
            milter: Some("unix:brevdue/milter.sock".to_owned()),
            relay_to: Some(hop.addr()),
            extra_main_cf: extra_main_cf.to_owned(),
            ..PostfixOptions::default()
        })
        .unwrap();
        let folder = postfix.queue_dir().join("brevdue");
        std::fs::create_dir(&folder).unwrap();
        assert!(Command::new("chgrp").arg("postfix").arg(&folder).status().unwrap().success());
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o2755)).unwrap();
        let toml = format!(
            "[policy]\nleak = \"hold\"\n[hold]\nnode = \"relay\"\npostfix = \"{}\"\n{more}",
            postfix.config_dir().display()
        );
        let options = DaemonOptions {
            unix: Some(folder.join("milter.sock")),
            alarm: Some(post.addr()),
            ..DaemonOptions::with(&toml)
        };
        Self { daemon: Daemon::start(&options).unwrap(), postfix, hop, post }
    }

    /// Sends the leak; it is held. Returns its name.
    pub(super) fn hold(&self, message: &[u8]) -> String {
        let before = self.held().len();
        let reply = smtp::send(self.postfix.smtp_addr(), SENDER, &[CITIZEN], message).unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text());
        let rows = self.held();
        assert_eq!(rows.len(), before + 1);
        let row = rows.last().unwrap();
        assert_eq!(
            (&row["place"], &row["state"], &row["node"]),
            (&"postfix".into(), &"waiting".into(), &"relay".into())
        );
        row["id"].as_str().unwrap().to_owned()
    }

    fn held(&self) -> Vec<serde_json::Value> {
        let output = self.daemon.run(&["held", "list", "--all", "--format", "json"]).unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    }

    pub(super) fn state(&self, id: &str) -> String {
        let rows = self.held();
        let row = rows.iter().find(|row| row["id"] == id).unwrap();
        row["state"].as_str().unwrap().to_owned()
    }

    /// The names of the mails in the queue, with the queue each is in.
    pub(super) fn queue(&self) -> Vec<(String, String)> {
        let word = |mail: &serde_json::Value, key: &str| mail[key].as_str().unwrap().to_owned();
        let queue = self.postfix.queue_json().unwrap();
        queue.iter().map(|mail| (word(mail, "queue_id"), word(mail, "queue_name"))).collect()
    }

    /// Runs a `held` command, which must do it.
    pub(super) fn done(&self, args: &[&str]) -> String {
        let output = self.daemon.run(&[&["held"], args].concat()).unwrap();
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        said(&output)
    }

    /// Runs a `held` command, which must refuse.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.daemon.run(&[&["held"], args].concat()).unwrap();
        assert!(!output.status.success(), "{args:?}: {}", said(&output));
        said(&output)
    }
}

/// How many Received headers stand before the message, and the message behind them.
fn received(data: &[u8]) -> (usize, &[u8]) {
    let (mut count, mut rest) = (0, data);
    while rest.starts_with(b"Received:") {
        let end = rest.windows(3).position(|w| w.starts_with(b"\r\n") && !matches!(w[2], b' ' | b'\t'));
        rest = &rest[end.unwrap() + 2..];
        count += 1;
    }
    (count, rest)
}

pub(super) const WHO: [&str; 4] = ["--by", "Dorte DPO", "--why", "borgeren har bedt om det"];

#[test]
fn a_release_in_the_clear_is_asked_for_twice_and_is_a_breach() {
    let relay = Relay::start("");
    let id = relay.hold(&leak());
    // Its sender was told, from the null sender; the mail server's queue told who that is.
    let told = relay.post.wait_for(2, PATIENCE).unwrap();
    let notice = told.iter().find(|mail| mail.rcpts == [SENDER]).unwrap();
    assert!(notice.from.is_empty() && !String::from_utf8_lossy(&notice.data).contains("Din sag"));

    let shown = relay.done(&["show", &id]);
    assert!(
        shown.contains("BRV-2026-0001") && shown.contains("post.example") && !shown.contains("borger@"),
        "{shown}"
    );
    // Read by a person: in a file of their own.
    let out = relay.daemon.data().join("mail.eml");
    let out = out.to_str().unwrap();
    relay.done(&[&["export", id.as_str(), "--out", out], WHO.as_slice()].concat());
    assert_eq!(std::fs::metadata(out).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(received(&std::fs::read(out).unwrap()), (1, leak().as_slice()));
    relay.refused(&[&["export", id.as_str(), "--out", out], WHO.as_slice()].concat());

    // Not without a road, a reason, and the name once more; not with a number in the reason.
    relay.refused(&[&["release", id.as_str()], WHO.as_slice()].concat());
    relay.refused(&["release", &id, "--in-clear", "--by", "x", "--why", " "]);
    let said =
        relay.refused(&["release", &id, "--in-clear", "--by", "x", "--why", "det er CPR-nr. 150379-1028"]);
    assert!(said.contains("CPR number") && !said.contains("1028"), "{said}");
    relay.refused(&[&["release", id.as_str(), "--in-clear"], WHO.as_slice()].concat());
    relay.refused(&[&["release", id.as_str(), "--in-clear", "--yes", "x"], WHO.as_slice()].concat());
    relay.refused(&["act", &id]);
    assert_eq!(
        (relay.state(&id), &relay.daemon.cases().unwrap()[0]["kind"]),
        ("waiting".into(), &"near_miss".into())
    );

    relay.done(&[&["release", id.as_str(), "--in-clear", "--yes", id.as_str()], WHO.as_slice()].concat());
    let case = &relay.daemon.cases().unwrap()[0];
    assert_eq!((&case["kind"], &case["state"]), (&"breach".into(), &"assessing".into()));
    let time = |key: &str| DateTime::parse_from_rfc3339(case[key].as_str().unwrap()).unwrap();
    assert_eq!((time("deadline") - time("aware_at")).num_hours(), 72);
    assert_eq!(relay.queue(), [(id.clone(), "hold".to_owned())], "decided is not done");
    assert!(relay.daemon.data().join("spool/approved").join(&id).exists(), "systemd is woken");

    relay.done(&["act", "approved"]);
    let came = relay.hop.wait_for(1, PATIENCE).unwrap();
    assert_eq!(received(&came[0].data), (1, leak().as_slice()), "byte for byte");
    relay.postfix.wait_for_log(&format!("{id}: removed"), PATIENCE).unwrap();
    assert_eq!((relay.state(&id), relay.queue().len(), relay.held().len()), ("released".into(), 0, 1));
    assert!(!relay.daemon.data().join("spool/approved").join(&id).exists());
    relay.done(&["act", "approved"]);

    // The persons can be written to, and the register says who, what and why.
    let key = relay.daemon.key_file();
    let opened =
        relay.daemon.run(&["evidence", "open", "BRV-2026-0001", "--identity", key.to_str().unwrap()]);
    assert_eq!(said_out(&opened.unwrap()), format!("{DIGITS}\n"));
    let shown = relay.daemon.show("BRV-2026-0001").unwrap() + &relay.done(&["show", &id]);
    for words in [
        "Dorte DPO",
        "borgeren har bedt om det",
        "frigivet ukrypteret",
        "sendt videre",
        "udleveret til læsning",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let all = shown + &relay.daemon.log() + &relay.postfix.log();
    assert!(!all.contains("150379") && !relay.daemon.log().contains("borger@"), "{all}");
}

pub(super) fn said_out(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_old_mail_is_queued_anew_and_is_not_held_a_second_time() {
    // Half of its life is over at once.
    let relay = Relay::start("maximal_queue_lifetime = 1s\nbounce_queue_lifetime = 1s\n");
    let id = relay.hold(&leak());
    std::thread::sleep(Duration::from_millis(1_500));
    relay.done(&[&["release", id.as_str(), "--in-clear", "--yes", id.as_str()], WHO.as_slice()].concat());
    relay.done(&["act", &id]);
    let line = relay.postfix.wait_for_log(&format!("orig_id={id}"), PATIENCE).unwrap();
    let came = relay.hop.wait_for(1, PATIENCE).unwrap();
    assert_eq!(received(&came[0].data), (2, leak().as_slice()), "but for one Received header: {line}");
    // No milter saw it again: one row, one mail of the case, nothing on hold.
    assert!(wait_until(PATIENCE, || relay.queue().is_empty().then_some(())).is_some(), "{:?}", relay.queue());
    assert_eq!((relay.held().len(), relay.state(&id)), (1, "released".to_owned()));
    assert_eq!((&relay.daemon.cases().unwrap()[0]["mails"], relay.hop.received().len()), (&1.into(), 1));
}

#[test]
fn a_discarded_mail_is_gone_and_its_sender_knows() {
    let relay = Relay::start("");
    let id = relay.hold(&leak());
    relay.post.wait_for(2, PATIENCE).unwrap();
    relay.done(&[&["discard", id.as_str()], WHO.as_slice()].concat());
    relay.refused(&[&["discard", id.as_str()], WHO.as_slice()].concat());
    relay.done(&["act", &id]);
    let told = relay.post.wait_for(3, PATIENCE).unwrap();
    let notices = told.iter().filter(|mail| mail.rcpts == [SENDER]).count();
    assert_eq!((notices, relay.queue().len(), relay.hop.received().len()), (2, 0, 0));
    assert_eq!(
        (relay.state(&id), &relay.daemon.cases().unwrap()[0]["kind"]),
        ("discarded".into(), &"near_miss".into())
    );
}

#[test]
fn as_digital_post_it_leaves_the_queue_when_the_letter_is_in_the_outbox() {
    let relay =
        Relay::start_with("", "[digital_post]\noutbox = \"post\"\nlabel = \"Brev fra Nørreby Kommune\"\n");
    let id = relay.hold(&leak());
    let outbox = relay.daemon.config().with_file_name("post");
    let authority =
        [&["release", id.as_str(), "--digital-post", "--recipient-cvr", "87654321"], WHO.as_slice()].concat();
    relay.done(&authority);
    assert!(relay.daemon.data().join("spool/approved").join(&id).exists(), "systemd is woken");
    // No folder, no letter, and the mail lies where it lay.
    let said = relay.refused(&["act", &id]);
    assert!(said.contains("outbox"), "{said}");
    assert_eq!(relay.queue(), [(id.clone(), "hold".to_owned())]);
    digital_post::make_outbox(&outbox);
    relay.done(&["act", &id]);
    let letters = digital_post::letters(&outbox);
    digital_post::assert_letter(&letters[0], "87654321", "Brev fra Nørreby Kommune");
    assert_eq!(
        (relay.state(&id), relay.queue().len(), relay.hop.received().len()),
        ("released".into(), 0, 0)
    );
    assert_eq!(relay.daemon.cases().unwrap()[0]["kind"], "near_miss");
    relay.done(&["act", "approved"]);
    assert_eq!(digital_post::letters(&outbox), letters);
}

/// A house over the register of a running relay's mail: the client of the protected road is the test's own.
pub(super) fn beside(postfix: &Postfix, ahead: TimeDelta) -> House {
    House::new(None, Some(&postfix.config_dir()), Clock::System.now() + ahead)
}

/// A mail that Postfix holds by itself, and its row as the milter door would have made it.
pub(super) fn held_by_postfix(house: &House, postfix: &Postfix, message: &[u8]) -> String {
    let before = postfix.queue_json().unwrap();
    let reply = smtp::send(postfix.smtp_addr(), SENDER, &[CITIZEN], message).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text());
    // A queue is listed in no order.
    let is_new = |mail: &serde_json::Value| before.iter().all(|one| one["queue_id"] != mail["queue_id"]);
    let id = postfix.queue_json().unwrap().into_iter().find(is_new).unwrap()["queue_id"]
        .as_str()
        .unwrap()
        .to_owned();
    house.hands.set(Clock::System.now());
    let mut inspection = house.gate.begin();
    inspection.envelope = brevdue::envelope::Envelope {
        sender: brevdue::envelope::Address::parse(SENDER.as_bytes()),
        recipients: brevdue::envelope::Address::parse(CITIZEN.as_bytes()).into_iter().collect(),
        queue_id: brevdue::envelope::QueueId::new(&id),
        ..Default::default()
    };
    inspection.feed(message);
    let answer = house.runtime.block_on(inspection.decide(brevdue::inspect::Custody::Upstream));
    assert_eq!(answer.verdict(), Verdict::Hold);
    id
}

fn decide(house: &House, row: i64, act: Act) {
    let now = Clock::System.now();
    house.store.record(|recording| recording.decide(row, act, "DPO", "aftalt", now)).unwrap().unwrap();
}

fn holding_postfix() -> Postfix {
    let options = PostfixOptions {
        extra_main_cf: "smtpd_end_of_data_restrictions = check_sender_access static:HOLD\n".to_owned(),
        ..PostfixOptions::default()
    };
    Postfix::start(&options).unwrap()
}

pub(super) fn hold_leaks(house: &House) {
    let setup = house.gate.setup();
    house.gate.swap(brevdue::inspect::Setup {
        rules: Arc::clone(&setup.rules),
        policy: brevdue::policy::Policy { leak: brevdue::policy::LeakAction::Hold, ..Default::default() },
        controllers: setup.controllers.clone(),
        sources: Vec::new(),
        workers: None,
    });
}

#[test]
fn by_the_protected_road_it_leaves_the_queue_only_when_it_was_taken() {
    let postfix = holding_postfix();
    let house = beside(&postfix, TimeDelta::zero());
    hold_leaks(&house);
    // Lines that a queue file keeps in pieces, dots, eight bits and no end of line.
    let message =
        [leak(), b".\r\n..\r\n\r\n".to_vec(), vec![b'x'; 70_000], "\r\næøå og slut\r\n".as_bytes().to_vec()]
            .concat();
    let id = held_by_postfix(&house, &postfix, &message);
    let row = || house.store.held_named(&id).unwrap().unwrap();
    decide(&house, row().row, Act::Protected);
    let act = || house.runtime.block_on(house.keeper.act(&row()));

    house.way.answers(NotSent::Temporary("451".to_owned()));
    assert!(matches!(act(), Err(NotActed::NotSent(_))));
    assert_eq!(postfix.queue_json().unwrap()[0]["queue_name"], "hold");
    assert_eq!(act().unwrap(), Acted::Done(HeldState::Released));
    assert!(postfix.queue_json().unwrap().is_empty());
    let sent = house.way.sent.lock().unwrap();
    assert_eq!(
        (sent.len(), sent[0].road, sent[0].to.as_slice()),
        (1, Road::Protected, [CITIZEN.to_owned()].as_slice())
    );
    let (count, data) = received(&sent[0].data);
    assert!(count == 1 && data == message, "{} bytes of {}", data.len(), message.len());
    assert_eq!((sent[0].size, sent[0].ends_a_line), (sent[0].data.len() as u64, true));
}

#[test]
fn a_mail_of_that_name_which_is_another_is_left_alone() {
    let postfix = holding_postfix();
    let house = beside(&postfix, TimeDelta::zero());
    hold_leaks(&house);
    let id = held_by_postfix(&house, &postfix, &leak());
    let row = || house.store.held_named(&id).unwrap().unwrap();
    decide(&house, row().row, Act::Discard);
    let act = || house.runtime.block_on(house.keeper.act(&row()));
    let beside = rusqlite::Connection::open(house.folder.path().join("brevdue.sqlite")).unwrap();

    // Another sender.
    beside.execute("UPDATE held SET sender = zeroblob(16)", ()).unwrap();
    assert!(matches!(act(), Err(NotActed::Another)));
    assert_eq!((postfix.queue_json().unwrap().len(), row().state), (1, HeldState::Approved));
    // Arrived after ours was held: the short id was used again, so ours is gone.
    beside.execute("UPDATE held SET at = at - 3600", ()).unwrap();
    assert_eq!(act().unwrap(), Acted::Done(HeldState::Gone));
    assert_eq!(postfix.queue_json().unwrap().len(), 1);
}

#[test]
fn a_mail_that_somebody_lets_go_by_hand_is_noticed() {
    let postfix = holding_postfix();
    let house = beside(&postfix, TimeDelta::zero());
    hold_leaks(&house);
    let id = held_by_postfix(&house, &postfix, &leak());
    let row = || house.store.held_named(&id).unwrap().unwrap();
    house.keeper.sweep().unwrap();
    assert_eq!(row().state, HeldState::Waiting);
    assert!(row().arrived_at.is_some(), "seen in the queue");
    postfix.run("postsuper", &["-H", &id]).unwrap();
    wait_until(PATIENCE, || {
        postfix.flush().unwrap();
        postfix.queue_json().unwrap().is_empty().then_some(())
    })
    .unwrap();
    house.keeper.sweep().unwrap();
    assert_eq!(row().state, HeldState::Waiting, "it may be on its way into the queue");
    house.hands.set(Clock::System.now() + TimeDelta::minutes(11));
    assert_eq!(house.keeper.sweep().unwrap().gone, 1);
    assert_eq!(row().state, HeldState::Gone);
}

/// The queue names a sender as Postfix keeps it, and not as it was said: without quotes that it does not need, without a
/// route, with the domain that Postfix gave it.
#[test]
fn a_mail_is_released_however_its_sender_was_written() {
    let relay = Relay::start("");
    let senders = [
        "\"sags.behandler\"@noerreby.example",
        "\"sags behandler\"@Noerreby.example",
        "\"a\\\"b@c\"@noerreby.example",
        "@x.example:a@noerreby.example",
        "root",
        "",
    ];
    for (n, sender) in senders.into_iter().enumerate() {
        let message = format!("X-Nr: {n}\r\n{}", String::from_utf8(leak()).unwrap());
        let to = ["\"bor ger\"@post.example"];
        let reply = smtp::send(relay.postfix.smtp_addr(), sender, &to, message.as_bytes()).unwrap();
        assert_eq!(reply.code, 250, "{sender} {}", reply.text());
        let rows = relay.held();
        let id = rows.iter().find(|row| row["state"] == "waiting").unwrap()["id"].as_str().unwrap();
        relay.done(&[&["release", id, "--in-clear", "--yes", id], WHO.as_slice()].concat());
        relay.done(&["act", id]);
        assert_eq!(relay.state(id), "released", "{sender}");
    }
    assert_eq!(relay.hop.wait_for(senders.len(), PATIENCE).unwrap().len(), senders.len());
}
