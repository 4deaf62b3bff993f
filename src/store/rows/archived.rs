//! What a mail of an archive is known by, and when it said that it was sent.

use super::{Opening, Recording, Store, StoreError, count, narrow, read, time};
use crate::case::detection::{Detection, Outcome};
use crate::case::{CaseId, State};
use crate::envelope::Verdict;
use crate::store::base::{AsParam, Param, Row, params};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// What the mails of a case that were found in archives say of their own days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many were found in archives.
    pub archived: u64,
    /// The earliest day that one says.
    pub first: Option<DateTime<Utc>>,
    /// The latest.
    pub last: Option<DateTime<Utc>>,
    /// How many say none that can be.
    pub undated: u64,
}

/// A mail that the register has, as copies of it are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMail {
    /// The case that it is in.
    pub case: CaseId,
    /// Its row.
    pub message: [u8; 16],
    /// The salt of the key that counts the persons of its case.
    pub salt: [u8; 16],
    /// Whether it left; one that was stopped is counted as left too once its case has become a breach.
    pub left: bool,
    /// Whether it went by a protected road instead: then there is a copy of it, and that proves nothing.
    pub rerouted: bool,
    /// Whether it was found in an archive, and not on its way.
    pub archived: bool,
    /// When it was found.
    pub at: DateTime<Utc>,
    /// When it says that it was sent; only of one that was found in an archive.
    pub sent_at: Option<DateTime<Utc>>,
    /// To which domains it is known to have gone; sorted.
    pub domains: Vec<String>,
}

impl KnownMail {
    /// A mail that was found on its way was sent about then: mail servers try for days, and an outbox may wait for weeks.
    const TRIED: TimeDelta = TimeDelta::days(30);

    /// Whether a mail that is known by the same says that it was sent when this one was. A sender may give two letters of
    /// different years one Message-ID. Where either says no day, nothing speaks against it.
    pub fn is_of(&self, sent_at: Option<DateTime<Utc>>) -> bool {
        match (sent_at, self.sent_at) {
            (None, _) => true,
            (Some(_), None) if self.archived => true,
            (Some(one), Some(other)) => one == other,
            (Some(one), None) => (one - self.at).abs() <= Self::TRIED,
        }
    }
}

/// What a copy of a known mail brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Its case was suspected, and is not any more.
    pub confirmed: bool,
    /// Whether the case was settled already and the copy says something new: a person is asked whether to reopen it.
    pub after: bool,
}

impl Recording<'_> {
    /// The mails that the register has of these, wherever they were found, by what a mail is known by. No attempt is
    /// counted: nobody sent it again. One question for all, since a server is far away.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn known_contents(
        &self,
        contents: &[[u8; 16]],
    ) -> Result<BTreeMap<[u8; 16], Vec<KnownMail>>, StoreError> {
        let mut known: BTreeMap<_, Vec<KnownMail>> = BTreeMap::new();
        for some in contents.chunks(Self::ASKED_AT_ONCE) {
            let places: Vec<String> = (1..=some.len()).map(|place| format!("?{place}")).collect();
            let sql = format!(
                "SELECT mail_content.content, detection.case_id, detection.message, breach_case.salt, detection.outcome,
                     breach_case.aware_at, detection.verdict, mail_content.archived, detection.at,
                     mail_content.sent_at, detection.recipient_domains
                 FROM mail_content JOIN detection ON detection.message = mail_content.message
                     JOIN breach_case ON breach_case.id = detection.case_id
                 WHERE mail_content.content IN ({}) ORDER BY detection.id",
                places.join(", ")
            );
            let asked: Vec<Param<'_>> = some.iter().map(AsParam::param).collect();
            let rows = self.db.all(&sql, &asked, |row| {
                let domains: String = row.get(10)?;
                let mail = KnownMail {
                    case: read::case_id(&row.get::<String>(1)?)?,
                    message: row.get(2)?,
                    salt: row.get(3)?,
                    left: row.get::<String>(4)? == "delivered" || row.get::<Option<i64>>(5)?.is_some(),
                    rerouted: row.get::<String>(6)? == Verdict::Reroute.word(),
                    archived: row.get(7)?,
                    at: time(row.get(8)?),
                    sent_at: row.get::<Option<i64>>(9)?.map(time),
                    domains: domains.split_ascii_whitespace().map(str::to_owned).collect(),
                };
                Ok((row.get(0)?, mail))
            })?;
            for (content, mail) in rows {
                known.entry(content).or_default().push(mail);
            }
        }
        Ok(known)
    }

    /// A further copy of a known mail that left. What is stricter in it counts: a certain finding ends a suspicion, its
    /// recipients are added to the mail's row, and so are `new` persons, that the case did not have. `reached` is how many
    /// recipients the copy went to whose domains the row does not have.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn add_copy(
        &self,
        known: &KnownMail,
        copy: &Detection,
        reached: u64,
        new: usize,
    ) -> Result<Brought, StoreError> {
        let case = known.case.as_str();
        let sql = "SELECT state, hits_after FROM breach_case WHERE id = ?1";
        let (word, hits): (String, i64) =
            self.db.one(sql, params![case], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let state = read::state(&word)?;
        let confirmed = self.move_on(&known.case, state, copy)? != state;
        // What was refuted was never certain until now.
        let is_news = state == State::NoBreach && copy.outcome == Outcome::Delivered { certain: true };
        let after = state.is_settled() && (is_news || new > 0);
        // The same copy, read once more, is no further hit.
        if after && (new > 0 || hits == 0) {
            self.hit_after(&known.case, copy.at, (0, 0))?;
        }
        if reached > 0 {
            let mut domains: BTreeSet<&str> = known.domains.iter().map(String::as_str).collect();
            domains.extend(copy.recipient_domains.iter().map(String::as_str));
            let domains: Vec<&str> = domains.into_iter().collect();
            self.db.execute(
                "UPDATE detection SET recipient_domains = ?2, recipients = recipients + ?3 WHERE message = ?1",
                params![known.message, domains.join(" "), narrow(reached)],
            )?;
        }
        if new > 0 {
            let new = narrow(new as u64);
            self.db.execute(
                "UPDATE detection SET persons = persons + ?2 WHERE message = ?1",
                params![known.message, new],
            )?;
            let sql = "UPDATE breach_case SET records = records + ?2 WHERE id = ?1";
            self.db.execute(sql, params![case, new])?;
        }
        Ok(Brought { confirmed, after })
    }

    const ASKED_AT_ONCE: usize = 500;

    /// When the newest line was written of the case with this grouping, or of this case.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn newest_line(
        &self,
        grouping: [u8; 16],
        case: Option<&CaseId>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let of = |row: &Row| Ok(row.get::<Option<i64>>(0)?.map(time));
        if let Some(case) = case {
            let sql = "SELECT max(at) FROM register_entry WHERE case_id = ?1";
            return self.db.one(sql, params![case.as_str()], of);
        }
        let sql = "SELECT max(register_entry.at) FROM register_entry
                   JOIN breach_case ON breach_case.id = register_entry.case_id
                   WHERE breach_case.grouping = ?1";
        self.db.one(sql, params![grouping], of)
    }

    /// Opens the case that this detection belongs to, when there is none, and adds nothing to it; its number then. So that
    /// its number is this case's for good before numbers are sealed under it.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn open_for(
        &self,
        detection: &Detection,
        opening: &Opening<'_>,
    ) -> Result<Option<CaseId>, StoreError> {
        let sql = "SELECT 1 FROM breach_case WHERE grouping = ?1";
        let is_there = self.db.first(sql, params![opening.grouping], |_| Ok(()))?.is_some();
        if is_there {
            return Ok(None);
        }
        let (case, _) = self.begin(detection, opening)?;
        let reason = "fundet i et arkiv med gammel post; hvornår mailene blev sendt, siger de selv";
        self.enter(&case, detection.at, "archived", None, None, reason)?;
        Ok(Some(case))
    }

    /// Notes by what copies of a recorded mail are known.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn note_content(&self, message: &[u8; 16], content: &[u8; 16]) -> Result<(), StoreError> {
        self.add_content(message, content, false, None)
    }

    /// The same for a mail that was found in an archive, and when it says that it was sent.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn note_archived(
        &self,
        message: &[u8; 16],
        content: &[u8; 16],
        sent_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        self.add_content(message, content, true, sent_at)
    }

    /// Notes when a mail that was found in an archive was sent, where it did not say so itself and a copy does.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn date_archived(&self, message: &[u8; 16], sent_at: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "UPDATE mail_content SET sent_at = ?2
                   WHERE message = ?1 AND archived = 1 AND sent_at IS NULL";
        self.db.later(sql, params![message, sent_at.timestamp()])
    }

    /// Notes what stood beside the numbers in a further copy of a mail of this case. A word that the case has already may be
    /// that mail's, so that only those that are new to the case count.
    ///
    /// # Errors
    /// When the register cannot be written.
    pub fn note_beside(&self, case: &CaseId, words: &[&str]) -> Result<(), StoreError> {
        for word in words {
            let sql = "INSERT INTO case_beside (case_id, word, mails) VALUES (?1, ?2, 1)
                       ON CONFLICT (case_id, word) DO NOTHING";
            self.db.later(sql, params![case.as_str(), word])?;
        }
        Ok(())
    }

    fn add_content(
        &self,
        message: &[u8; 16],
        content: &[u8; 16],
        archived: bool,
        sent_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO mail_content (message, content, archived, sent_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (message) DO NOTHING";
        let sent_at = sent_at.map(|at| at.timestamp());
        self.db.later(sql, params![message, content, archived, sent_at])
    }
}

impl Store {
    /// What the mails of a case that were found in archives say of when they were sent.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn sent(&self, case: &CaseId) -> Result<Sent, StoreError> {
        let sql = "SELECT count(*), min(mail_content.sent_at), max(mail_content.sent_at), count(mail_content.sent_at)
                   FROM mail_content JOIN detection ON detection.message = mail_content.message
                   WHERE detection.case_id = ?1 AND mail_content.archived = 1";
        self.db()?.one(sql, params![case.as_str()], |row| {
            let archived = count(row.get(0)?);
            let at = |at: Option<i64>| at.map(time);
            let dated = count(row.get(3)?);
            Ok(Sent {
                archived,
                first: at(row.get(1)?),
                last: at(row.get(2)?),
                undated: archived.saturating_sub(dated),
            })
        })
    }
}
