//! `brevdue rules explain` and `rules calibrate`: the evidence of look-alikes, promises that hold and that break, and
//! what stays off the screen.

use crate::support::program::{brevdue, code, said};
use crate::support::put;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// Made up, with modulus 11.
const NUMBERS: [&str; 3] = ["150379-1028", "030685-1004", "241292-1006"];

fn rules(at: &Path, args: &[&str], input: &str) -> Output {
    brevdue(at, &[&["rules"], args].concat(), input)
}

fn bare(number: &str) -> String {
    number.replace('-', "")
}

/// The candidates of one text, as a document.
fn explained(text: &str) -> Vec<Value> {
    let here = TempDir::new().unwrap();
    let args = ["explain", "--format", "json", "--as", "text/plain", "-"];
    let output = rules(here.path(), &args, text);
    assert_eq!(code(&output), 0, "{}", said(&output));
    let first = String::from_utf8(output.stdout).unwrap().lines().next().unwrap().to_owned();
    let row: Value = serde_json::from_str(&first).unwrap();
    row["candidates"].as_array().unwrap().clone()
}

/// The reasons of a candidate and their weights.
fn reasons(candidate: &Value) -> Vec<(String, f64)> {
    let one = |one: &Value| (one["reason"].as_str().unwrap().to_owned(), one["weight"].as_f64().unwrap());
    candidate["evidence"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn look_alikes_say_what_spoke_against_them() {
    for (text, reason) in [
        ("Kommunen, P-nr.: 1503791028", "label:p-nr"),
        // 150324-1307 is of a person of 102, or of a machine in March 2024.
        ("Kvitteret 150324-1307 af systemet", "age-and-time"),
        ("Din ordre 1503791028 er sendt", "label:handel"),
    ] {
        let all = explained(text);
        let [one] = all.as_slice() else { panic!("{text}: {all:?}") };
        let outcome = one["outcome"].as_str().unwrap();
        assert!(matches!(outcome, "not-reported" | "possible"), "{text}: {one}");
        let reasons = reasons(one);
        let (_, weight) = reasons.iter().find(|(name, _)| name == reason).unwrap_or_else(|| panic!("{one}"));
        assert!(*weight < -2.0, "{one}");
        let sum: f64 = reasons.iter().map(|(_, weight)| weight).sum();
        assert!((sum - one["sum"].as_f64().unwrap()).abs() < 0.01, "the evidence is the sum: {one}");
        // An entry of the rules says where it stands; the code's own do not.
        let entry = one["evidence"].as_array().unwrap().iter().find(|one| one["reason"] == reason).unwrap();
        assert_eq!(entry["file"].is_string(), reason.starts_with("label:"), "{entry}");
    }
    let found = explained("CPR-nr. 150379-1028");
    assert_eq!((&found[0]["outcome"], &found[0]["line"]), (&"certain".into(), &1.into()));
}

#[test]
fn what_is_no_number_or_lacks_a_label_says_why() {
    let here = TempDir::new().unwrap();
    let text = "Ordre 3203791028 og 150357-5028\nBeløb 150 379 102 8 og linje 15 03 79 10 28\n";
    let args = ["explain", "--as", "text/plain", "-"];
    let output = rules(here.path(), &args, text);
    assert!(said(&output).contains("--all"), "{}", said(&output));
    let output = rules(here.path(), &["explain", "--all", "--as", "text/plain", "-"], text);
    let said = said(&output);
    assert!(said.contains("no number: no such day") && said.contains("no number: a birth to come"), "{said}");
    assert!(said.contains("no label") || said.contains("not reported"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
}

#[test]
fn a_label_far_away_says_what_is_left_of_it_and_the_human_table_fits() {
    let here = TempDir::new().unwrap();
    let mail = "Subject: x\nX-Sagsid: 150379-1028\n\nOrdrenummer i vort system for levering af hjælpemidler: 1503791028\n";
    put(&here.path().join("a.eml"), mail.as_bytes()).unwrap();
    let said = said(&rules(here.path(), &["explain", "a.eml"], ""));
    assert!(said.contains("% af · of -7.0") && said.contains("context.da.toml:"), "{said}");
    assert!(said.contains("header:X-Sagsid, linje 2") && said.contains("nobody types"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
}

#[test]
fn a_number_is_shown_only_with_reveal_and_so_is_the_text() {
    let here = TempDir::new().unwrap();
    let mail = "Subject: Jordbaer 150379-1028\n\nKaere Jordbaer, CPR-nr. 150379-1028\tog 1503791028\n";
    put(&here.path().join("a.eml"), mail.as_bytes()).unwrap();
    for args in [["explain", "a.eml"].as_slice(), &["explain", "--all", "--format", "json", "a.eml"]] {
        let hidden = said(&rules(here.path(), args, ""));
        assert!(!hidden.contains("1028") && !hidden.contains("Jordbaer"), "{hidden}");
        let shown = said(&rules(here.path(), &[args, &["--reveal"]].concat(), ""));
        assert!(shown.contains("1028") && shown.contains("Jordbaer"), "{shown}");
        // One line each, whatever stands in the mail.
        assert!(!shown.contains('\t') && !shown.contains("\\t150379"), "{shown}");
    }
    put(&here.path().join("150379-1028.eml"), mail.as_bytes()).unwrap();
    for args in [["explain", "."].as_slice(), &["explain", "--format", "json", "."]] {
        let hidden = said(&rules(here.path(), args, ""));
        assert!(
            !hidden.contains("1028") && hidden.contains("******-****.eml"),
            "a name may hold one: {hidden}"
        );
    }
    assert_eq!(code(&rules(here.path(), &["explain", "nowhere.eml"], "")), 2);
}

/// A folder `mail` of these texts as messages, and `truth.jsonl` of these numbers.
fn labelled(mails: &[(&str, &[&str])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("mail")).unwrap();
    let mut truth = String::new();
    for (number, (text, cprs)) in mails.iter().enumerate() {
        let name = format!("{number}.eml");
        let mail = format!("From: a@kommune.example\nSubject: x\n\n{text}\n");
        put(&folder.path().join("mail").join(&name), mail.as_bytes()).unwrap();
        let cprs: Vec<String> = cprs.iter().map(|cpr| bare(cpr)).collect();
        truth.push_str(&format!("{}\n", serde_json::json!({ "file": name, "cprs": cprs })));
    }
    put(&folder.path().join("truth.jsonl"), truth.as_bytes()).unwrap();
    folder
}

fn calibrate(at: &Path, more: &[&str]) -> Output {
    rules(at, &[["calibrate", "--truth", "truth.jsonl", "mail"].as_slice(), more].concat(), "")
}

#[test]
fn promises_that_hold_and_promises_that_break() {
    let [one, two, three] = NUMBERS;
    let texts =
        [format!("CPR-nr. {one} og igen {one}"), format!("Personnummer: {two}"), format!("cpr {three}")];
    let right = labelled(&[
        (&texts[0], &[one]),
        (&texts[1], &[two]),
        (&texts[2], &[three]),
        ("ordre 1503791028", &[]),
    ]);
    let output = calibrate(right.path(), &["--format", "json"]);
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    assert_eq!((code(&output), &whole["promises_hold"]), (0, &true.into()), "{whole:#}");
    // Once a message, however often it stands there.
    assert_eq!((&whole["findings"]["certain"]["count"], &whole["numbers"]["all"]), (&3.into(), &3.into()));

    // The same mail with a truth that knows one of them to be something else, and one that was missed.
    let wrong = labelled(&[
        (&texts[0], &[one]),
        (&texts[1], &[]),
        (&texts[2], &[three]),
        ("ordre 1503791028", &[one]),
    ]);
    let output = calibrate(wrong.path(), &["--format", "json"]);
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code(&output), &whole["promises_hold"]), (1, &false.into()));
    assert_eq!(
        (&whole["wrong"][0]["file"], &whole["missed"][0]["file"]),
        (&"mail/1.eml".into(), &"mail/3.eml".into())
    );
    let blamed = |name: &str, count: &str| {
        let rows = whole["reasons"].as_array().unwrap();
        rows.iter().find(|row| row["reason"] == name).unwrap_or_else(|| panic!("{whole:#}"))[count].clone()
    };
    assert_eq!(
        (blamed("label:personnummer", "for_wrong"), blamed("label:handel", "against_missed")),
        (1.into(), 1.into())
    );
    let output = calibrate(wrong.path(), &[]);
    let table = said(&output);
    assert!(
        code(&output) == 1 && table.contains("BROKEN") && table.contains("mail/1.eml: del 1, body"),
        "{table}"
    );
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    for number in NUMBERS {
        let serial = &number[7..];
        assert!(!table.contains(serial) && !whole.to_string().contains(serial), "{table}");
    }

    // Neither right nor wrong.
    let truth = fs::read_to_string(wrong.path().join("truth.jsonl")).unwrap();
    let neutral = truth
        .lines()
        .filter(|line| !line.contains("1.eml"))
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    let line = serde_json::json!({ "file": "1.eml", "cprs": [], "ambiguous": [{ "cpr": bare(two) }] });
    let neutral = format!("{neutral}{line}\n");
    put(&wrong.path().join("truth.jsonl"), neutral.as_bytes()).unwrap();
    let output = calibrate(wrong.path(), &[]);
    assert!(code(&output) == 0 && said(&output).contains("neither right nor wrong"), "{}", said(&output));
}

#[test]
fn a_truth_that_is_none_is_said_and_never_shown() {
    let folder = labelled(&[("cpr 150379-1028", &["150379-1028"])]);
    let at = folder.path();
    put(&at.join("mail/unknown.eml"), b"Subject: x\n\ncpr 030685-1004\n").unwrap();
    let output = calibrate(at, &[]);
    assert!(code(&output) == 0 && said(&output).contains("1 uden facit"), "{}", said(&output));

    fs::create_dir(at.join("mail/again")).unwrap();
    fs::copy(at.join("mail/0.eml"), at.join("mail/again/0.eml")).unwrap();
    let output = calibrate(at, &[]);
    assert!(code(&output) == 2 && said(&output).contains("two inputs are called 0.eml"), "{}", said(&output));

    for (truth, word) in [
        ("{\"file\": \"9.eml\", \"cprs\": []}\n", "none of these messages"),
        ("{\"file\": \"0.eml\", \"cprs\": \"1503791028\"}\n", "line 1"),
        ("", "names no message"),
    ] {
        put(&at.join("truth.jsonl"), truth.as_bytes()).unwrap();
        let output = calibrate(at, &[]);
        let said = said(&output);
        assert!(code(&output) == 2 && said.contains(word) && !said.contains("1028"), "{said}");
    }
    fs::remove_file(at.join("truth.jsonl")).unwrap();
    assert!(said(&calibrate(at, &[])).contains("cannot read truth.jsonl"));
}
