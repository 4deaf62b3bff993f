//! A planned letter on its way: written, read by our own scanner, handed over by a road that works, and only then settled.
//!
//! The order is the promise: claim, server's 250, row. Whoever dies in between sends twice, and nothing is lost. Start reading at
//! [`Alarm::send`].

use super::ack::Link;
use super::letter::{self, Letter};
use super::{Alarm, AlarmError, blocking, ics, is_clean_text, post, processor, stage};
use crate::case::milestone::Milestone;
use crate::case::{CaseId, Kind};
use crate::outlet::notice::{Attached, Outgoing, Road, Thread};
use crate::store::{CaseRow, Settled, StoreError, Untaken};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::sync::Arc;

impl Alarm {
    pub(super) async fn send(&self, letter: stage::Planned, now: DateTime<Utc>) -> Result<bool, AlarmError> {
        let ids: Vec<i64> = letter.sent.iter().chain(&letter.merged).copied().collect();
        let (store, node, begun) = (Arc::clone(&self.store), self.node.clone(), self.clock.now());
        let (mine, claimed) = (ids.clone(), begun);
        if !blocking(move || store.keep_claim(&mine, &node, claimed)).await? {
            // Another node has it by now, or it was stopped.
            return Ok(false);
        }
        let (text, attached) = self.written(&letter, now);
        let thread = Self::thread(&letter);
        let outgoing = Outgoing {
            to: &letter.recipient,
            subject: &text.subject,
            body: &text.body,
            attached: &attached,
            thread: thread.as_ref(),
        };
        let result = self.post.send(outgoing).await;
        let store = Arc::clone(&self.store);
        match result {
            Ok(road) => {
                tracing::info!(cases = letter.cases.len(), milestone = letter.urgent.word(), "notice sent");
                // Marked only now: a crash before this line sends the letter again.
                let at = self.clock.now();
                let settled = Settled {
                    recipient: letter.recipient,
                    sent: letter.sent,
                    merged: letter.merged,
                    by_second: road == Road::Second,
                };
                blocking(move || store.notices_settled(&settled, begun, at)).await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(%error, "notice not sent; tried again");
                let again = now + stage::backoff(letter.attempts);
                let (webhook, is_permanent) = (self.webhook.is_some(), !error.is_temporary());
                let (node, error) = (self.node.clone(), error.to_string());
                blocking(move || {
                    let untaken =
                        Untaken { ids: &ids, node: &node, again_at: again, error: Some(error.as_str()) };
                    store.notices_failed(&untaken, now, webhook, is_permanent)
                })
                .await?;
                Ok(false)
            }
        }
    }

    /// The letter, with what lies beside it, read by our own scanner.
    fn written(&self, letter: &stage::Planned, now: DateTime<Utc>) -> (Letter, Vec<Attached>) {
        let mut text = letter::write(&letter.cases, now);
        let mut attached = Vec::new();
        let is_notice = |told: &&stage::Told| {
            let case = &told.case;
            told.milestone == Milestone::Opened && case.kind == Kind::Breach && case.dpo == letter.recipient
        };
        let cases: Vec<&CaseRow> = letter.cases.iter().filter(is_notice).map(|told| &told.case).collect();
        if let Some(name) = self.processor.as_ref().filter(|_| cases.is_empty()) {
            text = processor::reminder(text, name);
        } else if let Some(name) = &self.processor {
            text = processor::letter(text, name, now);
            let json = processor::json(&cases, name, now);
            attached.extend(json.map(|text| Attached {
                name: processor::FILE.to_owned(),
                kind: "application/json",
                text,
            }));
        }
        if let [told] = letter.cases.as_slice() {
            let runs = told.case.deadline.filter(|_| told.case.state.clock_runs());
            if let Some(deadline) = runs.filter(|_| told.milestone == Milestone::Opened) {
                let last = self.store.planning().calendar.last_staffed_hour(deadline);
                text = last.map_or(text.clone(), |last| letter::with_staffed(text, last, now));
            }
            if runs.is_some() {
                let event = ics::event(&told.case, told.clock_version, self.post.domain(), now);
                attached.extend(event.map(|text| Attached {
                    name: ics::FILE.to_owned(),
                    kind: ics::KIND,
                    text,
                }));
            }
            if let Some(links) = self.links.as_ref().filter(|_| told.case.deadline.is_some()) {
                let link = Link {
                    case: told.case.id.clone(),
                    step: told.milestone,
                    clock: told.clock_version,
                    recipient: letter.recipient.clone(),
                    until: now + Link::COUNTS,
                };
                text = letter::with_link(text, &format!("{}/ack?{}", links.url, link.query(&links.sign)));
            }
        }
        self.read_before_it_leaves(text, attached, now)
    }

    /// The same notice has the same name however often it is sent, and all letters about a case to a person follow its first.
    fn thread(letter: &stage::Planned) -> Option<Thread> {
        let told = letter.cases.first()?;
        let to = short_digest(&letter.recipient);
        let id = |case: &CaseId, step: &str| format!("{case}.{step}.{to}");
        let step = format!("{}.{}.{}", told.milestone.word(), told.ordinal, told.clock_version);
        let opening = format!("{}.1.1", Milestone::Opened.word());
        if letter.cases.len() > 1 {
            return Some(Thread { id: format!("{}.digest", id(&told.case.id, &step)), first: None });
        }
        let first = (step != opening).then(|| id(&told.case.id, &opening));
        Some(Thread { id: id(&told.case.id, &step), first })
    }

    /// What mail could not tell. Its rows are settled alone: the letter is tried all the same.
    pub(super) async fn post_to_webhook(
        &self,
        post: stage::Planned,
        now: DateTime<Utc>,
    ) -> Result<bool, AlarmError> {
        let ids: Vec<i64> = post.sent.iter().chain(&post.merged).copied().collect();
        let (store, node, begun) = (Arc::clone(&self.store), self.node.clone(), self.clock.now());
        let (mine, claimed) = (ids.clone(), begun);
        if !blocking(move || store.keep_claim(&mine, &node, claimed)).await? {
            return Ok(false);
        }
        let Some(webhook) = &self.webhook else {
            // It was there when the row was made, and is no longer.
            self.post_later(ids, now + stage::backoff(u32::MAX), "[alarm] webhook is not set".to_owned())
                .await?;
            return Ok(false);
        };
        let mut json = post::alert(&post.cases, now);
        if !is_clean_text(&json, &(self.rules)(), now) {
            json = post::fixed(now);
        }
        let store = Arc::clone(&self.store);
        match webhook.post(json, begun.timestamp()).await {
            Ok(()) => {
                tracing::info!(cases = post.cases.len(), "alert posted to the webhook");
                let at = self.clock.now();
                let settled = Settled {
                    recipient: post.recipient,
                    sent: post.sent,
                    merged: post.merged,
                    by_second: false,
                };
                blocking(move || store.notices_settled(&settled, begun, at)).await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(%error, "alert not posted to the webhook; tried again");
                self.post_later(ids, now + stage::backoff(post.attempts), error.to_string()).await?;
                Ok(false)
            }
        }
    }

    async fn post_later(
        &self,
        ids: Vec<i64>,
        again_at: DateTime<Utc>,
        error: String,
    ) -> Result<(), StoreError> {
        let (store, node) = (Arc::clone(&self.store), self.node.clone());
        blocking(move || {
            store.notices_delayed(&Untaken { ids: &ids, node: &node, again_at, error: Some(&error) })
        })
        .await
    }
}

/// Tells people apart in the name of a letter; eight letters, because digits in a row may look like a number.
fn short_digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(4)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(b'a' + nibble))
        .collect()
}
