//! The demo's mails. From 2014 to 2019 an application system mailed housing-loan applications to 74
//! municipalities without encryption; here a made-up one does so to three made-up municipalities.

use crate::case::incident::Source;
use crate::cpr::modulus;
use crate::envelope::Controller;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment, Body, Message, MultiPart, SinglePart};

/// Whose letter is shown whole.
pub(super) const SHOWN_DPO: &str = "dpo@nordby-kommune.example";

const MUNICIPALITIES: [(&str, &str, &str); 3] = [
    ("Nordby Kommune", "10000001", "nordby"),
    ("Sønderlund Kommune", "10000002", "soenderlund"),
    ("Østervig Kommune", "10000003", "oestervig"),
];

/// A mail and what it is.
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) sender: String,
    pub(super) recipient: String,
    pub(super) message: Vec<u8>,
}

pub(super) fn controllers(dpo_key: &str) -> Vec<Controller> {
    let controller = |(at, (name, cvr, short)): (usize, &(&str, &str, &str))| Controller {
        name: (*name).to_owned(),
        cvr: (*cvr).to_owned(),
        domains: vec![format!("{short}-kommune.example"), format!("{short}.ansoegning.example")],
        dpo: format!("dpo@{short}-kommune.example"),
        dpo_key: Some(dpo_key.to_owned()),
        default: at == 0,
        ..Controller::default()
    };
    MUNICIPALITIES.iter().enumerate().map(controller).collect()
}

pub(super) fn sources() -> Vec<Source> {
    vec![Source {
        name: "eAnsøgning boliglån".to_owned(),
        pattern: "*.ansoegning.example".to_owned(),
        vendor: Some("Fagsystemhuset (opdigtet)".to_owned()),
    }]
}

/// What went out for four and a half years, with other mail among it.
pub(super) fn applications(stamp: i64) -> anyhow::Result<Vec<Scene>> {
    Ok(vec![
        application(0, "Inger Madsen", "150379", stamp, 1)?,
        application(0, "Bo Åkjær", "030685", stamp, 2)?,
        newsletter(1, stamp)?,
        application(1, "Yrsa Holm", "241292", stamp, 3)?,
        invoice(0, stamp)?,
        application(2, "Frode Lind", "090951", stamp, 4)?,
    ])
}

/// The same system, a list by mail, and the clean mail that must go on passing.
pub(super) fn after_the_lesson(stamp: i64) -> anyhow::Result<Vec<Scene>> {
    Ok(vec![
        application(0, "Karla Friis", "170403", stamp, 5)?,
        list_attached(1, stamp)?,
        newsletter(2, stamp)?,
        invoice(1, stamp)?,
    ])
}

/// A made-up number born on this day: the first serial that passes modulus 11. Made here and stored nowhere, so
/// that the gate has to find it.
fn number(born: &str, skip: usize) -> String {
    let passes = |serial: &u32| {
        let mut digits = [0_u8; 10];
        for (slot, byte) in digits.iter_mut().zip(format!("{born}{serial:04}").bytes()) {
            *slot = byte - b'0';
        }
        modulus::passes(digits)
    };
    // Serials from 4000 belong to births from 2000 on when the year is below 37, others to the century before.
    let first = if born.ends_with("03") { 4000 } else { 1000 };
    let serial = (first..first + 1000).filter(passes).nth(skip).unwrap_or(first);
    format!("{born}-{serial:04}")
}

fn application(to: usize, citizen: &str, born: &str, stamp: i64, id: u32) -> anyhow::Result<Scene> {
    let (name, short) = municipality(to);
    let cpr = number(born, 0);
    let text = format!(
        "Ny ansøgning om lån til betaling af ejendomsskat\r\n\r\nAnsøger: {citizen}\r\nCPR-nr.: {cpr}\r\n\r\n\
         Ansøgningen er modtaget via selvbetjeningen og ligger klar til behandling.\r\n"
    );
    let html = format!(
        "<html><body><h1>Ny ansøgning</h1><table><tr><td>Ansøger</td><td>{citizen}</td></tr>\
         <tr><td>CPR-nr.</td><td>{cpr}</td></tr></table></body></html>"
    );
    scene(
        &format!("application of a citizen to {name}"),
        &format!("kvittering@{short}.ansoegning.example"),
        &format!("borgerservice@{short}-kommune.example"),
        &format!("{stamp}.{id}"),
        "Ny ansøgning om lån",
        MultiPart::alternative_plain_html(text, html),
    )
}

fn newsletter(to: usize, stamp: i64) -> anyhow::Result<Scene> {
    let (name, short) = municipality(to);
    let text = "Kære alle\r\n\r\nKantinen holder lukket fredag. Tilmelding til sommerfesten på tlf. 12 34 56 78.\r\n";
    scene(
        &format!("newsletter of {name}"),
        &format!("kommunikation@{short}-kommune.example"),
        "alle@post.example",
        &format!("{stamp}.n{to}"),
        "Nyt fra rådhuset",
        MultiPart::mixed().singlepart(SinglePart::plain(text.to_owned())),
    )
}

/// Ten digits that look like a number and are none: an order.
fn invoice(to: usize, stamp: i64) -> anyhow::Result<Scene> {
    let (name, short) = municipality(to);
    let order = number("110560", 3).replace('-', "");
    let text = format!(
        "Hej\r\n\r\nVedlagt faktura. Ordrenr. {order}, P-nr. 1003388394.\r\nVi ser frem til betaling.\r\n"
    );
    scene(
        &format!("invoice to {name}, with an order number that looks alike"),
        &format!("indkoeb@{short}-kommune.example"),
        "faktura@leverandoer.example",
        &format!("{stamp}.i{to}"),
        "Faktura",
        MultiPart::mixed().singlepart(SinglePart::plain(text)),
    )
}

fn list_attached(to: usize, stamp: i64) -> anyhow::Result<Scene> {
    let (name, short) = municipality(to);
    let rows = (0..12).map(|row| format!("{};{};Borger {}", row + 1, number("241292", row), row + 1));
    let csv = std::iter::once("Nr.;CPR-nr.;Navn".to_owned()).chain(rows).collect::<Vec<_>>().join("\r\n");
    let attachment = Attachment::new("venteliste.csv".to_owned()).body(
        Body::new_with_encoding(csv.into_bytes(), ContentTransferEncoding::Base64)
            .map_err(|_| anyhow::anyhow!("the list could not be encoded"))?,
        ContentType::parse("text/csv; charset=utf-8")?,
    );
    scene(
        &format!("waiting list of {name} as a file, base64"),
        &format!("pladsanvisning@{short}-kommune.example"),
        "leder@skole.example",
        &format!("{stamp}.l{to}"),
        "Venteliste",
        MultiPart::mixed()
            .singlepart(SinglePart::plain("Hermed listen.\r\n".to_owned()))
            .singlepart(attachment),
    )
}

fn municipality(at: usize) -> (&'static str, &'static str) {
    MUNICIPALITIES.get(at).map_or(("", ""), |(name, _, short)| (*name, *short))
}

fn scene(
    title: &str,
    sender: &str,
    recipient: &str,
    id: &str,
    subject: &str,
    body: MultiPart,
) -> anyhow::Result<Scene> {
    let message = Message::builder()
        .from(sender.parse()?)
        .to(recipient.parse()?)
        .subject(subject)
        .message_id(Some(format!("<{id}@demo.example>")))
        .multipart(body)?;
    Ok(Scene {
        title: title.to_owned(),
        sender: sender.to_owned(),
        recipient: recipient.to_owned(),
        message: message.formatted(),
    })
}
