//! Numbers broken at the end of a line in one of several columns.
//!
//! Where columns are drawn side by side, line by line, the second half of a number does not follow the first in the text:
//! the next column does. So for each half at the end of a cell the line below in the same column is looked for; where it
//! begins with the other half, both are told once more by themselves, and the first is not joined with its neighbour.
//! Nothing else is told by columns: cells of a table below each other do not belong together. Start reading at
//! [`broken`].

use super::layout::{Gap, Glyph, Sheet};
use std::ops::Range;

/// Columns of text stand farther apart than its words, and not always as far as cells.
const GUTTER: f32 = 0.9;

/// Lines of one paragraph lie no farther apart.
const PITCH: f32 = 2.6;

/// So far to the left of its column a line may end; the first of a paragraph is indented.
const INDENT: f32 = 3.0;

/// Steps of the search on one page: no page needs them, and a bomb needs more.
const STEPS: usize = 4_000_000;

/// A number that is broken: the cells in which its halves stand, by their glyphs.
pub(super) struct Broken {
    above: Option<Range<usize>>,
    half: Range<usize>,
    below: Range<usize>,
    /// One follows the other in the text as it is.
    pub(super) is_told: bool,
}

impl Broken {
    /// What is to be told: with the line before, where what the number is called may stand.
    pub(super) fn cells(&self) -> impl Iterator<Item = &Range<usize>> {
        self.above.iter().chain([&self.half, &self.below])
    }

    /// The last glyph of the first half.
    pub(super) fn last(&self) -> Option<usize> {
        self.half.end.checked_sub(1)
    }
}

/// How the first half of a number ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    /// With a dash: there is more to come.
    Dashed,
    /// Without one, behind words.
    Bare,
    /// Without one, and all alone: a number in a table.
    Alone,
}

/// The broken numbers of a page.
pub(super) fn broken(sheet: &Sheet) -> Vec<Broken> {
    let mut cells: Vec<Range<usize>> = Vec::new();
    let mut halves = Vec::new();
    let mut from = 0;
    for at in 1..=sheet.glyphs.len() {
        if !ends(sheet, at) {
            continue;
        }
        let cell = from..at;
        from = at;
        if let Some(half) = first_half(sheet, &cell) {
            halves.push((cells.len(), half));
        }
        cells.push(cell);
    }
    let mut steps = 0;
    let mut found = Vec::new();
    for (nr, half) in halves {
        steps += cells.len();
        if steps > STEPS {
            break;
        }
        let Some(cell) = cells.get(nr) else { continue };
        let Some(below) = next_to(sheet, &cells, cell, -1.0) else { continue };
        if !cells.get(below).is_some_and(|below| is_second_half(sheet, below, half)) {
            continue;
        }
        let above = next_to(sheet, &cells, cell, 1.0).and_then(|above| cells.get(above)).cloned();
        let Some(second) = cells.get(below) else { continue };
        let is_told = below == nr + 1 && sheet.gaps.get(second.start) == Some(&Gap::Line);
        found.push(Broken { above, half: cell.clone(), below: second.clone(), is_told });
    }
    found
}

/// Whether a cell ends before this glyph.
fn ends(sheet: &Sheet, at: usize) -> bool {
    match sheet.gaps.get(at) {
        None | Some(Gap::Line | Gap::Cell) => true,
        Some(Gap::None) => false,
        Some(Gap::Blank) => match (sheet.glyphs.get(at - 1), sheet.glyphs.get(at)) {
            (Some(last), Some(next)) => next.x - last.end > GUTTER * last.em.min(next.em),
            _ => true,
        },
    }
}

fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{AD}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Whether a cell ends with the six digits of a date.
fn first_half(sheet: &Sheet, cell: &Range<usize>) -> Option<Half> {
    let glyphs = sheet.piece(cell);
    let last = sheet.text(glyphs.last()?);
    if !last.ends_with(|letter: char| is_dash(letter) || letter.is_ascii_digit()) {
        return None;
    }
    let mut letters = glyphs.iter().rev().flat_map(|glyph| sheet.text(glyph).chars().rev()).peekable();
    let is_dashed = letters.next_if(|letter| is_dash(*letter)).is_some();
    let digits = std::iter::from_fn(|| letters.next_if(char::is_ascii_digit)).take(7).count();
    if digits != 6 {
        return None;
    }
    Some(match is_dashed {
        true => Half::Dashed,
        false if letters.any(char::is_alphabetic) => Half::Bare,
        false => Half::Alone,
    })
}

/// Whether a cell begins with the four digits that follow.
fn is_second_half(sheet: &Sheet, cell: &Range<usize>, half: Half) -> bool {
    let mut letters = sheet.piece(cell).iter().flat_map(|glyph| sheet.text(glyph).chars()).peekable();
    let is_dashed = letters.next_if(|letter| is_dash(*letter)).is_some();
    let digits = std::iter::from_fn(|| letters.next_if(char::is_ascii_digit)).take(5).count();
    digits == 4 && (half != Half::Alone || is_dashed)
}

/// The nearest cell below (or above) in the same column.
fn next_to(sheet: &Sheet, cells: &[Range<usize>], of: &Range<usize>, way: f32) -> Option<usize> {
    let bounds = |cell: &Range<usize>| -> Option<(Glyph, f32)> {
        let glyphs = sheet.piece(cell);
        Some((*glyphs.first()?, glyphs.last()?.end))
    };
    let (from, _) = bounds(of)?;
    let mut nearest: Option<(f32, f32, usize)> = None;
    for (nr, cell) in cells.iter().enumerate() {
        let Some((first, end)) = bounds(cell) else { continue };
        let away = (first.y - from.y) * way;
        let is_line = first.turn == from.turn && away > 0.5 * from.em && away < PITCH * from.em;
        let is_column = first.x < from.x + from.em && end > from.x - INDENT * from.em;
        let aside = (first.x - from.x).abs();
        // Of those of one line, the one that begins where this one does.
        let is_nearer =
            nearest.is_none_or(
                |(line, best, _)| {
                    if (away - line).abs() < 0.3 * from.em { aside < best } else { away < line }
                },
            );
        if is_line && is_column && is_nearer {
            nearest = Some((away, aside, nr));
        }
    }
    nearest.map(|(.., nr)| nr)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::format_collect, reason = "a few allocations in a test")]

    use crate::extract::made::pdf::{page, show};
    use crate::extract::pdf::tests::told;

    /// Two columns, drawn line by line.
    fn side_by_side(left: &[&str], right: &[&str], gutter: i32) -> String {
        let lines = (0..).zip(left.iter().zip(right));
        let drawn: String = lines
            .map(|(nr, (left, right))| {
                format!("BT /F1 10 Tf 50 {} Td [({left})] TJ {gutter} 0 Td ({right}) Tj ET\n", 700 - 12 * nr)
            })
            .collect();
        told(&page(&drawn)).text
    }

    #[test]
    fn a_number_broken_in_a_column_is_told_whole() {
        let (left, right) = (
            ["Kommunen har", "modtaget 150379-", "1028 i dag, og", "behandler sagen"],
            ["Vi beder dig", "ringe om 4711", "5555 det samme", "som i brevet"],
        );
        let told = "Kommunen har\nmodtaget 150379-\n1028 i dag, og\n";
        for gutter in [95, 100, 250] {
            let text = side_by_side(&left, &right, gutter);
            assert!(text.contains(told), "{gutter}: {text}");
            let text = side_by_side(&right, &left, gutter);
            assert!(text.contains(told), "{gutter}: {text}");
        }
        for (first, second) in
            [("150379", "-1028 i dag"), ("nr. 150379", "1028"), ("\\226 150379\\226", "1028.")]
        {
            let text = side_by_side(&["Dit nummer", first, second], &["a", "b", "c"], 250);
            assert!(text.contains("150379") && text.matches("1028").count() == 2, "{text}");
        }
    }

    #[test]
    fn halves_that_do_not_belong_together_are_not_joined() {
        // The neighbour of a half that goes on below is not its other half.
        let text = side_by_side(&["cpr 150379-", "1028 i dag"], &["4711 er", "nok"], 250);
        assert!(
            text.contains("cpr 150379-\n\n4711 er") && text.contains("cpr 150379-\n1028 i dag\n"),
            "{text}"
        );
        for (left, right) in [
            // Cells of a table; lines of other columns, and farther down; other counts of digits.
            (["150379", "1028"], ["x", "y"]),
            (["nr. 150379-", "x"], ["y", "1028"]),
            (["nr. 150379-", "10281 er"], ["x", "y"]),
            (["nr. 1150379-", "1028 er"], ["x", "y"]),
        ] {
            let text = side_by_side(&left, &right, 250);
            assert_eq!(text.matches("150379").count(), 1, "{text}");
        }
        let text = told(&page(&[show(50, 700, "nr. 150379-"), show(50, 600, "1028")].concat())).text;
        assert_eq!(text, "nr. 150379-\n1028\n\n\n");
    }
}
