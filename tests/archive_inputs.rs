//! `brevdue archive` over inputs as people really hand them over: zips that were put together, Maildirs without their empty
//! folders, files whose names say nothing or the wrong thing. What is not read must be said.

use crate::archived::{House, LINE, NUMBERS, closed, cpr, gzip, mail};
use crate::support::documents::archives::{self, archive};
use crate::support::program::{brevdue, code, said};
use serde_json::Value;

/// A mail of the municipality b with this number.
fn one(at: usize) -> String {
    closed(&format!("i{at}"), NUMBERS[at])
}

fn read(told: &Value) -> (u64, u64) {
    (told["read"].as_u64().unwrap(), told["mails"].as_u64().unwrap())
}

#[test]
fn every_member_of_a_zip_is_read_whatever_its_directory_makes_of_it() {
    let mails = [one(0), one(1), one(2)];
    let names = ["mail1.eml", "mail2.eml", "mail3.eml"];
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&mails).map(|(name, mail)| (*name, mail.as_bytes())).collect();
    let house = House::new("");

    // The same name three times.
    let mut same = archive(&files);
    for name in names {
        let places: Vec<usize> = memchr::memmem::find_iter(&same, name).collect();
        assert_eq!(places.len(), 2, "the header and the directory");
        for place in places {
            same[place..place + name.len()].copy_from_slice(b"mail0.eml");
        }
    }
    house.lay("same/a.zip", &same);
    assert_eq!(read(&house.counts(&["--dry-run", "same"])), (3, 3));

    // Three zips, one behind the other.
    let behind: Vec<u8> = files.iter().flat_map(|file| archive(&[*file])).collect();
    house.lay("behind/a.zip", &behind);
    assert_eq!(read(&house.counts(&["--dry-run", "behind"])), (3, 3));

    // The first of them is broken.
    let mut broken = behind.clone();
    let end = memchr::memmem::find(&broken, b"PK\x05\x06").unwrap();
    broken[end] = b'x';
    house.lay("broken/a.zip", &broken);
    assert_eq!(read(&house.ends(2, &["--dry-run", "broken"])), (2, 2));
    let output = said(&house.run(&["--dry-run", "broken"]));
    assert!(output.contains("a.zip: could not be read: what stands before its first member"), "{output}");

    // More members than a count of 16 bits can say; and none of them.
    for count in [1_u8, 0] {
        let mut wrong = archive(&files);
        let end = wrong.len() - 22;
        for place in [8, 10] {
            wrong[end + place] = count;
        }
        house.lay("wrong/a.zip", &wrong);
        house.ends(2, &["--dry-run", "wrong"]);
        let output = said(&house.run(&["--dry-run", "wrong"]));
        assert!(output.contains("a.zip: could not be read: its directory"), "{output}");
    }
}

#[test]
fn a_folder_in_a_zip_that_is_called_new_is_not_always_a_maildir() {
    let house = House::new("");
    let mbox = format!("{LINE}{}\n{LINE}{}\n{LINE}{}", one(0), one(1), one(2));
    let inner = archive(&[("a.eml", one(3).as_bytes())]);
    house.lay(
        "mail/a.zip",
        &archive(&[
            ("new/arkiv.mbox", mbox.as_bytes()),
            ("new/inner.zip", &inner),
            ("M/cur/17.M1.mx:2,S", one(4).as_bytes()),
            ("M/dovecot.index.log", b"\0\x01"),
            ("__MACOSX/._a.eml", b"x"),
        ]),
    );
    let told = house.ends(3, &["--dry-run", "mail"]);
    assert_eq!(read(&told), (4, 4));
    assert_eq!((&told["unopened"], &told["skipped"], &told["partial"]), (&1.into(), &2.into(), &0.into()));
}

#[test]
fn a_message_in_a_zip_has_a_name_of_its_own() {
    let house = House::new("");
    let nobodys = format!("Subject: x\nMIME-Version: 1.0\n\n{}\n", cpr(NUMBERS[0]));
    let mbox = format!("From - Tue Mar  3 10:00:00 2015\n{nobodys}");
    house.lay(
        "mail/a.zip",
        &archive(&[
            ("a.eml", nobodys.as_bytes()),
            ("b.mbox", mbox.as_bytes()),
            ("c.mbox", format!("{mbox}\n{mbox}").as_bytes()),
        ]),
    );
    let told = house.counts(&["--dry-run", "mail"]);
    let names: Vec<&str> =
        told["nameless"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names, ["mail/a.zip#1", "mail/a.zip#2#1", "mail/a.zip#3#1", "mail/a.zip#3#2"]);
}
