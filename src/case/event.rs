//! What a line of the register is called: one table for whoever shows it.
//!
//! Start reading at [`name`].

/// Every event and its name in Danish: of a case, and of a held mail.
pub const EVENTS: &[(&str, &str)] = &[
    ("opened", "sag åbnet"),
    ("confirmed", "mistanke bekræftet"),
    ("refuted", "mistanke afkræftet"),
    ("aware_changed", "tidspunkt for kendskab ændret"),
    ("clock_ahead", "uret var foran"),
    ("recorded", "oplysning skrevet"),
    ("documented", "dokumenteret uden anmeldelse"),
    ("notified", "anmeldt af en medarbejder"),
    ("notified_preliminary", "foreløbigt anmeldt af en medarbejder"),
    ("notified_corrected", "tidspunkt for anmeldelsen rettet"),
    ("supplemented", "supplement sendt af en medarbejder"),
    ("supplemented_finally", "sidste supplement sendt af en medarbejder"),
    ("communication", "underretning af de registrerede"),
    ("nis2", "NIS2"),
    ("closed", "sag afsluttet"),
    ("reopened", "sag genåbnet"),
    ("hit_after", "nyt fund efter afgørelsen"),
    ("acknowledged", "alarm kvitteret"),
    ("dpo_changed", "en anden databeskyttelsesrådgiver"),
    ("receipt", "bilag gemt"),
    ("task_added", "opgave tilføjet"),
    ("task_done", "opgave udført"),
    ("breach_whole", "hele sagen er et brud"),
    ("persons_unknown", "personer ikke skilt ud"),
    ("released_past_us", "sendt ukrypteret uden om Brevdue"),
    ("archived", "fundet i gammel post"),
    ("promise_broken", "ubeskyttet trods løfte"),
    ("returned", "afvist af næste led"),
    ("left_after_all", "sendt videre ukrypteret alligevel"),
    ("purged", "sagens indhold slettet"),
    ("held", "holdt tilbage"),
    ("release_in_clear", "frigivet ukrypteret"),
    ("release_protected", "frigivet ad beskyttet vej"),
    ("release_digital_post", "frigivet til Digital Post"),
    ("release_failed", "kunne ikke sendes"),
    ("perhaps_sent", "måske sendt"),
    ("discard", "besluttet slettet"),
    ("released", "sendt videre"),
    ("held_released", "sendt videre"),
    ("discarded", "slettet"),
    ("held_discarded", "slettet"),
    ("gone", "forsvundet"),
    ("held_gone", "forsvundet"),
    ("found_at_release", "CPR-nummer fundet ved frigivelsen"),
    ("exported", "udleveret til læsning"),
    ("sender_told", "afsender underrettet"),
    ("sender_not_told", "afsender ikke underrettet"),
    ("alarm", "alarm"),
];

/// Its name in Danish; `None` for a word that no version of this program enters.
pub fn name(word: &str) -> Option<&'static str> {
    EVENTS.iter().find(|(event, _)| *event == word).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_stands_once_and_is_no_word_of_a_program() {
        for (at, (word, name)) in EVENTS.iter().enumerate() {
            assert!(EVENTS.iter().skip(at + 1).all(|(other, _)| other != word), "{word} twice");
            assert!(!name.contains('_') && super::name(word) == Some(*name), "{word}");
        }
        assert_eq!(name("nothing of ours"), None);
    }
}
