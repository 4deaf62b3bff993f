//! The one integration binary: the program as its users meet it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that finds something else than it expects ends, in its helpers too"
)]
// A message of a test is put together for reading, not for speed.
#![allow(clippy::format_collect, clippy::format_push_string, reason = "a few allocations in a test")]

mod acts;
mod alarm;
// Said to be tests, so that clippy lets helpers unwrap too.
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod archive;
// Said to be tests, so that clippy lets helpers unwrap too.
#[cfg(test)]
mod archive_inputs;
mod archived;
mod check;
mod chunking;
mod commands;
mod corpus;
mod crash;
mod documents;
mod equivalence;
mod explain;
mod failures;
// Said to be tests, so that clippy lets helpers unwrap too.
#[cfg(test)]
mod faults;
mod floors;
mod gate;
mod harness;
mod held;
// Said to be tests, so that clippy lets helpers unwrap too.
#[cfg(test)]
mod hide;
mod hostile;
mod key;
mod maillog;
mod malformed;
mod memory;
mod mutants;
mod no_leak;
mod old_documents;
mod outlet;
// Said to be tests, so that clippy lets helpers unwrap too.
#[cfg(test)]
mod paper;
mod pdf;
mod pictures;
mod pipe;
mod postfix;
mod register;
mod relay;
mod reload;
mod reuse;
mod roads;
mod rules;
// Said to be tests, so that clippy lets helpers unwrap too.
#[cfg(test)]
mod scan;
mod served;
mod smtp_door;
mod store;
// What the tests stand on tells what failed instead; see its head.
#[warn(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
mod support;
mod workers;
