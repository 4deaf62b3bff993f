//! What a person decided, done: by us for mail in our spool, by root for mail in Postfix's hold queue.
//!
//! | step | a crash behind it | what the next try finds |
//! |---|---|---|
//! | numbers are found that nobody knew of (in the clear only) | nothing has left | it waits in a near miss, to be decided anew (`once.rs`) |
//! | the numbers are sealed to the DPO (in the clear only) | nothing has left | they are sealed again; a reader sees each once |
//! | the next hop has taken it | the row says nothing of it | it is sent again: twice rather than never |
//! | it lies in the outbox of Digital Post | the row says nothing of it | see `post.rs`: the same letter, under the same name |
//! | `accepted_at` is noted (hold queue) | it lies on hold still | it is deleted there, and not sent again |
//! | `began_at` is noted (hold queue) | it is on hold, or not | on hold: done now; not there: it was done |
//! | the row is settled | our file is there still | the file goes |
//!
//! A mail that leaves its near miss for a case of its own has that case in its row from the decision on, so its numbers are
//! sealed there. Whoever decided has opened the case, and need not have this spool: its evidence is begun here, before the first
//! seal, so that what an undone opening of the same number has left is no part of it.
//!
//! Start reading at [`Keeper::act`].

use super::once::{self, Measure};
use super::sweep::Likeness;
use super::tell::Told;
use super::way::{cover_of, parameters_of};
use super::{Keeper, NotSent, Outbound, Road};
use crate::alarm::stage;
use crate::envelope::QueueId;
use crate::outlet::memo::Unfit;
use crate::outlet::postfix::{QueueError, Queued};
use crate::policy::road::Roads;
use crate::spool::held::{Cover, HeldError, HeldId};
use crate::store::StoreError;
use crate::store::held::{Act, HeldDecision, HeldRow, HeldState, Place, Telling};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It is done.
    Done(HeldState),
    /// Somebody else is doing it, or has done it.
    Busy,
}

/// Why an act is not done. The row says so too, and it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum NotActed {
    /// Nobody has decided about it.
    #[error("nobody has decided about it")]
    Undecided,
    /// It lies on another machine.
    #[error("it lies on {0}: act there")]
    Elsewhere(String),
    /// The register.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file.
    #[error(transparent)]
    Held(#[from] HeldError),
    /// Postfix's programs.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The queue has a mail of this name that is not ours.
    #[error("the queue has a mail of this name with another sender or time: it is left alone")]
    Another,
    /// The next hop.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// It cannot be a letter of Digital Post: another decision is needed.
    #[error("no Digital Post: {0}")]
    Unfit(#[from] Unfit),
    /// Numbers were found in it that nobody knew of when it was decided.
    #[error("{}", once::FOUND)]
    Found,
    /// What must be done beside it.
    #[error("{0}")]
    Beside(String),
}

impl Keeper {
    /// After so many tries a sender who cannot be told keeps nobody from discarding.
    const TELLINGS: u32 = 5;

    /// Does what was decided about this mail.
    ///
    /// # Errors
    /// When it cannot be done now; nothing is lost then, and the row says when it is tried again. A mail that the next hop
    /// refuses for good waits for a new decision, and its sender is told.
    pub async fn act(self: &Arc<Self>, row: &HeldRow) -> Result<Acted, NotActed> {
        if row.node != self.node {
            return Err(NotActed::Elsewhere(row.node.clone()));
        }
        let (HeldState::Approved, Some(decision)) = (row.state, &row.decision) else {
            return if row.state.is_open() { Err(NotActed::Undecided) } else { Ok(Acted::Busy) };
        };
        let acted = match (self.sms(row, decision), row.place) {
            (Some(refused), _) => Err(refused),
            (None, Place::Spool) => self.act_on_file(row, decision).await,
            (None, Place::Postfix) => self.act_on_queue(row, decision).await,
        };
        match &acted {
            Ok(Acted::Done(state)) => {
                tracing::info!(
                    id = row.name,
                    state = state.word(),
                    act = decision.act.word(),
                    "held mail done"
                );
            }
            Ok(Acted::Busy) => {}
            Err(error) => self.not_acted(row, error).await,
        }
        acted
    }

    /// No number goes into an SMS, whoever decided so and by whichever road: what makes it one is always readable. One that
    /// nobody has found yet is asked for when the mail is read: see [`Self::read_once`].
    fn sms(&self, row: &HeldRow, decision: &HeldDecision) -> Option<NotActed> {
        // A letter of Digital Post goes to whom a person named, and to none of these.
        if matches!(decision.act, Act::Discard | Act::DigitalPost) {
            return None;
        }
        Some(once::no_sms(sms_of(row, &(self.setup)().policy.roads)?))
    }

    async fn act_on_file(
        self: &Arc<Self>,
        row: &HeldRow,
        decision: &HeldDecision,
    ) -> Result<Acted, NotActed> {
        let Some(id) = HeldId::parse(&row.name) else {
            return Err(NotActed::Beside("this is no name of a held mail".to_owned()));
        };
        let Some(claim) = self.holding.claim(&id)? else { return Ok(Acted::Busy) };
        if !self.is_still_decided(row)? {
            return Ok(Acted::Busy);
        }
        match decision.act {
            Act::Discard => self.tell_of_discard(row).await?,
            Act::Clear | Act::Protected => {
                let (of, act, name) = (row.clone(), decision.act, id.clone());
                let measured = self.beside(move |keeper| {
                    let mut opened = keeper.holding.open(&name, keeper.release.secret())?;
                    keeper.read_once(&of, act, &opened.cover, &mut opened.mail)
                });
                let measure = measured.await?;
                let opened = self.holding.open(&id, self.release.secret())?;
                self.send(opened.cover, opened.mail, measure, decision.act).await?;
            }
            Act::DigitalPost => {
                let (of, decided, name) = (row.clone(), decision.clone(), id.clone());
                let filed = self.beside(move |keeper| {
                    let mut opened = keeper.holding.open(&name, keeper.release.secret())?;
                    keeper.post(&of, &decided, &opened.cover, &mut opened.mail)
                });
                filed.await?;
            }
        }
        self.settle(row, decision)?;
        self.holding.remove(&id)?;
        self.forget_order(decision);
        drop(claim);
        Ok(Acted::Done(decision.act.ends_as()))
    }

    async fn act_on_queue(
        self: &Arc<Self>,
        row: &HeldRow,
        decision: &HeldDecision,
    ) -> Result<Acted, NotActed> {
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&self.lock);
        let lock = lock.map_err(|error| NotActed::Beside(format!("{}: {error}", self.lock.display())))?;
        if lock.try_lock().is_err() || !self.is_still_decided(row)? {
            return Ok(Acted::Busy);
        }
        let Some(id) = QueueId::new(&row.name) else {
            return Err(NotActed::Beside("this is no queue id".to_owned()));
        };
        let Some(mail) = self.on_hold(row, &id)? else {
            // It was begun, and a crash kept us from saying so; or somebody else took it.
            let state = if row.began_at.is_some() { decision.act.ends_as() } else { HeldState::Gone };
            if state == HeldState::Gone && self.has_left(row)? {
                self.slipped(row, Self::LEFT)?;
            } else if state == HeldState::Gone {
                let reason = "mailen lå ikke længere i mailserverens hold-kø, da beslutningen skulle udføres";
                tracing::error!(id = row.name, "a held mail is gone from the hold queue, and not by us");
                let now = self.clock.now();
                self.register
                    .store
                    .record(|recording| recording.settle(row.row, HeldState::Gone, "brevdue", reason, now))?;
            } else {
                self.settle(row, decision)?;
            }
            return Ok(Acted::Done(state));
        };
        match decision.act {
            Act::Discard => {
                self.tell_of_discard(row).await?;
                self.register.store.held_began(row.row, self.clock.now())?;
                self.postfix.delete(&id)?;
            }
            Act::Clear => {
                let (of, name, cover) = (row.clone(), id.clone(), cover_of(&mail));
                let sealed = self.beside(move |keeper| {
                    keeper.read_once(&of, Act::Clear, &cover, &mut keeper.postfix.content(&name)?)
                });
                sealed.await?;
                // Its time in the queue goes on while it is held: an old one would come back to its sender at the first
                // failure (postsuper(1), -H).
                let is_old = (self.clock.now() - mail.arrived) * 2 >= self.postfix.lifetime()?;
                self.register.store.held_began(row.row, self.clock.now())?;
                if is_old {
                    self.postfix.requeue(&id)?;
                } else {
                    self.postfix.release(&id)?;
                }
            }
            Act::Protected => {
                if row.accepted_at.is_none() {
                    let (of, name, cover) = (row.clone(), id.clone(), cover_of(&mail));
                    let measured = self.beside(move |keeper| {
                        let mut content = keeper.postfix.content(&name)?;
                        keeper.read_once(&of, Act::Protected, &cover, &mut content)
                    });
                    let measure = measured.await?;
                    let content = self.postfix.content(&id)?;
                    let cover =
                        Cover { parameters: parameters_of(&mail, measure.is_eight_bit), ..cover_of(&mail) };
                    self.send(cover, Box::new(content), measure, Act::Protected).await?;
                    self.register.store.held_accepted(row.row, self.clock.now())?;
                }
                self.register.store.held_began(row.row, self.clock.now())?;
                self.postfix.delete(&id)?;
            }
            Act::DigitalPost => {
                if row.accepted_at.is_none() {
                    let (of, decided, name) = (row.clone(), decision.clone(), id.clone());
                    let filed = self.beside(move |keeper| {
                        let mut content = keeper.postfix.content(&name)?;
                        keeper.post(&of, &decided, &cover_of(&mail), &mut content)
                    });
                    filed.await?;
                    self.register.store.held_accepted(row.row, self.clock.now())?;
                }
                self.register.store.held_began(row.row, self.clock.now())?;
                self.postfix.delete(&id)?;
            }
        }
        self.settle(row, decision)?;
        self.forget_order(decision);
        Ok(Acted::Done(decision.act.ends_as()))
    }

    /// The row's mail, if it lies on hold. One that has its name and is not the row's is nobody's to touch here.
    fn on_hold(&self, row: &HeldRow, id: &QueueId) -> Result<Option<Queued>, NotActed> {
        let Some(mail) = self.postfix.find(id)? else { return Ok(None) };
        match self.compare(row, &mail) {
            Likeness::Same => Ok(Some(mail).filter(|mail| mail.on_hold)),
            Likeness::Other => Ok(None),
            Likeness::Doubtful => Err(NotActed::Another),
        }
    }

    async fn send(
        &self,
        cover: Cover,
        mail: Box<dyn Read + Send>,
        measure: Measure,
        act: Act,
    ) -> Result<(), NotActed> {
        let Some(way) = &self.way else {
            return Err(NotSent::Temporary("there is no way out for released mail here".to_owned()).into());
        };
        let road = if act == Act::Protected { Road::Protected } else { Road::Clear };
        let Measure { size, ends_a_line, .. } = measure;
        Ok(way.send(Outbound { cover, mail, size, ends_a_line, road }).await?)
    }

    /// Told before the mail goes: its address goes with it.
    async fn tell_of_discard(self: &Arc<Self>, row: &HeldRow) -> Result<(), NotActed> {
        let of = row.clone();
        let address = self.aside(move |keeper| keeper.address(&of)).await;
        let told = match address {
            Ok(Some(address)) => self.tell(row, Telling::Discarded, &address).await,
            Ok(None) => Told::Left("the mail is no longer here"),
            Err(_) => Told::Left("the mail cannot be opened here"),
        };
        match told {
            Told::Later(error) if row.attempts < Self::TELLINGS => Err(NotActed::Beside(error)),
            Told::Later(_) => {
                let left = Told::Left("the mail server did not take it, again and again");
                self.note(row, Telling::Discarded, 0, left).await;
                Ok(())
            }
            told @ (Told::Yes | Told::Left(_)) => {
                self.note(row, Telling::Discarded, 0, told).await;
                Ok(())
            }
        }
    }

    fn is_still_decided(&self, row: &HeldRow) -> Result<bool, StoreError> {
        let now = self.register.store.held_named(&row.name)?;
        // One that could not be done may have been decided anew.
        Ok(now.is_some_and(|now| {
            now.row == row.row && now.state == HeldState::Approved && now.decision == row.decision
        }))
    }

    fn settle(&self, row: &HeldRow, decision: &HeldDecision) -> Result<(), StoreError> {
        let (now, state) = (self.clock.now(), decision.act.ends_as());
        let reason = match decision.act {
            Act::Clear => "sendt videre ukrypteret efter beslutning",
            Act::Protected => "sendt videre ad en beskyttet vej efter beslutning",
            Act::DigitalPost => "lagt i udbakken til Digital Post efter beslutning",
            Act::Discard => "slettet efter beslutning",
        };
        let store = &self.register.store;
        store.record(|recording| recording.settle(row.row, state, "brevdue", reason, now)).map(drop)
    }

    /// Notes that it is not done: to be tried again, or, when it was refused for good, to be decided anew.
    async fn not_acted(self: &Arc<Self>, row: &HeldRow, error: &NotActed) {
        if matches!(error, NotActed::Found) {
            return; // Noted with what was found.
        }
        let (of, text) = (row.clone(), error.to_string());
        let refused = matches!(error, NotActed::NotSent(NotSent::Permanent(_) | NotSent::Partly(_)));
        let perhaps = matches!(error, NotActed::NotSent(NotSent::Unsure(_) | NotSent::Partly(_)));
        let unfit = matches!(error, NotActed::Unfit(_));
        let noted = self.aside(move |keeper| {
            let (store, now) = (&keeper.register.store, keeper.clock.now());
            if perhaps {
                let noted = store.record(|recording| recording.perhaps_sent(of.row, &text, now));
                noted.map_err(|error| error.to_string())?;
            }
            let noted = if refused {
                store.record(|recording| recording.refused(of.row, &text, now))
            } else if unfit {
                store.record(|recording| recording.undone(of.row, &text, now))
            } else {
                store.held_delayed(of.row, now + stage::backoff(of.attempts), &text)
            };
            noted.map_err(|error| error.to_string())
        });
        if let Err(error) = noted.await {
            tracing::error!(error, "what became of a held mail is not noted");
        }
    }

    async fn beside<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, NotActed> + Send + 'static,
    ) -> Result<T, NotActed> {
        let keeper = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&keeper)).await;
        done.unwrap_or_else(|_| Err(NotActed::Beside("reading it panicked; please report this".to_owned())))
    }
}

/// The recipient's domain that makes an SMS of this held mail, when a number was found in it.
pub fn sms_of<'a>(row: &'a HeldRow, roads: &Roads) -> Option<&'a str> {
    if row.cases.is_empty() { None } else { roads.sms_among(row.recipient_domains.split(' ')) }
}
