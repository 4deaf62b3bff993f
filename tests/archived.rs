//! `brevdue archive` over what archives hold besides what a house sent once: received mail, near misses, copies that tell
//! different things, letters with free text, files that begin oddly.

use crate::support::program::{brevdue, code, said};
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

pub(crate) const NUMBERS: [&str; 5] =
    ["150379-1028", "150379-0005", "150379-0013", "150379-0021", "150379-0048"];

/// Two municipalities, a source, and a folder of mail.
pub(crate) struct House(pub(crate) TempDir);

impl House {
    pub(crate) fn new(more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let key = said(&brevdue(folder.path(), &["key", "new", "--out", "dpo.key"], ""));
        let key = key.lines().find(|line| line.starts_with("dpo_key")).unwrap().to_owned();
        let controller = |name: &str, cvr: &str| {
            format!(
                "[[controller]]\nname = \"{name}\"\ncvr = \"{cvr}\"\ndomains = [\"{name}.example\"]\n\
                 dpo = \"dpo@{name}.example\"\n{key}\n"
            )
        };
        let toml = format!(
            "[smtp]\nnext_hop = \"127.0.0.1:1\"\n[store]\nurl = \"sqlite:data/brevdue.db\"\n[spool]\npath = \"data/spool\"\n\
             [documents]\nopen = false\n{more}\n{}default = true\n{}\
             [[source]]\nname = \"Sagsystem eA\"\nmatch = \"auto@a.example\"\n",
            controller("a", "10000000"),
            controller("b", "20000001"),
        );
        let house = Self(folder);
        house.lay("brevdue.toml", toml.as_bytes());
        std::fs::create_dir(house.at("mail")).unwrap();
        house
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn lay(&self, path: &str, bytes: &[u8]) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap().write_all(bytes).unwrap();
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let all = [&["--config", "brevdue.toml", "archive"], args].concat();
        brevdue(self.0.path(), &all, "")
    }

    /// Runs it to its end, with this exit code.
    pub(crate) fn ends(&self, with: i32, args: &[&str]) -> Value {
        let output = self.run(&[&["--format", "json"], args].concat());
        assert_eq!(code(&output), with, "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn counts(&self, args: &[&str]) -> Value {
        self.ends(0, args)
    }

    /// The first of the told cases, as people see it.
    fn shown(&self, told: &Value) -> String {
        let case = told["cases"][0]["id"].as_str().unwrap();
        said(&brevdue(self.0.path(), &["--config", "brevdue.toml", "case", "show", case], ""))
    }

    /// State and mails of every case.
    fn cases(&self) -> Vec<(String, u64)> {
        let output =
            brevdue(self.0.path(), &["--config", "brevdue.toml", "case", "list", "--format", "json"], "");
        let cases: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut cases: Vec<_> = (cases.as_array().unwrap().iter())
            .map(|case| (case["state"].as_str().unwrap().to_owned(), case["mails"].as_u64().unwrap()))
            .collect();
        cases.sort();
        cases
    }

    /// A mail with a number that the pipe refuses: a near miss. What it says.
    fn refuse(&self) -> String {
        let text = format!(
            "From: p@a.example\nTo: x@gmail.example\nMessage-ID: <p1@a>\nSubject: s\n\n{}\n",
            cpr(NUMBERS[0])
        );
        let args = ["--config", "brevdue.toml", "pipe", "-f", "p@a.example", "--", "x@gmail.example"];
        let refused = brevdue(self.0.path(), &args, &text);
        assert_eq!(code(&refused), 69, "{}", said(&refused));
        text
    }
}

pub(crate) fn mail(from: &str, to: &str, id: &str, text: &str) -> String {
    format!(
        "From: {from}\nTo: {to}\nDate: Tue, 3 Mar 2015 10:00:00 +0100\nMessage-ID: <{id}>\nSubject: Din sag\n\n{text}\n"
    )
}

pub(crate) fn cpr(number: &str) -> String {
    format!("CPR-nr.: {number}")
}

#[test]
fn received_mail_is_no_breach_of_its_receivers() {
    let house = House::new("");
    for (at, number) in NUMBERS.iter().enumerate() {
        let mail =
            mail(&format!("borger{at}@gmail.example"), "post@a.example", &at.to_string(), &cpr(number));
        house.lay(&format!("mail/cur/{at}"), mail.as_bytes());
    }
    house
        .lay("mail/cur/nobody", format!("Subject: x\nMIME-Version: 1.0\n\n{}\n", cpr(NUMBERS[0])).as_bytes());
    std::fs::create_dir(house.at("mail/new")).unwrap();
    let told = house.counts(&["mail"]);
    assert_eq!((&told["received"], &told["nobodys"], &told["mails"]), (&5.into(), &1.into(), &0.into()));
    assert_eq!(told["nameless"][0], "mail/cur/nobody");
    assert!(house.cases().is_empty());
    let output = said(&house.run(&["mail"]));
    assert!(output.contains("5 mails med CPR-nummer er modtaget udefra"), "{output}");
    assert!(output.contains("afsenderen svarer for dem"), "{output}");
    assert!(output.contains("6 mails læst") && output.contains("6 mails med CPR-nummer. ("), "{output}");
    assert!(output.contains("0 mails med CPR-nummer er sendt herfra. "), "{output}");
    let nobodys = output
        .lines()
        .position(|line| line.contains("1 mail med CPR-nummer siger ikke, hvem der sendte den"));
    assert!(output.lines().nth(nobodys.unwrap() + 1).unwrap().contains("  mail/cur/nobody"), "{output}");

    // What a person says holds for all of it.
    let told = house.counts(&["--controller", "b", "mail"]);
    assert_eq!((&told["mails"], &told["received"]), (&6.into(), &0.into()));
}

#[test]
fn a_near_miss_does_not_hide_what_got_out() {
    let house = House::new("[policy]\nleak = \"block\"\n");
    let text = house.refuse();
    assert_eq!(house.cases(), [("near_miss".to_owned(), 1)]);
    house.lay("mail/m.eml", text.as_bytes());

    // The sender's own copy lies there too: that it left is not told by that.
    let told = house.counts(&["mail"]);
    assert_eq!((&told["averted"], &told["new"], &told["known"]), (&1.into(), &0.into(), &0.into()));
    assert_eq!(house.cases(), [("near_miss".to_owned(), 1)]);
    let output = said(&house.run(&["mail"]));
    assert!(output.contains("1 mail står som afværget: BRV-"), "{output}");

    let told = house.counts(&["--assume", "delivered", "mail"]);
    assert_eq!((&told["averted"], &told["new"], &told["opened"]), (&0.into(), &1.into(), &1.into()));
    assert_eq!(house.cases(), [("assessing".to_owned(), 1), ("near_miss".to_owned(), 1)]);
    let told = house.counts(&["--assume", "delivered", "mail"]);
    assert_eq!((&told["averted"], &told["new"], &told["known"]), (&0.into(), &0.into(), &1.into()));
    assert_eq!(house.counts(&["mail"])["known"], 1, "that it left is known now");
}

/// A journal has a mail when the mail server takes it, and the gate may stand behind that: unclear, and so suspected.
#[test]
fn what_a_journal_has_of_a_near_miss_is_suspected() {
    let house = House::new(&format!("{ROADS}[policy]\nleak = \"block\"\n"));
    let text = house.refuse();
    let report = format!(
        "X-MS-Journal-Report:\nFrom: journal@a.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nSender: p@a.example\nRecipient: x@gmail.example\n\n\
         --b\nContent-Type: message/rfc822\n\n{text}\n--b--\n"
    );
    house.lay("mail/journal.eml", report.as_bytes());
    for (new, known) in [(1, 0), (0, 1)] {
        let told = house.counts(&["mail"]);
        assert_eq!((&told["new"], &told["known"], &told["averted"]), (&new.into(), &known.into(), &0.into()));
        assert_eq!(told["confirmed"].as_array().unwrap().len(), 0);
        assert_eq!(house.cases(), [("near_miss".to_owned(), 1), ("suspected".to_owned(), 1)]);
    }
}

/// Whichever is read first, of two mails in one mbox: date, system and what stood beside are those of the copy that has them.
#[test]
fn what_a_copy_says_more_counts_whichever_is_read_first() {
    let whole =
        mail("auto@a.example", "x@gmail.example", "1", &format!("{}\nDiagnose: depression", cpr(NUMBERS[0])));
    let dateless = whole.replace("Date: Tue, 3 Mar 2015 10:00:00 +0100\n", "");
    let nobodys = whole.replace("auto@a.example", "ukendt@a.example");
    let cut = whole.replace("\nDiagnose: depression", "");
    for poor in [dateless, nobodys, cut] {
        for order in [[&poor, &whole], [&whole, &poor]] {
            let house = House::new("");
            house.lay("mail/a.mbox", order.map(|mail| format!("{LINE}{mail}\n")).concat().as_bytes());
            let dry = house.counts(&["--dry-run", "mail"]);
            assert_eq!((&dry["controllers"][0]["groups"], &dry["copies"]), (&1.into(), &1.into()));
            let told = house.counts(&["mail"]);
            let [case] = told["cases"].as_array().unwrap().as_slice() else { panic!("one case: {told}") };
            assert_eq!((&case["source"], &case["mails"]), (&"Sagsystem eA".into(), &1.into()));
            assert_eq!(case["first_sent"], "2015-03-03T09:00:00Z");
            assert_eq!(told["controllers"][0]["first_sent"], "2015-03-03T09:00:00Z");
            let shown = house.shown(&told);
            assert!(shown.contains("Stod også i dem") && shown.contains("(mindst 1 mail)"), "{shown}");
        }
        // In two runs a day and what stood beside are added, and the case is the first one's.
        let house = House::new("");
        house.lay("first/a.eml", poor.as_bytes());
        house.lay("second/a.eml", whole.as_bytes());
        house.counts(&["first"]);
        for _ in 0..2 {
            let told = house.counts(&["second"]);
            assert_eq!((&told["known"], &told["cases"][0]["mails"]), (&1.into(), &1.into()));
            assert_eq!(told["cases"][0]["first_sent"], "2015-03-03T09:00:00Z");
            let shown = house.shown(&told);
            assert!(shown.contains("Stod også i dem") && shown.contains("(mindst 1 mail)"), "{shown}");
        }
    }
}

/// A sender may give two letters of different years one Message-ID: a copy that says no day is of one of them.
#[test]
fn a_copy_without_a_day_makes_no_two_letters_one() {
    let letter = mail("x@a.example", "y@gmail.example", "1", &cpr(NUMBERS[0]));
    let house = House::new("");
    house.lay("first/a.eml", letter.replace("Date: Tue, 3 Mar 2015 10:00:00 +0100\n", "").as_bytes());
    house.lay("second/a.eml", letter.as_bytes());
    house.lay("second/b.eml", letter.replace("2015", "2017").as_bytes());
    assert_eq!(house.counts(&["first"])["new"], 1);
    for (new, known) in [(1, 1), (0, 2)] {
        let told = house.counts(&["second"]);
        assert_eq!(
            (&told["new"], &told["known"], &told["cases"][0]["mails"]),
            (&new.into(), &known.into(), &2.into())
        );
        assert_eq!(told["cases"][0]["last_sent"], "2017-03-03T09:00:00Z");
    }
    assert_eq!(house.counts(&["first"])["new"], 0);
}

/// Two letters as a word processor sends them: the style sheet before the text is longer than what tells letters apart.
#[test]
fn letters_in_html_with_one_style_sheet_are_two() {
    let css = "p.MsoNormal {margin:0cm; font-family:sans-serif}\n".repeat(100);
    let kinds = [
        "vi kvitterer for din ansøgning, som vi har modtaget og nu vil se på i de kommende uger",
        "vi har truffet en afgørelse i din sag, og du kan klage over den til ankestyrelsen inden fire uger",
    ];
    let house = House::new("");
    for at in 0..20 {
        let number = cpr(NUMBERS[at % NUMBERS.len()]);
        let html = format!(
            "<html><style><!--{css}--></style><body><p>{}</p><p>{number}</p></body></html>",
            kinds[at % 2]
        );
        let head = "Subject: Din sag\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n";
        let text = mail("auto@a.example", "x@gmail.example", &at.to_string(), &html);
        house.lay(&format!("mail/{at}.eml"), text.replace("Subject: Din sag\n", head).as_bytes());
    }
    let told = house.counts(&["--dry-run", "mail"]);
    assert_eq!((&told["mails"], &told["controllers"][0]["groups"]), (&20.into(), &2.into()), "{told}");
}

/// A journal report of one mail, to this recipient.
fn report(to: &str, mail: &str) -> String {
    format!(
        "X-MS-Journal-Report:\nFrom: journal@a.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nSender: auto@a.example\nRecipient: {to}\n\n\
         --b\nContent-Type: message/rfc822\n\n{mail}\n--b--\n"
    )
}

/// A journal may tell of one mail in two reports, and then each copy names another controller.
#[test]
fn a_mail_counts_once_whichever_controllers_its_copies_name() {
    let house = House::new("");
    let config = std::fs::read_to_string(house.at("brevdue.toml")).unwrap();
    let config = config
        .replace("domains = [\"b.example\"]", "domains = [\"b.example\"]\nrecipients = [\"b.example\"]");
    house.lay("brevdue.toml", config.as_bytes());
    let one = mail("auto@a.example", "liste@a.example", "1", &cpr(NUMBERS[0]));
    let dateless = one.replace("Date: Tue, 3 Mar 2015 10:00:00 +0100\n", "");
    house.lay("mail/1.eml", report("x@b.example", &one).as_bytes());
    house.lay("mail/2.eml", report("x@gmail.example", &dateless).as_bytes());
    let told = house.counts(&["mail"]);
    assert_eq!(
        (&told["mails"], &told["copies"], &told["finds"], &told["new"]),
        (&1.into(), &1.into(), &2.into(), &2.into()),
        "{told}"
    );
    house.lay("mail/3.eml", report("x@gmail.example", &one.replace("2015", "2017")).as_bytes());
    let told = house.counts(&["mail"]);
    assert_eq!((&told["mails"], &told["with_number"]), (&2.into(), &3.into()));
}

/// What was not read may hold more: it is named, and the persons that were found are the fewest.
#[test]
fn a_mail_that_is_not_read_whole_is_named_whatever_was_found_in_it() {
    let house = House::new("");
    let with = |id: &str, text: &str| {
        mail("auto@a.example", "x@gmail.example", id, "").replace(
            "Subject: Din sag\n",
            "Subject: Din sag\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
        ) + &format!(
            "--b\nContent-Type: text/plain\n\n{text}\n\
             --b\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64\n\nMIIB\n--b--\n"
        )
    };
    house.lay("mail/a.eml", with("1", &cpr(NUMBERS[0])).as_bytes());
    for number in 0..30 {
        house.lay(&format!("mail/b{number:02}.eml"), with(&format!("b{number}"), "hej").as_bytes());
    }
    let told = house.ends(3, &["mail"]);
    assert_eq!(
        (&told["partial"], &told["mails"], &told["controllers"][0]["persons_exact"]),
        (&31.into(), &1.into(), &false.into())
    );
    assert!(house.shown(&told).contains("mindst 1 "));
    let output = house.run(&["--dry-run", "mail"]);
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("mindst 1 ") && said.contains("31 mails kunne ikke læses helt"), "{said}");
    assert!(errors.contains("not read whole: mail/a.eml: part 2 ("), "{errors}");
    assert!(
        errors.contains("not read whole: 11 more") && errors.matches("not read whole").count() == 21,
        "{errors}"
    );
}

const ROADS: &str = "[[road]]\ndomain = \"sikker.example\"\nprotection = \"forced-tls\"\n\
     [[road]]\ndomain = \"gmail.example\"\nprotection = \"plaintext\"\n";

#[test]
fn of_two_copies_the_stricter_counts_whichever_is_read_first() {
    for (first, second) in [("a", "b"), ("b", "a")] {
        let house = House::new(ROADS);
        let copy = |to: &str| mail("x@a.example", to, "x1@a", &cpr(NUMBERS[0]));
        house.lay(&format!("mail/{first}.eml"), copy("y@sikker.example").as_bytes());
        house.lay(&format!("mail/{second}.eml"), copy("z@gmail.example").as_bytes());
        let told = house.counts(&["mail"]);
        assert_eq!((&told["mails"], &told["copies"], &told["new"]), (&1.into(), &1.into(), &1.into()));
        assert_eq!(house.cases(), [("assessing".to_owned(), 1)]);
        let case = told["cases"][0]["id"].as_str().unwrap();
        let shown = said(&brevdue(house.0.path(), &["--config", "brevdue.toml", "case", "show", case], ""));
        assert!(shown.contains("gmail.example sikker.example"), "{shown}");
    }
}

/// The same, read in two runs: what is known is brought up to what is found later.
#[test]
fn a_later_run_confirms_what_was_suspected_and_adds_persons() {
    let house = House::new(ROADS);
    let cut = mail("x@a.example", "y@sikker.example", "x1@a", &cpr(NUMBERS[0]));
    house.lay("first/a.eml", cut.as_bytes());
    assert_eq!(house.counts(&["first"])["new"], 1);
    assert_eq!(house.cases(), [("suspected".to_owned(), 1)]);
    // The whole copy, where the first was cut short.
    let both = format!("{}\n{}", cpr(NUMBERS[0]), cpr(NUMBERS[1]));
    house.lay("second/a.eml", mail("x@a.example", "y@sikker.example", "x1@a", &both).as_bytes());
    let told = house.counts(&["--assume", "delivered", "second"]);
    assert_eq!((&told["new"], &told["known"]), (&0.into(), &1.into()));
    assert_eq!(told["confirmed"], serde_json::json!([told["cases"][0]["id"]]));
    assert_eq!(told["cases"][0]["persons"], 2);
    assert_eq!(house.cases(), [("assessing".to_owned(), 1)]);
    let told = house.counts(&["--assume", "delivered", "second"]);
    assert_eq!(told["confirmed"].as_array().unwrap().len(), 0);

    // Another letter with the same Message-ID: it says another day.
    let other = cut.replace("2015", "2017");
    house.lay("third/a.eml", other.as_bytes());
    assert_eq!(house.counts(&["third"])["new"], 1);
    assert_eq!(house.cases(), [("assessing".to_owned(), 2)]);
}

/// Google Takeout writes its own name of the mail where a sender stands, and bounce services write theirs.
#[test]
fn who_wrote_it_stands_in_for_a_sender_that_is_nobodys() {
    let house = House::new("");
    let text = format!(
        "From 1528837484093489123@xxx Tue Mar 03 09:00:00 +0000 2015\n{}\n\
         From 1528837484093489124@xxx Tue Mar 03 09:00:00 +0000 2015\nReturn-Path: <b-17@bounce.example>\n{}",
        mail("auto@b.example", "x@gmail.example", "1", &cpr(NUMBERS[0])),
        mail("auto@b.example", "x@gmail.example", "2", &cpr(NUMBERS[1])),
    );
    house.lay("mail/takeout.mbox", text.as_bytes());
    let told = house.counts(&["--dry-run", "mail"]);
    assert_eq!(told["controllers"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!((&told["controllers"][0]["cvr"], &told["mails"]), (&"20000001".into(), &2.into()));
    assert!(!Path::new(&house.at("data")).exists());
}

/// A letter with a field for free text is one case, and what is free text all through makes no case for each mail.
#[test]
fn free_text_makes_no_case_for_every_mail() {
    let fixed = "vi har nu behandlet sagen om lån til betaling af skat, og du kan se resultatet ved at logge ind på siden med det \
        nummer, som du har fået. Har du spørgsmål, kan du skrive til os eller ringe i den normale tid";
    let words = [
        "vand", "hus", "bil", "skov", "kat", "stol", "bord", "lampe", "vej", "sten", "mark", "dør", "tag",
        "blad",
    ];
    let free = |mail: usize, count: usize| -> String {
        let word = |at: usize| {
            let dice = (mail * 7919 + at * 104_729).wrapping_mul(2_654_435_761) >> 7;
            format!("{}{} ", words[dice % words.len()], ["en", "s", "er", "a"][dice / 64 % 4])
        };
        (0..count).map(word).collect()
    };
    let house = House::new("");
    for mail_number in 0..120 {
        let number = NUMBERS[mail_number % NUMBERS.len()];
        let text =
            format!("{fixed}.\n{}\nBesked: {}", cpr(number), free(mail_number, [20, 80][mail_number % 2]));
        let text = mail("auto@a.example", "x@gmail.example", &format!("f{mail_number}"), &text);
        house.lay(&format!("mail/{mail_number}.eml"), text.as_bytes());
    }
    let told = house.counts(&["mail"]);
    assert_eq!((&told["new"], &told["opened"]), (&120.into(), &1.into()), "{told}");
    for mail_number in 0..120 {
        let text = format!("{}\n{}", free(1000 + mail_number, 60), cpr(NUMBERS[mail_number % NUMBERS.len()]));
        let text = mail("auto@a.example", "x@gmail.example", &format!("g{mail_number}"), &text);
        house.lay(&format!("more/{mail_number}.eml"), text.as_bytes());
    }
    let told = house.counts(&["more"]);
    let opened = told["opened"].as_u64().unwrap();
    assert!(opened <= 33, "{opened}");
    assert_eq!(told["new"], 120);
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A mail whose number stands in base64, so that it is found only where the header is read as one.
pub(crate) fn closed(id: &str, number: &str) -> String {
    let text = crate::support::base64(format!("{}\n", cpr(number)).as_bytes());
    let head = mail("auto@b.example", "x@gmail.example", id, "");
    head.replace(
        "Subject: Din sag\n",
        "Subject: Din sag\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n",
    ) + &text
        + "\n"
}

pub(crate) const LINE: &str = "From auto@b.example Tue Mar  3 10:00:00 2015\n";

#[test]
fn files_that_begin_oddly_are_read_whole() {
    let [one, two] = [closed("1", NUMBERS[0]), closed("2", NUMBERS[1])];
    for (name, bytes, mails, read) in [
        ("blank.mbox", format!("\n{LINE}{one}\n{LINE}{two}").into_bytes(), 2, 2),
        ("bom.mbox", format!("\u{feff}{LINE}{one}\n{LINE}{two}").into_bytes(), 2, 2),
        ("unparted.mbox", format!("{LINE}{one}{LINE}{two}").into_bytes(), 2, 2),
        (
            "prose.mbox",
            format!(
                "{LINE}{}\nFrom now on\nall is well\n{}\n",
                mail("auto@b.example", "x@gmail.example", "1", "hej"),
                cpr(NUMBERS[0])
            )
            .into_bytes(),
            1,
            1,
        ),
        ("empty.mbox", Vec::new(), 0, 0),
        ("blank.eml", format!("\r\n\n{one}").into_bytes(), 1, 1),
        (
            "apple.emlx",
            format!("{}      \n{one}<?xml version=\"1.0\"?>\n<plist/>", one.len()).into_bytes(),
            1,
            1,
        ),
        ("small.mbox.gz", gzip(format!("{LINE}{one}\n{LINE}{two}").as_bytes()), 2, 2),
        ("M/cur/1.M2P3.mx,S=9:2,S", gzip(one.as_bytes()), 1, 1),
        (
            "export.zip",
            crate::support::documents::archives::archive(&[
                ("a.eml.gz", &gzip(one.as_bytes())),
                ("b.mbox", format!("\n{LINE}{two}").as_bytes()),
            ]),
            2,
            2,
        ),
    ] {
        let house = House::new("");
        std::fs::create_dir_all(house.at("mail/M/new")).unwrap();
        house.lay("mail/M/cur/.keep", b"");
        house.lay(&format!("mail/{name}"), &bytes);
        let told = house.counts(&["--dry-run", "mail"]);
        assert_eq!((&told["mails"], &told["read"]), (&mails.into(), &read.into()), "{name}: {told}");
        assert_eq!(told["partial"], 0, "{name}");
        if mails > 0 {
            assert_eq!(told["controllers"][0]["cvr"], "20000001", "{name}");
        }
    }
}

#[test]
fn what_may_hold_mail_and_is_not_opened_is_named() {
    let house = House::new("");
    let inner =
        crate::support::documents::archives::archive(&[("a.eml", closed("1", NUMBERS[0]).as_bytes())]);
    house.lay(
        "mail/ydre.zip",
        &crate::support::documents::archives::archive(&[("indre.zip", &inner), ("b.txt", b"hej")]),
    );
    house.lay("mail/post.pst", b"!BDN\0\0");
    house.lay("mail/en.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    house.lay("mail/laesmig.txt", b"hej");
    let told = house.ends(3, &["--dry-run", "mail"]);
    assert_eq!((&told["unopened"], &told["not_mail"]), (&3.into(), &2.into()));
    let output = said(&house.run(&["--dry-run", "mail"]));
    for name in ["ydre.zip#1", "post.pst", "en.msg"] {
        assert!(output.contains(&format!("{name}: not opened, and mail may lie in it")), "{output}");
    }
    assert!(output.contains("2 filer er ikke mails og blev ikke læst"), "{output}");
    assert!(output.contains("3 filer blev ikke åbnet"), "{output}");
    let output = house.run(&["--dry-run", "mail", "findes-ikke"]);
    assert_eq!(code(&output), 2);
    let output = said(&output);
    assert!(output.contains("1 fil eller mail kunne ikke læses."), "{output}");
}

#[test]
fn what_would_open_wrong_cases_is_refused() {
    let house = House::new("");
    house.lay("mail/a.eml", mail("auto@a.example", "x@gmail.example", "1", &cpr(NUMBERS[0])).as_bytes());
    let output = brevdue(house.0.path(), &["archive", "mail"], "");
    assert!(code(&output) == 2 && said(&output).contains("--config"), "{}", said(&output));
    let output = brevdue(house.0.path(), &["archive", "--dry-run", "mail"], "");
    assert!(code(&output) == 0 && said(&output).contains("1 mail med CPR-nummer"), "{}", said(&output));
    assert!(!house.at("brevdue-data").exists());

    let output = house.run(&["--source", "sagsystem", "mail"]);
    assert!(code(&output) == 2 && said(&output).contains("--new-source"), "{}", said(&output));
    let output = house.run(&["--source", &format!("sag {}", NUMBERS[0]), "--new-source", "mail"]);
    assert!(code(&output) == 2 && !said(&output).contains(&NUMBERS[0][7..]), "{}", said(&output));
    assert!(!house.at("data").exists());
    let told = house.counts(&["--source", "SAGSYSTEM EA", "mail"]);
    assert_eq!(told["cases"][0]["source"], "Sagsystem eA");
}

/// A case that was settled as no breach: what comes to it is told, and nothing is reopened in silence.
#[test]
fn what_comes_to_a_settled_case_is_told() {
    let house = House::new(ROADS);
    for (folder, id, number) in [("first", "1", NUMBERS[0]), ("second", "2", NUMBERS[1])] {
        let mail = mail("auto@a.example", "y@sikker.example", id, &cpr(number));
        house.lay(&format!("{folder}/a.eml"), mail.as_bytes());
    }
    let told = house.counts(&["first"]);
    let case = told["cases"][0]["id"].as_str().unwrap().to_owned();
    let acted = brevdue(
        house.0.path(),
        &["--config", "brevdue.toml", "case", "refute", &case, "--by", "dpo@a.example", "--why", "tunnel"],
        "",
    );
    assert_eq!(code(&acted), 0, "{}", said(&acted));
    let output = said(&house.run(&["second"]));
    assert!(output.contains("1 ny i fortegnelsen") && output.contains("0 sager åbnet"), "{output}");
    assert!(output.contains(&format!("{case} er intet brud")), "{output}");
    assert!(output.contains("overvej at genåbne"), "{output}");
    assert_eq!(house.cases(), [("no_breach".to_owned(), 2)]);
}
