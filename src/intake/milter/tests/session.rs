//! The session as a table: what is said, what it means, what is owed.

use crate::envelope::Verdict;
use crate::inspect::{Answerable, Gate, Scripted};
use crate::intake::milter::negotiate::{Offer, action, protocol};
use crate::intake::milter::packet::{Arguments, Command, Macros};
use crate::intake::milter::reply::Reply;
use crate::intake::milter::session::{Content, Owed, Session};

use Command::{Abort, Body, Data, EndOfBody, EndOfHeaders, Helo, Quit, QuitNewConnection, Unknown};

const HEADER: Command<'_> = Command::Header { name: b"Subject", value: b" x" };

fn mail() -> Command<'static> {
    Command::Mail(Arguments(b"<a@kommune.example>\0SIZE=5\0"))
}

fn rcpt() -> Command<'static> {
    Command::Rcpt(Arguments(b"<b@borger.example>\0"))
}

fn connect() -> Command<'static> {
    Command::Connect { host: b"h", client: Some([192, 0, 2, 1].into()), port: 25 }
}

fn opened(offer: Offer) -> Session {
    let mut session = Session::new(false);
    assert!(matches!(session.on(&Command::Negotiate(offer)).owed, Owed::Terms(_)));
    session
}

fn postfix() -> Session {
    opened(Offer::POSTFIX)
}

/// An MTA that can do nothing new.
fn plain() -> Session {
    opened(Offer { version: 2, actions: 0, protocol: 0 })
}

fn run(session: &mut Session, commands: &[Command<'static>]) -> Vec<Owed> {
    commands.iter().map(|command| session.on(command).owed).collect()
}

#[test]
fn postfix_waits_for_connect_data_and_the_verdict_only() {
    let owed = run(
        &mut postfix(),
        &[
            connect(),
            Helo(b"h"),
            mail(),
            rcpt(),
            rcpt(),
            Data,
            HEADER,
            EndOfHeaders,
            Body(b"x"),
            EndOfBody(b""),
        ],
    );
    let mut expected = vec![Owed::Silence; 10];
    (expected[0], expected[5], expected[9]) = (Owed::Continue, Owed::Continue, Owed::Verdict);
    assert_eq!(owed, expected);
}

#[test]
fn an_old_mta_is_answered_each_time_and_never_told_to_skip() {
    let owed =
        run(&mut plain(), &[connect(), mail(), rcpt(), HEADER, EndOfHeaders, Body(b"x"), EndOfBody(b"")]);
    let mut expected = vec![Owed::Continue; 6];
    expected.push(Owed::Verdict);
    assert_eq!(owed, expected);
}

#[test]
fn an_mta_that_wants_body_replies_may_be_told_to_skip() {
    let mut session = opened(Offer { protocol: protocol::SKIP, ..Offer::POSTFIX });
    let owed = run(&mut session, &[mail(), rcpt(), EndOfHeaders, Body(b"x")]);
    assert_eq!(owed.last(), Some(&Owed::ContinueOrSkip));
}

#[test]
fn only_what_is_offered_is_asked_for() {
    for actions in 0..=0x1ff {
        for bit in 0..=21 {
            let offer = Offer { version: 6, actions, protocol: protocol::ALL & !(1 << bit) };
            let mut session = Session::new(false);
            let Owed::Terms(terms) = session.on(&Command::Negotiate(offer)).owed else { panic!("no terms") };
            let chosen = Offer::decode(&terms.encode()).unwrap();
            assert_eq!((chosen.actions & !actions, chosen.protocol & !offer.protocol), (0, 0));
            let lists = terms.encode().len() > 12;
            assert_eq!(lists, actions & action::SET_MACROS != 0);
            let (skip, silent) = (protocol::SKIP, protocol::NO_REPLY_BODY);
            assert_ne!(chosen.protocol & (skip | silent), skip | silent, "skip is an answer to a body");
        }
    }
}

#[test]
fn versions() {
    for (offered, chosen) in [(2, 2), (3, 3), (6, 6), (7, 6), (u32::MAX, 6)] {
        let offer = Offer { version: offered, ..Offer::POSTFIX };
        let Owed::Terms(terms) = Session::new(false).on(&Command::Negotiate(offer)).owed else {
            panic!("{offered} was refused")
        };
        assert_eq!(Offer::decode(&terms.encode()).unwrap().version, chosen);
    }
    for offered in [0, 1] {
        let mut session = Session::new(false);
        let offer = Offer { version: offered, ..Offer::POSTFIX };
        assert_eq!(session.on(&Command::Negotiate(offer)).owed, Owed::Refusal);
        assert!(session.has_ended());
    }
}

#[test]
fn nothing_goes_before_the_terms() {
    for command in [connect(), mail(), Data, Abort, EndOfBody(b""), Unknown(b"x"), QuitNewConnection] {
        let mut session = Session::new(false);
        assert_eq!(session.on(&command).owed, Owed::Tempfail, "{command:?}");
        assert!(session.has_ended());
    }
}

#[test]
fn what_is_out_of_order_costs_the_message_and_not_the_connection() {
    let tables: &[&[Command<'static>]] = &[
        &[EndOfBody(b"")],
        &[rcpt(), EndOfBody(b"")],
        &[Data, EndOfBody(b"")],
        &[HEADER, EndOfHeaders, EndOfBody(b"")],
        &[mail(), rcpt(), EndOfBody(b"")],
        &[mail(), rcpt(), Data, HEADER, EndOfBody(b"")],
        &[mail(), rcpt(), Data, Body(b"x"), EndOfHeaders, EndOfBody(b"")],
        &[mail(), rcpt(), EndOfHeaders, HEADER, EndOfBody(b"")],
        &[mail(), rcpt(), EndOfHeaders, EndOfHeaders, EndOfBody(b"")],
        &[mail(), rcpt(), EndOfHeaders, rcpt(), EndOfBody(b"")],
        &[mail(), connect(), rcpt(), Data, EndOfHeaders, EndOfBody(b"")],
        &[mail(), Command::Rcpt(Arguments(b"<@>\0")), Data, EndOfHeaders, EndOfBody(b"")],
        &[Command::Mail(Arguments(b"<@>\0")), rcpt(), Data, EndOfHeaders, EndOfBody(b"")],
    ];
    for table in tables {
        let mut session = postfix();
        let owed = run(&mut session, table);
        assert_eq!(owed.last(), Some(&Owed::FailVerdict), "{table:?}");
        let again = run(&mut session, &[mail(), rcpt(), Data, HEADER, EndOfHeaders, EndOfBody(b"")]);
        assert_eq!(again.last(), Some(&Owed::Verdict), "after {table:?}");
    }
}

#[test]
fn abort_mail_and_a_new_connection_begin_afresh() {
    let mut session = postfix();
    run(&mut session, &[connect(), mail(), rcpt(), Data, HEADER]);
    assert_eq!(session.on(&Abort).content, Content::Void);
    assert!(session.is_idle());
    assert!(session.envelope().recipients.is_empty());
    run(&mut session, &[mail(), rcpt(), rcpt()]);
    assert_eq!(session.on(&mail()).content, Content::Void);
    assert!(session.envelope().recipients.is_empty());
    assert!(session.envelope().client.is_some(), "the client is the connection's");
    run(&mut session, &[QuitNewConnection, mail()]);
    assert!(session.envelope().client.is_none(), "the client has gone");
    assert_eq!(run(&mut session, &[Helo(b"h"), Unknown(b"XFOO"), rcpt(), Quit])[1], Owed::Continue);
    assert!(session.has_ended());
}

#[test]
fn the_queue_id_belongs_to_one_message() {
    let macros = |stage, pairs| Command::Macro(Macros { stage, pairs });
    let id = |session: &Session| session.envelope().queue_id.as_ref().map(ToString::to_string);
    let mut session = postfix();
    // Postfix: at DATA.
    run(&mut session, &[mail(), rcpt(), macros(b'T', b"i\x004Xone\0"), Data]);
    assert_eq!(id(&session).as_deref(), Some("4Xone"));
    run(&mut session, &[EndOfHeaders, EndOfBody(b"")]);
    assert_eq!(id(&session).as_deref(), Some("4Xone"), "still there for the log");
    run(&mut session, &[mail()]);
    assert_eq!(id(&session), None);
    // sendmail: at MAIL.
    run(&mut session, &[Abort, macros(b'M', b"i\x004Xtwo\0"), mail()]);
    assert_eq!(id(&session).as_deref(), Some("4Xtwo"));
    run(&mut session, &[macros(b'E', b"i\0no spaces, please\0")]);
    assert_eq!(id(&session).as_deref(), Some("4Xtwo"));
}

#[test]
fn tls_is_the_connections_until_the_next_helo() {
    let macros = |stage, pairs| Command::Macro(Macros { stage, pairs });
    let mut session = postfix();
    run(&mut session, &[macros(b'H', b"{tls_version}\0TLSv1.3\0"), Helo(b"h"), mail()]);
    assert_eq!(session.envelope().tls.as_deref(), Some("TLSv1.3"));
    run(&mut session, &[Abort, macros(b'M', b""), mail()]);
    assert_eq!(session.envelope().tls.as_deref(), Some("TLSv1.3"));
    run(&mut session, &[Abort, macros(b'H', b"{tls_version}\0\0"), Helo(b"h"), mail()]);
    assert_eq!(session.envelope().tls, None);
    run(&mut session, &[Abort, macros(b'M', b"{tls_version}\0TLSv1.2\0"), mail()]);
    assert_eq!(session.envelope().tls.as_deref(), Some("TLSv1.2"));
}

#[test]
fn senders_and_local_recipients() {
    let mut session = postfix();
    run(&mut session, &[Command::Mail(Arguments(b"<>\0")), Command::Rcpt(Arguments(b"<root>\0"))]);
    assert!(session.envelope().sender.is_none());
    assert_eq!(session.envelope().recipients[0].domain(), "unqualified.invalid");
    run(&mut session, &[Command::Mail(Arguments(b"<root>\0")), rcpt()]);
    assert!(session.envelope().sender.is_some(), "not to be taken for a bounce");
}

#[test]
fn in_a_crowd_everything_is_deferred() {
    let mut session = Session::new(true);
    session.on(&Command::Negotiate(Offer::POSTFIX));
    let owed = run(
        &mut session,
        &[connect(), Helo(b"h"), mail(), rcpt(), Data, HEADER, EndOfHeaders, Body(b"x"), EndOfBody(b"")],
    );
    assert_eq!((owed[0], owed[4], owed[8]), (Owed::Tempfail, Owed::Tempfail, Owed::FailVerdict));
    assert_eq!(
        (owed[2], owed[3]),
        (Owed::Silence, Owed::Silence),
        "not even a refusal, where none is waited for"
    );
    let mut session = Session::new(true);
    session.on(&Command::Negotiate(Offer { protocol: 0, ..Offer::POSTFIX }));
    assert_eq!(run(&mut session, &[mail(), rcpt()]), [Owed::Tempfail, Owed::Tempfail]);
}

async fn answer(verdict: Verdict) -> Answerable {
    let gate = Gate::for_tests(move |_, _| Scripted::of(verdict));
    gate.begin().decide(crate::inspect::Custody::Upstream).await
}

#[tokio::test]
async fn a_right_not_granted_defers() {
    let deferred =
        |replies: &[Reply]| matches!(replies, [Reply::Code(text)] if text.spoken().starts_with("451 4.7.1 "));
    assert!(deferred(&plain().conclude(&answer(Verdict::Hold).await)));
    assert!(deferred(&plain().conclude(&answer(Verdict::Reroute).await)));
    assert!(deferred(&postfix().conclude(&answer(Verdict::Defer).await)));
    let only_headers = opened(Offer { actions: action::ADD_HEADERS, ..Offer::POSTFIX });
    assert!(deferred(&only_headers.conclude(&answer(Verdict::Hold).await)));
    let only_hold = opened(Offer { actions: action::QUARANTINE, ..Offer::POSTFIX });
    assert!(deferred(&only_hold.conclude(&answer(Verdict::Reroute).await)));
}

#[tokio::test]
async fn verdicts_in_the_words_of_the_protocol() {
    let hold = postfix().conclude(&answer(Verdict::Hold).await);
    assert!(
        matches!(&hold[..], [Reply::Quarantine(reason), Reply::Continue] if reason.is_ascii() && reason.len() < 100)
    );
    let header =
        |value: &str| Reply::AddHeader { name: "X-Brevdue-Road".to_owned(), value: value.to_owned() };
    let reroute = answer(Verdict::Reroute).await;
    assert_eq!(postfix().conclude(&reroute), [header(" protected"), Reply::Continue]);
    let no_spaces = opened(Offer { protocol: 0, ..Offer::POSTFIX });
    assert_eq!(no_spaces.conclude(&reroute), [header("protected"), Reply::Continue]);
    let block = postfix().conclude(&answer(Verdict::Block).await);
    assert!(matches!(&block[..], [Reply::Code(text)] if text.spoken().starts_with("550 5.7.1 ")));
}
