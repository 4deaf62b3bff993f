//! Mail that programs read differently, each with one made-up number: the traps of `traps.rs` in their variants.
//!
//! Some program in the world shows the number. So it is found here, or the mail is said not to be read whole; which of
//! the two is written beside each. Never is such a mail clean. Each goes with LF and CRLF, whole and byte by byte.

mod traps;

use brevdue::scan::{Report, Verdict};
use proptest::prelude::*;

use crate::corpus::scan;
use traps::{Expect, TRAPS, Trap};

/// A made-up number that passes modulus 11, another one for each trap.
fn number(nr: usize) -> String {
    const WEIGHTS: [usize; 10] = [4, 3, 2, 7, 6, 5, 4, 3, 2, 1];
    let date = format!("{:02}{:02}{:02}", 1 + nr % 28, 1 + nr / 28 % 12, 60 + nr % 30);
    (1000 + nr..3000)
        .map(|serial| format!("{date}-{serial}"))
        .find(|text| {
            let digits = text.bytes().filter(u8::is_ascii_digit).map(|digit| usize::from(digit - b'0'));
            digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum::<usize>() % 11 == 0
        })
        .unwrap()
}

/// The bytes with CRLF for LF, unless they are no lines of text.
fn variants(mail: Vec<u8>, lines: bool) -> Vec<Vec<u8>> {
    let crlf = mail
        .iter()
        .flat_map(|byte| if *byte == b'\n' { b"\r\n".as_slice() } else { std::slice::from_ref(byte) })
        .copied()
        .collect();
    if lines { vec![mail, crlf] } else { vec![mail] }
}

fn is_found(report: &Report, number: &str) -> bool {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    report.findings.iter().any(|finding| finding.is_leak() && finding.cpr.reveal().as_slice() == digits)
}

#[test]
fn no_trap_hides_a_number() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (nr, Trap { name, make, expect, lines }) in TRAPS.iter().enumerate() {
        let number = number(nr);
        let mut found = true;
        for mail in variants(make(&number), *lines) {
            let whole = scan([mail.as_slice()]);
            found &= is_found(&whole, &number);
            if scan(mail.chunks(1)) != whole {
                wrong.push(format!("{name}: byte by byte is not as whole"));
            }
            for size in [2, 7, 61, 1024] {
                if scan(mail.chunks(size)) != whole {
                    wrong.push(format!("{name}: in pieces of {size} is not as whole"));
                }
            }
            if matches!(whole.verdict(), Verdict::Clean | Verdict::Protected) {
                wrong.push(format!("{name}: clean, though somebody sees the number"));
            }
            if *expect == Expect::SeenAndFlagged && whole.coverage.unread().is_empty() {
                wrong.push(format!("{name}: not said to be ambiguous"));
            }
        }
        seen += usize::from(found);
        match expect {
            Expect::Seen | Expect::SeenAndFlagged if !found => wrong.push(format!("{name}: not found")),
            Expect::Flagged if found => wrong.push(format!("{name}: is found by now; write so")),
            Expect::Seen | Expect::SeenAndFlagged | Expect::Flagged => {}
        }
    }
    println!("{seen} of {} malformed mails seen, the others said to be unread", TRAPS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Longer than the windows they are read through, with numbers at all distances from their edges.
#[test]
fn long_ones_are_as_whole() {
    let rows: String = (0..1500)
        .map(|row| format!("{row};CPR-nr. 150379-1028;{:>width$}\n", "x", width = row % 23))
        .collect();
    for (name, mail) in traps::long(&rows) {
        let whole = scan([mail.as_slice()]);
        assert!(whole.count() >= 1500, "{name}: {}", whole.count());
        for size in [1, 997, 16 * 1024, 65_535] {
            assert!(scan(mail.chunks(size)) == whole, "{name} in pieces of {size}");
        }
    }
}

proptest! {
    /// Whatever begins another reading, in any order.
    #[test]
    fn any_cut_of_any_readings_is_as_whole(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        cut in prop_oneof![1usize..9, 1usize..200],
    ) {
        let mail = pieces.concat();
        prop_assert_eq!(scan(mail.as_bytes().chunks(cut)), scan([mail.as_bytes()]), "{:?}", mail);
    }
}

const PIECES: [&str; 32] = [
    "Content-Type: multipart/x; boundary=b\n",
    "Content-Type: multipart/x; boundary=b; boundary=c\n",
    "Content-Type: multipart/x\n",
    "Content-Type: text/plain\n",
    "Content-Type: text/plain; charset=utf-16le\n",
    "Content-Type: text/plain; charset=utf-7; charset=ibm277\n",
    "Content-Type: message/rfc822\n",
    "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n",
    "Content-Transfer-Encoding: x-uue\n",
    "Content-Disposition: attachment; filename=cpr150379-1028\n",
    "X-CPR: ",
    "\n",
    "\r\n",
    "\r",
    "--b\n",
    "--b x\n",
    "--b--\n",
    "--c\n",
    "\n--d\n",
    "*",
    "=\n",
    "=3D",
    "Q1BSLW5yLiAxNTAzNzktMTAyOA==\n",
    "Q1BSLW5yLiAxNTAzNzktMTAyOCBIZWogQm8sIGh2b3JkYW4gaGFyIGR1IGRldD8=\n",
    "Q1BSLW5yLiAx",
    "begin 644 x\n",
    "40U!2+6YR+B Q-3 S-SDM,3 R. H \n",
    "end\n",
    "CPR-nr. 150379-1028 ",
    "\0",
    "150379",
];

/// What is not malformed is not called so.
#[test]
fn ordinary_mail_is_read_whole() {
    for mail in [
        "Content-Type: text/plain\n\nSagsbehandlingstid\n\nHej",
        "Content-Type: text/plain\n\nhttps://kommune.example/a?id=3D&b=20\n",
        "Content-Type: text/plain\n\nbegin 644 fil\nhvad skal der ske?\n",
        "Content-Type: text/html\nContent-Transfer-Encoding: 8bit\n\n<table width=300 height=20><tr><td>=</td></tr></table>",
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVqIEJv\n",
        "Content-Type: text/plain\n\nabcdefghijklmnopABCDEFGHIJKLMNOP0123456789abcdefghijklmnopqrstuv\n",
        "Content-Type: multipart/mixed; boundary=b\n\nThis is a message in MIME format.\n--\nBo\n--b\n\nHej\n--b--\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--forord\nHej\n--b\n\nHej\n--b--\n",
        "From bo@x.example Mon Nov  2 08:00:00 2026\nSubject: Hej\nX-Mailer: x 1503791028\n\nHej",
    ] {
        let report = scan([mail.as_bytes()]);
        assert_eq!(report.verdict(), Verdict::Clean, "{mail}\n{:?}", report.coverage);
    }
}
