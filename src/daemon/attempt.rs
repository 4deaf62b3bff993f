//! One reading of changed files: what they make, or every fault of them.
//!
//! *What it is*: config and rules read as a start would read them, with all faults of both at once, digits starred.
//! *What it never does*: change anything. *Start reading at* [`attempt`]. *Tests*: `tests/reload/`.
//!
//! A file that is empty or ends in the middle of a line is taken for half a file: a full disk leaves such ones, and
//! half a file may well be a right one with the last rules missing. SIGHUP says that a last line is meant so.

use std::fs;
use std::path::Path;

use super::lookout::{Seen, Watched, rule_files};
use super::{StartError, setup};
use crate::config::diagnose::{Problems, Severity};
use crate::config::starred::starred;
use crate::config::{self, Config};
use crate::inspect::Setup;

/// Why the files are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The system tells of a change.
    Change,
    /// It is time: some changes the system does not tell of.
    Round,
    /// Somebody says that the files are as they should be.
    Told,
}

/// What became of a reading: what to watch from now on, what the files held, and what they make.
pub(super) struct Attempt {
    pub(super) files: Watched,
    pub(super) seen: Seen,
    pub(super) result: Result<Box<Good>, Vec<String>>,
}

/// Files that can be used.
pub(super) struct Good {
    pub(super) config: Config,
    pub(super) setup: Setup,
    pub(super) warnings: Vec<String>,
}

/// Reads config and rules as a start would, and tells every fault of both at once.
pub(super) fn attempt(mut files: Watched, seen: Seen, started: &Config, why: Why) -> Attempt {
    let mut reasons = Vec::new();
    let config = match files.config.as_deref() {
        None => Some((started.clone(), Vec::new())),
        Some(path) => {
            reasons.extend(half_written(path, why));
            match config::load(path) {
                Ok(loaded) => Some((loaded.config, told_of(&loaded.warnings, Severity::Warning))),
                Err(problems) => {
                    reasons.extend(told_of(&problems, Severity::Error));
                    None
                }
            }
        }
    };
    // A config that names another folder is watched there even if the rules have faults: there they are mended.
    if let Some((config, _)) = &config {
        files.rules.clone_from(&config.rules);
    }
    // Noted before they are read: a change in between is seen at the next look.
    let seen = seen.with_rules_of(files.rules.as_deref());
    let rules = files.rules.as_deref().map(rule_files).unwrap_or_default();
    reasons
        .extend(rules.iter().filter(|path| is_text_of_ours(path)).filter_map(|path| half_written(path, why)));
    // Without a config that can be used the rules are proved all the same, so that all faults are told at once.
    let new = config.as_ref().map_or(started, |(config, _)| config);
    // What cannot change live keeps the value that runs.
    let setup = setup(&Config {
        store: started.store.clone(),
        spool: started.spool.clone(),
        node_key: started.node_key.clone(),
        release_key: started.release_key.clone(),
        rules: files.rules.clone(),
        ..new.clone()
    });
    let result = match (config, setup) {
        (Some((config, warnings)), Ok(setup)) if reasons.is_empty() => {
            Ok(Box::new(Good { config, setup, warnings }))
        }
        (_, Ok(_)) => Err(reasons),
        (_, Err(error)) => {
            reasons.extend(faults(&error));
            Err(reasons)
        }
    };
    Attempt { files, seen, result: result.map_err(|all| all.iter().map(|one| starred(one)).collect()) }
}

fn told_of(problems: &Problems, severity: Severity) -> Vec<String> {
    let lines = problems.iter().zip(problems.summaries());
    lines.filter(|(problem, _)| problem.severity == severity).map(|(_, line)| starred(&line)).collect()
}

fn faults(error: &StartError) -> Vec<String> {
    if let StartError::Rules(faults) = &error {
        return faults.iter().map(ToString::to_string).collect();
    }
    vec![error.to_string()]
}

fn is_text_of_ours(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["toml", "txt", "list"].iter().any(|one| ending == *one))
}

/// Whether a file looks like the first half of itself; one that cannot be read is told of by whoever needs it.
fn half_written(path: &Path, why: Why) -> Option<String> {
    let content = fs::read(path).ok()?;
    let name = path.display();
    if content.trim_ascii().is_empty() {
        // SIGHUP does not make it right: an empty rule file is a scanner that knows nothing.
        return Some(format!("{name}: is empty; write it again, or remove it if it is not needed"));
    }
    (why != Why::Told && !content.ends_with(b"\n")).then(|| {
        format!(
            "{name}: ends in the middle of a line, as a file that is half written; end the last line, or send SIGHUP"
        )
    })
}

/// What the config says and only a restart can do, in its own words. A key that is not answered here does not compile.
pub(super) fn needs_restart(started: &Config, new: &Config) -> Vec<&'static str> {
    let Config {
        milter,
        smtp,
        console,
        check,
        store,
        spool,
        node_key,
        release_key,
        hold,
        digital_post,
        alarm,
        maillog,
        // These are what a reload is for.
        planning: _,
        policy: _,
        documents: _,
        controllers: _,
        sources: _,
        rules: _,
    } = new;
    let milter_of = |config: &Option<config::MilterSettings>| {
        config.as_ref().map(|milter| (milter.listen.clone(), milter.max_connections))
    };
    let (milter, before) = (milter_of(milter), milter_of(&started.milter));
    let changes = [
        ("[milter] listen", milter.as_ref().map(|one| &one.0) != before.as_ref().map(|one| &one.0)),
        ("[milter] max_connections", milter.map(|one| one.1) != before.map(|one| one.1)),
        ("[smtp]", *smtp != started.smtp),
        ("[console]", *console != started.console),
        ("[check] listen", *check != started.check),
        ("[store] url", *store != started.store),
        ("[spool] path", *spool != started.spool),
        ("[seal] node_key", *node_key != started.node_key),
        ("[seal] release_key", *release_key != started.release_key),
        ("[hold]", *hold != started.hold),
        ("[digital_post]", *digital_post != started.digital_post),
        ("[alarm]", *alarm != started.alarm),
        ("[maillog]", *maillog != started.maillog),
    ];
    changes.into_iter().filter_map(|(what, changed)| changed.then_some(what)).collect()
}
