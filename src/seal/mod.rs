//! Secrets at rest: what is kept of a number, and who can read it.
//!
//! Two ways, for two purposes. A *keyed digest* counts persons without keeping them: useless without the
//! node's key, and different in every case. A *seal* keeps the numbers of a breach for the DPO alone: to
//! their public key (the age format), so that this machine cannot open what it wrote. Start reading at
//! [`NodeKey`] and [`seal`]. Tests: beside the code.

pub mod allow;
pub mod keyfile;

use crate::cpr::Cpr;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;
use zeroize::Zeroize;

/// A digest under a key, cut to 128 bits: enough that two never meet, in a register of any size.
pub type Digest = [u8; 16];

/// The node's secret, from which every digest key is made. `Debug` prints nothing of it.
#[derive(Clone)]
pub struct NodeKey([u8; 32]);

impl NodeKey {
    /// A new one from the system's random source.
    ///
    /// # Errors
    /// When the system has no random source.
    pub fn generate() -> Result<Self, SealError> {
        random().map(Self)
    }

    /// From 32 bytes that were kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What tells this key from another, for the store to remember; says nothing of the key.
    pub fn check_value(&self) -> Digest {
        self.digest("node key check", &[])
    }

    /// The digest of parts for a purpose. Parts are length-prefixed, so that no two lists look alike.
    pub fn digest(&self, purpose: &str, parts: &[&[u8]]) -> Digest {
        digest(&self.0, purpose, parts)
    }

    /// Makes short tags of words, for a purpose.
    pub fn marker(&self, purpose: &str) -> Marker {
        Marker(self.digest(purpose, &[]))
    }

    /// The key that counts persons in one case, from the case's own random salt. When the salt is erased with
    /// the case, its digests can never be made again.
    pub fn case_key(&self, salt: &[u8; 16]) -> CaseKey {
        let mut key = [0; 32];
        for (half, name) in key.chunks_exact_mut(16).zip(["case key 1", "case key 2"]) {
            half.copy_from_slice(&self.digest(name, &[salt]));
        }
        CaseKey(key)
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("NodeKey(*)")
    }
}

impl Drop for NodeKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Counts the persons of one case.
pub struct CaseKey([u8; 32]);

impl CaseKey {
    /// The digest that stands for a person in this case; `digits` are the ten in ASCII.
    pub fn person(&self, digits: &[u8; 10]) -> Digest {
        digest(&self.0, "person", &[digits])
    }
}

impl Drop for CaseKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Makes tags by which sets of words are compared, under a key. Short, because a set says more than its members, and cheap.
pub struct Marker(Digest);

impl Marker {
    /// The tag of a few words.
    pub fn tag(&self, words: &[&[u8]]) -> u32 {
        use sha2::Digest as _;
        let mut hash = Sha256::new_with_prefix(self.0);
        for word in words {
            hash.update(word);
            hash.update(b" ");
        }
        // A part of a hash cannot be prolonged by who lacks the key, so the key may stand in front.
        let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
        u32::from_be_bytes([a, b, c, d])
    }
}

fn digest(key: &[u8; 32], purpose: &str, parts: &[&[u8]]) -> Digest {
    // HMAC pads a short key with zeros to the block length (RFC 2104 §2); doing so here cannot fail.
    let mut block = zeroize::Zeroizing::new([0; 64]);
    block.split_at_mut(32).0.copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    let mut digest = Digest::default();
    digest.copy_from_slice(whole.split_at(16).0);
    digest
}

/// Random bytes for keys and salts.
///
/// # Errors
/// When the system has no random source.
pub fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::NoRandom)?;
    Ok(bytes)
}

/// Tells the numbers of one run apart without naming them: 12 hex digits under a key that dies with the run.
pub struct Tagger(NodeKey);

impl Tagger {
    /// With a key of this run alone.
    ///
    /// # Errors
    /// When the system has no random source.
    pub fn new() -> Result<Self, SealError> {
        NodeKey::generate().map(Self)
    }

    /// The tag of a number.
    pub fn tag(&self, cpr: &Cpr) -> String {
        hex(self.0.digest("tag", &[&cpr.reveal()]).split_at(6).0)
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads a digest that [`hex`] wrote; `None` when it is none.
pub fn unhex(hex: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if hex.len() != 2 * digest.len() || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// Seals bytes to a DPO's public key (`age1...`), in the age format, binary.
///
/// # Errors
/// When the key is none, or the system has no random source.
pub fn seal(plain: &[u8], dpo_key: &str) -> Result<Vec<u8>, SealError> {
    let recipient = age::x25519::Recipient::from_str(dpo_key).map_err(|_| SealError::NotAKey)?;
    age::encrypt(&recipient, plain).map_err(|_| SealError::NotSealed)
}

/// Seals what is written through it, in pieces, to one or more public keys: each of them opens it.
pub struct Sealer<W: Write>(age::stream::StreamWriter<W>);

impl<W: Write> Sealer<W> {
    /// Begins to seal into `out`.
    ///
    /// # Errors
    /// When a key is none, or there is none, or `out` cannot be written.
    pub fn new(out: W, keys: &[&str]) -> Result<Self, SealError> {
        let keys = keys.iter().map(|key| age::x25519::Recipient::from_str(key));
        let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|_| SealError::NotAKey)?;
        let encryptor = age::Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient));
        let writer = encryptor.ok().and_then(|encryptor| encryptor.wrap_output(out).ok());
        writer.map(Self).ok_or(SealError::NotSealed)
    }

    /// Ends the seal; without it what was written cannot be opened.
    ///
    /// # Errors
    /// When the last of it cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Opens what a [`Sealer`] closed, in pieces, as it is read. A seal that is damaged or cut short is an error of the read
/// that comes to it, and never a quiet end.
pub struct Opener<R: Read>(age::stream::StreamReader<io::Chain<io::Cursor<Vec<u8>>, R>>);

impl<R: BufRead> Opener<R> {
    /// Begins to open what `sealed` gives, with a private key (`AGE-SECRET-KEY-1...`).
    ///
    /// # Errors
    /// When the key is none, or not one of those it was sealed to, or the seal is damaged.
    pub fn new(sealed: R, secret: &str) -> Result<Self, SealError> {
        let identity = age::x25519::Identity::from_str(secret.trim()).map_err(|_| SealError::NotAKey)?;
        let mut sealed = sealed;
        let head = head(&mut sealed).ok_or(SealError::NotOpened)?;
        let opened = age::Decryptor::new(io::Cursor::new(head).chain(sealed))
            .and_then(|decryptor| decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)));
        opened.map(Self).map_err(|_| SealError::NotOpened)
    }
}

/// The most bytes of a seal's head: one for two keys has some hundred.
const LONGEST_HEAD: u64 = 8 * 1024;

/// Reads the head of a seal, to the line that begins with `---` (age-encryption.org/v1, "Header"). `None` when it does not end
/// in time. The library would look for that end through the whole of the file, from the start again at each byte: a damaged
/// head of a large mail would take it hours.
fn head(sealed: &mut impl BufRead) -> Option<Vec<u8>> {
    let (mut head, mut line) = (Vec::new(), 0);
    for byte in sealed.take(LONGEST_HEAD).bytes() {
        let byte = byte.ok()?;
        head.push(byte);
        if byte == b'\n' {
            if head.get(line..).is_some_and(|line| line.starts_with(b"---")) {
                return Some(head);
            }
            line = head.len();
        }
    }
    None
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

/// Opens what [`seal`] closed, with the DPO's private key (`AGE-SECRET-KEY-1...`).
///
/// # Errors
/// When the key is none, or not the one it was sealed to, or the seal is damaged.
pub fn open(sealed: &[u8], dpo_secret: &str) -> Result<Vec<u8>, SealError> {
    let (mut opened, mut plain) = (Opener::new(sealed, dpo_secret)?, Vec::new());
    opened.read_to_end(&mut plain).map_err(|_| SealError::NotOpened)?;
    Ok(plain)
}

/// Whether this is a public key that can be sealed to.
pub fn is_public_key(text: &str) -> bool {
    age::x25519::Recipient::from_str(text).is_ok()
}

/// What can go wrong with secrets. Never names a secret.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// `getrandom` failed.
    #[error("the system has no random source")]
    NoRandom,
    /// The text is no key.
    #[error("not a key: a public key begins with `age1`, a private one with `AGE-SECRET-KEY-1`")]
    NotAKey,
    /// Sealing failed.
    #[error("could not seal to the DPO's key")]
    NotSealed,
    /// Wrong key, or damaged.
    #[error("could not open the seal: it was made for another key, or is damaged")]
    NotOpened,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_digest_in_a_case_and_others_elsewhere() {
        let node = NodeKey::from_bytes([7; 32]);
        let (one, two) = (node.case_key(&[1; 16]), node.case_key(&[2; 16]));
        assert_eq!(one.person(b"1111111118"), node.case_key(&[1; 16]).person(b"1111111118"));
        assert_ne!(one.person(b"1111111118"), two.person(b"1111111118"));
        assert_ne!(one.person(b"1111111118"), one.person(b"1111111126"));
        assert_ne!(NodeKey::from_bytes([8; 32]).check_value(), node.check_value());
    }

    #[test]
    fn parts_cannot_be_shifted() {
        let node = NodeKey::from_bytes([7; 32]);
        assert_ne!(node.digest("x", &[b"ab", b"c"]), node.digest("x", &[b"a", b"bc"]));
        assert_ne!(node.digest("x", &[]), node.digest("x", &[b""]));
    }

    #[test]
    fn only_the_dpo_opens_a_seal() {
        let pair = keyfile::DpoPair::generate();
        let sealed = seal(b"1111111118", &pair.public).unwrap();
        assert!(!sealed.windows(10).any(|w| w == b"1111111118"));
        assert_eq!(open(&sealed, pair.secret()).unwrap(), b"1111111118");
        assert!(open(&sealed, keyfile::DpoPair::generate().secret()).is_err());
        assert!(seal(b"x", "age1nothing").is_err());
    }

    /// Found by the fuzzer: this took minutes, and more the larger the file.
    #[test]
    fn a_seal_whose_head_has_lost_its_end_is_known_at_once() {
        let pair = keyfile::DpoPair::generate();
        let sealed = seal(b"1111111118", &pair.public).unwrap();
        let end = sealed.windows(4).position(|four| four == b"\n---").unwrap();
        let lost = sealed[..=end].repeat(20_000);
        assert!(lost.len() > 1_000_000);
        let began = std::time::Instant::now();
        assert!(matches!(open(&lost, pair.secret()), Err(SealError::NotOpened)));
        assert!(matches!(Opener::new(lost.as_slice(), pair.secret()), Err(SealError::NotOpened)));
        assert!(matches!(open(&lost[..end], pair.secret()), Err(SealError::NotOpened)));
        // Also where an end stands at the far end of what is looked at.
        let mut late = sealed[..=end].repeat(usize::try_from(LONGEST_HEAD).unwrap() / (end + 1) - 1);
        late.extend_from_slice(&sealed[end + 1..]);
        assert!(matches!(open(&late, pair.secret()), Err(SealError::NotOpened)));
        assert!(began.elapsed().as_secs() < 20);
    }

    #[test]
    fn a_key_prints_nothing() {
        assert_eq!(format!("{:?}", NodeKey::from_bytes([7; 32])), "NodeKey(*)");
    }
}
