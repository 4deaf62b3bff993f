//! A mail server that speaks the milter protocol as Postfix does, and nothing of Brevdue's: blocking sockets, one thread a
//! connection, one message after the other.
//!
//! *As Postfix does*: macros before every event, the events and answers that were agreed on, a body in chunks of 65,535
//! bytes, an ABORT after each message that waits for the next flush, and writes of a stream that buffers: it is
//! flushed when it is full and when an answer is waited for. Its buffer has 4,096 bytes on a unix socket, and four times
//! the MSS by TCP.
//! Start reading at [`Plan::run`]. What is measured of the filter's process is in `process.rs`.

pub(crate) mod behind;
pub(crate) mod blind;
pub(crate) mod process;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use brevdue::intake::ListenAddr;

/// The most that Postfix puts into one body chunk.
const CHUNK: usize = 65_535;
/// Messages that a connection carries before the SMTP client, and with it the connection, goes.
const MESSAGES: u32 = 100;

/// The bits of a negotiation that matter here (SMFIP_*, SMFIF_*).
pub(crate) mod bit {
    pub(crate) const NO_REPLY_HEADER: u32 = 1 << 7;
    pub(crate) const NO_UNKNOWN: u32 = 1 << 8;
    pub(crate) const NO_REPLY_CONNECT: u32 = 1 << 12;
    pub(crate) const NO_REPLY_HELO: u32 = 1 << 13;
    pub(crate) const NO_REPLY_MAIL: u32 = 1 << 14;
    pub(crate) const NO_REPLY_RCPT: u32 = 1 << 15;
    pub(crate) const NO_REPLY_DATA: u32 = 1 << 16;
    pub(crate) const NO_REPLY_END_OF_HEADERS: u32 = 1 << 18;
    pub(crate) const NO_REPLY_BODY: u32 = 1 << 19;
    pub(crate) const LEADING_SPACE: u32 = 1 << 20;
    pub(crate) const SET_MACROS: u32 = 1 << 8;
    /// What Postfix offers.
    pub(crate) const ALL_ACTIONS: u32 = 0x1ff;
    pub(crate) const ALL_PROTOCOL: u32 = 0x1f_ffff;
}

/// What a round of load is.
pub(crate) struct Plan<'a> {
    pub(crate) address: &'a ListenAddr,
    pub(crate) mail: &'a [u8],
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    /// Bytes a write; `None` for as many as Postfix has.
    pub(crate) write: Option<usize>,
}

/// What a round of load has shown.
pub(crate) struct Seen {
    pub(crate) took: Duration,
    /// One a message: from the end of the body, sent, to the verdict, read.
    pub(crate) waits: Vec<Duration>,
}

impl Plan<'_> {
    /// Every connection sends at least one message, and goes on until the time is up; all begin together.
    pub(crate) fn run(&self) -> io::Result<Seen> {
        let barrier = Barrier::new(self.connections + 1);
        std::thread::scope(|scope| {
            let one = || {
                let opened = Mta::open(self.address, self.mail, self.write);
                // Waited for also by who has failed: the others stand there.
                barrier.wait();
                self.talk(opened?)
            };
            let threads: Vec<_> = (0..self.connections).map(|_| scope.spawn(one)).collect();
            barrier.wait();
            let start = Instant::now();
            let mut waits = Vec::new();
            for thread in threads {
                waits.extend(thread.join().map_err(|_| io::Error::other("a thread of the load panicked"))??);
            }
            Ok(Seen { took: start.elapsed(), waits })
        })
    }

    fn talk(&self, mut mta: Mta) -> io::Result<Vec<Duration>> {
        let start = Instant::now();
        let mut waits = Vec::new();
        while waits.is_empty() || start.elapsed() < self.time {
            if mta.sent == MESSAGES {
                mta.quit()?;
                mta = Mta::open(self.address, self.mail, self.write)?;
            }
            waits.push(mta.send()?);
        }
        mta.quit()?;
        Ok(waits)
    }
}

trait Socket: Read + Write + Send {}
impl<T: Read + Write + Send> Socket for T {}

/// One connection of the mail server.
struct Mta {
    stream: Box<dyn Socket>,
    buffer: usize,
    /// What is flushed at once; an answer is waited for after those that say so.
    script: Vec<(Vec<u8>, bool)>,
    sent: u32,
}

impl Mta {
    fn open(address: &ListenAddr, mail: &[u8], write: Option<usize>) -> io::Result<Self> {
        let (stream, buffer): (Box<dyn Socket>, usize) = match address {
            // Nagle stays on, as in Postfix.
            ListenAddr::Tcp(at) => {
                let stream = TcpStream::connect(at)?;
                let mss = socket2::SockRef::from(&stream).tcp_mss()?;
                (Box::new(stream), usize::try_from(mss).unwrap_or(65_483) * 4)
            }
            ListenAddr::Unix(path) => (Box::new(UnixStream::connect(path)?), 4096),
        };
        let mut mta = Self { stream, buffer: write.unwrap_or(buffer), script: Vec::new(), sent: 0 };
        let mut out = Vec::new();
        let offer = [6, bit::ALL_ACTIONS, bit::ALL_PROTOCOL].map(u32::to_be_bytes).concat();
        frame(&mut out, b'O', &[&offer]);
        mta.write(&out)?;
        let terms = Terms::read(&mta.answer()?)?;
        for (tag, payload, waiver) in [
            (b'C', &b"mail.kommune.example\x004\x9c\x40192.0.2.7\0"[..], bit::NO_REPLY_CONNECT),
            (b'H', b"mail.kommune.example\0", bit::NO_REPLY_HELO),
        ] {
            out.clear();
            terms.event(&mut out, tag, &[payload]);
            mta.write(&out)?;
            if !terms.waives(waiver) {
                mta.go_on()?;
            }
        }
        mta.script = terms.script(mail);
        Ok(mta)
    }

    /// Sends the message; how long its verdict took.
    fn send(&mut self) -> io::Result<Duration> {
        let script = std::mem::take(&mut self.script);
        let mut wait = Duration::ZERO;
        for (bytes, answered) in &script {
            self.write(bytes)?;
            let sent = Instant::now();
            if *answered {
                self.go_on()?;
                wait = sent.elapsed();
            }
        }
        self.script = script;
        self.sent += 1;
        Ok(wait)
    }

    fn quit(mut self) -> io::Result<()> {
        let mut out = Vec::new();
        frame(&mut out, b'A', &[]);
        frame(&mut out, b'Q', &[]);
        self.write(&out)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(self.buffer).try_for_each(|piece| self.stream.write_all(piece))
    }

    /// The next answer but "still working": its tag, and what follows.
    fn answer(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let mut length = [0; 4];
            self.stream.read_exact(&mut length)?;
            let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap_or(0)];
            self.stream.read_exact(&mut answer)?;
            if answer != b"p" {
                return Ok(answer);
            }
        }
    }

    /// The mail of this load is clean: anything but a continue is a fault of the filter or of the load.
    fn go_on(&mut self) -> io::Result<()> {
        match self.answer()?.as_slice() {
            b"c" => Ok(()),
            other => Err(io::Error::other(format!("the filter says {:?}", String::from_utf8_lossy(other)))),
        }
    }
}

/// What the filter has asked for.
struct Terms {
    protocol: u32,
    /// Names of macros by the number of their event (SMFIM_*); other events have those that Postfix sends by itself.
    macros: Vec<(u32, Vec<u8>)>,
}

impl Terms {
    fn read(answer: &[u8]) -> io::Result<Self> {
        let number = |bytes: &[u8]| bytes.first_chunk().map(|four| u32::from_be_bytes(*four));
        let short = || io::Error::other("the terms are too short");
        let (b'O', numbers) = answer.split_first().map(|(tag, rest)| (*tag, rest)).ok_or_else(short)? else {
            return Err(io::Error::other("no terms"));
        };
        let (_, rest) = numbers.split_at_checked(4).ok_or_else(short)?;
        let protocol = rest.get(4..).and_then(number).ok_or_else(short)?;
        let mut rest = rest.get(8..).unwrap_or_default();
        let mut macros = Vec::new();
        while let (Some(event), Some(names)) = (number(rest), rest.get(4..)) {
            let end = names.iter().position(|byte| *byte == 0).ok_or_else(short)?;
            macros.push((event, names[..end].to_vec()));
            rest = &names[end + 1..];
        }
        Ok(Self { protocol, macros })
    }

    fn waives(&self, bit: u32) -> bool {
        self.protocol & bit != 0
    }

    /// The macros of an event, then the event.
    fn event(&self, out: &mut Vec<u8>, tag: u8, payload: &[&[u8]]) {
        // Before a header Postfix tells the macros of the end of headers, before a chunk those of the end of the body.
        let number = match tag {
            b'C' => 0,
            b'H' => 1,
            b'M' => 2,
            b'R' => 3,
            b'T' => 4,
            b'B' | b'E' => 5,
            _ => 6,
        };
        // What Postfix sends by itself, cut to what has a value here.
        let usual = ["j _ v", "{tls_version}", "{mail_addr}", "{rcpt_addr}", "i", "i", "i"];
        let mut pairs = Vec::new();
        let mut tell = |names: &str| {
            for name in names.split([' ', ',']).filter(|name| !name.is_empty()) {
                let value = match name.trim_matches(['{', '}']) {
                    "i" if number > 2 => "4XyzAB12cd",
                    "tls_version" => "TLSv1.3",
                    "j" | "_" | "v" => "relay.kommune.example",
                    "mail_addr" | "rcpt_addr" => "bo@borger.example",
                    _ => continue,
                };
                pairs.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
            }
        };
        let list = self.macros.iter().find(|(event, _)| usize::try_from(*event) == Ok(number));
        match list {
            None => tell(usual[number]),
            Some((_, names)) => tell(&String::from_utf8_lossy(names)),
        }
        frame(out, b'D', &[&[tag], &pairs]);
        frame(out, tag, payload);
    }

    /// A message as a row of flushes, each with whether an answer is waited for.
    fn script(&self, mail: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut script = Vec::new();
        let mut out = Vec::new();
        // Of the message before; nobody flushes for it.
        frame(&mut out, b'A', &[]);
        for (tag, payload, waiver) in [
            (b'M', &b"<anna@kommune.example>\0"[..], bit::NO_REPLY_MAIL),
            (b'R', b"<bo@borger.example>\0", bit::NO_REPLY_RCPT),
            (b'T', b"", bit::NO_REPLY_DATA),
        ] {
            self.event(&mut out, tag, &[payload]);
            let answered = !self.waives(waiver);
            if answered {
                script.push((std::mem::take(&mut out), answered));
            }
        }
        let (headers, body) = take_apart(mail);
        let mut add = |out: &mut Vec<u8>, waiver: u32| {
            if !self.waives(waiver) {
                script.push((std::mem::take(out), true));
            }
        };
        for (name, value) in headers {
            let value = if self.waives(bit::LEADING_SPACE) {
                &value
            } else {
                value.strip_prefix(b" ").unwrap_or(&value)
            };
            self.event(&mut out, b'L', &[name, b"\0", value, b"\0"]);
            add(&mut out, bit::NO_REPLY_HEADER);
        }
        self.event(&mut out, b'N', &[]);
        add(&mut out, bit::NO_REPLY_END_OF_HEADERS);
        for chunk in body.chunks(CHUNK) {
            self.event(&mut out, b'B', &[chunk]);
            add(&mut out, bit::NO_REPLY_BODY);
        }
        self.event(&mut out, b'E', &[]);
        script.push((out, true));
        script
    }
}

fn frame(out: &mut Vec<u8>, tag: u8, payload: &[&[u8]]) {
    let size: usize = payload.iter().map(|piece| piece.len()).sum();
    out.extend_from_slice(&u32::try_from(size + 1).unwrap_or(u32::MAX).to_be_bytes());
    out.push(tag);
    for piece in payload {
        out.extend_from_slice(piece);
    }
}

type Header<'m> = (&'m [u8], Vec<u8>);

/// The headers of a mail made for the bench, folds as LF, and its body.
fn take_apart(mail: &[u8]) -> (Vec<Header<'_>>, &[u8]) {
    let end = mail.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(mail.len());
    let (head, body) = (&mail[..end], mail.get(end + 4..).unwrap_or_default());
    let mut headers: Vec<Header<'_>> = Vec::new();
    for line in head.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let (Some(b' ' | b'\t'), Some((_, value))) = (line.first(), headers.last_mut()) {
            value.push(b'\n');
            value.extend_from_slice(line);
        } else {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            headers.push((&line[..colon], line.get(colon + 1..).unwrap_or_default().to_vec()));
        }
    }
    (headers, body)
}
