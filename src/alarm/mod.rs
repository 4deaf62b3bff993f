//! The clock that wakes people.
//!
//! Rows, not timers: what is due stands in the register, so that a restart, a clock that jumps or a mail server
//! that is down delays and loses nothing. A row is marked sent only after the mail server's 250: twice rather
//! than never. Of many nodes one claims a row before it sends it. Start reading at [`Alarm::run`]; [`stage`] decides which rows
//! go in which letter, `send` hands them over, [`letter`] has the texts, `keep` is what Brevdue says of itself. Tests: beside those, and
//! `tests/alarm.rs` with a real mail server that comes and goes.

pub mod ack;
mod alive;
pub mod held;
mod ics;
mod keep;
pub mod letter;
mod matter;
mod post;
pub mod processor;
mod send;
pub mod sender;
pub mod stage;
mod tries;

use crate::clock::Clock;
use crate::outlet::notice::{Attached, Outgoing, Post, PostError, Road};
use crate::outlet::webhook::{Webhook, WebhookError};
use crate::scan::Scan;
use crate::scan::ruleset::Ruleset;
use crate::store::{Store, StoreError, error_unless_away};
use ack::Links;
use chrono::{DateTime, TimeDelta, Utc};
use letter::Letter;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

pub use crate::outlet::notice::Settings;
pub use alive::Keeping;

/// What can go wrong with a round; the rows stay due.
#[derive(Debug, thiserror::Error)]
pub enum AlarmError {
    /// The register.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The way out.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The webhook.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
}

/// A road that was tried.
#[derive(Debug)]
pub struct Tried {
    /// Its key in `[alarm]`: `smtp`, `second` or `webhook`.
    pub road: &'static str,
    /// Whose letter; empty for the webhook.
    pub to: String,
    /// Whether it was taken.
    pub result: Result<(), AlarmError>,
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
    /// Where alerts are posted when mail does not work.
    webhook: Option<Webhook>,
    /// How this machine is called in the register: who claims.
    node: String,
    /// How a letter is acknowledged by a link; `None` has no links.
    links: Option<Links>,
    /// Who hears of Brevdue itself; `None` is nobody.
    keeping: Option<Keeping>,
    health: Mutex<alive::Health>,
    tries: tries::Tries,
}

impl Alarm {
    /// The longest sleep: a clock that jumps, or a row of another process, is seen this late at most.
    const LONGEST_SLEEP: Duration = Duration::from_mins(1);
    /// Portions of people a round.
    const PORTIONS: usize = 40;
    /// While the register fails.
    const FAILING_SLEEP: Duration = Duration::from_secs(15);
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
        let webhook = settings.webhook.as_ref().map(Webhook::new).transpose();
        let webhook =
            webhook.map_err(|error| PostError::Settings { what: "webhook", why: error.to_string() })?;
        Ok(Self {
            webhook,
            node: "localhost".to_owned(),
            links: None,
            keeping: None,
            health: Mutex::default(),
            tries: tries::Tries::default(),
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

    /// Claims what it sends under this name. Two machines that share a register must have two.
    #[must_use]
    pub fn on_node(self, node: &str) -> Self {
        Self { node: node.to_owned(), ..self }
    }

    /// Puts a link into each letter by which it is acknowledged.
    #[must_use]
    pub fn linking(self, links: Links) -> Self {
        Self { links: Some(links), ..self }
    }

    /// Tells these people of Brevdue itself: a register that cannot be written, and weekly that all is well.
    #[must_use]
    pub fn keeping(self, keeping: Keeping) -> Self {
        Self { keeping: Some(keeping), ..self }
    }

    /// Sends what is due, for as long as the process lives.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) {
        loop {
            self.tick().await;
            let sleep = self.until_next().await;
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                _ = shutdown.changed() => return,
            }
        }
    }

    /// A round, and what is to be done by the clock besides.
    pub async fn tick(&self) {
        let round = self.round().await;
        if let Err(error) = &round {
            error_unless_away!(self.store, %error, "alarm round failed; what is due stays due");
        }
        self.keep(round.map(drop)).await;
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
            Ok(Err(_)) | Err(_) => Self::FAILING_SLEEP,
        }
    }

    /// One round: everything that is due now, in as few letters as [`stage`] makes of it.
    ///
    /// # Errors
    /// When the register cannot be read or written. A mail server that is down is no error: the rows wait.
    pub async fn round(&self) -> Result<usize, AlarmError> {
        let now = self.clock.now();
        let store = Arc::clone(&self.store);
        let of = Arc::clone(&store);
        for case in blocking(move || of.set_right(now)).await? {
            tracing::warn!(%case, "a clock was ahead when it was opened: aware now, and its deadline is earlier");
        }
        let mut sent = 0;
        // Some people at a time, until nobody is left whose rows are due and not another node's.
        for _ in 0..Self::PORTIONS {
            // The portion before may have taken minutes.
            let now = self.clock.now();
            let (store, node) = (Arc::clone(&store), self.node.clone());
            let plan = blocking(move || stage::plan(&store, &node, now)).await?;
            if plan.is_empty {
                break;
            }
            for letter in plan.letters {
                sent += usize::from(self.send(letter, now).await?);
            }
            for post in plan.posts {
                sent += usize::from(self.post_to_webhook(post, now).await?);
            }
        }
        let now = self.clock.now();
        sent += usize::from(self.tell_of_bypass(now).await?);
        if !self.held_hours.is_empty() {
            sent += self.tell_of_held(now).await?;
        }
        Ok(sent)
    }

    /// One letter to each person who is to be told of held mail now. One that cannot be sent stays due, and is tried less and less
    /// often: nothing is marked before the server's 250.
    async fn tell_of_held(&self, now: DateTime<Utc>) -> Result<usize, AlarmError> {
        let store = Arc::clone(&self.store);
        let rows = blocking(move || store.held(false)).await?;
        let may = |to: &str| self.tries.may(&format!("held:{to}"), now);
        if !held::due(rows, &self.held_hours, now).keys().any(|to| may(to)) {
            return Ok(0);
        }
        let Some(rows) = self.claimed("held", now, |store| store.held(false)).await? else { return Ok(0) };
        let mut sent = 0;
        for (to, rows) in held::due(rows, &self.held_hours, now).into_iter().filter(|(to, _)| may(to)) {
            let what = format!("held:{to}");
            let (store, node, at) = (Arc::clone(&self.store), self.node.clone(), self.clock.now());
            if blocking(move || store.claim_task("held", &node, at)).await?.is_none() {
                // The letters before it took longer than a claim: another node is at it.
                break;
            }
            let text = checked(held::letter(&rows, now), held::fixed, &(self.rules)(), now);
            if let Err(error) = self.post.send(Outgoing::plain(&to, &text.subject, &text.body)).await {
                tracing::warn!(%error, "notice of held mail not sent; tried again");
                self.tries.failed(&what, error.is_temporary(), now);
                continue;
            }
            self.tries.done(&what);
            tracing::info!(mails = rows.len(), "notice of held mail sent");
            let (store, at) = (Arc::clone(&self.store), self.clock.now());
            let ids: Vec<i64> = rows.iter().map(|row| row.row).collect();
            blocking(move || store.held_alarmed(&ids, at)).await?;
            sent += 1;
        }
        let (store, node) = (Arc::clone(&self.store), self.node.clone());
        blocking(move || store.end_task("held", &node, Some(now))).await?;
        Ok(sent)
    }

    /// What `read` says once this node has claimed the task; `None` while another node is at it. What was read before the claim
    /// may have been told by that node.
    async fn claimed<T: Send + 'static>(
        &self,
        task: &'static str,
        now: DateTime<Utc>,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Option<T>, AlarmError> {
        let (store, node) = (Arc::clone(&self.store), self.node.clone());
        let claimed = blocking(move || match store.claim_task(task, &node, now)? {
            Some(_) => read(&store).map(Some),
            None => Ok(None),
        });
        Ok(claimed.await?)
    }

    /// Mail that left without passing us belongs to no case: it is told of by itself, once an hour at most.
    async fn tell_of_bypass(&self, now: DateTime<Utc>) -> Result<bool, AlarmError> {
        let store = Arc::clone(&self.store);
        if blocking(move || store.bypass_to_tell(now)).await?.is_none() {
            return Ok(false);
        }
        let claimed = self.claimed("bypass", now, move |store| store.bypass_to_tell(now)).await?;
        let Some(notice) = claimed.flatten() else { return Ok(false) };
        let (text, _) = self.read_before_it_leaves(letter::bypass(&notice), Vec::new(), now);
        let result = self.post.send(Outgoing::plain(&notice.recipient, &text.subject, &text.body)).await;
        let (store, node, at) = (Arc::clone(&self.store), self.node.clone(), self.clock.now());
        match result {
            Ok(_) => {
                tracing::info!(mails = notice.mails, "notice of a bypass sent");
                blocking(move || {
                    store.bypass_told(&notice, at)?;
                    store.end_task("bypass", &node, Some(at))
                })
                .await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(%error, "notice of a bypass not sent; tried again");
                let again = now + stage::backoff(notice.attempts);
                blocking(move || {
                    store.bypass_delayed(&notice, again, &error.to_string())?;
                    store.end_task("bypass", &node, None)
                })
                .await?;
                Ok(false)
            }
        }
    }

    /// Our own scanner reads what we send. A number in it would be a breach by the breach notice, so a fixed
    /// short text goes instead: never nothing.
    fn read_before_it_leaves(
        &self,
        letter: Letter,
        attached: Vec<Attached>,
        now: DateTime<Utc>,
    ) -> (Letter, Vec<Attached>) {
        let mut text = format!("Subject: {}\r\n\r\n{}", letter.subject, letter.body);
        for file in &attached {
            text.push_str("\r\n");
            text.push_str(&file.text);
        }
        if self.is_clean(&text, now) {
            (letter, attached)
        } else {
            tracing::error!("a notice held what looks like a CPR number; the fixed text is sent instead");
            (letter::fixed(), Vec::new())
        }
    }

    fn is_clean(&self, text: &str, now: DateTime<Utc>) -> bool {
        is_clean(text, &(self.rules)(), now)
    }

    /// Sends a test letter to each of these by each mail server there is, past the register, and posts to the webhook: what
    /// became of each.
    pub async fn test(&self, recipients: &[String]) -> Vec<Tried> {
        let now = self.clock.now();
        let letter = letter::test(now);
        let mut tried = Vec::new();
        for to in recipients {
            let outgoing = Outgoing::plain(to, &letter.subject, &letter.body);
            for road in [Road::First, Road::Second] {
                let result = match self.post.send_by(road, outgoing).await {
                    Ok(false) => continue,
                    Ok(true) => Ok(()),
                    Err(error) => Err(error.into()),
                };
                let road = if road == Road::First { "smtp" } else { "second" };
                tried.push(Tried { road, to: to.clone(), result });
            }
        }
        if let Some(webhook) = &self.webhook {
            let result = webhook.post(post::test(now), now.timestamp()).await.map_err(AlarmError::from);
            tried.push(Tried { road: "webhook", to: String::new(), result });
        }
        tried
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
    if is_clean(&format!("Subject: {}\r\n\r\n{}", letter.subject, letter.body), rules, now) {
        letter
    } else {
        tracing::error!("a notice held what looks like a CPR number; the fixed text is sent instead");
        fixed()
    }
}

/// Whether our own scanner finds nothing in a text that is no mail.
pub fn is_clean_text(text: &str, rules: &Arc<Ruleset>, now: DateTime<Utc>) -> bool {
    is_clean(&format!("Subject: -\r\n\r\n{text}\r\n"), rules, now)
}

/// The same of a whole mail.
fn is_clean(text: &str, rules: &Arc<Ruleset>, now: DateTime<Utc>) -> bool {
    let mut scan = Scan::new(Arc::clone(rules), crate::scan::ruleset::day_of(now.date_naive()));
    scan.feed(text.as_bytes());
    let report = scan.finish();
    report.clean().is_some() && report.findings.is_empty()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(StoreError::Beside("the register's thread panicked".to_owned())))
}
