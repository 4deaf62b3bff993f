//! Held mail and its rows, made one again: at the start, and each minute.
//!
//! | found | what is done |
//! |---|---|
//! | a file without a row | it gets one: the folder wins |
//! | a file whose row says released or discarded | the file goes |
//! | an open row without its file | `gone`, said in the log, the register and the metrics |
//! | a row of the hold queue, and no such mail in it, or not on hold | `gone` likewise: somebody else let it go or deleted it |
//! | likewise, and it is in the queue, or the mail server's log says that it went | a breach from then on: it left past us |
//! | an approved row of the hold queue | its file in `approved/` is there, which wakes the privileged part |
//!
//! Nothing here deletes a mail that nobody decided about.

use super::{Keeper, wake};
use crate::envelope::QueueId;
use crate::inspect::held::{Spooled, sender_digest, unqualified_digest};
use crate::outlet::postfix::{QueueError, Queued};
use crate::spool::held::HeldError;
use crate::spool::recover::{Lying, survey};
use crate::store::StoreError;
use crate::store::held::{HeldRow, HeldState, Place};
use chrono::TimeDelta;
use std::io;

/// What a comparison found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files that got their row.
    pub rows_made: usize,
    /// Files of mail that was done with.
    pub files_removed: usize,
    /// Drafts of writers that are gone.
    pub drafts_cleared: usize,
    /// Rows whose mail is gone.
    pub gone: usize,
}

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The folder.
    #[error("the folder of held mail: {0}")]
    Folder(#[from] io::Error),
    /// The register.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error(transparent)]
    Held(#[from] HeldError),
    /// While this machine was not seen, its name was given to another: nothing is said of held mail until one is renamed.
    #[error(
        "the name {0:?} is another machine's by now: give this one a name of its own (`[hold] node`) and restart"
    )]
    NotOurs(String),
}

/// How much a mail of the queue is like that of a row with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It is that mail.
    Same,
    /// It is another, which has been given the name.
    Other,
    /// It cannot be told.
    Doubtful,
}

impl Keeper {
    /// The time in which a mail that was just held comes to lie in the queue: Postfix hears our verdict first.
    pub(super) const SETTLING: TimeDelta = TimeDelta::minutes(10);

    /// Compares the folder and the queue with the rows.
    ///
    /// # Errors
    /// When the folder or the register cannot be read or written. A queue that cannot be asked is said, and no error.
    pub fn sweep(&self) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        if let Some(id) = self.id
            && !self.register.store.node_seen(&self.node, id, self.clock.now())?
        {
            return Err(SweepError::NotOurs(self.node.clone()));
        }
        // The rows first: a mail that is done with between the two has its row settled before its file goes.
        let rows = self.register.store.held(false)?;
        let own = |place| rows.iter().filter(move |row| row.place == place && row.node == self.node);
        let found = survey(&self.holding)?;
        swept.drafts_cleared = found.cleared;
        if found.strange > 0 {
            tracing::warn!(
                files = found.strange,
                "the folder of held mail has files that are not ours; they stay"
            );
        }
        for lying in &found.held {
            self.give_row(lying, &mut swept)?;
        }
        for row in own(Place::Spool) {
            if !found.held.iter().any(|lying| lying.id.as_str() == row.name) {
                let reason = "filen er ikke længere i mappen, og ingen har frigivet eller slettet mailen";
                swept.gone += usize::from(self.gone(row, reason)?);
            }
        }
        self.sweep_queue(&own(Place::Postfix).collect::<Vec<_>>(), &mut swept)?;
        if swept != Swept::default() {
            let Swept { rows_made, files_removed, drafts_cleared, gone } = swept;
            tracing::info!(
                rows_made,
                files_removed,
                drafts_cleared,
                gone,
                "held mail compared with its rows"
            );
        }
        Ok(swept)
    }

    fn give_row(&self, lying: &Lying, swept: &mut Swept) -> Result<(), SweepError> {
        let row = self.register.store.held_of_file(&self.node, lying.id.as_str())?;
        match row.map(|row| row.state) {
            Some(HeldState::Waiting | HeldState::Approved) => {}
            Some(HeldState::Released | HeldState::Discarded) => {
                self.holding.remove(&lying.id)?;
                swept.files_removed += 1;
            }
            None | Some(HeldState::Gone) => {
                let opened = self.holding.open(&lying.id, self.release.secret());
                let opened = opened.and_then(|mut opened| {
                    let path = self.holding.path(&lying.id);
                    let size = io::copy(&mut opened.mail, &mut io::sink());
                    Ok((opened.cover, size.map_err(|source| HeldError::Io { path, source })?))
                });
                if let Err(error) = &opened {
                    // It may be sealed to a key of before: the DPO's opens it all the same.
                    tracing::error!(id = %lying.id, %error, "a held mail cannot be opened; it is listed and stays");
                }
                let (cover, size) = opened.map_or((None, 0), |(cover, size)| (Some(cover), size));
                let mail =
                    Spooled { id: &lying.id, node: &self.node, at: lying.at, size, cover: cover.as_ref() };
                swept.rows_made += usize::from(self.register.spooled(mail, &(self.setup)().controllers)?);
            }
        }
        Ok(())
    }

    fn sweep_queue(&self, rows: &[&HeldRow], swept: &mut Swept) -> Result<(), SweepError> {
        if rows.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        for row in rows.iter().filter(|row| row.state == HeldState::Approved && row.is_due(now)) {
            wake(&self.approved, &row.name)?;
        }
        // What is being acted on is looked at by who acts.
        let waiting = |row: &&&HeldRow| row.state == HeldState::Waiting && row.began_at.is_none();
        let waiting: Vec<&HeldRow> = rows.iter().filter(waiting).copied().collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let queue = match self.postfix.queue() {
            Ok(queue) => queue,
            Err(error) => {
                tracing::warn!(%error, "the mail server's queue cannot be asked for held mail");
                return Ok(());
            }
        };
        for row in waiting {
            let mail = queue.iter().find(|mail| mail.id == row.name);
            match mail.map(|mail| (self.compare(row, mail), mail)) {
                Some((Likeness::Same, mail)) if mail.on_hold => {
                    if row.arrived_at.is_none() {
                        self.register.store.held_arrived(row.row, mail.arrived)?;
                    }
                }
                Some((Likeness::Doubtful, _)) => {
                    tracing::warn!(
                        id = row.name,
                        "the queue has a mail of this name with another sender or time"
                    );
                }
                _ if now - row.at < Self::SETTLING => {}
                Some((Likeness::Same, _)) => {
                    let reason =
                        "mailen er taget ud af mailserverens hold-kø uden om Brevdue og er på vej ud";
                    swept.gone += usize::from(self.slipped(row, reason)?);
                }
                Some((Likeness::Other, _)) | None if self.has_left(row)? => {
                    swept.gone += usize::from(self.slipped(row, Self::LEFT)?);
                }
                Some((Likeness::Other, _)) | None => {
                    let reason =
                        "mailen er ikke i mailserverens kø, og ingen har frigivet eller slettet den her";
                    swept.gone += usize::from(self.gone(row, reason)?);
                }
            }
        }
        Ok(())
    }

    /// Whether a mail of the queue is the one of the row: by its sender, and by when it arrived. One that arrived after ours was
    /// held, from another sender, has only its short id. What fits in part is nobody's to touch: a clock may have jumped, or a
    /// table of the mail server may have rewritten the sender.
    pub(super) fn compare(&self, row: &HeldRow, mail: &Queued) -> Likeness {
        let latest = row.at + TimeDelta::seconds(1);
        let arrived = row.arrived_at.map_or(mail.arrived <= latest, |arrived| mail.arrived == arrived);
        let key = &self.register.node_key;
        let sender =
            [sender_digest(key, &mail.sender), unqualified_digest(key, &mail.sender)].contains(&row.sender);
        match (arrived, sender) {
            (true, true) => Likeness::Same,
            (false, false) if mail.arrived > latest => Likeness::Other,
            (true, false) | (false, _) => Likeness::Doubtful,
        }
    }

    /// The mail of the queue that is the row's.
    pub(super) fn queued(&self, row: &HeldRow) -> Result<Option<Queued>, QueueError> {
        let Some(id) = QueueId::new(&row.name) else { return Ok(None) };
        Ok(self.postfix.find(&id)?.filter(|mail| self.compare(row, mail) == Likeness::Same))
    }

    /// What the register says of a mail that went out of the hold queue, and not by us.
    pub(super) const LEFT: &str =
        "mailen er taget ud af mailserverens hold-kø uden om Brevdue, og dens log viser, at den er sendt";

    /// Whether the mail server's log, as far as it is read, says that it went.
    pub(super) fn has_left(&self, row: &HeldRow) -> Result<bool, StoreError> {
        self.register.store.has_left(&row.name, row.at)
    }

    /// It left past us. Whether nobody had noticed.
    pub(super) fn slipped(&self, row: &HeldRow, reason: &str) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let settled = self.register.store.record(|recording| recording.slipped(row.row, reason, now))?;
        if settled {
            tracing::error!(
                id = row.name,
                "a held mail was let out of the hold queue by hand: it is a breach"
            );
        }
        Ok(settled)
    }

    fn gone(&self, row: &HeldRow, reason: &str) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let settled = self
            .register
            .store
            .record(|recording| recording.settle(row.row, HeldState::Gone, "brevdue", reason, now))?;
        if settled {
            tracing::error!(
                id = row.name,
                place = row.place.word(),
                "a held mail is gone: it is not where it lay, and nobody has decided about it here"
            );
        }
        Ok(settled)
    }
}
