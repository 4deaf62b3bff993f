//! Documents read by others: one process a document, within walls and a budget.
//!
//! A document is foreign and its form is old and large; what reads it may hang, break down or be taken over. So it is
//! read by a process that can do nothing but read one pipe and write another, started from our own binary
//! ([`run`]), watched from here by the clock, and thought ill of: whatever becomes of it is an outcome, and never an
//! error of ours. Workers are started a little ahead of their documents, each for one. Start reading at [`Workers`]. Tests: `tests/documents.rs`.

mod ahead;
mod budget;
mod child;
mod gathered;
mod process;
mod sandbox;
mod spawn;
mod turn;
mod wire;

pub use budget::{Budget, Recogniser, Settings};
pub use child::{recognise, run};
pub use sandbox::Walls;
pub use spawn::Workers;
