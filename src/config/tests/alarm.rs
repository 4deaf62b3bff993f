//! What is written of alerts: roads, people, hours, and where links lead.

use super::*;
use crate::case::calendar::{Calendar, Closing};
use crate::case::escalation::Role;

/// With these keys in `[alarm]`.
fn alarm(more: &str) -> Result<Loaded, Problems> {
    read(&format!("{BASE}{CONTROLLER}{ALARM}{more}\n"))
}

#[test]
fn the_roads_of_alerts_are_read() {
    let more = "second = 'mail.example:587'\nwebhook = 'https://vagt.example/krog'\nwebhook_key_file = 'krog.key'\n\
                webhook_ca = '/ca.pem'";
    let settings = alarm(more).unwrap().config.alarm.unwrap();
    assert_eq!(settings.second.as_deref(), Some("smtp://mail.example:587"));
    let webhook = settings.webhook.unwrap();
    assert_eq!(webhook.key_file, Path::new("/etc/brevdue/krog.key"));
    assert_eq!(webhook.ca.as_deref(), Some(Path::new("/ca.pem")));
    assert!(!format!("{webhook:?}").contains("krog"), "its path may be a secret");
    for (more, fault) in [
        ("webhook = 'https://vagt.example/'", "`webhook` and `webhook_key_file` belong together"),
        ("webhook_key_file = 'k'", "`webhook` and `webhook_key_file` belong together"),
        ("webhook = 'http://vagt.example/'\nwebhook_key_file = 'k'", "`webhook` cannot be posted to"),
        ("second = 'mail.example'", "`smtp` names no mail server"),
        ("staffed = 'altid'", "these are no staffed hours"),
        ("closed = ['24/13']", "this is no day of the year"),
    ] {
        assert_eq!(errors(alarm(more)), [fault], "{more}");
    }
}

#[test]
fn hours_and_people_are_read() {
    assert_eq!(alarm("").unwrap().config.planning.calendar, Calendar::default());
    let planning = alarm("staffed = 'man-fre 7.30-15.30'\nclosed = '24/12'").unwrap().config.planning;
    let closed = vec![Closing::Every { day: 24, month: 12 }];
    assert_eq!(Some(planning.calendar), Calendar::read("mon-fri 07:30-15:30", closed));
    let more = "deputy = 's@kommune.example'\nchief = 'c@kommune.example'\n[[source]]\nname = 'Byggesag'\n\
                match = 'x@byggesag.example'\nowner = 'e@kommune.example'\n";
    let staff = read(&format!("{BASE}{CONTROLLER}{more}{ALARM}")).unwrap().config.planning.staff;
    let read_as: Vec<(Role, Option<&str>, bool)> =
        staff.iter().map(|one| (one.role, one.source.as_deref(), one.cvr.is_some())).collect();
    let own = [(Role::Deputy, None, true), (Role::Chief, None, true), (Role::Owner, Some("Byggesag"), false)];
    assert_eq!(read_as, own);
    let bad = read(&format!("{BASE}{CONTROLLER}deputy = 'ingen'\n{ALARM}"));
    assert_eq!(errors(bad).len(), 1);
}

#[test]
fn links_lead_to_a_page_that_has_a_certificate() {
    let url = |url: &str| with(&format!("[console]\nlisten = '127.0.0.1:8892'\nurl = '{url}'\n"));
    let console = url("https://brevdue.kommune.example/due/").unwrap().config.console.unwrap();
    assert_eq!(console.url.as_deref(), Some("https://brevdue.kommune.example/due"));
    for bad in ["http://brevdue.kommune.example", "brevdue.kommune.example", "https://x.example/?a=1"] {
        assert_eq!(errors(url(bad)), ["`url` cannot stand in a letter"], "{bad}");
    }
}
