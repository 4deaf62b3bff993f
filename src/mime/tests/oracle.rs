//! On well-formed mail the walker finds the leaves that mailparse finds, with the same bytes.

use mailparse::{MailHeaderMap, ParsedMail, parse_mail};
use proptest::prelude::*;

use super::generate::{bare, tree};
use super::record::Record;
use crate::mime::PartKind;

/// Media type and decoded bytes of each leaf. A message is one leaf to mailparse and is parsed again here.
fn leaves(mail: &ParsedMail<'_>, into: &mut Vec<(String, Vec<u8>)>) -> Result<(), mailparse::MailParseError> {
    if mail.subparts.is_empty() && mail.ctype.mimetype == "message/rfc822" {
        leaves(&parse_mail(&mail.get_body_raw()?)?, into)?;
    } else if mail.subparts.is_empty() {
        into.push((mail.ctype.mimetype.clone(), mail.get_body_raw()?));
    }
    mail.subparts.iter().try_for_each(|part| leaves(part, into))
}

fn ours(mail: &[u8]) -> Vec<(String, Vec<u8>)> {
    let record = Record::whole(mail);
    let leaf = |(entered, data): (super::record::Entered, Vec<u8>)| {
        (entered.kind == PartKind::Leaf).then_some((entered.media, data))
    };
    record.parts().into_iter().filter_map(leaf).collect()
}

fn check(mail: &[u8]) {
    let mut theirs = Vec::new();
    leaves(&parse_mail(mail).unwrap(), &mut theirs).unwrap();
    let mut ours = ours(mail);
    // mailparse ends each line of quoted-printable with CRLF, whatever the mail has.
    ours.iter_mut().chain(&mut theirs).for_each(|(_, data)| *data = bare(data));
    assert_eq!(ours, theirs, "\n{}", String::from_utf8_lossy(mail));
}

proptest! {
    #[test]
    fn same_leaves(tree in tree()) {
        let mail = tree.write();
        check(&mail);
        check(&bare(&mail));
        prop_assert_eq!(Record::whole(&mail).problems(), []);
    }

    #[test]
    fn same_subject(subject in "[ -~\u{e6}]{0,40}") {
        let mail = format!("Subject: x{subject}x\r\n\r\n");
        let theirs = parse_mail(mail.as_bytes()).unwrap().headers.get_first_value("Subject").unwrap();
        prop_assume!(!subject.contains("=?"));
        prop_assert_eq!(&Record::whole(mail.as_bytes()).headers()[0].3, &theirs);
    }
}

/// Not a test of right and wrong: real mail is read differently where it is malformed. Prints what differs.
#[test]
fn the_corpus() {
    for (name, mail) in super::corpus() {
        let mut theirs = Vec::new();
        let read = parse_mail(&mail).and_then(|parsed| leaves(&parsed, &mut theirs));
        let ours = ours(&mail);
        if let Err(error) = read {
            println!("{name}: mailparse gives up: {error}");
        } else if ours != theirs {
            let problems = Record::whole(&mail).problems();
            let first = ours.iter().zip(&theirs).position(|(a, b)| a != b);
            println!(
                "{name}: {} and {} leaves, first unlike {first:?}, {problems:?}",
                ours.len(),
                theirs.len()
            );
        }
    }
}
