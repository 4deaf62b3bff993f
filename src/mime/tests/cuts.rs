//! Any cut, same result; and every byte in one region. Written before the walker.

use proptest::prelude::*;

use super::generate::{accident, odd_tree};
use super::record::Record;
use crate::mime::Limits;

/// Walks the mail whole, byte by byte, and in the given pieces.
fn check(mail: &[u8], cuts: &[usize], limits: Limits) {
    let whole = Record::of(limits, [mail]);
    assert!(whole.raw() == mail, "the regions are not the mail: {:?}", String::from_utf8_lossy(&whole.raw()));
    assert_same(&whole, &Record::of(limits, mail.chunks(1)), mail, "byte by byte");
    let mut rest = mail;
    let mut pieces = Vec::new();
    for cut in cuts.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*cut));
        pieces.push(piece);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    assert_same(&whole, &Record::of(limits, pieces), mail, &format!("cut by {cuts:?}"));
}

fn assert_same(whole: &Record, cut: &Record, mail: &[u8], how: &str) {
    let differs = whole.events.iter().zip(&cut.events).find(|(a, b)| a != b);
    assert!(
        whole == cut,
        "{how}: {} and {} events; first that differ {differs:#?}\n{}",
        whole.events.len(),
        cut.events.len(),
        String::from_utf8_lossy(mail)
    );
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1usize..6, 1usize..90, 1usize..3000], 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn well_formed(tree in odd_tree(), cuts in cuts()) {
        check(&tree.write(), &cuts, Limits::default());
    }

    #[test]
    fn after_accidents(mail in accident(), cuts in cuts(), depth in prop_oneof![Just(64usize), 0usize..4]) {
        check(&mail, &cuts, Limits { depth, header_bytes: 90, ..Limits::default() });
    }

    #[test]
    fn of_pieces_that_matter(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..30),
        cuts in cuts(),
    ) {
        let mail: Vec<u8> = pieces.concat();
        check(&mail, &cuts, Limits::default());
        check(&[HEAD, &mail].concat(), &cuts, Limits::default());
    }

    #[test]
    fn of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in cuts()) {
        check(&[HEAD, &bytes].concat(), &cuts, Limits::default());
    }
}

const HEAD: &[u8] = b"Content-Type: multipart/mixed; boundary=b\n\n";

const PIECES: [&[u8]; 27] = [
    b"\r",
    b"\n",
    b"\r\n",
    b"-",
    b"--",
    b"b",
    b"--b",
    b"--b--",
    b"\n--b\n",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b" ",
    b"\t",
    b"x",
    b":",
    b"X: y\n",
    b"Content-Type: message/rfc822\n\n",
    b"=",
    b"3D",
    b"=\n",
    b"\0",
    b"\xff\xfe",
    b"--c\n",
    b"Content-Type: multipart/x; boundary=c\n\n",
    b"Content-Transfer-Encoding: quoted-printable\n\n",
    b"Content-Transfer-Encoding: base64\n\nMDE\n",
    b"From ",
];

#[test]
fn long_delimiter_lines() {
    let pad = " ".repeat(5000);
    for tail in
        [format!("--b{pad}\r\nX: y\r\n\r\nz"), format!("--b{pad}x\nX: y\n\nz"), format!("--{pad}\n--b\n\nz")]
    {
        check(&[HEAD, b"p\r\n", tail.as_bytes()].concat(), &[1999, 7], Limits::default());
    }
    check("n".repeat(5000).as_bytes(), &[999, 3], Limits::default());
    check(format!("n{pad}: x\n\n").as_bytes(), &[999, 3], Limits::default());
}

#[test]
fn the_corpus() {
    for (name, mail) in super::corpus() {
        // Byte by byte over every mail is slow in a debug build and finds no more than over its first part.
        let whole = Record::whole(&mail);
        assert!(whole.raw() == mail, "{name}: the regions are not the mail");
        for cuts in [vec![1, 2, 3], vec![7, 64, 1], vec![4096]] {
            check(&mail[..mail.len().min(60_000)], &cuts, Limits::default());
        }
    }
}
