//! Each rule by a small mail, once with bare line feeds and once with CRLF.

use super::record::Record;
use crate::mime::{Class, HeaderFilter, HeaderName, Limits, Problem, TransferEncoding};

/// Walks the mail with both line ends. What is entered must be the same but for the line ends in the data.
fn both(mail: &str) -> Record {
    let crlf = Record::whole(mail.replace('\n', "\r\n").as_bytes());
    let bare = Record::whole(mail.as_bytes());
    let plain: Vec<String> = crlf.sketch().iter().map(|line| line.replace("\\r\\n", "\\n")).collect();
    assert_eq!(plain, bare.sketch(), "CRLF and LF differ");
    assert_eq!(crlf.problems(), bare.problems(), "CRLF and LF differ");
    assert_eq!(crlf.headers(), bare.headers(), "CRLF and LF differ");
    bare
}

#[track_caller]
fn expect(mail: &str, sketch: &[&str], problems: &[Problem]) {
    let record = both(mail);
    assert_eq!(record.sketch(), sketch, "\n{mail}");
    assert_eq!(record.problems(), problems, "\n{mail}");
}

#[test]
fn plain() {
    expect("A: b\n\nhej\n", &[r#"1 Leaf "hej\n""#], &[]);
    expect("A: b\n\n", &[r#"1 Leaf """#], &[]);
    expect("A: b", &[r#"1 Leaf """#], &[]);
    expect("", &[r#"1 Leaf """#], &[]);
    expect("\nhej", &[r#"1 Leaf "hej""#], &[]);
    expect("From a b\nA: b\n\nhej", &[r#"1 Leaf "hej""#], &[]);
}

#[test]
fn paths_are_those_of_imap() {
    expect(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\n\
         Content-Type: multipart/mixed; boundary=c\n\n--c\n\ntwo\n--c--\n--b\nContent-Type: message/rfc822\n\n\
         Subject: x\n\nthree\n--b--\n",
        &[
            r#"0 Multipart """#,
            r#"1 Leaf "one""#,
            r#"2 Message """#,
            r#"2 Multipart """#,
            r#"2.1 Leaf "two""#,
            r#"3 Message """#,
            r#"3.1 Leaf "three""#,
        ],
        &[],
    );
}

#[test]
fn margins_are_parts() {
    expect(
        "Content-Type: multipart/mixed; boundary=b\n\nbefore\n\n--b\n\n--b--\nafter\n",
        &[
            r#"0 Multipart """#,
            r#"0.preamble Preamble "before\n""#,
            r#"1 Leaf """#,
            r#"0.epilogue Epilogue "after\n""#,
        ],
        &[],
    );
}

#[test]
fn an_outer_delimiter_ends_an_unclosed_multipart() {
    expect(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n\
         --b\n\ntwo\n",
        &[r#"0 Multipart """#, r#"1 Multipart """#, r#"1.1 Leaf "one""#, r#"2 Leaf "two\n""#],
        &[Problem::UnclosedMultipart, Problem::UnclosedMultipart],
    );
}

#[test]
fn boundaries_that_fail() {
    let text = [r#"0 Multipart """#, r#"0.preamble Preamble "hej\n--b\n""#];
    expect("Content-Type: multipart/mixed\n\nhej\n--b\n", &text, &[Problem::NoBoundary]);
    expect("Content-Type: multipart/mixed; boundary=c\n\nhej\n--b\n", &text, &[Problem::BoundaryNeverSeen]);
    expect(
        "Content-Type: multipart/mixed; boundary=b; boundary=c\n\n--b\n\nx\n--b--",
        &[r#"0 Multipart """#, r#"1 Leaf "x""#],
        &[Problem::ConflictingType],
    );
}

#[test]
fn delimiter_lines() {
    let head = "Content-Type: multipart/mixed; boundary=\"b b\"\n\n";
    let one = [r#"0 Multipart """#, r#"1 Leaf "x\n""#];
    expect(&format!("{head}--b b \t\n\nx\n\n--b b-- \n"), &one, &[]);
    expect(&format!("{head}--b b\n\nx\n\n--b b--"), &one, &[]);
    expect(
        &format!("{head}--b b\n\nx\n--b bc\n--b b--"),
        &[r#"0 Multipart """#, r#"1 Leaf "x\n--b bc""#],
        &[Problem::DelimiterJunk],
    );
    expect(
        &format!("{head}--b b\n\nx\n--b b--\n--b b\n\ny"),
        &[r#"0 Multipart """#, r#"1 Leaf "x""#, r#"2 Leaf "y""#],
        &[Problem::PartAfterClose],
    );
}

#[test]
fn an_inner_multipart_may_reuse_the_boundary() {
    expect(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n\
         --b--\n--b\n\ntwo\n--b--\n",
        &[r#"0 Multipart """#, r#"1 Multipart """#, r#"1.1 Leaf "one""#, r#"2 Leaf "two""#],
        &[],
    );
}

#[test]
fn headers_are_told_before_their_entity() {
    let record = both(
        "Subject : =?utf-8?Q?K=C3=A6re?=\n =?utf-8?Q?_Bo?=\nMESSAGE-ID: <=?x@y>\nX-Y: z\nTo: Bo\n\t<b@c>\n\
         Content-Type: multipart/mixed; boundary=b\n\n\n--b\nContent-Description: d\n\nx\n--b--",
    );
    let told: Vec<_> = record.headers();
    let told: Vec<_> =
        told.iter().map(|(path, name, line, text)| (path.as_str(), *name, *line, text.as_str())).collect();
    assert_eq!(
        told,
        [
            ("0", HeaderName::Subject, 1, "K\u{e6}re Bo"),
            ("0", HeaderName::MessageId, 3, "<=?x@y>"),
            ("0", HeaderName::To, 5, "Bo\t<b@c>"),
            ("1", HeaderName::ContentDescription, 11, "d"),
        ]
    );
}

#[test]
fn other_headers() {
    let filter = HeaderFilter::new(["received", "x-ms-*"]).into();
    let mut record = Record::default();
    let mut walker = crate::mime::Walker::new().with_headers(filter);
    walker.feed(
        b"From a@b 150379\nX-Sag: 7\n =?utf-8?q?=38?=\nReceived: x\nX-MS-A: y\nX-Ab : z\n\n",
        &mut record,
    );
    walker.finish(&mut record);
    assert_eq!(record.others(), ["1 From: From a@b 150379", "2 X-Sag: 7 8", "6 X-Ab: z"]);
    assert_eq!(Record::whole(b"X-Sag: 7\n\n").others(), [""; 0]);
}

#[test]
fn what_is_no_header_begins_the_body() {
    expect("Subject: x\nhej Bo\nA: b\n", &[r#"1 Leaf "hej Bo\nA: b\n""#], &[Problem::MissingBlankLine]);
    expect("hej Bo\n", &[r#"1 Leaf "hej Bo\n""#], &[Problem::MissingBlankLine]);
    expect(
        "Content-Type: multipart/mixed; boundary=b\n--b\n\nx\n--b--\n",
        &[r#"0 Multipart """#, r#"1 Leaf "x""#],
        &[Problem::MissingBlankLine],
    );
}

#[test]
fn a_part_may_end_in_its_header() {
    expect(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b\n--b--\n",
        &[r#"0 Multipart """#, r#"1 Leaf """#, r#"2 Leaf """#],
        &[],
    );
}

/// Found by the fuzzer: the line ends the block that opens a message, and is the first of that message too.
#[test]
fn a_message_may_be_half_a_line() {
    expect(
        "Content-Type: message/rfc822\nhej 150379",
        &["1 Message \"\"", "1.1 Leaf \"hej 150379\""],
        &[Problem::MissingBlankLine, Problem::MissingBlankLine],
    );
}

#[test]
fn odd_lines_in_headers() {
    expect("A: b\n \nC: d\n\nx", &[r#"1 Leaf "x""#], &[Problem::BlankFold]);
    expect("A: b\n \n\nx", &[r#"1 Leaf "x""#], &[]);
    expect("A: b\rC: d\n\nx", &[r#"1 Leaf "x""#], &[Problem::BareCr]);
}

#[test]
fn fields_that_contradict() {
    let text = "Content-Type: text/plain\nContent-Type: text/html\n\nx";
    assert_eq!(both(text).parts()[0].0.media, "text/plain");
    assert_eq!(both(text).problems(), [Problem::ConflictingType]);
    expect(
        "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\nMDE=",
        &[r#"1 Leaf "MDE=""#],
        &[Problem::ConflictingEncoding],
    );
    expect("Content-Type: text/plain\nContent-Type: text/plain\n\nx", &[r#"1 Leaf "x""#], &[]);
}

#[test]
fn encodings_are_forgiven_their_spelling() {
    for spelling in ["base64", "BASE64;", "\"base64\"", "base64 (x)", " Base64 ; x=y"] {
        expect(&format!("Content-Transfer-Encoding: {spelling}\n\nMDEw\n"), &[r#"1 Leaf "010""#], &[]);
    }
    expect("Content-Transfer-Encoding: x-foo\n\nMDEw", &[r#"1 Leaf "MDEw""#], &[Problem::UnknownEncoding]);
    expect("Content-Transfer-Encoding: base64\n\nMD!Ew", &[r#"1 Leaf "010""#], &[Problem::Base64Junk]);
    expect(
        "Content-Transfer-Encoding: base64\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--",
        &[r#"0 Multipart """#, r#"1 Leaf "x""#],
        &[Problem::EncodedMultipart],
    );
}

#[test]
fn encoded_messages_are_messages() {
    let inner = "Subject: =?utf-8?Q?x?=\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--";
    for encoding in ["base64", "quoted-printable", "8bit"] {
        let mut body = Vec::new();
        super::generate::encode(encoding, inner.replace('\n', "\r\n").as_bytes(), &mut body);
        let mail = format!(
            "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\r\n{}\r\n--o--\r\n",
            String::from_utf8(body).unwrap()
        );
        let record = Record::whole(mail.as_bytes());
        let sketch = [r#"0 Multipart """#, r#"1 Message """#, r#"1 Multipart """#, r#"1.1 Leaf "one""#];
        assert_eq!(record.sketch(), sketch, "{encoding}");
        assert_eq!(record.problems(), [], "{encoding}");
        assert_eq!(record.headers()[0].0, "1");
        assert_eq!(record.raw(), mail.as_bytes());
    }
}

#[test]
fn defaults_and_digests() {
    expect(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\none\n--b\nContent-Type: text/plain\n\ntwo\n--b--",
        &[r#"0 Multipart """#, r#"1 Message """#, r#"1.1 Leaf "one""#, r#"2 Leaf "two""#],
        &[],
    );
    for media in ["message/delivery-status", "message/partial", "text/rfc822-headers"] {
        expect(&format!("Content-Type: {media}\n\nA: b\n"), &[r#"1 Leaf "A: b\n""#], &[]);
    }
}

#[test]
fn charsets() {
    let record = both("Content-Type: text/plain; charset=SCSU\n\nx");
    assert_eq!(record.parts()[0].0.charset.as_deref(), Some("scsu"));
    assert_eq!(record.problems(), [Problem::UnreadableCharset]);
    expect("Content-Type: text/plain; charset=UTF-7\n\n+ADA-1", &[r#"1 Leaf "01""#], &[]);
    let utf16 = "Content-Transfer-Encoding: base64\n\nMAAxADAAMQA5ADAA";
    expect(utf16, &[r#"1 Leaf "010190""#], &[]);
    expect(&format!("Content-Type: image/png\n{utf16}"), &["1 Leaf \"0\\01\\00\\01\\09\\00\\0\""], &[]);
    expect(
        "Content-Type: text/plain; charset=utf-16\n\nhej",
        &[r#"1 Leaf "hej""#],
        &[Problem::CharsetMismatch],
    );
}

#[test]
fn file_names() {
    for fields in [
        "Content-Disposition: attachment; filename=\"=?utf-8?Q?K=C3=A6re?=\"",
        "Content-Disposition: attachment; filename*0*=utf-8''K%C3;\n filename*1*=%A6re",
        "Content-Type: text/plain; name*=iso-8859-1''K%E6re",
    ] {
        let parts = both(&format!("{fields}\n\n")).parts();
        assert_eq!(parts[0].0.filename.as_deref(), Some("K\u{e6}re"), "{fields}");
    }
}

#[test]
fn limits() {
    let mail = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--";
    let record = Record::of(Limits { depth: 0, ..Limits::default() }, [&mail[..]]);
    assert_eq!(record.sketch(), ["1 Leaf \"--b\\n\\nx\\n--b--\""]);
    assert_eq!(record.problems(), [Problem::TooDeep]);
    let short = Limits { header_bytes: 4, ..Limits::default() };
    let record = Record::of(short, [&b"Subject: abcdef\nX-Long: abcdef\n\nx"[..]]);
    assert_eq!(record.headers()[0].3, "abc");
    assert_eq!(record.problems(), [Problem::HeaderTooLong]);
}

#[test]
fn what_follows_too_many_parts_is_one_text() {
    let mail = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n\ny\n--b\n\nz\n--b--\nend";
    for cut in [1, 7, mail.len()] {
        let record = Record::of(Limits { parts: 2, ..Limits::default() }, mail.chunks(cut));
        let rest = "0.epilogue Epilogue \"\\nz\\n--b--\\nend\"";
        assert_eq!(record.sketch(), ["0 Multipart \"\"", "1 Leaf \"x\"", "2 Leaf \"y\"", rest], "by {cut}");
        assert_eq!(record.problems(), [Problem::TooManyParts]);
    }
    // Those of an encoded message are parts too.
    let inner = "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c\n\ny\n--c--\n";
    let inner = inner.replace('=', "=3D").replace("--", "=2D=2D");
    let part = format!(
        "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n{inner}\n"
    );
    let mail = format!("Content-Type: multipart/mixed; boundary=b\n\n{part}{part}--b--\n");
    let problems = |parts| Record::of(Limits { parts, ..Limits::default() }, [mail.as_bytes()]).problems();
    assert_eq!((problems(6), problems(5)), (vec![], vec![Problem::TooManyParts]));
}

#[test]
fn problems_have_classes() {
    assert_eq!(Problem::Base64Junk.class(), Class::Damaged);
    assert_eq!(Problem::MissingBlankLine.class(), Class::Ambiguous);
    assert_eq!(Problem::TooDeep.class(), Class::Limit);
    assert_eq!(TransferEncoding::read(b"7BIT"), TransferEncoding::SevenBit);
}
