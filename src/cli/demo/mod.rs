//! `brevdue serve --demo`: the housing-loan story, played through the real milter socket.
//!
//! Two daemons after one another over one register: first as it was, nobody stopping anything (observe mode),
//! then with Brevdue blocking. Every verdict comes from the gate; the demo only plays the mail server, and the
//! mail server of the DPOs ([`postbox`]). Municipalities, people and numbers are made up ([`story`]).

mod postbox;
mod story;

use crate::clock::Clock;
use crate::config::{AlarmSettings, Config};
use crate::daemon::Daemon;
use crate::intake::ListenAddr;
use crate::intake::milter::{Client, Mail, Outcome};
use crate::policy::LeakAction;
use crate::seal::keyfile::{self, DpoPair};
use anyhow::Context;
use postbox::Postbox;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Letters that do not come in this time do not come.
const PATIENCE: Duration = Duration::from_secs(15);

pub(in crate::cli) async fn run() -> anyhow::Result<ExitCode> {
    let data = Path::new(super::DEFAULT_DATA);
    let mut postbox = Postbox::open().await.context("cannot open a mailbox for the demo's DPOs")?;
    let mut config = config(data, postbox.address())?;
    let clock = Clock::System;
    let stamp = clock.now().timestamp();

    tell("Brevdue demo: the story of the housing-loan mails (made-up municipalities, people and numbers)")?;
    tell(&format!("Data: {}/\n", data.display()))?;

    tell(
        "1. As it was: the application system mails in the clear, and Brevdue only watches (leak = \"deliver\")",
    )?;
    config.policy.leak = LeakAction::Deliver;
    let daemon = Daemon::start(&config, clock.clone())?;
    let before = daemon.store.cases()?.len();
    play(&daemon, &story::applications(stamp)?).await?;
    let opened = daemon.store.cases()?.len().saturating_sub(before);
    tell(&format!("\n   {opened} breach case(s) opened, each with its own 72 hours. Every DPO is told:"))?;
    for _ in 0..opened {
        let Some(letter) = postbox.next(PATIENCE).await else {
            anyhow::bail!("a notice did not arrive in {} s", PATIENCE.as_secs());
        };
        tell(&format!("   to {}: {}", letter.to, letter.subject))?;
        if letter.to == story::SHOWN_DPO {
            tell(&indent(&letter.body))?;
        }
    }
    daemon.stop().await;

    tell("\n2. With Brevdue in the way (leak = \"block\"): the same system tries again")?;
    config.policy.leak = LeakAction::Block;
    let daemon = Daemon::start(&config, clock.clone())?;
    play(&daemon, &story::after_the_lesson(stamp)?).await?;

    tell("\n3. What the register holds now")?;
    let cases = daemon.store.cases()?;
    tell(&indent(&super::case::list(&cases, clock.now())))?;
    daemon.stop().await;

    tell("Look on:")?;
    tell("   brevdue case list")?;
    if let Some(case) = cases.first() {
        tell(&format!("   brevdue case show {}", case.id))?;
        let key = dpo_key_file(data);
        tell(&format!("   brevdue evidence open {} --identity {}", case.id, key.display()))?;
    }
    tell("Begin with your own: brevdue config template > brevdue.toml")?;
    Ok(ExitCode::SUCCESS)
}

fn tell(text: &str) -> anyhow::Result<()> {
    super::say(text)
}

fn indent(text: &str) -> String {
    text.lines().flat_map(|line| ["      ", line, "\n"]).collect()
}

fn dpo_key_file(data: &Path) -> std::path::PathBuf {
    data.join("demo-dpo.key")
}

/// The configuration without a file, with the story's municipalities and a port of its own.
fn config(data: &Path, letters_to: SocketAddr) -> anyhow::Result<Config> {
    let mut config = Config::loopback_default(data);
    if let Some(milter) = &mut config.milter {
        // Any free port, so that the demo runs beside a daemon.
        milter.listen = vec![ListenAddr::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))];
    }
    let key = dpo_key_file(data);
    let pair = if key.exists() {
        DpoPair::from_secret(&std::fs::read_to_string(&key).context("cannot read the demo's DPO key")?)?
    } else {
        let pair = DpoPair::generate();
        keyfile::create_private(&key, format!("{}\n", pair.secret()).as_bytes())?;
        pair
    };
    config.controllers = story::controllers(&pair.public);
    config.sources = story::sources();
    config.alarm = Some(AlarmSettings {
        smtp: format!("smtp://{letters_to}"),
        from: "brevdue@relay.example".to_owned(),
        ..AlarmSettings::default()
    });
    Ok(config)
}

/// Hands the mails to the milter as a mail server would, and tells what became of each.
async fn play(daemon: &Daemon, mails: &[story::Scene]) -> anyhow::Result<()> {
    let address = daemon.milter.first().context("the milter door is not open")?;
    let mut client = Client::connect(address).await.context("cannot reach our own milter door")?;
    for (number, scene) in mails.iter().enumerate() {
        let queue_id = format!("4DEMO{number:04}zz");
        let mail =
            Mail { sender: &scene.sender, recipients: &[&scene.recipient], queue_id: &queue_id, tls: None };
        let outcome =
            client.send(&mail, &scene.message).await.context("our own milter door did not answer")?;
        tell(&format!("   {:<66} {}", scene.title, in_words(&outcome)))?;
    }
    Ok(client.quit().await?)
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { quarantined: Some(_), .. } => "-> held".to_owned(),
        Outcome::Accepted { quarantined: None, added_headers } if !added_headers.is_empty() => {
            "-> sent by the protected road".to_owned()
        }
        Outcome::Accepted { .. } => "-> sent".to_owned(),
        Outcome::Rejected { code, text } | Outcome::Tempfail { code, text } => {
            let first = text.lines().next().unwrap_or_default();
            let words = first.get(10..).unwrap_or(first);
            format!("-> refused, {code}: {words}")
        }
        Outcome::Discard => "-> thrown away".to_owned(),
    }
}
