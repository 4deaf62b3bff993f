//! A door of the real thing on a unix socket, for a target that knocks on it again and again. Not every target uses all of it.
#![allow(dead_code)]

use brevdue::clock::{Clock, VirtualClock};
use brevdue::envelope::Controller;
use brevdue::inspect::record::Register;
use brevdue::inspect::{Gate, Setup};
use brevdue::policy::road::{Protection, Road, Roads};
use brevdue::policy::{LeakAction, Policy};
use brevdue::scan::ruleset::Ruleset;
use brevdue::seal::NodeKey;
use brevdue::spool::evidence::Evidence;
use brevdue::store::Store;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// The private key of a pair made for this, and used nowhere else.
pub const SECRET: &str = "AGE-SECRET-KEY-1QYPQXPQ9QCRSSZG2PVXQ6RS0ZQG3YYC5Z5TPWXQERGD3C8G7RUSQGPQYEE";

static RULES: LazyLock<Arc<Ruleset>> = LazyLock::new(|| Arc::new(Ruleset::built_in().unwrap()));

/// A folder of this process, in memory where there is such a place. Those of processes that are gone go.
pub fn folder() -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        for entry in std::fs::read_dir(&root).unwrap().flatten() {
            let name = entry.file_name();
            let process = name.to_str().and_then(|name| name.strip_prefix("brevdue-fuzz-"));
            if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
                drop(std::fs::remove_dir_all(entry.path()));
            }
        }
        let folder = root.join(format!("brevdue-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    });
    FOLDER.clone()
}

/// A gate with the built-in rules and an empty register in memory. What is found is dealt with so; mail can be held where there
/// is a key. To `sikker.example` the way is protected.
pub fn gate(leak: LeakAction, dpo_key: Option<String>) -> Arc<Gate> {
    let road = Road {
        domain: "sikker.example".into(),
        from: Vec::new(),
        protection: Protection::Tunnel,
        warn_persons: None,
        max_persons: None,
        line: 1,
    };
    let roads = Roads { known: vec![road], ..Roads::default() };
    let controller = Controller {
        name: "Nørreby Kommune".into(),
        cvr: "12345678".into(),
        domains: Vec::new(),
        recipients: Vec::new(),
        senders: Vec::new(),
        dpo: "dpo@kommune.example".into(),
        dpo_key,
        default: true,
    };
    let setup = Setup {
        rules: Arc::clone(&RULES),
        policy: Policy { leak, roads, ..Policy::default() },
        controllers: vec![controller],
        sources: Vec::new(),
        workers: None,
    };
    let register = Register {
        store: Arc::new(Store::open(Path::new(":memory:")).unwrap()),
        node_key: NodeKey::from_bytes([1; 32]),
        evidence: Evidence::below(&folder()),
    };
    let clock = VirtualClock::at("2026-11-02T08:00:00Z".parse().unwrap());
    Arc::new(Gate::new(setup, register, Clock::Virtual(clock)))
}

/// Says these pieces to the door, each by itself, then nothing more; and gives what the door says.
pub async fn talk(path: &Path, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = UnixStream::connect(path).await.unwrap();
    let (mut reads, mut writes) = stream.split();
    let write = async {
        for piece in pieces {
            // The door may have left: then it has said why.
            if writes.write_all(piece).await.is_err() {
                break;
            }
            // The door's turn to read it.
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
        }
        drop(writes.shutdown().await);
    };
    let mut said = Vec::new();
    let read = async { reads.read_to_end(&mut said).await.expect("the door closes in good order") };
    let ((), _) = tokio::join!(write, read);
    said
}
