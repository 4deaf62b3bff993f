//! What `rules/roads.toml` says: SMS gateways, and the subject tags that switch encryption off.
//!
//! Read once; a test proves that it can be read and that every entry matches what it must and nothing that it must not.

use serde::Deserialize;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../rules/roads.toml");

#[derive(Default)]
struct Lists {
    gateways: Vec<String>,
    off_tags: Vec<String>,
}

#[derive(Deserialize)]
struct Written {
    sms: Vec<Gateway>,
    off_tag: Vec<OffTag>,
}

#[derive(Deserialize)]
struct Gateway {
    domain: String,
    #[cfg(test)]
    must: Vec<String>,
    #[cfg(test)]
    must_not: Vec<String>,
}

#[derive(Deserialize)]
struct OffTag {
    tag: String,
    #[cfg(test)]
    must: Vec<String>,
    #[cfg(test)]
    must_not: Vec<String>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    // The text is built in and its test reads it, so the default is never taken.
    toml::from_str::<Written>(TEXT).map_or_else(
        |_| Lists::default(),
        |written| Lists {
            gateways: written.sms.into_iter().map(|one| one.domain).collect(),
            off_tags: written.off_tag.into_iter().map(|one| one.tag).collect(),
        },
    )
});

/// Domains that make an SMS of a mail, as [`crate::envelope::domain_is_named_by`] reads them.
pub(super) fn sms_gateways() -> &'static [String] {
    &LISTS.gateways
}

/// Tags that switch encryption off.
pub(super) fn off_tags() -> &'static [String] {
    &LISTS.off_tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Address;
    use crate::scan::Subject;

    #[test]
    fn every_entry_matches_what_it_must_and_nothing_that_it_must_not() {
        let written: Written = toml::from_str(TEXT).unwrap();
        assert!(!sms_gateways().is_empty() && !off_tags().is_empty());
        for Gateway { domain, must, must_not } in written.sms {
            let named = |text: &String| Address::parse(text.as_bytes()).unwrap().is_named_by(&domain);
            assert!(!must.is_empty() && must.iter().all(named), "{domain}");
            assert!(!must_not.is_empty() && !must_not.iter().any(named), "{domain}");
        }
        for OffTag { tag, must, must_not } in written.off_tag {
            let tagged = |text: &String| Subject::of(text.as_bytes()).has(&tag);
            assert!(!must.is_empty() && must.iter().all(tagged), "{tag}");
            assert!(!must_not.is_empty() && !must_not.iter().any(tagged), "{tag}");
        }
    }
}
