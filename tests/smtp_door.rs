//! The SMTP door without a mail server before it: a next hop that fails at every step, strangers, TLS, large mail.
//!
//! The next hop is a stand-in, because no real server fails when it is told to.

use crate::relay::{CITIZEN, ROAD, SAFE, SENDER, assert_no_number, clean, daemon, held, leak};
use crate::support::daemon::Daemon;
use crate::support::identity::Identity;
use crate::support::sink::{Fault, Mode, Sink, SinkOptions, Step};
use crate::support::smtp::{self, Session};
use crate::support::{Port, put, wait_until};
use brevdue::seal::keyfile::DpoPair;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon with an SMTP door, and its next hop.
struct House {
    daemon: Daemon,
    door: Port,
    sink: Sink,
}

impl House {
    fn new(toml: &str) -> Self {
        let sink = Sink::start(SinkOptions::default()).unwrap();
        let door = Port::claim().unwrap();
        Self { daemon: daemon(door.addr(), sink.addr(), toml), door, sink }
    }

    fn send(&self, to: &[&str], message: &[u8]) -> smtp::Reply {
        smtp::send(self.door.addr(), SENDER, to, message).unwrap()
    }

    fn session(&self) -> Session {
        Session::open(self.door.addr()).unwrap()
    }

    fn count(&self) -> usize {
        self.sink.received().len()
    }
}

#[test]
fn a_next_hop_that_fails_at_any_step_costs_no_mail_and_doubles_none_that_it_refused() {
    let house = House::new(&format!("[policy]\nleak = \"hold\"\n{ROAD}"));
    for step in [Step::Connect, Step::Ehlo, Step::Mail, Step::Rcpt, Step::Data, Step::End] {
        for fault in [Fault::Reply(451), Fault::Reply(550), Fault::Reply(421), Fault::Cut] {
            for split in [false, true] {
                let (to, message) =
                    if split { (vec![SAFE, CITIZEN], leak()) } else { (vec![CITIZEN], clean()) };
                let (before, was_held) = (house.count(), held(&house.daemon));
                house.sink.set_mode(Mode::Fail(step, fault));
                let reply = house.send(&to, &message);
                let what = format!("{step:?} {fault:?} split {split}: {} {}", reply.code, reply.text());
                // What the hop says of the mail is passed on; what it says to us is no word on the mail.
                let is_of_the_mail = !matches!(step, Step::Connect | Step::Ehlo);
                let refused = is_of_the_mail && fault == Fault::Reply(550);
                assert_eq!(reply.code, if refused { 550 } else { 451 }, "{what}");
                if refused || (is_of_the_mail && fault == Fault::Reply(451)) {
                    assert!(reply.text().contains("as told by the test"), "{what}");
                }
                assert_eq!((house.count(), held(&house.daemon)), (before, was_held), "{what}");
                house.sink.set_mode(Mode::Up);
                let reply = house.send(&to, &message);
                assert_eq!(reply.code, 250, "{what}, then {}", reply.text());
                let now = (house.count(), held(&house.daemon));
                assert_eq!(now, (before + 1, was_held + usize::from(split)), "{what}");
            }
        }
    }
    // The hop has it, and could not say so: the client cannot know, and sends again. Twice rather than never.
    let before = house.count();
    house.sink.set_mode(Mode::Fail(Step::End, Fault::KeepAndCut));
    assert_eq!(house.send(&[CITIZEN], &clean()).code, 451);
    house.sink.set_mode(Mode::Up);
    assert_eq!(house.send(&[CITIZEN], &clean()).code, 250);
    assert_eq!(house.count(), before + 2);
    let log = house.daemon.log();
    assert_no_number(&log, "our log");
    assert!(!log.contains("borger@") && !log.contains("sagsbehandler") && !log.contains("Din sag"), "{log}");
}

/// Let pass to be observed, a mail is a breach once it is taken; refused, and not lost in silence, it has not left.
#[test]
fn what_the_next_hop_refuses_is_no_breach() {
    let house = House::new("[policy]\nleak = \"deliver\"");
    let states = || -> Vec<(String, bool)> {
        let cases = house.daemon.cases().unwrap();
        cases
            .iter()
            .map(|case| (case["state"].as_str().unwrap().to_owned(), !case["deadline"].is_null()))
            .collect()
    };
    let near = ("near_miss".to_owned(), false);
    for code in [550, 451] {
        house.sink.set_mode(Mode::Fail(Step::End, Fault::Reply(code)));
        assert_eq!(house.send(&[CITIZEN], &leak()).code, code);
        assert_eq!(states(), std::slice::from_ref(&near), "{code}");
    }
    // The same mail comes again, and is taken.
    house.sink.set_mode(Mode::Up);
    assert_eq!(house.send(&[CITIZEN], &leak()).code, 250);
    let breach = states();
    assert!(breach.len() == 1 && breach[0].0 != "near_miss" && breach[0].1, "{breach:?}");

    let house = House::new("[policy]\nleak = \"deliver\"");
    house.sink.set_mode(Mode::Fail(Step::End, Fault::Cut));
    assert_eq!(house.send(&[CITIZEN], &leak()).code, 451);
    let case = &house.daemon.cases().unwrap()[0];
    assert!(case["kind"] == "breach" && !case["deadline"].is_null(), "nobody knows: {case}");
}

#[test]
fn one_session_carries_many_mails_and_a_hop_that_left_between_them_is_called_again() {
    let mut house = House::new("[policy]\nleak = \"block\"");
    let mut session = house.session();
    for n in 1..=3 {
        assert_eq!(session.send(SENDER, &[CITIZEN], &clean()).unwrap().code, 250);
        assert_eq!(session.send(SENDER, &[CITIZEN], &leak()).unwrap().code, 550);
        assert_eq!(house.count(), n);
        house.sink.restart().unwrap();
    }
    // It leaves while the mail comes in: nothing of it was sent, so another connection will do.
    session.begin(SENDER, &[CITIZEN]).unwrap();
    house.sink.restart().unwrap();
    session.write(b"Subject: x\r\n\r\nhej\r\n.\r\n").unwrap();
    assert_eq!(session.reply().unwrap().code, 250, "{}", house.daemon.log());
    assert!(house.sink.received().last().unwrap().data.ends_with(b"\r\n\r\nhej\r\n"));
    session.quit().unwrap();
}

#[test]
fn what_is_smuggled_is_refused_and_nothing_of_it_goes_on() {
    let house = House::new("[policy]\nleak = \"block\"");
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n"] {
        let mut session = house.session();
        session.begin(SENDER, &[CITIZEN]).unwrap();
        let inner = "MAIL FROM:<chef@noerreby.example>\r\nRCPT TO:<borger@post.example>\r\nDATA\r\nSubject: falsk\r\n\r\nx";
        session.write(format!("Subject: x\r\n\r\nhej{end}{inner}\r\n.\r\n").as_bytes()).unwrap();
        let reply = session.reply().unwrap();
        assert_eq!(reply.code, 550, "{end:?} {}", reply.text());
        assert!(reply.text().contains("5.6.11"));
        // One answer to one mail, and the session is where it should be.
        assert_eq!(session.command("NOOP").unwrap().lines, ["2.0.0 Ok"], "{end:?}");
        assert_eq!(session.send(SENDER, &[CITIZEN], &clean()).unwrap().code, 250);
        session.quit().unwrap();
    }
    assert_eq!(house.count(), 6);
    assert!(house.sink.received().iter().all(|mail| mail.data == clean()));
    assert!(!house.sink.commands().iter().any(|line| line.contains("chef@")));
    // Lines that end otherwise are no commands, and a size that cannot be read ends the session.
    let mut session = house.session();
    session.write(b"MAIL FROM:<a@b.example>\n").unwrap();
    assert_eq!(session.reply().unwrap().code, 500);
    assert_eq!(session.command(&"x".repeat(5_000)).unwrap().code, 500);
    assert_eq!(session.command("BDAT 99999999999999999999 LAST").unwrap().code, 501);
    assert!(session.command("NOOP").is_err());
}

#[test]
fn pipelined_commands_and_chunks_are_taken_in_order() {
    let house = House::new(&format!("[policy]\nleak = \"block\"\n{ROAD}"));
    let mut session = house.session();
    let body = "Subject: x\r\n\r\n.hej\r\n";
    let talk = format!(
        "MAIL FROM:<{SENDER}> BODY=8BITMIME SIZE=100\r\nRCPT TO:<{CITIZEN}> NOTIFY=NEVER\r\nBDAT {}\r\n{body}BDAT 0 LAST\r\nNOOP\r\n",
        body.len()
    );
    // Byte by byte and at once.
    for size in [1, 7, talk.len()] {
        for piece in talk.as_bytes().chunks(size) {
            session.write(piece).unwrap();
        }
        let codes: Vec<u16> = (0..5).map(|_| session.reply().unwrap().code).collect();
        assert_eq!(codes, [250; 5]);
    }
    assert_eq!(house.count(), 3);
    assert!(house.sink.received().iter().all(|mail| mail.data == body.as_bytes()));
    let said = house.sink.commands();
    assert!(said.contains(&format!("MAIL FROM:<{SENDER}> BODY=8BITMIME SIZE=100")), "{said:?}");
    // The stand-in offers no DSN, so it is not asked for it.
    assert!(said.contains(&format!("RCPT TO:<{CITIZEN}>")), "{said:?}");
    // A chunk that nobody asked for is read, and is no command; a lone LF in one is refused.
    session.write(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n").unwrap();
    assert_eq!((session.reply().unwrap().code, session.reply().unwrap().code), (503, 250));
    assert!(session.command(&format!("MAIL FROM:<{SENDER}>")).unwrap().is_positive());
    assert!(session.command(&format!("RCPT TO:<{CITIZEN}>")).unwrap().is_positive());
    session.write(b"BDAT 4 LAST\r\na\nb\nNOOP\r\n").unwrap();
    assert_eq!((session.reply().unwrap().code, session.reply().unwrap().code), (550, 250));
    assert_eq!(house.count(), 3);
}

#[test]
fn without_a_key_nothing_can_be_held_so_it_stays_where_it_is() {
    let mut house = House::new(&format!("[policy]\nleak = \"hold\"\n{ROAD}"));
    let config = std::fs::read_to_string(house.daemon.config()).unwrap();
    let keyless: String =
        config.lines().filter(|line| !line.starts_with("dpo_key")).collect::<Vec<_>>().join("\n");
    house.daemon.kill();
    put(&house.daemon.config(), (keyless.clone() + "\n").as_bytes()).unwrap();
    house.daemon.spawn().unwrap();
    assert_eq!(house.send(&[SAFE, CITIZEN], &leak()).code, 451);
    assert_eq!(house.send(&[CITIZEN], &leak()).code, 451);
    assert_eq!((house.count(), held(&house.daemon)), (0, 0));
    // What is refused for some cannot be held either, so it is refused for all, and the sender knows.
    house.daemon.kill();
    put(&house.daemon.config(), (keyless.replace("\"hold\"", "\"block\"") + "\n").as_bytes()).unwrap();
    house.daemon.spawn().unwrap();
    assert_eq!(house.send(&[SAFE, CITIZEN], &leak()).code, 550);
    assert_eq!(house.send(&[SAFE], &leak()).code, 250);
    assert_eq!((house.count(), held(&house.daemon)), (1, 0));
}

/// A file where a folder should be: what a full or a read-only disk does, and root cannot pass it.
#[test]
fn a_spool_that_cannot_be_written_costs_no_mail() {
    let house = House::new(&format!("[policy]\nleak = \"hold\"\n{ROAD}"));
    let spool = house.daemon.data().join("spool");
    for folder in ["held", "drafts"] {
        if spool.join(folder).exists() {
            std::fs::remove_dir_all(spool.join(folder)).unwrap();
        }
        put(&spool.join(folder), b"").unwrap();
    }
    assert_eq!(house.send(&[CITIZEN], &leak()).code, 451);
    assert_eq!(house.send(&[SAFE, CITIZEN], &leak()).code, 451);
    let large = [clean(), b"en linje\r\n".repeat(20_000)].concat();
    assert_eq!(house.send(&[CITIZEN], &large).code, 452);
    assert_eq!(house.count(), 0);
    assert_eq!(house.send(&[CITIZEN], &clean()).code, 250);
    for folder in ["held", "drafts"] {
        std::fs::remove_file(spool.join(folder)).unwrap();
    }
    assert_eq!(house.send(&[SAFE, CITIZEN], &leak()).code, 250);
    assert_eq!(house.send(&[CITIZEN], &large).code, 250);
    assert_eq!((house.count(), held(&house.daemon)), (3, 1));
}

#[test]
fn held_mail_outlives_the_key_of_its_machine() {
    let mut house = House::new("[policy]\nleak = \"hold\"\n[hold]\ntell_senders = false");
    assert_eq!(house.send(&[CITIZEN], &leak()).code, 250);
    house.daemon.kill();
    std::fs::remove_file(house.daemon.data().join("release.key")).unwrap();
    house.daemon.spawn().unwrap();
    let held_args = |args: &[&str]| house.daemon.run(&[&["held"], args].concat()).unwrap();
    let rows: serde_json::Value =
        serde_json::from_slice(&held_args(&["list", "--format", "json"]).stdout).unwrap();
    let id = rows[0]["id"].as_str().unwrap();
    let who = ["--by", "DPO", "--why", "aftalt"];
    assert!(
        held_args(&[&["release", id, "--in-clear", "--yes", id], who.as_slice()].concat()).status.success()
    );
    assert_eq!(held_args(&["act", id]).status.code(), Some(1));
    assert_eq!((house.count(), held(&house.daemon)), (0, 1));
    // The DPO's own key opens it, and then it may go.
    let (out, key) = (house.daemon.data().join("mail.eml"), house.daemon.key_file());
    let (out, key) = (out.to_str().unwrap(), key.to_str().unwrap());
    let export = ["export", id, "--out", out, "--identity", key];
    assert!(held_args(&[export.as_slice(), who.as_slice()].concat()).status.success());
    assert_eq!(std::fs::read(out).unwrap(), leak());
    assert!(held_args(&[&["discard", id], who.as_slice()].concat()).status.success());
    assert!(wait_until(PATIENCE, || (held(&house.daemon) == 0).then_some(())).is_some());
}

#[test]
fn the_protected_road_is_tls_with_the_right_name_or_nothing_is_said() {
    let identity = Identity::for_name("localhost").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    put(&ca, identity.ca_pem().as_bytes()).unwrap();
    let house = |starttls: Option<Identity>| {
        let secure = Sink::start(SinkOptions { starttls, mode: Mode::Up }).unwrap();
        let toml = format!(
            "[smtp]\nsecure = \"localhost:{}\"\nsecure_ca = \"{}\"\n[policy]\nleak = \"reroute\"\n{ROAD}",
            secure.addr().port(),
            ca.display()
        );
        (House::new(&toml), secure)
    };
    let (one, secure) = house(Some(identity.clone()));
    assert_eq!(one.send(&[CITIZEN, SAFE], &leak()).code, 250, "{}", one.daemon.log());
    let got = secure.received();
    assert_eq!((got.len(), got[0].tls, got[0].rcpts.as_slice()), (1, true, &[CITIZEN.to_owned()][..]));
    assert!(got[0].data == leak());
    assert_eq!((one.count(), one.sink.received()[0].rcpts.as_slice()), (1, &[SAFE.to_owned()][..]));
    let log = one.daemon.log();
    let line = log.lines().find(|line| line.contains("hop=\"the protected road\"")).unwrap();
    println!("{line}");
    for word in ["protocol=\"TLSv1.3\"", "cipher=\"TLS13_", "peer=localhost", "verified=true"] {
        assert!(line.contains(word), "{line}");
    }
    // The ordinary hop fails after the road has it: what it refused is held, and nobody gets anything twice.
    one.sink.set_mode(Mode::Fail(Step::End, Fault::Reply(451)));
    assert_eq!(one.send(&[CITIZEN, SAFE], &leak()).code, 250);
    assert_eq!((secure.received().len(), one.count(), held(&one.daemon)), (2, 1, 1));

    // Without STARTTLS, with another CA, and with another name: not a word of the mail.
    for starttls in [
        None,
        Some(Identity::for_name("localhost").unwrap()),
        Some(Identity::for_name("other.example").unwrap()),
    ] {
        let (two, secure) = house(starttls);
        let reply = two.send(&[CITIZEN], &leak());
        assert_eq!(reply.code, 451, "{}", reply.text());
        let said = secure.commands().join("\n");
        assert!(!said.contains("MAIL") && !said.contains("noerreby"), "{said}");
        assert_eq!((secure.received().len(), two.count(), held(&two.daemon)), (0, 0, 0));
        // What needs no road is not kept waiting by it.
        assert_eq!(two.send(&[CITIZEN], &clean()).code, 250);
    }
}

#[test]
fn a_large_mail_is_flat_in_memory_and_goes_through_byte_for_byte() {
    let house = House::new("[policy]\nleak = \"block\"");
    let memory = || {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", house.daemon.pid().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap().to_owned();
        line.split_ascii_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(house.send(&[CITIZEN], &clean()).code, 250);
    let before = memory();
    let mut message = clean();
    message.extend(
        b".Vi har modtaget din henvendelse, og du vil faa svar inden for fjorten dage.\r\n".repeat(400_000),
    );
    assert_eq!(house.send(&[CITIZEN], &message).code, 250);
    let grown = memory() - before;
    assert!(house.sink.received()[1].data == message);
    println!("a mail of {} kB took {grown} kB", message.len() / 1024);
    assert!(grown < 8 * 1024, "{grown} kB");
    assert_eq!(std::fs::read_dir(house.daemon.data().join("spool/drafts")).unwrap().count(), 0);
}

#[test]
fn too_many_connections_hear_421_and_a_stop_lets_the_mail_under_way_end() {
    let mut house = House::new("[smtp]\nmax_connections = 2\n[policy]\nleak = \"block\"");
    let (one, two) = (house.session(), house.session());
    let mut third = TcpStream::connect(house.door.addr()).unwrap();
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = String::new();
    third.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("421 4.7.0"), "{said}");
    drop((one, two, third));
    let mut session = wait_until(PATIENCE, || Session::open(house.door.addr()).ok()).unwrap();
    session.begin(SENDER, &[CITIZEN]).unwrap();
    session.write(b"Subject: x\r\n\r\nhalv").unwrap();
    let mut idle = wait_until(PATIENCE, || Session::open(house.door.addr()).ok()).unwrap();
    house.daemon.terminate().unwrap();
    assert_eq!(idle.reply().unwrap().code, 421);
    session.write(b" mail\r\n.\r\n").unwrap();
    assert_eq!(session.reply().unwrap().code, 250);
    assert!(house.daemon.wait(PATIENCE).unwrap().success());
    assert_eq!(house.count(), 1);
}

#[test]
fn strangers_end_nothing() {
    let house = House::new("[policy]\nleak = \"block\"");
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20),
        vec![0; 100_000],
        b"\x16\x03\x01\x02\x00".repeat(2_000),
    ] {
        let mut stream = TcpStream::connect(house.door.addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&bytes).ok();
        stream.shutdown(std::net::Shutdown::Write).ok();
        stream.read_to_end(&mut Vec::new()).ok();
    }
    // Cut in the middle of a mail, again and again.
    for _ in 0..20 {
        let mut session = house.session();
        session.begin(SENDER, &[CITIZEN]).unwrap();
        session.write(b"Subject: x\r\n\r\nhalv").unwrap();
    }
    assert_eq!(house.send(&[CITIZEN], &clean()).code, 250);
    assert_eq!(house.count(), 1);
    assert!(!house.daemon.log().contains("panic"), "{}", house.daemon.log());
}

/// Who comes by SMTP has one answer, so what an LMTP hop refuses after others have it is held; who comes by LMTP hears each.
#[test]
fn a_hop_that_speaks_lmtp_answers_for_each_recipient() {
    let house = House::new("[smtp]\nlmtp = true\n[policy]\nleak = \"block\"");
    let all = [CITIZEN, "x@no.example", SAFE];
    assert_eq!(house.send(&all, &clean()).code, 250);
    assert_eq!(house.sink.received()[0].rcpts, [CITIZEN, SAFE]);
    assert_eq!(held(&house.daemon), 1);
    let reply = house.send(&["x@no.example"], &clean());
    assert_eq!((reply.code, held(&house.daemon)), (550, 1), "{}", reply.text());
    assert!(house.sink.commands().iter().any(|line| line.starts_with("LHLO")));

    let mut session = house.session();
    assert!(session.command("LHLO client.example").unwrap().is_positive());
    session.begin(SENDER, &all).unwrap();
    session.write(b"Subject: x\r\n\r\nhej\r\n.\r\n").unwrap();
    let codes: Vec<u16> = (0..3).map(|_| session.reply().unwrap().code).collect();
    assert_eq!((codes, held(&house.daemon)), (vec![250, 550, 250], 1));
}

/// A relay of a processor: what is held for two controllers is two held mails. Each is sealed to its own DPO, has its own case
/// alone, and is released alone.
#[test]
fn what_is_held_for_two_controllers_is_each_ones_own() {
    let pairs = [DpoPair::generate(), DpoPair::generate()];
    let controller = |name: &str, cvr: &str, pair: &DpoPair| {
        format!(
            "[[controller]]\nname = \"{name}\"\ncvr = \"{cvr}\"\nrecipients = [\"{name}.example\"]\ndpo = \"dpo@{name}.example\"\ndpo_key = \"{}\"\n",
            pair.public
        )
    };
    let toml = [
        "[policy]\nleak = \"hold\"\n[hold]\ntell_senders = false\n".to_owned(),
        ROAD.to_owned(),
        controller("oester", "22222222", &pairs[0]),
        controller("vester", "33333333", &pairs[1]),
    ];
    let house = House::new(&toml.concat());
    let to = ["sag@sikker.example", "a@oester.example", "b@vester.example", "c@oester.example"];
    let reply = smtp::send(house.door.addr(), "noreply@leverandoer.example", &to, &leak()).unwrap();
    assert_eq!((reply.code, reply.lines.len()), (250, 3), "{}", reply.text());
    assert_eq!(house.sink.received()[0].rcpts, [SAFE]);

    let list = || -> Vec<serde_json::Value> {
        let output = house.daemon.run(&["held", "list", "--all", "--format", "json"]).unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (cases, rows) = (house.daemon.cases().unwrap(), list());
    assert_eq!((cases.len(), rows.len()), (2, 2));
    for (name, count, own, other) in
        [("oester", 2, &pairs[0], &pairs[1]), ("vester", 1, &pairs[1], &pairs[0])]
    {
        let case = cases.iter().find(|case| case["controller"] == name).unwrap();
        let row = rows.iter().find(|row| row["cases"][0] == case["id"]).unwrap();
        assert_eq!((row["cases"].as_array().unwrap().len(), &row["recipients"]), (1, &count.into()), "{row}");
        assert_eq!(row["recipient_domains"], serde_json::json!([format!("{name}.example")]));
        let sealed = house.daemon.data().join(format!("spool/held/{}.age", row["id"].as_str().unwrap()));
        let sealed = std::fs::read(sealed).unwrap();
        assert!(brevdue::seal::open(&sealed, own.secret()).is_ok());
        assert!(brevdue::seal::open(&sealed, other.secret()).is_err());
    }
    // One's decision is no breach of the other's.
    let id = rows.iter().find(|row| row["recipients"] == 1).unwrap()["id"].as_str().unwrap().to_owned();
    let args = ["held", "release", &id, "--in-clear", "--yes", &id, "--by", "DPO", "--why", "aftalt"];
    assert!(house.daemon.run(&args).unwrap().status.success());
    house.sink.wait_for(2, PATIENCE).unwrap();
    assert_eq!(house.sink.received()[1].rcpts, ["b@vester.example"]);
    let kind = |name: &str| {
        let cases = house.daemon.cases().unwrap();
        cases.iter().find(|case| case["controller"] == name).unwrap()["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!((kind("oester"), kind("vester")), ("near_miss".to_owned(), "breach".to_owned()));
}
