//! Peers that are not ours: an independent client, and MTAs that cut, swell, leave or lie.

use miltr_client::Client as Stranger;
use miltr_common::actions::Action;
use miltr_common::commands::{Body, Connect, Family, Header, Helo, Mail, Recipient};
use miltr_common::modifications::ModificationAction;
use miltr_common::optneg::{Capability, OptNeg, Protocol};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::house::{accepted, encoded, local, open, send, soon};
use crate::intake::listen::ListenAddr;
use crate::intake::milter::Settings;
use crate::intake::milter::negotiate::Offer;
use crate::intake::milter::packet::{Arguments, Command, MAX_FRAME, Macros};
use crate::intake::milter::reply::Reply;

/// One message by `miltr-client`; its final action, and what it was asked to change.
async fn by_miltr<S>(stream: S, protocol: Protocol, test: &str) -> (Action, Vec<ModificationAction>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let options = OptNeg { protocol, capabilities: Capability::all(), ..OptNeg::default() };
    let mut mta = Stranger::new(options).connect_via(stream.compat()).await.unwrap();
    mta.connect(Connect::new(b"localhost", Family::Inet, Some(2525), b"192.0.2.7")).await.unwrap();
    mta.helo(Helo::from(&b"localhost"[..])).await.unwrap();
    mta.mail(Mail::from(&b"<a@kommune.example>"[..])).await.unwrap();
    mta.recipient(Recipient::from(&b"<b@borger.example>"[..])).await.unwrap();
    mta.data().await.unwrap();
    // Without the agreement on spaces the MTA eats the first one.
    let space = if protocol.is_empty() { "" } else { " " };
    mta.header(Header::new(b"X-Test", format!("{space}{test}").as_bytes())).await.unwrap();
    mta.end_of_header().await.unwrap();
    mta.body(Body::from(&b"Hello\r\n"[..])).await.unwrap();
    let answer = mta.end_of_body().await.unwrap();
    let heard = (answer.final_action().clone(), answer.modifications().to_vec());
    mta.quit().await.unwrap();
    heard
}

#[tokio::test]
async fn the_independent_client_hears_every_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("milter.sock");
    let listen = [local().listen, vec![ListenAddr::Unix(path.clone())]].concat();
    let house = open(&Settings { listen, ..Settings::default() });
    let ListenAddr::Tcp(at) = house.addresses[0] else { panic!("no TCP") };
    for protocol in [Protocol::empty(), Protocol::all()] {
        for test in ["none", "block", "hold", "reroute", "defer"] {
            let tcp = soon(by_miltr(TcpStream::connect(at).await.unwrap(), protocol, test)).await;
            let unix = soon(by_miltr(UnixStream::connect(&path).await.unwrap(), protocol, test)).await;
            for (action, changes) in [tcp, unix] {
                let code = |class: u8| matches!(&action, Action::Replycode(reply) if reply.rcode().code()[0] == class);
                let told = match test {
                    "none" => matches!(action, Action::Continue(_)) && changes.is_empty(),
                    "block" => (code(b'5') || code(5)) && changes.is_empty(),
                    // It sends no macros, so no queue id either: what is to be held is deferred.
                    "defer" | "hold" => (code(b'4') || code(4)) && changes.is_empty(),
                    _ => {
                        matches!((&action, &changes[..]), (Action::Continue(_), [ModificationAction::AddHeader(h)]) if h.value().trim() == "protected")
                    }
                };
                assert!(told, "{test} {protocol:?}: {action:?} {changes:?}");
            }
            let expected = format!("X-Test: {test}\r\n\r\nHello\r\n");
            assert_eq!(String::from_utf8_lossy(&house.last().1), expected);
            assert_eq!(house.last().0.client.unwrap().to_string(), "192.0.2.7");
        }
    }
    house.close().await;
}

const OPENING: [Command<'_>; 5] = [
    Command::Negotiate(Offer::POSTFIX),
    Command::Mail(Arguments(b"<a@kommune.example>\0")),
    Command::Rcpt(Arguments(b"<b@borger.example>\0")),
    Command::Macro(Macros { stage: b'T', pairs: b"i\x004Xabc\0" }),
    Command::Data,
];

/// The answers to [`OPENING`] come before the one that a test is about.
fn after_opening(replies: &[Reply]) -> &[Reply] {
    assert!(matches!(replies[..2], [Reply::Negotiate(_), Reply::Continue]), "{replies:?}");
    &replies[2..]
}

#[tokio::test]
async fn a_stream_cut_to_single_bytes() {
    let house = open(&local());
    let mut raw = house.raw().await;
    raw.stream.set_nodelay(true).unwrap();
    let rest = [Command::EndOfHeaders, Command::Body(b"abc"), Command::EndOfBody(b"def"), Command::Quit];
    for byte in encoded(&OPENING).into_iter().chain(encoded(&rest)) {
        raw.stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(after_opening(&raw.hear_out().await), [Reply::Continue]);
    assert_eq!(house.last().1, b"\r\nabcdef", "the last chunk may come with the end");
    house.close().await;
}

/// What Postfix sends and what an MTA that is answered everything sends, cut anywhere: a chunk is shown as it comes, and
/// must be answered once, and behind its last byte.
#[tokio::test]
async fn any_cut_gives_the_same_message_and_the_same_answers() {
    let house = open(&local());
    let body: Vec<u8> = (0..150_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let value = vec![b'v'; 9_000];
    for (offer, answers) in [(Offer::POSTFIX, 3), (Offer { protocol: 0, ..Offer::POSTFIX }, 12)] {
        let mut talk = vec![Command::Negotiate(offer)];
        talk.extend(OPENING[1..].iter().cloned());
        talk.extend([
            Command::Header { name: b"X", value: b" y" },
            Command::Header { name: b"N", value: &value },
        ]);
        talk.push(Command::EndOfHeaders);
        // An empty one too.
        for chunk in body.chunks(65_535).chain([&b""[..]]) {
            talk.extend([Command::Macro(Macros { stage: b'E', pairs: b"" }), Command::Body(chunk)]);
        }
        talk.extend([Command::EndOfBody(b"end"), Command::Abort, Command::Quit]);
        let bytes = encoded(&talk);
        let mut first = None;
        for cut in [1_009, 4_096, 65_536, 65_540, bytes.len()] {
            // One of the cuts falls within the length, the tag or the text of every frame.
            for shift in [0, 1, 4, 5, 6] {
                let mut raw = house.raw().await;
                raw.stream.set_nodelay(true).unwrap();
                let (start, rest) = bytes.split_at(shift);
                raw.stream.write_all(start).await.unwrap();
                for piece in rest.chunks(cut) {
                    raw.stream.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
                let seen = (raw.hear_out().await, house.last().1);
                assert_eq!(seen.0.len(), answers, "{offer:?} {cut} {shift}: {:?}", seen.0);
                assert!(seen.1.ends_with(&[&body[..], b"end"].concat()), "{offer:?} {cut} {shift}");
                assert!(first.get_or_insert_with(|| seen.clone()) == &seen, "{offer:?} {cut} {shift}");
            }
        }
    }
    house.close().await;
}

#[tokio::test]
async fn two_messages_in_one_breath() {
    let house = open(&local());
    let mut raw = house.raw().await;
    let header = Command::Header { name: b"X-Test", value: b" block" };
    let message =
        [header, Command::EndOfHeaders, Command::Body(b"x"), Command::EndOfBody(b""), Command::Abort];
    let all = [&OPENING[..], &message, &OPENING[1..], &message, &[Command::Quit]].concat();
    raw.say(&all).await;
    let replies = raw.hear_out().await;
    assert_eq!(replies.len(), 5);
    assert!(matches!((&replies[2], &replies[4]), (Reply::Code(_), Reply::Code(_))), "{replies:?}");
    house.close().await;
}

#[tokio::test]
async fn a_mta_that_has_closed_its_half_still_hears_the_verdict() {
    let house = open(&local());
    let mut raw = house.raw().await;
    raw.say(&OPENING).await;
    raw.say(&[Command::Header { name: b"X-Test", value: b" slow" }, Command::EndOfHeaders]).await;
    raw.say(&[Command::EndOfBody(b"")]).await;
    raw.stream.shutdown().await.unwrap();
    assert_eq!(after_opening(&raw.hear_out().await), [Reply::Continue]);
    house.close().await;
}

#[tokio::test]
async fn frames_that_break_the_protocol_are_answered_by_a_tempfail() {
    let house = open(&local());
    let oversize = (u32::try_from(MAX_FRAME).unwrap() + 1).to_be_bytes();
    let unknown = [0, 0, 0, 1, b'z'];
    let malformed = [0, 0, 0, 2, b'L', b'x'];
    for bad in [&[0, 0, 0, 0][..], &oversize, &[0xff; 4], &unknown, &malformed, b"GET / HTTP/1.1\r\n\r\n"] {
        // At the start, and in the middle of a message.
        for opening in [&OPENING[..0], &OPENING[..]] {
            let mut raw = house.raw().await;
            raw.say(opening).await;
            // More than the socket takes at once: an answer must not be lost to a reset.
            let mut bytes = bad.to_vec();
            bytes.resize(bad.len() + 100_000, b'B');
            raw.stream.write_all(&bytes).await.unwrap();
            raw.stream.shutdown().await.unwrap();
            let replies = raw.hear_out().await;
            assert_eq!(replies.last(), Some(&Reply::Tempfail), "{bad:?}");
            assert!(replies.len() <= 3, "nothing is accepted: {replies:?}");
        }
    }
    assert_eq!(house.counters.snapshot().broken, 12);
    assert_eq!(send(&mut house.client().await, "none").await, accepted());
    house.close().await;
}

/// Found by the fuzzer: the tempfail was owed for the whole chunk, and the connection closed before it had come.
#[tokio::test]
async fn a_chunk_before_the_terms_is_answered_before_it_is_whole() {
    let house = open(&local());
    let chunk = encoded(&[Command::Body(b"Hej\r\n")]);
    for length in [chunk.len(), chunk.len() - 1, 5] {
        let mut mta = house.raw().await;
        mta.stream.write_all(&chunk[..length]).await.unwrap();
        assert_eq!(mta.hear_out().await, [Reply::Tempfail], "{length} bytes");
    }
    house.close().await;
}

#[tokio::test]
async fn the_largest_frame_passes() {
    let house = open(&local());
    let mut raw = house.raw().await;
    raw.say(&OPENING).await;
    let value = vec![b'v'; MAX_FRAME - 4];
    raw.say(&[Command::Header { name: b"N", value: &value }, Command::EndOfHeaders]).await;
    raw.say(&[Command::EndOfBody(b""), Command::Quit]).await;
    assert_eq!(after_opening(&raw.hear_out().await), [Reply::Continue]);
    assert_eq!(house.last().1.len(), value.len() + 6);
    house.close().await;
}

#[tokio::test]
async fn a_version_too_old_is_told_ours() {
    let house = open(&local());
    let mut raw = house.raw().await;
    raw.say(&[Command::Negotiate(Offer { version: 1, ..Offer::POSTFIX })]).await;
    let replies = raw.hear_out().await;
    let [Reply::Negotiate(payload)] = &replies[..] else { panic!("{replies:?}") };
    assert_eq!(Offer::decode(payload), Some(Offer { version: 2, actions: 0, protocol: 0 }));
    house.close().await;
}

#[tokio::test]
async fn nuls_reach_the_gate() {
    let house = open(&local());
    let mut raw = house.raw().await;
    raw.say(&OPENING).await;
    raw.say(&[Command::Header { name: b"Subject", value: b" a\0b" }, Command::EndOfHeaders]).await;
    raw.say(&[Command::Body(b"\0x\0"), Command::EndOfBody(b"\0"), Command::Quit]).await;
    assert_eq!(after_opening(&raw.hear_out().await), [Reply::Continue]);
    assert_eq!(house.last().1, b"Subject: a\0b\r\n\r\n\0x\0\0");
    assert_eq!(house.last().0.queue_id.unwrap().to_string(), "4Xabc");
    house.close().await;
}

#[tokio::test]
async fn an_mta_that_leaves_in_the_middle_harms_nobody() {
    let house = open(&local());
    for cut in 1..OPENING.len() {
        let mut raw = house.raw().await;
        raw.say(&OPENING[..cut]).await;
        drop(raw);
    }
    let mut raw = house.raw().await;
    raw.say(&OPENING).await;
    raw.say(&[Command::Header { name: b"X-Test", value: b" slow" }, Command::EndOfHeaders]).await;
    raw.say(&[Command::EndOfBody(b"")]).await;
    drop(raw);
    assert_eq!(send(&mut house.client().await, "none").await, accepted());
    soon(async {
        while house.counters.snapshot().open > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(house.seen.lock().unwrap().len(), 2, "the verdict of the one that left is still made");
    house.close().await;
}
