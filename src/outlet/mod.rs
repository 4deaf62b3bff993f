//! Where things go out: notices to people, mail to its next hop, and what Postfix is to do with the mail it holds.
//!
//! Start reading at [`smtp`], the client that hands mail on and brings the next hop's own words back; [`secure`] is the
//! TLS of it, [`hop`] whom it speaks to, [`reply`] what it hears. [`memo`] is Digital Post, as files; [`notice`] is alarms, [`postfix`] Postfix's own programs.

pub mod hop;
pub mod memo;
pub mod notice;
pub mod postfix;
pub mod reply;
pub mod secure;
pub mod smtp;
pub mod webhook;
mod wire;

#[doc(hidden)]
pub use wire::dotted;
