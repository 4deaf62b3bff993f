//! Header fields. Read raw in any pieces: the same as whole, and what has no encoded word comes out as it stands. Written as
//! RFC 2047 and RFC 2231 have it, from words that are known: the words come out, and mailparse reads the same.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;
#[path = "../shared/record.rs"]
mod record;

use brevdue::mime::Limits;
use record::{Event, Record};
use std::fmt::Write;

fn headers(record: &Record) -> impl Iterator<Item = (&[u8], &[u8])> {
    record.events.iter().filter_map(|event| match event {
        Event::Header { name, text, .. } => Some((name.as_slice(), text.as_slice())),
        _ => None,
    })
}

/// Any bytes as the value of a field, and as a header block of their own.
fn raw(input: &[u8]) {
    let Some((bytes, pieces)) = cut::cut(input) else { return };
    for start in
        ["Subject: ", "Content-Type: text/plain; name=", "Content-Disposition: attachment; filename*=", ""]
    {
        let whole = [start.as_bytes(), bytes].concat();
        let mut cut = vec![start.as_bytes()];
        cut.extend(&pieces);
        Record::of(Limits::default(), &cut).assert_same(&Record::of(Limits::default(), &[&whole]));
    }
    // One field, folded wherever it has a line break.
    let value: Vec<u8> =
        bytes.iter().flat_map(|byte| if *byte == b'\n' { b"\n ".to_vec() } else { vec![*byte] }).collect();
    let record = Record::of(Limits::default(), &[b"Subject:", &value, b"\n\n"]);
    let (name, text) = headers(&record).next().unwrap();
    assert_eq!(name, b"Subject");
    if !value.windows(2).any(|two| two == b"=?") {
        let lines: Vec<&[u8]> = value.split(|byte| *byte == b'\n').collect();
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
        assert_eq!(text, lines.concat().trim_ascii());
    }
}

/// Letters of all kinds, none of which ends or begins what is written around them.
const LETTERS: [char; 16] = ['a', '0', '1', '9', '-', 'B', 'æ', 'Ø', 'å', 'é', '?', '=', '_', '\'', '%', '.'];

/// Takes words off the input: a length, then the letters.
fn word(input: &mut &[u8]) -> Option<String> {
    let (length, rest) = input.split_first()?;
    let (letters, rest) = rest.split_at_checked(1 + usize::from(length % 12))?;
    *input = rest;
    Some(letters.iter().map(|letter| LETTERS[usize::from(*letter) % LETTERS.len()]).collect())
}

fn latin(word: &str) -> Vec<u8> {
    word.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let letter = alphabet[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at > group.len() { '=' } else { letter.into() });
        }
    }
    out
}

fn percent(bytes: &[u8], sign: char) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b'a' | b'0' | b'1' | b'9' | b'B' => out.push((*byte).into()),
            _ => write!(out, "{sign}{byte:02X}").unwrap(),
        }
    }
    out
}

/// RFC 2047: words as they are and encoded words, with blanks between.
fn words(mut input: &[u8]) {
    let (mut written, mut meant, mut was_encoded) = (String::from("x"), String::from("x"), false);
    while let Some((how, rest)) = input.split_first() {
        input = rest;
        let Some(word) = word(&mut input) else { break };
        let encoded = match how % 6 {
            0 => format!("=?utf-8?Q?{}?=", percent(word.as_bytes(), '=')),
            1 => format!("=?UTF-8?b?{}?=", base64(word.as_bytes())),
            2 => format!("=?iso-8859-1?q?{}?=", percent(&latin(&word), '=')),
            3 => format!("=?ISO-8859-1?B?{}?=", base64(&latin(&word))),
            _ => String::new(),
        };
        let blank = if how & 0x80 == 0 { " " } else { "\r\n " };
        if encoded.is_empty() {
            let plain: String =
                word.chars().filter(|letter| letter.is_ascii() && !"?=".contains(*letter)).collect();
            written += &format!("{blank}{plain}.");
            meant += &format!(" {plain}.");
        } else {
            written += &format!("{blank}{encoded}");
            meant += &format!("{}{word}", if was_encoded { "" } else { " " });
        }
        was_encoded = !encoded.is_empty();
    }
    let field = format!("Subject: {written}\r\n\r\n");
    let record = Record::of(Limits::default(), &[field.as_bytes()]);
    let (_, text) = headers(&record).next().unwrap();
    assert_eq!(String::from_utf8_lossy(text), meant, "{written}");
    let (header, _) = mailparse::parse_header(field.as_bytes()).unwrap();
    assert_eq!(header.get_value(), meant, "{written}");
}

/// RFC 2231: a file name, plain, with a charset, or in pieces of both kinds and in any order.
fn parameters(mut input: &[u8]) {
    let Some((form, rest)) = input.split_first() else { return };
    input = rest;
    let mut parts = Vec::new();
    while let Some(part) = word(&mut input) {
        parts.push(part);
        if parts.len() == 12 {
            break;
        }
    }
    if parts.is_empty() {
        return;
    }
    let meant = parts.concat();
    let written = match form % 4 {
        0 => format!("; filename*=utf-8''{}", percent(meant.as_bytes(), '%')),
        1 => format!("; filename*=iso-8859-1'da'{}", percent(&latin(&meant), '%')),
        2 => format!("; filename=\"{}\"", meant.replace('=', "\\=")),
        _ => {
            let piece = |(at, part): (usize, &String)| {
                if at == 0 {
                    format!("; filename*0*=utf-8''{}", percent(part.as_bytes(), '%'))
                } else if part.is_ascii() && form & 4 == 0 {
                    format!(";\r\n filename*{at}=\"{part}\"")
                } else {
                    format!("; FILENAME*{at}*={}", percent(part.as_bytes(), '%'))
                }
            };
            let mut pieces: Vec<String> = parts.iter().enumerate().map(piece).collect();
            let turn = usize::from(form >> 3) % pieces.len();
            pieces.rotate_left(turn);
            pieces.concat()
        }
    };
    // Which an encoded word within a name would be is another question.
    if form % 4 == 2 && meant.contains("=?") {
        return;
    }
    let field = format!("Content-Disposition: attachment{written}\r\n\r\n");
    let record = Record::of(Limits::default(), &[field.as_bytes()]);
    let names = record
        .events
        .iter()
        .find_map(|event| if let Event::Enter { names, .. } = event { Some(names) } else { None });
    // An encoded word is looked for in a name by clients, so the meant one may stand beside another.
    if !meant.contains("=?") {
        assert_eq!(names.unwrap(), &[meant.clone()], "{written}");
    }
    let theirs = mailparse::parse_content_disposition(
        &field["Content-Disposition: ".len()..field.len() - 4].replace("\r\n", ""),
    );
    if form % 4 != 2 {
        assert_eq!(theirs.params.get("filename"), Some(&meant), "{written}");
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, rest)) = input.split_first() else { return };
    match what % 3 {
        0 => raw(rest),
        1 => words(rest),
        _ => parameters(rest),
    }
});
