//! Writes a message as Outlook stores it, by hand.

use super::{compound, utf16};

/// A message with something at each place, a file and another message.
pub(crate) fn message() -> Vec<u8> {
    let entry = |number: u16, value: u32| {
        [&[3, 0][..], &number.to_le_bytes(), &[6, 0, 0, 0], &value.to_le_bytes(), &[0; 4]].concat()
    };
    let numbers = [&[0; 32][..], &entry(0x3FFD, 1251)].concat();
    let rtf = compressed_rtf::compress_rtf("{\\rtf1 rich 150379-1028}").unwrap();
    compound(&[
        ("__properties_version1.0", &numbers),
        ("__substg1.0_0037001F", &utf16("løn 150379-1028")),
        ("__substg1.0_1000001E", b"\xE4\xE0\r\n150379-1029"),
        ("__substg1.0_10130102", b"<p>html"),
        ("__substg1.0_10090102", &rtf),
        ("__substg1.0_007D001F", &utf16("Subject: a\r\nTo: b")),
        ("__substg1.0_8001001F", &utf16("named 150379-1030")),
        ("__substg1.0_8002101F", &[0; 8]),
        ("__substg1.0_8002101F-00000000", &utf16("one of many")),
        ("__nameid_version1.0/__substg1.0_00040102", b"x"),
        ("__recip_version1.0_#00000000/__substg1.0_3001001F", &utf16("Anna Berg")),
        ("__attach_version1.0_#00000000/__properties_version1.0", b""),
        ("__attach_version1.0_#00000000/__substg1.0_3704001F", &utf16("LNLIST~1.CSV")),
        ("__attach_version1.0_#00000000/__substg1.0_3707001F", &utf16("lønliste.csv")),
        ("__attach_version1.0_#00000000/__substg1.0_37010102", b"CPR;150379-1031"),
        ("__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0", &[0; 24]),
        (
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_0037001F",
            &utf16("inner 150379-1032"),
        ),
        (
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__attach_version1.0_#00000000/__substg1.0_37010102",
            b"innermost",
        ),
    ])
}
