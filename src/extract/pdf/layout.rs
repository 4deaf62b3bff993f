//! Glyphs on a page become lines of text: what stands close is a word, what stands on one baseline a row.
//!
//! A PDF says where each glyph stands and seldom where a word ends, so distance decides. The text is told in the order
//! in which it was drawn, which nearly always is the order of reading. Where one baseline was drawn in several goes (a
//! table column by column, a form and then what was filled in) the page is told once more, in rows from its top to its
//! bottom: a number whose halves were drawn at different times, or its heading, is whole in one of the two. Distances
//! are counted in em, the height of the letters. Start reading at [`Sheet::tell`].

use super::boxes::unbox;
use super::columns;
use std::ops::Range;

/// A gap between glyphs that is a blank (measured: facts/documents.md, A1).
const BLANK: f32 = 0.17;

/// A gap that lies between cells of a table, or between a label and what is filled in.
const CELL: f32 = 1.5;

/// Where blanks are drawn, a gap of this without one is meant, and lies between cells too.
const MEANT: f32 = 0.25;

/// One blank in so many glyphs, and blanks are drawn; some programs only leave room.
const DRAWN: usize = 60;

/// What jumps as far from the baseline stands on another line (measured likewise).
const LINE: f32 = 0.4;

/// What begins as far back was drawn anew; kerning reaches less.
const BACK: f32 = 0.5;

/// A letter, or a ligature, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    /// The direction in which its line runs, in degrees; places are told in a frame turned by as much.
    pub(super) turn: i16,
    /// Where it begins, along the line.
    pub(super) x: f32,
    /// Where it ends.
    pub(super) end: f32,
    /// How high its baseline lies.
    pub(super) y: f32,
    /// The height of letters, and of gaps.
    pub(super) em: f32,
    /// A blank was drawn before it.
    pub(super) blank: bool,
    /// A number goes on elsewhere: what stands next to it does not belong to it.
    pub(super) ends: bool,
    /// Where in the letters its own begin.
    at: u32,
    /// How many bytes they are.
    length: u32,
}

/// What lies between two glyphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    None,
    Blank,
    Cell,
    Line,
}

/// The glyphs of a page in the order in which they were drawn.
#[derive(Default)]
pub(super) struct Sheet {
    pub(super) glyphs: Vec<Glyph>,
    /// What lies before each of them; a line before the first.
    pub(super) gaps: Vec<Gap>,
    /// How many of them stand behind a blank that was drawn.
    blanks: usize,
    letters: String,
}

impl Sheet {
    /// The next glyph; its place and length in the letters are filled in here.
    pub(super) fn push(&mut self, glyph: Glyph, text: &str) {
        let at = u32::try_from(self.letters.len()).unwrap_or(u32::MAX);
        let length = u32::try_from(text.len()).unwrap_or(0);
        self.letters.push_str(text);
        self.blanks += usize::from(glyph.blank);
        self.gaps.push(self.glyphs.last().map_or(Gap::Line, |last| gap(last, &glyph)));
        self.glyphs.push(Glyph { at, length, ..glyph });
    }

    pub(super) fn len(&self) -> usize {
        self.glyphs.len()
    }

    /// Adds the text of the page, and forgets it.
    pub(super) fn tell(&mut self, out: &mut String) {
        let broken = columns::broken(self);
        for half in &broken {
            if let Some(last) = half.last().and_then(|last| self.glyphs.get_mut(last)) {
                last.ends = true;
            }
        }
        let lines = self.lines();
        let mut gaps = Vec::new();
        for line in &lines {
            gaps.clear();
            gaps.extend_from_slice(self.gaps.get(line.start + 1..line.end).unwrap_or_default());
            self.write(self.piece(line), &mut gaps, out);
        }
        if let Some(rows) = self.rows(&lines) {
            for row in rows {
                gaps.clear();
                gaps.extend(row.windows(2).map(|pair| if let [a, b] = pair { gap(a, b) } else { Gap::None }));
                self.write(&row, &mut gaps, out);
            }
        }
        for half in broken.iter().filter(|half| !half.is_told) {
            for cell in half.cells() {
                gaps.clear();
                gaps.extend_from_slice(self.gaps.get(cell.start + 1..cell.end).unwrap_or_default());
                self.write(self.piece(cell), &mut gaps, out);
            }
        }
        self.glyphs.clear();
        self.gaps.clear();
        self.letters.clear();
        self.blanks = 0;
    }

    /// The lines as they were drawn.
    fn lines(&self) -> Vec<Range<usize>> {
        let starts = || self.gaps.iter().enumerate().filter(|(_, gap)| **gap == Gap::Line).map(|(nr, _)| nr);
        starts().zip(starts().skip(1).chain([self.glyphs.len()])).map(|(from, to)| from..to).collect()
    }

    /// Glyphs that were drawn one after another.
    pub(super) fn piece(&self, range: &Range<usize>) -> &[Glyph] {
        self.glyphs.get(range.clone()).unwrap_or_default()
    }

    /// The lines joined to rows, from the top to the bottom; `None` when every row was drawn in one go.
    fn rows(&self, lines: &[Range<usize>]) -> Option<Vec<Vec<Glyph>>> {
        let mut sorted: Vec<(&Glyph, &[Glyph])> = lines
            .iter()
            .filter_map(|line| {
                let line = self.piece(line);
                Some((line.first()?, line))
            })
            .collect();
        sorted.sort_by(|(a, _), (b, _)| {
            a.turn.cmp(&b.turn).then(b.y.total_cmp(&a.y)).then(a.x.total_cmp(&b.x))
        });
        let is_same = |first: &Glyph, next: &Glyph| {
            next.turn == first.turn && (next.y - first.y).abs() <= LINE * next.em.max(first.em) * 0.75
        };
        // On most pages no two lines share a baseline.
        if !sorted.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if is_same(a, b))) {
            return None;
        }
        let mut rows: Vec<Vec<Glyph>> = Vec::new();
        let mut together: Vec<(&Glyph, &[Glyph])> = Vec::new();
        let mut is_other = false;
        let mut rest = sorted.as_slice();
        while let Some(((first, _), _)) = rest.split_first() {
            let same = rest.iter().take_while(|(next, _)| is_same(first, next));
            let (row, below) = rest.split_at(same.count().max(1));
            rest = below;
            together.clear();
            together.extend_from_slice(row);
            together.sort_by(|(a, _), (b, _)| a.x.total_cmp(&b.x));
            is_other |= self.join(&together, &mut rows);
        }
        is_other.then_some(rows)
    }

    /// Joins pieces of one baseline, from left to right; whether any were joined.
    fn join(&self, pieces: &[(&Glyph, &[Glyph])], rows: &mut Vec<Vec<Glyph>>) -> bool {
        let mut joined = false;
        let mut row: Vec<Glyph> = Vec::new();
        for (first, piece) in pieces {
            let Some(last) = row.last() else {
                row.extend_from_slice(piece);
                continue;
            };
            if first.x < last.end - BACK * first.em {
                // Over what stands there already: the same once more for a bold look, or a stamp.
                let is_twice = row.len() >= piece.len()
                    && row.get(row.len() - piece.len()..).is_some_and(|before| self.same(before, piece));
                if !is_twice {
                    rows.push(std::mem::take(&mut row));
                    row.extend_from_slice(piece);
                }
                continue;
            }
            joined = true;
            row.extend_from_slice(piece);
        }
        rows.push(row);
        joined
    }

    /// Whether two lines say the same.
    fn same(&self, one: &[Glyph], other: &[Glyph]) -> bool {
        one.len() == other.len()
            && one.iter().zip(other).all(|(one, other)| self.text(one) == self.text(other))
    }

    pub(super) fn text(&self, glyph: &Glyph) -> &str {
        let at = glyph.at as usize;
        self.letters.get(at..at + glyph.length as usize).unwrap_or_default()
    }

    /// Writes a line, with blanks and tabs where there are gaps, and none between the boxes of a form.
    fn write(&self, line: &[Glyph], gaps: &mut [Gap], out: &mut String) {
        unbox(line, gaps);
        if self.blanks > 0 && self.blanks * DRAWN >= self.glyphs.len() {
            self.part(line, gaps);
        }
        // Letters that were drawn one after another lie so: a word is copied at once.
        let mut word = 0..0;
        for (nr, glyph) in line.iter().enumerate() {
            let before = nr.checked_sub(1).and_then(|nr| Some((line.get(nr)?, gaps.get(nr)?)));
            let between = match before {
                None | Some((_, Gap::None)) => "",
                Some((last, _)) if last.ends => "\n\n",
                Some((_, Gap::Blank)) => " ",
                Some((_, Gap::Cell | Gap::Line)) => "\t",
            };
            let at = glyph.at as usize;
            if !between.is_empty() || word.end != at {
                out.push_str(self.letters.get(word).unwrap_or_default());
                out.push_str(between);
                word = at..at;
            }
            word.end += glyph.length as usize;
        }
        out.push_str(self.letters.get(word).unwrap_or_default());
        out.push('\n');
    }
}

impl Sheet {
    /// Makes cells of what only stands apart, on a page where blanks are drawn between words.
    fn part(&self, line: &[Glyph], gaps: &mut [Gap]) {
        for nr in 0..gaps.len() {
            let (Some(last), Some(next)) = (line.get(nr), line.get(nr + 1)) else { return };
            let is_meant = !next.blank && next.x - last.end > MEANT * last.em.min(next.em);
            if gaps.get(nr) == Some(&Gap::Blank) && is_meant && !self.is_within_number(line, gaps, nr) {
                gaps.iter_mut().skip(nr).take(1).for_each(|gap| *gap = Gap::Cell);
            }
        }
    }

    /// Whether a gap lies between the halves of a number, which may be drawn apart.
    fn is_within_number(&self, line: &[Glyph], gaps: &[Gap], nr: usize) -> bool {
        let is_digit = |glyph: &&Glyph| self.text(glyph).bytes().all(|byte| byte.is_ascii_digit());
        let before = gaps.iter().take(nr).rev().take_while(|gap| **gap == Gap::None).count() + 1;
        let after = gaps.iter().skip(nr + 1).take_while(|gap| **gap == Gap::None).count() + 1;
        let is_half =
            |from: usize, count: usize| line.iter().skip(from).take(count).filter(is_digit).count() == count;
        before == 6 && after == 4 && is_half(nr + 1 - before, before) && is_half(nr + 1, after)
    }
}

/// What lies between a glyph and the next.
fn gap(last: &Glyph, next: &Glyph) -> Gap {
    if last.turn != next.turn || (next.y - last.y).abs() > LINE * last.em.max(next.em) {
        return Gap::Line;
    }
    let em = last.em.min(next.em);
    let wide = next.x - last.end;
    if wide < -BACK * em || wide.is_nan() {
        Gap::Line
    } else if wide > CELL * em {
        Gap::Cell
    } else if wide > BLANK * em || next.blank {
        Gap::Blank
    } else {
        Gap::None
    }
}

impl Glyph {
    /// A glyph that stands at its place in a line.
    pub(super) fn new(turn: i16, (x, y): (f64, f64), end: f64, em: f64, blank: bool) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a thousandth of a point is enough")]
        let short = |number: f64| number as f32;
        Self {
            turn,
            x: short(x),
            end: short(end),
            y: short(y),
            em: short(em).max(1e-3),
            blank,
            ends: false,
            at: 0,
            length: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters of half an em from `x` on, each `pitch` from the last.
    fn draw(sheet: &mut Sheet, text: &str, x: f64, y: f64, pitch: f64) {
        for (nr, letter) in text.chars().enumerate() {
            let x = x + f64::from(u32::try_from(nr).unwrap()) * pitch;
            sheet.push(Glyph::new(0, (x, y), x + 5.0, 10.0, false), &letter.to_string());
        }
    }

    fn told(work: impl FnOnce(&mut Sheet)) -> String {
        let (mut sheet, mut out) = (Sheet::default(), String::new());
        work(&mut sheet);
        sheet.tell(&mut out);
        out
    }

    #[test]
    fn gaps_are_blanks_cells_and_lines() {
        let text = told(|sheet| {
            draw(sheet, "CPR-nr.", 10.0, 700.0, 5.0);
            draw(sheet, "er", 48.0, 700.0, 5.0);
            draw(sheet, "150379", 100.0, 700.0, 5.2);
            draw(sheet, "-1028", 131.0, 700.5, 4.8);
            draw(sheet, "slut", 10.0, 690.0, 5.0);
        });
        assert_eq!(text, "CPR-nr. er\t150379-1028\nslut\n");
    }

    #[test]
    fn narrow_columns_are_cells_where_blanks_are_drawn() {
        let text = told(|sheet| {
            sheet.push(Glyph::new(0, (10.0, 700.0), 15.0, 10.0, false), "B");
            sheet.push(Glyph::new(0, (18.0, 700.0), 23.0, 10.0, true), "H");
            draw(sheet, "150379-1028", 27.0, 700.0, 5.0);
            draw(sheet, "940", 86.0, 700.0, 5.0);
            draw(sheet, "150379", 10.0, 690.0, 5.0);
            draw(sheet, "1028", 44.0, 690.0, 5.0);
        });
        assert_eq!(text, "B H\t150379-1028\t940\n150379 1028\n");
    }

    #[test]
    fn a_number_in_boxes_is_one() {
        let text = told(|sheet| draw(sheet, "1503791028", 10.0, 700.0, 15.0));
        assert_eq!(text, "1503791028\n");
        let text = told(|sheet| {
            draw(sheet, "CPR", 10.0, 700.0, 5.0);
            draw(sheet, "150379", 60.0, 700.0, 15.0);
            draw(sheet, "1028", 170.0, 700.0, 15.0);
        });
        assert_eq!(text, "CPR\t150379 1028\n");
        let text = told(|sheet| draw(sheet, "8787", 10.0, 700.0, 60.0));
        assert_eq!(text, "8\t7\t8\t7\n", "columns are no boxes");
    }

    #[test]
    fn a_table_drawn_by_columns_is_told_in_rows_too() {
        let text = told(|sheet| {
            for (nr, name) in ["Navn", "Bo", "Ib"].into_iter().enumerate() {
                draw(sheet, name, 10.0, 700.0 - 12.0 * f64::from(u32::try_from(nr).unwrap()), 5.0);
            }
            for (nr, name) in ["CPR", "150379-1028", "010190-1234"].into_iter().enumerate() {
                draw(sheet, name, 90.0, 700.0 - 12.0 * f64::from(u32::try_from(nr).unwrap()), 5.0);
            }
        });
        assert!(text.ends_with("Navn\tCPR\nBo\t150379-1028\nIb\t010190-1234\n"), "{text}");
    }

    #[test]
    fn digits_drawn_from_the_right_are_put_in_order() {
        let text = told(|sheet| {
            for (nr, letter) in "150379-1028".chars().enumerate().collect::<Vec<_>>().into_iter().rev() {
                draw(
                    sheet,
                    &letter.to_string(),
                    10.0 + 5.0 * f64::from(u32::try_from(nr).unwrap()),
                    700.0,
                    5.0,
                );
            }
        });
        assert!(text.ends_with("150379-1028\n"), "{text}");
    }

    #[test]
    fn what_is_drawn_twice_is_told_once_in_a_row() {
        let text = told(|sheet| {
            draw(sheet, "150379-1028", 10.0, 700.0, 5.0);
            draw(sheet, "150379-1028", 10.3, 700.0, 5.0);
            draw(sheet, "Bo", 100.0, 690.0, 5.0);
            draw(sheet, "navn", 10.0, 690.0, 5.0);
        });
        assert_eq!(text, "150379-1028\n150379-1028\nBo\nnavn\n150379-1028\nnavn\tBo\n");
    }
}
