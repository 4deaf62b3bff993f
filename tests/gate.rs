//! The one gate, without a door: what is decided, what is recorded, and that both come before the answer.
//!
//! Encrypted and signed mail is made by the programs that people make it with: openssl and gpg.

use brevdue::clock::{Clock, VirtualClock};
use brevdue::envelope::{Address, Controller, Envelope, Pass, QueueId, Verdict};
use brevdue::inspect::record::Register;
use brevdue::inspect::{Answerable, Custody, Gate, Setup};
use brevdue::policy::exemption::Exemption;
use brevdue::policy::road::{Protection, Road, Roads};
use brevdue::policy::{Hands, LeakAction, Policy};
use brevdue::scan::Day;
use brevdue::scan::ruleset::Ruleset;
use brevdue::seal::NodeKey;
use brevdue::seal::keyfile::DpoPair;
use brevdue::spool::evidence::Evidence;
use brevdue::store::{CaseRow, Store};
use brevdue::worker::{Settings, Workers};
use chrono::{TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const NUMBER: &str = "150379-1028";
const TEXT: &str = "Content-Type: text/plain\n\nKaere borger. CPR-nr.: 150379-1028\n";
const HARMLESS: &str = "Content-Type: text/plain\n\nVi har modtaget din mail.\n";
const BLOCK: Verdict = Verdict::Block;
const CLEAN: Verdict = Verdict::Deliver(Pass::Clean);
const ENCRYPTED: Verdict = Verdict::Deliver(Pass::Encrypted);
const PASSED_UNREAD: Verdict = Verdict::Deliver(Pass::UnreadAllowed);

/// A gate over a register of its own.
struct House {
    folder: TempDir,
    store: Arc<Store>,
    gate: Arc<Gate>,
    hands: VirtualClock,
    pair: DpoPair,
    runtime: Runtime,
}

impl House {
    fn new(policy: Policy) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("register.db")).unwrap());
        let hands = VirtualClock::at(Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap());
        let pair = DpoPair::generate();
        let controller = Controller {
            name: "Nørreby Kommune".to_owned(),
            cvr: "12345678".to_owned(),
            domains: vec!["noerreby.example".to_owned()],
            dpo: "dpo@noerreby.example".to_owned(),
            dpo_key: Some(pair.public.clone()),
            default: true,
            ..Controller::default()
        };
        let setup = Setup {
            rules: Arc::new(Ruleset::built_in().unwrap()),
            policy,
            controllers: vec![controller],
            sources: Vec::new(),
            workers: None,
        };
        let register = Register {
            store: Arc::clone(&store),
            node_key: NodeKey::from_bytes([7; 32]),
            evidence: Evidence::below(folder.path()),
        };
        let gate = Arc::new(Gate::new(setup, register, Clock::Virtual(hands.clone())));
        Self { folder, store, gate, hands, pair, runtime: Runtime::new().unwrap() }
    }

    fn answer(&self, envelope: Envelope, message: &[u8]) -> Answerable {
        let mut inspection = self.gate.begin();
        inspection.envelope = envelope;
        inspection.feed(message);
        self.runtime.block_on(inspection.decide(Custody::Upstream))
    }

    fn verdict(&self, message: &[u8]) -> Verdict {
        self.answer(to(&["borger@post.example"]), message).verdict()
    }

    fn cases(&self) -> Vec<CaseRow> {
        self.store.cases().unwrap()
    }

    fn tally(&self) -> Vec<(String, String, u64)> {
        self.store.unread_tally().unwrap()
    }
}

/// A document is opened before the verdict, off the thread that doors share, and what it holds is a leak like any other.
#[test]
fn a_number_in_an_archive_is_blocked_and_has_its_case() {
    let house = House::new(with(LeakAction::Block));
    let setup = house.gate.setup();
    let program = env!("CARGO_BIN_EXE_brevdue").into();
    house.gate.swap(Setup {
        rules: Arc::clone(&setup.rules),
        policy: setup.policy.clone(),
        controllers: setup.controllers.clone(),
        sources: Vec::new(),
        workers: Some(Workers::of(program, Settings::default())),
    });
    let archive = |text: &str| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("brev.txt", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
        let bytes = zip.finish().unwrap().into_inner();
        let head = "Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n";
        [head, &data_encoding::BASE64_MIME.encode(&bytes)].concat().into_bytes()
    };
    assert_eq!(house.verdict(&archive("CPR-nr. 150379-1028")), BLOCK);
    assert_eq!(house.cases().len(), 1);
    assert_eq!(house.verdict(&archive("Vi har modtaget din mail.")), CLEAN);
}

fn with(leak: LeakAction) -> Policy {
    Policy { leak, ..Policy::default() }
}

fn to(recipients: &[&str]) -> Envelope {
    Envelope {
        sender: Address::parse(b"sagsbehandler@noerreby.example"),
        recipients: recipients.iter().filter_map(|to| Address::parse(to.as_bytes())).collect(),
        queue_id: QueueId::new("4bXq1z3kTnz9"),
        ..Envelope::default()
    }
}

fn mail(id: u32, text: &str) -> Vec<u8> {
    format!("From: <s@noerreby.example>\r\nMessage-ID: <{id}@x>\r\nSubject: Din sag\r\n\r\n{text}\r\n")
        .into_bytes()
}

fn leak() -> Vec<u8> {
    mail(1, &format!("CPR-nr.: {NUMBER}"))
}

#[test]
fn each_policy_has_its_verdict_and_its_case() {
    for (action, verdict, kind, sealed) in [
        (LeakAction::Block, Verdict::Block, "near_miss", false),
        (LeakAction::Hold, Verdict::Hold, "near_miss", false),
        (LeakAction::Reroute, Verdict::Reroute, "near_miss", false),
        (LeakAction::Deliver, Verdict::Deliver(Pass::Observed), "breach", true),
    ] {
        let house = House::new(with(action));
        assert_eq!(house.verdict(&mail(0, "hej")), CLEAN);
        assert_eq!((house.cases().len(), house.tally().len()), (0, 0), "clean mail leaves nothing");
        let answer = house.answer(to(&["borger@post.example"]), &leak());
        assert_eq!((answer.verdict(), answer.custody()), (verdict, &Custody::Upstream));
        let said = answer.reply().join(" ");
        assert!(said.is_ascii() && !said.bytes().any(|byte| byte.is_ascii_digit()), "{said}");
        let cases = house.cases();
        assert_eq!((cases.len(), cases[0].state.kind().word()), (1, kind));
        assert_eq!((cases[0].mails, cases[0].persons), (1, 1));
        assert_eq!(cases[0].deadline.is_some(), kind == "breach");

        // Numbers are sealed when they left, for the DPO, and not when they were stopped.
        let evidence = Evidence::below(house.folder.path());
        let opened = evidence.open(&cases[0].id, house.pair.secret());
        assert_eq!(opened.ok().map(|opened| opened.numbers), sealed.then(|| vec![NUMBER.replace('-', "")]));

        // The same message again is an attempt; the same person in another mail is no new person.
        assert_eq!(house.verdict(&leak()), verdict);
        assert_eq!(house.verdict(&mail(2, &format!("Endnu engang: CPR-nr. {NUMBER}"))), verdict);
        let case = house.store.case(&cases[0].id).unwrap().unwrap();
        assert_eq!((case.row.mails, case.row.persons), (2, 1));
        let attempts: Vec<u64> = case.messages.iter().map(|message| message.attempts).collect();
        assert_eq!(attempts, [1, 2]);
    }
}

#[test]
fn a_message_id_made_by_postfix_tells_no_message_from_another() {
    let house = House::new(with(LeakAction::Block));
    let send = |queue_id: &str, message_id: &str| {
        let envelope = Envelope { queue_id: QueueId::new(queue_id), ..to(&["borger@post.example"]) };
        let message =
            format!("From: <s@noerreby.example>\r\nMessage-ID: <{message_id}>\r\n\r\nCPR-nr.: {NUMBER}\r\n");
        house.answer(envelope, message.as_bytes());
        house.cases()[0].mails
    };
    assert_eq!(send("4jX5kv3FxNz1XDHl", "20261121220136.4jX5kv3FxNz1XDHl@relay.example"), 1);
    assert_eq!(send("4jX5pS4F1Cz1XHyg", "4jX5pS4F1Cz1XHyg@relay.example"), 1);
    // Ids of another length too: they hold the time and the number of a file.
    assert_eq!(send("4jX5kv3Fz1X", "20261121220137.4jX5kv3Fz1X@relay.example"), 1);
    assert_eq!(
        send("4jX5kv3Fz1Y", "20261121220136.4jX5kv3FxNz1XDHl@relay.example"),
        2,
        "an id of a mail before it"
    );
    assert_eq!(send("4jX5kv3Fz1Z", "20261121220136.4jX5kv3FxNz1XDHl@relay.example"), 2);
}

#[test]
fn a_day_and_a_sender_have_a_case() {
    let house = House::new(with(LeakAction::Deliver));
    house.verdict(&leak());
    house.verdict(&mail(2, "CPR-nr.: 010180-1012"));
    assert_eq!((house.cases().len(), house.cases()[0].persons), (1, 2));
    let other = Envelope { sender: Address::parse(b"<anden@noerreby.example>"), ..to(&["b@post.example"]) };
    house.answer(other, &mail(3, "CPR-nr.: 010180-1012"));
    assert_eq!(house.cases().len(), 2);
    // 23:30 the same day in Denmark is the same case, half past midnight is not.
    let start = Utc.with_ymd_and_hms(2026, 11, 17, 22, 30, 0).unwrap();
    house.hands.set(start);
    house.verdict(&mail(4, "CPR-nr.: 010180-1012"));
    assert_eq!(house.cases().len(), 2);
    house.hands.set(start + TimeDelta::hours(1));
    house.verdict(&mail(5, "CPR-nr.: 010180-1012"));
    assert_eq!(house.cases().len(), 3);
}

#[test]
fn the_same_message_stopped_and_later_let_through_is_not_hidden_as_an_attempt() {
    let blocking = House::new(with(LeakAction::Block));
    blocking.verdict(&leak());
    let setup = Setup {
        rules: Arc::new(Ruleset::built_in().unwrap()),
        policy: with(LeakAction::Deliver),
        controllers: vec![Controller {
            name: "Nørreby Kommune".to_owned(),
            cvr: "12345678".to_owned(),
            domains: Vec::new(),
            dpo: "dpo@noerreby.example".to_owned(),
            dpo_key: None,
            default: true,
            ..Controller::default()
        }],
        sources: Vec::new(),
        workers: None,
    };
    let register = Register {
        store: Arc::clone(&blocking.store),
        node_key: NodeKey::from_bytes([7; 32]),
        evidence: Evidence::below(blocking.folder.path()),
    };
    let gate = Arc::new(Gate::new(setup, register, Clock::Virtual(blocking.hands.clone())));
    let house = House { gate, ..blocking };
    assert_eq!(house.verdict(&leak()), Verdict::Deliver(Pass::Observed));
    let kinds: Vec<&str> = house.cases().iter().map(|case| case.state.kind().word()).collect();
    assert_eq!(kinds, ["breach", "near_miss"]);
}

#[test]
fn a_register_that_cannot_be_written_means_come_again() {
    let house = House::new(with(LeakAction::Deliver));
    rusqlite::Connection::open(house.folder.path().join("register.db"))
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON person BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        )
        .unwrap();
    let answer = house.answer(to(&["borger@post.example"]), &leak());
    assert_eq!(answer.verdict(), Verdict::Defer);
    assert!(answer.reply().join(" ").contains("kunne ikke kontrolleres"));
    assert!(house.cases().is_empty());
    assert_eq!(house.verdict(&mail(0, "hej")), CLEAN);
}

#[test]
fn the_strictest_recipient_decides_for_a_door_with_one_answer() {
    let road = |domain: &str, protection, max_persons| Road {
        domain: domain.to_owned(),
        protection,
        max_persons,
        ..Road::default()
    };
    let roads = Roads {
        known: vec![
            road("sikker.example", Protection::ForcedTls, Some(1)),
            road("*.tunnel.example", Protection::Tunnel, None),
        ],
        default: Protection::Unknown,
    };
    let (safe, tunnel, open) = ("a@sikker.example", "a@x.tunnel.example", "a@post.example");
    let two = mail(2, &format!("CPR-nr.: {NUMBER}, CPR-nr.: 010180-1012"));
    let protected = Verdict::Deliver(Pass::ProtectedRoad);
    let observed = Verdict::Deliver(Pass::Observed);
    for (action, recipients, message, verdict, state) in [
        (LeakAction::Block, [safe].as_slice(), &leak(), protected, None),
        (LeakAction::Block, &[safe, tunnel], &leak(), protected, None),
        (LeakAction::Block, &[safe, open], &leak(), Verdict::Block, Some("near_miss")),
        (LeakAction::Block, &[open, safe], &leak(), Verdict::Block, Some("near_miss")),
        (LeakAction::Block, &[tunnel], &two, protected, None),
        // More than the road may carry is for a person to judge.
        (LeakAction::Block, &[safe, tunnel], &two, Verdict::Hold, Some("near_miss")),
        (LeakAction::Block, &[safe, open], &two, Verdict::Block, Some("near_miss")),
        (LeakAction::Hold, &[tunnel, open], &two, Verdict::Hold, Some("near_miss")),
        // Nobody has said how mail travels there: a suspicion, and still a clock.
        (LeakAction::Deliver, &[safe, open], &leak(), observed, Some("suspected")),
        // More persons than a known road may carry is certain.
        (LeakAction::Deliver, &[safe, open], &two, observed, Some("assessing")),
        (LeakAction::Deliver, &[safe, tunnel], &leak(), protected, None),
        // No recipient at all travels by the default road.
        (LeakAction::Block, &[], &leak(), Verdict::Block, Some("near_miss")),
    ] {
        let house = House::new(Policy { leak: action, roads: roads.clone(), ..Policy::default() });
        assert_eq!(house.answer(to(recipients), message).verdict(), verdict, "{action:?} {recipients:?}");
        let found = house.cases().first().map(|case| case.state.word());
        assert_eq!(found, state, "{action:?} {recipients:?}");
    }
}

/// A door that treats each recipient apart delivers to some what it holds for others: what left is a breach, whatever
/// was stopped beside it.
#[test]
fn what_leaves_by_a_door_that_splits_is_a_breach_beside_what_it_stops() {
    let road = |domain: &str, protection| Road { domain: domain.to_owned(), protection, ..Road::default() };
    let known = vec![road("sms.example", Protection::Sms), road("sikker.example", Protection::Tunnel)];
    let roads = Roads { known, default: Protection::Plaintext };
    for (splits, kind, domains) in
        [(false, "near_miss", "post.example sikker.example sms.example"), (true, "breach", "post.example")]
    {
        let house = House::new(Policy { roads: roads.clone(), ..with(LeakAction::Deliver) });
        let mut inspection = house.gate.begin();
        inspection.envelope = to(&["a@post.example", "b@sms.example", "c@sikker.example"]);
        inspection.hands = Hands { splits, answers_each: splits, reroutes: true };
        inspection.feed(&leak());
        let judged = house.runtime.block_on(inspection.judge());
        let verdicts: Vec<Verdict> = judged.decision().recipients.iter().map(|one| one.verdict).collect();
        let each = [Verdict::Deliver(Pass::Observed), BLOCK, Verdict::Deliver(Pass::ProtectedRoad)];
        assert_eq!((verdicts.as_slice(), judged.verdict()), (each.as_slice(), BLOCK));
        let cases = house.cases();
        assert_eq!(judged.cases(), [cases[0].id.clone()]);
        assert_eq!((cases.len(), cases[0].state.kind().word()), (1, kind));
        let file = house.store.case(&cases[0].id).unwrap().unwrap();
        assert_eq!(file.messages[0].recipient_domains, domains);
    }
}

/// A door with mail in its own hands parts it by roads, whether or not it could hold any: who is exempt gets it, and that
/// stands in the trail.
#[test]
fn what_is_exempt_beside_a_protected_road_stands_in_the_trail() {
    let exemption = Exemption {
        name: "prøve".to_owned(),
        reason: "opdigtede numre".to_owned(),
        by: "dpo".to_owned(),
        from: Vec::new(),
        to: vec!["leverandoer.example".to_owned()],
        since: Day::new(2026, 11, 1).unwrap(),
        until: Day::new(2026, 11, 30).unwrap(),
        line: 1,
    };
    let house = House::new(Policy { exemptions: vec![exemption], ..with(LeakAction::Reroute) });
    let mut inspection = house.gate.begin();
    inspection.envelope = to(&["a@leverandoer.example", "b@post.example"]);
    inspection.hands = Hands { splits: false, answers_each: false, reroutes: true };
    inspection.feed(&leak());
    let judged = house.runtime.block_on(inspection.judge());
    let verdicts: Vec<Verdict> = judged.decision().recipients.iter().map(|one| one.verdict).collect();
    assert_eq!(verdicts, [Verdict::Deliver(Pass::Exempt), Verdict::Reroute]);
    assert_eq!((house.store.passages(10).unwrap().len(), house.cases().len()), (1, 1));
}

/// Runs a program on this input; its output.
fn through(folder: &Path, program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("GNUPGHOME", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A folder with a key pair for S/MIME in it.
fn keys() -> TempDir {
    let folder = TempDir::new().unwrap();
    let request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=borger -days 2";
    through(folder.path(), "openssl", &request.split(' ').collect::<Vec<_>>(), b"");
    folder
}

fn openssl(folder: &TempDir, line: &str, subject: &str, content: &str) -> Vec<u8> {
    let mut args: Vec<&str> = line.split(' ').collect();
    args.extend(["-subject", subject, "-from", "s@noerreby.example", "-to", "borger@post.example"]);
    if line.contains("-encrypt") {
        args.push("cert.pem");
    }
    through(folder.path(), "openssl", &args, content.as_bytes())
}

#[test]
fn mail_encrypted_to_its_reader_passes_but_its_subject_is_read() {
    let keys = keys();
    let with_number = format!("Vedr. cpr {NUMBER}");
    for line in [
        "smime -encrypt -aes256",
        "cms -encrypt -aes256",
        "cms -encrypt -aes256 -stream",
        "cms -encrypt -aes-256-gcm",
    ] {
        let house = House::new(with(LeakAction::Block));
        let message = openssl(&keys, line, "Din sag", TEXT);
        assert_eq!(house.verdict(&message), ENCRYPTED, "{line}:\n{}", String::from_utf8_lossy(&message));
        assert!(house.cases().is_empty(), "{line}");
        assert_eq!(house.verdict(&openssl(&keys, line, &with_number, TEXT)), BLOCK, "{line}");
        assert_eq!(house.cases().len(), 1, "{line}");
    }
}

#[test]
fn signed_mail_is_no_protected_mail() {
    let keys = keys();
    let signer = "-signer cert.pem -inkey key.pem";
    for how in [
        "smime -sign",
        "smime -sign -nodetach",
        "cms -sign",
        "cms -sign -nodetach",
        "cms -sign -nodetach -stream",
        "smime -sign -md sha512",
    ] {
        let line = format!("{how} {signer}");
        let house = House::new(with(LeakAction::Block));
        let message = openssl(&keys, &line, "Din sag", TEXT);
        assert_eq!(house.verdict(&message), BLOCK, "{how}:\n{}", String::from_utf8_lossy(&message));
        assert_eq!(house.verdict(&openssl(&keys, &line, "Din sag", HARMLESS)), CLEAN, "{how}");
    }
    // What hides the number inside is read like anywhere else: the signature is opened, and what breaks off in it is held.
    let hidden =
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nQ1BSLW5yLjogMTUwMzc5LTEwMjgK\n";
    let house = House::new(with(LeakAction::Block));
    for how in ["smime -sign -nodetach", "cms -sign -nodetach -stream", "smime -sign"] {
        let message = openssl(&keys, &format!("{how} {signer}"), "Din sag", hidden);
        assert_eq!(house.verdict(&message), BLOCK, "{how}");
    }
    let twice = openssl(&keys, &format!("smime -sign -nodetach {signer}"), "x", hidden);
    let twice = String::from_utf8(twice).unwrap();
    let twice = openssl(&keys, &format!("smime -sign -nodetach {signer}"), "Din sag", &twice);
    assert_eq!(house.verdict(&twice), BLOCK);
    let torn = openssl(&keys, &format!("smime -sign -nodetach {signer}"), "Din sag", HARMLESS);
    let body = torn
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .map_or_else(|| torn.windows(2).position(|w| w == b"\n\n").unwrap() + 2, |at| at + 4);
    assert_eq!(house.verdict(&torn[..body + 64]), Verdict::Hold);
    // Encrypted after it was signed is encrypted; signed after it was encrypted is too.
    let signed = openssl(&keys, &format!("smime -sign {signer}"), "x", TEXT);
    let house = House::new(with(LeakAction::Block));
    let both = openssl(&keys, "smime -encrypt -aes256", "Din sag", &String::from_utf8(signed).unwrap());
    assert_eq!(house.verdict(&both), ENCRYPTED);
}

#[test]
fn pgp_mime_passes_and_pgp_inline_beside_a_number_does_not() {
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let args = "--batch --yes --pinentry-mode loopback --passphrase x --armor --symmetric";
    let armour = through(folder.path(), "gpg", &args.split(' ').collect::<Vec<_>>(), TEXT.as_bytes());
    drop(Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", folder.path()).status());
    let armour = String::from_utf8(armour).unwrap();
    let pgp_mime = |subject: &str, beside: &str| {
        format!(
            "From: <s@noerreby.example>\nSubject: {subject}\nMIME-Version: 1.0\n\
             Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n{beside}\n\
             --b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n\
             --b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n{armour}\n--b--\n"
        )
        .into_bytes()
    };
    let house = House::new(with(LeakAction::Block));
    assert_eq!(house.verdict(&pgp_mime("Din sag", "")), ENCRYPTED);
    assert!(house.cases().is_empty());
    assert_eq!(house.verdict(&pgp_mime(&format!("cpr {NUMBER}"), "")), BLOCK);
    assert_eq!(house.verdict(&pgp_mime("Din sag", &format!("CPR-nr.: {NUMBER}"))), BLOCK, "in the preamble");
    // Called encrypted, and not: read.
    let lie =
        String::from_utf8(pgp_mime("Din sag", "")).unwrap().replace(&armour, &format!("CPR-nr.: {NUMBER}\n"));
    assert_eq!(house.verdict(lie.as_bytes()), BLOCK);
    // Armour that ends, and text behind it within the same part.
    let behind = String::from_utf8(pgp_mime("Din sag", "")).unwrap();
    let behind = behind.replace(&armour, &format!("{armour}CPR-nr.: {NUMBER}\n"));
    assert_eq!(house.verdict(behind.as_bytes()), BLOCK, "behind the armour");
    // The first bytes of an S/MIME envelope and nothing of one behind them.
    let envelope = [
        b"From: <s@noerreby.example>\r\nContent-Type: application/pkcs7-mime\r\n\r\n".as_slice(),
        b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0 CPR-nr.: 150379-1028\r\n",
    ]
    .concat();
    assert_eq!(house.verdict(&envelope), BLOCK, "an envelope in name only");
    // Armour in an ordinary text protects itself and nothing beside it.
    assert_eq!(house.verdict(&mail(5, &armour)), PASSED_UNREAD);
    assert_eq!(house.verdict(&mail(6, &format!("{armour}\r\nCPR-nr.: {NUMBER}"))), BLOCK);
    assert_eq!(house.verdict(&mail(7, &format!("CPR-nr.: {NUMBER}\r\n{armour}"))), BLOCK);
}

#[test]
fn a_label_that_lies_is_not_believed() {
    let keys = keys();
    let relabelled = |line: &str, from: &str, to: &str, content: &str| {
        let message = String::from_utf8(openssl(&keys, line, "Din sag", content)).unwrap();
        assert!(message.contains(from), "{message}");
        message.replace(from, to).into_bytes()
    };
    let (enveloped, signed) = ("smime-type=enveloped-data", "smime-type=signed-data");
    let house = House::new(with(LeakAction::Block));
    let encrypt = "smime -encrypt -aes256";
    let sign = "smime -sign -nodetach -signer cert.pem -inkey key.pem";
    for to in [signed, "smime-type=certs-only", "x=y"] {
        assert_eq!(house.verdict(&relabelled(encrypt, enveloped, to, TEXT)), ENCRYPTED, "{to}");
    }
    assert_eq!(house.verdict(&relabelled(sign, signed, enveloped, TEXT)), BLOCK);
    assert_eq!(house.verdict(&relabelled(sign, signed, enveloped, HARMLESS)), CLEAN);
    // Called anything else, by whole mails and by attachments.
    for label in ["application/octet-stream", "text/plain"] {
        let types = ["application/x-pkcs7-mime", "application/pkcs7-mime"];
        let message = String::from_utf8(openssl(&keys, sign, "Din sag", TEXT)).unwrap();
        let message = types.iter().fold(message, |message, one| message.replace(one, label));
        assert_eq!(house.verdict(message.as_bytes()), BLOCK, "{label}");
    }
}

#[test]
fn pgp_is_known_by_its_first_packet() {
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = |args: &str, input: &str| {
        let args = format!("--batch --yes --pinentry-mode loopback --passphrase x {args}");
        through(folder.path(), "gpg", &args.split(' ').collect::<Vec<_>>(), input.as_bytes())
    };
    through(
        folder.path(),
        "gpg",
        &[
            "--batch",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "x",
            "--quick-gen-key",
            "a@b.example",
            "default",
            "default",
        ],
        b"",
    );
    let to_key = "--trust-model always --recipient a@b.example --encrypt";
    let in_text = |armour: &[u8], beside: &str| {
        mail(9, &format!("Kaere borger\r\n{beside}\r\n{}", String::from_utf8_lossy(armour)))
    };
    let attached = |bytes: &[u8]| {
        let head =
            "Content-Type: application/octet-stream; name=brev.gpg\r\nContent-Transfer-Encoding: base64";
        with_part(head, &data_encoding::BASE64_MIME.encode(bytes))
    };
    let pgp_mime = |armour: &[u8]| {
        format!(
            "From: <s@noerreby.example>\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n\
             --b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n\
             --b\nContent-Type: application/octet-stream\n\n{}\n--b--\n",
            String::from_utf8_lossy(armour)
        )
        .into_bytes()
    };
    for how in [to_key, "--symmetric"] {
        let house = House::new(with(LeakAction::Block));
        let (armour, binary) = (gpg(&format!("--armor {how}"), TEXT), gpg(how, TEXT));
        assert_eq!(house.verdict(&in_text(&armour, "Se nedenfor.")), PASSED_UNREAD, "{how}");
        assert_eq!(house.verdict(&in_text(&armour, &format!("CPR-nr.: {NUMBER}"))), BLOCK, "{how}");
        assert_eq!(house.verdict(&attached(&binary)), PASSED_UNREAD, "{how}");
        assert_eq!(house.verdict(&pgp_mime(&armour)), ENCRYPTED, "{how}");
        // Once beside a number, twice by itself.
        let tally: Vec<_> =
            house.tally().into_iter().map(|(kind, verdict, count)| (kind + ":" + &verdict, count)).collect();
        assert_eq!(tally, [("encrypted:block".to_owned(), 1), ("encrypted:deliver".to_owned(), 2)], "{how}");
    }
    // The same armour round what anybody can read.
    for how in ["--armor --store", "--armor --sign", "--armor --store --compress-algo none"] {
        let house = House::new(with(LeakAction::Block));
        let armour = gpg(how, TEXT);
        assert_eq!(house.verdict(&in_text(&armour, "Se nedenfor.")), Verdict::Hold, "{how}");
        assert_eq!(house.verdict(&mail(10, &String::from_utf8_lossy(&armour))), Verdict::Hold, "{how}");
        assert_eq!(house.verdict(&pgp_mime(&armour)), Verdict::Hold, "{how}");
    }
    // Signed in the clear is text like any other, and a text may speak of armour.
    let house = House::new(with(LeakAction::Block));
    assert_eq!(house.verdict(&mail(11, &String::from_utf8_lossy(&gpg("--clearsign", TEXT)))), BLOCK);
    let spoken = "Linjen -----BEGIN PGP MESSAGE----- begynder den.\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nHej";
    assert_eq!(house.verdict(&mail(12, spoken)), CLEAN);
    drop(Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", folder.path()).status());
}

fn with_part(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "From: <s@noerreby.example>\r\nSubject: Din sag\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nSe vedlagte.\r\n--b\r\n{headers}\r\n\r\n{body}\r\n--b--\r\n"
    )
    .into_bytes()
}

#[test]
fn what_was_not_read_is_judged_by_its_kind() {
    let base64 = "Content-Transfer-Encoding: base64";
    let png =
        with_part(&format!("Content-Type: image/png; name=logo.png\r\n{base64}"), "iVBORw0KGgoAAAANSUhEUg==");
    let pdf =
        with_part(&format!("Content-Type: application/pdf; name=a.pdf\r\n{base64}"), "JVBERi0xLjcKJcTl8uXr");
    // A document that calls itself a logo is no logo.
    let disguised =
        with_part(&format!("Content-Type: image/png; name=logo.png\r\n{base64}"), "JVBERi0xLjcKJcTl8uXr");
    let damaged = with_part(
        &format!("Content-Type: text/plain; name=a.txt\r\n{base64}"),
        "VmkgaGFyIG1vZHRhZ2V0IGRpbiBtYWls!!!!LiBWaSBoYXIg\x01\x02bW9kdGFnZXQ*",
    );
    let piece =
        with_part("Content-Type: message/partial; id=a; number=1; total=2", "Subject: x\r\n\r\nFoerste del");
    let tally = |kind: &str, verdict: &str| (kind.to_owned(), verdict.to_owned(), 1);
    for (name, message, verdict, recorded) in [
        ("png", &png, PASSED_UNREAD, None),
        ("pdf", &pdf, PASSED_UNREAD, Some(tally("document", "deliver"))),
        ("disguised", &disguised, PASSED_UNREAD, Some(tally("document", "deliver"))),
        ("damaged", &damaged, Verdict::Hold, Some(tally("damaged", "hold"))),
        ("a piece of a mail", &piece, Verdict::Hold, Some(tally("ambiguous", "hold"))),
    ] {
        let house = House::new(with(LeakAction::Block));
        assert_eq!(house.verdict(message), verdict, "{name}");
        assert_eq!(house.tally().first().cloned(), recorded, "{name}");
        assert!(house.cases().is_empty(), "{name}: never a case, never a clock");
        // With a number beside it the leak decides, and is a case.
        let leaking = String::from_utf8_lossy(message).replace("Se vedlagte.", &format!("CPR-nr.: {NUMBER}"));
        assert_eq!(house.verdict(leaking.as_bytes()), BLOCK, "{name}");
        assert_eq!(house.cases().len(), 1, "{name}");
    }
    // In observe mode a leak beside a damaged part is held: it did not leave.
    let house = House::new(with(LeakAction::Deliver));
    let both = String::from_utf8_lossy(&damaged).replace("Se vedlagte.", &format!("CPR-nr.: {NUMBER}"));
    assert_eq!(house.verdict(both.as_bytes()), Verdict::Hold);
    assert_eq!(house.cases()[0].state.word(), "near_miss");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// No verdict depends on the cuts, and a finding never makes one milder.
    #[test]
    fn neither_cuts_nor_clean_parts_change_a_verdict(
        parts in prop::collection::vec(0_usize..5, 1..5),
        number in any::<bool>(),
        cuts in prop::collection::vec(1_usize..60, 1..20),
    ) {
        let base64 = "Content-Transfer-Encoding: base64";
        let kinds = [
            "Content-Type: text/plain\r\n\r\nHej med dig".to_owned(),
            format!("Content-Type: image/png\r\n{base64}\r\n\r\niVBORw0KGgoAAAANSUhEUg=="),
            format!("Content-Type: application/pdf\r\n{base64}\r\n\r\nJVBERi0xLjcKJcTl8uXr"),
            "Content-Type: text/html\r\n\r\n<p>Hej <b>med</b> dig</p>".to_owned(),
            format!("Content-Type: text/plain\r\n{base64}\r\n\r\nVmkg!!\x01aGFy*"),
        ];
        let compose = |number: bool| {
            let mut message = "Subject: Din sag\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned();
            for part in &parts {
                message.push_str(&format!("--b\r\n{}\r\n", kinds[*part]));
            }
            if number {
                message.push_str(&format!("--b\r\nContent-Type: text/plain\r\n\r\nCPR-nr.: {NUMBER}\r\n"));
            }
            message + "--b--\r\n"
        };
        let house = House::new(with(LeakAction::Hold));
        let message = compose(number);
        let whole = house.verdict(message.as_bytes());
        let mut inspection = house.gate.begin();
        inspection.envelope = to(&["borger@post.example"]);
        let mut rest = message.as_bytes();
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            inspection.feed(piece);
            rest = after;
            if rest.is_empty() { break }
        }
        let pieces = house.runtime.block_on(inspection.decide(Custody::Upstream)).verdict();
        prop_assert_eq!(whole, pieces);
        let clean = house.verdict(compose(false).as_bytes());
        prop_assert!(house.verdict(compose(true).as_bytes()).strictness() >= clean.strictness());
        if number { prop_assert_eq!(whole, Verdict::Hold); }
        if whole == CLEAN { prop_assert!(parts.iter().all(|part| [0, 3].contains(part))); }
    }
}
