//! `[policy]`, `[[road]]` and `[[exemption]]` as runnable.
//!
//! Start reading at [`policy`]. Tests: `tests.rs` of this room.

use std::collections::HashMap;
use std::ops::Range;

use super::check::{Once, SendersOf, read, senders};
use super::diagnose::{Problem, Severity};
use super::file::{self, Written};
use super::section::At;
use super::value;
use crate::envelope::domain_is_named_by;
use crate::policy::exemption::Exemption;
use crate::policy::road::{Protection, Road, Roads};
use crate::policy::unread::{UnreadAction, UnreadPolicy};
use crate::policy::{LeakAction, Policy};
use crate::scan::coverage::UnreadKind;

const LEAK: [LeakAction; 4] = [LeakAction::Block, LeakAction::Hold, LeakAction::Reroute, LeakAction::Deliver];

/// What becomes of a message; `senders_of` knows the senders of a source by its name.
pub(super) fn policy(written: &Written, senders_of: &SendersOf<'_>, faults: &mut Vec<Problem>) -> Policy {
    let actions = LEAK.map(|action| (action.word(), action));
    let leak = read(written.leak.as_ref(), |word| value::choice("leak", word, &actions), faults);
    if let (Some(LeakAction::Reroute), Some(word), Some(_)) = (leak, &written.leak, &written.milter) {
        faults.push(
            Problem::warning(
                word.span(),
                "`reroute` only marks a mail; the mail server sends it by the protected road",
            )
            .label("without the mail server's part, the mail goes out as it is")
            .help("add `milter_header_checks` and the transport of systemd/postfix-example.cf to Postfix"),
        );
    }
    if let (Some(LeakAction::Reroute), Some(word), Some(smtp)) = (leak, &written.leak, &written.smtp)
        && smtp.secure.is_none()
    {
        let what = "`reroute` has no protected road through `[smtp]`: its mail is held";
        let problem = Problem::warning(word.span(), what).label("is `hold` there");
        faults.push(problem.help("add `secure = \"sikker.example:25\"` to `[smtp]`, or write `hold`"));
    }
    let defaults = [Protection::Plaintext, Protection::Unknown].map(|one| (one.word(), one));
    let default =
        read(written.default_road.as_ref(), |word| value::choice("default_road", word, &defaults), faults);
    let known = roads(&written.roads, senders_of, faults);
    let mut policy = Policy {
        leak: leak.unwrap_or_default(),
        unread: unread(written, faults),
        roads: Roads { known, default: default.unwrap_or_default() },
        exemptions: exemptions(&written.exemptions, senders_of, faults),
        ..Policy::default()
    };
    let tags = written.off_tags.iter().filter_map(|tag| read(Some(tag), value::off_tag, faults));
    let tags: Vec<String> = tags.collect();
    if !tags.is_empty() {
        policy.off_tags = tags;
    }
    policy
}

fn unread(written: &Written, faults: &mut Vec<Problem>) -> UnreadPolicy {
    let actions = UnreadAction::ALL.map(|action| (action.word(), action));
    let mut unread = UnreadPolicy::default();
    for (kind, word) in &written.unread {
        if let Some(action) = read(Some(word), |word| value::choice(kind.word(), word, &actions), faults) {
            unread.set(*kind, action);
            // A file from before documents with a password were a class of their own means them too.
            let has_own = written.unread.iter().any(|(kind, _)| *kind == UnreadKind::Password);
            if *kind == UnreadKind::Encrypted && !has_own {
                unread.set(UnreadKind::Password, action);
            }
        }
    }
    unread
}

/// The roads that can be read; a faulty one is noted, and keeps the whole from being run.
fn roads(written: &[file::Road], senders_of: &SendersOf<'_>, faults: &mut Vec<Problem>) -> Vec<Road> {
    let protections = Protection::ALL.map(|one| (one.word(), one));
    let mut once = Once(HashMap::new(), "the road to");
    let mut before: Vec<(String, Range<usize>)> = Vec::new();
    let mut all = Vec::new();
    for road in written {
        let domain = read(road.domain.as_ref(), value::road_domain, faults);
        let protection =
            read(road.protection.as_ref(), |word| value::choice("protection", word, &protections), faults);
        let from = road.from.iter().filter_map(|one| read(Some(one), value::sender_pattern, faults));
        let mut from: Vec<String> = from.collect();
        from.extend(senders(road.source.as_ref(), senders_of, faults));
        limits(road, protection, faults);
        let (Some(domain), Some(at)) = (domain, road.domain.as_ref().map(At::span)) else { continue };
        let is_for_all = road.from.is_empty() && road.source.is_none();
        if is_for_all {
            if domain == Road::EVERYWHERE {
                faults.push(
                    Problem::error(at.clone(), "a road to every domain must be for some senders").help(
                        "add `source` or `from`; what is known of all others is `[policy] default_road`",
                    ),
                );
            }
            once.note(&domain, at.clone(), "the first would count; remove one", faults);
        }
        // The first road that names a domain counts, so an exception must stand before its rule.
        let cover = before.iter().find(|(wide, _)| *wide != domain && domain_is_named_by(&domain, wide));
        if let Some((wide, first)) = cover.filter(|_| protection != Some(Protection::Sms)) {
            faults.push(
                Problem::warning(at.clone(), format!("the road to `{domain}` is never taken"))
                    .label("named by an earlier road")
                    .other(first.clone(), format!("`{wide}` counts first"))
                    .help("write this one above it"),
            );
        }
        if is_for_all {
            before.push((domain.clone(), at));
        }
        if let (Some(at), false) = (&road.protection, protection == Some(Protection::Sms))
            && Roads::default().sms_among([domain.as_str()]).is_some()
        {
            let what = format!("`{domain}` makes an SMS of a mail, and an SMS is never protected");
            let problem = Problem::warning(at.span(), what).label("says nothing");
            faults.push(problem.help("remove the road: no number may stand in what goes there"));
        }
        let Some(protection) = protection else { continue };
        let is_tls = protection == Protection::ForcedTls;
        let limit = |written: &Option<At<u64>>, default: u64| {
            written.as_ref().map(|limit| *limit.get_ref()).or(is_tls.then_some(default))
        };
        all.push(Road {
            domain,
            from,
            protection,
            warn_persons: limit(&road.warn_persons, Road::WARN_PERSONS),
            max_persons: limit(&road.max_persons, Road::MAX_PERSONS),
            line: road.line,
        });
    }
    all
}

fn limits(road: &file::Road, protection: Option<Protection>, faults: &mut Vec<Problem>) {
    let is_open = protection.is_some_and(|protection| !protection.suffices());
    for (name, limit) in [("max_persons", &road.max_persons), ("warn_persons", &road.warn_persons)] {
        if let Some(limit) = limit.as_ref().filter(|_| is_open) {
            faults.push(
                Problem::warning(limit.span(), format!("`{name}` says nothing on a road without protection"))
                    .help("remove it, or write how the road is protected: forced-tls or tunnel"),
            );
        }
    }
    if let (Some(warn), Some(max)) = (&road.warn_persons, &road.max_persons)
        && warn.get_ref() >= max.get_ref()
        && !is_open
    {
        let problem = Problem::warning(warn.span(), "this road holds before it warns").label("never reached");
        faults.push(problem.other(max.span(), "from here on mail is held").help("write a smaller number"));
    }
}

/// The exemptions that can be read; a faulty one is noted, and keeps the whole from being run.
fn exemptions(
    written: &[file::Exemption],
    senders_of: &SendersOf<'_>,
    faults: &mut Vec<Problem>,
) -> Vec<Exemption> {
    let mut once = Once(HashMap::new(), "the exemption");
    let mut all = Vec::new();
    for one in written {
        let name = read(one.name.as_ref(), value::plain_words, faults);
        if let (Some(name), Some(at)) = (&name, one.name.as_ref().map(At::span)) {
            once.note(name, at, "the register could not tell them apart; give each its own name", faults);
        }
        let reason = read(one.reason.as_ref(), value::plain_words, faults);
        let by = read(one.by.as_ref(), value::plain_words, faults);
        let mut patterns = |all: &[At<String>]| -> Vec<String> {
            all.iter().filter_map(|text| read(Some(text), value::sender_pattern, faults)).collect()
        };
        let (mut from, to) = (patterns(&one.from), patterns(&one.to));
        from.extend(senders(one.source.as_ref(), senders_of, faults));
        if one.from.is_empty() && one.to.is_empty() && one.source.is_none() {
            let message = "this exemption would be for all mail";
            let problem = Problem::missing(Severity::Error, Some(one.at.clone()), message);
            faults.push(problem.help("add `from`, `to` or `source`: whose mail it is for"));
        }
        let since = read(one.since.as_ref(), value::day, faults);
        let until = read(one.until.as_ref(), value::day, faults);
        if let (Some(since), Some(until), Some(at)) = (since, until, one.until.as_ref().map(At::span))
            && until < since
        {
            let problem = Problem::error(at, "this exemption ends before it begins");
            faults.push(problem.help("write a day in `until` that is not before `since`"));
        }
        if let (Some(name), Some(reason), Some(by), Some(since), Some(until)) =
            (name, reason, by, since, until)
        {
            all.push(Exemption { name, reason, by, from, to, since, until, line: one.line });
        }
    }
    all
}
