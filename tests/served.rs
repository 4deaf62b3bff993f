//! Documents as mail brings them: a real `brevdue serve`, asked by the milter protocol for what becomes of a mail with one.

use crate::support::base64;
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::documents::archives::archive;
use crate::support::documents::pdf::{Writer, page, show};
use crate::support::documents::{mail, office};
use crate::support::wait_until;
use crate::workers::{brevdue, children, slow, status};
use brevdue::intake::milter::{Client, Mail, Outcome};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const NUMBER: &str = "150379-1028";

struct Site {
    daemon: Daemon,
    runtime: Runtime,
}

impl Site {
    fn open(toml: &str) -> Self {
        let daemon = Daemon::start(&DaemonOptions::with(toml)).unwrap();
        Self { daemon, runtime: Runtime::new().unwrap() }
    }

    fn send(&self, mail: &[u8]) -> Outcome {
        let envelope = Mail {
            sender: "anna@noerreby.example",
            recipients: &["bo@borger.example"],
            queue_id: "4XyzAB12",
            tls: None,
        };
        let mail =
            [b"From: <anna@noerreby.example>\r\nSubject: Liste\r\nMIME-Version: 1.0\r\n", mail].concat();
        self.runtime.block_on(async {
            let mut client = Client::connect(&self.daemon.address()).await.unwrap();
            client.send(&envelope, &mail).await.unwrap()
        })
    }

    /// That neither the log nor any file of the data holds the number.
    fn assert_no_number(&self) {
        let digits = NUMBER.replace('-', "");
        let forms = [NUMBER.to_owned(), digits.clone(), base64(NUMBER.as_bytes()), base64(digits.as_bytes())];
        let mut files = vec![("log".to_owned(), self.daemon.log().into_bytes())];
        for entry in walkdir::WalkDir::new(self.daemon.data()).into_iter().flatten() {
            if entry.file_type().is_file() {
                files.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
            }
        }
        for (name, bytes) in files {
            for form in &forms {
                assert!(memchr::memmem::find(&bytes, form.as_bytes()).is_none(), "{form} in {name}");
            }
        }
    }
}

/// A workbook in an archive: the number is in the third row of the second column.
fn list() -> Vec<u8> {
    let sheet = "<worksheet><sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>Navn</t></is></c>\
                 <c r='B1' t='inlineStr'><is><t>CPR-nr.</t></is></c></row>\
                 <row r='3'><c r='A3' t='inlineStr'><is><t>Anna</t></is></c><c r='B3' s='1'><v>1503791028</v></c></row>\
                 </sheetData></worksheet>";
    let book = office::package(&[
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name='Personer' sheetId='1' r:id='r1'/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id='r1' Target='worksheets/sheet1.xml'/></Relationships>",
        ),
        office::BOOK[3],
        ("xl/worksheets/sheet1.xml", sheet),
    ]);
    archive(&[("uge 47/liste.xlsx", &book)])
}

fn locked() -> Vec<u8> {
    let mut writer = Writer::new();
    let key = "00".repeat(32);
    writer.trailer = format!("/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{key}>/U<{key}>>>");
    writer.finish(&[&show(50, 700, "CPR-nr. 150379-1028")])
}

#[test]
fn a_number_in_a_document_is_refused_and_the_number_is_nowhere() {
    let site = Site::open("[policy]\nleak = \"block\"");
    let pdf = page(&show(50, 700, &format!("Vedr. CPR-nr. {NUMBER}")));
    for (nr, file) in [list(), archive(&[("brev.pdf", &pdf)])].into_iter().enumerate() {
        let mail = mail(&[("bilag.zip", &file)]);
        let Outcome::Rejected { code, text } = site.send(&mail) else { panic!("{nr}: not refused") };
        assert!(code == 550 && text.contains("CPR-nummer, som ikke er krypteret"), "{text}");
        assert!(!text.contains("150379") && !text.contains("bilag"), "{text}");
    }
    let cases = site.daemon.cases().unwrap();
    assert_eq!(
        (cases.len(), cases[0]["kind"].as_str(), cases[0]["mails"].as_u64()),
        (1, Some("near_miss"), Some(2))
    );
    site.assert_no_number();
    let shown = site.daemon.show(cases[0]["id"].as_str().unwrap()).unwrap();
    assert!(!shown.contains("150379"), "{shown}");
    // Whoever asks where it stood is told by `scan`: the file in the archive, the sheet and the cell, and no number.
    let folder = tempfile::tempdir().unwrap();
    crate::support::put(&folder.path().join("a.eml"), &mail(&[("bilag.zip", &list())])).unwrap();
    let said = brevdue(folder.path(), &["scan", "a.eml"]).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    // Digits of a name are masked, whatever they are.
    assert!(said.contains("attachment:bilag.zip!uge **/liste.xlsx, celle Personer!B3"), "{said}");
    assert!(!said.contains("150379"), "{said}");
    // A clean one passes.
    let clean = archive(&[("brev.pdf", &page(&show(50, 700, "Vi har modtaget din mail.")))]);
    assert!(matches!(
        site.send(&mail(&[("bilag.zip", &clean)])),
        Outcome::Accepted { quarantined: None, .. }
    ));
}

#[test]
fn what_asks_for_a_password_is_what_the_policy_says() {
    for (said, word) in [("record", "deliver"), ("hold", "hold"), ("block", "block")] {
        let site =
            Site::open(&format!("[policy]\nleak = \"block\"\n[policy.unread]\nencrypted = \"{said}\""));
        let outcome = site.send(&mail(&[("bilag.pdf", &locked())]));
        let is = match &outcome {
            Outcome::Accepted { quarantined: None, .. } => "deliver",
            Outcome::Accepted { quarantined: Some(_), .. } => "hold",
            Outcome::Rejected { text, .. } => {
                assert!(text.contains("kunne ikke kontrolleres"), "nobody has found a number: {text}");
                "block"
            }
            Outcome::Tempfail { .. } | Outcome::Discard => "other",
        };
        assert_eq!(is, word, "{outcome:?}");
        assert_eq!(site.daemon.cases().unwrap().len(), 0);
    }
}

/// Bombs are answered in time and by the policy, the daemon serves on, and nothing of it outlives it.
#[test]
fn a_bomb_is_answered_in_time() {
    let mut site = Site::open("[policy]\nleak = \"block\"\n[documents]\ncpu_seconds = 2\nworkers = 2");
    let zeros = vec![0; 40 << 20];
    let unfolding = archive(&[("nul", &zeros)]);
    for bomb in [slow(), archive(&[("a.pdf", &slow())]), unfolding] {
        let begun = Instant::now();
        let outcome = site.send(&mail(&[("bilag.bin", &bomb)]));
        assert!(matches!(outcome, Outcome::Accepted { quarantined: Some(_), .. }), "{outcome:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
    let Outcome::Rejected { .. } = site.send(&mail(&[("bilag.zip", &list())])) else { panic!("not refused") };
    let children = children(site.daemon.pid().unwrap());
    assert!(!children.is_empty(), "one waits for a next document");
    site.daemon.kill();
    let gone = wait_until(Duration::from_secs(1), || {
        children.iter().all(|pid| status(*pid).is_none()).then_some(())
    });
    assert!(gone.is_some(), "alive after the daemon: {children:?}");
}

/// What the daemon keeps of a message that waits for a worker ends with the configuration that it came under.
#[test]
fn workers_go_with_their_configuration() {
    let site = Site::open("[policy]\nleak = \"block\"\n[documents]\nmemory_mb = 511");
    let Outcome::Rejected { .. } = site.send(&mail(&[("bilag.zip", &list())])) else { panic!("not refused") };
    let of = |memory: u64| {
        let memory = (memory << 20).to_string();
        let is = |pid: &u32| {
            let line =
                std::fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|argument| argument == memory.as_bytes())
        };
        children(site.daemon.pid().unwrap()).into_iter().filter(is).count()
    };
    let long = Duration::from_secs(20);
    assert!(wait_until(long, || (of(511) > 0).then_some(())).is_some());
    let config = std::fs::read_to_string(site.daemon.config()).unwrap();
    crate::support::put(&site.daemon.config(), config.replace("511", "513").as_bytes()).unwrap();
    assert!(wait_until(long, || (of(511) == 0).then_some(())).is_some(), "those of before are let go");
    let Outcome::Rejected { .. } = site.send(&mail(&[("bilag.zip", &list())])) else { panic!("not refused") };
    assert!(wait_until(long, || (of(513) > 0).then_some(())).is_some());
}
