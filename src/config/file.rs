//! The configuration as written: every section and key, each with its type and its place.
//!
//! The list of keys of `brevdue.toml` is [`read`]. Faults of form are noted here (unknown, missing, of the
//! wrong type, broken syntax); what values mean is judged in `check`. Never reads a file. Tests: `tests.rs`
//! of this room.

use std::ops::Range;

use toml::de::DeTable;

use super::diagnose::{Problem, Severity};
use super::digital_post;
use super::documents::{LIMITS, Limit};
use super::section::{At, Key, Section};
use crate::scan::coverage::UnreadKind;

/// `brevdue.toml` as written. `None` is absent, or faulty and noted.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) milter: Option<Milter>,
    pub(super) smtp: Option<Smtp>,
    pub(super) console: Option<Console>,
    pub(super) check: Option<At<String>>,
    pub(super) store: Option<At<String>>,
    pub(super) spool: Option<At<String>>,
    pub(super) node_key: Option<At<String>>,
    pub(super) release_key: Option<At<String>>,
    pub(super) hold: Option<Hold>,
    pub(super) digital_post: Option<digital_post::Written>,
    pub(super) leak: Option<At<String>>,
    pub(super) default_road: Option<At<String>>,
    pub(super) off_tags: Vec<At<String>>,
    pub(super) unread: Vec<(UnreadKind, At<String>)>,
    pub(super) documents: Option<Documents>,
    pub(super) roads: Vec<Road>,
    pub(super) exemptions: Vec<Exemption>,
    pub(super) controllers: Vec<Controller>,
    pub(super) sources: Vec<Source>,
    pub(super) alarm: Option<Alarm>,
    pub(super) rules: Option<At<String>>,
    pub(super) maillog: Option<Maillog>,
}

/// `[console]`.
#[derive(Debug)]
pub(super) struct Console {
    pub(super) listen: Option<At<String>>,
    pub(super) url: Option<At<String>>,
}

/// `[maillog]`.
#[derive(Debug)]
pub(super) struct Maillog {
    pub(super) at: Range<usize>,
    pub(super) path: Option<At<String>>,
    pub(super) journal: Option<At<bool>>,
    pub(super) tls_logged: Option<At<bool>>,
    pub(super) bypass: Option<At<String>>,
    pub(super) need_not_pass: Vec<At<String>>,
}

/// `[milter]`.
#[derive(Debug)]
pub(super) struct Milter {
    pub(super) listen: Vec<At<String>>,
    pub(super) max_connections: Option<At<u64>>,
}

/// `[smtp]`.
#[derive(Debug)]
pub(super) struct Smtp {
    pub(super) listen: Vec<At<String>>,
    pub(super) next_hop: Option<At<String>>,
    pub(super) lmtp: Option<At<bool>>,
    pub(super) max_connections: Option<At<u64>>,
    pub(super) cert: Option<At<String>>,
    pub(super) key: Option<At<String>>,
    pub(super) secure: Option<At<String>>,
    pub(super) secure_ca: Option<At<String>>,
}

/// `[hold]`.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) node: Option<At<String>>,
    pub(super) postfix: Option<At<String>>,
    pub(super) alarm_hours: Option<Vec<u64>>,
    pub(super) tell_senders: Option<At<bool>>,
    pub(super) ways_out: Option<At<String>>,
}

/// `[documents]`.
#[derive(Debug)]
pub(super) struct Documents {
    pub(super) open: Option<At<bool>>,
    pub(super) limits: Vec<(&'static Limit, u64)>,
    pub(super) ocr: Option<At<bool>>,
    pub(super) languages: Option<At<String>>,
    pub(super) tesseract: Option<At<String>>,
}

/// One `[[road]]`.
#[derive(Debug)]
pub(super) struct Road {
    /// Its line, from 1.
    pub(super) line: u32,
    pub(super) domain: Option<At<String>>,
    pub(super) from: Vec<At<String>>,
    pub(super) source: Option<At<String>>,
    pub(super) protection: Option<At<String>>,
    pub(super) warn_persons: Option<At<u64>>,
    pub(super) max_persons: Option<At<u64>>,
}

/// One `[[exemption]]`.
#[derive(Debug)]
pub(super) struct Exemption {
    pub(super) at: Range<usize>,
    /// Its line, from 1.
    pub(super) line: u32,
    pub(super) name: Option<At<String>>,
    pub(super) reason: Option<At<String>>,
    pub(super) from: Vec<At<String>>,
    pub(super) to: Vec<At<String>>,
    pub(super) source: Option<At<String>>,
    pub(super) by: Option<At<String>>,
    pub(super) since: Option<At<String>>,
    pub(super) until: Option<At<String>>,
}

/// One `[[controller]]`.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) at: Range<usize>,
    pub(super) name: Option<At<String>>,
    pub(super) cvr: Option<At<String>>,
    pub(super) domains: Vec<At<String>>,
    pub(super) recipients: Vec<At<String>>,
    pub(super) sources: Vec<At<String>>,
    pub(super) dpo: Option<At<String>>,
    pub(super) deputy: Option<At<String>>,
    pub(super) chief: Option<At<String>>,
    pub(super) dpo_key: Option<At<String>>,
    pub(super) default: Option<At<bool>>,
}

/// One `[[source]]`.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: Option<At<String>>,
    pub(super) pattern: Option<At<String>>,
    pub(super) vendor: Option<At<String>>,
    pub(super) owner: Option<At<String>>,
}

/// `[alarm]`.
#[derive(Debug)]
pub(super) struct Alarm {
    pub(super) smtp: Option<At<String>>,
    pub(super) from: Option<At<String>>,
    pub(super) processor: Option<At<String>>,
    pub(super) second: Option<At<String>>,
    pub(super) webhook: Option<At<String>>,
    pub(super) webhook_key_file: Option<At<String>>,
    pub(super) webhook_ca: Option<At<String>>,
    pub(super) staffed: Option<At<String>>,
    pub(super) closed: Vec<At<String>>,
}

/// Reads the whole file and notes every fault of form. The places of broken syntax come with it: what
/// stands there is the parser's guess.
pub(super) fn read(source: &str, faults: &mut Vec<Problem>) -> (Written, Vec<Range<usize>>) {
    let (table, errors) = DeTable::parse_recoverable(source);
    let mut broken = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        faults.push(syntax(error.message(), span.clone()));
        broken.push(span);
    }

    let mut file = Section::new("", table);
    // The order is that of the contract and of the template; the help of an unknown key lists it so.
    let milter = file.take_section("milter", "[milter]", faults).map(|section| milter(section, faults));
    let smtp = file.take_section("smtp", "[smtp]", faults).map(|section| smtp(section, faults));
    let console = file.take_section("console", "[console]", faults).map(|section| console(section, faults));
    let check = file
        .take_section("check", "[check]", faults)
        .and_then(|section| lone_text(section, ("listen", "\"127.0.0.1:8893\""), faults));
    let store = file
        .need_section("store", "[store]", "url = \"sqlite:brevdue-data/brevdue.sqlite\"", faults)
        .and_then(|section| lone_text(section, ("url", "\"sqlite:brevdue-data/brevdue.sqlite\""), faults));
    let spool = file
        .need_section("spool", "[spool]", "path = \"brevdue-data/spool\"", faults)
        .and_then(|section| lone_text(section, ("path", "\"brevdue-data/spool\""), faults));
    let (node_key, release_key) =
        file.take_section("seal", "[seal]", faults).map_or((None, None), |mut section| {
            let paths = (
                section.take_text(("node_key", "\"brevdue-data/node.key\""), faults),
                section.take_text(("release_key", "\"brevdue-data/release.key\""), faults),
            );
            section.finish(faults);
            paths
        });
    let hold = file.take_section("hold", "[hold]", faults).map(|section| hold(section, faults));
    let digital_post = file
        .take_section("digital_post", "[digital_post]", faults)
        .map(|section| digital_post::written(section, faults));
    let mut written = Written {
        milter,
        smtp,
        console,
        check,
        store,
        spool,
        node_key,
        release_key,
        hold,
        digital_post,
        ..Written::default()
    };
    if let Some(section) = file.take_section("policy", "[policy]", faults) {
        policy(section, &mut written, faults);
    }
    written.documents =
        file.take_section("documents", "[documents]", faults).map(|section| documents(section, faults));
    let roads = file.take_sections("road", "[[road]]", faults).unwrap_or_default();
    written.roads = roads.into_iter().map(|section| road(section, source, faults)).collect();
    let exemptions = file.take_sections("exemption", "[[exemption]]", faults).unwrap_or_default();
    written.exemptions = exemptions.into_iter().map(|section| exemption(section, source, faults)).collect();
    let controllers = file.take_sections("controller", "[[controller]]", faults);
    if controllers.as_ref().is_some_and(Vec::is_empty) {
        faults.push(no_controller());
    }
    let controllers = controllers.unwrap_or_default();
    written.controllers = controllers.into_iter().map(|section| controller(section, faults)).collect();
    let sources = file.take_sections("source", "[[source]]", faults).unwrap_or_default();
    written.sources = sources.into_iter().map(|section| origin(section, faults)).collect();
    written.alarm = file.take_section("alarm", "[alarm]", faults).map(|section| alarm(section, faults));
    written.rules = file
        .take_section("rules", "[rules]", faults)
        .and_then(|section| lone_text(section, ("path", "\"rules\""), faults));
    written.maillog =
        file.take_section("maillog", "[maillog]", faults).map(|section| maillog(section, faults));
    file.finish(faults);
    (written, broken)
}

/// A section that has one key, which must be there.
fn lone_text(mut section: Section<'_>, key: Key, faults: &mut Vec<Problem>) -> Option<At<String>> {
    let text = section.need_text(key, faults);
    section.finish(faults);
    text
}

fn console(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Console {
    let read = Console {
        listen: section.need_text(("listen", "\"127.0.0.1:8892\""), faults),
        url: section.take_text(("url", "\"https://brevdue.kommune.example\""), faults),
    };
    section.finish(faults);
    read
}

fn milter(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Milter {
    let read = Milter {
        listen: section.need_texts(("listen", "\"127.0.0.1:8891\""), faults),
        // One connection holds a few hundred kilobytes, so the upper end is the memory of a large machine.
        max_connections: section.take_number(("max_connections", "2000"), 1..=100_000, faults),
    };
    section.finish(faults);
    read
}

fn smtp(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Smtp {
    let read = Smtp {
        // `brevdue pipe` needs no door.
        listen: section.take_texts(("listen", "\"127.0.0.1:10025\""), faults),
        next_hop: section.need_text(("next_hop", "\"127.0.0.1:10026\""), faults),
        lmtp: section.take_bool(("lmtp", "false"), faults),
        max_connections: section.take_number(("max_connections", "1000"), 1..=100_000, faults),
        cert: section.take_text(("cert", "\"smtp.pem\""), faults),
        key: section.take_text(("key", "\"smtp.key\""), faults),
        secure: section.take_text(("secure", "\"sikker.example:25\""), faults),
        secure_ca: section.take_text(("secure_ca", "\"ca.pem\""), faults),
    };
    section.finish(faults);
    read
}

fn hold(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Hold {
    let read = Hold {
        node: section.take_text(("node", "\"relay\""), faults),
        postfix: section.take_text(("postfix", "\"/etc/postfix\""), faults),
        alarm_hours: section.take_rising(("alarm_hours", "[4, 24]"), &(1..=720), faults),
        tell_senders: section.take_bool(("tell_senders", "true"), faults),
        ways_out: section.take_text(("ways_out", "\"Ring til DPO'en.\""), faults),
    };
    section.finish(faults);
    read
}

fn documents(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Documents {
    let open = section.take_bool(("open", "true"), faults);
    let mut limits = Vec::new();
    for limit in &LIMITS {
        let number = section.take_number(limit.key, limit.range.clone(), faults);
        limits.extend(number.map(|number| (limit, *number.get_ref())));
    }
    let ocr = section.take_bool(("ocr", "false"), faults);
    let languages = section.take_text(("ocr_languages", "\"dan+eng\""), faults);
    let tesseract = section.take_text(("tesseract", "\"/usr/bin/tesseract\""), faults);
    section.finish(faults);
    Documents { open, limits, ocr, languages, tesseract }
}

fn policy(mut section: Section<'_>, written: &mut Written, faults: &mut Vec<Problem>) {
    written.leak = section.take_text(("leak", "\"block\""), faults);
    written.default_road = section.take_text(("default_road", "\"unknown\""), faults);
    written.off_tags = section.take_texts(("off_tags", "[\"[usikker]\"]"), faults);
    if let Some(mut unread) = section.take_section("unread", "[policy.unread]", faults) {
        for kind in UnreadKind::ALL {
            let action = unread.take_text((kind.word(), "\"hold\""), faults);
            written.unread.extend(action.map(|action| (kind, action)));
        }
        unread.finish(faults);
    }
    section.finish(faults);
}

fn road(mut section: Section<'_>, file: &str, faults: &mut Vec<Problem>) -> Road {
    let read = Road {
        line: line_of(file, &section.at()),
        domain: section.need_text(("domain", "\"kommune.example\""), faults),
        from: section.take_texts(("from", "\"noreply@byggesag.example\""), faults),
        source: section.take_text(("source", "\"Byggesag\""), faults),
        protection: section.need_text(("protection", "\"forced-tls\""), faults),
        warn_persons: section.take_number(("warn_persons", "5"), 1..=u64::MAX, faults),
        max_persons: section.take_number(("max_persons", "100"), 1..=u64::MAX, faults),
    };
    section.finish(faults);
    read
}

fn exemption(mut section: Section<'_>, file: &str, faults: &mut Vec<Problem>) -> Exemption {
    let at = section.at();
    let read = Exemption {
        line: line_of(file, &at),
        at,
        name: section.need_text(("name", "\"Prøvedata hos leverandøren\""), faults),
        reason: section.need_text(("reason", "\"kun opdigtede numre\""), faults),
        from: section.take_texts(("from", "\"noreply@byggesag.example\""), faults),
        to: section.take_texts(("to", "\"*.leverandoer.example\""), faults),
        source: section.take_text(("source", "\"Byggesag\""), faults),
        by: section.need_text(("by", "\"dpo@kommune.example\""), faults),
        since: section.need_date(("since", "2026-11-01"), faults),
        until: section.need_date(("until", "2027-01-31"), faults),
    };
    section.finish(faults);
    read
}

/// The line, from 1, on which something begins.
fn line_of(file: &str, at: &Range<usize>) -> u32 {
    let before = file.as_bytes().get(..at.start).unwrap_or_default();
    u32::try_from(memchr::memchr_iter(b'\n', before).count() + 1).unwrap_or(u32::MAX)
}

fn controller(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Controller {
    let at = section.at();
    let name = section.need_text(("name", "\"Eksempel Kommune\""), faults);
    let cvr = section.need_digits(("cvr", "\"12345678\""), faults);
    let domains = section.take_texts(("domains", "[\"kommune.example\"]"), faults);
    let recipients = section.take_texts(("recipients", "[\"kommune.example\"]"), faults);
    let sources = section.take_texts(("sources", "[\"Byggesag\"]"), faults);
    let dpo = section.need_text(("dpo", "\"dpo@kommune.example\""), faults);
    let deputy = section.take_text(("deputy", "\"stedfortraeder@kommune.example\""), faults);
    let chief = section.take_text(("chief", "\"direktion@kommune.example\""), faults);
    if !section.has("dpo_key") {
        faults.push(no_key(section.at()));
    }
    let dpo_key = section.take_text(("dpo_key", "\"age1...\""), faults);
    let default = section.take_bool(("default", "true"), faults);
    section.finish(faults);
    Controller { at, name, cvr, domains, recipients, sources, dpo, deputy, chief, dpo_key, default }
}

fn origin(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Source {
    let read = Source {
        name: section.need_text(("name", "\"Byggesag\""), faults),
        pattern: section.need_text(("match", "\"noreply@byggesag.example\""), faults),
        vendor: section.take_text(("vendor", "\"Leverandøren A/S\""), faults),
        owner: section.take_text(("owner", "\"systemejer@kommune.example\""), faults),
    };
    section.finish(faults);
    read
}

fn alarm(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Alarm {
    let read = Alarm {
        smtp: section.need_text(("smtp", "\"127.0.0.1:25\""), faults),
        from: section.need_text(("from", "\"brevdue@kommune.example\""), faults),
        processor: section.take_text(("processor", "\"Leverandøren A/S\""), faults),
        second: section.take_text(("second", "\"smtps://user:password@mail.example\""), faults),
        webhook: section.take_text(("webhook", "\"https://vagt.example/brevdue\""), faults),
        webhook_key_file: section.take_text(("webhook_key_file", "\"webhook.key\""), faults),
        webhook_ca: section.take_text(("webhook_ca", "\"ca.pem\""), faults),
        staffed: section.take_text(("staffed", "\"mon-thu 08:00-16:00, fri 08:00-15:00\""), faults),
        closed: section.take_texts(("closed", "[\"24/12\", \"ascension+1\"]"), faults),
    };
    section.finish(faults);
    read
}

fn maillog(mut section: Section<'_>, faults: &mut Vec<Problem>) -> Maillog {
    let read = Maillog {
        at: section.at(),
        path: section.take_text(("path", "\"/var/log/mail.log\""), faults),
        journal: section.take_bool(("journal", "true"), faults),
        tls_logged: section.take_bool(("tls_logged", "true"), faults),
        bypass: section.take_text(("bypass", "\"alarm\""), faults),
        need_not_pass: section.take_texts(("need_not_pass", "[\"relay\"]"), faults),
    };
    section.finish(faults);
    read
}

fn no_key(at: Range<usize>) -> Problem {
    let message = "no `dpo_key`: the persons of a breach cannot be recovered";
    Problem::missing(Severity::Warning, Some(at), message)
        .label("this controller has no key")
        .help("let the DPO make a pair of keys with `brevdue key new`, and add `dpo_key = \"age1...\"`")
}

fn no_controller() -> Problem {
    Problem::missing(Severity::Error, None, "no `[[controller]]`: nobody would answer for a breach").help(
        "add the authority (dataansvarlig) whose mail this is:\n\
         [[controller]]\n\
         name = \"Eksempel Kommune\"\n\
         cvr = \"12345678\"\n\
         domains = [\"kommune.example\"]\n\
         dpo = \"dpo@kommune.example\"",
    )
}

/// The parser's own words, with what to do about the slips that people make.
fn syntax(message: &str, span: Range<usize>) -> Problem {
    let help = if message.contains("must be quoted") || message.contains("leading zero") {
        "write the value in quotes: `key = \"value\"`"
    } else if message.contains("duplicate key") {
        "a key or section may stand once; join the two (a list is written `[[road]]`)"
    } else if message.contains("unclosed") && message.contains("table") {
        "close the header: `[section]`, or `[[section]]` for one of a list"
    } else if message.contains("key with no value") {
        "write `key = \"value\"`, or `#` before a comment"
    } else {
        "see `brevdue config template` for a file that is right"
    };
    Problem::error(span, format!("not valid TOML: {message}")).help(help)
}
