//! PDF (ISO 32000-2): the text of its pages, and what it says beside them.
//!
//! hayro reads the file and draws its pages; we are what it draws on ([`device`]) and make lines of the glyphs
//! ([`layout`], [`boxes`], [`columns`]); a page that is a picture is told as one ([`pictures`]). hayro knows no budget: a
//! bomb ends with the worker. What it does not draw (fields, comments, properties, files) is looked for in the objects
//! themselves ([`objects`]), what the document said before it was changed in its earlier versions ([`earlier`]), and what
//! cannot be opened at all in the streams ([`salvage`]). Start reading at [`read`]. Tests: here, and `tests/pdf.rs` within
//! the walls.

mod boxes;
mod columns;
mod device;
mod earlier;
mod glance;
mod layout;
mod objects;
mod pictures;
mod salvage;
#[cfg(test)]
pub(super) mod tests;
mod text;

use super::content::{Member, Page, Spot, Unread};
use super::raw;
use device::Pen;
use earlier::Known;
use hayro_interpret::hayro_syntax::object::Object;
use hayro_interpret::hayro_syntax::page::Page as Leaf;
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, InterpreterWarning, interpret_page};
use memchr::memmem;
use pictures::{Lens, Look};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages are told in texts of so many bytes at a time.
const MANY: usize = 64 * 1024;

/// More outlines than a logo and some lines have, on a page without a letter, are letters.
const OUTLINES: usize = 1500;

/// Fewer glyphs in a row that say nothing hide no number.
const FEW: u32 = 6;

/// So many in a row may be the end of a number.
const SERIAL: u32 = 4;

/// Where something stands that is on no page any more.
const EARLIER: Spot<'_> = Spot::Named("earlier version");

/// What covers no more than one of so many parts of a page is a logo.
const LOGO: f64 = 16.0;

/// Fewer letters than a page of text has.
const FEW_LETTERS: u32 = 100;

/// Where the document begins in a file; readers look in its first 1024 bytes (ISO 32000-2 annex I, implementation notes).
pub(super) fn begins(file: &[u8]) -> Option<usize> {
    const MARK: &[u8] = b"%PDF-";
    memmem::find(file.get(..file.len().min(1023 + MARK.len())).unwrap_or_default(), MARK)
}

/// Whether a file is one.
pub(super) fn is(file: &[u8]) -> bool {
    begins(file).is_some()
}

/// Tells what is in a document.
pub(super) fn read(file: &[u8], page: &mut Page<'_>) {
    let (before, document) = file.split_at_checked(begins(file).unwrap_or(0)).unwrap_or((&[], file));
    if !before.is_empty() {
        // What stands before is shown by whoever takes the file for something else.
        raw::sweep(before, page);
    }
    let is_whole = match load(document) {
        Ok(pdf) => {
            let ends = earlier::ends(document);
            let has_loose_pages = objects::has_loose_pages(&pdf);
            let mut known = Known::of(!ends.is_empty(), has_loose_pages);
            let is_whole = tell(&pdf, page, &mut known) && !is_cut(document);
            if known.is_kept {
                earlier::tell(document, &ends, page, &mut known);
            }
            known.tell_left(page);
            is_whole
        }
        Err(LoadPdfError::Decryption(
            why @ (DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm),
        )) => {
            let is_password = why == DecryptionError::PasswordProtected;
            page.unread(if is_password { Unread::Password } else { Unread::Encrypted });
            return clear(document, page);
        }
        Err(LoadPdfError::Decryption(_)) => false,
        Err(LoadPdfError::Invalid) => {
            // Most of it may still be there, without what holds it together.
            if let Ok(pdf) = Pdf::new([document, salvage::ROOT].concat()) {
                tell(&pdf, page, &mut Known::default());
            }
            false
        }
    };
    if !is_whole {
        page.unread(Unread::Damaged);
        salvage::streams(document, page);
        raw::sweep(document, page);
    }
}

/// Tells the properties of an encrypted document that are in the clear, as some programs leave them for archives.
fn clear(document: &[u8], page: &mut Page<'_>) {
    let Some(from) = memmem::find(document, b"<?xpacket begin") else { return };
    let rest = document.get(from..).unwrap_or_default();
    let to = memmem::find(rest, b"<?xpacket end").unwrap_or(rest.len());
    page.enter(Member { name: "", media: "application/xml" });
    page.data(rest.get(..to).unwrap_or_default());
    page.leave();
}

/// Whether objects follow what should be the end: the file was cut off, and hayro has made the best of it.
fn is_cut(document: &[u8]) -> bool {
    let end = memmem::rfind(document, b"%%EOF");
    let last = memmem::rfind(document, b"endobj").or_else(|| memmem::rfind(document, b" obj"));
    end.is_none() || end < last
}

/// Opens a document, with all its layers in sight: those that are switched off can be switched on by anybody.
fn load(document: &[u8]) -> Result<Pdf, LoadPdfError> {
    const LAYERS: &[u8] = b"/OCProperties";
    let mut bytes = document.to_vec();
    // Under another name of the same length, nobody finds which layers are off.
    let places: Vec<usize> = memmem::find_iter(document, LAYERS).collect();
    for at in places {
        if let Some(last) = bytes.get_mut(at + LAYERS.len() - 1) {
            *last = b'z';
        }
    }
    let pdf = Pdf::new(bytes)?;
    if !pdf.xref().has_optional_content_groups() {
        return Ok(pdf);
    }
    // The root lies in a stream: a second one goes behind the file, and is found when the table is not.
    let root = pdf.xref().root_id();
    let Some(Object::Dict(root)) = pdf.xref().get::<Object<'_>>(root) else { return Ok(pdf) };
    let mut second = root.data().to_vec();
    if let Some(at) = memmem::find(&second, LAYERS)
        && let Some(last) = second.get_mut(at + LAYERS.len() - 1)
    {
        *last = b'z';
    }
    let number: &[u8] = b"8388605 0";
    let tail: [&[u8]; 7] = [
        document,
        b"\n",
        number,
        b" obj\n",
        &second,
        b"\nendobj\ntrailer\n<</Root 8388605 0 R>>\nstartxref\n",
        b"0\n%%EOF\n",
    ];
    let shown = Pdf::new(tail.concat());
    // A key to the text is lost with the table; then what is off stays off.
    Ok(shown.ok().filter(|shown| shown.pages().len() == pdf.pages().len()).unwrap_or(pdf))
}

/// What could not be read of the pages.
#[derive(Default)]
struct Doubts {
    glyphs: u64,
    unmapped: u64,
    /// A page of glyphs that say nothing.
    is_unmapped: bool,
    /// Letters may be drawn as outlines, or lie in a picture that could not be told.
    is_picture: bool,
    is_damaged: bool,
}

/// Tells what is in a document that could be opened; whether all of it was there.
fn tell(pdf: &Pdf, page: &mut Page<'_>, known: &mut Known) -> bool {
    let is_font_lost = Arc::new(AtomicBool::new(false));
    let sink = Arc::clone(&is_font_lost);
    let settings = InterpreterSettings {
        warning_sink: Arc::new(move |warning| {
            if let InterpreterWarning::UnsupportedFont = warning {
                sink.store(true, Ordering::Relaxed);
            }
        }),
        ..InterpreterSettings::default()
    };
    let cache = InterpreterCache::new();
    let mut pen = Pen::default();
    pen.is_compared = known.is_kept;
    let (mut doubts, mut shown) = (Doubts::default(), Vec::new());
    page.enter(Member::TEXT);
    for (nr, leaf) in (1..).zip(pdf.pages().iter()) {
        if page.is_full() {
            return true;
        }
        draw(leaf, &mut pen, &cache, &settings);
        if !known.drawn(pen.glyphs) {
            break;
        }
        // Both are looked at, to know them later.
        let is_new = [known.is_new((&pen.text, &pen.meant)), known.is_new(&pen.keys)];
        if known.is_earlier && is_new == [false, false] {
            continue;
        }
        page.spot(if known.is_earlier { EARLIER } else { Spot::Page(nr) });
        for piece in pen.text.as_bytes().chunks(MANY).chain(pen.meant.as_bytes().chunks(MANY)) {
            page.data(piece);
        }
        page.text("\n");
        if doubts.add(leaf, &pen) {
            shown.push((nr, std::mem::take(&mut pen.keys)));
        }
    }
    page.leave();
    objects::Walk::tell(pdf, page, known);
    doubts.is_picture |= !tell_pictures(pdf, shown, (&cache, &settings), known, page);
    doubts.is_unmapped |= is_font_lost.load(Ordering::Relaxed) || doubts.unmapped * 50 > doubts.glyphs;
    if doubts.is_unmapped {
        page.unread(Unread::UnmappedGlyphs);
    }
    if doubts.is_picture {
        page.unread(Unread::Picture);
    }
    !doubts.is_damaged && !pdf.pages().is_empty()
}

/// Tells the pages that are pictures, as files; whether all of them could be told.
fn tell_pictures<'a>(
    pdf: &'a Pdf,
    shown: Vec<(u32, Vec<u128>)>,
    (cache, settings): (&InterpreterCache<'a>, &InterpreterSettings),
    known: &Known,
    page: &mut Page<'_>,
) -> bool {
    let (mut missed, mut is_whole, mut seen) = (0, true, HashSet::new());
    for (nr, keys) in shown {
        let count = keys.len();
        let place = usize::try_from(nr).ok().and_then(|nr| nr.checked_sub(1));
        // A letterhead may lie behind every page; once is enough.
        if page.is_full() || !seen.insert(keys) {
            continue;
        }
        let Some(leaf) = place.and_then(|nr| pdf.pages().get(nr)) else { continue };
        let look = Lens::look(leaf, count, page.wants_pictures(), cache, settings);
        is_whole &= !matches!(look, Look::Missed(_));
        let (Look::Shot(shot) | Look::Missed(Some(shot))) = look else { continue };
        if shot.file.len() as u64 > page.left() {
            // Half a picture says nothing, and the next one may be small; to draw all of them for nothing takes time.
            missed += 1;
            if missed > 2 {
                return false;
            }
            continue;
        }
        page.enter(Member::file(&format!("page.{}", shot.ending)));
        page.spot(if known.is_earlier { EARLIER } else { Spot::Page(nr) });
        page.data(&shot.file);
        page.leave();
    }
    is_whole && missed == 0
}

fn draw<'a>(leaf: &Leaf<'a>, pen: &mut Pen, cache: &InterpreterCache<'a>, settings: &InterpreterSettings) {
    let area = leaf.intersected_crop_box();
    let area = Rect::new(area.x0, area.y0, area.x1, area.y1);
    pen.start_page();
    let mut context = Context::new(Affine::IDENTITY, area, cache, leaf.xref(), settings.clone());
    interpret_page(leaf, &mut context, pen);
    pen.end_page();
}

impl Doubts {
    /// What is to be said of a page that was drawn; whether it is a picture that is to be told.
    fn add(&mut self, leaf: &Leaf<'_>, pen: &Pen) -> bool {
        self.glyphs += u64::from(pen.glyphs);
        self.unmapped += u64::from(pen.unmapped);
        // One page of a long document may be unreadable by itself.
        self.is_unmapped |= pen.unmapped >= FEW && u64::from(pen.unmapped) * 50 > u64::from(pen.glyphs);
        // However much text stands round it: the serial number of a person is as long.
        self.is_unmapped |= pen.longest >= SERIAL;
        let (wide, high) = leaf.base_dimensions();
        // Every letter head has a logo, and a logo says nothing; what is larger may be a card that was photographed.
        let is_larger = |covered: f64| covered * LOGO > f64::from(wide) * f64::from(high);
        let is_shown = is_larger(pen.pictures) || (pen.glyphs == 0 && pen.pictures > 0.0);
        // A page number does not make a text of outlines one of letters.
        let is_outlined = pen.glyphs < FEW_LETTERS && pen.outlines > OUTLINES;
        // Pictures in patterns and masks count, and are not drawn again.
        self.is_picture |= is_outlined || is_larger(pen.buried) || (is_shown && pen.keys.is_empty());
        // A page may be empty, and then it says so.
        self.is_damaged |= leaf.raw().contains_key("Contents") && leaf.page_stream().is_none();
        is_shown && !pen.keys.is_empty()
    }
}
