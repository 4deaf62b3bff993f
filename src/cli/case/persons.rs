//! `brevdue case persons`: whom a breach concerns, opened by the DPO's own key on the DPO's own machine (GDPR art. 34).
//!
//! The numbers lie sealed in `evidence/` of the spool; no node can open them. Whoever has the private key needs that folder and
//! nothing else: no register, no configuration. What is printed and written here is the one thing that holds numbers in clear, so
//! the file is its owner's alone and never replaces another.

use crate::case::CaseId;
use crate::seal::keyfile;
use crate::spool::evidence::{Evidence, EvidenceError, Opened};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The case, e.g. BRV-2026-0001
    case: String,
    /// The DPO's private key file, from `brevdue key new`
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// A copy of the node's spool, with `evidence/` in it; without it the configuration's
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Write a file for mail merge instead (0600, never over another): one line a person, for Digital Post or letters
    #[arg(long, value_name = "OUT")]
    csv: Option<PathBuf>,
    /// Ten digits without the hyphen, as Digital Post's recipientID wants them; a spreadsheet takes the first zero away
    #[arg(long, requires = "csv")]
    ten_digits: bool,
}

pub(super) fn run(config: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    let id = CaseId::parse(&args.case)
        .with_context(|| format!("{:?} is no case number; one is BRV-2026-0001", args.case))?;
    let secret = std::fs::read_to_string(&args.identity).with_context(|| {
        format!(
            "cannot read the DPO's private key {}: without it nobody can open the numbers, this program neither",
            args.identity.display()
        )
    })?;
    let secret = Zeroizing::new(secret);
    let spool = match &args.spool {
        Some(spool) => spool.clone(),
        None => crate::cli::load(config)?.spool,
    };
    let evidence = Evidence::below(&spool);
    let opened = evidence.open(&id, &secret).map_err(|error| match error {
        EvidenceError::Io { path, source } if source.kind() == std::io::ErrorKind::NotFound => anyhow::anyhow!(
            "there are no sealed numbers of {id} at {}: a near miss has none, nor a case of a controller without a dpo_key",
            path.display()
        ),
        EvidenceError::Seal { source, .. } => anyhow::anyhow!(
            "the numbers of {id} cannot be opened with {}: {source}; only the DPO's own key opens them",
            args.identity.display()
        ),
        other @ EvidenceError::Io { .. } => other.into(),
    })?;
    let count = opened.numbers.len();
    if let Some(out) = &args.csv {
        let text = Zeroizing::new(merge(&id, &opened, args.ten_digits));
        keyfile::create_private(out, text.as_bytes()).map_err(|error| {
            anyhow::anyhow!("{error} (a file for mail merge never replaces another: choose another name)")
        })?;
        crate::cli::say(&format!(
            "{count} personer skrevet til {} / {count} persons. Slet filen efter brug / erase it after use.",
            out.display()
        ))?;
    } else {
        for number in &opened.numbers {
            crate::cli::say(&hyphened(number))?;
        }
        crate::cli::say_error(&format!("brevdue: {count} personer skal have brev / persons to write to"));
    }
    if opened.still_sealed > 0 {
        crate::cli::say_error(&format!(
            "brevdue: ADVARSEL: {0} forseglinger kunne ikke åbnes med denne nøgle; der er flere personer end dem ovenfor. \
             Prøv også DPO'ens tidligere nøgle. / WARNING: {0} seals did not open with this key; there are more persons than \
             these. Try the DPO's earlier key as well.",
            opened.still_sealed
        ));
        return Ok(ExitCode::from(crate::cli::COULD_NOT_RUN));
    }
    Ok(ExitCode::SUCCESS)
}

/// The merge file: UTF-8 with a byte order mark and `;`, as Danish Excel and Word read it. Name and address are for whoever looks
/// them up; no document of ours knows them.
fn merge(case: &CaseId, opened: &Opened, ten_digits: bool) -> String {
    let mut text = String::from("\u{FEFF}NR;CPR;NAVN;ADRESSE;SAG\r\n");
    for (at, number) in (1_u32..).zip(&opened.numbers) {
        let shown = if ten_digits { number.clone() } else { hyphened(number) };
        for piece in [&at.to_string(), ";", &shown, ";;;", case.as_str(), "\r\n"] {
            text.push_str(piece);
        }
    }
    text
}

/// `150379-1028`: a spreadsheet takes it for text, and keeps its zeros.
fn hyphened(number: &str) -> String {
    match number.split_at_checked(6) {
        Some((date, serial)) if number.len() == 10 => format!("{date}-{serial}"),
        Some(_) | None => number.to_owned(),
    }
}
