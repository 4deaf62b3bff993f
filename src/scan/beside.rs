//! What else stood in a mail with a number: name, address, account, health, a child. As words only, never what was said.
//!
//! It is read from the start of the first text ([`Sketch`]), of mails in which a number was found alone, so that it costs the
//! others nothing; what stands further down is not seen, and a case says "at least". The words steer nothing: they are proposed
//! to the DPO, who decides (facts of the law, "Fields" and "Severity"). Start reading at [`beside`].

use super::sketch::Sketch;
use crate::cpr::date::Day;
use crate::cpr::{Cpr, Exceptions};
use regex::RegexSet;
use std::sync::LazyLock;

/// A type of data beside a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Beside {
    /// A person's name.
    Name,
    /// Where somebody lives.
    Address,
    /// An account: IBAN by its check digits, or a Danish registration and account number with its label.
    Account,
    /// Words of health: a special category (GDPR art. 9).
    Health,
    /// Words of a child, or a number of somebody under eighteen: a group that needs more care.
    Child,
}

impl Beside {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Name, Self::Address, Self::Account, Self::Health, Self::Child];

    /// The word in rows and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::Account => "account",
            Self::Health => "health",
            Self::Child => "child",
        }
    }

    /// Reads [`Self::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// In Danish and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("navn", "name"),
            Self::Address => ("adresse", "address"),
            Self::Account => ("kontonummer", "account number"),
            Self::Health => ("helbredsoplysninger", "health data"),
            Self::Child => ("børn", "children"),
        }
    }
}

/// In the order of [`KINDS`].
static PATTERNS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new([
        // A label of a name with two capitalised words behind it, or a greeting with a name.
        r"(?:[Nn]avn|[Aa]nsøger|[Bb]orger|[Kk]ære|Hej)\s*[:,]?\s+\p{Lu}\p{Ll}+(?:[ -]\p{Lu}\p{Ll}+)+",
        // A street with its number, or a postal code with its town.
        r"\p{Lu}[\p{L}. ]{1,30}(?:vej|gade|allé|stræde|plads|torv|vænget|parken|bakken|have)\s+\d{1,3}\b",
        r"\b[1-9]\d{3}\s+\p{Lu}\p{Ll}{2,}(?: [A-ZÆØÅ])?\b",
        // A Danish account number with its label: registration number of four digits, account of up to ten.
        r"(?i)(?:konto|reg)(?:nummer|nr)?\.?\s*(?:nr\.?)?\s*[:/]?\s*\d{4}[ -/]{1,3}\d{6,10}\b",
        r"(?i)\b(?:diagnose|sygdom|sygemeld|sygedagpenge|medicin|behandling(?:en)? (?:på|hos)|læge(?:n|erklæring|attest)?\b|hospital|sygehus|psykiat|depression|handicap|misbrug|gravid|helbred)",
        r"(?i)\b(?:barnet|børnene|barns|børns|datter|søn\b|elev(?:en)?\b|skolebarn|vuggestue|børnehave|forældremyndighed|anbragt)",
    ])
    .ok()
});
const KINDS: [Beside; 6] =
    [Beside::Name, Beside::Address, Beside::Address, Beside::Account, Beside::Health, Beside::Child];

/// What stands beside the numbers of a mail, each type once, in their order. `persons` are the numbers themselves, of which
/// only the age is asked.
pub fn beside(sketch: &Sketch, persons: impl Iterator<Item = [u8; 10]>, today: Day) -> Vec<Beside> {
    let text = plain(sketch.text());
    let matched = PATTERNS.as_ref().map(|patterns| patterns.matches(&text).into_iter().collect::<Vec<_>>());
    let mut found: Vec<Beside> =
        matched.into_iter().flatten().filter_map(|at| KINDS.get(at).copied()).collect();
    if has_iban(&text) {
        found.push(Beside::Account);
    }
    let mut persons = persons;
    if persons.any(|number| is_child(number, today)) {
        found.push(Beside::Child);
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_child(number: [u8; 10], today: Day) -> bool {
    // Only the birth date is asked, so no list of days without check digits is needed. ASCII digits end in their value.
    let none = Exceptions { as_of: today, dates: &[] };
    let digits = number.map(|digit| digit & 15);
    Cpr::parse(digits, today, none).is_ok_and(|cpr| cpr.birth().years_until(today) < 18)
}

/// Without tags, so that a cell between two words is a blank.
fn plain(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut in_tag = false;
    for one in String::from_utf8_lossy(raw).chars() {
        match one {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if in_tag => {}
            one => text.push(one),
        }
    }
    text
}

/// A Danish IBAN: `DK`, two check digits, fourteen more; its remainder by 97 is 1 (ISO 13616, ISO 7064).
fn has_iban(text: &str) -> bool {
    text.match_indices("DK").any(|(at, _)| {
        let behind = text.get(at + 2..).unwrap_or_default();
        let digits: Vec<u32> =
            behind.chars().filter(|one| *one != ' ').map_while(|one| one.to_digit(10)).take(16).collect();
        let (Some(check), Some(rest)) = (digits.get(..2), digits.get(2..16)) else { return false };
        // The country's letters are numbers too: D is 13, K is 20; they and the check digits come last.
        let turned = rest.iter().chain(&[1, 3, 2, 0]).chain(check);
        turned.fold(0, |remainder, digit| (remainder * 10 + digit) % 97) == 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Beside> {
        let mut sketch = Sketch::default();
        sketch.add_text(text.as_bytes());
        beside(&sketch, std::iter::empty(), Day::literal(2026, 11, 22))
    }

    #[test]
    fn each_type_is_known_by_its_words_and_none_by_anothers() {
        for (text, wanted) in [
            ("CPR-nr.: ******-****", vec![]),
            ("Ansøger: Anne Marie Hansen", vec![Beside::Name]),
            ("Bopæl: Nørregade 12, 9800 Hjørring", vec![Beside::Address]),
            ("<td>Konto</td><td>9999 0001234567</td>", vec![Beside::Account]),
            ("IBAN DK50 0040 0440 1162 43", vec![Beside::Account]),
            ("IBAN DK51 0040 0440 1162 43", vec![]),
            ("lægeerklæring om sygdommen", vec![Beside::Health]),
            ("Vi skriver om jeres datter", vec![Beside::Child]),
            ("Tak for jeres henvendelse. Vi vender tilbage om 14 dage.", vec![]),
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
        for one in Beside::ALL {
            assert_eq!(Beside::from_word(one.word()), Some(one));
        }
    }

    #[test]
    fn a_number_tells_whether_it_is_a_childs() {
        let today = Day::literal(2026, 11, 22);
        let of = |number: &[u8; 10]| beside(&Sketch::default(), std::iter::once(*number), today);
        assert_eq!(of(b"1503791028"), []);
        assert_eq!(of(b"0101155234"), [Beside::Child], "born in 2015");
    }
}
