//! Files that are written in halves, by every manner of editor, with faults, and with what only a restart can change.

use super::{PATIENCE, Site, UNPROVED, ZEBRA, copy_rules, plain};
use crate::support::{Port, put, wait_until};
use brevdue::intake::ListenAddr;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[test]
fn half_a_file_changes_nothing() {
    let zebra = ZEBRA.to_owned() + &plain();
    let site = Site::open(&plain()).unwrap();
    // Cut in the new label, at the end of one of its lines, in what was there before, and before the first byte.
    for cut in [40, ZEBRA.find("must =").unwrap(), zebra.len() / 2, zebra.len() - 1, 0] {
        site.after(false, || site.write(&zebra[..cut]));
        assert_eq!(site.verdict(), "deliver", "cut at {cut}");
        let health = site.health();
        assert!(health.starts_with("degraded\n") && health.contains("context.da.toml"), "{cut}: {health}");
    }
    site.after(true, || site.write(&zebra));
    assert_eq!(site.verdict(), "block");

    // A writer that is slower than any patience, the other way round.
    let mut file = std::fs::File::create(site.labels()).unwrap();
    let text = plain();
    for piece in text.as_bytes().chunks(text.len().div_ceil(4)) {
        assert_eq!(site.verdict(), "block");
        file.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(700));
    }
    assert!(wait_until(PATIENCE, || (site.verdict() == "deliver").then_some(())).is_some());

    // Half a config would be one without its last sections.
    let config = std::fs::read_to_string(site.daemon.config()).unwrap();
    let half = config.split_once("[console]").unwrap().0.trim_end();
    site.after(false, || put(&site.daemon.config(), half.as_bytes()).unwrap());
    let health = site.health();
    assert!(health.contains("brevdue.toml: ends in the middle of a line"), "{health}");
    assert_eq!(site.metric("brevdue_restart_needed"), 0, "nothing of it is taken");
    site.after(true, || put(&site.daemon.config(), config.as_bytes()).unwrap());
    assert!(site.health().starts_with("ok\n"));
}

#[allow(clippy::disallowed_methods, reason = "an editor's way, which need not outlive a crash")]
fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
}

#[test]
fn every_manner_of_writing_is_seen() {
    let zebra = ZEBRA.to_owned() + &plain();
    let site = Site::open(&plain()).unwrap();
    let (rules, beside) = (site.folder.path().join("rules"), site.folder.path().join("beside"));

    // Each is told by the system, not found in the round that is made every ten seconds.
    let told = || site.daemon.log().matches("the system tells of a change").count();
    let after = |good: bool, change: &dyn Fn()| {
        let before = told();
        site.after(good, change);
        assert!(told() > before, "{}", site.daemon.log());
    };

    // An editor's: a new file takes the old one's place.
    for (labels, verdict) in [(&zebra, "block"), (&plain(), "deliver")] {
        after(true, &|| {
            let new = rules.join(".context.da.toml.new");
            put(&new, labels.as_bytes()).unwrap();
            rename(&new, &site.labels());
        });
        assert_eq!(site.verdict(), verdict);
    }

    // A file goes and comes again: whether the rest can be used without it is the rules' business.
    let looks = || site.reloads().iter().sum::<u64>();
    let before = looks();
    std::fs::remove_file(site.labels()).unwrap();
    assert!(wait_until(PATIENCE, || (looks() > before).then_some(())).is_some());
    assert_eq!(site.verdict(), "deliver");
    after(true, &|| site.write(&zebra));
    assert_eq!(site.verdict(), "block");

    // The whole folder is replaced, and then changed where it is.
    after(true, &|| {
        copy_rules(&beside, &plain()).unwrap();
        rename(&rules, &site.folder.path().join("old"));
        rename(&beside, &rules);
    });
    assert_eq!(site.verdict(), "deliver");
    after(true, &|| site.write(&zebra));
    assert_eq!(site.verdict(), "block");

    // The folder is away for a time.
    after(false, &|| rename(&rules, &beside));
    assert_eq!(site.verdict(), "block");
    after(true, &|| rename(&beside, &rules));

    // The config names another folder, which is then the one that is watched.
    copy_rules(&beside, &plain()).unwrap();
    after(true, &|| {
        site.reconfigure(&rules.display().to_string(), &beside.display().to_string());
    });
    assert_eq!(site.verdict(), "deliver");
    after(true, &|| put(&beside.join("context.da.toml"), zebra.as_bytes()).unwrap());
    assert_eq!(site.verdict(), "block");

    // What changes nothing is no reload: the same bytes, or another file.
    let before = site.reloads();
    put(&beside.join("context.da.toml"), zebra.as_bytes()).unwrap();
    put(&site.folder.path().join("unrelated"), b"x").unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(site.reloads(), before);
}

#[test]
fn hangup_reloads_at_once_and_takes_a_last_line_without_its_end() {
    let site = Site::open(&plain()).unwrap();
    let zebra = ZEBRA.to_owned() + plain().trim_end();
    let hang_up = || {
        let told = Command::new("kill").args(["-HUP", &site.daemon.pid().unwrap().to_string()]).status();
        assert!(told.unwrap().success());
    };
    site.after(false, || site.write(&zebra));
    assert_eq!(site.verdict(), "deliver");
    site.after(true, hang_up);
    assert_eq!(site.verdict(), "block");
    // An empty file is no scanner, whoever says so.
    site.after(false, || site.write("\n"));
    site.after(false, hang_up);
    assert_eq!(site.verdict(), "block");
}

#[test]
fn what_only_a_restart_can_change_is_said_and_the_rest_is_taken() {
    let site = Site::open(&(ZEBRA.to_owned() + &plain())).unwrap();
    let other = Port::claim().unwrap();
    let ListenAddr::Tcp(at) = site.daemon.address() else { panic!("no TCP") };
    site.after(true, || {
        let config = std::fs::read_to_string(site.daemon.config()).unwrap();
        let changed = config
            .replace(&at.to_string(), &other.addr().to_string())
            .replace("data/spool", "data/spool2")
            .replace("leak = \"block\"", "leak = \"hold\"");
        put(&site.daemon.config(), changed.as_bytes()).unwrap();
    });
    // At the old address, by the new policy.
    assert_eq!(site.verdict(), "hold");
    assert!(TcpStream::connect(other.addr()).is_err());
    let health = site.health();
    assert!(health.starts_with("ok\n"), "{health}");
    for what in ["[milter] listen", "[spool] path"] {
        assert!(health.contains(&format!("  needs a restart: {what}\n")), "{health}");
        assert!(site.daemon.log().contains(&format!("needs a restart: {what}")));
    }
    assert_eq!(health.matches("needs a restart").count(), 2, "{health}");
    assert_eq!(site.metric("brevdue_restart_needed"), 1);
    site.after(true, || {
        site.reconfigure(&other.addr().to_string(), &at.to_string());
    });
    assert_eq!(site.health().matches("needs a restart").count(), 1);
    site.after(true, || site.reconfigure("data/spool2", "data/spool"));
    assert_eq!(site.metric("brevdue_restart_needed"), 0);
}

#[test]
fn a_number_in_a_faulty_file_is_shown_to_nobody() {
    let site = Site::open(&plain()).unwrap();
    let pasted = UNPROVED.replace("Giraf {n}", "Giraf 150379-1028 {n}") + &plain();
    site.after(false, || site.write(&pasted));
    site.after(false, || {
        site.reconfigure("cvr = \"12345678\"", "cvr = \"1503791028\"");
    });
    site.after(false, || site.reconfigure("leak = \"block\"", "leak = \"1503791028\""));
    let (_, json) = site.ask("/healthz", "application/json");
    let (health, log) = (site.health(), site.daemon.log());
    // All faults of both files at once.
    for shown in [&health, &log, &json] {
        assert!(shown.contains("Giraf ******-****") && shown.contains("`**********`"), "{shown}");
        assert!(shown.contains("a CVR number has eight digits"), "{shown}");
        assert!(!shown.contains("150379") && !shown.contains("1028"), "{shown}");
    }
}

#[test]
fn the_list_of_header_fields_is_proved_and_taken_like_the_others() {
    let site = Site::open(&plain()).unwrap();
    let file = site.folder.path().join("rules/headers.toml");
    let family = "[[family]]\nname = 'a'\nfields = ['X-A*']\nmust_skip = ['X-B']\n";
    site.after(false, || put(&file, family.as_bytes()).unwrap());
    let health = site.health();
    assert!(health.contains("headers.toml:4: family:a: X-B is read, and must not be"), "{health}");
    site.after(true, || put(&file, family.replace("X-B", "X-AB").as_bytes()).unwrap());
    assert!(site.health().starts_with("ok\n"));
}
