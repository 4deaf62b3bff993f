//! A door of the real thing on a unix socket, for a target that knocks on it again and again.

use brevdue::clock::{Clock, VirtualClock};
use brevdue::envelope::Controller;
use brevdue::inspect::record::Register;
use brevdue::inspect::{Gate, Setup};
use brevdue::policy::Policy;
use brevdue::scan::ruleset::Ruleset;
use brevdue::seal::NodeKey;
use brevdue::spool::evidence::Evidence;
use brevdue::store::Store;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

static RULES: LazyLock<Arc<Ruleset>> = LazyLock::new(|| Arc::new(Ruleset::built_in().unwrap()));

/// A folder of this process, in memory where there is such a place.
pub fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = root.join(format!("brevdue-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A gate with the built-in rules and an empty register in memory.
pub fn gate() -> Arc<Gate> {
    let controller = Controller {
        name: "Nørreby Kommune".into(),
        cvr: "12345678".into(),
        domains: Vec::new(),
        recipients: Vec::new(),
        senders: Vec::new(),
        dpo: "dpo@kommune.example".into(),
        dpo_key: None,
        default: true,
    };
    let setup = Setup {
        rules: Arc::clone(&RULES),
        policy: Policy::default(),
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
