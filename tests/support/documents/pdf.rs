//! Writes PDF by hand: objects, a table of them, and nothing that was not asked for.
//!
//! Shared by the unit tests of the reader and the integration tests (`#[path]`), so it knows neither. Start reading at
//! [`page`].

#![allow(clippy::format_push_string, reason = "a few allocations in a test")]

use std::io::Write;

/// A document that is being written.
pub(crate) struct Writer {
    objects: Vec<Vec<u8>>,
    /// Entries of the catalog, beside its pages.
    pub(crate) catalog: String,
    /// Entries of the trailer, beside its root.
    pub(crate) trailer: String,
    /// Entries of each page, beside its content and `/F1`, which is Helvetica and not embedded.
    pub(crate) page: String,
    /// Entries of the resources of each page, beside its fonts.
    pub(crate) resources: String,
    /// Whether streams are folded.
    pub(crate) folded: bool,
}

/// The number of the first object that [`Writer::add`] makes.
pub(crate) const FIRST: usize = 4;

impl Writer {
    pub(crate) fn new() -> Self {
        let objects = vec![Vec::new(); FIRST - 1];
        let [catalog, trailer, page, resources] = Default::default();
        Self { objects, catalog, trailer, page, resources, folded: true }
    }

    /// Adds an object, and says its number.
    pub(crate) fn add(&mut self, body: impl Into<Vec<u8>>) -> usize {
        self.objects.push(body.into());
        self.objects.len()
    }

    /// Adds a stream with these entries.
    pub(crate) fn stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let (filter, data) =
            if self.folded { ("/Filter/FlateDecode", fold(data)) } else { ("", data.to_vec()) };
        self.raw_stream(&format!("{entries}{filter}"), &data)
    }

    /// Adds a stream of these bytes as they are.
    pub(crate) fn raw_stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let mut body = format!("<<{entries}/Length {}>>\nstream\n", data.len()).into_bytes();
        body.extend_from_slice(data);
        body.extend_from_slice(b"\nendstream");
        self.add(body)
    }

    /// The document, with a page for each content.
    pub(crate) fn finish(mut self, contents: &[&str]) -> Vec<u8> {
        let mut kids = String::new();
        for content in contents {
            let content = self.stream("", content.as_bytes());
            let page = format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {content} 0 R/Resources<</Font<</F1 3 0 R>>{}>>{}>>",
                self.resources, self.page
            );
            kids.push_str(&format!("{} 0 R ", self.add(page)));
        }
        let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";
        let first = [
            format!("<</Type/Catalog/Pages 2 0 R{}>>", self.catalog),
            format!("<</Type/Pages/Count {}/Kids[{kids}]>>", contents.len()),
            font.to_owned(),
        ];
        for (object, body) in self.objects.iter_mut().zip(first) {
            *object = body.into_bytes();
        }
        self.bytes()
    }

    fn bytes(self) -> Vec<u8> {
        let mut out = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let mut table = String::new();
        for (nr, object) in (1..).zip(&self.objects) {
            table.push_str(&format!("{:010} 00000 n \n", out.len()));
            out.extend_from_slice(format!("{nr} 0 obj\n").as_bytes());
            out.extend_from_slice(object);
            out.extend_from_slice(b"\nendobj\n");
        }
        let (start, size) = (out.len(), self.objects.len() + 1);
        let head = format!("xref\n0 {size}\n0000000000 65535 f \n{table}");
        let tail =
            format!("trailer\n<</Size {size}/Root 1 0 R{}>>\nstartxref\n{start}\n%%EOF\n", self.trailer);
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(tail.as_bytes());
        out
    }
}

/// A document of one page with this content.
pub(crate) fn page(content: &str) -> Vec<u8> {
    Writer::new().finish(&[content])
}

/// Content that draws a text at a place, in ten points.
pub(crate) fn show(x: i32, y: i32, text: &str) -> String {
    format!("BT /F1 10 Tf {x} {y} Td ({text}) Tj ET\n")
}

/// As a stream folds it.
pub(crate) fn fold(data: &[u8]) -> Vec<u8> {
    let mut folder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    // Into memory, nothing fails.
    folder.write_all(data).ok();
    folder.finish().unwrap_or_default()
}
