//! One SMTP or LMTP session as a state machine: commands in, what to do and what to answer out.
//!
//! *What it is*: sans-I/O; it knows the envelope and what may follow what. *What it never does*: read a socket, hold a byte
//! of the content, or answer for the next hop: for what the hop must be asked, [`Session::on`] says so, and is told by
//! [`Session::sender_taken`] and [`Session::recipient_taken`]. *Start reading at* [`Session::on`]. *Tests*: `tests/codec.rs`.

use std::net::IpAddr;

use super::command::{Command, Hello};
use crate::envelope::{Address, Envelope, QueueId};
use crate::intake::milter::address;
use crate::outlet::reply::Reply;
use crate::spool::held::Cover;

/// The most recipients of one mail. Postfix takes 1,000 from a client and sends 50 at a time.
const MAX_RECIPIENTS: usize = 10_000;
/// Commands that are none, or out of order, before the connection ends: somebody else's protocol may be talking.
const MAX_ERRORS: u32 = 20;

/// What the door is, for this connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Premises {
    /// STARTTLS can be had.
    pub(crate) has_tls: bool,
    /// The client is on this machine, so its XCLIENT is believed.
    pub(crate) is_local: bool,
}

/// What to do about a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Answer.
    Say(Reply),
    /// The mail under way, if any, is void; answer.
    Void(Reply),
    /// Begin a mail at the next hop; what it answers is the answer.
    Sender { path: String, parameters: Vec<String> },
    /// Name a recipient to the next hop; what it answers is the answer.
    Recipient { path: String, parameters: Vec<String>, address: Address },
    /// Answer 354, and read to the dot.
    Data,
    /// Read so many bytes. They are content if `wanted`; else this is the answer.
    Chunk { size: u64, last: bool, unwanted: Option<Reply> },
    /// Answer 220, and shake hands.
    StartTls,
    /// The client is another from now on; answer with a greeting.
    Client,
    /// Answer, and end.
    Leave(Reply),
}

/// Where the talk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not greeted.
    Fresh,
    /// Between mails.
    Idle,
    /// After MAIL.
    Mail,
    /// After a BDAT that was not the last.
    Chunks,
}

/// One session.
pub(crate) struct Session {
    premises: Premises,
    phase: Phase,
    hello: Option<Hello>,
    under_tls: Option<String>,
    client: Option<IpAddr>,
    xclient: Vec<(String, String)>,
    xforward: Vec<(String, String)>,
    cover: Cover,
    envelope: Envelope,
    errors: u32,
}

impl Session {
    pub(crate) fn new(premises: Premises, client: Option<IpAddr>) -> Self {
        Self {
            premises,
            phase: Phase::Fresh,
            hello: None,
            under_tls: None,
            client,
            xclient: Vec::new(),
            xforward: Vec::new(),
            cover: Cover::default(),
            envelope: Envelope::default(),
            errors: 0,
        }
    }

    /// Takes one command, or the reply that a faulty one gets. All allowed moves are here.
    pub(crate) fn on(&mut self, command: Result<Command, Reply>) -> Act {
        let command = match command {
            Ok(command) => command,
            Err(reply) => return self.fault(reply),
        };
        match (self.phase, command) {
            (_, Command::Quit) => Act::Leave(Reply::new(221, "2.0.0 Bye")),
            (_, Command::Lost(reply)) => Act::Leave(reply),
            (_, Command::Noop) => Act::Say(Reply::new(250, "2.0.0 Ok")),
            (_, Command::Hello(hello)) => self.greeted(hello),
            (_, Command::Help) => Act::Say(Reply::new(214, "2.0.0 See RFC 5321")),
            (_, Command::Vrfy) => Act::Say(Reply::new(252, "2.5.2 Send mail, and see")),
            (_, Command::Rset) => Act::Void(Reply::new(250, "2.0.0 Ok")),
            (_, Command::Unknown) => self.fault(Reply::new(502, "5.5.1 This command is not known here")),
            (_, Command::StartTls) if !self.premises.has_tls => {
                self.fault(Reply::new(502, "5.5.1 There is no TLS here"))
            }
            (_, Command::StartTls) if self.under_tls.is_some() => {
                self.fault(Reply::new(503, "5.5.1 TLS stands already"))
            }
            (Phase::Fresh, Command::Bdat { size, last }) => self.unwanted(size, last),
            (Phase::Fresh, Command::XClient(pairs)) if self.premises.is_local => self.another_client(pairs),
            (Phase::Fresh, _) => self.fault(Reply::new(503, "5.5.1 Say EHLO or LHLO first")),

            (Phase::Idle, Command::StartTls) => Act::StartTls,
            (Phase::Idle, Command::XClient(pairs)) if self.premises.is_local => self.another_client(pairs),
            (_, Command::XClient(_)) => {
                self.fault(Reply::new(503, "5.5.1 XCLIENT is not taken here, or not now"))
            }
            (Phase::Idle, Command::XForward(pairs)) => self.forwarded(pairs),
            (Phase::Idle, Command::Mail { path, parameters }) => self.sender(path, parameters),
            (Phase::Mail, Command::Rcpt { path, parameters }) => self.recipient(path, parameters),
            (Phase::Mail, Command::Data) if self.cover.recipients.is_empty() => {
                self.fault(Reply::new(554, "5.5.1 No recipient has been taken"))
            }
            (Phase::Mail, Command::Data) => Act::Data,
            (Phase::Mail | Phase::Chunks, Command::Bdat { size, last })
                if !self.cover.recipients.is_empty() =>
            {
                self.phase = Phase::Chunks;
                Act::Chunk { size, last, unwanted: None }
            }
            (_, Command::Bdat { size, last }) => self.unwanted(size, last),
            (
                Phase::Idle | Phase::Mail | Phase::Chunks,
                Command::Mail { .. }
                | Command::Rcpt { .. }
                | Command::Data
                | Command::XForward(_)
                | Command::StartTls,
            ) => self.fault(Reply::new(503, "5.5.1 This is not its turn")),
        }
    }

    /// The next hop has taken the sender.
    pub(crate) fn sender_taken(&mut self, path: String, parameters: Vec<String>) {
        let sender = parsed(&path);
        let id = self.forwarded_value("IDENT").and_then(QueueId::new);
        let client = self.forwarded_value("ADDR").and_then(ip).or(self.client);
        let tls = self.under_tls.clone();
        self.envelope = Envelope { sender, queue_id: id, client, tls, ..Envelope::default() };
        self.cover = Cover { sender: path, parameters, forwarded: self.xforward.clone(), ..Cover::default() };
        self.phase = Phase::Mail;
    }

    /// The next hop has taken a recipient.
    pub(crate) fn recipient_taken(&mut self, path: String, parameters: Vec<String>, address: Address) {
        self.cover.recipients.push((path, parameters));
        self.envelope.recipients.push(address);
    }

    /// The mail under way is over, whatever became of it.
    pub(crate) fn mail_over(&mut self) {
        if self.phase != Phase::Fresh {
            self.phase = Phase::Idle;
        }
        self.xforward.clear();
        self.cover = Cover::default();
        self.envelope = Envelope::default();
    }

    /// TLS stands: all that was said before counts for nothing (RFC 3207 §4.2).
    pub(crate) fn secured(&mut self, version: &str) {
        self.mail_over();
        self.phase = Phase::Fresh;
        self.hello = None;
        self.under_tls = Some(version.to_owned());
    }

    /// Whether no mail is under way.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Fresh | Phase::Idle)
    }

    /// Whether each recipient gets an answer at the end of the data.
    pub(crate) fn answers_each(&self) -> bool {
        self.hello == Some(Hello::Local)
    }

    /// The envelope as the next hop is to get it.
    pub(crate) fn cover(&self) -> &Cover {
        &self.cover
    }

    /// The envelope as it is judged.
    pub(crate) fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// What is to be passed on about the client before MAIL, by XFORWARD.
    pub(crate) fn forwarded_attributes(&self) -> &[(String, String)] {
        &self.xforward
    }

    /// What is to be passed on about the client for the whole session, by XCLIENT.
    pub(crate) fn client_attributes(&self) -> &[(String, String)] {
        &self.xclient
    }

    /// Whether the client has spoken out of order so often that it is no mail server.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.errors >= MAX_ERRORS
    }

    fn fault(&mut self, reply: Reply) -> Act {
        self.errors += 1;
        Act::Say(reply)
    }

    fn unwanted(&mut self, size: u64, last: bool) -> Act {
        self.errors += 1;
        // RFC 3030 §2: the bytes come all the same, and are no commands.
        Act::Chunk { size, last, unwanted: Some(Reply::new(503, "5.5.1 No recipient has been taken")) }
    }

    fn greeted(&mut self, hello: Hello) -> Act {
        self.mail_over();
        self.phase = Phase::Idle;
        self.hello = Some(hello);
        let mut lines = vec!["brevdue"];
        if hello != Hello::Old {
            lines.extend([
                "PIPELINING",
                "SIZE",
                "8BITMIME",
                "SMTPUTF8",
                "DSN",
                "ENHANCEDSTATUSCODES",
                "CHUNKING",
            ]);
            if self.premises.has_tls && self.under_tls.is_none() {
                lines.push("STARTTLS");
            }
            lines.push("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE");
            if self.premises.is_local {
                lines.push("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
            }
        }
        Act::Void(Reply::of_lines(250, lines))
    }

    fn another_client(&mut self, pairs: Vec<(String, String)>) -> Act {
        self.mail_over();
        self.phase = Phase::Fresh;
        self.hello = None;
        for (name, value) in pairs {
            self.xclient.retain(|(one, _)| *one != name);
            self.xclient.push((name, value));
        }
        if let Some(client) = value_of(&self.xclient, "ADDR").and_then(ip) {
            self.client = Some(client);
        }
        Act::Client
    }

    fn forwarded(&mut self, pairs: Vec<(String, String)>) -> Act {
        for (name, value) in pairs {
            self.xforward.retain(|(one, _)| *one != name);
            // More than the attributes there are is nobody's.
            if self.xforward.len() < 32 {
                self.xforward.push((name, value));
            }
        }
        Act::Say(Reply::new(250, "2.0.0 Ok"))
    }

    fn sender(&mut self, path: String, parameters: Vec<String>) -> Act {
        if !path.is_empty() && parsed(&path).is_none() {
            // An unreadable sender must not be taken for a bounce, whose sender is empty.
            return self.fault(Reply::new(553, "5.1.7 The sender's address cannot be read"));
        }
        Act::Sender { path, parameters }
    }

    fn recipient(&mut self, path: String, parameters: Vec<String>) -> Act {
        if self.cover.recipients.len() >= MAX_RECIPIENTS {
            return Act::Say(Reply::new(452, "4.5.3 Too many recipients"));
        }
        match parsed(&path) {
            Some(address) => Act::Recipient { path, parameters, address },
            None => self.fault(Reply::new(553, "5.1.3 The recipient's address cannot be read")),
        }
    }

    fn forwarded_value(&self, name: &str) -> Option<&str> {
        value_of(&self.xforward, name)
    }
}

/// In its brackets, without which a quoted blank would end it. The null sender is `None`.
fn parsed(path: &str) -> Option<Address> {
    (!path.is_empty()).then(|| address(format!("<{path}>").as_bytes())).flatten()
}

fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
}

/// `192.0.2.1` or `IPV6:2001:db8::1`, as XFORWARD has it.
fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.get(5..).filter(|_| text.to_ascii_uppercase().starts_with("IPV6:"));
    bare.unwrap_or(text).parse().ok()
}
