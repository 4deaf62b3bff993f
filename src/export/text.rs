//! A document as plain text: fields with clear limits, so that what is copied is the value and nothing else.

use super::paper::{Block, Both, Filled, Paper};
use std::fmt::Write as _;

const TOP: &str = "┌────────────────────────────────────────────────────────────────────────";
const BOTTOM: &str = "└────────────────────────────────────────────────────────────────────────";

/// A table that is broader, in characters, is written row by row.
const BROADEST: usize = 150;

/// The document; lines end in LF.
pub fn render(paper: &Paper) -> String {
    let mut out = String::new();
    title(&mut out, &paper.title);
    line(&mut out, &format!("{} · {}", paper.foot, paper.made_words()));
    for block in &paper.blocks {
        match block {
            Block::Heading(level, text) => heading(&mut out, *level, text),
            Block::Text(text) => {
                line(&mut out, "");
                line(&mut out, text);
            }
            Block::Note(text) => {
                line(&mut out, "");
                line(&mut out, &text.da);
                if !text.en.is_empty() {
                    line(&mut out, &format!("({})", text.en));
                }
            }
            Block::Field(field) => filled(&mut out, field),
            Block::Pairs(pairs) => {
                line(&mut out, "");
                for (label, value) in pairs {
                    line(&mut out, &format!("{}: {value}", label.line()));
                }
            }
            Block::Table { head, rows, .. } => table(&mut out, head, rows),
            Block::PageBreak => line(&mut out, ""),
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    writeln!(out, "{}", text.trim_end()).unwrap_or_default();
}

fn title(out: &mut String, title: &Both) {
    line(out, &title.da.to_uppercase());
    if !title.en.is_empty() {
        line(out, &title.en);
    }
}

fn heading(out: &mut String, level: u8, text: &Both) {
    let text = text.line();
    line(out, "");
    line(out, &text);
    let under = if level == 1 { "=" } else { "-" };
    line(out, &under.repeat(text.chars().count().min(76)));
}

fn filled(out: &mut String, field: &Filled) {
    let (da, en) = field.origin.names();
    let changed = if field.changed { ", ÆNDRET / CHANGED" } else { "" };
    line(out, "");
    line(out, &format!("{} [{da} / {en}{changed}]", field.label.line()));
    line(out, TOP);
    line(out, &field.value);
    line(out, BOTTOM);
}

fn table(out: &mut String, head: &[String], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // What no screen shows side by side stands below one another.
    if widths.iter().sum::<usize>() > BROADEST {
        for row in rows {
            line(out, "");
            for (head, cell) in head.iter().zip(row) {
                line(out, &format!("{head}: {cell}"));
            }
        }
        return;
    }
    line(out, "");
    for row in std::iter::once(head).chain(rows.iter().map(Vec::as_slice)) {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{:<width$}", cell.replace('\n', " ")))
            .collect();
        line(out, &cells.join("  "));
    }
}
