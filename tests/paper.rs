//! What leaves on paper: texts as they are to read, files as other programs read them, and numbers that never get out.

use crate::support::program::{brevdue, code, said};
use crate::support::put;
use brevdue::case::CaseId;
use brevdue::case::act::{Act, By, Communication, Phase};
use brevdue::case::detection::{Detection, Outcome};
use brevdue::case::field::{Field, Words};
use brevdue::case::incident::Source;
use brevdue::envelope::{Controller, Pass, QueueId, Verdict};
use brevdue::export::copy_sheet::{self, Kind};
use brevdue::export::file::{self, Table};
use brevdue::export::letter::{self, Language};
use brevdue::export::paper::{Block, Both, Paper};
use brevdue::export::register::Cell;
use brevdue::export::{ExportError, Whole, html, notice, pdf, text};
use brevdue::seal::keyfile::DpoPair;
use brevdue::spool::evidence::Evidence;
use brevdue::store::{CaseFile, Logged, Opening, Store, Surroundings};
use chrono::{DateTime, TimeDelta, Utc};
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Made up, and valid.
const NUMBER: &str = "150379-1028";

/// A folder with a register in it, where `brevdue` without a configuration finds it.
struct House {
    folder: TempDir,
    store: Store,
    case: CaseId,
}

fn at(hour: i64) -> DateTime<Utc> {
    "2026-11-17T09:20:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hour)
}

impl House {
    /// With one breach: two mails of eAnsøgning that left plainly.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("brevdue-data");
        std::fs::create_dir(&data).unwrap();
        let store = Store::open(&data.join("brevdue.sqlite")).unwrap();
        let case = breach(&store, 1, "Nørreby Kommune", "12345678");
        Self { folder, store, case }
    }

    fn act(&self, hour: i64, act: &Act, reason: Option<&str>) {
        let by = By {
            who: Words::checked("Anne Ås, DPO", |_| true).unwrap(),
            at: at(hour),
            reason: reason.map(|reason| Words::checked(reason, |_| true).unwrap()),
        };
        let moved = self.store.record(|recording| recording.act(&self.case, act, &by)).unwrap();
        moved.unwrap().unwrap();
    }

    fn write(&self, hour: i64, field: Field, value: &str) {
        self.act(hour, &Act::Record(field, value.to_owned()), None);
    }

    fn file(&self) -> (CaseFile, Surroundings) {
        let file = self.store.case(&self.case).unwrap().unwrap();
        let around = self.store.surroundings(&file.row).unwrap();
        (file, around)
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let output = brevdue(self.folder.path(), args, "");
        (code(&output), said(&output))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything that Datatilsynet asks for before the first notification.
    fn assessed(self) -> Self {
        for (field, value) in [
            (Field::Reporter, "Anne Ås, DPO, tlf. 99 99 99 99"),
            (Field::Description, "En kvittering fra selvbetjeningen blev sendt som ukrypteret mail."),
            (Field::Type, "fortrolighed"),
            (Field::Cause, "opsætning"),
            (Field::Contained, "2026-11-17T12:00:00Z"),
            (Field::PersonCategories, "Borgere over 18 år"),
            (Field::RecordCategories, "Ansøgninger"),
            (Field::DataTypes, "CPR-nummer"),
            (Field::DataNot, "navn, adresse og sagens indhold"),
            (Field::Seen, "Mailen er gået til den rette myndighed. Vi ved ikke, om andre har set den."),
            (Field::Consequences, "Dit CPR-nummer kan være blevet læst af uvedkommende undervejs."),
            (Field::LikelyConsequences, "Tab af fortrolighed"),
            (Field::Measures, "Skabelonen er rettet, og nummeret sendes ikke mere."),
        ] {
            self.write(1, field, value);
        }
        self
    }
}

fn found(message: u8) -> Detection {
    Detection {
        at: at(i64::from(message % 10)),
        queue_id: QueueId::new(&format!("4bXq1z3kTnz{message}")),
        message: [message; 16],
        verdict: Verdict::Deliver(Pass::Observed),
        outcome: Outcome::Delivered { certain: true },
        sender_domain: "ansoegning.example".to_owned(),
        recipient_domains: vec!["noerreby.example".to_owned()],
        recipients: 1,
        findings: 1,
        persons: 1,
        persons_exact: true,
    }
}

fn join(store: &Store, detection: &Detection, grouping: u8, name: &str, cvr: &str) -> CaseId {
    let controller = Controller {
        name: name.to_owned(),
        cvr: cvr.to_owned(),
        dpo: "dpo@noerreby.example".to_owned(),
        dpo_key: Some(String::new()),
        default: true,
        ..Controller::default()
    };
    let vendor = Some("Leverandør A/S".to_owned());
    let source = Source { name: "eAnsøgning".to_owned(), pattern: String::new(), vendor };
    let opening = Opening {
        controller: &controller,
        source: Some(&source),
        root: [grouping; 16],
        grouping: [grouping; 16],
        salt: [grouping; 16],
    };
    let digest = detection.message;
    let joined = store.record(|recording| {
        let case = recording.join(detection, &opening)?.case;
        recording.add_persons(&case, &[digest])?;
        Ok(case)
    });
    joined.unwrap()
}

/// Two mails that left plainly, and the log's line about the first.
fn breach(store: &Store, grouping: u8, name: &str, cvr: &str) -> CaseId {
    let first = grouping * 10;
    let case = join(store, &found(first), grouping, name, cvr);
    join(store, &found(first + 1), grouping, name, cvr);
    let queue_id = QueueId::new(&format!("4bXq1z3kTnz{first}")).unwrap();
    store
        .record(|recording| {
            recording.log_delivery(&Logged {
                at: at(0),
                mail: queue_id.as_str(),
                queue_id: &queue_id,
                domain: "noerreby.example",
                transport: "smtp",
                relay: "mx.noerreby.example",
                status: "sent",
                proof: "plaintext",
                protocol: "",
                cipher: "",
            })
        })
        .unwrap();
    case
}

/// Compares with a file of `tests/data/paper`; `BLESS=1` writes it.
fn is_as_written(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/paper").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        put(&path, text.as_bytes()).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} is not as written (BLESS=1 writes it):\n{text}");
}

#[test]
fn the_copy_sheet_has_what_is_known_what_was_written_and_what_is_missing() {
    let house = House::new();
    let (file, around) = house.file();
    let whole = Whole { file: &file, around: &around, now: at(2) };
    let bare = copy_sheet::write(&whole, Kind::Preliminary, 0).unwrap();
    let missing = bare.missing().len();
    assert!(missing > 10, "{missing}");

    let house = house.assessed();
    let (file, around) = house.file();
    let whole = Whole { file: &file, around: &around, now: at(2) };
    let sheet = copy_sheet::write(&whole, Kind::Preliminary, 0).unwrap();
    is_as_written("preliminary.txt", &text::render(&sheet));
    assert!(matches!(copy_sheet::write(&whole, Kind::Supplement, 0), Err(ExportError::NotNotified(_))));
    let page = html::render(&sheet);
    assert!(page.contains("user-select:all") && page.contains("Nørreby Kommune"));

    // Two things come to light after it was notified; one of them was written before.
    house.write(1, Field::MoreTime, "Endeligt antal registrerede senest 01-12-2026.");
    let notified = Act::Notified { at: at(3), phase: Phase::Preliminary, reference: None, late: None };
    house.act(4, &notified, None);
    house.write(5, Field::PersonCount, "823");
    let mut third = found(12);
    third.at = at(7);
    join(&house.store, &third, 1, "Nørreby Kommune", "12345678");
    house.write(6, Field::Measures, "Skabelonen er rettet, og alle mails siden 2014 er gennemgået.");
    let (file, around) = house.file();
    let whole = Whole { file: &file, around: &around, now: at(30) };
    assert_eq!(Kind::next(file.row.state), Kind::Supplement);
    let since = copy_sheet::last_notification(&file.entries).unwrap();
    assert_eq!(since, at(3), "when it was sent, not when that was written down");
    let later = house.store.found_since(&house.case, since).unwrap();
    assert_eq!(later, 1);
    let supplement = text::render(&copy_sheet::write(&whole, Kind::Supplement, later).unwrap());
    is_as_written("supplement.txt", &supplement);
    // Told or exempt: points 10 and 11 follow the decision.
    house.act(31, &Act::Inform(Communication::NotRequired), Some("Kun CPR-nummer, til rette myndighed."));
    let (file, around) = house.file();
    let whole = Whole { file: &file, around: &around, now: at(31) };
    let last = text::render(&copy_sheet::write(&whole, Kind::Final, 0).unwrap());
    assert!(
        last.contains("Kun CPR-nummer, til rette myndighed.") && last.contains("anmeldelsen er endelig"),
        "{last}"
    );
}

#[test]
fn the_letter_says_all_points_and_the_notice_when_it_was_received() {
    let house = House::new().assessed();
    let (file, around) = house.file();
    let whole = Whole { file: &file, around: &around, now: at(2) };
    let letter = letter::write(&whole, Language::Danish).unwrap();
    assert_eq!(letter.missing, Vec::<&str>::new());
    is_as_written("letter.da.txt", &letter.text);
    is_as_written("letter.en.txt", &letter::write(&whole, Language::English).unwrap().text);
    for point in ["33 98 00 98", "kreditadvarsel", "Datatilsynet", "eAnsøgning", "«NAVN»", "beklager"] {
        assert!(letter.text.contains(point), "{point}");
    }
    let notice = notice::write(&whole, Some("Relæ A/S"), Language::Danish).unwrap();
    is_as_written("notice.da.txt", &notice.text);

    let bare = House::new();
    let (file, around) = bare.file();
    let whole = Whole { file: &file, around: &around, now: at(2) };
    let letter = letter::write(&whole, Language::Danish).unwrap();
    assert!(letter.text.contains("[MANGLER: data_types]") && letter.missing.contains(&"seen"));
}

#[test]
fn every_document_is_made_and_read_back_and_its_owner_alone_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new().assessed();
    house.write(1, Field::CauseText, "=HYPERLINK(\"http://x.example\";\"tryk\")");
    breach(&house.store, 2, "Sønderby Kommune", "87654321");
    let id = house.case.as_str();
    for args in [
        vec!["case", "export", id, "--as", "copy-sheet", "--out", "sheet.txt"],
        vec!["case", "export", id, "--as", "copy-sheet", "--form", "html", "--out", "sheet.html"],
        vec!["case", "export", id, "--as", "letter", "--out", "letter.txt"],
        vec!["case", "export", id, "--as", "notice", "--language", "da"],
        vec!["case", "export", id, "--as", "pdf", "--out", "case.pdf"],
        vec!["report", "register", "--as", "csv", "--out", "register.csv"],
        vec!["report", "register", "--as", "xlsx", "--out", "register.xlsx"],
        vec!["report", "register", "--as", "pdf", "--out", "register.pdf"],
        vec!["report", "encryption"],
        vec!["report", "encryption", "--as", "csv", "--out", "encryption.csv"],
    ] {
        let (code, said) = house.run(&args);
        assert_eq!(code, 0, "{args:?}: {said}");
        assert!(!said.contains("read back"), "{args:?}: {said}");
    }
    let read = |name: &str| std::fs::read(house.path(name)).unwrap();
    let mode = std::fs::metadata(house.path("register.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let csv = String::from_utf8(read("register.csv")).unwrap();
    assert!(csv.starts_with("\u{FEFF}Sag;Rodhændelse;"), "{csv}");
    assert!(csv.contains("\r\nBRV-2026-0001;") && csv.contains("\r\nBRV-2026-0002;"));
    assert!(csv.contains("'=HYPERLINK") && !csv.contains(";=HYPERLINK"));
    let widths: Vec<usize> = csv.lines().map(cells).collect();
    assert!(widths.len() == 3 && widths.iter().all(|width| *width == widths[0]), "{widths:?}");

    let mut book = zip::ZipArchive::new(std::io::Cursor::new(read("register.xlsx"))).unwrap();
    let mut inside = |name: &str| {
        let mut text = String::new();
        book.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let strings = inside("xl/sharedStrings.xml");
    assert!(strings.contains("Nørreby Kommune") && strings.contains("=HYPERLINK"));
    assert!(!inside("xl/worksheets/sheet1.xml").contains("<f>"), "no cell is a formula");
    for name in ["case.pdf", "register.pdf"] {
        let pdf = read(name);
        assert!(pdf.starts_with(b"%PDF-1.7"));
        assert!(String::from_utf8_lossy(&pdf).contains("<pdfaid:part>2"), "{name} is PDF/A-2");
    }
    let encryption = String::from_utf8(read("encryption.csv")).unwrap();
    assert!(encryption.contains("2026-11;noerreby.example;sent;plaintext;;;2"), "{encryption}");
}

/// How many cells a line of our CSV has.
fn cells(line: &str) -> usize {
    let mut is_quoted = false;
    let ends = line.chars().filter(|c| {
        if *c == '"' {
            is_quoted = !is_quoted;
        }
        *c == ';' && !is_quoted
    });
    ends.count() + 1
}

#[test]
fn a_number_in_a_field_means_no_document() {
    let house = House::new().assessed();
    // As it stands in a register into which somebody wrote it past the fields' own check.
    house.write(2, Field::Description, &format!("Mail om borger {NUMBER} blev sendt"));
    let id = house.case.as_str();
    for args in [
        vec!["case", "export", id, "--as", "copy-sheet"],
        vec!["case", "export", id, "--as", "copy-sheet", "--form", "html"],
        vec!["case", "export", id, "--as", "letter"],
        vec!["case", "export", id, "--as", "pdf"],
        vec!["report", "register", "--as", "csv"],
        vec!["report", "register", "--as", "xlsx"],
        vec!["report", "register", "--as", "pdf"],
    ] {
        let args = [args.as_slice(), &["--out", "made"]].concat();
        let (code, said) = house.run(&args);
        assert_eq!(code, 2, "{args:?}: {said}");
        assert!(said.contains("looks like a CPR number") && !said.contains("1028"), "{args:?}: {said}");
        assert!(!house.path("made").exists(), "{args:?}");
    }
}

#[test]
fn our_own_readers_see_a_number_in_what_our_writers_make() {
    let house = House::new();
    let words = format!("CPR-nr. {NUMBER}");
    let mut paper = Paper::new(Both::new("Prøve", "Trial"), "prøve", at(0));
    paper.blocks.push(Block::Pairs(vec![(Both::new("Beskrivelse", "Description"), words.clone())]));
    let table = Table {
        name: "Prøve",
        head: vec![Both::new("Beskrivelse", "")],
        rows: vec![vec![Cell::Text(words)]],
    };
    for (name, bytes) in [
        ("made.pdf", pdf::render(&paper).unwrap()),
        ("made.xlsx", file::xlsx(&table, "Prøve", at(0)).unwrap()),
        ("made.csv", file::csv(&table).into_bytes()),
        ("made.html", html::render(&paper).into_bytes()),
        ("made.txt", text::render(&paper).into_bytes()),
    ] {
        put(&house.path(name), &bytes).unwrap();
        let (code, said) = house.run(&["scan", name]);
        assert_eq!(code, 1, "{name}: {said}");
    }
}

#[test]
fn severity_is_shown_with_its_inputs_and_flags_and_what_was_averted_is_notified_to_nobody() {
    let house = House::new().assessed();
    let inputs = "data=4 ease=100 confidentiality=25 malicious=0 many=1 unintelligible=1";
    house.write(1, Field::SeverityInputs, inputs);
    // What stands in a field is text in a page, and no element.
    house.write(1, Field::MeasuresBefore, "<b>To & tre</b>");
    let id = house.case.as_str();
    let (code, said) = house.run(&["case", "export", id, "--as", "copy-sheet"]);
    assert_eq!(code, 0, "{said}");
    for words in
        ["4,25 (meget høj", "4 x 1,00 + 0,25", "more than 100 persons", "unintelligible", "given by a person"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let (_, page) = house.run(&["case", "export", id, "--as", "copy-sheet", "--form", "html"]);
    assert!(page.contains("&lt;b&gt;To &amp; tre&lt;/b&gt;") && !page.contains("<b>"), "{page}");

    let mut stopped = found(77);
    (stopped.verdict, stopped.outcome) = (Verdict::Block, Outcome::Stopped);
    let near = join(&house.store, &stopped, 7, "Nørreby Kommune", "12345678");
    for what in ["copy-sheet", "letter", "notice"] {
        let (code, said) = house.run(&["case", "export", near.as_str(), "--as", what]);
        assert!(code == 2 && said.contains("is a near miss"), "{said}");
    }
    let (code, said) = house.run(&["case", "export", near.as_str(), "--as", "pdf", "--out", "near.pdf"]);
    assert_eq!(code, 0, "it stands in the register all the same: {said}");
}

#[test]
fn a_suspicion_is_marked_and_what_was_refuted_is_notified_to_nobody() {
    let mut house = House::new();
    let mut doubtful = found(78);
    doubtful.outcome = Outcome::Delivered { certain: false };
    house.case = join(&house.store, &doubtful, 8, "Nørreby Kommune", "12345678");
    let export = |what| house.run(&["case", "export", house.case.as_str(), "--as", what]);
    for what in ["copy-sheet", "letter"] {
        let (code, said) = export(what);
        assert!(code == 0 && said.contains("MISTANKE: ingen har endnu bekræftet"), "{said}");
    }
    let refused = || {
        for what in ["copy-sheet", "letter"] {
            let (code, said) = export(what);
            assert!(code == 2 && said.contains("mistanken er afkræftet"), "{said}");
        }
    };
    house.act(1, &Act::Refute, Some("et fakturanummer"));
    refused();
    house.act(2, &Act::Close, Some("afkræftet"));
    refused();
    house.act(3, &Act::Reopen, Some("det var et CPR-nummer"));
    let (code, said) = export("copy-sheet");
    assert!(code == 0 && !said.contains("MISTANKE"), "{said}");
}

#[test]
fn the_persons_are_listed_with_the_dpos_key_and_by_nobody_without() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let id = house.case.as_str();
    let (mine, other) = (DpoPair::generate(), DpoPair::generate());
    for (name, pair) in [("dpo.key", &mine), ("other.key", &other), ("stranger.key", &DpoPair::generate())] {
        brevdue::seal::keyfile::create_private(&house.path(name), pair.secret().as_bytes()).unwrap();
    }
    let (code, said) = house.run(&["case", "persons", id, "--identity", "dpo.key"]);
    assert!(code == 2 && said.contains("there are no sealed numbers"), "{said}");

    let evidence = Evidence::below(&house.path("brevdue-data/spool"));
    evidence.append(&house.case, &mine.public, &[*b"1503791028", *b"0101901234"]).unwrap();
    evidence.append(&house.case, &mine.public, &[*b"1503791028"]).unwrap();
    let (code, said) = house.run(&["case", "persons", id, "--identity", "dpo.key"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("010190-1234\n150379-1028\n") && said.contains("2 personer"), "{said}");

    for (key, why) in [("stranger.key", "only the DPO's own key"), ("none.key", "without it nobody can")] {
        let (code, said) = house.run(&["case", "persons", id, "--identity", key, "--csv", "persons.csv"]);
        assert!(code == 2 && said.contains(why) && !said.contains("1028"), "{said}");
        assert!(!house.path("persons.csv").exists());
    }

    // Sealed to the key that the DPO had before: told, and not left out in silence.
    evidence.append(&house.case, &other.public, &[*b"1111111118"]).unwrap();
    let (code, said) = house.run(&["case", "persons", id, "--identity", "dpo.key", "--csv", "persons.csv"]);
    assert!(code == 2 && said.contains("ADVARSEL: 1") && !said.contains("1028"), "{said}");
    let csv = std::fs::read_to_string(house.path("persons.csv")).unwrap();
    let expected =
        format!("\u{FEFF}NR;CPR;NAVN;ADRESSE;SAG\r\n1;010190-1234;;;{id}\r\n2;150379-1028;;;{id}\r\n");
    assert_eq!(csv, expected);
    let mode = std::fs::metadata(house.path("persons.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, said) = house.run(&["case", "persons", id, "--identity", "other.key", "--csv", "persons.csv"]);
    assert!(code == 2 && said.contains("never replaces another"), "{said}");
    assert_eq!(std::fs::read_to_string(house.path("persons.csv")).unwrap(), expected);
}
