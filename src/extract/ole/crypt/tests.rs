use super::key::{Hash, Rc4, wide};
use crate::extract::bytes::u32_at;
use crate::extract::content::Unread;
use crate::extract::ole::sheet::Records;
use crate::extract::ole::sheet::tests::{record, workbook};
use crate::extract::ole::tests::{compound, told, torment};
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use data_encoding::BASE64;

/// What Excel adds the password up to.
const SUM: u16 = 0x9A0A;
const ARCHIVE: &[u8] = b"PK\x03\x04 CPR-nr. 150379-1028";

/// AES with 128 bits, shut: by itself, or over the block before.
fn shut(key: &[u8], before: Option<[u8; 16]>, bytes: &[u8]) -> Vec<u8> {
    let cipher = aes::Aes128::new_from_slice(key).unwrap();
    let mut before = before.map(Vec::from);
    let mut out = Vec::new();
    for piece in bytes.chunks(16) {
        let mut block = piece.to_vec();
        block.resize(16, 0);
        if let Some(before) = &before {
            block.iter_mut().zip(before).for_each(|(one, other)| *one ^= other);
        }
        let mut block = Array::try_from(block.as_slice()).unwrap();
        cipher.encrypt_block(&mut block);
        out.extend_from_slice(&block);
        before = before.map(|_| block.to_vec());
    }
    out
}

fn file(info: &[u8], package: &[u8]) -> Vec<u8> {
    let size = (ARCHIVE.len() as u64).to_le_bytes();
    compound(&[("EncryptionInfo", info), ("EncryptedPackage", &[&size[..], package].concat())])
}

/// As Office 2007 does it.
fn standard(password: &str) -> Vec<u8> {
    let salt = [5; 16];
    let block = Hash::Sha1.of(&[&Hash::Sha1.spun(&salt, &wide(password), 50_000), &[0; 4]]);
    let mut laid = [0x36; 64];
    laid.iter_mut().zip(&block).for_each(|(one, other)| *one ^= other);
    let key = Hash::Sha1.of(&[&laid])[..16].to_vec();
    let proof = [7; 16];
    let mut header = vec![0; 40];
    header[16..20].copy_from_slice(&128_u32.to_le_bytes());
    let info = [
        &[4, 0, 2, 0, 0x24, 0, 0, 0][..],
        &40_u32.to_le_bytes(),
        &header,
        &16_u32.to_le_bytes(),
        &salt,
        &shut(&key, None, &proof),
        &20_u32.to_le_bytes(),
        &shut(&key, None, &Hash::Sha1.of(&[&proof])),
    ]
    .concat();
    file(&info, &shut(&key, None, ARCHIVE))
}

/// As Office does it since 2010.
fn agile(password: &str, times: u32) -> Vec<u8> {
    let (salt, secret, proof) = ([5; 16], [6; 16], [7; 16]);
    let spun = Hash::Sha512.spun(&salt, &wide(password), times.min(1000));
    let shut_for = |purpose: [u8; 8], bytes: &[u8]| {
        BASE64.encode(&shut(&Hash::Sha512.of(&[&spun, &purpose])[..16], Some(salt), bytes))
    };
    let info = format!(
        r#"<?xml version="1.0"?><encryption xmlns:p="x"><keyData saltSize="16" keyBits="128" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA256" saltValue="{salt}"/><keyEncryptors><keyEncryptor uri="x"><p:encryptedKey spinCount="{times}" keyBits="128" hashAlgorithm="SHA512" saltValue="{salt}" encryptedVerifierHashInput="{input}" encryptedVerifierHashValue="{value}" encryptedKeyValue="{key}"/></keyEncryptor></keyEncryptors></encryption>"#,
        salt = BASE64.encode(&salt),
        input = shut_for([0xFE, 0xA7, 0xD2, 0x76, 0x3B, 0x4B, 0x9E, 0x79], &proof),
        value = shut_for([0xD7, 0xAA, 0x0F, 0x6D, 0x30, 0x61, 0x34, 0x4E], &Hash::Sha512.of(&[&proof])),
        key = shut_for([0x14, 0x6E, 0x0B, 0xE7, 0xAB, 0xAC, 0xD0, 0xD6], &secret),
    );
    let first = Hash::Sha256.of(&[&salt, &[0; 4]])[..16].try_into().unwrap();
    file(&[&[4, 0, 4, 0, 0x40, 0, 0, 0][..], info.as_bytes()].concat(), &shut(&secret, Some(first), ARCHIVE))
}

/// A workbook with its records in RC4: with keys of forty bits, or of more.
fn rc4(password: &str, is_new: bool) -> Vec<u8> {
    let salt = [5; 16];
    let (hash, secret) = if is_new {
        (Hash::Sha1, Hash::Sha1.of(&[&salt, &wide(password)]))
    } else {
        let first = [&Hash::Md5.of(&[&wide(password)])[..5], &salt].concat();
        (Hash::Md5, Hash::Md5.of(&[&first.repeat(16)])[..5].to_vec())
    };
    let block = |nr: u32| Rc4::new(&hash.of(&[&secret, &nr.to_le_bytes()])[..16]);
    let mut stream = block(0);
    let (proof, proven) = (stream.over(&[7; 16]), stream.over(&hash.of(&[&[7; 16]])));
    let pass = if is_new {
        let mut header = vec![0; 40];
        header[16..20].copy_from_slice(&128_u32.to_le_bytes());
        [
            &[1, 0, 2, 0, 2, 0, 4, 0, 0, 0][..],
            &40_u32.to_le_bytes(),
            &header,
            &16_u32.to_le_bytes(),
            &salt,
            &proof,
            &20_u32.to_le_bytes(),
            &proven,
        ]
        .concat()
    } else {
        [&[1, 0, 1, 0, 1, 0][..], &salt, &proof, &proven].concat()
    };
    let book = workbook();
    let (begin, rest) = book.split_at(20);
    let mut book = [begin, &record(0x2F, &pass), rest].concat();
    // The sheet moved when the record came before it.
    let moved = u32::try_from(pass.len() + 4).unwrap();
    for one in Records::new(&book.clone()) {
        if one.kind == 0x85 {
            let sheet = u32_at(one.data, 0).unwrap() + moved;
            book[one.at + 4..][..4].copy_from_slice(&sheet.to_le_bytes());
        }
        let plain = match one.kind {
            0x809 | 0x2F => continue,
            0x85 => 4,
            _ => 0,
        };
        for (at, byte) in book.iter_mut().enumerate().skip(one.at + 4 + plain).take(one.data.len() - plain) {
            // Slow and plain: from the block's beginning each time.
            *byte ^= block(u32::try_from(at / 1024).unwrap()).over(&vec![0; at % 1024 + 1])[at % 1024];
        }
    }
    compound(&[("Workbook", &book)])
}

/// A workbook with a pattern laid over it, of the password's bytes and a key; the sum is that of the password that
/// everybody knows, or another.
fn pattern(sum: u16) -> Vec<u8> {
    // What Excel makes of the password by a table.
    let key = 0xB359_u16.to_le_bytes();
    let pass = [&[0, 0][..], &key, &sum.to_le_bytes()].concat();
    let letters = [super::PASSWORD.as_bytes(), &[0xBB]].concat();
    let mask = |nr: usize| (letters[nr % 16] ^ key[nr % 2]).rotate_right(1);
    let book = workbook();
    let (begin, rest) = book.split_at(20);
    let mut book = [begin, &record(0x2F, &pass), rest].concat();
    for one in Records::new(&book.clone()) {
        let (from, length) = (one.at + 4, one.data.len());
        let plain = match one.kind {
            0x809 | 0x2F => continue,
            0x85 => 4,
            _ => 0,
        };
        for nr in plain..length {
            book[from + nr] = book[from + nr].rotate_left(5) ^ mask(from + length + nr);
        }
    }
    compound(&[("Workbook", &book)])
}

#[test]
fn what_anybody_can_open_is_opened() {
    let (text, unread) = told(&pattern(SUM), crate::extract::ole::read);
    assert!(text.contains("Navn\tCPR-nr.\nAnna Berg\t150379-1028\n"), "{text}");
    assert_eq!(unread, []);
    for file in [standard(super::PASSWORD), agile(super::PASSWORD, 1000)] {
        let (text, unread) = told(&file, crate::extract::ole::read);
        assert_eq!((text.as_str(), unread.len()), ("<Package>PK\u{3}\u{4} CPR-nr. 150379-1028", 0));
    }
    for file in [rc4(super::PASSWORD, false), rc4(super::PASSWORD, true)] {
        let (text, unread) = told(&file, crate::extract::ole::read);
        assert!(text.starts_with("Løn\nNavn\tCPR-nr.\nAnna Berg\t150379-1028\n"), "{text}");
        assert_eq!(unread, []);
    }
}

#[test]
fn any_other_password_is_one() {
    for file in [
        standard("hemmeligt"),
        agile("hemmeligt", 1000),
        // Opening it would take longer than anything may.
        agile(super::PASSWORD, 10_000_000),
        rc4("hemmeligt", false),
        rc4("hemmeligt", true),
        pattern(1),
        file(b"", b""),
        file(b"\x04\0\x04\0\x40\0\0\0<keyData", b"x"),
    ] {
        assert_eq!(told(&file, crate::extract::ole::read), (String::new(), vec![Unread::Password]));
    }
}

#[test]
fn descriptions_that_are_lies_do_no_harm() {
    torment(&agile("hemmeligt", 1), crate::extract::ole::read);
    torment(&rc4(super::PASSWORD, true), crate::extract::ole::read);
}
