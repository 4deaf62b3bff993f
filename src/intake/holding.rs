//! A mail into our spool, and back out of it when its client has it after all.
//!
//! What `handover.rs` asks for, on a thread that may wait for a disk. Tests: `tests/relay.rs`, `tests/smtp_door.rs`.

use super::handover::Ways;
use crate::spool::held::{Cover, HeldError, Receipt};
use std::io::Read;
use std::sync::Arc;

/// Holds a mail, sealed to these keys: on disk when it returns a receipt.
pub(super) async fn keep(
    ways: &Ways,
    cover: Cover,
    mut mail: impl Read + Send + 'static,
    keys: Vec<String>,
) -> Option<Receipt> {
    let (gate, holding) = (Arc::clone(&ways.gate), ways.holding.clone());
    let recipients = cover.recipients.len();
    let kept = tokio::task::spawn_blocking(move || {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let receipt = holding.keep(&cover, &mut mail, &keys)?;
        if let Err(error) = gate.held(&receipt, &cover) {
            // It is on disk: its row is made from the file within a minute.
            tracing::error!(id = %receipt.id(), %error, "held, and not in the list yet");
        }
        Ok::<_, HeldError>(receipt)
    });
    let fault = match kept.await {
        Ok(Ok(receipt)) => {
            tracing::warn!(id = %receipt.id(), recipients, "held for approval");
            return Some(receipt);
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the work panicked".to_owned(),
    };
    tracing::error!(error = fault, "not held; the mail must come again");
    None
}

/// Takes back what was held of a mail that stays with its client. What cannot be taken back may be held twice.
pub(super) async fn take_back(ways: &Ways, receipts: Vec<Receipt>) {
    for receipt in receipts {
        let (holding, gate, id) = (ways.holding.clone(), Arc::clone(&ways.gate), receipt.id().clone());
        let back = tokio::task::spawn_blocking(move || {
            holding.take_back(receipt).map_err(|error| error.to_string())?;
            gate.taken_back(&id).map_err(|error| error.to_string())
        });
        if !matches!(back.await, Ok(Ok(()))) {
            tracing::warn!("a hold could not be taken back: the mail comes again, and may be held twice");
        }
    }
}
