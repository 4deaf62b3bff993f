//! The command line: one file a command.
//!
//! Start reading at `Command`. What people read goes to standard output, logs and progress to standard
//! error. Exit codes: 0 done, 2 could not run; `scan` has more.

mod alarm;
mod archive;
mod case;
mod config;
mod demo;
mod doctor;
mod evidence;
mod held;
mod key;
mod output;
mod pipe;
mod policy;
mod read;
mod report;
mod rules;
mod scan;
mod serve;
mod status;
mod worker;

use crate::config::{Config, diagnose::Problems};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Finds unencrypted CPR numbers in outgoing mail, stops them, and keeps the breach case with its 72 hours.
#[derive(Debug, Parser)]
#[command(name = "brevdue", version, about, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// The configuration; without it: loopback only, data in ./brevdue-data
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: the milter door, the register and the alarm
    Serve(serve::Args),
    /// Look for CPR numbers in messages, mbox, Maildir, folders and documents
    Scan(scan::Args),
    /// Look through old mail for numbers that left, and put them into one incident with a case for each controller
    Archive(archive::Args),
    /// Check one mail on standard input and hand it on, for Postfix's pipe(8); exit codes of sysexits.h
    Pipe(pipe::Args),
    /// Read the configuration and show every problem at once
    CheckConfig,
    /// Does Brevdue run, what waits, and what would each failure do?
    Status(status::Args),
    /// Does this machine give what Brevdue leans on? Shows how documents are shut in
    Doctor,
    /// Print a configuration to start from
    #[command(subcommand)]
    Config(config::Command),
    /// The register: near misses and breaches, the one with least time left first
    #[command(subcommand)]
    Case(case::Command),
    /// Documents about all: the register as CSV, XLSX or PDF, and how mail is sent
    #[command(subcommand)]
    Report(report::Command),
    /// Mail that waits for a person's decision: read it, release it, discard it
    #[command(subcommand)]
    Held(held::Command),
    /// How the mails of a case travelled; and its numbers, with the DPO's private key
    Evidence(evidence::Args),
    /// The rules by which numbers are found
    #[command(subcommand)]
    Rules(rules::Command),
    /// What the policy makes of a mail, recipient by recipient
    #[command(subcommand)]
    Policy(policy::Command),
    /// Keys: the DPO's pair, to which the numbers of a breach are sealed
    #[command(subcommand)]
    Key(key::Command),
    /// The alarm to the data protection officers
    #[command(subcommand)]
    Alarm(alarm::Command),
    /// Reads one document within walls; started by Brevdue itself
    #[command(hide = true)]
    Worker(worker::Args),
    /// Recognises letters in one picture within walls; started by Brevdue itself
    #[command(hide = true)]
    Recogniser(worker::RecogniserArgs),
}

/// Runs `brevdue worker` when that is what was asked for.
pub fn run_worker() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let is_worker = arguments.peek().is_some_and(|command| command == "worker");
    is_worker.then(|| ended(worker::run(&worker::Alone::parse_from(arguments).args)))
}

/// Reads the command line.
///
/// # Errors
/// The exit code of a command line that is none, once what is wrong with it was said.
pub fn parse() -> Result<Cli, ExitCode> {
    let words: Vec<_> = std::env::args_os().collect();
    Cli::try_parse_from(&words).map_err(|error| {
        if words.iter().any(|word| word == "pipe") {
            return pipe::usage(&error);
        }
        error.exit()
    })
}

/// Runs a command and returns its exit code.
pub fn run(cli: Cli) -> ExitCode {
    let config = cli.config.as_deref();
    ended(match cli.command {
        Command::Serve(args) => serve::run(config, &args),
        Command::Scan(args) => scan::run(config, &args),
        Command::Archive(args) => archive::run(config, &args),
        Command::Pipe(args) => return pipe::run(config, &args),
        Command::CheckConfig => config::check(config),
        Command::Config(command) => config::run(&command),
        Command::Case(command) => case::run(config, &command),
        Command::Report(command) => report::run(config, &command),
        Command::Held(command) => held::run(config, &command),
        Command::Evidence(args) => evidence::run(config, &args),
        Command::Rules(command) => rules::run(config, &command),
        Command::Policy(command) => policy::run(config, &command),
        Command::Key(command) => key::run(&command),
        Command::Alarm(command) => alarm::run(config, &command),
        Command::Status(args) => load(config).and_then(|config| status::run(&config, &args)),
        Command::Doctor => load(config).and_then(|config| doctor::run(&config)),
        Command::Worker(args) => worker::run(&args),
        Command::Recogniser(args) => worker::recognise(&args),
    })
}

/// What there is to say of how a command ended, and its exit code.
fn ended(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&format!("brevdue: {error:#}"));
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

/// Usage, configuration, or a machine that does not give what is needed.
const COULD_NOT_RUN: u8 = 2;

/// Where data lies when there is no configuration.
const DEFAULT_DATA: &str = "brevdue-data";

/// The configuration that was named, or loopback only. Warnings go to standard error.
fn load(config: Option<&Path>) -> anyhow::Result<Config> {
    let Some(path) = config else { return Ok(Config::loopback_default(Path::new(DEFAULT_DATA))) };
    let loaded = crate::config::load(path).map_err(anyhow::Error::new)?;
    if !loaded.warnings.is_empty() {
        say_problems(&loaded.warnings);
    }
    Ok(loaded.config)
}

/// A command that reads makes no register.
fn need_store(config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        crate::daemon::has_store(config),
        "there is no register at {}: give the daemon's configuration with --config, or run `brevdue serve` first",
        config.store
    );
    Ok(())
}

fn say_problems(problems: &Problems) {
    use std::io::IsTerminal;
    say_error(&problems.draw(std::io::stderr().is_terminal()));
}

/// To standard error; when even that is closed there is nobody to tell.
fn say_error(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// To standard output.
fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// `brevdue ... | head` is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
