//! The processor's notice to a controller as a paper (GDPR art. 33(2)), with when each telling left and when our mail server took
//! it. When it reached the controller only the controller's own mail server knows.
//!
//! The notice itself goes by mail when the case opens; this is what stands in the file beside it. One controller's case and no
//! other's. Start reading at [`write()`].

use super::letter::{Filling, Language, Written};
use super::{ExportError, Whole};
use crate::case::Kind;
use crate::case::field::Field;
use crate::case::local::shown;
use crate::store::{Channel, NoticeRow};
use chrono::{DateTime, Utc};

/// The notice; `processor` is who sends mail for the controller, as the configuration names it.
///
/// # Errors
/// [`ExportError::NearMiss`]: nothing got out.
pub fn write(whole: &Whole<'_>, processor: Option<&str>, language: Language) -> Result<Written, ExportError> {
    let row = &whole.file.row;
    if row.kind == Kind::NearMiss {
        return Err(ExportError::NearMiss(row.id.to_string()));
    }
    let template = match language {
        Language::Danish => include_str!("texts/notice.da.txt"),
        Language::English => include_str!("texts/notice.en.txt"),
    };
    let mut filling = Filling::new(whole, language);
    let nobody = match language {
        Language::Danish => "[MANGLER: alarm.processor i konfigurationen]",
        Language::English => "[MISSING: alarm.processor in the configuration]",
    };
    filling.put("processor", processor.unwrap_or(nobody).to_owned());
    filling.fact("cause", Field::CauseText, crate::export::words::said(whole.file, Field::Cause));
    filling.fact("measures", Field::Measures, None);
    filling.fact("contained", Field::Contained, None);
    filling.put("tellings", tellings(whole, language));
    Ok(filling.fill(template))
}

/// Each letter to the controller's own DPO that was handed over, the first one first.
fn tellings(whole: &Whole<'_>, language: Language) -> String {
    let file = whole.file;
    let is_letter = |notice: &&NoticeRow| {
        notice.recipient == file.row.dpo && matches!(notice.channel, Channel::Mail | Channel::Second)
    };
    let letters = file.notices.iter().filter(is_letter);
    let mut sent: Vec<(DateTime<Utc>, &NoticeRow)> =
        letters.filter_map(|notice| Some((notice.sent_at?, notice))).collect();
    sent.sort_by_key(|(at, notice)| (*at, notice.id));
    let lines: Vec<String> = sent
        .into_iter()
        .map(|(at, notice)| {
            let (to, at) = (&notice.recipient, shown(at));
            match language {
                Language::Danish => format!("- {to}: afleveret til vores udgående mailserver {at}"),
                Language::English => format!("- {to}: handed to our outgoing mail server {at}"),
            }
        })
        .collect();
    match (lines.is_empty(), language) {
        (false, _) => lines.join("\n"),
        (true, Language::Danish) => "[ingen underretning er afleveret endnu]".to_owned(),
        (true, Language::English) => "[no notice has been delivered yet]".to_owned(),
    }
}
