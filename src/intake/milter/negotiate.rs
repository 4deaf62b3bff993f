//! The opening of a connection: what the MTA offers, what we ask for, and what both then hold to.
//!
//! *What it never does*: ask for what was not offered; Postfix treats that as a broken filter. *Start reading at*
//! [`Terms::agree`]. *Tests*: `tests/session.rs`.

/// The highest protocol version spoken.
pub(crate) const HIGHEST: u32 = 6;
/// The lowest; version 1 has no quarantine and nobody has sent it since sendmail 8.11.
pub(crate) const LOWEST: u32 = 2;

/// What a filter may do to a message (SMFIF_*).
pub(crate) mod action {
    pub(crate) const ADD_HEADERS: u32 = 1 << 0;
    pub(crate) const QUARANTINE: u32 = 1 << 5;
    pub(crate) const SET_MACROS: u32 = 1 << 8;
    /// What Postfix offers.
    pub(crate) const ALL: u32 = 0x1ff;
}

/// What is left out of the talk (SMFIP_*).
pub(crate) mod protocol {
    pub(crate) const NO_REPLY_HEADER: u32 = 1 << 7;
    pub(crate) const NO_UNKNOWN: u32 = 1 << 8;
    pub(crate) const SKIP: u32 = 1 << 10;
    pub(crate) const NO_REPLY_HELO: u32 = 1 << 13;
    pub(crate) const NO_REPLY_MAIL: u32 = 1 << 14;
    pub(crate) const NO_REPLY_RCPT: u32 = 1 << 15;
    pub(crate) const NO_REPLY_END_OF_HEADERS: u32 = 1 << 18;
    pub(crate) const NO_REPLY_BODY: u32 = 1 << 19;
    pub(crate) const LEADING_SPACE: u32 = 1 << 20;
    /// What Postfix offers.
    pub(crate) const ALL: u32 = 0x1f_ffff;
}

/// The macros asked for, by event, numbered as SMFIM_* does: CONNECT, HELO, MAIL, RCPT, DATA, end of message, end of headers.
///
/// Postfix would send `i` and `tls_version` unasked, unless an operator has edited `milter_*_macros`; asked for, they
/// come in any case. `tls_version` is asked for at MAIL too, since STARTTLS comes after the first HELO. A list that is not
/// named stays as Postfix has it, so those that nobody reads are named and empty: the list of the end of headers is sent
/// before each header, and shrinks to six bytes.
const MACROS: [(u32, &str); 7] =
    [(0, ""), (1, "{tls_version}"), (2, "{tls_version}"), (3, ""), (4, "i"), (5, "i"), (6, "")];

/// The three numbers of a negotiation, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) version: u32,
    pub(crate) actions: u32,
    pub(crate) protocol: u32,
}

impl Offer {
    /// What Postfix offers.
    pub(crate) const POSTFIX: Self = Self { version: HIGHEST, actions: action::ALL, protocol: protocol::ALL };

    /// Reads the numbers; what follows them (macro lists) is not read.
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let (version, rest) = payload.split_first_chunk::<4>()?;
        let (actions, rest) = rest.split_first_chunk::<4>()?;
        let protocol = rest.first_chunk::<4>()?;
        Some(Self {
            version: u32::from_be_bytes(*version),
            actions: u32::from_be_bytes(*actions),
            protocol: u32::from_be_bytes(*protocol),
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.version, self.actions, self.protocol] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// The terms of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    chosen: Offer,
}

impl Terms {
    /// What we ask for, out of an offer; `None` for a version below [`LOWEST`].
    ///
    /// *What need not be answered goes unanswered.* Postfix then writes it in one go, where an answer each would cost a turn
    /// of both processes for every event: the envelope with DATA, then headers and body with the end of the body.
    ///
    /// *DATA is answered*: smtpd flushes for an answer, and what follows is written on the same connection by cleanup.
    /// Left unanswered, a recipient could come behind the content. *CONNECT is answered*: above the cap of
    /// connections the SMTP client is told before it has sent its mail. A recipient that cannot be judged is told at the end.
    ///
    /// The price is SKIP, which is an answer to a body chunk: a large message whose verdict is sure is read to its end,
    /// unscanned. Such messages are few, and reading costs 0.2 ms a MiB; so SKIP is asked for only where body chunks must
    /// be answered anyway.
    ///
    /// Events that go unanswered need their acknowledgement at once, see `rearm` in `connection.rs`.
    pub(crate) fn agree(offer: &Offer) -> Option<Self> {
        let mut wanted = protocol::LEADING_SPACE
            | protocol::NO_UNKNOWN
            | protocol::NO_REPLY_HELO
            | protocol::NO_REPLY_MAIL
            | protocol::NO_REPLY_RCPT
            | protocol::NO_REPLY_HEADER
            | protocol::NO_REPLY_END_OF_HEADERS
            | protocol::NO_REPLY_BODY;
        if offer.protocol & protocol::NO_REPLY_BODY == 0 {
            wanted |= protocol::SKIP;
        }
        (offer.version >= LOWEST).then_some(Self {
            chosen: Offer {
                version: offer.version.min(HIGHEST),
                actions: offer.actions & (action::ADD_HEADERS | action::QUARANTINE | action::SET_MACROS),
                protocol: offer.protocol & wanted,
            },
        })
    }

    /// The answer to a version that we do not speak: our lowest. Postfix logs "protocol version 2 conflict with MTA
    /// protocol version 1", names both sides, and falls back to `milter_default_action`.
    pub(crate) fn refusal() -> Vec<u8> {
        let mut payload = Vec::new();
        Offer { version: LOWEST, actions: 0, protocol: 0 }.encode(&mut payload);
        payload
    }

    /// The payload of our answer.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(64);
        self.chosen.encode(&mut payload);
        if self.may(action::SET_MACROS) {
            for (event, names) in MACROS {
                payload.extend_from_slice(&event.to_be_bytes());
                payload.extend_from_slice(names.as_bytes());
                payload.push(0);
            }
        }
        payload
    }

    /// Whether the MTA has granted an action.
    pub(crate) fn may(&self, action: u32) -> bool {
        self.chosen.actions & action != 0
    }

    /// Whether a way of talking was agreed.
    pub(crate) fn uses(&self, protocol: u32) -> bool {
        self.chosen.protocol & protocol != 0
    }
}
