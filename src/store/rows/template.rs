//! The templates of source systems, by which mails of one cause are known.
//!
//! What a process has met it keeps in memory; the register is asked for what others have met since, and written when a letter
//! is new or has something to learn: a few times for each letter, and never for a mail of one that is known. What is like no
//! letter is read for outside of the transaction that mails wait for. Start reading at [`Store::template`].

use super::{Store, StoreError};
use crate::case::template::{Letter, Mark, MarkBytes, Template, Templates};
use crate::store::base::{Db, params};
use chrono::{DateTime, Utc};
use std::sync::{MutexGuard, PoisonError};

const COLUMNS: &str = "id, subject, words, head, tail, persons, members, ordinal";

impl Store {
    /// The template of a source's mail: one that is known, here or to another node, or from now on this one. Not to be asked
    /// within [`Store::record`].
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub fn template(&self, letter: &Letter, now: DateTime<Utc>) -> Result<[u8; 16], StoreError> {
        let source = letter.source;
        if let Some(known) = self.known_template(letter) {
            return self.teach(&known, letter);
        }
        let last = self.templates().last(&source);
        let news = since(&self.db()?, &source, last, true)?;
        self.templates().put(source, news);
        if let Some(known) = self.known_template(letter) {
            return self.teach(&known, letter);
        }
        let (last, is_full) = {
            let known = self.templates();
            (known.last(&source), known.is_full(&source))
        };
        if is_full {
            return Ok(letter.others);
        }
        // Writers wait for one another, so of two nodes that meet a new template one finds the other's.
        let (id, news) = self.record(|recording| {
            let mut news = since(&recording.db, &source, last, false)?;
            let mut found = Templates::default();
            found.put(source, news.iter().cloned());
            if let Some(known) = found.find(letter) {
                return Ok((known.id, news));
            }
            let template = Template::of(letter, found.last(&source).max(last) + 1);
            let MarkBytes { subject, text, head, tail } = template.mark.to_bytes();
            recording.db.execute(
                "INSERT INTO template (id, source, subject, words, head, tail, persons, members, ordinal, seen_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9) ON CONFLICT (id) DO NOTHING",
                params![
                    template.id,
                    source,
                    subject.as_slice(),
                    text.as_slice(),
                    head.as_slice(),
                    tail.as_slice(),
                    template.persons,
                    template.ordinal,
                    now.timestamp()
                ],
            )?;
            news.push(template);
            Ok((letter.name, news))
        })?;
        self.templates().put(source, news);
        Ok(id)
    }

    /// What a template that was met learns from a further mail of it.
    fn teach(&self, known: &Template, letter: &Letter) -> Result<[u8; 16], StoreError> {
        if known.taught(letter).is_none() {
            return Ok(known.id);
        }
        let row = self.record(|recording| {
            let sql = format!("SELECT {COLUMNS} FROM template WHERE id = ?1");
            let Some(row) = recording.db.first(&sql, params![known.id], row)? else { return Ok(None) };
            // Others may have taught it since.
            let Some(taught) = row.taught(letter) else { return Ok(Some(row)) };
            let MarkBytes { subject, text, head, tail } = taught.mark.to_bytes();
            recording.db.execute(
                "UPDATE template SET subject = ?2, words = ?3, head = ?4, tail = ?5, members = ?6 WHERE id = ?1",
                params![
                    taught.id,
                    subject.as_slice(),
                    text.as_slice(),
                    head.as_slice(),
                    tail.as_slice(),
                    i64::from(taught.members)
                ],
            )?;
            Ok(Some(taught))
        })?;
        self.templates().put(letter.source, row);
        Ok(known.id)
    }

    fn known_template(&self, letter: &Letter) -> Option<Template> {
        self.templates().find(letter).cloned()
    }

    fn templates(&self) -> MutexGuard<'_, Templates> {
        self.templates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The templates of a source behind this one, and with `learning` all that have something to learn: another node may have
/// made room, or know by now what a letter is. Those are few: see [`Templates::ONCE`].
fn since(db: &Db<'_>, source: &[u8; 16], last: i64, learning: bool) -> Result<Vec<Template>, StoreError> {
    let or = if learning { " OR members < ?3" } else { "" };
    let sql =
        format!("SELECT {COLUMNS} FROM template WHERE source = ?1 AND (ordinal > ?2{or}) ORDER BY ordinal");
    let most = i64::from(Template::LEARNS);
    if learning {
        db.all(&sql, params![source, last, most], row)
    } else {
        db.all(&sql, params![source, last], row)
    }
}

fn row(row: &crate::store::base::Row) -> Result<Template, StoreError> {
    let bytes = MarkBytes { subject: row.get(1)?, text: row.get(2)?, head: row.get(3)?, tail: row.get(4)? };
    Ok(Template {
        id: row.get(0)?,
        mark: Mark::from_bytes(&bytes),
        persons: row.get(5)?,
        members: u32::try_from(row.get::<i64>(6)?).unwrap_or(Template::LEARNS),
        ordinal: row.get(7)?,
    })
}
