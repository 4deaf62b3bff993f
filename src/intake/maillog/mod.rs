//! The mail server's own log: proof, afterwards, of how mail travelled.
//!
//! What was decided before a mail left is a promise; the log says what became of it. Start reading at [`line`], then
//! [`join`]. Never keeps an address.

pub mod join;
pub mod line;
