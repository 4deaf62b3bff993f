//! What hayro draws a page on: glyphs go to the [`Sheet`], pictures are measured, and everything else is looked through
//! for more text (patterns, masks, glyphs that are drawings themselves).
//!
//! Colour, clipping and whether a glyph is drawn visibly do not matter: what is white on white goes out with the mail as
//! well. Start reading at [`Pen::draw_glyph_run`].

use super::layout::{Glyph, Sheet};
use hayro_interpret::font::{Glyph as Drawn, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::object::{Dict, String as PdfString};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Vec2};
use hayro_interpret::pattern::Pattern;
use hayro_interpret::{
    BlendMode, CacheKey, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, Paint, SoftMask,
};
use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Glyphs are told when there are so many: no page has them, and a bomb has more.
const MANY: usize = 200_000;

/// What one glyph may say; a font can claim any text for it.
const LONGEST: usize = 64;

/// A drawing within a drawing is looked through as deep as this.
const DEEPEST: usize = 4;

/// Codes that are kept: those of single bytes, and the first of two, which subsets have.
const CODES: usize = 1024;

/// The width of a glyph of which nobody says it.
const UNKNOWN: f32 = 500.0;

/// What a glyph says.
enum Said {
    Letter(char),
    Text(String),
    Nothing,
}

impl Said {
    fn of(said: Option<BfString>) -> Self {
        match said {
            Some(BfString::Char(letter)) => known(letter).map_or(Self::Nothing, Self::Letter),
            Some(BfString::String(text)) => Self::Text(text),
            None => Self::Nothing,
        }
    }
}

/// What is known of a code in the font of one run: to look it up again for each letter of a line takes time.
#[derive(Default)]
struct Code {
    run: u64,
    letter: Option<char>,
    advance: f32,
}

/// Takes the text of a page.
#[derive(Default)]
pub(super) struct Pen {
    sheet: Sheet,
    /// Text of the page so far.
    pub(super) text: String,
    /// Texts that stand for what is drawn (`/ActualText`, `/Alt`).
    pub(super) meant: String,
    pub(super) glyphs: u32,
    /// Glyphs of which the font does not say which letters they are.
    pub(super) unmapped: u32,
    /// The most of them with no letter between, as in a number that was filled in.
    pub(super) longest: u32,
    run: u32,
    /// What pictures cover, in square points; strips of a scan count together.
    pub(super) pictures: f64,
    /// Of it, what lies within patterns and masks.
    pub(super) buried: f64,
    /// Which pictures those are that it draws itself, and not within a pattern or a mask.
    pub(super) keys: Vec<u128>,
    /// Pieces of outlines: text may be drawn as them.
    pub(super) outlines: usize,
    /// Pictures are known by what is in them, rather than by their numbers, which may be given anew.
    pub(super) is_compared: bool,
    /// What is known of the run, and its number.
    codes: Vec<Code>,
    nr: u64,
    /// A blank was drawn last.
    blank: bool,
    /// Patterns, masks and drawn glyphs that were looked through.
    seen: HashSet<u128>,
    depth: usize,
}

impl Pen {
    /// A new page; what was looked through stays known.
    pub(super) fn start_page(&mut self) {
        let Self {
            sheet: _,
            text,
            meant,
            glyphs,
            unmapped,
            longest,
            run,
            pictures,
            buried,
            keys,
            outlines,
            is_compared: _,
            codes: _,
            nr: _,
            blank,
            seen,
            depth,
        } = self;
        text.clear();
        meant.clear();
        keys.clear();
        (*longest, *run) = (0, 0);
        (*glyphs, *unmapped, *pictures, *buried, *outlines, *blank, *depth) = (0, 0, 0.0, 0.0, 0, false, 0);
        // The same pattern on the next page is text of that page too.
        seen.clear();
    }

    /// The page is drawn.
    pub(super) fn end_page(&mut self) {
        self.sheet.tell(&mut self.text);
    }

    /// What a glyph of this run says, and how wide it is in thousandths.
    fn said(&mut self, glyph: &Drawn<'_>) -> (Said, f32) {
        let Drawn::Outline(outline) = glyph else {
            let advance = if let Drawn::Type3(drawing) = glyph { drawing.advance_width() } else { None };
            return (Said::of(glyph.as_unicode()), advance.unwrap_or(UNKNOWN));
        };
        let code = usize::try_from(outline.char_code()).unwrap_or(usize::MAX);
        if let Some(known) = self.codes.get(code)
            && known.run == self.nr
        {
            return (known.letter.map_or(Said::Nothing, Said::Letter), known.advance);
        }
        let (said, advance) = (Said::of(outline.as_unicode()), outline.advance_width().unwrap_or(UNKNOWN));
        let letter = match &said {
            Said::Letter(letter) => Some(*letter),
            Said::Nothing => None,
            Said::Text(_) => return (said, advance),
        };
        if self.codes.is_empty() {
            self.codes.resize_with(CODES, Code::default);
        }
        if let Some(known) = self.codes.get_mut(code) {
            *known = Code { run: self.nr, letter, advance };
        }
        (said, advance)
    }

    fn glyph(&mut self, glyph: &Drawn<'_>, place: Affine, is_upright: bool) {
        let (said, advance) = self.said(glyph);
        let (mut single, mut guessed) = ([0; 4], [0; 4]);
        let text = match &said {
            Said::Letter(letter) => Some(&*letter.encode_utf8(&mut single)),
            Said::Text(text) => Some(text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default()),
            Said::Nothing => None,
        };
        self.glyphs = self.glyphs.saturating_add(1);
        if text.is_none() {
            self.run = self.run.saturating_add(1);
            self.longest = self.longest.max(self.run);
        } else if self.run > 0 && text.is_some_and(|text| text.chars().any(char::is_alphabetic)) {
            self.run = 0;
        }
        let text = text.unwrap_or_else(|| {
            self.unmapped = self.unmapped.saturating_add(1);
            // Most codes are those of ASCII, whatever the font forgot to say.
            let code = u8::try_from(glyph.char_code()).ok().filter(u8::is_ascii_graphic);
            char::from(code.unwrap_or(b'?')).encode_utf8(&mut guessed)
        });
        if text.chars().all(|letter| letter.is_whitespace() || letter.is_control()) {
            self.blank = true;
            return;
        }
        let advance = if is_upright { f64::from(advance) } else { 1000.0 };
        let [right_x, right_y, up_x, up_y, at_x, at_y] = place.as_coeffs();
        let (right, up) = (Vec2::new(right_x, right_y), Vec2::new(up_x, up_y));
        // Where one unit along the line leads, and one across it; columns run down.
        let (way, across) = if is_upright { (right, up) } else { (-up, right) };
        let (at, pace) = (Point::new(at_x, at_y), way.hypot2().sqrt());
        // A font of drawings may have any unit; its letters tell their size.
        let em = (across.hypot2().sqrt() * 1000.0).max(pace * advance.abs() * 1.2);
        let turn = degrees(way);
        let (sin, cos) = if turn == 0 { (0.0, 1.0) } else { f64::from(turn).to_radians().sin_cos() };
        let (x, y) = (at.x * cos + at.y * sin, at.y * cos - at.x * sin);
        let end = x + pace * advance;
        let blank = std::mem::take(&mut self.blank);
        self.sheet.push(Glyph::new(turn, (x, y), end, em, blank), text);
        if self.sheet.len() >= MANY {
            self.sheet.tell(&mut self.text);
        }
    }

    /// Whether to look through a drawing: each once a page, and not for ever deeper.
    fn is_new(&mut self, key: u128) -> bool {
        self.depth < DEEPEST && self.seen.insert(key)
    }

    fn look_through_mask(&mut self, mask: Option<&SoftMask<'_>>) {
        if let Some(mask) = mask
            && self.is_new(mask.cache_key())
        {
            self.depth += 1;
            mask.interpret(self);
            self.depth -= 1;
        }
    }

    fn look_through(&mut self, props: &DrawProps<'_>) {
        if let Paint::Pattern(pattern) = &props.paint
            && let Pattern::Tiling(pattern) = &**pattern
            && self.is_new(pattern.cache_key())
        {
            self.depth += 1;
            pattern.interpret(self, pattern.matrix, false);
            self.depth -= 1;
        }
        self.look_through_mask(props.soft_mask.as_ref());
    }
}

/// A number for what is in a picture.
fn content(image: &Image<'_, '_>) -> u128 {
    let stream = match image {
        Image::Stencil(stencil) => stencil.stream(),
        Image::Raster(raster) => raster.stream(),
    };
    BuildHasherDefault::<DefaultHasher>::default().hash_one(stream.raw_data()).into()
}

/// The letter that a font claims, if it is one.
fn known(letter: char) -> Option<char> {
    match letter {
        // Fonts of symbols have their letters there.
        '\u{F020}'..='\u{F07E}' => char::from_u32(u32::from(letter) - 0xF000),
        // Bullets and arrows, mostly.
        '\u{F07F}'..='\u{F0FF}' => Some(letter),
        '\0' | '\u{FFFD}' | '\u{E000}'..='\u{F8FF}' => None,
        _ => Some(letter),
    }
}

/// Which way a line runs, in whole degrees.
fn degrees(way: Vec2) -> i16 {
    if way.y == 0.0 && way.x > 0.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 180, and nought for no number")]
    let turn = way.y.atan2(way.x).to_degrees().round() as i16;
    turn
}

impl<'a> Device<'a> for Pen {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, _: &DrawMode) {
        self.outlines = self.outlines.saturating_add(path.elements().len());
        self.look_through(&props);
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, mask: Option<SoftMask<'a>>, _: BlendMode) {
        self.look_through_mask(mask.as_ref());
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        // What is filled and stroked comes twice; stroked alone is told as well, and a row drawn twice is told once.
        let is_upright = matches!(run.writing_mode(), WritingMode::Horizontal);
        self.nr += 1;
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform * glyph.transform(), is_upright);
            if let Drawn::Type3(drawing) = &**glyph
                && !matches!(mode, DrawMode::Invisible)
                && self.is_new(drawing.cache_key())
            {
                let (outlines, pictures, buried) = (self.outlines, self.pictures, self.buried);
                self.depth += 1;
                drawing.interpret(self, props.transform, glyph.transform(), &props.paint);
                self.depth -= 1;
                // Letters are drawn as pictures and outlines in such fonts; they have been counted as letters.
                (self.outlines, self.pictures, self.buried) = (outlines, pictures, buried);
            }
        }
        self.look_through(&props);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let [a, b, c, d, _, _] = props.transform.as_coeffs();
        let pixels = f64::from(image.width()) * f64::from(image.height());
        self.pictures += ((a * d - b * c) * pixels).abs();
        if self.depth == 0 {
            let key = if self.is_compared { content(&image) } else { image.cache_key() };
            self.keys.push(key);
        } else {
            self.buried += ((a * d - b * c) * pixels).abs();
        }
        self.look_through_mask(props.soft_mask.as_ref());
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        let Some(properties) = properties else { return };
        for key in ["ActualText", "Alt", "E"] {
            if let Some(text) =
                properties.get::<PdfString<'_>>(key).and_then(|text| super::text::decode(&text))
            {
                self.meant.push_str(&text);
                self.meant.push('\n');
            }
        }
    }
}
