//! Lines and pages: where each text of a document stands. Measures in points (1/72 inch), y from the top of the page down.
//!
//! Greedy: a line takes the words that fit; a row stays together when a page can hold it; a heading takes along what follows. The
//! foot is written last, when the number of pages is known. Start reading at [`lay`].

use super::face::Faces;
use crate::export::paper::{Block, Both, Filled, Origin, Paper};

const MARGIN: f32 = 50.0;
const FOOT: f32 = 40.0;
const TEXT: f32 = 9.5;
const SMALL: f32 = 8.0;
/// Of a line, in parts of the size.
const LEADING: f32 = 1.35;
const BLACK: u8 = 0x11;
const GREY: u8 = 0x60;
const RULE: u8 = 0xC4;
const SHADE: u8 = 0xEE;

/// What is drawn.
pub(super) enum Op {
    /// A line of text, from its base line.
    Text { x: f32, y: f32, size: f32, is_bold: bool, grey: u8, text: String },
    /// A filled rectangle.
    Box { x: f32, y: f32, width: f32, height: f32, grey: u8 },
}

/// A heading, for the outline.
pub(super) struct Mark {
    pub(super) page: usize,
    pub(super) y: f32,
    pub(super) text: String,
}

/// A document on its pages.
pub(super) struct Laid {
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) pages: Vec<Vec<Op>>,
    pub(super) marks: Vec<Mark>,
}

/// How a text is set.
#[derive(Clone, Copy)]
struct Style {
    size: f32,
    is_bold: bool,
    grey: u8,
}

const PLAIN: Style = Style { size: TEXT, is_bold: false, grey: BLACK };
const LABEL: Style = Style { size: TEXT, is_bold: true, grey: BLACK };
const NOTE: Style = Style { size: SMALL, is_bold: false, grey: GREY };
const HEAD: Style = Style { size: SMALL, is_bold: true, grey: BLACK };
const CELL: Style = Style { size: SMALL, is_bold: false, grey: BLACK };

impl Style {
    fn line(self) -> f32 {
        self.size * LEADING
    }
}

/// The document on its pages, A4.
pub(super) fn lay(paper: &Paper, faces: &Faces) -> Laid {
    let (width, height) = if paper.is_broad { (841.89, 595.28) } else { (595.28, 841.89) };
    let mut laying =
        Laying { faces, laid: Laid { width, height, pages: vec![Vec::new()], marks: Vec::new() }, y: MARGIN };
    let title = Style { size: 18.0, is_bold: true, grey: BLACK };
    laying.paragraph(&paper.title.da, title);
    laying.paragraph(&paper.title.en, Style { size: 11.0, is_bold: false, grey: GREY });
    laying.paragraph(&format!("{} · {}", paper.foot, paper.made_words()), NOTE);
    for block in &paper.blocks {
        laying.block(block);
    }
    laying.feet(paper);
    laying.laid
}

struct Laying<'a> {
    faces: &'a Faces,
    laid: Laid,
    y: f32,
}

impl Laying<'_> {
    fn inner(&self) -> f32 {
        self.laid.width - 2.0 * MARGIN
    }

    fn bottom(&self) -> f32 {
        self.laid.height - MARGIN - FOOT / 2.0
    }

    fn op(&mut self, op: Op) {
        if let Some(page) = self.laid.pages.last_mut() {
            page.push(op);
        }
    }

    fn new_page(&mut self) {
        self.laid.pages.push(Vec::new());
        self.y = MARGIN;
    }

    /// Makes room for so much; whether that took a new page.
    fn need(&mut self, height: f32) -> bool {
        let is_over = self.y + height > self.bottom() && self.y > MARGIN;
        if is_over {
            self.new_page();
        }
        is_over
    }

    /// One line at `x`, its top where we are; the place stays.
    fn put(&mut self, x: f32, text: &str, style: Style) {
        let Style { size, is_bold, grey } = style;
        if !text.is_empty() {
            self.op(Op::Text { x, y: self.y + size, size, is_bold, grey, text: text.to_owned() });
        }
    }

    fn rule(&mut self) {
        let (x, y, width) = (MARGIN, self.y, self.inner());
        self.op(Op::Box { x, y, width, height: 0.5, grey: RULE });
    }

    fn wrap(&self, text: &str, style: Style, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            self.wrap_paragraph(paragraph, style, width, &mut lines);
        }
        lines
    }

    fn wrap_paragraph(&self, text: &str, style: Style, width: f32, lines: &mut Vec<String>) {
        let face = self.faces.of(style.is_bold);
        let fits = |text: &str| face.width(text) * style.size <= width;
        let mut line = String::new();
        for word in text.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if fits(&longer) {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            // A word that is broader than the line is cut where it must be.
            for c in word.chars() {
                line.push(c);
                if !fits(&line) && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, c.to_string()));
                }
            }
        }
        lines.push(line);
    }

    fn paragraph(&mut self, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        for line in self.wrap(text, style, self.inner()) {
            self.need(style.line());
            self.put(MARGIN, &line, style);
            self.y += style.line();
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(level, text) => {
                let style = Style { size: if *level == 1 { 13.0 } else { 11.0 }, is_bold: true, grey: BLACK };
                self.y += 14.0;
                self.need(style.line() + 60.0);
                let mark = Mark { page: self.laid.pages.len() - 1, y: self.y, text: text.da.clone() };
                self.laid.marks.push(mark);
                self.paragraph(&text.line(), style);
                self.rule();
                self.y += 5.0;
            }
            Block::Text(text) => {
                self.y += 4.0;
                self.paragraph(text, PLAIN);
            }
            Block::Note(text) => {
                self.y += 4.0;
                self.paragraph(&text.da, NOTE);
                self.paragraph(&text.en, NOTE);
            }
            Block::Field(field) => self.field(field),
            Block::Pairs(pairs) => {
                self.y += 4.0;
                for (label, value) in pairs {
                    self.pair(label, value);
                }
            }
            Block::Table { head, widths, rows } => self.table(head, widths, rows),
            Block::PageBreak => self.new_page(),
        }
    }

    fn field(&mut self, field: &Filled) {
        let (da, en) = field.origin.names();
        self.y += 7.0;
        self.need(LABEL.line() + NOTE.line() + PLAIN.line());
        self.paragraph(&field.label.line(), LABEL);
        self.paragraph(&format!("{da} / {en}"), NOTE);
        let style = if field.origin == Origin::Missing { Style { is_bold: true, ..PLAIN } } else { PLAIN };
        self.paragraph(&field.value, style);
    }

    /// Label and value side by side, line by line, so that a long value goes on over the page. The English label stands small
    /// behind the Danish one, or below it where there is no room.
    fn pair(&mut self, label: &Both, value: &str) {
        let left = self.inner() * 0.32;
        let mut labels: Vec<Vec<(f32, String, Style)>> = self
            .wrap(&label.da, LABEL, left - 10.0)
            .into_iter()
            .map(|line| vec![(0.0, line, LABEL)])
            .collect();
        if !label.en.is_empty() && label.en != label.da {
            let end = labels
                .last()
                .and_then(|line| line.first())
                .map_or(0.0, |(_, text, style)| self.faces.of(true).width(text) * style.size + 5.0);
            let english = self.faces.of(false).width(&label.en) * NOTE.size;
            match labels.last_mut().filter(|_| end + english <= left - 10.0) {
                Some(line) => line.push((end, label.en.clone(), NOTE)),
                None => labels.extend(
                    self.wrap(&label.en, NOTE, left - 10.0).into_iter().map(|line| vec![(0.0, line, NOTE)]),
                ),
            }
        }
        let values = self.wrap(value, PLAIN, self.inner() - left);
        let count = labels.len().max(values.len());
        self.need(PLAIN.line() * f32::from(u16::try_from(count.min(6)).unwrap_or(6)));
        for at in 0..count {
            self.need(PLAIN.line());
            for (x, text, style) in labels.get(at).into_iter().flatten() {
                // On one base line with the value, whatever the size.
                self.y += PLAIN.size - style.size;
                self.put(MARGIN + x, text, *style);
                self.y -= PLAIN.size - style.size;
            }
            if let Some(text) = values.get(at) {
                self.put(MARGIN + left, text, PLAIN);
            }
            self.y += PLAIN.line();
        }
        self.y += 2.0;
    }

    fn table(&mut self, head: &[String], widths: &[u16], rows: &[Vec<String>]) {
        let all: u16 = widths.iter().fold(0_u16, |sum, width| sum.saturating_add(*width)).max(1);
        let part = self.inner() / f32::from(all);
        let mut x = MARGIN;
        let columns: Vec<(f32, f32)> = widths
            .iter()
            .map(|width| {
                let (from, width) = (x, f32::from(*width) * part);
                x += width;
                (from, width)
            })
            .collect();
        self.y += 6.0;
        self.head(head, &columns);
        for row in rows {
            let cells: Vec<Vec<String>> = row
                .iter()
                .zip(&columns)
                .map(|(cell, (_, width))| self.wrap(cell, CELL, width - 6.0))
                .collect();
            let count = cells.iter().map(Vec::len).max().unwrap_or(0);
            let height = CELL.line() * f32::from(u16::try_from(count).unwrap_or(u16::MAX));
            // What no page can hold begins where we are and goes on over the next.
            if height < self.bottom() - MARGIN - 30.0 && self.need(height + 4.0) {
                self.head(head, &columns);
            }
            self.y += 2.0;
            for at in 0..count {
                if self.need(CELL.line()) {
                    self.head(head, &columns);
                }
                for (lines, (x, _)) in cells.iter().zip(&columns) {
                    if let Some(line) = lines.get(at) {
                        self.put(x + 3.0, line, CELL);
                    }
                }
                self.y += CELL.line();
            }
            self.y += 2.0;
            self.rule();
        }
        self.y += 6.0;
    }

    fn head(&mut self, head: &[String], columns: &[(f32, f32)]) {
        let cells: Vec<Vec<String>> =
            head.iter().zip(columns).map(|(cell, (_, width))| self.wrap(cell, HEAD, width - 6.0)).collect();
        let count = cells.iter().map(Vec::len).max().unwrap_or(1);
        let height = HEAD.line() * f32::from(u16::try_from(count).unwrap_or(1)) + 5.0;
        self.need(height + CELL.line());
        let (y, width) = (self.y, self.inner());
        self.op(Op::Box { x: MARGIN, y, width, height, grey: SHADE });
        self.y += 2.0;
        for at in 0..count {
            for (lines, (x, _)) in cells.iter().zip(columns) {
                if let Some(line) = lines.get(at) {
                    self.put(x + 3.0, line, HEAD);
                }
            }
            self.y += HEAD.line();
        }
        self.y += 3.0;
    }

    fn feet(&mut self, paper: &Paper) {
        let all = self.laid.pages.len();
        let (x, y) = (MARGIN, self.laid.height - MARGIN + 12.0);
        let right = self.laid.width - MARGIN;
        for (at, page) in self.laid.pages.iter_mut().enumerate() {
            let text = format!("Brevdue · {} · {}", paper.foot, paper.made_words());
            let number = format!("side {} af {all}", at + 1);
            let width = self.faces.of(false).width(&number) * SMALL;
            let (size, is_bold, grey) = (SMALL, false, GREY);
            page.push(Op::Text { x, y, size, is_bold, grey, text });
            page.push(Op::Text { x: right - width, y, size, is_bold, grey, text: number });
        }
    }
}
