//! Documents in mail, opened by real workers of the real binary: what is found in them and where, and what becomes of
//! workers that hang, die or rave, and of documents made to hurt. The readers of the forms have their tests beside them.

use crate::support::documents::archives::{archive, gzip, quine, seven, tar};
use crate::support::documents::mail;
use brevdue::scan::ruleset::Ruleset;
use brevdue::scan::{Day, Report, Scan};
use brevdue::worker::{Budget, Settings, Workers};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const TODAY: Day = Day::literal(2026, 11, 2);

pub(crate) fn workers(budget: Budget) -> Arc<Workers> {
    workers_of(Settings { budget, recogniser: None })
}

pub(crate) fn workers_of(settings: Settings) -> Arc<Workers> {
    Workers::of(PathBuf::from(env!("CARGO_BIN_EXE_brevdue")), settings)
}

pub(crate) fn scan(mail: &[u8], workers: &Arc<Workers>) -> Report {
    let mut scan = Scan::new(Arc::new(Ruleset::built_in().unwrap()), TODAY).opening(workers.message());
    scan.feed(mail);
    scan.finish()
}

/// What was not read: the file in the document, the kind, and the reason.
pub(crate) fn unread(report: &Report) -> Vec<(String, &'static str, &'static str)> {
    let member = |one: &brevdue::scan::coverage::Unread| {
        one.member.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    report.coverage.unread().iter().map(|one| (member(one), one.kind.word(), one.reason)).collect()
}

pub(crate) fn places(report: &Report) -> Vec<String> {
    report.findings.iter().map(|one| format!("{} {}", one.part, one.place)).collect()
}

#[test]
fn files_in_archives_are_read_by_their_content_and_found_by_their_path() {
    let inner = archive(&[("navne.csv", b"Navn;CPR-nr.\nAnna;150379-1028\n")]);
    let outer = archive(&[
        ("mappe/brev.txt", b"Vedr. CPR-nr. 150379-1028"),
        // A document is one whatever it is called.
        ("logo.png", &inner),
        ("brev.eml", b"Subject: CPR-nr. 150379-1028\r\n\r\nHej"),
        ("tom.txt", b""),
    ]);
    let report =
        scan(&mail(&[("a.zip", &outer), ("b.bin", b"CPR-nr. 150379-1028")]), &workers(Budget::default()));
    assert_eq!(
        places(&report),
        [
            "2 attachment:b.bin",
            "1 attachment:a.zip!mappe/brev.txt",
            "1.0 header:Subject",
            "1 attachment:a.zip!logo.png!navne.csv",
        ]
    );
    assert_eq!(unread(&report), []);
    assert_eq!(report.persons(), 1);
}

#[test]
fn other_archives_are_read_too() {
    let files: [(&str, &[u8]); 2] =
        [("a/brev.txt", b"CPR-nr. 150379-1028"), ("b.txt", b"CPR-nr. 010190-1234")];
    let report = scan(
        &mail(&[
            ("a.tar", &tar(&files)),
            ("a.tgz", &gzip("a.tar", &tar(&files[..1]))),
            ("a.7z", &seven(&files, None, false)),
        ]),
        &workers(Budget::default()),
    );
    assert_eq!(
        places(&report),
        [
            "1 attachment:a.tar!a/brev.txt",
            "1 attachment:a.tar!b.txt",
            "3 attachment:a.*z!a/brev.txt",
            "3 attachment:a.*z!b.txt",
            "2 attachment:a.tgz!a.tar!a/brev.txt",
        ]
    );
    assert_eq!(unread(&report), []);
}

#[test]
fn encrypted_is_told_from_broken_and_names_are_read_all_the_same() {
    let files: [(&str, &[u8]); 1] = [("cpr 150379-1028.txt", b"hemmeligt indhold")];
    let locked = |password: &'static str| -> Vec<u8> {
        let options = SimpleFileOptions::default().with_aes_encryption(zip::AesMode::Aes256, password);
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(files[0].0, options).unwrap();
        zip.write_all(files[0].1).unwrap();
        zip.finish().unwrap().into_inner()
    };
    let workers = workers(Budget::default());
    for (name, document, found) in [
        ("a.zip", locked("hest"), 1),
        ("a.7z", seven(&files, Some("hest"), false), 1),
        ("b.7z", seven(&files, Some("hest"), true), 0),
    ] {
        let report = scan(&mail(&[(name, &document)]), &workers);
        assert!(
            unread(&report).iter().all(|one| (one.1, one.2) == ("password", "password")),
            "{:?}",
            unread(&report)
        );
        assert!(!unread(&report).is_empty(), "{name}");
        assert_eq!(places(&report), vec!["1 filename"; found], "{name}");
    }
    for (name, mut document) in [
        ("a.zip", archive(&files)),
        ("a.7z", seven(&files, None, false)),
        ("a.gz", gzip("a", &[b'x'; 1000])),
        ("a.tar", tar(&files)),
    ] {
        document.truncate(document.len() / 3);
        let report = scan(&mail(&[(name, &document)]), &workers);
        assert!(unread(&report).iter().any(|one| one.1 == "damaged"), "{name}: {:?}", unread(&report));
    }
}

/// Whatever its label says: a system that attaches a mail as bytes leaks it all the same.
#[test]
fn an_attached_mail_is_read_as_one() {
    let text = data_encoding::BASE64_MIME.encode(b"Vedr. CPR-nr. 150379-1028");
    let inner = format!(
        "Received: from a\r\nDate: Mon, 2 Nov 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{text}\r\n"
    );
    let workers = workers(Budget::default());
    let report = scan(&mail(&[("besked.dat", inner.as_bytes())]), &workers);
    assert_eq!(places(&report), ["1.1 body"]);
    let report = scan(&mail(&[("a.zip", &archive(&[("besked", inner.as_bytes())]))]), &workers);
    assert_eq!(places(&report), ["1.1 body"]);
    // What both readings see counts once.
    let plain = inner.replace("base64", "8bit").replace(&text, "CPR-nr. 150379-1028");
    let report = scan(&mail(&[("besked.dat", plain.as_bytes())]), &workers);
    assert_eq!((places(&report), report.count()), (vec!["1 attachment:besked.dat".to_owned()], 1));
    assert_eq!(unread(&report), []);
    // An mbox is one after the other.
    let mbox: String = (0..3).map(|nr| format!("From x Mon Nov {nr}\r\n{inner}\r\n")).collect();
    let report = scan(&mail(&[("gamle.mbox", mbox.as_bytes())]), &workers);
    assert_eq!(
        (places(&report), unread(&report)),
        (["1.1.1 body", "1.2.1 body", "1.3.1 body"].map(String::from).to_vec(), vec![])
    );
    // One in one: what is encoded in it is not read, and said.
    let outer = String::from_utf8(mail(&[("besked.dat", inner.as_bytes())])).unwrap();
    let report = scan(&mail(&[("ydre.dat", format!("Received: from b\r\n{outer}").as_bytes())]), &workers);
    assert_eq!(unread(&report), [(String::new(), "limit", "unlabelled-mail-too-deep")]);
}

/// An archive begins anywhere in a file, and its reader looks from the end.
#[test]
fn a_document_behind_text_is_opened_when_its_label_or_its_name_opens_it() {
    let workers = workers(Budget::default());
    let inner = archive(&[("navne.csv", b"Navn;CPR-nr.\nAnna;150379-1028\n")]);
    let polyglot = [b"Et brev uden numre i.\r\n".repeat(100), inner].concat();
    for name in ["a.zip", "a.bin"] {
        let report = scan(&mail(&[(name, &polyglot)]), &workers);
        assert_eq!(places(&report), [format!("1 attachment:{name}!navne.csv")]);
    }
    let as_text = |name: &str| {
        let mail = String::from_utf8(mail(&[(name, &polyglot)])).unwrap();
        scan(mail.replace("application/octet-stream", "text/plain").as_bytes(), &workers)
    };
    assert_eq!(places(&as_text("a.ZIP")), ["1 attachment:a.ZIP!navne.csv"]);
    // Nobody opens this as an archive.
    assert_eq!(places(&as_text("a.txt")), [""; 0]);
}

#[test]
fn a_number_in_the_name_of_a_file_in_an_archive_is_found() {
    let report =
        scan(&mail(&[("a.zip", &archive(&[("cpr 150379-1028.txt", b"")]))]), &workers(Budget::default()));
    assert_eq!(places(&report), ["1 filename"]);
}

#[test]
fn what_is_no_form_that_is_opened_is_swept_and_said() {
    let mut bytes = b"\x01\x02\x00\x00".to_vec();
    bytes.extend("CPR-nr. 150379-1028".encode_utf16().flat_map(u16::to_le_bytes));
    bytes.extend_from_slice(&[0, 0, 0xFE, 0x03].repeat(400));
    let report = scan(&mail(&[("x.dat", &bytes)]), &workers(Budget::default()));
    assert_eq!(places(&report), ["1 attachment:x.dat"]);
    assert_eq!(unread(&report), [(String::new(), "document", "unknown-form")]);
}

#[test]
fn without_workers_a_document_is_unread() {
    let mut scan = Scan::new(Arc::new(Ruleset::built_in().unwrap()), TODAY);
    scan.feed(&mail(&[("a.zip", &archive(&[("a", b"b")]))]));
    assert_eq!(unread(&scan.finish()), [(String::new(), "document", "zip")]);
    // One that is text is read as that.
    let flat = "<?xml version=\"1.0\"?>\n<office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\">CPR-nr. 150379-1028";
    let mut scan = Scan::new(Arc::new(Ruleset::built_in().unwrap()), TODAY);
    scan.feed(&mail(&[("a.fodt", flat.as_bytes())]));
    let report = scan.finish();
    assert_eq!((unread(&report), report.leaks()), (vec![(String::new(), "document", "flat-xml")], true));
}

#[test]
fn the_walls_stand_here() {
    let walls = workers(Budget::default()).try_out().expect("a worker starts");
    assert!(walls.limits && walls.seccomp, "{walls:?}");
    // A kernel without landlock is told of by `brevdue doctor`; nothing else here depends on it.
    if !walls.landlock {
        println!("NOT CHECKED: this kernel has no landlock");
    }
}

/// A program that does as a worker that went wrong.
fn impostor(folder: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("impostor");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn a_worker_that_goes_wrong_is_an_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let mail = mail(&[("a.zip", &archive(&[("a", b"b")]))]);
    let enter = r"printf '\007\001\013\000\000\000text/plain\000'";
    for (script, kind, reason) in [
        ("exit 0", "damaged", "reader-broke-down"),
        ("kill -SEGV $$", "damaged", "reader-broke-down"),
        ("kill -SYS $$", "damaged", "reader-broke-down"),
        ("kill -ABRT $$", "limit", "too-much-memory"),
        ("kill -XCPU $$", "limit", "too-slow"),
        ("exec sleep 1000", "limit", "too-slow"),
        ("printf 'no event'", "damaged", "reader-broke-down"),
        ("yes", "damaged", "reader-broke-down"),
        // It begins to tell, and dies: what it told counts.
        (
            &format!(r"{enter}; printf '\002\023\000\000\000CPR-nr. 150379-1028'; kill -SEGV $$"),
            "damaged",
            "reader-broke-down",
        ),
    ] {
        let budget = Budget { patience: Duration::from_millis(1500), ..Budget::default() };
        let settings = Settings { budget, recogniser: None };
        let workers = Workers::of(impostor(folder.path(), script), settings);
        let begun = Instant::now();
        let report = scan(&mail, &workers);
        assert_eq!(unread(&report), [(String::new(), kind, reason)], "{script}");
        assert_eq!(report.leaks(), script.contains("150379"), "{script}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{script}");
    }
    let nowhere = Workers::of(folder.path().join("nowhere"), Settings::default());
    assert_eq!(unread(&scan(&mail, &nowhere)), [(String::new(), "damaged", "reader-broke-down")]);
    assert_eq!(nowhere.try_out(), None);
}

#[test]
fn what_unfolds_without_end_ends_as_a_limit() {
    let workers = workers(Budget::default());
    let zeros = vec![0; 40 << 20];
    let bomb = archive(&[("nul", &zeros), ("derefter.txt", b"CPR-nr. 150379-1028")]);
    assert!(bomb.len() < 100_000);
    let report = scan(&mail(&[("bombe.zip", &bomb)]), &workers);
    let limits: Vec<_> = unread(&report).into_iter().filter(|one| one.1 == "limit").collect();
    assert_eq!(limits, [("bombe.zip!nul".to_owned(), "limit", "too-compressed")]);

    let names: Vec<String> = (0..3000).map(|nr| format!("f{nr}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
    let report = scan(&mail(&[("mange.zip", &archive(&files))]), &workers);
    assert_eq!(unread(&report).last().map(|one| (one.1, one.2)), Some(("limit", "too-many-members")));

    let mut deep = b"CPR-nr. 150379-1028".to_vec();
    for depth in 0..8 {
        deep = archive(&[(&format!("{depth}.zip"), &deep)]);
    }
    // And one that lies in itself.
    for deep in [deep, quine()] {
        let report = scan(&mail(&[("dyb.zip", &deep)]), &workers);
        let all: Vec<_> = unread(&report).into_iter().map(|one| (one.1, one.2)).collect();
        assert_eq!(all, [("limit", "too-deep")]);
    }
}

#[test]
fn the_documents_of_one_mail_share_a_budget() {
    let budget = Budget { message: 3 << 20, ..Budget::default() };
    let noise: Vec<u8> = (0..1_u32 << 20).map(|nr| (nr.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = archive(&[("støj.bin", &noise)]);
    let files: Vec<(String, &[u8])> = (0..4).map(|nr| (format!("{nr}.zip"), file.as_slice())).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, file)| (name.as_str(), *file)).collect();
    let workers = workers(budget);
    let report = scan(&mail(&files), &workers);
    assert!(
        unread(&report).iter().any(|one| (one.1, one.2) == ("limit", "too-large")),
        "{:?}",
        unread(&report)
    );
    // What one mail took is free for the next.
    let report = scan(&mail(&[("a.zip", &archive(&[("a.txt", b"CPR-nr. 150379-1028")]))]), &workers);
    assert_eq!((unread(&report), report.leaks()), (Vec::new(), true));
}
