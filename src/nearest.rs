//! Which known word was meant by an unknown one.
//!
//! Pure, and knows no room. Used for keys and values of the configuration and of the rules, so that a slip of the
//! fingers costs one look.

/// The known word nearest to `word`, if it is near enough to be a slip: at most a third of its letters.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour (the restricted
/// Damerau distance). Swaps count one, because `lsiten` is one slip.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    let mut last = None;
    for (row, a) in one.chars().enumerate() {
        let mut line = vec![row + 1];
        let mut left = row + 1;
        for (column, b) in other.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut cost =
                (at(&above, column) + usize::from(a != *b)).min(at(&above, column + 1) + 1).min(left + 1);
            if let Some(column_before) = column.checked_sub(1)
                && last == Some(*b)
                && other.get(column_before) == Some(&a)
            {
                cost = cost.min(at(&before, column_before) + 1);
            }
            line.push(cost);
            left = cost;
        }
        before = std::mem::replace(&mut above, line);
        last = Some(a);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, steps) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("listen", "listen", 0),
            ("lsiten", "listen", 1),
            ("lissten", "listen", 1),
            ("lisen", "listen", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), steps, "{one} {other}");
        }
    }

    #[test]
    fn only_a_slip_is_guessed() {
        let known = ["listen", "max_connections", "url"];
        assert_eq!(nearest("Lsiten", known), Some("listen"));
        assert_eq!(nearest("max-connection", known), Some("max_connections"));
        assert_eq!(nearest("uri", known), Some("url"));
        assert_eq!(nearest("timeout", known), None);
    }
}
