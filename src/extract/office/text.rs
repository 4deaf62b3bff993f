//! Office Open XML (ECMA-376) but for the cells of sheets: text documents, slides, drawings, charts, comments, properties.
//!
//! All of them are made of the same few things under different prefixes (paragraphs `p` of runs with texts `t`, tables of
//! `tr` and `tc`), so one walk reads them all by the elements' local names, in the Transitional namespace and the Strict
//! one. Text in an element that it does not know is told too, beside the line; so are the attributes that hold text and
//! any that might hold a number. Start reading at [`Text`].

use super::lines::{Lines, has_digits, may_be_number};
use super::number_format;
use super::unseen::Hiding;
use super::xml::{Tag, Walker};
use crate::extract::content::Page;

/// What an element is for the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It holds others, or says how things look; text right within it is told beside.
    Other,
    Paragraph,
    /// Text of a line.
    Text,
    /// What a field does.
    Instruction,
    /// One of the texts that a formula or a chart holds: on a line of its own.
    Value,
    /// How a value is shown, or where it comes from.
    Reference,
    Row,
    Cell,
    /// A text of its own within a paragraph.
    Box,
    Choice,
    Fallback,
    RunProperties,
    ParagraphProperties,
    /// Tab stops are named as tabs are.
    TabStops,
    Deleted,
    Inserted,
    Run,
    /// The name is told before the texts in it.
    Property,
    /// Bytes as letters.
    Binary,
}

/// Walks a part.
pub(super) struct Text {
    pub(super) lines: Lines,
    open: Vec<Kind>,
    /// The instruction of the field that is being read, in pieces.
    instruction: String,
    /// A value, in pieces.
    value: String,
    /// A text in an element that is not known, in pieces.
    stray: String,
    /// Where in the line the first of two alternatives began, and what it holds when it ended.
    choice_began: usize,
    choice: Option<String>,
    /// Texts are told with the names of what they are in.
    labels: bool,
    label: String,
    /// Styles that hide, of this part or of another.
    pub(super) hiding: Hiding,
}

impl Text {
    /// For a part whose lines are `lines`; with `labels`, texts are told with the names of their elements.
    pub(super) fn new(lines: Lines, labels: bool) -> Self {
        Self {
            lines,
            open: Vec::new(),
            instruction: String::new(),
            value: String::new(),
            stray: String::new(),
            choice_began: 0,
            choice: None,
            labels,
            label: String::new(),
            hiding: Hiding::default(),
        }
    }

    /// The part ends.
    pub(super) fn finish(&mut self, page: &mut Page<'_>) {
        self.end_instruction();
        self.lines.finish(page);
    }

    fn is_in(&self, kind: Kind) -> bool {
        self.open.last() == Some(&kind)
    }

    fn end_instruction(&mut self) {
        let instruction = std::mem::take(&mut self.instruction);
        self.lines.beside(&instruction);
    }

    /// Elements that are a sign in the line.
    fn sign(&mut self, tag: &Tag<'_>, page: &mut Page<'_>) {
        match tag.name() {
            "tab" | "ptab" if !self.is_in(Kind::TabStops) => self.lines.text("\t"),
            "br" | "cr" => self.lines.text("\n"),
            "noBreakHyphen" => self.lines.text("-"),
            "sym" => {
                let code = tag.get("char").and_then(|code| u32::from_str_radix(&code, 16).ok());
                // Fonts of symbols have the letters of ASCII there.
                let code =
                    code.map(|code| if (0xF020..0xF07F).contains(&code) { code - 0xF000 } else { code });
                if let Some(letter) = code.and_then(char::from_u32) {
                    self.lines.text(letter.encode_utf8(&mut [0; 4]));
                }
            }
            "fldChar" => self.end_instruction(),
            "gridSpan" => {
                // In its cell's properties: the cell is as wide as so many.
                let span = tag.get("val").and_then(|span| span.parse::<u32>().ok()).unwrap_or(1);
                self.lines.skip_cells(span.saturating_sub(1));
            }
            "gridBefore" => {
                let skipped = tag.get("val").and_then(|cells| cells.parse().ok()).unwrap_or(0);
                self.lines.skip_cells(skipped);
            }
            // It stands before what the run says itself.
            "rStyle" if self.is_run_properties() => self.lines.hidden = self.hiding.hides(tag),
            "vanish" if self.is_run_properties() => {
                self.lines.hidden = tag.get("val").is_none_or(|val| val != "0" && val != "false");
            }
            "comment" | "si" | "threadedComment" => self.lines.finish(page),
            _ => {}
        }
    }

    /// Those of a run, and not of a paragraph's mark.
    fn is_run_properties(&self) -> bool {
        let mut open = self.open.iter().rev();
        open.next() == Some(&Kind::RunProperties) && open.next() == Some(&Kind::Run)
    }

    fn kind(tag: &Tag<'_>) -> Kind {
        match tag.name() {
            "p" => Kind::Paragraph,
            "t" | "delText" => Kind::Text,
            "instrText" | "delInstrText" => Kind::Instruction,
            "v" => Kind::Value,
            "f" | "formatCode" => Kind::Reference,
            "tr" => Kind::Row,
            "tc" => Kind::Cell,
            "txbxContent" | "textbox" | "tbl" | "rt" => Kind::Box,
            // In the notation of 2003.
            "annotation" => match tag.get("type").as_deref() {
                Some("Word.Deletion") => Kind::Deleted,
                Some("Word.Insertion") => Kind::Inserted,
                Some("Word.Comment") => Kind::Box,
                _ => Kind::Other,
            },
            "Choice" => Kind::Choice,
            "Fallback" => Kind::Fallback,
            "rPr" => Kind::RunProperties,
            "pPr" => Kind::ParagraphProperties,
            "tabs" | "tabLst" => Kind::TabStops,
            "del" | "moveFrom" => Kind::Deleted,
            "ins" | "moveTo" => Kind::Inserted,
            "r" => Kind::Run,
            "property" | "user-defined" => Kind::Property,
            "fldData" | "binData" => Kind::Binary,
            _ => Kind::Other,
        }
    }

    /// Attributes that hold text.
    fn attributes(&mut self, tag: &Tag<'_>) {
        const TEXTS: [&str; 17] = [
            "descr",
            "title",
            "alt",
            "tooltip",
            "string",
            "instr",
            "displayText",
            "prompt",
            "promptTitle",
            "error",
            "errorTitle",
            "display",
            "author",
            "href",
            "fullDate",
            "connectString",
            "placeholder",
        ];
        // Elements whose `val` a person wrote.
        const VALUES: [&str; 13] = [
            "alias",
            "tag",
            "docVar",
            "default",
            "statusText",
            "helpText",
            "query",
            "connectString",
            "udl",
            "name",
            "entryMacro",
            "exitMacro",
            "listEntry",
        ];
        // Most elements of a document, and they only say how it looks.
        const LOOKS: [&str; 24] = [
            "r",
            "p",
            "t",
            "rPr",
            "pPr",
            "rFonts",
            "sz",
            "szCs",
            "lang",
            "b",
            "i",
            "u",
            "color",
            "spacing",
            "ind",
            "jc",
            "pStyle",
            "rStyle",
            "proofErr",
            "tcW",
            "latin",
            "ea",
            "cs",
            "endParaRPr",
        ];
        let name = tag.name();
        let raw = tag.raw();
        // None, or too short for a number.
        if raw.len() < 6 {
            return;
        }
        let may_be = may_be_number(raw);
        if !may_be && LOOKS.contains(&name) {
            return;
        }
        let is_named = matches!(name, "docPr" | "cNvPr" | "bookmarkStart" | "docVar" | "cacheField" | "tag");
        let has_value = VALUES.contains(&name);
        // Identifiers that programs count or draw at random.
        let is_random = matches!(name, "creationId" | "modId" | "rowId" | "colId" | "nsid" | "tmpl" | "id");
        for (key, value) in tag.all() {
            // Names of styles are nothing that somebody wrote for this document.
            let is_value = has_value && key == "val" && (name != "name" || has_digits(&value, 4));
            let is_text = TEXTS.contains(&key) || is_named && key == "name" || is_value;
            let is_number = may_be
                && !is_random
                && !matches!(key, "id" | "Id" | "relativeHeight" | "durableId" | "style")
                && may_be_number(&value);
            if is_text || is_number {
                self.lines.beside(&value);
            }
        }
    }

    fn end_stray(&mut self, page: &mut Page<'_>) {
        let stray = std::mem::take(&mut self.stray);
        let text = stray.trim();
        if text.is_empty() {
            return;
        }
        if self.labels {
            let label = std::mem::take(&mut self.label);
            self.lines.text(&label);
            self.lines.text(": ");
            self.label = label;
            self.lines.text(text);
            self.lines.end_paragraph(page);
        } else {
            self.lines.beside(text);
        }
    }
}

impl Walker for Text {
    fn open(&mut self, tag: &Tag<'_>, page: &mut Page<'_>) {
        if !self.stray.is_empty() {
            self.end_stray(page);
        }
        self.hiding.see(tag);
        let mut kind = Self::kind(tag);
        // Headers and notes are parts of their own, and stand in a paragraph in the notation of 2003.
        if kind == Kind::Other
            && matches!(tag.name(), "hdr" | "ftr" | "footnote" | "endnote")
            && self.open.contains(&Kind::Paragraph)
        {
            kind = Kind::Box;
        }
        match kind {
            Kind::Other => self.sign(tag, page),
            Kind::Row => self.lines.begin_row(page),
            // A table in a cell is told after the row, as boxes are.
            Kind::Box => {
                if tag.name() != "tbl" || self.open.contains(&Kind::Cell) {
                    self.lines.enter_box();
                    self.open.push(Kind::Box);
                    return self.attributes(tag);
                }
                self.open.push(Kind::Other);
                return self.attributes(tag);
            }
            Kind::Choice => self.choice_began = self.lines.length(),
            Kind::Fallback => self.lines.enter_box(),
            Kind::Deleted => self.lines.deleted += 1,
            Kind::Inserted => self.lines.inserted += 1,
            Kind::Run => self.lines.hidden = false,
            Kind::Paragraph
            | Kind::Text
            | Kind::Instruction
            | Kind::Value
            | Kind::Reference
            | Kind::Cell
            | Kind::RunProperties
            | Kind::ParagraphProperties
            | Kind::TabStops
            | Kind::Property
            | Kind::Binary => {}
        }
        if self.labels && kind != Kind::Value {
            let name = if kind == Kind::Property { tag.get("name") } else { None };
            match name {
                Some(name) => name.as_ref().clone_into(&mut self.label),
                None if self.is_in(Kind::Property) => {}
                None => tag.name().clone_into(&mut self.label),
            }
        }
        self.attributes(tag);
        self.open.push(kind);
    }

    fn close(&mut self, page: &mut Page<'_>) {
        self.end_stray(page);
        match self.open.pop() {
            Some(Kind::Paragraph) => self.lines.end_paragraph(page),
            Some(Kind::Cell) => self.lines.end_cell(page),
            Some(Kind::Row) => self.lines.end_row(page),
            Some(Kind::Box) => self.lines.leave_box(page),
            Some(Kind::Choice) => self.choice = Some(self.lines.since(self.choice_began).to_owned()),
            Some(Kind::Fallback) => {
                let fallback = self.lines.take_box(page);
                let choice = self.choice.take().unwrap_or_default();
                if fallback.trim() != choice.trim() {
                    self.lines.beside(&fallback);
                }
            }
            Some(Kind::Value) => {
                let value = std::mem::take(&mut self.value);
                self.lines.text(&number_format::plain(&value));
                self.lines.end_paragraph(page);
            }
            Some(Kind::Deleted) => self.lines.deleted = self.lines.deleted.saturating_sub(1),
            Some(Kind::Inserted) => self.lines.inserted = self.lines.inserted.saturating_sub(1),
            Some(Kind::Run) => self.lines.hidden = false,
            Some(
                Kind::Other
                | Kind::Text
                | Kind::Instruction
                | Kind::Reference
                | Kind::RunProperties
                | Kind::ParagraphProperties
                | Kind::TabStops
                | Kind::Property
                | Kind::Binary,
            )
            | None => {}
        }
    }

    fn text(&mut self, text: &str, _: &mut Page<'_>) {
        match self.open.last() {
            Some(Kind::Text) => self.lines.text(text),
            Some(Kind::Instruction) => self.instruction.push_str(text),
            Some(Kind::Value) => self.value.push_str(text),
            Some(Kind::Reference) if !has_digits(text, 6) => {}
            None | Some(Kind::Binary) => {}
            // Blanks between elements are layout of the file.
            Some(_) if self.stray.is_empty() && text.trim().is_empty() => {}
            Some(_) => self.stray.push_str(text),
        }
    }
}
