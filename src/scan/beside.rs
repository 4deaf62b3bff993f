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
        // A street with its number: the ending within a word, or a word of its own with a capital ("skal have 14" is none).
        r"\p{Lu}[\p{L}. ]{0,30}(?:\p{L}(?:vej|gade|allé|stræde|plads|torv|vænget|parken|bakken|haven?)| (?:Allé|Alle|Vej|Gade|Plads|Torv|Boulevard))[ \t\u{a0}]+\d{1,3}\b",
        // A postal code with its town on the same line. What may be a year is one only before the towns that have such a code.
        r"\b(?:(?:1[0-8]\d\d|20[5-9]\d|2[1-9]\d\d|[3-9]\d{3})[ \t\u{a0}]+\p{Lu}\p{Ll}{2,}|(?:19\d\d|20[0-4]\d)[ \t\u{a0}]+(?:Frederiksberg|København|Kbh))",
        // A Danish account number with its label: registration number of four digits, account of up to ten.
        r"(?i)(?:konto|reg)(?:nummer|nr)?\.?\s*(?:nr\.?)?\s*[:/]?\s*\d{4}[ -/]{1,3}\d{6,10}\b",
        r"(?i)\b(?:diagnose|sygdom|sygemeld|sygedagpenge|medicin|behandling(?:en)? (?:på|hos)|læge(?:n|erklæring|attest)?\b|hospital|sygehus|psykiat|depression|handicap|misbrug|gravid|helbred)",
        r"(?i)\b(?:barnet|børnene|barns|børns|datter|søn(?:[^\p{L}.]|$)|elev(?:en)?\b|skolebarn|vuggestue|børnehave|forældremyndighed|anbragt)",
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

/// Without tags, so that a cell between two words is a blank, and with Danish letters as letters.
fn plain(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut in_tag = false;
    for one in decoded(raw).chars() {
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

/// The charset is not kept with the sketch, and need not be: Danish text that is no UTF-8 is latin-1 or what Windows makes of
/// it, and text in two bytes a letter has every other one empty.
fn decoded(raw: &[u8]) -> String {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        // Cut within a letter.
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(raw).into_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0.into_owned(),
    };
    if !text.contains(['&', '\0']) {
        return text;
    }
    let named = [
        ("&aelig;", "æ"),
        ("&oslash;", "ø"),
        ("&aring;", "å"),
        ("&AElig;", "Æ"),
        ("&Oslash;", "Ø"),
        ("&Aring;", "Å"),
        ("&eacute;", "é"),
        ("&nbsp;", " "),
        ("\0", ""),
    ];
    named.iter().fold(text, |text, (name, letter)| text.replace(name, letter))
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
    fn letters_are_read_in_any_charset_and_nothing_is_made_of_days_and_years() {
        let of = |text: &[u8]| {
            let mut sketch = Sketch::default();
            sketch.add_text(text);
            beside(&sketch, std::iter::empty(), Day::literal(2026, 11, 22))
        };
        let latin =
            |text: &str| text.chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect::<Vec<_>>();
        for text in [
            "Ansøger: Åse Ørsted",
            "Bopæl: Møllestræde 4",
            "lægeerklæring",
            "Vi skriver om jeres søn og hans skole",
        ] {
            let found = of(text.as_bytes());
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(of(&latin(text)), found, "{text}");
        }
        assert_eq!(of("Ans&oslash;ger: &Aring;se &Oslash;rsted".as_bytes()), [Beside::Name]);
        for text in [
            "Du skal have 14 dage til at svare",
            "Sendt 12-05-2019\nMed venlig hilsen",
            "Aftale fra 2019 Med venlig hilsen",
            "søn. 3. maj",
            "Der er plads til 12",
        ] {
            assert_eq!(of(text.as_bytes()), [], "{text}");
        }
        for text in
            ["Kirkehave 14", "Østre Allé 12", "9800 Hjørring", "2000 Frederiksberg", "1620 København V"]
        {
            assert_eq!(of(text.as_bytes()), [Beside::Address], "{text}");
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
