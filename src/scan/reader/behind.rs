//! Pictures and texts with another file behind them: `copy /b logo.gif+archive.zip` makes one, and it opens as both.
//!
//! Most forms of documents are found from their end or by searching, so such a file goes for a picture with whoever
//! shows it and for an archive with whoever opens it. While the first one's bytes pass they are searched for the beginning
//! of a document, and gathered from there on; one without costs the search. Start reading at [`Behind::feed`].

use crate::extract::{Document, Kind, Opener};
use memchr::memmem;
use std::sync::Arc;

/// How documents begin that may stand behind something, and what must follow them; four bytes alone come about by chance.
const MARKS: [(&[u8], &[u8]); 3] =
    [(b"%PDF-", b"%PDF-"), (b"PK\x03\x04", b"PK\x05\x06"), (b"7z\xBC\xAF\x27\x1C", b"7z\xBC\xAF\x27\x1C")];

/// Of what was searched, as much is searched again with what follows.
const KEPT: usize = 5;

/// What may stand behind a picture or a text.
pub(super) struct Behind {
    opener: Arc<dyn Opener>,
    /// The last bytes.
    last: Vec<u8>,
    found: [Option<Found>; MARKS.len()],
}

struct Found {
    document: Box<dyn Document>,
    /// What must follow has been seen.
    is_sure: bool,
}

impl Behind {
    pub(super) fn new(opener: Arc<dyn Opener>) -> Self {
        Self { opener, last: Vec::new(), found: [const { None }; MARKS.len()] }
    }

    /// The next bytes of the first, cut anywhere.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let Self { opener, last, found } = self;
        last.extend_from_slice(bytes);
        for ((begin, follow), found) in MARKS.iter().zip(found) {
            if let Some(Found { document, .. }) = found {
                document.data(bytes);
            } else if let Some(at) = memmem::find(last, begin) {
                *found = Arc::clone(opener).begin(Kind::Document).map(|mut document| {
                    document.data(last.get(at..).unwrap_or_default());
                    Found { document, is_sure: false }
                });
            }
            if let Some(Found { is_sure, .. }) = found {
                *is_sure = *is_sure || memmem::find(last, follow).is_some();
            }
        }
        last.drain(..last.len().saturating_sub(KEPT));
    }

    /// Whether a document has been found.
    pub(super) fn has_documents(&self) -> bool {
        self.found.iter().flatten().any(|found| found.is_sure)
    }

    /// The documents that stand there.
    pub(super) fn documents(self) -> impl Iterator<Item = Box<dyn Document>> {
        self.found.into_iter().flatten().filter(|found| found.is_sure).map(|found| found.document)
    }
}
