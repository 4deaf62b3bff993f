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
