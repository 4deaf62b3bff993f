//! What a run stands on: the program's nodes, the hops, the DPO's mail, and the register. Start reading at [`Stage::set`].

use super::adversary::Disk;
use super::behind::{self, Behind};
use super::clients::Wiring;
use super::dpo::{self, Dpo};
use super::hands::Hands;
use super::{Door, Plan, files, letters, steps};
use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::identity::Identity;
use crate::support::postfix::Postfix;
use crate::support::postgres::Server;
use crate::support::register::Register;
use crate::support::sink::{Mode, Sink, SinkOptions};
use crate::support::{Port, put, wait_until};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Of the register on a server.
pub(super) const DATABASE: &str = "faults";
/// Seconds: more than anything is put off, and than the clock was ahead.
const BACK: i64 = 40 * 3_600;
/// What the last start needs to clear up.
const QUIET: Duration = Duration::from_secs(30);
const ROAD: &str = "[[road]]\ndomain = \"sikker.example\"\nprotection = \"forced-tls\"\n";

/// What a run stands on.
pub(super) struct Stage {
    // Taken away before the daemon's folder, which it lies in.
    pub(super) disk: Option<Disk>,
    pub(super) postfix: Option<Postfix>,
    pub(super) daemon: Daemon,
    /// Another node of the same register.
    pub(super) second: Option<Daemon>,
    pub(super) hands: Option<Hands>,
    pub(super) sink: Sink,
    pub(super) secure: Sink,
    /// The DPO's, where anybody is told.
    pub(super) letters: Option<Sink>,
    /// Where the door of SMTP and LMTP is, of each node.
    ports: [Port; 2],
    pub(super) register: Register,
    pub(super) server: Option<Server>,
    folder: TempDir,
}

impl Stage {
    pub(super) fn set(plan: Plan) -> Self {
        let Plan { door, leak, lmtp_hop, by_postfix, .. } = plan;
        let folder = TempDir::new().unwrap();
        let sink = Sink::start(SinkOptions::default()).unwrap();
        let identity = Identity::for_name("localhost").unwrap();
        let ca = folder.path().join("ca.pem");
        put(&ca, identity.ca_pem().as_bytes()).unwrap();
        let secure = Sink::start(SinkOptions { starttls: Some(identity), mode: Mode::Up }).unwrap();
        let server = plan.on_server().then(|| Server::start().unwrap());
        let store = server.as_ref().map(|server| server.database(DATABASE));
        let letters = plan.has_two_nodes().then(|| Sink::start(SinkOptions::default()).unwrap());
        let ports = [Port::claim().unwrap(), Port::claim().unwrap()];
        let start = |port: &Port, node: &str| {
            let mut toml = format!(
                "[smtp]\nlisten = \"{}\"\nnext_hop = \"{}\"\nlmtp = {lmtp_hop}\nsecure = \"localhost:{}\"\nsecure_ca = \"{}\"\n\
                 [maillog]\npath = \"log/mail.log\"\n[policy]\nleak = \"{leak}\"\n{ROAD}",
                port.addr(),
                sink.addr(),
                secure.addr().port(),
                ca.display(),
            );
            if plan.on_server() {
                // Nodes of one register have one node key; it outlives the disk, as the register does.
                let key = folder.path().join("node.key");
                toml = format!("{toml}[seal]\nnode_key = \"{}\"\n", key.display());
            }
            if plan.has_two_nodes() {
                toml = format!("{toml}[hold]\nnode = \"{node}\"\n");
            }
            let alarm = letters.as_ref().map(Sink::addr);
            // No log: a limit on files would meet its line first.
            let options =
                DaemonOptions { log: "off", alarm, store: store.clone(), ..DaemonOptions::with(&toml) };
            let mut daemon = Daemon::start(&options).unwrap();
            daemon.kill();
            daemon
        };
        let mut daemon = start(&ports[0], dpo::NODES[0]);
        let mut second = plan.has_two_nodes().then(|| start(&ports[1], dpo::NODES[1]));
        let register = store.clone().map_or_else(|| Register::File(daemon.database()), Register::Server);
        // The register outlives the disk that is laid over the first one's folder, and knows its spool by this word.
        let id = std::fs::read(daemon.data().join("spool/node.id"));
        let disk = Disk::below(&daemon.data());
        if let Ok(id) = id {
            std::fs::create_dir_all(daemon.data().join("spool")).unwrap();
            put(&daemon.data().join("spool/node.id"), &id).unwrap();
        }
        // A Postfix that keeps held mail has the machine's clock, and so must who compares the two.
        let hands = Hands::below(folder.path()).filter(|_| !(by_postfix && door == Door::Milter));
        daemon.set_environment(hands.as_ref().map(Hands::environment).unwrap_or_default());
        if door != Door::Pipe {
            daemon.spawn().unwrap();
        }
        if let Some(second) = &mut second {
            one_dpo(&daemon, second);
            second.set_environment(hands.as_ref().map(Hands::environment).unwrap_or_default());
            second.spawn().unwrap();
        }
        let postfix = by_postfix.then(|| behind::start(door, &daemon, ports[0].addr(), sink.addr()));
        let log = match postfix.as_ref().filter(|_| door == Door::Milter) {
            Some(postfix) => postfix.log_path(),
            None => folder.path().join("mail.log"),
        };
        if !log.exists() {
            put(&log, b"").unwrap();
        }
        daemon.follow(&log).unwrap();
        if let Some(second) = &second {
            second.follow(&log).unwrap();
        }
        if let Some(postfix) = postfix.as_ref().filter(|_| door == Door::Milter) {
            let config = std::fs::read_to_string(daemon.config()).unwrap();
            let config = format!("{config}[hold]\npostfix = \"{}\"\n", postfix.config_dir().display());
            put(&daemon.config(), config.as_bytes()).unwrap();
            daemon.kill();
            daemon.spawn().unwrap();
        }
        Self { disk, postfix, daemon, second, hands, sink, secure, letters, ports, register, server, folder }
    }

    /// The folder of each node.
    pub(super) fn data(&self) -> Vec<PathBuf> {
        std::iter::once(&self.daemon).chain(&self.second).map(Daemon::data).collect()
    }

    pub(super) fn wiring(&self, plan: Plan) -> Wiring {
        let nodes = 1 + usize::from(self.second.is_some());
        Wiring {
            door: if plan.by_postfix { Door::Smtp } else { plan.door },
            smtp: match &self.postfix {
                Some(postfix) => vec![postfix.smtp_addr()],
                None => self.ports.iter().take(nodes).map(Port::addr).collect(),
            },
            milter: std::iter::once(&self.daemon).chain(&self.second).map(Daemon::address).collect(),
            config: self.daemon.config(),
            torn: Arc::default(),
            killed: Arc::default(),
            killed_at_write: Arc::default(),
            steps: steps::can().then(Arc::default),
            environment: self.hands.as_ref().map(Hands::environment).unwrap_or_default(),
            notes: self.folder.path().to_owned(),
        }
    }

    /// The next start needs nobody, though the clock went back to before all that was put off until later. Returns what Postfix
    /// says in the end.
    pub(super) fn come_to_rest(&mut self, dpo: &mut Dpo, dead: &mut Vec<String>) -> Option<Behind> {
        for hop in [&self.sink, &self.secure] {
            hop.set_mode(Mode::Up);
        }
        if let Some(hands) = &self.hands {
            hands.turn(-BACK);
        }
        for daemon in std::iter::once(&mut self.daemon).chain(&mut self.second) {
            daemon.kill();
            dead.extend(daemon.spawn().err().map(|trouble| trouble.to_string()));
        }
        let settled = self.postfix.as_ref().map(behind::settle);
        let data = self.data();
        wait_until(QUIET, || {
            dpo.act(false);
            dpo.look();
            let is_quiet = dpo.open() == 0
                && files::drafts(&data) == 0
                && files::strange(&self.register, &data).is_empty();
            is_quiet.then_some(())
        });
        if self.letters.is_some() {
            // Whoever is to hear something by the right time has heard it.
            let now = self.turn_back();
            let told = wait_until(QUIET, || (letters::due(&self.register, now) == 0).then_some(()));
            if told.is_none() {
                dead.push(format!("{} alerts are due and not sent", letters::due(&self.register, now)));
            }
        }
        for daemon in std::iter::once(&mut self.daemon).chain(&mut self.second) {
            daemon.kill();
        }
        settled
    }

    /// The clock is right again; what it is.
    fn turn_back(&self) -> i64 {
        if let Some(hands) = &self.hands {
            hands.turn(0);
        }
        brevdue::clock::Clock::System.now().timestamp()
    }

    /// Follows the chain of each case, as a person does; how many there are, or what is wrong.
    pub(super) fn verify(&self) -> Result<u64, String> {
        let verified = self.daemon.run(&["case", "verify"]).unwrap();
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        let cases = self.register.rows("SELECT DISTINCT case_id FROM register_link").len() as u64;
        if verified.status.success() { Ok(cases) } else { Err(said) }
    }
}

/// Both nodes seal to the key of the same DPO.
fn one_dpo(first: &Daemon, second: &Daemon) {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let key = |config: &str| {
        config.lines().find(|line| line.starts_with("dpo_key")).map(str::to_owned).unwrap_or_default()
    };
    let (ours, theirs) = (key(&read(first.config())), key(&read(second.config())));
    put(&second.config(), read(second.config()).replace(&theirs, &ours).as_bytes()).unwrap();
}
