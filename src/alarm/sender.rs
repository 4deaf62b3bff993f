//! What a sender is told of a mail that did not go: held, discarded, or released and not taken. Danish first, English below.
//!
//! No number, no subject and no word of the mail stands in it, and whose mail it was only by its name with us. It says what
//! can be done instead, in the organisation's own words where there are some. Start reading at [`letter`].

use super::letter::Letter;
use crate::case::local::shown as local;
use crate::store::held::{HeldRow, Telling};

/// The letter. `ways_out` stands in the place of ours.
pub fn letter(held: &HeldRow, what: Telling, ways_out: Option<&str>) -> Letter {
    let (subject, danish, english) = match what {
        Telling::Held => (
            "Din mail er holdt tilbage / Your mail is held",
            "Din mail er ikke sendt endnu. Den er holdt tilbage, fordi den kan indeholde et CPR-nummer, som ikke er krypteret,\r\n\
             eller fordi den ikke kunne kontrolleres. En medarbejder tager stilling til den.",
            "Your mail has not been sent yet. It is held because it may hold a CPR number that is not encrypted, or because it\r\n\
             could not be checked. A person will decide about it.",
        ),
        Telling::Discarded => (
            "Din mail bliver ikke sendt / Your mail will not be sent",
            "Din mail blev holdt tilbage, og det er besluttet, at den ikke bliver sendt. Modtageren har ikke fået den.",
            "Your mail was held, and it was decided that it will not be sent. The recipient has not got it.",
        ),
        Telling::Failed => (
            "Din mail kunne ikke sendes / Your mail could not be sent",
            "Din mail blev holdt tilbage og siden frigivet, men den kunne ikke afleveres. Modtageren har ikke fået den.",
            "Your mail was held and then released, but it could not be delivered. The recipient has not got it.",
        ),
    };
    let ways = ways_out.map_or_else(
        || {
            "Skal det frem nu, så send det via Digital Post eller sikker mail, eller fjern nummeret og send mailen igen.\r\n\
             If it must arrive now, send it by Digital Post or secure mail, or remove the number and send the mail again."
                .to_owned()
        },
        lines,
    );
    let body = format!(
        "{danish}\r\n\r\n{english}\r\n\r\n{ways}\r\n\r\n\
         Mailen / the mail: {}, {}, til / to {}\r\n",
        held.name,
        local(held.at),
        held.recipient_domains
    );
    Letter { subject: subject.to_owned(), body }
}

/// Goes in place of a letter that our own scanner stopped.
pub fn fixed() -> Letter {
    Letter {
        subject: "Din mail er ikke sendt / Your mail was not sent".to_owned(),
        body: "En mail fra dig er ikke sendt. Spørg din organisations DPO, eller brug Digital Post.\r\n\r\n\
               A mail of yours was not sent. Ask your organisation's DPO, or use Digital Post.\r\n"
            .to_owned(),
    }
}

/// Lines of mail end in CRLF (RFC 5322 §2.1).
fn lines(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("\r\n")
}
