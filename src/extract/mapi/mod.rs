//! What Outlook's two forms of messages share, files (`ole/message.rs`) and `winmail.dat` (`tnef/`): properties by
//! number (MS-OXPROPS), and the packing of rich text.

pub(super) mod rtf;

use super::bytes::in_line;

/// A file's whole name, and its name of eight letters.
pub(super) const LONG_FILE_NAME: u16 = 0x3707;
pub(super) const FILE_NAME: u16 = 0x3704;
/// What is shown of a recipient or a file.
pub(super) const DISPLAY_NAME: u16 = 0x3001;
/// A file, or a message, that is attached.
pub(super) const DATA: u16 = 0x3701;
pub(super) const SUBJECT: u16 = 0x0037;
pub(super) const BODY: u16 = 0x1000;
pub(super) const HTML: u16 = 0x1013;
/// Rich text, packed.
pub(super) const RTF: u16 = 0x1009;
/// The number of the charset of texts of one byte a letter.
pub(super) const CODE_PAGE: u16 = 0x3FFD;
/// That of a text on the internet, the HTML among it.
pub(super) const INTERNET_CODE_PAGE: u16 = 0x3FDE;

/// A message's texts, gathered in an order that people read: who, what, and the rest.
#[derive(Default)]
pub(super) struct Texts {
    lines: String,
    subject: String,
    body: String,
    rest: String,
}

impl Texts {
    /// A text of the message itself.
    pub(super) fn add(&mut self, number: u16, text: &str) {
        let text = text.trim_end_matches('\0');
        let line = in_line(text);
        let out = match number {
            _ if line.is_empty() => return,
            SUBJECT => {
                self.subject = line;
                return;
            }
            BODY => {
                text.clone_into(&mut self.body);
                return;
            }
            // Sender and recipients, by name and by address.
            0x0042 | 0x0065 | 0x0C1A | 0x0C1F | 0x5D01 | 0x5D02 | 0x0E02..=0x0E04 => &mut self.lines,
            _ => &mut self.rest,
        };
        // The headers of its way are lines, and so may others be.
        if number == 0x007D {
            out.push_str(text);
        } else {
            out.push_str(&line);
        }
        out.push('\n');
    }

    /// A text of somebody who gets it.
    pub(super) fn add_recipient(&mut self, text: &str) {
        let line = in_line(text);
        if !line.is_empty() {
            self.lines.push_str(&line);
            self.lines.push('\n');
        }
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        let Self { lines, subject, body, rest } = self;
        format!("{lines}{subject}\n\n{body}\n\n{rest}")
    }

    /// What the message is called, as a file.
    pub(super) fn name(&self) -> String {
        format!("{}.msg", if self.subject.is_empty() { "message" } else { &self.subject })
    }
}
