//! What the alarm does beside letters about cases: it proves that it and the register live, and says when one of them does not.
//!
//! Once a minute the register is written, so that one that cannot be written is noticed although no mail comes; once an hour all
//! chains are anchored; once a week each DPO hears that all is well. A register that is down is told of past the register.
//! Start reading at [`Alarm::keep`].

use super::alive::{self, Keeping};
use super::{Alarm, AlarmError, blocking, checked, post};
use crate::outlet::notice::Outgoing;
use crate::store::{LONGEST_WAIT, StoreError};
use chrono::{DateTime, Utc};
use std::sync::{Arc, PoisonError};

impl Alarm {
    /// After each round: what it found of the register's health, and what is to be done by the clock.
    pub(super) async fn keep(&self, round: Result<(), AlarmError>) {
        let now = self.clock.now();
        let done = match round {
            Ok(()) => self.keep_house(now).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => {}
            Err(AlarmError::Store(error)) => self.register_failed(&error, now).await,
            Err(error @ (AlarmError::Post(_) | AlarmError::Webhook(_))) => {
                tracing::warn!(%error, "a letter about Brevdue itself was not sent");
            }
        }
    }

    /// Once a minute: writes the register, anchors its chains when an hour has begun, and sends the weekly letters.
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub async fn keep_house(&self, now: DateTime<Utc>) -> Result<(), AlarmError> {
        let last = self.health.lock().unwrap_or_else(PoisonError::into_inner).well_at;
        if last.is_some_and(|last| (now - last).num_seconds().abs() < 60) {
            return Ok(());
        }
        let (store, name, node) =
            (Arc::clone(&self.store), format!("alive:{}", self.node), self.node.clone());
        blocking(move || {
            store.claim_task(&name, &node, now)?;
            store.record(|recording| recording.anchor(now)).map(drop)
        })
        .await?;
        self.health.lock().unwrap_or_else(PoisonError::into_inner).well(now);
        if let Some(keeping) = &self.keeping {
            self.tell_weekly(keeping, now).await?;
        }
        Ok(())
    }

    /// Each person's letter of this week, once whatever the number of nodes. The first week of a register begins with none.
    async fn tell_weekly(&self, keeping: &Keeping, now: DateTime<Utc>) -> Result<(), AlarmError> {
        let calendar = self.store.planning();
        let Some(due) = alive::week_begins(now, &calendar.calendar).filter(|due| *due <= now) else {
            return Ok(());
        };
        // One that is said to have gone days from now went by a clock that was ahead.
        let is_done = move |done: DateTime<Utc>| done >= due && done <= now + LONGEST_WAIT;
        for to in &keeping.weekly {
            let what = format!("weekly:{to}");
            if !self.tries.may(&what, now) {
                continue;
            }
            let (store, name, node) = (Arc::clone(&self.store), format!("weekly:{to}"), self.node.clone());
            // The letters before it may have taken their time.
            let at = self.clock.now();
            let claimed = blocking(move || {
                let done = store.task_done_at(&name)?;
                if done.is_some_and(is_done) {
                    return Ok(None);
                }
                // Asked again under the claim: another node may have come between.
                match store.claim_task(&name, &node, at)? {
                    None => Ok(None),
                    Some(None) => store.end_task(&name, &node, Some(now)).map(|()| None),
                    Some(Some(done)) if is_done(done) => store.end_task(&name, &node, None).map(|()| None),
                    Some(Some(_)) => Ok(Some((store.cases()?, store.last_anchor()?))),
                }
            });
            let Some((cases, anchor)) = claimed.await? else { continue };
            let own: Vec<_> = cases.iter().filter(|case| case.dpo.eq_ignore_ascii_case(to)).collect();
            let letter = alive::weekly(&self.node, &own, anchor.as_ref(), now);
            let letter = checked(letter, alive::fixed, &(self.rules)(), now);
            let sent = self.post.send(Outgoing::plain(to, &letter.subject, &letter.body)).await;
            let (store, name, node) = (Arc::clone(&self.store), format!("weekly:{to}"), self.node.clone());
            let done = sent.is_ok().then_some(now);
            blocking(move || store.end_task(&name, &node, done)).await?;
            match sent {
                Ok(_) => {
                    self.tries.done(&what);
                    tracing::info!("the weekly letter was sent");
                }
                Err(error) => {
                    self.tries.failed(&what, error.is_temporary(), now);
                    tracing::warn!(%error, "the weekly letter was not sent; tried again");
                }
            }
        }
        Ok(())
    }

    /// The register failed: past it, a letter to the default controller's DPO and a post to the webhook, once an hour at most.
    /// Each node that cannot write tells for itself, since there is nothing to agree by.
    async fn register_failed(&self, error: &StoreError, now: DateTime<Utc>) {
        let since = self.health.lock().unwrap_or_else(PoisonError::into_inner).failed(now);
        let (Some(since), Some(keeping)) = (since, &self.keeping) else { return };
        tracing::error!(%error, %since, "the register cannot be written; people are told");
        let letter = alive::down(&self.node, since, now);
        let letter = checked(letter, super::letter::fixed, &(self.rules)(), now);
        let to = keeping.default_dpo.as_str();
        let letter = self.post.send(Outgoing::plain(to, &letter.subject, &letter.body)).await;
        let mut is_told = letter.is_ok();
        if let Err(error) = letter {
            tracing::error!(%error, "and no mail server took that letter");
        }
        if let Some(webhook) = &self.webhook {
            match webhook.post(post::down(&self.node, since, now), now.timestamp()).await {
                Ok(()) => is_told = true,
                Err(error) => tracing::error!(%error, "nor the webhook"),
            }
        }
        if !is_told {
            // Nobody was: tried again at the next round.
            self.health.lock().unwrap_or_else(PoisonError::into_inner).told_at = None;
        }
    }
}
