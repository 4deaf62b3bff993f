//! The words every edge shares: who sends to whom, who answers for it, what is decided, who keeps the mail.
//!
//! Nothing here acts. Addresses print without their local part, because a citizen's local part may reach
//! no log (invariant 7). Start reading at [`Envelope`]; the tests stand last.

use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// The domain of an address that has none, such as `root`: reserved by RFC 2606, so no road leads there.
pub const UNQUALIFIED: &str = "unqualified.invalid";

/// An address of the SMTP envelope (RFC 5321 §4.1.2). `Debug` and `Display` hide the local part.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    local: String,
    domain: String,
}

impl Address {
    /// Reads `<local@domain>` or `local@domain`, with SMTP parameters after it left out. The null sender
    /// `<>` and what has no `@` are `None`. Bytes that are not UTF-8 are kept as replacement characters:
    /// only the domain is ever compared.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(raw);
        let text = text.trim();
        let text = match text.strip_prefix('<') {
            Some(rest) => rest.rsplit_once('>')?.0,
            None => text.split_ascii_whitespace().next()?,
        };
        let (local, domain) = text.rsplit_once('@')?;
        (!domain.is_empty()).then(|| Self {
            local: local.to_owned(),
            domain: domain_in_ascii(domain.trim_end_matches('.')).into_owned(),
        })
    }

    /// The domain in lower case, in letters of ASCII: see [`domain_in_ascii`].
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The domain as it may be shown and stored: a label can be chosen to hold a number, so as many digits as a
    /// date has are starred when no letter parts them (invariant 7). What no domain can hold is of a local part that was
    /// quoted and had none: nothing of it is shown.
    pub fn shown_domain(&self) -> String {
        let is_foreign = |c: char| c.is_whitespace() || c.is_control() || "\"\\<>(),;".contains(c);
        if self.domain.contains(is_foreign) {
            return "?".to_owned();
        }
        let dated = |piece: &str| piece.chars().filter(|c| c.is_numeric()).count() >= 6;
        if self.domain.split(char::is_alphabetic).any(dated) {
            self.domain.replace(char::is_numeric, "*")
        } else {
            self.domain.clone()
        }
    }

    /// The whole address, for matching rules and for the wire; never for a log or a row.
    pub fn reveal(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    /// Whether `pattern` names this address: `a@b`, `@b` or `b` (the domain), or `*.b` (below the domain).
    pub fn is_named_by(&self, pattern: &str) -> bool {
        if let Some((local, domain)) = pattern.rsplit_once('@')
            && !local.is_empty()
        {
            return self.local.eq_ignore_ascii_case(local) && self.domain == domain_in_ascii(domain);
        }
        domain_is_named_by(&self.domain, pattern.trim_start_matches('@'))
    }
}

/// A domain in lower case and as the name that is looked up: letters outside ASCII as `xn--` (RFC 5890, by the mapping of
/// UTS #46, as mail servers do it), so that no other way to write a domain leads past what is said of it. What is no name is
/// left as it is.
pub fn domain_in_ascii(domain: &str) -> Cow<'_, str> {
    if domain.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(domain);
    }
    if domain.is_ascii() {
        return Cow::Owned(domain.to_ascii_lowercase());
    }
    match idna::domain_to_ascii(domain) {
        // A full stop of another script may end it.
        Ok(name) => Cow::Owned(name.trim_end_matches('.').to_owned()),
        Err(_) => Cow::Owned(domain.to_lowercase()),
    }
}

/// Whether `pattern` (`b` exactly, or `*.b` for anything below `b`) names `domain`, an [`Address::domain`], without regard to
/// case.
pub fn domain_is_named_by(domain: &str, pattern: &str) -> bool {
    if !pattern.is_ascii() {
        let (star, name) = pattern.strip_prefix("*.").map_or(("", pattern), |name| ("*.", name));
        let name = domain_in_ascii(name);
        return name.is_ascii() && domain_is_named_by(domain, &format!("{star}{name}"));
    }
    match pattern.strip_prefix("*.") {
        Some(parent) => domain.len().checked_sub(parent.len() + 1).is_some_and(|cut| {
            domain.get(cut..).is_some_and(|tail| {
                tail.strip_prefix('.').is_some_and(|below| below.eq_ignore_ascii_case(parent))
            })
        }),
        None => domain.eq_ignore_ascii_case(pattern),
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "*@{}", self.shown_domain())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

/// The mail server's own name for a message: 1 to 32 ASCII letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueId(String);

impl QueueId {
    /// `None` unless `id` is 1 to 32 ASCII letters and digits, so that it can stand in a log or a command.
    pub fn new(id: &str) -> Option<Self> {
        let fits = (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(id.to_owned()))
    }

    /// The id as the mail server writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When it was made, if it is one of Postfix's long ones (`enable_long_queue_ids`): seconds since 1970 in base 52, to
    /// the left of four digits of microseconds and a `z`. A short one tells no time.
    pub fn time(&self) -> Option<DateTime<Utc>> {
        const DIGITS: &[u8] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
        let (time, inode) = self.0.rsplit_once('z')?;
        let seconds = time.get(..time.len().checked_sub(4)?).filter(|seconds| seconds.len() >= 6)?;
        if inode.is_empty() {
            return None;
        }
        let digit = |byte: u8| DIGITS.iter().position(|one| *one == byte);
        let seconds = seconds.bytes().try_fold(0_i64, |before, byte| {
            before.checked_mul(52)?.checked_add(i64::try_from(digit(byte)?).ok()?)
        });
        DateTime::from_timestamp(seconds?, 0)
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What the door knows of a message besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// `None` is the null sender of bounces.
    pub sender: Option<Address>,
    /// In the order of RCPT.
    pub recipients: Vec<Address>,
    /// Known from DATA on, behind Postfix.
    pub queue_id: Option<QueueId>,
    /// Who handed the message to the mail server.
    pub client: Option<IpAddr>,
    /// The TLS version of that incoming session, if it had one.
    pub tls: Option<String>,
    /// How it is to reach its recipients.
    pub channel: Channel,
}

/// How a message is to reach its recipients: every door but `POST /v1/check` has mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channel {
    /// By SMTP.
    #[default]
    Mail,
    /// As an SMS (*NemSMS*), which anybody on the way reads.
    Sms,
    /// By Digital Post, which is protected but for the label that its notification shows.
    DigitalPost,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Mail, Self::Sms, Self::DigitalPost];

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
            Self::DigitalPost => "digital-post",
        }
    }
}

/// *Dataansvarlig* (GDPR art. 4(7)): the authority whose mail it is, whose clock runs, known by its CVR number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controller {
    /// As it is to stand in letters.
    pub name: String,
    /// Eight digits.
    pub cvr: String,
    /// Domains, as [`domain_is_named_by`] reads them, whose mail is this controller's.
    pub domains: Vec<String>,
    /// Domains of recipients whose mail is this controller's: a processor sends for many (GDPR art. 28).
    pub recipients: Vec<String>,
    /// Senders, as [`Address::is_named_by`] reads them, that send for this controller alone: its source systems.
    pub senders: Vec<String>,
    /// Where its data protection officer reads mail. Staff, so it may be stored and logged.
    pub dpo: String,
    /// The DPO's public key (`age1...`), to which the numbers of a breach are sealed; without it the persons of a
    /// breach cannot be recovered.
    pub dpo_key: Option<String>,
    /// Owns mail from a sender that no controller's domains name. Exactly one controller does.
    pub default: bool,
}

/// Who answers for mail of this sender to this recipient. Asked in this order: the sender's source; its domain, but for
/// the default controller's, which on a processor's relay is the processor; the recipient's domain; the default one.
pub fn controller_of<'a>(
    sender: Option<&Address>,
    recipient: Option<&Address>,
    controllers: &'a [Controller],
) -> Option<&'a Controller> {
    let has = |address: Option<&Address>, domains: &[String]| {
        address.is_some_and(|address| domains.iter().any(|one| domain_is_named_by(address.domain(), one)))
    };
    let by_source = |one: &&Controller| {
        sender.is_some_and(|sender| one.senders.iter().any(|pattern| sender.is_named_by(pattern)))
    };
    controllers
        .iter()
        .find(by_source)
        .or_else(|| controllers.iter().find(|one| !one.default && has(sender, &one.domains)))
        .or_else(|| controllers.iter().find(|one| has(recipient, &one.recipients)))
        .or_else(|| controllers.iter().find(|one| one.default))
}

/// Why a message may pass although it is not `Clean`, or that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Read whole, and nothing found.
    Clean,
    /// The content is encrypted to its reader (S/MIME enveloped, PGP/MIME).
    Encrypted,
    /// The road to this recipient is protected, and the number of persons within its limit.
    ProtectedRoad,
    /// Something could not be read, of a kind that the policy lets pass.
    UnreadAllowed,
    /// A person has exempted mail from this sender to this recipient, until a day; it stands in the register.
    Exempt,
    /// The policy only observes: a leak is delivered, and a case opened.
    Observed,
}

/// What is to happen to a message for one recipient; a door that has one answer takes the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Hand it on, for the reason given.
    Deliver(Pass),
    /// Hand it on by a protected road only.
    Reroute,
    /// Keep it for a person's decision.
    Hold,
    /// Refuse it; the sender is told.
    Block,
    /// Ask the sender to come again: we could not do our work.
    Defer,
}

impl Verdict {
    /// How strict, for folding many into one: the larger wins.
    pub fn strictness(&self) -> u8 {
        match self {
            Self::Deliver(Pass::Clean) => 0,
            Self::Deliver(Pass::Encrypted) => 1,
            Self::Deliver(Pass::ProtectedRoad) => 2,
            Self::Deliver(Pass::UnreadAllowed) => 3,
            Self::Deliver(Pass::Exempt) => 4,
            Self::Deliver(Pass::Observed) => 5,
            Self::Reroute => 6,
            Self::Hold => 7,
            Self::Block => 8,
            Self::Defer => 9,
        }
    }

    /// The word for rows, logs and `--format jsonl`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Deliver(_) => "deliver",
            Self::Reroute => "reroute",
            Self::Hold => "hold",
            Self::Block => "block",
            Self::Defer => "defer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_smtp_writes_them() {
        for (raw, domain) in [
            ("<a@Example.DK>", Some("example.dk")),
            ("a@example.dk", Some("example.dk")),
            ("<\"a b\"@x.dk> SIZE=3", Some("x.dk")),
            ("<a@x.dk.>", Some("x.dk")),
            ("<>", None),
            ("", None),
            ("nobody", None),
            ("<a@>", None),
        ] {
            assert_eq!(Address::parse(raw.as_bytes()).as_ref().map(Address::domain), domain, "{raw}");
        }
    }

    #[test]
    fn an_address_prints_without_its_local_part() {
        let address = Address::parse(b"<inger.madsen@borger.example>").unwrap();
        assert_eq!(format!("{address:?} {address}"), "*@borger.example *@borger.example");
    }

    #[test]
    fn a_domain_that_holds_a_number_is_starred() {
        let shown = |raw: &[u8]| Address::parse(raw).unwrap().shown_domain();
        assert_eq!(shown(b"a@150379-1028.example"), "******-****.example");
        assert_eq!(shown(b"a@1503791028.example"), "**********.example");
        assert_eq!(shown(b"a@15.03.79-1028.example"), "**.**.**-****.example");
        assert_eq!(shown("a@１５０３７９-1028.example".as_bytes()), "******-****.example");
        assert_eq!(shown(b"a@mx12.kommune.example"), "mx12.kommune.example");
        // Found by the fuzzer: these have no domain, and what stands behind the sign is a person.
        assert_eq!(shown(b"<\"sag@inger madsen\">"), "?");
        assert_eq!(shown(b"<\"sag@inger.madsen\">"), "?");
    }

    #[test]
    fn patterns_name_addresses() {
        let address = Address::parse(b"Noreply@mail.kommune.example").unwrap();
        for (pattern, named) in [
            ("noreply@mail.kommune.example", true),
            ("other@mail.kommune.example", false),
            ("@mail.kommune.example", true),
            ("mail.kommune.example", true),
            ("*.kommune.example", true),
            ("*.mail.kommune.example", false),
            ("kommune.example", false),
            ("*.une.example", false),
        ] {
            assert_eq!(address.is_named_by(pattern), named, "{pattern}");
        }
    }

    #[test]
    fn a_domain_is_the_same_however_it_is_written() {
        let named =
            |address: &str, pattern: &str| Address::parse(address.as_bytes()).unwrap().is_named_by(pattern);
        // Full-width letters, a full stop of another script, capitals beyond ASCII, a letter that is no letter.
        for address in
            ["a@ｓｍｓ.example", "a@sms。example", "a@SMS.EXAMPLE", "a@sms.example。", "a@s\u{ad}ms.example"]
        {
            assert!(named(address, "sms.example") && named(address, "*.example"), "{address}");
        }
        for pattern in ["smør.example", "SMØR.example", "xn--smr-1na.example", "a@smør.example"] {
            for address in
                ["a@smør.example", "a@SMØR.example", "a@xn--smr-1na.example", "a@XN--SMR-1NA.example"]
            {
                assert!(named(address, pattern), "{address} {pattern}");
            }
            assert!(!named("a@smor.example", pattern) && !named("a@x.smør.example", pattern), "{pattern}");
        }
        assert!(
            named("a@x.smør.example", "*.smør.example") && !named("a@evilsmør.example", "*.smør.example")
        );
    }

    #[test]
    fn the_default_controller_owns_what_nobody_claims() {
        let controller = |name: &str, domain: &str, default| Controller {
            name: name.into(),
            cvr: "12345678".into(),
            domains: vec![domain.into()],
            dpo: "dpo@x.example".into(),
            dpo_key: None,
            default,
            ..Controller::default()
        };
        let all = [controller("A", "a.example", true), controller("B", "*.b.example", false)];
        let of =
            |sender: &[u8]| controller_of(Address::parse(sender).as_ref(), None, &all).unwrap().name.clone();
        assert_eq!(
            (of(b"x@a.example"), of(b"x@m.b.example"), of(b"x@c.example"), of(b"<>")),
            ("A".into(), "B".into(), "A".into(), "A".into())
        );
    }

    #[test]
    fn a_processor_sends_for_many() {
        let controller = |name: &str, domain: &str| Controller {
            name: name.into(),
            domains: vec![domain.into()],
            recipients: vec![domain.into()],
            ..Controller::default()
        };
        let all = [
            Controller { default: true, ..controller("processor", "it.example") },
            Controller { senders: vec!["byg@it.example".into()], ..controller("A", "a.example") },
            controller("B", "b.example"),
        ];
        for (sender, recipient, wanted) in [
            // A system of A's alone, whoever gets it.
            ("byg@it.example", "x@b.example", "A"),
            // The processor's own address sends for whoever gets it.
            ("noreply@it.example", "x@a.example", "A"),
            ("noreply@it.example", "x@b.example", "B"),
            ("noreply@it.example", "x@c.example", "processor"),
            ("<>", "x@b.example", "B"),
            // B's own mail to A is B's.
            ("x@b.example", "x@a.example", "B"),
        ] {
            let (from, to) = (Address::parse(sender.as_bytes()), Address::parse(recipient.as_bytes()));
            let of = controller_of(from.as_ref(), to.as_ref(), &all).unwrap();
            assert_eq!(of.name, wanted, "{sender} {recipient}");
        }
    }

    #[test]
    fn a_long_queue_id_tells_its_time() {
        let time = |id| QueueId::new(id).unwrap().time().map(|time| time.timestamp());
        for short in ["A3F0B1C2D", "4bX", "0123z", "4dhRlh000z1", "4dhRlh0000z"] {
            assert_eq!(time(short), None, "{short}");
        }
        // The first second of 2026; the microseconds may hold a z too.
        assert_eq!(time("4dhRlhzzzzz1"), Some(1_767_225_600));
    }

    #[test]
    fn a_queue_id_can_stand_in_a_command() {
        assert!(QueueId::new("4bXq1z3kTnz9").is_some());
        for bad in ["", "a b", "a;b", "../x", &"a".repeat(33)] {
            assert!(QueueId::new(bad).is_none(), "{bad}");
        }
    }
}
