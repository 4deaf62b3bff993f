//! Old mail: what left before Brevdue stood there, or while it did not.
//!
//! `brevdue archive PATH...` reads mail that lies somewhere, and puts what left with a number in it into the register as the
//! gate does: one incident for each template of a source, a case with its own clock for each controller, persons counted
//! once, their numbers sealed to the DPO's key. Begin with `--dry-run`, which counts and writes nothing.
//!
//! ```text
//! brevdue archive --config brevdue.toml --dry-run /backup/mail
//! brevdue archive --config brevdue.toml /backup/mail export.zip old.mbox
//! ```
//!
//! # What it reads
//! Single mails, mbox, Maildir, folders of them, zips of them (mbox within too; a zip within a zip is not opened), and standard
//! input. A journal report of Exchange (`X-MS-Journal-Report`) is opened: the mail in it is what is read. `always_bcc` of
//! Postfix makes ordinary mail. Queue files of Postfix are not read: `postcat` makes mail of them. What is no mail is counted
//! and left aside; for documents there is `brevdue scan`.
//!
//! # Whose it was, and how it travelled
//! Sender and recipients are the envelope's where a journal report has it. Elsewhere `Return-Path` and the line of an mbox tell
//! the sender, and `To`, `Cc` and `Bcc` whom it went to; the last lines say for how many mails that was so. Who answers for it
//! is decided as the gate decides it, or by `--controller`. A `[[source]]`, or `--source NAME`, tells the templates of a system
//! apart; mail of no source makes one case for each writer and controller.
//!
//! A file does not say how its mail travelled. Without `--assume`, a find is certain where the configuration's road is open
//! today, and suspected where the road is protected or unknown: a road that is protected today proves nothing of then. With
//! `--assume delivered` a person says that all of it left readable; with `--assume unknown` every case is suspected.
//!
//! # Two times
//! *Found* is when the scan was made: the organisation becomes aware then, and the 72 hours run from there (GDPR art. 33(1)).
//! *Sent* is what the mail says itself, in `Date`, or else in the `Received` line of its first hop; a date before 1980 or in the
//! future is none. The two are never mixed: `brevdue case show` has both.
//!
//! # Killed, repeated, overlapping
//! Finds are recorded in batches of 500, each whole or not at all, and a mail is known by a keyed digest of its Message-ID, its
//! numbers and its controller (without a Message-ID: of its telling fields and the start of its text). So the same command goes
//! on where it was killed; a mail that lies in two archives counts once; and one that the gate has recorded is not counted
//! again. What was read before a kill is read again, but not recorded again.
//!
//! | killed | on disk | what the next run does |
//! |---|---|---|
//! | while cases are opened | cases without mails | puts the mails into them |
//! | after numbers are sealed, before their rows | numbers without rows, under their own case | seals them again; a reader sees each once |
//! | after the rows | all of it | knows them |
//!
//! The DPO is told of each case once, as of any case: 25,000 mails of one template to 74 municipalities make 74 notices.
