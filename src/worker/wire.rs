//! What a worker says, as bytes: a frame an event.
//!
//! A frame is a tag, a length of four bytes (little endian) and so many bytes. The worker is not trusted: whatever it
//! writes is an event, or is told as a breakdown. Start reading at [`Writer`] and [`Reader`].

use crate::extract::content::{Content, Event, Member, Spot, Unread};
use std::io::{self, Write};

mod tag {
    pub(super) const END: u8 = 0;
    pub(super) const ENTER: u8 = 1;
    pub(super) const DATA: u8 = 2;
    pub(super) const LEAVE: u8 = 3;
    pub(super) const UNREAD: u8 = 4;
    pub(super) const PAGE: u8 = 5;
    pub(super) const SLIDE: u8 = 6;
    pub(super) const PARAGRAPH: u8 = 7;
    pub(super) const SHEET: u8 = 8;
    pub(super) const CELL: u8 = 9;
    pub(super) const NAMED: u8 = 10;
}

/// The most bytes in a frame.
const MOST: usize = 64 * 1024;

/// The bytes before a frame's own.
const HEAD: usize = 5;

/// Writes events.
pub(super) struct Writer<W> {
    out: W,
    /// The first thing that went wrong.
    failed: Option<io::Error>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, failed: None }
    }

    fn frame(&mut self, tag: u8, pieces: &[&[u8]]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut write = || -> io::Result<()> {
            self.out.write_all(&[tag])?;
            self.out.write_all(&length)?;
            pieces.iter().try_for_each(|piece| self.out.write_all(piece))
        };
        if self.failed.is_none() {
            self.failed = write().err();
        }
    }

    /// Says that all has been told.
    ///
    /// # Errors
    /// When anything could not be written.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.frame(tag::END, &[]);
        self.failed.map_or_else(|| self.out.flush(), Err)
    }
}

/// As much of a name as fits.
fn short(name: &str) -> &[u8] {
    let end = name.floor_char_boundary(MOST / 2);
    name.as_bytes().get(..end).unwrap_or_default()
}

impl<W: Write> Content for Writer<W> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Enter(Member { name, media }) => {
                let (name, media) = (short(name), short(media));
                self.frame(tag::ENTER, &[media, b"\0", name]);
            }
            Event::Data(bytes) => bytes.chunks(MOST).for_each(|piece| self.frame(tag::DATA, &[piece])),
            Event::Leave => self.frame(tag::LEAVE, &[]),
            Event::Unread(why) => self.frame(tag::UNREAD, &[&[why as u8]]),
            Event::Spot(spot) => match spot {
                Spot::Page(nr) => self.frame(tag::PAGE, &[&nr.to_le_bytes()]),
                Spot::Slide(nr) => self.frame(tag::SLIDE, &[&nr.to_le_bytes()]),
                Spot::Paragraph(nr) => self.frame(tag::PARAGRAPH, &[&nr.to_le_bytes()]),
                Spot::Sheet(name) => self.frame(tag::SHEET, &[short(name)]),
                Spot::Cell { row, column } => {
                    self.frame(tag::CELL, &[&row.to_le_bytes(), &column.to_le_bytes()]);
                }
                Spot::Named(name) => self.frame(tag::NAMED, &[short(name)]),
            },
        }
    }
}

/// Reads events from bytes that come in pieces.
#[derive(Default)]
pub(super) struct Reader {
    /// The beginning of a frame.
    held: Vec<u8>,
    state: State,
    open: bool,
}

/// How far the worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Telling,
    /// It has said that it told all.
    Ended,
    /// It said what is no event.
    Garbled,
}

impl Reader {
    /// Tells the events in the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], content: &mut dyn Content) {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        while self.state == State::Telling {
            let rest = self.held.get(at..).unwrap_or_default();
            let Some((&[tag, ref length @ ..], rest)) = rest.split_first_chunk::<HEAD>() else { break };
            let length = u32::from_le_bytes(*length) as usize;
            if length > MOST + 1 {
                self.state = State::Garbled;
                break;
            }
            let Some(frame) = rest.get(..length) else { break };
            at += HEAD + length;
            match event(tag, frame) {
                Some(event) if fits(event, &mut self.open) => content.event(event),
                None if tag == tag::END => self.state = State::Ended,
                Some(_) | None => self.state = State::Garbled,
            }
        }
        self.held.drain(..at);
    }

    /// How far it is.
    pub(super) fn state(&self) -> State {
        self.state
    }

    /// How far it is in the end. Ends what it left open.
    pub(super) fn finish(&mut self, content: &mut dyn Content) -> State {
        if std::mem::take(&mut self.open) {
            content.event(Event::Leave);
        }
        self.state
    }
}

/// Whether an event may come now: texts do not nest, and data belongs to one.
fn fits(event: Event<'_>, open: &mut bool) -> bool {
    match event {
        Event::Enter(_) => !std::mem::replace(open, true),
        Event::Leave => std::mem::replace(open, false),
        Event::Data(_) | Event::Spot(_) => *open,
        Event::Unread(_) => true,
    }
}

/// The event in a frame, if there is one.
fn event(tag: u8, frame: &[u8]) -> Option<Event<'_>> {
    let number = || frame.try_into().ok().map(u32::from_le_bytes);
    let name = || std::str::from_utf8(frame).ok();
    Some(match tag {
        tag::ENTER => {
            let (media, name) = std::str::from_utf8(frame).ok()?.split_once('\0')?;
            Event::Enter(Member { name, media })
        }
        tag::DATA => Event::Data(frame),
        tag::LEAVE => Event::Leave,
        tag::UNREAD => {
            let [nr] = frame else { return None };
            Event::Unread(*Unread::ALL.get(usize::from(*nr))?)
        }
        tag::PAGE => Event::Spot(Spot::Page(number()?)),
        tag::SLIDE => Event::Spot(Spot::Slide(number()?)),
        tag::PARAGRAPH => Event::Spot(Spot::Paragraph(number()?)),
        tag::SHEET => Event::Spot(Spot::Sheet(name()?)),
        tag::CELL => {
            let (row, column) = frame.split_first_chunk::<4>()?;
            let column = column.try_into().ok().map(u32::from_le_bytes)?;
            Event::Spot(Spot::Cell { row: u32::from_le_bytes(*row), column })
        }
        tag::NAMED => Event::Spot(Spot::Named(name()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event<'_>; 13] = [
        Event::Unread(Unread::Picture),
        Event::Enter(Member { name: "mappe/løn.csv", media: "text/csv" }),
        Event::Data(b"a;b"),
        Event::Leave,
        Event::Enter(Member::TEXT),
        Event::Spot(Spot::Page(3)),
        Event::Spot(Spot::Slide(4)),
        Event::Spot(Spot::Paragraph(5)),
        Event::Spot(Spot::Sheet("Ark1")),
        Event::Spot(Spot::Cell { row: 17, column: 2 }),
        Event::Spot(Spot::Named("kommentar")),
        Event::Data(b"\xFF\0"),
        Event::Leave,
    ];

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        for event in EVENTS {
            writer.event(event);
        }
        writer.end().unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read_however_it_is_cut() {
        let bytes = written();
        for size in [1, 2, 7, bytes.len()] {
            let mut reader = Reader::default();
            let mut nr = 0;
            let mut content = |event: Event<'_>| {
                assert_eq!(event, EVENTS[nr]);
                nr += 1;
            };
            bytes.chunks(size).for_each(|piece| reader.feed(piece, &mut content));
            assert_eq!((reader.finish(&mut content), nr), (State::Ended, EVENTS.len()));
        }
    }

    #[test]
    fn a_worker_that_breaks_off_or_raves_is_known_for_it() {
        let bytes = written();
        for end in 0..bytes.len() {
            let (mut reader, mut depth) = (Reader::default(), 0);
            let mut content = |event: Event<'_>| match event {
                Event::Enter(_) => depth += 1,
                Event::Leave => depth -= 1,
                Event::Data(_) | Event::Spot(_) | Event::Unread(_) => {}
            };
            reader.feed(&bytes[..end], &mut content);
            assert_eq!(reader.finish(&mut content), State::Telling);
            assert_eq!(depth, 0);
        }
        for wrong in [
            b"\x63\0\0\0\0".as_slice(),
            b"\x02\x01\0\0\0a",
            b"\x03\0\0\0\0",
            b"\x01\x01\0\0\0a",
            b"\x04\x01\0\0\0\xFF",
            b"\x02\xFF\xFF\xFF\xFF",
        ] {
            let mut reader = Reader::default();
            let mut content = |event: Event<'_>| panic!("{event:?}");
            reader.feed(wrong, &mut content);
            assert_eq!(reader.finish(&mut |_: Event<'_>| ()), State::Garbled, "{wrong:?}");
        }
    }
}
