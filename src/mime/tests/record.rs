//! A sink that writes down what it is told, slices of data and regions joined.

use crate::mime::{
    HeaderName, Limits, Part, PartKind, PartPath, PartSink, Problem, Region, TransferEncoding, Walker,
};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    Header(String, HeaderName, u64, String),
    OtherHeader(String),
    Enter(Entered),
    Data(Vec<u8>),
    Leave,
    Problem(String, Problem),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entered {
    pub(super) path: String,
    pub(super) kind: PartKind,
    pub(super) media: String,
    pub(super) charset: Option<String>,
    pub(super) encoding: TransferEncoding,
    pub(super) filename: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) events: Vec<Event>,
    pub(super) regions: Vec<(Region, Vec<u8>)>,
    open: usize,
}

impl PartSink for Record {
    fn header(&mut self, path: &PartPath, name: HeaderName, line: u64, text: &[u8]) {
        let text = String::from_utf8_lossy(text).into_owned();
        self.events.push(Event::Header(path.to_string(), name, line, text));
    }

    fn other_header(&mut self, _: &PartPath, name: &[u8], line: u64, text: &[u8]) {
        let (name, text) = (String::from_utf8_lossy(name), String::from_utf8_lossy(text));
        self.events.push(Event::OtherHeader(format!("{line} {name}: {text}")));
    }

    fn enter(&mut self, part: &Part<'_>) {
        self.open += 1;
        self.events.push(Event::Enter(Entered {
            path: part.path.to_string(),
            kind: part.kind,
            media: part.media.to_string(),
            charset: part.charset.map(str::to_owned),
            encoding: part.encoding,
            filename: part.filename.map(str::to_owned),
        }));
    }

    fn data(&mut self, bytes: &[u8]) {
        assert!(self.open > 0, "data outside any part");
        assert!(!bytes.is_empty(), "an empty slice of data");
        match self.events.last_mut() {
            Some(Event::Data(data)) => data.extend_from_slice(bytes),
            _ => self.events.push(Event::Data(bytes.to_vec())),
        }
    }

    fn leave(&mut self) {
        self.open -= 1;
        self.events.push(Event::Leave);
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
    /// Walks a mail given in these pieces.
    pub(super) fn of<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut record = Self::default();
        let mut walker = Walker::with_limits(limits);
        for piece in pieces {
            walker.feed(piece, &mut record);
        }
        walker.finish(&mut record);
        assert_eq!(record.open, 0, "every part that was entered is left");
        record
    }

    pub(super) fn whole(mail: &[u8]) -> Self {
        Self::of(Limits::default(), [mail])
    }

    /// The raw bytes that were accounted for.
    pub(super) fn raw(&self) -> Vec<u8> {
        self.regions.iter().flat_map(|(_, bytes)| bytes).copied().collect()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let problem =
            |event: &Event| if let Event::Problem(_, problem) = event { Some(*problem) } else { None };
        self.events.iter().filter_map(problem).collect()
    }

    pub(super) fn headers(&self) -> Vec<(String, HeaderName, u64, String)> {
        let header = |event: &Event| match event {
            Event::Header(path, name, line, text) => Some((path.clone(), *name, *line, text.clone())),
            Event::OtherHeader(_) | Event::Enter(_) | Event::Data(_) | Event::Leave | Event::Problem(..) => {
                None
            }
        };
        self.events.iter().filter_map(header).collect()
    }

    pub(super) fn others(&self) -> Vec<String> {
        let other =
            |event: &Event| if let Event::OtherHeader(text) = event { Some(text.clone()) } else { None };
        self.events.iter().filter_map(other).collect()
    }

    /// Everything entered, with its data, in order of entering.
    pub(super) fn parts(&self) -> Vec<(Entered, Vec<u8>)> {
        let mut parts: Vec<(Entered, Vec<u8>)> = Vec::new();
        let mut open = Vec::new();
        for event in &self.events {
            match event {
                Event::Enter(entered) => {
                    open.push(parts.len());
                    parts.push((entered.clone(), Vec::new()));
                }
                Event::Data(data) => parts[*open.last().unwrap()].1.extend_from_slice(data),
                Event::Leave => drop(open.pop()),
                Event::Header(..) | Event::OtherHeader(_) | Event::Problem(..) => {}
            }
        }
        parts
    }

    /// Paths, kinds and text of everything entered, to compare by eye: `1 leaf "text"`.
    pub(super) fn sketch(&self) -> Vec<String> {
        let line = |(entered, data): &(Entered, Vec<u8>)| {
            format!("{} {:?} {:?}", entered.path, entered.kind, String::from_utf8_lossy(data))
        };
        self.parts().iter().map(line).collect()
    }
}
