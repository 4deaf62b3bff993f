//! Where lines of RTF end, and what of them does not show. Start reading at [`Reader::end_line`].

use super::Reader;
use super::target::Target;

/// What holds of the text that follows: `\v`, `\deleted`, `\revised`.
#[derive(Clone, Copy, Default)]
pub(super) struct Sight {
    pub(super) is_hidden: bool,
    pub(super) is_deleted: bool,
    pub(super) is_inserted: bool,
}

impl Sight {
    pub(super) fn shows(self) -> bool {
        !self.is_hidden && !self.is_deleted
    }
}

impl Reader<'_, '_> {
    /// A line or a paragraph ends; within a cell that is no row.
    pub(super) fn line(&mut self) {
        if self.now.target == Target::Main && !self.is_html {
            if self.now.is_in_table {
                return self.push(" ");
            }
            if !self.now.sight.shows() {
                // An end that does not show joins what stands round it.
                return self.push("\n");
            }
        }
        self.end_line();
    }

    pub(super) fn end_line(&mut self) {
        const ENOUGH: usize = 8192;
        if self.now.target != Target::Main || self.is_html {
            return self.push("\n");
        }
        self.settle_line();
        self.text.push('\n');
        if !self.others.is_empty() || !self.beside.is_empty() || !self.beside_line.is_empty() {
            self.end_beside();
            self.text.push_str(&std::mem::take(&mut self.others));
            self.text.push_str(&std::mem::take(&mut self.beside));
        }
        if self.text.len() > ENOUGH {
            self.page.text(&std::mem::take(&mut self.text));
        }
    }

    /// What stands beside the text ends a line of its own.
    pub(super) fn end_beside(&mut self) {
        if self.beside_line.is_empty() {
            return;
        }
        let (line, others) = self.beside_line.take();
        for text in std::iter::once(line).chain(others) {
            self.beside.push_str(&text);
            self.beside.push('\n');
        }
    }

    /// The line is text now, and what else is to be told of it comes behind.
    pub(super) fn settle_line(&mut self) {
        let (line, others) = self.line.take();
        self.text.push_str(&line);
        for other in others {
            self.others.push_str(&other);
            self.others.push('\n');
        }
    }
}
