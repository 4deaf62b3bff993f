//! The one gate, whatever door a mail came by.
//!
//! A door begins an [`Inspection`], feeds it the bytes as they come, and asks it to decide. It gets an
//! [`Answerable`] back: the only thing from which a final reply may be written, and made only here, from a
//! decision that is in the register (invariants 4, 5, 6). Nothing here knows a protocol. Start reading at
//! [`Inspection::judge`]; [`record`] writes. Tests: `tests/gate.rs`, and the doors'.

pub mod held;
pub mod record;
mod reply;
#[cfg(test)]
mod scripted;

#[cfg(test)]
pub use scripted::Scripted;

use crate::case::CaseId;
use crate::case::incident::Source;
use crate::clock::Clock;
use crate::envelope::{Controller, Envelope, Verdict};
use crate::policy::{self, Decision, LeakAction, Policy};
use crate::scan::ruleset::{Ruleset, day_of};
use crate::scan::{Day, Report, Scan};
use crate::spool::held::Receipt;
use crate::worker::Workers;
use chrono::NaiveDate;
use record::Register;
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
            clock,
            node: "localhost".to_owned(),
            #[cfg(test)]
            script: None,
        }
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

    /// Begins a message. The door fills in the envelope as it learns it.
    pub fn begin(self: &Arc<Self>) -> Inspection {
        let setup = self.setup();
        let scan = setup.scan(today(&self.clock));
        Inspection {
            envelope: Envelope::default(),
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

    /// Whether the verdict is surely Block and enough evidence is kept, so that a door may skip the rest.
    /// Further persons only ever make a road less sufficient, so what blocks now blocks at the end.
    pub fn settled(&self) -> bool {
        #[cfg(test)]
        if self.scripted_settled() {
            return true;
        }
        let policy = &self.setup.policy;
        policy.leak == LeakAction::Block
            && self.scan.leaks()
            && self.scan.kept() >= Report::KEPT
            && self.envelope.recipients.iter().any(|to| !policy.roads.to(Some(to)).protects(1))
    }

    /// Ends the message for a door that has one answer, and does not keep the mail.
    pub async fn decide(self, custody: Custody) -> Answerable {
        // What the mail server is told to hold lies in its queue; what a door holds has its row after its file.
        let upstream = custody == Custody::Upstream;
        self.conclude(upstream).await.answer(custody)
    }

    /// Ends the message: decides, and records what must be recorded. When the register cannot be written the decision
    /// is Defer, and whoever has the mail keeps it.
    pub async fn judge(self) -> Judged {
        self.conclude(false).await
    }

    /// `upstream`: what is held is kept by the mail server, under the queue id of the envelope.
    async fn conclude(self, upstream: bool) -> Judged {
        #[cfg(test)]
        if let Some(judged) = self.scripted().await {
            return judged;
        }
        let Self { envelope, scan, setup, gate, .. } = self;
        let report = if scan.has_documents() {
            // Opened by other processes, for which this thread does not wait.
            let Ok(report) = tokio::task::spawn_blocking(move || scan.finish()).await else {
                tracing::error!("opening a document panicked; the mail must come again");
                return Judged::failed(&envelope);
            };
            report
        } else {
            scan.finish()
        };
        let decision = policy::decide(&envelope, &report, &setup.policy);
        if !record::is_needed(&setup, &report, &decision) {
            return Judged::new(decision, report.leaks(), None);
        }
        let recorded = tokio::task::spawn_blocking(move || {
            let now = gate.clock.now();
            let day = local_day(&gate.clock);
            let keeper = upstream.then_some(gate.node.as_str());
            let case = gate.register.record(&setup, &envelope, &report, &decision, (now, day), keeper);
            (case, report.leaks(), decision, envelope)
        })
        .await;
        match recorded {
            Ok((Ok(case), leaks, decision, _)) => {
                if let Some(case) = &case {
                    tracing::warn!(%case, verdict = decision.strictest().word(), "CPR number found");
                }
                Judged::new(decision, leaks, case)
            }
            Ok((Err(error), _, _, envelope)) => {
                tracing::error!(%error, "not recorded; the mail must come again");
                Judged::failed(&envelope)
            }
            Err(_) => {
                tracing::error!("recording panicked; the mail must come again");
                Judged::failed(&Envelope::default())
            }
        }
    }
}

/// Who keeps the mail once we have answered (invariant 5). A part of its recipients may have another keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Custody {
    /// The client or the mail server keeps it: a milter never owns a mail.
    Upstream,
    /// We do, on disk.
    Spooled(Receipt),
}

/// A decision that is in the register where it must be. A door that hands mail on itself does so by it, and then answers.
#[derive(Debug)]
pub struct Judged {
    decision: Decision,
    case: Option<CaseId>,
    reply: Vec<String>,
}

impl Judged {
    fn new(decision: Decision, leaks: bool, case: Option<CaseId>) -> Self {
        let reply = reply::lines(decision.strictest(), leaks);
        Self { decision, case, reply }
    }

    /// Our own work failed: come again, for everybody.
    fn failed(envelope: &Envelope) -> Self {
        Self::new(Decision::defer(envelope), false, None)
    }

    /// The verdict for each recipient.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The case that the mail's leak was put into.
    pub fn case(&self) -> Option<&CaseId> {
        self.case.as_ref()
    }

    /// The strictest verdict, for a door that has one answer.
    pub fn verdict(&self) -> Verdict {
        self.decision.strictest()
    }

    /// Now somebody keeps the mail.
    pub fn answer(self, custody: Custody) -> Answerable {
        Answerable { verdict: self.decision.strictest(), custody, reply: self.reply }
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
