//! The made-up Boliglån archive: what an application system mailed to 74 municipalities without encryption, from November
//! 2014 to May 2019, and the true counts beside it.
//!
//! Nothing here is anybody's: names are drawn from lists, numbers are drawn by the random generator and pass modulus 11, domains
//! end in `.example`. It knows nothing of the program that it tests. The same [`Shape`] gives the same bytes. What differs
//! from mail to mail: name (one in eight in lower case, as people type it), number, amounts, dates, a paragraph about a co-applicant
//! that some have, how the text is encoded, whether there is a Message-ID and a Date. Start reading at [`Archive::new`];
//! `letters` is what the mails say, `forms` lays them down as mbox, Maildir and .eml. On the command line:
//! `cargo run --example boliglaan -- FOLDER`.

#![allow(clippy::format_push_string, reason = "a few allocations in a test")]

pub(crate) mod forms;
mod letters;

use std::collections::{BTreeMap, BTreeSet};

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    /// At most 99.
    pub(crate) municipalities: usize,
    /// Mails with a number.
    pub(crate) mails: usize,
    /// For so many mails with a number one without; 0 for none.
    pub(crate) clean_every: usize,
    /// Different letters that the system writes, 1 or 2.
    pub(crate) templates: usize,
}

impl Shape {
    /// The whole of it.
    pub(crate) const WHOLE: Self =
        Self { seed: 2019, municipalities: 74, mails: 25_000, clean_every: 20, templates: 1 };

    /// As much as a test has time for.
    pub(crate) const SMALL: Self = Self { mails: 1_500, ..Self::WHOLE };
}

/// The municipality that wrote to 823 citizens, from 0.
pub(crate) const KNOWN: usize = 16;
/// Its citizens and its mails, when the archive is whole.
const KNOWN_COUNTS: (usize, usize) = (823, 906);

/// A mail, from which its bytes are made.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// From 0, in the order of the archive.
    pub(crate) number: usize,
    /// From 0.
    pub(crate) municipality: usize,
    /// Ten digits; `None` for a mail without one.
    pub(crate) cpr: Option<String>,
    /// Seconds since 1970.
    pub(crate) sent: i64,
    /// Which letter.
    pub(crate) template: usize,
    /// For what else differs.
    dice: u64,
}

/// What is true of a municipality.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) mails: u64,
    pub(crate) persons: u64,
    /// Seconds since 1970.
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// See the module's head.
pub(crate) struct Archive {
    pub(crate) shape: Shape,
    pub(crate) mails: Vec<Mail>,
}

/// 3 November 2014 08:00 and 29 May 2019 15:00, in UTC.
const BEGAN: i64 = 1_415_001_600;
const ENDED: i64 = 1_559_142_000;

impl Archive {
    pub(crate) fn new(shape: Shape) -> Self {
        let mut dice = Dice::new(shape.seed);
        let mut taken = BTreeSet::new();
        let mut mails = Vec::new();
        for (municipality, (persons, count)) in counts(shape).into_iter().enumerate() {
            let persons: Vec<String> = (0..persons).map(|_| new_number(&mut dice, &mut taken)).collect();
            for at in 0..count {
                // Everybody applies once; some apply again.
                let person = if at < persons.len() { at } else { dice.below(persons.len()) };
                let sent = BEGAN
                    + i64::try_from(dice.below(usize::try_from(ENDED - BEGAN).unwrap_or(1))).unwrap_or(0);
                mails.push(Mail {
                    number: 0,
                    municipality,
                    cpr: persons.get(person).cloned(),
                    sent,
                    template: dice.below(shape.templates.max(1)),
                    dice: dice.next(),
                });
            }
        }
        let clean = shape.mails.checked_div(shape.clean_every).unwrap_or(0);
        for _ in 0..clean {
            let municipality = dice.below(shape.municipalities);
            let sent = BEGAN + i64::try_from(dice.below(140_000_000)).unwrap_or(0);
            mails.push(Mail { number: 0, municipality, cpr: None, sent, template: 0, dice: dice.next() });
        }
        mails.sort_by_key(|mail| (mail.sent, mail.municipality, mail.dice));
        for (number, mail) in mails.iter_mut().enumerate() {
            mail.number = number;
        }
        Self { shape, mails }
    }

    /// The true counts of each municipality that has any.
    pub(crate) fn truth(&self) -> BTreeMap<usize, Truth> {
        Self::truth_of(self.mails.iter())
    }

    /// The same of some of its mails, each of which counts once.
    pub(crate) fn truth_of<'a>(mails: impl Iterator<Item = &'a Mail>) -> BTreeMap<usize, Truth> {
        let (mut truth, mut persons): (BTreeMap<usize, Truth>, BTreeMap<usize, BTreeSet<&str>>) =
            Default::default();
        for mail in mails {
            let Some(cpr) = &mail.cpr else { continue };
            let one = truth.entry(mail.municipality).or_insert(Truth {
                first: mail.sent,
                last: mail.sent,
                ..Truth::default()
            });
            one.mails += 1;
            one.first = one.first.min(mail.sent);
            one.last = one.last.max(mail.sent);
            persons.entry(mail.municipality).or_default().insert(cpr);
        }
        for (municipality, persons) in persons {
            truth.entry(municipality).or_default().persons = persons.len() as u64;
        }
        truth
    }

    /// `[[controller]]` for each municipality and for the vendor that sends, and `[[source]]` for its system.
    pub(crate) fn toml(&self, key: &str) -> String {
        let mut toml = format!(
            "[[controller]]\nname = \"Fagsystemhuset (opdigtet)\"\ncvr = \"10000000\"\ndomains = [\"{VENDOR}\"]\n\
             dpo = \"dpo@{VENDOR}\"\ndefault = true\n{key}\n\
             [[source]]\nname = \"eAnsøgning boliglån\"\nmatch = \"@{VENDOR}\"\nvendor = \"Fagsystemhuset (opdigtet)\"\n"
        );
        for municipality in 0..self.shape.municipalities {
            toml.push_str(&format!(
                "[[controller]]\nname = \"{}\"\ncvr = \"{}\"\ndomains = [\"{domain}\"]\nrecipients = [\"{domain}\"]\ndpo = \"dpo@{domain}\"\n{key}\n",
                name(municipality),
                cvr(municipality),
                domain = domain(municipality),
            ));
        }
        toml
    }
}

/// Where the mails come from.
pub(crate) const VENDOR: &str = "eansoegning.example";

pub(crate) fn name(municipality: usize) -> String {
    format!("Kommune {:02}", municipality + 1)
}

pub(crate) fn domain(municipality: usize) -> String {
    format!("kommune-{:02}.example", municipality + 1)
}

pub(crate) fn cvr(municipality: usize) -> String {
    format!("{}", 20_000_001 + municipality)
}

/// Persons and mails of each municipality: a few large ones and many small, as municipalities are.
fn counts(shape: Shape) -> Vec<(usize, usize)> {
    let weight = |at: usize| 60 + (at * at * 37 + at * 11) % 400 + if at.is_multiple_of(9) { 500 } else { 0 };
    let weights: Vec<usize> = (0..shape.municipalities).map(weight).collect();
    let is_whole = shape.mails == Shape::WHOLE.mails && shape.municipalities == Shape::WHOLE.municipalities;
    let all: usize = weights
        .iter()
        .enumerate()
        .filter(|(at, _)| !is_whole || *at != KNOWN)
        .map(|(_, weight)| weight)
        .sum();
    let to_share = if is_whole { shape.mails - KNOWN_COUNTS.1 } else { shape.mails };
    let mut counts: Vec<usize> = weights.iter().map(|weight| (to_share * weight / all).max(1)).collect();
    if let Some(known) = counts.get_mut(KNOWN).filter(|_| is_whole) {
        *known = KNOWN_COUNTS.1;
    }
    // What rounding left goes to the first, or is taken from the largest.
    let given: usize = counts.iter().sum();
    let largest = counts
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != KNOWN)
        .max_by_key(|(_, count)| **count)
        .map_or(0, |(at, _)| at);
    if let Some(count) = counts.get_mut(largest) {
        *count = (*count + shape.mails).saturating_sub(given).max(1);
    }
    let people = |at: usize, count: usize| {
        if is_whole && at == KNOWN { KNOWN_COUNTS.0 } else { (count * 91).div_ceil(100) }
    };
    counts.iter().enumerate().map(|(at, count)| (people(at, *count), *count)).collect()
}

/// A made-up number that nobody in the archive has yet: a day of 1930 to 1979, and a serial that passes modulus 11.
fn new_number(dice: &mut Dice, taken: &mut BTreeSet<String>) -> String {
    loop {
        let (day, month, year) = (1 + dice.below(28), 1 + dice.below(12), 30 + dice.below(50));
        let number = format!("{day:02}{month:02}{year:02}{:04}", dice.below(4_000));
        let sum: u32 = number
            .bytes()
            .zip([4, 3, 2, 7, 6, 5, 4, 3, 2, 1])
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        if sum.is_multiple_of(11) && taken.insert(number.clone()) {
            return number;
        }
    }
}

/// Splitmix64: small, and the same everywhere.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap_or(0)
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
