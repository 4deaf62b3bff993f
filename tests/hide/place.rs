//! Where in a mail a number stands, in the kind of text that people and programs send, with the word that stands there.

use super::entity::Entity;
use super::notation::{Dress, Notation};
use super::random::Random;
use super::word::{self, Name, Words};

/// Where the number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Prose,
    /// Far into a long text.
    LongProse,
    /// In lines that a reply quotes.
    Reply,
    Paragraph,
    /// A cell with a word in the one before it.
    LabelledCell,
    /// A cell under a heading.
    ColumnCell,
    Attribute,
    Comment,
    Hidden,
    Link,
    Field,
    Script,
    /// A column headed so, with this separator, in quotes or not.
    Csv(char, bool),
    FixedWidth,
    Bars,
    XmlElement,
    XmlAttribute,
    Json,
    /// JSON in a string of JSON.
    JsonInJson,
    Calendar,
    /// A line of a calendar that is folded within the number (RFC 5545 §3.1).
    FoldedCalendar,
    Card,
    FoldedCard,
    Log,
    /// What a form sent.
    Sent,
    Status,
    Header(&'static str, Words),
    FileName(Name),
}

/// The word before a number, where the place has none of its own.
pub(crate) const LABELS: [&str; 12] = [
    "CPR-nr.: ",
    "cpr ",
    "Cpr-nummer ",
    "CPR:\t",
    "personnummer: ",
    "Født: ",
    "(f. ",
    "CPR",
    "cprnr",
    "cpr_",
    "CPR-nr. på Bo Borger er ",
    "",
];

use Place as P;

/// All that are asked for.
pub(crate) fn all() -> Vec<Place> {
    let mut all = vec![
        P::Prose,
        P::LongProse,
        P::Reply,
        P::Paragraph,
        P::LabelledCell,
        P::ColumnCell,
        P::Attribute,
        P::Comment,
        P::Hidden,
        P::Link,
        P::Field,
        P::Script,
        P::FixedWidth,
        P::Bars,
        P::XmlElement,
        P::XmlAttribute,
        P::Json,
        P::JsonInJson,
        P::Calendar,
        P::FoldedCalendar,
        P::Card,
        P::FoldedCard,
        P::Log,
        P::Sent,
        P::Status,
    ];
    for separator in [';', ',', '\t', '|'] {
        all.extend([P::Csv(separator, false), P::Csv(separator, true)]);
    }
    for field in ["Subject", "Comments", "Keywords", "From", "To", "Content-Description", "X-Cpr"] {
        all.extend(word::ALL.map(|words| P::Header(field, words)));
    }
    all.extend(word::NAMES.map(P::FileName));
    all
}

impl Place {
    /// Whether a number written so means there what it says.
    pub(crate) fn takes(self, notation: Notation) -> bool {
        let dress = notation.dress();
        let has = |dresses: &[Dress]| dress == Dress::Any || dresses.contains(&dress);
        match self {
            P::Prose | P::LongProse | P::Comment => has(&[Dress::Lines, Dress::Tabs]),
            P::Reply => has(&[Dress::Reply, Dress::Tabs]),
            P::Paragraph | P::Hidden | P::ColumnCell => {
                has(&[Dress::Lines, Dress::Tabs, Dress::References, Dress::Tags])
            }
            P::LabelledCell => {
                has(&[Dress::Lines, Dress::Tabs, Dress::References, Dress::Tags, Dress::Cells])
            }
            P::Attribute => has(&[Dress::Tabs, Dress::References]),
            P::Field => has(&[Dress::Form, Dress::References]),
            // Blanks stand in no link.
            P::Link | P::Sent => has(&[Dress::Percent]) && !notation.holds(&[' ', '\n', '\t', '/']),
            P::Script | P::Json | P::JsonInJson => has(&[Dress::Escapes]),
            P::Csv('|', _) | P::Bars | P::FixedWidth => {
                has(&[]) && !notation.holds(&['|', '\t']) && !notation.holds_two_blanks()
            }
            P::Csv(..) => has(&[]) && !notation.holds(&['\t']),
            P::XmlElement | P::XmlAttribute => match notation {
                // Of the names of HTML, XML has none.
                Notation::JoinedByReference(text) | Notation::SownReference(text, _) => {
                    text.starts_with("&#") && !text.contains("&#X") && !text.contains("-&")
                }
                Notation::References(way) => way.is_xml(),
                _ => has(&[Dress::Lines, Dress::Tabs]),
            },
            P::Status | P::Calendar | P::Card | P::Log => has(&[]),
            // A fold is where any octet may be, but what is meant is between what is seen.
            P::FoldedCalendar | P::FoldedCard => matches!(notation, Notation::Drawn(_)),
            P::Header(_, words) => has(&[]) && words.takes(notation),
            // `/` parts folders, and no program leaves it in a name.
            P::FileName(name) => has(&[]) && !notation.holds(&['/']) && name.takes(notation),
        }
    }

    /// Whether the place itself says what the number is.
    pub(crate) fn has_own_label(self) -> bool {
        match self {
            P::Prose
            | P::LongProse
            | P::Reply
            | P::Paragraph
            | P::Attribute
            | P::Comment
            | P::Hidden
            | P::Calendar
            | P::FoldedCalendar
            | P::Card
            | P::FoldedCard
            | P::Status
            | P::FileName(_) => false,
            P::Header(field, _) => field == "X-Cpr",
            P::LabelledCell
            | P::ColumnCell
            | P::Link
            | P::Field
            | P::Script
            | P::Csv(..)
            | P::FixedWidth
            | P::Bars
            | P::XmlElement
            | P::XmlAttribute
            | P::Json
            | P::JsonInJson
            | P::Log
            | P::Sent => true,
        }
    }

    /// A text with the number at this place. `written` is the number as it is written, `label` what stands before it.
    #[allow(clippy::too_many_lines, reason = "a table")]
    pub(crate) fn write(self, label: &str, written: &str, random: &mut Random) -> Entity {
        let said = format!("{label}{written}");
        match self {
            P::Prose => Entity::text(
                "text/plain",
                format!("Hej Anna\n\nVi mangler svar. {said}\n\nVenlig hilsen\nBo\n"),
            ),
            P::LongProse => {
                let line =
                    "Byen har fået en ny plads med træer og bænke, og mange var med til at plante dem.\n";
                let text = line.repeat(random.within(150..250));
                // Not at a line's start: anywhere with regard to the window.
                let more: String = line.chars().take(random.below(60)).collect();
                Entity::text("text/plain", format!("{text}{more} {said} {line}{line}"))
            }
            P::Reply => {
                Entity::text("text/plain", format!("Tak!\n\nBo skrev:\n> Hej\n> {said}\n> Hilsen Bo\n"))
            }
            P::Paragraph => html(&format!("<p>Hej</p>\n<p class=\"x\">{said}</p><p>Hilsen</p>")),
            P::LabelledCell => html(&format!(
                "<table><tr><td>Navn</td><td>Bo</td></tr><tr><td>CPR-nr.</td><td>{written}</td></tr></table>"
            )),
            P::ColumnCell => html(&format!(
                "<table border=1>\n<tr><th>Navn</th><th>CPR-nr.</th></tr>\n<tr><td>Bo</td><td>{written}</td></tr></table>"
            )),
            P::Attribute => html(&format!("<p><img src=\"cid:1\" alt=\"Foto. {said}\">Hej</p>")),
            P::Comment => html(&format!("<p>Hej</p><!-- {said} --><p>Hilsen</p>")),
            P::Hidden => html(&format!("<p>Hej <span style=\"display:none\">{said}</span> Bo</p>")),
            P::Link => html(&format!(
                "<p>Se <a href=\"https://selvbetjening.example/vis?id=7&amp;cpr={written}&amp;trin=2\">sagen</a></p>"
            )),
            P::Field => html(&format!("<form><input type=text name=\"cpr\" value=\"{written}\"></form>")),
            P::Script => {
                html(&format!("<script>var borger = {{\"navn\": \"Bo\", \"cpr\": \"{written}\"}};</script>"))
            }
            P::Csv(separator, quoted) => {
                let row = |cells: [&str; 3]| {
                    cells
                        .map(|cell| if quoted { format!("\"{cell}\"") } else { cell.to_owned() })
                        .join(&separator.to_string())
                };
                let rows = [["Navn", "CPR", "Beløb"], ["Bo Borger", written, "120"], ["Ida", "", "7"]];
                Entity::text("text/csv", rows.map(row).join("\n") + "\n")
            }
            P::FixedWidth => Entity::text(
                "text/plain",
                format!(
                    "Liste over sager\n\nNavn          CPR-nr.           Beløb\nBo Borger     {written:<17} 120\nIda           -                 7\n"
                ),
            ),
            P::Bars => Entity::text(
                "text/plain",
                format!("| Navn | CPR | Beløb |\n|---|---|---|\n| Bo | {written} | 120 |\n"),
            ),
            P::XmlElement => Entity::text(
                "application/xml",
                format!(
                    "<?xml version=\"1.0\"?>\n<b:borger xmlns:b=\"urn:b\"><b:navn>Bo</b:navn><b:cprNummer>{written}</b:cprNummer></b:borger>\n"
                ),
            ),
            P::XmlAttribute => Entity::text(
                "text/xml",
                format!("<?xml version=\"1.0\"?>\n<borger navn=\"Bo\" cpr=\"{written}\" trin='2'/>\n"),
            ),
            P::Json => Entity::text(
                "application/json",
                format!("{{\"navn\":\"Bo\",\"cpr\":\"{written}\",\"trin\":2}}\n"),
            ),
            P::JsonInJson => Entity::text(
                "application/json",
                format!(
                    "{{\"id\": 1, \"data\": \"{{\\\"navn\\\": \\\"Bo\\\", \\\"cpr\\\": \\\"{}\\\"}}\"}}\n",
                    written.replace('\\', "\\\\")
                ),
            ),
            P::Calendar => calendar(&said),
            P::FoldedCalendar => calendar(&folded(&said, written, random)),
            P::Card => card(&said),
            P::FoldedCard => card(&folded(&said, written, random)),
            P::Log => Entity::text(
                "text/plain",
                format!(
                    "2026-10-30T12:00:01 INFO start job=17\n2026-10-30T12:00:02 WARN afvist navn=Bo cpr=\"{written}\" kode=E7\n"
                ),
            ),
            P::Sent => Entity::text(
                "application/x-www-form-urlencoded",
                format!("navn=Bo+Borger&cpr={written}&trin=2"),
            ),
            P::Status => Entity::text(
                "message/delivery-status",
                format!(
                    "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; bo@borger.example\nAction: failed\nDiagnostic-Code: smtp; 550 {said} ukendt\n"
                ),
            ),
            P::Header(field, words) => {
                let label = if field == "X-Cpr" { "" } else { label };
                let said = words.write(label, written, random);
                let value = match field {
                    "From" | "To" => format!(
                        "{} <bo@borger.example>",
                        if words == Words::Plain { format!("\"{said}\"") } else { said }
                    ),
                    _ => said,
                };
                Entity::text("text/plain", "Hej Bo\n\nSe venligst emnet.\n").with(field, value)
            }
            P::FileName(name) => {
                let mut entity = Entity::text("text/plain", "Hej Bo\n");
                name.write(&format!("{said}.txt"), &mut entity, random);
                entity
            }
        }
    }
}

fn html(body: &str) -> Entity {
    Entity::text(
        "text/html",
        format!("<html><head><title>Sag</title></head><body>\n{body}\n</body></html>\n"),
    )
}

fn calendar(said: &str) -> Entity {
    Entity::text(
        "text/calendar",
        format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a1@kommune.example\nDTSTART:20261102T080000Z\n\
             SUMMARY:Møde\nDESCRIPTION:Med Bo. {said}\nEND:VEVENT\nEND:VCALENDAR\n"
        ),
    )
}

fn card(said: &str) -> Entity {
    Entity::text(
        "text/vcard",
        format!("BEGIN:VCARD\nVERSION:3.0\nFN:Bo Borger\nN:Borger;Bo\nNOTE:{said}\nEND:VCARD\n"),
    )
}

/// `said` with a fold somewhere in its end, which is the number.
fn folded(said: &str, written: &str, random: &mut Random) -> String {
    let first = said.len() - written.len();
    let mut spots: Vec<usize> = (first + 1..said.len()).filter(|at| said.is_char_boundary(*at)).collect();
    let at = random.pick(&spots);
    spots.clear();
    format!("{}\n {}", &said[..at], &said[at..])
}
