//! What the DPO was told, against the register's alerts: none that it calls sent may be missing, and none that is due left.

use crate::support::register::Register;
use crate::support::sink::Received;

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
