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

#[test]
fn what_is_packed_is_named_whatever_it_is_called() {
    let mail = one(0);
    let tar = archives::tar(&[("a.eml", mail.as_bytes())]);
    let olm = archive(&[("Local/com.microsoft.__Messages/Sent/message_1.xml", b"<email/>")]);
    let seven = archives::seven(&[("a.eml", mail.as_bytes())], None, false);
    let house = House::new("");
    let files: [(&str, &[u8]); 9] = [
        ("arkiv.mbox.bz2.1", b"BZh91AY&SY"),
        ("arkiv.txz", b"\xfd7zXZ\0"),
        ("arkiv.7z.001", &seven),
        ("Indbakke.dbx", b"\xcf\xad\x12\xfe"),
        ("besked", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("gammel", &tar),
        ("arkiv.olm", &olm),
        ("udpakket.zip", &olm),
        ("ukendt", b"\x01\0\x02"),
    ];
    for (name, bytes) in files {
        house.lay(&format!("mail/{name}"), bytes);
    }
    // What is known to be no mail stays so.
    house.lay("mail/brev.docx", &archive(&[("word/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")]));
    house.lay("mail/hund.jpg", b"\xff\xd8\xff\0");
    let told = house.ends(3, &["--dry-run", "mail"]);
    assert_eq!((&told["unopened"], &told["not_mail"], &told["read"]), (&9.into(), &2.into(), &0.into()));
    let output = said(&house.run(&["--dry-run", "mail"]));
    for (name, _) in files {
        assert!(output.contains(&format!("{name}: not opened, and mail may lie in it")), "{output}");
    }
}

/// A hole of many gigabytes, which takes long to read.
#[test]
fn what_is_not_opened_is_not_read_either() {
    let house = House::new("");
    house.lay("mail/post.pst", b"!BDN");
    std::fs::File::options().write(true).open(house.at("mail/post.pst")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(house.ends(3, &["--dry-run", "mail"])["unopened"], 1);
}

#[test]
fn standard_input_may_be_gzip() {
    let house = House::new("");
    let mbox = gzip(format!("{LINE}{}\n{LINE}{}", one(0), one(1)).as_bytes());
    let args = ["archive", "--dry-run", "--format", "json", "-"];
    let output = brevdue(house.0.path(), &args, &mbox);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(read(&serde_json::from_slice(&output.stdout).unwrap()), (2, 2));
    let output = brevdue(house.0.path(), &args, archive(&[("a.eml", one(0).as_bytes())]));
    assert!(code(&output) == 3 && said(&output).contains("-: not opened"), "{}", said(&output));
}

#[test]
fn only_mail_is_read_as_what_a_person_says() {
    let house = House::new("");
    let output = house.run(&["--dry-run", "--as", "text/csv", "mail"]);
    assert!(
        code(&output) == 2 && said(&output).contains("message/rfc822 or application/mbox"),
        "{}",
        said(&output)
    );
    // Nothing tells that it is a mail, but the person.
    let text = format!("Sag: 1\n\n{}\n", cpr(NUMBERS[0]));
    house.lay("mail/a.csv", text.as_bytes());
    house.lay("mail/b.zip", &archive(&[("a.csv", text.as_bytes())]));
    assert_eq!(house.counts(&["--dry-run", "mail"])["not_mail"], 2);
    let told = house.counts(&["--dry-run", "--as", "message/rfc822", "mail"]);
    assert_eq!((&told["read"], &told["nobodys"]), (&2.into(), &2.into()));
}

#[test]
fn a_maildir_that_lost_its_empty_folders_is_read() {
    let house = House::new("");
    for (at, path) in ["cur/1.M", ".Sent/cur/2.M", ".Arkiv.2018/new/3.M"].iter().enumerate() {
        house.lay(&format!("mail/M/{path}"), one(at).as_bytes());
    }
    house.lay("mail/M/maildir-2018.zip", &archive(&[("a.eml", one(3).as_bytes())]));
    house.lay("mail/M/dovecot.index.cache", b"\0");
    house.lay("mail/M/.git/config", b"x");
    let told = house.counts(&["--dry-run", "mail"]);
    assert_eq!(read(&told), (4, 4));
    assert_eq!(told["skipped"], 2);
}

#[test]
fn a_link_is_not_followed_and_is_named() {
    let house = House::new("");
    house.lay("mail/a.eml", one(0).as_bytes());
    house.lay("elsewhere/b.eml", one(1).as_bytes());
    house.lay("mail/.skjult", b"x");
    for at in 0..25 {
        std::os::unix::fs::symlink(house.at("elsewhere/b.eml"), house.at(&format!("mail/link{at:02}.eml")))
            .unwrap();
    }
    let socket = std::os::unix::net::UnixListener::bind(house.at("mail/dovecot-auth")).unwrap();
    let told = house.ends(3, &["--dry-run", "mail"]);
    assert_eq!((&told["unopened"], &told["skipped"], &told["read"]), (&26.into(), &1.into(), &1.into()));
    let output = said(&house.run(&["--dry-run", "mail"]));
    assert!(output.contains("mail/dovecot-auth: a special file, not read"), "{output}");
    assert!(output.contains("mail/link00.eml: a link, not followed: mail may lie behind it"), "{output}");
    assert!(output.contains("and 6 more links and special files") && !output.contains("link24"), "{output}");
    drop(socket);
    // One that a person names is followed.
    assert_eq!(read(&house.counts(&["--dry-run", "mail/link00.eml"])), (1, 1));
}

/// What stands in a journal report around the mail is read too, and nobody who got it is forgotten.
#[test]
fn a_journal_report_is_read_whole() {
    let original = mail("auto@b.example", "undisclosed-recipients:;", "j1", "Hej");
    let report = |preamble: &str, cover: &str| {
        format!(
            "X-MS-Journal-Report:\nFrom: journal@a.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n{preamble}\n\
             --b\nContent-Type: text/plain\n\nSender: auto@b.example\n{cover}\n\n--b\nContent-Type: message/rfc822\n\n{original}\n--b--\n"
        )
    };
    let plain = "Recipient: x@gmail.example";
    for (preamble, cover, mails) in [
        ("", plain.to_owned(), 0),
        ("", format!("{plain}\nNote: {}", cpr(NUMBERS[0])), 1),
        ("", format!("Subject: {}\n{plain}", cpr(NUMBERS[0])), 1),
        (&cpr(NUMBERS[0]), plain.to_owned(), 1),
    ] {
        let house = House::new("");
        house.lay("mail/a.eml", report(preamble, &cover).as_bytes());
        let told = house.counts(&["--dry-run", "mail"]);
        assert_eq!(read(&told), (1, mails), "{preamble} {cover}");
        assert_eq!(told["envelope_from_journal"], 1);
    }
    let house = House::new("");
    house.lay("mail/a.eml", report("", "Recipient: Inger Madsen\nCc: <k@c.example>").as_bytes());
    let told = house.ends(2, &["--dry-run", "mail"]);
    assert_eq!((&told["unreadable"], &told["read"]), (&1.into(), &1.into()));
    let output = said(&house.run(&["--dry-run", "mail"]));
    assert!(
        output.contains("a.eml: could not be read: one recipient of the journal report is no address"),
        "{output}"
    );
}
