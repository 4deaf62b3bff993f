//! Mutants by the thousand, and the table of what became of them.
//!
//! Each is opened by a worker and counted under the gravest of what was not read of it, and is read once more as a file in
//! a mail, files in it opened in their turn, to see that nothing of it reaches who reads mail. Start reading at [`run`].

use super::mutate::mutant;
use super::opened::{self, End, Opened};
use super::support::{SMALL, Small};
use super::{Options, workers};
use brevdue::extract::content::Unread;
use brevdue::scan::ruleset::Ruleset;
use brevdue::worker::{Budget, Workers};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is beyond patience by more than this hung.
const SLACK: Duration = Duration::from_secs(5);

/// Which mutant.
#[derive(Clone, Copy)]
struct Name {
    form: &'static str,
    seed: u64,
}

impl std::fmt::Display for Name {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "--only {} --seed {}", self.form, self.seed)
    }
}

/// What became of all of them.
#[derive(Default)]
struct Tally {
    /// Form -> outcome -> how many.
    table: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// How long each took.
    times: BTreeMap<&'static str, Vec<Duration>>,
    slowest: Option<(Duration, Name)>,
    /// Told most, in bytes.
    largest: Option<(u64, Name)>,
    /// Workers that died: by what they died of, which did.
    dead: BTreeMap<String, Vec<Name>>,
    panicked: Vec<Name>,
    hung: Vec<Name>,
    forbidden: Vec<Name>,
}

impl Tally {
    fn count(&mut self, name: Name, opened: &Opened) {
        let outcome = opened.unread.map_or("scanned", Unread::word);
        *self.table.entry(name.form).or_default().entry(outcome).or_default() += 1;
        self.times.entry(name.form).or_default().push(opened.took);
        if self.slowest.is_none_or(|(took, _)| took < opened.took) {
            self.slowest = Some((opened.took, name));
        }
        if self.largest.is_none_or(|(told, _)| told < opened.told) {
            self.largest = Some((opened.told, name));
        }
        if opened.took > Budget::default().patience + SLACK {
            self.hung.push(name);
        }
    }
}

/// Makes so many, opens them and prints the table.
pub(crate) fn run(program: &Path, options: &Options, count: u64) -> ExitCode {
    let forms: Vec<Small> =
        SMALL.into_iter().filter(|one| options.only.as_ref().is_none_or(|only| only == one.form)).collect();
    if forms.is_empty() {
        eprintln!("--only: {}", SMALL.map(|one| one.form).join(", "));
        return ExitCode::from(2);
    }
    let workers = workers(program);
    let rules = Arc::new(Ruleset::built_in().unwrap());
    let tally = Mutex::new(Tally::default());
    let next = AtomicU64::new(0);
    let bar = ProgressBar::new(count);
    // Without a pattern that is known to be right there is a bar all the same.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} mutants, {eta} left") {
        bar.set_style(style);
    }
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                loop {
                    let nr = next.fetch_add(1, Ordering::Relaxed);
                    if nr >= count {
                        break;
                    }
                    let small = forms[usize::try_from(nr).unwrap() % forms.len()];
                    one(program, &workers, &rules, small, options.seed + nr / forms.len() as u64, &tally);
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let tally = tally.into_inner().unwrap();
    print(&tally);
    if count == 1
        && let Some(place) = opened::panicked_at(&mutant(forms[0], options.seed))
    {
        println!("in this process: {place}");
    }
    if let Some(path) = &options.keep
        && let Err(error) = std::fs::File::create(path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, &mutant(forms[0], options.seed)))
    {
        eprintln!("{}: {error}", path.display());
    }
    let is_well = tally.panicked.is_empty() && tally.hung.is_empty() && tally.forbidden.is_empty();
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(
    program: &Path,
    workers: &Arc<Workers>,
    rules: &Arc<Ruleset>,
    small: Small,
    seed: u64,
    tally: &Mutex<Tally>,
) {
    let name = Name { form: small.form, seed };
    let document = mutant(small, seed);
    let opened = opened::open(workers, &document);
    let is_panic = opened::panics(workers, rules, small.form, &document);
    // What a limit of memory stopped may as well be a stack that ran over: both abort.
    let end = matches!(opened.unread, Some(Unread::Crashed | Unread::Memory))
        .then(|| opened::died(program, &Budget::default(), &document));
    let mut tally = tally.lock().unwrap();
    tally.count(name, &opened);
    if is_panic {
        tally.panicked.push(name);
    }
    match end {
        Some(Ok((end, said))) => {
            if end == End::Signal(libc::SIGSYS) {
                tally.forbidden.push(name);
            }
            let said = said.lines().last().unwrap_or_default().to_owned();
            tally.dead.entry(format!("{end:?} {said}")).or_default().push(name);
        }
        Some(Err(error)) => tally.dead.entry(error.to_string()).or_default().push(name),
        None => {}
    }
}

fn print(tally: &Tally) {
    let mut outcomes: Vec<&str> = tally.table.values().flat_map(|row| row.keys().copied()).collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    // What was read whole stands first.
    outcomes.sort_by_key(|one| *one != "scanned");
    let heads = |out: &mut String| outcomes.iter().for_each(|one| *out += &format!("  {one:>9}"));
    let mut head = format!("{:<6}", "form");
    heads(&mut head);
    println!("{head}        all  p50 ms  p99 ms");
    let mut all = BTreeMap::<&str, u64>::new();
    for (form, row) in &tally.table {
        let mut line = format!("{form:<6}");
        for one in &outcomes {
            let count = row.get(one).copied().unwrap_or(0);
            *all.entry(one).or_default() += count;
            line += &format!("  {count:>width$}", width = one.len().max(9));
        }
        let mut times = tally.times[form].clone();
        let (middle, late) = super::figures::percentiles(&mut times);
        println!("{line}  {:>9}  {middle:>6.1}  {late:>6.1}", row.values().sum::<u64>());
    }
    let mut line = format!("{:<6}", "all");
    for one in &outcomes {
        line += &format!("  {:>width$}", all[one], width = one.len().max(9));
    }
    println!("{line}  {:>9}", all.values().sum::<u64>());
    if let Some((took, name)) = tally.slowest {
        println!("slowest: {took:.1?} ({name})");
    }
    if let Some((told, name)) = tally.largest {
        println!("largest: {told} bytes told ({name})");
    }
    for (how, names) in &tally.dead {
        println!("reader died, {how}: {} times", names.len());
        names.iter().take(20).for_each(|name| println!("    {name}"));
    }
    for (what, names) in [
        ("PANICKED in the process that asked", &tally.panicked),
        ("HUNG", &tally.hung),
        ("KILLED FOR A SYSTEM CALL", &tally.forbidden),
    ] {
        println!("{what}: {}", names.len());
        for name in names {
            println!("    {name}");
        }
    }
}
