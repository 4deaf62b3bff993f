//! What the DPOs were told, against the register's alerts: none that it calls sent may be missing, and none that is due left.

use crate::support::register::Register;
use crate::support::sink::Received;
use brevdue::case::detection::{Detection, Outcome};
use brevdue::clock::Clock;
use brevdue::envelope::{Controller, Pass, Verdict};
use brevdue::store::{Opening, ServerUrl, Store, StoreError};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Who opens a case now and then, each of another controller: so that there is always somebody to be told.
pub(super) struct Opener(ServerUrl);

impl Opener {
    /// A municipality has not so many open at once.
    const MOST: u32 = 150;

    /// Of a register on a server.
    pub(super) fn of(register: &Register) -> Option<Self> {
        match register {
            Register::File(_) => None,
            Register::Server(url) => ServerUrl::parse(url).ok().map(Self),
        }
    }

    /// Until all is calm; each until the register says that it has it.
    pub(super) fn open_until(&self, calm: &AtomicBool) {
        let (mut store, mut number) = (None, 0);
        while !calm.load(Relaxed) && number < Self::MOST {
            if store.is_none() {
                store = Store::connect(&self.0).ok();
            }
            if store.as_ref().is_some_and(|store| open(store, number).is_ok()) {
                number += 1;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

fn open(store: &Store, number: u32) -> Result<(), StoreError> {
    let mut digest = [9; 16];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    let controller = Controller {
        name: format!("Kommune {number}"),
        cvr: "87654321".to_owned(),
        dpo: format!("dpo{number:04}@kommune.example"),
        ..Controller::default()
    };
    let detection = Detection {
        at: Clock::System.now(),
        queue_id: None,
        message: digest,
        verdict: Verdict::Deliver(Pass::Observed),
        outcome: Outcome::Delivered { certain: true },
        sender_domain: "noerreby.example".to_owned(),
        recipient_domains: vec!["post.example".to_owned()],
        recipients: 1,
        findings: 1,
        persons: 1,
        persons_exact: true,
    };
    let opening =
        Opening { controller: &controller, source: None, root: digest, grouping: digest, salt: [1; 16] };
    store.record(|recording| recording.join(&detection, &opening)).map(drop)
}

/// What the comparison says.
#[derive(Default)]
pub(super) struct Told {
    pub(super) alerts: u64,
    pub(super) letters: u64,
    /// In words.
    pub(super) untold: Vec<String>,
}

/// Alerts that are due by this time, in seconds since 1970.
pub(super) fn due(register: &Register, now: i64) -> usize {
    register.rows(&format!("SELECT id FROM notice WHERE state = 'due' AND due_at <= {now}")).len()
}

/// A letter says of which cases it is, so each case's opening must be in one.
pub(super) fn compare(register: &Register, letters: &[Received]) -> Told {
    let sent = register.rows("SELECT case_id, milestone FROM notice WHERE state = 'sent'");
    let texts: Vec<String> =
        letters.iter().map(|letter| String::from_utf8_lossy(&letter.data).into_owned()).collect();
    let mut told = Told { alerts: sent.len() as u64, letters: letters.len() as u64, untold: Vec::new() };
    for row in &sent {
        let [case, step] = row.as_slice() else { continue };
        if !texts.iter().any(|text| text.contains(case)) {
            told.untold.push(format!("{case}: its alert ({step}) is said to be sent, and no letter came"));
        }
    }
    told
}
