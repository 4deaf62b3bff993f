//! `brevdue held release ID --digital-post`: who gets the letter, as the person says, and the decision.
//!
//! A person's number is read from a file or typed unseen, never given as an argument, where every process of the machine could read
//! it. It goes into a sealed order and nowhere else. Start reading at [`release`].

use super::{Who, in_words, keeper, named};
use crate::cli::rules::{allow, prompt};
use crate::clock::Clock;
use crate::config::Config;
use crate::cpr::{Cpr, Kind};
use crate::daemon;
use crate::daemon::held::{Addressed, Keeper, NotActed, wake_of};
use crate::inspect::local_day;
use crate::outlet::memo::{self, Recipient};
use crate::scan::ruleset::day_of;
use crate::store::held::{HeldRow, HeldState, Place};
use anyhow::Context;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// How a release by Digital Post is asked for.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Letter {
    /// As a letter of Digital Post to the recipient named here, or by a mapping of the configuration
    #[arg(long, conflicts_with_all = ["in_clear", "road"])]
    pub(super) digital_post: bool,
    /// A file with the recipient's CPR number, or `-` to be asked for it; never read from the mail
    #[arg(long, value_name = "FILE", requires = "digital_post", conflicts_with = "recipient_cvr")]
    recipient_cpr_file: Option<PathBuf>,
    /// The authority or company that gets it
    #[arg(long, value_name = "CVR", requires = "digital_post")]
    recipient_cvr: Option<String>,
    /// The letter's title, in the place of the configuration's
    #[arg(long, value_name = "TEXT", requires = "digital_post")]
    label: Option<String>,
    /// The mail had several recipients, and the one named here is to get it in the place of them all
    #[arg(long, requires = "digital_post")]
    instead_of_all: bool,
}

pub(super) fn release(config: &Config, id: &str, who: &Who, post: &Letter) -> anyhow::Result<ExitCode> {
    let settings = config.digital_post.as_ref();
    let settings = settings.context("there is no `[digital_post]` in the configuration")?;
    let (by, why) = in_words(config, who)?;
    let keeper = keeper(config)?;
    let row = named(keeper.store(), id)?;
    let (danish, english) = row.state.names();
    anyhow::ensure!(row.state == HeldState::Waiting, "{} does not wait: {danish} ({english})", row.name);
    anyhow::ensure!(
        row.node == daemon::held::node_name(config),
        "{} lies on {}: name its recipient there, since the order is sealed to that machine",
        row.name,
        row.node
    );
    let to = addressed(config, post, &keeper, &row)?;
    if let Some(label) = &to.label {
        let rules = Arc::new(daemon::load_rules(config.rules.as_deref())?);
        let is_plain = (1..=256).contains(&label.chars().count()) && !label.chars().any(char::is_control);
        anyhow::ensure!(is_plain, "--label is to be one line of at most 256 characters");
        anyhow::ensure!(
            !memo::has_number(label, &rules, day_of(local_day(&Clock::System))),
            "--label holds what looks like a CPR number: the title is shown before the letter is opened"
        );
    }
    match keeper.rehearse(&row, &to) {
        Ok(()) => {}
        // Root alone reads the mail server's queue, and root does what is decided here; what cannot be done comes back.
        Err(NotActed::Queue(_)) if row.place == Place::Postfix => {
            super::super::say_error(
                "brevdue: the mail cannot be read here; whether it can be a letter is seen when it is done",
            );
        }
        Err(error) => return Err(anyhow::anyhow!("{}: {error}; nothing was decided", row.name)),
    }
    let order = keeper.order(&row, &to)?;
    let now = Clock::System.now();
    let decided =
        keeper.store().record(|recording| recording.decide_digital_post(row.row, &order, by, why, now))?;
    decided.with_context(|| format!("{} was decided about a moment ago", row.name))?;
    super::super::say(&format!(
        "{} ({}): bliver lagt i udbakken til Digital Post / will be laid into the outbox of Digital Post: {}",
        row.name,
        row.node,
        settings.outbox.display()
    ))?;
    if row.place == Place::Postfix {
        // The daemon does it within a minute where we may not.
        drop(wake_of(config, &row.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// Who gets it: as the person says, else as a mapping does.
fn addressed(config: &Config, post: &Letter, keeper: &Keeper, row: &HeldRow) -> anyhow::Result<Addressed> {
    let recipient = match (&post.recipient_cpr_file, &post.recipient_cvr) {
        (Some(file), _) => person(config, file)?,
        (None, Some(cvr)) => {
            let cvr = Recipient::organisation(cvr.trim());
            // Ten digits may be somebody's number in the wrong place, so the value is not repeated.
            cvr.context("--recipient-cvr has eight digits; a CPR number is given by --recipient-cpr-file")?
        }
        (None, None) => {
            let mapping = keeper.mapping(row)?;
            let mapping = mapping.context(
                "nobody is named: give --recipient-cpr-file, --recipient-cvr, or a [[digital_post.mapping]] that fits",
            )?;
            super::super::say(&format!("efter / by mapping: {}", mapping.name))?;
            let label = post.label.clone().or_else(|| mapping.label.clone());
            return Ok(Addressed { recipient: mapping.recipient.clone(), label });
        }
    };
    anyhow::ensure!(
        row.recipients == 1 || post.instead_of_all,
        "{} has {} recipients, and a letter goes to the one that is named: say --instead-of-all if nobody else is to get it",
        row.name,
        row.recipients
    );
    Ok(Addressed { recipient, label: post.label.clone() })
}

/// A person, by the one number of a file, or typed twice: a slip would be a letter to somebody else.
fn person(config: &Config, file: &Path) -> anyhow::Result<Recipient> {
    let is_asked = file == Path::new("-");
    let is_typed = is_asked && std::io::stdin().is_terminal();
    if is_typed {
        super::super::say_error("Modtagerens CPR-nummer, to gange / the recipient's CPR number, twice:");
    }
    let text = prompt::read((!is_asked).then_some(file))?;
    let today = day_of(local_day(&Clock::System));
    // Of a bad line nothing is repeated.
    let given =
        allow::read(&text, today).map_err(|_| anyhow::anyhow!("that is no CPR number; nothing was done"))?;
    let (Some(first), count) = (given.first(), given.len()) else {
        anyhow::bail!("no number was given; nothing was done");
    };
    anyhow::ensure!(given.iter().all(|one| one == first), "the numbers differ; nothing was done");
    anyhow::ensure!(
        count == if is_typed { 2 } else { 1 },
        "one number is wanted, typed twice; nothing was done"
    );
    let rules = daemon::load_rules(config.rules.as_deref())?;
    let mut digits = zeroize::Zeroizing::new([0; 10]);
    for (digit, letter) in digits.iter_mut().zip(first) {
        *digit = letter.wrapping_sub(b'0');
    }
    let cpr = Cpr::parse(*digits, today, rules.exceptions()).ok();
    let is_real = cpr.is_some_and(|cpr| matches!(cpr.kind(), Kind::Cpr | Kind::Test));
    anyhow::ensure!(
        is_real,
        "that number fails its check digit, or is no ordinary CPR number; nothing was done"
    );
    Ok(Recipient::person(first))
}
