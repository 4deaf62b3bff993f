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
//! Single mails (.eml, .emlx), mbox, Maildir, folders of them, zips of them (mbox within too), and each of them made smaller by
//! gzip, as Dovecot keeps mails; and standard input, with gzip or without, but no zip. A journal report of Exchange
//! (`X-MS-Journal-Report`) is opened: the mail in it is what is read, and the whole report where a number can stand around it. A
//! recipient of its envelope that is no address is an error (exit code 2): somebody's case may be missing. `always_bcc` of
//! Postfix makes ordinary mail. Queue files of Postfix are not read: `postcat` makes mail of them. What is no mail is counted
//! and left aside; for documents there is `brevdue scan`. `--as message/rfc822` or `--as application/mbox` reads every file as
//! that, in a zip too.
//!
//! In a zip every member is read, those of one name too, and all zips that were put behind one another in one file. Where its
//! directory does not count all that it lists, or something else stands before the first member, that is an error. A mail in a
//! zip is named by its member, and in an mbox there by its message too: `export.zip#2#17`.
//!
//! A Maildir has `cur` and `new`; a hidden folder of Maildir++ (`.Sent`) may have lost the empty one of them. What Dovecot and
//! Courier keep beside them, and what is hidden, is left out and counted.
//!
//! Old mbox files break the rule of `From ` behind a blank line. Here a line parts two mails when it has a date, as C or as mail
//! writes it, or a header field follows on it (any, where an address stands in the line); without the blank line, when both is
//! so. A byte order mark and blank lines before the first are passed over. Of an .emlx the length is believed where the property
//! list follows on it.
//!
//! *Read whole* is exit code 0. A file in which mail may lie and that is not opened is named on standard error, and the exit code
//! is 3: .msg and all of that form, .pst, .ost, .olm, .dbx, .edb, .nsf, a zip within a zip, tar, 7z, rar, bzip2, xz and others,
//! known by their first bytes whatever they are called, and what is no text and nobody knows. So is a link in a folder, which
//! is not followed (name it to have it read), and a pipe or socket there. The exit code is 3, too, when a mail could not be read
//! whole: the first 20 such mails are named with what was not read. What was found in the rest is recorded, and its persons are
//! *mindst* so many.
//!
//! # Whose it was, and how it travelled
//! Sender and recipients are the envelope's where a journal report has it. Elsewhere `Return-Path` and the line of an mbox tell
//! the sender, and `To`, `Cc` and `Bcc` whom it went to; the last lines say for how many mails that was so. Who answers for it
//! is decided as the gate decides it, or by `--controller`; where no controller and no source names the sender, as with a bounce
//! service or an mbox of Google Takeout, the author (`From`) is asked. A `[[source]]`, or `--source NAME`, tells the templates of
//! a system apart (the name as the configuration has it, in any case; `--new-source` with a name that it does not have);
//! mail of no source makes one case for each writer and controller.
//!
//! *Received mail is not the receiver's breach.* An inbox, and a journal, hold what others sent. Only mail whose sender or author
//! is in the `domains` or `sources` of a `[[controller]]`, or is a `[[source]]`, is taken; the rest is counted as *modtaget
//! udefra*. So name all domains that the house sends from (`*.kommune.example` for those below one); while the default
//! controller names none, nobody can tell, and all of it is taken. With `--controller` or
//! `--source` a person says that all of it was sent, and all of it is taken. A mail of which no header tells who sent it is
//! named, and recorded only then.
//!
//! A file does not say how its mail travelled. Without `--assume`, a find is certain where the configuration's road is open
//! today, and suspected where the road is protected or unknown: a road that is protected today proves nothing of then. With
//! `--assume delivered` a person says that all of it left readable; with `--assume unknown` every case is suspected.
//!
//! A mail that the gate stopped lies in its sender's archive all the same. It stays a near miss and is told as such (*står som
//! afværget*). With `--assume delivered` it is one that left too, in a case of its own; and where a journal has its envelope, in a
//! suspected one, since a journal has a mail when the server takes it, and the gate may stand behind.
//!
//! # What is one letter
//! The mails of a source that are one letter are one incident, at the gate and in an archive alike. A letter is known by its words
//! without names, numbers and dates, as keyed tags: by most of them, by its beginning, or by its end where the subject is the
//! same. So a paragraph more, a name in lower case or a field for free text makes no second case. The order in which an archive is
//! read makes no other letters of it, but a mail that holds two letters may stand under either. What is free text all through is like no
//! letter: while 32 letters of a source have come once only, all that is like none is one case of that source.
//!
//! # Two times
//! *Found* is when the scan was made: the organisation becomes aware then, and the 72 hours run from there (GDPR art. 33(1)).
//! Each batch is found when it is recorded, so a case that is opened in the third hour of a scan has all its 72.
//! *Sent* is what the mail says itself, in `Date`, or else in the `Received` line of its first hop; a date before 1980 or in the
//! future is none. A zone that RFC 5322 does not name is taken as UTC; CET and CEST are known. The two are never mixed:
//! `brevdue case show` has both.
//!
//! # Killed, repeated, overlapping
//! Finds are recorded in batches of 500, each whole or not at all, and a mail is known by a keyed digest of its Message-ID and
//! its controller, and by the day that it says (without a Message-ID: of its telling fields, the start of its text and its
//! numbers). So the same command goes on where it was killed; a mail that lies in two archives counts once; and one that the
//! gate has recorded is not counted again. What was read before a kill is read again, but not recorded again.
//!
//! Of copies the strictest counts, in whatever order they are read and in however many runs: one that went by an open way, or
//! `--assume delivered`, ends a suspicion (*bekræftet*), and the recipients and persons of all copies are the mail's. So is the
//! day, where only one says it, and what stood beside the numbers. Where that is news to a case that was settled, it is proposed
//! to reopen it. Only the case is the first one's: a mail that was recorded by a copy of which no header tells the system stays
//! where it was put when a copy that tells it comes in a later batch or run; within a batch the copy that tells it decides.
//!
//! What is seen is kept in memory while it runs: some 150 to 250 bytes for each different mail with a number (each controller
//! of it), and 16 for each person.
//!
//! | killed | on disk | what the next run does |
//! |---|---|---|
//! | while cases are opened | cases without mails | puts the mails into them |
//! | after numbers are sealed, before their rows | numbers without rows, under their own case | seals them again; a reader sees each once |
//! | after the rows | all of it | knows them |
//!
//! The DPO is told of each case once, as of any case: 25,000 mails of one template to 74 municipalities make 74 notices.
