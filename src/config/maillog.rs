//! `[maillog]`, as runnable: one source of lines, and what is made of them.

use super::diagnose::{Problem, Severity};
use super::file;
use super::section::At;
use super::value;
use crate::intake::maillog::{Bypass, Settings, Source};
use std::path::Path;

const BYPASS: [(&str, Bypass); 2] = [("alarm", Bypass::Alarm), ("ignore", Bypass::Ignore)];

/// `None` is a noted fault, which keeps the whole from being run.
pub(super) fn maillog(written: &file::Maillog, folder: &Path, faults: &mut Vec<Problem>) -> Option<Settings> {
    const HELP: &str =
        "write `path = \"/var/log/mail.log\"`, or `journal = true` where the mail server logs to journald";
    let is_on = |one: &Option<At<bool>>| one.as_ref().is_some_and(|one| *one.get_ref());
    let source = match (&written.path, &written.journal) {
        (Some(path), Some(journal)) if *journal.get_ref() => {
            faults.push(
                Problem::error(journal.span(), "`[maillog]` has both a file and the journal")
                    .other(path.span(), "the file")
                    .help("a line would be read twice: keep one of them"),
            );
            None
        }
        (Some(path), _) => Some(Source::File(value::path(path.get_ref(), folder))),
        (None, journal) if is_on(journal) => Some(Source::Journal),
        (None, _) => {
            let message = "`[maillog]` does not say where the log is";
            faults.push(Problem::missing(Severity::Error, Some(written.at.clone()), message).help(HELP));
            None
        }
    };
    let bypass = written.bypass.as_ref().map(|word| {
        value::choice("bypass", word.get_ref(), &BYPASS)
            .map_err(|refusal| faults.push(refusal.at(word.span())))
    });
    Some(Settings {
        source: source?,
        bypass: bypass.and_then(Result::ok).unwrap_or_default(),
        need_not_pass: written.need_not_pass.iter().map(|one| one.get_ref().clone()).collect(),
        tls_logged: is_on(&written.tls_logged),
    })
}
