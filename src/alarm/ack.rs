//! "I have read it": the signed link in an alert, which needs no login and shows nothing of the case.
//!
//! The signature is over case, step, clock, recipient and the time until which it counts, under a key made from the node key: who
//! can make one has the node key. It stands in letters alone, because ten digits in a row by chance would look like a number to our
//! own scanner. Start reading at [`Link::read`].

use crate::case::CaseId;
use crate::case::milestone::Milestone;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;
use std::sync::Arc;

/// Makes a keyed digest of parts.
pub type Sign = Arc<dyn Fn(&[&[u8]]) -> [u8; 16] + Send + Sync>;

/// How links are made: where the console is reached, and the key.
#[derive(Clone)]
pub struct Links {
    /// `[console] url`, without a slash at its end.
    pub url: String,
    /// The key.
    pub sign: Sign,
}

impl fmt::Debug for Links {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Links({})", self.url)
    }
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The case.
    pub case: CaseId,
    /// The step that was told of.
    pub step: Milestone,
    /// Of which clock.
    pub clock: i64,
    /// Who was told.
    pub recipient: String,
    /// Until when it counts.
    pub until: DateTime<Utc>,
}

/// Why a link does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLink {
    /// It is none of ours.
    Forged,
    /// Its time is over.
    Expired,
}

impl Link {
    /// How long a link counts: as long as somebody may come back to a letter about a clock of 72 hours.
    pub const COUNTS: TimeDelta = TimeDelta::days(14);

    /// The query that says it.
    pub fn query(&self, sign: &Sign) -> String {
        format!(
            "c={}&s={}&v={}&t={}&u={}&k={}",
            self.case,
            self.step.word(),
            self.clock,
            letters(self.recipient.as_bytes()),
            letters(&self.until.timestamp().to_be_bytes()),
            letters(&self.signature(sign))
        )
    }

    /// Reads a query, and believes it by its signature alone.
    ///
    /// # Errors
    /// [`BadLink`].
    pub fn read(query: &str, sign: &Sign, now: DateTime<Utc>) -> Result<Self, BadLink> {
        let value = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        let read = || {
            let until = <[u8; 8]>::try_from(bytes(value("u")?)?).ok()?;
            let link = Self {
                case: CaseId::parse(value("c")?)?,
                step: Milestone::from_word(value("s")?)?,
                clock: value("v")?.parse().ok()?,
                recipient: String::from_utf8(bytes(value("t")?)?).ok()?,
                until: DateTime::from_timestamp(i64::from_be_bytes(until), 0)?,
            };
            let said = bytes(value("k")?)?;
            let made = link.signature(sign);
            // As long as it takes whatever is wrong.
            let differs = said.iter().zip(made).fold(0, |differs, (said, made)| differs | (said ^ made));
            (said.len() == made.len() && differs == 0).then_some(link)
        };
        let link = read().ok_or(BadLink::Forged)?;
        if link.until < now { Err(BadLink::Expired) } else { Ok(link) }
    }

    fn signature(&self, sign: &Sign) -> [u8; 16] {
        sign(&[
            self.case.as_str().as_bytes(),
            self.step.word().as_bytes(),
            &self.clock.to_be_bytes(),
            self.recipient.as_bytes(),
            &self.until.timestamp().to_be_bytes(),
        ])
    }
}

/// Bytes as letters from a to p, two a byte.
fn letters(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(b'a' + nibble)).collect()
}

fn bytes(letters: &str) -> Option<Vec<u8>> {
    let nibble = |letter: &u8| letter.checked_sub(b'a').filter(|nibble| *nibble < 16);
    let pairs = letters.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::local::read;

    fn sign(key: u8) -> Sign {
        // Stands in for the node key's digest: every byte of every part counts.
        Arc::new(move |parts| {
            let mut digest = [key; 16];
            for (at, byte) in parts.iter().flat_map(|part| part.iter().chain(&[255])).enumerate() {
                digest[at % 16] = digest[at % 16].wrapping_mul(31).wrapping_add(*byte);
            }
            digest
        })
    }

    #[test]
    fn a_link_says_what_was_signed_and_nothing_else() {
        let now = read("17-11-2026 10:20").unwrap().earlier();
        let link = Link {
            case: CaseId::new(2026, 42),
            step: Milestone::Left(24),
            clock: 2,
            recipient: "dpo@kommune.example".to_owned(),
            until: now + Link::COUNTS,
        };
        let query = link.query(&sign(7));
        assert_eq!(Link::read(&query, &sign(7), now), Ok(link.clone()));
        assert!(!query.contains("dpo"), "an address is no text of a proxy's log: {query}");
        assert_eq!(Link::read(&query, &sign(8), now), Err(BadLink::Forged));
        assert_eq!(Link::read(&query, &sign(7), now + TimeDelta::days(15)), Err(BadLink::Expired));
        let other = Link { recipient: "chef@kommune.example".to_owned(), ..link }.query(&sign(8));
        let stolen = query.split("&k=").nth(1).unwrap();
        let forged = format!("{}&k={stolen}", other.split("&k=").next().unwrap());
        for bad in [
            forged.as_str(),
            &query.replace("0042", "0043"),
            &query.replace("24h", "12h"),
            &query.replace("v=2", "v=3"),
            query.strip_suffix(|_: char| true).unwrap(),
            &query.replace("&k=", "&k=x"),
            "",
            "c=BRV-2026-0042",
        ] {
            assert_eq!(Link::read(bad, &sign(7), now), Err(BadLink::Forged), "{bad}");
        }
    }
}
