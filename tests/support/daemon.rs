//! The real `brevdue` binary, with a configuration of its own, as a municipality runs it.

use super::{Port, Trouble, put, wait_until};
use std::ffi::OsString;
use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How a daemon is set up.
pub(crate) struct DaemonOptions {
    /// `[policy]` and what else is to stand in the configuration.
    pub(crate) toml: String,
    /// `[alarm] smtp`.
    pub(crate) alarm: Option<SocketAddr>,
    /// A unix socket to listen on instead of a TCP port.
    pub(crate) unix: Option<PathBuf>,
    /// `BREVDUE_LOG`.
    pub(crate) log: &'static str,
    /// `[store] url`, where it is no file of its own.
    pub(crate) store: Option<String>,
}

impl DaemonOptions {
    /// With this policy and nobody to alarm.
    pub(crate) fn with(toml: &str) -> Self {
        Self { toml: toml.to_owned(), alarm: None, unix: None, log: "debug", store: None }
    }
}

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    folder: TempDir,
    listen: String,
    port: Port,
    log: &'static str,
    /// What it, and the commands beside it, have in their environment.
    environment: Vec<(OsString, OsString)>,
    child: Option<Child>,
}

/// The DPO of the tests' municipality.
pub(crate) const DPO: &str = "dpo@noerreby.example";

impl Daemon {
    /// Writes the configuration, makes the DPO's key, starts the daemon and waits until it listens.
    pub(crate) fn start(options: &DaemonOptions) -> Result<Self, Trouble> {
        let folder = TempDir::new().map_err(Trouble::while_doing("a folder"))?;
        std::fs::create_dir(folder.path().join("log")).map_err(Trouble::while_doing("the log's folder"))?;
        let port = Port::claim()?;
        let listen = match &options.unix {
            Some(path) => format!("unix:{}", path.display()),
            None => port.addr().to_string(),
        };
        let mut daemon =
            Self { folder, listen, port, log: options.log, environment: Vec::new(), child: None };
        let made = daemon.run(&["key", "new", "--out", daemon.key_file().to_str().unwrap_or_default()])?;
        let made = String::from_utf8_lossy(&made.stdout).into_owned();
        let key = made.lines().find(|line| line.starts_with("dpo_key")).unwrap_or_default();
        let alarm = options
            .alarm
            .map(|to| format!("[alarm]\nsmtp = \"smtp://{to}\"\nfrom = \"brevdue@noerreby.example\"\n"))
            .unwrap_or_default();
        let store = options.store.as_deref().unwrap_or("sqlite:data/brevdue.db");
        let toml = format!(
            "[milter]\nlisten = \"{}\"\n[store]\nurl = \"{store}\"\n[spool]\npath = \"data/spool\"\n\
             {alarm}\n[[controller]]\nname = \"Nørreby Kommune\"\ncvr = \"12345678\"\n\
             domains = [\"noerreby.example\", \"kommune.example\"]\ndpo = \"{DPO}\"\ndefault = true\n{key}\n{}\n",
            daemon.listen, options.toml
        );
        put(&daemon.config(), toml.as_bytes())?;
        daemon.spawn().map_err(Trouble::while_doing("brevdue serve"))?;
        Ok(daemon)
    }

    /// What it is started with from now on, and each command that is run beside it.
    pub(crate) fn set_environment(&mut self, environment: Vec<(OsString, OsString)>) {
        self.environment = environment;
    }

    /// Starts it (again).
    pub(crate) fn spawn(&mut self) -> Result<(), Trouble> {
        self.spawn_with(&[])
    }

    /// Starts it with these in its environment.
    pub(crate) fn spawn_with(&mut self, environment: &[(&str, &Path)]) -> Result<(), Trouble> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())
            .map_err(Trouble::while_doing("the log"))?;
        let child = Command::new(env!("CARGO_BIN_EXE_brevdue"))
            .args(["serve", "--config"])
            .arg(self.config())
            .env("BREVDUE_LOG", self.log)
            .envs(self.environment.iter().cloned())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(Trouble::while_doing("brevdue serve"))?;
        self.child = Some(child);
        let listening = || match self.listen.strip_prefix("unix:") {
            Some(path) => std::os::unix::net::UnixStream::connect(path).ok().map(drop),
            None => TcpStream::connect(self.port.addr()).ok().map(drop),
        };
        wait_until(Duration::from_secs(20), listening).ok_or_else(|| {
            Trouble::new(format!("the daemon does not listen on {}:\n{}", self.listen, self.log()))
        })
    }

    /// Ends it at once, as a crash would (SIGKILL).
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Asks it to end (SIGTERM), as systemd does.
    pub(crate) fn terminate(&self) -> Result<(), Trouble> {
        let child = self.child.as_ref().ok_or_else(|| Trouble::new("no daemon runs"))?;
        let told = Command::new("kill").arg(child.id().to_string()).status();
        match told.map_err(Trouble::while_doing("kill"))? {
            status if status.success() => Ok(()),
            status => Err(Trouble::new(format!("kill: {status}"))),
        }
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<ExitStatus, Trouble> {
        let ended = wait_until(timeout, || self.child.as_mut()?.try_wait().ok()?);
        self.child = ended.is_none().then(|| self.child.take()).flatten();
        ended.ok_or_else(|| Trouble::new(format!("the daemon has not ended:\n{}", self.log())))
    }

    /// Its register: the database file; `-wal` lies beside it.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("data/brevdue.db")
    }

    /// Where it keeps everything.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The milter address as Postfix writes it.
    pub(crate) fn milter(&self) -> String {
        if self.listen.starts_with("unix:") { self.listen.clone() } else { format!("inet:{}", self.listen) }
    }

    /// The milter address as our own client takes it.
    pub(crate) fn address(&self) -> brevdue::intake::ListenAddr {
        let port = brevdue::intake::ListenAddr::Tcp(self.port.addr());
        self.listen.parse().unwrap_or(port)
    }

    /// The process, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("brevdue.toml")
    }

    /// The DPO's private key.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.path().join("dpo.key")
    }

    /// Not beside the configuration, whose folder the daemon watches: each line would wake it.
    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log/brevdue.log")
    }

    /// The mail server's log for `[maillog] path = "log/mail.log"`: there from now on, as a link to this file.
    pub(crate) fn follow(&self, log: &Path) -> Result<(), Trouble> {
        let link = self.folder.path().join("log/mail.log");
        std::os::unix::fs::symlink(log, &link).map_err(Trouble::while_doing(link.display()))
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Runs a command of the program beside it, with the same configuration where there is one.
    pub(crate) fn run(&self, args: &[&str]) -> Result<Output, Trouble> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brevdue"));
        if self.config().exists() {
            command.arg("--config").arg(self.config());
        }
        command.envs(self.environment.iter().cloned());
        command.args(args).stdin(Stdio::null()).output().map_err(Trouble::while_doing("brevdue"))
    }

    /// `case list --format json`.
    pub(crate) fn cases(&self) -> Result<Vec<serde_json::Value>, Trouble> {
        let output = self.run(&["case", "list", "--format", "json"])?;
        serde_json::from_slice(&output.stdout).map_err(|error| {
            Trouble::new(format!(
                "{error}: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ))
        })
    }

    /// `case show`.
    pub(crate) fn show(&self, case: &str) -> Result<String, Trouble> {
        Ok(String::from_utf8_lossy(&self.run(&["case", "show", case])?.stdout).into_owned())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
