//! The clock that wakes people, over a real register and a real SMTP session, with a virtual clock and a mail server that
//! comes and goes.

use crate::support::daemon::{DPO, Daemon, DaemonOptions};
use crate::support::put;
use crate::support::sink::{Fault, Mode, Sink, SinkOptions, Step};
use brevdue::alarm::{Alarm, Settings};
use brevdue::case::CaseId;
use brevdue::case::detection::{Detection, Outcome};
use brevdue::clock::{Clock, VirtualClock};
use brevdue::daemon::load_rules;
use brevdue::envelope::{Controller, Pass, Verdict};
use brevdue::scan::ruleset::Ruleset;
use brevdue::store::{NoticeRow, Opening, Store};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use mailparse::MailHeaderMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A register, a clock that is moved by hand, and the DPO's mail server.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) store: Arc<Store>,
    pub(crate) hands: VirtualClock,
    pub(crate) now: DateTime<Utc>,
    pub(crate) dpo: Sink,
    pub(crate) alarm: Alarm,
    pub(crate) runtime: Runtime,
    pub(crate) cases: u16,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("register.db")).unwrap());
        // Tuesday 17-11-2026 10:20 in Denmark.
        let now = Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap();
        let hands = VirtualClock::at(now);
        let dpo = Sink::start(SinkOptions::default()).unwrap();
        let alarm = alarm(&store, &hands, &dpo);
        let runtime = Runtime::new().unwrap();
        Self { folder, store, hands, now, dpo, alarm, runtime, cases: 0 }
    }

    pub(crate) fn go(&mut self, by: TimeDelta) {
        self.now += by;
        self.hands.set(self.now);
    }

    /// A breach (or a near miss) that is found now, in a case of its own.
    pub(crate) fn case(&mut self, outcome: Outcome, controller: &str) -> CaseId {
        self.case_of(outcome, controller, DPO)
    }

    /// The same, of another controller's DPO.
    pub(crate) fn case_of(&mut self, outcome: Outcome, controller: &str, dpo: &str) -> CaseId {
        self.cases += 1;
        let controller = Controller {
            name: controller.to_owned(),
            cvr: "12345678".to_owned(),
            domains: Vec::new(),
            dpo: dpo.to_owned(),
            dpo_key: None,
            default: true,
            ..Controller::default()
        };
        let verdict = match outcome {
            Outcome::Stopped => Verdict::Block,
            Outcome::Delivered { .. } => Verdict::Deliver(Pass::Observed),
        };
        let detection = Detection {
            at: self.now,
            queue_id: None,
            message: self.digest(),
            verdict,
            outcome,
            sender_domain: "noerreby.example".to_owned(),
            recipient_domains: vec!["post.example".to_owned()],
            recipients: 1,
            findings: 1,
            persons: 1,
            persons_exact: true,
        };
        let opening = Opening {
            controller: &controller,
            source: None,
            root: self.digest(),
            grouping: self.digest(),
            salt: [1; 16],
        };
        self.store.record(|recording| recording.join(&detection, &opening)).unwrap().case
    }

    pub(crate) fn digest(&self) -> [u8; 16] {
        let mut digest = [0; 16];
        digest[..2].copy_from_slice(&self.cases.to_be_bytes());
        digest
    }

    pub(crate) fn breach(&mut self) -> CaseId {
        self.case(Outcome::Delivered { certain: true }, "Nørreby Kommune")
    }

    /// One round, and how many letters it sent.
    pub(crate) fn round(&self) -> usize {
        self.runtime.block_on(self.alarm.round()).unwrap()
    }

    /// Rounds every 30 s of the virtual clock; the instants at which letters went, as minutes from the start, and how many.
    pub(crate) fn live(&mut self, time: TimeDelta) -> Vec<(i64, usize)> {
        let (start, end) = (self.now, self.now + time);
        let mut sent = Vec::new();
        loop {
            let letters = self.round();
            if letters > 0 {
                sent.push(((self.now - start).num_minutes(), letters));
            }
            if self.now >= end {
                return sent;
            }
            self.go(TimeDelta::seconds(30));
        }
    }

    pub(crate) fn notices(&self, case: &CaseId) -> Vec<NoticeRow> {
        self.store.case(case).unwrap().unwrap().notices
    }

    pub(crate) fn states(&self, case: &CaseId) -> Vec<(String, String)> {
        self.notices(case).into_iter().map(|notice| (notice.milestone.word(), notice.state)).collect()
    }

    /// The letters that the DPO has: subject and body.
    pub(crate) fn letters(&self) -> Vec<(String, String)> {
        let read = |data: &[u8]| {
            let mail = mailparse::parse_mail(data).unwrap();
            let subject = mail.headers.get_first_value("Subject").unwrap();
            (subject, text_of(&mail))
        };
        self.dpo.received().iter().map(|mail| read(&mail.data)).collect()
    }
}

/// What a letter says: the text before what is attached.
pub(crate) fn text_of(mail: &mailparse::ParsedMail<'_>) -> String {
    mail.subparts.first().unwrap_or(mail).get_body().unwrap()
}

pub(crate) fn alarm(store: &Arc<Store>, hands: &VirtualClock, dpo: &Sink) -> Alarm {
    let settings = Settings {
        smtp: format!("smtp://{}", dpo.addr()),
        from: "brevdue@noerreby.example".to_owned(),
        ..Settings::default()
    };
    let rules = Arc::new(Ruleset::built_in().unwrap());
    Alarm::new(Arc::clone(store), &settings, rules, Clock::Virtual(hands.clone())).unwrap()
}

#[test]
fn every_milestone_is_told_once_and_at_its_time() {
    let mut house = House::new();
    let case = house.breach();
    // In steps of 30 s over 80 hours: each letter goes in the round of its minute.
    let sent = house.live(TimeDelta::hours(80));
    // The last staffed hour is that of the hour before; 14:20 on Friday is four hours behind the deadline.
    let hours: Vec<(i64, usize)> = [0, 24, 48, 60, 68, 71, 72, 76].map(|hour| (hour * 60, 1)).to_vec();
    assert_eq!(sent, hours);
    let letters = house.letters();
    let subjects: Vec<&str> = letters.iter().map(|(subject, _)| subject.as_str()).collect();
    for (subject, word) in subjects.iter().zip([
        "72 timer tilbage",
        "48 timer tilbage",
        "24 timer tilbage",
        "12 timer tilbage",
        "4 timer tilbage",
        "Sidste bemandede time før fristen: 1 time tilbage",
        "FRISTEN ER OVERSKREDET",
        "STADIG OVERSKREDET",
    ]) {
        assert!(subject.contains(word) && subject.contains(case.as_str()), "{word}: {subjects:#?}");
    }
    assert!(letters.iter().all(|(_, body)| body.contains("20-11-2026 kl. 10:20")), "the deadline itself");
    let settled: Vec<(String, String)> =
        house.states(&case).into_iter().filter(|(_, state)| state != "sent").collect();
    // The next repetition is planned one ahead: daily, since nobody is at work on a Saturday.
    let rest = [("left-1h", "merged"), ("overdue-again", "due")];
    assert_eq!(settled, rest.map(|(step, state)| (step.to_owned(), state.to_owned())));
    assert_eq!(house.notices(&case).last().unwrap().due_at, house.now + TimeDelta::hours(20));
}

#[test]
fn a_near_miss_is_told_once() {
    let mut house = House::new();
    let case = house.case(Outcome::Stopped, "Nørreby Kommune");
    assert_eq!(house.live(TimeDelta::hours(1)), [(0, 1)]);
    house.go(TimeDelta::hours(100));
    assert_eq!(house.round(), 0);
    let (subject, body) = house.letters().remove(0);
    assert!(
        subject.contains("Afværget") && body.contains("ingen frist") && body.contains(case.as_str()),
        "{body}"
    );
}

#[test]
fn a_clock_that_jumps_merges_what_is_late_into_the_most_pressing() {
    let mut house = House::new();
    let case = house.breach();
    assert_eq!(house.round(), 1);
    house.go(TimeDelta::hours(69));
    assert_eq!((house.round(), house.round()), (1, 0));
    let merged = |words: &[&str], state: &str| -> Vec<(String, String)> {
        words.iter().map(|word| ((*word).to_owned(), state.to_owned())).collect()
    };
    let mut expected = merged(&["opened"], "sent");
    expected.extend(merged(&["left-48h", "left-24h", "left-12h"], "merged"));
    expected.extend(merged(&["left-4h"], "sent"));
    expected.extend(merged(&["left-1h", "last-staffed", "overdue"], "due"));
    assert_eq!(house.states(&case), expected);
    assert!(house.letters()[1].0.contains("3 timer tilbage"), "{:?}", house.letters()[1].0);

    // Back, and on again: nothing twice, nothing lost.
    house.go(TimeDelta::hours(-40));
    assert_eq!(house.round(), 0);
    house.go(TimeDelta::hours(43));
    assert_eq!(house.round(), 1);
    assert!(house.letters()[2].0.contains("OVERSKREDET"));
    assert_eq!(house.dpo.received().len(), 3);
}

#[test]
fn a_clock_that_was_ahead_puts_no_letter_off() {
    let mut house = House::new();
    house.breach();
    // Tried in vain while the clock was a day ahead, and five letters went then.
    house.go(TimeDelta::hours(24));
    house.dpo.set_mode(Mode::Down);
    assert_eq!(house.round(), 0);
    house.dpo.set_mode(Mode::Up);
    for _ in 0..8 {
        house.case(Outcome::Delivered { certain: true }, "Nørreby Kommune");
        house.round();
    }
    house.go(TimeDelta::hours(-24));
    let late = house.breach();
    // Those of the clock that was ahead are aware now, and told of by their right deadline.
    assert_eq!((house.round(), house.round()), (1, 0), "all of them in one letter");
    assert_eq!(house.states(&late)[0], ("opened".to_owned(), "sent".to_owned()));
}

#[test]
fn a_mail_server_that_is_down_or_refuses_delays_and_loses_nothing() {
    for fault in [
        None,
        Some(Mode::Down),
        Some(Mode::Fail(Step::Rcpt, Fault::Reply(550))),
        Some(Mode::Fail(Step::End, Fault::Reply(554))),
        Some(Mode::Fail(Step::End, Fault::Cut)),
    ] {
        let mut house = House::new();
        let case = house.breach();
        match fault {
            Some(mode) => house.dpo.set_mode(mode),
            None => house.dpo.stop(),
        }
        assert_eq!(house.live(TimeDelta::hours(2)), [], "{fault:?}");
        let notice = house.notices(&case).remove(0);
        assert_eq!((notice.state.as_str(), notice.sent_at), ("due", None), "{fault:?}");
        // 30 s, 1, 2, 4, 8, then every 15 minutes: 13 in the first two hours.
        assert!((8..=16).contains(&notice.attempts), "{fault:?}: {} attempts", notice.attempts);
        assert!(notice.last_error.is_some_and(|error| !error.is_empty()), "{fault:?}");
        assert!(house.dpo.received().is_empty());

        house.dpo.set_mode(Mode::Up);
        if fault.is_none() {
            house.dpo.restart().unwrap();
        }
        let sent = house.live(TimeDelta::minutes(16));
        assert!(sent.len() == 1 && sent[0].1 == 1, "{fault:?}: {sent:?}");
        assert_eq!(house.states(&case)[0], ("opened".to_owned(), "sent".to_owned()));
        assert_eq!(house.letters().len(), 1);
    }
}

#[test]
fn a_letter_whose_answer_was_lost_goes_twice_rather_than_never() {
    let mut house = House::new();
    house.breach();
    house.dpo.set_mode(Mode::Fail(Step::End, Fault::KeepAndCut));
    assert_eq!(house.round(), 0);
    house.dpo.set_mode(Mode::Up);
    house.go(TimeDelta::minutes(2));
    assert_eq!((house.round(), house.round()), (1, 0));
    assert_eq!(house.letters().len(), 2);
}

#[test]
fn a_storm_is_one_letter() {
    let mut house = House::new();
    let cases: Vec<CaseId> = (0..25).map(|_| house.breach()).collect();
    assert_eq!((house.round(), house.round()), (1, 0));
    let (subject, body) = house.letters().remove(0);
    assert!(subject.contains("25 sager") && subject.contains("72 timer tilbage"), "{subject}");
    for case in &cases {
        assert!(body.contains(case.as_str()), "{case} is missing:\n{body}");
        assert_eq!(house.states(case)[0].1, "sent");
    }
    // Their later milestones are one letter each too.
    house.go(TimeDelta::hours(24));
    assert_eq!(house.round(), 1);
}

#[test]
fn openings_above_five_an_hour_are_gathered_and_none_waits_more_than_an_hour() {
    // One a minute; three at once, which are letters of their own; a storm that does not end.
    for (every, at_once, rounds) in
        [(TimeDelta::minutes(1), 1, 120), (TimeDelta::minutes(10), 3, 12), (TimeDelta::minutes(1), 4, 60)]
    {
        let mut house = House::new();
        let (start, mut opened) = (house.now, Vec::new());
        let mut letters = Vec::new();
        for _ in 0..rounds {
            for _ in 0..at_once {
                opened.push((house.now, house.breach()));
            }
            let from = (house.now - start).num_minutes();
            // live() ends with a round at the next step's own time; what is opened then is seen by the next call.
            let sent = house.live(every - TimeDelta::seconds(30));
            house.go(TimeDelta::seconds(30));
            letters.extend(sent.into_iter().map(|(minute, count)| (from + minute, count)));
        }
        let sent = house.live(TimeDelta::hours(2));
        letters.extend(
            sent.into_iter().map(|(minute, count)| ((house.now - start).num_minutes() - 120 + minute, count)),
        );
        for hour in 0..240 {
            let within: usize =
                letters.iter().filter(|(at, _)| (hour..hour + 60).contains(at)).map(|(_, count)| count).sum();
            assert!(within <= 5, "{within} letters in the hour from minute {hour}: {letters:?}");
        }
        for (at, case) in opened {
            let told = house.notices(&case)[0].sent_at.unwrap_or_else(|| panic!("{case} was never told of"));
            let waited = (told - at).num_minutes();
            assert!(
                waited <= 60,
                "{case}, opened at minute {}, was told {waited} minutes late",
                (at - start).num_minutes()
            );
        }
    }
}

#[test]
fn a_breach_is_told_at_once_however_much_was_stopped() {
    let mut house = House::new();
    for _ in 0..8 {
        house.case(Outcome::Stopped, "Nørreby Kommune");
        house.round();
        house.go(TimeDelta::minutes(1));
    }
    let waiting = house.store.due_notices(house.now + TimeDelta::hours(1)).unwrap().len();
    assert_eq!(waiting, 3, "the sixth near miss of an hour waits for the digest");
    let breach = house.breach();
    assert_eq!(house.round(), 1);
    assert!(house.states(&breach).contains(&("opened".to_owned(), "sent".to_owned())));
}

#[test]
fn another_process_over_the_same_register_sends_what_is_due() {
    let mut house = House::new();
    let case = house.breach();
    house.dpo.set_mode(Mode::Down);
    assert_eq!(house.round(), 0);
    let House { folder, store, hands, now, dpo, alarm: old, runtime, .. } = house;
    drop((old, store));

    dpo.set_mode(Mode::Up);
    hands.set(now + TimeDelta::hours(25));
    let store = Arc::new(Store::open(&folder.path().join("register.db")).unwrap());
    let alarm = alarm(&store, &hands, &dpo);
    assert_eq!(runtime.block_on(alarm.round()).unwrap(), 1);
    assert_eq!(runtime.block_on(alarm.round()).unwrap(), 0);
    let states: Vec<String> =
        store.case(&case).unwrap().unwrap().notices.into_iter().map(|notice| notice.state).collect();
    assert_eq!(states[..2], ["merged", "sent"]);
}

#[test]
fn a_letter_never_holds_a_number_even_when_the_controllers_name_does() {
    for number in ["150379-1028", "1503791028"] {
        let mut house = House::new();
        let case = house.case(Outcome::Delivered { certain: true }, &format!("Hansen, cpr {number}"));
        assert_eq!(house.round(), 1);
        let (subject, body) = house.letters().remove(0);
        assert!(
            subject.contains("se fortegnelsen") && body.contains("brevdue case list"),
            "{subject}\n{body}"
        );
        let raw = String::from_utf8_lossy(&house.dpo.received()[0].data).into_owned();
        assert!(!raw.contains("150379") && !raw.contains("1028") && !raw.contains("Hansen"), "{raw}");
        assert_eq!(house.states(&case)[0].1, "sent");
    }
}

#[test]
fn rules_that_are_swapped_read_the_next_letter() {
    let mut house = House::new();
    let rules = house.folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    for name in ["cpr.toml", "context.da.toml", "lookalikes.toml"] {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules").join(name);
        let text = std::fs::read_to_string(shipped).unwrap();
        // So high that nothing is reported.
        let blind = text.replace("\npossible = -1.5", "\npossible = 97.0");
        let blind =
            blind.replace("\nlikely = 1.2", "\nlikely = 98.0").replace("certain = 5.0", "certain = 99.0");
        assert_eq!(blind != text, name == "cpr.toml");
        put(&rules.join(name), blind.as_bytes()).unwrap();
    }
    let all = [Some(rules.as_path()), None].map(|folder| Arc::new(load_rules(folder).unwrap()));
    let at = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&at);
    let first = alarm(&house.store, &house.hands, &house.dpo);
    house.alarm = first.following(move || Arc::clone(&all[now.load(Ordering::SeqCst)]));
    for (which, is_fixed) in [(0, false), (1, true), (0, false)] {
        at.store(which, Ordering::SeqCst);
        house.case(Outcome::Delivered { certain: true }, "Hansen, cpr 150379-1028");
        assert_eq!(house.round(), 1);
        let (subject, body) = house.letters().pop().unwrap();
        assert_eq!(subject.contains("se fortegnelsen"), is_fixed, "{subject}");
        assert_eq!(body.contains("Hansen"), !is_fixed, "{body}");
    }
}

#[test]
fn alarm_test_reaches_every_dpo() {
    let mut dpo = Sink::start(SinkOptions::default()).unwrap();
    let other = "[[controller]]\nname = \"Anden Kommune\"\ncvr = \"87654321\"\ndomains = [\"anden.example\"]\n\
                 dpo = \"dpo@anden.example\"";
    let options = DaemonOptions { alarm: Some(dpo.addr()), ..DaemonOptions::with(other) };
    let daemon = Daemon::start(&options).unwrap();
    let told = daemon.run(&["alarm", "test"]).unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut to: Vec<String> = dpo.received().into_iter().flat_map(|mail| mail.rcpts).collect();
    to.sort();
    assert_eq!(to, ["dpo@anden.example", DPO]);
    let printed = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(printed.contains(DPO) && printed.contains("dpo@anden.example"), "{printed}");

    dpo.stop();
    let told = daemon.run(&["alarm", "test"]).unwrap();
    assert_eq!(told.status.code(), Some(2));
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(said.matches("FAILED").count(), 2, "each of them is tried: {said}");
    assert!(
        said.contains("did not take the notice") && said.contains("nobody stands behind the DPO"),
        "{said}"
    );
    assert!(String::from_utf8_lossy(&told.stderr).contains("2 of 2 tries failed"));
}

/// A processor's notice: a letter to each controller, with what it is about as JSON beside it and nothing of another's.
#[test]
fn a_processor_tells_each_controller_with_the_facts_as_json() {
    let mut house = House::new();
    let settings = Settings {
        smtp: format!("smtp://{}", house.dpo.addr()),
        from: "brevdue@noerreby.example".to_owned(),
        processor: Some("Leverandøren A/S".to_owned()),
        ..Settings::default()
    };
    let rules = Arc::new(Ruleset::built_in().unwrap());
    let clock = Clock::Virtual(house.hands.clone());
    house.alarm = Alarm::new(Arc::clone(&house.store), &settings, rules, clock).unwrap();
    let case = house.breach();
    assert_eq!(house.round(), 1);
    let received = house.dpo.received();
    let mail = mailparse::parse_mail(&received[0].data).unwrap();
    assert_eq!(mail.ctype.mimetype, "multipart/mixed");
    let text = mail.subparts[0].get_body().unwrap();
    for part in ["artikel 33, stk. 2", "Leverandøren A/S", "17-11-2026 kl. 10:20", case.as_str()] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json: serde_json::Value = serde_json::from_slice(&mail.subparts[1].get_body_raw().unwrap()).unwrap();
    assert_eq!(
        (&json["processor"], &json["sent_at"]),
        (&"Leverandøren A/S".into(), &"2026-11-17T09:20:00Z".into())
    );
    let [one] = json["cases"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!((&one["id"], &one["kind"]), (&case.as_str().into(), &"breach".into()));
    assert_eq!(one["deadline"], "2026-11-20T09:20:00Z");
    let sent = house.notices(&case).into_iter().find(|notice| notice.state == "sent").unwrap();
    assert_eq!((sent.begun_at, sent.sent_at), (Some(house.now), Some(house.now)));
}
