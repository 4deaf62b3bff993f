//! A stand-in for the next hop only: it takes mail over SMTP (or LMTP, where it is greeted so) on loopback, keeps it, and can be told to fail.
//!
//! It is not a mail server and proves nothing about one: it checks no syntax and never sends mail on. What it can show is what
//! a relay handed over, under which envelope, and whether over TLS. Start reading at [`Sink`]; a session is [`Talk`].

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::identity::Identity;
use super::{Port, Trouble, wait_until};

/// A message as it was handed over. It is here once the sink has decided to keep it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The envelope sender, without `<>`; empty for a bounce.
    pub(crate) from: String,
    pub(crate) rcpts: Vec<String>,
    /// The message, dots unstuffed, line ends as they came.
    pub(crate) data: Vec<u8>,
    /// Whether the session was under TLS when the message came.
    pub(crate) tls: bool,
}

/// How the sink behaves; each session looks again at each step, so a change takes hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Takes everything.
    Up,
    /// 421 to every connection, 451 to what comes on sessions already open.
    Down,
    /// Fails at one step and takes everything before it.
    Fail(Step, Fault),
}

/// A point of a session where the sink can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Connect,
    Ehlo,
    StartTls,
    Mail,
    Rcpt,
    Data,
    /// The message has been read; the reply to the closing dot.
    End,
}

/// What goes wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A reply with this code.
    Reply(u16),
    /// No reply, until the mode changes or the sink stops; then the connection is closed.
    Hang,
    /// The connection is closed without a word.
    Cut,
    /// At [`Step::End`]: the message is kept, and the connection closed before the 250. The sender cannot know.
    KeepAndCut,
}

/// How a sink begins.
#[derive(Debug, Clone)]
pub(crate) struct SinkOptions {
    /// Offers STARTTLS with this identity; `None` does not offer it.
    pub(crate) starttls: Option<Identity>,
    pub(crate) mode: Mode,
}

impl Default for SinkOptions {
    fn default() -> Self {
        Self { starttls: None, mode: Mode::Up }
    }
}

/// The running stand-in. It keeps its port while it lives, also while it is stopped.
pub(crate) struct Sink {
    port: Port,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Sink {
    pub(crate) fn start(options: SinkOptions) -> Result<Self, Trouble> {
        let shared = Shared {
            stopped: AtomicBool::new(true),
            starttls: options.starttls.map(Identity::into_server_config),
            state: Mutex::new(State {
                mode: options.mode,
                received: Vec::new(),
                commands: Vec::new(),
                open: HashMap::new(),
                sessions: 0,
            }),
        };
        let mut sink = Self { port: Port::claim()?, shared: Arc::new(shared), listener: None };
        sink.restart()?;
        Ok(sink)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.shared.state().mode = mode;
    }

    /// Refuses connections from now on and cuts those that are open. What was received stays.
    pub(crate) fn stop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        if let Some(listener) = self.listener.take() {
            // accept() has no other way to be woken; the listener may have died on its own, so both may fail.
            TcpStream::connect(self.addr()).ok();
            listener.join().ok();
        }
        for (_, stream) in self.shared.state().open.drain() {
            // Fails when the peer was faster.
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    /// Listens again on the same port.
    pub(crate) fn restart(&mut self) -> Result<(), Trouble> {
        self.stop();
        let listener = TcpListener::bind(self.addr())
            .map_err(Trouble::while_doing(format_args!("the sink on {}", self.addr())))?;
        self.shared.stopped.store(false, Ordering::SeqCst);
        let shared = Arc::clone(&self.shared);
        self.listener = Some(std::thread::spawn(move || listen(&listener, &shared)));
        Ok(())
    }

    /// All that has been received, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// How many have been received.
    pub(crate) fn count(&self) -> usize {
        self.shared.state().received.len()
    }

    /// Every command line of every session: what a peer said before it gave up.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.shared.state().commands.clone()
    }

    /// Waits until `n` messages are here, and gives all there are.
    pub(crate) fn wait_for(&self, n: usize, timeout: Duration) -> Result<Vec<Received>, Trouble> {
        wait_until(timeout, || Some(self.received()).filter(|all| all.len() >= n)).ok_or_else(|| {
            let (here, said) = (self.received().len(), self.commands().join("\n  "));
            Trouble::new(format!(
                "the sink has {here} messages, not {n}, after {timeout:?}; it heard:\n  {said}"
            ))
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Shared {
    stopped: AtomicBool,
    starttls: Option<Arc<ServerConfig>>,
    state: Mutex<State>,
}

struct State {
    mode: Mode,
    received: Vec<Received>,
    commands: Vec<String>,
    open: HashMap<u64, TcpStream>,
    sessions: u64,
}

impl Shared {
    /// A session that panicked leaves nothing half done, so its poison is no reason to stop.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        let number = {
            let mut state = shared.state();
            state.sessions += 1;
            let number = state.sessions;
            state.open.insert(number, handle);
            number
        };
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A peer that goes away mid-session is its own business; what it said is in `commands`.
            Talk::run(stream, &shared).ok();
            shared.state().open.remove(&number);
        });
    }
}

/// The bytes of a session, before and after STARTTLS.
enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// One session.
struct Talk<'a> {
    wire: BufReader<Wire>,
    shared: &'a Shared,
    tls: bool,
    /// Greeted by LHLO: an answer for each recipient, and a no for those at `no.example`.
    lmtp: bool,
    from: String,
    rcpts: Vec<String>,
}

impl Talk<'_> {
    fn run(stream: TcpStream, shared: &Shared) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let wire = BufReader::new(Wire::Plain(stream));
        let mut talk = Talk { wire, shared, tls: false, lmtp: false, from: String::new(), rcpts: Vec::new() };
        if !talk.answer(Step::Connect, "220 sink.example ESMTP")? {
            return Ok(());
        }
        loop {
            let raw = talk.line()?;
            let line = String::from_utf8_lossy(&raw).trim_end().to_owned();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            shared.state().commands.push(line.clone());
            match verb.as_str() {
                "EHLO" | "HELO" | "LHLO" => {
                    talk.lmtp = verb == "LHLO";
                    let offer = if shared.starttls.is_some() && !talk.tls { "250-STARTTLS\r\n" } else { "" };
                    let hello =
                        format!("250-sink.example\r\n{offer}250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE");
                    talk.answer(Step::Ehlo, &hello)?;
                }
                "STARTTLS" => talk = talk.start_tls()?,
                "MAIL" => {
                    (talk.from, talk.rcpts) = (path_of(&line), Vec::new());
                    talk.answer(Step::Mail, "250 2.1.0 Ok")?;
                }
                "RCPT" => {
                    if talk.answer(Step::Rcpt, "250 2.1.5 Ok")? {
                        talk.rcpts.push(path_of(&line));
                    }
                }
                "DATA" => {
                    if talk.answer(Step::Data, "354 go on")? {
                        talk.message()?;
                    }
                }
                "QUIT" => return talk.say("221 2.0.0 Bye"),
                "RSET" | "NOOP" => talk.say("250 2.0.0 Ok")?,
                _ => talk.say("502 5.5.1 not known here")?,
            }
        }
    }

    /// Reads to the closing dot, and keeps the message when the answer is yes.
    fn message(&mut self) -> io::Result<()> {
        let mut data = Vec::new();
        loop {
            let line = self.line()?;
            if line == b".\r\n" || line == b".\n" {
                break;
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        if self.lmtp {
            return self.answer_each(data);
        }
        let received = Received { from: self.from.clone(), rcpts: self.rcpts.clone(), data, tls: self.tls };
        // Kept before it is answered: a peer that has the 250 must find it in `received`.
        if matches!(self.fault(Step::End), None | Some(Fault::KeepAndCut)) {
            self.shared.state().received.push(received);
        }
        self.answer(Step::End, "250 2.0.0 kept").map(drop)
    }

    /// RFC 2033 §4.2. A fault here is for all but the first recipient, who is taken.
    fn answer_each(&mut self, data: Vec<u8>) -> io::Result<()> {
        if self.fault(Step::End).is_some() {
            for (nth, to) in self.rcpts.clone().into_iter().enumerate() {
                let fault = self.fault(Step::End).filter(|_| nth > 0);
                if matches!(fault, None | Some(Fault::KeepAndCut)) {
                    let (from, data) = (self.from.clone(), data.clone());
                    self.shared.state().received.push(Received {
                        from,
                        rcpts: vec![to],
                        data,
                        tls: self.tls,
                    });
                }
                if nth == 0 {
                    self.say("250 2.0.0 kept")?;
                } else {
                    self.answer(Step::End, "250 2.0.0 kept")?;
                }
            }
            return Ok(());
        }
        let (no, yes): (Vec<_>, Vec<_>) =
            self.rcpts.iter().cloned().partition(|to| to.ends_with("@no.example"));
        if !yes.is_empty() {
            let received = Received { from: self.from.clone(), rcpts: yes, data, tls: self.tls };
            self.shared.state().received.push(received);
        }
        for to in self.rcpts.clone() {
            self.say(if no.contains(&to) { "550 5.1.1 nobody here" } else { "250 2.0.0 kept" })?;
        }
        Ok(())
    }

    fn start_tls(mut self) -> io::Result<Self> {
        let Some(config) = self.shared.starttls.clone() else {
            self.say("502 5.5.1 no TLS here")?;
            return Ok(self);
        };
        if !self.answer(Step::StartTls, "220 2.0.0 go on")? {
            return Ok(self);
        }
        // What was sent in the clear after STARTTLS must not be taken for what comes under TLS.
        if !self.wire.buffer().is_empty() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let Wire::Plain(stream) = self.wire.into_inner() else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = stream;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        let wire = Wire::Tls(Box::new(StreamOwned::new(connection, stream)));
        Ok(Self { wire: BufReader::new(wire), tls: true, ..self })
    }

    /// The fault that stands at this step now.
    fn fault(&self, step: Step) -> Option<Fault> {
        let mode = self.shared.state().mode;
        match mode {
            Mode::Up => None,
            Mode::Down => Some(Fault::Reply(if step == Step::Connect { 421 } else { 451 })),
            Mode::Fail(at, fault) => (at == step).then_some(fault),
        }
    }

    /// Says yes, or does what the mode wants here. True for yes; an error ends the session.
    fn answer(&mut self, step: Step, yes: &str) -> io::Result<bool> {
        match self.fault(step) {
            None => self.say(yes).map(|()| true),
            Some(Fault::Reply(code)) => {
                self.say(&format!("{code} {}.3.2 as told by the test", code / 100)).map(|()| false)
            }
            Some(Fault::Cut | Fault::KeepAndCut) => Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::Hang) => {
                while !self.shared.stopped() && self.fault(step) == Some(Fault::Hang) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let wire = self.wire.get_mut();
        wire.write_all(format!("{line}\r\n").as_bytes())?;
        wire.flush()
    }

    /// A line with its end; an error when the peer has gone.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.wire.read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// What stands between `<` and `>` in MAIL or RCPT.
fn path_of(line: &str) -> String {
    let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
    path.to_owned()
}
