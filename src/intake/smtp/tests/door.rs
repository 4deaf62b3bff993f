//! The door over real sockets with a scripted gate: silence, a gate that hangs or panics, and who may keep waiting.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::envelope::Verdict;
use crate::inspect::{Gate, Scripted};
use crate::intake::counters::Counters;
use crate::intake::listen::ListenAddr;
use crate::intake::smtp::{Door, Settings};
use crate::outlet::smtp::Place;

/// A hop that says yes to everything, and counts the mails it has taken.
async fn hop() -> (u16, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (count, counted) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                use tokio::io::AsyncBufReadExt;
                let mut stream = BufReader::new(stream);
                stream.write_all(b"220 hop\r\n").await.unwrap();
                let (mut line, mut is_data) = (String::new(), false);
                while stream.read_line(&mut line).await.is_ok_and(|count| count > 0) {
                    let reply: &[u8] = match (is_data, line.as_str()) {
                        (true, ".\r\n") => {
                            is_data = false;
                            count.send_modify(|count| *count += 1);
                            b"250 taken\r\n"
                        }
                        (true, _) => b"",
                        (false, "DATA\r\n") => {
                            is_data = true;
                            b"354 go\r\n"
                        }
                        (false, _) => b"250 ok\r\n",
                    };
                    stream.write_all(reply).await.unwrap();
                    line.clear();
                }
            });
        }
    });
    (port, counted)
}

struct House {
    at: std::net::SocketAddr,
    counters: Arc<Counters>,
    taken: watch::Receiver<usize>,
    _stop: watch::Sender<bool>,
}

async fn open(change: impl FnOnce(&mut Settings)) -> House {
    let (port, taken) = hop().await;
    let mut settings = Settings {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        spool: std::env::temp_dir(),
        ..Settings::to(Place::Tcp { host: "127.0.0.1".to_owned(), port })
    };
    change(&mut settings);
    let gate = Gate::for_tests(|_, bytes| {
        let asks = |what: &str| memchr::memmem::find(bytes, what.as_bytes()).is_some();
        assert!(!asks("X-Test: panic"), "asked for by the test");
        let mut scripted =
            if asks("X-Test: block") { Scripted::of(Verdict::Block) } else { Scripted::deliver() };
        if asks("X-Test: slow") {
            scripted.delay = Duration::from_secs(30);
        }
        scripted.reply = vec!["first".to_owned(), "second".to_owned()];
        scripted
    });
    let door = Door::bind(&settings, gate).unwrap();
    let ListenAddr::Tcp(at) = door.local_addrs()[0].clone() else { panic!("a TCP port") };
    let (stop, stopped) = watch::channel(false);
    let counters = door.counters();
    tokio::spawn(door.run(stopped));
    House { at, counters, taken, _stop: stop }
}

/// Says something and gives all that is answered within a moment.
async fn say(stream: &mut TcpStream, text: &str) -> String {
    say_until(stream, text, Duration::from_millis(500), |_| false).await
}

/// Says a mail and gives all that is answered, to the answer of its end.
async fn say_mail(stream: &mut TcpStream, text: &str) -> String {
    let is_last = |line: &str| line.ends_with("\r\n") && line.as_bytes().get(3) == Some(&b' ');
    let is_done = |said: &str| {
        let answer = said.split_once("\r\n354 ").and_then(|(_, rest)| rest.split_once("\r\n"));
        answer.is_some_and(|(_, answer)| answer.split_inclusive('\n').any(is_last))
    };
    say_until(stream, text, Duration::from_secs(30), is_done).await
}

/// Says something and gives all that is answered, until it is done or there is silence for so long.
async fn say_until(
    stream: &mut TcpStream,
    text: &str,
    silence: Duration,
    is_done: impl Fn(&str) -> bool,
) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut said = String::new();
    let mut room = [0; 4096];
    while !is_done(&said) {
        let Ok(Ok(count)) = timeout(silence, stream.read(&mut room)).await else { break };
        said += &String::from_utf8_lossy(&room[..count]);
        if count == 0 {
            break;
        }
    }
    said
}

fn mail(header: &str) -> String {
    format!("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n{header}\r\n\r\nhej\r\n.\r\n")
}

#[tokio::test]
async fn a_gate_that_panics_or_hangs_defers_its_mail_and_no_other() {
    let house = open(|settings| settings.patience = Duration::from_millis(300)).await;
    let mut client = TcpStream::connect(house.at).await.unwrap();
    say(&mut client, "EHLO x\r\n").await;
    for (header, last) in [
        ("Subject: x", "250 taken\r\n"),
        ("X-Test: panic", "451-4.7.1 "),
        ("X-Test-Panic: in the middle", "451 4.3.0 "),
        ("X-Test: slow", "451-4.7.1 "),
        ("X-Test: block", "550-5.7.1 first\r\n550 5.7.1 second\r\n"),
        ("Subject: x", "250 taken\r\n"),
    ] {
        let said = say_mail(&mut client, &mail(header)).await;
        let answer = said.split_once("354 ").unwrap().1.split_once("\r\n").unwrap().1;
        assert!(answer.starts_with(last), "{header}: {said}");
    }
    assert_eq!(*house.taken.borrow(), 2);
    let counts = house.counters.snapshot();
    assert_eq!((counts.delivered, counts.blocked, counts.deferred), (2, 1, 3));
    assert_eq!((counts.panics, counts.expired), (2, 1));
}

#[tokio::test]
async fn silence_ends_a_connection_with_a_word_wherever_it_falls() {
    let house = open(|settings| settings.idle = Duration::from_millis(200)).await;
    for before in ["", "EHLO x\r\n", "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nhalv"] {
        let mut client = TcpStream::connect(house.at).await.unwrap();
        let said = say(&mut client, before).await;
        assert!(said.lines().last().unwrap().starts_with("421 4.4.2"), "{before:?}: {said}");
    }
    assert_eq!((*house.taken.borrow(), house.counters.snapshot().delivered), (0, 0));
}

/// Found by the fuzzer: the last chunk was refused for a lone CR when its LF came in the next packet.
#[tokio::test]
async fn a_chunk_may_be_cut_between_cr_and_lf() {
    let house = open(|_| {}).await;
    let mut client = TcpStream::connect(house.at).await.unwrap();
    say(&mut client, "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n").await;
    let said = say(&mut client, "BDAT 10\r\nSubject: x").await;
    assert!(said.starts_with("250 "), "{said}");
    say(&mut client, "BDAT 9 LAST\r\n\r").await;
    say(&mut client, "\n\r\nhej\r").await;
    assert_eq!(say(&mut client, "\n").await, "250 taken\r\n");
    assert_eq!(*house.taken.borrow(), 1);
}
