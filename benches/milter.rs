//! The milter door under load: messages and bytes a second, how long a client waits, what a message costs in CPU.
//!
//!     cargo bench --bench milter               BREVDUE_BENCH_QUICK=1 or -- --quick for a short one
//!
//! A door with a real gate and a register on disk, in this process, and N clients that speak as Postfix does, each on
//! one connection, one message after the other. Door and clients share the machine and both count: `cpu` is all the
//! time that this process took, so the door's own is less. The mail is clean: nothing waits for the disk.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, stops when it cannot go on, and rounds"
)]

mod made;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brevdue::clock::Clock;
use brevdue::config::{Config, MilterSettings};
use brevdue::daemon::Daemon;
use brevdue::intake::ListenAddr;
use brevdue::intake::milter::{Client, Mail, Outcome};
use made::{HTML, PDF, PLAIN, Wrap, html, mail, pdf, prose};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let is_test = has("--test");
    let quick = is_test || has("--quick") || std::env::var_os("BREVDUE_BENCH_QUICK").is_some();
    let time = Duration::from_millis(if is_test {
        20
    } else if quick {
        500
    } else {
        3000
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(bench(time));
}

async fn bench(time: Duration) {
    let folder = tempfile::TempDir::new().unwrap();
    let mut config = Config::loopback_default(folder.path());
    let listen = vec!["127.0.0.1:0".parse().unwrap(), ListenAddr::Unix(folder.path().join("milter"))];
    config.milter = Some(MilterSettings { listen, ..MilterSettings::default() });
    // No PDF is opened yet; with the usual policy each would be written to the register.
    let daemon = Daemon::start(&config, Clock::System).unwrap();
    let sizes = [
        ("4k text", mail(PLAIN, Wrap::Eight, prose(4096, 1).as_bytes())),
        ("75k html qp", mail(HTML, Wrap::Quoted, html(75_000, 2).as_bytes())),
        ("2M text base64", mail(PLAIN, Wrap::Base64, prose(2 << 20, 6).as_bytes())),
        ("2M pdf base64", mail(PDF, Wrap::Base64, &pdf(2 << 20, 3))),
    ];
    println!(
        "{:<5} {:<15} {:>5} {:>9} {:>8} {:>9} {:>9} {:>11}",
        "door", "mail", "conns", "mails/s", "MB/s", "p50 ms", "p99 ms", "cpu us/mail"
    );
    for address in &daemon.milter {
        let door = if matches!(address, ListenAddr::Tcp(_)) { "tcp" } else { "unix" };
        for (name, mail) in &sizes {
            for connections in [1, 8, 32] {
                let load = load(address, Arc::from(mail.as_slice()), connections, time).await;
                let count = load.waits.len();
                let rate = count as f64 / load.took.as_secs_f64();
                println!(
                    "{door:<5} {name:<15} {connections:>5} {rate:>9.0} {:>8.1} {:>9.3} {:>9.3} {:>11.0}",
                    rate * mail.len() as f64 / 1e6,
                    load.waits[count / 2].as_secs_f64() * 1e3,
                    load.waits[count * 99 / 100].as_secs_f64() * 1e3,
                    load.cpu.as_secs_f64() * 1e6 / count as f64,
                );
            }
        }
    }
    daemon.stop().await;
}

struct Load {
    took: Duration,
    cpu: Duration,
    /// In order of length.
    waits: Vec<Duration>,
}

async fn load(address: &ListenAddr, message: Arc<[u8]>, connections: usize, time: Duration) -> Load {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::connect(address).await.unwrap());
    }
    let (start, cpu) = (Instant::now(), cpu_time());
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let message = Arc::clone(&message);
            tokio::spawn(async move {
                let envelope = Mail {
                    sender: "anna@kommune.example",
                    recipients: &["bo@borger.example"],
                    queue_id: "4XyzAB12cd",
                    tls: Some("TLSv1.3"),
                };
                let mut waits = Vec::new();
                while waits.is_empty() || start.elapsed() < time {
                    let sent = Instant::now();
                    let outcome = client.send(&envelope, &message).await.unwrap();
                    waits.push(sent.elapsed());
                    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
                }
                client.quit().await.unwrap();
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    let (took, cpu) = (start.elapsed(), cpu_time().saturating_sub(cpu));
    waits.sort_unstable();
    Load { took, cpu, waits }
}

/// User and system time of this process; the kernel counts it in hundredths of a second (proc(5), `stat`).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string(Path::new("/proc/self/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
