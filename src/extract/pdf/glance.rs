//! Whether there is anything to see in the pictures of a page, where nobody recognises letters: that they are there is all
//! that is told, and to unfold a scan of 20 pages for it takes seconds.
//!
//! Small pictures are looked at, since many a page lies on a picture of one colour; a larger one is taken for one that
//! says something. Start reading at [`Glance`]. Tests: `tests/pictures.rs`.

/// Points of a page's pictures that are looked at.
pub(super) const MOST: u64 = 1_000_000;

/// More pictures of one colour on a page may be the points of one.
const MOSAIC: usize = 8;

/// Paper is light; what is dark stands on it.
const PAPER: u8 = 0xC0;

/// What was seen so far.
#[derive(Default)]
pub(super) struct Glance {
    /// There is something to see, or may be.
    pub(super) is_seen: bool,
    /// The one colour of all pictures, how much they cover, and how many there were.
    plain: Option<(u8, u8)>,
    count: usize,
}

impl Glance {
    /// Looks at the next picture; `point` says how light one of its points is, and how much it covers.
    pub(super) fn look(
        &mut self,
        (wide, high): (u32, u32),
        point: impl Fn(usize, usize) -> Option<(u8, u8)>,
    ) {
        let rows = (0..high as usize).flat_map(|y| (0..wide as usize).map(move |x| (x, y)));
        let mut points = rows.map(|(x, y)| point(x, y).unwrap_or((0, 0)));
        let Some(plain) = self.plain.or_else(|| points.next()) else { return };
        self.plain = Some(plain);
        let is_paper = plain.0 >= PAPER || plain.1 == 0;
        self.is_seen |= !is_paper || self.count >= MOSAIC || points.any(|point| point != plain);
        self.count += 1;
    }
}
