//! One command line of SMTP or LMTP, read (RFC 5321 §4.1.1, RFC 2033).
//!
//! *What it is*: paths and parameters come out as they stood, because the next hop is to get them so; that is why this is
//! not left to a parser that knows better. *What it never does*: judge what may follow what (`session.rs`). *Start reading
//! at* [`parse`]. *Tests*: `tests/codec.rs`.

use crate::outlet::reply::Reply;

/// How a client greets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// HELO: no extension.
    Old,
    /// EHLO.
    Extended,
    /// LHLO: LMTP, an answer for each recipient.
    Local,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Hello(Hello),
    Mail {
        path: String,
        parameters: Vec<String>,
    },
    Rcpt {
        path: String,
        parameters: Vec<String>,
    },
    Data,
    Bdat {
        size: u64,
        last: bool,
    },
    /// A BDAT whose size cannot be read: what follows is not known to be commands or content.
    Lost(Reply),
    Rset,
    Noop,
    Quit,
    Vrfy,
    Help,
    StartTls,
    XForward(Vec<(String, String)>),
    XClient(Vec<(String, String)>),
    Unknown,
}

/// Reads a line, without its end.
///
/// # Errors
/// The reply that such a line gets.
pub(crate) fn parse(line: &[u8]) -> Result<Command, Reply> {
    let text = std::str::from_utf8(line).map_err(|_| syntax("The line is not UTF-8"))?;
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(syntax("The line holds a control character"));
    }
    let text = text.trim_end();
    let (verb, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let rest = rest.trim_start();
    let bare = |command| if rest.is_empty() { Ok(command) } else { Err(syntax("No parameter belongs here")) };
    match verb.to_ascii_uppercase().as_str() {
        "HELO" => greeted(rest, Hello::Old),
        "EHLO" => greeted(rest, Hello::Extended),
        "LHLO" => greeted(rest, Hello::Local),
        "MAIL" => {
            let (path, parameters) = path(rest, "FROM:")?;
            check(&parameters, &["SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"])?;
            Ok(Command::Mail { path, parameters })
        }
        "RCPT" => {
            let (path, parameters) = path(rest, "TO:")?;
            check(&parameters, &["NOTIFY", "ORCPT"])?;
            if path.is_empty() {
                return Err(Reply::new(501, "5.1.3 A recipient cannot be empty"));
            }
            Ok(Command::Rcpt { path, parameters })
        }
        "DATA" => bare(Command::Data),
        "BDAT" => chunk(rest).or_else(|reply| Ok(Command::Lost(reply))),
        "RSET" => bare(Command::Rset),
        "NOOP" => Ok(Command::Noop),
        "QUIT" => bare(Command::Quit),
        "VRFY" => Ok(Command::Vrfy),
        "HELP" => Ok(Command::Help),
        "STARTTLS" => bare(Command::StartTls),
        "XFORWARD" => attributes(rest).map(Command::XForward),
        "XCLIENT" => attributes(rest).map(Command::XClient),
        _ => Ok(Command::Unknown),
    }
}

fn syntax(what: &str) -> Reply {
    Reply::new(501, &format!("5.5.4 {what}"))
}

fn greeted(name: &str, hello: Hello) -> Result<Command, Reply> {
    if name.is_empty() { Err(syntax("Say your name")) } else { Ok(Command::Hello(hello)) }
}

/// `FROM:<path> PARAMETER PARAMETER`. The path comes without its brackets.
fn path(rest: &str, word: &str) -> Result<(String, Vec<String>), Reply> {
    let fault = || Reply::new(501, "5.1.7 Write the address in angle brackets");
    let (head, rest) = rest.split_at_checked(word.len()).ok_or_else(fault)?;
    if !head.eq_ignore_ascii_case(word) {
        return Err(syntax("MAIL FROM: or RCPT TO: is asked for"));
    }
    // RFC 5321 §3.3 allows no blank here; Postfix takes it, and so must who stands beside it.
    let rest = rest.trim_start().strip_prefix('<').ok_or_else(fault)?;
    // A quoted local part may hold the bracket (RFC 5321 §4.1.2).
    let (mut quoted, mut escaped) = (false, false);
    let end = rest.char_indices().find(|(_, c)| {
        let ends = *c == '>' && !quoted && !escaped;
        if !escaped && *c == '"' {
            quoted = !quoted;
        }
        escaped = *c == '\\' && quoted && !escaped;
        ends
    });
    let (at, _) = end.ok_or_else(fault)?;
    let (path, behind) = rest.split_at_checked(at).ok_or_else(fault)?;
    let behind = behind.strip_prefix('>').unwrap_or(behind);
    if !quoted && path.contains(['<', ' ']) && !path.contains('"') {
        return Err(fault());
    }
    if !behind.is_empty() && !behind.starts_with([' ', '\t']) {
        return Err(fault());
    }
    Ok((path.to_owned(), behind.split_ascii_whitespace().map(str::to_owned).collect()))
}

fn check(parameters: &[String], known: &[&str]) -> Result<(), Reply> {
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if !known.iter().any(|one| one.eq_ignore_ascii_case(name)) {
            return Err(Reply::new(555, "5.5.4 A parameter that is not known here"));
        }
        // BINARYMIME is not offered: its lines have no ends to be sure of.
        let is_body = name.eq_ignore_ascii_case("BODY");
        if is_body && !["7BIT", "8BITMIME"].iter().any(|one| one.eq_ignore_ascii_case(value)) {
            return Err(syntax("BODY is 7BIT or 8BITMIME"));
        }
    }
    Ok(())
}

fn chunk(rest: &str) -> Result<Command, Reply> {
    let mut words = rest.split_ascii_whitespace();
    let size = words.next().filter(|word| word.bytes().all(|b| b.is_ascii_digit()));
    let size = size.and_then(|word| word.parse::<u64>().ok()).ok_or_else(|| syntax("BDAT has a size"))?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(syntax("only LAST may follow the size")),
    };
    if words.next().is_some() {
        return Err(syntax("nothing may follow LAST"));
    }
    Ok(Command::Bdat { size, last })
}

/// `NAME=VALUE NAME=VALUE`, values in xtext (RFC 3461 §4) as they came.
fn attributes(rest: &str) -> Result<Vec<(String, String)>, Reply> {
    let pair = |word: &str| {
        let (name, value) = word.split_once('=').ok_or_else(|| syntax("NAME=VALUE is asked for"))?;
        Ok((name.to_ascii_uppercase(), value.to_owned()))
    };
    let pairs: Vec<_> = rest.split_ascii_whitespace().map(pair).collect::<Result<_, Reply>>()?;
    if pairs.is_empty() { Err(syntax("NAME=VALUE is asked for")) } else { Ok(pairs) }
}
