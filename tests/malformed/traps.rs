//! The table. A trap is a mail for a number, what is expected of it, and whether its lines may end in CRLF too.

pub(super) struct Trap {
    pub(super) name: &'static str,
    pub(super) make: fn(&str) -> Vec<u8>,
    pub(super) expect: Expect,
    /// Whether line feeds in it are ends of lines.
    pub(super) lines: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// The number is found.
    Seen,
    /// It is found, and the mail is said to be odd, since its readings differ.
    SeenAndFlagged,
    /// It is not found, and the mail is said not to be read whole.
    Flagged,
}

use Expect::{Flagged, Seen, SeenAndFlagged};

const fn trap(name: &'static str, expect: Expect, make: fn(&str) -> Vec<u8>) -> Trap {
    Trap { name, make, expect, lines: true }
}

/// As `trap`, of bytes that are not lines of ASCII.
const fn raw(name: &'static str, expect: Expect, make: fn(&str) -> Vec<u8>) -> Trap {
    Trap { name, make, expect, lines: false }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: impl AsRef<[u8]>) -> String {
    let mut out = String::new();
    for group in bytes.as_ref().chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * at) & 63];
            out.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Base64 in lines, as mail has it.
fn lines(bytes: impl AsRef<[u8]>) -> String {
    base64(bytes).as_bytes().chunks(60).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect()
}

/// Every byte escaped.
fn quoted(text: &str) -> String {
    text.bytes().map(|byte| format!("={byte:02X}")).collect()
}

fn uuencoded(name: &str, text: &str) -> String {
    let letter = |six: usize| if six == 0 { '`' } else { char::from(u8::try_from(six).unwrap() + 0x20) };
    let mut out = format!("begin 644 {name}\n");
    for line in text.as_bytes().chunks(45) {
        out.push(letter(line.len()));
        for group in line.chunks(3) {
            let bits =
                (0..3).fold(0, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
            (0..4).for_each(|at| out.push(letter(bits >> (18 - 6 * at) & 63)));
        }
        out.push('\n');
    }
    out + "`\nend\n"
}

fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// Letters, digits and the signs that are used here, in any EBCDIC page.
fn ebcdic(text: &str) -> Vec<u8> {
    let byte = |letter: u8| match letter {
        b'0'..=b'9' => 0xf0 + (letter - b'0'),
        b'A'..=b'I' => 0xc1 + (letter - b'A'),
        b'J'..=b'R' => 0xd1 + (letter - b'J'),
        b'S'..=b'Z' => 0xe2 + (letter - b'S'),
        b'a'..=b'i' => 0x81 + (letter - b'a'),
        b'j'..=b'r' => 0x91 + (letter - b'j'),
        b's'..=b'z' => 0xa2 + (letter - b's'),
        b'-' => 0x60,
        b'.' => 0x4b,
        b';' => 0x5e,
        b'\n' => 0x15,
        _ => 0x40,
    };
    text.bytes().map(byte).collect()
}

/// A sentence with the number, longer than one line of base64.
fn text(number: &str) -> String {
    format!("Vi har modtaget din henvendelse og vender tilbage. CPR-nr. {number}. Med venlig hilsen Anna\n")
}

/// Header fields that every mail here has, then these, then the body.
fn mail(fields: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut mail = format!("From: Anna <anna@kommune.example>\nSubject: Hej\nMIME-Version: 1.0\n{fields}\n")
        .into_bytes();
    mail.extend_from_slice(body.as_ref());
    mail
}

/// A mail whose body is said to be in this encoding.
fn encoded(encoding: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    mail(&format!("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n"), body)
}

/// A mail in this charset.
fn labelled(charset: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let fields = format!("Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n");
    mail(&fields, lines(body))
}

/// A part in base64.
fn part(number: &str) -> String {
    format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}", lines(text(number)))
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n";
const BASE64: &str = "Content-Transfer-Encoding: base64\n";

/// Mails with this long text in them, read in two ways or in an odd one.
pub(super) fn long(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let odd_part = format!("Content-Type: text/plain\n{BASE64}\n{}", lines(text));
    vec![
        ("base64 with junk", encoded("base64", format!("*{}", lines(text)))),
        ("a footer below base64", encoded("base64", format!("SGVqIEJv\n{text}"))),
        ("base64 that nothing says", mail("", lines(text))),
        ("uuencode", mail("", uuencoded("liste.csv", text))),
        ("UTF-16 called us-ascii", labelled("us-ascii", wide(text, u16::to_le_bytes))),
        ("EBCDIC", labelled("ibm277", ebcdic(text))),
        (
            "two boundaries",
            mail(
                "Content-Type: multipart/mixed; boundary=a; boundary=b\n",
                format!("--b\n{odd_part}--b--\n"),
            ),
        ),
        (
            "UTF-16 attached as bytes",
            mail(&format!("Content-Type: application/x-y\n{BASE64}"), lines(wide(text, u16::to_le_bytes))),
        ),
    ]
}

pub(super) const TRAPS: &[Trap] = &[
    // ---- base64 that is odd ----
    trap("no padding", Seen, |n| encoded("base64", lines(text(n)).replace('=', ""))),
    trap("a junk byte", SeenAndFlagged, |n| encoded("base64", lines(text(n)).replacen('a', "*a", 1))),
    trap("junk after every letter", SeenAndFlagged, |n| {
        encoded("base64", base64(text(n)).chars().map(|letter| format!("{letter}!")).collect::<String>())
    }),
    trap("a line of junk", SeenAndFlagged, |n| encoded("base64", format!("***\n{}", lines(text(n))))),
    trap("a line of words and junk in base64", SeenAndFlagged, |n| {
        encoded("base64", format!("SGVqIEJv\nVersion: 12\n{}", lines(text(n))))
    }),
    trap("base64, then a footer", SeenAndFlagged, |n| {
        encoded("base64", format!("{}-- \nliste@x.example\n", lines(text(n))))
    }),
    trap("a footer behind padding", SeenAndFlagged, |n| {
        encoded("base64", format!("SGVqIEJv\nSGVqIA==\n{}", text(n)))
    }),
    trap("a footer behind no padding", SeenAndFlagged, |n| {
        encoded("base64", format!("SGVqIEJv\n{}", text(n)))
    }),
    trap("two pieces, each padded", SeenAndFlagged, |n| {
        encoded("base64", format!("{}\n{}", base64("Kære Bo"), lines(text(n))))
    }),
    trap("the number in two padded pieces", SeenAndFlagged, |n| {
        encoded("base64", format!("{}\n{}\n", base64(format!("CPR-nr. {}", &n[..6])), base64(&n[6..])))
    }),
    trap("blanks between letters", Seen, |n| {
        encoded("base64", base64(text(n)).chars().map(|letter| format!("{letter} ")).collect::<String>())
    }),
    trap("a letter a line", Seen, |n| {
        encoded("base64", base64(text(n)).chars().map(|letter| format!("{letter}\n")).collect::<String>())
    }),
    trap("one long line", Seen, |n| encoded("base64", base64(text(n)))),
    trap("noughts in base64", SeenAndFlagged, |n| {
        encoded("base64", lines(text(n)).replacen('\n', "\0\n", 1))
    }),
    trap("called base64, and text", SeenAndFlagged, |n| encoded("base64", text(n))),
    trap("called base64, and a few words", Seen, |n| {
        encoded("base64", format!("cpr {}", n.replace('-', "")))
    }),
    trap("called base64, and a number alone", Seen, |n| {
        encoded("base64", format!("cpr{}\n", n.replace('-', "")))
    }),
    trap("called base64, and quoted-printable", SeenAndFlagged, |n| {
        encoded("base64", format!("Kære Bo=2C\nCPR-nr. {n}=\n"))
    }),
    // ---- spellings ----
    trap("base64;", Seen, |n| encoded("base64;", lines(text(n)))),
    trap("\"base64\"", Seen, |n| encoded("\"base64\"", lines(text(n)))),
    trap("base64 (x)", Seen, |n| encoded("base64 (x)", lines(text(n)))),
    trap("(x) base64", Seen, |n| encoded("(x) base64", lines(text(n)))),
    trap("BASE-64", Seen, |n| encoded("BASE-64", lines(text(n)))),
    trap("base 64", Seen, |n| encoded("base 64", lines(text(n)))),
    trap("folded", Seen, |n| encoded("\n\tbase64", lines(text(n)))),
    trap("blanks behind", Seen, |n| encoded("base64 \t ", lines(text(n)))),
    trap("blanks before the colon", Seen, |n| mail("Content-Transfer-Encoding : base64\n", lines(text(n)))),
    trap("no blank after the colon", Seen, |n| mail("CONTENT-TRANSFER-ENCODING:base64\n", lines(text(n)))),
    trap("quoted_printable", Seen, |n| encoded("quoted_printable", quoted(&text(n)))),
    trap("Quoted Printable;", Seen, |n| encoded("Quoted Printable;", quoted(&text(n)))),
    trap("8 bit", Seen, |n| encoded("8 bit", text(n))),
    // ---- encodings that are not said ----
    trap("base64 that nothing says", Seen, |n| mail("Content-Type: text/plain\n", lines(text(n)))),
    trap("base64 that nothing says, one short line", Seen, |n| mail("", base64(format!("CPR-nr. {n}")))),
    trap("base64 called 7bit", Seen, |n| encoded("7bit", lines(text(n)))),
    trap("base64 called 8bit, of UTF-16", Seen, |n| encoded("8bit", lines(wide(&text(n), u16::to_le_bytes)))),
    trap("base64 called quoted-printable", Seen, |n| encoded("quoted-printable", lines(text(n)))),
    trap("base64 called rot13", SeenAndFlagged, |n| encoded("rot13", lines(text(n)))),
    trap("quoted-printable that nothing says", Seen, |n| {
        mail("", format!("K=C3=A6re Bo, {}", quoted(&text(n))))
    }),
    trap("quoted-printable called 7bit, a number in two lines", Seen, |n| {
        encoded("7bit", format!("Hej. CPR-nr. {}=\n{}\n", &n[..5], &n[5..]))
    }),
    // ---- quoted-printable that is odd ----
    trap("an equals sign and a blank", Seen, |n| encoded("quoted-printable", format!("CPR-nr. = {n}"))),
    trap("a soft break in the number", Seen, |n| {
        encoded("quoted-printable", format!("CPR-nr. {}=\n{}", &n[..3], &n[3..]))
    }),
    trap("a soft break with blanks", Seen, |n| {
        encoded("quoted-printable", format!("CPR-nr. {}= \t\n{}", &n[..3], &n[3..]))
    }),
    trap("a soft break of a bare return", Seen, |n| {
        encoded("quoted-printable", format!("CPR-nr. {}=\r{}", &n[..3], &n[3..]))
    }),
    trap("escapes that are none", Seen, |n| encoded("quoted-printable", format!("=zz=4 CPR-nr. {n}=q="))),
    trap("8-bit letters in it", Seen, |n| {
        encoded("quoted-printable", format!("Kære Bo, CPR-nr. {}", quoted(n)))
    }),
    // ---- headers that contradict ----
    trap("7bit, then base64", SeenAndFlagged, |n| {
        mail("Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n", lines(text(n)))
    }),
    trap("base64, then 7bit", SeenAndFlagged, |n| {
        mail("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n", text(n))
    }),
    trap("7bit, then quoted-printable", SeenAndFlagged, |n| {
        mail(
            "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: quoted-printable\n",
            format!("CPR-nr. {}", quoted(n)),
        )
    }),
    trap("text, then multipart", SeenAndFlagged, |n| {
        mail(&format!("Content-Type: text/plain\n{MIXED}"), format!("\n--b\n{}--b--\n", part(n)))
    }),
    trap("multipart, then text", SeenAndFlagged, |n| {
        mail(&format!("{MIXED}Content-Type: text/plain\n{BASE64}"), lines(text(n)))
    }),
    trap("two boundaries in one field, the last", SeenAndFlagged, |n| {
        mail("Content-Type: multipart/mixed; boundary=a; boundary=b\n", format!("--b\n{}--b--\n", part(n)))
    }),
    trap("two boundaries in one field, the first", SeenAndFlagged, |n| {
        mail("Content-Type: multipart/mixed; boundary=b; boundary=a\n", format!("--b\n{}--b--\n", part(n)))
    }),
    trap("two boundaries, each with a part", SeenAndFlagged, |n| {
        let body = format!("--a\n\nHej\n--b\n{}--b--\n--a--\n", part(n));
        mail("Content-Type: multipart/mixed; boundary=a; boundary=b\n", body)
    }),
    trap("two types with two boundaries", SeenAndFlagged, |n| {
        mail(
            &format!("Content-Type: multipart/mixed; boundary=a\n{MIXED}"),
            format!("--b\n{}--b--\n", part(n)),
        )
    }),
    trap("two types in a part", SeenAndFlagged, |n| {
        let part = part(n).replace("Content-Type", "Content-Type: multipart/mixed; boundary=c\nContent-Type");
        mail(MIXED, format!("--b\n{part}--b\n\nHej\n--b--\n"))
    }),
    trap("two charsets in one field", SeenAndFlagged, |n| {
        mail(
            "Content-Type: text/plain; charset=utf-8; charset=utf-7\n",
            format!("CPR-nr. {}+AC0-{}", &n[..6], &n[7..]),
        )
    }),
    trap("two types with two charsets", SeenAndFlagged, |n| {
        let fields = "Content-Type: text/plain\nContent-Type: text/plain; charset=ibm277\nContent-Transfer-Encoding: base64\n";
        mail(fields, lines(ebcdic(&text(n))))
    }),
    trap("two dispositions, a number in the second", SeenAndFlagged, |n| {
        let fields = format!(
            "Content-Disposition: attachment; filename=a.txt\nContent-Disposition: attachment; filename=\"cpr {n}.txt\"\n"
        );
        mail(&fields, "Hej")
    }),
    trap("a multipart called base64, and none", SeenAndFlagged, |n| {
        mail(&format!("{MIXED}{BASE64}"), format!("--b\n{}--b--\n", part(n)))
    }),
    trap("a multipart in base64", SeenAndFlagged, |n| {
        mail(&format!("{MIXED}{BASE64}"), lines(format!("--b\n\n{}--b--\n", text(n))))
    }),
    trap("a message called base64, and none", SeenAndFlagged, |n| {
        mail(
            &format!("Content-Type: message/rfc822\n{BASE64}"),
            format!("From: a@b.example\n{BASE64}\n{}", lines(text(n))),
        )
    }),
    trap("a type that is none", Seen, |n| mail(&format!("Content-Type: tekst\n{BASE64}"), lines(text(n)))),
    trap("an empty type", Seen, |n| mail(&format!("Content-Type:\n{BASE64}"), lines(text(n)))),
    // ---- multiparts ----
    trap("no boundary named", SeenAndFlagged, |n| {
        mail("Content-Type: multipart/mixed\n", format!("--b\n{}--b--\n", part(n)))
    }),
    trap("a boundary that never appears", SeenAndFlagged, |n| {
        mail("Content-Type: multipart/mixed; boundary=a\n", format!("Hej\n\n--b\n{}--b--\n", part(n)))
    }),
    trap("a boundary in the wrong case", SeenAndFlagged, |n| mail(MIXED, format!("--B\n{}--B--\n", part(n)))),
    trap("a boundary in single quotes", SeenAndFlagged, |n| {
        mail("Content-Type: multipart/mixed; boundary='b'\n", format!("--b\n{}--b--\n", part(n)))
    }),
    trap("a boundary that never appears, in a part", SeenAndFlagged, |n| {
        let inner = format!("Content-Type: multipart/alternative; boundary=a\n\n--c\n{}--c--\n", part(n));
        mail(MIXED, format!("--b\n{inner}\n--b--\n"))
    }),
    trap("never closed", Seen, |n| mail(MIXED, format!("--b\n{}", part(n)))),
    trap("no blank line before the boundary", SeenAndFlagged, |n| {
        format!("From: a@b.example\n{MIXED}--b\n{}--b--\n", part(n)).into_bytes()
    }),
    trap("junk behind a boundary", SeenAndFlagged, |n| {
        mail(MIXED, format!("--b\n\nHej\n--b junk\n{}--b--\n", part(n)))
    }),
    trap("junk behind the first boundary", SeenAndFlagged, |n| {
        mail(MIXED, format!("--b junk\n{}--b--\n", part(n)))
    }),
    trap("a part behind the end", SeenAndFlagged, |n| {
        mail(MIXED, format!("--b\n\nHej\n--b--\n--b\n{}", part(n)))
    }),
    trap("in the preamble", Seen, |n| mail(MIXED, format!("{}--b\n\nHej\n--b--\n", text(n)))),
    trap("in the epilogue", Seen, |n| mail(MIXED, format!("--b\n\nHej\n--b--\n{}", text(n)))),
    trap("one boundary within itself", Seen, |n| {
        mail(MIXED, format!("--b\n{MIXED}\n--b\n\nHej\n--b--\n--b\n{}--b--\n", part(n)))
    }),
    trap("a part of headers only", Seen, |n| {
        mail(MIXED, format!("--b\nContent-Description: cpr {n}\n--b--\n"))
    }),
    // ---- lines ----
    trap("no blank line", SeenAndFlagged, |n| {
        format!("From: a@b.example\n{BASE64}Hej Bo\nCPR-nr. {n}\n").into_bytes()
    }),
    trap("no header", Seen, |n| format!("\n{}", text(n)).into_bytes()),
    trap("a blank line before a header of a program", SeenAndFlagged, |n| {
        format!("\nX-CPR: =?utf-8?B?{}?=\nSubject: x\n\nHej", base64(n)).into_bytes()
    }),
    trap("a blank line before the header", SeenAndFlagged, |n| {
        format!("\nFrom: a@b.example\n{BASE64}\n{}", lines(text(n))).into_bytes()
    }),
    trap("a line of blanks in the header", SeenAndFlagged, |n| {
        format!("From: a@b.example\n \nX-CPR: {n}\nSubject: x\n\nHej").into_bytes()
    }),
    raw("bare returns in the body", Seen, |n| encoded("8bit", text(n).replace(' ', "\r"))),
    raw("bare returns only", SeenAndFlagged, |n| {
        format!("From: a@b.example\r\rHej\rCPR-nr. {n}\rHilsen").into_bytes()
    }),
    raw("a bare return in a header", SeenAndFlagged, |n| {
        format!("Subject: x\rX-CPR: {n}\n\nHej").into_bytes()
    }),
    raw("noughts around it", SeenAndFlagged, |n| encoded("8bit", format!("Hej\0 CPR-nr. {n}\0"))),
    // ---- charsets ----
    raw("UTF-16 with a mark and no label", Seen, |n| {
        labelled("", wide(&format!("\u{feff}{}", text(n)), u16::to_be_bytes))
    }),
    raw("UTF-16 with nothing", Seen, |n| mail(BASE64, lines(wide(&text(n), u16::to_be_bytes)))),
    raw("UTF-16 in 8bit", Seen, |n| mail("Content-Type: text/plain\n", wide(&text(n), u16::to_be_bytes))),
    raw("UTF-16 that begins with a quote", Seen, |n| {
        mail(BASE64, lines(wide(&format!("\u{201c}{}", text(n)), u16::to_le_bytes)))
    }),
    raw("UTF-16 called us-ascii", SeenAndFlagged, |n| labelled("us-ascii", wide(&text(n), u16::to_le_bytes))),
    raw("UTF-16 of the other order", SeenAndFlagged, |n| {
        labelled("utf-16be", wide(&text(n), u16::to_le_bytes))
    }),
    raw("UTF-16 of a short name", Seen, |n| labelled("utf16", wide(&text(n), u16::to_le_bytes))),
    raw("UTF-16 behind a label of UTF-16 and ASCII", SeenAndFlagged, |n| {
        let body = [
            b"Her staar en del tekst i ASCII, og den er laengere end det, der ses paa: to gange.".as_slice(),
            &wide(&text(n), u16::to_le_bytes),
        ]
        .concat();
        labelled("utf-16le", body)
    }),
    raw("ASCII called UTF-16", SeenAndFlagged, |n| labelled("utf-16", text(n))),
    raw("UTF-32", Seen, |n| {
        labelled(
            "utf-32be",
            text(n).chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect::<Vec<_>>(),
        )
    }),
    raw("UTF-32 with nothing", Seen, |n| {
        mail(
            BASE64,
            lines(text(n).chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect::<Vec<_>>()),
        )
    }),
    raw("UTF-7", Seen, |n| labelled("utf-7", format!("CPR-nr. {}+AC0-{}", &n[..6], &n[7..]))),
    raw("UTF-7 of every letter", Seen, |n| {
        let body: String = text(n)
            .trim()
            .chars()
            .map(|letter| {
                format!(
                    "+{}-",
                    base64(u16::try_from(u32::from(letter)).unwrap().to_be_bytes()).replace('=', "")
                )
            })
            .collect();
        labelled("unicode-1-1-utf-7", body)
    }),
    raw("not UTF-7, though called so", Seen, |n| labelled("utf-7", format!("CPR-nr. +{n}"))),
    raw("EBCDIC 037", Seen, |n| labelled("ibm037", ebcdic(&text(n)))),
    raw("EBCDIC of Denmark", Seen, |n| labelled("IBM1142", ebcdic(&text(n)))),
    raw("EBCDIC by its own name", Seen, |n| labelled("EBCDIC-DK-NO", ebcdic(&text(n)))),
    raw("EBCDIC with nothing", Seen, |n| mail("", ebcdic(&text(n)))),
    raw("EBCDIC attached as bytes", Seen, |n| {
        mail(&format!("Content-Type: application/octet-stream\n{BASE64}"), lines(ebcdic(&text(n))))
    }),
    raw("ASCII called EBCDIC", SeenAndFlagged, |n| labelled("cp500", text(n))),
    raw("ISO-2022", Seen, |n| labelled("iso-2022-jp", format!("\x1b$B$3$s\x1b(B CPR-nr. {n}"))),
    raw("a charset that is none", Seen, |n| labelled("x-ukendt", text(n))),
    raw("a charset that is not read", Flagged, |n| {
        labelled("bocu-1", n.bytes().map(|byte| byte.wrapping_add(0x50)).collect::<Vec<_>>())
    }),
    raw("UTF-16 attached as bytes", Seen, |n| {
        let fields =
            "Content-Type: application/octet-stream; name=liste.csv\nContent-Transfer-Encoding: base64\n";
        mail(fields, lines(wide(&format!("\u{feff}{}", text(n)), u16::to_le_bytes)))
    }),
    // ---- uuencode ----
    trap("uuencode in a text", Seen, |n| mail("", format!("Hej\n\n{}", uuencoded("a.txt", &text(n))))),
    trap("uuencode by a header", Seen, |n| encoded("x-uuencode", uuencoded("a.txt", &text(n)))),
    trap("uuencode by a header, without begin", Seen, |n| {
        encoded("uuencode", uuencoded("a.txt", &text(n)).split_once('\n').unwrap().1)
    }),
    trap("uuencode without end", Seen, |n| mail("", uuencoded("a.txt", &text(n)).replace("`\nend\n", ""))),
    trap("uuencode with blanks for noughts", Seen, |n| {
        mail("", uuencoded("a.txt", &text(n)).replace('`', " "))
    }),
    trap("uuencode with junk on its lines", Seen, |n| {
        mail("", uuencoded("a.txt", &text(n)).replace('\n', "x\n"))
    }),
    trap("uuencode twice in one text", Seen, |n| {
        mail("", format!("{}\n{}", uuencoded("a.txt", "Hej"), uuencoded("b.txt", &text(n))))
    }),
    trap("uuencode in quoted-printable", Seen, |n| {
        encoded("quoted-printable", uuencoded("a.txt", &text(n)).replace('=', "=3D"))
    }),
    trap("uuencode named after the number", Seen, |n| mail("", uuencoded(&format!("cpr {n}.txt"), "Hej"))),
    trap("the base64 of uuencode", Seen, |n| {
        mail("", format!("begin-base64 644 a\n{}====\n", lines(text(n))))
    }),
    // ---- headers and names ----
    trap("a header of one's own", Seen, |n| mail(&format!("X-CPR: {n}\n"), "Hej")),
    trap("a bare number under a header of one's own", Seen, |n| {
        mail(&format!("X-Borger-CPR: {}\n", n.replace('-', "")), "Hej")
    }),
    trap("a header of one's own, encoded", Seen, |n| {
        mail(&format!("X-Sag: =?utf-8?B?{}?=\n", base64(format!("CPR-nr. {n}"))), "Hej")
    }),
    trap("Thread-Topic", Seen, |n| mail(&format!("Thread-Topic: =?utf-8?Q?cpr_{}?=\n", quoted(n)), "Hej")),
    trap("an encoded word without end", Seen, |n| mail(&format!("Keywords: =?utf-8?Q?cpr {n}\n"), "Hej")),
    trap("an encoded word in UTF-7", Seen, |n| {
        mail(&format!("Comments: =?utf-7?Q?cpr_{}+AC0-{}?=\n", &n[..6], &n[7..]), "Hej")
    }),
    trap("an encoded word in UTF-16", Seen, |n| {
        mail(
            &format!("Comments: =?utf-16?B?{}?=\n", base64(wide(&format!("cpr {n}"), u16::to_be_bytes))),
            "Hej",
        )
    }),
    trap("an encoded word in EBCDIC", Seen, |n| {
        mail(&format!("Comments: =?ibm277?B?{}?=\n", base64(ebcdic(&format!("cpr {n}")))), "Hej")
    }),
    trap("two encoded words", Seen, |n| {
        mail(&format!("Comments: =?utf-8?Q?cpr_{}?=\n =?utf-8?Q?{}?=\n", &n[..5], &n[5..]), "Hej")
    }),
    trap("the line of an mbox", Seen, |n| {
        format!("From cpr-{n}@x.example Mon\nSubject: x\n\nHej").into_bytes()
    }),
    trap("a file name", Seen, |n| mail(&format!("Content-Type: text/plain; name=\"cpr {n}.txt\"\n"), "Hej")),
    trap("a file name beside another", Seen, |n| {
        mail(
            &format!(
                "Content-Type: text/plain; name=\"cpr {n}.txt\"\nContent-Disposition: attachment; filename=a.txt\n"
            ),
            "Hej",
        )
    }),
    trap("a file name in pieces", Seen, |n| {
        mail(
            &format!(
                "Content-Disposition: attachment; filename*0=\"cpr {}\";\n filename*1=\"{}.txt\"\n",
                &n[..5],
                &n[5..]
            ),
            "Hej",
        )
    }),
    trap("a file name in percent signs", Seen, |n| {
        mail(
            &format!(
                "Content-Disposition: attachment; filename*=utf-8''cpr%20{}%2D{}.txt\n",
                &n[..6],
                &n[7..]
            ),
            "Hej",
        )
    }),
    trap("a file name in an encoded word", Seen, |n| {
        mail(
            &format!("Content-Type: text/plain; name=\"=?utf-8?B?{}?=\"\n", base64(format!("cpr {n}.txt"))),
            "Hej",
        )
    }),
    trap("a file name of 8-bit letters", Seen, |n| {
        mail(&format!("Content-Type: text/plain; name=\"Kære cpr {n}\"\n"), "Hej")
    }),
    trap("a file name without quotes", Seen, |n| {
        mail(&format!("Content-Disposition: attachment; filename=cpr {n}.txt\n"), "Hej")
    }),
    trap("a file name of underlines", Seen, |n| {
        mail(&format!("Content-Type: text/plain; name=brev_cpr_{n}_a.txt\n"), "Hej")
    }),
    trap("a file name with %2D as it stands", Seen, |n| {
        mail(&format!("Content-Type: text/plain; name=cpr_{}%2D{}.txt\n", &n[..6], &n[7..]), "Hej")
    }),
    trap("a file name with plus signs", Seen, |n| {
        mail(&format!("Content-Type: text/plain; name=cpr+{n}+brev.txt\n"), "Hej")
    }),
    trap("Content-Location", Seen, |n| {
        mail(&format!("Content-Location: https://x.example/cpr/{n}.html\n"), "Hej")
    }),
    trap("the subject of an attached message", Seen, |n| {
        mail("Content-Type: message/rfc822\n", format!("Subject: cpr {n}\n\nHej"))
    }),
    trap("the name of an attached message", Seen, |n| {
        mail(&format!("Content-Type: message/rfc822; name=\"cpr {n}.eml\"\n"), "Subject: x\n\nHej")
    }),
    trap("an attached message in base64", Seen, |n| {
        mail(
            &format!("Content-Type: message/rfc822\n{BASE64}"),
            lines(format!("Subject: x\n{BASE64}\n{}", lines(text(n)))),
        )
    }),
    trap("called a picture, and text", Seen, |n| {
        mail(&format!("Content-Type: image/png\n{BASE64}"), lines(text(n)))
    }),
];
