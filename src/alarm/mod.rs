//! The clock that wakes people.
//!
//! Rows, not timers: what is due stands in the register, so that a restart, a clock that jumps or a mail server
//! that is down delays and loses nothing. A row is marked sent only after the mail server's 250: twice rather
//! than never. Start reading at [`Alarm::run`]; [`stage`] decides which rows go in which letter, [`letter`] has
//! the texts. Tests: beside those, and `tests/alarm.rs` with a real mail server that comes and goes.

pub mod held;
pub mod letter;
pub mod processor;
pub mod sender;
pub mod stage;

use crate::clock::Clock;
use crate::outlet::notice::{Outgoing, Post, PostError};
use crate::scan::Scan;
use crate::scan::ruleset::Ruleset;
use crate::store::{CaseRow, Store, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use letter::Letter;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

pub use crate::outlet::notice::Settings;

/// What can go wrong with a round; the rows stay due.
#[derive(Debug, thiserror::Error)]
pub enum AlarmError {
    /// The register.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The way out.
    #[error(transparent)]
    Post(#[from] PostError),
}

/// Sends what is due.
pub struct Alarm {
    store: Arc<Store>,
    post: Post,
    rules: Box<dyn Fn() -> Arc<Ruleset> + Send + Sync>,
    clock: Clock,
    /// Who sends for the controllers, when it is not each for itself.
    processor: Option<String>,
    /// After so many hours somebody is told of held mail; empty tells nobody.
    held_hours: Vec<u32>,
}

impl Alarm {
    /// The longest sleep: a clock that jumps, or a row of another process, is seen this late at most.
    const LONGEST_SLEEP: Duration = Duration::from_mins(1);
    /// The shortest, so that a row that cannot be settled does not spin.
    const SHORTEST_SLEEP: Duration = Duration::from_millis(500);

    /// An alarm over this register.
    ///
    /// # Errors
    /// When the settings name no mail server or no sender that can be used.
    pub fn new(
        store: Arc<Store>,
        settings: &Settings,
        rules: Arc<Ruleset>,
        clock: Clock,
    ) -> Result<Self, PostError> {
        let rules = Box::new(move || Arc::clone(&rules));
        Ok(Self {
            store,
            post: Post::new(settings)?,
            rules,
            clock,
            processor: settings.processor.clone(),
            held_hours: Vec::new(),
        })
    }

    /// Reads its letters by the rules of the moment, for a process whose rules may be swapped.
    #[must_use]
    pub fn following(self, rules: impl Fn() -> Arc<Ruleset> + Send + Sync + 'static) -> Self {
        Self { rules: Box::new(rules), ..self }
    }

    /// Tells of mail that nobody has decided about after so many hours, which rise, and then daily.
    #[must_use]
    pub fn holding(self, hours: &[u32]) -> Self {
        Self { held_hours: hours.to_vec(), ..self }
    }

    /// Sends what is due, for as long as the process lives.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.round().await {
                tracing::error!(%error, "alarm round failed; what is due stays due");
            }
            let sleep = self.until_next().await;
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                _ = shutdown.changed() => return,
            }
        }
    }

    async fn until_next(&self) -> Duration {
        let store = Arc::clone(&self.store);
        let next = tokio::task::spawn_blocking(move || store.next_notice_at()).await;
        match next {
            // A new case makes rows that are due at once, so the longest sleep is short when a case may come:
            // the register is asked again every few seconds at the cost of one indexed look-up.
            Ok(Ok(next)) => {
                let left =
                    next.map_or(TimeDelta::seconds(5), |at| at - self.clock.now()).min(TimeDelta::seconds(5));
                left.to_std().unwrap_or_default().clamp(Self::SHORTEST_SLEEP, Self::LONGEST_SLEEP)
            }
            Ok(Err(_)) | Err(_) => Self::LONGEST_SLEEP,
        }
    }

    /// One round: everything that is due now, in as few letters as [`stage`] makes of it.
    ///
    /// # Errors
    /// When the register cannot be read or written. A mail server that is down is no error: the rows wait.
    pub async fn round(&self) -> Result<usize, AlarmError> {
        let now = self.clock.now();
        let store = Arc::clone(&self.store);
        let plan = blocking(move || stage::plan(&store, now)).await?;
        let mut sent = 0;
        for letter in plan.letters {
            sent += usize::from(self.send(letter, now).await?);
        }
        sent += usize::from(self.tell_of_bypass(now).await?);
        if !self.held_hours.is_empty() {
            sent += self.tell_of_held(now).await?;
        }
        Ok(sent)
    }

    /// One letter to each person who is to be told of held mail now. One that cannot be sent is due again at the next round:
    /// nothing is marked before the server's 250.
    async fn tell_of_held(&self, now: DateTime<Utc>) -> Result<usize, AlarmError> {
        let store = Arc::clone(&self.store);
        let rows = blocking(move || store.held(false)).await?;
        let mut sent = 0;
        for (to, rows) in held::due(rows, &self.held_hours, now) {
            let text = checked(held::letter(&rows, now), held::fixed, &(self.rules)(), now);
            let notice = Outgoing { to: &to, subject: &text.subject, body: &text.body, attached: None };
            if let Err(error) = self.post.send(notice).await {
                tracing::warn!(%error, "notice of held mail not sent; tried again");
                continue;
            }
            tracing::info!(mails = rows.len(), "notice of held mail sent");
            let (store, at) = (Arc::clone(&self.store), self.clock.now());
            let ids: Vec<i64> = rows.iter().map(|row| row.row).collect();
            blocking(move || store.held_alarmed(&ids, at)).await?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Mail that left without passing us belongs to no case: it is told of by itself, once an hour at most.
    async fn tell_of_bypass(&self, now: DateTime<Utc>) -> Result<bool, AlarmError> {
        let store = Arc::clone(&self.store);
        let Some(notice) = blocking(move || store.bypass_to_tell(now)).await? else { return Ok(false) };
        let (text, _) = self.read_before_it_leaves(letter::bypass(&notice), None, now);
        let result = self
            .post
            .send(Outgoing {
                to: &notice.recipient,
                subject: &text.subject,
                body: &text.body,
                attached: None,
            })
            .await;
        let (store, at) = (Arc::clone(&self.store), self.clock.now());
        match result {
            Ok(()) => {
                tracing::info!(mails = notice.mails, "notice of a bypass sent");
                blocking(move || store.bypass_told(&notice, at)).await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(%error, "notice of a bypass not sent; tried again");
                let again = now + stage::backoff(notice.attempts);
                blocking(move || store.bypass_delayed(&notice, again, &error.to_string())).await?;
                Ok(false)
            }
        }
    }

    async fn send(&self, letter: stage::Planned, now: DateTime<Utc>) -> Result<bool, AlarmError> {
        let text = letter::write(&letter.cases, now);
        let (text, json) = match &self.processor {
            Some(name) => {
                let cases: Vec<&CaseRow> = letter.cases.iter().map(|(case, _)| case).collect();
                (processor::letter(text, name, now), processor::json(&cases, name, now))
            }
            None => (text, None),
        };
        let (text, json) = self.read_before_it_leaves(text, json, now);
        let attached = json.as_deref().map(|json| (processor::FILE, json));
        let begun = self.clock.now();
        let outgoing = Outgoing { to: &letter.recipient, subject: &text.subject, body: &text.body, attached };
        let result = self.post.send(outgoing).await;
        let store = Arc::clone(&self.store);
        match result {
            Ok(()) => {
                tracing::info!(cases = letter.cases.len(), milestone = letter.urgent.word(), "notice sent");
                // Marked only now: a crash before this line sends the letter again.
                let at = self.clock.now();
                blocking(move || store.notices_sent(&letter.sent, &letter.merged, begun, at)).await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(%error, "notice not sent; tried again");
                let again = now + stage::backoff(letter.attempts);
                let error = error.to_string();
                let ids: Vec<i64> = letter.sent.iter().chain(&letter.merged).copied().collect();
                blocking(move || store.notices_delayed(&ids, again, Some(&error))).await?;
                Ok(false)
            }
        }
    }

    /// Our own scanner reads what we send. A number in it would be a breach by the breach notice, so a fixed
    /// short text goes instead: never nothing.
    fn read_before_it_leaves(
        &self,
        letter: Letter,
        json: Option<String>,
        now: DateTime<Utc>,
    ) -> (Letter, Option<String>) {
        let mut scan = Scan::new((self.rules)(), crate::scan::ruleset::day_of(now.date_naive()));
        let beside = json.as_deref().unwrap_or_default();
        let text = format!("Subject: {}\r\n\r\n{}\r\n{beside}", letter.subject, letter.body);
        scan.feed(text.as_bytes());
        let report = scan.finish();
        if report.clean().is_some() && report.findings.is_empty() {
            (letter, json)
        } else {
            tracing::error!("a notice held what looks like a CPR number; the fixed text is sent instead");
            (letter::fixed(), None)
        }
    }

    /// Sends a test letter to each of these, past the register.
    ///
    /// # Errors
    /// The first letter that could not be sent.
    pub async fn test(&self, recipients: &[String]) -> Result<(), AlarmError> {
        let letter = letter::test(self.clock.now());
        for to in recipients {
            let outgoing = Outgoing { to, subject: &letter.subject, body: &letter.body, attached: None };
            self.post.send(outgoing).await?;
        }
        Ok(())
    }
}

/// Our own scanner reads what we send. A number in it would be a breach by the breach notice, so a fixed short text goes
/// instead: never nothing.
pub fn checked(
    letter: Letter,
    fixed: impl FnOnce() -> Letter,
    rules: &Arc<Ruleset>,
    now: DateTime<Utc>,
) -> Letter {
    let mut scan = Scan::new(Arc::clone(rules), crate::scan::ruleset::day_of(now.date_naive()));
    scan.feed(format!("Subject: {}\r\n\r\n{}", letter.subject, letter.body).as_bytes());
    let report = scan.finish();
    if report.clean().is_some() && report.findings.is_empty() {
        letter
    } else {
        tracing::error!("a notice held what looks like a CPR number; the fixed text is sent instead");
        fixed()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(StoreError::Beside("the register's thread panicked".to_owned())))
}
