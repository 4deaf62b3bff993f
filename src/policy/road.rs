//! Is the way to this recipient protected?
//!
//! Danish practice asks for *forced* TLS of at least 1.2, or better, for confidential data; opportunistic
//! TLS is plaintext here (facts: law, "Adequately protected mail"). The first road that names the
//! recipient's domain, and the sender where it asks for one, counts; an SMS gateway is one whatever a road
//! says. Start reading at [`Roads::way`].

use super::built_in;
use crate::envelope::{Address, Channel, Envelope, domain_is_named_by};

/// How mail to a domain travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Nothing is promised; opportunistic TLS belongs here.
    #[default]
    Plaintext,
    /// Nobody has said. A number that is delivered this way opens a `suspected` case.
    Unknown,
    /// TLS of at least 1.2, or the mail is not sent.
    ForcedTls,
    /// A gateway behind us encrypts the content with S/MIME (RFC 8551), and leaves the header as it is.
    Smime,
    /// The same with PGP/MIME (RFC 3156).
    Pgp,
    /// A tunnel or secure gateway (*sikker mail*).
    Tunnel,
    /// The organisation's own network.
    Internal,
    /// A gateway that makes an SMS of it. No other setting makes this more than plaintext.
    Sms,
    /// Digital Post: asked of by `POST /v1/check`, and no road of mail. What is shown as a notification, its label, is open.
    DigitalPost,
}

/// What of a mail a way keeps from strangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelter {
    Nothing,
    /// All but the header (RFC 8551 §3.1: the message's own header fields stay outside).
    Content,
    Whole,
}

impl Protection {
    /// What a `[[road]]` can be, for the configuration's errors.
    pub const ALL: [Self; 8] = [
        Self::Plaintext,
        Self::Unknown,
        Self::ForcedTls,
        Self::Smime,
        Self::Pgp,
        Self::Tunnel,
        Self::Internal,
        Self::Sms,
    ];

    /// The word in the configuration and the register.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Unknown => "unknown",
            Self::ForcedTls => "forced-tls",
            Self::Smime => "smime",
            Self::Pgp => "pgp",
            Self::Tunnel => "tunnel",
            Self::Internal => "internal",
            Self::Sms => "sms",
            Self::DigitalPost => "digital-post",
        }
    }

    /// Whether it protects anything, so that a limit of persons says something.
    pub fn suffices(self) -> bool {
        self.shelter() != Shelter::Nothing
    }

    fn shelter(self) -> Shelter {
        match self {
            Self::Plaintext | Self::Unknown | Self::Sms => Shelter::Nothing,
            Self::Smime | Self::Pgp | Self::DigitalPost => Shelter::Content,
            Self::ForcedTls | Self::Tunnel | Self::Internal => Shelter::Whole,
        }
    }
}

/// One `[[road]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Road {
    /// `kommune.example`, `*.kommune.example` for what is below it, or `*` for every domain.
    pub domain: String,
    /// The senders for whom it is, as [`Address::is_named_by`] reads them; empty is everybody.
    pub from: Vec<String>,
    /// How mail travels there.
    pub protection: Protection,
    /// Above how many persons' numbers in one mail there is a warning in the register; `None` is never.
    pub warn_persons: Option<u64>,
    /// How many persons' numbers one mail may carry there; more is held. `None` is no limit.
    pub max_persons: Option<u64>,
    /// Its line in the configuration, from 1; 0 where there is none.
    pub line: u32,
}

impl Road {
    /// Every domain.
    pub const EVERYWHERE: &'static str = "*";
    /// Of forced TLS: TLS alone is not always enough for many persons.
    pub const WARN_PERSONS: u64 = 5;
    /// Likewise.
    pub const MAX_PERSONS: u64 = 100;

    fn names(&self, sender: Option<&Address>, recipient: &Address) -> bool {
        (self.domain == Self::EVERYWHERE || domain_is_named_by(recipient.domain(), &self.domain))
            && (self.from.is_empty()
                || sender.is_some_and(|sender| self.from.iter().any(|one| sender.is_named_by(one))))
    }
}

/// All roads, with the one for everybody else.
#[derive(Clone, Debug, Default)]
pub struct Roads {
    /// In the order of the configuration.
    pub known: Vec<Road>,
    /// `default_road`: plaintext or unknown.
    pub default: Protection,
}

/// What says which way mail takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// A `[[road]]`.
    Road(&'a Road),
    /// The list of SMS gateways that is built in; the domain that it names.
    SmsGateway(&'static str),
    /// `[policy] default_road`.
    Default,
    /// The channel that was asked of is no mail.
    Channel,
}

/// The road to one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way<'a> {
    /// How mail travels there.
    pub protection: Protection,
    /// Who says so.
    pub source: Source<'a>,
}

/// How a mail with numbers travels on a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Protected; `many` when there are more persons in it than the road warns at.
    Safe {
        /// Whether the register is told.
        many: bool,
    },
    /// Protected, and there are more persons in it than the road may carry.
    TooMany,
    /// The content would be protected, and a number stands in the header.
    InHeader,
    /// Open.
    Open,
}

impl Way<'_> {
    /// Whether a mail with the numbers of so many persons in its content is adequately protected on this way.
    pub fn protects(&self, persons: u64) -> bool {
        matches!(self.passage(persons, false), Passage::Safe { .. })
    }

    /// How a mail travels with numbers of so many persons, `in_header` when one of them stands in the mail's own header.
    pub fn passage(&self, persons: u64, in_header: bool) -> Passage {
        let (warn, max) = match self.source {
            Source::Road(road) => (road.warn_persons, road.max_persons),
            Source::SmsGateway(_) | Source::Default | Source::Channel => (None, None),
        };
        match self.protection.shelter() {
            Shelter::Nothing => Passage::Open,
            Shelter::Content if in_header => Passage::InHeader,
            Shelter::Content | Shelter::Whole if max.is_some_and(|limit| persons > limit) => Passage::TooMany,
            Shelter::Content | Shelter::Whole => {
                Passage::Safe { many: warn.is_some_and(|limit| persons > limit) }
            }
        }
    }
}

impl Roads {
    /// The first of these recipients' domains that makes an SMS of a mail, whoever sends it. For mail whose sender is no
    /// longer known: a road that makes an SMS of one sender's mail counts for all.
    pub fn sms_among<'a>(&self, domains: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let is_sms = |domain: &str| {
            let by_road =
                |road: &Road| road.protection == Protection::Sms && domain_is_named_by(domain, &road.domain);
            built_in::sms_gateways().iter().any(|gateway| domain_is_named_by(domain, gateway))
                || self.known.iter().any(by_road)
        };
        domains.into_iter().find(|domain| is_sms(domain))
    }

    /// The way to this recipient; an unknown recipient travels by the default road.
    pub fn way(&self, envelope: &Envelope, recipient: Option<&Address>) -> Way<'_> {
        match envelope.channel {
            Channel::Sms => return Way { protection: Protection::Sms, source: Source::Channel },
            Channel::DigitalPost => {
                return Way { protection: Protection::DigitalPost, source: Source::Channel };
            }
            Channel::Mail => {}
        }
        let default = Way { protection: self.default, source: Source::Default };
        let Some(to) = recipient else { return default };
        let gateway = built_in::sms_gateways().iter().find(|domain| domain_is_named_by(to.domain(), domain));
        if let Some(domain) = gateway {
            return Way { protection: Protection::Sms, source: Source::SmsGateway(domain) };
        }
        let sender = envelope.sender.as_ref();
        let is_sms = |road: &&Road| road.protection == Protection::Sms && road.names(sender, to);
        let mut named = self.known.iter().filter(|road| road.names(sender, to));
        let road = self.known.iter().find(is_sms).or_else(|| named.next());
        road.map_or(default, |road| Way { protection: road.protection, source: Source::Road(road) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn road(domain: &str, protection: Protection) -> Road {
        Road { domain: domain.into(), protection, ..Road::default() }
    }

    fn roads() -> Roads {
        Roads {
            known: vec![
                Road { from: vec!["*.byg.example".into()], ..road("*", Protection::Tunnel) },
                Road {
                    warn_persons: Some(2),
                    max_persons: Some(5),
                    ..road("sikker.example", Protection::ForcedTls)
                },
                road("*.kommune.example", Protection::Internal),
                road("kommune.example", Protection::Plaintext),
                road("smime.example", Protection::Smime),
                road("*.example", Protection::Tunnel),
                road("sms.example", Protection::Sms),
            ],
            default: Protection::Unknown,
        }
    }

    fn from(sender: &str) -> Envelope {
        Envelope { sender: Address::parse(sender.as_bytes()), ..Envelope::default() }
    }

    fn protection(sender: &str, to: &str) -> Protection {
        roads().way(&from(sender), Address::parse(to.as_bytes()).as_ref()).protection
    }

    #[test]
    fn the_first_road_that_names_the_domain_counts() {
        for (to, wanted) in [
            ("a@sikker.example", Protection::ForcedTls),
            ("a@m.kommune.example", Protection::Internal),
            ("a@kommune.example", Protection::Plaintext),
            ("a@evilkommune.example", Protection::Tunnel),
            ("a@kommune.invalid", Protection::Unknown),
            // No wider road above it makes an SMS a letter, and neither does the configuration of the built-in ones.
            ("a@sms.example", Protection::Sms),
            ("a@smtp.gatewayapi.com", Protection::Sms),
        ] {
            assert_eq!(protection("x@a.invalid", to), wanted, "{to}");
        }
        assert_eq!(roads().way(&Envelope::default(), None).protection, Protection::Unknown);
    }

    #[test]
    fn a_road_may_be_for_some_senders_only() {
        assert_eq!(protection("noreply@m.byg.example", "a@kommune.invalid"), Protection::Tunnel);
        assert_eq!(protection("noreply@m.byg.example", "a@sms.example"), Protection::Sms);
        let among = |domains: &[&'static str]| roads().sms_among(domains.iter().copied());
        assert_eq!(among(&["tls.example", "sms.example"]), Some("sms.example"));
        assert_eq!(among(&["smtp.gatewayapi.com"]), Some("smtp.gatewayapi.com"));
        assert_eq!(among(&["tls.example", "notsms.example"]), None);
        assert_eq!(protection("<>", "a@kommune.invalid"), Protection::Unknown);
    }

    #[test]
    fn a_protected_road_has_a_limit_of_persons_and_warns_before_it() {
        let roads = roads();
        let passage = |to: &str, persons, in_header| {
            let to = Address::parse(to.as_bytes());
            roads.way(&from("x@a.invalid"), to.as_ref()).passage(persons, in_header)
        };
        for (persons, wanted) in [
            (2, Passage::Safe { many: false }),
            (3, Passage::Safe { many: true }),
            (5, Passage::Safe { many: true }),
            (6, Passage::TooMany),
        ] {
            assert_eq!(passage("a@sikker.example", persons, true), wanted, "{persons}");
        }
        assert_eq!(passage("a@m.kommune.example", 10_000, true), Passage::Safe { many: false });
        assert_eq!(passage("a@kommune.example", 1, false), Passage::Open);
        assert_eq!(passage("a@b.invalid", 1, false), Passage::Open);
    }

    #[test]
    fn encrypted_content_leaves_the_header_open() {
        let roads = roads();
        let to = Address::parse(b"a@smime.example");
        let way = roads.way(&from("x@a.invalid"), to.as_ref());
        assert_eq!(way.passage(1, false), Passage::Safe { many: false });
        assert_eq!(way.passage(1, true), Passage::InHeader);
    }

    #[test]
    fn another_channel_is_no_road_of_mail() {
        let roads = Roads { known: vec![road("*", Protection::Tunnel)], default: Protection::Plaintext };
        let to = Address::parse(b"a@b.example");
        let way = |channel| roads.way(&Envelope { channel, ..Envelope::default() }, to.as_ref());
        assert_eq!(way(Channel::Mail).protection, Protection::Tunnel);
        assert_eq!(way(Channel::Sms).passage(1, false), Passage::Open);
        assert_eq!(way(Channel::DigitalPost).passage(1, false), Passage::Safe { many: false });
        assert_eq!(way(Channel::DigitalPost).passage(1, true), Passage::InHeader);
    }
}
