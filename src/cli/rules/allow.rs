//! `brevdue rules allow`: the list of numbers that are nobody's.
//!
//! Reads numbers, keeps digests, prints counts. Nothing is written when a line is bad. Start reading at [`run`].
//! Tests: below for what a line may be, `tests/rules.rs` for the rest.

use super::prompt;
use crate::clock::Clock;
use crate::config::Config;
use crate::cpr::{Cpr, Exceptions, NotCpr};
use crate::daemon::rules;
use crate::inspect;
use crate::scan::Day;
use crate::scan::ruleset::day_of;
use crate::seal::allow;
use std::path::PathBuf;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Shown by `brevdue rules allow --help` below the options.
const AFTER_HELP: &str = "\
One number a line, with dash, with blank or plain; blank lines and what follows `#` are left out. At a terminal \
nothing is shown of what is typed; from a pipe or with --file all is read. Nothing is kept if a line is bad.

A number on the list is reported as a test number (`allowed`) and is no leak. Put no living person's number on it: \
it would pass unencrypted from then on.

What is kept: a digest of each number under the node's key, in allow.list in the folder of `[rules] path` (mode \
0600). CPR numbers are few, about forty million, so whoever has that file AND node.key can find every number on it \
by trying them all, in seconds; the file without the key tells only how many there are. Each node has a key and so \
a list of its own; `brevdue scan` without --config has none.

Examples:
  brevdue rules allow --config brevdue.toml                    type them
  brevdue rules allow --config brevdue.toml <testdata.txt      or pipe them
  brevdue rules allow --config brevdue.toml --remove           take numbers off the list
  brevdue rules allow --config brevdue.toml --count            how many there are";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Args {
    /// Read the numbers from a file instead of standard input; delete it afterwards
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Take the numbers off the list
    #[arg(long)]
    remove: bool,
    /// Only say how many numbers are on the list
    #[arg(long, conflicts_with_all = ["file", "remove"])]
    count: bool,
}

pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    if args.count {
        let count = rules::read_allow_list(config)?.map_or(0, |(list, _)| list.len());
        crate::cli::say(&format!("{} on the list", numbers(count)))?;
        return Ok(ExitCode::SUCCESS);
    }
    // The key first: nobody should type numbers in vain.
    rules::check_allow_list(config)?;
    let text = prompt::read(args.file.as_deref())?;
    let given = read(&text, day_of(inspect::local_day(&Clock::System)))
        .map_err(|faults| anyhow::anyhow!("nothing was changed:{}", shown(&faults)))?;
    anyhow::ensure!(!given.is_empty(), "no number was given; nothing was changed");
    let (changed, length) = rules::change_allow_list(config, |list, key| {
        let mut changed = 0;
        for digits in given.iter() {
            let digest = allow::digest(key, digits);
            changed += usize::from(if args.remove { list.remove(digest) } else { list.add(digest) });
        }
        (changed, list.len())
    })?;
    let others = given.len() - changed;
    let (did, had) = if args.remove {
        ("taken off", "not on the list")
    } else {
        ("taken in", "there before, or given twice")
    };
    let others = if others > 0 { format!(" ({others} {had})") } else { String::new() };
    crate::cli::say(&format!(
        "{} {did}{others}; {} on the list. A running daemon knows it when it next reads its rules.",
        numbers(changed),
        numbers(length)
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn numbers(count: usize) -> String {
    if count == 1 { "1 number".to_owned() } else { format!("{count} numbers") }
}

/// A bad line, by its number alone: what stands there may be somebody's.
pub(in crate::cli) type Fault = (usize, &'static str);

fn shown(faults: &[Fault]) -> String {
    const SHOWN: usize = 20;
    let lines: Vec<String> =
        faults.iter().take(SHOWN).map(|(line, what)| format!("\n  line {line}: {what}")).collect();
    let more = faults.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    format!("{}{more}", lines.concat())
}

/// Reads the numbers of all lines, or says which are bad.
pub(in crate::cli) fn read(text: &[u8], today: Day) -> Result<Zeroizing<Vec<[u8; 10]>>, Vec<Fault>> {
    let mut given = Zeroizing::new(Vec::new());
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        match number_of(line, today) {
            Ok(Some(digits)) => given.push(digits),
            Ok(None) => {}
            Err(what) => faults.push((number, what)),
        }
    }
    if faults.is_empty() { Ok(given) } else { Err(faults) }
}

/// The ten digits of a line in ASCII; `None` when it says nothing.
fn number_of(line: &[u8], today: Day) -> Result<Option<[u8; 10]>, &'static str> {
    const NOT_TEN: &str = "not a number of ten digits, as DDMMYY-NNNN";
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else { return Err("not UTF-8 text") };
    if line.trim().is_empty() {
        return Ok(None);
    }
    let mut digits = [0; 10];
    let mut count = 0;
    for sign in line.trim().chars() {
        if let Some(digit) = sign.to_digit(10) {
            *digits.get_mut(count).ok_or(NOT_TEN)? = u8::try_from(digit).unwrap_or(0);
            count += 1;
        } else if sign.is_alphanumeric() {
            return Err(NOT_TEN);
        }
    }
    if count != digits.len() {
        return Err(NOT_TEN);
    }
    match Cpr::parse(digits, today, Exceptions { as_of: today, dates: &[] }) {
        Ok(cpr) => Ok(Some(cpr.reveal())),
        Err(NotCpr::NoSuchDay | NotCpr::NoZeroLost) => {
            Err("begins with no date that there is, so that it is never found as a number")
        }
        Err(NotCpr::Unborn) => Err("a birth date to come, so that it is never found as a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Day {
        Day::new(2026, 11, 21).unwrap()
    }

    #[test]
    fn any_notation_is_read() {
        let text =
            "\u{feff}# test data\n150379-1028\r\n\n  1503791028 # again\n150379 1028\n15.03.79\u{2013}1028\n";
        let given = read(text.as_bytes(), today()).unwrap();
        assert_eq!(given.as_slice(), [*b"1503791028"; 4]);
        assert_eq!(read(b"", today()).unwrap().len(), 0);
    }

    #[test]
    fn bad_lines_are_named_and_never_shown() {
        let text = b"150379-1028\n150379-102\n320179-1028\nx150379-1028\n221126-4000\n\xff\n150379-10281\n";
        let faults = read(text, today()).unwrap_err();
        assert_eq!(faults.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
        let shown = shown(&faults);
        assert!(!shown.contains("150379") && shown.contains("line 3: begins with no date"), "{shown}");
        assert!(super::shown(&vec![(1, "x"); 25]).ends_with("and 5 more"));
    }
}
