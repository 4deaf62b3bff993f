//! How fast a message is scanned, beside the obvious way and a plain read of the same bytes, in the same run.
//!
//!     cargo bench --bench scan                 the table; BREVDUE_BENCH_QUICK=1 or -- --quick for one of half a minute
//!     cargo bench --bench scan -- --count      instructions a byte under callgrind (needs valgrind): machine-free
//!     cargo bench --bench scan -- --only NAME  one row
//!     cargo bench --bench scan -- --folder DIR one row of the files in a folder, each a mail
//!     cargo bench --bench scan -- --guard      instructions of a dozen mails against the record; see `guard`
//!     cargo bench --bench scan -- --hostile    mail made to hurt against its bounds; see `hostile`
//!
//! The obvious way: mailparse takes the mail apart and decodes it, `regex` looks for six digits and four, the date is
//! checked. The three take turns; of each the best turn counts, since whatever else runs here can only slow one down.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, stops when it cannot go on, and rounds"
)]

mod callgrind;
mod guard;
mod hostile;
mod made;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brevdue::cpr::{Cpr, Exceptions};
use brevdue::scan::ruleset::Ruleset;
use brevdue::scan::{Day, Report, Scan};
use made::{
    CSV, HTML, Lines, PDF, PLAIN, Wrap, csv, dense, headers, html, list, mail, mixed, parts, pdf, prose,
};

/// The pieces in which a door feeds.
const CHUNK: usize = 64 * 1024;
const TODAY: Day = Day::literal(2026, 11, 2);
const MIB: usize = 1 << 20;

struct Row {
    name: &'static str,
    make: fn() -> Vec<Vec<u8>>,
}

const ROWS: [Row; 26] = [
    Row { name: "4k-8bit", make: || vec![mail(PLAIN, Wrap::Eight, prose(4096, 1).as_bytes())] },
    Row { name: "4k-qp", make: || vec![mail(PLAIN, Wrap::Quoted, prose(4096, 1).as_bytes())] },
    Row { name: "75k-html-qp", make: || vec![mail(HTML, Wrap::Quoted, html(75_000, 2).as_bytes())] },
    Row { name: "75k-html-base64", make: || vec![mail(HTML, Wrap::Base64, html(75_000, 2).as_bytes())] },
    Row { name: "2M-pdf-base64", make: || vec![mail(PDF, Wrap::Base64, &pdf(2 * MIB, 3))] },
    Row { name: "2M-text-8bit", make: || vec![mail(PLAIN, Wrap::Eight, prose(2 * MIB, 6).as_bytes())] },
    Row { name: "2M-text-qp", make: || vec![mail(PLAIN, Wrap::Quoted, prose(2 * MIB, 6).as_bytes())] },
    Row { name: "2M-text-base64", make: || vec![mail(PLAIN, Wrap::Base64, prose(2 * MIB, 6).as_bytes())] },
    Row { name: "10M-csv-8bit", make: || vec![mail(CSV, Wrap::Eight, csv(10 * MIB, false, 4).as_bytes())] },
    Row {
        name: "10M-csv-base64",
        make: || vec![mail(CSV, Wrap::Base64, csv(10 * MIB, false, 4).as_bytes())],
    },
    // 130,000 made-up numbers: what a leak of everybody costs.
    Row { name: "10M-csv-persons", make: || vec![mail(CSV, Wrap::Eight, csv(10 * MIB, true, 4).as_bytes())] },
    // Lists of 10,000 persons, as they leak.
    Row {
        name: "10k-list-bare",
        make: || vec![mail(PLAIN, Wrap::Eight, list(10_000, Lines::Bare, 7).as_bytes())],
    },
    Row {
        name: "10k-list-column",
        make: || vec![mail(CSV, Wrap::Eight, list(10_000, Lines::Column, 7).as_bytes())],
    },
    Row {
        name: "10k-list-named",
        make: || vec![mail(PLAIN, Wrap::Eight, list(10_000, Lines::Named, 7).as_bytes())],
    },
    // Numbers and next to nothing else, in the shapes in which evidence is looked for.
    Row { name: "dense-blank", make: || vec![mail(PLAIN, Wrap::Eight, dense("", " ").as_bytes())] },
    Row { name: "dense-comma", make: || vec![mail(PLAIN, Wrap::Eight, dense("", ",").as_bytes())] },
    Row { name: "dense-label", make: || vec![mail(PLAIN, Wrap::Eight, dense("CPR ", " ").as_bytes())] },
    Row { name: "dense-local", make: || vec![mail(PLAIN, Wrap::Eight, dense("x@y ", ", ").as_bytes())] },
    Row {
        name: "dense-json",
        make: || vec![mail(PLAIN, Wrap::Eight, dense("{\"id\":\"", "\"},").as_bytes())],
    },
    Row { name: "dense-array", make: || vec![mail(PLAIN, Wrap::Eight, dense("\"", "\",").as_bytes())] },
    Row {
        name: "dense-cells",
        make: || vec![mail(HTML, Wrap::Eight, dense("<tr><td>", "</td></tr>").as_bytes())],
    },
    Row { name: "dense-items", make: || vec![mail(HTML, Wrap::Eight, dense("<li>", "</li>").as_bytes())] },
    Row { name: "mixed", make: || mixed(64) },
    Row { name: "headers", make: || vec![headers()] },
    Row { name: "parts", make: || vec![parts(50)] },
    Row { name: "empty", make: || vec![b"Subject: x\r\n\r\n".to_vec()] },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| {
        args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1)).map(String::as_str)
    };
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("--guard") {
        return guard::check();
    } else if has("--hostile") {
        return hostile::check(!has("--counts"));
    }
    let only = after("--only");
    let rows: Vec<&Row> = match after("--folder") {
        Some(_) => vec![&Row { name: "folder", make: folder }],
        None => ROWS.iter().filter(|row| only.is_none_or(|name| name == row.name)).collect(),
    };
    if rows.is_empty() {
        eprintln!("no such row; there are: {}", ROWS.map(|row| row.name).join(" "));
        return ExitCode::FAILURE;
    }
    if let Some(set) = after("--counted") {
        callgrind::child(&match set {
            "guard" => guard::inputs(),
            "hostile" => hostile::inputs(),
            _ => inputs(&rows),
        });
    } else if let Some(rounds) = after("--rounds") {
        run(&rows, rounds.parse().unwrap());
    } else if has("--count") {
        return count(&rows);
    } else if has("--test") {
        run(&rows, 1);
    } else {
        table(&rows, has("--quick") || std::env::var_os("BREVDUE_BENCH_QUICK").is_some());
    }
    ExitCode::SUCCESS
}

/// The files of the folder that the command line names.
fn folder() -> Vec<Vec<u8>> {
    let folder = std::env::args().skip_while(|arg| arg != "--folder").nth(1).unwrap();
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    files.filter(|file| file.file_type().is_file()).map(|file| std::fs::read(file.path()).unwrap()).collect()
}

fn scan(rules: &Arc<Ruleset>, mail: &[u8]) -> Report {
    let mut scan = Scan::new(Arc::clone(rules), TODAY);
    for chunk in mail.chunks(CHUNK) {
        scan.feed(chunk);
    }
    scan.finish()
}

/// What one would write in an afternoon.
fn obvious(digits: &regex::bytes::Regex, mail: &[u8]) -> u64 {
    fn part(digits: &regex::bytes::Regex, mail: &mailparse::ParsedMail<'_>) -> u64 {
        let body = mail.get_body_raw().unwrap_or_default();
        let found = digits.find_iter(&body).filter(|found| is_number(found.as_bytes())).count() as u64;
        found + mail.subparts.iter().map(|sub| part(digits, sub)).sum::<u64>()
    }
    mailparse::parse_mail(mail).map_or(0, |mail| part(digits, &mail))
}

fn is_number(text: &[u8]) -> bool {
    let mut digits = [0; 10];
    for (slot, byte) in digits.iter_mut().zip(text.iter().filter(|byte| byte.is_ascii_digit())) {
        *slot = byte - b'0';
    }
    Cpr::parse(digits, TODAY, Exceptions { dates: &[], as_of: TODAY }).is_ok()
}

/// Reads every byte and does nothing with it.
fn read(mail: &[u8]) -> u64 {
    let (words, rest) = mail.as_chunks::<8>();
    words.iter().fold(rest.len() as u64, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
}

/// Only our own, so many times: for a profiler.
fn run(rows: &[&Row], rounds: u32) {
    let rules = Arc::new(Ruleset::built_in().unwrap());
    for row in rows {
        let mails = (row.make)();
        for mail in (0..rounds).flat_map(|_| &mails) {
            black_box(scan(&rules, black_box(mail)));
        }
    }
}

fn table(rows: &[&Row], quick: bool) {
    let rules = Arc::new(Ruleset::built_in().unwrap());
    let digits = regex::bytes::Regex::new(r"(?-u:\b)[0-9]{6}[- ]?[0-9]{4}(?-u:\b)").unwrap();
    let budget = Duration::from_millis(if quick { 900 } else { 4000 });
    println!("GB/s of mail, best turn; * = of a plain read of the same bytes\n");
    println!(
        "{:<16} {:>9} {:>8} {:>8} {:>7} {:>9} {:>5}",
        "mail", "bytes", "brevdue", "obvious", "times", "read", "*"
    );
    for row in rows {
        let mails = (row.make)();
        let bytes: usize = mails.iter().map(Vec::len).sum();
        // A turn takes in about as much as fits the clock, however small the mail.
        let repeat = (400_000 / bytes).max(1);
        let mut best = [Duration::MAX; 3];
        let end = Instant::now() + budget;
        while Instant::now() < end {
            let turns: [Turn<'_>; 3] =
                [&|mail| scan(&rules, mail).count(), &|mail| obvious(&digits, mail), &read];
            for (turn, best) in turns.into_iter().zip(&mut best) {
                let start = Instant::now();
                for mail in (0..repeat).flat_map(|_| &mails) {
                    black_box(turn(black_box(mail)));
                }
                *best = start.elapsed().min(*best);
            }
        }
        let speed = best.map(|time| (bytes * repeat) as f64 / time.as_secs_f64() / 1e9);
        println!(
            "{:<16} {:>9} {:>8.2} {:>8.2} {:>6.1}x {:>9.1} {:>5.2}",
            row.name,
            bytes,
            speed[0],
            speed[1],
            speed[0] / speed[1],
            speed[2],
            speed[0] / speed[2]
        );
    }
}

/// One of the three ways through a mail; the count is what keeps the compiler from leaving it out.
type Turn<'a> = &'a dyn Fn(&[u8]) -> u64;

fn count(rows: &[&Row]) -> ExitCode {
    println!("{:<16} {:>9} {:>18}", "mail", "bytes", "instructions/byte");
    for row in rows {
        match callgrind::count(&["--counted", "rows", "--only", row.name], &inputs(&[row])).as_deref() {
            Ok([one]) => println!("{:<16} {:>9} {:>18.2}", one.name, one.bytes, one.per_byte()),
            Ok(_) => unreachable!("one row was asked for"),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn inputs(rows: &[&Row]) -> Vec<callgrind::Input> {
    rows.iter().map(|row| callgrind::Input { name: row.name.to_owned(), make: Box::new(row.make) }).collect()
}
