//! The wire towards the next hop and from the client, over any pieces: dots go on and come off again, a mail ends where RFC
//! 5321 has it end and nowhere else, a lone CR or LF is never overlooked; and of a server's replies none is taken before it
//! is whole. The first byte says how to cut.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;

use brevdue::intake::smtp::{has_stray, undotted};
use brevdue::outlet::{dotted, reply};

/// Where CRLF `.` CRLF ends, the one before the content included.
fn end(bytes: &[u8]) -> Option<usize> {
    let all = [b"\r\n", bytes].concat();
    all.windows(5).position(|five| five == b"\r\n.\r\n").map(|at| at + 3)
}

/// Line by line: the dot that begins one is none of it.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let starts_a_line = at == 0 || bytes[..at].ends_with(b"\r\n");
        if !(starts_a_line && bytes[at] == b'.') {
            out.push(bytes[at]);
        }
        at += 1;
    }
    out
}

fn stray(bytes: &[u8]) -> bool {
    let is_stray = |(at, byte): (usize, &u8)| match byte {
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        _ => false,
    };
    bytes.iter().enumerate().any(is_stray)
}

/// What a client sends behind DATA.
fn heard(bytes: &[u8], pieces: &[&[u8]]) {
    let whole = undotted([bytes]);
    assert_eq!(undotted(pieces.iter().copied()), whole);
    let (content, ended, is_stray) = whole;
    assert_eq!(ended, end(bytes));
    if let Some(ended) = ended {
        let mail = &bytes[..ended - 3];
        assert_eq!(is_stray, stray(mail));
        if !is_stray {
            assert_eq!(content, plain(mail));
        }
    }
    assert_eq!(has_stray(pieces.iter().copied()), stray(bytes));
}

/// What we send, as a server hears it that ends a mail where we do; and one that takes a lone LF for a line's end hears no
/// other mail in what has none.
fn said(bytes: &[u8], pieces: &[&[u8]]) {
    let wire = dotted(pieces.iter().copied());
    assert_eq!(wire, dotted([bytes]));
    let (content, ended, _) = undotted([wire.as_slice()]);
    assert_eq!(ended, Some(wire.len()), "it ends at its end");
    let added: &[u8] = if bytes.is_empty() || bytes.ends_with(b"\r\n") {
        b""
    } else if bytes.ends_with(b"\r") {
        b"\n"
    } else {
        b"\r\n"
    };
    if !stray(bytes) {
        assert_eq!(content, [bytes, added].concat());
        let ends = wire.windows(3).filter(|three| *three == b"\n.\n" || *three == b"\n.\r").count();
        assert_eq!(ends + usize::from(wire.starts_with(b".\r\n")), 1, "there is one end");
    }
}

/// What a server says.
fn replies(bytes: &[u8], pieces: &[&[u8]]) {
    let whole = reply::take(bytes);
    let mut so_far = 0;
    // Each look is at all there is so far.
    for piece in pieces.iter().take(300) {
        so_far += piece.len();
        let early = reply::take(&bytes[..so_far]);
        assert!(early == Ok(None) || early == whole, "{early:?} of {so_far} bytes, {whole:?} of all");
    }
    if let Ok(Some((reply, used))) = whole {
        assert!(used <= bytes.len() && bytes[..used].ends_with(b"\n") && (200..600).contains(&reply.code()));
        let mut again = Vec::new();
        reply.encode(&mut again);
        let lines = bytes[..used].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(
            again.iter().filter(|byte| **byte < b' ').count(),
            2 * lines,
            "only line ends, and as many"
        );
        // What was no UTF-8 may be longer than a reply we would take.
        if let Ok(told) = reply::take(&again) {
            assert_eq!(told, Some((reply, again.len())));
        }
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((bytes, pieces)) = cut::cut(input) else { return };
    heard(bytes, &pieces);
    said(bytes, &pieces);
    replies(bytes, &pieces);
});
