//! A real PostgreSQL of Debian, on a socket in a folder of its own. It runs as its own user, since it refuses to run as root.

use super::{Trouble, wait_until};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    child: Option<Child>,
}

impl Server {
    pub(crate) fn start() -> Result<Self, Trouble> {
        let folder = TempDir::new().map_err(Trouble::while_doing("a folder for PostgreSQL"))?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let mut server = Self { folder, programs: programs(), child: None };
        let data = server.data();
        let made = server
            .command("initdb")
            .args(["-D", &data, "-U", "brevdue", "--auth=trust", "--encoding=UTF8", "--no-locale"])
            .output();
        let made = made.map_err(Trouble::while_doing("initdb"))?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.up();
        Ok(server)
    }

    /// Starts it, again after [`Self::kill`].
    pub(crate) fn up(&mut self) {
        let socket = self.folder.path().display().to_string();
        let data = self.data();
        let ready = wait_until(Duration::from_mins(1), || {
            // It ends where a worker of the one before still has the memory that they shared.
            if self.child.as_mut().is_none_or(|child| matches!(child.try_wait(), Ok(Some(_)))) {
                let mut command = self.command("postgres");
                command.args(["-D", &data, "-k", &socket, "-c", "listen_addresses="]);
                command.args(["-c", "max_connections=60"]).stdout(Stdio::null()).stderr(Stdio::null());
                self.child = Some(command.spawn().unwrap());
            }
            self.sql("postgres", "SELECT 1").then_some(())
        });
        ready.unwrap_or_else(|| panic!("PostgreSQL does not answer"));
    }

    /// As a power cut: nothing is finished.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pids =
                std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap_or_default();
            // `setpriv` becomes the server itself, so this is its process.
            child.kill().unwrap();
            child.wait().unwrap();
            // Its workers notice that it is gone; the lock file is an answer to that.
            let pid = pids.lines().next().unwrap_or_default().to_owned();
            wait_until(Duration::from_secs(10), || (!Path::new("/proc").join(&pid).exists()).then_some(()));
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// From its next start on it is a standby, which can be read and not written, until it is promoted by `pg_promote()`.
    pub(crate) fn is_standby(&self) {
        std::fs::File::create(self.folder.path().join("data/standby.signal")).unwrap();
    }

    /// `pg_ctl stop -m immediate`: it says so to nobody, and finishes nothing.
    pub(crate) fn stop_at_once(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal("QUIT", &[child.id()]);
            if wait_until(Duration::from_secs(20), || child.try_wait().ok().flatten()).is_none() {
                self.child = Some(child);
                self.kill();
            }
        }
    }

    /// It runs and answers nobody for so long: all of it, or the sessions it has and not the door.
    pub(crate) fn stall(&self, long: Duration, all: bool) {
        let Some(child) = &self.child else { return };
        let pid = child.id();
        let mut pids = children(pid);
        pids.extend(all.then_some(pid));
        signal("STOP", &pids);
        std::thread::sleep(long);
        signal("CONT", &pids);
    }

    /// Every session of the program is ended by an administrator.
    pub(crate) fn end_sessions(&self, database: &str) {
        let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'brevdue'";
        self.sql(database, all);
    }

    /// A database of its own.
    pub(crate) fn database(&self, name: &str) -> String {
        assert!(self.sql("postgres", &format!("CREATE DATABASE {name}")));
        self.url(name)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=brevdue", self.folder.path().display())
    }

    /// Runs a statement past everybody; whether it went well.
    pub(crate) fn sql(&self, database: &str, statement: &str) -> bool {
        let output = self
            .command("psql")
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-U", "brevdue", "-d", database, "-c", statement])
            .arg("-h")
            .arg(self.folder.path())
            .output();
        output.is_ok_and(|output| output.status.success())
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(self.programs.join(program));
        // A folder that another user may not enter is no place to start in.
        command.current_dir("/");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Its workers.
fn children(pid: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn signal(name: &str, pids: &[u32]) {
    let pids = pids.iter().map(ToString::to_string);
    drop(Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status());
}

/// Where Debian keeps the server's programs: the newest version.
fn programs() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .unwrap_or_else(|_| panic!("PostgreSQL is not here; tests/run installs it"))
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    versions.sort();
    versions.pop().unwrap()
}
