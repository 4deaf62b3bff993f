//! The books: what was said to the clients, against what lies at the hop, in the spool and in the register.

use super::Door;
use super::adversary::{Adversary, Kind};
use super::behind::Behind;
use super::clients::{Said, Story};
use super::dpo::{self, Release};
use super::files;
use super::letters;
use super::mails::{Mail, cpr, domain, is_safe, number_of};
use super::steps::Struck;
use crate::relay::without_received;
use crate::support::register::Register;
use crate::support::sink::Received;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A mail's recipient.
type Key = (u32, String);

/// All that a run left behind.
pub(super) struct Evidence<'a> {
    pub(super) door: Door,
    pub(super) seed: u64,
    pub(super) stories: &'a [Story],
    /// What the next hop has, and what the protected one.
    pub(super) received: &'a [Received],
    pub(super) secured: &'a [Received],
    pub(super) releases: &'a [Release],
    /// A leak is delivered, and is a breach with its numbers in the evidence.
    pub(super) is_open: bool,
    /// One answer of the door may be for parts of which one was taken and another refused: that one is held.
    pub(super) has_parts: bool,
    pub(super) register: &'a Register,
    /// The folder of each node.
    pub(super) data: &'a [PathBuf],
    pub(super) secret: &'a str,
    pub(super) doubts: &'a [(Instant, Instant)],
    pub(super) troubles: &'a [(Instant, Instant)],
    /// What the DPO got, where anybody is told.
    pub(super) letters: Option<&'a [Received]>,
    /// What Postfix says, where it stands between the clients and the door.
    pub(super) behind: Option<&'a Behind>,
}

/// What the books say.
#[derive(Default)]
pub(super) struct Table {
    pub(super) injected: BTreeMap<Kind, u64>,
    /// Durable steps at which it was killed, and which failed.
    pub(super) steps: BTreeMap<Struck, u64>,
    pub(super) mails: u64,
    /// Answers to recipients' mail, each try counted.
    yes: u64,
    later: u64,
    no: u64,
    nothing: u64,
    /// Copies.
    delivered: u64,
    secured: u64,
    held: u64,
    /// Copies beyond the first: delivered, held.
    duplicated: [u64; 3],
    released: u64,
    /// From the first try to hand in a mail to the last answer.
    longest: Duration,
    /// Alerts of the register that were sent, and letters that came; where anybody is told.
    alerts: u64,
    letters: u64,
    /// Chains of cases that were followed to their end.
    pub(super) chains: u64,
    lost: Vec<String>,
    leaked: Vec<String>,
    caseless: Vec<String>,
    pub(super) unexplained: Vec<String>,
    /// Drafts in the spool after the last start: must be 0.
    drafts: u64,
}

impl Table {
    pub(super) fn make(evidence: &Evidence<'_>) -> Self {
        let mut table = Self { mails: evidence.stories.len() as u64, ..Self::default() };
        let delivered = table.delivered(evidence, evidence.received);
        let secured = table.delivered(evidence, evidence.secured);
        if evidence.secured.iter().any(|one| !one.tls) {
            table.leaked.push("something came to the protected hop without TLS".to_owned());
        }
        table.released = evidence.releases.len() as u64;
        let held = table.held(evidence);
        table.drafts = files::drafts(evidence.data);
        table.unexplained.extend(files::strange(evidence.register, evidence.data));
        let detections = detections(evidence.register);
        let sealed = files::sealed(evidence.register, evidence.data, evidence.secret);
        if let Some(letters) = evidence.letters {
            let told = letters::compare(evidence.register, letters);
            (table.alerts, table.letters) = (told.alerts, told.letters);
            table.unexplained.extend(told.untold);
        }
        if let Some(behind) = evidence.behind.filter(|one| one.waiting > 0) {
            table.unexplained.push(format!("{} mails still wait in Postfix's queue", behind.waiting));
        }
        for story in evidence.stories {
            table.longest = table.longest.max(story.lasted());
            let mail = Mail::make(evidence.seed, story.number);
            for recipient in &mail.recipients {
                let key = (story.number, recipient.clone());
                let said = || story.attempts.iter().filter_map(|one| one.said.get(recipient));
                let of = |copies: &HashMap<Key, u64>| copies.get(&key).copied().unwrap_or(0);
                let (mut at_hop, mut safely, mut kept) = (of(&delivered), of(&secured), of(&held));
                if let Some(behind) = evidence.behind {
                    kept += behind.quarantined.get(recipient).copied().unwrap_or(0);
                } else if evidence.door == Door::Milter {
                    // The mail server keeps the mail, and does what it was told.
                    at_hop = said().filter(|one| **one == Said::Yes).count() as u64;
                    safely = said().filter(|one| **one == Said::Rerouted).count() as u64;
                    kept = said().filter(|one| **one == Said::Quarantined).count() as u64;
                }
                table.delivered += at_hop;
                table.secured += safely;
                table.held += kept;
                table.judge(evidence, &mail, story, recipient, [at_hop, safely, kept]);
            }
            let citizen = (story.number, format!("borger@{}", domain(story.number)));
            let has_left = delivered.contains_key(&citizen);
            let is_there = has_left || secured.contains_key(&citizen) || held.contains_key(&citizen);
            table.ask_register(evidence, &mail, story, &detections, is_there);
            let number = cpr(story.number).replace('-', "");
            if mail.is_leak && has_left && evidence.is_open && !sealed.contains(&number) {
                table.caseless.push(format!("m{}: its number is not in the evidence", mail.number));
            }
        }
        table
    }

    /// One recipient's mail.
    fn judge(
        &mut self,
        evidence: &Evidence<'_>,
        mail: &Mail,
        story: &Story,
        to: &String,
        [at_hop, safely, kept]: [u64; 3],
    ) {
        let mut doubtful = again(evidence, mail.number, to);
        for attempt in &story.attempts {
            let Some(said) = attempt.said.get(to) else { continue };
            match said {
                Said::Yes | Said::Quarantined | Said::Rerouted => self.yes += 1,
                Said::No(_) => self.no += 1,
                Said::Later(_) => self.later += 1,
                Said::Nothing => self.nothing += 1,
            }
            let doubt = Adversary::has_doubt(evidence.doubts, attempt.from, attempt.until);
            let may_have = match said {
                Said::Nothing => true,
                Said::Later(_) => doubt,
                Said::Yes | Said::Quarantined | Said::Rerouted | Said::No(_) => false,
            };
            doubtful += u64::from(attempt.whole.contains(to) && may_have);
        }
        let behind = evidence.behind;
        doubtful += behind.and_then(|one| one.deferred.get(to)).copied().unwrap_or(0);
        let has_bounced = behind.is_some_and(|one| one.bounced.contains(to));
        let last = story.last(to);
        let is_yes = matches!(last, Said::Yes | Said::Quarantined | Said::Rerouted);
        let copies = at_hop + safely + kept;
        let tale = || {
            let tries: Vec<String> = story
                .attempts
                .iter()
                .map(|one| {
                    format!(
                        "{:?}{}",
                        one.said.get(to),
                        if one.whole.contains(to) { "" } else { " (before its end)" }
                    )
                })
                .collect();
            format!(
                "m{} {} leak {}: at the hop {at_hop}, at the protected one {safely}, held {kept}; {}",
                mail.number,
                place(to),
                mail.is_leak,
                tries.join(", ")
            )
        };
        let is_secret = mail.is_leak && !is_safe(to);
        if is_yes && copies == 0 && !has_bounced {
            self.lost.push(tale());
        }
        if is_secret && at_hop > 0 && !evidence.is_open {
            self.leaked.push(tale());
        }
        if copies > u64::from(is_yes) + doubtful {
            self.unexplained.push(format!("more copies than tries that may have left one: {}", tale()));
        } else if copies > 1 {
            self.duplicated[0] += at_hop.saturating_sub(1);
            self.duplicated[1] += safely.saturating_sub(1);
            self.duplicated[2] += kept.saturating_sub(1);
        }
        // A door with one answer for all holds it for all.
        let is_held_with_another =
            evidence.door == Door::Milter && mail.is_leak && mail.recipients.iter().any(|one| !is_safe(one));
        // Where one part was taken and another refused, the other is held.
        let is_rest = evidence.has_parts
            && mail.recipients.len() > 1
            && story.attempts.iter().any(|one| Adversary::has_doubt(evidence.troubles, one.from, one.until));
        if !is_secret && !is_held_with_another && !is_rest && kept + safely > 0 {
            self.unexplained.push(format!("held without a reason: {}", tale()));
        }
        if matches!(last, Said::Nothing | Said::Later(_)) {
            self.unexplained.push(format!("never answered: {}", tale()));
        }
        let is_ours = |code| !matches!(code, 550 | 450 | 554);
        if let Said::No(code) = last
            && is_ours(code)
        {
            self.unexplained.push(format!("refused with a word that nobody meant: {}", tale()));
        }
    }

    /// A leak that anybody was answered about, or that is anywhere, has its detection, and each answer is counted there.
    fn ask_register(
        &mut self,
        evidence: &Evidence<'_>,
        mail: &Mail,
        story: &Story,
        detections: &HashMap<String, u64>,
        is_there: bool,
    ) {
        let (mut most, mut least) = story.judged();
        if let Some(behind) = evidence.behind {
            // Postfix alone knows how often it tried; what bounced may have been refused before a byte of it was read.
            let has_bounced = mail.recipients.iter().any(|one| !is_safe(one) && behind.bounced.contains(one));
            (most, least) = (u64::MAX, if has_bounced { 0 } else { least.min(1) });
        }
        let counted = detections.get(&domain(mail.number)).copied().unwrap_or(0);
        let has_citizen = mail.is_leak && mail.recipients.iter().any(|one| !is_safe(one));
        if has_citizen && (least > 0 || is_there) && counted == 0 {
            let citizen = format!("borger@{}", domain(mail.number));
            let tries: Vec<_> = story.attempts.iter().map(|one| one.said.get(&citizen)).collect();
            self.caseless.push(format!("m{}: {tries:?}", mail.number));
        } else if has_citizen && !(least..=most).contains(&counted) {
            self.unexplained.push(format!(
                "m{}: {counted} attempts in the register, {least} to {most} made",
                mail.number
            ));
        } else if !mail.is_leak && counted > 0 {
            self.unexplained.push(format!("m{}: a detection of a clean mail", mail.number));
        }
    }

    fn delivered(&mut self, evidence: &Evidence<'_>, received: &[Received]) -> HashMap<Key, u64> {
        let mut copies = HashMap::new();
        for one in received {
            // Postfix tells the sender of what the hop refused.
            if evidence.behind.is_some() && one.from.is_empty() {
                continue;
            }
            let Some(number) = number_of(&one.data) else {
                self.unexplained.push("a mail at the hop that nobody sent".to_owned());
                continue;
            };
            if without_received(&one.data) != Mail::make(evidence.seed, number).bytes {
                self.unexplained.push(format!("m{number} came to the hop with other bytes"));
            }
            for to in &one.rcpts {
                *copies.entry((number, to.clone())).or_default() += 1;
            }
        }
        copies
    }

    fn held(&mut self, evidence: &Evidence<'_>) -> HashMap<Key, u64> {
        let mut copies = HashMap::new();
        for path in evidence.data.iter().flat_map(|data| dpo::files(data)) {
            let Some(lying) = dpo::open(&path, evidence.secret) else {
                self.unexplained.push(format!("a held mail does not open: {}", path.display()));
                continue;
            };
            let Some(number) = lying.number else {
                self.unexplained.push("a held mail that nobody sent".to_owned());
                continue;
            };
            if without_received(&lying.mail) != Mail::make(evidence.seed, number).bytes {
                self.unexplained.push(format!("m{number} is held with other bytes"));
            }
            for to in lying.recipients {
                *copies.entry((number, to)).or_default() += 1;
            }
        }
        copies
    }

    /// What must be 0.
    pub(super) fn is_good(&self) -> bool {
        self.drafts == 0
            && [&self.lost, &self.leaked, &self.caseless, &self.unexplained].iter().all(|one| one.is_empty())
    }
}

/// No local part in what is printed.
fn place(address: &str) -> &str {
    address.split_once('@').map_or("", |(_, domain)| domain)
}

/// How often a mail of ours that was let go may have been sent again: once for each thing that broke while that was due.
fn again(evidence: &Evidence<'_>, number: u32, to: &String) -> u64 {
    let of = evidence.releases.iter().filter(|one| one.number == number && one.recipients.contains(to));
    let broken = |one: &Release| {
        let until = one.until.unwrap_or_else(Instant::now);
        evidence.troubles.iter().filter(|(begin, end)| *begin <= until && one.from <= *end).count() as u64
            + one.kills
    };
    of.map(broken).sum()
}

/// Attempts in the register by the citizen's domain.
fn detections(register: &Register) -> HashMap<String, u64> {
    let mut counted = HashMap::new();
    assert!(register.is_whole(), "the register");
    for row in register.rows("SELECT recipient_domains, attempts FROM detection") {
        let [domains, attempts] = row.as_slice() else { panic!("{row:?}") };
        for one in domains.split(' ') {
            *counted.entry(one.to_owned()).or_default() += attempts.parse::<u64>().unwrap();
        }
    }
    counted
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let injected: u64 = self.injected.values().sum();
        writeln!(out, "{injected:>8}  faults injected")?;
        for (kind, count) in &self.injected {
            writeln!(out, "{count:>8}    {kind:?}")?;
        }
        for ((blow, step), count) in &self.steps {
            writeln!(out, "{count:>8}      {blow:?} at: {step}")?;
        }
        for (count, what) in [
            (self.mails, "mails sent"),
            (self.yes, "recipients answered 250"),
            (self.later, "recipients answered 4xx (and sent again)"),
            (self.no, "recipients answered 5xx"),
            (self.nothing, "recipients without an answer (and sent again)"),
            (self.delivered, "copies delivered"),
            (self.secured, "copies sent by the protected road"),
            (self.released, "held mails released by the protected road meanwhile"),
            (self.held, "copies held"),
            (self.duplicated[0], "delivered again, as the table of states allows"),
            (self.duplicated[1], "sent again by the protected road, likewise"),
            (self.duplicated[2], "held again, likewise"),
            (self.longest.as_secs(), "seconds at most from a mail's first try to its last answer"),
            (self.alerts, "alerts sent, by the register"),
            (self.letters, "letters that people got, of all kinds"),
            (self.chains, "chains of cases followed to their end"),
            (self.drafts, "DRAFTS in the spool after the last start"),
            (self.lost.len() as u64, "LOST"),
            (self.leaked.len() as u64, "LEAKED"),
            (self.caseless.len() as u64, "LEAKS WITHOUT A CASE"),
            (self.unexplained.len() as u64, "UNEXPLAINED"),
        ] {
            writeln!(out, "{count:>8}  {what}")?;
        }
        let named = [
            ("lost", &self.lost),
            ("leaked", &self.leaked),
            ("no case", &self.caseless),
            ("unexplained", &self.unexplained),
        ];
        for (name, stories) in named {
            for story in stories.iter().take(20) {
                writeln!(out, "  {name}: {story}")?;
            }
        }
        Ok(())
    }
}

/// The books of made-up runs, each wrong in one way: a harness that finds nothing must be one that would.
#[test]
fn the_books_see_what_is_wrong() {
    use super::clients::Attempt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("brevdue.db");
    let register = rusqlite::Connection::open(&path).unwrap();
    let (rows, folders) = (Register::File(path), [folder.path().to_owned()]);
    let tables = "CREATE TABLE detection (recipient_domains TEXT, attempts INTEGER); CREATE TABLE breach_case (id TEXT);
        CREATE TABLE held (id INTEGER, name TEXT, place TEXT, state TEXT, node TEXT, recipient_domains TEXT)";
    register.execute_batch(tables).unwrap();
    let mails: Vec<Mail> = (0..40).map(|number| Mail::make(1, number)).collect();
    let clean = mails.iter().find(|mail| !mail.is_leak && mail.recipients.len() == 1).unwrap();
    let leak = mails.iter().find(|mail| mail.is_leak && !is_safe(&mail.recipients[0])).unwrap();
    let now = Instant::now();
    let told = |mail: &Mail, tries: &[(Said, bool)]| Story {
        number: mail.number,
        attempts: tries
            .iter()
            .map(|(said, was_whole)| Attempt {
                from: now,
                until: now,
                whole: was_whole.then(|| mail.recipients[0].clone()).into_iter().collect(),
                said: [(mail.recipients[0].clone(), *said)].into(),
            })
            .collect(),
    };
    let copy = |mail: &Mail| Received {
        from: String::new(),
        rcpts: mail.recipients.clone(),
        data: mail.bytes.clone(),
        tls: false,
    };
    let books = |story: Story, received: &[Received]| {
        let table = Table::make(&Evidence {
            door: Door::Smtp,
            seed: 1,
            stories: &[story],
            received,
            secured: &[],
            releases: &[],
            is_open: false,
            has_parts: false,
            register: &rows,
            data: &folders,
            secret: "",
            doubts: &[],
            troubles: &[],
            letters: None,
            behind: None,
        });
        let counts = [&table.lost, &table.leaked, &table.caseless, &table.unexplained].map(Vec::len);
        (counts, table.duplicated[0])
    };
    let (yes, no, later, nothing) = (Said::Yes, Said::No(550), Said::Later(451), Said::Nothing);
    assert_eq!(books(told(clean, &[(yes, true)]), &[copy(clean)]), ([0, 0, 0, 0], 0));
    assert_eq!(books(told(clean, &[(yes, true)]), &[]), ([1, 0, 0, 0], 0), "lost");
    let twice = [copy(clean), copy(clean)];
    assert_eq!(books(told(clean, &[(yes, true)]), &twice), ([0, 0, 0, 1], 0), "twice for one try");
    assert_eq!(
        books(told(clean, &[(later, true), (yes, true)]), &twice),
        ([0, 0, 0, 1], 0),
        "451 is no doubt"
    );
    assert_eq!(
        books(told(clean, &[(nothing, false), (yes, true)]), &twice),
        ([0, 0, 0, 1], 0),
        "half a mail"
    );
    assert_eq!(books(told(clean, &[(nothing, true), (yes, true)]), &twice), ([0, 0, 0, 0], 1), "who knows");
    assert_eq!(
        books(told(clean, &[(no, true)]), &[copy(clean)]),
        ([0, 0, 0, 1], 0),
        "refused, and delivered"
    );
    assert_eq!(books(told(clean, &[(later, true)]), &[]), ([0, 0, 0, 1], 0), "given up");
    let mut torn = copy(clean);
    torn.data.truncate(torn.data.len() - 3);
    assert_eq!(books(told(clean, &[(yes, true)]), &[torn]), ([0, 0, 0, 1], 0), "other bytes");
    assert_eq!(books(told(leak, &[(yes, true)]), &[copy(leak)]), ([0, 1, 1, 0], 0), "a leak, and no case");
    assert_eq!(books(told(leak, &[(no, true)]), &[]), ([0, 0, 1, 0], 0), "refused without a case");
    let row = "INSERT INTO detection VALUES (?1, 2)";
    register.execute(row, [domain(leak.number)]).unwrap();
    assert_eq!(books(told(leak, &[(no, true)]), &[]), ([0, 0, 0, 1], 0), "counted twice");
    assert_eq!(books(told(leak, &[(nothing, true), (no, true)]), &[]), ([0, 0, 0, 0], 0));
}
