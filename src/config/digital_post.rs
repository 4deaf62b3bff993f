//! `[digital_post]`, as written and as runnable: the outbox, whose letters they are, and the recipients that a site names.
//!
//! A recipient stands here by its CVR number alone: a person's number has no place in a configuration. Start reading at
//! [`digital_post`]. Tests: `tests/digital_post.rs`.

use super::check::{SendersOf, read, senders};
use super::diagnose::{Problem, Severity};
use super::section::{At, Section};
use super::value::{self, Refusal};
use crate::envelope::Controller;
use crate::outlet::memo::{Mapping, Party, Recipient, Settings};
use std::ops::Range;
use std::path::Path;

/// `[digital_post]`.
#[derive(Debug)]
pub(super) struct Written {
    at: Range<usize>,
    outbox: Option<At<String>>,
    sender_cvr: Option<At<String>>,
    sender_label: Option<At<String>>,
    system: Option<At<String>>,
    label: Option<At<String>>,
    notification: Option<At<String>>,
    additional_notification: Option<At<String>>,
    file_types: Vec<At<String>>,
    max_mb: Option<At<u64>>,
    mappings: Vec<WrittenMapping>,
}

/// One `[[digital_post.mapping]]`.
#[derive(Debug)]
struct WrittenMapping {
    at: Range<usize>,
    name: Option<At<String>>,
    source: Option<At<String>>,
    from: Vec<At<String>>,
    to: Vec<At<String>>,
    recipient_cvr: Option<At<String>>,
    label: Option<At<String>>,
    automatic: Option<At<bool>>,
}

pub(super) fn written(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Written {
    let read = Written {
        at: section.at(),
        outbox: section.need_text(("outbox", "\"/var/spool/digital-post\""), faults),
        sender_cvr: section.take_text(("sender_cvr", "\"12345678\""), faults),
        sender_label: section.take_text(("sender_label", "\"Eksempel Kommune\""), faults),
        system: section.take_text(("system", "\"Brevdue\""), faults),
        label: section.need_text(("label", "\"Brev fra Eksempel Kommune\""), faults),
        notification: section.take_text(("notification", "\"Du har fået Digital Post.\""), faults),
        additional_notification: section
            .take_text(("additional_notification", "\"Du har fået Digital Post.\""), faults),
        file_types: section.take_texts(("file_types", "[\"text/plain\", \"application/pdf\"]"), faults),
        max_mb: section.take_number(("max_mb", "50"), 1..=500, faults),
        mappings: section
            .take_sections("mapping", "[[digital_post.mapping]]", faults)
            .unwrap_or_default()
            .into_iter()
            .map(|section| written_mapping(section, faults))
            .collect(),
    };
    section.finish(faults);
    read
}

fn written_mapping(mut section: Section<'_>, faults: &mut Vec<Problem>) -> WrittenMapping {
    let read = WrittenMapping {
        at: section.at(),
        name: section.need_text(("name", "\"Boliglån til Eksempel Kommune\""), faults),
        source: section.take_text(("source", "\"Byggesag\""), faults),
        from: section.take_texts(("from", "\"noreply@byggesag.example\""), faults),
        to: section.need_texts(("to", "\"@kommune.example\""), faults),
        recipient_cvr: section.need_digits(("recipient_cvr", "\"12345678\""), faults),
        label: section.take_text(("label", "\"Ansøgning om boliglån\""), faults),
        automatic: section.take_bool(("automatic", "false"), faults),
    };
    section.finish(faults);
    read
}

/// `None` is a noted fault, which keeps the whole from being run.
pub(super) fn digital_post(
    written: &Written,
    folder: &Path,
    senders_of: &SendersOf<'_>,
    controllers: Option<&[Controller]>,
    faults: &mut Vec<Problem>,
) -> Option<Settings> {
    let outbox = written.outbox.as_ref().map(|path| value::path(path.get_ref(), folder));
    let label = read(written.label.as_ref(), shown(256), faults);
    let mut maybe = |text: &Option<At<String>>, most| {
        text.as_ref().map_or(Some(None), |text| read(Some(text), shown(most), faults).map(Some))
    };
    let notification = maybe(&written.notification, 150);
    let additional_notification = maybe(&written.additional_notification, 256);
    let system = maybe(&written.system, 256);
    let sender_label = maybe(&written.sender_label, 256);
    let sender = match (&written.sender_cvr, sender_label?) {
        (Some(cvr), label) => {
            let cvr = read(Some(cvr), value::cvr, faults)?;
            let known = controllers.into_iter().flatten().find(|one| one.cvr == cvr);
            let Some(label) = label.or_else(|| known.map(|one| one.name.clone())) else {
                let message = "`sender_cvr` is no controller's here, so its name is not known";
                let missing = Problem::missing(Severity::Error, Some(written.at.clone()), message);
                faults.push(
                    missing.help("add `sender_label = \"Eksempel Kommune\"`, as recipients are to see it"),
                );
                return None;
            };
            Some(Party { cvr, label })
        }
        (None, Some(_)) => {
            let message = "`sender_label` says nothing without `sender_cvr`";
            let at = written.sender_label.as_ref().map_or(written.at.clone(), At::span);
            faults.push(
                Problem::error(at, message)
                    .help("add `sender_cvr`, or remove it: letters are the controller's whose mail it is"),
            );
            None
        }
        (None, None) => None,
    };
    let file_types: Vec<String> = match written.file_types.as_slice() {
        [] => Settings::FILE_TYPES.iter().map(ToString::to_string).collect(),
        types => types.iter().filter_map(|one| read(Some(one), media_type, faults)).collect(),
    };
    let mappings: Vec<Option<Mapping>> =
        written.mappings.iter().map(|one| mapping(one, senders_of, faults)).collect();
    Some(Settings {
        outbox: outbox?,
        sender,
        system: system?.unwrap_or_else(|| "Brevdue".to_owned()),
        label: label?,
        notification: notification?,
        additional_notification: additional_notification?,
        file_types,
        max_bytes: written.max_mb.as_ref().map_or(50, |mb| *mb.get_ref()) * 1_000_000,
        mappings: mappings.into_iter().collect::<Option<_>>()?,
    })
}

fn mapping(
    written: &WrittenMapping,
    senders_of: &SendersOf<'_>,
    faults: &mut Vec<Problem>,
) -> Option<Mapping> {
    let mut from = senders(written.source.as_ref(), senders_of, faults);
    from.extend(written.from.iter().filter_map(|one| read(Some(one), value::sender_pattern, faults)));
    let to: Vec<String> =
        written.to.iter().filter_map(|one| read(Some(one), value::sender_pattern, faults)).collect();
    if written.source.is_none() && written.from.is_empty() {
        let message = "this mapping is for everybody's mail";
        let missing = Problem::missing(Severity::Error, Some(written.at.clone()), message);
        faults.push(missing.help("add `source = \"Byggesag\"` or `from = \"noreply@byggesag.example\"`"));
    }
    let name = read(written.name.as_ref(), value::plain_words, faults);
    let cvr = read(written.recipient_cvr.as_ref(), value::cvr, faults);
    let label =
        written.label.as_ref().map_or(Some(None), |one| read(Some(one), shown(256), faults).map(Some));
    Some(Mapping {
        name: name?,
        from,
        to,
        recipient: cvr.as_deref().and_then(Recipient::organisation)?,
        label: label?,
        automatic: written.automatic.as_ref().is_some_and(|one| *one.get_ref()),
    })
}

/// What is shown before a letter is opened: short, and with too few digits for anybody's number.
fn shown(most: usize) -> impl Fn(&str) -> Result<String, Refusal> {
    move |text| {
        let text = value::plain_words(text)?;
        if text.chars().count() <= most {
            return Ok(text);
        }
        let what = "this is too long for Digital Post";
        Err(Refusal::new(what, format!("more than {most} characters"), "say it in fewer words"))
    }
}

fn media_type(text: &str) -> Result<String, Refusal> {
    let token = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_'))
    };
    match text.split_once('/') {
        Some((top, sub)) if token(top) && token(sub) => Ok(text.to_ascii_lowercase()),
        _ => Err(Refusal::new(
            format!("`{text}` is no media type"),
            "",
            "write `application/pdf`, for example",
        )),
    }
}
