//! The templates of source systems, by which mails of one cause are known.

use super::{Store, StoreError};
use crate::case::template::Mark;
use crate::store::base::params;
use chrono::{DateTime, Utc};
use std::sync::PoisonError;

impl Store {
    /// The template of a source's mail with this mark: one that is known, here or to another node, or from now on this
    /// one by the name `new`. Not to be asked within [`Store::record`].
    ///
    /// # Errors
    /// When the register cannot be read or written.
    pub fn template(
        &self,
        source: [u8; 16],
        mark: &Mark,
        new: [u8; 16],
        now: DateTime<Utc>,
    ) -> Result<[u8; 16], StoreError> {
        let known = || self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known().find(&source, mark) {
            return Ok(id);
        }
        // Writers wait for one another, so of two nodes that meet a new template one finds the other's.
        let (id, templates) = self.record(|recording| {
            let sql = "SELECT id, subject, words FROM template WHERE source = ?1 ORDER BY id";
            let mut templates = recording.db.all(sql, params![source], |row| {
                Ok((row.get(0)?, Mark::from_bytes(&row.get::<Vec<u8>>(1)?, &row.get::<Vec<u8>>(2)?)))
            })?;
            let mut found = crate::case::template::Templates::default();
            found.put(source, templates.clone());
            if let Some(id) = found.find(&source, mark) {
                return Ok((id, templates));
            }
            let (subject, words) = mark.to_bytes();
            recording.db.execute(
                "INSERT INTO template (id, source, subject, words, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO NOTHING",
                params![new, source, subject.as_slice(), words.as_slice(), now.timestamp()],
            )?;
            templates.push((new, mark.clone()));
            Ok((new, templates))
        })?;
        known().put(source, templates);
        Ok(id)
    }
}
