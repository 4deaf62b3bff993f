//! A line of Postfix's log, as far as it says how a mail travelled.
//!
//! Both forms of time stamp and every instance's name (`postfix-out/smtp`) are read; what a line says is told by its
//! words, as Postfix 3.5 to 3.11 writes them (postconf(5), `smtp_tls_loglevel = 1`). A line that says nothing of this is
//! `None`: the log of a relay holds many. Of a recipient the domain alone is kept. A peer's words stand in a line, last and
//! in brackets, so a line is read from its beginning and nothing is looked for behind the bracket but what Postfix itself
//! put first there. Start reading at [`Line::read`].

use crate::envelope::{Address, QueueId};
use chrono::{DateTime, Utc};
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;

/// A line that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was written; `None` where the stamp has no year and no zone.
    pub at: Option<DateTime<Utc>>,
    /// The process that wrote it: its instance and program (`postfix/smtp`), and its number.
    pub writer: Writer,
    /// What it says.
    pub says: Says,
}

/// A process of Postfix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    /// As `postfix/smtp` or `postfix/relay/smtp`.
    pub program: String,
    /// Its process id, which the system uses again.
    pub pid: u32,
}

impl Writer {
    /// The transport: the middle of `postfix/relay/smtp`, or the program where there is no middle.
    pub fn transport(&self) -> &str {
        let mut parts = self.program.rsplit('/');
        let program = parts.next().unwrap_or_default();
        parts.next().filter(|_| parts.next().is_some()).unwrap_or(program)
    }

    /// Whether it speaks SMTP with a peer.
    pub fn is_client(&self) -> bool {
        matches!(self.program.rsplit('/').next(), Some("smtp" | "lmtp"))
    }
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// A TLS session of an SMTP client has begun.
    Secured(Secured),
    /// A session of this client has ended in the middle, or was for a probe of an address; what follows goes over another.
    Lost,
    /// What became of a mail for one recipient.
    Delivery(Delivery),
    /// The mail has left the queue: all its recipients are settled.
    Removed(QueueId),
    /// Somebody gave the mail free (`postsuper -H`).
    Released(QueueId),
    /// Somebody put the mail into the queue anew (`postsuper -r`); it gets a new name.
    Requeued(QueueId),
    /// A mail that was put into the queue anew: its new name and its old one.
    Renamed {
        /// Now.
        new: QueueId,
        /// Before.
        old: QueueId,
    },
    /// A filter refused the mail; whoever sent it still has it.
    Refused(QueueId),
    /// The mail waited too long, and goes back to its sender.
    Expired(QueueId),
    /// Postfix has written a mail of its own: of a bounce or a delay. It passes no filter.
    Wrote(QueueId),
}

/// How surely the peer of a TLS session is who it should be, in Postfix's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trust {
    /// No certificate at all.
    Anonymous,
    /// A certificate that nobody known has signed.
    Untrusted,
    /// Signed by a known authority; the name was not asked for.
    Trusted,
    /// Signed by a known authority, or named by DANE, and the name is the one asked for.
    Verified,
}

impl Trust {
    /// The word in Postfix's log and in ours.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Untrusted => "untrusted",
            Self::Trusted => "trusted",
            Self::Verified => "verified",
        }
    }
}

/// A TLS session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// With whom, as Postfix names it: `mx.example[192.0.2.1]:25`.
    pub peer: String,
    /// Whether it was begun earlier, for another mail (`smtp_tls_connection_reuse`).
    pub is_reused: bool,
    /// How surely.
    pub trust: Trust,
    /// `TLSv1.3`.
    pub protocol: String,
    /// `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
}

/// A mail and one of its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which mail.
    pub queue_id: QueueId,
    /// The recipient's domain, as it may be shown; empty where the log has no address.
    pub domain: String,
    /// The domain that the sender wrote, where an alias led elsewhere.
    pub written_domain: Option<String>,
    /// The peer, as Postfix names it; `None` where none was reached.
    pub relay: Option<String>,
    /// How often the session has been used: 1 where the line does not say.
    pub conn_use: u32,
    /// How long the mail waited before this try and until its session stood, in Postfix's own figures (the first three of
    /// `delays=`, postconf(5), `delay_logging_resolution_limit`): the same for all that one try logs, and longer for the next.
    pub before: String,
    /// What Postfix 3.11 and later says of TLS; `None` where it does not.
    pub level: Option<Level>,
    /// What became of it.
    pub status: Status,
    /// Whether the content, or a part of it, has been handed to the peer, whatever it answered.
    pub is_told: bool,
    /// The mail's name behind a peer on this machine, a filter that hands it back: `queued as` or `forwarded as`.
    pub went_on_as: Option<QueueId>,
}

/// TLS as a delivery's own line tells it (`smtp_log_tls_feature_status`, Postfix 3.11): not which, but whether.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `none`, `may:none`: there was none.
    None,
    /// There was some.
    Some,
    /// `dane?`, `!encrypt`: it did not come to that.
    Undecided,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The peer has it.
    Sent,
    /// It is tried again.
    Deferred,
    /// It went back to its sender, or nowhere.
    Failed,
}

impl Status {
    /// The word in rows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Failed => "returned",
        }
    }
}

static HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(?<iso>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|[A-Z][a-z]{2} [ \d]\d [\d:]{8}) \S+ (?<program>[\w./-]+)\[(?<pid>\d+)\]: (?<text>.*)$",
    )
    .ok()
});

static SECURED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:[0-9A-Za-z]+: )?(?<trust>Anonymous|Untrusted|Trusted|Verified) TLS connection (?<how>established|reused) to (?<peer>\S+\[[^\]]*\]\S*): (?<protocol>[\w.]+) with cipher (?<cipher>[\w-]+)",
    )
    .ok()
});

// A local part may be quoted and hold whatever its sender likes, the rest of such a line too.
static DELIVERY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"^(?<id>[0-9A-Za-z]+): to=<(?<to>(?:[^">]|"(?:[^"\\]|\\.)*")*)>, (?:orig_to=<(?<written>(?:[^">]|"(?:[^"\\]|\\.)*")*)>, )?relay=(?<relay>\S+), (?:conn_use=(?<uses>\d+), )?delay=[\d.]+, delays=(?<before>[\d.]+/[\d.]+/[\d.]+)/[\d.]+, (?:tls=(?<level>[^\s,]+), )?dsn=[\d.]+, status=(?<status>[\w-]+) \((?<text>.*)$"#,
    )
    .ok()
});

static QUEUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"^(?<id>[0-9A-Za-z]+): (?:(?<removed>removed$)|(?<released>released from hold)|(?<requeued>requeued$)|uid=\d+ from=<(?:[^">]|"(?:[^"\\]|\\.)*")*> orig_id=(?<old>[0-9A-Za-z]+)$|(?<refused>milter-(?:reject|discard): END-OF-MESSAGE )|(?<expired>from=<(?:[^">]|"(?:[^"\\]|\\.)*")*>, status=(?:force-)?expired, returned to sender)|(?:sender|postmaster) (?:non-delivery|delay|delivery status) notification: (?<wrote>[0-9A-Za-z]+)$)"#,
    )
    .ok()
});

// smtp_trouble.c: the session is dead, and a next try, by the same process, begins another; perhaps without TLS.
static LOST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^[0-9A-Za-z]+: (?:lost connection with|conversation with \S+ timed out|host \S+ refused to talk to me)").ok()
});

// A filter's answer holds the answer that it got itself, so the first word that fits is taken.
static WENT_ON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:forwarded as |250 [^()]*(?:\(\S*\)[^()]*)?queued as )(?<id>[0-9A-Za-z]+)").ok()
});

impl Line {
    /// Reads a line, without its end.
    pub fn read(line: &str) -> Option<Self> {
        let head = HEAD.as_ref()?.captures(line)?;
        let text = head.name("text")?.as_str();
        let at = head.name("iso").and_then(|iso| time(iso.as_str()));
        let writer = Writer {
            program: head.name("program")?.as_str().to_owned(),
            pid: head.name("pid")?.as_str().parse().ok()?,
        };
        let says = match writer.program.rsplit('/').next()? {
            "smtp" | "lmtp" => secured(text).or_else(|| lost(text)).or_else(|| delivery(text)),
            "qmgr" | "postsuper" | "pickup" | "cleanup" | "bounce" => queue(text),
            // `local`, `pipe`, `virtual`, `error`, `discard`.
            _ => delivery(text),
        }?;
        Some(Self { at, writer, says })
    }
}

/// When a line was written, whatever it says; `None` where the stamp has no year and no zone.
pub fn stamp(line: &str) -> Option<DateTime<Utc>> {
    time(line.split(' ').next()?)
}

/// RFC 3339, and what journald writes: the zone without a colon.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    Some(time.ok()?.to_utc())
}

fn secured(text: &str) -> Option<Says> {
    let found = SECURED.as_ref()?.captures(text)?;
    let word = |name| found.name(name).map(|one| one.as_str().to_owned());
    let trust = match found.name("trust")?.as_str() {
        "Verified" => Trust::Verified,
        "Trusted" => Trust::Trusted,
        "Untrusted" => Trust::Untrusted,
        _ => Trust::Anonymous,
    };
    Some(Says::Secured(Secured {
        peer: word("peer")?,
        is_reused: found.name("how")?.as_str() == "reused",
        trust,
        protocol: word("protocol")?,
        cipher: word("cipher")?,
    }))
}

fn lost(text: &str) -> Option<Says> {
    // A last try that ends so is a delivery's own line.
    LOST.as_ref()?.is_match(text).then_some(Says::Lost)
}

fn delivery(text: &str) -> Option<Says> {
    let found = DELIVERY.as_ref()?.captures(text)?;
    let relay = found.name("relay").map(|relay| relay.as_str()).filter(|relay| *relay != "none");
    let status = match found.name("status")?.as_str() {
        "sent" => Status::Sent,
        "deferred" | "SOFTBOUNCE" => Status::Deferred,
        // A probe of an address is no mail, and had a session of its own.
        "deliverable" | "undeliverable" => return Some(Says::Lost),
        // bounced, expired, and what a later version may say.
        _ => Status::Failed,
    };
    let domain = |name| {
        // In brackets, for a quoted local part may hold blanks.
        let address = Address::parse(format!("<{}>", found.name(name)?.as_str()).as_bytes());
        Some(address.map(|address| address.shown_domain()).unwrap_or_default())
    };
    let words = found.name("text")?.as_str();
    let went_on_as =
        (status == Status::Sent && relay.is_some_and(is_this_machine)).then(|| queued_as(words)).flatten();
    Some(Says::Delivery(Delivery {
        queue_id: QueueId::new(found.name("id")?.as_str())?,
        domain: domain("to").unwrap_or_default(),
        written_domain: domain("written"),
        relay: relay.map(str::to_owned),
        conn_use: found.name("uses").map_or(Some(1), |uses| uses.as_str().parse().ok())?,
        before: found.name("before")?.as_str().to_owned(),
        level: found.name("level").map(|level| level_of(level.as_str())),
        status,
        is_told: status == Status::Sent
            || words.contains(END_OF_DATA)
            || BODY.iter().any(|one| words.contains(one)),
        went_on_as,
    }))
}

/// The name that Postfix gave a mail, by its answer to the mail's end: `250 2.0.0 Ok: queued as 4bXq1z3kTnz9`.
pub fn queued_as(answer: &str) -> Option<QueueId> {
    QueueId::new(WENT_ON.as_ref()?.captures(answer)?.name("id")?.as_str())
}

/// In Postfix's own words behind a peer's answer: to the end of the content, so that the peer has read it all.
const END_OF_DATA: &str = "(in reply to end of DATA command";
/// Where a session ended when some of the content was on its way.
const BODY: [&str; 2] = ["while sending message body", "while sending end of data"];

/// postconf(5), `smtp_log_tls_feature_status`: `LEVEL`, `LEVEL:LOWERED`, `LEVEL?`, `!LEVEL`.
fn level_of(text: &str) -> Level {
    // Behind a slash stands what is said of REQUIRETLS.
    let text = text.split('/').next().unwrap_or_default();
    let used = text.rsplit(':').next().unwrap_or_default();
    match used {
        "none" => Level::None,
        used if text.starts_with('!') || used.ends_with('?') => Level::Undecided,
        _ => Level::Some,
    }
}

/// Whether a relay is on this machine: a socket of its file system, a delivery agent, or a loopback address.
fn is_this_machine(relay: &str) -> bool {
    address_of(relay).is_none_or(|address| address.is_loopback())
}

/// The network address of a relay; `None` where it is no peer of a network: `local`, `host[private/lmtp]`.
pub fn address_of(relay: &str) -> Option<IpAddr> {
    let inside = relay.split_once('[')?.1.split_once(']')?.0;
    inside.parse().ok()
}

fn queue(text: &str) -> Option<Says> {
    let found = QUEUE.as_ref()?.captures(text)?;
    let id = QueueId::new(found.name("id")?.as_str())?;
    if let Some(old) = found.name("old") {
        return Some(Says::Renamed { new: id, old: QueueId::new(old.as_str())? });
    }
    if let Some(wrote) = found.name("wrote") {
        return Some(Says::Wrote(QueueId::new(wrote.as_str())?));
    }
    let is = |name| found.name(name).is_some();
    Some(if is("refused") {
        Says::Refused(id)
    } else if is("expired") {
        Says::Expired(id)
    } else if is("removed") {
        Says::Removed(id)
    } else if is("released") {
        Says::Released(id)
    } else {
        Says::Requeued(id)
    })
}

#[cfg(test)]
mod tests;
