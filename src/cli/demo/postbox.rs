//! The mail server of the demo's DPOs: takes letters on a loopback port and hands them to be shown.
//!
//! Speaks just enough SMTP (RFC 5321 §4.5.1) for our own notices. No relay, no disk.

use mailparse::MailHeaderMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// More than any notice.
const LARGEST: u64 = 256 * 1024;

/// A letter as a reader sees it.
pub(super) struct Letter {
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) body: String,
}

pub(super) struct Postbox {
    address: SocketAddr,
    letters: mpsc::Receiver<Letter>,
}

impl Postbox {
    pub(super) async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, letters) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone()));
            }
        });
        Ok(Self { address, letters })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next letter; `None` when none comes in time.
    pub(super) async fn next(&mut self, patience: Duration) -> Option<Letter> {
        tokio::time::timeout(patience, self.letters.recv()).await.ok().flatten()
    }
}

async fn serve(stream: TcpStream, letters: mpsc::Sender<Letter>) {
    // A sender that breaks off sends again; nothing to tell here.
    drop(talk(stream, letters).await);
}

async fn talk(stream: TcpStream, letters: mpsc::Sender<Letter>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read.take(LARGEST));
    let mut line = Vec::new();
    write.write_all(b"220 demo ESMTP\r\n").await?;
    loop {
        line.clear();
        if read.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        if verb == b"DATA" {
            write.write_all(b"354 go on\r\n").await?;
            let mut data = Vec::new();
            loop {
                line.clear();
                if read.read_until(b'\n', &mut line).await? == 0 {
                    return Ok(());
                }
                if line == b".\r\n" {
                    break;
                }
                // RFC 5321 §4.5.2: a leading dot was doubled.
                data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
            if let Some(letter) = open(&data) {
                drop(letters.send(letter).await);
            }
        }
        write.write_all(if verb == b"QUIT" { b"221 bye\r\n" } else { b"250 ok\r\n" }).await?;
    }
}

fn open(data: &[u8]) -> Option<Letter> {
    let mail = mailparse::parse_mail(data).ok()?;
    Some(Letter {
        to: mail.headers.get_first_value("To")?,
        subject: mail.headers.get_first_value("Subject")?,
        // The text stands first; what is attached is for programs.
        body: mail.subparts.first().unwrap_or(&mail).get_body().ok()?,
    })
}
