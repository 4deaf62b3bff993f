//! Properties of the wire: what is said is heard, however it is cut, and no bytes make it panic.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::intake::milter::negotiate::Offer;
use crate::intake::milter::packet::{
    Arguments, Command, Frame, MAX_FRAME, Macros, PacketError, frame, split,
};
use crate::intake::milter::reply::{Code, Reply, ReplyText};
use crate::intake::milter::session::{Owed, Session};
use crate::intake::milter::swallow;

/// A command with its bytes; borrowed as [`Command`] when it is needed.
#[derive(Debug, Clone)]
enum Said {
    Numbers(u32, u32, u32),
    Macro(u8, Vec<(Vec<u8>, Vec<u8>)>),
    Connect(Vec<u8>, Option<std::net::IpAddr>, u16),
    Strings(u8, Vec<Vec<u8>>),
    Header(Vec<u8>, Vec<u8>),
    Bytes(u8, Vec<u8>),
    Bare(u8),
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(1_u8.., 0..40)
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(a, b, c)| Said::Numbers(a, b, c)),
        (any::<u8>(), vec((text(), text()), 0..5)).prop_map(|(stage, pairs)| Said::Macro(stage, pairs)),
        (text(), any::<Option<std::net::IpAddr>>(), any::<u16>()).prop_map(|(host, client, port)| {
            Said::Connect(host, client, if client.is_some() { port } else { 0 })
        }),
        (prop_oneof![Just(b'M'), Just(b'R')], vec(text(), 1..4)).prop_map(|(tag, a)| Said::Strings(tag, a)),
        (text(), vec(any::<u8>(), 0..200)).prop_map(|(name, value)| Said::Header(name, value)),
        (prop_oneof![Just(b'B'), Just(b'E')], vec(any::<u8>(), 0..300)).prop_map(|(t, b)| Said::Bytes(t, b)),
        (prop_oneof![Just(b'H'), Just(b'U')], text()).prop_map(|(t, b)| Said::Bytes(t, b)),
        prop::sample::select(b"TNAQK".to_vec()).prop_map(Said::Bare),
    ]
}

/// Encodes what is said, and checks that it is heard.
fn speak(said: &Said, out: &mut Vec<u8>) {
    let joined: Vec<u8>;
    let command = match said {
        Said::Numbers(version, actions, protocol) => {
            Command::Negotiate(Offer { version: *version, actions: *actions, protocol: *protocol })
        }
        Said::Macro(stage, pairs) => {
            joined = pairs.iter().flat_map(|(k, v)| [k.as_slice(), &[0], v, &[0]].concat()).collect();
            Command::Macro(Macros { stage: *stage, pairs: &joined })
        }
        Said::Connect(host, client, port) => Command::Connect { host, client: *client, port: *port },
        Said::Strings(tag, strings) => {
            joined = strings.iter().flat_map(|s| [s.as_slice(), &[0]].concat()).collect();
            let arguments = Arguments(&joined);
            assert_eq!(arguments.address(), strings[0]);
            if *tag == b'M' { Command::Mail(arguments) } else { Command::Rcpt(arguments) }
        }
        Said::Header(name, value) => Command::Header { name, value },
        Said::Bytes(b'B', bytes) => Command::Body(bytes),
        Said::Bytes(b'H', bytes) => Command::Helo(bytes),
        Said::Bytes(b'U', bytes) => Command::Unknown(bytes),
        Said::Bytes(_, bytes) => Command::EndOfBody(bytes),
        Said::Bare(b'T') => Command::Data,
        Said::Bare(b'N') => Command::EndOfHeaders,
        Said::Bare(b'A') => Command::Abort,
        Said::Bare(b'K') => Command::QuitNewConnection,
        Said::Bare(_) => Command::Quit,
    };
    let start = out.len();
    command.encode(out);
    let (frame, size) = split(&out[start..]).unwrap().unwrap();
    assert_eq!(start + size, out.len());
    assert_eq!(Command::decode(frame).unwrap(), command);
}

/// The frames of a stream that comes in pieces, gathered as the door does it.
fn frames(pieces: &[&[u8]]) -> Result<Vec<(u8, Vec<u8>)>, PacketError> {
    let (mut inbox, mut found) = (Vec::new(), Vec::new());
    for piece in pieces {
        inbox.extend_from_slice(piece);
        while let Some((Frame { tag, payload }, size)) = split(&inbox)? {
            found.push((tag, payload.to_vec()));
            inbox.drain(..size);
        }
    }
    Ok(found)
}

proptest! {
    #[test]
    fn what_is_said_is_heard_however_it_is_cut(
        talk in vec(said(), 1..12),
        cuts in vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut stream = Vec::new();
        for said in &talk {
            speak(said, &mut stream);
        }
        let whole = frames(&[&stream]).unwrap();
        prop_assert_eq!(whole.len(), talk.len());
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(frames(&pieces).unwrap(), whole.clone());
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(frames(&single).unwrap(), whole);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(swallow(&bytes).is_ok_and(|owed| owed <= bytes.len()) || swallow(&bytes).is_err());
    }

    #[test]
    fn no_payload_makes_it_panic(tags in vec(prop::sample::select(b"ABCDEHKLMNOQRTU\0z".to_vec()), 1..20),
                                 payload in vec(prop_oneof![Just(0_u8), any::<u8>()], 0..60)) {
        let mut stream = Vec::new();
        Command::Negotiate(Offer::POSTFIX).encode(&mut stream);
        for tag in tags {
            frame(&mut stream, tag, |out| out.extend_from_slice(&payload));
        }
        prop_assert!(swallow(&stream).map_or_else(|error| !error.to_string().is_empty(), |owed| owed > 0));
    }

    #[test]
    fn whatever_was_said_the_end_of_a_message_is_answered(talk in vec(said(), 0..30)) {
        let mut stream = Vec::new();
        Command::Negotiate(Offer::POSTFIX).encode(&mut stream);
        for said in &talk {
            speak(said, &mut stream);
        }
        Command::EndOfBody(b"").encode(&mut stream);
        let (mut session, mut last, mut rest) = (Session::new(false), Owed::Silence, &stream[..]);
        while let Some((frame, size)) = split(rest).unwrap() && !session.has_ended() {
            last = session.on(&Command::decode(frame).unwrap()).owed;
            rest = &rest[size..];
        }
        prop_assert!(session.has_ended() || matches!(last, Owed::Verdict | Owed::FailVerdict), "{:?}", last);
    }

    #[test]
    fn a_reply_is_what_postfix_takes(lines in vec(".{0,700}", 0..6), refused in any::<bool>()) {
        let (code, digits, class) =
            if refused { (Code::Refused, "550", 5) } else { (Code::Deferred, "451", 4) };
        let reply = Reply::Code(ReplyText::new(code, &lines));
        let mut out = Vec::new();
        reply.encode(&mut out);
        let (frame, _) = split(&out).unwrap().unwrap();
        prop_assert_eq!(&Reply::decode(frame).unwrap(), &reply);
        let text = std::str::from_utf8(frame.payload).unwrap().strip_suffix('\0').unwrap().to_owned();
        prop_assert!(text.is_ascii() && !text.contains('\0'));
        let spoken: Vec<&str> = text.split("\r\n").collect();
        for (at, line) in spoken.iter().enumerate() {
            let mark = if at + 1 == spoken.len() { ' ' } else { '-' };
            let start = format!("{digits}{mark}{class}.7.1 ");
            prop_assert!(line.starts_with(&start), "{:?}", line);
            prop_assert!(line.len() <= 500 && !line.contains(['\r', '\n']));
            prop_assert!(line.replace("%%", "").find('%').is_none(), "a lone percent sign: {:?}", line);
        }
    }
}

#[test]
fn replies_survive_the_wire() {
    use Reply::{Accept, Continue, Discard, Negotiate, Progress, Reject, Skip, Tempfail};
    let header = Reply::AddHeader { name: "X-Road".to_owned(), value: " a".to_owned() };
    let quarantine = Reply::Quarantine("held".to_owned());
    for reply in [
        Accept,
        Continue,
        Discard,
        Negotiate(vec![0; 12]),
        Progress,
        Reject,
        Skip,
        Tempfail,
        header,
        quarantine,
    ] {
        let mut out = Vec::new();
        reply.encode(&mut out);
        let (frame, size) = split(&out).unwrap().unwrap();
        assert_eq!((Reply::decode(frame).unwrap(), size), (reply, out.len()));
    }
}

#[test]
fn a_reply_without_lines_still_says_something() {
    let reply = ReplyText::new(Code::Refused, &[]);
    assert_eq!(reply.spoken(), "550 5.7.1 The message was refused");
}

#[test]
fn three_lines_and_a_percent_sign() {
    let lines = ["100% sure".to_owned(), "b\u{e6}\r\nevil".to_owned(), "c".to_owned()];
    let text = ReplyText::new(Code::Refused, &lines);
    assert_eq!(text.spoken(), "550-5.7.1 100% sure\r\n550-5.7.1 b???evil\r\n550 5.7.1 c");
}

#[test]
fn bad_frames_have_names() {
    let framed = |tag, payload: &[u8]| {
        let mut out = Vec::new();
        frame(&mut out, tag, |out| out.extend_from_slice(payload));
        out
    };
    let heard =
        |bytes: &[u8]| split(bytes).and_then(|f| f.map(|(f, _)| Command::decode(f).map(|_| ())).transpose());
    let too_long = u32::try_from(MAX_FRAME).unwrap() + 1;
    assert_eq!(heard(&[0, 0, 0, 0]), Err(PacketError::Empty));
    assert_eq!(heard(&too_long.to_be_bytes()), Err(PacketError::Oversize(too_long)));
    assert_eq!(heard(&u32::MAX.to_be_bytes()), Err(PacketError::Oversize(u32::MAX)));
    assert_eq!(heard(&framed(b'z', b"")), Err(PacketError::UnknownTag(b'z')));
    for (tag, payload) in [
        (b'O', &b"\0\0\0\x06\0\0"[..]),
        (b'D', b""),
        (b'C', b"host"),
        (b'C', b"host\0"),
        (b'H', b"no nul"),
        (b'M', b""),
        (b'R', b"<a@b>"),
        (b'L', b"Name\0value without nul"),
        (b'L', b"Name\0"),
    ] {
        let error = heard(&framed(tag, payload)).unwrap_err();
        assert!(matches!(error, PacketError::Malformed { tag: t, .. } if t == tag), "{error}");
    }
    // Torn, not bad.
    assert_eq!(heard(b""), Ok(None));
    assert_eq!(heard(&framed(b'T', b"")[..4]), Ok(None));
}

#[test]
fn addresses_of_connect() {
    for (payload, expected) in [
        (&b"h\x004\x00\x19192.0.2.1\0"[..], Some("192.0.2.1")),
        (b"h\x006\x00\x192001:db8::1\0", Some("2001:db8::1")),
        (b"h\x006\x00\x19IPv6:2001:db8::1\0", Some("2001:db8::1")),
        (b"h\0L\0\0/run/sock\0", None),
        (b"h\0U", None),
        (b"h\x004", None),
        (b"h\x004\0\x19999.0.0.1\0", None),
    ] {
        let heard = Command::decode(Frame { tag: b'C', payload }).unwrap();
        let Command::Connect { client, .. } = heard else { panic!("{heard:?}") };
        assert_eq!(client.map(|client| client.to_string()).as_deref(), expected);
    }
}

#[test]
fn nuls_in_a_header_hide_nothing() {
    let payload = b"Subject\0 a\0b\0";
    let heard = Command::decode(Frame { tag: b'L', payload }).unwrap();
    assert_eq!(heard, Command::Header { name: b"Subject", value: b" a\0b" });
}

#[test]
fn macros_with_and_without_braces() {
    let macros = Macros { stage: b'M', pairs: b"{tls_version}\0TLSv1.3\0i\x004Xyz\0{empty}\0\0odd" };
    assert_eq!(macros.value("tls_version"), Some(&b"TLSv1.3"[..]));
    assert_eq!(macros.value("i"), Some(&b"4Xyz"[..]));
    assert_eq!(macros.value("empty"), Some(&b""[..]));
    assert_eq!((macros.value("odd"), macros.value("TLSv1.3")), (None, None));
}
