//! Held mail: its row, the decision about it, and what became of it. A decision and what it does to a case are one
//! transaction.
//!
//! Start reading at [`Recording::hold`] and [`Recording::decide`]; `held_rows.rs` has the questions, and how far its node is.

use super::record::Recording;
use super::{StoreError, narrow};
use crate::case::{CaseId, event as names};
use crate::store::base::params;
use crate::store::held::{Act, HeldIn, HeldRow, HeldState, NewHeld, Place, Telling};
use chrono::{DateTime, Utc};

impl Recording<'_> {
    /// Notes that a mail is held. A mail of the same name that is noted already stays as it is: the row may have been
    /// made again from the file a moment ago. Where the mail server gives a short queue id to another mail, the one that
    /// had it before is gone. Returns whether it was new.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn hold(&self, mail: &NewHeld<'_>) -> Result<bool, StoreError> {
        let known: Option<(i64, i64, [u8; 16])> = self.db.first(
            "SELECT id, at, sender FROM held WHERE node = ?1 AND place = ?2 AND name = ?3
                     AND state IN ('waiting', 'approved')",
            params![mail.node, mail.place.word(), mail.name],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        match known {
            Some((_, at, sender))
                if mail.place == Place::Spool || (at == mail.at.timestamp() && sender == mail.sender) =>
            {
                return Ok(false);
            }
            Some((earlier, ..)) => {
                let reason = "køen har givet navnet til en anden mail";
                self.settle(earlier, HeldState::Gone, "brevdue", reason, mail.at)?;
            }
            None => {}
        }
        let held: i64 = self.db.one(
            "INSERT INTO held (name, place, node, at, size, sender, sender_domain, recipient_domains, recipients, dpo)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             RETURNING id", params![
                mail.name,
                mail.place.word(),
                mail.node,
                mail.at.timestamp(),
                narrow(mail.size),
                mail.sender,
                mail.sender_domain,
                mail.recipient_domains.join(" "),
                narrow(mail.recipients),
                mail.dpo,
            ], |row| row.get(0))?;
        for HeldIn { case, message } in mail.cases {
            // Where the message stands now: another mail of it may have been released since.
            let found = self.db.execute(
                "INSERT INTO held_case (held, case_id, message) SELECT ?1, case_id, message FROM detection
                 WHERE message = ?2 ON CONFLICT DO NOTHING",
                params![held, *message],
            )?;
            if found > 0 {
                continue;
            }
            // A row that is made again may name a case of a register that was restored from an older copy.
            self.db.execute(
                "INSERT INTO held_case (held, case_id) SELECT ?1, id FROM breach_case WHERE id = ?2
                 ON CONFLICT DO NOTHING",
                params![held, case.as_str()],
            )?;
        }
        self.enter_held(held, mail.at, "brevdue", "held", "venter på en afgørelse")?;
        if mail.tell && !mail.sender_domain.is_empty() {
            self.tell(held, Telling::Held, mail.at)?;
        }
        Ok(true)
    }

    /// A person decides about a held mail that waits, or of which what was decided before could not be done. Released in the clear it is a breach
    /// from this moment, with its deadline and its notices: the near miss that had it alone, or a case that it leaves a near
    /// miss of more mails for (`released.rs`). By a protected road it is none, and neither when it is
    /// discarded. Returns the cases whose clock began, or `None` when the mail is not to be decided about: see
    /// [`HeldRow::may_be_decided`](crate::store::held::HeldRow::may_be_decided).
    ///
    /// # Errors
    /// When the register cannot be written; nothing is decided then.
    pub fn decide(
        &self,
        held: i64,
        act: Act,
        by: &str,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<CaseId>>, StoreError> {
        self.decided(held, (act, None), by, why, now)
    }

    /// The same, for Digital Post: `order` is the sealed file that names the recipient, and it is on disk.
    ///
    /// # Errors
    /// When the register cannot be written; nothing is decided then.
    pub fn decide_digital_post(
        &self,
        held: i64,
        order: &str,
        by: &str,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<CaseId>>, StoreError> {
        self.decided(held, (Act::DigitalPost, Some(order)), by, why, now)
    }

    fn decided(
        &self,
        held: i64,
        (act, order): (Act, Option<&str>),
        by: &str,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<CaseId>>, StoreError> {
        let word = if act == Act::DigitalPost { Act::Protected.word() } else { act.word() };
        let another = "SELECT 1 FROM held WHERE id = ?1 AND state = 'approved' AND last_error IS NOT NULL
                           AND began_at IS NULL AND accepted_at IS NULL";
        if self.db.first(another, params![held], |row| row.get::<i64>(0))?.is_some() {
            // What was decided before has not been done.
            self.not_released(held)?;
        }
        let decided = self.db.execute(
            "UPDATE held SET state = 'approved', act = ?2, decided_by = ?3, why = ?4, decided_at = ?5, next_try_at = ?5,
                 digital_post = ?6, attempts = 0, last_error = NULL
             WHERE id = ?1 AND (state = 'waiting' OR (state = 'approved' AND last_error IS NOT NULL
                                AND began_at IS NULL AND accepted_at IS NULL))",
            params![held, word, by, why, now.timestamp(), order],
        )?;
        if decided == 0 {
            return Ok(None);
        }
        let event = match act {
            Act::Clear => "release_in_clear",
            Act::Protected => "release_protected",
            Act::DigitalPost => "release_digital_post",
            Act::Discard => "discard",
        };
        self.enter_held(held, now, by, event, why)?;
        let mut breaches = Vec::new();
        for one in self.cases_of(held)? {
            if act == Act::Clear {
                breaches.extend(self.let_out(&one, now, by, event, why)?);
            } else {
                self.enter_by(&one.case, now, by, event, why)?;
            }
        }
        Ok(Some(breaches))
    }

    /// A held mail is done with, or gone.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn settle(
        &self,
        held: i64,
        state: HeldState,
        who: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if !self.settle_row(held, state, who, reason, now)? {
            return Ok(false);
        }
        let event = format!("held_{}", state.word());
        for one in self.cases_of(held)? {
            self.enter_by(&one.case, now, who, &event, reason)?;
        }
        // A mail that is gone may be there again: a file that came back, or one that its client sends anew.
        if state != HeldState::Gone {
            self.forget_settled(held)?;
        }
        Ok(true)
    }

    /// A mail that the mail server held has left past us: somebody let it out of the hold queue by hand. It is gone from
    /// here, and a breach from this moment, as if it had been released in the clear; its numbers are sealed to nobody. Whether
    /// it was open.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn slipped(&self, held: i64, reason: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        if !self.settle_row(held, HeldState::Gone, "brevdue", reason, now)? {
            return Ok(false);
        }
        for one in self.cases_of(held)? {
            self.let_out(&one, now, "brevdue", "released_past_us", reason)?;
        }
        // Where it stands now.
        for one in self.cases_of(held)? {
            self.unsealed(&one.case)?;
        }
        Ok(true)
    }

    fn settle_row(
        &self,
        held: i64,
        state: HeldState,
        who: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let settled = self.db.execute(
            "UPDATE held SET state = ?2, settled_at = ?3, last_error = NULL
             WHERE id = ?1 AND state IN ('waiting', 'approved')",
            params![held, state.word(), now.timestamp()],
        )?;
        if settled > 0 {
            self.enter_held(held, now, who, state.word(), reason)?;
        }
        Ok(settled > 0)
    }

    /// It was decided, and the next hop refused it for good: it waits for another decision, and its sender is told. The decision
    /// stays in the lines of what was done.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn refused(&self, held: i64, error: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.not_released(held)?;
        self.undone(held, error, now)?;
        self.tell(held, Telling::Failed, now)
    }

    /// It was decided, and cannot be done so: it waits for another decision. Nobody outside has heard of it, so its sender is not
    /// told.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn undone(&self, held: i64, error: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE held SET state = 'waiting', act = NULL, decided_by = NULL, why = NULL, decided_at = NULL,
                 digital_post = NULL, attempts = attempts + 1, last_error = ?2
             WHERE id = ?1 AND state = 'approved'",
            params![held, error],
        )?;
        for one in self.cases_of(held)? {
            self.enter_by(&one.case, now, "brevdue", "release_failed", error)?;
        }
        self.enter_held(held, now, "brevdue", "release_failed", error)
    }

    /// A number was found in it that nobody knew of when it was decided: it stands in these cases now, and waits for another
    /// decision. Whoever looks after decisions is told of it anew.
    ///
    /// # Errors
    /// When the register cannot be written; it must not be sent then.
    pub fn found_late(
        &self,
        held: i64,
        cases: &[HeldIn],
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for HeldIn { case, message } in cases {
            self.db.execute(
                "INSERT INTO held_case (held, case_id, message) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![held, case.as_str(), *message],
            )?;
            self.enter_by(case, now, "brevdue", "found_at_release", reason)?;
        }
        self.db.execute(
            "UPDATE held SET state = 'waiting', act = NULL, decided_by = NULL, why = NULL, decided_at = NULL,
                 digital_post = NULL, alarmed_at = NULL, last_error = ?2
             WHERE id = ?1 AND state = 'approved'",
            params![held, reason],
        )?;
        self.enter_held(held, now, "brevdue", "found_at_release", reason)
    }

    /// The sender is to be told of this; once, however often it is asked for.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn tell(&self, held: i64, what: Telling, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT INTO held_telling (held, what, next_try_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![held, what.word(), now.timestamp()],
        )?;
        Ok(())
    }

    /// A person did something with a held mail that changes nothing about it: a line there, and in each of its cases.
    ///
    /// # Errors
    /// When the register cannot be written; it must not be done then.
    pub fn note(
        &self,
        held: &HeldRow,
        who: &str,
        event: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.enter_held(held.row, now, who, event, reason)?;
        for case in &held.cases {
            self.enter_by(case, now, who, event, reason)?;
        }
        Ok(())
    }

    /// A line in what was done about a held mail.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn enter_held(
        &self,
        held: i64,
        at: DateTime<Utc>,
        who: &str,
        event: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        debug_assert!(names::name(event).is_some(), "{event} has no name");
        self.db.execute(
            "INSERT INTO held_entry (held, ordinal, at, who, event, reason)
             SELECT ?1, 1 + coalesce(max(ordinal), 0), ?2, ?3, ?4, ?5 FROM held_entry WHERE held = ?1",
            params![held, at.timestamp(), who, event, reason],
        )?;
        Ok(())
    }

    fn cases_of(&self, held: i64) -> Result<Vec<HeldIn>, StoreError> {
        let sql = "SELECT case_id, message FROM held_case WHERE held = ?1 ORDER BY case_id";
        self.db.all(sql, params![held], |row| {
            Ok(HeldIn { case: super::read::case_id(&row.get::<String>(0)?)?, message: row.get(1)? })
        })
    }
}
