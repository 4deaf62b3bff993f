//! The two fonts: which glyph a letter is, and how wide.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use std::collections::HashMap;

static REGULAR: &[u8] = include_bytes!("../fonts/DejaVuSansCondensed.ttf");
static BOLD: &[u8] = include_bytes!("../fonts/DejaVuSansCondensed-Bold.ttf");

/// Regular and bold.
pub(super) struct Faces {
    regular: Face,
    bold: Face,
}

/// A font with its letters.
pub(super) struct Face {
    font: Font,
    /// Glyph and width, in parts of the font's size.
    letters: HashMap<char, (u32, f32)>,
}

impl Faces {
    /// `None` when a font is none.
    pub(super) fn load() -> Option<Self> {
        Some(Self { regular: Face::load(REGULAR)?, bold: Face::load(BOLD)? })
    }

    pub(super) fn of(&self, is_bold: bool) -> &Face {
        if is_bold { &self.bold } else { &self.regular }
    }
}

impl Face {
    fn load(bytes: &'static [u8]) -> Option<Self> {
        let font = FontRef::new(bytes).ok()?;
        let size = Size::unscaled();
        let em = f32::from(font.metrics(size, LocationRef::default()).units_per_em);
        let widths = font.glyph_metrics(size, LocationRef::default());
        let letters = font.charmap().mappings().filter_map(|(code, glyph)| {
            Some((char::from_u32(code)?, (glyph.to_u32(), widths.advance_width(glyph)? / em)))
        });
        Some(Self { letters: letters.collect(), font: Font::new(bytes.into(), 0)? })
    }

    pub(super) fn font(&self) -> Font {
        self.font.clone()
    }

    /// A letter that the font has in the place of one that it has not; `None` for what has no shape.
    fn letter(&self, c: char) -> Option<(char, u32, f32)> {
        let c = match c {
            '\t' => ' ',
            c if c.is_control() => return None,
            c => c,
        };
        let at = |c: char| self.letters.get(&c).map(|(glyph, width)| (c, *glyph, *width));
        at(c).or_else(|| at('?'))
    }

    /// In parts of the font's size.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().filter_map(|c| self.letter(c)).map(|(_, _, width)| width).sum()
    }

    /// The text as it can be shown, and its glyphs.
    pub(super) fn glyphs(&self, text: &str) -> (String, Vec<KrillaGlyph>) {
        let mut shown = String::with_capacity(text.len());
        let mut glyphs = Vec::with_capacity(text.len());
        for (c, glyph, width) in text.chars().filter_map(|c| self.letter(c)) {
            let from = shown.len();
            shown.push(c);
            let range = from..shown.len();
            glyphs.push(KrillaGlyph::new(GlyphId::new(glyph), width, 0.0, 0.0, 0.0, range, None));
        }
        (shown, glyphs)
    }
}
