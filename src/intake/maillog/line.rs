//! A line of Postfix's log, as far as it says how a mail travelled.
//!
//! Both forms of time stamp and every instance's name (`postfix-out/smtp`) are read; what a line says is told by its
//! words, as Postfix 3.5 to 3.11 writes them (postconf(5), `smtp_tls_loglevel = 1`). A line that says nothing of this is
//! `None`: the log of a relay holds many. Of a recipient the domain alone is kept. Start reading at [`Line::read`].

use crate::envelope::{Address, QueueId};
use chrono::{DateTime, Utc};
use regex::Regex;
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

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// A TLS session of an SMTP client has begun.
    Secured(Secured),
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
    /// The peer, as Postfix names it; `None` where none was reached.
    pub relay: Option<String>,
    /// How often the session has been used: 1 where the line does not say.
    pub conn_use: u32,
    /// What became of it.
    pub status: Status,
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

static HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(?<iso>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|[A-Z][a-z]{2} [ \d]\d [\d:]{8}) \S+ (?<program>[\w./-]+)\[(?<pid>\d+)\]: (?<text>.*)$",
    )
    .ok()
});

static SECURED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:[0-9A-Za-z]+: )?(?<trust>Anonymous|Untrusted|Trusted|Verified) TLS connection (?:established|reused) to (?<peer>\S+\[[^\]]*\]\S*): (?<protocol>\S+) with cipher (?<cipher>\S+)",
    )
    .ok()
});

static DELIVERY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?<id>[0-9A-Za-z]+): to=<(?<to>.*?)>, (?:orig_to=<.*?>, )?relay=(?<relay>\S+?), (?:conn_use=(?<uses>\d+), )?delay=.* status=(?<status>\w+) \(",
    )
    .ok()
});

static QUEUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?<id>[0-9A-Za-z]+): (?:(?<removed>removed$)|(?<released>released from hold)|(?<requeued>requeued)|uid=\d+ from=<.*> orig_id=(?<old>[0-9A-Za-z]+))",
    )
    .ok()
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
            "smtp" | "lmtp" => secured(text).or_else(|| delivery(text)),
            "qmgr" | "postsuper" | "pickup" => queue(text),
            // `local`, `pipe`, `virtual`, `error`, `discard`, and transports by other names.
            _ => delivery(text).or_else(|| secured(text)),
        }?;
        Some(Self { at, writer, says })
    }
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
        trust,
        protocol: word("protocol")?,
        cipher: word("cipher")?,
    }))
}

fn delivery(text: &str) -> Option<Says> {
    let found = DELIVERY.as_ref()?.captures(text)?;
    let relay = found.name("relay")?.as_str();
    Some(Says::Delivery(Delivery {
        queue_id: QueueId::new(found.name("id")?.as_str())?,
        domain: Address::parse(found.name("to")?.as_str().as_bytes())
            .map(|address| address.shown_domain())
            .unwrap_or_default(),
        relay: (relay != "none").then(|| relay.to_owned()),
        conn_use: found.name("uses").map_or(Some(1), |uses| uses.as_str().parse().ok())?,
        status: match found.name("status")?.as_str() {
            "sent" | "deliverable" => Status::Sent,
            "deferred" | "undeliverable" => Status::Deferred,
            // bounced, expired, and what a later version may say.
            _ => Status::Failed,
        },
    }))
}

fn queue(text: &str) -> Option<Says> {
    let found = QUEUE.as_ref()?.captures(text)?;
    let id = QueueId::new(found.name("id")?.as_str())?;
    if let Some(old) = found.name("old") {
        return Some(Says::Renamed { new: id, old: QueueId::new(old.as_str())? });
    }
    let is = |name| found.name(name).is_some();
    Some(if is("removed") {
        Says::Removed(id)
    } else if is("released") {
        Says::Released(id)
    } else {
        Says::Requeued(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> Says {
        Line::read(&format!("2026-11-02T08:00:00.25+01:00 mx1 postfix/smtp[4711]: {text}")).unwrap().says
    }

    #[test]
    fn every_form_of_stamp_and_name_is_read() {
        for (head, at, program) in [
            ("Nov  2 08:00:00 mx1 postfix/qmgr[7]", None, "postfix/qmgr"),
            ("2026-11-02T08:00:00.25+01:00 mx1 postfix-out/qmgr[7]", Some(1_793_602_800), "postfix-out/qmgr"),
            ("2026-11-02T08:00:00+0100 mx1 postfix/relay/qmgr[7]", Some(1_793_602_800), "postfix/relay/qmgr"),
        ] {
            let line = Line::read(&format!("{head}: 4bXq1z3kTnz9: removed")).unwrap();
            assert_eq!(line.at.map(|at| at.timestamp()), at, "{head}");
            assert_eq!(line.writer, Writer { program: program.into(), pid: 7 });
            assert_eq!(line.says, Says::Removed(QueueId::new("4bXq1z3kTnz9").unwrap()));
        }
    }

    #[test]
    fn a_session_is_read_with_what_was_agreed() {
        let line = "Verified TLS connection established to mx.x.example[192.0.2.1]:25: TLSv1.3 with cipher \
                    TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits)";
        let told = Secured {
            peer: "mx.x.example[192.0.2.1]:25".into(),
            trust: Trust::Verified,
            protocol: "TLSv1.3".into(),
            cipher: "TLS_AES_256_GCM_SHA384".into(),
        };
        assert_eq!(says(line), Says::Secured(told.clone()));
        // With smtp_tls_loglevel above 1, or from 3.11 on, the mail's name stands before it.
        assert_eq!(says(&format!("4bXq1z3kTnz9: {line}")), Says::Secured(told));
        assert!(Trust::Verified > Trust::Trusted && Trust::Trusted > Trust::Untrusted);
    }

    #[test]
    fn a_delivery_is_read_without_the_person() {
        let told = |conn_use, status| {
            Says::Delivery(Delivery {
                queue_id: QueueId::new("4bXq1z3kTnz9").unwrap(),
                domain: "post.example".into(),
                relay: Some("mx.post.example[192.0.2.1]:25".into()),
                conn_use,
                status,
            })
        };
        let line = |more: &str, status: &str| {
            says(&format!(
                "4bXq1z3kTnz9: to=<inger.madsen@post.example>, relay=mx.post.example[192.0.2.1]:25, {more}delay=0.4, \
                 delays=0.1/0/0.1/0.2, dsn=2.0.0, status={status} (250 2.0.0 Ok: queued as ABC)"
            ))
        };
        assert_eq!(line("", "sent"), told(1, Status::Sent));
        assert_eq!(line("conn_use=3, ", "deferred"), told(3, Status::Deferred));
        assert_eq!(line("", "bounced"), told(1, Status::Failed));
        let none = says(
            "4bXq1z3kTnz9: to=<a@b.example>, orig_to=<c@d.example>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (connect to b.example[192.0.2.9]:25: Connection refused)",
        );
        assert!(matches!(none, Says::Delivery(Delivery { relay: None, status: Status::Deferred, .. })));
    }

    #[test]
    fn what_was_done_to_a_held_mail_is_read() {
        let id = |text| QueueId::new(text).unwrap();
        let of = |program: &str, text: &str| {
            Line::read(&format!("Nov  2 08:00:00 h {program}[7]: {text}")).map(|line| line.says)
        };
        assert_eq!(of("postfix/postsuper", "4bX: released from hold"), Some(Says::Released(id("4bX"))));
        assert_eq!(of("postfix/postsuper", "4bX: requeued"), Some(Says::Requeued(id("4bX"))));
        assert_eq!(
            of("postfix/pickup", "4bY: uid=102 from=<a@b.example> orig_id=4bX"),
            Some(Says::Renamed { new: id("4bY"), old: id("4bX") })
        );
    }

    #[test]
    fn other_lines_and_odd_ones_say_nothing() {
        for line in [
            "",
            "hello",
            "Nov  2 08:00:00 mx1 sshd[7]: Accepted",
            "Nov  2 08:00:00 mx1 postfix/smtp[7]: connect to x[192.0.2.1]:25: Connection refused",
            "Nov  2 08:00:00 mx1 postfix/smtpd[7]: Anonymous TLS connection established from x[192.0.2.1]: TLSv1.3 with cipher X",
            "Nov  2 08:00:00 mx1 postfix/smtp[99999999999]: 4bX: removed",
            "Nov  2 08:00:00 mx1 postfix/qmgr[7]: 4bX: removed by somebody",
        ] {
            assert_eq!(Line::read(line), None, "{line}");
        }
    }
}
