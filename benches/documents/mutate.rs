//! Documents made wrong: a form and a seed are a mutant, and always the same one.
//!
//! Most forms are packed or lie in streams, and a changed byte there breaks the packing and nothing behind it. So every
//! other mutant of such a form is unpacked, changed within, and packed whole again. Shared by the bench and a test of the
//! integration binary (`#[path]`), which bring the documents and the dice. Start reading at [`mutant`].

use super::Random;
use super::support::{SMALL, Small, archives, compound};
use std::io::{Cursor, Read};

/// The mutant of this form and this seed.
pub(crate) fn mutant(small: Small, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut document = (small.make)();
    if random.one_in(2)
        && let Some(packed) = within(&document, &mut random)
    {
        document = packed;
        // Some are wrong within and without.
        if random.one_in(4) {
            change(&mut document, &mut random);
        }
    } else {
        change(&mut document, &mut random);
    }
    if document.is_empty() {
        document.push(0);
    }
    document
}

/// What is packed is changed, and packed again; `None` where the form is not packed.
fn within(document: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if document.starts_with(b"PK") {
        let mut zip = zip::ZipArchive::new(Cursor::new(document)).ok()?;
        let mut files = Vec::new();
        for nr in 0..zip.len() {
            let mut file = zip.by_index(nr).ok()?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).ok()?;
            files.push((file.name().ok()?.into_owned(), bytes));
        }
        change_one(&mut files, random);
        return Some(archives::archive(&borrowed(&files)));
    }
    if document.starts_with(b"\xD0\xCF\x11\xE0") {
        let mut file = cfb::CompoundFile::open(Cursor::new(document)).ok()?;
        let paths: Vec<_> =
            file.walk().filter(cfb::Entry::is_stream).map(|one| one.path().to_owned()).collect();
        let mut streams = Vec::new();
        for path in paths {
            let mut bytes = Vec::new();
            file.open_stream(&path).ok()?.read_to_end(&mut bytes).ok()?;
            let name = path.to_string_lossy().trim_start_matches('/').to_owned();
            streams.push((name, bytes));
        }
        change_one(&mut streams, random);
        return Some(compound(&borrowed(&streams)));
    }
    if document.starts_with(b"\x1F\x8B") {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(document).read_to_end(&mut bytes).ok()?;
        change(&mut bytes, random);
        return Some(archives::gzip("a.tar", &bytes));
    }
    None
}

fn change_one(files: &mut [(String, Vec<u8>)], random: &mut Random) {
    let nr = random.below(files.len());
    change(&mut files[nr].1, random);
}

fn borrowed(files: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
}

/// One change, or several.
fn change(document: &mut Vec<u8>, random: &mut Random) {
    let times = if random.one_in(2) { 1 } else { random.within(2..9) };
    for _ in 0..times {
        if document.is_empty() {
            document.push(b'x');
        }
        one_change(document, random);
    }
}

/// Numbers that lengths and places are wrong by, or that are wrong themselves.
fn odd(size: usize, random: &mut Random) -> u64 {
    let size = size as u64;
    match random.below(8) {
        0 => 0,
        1 => 1,
        2 => u64::MAX,
        3 => 0x7FFF_FFFF_FFFF_FFFF >> (16 * random.below(4)),
        4 => 0x8000_0000_8000_8080,
        5 => size,
        6 => size.wrapping_add(1),
        _ => random.below(usize::MAX >> 33) as u64,
    }
}

fn one_change(document: &mut Vec<u8>, random: &mut Random) {
    let size = document.len();
    let at = random.below(size);
    match random.below(12) {
        // Bits.
        0 | 1 => (0..random.within(1..9)).for_each(|_| {
            let at = random.below(size);
            document[at] ^= 1 << random.below(8);
        }),
        // Bytes.
        2 => {
            document[at] =
                random.pick(&[0, 0xFF, 0x7F, 0x80, b'<', b'>', b'&', b'(', b'{', b'}', b'\\', b'\n']);
        }
        3 => document.truncate(at),
        // Numbers as they lie in binary forms: of two, four and eight bytes, the small end first or the large one.
        4..=6 => {
            let number = odd(size, random);
            let width = random.pick(&[2, 4, 4, 8]);
            let (little, big) = (number.to_le_bytes(), number.to_be_bytes());
            let bytes = if random.one_in(3) { &big[8 - width..] } else { &little[..width] };
            // What lies in records lies at even places more often than not.
            let at = if random.one_in(2) { at & !3 } else { at };
            let end = (at + width).min(size);
            document[at..end].copy_from_slice(&bytes[..end - at]);
        }
        // And as they are written.
        7 => {
            let number = odd(size, random).to_string();
            let digits = |document: &[u8], from: usize| {
                let start = from + document[from..].iter().position(u8::is_ascii_digit)?;
                let length = document[start..].iter().take_while(|one| one.is_ascii_digit()).count();
                Some(start..start + length)
            };
            if let Some(range) = digits(document, at) {
                document.splice(range, number.bytes());
            }
        }
        // A piece of another document, or of this one, over what stands there or between.
        8 | 9 => {
            let other = if random.one_in(2) { (random.pick(&SMALL).make)() } else { document.clone() };
            let from = random.below(other.len());
            let piece = &other[from..other.len().min(from + random.within(1..600))];
            let end = if random.one_in(2) { at } else { size.min(at + piece.len()) };
            document.splice(at..end, piece.iter().copied());
        }
        // A piece over and over.
        10 => {
            let end = size.min(at + random.within(1..200));
            let piece = document[at..end].repeat(random.pick(&[2, 3, 10, 100, 2000]));
            // A change of a change may not grow without end.
            if size + piece.len() < 1 << 20 {
                document.splice(at..end, piece);
            }
        }
        _ => {
            let end = size.min(at + random.within(1..300));
            document.drain(at..end);
        }
    }
}
