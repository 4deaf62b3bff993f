//! Telling the persons (GDPR art. 34): what is decided, and how far it has come.

use super::{By, Moved, Refused, Standing, reason};
use crate::case::field::Field;

/// What is decided about telling the persons (GDPR art. 34).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Communication {
    /// No high risk.
    NotRequired,
    /// The data cannot be read by who got it (34(3)(a)).
    ExemptA,
    /// The high risk is no longer likely (34(3)(b)).
    ExemptB,
    /// It would take disproportionate effort; a public communication instead (34(3)(c)).
    ExemptC,
    /// Databeskyttelsesloven § 22.
    Exempt22,
    /// So many persons are to be written to.
    Planned(u32),
    /// So many have been written to by now; all of them ends it.
    Sent(u32),
}

impl Communication {
    /// The word in [`Field::Communication`].
    pub fn word(self) -> &'static str {
        match self {
            Self::NotRequired => "not_required",
            Self::ExemptA => "exempt_34_3_a",
            Self::ExemptB => "exempt_34_3_b",
            Self::ExemptC => "exempt_34_3_c",
            Self::Exempt22 => "exempt_22",
            Self::Planned(_) => "planned",
            Self::Sent(_) => "sending",
        }
    }

    /// Whether it needs a reason: all but the writing itself.
    fn needs_reason(self) -> bool {
        !matches!(self, Self::Planned(_) | Self::Sent(_))
    }
}

/// A high risk is answered by telling the persons, or by an exemption.
pub(super) const HIGH: &str = "risikoen er høj: de registrerede skal underrettes, eller en undtagelse begrundes / \
                               the risk is high: tell the persons, or give an exemption";

/// Whether it is decided and done how the persons are told.
pub(super) fn is_settled(case: &Standing) -> bool {
    !matches!(case.fact(Field::Communication), None | Some("not_assessed" | "planned" | "sending"))
}

/// Whether it was decided for a risk that has become a high one since.
pub(super) fn is_outgrown(case: &Standing) -> bool {
    case.fact(Field::Communication) == Some(Communication::NotRequired.word())
        && case.fact(Field::Risk) == Some("high")
}

pub(super) fn inform(case: &Standing, what: Communication, by: &By, stay: &Moved) -> Result<Moved, Refused> {
    if what.needs_reason() {
        reason(by)?;
    }
    let all = case.number(Field::LettersAll);
    let facts = match what {
        Communication::NotRequired if case.fact(Field::Risk) == Some("high") => {
            return Err(Refused::Missing(vec![HIGH.to_owned()]));
        }
        Communication::Planned(all) => {
            vec![(Field::Communication, what.word().to_owned()), (Field::LettersAll, all.to_string())]
        }
        Communication::Sent(_) if all == 0 => {
            return Err(Refused::Missing(vec![
                "hvor mange der skal underrettes / how many are to be told (inform --planned N)".to_owned(),
            ]));
        }
        Communication::Sent(sent) if sent > all => {
            return Err(Refused::Missing(vec![format!(
                "{sent} er flere end de {all} / are more than the {all}"
            )]));
        }
        Communication::Sent(sent) => {
            let word = if sent == all { "done" } else { what.word() };
            vec![(Field::Communication, word.to_owned()), (Field::LettersSent, sent.to_string())]
        }
        Communication::NotRequired
        | Communication::ExemptA
        | Communication::ExemptB
        | Communication::ExemptC
        | Communication::Exempt22 => vec![(Field::Communication, what.word().to_owned())],
    };
    Ok(Moved { facts, ..*stay })
}
