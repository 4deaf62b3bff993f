//! `brevdue status`: does it run, what waits for a person, and what each failure would do.
//!
//! It asks from outside, as the mail server and the monitoring do: each door is knocked at, the console is asked for its
//! health, the register is read. No folder or file is made; a register of an older program is brought up to date, as by every
//! command. What cannot be read is a line of the report like any other. Exit code 0 when all is well, 1 when something is not.

use crate::case::Kind;
use crate::case::deadline::left_in_words;
use crate::case::local::shown as local;
use crate::clock::Clock;
use crate::config::Config;
use crate::console::failures::FAILURES;
use crate::daemon;
use crate::intake::ListenAddr;
use crate::store::held::HeldState;
use crate::store::{CaseRow, Store, StoreError};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

/// Whoever listens on this machine answers at once, or is stuck.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How to print
    #[arg(long, value_enum, default_value = "human")]
    format: super::case::Format,
}

/// A place that the configuration names, and what came of knocking there.
struct Door {
    name: &'static str,
    address: String,
    answer: Result<(), String>,
}

/// What was found.
struct Found {
    doors: Vec<Door>,
    /// What the console says of itself; `None` without a console, or when it says nothing.
    health: Option<Value>,
    /// `None` without a register.
    register: Option<Result<Register, String>>,
}

/// What the register says.
struct Register {
    cases: Vec<CaseRow>,
    /// Held mail that waits for a decision, and that which is decided and not done.
    held: (usize, usize),
}

pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let milter = config.milter.iter().flat_map(|milter| &milter.listen).map(|at| ("milter", at));
    let smtp = config.smtp.iter().flat_map(|smtp| &smtp.listen).map(|at| ("SMTP", at));
    let check = config.check.iter().map(|check| ("tjek · check", &check.listen));
    let console = config.console.iter().map(|console| ("konsol · console", &console.listen));
    let mut doors: Vec<Door> = milter
        .chain(smtp)
        .chain(check)
        .chain(console)
        .map(|(name, at)| Door {
            name,
            address: at.to_string(),
            answer: knock(at).map(drop).map_err(|error| error.to_string()),
        })
        .collect();
    let health = config.console.as_ref().and_then(|console| match health(&console.listen) {
        Ok(health) => Some(health),
        Err(error) => {
            // It listens, and says nothing of itself.
            if let Some(door) = doors.last_mut().filter(|door| door.answer.is_ok()) {
                door.answer = Err(format!("/healthz: {error}"));
            }
            None
        }
    });
    let runs = doors.iter().any(|door| door.answer.is_ok());
    let register = match (daemon::has_store(config), runs) {
        (true, _) => Some(read(config).map_err(|error| {
            let why = error.to_string();
            why.strip_prefix("register: ").unwrap_or(&why).to_owned()
        })),
        (false, true) => Some(Err(format!("{}: filen er væk · the file is gone", config.store))),
        (false, false) => None,
    };
    let found = Found { doors, health, register };
    match args.format {
        super::case::Format::Human => super::say(found.words(Clock::System.now()).trim_end())?,
        super::case::Format::Json => super::say(&serde_json::to_string_pretty(&found.json())?)?,
    }
    Ok(ExitCode::from(u8::from(!found.is_well())))
}

/// Not the way of the daemon, which makes what is not there.
fn read(config: &Config) -> Result<Register, StoreError> {
    let store = Store::at(&config.store)?;
    let held = store.held(false)?;
    let decided = held.iter().filter(|row| row.state == HeldState::Approved).count();
    Ok(Register { cases: store.cases()?, held: (held.len() - decided, decided) })
}

/// A connection, to speak on or to close again.
trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

fn knock(at: &ListenAddr) -> io::Result<Box<dyn Wire>> {
    match at {
        ListenAddr::Tcp(at) => {
            let stream = TcpStream::connect_timeout(at, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        ListenAddr::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
    }
}

/// The console's page for programs: one request and one answer, to our own console.
fn health(at: &ListenAddr) -> io::Result<Value> {
    let mut wire = knock(at)?;
    wire.write_all(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")?;
    let mut answer = Vec::new();
    wire.take(1 << 20).read_to_end(&mut answer)?;
    let body = memchr::memmem::find(&answer, b"\r\n\r\n").and_then(|end| answer.get(end + 4..));
    Ok(serde_json::from_slice(body.unwrap_or_default())?)
}

impl Found {
    fn is_well(&self) -> bool {
        self.doors.iter().all(|door| door.answer.is_ok())
            && self.health.as_ref().is_none_or(|health| health["status"] == "ok")
            && self.register.as_ref().is_none_or(Result::is_ok)
    }

    fn json(&self) -> Value {
        let door = |door: &Door| json!({"door": door.name, "address": door.address, "answers": door.answer.is_ok(), "why": door.answer.as_ref().err()});
        let failures: Vec<Value> = FAILURES
            .iter()
            .map(|one| {
                let ([what_da, what_en], [then_da, then_en]) = (one.what, one.then);
                json!({"failure": one.word, "mail": one.mail.word(), "what": {"da": what_da, "en": what_en}, "then": {"da": then_da, "en": then_en}})
            })
            .collect();
        let register = self.register.as_ref().map(|register| match register {
            Ok(register) => {
                let (breaches, near_misses) = register.counts();
                json!({"answers": true, "breaches": breaches, "near_misses": near_misses})
            }
            Err(why) => json!({"answers": false, "why": why}),
        });
        let held = self.register.as_ref().and_then(|register| register.as_ref().ok()).map(|register| {
            let (waiting, decided) = register.held;
            json!({"waiting": waiting, "decided": decided})
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "well": self.is_well(),
            "doors": self.doors.iter().map(door).collect::<Vec<_>>(),
            "health": self.health,
            "register": register,
            "held": held,
            "failures": failures,
        })
    }

    fn words(&self, now: DateTime<Utc>) -> String {
        let mut out = format!("Brevdue {}\n\n", env!("CARGO_PKG_VERSION"));
        // Writing to a String cannot fail.
        let mut line = |text: &str| writeln!(out, "{text}").unwrap_or_default();
        for Door { name, address, answer } in &self.doors {
            line(&match answer {
                Ok(()) => format!("  {name} {address}: svarer · answers"),
                Err(why) => format!("  {name} {address}: SVARER IKKE · DOES NOT ANSWER: {why}"),
            });
        }
        if self.doors.is_empty() {
            line("  ingen dør er sat op · no door is configured");
        }
        if let Some(health) = &self.health {
            line(&format!("  helbred · health: {}", health["status"].as_str().unwrap_or("?")));
            for check in
                health["checks"].as_array().into_iter().flatten().filter(|check| check["status"] != "ok")
            {
                let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
                line(&format!("    {}: {}: {}", text("name"), text("status"), text("text")));
            }
        }
        match &self.register {
            None => line("  intet register endnu · no register yet"),
            Some(Err(why)) => line(&format!(
                "  register: SVARER IKKE · DOES NOT ANSWER: {why}\n    \
                 mail med et fund får 451, til det svarer · mail with a finding gets 451 until it does"
            )),
            Some(Ok(register)) => {
                let (breaches, near_misses) = register.counts();
                line(&format!(
                    "  register: {breaches} brud · breaches, {near_misses} afværget · near misses"
                ));
                let (waiting, decided) = register.held;
                line(&format!(
                    "  tilbageholdt mail · held mail: {waiting} venter · waiting, {decided} besluttet · decided"
                ));
                // The list begins with the one that has least time left.
                let next = register.cases.first().and_then(|case| Some((case, case.deadline?)));
                if let Some((case, deadline)) = next {
                    let (da, en) = left_in_words(deadline - now);
                    line(&format!(
                        "  næste frist · next deadline: {} {} ({da} · {en})",
                        case.id,
                        local(deadline)
                    ));
                }
            }
        }
        line("\nHvad en fejl gør · What a failure does:\n");
        for one in FAILURES {
            let ([mail_da, mail_en], [what_da, what_en], [then_da, then_en]) =
                (one.mail.told(), one.what, one.then);
            line(&format!("  {} · {}", capital(what_da), what_en));
            line(&format!("      {mail_da}: {then_da}"));
            line(&format!("      {mail_en}: {then_en}"));
        }
        out
    }
}

impl Register {
    /// Breaches and near misses.
    fn counts(&self) -> (usize, usize) {
        let breaches = self.cases.iter().filter(|case| case.kind == Kind::Breach).count();
        (breaches, self.cases.len() - breaches)
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
