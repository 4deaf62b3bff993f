//! Lines and dots, cut anywhere, and what is no line and no end.

use proptest::prelude::*;

use crate::intake::smtp::command::{Command, Hello, parse};
use crate::intake::smtp::data::{Dots, Lines};
use crate::intake::smtp::swallow;

/// The content, how many bytes were left unread behind the end, and whether something stood alone. `None`: no end.
fn read(wire: &[u8], cuts: &[usize]) -> Option<(Vec<u8>, usize, bool)> {
    let (mut dots, mut content, mut at) = (Dots::new(), Vec::new(), 0);
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
    ends.push(wire.len());
    ends.sort_unstable();
    for end in ends {
        let (used, has_ended) = dots.push(&wire[at..end], |piece| content.extend_from_slice(piece));
        at += used;
        if has_ended {
            return Some((content, wire.len() - at, dots.has_stray()));
        }
        assert_eq!(at, end);
    }
    None
}

#[test]
fn a_mail_ends_at_a_dot_between_two_line_ends_and_nowhere_else() {
    for (wire, content) in [
        (b".\r\n".as_slice(), b"".as_slice()),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"..a\r\n.b\r\n.\r\n", b".a\r\nb\r\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"\r\n\r\n.\r\nQUIT\r\n", b"\r\n\r\n"),
    ] {
        for cut in 0..=wire.len() {
            let (found, left, stray) = read(wire, &[cut]).unwrap();
            assert_eq!((found.as_slice(), stray), (content, false), "{wire:?} cut at {cut}");
            assert_eq!(left, if wire.ends_with(b"QUIT\r\n") { 6 } else { 0 });
        }
    }
}

/// What has ended a mail for one server and not for the next (CVE-2023-51764, -51765, -51766, CVE-2024-27305).
#[test]
fn a_false_end_is_neither_an_end_nor_taken() {
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r.\r",
        "\r\n.\n",
        "\r\n.\r",
        "\r.\r\n",
        "\n\n.\r\n",
        "\r\n\0.\r\n",
        "\r\r\n.\r\r\n",
    ] {
        let smuggled = format!("a{end}MAIL FROM:<x@y>\r\n");
        for cut in 0..=smuggled.len() {
            assert_eq!(read(smuggled.as_bytes(), &[cut]), None, "{end:?} cut at {cut}");
            let whole = format!("{smuggled}.\r\n");
            let (_, left, stray) = read(whole.as_bytes(), &[cut]).unwrap();
            assert_eq!((left, stray), (0, !end.contains('\0')), "{end:?} cut at {cut}");
        }
    }
}

proptest! {
    /// What the client doubled is what we read, and what we read is what went in.
    #[test]
    fn dots_survive(lines in prop::collection::vec("[.ab]{0,4}", 0..8), cuts in prop::collection::vec(0_usize..64, 0..4)) {
        let content = lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect::<String>();
        let wire: String = lines
            .iter()
            .map(|line| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" }))
            .chain([".\r\n".to_owned()])
            .collect();
        prop_assert_eq!(read(wire.as_bytes(), &cuts), Some((content.into_bytes(), 0, false)));
    }

    /// A lone CR or LF is seen wherever the bytes were cut, by both readers, as the slow way sees it.
    #[test]
    fn strays_are_seen(text in "[\r\n.a]{0,12}", cuts in prop::collection::vec(0_usize..16, 0..3)) {
        let slow = text.replace("\r\n", "").contains(['\r', '\n']);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
        ends.push(text.len());
        ends.sort_unstable();
        let (mut lines, mut at) = (Lines::default(), 0);
        for end in ends {
            lines.push(&text.as_bytes()[at..end]);
            at = end;
            // What may yet become a line's end is none that stands alone.
            prop_assert!(slow || !lines.has_stray());
        }
        prop_assert_eq!(lines.ends_with_stray(), slow);
    }

    #[test]
    fn no_bytes_end_in_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        swallow(&bytes);
    }

    #[test]
    fn no_commands_end_in_a_panic(lines in prop::collection::vec(
        "(EHLO x|LHLO x|MAIL FROM:<[a-z\"\\\\@>. ]{0,9}>?( SIZE=1| BODY=7BIT)?|RCPT TO:<a@[b>]?|DATA|BDAT [0-9]{1,20}( LAST)?|RSET|STARTTLS|XFORWARD A=B|XCLIENT ADDR=[0-9.]{1,9}|\\.)",
        0..12,
    )) {
        swallow((lines.join("\r\n") + "\r\n").as_bytes());
    }
}

#[test]
fn paths_and_parameters_come_out_as_they_stood() {
    let path = |line: &str| match parse(line.as_bytes()) {
        Ok(Command::Mail { path, parameters } | Command::Rcpt { path, parameters }) => {
            Ok((path, parameters.join(" ")))
        }
        Ok(other) => panic!("{other:?}"),
        Err(reply) => Err(reply.code()),
    };
    for (line, path_of, parameters) in [
        ("MAIL FROM:<a@b.example>", "a@b.example", ""),
        ("mail from: <a@b.example>  SIZE=10 BODY=8BITMIME", "a@b.example", "SIZE=10 BODY=8BITMIME"),
        ("MAIL FROM:<> RET=HDRS ENVID=x+3D", "", "RET=HDRS ENVID=x+3D"),
        ("RCPT TO:<\"a> b\\\"\"@b.example> NOTIFY=NEVER", "\"a> b\\\"\"@b.example", "NOTIFY=NEVER"),
        ("RCPT TO:<@x,@y:a@b.example>", "@x,@y:a@b.example", ""),
        ("RCPT TO:<postmaster>", "postmaster", ""),
        ("MAIL FROM:<bjørn@b.example> SMTPUTF8", "bjørn@b.example", "SMTPUTF8"),
    ] {
        assert_eq!(path(line), Ok((path_of.to_owned(), parameters.to_owned())), "{line}");
    }
    for (line, code) in [
        ("MAIL FROM:a@b.example", 501),
        ("MAIL FROM:<a@b.example", 501),
        ("MAIL FROM:<a@b.example>SIZE=1", 501),
        ("MAIL FROM:<a@b.example> X=1", 555),
        ("MAIL FROM:<a@b.example> BODY=BINARYMIME", 501),
        ("MAIL TO:<a@b.example>", 501),
        ("MAIL", 501),
        ("RCPT TO:<>", 501),
        ("RCPT TO:<a b@b.example>", 501),
        ("RCPT TO:<a@b.example> SIZE=1", 555),
        ("RCPT TO:<a\u{1}@b.example>", 501),
    ] {
        assert_eq!(path(line), Err(code), "{line}");
    }
}

#[test]
fn other_commands() {
    for (line, command) in [
        ("ehlo x", Command::Hello(Hello::Extended)),
        ("LHLO x", Command::Hello(Hello::Local)),
        ("BDAT 10", Command::Bdat { size: 10, last: false }),
        ("BDAT 0 last", Command::Bdat { size: 0, last: true }),
        ("NOOP anything", Command::Noop),
        ("GET / HTTP/1.1", Command::Unknown),
        (
            "XFORWARD name=a ADDR=1.2.3.4",
            Command::XForward(vec![
                ("NAME".to_owned(), "a".to_owned()),
                ("ADDR".to_owned(), "1.2.3.4".to_owned()),
            ]),
        ),
    ] {
        assert_eq!(parse(line.as_bytes()), Ok(command), "{line}");
    }
    for line in ["EHLO", "DATA x", "XFORWARD", "XCLIENT a"] {
        assert_eq!(parse(line.as_bytes()).map_err(|reply| reply.code()), Err(501), "{line}");
    }
    for line in ["BDAT", "BDAT -1", "BDAT 1 LAST x", "BDAT 99999999999999999999", "BDAT 1 2"] {
        assert!(matches!(parse(line.as_bytes()), Ok(Command::Lost(_))), "{line}");
    }
    assert!(parse(b"MAIL FROM:<\xff@b>").is_err());
}
