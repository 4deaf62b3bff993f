//! Memory stays flat, whatever the size of the message.
//!
//! In the process by an allocator that counts for each thread by itself (`allocation-counter`), so that tests beside it
//! do not show; and in the daemon by what the kernel says its peak was.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use brevdue::intake::ListenAddr;
use brevdue::intake::milter::{Client, Mail, Outcome};
use brevdue::scan::ruleset::Ruleset;
use brevdue::scan::{Day, Scan};

use crate::support::daemon::{Daemon, DaemonOptions};

/// The most bytes that this thread held at once while a message of these pieces was scanned.
fn peak(rules: &Arc<Ruleset>, head: &[u8], piece: &[u8], times: usize) -> u64 {
    // A thread keeps the buffers of one message for the next: this one has them, so that the one measured makes its own.
    let _other = Scan::new(Arc::clone(rules), Day::literal(2026, 11, 2));
    let held = allocation_counter::measure(|| {
        let mut scan = Scan::new(Arc::clone(rules), Day::literal(2026, 11, 2));
        scan.feed(head);
        for _ in 0..times {
            scan.feed(piece);
        }
        drop(scan.finish());
    });
    held.bytes_max
}

const KIB: u64 = 1024;
/// What a scan may hold, whatever comes.
const FLAT: u64 = 64 * KIB;
/// What one header field may hold on top: the field, a vector that doubles and is copied as it grows, and the field once
/// more, decoded.
const HEADER: u64 = 1024 * KIB;

const MIB: usize = 1 << 20;

#[test]
fn a_scan_is_flat_over_a_long_message() {
    let rules = Arc::new(Ruleset::built_in().unwrap());
    // A regular expression keeps room for its searches, made at the first: that belongs to the rules.
    peak(&rules, b"\r\n", b"tlf. 1503791028 ", 10);
    let mut wrong = Vec::new();
    let mut check = |name: &str, most: u64, head: &str, piece: &[u8], bytes: usize| {
        let few = peak(&rules, head.as_bytes(), piece, 1);
        let many = peak(&rules, head.as_bytes(), piece, bytes / piece.len());
        println!("{name:<24} one piece {few:>9} bytes, {:>4} MiB {many:>9} bytes", bytes / MIB);
        if many > most {
            wrong.push(format!("{name}: {many} bytes held, {most} allowed"));
        }
    };
    let line = |text: &str| text.repeat(64 * 1024 / text.len());
    check("text", FLAT, "\r\n", line("Kære Bo, mødet er den 3. maj.\r\n").as_bytes(), 200 * MIB);
    let base64 = "Content-Transfer-Encoding: base64\r\n\r\n";
    check(
        "base64",
        FLAT,
        base64,
        line("S8OmcmUgQm8sIG3DuGRldCBlciBkZW4gMy4gbWFqLg0K\r\n").as_bytes(),
        32 * MIB,
    );
    let quoted = "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    check(
        "quoted-printable",
        FLAT,
        quoted,
        line("K=C3=A6re Bo, m=C3=B8det er den 3. maj.=20\r\n").as_bytes(),
        32 * MIB,
    );
    // Each other reading has a window of its own.
    let odd = format!("{base64}*");
    check(
        "base64 with junk",
        4 * FLAT,
        &odd,
        line("S8OmcmUgQm8sIG3DuGRldCBlciBkZW4gMy4gbWFqLg0K\r\n").as_bytes(),
        8 * MIB,
    );
    let twice = "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nbegin 644 x\r\n";
    check("two readings", 4 * FLAT, twice, line("#0V%T\r\n").as_bytes(), 8 * MIB);
    check("one line", FLAT, "\r\n", &vec![b'x'; 65_536], 32 * MIB);
    check("numbers", 128 * KIB, "\r\n", line("CPR-nr. 150379-1028 og 030685-1004\r\n").as_bytes(), 4 * MIB);
    let mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    let part = "--b\r\nContent-Type: text/plain; name=a.txt\r\n\r\nHej Bo\r\n";
    check("1,000 parts", FLAT, mixed, part.as_bytes(), 1000 * part.len());
    check("20,000 parts", FLAT, mixed, part.as_bytes(), 20_000 * part.len());
    check("one header of 32 MiB", FLAT + HEADER, "Subject: ", &vec![b'x'; 65_536], 32 * MIB);
    let words = "=?utf-8?q?sag_3=2E?= ".repeat(3000);
    check("encoded words, 32 MiB", FLAT + HEADER, "Subject: ", words.as_bytes(), 32 * MIB);
    check("one other header", FLAT + HEADER, "X-Unknown: ", &vec![b'x'; 65_536], 32 * MIB);
    check("one header nobody reads", FLAT, "X-Microsoft-Antispam: ", &vec![b'x'; 65_536], 32 * MIB);
    check("a name of 32 MiB", FLAT, "", &vec![b'x'; 65_536], 32 * MIB);
    check("many headers", FLAT, "", line("X-Name: value\r\n").as_bytes(), 32 * MIB);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A line of proc(5), `status`, in KiB: `VmRSS:` is the memory that the process has, `VmHWM:` the most it has had.
fn memory_of(pid: u32, key: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// Over a connection of its own, and taken.
async fn send(to: ListenAddr, message: &[u8]) {
    let mut client = Client::connect(&to).await.unwrap();
    let mail = Mail {
        sender: "anna@noerreby.example",
        recipients: &["bo@borger.example"],
        queue_id: "4XyzAB12",
        tls: None,
    };
    let outcome = client.send(&mail, message).await.unwrap();
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    client.quit().await.unwrap();
}

fn long_mail(size: usize) -> Vec<u8> {
    let mut message = b"Subject: en lang mail\r\n\r\n".to_vec();
    while message.len() < size {
        message.extend_from_slice("Kære Bo, mødet er den 3. maj i lokale 12.\r\n".as_bytes());
    }
    message
}

#[test]
fn a_daemon_is_flat_over_a_long_message() {
    let daemon = Daemon::start(&DaemonOptions::with("[policy]\nleak = \"block\"\n")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let send = |size| runtime.block_on(send(daemon.address(), &long_mail(size)));
    let peak = || memory_of(daemon.pid().unwrap(), "VmHWM:").unwrap();
    send(MIB);
    let before = peak();
    send(200 * MIB);
    let after = peak();
    println!("peak {before} KiB before, {after} KiB after 200 MiB");
    // The kernel's own count wavers by some pages.
    assert!(after.saturating_sub(before) <= 1024 + 64, "the peak grew from {before} KiB to {after} KiB");
}

#[test]
fn many_connections_at_once_take_little() {
    const CONNECTIONS: u64 = 32;
    let folder = tempfile::tempdir().unwrap();
    let unix = Some(folder.path().join("milter.sock"));
    for options in [DaemonOptions::with(""), DaemonOptions { unix, ..DaemonOptions::with("") }] {
        let daemon = Daemon::start(&DaemonOptions { log: "info", ..options }).unwrap();
        let memory = |key| memory_of(daemon.pid().unwrap(), key).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        // What the first message makes for all that follow, and the pages of the program that it touches.
        runtime.block_on(send(daemon.address(), &long_mail(MIB)));
        let idle = memory("VmRSS:");
        let message: Arc<[u8]> = long_mail(2 * MIB).into();
        for _ in 0..3 {
            runtime.block_on(async {
                let sending = (0..CONNECTIONS).map(|_| {
                    let (to, message) = (daemon.address(), Arc::clone(&message));
                    tokio::spawn(async move { send(to, &message).await })
                });
                for sent in sending.collect::<Vec<_>>() {
                    sent.await.unwrap();
                }
            });
        }
        let peak = memory("VmHWM:");
        println!("{}: {idle} KiB idle, {peak} KiB at most", daemon.address());
        // A scan each, and what the allocator keeps between them; no read buffers.
        let each = peak.saturating_sub(idle) / CONNECTIONS;
        assert!(each <= 2 * FLAT / KIB, "{each} KiB a connection: from {idle} to {peak} KiB");
        // The whole of it is stated for the program as it is shipped; in a debug build the program alone is larger.
        if !cfg!(debug_assertions) {
            assert!(peak <= 20_000, "{peak} KiB");
        }
    }
}

/// An mbox from a pipe, so that no disk holds it: small messages, which all cores scan, and between them one that is
/// longer than any buffer.
#[test]
fn an_mbox_is_scanned_in_flat_memory_and_its_rate_is_said() {
    let small = "From a@b Thu Jan  1 00:00:00 2026\nSubject: en mail\n\nKære Bo, mødet er den 3. maj i lokale 12.\n\n"
        .repeat(2000);
    let long = "From a@b Thu Jan  1 00:00:00 2026\nSubject: en lang mail\n\n".to_owned()
        + &"Kære Bo, mødet er den 3. maj i lokale 12.\n".repeat(100_000)
        + "\n";
    let scan = |times: usize| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_brevdue"))
            .args(["scan", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        for _ in 0..times {
            for _ in 0..50 {
                input.write_all(small.as_bytes()).unwrap();
            }
            input.write_all(long.as_bytes()).unwrap();
        }
        // It cannot end before its input does: what is held back here keeps it alive for the look at its memory.
        let peak = memory_of(child.id(), "VmHWM:").unwrap();
        drop(input);
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
        assert!(said.contains(&format!("{} messages, ", times * 100_001)), "{said}");
        for rate in [" MB/s, ", " beskeder/s)", " messages/s)"] {
            assert!(said.contains(rate), "{rate} in {said}");
        }
        peak
    };
    let few = scan(1);
    let many = scan(12);
    println!(
        "peak {few} KiB after {} MB, {many} KiB after 12 times as much",
        (50 * small.len() + long.len()) / 1_000_000
    );
    // A core takes a block and what it cut off; which of them meet it in one moment is chance.
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    assert!(many <= few + 4 * 1024 * cores, "the peak grew from {few} KiB to {many} KiB");
}
