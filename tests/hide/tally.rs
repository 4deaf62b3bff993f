//! What became of many plans: counts, and the failures with their plans made as small as they still fail.

use super::plan::Plan;
use super::{Failure, KNOWN_GAPS, Outcome, fails, judge};
use std::collections::BTreeMap;
use std::fmt;

/// Counted outcomes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) plans: u64,
    found: u64,
    unread: BTreeMap<&'static str, u64>,
    /// Plans with a layer of a kind, and how many of those were found.
    layers: BTreeMap<&'static str, (u64, u64)>,
    pub(crate) failures: Vec<(Failure, Plan)>,
    /// How many failures each known gap explains.
    pub(crate) gaps: [u64; KNOWN_GAPS.len()],
}

impl Tally {
    /// Runs a plan and counts what became of it.
    pub(crate) fn run(&mut self, plan: &Plan) {
        let Some(outcome) = judge(plan) else { return };
        self.plans += 1;
        let found = u64::from(outcome == Outcome::Found);
        for layer in &plan.layers {
            let (plans, all_found) = self.layers.entry(layer.kind()).or_default();
            *plans += 1;
            *all_found += found;
        }
        self.found += found;
        match outcome {
            Outcome::Found => {}
            Outcome::Unread(reason) => *self.unread.entry(reason).or_default() += 1,
            Outcome::Failed(_) => {
                let least = plan.minimised(fails);
                if let Some(gap) = KNOWN_GAPS.iter().position(|gap| (gap.explains)(&least)) {
                    self.gaps[gap] += 1;
                } else if let Some(Outcome::Failed(failure)) = judge(&least) {
                    self.failures.push((failure, least));
                }
            }
        }
    }

    /// The failures, each with its plan, and the mail of the shortest.
    pub(crate) fn list(&self) -> String {
        let mut lines: Vec<String> =
            self.failures.iter().map(|(failure, plan)| format!("{failure:?}: {plan}")).collect();
        let shortest = self.failures.iter().filter_map(|(_, plan)| plan.mail()).min_by_key(Vec::len);
        lines.push(shortest.unwrap_or_default().escape_ascii().to_string().replace("\\n", "\n"));
        lines.join("\n")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plans, found, unread, layers, failures, gaps } = self;
        writeln!(out, "{plans} plans, {found} found, {} failed", failures.len())?;
        for (kind, (plans, found)) in layers {
            writeln!(out, "  {kind:<10} {plans:>8} layers, {found:>8} in mails in which it was found")?;
        }
        for (reason, count) in unread {
            writeln!(out, "  {count:>8} unread, and said: {reason}")?;
        }
        for (gap, failed) in KNOWN_GAPS.iter().zip(gaps) {
            writeln!(out, "  {failed:>8} known gap: {}", gap.name)?;
        }
        Ok(())
    }
}
