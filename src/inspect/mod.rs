//! The one gate, whatever door a mail came by.
//!
//! A door begins an [`Inspection`], feeds it the bytes as they come, and asks it to decide. It gets an
//! [`Answerable`] back: the only thing from which a final reply may be written, and made only here, from a
//! decision that is in the register (invariants 4, 5, 6). Nothing here knows a protocol. Start reading at
//! [`Inspection::judge`]; [`record`] writes. Tests: `tests/gate.rs`, and the doors'.

pub mod archived;
pub mod enquiry;
mod fate;
pub mod held;
pub mod late;
pub mod promise;
pub mod record;
mod reply;
#[cfg(test)]
mod scripted;
pub mod seen;
pub mod told;

#[cfg(test)]
pub use scripted::Scripted;

use crate::case::CaseId;
use crate::case::incident::Source;
use crate::clock::Clock;
use crate::envelope::{Controller, Envelope, Verdict, controller_of};
use crate::outlet::smtp::Accepted;
use crate::policy::{self, Decision, Hands, Policy};
use crate::scan::ruleset::{Ruleset, day_of};
use crate::scan::{Day, Report, Scan};
use crate::seal::{Digest, hex};
use crate::spool::held::Receipt;
use crate::store::{StoreError, error_unless_away};
use crate::worker::Workers;
use chrono::{DateTime, NaiveDate, Utc};
use record::{Found, Register};
use seen::Seen;
use std::sync::{Arc, PoisonError, RwLock};

/// What a gate decides by; a message ends under the setup it began with.
#[derive(Debug)]
pub struct Setup {
    /// What counts as a number.
    pub rules: Arc<Ruleset>,
    /// What to do about one.
    pub policy: Policy,
    /// Who answers for the mail.
    pub controllers: Vec<Controller>,
    /// The systems that send it.
    pub sources: Vec<Source>,
    /// Who opens documents; `None` leaves them unread.
    pub workers: Option<Arc<Workers>>,
}

impl Setup {
    /// Begins a message: its documents are opened by these workers.
    pub fn scan(&self, today: Day) -> Scan {
        let scan = Scan::new(Arc::clone(&self.rules), today);
        match &self.workers {
            Some(workers) => scan.opening(workers.message()),
            None => scan,
        }
    }
}

/// The gate: shared by all doors of a process.
pub struct Gate {
    /// Held only to clone or to replace the `Arc`, so nobody waits for a message.
    setup: RwLock<Arc<Setup>>,
    register: Arc<Register>,
    clock: Clock,
    seen: Seen,
    /// Whether somebody reads the mail server's log, so that promises of a protected road are worth keeping.
    has_log: bool,
    /// The machine that keeps what is held.
    node: String,
    #[cfg(test)]
    script: Option<Arc<scripted::Script>>,
}

impl Gate {
    /// A gate that decides by `setup` and records in `register`.
    pub fn new(setup: Setup, register: Register, clock: Clock) -> Self {
        Self {
            setup: RwLock::new(Arc::new(setup)),
            register: Arc::new(register),
            seen: Seen::since(clock.now()),
            clock,
            has_log: false,
            node: "localhost".to_owned(),
            #[cfg(test)]
            script: None,
        }
    }

    /// The mail server's log is read: how a mail travelled that a protected road allowed is asked afterwards.
    #[must_use]
    pub fn with_log(self) -> Self {
        Self { has_log: true, ..self }
    }

    /// The mails that have passed.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Where findings are recorded.
    pub fn register(&self) -> &Arc<Register> {
        &self.register
    }

    /// What time it is here.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the next message is decided by.
    pub fn setup(&self) -> Arc<Setup> {
        // Nothing that can panic is done under the lock, so a poisoned one holds a whole setup all the same.
        Arc::clone(&self.setup.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Decides by `setup` from the next message on. Messages under way end under the one they began with.
    pub fn swap(&self, setup: Setup) {
        *self.setup.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(setup);
    }

    /// These messages were to leave readable, and the next hop has refused each for all who were to get it so, by its own words:
    /// the register is told that they have not left. It waits for a disk. That it fails loses nothing: a breach stands too early.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn returned(&self, messages: &[Digest]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let cases: Vec<CaseId> = self.register.store.record(|recording| {
            let cases = messages.iter().map(|message| recording.returned(message, now));
            Ok(cases.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })?;
        for case in &cases {
            tracing::warn!(%case, "refused by the next hop: nothing has left, the clock is stopped");
        }
        Ok(())
    }

    /// Begins a message. The door fills in the envelope as it learns it.
    pub fn begin(self: &Arc<Self>) -> Inspection {
        let setup = self.setup();
        let scan = setup.scan(today(&self.clock));
        Inspection {
            envelope: Envelope::default(),
            hands: Hands { splits: false, answers_each: false, reroutes: true },
            is_asked: false,
            scan,
            setup,
            gate: Arc::clone(self),
            #[cfg(test)]
            tape: Vec::new(),
        }
    }
}

/// The day in Denmark: who is born by then, and what day a sender's case is of.
pub fn local_day(clock: &Clock) -> NaiveDate {
    clock.now().with_timezone(&chrono_tz::Europe::Copenhagen).date_naive()
}

fn today(clock: &Clock) -> Day {
    day_of(local_day(clock))
}

/// One message on its way through the gate. Memory stays flat, whatever its size.
pub struct Inspection {
    /// Who sends to whom, as far as the door knows.
    pub envelope: Envelope,
    /// What the door can do; a milter's, unless the door says otherwise.
    pub hands: Hands,
    /// Nobody hands the message on: somebody asks what would become of it.
    pub(crate) is_asked: bool,
    scan: Scan,
    /// What the message began with: rules, policy and controllers of one reading.
    setup: Arc<Setup>,
    gate: Arc<Gate>,
    #[cfg(test)]
    tape: Vec<u8>,
}

impl Inspection {
    /// Reads the next bytes of the message (RFC 5322, header and body), cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        #[cfg(test)]
        self.play(bytes);
        self.scan.feed(bytes);
    }

    /// Who answers for each recipient's mail, in the order of the envelope: what is held is each controller's own, and
    /// sealed to its DPO.
    pub fn holders(&self) -> Vec<Holder> {
        let sender = self.envelope.sender.as_ref();
        let of = |recipient| controller_of(sender, Some(recipient), &self.setup.controllers);
        let holder = |recipient| {
            let of = of(recipient).map(|one| Holder { cvr: one.cvr.clone(), dpo_key: one.dpo_key.clone() });
            of.unwrap_or_default()
        };
        self.envelope.recipients.iter().map(holder).collect()
    }

    /// Whether the one answer is surely Block and enough evidence is kept, so that a door may skip the rest.
    /// Further persons only ever make a road less sufficient, so what blocks now blocks at the end.
    pub fn settled(&self) -> bool {
        #[cfg(test)]
        if self.scripted_settled() {
            return true;
        }
        !self.hands.splits
            && self.scan.leaks()
            && self.scan.kept() >= Report::KEPT
            && self.scan.subject().is_some_and(|subject| {
                self.setup.policy.surely_blocks(&self.envelope, subject, today(&self.gate.clock))
            })
    }

    /// Ends the message for a door that has one answer, and does not keep the mail.
    pub async fn decide(self, custody: Custody) -> Answerable {
        // What the mail server is told to hold lies in its queue; what a door holds has its row after its file.
        let upstream = custody == Custody::Upstream;
        self.conclude(upstream).await.0.answer(custody)
    }

    /// Ends the message: decides, and records what must be recorded. When the register cannot be written the decision
    /// is Defer, and whoever has the mail keeps it.
    pub async fn judge(self) -> Judged {
        self.conclude(false).await.0
    }

    /// The same, with what was found; `None` when our own work failed. `upstream`: what is held is kept by the mail server,
    /// under the queue id of the envelope.
    async fn conclude(self, upstream: bool) -> (Judged, Option<Report>) {
        if let Some(queue_id) = &self.envelope.queue_id {
            self.gate.seen.note(queue_id, self.gate.clock.now());
        }
        #[cfg(test)]
        if let Some(judged) = self.scripted().await {
            return (judged, None);
        }
        let Self { envelope, hands, is_asked, scan, setup, gate, .. } = self;
        let report = if scan.has_documents() {
            // Opened by other processes, for which this thread does not wait.
            let Ok(report) = tokio::task::spawn_blocking(move || scan.finish()).await else {
                tracing::error!("opening a document panicked; the mail must come again");
                return (Judged::failed(&envelope), None);
            };
            report
        } else {
            scan.finish()
        };
        let decision = policy::decide(&envelope, &report, &setup.policy, today(&gate.clock)).within(hands);
        let (now, local_day) = (gate.clock.now(), local_day(&gate.clock));
        // A door with mail in its own hands sends by the protected road whom it names, and the others their own way.
        let splits = hands.splits || !upstream && decision.strictest() == Verdict::Reroute;
        let matter = Matter { setup, envelope, report, decision, splits, is_asked, upstream, now, local_day };
        if !matter.found(&gate).is_needed() {
            let Matter { decision, report, .. } = matter;
            let leaks = leaks(&decision, &report);
            return (Judged::new(decision, leaks, Vec::new()), Some(report));
        }
        let store = Arc::clone(&gate.register.store);
        let recorded = tokio::task::spawn_blocking(move || {
            let found = matter.found(&gate);
            let cases = gate.register.record(&found);
            let cases = cases.and_then(|cases| gate.register.promise(&found).map(|()| cases));
            (cases, matter)
        })
        .await;
        match recorded {
            Ok((Ok(cases), Matter { decision, report, .. })) => {
                for Concern { case, .. } in &cases {
                    tracing::warn!(%case, verdict = decision.strictest().word(), "CPR number found");
                }
                let leaks = leaks(&decision, &report);
                (Judged::new(decision, leaks, cases), Some(report))
            }
            Ok((Err(error), Matter { envelope, .. })) => {
                error_unless_away!(store, %error, "not recorded; the mail must come again");
                (Judged::failed(&envelope), None)
            }
            Err(_) => {
                tracing::error!("recording panicked; the mail must come again");
                (Judged::failed(&Envelope::default()), None)
            }
        }
    }
}

/// Whether a number is in it by which something was decided: one that is only possible, where it would become an SMS.
fn leaks(decision: &Decision, report: &Report) -> bool {
    let is_sms = |one: &policy::RecipientDecision| one.protection == policy::road::Protection::Sms;
    report.leaks() || report.may_leak() && decision.recipients.iter().any(is_sms)
}

/// Whose a recipient's mail is, should it be held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The controller's CVR number.
    pub cvr: String,
    /// Its DPO's public key; without it nobody could decide, and nothing is held.
    pub dpo_key: Option<String>,
}

/// What a message was put into: a case of one controller, in which it is known by its keyed digest.
#[derive(Clone, Debug)]
struct Concern {
    /// The controller's CVR number.
    cvr: String,
    case: CaseId,
    message: Digest,
}

/// A judged message, to be recorded by another thread.
struct Matter {
    setup: Arc<Setup>,
    envelope: Envelope,
    report: Report,
    decision: Decision,
    splits: bool,
    is_asked: bool,
    upstream: bool,
    now: DateTime<Utc>,
    local_day: NaiveDate,
}

impl Matter {
    fn found<'a>(&'a self, gate: &'a Gate) -> Found<'a> {
        let Self { setup, envelope, report, decision, splits, is_asked, upstream, now, local_day } = self;
        let keeper = upstream.then_some(gate.node.as_str());
        let (splits, has_log, is_asked) = (*splits, gate.has_log, *is_asked);
        let (now, local_day) = (*now, *local_day);
        Found { setup, envelope, report, decision, splits, has_log, is_asked, keeper, now, local_day }
    }
}

/// Who keeps the mail once we have answered (invariant 5). A part of its recipients may have another keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Custody {
    /// The client or the mail server keeps it: a milter never owns a mail.
    Upstream,
    /// We do, on disk.
    Spooled(Receipt),
    /// The next hop does, by its own words.
    Relayed(Accepted),
    /// Each part of the recipients has its own keeper.
    Split(Vec<Custody>),
}

/// A decision that is in the register where it must be. A door that hands mail on itself does so by it, and then answers.
#[derive(Debug)]
pub struct Judged {
    decision: Decision,
    cases: Vec<CaseId>,
    /// The same, with whose each is.
    concerns: Vec<Concern>,
    /// Whether a number was found.
    leaks: bool,
    /// In the place of ours, in tests.
    #[cfg(test)]
    lines: Option<Vec<String>>,
}

impl Judged {
    fn new(decision: Decision, leaks: bool, concerns: Vec<Concern>) -> Self {
        Self {
            decision,
            cases: concerns.iter().map(|one| one.case.clone()).collect(),
            concerns,
            leaks,
            #[cfg(test)]
            lines: None,
        }
    }

    /// Our own work failed: come again, for everybody.
    fn failed(envelope: &Envelope) -> Self {
        Self::new(Decision::defer(envelope), false, Vec::new())
    }

    /// The verdict for each recipient.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The case that the mail's leak was put into: the first, where it concerns several controllers.
    pub fn case(&self) -> Option<&CaseId> {
        self.cases.first()
    }

    /// The cases that it was put into, one for each controller that it concerns.
    pub fn cases(&self) -> &[CaseId] {
        &self.cases
    }

    /// The case of this controller, and which message of it this is, as the cover of a held mail says it.
    pub fn case_of(&self, cvr: &str) -> Option<(String, String)> {
        let concern = self.concerns.iter().find(|one| one.cvr == cvr);
        concern.map(|one| (one.case.to_string(), hex(&one.message)))
    }

    /// Whether a number was found that something is done about.
    pub(crate) fn leaks(&self) -> bool {
        self.leaks
    }

    /// Which message of this controller's case it is.
    pub fn message_of(&self, cvr: &str) -> Option<Digest> {
        self.concerns.iter().find(|one| one.cvr == cvr).map(|one| one.message)
    }

    /// The strictest verdict, for a door that has one answer.
    pub fn verdict(&self) -> Verdict {
        self.decision.strictest()
    }

    /// Now somebody keeps the mail.
    pub fn answer(self, custody: Custody) -> Answerable {
        self.answer_as(self.decision.strictest(), custody)
    }

    /// Now somebody keeps each recipient's mail, in the order of the decision: an answer each, for LMTP (RFC 2033 §4.2).
    /// A recipient whose keeper is not named is deferred.
    pub fn answer_each(self, custody: impl IntoIterator<Item = Custody>) -> Vec<Answerable> {
        let mut custody = custody.into_iter();
        let one = |one: &policy::RecipientDecision| match custody.next() {
            Some(custody) => self.answer_as(one.verdict, custody),
            None => self.answer_as(Verdict::Defer, Custody::Upstream),
        };
        self.decision.recipients.iter().map(one).collect()
    }

    fn answer_as(&self, verdict: Verdict, custody: Custody) -> Answerable {
        let reply = reply::lines(verdict, self.leaks);
        #[cfg(test)]
        let reply = self.lines.clone().unwrap_or(reply);
        Answerable { verdict, custody, reply }
    }

    /// Nothing could be done with it after all: it must come again, for everybody.
    #[must_use]
    pub fn deferred(mut self) -> Self {
        for one in &mut self.decision.recipients {
            one.verdict = Verdict::Defer;
        }
        self
    }
}

/// A decision that may be answered: it is in the register where it must be, and somebody keeps the mail.
#[derive(Debug)]
pub struct Answerable {
    verdict: Verdict,
    custody: Custody,
    reply: Vec<String>,
}

impl Answerable {
    /// The answer when our own work failed: come again.
    pub fn failed() -> Self {
        Judged::failed(&Envelope::default()).answer(Custody::Upstream)
    }

    /// What to answer.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Who keeps the mail.
    pub fn custody(&self) -> &Custody {
        &self.custody
    }

    /// Lines for the sender, in ASCII, without a code. No digit stands in them.
    pub fn reply(&self) -> &[String] {
        &self.reply
    }
}
