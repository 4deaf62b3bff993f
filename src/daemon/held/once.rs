//! A held mail is read once, from end to end, before any of it leaves.
//!
//! What was held as unread may be readable by now: its documents are opened again, OCR has its turn, the machine has room. A
//! number that is found in it only now, and that no case knows of, is not sent away behind the person's back who decided:
//! the mail gets its near miss and waits, and its DPO decides again, knowing it. Decided so a second time it is a breach
//! like any other release, with its numbers sealed. To an SMS gateway it never leaves.
//!
//! Start reading at [`Keeper::read_once`]. Tests: `tests/held/spool.rs`.

use super::act::NotActed;
use super::{Keeper, NotSent};
use crate::envelope::{Address, Envelope, QueueId};
use crate::inspect::late::FoundLate;
use crate::inspect::local_day;
use crate::scan::Report;
use crate::scan::ruleset::day_of;
use crate::spool::held::Cover;
use crate::store::StoreError;
use crate::store::held::{Act, HeldRow, Place};
use std::io::Read;

/// What a person is told of a mail that waits again.
pub(super) const FOUND: &str = "der er fundet CPR-numre i den, som ingen kendte, da der blev besluttet: intet er sendt, og den venter på en ny beslutning / numbers were found in it that nobody knew of: nothing was sent, decide again";

/// What reading a mail once tells of it.
#[derive(Clone, Copy, Default)]
pub(super) struct Measure {
    pub(super) size: u64,
    pub(super) ends_a_line: bool,
    pub(super) is_eight_bit: bool,
}

/// What this domain makes of a mail is readable to anybody on its way.
pub(super) fn no_sms(domain: &str) -> NotActed {
    NotSent::Permanent(format!("{domain} makes an SMS of it, and there is a number in it")).into()
}

impl Keeper {
    /// Reads a mail from end to end before any of it is sent: a damaged one is found now. When it is to leave in the clear its
    /// numbers are sealed to the DPO first, so that the persons can be written to.
    ///
    /// # Errors
    /// When it cannot be read or a number not be sealed; when a number is found that no case knows of ([`NotActed::Found`]), or
    /// that would become an SMS, if only perhaps. Nothing may be sent then.
    pub(super) fn read_once(
        &self,
        row: &HeldRow,
        act: Act,
        cover: &Cover,
        mail: &mut dyn Read,
    ) -> Result<Measure, NotActed> {
        let setup = (self.setup)();
        let sms = setup.policy.roads.sms_among(row.recipient_domains.split(' '));
        let mut scan =
            (act == Act::Clear || sms.is_some()).then(|| setup.scan(day_of(local_day(&self.clock))));
        let mut measure = Measure::default();
        let mut last = [0; 2];
        let mut piece = vec![0; 64 * 1024];
        loop {
            let read =
                mail.read(&mut piece).map_err(|error| NotActed::Beside(format!("reading it: {error}")))?;
            let bytes = piece.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            measure.size += bytes.len() as u64;
            measure.is_eight_bit |= !bytes.is_ascii();
            for byte in bytes.iter().skip(bytes.len().saturating_sub(2)) {
                last = [last[1], *byte];
            }
            if let Some(scan) = &mut scan {
                scan.feed(bytes);
            }
        }
        measure.ends_a_line = last == *b"\r\n";
        let Some(report) = scan.map(crate::scan::Scan::finish) else { return Ok(measure) };
        if report.leaks() && row.cases.is_empty() {
            self.found(row, cover, &report)?;
            return Err(NotActed::Found);
        }
        if let Some(domain) = sms.filter(|_| report.may_leak()) {
            return Err(no_sms(domain));
        }
        if act == Act::Clear {
            let numbers: Vec<[u8; 10]> = report.person_numbers().reveal().collect();
            self.seal(row, &numbers)?;
        }
        Ok(measure)
    }

    /// Puts the mail into a near miss, and lets it wait.
    fn found(&self, row: &HeldRow, cover: &Cover, report: &Report) -> Result<(), NotActed> {
        let address = |text: &String| Address::parse(text.as_bytes());
        let envelope = Envelope {
            sender: address(&cover.sender),
            recipients: cover.recipients.iter().filter_map(|(to, _)| address(to)).collect(),
            queue_id: (row.place == Place::Postfix).then(|| QueueId::new(&row.name)).flatten(),
            ..Envelope::default()
        };
        let setup = (self.setup)();
        let found = FoundLate {
            setup: &setup,
            envelope: &envelope,
            report,
            now: self.clock.now(),
            local_day: local_day(&self.clock),
        };
        let cases = self.register.found_late(row.row, &found, FOUND)?;
        for case in &cases {
            tracing::warn!(id = row.name, %case, "CPR number found in a held mail that was to be released: it waits again");
        }
        Ok(())
    }

    fn seal(&self, row: &HeldRow, numbers: &[[u8; 10]]) -> Result<(), NotActed> {
        if numbers.is_empty() {
            return Ok(());
        }
        let setup = (self.setup)();
        for case in &row.cases {
            let Some(file) = self.register.store.case(case)? else { continue };
            let controller = setup.controllers.iter().find(|one| one.cvr == file.row.cvr);
            let store = &self.register.store;
            let Some(key) = controller.and_then(|one| one.dpo_key.as_deref()) else {
                store.record(|recording| recording.unsealed(case))?;
                continue;
            };
            let evidence = &self.register.evidence;
            store.record(|recording| {
                if recording.evidence_begins(case, &self.node)? {
                    evidence.begin(case).map_err(|error| StoreError::Beside(error.to_string()))?;
                }
                Ok(())
            })?;
            evidence.append(case, key, numbers).map_err(|error| NotActed::Beside(error.to_string()))?;
        }
        Ok(())
    }
}
