//! Where things go out. So far: notices to people.

pub mod notice;
