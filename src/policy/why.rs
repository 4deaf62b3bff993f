//! The rule that made a verdict, as the configuration calls it.
//!
//! Start reading at [`Rule`]; [`Rule::key`] is how a person finds it again.

use super::LeakAction;
use super::exemption::Exemption;
use super::road::{Passage, Protection, Source, Way};
use crate::scan::coverage::UnreadKind;

/// Which rule decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// None had to: it was read whole, and nothing was found.
    #[default]
    Clean,
    /// None had to: the content is encrypted to its reader.
    Encrypted,
    /// A `[[road]]`.
    Road {
        /// Its `domain`.
        domain: String,
        /// Its line in the configuration, from 1; 0 where there is none.
        line: u32,
    },
    /// A domain of `rules/roads.toml` that makes an SMS of a mail.
    SmsGateway(&'static str),
    /// `[policy] default_road`.
    DefaultRoad,
    /// The channel that was asked of.
    Channel(Protection),
    /// `[policy] leak`.
    Leak(LeakAction),
    /// `[policy] off_tags`: this tag stands in the subject.
    OffTag(String),
    /// An `[[exemption]]`.
    Exemption(Exemption),
    /// `[policy.unread]`, of this kind.
    Unread(UnreadKind),
    /// Our own work failed.
    Failed,
}

impl Rule {
    pub(super) fn of_way(way: &Way<'_>) -> Self {
        Self::of(way.source, way.protection)
    }

    /// What says which way mail takes, as a rule.
    pub fn of(source: Source<'_>, protection: Protection) -> Self {
        match source {
            Source::Road(road) => Self::Road { domain: road.domain.clone(), line: road.line },
            Source::SmsGateway(domain) => Self::SmsGateway(domain),
            Source::Default => Self::DefaultRoad,
            Source::Channel => Self::Channel(protection),
        }
    }

    /// Section and key as they stand in the configuration; empty where no rule had to decide.
    pub fn key(&self) -> String {
        match self {
            Self::Clean | Self::Encrypted | Self::Failed => String::new(),
            Self::Road { domain, .. } => format!("[[road]] domain = \"{domain}\""),
            Self::SmsGateway(domain) => format!("rules/roads.toml: [[sms]] domain = \"{domain}\""),
            Self::DefaultRoad => "[policy] default_road".to_owned(),
            Self::Channel(protection) => format!("channel = \"{}\"", protection.word()),
            Self::Leak(action) => format!("[policy] leak = \"{}\"", action.word()),
            Self::OffTag(tag) => format!("[policy] off_tags: \"{tag}\""),
            Self::Exemption(exemption) => format!("[[exemption]] name = \"{}\"", exemption.name),
            Self::Unread(kind) => format!("[policy.unread] {}", kind.word()),
        }
    }

    /// Its line in the configuration, from 1, where it has one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Road { line, .. } => Some(*line),
            Self::Exemption(exemption) => Some(exemption.line),
            Self::Clean
            | Self::Encrypted
            | Self::SmsGateway(_)
            | Self::DefaultRoad
            | Self::Channel(_)
            | Self::Leak(_)
            | Self::OffTag(_)
            | Self::Unread(_)
            | Self::Failed => None,
        }
        .filter(|line| *line > 0)
    }
}

/// Why a verdict is what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// Which rule decided.
    pub rule: Rule,
    /// It passes, and carries more persons' numbers than its road, for this domain, warns at: the register is told.
    pub many_persons: Option<String>,
    /// Why the way did not suffice, where a number was found and it did not.
    pub passage: Option<Passage>,
}

impl From<Rule> for Why {
    fn from(rule: Rule) -> Self {
        Self { rule, many_persons: None, passage: None }
    }
}
