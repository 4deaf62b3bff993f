//! ENISA's score as it is shown: advice, with what it was made of and the two flags. Never a decision.
//!
//! Where nobody has scored the case, the sum that the facts of the law give for a number alone at the right authority is shown as
//! where to begin. Source: facts of the law, "Severity". Start reading at [`pairs`].

use super::Whole;
use super::paper::Both;
use crate::case::field::Field;
use crate::case::severity::{Ease, Inputs, Loss, Score};

/// The inputs of a case as a person gave them, with the flag for many set by the count where nobody did; or where to begin.
pub fn inputs(whole: &Whole<'_>) -> (Inputs, bool) {
    let given = whole.file.facts.get(&Field::SeverityInputs).and_then(|text| Inputs::read(text));
    let inputs = given.unwrap_or(Inputs::NUMBER_ALONE);
    let is_many = inputs.many || whole.file.row.persons > Inputs::MANY;
    (Inputs { many: is_many, ..inputs }, given.is_some())
}

/// The score, its sum, its inputs and its flags.
pub fn pairs(whole: &Whole<'_>) -> Vec<(Both, String)> {
    let (inputs, is_given) = inputs(whole);
    let score = Score::of(&inputs);
    let (da, en) = score.band.names();
    let basis = if is_given {
        "angivet af en person / given by a person"
    } else {
        "ingen har vurderet: udgangspunktet for CPR-numre alene hos rette myndighed / nobody has: where to begin"
    };
    vec![
        (
            Both::new("Alvorlighed (ENISA, kun vejledende)", "Severity (advice only)"),
            format!("{} ({da} / {en})", score.shown()),
        ),
        (Both::new("Regnestykke DPC x EI + CB", "Sum"), inputs.sum()),
        (Both::new("Grundlag", "Inputs"), format!("{}; {basis}", words(inputs))),
        (Both::new("Flag", "Flags"), flags(inputs)),
    ]
}

/// The score in short: `1,75 (lav)`.
pub fn short(whole: &Whole<'_>) -> Option<String> {
    let (inputs, is_given) = inputs(whole);
    let score = Score::of(&inputs);
    is_given.then(|| format!("{} ({})", score.shown(), score.band.names().0))
}

/// What stands in the row of the inputs, in words.
pub fn in_words(text: &str) -> String {
    Inputs::read(text).map_or_else(|| text.to_owned(), words)
}

fn words(inputs: Inputs) -> String {
    let ease = match inputs.ease {
        Ease::Negligible => "ubetydelig (0,25)",
        Ease::Limited => "begrænset (0,5)",
        Ease::Significant => "betydelig (0,75)",
        Ease::Maximum => "størst mulig (1)",
    };
    let loss = |loss| match loss {
        Loss::None => "intet (0)",
        Loss::Some => "til kendte modtagere, kan rettes (0,25)",
        Loss::Much => "til ukendte, kan ikke rettes (0,5)",
    };
    format!(
        "datatype {} af 4; identificerbarhed {ease}; tab af fortrolighed {}, integritet {}, tilgængelighed {}; ond vilje {}",
        inputs.data,
        loss(inputs.confidentiality),
        loss(inputs.integrity),
        loss(inputs.availability),
        if inputs.malicious { "ja (0,5)" } else { "nej (0)" }
    )
}

fn flags(inputs: Inputs) -> String {
    let mut flags = Vec::new();
    if inputs.many {
        flags.push("mere end 100 personer / more than 100 persons");
    }
    if inputs.unintelligible {
        flags.push("oplysningerne er uforståelige for andre / unintelligible data");
    }
    if flags.is_empty() { "ingen / none".to_owned() } else { flags.join("; ") }
}
