//! A thread reads each message in the memory of the last one. Nothing of that one may show: not in what is found, nor in
//! what a report keeps of its own message.

use std::thread;

use brevdue::scan::Report;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::corpus::{begun, samples, scan};

/// The report of a mail that is the first on its thread.
fn fresh(mail: &[u8]) -> Report {
    thread::scope(|scope| scope.spawn(|| scan([mail])).join().unwrap())
}

/// Mails of the corpus, all that can be read in two ways among them, and some that make buffers large; each with its
/// report.
fn all() -> Vec<(Vec<u8>, Report)> {
    let long = "x".repeat(100_000);
    let nested = "Content-Type: multipart/mixed; boundary=a\n\n--a\n".repeat(70);
    let made = [
        "Subject: x\n\n".to_owned(),
        "\n".to_owned(),
        String::new(),
        format!("Subject: {long}\n 150379-1028\n\n{long}"),
        format!("{nested}\n150379-1028\n"),
        format!("Content-Type: text/plain; charset=utf-16; {}\n\nHej", "a=b;".repeat(5000)),
        "Content-Type: text/plain; name=150379-1028\nContent-Transfer-Encoding: base64\n\nSGVq*".to_owned(),
    ];
    let corpus = samples().into_iter().flat_map(|sample| [sample.lf, sample.crlf]);
    let mails = corpus.chain(made.map(String::into_bytes));
    mails.map(|mail| (mail.clone(), fresh(&mail))).collect()
}

#[test]
fn the_last_message_does_not_show_in_the_next() {
    let all = all();
    // Every mail after every other would be too many: each after itself, and in random order.
    for (mail, report) in &all {
        for _ in 0..2 {
            assert_eq!(scan([mail.as_slice()]), *report, "{}", String::from_utf8_lossy(mail));
        }
    }
    let order = vec((any::<Index>(), 1usize..3000, any::<bool>()), 1..40);
    proptest!(ProptestConfig::with_cases(64), |(order in order)| {
        for (index, size, is_cut) in order {
            let (mail, report) = index.get(&all);
            if is_cut {
                // The client is gone: its message is never ended.
                drop(begun(mail.chunks(size).take(1)));
            }
            prop_assert_eq!(&scan(mail.chunks(size)), report, "{}", String::from_utf8_lossy(mail));
        }
    });
}

#[test]
fn many_messages_are_read_at_once() {
    let all = all();
    let mut open: Vec<_> = all.iter().map(|(mail, _)| begun([mail.as_slice()])).collect();
    for (scan, (mail, report)) in open.drain(..).zip(&all) {
        assert_eq!(scan.finish(), *report, "{}", String::from_utf8_lossy(mail));
    }
}

/// What a report keeps of its message is all of it and nothing else.
#[test]
fn a_report_keeps_only_its_own_text() {
    let secret =
        "Message-ID: <secret@x>\nSubject: secret 150379-1028\n\nsecret: CPR-nr. 150379-1028 ".repeat(60);
    let plain = b"Subject: x\n\nHej".as_slice();
    let first = scan([secret.as_bytes()]);
    assert!(first.leaks() && first.sketch.message_id().is_some());
    let second = scan([plain]);
    // Of a clean one, nothing.
    assert_eq!((second.sketch.text(), second.sketch.message_id()), (b"".as_slice(), None));
    assert_eq!((second.count(), second.persons(), second.sketch.bytes()), (0, 0, plain.len() as u64));
    let third = b"Subject: x\n\nHej 150379-1028".as_slice();
    assert_eq!(scan([third]).sketch.text(), b"Hej 150379-1028");
    scan([plain]);
    assert_eq!(scan([third]).sketch.text(), b"Hej 150379-1028");
}
