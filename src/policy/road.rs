//! Is the way to this recipient protected?
//!
//! Danish practice asks for *forced* TLS of at least 1.2, or better, for confidential data; opportunistic
//! TLS is plaintext here (facts: law, "Adequately protected mail"). The first road that names the
//! recipient's domain counts.

use crate::envelope::{Address, domain_is_named_by};

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
    /// A tunnel or secure gateway (*sikker mail*), or the organisation's own network.
    Tunnel,
}

impl Protection {
    /// Every value, for the configuration's errors.
    pub const ALL: [Self; 4] = [Self::Plaintext, Self::Unknown, Self::ForcedTls, Self::Tunnel];

    /// The word in the configuration and the register.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Unknown => "unknown",
            Self::ForcedTls => "forced-tls",
            Self::Tunnel => "tunnel",
        }
    }

    fn suffices(self) -> bool {
        match self {
            Self::Plaintext | Self::Unknown => false,
            Self::ForcedTls | Self::Tunnel => true,
        }
    }
}

/// One `[[road]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Road {
    /// `kommune.example`, or `*.kommune.example` for what is below it.
    pub domain: String,
    /// How mail travels there.
    pub protection: Protection,
    /// How many persons' numbers one mail may carry there; `None` is no limit.
    pub max_persons: Option<u64>,
}

/// All roads, with the one for everybody else.
#[derive(Clone, Debug, Default)]
pub struct Roads {
    /// In the order of the configuration.
    pub known: Vec<Road>,
    /// `default_road`: plaintext or unknown.
    pub default: Protection,
}

/// The road to one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// How mail travels there.
    pub protection: Protection,
    max_persons: Option<u64>,
}

impl Way {
    /// Whether a mail with the numbers of so many persons is adequately protected on this way.
    pub fn protects(&self, persons: u64) -> bool {
        self.protection.suffices() && self.max_persons.is_none_or(|limit| persons <= limit)
    }
}

impl Roads {
    /// The way to this recipient; an unknown recipient travels by the default road.
    pub fn to(&self, recipient: Option<&Address>) -> Way {
        recipient
            .and_then(|to| self.known.iter().find(|road| domain_is_named_by(to.domain(), &road.domain)))
            .map_or(Way { protection: self.default, max_persons: None }, |road| Way {
                protection: road.protection,
                max_persons: road.max_persons,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roads() -> Roads {
        let road =
            |domain: &str, protection, max_persons| Road { domain: domain.into(), protection, max_persons };
        Roads {
            known: vec![
                road("sikker.example", Protection::ForcedTls, Some(5)),
                road("*.kommune.example", Protection::Tunnel, None),
                road("kommune.example", Protection::Plaintext, None),
            ],
            default: Protection::Unknown,
        }
    }

    fn way(to: &str) -> Way {
        roads().to(Address::parse(to.as_bytes()).as_ref())
    }

    #[test]
    fn the_first_road_that_names_the_domain_counts() {
        assert_eq!(way("a@sikker.example").protection, Protection::ForcedTls);
        assert_eq!(way("a@m.kommune.example").protection, Protection::Tunnel);
        assert_eq!(way("a@kommune.example").protection, Protection::Plaintext);
        assert_eq!(way("a@evilkommune.example").protection, Protection::Unknown);
        assert_eq!(roads().to(None).protection, Protection::Unknown);
    }

    #[test]
    fn a_protected_road_has_a_limit_of_persons() {
        assert!(way("a@sikker.example").protects(5));
        assert!(!way("a@sikker.example").protects(6));
        assert!(way("a@m.kommune.example").protects(10_000));
        assert!(!way("a@kommune.example").protects(1));
        assert!(!way("a@b.example").protects(1));
    }
}
