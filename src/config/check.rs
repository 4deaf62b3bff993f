//! The configuration as runnable: what values mean, alone and together.
//!
//! Every fault is noted and the walk goes on, so that one reading shows them all. Reads no file, opens no
//! socket: whether a path or a host is there is asked when it is opened. Start reading at [`config`].
//! Tests: `tests.rs` of this room.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;

use super::alarm;
use super::diagnose::{Problem, Severity};
use super::digital_post;
use super::file::{self, Written};
use super::policy;
use super::section::At;
use super::value::{self, Refusal};
use super::{
    CheckSettings, Config, ConsoleSettings, DocumentSettings, HoldSettings, MilterSettings, SmtpSettings,
    Source, maillog::maillog,
};
use crate::envelope::{Address, Controller};
use crate::intake::listen::ListenAddr;
use crate::outlet::smtp::Place;
use crate::worker::Recogniser;

/// The CVR number of examples, which belongs to nobody.
pub(super) const NO_CVR: &str = "00000000";

/// Makes the runnable configuration, and notes every fault. `None` where a value that is needed is faulty.
/// Relative paths are taken from `folder`.
pub(super) fn config(written: &Written, folder: &Path, faults: &mut Vec<Problem>) -> Option<Config> {
    let mut addresses = Once(HashMap::new(), "the address");
    let milter = written.milter.as_ref().map(|milter| listen(milter, folder, &mut addresses, faults));
    let console = written.console.as_ref().and_then(|console| {
        let listen = address(console.listen.as_ref()?, folder, &CONSOLE, &mut addresses, faults)?;
        Some(ConsoleSettings { listen, url: read(console.url.as_ref(), alarm::page_url, faults) })
    });
    let check = written.check.as_ref().and_then(|text| {
        let listen = address(text, folder, &CHECK, &mut addresses, faults)?;
        Some(CheckSettings { listen })
    });
    let smtp = written.smtp.as_ref().map(|smtp| smtp_door(smtp, folder, &mut addresses, faults));
    if let Some(one) = written.controllers.iter().find(|one| smtp.is_some() && one.dpo_key.is_none()) {
        let what = "without a `dpo_key` what `[smtp]` should hold is answered 451";
        let problem = Problem::missing(Severity::Warning, Some(one.at.clone()), what);
        faults.push(problem.help("let the DPO make a pair of keys with `brevdue key new`"));
    }
    if milter.is_none() && smtp.is_none() {
        let missing = Problem::missing(
            Severity::Warning,
            None,
            "no `[milter]` and no `[smtp]`: no mail comes in by `brevdue serve`",
        );
        faults.push(missing.help("add `[milter]` with `listen = \"127.0.0.1:8891\"`"));
    }
    let store = read(written.store.as_ref(), |url| value::store(url, folder), faults);
    let spool = written.spool.as_ref().map(|path| value::path(path.get_ref(), folder));
    let key = |written: &Option<At<String>>, name: &str| match (written, &spool) {
        (Some(path), _) => Some(value::path(path.get_ref(), folder)),
        (None, Some(spool)) => Some(spool.with_file_name(name)),
        (None, None) => None,
    };
    let (node_key, release_key) =
        (key(&written.node_key, "node.key"), key(&written.release_key, "release.key"));
    if let (Some(node), Some(release)) = (&written.node_key, &written.release_key)
        && node_key == release_key
    {
        let problem = Problem::error(release.span(), "two keys cannot lie in one file").label("here again");
        faults.push(problem.other(node.span(), "first here").help("give each a name of its own"));
    }
    let hold = written.hold.as_ref().map(|hold| self::hold(hold, folder, faults)).unwrap_or_default();
    let sources = sources(&written.sources, faults);
    let named = |name: &str| senders_of(sources.as_deref().unwrap_or_default(), name);
    let policy = policy::policy(written, &named, faults);
    let controllers = controllers(&written.controllers, &named, faults);
    let digital_post = written
        .digital_post
        .as_ref()
        .map(|written| digital_post::digital_post(written, folder, &named, controllers.as_deref(), faults));
    if written.alarm.is_none() {
        nobody_is_told(&written.controllers, faults);
    }
    let alarm = written.alarm.as_ref().and_then(|written| alarm::alarm(written, folder, faults));
    let planning = alarm::planning(written, faults);
    let rules = written.rules.as_ref().map(|path| value::path(path.get_ref(), folder));
    let smtp = smtp.map(|smtp| Some(SmtpSettings { spool: spool.clone()?, ..smtp? }));
    Some(Config {
        milter,
        // A door that was asked for and cannot be had keeps the whole from being run.
        smtp: match smtp {
            Some(smtp) => Some(smtp?),
            None => None,
        },
        console,
        check,
        store: store?,
        spool: spool?,
        node_key: node_key?,
        release_key: release_key?,
        hold,
        digital_post: match digital_post {
            Some(settings) => Some(settings?),
            None => None,
        },
        policy,
        documents: documents(written.documents.as_ref(), folder, faults),
        controllers: controllers?,
        sources: sources?,
        alarm,
        planning,
        rules,
        maillog: written.maillog.as_ref().and_then(|written| maillog(written, folder, faults)),
    })
}

/// Reads one value, and notes a refusal at its place.
pub(super) fn read<T>(
    written: Option<&At<String>>,
    parse: impl FnOnce(&str) -> Result<T, Refusal>,
    faults: &mut Vec<Problem>,
) -> Option<T> {
    let written = written?;
    parse(written.get_ref()).map_err(|refusal| faults.push(refusal.at(written.span()))).ok()
}

/// Notes the second of two equal values, with the place of the first.
pub(super) struct Once<'a>(pub(super) HashMap<String, Range<usize>>, pub(super) &'a str);

impl Once<'_> {
    pub(super) fn note(&mut self, value: &str, at: Range<usize>, help: &str, faults: &mut Vec<Problem>) {
        if let Some(first) = self.0.get(value) {
            let problem = Problem::error(at, format!("{} `{value}` stands twice", self.1));
            faults.push(problem.label("here again").other(first.clone(), "first here").help(help));
        } else {
            self.0.insert(value.to_owned(), at);
        }
    }
}

/// What a person should know of a door's address: what it is without, who must know its port and reach it, an example.
struct Door {
    open: &'static str,
    who: &'static str,
    peer: &'static str,
    example: &'static str,
}

const MILTER: Door = Door {
    open: "the milter protocol has no authentication and no encryption",
    who: "Postfix",
    peer: "the mail server",
    example: "127.0.0.1:8891",
};

const CONSOLE: Door = Door {
    open: "the console has no authentication and no encryption",
    who: "the monitoring",
    peer: "the monitoring",
    example: "127.0.0.1:8892",
};

const CHECK: Door = Door {
    open: "the check service has no authentication and no encryption",
    who: "the portal",
    peer: "the portal and the SMS sender",
    example: "127.0.0.1:8893",
};

const SMTP: Door = Door {
    open: "whoever reaches this port can send mail by the next hop",
    who: "the mail server",
    peer: "the mail server",
    example: "127.0.0.1:10025",
};

/// `None` is a noted fault.
fn smtp_door(
    written: &file::Smtp,
    folder: &Path,
    addresses: &mut Once<'_>,
    faults: &mut Vec<Problem>,
) -> Option<SmtpSettings> {
    let place = |text: Option<&At<String>>, faults: &mut Vec<Problem>| {
        read(text, |text| value::place(text, folder), faults)
    };
    let next_hop = place(written.next_hop.as_ref(), faults);
    let secure = place(written.secure.as_ref(), faults);
    let all = written.listen.iter().filter_map(|text| address(text, folder, &SMTP, addresses, faults));
    let listen: Vec<ListenAddr> = all.collect();
    if let (Some(hop), Some(at)) = (&next_hop, &written.next_hop)
        && listen.iter().any(|own| is_itself(own, hop))
    {
        faults.push(
            Problem::error(at.span(), "the next hop is this door itself: mail would go round for ever")
                .help("let the mail server take it back on another port, without this filter"),
        );
    }
    if let (Some(Place::Unix(_)), Some(at)) = (&secure, &written.secure) {
        faults.push(
            Problem::error(at.span(), "a certificate carries a name, and a unix socket has none")
                .help("write `secure = \"sikker.example:25\"`, for example"),
        );
    }
    let tls = match (&written.cert, &written.key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (Some(only), None) | (None, Some(only)) => {
            let problem = Problem::error(only.span(), "`cert` and `key` belong together");
            faults.push(problem.help("write both, or neither: STARTTLS is not offered then"));
            None
        }
        (None, None) => None,
    };
    if let (None, Some(at)) = (&written.secure, &written.secure_ca) {
        faults.push(
            Problem::warning(at.span(), "`secure_ca` says nothing without `secure`")
                .help("add `secure = \"sikker.example:25\"`, or remove it"),
        );
    }
    let path = |text: &At<String>| value::path(text.get_ref(), folder);
    let mut settings = SmtpSettings {
        listen,
        lmtp: written.lmtp.as_ref().is_some_and(|lmtp| *lmtp.get_ref()),
        secure,
        secure_ca: written.secure_ca.as_ref().map(path),
        tls: tls.map(|(cert, key)| (path(cert), path(key))),
        ..SmtpSettings::to(next_hop?)
    };
    if let Some(number) = &written.max_connections {
        settings.max_connections = usize::try_from(*number.get_ref()).unwrap_or(settings.max_connections);
    }
    Some(settings)
}

fn listen(
    written: &file::Milter,
    folder: &Path,
    addresses: &mut Once<'_>,
    faults: &mut Vec<Problem>,
) -> MilterSettings {
    let all = written.listen.iter().filter_map(|text| address(text, folder, &MILTER, addresses, faults));
    let mut settings = MilterSettings { listen: all.collect(), ..MilterSettings::default() };
    if let Some(number) = &written.max_connections {
        settings.max_connections = usize::try_from(*number.get_ref()).unwrap_or(settings.max_connections);
    }
    settings
}

/// One address of a door. No two doors can have the same.
fn address(
    text: &At<String>,
    folder: &Path,
    door: &Door,
    addresses: &mut Once<'_>,
    faults: &mut Vec<Problem>,
) -> Option<ListenAddr> {
    let address = read(Some(text), |text| value::listen(text, folder), faults)?;
    addresses.note(text.get_ref(), text.span(), "remove one of them, or change its port", faults);
    if let ListenAddr::Tcp(socket) = &address {
        judge_socket(socket, text.span(), door, faults);
    }
    Some(address)
}

fn judge_socket(socket: &SocketAddr, at: Range<usize>, door: &Door, faults: &mut Vec<Problem>) {
    if !socket.ip().is_loopback() {
        faults.push(Problem::warning(at.clone(), door.open).label("not a loopback address").help(format!(
            "listen at 127.0.0.1 or a unix socket, or let only {} reach this port",
            door.peer
        )));
    }
    if socket.port() == 0 {
        faults.push(
            Problem::warning(at, "port 0 is a new port at every start")
                .label(format!("{} cannot know it", door.who))
                .help(format!("write a fixed port, as `{}`", door.example)),
        );
    }
}

fn hold(written: &file::Hold, folder: &Path, faults: &mut Vec<Problem>) -> HoldSettings {
    let default = HoldSettings::default();
    if let Some(node) = &written.node
        && !node.get_ref().chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    {
        faults.push(
            Problem::error(node.span(), "this is no name of a machine")
                .help("write letters, digits, `.`, `-` and `_`, as in `node = \"relay.kommune.example\"`"),
        );
    }
    let hours = written.alarm_hours.iter().flatten();
    let hours: Vec<u32> = hours.filter_map(|hour| u32::try_from(*hour).ok()).collect();
    HoldSettings {
        node: written.node.as_ref().map(|node| node.get_ref().clone()),
        postfix: written.postfix.as_ref().map(|path| value::path(path.get_ref(), folder)),
        alarm_hours: if hours.is_empty() { default.alarm_hours } else { hours },
        tell_senders: written.tell_senders.as_ref().is_none_or(|tell| *tell.get_ref()),
        ways_out: written.ways_out.as_ref().map(|text| text.get_ref().clone()),
    }
}

/// `None` opens no document.
fn documents(
    written: Option<&file::Documents>,
    folder: &Path,
    faults: &mut Vec<Problem>,
) -> Option<DocumentSettings> {
    let mut settings = DocumentSettings::default();
    let Some(written) = written else { return Some(settings) };
    if written.open.as_ref().is_some_and(|open| !open.get_ref()) {
        return None;
    }
    let mut recogniser = Recogniser::default();
    for (limit, number) in &written.limits {
        (limit.set)(&mut settings.budget, &mut recogniser, *number);
    }
    if let Some(program) = &written.tesseract {
        recogniser.program = value::path(program.get_ref(), folder);
    }
    if let Some(languages) = &written.languages {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '/' | '-');
        if languages.get_ref().starts_with('-') || !languages.get_ref().chars().all(is_name) {
            faults.push(
                Problem::error(languages.span(), "this names no languages of Tesseract")
                    .help("write `ocr_languages = \"dan+eng\"`, for example"),
            );
        }
        recogniser.languages.clone_from(languages.get_ref());
    }
    if written.ocr.as_ref().is_some_and(|ocr| *ocr.get_ref()) {
        settings.recogniser = Some(recogniser);
    }
    Some(settings)
}

fn controllers(
    written: &[file::Controller],
    senders_of: &SendersOf<'_>,
    faults: &mut Vec<Problem>,
) -> Option<Vec<Controller>> {
    let mut received = Once(HashMap::new(), "the recipients' domain");
    let mut cvrs = Once(HashMap::new(), "the CVR number");
    let mut claims = Once(HashMap::new(), "the domain");
    let mut all = Vec::new();
    for one in written {
        let cvr = read(one.cvr.as_ref(), value::cvr, faults);
        if let (Some(cvr), Some(at)) = (&cvr, one.cvr.as_ref().map(At::span)) {
            if cvr == NO_CVR {
                faults.push(
                    Problem::warning(at.clone(), "this CVR number is an example and belongs to nobody")
                        .help("write the authority's own number, since letters and the register carry it"),
                );
            }
            cvrs.note(cvr, at, "write each controller once, with all its domains", faults);
        }
        let mut domains = Vec::new();
        for text in &one.domains {
            let domain = read(Some(text), value::domain_pattern, faults);
            if let Some(domain) = domain {
                claims.note(&domain, text.span(), "a domain belongs to one controller", faults);
                domains.push(domain);
            }
        }
        let mut recipients = Vec::new();
        for text in &one.recipients {
            if let Some(domain) = read(Some(text), value::domain_pattern, faults) {
                received.note(&domain, text.span(), "a domain belongs to one controller", faults);
                recipients.push(domain);
            }
        }
        let senders = one.sources.iter().flat_map(|name| senders(Some(name), senders_of, faults)).collect();
        let dpo = read(one.dpo.as_ref(), value::mail_address, faults);
        let dpo_key = read(one.dpo_key.as_ref(), value::age_key, faults);
        let default = one.default.as_ref().is_some_and(|default| *default.get_ref());
        let name = read(one.name.as_ref(), value::plain_words, faults);
        if let (Some(name), Some(cvr), Some(dpo)) = (name, cvr, dpo) {
            all.push(Controller { name, cvr, domains, recipients, senders, dpo, dpo_key, default });
        }
    }
    one_default(written, faults);
    // A lone controller owns every sender without saying so.
    if let [only] = all.as_mut_slice() {
        only.default = true;
    }
    (all.len() == written.len()).then_some(all)
}

fn one_default(written: &[file::Controller], faults: &mut Vec<Problem>) {
    const HELP: &str = "it owns mail from a sender that no controller's domains name";
    let default = |one: &file::Controller| one.default.as_ref().is_some_and(|one| *one.get_ref());
    let mut chosen = written.iter().filter(|one| default(one)).filter_map(|one| one.default.as_ref());
    match (written, chosen.next()) {
        ([], _) => {}
        ([only], _) => {
            if let Some(no) = only.default.as_ref().filter(|default| !*default.get_ref()) {
                let problem = Problem::error(no.span(), "the only controller must be the default one");
                faults.push(problem.help(format!("remove the line: {HELP}")));
            }
        }
        ([first, ..], None) => {
            let span = Some(first.at.clone());
            let problem = Problem::missing(Severity::Error, span, "no controller is the default one");
            faults.push(problem.help(format!("add `default = true` to one of them: {HELP}")));
        }
        (_, Some(first)) => {
            for again in chosen {
                let problem = Problem::error(again.span(), "only one controller can be the default one");
                let problem = problem.label("here again").other(first.span(), "first here");
                faults.push(problem.help(format!("keep one: {HELP}")));
            }
        }
    }
}

/// The senders that a source of this name has; none when there is no such source.
pub(super) type SendersOf<'a> = dyn Fn(&str) -> Vec<String> + 'a;

fn senders_of(sources: &[Source], name: &str) -> Vec<String> {
    sources.iter().filter(|one| one.name == name).map(|one| one.pattern.clone()).collect()
}

/// The senders of the source that is named, and a fault when there is none of that name.
pub(super) fn senders(
    name: Option<&At<String>>,
    senders_of: &SendersOf<'_>,
    faults: &mut Vec<Problem>,
) -> Vec<String> {
    let Some(name) = name else { return Vec::new() };
    let senders = senders_of(name.get_ref());
    if senders.is_empty() {
        faults.push(
            Problem::error(name.span(), format!("there is no `[[source]]` of the name `{}`", name.get_ref()))
                .help("add a `[[source]]` with this `name` and its `match` to this file"),
        );
    }
    senders
}

fn sources(written: &[file::Source], faults: &mut Vec<Problem>) -> Option<Vec<Source>> {
    // A name may stand twice (one system, two senders); a sender may not, since the first would count.
    let mut once = Once(HashMap::new(), "the sender");
    let mut all = Vec::new();
    for one in written {
        let pattern = read(one.pattern.as_ref(), value::sender_pattern, faults);
        if let (Some(pattern), Some(at)) = (&pattern, one.pattern.as_ref().map(At::span)) {
            once.note(&pattern.to_lowercase(), at, "the first would count; remove one", faults);
        }
        let wide = all.iter().position(|wide: &Source| {
            pattern.as_ref().is_some_and(|one| *one != wide.pattern && sender_is_within(one, &wide.pattern))
        });
        if let (Some(wide), Some(at)) = (wide.and_then(|at| written.get(at)?.pattern.as_ref()), &one.pattern)
        {
            let problem = Problem::warning(at.span(), "no mail is ever of this source").label("never asked");
            let problem = problem.other(wide.span(), "this one, which stands before it, has all its senders");
            faults.push(problem.help("write the narrower one above the wider one"));
        }
        let name = read(one.name.as_ref(), value::plain_words, faults);
        let vendor = read(one.vendor.as_ref(), value::plain_words, faults);
        all.extend(name.zip(pattern).map(|(name, pattern)| Source { name, pattern, vendor }));
    }
    (all.len() == written.len()).then_some(all)
}

/// Whether a door and the next hop behind it are one: the same port of this machine, however its address is written.
fn is_itself(own: &ListenAddr, hop: &Place) -> bool {
    match (own, hop) {
        (ListenAddr::Tcp(own), Place::Tcp { host, port }) => {
            let is_named = *host == own.ip().to_string() || own.ip().is_loopback() && host == "localhost";
            own.port() == *port && (is_named || own.ip().is_unspecified() && hop.is_local())
        }
        (ListenAddr::Unix(own), Place::Unix(hop)) => own == hop,
        (ListenAddr::Tcp(_), Place::Unix(_)) | (ListenAddr::Unix(_), Place::Tcp { .. }) => false,
    }
}

/// Whether whoever the narrow pattern names the wide one names too.
fn sender_is_within(narrow: &str, wide: &str) -> bool {
    let domain = narrow.rsplit_once('@').map_or(narrow, |(_, domain)| domain);
    let is_address = narrow.split_once('@').is_some_and(|(local, _)| !local.is_empty());
    let example = if is_address { narrow.to_owned() } else { format!("x@{}", domain.replace('*', "x")) };
    Address::parse(example.as_bytes()).is_some_and(|one| one.is_named_by(wide))
}

fn nobody_is_told(controllers: &[file::Controller], faults: &mut Vec<Problem>) {
    if let Some(dpo) = controllers.iter().find_map(|one| one.dpo.as_ref()) {
        faults.push(
            Problem::missing(
                Severity::Warning,
                Some(dpo.span()),
                "no `[alarm]`: nobody will be told of a breach",
            )
            .label("gets no mail")
            .help("add:\n[alarm]\nsmtp = \"127.0.0.1:25\"\nfrom = \"brevdue@kommune.example\""),
        );
    }
}
