//! A document as PDF/A-2u: pages to be kept and read in many years, with their fonts in them and every letter searchable.
//!
//! `layout` breaks lines and pages and knows no PDF; `face` measures letters; here the pages are drawn. The fonts are DejaVu Sans
//! Condensed, cut to European letters (`../fonts/`). Start reading at [`render`].

mod face;
mod layout;

use super::ExportError;
use super::paper::Paper;
use chrono::{DateTime, Datelike, Timelike, Utc};
use face::Faces;
use krilla::color::luma;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime as PdfTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::{Document, SerializeSettings};
use layout::{Laid, Op};

/// The file.
///
/// # Errors
/// [`ExportError::Made`] with what the library found wrong; our own scanner is asked by the caller.
pub fn render(paper: &Paper) -> Result<Vec<u8>, ExportError> {
    let faces = Faces::load().ok_or_else(|| failed("a font cannot be read"))?;
    let laid = layout::lay(paper, &faces);
    let configuration =
        ConfigurationBuilder::new().with_archival_validator(Archival::A2_U).finish().map_err(failed)?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    for ops in &laid.pages {
        let settings = PageSettings::from_wh(laid.width, laid.height).ok_or_else(|| failed("no page"))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for op in ops {
            draw(&mut surface, &faces, op);
        }
        surface.finish();
        page.finish();
    }
    document.set_outline(outline(&laid));
    document.set_metadata(
        Metadata::new()
            .title(paper.title.da.clone())
            .creator("Brevdue".to_owned())
            .language("da-DK".to_owned())
            .creation_date(time(paper.made)),
    );
    document.finish().map_err(failed)
}

fn failed(why: impl std::fmt::Debug) -> ExportError {
    ExportError::Made { what: "PDF", why: format!("{why:?}") }
}

fn draw(surface: &mut Surface<'_>, faces: &Faces, op: &Op) {
    match op {
        Op::Text { x, y, size, is_bold, grey, text } => {
            surface.set_fill(Some(paint(*grey)));
            let face = faces.of(*is_bold);
            let (text, glyphs) = face.glyphs(text);
            surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, face.font(), &text, *size, false);
        }
        Op::Box { x, y, width, height, grey } => {
            let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) else { return };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            if let Some(path) = path.finish() {
                surface.set_fill(Some(paint(*grey)));
                surface.draw_path(&path);
            }
        }
    }
}

fn paint(grey: u8) -> Fill {
    Fill { paint: luma::Color::new(grey).into(), ..Fill::default() }
}

fn outline(laid: &Laid) -> Outline {
    let mut outline = Outline::new();
    for mark in &laid.marks {
        let to = XyzDestination::new(mark.page, Point::from_xy(0.0, mark.y));
        outline.push_child(OutlineNode::new(mark.text.clone(), to));
    }
    outline
}

fn time(at: DateTime<Utc>) -> PdfTime {
    let part = |value: u32| u8::try_from(value).unwrap_or(0);
    PdfTime::new(u16::try_from(at.year()).unwrap_or(0))
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::paper::{Block, Both};

    #[test]
    fn many_rows_make_many_pages_each_with_its_number() {
        let made = DateTime::from_timestamp(1_794_907_200, 0).unwrap();
        let mut paper = Paper::new(Both::new("Æ Ø Å · prøve", "trial"), "BRV-2026-0001", made);
        paper.heading(1, ("Overskrift", "Heading"));
        paper.blocks.push(Block::Text(format!("Et afsnit. {}", "Blåbærgrød og æbleskiver. ".repeat(40))));
        paper.blocks.push(Block::Table {
            head: vec!["Nr.".to_owned(), "Ord".to_owned()],
            widths: vec![1, 4],
            rows: (0..150).map(|at| vec![at.to_string(), "Rødgrød med fløde ".repeat(8)]).collect(),
        });
        // Nothing that the fonts do not have, and nothing that is no text, stops a document.
        paper.blocks.push(Block::Text("漢字 \u{7}\u{1F426} łódź ≥ 3 … »«".to_owned()));
        paper.blocks.push(Block::Text("x".repeat(3_000)));
        let faces = Faces::load().unwrap();
        let laid = layout::lay(&paper, &faces);
        assert!(laid.pages.len() > 3);
        let pdf = render(&paper).unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7") && pdf.len() < 300_000, "{}", pdf.len());
        let foot = |at: usize| {
            laid.pages[at].iter().any(|op| {
                matches!(op, Op::Text { text, .. } if text.contains(&format!("side {} af {}", at + 1, laid.pages.len())))
            })
        };
        assert!((0..laid.pages.len()).all(foot));
    }
}
