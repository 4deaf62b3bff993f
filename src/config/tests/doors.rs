//! What is written of the SMTP door and of the mail server's log.

use super::*;

#[test]
fn an_smtp_door_is_read() {
    let key = age::x25519::Identity::generate().to_public().to_string();
    let smtp = "[smtp]\nlisten = '127.0.0.1:10025'\nnext_hop = '[::1]:10026'\nlmtp = true\nmax_connections = 7\n\
                cert = 'c.pem'\nkey = 'k.pem'\nsecure = 'sikker.example:25'\nsecure_ca = '/ca.pem'\n";
    let source = format!("{BASE}{CONTROLLER}dpo_key = '{key}'\n{ALARM}{smtp}");
    let Loaded { config, warnings } = read(&source).unwrap();
    assert!(warnings.is_empty(), "{warnings}");
    let smtp = config.smtp.unwrap();
    assert_eq!(
        (smtp.next_hop.to_string().as_str(), smtp.lmtp, smtp.max_connections),
        ("[::1]:10026", true, 7)
    );
    assert_eq!(smtp.tls.unwrap().1, Path::new("/etc/brevdue/k.pem"));
    assert_eq!(smtp.secure.unwrap().to_string(), "sikker.example:25");
    assert_eq!((smtp.secure_ca.as_deref(), smtp.spool), (Some(Path::new("/ca.pem")), config.spool));
    // Nobody could ever read what it holds.
    let said = warnings_of_keyless();
    assert!(said.iter().any(|one| one.contains("451")), "{said:?}");
}

#[test]
fn the_log_is_a_file_or_the_journal_and_not_both() {
    let log = |more: &str| with(&format!("[maillog]\n{more}\n"));
    let journal =
        log("journal = true\nbypass = 'ignore'\ntls_logged = true").unwrap().config.maillog.unwrap();
    assert_eq!(journal.source, maillog_of::Source::Journal);
    assert_eq!((journal.bypass, journal.tls_logged), (maillog_of::Bypass::Ignore, true));
    assert!(with("").unwrap().config.maillog.is_none());
    for (more, fault) in [
        ("", "`[maillog]` does not say where the log is"),
        ("journal = false", "`[maillog]` does not say where the log is"),
        ("journal = true\npath = '/x'", "`[maillog]` has both a file and the journal"),
        ("path = '/x'\nbypass = 'alram'", "`bypass` cannot be `alram`"),
    ] {
        assert_eq!(errors(log(more)), [fault], "{more}");
    }
}
