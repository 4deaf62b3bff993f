//! The hide test: a number is wrapped in a random nest of encodings, containers and notations; the scan must find it or
//! say what it could not read.
//!
//! A [`Plan`] is data and says itself in one line: notation, place, layers. With layers that damage nothing the number
//! must be found; with others, found or the report partial. Never that a number is made up by chance: every plan
//! holds exactly one. A bounded run is one of `tests/run`; `tests/hide-long` goes on for as long as it is told. Start
//! reading at [`judge`], then `hide/plan.rs`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a new way to hide is found by its tables, not by its matches"
)]

mod charset;
mod container;
mod entity;
mod layer;
mod notation;
mod notations;
mod number;
mod place;
mod plan;
pub(crate) mod random;
mod tally;
mod transfer;
mod word;

use brevdue::scan::Report;
use brevdue::scan::finding::Confidence;
use charset::Charset;
use container::Container;
use layer::{Header, Layer};
use notation::{Notation, Share};
use place::Place;
use plan::Plan;
use random::Random;
use tally::Tally;
use transfer::Transfer;

use crate::corpus::scan;

/// A way to hide that is known and not read yet.
struct Gap {
    name: &'static str,
    /// Whether a plan that failed, with as few layers as it can, is one of these.
    explains: fn(&Plan) -> bool,
    example: (Notation, Place),
    layers: &'static [Layer],
}

/// Whoever mends one takes it off the list: see [`the_known_gaps_are_gaps`].
const KNOWN_GAPS: [Gap; 2] = [
    Gap {
        name: "a charset that hides digits, within a transfer encoding of uuencode",
        explains: |plan| {
            let has = |is: fn(&Layer) -> bool| plan.layers.iter().any(is);
            has(|layer| matches!(layer, Layer::Transfer(Transfer::Uuencode(_))))
                && has(|layer| matches!(layer, Layer::Charset(charset) if charset.hides_digits()))
        },
        example: (Notation::Drawn("DMY-S"), Place::Prose),
        layers: &[Layer::Charset(Charset::Utf7Shifted), Layer::Transfer(Transfer::Uuencode("uuencode"))],
    },
    Gap {
        name: "an encoded text whose lines read as fields, below a header without a blank line",
        explains: |plan| plan.layers.contains(&Layer::Header(Header::BlankMissing)),
        example: (Notation::Escaped("DMY-S", Share::All), Place::Json),
        layers: &[Layer::Transfer(Transfer::Quoted), Layer::Header(Header::BlankMissing)],
    },
];

/// What became of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Found,
    /// Not found, and this is said to be unread.
    Unread(&'static str),
    /// Not found in spite of sound layers, or nothing said.
    Failed(Failure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// The report calls the mail clean.
    Silent,
    /// Partial, though nothing is damaged.
    Unread(&'static str),
    /// Found, and not sure enough to act on.
    Unsure,
}

/// What became of the number of this plan. `None` when there is no such mail.
fn judge(plan: &Plan) -> Option<Outcome> {
    Some(weigh(plan, &scan([plan.mail()?.as_slice()])))
}

fn weigh(plan: &Plan, report: &Report) -> Outcome {
    let (number, kind) = (plan.number.whole(), plan.notation.kind());
    let ours = || {
        report.findings.iter().filter(|one| one.cpr.reveal() == number.as_bytes() && one.cpr.kind() == kind)
    };
    if ours().any(|one| one.confidence >= Confidence::Likely) {
        return Outcome::Found;
    }
    match report.coverage.unread().first() {
        Some(unread) if plan.is_sound() => Outcome::Failed(Failure::Unread(unread.reason)),
        Some(unread) => Outcome::Unread(unread.reason),
        None if ours().next().is_some() => Outcome::Failed(Failure::Unsure),
        None => Outcome::Failed(Failure::Silent),
    }
}

fn fails(plan: &Plan) -> bool {
    matches!(judge(plan), Some(Outcome::Failed(_)))
}

/// Ends the test if a plan failed that no known gap explains, or if a gap is mended.
fn settle(tally: &Tally) {
    println!("{tally}");
    assert!(tally.failures.is_empty(), "{} numbers hide:\n{}", tally.failures.len(), tally.list());
}

#[test]
fn every_notation_in_every_place() {
    let mut tally = Tally::default();
    for (nr, place) in place::all().into_iter().enumerate() {
        for (at, notation) in notations::all().into_iter().enumerate() {
            if place.takes(notation) {
                tally.run(&Plan::plain((nr * 1000 + at) as u64, notation, place));
            }
        }
    }
    settle(&tally);
}

#[test]
fn the_known_gaps_are_gaps() {
    for Gap { name, example: (notation, place), layers, .. } in KNOWN_GAPS {
        let plan = |seed| Plan { layers: layers.to_vec(), ..Plan::plain(seed, notation, place) };
        assert!((0..300).any(|seed| fails(&plan(seed))), "mended, take it off the list: {name}");
    }
}

#[test]
fn every_layer_by_itself_and_in_a_message() {
    let mut tally = Tally::default();
    let texts = [
        (Notation::Drawn("DMY-S"), Place::Prose),
        (Notation::Drawn("DMYS"), Place::Csv(';', true)),
        (Notation::Broken("DMY-\nS"), Place::Prose),
        (Notation::Tagged("<b>", "</b>"), Place::Paragraph),
        (Notation::Drawn("DMY S"), Place::Json),
        (Notation::Drawn("DMY-S"), Place::FoldedCalendar),
        (Notation::Drawn("DMY-S"), Place::LongProse),
        (Notation::Drawn("DMY-S"), Place::Header("Subject", word::Words::One("utf-8", true))),
        (Notation::Drawn("DMY-S"), Place::FileName(word::Name::ExtendedPieces)),
    ];
    let message = Layer::Container(Container::Message);
    for (nr, layer) in layer::all().into_iter().enumerate() {
        for (notation, place) in texts {
            for seed in 0..3 {
                let mut plan = Plan::plain((nr * 10 + seed) as u64, notation, place);
                plan.layers = vec![layer];
                tally.run(&plan);
                plan.layers.push(message);
                tally.run(&plan);
            }
        }
    }
    settle(&tally);
}

#[test]
fn a_random_nest() {
    let mut tally = Tally::default();
    for seed in 0..8000 {
        tally.run(&Plan::random(seed));
    }
    settle(&tally);
}

#[test]
fn any_cut_of_a_nest_is_as_whole() {
    for seed in 0..400 {
        let plan = Plan::random(1_000_000 + seed);
        let Some(mail) = plan.mail() else { continue };
        let mut random = Random::new(seed);
        let mut pieces = Vec::new();
        let mut rest = mail.as_slice();
        let most = random.pick(&[2, 5, 40, 300, 5000]);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(random.within(1..most).min(rest.len()));
            pieces.push(now);
            rest = later;
        }
        assert_eq!(scan(pieces), scan([mail.as_slice()]), "{plan}");
    }
}

/// `BREVDUE_HIDE_SEED` is the first seed (0), `BREVDUE_HIDE_SECONDS` how long (60), by the clock.
#[test]
#[ignore = "as long as it is told: tests/hide-long"]
fn on_and_on() {
    use rustix::time::{ClockId, clock_gettime};
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
    };
    let (first, seconds) = (number("BREVDUE_HIDE_SEED", 0), number("BREVDUE_HIDE_SECONDS", 60));
    let now = || u64::try_from(clock_gettime(ClockId::Monotonic).tv_sec).unwrap();
    let start = now();
    let mut tally = Tally::default();
    let mut seed = first;
    while now() < start + seconds && tally.failures.len() < 200 {
        for _ in 0..100 {
            tally.run(&Plan::random(seed));
            seed += 1;
        }
    }
    println!("seeds {first} to {}: {} plans a second", seed - 1, tally.plans / (now() - start).max(1));
    settle(&tally);
}

#[test]
#[ignore = "prints the mail of BREVDUE_HIDE_SEED"]
fn show() {
    let seed = std::env::var("BREVDUE_HIDE_SEED").map_or(0, |text| text.parse().expect("a number"));
    let plan = Plan::random(seed);
    println!("{plan}\n{:?}", judge(&plan));
    println!("{}", plan.mail().unwrap_or_default().escape_ascii().to_string().replace("\\n", "\\n\n"));
}
