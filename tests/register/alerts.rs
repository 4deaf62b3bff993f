//! The contract, alerts: who has which row, what becomes of one that is not taken, and who is told when the people change.

use super::contract::{Two, act};
use super::{CERTAIN, at, found, join};
use brevdue::case::act::{Act, Phase};
use brevdue::case::detection::Outcome;
use brevdue::case::escalation::{Role, Staff};
use brevdue::case::milestone::{Milestone, Planning};
use brevdue::case::{CaseId, Kind, State};
use brevdue::store::{Channel, NoticeRow, Settled, Store, Untaken};
use chrono::TimeDelta;

const DPO: &str = "dpo@noerreby.example";
const DEPUTY: &str = "stedfortraeder@noerreby.example";
const NEW_DPO: &str = "ny-dpo@noerreby.example";

/// A letter to this person told of this row.
pub(super) fn sent(to: &str, row: i64) -> Settled {
    Settled { recipient: to.to_owned(), sent: vec![row], ..Settled::default() }
}

fn not_taken<'a>(ids: &'a [i64], node: &'a str, hour: i64, error: Option<&'a str>) -> Untaken<'a> {
    Untaken { ids, node, again_at: at(hour), error }
}

fn rows(store: &Store, case: &CaseId) -> Vec<NoticeRow> {
    store.case(case).unwrap().unwrap().notices
}

fn due_for(store: &Store, case: &CaseId, to: &str) -> Vec<String> {
    let due = rows(store, case).into_iter().filter(|row| row.state == "due" && row.recipient == to);
    due.map(|row| row.milestone.word()).collect()
}

fn staff(people: &[(Role, &str)]) -> Planning {
    let named = |(role, address): &(Role, &str)| Staff {
        role: *role,
        cvr: None,
        source: None,
        address: (*address).to_owned(),
    };
    Planning { staff: people.iter().map(named).collect(), ..Planning::default() }
}

pub(super) fn notices(two: &Two) {
    let case = join(&two.here, &found(1, at(0), CERTAIN), 1).case;
    assert_eq!(two.there.next_notice_at().unwrap(), Some(at(0)));
    assert!(two.there.due_notices(at(-1)).unwrap().is_empty());
    let due = two.there.due_notices(at(0)).unwrap();
    assert_eq!((due.len(), &due[0].case, due[0].recipient.as_str()), (1, &case, DPO));
    two.there.notices_delayed(&not_taken(&[due[0].id], "there", 2, Some("451"))).unwrap();
    assert!(two.here.due_notices(at(1)).unwrap().is_empty());
    let due = two.here.due_notices(at(2)).unwrap();
    assert_eq!((due[0].attempts, due[0].last_error.as_deref()), (1, Some("451")));
    two.here.notices_delayed(&not_taken(&[due[0].id], "here", 2, None)).unwrap();
    assert_eq!(two.here.claim_notices("here", at(2)).unwrap().len(), 1);
    assert!(two.there.claim_notices("there", at(2)).unwrap().is_empty(), "it is somebody's");
    assert!(two.here.keep_claim(&[due[0].id], "here", at(2)).unwrap());
    assert!(!two.there.keep_claim(&[due[0].id], "there", at(2)).unwrap());
    two.here.notices_settled(&sent(DPO, due[0].id), at(2), at(3)).unwrap();
    assert!(two.there.due_notices(at(3)).unwrap().is_empty());
    let told = two.there.openings_told(DPO, Kind::Breach, at(0)).unwrap();
    assert_eq!(told, [(at(3), 1)]);
    assert!(two.there.openings_told(DPO, Kind::NearMiss, at(0)).unwrap().is_empty());
    // A near miss is one also when it is closed, and crowds out no breach.
    let near = join(&two.here, &found(2, at(3), Outcome::Stopped), 2).case;
    let opened = two.there.due_notices(at(3)).unwrap().remove(0);
    assert_eq!((&opened.case, opened.kind), (&near, Kind::NearMiss));
    two.here.notices_settled(&sent(DPO, opened.id), at(3), at(3)).unwrap();
    assert_eq!(act(&two.here, &near, &Act::Close, at(3)), Ok(State::Closed));
    assert_eq!(two.here.case(&near).unwrap().unwrap().notices[0].kind, Kind::NearMiss);
    for kind in [Kind::Breach, Kind::NearMiss] {
        assert_eq!(two.there.openings_told(DPO, kind, at(0)).unwrap(), [(at(3), 1)]);
    }
    // Awareness that is set earlier plans anew, under a clock of its own.
    assert_eq!(act(&two.here, &case, &Act::Aware(at(-10)), at(4)), Ok(State::Assessing));
    let notices = two.there.case(&case).unwrap().unwrap().notices;
    let open: Vec<_> = notices.iter().filter(|one| one.state == "due").collect();
    assert!(open.len() >= 6 && open.iter().all(|one| one.clock_version == 2), "{open:?}");
    // What is notified needs no reminder of its deadline.
    let whole = Act::Notified { at: at(5), phase: Phase::Whole, reference: None, late: None };
    assert_eq!(act(&two.here, &case, &whole, at(5)), Ok(State::NotifiedFinal));
    assert!(two.there.due_notices(at(1000)).unwrap().is_empty());
}

/// Two machines whose clocks differ by what clocks differ: what one has the other leaves alone.
pub(super) fn claims(two: &Two) {
    let case = join(&two.here, &found(1, at(0), CERTAIN), 1).case;
    for ahead in [TimeDelta::seconds(2), TimeDelta::minutes(4)] {
        let row = two.there.claim_notices("there", at(0) + ahead).unwrap();
        assert_eq!(row.len(), 1);
        assert!(two.here.claim_notices("here", at(0)).unwrap().is_empty(), "{ahead}");
        two.there
            .notices_delayed(&Untaken { again_at: at(0), ..not_taken(&[row[0].id], "there", 0, None) })
            .unwrap();
    }
    // Who has lost a row changes nothing of it.
    let row = two.there.claim_notices("there", at(0)).unwrap()[0].id;
    let later = at(0) + Store::CLAIM;
    assert_eq!(two.here.claim_notices("here", later).unwrap().len(), 1, "the claim is over");
    two.there.notices_failed(&not_taken(&[row], "there", 9, Some("451")), later, false, false).unwrap();
    assert!(two.here.keep_claim(&[row], "here", later).unwrap());
    assert_eq!(rows(&two.here, &case)[0].attempts, 0);
    // One of a clock that was put back since is nobody's.
    assert_eq!(two.here.claim_notices("here", at(5)).unwrap().len(), 1);
    assert_eq!(two.there.claim_notices("there", at(1)).unwrap().len(), 1);

    // What is done by name, likewise.
    let claim = |store: &Store, node: &str, time| store.claim_task("held", node, time).unwrap();
    assert_eq!(claim(&two.here, "here", at(0) + TimeDelta::seconds(2)), Some(None), "never done");
    assert_eq!(claim(&two.there, "there", at(0)), None);
    two.there.end_task("held", "there", None).unwrap();
    assert_eq!(claim(&two.there, "there", at(0)), None, "it was not there's to give back");
    two.here.end_task("held", "here", Some(at(1))).unwrap();
    assert_eq!(claim(&two.there, "there", at(1)), Some(Some(at(1))));
    assert_eq!(two.here.task_done_at("held").unwrap(), Some(at(1)));
    assert_eq!(two.here.task_done_at("weekly").unwrap(), None);
}

/// A letter that no server takes goes by other roads and to other people, and is tried again all the same.
pub(super) fn untaken(two: &Two) {
    two.here.plan_by(staff(&[(Role::Deputy, DEPUTY)]));
    let case = join(&two.here, &found(1, at(0), CERTAIN), 1).case;
    let row = two.here.claim_notices("here", at(0)).unwrap().remove(0);
    assert_eq!((row.milestone, row.recipient.as_str()), (Milestone::Opened, DPO));
    let failed = not_taken(std::slice::from_ref(&row.id), "here", 1, Some("550"));
    two.here.notices_failed(&failed, at(0), true, true).unwrap();
    assert_eq!(two.there.alerts_not_taken(1).unwrap(), (1, Some(at(0))));
    assert_eq!(two.there.alerts_not_taken(2).unwrap().0, 0);
    let now = two.there.due_notices(at(0)).unwrap();
    let mut beside: Vec<(&str, &str)> =
        now.iter().map(|row| (row.recipient.as_str(), row.channel.word())).collect();
    beside.sort_unstable();
    assert_eq!(beside, [(DEPUTY, "mail"), ("webhook", "webhook")]);
    // The second server takes it: the webhook is needless, and the first one's failure stays to be read.
    let by_second = Settled { by_second: true, ..sent(DPO, row.id) };
    two.there.notices_settled(&by_second, at(1), at(2)).unwrap();
    let all = rows(&two.here, &case);
    let state = |channel, to: &str| {
        let row = all
            .iter()
            .find(|row| row.milestone == Milestone::Opened && row.channel == channel && row.recipient == to);
        row.map(|row| (row.state.as_str(), row.sent_at, row.last_error.as_deref()))
    };
    assert_eq!(state(Channel::Mail, DPO), Some(("merged", None, Some("550"))));
    assert_eq!(state(Channel::Second, DPO), Some(("sent", Some(at(2)), None)));
    assert_eq!(state(Channel::Webhook, "webhook"), Some(("merged", None, None)));
    // Somebody has read it.
    let read = two.here.acknowledge(&case, None, "Dorte DPO", at(3)).unwrap().unwrap();
    assert_eq!((read.milestone, read.again), (Milestone::Opened, false));
    assert!(read.stopped >= 1, "nobody asks the deputy any more");
    assert!(two.there.acknowledge(&case, None, "Dorte DPO", at(4)).unwrap().unwrap().again);
    assert!(two.here.acknowledge(&CaseId::new(1999, 1), None, "Dorte DPO", at(4)).unwrap().is_none());
}

/// People come and go in a configuration, and one machine has the new one before another.
pub(super) fn named(two: &Two) {
    two.here.plan_by(staff(&[(Role::Deputy, DEPUTY)]));
    let case = join(&two.here, &found(1, at(0), CERTAIN), 1).case;
    let before = due_for(&two.here, &case, DEPUTY);
    assert!(before.len() >= 5, "{before:?}");
    // The other machine does not know of the deputy, or somebody has mistyped the name and mends it.
    two.there.plan_open_cases(at(1)).unwrap();
    assert!(due_for(&two.here, &case, DEPUTY).is_empty());
    two.here.plan_open_cases(at(2)).unwrap();
    assert_eq!(due_for(&two.here, &case, DEPUTY), before, "nobody is lost");
    // What was acknowledged meanwhile is not asked again.
    two.there.plan_open_cases(at(3)).unwrap();
    two.here.acknowledge(&case, Some((Milestone::Opened, 1)), "Dorte DPO", at(3)).unwrap().unwrap();
    two.here.plan_open_cases(at(3)).unwrap();
    let after = due_for(&two.here, &case, DEPUTY);
    assert_eq!(after.len() + 1, before.len());
    assert!(!after.iter().any(|step| step == "unacknowledged"));

    // Another DPO is named while a letter to the first one is on its way: who has heard nothing is told.
    let opened = two.there.claim_notices("there", at(3)).unwrap().remove(0);
    assert_eq!((opened.milestone, opened.recipient.as_str()), (Milestone::Opened, DPO));
    assert!(two.there.keep_claim(&[opened.id], "there", at(3)).unwrap());
    let dpos = [("12345678".to_owned(), NEW_DPO.to_owned())].into_iter().collect();
    two.here.plan_by(Planning { dpos, ..staff(&[]) });
    two.here.plan_open_cases(at(3)).unwrap();
    two.there.notices_settled(&sent(DPO, opened.id), at(3), at(3)).unwrap();
    assert!(due_for(&two.there, &case, NEW_DPO).iter().any(|step| step == "opened"));
    assert!(due_for(&two.there, &case, DPO).is_empty());
    let file = two.there.case(&case).unwrap().unwrap();
    assert_eq!(file.row.dpo, NEW_DPO);
    assert!(file.entries.iter().any(|line| line.event == "dpo_changed"));
}
