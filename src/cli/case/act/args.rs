//! The commands of a DPO, as they are written.

use crate::cli::case::Format;
use std::path::PathBuf;

/// Who, and why.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Who {
    /// Who does it; it stands in the register
    #[arg(long, value_name = "NAME")]
    pub(super) by: String,
    /// Why; it stands in the register
    #[arg(long, value_name = "TEXT")]
    pub(super) why: Option<String>,
}

/// One case, by its number.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct One {
    /// The case, e.g. BRV-2026-0001
    pub(super) case: String,
    #[command(flatten)]
    pub(super) who: Who,
}

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// A suspicion is right: it is a breach
    Confirm(One),
    /// A suspicion is wrong: no breach (needs --why)
    Refute(One),
    /// Set when the organisation became aware; the deadline follows
    ///
    /// Earlier always, later with --why, never in the future and never after the notification. When that is late by it, --why
    /// is the reason for the delay where none is written. When it was found stays visible.
    Aware {
        #[command(flatten)]
        one: One,
        /// 17-11-2026 10:20 (Danish time), or RFC 3339
        #[arg(long, value_name = "TIME")]
        at: String,
    },
    /// Write one of Datatilsynet's points, or another field of the register
    ///
    /// FIELD is one of the words that `brevdue case fields` lists; VALUE `-` reads it from standard input.
    Record {
        #[command(flatten)]
        one: One,
        /// Which field
        field: String,
        /// What stands in it
        value: String,
    },
    /// The fields that can be written, with their names in Danish and English
    Fields,
    /// Assess the risk for the persons; with the inputs, ENISA's score beside it as advice
    Assess {
        #[command(flatten)]
        one: One,
        /// The risk
        #[arg(long, value_enum)]
        risk: Risk,
        /// ENISA: the data, 1 simple, 2 behavioural, 3 financial, 4 sensitive, as adjusted
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4), requires = "ease")]
        data: Option<u8>,
        /// ENISA: how easily a person is found by it
        #[arg(long, value_enum, requires = "data")]
        ease: Option<EaseArg>,
        /// ENISA: loss of confidentiality
        #[arg(long, value_enum, default_value = "some")]
        confidentiality: LossArg,
        /// ENISA: loss of integrity
        #[arg(long, value_enum, default_value = "none")]
        integrity: LossArg,
        /// ENISA: loss of availability
        #[arg(long, value_enum, default_value = "none")]
        availability: LossArg,
        /// ENISA: somebody meant harm
        #[arg(long)]
        malicious: bool,
    },
    /// A risk is unlikely: document the breach, and do not notify it (needs --why)
    Document {
        #[command(flatten)]
        one: One,
        /// Who approved it
        #[arg(long, value_name = "NAME")]
        approver: String,
    },
    /// A person has notified it on Virk: note it
    ///
    /// Brevdue notifies nobody by itself. The PDF from Virk is the only receipt: give it with --receipt.
    Notified {
        #[command(flatten)]
        one: One,
        /// When it was sent
        #[arg(long, value_name = "TIME")]
        at: String,
        /// More is to come
        #[arg(long)]
        preliminary: bool,
        /// Datatilsynet's reference
        #[arg(long, value_name = "TEXT")]
        reference: Option<String>,
        /// The journal number there
        #[arg(long, value_name = "TEXT")]
        journal: Option<String>,
        /// Why it was late; asked for when it was
        #[arg(long, value_name = "TEXT")]
        late: Option<String>,
        /// The receipt
        #[arg(long, value_name = "FILE")]
        receipt: Option<PathBuf>,
    },
    /// The first notification was sent at another time than was entered: a slip (needs --why)
    CorrectNotified {
        #[command(flatten)]
        one: One,
        /// When it was sent
        #[arg(long, value_name = "TIME")]
        at: String,
        /// Why it was late; asked for when it was
        #[arg(long, value_name = "TEXT")]
        late: Option<String>,
    },
    /// A supplement was sent on Virk: note it
    Supplemented {
        #[command(flatten)]
        one: One,
        /// When it was sent
        #[arg(long, value_name = "TIME")]
        at: String,
        /// It was the last
        #[arg(long = "final")]
        is_final: bool,
        /// The receipt
        #[arg(long, value_name = "FILE")]
        receipt: Option<PathBuf>,
    },
    /// Keep a receipt, or another paper
    Receipt {
        #[command(flatten)]
        one: One,
        /// The file
        file: PathBuf,
        /// It is no receipt of a notification
        #[arg(long)]
        other: bool,
    },
    /// Decide and note how the persons are told (article 34)
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Inform {
        #[command(flatten)]
        one: One,
        /// No high risk (needs --why)
        #[arg(long, group = "what")]
        not_required: bool,
        /// Exempt: 34(3)(a) unreadable, (b) no longer likely, (c) disproportionate effort, or § 22 (needs --why)
        #[arg(long, group = "what", value_enum)]
        exempt: Option<Exempt>,
        /// So many are to be written to
        #[arg(long, group = "what", value_name = "N")]
        planned: Option<u32>,
        /// So many have been written to by now
        #[arg(long, group = "what", value_name = "N")]
        sent: Option<u32>,
    },
    /// The second clock, of NIS2, for a significant incident
    Nis2 {
        #[command(flatten)]
        one: One,
        /// Which step
        #[arg(value_enum)]
        step: Nis2Step,
        /// When; now if it is left out
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Add something to be done, or note that it is done
    Task {
        #[command(flatten)]
        one: One,
        /// What is to be done
        #[arg(long, value_name = "TEXT", requires = "whose")]
        add: Option<String>,
        /// Whose it is
        #[arg(long, value_name = "NAME")]
        whose: Option<String>,
        /// The number of what is done
        #[arg(long, value_name = "N", conflicts_with = "add", required_unless_present = "add")]
        done: Option<i64>,
    },
    /// Close it: needs cause, measures, the decision on telling the persons, and the receipt
    ///
    /// And that nothing outlives it: no step of a NIS2 clock that has begun, and no mail of it that is held.
    Close(One),
    /// There are new facts: open it again, with the same awareness (needs --why)
    ///
    /// What was notified is preliminarily notified again, and what is new is a supplement; what never was is assessed again,
    /// under the clock that it had.
    Reopen(One),
    /// Prove that no line was changed, left out or moved, and that the tables are what the lines say
    Verify {
        /// One case; all without it
        case: Option<String>,
        /// The anchor of a weekly letter: whether the register still has it, and what it covers
        #[arg(long, value_name = "HASH")]
        anchor: Option<String>,
        /// How to print
        #[arg(long, value_enum, default_value = "human")]
        format: Format,
    },
    /// Erase closed cases whose time of keeping is over; a tombstone stays in the chain (needs --why)
    Purge {
        #[command(flatten)]
        who: Who,
        /// Only list them
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum Risk {
    /// Unlikely
    Unlikely,
    /// A risk
    #[value(name = "risk")]
    Likely,
    /// A high risk: the persons are told
    High,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum EaseArg {
    /// A quarter
    Negligible,
    /// A half
    Limited,
    /// Three quarters: a CPR number alone
    Significant,
    /// One: name and number
    Maximum,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum LossArg {
    /// Not at all
    None,
    /// To known recipients, or recoverable
    Some,
    /// To an unknown number, or not recoverable
    Much,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum Exempt {
    /// 34(3)(a): unreadable to who got it
    A,
    /// 34(3)(b): a high risk is no longer likely
    B,
    /// 34(3)(c): disproportionate effort
    C,
    /// Databeskyttelsesloven § 22
    #[value(name = "22")]
    Section22,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(in crate::cli) enum Nis2Step {
    /// It is significant (*væsentlig*): the clock begins
    Mark,
    /// The early warning was sent
    Early,
    /// The notification was sent
    Notified,
    /// The final report was sent
    Final,
    /// It is not significant after all: the clock ends (needs --why)
    Withdraw,
}
