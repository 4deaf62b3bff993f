//! How mail is sent: the roads, what they promise, and what the mail server's log proves of every delivery that the register follows.
//!
//! Deliveries of mail with numbers only; other mail leaves no row. Start reading at [`table`] and [`paper`].

use super::file::Table;
use super::paper::{Block, Both, Paper};
use super::register::Cell;
use super::words;
use crate::store::{Proof, Travelled};
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Copenhagen;
use std::collections::BTreeMap;

/// A road of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoadLine {
    /// To which domain.
    pub domain: String,
    /// What it promises, by the word of the configuration.
    pub protection: &'static str,
    /// How many persons' numbers one mail may carry.
    pub max_persons: Option<u64>,
}

/// What the report is made of.
#[derive(Clone, Debug)]
pub struct Sending {
    /// The roads, in the order in which they count.
    pub roads: Vec<RoadLine>,
    /// What every other domain is taken for.
    pub default_road: &'static str,
    /// Whether a mail server's log is read: without one nothing is proved.
    pub has_log: bool,
    /// Deliveries.
    pub travelled: Vec<Travelled>,
    /// Promises of a protected road that the log has not proved yet.
    pub promises_open: u64,
    /// Mail that left without passing us, by the hour.
    pub bypasses: Vec<(i64, u64)>,
    /// When the report is made.
    pub now: DateTime<Utc>,
}

/// The month in Denmark of an hour since 1970: `2026-11`.
fn month(hour: i64) -> String {
    let at = DateTime::from_timestamp(hour.saturating_mul(3600), 0).unwrap_or_default();
    at.with_timezone(&Copenhagen).format("%Y-%m").to_string()
}

/// Deliveries by month, domain and proof.
fn by_month(travelled: &[Travelled]) -> BTreeMap<(String, String, Proof), u64> {
    let mut sums = BTreeMap::new();
    for one in travelled {
        let proof = Proof { times: 0, ..one.proof.clone() };
        *sums.entry((month(one.hour), one.domain.clone(), proof)).or_insert(0) += one.proof.times;
    }
    sums
}

fn bypassed(bypasses: &[(i64, u64)]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (hour, mails) in bypasses {
        *sums.entry(month(*hour)).or_insert(0) += mails;
    }
    sums
}

/// Deliveries and bypasses as a table for programs.
pub fn table(sending: &Sending) -> Table {
    let head = [
        ("Måned", "Month"),
        ("Modtagerdomæne", "Recipient domain"),
        ("Status", "Status"),
        ("Bevis", "Proof"),
        ("Protokol", "Protocol"),
        ("Cipher", "Cipher"),
        ("Antal", "Count"),
    ];
    let text = |text: String| if text.is_empty() { Cell::Empty } else { Cell::Text(text) };
    let mut rows: Vec<Vec<Cell>> = by_month(&sending.travelled)
        .into_iter()
        .map(|((month, domain, proof), times)| {
            vec![
                text(month),
                text(domain),
                text(proof.status),
                text(proof.proof),
                text(proof.protocol),
                text(proof.cipher),
                Cell::Number(times),
            ]
        })
        .collect();
    rows.extend(bypassed(&sending.bypasses).into_iter().map(|(month, mails)| {
        let bypass = Cell::Text("bypass".to_owned());
        vec![
            Cell::Text(month),
            Cell::Empty,
            bypass,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Number(mails),
        ]
    }));
    rows.push(vec![
        Cell::Empty,
        Cell::Empty,
        Cell::Text("promise_open".to_owned()),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::Number(sending.promises_open),
    ]);
    Table { name: "Kryptering", head: head.map(Both::from).to_vec(), rows }
}

/// The report for people.
pub fn paper(sending: &Sending) -> Paper {
    let title = Both::new(
        "Sådan sendes mail: veje, kryptering og bevis",
        "How mail is sent: roads, encryption, proof",
    );
    let mut paper = Paper::new(title, "Kryptering", sending.now);
    paper.note((
        "Omfatter kun mail med CPR-numre: anden mail efterlader ingen spor i fortegnelsen.",
        "Mail with CPR numbers only: other mail leaves nothing in the register.",
    ));
    paper.heading(1, ("Veje, der er aftalt", "Roads that are agreed"));
    let mut roads: Vec<Vec<String>> = sending
        .roads
        .iter()
        .map(|road| {
            let most = road.max_persons.map_or_else(|| "-".to_owned(), |most| most.to_string());
            vec![road.domain.clone(), promise(road.protection).to_owned(), most]
        })
        .collect();
    roads.push(vec!["alle andre".to_owned(), promise(sending.default_road).to_owned(), "-".to_owned()]);
    let head = ["Domæne", "Beskyttelse", "Højst personer i en mail"].map(str::to_owned).to_vec();
    paper.blocks.push(Block::Table { head, widths: vec![5, 7, 4], rows: roads });

    paper.heading(1, ("Leveringer og bevis", "Deliveries and proof"));
    if !sending.has_log {
        paper.note((
            "Mailserverens log læses ikke ([maillog]): ingen levering er bevist.",
            "No mail server's log is read ([maillog]): no delivery is proved.",
        ));
    }
    let rows: Vec<Vec<String>> = by_month(&sending.travelled)
        .into_iter()
        .map(|((month, domain, proof), times)| vec![month, domain, words::proof(&proof), times.to_string()])
        .collect();
    if rows.is_empty() {
        paper.note(("Ingen leveringer i fortegnelsen.", "No deliveries in the register."));
    } else {
        let head = ["Måned", "Domæne", "Vej og bevis", "Antal"].map(str::to_owned).to_vec();
        paper.blocks.push(Block::Table { head, widths: vec![3, 5, 10, 2], rows });
    }

    paper.heading(1, ("Uden bevis", "Without proof"));
    let mut pairs = vec![(
        Both::new("Løfter om beskyttet vej, som loggen endnu ikke har bevist", "Promises not proved yet"),
        sending.promises_open.to_string(),
    )];
    let bypassed = bypassed(&sending.bypasses);
    if bypassed.is_empty() {
        let none = "ingen set / none seen".to_owned();
        pairs.push((Both::new("Mail uden om Brevdue", "Mail that bypassed Brevdue"), none));
    }
    for (month, mails) in bypassed {
        pairs.push((Both::new(format!("Mail uden om Brevdue, {month}"), "bypassed"), mails.to_string()));
    }
    paper.blocks.push(Block::Pairs(pairs));
    paper
}

/// What a road promises, by the configuration's word.
fn promise(word: &str) -> &str {
    match word {
        "plaintext" => "ingen: regnes for ukrypteret, også ved opportunistisk TLS",
        "unknown" => "ukendt: et nummer ad den vej er en mistanke",
        "forced-tls" => "tvungen TLS, mindst 1.2: ellers sendes mailen ikke",
        "smime" => "S/MIME ved en gateway: indhold krypteret, ikke overskrifter",
        "pgp" => "PGP ved en gateway: indhold krypteret, ikke overskrifter",
        "tunnel" => "tunnel eller sikker mail",
        "internal" => "eget net",
        "sms" => "ingen: bliver til en SMS",
        "digital-post" => "Digital Post",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_summed_by_the_month_in_denmark() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap().timestamp() / 3600;
        let one = |text: &str, proof: &str, times| Travelled {
            hour: at(text),
            domain: "borger.example".to_owned(),
            proof: Proof {
                status: "sent".to_owned(),
                proof: proof.to_owned(),
                protocol: "TLSv1.3".to_owned(),
                cipher: "AES".to_owned(),
                times,
            },
        };
        let sending = Sending {
            roads: vec![RoadLine {
                domain: "*.kommune.example".to_owned(),
                protection: "forced-tls",
                max_persons: Some(5),
            }],
            default_road: "plaintext",
            has_log: true,
            // The last hour of October in UTC is November in Denmark.
            travelled: vec![
                one("2026-10-31T23:00:00Z", "verified", 2),
                one("2026-11-02T10:00:00Z", "verified", 3),
                one("2026-10-31T22:00:00Z", "verified", 4),
            ],
            promises_open: 7,
            bypasses: vec![(at("2026-11-03T10:00:00Z"), 9)],
            now: "2026-11-17T09:20:00Z".parse().unwrap(),
        };
        let csv = super::super::file::csv(&table(&sending));
        assert!(csv.contains("2026-10;borger.example;sent;verified;TLSv1.3;AES;4\r\n"), "{csv}");
        assert!(csv.contains("2026-11;borger.example;sent;verified;TLSv1.3;AES;5\r\n"), "{csv}");
        assert!(csv.contains("2026-11;;bypass;;;;9\r\n") && csv.contains(";;promise_open;;;;7\r\n"), "{csv}");
        let text = super::super::text::render(&paper(&sending));
        assert!(text.contains("tvungen TLS") && text.contains("alle andre"), "{text}");
    }
}
