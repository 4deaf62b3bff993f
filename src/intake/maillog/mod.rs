//! The mail server's own log: proof, afterwards, of how mail travelled.
//!
//! What was decided before a mail left is a promise; the log says what became of it. [`follow`] reads the log as it grows,
//! [`line`] its lines, and [`join`] tells which delivery went over which session. Never keeps an address. Start reading
//! at [`join`].

pub mod follow;
pub mod join;
pub mod line;
