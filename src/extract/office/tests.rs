//! Packages made by hand: every place that text hides in, and what is broken.

use crate::extract::content::{Event, Limits, Spot, Unread};
use crate::extract::made::archives::archive;
use crate::extract::made::office::{W, docx, package};
use crate::extract::open;
use std::fmt::Write as _;

mod hostile;
mod opendocument;
mod sheets;
mod slides;
mod words;

/// What was told: texts with their spots in brackets, files as `{name}`, and what was not read.
#[derive(Debug, Default)]
struct Told {
    text: String,
    unread: Vec<Unread>,
    events: usize,
}

impl Told {
    /// Whether a line is exactly this.
    fn has_line(&self, line: &str) -> bool {
        self.text.lines().any(|one| one.trim_end() == line)
    }
}

/// Texts with each spot in brackets before what stands there.
fn told(document: &[u8]) -> Told {
    let mut told = Told::default();
    let mut content = |event: Event<'_>| {
        told.events += 1;
        match event {
            Event::Enter(member) if member.name.is_empty() => {}
            Event::Enter(member) => write!(told.text, "{{{}}}", member.name).unwrap(),
            Event::Data(data) => told.text.push_str(&String::from_utf8_lossy(data)),
            Event::Leave => told.text.push('\n'),
            Event::Unread(why) => told.unread.push(why),
            Event::Spot(Spot::Paragraph(nr)) => write!(told.text, "[{nr}]").unwrap(),
            Event::Spot(Spot::Slide(nr)) => writeln!(told.text, "[slide {nr}]").unwrap(),
            Event::Spot(Spot::Sheet(name)) => writeln!(told.text, "[sheet {name}]").unwrap(),
            Event::Spot(Spot::Named(name)) => writeln!(told.text, "[{name}]").unwrap(),
            Event::Spot(Spot::Cell { row, column }) => write!(told.text, "[{row},{column}]").unwrap(),
            Event::Spot(Spot::Page(_)) => unreachable!("no form here has pages"),
        }
    };
    open(document, Limits::default(), &mut content);
    told
}
