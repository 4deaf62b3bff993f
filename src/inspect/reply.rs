//! What a sender is told when a mail does not pass: what happened, and what to do now, Danish and English.
//!
//! ASCII only, because SMTP replies are (RFC 5321 §4.2), and without any digit, because the mail server logs
//! it.

use crate::envelope::Verdict;

/// `leaks` tells whether a number was found: a mail is also refused for a part that nobody could read.
pub(super) fn lines(verdict: Verdict, leaks: bool) -> Vec<String> {
    let lines: &[&str] = match verdict {
        Verdict::Block if leaks => &[
            "Mailen er ikke sendt: den indeholder et CPR-nummer, som ikke er krypteret.",
            "Fjern nummeret, eller send via Digital Post eller sikker mail.",
            "Not sent: the mail holds a CPR number that is not encrypted.",
            "Remove the number, or send it by Digital Post or secure mail.",
        ],
        Verdict::Block => &[
            "Mailen er ikke sendt: en del af den kunne ikke kontrolleres for CPR-numre.",
            "Send den uden den del, eller via Digital Post eller sikker mail.",
            "Not sent: a part of the mail could not be checked for CPR numbers.",
            "Send it without that part, or by Digital Post or secure mail.",
        ],
        Verdict::Defer => &[
            "Mailen kunne ikke kontrolleres for CPR-numre nu; den bliver hos dig og sendes igen.",
            "The mail could not be checked for CPR numbers now; it stays with you and is tried again.",
        ],
        // The client has handed these over, and hears nothing but 250.
        Verdict::Deliver(_) | Verdict::Reroute | Verdict::Hold => &[],
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
            for line in [lines(verdict, true), lines(verdict, false)].concat() {
                assert!(line.is_ascii() && !line.bytes().any(|b| b.is_ascii_digit()), "{line}");
                assert!(line.len() < 120, "{line}");
            }
        }
    }

    #[test]
    fn nobody_is_told_of_a_number_that_was_not_found() {
        assert!(!lines(Verdict::Block, false).concat().contains("indeholder"));
    }
}
