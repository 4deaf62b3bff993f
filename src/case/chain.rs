//! A chain of hashes over what was entered about a case, so that a line that was changed, left out or moved is found.
//!
//! Of each line a salted digest of its content stands in a link, and each link holds the one before it. Erasing a case by the
//! rule of retention erases contents and salts and leaves the links: the chain is still whole, and says nothing any more.
//! The heads of all chains are hashed together every hour, each such anchor with the one before it: an anchor keeps the heads
//! that changed since, so that all before speak through it. What stands in tables beside the lines is held against them
//! ([`super::replay`]).
//!
//! *What it proves*: that no line was changed, left out, moved or cut off the end that an anchor covers; that no case which an
//! anchor, a link or a later number knows is gone; that state, awareness, deadline, regime, facts, receipts and tasks are what the
//! lines say; and that what was erased was erased by the rule of retention, with a last line that says by whom and why.
//!
//! *What it does not*: the hashes have no key. A person with full write access to the database can write lines, links, anchors and
//! tables anew so that all of it agrees. What was changed before an anchor that a DPO has in a letter is then found by that letter
//! alone (`brevdue case verify --anchor HASH`), and what was changed since the newest letter by nothing. Counts (mails, persons)
//! and alerts that were sent are not in lines. Of an erased case nobody can prove any more when it was closed;
//! the anchors alone show that it was not erased within five years of its opening. Start reading at [`verify`].

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// A digest.
pub type Hash = [u8; 32];

/// A digest as people compare it: 64 hexadecimal digits.
pub fn hex(hash: &Hash) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(half.into(), 16).unwrap_or_default());
        }
        text
    })
}

/// A line of the register, as the chain sees it.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The case's number.
    pub case: &'a str,
    /// Its place in the case, from 1.
    pub ordinal: i64,
    /// Seconds since 1970 in UTC.
    pub at: i64,
    /// Who.
    pub who: &'a str,
    /// What.
    pub event: &'a str,
    /// The state before, empty when it did not change.
    pub from: &'a str,
    /// The state after.
    pub to: &'a str,
    /// Why.
    pub reason: &'a str,
    /// What was said, as JSON; empty when nothing was.
    pub detail: &'a str,
}

impl Content<'_> {
    /// The salted digest: each part with its length before it, so that no two contents are alike.
    pub fn digest(&self, salt: &[u8; 16]) -> Hash {
        let mut hash = Sha256::new();
        hash.update(b"brevdue register line 1");
        hash.update(salt);
        hash.update(self.ordinal.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        for part in [self.case, self.who, self.event, self.from, self.to, self.reason, self.detail] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// The link after `before` (zeros for the first) over this digest.
pub fn link(before: &Hash, ordinal: i64, digest: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"brevdue register link 1");
    hash.update(before);
    hash.update(ordinal.to_be_bytes());
    hash.update(digest);
    hash.finalize().into()
}

/// The anchor after `before`: how many cases all anchors speak of now, and each head that changed since, in the order of the
/// numbers: case number, length and last link.
pub fn anchor<'a>(
    before: &Hash,
    at: DateTime<Utc>,
    cases: i64,
    heads: impl IntoIterator<Item = (&'a str, i64, &'a Hash)>,
) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"brevdue register anchor 1");
    hash.update(before);
    hash.update(at.timestamp().to_be_bytes());
    hash.update(cases.to_be_bytes());
    for (case, length, head) in heads {
        hash.update((case.len() as u64).to_be_bytes());
        hash.update(case);
        hash.update(length.to_be_bytes());
        hash.update(head);
    }
    hash.finalize().into()
}

/// A link as it stands in the register.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its place.
    pub ordinal: i64,
    /// The digest of the line.
    pub digest: Hash,
    /// The link.
    pub chain: Hash,
    /// The digest of the line that stands there now; `None` when its content was erased by the rule of retention.
    pub found: Option<Hash>,
}

/// Where a chain breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// This line was changed.
    Changed(i64),
    /// A line is missing here, or one was put in.
    Gap(i64),
    /// This link does not follow from the one before it.
    Relinked(i64),
    /// A line stands behind the last link.
    Unlinked(i64),
    /// An anchor has this line, and the chain ends before it.
    Cut(i64),
    /// An anchor has another line here.
    Rewritten(i64),
    /// Lines are gone, and the case was not erased by the rule of retention.
    NotErased,
    /// There is a case without a line, or lines without their case.
    Gone,
}

impl Broken {
    /// In Danish and English.
    pub fn words(self) -> (String, String) {
        match self {
            Self::Changed(at) => (
                format!("linje {at} er ændret, efter at den blev skrevet"),
                format!("line {at} was changed after it was written"),
            ),
            Self::Gap(at) => (
                format!("der mangler en linje ved {at}, eller der er sat en ind"),
                format!("a line is missing at {at}, or one was put in"),
            ),
            Self::Relinked(at) => {
                (format!("kæden er brudt ved linje {at}"), format!("the chain is broken at line {at}"))
            }
            Self::Unlinked(at) => {
                (format!("linje {at} står uden for kæden"), format!("line {at} stands outside the chain"))
            }
            Self::Cut(at) => (
                format!("linje {at} er fjernet: et anker har den, og kæden er kortere"),
                format!("line {at} was cut off: an anchor has it, and the chain is shorter"),
            ),
            Self::Rewritten(at) => (
                format!("linje {at} er en anden end den, et anker har"),
                format!("line {at} is another than an anchor has"),
            ),
            Self::NotErased => (
                "der er en gravsten, og sagen er ikke slettet efter reglen for opbevaring".to_owned(),
                "there is a tombstone, and the case was not erased by the rule of retention".to_owned(),
            ),
            Self::Gone => (
                "sagen og dens linjer passer ikke sammen: den ene mangler, og der er ingen gravsten"
                    .to_owned(),
                "the case and its lines: one is gone, and there is no tombstone".to_owned(),
            ),
        }
    }
}

/// Goes through a chain from its first link; the head, or the first place where it breaks.
///
/// # Errors
/// [`Broken`].
pub fn verify(links: &[Link]) -> Result<Hash, Broken> {
    let mut head = [0; 32];
    for (place, one) in (1..).zip(links) {
        if one.ordinal != place {
            return Err(Broken::Gap(place));
        }
        if one.found.is_some_and(|found| found != one.digest) {
            return Err(Broken::Changed(place));
        }
        head = link(&head, place, &one.digest);
        if head != one.chain {
            return Err(Broken::Relinked(place));
        }
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: i64) -> Vec<Link> {
        let mut head = [0; 32];
        let mut links = Vec::new();
        for ordinal in 1..=count {
            let reason = format!("grund {ordinal}");
            let digest = content(ordinal, &reason).digest(&[7; 16]);
            head = link(&head, ordinal, &digest);
            links.push(Link { ordinal, digest, chain: head, found: Some(digest) });
        }
        links
    }

    fn content(ordinal: i64, reason: &str) -> Content<'_> {
        Content {
            case: "BRV-2026-0001",
            ordinal,
            at: 1_794_907_200,
            who: "brevdue",
            event: "opened",
            from: "",
            to: "assessing",
            reason,
            detail: "",
        }
    }

    #[test]
    fn every_change_names_the_first_link_that_breaks() {
        assert!(verify(&chain(5)).is_ok() && verify(&[]).is_ok());
        let broken = |change: fn(&mut Vec<Link>)| {
            let mut links = chain(5);
            change(&mut links);
            verify(&links).unwrap_err()
        };
        assert_eq!(broken(|links| links[2].found = Some([1; 32])), Broken::Changed(3));
        assert_eq!(
            broken(|links| {
                links.remove(3);
            }),
            Broken::Gap(4)
        );
        assert_eq!(broken(|links| links[1].chain = [1; 32]), Broken::Relinked(2));
        assert_eq!(broken(|links| links.swap(0, 1)), Broken::Gap(1));
        // Somebody who changes a line and its digest has to change every link behind it.
        assert_eq!(
            broken(|links| {
                links[2].digest = [9; 32];
                links[2].found = Some([9; 32]);
            }),
            Broken::Relinked(3)
        );
        // What was erased by the rule leaves the chain whole.
        let mut erased = chain(5);
        for one in &mut erased {
            one.found = None;
        }
        assert_eq!(verify(&erased), verify(&chain(5)));
    }

    #[test]
    fn what_is_moved_from_one_part_to_the_next_is_another_content() {
        let one = Content { who: "ab", event: "c", ..content(1, "") };
        let other = Content { who: "a", event: "bc", ..content(1, "") };
        assert_ne!(one.digest(&[0; 16]), other.digest(&[0; 16]));
        assert_ne!(one.digest(&[0; 16]), one.digest(&[1; 16]));
        assert_eq!(hex(&[0xa7; 32]), "a7".repeat(32));
    }
}
