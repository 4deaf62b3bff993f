//! The one integration binary: the program as its users meet it.

mod alarm;
mod commands;
mod crash;
mod floors;
mod gate;
mod harness;
mod key;
mod no_leak;
mod postfix;
// Said to be tests, so that clippy lets helpers unwrap too.
#[cfg(test)]
mod scan;
mod store;
mod support;
