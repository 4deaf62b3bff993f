//! Senders are told what became of their mail: by a notice from the null sender, read by our own scanner before it leaves.
//!
//! The address stands in no row. It is taken from the sealed file or from Postfix's queue at the moment of telling, so who
//! is to be told of a discarded mail is told before it goes. The null sender is never told (RFC 5321 §4.5.5).

use super::Keeper;
use crate::alarm::{checked, sender, stage};
use crate::outlet::notice::Outgoing;
use crate::spool::held::HeldId;
use crate::store::error_unless_away;
use crate::store::held::{DueTelling, HeldRow, Place, Telling};
use chrono::TimeDelta;
use std::sync::Arc;

/// What came of telling.
pub(super) enum Told {
    /// The server has the notice.
    Yes,
    /// Nobody is to be told, or can be: the reason.
    Left(&'static str),
    /// It can be tried again: what went wrong.
    Later(String),
}

/// So many notices an hour that a mail is held go to one sender; a system that sends by the thousand has understood by then.
/// What becomes of a mail in the end is always told.
const AN_HOUR: u64 = 20;

impl Keeper {
    /// Tells the senders who are to be told now.
    pub(super) async fn tell_senders(self: &Arc<Self>) {
        let due = self.aside(|keeper| {
            let now = keeper.clock.now();
            keeper.register.store.due_tellings(&keeper.node, now).map_err(|error| error.to_string())
        });
        let due = match due.await {
            Ok(due) => due,
            Err(error) => {
                return error_unless_away!(self.register.store, error, "the register cannot be read");
            }
        };
        for DueTelling { held, what, attempts } in due {
            let told = if what == Telling::Held && !held.state.is_open() {
                Told::Left("settled before")
            } else {
                let row = held.clone();
                let address = self.aside(move |keeper| {
                    let since = keeper.clock.now() - TimeDelta::hours(1);
                    let often = keeper.register.store.told_of_holds(row.sender, since);
                    let often = often.map_err(|error| error.to_string())? >= AN_HOUR;
                    Ok((what == Telling::Held && often, keeper.address(&row)?))
                });
                let address = address.await;
                if let Ok((true, _)) = address {
                    let left = Told::Left("told often enough within the hour");
                    self.note(&held, what, attempts, left).await;
                    continue;
                }
                match address.map(|(_, address)| address) {
                    Ok(Some(address)) => self.tell(&held, what, &address).await,
                    Ok(None) if self.clock.now() - held.at < Self::SETTLING => {
                        Told::Later("the mail is not in its queue yet".to_owned())
                    }
                    Ok(None) => Told::Left("the mail is no longer here"),
                    Err(error) => Told::Later(error),
                }
            };
            self.note(&held, what, attempts, told).await;
        }
    }

    /// Tells one sender.
    pub(super) async fn tell(self: &Arc<Self>, held: &HeldRow, what: Telling, address: &str) -> Told {
        if !self.tells {
            return Told::Left("tell_senders is false");
        }
        if address.is_empty() {
            return Told::Left("the null sender");
        }
        let Some(post) = &self.post else { return Told::Left("no [alarm]") };
        let now = self.clock.now();
        let letter = sender::letter(held, what, self.ways_out.as_deref());
        let letter = checked(letter, sender::fixed, &(self.setup)().rules, now);
        match post.answer(Outgoing::plain(address, &letter.subject, &letter.body)).await {
            Ok(()) => Told::Yes,
            // A server's words may repeat the address.
            Err(error) if error.is_temporary() => {
                Told::Later("the mail server does not take it now".to_owned())
            }
            Err(_) => Told::Left("the mail server does not take it"),
        }
    }

    /// Notes what came of telling.
    pub(super) async fn note(self: &Arc<Self>, held: &HeldRow, what: Telling, attempts: u32, told: Told) {
        let (row, name) = (held.row, held.name.clone());
        let noted = self.aside(move |keeper| {
            let (store, now) = (&keeper.register.store, keeper.clock.now());
            let noted = match told {
                Told::Yes => {
                    tracing::info!(id = name, what = what.word(), "sender told");
                    store.told(row, what, now, None)
                }
                Told::Left(reason) => {
                    tracing::info!(id = name, what = what.word(), reason, "sender not told");
                    store.told(row, what, now, Some(reason))
                }
                Told::Later(error) => {
                    tracing::warn!(id = name, what = what.word(), "sender not told yet; tried again");
                    store.telling_delayed(row, what, now + stage::backoff(attempts), &error)
                }
            };
            noted.map_err(|error| error.to_string())
        });
        if let Err(error) = noted.await {
            tracing::error!(error, "what a sender was told is not noted; it is told again");
        }
    }

    /// Whose mail it is, from where it lies; `None` when it is no longer there.
    pub(super) fn address(&self, held: &HeldRow) -> Result<Option<String>, String> {
        match held.place {
            Place::Spool => {
                let Some(id) = HeldId::parse(&held.name) else { return Ok(None) };
                if !self.holding.path(&id).exists() {
                    return Ok(None);
                }
                let opened = self.holding.open(&id, self.release.secret());
                opened.map(|opened| Some(opened.cover.sender)).map_err(|error| error.to_string())
            }
            Place::Postfix => {
                let mail = self.queued(held).map_err(|error| error.to_string())?;
                Ok(mail.map(|mail| mail.sender))
            }
        }
    }
}
