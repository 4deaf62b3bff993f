//! One step on the way from a text to a mail: a charset, a type, a transfer encoding, a container, an oddity of the header,
//! a kind of line end.

use super::charset::{self, Charset};
use super::container::{self, Container};
use super::entity::{Content, Entity};
use super::random::Random;
use super::transfer::{self, Transfer};

/// Steps are taken in the order in which they stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Charset(Charset),
    /// Another media type than the text's own.
    Media(&'static str),
    Disposition(&'static str),
    Transfer(Transfer),
    Container(Container),
    Header(Header),
    Ends(Ends),
}

/// Something about the header of the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// Fields folded wherever they may be.
    Folded,
    /// Names in capitals or in small letters.
    Case,
    /// Many fields before those that matter.
    Long,
    /// A line of mbox before it.
    Mbox,
    NoVersion,
    BlankBefore,
    BlankMissing,
    BlankBeforeColon,
    /// A second field, before or behind, that says something else.
    TwoTypes(bool),
    TwoEncodings(bool),
}

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    CrLf,
    Cr,
    /// Now so and now so.
    Mixed,
    /// A bare return before every second line that may be a delimiter, line feeds elsewhere.
    CrBeforeDashes,
}

const MEDIA: [&str; 8] = [
    "text/plain; format=flowed",
    "application/octet-stream",
    "text/plain",
    "text/x-log",
    "application/x-ukendt",
    "application/json",
    "TEXT/HTML",
    "text/calendar",
];

const DISPOSITIONS: [&str; 3] = ["inline", "attachment; filename=liste.txt", "ATTACHMENT"];

const HEADERS: [Header; 12] = [
    Header::Folded,
    Header::Case,
    Header::Long,
    Header::Mbox,
    Header::NoVersion,
    Header::BlankBefore,
    Header::BlankMissing,
    Header::BlankBeforeColon,
    Header::TwoTypes(true),
    Header::TwoTypes(false),
    Header::TwoEncodings(true),
    Header::TwoEncodings(false),
];

/// The usual one oftener.
const ENDS: [Ends; 6] = [Ends::CrLf, Ends::CrLf, Ends::CrLf, Ends::Cr, Ends::Mixed, Ends::CrBeforeDashes];

/// All of them.
pub(crate) fn all() -> Vec<Layer> {
    let mut all: Vec<Layer> = charset::ALL.map(Layer::Charset).into();
    all.extend(MEDIA.map(Layer::Media));
    all.extend(DISPOSITIONS.map(Layer::Disposition));
    all.extend(transfer::ALL.map(Layer::Transfer));
    all.extend(container::ALL.map(Layer::Container));
    all.extend(HEADERS.map(Layer::Header));
    all.extend([Ends::CrLf, Ends::Cr, Ends::Mixed, Ends::CrBeforeDashes].map(Layer::Ends));
    all
}

/// A nest of them.
pub(crate) fn some(random: &mut Random) -> Vec<Layer> {
    let mut layers = Vec::new();
    if random.one_in(2) {
        layers.push(Layer::Charset(random.pick(&charset::ALL)));
    }
    if random.one_in(5) {
        layers.push(Layer::Media(random.pick(&MEDIA)));
    }
    if random.one_in(5) {
        layers.push(Layer::Disposition(random.pick(&DISPOSITIONS)));
    }
    if !random.one_in(4) {
        layers.push(Layer::Transfer(random.pick(&transfer::ALL)));
    }
    for _ in 0..random.pick(&[0, 0, 1, 1, 1, 2, 2, 3, 5]) {
        layers.push(Layer::Container(random.pick(&container::ALL)));
    }
    if random.one_in(3) {
        layers.push(Layer::Header(random.pick(&HEADERS)));
    }
    if random.one_in(2) {
        layers.push(Layer::Ends(random.pick(&ENDS)));
    }
    layers
}

impl Layer {
    /// Whether what it makes is read in one way by all who keep to the RFCs.
    pub(crate) fn is_sound(self) -> bool {
        match self {
            Self::Charset(charset) => charset.is_true(),
            Self::Media(_) | Self::Disposition(_) => true,
            Self::Transfer(transfer) => transfer.is_sound(),
            Self::Container(container) => container.is_sound(),
            Self::Header(header) => {
                matches!(
                    header,
                    Header::Folded | Header::Case | Header::Long | Header::Mbox | Header::NoVersion
                )
            }
            Self::Ends(ends) => ends == Ends::CrLf,
        }
    }

    /// The kind of layer, for counting.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Charset(_) => "charset",
            Self::Media(_) | Self::Disposition(_) => "type",
            Self::Transfer(_) => "transfer",
            Self::Container(_) => "container",
            Self::Header(_) => "header",
            Self::Ends(_) => "line ends",
        }
    }

    /// Takes the step with an entity; `None` when it cannot be taken there.
    pub(crate) fn take(self, mut entity: Entity, depth: usize, random: &mut Random) -> Option<Entity> {
        match self {
            Self::Charset(charset) => {
                let Content::Text(text) = &entity.content else { return None };
                let is_text = entity.media.starts_with("text/");
                // What is no text by its type is read as bytes, in which digits must be ASCII.
                let is_plain = charset.is_ascii() && charset.is_true() && !charset.is_utf7();
                if !is_text && !is_plain {
                    return None;
                }
                entity.content = Content::Bytes(charset.encode(text)?);
                if let Some(label) = charset.label().filter(|_| is_text) {
                    entity.set_parameter("Content-Type", &format!("charset={label}"));
                }
                entity.charset = Some(charset);
            }
            Self::Media(media) => {
                let charset = entity.charset.unwrap_or(Charset::Utf8);
                if !media.to_ascii_lowercase().starts_with("text/")
                    && (!charset.is_ascii() || charset.is_utf7())
                {
                    return None;
                }
                let value = entity.field("Content-Type").unwrap_or(&entity.media).to_owned();
                let rest = value.split_once(';').map(|(_, rest)| format!(";{rest}")).unwrap_or_default();
                entity.set("Content-Type", &format!("{media}{rest}"));
                media.split(';').next().unwrap_or_default().clone_into(&mut entity.media);
            }
            Self::Disposition(value) => {
                if entity.field("Content-Disposition").is_some() {
                    return None;
                }
                entity.set("Content-Disposition", value);
            }
            Self::Transfer(transfer) => {
                if let Content::Text(_) = entity.content {
                    entity = Self::Charset(Charset::Utf8).take(entity, depth, random)?;
                }
                let Content::Bytes(bytes) = &entity.content else { return None };
                let charset = entity.charset?;
                // A transport may break lines in another way only where they are lines.
                let has_lines = charset.is_ascii();
                let mut bytes = bytes.clone();
                if !transfer.is_identity()
                    && has_lines
                    && random.one_in(2)
                    && !matches!(transfer, Transfer::Quoted | Transfer::QuotedWildly)
                {
                    bytes = Ends::CrLf.end(&bytes, random);
                }
                let (field, written) = transfer.write(&bytes, has_lines, random)?;
                if transfer == Transfer::UuencodeInText {
                    let has_name = entity.field("Content-Type").is_some_and(|value| value.contains("name"));
                    if has_name || !charset.is_ascii() || charset.is_utf7() {
                        return None;
                    }
                    entity.set("Content-Type", "text/plain; charset=us-ascii");
                    "text/plain".clone_into(&mut entity.media);
                }
                entity.set("Content-Transfer-Encoding", &field);
                entity.content = Content::Encoded(written);
            }
            Self::Container(container) => return container.hold(entity, depth, random),
            Self::Header(_) | Self::Ends(_) => {}
        }
        Some(entity)
    }
}

impl Header {
    /// The fields of the whole mail, so changed; and what stands before and behind them.
    pub(crate) fn change(self, fields: &mut Vec<(String, String)>, around: &mut [String; 2]) {
        match self {
            Self::Folded => {
                for (_, value) in fields.iter_mut() {
                    if !value.contains("=?") && !value.contains('"') {
                        *value = format!("\n {}", value.replace("; ", "\n\t;\n    "));
                    }
                }
            }
            Self::Case => {
                for (nr, (name, _)) in fields.iter_mut().enumerate() {
                    *name = if nr % 2 == 0 { name.to_uppercase() } else { name.to_lowercase() };
                }
            }
            Self::Long => {
                let received = "from a.example (a.example [192.0.2.1])\n\tby b.example with ESMTP id 4Xk1;\n\tMon, 2 Nov 2026 08:00:00 +0100";
                fields.splice(0..0, (0..200).map(|_| ("Received".to_owned(), received.to_owned())));
            }
            Self::Mbox => "From bo@borger.example Mon Nov  2 08:00:00 2026\n".clone_into(&mut around[0]),
            Self::NoVersion => fields.retain(|(name, _)| name != "MIME-Version"),
            Self::BlankBefore => "\n".clone_into(&mut around[0]),
            Self::BlankMissing => around[1].clear(),
            Self::BlankBeforeColon => {
                for (name, _) in fields.iter_mut() {
                    name.push(' ');
                }
            }
            Self::TwoTypes(first) => {
                add(fields, first, ("Content-Type".into(), "text/plain; charset=utf-8".into()));
            }
            Self::TwoEncodings(first) => {
                add(fields, first, ("Content-Transfer-Encoding".into(), "8bit".into()));
            }
        }
    }
}

fn add(fields: &mut Vec<(String, String)>, first: bool, field: (String, String)) {
    if first {
        fields.insert(0, field);
    } else {
        fields.push(field);
    }
}

impl Ends {
    /// The mail with its lines ended so.
    pub(crate) fn end(self, mail: &[u8], random: &mut Random) -> Vec<u8> {
        let mut out = Vec::with_capacity(mail.len() + mail.len() / 16);
        let mut dashes = 0;
        for (at, byte) in mail.iter().enumerate() {
            let before_dashes = *byte == b'\n' && mail.get(at + 1..at + 3) == Some(b"--");
            dashes += usize::from(before_dashes);
            match (byte, self) {
                (b'\n', Self::CrBeforeDashes) if before_dashes && dashes.is_multiple_of(2) => out.push(b'\r'),
                (b'\n', Self::CrLf) => out.extend_from_slice(b"\r\n"),
                (b'\n', Self::Cr) => out.push(b'\r'),
                (b'\n', Self::Mixed) => {
                    out.extend_from_slice(random.pick(&[b"\r\n".as_slice(), b"\n", b"\n", b"\r"]));
                }
                _ => out.push(*byte),
            }
        }
        out
    }
}
