//! A door with a scripted gate behind it, and the tools to knock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::envelope::{Envelope, Verdict};
use crate::inspect::{Gate, Scripted};
use crate::intake::counters::Counters;
use crate::intake::listen::ListenAddr;
use crate::intake::milter::packet::{Command, split};
use crate::intake::milter::reply::Reply;
use crate::intake::milter::{Client, Door, Mail, Outcome, Settings};

/// What the gate was shown: the envelope and every byte.
pub(super) type Seen = Arc<Mutex<Vec<(Envelope, Vec<u8>)>>>;

/// A gate that does what the message asks for in `X-Test:`, and remembers.
pub(super) fn gate(seen: &Seen) -> Arc<Gate> {
    let seen = Arc::clone(seen);
    Gate::for_tests(move |envelope, bytes| {
        seen.lock().unwrap().push((envelope.clone(), bytes.to_vec()));
        let asks = |what: &str| bytes.windows(what.len()).any(|window| window == what.as_bytes());
        let mut scripted = if asks("X-Test: block") {
            Scripted::of(Verdict::Block)
        } else if asks("X-Test: hold") {
            Scripted::of(Verdict::Hold)
        } else if asks("X-Test: reroute") {
            Scripted::of(Verdict::Reroute)
        } else if asks("X-Test: defer") {
            Scripted::of(Verdict::Defer)
        } else {
            Scripted::deliver()
        };
        assert!(!asks("X-Test: panic"), "asked for by the test");
        if asks("X-Test: slow") {
            scripted.delay = Duration::from_millis(400);
        }
        scripted.reply = vec!["first line".to_owned(), "100% second".to_owned()];
        scripted
    })
}

/// An open door.
pub(super) struct House {
    pub(super) addresses: Vec<ListenAddr>,
    pub(super) seen: Seen,
    pub(super) counters: Arc<Counters>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) task: JoinHandle<()>,
}

pub(super) fn local() -> Settings {
    Settings { listen: vec!["127.0.0.1:0".parse().unwrap()], ..Settings::default() }
}

pub(super) fn open(settings: &Settings) -> House {
    let seen = Seen::default();
    let door = Door::bind(settings, gate(&seen)).unwrap();
    let (stop, stopped) = watch::channel(false);
    House {
        addresses: door.local_addrs(),
        seen,
        counters: door.counters(),
        stop,
        task: tokio::spawn(door.run(stopped)),
    }
}

impl House {
    pub(super) async fn client(&self) -> Client {
        soon(Client::connect(&self.addresses[0])).await.unwrap()
    }

    pub(super) async fn raw(&self) -> Raw {
        let ListenAddr::Tcp(at) = self.addresses[0] else { panic!("a TCP door is wanted") };
        Raw { stream: TcpStream::connect(at).await.unwrap(), inbox: Vec::new() }
    }

    /// The bytes of the last message that the gate was asked about.
    pub(super) fn last(&self) -> (Envelope, Vec<u8>) {
        self.seen.lock().unwrap().last().cloned().expect("no message has reached the gate")
    }

    pub(super) async fn close(self) {
        self.stop.send(true).unwrap();
        soon(self.task).await.unwrap();
    }
}

/// Nothing in these tests takes long; a hang is a failure.
pub(super) async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), work).await.expect("a hang")
}

pub(super) const MAIL: Mail<'_> = Mail {
    sender: "a@kommune.example",
    recipients: &["b@borger.example"],
    queue_id: "4XyzAB12",
    tls: Some("TLSv1.3"),
};

pub(super) fn letter(test: &str) -> Vec<u8> {
    format!("From: a@kommune.example\r\nX-Test: {test}\r\nSubject: a\r\n folded\r\n\r\nHello\r\n")
        .into_bytes()
}

pub(super) async fn send(client: &mut Client, test: &str) -> Outcome {
    soon(client.send(&MAIL, &letter(test))).await.unwrap()
}

pub(super) fn accepted() -> Outcome {
    Outcome::Accepted { quarantined: None, added_headers: Vec::new() }
}

/// An MTA without manners: says what it is told to.
pub(super) struct Raw {
    pub(super) stream: TcpStream,
    inbox: Vec<u8>,
}

impl Raw {
    pub(super) async fn say(&mut self, commands: &[Command<'_>]) {
        self.stream.write_all(&encoded(commands)).await.unwrap();
    }

    pub(super) async fn hear(&mut self) -> Option<Reply> {
        soon(async {
            loop {
                if let Some((frame, size)) = split(&self.inbox).unwrap() {
                    let reply = Reply::decode(frame).unwrap();
                    self.inbox.drain(..size);
                    return Some(reply);
                }
                if self.stream.read_buf(&mut self.inbox).await.unwrap() == 0 {
                    return None;
                }
            }
        })
        .await
    }

    /// Everything until the door closes.
    pub(super) async fn hear_out(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(reply) = self.hear().await {
            replies.push(reply);
        }
        replies
    }
}

pub(super) fn encoded(commands: &[Command<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for command in commands {
        command.encode(&mut out);
    }
    out
}
