//! What we keep as files: the sealed numbers of breaches, and sealed mail that waits for a person.
//!
//! Files and not rows, because what is sealed must be on disk before the row that speaks of it, and because a
//! stolen copy of the database must hold none of it. A milter leaves held mail with the mail server; the doors that
//! answer for a mail themselves keep it here. Start reading at [`held`] and [`evidence`];
//! [`draft`] is a mail that is still coming in.

pub mod draft;
pub mod durable;
pub mod erased;
pub mod evidence;
pub mod held;
pub mod recover;
pub mod segment;
