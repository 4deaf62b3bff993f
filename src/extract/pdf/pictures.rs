//! Pages that are pictures: scans and faxes, told as files in which letters may be recognised.
//!
//! A page of one picture that stands upright is told as it is where that is a file by itself or nearly (JPEG, fax). Any
//! other page is drawn: its pictures together, since a scan may come in strips or in layers of which each alone says
//! nothing, as large as letters are recognised best. Only pages that look like pictures are asked, after everything else
//! was told: this is what may use up a budget. Start reading at [`Lens::look`].

use super::glance::{self, Glance};
use hayro_interpret::font::GlyphRun;
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Stream};
use hayro_interpret::hayro_syntax::page::{Page as Leaf, Rotation};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageData, ImageDrawProps,
    InterpreterCache, InterpreterSettings, LumaData, SoftMask, interpret_page,
};

/// Points of a picture, an inch: letters are recognised best at this (measured: facts/documents.md, A4).
const SHARP: f64 = 200.0;

/// Points of a picture that is drawn: a page of A2 at that.
const MOST: f64 = 16e6;

/// Points of a picture that is unfolded: they take three bytes each, and those of A4 at 600 an inch are 35 million.
const LARGEST: u64 = 40_000_000;

/// Points of all pictures of one page.
const ALTOGETHER: u64 = 2 * LARGEST;

/// A page as a picture.
pub(super) struct Shot {
    /// The ending of its name.
    pub(super) ending: &'static str,
    pub(super) file: Vec<u8>,
}

/// What a page is drawn on.
pub(super) struct Lens {
    /// There is one picture, which may be told as it is.
    is_single: bool,
    whole: Option<Shot>,
    canvas: Vec<u8>,
    wide: usize,
    high: usize,
    /// From the page to the canvas.
    place: Affine,
    unfolded: u64,
    /// Nobody recognises letters: nothing is drawn.
    glance: Option<Glance>,
    /// A picture could not be drawn.
    is_missed: bool,
}

/// What came of it.
pub(super) enum Look {
    Shot(Shot),
    /// Nothing is to be seen: all of it has one colour.
    Blank,
    /// It could not be drawn, or not all of it.
    Missed(Option<Shot>),
}

impl Lens {
    /// Looks at the pictures of a page, of which there are so many.
    pub(super) fn look<'a>(
        leaf: &Leaf<'a>,
        pictures: usize,
        is_drawn: bool,
        cache: &InterpreterCache<'a>,
        settings: &InterpreterSettings,
    ) -> Look {
        let area = leaf.intersected_crop_box();
        let area = Rect::new(area.x0, area.y0, area.x1, area.y1);
        let Some(mut lens) = Self::of(area, leaf.rotation(), pictures == 1) else {
            return Look::Missed(None);
        };
        lens.glance = (!is_drawn).then(Glance::default);
        let mut context = Context::new(Affine::IDENTITY, area, cache, leaf.xref(), settings.clone());
        interpret_page(leaf, &mut context, &mut lens);
        lens.finish()
    }

    fn of(area: Rect, rotation: Rotation, is_single: bool) -> Option<Self> {
        let (wide, high) = (area.width(), area.height());
        let scale = (SHARP / 72.0).min((MOST / (wide * high)).sqrt());
        // The page's points count from its foot, those of a picture from its head.
        let upright = Affine::new([1.0, 0.0, 0.0, -1.0, -area.x0, area.y1]);
        let (turn, wide, high) = match rotation {
            Rotation::None => (Affine::IDENTITY, wide, high),
            Rotation::Horizontal => (Affine::new([0.0, 1.0, -1.0, 0.0, high, 0.0]), high, wide),
            Rotation::Flipped => (Affine::new([-1.0, 0.0, 0.0, -1.0, wide, high]), wide, high),
            Rotation::FlippedHorizontal => (Affine::new([0.0, -1.0, 1.0, 0.0, 0.0, wide]), high, wide),
        };
        let (wide, high) = (whole(wide * scale), whole(high * scale));
        let is_sane = wide > 0 && high > 0 && wide.checked_mul(high)? <= whole(MOST) * 2;
        let place = Affine::scale(scale) * turn * upright;
        is_sane.then(|| Self {
            is_single,
            whole: None,
            canvas: Vec::new(),
            wide,
            high,
            place,
            unfolded: 0,
            glance: None,
            is_missed: false,
        })
    }

    fn finish(self) -> Look {
        if let Some(shot) = self.whole {
            return Look::Shot(shot);
        }
        if let Some(glance) = &self.glance {
            // No picture, but the beginning of one: it is told by what it is.
            let stub = || Shot { ending: "bmp", file: bitmap(&[], 0, 0) };
            return match (glance.is_seen, self.is_missed) {
                (true, _) => Look::Shot(stub()),
                (false, true) => Look::Missed(None),
                (false, false) => Look::Blank,
            };
        }
        let first = self.canvas.first();
        let is_blank = self.canvas.iter().all(|point| Some(point) == first);
        let shot =
            (!is_blank).then(|| Shot { ending: "bmp", file: bitmap(&self.canvas, self.wide, self.high) });
        match (shot, self.is_missed) {
            (shot, true) => Look::Missed(shot),
            (Some(shot), false) => Look::Shot(shot),
            (None, false) => Look::Blank,
        }
    }

    /// Draws a picture of this size; `point` says how light one of its points is, and how much it covers.
    fn draw(
        &mut self,
        (wide, high): (u32, u32),
        place: Affine,
        point: impl Fn(usize, usize) -> Option<(u8, u8)>,
    ) {
        if let Some(glance) = &mut self.glance {
            return glance.look((wide, high), point);
        }
        if self.canvas.is_empty() {
            self.canvas = vec![0xFF; self.wide * self.high];
        }
        let area = place.transform_rect_bbox(Rect::new(0.0, 0.0, f64::from(wide), f64::from(high)));
        if !place.is_finite() || place.determinant().abs() < 1e-6 || !area.is_finite() {
            return;
        }
        let back = place.inverse();
        // As many looks at a point of ours as there are points of the picture in it.
        let steps = back.as_coeffs();
        let looks =
            whole(steps.iter().take(4).fold(0.0, |most: f64, step| most.max(step.abs())).ceil()).clamp(1, 4);
        #[expect(clippy::cast_precision_loss, reason = "at most 4")]
        let step = 1.0 / looks as f64;
        let (from, to) = (whole(area.x0), whole(area.x1.ceil()).min(self.wide));
        let rows = self.canvas.chunks_exact_mut(self.wide).enumerate();
        for (y, row) in rows.take(whole(area.y1.ceil())).skip(whole(area.y0)) {
            for (x, seen) in row.iter_mut().enumerate().take(to).skip(from) {
                let (mut sum, mut count) = (0, 0);
                for nr in 0..looks * looks {
                    #[expect(clippy::cast_precision_loss, reason = "a place on the canvas")]
                    let [x, y, right, down] = [x, y, nr % looks, nr / looks].map(|number| number as f64);
                    let at = back * Point::new(x + (right + 0.5) * step, y + (down + 0.5) * step);
                    count += 1;
                    let inside =
                        at.x >= 0.0 && at.y >= 0.0 && at.x < f64::from(wide) && at.y < f64::from(high);
                    let (gray, cover) =
                        if inside { point(whole(at.x), whole(at.y)) } else { None }.unwrap_or((0, 0));
                    sum += u32::from(gray) * u32::from(cover) + u32::from(*seen) * (255 - u32::from(cover));
                }
                *seen = u8::try_from(sum / (255 * count)).unwrap_or(0xFF);
            }
        }
    }
}

impl<'a> Device<'a> for Lens {
    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let place = self.place * props.transform;
        let stream = match &image {
            Image::Stencil(stencil) => stencil.stream(),
            Image::Raster(raster) => raster.stream(),
        };
        if self.is_single && is_upright(place) {
            self.whole = as_it_is(stream, image.width(), image.height(), place);
            if self.whole.is_some() {
                return;
            }
        }
        let points = u64::from(image.width()) * u64::from(image.height());
        self.unfolded = self.unfolded.saturating_add(points);
        if let Some(glance) = &mut self.glance
            && (glance.is_seen || self.unfolded > glance::MOST)
        {
            glance.is_seen = true;
            return;
        }
        if points > LARGEST || self.unfolded > ALTOGETHER {
            self.is_missed = true;
            return;
        }
        let mut is_drawn = false;
        let scaled = |(x, y): (f32, f32)| place * Affine::scale_non_uniform(f64::from(x), f64::from(y));
        match &image {
            // What is drawn through a stencil is mostly black.
            Image::Stencil(stencil) => stencil.with_stencil(
                |luma, _| {
                    is_drawn = true;
                    let (size, at) = ((luma.width, luma.height), scaled(luma.scale_factors));
                    self.draw(size, at, |x, y| Some((0, gray(&luma, x, y)?)));
                },
                None,
            ),
            Image::Raster(raster) => raster.with_rgba(
                |data, alpha| {
                    is_drawn = true;
                    let (size, at) = ((data.width(), data.height()), scaled(data.scale_factors()));
                    self.draw(size, at, |x, y| {
                        let cover = |alpha: &LumaData| {
                            // A mask may be finer or coarser than what it masks.
                            let along =
                                |at: usize, mask: u32, size: u32| at * mask as usize / size.max(1) as usize;
                            gray(alpha, along(x, alpha.width, size.0), along(y, alpha.height, size.1))
                        };
                        let cover = alpha.as_ref().map_or(Some(0xFF), cover)?;
                        Some((luma(&data, x, y)?, cover))
                    });
                },
                None,
            ),
        }
        self.is_missed |= !is_drawn;
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_glyph_run(&mut self, _: &GlyphRun<'_, 'a>, _: DrawProps<'a>, _: &DrawMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "nought below nought, and the most above"
)]
fn whole(number: f64) -> usize {
    number as usize
}

fn gray(data: &LumaData, x: usize, y: usize) -> Option<u8> {
    data.data.get(y * data.width as usize + x).copied()
}

fn luma(data: &ImageData, x: usize, y: usize) -> Option<u8> {
    match data {
        ImageData::Luma(data) => gray(data, x, y),
        ImageData::Rgb(data) => {
            let at = (y * data.width as usize + x) * 3;
            let [red, green, blue] = data.data.get(at..at + 3)? else { return None };
            let sum = u32::from(*red) * 77 + u32::from(*green) * 150 + u32::from(*blue) * 29;
            u8::try_from(sum >> 8).ok()
        }
    }
}

/// Whether lines of a picture run from left to right, and the first stands above.
fn is_upright(place: Affine) -> bool {
    let [a, b, c, d, _, _] = place.as_coeffs();
    a > 0.0 && d > 0.0 && b.abs() * 10.0 < a && c.abs() * 10.0 < d
}

/// A picture that is a file by itself, or becomes one by what stands before it.
fn as_it_is(stream: &Stream<'_>, wide: u32, high: u32, place: Affine) -> Option<Shot> {
    let dict = stream.dict();
    // Colours that are changed afterwards would not be in it.
    if ["SMask", "Mask", "Decode", "D"].into_iter().any(|key| dict.contains_key(key)) {
        return None;
    }
    let filter = ["Filter", "F"].into_iter().find_map(|key| {
        let alone = dict.get::<Array<'_>>(key).filter(|all| all.raw_iter().count() == 1);
        dict.get::<Name<'_>>(key).or_else(|| alone?.iter::<Name<'_>>().next())
    })?;
    match filter.as_ref() {
        b"DCTDecode" | b"DCT" => {
            let is_print =
                dict.get::<Name<'_>>("ColorSpace").is_some_and(|space| space.as_ref() == b"DeviceCMYK");
            let file = stream.raw_data();
            (!is_print && file.starts_with(b"\xFF\xD8\xFF"))
                .then(|| Shot { ending: "jpg", file: file.into_owned() })
        }
        b"CCITTFaxDecode" | b"CCF" => {
            let said = ["DecodeParms", "DP"].into_iter().find_map(|key| {
                dict.get::<Dict<'_>>(key).or_else(|| dict.get::<Array<'_>>(key)?.iter::<Dict<'_>>().next())
            })?;
            let is_plain = said.get::<u32>("Columns").unwrap_or(1728) == wide
                && !said.get::<bool>("EncodedByteAlign").unwrap_or(false);
            let [a, ..] = place.as_coeffs();
            // Points an inch, from points of ours for each of its own.
            let sharp = u32::try_from(whole(SHARP / a.max(1e-3))).unwrap_or(200).clamp(50, 2400);
            is_plain.then(|| Shot {
                ending: "tif",
                file: fax(&stream.raw_data(), wide, high, said.get::<i32>("K").unwrap_or(0), sharp),
            })
        }
        _ => None,
    }
}

/// A fax as TIFF (TIFF 6.0, sections 2 and 11): its header, the one list of fields, and the lines.
fn fax(data: &[u8], wide: u32, high: u32, k: i32, sharp: u32) -> Vec<u8> {
    const FIELDS: u32 = 12;
    let resolution = 8 + 2 + FIELDS * 12 + 4;
    let start = resolution + 8;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut out = b"II*\0\x08\0\0\0\x0C\0".to_vec();
    let mut field = |tag: u16, kind: u16, value: u32| {
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
        out.extend(value.to_le_bytes());
    };
    field(256, 4, wide);
    field(257, 4, high);
    // One bit a point, in the folding of group 4 or 3, and nought is white.
    field(258, 3, 1);
    field(259, 3, if k < 0 { 4 } else { 3 });
    field(262, 3, 0);
    field(273, 4, start);
    field(277, 3, 1);
    field(278, 4, high);
    field(279, 4, length);
    field(282, 5, resolution);
    field(283, 5, resolution);
    // The lines of group 3 may refer to the one above.
    field(if k < 0 { 293 } else { 292 }, 4, u32::from(k > 0));
    out.extend([0; 4]);
    out.extend(sharp.to_le_bytes());
    out.extend(1_u32.to_le_bytes());
    out.extend_from_slice(data);
    out
}

/// Grays as BMP: a header, the palette, and the rows from the foot up, each of a multiple of four bytes.
fn bitmap(canvas: &[u8], wide: usize, high: usize) -> Vec<u8> {
    const START: usize = 14 + 40 + 4 * 256;
    let row = wide.next_multiple_of(4);
    let size = START + row * high;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(b"BM");
    for value in [size, 0, START, 40, wide, high] {
        out.extend(number(value));
    }
    // One plane of eight bits a point.
    out.extend([1, 0, 8, 0]);
    // 7874 points a metre are 200 an inch.
    for value in [0, row * high, 7874, 7874, 256, 256] {
        out.extend(number(value));
    }
    out.extend((0..=u8::MAX).flat_map(|gray| [gray, gray, gray, 0]));
    for line in canvas.chunks_exact(wide.max(1)).rev() {
        out.extend_from_slice(line);
        out.resize(out.len() + row - wide, 0);
    }
    out
}
