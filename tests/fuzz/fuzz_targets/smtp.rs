//! Any bytes from an SMTP or LMTP client: codec and session come to an end; and however the bytes are cut, the door answers
//! the same and the next hop gets the same mails, each as it stands in the bytes. The first byte says how to cut.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;
#[path = "../shared/house.rs"]
mod house;

use brevdue::intake::smtp::{Door, Settings, swallow, undotted};
use brevdue::outlet::smtp::Place;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// What the next hop took, dots and all.
type Mails = Arc<Mutex<Vec<Vec<u8>>>>;

struct House {
    runtime: Runtime,
    path: PathBuf,
    mails: Mails,
    _stop: watch::Sender<bool>,
    talks: usize,
}

impl House {
    /// With a register that is empty again.
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (path, hop) = (house::folder().join("smtp.sock"), house::folder().join("hop.sock"));
        let mut settings = Settings::to(Place::Unix(hop.clone()));
        settings.listen = vec![format!("unix:{}", path.display()).parse().unwrap()];
        settings.spool = house::folder();
        let (stop, stopped) = watch::channel(false);
        let mails = Mails::default();
        runtime.block_on(async {
            let door = Door::bind(&settings, house::gate()).unwrap();
            tokio::spawn(door.run(stopped));
            tokio::spawn(next_hop(hop, Arc::clone(&mails)));
        });
        Self { runtime, path, mails, _stop: stop, talks: 0 }
    }

    /// What the door says, and what the hop gets.
    fn talk(&self, pieces: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let said = self.runtime.block_on(house::talk(&self.path, pieces));
        (said, std::mem::take(&mut *self.mails.lock().unwrap()))
    }
}

async fn next_hop(path: PathBuf, mails: Mails) {
    drop(std::fs::remove_file(&path));
    let listener = UnixListener::bind(&path).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let mails = Arc::clone(&mails);
        tokio::spawn(async move { drop(take_all(stream, mails).await) });
    }
}

/// A server that takes everything, but no recipient at `no.example`.
async fn take_all(mut stream: UnixStream, mails: Mails) -> std::io::Result<()> {
    let (reads, mut writes) = stream.split();
    let mut reads = BufReader::new(reads);
    writes.write_all(b"220 hop\r\n").await?;
    loop {
        let mut line = String::new();
        if reads.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" => "250-hop\r\n250-8BITMIME\r\n250-SIZE 100000\r\n250-XFORWARD NAME ADDR\r\n250 DSN\r\n",
            "RCPT" if line.contains("@no.example") => "550 5.1.1 no\r\n",
            "DATA" => {
                writes.write_all(b"354 go on\r\n").await?;
                let mut mail = b"\r\n".to_vec();
                while !mail.ends_with(b"\r\n.\r\n") {
                    mail.push(reads.read_u8().await?);
                }
                mails.lock().unwrap().push(mail);
                "250 2.0.0 Ok: queued as 4bXq1z3kTnz9\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 2.0.0 Ok\r\n",
        };
        writes.write_all(reply.as_bytes()).await?;
    }
}

thread_local! {
    static HOUSE: RefCell<Option<House>> = const { RefCell::new(None) };
}

/// Whether a mail as the hop got it is what stands behind some line of the client's, to the end of a mail. What comes in
/// chunks stands apart and is not looked for.
fn stands_in(mail: &[u8], bytes: &[u8]) -> bool {
    let mail = undotted([&mail[2..]]).0;
    let starts = (1..=bytes.len()).filter(|at| bytes[..*at].ends_with(b"\r\n"));
    let mut contents = starts.map(|at| undotted([&bytes[at..]]));
    bytes.to_ascii_uppercase().windows(4).any(|four| four == b"BDAT")
        || contents.any(|(content, ended, _)| ended.is_some() && content == mail)
}

/// Every reply is whole, and none of them says two things.
fn check_replies(said: &[u8], path: &Path) {
    let mut rest = said;
    while !rest.is_empty() {
        let (_, used) = brevdue::outlet::reply::take(rest).unwrap().expect("a reply is whole");
        rest = &rest[used..];
    }
    assert!(said.starts_with(b"220 "), "{}", path.display());
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((bytes, pieces)) = cut::cut(input) else { return };
    swallow(bytes);
    HOUSE.with_borrow_mut(|house| {
        if house.as_ref().is_none_or(|house| house.talks > 10_000) {
            drop(house.take());
        }
        let house = house.get_or_insert_with(House::new);
        house.talks += 1;
        let (said, mails) = house.talk(&[bytes]);
        let (said_cut, mails_cut) = house.talk(&pieces);
        assert_eq!(said_cut.escape_ascii().to_string(), said.escape_ascii().to_string());
        assert_eq!(mails_cut, mails);
        check_replies(&said, &house.path);
        assert!(mails.iter().all(|mail| stands_in(mail, bytes)), "a mail goes on as it came");
    });
});
