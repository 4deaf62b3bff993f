//! `brevdue archive` over the made-up Boliglån archive: every count is the true one, whatever form the archive has, however
//! often it is killed, and in which pieces it comes.

use crate::faults::steps;
use crate::support::boliglaan::{Archive, Mail, Shape, Truth, forms, name};
use crate::support::documents::archives;
use crate::support::program::{brevdue, code, said};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, create_dir_all};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A municipality's processor with its configuration, its DPO's key and an archive.
struct Place {
    folder: TempDir,
    archive: Archive,
}

impl Place {
    fn new(shape: Shape) -> Self {
        let folder = TempDir::new().unwrap();
        let archive = Archive::new(shape);
        let made = brevdue(folder.path(), &["key", "new", "--out", "dpo.key"], "");
        let key = said(&made);
        let key = key.lines().find(|line| line.starts_with("dpo_key")).unwrap();
        let toml = format!(
            "[store]\nurl = \"sqlite:data/brevdue.db\"\n[spool]\npath = \"data/spool\"\n[alarm]\nsmtp = \"smtp://127.0.0.1:1\"\nfrom = \"b@x.example\"\n{}",
            archive.toml(key)
        );
        write(&folder.path().join("brevdue.toml"), toml.as_bytes());
        let place = Self { folder, archive };
        create_dir_all(place.at("mail")).unwrap();
        place
    }

    /// The configuration names another system.
    fn forget_the_source(&self) {
        let config = std::fs::read_to_string(self.at("brevdue.toml")).unwrap();
        let config = config.replace("match = \"@eansoegning.example\"", "match = \"@andre.example\"");
        write(&self.at("brevdue.toml"), config.as_bytes());
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn mails(&self, keep: impl Fn(usize) -> bool + 'static) -> impl Iterator<Item = &Mail> {
        self.archive.mails.iter().filter(move |mail| keep(mail.number))
    }

    /// Runs it to its end.
    fn run(&self, args: &[&str]) -> serde_json::Value {
        let all = [&["--config", "brevdue.toml", "archive", "--format", "json"], args].concat();
        let output = brevdue(self.folder.path(), &all, "");
        assert_eq!(code(&output), 0, "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs it and kills it after so long, unless it has ended before; whether it was killed.
    fn run_and_kill(&self, after: Duration) -> bool {
        let mut child = Command::new(env!("CARGO_BIN_EXE_brevdue"))
            .args(["--config", "brevdue.toml", "archive", "mail"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + after;
        while Instant::now() < end {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        true
    }

    /// Numbers that the DPO's key opens, over all cases.
    fn opened(&self, case: &str) -> usize {
        let args = ["--config", "brevdue.toml", "evidence", "open", case, "--identity", "dpo.key"];
        let output = brevdue(self.folder.path(), &args, "");
        assert_eq!(code(&output), 0, "{}", said(&output));
        String::from_utf8(output.stdout).unwrap().lines().count()
    }
}

fn write(path: &Path, bytes: &[u8]) {
    File::create(path).unwrap().write_all(bytes).unwrap();
}

/// A zip of .eml files.
fn zipped<'a>(path: &Path, mails: impl Iterator<Item = &'a Mail>) {
    let files: Vec<(String, Vec<u8>)> =
        mails.map(|mail| (format!("eksport/{:05}.eml", mail.number), mail.bytes())).collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    write(path, &archives::archive(&files));
}

fn seconds(time: &serde_json::Value) -> i64 {
    chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap().timestamp()
}

/// What a list of controllers or cases says, by the controller's name.
fn told(list: &serde_json::Value) -> BTreeMap<String, Truth> {
    let one = |one: &serde_json::Value| {
        let truth = Truth {
            mails: one["mails"].as_u64().unwrap(),
            persons: one["persons"].as_u64().unwrap(),
            first: seconds(&one["first_sent"]),
            last: seconds(&one["last_sent"]),
        };
        (one["controller"].as_str().unwrap().to_owned(), truth)
    };
    let list = list.as_array().unwrap();
    let all: BTreeMap<_, _> = list.iter().map(one).collect();
    assert_eq!(all.len(), list.len(), "one line for each controller: {list:?}");
    all
}

fn true_counts(archive: &Archive) -> BTreeMap<String, Truth> {
    archive.truth().into_iter().map(|(municipality, truth)| (name(municipality), truth)).collect()
}

/// One incident, a case for each municipality, every count the true one: what the run read, and what the register has.
fn expect_the_truth(place: &Place, told_by: &serde_json::Value) {
    let truth = true_counts(&place.archive);
    assert_eq!(told(&told_by["controllers"]), truth);
    let cases = &told_by["cases"];
    assert_eq!(told(cases), truth);
    let cases = cases.as_array().unwrap();
    assert!(cases.iter().all(|case| case["incident"] == cases[0]["incident"]), "one incident");
    assert!(cases.iter().all(|case| case["state"] == "assessing" && case["source"] == "eAnsøgning boliglån"));
    // Found now, and the clock runs from now; sent years ago.
    for case in cases {
        assert_eq!(case["aware_at"], case["detected_at"]);
        assert!(seconds(&case["detected_at"]) > seconds(&case["last_sent"]) + 86_400 * 365);
        assert_eq!(seconds(&case["deadline"]) - seconds(&case["aware_at"]), 72 * 3_600);
    }
}

fn notices(place: &Place, milestone: &str) -> i64 {
    let beside = rusqlite::Connection::open(place.at("data/brevdue.db")).unwrap();
    beside
        .query_row("SELECT count(*) FROM notice WHERE milestone = ?1", [milestone], |row| row.get(0))
        .unwrap()
}

/// All forms at once, most mails in two of them.
fn lay_down(place: &Place) {
    forms::mbox(&place.at("mail/arkiv.mbox"), place.mails(|number| number % 5 < 2)).unwrap();
    forms::maildir(&place.at("mail/Maildir"), place.mails(|number| matches!(number % 5, 1 | 2))).unwrap();
    zipped(&place.at("mail/eksport.zip"), place.mails(|number| matches!(number % 5, 2 | 3)));
    forms::tree(&place.at("mail/eml"), place.mails(|number| number % 5 >= 3)).unwrap();
    write(&place.at("mail/laesmig.txt"), b"Arkivet er fra 2019.\n");
}

#[test]
fn the_archive_counts_as_it_is_in_all_forms_at_once() {
    let place = Place::new(Shape::SMALL);
    lay_down(&place);
    let dry = place.run(&["--dry-run", "mail"]);
    assert_eq!(told(&dry["controllers"]), true_counts(&place.archive));
    assert!(!place.at("data").exists(), "a dry run writes nothing");
    assert!(dry["controllers"].as_array().unwrap().iter().all(|one| one["groups"] == 1), "one template");

    let first = place.run(&["mail"]);
    expect_the_truth(&place, &first);
    let mails = place.archive.shape.mails as u64;
    assert_eq!((first["new"].as_u64(), first["known"].as_u64()), (Some(mails), Some(0)));
    assert_eq!(first["opened"], 74);
    assert_eq!((&first["not_mail"], &first["unreadable"]), (&1.into(), &0.into()));
    assert!(first["copies"].as_u64().unwrap() > mails / 2);
    assert_eq!(notices(&place, "opened"), 74, "one for each controller");

    let shown = brevdue(
        place.folder.path(),
        &["--config", "brevdue.toml", "case", "show", first["cases"][0]["id"].as_str().unwrap()],
        "",
    );
    let shown = said(&shown);
    assert!(shown.contains("gammel post") && shown.contains("mails fra arkiver selv siger"), "{shown}");

    // Again, and pieces of it.
    let second = place.run(&["mail"]);
    expect_the_truth(&place, &second);
    assert_eq!((second["new"].as_u64(), second["known"].as_u64()), (Some(0), Some(mails)));
    let third = place.run(&["mail/Maildir"]);
    assert_eq!((&third["new"], &third["opened"]), (&0.into(), &0.into()));
    // The register says all that it has of the cases that the piece is of.
    let truth = true_counts(&place.archive);
    assert!(told(&third["cases"]).iter().all(|(name, counts)| truth[name] == *counts));
    let known: u64 = truth.values().map(|truth| truth.persons).sum();
    let all = first["cases"].as_array().unwrap().iter().map(|case| case["persons"].as_u64().unwrap());
    assert_eq!(all.sum::<u64>(), known);
    let opened: usize = (first["cases"].as_array().unwrap().iter())
        .take(5)
        .map(|case| place.opened(case["id"].as_str().unwrap()))
        .sum();
    let of_five: u64 = (first["cases"].as_array().unwrap().iter())
        .take(5)
        .map(|case| case["persons"].as_u64().unwrap())
        .sum();
    assert_eq!(opened as u64, of_five, "of {known} persons, those of five cases are sealed, each once");

    // A dry run beside a register leaves every byte of it as it is, and opens no case for what is not there.
    let bytes = || {
        let mut files: Vec<_> = walkdir::WalkDir::new(place.at("data"))
            .sort_by_file_name()
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.is_file())
            .map(|path| (std::fs::read(&path).unwrap(), path))
            .collect();
        files.sort();
        files
    };
    let before = bytes();
    let dry = place.run(&["--dry-run", "--assume", "unknown", "--source", "Andet", "--new-source", "mail"]);
    assert_eq!(told(&dry["controllers"]), truth);
    assert!(bytes() == before, "a dry run writes nothing");
}

#[test]
fn killed_at_any_point_it_goes_on_and_counts_the_same() {
    let place = Place::new(Shape { mails: 1_200, ..Shape::SMALL });
    lay_down(&place);
    let mut killed = 0;
    // Nearer and farther, so that it dies while it reads, opens cases, seals, writes and ends.
    for attempt in 0..12_u64 {
        killed += usize::from(place.run_and_kill(Duration::from_millis(100 + 150 * attempt)));
    }
    assert!(killed > 0, "it was never killed");
    let whole = place.run(&["mail"]);
    expect_the_truth(&place, &whole);
    assert_eq!(notices(&place, "opened"), 74);
    for case in whole["cases"].as_array().unwrap().iter().take(8) {
        let persons = case["persons"].as_u64().unwrap();
        assert_eq!(
            place.opened(case["id"].as_str().unwrap()) as u64,
            persons,
            "no number of another case is sealed under it: {case}"
        );
    }
}

/// What a scan that was killed has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    Nothing,
    /// Cases were opened, and nothing is in them.
    CasesWithoutMails,
    /// Numbers are sealed, and no row says whose.
    NumbersWithoutRows,
    /// Of some mails or of all.
    Rows,
}

/// What it has left, how many mails have rows, and how many bytes are sealed.
fn left(place: &Place) -> (Left, i64, u64) {
    let beside = rusqlite::Connection::open(place.at("data/brevdue.db")).unwrap();
    let count = |table: &str| {
        beside.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let evidence = std::fs::read_dir(place.at("data/spool/evidence")).into_iter().flatten();
    let sealed = evidence.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    let rows = count("detection");
    let left = match (count("breach_case") > 0, rows > 0, sealed > 0) {
        (false, false, _) => Left::Nothing,
        (true, false, false) => Left::CasesWithoutMails,
        (true, false, true) => Left::NumbersWithoutRows,
        (_, true, _) => Left::Rows,
    };
    (left, rows, sealed)
}

/// The states of the table in `manual::archive`, each met, and between batches too: the program is killed at every durable
/// step, one after the other, and goes on from whatever it has left.
#[test]
fn killed_at_each_durable_step_it_goes_on_from_what_is_there() {
    assert!(steps::can(), "strace is needed, and the right to trace: see tests/run");
    // Two whole batches, and what is left for the end.
    let shape = Shape { mails: 1_010, municipalities: 2, clean_every: 0, ..Shape::SMALL };
    let mut met = BTreeMap::new();
    // The first steps are those of opening the register.
    for nth in 8..=60 {
        let place = Place::new(shape);
        forms::mbox(&place.at("mail/arkiv.mbox"), place.mails(|_| true)).unwrap();
        // The register is made before, so that the steps are those of the scan.
        create_dir_all(place.at("tom")).unwrap();
        place.run(&["tom"]);
        let mut command = steps::killed_at("fsync,fdatasync", nth, None, &place.at("note"));
        let status = command
            // strace counts the steps of each thread: on one core one of them reads all.
            .args(["taskset", "--cpu-list", "0", env!("CARGO_BIN_EXE_brevdue")])
            .args(["--config", "brevdue.toml", "archive", "mail"])
            .current_dir(place.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let state = left(&place);
        if met.insert(state, nth).is_none() {
            let whole = place.run(&["mail"]);
            expect_the_truth(&place, &whole);
            assert_eq!(notices(&place, "opened"), 2);
            for case in whole["cases"].as_array().unwrap() {
                let persons = case["persons"].as_u64().unwrap();
                assert_eq!(place.opened(case["id"].as_str().unwrap()) as u64, persons, "{state:?} {case}");
            }
        }
        if status.success() {
            break;
        }
    }
    let states = || met.keys().map(|(left, ..)| *left);
    let kinds: BTreeSet<Left> = states().collect();
    let all = [Left::Nothing, Left::CasesWithoutMails, Left::NumbersWithoutRows, Left::Rows];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all, "{met:?}");
    let rows = |wanted: i64| met.keys().filter(|(_, rows, _)| *rows == wanted).count();
    // With rows of the first batch alone, with numbers of the second, and with all of them.
    assert!(rows(500) >= 2 && rows(1_000) >= 1 && rows(1_010) == 1, "{met:?}");
}

/// Mails and persons by the controller's name.
type Counts = BTreeMap<String, (u64, u64)>;

#[test]
fn two_templates_are_two_incidents() {
    let place = Place::new(Shape { mails: 400, municipalities: 5, templates: 2, ..Shape::SMALL });
    forms::mbox(&place.at("mail/arkiv.mbox"), place.mails(|_| true)).unwrap();
    let told_by = place.run(&["mail"]);
    assert_eq!(told(&told_by["controllers"]), true_counts(&place.archive));
    let cases = told_by["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 10);
    let mut found: BTreeMap<i64, Counts> = BTreeMap::new();
    for case in cases {
        let counts = (case["mails"].as_u64().unwrap(), case["persons"].as_u64().unwrap());
        let incident = found.entry(case["incident"].as_i64().unwrap()).or_default();
        incident.insert(case["controller"].as_str().unwrap().to_owned(), counts);
    }
    let of = |template: usize| -> Counts {
        let truth = Archive::truth_of(place.archive.mails.iter().filter(|mail| mail.template == template));
        truth.iter().map(|(at, truth)| (name(*at), (truth.mails, truth.persons))).collect()
    };
    let found: Vec<&Counts> = found.values().collect();
    let (one, other) = (of(0), of(1));
    assert!(found == [&one, &other] || found == [&other, &one], "{found:?}");
}

#[test]
fn a_journal_gives_the_envelope_and_without_one_the_header_stands_in() {
    let place = Place::new(Shape { mails: 60, municipalities: 3, ..Shape::SMALL });
    create_dir_all(place.at("mail/journal")).unwrap();
    for mail in place.mails(|number| number % 2 == 0) {
        write(&place.at(&format!("mail/journal/{}.eml", mail.number)), &forms::journal(mail));
    }
    forms::tree(&place.at("mail/eml"), place.mails(|number| number % 2 == 1)).unwrap();
    let told_by = place.run(&["mail"]);
    expect_the_truth(&place, &told_by);
    let all = place.archive.mails.len() as u64;
    assert_eq!(told_by["envelope_from_journal"].as_u64(), Some(all.div_ceil(2)));
    assert_eq!(told_by["envelope_from_header"].as_u64(), Some(all / 2));
}

/// A mail without a source, of which nobody knows how it travelled.
#[test]
fn what_a_person_says_of_an_archive_holds_for_all_of_it() {
    let place = Place::new(Shape { mails: 30, municipalities: 3, ..Shape::SMALL });
    forms::mbox(&place.at("mail/arkiv.mbox"), place.mails(|_| true)).unwrap();
    let unknown = place.run(&[
        "--assume",
        "unknown",
        "--controller",
        "20000002",
        "--source",
        "Gammelt system",
        "--new-source",
        "mail",
    ]);
    let cases = unknown["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1);
    assert_eq!(
        (&cases[0]["state"], &cases[0]["controller"], &cases[0]["source"], &cases[0]["mails"]),
        (&"suspected".into(), &"Kommune 02".into(), &"Gammelt system".into(), &30.into())
    );
    let output = brevdue(
        place.folder.path(),
        &["--config", "brevdue.toml", "archive", "--controller", "x", "mail"],
        "",
    );
    assert_eq!(code(&output), 2);
    assert!(said(&output).contains("there are: Fagsystemhuset"), "{}", said(&output));
    // What is not a terminal gets no bar, and nothing of a person or a mail.
    let output =
        brevdue(place.folder.path(), &["--config", "brevdue.toml", "archive", "mail", "mangler"], "");
    let said = said(&output);
    assert_eq!(code(&output), 2, "{said}");
    assert!(said.contains("mangler") && !said.contains('\r'), "{said}");
    for mail in place.mails(|_| true) {
        assert!(
            mail.cpr.as_ref().is_none_or(|cpr| !said.contains(cpr) && !said.contains(&cpr[6..])),
            "{said}"
        );
    }
}

/// A system that the configuration does not name: who wrote is what cases go by, and not each day of five years.
#[test]
fn mail_of_no_named_source_groups_by_its_writer() {
    let place = Place::new(Shape { mails: 40, municipalities: 4, ..Shape::SMALL });
    place.forget_the_source();
    forms::maildir(&place.at("mail/Maildir"), place.mails(|_| true)).unwrap();
    let told_by = place.run(&["mail"]);
    assert_eq!(told(&told_by["cases"]), true_counts(&place.archive));
    assert!(told_by["cases"][0]["source"].is_null());
    assert!(told_by["controllers"].as_array().unwrap().iter().all(|one| one["groups"] == 1), "one writer");
}

/// The whole story: 25,000 mails, several times killed. Long.
#[test]
#[ignore = "minutes without optimisation; tests/register-long runs it"]
fn the_whole_archive_counts_as_it_is() {
    let place = Place::new(Shape::WHOLE);
    let truth = true_counts(&place.archive);
    assert_eq!(truth["Kommune 17"].persons, 823);
    assert_eq!(truth.values().map(|truth| truth.mails).sum::<u64>(), 25_000);
    lay_down(&place);
    let killed =
        (0..8_u64).filter(|attempt| place.run_and_kill(Duration::from_millis(500 + 1_700 * attempt))).count();
    let whole = place.run(&["mail"]);
    expect_the_truth(&place, &whole);
    assert_eq!(notices(&place, "opened"), 74);
    println!("killed {killed} times; the last run read {} mails in {} s", whole["read"], whole["seconds"]);
}
