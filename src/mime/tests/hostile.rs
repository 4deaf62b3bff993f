//! Mails made to be slow take linear time. Sizes are chosen so that a quadratic step shows in a debug build; the
//! figures for large sizes come from the benchmarks.

use std::time::{Duration, Instant};

use super::generate::base64;
use crate::mime::{HeaderName, Limits, Part, PartPath, PartSink, Problem, Walker};

/// Counts and keeps nothing.
#[derive(Default)]
struct Count {
    headers: usize,
    parts: usize,
    bytes: usize,
    problems: usize,
}

impl PartSink for Count {
    fn header(&mut self, _: &PartPath, _: HeaderName, _: u64, _: &[u8]) {
        self.headers += 1;
    }
    fn enter(&mut self, _: &Part<'_>) {
        self.parts += 1;
    }
    fn data(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
    }
    fn leave(&mut self) {}
    fn problem(&mut self, _: &PartPath, _: Problem) {
        self.problems += 1;
    }
}

fn walk(mail: &[u8]) -> Count {
    let start = Instant::now();
    let mut count = Count::default();
    // What a part costs is asked here, not where it ends.
    let mut walker = Walker::with_limits(Limits { parts: usize::MAX, ..Limits::default() });
    for chunk in mail.chunks(65_535) {
        walker.feed(chunk, &mut count);
    }
    walker.finish(&mut count);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?} for {} bytes", start.elapsed(), mail.len());
    count
}

const HEAD: &str = "Content-Type: multipart/mixed; boundary=b\n\n";

#[test]
fn many_headers() {
    assert_eq!(walk("Subject: x\n".repeat(50_000).as_bytes()).headers, 50_000);
    assert_eq!(walk(format!("X: {}\n\nx", "y\n ".repeat(200_000)).as_bytes()).bytes, 1);
}

#[test]
fn many_parts() {
    assert_eq!(walk(format!("{HEAD}{}", "--b\n\nx\n".repeat(20_000)).as_bytes()).parts, 20_001);
}

#[test]
fn more_parts_than_anybody_sends() {
    let mail = format!("{HEAD}{}", "--b\n\nx\n".repeat(20_000));
    let mut count = Count::default();
    let mut walker = Walker::new();
    walker.feed(mail.as_bytes(), &mut count);
    walker.finish(&mut count);
    // The multipart, those within the limit, and the rest as one.
    assert_eq!((count.parts, count.problems), (10_002, 1));
}

#[test]
fn many_delimiters() {
    assert_eq!(walk(format!("{HEAD}{}", "--b\n".repeat(50_000)).as_bytes()).parts, 50_001);
    assert_eq!(walk(format!("{HEAD}--b\n\n{}", "--c\n".repeat(200_000)).as_bytes()).parts, 2);
    assert_eq!(walk(format!("{HEAD}--b\n\n{}", "--".repeat(400_000)).as_bytes()).parts, 2);
    assert_eq!(walk(format!("{HEAD}--b\n\n{}", "--b x\n".repeat(100_000)).as_bytes()).problems, 2);
}

#[test]
fn nothing_but_line_breaks_in_base64() {
    let mail = format!("Content-Transfer-Encoding: base64\n\n{}MDE=", "\r\n".repeat(500_000));
    assert_eq!(walk(mail.as_bytes()).bytes, 2);
    let mail = format!("Content-Transfer-Encoding: quoted-printable\n\n{}", "= \r=\r\n".repeat(100_000));
    walk(mail.as_bytes());
}

#[test]
fn ten_thousand_deep() {
    let level = |at| format!("Content-Type: multipart/mixed; boundary=b{at:05}\n\n--b{at:05}\n");
    let mail: String = (0..10_000).map(level).collect();
    let count = walk(mail.as_bytes());
    assert_eq!((count.parts, count.problems), (65, 65), "64 levels unclosed, one too deep");
    let mail = "Content-Type: message/rfc822\n\n".repeat(10_000);
    assert_eq!(walk(mail.as_bytes()).parts, 65);
}

#[test]
fn messages_in_base64_in_base64() {
    let mut mail = "Subject: x\n\nx".to_owned();
    for _ in 0..20 {
        mail = format!(
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{}",
            base64(mail.as_bytes())
        );
    }
    let count = walk(mail.as_bytes());
    assert_eq!((count.parts, count.problems), (5, 1), "four levels read, the fifth as it stands");
}

#[test]
fn long_subjects() {
    let words = format!("Subject: {}\n\n", "=?utf-8?Q?=C3=A6?= ".repeat(40_000));
    assert_eq!(walk(words.as_bytes()).headers, 1);
    walk(format!("Subject: {}\n\n", "=?=?=?".repeat(100_000)).as_bytes());
    walk(format!("Subject: {}\n\n", "=?a?q?".repeat(100_000)).as_bytes());
    let count = walk(format!("Subject: {}\n\n", "x".repeat(3 << 20)).as_bytes());
    assert_eq!(count.problems, 1);
}

#[test]
fn long_parameters() {
    let pieces = (0..20_000).rev().map(|at| format!("; boundary*{at}=x")).collect::<Vec<_>>().concat();
    walk(format!("Content-Type: multipart/mixed{pieces}\n\nx").as_bytes());
    walk(format!("Content-Type: text/plain{}\n\nx", "; name=x".repeat(20_000)).as_bytes());
    walk(format!("Content-Type: text/plain; {}\n\nx", "(\"".repeat(100_000)).as_bytes());
}
