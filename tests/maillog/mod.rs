//! What the mail server's log does to the register: with lines of a made log here, with a real Postfix in [`relay`].

mod relay;

use brevdue::case::{Kind, State};
use brevdue::clock::{Clock, VirtualClock};
use brevdue::envelope::{Address, Controller, Envelope, Pass, QueueId, Verdict};
use brevdue::inspect::record::Register;
use brevdue::inspect::{Custody, Gate, Setup};
use brevdue::intake::maillog::witness::Witness;
use brevdue::intake::maillog::{Bypass, Counters, Settings, Source};
use brevdue::policy::road::{Protection, Road, Roads};
use brevdue::policy::{LeakAction, Policy};
use brevdue::scan::ruleset::Ruleset;
use brevdue::seal::NodeKey;
use brevdue::seal::keyfile::DpoPair;
use brevdue::spool::evidence::Evidence;
use brevdue::store::{CaseRow, Store};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use std::sync::Arc;
use tempfile::TempDir;

/// Made-up numbers that pass modulus 11.
const NUMBER: &str = "150379-1028";
const OTHER: &str = "010180-1012";
const PEER: &str = "mx.sikker.example[192.0.2.1]:25";

/// A gate, its register, and somebody who hears a log.
struct House {
    folder: TempDir,
    store: Arc<Store>,
    gate: Arc<Gate>,
    hands: VirtualClock,
    pair: DpoPair,
    counters: Arc<Counters>,
    witness: Witness,
}

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap()
}

impl House {
    fn new(leak: LeakAction) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("register.db")).unwrap());
        let hands = VirtualClock::at(start());
        let pair = DpoPair::generate();
        let controller = Controller {
            name: "Nørreby Kommune".to_owned(),
            cvr: "12345678".to_owned(),
            dpo: "dpo@noerreby.example".to_owned(),
            dpo_key: Some(pair.public.clone()),
            default: true,
            ..Controller::default()
        };
        let road =
            |domain: &str, protection| Road { domain: domain.to_owned(), protection, ..Road::default() };
        let known = vec![
            road("sikker.example", Protection::ForcedTls),
            road("tunnel.example", Protection::Tunnel),
            road("arkiv.example", Protection::Tunnel),
        ];
        let setup = Setup {
            rules: Arc::new(Ruleset::built_in().unwrap()),
            policy: Policy {
                leak,
                roads: Roads { known, default: Protection::Plaintext },
                ..Policy::default()
            },
            controllers: vec![controller],
            sources: Vec::new(),
            workers: None,
        };
        let register = Register {
            store: Arc::clone(&store),
            node_key: NodeKey::from_bytes([7; 32]),
            evidence: Evidence::below(folder.path()),
        };
        let gate = Arc::new(Gate::new(setup, register, Clock::Virtual(hands.clone())).with_log());
        let settings = Settings {
            source: Source::Journal,
            bypass: Bypass::Alarm,
            need_not_pass: vec!["relay".to_owned(), "*.inde.example".to_owned()],
            tls_logged: true,
        };
        let counters = Arc::new(Counters::default());
        let witness = Witness::new(Arc::clone(&gate), settings, Arc::clone(&counters), false);
        Self { folder, store, gate, hands, pair, counters, witness }
    }

    /// A mail with these numbers passes the gate.
    fn mail(&self, id: &str, to: &[&str], numbers: &[&str]) -> Verdict {
        self.mail_with(id, to, numbers, "Content-Type: text/plain\r\n\r\n", "")
    }

    /// The same with something before and behind its text.
    fn mail_with(&self, id: &str, to: &[&str], numbers: &[&str], before: &str, behind: &str) -> Verdict {
        let mut inspection = self.gate.begin();
        inspection.envelope = Envelope {
            sender: Address::parse(b"sagsbehandler@noerreby.example"),
            recipients: to.iter().filter_map(|to| Address::parse(to.as_bytes())).collect(),
            queue_id: QueueId::new(id),
            ..Envelope::default()
        };
        let text: String = numbers.iter().map(|one| format!("CPR-nr.: {one}\r\n")).collect();
        // One mail, whatever it is called when it comes.
        let name: String = id.chars().filter(char::is_ascii_digit).collect();
        inspection.feed(
            format!("Subject: x\r\nMessage-ID: <{name}@x.example>\r\n{before}{text}{behind}").as_bytes(),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(inspection.decide(Custody::Upstream)).verdict()
    }

    /// Lines of the log: the program and what it says.
    fn log(&mut self, lines: &[&str]) {
        for line in lines {
            let (program, text) = line.split_once(' ').unwrap();
            self.witness.hear(&format!("2026-11-17T10:20:00+01:00 mx postfix/{program}[7]: {text}")).unwrap();
        }
    }

    fn pass(&mut self, time: TimeDelta) {
        self.hands.set(Clock::Virtual(self.hands.clone()).now() + time);
        self.witness.tick().unwrap();
    }

    fn cases(&self) -> Vec<CaseRow> {
        self.store.cases().unwrap()
    }

    /// What lies in the folder of evidence.
    fn segments(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("evidence"));
        let mut names: Vec<String> = entries
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn rows(&self, table: &str) -> i64 {
        let beside = rusqlite::Connection::open(self.folder.path().join("register.db")).unwrap();
        beside.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).unwrap()
    }

    fn numbers(&self, case: &CaseRow) -> Vec<String> {
        Evidence::below(self.folder.path()).open(&case.id, self.pair.secret()).ok().unwrap().numbers
    }
}

fn session(protocol: &str) -> String {
    format!("smtp Verified TLS connection established to {PEER}: {protocol} with cipher X (256/256 bits)")
}

fn delivery(id: &str, domain: &str, peer: &str) -> String {
    format!(
        "smtp {id}: to=<a@{domain}>, relay={peer}, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)"
    )
}

const PROTECTED: Verdict = Verdict::Deliver(Pass::ProtectedRoad);

#[test]
fn a_promise_that_was_kept_leaves_nothing() {
    let mut house = House::new(LeakAction::Block);
    assert_eq!(house.mail("4bX1", &["a@sikker.example", "b@sikker.example"], &[NUMBER]), PROTECTED);
    assert_eq!((house.rows("promise"), house.rows("promise_person"), house.segments().len()), (1, 1, 1));
    assert!(house.cases().is_empty(), "it is no case");
    let sealed = std::fs::read(house.folder.path().join("evidence").join(&house.segments()[0])).unwrap();
    assert!(!sealed.windows(10).any(|window| window == b"1503791028"));

    house.log(&[&session("TLSv1.3"), &delivery("4bX1", "sikker.example", PEER)]);
    assert_eq!(house.rows("delivery"), 1);
    assert_eq!(house.rows("promise"), 1, "the other recipient is not settled");
    house.log(&[&delivery("4bX1", "sikker.example", PEER), "qmgr 4bX1: removed"]);
    for table in ["promise", "promise_person", "promise_salt", "delivery", "mail_name"] {
        assert_eq!(house.rows(table), 0, "{table}");
    }
    assert!(house.segments().is_empty() && house.cases().is_empty());
    assert_eq!(house.counters.snapshot().promises, [("kept", 1), ("broken", 0), ("expired", 0)]);
}

#[test]
fn a_promise_that_was_broken_is_a_breach_with_its_persons() {
    let mut house = House::new(LeakAction::Block);
    for (id, numbers) in [("4bX1", &[NUMBER][..]), ("4bX2", &[NUMBER, OTHER]), ("4bX3", &[OTHER])] {
        assert_eq!(house.mail(id, &["a@sikker.example"], numbers), PROTECTED);
    }
    house.pass(TimeDelta::minutes(5));
    house.log(&[&delivery("4bX1", "sikker.example", PEER)]);
    let cases = house.cases();
    assert_eq!((cases.len(), cases[0].state, cases[0].persons), (1, State::Assessing, 1));
    assert_eq!(cases[0].aware_at, Some(start() + TimeDelta::minutes(5)), "aware when the log told");
    assert!(cases[0].sealed);
    assert_eq!(house.numbers(&cases[0]), ["1503791028"]);

    // Another of the day: the same case, and who was counted is not counted again.
    house.log(&[&session("TLSv1.1"), &delivery("4bX2", "sikker.example", PEER)]);
    let cases = house.cases();
    assert_eq!((cases.len(), cases[0].mails, cases[0].persons), (1, 2, 2));
    assert_eq!(house.numbers(&cases[0]), ["0101801012", "1503791028"]);
    let file = house.store.case(&cases[0].id).unwrap().unwrap();
    let reasons: Vec<&str> = file.entries.iter().map(|entry| entry.reason.as_str()).collect();
    assert!(reasons[1].contains("ukrypteret") && reasons[2].contains("TLSv1.1"), "{reasons:?}");
    assert_eq!(file.messages[1].proofs, ["plaintext"]);
    assert_eq!(
        (file.messages[0].disposition.as_str(), file.messages[0].proofs[0].as_str()),
        ("sent", "verified TLSv1.1")
    );
    // The third was kept: nothing but the case stays.
    house.log(&[&session("TLSv1.2"), &delivery("4bX3", "sikker.example", PEER), "qmgr 4bX3: removed"]);
    assert_eq!((house.rows("promise"), house.rows("promise_salt")), (0, 0));
    assert_eq!(house.segments(), [format!("{}.seg", cases[0].id)]);
    // Nothing of a number stands in what lies on this disk.
    for name in ["register.db", "register.db-wal"] {
        let bytes = std::fs::read(house.folder.path().join(name)).unwrap();
        for number in [NUMBER, OTHER, "1503791028", "0101801012"] {
            assert!(!bytes.windows(number.len()).any(|window| window == number.as_bytes()), "{name}");
        }
    }
    // Telling again changes nothing.
    house.log(&[&delivery("4bX1", "sikker.example", PEER), "qmgr 4bX1: removed"]);
    assert_eq!((house.cases().len(), house.cases()[0].mails), (1, 2));
}

/// One mail to two controllers of a processor's relay: what the log says of the one's recipient is no evidence of the other's.
#[test]
fn a_case_is_told_how_its_own_part_of_a_mail_travelled() {
    let mut house = House::new(LeakAction::Deliver);
    let setup = house.gate.setup();
    let controller = |name: &str, cvr: &str| Controller {
        name: name.to_owned(),
        cvr: cvr.to_owned(),
        recipients: vec![format!("{name}.example")],
        default: false,
        ..setup.controllers[0].clone()
    };
    house.gate.swap(Setup {
        rules: Arc::clone(&setup.rules),
        policy: setup.policy.clone(),
        controllers: vec![
            setup.controllers[0].clone(),
            controller("a", "22222222"),
            controller("b", "33333333"),
        ],
        sources: Vec::new(),
        workers: None,
    });
    house.mail("4bX1", &["x@a.example", "y@b.example"], &[NUMBER]);
    house.log(&[
        &session("TLSv1.3"),
        &delivery("4bX1", "a.example", PEER),
        &delivery("4bX1", "b.example", "mx.b.example[192.0.2.2]:25")
            .replace("=sent (250 ok)", "=deferred (no)"),
        &delivery("4bX1", "alias.example", PEER),
    ]);
    let cases = house.cases();
    assert_eq!(cases.len(), 2);
    for (name, other, status) in [("a", "b.example", "sent"), ("b", "a.example", "deferred")] {
        let case = cases.iter().find(|case| case.controller == name).unwrap();
        let journeys = house.store.journeys(&case.id, 10).unwrap();
        let told: Vec<&str> = journeys[0].deliveries.iter().map(|one| one.domain.as_str()).collect();
        assert!(told.len() == 2 && !told.contains(&other) && told.contains(&"alias.example"), "{told:?}");
        assert!(journeys[0].deliveries.iter().any(|one| one.status == status));
        let file = house.store.case(&case.id).unwrap().unwrap();
        assert!(!file.messages[0].proofs.is_empty());
    }
}

/// A logo that nobody reads lets the mail pass for another reason, and no more freely.
#[test]
fn a_picture_beside_the_number_takes_nothing_from_the_promise() {
    let mut house = House::new(LeakAction::Block);
    let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n";
    let logo = "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
    let verdict = house.mail_with("4bX1", &["a@sikker.example"], &[NUMBER], head, logo);
    assert_eq!(verdict, Verdict::Deliver(Pass::UnreadAllowed));
    assert_eq!((house.rows("promise"), house.cases().len()), (1, 0));
    house.log(&[&delivery("4bX1", "sikker.example", PEER)]);
    assert_eq!((house.cases().len(), house.cases()[0].persons), (1, 1));
}

#[test]
fn content_that_was_told_in_the_clear_is_out_even_where_the_peer_refused_it() {
    let mut house = House::new(LeakAction::Block);
    house.mail("4bX1", &["a@sikker.example"], &[NUMBER]);
    let deferred = |why: &str| {
        delivery("4bX1", "sikker.example", PEER)
            .replace("status=sent (250 ok)", &format!("status=deferred ({why})"))
    };
    house.log(&[
        &deferred("connect to mx.sikker.example[192.0.2.1]:25: Connection refused"),
        &deferred("host mx.sikker.example[192.0.2.1] said: 450 no (in reply to RCPT TO command)"),
        // A peer may say what it likes.
        &deferred("host mx.sikker.example[192.0.2.1] said: 450 while busy (in reply to MAIL FROM command)"),
    ]);
    assert!(house.cases().is_empty());
    house.log(&[&deferred(
        "host mx.sikker.example[192.0.2.1] said: 451 no (in reply to end of DATA command)",
    )]);
    assert_eq!((house.cases().len(), house.cases()[0].persons), (1, 1));
}

/// The register is locked by another program for longer than a writer waits: the line is heard again, and counts once.
#[test]
fn a_line_that_could_not_be_recorded_is_heard_again() {
    let mut house = House::new(LeakAction::Block);
    house.mail("4bX1", &["a@sikker.example"], &[NUMBER]);
    let line = format!(
        "2026-11-17T10:20:00Z mx postfix/{}",
        delivery("4bX1", "sikker.example", PEER).replacen(' ', "[7]: ", 1)
    );
    let beside = rusqlite::Connection::open(house.folder.path().join("register.db")).unwrap();
    beside.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(house.witness.hear(&line).unwrap_err().is_temporary());
    assert!(house.cases().is_empty() && house.segments().len() == 1);
    beside.execute_batch("COMMIT").unwrap();
    house.witness.hear(&line).unwrap();
    assert_eq!((house.cases().len(), house.cases()[0].mails, house.rows("delivery")), (1, 1, 1));
}

#[test]
fn what_is_not_proved_is_no_breach_and_waits_for_thirty_days() {
    let mut house = House::new(LeakAction::Block);
    house.mail("4bX1", &["a@sikker.example"], &[NUMBER]);
    // A session with somebody else.
    house.log(&[
        &session("TLSv1.3"),
        &delivery("4bX1", "sikker.example", "mx.other.example[192.0.2.9]:25"),
        "qmgr 4bX1: removed",
    ]);
    assert!(house.cases().is_empty());
    assert_eq!((house.rows("promise"), house.segments().len()), (1, 1));
    assert_eq!(house.counters.snapshot().deliveries[6], ("unproven", 1));
    house.pass(TimeDelta::days(29));
    assert_eq!(house.rows("promise"), 1);
    house.pass(TimeDelta::days(2));
    assert_eq!((house.rows("promise"), house.rows("delivery"), house.segments().len()), (0, 0, 0));
    assert_eq!(house.counters.snapshot().promises[2], ("expired", 1));
}

#[test]
fn a_tunnel_needs_no_tls_and_where_an_alias_leads_does() {
    let mut house = House::new(LeakAction::Block);
    assert_eq!(house.mail("4bX1", &["a@tunnel.example"], &[NUMBER]), PROTECTED);
    assert_eq!(house.rows("promise"), 0, "nothing is asked of a tunnel");
    house.mail("4bX2", &["a@sikker.example", "a@tunnel.example"], &[NUMBER]);
    // A BCC map to the archive, whose road is a tunnel today.
    house.log(&[&delivery("4bX2", "tunnel.example", PEER), &delivery("4bX2", "arkiv.example", PEER)]);
    assert!(house.cases().is_empty());
    let alias =
        delivery("4bX2", "elsewhere.example", PEER).replace(", relay", ", orig_to=<a@sikker.example>, relay");
    house.log(&[&alias]);
    assert_eq!(house.cases().len(), 1);
}

#[test]
fn a_mail_that_was_requeued_or_handed_back_is_followed() {
    let mut house = House::new(LeakAction::Reroute);
    assert_eq!(house.mail("4bX1", &["a@post.example"], &[NUMBER]), Verdict::Reroute);
    assert_eq!(house.cases()[0].state, State::NearMiss);
    house.log(&[
        "postsuper 4bX1: requeued",
        "pickup 4bY1: uid=102 from=<sagsbehandler@noerreby.example> orig_id=4bX1",
        "cleanup 4bY1: message-id=<1@x.example>",
        &delivery("4bY1", "post.example", "mx.post.example[192.0.2.5]:25"),
        "qmgr 4bY1: removed",
    ]);
    let cases = house.cases();
    assert_eq!(cases.len(), 2);
    let (breach, near) = (&cases[0], &cases[1]);
    assert_eq!((breach.state.kind(), near.state.kind()), (Kind::Breach, Kind::NearMiss));
    assert_eq!(house.numbers(breach), ["1503791028"]);
    let near = house.store.case(&near.id).unwrap().unwrap();
    assert!(near.entries.last().unwrap().reason.contains(breach.id.as_str()), "{:?}", near.entries);
    let journeys = house.store.journeys(&breach.id, 10).unwrap();
    assert_eq!((journeys[0].queue_id.as_deref(), journeys[0].disposition()), (Some("4bX1"), "sent"));
    assert_eq!(journeys[0].deliveries[0].queue_id, "4bY1");

    // A filter of this machine hands it back: what is said of its new name comes before the line that tells the name.
    let long = |n: u8| format!("4jYXG{n}0000z{n}");
    let mut house = House::new(LeakAction::Block);
    house.mail(&long(1), &["a@sikker.example"], &[NUMBER]);
    let back = delivery(&long(1), "sikker.example", "127.0.0.1[127.0.0.1]:10024")
        .replace("250 ok", &format!("250 2.0.0 Ok: queued as {}", long(2)));
    house.log(&[
        &delivery(&long(2), "sikker.example", PEER),
        &format!("qmgr {}: removed", long(2)),
        &back,
        &format!("qmgr {}: removed", long(1)),
    ]);
    assert_eq!(house.cases().len(), 1, "{:?}", house.counters.snapshot());
    house.pass(TimeDelta::minutes(1));
    assert_eq!(house.counters.snapshot().bypassed, 0);
}

#[test]
fn what_was_refused_promised_nothing() {
    let mut house = House::new(LeakAction::Block);
    let verdict = house.mail("4bX1", &["a@sikker.example", "b@post.example"], &[NUMBER]);
    assert_eq!(verdict, Verdict::Block);
    house.log(&[
        "cleanup 4bX1: milter-reject: END-OF-MESSAGE from c[192.0.2.2]: 5.7.1 no; from=<a@b.example>",
    ]);
    assert_eq!((house.rows("promise"), house.segments().len()), (0, 0));
    assert_eq!(house.cases()[0].state, State::NearMiss);
}

#[test]
fn a_message_that_comes_again_is_followed_by_both_names() {
    let mut house = House::new(LeakAction::Deliver);
    house.mail("4bX1", &["a@post.example"], &[NUMBER]);
    house.mail("4cX1", &["a@post.example"], &[NUMBER]);
    let cases = house.cases();
    assert_eq!((cases.len(), cases[0].mails), (1, 1));
    let deferred = delivery("4cX1", "post.example", PEER).replace("status=sent", "status=deferred");
    let show = |house: &House| {
        let file = house.store.case(&cases[0].id).unwrap().unwrap();
        file.messages[0].disposition.clone()
    };
    assert_eq!(show(&house), "answered");
    house.log(&[&deferred, &deferred]);
    assert_eq!((show(&house).as_str(), house.rows("delivery")), ("deferred", 1));
    house.log(&["qmgr 4cX1: from=<a@b.example>, status=expired, returned to sender"]);
    assert_eq!(show(&house), "returned");
    house.log(&[&delivery("4bX1", "post.example", PEER)]);
    assert_eq!(show(&house), "sent");
}

#[test]
fn mail_that_went_past_us_is_counted_and_told_once_an_hour() {
    let mut house = House::new(LeakAction::Block);
    // Long names of a week later.
    let id = |n: u32| QueueId::new(&format!("4jYXG80000z{n}")).unwrap();
    house.pass(id(1).time().unwrap() + TimeDelta::seconds(5) - start());
    house.mail(id(1).as_str(), &["a@post.example"], &[]);
    let sent = |n: u32| delivery(id(n).as_str(), "post.example", "mx.post.example[192.0.2.5]:25");
    house.log(&[
        &sent(1),
        // Not ours to see, by transport and by next hop.
        &sent(2).replace("smtp ", "relay/smtp "),
        &sent(3).replace("mx.post.example", "mx.inde.example"),
        // A bounce that Postfix wrote, a mail with a short name, one from before us, one that did not leave.
        &format!("bounce {}: sender non-delivery notification: {}", id(1), id(4)),
        &sent(4),
        &delivery("A3F0B1C2D", "post.example", PEER),
        &delivery("4dhRlh0000z1", "post.example", PEER),
        &sent(5).replace("status=sent", "status=deferred"),
    ]);
    house.pass(TimeDelta::minutes(1));
    assert_eq!(house.counters.snapshot().bypassed, 0);
    // Two recipients are one mail.
    house.log(&[&sent(6), &sent(6), &sent(7)]);
    assert_eq!(house.counters.snapshot().bypassed, 0, "its name may come yet");
    house.pass(TimeDelta::minutes(1));
    assert_eq!(house.counters.snapshot().bypassed, 2);
    let now = Clock::Virtual(house.hands.clone()).now();
    let notice = house.store.bypass_to_tell(now).unwrap().unwrap();
    assert_eq!((notice.mails, notice.recipient.as_str()), (2, "dpo@noerreby.example"));
    assert_eq!((notice.transport.as_str(), notice.queue_id.as_str()), ("smtp", id(7).as_str()));
    house.store.bypass_told(&notice, now).unwrap();
    house.log(&[&sent(8)]);
    house.pass(TimeDelta::minutes(1));
    let later = |minutes| now + TimeDelta::minutes(minutes);
    assert_eq!(house.store.bypass_to_tell(later(59)).unwrap(), None);
    let notice = house.store.bypass_to_tell(later(61)).unwrap().unwrap();
    assert_eq!(notice.mails, 1);
    house.store.bypass_delayed(&notice, later(63), "down").unwrap();
    assert_eq!(house.store.bypass_to_tell(later(62)).unwrap(), None);
    assert_eq!(house.store.bypassed_since(now - TimeDelta::hours(1)).unwrap(), 3);
}
