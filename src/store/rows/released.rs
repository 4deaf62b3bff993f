//! One mail of many that is let out in the clear, by a decision or by hand past us: it leaves its near miss for a breach case of its own.
//!
//! A near miss may hold all that a template wrote for years. Of these one left, so one is notified: the case of a released
//! mail has that mail's persons and records and no others, and the near miss stays one, without a clock, with what is
//! left in it. What counts where:
//!
//! | | the near miss | the released mail's case |
//! |---|---|---|
//! | the mail's row, with its deliveries and by what copies of it are known | no more | here, as delivered |
//! | mails, records, what else stood in them | less this one | of the released mails |
//! | persons | those who stand in a mail that is left | those of the released mails, under the near miss' key |
//! | clock | none | aware at the decision; one for all released while it is open |
//!
//! The next mail released from that near miss joins the case while it is open, and opens another when it is settled. A near
//! miss that had the mail alone becomes the breach itself (`breach.rs`), and so does, with all its mails, one of which it is
//! not known which of them the held one is. Start reading at `let_out`. Tests: `tests/register/released.rs`.

use super::breach::ungrouped;
use super::record::{Entering, Recording};
use super::{StoreError, read};
use crate::case::deadline::Deadline;
use crate::case::replay::{FIRST_REGIME, clock_detail};
use crate::case::{CaseId, State};
use crate::store::base::params;
use crate::store::held::HeldIn;
use chrono::{DateTime, Utc};

/// Who let it out, and why.
struct Decided<'a> {
    now: DateTime<Utc>,
    by: &'a str,
    event: &'a str,
    why: &'a str,
}

impl Recording<'_> {
    /// Keeps who stands in a message that is held, and what else, until it is released or discarded: by the key of its case.
    /// Kept twice it is kept once.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn note_held(
        &self,
        message: &[u8; 16],
        digests: &[[u8; 16]],
        beside: &[&str],
    ) -> Result<(), StoreError> {
        let person = "INSERT INTO held_person (message, digest) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        for digest in digests {
            self.db.execute(person, params![message, digest])?;
        }
        let word = "INSERT INTO held_beside (message, word) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        for one in beside {
            self.db.execute(word, params![message, *one])?;
        }
        Ok(())
    }

    /// A held mail was let out in the clear: it is a breach from this moment (facts of the law, "Awareness" 4). Returns the case
    /// whose clock began by it. Where the mail stands in a breach already, that has its line and nothing else: its clock runs.
    pub(super) fn let_out(
        &self,
        one: &HeldIn,
        now: DateTime<Utc>,
        by: &str,
        event: &str,
        why: &str,
    ) -> Result<Option<CaseId>, StoreError> {
        let case = &one.case;
        let (aware, mails): (Option<i64>, i64) = self.db.one(
            "SELECT aware_at, mails FROM breach_case WHERE id = ?1",
            params![case.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if aware.is_some() {
            self.enter_by(case, now, by, event, why)?;
            return Ok(None);
        }
        match &one.message {
            Some(message) if mails > 1 => self.part(case, message, &Decided { now, by, event, why }),
            message => {
                self.breach(case, now, by, event, why)?;
                match message {
                    Some(message) => self.delivered(message, case)?,
                    None if mails > 1 => {
                        let reason = format!(
                            "hvilken af sagens {mails} mails der er frigivet, er ikke kendt: hele sagen er nu et brud"
                        );
                        self.enter(case, now, "breach_whole", None, None, &reason)?;
                    }
                    None => {}
                }
                Ok(Some(case.clone()))
            }
        }
    }

    /// Takes a message out of its near miss.
    fn part(
        &self,
        near: &CaseId,
        message: &[u8; 16],
        decided: &Decided<'_>,
    ) -> Result<Option<CaseId>, StoreError> {
        let &Decided { now, by, event, why } = decided;
        let joined = self.open_case_out_of(near)?;
        let is_new = joined.is_none();
        let case = match joined {
            Some(case) => case,
            None => self.open_out_of(near, message, now)?,
        };
        self.delivered(message, &case)?;
        self.move_counts(near, &case, message)?;
        let are_parted = self.move_persons(near, &case, message)?;
        self.move_beside(near, &case, message)?;
        // Whatever else waits of this message stands where the message stands.
        self.db.execute(
            "UPDATE held_case SET case_id = ?3 WHERE message = ?2 AND case_id = ?1",
            params![near.as_str(), message, case.as_str()],
        )?;
        self.forget_held(message)?;
        if is_new {
            let (how, since) =
                if by == "brevdue" { ("sluppet ud", "nu") } else { ("frigivet", "beslutningen") };
            let reason = format!(
                "en mail, der var holdt tilbage i {near}, er {how} ukrypteret; bekendt med bruddet fra {since} (artikel 33, stk. 1)"
            );
            self.enter_whole(&Entering {
                case: &case,
                at: now,
                who: "brevdue",
                event: "opened",
                from: None,
                to: Some(State::RELEASED),
                reason: &reason,
                detail: &clock_detail(now, Deadline::from_awareness(now).at(), FIRST_REGIME),
            })?;
        }
        for (of, word, other) in [(near, "moved_to", &case), (&case, "moved_from", near)] {
            let detail = serde_json::json!({ word: other.as_str() }).to_string();
            let line = Entering {
                case: of,
                at: now,
                who: by,
                event,
                from: None,
                to: None,
                reason: why,
                detail: &detail,
            };
            self.enter_whole(&line)?;
        }
        if !are_parted {
            let reason = format!(
                "hvem der står i den frigivne mail, er talt og ikke kendt: {near} tæller dem stadig, og {case} tæller dem for sig"
            );
            for of in [near, &case] {
                self.enter(of, now, "persons_unknown", None, None, &reason)?;
            }
        }
        if is_new {
            self.plan_opening(&case, now)?;
        }
        Ok(is_new.then_some(case))
    }

    /// The case of mail that was released from this near miss before, unless it is settled.
    fn open_case_out_of(&self, near: &CaseId) -> Result<Option<CaseId>, StoreError> {
        let released = self.db.all(
            "SELECT c.id, c.state FROM released_case r JOIN breach_case c ON c.id = r.case_id
             WHERE r.near_miss = ?1 ORDER BY c.aware_at DESC, c.id DESC",
            params![near.as_str()],
            |row| Ok((read::case_id(&row.get::<String>(0)?)?, read::state(&row.get::<String>(1)?)?)),
        )?;
        Ok(released.into_iter().find(|(_, state)| !state.is_settled()).map(|(case, _)| case))
    }

    /// Opens the case of a message that leaves a near miss: of the same incident, controller and DPO, and with the same key, so that
    /// its persons are told from others. No message joins it but those that are released as this one is. Its numbers are
    /// sealed when the mail is sent; where they cannot be, that says so ([`Self::unsealed`]).
    fn open_out_of(
        &self,
        near: &CaseId,
        message: &[u8; 16],
        now: DateTime<Utc>,
    ) -> Result<CaseId, StoreError> {
        let case = self.next_id(now)?;
        let found: i64 =
            self.db.one("SELECT at FROM detection WHERE message = ?1", params![message], |row| row.get(0))?;
        let (incident, cvr, name, dpo, salt): (i64, String, String, String, [u8; 16]) = self.db.one(
            "SELECT incident, controller_cvr, controller_name, dpo, salt FROM breach_case WHERE id = ?1",
            params![near.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )?;
        self.db.execute(
            "INSERT INTO breach_case (id, incident, grouping, controller_cvr, controller_name, dpo, state,
                 detected_at, aware_at, deadline, salt, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)",
            params![
                case.as_str(),
                incident,
                ungrouped()?,
                cvr,
                name,
                dpo,
                State::RELEASED.word(),
                found,
                now.timestamp(),
                Deadline::from_awareness(now).at().timestamp(),
                salt
            ],
        )?;
        self.db.execute(
            "INSERT INTO released_case (case_id, near_miss) VALUES (?1, ?2)",
            params![case.as_str(), near.as_str()],
        )?;
        Ok(case)
    }

    /// The message left, and stands in this case.
    fn delivered(&self, message: &[u8; 16], case: &CaseId) -> Result<(), StoreError> {
        let sql = "UPDATE detection SET case_id = ?2, outcome = 'delivered' WHERE message = ?1";
        self.db.execute(sql, params![message, case.as_str()]).map(drop)
    }

    fn move_counts(&self, near: &CaseId, case: &CaseId, message: &[u8; 16]) -> Result<(), StoreError> {
        let (at, persons, exact): (i64, i64, bool) = self.db.one(
            "SELECT at, persons, persons_exact FROM detection WHERE message = ?1",
            params![message],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        self.db.execute(
            "UPDATE breach_case SET mails = mails + 1, records = records + ?2,
                 persons_exact = CASE WHEN ?3 = 0 THEN 0 ELSE persons_exact END,
                 detected_at = CASE WHEN detected_at < ?4 THEN detected_at ELSE ?4 END,
                 first_at = CASE WHEN first_at < ?4 THEN first_at ELSE ?4 END,
                 last_at = CASE WHEN last_at > ?4 THEN last_at ELSE ?4 END
             WHERE id = ?1",
            params![case.as_str(), persons, exact, at],
        )?;
        self.db.execute(
            "UPDATE breach_case SET mails = mails - 1, records = records - ?2,
                 persons_exact = coalesce((SELECT min(persons_exact) FROM detection WHERE case_id = ?1), 1),
                 first_at = (SELECT min(at) FROM detection WHERE case_id = ?1),
                 last_at = (SELECT max(at) FROM detection WHERE case_id = ?1)
             WHERE id = ?1",
            params![near.as_str(), persons],
        )?;
        Ok(())
    }

    /// The message's persons are the case's, and no more the near miss' where they stood in none of its other messages. Of a
    /// message whose persons were not kept the number is known: whether they could be parted.
    fn move_persons(&self, near: &CaseId, case: &CaseId, message: &[u8; 16]) -> Result<bool, StoreError> {
        let (counted, kept): (i64, i64) = self.db.one(
            "SELECT persons, (SELECT count(*) FROM held_person h WHERE h.message = d.message)
             FROM detection d WHERE d.message = ?1",
            params![message],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if kept == 0 {
            self.count_persons(case, usize::try_from(counted).unwrap_or(0))?;
            return Ok(counted == 0);
        }
        let new = self.db.execute(
            "INSERT INTO person (case_id, digest, mails) SELECT ?1, digest, 1 FROM held_person WHERE message = ?2
             ON CONFLICT DO NOTHING",
            params![case.as_str(), message],
        )?;
        self.count_persons(case, new)?;
        let of = "case_id = ?1 AND digest IN (SELECT digest FROM held_person WHERE message = ?2)";
        self.db.execute(
            &format!("UPDATE person SET mails = mails - 1 WHERE {of} AND mails > 0"),
            params![near.as_str(), message],
        )?;
        let gone = self.db.execute(
            &format!("DELETE FROM person WHERE {of} AND mails = 0"),
            params![near.as_str(), message],
        )?;
        self.db.execute(
            "UPDATE breach_case SET persons = persons - ?2 WHERE id = ?1",
            params![near.as_str(), super::narrow(gone as u64)],
        )?;
        Ok(true)
    }

    fn move_beside(&self, near: &CaseId, case: &CaseId, message: &[u8; 16]) -> Result<(), StoreError> {
        let sql = "SELECT word FROM held_beside WHERE message = ?1 ORDER BY word";
        let words: Vec<String> = self.db.all(sql, params![message], |row| row.get(0))?;
        for word in &words {
            self.db.execute(
                "UPDATE case_beside SET mails = mails - 1 WHERE case_id = ?1 AND word = ?2",
                params![near.as_str(), word],
            )?;
        }
        let none = "DELETE FROM case_beside WHERE case_id = ?1 AND mails <= 0";
        self.db.execute(none, params![near.as_str()])?;
        self.add_beside(case, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Nobody asks any more who stands in this message.
    fn forget_held(&self, message: &[u8; 16]) -> Result<(), StoreError> {
        for table in ["held_person", "held_beside"] {
            self.db.execute(&format!("DELETE FROM {table} WHERE message = ?1"), params![message])?;
        }
        Ok(())
    }

    /// A held mail is done with: what was kept of its messages goes, unless the same message is held a second time.
    pub(super) fn forget_settled(&self, held: i64) -> Result<(), StoreError> {
        let messages = self.db.all(
            "SELECT c.message FROM held_case c WHERE c.held = ?1 AND c.message IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM held_case o JOIN held h ON h.id = o.held
                                 WHERE o.message = c.message AND h.state IN ('waiting', 'approved'))",
            params![held],
            |row| row.get::<[u8; 16]>(0),
        )?;
        messages.iter().try_for_each(|message| self.forget_held(message))
    }

    /// Whether this machine is to begin the evidence of this case before it seals numbers to it: once, and only of a case
    /// that a release has opened. It is to be begun within this transaction.
    ///
    /// # Errors
    /// When the register cannot be written; nothing may be sealed then.
    pub fn evidence_begins(&self, case: &CaseId, node: &str) -> Result<bool, StoreError> {
        let begun = self.db.execute(
            "INSERT INTO evidence_begun (case_id, node) SELECT case_id, ?2 FROM released_case WHERE case_id = ?1
             ON CONFLICT DO NOTHING",
            params![case.as_str(), node],
        )?;
        Ok(begun > 0)
    }

    /// Numbers of this case left, and are not sealed to anybody: those persons cannot be written to by them.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn unsealed(&self, case: &CaseId) -> Result<(), StoreError> {
        let sql = "UPDATE breach_case SET sealed = 0 WHERE id = ?1";
        self.db.execute(sql, params![case.as_str()]).map(drop)
    }
}
