//! What only a server does: many start at once, it goes away and comes back, a node dies in the middle of its work.

use super::contract::{act, by};
use super::{CERTAIN, at, found, join};
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::postgres::Server;
use crate::support::sink::{Sink, SinkOptions};
use crate::support::{smtp, wait_until};
use brevdue::case::CaseId;
use brevdue::case::act::Act;
use brevdue::case::detection::Outcome;
use brevdue::store::{ServerUrl, Store, StoreError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SENDER: &str = "sagsbehandler@noerreby.example";

fn connect(url: &str) -> Result<Store, StoreError> {
    Store::connect(&ServerUrl::parse(url).unwrap())
}

#[test]
fn nodes_that_start_at_once_make_one_register_and_a_newer_one_is_left_alone() {
    let server = Server::start().unwrap();
    let url = server.database("many");
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || connect(&url).map(|store| store.cases().unwrap().len()))
        })
        .collect();
    for start in starts {
        assert_eq!(start.join().unwrap().unwrap(), 0);
    }
    // Nobody changes what was entered, past the program either.
    let store = connect(&url).unwrap();
    join(&store, &found(1, at(0), CERTAIN), 1);
    for statement in [
        "UPDATE register_entry SET reason = 'x'",
        "DELETE FROM register_entry",
        "UPDATE register_link SET chain = digest",
        "DELETE FROM register_link",
    ] {
        assert!(!server.sql("many", statement), "{statement}");
    }
    assert!(server.sql("many", "UPDATE schema_version SET version = 99"));
    assert!(matches!(connect(&url).err(), Some(StoreError::Newer { found: 99, .. })));
}

#[test]
fn a_node_that_is_cut_off_says_so_in_time_and_recovers_by_itself() {
    let mut server = Server::start().unwrap();
    let url = server.database("cut");
    let store = connect(&url).unwrap();
    join(&store, &found(1, at(0), CERTAIN), 1);
    server.kill();
    let began = Instant::now();
    let error = store.record(|recording| recording.tally_unread(at(0), &["image"], "deliver")).unwrap_err();
    assert!(
        error.is_temporary() && began.elapsed() < Duration::from_secs(15),
        "{error} {:?}",
        began.elapsed()
    );
    assert!(store.cases().unwrap_err().is_temporary());
    server.up();
    let again = wait_until(Duration::from_secs(20), || {
        store.record(|recording| recording.tally_unread(at(0), &["image"], "deliver")).ok()
    });
    assert!(again.is_some(), "it did not come back");
    assert_eq!(store.cases().unwrap()[0].mails, 1);
    assert_eq!(store.unread_tally().unwrap()[0].2, 1, "what failed was not done");
}

/// Its first statement of a kind cannot be made ready, behind a savepoint that nobody has been asked for yet.
#[test]
fn who_waits_for_a_locked_table_takes_nobody_with_it() {
    let server = Server::start().unwrap();
    let url = server.database("locked");
    let store = connect(&url).unwrap();
    join(&store, &found(1, at(0), CERTAIN), 1);
    let (began, goes) = std::sync::mpsc::channel();
    let lock = "BEGIN; LOCK TABLE unread_tally; SELECT pg_sleep(9)";
    std::thread::scope(|scope| {
        scope.spawn(|| server.sql("locked", lock));
        std::thread::sleep(Duration::from_millis(500));
        let first = scope.spawn(|| {
            store.record(|recording| {
                recording.add_beside(&CaseId::new(2026, 1), &["name"])?;
                began.send(()).unwrap();
                // Long enough for the other to stand at the door, and short enough for it to share the transaction.
                std::thread::sleep(Duration::from_millis(20));
                Ok(())
            })
        });
        goes.recv().unwrap();
        let second =
            store.record(|recording| recording.tally_unread(at(0), &["image"], "deliver")).unwrap_err();
        assert!(second.to_string().contains("55P03"), "{second}");
        first.join().unwrap().unwrap();
    });
    assert_eq!(store.beside(&CaseId::new(2026, 1)).unwrap(), [("name".to_owned(), 1)]);
}

#[test]
fn a_crowd_of_questions_does_not_take_every_connection_of_the_server() {
    let server = Server::start().unwrap();
    let store = connect(&server.database("crowd")).unwrap();
    join(&store, &found(1, at(0), CERTAIN), 1);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..200)
            .map(|_| scope.spawn(|| (0..5).all(|_| store.cases().is_ok_and(|cases| cases.len() == 1))))
            .collect();
        assert!(asking.into_iter().all(|one| one.join().unwrap()));
    });
}

#[test]
fn a_node_that_plans_for_many_open_cases_lets_others_write_between() {
    let server = Server::start().unwrap();
    let url = server.database("many_open");
    let (here, there) = (connect(&url).unwrap(), connect(&url).unwrap());
    for number in 0..300 {
        join(&here, &found(number, at(0), CERTAIN), number);
    }
    let (planned, longest) = std::thread::scope(|scope| {
        let planning = scope.spawn(|| {
            let began = Instant::now();
            here.plan_open_cases(at(1)).unwrap();
            began.elapsed()
        });
        let mut longest = Duration::ZERO;
        while !planning.is_finished() {
            let began = Instant::now();
            there.record(|recording| recording.tally_unread(at(0), &["image"], "deliver")).unwrap();
            longest = longest.max(began.elapsed());
        }
        (planning.join().unwrap(), longest)
    });
    assert!(longest < planned / 3, "planned in {planned:?}, and another waited {longest:?}");
}

#[test]
fn a_server_that_was_read_only_is_written_again_without_a_restart() {
    let mut server = Server::start().unwrap();
    let url = server.database("closed");
    drop(connect(&url).unwrap());
    // As an operator does it; every session that begins now has it for good.
    assert!(server.sql("postgres", "ALTER DATABASE closed SET default_transaction_read_only = on"));
    let store = connect(&url).unwrap();
    join(&store, &found(1, at(0), CERTAIN), 1);
    assert!(server.sql("postgres", "ALTER DATABASE closed RESET default_transaction_read_only"));
    join(&store, &found(2, at(0), CERTAIN), 1);
    // A standby cannot be written, whatever is asked of it; it is promoted under us.
    server.kill();
    server.is_standby();
    server.up();
    let write =
        |store: &Store| store.record(|recording| recording.tally_unread(at(0), &["image"], "deliver"));
    let store = connect(&url).unwrap();
    assert_eq!(store.cases().unwrap()[0].mails, 2, "it can be read");
    for _ in 0..2 {
        assert!(write(&store).unwrap_err().is_temporary());
    }
    assert!(server.sql("postgres", "SELECT pg_promote()"));
    let again = wait_until(Duration::from_secs(20), || write(&store).ok());
    assert!(again.is_some(), "{}", write(&store).unwrap_err());
}

#[test]
fn files_of_an_erased_case_go_from_every_machine_by_itself() {
    let server = Server::start().unwrap();
    let url = server.database("erased");
    let keys = TempDir::new().unwrap();
    let key = keys.path().join("node.key").display().to_string();
    let mut nodes = ["first", "second"].map(|name| {
        let toml = format!("[seal]\nnode_key = \"{key}\"\n[hold]\nnode = \"{name}\"\n");
        Daemon::start(&DaemonOptions { store: Some(url.clone()), ..DaemonOptions::with(&toml) }).unwrap()
    });
    let store = connect(&url).unwrap();
    let gone = join(&store, &found(1, at(0), Outcome::Stopped), 1).case;
    let stays = join(&store, &found(2, at(0), CERTAIN), 2).case;
    let files = |node: &Daemon, case: &CaseId| {
        let spool = node.data().join("spool");
        [spool.join(format!("evidence/{case}.seg")), spool.join(format!("receipts/{case}/ab.pdf"))]
    };
    for node in &nodes {
        for file in files(node, &gone).into_iter().chain(files(node, &stays)) {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::File::create(file).unwrap();
        }
    }
    act(&store, &gone, &Act::Close, at(1)).unwrap();
    // The command is killed after its transaction: no file is gone. A tombstone that is put in by hand throws nothing away.
    assert!(store.record(|recording| recording.purge(&gone, &by(at(24 * 366 * 6)))).unwrap());
    assert!(server.sql("erased", "DROP TRIGGER tombstone_is_of_a_closed_case ON tombstone"));
    let forged = format!("INSERT INTO tombstone (case_id, at, who, reason) VALUES ('{stays}', 0, 'x', 'x')");
    assert!(server.sql("erased", &forged));
    for node in &mut nodes {
        node.kill();
        node.spawn().unwrap();
        let files = files(node, &gone);
        let swept =
            wait_until(Duration::from_secs(20), || files.iter().all(|file| !file.exists()).then_some(()));
        assert!(swept.is_some(), "{}", node.log());
    }
    for node in &nodes {
        assert!(files(node, &stays).iter().all(|file| file.exists()));
    }
}

#[test]
fn two_nodes_share_a_register_and_the_death_of_one_is_nothing_to_the_other() {
    let mut server = Server::start().unwrap();
    let url = server.database("shared");
    let keys = TempDir::new().unwrap();
    let key = keys.path().join("node.key").display().to_string();
    let named = |key: &str, node: &str| DaemonOptions {
        store: Some(url.clone()),
        ..DaemonOptions::with(&format!(
            "[seal]\nnode_key = \"{key}\"\n[hold]\nnode = \"{node}\"\n[policy]\nleak = \"deliver\"\n"
        ))
    };
    let options = |key: &str| named(key, "second");
    let mut first = Daemon::start(&named(&key, "first")).unwrap();
    let twin = Daemon::start(&named(&key, "first")).err().unwrap().to_string();
    assert!(twin.contains("another machine of this register is called"), "{twin}");
    // Nodes of one register have one node key: persons are counted under it.
    let stranger = Daemon::start(&options(&keys.path().join("other.key").display().to_string()));
    assert!(
        stranger.err().unwrap().to_string().contains("node key"),
        "a node with a key of its own is refused"
    );
    let second = Daemon::start(&options(&key)).unwrap();
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let behind = |daemon: &Daemon| {
        let options = PostfixOptions {
            milter: Some(daemon.milter()),
            relay_to: Some(sink.addr()),
            ..Default::default()
        };
        Postfix::start(&options).unwrap()
    };
    let (one, two) = (behind(&first), behind(&second));
    let leak = |number: &str, id: u32| {
        format!(
            "From: <{SENDER}>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\nMessage-ID: <{id}@noerreby.example>\r\n\
             Subject: Din sag\r\n\r\nCPR-nr.: {number}\r\n"
        )
        .into_bytes()
    };
    let send = |postfix: &Postfix, number: &str, id: u32| {
        smtp::send(postfix.smtp_addr(), SENDER, &["borger@post.example"], &leak(number, id)).unwrap().code
    };
    assert_eq!((send(&one, "150379-1028", 1), send(&two, "010190-1234", 2)), (250, 250));
    let cases = second.cases().unwrap();
    assert_eq!((cases.len(), &cases[0]["mails"], &cases[0]["persons"]), (1, &2.into(), &2.into()));
    first.kill();
    assert_eq!(send(&one, "150379-1028", 3), 451, "its own mail waits");
    assert_eq!(send(&two, "150379-1028", 4), 250);
    // The register away: what has a number waits, what has none goes on.
    server.kill();
    assert_eq!(send(&two, "150379-1028", 5), 451);
    let clean = b"Subject: x\r\n\r\nVi har modtaget din mail.\r\n";
    assert_eq!(smtp::send(two.smtp_addr(), SENDER, &["borger@post.example"], clean).unwrap().code, 250);
    server.up();
    let back = wait_until(Duration::from_secs(40), || (send(&two, "150379-1028", 5) == 250).then_some(()));
    assert!(back.is_some(), "it did not recover by itself");
    first.spawn().unwrap();
    assert_eq!(send(&one, "150379-1028", 3), 250);
    let cases = first.cases().unwrap();
    assert_eq!((cases.len(), &cases[0]["mails"], &cases[0]["persons"]), (1, &5.into(), &2.into()));
    assert!(first.run(&["case", "verify"]).unwrap().status.success());
}
