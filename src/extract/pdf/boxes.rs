//! Forms with a box for each digit: what stands alone and evenly is one word.
//!
//! Start reading at [`unbox`]. Tests: `layout.rs`.

use super::layout::{Gap, Glyph};

/// Boxes of a form lie no farther apart.
const BOX: f32 = 2.5;

/// Fewer single letters in a row are chance, and no boxes.
const BOXES: usize = 4;

/// Single letters at an even distance are one word: a form with a box for each digit, or a spaced heading.
pub(super) fn unbox(line: &[Glyph], gaps: &mut [Gap]) {
    let is_alone = |nr: usize, gaps: &[Gap]| {
        let apart = |gap: Option<&Gap>| gap.is_none_or(|gap| *gap != Gap::None);
        apart(nr.checked_sub(1).and_then(|nr| gaps.get(nr))) && apart(gaps.get(nr))
    };
    if line.len() < BOXES || gaps.iter().filter(|gap| **gap != Gap::None).count() + 1 < BOXES {
        return;
    }
    let alone: Vec<bool> = (0..line.len()).map(|nr| is_alone(nr, gaps)).collect();
    let mut from = 0;
    let mut before = None;
    while from + BOXES <= line.len() {
        if alone.get(from) != Some(&true) {
            from += 1;
            continue;
        }
        let to = boxes(line, &alone, from);
        if to - from < BOXES {
            from += 1;
            continue;
        }
        if let Some(inner) = gaps.get_mut(from..to - 1) {
            inner.fill(Gap::None);
        }
        // Two groups of boxes are two halves of a number.
        if before == Some(from)
            && let Some(between) = from.checked_sub(1).and_then(|nr| gaps.get_mut(nr))
        {
            *between = Gap::Blank;
        }
        before = Some(to);
        from = to;
    }
}

/// How far from here single letters stand evenly.
fn boxes(line: &[Glyph], alone: &[bool], from: usize) -> usize {
    let middle = |glyph: &Glyph| f32::midpoint(glyph.x, glyph.end);
    let reach = |distance: &dyn Fn(&Glyph, &Glyph) -> f32| {
        let mut even = None;
        let mut to = from + 1;
        while let (Some(last), Some(next)) = (line.get(to - 1), line.get(to)) {
            let (em, now) = (last.em.min(next.em), distance(last, next));
            let is_box = alone.get(to - 1) == Some(&true) && alone.get(to) == Some(&true);
            let is_even = even.is_none_or(|even: f32| (now - even).abs() < 0.15 * em);
            if !is_box || !is_even || next.x - last.end > BOX * em || next.x <= last.x {
                break;
            }
            even = Some(even.unwrap_or(now));
            to += 1;
        }
        to
    };
    // Digits in boxes stand evenly by their middles, spaced letters by what lies between them.
    reach(&|last, next| middle(next) - middle(last)).max(reach(&|last, next| next.x - last.end))
}
