//! Archives written byte by byte, each of them lying in another way.

use super::*;
use crate::extract::content::{Event, Limits};
use crate::extract::open;
use std::io::Write;
use std::time::{Duration, Instant};

const NUMBER: &str = "CPR-nr. 150379-1028";

/// A file, as the archive tells of it.
#[derive(Clone)]
struct File {
    name: Vec<u8>,
    data: Vec<u8>,
    method: u16,
    flags: u16,
    size: u32,
    sum: u32,
    comment: Vec<u8>,
    extra: Vec<u8>,
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut folder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    folder.write_all(content).unwrap();
    folder.finish().unwrap()
}

fn file(name: &str, content: &str) -> File {
    let mut crc = Crc::new();
    crc.update(content.as_bytes());
    File {
        name: name.into(),
        data: deflate(content.as_bytes()),
        method: 8,
        flags: 0,
        size: u32::try_from(content.len()).unwrap(),
        sum: crc.sum(),
        comment: Vec::new(),
        extra: Vec::new(),
    }
}

impl File {
    fn numbers(&self) -> Vec<u8> {
        let packed = u32::try_from(self.data.len()).unwrap();
        [self.flags.to_le_bytes(), self.method.to_le_bytes(), [0; 2], [0; 2]]
            .concat()
            .into_iter()
            .chain([self.sum, packed, self.size].into_iter().flat_map(u32::to_le_bytes))
            .collect()
    }

    fn header(&self) -> Vec<u8> {
        let mut out = [LOCAL, &[20, 0], &self.numbers()].concat();
        out.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        out.extend([0, 0]);
        out.extend_from_slice(&self.name);
        out.extend_from_slice(&self.data);
        out
    }

    fn record(&self, offset: usize) -> Vec<u8> {
        let mut out = [b"PK\x01\x02".as_slice(), &[20, 0, 20, 0], &self.numbers()].concat();
        for length in [self.name.len(), self.extra.len(), self.comment.len()] {
            out.extend(u16::try_from(length).unwrap().to_le_bytes());
        }
        out.extend([0; 8]);
        out.extend(u32::try_from(offset).unwrap().to_le_bytes());
        [out, self.name.clone(), self.extra.clone(), self.comment.clone()].concat()
    }
}

fn end(count: usize, size: usize, offset: usize, comment: &str) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend(u16::try_from(count & 0xFFFF).unwrap().to_le_bytes().repeat(2));
    out.extend([size, offset].into_iter().flat_map(|number| u32::try_from(number).unwrap().to_le_bytes()));
    out.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    out.extend_from_slice(comment.as_bytes());
    out
}

/// An archive of files with what the directory says of each; `None` when it says nothing.
fn archive(files: &[(File, Option<File>)], comment: &str) -> Vec<u8> {
    let (mut out, mut records, mut count) = (Vec::new(), Vec::new(), 0);
    for (file, record) in files {
        if let Some(record) = record {
            records.extend(record.record(out.len()));
            count += 1;
        }
        out.extend(file.header());
    }
    let (size, offset) = (records.len(), out.len());
    [out, records, end(count, size, offset, comment)].concat()
}

fn honest(files: &[File]) -> Vec<u8> {
    archive(&files.iter().map(|file| (file.clone(), Some(file.clone()))).collect::<Vec<_>>(), "")
}

/// What is told: names and texts as one, and what was not read.
fn told(document: &[u8]) -> (String, Vec<Unread>) {
    let (mut text, mut unread) = (Vec::new(), Vec::new());
    open(document, Limits::default(), &mut |event: Event<'_>| match event {
        Event::Enter(member) => text.extend_from_slice(format!("<{}>", member.name).as_bytes()),
        Event::Data(data) => text.extend_from_slice(data),
        Event::Unread(why) => unread.push(why),
        Event::Leave | Event::Spot(_) => {}
    });
    (String::from_utf8_lossy(&text).into_owned(), unread)
}

#[test]
fn the_same_name_twice_is_two_files() {
    let (text, unread) = told(&honest(&[file("a.txt", NUMBER), file("a.txt", "intet")]));
    assert_eq!((text.as_str(), unread), (format!("<a.txt>{NUMBER}<a.txt>intet").as_str(), vec![]));
}

#[test]
fn what_the_directory_does_not_list_is_told_too() {
    let shown = file("a.txt", "intet");
    let files = [(shown.clone(), Some(shown.clone())), (file("b.txt", NUMBER), None)];
    assert_eq!(told(&archive(&files, "")), (format!("<a.txt>intet<b.txt>{NUMBER}"), vec![]));
    // Sizes that stand behind it, folded or not.
    let mut described = File { flags: 8, size: 0, sum: 0, ..file("c.txt", NUMBER) };
    let files = |hidden: File| [(hidden, None), (shown.clone(), Some(shown.clone()))];
    assert!(told(&archive(&files(described.clone()), "")).0.contains(NUMBER));
    described = File { method: 0, data: [NUMBER.as_bytes(), b"PK\x07\x08"].concat(), ..described };
    // The length that stands before it is none either.
    let mut document = archive(&files(described), "");
    document[18..22].fill(0);
    assert_eq!(told(&document).0, format!("<a.txt>intet<c.txt>{NUMBER}"));
}

#[test]
fn without_a_directory_files_are_told_by_their_headers() {
    let whole = honest(&[file("a.txt", NUMBER), file("b.txt", "010190-1234")]);
    let at = memmem::find(&whole, b"PK\x01\x02").unwrap();
    let (text, unread) = told(&whole[..at]);
    assert_eq!(text, format!("<a.txt>{NUMBER}<b.txt>010190-1234"));
    assert_eq!(unread, [Unread::Damaged]);
    for length in 4..whole.len() {
        let (_, unread) = told(&whole[..length]);
        assert!(unread.contains(&Unread::Damaged), "{length} of {}", whole.len());
    }
    for at in 0..whole.len() {
        for bits in [0xFF, 1, 0x80] {
            let mut broken = whole.clone();
            broken[at] ^= bits;
            told(&broken);
        }
    }
}

#[test]
fn a_directory_that_lies_hides_nothing() {
    let real = file("a.txt", NUMBER);
    for lie in [
        File { size: 0, ..real.clone() },
        File { data: Vec::new(), ..real.clone() },
        File { method: 0, ..real.clone() },
        File { method: 12, ..real.clone() },
        File { flags: 1, ..real.clone() },
        File { name: b"b.txt".to_vec(), ..real.clone() },
        File { sum: 1, ..real.clone() },
    ] {
        let is_whole = lie.data == real.data;
        let pairs = [(real.clone(), Some(lie.clone())), (lie, Some(real.clone()))];
        for files in pairs.chunks(1).take(1 + usize::from(is_whole)) {
            let (text, _) = told(&archive(files, ""));
            assert!(text.contains(NUMBER), "{text:?}");
        }
    }
    let stored = File { method: 0, data: NUMBER.into(), ..real };
    let short = File { data: b"CPR".to_vec(), ..stored.clone() };
    assert!(told(&archive(&[(stored, Some(short))], "")).0.contains(NUMBER));
}

#[test]
fn what_is_not_read_says_why_and_is_named() {
    let name = "150379-1028.txt";
    for method in [12, 14] {
        let (text, unread) = told(&honest(&[File { method, ..file(name, "x") }]));
        assert_eq!((text, unread), (format!("<{name}>"), vec![Unread::UnknownMethod]));
        let types = file("[Content_Types].xml", "<Types/>");
        let (_, unread) = told(&honest(&[types, File { method, ..file("word/document.xml", "x") }]));
        assert_eq!(unread, [Unread::UnknownMethod]);
    }
    let (text, unread) = told(&honest(&[File { flags: 1, ..file(name, "x") }]));
    assert_eq!((text, unread), (format!("<{name}>"), vec![Unread::Password]));
    let (_, unread) = told(&honest(&[File { sum: 1, ..file(name, "x") }]));
    assert_eq!(unread, [Unread::Damaged]);
}

#[test]
fn names_are_names_and_comments_are_text() {
    for name in ["../../etc/150379-1028", "C:\\x\\150379-1028", "a\0b 150379-1028", "/150379-1028"] {
        assert_eq!(told(&honest(&[file(name, "x")])), (format!("<{name}>x"), vec![]));
    }
    // As DOS writes it, and a folder without a file.
    let dos = File { name: b"l\x9Bn.txt".to_vec(), ..file("", "x") };
    assert_eq!(told(&honest(&[dos])).0, "<løn.txt>x");
    assert!(
        told(&honest(&[File { method: 0, data: Vec::new(), ..file("150379-1028/", "") }]))
            .0
            .contains("150379-1028/\n")
    );
    let noted = File { comment: NUMBER.into(), ..file("a", "x") };
    assert!(told(&honest(&[noted])).0.contains(NUMBER));
    let extra = [b"\x34\x12\x13\0".as_slice(), NUMBER.as_bytes()].concat();
    assert!(told(&honest(&[File { extra, ..file("a", "x") }])).0.contains(NUMBER));
    assert!(told(&archive(&[], NUMBER)).0.contains(NUMBER));
}

#[test]
fn an_archive_may_stand_behind_a_program_and_before_a_text() {
    let document =
        [b"MZ\x90\0".repeat(20), honest(&[file("a.txt", NUMBER)]), b" 010190-1234".repeat(3)].concat();
    let (text, unread) = told(&document);
    assert_eq!(unread, []);
    assert!(text.starts_with(&format!("<a.txt>{NUMBER}<>")) && text.contains("010190-1234"), "{text}");
}

#[test]
fn a_directory_that_claims_millions_costs_nothing() {
    let one = file("a.txt", NUMBER);
    let mut document = one.header();
    let record = one.record(0);
    let offset = document.len();
    document.extend_from_slice(&record);
    let end64 = document.len();
    // Two million files of 64 GiB, in a directory of as many.
    let claims = [2_000_000, 2_000_000, 64 << 30, offset as u64];
    document.extend_from_slice(b"PK\x06\x06\x2C\0\0\0\0\0\0\0\x2D\0\x2D\0\0\0\0\0\0\0\0\0");
    document.extend(claims.into_iter().flat_map(u64::to_le_bytes));
    document.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    document.extend((end64 as u64).to_le_bytes());
    document.extend_from_slice(b"\x01\0\0\0");
    document.extend(end(0xFFFF, u32::MAX as usize, u32::MAX as usize, ""));
    let (text, unread) = told(&document);
    assert_eq!((text, unread), (format!("<a.txt>{NUMBER}"), vec![Unread::Damaged]));

    // As many that are there, and one of them makes it a document of Office; or none has a name.
    for (one, title) in
        [(one, "a.txt"), (file("[Content_Types].xml", "<Types/>"), ""), (file("", ""), "nameless")]
    {
        let record = one.record(0);
        let mut document = one.header();
        let offset = document.len();
        (0..200_000).for_each(|_| document.extend_from_slice(&record));
        let last = File { name: b"150379-1028".to_vec(), ..one }.record(0);
        document.extend_from_slice(&last);
        let size = document.len() - offset;
        document.extend(end(200_001, size, offset, ""));
        let begun = Instant::now();
        let (text, unread) = told(&document);
        assert_eq!(unread.last(), Some(&Unread::TooMany), "{title}");
        assert!(text.contains("\n150379-1028\n"), "the names are told");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[test]
fn files_that_lie_over_each_other_end_at_the_limit() {
    // One file of noughts, told as many times as there are records.
    let noughts = "0".repeat(1 << 20);
    let one = file("0", &noughts);
    let mut document = one.header();
    let offset = document.len();
    for nr in 0..1000 {
        document.extend(File { name: format!("{nr}").into(), ..one.clone() }.record(0));
    }
    let size = document.len() - offset;
    document.extend(end(1000, size, offset, ""));
    let (text, unread) = told(&document);
    assert_eq!(unread, [Unread::TooCompressed]);
    assert!(text.len() < 11 << 20);
}

/// A document of Office with the same part twice, and one that is not listed.
#[test]
fn what_a_document_of_office_hides_is_told() {
    let text = |text: &str| {
        format!(
            "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
        )
    };
    let types = file("[Content_Types].xml", "<Types/>");
    let parts = [
        types,
        file("word/document.xml", &text("forst 150379-1028")),
        file("word/document.xml", &text("sidst 010190-1234")),
    ];
    let mut files: Vec<_> = parts.into_iter().map(|file| (file.clone(), Some(file))).collect();
    files.push((file("word/skjult.xml", &text("skjult 020290-1234")), None));
    let (text, _) = told(&archive(&files, ""));
    for number in ["150379-1028", "010190-1234", "020290-1234"] {
        assert!(text.contains(number), "{number} is not in {text}");
    }
}
