//! The regions of a walk are the message, and what is entered is left.
#![no_main]
use brevdue::mime::{HeaderName, Part, PartPath, PartSink, Problem, Region, Walker};

#[derive(Default)]
struct Sink(Vec<u8>, usize);

impl PartSink for Sink {
    fn header(&mut self, _: &PartPath, _: HeaderName, _: u64, _: &[u8]) {}
    fn enter(&mut self, part: &Part<'_>) {
        self.1 += 1;
        part.each_filename(&mut |_| ());
    }
    fn data(&mut self, bytes: &[u8]) {
        assert!(self.1 > 0 && !bytes.is_empty());
    }
    fn leave(&mut self) {
        self.1 -= 1;
    }
    fn problem(&mut self, _: &PartPath, _: Problem) {}
    fn region(&mut self, _: Region, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

libfuzzer_sys::fuzz_target!(|mail: &[u8]| {
    let (mut walker, mut sink) = (Walker::new(), Sink::default());
    mail.chunks(61).for_each(|piece| walker.feed(piece, &mut sink));
    walker.finish(&mut sink);
    assert!(sink.0 == mail && sink.1 == 0);
});
