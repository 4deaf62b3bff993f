//! What a person writes about a case: Datatilsynet's twelve points and what the register asks besides.
//!
//! Source: facts of the law, "Fields". A field holds words, a time, a number or one of a few words; none may hold a CPR number,
//! which [`Words`] sees to. Start reading at [`Field`].

use super::local;
use super::severity::Band;
use std::fmt;

/// A text that our own scanner has read before it became one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(String);

/// Why a text cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWords {
    /// It is empty.
    #[error("it is empty: it stands in the register / teksten er tom")]
    Empty,
    /// It is too long, or has control characters.
    #[error("it is to be at most {0} characters of plain text / højst {0} tegn almindelig tekst")]
    NoText(usize),
    /// There is a number in it.
    #[error(
        "it holds what looks like a CPR number: say it without the number / der står noget, der ligner et CPR-nummer"
    )]
    Number,
}

impl Words {
    /// The longest text, in characters.
    pub const LONGEST: usize = 20_000;

    /// Keeps a text in which `is_clean`, our own scanner, finds no number.
    ///
    /// # Errors
    /// [`BadWords`].
    pub fn checked(text: &str, is_clean: impl FnOnce(&str) -> bool) -> Result<Self, BadWords> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadWords::Empty);
        }
        let is_plain = !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
        if !is_plain || text.chars().count() > Self::LONGEST {
            return Err(BadWords::NoText(Self::LONGEST));
        }
        if is_clean(text) { Ok(Self(text.to_owned())) } else { Err(BadWords::Number) }
    }

    /// A text of our own, that no input has part in.
    pub fn ours(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Free text.
    Text,
    /// An instant, RFC 3339 in UTC in rows.
    Time,
    /// A whole number.
    Number,
    /// One of these words.
    Choice(&'static [&'static str]),
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $form:expr, $danish:literal, $english:literal;)*) => {
        /// A field of a case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field { $($(#[$doc])* $name),* }

        impl Field {
            /// Every field, in the order of the copy sheet.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in rows, JSON and on the command line.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// What it holds.
            pub fn form(self) -> Form {
                match self { $(Self::$name => $form),* }
            }

            /// In Danish and English.
            pub fn names(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($danish, $english)),* }
            }
        }
    };
}

fields! {
    /// Point 1: who reports, and how to reach them.
    Reporter = "reporter", Form::Text, "Anmelder (navn, stilling, telefon)", "Reporter (name, post, telephone)";
    /// Point 1: the DPO.
    DpoContact = "dpo_contact", Form::Text, "Databeskyttelsesrådgiverens kontaktoplysninger", "Contact details of the DPO";
    /// Point 2.
    Description = "description", Form::Text, "Beskrivelse af bruddet", "Description of the breach";
    /// Point 2: what kind of breach.
    Type = "type", Form::Choice(&["fortrolighed", "integritet", "tilgængelighed"]), "Type", "Type";
    /// Point 2: why it came about, in a word.
    Cause = "cause", Form::Choice(&["menneskelig fejl", "opsætning", "leverandør", "ondsindet"]), "Årsag", "Cause";
    /// The same in words.
    CauseText = "cause_text", Form::Text, "Årsagen i ord", "The cause in words";
    /// When it began.
    Started = "started", Form::Time, "Bruddet begyndte", "The breach began";
    /// When it ended.
    Ended = "ended", Form::Time, "Bruddet sluttede", "The breach ended";
    /// When nothing more could leave.
    Contained = "contained", Form::Time, "Bruddet blev standset", "The breach was contained";
    /// Point 3.
    PersonCategories = "person_categories", Form::Text, "Kategorier af registrerede", "Categories of data subjects";
    /// Point 3, where a person knows better than the count.
    PersonCount = "person_count", Form::Number, "Antal registrerede", "Number of data subjects";
    /// Point 4.
    RecordCategories = "record_categories", Form::Text, "Kategorier af registreringer", "Categories of records";
    /// Point 4, likewise.
    RecordCount = "record_count", Form::Number, "Antal registreringer", "Number of records";
    /// Point 4: what else stood in the mail.
    DataTypes = "data_types", Form::Text, "Typer af oplysninger", "Types of data";
    /// Likewise, for the letter to the persons: what did not stand in it.
    DataNot = "data_not", Form::Text, "Oplysninger, der ikke indgik", "Data that were not in it";
    /// Point 4: special categories and groups that need more care.
    SpecialGroups = "special_groups", Form::Text, "Særlige kategorier og grupper", "Special categories and groups";
    /// Point 5.
    Consequences = "consequences", Form::Text, "Konsekvenser for de registrerede", "Consequences for the data subjects";
    /// Point 6.
    LikelyConsequences = "likely_consequences", Form::Text, "Sandsynlige konsekvenser", "Likely consequences";
    /// Point 7.
    Measures = "measures", Form::Text, "Foranstaltninger, der er truffet eller foreslås", "Measures taken or proposed";
    /// Point 8.
    MeasuresBefore = "measures_before", Form::Text, "Foranstaltninger før bruddet", "Measures in place before the breach";
    /// Point 9.
    MeasuresLimit = "measures_limit", Form::Text, "Foranstaltninger, der begrænser følgerne", "Measures that limit the effects";
    /// Point 10.
    Informed = "informed", Form::Text, "De registrerede er underrettet: hvornår og hvordan", "The persons were told: when and how";
    /// Point 11.
    NotInformed = "not_informed", Form::Text, "Hvorfor de registrerede ikke er underrettet", "Why the persons were not told";
    /// Point 12.
    MoreTime = "more_time", Form::Text, "Hvornår resten kommer", "When the rest will come";
    /// The risk for the persons, which decides whether it is notified.
    Risk = "risk", Form::Choice(&["unlikely", "risk", "high"]), "Risiko", "Risk";
    /// ENISA's score, as advice.
    Severity = "severity", Form::Choice(&["low", "medium", "high", "very_high"]), "Alvorlighed (ENISA, vejledende)", "Severity (ENISA, advice)";
    /// What the score was made of: [`super::severity::Inputs::written`].
    SeverityInputs = "severity_inputs", Form::Text, "Alvorlighed: grundlag", "Severity: inputs";
    /// What kind of recipient got it.
    RecipientKind = "recipient_kind", Form::Text, "Modtagere", "Recipients";
    /// Whether anybody has seen it, for the letter to the persons.
    Seen = "seen", Form::Text, "Om nogen har set oplysningerne", "Whether anybody has seen the data";
    /// Datatilsynet's own reference.
    Reference = "reference", Form::Text, "Datatilsynets reference", "Reference of the authority";
    /// The journal number there.
    Journal = "journal", Form::Text, "Journalnummer", "Journal number";
    /// The case in the authority's own records.
    Esdh = "esdh", Form::Text, "ESDH-nummer", "Number in the records system";
    /// Why it is notified after the deadline (GDPR art. 33(1)).
    DelayReason = "delay_reason", Form::Text, "Begrundelse for forsinkelse", "Reasons for the delay";
    /// When the first notification was sent.
    NotifiedAt = "notified_at", Form::Time, "Anmeldt", "Notified";
    /// Where telling the persons stands (GDPR art. 34).
    Communication = "communication", Form::Choice(&["not_assessed", "not_required", "exempt_34_3_a", "exempt_34_3_b", "exempt_34_3_c", "exempt_22", "planned", "sending", "done"]), "Underretning af de registrerede", "Communication to the persons";
    /// How many letters have gone.
    LettersSent = "letters_sent", Form::Number, "Breve sendt", "Letters sent";
    /// Of how many.
    LettersAll = "letters_all", Form::Number, "Breve i alt", "Letters in all";
    /// When a person marked it significant (NIS2).
    Nis2Marked = "nis2_marked", Form::Time, "NIS2: vurderet væsentlig", "NIS2: found significant";
    /// The early warning.
    Nis2Early = "nis2_early", Form::Time, "NIS2: tidlig varsling sendt", "NIS2: early warning sent";
    /// The notification.
    Nis2Notified = "nis2_notified", Form::Time, "NIS2: underretning sendt", "NIS2: notification sent";
    /// The final report.
    Nis2Final = "nis2_final", Form::Time, "NIS2: endelig rapport sendt", "NIS2: final report sent";
    /// When it was found not significant after all.
    Nis2Withdrawn = "nis2_withdrawn", Form::Time, "NIS2: ikke længere vurderet væsentlig", "NIS2: no longer found significant";
    /// Enquiries in the hotline's five categories.
    HotlineNumber = "hotline_number", Form::Number, "Henvendelser: spærring og kreditadvarsel", "Enquiries: blocking and credit warning";
    /// Likewise.
    HotlineMisuse = "hotline_misuse", Form::Number, "Henvendelser: mistanke om misbrug", "Enquiries: suspected misuse";
    /// Likewise.
    HotlineAdvice = "hotline_advice", Form::Number, "Henvendelser: vejledning", "Enquiries: advice";
    /// Likewise.
    HotlineComplaint = "hotline_complaint", Form::Number, "Henvendelser: klager", "Enquiries: complaints";
    /// Likewise.
    HotlineOther = "hotline_other", Form::Number, "Henvendelser: andet", "Enquiries: other";
    /// When the case may be erased.
    KeepUntil = "keep_until", Form::Time, "Opbevares til", "Kept until";
}

/// Why a value does not fit its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Not a text that may be kept.
    #[error(transparent)]
    Words(#[from] BadWords),
    /// No time.
    #[error(transparent)]
    Time(#[from] local::BadTime),
    /// No number.
    #[error("this is no whole number from 0 on / dette er ikke et helt tal")]
    Number,
    /// None of its words.
    #[error("this is none of: {0} / vælg en af: {0}")]
    Choice(String),
}

impl Field {
    /// Reads [`Self::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.word() == word)
    }

    /// Reads a value as a person writes it, into what stands in its row. An hour that is there twice is the earlier.
    ///
    /// # Errors
    /// [`BadValue`].
    pub fn read(self, text: &str, is_clean: impl FnOnce(&str) -> bool) -> Result<String, BadValue> {
        match self.form() {
            Form::Text => Ok(Words::checked(text, is_clean)?.0),
            Form::Time => Ok(local::written(local::read(text)?.earlier())),
            Form::Number => {
                let number: u32 = text.trim().parse().map_err(|_| BadValue::Number)?;
                // Ten digits may be a number of another kind.
                if number < 100_000_000 { Ok(number.to_string()) } else { Err(BadValue::Number) }
            }
            Form::Choice(words) => {
                let found = words.iter().find(|word| word.eq_ignore_ascii_case(text.trim()));
                found.map(|word| (*word).to_owned()).ok_or_else(|| BadValue::Choice(words.join(", ")))
            }
        }
    }

    /// Whether a person may write it by itself; the others are written by an act.
    pub fn is_free(self) -> bool {
        !matches!(
            self,
            Self::NotifiedAt
                | Self::Communication
                | Self::LettersSent
                | Self::LettersAll
                | Self::Nis2Marked
                | Self::Nis2Early
                | Self::Nis2Notified
                | Self::Nis2Final
                | Self::Nis2Withdrawn
                | Self::KeepUntil
        )
    }
}

/// The band that stands in a row of [`Field::Severity`].
pub fn band(word: &str) -> Option<Band> {
    [Band::Low, Band::Medium, Band::High, Band::VeryHigh].into_iter().find(|band| band.word() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_or_refused_with_what_to_write() {
        let read = |field: Field, text: &str| field.read(text, |text| !text.contains("150379"));
        assert_eq!(read(Field::Description, " En mail \n").unwrap(), "En mail");
        assert_eq!(read(Field::Description, "nr. 150379-1028"), Err(BadWords::Number.into()));
        assert_eq!(read(Field::Description, " "), Err(BadWords::Empty.into()));
        assert_eq!(read(Field::Started, "17-11-2026 10:20").unwrap(), "2026-11-17T09:20:00Z");
        assert!(read(Field::Started, "i går").is_err());
        assert_eq!(read(Field::PersonCount, "823").unwrap(), "823");
        assert!(read(Field::PersonCount, "1503791028").is_err() && read(Field::PersonCount, "-1").is_err());
        assert_eq!(read(Field::Cause, "Opsætning").unwrap(), "opsætning");
        assert!(read(Field::Cause, "uheld").unwrap_err().to_string().contains("leverandør"));
    }

    #[test]
    fn every_field_has_words_of_its_own() {
        let mut words: Vec<&str> = Field::ALL.iter().map(|field| field.word()).collect();
        assert!(Field::ALL.iter().all(|field| Field::from_word(field.word()) == Some(*field)));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Field::ALL.len());
    }
}
