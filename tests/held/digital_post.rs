//! Held mail that leaves by Digital Post: through the real doors and the command, and a crash after each step.
//!
//! The files are held to the order of the schema by the checker that wrote them, and to the schema itself where
//! `BREVDUE_MEMO_XSD` names `MeMo_core.xsd` of version 1.2 and `xmllint` is there: the schema is not ours to pass on.

use super::*;
use crate::relay;
use crate::support::daemon::Daemon;
use crate::support::program::said;
use crate::support::sink::{Sink, SinkOptions};
use crate::support::{Port, put, smtp, wait_until};
use brevdue::config::DigitalPostSettings;
use brevdue::daemon::held::{Acted, Addressed, NotActed};
use brevdue::outlet::memo::{Mapping, Recipient};
use brevdue::spool::held::{Cover, HeldId, hold_keys};
use brevdue::store::held::{Act, HeldRow, HeldState};
use chrono::TimeDelta;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
/// The recipient's; another's than that in the mail.
const PERSON: &str = "110675-1028";
const WHO: [&str; 4] = ["--by", "Dorte DPO", "--why", "borgeren har Digital Post"];

/// A folder for letters, as an operator makes it.
pub(super) fn make_outbox(path: &Path) {
    std::fs::create_dir_all(path).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o750)).unwrap();
}

/// The letters that lie there, by name; no draft may be left.
pub(super) fn letters(outbox: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(outbox).unwrap().map(|one| one.unwrap().path()).collect();
    all.sort();
    assert!(all.iter().all(|path| path.extension().is_some_and(|ending| ending == "xml")), "{all:?}");
    all
}

/// The texts between these tags.
fn all<'a>(message: &'a str, name: &str) -> Vec<&'a str> {
    let (start, end) = (format!("<memo:{name}>"), format!("</memo:{name}>"));
    message.split(start.as_str()).skip(1).filter_map(|rest| rest.split(end.as_str()).next()).collect()
}

/// A letter as it must be: who, by which name, and with which documents.
pub(super) fn assert_letter(path: &Path, recipient: &str, label: &str) -> String {
    let message = std::fs::read_to_string(path).unwrap();
    assert_eq!(all(&message, "messageUUID"), [path.file_stem().unwrap().to_str().unwrap()]);
    assert_eq!(all(&message, "recipientID"), [recipient]);
    assert_eq!(all(&message, "label"), [label, "Nørreby Kommune", "Brevdue"]);
    assert_eq!(all(&message, "senderID"), ["12345678"]);
    assert!(
        !message.contains(NUMBER) && !message.contains(DIGITS) && !message.contains("Din sag"),
        "in documents only"
    );
    let decoded: Vec<String> = all(&message, "content")
        .iter()
        .map(|text| data_encoding::BASE64.decode(text.as_bytes()).unwrap())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    assert_eq!(decoded[0], format!("CPR-nr.: {NUMBER}\r\n"));
    let about = decoded.last().unwrap();
    assert!(about.contains("Emne: Din sag") && about.contains(CITIZEN), "{about}");
    if let Some(schema) = std::env::var_os("BREVDUE_MEMO_XSD") {
        let checked =
            Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).arg(path).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
    message
}

/// The real daemon with an SMTP door, and its outbox.
struct Town {
    daemon: Daemon,
    door: Port,
    next: Sink,
    outbox: PathBuf,
}

impl Town {
    fn new(more: &str) -> Self {
        let (door, next) = (Port::claim().unwrap(), Sink::start(SinkOptions::default()).unwrap());
        let toml = format!(
            "[policy]\nleak = \"hold\"\n[hold]\nnode = \"relay\"\n[digital_post]\noutbox = \"post\"\n\
             label = \"Brev fra Nørreby Kommune\"\n{more}"
        );
        let daemon = relay::daemon(door.addr(), next.addr(), &toml);
        let outbox = daemon.config().with_file_name("post");
        Self { daemon, door, next, outbox }
    }

    fn hold(&self, to: &[&str]) -> String {
        self.hold_this(to, &leak())
    }

    fn hold_this(&self, to: &[&str], mail: &[u8]) -> String {
        let reply = smtp::send(self.door.addr(), SENDER, to, mail).unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text());
        self.rows().last().unwrap()["id"].as_str().unwrap().to_owned()
    }

    fn rows(&self) -> Vec<serde_json::Value> {
        let output = self.daemon.run(&["held", "list", "--all", "--format", "json"]).unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    }

    fn release(&self, id: &str, args: &[&str]) -> (bool, String) {
        let output =
            self.daemon.run(&[&["held", "release", id, "--digital-post"], WHO.as_slice(), args].concat());
        let output = output.unwrap();
        (output.status.success(), said(&output))
    }

    fn refused(&self, id: &str, args: &[&str], because: &str) {
        let (done, said) = self.release(id, args);
        assert!(!done && said.contains(because), "{args:?}: {said}");
        assert!(!said.contains("1106") && !said.contains("1028"), "{said}");
    }

    fn wait_for(&self, id: &str, state: &str) {
        let is_so = || self.rows().iter().any(|row| row["id"] == id && row["state"] == state).then_some(());
        assert!(wait_until(PATIENCE, is_so).is_some(), "{:?}\n{}", self.rows(), self.daemon.log());
    }

    fn file(&self, text: &str) -> String {
        let path = self.daemon.config().with_file_name("recipient.txt");
        put(&path, text.as_bytes()).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn a_held_mail_becomes_a_letter_to_the_person_whom_somebody_names() {
    let town = Town::new("");
    let id = town.hold(&[CITIZEN]);
    // Not without a recipient, nor to a slip, nor with the number where everybody could read it.
    town.refused(&id, &[], "nobody is named");
    town.refused(&id, &["--recipient-cvr", "1106751028"], "eight digits");
    for (text, because) in [
        ("", "no number"),
        ("borger", "no CPR number"),
        ("110675-1029", "check digit"),
        ("320675-1028", "no CPR number"),
        ("110675-1028\n150379-1028\n", "differ"),
    ] {
        town.refused(&id, &["--recipient-cpr-file", &town.file(text)], because);
    }
    let file = town.file(&format!("{PERSON}\n"));
    let person = ["--recipient-cpr-file", file.as_str()];
    town.refused(&id, &[&person[..], &["--label", "Sag 110675-1028"]].concat(), "CPR number");
    town.refused("bcdfghjkmnpqrstv", &person, "no held mail");
    assert_eq!((town.rows()[0]["state"].as_str(), town.outbox.exists()), (Some("waiting"), false));

    make_outbox(&town.outbox);
    let (done, said) = town.release(&id, &person);
    assert!(done && said.contains("udbakken"), "{said}");
    town.wait_for(&id, "released");
    let all = letters(&town.outbox);
    assert_eq!(all.len(), 1);
    assert_letter(&all[0], "1106751028", "Brev fra Nørreby Kommune");
    assert_eq!(std::fs::metadata(&all[0]).unwrap().permissions().mode() & 0o777, 0o640);

    // It went nowhere else, nothing of it is kept, and it is no breach.
    assert_eq!((town.next.received().len(), relay::held(&town.daemon)), (0, 0));
    assert_eq!(std::fs::read_dir(town.daemon.data().join("spool/orders")).unwrap().count(), 0);
    assert_eq!(town.daemon.cases().unwrap()[0]["kind"], "near_miss");
    assert_eq!(town.rows()[0]["act"], "digital_post");
    let shown = String::from_utf8(town.daemon.run(&["held", "show", &id]).unwrap().stdout).unwrap();
    let shown = shown + &town.daemon.show("BRV-2026-0001").unwrap();
    for words in ["Dorte DPO", "borgeren har Digital Post", "frigivet til Digital Post", "lagt i udbakken"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let mut kept = shown.into_bytes();
    kept.extend(town.daemon.log().into_bytes());
    for file in walkdir::WalkDir::new(town.daemon.data()).into_iter().map(Result::unwrap) {
        kept.extend(file.path().to_string_lossy().bytes());
        kept.extend(std::fs::read(file.path()).unwrap_or_default());
    }
    for secret in [NUMBER, DIGITS, PERSON, "1106751028"] {
        assert!(memchr::memmem::find(&kept, secret.as_bytes()).is_none(), "{secret}");
    }
    town.refused(&id, &person, "does not wait");
}

#[test]
fn a_mail_to_many_is_a_letter_to_one_only_when_that_is_said() {
    let town = Town::new("");
    make_outbox(&town.outbox);
    let head = format!("From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\nSubject: Din sag\r\nMIME-Version: 1.0\r\n");
    let files = format!(
        "{head}Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nCPR-nr.: {NUMBER}\r\n\r\n--m\r\n\
         Content-Type: text/csv; name=\"{NUMBER}.csv\"\r\nContent-Disposition: attachment\r\n\r\na;b\r\n--m\r\n\
         Content-Type: image/png; name=\"l\u{f8}v & <x>.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--m--\r\n"
    );
    let to = [CITIZEN, "anden@post.example"];
    let id = town.hold_this(&to, files.as_bytes());
    town.refused(&id, &["--recipient-cvr", "87654321", "--instead-of-all"], "a file of the type text/csv");
    let id = town.hold_this(&to, files.replace("text/csv", "text/plain").as_bytes());
    let authority = ["--recipient-cvr", "87654321", "--label", "Sag til jer"];
    town.refused(&id, &authority, "--instead-of-all");
    let (done, said) = town.release(&id, &[&authority[..], &["--instead-of-all"]].concat());
    assert!(done, "{said}");
    town.wait_for(&id, "released");
    let message = assert_letter(&letters(&town.outbox)[0], "87654321", "Sag til jer");
    assert_eq!(all(&message, "idType"), ["CVR", "CVR"]);
    assert_eq!(
        all(&message, "filename"),
        ["meddelelse.txt", "bilag-1.txt", "løv &amp; &lt;x&gt;.png", "oplysninger-om-mailen.txt"]
    );
}

#[test]
fn a_mapping_names_the_authority_so_that_a_person_need_not() {
    let town = Town::new(&format!(
        "[[digital_post.mapping]]\nname = \"Boliglån\"\nfrom = \"{SENDER}\"\nto = \"@post.example\"\n\
         recipient_cvr = \"87654321\"\n"
    ));
    make_outbox(&town.outbox);
    let other = town.hold(&[CITIZEN, "borger@andet.example"]);
    town.refused(&other, &[], "nobody is named");
    let id = town.hold(&[CITIZEN, "anden@post.example"]);
    let (done, said) = town.release(&id, &[]);
    assert!(done && said.contains("Boliglån"), "{said}");
    town.wait_for(&id, "released");
    assert_letter(&letters(&town.outbox)[0], "87654321", "Brev fra Nørreby Kommune");
}

#[test]
fn an_automatic_mapping_needs_no_person_and_waits_until_the_mail_is_surely_ours() {
    let mut house = House::posting();
    let post = house.config.digital_post.as_mut().unwrap();
    post.mappings = vec![Mapping {
        name: "Boliglån".to_owned(),
        from: vec![SENDER.to_owned()],
        to: vec!["@post.example".to_owned()],
        recipient: Recipient::organisation("87654321").unwrap(),
        label: Some("Ansøgning".to_owned()),
        automatic: true,
    }];
    house.restart();
    let id = house.hold_mail(&leak());
    // Held for what could not be read: no case, so a person looks at it.
    let unread = Cover {
        sender: SENDER.to_owned(),
        recipients: vec![(CITIZEN.to_owned(), Vec::new())],
        ..Cover::default()
    };
    let elsewhere =
        Cover { recipients: vec![("borger@andet.example".to_owned(), Vec::new())], ..unread.clone() };
    let elsewhere = Cover { cases: vec![house.near_miss(2).to_string()], ..elsewhere };
    let others = [unread, elsewhere].map(|cover| {
        let receipt =
            house.keeper.holding().keep(&cover, &mut leak().as_slice(), &[house.keeper.public_key()]);
        let receipt = receipt.unwrap();
        house.gate.held(&receipt, &cover).unwrap();
        receipt.id().clone()
    });
    // Its door may take it back for as long as the next hop of the other recipients has not answered.
    house.hands.set(start() + TimeDelta::minutes(9));
    house.runtime.block_on(house.keeper.round());
    assert!(house.at(&id).state == HeldState::Waiting && letters(&house.outbox()).is_empty());
    house.hands.set(start() + TimeDelta::minutes(11));
    house.runtime.block_on(house.keeper.round());
    assert_eq!(house.at(&id).state, HeldState::Released);
    let decision = house.at(&id).decision.unwrap();
    assert_eq!(
        (decision.by.as_str(), decision.why.as_str()),
        ("brevdue", "Digital Post efter konfigurationen: Boliglån")
    );
    let all = letters(&house.outbox());
    assert_eq!(all.len(), 1);
    assert_letter(&all[0], "87654321", "Ansøgning");
    assert!(others.iter().all(|id| house.at(id).state == HeldState::Waiting));
}

#[test]
fn a_daemon_that_is_killed_again_and_again_makes_each_letter_once() {
    let mut town = Town::new("");
    make_outbox(&town.outbox);
    let ids: Vec<String> = (0..12).map(|_| town.hold(&[CITIZEN])).collect();
    for (at, id) in ids.iter().enumerate() {
        let (done, said) = town.release(id, &["--recipient-cvr", "87654321"]);
        assert!(done, "{said}");
        if at % 3 == 2 {
            // Somewhere in a round over what was decided: a start begins one.
            town.daemon.kill();
            town.daemon.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(3 * at as u64));
        }
    }
    town.daemon.kill();
    town.daemon.spawn().unwrap();
    for id in &ids {
        town.wait_for(id, "released");
    }
    assert!(wait_until(PATIENCE, || (relay::held(&town.daemon) == 0).then_some(())).is_some());
    let drafts = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "draft");
    let all: Vec<PathBuf> = std::fs::read_dir(&town.outbox).unwrap().map(|one| one.unwrap().path()).collect();
    let (drafts, whole): (Vec<PathBuf>, Vec<PathBuf>) = all.into_iter().partition(drafts);
    assert!(whole.len() == ids.len() && drafts.is_empty(), "{whole:?} {drafts:?}");
    for letter in &whole {
        assert_letter(letter, "87654321", "Brev fra Nørreby Kommune");
    }
}

impl House {
    /// A machine with an outbox.
    fn posting() -> Self {
        let mut house = Self::new(None, None, start());
        let outbox = house.folder.path().join("post");
        make_outbox(&outbox);
        house.config.digital_post = Some(DigitalPostSettings {
            outbox,
            sender: None,
            system: "Brevdue".to_owned(),
            label: "Brev".to_owned(),
            notification: None,
            additional_notification: None,
            file_types: DigitalPostSettings::FILE_TYPES.iter().map(ToString::to_string).collect(),
            max_bytes: 1_000_000,
            mappings: Vec::<Mapping>::new(),
        });
        house.restart();
        house
    }

    fn outbox(&self) -> PathBuf {
        self.folder.path().join("post")
    }

    fn hold_mail(&self, mail: &[u8]) -> HeldId {
        let case = self.near_miss(1);
        let cover = Cover {
            sender: SENDER.to_owned(),
            recipients: vec![(CITIZEN.to_owned(), Vec::new())],
            cases: vec![case.to_string()],
            ..Cover::default()
        };
        let keys = hold_keys(Some(&self.dpo.public), Some(self.keeper.public_key()));
        let receipt = self.keeper.holding().keep(&cover, &mut &mail[..], &keys).unwrap();
        self.gate.held(&receipt, &cover).unwrap();
        receipt.id().clone()
    }

    fn at(&self, id: &HeldId) -> HeldRow {
        self.store.held_named(id.as_str()).unwrap().unwrap()
    }

    fn to_a_person() -> Addressed {
        Addressed { recipient: Recipient::person(b"1106751028"), label: None }
    }

    fn decide_post(&self, id: &HeldId) {
        let row = self.at(id);
        let order = self.keeper.order(&row, &Self::to_a_person()).unwrap();
        let decided = self.store.record(|recording| {
            recording.decide_digital_post(row.row, &order, "Dorte DPO", "aftalt", start())
        });
        assert_eq!(decided.unwrap(), Some(Vec::new()), "no breach");
    }

    fn do_it(&self, id: &HeldId) -> Result<Acted, NotActed> {
        self.runtime.block_on(self.keeper.act(&self.at(id)))
    }

    fn orders(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("spool/orders")).map_or(0, Iterator::count)
    }
}

#[test]
fn a_crash_between_the_letter_and_the_row_makes_at_most_the_same_letter_again() {
    let mut house = House::posting();
    let id = house.hold_mail(&leak());
    house.decide_post(&id);
    assert_eq!(house.at(&id).decision.unwrap().act, Act::DigitalPost);
    let spool = house.folder.path().join("spool");
    let (held, orders) = (house.keeper.holding().path(&id), spool.join("orders"));
    let order = std::fs::read_dir(&orders).unwrap().next().unwrap().unwrap().path();
    let (sealed, ordered) = (std::fs::read(&held).unwrap(), std::fs::read(&order).unwrap());
    assert!(memchr::memmem::find(&ordered, b"110675").is_none(), "sealed");
    let beside = rusqlite::Connection::open(house.folder.path().join("brevdue.sqlite")).unwrap();
    let killed = |house: &mut House, state: &str| {
        beside
            .execute("UPDATE held SET state = ?1, settled_at = iif(?1 = 'released', 1, NULL)", [state])
            .unwrap();
        put(&held, &sealed).unwrap();
        put(&order, &ordered).unwrap();
        house.restart();
    };
    let nothing_is_left = |house: &House| {
        assert_eq!(house.at(&id).state, HeldState::Released);
        assert_eq!((held.exists(), house.orders(), house.way.count()), (false, 0, 0));
    };

    assert_eq!(house.do_it(&id).unwrap(), Acted::Done(HeldState::Released));
    nothing_is_left(&house);
    let first = letters(&house.outbox());
    let content = assert_letter(&first[0], "1106751028", "Brev");

    // The letter lies there, and the row says nothing of it: it stays as it is.
    killed(&mut house, "approved");
    house.hands.set(start() + TimeDelta::minutes(1));
    assert_eq!(house.do_it(&id).unwrap(), Acted::Done(HeldState::Released));
    nothing_is_left(&house);
    assert_eq!(
        (letters(&house.outbox()), std::fs::read_to_string(&first[0]).unwrap()),
        (first.clone(), content)
    );

    // It was taken meanwhile: once more, under the same messageUUID.
    killed(&mut house, "approved");
    std::fs::remove_file(&first[0]).unwrap();
    assert_eq!(house.do_it(&id).unwrap(), Acted::Done(HeldState::Released));
    nothing_is_left(&house);
    assert_eq!(letters(&house.outbox()), first);
    std::fs::remove_file(&first[0]).unwrap();

    // The row is settled: mail and order go, and no letter is made.
    killed(&mut house, "released");
    house.hands.set(Clock::System.now() + TimeDelta::minutes(11));
    house.keeper.sweep().unwrap();
    assert!(!held.exists() && letters(&house.outbox()).is_empty());
}

#[test]
fn an_order_that_nobody_decided_by_goes_and_the_mail_stays() {
    let house = House::posting();
    let id = house.hold_mail(&leak());
    house.keeper.order(&house.at(&id), &House::to_a_person()).unwrap();
    for (now, left) in [(Clock::System.now(), 1), (Clock::System.now() + TimeDelta::minutes(11), 0)] {
        house.hands.set(now);
        // As the daemon runs: a sweep and a round, and told to end meanwhile.
        let (stop, stopped) = tokio::sync::watch::channel(false);
        stop.send_replace(true);
        house.runtime.block_on(Arc::clone(&house.keeper).run(stopped));
        assert_eq!((house.orders(), house.at(&id).state), (left, HeldState::Waiting));
    }
}

#[test]
fn an_outbox_that_is_not_there_delays_and_loses_nothing() {
    let house = House::posting();
    let id = house.hold_mail(&leak());
    house.decide_post(&id);
    std::fs::remove_dir(house.outbox()).unwrap();
    assert!(matches!(house.do_it(&id), Err(NotActed::Beside(_))));
    std::fs::create_dir(house.outbox()).unwrap();
    std::fs::set_permissions(house.outbox(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(house.do_it(&id), Err(NotActed::Beside(_))));
    let row = house.at(&id);
    assert_eq!((row.state, row.attempts, house.orders()), (HeldState::Approved, 2, 1));
    assert!(house.keeper.holding().path(&id).exists() && row.last_error.unwrap().contains("chmod o="));
    make_outbox(&house.outbox());
    assert_eq!(house.do_it(&id).unwrap(), Acted::Done(HeldState::Released));
    assert_eq!(letters(&house.outbox()).len(), 1);
}

#[test]
fn a_mail_that_cannot_be_a_letter_waits_for_another_decision_and_its_sender_hears_nothing() {
    let house = House::posting();
    let program = b"Subject: x\r\nContent-Type: application/x-msdownload\r\n\r\nMZ\r\n";
    let id = house.hold_mail(program);
    let row = house.at(&id);
    assert!(matches!(house.keeper.rehearse(&row, &House::to_a_person()), Err(NotActed::Unfit(_))));
    house.decide_post(&id);
    assert!(matches!(house.do_it(&id), Err(NotActed::Unfit(_))));
    let row = house.at(&id);
    assert_eq!((row.state, row.decision, row.attempts), (HeldState::Waiting, None, 1));
    let events: Vec<String> =
        house.store.held_entries(row.row).unwrap().into_iter().map(|one| one.event).collect();
    assert_eq!(events, ["held", "release_digital_post", "release_failed"]);
    assert!(house.store.due_tellings("relay", start()).unwrap().iter().all(|one| one.what.word() == "held"));
    assert!(letters(&house.outbox()).is_empty() && house.keeper.holding().path(&id).exists());

    // An order is one mail's: put to another's decision it names nobody.
    let (one, other) = (house.hold_mail(&leak()), house.hold_mail(&leak()));
    let order = house.keeper.order(&house.at(&one), &House::to_a_person()).unwrap();
    let row = house.at(&other).row;
    house.store.record(|recording| recording.decide_digital_post(row, &order, "x", "y", start())).unwrap();
    assert!(matches!(house.do_it(&other), Err(NotActed::Unfit(_))));
    assert!(letters(&house.outbox()).is_empty());
}
