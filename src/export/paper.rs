//! A document before it has a form: headings, fields, tables, in Danish with the English beside.
//!
//! Text, HTML and PDF are drawn from the same [`Paper`], so what the scanner reads as text is what every form shows.

use crate::case::local::shown;
use chrono::{DateTime, Utc};

/// Danish, and English beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Both {
    /// Danish.
    pub da: String,
    /// English; empty where it would say the same.
    pub en: String,
}

impl Both {
    /// From two texts.
    pub fn new(da: impl Into<String>, en: impl Into<String>) -> Self {
        Self { da: da.into(), en: en.into() }
    }

    /// On one line: `Frist / Deadline`.
    pub fn line(&self) -> String {
        if self.en.is_empty() || self.en == self.da {
            self.da.clone()
        } else {
            format!("{} / {}", self.da, self.en)
        }
    }
}

impl From<(&str, &str)> for Both {
    fn from((da, en): (&str, &str)) -> Self {
        Self::new(da, en)
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Counted or timed by the register.
    Register,
    /// Written by a person.
    Person,
    /// Nobody has said.
    Missing,
    /// It does not apply; the value says why.
    NotApplicable,
}

impl Origin {
    /// In Danish and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Register => ("fra fortegnelsen", "from the register"),
            Self::Person => ("skrevet af en person", "written by a person"),
            Self::Missing => ("MANGLER", "MISSING"),
            Self::NotApplicable => ("ikke relevant", "not applicable"),
        }
    }
}

/// A field with its limits, to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// What it is called.
    pub label: Both,
    /// Where its value comes from.
    pub origin: Origin,
    /// The value; what to write, when it is missing.
    pub value: String,
    /// Whether it has changed since it was notified.
    pub changed: bool,
}

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading: 1 the largest below the title.
    Heading(u8, Both),
    /// A paragraph; line breaks are kept.
    Text(String),
    /// A remark about the document, and not of it.
    Note(Both),
    /// A field to be copied.
    Field(Filled),
    /// Short pairs: what and how much.
    Pairs(Vec<(Both, String)>),
    /// A table.
    Table {
        /// Its head.
        head: Vec<String>,
        /// How wide each column is, in parts of the whole.
        widths: Vec<u16>,
        /// Its rows.
        rows: Vec<Vec<String>>,
    },
    /// What follows begins a page.
    PageBreak,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Its title.
    pub title: Both,
    /// What stands in the foot of each page: the case, or the register.
    pub foot: String,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// Broad pages, for tables.
    pub is_broad: bool,
    /// What it holds.
    pub blocks: Vec<Block>,
}

impl Paper {
    /// An empty one.
    pub fn new(title: Both, foot: impl Into<String>, made: DateTime<Utc>) -> Self {
        Self { title, foot: foot.into(), made, is_broad: false, blocks: Vec::new() }
    }

    /// Adds a heading.
    pub fn heading(&mut self, level: u8, text: impl Into<Both>) {
        self.blocks.push(Block::Heading(level, text.into()));
    }

    /// Adds a remark.
    pub fn note(&mut self, text: impl Into<Both>) {
        self.blocks.push(Block::Note(text.into()));
    }

    /// What is missing, by label.
    pub fn missing(&self) -> Vec<Both> {
        let fields = self.blocks.iter().filter_map(|block| match block {
            Block::Field(field) if field.origin == Origin::Missing => Some(field.label.clone()),
            Block::Field(_)
            | Block::Heading(..)
            | Block::Text(_)
            | Block::Note(_)
            | Block::Pairs(_)
            | Block::Table { .. }
            | Block::PageBreak => None,
        });
        fields.collect()
    }

    /// When it was made, for people.
    pub fn made_words(&self) -> String {
        format!("udskrevet {}", shown(self.made))
    }
}
