//! A mail under way: what comes is shown to the gate and laid down as a draft at once.
//!
//! *What it never does*: let a panic of the inspection out, or ask an inspection that has panicked. *Start reading at*
//! [`Message::take`]. *Tests*: `tests/door.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::time::Instant;

use crate::inspect::Inspection;
use crate::outlet::reply::Reply;
use crate::spool::draft::{Draft, Written};

/// A mail under way.
pub(in crate::intake) struct Message {
    inspection: Option<Box<Inspection>>,
    draft: Option<Draft>,
    /// Why it cannot be taken, once that is known. It is read to its end all the same.
    refused: Option<Reply>,
    pub(in crate::intake) began: Instant,
    /// Bytes of it so far.
    pub(in crate::intake) size: u64,
    /// Whether the inspection panicked.
    pub(in crate::intake) has_panicked: bool,
}

impl Message {
    pub(in crate::intake) fn begin(inspection: Inspection, draft: Draft) -> Self {
        Self {
            inspection: Some(Box::new(inspection)),
            draft: Some(draft),
            refused: None,
            began: Instant::now(),
            size: 0,
            has_panicked: false,
        }
    }

    /// Takes the next bytes of the content.
    pub(in crate::intake) fn take(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if self.refused.is_some() {
            return;
        }
        let (Some(inspection), Some(draft)) = (&mut self.inspection, &mut self.draft) else { return };
        draft.push(bytes);
        // AssertUnwindSafe: an inspection that has panicked is never asked again.
        if catch_unwind(AssertUnwindSafe(|| inspection.feed(bytes))).is_err() {
            self.has_panicked = true;
            tracing::error!("the inspection panicked; the message is deferred");
            // What it holds may not fit together, and that includes its drop.
            let half_fed = self.inspection.take();
            drop(catch_unwind(AssertUnwindSafe(|| drop(half_fed))));
            self.refuse(Reply::new(451, "4.3.0 The message cannot be taken now; try again later"));
        }
    }

    /// Lays down on disk what is too much for memory.
    pub(in crate::intake) async fn settle(&mut self) {
        let Some(mut draft) = self.draft.take_if(|draft| draft.is_due()) else { return };
        let settled = tokio::task::spawn_blocking(move || draft.settle().map(|()| draft)).await;
        let fault = match settled {
            Ok(Ok(draft)) => {
                self.draft = Some(draft);
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the work panicked".to_owned(),
        };
        tracing::error!(error = fault, "the draft cannot be written; the message is deferred");
        // RFC 5321 §4.2.3: 452 is for want of room.
        self.refuse(Reply::new(452, "4.3.1 There is no room for the message now; try again later"));
    }

    /// It cannot be taken, for this reason; the first counts.
    pub(in crate::intake) fn refuse(&mut self, reply: Reply) {
        self.draft = None;
        self.refused.get_or_insert(reply);
    }

    /// Ends it: the inspection to be asked and the mail to be handed on, or why not.
    pub(in crate::intake) fn finish(self) -> Result<(Inspection, Written), Reply> {
        match (self.refused, self.inspection, self.draft) {
            (None, Some(inspection), Some(draft)) => Ok((*inspection, draft.finish())),
            (Some(reply), ..) => Err(reply),
            (None, ..) => Err(Reply::new(451, "4.3.0 The message cannot be taken now; try again later")),
        }
    }
}
