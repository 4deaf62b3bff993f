//! The one gate, without a door: what is decided, what is recorded, and that both come before the answer.

mod protected;

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
        assert_eq!(house.tally().first(), recorded.as_ref(), "{name}");
        assert!(house.cases().is_empty(), "{name}: never a case, never a clock");
        // With a number beside it the leak decides, and is a case.
        let leaking = String::from_utf8_lossy(message).replace("Se vedlagte.", &format!("CPR-nr.: {NUMBER}"));
        assert_eq!(house.verdict(leaking.as_bytes()), BLOCK, "{name}");
        assert_eq!(house.cases().len(), 1, "{name}");
        let row = house.cases().remove(0);
        assert_eq!(
            (row.persons, row.persons_exact),
            (1, recorded.is_none()),
            "{name}: others may stand in it"
        );
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
