//! `brevdue doctor`: does this machine give what Brevdue leans on?
//!
//! It looks by doing: a worker is started and says which walls it has. Nothing is changed. Exit code 0 when all is
//! well, 1 when something is missing that matters.

use crate::config::{Config, DocumentSettings};
use crate::worker::{Walls, Workers};
use std::process::ExitCode;

pub(super) fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let Some(settings) = &config.documents else {
        super::say(
            "dokumenter · documents   åbnes ikke · not opened (`open = false` i · in `[documents]`): \
             hvert er ulæst · each is unread",
        )?;
        return Ok(ExitCode::SUCCESS);
    };
    let walls = Workers::new(settings.clone()).try_out();
    super::say(&words(settings, walls))?;
    Ok(if walls.is_some_and(Walls::all) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What there is to say of the walls; `None`: no worker could be started.
fn words(settings: &DocumentSettings, walls: Option<Walls>) -> String {
    let Some(walls) = walls else {
        return "dokumenter · documents   FEJL · FAILED: ingen proces kunne startes, så intet dokument læses · \
                no process could be started, so no document is read"
            .to_owned();
    };
    let say = |name: &str, stands: bool, missing: &str| {
        if stands {
            format!("  {name:<10} i kraft · in force\n")
        } else {
            format!("  {name:<10} MANGLER · MISSING: {missing}\n")
        }
    };
    let mut text =
        "dokumenter · documents   læses af lukkede processer · read by shut-in processes\n".to_owned();
    text += &say(
        "landlock",
        walls.landlock,
        "kernen er ældre end 5.13, eller `landlock` står ikke i lsm= · the kernel is older than 5.13, or lsm= leaves it out",
    );
    text += &say("rlimits", walls.limits, "grænserne kunne ikke sættes · the limits could not be set");
    text += &say(
        "seccomp",
        walls.seccomp,
        "kernen er bygget uden CONFIG_SECCOMP_FILTER · the kernel was built without CONFIG_SECCOMP_FILTER",
    );
    let budget = &settings.budget;
    let (mb, seconds) = (budget.memory >> 20, budget.time.as_secs());
    format!("{text}  {} ad gangen · at once, hver · each: {mb} MB, {seconds} s", budget.workers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_wall_is_said_aloud() {
        let all = Walls { landlock: true, limits: true, seccomp: true };
        assert!(!words(&DocumentSettings::default(), Some(all)).contains("MISSING"));
        let open = words(&DocumentSettings::default(), Some(Walls { seccomp: false, ..all }));
        assert!(
            open.contains("seccomp    MANGLER · MISSING") && open.contains("landlock   i kraft"),
            "{open}"
        );
        assert!(words(&DocumentSettings::default(), None).contains("FAILED"));
    }
}
