//! One verdict a recipient: tables of roads, tags, exemptions and channels.

use super::road::{Road, Source};
use super::*;
use crate::scan::Scan;
use crate::scan::coverage::UnreadKind;
use crate::scan::ruleset::Ruleset;
use std::sync::Arc;
use unread::UnreadAction;

const TODAY: Day = Day::literal(2026, 11, 17);
const NUMBERS: [&str; 8] = [
    "150379-1028",
    "010180-1012",
    "020180-1001",
    "030180-1009",
    "040180-1006",
    "050180-1003",
    "060180-1019",
    "070180-1008",
];

fn scanned(message: &str) -> Report {
    let mut scan = Scan::new(Arc::new(Ruleset::built_in().unwrap()), TODAY);
    scan.feed(message.as_bytes());
    scan.finish()
}

/// A mail with the numbers of so many persons.
fn report(subject: &str, persons: usize) -> Report {
    let lines: Vec<String> =
        NUMBERS.iter().take(persons).map(|number| format!("CPR-nr.: {number}\n")).collect();
    let lines = lines.concat();
    let report = scanned(&format!("Subject: {subject}\nContent-Type: text/plain\n\nHej\n{lines}"));
    assert_eq!(report.persons(), persons as u64, "{:?}", report.findings);
    report
}

fn policy(leak: LeakAction) -> Policy {
    let road =
        |domain: &str, protection| Road { domain: domain.into(), protection, line: 7, ..Road::default() };
    Policy {
        leak,
        roads: Roads {
            known: vec![
                Road {
                    warn_persons: Some(2),
                    max_persons: Some(5),
                    ..road("tls.example", Protection::ForcedTls)
                },
                road("smime.example", Protection::Smime),
                road("tunnel.example", Protection::Tunnel),
                road("sms.example", Protection::Sms),
            ],
            default: Protection::Plaintext,
        },
        exemptions: vec![Exemption {
            name: "Prøvedata".into(),
            reason: "opdigtede numre".into(),
            by: "dpo@a.example".into(),
            from: vec!["test@a.example".into()],
            to: Vec::new(),
            since: Day::literal(2026, 11, 1),
            until: TODAY,
            line: 40,
        }],
        ..Policy::default()
    }
}

fn to(sender: &str, recipients: &[&str]) -> Envelope {
    Envelope {
        sender: Address::parse(sender.as_bytes()),
        recipients: recipients.iter().filter_map(|to| Address::parse(to.as_bytes())).collect(),
        ..Envelope::default()
    }
}

fn decided(leak: LeakAction, sender: &str, recipient: &str, report: &Report) -> RecipientDecision {
    decide(&to(sender, &[recipient]), report, &policy(leak), TODAY).recipients.remove(0)
}

const SAFE: Verdict = Verdict::Deliver(Pass::ProtectedRoad);
const OBSERVED: Verdict = Verdict::Deliver(Pass::Observed);
const EXEMPT: Verdict = Verdict::Deliver(Pass::Exempt);

#[test]
fn every_road_and_every_action() {
    use LeakAction::{Block, Deliver, Hold, Reroute};
    for (leak, recipient, persons, verdict, key) in [
        (Block, "b@open.example", 1, Verdict::Block, "[policy] leak = \"block\""),
        (Hold, "b@open.example", 1, Verdict::Hold, "[policy] leak = \"hold\""),
        (Reroute, "b@open.example", 1, Verdict::Reroute, "[policy] leak = \"reroute\""),
        (Deliver, "b@open.example", 1, OBSERVED, "[policy] leak = \"deliver\""),
        (Block, "b@tls.example", 5, SAFE, "[[road]] domain = \"tls.example\""),
        // A protected road that carries too much is held, whatever becomes of a leak; but to observe is to stop nothing.
        (Block, "b@tls.example", 6, Verdict::Hold, "[[road]] domain = \"tls.example\""),
        (Reroute, "b@tls.example", 6, Verdict::Hold, "[[road]] domain = \"tls.example\""),
        (Deliver, "b@tls.example", 6, OBSERVED, "[policy] leak = \"deliver\""),
        (Block, "b@tunnel.example", 8, SAFE, "[[road]] domain = \"tunnel.example\""),
        (Block, "b@smime.example", 8, SAFE, "[[road]] domain = \"smime.example\""),
        // Without appeal: to observe does not open it.
        (Deliver, "b@sms.example", 1, Verdict::Block, "[[road]] domain = \"sms.example\""),
        (
            Deliver,
            "4500000000@smtp.gatewayapi.com",
            1,
            Verdict::Block,
            "rules/roads.toml: [[sms]] domain = \"smtp.gatewayapi.com\"",
        ),
    ] {
        let one = decided(leak, "a@a.example", recipient, &report("Din sag", persons));
        assert_eq!((one.verdict, one.why.rule.key().as_str()), (verdict, key), "{leak:?} {recipient}");
    }
}

#[test]
fn many_persons_on_forced_tls_are_told_of_before_they_are_too_many() {
    for (persons, many) in [(1, false), (2, false), (3, true), (5, true)] {
        let one = decided(LeakAction::Block, "a@a.example", "b@tls.example", &report("Din sag", persons));
        assert_eq!((one.verdict, one.why.many_persons.is_some()), (SAFE, many), "{persons}");
        assert_eq!(one.why.rule.line(), Some(7));
    }
}

#[test]
fn a_gateway_that_encrypts_the_content_leaves_the_subject_open() {
    let subject = "CPR-nr. 150379-1028";
    let verdict = |to, report: &Report| decided(LeakAction::Block, "a@a.example", to, report).verdict;
    let open = scanned(&format!("Subject: {subject}\n\nHej\n"));
    assert!(open.leaks_in_header());
    assert_eq!(verdict("b@smime.example", &open), Verdict::Block);
    assert_eq!(verdict("b@tls.example", &open), SAFE);
    // The subject of a mail within it is content.
    let within = format!("Content-Type: message/rfc822\n\nSubject: {subject}\n\nHej\n");
    let within = scanned(&within);
    assert!(within.leaks() && !within.leaks_in_header());
    assert_eq!(verdict("b@smime.example", &within), SAFE);
}

#[test]
fn a_tag_that_switches_encryption_off_beside_a_number_always_holds() {
    use LeakAction::{Block, Deliver, Hold, Reroute};
    let tagged = report("SV: [Usikker] Din sag", 1);
    for leak in [Block, Hold, Reroute, Deliver] {
        for sender in ["a@a.example", "test@a.example"] {
            for recipient in ["b@open.example", "b@tls.example", "b@tunnel.example"] {
                let one = decided(leak, sender, recipient, &tagged);
                assert_eq!(one.verdict, Verdict::Hold, "{leak:?} {sender} {recipient}");
                assert_eq!(one.why.rule.key(), "[policy] off_tags: \"[usikker]\"");
            }
        }
        assert_eq!(decided(leak, "a@a.example", "b@sms.example", &tagged).verdict, Verdict::Block);
    }
    // A tag and no number is nobody's business, and the subject of an attached mail is not this one's.
    let clean = report("[usikker] Din sag", 0);
    assert_eq!(
        decided(Block, "a@a.example", "b@open.example", &clean).verdict,
        Verdict::Deliver(Pass::Clean)
    );
    let within = scanned(
        "Content-Type: message/rfc822\n\nSubject: [usikker] x\nContent-Type: text/plain\n\nCPR-nr.: 150379-1028\n",
    );
    assert_eq!(decided(Block, "a@a.example", "b@tls.example", &within).verdict, SAFE);
    // Written as an encoded word.
    let encoded = report("=?utf-8?B?W3VzaWtrZXJdIERpbiBzYWc=?=", 1);
    assert_eq!(decided(Block, "a@a.example", "b@tls.example", &encoded).verdict, Verdict::Hold);
}

#[test]
fn an_exemption_lets_pass_what_it_names_until_its_last_day() {
    let one = report("Din sag", 1);
    let verdict = |sender, recipient, today| {
        let decision = decide(&to(sender, &[recipient]), &one, &policy(LeakAction::Block), today);
        let decided = &decision.recipients[0];
        (decided.verdict, decided.why.rule.key())
    };
    let exempt = (EXEMPT, "[[exemption]] name = \"Prøvedata\"".to_owned());
    assert_eq!(verdict("test@a.example", "b@open.example", TODAY), exempt);
    assert_eq!(verdict("test@a.example", "b@open.example", Day::literal(2026, 11, 18)).0, Verdict::Block);
    assert_eq!(verdict("test@a.example", "b@open.example", Day::literal(2026, 10, 31)).0, Verdict::Block);
    assert_eq!(verdict("a@a.example", "b@open.example", TODAY).0, Verdict::Block);
    // A road that protects needs no exemption, and an SMS gets none.
    assert_eq!(verdict("test@a.example", "b@tls.example", TODAY).0, SAFE);
    assert_eq!(verdict("test@a.example", "b@sms.example", TODAY).0, Verdict::Block);
    // What was not read is another matter.
    let mut strict = policy(LeakAction::Block);
    strict.unread.set(UnreadKind::Image, UnreadAction::Hold);
    let picture = scanned(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nCPR-nr.: 150379-1028\n--b\n\
         Content-Type: image/gif\nContent-Transfer-Encoding: base64\n\nR0lGODlhAQABAAAAACw=\n--b--\n",
    );
    let decision = decide(&to("test@a.example", &["b@open.example"]), &picture, &strict, TODAY);
    assert_eq!(decision.strictest(), Verdict::Hold);
    assert_eq!(decision.recipients[0].why.rule, Rule::Unread(UnreadKind::Image));
}

#[test]
fn an_sms_has_no_number_and_digital_post_none_in_its_label() {
    let judge = |channel, report: &Report| {
        let envelope = Envelope { channel, ..to("test@a.example", &["b@tunnel.example"]) };
        decide(&envelope, report, &policy(LeakAction::Deliver), TODAY).strictest()
    };
    let (text, label) = (report("Din sag", 1), scanned("Subject: CPR-nr. 150379-1028\n\nHej\n"));
    assert_eq!((judge(Channel::Sms, &text), judge(Channel::Sms, &label)), (Verdict::Block, Verdict::Block));
    // What is only possible is enough for an SMS, and for nothing else.
    let possible = scanned("Subject: Din sag\n\n1503791028\n");
    assert!(!possible.leaks() && possible.may_leak(), "{:?}", possible.findings);
    assert_eq!(judge(Channel::Sms, &possible), Verdict::Block);
    assert_eq!(judge(Channel::Mail, &possible), Verdict::Deliver(Pass::Clean));
    let gateway = decide(
        &to("a@a.example", &["b@sms.example", "b@open.example"]),
        &possible,
        &policy(LeakAction::Deliver),
        TODAY,
    );
    let verdicts: Vec<_> = gateway.recipients.iter().map(|one| one.verdict).collect();
    assert_eq!(verdicts, [Verdict::Block, Verdict::Deliver(Pass::Clean)]);
    assert_eq!(judge(Channel::DigitalPost, &text), SAFE);
    assert_eq!(judge(Channel::DigitalPost, &label), Verdict::Block);
    assert_eq!(judge(Channel::Mail, &text), SAFE);
}

#[test]
fn what_surely_blocks_is_what_blocks() {
    for leak in [LeakAction::Block, LeakAction::Hold, LeakAction::Deliver] {
        for sender in ["a@a.example", "test@a.example"] {
            for to_one in ["b@open.example", "b@tls.example", "b@smime.example", "b@sms.example"] {
                for subject in ["Din sag", "[usikker] Din sag"] {
                    let envelope = to(sender, &["b@tunnel.example", to_one]);
                    let (policy, report) = (policy(leak), report(subject, 1));
                    if policy.surely_blocks(&envelope, &report.subject, TODAY) {
                        let decision = decide(&envelope, &report, &policy, TODAY);
                        assert_eq!(decision.strictest(), Verdict::Block, "{leak:?} {sender} {to_one}");
                    }
                }
            }
        }
    }
    let sure = |subject: &str| {
        let subject = Subject::of(subject.as_bytes());
        policy(LeakAction::Block).surely_blocks(&to("a@a.example", &["b@open.example"]), &subject, TODAY)
    };
    assert!(sure("Din sag") && !sure("[usikker] Din sag"));
}

#[test]
fn a_way_says_where_it_comes_from() {
    let policy = policy(LeakAction::Block);
    let way = |recipient: &str| {
        let way =
            policy.roads.way(&to("a@a.example", &[]), Address::parse(recipient.as_bytes()).as_ref()).source;
        matches!(way, Source::Road(_))
    };
    assert!(way("a@tls.example") && !way("a@open.example"));
}

#[test]
fn a_door_does_what_it_can() {
    use Verdict::{Block, Defer, Deliver, Hold, Reroute};
    let clean = Deliver(Pass::Clean);
    let within = |verdicts: &[Verdict], splits, reroutes| -> Vec<Verdict> {
        let one = |verdict: &Verdict| RecipientDecision {
            recipient: None,
            protection: Protection::default(),
            verdict: *verdict,
            why: Why::default(),
        };
        let decision = Decision { recipients: verdicts.iter().map(one).collect() };
        decision
            .within(Hands { splits, answers_each: false, reroutes })
            .recipients
            .iter()
            .map(|one| one.verdict)
            .collect()
    };
    // Nobody has it yet: refused for all.
    assert_eq!(within(&[Block, Block], true, false), [Block, Block]);
    assert_eq!(within(&[Block, Hold], true, false), [Block, Hold]);
    assert_eq!(within(&[clean, Block, Hold], true, false), [clean, Hold, Hold]);
    assert_eq!(within(&[Reroute, Block], true, true), [Reroute, Hold]);
    // Without a road nothing goes on, so the refusal stands.
    assert_eq!(within(&[Reroute, Block], true, false), [Hold, Block]);
    assert_eq!(within(&[clean, Block], false, true), [clean, Block]);
    assert_eq!(within(&[Defer, Defer], true, false), [Defer, Defer]);
}
