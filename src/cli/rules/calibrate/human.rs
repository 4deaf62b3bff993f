//! For reading, at 100 columns: promises first, then what lies behind them. Start reading at [`table`].

use super::PROMISES;
use super::tally::{Blame, Share, Spot, Tally};
use crate::cli::rules::explain::words;
use crate::cli::rules::list::shorten;
use crate::scan::finding::Confidence;
use crate::scan::ruleset::Kinds;

/// How many entries and places are named.
const MOST: usize = 10;

const CONFIDENCES: [(Confidence, &str); 3] = [
    (Confidence::Certain, "sikker · certain"),
    (Confidence::Likely, "sandsynlig · likely"),
    (Confidence::Possible, "mulig · possible"),
];

pub(super) fn table(tally: &Tally, missing: usize) -> String {
    let mut out = Vec::new();
    out.push(format!("Beskeder · messages: {}    CPR-numre · true numbers: {}", tally.files(), tally.right));
    if tally.unknown > 0 {
        out.push(format!("  {} uden facit, ikke regnet med · not in the truth, left out", tally.unknown));
    }
    if missing > 0 {
        out.push(format!("  {missing} i facit uden besked · in the truth, and not among the mail"));
    }
    promises(tally, &mut out);
    recall(tally, &mut out);
    bins(tally, &mut out);
    kinds(tally, &mut out);
    blame(
        tally,
        &mut out,
        ("Talte for forkerte fund · spoke for wrong findings", "forkerte · wrong", "rigtige · right"),
        |blame| (blame.wrong, blame.right),
    );
    spots("Forkerte · wrong", &tally.wrong, &mut out);
    blame(
        tally,
        &mut out,
        (
            "Talte imod oversete numre · spoke against missed numbers",
            "oversete · missed",
            "med rette · rightly",
        ),
        |blame| (blame.missed, blame.averted),
    );
    spots("Oversete · missed", &tally.missed, &mut out);
    out.join("\n")
}

fn promises(tally: &Tally, out: &mut Vec<String>) {
    out.push(format!(
        "\n{:<23} {:>13} {:>15} {:>13} {:>16}",
        "Fund · findings", "antal · count", "rigtige · right", "andel · share", "lovet · promised"
    ));
    for (confidence, words) in CONFIDENCES {
        let Share { all, right } = tally.found(confidence);
        let share = percent(tally.found(confidence).share());
        let promise = PROMISES.iter().find(|(one, _)| *one == confidence);
        let (promised, kept) = match promise {
            Some((_, least)) if tally.keeps(confidence, *least) => (percent(Some(*least)), "  holdt · kept"),
            Some((_, least)) => (percent(Some(*least)), "  BRUDT · BROKEN"),
            None => ("-".to_owned(), ""),
        };
        out.push(format!("{words:<23} {all:>13} {right:>15} {share:>13} {promised:>16}{kept}"));
    }
    if tally.neutral > 0 {
        out.push(format!("  og {} hverken rigtige eller forkerte · neither right nor wrong", tally.neutral));
    }
}

fn recall(tally: &Tally, out: &mut Vec<String>) {
    out.push("\nCPR-numrene · the true numbers".to_owned());
    for (confidence, words) in CONFIDENCES {
        out.push(format!("{:>8}  {words}", tally.found(confidence).right));
    }
    for (count, words) in [
        (tally.unreported, "kandidat, ikke fund · a candidate, not reported"),
        (tally.unseen, "ikke set · not seen, in messages that were read whole"),
        (tally.unread, "ikke set, besked ikke helt læst · not seen, in messages read in part"),
    ] {
        if count > 0 {
            out.push(format!("{count:>8}  {words}"));
        }
    }
}

fn bins(tally: &Tally, out: &mut Vec<String>) {
    out.push(format!(
        "\n{:<23} {:>13} {:>15} {:>13} {:>16}",
        "Sum · log-odds", "antal · count", "rigtige · right", "andel · share", "lovet · promised"
    ));
    for (from, bin) in tally.bins() {
        let name = from.map_or_else(|| "lavere · lower".to_owned(), |from| format!("{from:+} ..."));
        let Share { all, right } = bin.share;
        let (share, promised) = (percent(bin.share.share()), percent(Some(bin.promised())));
        let mark = if bin.is_too_sure() { "  færre · fewer" } else { "" };
        out.push(format!("{name:<23} {all:>13} {right:>15} {share:>13} {promised:>16}{mark}"));
    }
}

fn kinds(tally: &Tally, out: &mut Vec<String>) {
    out.push(format!(
        "\n{:<23} {:>16} {:>19} {:>18}",
        "Slags · kind: right/all", "sikker · certain", "sandsynlig · likely", "mulig · possible"
    ));
    for kind in Kinds::ALL {
        let shares = CONFIDENCES.map(|(confidence, _)| tally.of_kind(kind, confidence));
        if shares.iter().all(|share| share.all == 0) {
            continue;
        }
        let [certain, likely, possible] = shares.map(|Share { all, right }| format!("{right}/{all}"));
        out.push(format!("{:<23} {certain:>16} {likely:>19} {possible:>18}", kind.word()));
    }
}

/// Entries that led astray, beside how often they did what they are for.
fn blame(
    tally: &Tally,
    out: &mut Vec<String>,
    (title, bad, good): (&str, &str, &str),
    counts: impl Fn(&Blame) -> (u32, u32),
) {
    let worst = tally.worst(|blame| counts(blame).0);
    if worst.is_empty() {
        return;
    }
    out.push(format!("\n{title}"));
    out.push(format!("{bad:>17} {good:>19}  andel · share"));
    for (reason, one) in worst.into_iter().take(MOST) {
        let (bad, good) = counts(&one);
        let words = words::reason(reason).and_then(|words| words.rsplit(" · ").next());
        let share = percent(Some(f64::from(bad) / f64::from(bad + good)));
        let mut line = format!("{bad:>17} {good:>19} {share:>14}  {reason:<22}  ");
        line.push_str(&shorten(words.unwrap_or_default(), 100 - line.chars().count().min(100)));
        out.push(line.trim_end().to_owned());
    }
}

fn spots(title: &str, spots: &[Spot], out: &mut Vec<String>) {
    if spots.is_empty() {
        return;
    }
    out.push(format!("  {title}: se · see `brevdue rules explain`"));
    for spot in spots.iter().take(MOST) {
        let Spot { file, part, place, line, sum, confidence } = spot;
        let said = confidence.map_or("-", Confidence::word);
        out.push(format!("    {file}: del {part}, {place}, linje {line}: {sum:+.1} {said}"));
    }
    if spots.len() > MOST {
        out.push(format!("    og {0} mere · and {0} more (--format json)", spots.len() - MOST));
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}
