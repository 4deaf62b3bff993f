//! Our own scanner reads every document before it is handed out: its text first, and the made file after.
//!
//! The text is what counts: a file that our readers cannot take apart whole is handed out when its text was clean, and the caller
//! is told so. A number anywhere means no document. Start reading at [`Reader::text`].

use super::ExportError;
use crate::scan::coverage::Coverage;
use crate::scan::{DocumentScan, Report};

/// Begins the reading of a document of a media type.
type Begin = dyn Fn(&str) -> DocumentScan + Send + Sync;

/// Who reads documents before they leave.
pub struct Reader {
    begin: Box<Begin>,
}

impl Reader {
    /// With scans that `begin` begins, under the rules in force and with whoever opens documents.
    pub fn new(begin: impl Fn(&str) -> DocumentScan + Send + Sync + 'static) -> Self {
        Self { begin: Box::new(begin) }
    }

    fn read(&self, media: &str, bytes: &[u8]) -> Report {
        let mut scan = (self.begin)(media);
        scan.feed(bytes);
        scan.finish()
    }

    /// Whether there is no number in a text.
    pub fn is_clean(&self, text: &str) -> bool {
        !self.read("text/plain", text.as_bytes()).leaks()
    }

    /// Reads the text of a document, called `what` in errors.
    ///
    /// # Errors
    /// [`ExportError::Number`].
    pub fn text(&self, what: &str, text: &str) -> Result<(), ExportError> {
        if self.is_clean(text) { Ok(()) } else { Err(ExportError::Number(what.to_owned())) }
    }

    /// Reads a made file back, by the readers that read attachments. Whether they could read it whole.
    ///
    /// # Errors
    /// [`ExportError::Number`].
    pub fn file(&self, what: &str, media: &str, bytes: &[u8]) -> Result<bool, ExportError> {
        let report = self.read(media, bytes);
        if report.leaks() {
            return Err(ExportError::Number(what.to_owned()));
        }
        Ok(report.coverage == Coverage::Complete)
    }
}
