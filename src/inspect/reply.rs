//! What a sender is told when a mail does not pass: what happened, and what to do now, Danish and English.
//!
//! ASCII only, because SMTP replies are (RFC 5321 §4.2), and without any digit, because the mail server logs
//! it.

use crate::envelope::Verdict;

pub(super) fn lines(verdict: Verdict) -> Vec<String> {
    let lines: &[&str] = match verdict {
        Verdict::Block => &[
            "Mailen er ikke sendt: den indeholder et CPR-nummer og er ikke krypteret.",
            "Fjern nummeret, eller send via Digital Post eller sikker mail.",
            "Not sent: the mail holds a CPR number and is not encrypted.",
            "Remove the number, or send it by Digital Post or secure mail.",
        ],
        Verdict::Defer => &[
            "Mailen kunne ikke kontrolleres for CPR-numre nu; den bliver hos dig og sendes igen.",
            "The mail could not be checked for CPR numbers now; it stays with you and is tried again.",
        ],
        Verdict::Hold => &["CPR check: held for a decision by the data protection officer"],
        Verdict::Deliver(_) | Verdict::Reroute => &[],
    };
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Pass;

    #[test]
    fn a_reply_is_ascii_and_holds_no_digit() {
        for verdict in
            [Verdict::Block, Verdict::Defer, Verdict::Hold, Verdict::Reroute, Verdict::Deliver(Pass::Clean)]
        {
            for line in lines(verdict) {
                assert!(line.is_ascii() && !line.bytes().any(|b| b.is_ascii_digit()), "{line}");
                assert!(line.len() < 120, "{line}");
            }
        }
    }
}
