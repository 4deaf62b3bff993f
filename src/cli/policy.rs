//! `brevdue policy explain`: recipient by recipient which road, which rule and which verdict, and why.
//!
//! *What it is*: the same decision as every door's (invariant 4), told. *What it never does*: record anything, or show a
//! number or a text of the message. *Start reading at* [`run`]; `words` has the reasons in Danish and English. *Tests*:
//! `tests/roads.rs`.

mod passed;
mod words;

use super::output::shown;
use super::read::{self, How, Item, form};
use super::scan::{Recipient, Sender, recipient, sender};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use crate::envelope::{Address, Envelope};
use crate::inspect;
use crate::intake::archive::Form;
use crate::policy::why::Rule;
use crate::policy::{Policy, decide};
use crate::scan::ruleset::day_of;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Shown by `brevdue policy explain --help` below the options.
const AFTER_HELP: &str = "\
Nothing is sent and nothing is recorded. The rule is named as the configuration calls it, with its line. The decision is \
that of today: an exemption that has ended is none.

Exit codes: 0 when all could be read, 2 when not.

Examples:
  brevdue --config brevdue.toml policy explain mail.eml --from a@kommune.example --to b@borger.example
  brevdue --config brevdue.toml policy explain - --from '<>' --to b@x.example --to c@y.example --format json <mail.eml";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say for each recipient which road a mail would take, which rule decides, and why
    Explain(Args),
    /// The audit trail of what passed although a number stood in it: exemptions used, and many persons on a protected road
    Passed(passed::Args),
}

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// How to print
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// The sender; `<>` is the empty one
    #[arg(long, value_name = "ADDR", value_parser = sender)]
    from: Sender,
    /// A recipient; may be given again
    #[arg(long, value_name = "ADDR", required = true, value_parser = recipient)]
    to: Vec<Recipient>,
    /// Read the input as this media type: message/rfc822, application/mbox, or a document's
    #[arg(long = "as", value_name = "MEDIA/TYPE", value_parser = form)]
    form: Option<Form>,
    /// The message; `-` is standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For reading, in Danish and English
    Human,
    /// One JSON object a message
    #[value(alias = "jsonl")]
    Json,
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let config = super::load(config)?;
    match command {
        Command::Explain(args) => explain(&config, args),
        Command::Passed(args) => passed::run(&config, args),
    }
}

fn explain(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let setup = daemon::setup(config)?;
    let job = Job {
        how: How {
            rules: setup.rules,
            workers: setup.workers,
            today: day_of(inspect::local_day(&Clock::System)),
            form: args.form.clone(),
            reveal: false,
            explain: false,
            archived: None,
        },
        policy: setup.policy,
        envelope: Envelope {
            sender: args.from.0.clone(),
            recipients: args.to.iter().map(|one| one.address.clone()).collect(),
            ..Envelope::default()
        },
        written: args.to.iter().map(|one| one.written.clone()).collect(),
        format: args.format,
    };
    let done = read::all(&job, std::slice::from_ref(&args.file))?;
    if done.troubles > 0 {
        super::say_error("brevdue: the input could not be read");
        return Ok(ExitCode::from(super::COULD_NOT_RUN));
    }
    Ok(ExitCode::SUCCESS)
}

struct Job {
    how: How,
    policy: Policy,
    envelope: Envelope,
    /// As the user wrote them, in the envelope's order.
    written: Vec<String>,
    format: Format,
}

impl read::Job for Job {
    type Tally = ();

    fn how(&self) -> &How {
        &self.how
    }

    fn settle(&self, item: &Item<'_>, out: &mut Vec<u8>, (): &mut ()) {
        let told = self.explain(item);
        match self.format {
            Format::Human => human(&told, out),
            Format::Json => {
                let start = out.len();
                // Strings and numbers into memory cannot fail; half a line would be worse than none.
                match serde_json::to_writer(&mut *out, &told) {
                    Ok(()) => out.push(b'\n'),
                    Err(_) => out.truncate(start),
                }
            }
        }
    }

    fn join((): &mut (), (): ()) {}
}

/// What is told of a message: the contract of `--format json`.
#[derive(Serialize)]
struct Told {
    file: String,
    /// Of the content, as `scan` says it.
    content: &'static str,
    /// How many persons' numbers leak.
    persons: u64,
    /// The strictest of all: the answer of a door that has only one.
    verdict: &'static str,
    recipients: Vec<ToldOne>,
}

#[derive(Serialize)]
struct ToldOne {
    recipient: String,
    /// How mail travels there.
    road: &'static str,
    /// What says so, as the configuration calls it.
    road_rule: String,
    /// Its line in the configuration.
    road_line: Option<u32>,
    verdict: &'static str,
    /// Why it may pass, when it does.
    pass: Option<&'static str>,
    /// The rule that decided; empty where none had to.
    rule: String,
    line: Option<u32>,
    /// It passes with more persons' numbers than its road warns at.
    many_persons: bool,
    why_da: String,
    why_en: String,
}

impl Job {
    fn explain(&self, item: &Item<'_>) -> Told {
        let report = item.report;
        let decision = decide(&self.envelope, report, &self.policy, self.how.today);
        let verdict = decision.strictest().word();
        let one = |(written, decided): (&String, crate::policy::RecipientDecision)| {
            let to: Option<&Address> = decided.recipient.as_ref();
            let way = self.policy.roads.way(&self.envelope, to);
            let road = Rule::of(way.source, way.protection);
            let (why_da, why_en) = words::why(&decided, &way, report);
            ToldOne {
                recipient: shown(written, false),
                road: decided.protection.word(),
                road_line: road.line(),
                road_rule: road.key(),
                verdict: decided.verdict.word(),
                pass: words::pass(decided.verdict),
                line: decided.why.rule.line(),
                rule: decided.why.rule.key(),
                many_persons: decided.why.many_persons.is_some(),
                why_da,
                why_en,
            }
        };
        Told {
            file: shown(item.file, false),
            content: report.verdict().word(),
            persons: report.persons(),
            verdict,
            recipients: self.written.iter().zip(decision.recipients).map(one).collect(),
        }
    }
}

/// Writes into memory, which cannot fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => { drop(writeln!($out, $($text)*)) };
}

fn human(told: &Told, out: &mut Vec<u8>) {
    line!(
        out,
        "{}: indhold · content: {}, personer · persons: {}, samlet · overall: {}",
        told.file,
        told.content,
        told.persons,
        told.verdict
    );
    let heads = ["MODTAGER · RECIPIENT", "VEJ · ROAD", "AFGØRELSE · VERDICT", "REGEL · RULE"];
    let rows: Vec<[String; 4]> = told.recipients.iter().map(row).collect();
    let widths: Vec<usize> = (0..3)
        .map(|at| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.chain(heads.get(at).map(|head| head.chars().count())).max().unwrap_or(0)
        })
        .collect();
    let [first, second, third] = widths.as_slice() else { return };
    let [a, b, c, d] = heads;
    line!(out, "{a:first$}  {b:second$}  {c:third$}  {d}");
    for ([a, b, c, d], one) in rows.iter().zip(&told.recipients) {
        line!(out, "{a:first$}  {b:second$}  {c:third$}  {d}");
        let road = placed(&one.road_rule, one.road_line);
        line!(out, "    vej · road: {road}");
        line!(out, "    {}", one.why_da);
        line!(out, "    {}", one.why_en);
    }
}

fn row(one: &ToldOne) -> [String; 4] {
    let verdict = match one.pass {
        Some(pass) => format!("{} ({pass})", one.verdict),
        None => one.verdict.to_owned(),
    };
    let rule = if one.rule.is_empty() { "-".to_owned() } else { placed(&one.rule, one.line) };
    [one.recipient.clone(), one.road.to_owned(), verdict, rule]
}

fn placed(rule: &str, line: Option<u32>) -> String {
    line.map_or_else(|| rule.to_owned(), |line| format!("{rule} (linje · line {line})"))
}
