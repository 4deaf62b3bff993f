//! The signed link of an alert, from the letter to the register, by the console of a real daemon.

use super::open_case;
use crate::alarm::text_of;
use crate::support::daemon::{DPO, Daemon, DaemonOptions};
use crate::support::sink::{Sink, SinkOptions};
use brevdue::clock::Clock;
use brevdue::store::Store;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

fn ask(daemon: &Daemon, method: &str, path: &str) -> String {
    let socket = daemon.config().with_file_name("console.sock");
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_link_of_a_letter_acknowledges_it_and_nothing_else_does() {
    let dpo = Sink::start(SinkOptions::default()).unwrap();
    let console = "[console]\nlisten = \"unix:console.sock\"\nurl = \"https://brevdue.noerreby.example/\"";
    let options = DaemonOptions { alarm: Some(dpo.addr()), ..DaemonOptions::with(console) };
    let daemon = Daemon::start(&options).unwrap();
    let store = Store::open(&daemon.database()).unwrap();
    let case = open_case(&store, Clock::System.now(), 1, DPO);
    let letter = dpo.wait_for(1, Duration::from_secs(30)).unwrap().remove(0);
    let text = text_of(&mailparse::parse_mail(&letter.data).unwrap());
    let link = text.split("<https://brevdue.noerreby.example").nth(1).unwrap().split('>').next().unwrap();
    assert!(link.starts_with("/ack?"), "{text}");
    let acknowledged = || {
        let file = store.case(&case).unwrap().unwrap();
        let lines = file.entries.into_iter().filter(|entry| entry.event == "acknowledged");
        lines.map(|entry| entry.who).collect::<Vec<_>>()
    };

    // A program that looks at links in mail acknowledges nothing, and the page says nothing of the case.
    let page = ask(&daemon, "GET", link);
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("<form method=post>"), "{page}");
    for header in ["no-referrer", "default-src 'none'", "no-store", "nosniff"] {
        assert!(page.contains(header), "{header}: {page}");
    }
    assert!(!page.contains("BRV-") && !page.contains("Kommune"), "{page}");
    assert!(acknowledged().is_empty());
    let forged =
        [link.replace("c=BRV-", "c=BRV-1"), link.replace("s=opened", "s=overdue"), "/ack".to_owned()];
    for forged in forged {
        assert!(ask(&daemon, "POST", &forged).starts_with("HTTP/1.1 403 "), "{forged}");
    }
    assert!(acknowledged().is_empty());
    for _ in 0..2 {
        assert!(ask(&daemon, "POST", link).contains("Der er kvitteret"));
    }
    assert_eq!(acknowledged(), [DPO]);

    // The same by a command.
    let told = daemon.run(&["alarm", "ack", case.as_str(), "--by", "Dorthe Dahl"]).unwrap();
    let printed = String::from_utf8_lossy(&told.stdout).into_owned();
    let trouble = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && printed.contains("kvitteret"), "{printed}{trouble}");
    assert_eq!(acknowledged(), [DPO, "Dorthe Dahl"]);
    for bad in [["BRV-2026-9999", "x"], ["nej", "x"], [case.as_str(), "cpr 150379-1028"]] {
        let told = daemon.run(&["alarm", "ack", bad[0], "--by", bad[1]]).unwrap();
        assert_eq!(told.status.code(), Some(2), "{bad:?}");
    }
    assert_eq!(acknowledged().len(), 2);
}
