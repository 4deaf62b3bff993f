//! Encrypted records of workbooks (MS-XLS §2.4.117): a pattern of sixteen bytes, or RC4 with a key for each 1,024 bytes.

use super::PASSWORD;
use super::key::{Hash, Rc4, wide};
use crate::extract::bytes::{part, size_at, u16_at, u32_at};
use crate::extract::ole::sheet::Records;

/// The stream of a workbook with its records opened, when the password that everybody knows opens it.
pub(in crate::extract::ole) fn open(stream: &[u8], pass: &[u8]) -> Option<Vec<u8>> {
    let cipher = match (u16_at(pass, 0)?, u16_at(pass, 2)) {
        (0, _) => Cipher::pattern(pass)?,
        (1, Some(1)) => Cipher::of_rc4(pass.get(6..)?)?,
        (1, Some(2..=4)) => Cipher::of_provider(pass.get(6..)?)?,
        // BIFF5 leaves the kind out.
        _ if pass.len() == 4 => Cipher::pattern(&[&[0, 0], pass].concat())?,
        _ => return None,
    };
    let mut open = stream.to_vec();
    for record in Records::new(stream) {
        // These are never encrypted, and of a sheet's record where the sheet begins is not.
        let plain = match record.kind {
            0x809 | 0x2F | 0xE1 | 0x194..=0x196 | 0x138 => continue,
            0x85 => 4,
            _ => 0,
        };
        let at = record.at + 4;
        if let Some(data) = open.get_mut(at..at + record.data.len()) {
            cipher.open(data, at, plain);
        }
    }
    Some(open)
}

enum Cipher {
    Pattern([u8; 16]),
    /// What the keys of all blocks come from.
    Rc4 {
        hash: Hash,
        secret: Vec<u8>,
        length: usize,
    },
}

impl Cipher {
    /// The pattern is made of the password and a key, which the record tells (MS-OFFCRYPTO §2.3.7).
    fn pattern(pass: &[u8]) -> Option<Self> {
        let (key, verifier) = (u16_at(pass, 2)?, u16_at(pass, 4)?);
        let password = PASSWORD.as_bytes();
        let length = u8::try_from(password.len()).ok()?;
        let sum = password
            .iter()
            .rev()
            .chain([&length])
            .fold(0_u16, |sum, byte| ((sum >> 14 & 1) | (sum << 1 & 0x7FFF)) ^ u16::from(*byte));
        if sum ^ 0xCE4B != verifier {
            return None;
        }
        let [low, high] = key.to_le_bytes();
        // The form turns these by one to the right, lays them over and turns all by five to the right; turned by two to the
        // left they can be laid over what is turned already.
        let mut pattern = [0; 16];
        for ((nr, slot), byte) in pattern.iter_mut().enumerate().zip(password.iter().chain([&0xBB])) {
            *slot = (byte ^ if nr % 2 == 0 { low } else { high }).rotate_left(2);
        }
        Some(Self::Pattern(pattern))
    }

    /// §2.3.6.2: keys of forty bits.
    fn of_rc4(pass: &[u8]) -> Option<Self> {
        let (salt, proof, proven) = (part(pass, 0, 16), part(pass, 16, 16), part(pass, 32, 16));
        let hash = Hash::Md5.of(&[&wide(PASSWORD)]);
        let piece = [part(&hash, 0, 5), salt].concat();
        let secret = part(&Hash::Md5.of(&[&piece.repeat(16)]), 0, 5).to_vec();
        Self::Rc4 { hash: Hash::Md5, secret, length: 16 }.proven(proof, proven)
    }

    /// §2.3.5.2: keys of a length that the record tells.
    fn of_provider(pass: &[u8]) -> Option<Self> {
        let header = size_at(pass, 4)?;
        let bits = u32_at(pass, 8 + 16)?;
        let verifier = pass.get(8_usize.checked_add(header)?..)?;
        let secret = Hash::Sha1.of(&[part(verifier, 4, 16), &wide(PASSWORD)]);
        let length = if bits == 0 { 5 } else { usize::try_from(bits / 8).ok()?.min(16) };
        Self::Rc4 { hash: Hash::Sha1, secret, length }.proven(part(verifier, 20, 16), part(verifier, 40, 20))
    }

    /// This, when it is the right one.
    fn proven(self, proof: &[u8], proven: &[u8]) -> Option<Self> {
        let Self::Rc4 { hash, .. } = &self else { return None };
        let mut stream = self.block(0)?;
        let digest = hash.of(&[&stream.over(proof)]);
        (digest == stream.over(proven)).then_some(self)
    }

    /// The stream of bytes for one block.
    fn block(&self, nr: usize) -> Option<Rc4> {
        let Self::Rc4 { hash, secret, length } = self else { return None };
        let mut key = hash.of(&[secret, &u32::try_from(nr).ok()?.to_le_bytes()]);
        key.truncate(*length);
        // A key of forty bits is filled up with nothing.
        key.resize(key.len().max(16), 0);
        Some(Rc4::new(&key))
    }

    /// Opens a record's data, which begins `at` this place of the stream and is not encrypted at its beginning.
    fn open(&self, data: &mut [u8], at: usize, plain: usize) {
        const BLOCK: usize = 1024;
        let length = data.len();
        if let Self::Pattern(pattern) = self {
            for (nr, byte) in data.iter_mut().enumerate().skip(plain) {
                let mask = pattern.get((at + length + nr) % 16).copied().unwrap_or_default();
                *byte = byte.rotate_left(3) ^ mask;
            }
            return;
        }
        let mut now = None;
        for (nr, byte) in data.iter_mut().enumerate() {
            let place = at + nr;
            if now.is_none() || place.is_multiple_of(BLOCK) {
                now = self.block(place / BLOCK);
                let before = if nr == 0 { place % BLOCK } else { 0 };
                if let Some(stream) = &mut now {
                    stream.over(&vec![0; before]);
                }
            }
            let mask = now.as_mut().map_or(0, Rc4::next);
            if nr >= plain {
                *byte ^= mask;
            }
        }
    }
}
