//! A real Postfix for one test: Debian's programs, its own queue, its own port on loopback, the project's own example.
//!
//! What is tested is `systemd/postfix-example.cf`: read as it stands, with only the milter's address, the protected relay and
//! the CA file replaced, and added to the few lines of [`MAIN_CF`] that keep the instance off the network and to itself.
//! It needs root, as Postfix does, and no systemd. Start reading at [`Postfix::start`]; who ends it is [`GUARDIAN`].

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regex::Regex;
use tempfile::TempDir;

use super::{Port, Trouble, put, wait_until};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/postfix-example.cf");
// What the example says where an installation differs; see `Example::read`.
const EXAMPLE_MILTER: &str = "unix:brevdue/milter.sock";
const EXAMPLE_NEXT_HOP: &str = "[secure-relay.example.dk]:25";
const EXAMPLE_CA_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What an instance of its own on loopback needs, and nothing that the example says.
const MAIN_CF: &str = "\
compatibility_level = 3.7
queue_directory = @DIR@/spool
data_directory = @DIR@/data
maillog_file = @DIR@/postfix.log
maillog_file_prefixes = @DIR@
myhostname = @HOST@
mydomain = kommune.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
# No DNS: a test must not wait for a resolver. Names come from /etc/hosts.
disable_dns_lookups = yes
smtpd_peername_lookup = no
default_transport = @TRANSPORT@
relay_transport = @TRANSPORT@
notify_classes =
message_size_limit = 104857600
mailbox_size_limit = 0
default_process_limit = 100
# Limits on clients would measure Postfix's patience with one loopback client.
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_error_sleep_time = 0
in_flow_delay = 0
";

const MASTER_CF: &str = "\
@LISTEN@ inet n - n - - smtpd
pickup   unix n - n 60 1 pickup
cleanup  unix n - n - 0 cleanup
qmgr     unix n - n 300 1 qmgr
tlsmgr   unix - - n 1000? 1 tlsmgr
rewrite  unix - - n - - trivial-rewrite
bounce   unix - - n - 0 bounce
defer    unix - - n - 0 bounce
trace    unix - - n - 0 bounce
verify   unix - - n - 1 verify
flush    unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp     unix - - n - - smtp
relay    unix - - n - - smtp
showq    unix n - n - - showq
error    unix - - n - - error
retry    unix - - n - - error
discard  unix - - n - - discard
local    unix - n n - - local
anvil    unix - - n - 1 anvil
scache   unix - - n - 1 scache
tlsproxy unix - - n - 0 tlsproxy
postlog  unix-dgram n - n - 1 postlogd
";

/// Starts Postfix, waits until the test lets go of its end of the pipe, then ends that master and removes the folder.
///
/// A shell of its own, in a process group of its own, because a test may be killed: the pipe closes then too. The master is
/// known by its pid and by the folder in its environment, so a pid that was used again is not touched. It says "started" when
/// the master runs, and ends with what it could not remove.
const GUARDIAN: &str = r#"
dir=$1
if postfix -c "$dir/etc" start >"$dir/start.log" 2>&1; then word=started; else word=failed; fi
# The test may be gone by now: its closed pipe must not end us.
trap '' PIPE
echo "$word"
read -r _
pid=$(tr -dc 0-9 <"$dir/spool/pid/master.pid" 2>/dev/null)
ours() { [ -n "$pid" ] && tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qxF "MAIL_CONFIG=$dir/etc"; }
if ours; then kill -TERM "$pid"; fi
for _ in $(seq 100); do ours || break; sleep 0.05; done
if ours; then kill -KILL "$pid"; fi
# Daemons that are still going may make a file behind the first rm.
rm -rf -- "$dir" 2>/dev/null || { sleep 0.5; rm -rf -- "$dir"; }
"#;

/// How an instance differs from the example.
#[derive(Debug, Clone, Default)]
pub(crate) struct PostfixOptions {
    /// `inet:127.0.0.1:PORT` or `unix:/absolute/path` (of which Postfix's user must be able to reach every folder:
    /// [`open_folder`]); `None` leaves the milters empty.
    pub(crate) milter: Option<String>,
    /// Where all mail goes, by plain SMTP; `None` throws it away (`discard:`).
    pub(crate) relay_to: Option<SocketAddr>,
    /// Where the protected road leads. It is reached as `localhost`, so its certificate must carry that name.
    pub(crate) secure_next_hop: Option<SocketAddr>,
    /// The CA that the protected road trusts, as PEM.
    pub(crate) ca_pem: Option<String>,
    /// More lines for main.cf, for what one test needs.
    pub(crate) extra_main_cf: String,
    /// The same for master.cf.
    pub(crate) extra_master_cf: String,
}

/// A running Postfix. Dropping it ends exactly this one and removes its folder.
pub(crate) struct Postfix {
    port: Port,
    dir: PathBuf,
    guardian: Child,
}

impl Postfix {
    /// Starts an instance and waits until its port listens.
    pub(crate) fn start(options: &PostfixOptions) -> Result<Self, Trouble> {
        let port = Port::claim()?;
        let dir = open_folder()?;
        furnish(dir.path(), port.addr(), options)?;
        // From here on the guardian removes the folder, also when this process is killed.
        let dir = dir.keep();
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Trouble::while_doing("starting sh"))?;
        let mut postfix = Self { port, dir, guardian };
        postfix.wait_started()?;
        Ok(postfix)
    }

    pub(crate) fn smtp_addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// The folder with main.cf and master.cf.
    pub(crate) fn config_dir(&self) -> PathBuf {
        self.dir.join("etc")
    }

    /// The queue directory; a milter's socket may lie in its folder `brevdue`, as in the example.
    pub(crate) fn queue_dir(&self) -> PathBuf {
        self.dir.join("spool")
    }

    /// The file it logs to.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.dir.join("postfix.log")
    }

    /// All that Postfix has logged.
    pub(crate) fn log(&self) -> String {
        let raw = fs::read(self.dir.join("postfix.log")).unwrap_or_default();
        String::from_utf8_lossy(&raw).into_owned()
    }

    /// Waits for a line of the log that matches this regular expression, and gives the first that does.
    pub(crate) fn wait_for_log(&self, pattern: &str, timeout: Duration) -> Result<String, Trouble> {
        let regex = Regex::new(pattern).map_err(Trouble::while_doing(pattern))?;
        wait_until(timeout, || self.log().lines().find(|line| regex.is_match(line)).map(str::to_owned))
            .ok_or_else(|| self.trouble(&format!("no line like {pattern:?} after {timeout:?}")))
    }

    /// The mails in all queues, as `postqueue -j` tells them: `queue_name`, `queue_id`, `sender`, `recipients`, ...
    pub(crate) fn queue_json(&self) -> Result<Vec<serde_json::Value>, Trouble> {
        let told = self.run("postqueue", &["-j"])?;
        told.lines().map(|line| serde_json::from_str(line).map_err(Trouble::while_doing(line))).collect()
    }

    /// Tries to deliver all that waits, also to hosts that were dead a moment ago.
    pub(crate) fn flush(&self) -> Result<(), Trouble> {
        self.run("postqueue", &["-f"]).map(drop)
    }

    /// Hands a message to the sendmail command, as an application on the relay does. It only queues: what becomes of the mail
    /// is in the log.
    pub(crate) fn sendmail(&self, recipients: &[&str], sender: &str, message: &[u8]) -> Result<(), Trouble> {
        // -i: a line with one dot is not the end.
        let mut args = vec!["-i", "-f", sender, "--"];
        args.extend(recipients);
        self.run_with_input("sendmail", &args, message).map(drop)
    }

    /// Runs a program of Postfix on this instance (`postsuper`, `postcat`, `postconf`, `postfix`) and gives what it printed, on
    /// both channels. An exit code other than 0 is an error.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Result<String, Trouble> {
        self.run_with_input(program, args, b"")
    }

    fn run_with_input(&self, program: &str, args: &[&str], input: &[u8]) -> Result<String, Trouble> {
        let mut child = Command::new(program)
            .args(args)
            .env("MAIL_CONFIG", self.config_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.trouble(&format!("{program}: {error}")))?;
        // These programs read all their input before they print, so one thread will do. One that refuses its arguments reads
        // none: its exit code tells more than our broken pipe.
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input).ok();
        }
        let output = child.wait_with_output().map_err(Trouble::while_doing(program))?;
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        printed.push_str(&String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            return Ok(printed);
        }
        Err(self.trouble(&format!("{program} {}: {}\n{printed}", args.join(" "), output.status)))
    }

    fn wait_started(&mut self) -> Result<(), Trouble> {
        let mut word = String::new();
        if let Some(stdout) = self.guardian.stdout.take() {
            BufReader::new(stdout).read_line(&mut word).map_err(Trouble::while_doing("the guardian"))?;
        }
        if word.trim() != "started" {
            return Err(self.trouble("postfix start"));
        }
        // The master says this once its sockets listen. A connection to see whether it answers would reach the milter, and a test
        // may count connections there.
        self.wait_for_log("daemon started", Duration::from_secs(20)).map(drop)
    }

    /// An error with what Postfix said last.
    fn trouble(&self, what: &str) -> Trouble {
        let start = fs::read_to_string(self.dir.join("start.log")).unwrap_or_default();
        let log = self.log();
        let lines: Vec<&str> = start.lines().chain(log.lines()).collect();
        let tail = lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n  ");
        Trouble::new(format!("Postfix on {}: {what}\n  {tail}", self.smtp_addr()))
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        self.guardian.wait().ok();
    }
}

/// A new folder in the temporary folder which other users may pass through: Postfix's user reaches a milter's socket in it.
pub(crate) fn open_folder() -> Result<TempDir, Trouble> {
    let dir = tempfile::Builder::new()
        .prefix("brevdue-postfix-")
        .tempdir()
        .map_err(Trouble::while_doing("a temporary folder"))?;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))
        .map_err(Trouble::while_doing(dir.path().display()))?;
    Ok(dir)
}

/// Writes the configuration and makes the folders Postfix does not make itself.
fn furnish(dir: &Path, listen: SocketAddr, options: &PostfixOptions) -> Result<(), Trouble> {
    for folder in ["etc", "spool", "spool/etc", "data"] {
        fs::create_dir(dir.join(folder)).map_err(Trouble::while_doing(folder))?;
    }
    let chown = Command::new("chown").arg("postfix").arg(dir.join("data")).output();
    if !chown.is_ok_and(|output| output.status.success()) {
        return Err(Trouble::new("chown postfix: these tests need root and the postfix package (tests/run)"));
    }
    // The protected road runs chrooted, as the example has it: it looks up names by these, as Debian arranges for the real one.
    for file in ["hosts", "nsswitch.conf", "services", "resolv.conf"] {
        if let Ok(bytes) = fs::read(Path::new("/etc").join(file)) {
            put(&dir.join("spool/etc").join(file), &bytes)?;
        }
    }
    let ca_file = dir.join("etc/ca.pem");
    put(&ca_file, options.ca_pem.as_deref().unwrap_or_default().as_bytes())?;
    let transport = options.relay_to.map_or("discard:".to_owned(), |to| format!("smtp:{}", next_hop(to)));
    let example = Example::read(options, &ca_file)?;
    let mut main = MAIN_CF
        .replace("@DIR@", &dir.display().to_string())
        .replace("@HOST@", &format!("relay{}.kommune.example", listen.port()))
        .replace("@TRANSPORT@", &transport);
    // To a String, which cannot fail.
    write!(main, "{}\n{}\n", example.main_cf, options.extra_main_cf).ok();
    let master =
        MASTER_CF.replace("@LISTEN@", &listen.to_string()) + &example.master_cf + &options.extra_master_cf;
    put(&dir.join("etc/main.cf"), main.as_bytes())?;
    put(&dir.join("etc/master.cf"), master.as_bytes())
}

fn next_hop(to: SocketAddr) -> String {
    format!("[{}]:{}", to.ip(), to.port())
}

/// The example, with this instance's places in it.
struct Example {
    main_cf: String,
    master_cf: String,
}

impl Example {
    /// Reads the example. It fails when the example no longer has what is to be replaced, for then the test would run on
    /// something else than it believes.
    fn read(options: &PostfixOptions, ca_file: &Path) -> Result<Self, Trouble> {
        let mut text = fs::read_to_string(EXAMPLE).map_err(Trouble::while_doing(EXAMPLE))?;
        let next_hop =
            options.secure_next_hop.map(|to| next_hop(to).replace(&to.ip().to_string(), "localhost"));
        let milter = options.milter.clone().unwrap_or_default();
        let places = [
            (EXAMPLE_MILTER, Some(milter.as_str())),
            (EXAMPLE_NEXT_HOP, next_hop.as_deref()),
            (EXAMPLE_CA_FILE, options.ca_pem.as_ref().and(ca_file.to_str())),
        ];
        for (place, ours) in places {
            if !text.contains(place) {
                return Err(Trouble::new(format!("{EXAMPLE} does not mention {place}")));
            }
            text = ours.map_or(text.clone(), |ours| text.replace(place, ours));
        }
        let (mut main_cf, mut master_cf) = (String::new(), String::new());
        for line in text.lines() {
            let (file, line) = match line.strip_prefix("#: ") {
                Some(rest) => (&mut master_cf, rest),
                None => (&mut main_cf, line),
            };
            file.push_str(line);
            file.push('\n');
        }
        Ok(Self { main_cf, master_cf })
    }
}
