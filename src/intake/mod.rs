//! Where mail comes in: protocol only, no opinion.
//!
//! A door reads its protocol, feeds the gate, and answers what the gate says ([`crate::inspect::Answerable`]).
//! Start reading at [`milter`]; [`archive`] is mail that already lies somewhere, [`check`] a text that is asked about.

pub mod archive;
pub mod bind;
pub mod check;
pub mod listen;
pub mod maillog;
pub mod milter;

pub use listen::{ListenAddr, ListenAddrError};
