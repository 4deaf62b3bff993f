//! ENISA's formula for the severity of a breach (2013): SE = DPC x EI + CB. Advice and documentation only, never a decision.
//!
//! Counted in hundredths, so that a score on the edge of a band is on it. Source: facts of the law, "Severity". Start reading
//! at [`Score::of`].

use serde::{Deserialize, Serialize};

/// Data processing context: what kind of data, adjusted by a person for the circumstances; 1 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    /// Name, address, a CPR number's holder known as such.
    Simple,
    /// What somebody does.
    Behavioural,
    /// Accounts, income; a CPR number with an account number.
    Financial,
    /// Special categories (GDPR art. 9), as health.
    Sensitive,
}

/// Ease of identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ease {
    /// A quarter.
    Negligible,
    /// A half.
    Limited,
    /// Three quarters: a CPR number alone, to somebody who can look it up.
    Significant,
    /// One: name and number.
    Maximum,
}

/// How far confidentiality, integrity or availability was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// Not at all.
    #[default]
    None,
    /// To known recipients; recoverable.
    Some,
    /// To an unknown number of recipients; not recoverable.
    Much,
}

/// What a person says of a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The data, from 1 to 4, as adjusted.
    pub data: u8,
    /// How easily a person is found by it.
    pub ease: Ease,
    /// Of confidentiality.
    pub confidentiality: Loss,
    /// Of integrity.
    pub integrity: Loss,
    /// Of availability.
    pub availability: Loss,
    /// Somebody meant harm.
    pub malicious: bool,
    /// More than a hundred persons.
    pub many: bool,
    /// The data cannot be read by who got it.
    pub unintelligible: bool,
}

/// The score's band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Band {
    /// Below 2.
    Low,
    /// From 2.
    Medium,
    /// From 3.
    High,
    /// From 4.
    VeryHigh,
}

/// The score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// In hundredths.
    pub hundredths: u16,
    /// Its band.
    pub band: Band,
}

impl Data {
    /// Its weight before it is adjusted.
    pub fn weight(self) -> u8 {
        match self {
            Self::Simple => 1,
            Self::Behavioural => 2,
            Self::Financial => 3,
            Self::Sensitive => 4,
        }
    }
}

impl Ease {
    fn hundredths(self) -> u16 {
        match self {
            Self::Negligible => 25,
            Self::Limited => 50,
            Self::Significant => 75,
            Self::Maximum => 100,
        }
    }
}

impl Loss {
    fn hundredths(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Some => 25,
            Self::Much => 50,
        }
    }
}

impl Inputs {
    /// The case of the facts in which nothing but CPR numbers reached the right authority: where an assessment begins.
    pub const NUMBER_ALONE: Self = Self {
        data: 2,
        ease: Ease::Significant,
        confidentiality: Loss::Some,
        integrity: Loss::None,
        availability: Loss::None,
        malicious: false,
        many: false,
        unintelligible: false,
    };

    /// From how many persons on "many" is a flag: more than a hundred.
    pub const MANY: u64 = 100;

    /// As it is kept in its row: `data=2 ease=75 confidentiality=25 integrity=0 availability=0 malicious=0 many=1
    /// unintelligible=0`, weights in hundredths.
    pub fn written(&self) -> String {
        format!(
            "data={} ease={} confidentiality={} integrity={} availability={} malicious={} many={} unintelligible={}",
            self.data,
            self.ease.hundredths(),
            self.confidentiality.hundredths(),
            self.integrity.hundredths(),
            self.availability.hundredths(),
            u8::from(self.malicious),
            u8::from(self.many),
            u8::from(self.unintelligible)
        )
    }

    /// Reads [`Self::written`]; what is not named is nothing.
    pub fn read(text: &str) -> Option<Self> {
        let mut read = Self { confidentiality: Loss::None, ..Self::NUMBER_ALONE };
        for pair in text.split_ascii_whitespace() {
            let (name, value) = pair.split_once('=')?;
            let value: u16 = value.parse().ok()?;
            let loss =
                [Loss::None, Loss::Some, Loss::Much].into_iter().find(|loss| loss.hundredths() == value);
            match name {
                "data" => read.data = u8::try_from(value).ok().filter(|data| (1..=4).contains(data))?,
                "ease" => {
                    let all = [Ease::Negligible, Ease::Limited, Ease::Significant, Ease::Maximum];
                    read.ease = all.into_iter().find(|ease| ease.hundredths() == value)?;
                }
                "confidentiality" => read.confidentiality = loss?,
                "integrity" => read.integrity = loss?,
                "availability" => read.availability = loss?,
                "malicious" => read.malicious = value == 1,
                "many" => read.many = value == 1,
                "unintelligible" => read.unintelligible = value == 1,
                _ => return None,
            }
        }
        Some(read)
    }

    /// The sum as it is shown: `2 x 0,75 + 0,25 + 0,00 + 0,00 + 0,00 = 1,75`.
    pub fn sum(&self) -> String {
        let shown = |hundredths| Score { hundredths, band: Band::Low }.shown();
        format!(
            "{} x {} + {} + {} + {} + {} = {}",
            self.data.clamp(1, 4),
            shown(self.ease.hundredths()),
            shown(self.confidentiality.hundredths()),
            shown(self.integrity.hundredths()),
            shown(self.availability.hundredths()),
            shown(if self.malicious { 50 } else { 0 }),
            Score::of(self).shown()
        )
    }
}

impl Band {
    /// The word in rows and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::VeryHigh => "very_high",
        }
    }

    /// In Danish and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Low => ("lav", "low"),
            Self::Medium => ("middel", "medium"),
            Self::High => ("høj", "high"),
            Self::VeryHigh => ("meget høj", "very high"),
        }
    }
}

impl Score {
    /// The score of these inputs; data outside 1 to 4 is taken as the nearest of them.
    pub fn of(inputs: &Inputs) -> Self {
        let losses = [inputs.confidentiality, inputs.integrity, inputs.availability];
        let circumstances: u16 = losses.into_iter().map(Loss::hundredths).sum();
        let malice = if inputs.malicious { 50 } else { 0 };
        let data = u16::from(inputs.data.clamp(1, 4));
        let hundredths = data * inputs.ease.hundredths() + circumstances + malice;
        let band = match hundredths {
            0..200 => Band::Low,
            200..300 => Band::Medium,
            300..400 => Band::High,
            400.. => Band::VeryHigh,
        };
        Self { hundredths, band }
    }

    /// `1,75`, as it is written in Danish.
    pub fn shown(self) -> String {
        format!("{},{:02}", self.hundredths / 100, self.hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(data: u8, ease: Ease, confidentiality: Loss) -> (u16, Band) {
        let inputs = Inputs {
            data,
            ease,
            confidentiality,
            integrity: Loss::None,
            availability: Loss::None,
            malicious: false,
            many: false,
            unintelligible: false,
        };
        let score = Score::of(&inputs);
        (score.hundredths, score.band)
    }

    #[test]
    fn the_three_cases_of_the_facts() {
        assert_eq!(
            score(2, Ease::Significant, Loss::Some),
            (175, Band::Low),
            "the number alone, right authority"
        );
        assert_eq!(score(3, Ease::Maximum, Loss::Some), (325, Band::High), "with an account number");
        assert_eq!(score(4, Ease::Maximum, Loss::Some), (425, Band::VeryHigh), "with health");
    }

    #[test]
    fn inputs_are_kept_in_a_row_and_shown_as_a_sum() {
        let all = Inputs {
            data: 4,
            ease: Ease::Maximum,
            availability: Loss::Much,
            malicious: true,
            many: true,
            ..Inputs::NUMBER_ALONE
        };
        for inputs in [all, Inputs::NUMBER_ALONE] {
            assert_eq!(Inputs::read(&inputs.written()), Some(inputs));
        }
        assert_eq!(Inputs::NUMBER_ALONE.sum(), "2 x 0,75 + 0,25 + 0,00 + 0,00 + 0,00 = 1,75");
        for bad in ["data=5", "ease=33", "confidentiality", "height=1", "data=x"] {
            assert_eq!(Inputs::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_edges_of_the_bands_belong_to_the_upper_one() {
        assert_eq!(score(2, Ease::Maximum, Loss::None), (200, Band::Medium));
        assert_eq!(score(3, Ease::Maximum, Loss::None), (300, Band::High));
        assert_eq!(score(4, Ease::Maximum, Loss::None), (400, Band::VeryHigh));
        assert_eq!(score(2, Ease::Significant, Loss::None).0, 150);
        let all = Inputs {
            data: 9,
            ease: Ease::Maximum,
            confidentiality: Loss::Much,
            integrity: Loss::Much,
            availability: Loss::Much,
            malicious: true,
            many: true,
            unintelligible: false,
        };
        assert_eq!(Score::of(&all), Score { hundredths: 600, band: Band::VeryHigh });
        assert_eq!(Score::of(&all).shown(), "6,00");
        assert_eq!(Score { hundredths: 175, band: Band::Low }.shown(), "1,75");
    }
}
