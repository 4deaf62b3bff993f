//! The processor's notice to a controller as a paper (GDPR art. 33(2)), with when each telling was sent and when the receiving
//! server took it.
//!
//! The notice itself goes by mail when the case opens; this is what stands in the file beside it. One controller's case and no
//! other's. Start reading at [`write()`].

use super::letter::{Filling, Language, Written};
use super::{ExportError, Whole};
use crate::case::Kind;
use crate::case::field::Field;
use crate::case::local::shown;

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

/// Each telling that was handed over: to whom, when that began, and when the server took it.
fn tellings(whole: &Whole<'_>, language: Language) -> String {
    let lines: Vec<String> = whole
        .file
        .notices
        .iter()
        .filter_map(|notice| {
            let received = notice.sent_at?;
            let sent = notice.begun_at.unwrap_or(received);
            let (to, sent, received) = (&notice.recipient, shown(sent), shown(received));
            Some(match language {
                Language::Danish => format!("- {to}: sendt {sent}, modtaget af jeres mailserver {received}"),
                Language::English => format!("- {to}: sent {sent}, received by your mail server {received}"),
            })
        })
        .collect();
    match (lines.is_empty(), language) {
        (false, _) => lines.join("\n"),
        (true, Language::Danish) => "[ingen underretning er afleveret endnu]".to_owned(),
        (true, Language::English) => "[no notice has been delivered yet]".to_owned(),
    }
}
