//! The door over real sockets, with our own client at the other end.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::house::{MAIL, Seen, accepted, encoded, gate, letter, local, open, send, soon};
use crate::intake::counters::Counters;
use crate::intake::listen::ListenAddr;
use crate::intake::milter::connection::{Connection, Desk, Peer};
use crate::intake::milter::negotiate::Offer;
use crate::intake::milter::packet::{Arguments, Command, Macros, split};
use crate::intake::milter::reply::Reply;
use crate::intake::milter::{Client, Door, Mail, Outcome, Settings};

fn unix_in(folder: &tempfile::TempDir) -> (PathBuf, Settings) {
    let path = folder.path().join("milter.sock");
    (path.clone(), Settings { listen: vec![ListenAddr::Unix(path)], ..Settings::default() })
}

#[tokio::test]
async fn every_verdict_many_messages_both_kinds_of_socket() {
    let folder = tempfile::tempdir().unwrap();
    for settings in [local(), unix_in(&folder).1] {
        let house = open(&settings);
        let mut client = house.client().await;
        for _ in 0..3 {
            assert_eq!(send(&mut client, "none").await, accepted());
            assert_eq!(
                send(&mut client, "block").await,
                Outcome::Rejected {
                    code: 550,
                    text: "550-5.7.1 first line\r\n550 5.7.1 100% second".to_owned()
                }
            );
            let Outcome::Accepted { quarantined: Some(reason), .. } = send(&mut client, "hold").await else {
                panic!("not held")
            };
            assert!(reason.is_ascii() && !reason.is_empty());
            let road = vec![("X-Brevdue-Road".to_owned(), " protected".to_owned())];
            assert_eq!(
                send(&mut client, "reroute").await,
                Outcome::Accepted { quarantined: None, added_headers: road }
            );
            let deferred = send(&mut client, "defer").await;
            assert!(matches!(deferred, Outcome::Tempfail { code: 451, .. }), "{deferred:?}");
        }
        client.quit().await.unwrap();
        let counts = house.counters.snapshot();
        let verdicts = [counts.delivered, counts.blocked, counts.held, counts.rerouted, counts.deferred];
        assert_eq!((verdicts, counts.connections, counts.broken), ([3; 5], 1, 0));
        house.close().await;
    }
}

#[tokio::test]
async fn the_gate_sees_the_message_byte_for_byte_and_the_whole_envelope() {
    let house = open(&local());
    let mut client = house.client().await;
    let body: Vec<u8> =
        (0..200_000_u32).map(|at| u8::try_from(at % 251).unwrap()).filter(|b| *b != b'\n').collect();
    let mut message = b"From: a\r\nSubject:no space\r\nTo: x,\r\n\ty\r\nX-Raw: \xe6\xf8\xe5\r\n\r\n".to_vec();
    message.extend_from_slice(&body);
    assert_eq!(soon(client.send(&MAIL, &message)).await.unwrap(), accepted());
    let (envelope, bytes) = house.last();
    // Postfix hands folds on as a bare LF.
    let mut expected = b"From: a\r\nSubject:no space\r\nTo: x,\n\ty\r\nX-Raw: \xe6\xf8\xe5\r\n\r\n".to_vec();
    expected.extend_from_slice(&body);
    assert!(bytes == expected, "the bytes differ");
    assert_eq!(envelope.sender.unwrap().domain(), "kommune.example");
    assert_eq!(envelope.recipients[0].domain(), "borger.example");
    assert_eq!(envelope.queue_id.unwrap().to_string(), "4XyzAB12");
    assert_eq!(envelope.client.unwrap().to_string(), "127.0.0.1");
    assert_eq!(envelope.tls.as_deref(), Some("TLSv1.3"));
    house.close().await;
}

#[tokio::test]
async fn a_mail_that_could_be_held_and_never_found_is_deferred() {
    let house = open(&local());
    let mut client = house.client().await;
    let nameless = Mail { queue_id: "", ..MAIL };
    let outcome = soon(client.send(&nameless, &letter("hold"))).await.unwrap();
    assert!(matches!(outcome, Outcome::Tempfail { code: 451, .. }), "{outcome:?}");
    let counts = house.counters.snapshot();
    assert_eq!((counts.nameless, counts.deferred, counts.held), (1, 1, 0));
    house.close().await;
}

#[tokio::test]
async fn a_panic_costs_one_message() {
    let house = open(&local());
    let mut client = house.client().await;
    for place in ["X-Test-Panic: 1\r\n\r\nx\r\n", "A: b\r\n\r\nX-Test-Panic\r\n", "X-Test: panic\r\n\r\nx"] {
        let outcome = soon(client.send(&MAIL, place.as_bytes())).await.unwrap();
        let Outcome::Tempfail { code: 451, text } = outcome else { panic!("{outcome:?}") };
        assert!(
            text.lines().all(|line| line.starts_with("451 4.7.1 ") || line.starts_with("451-4.7.1 ")),
            "{text}"
        );
        assert_eq!(send(&mut client, "none").await, accepted());
    }
    let counts = house.counters.snapshot();
    assert_eq!((counts.panics, counts.deferred, counts.delivered, counts.connections), (3, 3, 3, 1));
    house.close().await;
}

#[tokio::test]
async fn a_sure_verdict_needs_no_more_bytes() {
    let house = open(&local());
    let mut client = house.client().await;
    let mut message = b"X-Test: block\r\n\r\nX-Test-Settle\r\n".to_vec();
    message.resize(300_000, b'x');
    let outcome = soon(client.send(&MAIL, &message)).await.unwrap();
    assert!(matches!(outcome, Outcome::Rejected { .. }));
    assert!(house.last().1.len() < 70_000, "fed on although settled");
    house.close().await;
}

#[tokio::test]
async fn a_slow_gate_keeps_the_mta_waiting() {
    let house = open(&Settings { progress: Duration::from_millis(50), ..local() });
    let mut raw = house.raw().await;
    raw.say(&[Command::Negotiate(Offer::POSTFIX), Command::Mail(Arguments(b"<a@b.example>\0"))]).await;
    raw.say(&[Command::Rcpt(Arguments(b"<a@b.example>\0")), Command::Data]).await;
    raw.say(&[Command::Header { name: b"X-Test", value: b" slow" }, Command::EndOfHeaders]).await;
    raw.say(&[Command::EndOfBody(b""), Command::Quit]).await;
    let replies = raw.hear_out().await;
    assert!(matches!(replies[..2], [Reply::Negotiate(_), Reply::Continue]), "{replies:?}");
    let (last, waiting) = replies[2..].split_last().unwrap();
    assert_eq!(last, &Reply::Continue);
    assert!(waiting.len() >= 3 && waiting.iter().all(|reply| *reply == Reply::Progress), "{waiting:?}");
    house.close().await;
}

#[tokio::test]
async fn a_gate_that_hangs_is_given_up() {
    let house = open(&Settings { patience: Duration::from_millis(50), ..local() });
    let mut client = house.client().await;
    let outcome = send(&mut client, "slow").await;
    assert!(matches!(outcome, Outcome::Tempfail { code: 451, .. }), "{outcome:?}");
    assert_eq!(send(&mut client, "none").await, accepted());
    assert_eq!(house.counters.snapshot().expired, 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eleven_hundred_at_once() {
    let house = open(&local());
    let mut clients = Vec::new();
    for _ in 0..1_100 {
        clients.push(house.client().await);
    }
    assert_eq!(house.counters.snapshot().open, 1_100);
    let sending = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let outcomes = [send(&mut client, "none").await, send(&mut client, "none").await];
            client.quit().await.unwrap();
            outcomes
        })
    });
    for sent in sending.collect::<Vec<_>>() {
        assert_eq!(soon(sent).await.unwrap(), [accepted(), accepted()]);
    }
    let counts = house.counters.snapshot();
    assert_eq!((counts.delivered, counts.crowded), (2_200, 0));
    house.close().await;
}

#[tokio::test]
async fn above_the_cap_mail_is_deferred_and_above_the_hard_cap_it_waits() {
    let house = open(&Settings { max_connections: 1, overflow: 1, ..local() });
    let mut first = house.client().await;
    assert_eq!(send(&mut first, "none").await, accepted());
    let mut second = house.client().await;
    for _ in 0..2 {
        let outcome = send(&mut second, "none").await;
        assert!(matches!(outcome, Outcome::Tempfail { code: 451, .. }), "{outcome:?}");
    }
    let address = house.addresses[0].clone();
    let third = tokio::spawn(async move { Client::connect(&address).await });
    sleep(Duration::from_millis(100)).await;
    assert!(!third.is_finished(), "above the hard cap nobody is served");
    first.quit().await.unwrap();
    second.quit().await.unwrap();
    let mut third = soon(third).await.unwrap().unwrap();
    soon(async {
        // The place is free once both are gone; the third came while one may still have been leaving.
        while send(&mut third, "none").await != accepted() {
            third = house.client().await;
        }
    })
    .await;
    assert!(house.counters.snapshot().crowded >= 1);
    house.close().await;
}

#[tokio::test]
async fn a_shutdown_finishes_the_message_and_ends_who_is_idle() {
    let folder = tempfile::tempdir().unwrap();
    let (path, unix) = unix_in(&folder);
    let settings = Settings { listen: [local().listen, unix.listen].concat(), ..Settings::default() };
    let house = open(&settings);
    let mut idle = house.client().await;
    let mut busy = house.raw().await;
    let mail = Command::Mail(Arguments(b"<a@b.example>\0"));
    let rcpt = Command::Rcpt(Arguments(b"<a@b.example>\0"));
    busy.say(&[Command::Negotiate(Offer::POSTFIX), mail, rcpt, Command::Data]).await;
    for _ in 0..2 {
        busy.hear().await.unwrap();
    }
    house.stop.send(true).unwrap();
    let closed = soon(idle.send(&MAIL, &letter("none"))).await;
    assert!(closed.is_err_and(|error| error.is_temporary()), "an idle connection is closed");
    assert!(!house.task.is_finished(), "a message is under way");
    assert!(soon(Client::connect(&house.addresses[0])).await.is_err(), "nobody new");
    busy.say(&[Command::Header { name: b"X-Test", value: b" block" }]).await;
    busy.say(&[Command::EndOfHeaders, Command::Body(b"x"), Command::EndOfBody(b"")]).await;
    assert!(matches!(busy.hear().await, Some(Reply::Code(_))), "the message is finished");
    assert_eq!(busy.hear().await, None, "and then the connection ends");
    drop(busy);
    soon(house.task).await.unwrap();
    assert!(!path.exists(), "the socket file goes with the door");
}

#[tokio::test]
async fn socket_files() {
    let folder = tempfile::tempdir().unwrap();
    let (path, settings) = unix_in(&folder);
    // Left by a crash: a socket without a listener.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let house = open(&settings);
    let metadata = std::fs::symlink_metadata(&path).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o660);
    let seen = Seen::default();
    let second = Door::bind(&settings, gate(&seen)).err().expect("somebody answers there");
    assert_eq!(second.kind(), std::io::ErrorKind::AddrInUse);
    assert!(second.to_string().contains("milter.sock"), "{second}");
    assert_eq!(send(&mut house.client().await, "none").await, accepted());
    house.close().await;
    assert!(!path.exists());
    std::fs::File::create(&path).unwrap();
    let third = Door::bind(&settings, gate(&seen)).err().expect("a file that is no socket");
    assert_eq!(third.kind(), std::io::ErrorKind::AlreadyExists);
    assert!(path.exists(), "somebody's file is left alone");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let house = open(&local());
    let settings = Settings { listen: house.addresses.clone(), ..Settings::default() };
    let error = Door::bind(&settings, gate(&Seen::default())).err().expect("the port is taken");
    assert!(error.to_string().contains(&house.addresses[0].to_string()), "{error}");
    house.close().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_dead_one_too() {
    let settings =
        Settings { idle: Duration::from_millis(50), stalled: Duration::from_millis(200), ..local() };
    let house = open(&settings);
    let mut raw = house.raw().await;
    raw.say(&[Command::Negotiate(Offer::POSTFIX)]).await;
    assert_eq!(raw.hear_out().await.len(), 1, "idle");
    let mut raw = house.raw().await;
    raw.say(&[Command::Negotiate(Offer::POSTFIX), Command::Mail(Arguments(b"<a@b.example>\0"))]).await;
    raw.hear().await.unwrap();
    sleep(Duration::from_millis(100)).await;
    raw.say(&[Command::Rcpt(Arguments(b"<a@b.example>\0")), Command::Data]).await;
    assert_eq!(raw.hear().await, Some(Reply::Continue), "patient within a message");
    assert_eq!(raw.hear_out().await, [], "not for ever");
    // The alarm of a message must not ring for the pause behind it, nor the other way round.
    let mut raw = house.raw().await;
    raw.say(&[Command::Negotiate(Offer::POSTFIX), Command::Mail(Arguments(b"<a@b.example>\0"))]).await;
    raw.hear().await.unwrap();
    sleep(Duration::from_millis(20)).await;
    raw.say(&[Command::Abort]).await;
    let start = std::time::Instant::now();
    assert_eq!(raw.hear_out().await, []);
    assert!(start.elapsed() < Duration::from_millis(150), "{:?}", start.elapsed());
    house.close().await;
}

/// Counts the writes that the connection makes.
struct Counting {
    inner: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.writes.fetch_add(1, SeqCst);
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl Peer for Counting {}

#[tokio::test]
async fn all_replies_at_the_end_of_a_body_are_one_write() {
    for (test, replies) in [(&b" hold"[..], 2), (b" reroute", 2), (b" block", 1)] {
        let writes = Arc::new(AtomicUsize::new(0));
        let (mut mta, inner) = tokio::io::duplex(1 << 20);
        let desk =
            Desk { gate: gate(&Seen::default()), settings: local(), counters: Arc::new(Counters::default()) };
        let (_stop, stopped) = watch::channel(false);
        let counting = Counting { inner, writes: Arc::clone(&writes) };
        let task = tokio::spawn(Connection::new(counting, Arc::new(desk), false).run(stopped));
        let rcpt = Command::Rcpt(Arguments(b"<a@b.example>\0"));
        let opening = [
            Command::Negotiate(Offer::POSTFIX),
            Command::Mail(Arguments(b"<a@b.example>\0")),
            rcpt,
            Command::Macro(Macros { stage: b'T', pairs: b"i\x004Xabc\0" }),
            Command::Data,
        ];
        mta.write_all(&encoded(&opening)).await.unwrap();
        let mut inbox = Vec::new();
        let count = async |inbox: &mut Vec<u8>, mta: &mut DuplexStream, wanted: usize| {
            let mut heard = 0;
            while heard < wanted {
                while let Some((_, size)) = split(inbox).unwrap() {
                    inbox.drain(..size);
                    heard += 1;
                }
                if heard < wanted {
                    mta.read_buf(inbox).await.unwrap();
                }
            }
        };
        soon(count(&mut inbox, &mut mta, 2)).await;
        assert_eq!(writes.load(SeqCst), 1, "pipelined commands are answered together");
        let header = Command::Header { name: b"X-Test", value: test };
        mta.write_all(&encoded(&[header, Command::EndOfHeaders, Command::EndOfBody(b"")])).await.unwrap();
        soon(count(&mut inbox, &mut mta, replies)).await;
        assert_eq!(writes.load(SeqCst), 2, "{}", String::from_utf8_lossy(test));
        mta.write_all(&encoded(&[Command::Quit])).await.unwrap();
        drop(mta);
        soon(task).await.unwrap();
    }
}
