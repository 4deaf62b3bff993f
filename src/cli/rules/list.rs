//! `brevdue rules list`: the rules as they hold, for a person who tunes them.
//!
//! Start reading at [`run`]. Tests: `tests/rules.rs`.

use super::json::Whole;
use crate::config::Config;
use crate::daemon::rules::{self, ALLOW_LIST, Loaded};
use crate::scan::ruleset::{Act, Change, Entry, Family, HEADERS, Kinds, Sort};
use std::process::ExitCode;

/// Columns of a terminal that everything fits in.
const WIDTH: usize = 100;

/// Shown by `brevdue rules list --help` below the options.
const AFTER_HELP: &str = "\
A number's sum is made of weights: natural log-odds, 2.3 makes a thing ten times likelier. Only the nearest strong \
label before a number counts, and it fades with distance; every look-alike that matches counts. `brevdue rules explain` \
shows both on a mail. rules/README.md of \
the source says all of it; `--format json` shows words and expressions whole.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Args {
    /// How to print
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For reading, at 100 columns
    Human,
    /// One object
    Json,
}

pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let loaded = rules::load(config.rules.as_deref())?;
    // Who tunes need not be who may read the key.
    let allowed = rules::read_allow_list(config)
        .map(|list| list.map_or(0, |(list, _)| list.len()))
        .map_err(|error| error.to_string());
    let text = match args.format {
        Format::Human => human(&loaded, &allowed),
        Format::Json => serde_json::to_string_pretty(&Whole::of(&loaded, &allowed))?,
    };
    crate::cli::say(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn human(loaded: &Loaded, allowed: &Result<usize, String>) -> String {
    let rules = &loaded.rules;
    let mut out = Vec::new();
    let files = files(loaded).into_iter().map(|(name, role)| format!("{name} ({role})")).collect::<Vec<_>>();
    out.push(field("files", &files));
    let kinds: Vec<String> =
        Kinds::ALL.iter().map(|kind| format!("{} {}", kind.word(), rules.kinds().of(*kind).word())).collect();
    out.push(field("kinds", &kinds));
    let thresholds =
        rules.thresholds().map(|(confidence, sum)| format!("{} from {sum:.1}", confidence.word()));
    out.push(field("sums", &thresholds));
    out.push(match allowed {
        Ok(0) => field("allowed", &["no numbers".to_owned()]),
        Ok(count) => field("allowed", &[format!("{count} number(s) in {ALLOW_LIST}")]),
        Err(why) => format!("allowed    cannot be said: {why}"),
    });
    for (sort, title, last) in [
        (Sort::Label, "Labels: words before a number", "words"),
        (Sort::LookAlike, "Look-alikes: what stands beside something else", "where"),
        (Sort::Beside, "What stands beside a number", "where"),
    ] {
        out.push(format!("\n{title}"));
        out.push(format!("{:>6}  {:<15} {:>3}  {:<16}  {}", "weight", "name", "ex.", "file", last));
        let mut all: Vec<&Entry> = rules.entries().iter().filter(|entry| entry.sort == sort).collect();
        all.sort_by(|one, other| other.weight.total_cmp(&one.weight));
        out.extend(all.into_iter().map(entry_line));
    }
    out.push("\nHeader fields that are not read".to_owned());
    out.push(format!("{:>6}  {:<24} {:>3}  {:<16}  {}", "fields", "family", "ex.", "file", "names"));
    out.extend(rules.header_families().iter().map(family_line));
    if !rules.sources().is_empty() {
        out.push("\nSources of packs, behind those of the configuration".to_owned());
        for source in rules.sources() {
            out.push(format!("  {} <- {}  ({})", source.name, source.pattern, source.file()));
        }
    }
    if !rules.changes().is_empty() {
        out.push("\nWhat packs changed".to_owned());
        out.extend(rules.changes().iter().map(|change| format!("  {}", change_in_words(change))));
    }
    if !loaded.changed.is_empty() {
        let count = loaded.changed.len();
        out.push(format!(
            "  examples of earlier files that say something else now: {count} (see `brevdue rules check`)"
        ));
    }
    out.join("\n")
}

/// A title and its items, wrapped.
fn field(title: &str, items: &[String]) -> String {
    let mut lines = vec![format!("{title:<10}")];
    for (number, item) in items.iter().enumerate() {
        let item = if number + 1 < items.len() { format!(" {item},") } else { format!(" {item}") };
        match lines.last_mut() {
            Some(line) if length(line) + length(&item) <= WIDTH => line.push_str(&item),
            Some(_) | None => lines.push(format!("{:<10}{item}", "")),
        }
    }
    lines.join("\n")
}

fn entry_line(entry: &Entry) -> String {
    let name = shorten(&entry.name, 15);
    let file = shorten(&entry.file, 16);
    let mut line = format!("{:>+6.1}  {name:<15} {:>3}  {file:<16}  ", entry.weight, entry.examples);
    let room = WIDTH - length(&line);
    match entry.sort {
        Sort::Label => line.push_str(&words(&entry.says, room)),
        Sort::LookAlike | Sort::Beside => line.push_str(&shorten(&entry.says.join("; "), room)),
    }
    line
}

fn family_line(family: &Family) -> String {
    let (name, count) = (shorten(&family.name, 24), family.fields.len());
    let mut line = format!("{count:>6}  {name:<24} {:>3}  {HEADERS:<16}  ", family.examples);
    let room = WIDTH - length(&line);
    line.push_str(&words(&family.fields, room));
    line
}

/// As many words as there is room for, and how many more there are.
fn words(all: &[String], room: usize) -> String {
    let mut text = String::new();
    for (number, word) in all.iter().enumerate() {
        let rest = all.len() - number - 1;
        let comma = if number > 0 { ", " } else { "" };
        let more = if rest > 0 { format!(" +{rest}") } else { String::new() };
        if number > 0 && length(&text) + length(comma) + length(word) + length(&more) > room {
            return format!("{text} +{}", rest + 1);
        }
        text.push_str(comma);
        text.push_str(word);
    }
    shorten(&text, room)
}

fn length(text: &str) -> usize {
    text.chars().count()
}

pub(super) fn shorten(text: &str, room: usize) -> String {
    if length(text) <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn change_in_words(Change { file, entry, act }: &Change) -> String {
    match act {
        Act::Replaced(from) => format!("{file} replaces {entry} of {from}"),
        Act::Removed(from) => format!("{file} removes {entry} of {from}"),
        Act::Added(count) => format!("{file} adds {count} word(s) to {entry}"),
        Act::Set(word) => format!("{file} sets {entry} to {word}"),
    }
}

/// Each file, and whether it is built in, stands in the place of ours, or is a pack.
pub(super) fn files(loaded: &Loaded) -> Vec<(&str, &'static str)> {
    let is_there = |name: &str| loaded.files.iter().any(|file| file == name);
    let ours = Loaded::OURS.iter().map(|name| (*name, if is_there(name) { "replaced" } else { "built in" }));
    let packs = loaded.files.iter().map(String::as_str).filter(|name| !Loaded::OURS.contains(name));
    ours.chain(packs.map(|name| (name, "pack"))).collect()
}
