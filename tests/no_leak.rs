//! No number, subject or citizen's name reaches what we log, keep or tell (invariant 7): everything at TRACE, then searched.
//!
//! What is searched is bytes, whatever the file: the register with its write-ahead log, the sealed evidence, names of files.
//! The same search over the mails themselves finds every needle, so that a search that finds nothing means something.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::sink::{Sink, SinkOptions};
use crate::support::{base64, http, smtp};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const SENDER: &str = "sagsbehandler@noerreby.example";
const PATIENCE: Duration = Duration::from_secs(30);
/// What nobody but sender and recipient is to read: a word of each subject, body and file name, and the citizen's local part.
const WORDS: [&str; 4] =
    ["hjemmehjælpsbevilling", "fortroligbrødtekst", "lønseddelfil", "inger.kirstine.vestergaard"];
const CITIZEN: &str = "inger.kirstine.vestergaard@post.example";

/// A leak: its number as ten digits, and the mail.
struct Leak {
    number: &'static str,
    to: String,
    message: String,
}

/// One number in each form; made up, all pass modulus 11.
fn leaks() -> Vec<Leak> {
    let dashed = |number: &str| format!("{}-{}", &number[..6], &number[6..]);
    let mail = |number: &'static str, subject: &str, headers: &str, body: &str| Leak {
        number,
        to: CITIZEN.to_owned(),
        message: format!(
            "From: <{SENDER}>\r\nTo: <{CITIZEN}>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n{headers}\r\n\r\n{body}\r\n"
        ),
    };
    let subject = WORDS[0];
    let plain = "Content-Type: text/plain; charset=utf-8";
    let text = |number: &str| format!("{}: CPR-nr.: {number}", WORDS[1]);
    let spaced = |number: &str| format!("{} {}", &number[..6], &number[6..]);
    let mut all = vec![
        mail("1503791028", subject, plain, &text(&dashed("1503791028"))),
        mail("0101801012", subject, plain, &text(&spaced("0101801012"))),
        mail("0202901018", subject, plain, &text("0202901018")),
        mail(
            "3112991009",
            subject,
            &format!("{plain}\r\nContent-Transfer-Encoding: base64"),
            &base64(text(&dashed("3112991009")).as_bytes()),
        ),
        mail(
            "2902801009",
            subject,
            &format!("{plain}\r\nContent-Transfer-Encoding: quoted-printable"),
            &format!("{}: CPR-nr.: =32=39=30=32=38=30=2D1009", WORDS[1]),
        ),
        mail("1106751028", &format!("{subject} cpr {}", dashed("1106751028")), plain, "Se emnet."),
        mail(
            "2405681008",
            &format!("=?utf-8?B?{}?=", base64(format!("{subject} cpr {}", dashed("2405681008")).as_bytes())),
            plain,
            "Se emnet.",
        ),
        mail(
            "0707881011",
            subject,
            &format!("Content-Type: text/csv; name=\"{} cpr {}.csv\"", WORDS[2], dashed("0707881011")),
            "a;b",
        ),
        mail("0912661008", subject, "Content-Type: text/html", "<p>CPR-nr.: <b>091266-1008</b></p>"),
        mail("1303951012", subject, plain, &text("1303951012")),
    ];
    // The number stands in the body and in the recipient's own address.
    if let Some(last) = all.last_mut() {
        "1303951012@post.example".clone_into(&mut last.to);
    }
    // And where a mail server puts what it hears into macros and arguments.
    let mut odd = mail("1106751036", subject, plain, &text("110675-1036"));
    odd.message =
        odd.message.replace("From:", "X-Sag: 110675-1036\r\nMessage-ID: <110675-1036@sag.example>\r\nFrom:");
    all.push(odd);
    all
}

/// Every form in which a number could be written by a program that did not mean to.
fn forms(number: &str) -> Vec<String> {
    let (date, serial) = number.split_at(6);
    let texts = [number.to_owned(), format!("{date}-{serial}"), format!("{date} {serial}")];
    let mut forms = texts.to_vec();
    for text in &texts {
        forms.push(text.bytes().map(|byte| format!("{byte:02x}")).collect());
        forms.push(text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "));
        // In base64 at each of the three places it can begin, without what its neighbours share.
        for shift in 0..3 {
            let encoded = base64(format!("{}{text}", "x".repeat(shift)).as_bytes());
            forms.push(encoded[(shift * 8).div_ceil(6)..(shift + text.len()) * 8 / 6].to_owned());
        }
    }
    forms
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    memchr::memmem::find(haystack, needle.as_bytes()).is_some()
}

/// What stands in `haystack` that may not.
fn found(haystack: &[u8]) -> Vec<String> {
    let lower = String::from_utf8_lossy(haystack).to_lowercase();
    let words = WORDS.iter().filter(|word| lower.contains(**word)).map(|word| (*word).to_owned());
    let numbers = leaks().into_iter().flat_map(|leak| forms(leak.number));
    words.chain(numbers.filter(|form| holds(haystack, form))).collect()
}

/// All that the daemon keeps or says: a name for it, and its bytes.
fn kept(daemon: &Daemon) -> Vec<(String, Vec<u8>)> {
    let mut kept = vec![("the log".to_owned(), daemon.log().into_bytes())];
    let mut names = String::new();
    for entry in walkdir::WalkDir::new(daemon.data()) {
        let entry = entry.unwrap();
        names.push_str(&entry.path().display().to_string());
        if entry.file_type().is_file() {
            kept.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
        }
    }
    kept.push(("names of files".to_owned(), names.into_bytes()));
    let cases = daemon.cases().unwrap();
    for args in [["case", "list"].as_slice(), &["case", "list", "--format", "json"]] {
        let output = daemon.run(args).unwrap();
        kept.push((args.join(" "), [output.stdout, output.stderr].concat()));
    }
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        kept.push((format!("case show {id}"), daemon.show(id).unwrap().into_bytes()));
    }
    kept
}

#[test]
fn no_number_subject_or_name_is_logged_kept_or_told() {
    for (action, code) in [("block", 550), ("hold", 250), ("deliver", 250)] {
        let dpo = Sink::start(SinkOptions::default()).unwrap();
        let sink = Sink::start(SinkOptions::default()).unwrap();
        let daemon = Daemon::start(&DaemonOptions {
            alarm: Some(dpo.addr()),
            log: "trace",
            ..DaemonOptions::with(&format!(
                "[policy]\nleak = \"{action}\"\n[console]\nlisten = \"unix:console.sock\""
            ))
        })
        .unwrap();
        let options = PostfixOptions {
            milter: Some(daemon.milter()),
            relay_to: Some(sink.addr()),
            ..Default::default()
        };
        let postfix = Postfix::start(&options).unwrap();
        let mut told = Vec::new();
        for leak in leaks() {
            let reply =
                smtp::send(postfix.smtp_addr(), SENDER, &[&leak.to], leak.message.as_bytes()).unwrap();
            assert_eq!(reply.code, code, "{action}, {}: {}", leak.number, reply.text());
            // Postfix's own words after 250 are no concern of ours.
            if code == 550 {
                told.extend(reply.text().into_bytes());
            }
        }
        let letters = dpo.wait_for(1, PATIENCE).unwrap();
        let cases = daemon.cases().unwrap();
        let persons: u64 = cases.iter().map(|case| case["persons"].as_u64().unwrap()).sum();
        assert_eq!(persons, 11, "every number was found: {cases:?}");

        let mut all = kept(&daemon);
        // The log lies in the folder that is watched for changes; at TRACE it must not feed itself.
        assert!(all[0].1.len() < 1_000_000, "{} bytes", all[0].1.len());
        all.push(("the SMTP replies".to_owned(), told));
        for page in ["/metrics", "/healthz"] {
            let console = UnixStream::connect(daemon.config().with_file_name("console.sock")).unwrap();
            let (_, text) = http::get(console, page, "*/*").unwrap();
            assert!(text.contains("11") || page == "/healthz", "it has counted: {text}");
            all.push((page.to_owned(), text.into_bytes()));
        }
        all.extend(letters.into_iter().map(|letter| ("a notice".to_owned(), letter.data)));
        assert!(all.iter().any(|(name, bytes)| name.ends_with("brevdue.db-wal") && !bytes.is_empty()));
        assert!(
            holds(&all[0].1, "CPR number found") && !holds(&all[0].1, "\x1b"),
            "a log for journald: no colours"
        );
        assert_eq!(
            all.iter().any(|(name, _)| name.contains("/evidence/BRV-")),
            action == "deliver",
            "evidence"
        );
        for (name, bytes) in all {
            assert_eq!(found(&bytes), Vec::<String>::new(), "{action}: in {name}");
        }

        if action == "deliver" {
            // The same search over what went out finds them all, in one form or another.
            let received = sink.wait_for(11, PATIENCE).unwrap();
            let out: Vec<u8> = received.into_iter().flat_map(|mail| mail.data).collect();
            let found = found(&out);
            for word in &WORDS {
                assert!(found.iter().any(|one| one == word), "{word}");
            }
            // In one mail the digits stand apart, by quoted-printable.
            let seen = leaks()
                .iter()
                .filter(|leak| forms(leak.number).iter().any(|form| found.contains(form)))
                .count();
            assert_eq!(seen, 10);
        }
    }
}
