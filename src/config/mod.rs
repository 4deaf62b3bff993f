//! `brevdue.toml`: read, judged, and every problem drawn at once.
//!
//! `file` is the configuration as written, `check` makes it runnable, [`diagnose`] draws what is wrong with
//! it; `section` and `value` are their tools. Only [`load`] reads from the disk. Nothing here opens what a
//! path or an address names. A file with an error is not run in part: a scanner that has lost a section is
//! one that lets mail pass. Start reading at [`load`]. Tests: `tests.rs`.

mod alarm;
mod check;
pub mod diagnose;
mod digital_post;
mod documents;
mod file;
mod maillog;
mod policy;
mod section;
pub(crate) mod starred;
#[cfg(test)]
mod tests;
mod value;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use diagnose::{Problem, Problems, Severity};

pub use crate::alarm::Settings as AlarmSettings;
pub use crate::case::incident::Source;
use crate::case::milestone::Planning;
use crate::envelope::Controller;
use crate::intake::listen::ListenAddr;
pub use crate::intake::maillog::Settings as MaillogSettings;
pub use crate::intake::milter::Settings as MilterSettings;
pub use crate::intake::smtp::Settings as SmtpSettings;
pub use crate::outlet::memo::Settings as DigitalPostSettings;
use crate::policy::Policy;
pub use crate::store::StoreUrl;
pub use crate::worker::Settings as DocumentSettings;

/// What `brevdue config template` prints: every key with its meaning, its unit, its default and the reason.
pub const TEMPLATE: &str = include_str!("template.toml");

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The milter door; without it and the SMTP door no mail comes in.
    pub milter: Option<MilterSettings>,
    /// The SMTP door, and where mail goes on that passes through our hands.
    pub smtp: Option<SmtpSettings>,
    /// Where health and metrics are asked for; `None` answers nobody.
    pub console: Option<ConsoleSettings>,
    /// Where portals and SMS senders ask before they send; `None` answers nobody.
    pub check: Option<CheckSettings>,
    /// Where cases and notices are kept.
    pub store: StoreUrl,
    /// The folder of held mail and sealed evidence.
    pub spool: PathBuf,
    /// The file with this node's own key; `node.key` beside the spool when the file does not say.
    pub node_key: PathBuf,
    /// The file with the key that opens the mail which this node holds; `release.key` beside the spool when the file
    /// does not say.
    pub release_key: PathBuf,
    /// What becomes of held mail.
    pub hold: HoldSettings,
    /// Letters of Digital Post; `None` makes none.
    pub digital_post: Option<DigitalPostSettings>,
    /// What becomes of a message.
    pub policy: Policy,
    /// How documents are read; `None` opens none.
    pub documents: Option<DocumentSettings>,
    /// Who answers for the mail; never empty, and exactly one of them is the default.
    pub controllers: Vec<Controller>,
    /// Systems that send mail, by which findings are grouped to incidents.
    pub sources: Vec<Source>,
    /// How people are told; `None` tells nobody.
    pub alarm: Option<AlarmSettings>,
    /// When somebody is at work, and who is told after the DPO.
    pub planning: Planning,
    /// A folder of rules over those built in.
    pub rules: Option<PathBuf>,
    /// The mail server's log; `None` asks nobody how mail travelled.
    pub maillog: Option<MaillogSettings>,
}

/// `[console]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Where to listen.
    pub listen: ListenAddr,
    /// Where people reach it, without a slash at its end; `None` puts no link into letters.
    pub url: Option<String>,
}

/// `[check]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSettings {
    /// Where to listen.
    pub listen: ListenAddr,
}

/// `[hold]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldSettings {
    /// How this machine is called in the register; `None` is its host name.
    pub node: Option<String>,
    /// The folder of Postfix's main.cf; `None` is the one that Postfix's programs know.
    pub postfix: Option<PathBuf>,
    /// After so many hours somebody is told that nobody has decided, and then daily. Rising, not empty.
    pub alarm_hours: Vec<u32>,
    /// Whether senders are told what became of their mail.
    pub tell_senders: bool,
    /// What a sender can do instead, in the organisation's own words.
    pub ways_out: Option<String>,
}

impl Default for HoldSettings {
    fn default() -> Self {
        Self { node: None, postfix: None, alarm_hours: vec![4, 24], tell_senders: true, ways_out: None }
    }
}

/// A configuration that can be run, and what is doubtful in it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What to run.
    pub config: Config,
    /// Warnings only; may be empty.
    pub warnings: Problems,
}

/// Reads a configuration file.
///
/// Relative paths in it are taken from its own folder, so that it means the same wherever it is called from.
///
/// # Errors
/// Every problem of the file, at least one of them an error; among them that it cannot be read at all.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    // A folder that cannot be made absolute (the working directory is gone) still serves as it is.
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().unwrap_or(Path::new(""));
    parse(&bytes, path, folder)
}

/// Reads the bytes of a configuration file: `path` is how it is called in problems, `folder` where its
/// relative paths begin.
///
/// # Errors
/// Every problem of the file, at least one of them an error.
pub fn parse(bytes: &[u8], path: &Path, folder: &Path) -> Result<Loaded, Problems> {
    const SAVE: &str = "save the file as UTF-8";
    if bytes.contains(&0) {
        // UTF-16, as Windows editors write it, or no text at all: nothing else in it can be judged.
        return Err(Problems::of_file(path, "this is not UTF-8 text: it holds zero bytes", SAVE));
    }
    let mut faults = Vec::new();
    let source = String::from_utf8_lossy(bytes);
    if let Err(error) = std::str::from_utf8(bytes) {
        // What is replaced stands at the same place, so all other faults can be shown as well.
        let at = error.valid_up_to();
        let problem =
            Problem::error(at..at + char::REPLACEMENT_CHARACTER.len_utf8(), "this is not UTF-8 text");
        faults
            .push(problem.label("first here").help(format!("{SAVE}; æ, ø and å of Latin-1 look like this")));
    }
    let (written, broken) = file::read(&source, &mut faults);
    let config = check::config(&written, folder, &mut faults);
    let problems = Problems::new(path, &source, &broken, faults);
    match config {
        Some(config) if problems.count(Severity::Error) == 0 => Ok(Loaded { config, warnings: problems }),
        Some(_) | None => Err(problems),
    }
}

/// Whether a text names senders as `match` of `[[source]]` does: a pack of rules may name sources as well.
///
/// # Errors
/// What is wrong, and what to write.
pub fn check_sender_pattern(text: &str) -> Result<(), String> {
    value::sender_pattern(text).map(drop).map_err(value::Refusal::in_words)
}

/// Whether this is one line of words with too few digits for anybody's number: such a name may stand in the register.
pub fn is_plain_words(text: &str) -> bool {
    value::plain_words(text).is_ok()
}

impl Config {
    /// What `brevdue serve` runs without a file: a milter on loopback, everything in the folder `data`, and
    /// nobody who is told.
    pub fn loopback_default(data: &Path) -> Self {
        Self {
            milter: Some(MilterSettings {
                listen: vec![ListenAddr::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 8891)))],
                ..MilterSettings::default()
            }),
            smtp: None,
            console: None,
            check: None,
            store: StoreUrl::Sqlite(data.join("brevdue.sqlite")),
            spool: data.join("spool"),
            node_key: data.join("node.key"),
            release_key: data.join("release.key"),
            hold: HoldSettings::default(),
            digital_post: None,
            policy: Policy::default(),
            documents: Some(DocumentSettings::default()),
            controllers: vec![Controller {
                name: "Uden konfiguration".to_owned(),
                cvr: check::NO_CVR.to_owned(),
                domains: Vec::new(),
                recipients: Vec::new(),
                senders: Vec::new(),
                dpo: "dpo@localhost".to_owned(),
                dpo_key: None,
                default: true,
            }],
            sources: Vec::new(),
            alarm: None,
            planning: Planning::default(),
            rules: None,
            maillog: None,
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problems {
    if error.kind() == io::ErrorKind::NotFound {
        let help = "write one: `brevdue config template > brevdue.toml`";
        return Problems::of_file(path, "there is no such configuration file", help);
    }
    Problems::of_file(path, format!("the configuration file cannot be read: {error}"), "see who may read it")
}
