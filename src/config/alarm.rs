//! `[alarm]` as runnable, with who is told after the DPO and when somebody is at work.
//!
//! Start reading at [`alarm`] and [`planning`]. Tests: `tests.rs` of this room.

use super::AlarmSettings;
use super::check::read;
use super::diagnose::Problem;
use super::file::{self, Written};
use super::section::At;
use super::value::{self, Refusal};
use crate::case::calendar::{Calendar, Closing};
use crate::case::escalation::{Role, Staff};
use crate::case::milestone::Planning;
use crate::outlet::webhook;
use std::path::Path;

/// `None` is a noted fault, which keeps the whole from being run.
pub(super) fn alarm(
    written: &file::Alarm,
    folder: &Path,
    faults: &mut Vec<Problem>,
) -> Option<AlarmSettings> {
    let smtp = read(written.smtp.as_ref(), value::smtp_url, faults);
    let from = read(written.from.as_ref(), value::mail_address, faults);
    let processor = written.processor.as_ref().and_then(|name| read(Some(name), value::plain_words, faults));
    let second = read(written.second.as_ref(), value::smtp_url, faults);
    if let (Some(one), Some(other), Some(at)) = (&smtp, &second, &written.second)
        && one == other
    {
        faults.push(
            Problem::warning(at.span(), "the second road is the first one")
                .help("name a mail server that shares nothing with `smtp`, or remove `second`"),
        );
    }
    let url = read(written.webhook.as_ref(), webhook_url, faults);
    let webhook = match (&written.webhook, &written.webhook_key_file) {
        (Some(_), Some(key)) => url.map(|url| webhook::Settings {
            url,
            key_file: value::path(key.get_ref(), folder),
            ca: written.webhook_ca.as_ref().map(|path| value::path(path.get_ref(), folder)),
        }),
        (Some(only), None) | (None, Some(only)) => {
            let problem = Problem::error(only.span(), "`webhook` and `webhook_key_file` belong together");
            faults.push(problem.help("write both, or neither; make a key with `openssl rand -hex 32`"));
            None
        }
        (None, None) => None,
    };
    smtp.zip(from).map(|(smtp, from)| AlarmSettings { smtp, from, processor, second, webhook })
}

/// When somebody is at work, and who is told after the DPO.
pub(super) fn planning(written: &Written, faults: &mut Vec<Problem>) -> Planning {
    let mut staff = Vec::new();
    for one in &written.controllers {
        let cvr = one.cvr.as_ref().and_then(|cvr| value::cvr(cvr.get_ref()).ok());
        for (role, address) in [(Role::Deputy, &one.deputy), (Role::Chief, &one.chief)] {
            if let Some(address) = read(address.as_ref(), value::mail_address, faults) {
                staff.push(Staff { role, cvr: cvr.clone(), source: None, address });
            }
        }
    }
    for one in &written.sources {
        if let Some(address) = read(one.owner.as_ref(), value::mail_address, faults) {
            let source = one.name.as_ref().map(|name| name.get_ref().clone());
            staff.push(Staff { role: Role::Owner, cvr: None, source, address });
        }
    }
    let calendar = written.alarm.as_ref().map(|alarm| calendar(alarm, faults)).unwrap_or_default();
    let dpo = |one: &file::Controller| {
        let cvr = value::cvr(one.cvr.as_ref()?.get_ref()).ok()?;
        Some((cvr, value::mail_address(one.dpo.as_ref()?.get_ref()).ok()?))
    };
    Planning { calendar, staff, dpos: written.controllers.iter().filter_map(dpo).collect() }
}

fn calendar(written: &file::Alarm, faults: &mut Vec<Problem>) -> Calendar {
    let mut closed: Vec<Closing> = Vec::new();
    for text in &written.closed {
        let day = |text: &str| {
            let help = "write `closed = [\"24/12\", \"ascension+1\"]`, for example";
            Closing::read(text).ok_or_else(|| Refusal::new("this is no day of the year", "DAY/MONTH", help))
        };
        closed.extend(read(Some(text), day, faults));
    }
    if written.closed.is_empty() {
        closed = Closing::USUAL.to_vec();
    }
    let hours = written.staffed.as_ref().map_or(USUAL_HOURS, |hours| At::get_ref(hours).as_str());
    let read_hours = Calendar::read(hours, closed);
    if let (None, Some(at)) = (&read_hours, &written.staffed) {
        faults.push(
            Problem::error(at.span(), "these are no staffed hours")
                .help("write `staffed = \"mon-thu 08:00-16:00, fri 08:00-15:00\"`, for example"),
        );
    }
    read_hours.unwrap_or_default()
}

const USUAL_HOURS: &str = "mon-thu 08:00-16:00, fri 08:00-15:00";

fn webhook_url(text: &str) -> Result<String, Refusal> {
    let help = "write `webhook = \"https://vagt.example/brevdue\"`, for example";
    match webhook::checked(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(Refusal::new("`webhook` cannot be posted to", why, help)),
    }
}

/// Where people reach the console: by TLS, or on this machine.
pub(super) fn page_url(text: &str) -> Result<String, Refusal> {
    let help = "write `url = \"https://brevdue.kommune.example\"`, for example";
    match webhook::checked(text) {
        Ok(uri) if uri.query().is_none() => Ok(text.trim_end_matches('/').to_owned()),
        Ok(_) => Err(Refusal::new("`url` cannot stand in a letter", "no `?` in it", help)),
        Err(why) => Err(Refusal::new("`url` cannot stand in a letter", why, help)),
    }
}
