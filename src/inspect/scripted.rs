//! A gate whose verdicts a door's test writes itself, so that a test of a protocol needs no mail with numbers.
//! It also panics, waits and settles on demand. In tests only.

use super::record::Register;
use super::{Gate, Inspection, Judged, Setup};
use crate::clock::Clock;
use crate::envelope::{Address, Envelope, Pass, Verdict};
use crate::policy::road::Protection;
use crate::policy::why::Why;
use crate::policy::{Decision, Policy, RecipientDecision};
use crate::scan::ruleset::Ruleset;
use crate::seal::NodeKey;
use crate::spool::evidence::Evidence;
use crate::store::Store;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// From envelope and bytes to an answer.
pub(super) type Script = dyn Fn(&Envelope, &[u8]) -> Scripted + Send + Sync;

/// An answer of a script.
pub struct Scripted {
    /// The verdict.
    pub verdict: Verdict,
    /// Lines for the sender.
    pub reply: Vec<String>,
    /// How long deciding takes.
    pub delay: Duration,
}

impl Scripted {
    /// Deliver, at once.
    pub fn deliver() -> Self {
        Self::of(Verdict::Deliver(Pass::Clean))
    }

    /// This verdict, at once, without text.
    pub fn of(verdict: Verdict) -> Self {
        Self { verdict, reply: Vec::new(), delay: Duration::ZERO }
    }
}

impl Gate {
    /// A gate that keeps what it is fed and asks `script`.
    ///
    /// # Panics
    /// When the built-in rules have a fault.
    pub fn for_tests(script: impl Fn(&Envelope, &[u8]) -> Scripted + Send + Sync + 'static) -> Arc<Self> {
        let setup = Setup {
            rules: Arc::new(Ruleset::built_in().unwrap()),
            policy: Policy::default(),
            controllers: Vec::new(),
            sources: Vec::new(),
            workers: None,
        };
        let folder = tempfile::tempdir().unwrap();
        let register = Register {
            store: Arc::new(Store::open(&folder.path().join("register.db")).unwrap()),
            node_key: NodeKey::from_bytes([1; 32]),
            evidence: Evidence::below(Path::new("nowhere")),
        };
        let mut gate = Self::new(setup, register, Clock::System);
        gate.script = Some(Arc::new(move |envelope, bytes| {
            // The register lives as long as who asks it.
            let _ = &folder;
            script(envelope, bytes)
        }));
        Arc::new(gate)
    }
}

impl Inspection {
    pub(super) fn play(&mut self, bytes: &[u8]) {
        if self.gate.script.is_some() {
            self.tape.extend_from_slice(bytes);
            assert!(memchr::memmem::find(bytes, b"X-Test-Panic").is_none(), "asked for by the test");
        }
    }

    pub(super) fn scripted_settled(&self) -> bool {
        memchr::memmem::find(&self.tape, b"X-Test-Settle").is_some()
    }

    pub(super) async fn scripted(&self) -> Option<Judged> {
        let script = self.gate.script.as_ref()?;
        let Scripted { verdict, reply, delay } = script(&self.envelope, &self.tape);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let one = |recipient: Option<&Address>| RecipientDecision {
            recipient: recipient.cloned(),
            protection: Protection::default(),
            // So that a test can have two verdicts: a recipient at `safe.` gets the mail.
            verdict: match recipient {
                Some(to) if to.domain().starts_with("safe.") => Verdict::Deliver(Pass::ProtectedRoad),
                Some(_) | None => verdict,
            },
            why: Why::default(),
        };
        let mut recipients: Vec<_> = self.envelope.recipients.iter().map(|to| one(Some(to))).collect();
        if recipients.is_empty() {
            recipients.push(one(None));
        }
        let decision = Decision { recipients }.within(self.hands);
        Some(Judged { lines: Some(reply), ..Judged::new(decision, false, Vec::new()) })
    }
}
