//! Encrypted packages: standard encryption of Office 2007 (MS-OFFCRYPTO §2.3.4.5) and agile encryption of those after it
//! (§2.3.4.10).

use super::PASSWORD;
use super::key::{Hash, aes, wide};
use crate::extract::bytes::{part, size_at, u16_at, u32_at};

/// The archive in an encrypted package, when the password that everybody knows opens it.
pub(super) fn open(info: &[u8], package: &[u8]) -> Option<Vec<u8>> {
    let size = size_at(package, 0)?;
    let bytes = package.get(8..)?;
    let mut open = match (u16_at(info, 0)?, u16_at(info, 2)?) {
        (4, 4) => agile(std::str::from_utf8(info.get(8..)?).ok()?, bytes)?,
        (2..=4, 2) => standard(info, bytes)?,
        _ => return None,
    };
    open.truncate(size);
    Some(open)
}

fn standard(info: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    const SPIN: u32 = 50_000;
    let header = size_at(info, 8)?;
    let bits = u32_at(info, 12 + 16)?;
    let verifier = info.get(12_usize.checked_add(header)?..)?;
    let (salt, proof, hash) = (part(verifier, 4, 16), part(verifier, 20, 16), part(verifier, 40, 32));
    let spun = Hash::Sha1.spun(salt, &wide(PASSWORD), SPIN);
    let block = Hash::Sha1.of(&[&spun, &[0; 4]]);
    let half = |pad: u8| {
        let mut laid = [pad; 64];
        laid.iter_mut().zip(&block).for_each(|(one, other)| *one ^= other);
        Hash::Sha1.of(&[&laid])
    };
    let key = [half(0x36), half(0x5C)].concat();
    let key = key.get(..usize::try_from(bits / 8).ok()?)?;
    let is_it = Hash::Sha1.of(&[&aes(key, None, proof)?]) == part(&aes(key, None, hash)?, 0, 20);
    if is_it { aes(key, None, bytes) } else { None }
}

fn agile(info: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    const PIECE: usize = 4096;
    /// The form allows ten times as many, which would take seconds.
    const MOST: u32 = 1_000_000;
    let data = Element::of(info, "keyData")?;
    let key = Element::of(info, "encryptedKey")?;
    if data.text("cipherAlgorithm") != Some("AES") || data.text("cipherChaining") != Some("ChainingModeCBC") {
        return None;
    }
    let hash = Hash::named(key.text("hashAlgorithm")?)?;
    let length: usize = key.text("keyBits")?.parse::<usize>().ok()? / 8;
    let times = key.text("spinCount")?.parse().ok().filter(|times| *times <= MOST)?;
    let salt = key.bytes("saltValue")?;
    let spun = hash.spun(&salt, &wide(PASSWORD), times);
    let opened = |purpose: [u8; 8], name| {
        let derived = sized(&hash.of(&[&spun, &purpose]), length);
        aes(&derived, Some(block(&salt)), &key.bytes(name)?)
    };
    let proof = opened([0xFE, 0xA7, 0xD2, 0x76, 0x3B, 0x4B, 0x9E, 0x79], "encryptedVerifierHashInput")?;
    let proven = opened([0xD7, 0xAA, 0x0F, 0x6D, 0x30, 0x61, 0x34, 0x4E], "encryptedVerifierHashValue")?;
    let expected = hash.of(&[part(&proof, 0, salt.len())]);
    if part(&proven, 0, expected.len()) != expected {
        return None;
    }
    let secret = opened([0x14, 0x6E, 0x0B, 0xE7, 0xAB, 0xAC, 0xD0, 0xD6], "encryptedKeyValue")?;
    let secret = secret.get(..length)?;
    let (hash, salt) = (Hash::named(data.text("hashAlgorithm")?)?, data.bytes("saltValue")?);
    let mut open = Vec::with_capacity(bytes.len());
    for (nr, piece) in (0_u32..).zip(bytes.chunks(PIECE)) {
        open.extend(aes(secret, Some(block(&hash.of(&[&salt, &nr.to_le_bytes()]))), piece)?);
    }
    Some(open)
}

/// As many bytes as are wanted, filled up as the form says.
fn sized(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // A document may claim a key of any length, and there is none longer than this.
    bytes.resize(length.min(64), 0x36);
    bytes
}

fn block(bytes: &[u8]) -> [u8; 16] {
    let mut block = [0x36; 16];
    block.iter_mut().zip(bytes).for_each(|(one, other)| *one = *other);
    block
}

/// An element of the description, which Office writes as XML with all in attributes.
struct Element<'a>(&'a str);

impl<'a> Element<'a> {
    fn of(info: &'a str, name: &str) -> Option<Self> {
        let starts = info.match_indices(name).find(|(at, _)| {
            let before = info.get(..*at).unwrap_or_default();
            before.ends_with(['<', ':']) && !before.ends_with("/:")
        });
        let element = info.get(starts?.0..)?;
        Some(Self(element.split('>').next()?))
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        let at = self.0.find(&format!(" {name}=\""))?;
        self.0.get(at..)?.split('"').nth(1)
    }

    /// Bytes in base64.
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
        for letter in self.text(name)?.bytes() {
            let six = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => break,
                _ => return None,
            };
            bits = bits << 6 | u32::from(six);
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xFF).ok()?);
            }
        }
        Some(bytes)
    }
}
