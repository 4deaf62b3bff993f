//! Keys of passwords, and the ciphers that they are for.

use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// A way to digest bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By its name in a document (MS-OFFCRYPTO §2.3.4.10).
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "SHA1" | "SHA-1" => Self::Sha1,
            "SHA256" | "SHA-256" => Self::Sha256,
            "SHA384" | "SHA-384" => Self::Sha384,
            "SHA512" | "SHA-512" => Self::Sha512,
            "MD5" => Self::Md5,
            _ => return None,
        })
    }

    /// The digest of these, one after another.
    pub(super) fn of(self, pieces: &[&[u8]]) -> Vec<u8> {
        fn digest<D: Digest>(pieces: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            for piece in pieces {
                digest.update(piece);
            }
            digest.finalize().to_vec()
        }
        match self {
            Self::Md5 => digest::<Md5>(pieces),
            Self::Sha1 => digest::<Sha1>(pieces),
            Self::Sha256 => digest::<Sha256>(pieces),
            Self::Sha384 => digest::<Sha384>(pieces),
            Self::Sha512 => digest::<Sha512>(pieces),
        }
    }

    /// The digest of salt and password, digested again and again so that guessing takes long.
    pub(super) fn spun(self, salt: &[u8], password: &[u8], times: u32) -> Vec<u8> {
        (0..times).fold(self.of(&[salt, password]), |hash, nr| self.of(&[&nr.to_le_bytes(), &hash]))
    }
}

/// A password as it is digested.
pub(super) fn wide(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Bytes in AES, opened: each block by itself, or over the one before it, the first over `before`. `None` when the key is
/// no key; what is no whole block stays behind.
pub(super) fn aes(key: &[u8], before: Option<[u8; 16]>, bytes: &[u8]) -> Option<Vec<u8>> {
    fn all<C: KeyInit + BlockCipherDecrypt>(
        key: &[u8],
        mut before: Option<[u8; 16]>,
        bytes: &[u8],
    ) -> Option<Vec<u8>> {
        let cipher = C::new_from_slice(key).ok()?;
        let mut out = Vec::with_capacity(bytes.len());
        for block in bytes.as_chunks::<16>().0 {
            let mut open = Array::try_from(block.as_slice()).ok()?;
            cipher.decrypt_block(&mut open);
            match &mut before {
                Some(before) => {
                    out.extend(open.iter().zip(before.iter()).map(|(one, other)| one ^ other));
                    *before = *block;
                }
                None => out.extend_from_slice(&open),
            }
        }
        Some(out)
    }
    match key.len() {
        16 => all::<Aes128>(key, before, bytes),
        24 => all::<Aes192>(key, before, bytes),
        32 => all::<Aes256>(key, before, bytes),
        _ => None,
    }
}

/// RC4, a stream of bytes to lay over others. Broken as a cipher, and what is in old workbooks.
pub(super) struct Rc4 {
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut state = [0; 256];
        state.iter_mut().zip(0..=255).for_each(|(slot, nr)| *slot = nr);
        let mut j = 0_u8;
        for (nr, byte) in (0..256).zip(key.iter().cycle()) {
            j = j.wrapping_add(state.get(nr).copied().unwrap_or_default()).wrapping_add(*byte);
            state.swap(nr, j.into());
        }
        Self { state, i: 0, j: 0 }
    }

    fn at(&self, nr: u8) -> u8 {
        self.state.get(usize::from(nr)).copied().unwrap_or_default()
    }

    /// The next byte to lay over one.
    pub(super) fn next(&mut self) -> u8 {
        self.i = self.i.wrapping_add(1);
        self.j = self.j.wrapping_add(self.at(self.i));
        self.state.swap(self.i.into(), self.j.into());
        self.at(self.at(self.i).wrapping_add(self.at(self.j)))
    }

    /// These bytes with the stream laid over them.
    pub(super) fn over(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| byte ^ self.next()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_is_rc4() {
        // RFC 6229 §2, and the vector that everybody has.
        assert_eq!(Rc4::new(b"Key").over(b"Plaintext"), b"\xBB\xF3\x16\xE8\xD9\x40\xAF\x0A\xD3");
    }
}
