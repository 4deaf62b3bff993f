//! Lines of a mail log. Of any lines none is said to prove more than its process has logged; and in a line of a delivery
//! neither the recipient's local part nor the peer's words say what Postfix says.
#![no_main]

use brevdue::intake::maillog::join::{Joiner, Proof};
use brevdue::intake::maillog::line::{Delivery, Line, Says, Secured, Status, Writer, stamp};
use std::collections::HashMap;

/// Any lines, in their order.
fn any_lines(text: &str) {
    let mut joiners = [Joiner::default(), Joiner::late(), Joiner::default().of_all_that_log(true)];
    // What each process said last of a session, unless it was lost.
    let mut last: HashMap<Writer, Option<Secured>> = HashMap::new();
    for text in text.lines() {
        stamp(text);
        let Some(line) = Line::read(text) else { continue };
        match &line.says {
            Says::Secured(secured) => drop(last.insert(line.writer.clone(), Some(secured.clone()))),
            Says::Lost => drop(last.insert(line.writer.clone(), None)),
            Says::Delivery(delivery) => {
                assert!(!delivery.domain.contains(['@', '<', '>', '"']), "a domain is all that is kept");
            }
            _ => {}
        }
        for joiner in &mut joiners {
            if let Some(Proof::Tls { trust, protocol, cipher }) = joiner.feed(&line) {
                let logged = last.get(&line.writer).and_then(Option::as_ref).expect("a session was logged");
                assert_eq!((trust, &protocol, &cipher), (logged.trust, &logged.protocol, &logged.cipher));
                let Says::Delivery(delivery) = &line.says else { panic!("only a delivery has a proof") };
                assert_eq!(delivery.relay.as_ref(), Some(&logged.peer));
            }
        }
    }
}

/// As Postfix writes a text of strangers into a line: what cannot be printed is `?`.
fn printed(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// As Postfix quotes a local part that needs it (`info_log_addr_form = quoted`).
fn quoted(local: &str) -> String {
    let is_atom = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter);
    if !local.is_empty() && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom)) {
        return local.to_owned();
    }
    let letter =
        |letter| if matches!(letter, '"' | '\\') { format!("\\{letter}") } else { letter.to_string() };
    format!("\"{}\"", local.chars().map(letter).collect::<String>())
}

/// A line that Postfix has written, with the words of two strangers in it.
fn strangers(local: &str, other: &str, words: &str) {
    let (local, other, words) = (quoted(&printed(local)), quoted(&printed(other)), printed(words));
    for (status, said, meant) in [
        ("sent", format!("250 {words}"), Status::Sent),
        (
            "deferred",
            format!("host mx[192.0.2.1] said: 450 {words} (in reply to RCPT TO command)"),
            Status::Deferred,
        ),
    ] {
        let text = format!(
            "2026-11-02T08:00:00+01:00 mx1 postfix/smtp[7]: 4bX: to=<{local}@post.example>, orig_to=<{other}@old.example>, \
             relay=mx[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status={status} ({said})"
        );
        let Some(Line { says: Says::Delivery(delivery), .. }) = Line::read(&text) else { panic!("{text}") };
        let Delivery {
            queue_id,
            domain,
            written_domain,
            relay,
            conn_use,
            level,
            status,
            is_told: _,
            went_on_as,
        } = delivery;
        assert_eq!(queue_id.to_string(), "4bX", "{text}");
        assert_eq!(
            (domain.as_str(), written_domain.as_deref()),
            ("post.example", Some("old.example")),
            "{text}"
        );
        assert_eq!((relay.as_deref(), conn_use, status), (Some("mx[192.0.2.1]:25"), 1, meant), "{text}");
        assert!(level.is_none() && went_on_as.is_none(), "{text}");
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    any_lines(text);
    if let Some((local, (other, words))) =
        text.split_once('\u{1}').and_then(|(one, two)| Some((one, two.split_once('\u{1}')?)))
    {
        strangers(local, other, words);
    }
});
