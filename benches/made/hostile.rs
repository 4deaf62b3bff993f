//! Shapes of mail made to hurt, at any size: the same for the bench that counts them and for the tests.

/// A shape.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// The size at which such mail was met or feared, in bytes.
    pub(crate) full: usize,
    /// Makes one of about so many bytes.
    pub(crate) make: fn(usize) -> Vec<u8>,
}

const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\n\r\n";
const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n\r\n";
const BASE64: &str = "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n";
const QUOTED: &str = "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";

fn of(head: &str, unit: &str, bytes: usize) -> Vec<u8> {
    [head.as_bytes(), unit.repeat(bytes / unit.len()).as_bytes()].concat()
}

fn nested(bytes: usize) -> Vec<u8> {
    let mut mail = String::new();
    let mut depth = 0;
    while mail.len() < bytes {
        mail += &format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");
        depth += 1;
    }
    mail.into_bytes()
}

/// 64 open multiparts, which every line that begins with dashes is compared with.
fn dashes_in_the_deep(bytes: usize) -> Vec<u8> {
    let mut mail = String::new();
    for depth in 0..64 {
        mail +=
            &format!("Content-Type: multipart/mixed; boundary=same{depth:02}\r\n\r\n--same{depth:02}\r\n");
    }
    mail += "\r\n";
    mail += "--same";
    mail += &"\r\n--sam".repeat(bytes / 7);
    mail.into_bytes()
}

const fn shape(name: &'static str, full: usize, make: fn(usize) -> Vec<u8>) -> Shape {
    Shape { name, full, make }
}

const MB: usize = 1_000_000;

/// Each by its name.
pub(crate) const SHAPES: [Shape; 58] = [
    // 200,000 of them.
    shape("parts", 7 * MB / 5, |n| of(MIXED, "--b\r\n\r\n", n)),
    shape("parts with headers", 8 * MB, |n| {
        of(MIXED, "--b\r\nContent-Type: text/plain; name=a\r\n\r\nx\r\n", n)
    }),
    // 100,000 deep.
    shape("depth", 6 * MB, nested),
    shape("messages in messages", 31 * MB / 10, |n| of("", "Content-Type: message/rfc822\r\n\r\n", n)),
    // A million.
    shape("headers", 6 * MB, |n| of("", "A: b\r\n", n)),
    shape("named headers", 12 * MB, |n| of("", "Subject: 1\r\n", n)),
    shape("folds", 4 * MB, |n| of("Subject: x\r\n", " y\r\n", n)),
    shape("one encoded word", MB, |n| {
        [b"Subject: =?utf-8?Q?".as_slice(), &b"=31".repeat(n / 3), b"?=\r\n\r\nx"].concat()
    }),
    shape("encoded words", MB, |n| of("Subject: ", "=?utf-8?Q?1?= ", n)),
    shape("beginnings of encoded words", MB, |n| of("Subject: ", "=?=?=?", n)),
    shape("beginnings of encoded words in a text", 20 * MB, |n| of(TEXT, "=?=?=?", n)),
    shape("beginnings with a charset", MB, |n| of("Subject: ", "=?a?b?", n)),
    shape("parameters", MB, |n| of("Content-Type: text/plain", "; a=b", n)),
    shape("pieces of a parameter", MB, |n| {
        let mut mail = "Content-Type: text/plain".to_owned();
        for nr in 0..n / 16 {
            mail += &format!(";\r\n name*{nr}=x");
        }
        mail.into_bytes()
    }),
    shape("quotes", MB, |n| of("Content-Type: text/plain; name=\"", "\\\"", n)),
    shape("comments", MB, |n| of("Content-Transfer-Encoding: ", "((", n)),
    shape("boundary lines", 20 * MB, |n| of(MIXED, "--b\n", n)),
    shape("dashes", 8 * MB, |n| of(MIXED, "--b\r\nx: \r\n--bb\r\n", n)),
    shape("lines of the boundary and more", 8 * MB, |n| of(MIXED, "--b x\r\n", n)),
    shape("dashes in the deep", 8 * MB, dashes_in_the_deep),
    shape("line breaks in base64", 20 * MB, |n| of(BASE64, "\r\n", n)),
    shape("junk in base64", 8 * MB, |n| of(BASE64, "*A", n)),
    shape("padding in base64", 8 * MB, |n| of(BASE64, "MQ==", n)),
    shape("equals signs", 8 * MB, |n| of(QUOTED, "=", n)),
    shape("blanks in quoted-printable", 8 * MB, |n| of(QUOTED, "          =", n)),
    shape("soft breaks", 8 * MB, |n| of(QUOTED, "=\r\n", n)),
    shape("a digit a line", 20 * MB, |n| of(TEXT, "1\r\n", n)),
    shape("only digits", 20 * MB, |n| of(TEXT, "1503791028", n)),
    shape("dates and joints", 8 * MB, |n| of(TEXT, "15.03.79 -\u{200b}\u{200b}\u{200b}", n)),
    shape("every twelve bytes a number", 8 * MB, |n| of(TEXT, "150379-1028 ", n)),
    // Those pass modulus 11, these do not.
    shape("a number a line", 8 * MB, |n| of(TEXT, "1503791028\r\n", n)),
    shape("a wrong number a line", 8 * MB, |n| of(TEXT, "150379-1234\n", n)),
    shape("wrong numbers that are named", 8 * MB, |n| of(TEXT, "CPR 150379-1234 ", n)),
    shape("numbers that are named", 8 * MB, |n| of(TEXT, "CPR 150379-1028 ", n)),
    shape("ten digits that are named", 8 * MB, |n| of(TEXT, "CPR 1503791234\n", n)),
    shape("numbers on long lines of a table", 8 * MB, |n| {
        of(TEXT, &format!("{}\n", "1503791028;".repeat(170)), n)
    }),
    shape("headings that are none", 8 * MB, |n| {
        let row = format!("{}b\n", "1503791028;".repeat(59));
        of(TEXT, &format!("{}123456;{row}", "x;".repeat(57)), n)
    }),
    shape("cells and no row", 8 * MB, |n| of(HTML, "<td>1503791028</td>", n)),
    shape("paragraphs with headings", 8 * MB, |n| of(HTML, "<p>a</p><p>1503791028</p>", n)),
    shape("tables in tables", 8 * MB, |n| of(HTML, "<table><tr><td>1503791028", n)),
    shape("emoji", 8 * MB, |n| of(TEXT, "\u{1F600}", n)),
    shape("wide marks", 8 * MB, |n| of(TEXT, "\u{FF01}", n)),
    shape("nothing", 8 * MB, |n| of(TEXT, "\0", n)),
    shape("files that begin", 8 * MB, |n| of(TEXT, "begin 644 x\r\n", n)),
    shape("files of one line", 8 * MB, |n| of(TEXT, "begin 644 x\r\n#0V%T\r\n", n)),
    shape("halves of a word", 8 * MB, |n| of(TEXT, "\nbegi\nbegin", n)),
    shape("other headers", 8 * MB, |n| of("", "X-A1: 1\r\n", n)),
    shape("one other header", MB, |n| of("X-A: ", "=?utf-8?Q?1?= 1", n)),
    shape("dashes in a preamble", 8 * MB, |n| of(MIXED, "--x\r\n", n)),
    shape("boundaries that were guessed", 8 * MB, |n| {
        of("Content-Type: multipart/mixed\r\n\r\n", "--x\r\n--y\r\n", n)
    }),
    shape("boundaries with junk", 8 * MB, |n| of(MIXED, "--b\r\n--b x\r\n", n)),
    shape("parts with two types", 8 * MB, |n| {
        of(MIXED, "--b\r\nContent-Type: text/a\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n", n)
    }),
    shape("odd parts", 8 * MB, |n| {
        of(MIXED, "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n*A\r\nA 1503791028\r\n", n)
    }),
    shape("base64 that nothing says", 8 * MB, |n| of(TEXT, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\r\n", n)),
    shape("UTF-7", 8 * MB, |n| of("Content-Type: text/plain; charset=utf-7\r\n\r\n", "+ADA-+-", n)),
    shape("returns", 8 * MB, |n| of("X: y\r\rz: \r", "\r", n)),
    shape("wrong numbers in base64", 8 * MB, |n| of(BASE64, "MTUwMzc5LTEyMzQK\r\n", n)),
    shape("wrong numbers in quoted-printable", 8 * MB, |n| of(QUOTED, "150379-1234=\r\n", n)),
];
