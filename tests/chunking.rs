//! The result of a scan does not depend on how the bytes were cut (invariant 3), nor on what stands beside a number.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::corpus::{samples, scan};

#[test]
fn byte_by_byte_is_as_whole() {
    for sample in samples() {
        for mail in [&sample.lf, &sample.crlf] {
            let whole = scan([mail.as_slice()]);
            assert_eq!(scan(mail.chunks(1)), whole, "{}", sample.name);
            for size in [2, 3, 5, 16, 61, 77, 1024] {
                assert_eq!(scan(mail.chunks(size)), whole, "{} in pieces of {size}", sample.name);
            }
        }
    }
}

#[test]
fn every_single_cut_is_as_whole() {
    for sample in samples() {
        let whole = scan([sample.crlf.as_slice()]);
        for at in 0..sample.crlf.len() {
            let (before, after) = sample.crlf.split_at(at);
            assert_eq!(scan([before, after]), whole, "{} cut at {at}", sample.name);
        }
    }
}

/// A text longer than the window it is read through, with numbers at all distances from its edges, in each encoding.
#[test]
fn a_long_text_is_as_whole() {
    let rows: String = (0..4000)
        .map(|row| format!("{row};CPR-nr. 150379-1028;{:>width$}\n", "x", width = row % 23))
        .collect();
    for encoding in ["8bit", "quoted-printable"] {
        let mail = format!("Content-Type: text/csv\nContent-Transfer-Encoding: {encoding}\n\n{rows}");
        let whole = scan([mail.as_bytes()]);
        assert_eq!(whole.count(), 4000);
        for size in [1, 997, 16 * 1024, 65_535] {
            assert_eq!(scan(mail.as_bytes().chunks(size)), whole, "{encoding} in pieces of {size}");
        }
    }
}

/// Tables that are longer than the window, one after the other, with lines of all lengths.
#[test]
fn long_tables_are_as_whole() {
    let numbers = ["1503791028", "0306851004"];
    let wide = "x ".repeat(1300);
    let row = |nr: usize, open: &str, mid: &str, close: &str| {
        let note = if nr.is_multiple_of(97) { wide.as_str() } else { "Ole" };
        format!("{open}{nr}{mid}{}{mid}{note}{close}", numbers[nr % 2])
    };
    let table = |head: &str, open: &str, mid: &str, close: &str| {
        let rows: String = (0..900).map(|nr| row(nr, open, mid, close)).collect();
        format!("{open}Nr{mid}{head}{mid}Navn{close}{rows}")
    };
    let pairs = |open: &str, mid: &str, close: &str, apart: &str| {
        ["Ordre", "CPR", "Ordre"].map(|head| table(head, open, mid, close)).join(apart)
    };
    for (kind, text) in [
        ("csv", pairs("", ";", "\n", "\nHej\n\n")),
        ("csv", pairs("", ",", "\r\n", "\r\n")),
        ("plain", pairs("", "   ", "\n", "\n\n")),
        ("plain", pairs("", "\n", "\n", "\n\n")),
        (
            "html",
            format!("<table>{}</table>", pairs("<tr><td>", "</td><td>", "</td></tr>\n", "</table><table>")),
        ),
        ("html", pairs("<p>", "</p><p>", "</p>", "<p>Hej</p>")),
    ] {
        let mail = format!("Content-Type: text/{kind}\n\n{text}");
        let whole = scan([mail.as_bytes()]);
        for size in [1, 61, 4093, 16 * 1024] {
            assert_eq!(scan(mail.as_bytes().chunks(size)), whole, "{kind} in pieces of {size}");
        }
    }
}

/// Cuts `mail` where the numbers say.
fn cut<'a>(mail: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(mail.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in places.into_iter().chain([mail.len()]) {
        pieces.push(&mail[from..to]);
        from = to;
    }
    pieces
}

/// Parts that say nothing of anybody.
const CLEAN: [&str; 6] = [
    "\nHej\n",
    "Content-Type: text/html\n\n<p>Mødet er den 3. maj</p>\n",
    "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVqIEJv\n",
    "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nK=C3=A6re=\n Bo\n",
    "Content-Type: message/rfc822\n\nSubject: intet\n\nIntet\n",
    "Content-Type: multipart/mixed; boundary=inner\n\n--inner\n\nHej\n--inner--\n",
];

proptest! {
    #[test]
    fn any_cut_is_as_whole(which: prop::sample::Index, cuts in vec(any::<prop::sample::Index>(), 0..12), crlf: bool) {
        let samples = samples();
        let sample = which.get(&samples);
        let mail = if crlf { &sample.crlf } else { &sample.lf };
        prop_assert_eq!(scan(cut(mail, &cuts)), scan([mail.as_slice()]), "{}", sample.name);
    }

    /// Bytes of any kind, thrown in anywhere.
    #[test]
    fn any_cut_of_a_damaged_mail_is_as_whole(
        which: prop::sample::Index,
        damage in vec((any::<prop::sample::Index>(), vec(any::<u8>(), 0..6)), 0..4),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let samples = samples();
        let mut mail = which.get(&samples).lf.clone();
        for (at, bytes) in damage {
            let at = at.index(mail.len() + 1);
            mail.splice(at..(at + bytes.len()).min(mail.len()), bytes);
        }
        prop_assert_eq!(scan(cut(&mail, &cuts)), scan([mail.as_slice()]));
    }

    /// What is added cannot hide what is there.
    #[test]
    fn a_clean_part_never_removes_a_finding(places in vec((0..CLEAN.len(), any::<bool>()), 0..6)) {
        const LEAK: &str = "Content-Type: text/plain\n\nCPR-nr. 150379-1028\n";
        let parts = |wanted: bool| places.iter().filter(move |(_, before)| *before == wanted).map(|(part, _)| CLEAN[*part]);
        let mut mail = "Content-Type: multipart/mixed; boundary=outer\n\n".to_owned();
        for part in parts(true).chain([LEAK]).chain(parts(false)) {
            mail += &format!("--outer\n{part}\n");
        }
        mail += "--outer--\n";
        let report = scan([mail.as_bytes()]);
        prop_assert!(report.is_certain());
        prop_assert_eq!(report.count(), 1);
    }
}
