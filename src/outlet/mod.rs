//! Where things go out: notices to people, and what Postfix is to do with the mail it holds.

pub mod notice;
pub mod postfix;
