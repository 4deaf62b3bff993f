//! Where mail comes in: protocol only, no opinion.
//!
//! A door reads its protocol, feeds the gate, and answers what the gate says ([`crate::inspect::Answerable`]).
//! Start reading at [`milter`], where the mail server keeps the mail, and [`smtp`], where it passes through our hands;
//! [`pipe`] is the latter for one mail on standard input; [`archive`] is mail that already lies somewhere, [`check`] a text
//! that is asked about.

pub mod archive;
pub mod bind;
pub mod check;
pub mod counters;
mod handover;
mod holding;
pub mod listen;
pub mod maillog;
pub mod milter;
pub mod pipe;
mod reception;
pub mod smtp;
mod told;

pub use listen::{ListenAddr, ListenAddrError};
