//! Single values: text as written to a value that can be used, or a [`Refusal`] that says why not.
//!
//! Pure, and knows nothing of the file around a value. Tests: below, a table for each.

use std::net::Ipv6Addr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::StoreUrl;
use super::diagnose::Problem;
use crate::envelope::Address;
use crate::intake::listen::ListenAddr;
use crate::nearest::nearest;
use crate::outlet::notice;
use crate::outlet::smtp::Place;
use crate::policy::road::Road;
use crate::scan::Day;
use crate::seal;
use crate::store::ServerUrl;

/// Why a value cannot be used, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    what: String,
    label: String,
    help: String,
}

impl Refusal {
    pub(super) fn new(what: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), label: label.into(), help: help.into() }
    }

    /// In one line, for a file that is not drawn.
    pub(super) fn in_words(self) -> String {
        format!("{}: {}", self.what, self.help)
    }

    /// As a problem at its place.
    pub(super) fn at(self, span: Range<usize>) -> Problem {
        Problem::error(span, self.what).label(self.label).help(self.help)
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy>(key: &str, word: &str, choices: &[(&'static str, T)]) -> Result<T, Refusal> {
    if let Some((_, value)) = choices.iter().find(|(known, _)| *known == word) {
        return Ok(*value);
    }
    let words: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
    let list = format!("one of: {}", words.join(", "));
    let help = match nearest(word, words) {
        Some(meant) => format!("did you mean `{meant}`? {list}"),
        None => list,
    };
    Err(Refusal::new(format!("`{key}` cannot be `{word}`"), "not known", help))
}

/// Where to listen; a path is taken from the file's folder.
pub(super) fn listen(text: &str, folder: &Path) -> Result<ListenAddr, Refusal> {
    match text.parse::<ListenAddr>() {
        Ok(ListenAddr::Unix(path)) => Ok(ListenAddr::Unix(folder.join(path))),
        Ok(tcp @ ListenAddr::Tcp(_)) => Ok(tcp),
        Err(_) => Err(Refusal::new(
            format!("`{text}` is not an address to listen at"),
            "",
            "write `127.0.0.1:8891` (a number, not a name) or `unix:/run/brevdue/milter.sock`",
        )),
    }
}

/// Where mail goes on: a host and a port, or a unix socket.
pub(super) fn place(text: &str, folder: &Path) -> Result<Place, Refusal> {
    const HELP: &str = "write `127.0.0.1:10026`, `mail.example:25` or `unix:/run/lmtp.sock`";
    let refuse = |label: &str| Err(Refusal::new(format!("`{text}` names no mail server"), label, HELP));
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.is_empty() { refuse("") } else { Ok(Place::Unix(folder.join(path))) };
    }
    let Some((host, port)) = text.rsplit_once(':') else { return refuse("the port is missing") };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_name = domain_pattern(bare).is_ok_and(|host| !host.starts_with('*'));
    if bare.parse::<Ipv6Addr>().is_err() && !is_name {
        return refuse("the host is not a name or an address");
    }
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok(Place::Tcp { host: bare.to_owned(), port }),
        Ok(_) | Err(_) => refuse("the port must be 1 to 65535"),
    }
}

/// Where the register is.
pub(super) fn store(text: &str, folder: &Path) -> Result<StoreUrl, Refusal> {
    const HELP: &str = "write `sqlite:` and the path of a file, as `sqlite:/var/lib/brevdue/brevdue.sqlite`, or \
                        `postgres://USER:PASSWORD@HOST/DATABASE`";
    if text.starts_with("postgres:") || text.starts_with("postgresql:") {
        // Without the URL in the answer: a password may stand in it.
        let url = ServerUrl::parse(text);
        let url =
            url.map_err(|why| Refusal::new("`url` names no PostgreSQL register", why.to_string(), HELP));
        return url.map(|url| StoreUrl::Postgres(Box::new(url)));
    }
    let Some(path) = text.strip_prefix("sqlite:") else {
        return Err(Refusal::new("`url` names no store that is known", "", HELP));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        return Err(Refusal::new("`url` names no file", "the register must outlive the process", HELP));
    }
    Ok(StoreUrl::Sqlite(folder.join(path)))
}

/// A path, taken from the file's folder.
pub(super) fn path(text: &str, folder: &Path) -> PathBuf {
    folder.join(text)
}

/// A domain or, with `*.`, what is below it; in lower case.
pub(super) fn domain_pattern(text: &str) -> Result<String, Refusal> {
    let bare = text.strip_prefix("*.").unwrap_or(text);
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    if bare.split('.').all(label) {
        return Ok(text.to_ascii_lowercase());
    }
    let help = if bare.contains('@') {
        "write only what stands after the `@`"
    } else {
        "write `kommune.example`, or `*.kommune.example` for all that is below it"
    };
    Err(Refusal::new(format!("`{text}` is not a domain"), "", help))
}

/// The domain of a road: a pattern, or `*` for every domain.
pub(super) fn road_domain(text: &str) -> Result<String, Refusal> {
    if text == Road::EVERYWHERE { Ok(text.to_owned()) } else { domain_pattern(text) }
}

/// A day, as `2026-11-01`.
pub(super) fn day(text: &str) -> Result<Day, Refusal> {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &&str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let read = match parts.as_slice() {
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => {
            let numbers = (year.parse().ok(), month.parse().ok(), day.parse().ok());
            if let (Some(year), Some(month), Some(day)) = numbers { Day::new(year, month, day) } else { None }
        }
        _ => None,
    };
    read.ok_or_else(|| Refusal::new("this is no day", "", "write year, month and day, as `2026-11-01`"))
}

/// What a person writes and the register keeps: it may hold no number of a person.
pub(super) fn plain_words(text: &str) -> Result<String, Refusal> {
    if text.chars().filter(|c| c.is_numeric()).count() < 8 && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let help = "write one line of words; it stands in the register, where no number of a person may";
    Err(Refusal::new("this has too many digits, or signs that cannot be shown", "", help))
}

/// A tag in a subject.
pub(super) fn off_tag(text: &str) -> Result<String, Refusal> {
    if text.trim().chars().count() >= 3 {
        return Ok(text.trim().to_owned());
    }
    Err(Refusal::new(
        "this tag is too short to be told from other words",
        "",
        "write it whole, as `[usikker]`",
    ))
}

/// A mail address of one person or mailbox.
pub(super) fn mail_address(text: &str) -> Result<String, Refusal> {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ','));
    let known = text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !local.contains('@')
            && domain_pattern(domain).is_ok()
            && !domain.starts_with('*')
    });
    if plain && known && Address::parse(text.as_bytes()).is_some() && notice::is_address(text) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new("this is not a mail address", "", "write one bare address, as `dpo@kommune.example`"))
}

/// A pattern that names senders: `a@b`, `@b`, `b` or `*.b`, as `Address::is_named_by` reads it.
pub(super) fn sender_pattern(text: &str) -> Result<String, Refusal> {
    let known = match text.rsplit_once('@') {
        Some(("", domain)) => domain_pattern(domain).is_ok(),
        Some(_) => mail_address(text).is_ok(),
        None => domain_pattern(text).is_ok(),
    };
    if known {
        return Ok(text.to_owned());
    }
    let help = "write `noreply@byggesag.example`, `@byggesag.example` or `*.byggesag.example`";
    Err(Refusal::new(format!("`{text}` names no sender"), "", help))
}

/// A CVR number: eight digits.
pub(super) fn cvr(text: &str) -> Result<String, Refusal> {
    let digits: String = text.chars().filter(|c| *c != ' ').collect();
    if digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(digits);
    }
    // Ten digits may be somebody's CPR number in the wrong place, so the value is not repeated.
    let label = match digits.bytes().filter(u8::is_ascii_digit).count() {
        count if count == digits.len() => format!("has {count} digits"),
        _ => "has other signs than digits".to_owned(),
    };
    Err(Refusal::new("a CVR number has eight digits", label, "look the authority up at datacvr.virk.dk"))
}

/// The public key of a data protection officer, as age writes it.
pub(super) fn age_key(text: &str) -> Result<String, Refusal> {
    const HELP: &str = "write the whole line that begins with `age1`";
    if text.starts_with("AGE-SECRET-KEY-") {
        let what = "this is a secret key; it must not stand here";
        return Err(Refusal::new(what, "", "write the public key that belongs to it, and make a new pair"));
    }
    if seal::is_public_key(text) {
        return Ok(text.to_owned());
    }
    Err(if text.starts_with("age1") {
        Refusal::new("this is not a whole age public key", "mistyped, or cut off", HELP)
    } else {
        Refusal::new("this is not an age public key", "", HELP)
    })
}

/// The mail server for notices, as a URL: `host:port` is `smtp://host:port`. The value is never repeated,
/// since it may hold a password.
pub(super) fn smtp_url(text: &str) -> Result<String, Refusal> {
    const HELP: &str =
        "write `127.0.0.1:25`, `smtp://mail.example:587` or `smtps://user:password@mail.example`";
    let refuse = |label: &str| Err(Refusal::new("`smtp` names no mail server", label, HELP));
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme @ ("smtp" | "smtps"), rest)) => (Some(scheme), rest),
        Some(_) => return refuse("only smtp:// and smtps:// are known"),
        None => (None, text),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    // A login without a scheme would be sent in the clear to whoever answers.
    if scheme.is_none() && server.len() != rest.len() {
        return refuse("a login or a path needs smtp:// or smtps:// before it");
    }
    let (host, port) = match server.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, "")) => (inner, None),
        Some((inner, port)) => (inner, Some(port.strip_prefix(':').unwrap_or(port))),
        None => server.split_once(':').map_or((server, None), |(host, port)| (host, Some(port))),
    };
    if host.parse::<Ipv6Addr>().is_err() && domain_pattern(host).map_or(true, |host| host.starts_with('*')) {
        return refuse("the host is not a name or an address");
    }
    match port.map(str::parse::<u16>) {
        Some(Ok(0) | Err(_)) => refuse("the port must be 1 to 65535"),
        None if scheme.is_none() => refuse("the port is missing"),
        Some(Ok(_)) | None => Ok(format!("{}://{rest}", scheme.unwrap_or("smtp"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_servers_are_read_as_people_write_them() {
        for (text, url) in [
            ("127.0.0.1:25", Some("smtp://127.0.0.1:25")),
            ("mail.example:587", Some("smtp://mail.example:587")),
            ("[::1]:25", Some("smtp://[::1]:25")),
            ("smtp://mail.example", Some("smtp://mail.example")),
            ("smtp://mail.example:25?tls=required", Some("smtp://mail.example:25?tls=required")),
            ("smtps://a:b@mail.example", Some("smtps://a:b@mail.example")),
            ("mail.example", None),
            ("a:b@mail.example:25", None),
            ("mail.example:0", None),
            ("mail.example:99999", None),
            ("http://mail.example", None),
            ("smtp://", None),
            ("smtp://a b:25", None),
        ] {
            assert_eq!(smtp_url(text).ok().as_deref(), url, "{text}");
        }
    }

    #[test]
    fn next_hops_are_read_as_people_write_them() {
        for (text, shown) in [
            ("127.0.0.1:10026", Some("127.0.0.1:10026")),
            ("mail.example:25", Some("mail.example:25")),
            ("[::1]:25", Some("[::1]:25")),
            ("unix:lmtp.sock", Some("unix:/etc/lmtp.sock")),
            ("mail.example", None),
            ("mail.example:0", None),
            ("*.mail.example:25", None),
            ("unix:", None),
            ("a b:25", None),
        ] {
            let place = place(text, Path::new("/etc")).ok().map(|place| place.to_string());
            assert_eq!(place.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn paths_are_taken_from_the_folder_of_the_file() {
        let folder = Path::new("/etc/brevdue");
        for (text, url) in [
            ("sqlite:a.sqlite", Some("/etc/brevdue/a.sqlite")),
            ("sqlite:/var/a.sqlite", Some("/var/a.sqlite")),
            ("sqlite:///var/a.sqlite", Some("/var/a.sqlite")),
            ("sqlite:", None),
            ("sqlite::memory:", None),
            ("mysql:x", None),
            ("postgres://db", None),
        ] {
            let found = store(text, folder).ok();
            assert_eq!(found, url.map(|url| StoreUrl::Sqlite(url.into())), "{text}");
        }
        assert_eq!(listen("unix:m.sock", folder), Ok(ListenAddr::Unix("/etc/brevdue/m.sock".into())));
        assert_eq!(path("spool", folder), Path::new("/etc/brevdue/spool"));
    }

    #[test]
    fn domains_addresses_and_numbers() {
        for (text, good) in [
            ("kommune.example", true),
            ("*.kommune.example", true),
            ("localhost", true),
            ("ærø.example", true),
            ("a@kommune.example", false),
            ("kommune..example", false),
            (".example", false),
            ("a b.example", false),
        ] {
            assert_eq!(domain_pattern(text).is_ok(), good, "{text}");
        }
        for (text, good) in [
            ("dpo@kommune.example", true),
            ("dpo@localhost", true),
            ("dpo", false),
            ("@kommune.example", false),
            ("a@b@c.example", false),
            ("dpo..a@kommune.example", false),
            ("DPO <dpo@kommune.example>", false),
            ("a@x.example, b@x.example", false),
        ] {
            assert_eq!(mail_address(text).is_ok(), good, "{text}");
        }
        for (text, good) in
            [("noreply@x.example", true), ("@x.example", true), ("*.x.example", true), ("a b", false)]
        {
            assert_eq!(sender_pattern(text).is_ok(), good, "{text}");
        }
        assert_eq!(cvr("12 34 56 78").as_deref(), Ok("12345678"));
        assert!(cvr("1234567").is_err() && cvr("DK123456").is_err() && cvr("0101010101").is_err());
    }

    #[test]
    fn a_key_is_checked_to_the_last_letter() {
        let key = age::x25519::Identity::generate().to_public().to_string();
        assert_eq!(age_key(&key).as_ref(), Ok(&key));
        let cut = key.get(..key.len() - 1).unwrap();
        assert!(age_key(cut).is_err() && age_key("ssh-ed25519 AAAA").is_err());
    }
}
