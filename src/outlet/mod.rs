//! Where things go out: notices to people, and mail to its next hop.
//!
//! Start reading at [`smtp`], the client that hands mail on and brings the next hop's own words back; [`secure`] is the
//! TLS of it, [`hop`] whom it speaks to, [`reply`] what it hears. [`notice`] is alarms.

pub mod hop;
pub mod notice;
pub mod reply;
pub mod secure;
pub mod smtp;
mod wire;
