//! From a verdict to somebody who keeps the mail: the next hop, the protected road, our spool, or whoever gave it to us.
//!
//! *What it is*: what the doors share that have a mail in their own hands (`smtp`, `pipe`). *What it never does*: say yes
//! for a recipient whose mail nobody has on disk or has taken, or hand a mail on before its finding is in the register
//! ([`Judged`] is the proof of that). *Start reading at* [`hand_over`]. *Tests*: `smtp/tests/`, `tests/relay.rs`.
//!
//! A mail whose recipients part has three parts, done in this order: what is held, what goes by the protected road, what is
//! delivered. A hold can be taken back and a delivery cannot, so the hold is first; who gave us the mail hears the answer last.
//!
//! | it ends (crash, or `->` a failure) | on disk | who has the mail | what follows |
//! |---|---|---|---|
//! | before the hold | an unnamed draft, gone | the client | it comes again |
//! | the hold fails | nothing | the client | 451 for all; nothing was handed on |
//! | after the hold, before a delivery | held | the client and we | it comes again: may be held twice |
//! | -> the road or the hop refuses all | the hold is taken back | the client | their words; LMTP: the hold stays, with its own yes |
//! | in the reply of a hop, after its last byte | held | the client, perhaps the hop | it comes again: may be delivered and held twice |
//! | -> one part was taken and another refused | the refused is held too | the hop and we | yes: nobody gets it twice; a person sees the held part |
//! | -> and that hold fails | as before | the hop and the client | 451: twice rather than never |
//! | after all parts, before the answer | held | the hop, we, the client | it comes again: each part may be there twice |
//! | after the answer | held | the hop and we | done |
//!
//! Refused for a recipient alone is only possible over LMTP; [`crate::policy::Decision::within`] has seen to that.

use crate::envelope::{Pass, Verdict};
use crate::inspect::{Custody, Gate, Holder, Inspection, Judged};
use crate::intake::counters::Counters;
use crate::intake::holding;
use crate::intake::maillog::line::queued_as;
use crate::intake::told::{Told, later, passed_on, told_of};
use crate::outlet::reply::Reply;
use crate::outlet::smtp::{Accepted, Content, Failure, Hop, Session};
use crate::spool::draft::Written;
use crate::spool::held::{Cover, Holding, Receipt};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// The ways out of a door.
pub(super) struct Ways {
    /// Whose register has the rows of what is held.
    pub(super) gate: Arc<Gate>,
    /// Where mail goes on.
    pub(super) next: Hop,
    /// The protected road, where there is one.
    pub(super) secure: Option<Hop>,
    /// Where mail is held.
    pub(super) holding: Holding,
    /// The node's own key, beside the DPO's.
    pub(super) release_key: Option<String>,
}

/// A mail in our hands.
pub(super) struct Parcel {
    /// As the client said it: the recipients in the order of the decision.
    pub(super) cover: Cover,
    /// Its bytes.
    pub(super) mail: Written,
    /// Whose each recipient's mail is, should it be held.
    pub(super) holders: Vec<Holder>,
    /// Each recipient has an answer (LMTP).
    pub(super) each: bool,
}

/// A connection to the next hop, and whether a mail to all recipients of the parcel is begun on it.
#[derive(Default)]
pub(super) struct Line {
    pub(super) session: Option<Session>,
    pub(super) is_begun: bool,
    /// Who the client is, by its XCLIENT.
    pub(super) client: Vec<(String, String)>,
}

impl Line {
    /// The connection, made where there is none.
    pub(super) async fn open(&mut self, hop: &Hop) -> Result<&mut Session, Failure> {
        match &mut self.session {
            Some(session) => Ok(session),
            empty @ None => {
                let mut session = Session::open(hop).await?;
                session.tell_client(&self.client).await?;
                Ok(empty.insert(session))
            }
        }
    }

    /// Makes it fit for another mail.
    pub(super) async fn clear(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        if !std::mem::take(&mut self.is_begun) || session.reset().await.is_ok() {
            self.session = Some(session);
        }
    }
}

/// What became of one recipient's mail.
#[derive(Clone)]
enum Fate {
    Kept(Custody),
    Refused(Reply),
    /// The verdict itself is a no.
    NotDone,
}

/// Does what was decided, and gives the answers: one, or one for each recipient. What was to leave readable and has not is
/// settled in the register before the answer.
pub(super) async fn hand_over(judged: Judged, parcel: &Parcel, ways: &Ways, line: &mut Line) -> Vec<Told> {
    let observed = observed(&judged, parcel);
    let mut left = BTreeSet::new();
    let told = hand_over_noting(judged, parcel, ways, line, &mut left).await;
    let has_left = |of: &[usize]| of.iter().any(|at| left.contains(at));
    let returned = observed.into_iter().filter(|(_, of)| !has_left(of)).map(|(message, _)| message);
    let returned: Vec<[u8; 16]> = returned.collect();
    if !returned.is_empty() {
        let gate = Arc::clone(&ways.gate);
        let settled = tokio::task::spawn_blocking(move || gate.returned(&returned)).await;
        if !matches!(settled, Ok(Ok(()))) {
            tracing::error!("that a mail has not left is not noted: its breach stands");
        }
    }
    told
}

/// The messages of the register that a number leaves by, and which recipients were to get it readable.
fn observed(judged: &Judged, parcel: &Parcel) -> Vec<([u8; 16], Vec<usize>)> {
    let is_readable = |verdict| verdict == Verdict::Deliver(Pass::Observed);
    let decided = judged.decision().recipients.iter().enumerate();
    let of: Vec<usize> = decided.filter(|(_, one)| is_readable(one.verdict)).map(|(at, _)| at).collect();
    let by_holder = by_holder(&parcel.holders, &of).into_iter();
    by_holder.filter_map(|(holder, of)| Some((judged.message_of(&holder.cvr)?, of))).collect()
}

/// `left` is told who may have got the mail by what a hop said, or did not say.
async fn hand_over_noting(
    judged: Judged,
    parcel: &Parcel,
    ways: &Ways,
    line: &mut Line,
    left: &mut BTreeSet<usize>,
) -> Vec<Told> {
    let verdicts: Vec<Verdict> = judged.decision().recipients.iter().map(|one| one.verdict).collect();
    let count = parcel.cover.recipients.len();
    let any = |wanted: fn(&Verdict) -> bool| verdicts.iter().any(wanted);
    let refused_for_all = !parcel.each && any(|one| *one == Verdict::Block);
    if verdicts.len() != count || any(|one| *one == Verdict::Defer) || refused_for_all {
        line.clear().await;
        // A verdict too few or too many is a fault of ours.
        let judged = if verdicts.len() == count { judged } else { judged.deferred() };
        return answers(judged, vec![Fate::NotDone; count], parcel.each);
    }
    let of = |wanted: fn(&Verdict) -> bool| -> Vec<usize> {
        verdicts.iter().enumerate().filter(|(_, one)| wanted(one)).map(|(at, _)| at).collect()
    };
    let mut work =
        Work { parcel, ways, judged: &judged, fates: vec![Fate::NotDone; count], irrevocable: false, left };

    let mut to_take_back = Vec::new();
    let to_hold = of(|one| *one == Verdict::Hold);
    if !to_hold.is_empty() {
        let Some(receipts) = work.hold(&to_hold).await else {
            line.clear().await;
            let fates = work.fates;
            return answers(judged.deferred(), fates, false);
        };
        to_take_back = receipts;
    }
    work.reroute(&of(|one| *one == Verdict::Reroute)).await;
    // With one answer for all, a road that is closed is the answer: nobody gets it before the rest does.
    if parcel.each || work.irrevocable || work.refused().is_empty() {
        work.deliver(&of(|one| matches!(one, Verdict::Deliver(_))), line).await;
    } else {
        line.clear().await;
    }
    let refused = work.refused();
    if !parcel.each && !refused.is_empty() {
        if work.irrevocable {
            tracing::warn!(recipients = refused.len(), "refused for some after others had it: held instead");
            if work.hold(&refused).await.is_none() {
                return answers(judged.deferred(), vec![Fate::NotDone; count], false);
            }
        } else {
            holding::take_back(ways, to_take_back).await;
        }
    }
    let (fates, was_done) = (work.fates, work.irrevocable);
    let fates = if parcel.each || was_done || refused.is_empty() {
        fates
    } else {
        // The refusal is for all, so nobody's mail is ours.
        let words = strictest(&fates);
        vec![Fate::Refused(words); count]
    };
    answers(judged, fates, parcel.each)
}

/// A mail that is being handed over.
struct Work<'a> {
    parcel: &'a Parcel,
    ways: &'a Ways,
    judged: &'a Judged,
    fates: Vec<Fate>,
    /// Somebody has it who will not give it back.
    irrevocable: bool,
    /// Who has got it, or may have.
    left: &'a mut BTreeSet<usize>,
}

impl Work<'_> {
    fn refused(&self) -> Vec<usize> {
        let fates = self.fates.iter().enumerate();
        fates.filter(|(_, fate)| matches!(fate, Fate::Refused(_))).map(|(at, _)| at).collect()
    }

    fn note(&mut self, at: usize, fate: Fate) {
        if let Some(place) = self.fates.get_mut(at) {
            *place = fate;
        }
    }

    fn note_all(&mut self, of: &[usize], fate: &Fate) {
        for at in of {
            self.note(*at, fate.clone());
        }
    }

    fn recipients(&self, of: &[usize]) -> Vec<&(String, Vec<String>)> {
        of.iter().filter_map(|at| self.parcel.cover.recipients.get(*at)).collect()
    }

    /// Holds the mail of these recipients, for each controller its own: on disk when it returns the receipts. Of all, or, where
    /// each has its own answer, of those of whom it could.
    async fn hold(&mut self, of: &[usize]) -> Option<Vec<Receipt>> {
        let mut receipts = Vec::new();
        for (holder, of) in by_holder(&self.parcel.holders, of) {
            // Who cannot be held beside others cannot be parted from them: that was decided by all.
            let is_kept = self.parcel.each || may_hold(&self.parcel.holders);
            let key = holder.dpo_key.as_deref().filter(|_| is_kept);
            let keys = key.into_iter().chain(key.and(self.ways.release_key.as_deref()));
            let recipients = self.recipients(&of).into_iter().cloned().collect();
            let (cases, messages) = self.judged.case_of(&holder.cvr).into_iter().unzip();
            let cover = Cover { recipients, cases, messages, ..self.parcel.cover.clone() };
            let mail = self.parcel.mail.reader();
            if let Some(receipt) =
                holding::keep(self.ways, cover, mail, keys.map(str::to_owned).collect()).await
            {
                self.note_all(&of, &Fate::Kept(Custody::Spooled(receipt.clone())));
                receipts.push(receipt);
            } else {
                self.note_all(&of, &Fate::Refused(later()));
                if !self.parcel.each {
                    holding::take_back(self.ways, receipts).await;
                    return None;
                }
            }
        }
        Some(receipts)
    }

    /// Sends by the protected road.
    async fn reroute(&mut self, of: &[usize]) {
        let Some(hop) = self.ways.secure.as_ref().filter(|_| !of.is_empty()) else {
            self.note_all(of, &Fate::Refused(later()));
            return;
        };
        let sent = async {
            let mut session = Session::open(hop).await?;
            self.begin(&mut session, of).await?;
            let answers = session.send(content(&self.parcel.mail)).await?;
            session.quit().await;
            Ok(answers)
        };
        let sent = sent.await;
        self.settle(of, sent, "the protected road");
    }

    /// Sends to the next hop, on the line that is open to it; on a new one if that was lost before the mail was sent.
    async fn deliver(&mut self, of: &[usize], line: &mut Line) {
        if of.is_empty() {
            return line.clear().await;
        }
        let is_all = of.len() == self.parcel.cover.recipients.len();
        if !is_all {
            line.clear().await;
        }
        let mut sent = self.send_on(of, line).await;
        let is_gone = match &sent {
            Ok(answers) => answers.iter().all(|one| one.as_ref().is_err_and(|reply| reply.code() == 421)),
            Err(failure) => failure.lost_the_hop() && failure.is_before_data(),
        };
        if is_gone {
            // It has closed while the mail came in: nothing of it was sent, so another connection will do.
            line.session = None;
            sent = self.send_on(of, line).await;
        }
        if sent.as_ref().is_err_and(|failure| failure.lost_the_hop() || !failure.is_before_data()) {
            line.session = None;
        }
        self.settle(of, sent, "the next hop");
    }

    async fn send_on(&self, of: &[usize], line: &mut Line) -> Result<Vec<Result<Accepted, Reply>>, Failure> {
        let is_begun = std::mem::take(&mut line.is_begun) && line.session.is_some();
        let session = line.open(&self.ways.next).await?;
        if !is_begun {
            self.begin(session, of).await?;
        }
        session.send(content(&self.parcel.mail)).await
    }

    async fn begin(&self, session: &mut Session, of: &[usize]) -> Result<(), Failure> {
        let Cover { sender, parameters, forwarded, .. } = &self.parcel.cover;
        session.begin(sender, parameters, forwarded, &self.recipients(of)).await
    }

    /// Notes what a hop said.
    fn settle(
        &mut self,
        of: &[usize],
        sent: Result<Vec<Result<Accepted, Reply>>, Failure>,
        hop: &'static str,
    ) {
        let answers = match sent {
            Ok(answers) => answers,
            Err(failure) => {
                tracing::warn!(%failure, hop, "not handed over");
                if !failure.is_before_data() {
                    self.left.extend(of);
                }
                vec![Err(told_of(&failure))]
            }
        };
        // What follows the hop's log knows by this that the mail has passed here.
        let names = answers.iter().filter_map(|one| one.as_ref().ok()).flat_map(|one| one.reply().lines());
        for name in names.filter_map(|line| queued_as(&format!("250 {line}"))) {
            self.ways.gate.seen().note(&name, self.ways.gate.clock().now());
        }
        for (nth, at) in of.iter().enumerate() {
            // One answer is for all; of many, each has its own.
            let answer = if answers.len() == 1 { answers.first() } else { answers.get(nth) };
            let fate = match answer {
                Some(Ok(accepted)) => {
                    self.irrevocable = true;
                    self.left.insert(*at);
                    Fate::Kept(Custody::Relayed(accepted.clone()))
                }
                Some(Err(reply)) => Fate::Refused(passed_on(reply.clone())),
                None => Fate::Refused(later()),
            };
            self.note(*at, fate);
        }
        if let Some(Ok(accepted)) = answers.iter().find(|one| one.is_ok()) {
            let tls = accepted.tls();
            tracing::info!(
                hop,
                recipients = of.len(),
                code = accepted.reply().code(),
                protocol = tls.map(|tls| tls.protocol),
                cipher = tls.map(|tls| tls.cipher),
                peer = tls.map(|tls| tracing::field::display(&tls.peer)),
                verified = tls.map(|tls| tls.verified),
                "handed over"
            );
        }
    }
}

fn content(mail: &Written) -> Content {
    Content { reader: Box::new(mail.reader()), size: mail.size(), ends_a_line: mail.ends_a_line() }
}

/// The refusal that stands for all: one that lets the mail come again, if there is one.
fn strictest(fates: &[Fate]) -> Reply {
    let refusals = || {
        fates.iter().filter_map(|fate| match fate {
            Fate::Refused(reply) => Some(reply),
            Fate::Kept(_) | Fate::NotDone => None,
        })
    };
    refusals().find(|reply| reply.is_temporary()).or_else(|| refusals().next()).cloned().unwrap_or_else(later)
}

fn answers(judged: Judged, fates: Vec<Fate>, each: bool) -> Vec<Told> {
    if each && judged.decision().recipients.len() != fates.len() {
        // Of a judgement that was lost. RFC 2033 §4.2: an answer for each recipient, or the client waits for the rest.
        return fates.iter().map(|_| Told::failed()).collect();
    }
    let refusals: Vec<Option<Reply>> = fates
        .iter()
        .map(|fate| match fate {
            Fate::Refused(reply) => Some(reply.clone()),
            Fate::Kept(_) | Fate::NotDone => None,
        })
        .collect();
    let keepers = fates.into_iter().map(|fate| match fate {
        Fate::Kept(custody) => custody,
        Fate::Refused(_) | Fate::NotDone => Custody::Upstream,
    });
    if each {
        let answers = judged.answer_each(keepers);
        return answers.into_iter().zip(refusals).map(|(answer, refusal)| Told { answer, refusal }).collect();
    }
    let mut parts: Vec<Custody> = Vec::new();
    for keeper in keepers {
        if !parts.contains(&keeper) {
            parts.push(keeper);
        }
    }
    let is_whole = !parts.contains(&Custody::Upstream);
    let custody = match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) if is_whole => {
            parts.push(last);
            Custody::Split(parts)
        }
        // A part that nobody keeps makes the whole the client's.
        Some(_) | None => Custody::Upstream,
    };
    vec![Told { answer: judged.answer(custody), refusal: refusals.into_iter().flatten().next() }]
}

/// Whether a mail to all these could be held: each has somebody who could decide about it.
pub(super) fn may_hold(holders: &[Holder]) -> bool {
    holders.iter().all(|holder| holder.dpo_key.is_some())
}

/// These recipients by whose mail it is, each in the order of the first.
fn by_holder<'a>(holders: &'a [Holder], of: &[usize]) -> Vec<(&'a Holder, Vec<usize>)> {
    let mut groups: Vec<(&Holder, Vec<usize>)> = Vec::new();
    for (at, holder) in of.iter().filter_map(|at| Some((*at, holders.get(*at)?))) {
        match groups.iter_mut().find(|(one, _)| one.cvr == holder.cvr) {
            Some((_, group)) => group.push(at),
            None => groups.push((holder, vec![at])),
        }
    }
    groups
}

/// Lets the gate decide. What has nothing to be recorded is decided at once, here; the rest is a task of its own: if who gave
/// us the mail leaves, what was found is still recorded. `None`: it panicked, or took longer than it may.
pub(super) async fn judge(inspection: Inspection, patience: Duration, counters: &Counters) -> Option<Judged> {
    let mut work = Box::pin(inspection.judge());
    // AssertUnwindSafe: work that has panicked is never polled again.
    let polled = poll_fn(|cx| Poll::Ready(catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))))).await;
    let fault = match polled {
        Ok(Poll::Ready(judged)) => return Some(judged),
        Ok(Poll::Pending) => {
            let mut task = tokio::spawn(work);
            match timeout(patience, &mut task).await {
                Ok(Ok(judged)) => return Some(judged),
                Ok(Err(_)) => "it panicked",
                Err(_) => {
                    task.abort();
                    counters.expired.fetch_add(1, Relaxed);
                    tracing::error!(
                        seconds = patience.as_secs(),
                        "not decided in time; the message is deferred"
                    );
                    return None;
                }
            }
        }
        Err(_) => "it panicked",
    };
    counters.panics.fetch_add(1, Relaxed);
    tracing::error!(fault, "the decision was lost; the message is deferred");
    None
}
