//! What an entity is put into: multiparts, messages, signatures; some as no standard has them.

use super::entity::{Content, Entity};
use super::random::Random;
use super::transfer;

/// Something that holds an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// A multipart of this type, with parts beside it, and a preamble and an epilogue at times.
    Multipart(&'static str),
    /// With no part beside it.
    Alone,
    /// With this in its boundary.
    Boundary(&'static str),
    /// With blanks behind its delimiters.
    BlankDelimiters,
    /// In the preamble, or the epilogue, as it stands.
    Preamble,
    Epilogue,
    /// A part within a part of nothing else.
    Deep(usize),
    Unclosed,
    NeverSeen,
    NoBoundary,
    AfterClose,
    /// Encoded as a whole, which RFC 2045 §6.4 forbids.
    Encoded,
    Message,
    MessageBase64,
    MessageQuoted,
    Digest,
    Report,
    /// A signature beside it, or round it.
    Signed,
    Opaque,
}

/// All of them.
pub(crate) const ALL: [Container; 30] = [
    Container::Multipart("mixed"),
    Container::Multipart("alternative"),
    Container::Multipart("related"),
    Container::Multipart("parallel"),
    Container::Multipart("form-data"),
    Container::Multipart("x-unknown"),
    Container::Alone,
    Container::Boundary("'()+_,-./:=?"),
    Container::Boundary("a b"),
    Container::Boundary("----=_Part_12"),
    Container::Boundary("--"),
    Container::Boundary("150379-1028"),
    Container::Boundary("0123456789012345678901234567890123456789012345678901234567890"),
    Container::BlankDelimiters,
    Container::Preamble,
    Container::Epilogue,
    Container::Deep(3),
    Container::Deep(20),
    Container::Unclosed,
    Container::NeverSeen,
    Container::NoBoundary,
    Container::AfterClose,
    Container::Encoded,
    Container::Message,
    Container::MessageBase64,
    Container::MessageQuoted,
    Container::Digest,
    Container::Report,
    Container::Signed,
    Container::Opaque,
];

/// Parts that stand beside.
const CLEAN: [&str; 5] = [
    "Content-Type: text/plain\n\nHej\n",
    "\nHej igen\n",
    "Content-Type: text/html; charset=utf-8\n\n<p>Mødet er den 3. maj</p>\n",
    "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVqIEJv\n",
    "Content-Type: message/rfc822\n\nSubject: intet\n\nIntet\n",
];

/// A detached signature, or what looks like one.
const SIGNATURE: &str = "Content-Type: application/pkcs7-signature; name=smime.p7s\n\
    Content-Transfer-Encoding: base64\n\n\
    MIAGCSqGSIb3DQEHAqCAMIACAQExADCABgkqhkiG9w0BBwEAADEAAAAAAAAA\n";

/// Whether nothing of an entity is lost when its text alone is taken.
fn can_stand_bare(inner: &Entity) -> bool {
    inner.charset.is_none_or(|charset| charset.is_ascii() && !charset.is_utf7())
        && matches!(inner.content, Content::Text(_) | Content::Bytes(_))
        && inner.field("Content-Disposition").is_none()
        && inner.field("Content-Description").is_none()
        && inner.field("Content-Type").is_none_or(|value| !value.contains("name"))
}

impl Container {
    pub(crate) fn is_sound(self) -> bool {
        !matches!(
            self,
            Self::Unclosed | Self::NeverSeen | Self::NoBoundary | Self::AfterClose | Self::Encoded
        )
    }

    /// `inner` within it; `None` when it cannot be. `depth` makes boundaries of their own.
    pub(crate) fn hold(self, mut inner: Entity, depth: usize, random: &mut Random) -> Option<Entity> {
        let message = inner.take_message_fields();
        let outer = |media: &str, parts: Vec<u8>| {
            let mut outer = Entity::whole(media.split(';').next().unwrap_or_default(), parts);
            outer.set("Content-Type", media);
            outer.fields.extend(message.iter().cloned());
            outer
        };
        let mut boundary = format!("graense-{depth:02}");
        let mut media = "multipart/mixed".to_owned();
        let clean = |random: &mut Random| random.pick(&CLEAN).as_bytes().to_vec();
        let mut parts = Vec::new();
        let (mut preamble, mut epilogue) = (Vec::new(), Vec::new());
        match self {
            Self::Multipart(subtype) => {
                media = format!("multipart/{subtype}");
                parts.extend((0..random.below(3)).map(|_| clean(random)));
                parts.push(inner.write());
                parts.extend((0..random.below(3)).map(|_| clean(random)));
                if random.one_in(2) {
                    preamble = b"This is a multi-part message in MIME format.\n".to_vec();
                }
                if random.one_in(2) {
                    epilogue = b"\nHilsen\n".to_vec();
                }
            }
            Self::Boundary(odd) => {
                boundary = format!("{depth:02}{odd}{depth:02}");
                parts = vec![clean(random), inner.write()];
            }
            Self::Preamble | Self::Epilogue => {
                if !can_stand_bare(&inner) {
                    return None;
                }
                let stands = inner.content.bytes().to_vec();
                if self == Self::Preamble {
                    preamble = stands;
                } else {
                    epilogue = stands;
                }
                parts.push(clean(random));
            }
            Self::Deep(levels) => {
                for level in 0..levels {
                    inner = Self::Alone.hold(inner, depth * 100 + level + 1000, random)?;
                }
                parts.push(inner.write());
            }
            Self::Message | Self::MessageBase64 | Self::MessageQuoted | Self::Digest | Self::Report => {
                return self.message(inner, &message, depth, random);
            }
            Self::Signed => {
                media =
                    "multipart/signed; micalg=sha-256; protocol=\"application/pkcs7-signature\"".to_owned();
                parts = vec![inner.write(), SIGNATURE.as_bytes().to_vec()];
            }
            Self::Opaque => {
                let mut signed =
                    outer("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", Vec::new());
                signed.set("Content-Transfer-Encoding", "base64");
                signed.content = Content::Whole(transfer::base64(&opaque(&inner.write()), 64).into_bytes());
                return Some(signed);
            }
            Self::AfterClose => {
                let mut after = format!("\n--{boundary}\n").into_bytes();
                after.extend_from_slice(&inner.write());
                epilogue = after;
                parts.push(clean(random));
            }
            Self::Alone
            | Self::BlankDelimiters
            | Self::Unclosed
            | Self::NeverSeen
            | Self::NoBoundary
            | Self::Encoded => parts.push(inner.write()),
        }
        let pad = if self == Self::BlankDelimiters { " \t " } else { "" };
        let said = if self == Self::NeverSeen { "en-anden".to_owned() } else { boundary.clone() };
        if self != Self::NoBoundary {
            media = format!("{media}; boundary=\"{said}\"");
        }
        let mut bytes = preamble;
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        for part in &parts {
            bytes.extend_from_slice(format!("--{boundary}{pad}\n").as_bytes());
            bytes.extend_from_slice(part);
            bytes.push(b'\n');
        }
        if self != Self::Unclosed {
            bytes.extend_from_slice(format!("--{boundary}--{pad}\n").as_bytes());
        }
        bytes.extend_from_slice(&epilogue);
        let mut outer = outer(&media, bytes);
        if self == Self::Encoded {
            outer.set("Content-Transfer-Encoding", "base64");
            let Content::Whole(bytes) = &outer.content else { return None };
            outer.content = Content::Whole(transfer::base64(bytes, 76).into_bytes());
        }
        Some(outer)
    }

    /// `inner` as a message of its own, with the fields that are a message's.
    fn message(
        self,
        mut inner: Entity,
        fields: &[(String, String)],
        depth: usize,
        random: &mut Random,
    ) -> Option<Entity> {
        inner.fields.splice(0..0, fields.iter().cloned());
        if inner.field("Subject").is_none() {
            inner.fields.insert(0, ("Subject".into(), "Sag".into()));
        }
        let inner = inner.write();
        let mut message =
            Entity::whole("message/rfc822", inner.clone()).with("Content-Type", "message/rfc822");
        let at = Container::Alone;
        match self {
            Self::MessageBase64 => {
                message.set("Content-Transfer-Encoding", "base64");
                message.content = Content::Whole(transfer::base64(&inner, 76).into_bytes());
            }
            Self::MessageQuoted => {
                let (field, bytes) = transfer::Transfer::Quoted.write(&inner, true, random)?;
                message.set("Content-Transfer-Encoding", &field);
                message.content = Content::Whole(bytes);
            }
            Self::Digest => {
                // RFC 2046 §5.1.5: a part of a digest is a message when it does not say what it is.
                let boundary = format!("digest-{depth:02}");
                let mut bytes = format!("--{boundary}\n\n").into_bytes();
                bytes.extend_from_slice(&inner);
                bytes.extend_from_slice(format!("\n--{boundary}--\n").as_bytes());
                message = Entity::whole("multipart/digest", bytes)
                    .with("Content-Type", format!("multipart/digest; boundary={boundary}"));
            }
            Self::Report => {
                let mut held = at.hold(message, depth + 50, random)?;
                let status = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
                     Final-Recipient: rfc822; bo@borger.example\nAction: failed\nStatus: 5.1.1\n";
                let Content::Whole(bytes) = &held.content else { return None };
                let mut all = format!("--graense-{:02}\n{status}\n", depth + 50).into_bytes();
                all.extend_from_slice(bytes);
                held.content = Content::Whole(all);
                let value = held
                    .field("Content-Type")?
                    .replace("multipart/mixed", "multipart/report; report-type=delivery-status");
                held.set("Content-Type", &value);
                return Some(held);
            }
            _ => {}
        }
        Some(message)
    }
}

/// CMS signed data without a signer, round `content` (RFC 5652 §5), in definite lengths.
fn opaque(content: &[u8]) -> Vec<u8> {
    fn of(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let mut out = vec![tag];
        match content.len() {
            short @ ..128 => out.push(u8::try_from(short).unwrap()),
            long => {
                let bytes = u32::try_from(long).unwrap().to_be_bytes();
                out.push(0x84);
                out.extend_from_slice(&bytes);
            }
        }
        out.extend_from_slice(&content);
        out
    }
    const PKCS7: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07";
    let data = [PKCS7, &[1]].concat();
    let signed_data = [PKCS7, &[2]].concat();
    let held = of(0x30, &[&data, &of(0xA0, &[&of(0x04, &[content])])]);
    let signed = of(0x30, &[&[2, 1, 1], &of(0x31, &[]), &held, &of(0x31, &[])]);
    of(0x30, &[&signed_data, &of(0xA0, &[&signed])])
}
