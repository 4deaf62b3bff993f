//! Rules and config that change under a running daemon: while mail flows, badly, in halves, and in every manner of writing.
//!
//! The number of these tests stands behind a label that only the site's own file knows, so the verdict tells which rules
//! counted; `files.rs` has the ways of writing, `console.rs` the pages. What the daemon says of itself is asked where a monitoring system asks: `/healthz` and `/metrics`.

mod console;
mod files;

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::{Port, Trouble, http, put, wait_until};
use brevdue::intake::ListenAddr;
use brevdue::intake::milter::{Client, Mail, Outcome};
use miltr_client::Client as Stranger;
use miltr_common::actions::Action;
use miltr_common::commands::{Body, Connect, Family, Header, Helo, Mail as MailFrom, Recipient};
use miltr_common::optneg::{Capability, OptNeg, Protocol};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::compat::TokioAsyncReadCompatExt;

const SENDER: &str = "anna@noerreby.example";
const PATIENCE: Duration = Duration::from_secs(30);
/// Clean by the rules built in: a number of something that they do not know. It stands at the end of the message.
const MESSAGE: &str = "From: <anna@noerreby.example>\r\nSubject: hej\r\nMIME-Version: 1.0\r\n\
                       Content-Type: text/plain; charset=utf-8\r\n\r\nZebranr. 0101801012\r\n";
/// What the site knows: that it is a CPR number.
const ZEBRA: &str = "[[label]]\nname = \"zebra\"\nweight = 7.0\nwords = [\"zebranr\"]\n\
                     must = [\"Zebranr. {n}\"]\nmust_not = [\"zebra {n}\"]\n\n";
/// The same without what proves it.
const UNPROVED: &str = "[[label]]\nname = \"zebra\"\nweight = 7.0\nwords = [\"zebranr\"]\n\
                        must = [\"Giraf {n}\"]\nmust_not = [\"zebra {n}\"]\n\n";

/// The labels that are built in, as a site has copied them.
fn plain() -> String {
    std::fs::read_to_string(shipped().join("context.da.toml")).unwrap()
}

fn shipped() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules")
}

/// A daemon with rules of its own, and a console.
struct Site {
    daemon: Daemon,
    folder: TempDir,
    console: Port,
    runtime: Runtime,
}

impl Site {
    /// With these labels and `[policy] leak = "block"`.
    fn open(labels: &str) -> Result<Self, Trouble> {
        let folder = TempDir::new().map_err(Trouble::while_doing("a folder"))?;
        let rules = folder.path().join("rules");
        copy_rules(&rules, labels)?;
        let console = Port::claim()?;
        let daemon = Daemon::start(&DaemonOptions::with(&format!(
            "[policy]\nleak = \"block\"\n[rules]\npath = \"{}\"\n[console]\nlisten = \"{}\"",
            rules.display(),
            console.addr()
        )))?;
        let runtime = Runtime::new().map_err(Trouble::while_doing("a runtime"))?;
        Ok(Self { daemon, folder, console, runtime })
    }

    fn labels(&self) -> PathBuf {
        self.folder.path().join("rules/context.da.toml")
    }

    /// Writes the site's labels over what was there, in place.
    fn write(&self, labels: &str) {
        put(&self.labels(), labels.as_bytes()).unwrap();
    }

    fn reconfigure(&self, from: &str, to: &str) {
        let config = std::fs::read_to_string(self.daemon.config()).unwrap();
        assert!(config.contains(from), "{config}");
        put(&self.daemon.config(), config.replace(from, to).as_bytes()).unwrap();
    }

    /// Status line and headers, and the page.
    fn ask(&self, path: &str, accept: &str) -> (String, String) {
        http::get(TcpStream::connect(self.console.addr()).unwrap(), path, accept).unwrap()
    }

    fn health(&self) -> String {
        let (head, page) = self.ask("/healthz", "*/*");
        assert!(head.starts_with("HTTP/1.1 200 "), "mail flows: {head}");
        page
    }

    /// A sample of the metrics page, by its name with its labels.
    fn metric(&self, name: &str) -> u64 {
        let (_, page) = self.ask("/metrics", "*/*");
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}:\n{page}")).parse().unwrap()
    }

    fn reloads(&self) -> [u64; 2] {
        ["ok", "failed"].map(|result| self.metric(&format!("brevdue_reload_total{{result=\"{result}\"}}")))
    }

    /// Changes something, and waits until the daemon has looked at it and found it good or not.
    fn after(&self, good: bool, change: impl FnOnce()) {
        let before = self.reloads()[usize::from(!good)];
        change();
        let seen = wait_until(PATIENCE, || (self.reloads()[usize::from(!good)] > before).then_some(()));
        assert!(seen.is_some(), "good: {good}\n{}{}", self.health(), self.daemon.log());
    }

    fn verdict(&self) -> &'static str {
        self.runtime.block_on(async {
            let mut client = Client::connect(&self.daemon.address()).await.unwrap();
            in_a_word(&client.send(&mail(), MESSAGE.as_bytes()).await.unwrap())
        })
    }
}

fn copy_rules(to: &Path, labels: &str) -> Result<(), Trouble> {
    std::fs::create_dir(to).map_err(Trouble::while_doing("the rules' folder"))?;
    for name in ["cpr.toml", "lookalikes.toml"] {
        std::fs::copy(shipped().join(name), to.join(name)).map_err(Trouble::while_doing(name))?;
    }
    put(&to.join("context.da.toml"), labels.as_bytes())
}

fn mail() -> Mail<'static> {
    Mail { sender: SENDER, recipients: &["bo@borger.example"], queue_id: "4XyzAB12", tls: None }
}

fn in_a_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { quarantined: Some(_), .. } => "hold",
        Outcome::Accepted { .. } => "deliver",
        Outcome::Rejected { .. } => "block",
        Outcome::Tempfail { .. } => "tempfail",
        Outcome::Discard => "discard",
    }
}

#[test]
fn rules_and_policy_change_under_load_and_no_message_is_lost() {
    // The verdict of each settled state. An even step is settled in `STATES[step / 2]`; an odd one is between two.
    const STATES: [&str; 6] = ["deliver", "block", "block", "deliver", "block", "hold"];
    let site = Site::open(&plain()).unwrap();
    let (step, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let send_all = |address: ListenAddr| {
        let (step, stop) = (Arc::clone(&step), Arc::clone(&stop));
        async move {
            let mut client = Client::connect(&address).await.unwrap();
            let mut sent = [0_u64; STATES.len()];
            while !stop.load(Ordering::SeqCst) {
                let began = step.load(Ordering::SeqCst);
                let verdict = in_a_word(&client.send(&mail(), MESSAGE.as_bytes()).await.unwrap());
                let ended = step.load(Ordering::SeqCst);
                let allowed = &STATES[began / 2..=ended.div_ceil(2)];
                assert!(allowed.contains(&verdict), "{verdict} at {began} to {ended}: {allowed:?}");
                sent[began / 2] += 1;
            }
            sent
        }
    };
    let load: Vec<_> = (0..4).map(|_| site.runtime.spawn(send_all(site.daemon.address()))).collect();

    let changes: [(bool, &dyn Fn()); STATES.len()] = [
        (true, &|| ()),
        (true, &|| site.write(&(ZEBRA.to_owned() + &plain()))),
        (false, &|| site.write(&(UNPROVED.to_owned() + &plain()))),
        (true, &|| site.write(&plain())),
        (true, &|| site.write(&(ZEBRA.to_owned() + &plain()))),
        (true, &|| site.reconfigure("leak = \"block\"", "leak = \"hold\"")),
    ];
    for (state, (good, change)) in changes.into_iter().enumerate() {
        if state > 0 {
            step.store(state * 2 - 1, Ordering::SeqCst);
            site.after(good, change);
            step.store(state * 2, Ordering::SeqCst);
        }
        assert_eq!(site.verdict(), STATES[state], "the very next message of state {state}");
        let health = site.health();
        if good {
            assert!(health.starts_with("ok\n"), "{health}");
        } else {
            assert!(health.starts_with("degraded\nrules: degraded since 20"), "{health}");
            let log = site.daemon.log();
            for word in ["context.da.toml", "label:zebra", "must match \"Giraf {n}\""] {
                assert!(health.contains(word) && log.contains(word), "{word}: {health}\n{log}");
            }
        }
        assert_eq!(site.metric("brevdue_reload_last_successful"), u64::from(good));
        // Each state is under load for a while.
        std::thread::sleep(Duration::from_millis(300));
    }
    stop.store(true, Ordering::SeqCst);
    let mut sent = [0; STATES.len()];
    for one in load {
        let counts = site.runtime.block_on(one).unwrap();
        sent.iter_mut().zip(counts).for_each(|(all, more)| *all += more);
    }
    println!("messages by state: {sent:?}");
    assert!(sent.iter().all(|count| *count > 0), "every state was under load: {sent:?}");
    // What was sent was answered, and by nothing else than the three verdicts.
    let count =
        |verdict: &str| site.metric(&format!("brevdue_milter_messages_total{{verdict=\"{verdict}\"}}"));
    let all = sent.iter().sum::<u64>() + STATES.len() as u64;
    assert_eq!(["deliver", "block", "hold"].map(count).iter().sum::<u64>(), all);
    assert_eq!(["reroute", "defer"].map(count), [0, 0]);
    assert_eq!(site.reloads(), [4, 1]);
    assert!(site.daemon.log().contains("the faults are mended"));
}

/// An independent client in the middle of a message.
struct Half {
    mta: miltr_client::Connection<tokio_util::compat::Compat<tokio::net::TcpStream>>,
}

impl Half {
    /// Header and the start of the body; every step is answered, so the daemon has read it.
    async fn begin(site: &Site) -> Self {
        let ListenAddr::Tcp(at) = site.daemon.address() else { panic!("no TCP") };
        let stream = tokio::net::TcpStream::connect(at).await.unwrap();
        let options =
            OptNeg { protocol: Protocol::empty(), capabilities: Capability::all(), ..OptNeg::default() };
        let mut mta = Stranger::new(options).connect_via(stream.compat()).await.unwrap();
        mta.connect(Connect::new(b"localhost", Family::Inet, Some(2525), b"192.0.2.7")).await.unwrap();
        mta.helo(Helo::from(&b"localhost"[..])).await.unwrap();
        mta.mail(MailFrom::from(&b"<anna@noerreby.example>"[..])).await.unwrap();
        mta.recipient(Recipient::from(&b"<bo@borger.example>"[..])).await.unwrap();
        mta.data().await.unwrap();
        mta.header(Header::new(b"Subject", b"hej")).await.unwrap();
        mta.end_of_header().await.unwrap();
        mta.body(Body::from(&b"God dag.\r\n"[..])).await.unwrap();
        Self { mta }
    }

    async fn end(mut self) -> &'static str {
        self.mta.body(Body::from(&b"Zebranr. 0101801012\r\n"[..])).await.unwrap();
        let answer = self.mta.end_of_body().await.unwrap();
        let class = if let Action::Replycode(reply) = answer.final_action() {
            Some(reply.rcode().code()[0] % b'0')
        } else {
            None
        };
        self.mta.quit().await.unwrap();
        match class {
            // This client sends no macros, so no queue id either: what is to be held is deferred.
            Some(4) => "hold",
            Some(_) => "block",
            None => "deliver",
        }
    }
}

#[test]
fn a_message_ends_under_the_rules_and_the_policy_it_began_with() {
    let site = Site::open(&plain()).unwrap();
    let zebra = ZEBRA.to_owned() + &plain();
    let steps: [(&str, &str, &dyn Fn()); 3] = [
        ("deliver", "block", &|| site.write(&zebra)),
        ("block", "hold", &|| site.reconfigure("leak = \"block\"", "leak = \"hold\"")),
        ("hold", "deliver", &|| site.write(&plain())),
    ];
    for (before, after, change) in steps {
        let begun = site.runtime.block_on(Half::begin(&site));
        site.after(true, change);
        assert_eq!(site.verdict(), after);
        assert_eq!(site.runtime.block_on(begun.end()), before, "begun before the change to {after}");
    }
}
