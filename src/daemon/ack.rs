//! The signed links of alerts: the key they are made with, and what a click does.
//!
//! The key comes from the node key, which all nodes of a register share, so that any node's console knows any node's links.
//! Start reading at [`links`].

use crate::alarm::ack::{BadLink, Link, Links, Sign};
use crate::clock::Clock;
use crate::console::ack::Acknowledging;
use crate::seal::NodeKey;
use crate::store::Store;
use std::sync::Arc;

/// The key of links.
pub(super) fn sign(key: &NodeKey) -> Sign {
    let key = key.clone();
    Arc::new(move |parts| key.digest("acknowledge alert", parts))
}

/// How links are made, where people can reach the console.
pub(super) fn links(url: Option<&str>, key: &NodeKey) -> Option<Links> {
    url.map(|url| Links { url: url.to_owned(), sign: sign(key) })
}

/// Where links come back to.
pub(super) struct Desk {
    pub(super) sign: Sign,
    pub(super) clock: Clock,
}

impl Desk {
    /// What a link does; with `really` it does it.
    pub(super) fn take(&self, store: &Store, query: &str, really: bool) -> Acknowledging {
        let now = self.clock.now();
        let link = match Link::read(query, &self.sign, now) {
            Ok(link) => link,
            Err(BadLink::Expired) => return Acknowledging::Expired,
            Err(BadLink::Forged) => return Acknowledging::Unknown,
        };
        if !really {
            return Acknowledging::Ask;
        }
        match store.acknowledge(&link.case, Some((link.step, link.clock)), &link.recipient, now) {
            Ok(Some(_)) => Acknowledging::Done,
            // Erased by the rule of retention.
            Ok(None) => Acknowledging::Expired,
            Err(error) => {
                tracing::error!(%error, "an acknowledgement was not recorded");
                Acknowledging::Unwell
            }
        }
    }
}
