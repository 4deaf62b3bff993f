//! While it runs: reloading, health, what wakes people.
//!
//! Rules (`[rules] path`) and config are **reloaded while mail flows**: a changed file is checked as `check-config` does and
//! proved by its own examples, then counts from the next message on; a message under way ends under what it began with. A file
//! with a fault changes nothing, and one that ends in the middle of a line is taken for half written. `systemctl kill -s HUP`
//! reloads at once. What needs a restart (listen addresses, `[store]`, `[spool]`, `[seal]`, `[alarm]`) is said so in the log.
//!
//! ```text
//! [console]
//! listen = "127.0.0.1:8892"
//! ```
//!
//! `curl localhost:8892/healthz` begins with `ok`, `degraded` (mail is checked; somebody must mend a file: which, since when and
//! why stands below; still HTTP 200) or `failing` (mail waits; HTTP 503); `Accept: application/json` gets JSON. `/metrics` is for
//! Prometheus. To be woken: `brevdue_reload_last_successful == 0`, any rise of `brevdue_milter_messages_total{verdict="defer"}`.
//!
//! # What is erased
//!
//! A closed case is kept for five years, counted from the line in the register that closed it; `brevdue case purge --by --why` erases those
//! that are older, and refuses one that is not what its lines say. Its numbers stay in the chain, with a tombstone. Files of it,
//! sealed numbers and receipts, are thrown away by the daemon of each machine, at its start and daily: run the daemon once on a
//! machine before you retire it, or destroy its spool.
//!
//! # The register is away
//!
//! A full disk, a locked file, a server of PostgreSQL that is stopped, stalled or cut off: mail with a finding is answered 451 and
//! waits with its sender, what has none goes on, and alerts wait. It recovers by itself. The log says it **once** when it begins, once
//! a minute while it lasts, and once when it is over, with how long and how often it was met; each mail has its own line with
//! `code=451` as ever, and the rest is at `BREVDUE_LOG=debug`. `brevdue status` ends with 1 and says why, and `/healthz` is `failing`
//! from the first minute: also for a register that can be read and not written. A command waits twelve seconds for a server that
//! does not answer. A daemon that is *started* meanwhile says so and ends: let the service manager start it again
//! (`Restart=always`, `StartLimitIntervalSec=0`).
//!
//! A new version brings the register up to date at its first start. Nodes that start meanwhile wait for the one that does it, however
//! long: a million messages take about half a minute.
