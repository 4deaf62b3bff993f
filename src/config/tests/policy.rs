//! What is written of roads, exemptions, unread parts and controllers.

use super::*;

#[test]
fn roads_have_senders_limits_and_lines() {
    let config = with(&format!(
        "{SOURCE}[[road]]\ndomain = '*'\nsource = 'Byg'\nfrom = '*.sag.example'\nprotection = 'tunnel'\n\
         [[road]]\ndomain = 'a.example'\nprotection = 'forced-tls'\n\
         [[road]]\ndomain = 'a.example'\nfrom = 'x@b.example'\nprotection = 'smime'\nmax_persons = 7\n\
         [[road]]\ndomain = 'sms.example'\nprotection = 'sms'\n"
    ));
    let Loaded { config, warnings } = config.unwrap();
    assert_eq!(warnings.count(Severity::Warning), 1, "{warnings}");
    let [every, tls, smime, sms] = &config.policy.roads.known[..] else {
        panic!("{:?}", config.policy.roads)
    };
    assert_eq!(every.from, ["*.sag.example", "noreply@byg.example"]);
    assert_eq!((tls.warn_persons, tls.max_persons), (Some(5), Some(100)));
    assert_eq!((smime.warn_persons, smime.max_persons), (None, Some(7)));
    assert_eq!(sms.protection, Protection::Sms);
    let lines = format!("{BASE}{CONTROLLER}{ALARM}{SOURCE}").lines().count();
    assert_eq!(usize::try_from(every.line).unwrap(), lines + 1);
    assert_eq!(tls.line, every.line + 5);
    for (more, fault) in [
        (
            "[[road]]\ndomain = '*'\nprotection = 'tunnel'\n",
            "a road to every domain must be for some senders",
        ),
        (
            "[[road]]\ndomain = 'a.example'\nsource = 'Nej'\nprotection = 'tunnel'\n",
            "there is no `[[source]]` of the name `Nej`",
        ),
    ] {
        assert_eq!(errors(with(more)), [fault]);
    }
}

#[test]
fn an_exemption_has_a_name_a_reason_and_an_end() {
    let good = "[[exemption]]\nname = 'P'\nreason = 'R'\nfrom = 'a@b.example'\nby = 'dpo@a.example'\n\
                since = 2026-11-01\nuntil = '2026-12-01'\n";
    let config = with(good).unwrap().config;
    let one = &config.policy.exemptions[0];
    assert_eq!((one.name.as_str(), one.from.as_slice()), ("P", ["a@b.example".to_owned()].as_slice()));
    assert_eq!((one.since.month(), one.until.month()), (11, 12));
    for (from, to, fault) in [
        ("until = '2026-12-01'\n", "", "`until` is missing in `[[exemption]]`"),
        ("until = '2026-12-01'", "until = '2026-13-01'", "this is no day"),
        ("until = '2026-12-01'", "until = 2026", "`until` must be a day"),
        ("until = '2026-12-01'", "until = 2026-10-01", "this exemption ends before it begins"),
        ("from = 'a@b.example'\n", "", "this exemption would be for all mail"),
        ("name = 'P'", "name = 'P 150379-1028'", "this has too many digits, or signs that cannot be shown"),
        ("from = 'a@b.example'", "source = 'Nej'", "there is no `[[source]]` of the name `Nej`"),
    ] {
        assert_eq!(errors(with(&good.replace(from, to))), [fault]);
    }
    let twice = format!("{good}{good}");
    assert_eq!(errors(with(&twice)), ["the exemption `P` stands twice"]);
}

#[test]
fn a_password_is_what_encrypted_says_until_it_says_otherwise() {
    let action = |more: &str| {
        let unread = with(&format!("[policy.unread]\n{more}")).unwrap().config.policy.unread;
        (unread.action(UnreadKind::Encrypted), unread.action(UnreadKind::Password))
    };
    assert_eq!(action("encrypted = 'hold'\n"), (UnreadAction::Hold, UnreadAction::Hold));
    assert_eq!(action("password = 'hold'\n"), (UnreadAction::Record, UnreadAction::Hold));
    assert_eq!(
        action("password = 'record'\nencrypted = 'block'\n"),
        (UnreadAction::Block, UnreadAction::Record)
    );
}

#[test]
fn a_controller_may_be_chosen_by_recipient_and_by_source() {
    let more = "recipients = ['a.example']\nsources = ['Byg']\n";
    let config = read(&format!("{BASE}{ALARM}{SOURCE}{CONTROLLER}{more}")).unwrap().config;
    assert_eq!(config.controllers[0].recipients, ["a.example"]);
    assert_eq!(config.controllers[0].senders, ["noreply@byg.example"]);
    let faulty = read(&format!("{BASE}{ALARM}{CONTROLLER}{more}"));
    assert_eq!(errors(faulty), ["there is no `[[source]]` of the name `Byg`"]);
}
