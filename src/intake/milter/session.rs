//! One milter connection as a state machine: commands in, what to do and what to answer out.
//!
//! *What it is*: sans-I/O; it knows the envelope, the terms and what may follow what. *What it never does*: read a
//! socket, hold a byte of the content, or decide: [`Session::on`] says what is owed, the door asks the gate, and
//! [`Session::conclude`] turns the gate's verdict into replies. *Start reading at* [`Session::on`], the one match of all
//! allowed moves. *Tests*: `tests/session.rs`.
//!
//! Trouble inside a message never ends the connection: the message becomes [`Phase::Spoiled`], is read to its end and
//! answered by the fail verdict. Postfix would answer a closed connection with 451 for the whole SMTP session.

use std::net::IpAddr;

use super::negotiate::{Terms, action, protocol};
use super::packet::{Arguments, Command, Macros, tag};
use super::reply::{Code, Reply, ReplyText};
use crate::envelope::{Address, Channel, Envelope, QueueId, UNQUALIFIED, Verdict};
use crate::inspect::Answerable;

/// The most recipients kept. Postfix takes 1,000 from a client (`smtpd_recipient_limit`); what comes with more than
/// this is deferred, so that memory stays bounded.
const MAX_RECIPIENTS: usize = 50_000;

/// The header that `milter_header_checks` turns into `FILTER`.
const ROAD: (&str, &str) = ("X-Brevdue-Road", "protected");

/// Why a held message is held, as the MTA's log shows it.
const HELD: &str = "Brevdue: held for approval";

/// Where the talk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has been said.
    Fresh,
    /// Between messages.
    Idle,
    /// After MAIL.
    Envelope,
    /// After DATA or the first header.
    Headers,
    /// After the end of the headers.
    Body,
    /// A message that has gone wrong; read to its end, then deferred.
    Spoiled,
    /// The MTA has taken its leave.
    Ended,
}

/// What a command means for the content of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content<'b> {
    /// Nothing.
    Nothing,
    /// The message so far, if any, is void.
    Void,
    /// The content begins.
    Begin,
    /// A header; `space` tells that the MTA has eaten the space after the colon.
    Header { name: &'b [u8], value: &'b [u8], space: bool },
    /// The empty line.
    EndOfHeaders,
    /// A piece of the body.
    Body(&'b [u8]),
    /// The last piece of the body, mostly empty; a verdict is owed.
    End(&'b [u8]),
}

/// What is owed to the MTA for a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owed {
    /// Nothing.
    Silence,
    /// A continue.
    Continue,
    /// A continue, or a skip if the verdict is already sure.
    ContinueOrSkip,
    /// A temporary failure.
    Tempfail,
    /// The terms.
    Terms(Terms),
    /// The refusal of a version, then the end.
    Refusal,
    /// The verdict of the gate.
    Verdict,
    /// The fail verdict: there is no inspection to ask.
    FailVerdict,
}

/// What to do about one command: first the content, then the answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step<'b> {
    pub(crate) content: Content<'b>,
    pub(crate) owed: Owed,
}

const fn step(content: Content<'_>, owed: Owed) -> Step<'_> {
    Step { content, owed }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    phase: Phase,
    terms: Option<Terms>,
    /// Too many connections are open: every message is deferred.
    crowded: bool,
    client: Option<IpAddr>,
    tls: Option<String>,
    /// A queue id that came with the macros of MAIL, before the message it belongs to.
    next_id: Option<QueueId>,
    envelope: Envelope,
}

impl Session {
    pub(crate) fn new(crowded: bool) -> Self {
        Self {
            phase: Phase::Fresh,
            terms: None,
            crowded,
            client: None,
            tls: None,
            next_id: None,
            envelope: blank_envelope(),
        }
    }

    /// Takes one command. All allowed moves are here; the rest is out of order.
    pub(crate) fn on<'b>(&mut self, command: &Command<'b>) -> Step<'b> {
        use Phase::{Body, Ended, Envelope, Fresh, Headers, Idle, Spoiled};
        match (self.phase, command) {
            (Fresh, Command::Negotiate(offer)) => match Terms::agree(offer) {
                Some(terms) => {
                    self.terms = Some(terms);
                    self.phase = Idle;
                    step(Content::Nothing, Owed::Terms(terms))
                }
                None => self.end(Owed::Refusal),
            },
            (_, Command::Quit) => self.end(Owed::Silence),
            // Before the terms nothing is known of this peer, not even which events it wants answered; and terms are
            // agreed once.
            (Fresh | Ended, _) | (_, Command::Negotiate(_)) => self.end(Owed::Tempfail),

            (_, Command::Macro(macros)) => {
                self.note(macros);
                step(Content::Nothing, Owed::Silence)
            }
            (_, Command::Abort) => {
                self.forget_message();
                step(Content::Void, Owed::Silence)
            }
            (_, Command::QuitNewConnection) => {
                self.forget_message();
                (self.client, self.tls) = (None, None);
                step(Content::Void, Owed::Silence)
            }
            // Postfix sends HELO within a message too, and an ABORT after it.
            (_, Command::Helo(_)) => {
                step(Content::Nothing, self.unless(protocol::NO_REPLY_HELO, Owed::Continue))
            }
            (_, Command::Unknown(_)) => step(Content::Nothing, Owed::Continue),

            (_, Command::Connect { .. }) if self.crowded => step(Content::Void, Owed::Tempfail),
            (_, Command::Mail(_)) if self.crowded => {
                step(Content::Void, self.unless(protocol::NO_REPLY_MAIL, Owed::Tempfail))
            }
            (Idle, Command::Connect { client, .. }) => {
                self.client = *client;
                step(Content::Nothing, Owed::Continue)
            }
            // MAIL begins a message, whatever became of the one before.
            (_, Command::Mail(arguments)) => self.begin_message(*arguments),
            (Envelope, Command::Rcpt(arguments)) => self.take_recipient(*arguments),

            (Envelope, Command::Data) => self.move_to(Headers, Content::Begin, Owed::Continue),
            (Envelope | Headers, Command::Header { name, value }) => {
                let space = !self.uses(protocol::LEADING_SPACE);
                let owed = self.unless(protocol::NO_REPLY_HEADER, Owed::Continue);
                self.move_to(Headers, Content::Header { name, value, space }, owed)
            }
            (Envelope | Headers, Command::EndOfHeaders) => {
                let owed = self.unless(protocol::NO_REPLY_END_OF_HEADERS, Owed::Continue);
                self.move_to(Body, Content::EndOfHeaders, owed)
            }
            (Body, Command::Body(chunk)) => {
                let skip = self.uses(protocol::SKIP);
                let owed = if skip { Owed::ContinueOrSkip } else { Owed::Continue };
                step(Content::Body(chunk), self.unless(protocol::NO_REPLY_BODY, owed))
            }
            (Body, Command::EndOfBody(rest)) => self.move_to(Idle, Content::End(rest), Owed::Verdict),

            (_, Command::EndOfBody(_)) => self.move_to(Idle, Content::Void, Owed::FailVerdict),
            // What an MTA owed no answer for in order, it is owed none for out of order.
            (_, Command::Header { .. }) => self.spoil_owing(protocol::NO_REPLY_HEADER),
            (_, Command::EndOfHeaders) => self.spoil_owing(protocol::NO_REPLY_END_OF_HEADERS),
            (_, Command::Body(_)) => self.spoil_owing(protocol::NO_REPLY_BODY),
            (_, Command::Rcpt(_)) => {
                self.phase = Spoiled;
                step(Content::Void, self.unless(protocol::NO_REPLY_RCPT, Owed::Tempfail))
            }
            (Idle | Envelope | Headers | Body | Spoiled, Command::Data | Command::Connect { .. }) => {
                self.phase = Spoiled;
                step(Content::Void, Owed::Tempfail)
            }
        }
    }

    /// The envelope as known so far; the queue id comes with DATA or later.
    pub(crate) fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Whether no message is under way.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Fresh | Phase::Idle | Phase::Ended)
    }

    /// Whether the talk is over.
    pub(crate) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// The replies for a verdict, to be written at once.
    ///
    /// At the end of a body a continue is an acceptance, and the one that every MTA knows: it is what libmilter says for a
    /// filter that says nothing, while `miltr-client` has no accept at all. Postfix treats the two alike there.
    ///
    /// A right that the MTA has not granted turns the verdict into a deferral: what cannot be held or rerouted must not
    /// be let through, and refusing it for good was not decided.
    pub(crate) fn conclude(&self, answer: &Answerable) -> Vec<Reply> {
        let deferral = || vec![Reply::Code(ReplyText::new(Code::Deferred, answer.reply()))];
        if !self.grants(answer.verdict()) {
            return deferral();
        }
        match answer.verdict() {
            Verdict::Deliver(_) => vec![Reply::Continue],
            Verdict::Block => vec![Reply::Code(ReplyText::new(Code::Refused, answer.reply()))],
            Verdict::Hold => {
                vec![Reply::Quarantine(HELD.to_owned()), Reply::Continue]
            }
            Verdict::Reroute => {
                let (name, value) = ROAD;
                // With leading spaces agreed on, the filter writes them too.
                let space = if self.uses(protocol::LEADING_SPACE) { " " } else { "" };
                let header = Reply::AddHeader { name: name.to_owned(), value: format!("{space}{value}") };
                vec![header, Reply::Continue]
            }
            Verdict::Defer => deferral(),
        }
    }

    /// Whether the MTA has granted what a verdict needs.
    pub(crate) fn grants(&self, verdict: Verdict) -> bool {
        let may = |action| self.terms.is_some_and(|terms| terms.may(action));
        match verdict {
            Verdict::Deliver(_) | Verdict::Block | Verdict::Defer => true,
            Verdict::Hold => may(action::QUARANTINE),
            Verdict::Reroute => may(action::ADD_HEADERS),
        }
    }

    fn uses(&self, protocol: u32) -> bool {
        self.terms.is_some_and(|terms| terms.uses(protocol))
    }

    fn unless(&self, silence: u32, owed: Owed) -> Owed {
        if self.uses(silence) { Owed::Silence } else { owed }
    }

    fn move_to<'b>(&mut self, phase: Phase, content: Content<'b>, owed: Owed) -> Step<'b> {
        self.phase = phase;
        step(content, owed)
    }

    fn end<'b>(&mut self, owed: Owed) -> Step<'b> {
        self.move_to(Phase::Ended, Content::Void, owed)
    }

    fn spoil_owing<'b>(&mut self, silence: u32) -> Step<'b> {
        // A continue, although the message is lost: a tempfail here would leave the end of the message unsaid in some
        // MTAs, and the verdict at the end is a deferral in any case.
        self.phase = Phase::Spoiled;
        step(Content::Void, self.unless(silence, Owed::Continue))
    }

    fn forget_message(&mut self) {
        self.phase = Phase::Idle;
        self.envelope = blank_envelope();
    }

    fn begin_message<'b>(&mut self, arguments: Arguments<'b>) -> Step<'b> {
        let queue_id = self.next_id.take();
        let owed = self.unless(protocol::NO_REPLY_MAIL, Owed::Continue);
        self.envelope = Envelope { queue_id, client: self.client, tls: self.tls.clone(), ..blank_envelope() };
        let raw = arguments.address();
        if !matches!(raw, b"<>" | b"") {
            match address(raw) {
                Some(sender) => self.envelope.sender = Some(sender),
                // An unreadable sender must not be taken for a bounce, whose sender is empty.
                None => return self.move_to(Phase::Spoiled, Content::Void, owed),
            }
        }
        self.move_to(Phase::Envelope, Content::Void, owed)
    }

    fn take_recipient<'b>(&mut self, arguments: Arguments<'b>) -> Step<'b> {
        let owed = self.unless(protocol::NO_REPLY_RCPT, Owed::Continue);
        match address(arguments.address()) {
            Some(recipient) if self.envelope.recipients.len() < MAX_RECIPIENTS => {
                self.envelope.recipients.push(recipient);
                step(Content::Nothing, owed)
            }
            // A recipient that is not in the envelope would not be judged. The message is deferred at its end: mail
            // that comes by the sendmail command must not have a RCPT refused.
            _ => self.move_to(Phase::Spoiled, Content::Void, owed),
        }
    }

    fn note(&mut self, macros: &Macros<'_>) {
        let text = |name| macros.value(name).and_then(|value| std::str::from_utf8(value).ok());
        if let Some(id) = text("i").and_then(QueueId::new) {
            // Macros come before their event: what comes before MAIL belongs to the message that it begins.
            let owner =
                if macros.stage == tag::MAIL { &mut self.next_id } else { &mut self.envelope.queue_id };
            *owner = Some(id);
        }
        match text("tls_version").filter(|version| !version.is_empty()) {
            Some(version) => {
                // A version is `TLSv1.3`; whatever else comes is cut to what a log line can bear.
                let version = version.chars().filter(char::is_ascii_graphic).take(16).collect::<String>();
                self.envelope.tls = Some(version.clone());
                self.tls = Some(version);
            }
            // A HELO without it begins a session in the clear.
            None if macros.stage == tag::HELO => (self.tls, self.envelope.tls) = (None, None),
            None => {}
        }
    }
}

/// An address; one without a domain, such as `<root>`, is given one that leads nowhere.
pub(in crate::intake) fn address(raw: &[u8]) -> Option<Address> {
    Address::parse(raw).or_else(|| {
        let bare = raw.strip_prefix(b"<").and_then(|raw| raw.strip_suffix(b">")).unwrap_or(raw);
        let is_local = !bare.is_empty() && !bare.contains(&b'@');
        let whole = [b"<", bare, b"@", UNQUALIFIED.as_bytes(), b">"].concat();
        is_local.then(|| Address::parse(&whole)).flatten()
    })
}

fn blank_envelope() -> Envelope {
    Envelope {
        sender: None,
        recipients: Vec::new(),
        queue_id: None,
        client: None,
        tls: None,
        channel: Channel::Mail,
    }
}
