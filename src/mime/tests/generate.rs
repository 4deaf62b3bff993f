//! Mails that are made: a tree of parts written out well formed, and the same after accidents.

use proptest::prelude::*;

/// A mail as it is meant.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Text { charset: &'static str, encoding: &'static str, text: String, name: Option<String> },
    Multi { subtype: &'static str, boundary: String, preamble: bool, epilogue: bool, parts: Vec<Tree> },
    Message { encoding: &'static str, content: Box<Tree> },
}

/// A tree whose leaves and levels any parser should agree on.
pub(super) fn tree() -> impl Strategy<Value = Tree> {
    grown(prop_oneof![Just("7bit")])
}

/// A tree that also hides messages in encodings.
pub(super) fn odd_tree() -> impl Strategy<Value = Tree> {
    grown(prop_oneof![Just("7bit"), Just("base64"), Just("quoted-printable")])
}

fn grown(message: impl Strategy<Value = &'static str> + Clone + 'static) -> impl Strategy<Value = Tree> {
    let text = "([a-zA-Z0-9=.\u{e6}\u{f8}\u{20ac}_ -]{0,30}\n){0,6}[a-z0-9-]{0,9}";
    let name = prop::option::of("[a-z \u{e6}]{1,12}\\.txt");
    let leaf = (prop::sample::select(vec!["utf-8", "iso-8859-1"]), encodings(), text, name)
        .prop_map(|(charset, encoding, text, name)| Tree::Text { charset, encoding, text, name });
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let subtype = prop::sample::select(vec!["mixed", "alternative", "digest"]);
        let parts = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            3 => (subtype, "[a-zA-Z0-9'=_.-]{1,20}[a-z]", any::<bool>(), any::<bool>(), parts).prop_map(
                |(subtype, boundary, preamble, epilogue, parts)| Tree::Multi { subtype, boundary, preamble, epilogue, parts }
            ),
            1 => (message.clone(), inner)
                .prop_map(|(encoding, content)| Tree::Message { encoding, content: Box::new(content) }),
        ]
    })
}

fn encodings() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["7bit", "8bit", "base64", "quoted-printable"])
}

impl Tree {
    /// Writes the mail with CRLF. Boundaries get their level, so that none is another's beginning.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = b"From: a@kommune.example\r\nSubject: =?utf-8?Q?pr=C3=B8ve?=\r\n".to_vec();
        self.write_part(0, &mut out);
        out
    }

    fn write_part(&self, level: usize, out: &mut Vec<u8>) {
        match self {
            Self::Text { charset, encoding, text, name } => {
                out.extend(format!("Content-Type: text/plain;\r\n\tcharset=\"{charset}\"\r\n").bytes());
                out.extend(format!("Content-Transfer-Encoding: {encoding}\r\n").bytes());
                if let Some(name) = name {
                    out.extend(b"Content-Disposition: attachment; filename*=utf-8''".iter());
                    out.extend(name.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()));
                    out.extend(b"\r\n");
                }
                out.extend(b"\r\n");
                encode(encoding, text.replace('\n', "\r\n").as_bytes(), out);
            }
            Self::Message { encoding, content } => {
                out.extend(b"Content-Type: message/rfc822\r\n");
                out.extend(format!("Content-Transfer-Encoding: {encoding}\r\n\r\n").bytes());
                let mut inner = b"Subject: inner\r\n".to_vec();
                content.write_part(level + 1, &mut inner);
                encode(encoding, &inner, out);
            }
            Self::Multi { subtype, boundary, preamble, epilogue, parts } => {
                let line = format!("{level}{boundary}{level}");
                out.extend(format!("Content-Type: multipart/{subtype}; boundary=\"{line}\"\r\n\r\n").bytes());
                if *preamble {
                    out.extend(b"hidden before\r\n");
                }
                for part in parts {
                    out.extend(format!("--{line}\r\n").bytes());
                    part.write_part(level + 1, out);
                    out.extend(b"\r\n");
                }
                out.extend(format!("--{line}--").bytes());
                if *epilogue {
                    out.extend(b"\r\nhidden after");
                }
            }
        }
    }
}

/// Writes `bytes` in a transfer encoding, as a mail program would.
pub(super) fn encode(encoding: &str, bytes: &[u8], out: &mut Vec<u8>) {
    match encoding {
        "base64" => out.extend(base64(bytes).as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..])),
        "quoted-printable" => {
            let mut column = 0;
            for (at, byte) in bytes.iter().enumerate() {
                let line_end =
                    bytes[at..].starts_with(b"\r\n") || *byte == b'\n' && bytes[..at].ends_with(b"\r");
                let plain = line_end || (byte.is_ascii_graphic() && *byte != b'=');
                if column > 70 && !line_end {
                    out.extend(b"=\r\n");
                    column = 0;
                }
                if plain {
                    out.push(*byte);
                } else {
                    out.extend(format!("={byte:02X}").bytes());
                }
                column = if *byte == b'\n' && line_end { 0 } else { column + if plain { 1 } else { 3 } };
            }
        }
        _ => out.extend(bytes),
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().chain([&0; 2]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for letter in 0..4 {
            let six = bits >> (18 - 6 * letter) & 63;
            out.push(if letter <= group.len() { char::from(alphabet[six]) } else { '=' });
        }
    }
    out
}

/// Lines that mean trouble wherever they stand.
const TROUBLE: [&str; 24] = [
    "\r\n",
    "\n",
    "\r",
    " \r\n",
    "--\n",
    "--0a0\r\n",
    "--0a0--\r\n",
    "--0a0-- x\n",
    "-",
    "no header here\r\n",
    "X: y\n",
    "Content-Type: multipart/mixed; boundary=0a0\r\n",
    "Content-Type: message/rfc822\n",
    "\r\n--0a0 \t \r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable (x);\n",
    "MDEw!MTkw\r\n",
    "\0\0a\0",
    "=\r\n",
    "= \t",
    "From x y\n",
    "A: b\rc\r\n",
    " \n",
    "Subject : =?utf-16?b?ADE?= =?=?\r\n",
];

/// A mail after accidents: lines lost, doubled, moved and invented.
pub(super) fn accident() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0..6, prop::sample::select(TROUBLE.to_vec()));
    (odd_tree(), prop::collection::vec(change, 0..8), 0..3).prop_map(|(tree, changes, ends)| {
        let mail = tree.write();
        let mut lines: Vec<Vec<u8>> =
            mail.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        for (place, what, trouble) in changes {
            let at = place.index(lines.len());
            match what {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[at].clone()),
                2 => {
                    let to = lines.len() - 1 - at;
                    lines.swap(at, to);
                }
                _ => lines.insert(at, trouble.as_bytes().to_vec()),
            }
            if lines.is_empty() {
                lines.push(Vec::new());
            }
        }
        let mail = lines.concat();
        match ends {
            0 => mail,
            1 => bare(&mail),
            // Mixed: every third line loses its return.
            _ => {
                let line = |(at, line): (usize, &[u8])| if at % 3 == 0 { bare(line) } else { line.to_vec() };
                mail.split_inclusive(|byte| *byte == b'\n').enumerate().flat_map(line).collect()
            }
        }
    })
}

/// The same text with bare line feeds.
pub(super) fn bare(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => out.extend(line.iter().chain(b"\n")),
            None => out.extend(line),
        }
    }
    out
}
