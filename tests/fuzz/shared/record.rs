//! A sink that writes down what a walk tells it, slices joined, and keeps every other reading likewise.

use brevdue::mime::{
    HeaderFilter, HeaderName, Limits, Part, PartPath, PartSink, Problem, Reading, Region, Walker,
};
use std::sync::Arc;

#[derive(Default, Debug, PartialEq)]
pub struct Record {
    pub events: Vec<Event>,
    pub regions: Vec<(Region, Vec<u8>)>,
    pub others: Vec<(Reading, Record)>,
    pub open: usize,
}

#[derive(Debug, PartialEq)]
pub enum Event {
    Header { path: String, name: Vec<u8>, line: u64, text: Vec<u8> },
    Enter { part: String, names: Vec<String> },
    Data(Vec<u8>),
    Leave,
    Problem(String, Problem),
}

impl PartSink for Record {
    fn header(&mut self, path: &PartPath, name: HeaderName, line: u64, text: &[u8]) {
        self.other_header(path, format!("{name:?}").as_bytes(), line, text);
    }

    fn other_header(&mut self, path: &PartPath, name: &[u8], line: u64, text: &[u8]) {
        let (path, name, text) = (path.to_string(), name.to_vec(), text.to_vec());
        self.events.push(Event::Header { path, name, line, text });
    }

    fn enter(&mut self, part: &Part<'_>) {
        self.open += 1;
        let mut names = Vec::new();
        part.each_filename(&mut |name| names.push(name.to_owned()));
        // How a part prints holds the numbers of its header, and where its buffers lie is none of them.
        let part = format!(
            "{} {:?} {} {:?} {:?} {:?} {:?} {:?}",
            part.path,
            part.kind,
            part.media,
            part.charset,
            part.encoding,
            part.disposition,
            part.filename,
            part.param("boundary"),
        );
        self.events.push(Event::Enter { part, names });
    }

    fn data(&mut self, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "an empty slice of data");
        match self.events.last_mut() {
            Some(Event::Data(data)) => data.extend_from_slice(bytes),
            _ => self.events.push(Event::Data(bytes.to_vec())),
        }
    }

    fn leave(&mut self) {
        self.open = self.open.checked_sub(1).expect("what is left was entered");
        self.events.push(Event::Leave);
        // Another reading of an entity has its own; one of a leaf ends with the leaf.
        for (_, other) in self.others.iter_mut().filter(|(reading, _)| *reading != Reading::Entity) {
            other.events.push(Event::Leave);
        }
    }

    fn second(&mut self, reading: Reading) -> Option<&mut Self> {
        let at = self.others.iter().position(|(one, _)| *one == reading).unwrap_or_else(|| {
            self.others.push((reading, Self::default()));
            self.others.len() - 1
        });
        Some(&mut self.others[at].1)
    }

    fn problem(&mut self, path: &PartPath, problem: Problem) {
        self.events.push(Event::Problem(path.to_string(), problem));
    }

    fn region(&mut self, region: Region, bytes: &[u8]) {
        match self.regions.last_mut() {
            Some((last, data)) if *last == region => data.extend_from_slice(bytes),
            _ => self.regions.push((region, bytes.to_vec())),
        }
    }
}

impl Record {
    /// Panics where two records are not the same, with the first thing that differs.
    pub fn assert_same(&self, other: &Self) {
        let text = |event: Option<&Event>| match event {
            Some(Event::Data(data)) => format!("Data {:?}", data.escape_ascii().to_string()),
            Some(Event::Header { path, name, line, text }) => {
                format!("Header {path} {line} {}: {:?}", name.escape_ascii(), text.escape_ascii().to_string())
            }
            event => format!("{event:?}"),
        };
        for at in 0..self.events.len().max(other.events.len()) {
            let (one, two) = (self.events.get(at), other.events.get(at));
            assert!(one == two, "event {at}:\n{}\n{}", text(one), text(two));
        }
        assert!(self.regions == other.regions, "regions:\n{:?}\n{:?}", self.regions, other.regions);
        let kinds = |record: &Self| record.others.iter().map(|(reading, _)| *reading).collect::<Vec<_>>();
        assert_eq!(kinds(self), kinds(other), "other readings");
        for ((_, one), (_, two)) in self.others.iter().zip(&other.others) {
            one.assert_same(two);
        }
        assert!(self == other);
    }

    /// Walks a mail in these pieces; every field of a header is told.
    pub fn of(limits: Limits, pieces: &[&[u8]]) -> Self {
        let mut record = Self::default();
        let mut walker = Walker::with_limits(limits).with_headers(Arc::new(HeaderFilter::default()));
        pieces.iter().for_each(|piece| walker.feed(piece, &mut record));
        walker.finish(&mut record);
        record.tidy();
        record
    }

    /// Which reading is begun first is not promised, nor is one that has nothing to tell.
    fn tidy(&mut self) {
        self.others.retain(|(_, other)| other.events.iter().any(|event| *event != Event::Leave));
        self.others.sort_by_key(|(reading, _)| format!("{reading:?}"));
        self.others.iter_mut().for_each(|(_, other)| other.tidy());
    }
}
