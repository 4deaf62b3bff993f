//! What belongs together: one cause is one incident, and each controller has its own case of it.

use crate::envelope::{Address, Controller};
use chrono::NaiveDate;

/// A system that sends mail, as the configuration names it: `[[source]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As it is to stand in the register.
    pub name: String,
    /// Which senders are this system: `a@b`, `@b`, `b` or `*.b`.
    pub pattern: String,
    /// Who made it.
    pub vendor: Option<String>,
}

/// The system that sent it, if one is named for this sender.
pub fn source_of<'a>(sender: Option<&Address>, sources: &'a [Source]) -> Option<&'a Source> {
    let sender = sender?;
    sources.iter().find(|source| sender.is_named_by(&source.pattern))
}

/// What a message must share with a case to join it, as parts for a keyed digest.
///
/// A named source system groups by its template (`template` is what it is known by, and nothing where no source is named), so that a template's mails of years are one incident and two
/// templates are two. Anything else groups by sender and local day: a person who writes ten mails in a day has
/// one case. Whether it left is part of the key, so that what was stopped never hides in a breach.
pub fn grouping(
    controller: &Controller,
    source: Option<&Source>,
    template: &[u8],
    sender: Option<&Address>,
    local_day: NaiveDate,
    left: bool,
) -> Vec<Vec<u8>> {
    let left = if left { b"left".to_vec() } else { b"stopped".to_vec() };
    let controller = controller.cvr.as_bytes().to_vec();
    if let Some(source) = source {
        return vec![
            b"source".to_vec(),
            left,
            controller,
            source.name.as_bytes().to_vec(),
            template.to_vec(),
        ];
    }
    let sender = sender.map(Address::reveal).unwrap_or_default().to_lowercase().into_bytes();
    vec![b"sender".to_vec(), left, controller, sender, local_day.to_string().into_bytes()]
}

/// What messages of one cause have in common, whoever answers for them and whether they left: as parts for a keyed
/// digest. A source's template is one cause, and so is what one person writes in a day.
pub fn root(
    source: Option<&Source>,
    template: &[u8],
    sender: Option<&Address>,
    local_day: NaiveDate,
) -> Vec<Vec<u8>> {
    if let Some(source) = source {
        return vec![b"source".to_vec(), source.name.as_bytes().to_vec(), template.to_vec()];
    }
    let sender = sender.map(Address::reveal).unwrap_or_default().to_lowercase().into_bytes();
    vec![b"sender".to_vec(), sender, local_day.to_string().into_bytes()]
}

/// As [`grouping`], for mail of an archive, which left: the case of a source's template is the one that the gate joins too.
/// Mail of no named source groups by who wrote it, because a case for each day of five years would help nobody.
pub fn archived_grouping(
    controller: &Controller,
    source: Option<&Source>,
    template: &[u8],
    writer: Option<&Address>,
) -> Vec<Vec<u8>> {
    if source.is_some() {
        return grouping(controller, source, template, None, NaiveDate::MIN, true);
    }
    let mut parts = archived_root(None, template, writer);
    parts.push(controller.cvr.as_bytes().to_vec());
    parts
}

/// As [`root`], for mail of an archive.
pub fn archived_root(source: Option<&Source>, template: &[u8], writer: Option<&Address>) -> Vec<Vec<u8>> {
    if source.is_some() {
        return root(source, template, None, NaiveDate::MIN);
    }
    let writer = writer.map(Address::reveal).unwrap_or_default().to_lowercase().into_bytes();
    vec![b"archive".to_vec(), writer]
}
