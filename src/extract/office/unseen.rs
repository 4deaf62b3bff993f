//! What does not show in a text: styles that hide, and of OpenDocument changes that are tracked (part 3 §5.5, §20.331).
//!
//! A deletion leaves a mark without text in the paragraph, and what it took stands before all text, as the
//! styles do; so both are gathered on the way. Start reading at [`Unseen`].

use super::xml::{Tag, Walker};
use crate::extract::content::Page;
use std::collections::{HashMap, HashSet};

/// The styles of Office Open XML that hide the runs that have them, gathered by showing it the elements of a part.
#[derive(Clone, Default)]
pub(super) struct Hiding {
    styles: HashSet<String>,
    style: Option<String>,
}

impl Hiding {
    /// An element begins.
    pub(super) fn see(&mut self, tag: &Tag<'_>) {
        let Some(style) = &self.style else {
            if tag.name() == "style" {
                self.style = tag.get("styleId").map(std::borrow::Cow::into_owned);
            }
            return;
        };
        let value = tag.get("val");
        match tag.name() {
            "style" => self.style = tag.get("styleId").map(std::borrow::Cow::into_owned),
            "basedOn" if value.as_deref().is_some_and(|base| self.styles.contains(base)) => {
                self.styles.insert(style.clone());
            }
            "vanish" if value.as_deref().is_none_or(|val| val != "0" && val != "false") => {
                self.styles.insert(style.clone());
            }
            "vanish" => drop(self.styles.remove(style)),
            // The text begins, in a file that holds both.
            "p" | "body" => self.style = None,
            _ => {}
        }
    }

    /// Whether a run has such a style.
    pub(super) fn hides(&self, style: &Tag<'_>) -> bool {
        !self.styles.is_empty() && style.get("val").is_some_and(|style| self.styles.contains(style.as_ref()))
    }
}

impl Walker for Hiding {
    fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
        self.see(tag);
    }

    fn close(&mut self, _: &mut Page<'_>) {}

    fn text(&mut self, _: &str, _: &mut Page<'_>) {}
}

/// The styles that hide and the changes of a document, gathered by walking it.
#[derive(Clone, Default)]
pub(super) struct Unseen {
    hiding: HashSet<String>,
    /// What was deleted, by the change's name; nothing when that is an insertion.
    changes: HashMap<String, Option<String>>,
    style: String,
    change: String,
    /// How deep in a deletion, and in a paragraph of it.
    in_deletion: usize,
    in_paragraph: usize,
    open: Vec<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Deletion,
    Paragraph,
}

impl Unseen {
    /// Whether an element's text does not show: by its style, or because it is a hidden text.
    pub(super) fn hides(&self, tag: &Tag<'_>) -> bool {
        match tag.name() {
            "span" | "a" => {
                !self.hiding.is_empty()
                    && tag.get("style-name").is_some_and(|style| self.hiding.contains(style.as_ref()))
            }
            "hidden-text" => tag.get("is-hidden").is_none_or(|is| is == "true"),
            _ => false,
        }
    }

    /// What was deleted at a mark; once only, for many marks may name the same change.
    pub(super) fn take_deleted(&mut self, mark: &Tag<'_>) -> String {
        let change = mark.get("change-id").and_then(|id| self.changes.get_mut(id.as_ref()));
        change.and_then(Option::as_mut).map(std::mem::take).unwrap_or_default()
    }

    /// Whether a mark is of an insertion.
    pub(super) fn is_insertion(&self, mark: &Tag<'_>) -> bool {
        mark.get("change-id").is_some_and(|id| self.changes.get(id.as_ref()) == Some(&None))
    }
}

impl Walker for Unseen {
    fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
        let mut kind = Kind::Other;
        match tag.name() {
            "style" => {
                self.style = tag.get("name").unwrap_or_default().into_owned();
                if tag.get("parent-style-name").is_some_and(|parent| self.hiding.contains(parent.as_ref())) {
                    self.hiding.insert(self.style.clone());
                }
            }
            "text-properties" => match tag.get("display").as_deref() {
                Some("none") => drop(self.hiding.insert(self.style.clone())),
                Some(_) => drop(self.hiding.remove(&self.style)),
                None => {}
            },
            "changed-region" => self.change = tag.get("id").unwrap_or_default().into_owned(),
            "insertion" => {
                self.changes.insert(std::mem::take(&mut self.change), None);
            }
            "deletion" => {
                kind = Kind::Deletion;
                self.in_deletion += 1;
                self.changes.insert(self.change.clone(), Some(String::new()));
            }
            "p" | "h" if self.in_deletion > 0 => {
                kind = Kind::Paragraph;
                self.in_paragraph += 1;
                if let Some(Some(text)) = self.changes.get_mut(&self.change)
                    && !text.is_empty()
                {
                    text.push('\n');
                }
            }
            _ => {}
        }
        self.open.push(kind);
    }

    fn close(&mut self, _: &mut Page<'_>) {
        match self.open.pop() {
            Some(Kind::Deletion) => self.in_deletion = self.in_deletion.saturating_sub(1),
            Some(Kind::Paragraph) => self.in_paragraph = self.in_paragraph.saturating_sub(1),
            Some(Kind::Other) | None => {}
        }
    }

    fn text(&mut self, text: &str, _: &mut Page<'_>) {
        if self.in_deletion > 0
            && self.in_paragraph > 0
            && let Some(Some(deleted)) = self.changes.get_mut(&self.change)
        {
            deleted.push_str(text);
        }
    }
}
