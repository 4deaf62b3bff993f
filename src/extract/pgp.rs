//! What an OpenPGP message (RFC 9580) begins with: encrypted data, or something that anybody can read.
//!
//! A message that is only signed, compressed or wrapped has the same armour as an encrypted one, and protects nothing. Its
//! first packet tells. Looks at first bytes only, and checks no key. Start reading at [`armoured`].

use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The line that begins armour (RFC 9580 §6.2.1).
pub const ARMOUR: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// Looks for it: made once, since that takes longer than to look through a letter.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(ARMOUR));

/// Where armour begins in a text.
pub fn find(text: &[u8]) -> Option<usize> {
    FINDER.find(text)
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Encrypted to a key or with a passphrase.
    Encrypted,
    /// Signed, compressed or plain: anybody can read it.
    Readable,
}

/// What the armour is of that these bytes begin with, [`ARMOUR`] included; `None` when no packet can be seen behind it.
pub fn armoured(text: &[u8]) -> Option<Message> {
    let rest = text.strip_prefix(ARMOUR)?;
    // Armour headers, and an empty line behind them (§6.2).
    let mut lines = rest.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.next().filter(|line| line.is_empty())?;
    lines.find(|line| line.is_empty())?;
    let first = lines.find(|line| !line.is_empty())?;
    // Sixteen letters are twelve bytes: enough for a header and the version behind it.
    let mut bytes = Vec::with_capacity(12);
    for group in first.chunks_exact(4).take(4) {
        let bits = group.iter().try_fold(0_u32, |bits, letter| Some(bits << 6 | digit(*letter)?))?;
        bytes.extend_from_slice(bits.to_be_bytes().get(1..)?);
    }
    packet(&bytes).map(|packet| packet.message)
}

/// What a message without armour begins with, when it surely is one. One that is not encrypted is not told: it is a file of
/// unknown form like any other.
pub(super) fn binary(head: &[u8]) -> Option<Message> {
    let packet = packet(head)?;
    let (first, second) = (packet.body.first().copied()?, packet.body.get(1).copied()?);
    let is_sure = match packet.tag {
        // §5.1: version, then a key's id and an algorithm. §5.3: version, cipher. §5.13: version.
        1 => {
            let algorithm = packet.body.get(9).copied();
            first == 3 && matches!(algorithm, Some(1 | 2 | 16 | 18 | 25 | 26)) || first == 6 && second < 40
        }
        3 => first == 4 && (1..=13).contains(&second) || matches!(first, 5 | 6),
        18 => first == 2 && (1..=13).contains(&second) || first == 1,
        20 => first == 1 && (1..=13).contains(&second),
        _ => false,
    };
    let fits = match packet.tag {
        1 => packet.length.is_some_and(|length| (20..=2100).contains(&length)),
        3 => packet.length.is_some_and(|length| (4..=120).contains(&length)),
        // Alone, without a session key before it: hardly ever, and a version is one byte.
        _ => packet.length.is_some_and(|length| length > 20),
    };
    (is_sure && fits).then_some(packet.message)
}

struct Packet<'a> {
    tag: u8,
    /// `None` where it is partial or indeterminate.
    length: Option<u64>,
    body: &'a [u8],
    message: Message,
}

/// The first packet (§4.2); `None` when it is none that a message begins with.
fn packet(bytes: &[u8]) -> Option<Packet<'_>> {
    let (first, rest) = bytes.split_first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let number = |count: usize| {
        let octets = rest.get(..count)?;
        Some(octets.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet)))
    };
    let (tag, length, skip) = if first & 0x40 == 0 {
        // §4.2.2, the older form.
        match first & 3 {
            0 => (first >> 2 & 15, Some(number(1)?), 1),
            1 => (first >> 2 & 15, Some(number(2)?), 2),
            2 => (first >> 2 & 15, Some(number(4)?), 4),
            _ => (first >> 2 & 15, None, 0),
        }
    } else {
        let tag = first & 63;
        match *rest.first()? {
            short @ 0..=191 => (tag, Some(u64::from(short)), 1),
            192..=223 => (tag, Some(number(2)? - (192 << 8) + 192), 2),
            224..=254 => (tag, None, 1),
            255 => (tag, Some(number(5)? & 0xFFFF_FFFF), 5),
        }
    };
    let message = match tag {
        // Session keys, and encrypted data by itself.
        1 | 3 | 9 | 18 | 20 => Message::Encrypted,
        // A signature, a signature to come, compressed data, a marker, literal data.
        2 | 4 | 8 | 10 | 11 => Message::Readable,
        _ => return None,
    };
    Some(Packet { tag, length, body: rest.get(skip..)?, message })
}

fn digit(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn armour(body: &str) -> Vec<u8> {
        [ARMOUR, b"\r\nVersion: x\r\nComment: y\r\n\r\n", body.as_bytes(), b"\r\n"].concat()
    }

    #[test]
    fn the_first_packet_tells_what_armour_holds() {
        for (body, wanted) in [
            // To a key, with a passphrase (older and newer form).
            ("hQEMA0000000000000ABCDEF", Some(Message::Encrypted)),
            ("jA0ECQMCxxxxxxxxxxxxxxxx", Some(Message::Encrypted)),
            ("wy4ECQMIxxxxxxxxxxxxxxxx", Some(Message::Encrypted)),
            // Compressed, literal, signed.
            ("owEBbQKS/ZANAwAKAQ1xxxxx", Some(Message::Readable)),
            ("yxRiAAAAAABoZWogdmVyZGVu", Some(Message::Readable)),
            ("kA0DAAoBDXFxcXFxcXEBy0Bi", Some(Message::Readable)),
            ("Kaere borger, din sag er", None),
            ("CPR-nr.: 150379-1028", None),
        ] {
            assert_eq!(armoured(&armour(body)), wanted, "{body}");
        }
        assert_eq!(armoured(ARMOUR), None);
        assert_eq!(armoured(b"-----BEGIN PGP MESSAGE----- er en linje\n\nhQEMA0000000000000ABCDEF"), None);
    }

    #[test]
    fn a_file_is_told_when_it_surely_is_one() {
        let to_a_key = [&[0x85, 0x01, 0x0C, 3, 1, 2, 3, 4, 5, 6, 7, 8, 1][..], &[9; 40]].concat();
        let with_a_passphrase = [0x8C, 0x0D, 4, 9, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0xFF, 0xD2];
        assert_eq!(binary(&to_a_key), Some(Message::Encrypted));
        assert_eq!(binary(&with_a_passphrase), Some(Message::Encrypted));
        // A Latin-1 text, a picture, the first bytes of other forms.
        for other in [
            b"\xC5bningstid er".as_slice(),
            b"\xFF\xD8\xFF\xE0\0\x10JFIF",
            b"\x89PNG\r\n\x1A\n",
            b"\xD0\xCF\x11\xE0",
        ] {
            assert_eq!(binary(other), None, "{other:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _told = (binary(&bytes), armoured(&armour(&String::from_utf8_lossy(&bytes))));
        }
    }
}
