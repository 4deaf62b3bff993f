//! What the code's own reasons, kinds and outcomes mean, in Danish and English, for people who run mail systems.
//!
//! Knows no weights; entries of the rules explain themselves by their file. Start reading at [`reason`]. Tests: below.

use super::Outcome;
use crate::cpr::{Kind, NotCpr};
use crate::scan::finding::Confidence;

/// A reason of the code's; `None` for entries of the rules, and for what has no words yet.
pub(in crate::cli::rules) fn reason(word: &str) -> Option<&'static str> {
    Some(match word {
        "date" => "de første cifre er en dag, der har været · begins with a past day",
        "form:dashed" => "med bindestreg, DDMMÅÅ-LLLL · with a dash",
        "form:plain" => "ti cifre uden noget imellem · ten bare digits",
        "form:blank" => "mellemrum før løbenummeret · a blank before the serial",
        "form:broken" => "linjeskift før løbenummeret · a line break before the serial",
        "form:marked" => "tegn som / . _ + før løbenummeret · a mark before the serial",
        "form:spelled" => "datoen i grupper eller med helt år · the date in groups or whole",
        "form:cells" => "dato og løbenummer i hver sin celle · in two cells or fields",
        "form:spread" => "cifre enkeltvis eller i par · digits one by one or in pairs",
        "form:nine" => "ni cifre, nul foran mangler · nine digits, a zero was lost",
        "form:lettered" => "eCPR, med bogstaver · an eCPR, with letters",
        "mod11" => "består modulus 11 · passes modulus 11",
        "mod11-exempt" => "en fødselsdag uden modulus 11 · a birth date exempt from it",
        "no-mod11" => "består ikke modulus 11 · fails modulus 11",
        "age" => "født for så længe siden, at ingen lever · born too long ago",
        "high-age" => "ville være meget gammel · would be very old",
        "age-and-time" => "læses som dato og klokkeslæt · reads as a date and a time",
        "header:other" => "i et felt, som ingen skriver i · in a header nobody types",
        "neighbours" => "de andre numre i listen · the other numbers of the list",
        "column" => "kolonnens overskrift er en etiket · its heading is a label",
        "column:other" => "kolonnens overskrift er ukendt · its heading is no known label",
        "column:beside-cpr" => "CPR-numre har en anden kolonne · another column holds those",
        "left-cell" => "cellen til venstre er en etiket · the cell to its left is a label",
        "touching" => "et bogstav rører cifrene · a letter touches the digits",
        "other-key" => "værdi af en ukendt nøgle · the value of an unknown key",
        "allowed" => "på listen over ingens numre · on the site's list (rules allow)",
        _ => return None,
    })
}

/// What the digits are, or why they are no number.
pub(super) fn kind(kind: Result<Kind, NotCpr>) -> &'static str {
    match kind {
        Ok(Kind::Cpr) => "personnummer · cpr",
        Ok(Kind::Replacement) => "erstatningspersonnummer · replacement",
        Ok(Kind::NineDigit) => "ni cifre, nul foran mangler · nine-digit",
        Ok(Kind::Ecpr) => "eCPR · ecpr",
        Ok(Kind::Test) => "testnummer · test",
        Ok(Kind::Suspect) => "fejler modulus 11 · suspect",
        Err(NotCpr::NoSuchDay) => "intet nummer: dagen findes ikke · no number: no such day",
        Err(NotCpr::Unborn) => "intet nummer: en dag, der kommer · no number: a birth to come",
        Err(NotCpr::NoZeroLost) => {
            "intet nummer: ni cifre, der fejler modulus 11 · no number: nine digits that fail modulus 11"
        }
    }
}

/// For programs.
pub(super) fn why_not(not: NotCpr) -> &'static str {
    match not {
        NotCpr::NoSuchDay => "no-such-day",
        NotCpr::Unborn => "unborn",
        NotCpr::NoZeroLost => "no-zero-lost",
    }
}

/// What became of a candidate.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Found(Confidence::Certain) => "sikker · certain",
        Outcome::Found(Confidence::Likely) => "sandsynlig · likely",
        Outcome::Found(Confidence::Possible) => "mulig · possible",
        Outcome::NotReported => "ikke fund · not reported",
        Outcome::NoLabel => "mangler etiket · no label",
        Outcome::Ignored => "ikke ønsket · ignored",
        Outcome::NoNumber => "intet nummer · no number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns that a weight and its name leave of 100.
    const ROOM: usize = 66;

    /// Every word that the sources give a candidate as a reason, read from them, so that a new one is not forgotten.
    #[test]
    fn every_reason_of_the_code_has_words_that_fit_a_line() {
        let sources: [(&str, &[&str]); 3] = [
            (include_str!("../../../scan/context.rs"), &["evidence.add(\"", "    (\"", "{ (\""]),
            (include_str!("../../../scan/ruleset/written.rs"), &["=> (self."]),
            (include_str!("../../../scan/reader.rs"), &["Reason::Word(\""]),
        ];
        let mut seen = 0;
        for (source, marks) in sources {
            for line in source.lines().filter(|line| marks.iter().any(|mark| line.contains(mark))) {
                for word in line.split('"').skip(1).step_by(2) {
                    let words = reason(word).unwrap_or_else(|| panic!("{word} has no words"));
                    assert!(words.chars().count() <= ROOM, "{words}");
                    seen += 1;
                }
            }
        }
        assert!(seen >= 20, "{seen}");
    }
}
