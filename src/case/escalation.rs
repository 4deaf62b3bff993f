//! Who is told of which step: the DPO of all, and the others the nearer the deadline comes.
//!
//! DPO -> deputy (24 hours left, or 4 hours without an acknowledgement) -> system owner (12) and chief (4) -> all. Source: facts
//! of the law, "Alerts" (our own proposal). Start reading at [`Role::hears`].

use super::milestone::{Milestone, Nis2Step};

/// What somebody is to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The controller's data protection officer.
    Dpo,
    /// Who stands in for the DPO.
    Deputy,
    /// Who owns the source system.
    Owner,
    /// The controller's management.
    Chief,
}

impl Role {
    /// Whether this role is told of a step. What goes to the next in the chain alone ([`Milestone::Unacknowledged`]) is none's by
    /// itself.
    pub fn hears(self, milestone: Milestone) -> bool {
        match milestone {
            Milestone::Unacknowledged => false,
            Milestone::Opened | Milestone::Triage | Milestone::Supplement | Milestone::HitAfter => {
                self == Self::Dpo
            }
            Milestone::Left(hours) => match self {
                Self::Dpo => true,
                Self::Deputy => hours <= 24,
                Self::Owner => hours <= 12,
                Self::Chief => hours <= 4,
            },
            Milestone::LastStaffed => matches!(self, Self::Dpo | Self::Deputy),
            Milestone::Overdue
            | Milestone::OverdueAgain
            | Milestone::Nis2(Nis2Step::Early | Nis2Step::Notification, 0) => true,
            Milestone::Nis2(_, hours) => match self {
                Self::Dpo => true,
                Self::Deputy => hours <= 4,
                Self::Owner | Self::Chief => false,
            },
        }
    }
}

impl Role {
    /// Whether this role is told that a settled case has a new message; `again` where that was told before.
    pub fn hears_of_growth(self, again: bool) -> bool {
        self.hears(Milestone::HitAfter) || (again && self == Self::Deputy)
    }
}

/// A person of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// What they are.
    pub role: Role,
    /// Of which controller's cases, by CVR number; `None` is any.
    pub cvr: Option<String>,
    /// Of which source system's cases; `None` is any.
    pub source: Option<String>,
    /// Where they read mail.
    pub address: String,
}

/// The people of a case in the order in which they are told, each address once; the DPO as the case has it.
pub fn people<'a>(staff: &'a [Staff], cvr: &str, source: Option<&str>, dpo: &'a str) -> Vec<(Role, &'a str)> {
    let mut people = vec![(Role::Dpo, dpo)];
    let mut rest: Vec<&Staff> = staff
        .iter()
        .filter(|one| one.cvr.as_deref().is_none_or(|of| of == cvr))
        .filter(|one| one.source.as_deref().is_none_or(|of| Some(of) == source))
        .collect();
    rest.sort_by_key(|one| one.role);
    for one in rest {
        if people.iter().all(|(_, address)| !address.eq_ignore_ascii_case(&one.address)) {
            people.push((one.role, &one.address));
        }
    }
    people
}

/// Who comes after this person; `None` after the last, and after nobody of the case.
pub fn next<'a>(people: &[(Role, &'a str)], address: &str) -> Option<&'a str> {
    let at = people.iter().position(|(_, one)| one.eq_ignore_ascii_case(address))?;
    people.get(at + 1).map(|(_, address)| *address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff(role: Role, cvr: Option<&str>, source: Option<&str>, address: &str) -> Staff {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Staff { role, cvr: own(cvr), source: own(source), address: address.to_owned() }
    }

    #[test]
    fn the_people_of_a_case_are_its_own() {
        let all = [
            staff(Role::Chief, Some("1"), None, "chef@a.example"),
            staff(Role::Owner, None, Some("Byggesag"), "ejer@a.example"),
            staff(Role::Deputy, Some("1"), None, "stedfortraeder@a.example"),
            staff(Role::Deputy, Some("2"), None, "anden@b.example"),
            staff(Role::Owner, None, Some("Boliglån"), "DPO@a.example"),
        ];
        let of = |cvr, source| people(&all, cvr, source, "dpo@a.example");
        assert_eq!(
            of("1", Some("Byggesag")),
            [
                (Role::Dpo, "dpo@a.example"),
                (Role::Deputy, "stedfortraeder@a.example"),
                (Role::Owner, "ejer@a.example"),
                (Role::Chief, "chef@a.example")
            ]
        );
        assert_eq!(of("3", None), [(Role::Dpo, "dpo@a.example")]);
        assert_eq!(of("1", Some("Boliglån")).len(), 3, "the DPO owns that system");
        let people = of("1", None);
        assert_eq!(next(&people, "dpo@a.example"), Some("stedfortraeder@a.example"));
        assert_eq!(next(&people, "Stedfortraeder@a.example"), Some("chef@a.example"));
        assert_eq!((next(&people, "chef@a.example"), next(&people, "x@y.example")), (None, None));
    }

    #[test]
    fn the_nearer_the_deadline_the_more_are_told() {
        let count = |milestone| {
            let roles = [Role::Dpo, Role::Deputy, Role::Owner, Role::Chief];
            roles.into_iter().filter(|role| role.hears(milestone)).count()
        };
        let steps = [48, 24, 12, 4, 1].map(Milestone::Left);
        assert_eq!(steps.map(count), [1, 2, 3, 4, 4]);
        assert_eq!((count(Milestone::Opened), count(Milestone::Overdue)), (1, 4));
    }
}
