//! The copy sheet for Virk: Datatilsynet's twelve points in their order, field by field, ready to be copied.
//!
//! What the register knows stands there by itself, what a person wrote as it was written, and what nobody has said is named. A
//! supplement begins with what has changed since the last notification, read from the register's own lines. The sheet holds no
//! personal data about the persons, as the form asks. Source: facts of the law, "Fields". Start reading at [`write()`].

use super::paper::{Block, Both, Filled, Origin, Paper};
use super::words::{self, happened, said};
use super::{ExportError, Whole, severity};
use crate::case::deadline::left_in_words;
use crate::case::field::Field;
use crate::case::local::{counted, shown};
use crate::case::{Kind as CaseKind, State};
use crate::store::Entry;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// Which notification it is for (GDPR art. 33(4)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// *Foreløbig*: more is to come.
    Preliminary,
    /// *Supplerende*.
    Supplement,
    /// *Endelig*: all there is.
    Final,
}

impl Kind {
    /// In Danish and English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Preliminary => ("foreløbig anmeldelse", "preliminary notification"),
            Self::Supplement => ("supplerende anmeldelse", "supplementary notification"),
            Self::Final => ("endelig anmeldelse", "final notification"),
        }
    }

    /// The one that comes next for a case in this state.
    pub fn next(state: State) -> Self {
        match state {
            State::NotifiedPreliminary => Self::Supplement,
            State::NotifiedFinal | State::Closed => Self::Final,
            State::NearMiss
            | State::Suspected
            | State::Assessing
            | State::DocumentedOnly
            | State::NoBreach => Self::Preliminary,
        }
    }
}

/// The sheet; `later` messages were found since [`last_notification`].
///
/// # Errors
/// [`ExportError::NearMiss`] where nothing got out; [`ExportError::NotNotified`] for a supplement to nothing.
pub fn write(whole: &Whole<'_>, kind: Kind, later: u64) -> Result<Paper, ExportError> {
    let row = &whole.file.row;
    if row.kind == CaseKind::NearMiss {
        return Err(ExportError::NearMiss(row.id.to_string()));
    }
    let since = last_notification(&whole.file.entries);
    if kind == Kind::Supplement && since.is_none() {
        return Err(ExportError::NotNotified(row.id.to_string()));
    }
    let changed = since.map(|since| changes(&whole.file.entries, since)).unwrap_or_default();
    let mut sheet = Sheet { whole, kind, changed, later, blocks: Vec::new() };
    sheet.points();
    let points = std::mem::take(&mut sheet.blocks);

    let (da, en) = kind.names();
    let title = Both::new(format!("Kopiark til Virk: {da}"), format!("Copy sheet for Virk: {en}"));
    let mut paper = Paper::new(title, row.id.to_string(), whole.now);
    paper.note((
        "Kopiér hvert felt til »Indberetning af brud på sikkerhed« på virk.dk. Brevdue sender intet: en person anmelder.",
        "Copy each field to the form on virk.dk. Brevdue sends nothing: a person notifies.",
    ));
    paper.blocks.push(Block::Pairs(sheet.clock()));
    if let Some(since) = since.filter(|_| kind != Kind::Preliminary) {
        sheet.what_changed(&mut paper, since);
    }
    let at = paper.blocks.len();
    paper.blocks.extend(points);
    let missing = paper.missing();
    let list: Vec<String> = missing.iter().map(|label| format!("- {}", label.line())).collect();
    let list = if list.is_empty() { "intet / nothing".to_owned() } else { list.join("\n") };
    paper.blocks.insert(at, Block::Text(format!("Mangler / Missing ({}):\n{list}", missing.len())));
    paper.heading(1, ("Ikke en del af formularen", "Not part of the form"));
    paper.blocks.push(Block::Pairs(severity::pairs(whole)));
    Ok(paper)
}

/// The instant of the newest notification that a person sent.
pub fn last_notification(entries: &[Entry]) -> Option<DateTime<Utc>> {
    let sent = entries.iter().rev().find(|entry| is_notification(entry))?;
    let detail: Option<serde_json::Value> = serde_json::from_str(&sent.detail).ok();
    let at = detail.as_ref().and_then(|detail| detail.get("at")?.as_str()?.parse().ok());
    Some(at.unwrap_or(sent.at))
}

fn is_notification(entry: &Entry) -> bool {
    matches!(
        entry.event.as_str(),
        "notified_preliminary" | "notified" | "supplemented" | "supplemented_finally"
    )
}

/// What was written since then, with what stood there at that time; the last of several counts.
fn changes(entries: &[Entry], since: DateTime<Utc>) -> BTreeMap<String, (Option<String>, String)> {
    let mut changed: BTreeMap<String, (Option<String>, String)> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.at > since && !is_notification(entry)) {
        let Ok(serde_json::Value::Object(detail)) = serde_json::from_str(&entry.detail) else { continue };
        for (name, value) in detail {
            // How long it is kept is the register's, and no field of the form.
            if name == Field::KeepUntil.word() {
                continue;
            }
            let text = |key: &str| value.get(key).and_then(|text| text.as_str()).map(str::to_owned);
            let Some(now) = text("now") else { continue };
            let before = changed.remove(&name).map_or_else(|| text("before"), |(before, _)| before);
            if before.as_ref() != Some(&now) {
                changed.insert(name, (before, now));
            }
        }
    }
    changed
}

/// The sheet while it is written.
struct Sheet<'a> {
    whole: &'a Whole<'a>,
    kind: Kind,
    /// By the field's word: what stood there when it was notified last, and what stands there now.
    changed: BTreeMap<String, (Option<String>, String)>,
    /// Messages found since then.
    later: u64,
    blocks: Vec<Block>,
}

impl Sheet<'_> {
    /// Whether what the register counts has changed since it was notified.
    fn counts_changed(&self) -> bool {
        self.kind != Kind::Preliminary && self.later > 0
    }

    fn clock(&self) -> Vec<(Both, String)> {
        let row = &self.whole.file.row;
        let mut pairs = vec![(Both::new("Tilstand", "State"), row.state.names().0.to_owned())];
        if let Some(deadline) = row.deadline {
            let (left, _) = left_in_words(deadline - self.whole.now);
            let left = if row.state.clock_runs() { format!(" ({left})") } else { String::new() };
            pairs.push((Both::new("Frist", "Deadline"), format!("{}{left}", shown(deadline))));
        }
        pairs
    }

    fn what_changed(&self, paper: &mut Paper, since: DateTime<Utc>) {
        let title = format!("Ændret siden anmeldelsen {}", shown(since));
        paper.heading(1, Both::new(title, "Changed since the last notification"));
        let rows: Vec<Vec<String>> = self
            .changed
            .iter()
            .map(|(word, (before, now))| {
                let field = Field::from_word(word);
                let label = match (field, word.as_str()) {
                    (Some(field), _) => Both::from(field.names()).line(),
                    (None, "aware_at") => "Bekendt med bruddet / Aware".to_owned(),
                    (None, "deadline") => "Frist / Deadline".to_owned(),
                    (None, other) => other.to_owned(),
                };
                let said = |value: &str| match field {
                    Some(field) => words::in_words(field, value),
                    None => value.parse().map_or_else(|_| value.to_owned(), shown),
                };
                vec![label, before.as_deref().map_or_else(|| "(intet)".to_owned(), said), said(now)]
            })
            .collect();
        if rows.is_empty() {
            paper.note(("Ingen oplysninger er skrevet siden da.", "Nothing was written since then."));
        } else {
            let head = ["Felt / Field", "Før / Before", "Nu / Now"].map(str::to_owned).to_vec();
            paper.blocks.push(Block::Table { head, widths: vec![3, 4, 4], rows });
        }
        if self.later > 0 {
            paper.note(Both::new(
                format!(
                    "{} er fundet siden da; tallene i punkt 3 og 4 er de nye.",
                    counted(self.later, "mail", "mails")
                ),
                format!(
                    "{} found since then; the counts in points 3 and 4 are the new ones.",
                    counted(self.later, "message", "messages")
                ),
            ));
        }
    }

    fn heading(&mut self, point: u8, da: &str, en: &str) {
        self.blocks.push(Block::Heading(1, Both::new(format!("{point}. {da}"), en)));
    }

    fn push(&mut self, label: impl Into<Both>, origin: Origin, value: String, changed: bool) {
        self.blocks.push(Block::Field(Filled { label: label.into(), origin, value, changed }));
    }

    fn is_changed(&self, field: Field) -> bool {
        self.kind != Kind::Preliminary && self.changed.contains_key(field.word())
    }

    /// From the register alone.
    fn known(&mut self, label: (&str, &str), value: String) {
        self.push(label, Origin::Register, value, false);
    }

    /// Written by a person, or `otherwise` of the register, or missing.
    fn written(&mut self, field: Field, otherwise: Option<String>) {
        let changed = self.is_changed(field);
        if let Some(value) = said(self.whole.file, field) {
            return self.push(field.names(), Origin::Person, value, changed);
        }
        match otherwise {
            Some(value) => {
                let is_count = matches!(field, Field::PersonCount | Field::RecordCount | Field::Ended);
                self.push(field.names(), Origin::Register, value, is_count && self.counts_changed());
            }
            None => {
                self.push(field.names(), Origin::Missing, format!("skriv feltet {}", field.word()), false);
            }
        }
    }

    /// As [`Self::written`], and left out when nobody wrote it.
    fn perhaps(&mut self, field: Field) {
        if self.whole.file.facts.contains_key(&field) {
            self.written(field, None);
        }
    }

    fn not_applicable(&mut self, field: Field, why: &str) {
        self.push(field.names(), Origin::NotApplicable, why.to_owned(), false);
    }

    fn points(&mut self) {
        let whole = self.whole;
        let (row, around) = (&whole.file.row, whole.around);
        self.heading(1, "Kontaktoplysninger", "Contact");
        self.known(("Dataansvarlig", "Controller"), row.controller.clone());
        self.known(("CVR-nummer", "CVR number"), row.cvr.clone());
        self.written(Field::Reporter, None);
        self.written(Field::DpoContact, (!row.dpo.is_empty()).then(|| row.dpo.clone()));
        self.perhaps(Field::Reference);
        self.perhaps(Field::Journal);

        self.heading(2, "Beskrivelse af bruddet", "Description of the breach");
        self.written(Field::Description, None);
        self.known(("Hvad fortegnelsen ved", "What the register knows"), happened(whole).da);
        self.written(Field::Type, None);
        self.written(Field::Cause, None);
        self.written(Field::CauseText, None);
        self.written(Field::Started, Some(shown(around.first_at)));
        self.written(Field::Ended, Some(shown(around.last_at)));
        self.known(("Opdaget", "Detected"), shown(row.detected_at));
        if let Some(aware) = row.aware_at {
            let changed = self.kind != Kind::Preliminary && self.changed.contains_key("aware_at");
            self.push(("Bekendt med bruddet", "Aware"), Origin::Register, shown(aware), changed);
        }
        self.written(Field::Contained, None);
        let source = row.source.clone().unwrap_or_else(|| "ikke angivet i konfigurationen".to_owned());
        let vendor = around.vendor.as_ref().map(|vendor| format!(" (leverandør: {vendor})"));
        self.known(("Kildesystem", "Source system"), source + &vendor.unwrap_or_default());
        self.known(("Afsenderdomæner", "Sender domains"), words::domains(&around.senders));
        self.known(("Modtagerdomæner", "Recipient domains"), words::domains(&around.recipients));
        self.perhaps(Field::RecipientKind);
        self.known(("Sådan blev mailene sendt", "How the mails were sent"), words::proofs(&around.proofs));
        self.delay();

        self.heading(3, "Kategorier af og antal registrerede", "Categories and number of data subjects");
        self.written(Field::PersonCategories, None);
        self.written(Field::PersonCount, Some(words::persons(row)));
        self.perhaps(Field::SpecialGroups);

        self.heading(4, "Kategorier af og antal registreringer", "Categories and number of records");
        self.written(Field::RecordCategories, None);
        self.written(Field::RecordCount, Some(row.records.to_string()));
        self.push(
            ("Antal mails", "Messages"),
            Origin::Register,
            row.mails.to_string(),
            self.counts_changed(),
        );
        self.written(Field::DataTypes, words::data_types(self.whole.around));
        self.perhaps(Field::DataNot);

        self.heading(5, "Konsekvenser for de registrerede", "Consequences for the data subjects");
        self.written(Field::Consequences, None);

        self.heading(6, "Sandsynlige konsekvenser", "Likely consequences");
        self.written(Field::LikelyConsequences, None);
        self.blocks.push(Block::Note(
            (
                "Formularen kender: tab af kontrol, identitetstyveri, bedrageri, økonomisk tab, skade på omdømme, tab af \
                 fortrolighed, forskelsbehandling, uautoriseret ophævelse af pseudonymisering, andet.",
                "The form knows: loss of control, identity theft, fraud, financial loss, reputation, confidentiality, \
                 discrimination, re-identification, other.",
            )
                .into(),
        ));

        self.heading(7, "Foranstaltninger, der er truffet eller foreslås", "Measures taken or proposed");
        self.written(Field::Measures, None);
        self.heading(8, "Foranstaltninger før bruddet", "Measures in place before");
        self.written(Field::MeasuresBefore, None);
        self.heading(9, "Foranstaltninger, der begrænser følgerne", "Measures to limit the effects");
        self.written(Field::MeasuresLimit, None);
        self.told();
        self.heading(12, "Hvis der er brug for mere tid", "If more time is needed");
        match self.kind {
            Kind::Final => self.not_applicable(Field::MoreTime, "anmeldelsen er endelig"),
            Kind::Preliminary | Kind::Supplement => self.written(Field::MoreTime, None),
        }
    }

    /// Points 10 and 11: told, or why not.
    fn told(&mut self) {
        let whole = self.whole;
        let decided = whole.file.facts.get(&Field::Communication).map(String::as_str);
        let sent = whole.file.facts.get(&Field::LettersSent).map_or("0", String::as_str);
        let progress =
            whole.file.facts.get(&Field::LettersAll).map(|all| format!("{sent} af {all} breve er sendt"));
        let is_telling = matches!(decided, Some("planned" | "sending" | "done"));
        let is_exempt = decided.is_some_and(|word| !is_telling && word != "not_assessed");
        self.heading(10, "De registrerede er underrettet", "The persons were told");
        let progress = progress.filter(|_| is_telling);
        let is_told = is_telling || (whole.file.facts.contains_key(&Field::Informed) && !is_exempt);
        let why_not = whole.file.facts.contains_key(&Field::NotInformed);
        if is_told {
            self.written(Field::Informed, progress);
        } else if is_exempt || why_not {
            self.not_applicable(Field::Informed, "se punkt 11");
        } else {
            // One of the two is asked for, and named once.
            let value =
                format!("skriv feltet {} (eller {})", Field::Informed.word(), Field::NotInformed.word());
            self.push(Field::Informed.names(), Origin::Missing, value, false);
        }
        self.heading(11, "Hvis ikke: hvorfor", "If not: why");
        if is_told {
            self.not_applicable(
                Field::NotInformed,
                "de registrerede er eller bliver underrettet, se punkt 10",
            );
        } else if is_exempt || why_not {
            let reason = whole.file.entries.iter().rev().find(|entry| entry.event == "communication");
            let decided = decided.filter(|_| is_exempt).map(|word| {
                let reason = reason.map(|entry| entry.reason.as_str()).filter(|reason| !reason.is_empty());
                let reason = reason.map(|reason| format!(". {reason}")).unwrap_or_default();
                format!("{}{reason}", words::communication(word))
            });
            self.written(Field::NotInformed, decided);
        } else {
            self.not_applicable(Field::NotInformed, "udfyldes, hvis de registrerede ikke underrettes");
        }
    }

    /// GDPR art. 33(1): later than 72 hours needs reasons.
    fn delay(&mut self) {
        let row = &self.whole.file.row;
        let sent = words::time(self.whole.file, Field::NotifiedAt).unwrap_or(self.whole.now);
        if row.deadline.is_some_and(|deadline| sent > deadline) {
            self.written(Field::DelayReason, None);
        } else {
            self.perhaps(Field::DelayReason);
        }
    }
}
