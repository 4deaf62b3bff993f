//! What a DPO does with a case, from the command line: each act is a line in the register with who, when and why.
//!
//! Start reading at [`run`]; what is possible when is one table, [`crate::case::act::decide`].

mod args;
mod verify;

pub(in crate::cli) use args::Command;

use super::Format;
use crate::case::act::{Act, By, Communication, Moved, Nis2, Phase};
use crate::case::chain::hex;
use crate::case::field::{Field, Words};
use crate::case::local::{self, Reading, shown};
use crate::case::severity::{Ease, Inputs, Loss, Score};
use crate::case::{CaseId, deadline::left_in_words};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use crate::scan::Scan;
use crate::scan::ruleset::{Ruleset, day_of};
use crate::store::{NewReceipt, Store, Verified};
use anyhow::Context;
use args::{EaseArg, Exempt, LossArg, Nis2Step, One, Risk, Who};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// What the commands share.
struct Desk {
    config: Config,
    store: Store,
    rules: Arc<Ruleset>,
    now: DateTime<Utc>,
}

pub(in crate::cli) fn run(config: Config, command: &Command) -> anyhow::Result<ExitCode> {
    let store = daemon::open_store(&config)?;
    let rules = Arc::new(daemon::load_rules(config.rules.as_deref())?);
    let desk = Desk { config, store, rules, now: Clock::System.now() };
    match command {
        Command::Confirm(one) => desk.act(one, &Act::Confirm),
        Command::Refute(one) => desk.act(one, &Act::Refute),
        Command::Aware { one, at } => desk.act(one, &Act::Aware(Desk::time(at)?)),
        Command::Record { one, field, value } => desk.record(one, field, value),
        Command::Fields => fields(),
        Command::Assess { one, risk, data, ease, confidentiality, integrity, availability, malicious } => {
            let losses = [confidentiality, integrity, availability].map(|loss| loss.loss());
            let score = data.zip(*ease).map(|(data, ease)| (data, ease.ease(), losses, *malicious));
            desk.assess(one, *risk, score)
        }
        Command::Document { one, approver } => {
            let approver = desk.words("--approver", approver)?;
            desk.act(one, &Act::Document { approver })
        }
        Command::Notified { one, at, preliminary, reference, journal, late, receipt } => {
            let phase = if *preliminary { Phase::Preliminary } else { Phase::Whole };
            let act = Act::Notified {
                at: Desk::time(at)?,
                phase,
                reference: desk.some_words("--reference", reference.as_deref())?,
                late: desk.some_words("--late", late.as_deref())?,
            };
            desk.act(one, &act)?;
            if let Some(journal) = journal {
                desk.record(one, Field::Journal.word(), journal)?;
            }
            desk.some_receipt(one, receipt.as_deref())
        }
        Command::CorrectNotified { one, at, late } => {
            let late = desk.some_words("--late", late.as_deref())?;
            desk.act(one, &Act::NotifiedCorrected { at: Desk::time(at)?, late })
        }
        Command::Supplemented { one, at, is_final, receipt } => {
            desk.act(one, &Act::Supplemented { at: Desk::time(at)?, is_final: *is_final })?;
            desk.some_receipt(one, receipt.as_deref())
        }
        Command::Receipt { one, file, other } => desk.receipt(one, file, !other),
        Command::Inform { one, not_required: _, exempt, planned, sent } => {
            let what = match (exempt, planned, sent) {
                (Some(Exempt::A), _, _) => Communication::ExemptA,
                (Some(Exempt::B), _, _) => Communication::ExemptB,
                (Some(Exempt::C), _, _) => Communication::ExemptC,
                (Some(Exempt::Section22), _, _) => Communication::Exempt22,
                (None, Some(all), _) => Communication::Planned(*all),
                (None, None, Some(sent)) => Communication::Sent(*sent),
                (None, None, None) => Communication::NotRequired,
            };
            desk.act(one, &Act::Inform(what))
        }
        Command::Nis2 { one, step, at } => {
            let at = at.as_deref().map_or(Ok(desk.now), Desk::time)?;
            let step = match step {
                Nis2Step::Mark => Nis2::Mark,
                Nis2Step::Early => Nis2::Early,
                Nis2Step::Notified => Nis2::Notified,
                Nis2Step::Final => Nis2::Final,
                Nis2Step::Withdraw => Nis2::Withdraw,
            };
            desk.act(one, &Act::Nis2(step, at))
        }
        Command::Task { one, add, whose, done } => desk.task(one, add.as_deref(), whose.as_deref(), *done),
        Command::Close(one) => desk.act(one, &Act::Close),
        Command::Reopen(one) => desk.act(one, &Act::Reopen),
        Command::Verify { case, anchor, format } => {
            verify::run(&desk.store, case.as_deref(), anchor.as_deref(), *format)
        }
        Command::Purge { who, dry_run } => desk.purge(who, *dry_run),
    }
}

impl Desk {
    fn is_clean(&self, text: &str) -> bool {
        let mut scan = Scan::new(Arc::clone(&self.rules), day_of(self.now.date_naive()));
        scan.feed(format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n").as_bytes());
        let report = scan.finish();
        report.clean().is_some() && report.findings.is_empty()
    }

    fn words(&self, what: &str, text: &str) -> anyhow::Result<Words> {
        Words::checked(text, |text| self.is_clean(text)).with_context(|| what.to_owned())
    }

    fn some_words(&self, what: &str, text: Option<&str>) -> anyhow::Result<Option<Words>> {
        text.map(|text| self.words(what, text)).transpose()
    }

    fn by(&self, who: &Who) -> anyhow::Result<By> {
        Ok(By {
            who: self.words("--by", &who.by)?,
            at: self.now,
            reason: self.some_words("--why", who.why.as_deref())?,
        })
    }

    /// A time as it was written. Of the hour that is there twice it asks where somebody can answer; else it is the earlier,
    /// which is the stricter, and that is said.
    fn time(text: &str) -> anyhow::Result<DateTime<Utc>> {
        let (summer, winter) = match local::read(text)? {
            Reading::One(at) => return Ok(at),
            Reading::Two(summer, winter) => (summer, winter),
        };
        let written = (local::written(summer), local::written(winter));
        if !std::io::stdin().is_terminal() {
            super::super::say_error(&format!(
                "brevdue: {text} is there twice; taken as summer time, the stricter ({}). For winter time write {}.",
                written.0, written.1
            ));
            return Ok(summer);
        }
        super::super::say_error(&format!(
            "{text} findes to gange: sommertid ({}) eller vintertid ({})?\n\
             It is there twice: summer or winter time? [s/v, Enter = s]",
            written.0, written.1
        ));
        std::io::stderr().flush()?;
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        match line.trim() {
            "" | "s" | "S" => Ok(summer),
            "v" | "V" | "w" | "W" => Ok(winter),
            _ => anyhow::bail!("neither s nor v: nothing was done"),
        }
    }

    fn act(&self, one: &One, act: &Act) -> anyhow::Result<ExitCode> {
        let id = case_id(&one.case)?;
        let by = self.by(&one.who)?;
        let done = self.store.record(|recording| recording.act(&id, act, &by))?;
        let moved = done.with_context(|| format!("there is no case {id}; see `brevdue case list`"))?;
        let moved = moved.with_context(|| format!("{id}: not done / ikke udført"))?;
        super::super::say(&said(&id, &moved, self.now))?;
        Ok(ExitCode::SUCCESS)
    }

    fn record(&self, one: &One, field: &str, value: &str) -> anyhow::Result<ExitCode> {
        let known = Field::from_word(field).filter(|field| field.is_free());
        let field =
            known.with_context(|| format!("{field:?} is no field to write; see `brevdue case fields`"))?;
        let value = if value == "-" { std::io::read_to_string(std::io::stdin())? } else { value.to_owned() };
        let value =
            field.read(&value, |text| self.is_clean(text)).with_context(|| field.word().to_owned())?;
        self.act(one, &Act::Record(field, value))
    }

    fn assess(
        &self,
        one: &One,
        risk: Risk,
        score: Option<(u8, Ease, [Loss; 3], bool)>,
    ) -> anyhow::Result<ExitCode> {
        let risk = match risk {
            Risk::Unlikely => "unlikely",
            Risk::Likely => "risk",
            Risk::High => "high",
        };
        // First what may be refused: of what is refused nothing is written.
        self.act(one, &Act::Record(Field::Risk, risk.to_owned()))?;
        if let Some((data, ease, [confidentiality, integrity, availability], malicious)) = score {
            let id = case_id(&one.case)?;
            let file = self.store.case(&id)?;
            let file = file.with_context(|| format!("there is no case {id}; see `brevdue case list`"))?;
            let many = file.row.persons > 100;
            let inputs = Inputs {
                data,
                ease,
                confidentiality,
                integrity,
                availability,
                malicious,
                many,
                unintelligible: false,
            };
            let score = Score::of(&inputs);
            let (danish, english) = score.band.names();
            super::super::say(&format!(
                "ENISA: {} · {danish} ({english}){} · vejledende / advice only",
                score.shown(),
                if many { " · over 100 personer / more than 100 persons" } else { "" }
            ))?;
            self.act(one, &Act::Record(Field::SeverityInputs, inputs.written()))?;
            self.act(one, &Act::Record(Field::Severity, score.band.word().to_owned()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn some_receipt(&self, one: &One, file: Option<&Path>) -> anyhow::Result<ExitCode> {
        file.map_or(Ok(ExitCode::SUCCESS), |file| self.receipt(one, file, true))
    }

    /// The file first, then its row: a row never speaks of a paper that is not there.
    fn receipt(&self, one: &One, file: &Path, is_notification: bool) -> anyhow::Result<ExitCode> {
        const LARGEST: u64 = 50 << 20;
        let id = case_id(&one.case)?;
        let by = self.by(&one.who)?;
        let size = std::fs::metadata(file).with_context(|| file.display().to_string())?.len();
        anyhow::ensure!(size > 0 && size <= LARGEST, "{}: to be 1 byte to 50 MB", file.display());
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        let is_pdf = bytes.starts_with(b"%PDF-");
        anyhow::ensure!(
            is_pdf || !is_notification,
            "{}: the receipt from Virk is a PDF, and this is none; keep another paper with --other",
            file.display()
        );
        anyhow::ensure!(
            self.store.standing(&id)?.is_some(),
            "there is no case {id}; see `brevdue case list`"
        );
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let hex = hex(&sha256);
        let name = format!("{hex}.{}", if is_pdf { "pdf" } else { "bin" });
        let folder = self.config.spool.join("receipts").join(id.as_str());
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&self.config.spool)?);
        let path = folder.join(&name);
        crate::spool::durable::replace(&path, &bytes, owner).with_context(|| path.display().to_string())?;
        let receipt = NewReceipt { is_notification, sha256, file: &name, size };
        let new = self.store.record(|recording| recording.add_receipt(&id, &receipt, &by))?;
        let told = if new { "gemt / kept" } else { "var gemt / was kept already" };
        super::super::say(&format!("{id}: {told}: {} (SHA-256 {hex})", file.display()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn task(
        &self,
        one: &One,
        add: Option<&str>,
        whose: Option<&str>,
        done: Option<i64>,
    ) -> anyhow::Result<ExitCode> {
        let id = case_id(&one.case)?;
        let by = self.by(&one.who)?;
        anyhow::ensure!(
            self.store.standing(&id)?.is_some(),
            "there is no case {id}; see `brevdue case list`"
        );
        if let (Some(add), Some(whose)) = (add, whose) {
            let (what, whose) = (self.words("--add", add)?, self.words("--whose", whose)?);
            let task = self.store.record(|recording| recording.add_task(&id, &what, &whose, &by))?;
            super::super::say(&format!("{id}: opgave / task {task}"))?;
        }
        if let Some(task) = done {
            let was_open = self.store.record(|recording| recording.task_done(&id, task, &by))?;
            anyhow::ensure!(was_open, "{id} has no open task {task}; see `brevdue case show {id}`");
            super::super::say(&format!("{id}: opgave {task} udført / done"))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn purge(&self, who: &Who, dry_run: bool) -> anyhow::Result<ExitCode> {
        let by = self.by(who)?;
        anyhow::ensure!(
            dry_run || by.reason.is_some(),
            "--why: a reason is asked for: it stands in the register when all else of the case is gone / angiv en begrundelse"
        );
        let due = self.store.to_purge(self.now)?;
        if due.is_empty() {
            super::super::say(
                "Ingen afsluttet sag er ældre end sin frist for opbevaring. / No closed case is due.",
            )?;
        }
        let mut failed = false;
        for case in &due {
            if dry_run {
                let is_whole = self.store.verify(Some(case))?.iter().all(Verified::is_whole);
                super::super::say(&if is_whole {
                    format!("{case}: kan slettes / may be erased")
                } else {
                    format!(
                        "{case}: er ikke, hvad dens linjer siger, og slettes ikke / is not what its lines say, and is not erased"
                    )
                })?;
                continue;
            }
            match self.store.record(|recording| recording.purge(case, &by)) {
                Ok(true) => super::super::say(&format!("{case}: slettet / erased"))?,
                Ok(false) => super::super::say(&format!(
                    "{case}: ikke slettet: efter linjerne skal den stadig gemmes / not erased: its lines keep it longer"
                ))?,
                Err(error) => {
                    failed = true;
                    super::super::say_error(&format!("brevdue: {error}"));
                }
            }
        }
        // The rows are gone: nobody can ask for these files any more. Those of other machines go by their own daemons.
        let spool = &self.config.spool;
        let erased = self.store.erased(&crate::spool::erased::cases(spool)?)?;
        crate::spool::erased::sweep(spool, &erased)?;
        Ok(ExitCode::from(u8::from(failed)))
    }
}

fn case_id(text: &str) -> anyhow::Result<CaseId> {
    CaseId::parse(text).with_context(|| format!("{text:?} is no case number; one is BRV-2026-0001"))
}

fn said(id: &CaseId, moved: &Moved, now: DateTime<Utc>) -> String {
    let (danish, english) = moved.state.names();
    let clock = match moved.clock {
        Some((_, deadline)) if moved.state.clock_runs() => {
            let (left, left_english) = left_in_words(deadline - now);
            format!(" · frist {} ({left} / {left_english})", shown(deadline))
        }
        Some(_) | None => String::new(),
    };
    format!("{id}: {danish} ({english}){clock}")
}

fn fields() -> anyhow::Result<ExitCode> {
    for field in Field::ALL.iter().filter(|field| field.is_free()) {
        let (danish, english) = field.names();
        super::super::say(&format!("{:<20} {danish} / {english}", field.word()))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl EaseArg {
    fn ease(self) -> Ease {
        match self {
            Self::Negligible => Ease::Negligible,
            Self::Limited => Ease::Limited,
            Self::Significant => Ease::Significant,
            Self::Maximum => Ease::Maximum,
        }
    }
}

impl LossArg {
    fn loss(self) -> Loss {
        match self {
            Self::None => Loss::None,
            Self::Some => Loss::Some,
            Self::Much => Loss::Much,
        }
    }
}
