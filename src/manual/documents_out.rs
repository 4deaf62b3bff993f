//! Documents: what leaves on paper, and who reads it first.
//!
//! | command | what comes out |
//! |---|---|
//! | `brevdue case export CASE --as copy-sheet [--kind preliminary\|supplement\|final] [--form html]` | Datatilsynet's twelve points, field by field, to be copied to Virk |
//! | `brevdue case export CASE --as letter [--language da\|en\|both]` | the letter to the persons (GDPR art. 34), with `«NAVN»` and `«ADRESSE»` as merge fields |
//! | `brevdue case export CASE --as notice` | a processor's notice (art. 33(2)), with when it was sent and received |
//! | `brevdue case export CASE --as pdf --out FILE` | the whole case as PDF/A-2u |
//! | `brevdue case persons CASE --identity FILE [--csv OUT]` | who must be written to: the DPO's key, the DPO's machine |
//! | `brevdue report register --as csv\|xlsx\|pdf --out FILE` | the register (art. 33(5)), one row a case |
//! | `brevdue report encryption [--as text\|csv]` | roads, deliveries by month, domain and proof, promises open, bypasses |
//!
//! # The copy sheet
//! A field says where its value comes from: the register (counts, times, domains, proofs), a person, or nobody: then it is named
//! in the list of what is missing, which also goes to standard error. Counts that a person wrote stand before those of the
//! register. A supplement begins with what was written since the last notification was *sent*, with what stood there then, from
//! the register's own lines. `--form html` makes a page without script in which a click selects a field whole. Brevdue notifies
//! nobody; a person does, on Virk, and keeps the receipt.
//!
//! # The persons
//! The numbers of a breach lie sealed to the DPO's key in `evidence/` of each node's spool. Copy that folder to the DPO's machine
//! (`--spool DIR` names the folder above it); no register is needed there. The file for mail merge is UTF-8 with a byte order
//! mark and `;`, for its owner alone (0600), and replaces no other; `--ten-digits` leaves out the hyphen, as Digital Post's
//! `recipientID` wants it. Seals that the key does not open are counted in a warning and end in exit code 2: another key of the
//! DPO may open them. Behind many nodes, ask each node's folder. Erase the file after use; no number goes into the letter itself.
//!
//! # Read before they leave
//! Every other document is read by our own scanner, with the rules in force and without the list of allowed numbers: its text
//! before it is made, and XLSX, PDF, HTML and CSV once more as a file, by the readers that read attachments. A number found means
//! that no file is written; the error names the document, and never the number. Where `[documents]` is off the text alone is read,
//! and a line on standard error says so.
//!
//! # Spreadsheets
//! CSV opens in Danish Excel by a double click. A text that begins with `=`, `+`, `-` or `@` gets an apostrophe before it in CSV; in
//! XLSX it is a text cell, which no program computes. Times are Danish time.
//!
//! # Severity
//! ENISA's score stands as advice with its sum, its inputs and two flags (more than a hundred persons; data unintelligible to who got
//! them). Where nobody gave inputs, the sum for CPR numbers alone at the right authority is shown as where to begin. No state
//! and no deadline depends on it.
