//! Letters and their variants, free text, letters that share much, and the order in which they come.

use super::*;
use std::collections::BTreeSet;

fn mark(subject: &str, text: &str) -> Mark {
    // Any hash will do here.
    let tag = |word: &[u8]| {
        word.iter().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619))
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs: Vec<u32> = words.windows(2).map(|pair| tag(pair.join(" ").as_bytes())).collect();
    Mark::new(subject.split_whitespace().map(|word| tag(word.as_bytes())).collect(), &pairs)
}

/// A mail about the person with this number.
fn letter(person: u32, subject: &str, text: &str) -> Letter {
    let mark = mark(subject, text);
    let mut name = [0_u8; 16];
    for (at, byte) in mark.to_bytes().text.iter().enumerate() {
        name[at % 16] = name[at % 16].wrapping_mul(31) ^ byte;
    }
    let mut persons = [0; 16];
    persons[..4].copy_from_slice(&person.to_be_bytes());
    Letter { source: [1; 16], mark, name, persons, others: [255; 16] }
}

/// How many templates these are, by the order in which they come.
fn groups(letters: &[Letter], order: impl Iterator<Item = usize>) -> usize {
    let mut templates = Templates::default();
    order.map(|at| templates.meet(&letters[at])).collect::<BTreeSet<_>>().len()
}

const LETTER: &str = "der er modtaget en ny om betaling af klar til behandling i fagsystemet under og er oplyst til at der er i \
    skal behandles inden for fire uger og sendes til tinglysning denne mail er sendt automatisk og kan ikke besvares";
const OTHER: &str = "for er nu tinglyst og sagen kan afsluttes er og forrentes fra den husk at journalisere kvitteringen og at sende til \
        denne mail er sendt automatisk og kan ikke besvares";

/// So many words that no other mail has.
fn free(own: usize, count: usize) -> String {
    (0..count).map(|at| format!("ord{own}x{at}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_paragraph_more_and_a_name_in_lower_case_make_no_second_template() {
    let plain = mark("ny om til betaling", LETTER);
    let more = LETTER.replace("skal behandles", "der er en til medansøgeren har givet samtykke til at oplysninger om indkomst og formue indhentes skal behandles");
    let named = LETTER.replace("klar til", "inger nørregaard madsen klar til");
    for other in [&more, &named] {
        assert!(plain.is_as(&mark("ny om til betaling", other)).is_some(), "{other}");
    }
    assert_eq!(plain.is_as(&plain), Some(3000));
    assert_eq!(Mark::from_bytes(&plain.to_bytes()), plain);
}

#[test]
fn two_letters_of_a_system_are_two_templates() {
    let plain = mark("ny om til betaling", LETTER);
    assert_eq!(plain.is_as(&mark("ny om til betaling", OTHER)), None, "by their texts");
    assert_eq!(plain.is_as(&mark("tinglyst", LETTER)), None, "by their subjects");
    assert_eq!(mark("", "din er modtaget").is_as(&mark("", "din er afvist")), None);
    assert_eq!(mark("", "din er modtaget").is_as(&mark("", LETTER)), None);
    assert_eq!(mark("", "").is_as(&mark("", LETTER)), None);
    assert_eq!(mark("", "").is_as(&mark("", "")), Some(2000));
}

#[test]
fn the_most_alike_is_taken() {
    let mut templates = Templates::default();
    let more = format!("{LETTER} og to ord");
    let (one, other) = (letter(1, "", &more), letter(2, "", LETTER));
    templates.put([1; 16], [Template::of(&one, 1), Template::of(&other, 2)]);
    assert_eq!(templates.find(&letter(3, "", &more)).map(|one| one.id), Some(one.name));
    let elsewhere = Letter { source: [2; 16], ..letter(3, "", &more) };
    assert_eq!(templates.find(&elsewhere), None, "of another source");
}

#[test]
fn a_field_for_free_text_makes_no_second_template() {
    for words in [0, 5, 20, 80, 400] {
        let letters: Vec<Letter> = (0..60)
            .map(|own| letter(own, "ny om", &format!("{LETTER} besked {}", free(own as usize, words))))
            .collect();
        assert_eq!(groups(&letters, 0..60), 1, "at the end, {words}");
        let letters: Vec<Letter> = (0..60)
            .map(|own| letter(own, "ny om", &format!("{} svar {LETTER}", free(own as usize, words))))
            .collect();
        assert_eq!(groups(&letters, 0..60), 1, "at the beginning, {words}");
    }
    // With no word in the subject an end says nothing.
    let (one, other) = (format!("{} {LETTER}", free(1, 80)), format!("{} {LETTER}", free(2, 80)));
    assert_eq!(mark("", &one).is_as(&mark("", &other)), None);
}

#[test]
fn two_letters_with_free_text_stay_two_in_any_order() {
    let letters: Vec<Letter> = (0..40)
        .map(|own| {
            let text = if own % 2 == 0 { LETTER } else { OTHER };
            letter(own, "", &format!("{text} besked {}", free(own as usize, 60)))
        })
        .collect();
    for step in [1, 3, 7, 11, 13, 17] {
        assert_eq!(groups(&letters, (0..40).map(|at| at * step % 40)), 2, "{step}");
    }
}

#[test]
fn a_mail_that_holds_two_letters_makes_them_one_in_no_order() {
    let both = format!("{LETTER} {OTHER}");
    let letters = [letter(1, "", LETTER), letter(2, "", OTHER), letter(3, "", &both)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(groups(&letters, order.into_iter()), 2, "{order:?}");
    }
}

#[test]
fn what_is_like_nothing_else_is_one_template_after_so_many() {
    let letters: Vec<Letter> = (0..500).map(|own| letter(own, "", &free(own as usize, 60))).collect();
    // A copy is no second mail of its template.
    let twice = (0..500).flat_map(|at| [at, at]);
    assert_eq!(groups(&letters, twice), Templates::ONCE + 1);
    // Letters that come again make room.
    let mut templates = Templates::default();
    for letter in letters.iter().take(Templates::ONCE) {
        templates.meet(letter);
    }
    assert!(templates.is_full(&[1; 16]));
    templates.meet(&Letter { persons: [9; 16], ..letters[0].clone() });
    assert!(!templates.is_full(&[1; 16]));
    assert_eq!(templates.meet(&letters[400]), letters[400].name);
}
