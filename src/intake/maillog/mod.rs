//! The mail server's own log: proof, afterwards, of how mail travelled.
//!
//! What was decided before a mail left is a promise; the log says what became of it. [`task`] reads the log as it grows
//! ([`mod@follow`] a file, or the journal), [`mod@line`] its lines, [`join`] tells which delivery went over which session, and
//! [`witness`] what that means for the register. Never keeps an address. Start reading at [`witness`].

pub mod counters;
pub mod follow;
pub mod join;
pub mod line;
pub mod settings;
pub mod task;
pub mod witness;

pub use counters::{Counters, Snapshot};
pub use settings::{Bypass, Settings, Source};
