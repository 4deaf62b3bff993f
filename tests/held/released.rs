//! One of many held mails is released in the clear: it alone is the breach, by the real doors, to the DPO's own list of numbers.

use super::hold_queue::{PATIENCE, Relay, WHO, beside, held_by_postfix, hold_leaks, said_out};
use super::*;
use crate::relay::daemon;
use crate::support::daemon::Daemon;
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::sink::{Sink, SinkOptions};
use crate::support::{Port, smtp, wait_until};
use brevdue::case::Kind;
use brevdue::daemon::held::Acted;
use brevdue::seal::hex;
use brevdue::spool::evidence::Evidence;
use brevdue::spool::held::{Cover, HeldId, hold_keys};
use brevdue::store::held::{Act, HeldState};
use chrono::TimeDelta;
use serde_json::Value;

/// Three made-up persons, and which of them stand in each of five mails: three persons, six records.
const PERSONS: [&str; 3] = [NUMBER, "010190-1234", "110675-1028"];
const MAILS: [&[usize]; 5] = [&[0], &[0, 1], &[1], &[2], &[0]];

fn mail(nth: usize) -> Vec<u8> {
    let numbers: Vec<String> =
        MAILS[nth].iter().map(|person| format!("CPR-nr.: {}\r\n", PERSONS[*person])).collect();
    let head = format!(
        "From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\nSubject: Din sag\r\n"
    );
    format!("{head}Message-ID: <{nth}@noerreby.example>\r\n\r\n{}", numbers.concat()).into_bytes()
}

fn digits(person: usize) -> String {
    PERSONS[person].replace('-', "")
}

fn case(daemon: &Daemon, id: &str) -> Value {
    daemon.cases().unwrap().into_iter().find(|case| case["id"] == id).unwrap()
}

fn counts(case: &Value) -> (&Value, &Value, &Value, bool) {
    (&case["kind"], &case["mails"], &case["persons"], case["deadline"].is_null())
}

/// What the DPO's key opens of a case's evidence.
fn opened(daemon: &Daemon, case: &str) -> String {
    let key = daemon.key_file();
    said_out(&daemon.run(&["evidence", "open", case, "--identity", key.to_str().unwrap()]).unwrap())
}

fn is(kind: &'static str, mails: u64, persons: u64) -> (Value, Value, Value, bool) {
    (kind.into(), mails.into(), persons.into(), kind == "near_miss")
}

/// Five mails in one near miss, of which the fourth is released, and then the second.
fn one_alone_is_the_breach(daemon: &Daemon, ids: &[String], act: &dyn Fn(&str)) {
    let near = daemon.cases().unwrap()[0]["id"].as_str().unwrap().to_owned();
    let assert_counts = |id: &str, (kind, mails, persons, no_clock): (Value, Value, Value, bool)| {
        assert_eq!(counts(&case(daemon, id)), (&kind, &mails, &persons, no_clock), "{id}");
    };
    assert_eq!(daemon.cases().unwrap().len(), 1);
    assert_counts(&near, is("near_miss", 5, 3));
    let release = |id: &str| {
        let args = [&["held", "release", id, "--in-clear", "--yes", id], WHO.as_slice()].concat();
        let output = daemon.run(&args).unwrap();
        assert!(output.status.success(), "{}", crate::support::program::said(&output));
        act(id);
        said_out(&output)
    };
    let said = release(&ids[3]);
    let new = daemon.cases().unwrap()[0]["id"].as_str().unwrap().to_owned();
    assert!(new != near && said.contains(&format!("{new}: nu et brud")), "{said}");
    assert!(said.contains(&format!("{near}: stadig afværget")), "{said}");
    assert_counts(&new, is("breach", 1, 1));
    assert_counts(&near, is("near_miss", 4, 2));
    let of_new = case(daemon, &new);
    let time = |key: &str| DateTime::parse_from_rfc3339(of_new[key].as_str().unwrap()).unwrap();
    assert_eq!((time("deadline") - time("aware_at")).num_hours(), 72);
    assert!(time("detected_at") <= time("aware_at"), "{of_new}");
    assert_eq!(opened(daemon, &new), format!("{}\n", digits(2)));
    let shown = daemon.show(&new).unwrap();
    for words in [
        near.as_str(),
        "under vurdering",
        "frigivet ukrypteret",
        "1 registreringer",
        "Dorte DPO",
        "sendt videre",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let shown = daemon.show(&near).unwrap();
    for words in
        [&format!("mailen står nu i: {new}"), "5 registreringer", "ingen: nummeret har ikke forladt huset"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }

    // The next one of them joins it, and no clock begins.
    let said = release(&ids[1]);
    assert!(
        !said.contains("72 timer") && said.contains(&format!("denne mail alene står nu i {new}")),
        "{said}"
    );
    assert_eq!(daemon.cases().unwrap().len(), 2);
    assert_counts(&new, is("breach", 2, 3));
    assert_counts(&near, is("near_miss", 3, 2));
    assert_eq!(case(daemon, &new)["deadline"], of_new["deadline"]);
    assert_eq!(opened(daemon, &new), [1, 2, 0].map(|person| digits(person) + "\n").concat());
    let verified = said_out(&daemon.run(&["case", "verify"]).unwrap());
    assert!(verified.contains(&new) && !verified.contains("ændret"), "{verified}");
}

#[test]
fn one_of_five_mails_of_the_hold_queue_is_a_breach_alone() {
    let relay = Relay::start("");
    let ids: Vec<String> = (0..5).map(|nth| relay.hold(&mail(nth))).collect();
    one_alone_is_the_breach(&relay.daemon, &ids, &|id| {
        relay.done(&["act", id]);
        assert_eq!(relay.state(id), "released");
    });
    assert_eq!(relay.hop.wait_for(2, PATIENCE).unwrap().len(), 2);
    assert_eq!(relay.queue().len(), 3, "the others lie where they lay");
}

#[test]
fn one_of_five_mails_of_our_spool_is_a_breach_alone() {
    let (sink, door) = (Sink::start(SinkOptions::default()).unwrap(), Port::claim().unwrap());
    let daemon =
        daemon(door.addr(), sink.addr(), "[policy]\nleak = \"hold\"\n[hold]\ntell_senders = false\n");
    let held = || -> Vec<Value> {
        let output = daemon.run(&["held", "list", "--all", "--format", "json"]).unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let ids: Vec<String> = (0..5)
        .map(|nth| {
            let before: Vec<Value> = held().into_iter().map(|row| row["id"].clone()).collect();
            assert_eq!(smtp::send(door.addr(), SENDER, &[CITIZEN], &mail(nth)).unwrap().code, 250);
            let new = held().into_iter().find(|row| !before.contains(&row["id"])).unwrap();
            new["id"].as_str().unwrap().to_owned()
        })
        .collect();
    one_alone_is_the_breach(&daemon, &ids, &|id| {
        let is_sent = || held().iter().any(|row| row["id"] == id && row["state"] == "released").then_some(());
        wait_until(PATIENCE, is_sent).unwrap();
    });
    let sent: Vec<Vec<u8>> = sink.received().into_iter().map(|mail| mail.data).collect();
    assert_eq!(sent, [mail(3), mail(1)]);
}

/// The link from a file to its message survives the row, and what an undone opening left in the spool is no evidence.
#[test]
fn a_row_that_is_made_from_its_file_knows_its_mail() {
    let mut house = House::new(None, None, start());
    let near = house.stopped(1, 1);
    for message in 2..=3 {
        assert_eq!(house.stopped(message, 1), near);
    }
    let keep = |message: Option<u8>| -> HeldId {
        let cover = Cover {
            sender: SENDER.to_owned(),
            recipients: vec![(CITIZEN.to_owned(), Vec::new())],
            cases: vec![near.to_string()],
            messages: message.map(|message| hex(&[message; 16])).into_iter().collect(),
            ..Cover::default()
        };
        let keys = hold_keys(Some(&house.dpo.public), Some(house.keeper.public_key()));
        house.keeper.holding().keep(&cover, &mut leak().as_slice(), &keys).unwrap().id().clone()
    };
    let (known, unknown) = (keep(Some(1)), keep(None));
    house.restart();
    let row = |id: &HeldId| house.store.held_named(id.as_str()).unwrap().unwrap();
    let release = |id: &HeldId, hours| {
        let (row, now) = (row(id).row, start() + TimeDelta::hours(hours));
        house.hands.set(now);
        house.store.record(|r| r.decide(row, Act::Clear, "Dorte DPO", "aftalt", now)).unwrap().unwrap()
    };
    let evidence = Evidence::below(&house.config.spool);
    let next = CaseId::new(2026, 2);
    evidence.append(&next, &house.dpo.public, &[*b"0101901234"]).unwrap();
    assert_eq!(release(&known, 1), std::slice::from_ref(&next));
    let act = |id: &HeldId| house.runtime.block_on(house.keeper.act(&row(id))).unwrap();
    house.way.answers(NotSent::Temporary("451".to_owned()));
    assert!(house.runtime.block_on(house.keeper.act(&row(&known))).is_err());
    assert_eq!(act(&known), Acted::Done(HeldState::Released));
    assert_eq!(evidence.open(&next, house.dpo.secret()).ok().unwrap().numbers, [DIGITS]);
    assert!(house.store.case(&next).unwrap().unwrap().row.sealed);

    // A file that does not say is of the whole case, and the register says so.
    assert_eq!(release(&unknown, 2), std::slice::from_ref(&near));
    let file = house.store.case(&near).unwrap().unwrap();
    assert_eq!((file.row.kind, file.row.mails), (Kind::Breach, 2));
    assert!(file.entries.iter().any(|line| line.event == "breach_whole"), "{:?}", file.entries);
}

/// Out of a near miss of three mails, by `postsuper -H`: that one is the breach. It is in the queue still; of the other, which is
/// there no more, the log says that it went.
#[test]
fn a_mail_that_left_past_us_is_a_breach_alone() {
    let options = PostfixOptions {
        extra_main_cf: "smtpd_end_of_data_restrictions = check_sender_access static:HOLD\ndefer_transports = smtp relay\n"
            .to_owned(),
        ..PostfixOptions::default()
    };
    let postfix = Postfix::start(&options).unwrap();
    let house = beside(&postfix, TimeDelta::zero());
    hold_leaks(&house);
    let message = |nth: usize| String::from_utf8(leak()).unwrap().replace("<1@", &format!("<{nth}@"));
    let ids = [1, 2, 3].map(|nth| held_by_postfix(&house, &postfix, message(nth).as_bytes()));
    let cases = || house.store.cases().unwrap();
    assert_eq!((cases().len(), cases()[0].mails, cases()[0].persons), (1, 3, 1));
    postfix.run("postsuper", &["-H", &ids[0]]).unwrap();
    house.hands.set(Clock::System.now() + TimeDelta::minutes(11));
    assert_eq!(house.keeper.sweep().unwrap().gone, 1);
    let now = cases();
    assert_eq!((now.len(), now[0].mails, now[1].mails), (2, 1, 2));
    assert!(now[0].deadline.is_some() && !now[0].sealed && now[1].deadline.is_none());
    assert_eq!((now[0].persons, now[1].persons), (1, 1));

    // Deleted by hand it is gone, and never left; and so says the log of one that did.
    for id in &ids[1..] {
        postfix.run("postsuper", &["-d", id]).unwrap();
    }
    let name = brevdue::envelope::QueueId::new(&ids[2]).unwrap();
    let logged = brevdue::store::Logged {
        at: Clock::System.now(),
        mail: &ids[2],
        queue_id: &name,
        domain: "post.example",
        transport: "smtp",
        relay: "mx.post.example[192.0.2.5]:25",
        status: "sent",
        proof: "plaintext",
        protocol: "",
        cipher: "",
    };
    house.store.record(|recording| recording.log_delivery(&logged)).unwrap();
    assert_eq!(house.keeper.sweep().unwrap().gone, 2);
    let now = cases();
    assert_eq!(
        (now.len(), now[0].mails, now[1].mails),
        (2, 2, 1),
        "the one that was deleted stays a near miss"
    );
    let lines = house.store.case(&now[0].id).unwrap().unwrap().entries;
    assert_eq!(lines.iter().filter(|line| line.event == "released_past_us").count(), 2, "{lines:?}");
}
