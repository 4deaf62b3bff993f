//! Writes the envelope in which Outlook sends what mail has no place for, by hand.

use super::utf16;

fn utf16_nul(text: &str) -> Vec<u8> {
    utf16(&format!("{text}\0"))
}

fn attribute(level: u8, number: u32, data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap().to_le_bytes();
    // The checksum is wrong: nobody minds.
    [&[level][..], &number.to_le_bytes(), &size, data, b"\0\0"].concat()
}

fn value(bytes: &[u8]) -> Vec<u8> {
    let mut value = u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
    value.extend_from_slice(bytes);
    value.resize(value.len().next_multiple_of(4), 0);
    value
}

fn property(number: u16, kind: u16, bytes: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &number.to_le_bytes(), &1_u32.to_le_bytes(), &value(bytes)].concat()
}

fn list(properties: &[Vec<u8>]) -> Vec<u8> {
    [&u32::try_from(properties.len()).unwrap().to_le_bytes()[..], &properties.concat()].concat()
}

fn message(attributes: &[Vec<u8>]) -> Vec<u8> {
    [b"\x78\x9F\x3E\x22".as_slice(), b"\x01\x00", &attributes.concat()].concat()
}

/// A message with bodies, properties, two files and a message in it.
pub(crate) fn whole() -> Vec<u8> {
    let named = [
        &0x1F_u16.to_le_bytes()[..],
        &0x8001_u16.to_le_bytes(),
        &[7; 16],
        &1_u32.to_le_bytes(),
        &value(&utf16_nul("CPR-nr")),
        &1_u32.to_le_bytes(),
        &value(&utf16_nul("010190-1234")),
    ]
    .concat();
    let rtf = [&20_u32.to_le_bytes()[..], &13_u32.to_le_bytes(), b"MELA\0\0\0\0{\\rtf1 Hej 1}"].concat();
    let inner = [&[9; 16][..], &message(&[attribute(1, 0x0001_8004, b"inner")])].concat();
    message(&[
        attribute(1, 0x0006_9007, b"\xE4\x04\0\0\0\0\0\0"),
        attribute(1, 0x0001_8004, b"l\xF8n 150379-1028\0"),
        attribute(
            1,
            0x0006_9004,
            &[&1_u32.to_le_bytes()[..], &list(&[property(0x3001, 0x1E, b"Anna\0")])].concat(),
        ),
        attribute(
            1,
            0x0006_9003,
            &list(&[
                named,
                [&[2, 0, 0x17, 0][..], &[1, 0, 0, 0]].concat(),
                property(0x1000, 0x1F, &utf16_nul("the body")),
                property(0x1013, 0x102, b"<p>html"),
                property(0x1009, 0x102, &rtf),
            ]),
        ),
        attribute(2, 0x0006_9002, &[0; 14]),
        attribute(2, 0x0001_8010, b"LNLIST~1.CSV\0"),
        attribute(2, 0x0006_800F, b"Navn;CPR-nr.\nAnna;150379-1028\n"),
        attribute(2, 0x0006_9005, &list(&[property(0x3707, 0x1F, &utf16_nul("lønliste.csv"))])),
        attribute(2, 0x0006_9002, &[0; 14]),
        attribute(2, 0x0006_9005, &list(&[property(0x3701, 0xD, &inner), property(0x3001, 0x1E, b"Brev\0")])),
    ])
}
