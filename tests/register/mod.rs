//! What a register promises, whatever database is behind it: one contract, gone through on a file of SQLite and on a real
//! PostgreSQL, by two who have it open at once.
//!
//! Every statement of `store/rows` is run here. What only a file or only a server can do stands in `tests/store.rs` and in
//! `server.rs`.

mod ahead;
mod alerts;
mod away;
mod contract;
mod life;
mod moved;
mod node;
mod proof;
mod released;
mod returned;
mod server;
mod speed;

use brevdue::case::detection::{Detection, Outcome};
use brevdue::envelope::{Controller, Pass, QueueId, Verdict};
use brevdue::store::{Joined, Opening, Store};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};

fn controller() -> Controller {
    Controller {
        name: "Nørreby Kommune".to_owned(),
        cvr: "12345678".to_owned(),
        dpo: "dpo@noerreby.example".to_owned(),
        dpo_key: Some("age1".to_owned()),
        default: true,
        ..Controller::default()
    }
}

fn at(hour: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 17, 9, 20, 0).unwrap() + TimeDelta::hours(hour)
}

const CERTAIN: Outcome = Outcome::Delivered { certain: true };

fn digest(number: u32) -> [u8; 16] {
    let mut digest = [0; 16];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    digest
}

fn found(message: u32, at: DateTime<Utc>, outcome: Outcome) -> Detection {
    Detection {
        at,
        queue_id: QueueId::new(&format!("4bXq1z3kTn{message}")),
        message: digest(message),
        verdict: match outcome {
            Outcome::Stopped => Verdict::Hold,
            Outcome::Delivered { .. } => Verdict::Deliver(Pass::Observed),
        },
        outcome,
        sender_domain: "noerreby.example".to_owned(),
        recipient_domains: vec!["a.example".to_owned(), "b.example".to_owned()],
        recipients: 2,
        findings: 3,
        persons: 2,
        persons_exact: true,
    }
}

fn join(store: &Store, detection: &Detection, grouping: u32) -> Joined {
    let controller = controller();
    let opening = Opening {
        controller: &controller,
        source: None,
        root: digest(grouping),
        grouping: digest(grouping),
        salt: digest(grouping),
    };
    store
        .record(|recording| {
            let joined = recording.join(detection, &opening)?;
            if joined.attempts == 1 {
                recording.add_persons(&joined.case, &[digest(1_000_000 + grouping), detection.message])?;
            }
            Ok(joined)
        })
        .unwrap()
}
