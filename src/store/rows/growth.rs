//! What joins a case that was settled: counted, and told of while it grows.

use super::record::{Entering, Recording};
use super::{StoreError, count, time};
use crate::case::CaseId;
use crate::case::escalation::people;
use crate::case::growth::Extent;
use crate::case::milestone::Milestone;
use crate::store::base::params;
use chrono::{DateTime, Utc};

impl Recording<'_> {
    /// A message is about to join a case that was settled: a line, and a telling that proposes to reopen it; no clock is started
    /// in silence (facts of the law, "Awareness" 5). The first since it was settled is told to the DPO, and what is news after it
    /// ([`Extent::is_news_after`]) to the deputy as well.
    /// So many mails and persons come with it.
    pub(super) fn hit_after(
        &self,
        case: &CaseId,
        at: DateTime<Utc>,
        (more_mails, more_persons): (u64, u64),
    ) -> Result<(), StoreError> {
        let sql = "UPDATE breach_case SET hits_after = hits_after + 1 WHERE id = ?1
                   RETURNING hits_after, mails, persons";
        let (hits, mails, persons): (i64, i64, i64) =
            self.db.one(sql, params![case.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let again = hits > 1;
        let extent = Extent {
            mails: count(mails).saturating_add(more_mails),
            persons: count(persons).saturating_add(more_persons),
        };
        if again
            && let Some((told, told_at)) = self.last_hit_after(case)?
            && !extent.is_news_after(at, told, told_at)
        {
            return Ok(());
        }
        self.enter_whole(&Entering {
            case,
            at,
            who: "brevdue",
            event: "hit_after",
            from: None,
            to: None,
            reason: "en ny mail hører til sagen, efter at den blev afgjort: overvej at genåbne den",
            detail: &serde_json::to_string(&extent).unwrap_or_default(),
        })?;
        let last: Option<i64> = self.db.one(
            "SELECT max(ordinal) FROM notice WHERE case_id = ?1 AND milestone = ?2",
            params![case.as_str(), Milestone::HitAfter.word()],
            |row| row.get(0),
        )?;
        let known = self.known(case)?;
        for (role, address) in people(&self.planning.staff, &known.cvr, known.source.as_deref(), &known.dpo) {
            if role.hears_of_growth(again) {
                let ordinal = last.unwrap_or(0) + 1;
                self.notice(case, Milestone::HitAfter, ordinal, known.clock, address, at)?;
            }
        }
        Ok(())
    }

    /// What was said last, and when; `None` where a line of before says nothing of it.
    fn last_hit_after(&self, case: &CaseId) -> Result<Option<(Extent, DateTime<Utc>)>, StoreError> {
        let last = self.db.first(
            "SELECT detail, at FROM register_entry WHERE case_id = ?1 AND event = 'hit_after'
             ORDER BY ordinal DESC LIMIT 1",
            params![case.as_str()],
            |row| Ok((row.get::<String>(0)?, time(row.get(1)?))),
        )?;
        Ok(last.and_then(|(detail, at)| Some((serde_json::from_str(&detail).ok()?, at))))
    }
}
