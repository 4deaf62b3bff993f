//! Writes archives: zip, 7z, tar and gzip.

use std::io::Write;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An archive of these files.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(crate) fn gzip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::GzBuilder::new().filename(name).write(Vec::new(), flate2::Compression::fast());
    gzip.write_all(content).unwrap();
    gzip.finish().unwrap()
}

/// Encrypted when there is a password.
pub(crate) fn seven(files: &[(&str, &[u8])], password: Option<&str>, names_too: bool) -> Vec<u8> {
    use sevenz_rust2::encoder_options::AesEncoderOptions;
    use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderMethod};
    let mut seven = ArchiveWriter::new(std::io::Cursor::new(Vec::new())).unwrap();
    if let Some(password) = password {
        seven.set_content_methods(vec![
            AesEncoderOptions::new(password.into()).into(),
            EncoderMethod::LZMA2.into(),
        ]);
        seven.set_encrypt_header(names_too);
    }
    for (name, content) in files {
        seven.push_archive_entry(ArchiveEntry::new_file(name), Some(*content)).unwrap();
    }
    seven.finish().unwrap().into_inner()
}

/// An archive whose one file is the archive itself, so that it can be opened for ever.
///
/// What deflate writes is either letters as they are or letters repeated, and a stream of both can write itself, with
/// what stands before it (`head`) and behind it (`tail`), when each command has the length that the others speak of.
pub(crate) fn quine() -> Vec<u8> {
    // A block of so many letters as they are, and blocks that repeat the last `from` letters in these pieces.
    let letters = |count: u16| [&[0][..], &count.to_le_bytes(), &(!count).to_le_bytes()].concat();
    let [r65, r20] = [repeat(1, 65, &[65]), repeat(0, 20, &[10, 10])];
    let [r11, r117] = [repeat(1, 11, &[8, 3]), repeat(0, 117, &[117])];
    let (l5, l20, l65, l117) = (letters(5), letters(20), letters(65), letters(117));
    let name = b"an-archive-within-itself-0.zip";
    let (packed, size) = (317_u32.to_le_bytes(), 485_u32.to_le_bytes());
    // Made by 2.0, sizes known, no checksum: of what can only be known when all is written.
    let what = [&[20, 0, 8, 0, 8, 0][..], &[0; 8], &packed, &size, &[30, 0, 0, 0]].concat();
    let head = [b"PK\x03\x04".as_slice(), &what, name].concat();
    let record = [b"PK\x01\x02\x14\0".as_slice(), &what, &[0; 14], name].concat();
    let place = [76_u32.to_le_bytes(), 377_u32.to_le_bytes()].concat();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &place, b"\x0A\0", b"0123456789"].concat();
    let tail = [&[1, 0, 0, 0xFF, 0xFF][..], &record, &end].concat();
    let four = [r20.as_slice(), &l20, &r20, &l20].concat();
    let pieces: [&[u8]; 28] = [
        &head,
        &l65,
        &head,
        &l65,
        &r65,
        &l5,
        &r65,
        &l5,
        &l5,
        &l20,
        &r65,
        &l5,
        &l5,
        &l20,
        &r20,
        &l20,
        &four,
        &r20,
        &l20,
        b"(padding)",
        &r11,
        &l117,
        &r11,
        &l117,
        &r117,
        &tail,
        &r117,
        &tail,
    ];
    pieces.concat()
}

/// Blocks of deflate with its own codes (RFC 1951 §3.2.6): so many without letters, and one that repeats the last
/// `from` letters in pieces of these lengths.
fn repeat(empty: usize, from: u32, lengths: &[u32]) -> Vec<u8> {
    let mut bits = Vec::new();
    let low =
        |bits: &mut Vec<bool>, value: u32, count: u32| bits.extend((0..count).map(|nr| value >> nr & 1 == 1));
    let high = |bits: &mut Vec<bool>, value: u32, count: u32| {
        bits.extend((0..count).rev().map(|nr| value >> nr & 1 == 1));
    };
    for _ in 0..empty {
        low(&mut bits, 2, 3);
        high(&mut bits, 0, 7);
    }
    low(&mut bits, 2, 3);
    for length in lengths {
        // Lengths and distances in ranges that double in width.
        match length {
            3..=10 => high(&mut bits, length - 2, 7),
            59..=66 => {
                high(&mut bits, 276 - 256, 7);
                low(&mut bits, length - 59, 3);
            }
            115..=130 => {
                high(&mut bits, 0b1100_0000, 8);
                low(&mut bits, length - 115, 4);
            }
            _ => unreachable!("no length that is needed"),
        }
        let (code, first, extra) = match from {
            9..=12 => (6, 9, 2),
            17..=24 => (8, 17, 3),
            65..=96 => (12, 65, 5),
            97..=128 => (13, 97, 5),
            _ => unreachable!("no distance that is needed"),
        };
        high(&mut bits, code, 5);
        low(&mut bits, from - first, extra);
    }
    high(&mut bits, 0, 7);
    assert_eq!(bits.len() % 8, 0);
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect()
}
