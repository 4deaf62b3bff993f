//! Any bytes from an SMTP or LMTP client: codec and session come to an end; and however the bytes are cut, the door answers
//! the same, and the next hop and the spool have the same mails, each as it stands in the bytes, and no yes without one of
//! them. The first byte says how to cut.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;
#[path = "../shared/house.rs"]
mod house;

use brevdue::intake::smtp::{Door, Settings, swallow, undotted};
use brevdue::outlet::smtp::Place;
use brevdue::policy::LeakAction;
use brevdue::seal::keyfile::DpoPair;
use brevdue::spool::held::Holding;
use brevdue::spool::recover::survey;
use std::cell::RefCell;
use std::io::Read;
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
        for kept in ["held", "evidence"] {
            drop(std::fs::remove_dir_all(house::folder().join(kept)));
        }
        let pair = DpoPair::from_secret(house::SECRET).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (path, hop) = (house::folder().join("smtp.sock"), house::folder().join("hop.sock"));
        let mut settings = Settings::to(Place::Unix(hop.clone()));
        settings.listen = vec![format!("unix:{}", path.display()).parse().unwrap()];
        settings.spool = house::folder();
        let (stop, stopped) = watch::channel(false);
        let mails = Mails::default();
        runtime.block_on(async {
            let door = Door::bind(&settings, house::gate(LeakAction::Hold, Some(pair.public))).unwrap();
            tokio::spawn(door.run(stopped));
            tokio::spawn(next_hop(hop, Arc::clone(&mails)));
        });
        Self { runtime, path, mails, _stop: stop, talks: 0 }
    }

    /// What the door says, what the hop gets, and what is held.
    fn talk(&self, pieces: &[&[u8]]) -> Heard {
        let said = self.runtime.block_on(house::talk(&self.path, pieces));
        let mails = std::mem::take(&mut *self.mails.lock().unwrap());
        let relayed = mails.iter().map(|mail| undotted([&mail[2..]]).0).collect();
        let holding = Holding::below(&house::folder());
        let mut held: Vec<(Vec<String>, Vec<u8>)> = Vec::new();
        for lying in survey(&holding).unwrap().held {
            let mut opened = holding.open(&lying.id, house::SECRET).ok().unwrap();
            let mut mail = Vec::new();
            opened.mail.read_to_end(&mut mail).unwrap();
            held.push((opened.cover.recipients.into_iter().map(|(to, _)| to).collect(), mail));
            holding.remove(&lying.id).unwrap();
        }
        held.sort();
        Heard { said: without_names(&said), relayed, held }
    }
}

/// What became of a talk.
#[derive(PartialEq, Eq)]
struct Heard {
    said: String,
    relayed: Vec<Vec<u8>>,
    /// Its recipients and its bytes.
    held: Vec<(Vec<String>, Vec<u8>)>,
}

const HELD: &str = "Held for approval as ";

/// A held mail gets a name by chance.
fn without_names(said: &[u8]) -> String {
    let said = String::from_utf8(said.to_vec()).expect("replies are text");
    let mut parts = said.split(HELD);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + HELD + &part[16..])
}

async fn next_hop(path: PathBuf, mails: Mails) {
    drop(std::fs::remove_file(&path));
    let listener = UnixListener::bind(&path).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let mails = Arc::clone(&mails);
        tokio::spawn(async move { drop(take_all(stream, mails).await) });
    }
}

/// A server that takes everything, but no recipient at `no.example` and no mail that asks not to be taken.
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
                let asks = |word: &[u8]| mail.windows(word.len()).any(|window| window == word);
                if asks(b"hop-cut") {
                    return Ok(());
                } else if asks(b"hop-no") {
                    "550 5.7.1 no\r\n"
                } else if asks(b"hop-later") {
                    "451 4.7.1 later\r\n"
                } else {
                    mails.lock().unwrap().push(mail);
                    "250 2.0.0 Ok: queued as 4bXq1z3kTnz9\r\n"
                }
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

/// Whether a mail is what stands behind some line of the client's, to the end of a mail. What comes in chunks stands apart and
/// is not looked for.
fn stands_in(mail: &[u8], bytes: &[u8]) -> bool {
    let starts = (1..=bytes.len()).filter(|at| bytes[..*at].ends_with(b"\r\n"));
    let mut contents = starts.map(|at| undotted([&bytes[at..]]));
    bytes.to_ascii_uppercase().windows(4).any(|four| four == b"BDAT")
        || contents.any(|(content, ended, _)| ended.is_some() && content == mail)
}

/// A yes for each mail that was kept or handed on, and none for another. Over LMTP there is one for each recipient.
fn check_custody(heard: &Heard) {
    let yes = |word: &str| heard.said.matches(word).count();
    for (word, kept) in [(HELD, heard.held.len()), ("queued as", heard.relayed.len())] {
        assert!(yes(word) >= kept && (yes(word) > 0) == (kept > 0), "{kept} for {} of {word:?}", yes(word));
    }
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
        let (whole, cut) = (house.talk(&[bytes]), house.talk(&pieces));
        assert_eq!(cut.said, whole.said);
        assert!(
            cut == whole,
            "{} mails handed on and {} held are others",
            whole.relayed.len(),
            whole.held.len()
        );
        check_replies(whole.said.as_bytes(), &house.path);
        check_custody(&whole);
        let mut mails = whole.relayed.iter().chain(whole.held.iter().map(|(_, mail)| mail));
        assert!(mails.all(|mail| stands_in(mail, bytes)), "a mail is kept as it came");
    });
});
