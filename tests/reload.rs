//! Rules and config that change under a running daemon: while mail flows, badly, in halves, and in every manner of writing.
//!
//! The number of these tests stands behind a label that only the site's own file knows, so the verdict tells which rules
//! counted. What the daemon says of itself is asked where a monitoring system asks: `/healthz` and `/metrics`.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::{Port, Trouble, http, put, wait_until};
use brevdue::intake::ListenAddr;
use brevdue::intake::milter::{Client, Mail, Outcome};
use miltr_client::Client as Stranger;
use miltr_common::actions::Action;
use miltr_common::commands::{Body, Connect, Family, Header, Helo, Mail as MailFrom, Recipient};
use miltr_common::modifications::ModificationAction;
use miltr_common::optneg::{Capability, OptNeg, Protocol};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
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
            assert!(health.contains("context.da.toml: label:zebra: must match \"Giraf {n}\""), "{health}");
            assert!(site.daemon.log().contains("fault: context.da.toml: label:zebra: must match"));
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
        let held =
            answer.modifications().iter().any(|change| matches!(change, ModificationAction::Quarantine(_)));
        let refused = matches!(answer.final_action(), Action::Replycode(_));
        self.mta.quit().await.unwrap();
        match (held, refused) {
            (true, _) => "hold",
            (_, true) => "block",
            (false, false) => "deliver",
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

#[test]
fn half_a_file_changes_nothing() {
    let zebra = ZEBRA.to_owned() + &plain();
    let site = Site::open(&plain()).unwrap();
    // Cut in the new label, at the end of one of its lines, in what was there before, and before the first byte.
    for cut in [40, ZEBRA.find("must =").unwrap(), zebra.len() / 2, zebra.len() - 1, 0] {
        site.after(false, || site.write(&zebra[..cut]));
        assert_eq!(site.verdict(), "deliver", "cut at {cut}");
        let health = site.health();
        assert!(health.starts_with("degraded\n") && health.contains("context.da.toml"), "{cut}: {health}");
    }
    site.after(true, || site.write(&zebra));
    assert_eq!(site.verdict(), "block");

    // A writer that is slower than any patience, the other way round.
    let mut file = std::fs::File::create(site.labels()).unwrap();
    let text = plain();
    for piece in text.as_bytes().chunks(text.len().div_ceil(4)) {
        assert_eq!(site.verdict(), "block");
        file.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(700));
    }
    assert!(wait_until(PATIENCE, || (site.verdict() == "deliver").then_some(())).is_some());

    // Half a config would be one without its last sections.
    let config = std::fs::read_to_string(site.daemon.config()).unwrap();
    let half = config.split_once("[console]").unwrap().0.trim_end();
    site.after(false, || put(&site.daemon.config(), half.as_bytes()).unwrap());
    let health = site.health();
    assert!(health.contains("brevdue.toml: ends in the middle of a line"), "{health}");
    assert_eq!(site.metric("brevdue_restart_needed"), 0, "nothing of it is taken");
    site.after(true, || put(&site.daemon.config(), config.as_bytes()).unwrap());
    assert!(site.health().starts_with("ok\n"));
}

#[allow(clippy::disallowed_methods, reason = "an editor's way, which need not outlive a crash")]
fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
}

#[test]
fn every_manner_of_writing_is_seen() {
    let zebra = ZEBRA.to_owned() + &plain();
    let site = Site::open(&plain()).unwrap();
    let (rules, beside) = (site.folder.path().join("rules"), site.folder.path().join("beside"));

    // Each is told by the system, not found in the round that is made every ten seconds.
    let told = || site.daemon.log().matches("the system tells of a change").count();
    let after = |good: bool, change: &dyn Fn()| {
        let before = told();
        site.after(good, change);
        assert!(told() > before, "{}", site.daemon.log());
    };

    // An editor's: a new file takes the old one's place.
    for (labels, verdict) in [(&zebra, "block"), (&plain(), "deliver")] {
        after(true, &|| {
            let new = rules.join(".context.da.toml.new");
            put(&new, labels.as_bytes()).unwrap();
            rename(&new, &site.labels());
        });
        assert_eq!(site.verdict(), verdict);
    }

    // A file goes and comes again.
    after(false, &|| std::fs::remove_file(site.labels()).unwrap());
    assert!(site.health().contains("context.da.toml: No such file"), "{}", site.health());
    assert_eq!(site.verdict(), "deliver");
    after(true, &|| site.write(&zebra));
    assert_eq!(site.verdict(), "block");

    // The whole folder is replaced, and then changed where it is.
    after(true, &|| {
        copy_rules(&beside, &plain()).unwrap();
        rename(&rules, &site.folder.path().join("old"));
        rename(&beside, &rules);
    });
    assert_eq!(site.verdict(), "deliver");
    after(true, &|| site.write(&zebra));
    assert_eq!(site.verdict(), "block");

    // The folder is away for a time.
    after(false, &|| rename(&rules, &beside));
    assert_eq!(site.verdict(), "block");
    after(true, &|| rename(&beside, &rules));

    // The config names another folder, which is then the one that is watched.
    copy_rules(&beside, &plain()).unwrap();
    after(true, &|| {
        site.reconfigure(&rules.display().to_string(), &beside.display().to_string());
    });
    assert_eq!(site.verdict(), "deliver");
    after(true, &|| put(&beside.join("context.da.toml"), zebra.as_bytes()).unwrap());
    assert_eq!(site.verdict(), "block");

    // What changes nothing is no reload: the same bytes, or another file.
    let before = site.reloads();
    put(&beside.join("context.da.toml"), zebra.as_bytes()).unwrap();
    put(&site.folder.path().join("unrelated"), b"x").unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(site.reloads(), before);
}

#[test]
fn hangup_reloads_at_once_and_takes_a_last_line_without_its_end() {
    let site = Site::open(&plain()).unwrap();
    let zebra = ZEBRA.to_owned() + plain().trim_end();
    let hang_up = || {
        let told = Command::new("kill").args(["-HUP", &site.daemon.pid().unwrap().to_string()]).status();
        assert!(told.unwrap().success());
    };
    site.after(false, || site.write(&zebra));
    assert_eq!(site.verdict(), "deliver");
    site.after(true, hang_up);
    assert_eq!(site.verdict(), "block");
    // An empty file is no scanner, whoever says so.
    site.after(false, || site.write("\n"));
    site.after(false, hang_up);
    assert_eq!(site.verdict(), "block");
}

#[test]
fn what_only_a_restart_can_change_is_said_and_the_rest_is_taken() {
    let site = Site::open(&(ZEBRA.to_owned() + &plain())).unwrap();
    let other = Port::claim().unwrap();
    let ListenAddr::Tcp(at) = site.daemon.address() else { panic!("no TCP") };
    site.after(true, || {
        let config = std::fs::read_to_string(site.daemon.config()).unwrap();
        let changed = config
            .replace(&at.to_string(), &other.addr().to_string())
            .replace("data/spool", "data/spool2")
            .replace("leak = \"block\"", "leak = \"hold\"");
        put(&site.daemon.config(), changed.as_bytes()).unwrap();
    });
    // At the old address, by the new policy.
    assert_eq!(site.verdict(), "hold");
    assert!(TcpStream::connect(other.addr()).is_err());
    let health = site.health();
    assert!(health.starts_with("ok\n"), "{health}");
    for what in ["[milter] listen", "[spool] path"] {
        assert!(health.contains(&format!("  needs a restart: {what}\n")), "{health}");
        assert!(site.daemon.log().contains(&format!("needs a restart: {what}")));
    }
    assert_eq!(health.matches("needs a restart").count(), 2, "{health}");
    assert_eq!(site.metric("brevdue_restart_needed"), 1);
    site.after(true, || {
        site.reconfigure(&other.addr().to_string(), &at.to_string());
    });
    assert_eq!(site.health().matches("needs a restart").count(), 1);
    site.after(true, || site.reconfigure("data/spool2", "data/spool"));
    assert_eq!(site.metric("brevdue_restart_needed"), 0);
}

#[test]
fn a_number_in_a_faulty_file_is_shown_to_nobody() {
    let site = Site::open(&plain()).unwrap();
    let pasted = UNPROVED.replace("Giraf {n}", "Giraf 150379-1028 {n}") + &plain();
    site.after(false, || site.write(&pasted));
    site.after(false, || {
        site.reconfigure("cvr = \"12345678\"", "cvr = \"1503791028\"");
    });
    site.after(false, || site.reconfigure("leak = \"block\"", "leak = \"1503791028\""));
    let (_, json) = site.ask("/healthz", "application/json");
    let (health, log) = (site.health(), site.daemon.log());
    // All faults of both files at once.
    for shown in [&health, &log, &json] {
        assert!(shown.contains("Giraf ******-****") && shown.contains("`**********`"), "{shown}");
        assert!(shown.contains("a CVR number has eight digits"), "{shown}");
        assert!(!shown.contains("150379") && !shown.contains("1028"), "{shown}");
    }
}

#[test]
fn health_is_for_people_and_for_programs() {
    let site = Site::open(&plain()).unwrap();
    let (head, page) = site.ask("/healthz", "*/*");
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert!(page.starts_with("ok\nrules: ok: "), "{page}");
    assert!(page.contains("/rules) count since 20") && page.contains("register: ok"), "{page}");
    let (head, page) = site.ask("/healthz", "application/json");
    let read: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!((&read["status"], &read["checks"][0]["name"]), (&"ok".into(), &"rules".into()));
    let (head, page) = site.ask("/metrics", "*/*");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(page.contains("brevdue_build_info{version=\"") && site.metric("brevdue_rules_entries") > 20);
    assert!(site.metric("brevdue_rules_loaded_timestamp_seconds") > 1_700_000_000);
    assert!(site.ask("/", "*/*").0.starts_with("HTTP/1.1 404 "));
    let log = site.daemon.log();
    assert!(log.contains("rules loaded") && log.contains("watching for changes"), "{log}");

    // A register that cannot be read stops mail, and that is an error to a load balancer too.
    let register = rusqlite::Connection::open(site.daemon.database()).unwrap();
    register.execute_batch("DROP TABLE notice").unwrap();
    let (head, page) = site.ask("/healthz", "*/*");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(page.starts_with("failing\n") && page.contains("register: failing"), "{page}");
}

#[test]
fn who_knocks_at_the_console_does_not_keep_mail_out() {
    const PLACES: usize = 64;
    let site = Site::open(&plain()).unwrap();
    let crowd: Vec<TcpStream> =
        (0..PLACES).map(|_| TcpStream::connect(site.console.addr()).unwrap()).collect();
    let mut waiting = TcpStream::connect(site.console.addr()).unwrap();
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let error = waiting.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    assert_eq!(site.verdict(), "deliver");
    drop(crowd);
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn the_console_answers_on_a_unix_socket_and_leaves_none_behind() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("console.sock");
    let toml = format!("[console]\nlisten = \"unix:{}\"", socket.display());
    let mut daemon = Daemon::start(&DaemonOptions::with(&toml)).unwrap();
    let (head, page) = http::get(UnixStream::connect(&socket).unwrap(), "/healthz", "*/*").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && page.contains("entries (built in)"), "{head}\n{page}");
    // A monitoring system that keeps its connection open does not hold up the end.
    let kept = UnixStream::connect(&socket).unwrap();
    daemon.terminate().unwrap();
    assert!(daemon.wait(Duration::from_secs(10)).unwrap().success());
    assert!(!socket.exists());
    drop(kept);
}
