//! Pictures of a text, as a scanner would make them: drawn point by point from the outlines of Helvetica.
//!
//! Start reading at [`Picture::of`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a test that fails is meant to"
)]

use super::documents::pdf::{page, show};
use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Shape};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, interpret_page,
};

/// Points of a line of text from the foot of the picture.
const FOOT: f64 = 60.0;

/// Grays, row by row from the head.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) wide: usize,
    pub(crate) high: usize,
    pub(crate) grays: Vec<u8>,
}

impl Picture {
    /// Of one line of text, 42 points high.
    pub(crate) fn of(text: &str) -> Self {
        let pdf = Pdf::new(page(&show(10, 0, text))).expect("a document");
        let cache = InterpreterCache::new();
        let settings = InterpreterSettings::default();
        let mut picture = Self { wide: 1200, high: 160, grays: vec![0xFF; 1200 * 160] };
        let leaf = &pdf.pages()[0];
        let area = Rect::new(0.0, 0.0, 595.0, 842.0);
        let mut context = Context::new(Affine::IDENTITY, area, &cache, leaf.xref(), settings.clone());
        interpret_page(leaf, &mut context, &mut picture);
        picture
    }

    /// A quarter turn to the right.
    pub(crate) fn turned(&self) -> Self {
        let (wide, high) = (self.high, self.wide);
        let points =
            (0..wide * high).map(|at| self.grays[(self.high - 1 - at % wide) * self.wide + at / wide]);
        Self { wide, high, grays: points.collect() }
    }

    /// As BMP of three bytes a point.
    pub(crate) fn bmp(&self) -> Vec<u8> {
        let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let mut out = b"BM".to_vec();
        let size = self.wide * self.high * 3;
        assert!(self.wide.is_multiple_of(4));
        [54 + size, 0, 54, 40, self.wide, self.high].map(number).iter().for_each(|bytes| out.extend(bytes));
        out.extend([1, 0, 24, 0]);
        [0, size, 7874, 7874, 0, 0].map(number).iter().for_each(|bytes| out.extend(bytes));
        out.extend(self.grays.chunks(self.wide).rev().flatten().flat_map(|gray| [*gray; 3]));
        out
    }

    /// As PNG.
    pub(crate) fn png(&self) -> Vec<u8> {
        let mut out = b"\x89PNG\r\n\x1A\n".to_vec();
        let mut chunk = |kind: &[u8], data: &[u8]| {
            let mut crc = flate2::Crc::new();
            let body = [kind, data].concat();
            crc.update(&body);
            out.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            out.extend_from_slice(&body);
            out.extend(crc.sum().to_be_bytes());
        };
        let size = [self.wide, self.high].map(|side| u32::try_from(side).unwrap().to_be_bytes()).concat();
        chunk(b"IHDR", &[&size, [8, 0, 0, 0, 0].as_slice()].concat());
        let rows: Vec<u8> = self.grays.chunks(self.wide).flat_map(|row| [&[0], row].concat()).collect();
        chunk(b"IDAT", &super::documents::pdf::fold(&rows));
        chunk(b"IEND", b"");
        out
    }

    /// As TIFF that is not folded, most significant byte first.
    pub(crate) fn tiff(&self) -> Vec<u8> {
        self.tiff_of(8, &self.grays)
    }

    /// As TIFF of black and white, likewise.
    pub(crate) fn bilevel(&self) -> Vec<u8> {
        let rows = self.grays.chunks(self.wide);
        let bits = |eight: &[u8]| (0..).zip(eight).map(|(nr, gray)| (gray & 0x80) >> nr).sum::<u8>();
        self.tiff_of(1, &rows.flat_map(|row| row.chunks(8).map(bits)).collect::<Vec<u8>>())
    }

    fn tiff_of(&self, bits: u32, data: &[u8]) -> Vec<u8> {
        let number = |number: usize| u32::try_from(number).unwrap();
        let fields = [
            (256, number(self.wide)),
            (257, number(self.high)),
            (258, bits),
            (259, 1),
            (262, 1),
            (273, 8 + 2 + 9 * 12 + 4),
            (277, 1),
            (278, number(self.high)),
            (279, number(data.len())),
        ];
        let mut out = b"MM\0*\0\0\0\x08\0\x09".to_vec();
        for (tag, value) in fields {
            out.extend(u16::to_be_bytes(tag));
            out.extend([0, 4, 0, 0, 0, 1]);
            out.extend(u32::to_be_bytes(value));
        }
        out.extend([0; 4]);
        out.extend_from_slice(data);
        out
    }
}

impl<'a> Device<'a> for Picture {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        // 10 points on the page become 42 here.
        let canvas = Affine::new([4.2, 0.0, 0.0, -4.2, 0.0, 160.0 - FOOT]);
        for glyph in run.glyphs() {
            let Glyph::Outline(outline) = &**glyph else { continue };
            let path = canvas * props.transform * glyph.transform() * outline.outline();
            let area = path.bounding_box();
            for y in area.y0 as usize..=area.y1 as usize {
                for x in area.x0 as usize..=area.x1 as usize {
                    if let Some(gray) = self.grays.get_mut(y * self.wide + x) {
                        let is_ink = path.winding(Point::new(x as f64 + 0.5, y as f64 + 0.5)) != 0;
                        *gray = if is_ink { 0 } else { *gray };
                    }
                }
            }
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
