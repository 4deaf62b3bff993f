//! Brevdue reads every outgoing mail, stops or re-routes the one that carries an unencrypted CPR number, and
//! where one got out has a breach case open with its 72 hours running.
//!
//! # The map, from the ground up
//!
//! | floor | room | what |
//! |---|---|---|
//! | base | [`kernel`] | bytes at line rate, in the form this machine runs best: the only `unsafe` |
//! | 0 | [`cpr`] | the number: parse, find digits, join them |
//! | 0 | [`mime`] | the message: a push walker that never fails |
//! | 0 | [`extract`] | what a part really is, and what is in a document |
//! | 0 | [`envelope`], [`clock`] | the words every edge shares; the time as an argument |
//! | 0 | [`nearest`] | which known word was meant by a mistyped one |
//! | 1 | [`scan`] | is there a number in it, and what was not read |
//! | 2 | [`policy`] | what to do: a verdict for each recipient |
//! | 2 | [`case`] | the breach, its states and its deadline |
//! | 2 | [`seal`] | secrets at rest: seals and keyed digests |
//! | 3 | [`store`], [`spool`] | the register in SQL; sealed evidence in files |
//! | 3 | [`worker`] | documents read by a shut-in process each |
//! | 3 | [`outlet`] | where things go out: notices, the next hop, the protected road, Digital Post's outbox |
//! | 4 | [`inspect`] | the one gate, whatever door a mail came by |
//! | 4 | [`export`] | what leaves on paper: copy sheet, letters, the register, how mail is sent |
//! | 5 | [`intake`] | where mail comes in: milter, SMTP and LMTP, a pipe, folders and mbox; where a text is asked about; and the mail server's log, which says how it left |
//! | 5 | [`alarm`] | the clock that wakes people |
//! | 5 | [`console`] | what is asked of it over HTTP: health and metrics |
//! | 6 | [`config`] | as written, as runnable, every problem drawn |
//! | 7 | [`daemon`] | the process that stays |
//! | 8 | [`cli`] | one file a command |
//! | – | [`manual`] | chapters to read; no code |
//!
//! A room knows only rooms below it; `tests/floors.rs` reads every `use` and fails on anything else.
//!
//! # Invariants
//!
//! 1. cpr, mime, extract, scan, policy and case do no I/O, read no clock and cannot fail. What could not be read
//!    is data ([`scan::coverage::Coverage::Partial`]), never an `Err`.
//! 2. Every byte of a message belongs to exactly one region that the walker reported.
//! 3. The result of a scan does not depend on how the bytes were cut into chunks.
//! 4. No door decides: milter, SMTP, pipe, `brevdue scan --from --to` and `brevdue policy explain` give the same verdict for
//!    the same bytes and envelope.
//! 5. The final reply is written only from an [`inspect::Answerable`], which only `inspect` makes; a yes for a mail in our
//!    own hands only from the next hop's ([`outlet::smtp::Accepted`]) or the disk's ([`spool::held::Receipt`]). No delivery
//!    without [`scan::coverage::Clean`] or a named [`envelope::Pass`].
//! 6. A finding is in the store before the mail is handed on and before the answer goes to the client. A store
//!    that cannot write means 451.
//! 7. No CPR digit, subject, citizen's local part or body byte reaches a log, a notice, a page or the store. Names that
//!    are shown go through digit masking. The numbers of a breach are sealed to the DPO's key.
//! 8. `unsafe` stands in [`kernel`] and nowhere else: four loops, each with a scalar twin and a differential test.
//! 9. A deadline moves only by an event in the register.

pub mod alarm;
pub mod case;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod cpr;
pub mod daemon;
pub mod envelope;
pub mod export;
pub mod extract;
pub mod inspect;
pub mod intake;
pub mod kernel;
pub mod manual;
pub mod mime;
pub mod nearest;
pub mod outlet;
pub mod policy;
pub mod scan;
pub mod seal;
pub mod spool;
pub mod store;
pub mod worker;
