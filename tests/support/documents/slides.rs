//! Writes the stream of a presentation of PowerPoint until 2003 by hand.

use super::utf16;
use std::io::Write;

fn record(kind: u16, head: u16, data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap().to_le_bytes();
    [&head.to_le_bytes()[..], &kind.to_le_bytes(), &size, data].concat()
}

pub(crate) fn presentation() -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"an object").unwrap();
    let object = [&9_u32.to_le_bytes()[..], &packed.finish().unwrap()].concat();
    let outline = [record(0x03F3, 0, &[1, 0, 0, 0]), record(0x0FA8, 0, b"CPR-nr.\r150379-1028")].concat();
    let document = [record(0x0FF0, 0xF, &outline), record(0x1011, 0x10, &object)].concat();
    [
        record(0x03E8, 0xF, &document),
        record(0x03EE, 0xF, &record(0x0FA0, 0, &utf16("løn\u{B}010190-1234"))),
        record(0x03F0, 0xF, &record(0x0FBA, 0, &utf16("noter"))),
    ]
    .concat()
}
