//! What a message changes: its case, its row, its persons, the register's lines and the notices to come.

use super::chain::chain_on;
use super::{StoreError, narrow};
use crate::case::chain::Content;
use crate::case::detection::{Detection, Outcome};
use crate::case::incident::Source;
use crate::case::milestone::{self, Planning};
use crate::case::regime::Regime;
use crate::case::replay::clock_detail;
use crate::case::{CaseId, Kind, State, event as names};
use crate::envelope::Controller;
use crate::store::base::{AsParam, Db, Run, params};
use chrono::{DateTime, Datelike, Utc};
use std::collections::BTreeSet;

/// A transaction in which one message is recorded.
pub struct Recording<'a> {
    pub(super) db: Db<'a>,
    pub(super) planning: &'a Planning,
}

/// The case that a detection joined or opened.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Its number.
    pub case: CaseId,
    /// The salt of the key that counts its persons.
    pub salt: [u8; 16],
    /// Whether this detection opened it.
    pub opened: bool,
    /// Where it stands now.
    pub state: State,
    /// How often the message has come; above 1 nothing else was changed.
    pub attempts: u64,
    /// The message's keyed digest.
    pub message: [u8; 16],
}

/// What the register has of a message that is to be recorded.
enum Found {
    /// The message itself, in this case.
    Message(CaseId),
    /// The case that it belongs to: its number, its salt, and where it stands.
    Case(CaseId, [u8; 16], State),
    Nothing,
}

/// A line that is to be entered.
pub(super) struct Entering<'a> {
    pub(super) case: &'a CaseId,
    pub(super) at: DateTime<Utc>,
    pub(super) who: &'a str,
    pub(super) event: &'a str,
    pub(super) from: Option<State>,
    pub(super) to: Option<State>,
    pub(super) reason: &'a str,
    pub(super) detail: &'a str,
}

/// What a new case needs besides its first detection.
pub struct Opening<'a> {
    /// Who answers for the mail.
    pub controller: &'a Controller,
    /// Which system sent it.
    pub source: Option<&'a Source>,
    /// Keyed digest of the cause: cases of several controllers have it in common.
    pub root: [u8; 16],
    /// Keyed digest of what belongs together.
    pub grouping: [u8; 16],
    /// Random, for the key that counts its persons.
    pub salt: [u8; 16],
}

impl<'a> Recording<'a> {
    pub(super) fn new(run: &'a dyn Run, planning: &'a Planning) -> Self {
        Self { db: Db::Within(run), planning }
    }

    /// Puts a detection into the case it belongs to, opening the case when there is none. A message that came
    /// before only raises its attempts.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn join(&self, detection: &Detection, opening: &Opening<'_>) -> Result<Joined, StoreError> {
        let (case, salt, state, opened) = match self.find(detection, opening.grouping)? {
            Found::Message(case) => return self.come_again(detection, &case),
            Found::Case(case, salt, state) => {
                let state = self.move_on(&case, state, detection)?;
                // One whose mails were all returned begins anew.
                let state = self.leaves(&case, state, detection.outcome, detection.at)?;
                (case, salt, state, false)
            }
            Found::Nothing => {
                let (case, salt) = self.begin(detection, opening)?;
                (case, salt, State::opened_by(detection.outcome), true)
            }
        };
        if !opened && state.is_settled() && detection.outcome != Outcome::Stopped {
            self.hit_after(&case, detection.at, (1, detection.persons))?;
        }
        self.db.later(
            "INSERT INTO detection (case_id, message, at, queue_id, verdict, outcome, sender_domain,
                 recipient_domains, recipients, findings, persons, persons_exact)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                case.as_str(),
                detection.message,
                detection.at.timestamp(),
                detection.queue_id.as_ref().map(crate::envelope::QueueId::as_str),
                detection.verdict.word(),
                detection.outcome.word(),
                detection.sender_domain,
                detection.recipient_domains.join(" "),
                narrow(detection.recipients),
                narrow(detection.findings),
                narrow(detection.persons),
                detection.persons_exact,
            ],
        )?;
        let at = detection.at.timestamp();
        self.db.later(
            "UPDATE breach_case SET mails = mails + 1, records = records + ?2,
                 persons_exact = CASE WHEN ?3 = 0 THEN 0 ELSE persons_exact END,
                 sealed = CASE WHEN ?4 = 0 THEN 0 ELSE sealed END,
                 first_at = CASE WHEN first_at < ?5 THEN first_at ELSE ?5 END,
                 last_at = CASE WHEN last_at > ?5 THEN last_at ELSE ?5 END
             WHERE id = ?1",
            params![
                case.as_str(),
                narrow(detection.persons),
                detection.persons_exact,
                opening.controller.dpo_key.is_some(),
                at
            ],
        )?;
        self.follow(detection, None)?;
        Ok(Joined { case, salt, opened, state, attempts: 1, message: detection.message })
    }

    /// The case has these persons more.
    pub(super) fn count_persons(&self, case: &CaseId, new: usize) -> Result<(), StoreError> {
        if new > 0 {
            self.db.later(
                "UPDATE breach_case SET persons = persons + ?2 WHERE id = ?1",
                params![case.as_str(), narrow(new as u64)],
            )?;
        }
        Ok(())
    }

    /// Whether a message came before, and if not, the case that it belongs to: one question, while others wait for the answer.
    fn find(&self, detection: &Detection, grouping: [u8; 16]) -> Result<Found, StoreError> {
        let sql = "SELECT (SELECT case_id FROM detection WHERE message = ?1), id, salt, state
                   FROM (SELECT 1) one LEFT JOIN breach_case ON grouping = ?2";
        self.db.one(sql, params![detection.message, grouping], |row| {
            if let Some(case) = row.get::<Option<String>>(0)? {
                return Ok(Found::Message(super::read::case_id(&case)?));
            }
            let Some(id) = row.get::<Option<String>>(1)? else { return Ok(Found::Nothing) };
            let state = super::read::state(&row.get::<String>(3)?)?;
            Ok(Found::Case(super::read::case_id(&id)?, row.get(2)?, state))
        })
    }

    /// Opens the case that a detection belongs to: its number and its salt.
    pub(super) fn begin(
        &self,
        detection: &Detection,
        opening: &Opening<'_>,
    ) -> Result<(CaseId, [u8; 16]), StoreError> {
        // Persons of promises that may be broken are counted under the salt that the case then has.
        let salt = self.take_promise_salt(opening.grouping)?.unwrap_or(opening.salt);
        Ok((self.open(detection, &Opening { salt, ..*opening })?, salt))
    }

    /// Counts a message of which not all was read, under each of these kinds.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn tally_unread(&self, at: DateTime<Utc>, kinds: &[&str], verdict: &str) -> Result<(), StoreError> {
        for kind in kinds {
            self.db.execute(
                "INSERT INTO unread_tally (day, kind, verdict, messages) VALUES (?1, ?2, ?3, 1)
                 ON CONFLICT (day, kind, verdict) DO UPDATE SET messages = unread_tally.messages + 1",
                params![at.timestamp().div_euclid(86_400), kind, verdict],
            )?;
        }
        Ok(())
    }

    /// Counts what else stood in a message of this case; each word once a message.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn add_beside(&self, case: &CaseId, words: &[&str]) -> Result<(), StoreError> {
        let [_, ..] = words else { return Ok(()) };
        let rows: Vec<String> = (2..words.len() + 2).map(|at| format!("(?1, ?{at}, 1)")).collect();
        let sql = format!(
            "INSERT INTO case_beside (case_id, word, mails) VALUES {}
             ON CONFLICT (case_id, word) DO UPDATE SET mails = case_beside.mails + 1",
            rows.join(", ")
        );
        let mut params = vec![case.as_str().param()];
        params.extend(words.iter().map(AsParam::param));
        self.db.later(&sql, &params)
    }

    /// Adds the persons of a message to a case; returns the positions of those it did not have yet. Of a near miss it is
    /// counted in how many messages each stands: a message may leave it again (`released.rs`).
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn add_persons(&self, case: &CaseId, digests: &[[u8; 16]]) -> Result<Vec<usize>, StoreError> {
        /// So many in one statement.
        const AT_ONCE: usize = 64;
        let different: Vec<&[u8; 16]> = digests.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut new = BTreeSet::new();
        for some in different.chunks(AT_ONCE) {
            let rows: Vec<String> = (2..some.len() + 2).map(|at| format!("(?1, ?{at}, 1)")).collect();
            let sql = format!(
                "INSERT INTO person (case_id, digest, mails) VALUES {}
                 ON CONFLICT (case_id, digest) DO UPDATE SET mails = person.mails + 1
                 WHERE EXISTS (SELECT 1 FROM breach_case WHERE id = ?1 AND aware_at IS NULL)
                 RETURNING digest, mails",
                rows.join(", ")
            );
            let mut params = vec![case.as_str().param()];
            params.extend(some.iter().map(AsParam::param));
            let rows = self
                .db
                .all(&sql, &params, |row| Ok((row.get::<[u8; 16]>(0)?, row.get::<Option<i64>>(1)?)))?;
            // One of before stands in nobody knows how many.
            new.extend(rows.into_iter().filter(|(_, mails)| *mails == Some(1)).map(|(digest, _)| digest));
        }
        self.count_persons(case, new.len())?;
        // The first place of each.
        Ok((0..digests.len()).filter(|at| digests.get(*at).is_some_and(|one| new.remove(one))).collect())
    }

    /// A message of this case comes again.
    fn come_again(&self, detection: &Detection, case: &CaseId) -> Result<Joined, StoreError> {
        let sql =
            "UPDATE detection SET attempts = attempts + 1 WHERE message = ?1 RETURNING attempts, queue_id";
        let (attempts, first): (i64, Option<String>) =
            self.db.one(sql, params![detection.message], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.follow(detection, first.as_deref())?;
        let sql = "SELECT salt, state FROM breach_case WHERE id = ?1";
        let (salt, state) =
            self.db.one(sql, params![case.as_str()], |row| Ok((row.get(0)?, row.get::<String>(1)?)))?;
        let mut state = super::read::state(&state)?;
        if detection.outcome != Outcome::Stopped {
            // It was refused before: `returned.rs`.
            state = self.leaves(case, state, detection.outcome, detection.at)?;
            self.db.execute(
                "UPDATE detection SET outcome = 'delivered' WHERE message = ?1 AND outcome = 'stopped'",
                params![detection.message],
            )?;
        }
        Ok(Joined {
            case: case.clone(),
            salt,
            opened: false,
            state,
            attempts: super::count(attempts),
            message: detection.message,
        })
    }

    fn open(&self, detection: &Detection, opening: &Opening<'_>) -> Result<CaseId, StoreError> {
        let at = detection.at;
        let source = opening.source;
        self.db.execute(
            "INSERT INTO incident (source, vendor, opened_at, root) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (root) WHERE root IS NOT NULL DO NOTHING",
            params![
                source.map(|s| &s.name),
                source.and_then(|s| s.vendor.as_ref()),
                at.timestamp(),
                opening.root
            ],
        )?;
        let incident: i64 =
            self.db
                .one("SELECT id FROM incident WHERE root = ?1", params![opening.root], |row| row.get(0))?;
        let case = self.next_id(at)?;
        let state = State::opened_by(detection.outcome);
        let regime = regime(at)?;
        let deadline = (state.kind() == Kind::Breach).then(|| regime.deadline(at));
        let controller = opening.controller;
        self.db.execute(
            "INSERT INTO breach_case (id, incident, grouping, controller_cvr, controller_name, dpo, state,
                 detected_at, aware_at, deadline, salt, sealed, regime)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                case.as_str(),
                incident,
                opening.grouping,
                controller.cvr,
                controller.name,
                controller.dpo,
                state.word(),
                at.timestamp(),
                deadline.map(|_| at.timestamp()),
                deadline.map(|deadline| deadline.timestamp()),
                opening.salt,
                controller.dpo_key.is_some(),
                regime.id,
            ],
        )?;
        let reason = match state {
            State::NearMiss => {
                "afvist, holdt tilbage, spurgt om før afsendelsen eller sendt ad en beskyttet vej i stedet"
            }
            State::Suspected => {
                "mailen har måske forladt huset med et ukrypteret CPR-nummer; fristen regnes fra fundet (artikel 33, stk. 1)"
            }
            State::Assessing
            | State::NotifiedPreliminary
            | State::NotifiedFinal
            | State::DocumentedOnly
            | State::NoBreach
            | State::Closed => {
                "mailen har forladt huset ukrypteret; bekendt med bruddet fra fundet (artikel 33, stk. 1)"
            }
        };
        let detail = deadline.map(|_| clock_detail(at, regime)).unwrap_or_default();
        self.enter_whole(&Entering {
            case: &case,
            at,
            who: "brevdue",
            event: "opened",
            from: None,
            to: Some(state),
            reason,
            detail: &detail,
        })?;
        self.plan_opening(&case, at)?;
        Ok(case)
    }

    /// The state after a further detection; a change is an entry in the register.
    pub(super) fn move_on(
        &self,
        case: &CaseId,
        state: State,
        detection: &Detection,
    ) -> Result<State, StoreError> {
        let next = state.joined_by(detection.outcome);
        if next != state {
            self.db.execute(
                "UPDATE breach_case SET state = ?2 WHERE id = ?1",
                params![case.as_str(), next.word()],
            )?;
            let reason = "et sikkert fund har forladt huset ad en vej, der vides at være ubeskyttet";
            self.enter(case, detection.at, "confirmed", Some(state), Some(next), reason)?;
        }
        Ok(next)
    }

    /// A number is never given twice, also when its case was erased, or taken out of the tables by hand.
    pub(super) fn next_id(&self, at: DateTime<Utc>) -> Result<CaseId, StoreError> {
        let year = at.with_timezone(&chrono_tz::Europe::Copenhagen).year();
        let highest: Option<i64> = self.db.one(
            "SELECT max(CAST(substr(id, 10) AS BIGINT))
             FROM (SELECT id FROM breach_case UNION ALL SELECT case_id FROM tombstone) known WHERE substr(id, 1, 9) = ?1",
            params![format!("BRV-{year:04}-")],
            |row| row.get(0),
        )?;
        let mut next = highest.unwrap_or(0);
        loop {
            next += 1;
            let case = CaseId::new(year, u32::try_from(next).unwrap_or(u32::MAX));
            let known = self.db.first(
                "SELECT 1 FROM register_link WHERE case_id = ?1 UNION ALL SELECT 1 FROM anchor_head WHERE case_id = ?1
                 UNION ALL SELECT 1 FROM register_entry WHERE case_id = ?1 LIMIT 1",
                params![case.as_str()],
                |_| Ok(()),
            )?;
            if known.is_none() {
                return Ok(case);
            }
        }
    }

    pub(super) fn enter(
        &self,
        case: &CaseId,
        at: DateTime<Utc>,
        event: &str,
        from: Option<State>,
        to: Option<State>,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.enter_as(case, at, "brevdue", event, from, to, reason)
    }

    /// A line of a person's, or of ours in a person's name.
    pub(super) fn enter_by(
        &self,
        case: &CaseId,
        at: DateTime<Utc>,
        who: &str,
        event: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.enter_as(case, at, who, event, None, None, reason)
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a line")]
    pub(super) fn enter_as(
        &self,
        case: &CaseId,
        at: DateTime<Utc>,
        who: &str,
        event: &str,
        from: Option<State>,
        to: Option<State>,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.enter_whole(&Entering { case, at, who, event, from, to, reason, detail: "" })
    }

    /// Enters a line, and its link in the chain of the case.
    pub(super) fn enter_whole(&self, line: &Entering<'_>) -> Result<(), StoreError> {
        let Entering { case, at, who, event, from, to, reason, detail } = *line;
        debug_assert!(names::name(event).is_some(), "{event} has no name");
        let before = self.db.first(
            "SELECT ordinal, chain FROM register_link WHERE case_id = ?1 ORDER BY ordinal DESC LIMIT 1",
            params![case.as_str()],
            |row| Ok((row.get::<i64>(0)?, row.get::<[u8; 32]>(1)?)),
        )?;
        let (last, head) = before.unwrap_or_default();
        let content = Content {
            case: case.as_str(),
            ordinal: last + 1,
            at: at.timestamp(),
            who,
            event,
            from: from.map(State::word).unwrap_or_default(),
            to: to.map(State::word).unwrap_or_default(),
            reason,
            detail,
        };
        self.db.execute(
            "INSERT INTO register_entry (case_id, ordinal, at, who, event, from_state, to_state, reason, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                case.as_str(),
                content.ordinal,
                content.at,
                who,
                event,
                from.map(State::word),
                to.map(State::word),
                reason,
                detail
            ],
        )?;
        chain_on(&self.db, &content, &head).map(drop)
    }

    /// Somebody is to be told; planned twice it is one telling.
    pub(super) fn notice(
        &self,
        case: &CaseId,
        milestone: milestone::Milestone,
        ordinal: i64,
        clock_version: i64,
        recipient: &str,
        due: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT INTO notice (case_id, milestone, ordinal, clock_version, recipient, channel, due_at, next_try_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 'mail', ?6, ?6) ON CONFLICT DO NOTHING",
            params![case.as_str(), milestone.word(), ordinal, clock_version, recipient, due.timestamp()],
        )?;
        Ok(())
    }
}

/// The law under which a case of this moment is opened.
pub(super) fn regime(aware: DateTime<Utc>) -> Result<&'static Regime, StoreError> {
    Regime::for_awareness(aware)
        .ok_or_else(|| StoreError::Unreadable { what: "regime", value: aware.to_rfc3339() })
}
