//! `brevdue pipe`: as a person calls it, and as Postfix's pipe(8) does.

use crate::relay::{CITIZEN, ROAD, SAFE, SENDER, assert_no_number, clean, leak};
use crate::support::postfix::{Postfix, PostfixOptions, open_folder};
use crate::support::sink::{Fault, Mode, Sink, SinkOptions, Step};
use crate::support::{put, smtp};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration for the pipe alone, in a folder that Postfix's user can reach.
fn furnish(sink: &Sink, policy: &str) -> TempDir {
    let folder = open_folder().unwrap();
    let pair = brevdue::seal::keyfile::DpoPair::generate();
    let toml = format!(
        "[smtp]\nnext_hop = \"{}\"\n[store]\nurl = \"sqlite:data/brevdue.db\"\n[spool]\npath = \"data/spool\"\n\
         [[controller]]\nname = \"Nørreby Kommune\"\ncvr = \"12345678\"\ndomains = [\"noerreby.example\"]\n\
         dpo = \"dpo@noerreby.example\"\ndpo_key = \"{}\"\n[documents]\nopen = false\n{policy}\n",
        sink.addr(),
        pair.public
    );
    put(&folder.path().join("brevdue.toml"), toml.as_bytes()).unwrap();
    folder
}

fn pipe(folder: &Path, args: &[&str], input: &[u8]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_brevdue"))
        .args(["pipe", "--config"])
        .arg(folder.join("brevdue.toml"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take().unwrap().write_all(input));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code().unwrap(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn held(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("data/spool/held")).map_or(0, Iterator::count)
}

/// As a file has it.
fn with_lf(message: &[u8]) -> Vec<u8> {
    message.iter().copied().filter(|byte| *byte != b'\r').collect()
}

#[test]
fn each_end_has_its_exit_code() {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let folder = furnish(&sink, &format!("[policy]\nleak = \"block\"\n{ROAD}"));
    let at = folder.path();
    let to_citizen = ["-f", SENDER, "--", CITIZEN];
    // Lines as files have them come out as mail has them, and so do those that had it already.
    for message in [with_lf(&clean()), clean()] {
        assert_eq!(pipe(at, &to_citizen, &message), (0, String::new()));
        assert!(sink.received().pop().unwrap().data == clean());
    }
    assert!(sink.commands().iter().any(|line| line.ends_with("BODY=8BITMIME")));
    assert_eq!(pipe(at, &["-f", "", "--", CITIZEN], &with_lf(&clean())).0, 0);
    assert_eq!(sink.received().pop().unwrap().from, "");

    let (code, said) = pipe(at, &to_citizen, &with_lf(&leak()));
    assert!(code == 69 && said.starts_with("5.7.1 ") && said.contains("Digital Post"), "{code} {said}");
    assert_no_number(&said, "what the sender is told");
    let (code, said) = pipe(at, &["-f", SENDER, "--", SAFE, CITIZEN], &with_lf(&leak()));
    assert_eq!((code, held(at)), (0, 1), "{said}");
    assert_eq!(sink.received().pop().unwrap().rcpts, [SAFE]);
    assert_eq!(pipe(at, &to_citizen, b"Subject: x\n\na\rb\n").0, 69);
    let sent = sink.received().len();

    sink.set_mode(Mode::Fail(Step::End, Fault::Reply(550)));
    let (code, said) = pipe(at, &to_citizen, &clean());
    assert!(code == 69 && said.contains("as told by the test"), "{code} {said}");
    for mode in [Mode::Down, Mode::Fail(Step::End, Fault::Cut)] {
        sink.set_mode(mode);
        assert_eq!(pipe(at, &to_citizen, &clean()).0, 75, "{mode:?}");
    }
    assert_eq!((sink.received().len(), held(at)), (sent, 1));
    for args in [&["-f", SENDER][..], &["--", CITIZEN], &["-f", SENDER, "--", "<>"], &["-x"]] {
        let (code, said) = pipe(at, args, &clean());
        assert_eq!(code, 64, "{args:?} {said}");
    }
    put(&at.join("brevdue.toml"), b"[smtp\n").unwrap();
    assert_eq!(pipe(at, &to_citizen, &clean()).0, 75, "a faulty file leaves the mail where it is");
}

#[test]
fn postfix_hands_mail_through_the_pipe() {
    let sink = Sink::start(SinkOptions::default()).unwrap();
    let folder = furnish(&sink, &format!("[policy]\nleak = \"block\"\n{ROAD}"));
    let owned = Command::new("chown").arg("-R").arg("nobody").arg(folder.path()).status().unwrap();
    assert!(owned.success());
    // Where the tests are built need not be a place that others may enter.
    let program = folder.path().join("brevdue");
    std::fs::copy(env!("CARGO_BIN_EXE_brevdue"), &program).unwrap();
    let pipe = format!(
        "brevdue unix - n n - 10 pipe flags=q user=nobody null_sender= argv={} pipe --config {} -f ${{sender}} -- ${{recipient}}\n",
        program.display(),
        folder.path().join("brevdue.toml").display()
    );
    let postfix = Postfix::start(&PostfixOptions {
        relay_to: Some(sink.addr()),
        extra_main_cf: "content_filter = brevdue:dummy\nminimal_backoff_time = 1s\nqueue_run_delay = 1s\n"
            .to_owned(),
        extra_master_cf: pipe,
        ..PostfixOptions::default()
    })
    .unwrap();
    let send = |to: &[&str], message: &[u8]| {
        assert_eq!(smtp::send(postfix.smtp_addr(), SENDER, to, message).unwrap().code, 250);
    };
    send(&[CITIZEN], &clean());
    let got = sink.wait_for(1, PATIENCE).unwrap();
    assert!(got[0].data.ends_with(&clean()), "{}", String::from_utf8_lossy(&got[0].data));
    let line = postfix.wait_for_log("relay=brevdue.*status=", PATIENCE).unwrap();
    assert!(line.contains("status=sent"), "{line}");
    send(&[SAFE, CITIZEN], &leak());
    assert_eq!(sink.wait_for(2, PATIENCE).unwrap()[1].rcpts, [SAFE]);
    send(&[CITIZEN], &leak());
    let line = postfix.wait_for_log("status=bounced", PATIENCE).unwrap();
    println!("{line}");
    assert!(line.contains("dsn=5.7.1") && line.contains("Digital Post"), "{line}");
    // The next hop is down: it stays in the queue.
    sink.set_mode(Mode::Down);
    send(&[CITIZEN], &clean());
    let line = postfix.wait_for_log("relay=brevdue.*status=deferred", PATIENCE).unwrap();
    assert!(line.contains("dsn=4."), "{line}");
    assert_eq!(held(folder.path()), 1);
    assert_no_number(&postfix.log(), "Postfix's log");
}
