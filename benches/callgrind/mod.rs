//! Instructions that a scan takes, counted by callgrind: the figure that a busy machine does not change.
//!
//! The bench runs itself under valgrind, and only what happens between [`one`] and [`over`] counts: neither the start,
//! which compiles the rules, nor the making of a mail. Each input was scanned once before it counts, so that what is made
//! at a first use (the searches of an expression) is not seen either. What is left to chance is the seed of a hash map;
//! it moves a figure by less than a hundredth. Start reading at [`count`].

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use brevdue::scan::ruleset::Ruleset;

/// Mail to count, made when its turn comes.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) make: Box<dyn Fn() -> Vec<Vec<u8>>>,
}

/// What was counted.
pub(crate) struct Counted {
    pub(crate) name: String,
    pub(crate) bytes: usize,
    /// Of one scan of all the input's mails.
    pub(crate) instructions: u64,
    /// The same with [`CALL`] for each call of a library, whatever happened in it.
    pub(crate) steady: u64,
    /// The functions that took most, the first first: share in percent and name.
    pub(crate) top: Vec<String>,
}

impl Counted {
    #[expect(clippy::cast_precision_loss, reason = "a figure of three digits")]
    pub(crate) fn per_byte(&self) -> f64 {
        self.instructions as f64 / self.bytes as f64
    }
}

/// What a call of the C library counts in [`Counted::steady`], in instructions. What its allocator really does depends on
/// how the heap came to lie, which the length of an environment variable changes (4 % of an empty mail), and its way to
/// copy on the processor; neither is ours.
const CALL: u64 = 50;

/// A small mail is scanned so often that these many bytes are read: it then counts to a thousandth.
const ENOUGH: usize = 256 * 1024;

fn rounds(mails: &[Vec<u8>]) -> u64 {
    let bytes: usize = mails.iter().map(Vec::len).sum();
    (ENOUGH / bytes.max(1)).clamp(1, 500) as u64
}

/// Under callgrind: scans the inputs of a set one after the other.
pub(crate) fn child(inputs: &[Input]) {
    let rules = Arc::new(Ruleset::built_in().unwrap());
    for input in inputs {
        let mails = (input.make)();
        for mail in &mails {
            black_box(super::scan(&rules, mail));
        }
        one(&rules, &mails, rounds(&mails));
        over(mails.len());
    }
}

/// What is counted. Callgrind writes a dump of everything before it when this is entered,
#[inline(never)]
fn one(rules: &Arc<Ruleset>, mails: &[Vec<u8>], rounds: u64) {
    for mail in (0..rounds).flat_map(|_| mails) {
        black_box(super::scan(rules, black_box(mail)));
    }
}

/// and of this when that is.
#[inline(never)]
fn over(mails: usize) -> usize {
    black_box(mails)
}

/// As callgrind shows [`one`] and [`over`]. (Two patterns with stars are one to it.)
const MARKS: [&str; 2] = ["scan::callgrind::one", "scan::callgrind::over"];

/// Runs this program under callgrind with these arguments, which must have it call [`child`] with these inputs.
pub(crate) fn count(arguments: &[&str], inputs: &[Input]) -> Result<Vec<Counted>, String> {
    let folder = tempfile::TempDir::new().map_err(|error| error.to_string())?;
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .args(MARKS.map(|mark| format!("--dump-before={mark}")))
        .arg(format!("--callgrind-out-file={}", folder.path().join("dump").display()))
        .arg(exe)
        .args(arguments)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind: {}", String::from_utf8_lossy(&output.stderr)));
    }
    // Every other dump is of what was between two inputs; the last is called `dump`.
    let dumps = fs::read_dir(folder.path()).map_err(|error| error.to_string())?.count();
    if dumps != 2 * inputs.len() + 1 {
        return Err(format!("{dumps} dumps of {} inputs", inputs.len()));
    }
    let dump = |nr: usize| folder.path().join(format!("dump.{}", 2 * nr));
    inputs.iter().zip(1..).map(|(input, nr)| read(input, &dump(nr))).collect()
}

fn read(input: &Input, path: &Path) -> Result<Counted, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("{}: {}: {what}", input.name, path.display());
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let exe = std::env::current_exe().map_err(|error| wrong(&error))?;
    let dump = Dump::parse(&text, &exe.to_string_lossy());
    if dump.ours == 0 {
        return Err(wrong(&"nothing was counted"));
    }
    let mails = (input.make)();
    Ok(Counted {
        name: input.name.clone(),
        bytes: mails.iter().map(Vec::len).sum(),
        instructions: dump.total / rounds(&mails),
        steady: (dump.ours + CALL * dump.calls) / rounds(&mails),
        top: dump.top(),
    })
}

/// A dump of callgrind's, added up.
#[derive(Default)]
struct Dump<'a> {
    total: u64,
    /// Instructions of the program itself,
    ours: u64,
    /// and its calls of libraries.
    calls: u64,
    functions: HashMap<&'a str, u64>,
}

impl<'a> Dump<'a> {
    /// <https://valgrind.org/docs/manual/cl-format.html>, with no string or position compressed.
    fn parse(text: &'a str, exe: &str) -> Self {
        let mut dump = Self::default();
        let mut lines = text.lines();
        let (mut within_ours, mut calls_ours, mut function) = (false, false, "");
        while let Some(line) = lines.next() {
            if let Some(object) = line.strip_prefix("ob=") {
                (within_ours, calls_ours) = (object == exe, object == exe);
            } else if let Some(object) = line.strip_prefix("cob=") {
                calls_ours = object == exe;
            } else if let Some(name) = line.strip_prefix("fn=") {
                function = name;
            } else if let Some(call) = line.strip_prefix("calls=") {
                if within_ours && !calls_ours {
                    dump.calls += call.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
                }
                calls_ours = within_ours;
                // What the called one took stands on the next line, and is its own.
                lines.next();
            } else if line.starts_with(|first: char| first.is_ascii_digit())
                && let Some(cost) = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok())
            {
                *dump.functions.entry(function).or_default() += cost;
                dump.total += cost;
                dump.ours += if within_ours { cost } else { 0 };
            }
        }
        dump
    }

    /// The five functions with most instructions of their own.
    fn top(&self) -> Vec<String> {
        let mut all: Vec<_> = self.functions.iter().collect();
        all.sort_by_key(|(name, cost)| (Reverse(**cost), **name));
        all.iter().take(5).map(|(name, cost)| format!("{:>3} % {name}", *cost * 100 / self.total)).collect()
    }
}
