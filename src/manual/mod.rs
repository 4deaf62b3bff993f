//! The manual: what a person who runs Brevdue should know beyond the README. Chapters only, no code.
//!
//! What each failure does to mail is a table of its own: [`FAILURES`](crate::console::failures::FAILURES), shown by
//! `brevdue status`.

pub mod alarms;
pub mod archive;
pub mod asking;
pub mod case;
pub mod digital_post;
pub mod documents_out;
pub mod held;
pub mod processor;
pub mod running;
pub mod tuning;
