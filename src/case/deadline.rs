//! The time left until a deadline, in words. When it is, [`super::regime::Regime::deadline`] knows.

use chrono::TimeDelta;

/// Hours left in words, Danish and English: whole hours rounded down, because promising time that is not
/// there would be the worse error.
pub fn left_in_words(left: TimeDelta) -> (String, String) {
    let minutes = left.num_minutes();
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    let (danish, english) = match hours {
        0 => (format!("{rest} min."), format!("{rest} min")),
        1 => ("1 time".to_owned(), "1 hour".to_owned()),
        _ => (format!("{hours} timer"), format!("{hours} hours")),
    };
    if left < TimeDelta::zero() {
        (format!("fristen er overskredet med {danish}"), format!("the deadline passed {english} ago"))
    } else {
        (format!("{danish} tilbage"), format!("{english} left"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_rounded_down() {
        let words = |minutes| left_in_words(TimeDelta::minutes(minutes)).0;
        assert_eq!(words(72 * 60), "72 timer tilbage");
        assert_eq!(words(72 * 60 - 1), "71 timer tilbage");
        assert_eq!(words(61), "1 time tilbage");
        assert_eq!(words(59), "59 min. tilbage");
        assert_eq!(words(-125), "fristen er overskredet med 2 timer");
        assert_eq!(left_in_words(TimeDelta::seconds(-1)).0, "fristen er overskredet med 0 min.");
    }
}
