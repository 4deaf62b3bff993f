//! The second mail server and the webhook, when the first mail server fails; and what a letter carries.

use super::receiver::{Receiver, header};
use crate::alarm::House;
use crate::support::daemon::DPO;
use crate::support::identity::Identity;
use crate::support::put;
use crate::support::sink::{Fault, Mode, Sink, SinkOptions, Step};
use brevdue::alarm::{Alarm, Settings};
use brevdue::case::act::Act;
use brevdue::case::detection::Outcome;
use brevdue::clock::Clock;
use brevdue::outlet::webhook;
use brevdue::scan::ruleset::Ruleset;
use brevdue::store::Channel;
use chrono::TimeDelta;
use mailparse::MailHeaderMap;
use std::sync::Arc;

const KEY: &str = "8d3f6a0c5be14e02";

/// The house's alarm with other roads.
pub(super) fn with(house: &mut House, settings: impl FnOnce(Settings) -> Settings) {
    let settings = settings(Settings {
        smtp: format!("smtp://{}", house.dpo.addr()),
        from: "brevdue@noerreby.example".to_owned(),
        ..Settings::default()
    });
    let rules = Arc::new(Ruleset::built_in().unwrap());
    let clock = Clock::Virtual(house.hands.clone());
    house.alarm = Alarm::new(Arc::clone(&house.store), &settings, rules, clock).unwrap();
}

pub(super) fn hook(house: &House, url: String, ca: Option<&str>) -> webhook::Settings {
    let key_file = house.folder.path().join("webhook.key");
    put(&key_file, format!("{KEY}\n").as_bytes()).unwrap();
    let ca = ca.map(|pem| {
        let path = house.folder.path().join("ca.pem");
        put(&path, pem.as_bytes()).unwrap();
        path
    });
    webhook::Settings { url, key_file, ca }
}

#[test]
fn the_second_server_takes_what_the_first_does_not() {
    for fault in [Mode::Down, Mode::Fail(Step::Rcpt, Fault::Reply(550)), Mode::Fail(Step::End, Fault::Cut)] {
        let mut house = House::new();
        let second = Sink::start(SinkOptions::default()).unwrap();
        with(&mut house, |all| Settings { second: Some(format!("smtp://{}", second.addr())), ..all });
        let case = house.breach();
        house.dpo.set_mode(fault);
        assert_eq!((house.round(), house.round()), (1, 0), "{fault:?}");
        assert_eq!(second.received()[0].rcpts, [DPO]);
        house.dpo.set_mode(Mode::Up);
        house.go(TimeDelta::hours(1));
        assert_eq!(house.round(), 0, "{fault:?}: it was told");
        let rows = house.notices(&case);
        let state = |channel| {
            let row = rows.iter().find(|row| row.milestone.word() == "opened" && row.channel == channel);
            row.map(|row| row.state.as_str())
        };
        assert_eq!((state(Channel::Mail), state(Channel::Second)), (Some("merged"), Some("sent")));
    }
}

/// A processor's notice starts the controller's clock, and nothing else of ours may be taken for one.
#[test]
fn only_the_opening_of_a_breach_is_a_processors_notice() {
    let mut house = House::new();
    with(&mut house, |all| Settings { processor: Some("Leverandøren A/S".to_owned()), ..all });
    house.breach();
    house.case(Outcome::Stopped, "12345678");
    while house.round() > 0 {}
    house.go(TimeDelta::hours(49));
    while house.round() > 0 {}
    let letters = house.letters();
    assert!(letters.len() >= 3, "{}", letters.len());
    for (subject, body) in letters {
        let is_notice = subject.starts_with("Brud på persondatasikkerheden");
        assert_eq!(body.contains("Underretning fra databehandler"), is_notice, "{subject}\n{body}");
        assert_eq!(body.contains("ingen ny underretning"), !is_notice, "{subject}\n{body}");
    }
}

#[test]
fn the_webhook_hears_of_what_no_mail_server_took_signed_and_without_a_name() {
    for secure in [false, true] {
        let mut house = House::new();
        let identity = secure.then(|| Identity::for_name("localhost").unwrap());
        let ca = identity.as_ref().map(|identity| identity.ca_pem().to_owned());
        let receiver = Receiver::start(identity);
        let scheme = if secure { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}/krog?til=vagt", receiver.addr.port());
        let hook = hook(&house, url, ca.as_deref());
        with(&mut house, |all| Settings { webhook: Some(hook), ..all });
        let case = house.breach();
        house.dpo.set_mode(Mode::Down);
        receiver.answer_with(500);
        assert_eq!((house.round(), house.round()), (0, 0), "the receiver says no");
        receiver.answer_with(204);
        house.go(TimeDelta::minutes(1));
        assert_eq!(house.round(), 1);
        let posts = receiver.posts();
        let (head, body) = posts.last().unwrap();
        assert!(head.starts_with("POST /krog?til=vagt HTTP/1.1"), "{head}");
        let at: i64 = header(head, webhook::TIMESTAMP).unwrap().parse().unwrap();
        assert_eq!(at, house.now.timestamp());
        assert_eq!(header(head, webhook::SIGNATURE), Some(&*webhook::signature(KEY.as_bytes(), at, body)));
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        let told = &json["cases"][0];
        assert_eq!((&told["id"], &told["milestone"]), (&case.as_str().into(), &"opened".into()));
        assert_eq!(told["minutes_left"], 72 * 60 - 1);
        assert!(!body.contains('@'), "no address of a person: {body}");
        // The letter goes all the same, once there is a server for it; the webhook is not asked twice.
        house.dpo.set_mode(Mode::Up);
        house.go(TimeDelta::minutes(20));
        assert_eq!((house.round(), house.round()), (1, 0));
        assert_eq!(receiver.posts().len(), posts.len());
    }
}

#[test]
fn a_webhook_that_cannot_prove_itself_hears_nothing() {
    let mut house = House::new();
    let receiver = Receiver::start(Some(Identity::for_name("localhost").unwrap()));
    let stranger = Identity::for_name("localhost").unwrap();
    let hook = hook(&house, format!("https://localhost:{}/", receiver.addr.port()), Some(stranger.ca_pem()));
    with(&mut house, |all| Settings { webhook: Some(hook), ..all });
    let case = house.breach();
    house.dpo.set_mode(Mode::Down);
    assert_eq!((house.round(), house.round()), (0, 0));
    assert!(receiver.posts().is_empty());
    let row = house.notices(&case).into_iter().find(|row| row.channel == Channel::Webhook).unwrap();
    assert!(row.last_error.unwrap().contains("TLS"));
}

#[test]
fn a_number_reaches_no_webhook() {
    let mut house = House::new();
    let receiver = Receiver::start(None);
    let hook = hook(&house, format!("http://{}/", receiver.addr), None);
    with(&mut house, |all| Settings { webhook: Some(hook), ..all });
    house.case(Outcome::Delivered { certain: true }, "Hansen, cpr 150379-1028");
    house.dpo.set_mode(Mode::Down);
    assert_eq!((house.round(), house.round()), (1, 0));
    let (_, body) = receiver.posts().remove(0);
    assert!(body.contains("case list") && !body.contains("150379") && !body.contains("Hansen"), "{body}");
}

#[test]
fn a_letter_carries_the_deadline_for_a_calendar_and_keeps_its_name() {
    let mut house = House::new();
    let case = house.breach();
    // Its answer is lost: it goes twice, under one name.
    house.dpo.set_mode(Mode::Fail(Step::End, Fault::KeepAndCut));
    assert_eq!(house.round(), 0);
    house.dpo.set_mode(Mode::Up);
    house.go(TimeDelta::minutes(2));
    assert_eq!(house.round(), 1);
    let mails = house.dpo.received();
    let header = |at: usize, name: &str| {
        let mail = mailparse::parse_mail(&mails[at].data).unwrap();
        mail.headers.get_first_value(name)
    };
    let first = header(0, "Message-ID").unwrap();
    assert_eq!(header(1, "Message-ID").unwrap(), first);
    assert!(first.contains(case.as_str()) && first.ends_with("@noerreby.example>"), "{first}");
    assert_eq!(header(0, "In-Reply-To"), None);
    assert_eq!(header(0, "List-Id").unwrap(), "Brevdue <brevdue.noerreby.example>");

    let event = |data: &[u8]| -> Vec<String> {
        let mail = mailparse::parse_mail(data).unwrap();
        let part = mail.subparts.iter().find(|part| part.ctype.mimetype == "text/calendar").unwrap();
        let text = part.get_body().unwrap().replace("\r\n ", "");
        text.lines().map(str::to_owned).collect()
    };
    let lines = event(&mails[0].data);
    for line in ["DTSTART:20261120T092000Z", "SEQUENCE:1", "TRIGGER:-PT4H", "METHOD:PUBLISH", "END:VCALENDAR"]
    {
        assert!(lines.iter().any(|one| one == line), "{line}: {lines:#?}");
    }
    assert!(lines.contains(&format!("UID:{case}@noerreby.example")));

    // The deadline moves: the same event, of a higher number, in a letter that follows the first.
    let by = super::by(house.now);
    let aware = Act::Aware(house.now - TimeDelta::hours(40));
    house.store.record(|recording| recording.act(&case, &aware, &by)).unwrap().unwrap().unwrap();
    assert_eq!(house.round(), 1);
    let mails = house.dpo.received();
    let mail = mailparse::parse_mail(&mails[2].data).unwrap();
    assert_eq!(mail.headers.get_first_value("In-Reply-To").unwrap(), first);
    assert_eq!(mail.headers.get_first_value("References").unwrap(), first);
    let lines = event(&mails[2].data);
    assert!(
        lines.contains(&"SEQUENCE:2".to_owned()) && lines.contains(&"DTSTART:20261118T172200Z".to_owned())
    );
    assert!(lines.contains(&format!("UID:{case}@noerreby.example")));
}
