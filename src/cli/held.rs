//! `brevdue held`: mail that waits for a person, and what the person decides.
//!
//! Every act is an entry in the register with who and why; neither may hold a number. A decision is a row, addressed to the
//! machine that has the mail; that machine acts on it. Start reading at [`run`]; `held/print.rs` shows,
//! `held/post.rs` is Digital Post.

mod post;
mod print;

use crate::case::CaseId;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::held::{Acted, Keeper, node_name, release_key_is_there, sms_of, wake_of};
use crate::daemon::{self, telemetry};
use crate::scan::Scan;
use crate::scan::ruleset::day_of;
use crate::store::Store;
use crate::store::held::{Act, HeldRow, Place};
use anyhow::Context;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Mail that waits, the oldest first
    List {
        /// Also what is done with
        #[arg(long)]
        all: bool,
        /// How to print
        #[arg(long, value_enum, default_value = "human")]
        format: super::case::Format,
    },
    /// One mail, and what was done about it
    Show {
        /// Its name, from `brevdue held list`
        id: String,
        /// How to print
        #[arg(long, value_enum, default_value = "human")]
        format: super::case::Format,
    },
    /// Send it on: in the clear, by a protected road, or as Digital Post
    ///
    /// In the clear it is a breach of personal data security from that moment, with 72 hours to notify it. It is asked for
    /// twice: by --in-clear, and by typing the mail's name (or --yes NAME).
    Release {
        /// Its name
        id: String,
        #[command(flatten)]
        who: Who,
        /// As it is, with the number in it: a breach from now on
        #[arg(long, conflicts_with = "road", required_unless_present_any = ["road", "digital_post"])]
        in_clear: bool,
        /// By which road
        #[arg(long, value_enum)]
        road: Option<Road>,
        /// The mail's name once more, for a script that cannot be asked
        #[arg(long, value_name = "ID", requires = "in_clear")]
        yes: Option<String>,
        #[command(flatten)]
        post: post::Letter,
    },
    /// Remove it for good; its sender is told
    Discard {
        /// Its name
        id: String,
        #[command(flatten)]
        who: Who,
    },
    /// Write the mail to a file that its owner alone can read
    Export {
        /// Its name
        id: String,
        #[command(flatten)]
        who: Who,
        /// The file; never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The DPO's private key file, instead of this machine's release key
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
    /// Do what was decided, on the machine that has the mail; systemd runs it as root
    Act {
        /// Its name, or `approved` for all that is decided
        id: String,
    },
}

/// Who does it, and why.
#[derive(Debug, clap::Args)]
pub(super) struct Who {
    /// Who decides
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why; it stands in the register
    #[arg(long, value_name = "TEXT")]
    why: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Road {
    /// Forced TLS to a verified peer, or not at all
    Protected,
}

pub(super) fn run(config: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let config = super::load(config)?;
    super::need_store(&config)?;
    let now = Clock::System.now();
    match command {
        Command::List { all, format } => {
            let rows = daemon::open_store(&config)?.held(*all)?;
            super::say(print::list(&rows, *format, now)?.trim_end())?;
        }
        Command::Show { id, format } => {
            let store = daemon::open_store(&config)?;
            let row = named(&store, id)?;
            let entries = store.held_entries(row.row)?;
            super::say(print::show(&row, &entries, *format, now)?.trim_end())?;
        }
        Command::Release { id, who, post, .. } if post.digital_post => {
            return post::release(&config, id, who, post);
        }
        Command::Release { id, who, in_clear, yes, .. } => {
            let act = if *in_clear { Act::Clear } else { Act::Protected };
            return decide(&config, id, who, act, yes.as_deref());
        }
        Command::Discard { id, who } => return decide(&config, id, who, Act::Discard, None),
        Command::Export { id, who, out, identity } => {
            return export(&config, id, who, out, identity.as_deref());
        }
        Command::Act { id } => return act(&config, id),
    }
    Ok(ExitCode::SUCCESS)
}

fn named(store: &Store, id: &str) -> anyhow::Result<HeldRow> {
    let row = store.held_named(id.trim())?;
    row.with_context(|| format!("no held mail is called {id:?}; see `brevdue held list`"))
}

fn decide(config: &Config, id: &str, who: &Who, act: Act, yes: Option<&str>) -> anyhow::Result<ExitCode> {
    let (by, why) = in_words(config, who)?;
    let store = daemon::open_store(config)?;
    let row = named(&store, id)?;
    let state = row.state;
    anyhow::ensure!(
        row.may_be_decided(),
        "{} does not wait: {} ({})",
        row.name,
        state.names().0,
        state.names().1
    );
    if let (Act::Clear | Act::Protected, Some(domain)) = (act, sms_of(&row, &config.policy.roads)) {
        anyhow::bail!(
            "{domain} makes an SMS of a mail, and there is a number in {}: no release takes it there; \
             read it with `brevdue held export`, have it sent another way, and discard it",
            row.name
        );
    }
    if act == Act::Clear {
        confirm(&row, yes)?;
    }
    let told = match act {
        Act::Clear => "bliver sendt, som den er / will be sent as it is",
        Act::Protected => "bliver sendt ad en beskyttet vej / will be sent by a protected road",
        Act::DigitalPost => anyhow::bail!("Digital Post needs a recipient"),
        Act::Discard => "bliver slettet, og afsenderen får besked / will be removed, and its sender told",
    };
    let now = Clock::System.now();
    let breaches = store.record(|recording| recording.decide(row.row, act, by, why, now))?;
    let breaches = breaches.with_context(|| format!("{} was decided about a moment ago", row.name))?;
    for case in &breaches {
        super::say(&format!(
            "{case}: nu et brud, 72 timer fra nu (artikel 33). / A breach from now on: see `brevdue case show {case}`"
        ))?;
    }
    let now_in = if act == Act::Clear { named(&store, &row.name)?.cases } else { Vec::new() };
    let left = row.cases.iter().filter(|case| !now_in.contains(case)).map(CaseId::as_str);
    let near = left.collect::<Vec<_>>().join(", ");
    for case in now_in.iter().filter(|case| !row.cases.contains(case)) {
        super::say(&format!(
            "{near}: stadig afværget; denne mail alene står nu i {case}. / Still a near miss; this mail alone is now in {case}"
        ))?;
    }
    super::say(&format!("{} ({}): {told}", row.name, row.node))?;
    if row.place == Place::Postfix && row.node == node_name(config) {
        // The daemon does it within a minute where we may not.
        drop(wake_of(config, &row.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// The second time that a release in the clear is asked for.
fn confirm(row: &HeldRow, yes: Option<&str>) -> anyhow::Result<()> {
    let typed = if let Some(yes) = yes {
        yes.to_owned()
    } else {
        super::say_error(&format!(
            "{} til / to {}: sendes den ukrypteret, er det et brud på persondatasikkerheden fra nu.\n\
             Sent in the clear it is a breach of personal data security from now on.\n\
             Skriv mailens navn for at gøre det / type the mail's name to do it:",
            row.name, row.recipient_domains
        ));
        std::io::stderr().flush()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        line
    };
    anyhow::ensure!(typed.trim() == row.name, "not confirmed: nothing was done");
    Ok(())
}

/// Who and why, as they may stand in the register: not empty, one line, and no number in them.
fn in_words<'a>(config: &Config, who: &'a Who) -> anyhow::Result<(&'a str, &'a str)> {
    let rules = daemon::load_rules(config.rules.as_deref())?;
    let rules = Arc::new(rules);
    let words = [("--by", who.by.trim(), 100), ("--why", who.why.trim(), 1000)];
    for (flag, text, longest) in words {
        anyhow::ensure!(!text.is_empty(), "{flag} is empty: it stands in the register");
        anyhow::ensure!(
            text.chars().count() <= longest && !text.chars().any(char::is_control),
            "{flag} is to be one line of at most {longest} characters"
        );
        let mut scan = Scan::new(Arc::clone(&rules), day_of(Clock::System.now().date_naive()));
        scan.feed(format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n").as_bytes());
        anyhow::ensure!(
            scan.finish().findings.is_empty(),
            "{flag} holds what looks like a CPR number: say it without the number"
        );
    }
    Ok((who.by.trim(), who.why.trim()))
}

fn keeper(config: &Config) -> anyhow::Result<Keeper> {
    // Made by the service, for itself: one that root made here it could not read.
    anyhow::ensure!(
        release_key_is_there(config),
        "there is no release key at {}: the first `brevdue serve` makes it",
        config.release_key.display()
    );
    let setup = Arc::new(daemon::setup(config)?);
    let register = daemon::open_register(config)?;
    Ok(Keeper::new(config, register, move || Arc::clone(&setup), Clock::System)?)
}

fn export(
    config: &Config,
    id: &str,
    who: &Who,
    out: &Path,
    identity: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let (by, why) = in_words(config, who)?;
    let store = daemon::open_store(config)?;
    let row = named(&store, id)?;
    anyhow::ensure!(row.state.is_open(), "{} is done with: {}", row.name, row.state.names().1);
    let secret = identity.map(|path| {
        std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the private key {}", path.display()))
    });
    let secret = secret.transpose()?;
    // Before it is read: who has read a mail stands in the register whatever happens next.
    let now = Clock::System.now();
    store.record(|recording| recording.note(&row, by, "exported", why, now))?;
    let size = keeper(config)?.export(&row, secret.as_deref(), out)?;
    super::say(&format!("{}: {size} bytes", out.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn act(config: &Config, id: &str) -> anyhow::Result<ExitCode> {
    const ALL: &str = "approved";
    telemetry::start();
    let keeper = Arc::new(keeper(config)?);
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    let rows = if id == ALL {
        // Before the rows are read: what is decided from here on wakes us again.
        keeper.let_all_sleep();
        runtime.block_on(keeper.to_do())?
    } else {
        vec![named(keeper.store(), id)?]
    };
    let mut undone = 0;
    for row in &rows {
        let acted = runtime.block_on(keeper.act(row));
        // It wakes nobody a second time for the same try; the daemon makes it anew when the next one is due.
        keeper.let_sleep(&row.name);
        match acted {
            Ok(Acted::Done(state)) => super::say(&format!("{}: {}", row.name, state.word()))?,
            Ok(Acted::Busy) => super::say(&format!("{}: nothing to do", row.name))?,
            Err(error) => {
                undone += 1;
                super::say_error(&format!("brevdue: {}: {error}", row.name));
            }
        }
    }
    Ok(ExitCode::from(u8::from(undone > 0)))
}
