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
    let landlock = partly(walls).unwrap_or_else(|| {
        say(
            "landlock",
            walls.landlock,
            "kernen er ældre end 5.13, eller `landlock` står ikke i lsm= · the kernel is older than 5.13, or lsm= leaves it out",
        )
    });
    text += &landlock;
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

/// What there is to say of landlock when it is in force and older than it should be.
fn partly(walls: Walls) -> Option<String> {
    const BELOW: &str = "\n             ";
    let (version, newest, lacks) = (walls.version, Walls::NEWEST, lacks(walls.version).join(BELOW));
    let other = "(seccomp forbyder det også · seccomp forbids it too)";
    let other = if walls.seccomp { [BELOW, other].concat() } else { String::new() };
    (walls.landlock && !lacks.is_empty()).then(|| {
        format!(
            "  landlock   delvis · partly: version {version} af {newest}, uden · version {version} of {newest}, without:\
             {BELOW}{lacks}{other}\n"
        )
    })
}

/// What landlock of this version does not forbid.
fn lacks(version: u8) -> Vec<&'static str> {
    // The version that forbids it, with the kernel that has it.
    const SINCE: [(u8, &str); 5] = [
        (2, "flytning af filer mellem mapper · moving files between folders (Linux 5.19)"),
        (3, "afkortning af filer · truncating files (6.2)"),
        (4, "TCP-porte · TCP ports (6.7)"),
        (5, "ioctl på enheder · ioctl on devices (6.10)"),
        (6, "signaler og abstrakte sockets · signals and abstract sockets (6.12)"),
    ];
    SINCE.iter().filter(|(since, _)| version < *since).map(|(_, what)| *what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_wall_is_said_aloud() {
        let all = Walls { landlock: true, limits: true, seccomp: true, version: Walls::NEWEST };
        assert!(!words(&DocumentSettings::default(), Some(all)).contains("MISSING"));
        let open = words(&DocumentSettings::default(), Some(Walls { seccomp: false, ..all }));
        assert!(
            open.contains("seccomp    MANGLER · MISSING") && open.contains("landlock   i kraft"),
            "{open}"
        );
        assert!(words(&DocumentSettings::default(), None).contains("FAILED"));
    }

    #[test]
    fn a_wall_that_stands_in_part_is_no_whole_one() {
        let walls = |version| Walls { landlock: version > 0, limits: true, seccomp: true, version };
        let said = |version| words(&DocumentSettings::default(), Some(walls(version)));
        for version in 1..Walls::NEWEST {
            let said = said(version);
            assert!(said.contains("landlock   delvis · partly") && said.contains("signals"), "{said}");
            assert_eq!(said.contains("TCP"), version < 4, "{said}");
            assert!(said.contains(&format!("version {version} of {}", Walls::NEWEST)), "{said}");
        }
        assert!(said(Walls::NEWEST).contains("landlock   i kraft") && said(0).contains("landlock   MANGLER"));
        // Where seccomp is missing too, nothing else forbids it.
        let open = words(&DocumentSettings::default(), Some(Walls { seccomp: false, ..walls(2) }));
        assert!(said(2).contains("forbids it too") && !open.contains("forbids it too"));
    }
}
